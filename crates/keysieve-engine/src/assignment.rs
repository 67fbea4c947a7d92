//! A name and the value assigned to it, in whatever syntax surrounds them.
//!
//! In comes a text and where in it a keyword stands; out go the whole name, the value and how the two are joined. The
//! parser reads forward from the keyword, once, over a bounded number of bytes, and never guesses a value that is no
//! literal: `password = get(…)` has none.

use std::ops::Range;

use memchr::{memchr, memchr2};

use super::{escape, words};

/// Most bytes of a name before and after the keyword in it.
const NAME_LIMIT: usize = 96;
/// Most bytes of a value.
const VALUE_LIMIT: usize = 4096;
/// Most bytes of a value without quotes. Longer text without a blank is data, and reading it from each of its keywords on
/// would take time in proportion to its square.
const BARE_LIMIT: usize = 1024;

/// Fewest numbers that are taken for the bytes of a key.
const LEAST_NUMBERS: usize = 12;

/// How a name and its value are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// `=`, `:`, `:=`, `=>` and the like.
    Assigned,
    /// `==`, `!=`, `===`.
    Compared,
    /// `set_name("value")`, `("name", "value")`.
    Called,
    /// `<name>value</name>`, `<x name="name">value</x>`.
    Element,
    /// `--name value`, `NAME 'value'`.
    Juxtaposed,
}

/// A name with a literal value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name, without quotes.
    pub name: Range<usize>,
    /// The value, without quotes.
    pub value: Range<usize>,
    /// What joins them.
    pub join: Join,
    /// Whether the value is a string literal (an XML element's text counts as one).
    pub quoted: bool,
    /// Whether the name itself is a string literal.
    pub name_quoted: bool,
    /// Whether a call stands between the name and its value: `key = []byte("…")`.
    pub wrapped: bool,
}

/// Reads the assignment whose name holds `keyword`, if there is one and its value is a literal.
pub(crate) fn parse(text: &[u8], keyword: Range<usize>) -> Option<Assignment> {
    // A short keyword brings its own punctuation (`pwd:`), which is no part of the name.
    let outside = |byte: &&u8| !is_name(**byte);
    let keyword = keyword.start + text[keyword.clone()].iter().take_while(outside).count()
        ..keyword.end - text[keyword.clone()].iter().rev().take_while(outside).count();
    if keyword.is_empty() {
        return None;
    }
    let floor = keyword.start.saturating_sub(NAME_LIMIT);
    let mut start = keyword.start;
    while start > floor && is_name(text[start - 1]) {
        start -= 1;
    }
    let ceiling = text.len().min(keyword.end + NAME_LIMIT);
    let mut end = keyword.end;
    while end < ceiling && is_name(text[end]) {
        end += 1;
    }
    // `-` joins words, but also ends a name (`password->`); dots end sentences.
    while end > keyword.end && matches!(text[end - 1], b'-' | b'.') {
        end -= 1;
    }
    start = escape::skip(text, start, keyword.start);
    let option = start < end && text[start] == b'-';
    while start < keyword.start && matches!(text[start], b'-' | b'.') {
        start += 1;
    }
    let name = start..end;
    let before = start.checked_sub(1).map(|at| text[at]);
    let mut cursor = Cursor { text, at: end };
    let name_quoted = before.is_some_and(is_quote) && cursor.close_name(before?);
    let joined = cursor.join(name_quoted, option, before)?;
    cursor.skip_blanks();
    let literal = || cursor.fallback().or_else(|| cursor.numbers());
    if let Some(value) = matches!(joined, Join::Assigned).then(literal).flatten() {
        return Some(Assignment { name, value, join: joined, quoted: true, name_quoted, wrapped: false });
    }
    if let Some(value) = logs_in(&text[name.clone()]).then(|| cursor.last_argument(joined)).flatten() {
        return Some(Assignment { name, value, join: Join::Called, quoted: true, name_quoted, wrapped: false });
    }
    let at = cursor.at;
    let wrapped = matches!(joined, Join::Assigned | Join::Compared) && cursor.skip_call();
    let skipped = if wrapped { 0 } else { names_before(text, start) };
    let (value, quoted) = match cursor.nth_value(skipped, joined, option, starts_line(text, start)) {
        Some(found) => found,
        None if wrapped => {
            cursor.at = at;
            cursor.value(joined, option, starts_line(text, start))?
        }
        None => return None,
    };
    let value = if quoted { inner_value(text, &value).unwrap_or(value) } else { value };
    let quoted = quoted || joined == Join::Element || joined == Join::Assigned && is_in_literal(text, start);
    (!value.is_empty()).then_some(Assignment { name, value, join: joined, quoted, name_quoted, wrapped })
}

/// Whether a function of this name takes a user's name and then the password: `ftp.login`, `BasicAuth`.
pub(crate) fn logs_in(name: &[u8]) -> bool {
    let lower = name[name.len() - name.len().min(16)..].to_ascii_lowercase();
    words::LOGINS.iter().any(|login| lower.ends_with(login.as_bytes()))
}

/// The longest string among the values of a JSON object that is itself the value of a string literal: in
/// `"token": "{\"app\":\"shop\",\"sum\":\"965c…\"}"` it is the sum.
fn inner_value(text: &[u8], object: &Range<usize>) -> Option<Range<usize>> {
    let inner = &text[object.clone()];
    if inner.first() != Some(&b'{') || inner.last() != Some(&b'}') {
        return None;
    }
    let mut quotes = memchr::memchr_iter(b'"', inner);
    let mut longest: Option<Range<usize>> = None;
    let mut is_value = false;
    while let (Some(open), Some(close)) = (quotes.next(), quotes.next()) {
        let end = close - inner[open + 1..close].iter().rev().take_while(|byte| **byte == b'\\').count();
        if is_value && longest.as_ref().is_none_or(|found| found.len() < end - open - 1) {
            longest = Some(open + 1..end);
        }
        is_value = inner[close + 1..].trim_ascii_start().first() == Some(&b':');
    }
    longest.map(|found| object.start + found.start..object.start + found.end)
}

/// Where the line of `at` starts, but at most `limit` bytes before.
pub(crate) fn line_start(text: &[u8], at: usize, limit: usize) -> usize {
    let floor = at.saturating_sub(limit);
    memchr::memrchr(b'\n', &text[floor..at]).map_or(floor, |found| floor + found + 1)
}

/// Whether the bare name at `at` stands inside of a string literal or is a parameter of a URL, so that its bare value is
/// text and no identifier: `"AccountKey=…"`, `?token=…`.
fn is_in_literal(text: &[u8], at: usize) -> bool {
    if at > 0 && matches!(text[at - 1], b'?' | b'&') {
        return true;
    }
    let mut open = None;
    let mut escaped = false;
    for &byte in &text[line_start(text, at, 256)..at] {
        match open {
            _ if escaped => {
                escaped = false;
                continue;
            }
            Some(quote) if byte == quote => open = None,
            None if is_quote(byte) => open = Some(byte),
            _ => {}
        }
        escaped = byte == b'\\';
    }
    open.is_some()
}

/// How many names stand before the one at `at` in `user, password = "a", "b"`.
fn names_before(text: &[u8], at: usize) -> usize {
    let Some(before) = text[line_start(text, at, 64)..at].trim_ascii().strip_suffix(b",") else { return 0 };
    let names = || before.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    match names().all(|name| !name.is_empty() && name.iter().all(|byte| is_name(*byte))) {
        true => names().count(),
        false => 0,
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$')
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether only indentation, a comment sign, a list dash or a declaring word stands before `at` on its line.
fn starts_line(text: &[u8], at: usize) -> bool {
    let floor = at.saturating_sub(64);
    let line = match memchr::memrchr(b'\n', &text[floor..at]) {
        Some(found) => &text[floor + found + 1..at],
        None if floor == 0 => &text[..at],
        None => return false,
    };
    matches!(line.trim_ascii(), b"" | b"-" | b"export" | b"ENV" | b"ARG" | b"#" | b"+" | b"//" | b";")
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn starts_with(&self, prefix: &[u8]) -> bool {
        self.text[self.at..].starts_with(prefix)
    }

    fn eat(&mut self, prefix: &[u8]) -> bool {
        let found = self.starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn skip_white(&mut self, limit: usize) {
        let end = self.text.len().min(self.at + limit);
        while self.at < end && self.text[self.at].is_ascii_whitespace() {
            self.at += 1;
        }
    }

    /// Passes the quote that closes the name, escaped or not.
    fn close_name(&mut self, quote: u8) -> bool {
        let mut at = self.at;
        while self.text.get(at) == Some(&b'\\') {
            at += 1;
        }
        let closed = self.text.get(at) == Some(&quote);
        if closed {
            self.at = at + 1;
        }
        closed
    }

    /// Passes what joins name and value.
    fn join(&mut self, name_quoted: bool, option: bool, before: Option<u8>) -> Option<Join> {
        while self.peek().is_some_and(|byte| matches!(byte, b']' | b'}')) {
            self.at += 1;
        }
        let blank_from = self.at;
        self.skip_blanks();
        let blank = self.at > blank_from;
        match self.peek()? {
            b'=' if self.eat(b"==") => {
                self.eat(b"=");
                Some(Join::Compared)
            }
            b'!' if self.eat(b"!=") => {
                self.eat(b"=");
                Some(Join::Compared)
            }
            b'=' => {
                self.at += 1;
                self.eat(b">");
                Some(Join::Assigned)
            }
            b':' if self.starts_with(b"::") => None,
            b':' => {
                self.at += 1;
                self.eat(b"=");
                self.skip_type();
                Some(Join::Assigned)
            }
            b'|' if self.eat(b"||=") => Some(Join::Assigned),
            b'?' if self.eat(b"?=") || self.eat(b"??=") => Some(Join::Assigned),
            b'(' if !name_quoted => {
                self.at += 1;
                Some(Join::Called)
            }
            b',' if name_quoted || before == Some(b':') => {
                self.at += 1;
                self.named_value();
                Some(Join::Called)
            }
            b'>' if name_quoted || matches!(before, Some(b'<' | b':')) => {
                self.at += 1;
                Some(Join::Element)
            }
            b'\n' | b'\r' => self.named_value().then_some(Join::Assigned),
            _ if blank && name_quoted && self.named_value() => Some(Join::Assigned),
            byte if blank && (option || is_quote(byte)) => Some(Join::Juxtaposed),
            byte if blank && byte.is_ascii_alphabetic() => self.typed_name().then_some(Join::Assigned),
            _ => None,
        }
    }

    /// `name: Type = …` and `const name: &str = …`: passes the type, if one stands there.
    fn skip_type(&mut self) {
        let rest = &self.text[self.at..self.text.len().min(self.at + 48)];
        let Some(equals) = rest.iter().position(|byte| matches!(byte, b'=' | b'\n' | b'"' | b',' | b';')) else {
            return;
        };
        let is_type = rest[..equals].iter().all(|&byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b' ' | b'_' | b'<' | b'>' | b'&' | b'\'' | b'?' | b'|' | b'.' | b'[' | b']' | b':')
        });
        let is_text = rest.trim_ascii_start().first().copied().is_some_and(is_quote);
        let typed = rest[equals] == b'=' && !is_text && is_type && rest[..equals].iter().any(u8::is_ascii_alphabetic);
        // A type is followed by ` = "…"`; `key: abc=` is a value with padding.
        if typed
            && rest.get(equals + 1).is_some_and(|&byte| is_blank(byte) || is_quote(byte))
            && !rest[..equals].ends_with(b"=")
        {
            self.at += equals + 1;
        }
    }

    /// `name string = …`: passes the type and the sign.
    fn typed_name(&mut self) -> bool {
        let mut at = self.at;
        while self.text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') && at - self.at < 24 {
            at += 1;
        }
        while self.text.get(at).copied().is_some_and(is_blank) {
            at += 1;
        }
        let assigned = self.text.get(at) == Some(&b'=') && self.text.get(at + 1) != Some(&b'=');
        if assigned {
            self.at = at + 1;
        }
        assigned
    }

    /// The name was a value itself: `{"name": "TOKEN", "value": "…"}`, `key="TOKEN" value="…"`, and in YAML with the
    /// value on the next line. Passes everything up to the value.
    fn named_value(&mut self) -> bool {
        let from = self.at;
        self.skip_white(64);
        self.eat(b",");
        self.skip_white(64);
        while self.peek().is_some_and(|byte| is_quote(byte) || byte == b'\\') {
            self.at += 1;
        }
        if self.text[self.at..].get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"value")) {
            self.at += 5;
            while self.peek().is_some_and(|byte| is_quote(byte) || byte == b'\\') {
                self.at += 1;
            }
            self.skip_blanks();
            if self.eat(b":") || self.eat(b"=") {
                return true;
            }
        }
        self.at = from;
        false
    }

    /// What stands in for a value that may be missing: `os.environ.get("X") or "v"`, `env("X", "v")`, `ENV["X"] || "v"`,
    /// `process.env.X ?? 'v'`, `getenv("X") ?: "v"`.
    fn fallback(&self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..self.text.len().min(self.at + 160)];
        let rest = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        // It starts with a name, which a literal does not.
        let first = rest.iter().position(|byte| !is_name(*byte) && *byte != b':')?;
        if first < 3 || !rest[0].is_ascii_alphabetic() && rest[0] != b'$' {
            return None;
        }
        let looks_up = rest.to_ascii_lowercase();
        let looks_up = [&b"env"[..], b"config", b"setting", b"option", b"param"]
            .iter()
            .any(|word| memchr::memmem::find(&looks_up[..first + 24.min(looks_up.len() - first)], word).is_some());
        if !looks_up {
            return None;
        }
        let signs: [&[u8]; 6] = [b" or ", b"||", b"??", b"?:", b"\",", b"',"];
        let (at, sign) = signs.iter().filter_map(|sign| Some((memchr::memmem::find(rest, sign)?, sign))).min()?;
        let blanks = rest[at + sign.len()..].iter().take_while(|byte| is_blank(**byte)).count();
        let at = at + sign.len() + blanks;
        let quote = rest.get(at).copied().filter(|byte| is_quote(*byte))?;
        let length = memchr(quote, &rest[at + 1..])?;
        (length > 0).then(|| self.at + at + 1..self.at + at + 1 + length)
    }

    /// The password among the arguments of a call that logs in: `(host, "user", "password")`, or of a pair that is
    /// assigned, `auth=("user", "password")`. It is the last of two or three string literals, and the third of four or
    /// more, which go on with a data base.
    fn last_argument(&self, joined: Join) -> Option<Range<usize>> {
        let mut cursor = Cursor { text: self.text, at: self.at };
        let called = joined == Join::Called || joined == Join::Assigned && cursor.eat(b"(");
        let limit = self.at + 256;
        let mut literals = Vec::new();
        while called && cursor.at < limit {
            cursor.skip_white(64);
            cursor.skip_string_prefix();
            match cursor.peek()? {
                quote if is_quote(quote) => {
                    let literal = cursor.literal(quote, 0)?;
                    cursor.at = literal.end + 1;
                    literals.push(literal);
                }
                _ if !literals.is_empty() => return None,
                // Something that is no literal: `host`, `self.url`.
                _ => cursor.at += self.text[cursor.at..].iter().take_while(|byte| is_name(**byte)).count(),
            }
            cursor.skip_white(64);
            match cursor.peek()? {
                b',' => cursor.at += 1,
                b')' => break,
                _ => return None,
            }
        }
        match literals.as_slice() {
            [_, password] | [_, _, password] | [_, _, password, _, ..] => Some(password.clone()),
            _ => None,
        }
    }

    /// The bytes of a key as a list of numbers, as far as the line has them: `[]byte{8, 79, 94, …}`,
    /// `[u8; 32] = [0x08, 0x4f, …]`.
    fn numbers(&self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..self.text.len().min(self.at + VALUE_LIMIT)];
        let rest = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        let is_head =
            |byte: &u8| is_name(*byte) || matches!(byte, b'[' | b']' | b':' | b';' | b'&' | b'<' | b'>' | b'=');
        let mut open = None;
        for (at, byte) in rest.iter().enumerate().take(64) {
            match byte {
                b'{' | b'(' | b'[' => open = Some(at + 1),
                byte if is_blank(*byte) => {}
                byte if byte.is_ascii_digit()
                    && open.is_some_and(|open| rest[open..at].iter().all(|it| is_blank(*it))) =>
                {
                    break;
                }
                byte if is_head(byte) => {}
                _ => return None,
            }
        }
        let list = &rest[open?..];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b',' | b' ' | b'-' | b'_');
        let list = &list[..list.iter().take_while(|byte| is_part(byte)).count()];
        let numbers = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|number| !number.is_empty());
        let is_number =
            |number: &[u8]| number.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'-'));
        let (count, long) =
            numbers.clone().fold((0, 0), |(count, long), number| (count + 1, long + usize::from(number.len() > 10)));
        if count < LEAST_NUMBERS && long < 4 || !numbers.clone().all(is_number) {
            return None;
        }
        let start = self.at + open? + (list.len() - list.trim_ascii_start().len());
        let list = list.trim_ascii();
        Some(start..start + list.strip_suffix(b",").unwrap_or(list).len())
    }

    /// Passes the head of a call whose first argument is a string literal: `new Secret(`, `[]byte(`.
    fn skip_call(&mut self) -> bool {
        let rest = &self.text[self.at..self.text.len().min(self.at + 64)];
        let Some(open) = memchr(b'(', rest) else { return false };
        let head = &rest[..open];
        let is_part = |byte: &u8| is_name(*byte) || matches!(byte, b'[' | b']' | b':' | b'<' | b'>' | b' ');
        let called = head.strip_prefix(b"new ").unwrap_or(head);
        if !called.iter().all(is_part) || called.contains(&b' ') || !called.iter().any(u8::is_ascii_alphabetic) {
            return false;
        }
        let blanks = rest[open + 1..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let is_literal = rest.get(open + 1 + blanks).copied().is_some_and(is_quote);
        if is_literal {
            self.at += open + 1 + blanks;
        }
        is_literal
    }

    /// Reads the value that follows `skipped` others: of the second name in `a, b = "x", "y"` it is the second.
    fn nth_value(
        &mut self,
        skipped: usize,
        join: Join,
        option: bool,
        starts_line: bool,
    ) -> Option<(Range<usize>, bool)> {
        let from = self.at;
        for _ in 0..skipped {
            match self.value(join, option, starts_line) {
                Some((value, true)) if self.text.get(value.end + 1) == Some(&b',') => self.at = value.end + 2,
                _ => {
                    self.at = from;
                    break;
                }
            }
        }
        self.value(join, option, starts_line)
    }

    /// Reads the value: a string literal, or bare text where no quote stands.
    fn value(&mut self, join: Join, option: bool, starts_line: bool) -> Option<(Range<usize>, bool)> {
        if join == Join::Element {
            return self.element();
        }
        self.skip_blanks();
        self.skip_string_prefix();
        let escapes_from = self.at;
        while self.peek() == Some(b'\\') {
            self.at += 1;
        }
        let escapes = self.at - escapes_from;
        match self.peek()? {
            quote if is_quote(quote) => self.literal(quote, escapes).map(|value| (value, true)),
            _ if escapes > 0 => None,
            _ if matches!(join, Join::Assigned) || join == Join::Juxtaposed && option => {
                self.bare(starts_line && join == Join::Assigned).map(|value| (value, false))
            }
            _ => None,
        }
    }

    /// Passes the letters before a string literal: `r"…"`, `b'…'`, `@"…"`, `N'…'`.
    fn skip_string_prefix(&mut self) {
        for length in 1..=2 {
            let Some(prefix) = self.text.get(self.at..self.at + length) else { return };
            let marks = prefix.iter().all(|byte| {
                matches!(byte, b'r' | b'b' | b'f' | b'u' | b'R' | b'B' | b'F' | b'U' | b'L' | b'N' | b'@' | b'$')
            });
            if marks && self.text.get(self.at + length).copied().is_some_and(is_quote) {
                self.at += length;
                return;
            }
        }
    }

    fn literal(&mut self, quote: u8, escapes: usize) -> Option<Range<usize>> {
        let triple = [quote; 3];
        if escapes == 0 && self.starts_with(&triple) {
            let start = self.at + 3;
            let rest = &self.text[start..self.text.len().min(start + VALUE_LIMIT)];
            let length = memchr::memmem::find(rest, &triple)?;
            return Some(start..start + length);
        }
        let start = self.at + 1;
        let limit = self.text.len().min(start + VALUE_LIMIT);
        let mut at = start;
        loop {
            at += memchr2(quote, b'\n', &self.text[at..limit])?;
            if self.text[at] == b'\n' {
                return None;
            }
            let slashes = self.text[start..at].iter().rev().take_while(|&&byte| byte == b'\\').count();
            // As many backslashes as before the opening quote close the string; without any, an even number does.
            if escapes > 0 && slashes == escapes || escapes == 0 && slashes % 2 == 0 {
                return Some(start..at - if escapes > 0 { slashes } else { 0 });
            }
            at += 1;
        }
    }

    fn element(&mut self) -> Option<(Range<usize>, bool)> {
        let limit = self.text.len().min(self.at + VALUE_LIMIT);
        let mut start = self.at;
        let cdata = self.starts_with(b"<![CDATA[");
        if cdata {
            start += 9;
        }
        let length = memchr(if cdata { b']' } else { b'<' }, &self.text[start..limit])?;
        let closes = cdata || self.text.get(start + length + 1) == Some(&b'/');
        let value = &self.text[start..start + length];
        let lead = value.len() - value.trim_ascii_start().len();
        let value = start + lead..start + lead + value.trim_ascii().len();
        (closes && !self.text[value.clone()].contains(&b'\n')).then_some((value, true))
    }

    fn bare(&mut self, whole_line: bool) -> Option<Range<usize>> {
        let start = self.at;
        let rest = &self.text[start..self.text.len().min(start + BARE_LIMIT)];
        if whole_line {
            let mut line = &rest[..memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())];
            if let Some(comment) = line.windows(2).position(|pair| is_blank(pair[0]) && pair[1] == b'#') {
                line = &line[..comment];
            }
            let mut line = line.trim_ascii_end();
            // An escaped line break of a JSON or shell string ends the line as well.
            if let Some(escaped) = memchr::memmem::find(line, b"\\n") {
                line = &line[..escaped];
            }
            while let [head @ .., b',' | b';'] = line {
                line = head;
            }
            if !line.iter().any(u8::is_ascii_whitespace) {
                return (!line.is_empty() && line.len() < BARE_LIMIT).then(|| start..start + line.len());
            }
        }
        let length = rest
            .iter()
            .position(|&byte| {
                byte.is_ascii_whitespace()
                    || byte.is_ascii_control()
                    || matches!(
                        byte,
                        b',' | b';' | b'&' | b'<' | b'>' | b'"' | b'\'' | b'`' | b')' | b'}' | b']' | b'\\'
                    )
            })
            .unwrap_or(rest.len());
        (length > 0 && length < BARE_LIMIT).then(|| start..start + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String, bool)> {
        let lower = text.to_ascii_lowercase();
        let at = lower.find("password").or_else(|| lower.find("token"))?;
        let length = if lower[at..].starts_with("password") { 8 } else { 5 };
        let found = parse(text.as_bytes(), at..at + length)?;
        Some((text[found.name].to_owned(), text[found.value].to_owned(), found.quoted))
    }

    #[test]
    fn reads_every_common_syntax() {
        for (text, name, value, quoted) in [
            (r#"db_password = "s3cr3t!""#, "db_password", "s3cr3t!", true),
            ("password: s3cr3t # why", "password", "s3cr3t", false),
            (r#"{"password": "s3cr3t"}"#, "password", "s3cr3t", true),
            (r#"{ user: a, password: s3cr3t, x: 1 }"#, "password", "s3cr3t", false),
            ("'password' => 's3cr3t',", "password", "s3cr3t", true),
            ("<password>s3cr3t</password>", "password", "s3cr3t", true),
            ("<ns:password><![CDATA[s3cr3t]]></ns:password>", "password", "s3cr3t", true),
            (r#"<add key="DbPassword" value="s3cr3t"/>"#, "DbPassword", "s3cr3t", true),
            (r#"<string name="password">s3cr3t</string>"#, "password", "s3cr3t", true),
            ("run --password s3cr3t --x", "password", "s3cr3t", false),
            ("run --db-password=s3cr3t --x", "db-password", "s3cr3t", false),
            ("PASSWORD=s3cr3t cmd", "PASSWORD", "s3cr3t", false),
            ("export PASSWORD=s3&cr(3t", "PASSWORD", "s3&cr(3t", false),
            ("url?password=s3cr3t&x=1", "password", "s3cr3t", true),
            ("setPassword(\"s3cr3t\")", "setPassword", "s3cr3t", true),
            ("map.put(\"password\", \"s3cr3t\")", "password", "s3cr3t", true),
            ("config['db']['password'] = 's3cr3t'", "password", "s3cr3t", true),
            ("const password: &str = \"s3cr3t\";", "password", "s3cr3t", true),
            ("val password: String? = \"s3cr3t\"", "password", "s3cr3t", true),
            ("const password string = `s3cr3t`", "password", "s3cr3t", true),
            ("String password=\"s3\\\"cr3t\";", "password", "s3\\\"cr3t", true),
            (r#""{\"password\":\"s3cr3t\"}""#, "password", "s3cr3t", true),
            ("- name: DB_PASSWORD\n  value: s3cr3t\n", "DB_PASSWORD", "s3cr3t", false),
            (r#"{"name": "DB_PASSWORD", "value": "s3cr3t"}"#, "DB_PASSWORD", "s3cr3t", true),
            ("password = '''s3cr3t'''", "password", "s3cr3t", true),
            ("password = r's3cr3t'", "password", "s3cr3t", true),
            ("if password == 's3cr3t':", "password", "s3cr3t", true),
            ("ALTER USER x PASSWORD 's3cr3t'", "PASSWORD", "s3cr3t", true),
            ("spring.datasource.password=s3cr3t", "spring.datasource.password", "s3cr3t", false),
            ("token: YWJjZGVmZw==", "token", "YWJjZGVmZw==", false),
            ("password: 'YWJjZGVmZw='", "password", "YWJjZGVmZw=", true),
            ("login, password = 'ann', 's3cr3t'", "password", "s3cr3t", true),
            ("password := []byte(\"s3cr3t\")", "password", "s3cr3t", true),
            ("Value password = new Value(\"s3cr3t\");", "password", "s3cr3t", true),
            ("set(:app, :password, 's3cr3t')", "password", "s3cr3t", true),
            ("\"host=a;password=s3cr3t\"", "password", "s3cr3t", true),
            ("// see http://x/y?token=s3cr3t for", "token", "s3cr3t", true),
            ("password = os.environ.get('DB') or 's3cr3t'", "password", "s3cr3t", true),
            ("password = os.getenv(\"DB\", \"s3cr3t\")", "password", "s3cr3t", true),
            ("password: process.env.DB_PASSWORD || 's3cr3t',", "password", "s3cr3t", true),
            ("const token = process.env['TOKEN'] ?? `s3cr3t`;", "token", "s3cr3t", true),
            ("$password = getenv('DB') ?: 's3cr3t';", "$password", "s3cr3t", true),
            ("password = ENV.fetch('DB', 's3cr3t')", "password", "s3cr3t", true),
            ("UserPasswordCredentials('ann', 's3cr3t')", "UserPasswordCredentials", "s3cr3t", true),
            ("password_connect(host, \"ann\", \"s3cr3t\")", "password_connect", "s3cr3t", true),
            (r#""token": "{\"app\":\"a-b\", \"sum\":\"s3cr3t\"}","#, "token", "s3cr3t", true),
            (
                "token := []byte{1, 2, 33, 4, 5, 6, 7, 8, 9, 10, 11, 12}",
                "token",
                "1, 2, 33, 4, 5, 6, 7, 8, 9, 10, 11, 12",
                true,
            ),
            ("token: [u8; 12] = [0x1,2,3,4,5,6,7,8,9,0xa,0xb,0xc,", "token", "0x1,2,3,4,5,6,7,8,9,0xa,0xb,0xc", true),
        ] {
            assert_eq!(read(text), Some((name.into(), value.into(), quoted)), "{text}");
        }
    }

    #[test]
    fn finds_no_value_where_none_is_written() {
        for text in [
            "the password is stored elsewhere",
            "password->set(x)",
            "password::Hash",
            "password = \"unterminated\nnext",
            "getPassword()",
            "password",
            "password =",
            "if (password) {",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
