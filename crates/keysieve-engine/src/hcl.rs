//! HCL, the language of Terraform and OpenTofu: blocks and attributes with their lines, and of expressions as much as can be
//! told without running them.
//!
//! One pass, never back: the time is linear in the text, whatever it is. What lies deeper than [`MAX_DEPTH`] is an error, and
//! so is all that would let a value pass as something else; where HCL is stricter and nothing hangs on it, the text is read
//! all the same. After the "HCL Native Syntax Specification".

use std::fmt;
use std::ops::Range;

/// Deepest nesting of blocks, brackets and templates that is read.
pub const MAX_DEPTH: usize = 100;

/// What a body is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `name = value`.
    Attribute(Attribute),
    /// `kind "label" { … }`.
    Block(Block),
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// Line of the name, from 1.
    pub line: u64,
    /// The value.
    pub value: Expression,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// `resource`, `data`, `variable`, …
    pub kind: String,
    /// What stands behind it.
    pub labels: Vec<String>,
    /// Line of its kind, from 1.
    pub line: u64,
    /// What is in it.
    pub body: Vec<Item>,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// Line where it starts, from 1.
    pub line: u64,
    /// Its bytes in the text.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A string, number or boolean: as it is without quotes and escapes.
    Literal(String),
    /// A heredoc's lines, as they are written; they may have templates in them.
    Heredoc(String),
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `{ a = b }`: each name as an expression, in their order.
    Map(Vec<(Expression, Expression)>),
    /// `name(a, b)`.
    Call(String, Vec<Expression>),
    /// `(a)`.
    Parenthesis(Box<Expression>),
    /// Anything else, known only when it is run: a reference, an operation, a `for`, a string with a template in it.
    Other,
}

/// Why a text is not HCL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// What is wrong there.
    pub what: &'static str,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

impl std::error::Error for Error {}

/// Reads a file's body.
pub fn parse(text: &str) -> Result<Vec<Item>, Error> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
    let mut parser = Parser { text, at: 0, depth: 0, ends };
    // A byte order mark.
    if text.starts_with('\u{feff}') {
        parser.at = '\u{feff}'.len_utf8();
    }
    parser.body(false).map_err(|Wrong(at, what)| {
        let (line, at) = (parser.line(at), text.floor_char_boundary(at));
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        Error { line, column: 1 + text[start..at].chars().count() as u64, what }
    })
}

/// Where something is wrong, and what.
struct Wrong(usize, &'static str);

type Parsed<T> = Result<T, Wrong>;

/// What an expression stands in, which says where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a body: at the line's end, or where the block ends.
    Body,
    /// A name in a map: at its `=` or `:`.
    Key,
    /// A value in a map: at a comma, at the line's end, or where the map ends.
    Value,
    /// In brackets or parentheses: at a comma, or where they end; over lines.
    Inside,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Where the lines end.
    ends: Vec<usize>,
}

impl Parser<'_> {
    fn line(&self, at: usize) -> u64 {
        1 + self.ends.partition_point(|end| *end < at) as u64
    }

    fn peek(&self) -> Option<u8> {
        self.byte(0)
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn starts(&self, with: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(with.as_bytes())
    }

    fn wrong<T>(&self, what: &'static str) -> Parsed<T> {
        Err(Wrong(self.at, what))
    }

    /// Goes one level down for what `inner` reads.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return self.wrong("it is nested deeper than 100 levels");
        }
        self.depth += 1;
        let read = inner(self);
        self.depth -= 1;
        read
    }

    /// Passes blanks and comments; line ends only if they mean nothing here.
    fn blanks(&mut self, over_lines: bool) -> Parsed<()> {
        loop {
            match (self.peek(), self.byte(1)) {
                (Some(b'\n'), _) if !over_lines => return Ok(()),
                (Some(b' ' | b'\t' | b'\r' | b'\n'), _) => self.at += 1,
                (Some(b'#'), _) | (Some(b'/'), Some(b'/')) => self.pass_line(),
                (Some(b'/'), Some(b'*')) => match memchr::memmem::find(&self.text.as_bytes()[self.at + 2..], b"*/") {
                    Some(length) => self.at += length + 4,
                    None => return self.wrong("a comment has no end"),
                },
                _ => return Ok(()),
            }
        }
    }

    fn pass_line(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    /// A name: letters, digits, `_` and `-`, and no digit first.
    fn name(&mut self) -> Option<&str> {
        let start = self.at;
        let length: usize = self.text[start..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
            .map(char::len_utf8)
            .sum();
        let name = &self.text[start..start + length];
        let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        self.at += if is_name { length } else { 0 };
        is_name.then_some(name)
    }

    /// Attributes and blocks up to the end of the file, or to the bracket that ends a block.
    fn body(&mut self, is_block: bool) -> Parsed<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            self.blanks(true)?;
            match self.peek() {
                Some(b'}') if is_block => {
                    self.at += 1;
                    return Ok(items);
                }
                None if !is_block => return Ok(items),
                None => return self.wrong("a block has no end"),
                Some(_) => {}
            }
            let line = self.line(self.at);
            let Some(name) = self.name().map(str::to_owned) else {
                return self.wrong("the name of an attribute or a block was expected");
            };
            self.blanks(false)?;
            let item = if self.peek() == Some(b'=') {
                self.at += 1;
                let value = self.expression(Place::Body)?;
                Item::Attribute(Attribute { name, line, value })
            } else {
                Item::Block(self.block(name, line)?)
            };
            items.push(item);
            self.blanks(false)?;
            if !matches!(self.peek(), None | Some(b'\n' | b'}')) {
                return self.wrong("the end of the line was expected");
            }
        }
    }

    /// A block behind its kind.
    fn block(&mut self, kind: String, line: u64) -> Parsed<Block> {
        let mut labels = Vec::new();
        loop {
            match self.peek() {
                Some(b'{') => break,
                Some(b'"') => {
                    let start = self.at;
                    match self.string()? {
                        Some(label) => labels.push(label),
                        None => return Err(Wrong(start, "a block's label has a template in it")),
                    }
                }
                // Some write the bracket on the next line.
                Some(b'\n') => {
                    let end = self.at;
                    self.blanks(true)?;
                    if self.peek() != Some(b'{') {
                        return Err(Wrong(end, "`=` or `{` was expected"));
                    }
                }
                _ => match self.name().map(str::to_owned) {
                    Some(label) => labels.push(label),
                    None => return self.wrong("`=` or `{` was expected"),
                },
            }
            self.blanks(false)?;
        }
        self.at += 1;
        let body = self.deeper(|parser| parser.body(true))?;
        Ok(Block { kind, labels, line, body })
    }

    /// An expression up to what ends it in its place, which is left there.
    fn expression(&mut self, place: Place) -> Parsed<Expression> {
        let over_lines = place == Place::Inside;
        self.blanks(over_lines)?;
        let start = self.at;
        let mut end = start;
        let mut first = None;
        let mut is_alone = true;
        let mut has_term = false;
        loop {
            self.blanks(over_lines)?;
            let is_over = match self.peek() {
                None | Some(b',' | b']' | b')' | b'}' | b'\n') => true,
                Some(b'=') => place == Place::Key && self.byte(1) != Some(b'='),
                Some(b':') => place == Place::Key,
                Some(b'.') => self.starts("...") && over_lines,
                Some(_) => false,
            };
            if is_over {
                break;
            }
            if self.operator(has_term)? {
                is_alone = false;
                has_term = self.is_behind_traversal();
            } else if has_term {
                return self.wrong("an operator, or the end of the value, was expected");
            } else {
                let kind = self.term()?;
                first.get_or_insert(kind);
                has_term = true;
            }
            end = self.at;
        }
        if !has_term {
            return self.wrong("a value was expected");
        }
        let kind = first.filter(|_| is_alone).unwrap_or(Kind::Other);
        Ok(Expression { line: self.line(start), span: start..end, kind })
    }

    /// Whether what was read last is part of a reference, and so ends a term: `.*`, `[0]`.
    fn is_behind_traversal(&self) -> bool {
        let before = &self.text[..self.at];
        before.ends_with(']') || before.ends_with(".*")
    }

    /// Passes an operator, or behind a term what goes into it: `.name`, `.*`, `[index]`.
    fn operator(&mut self, has_term: bool) -> Parsed<bool> {
        const TWO: [&str; 6] = ["==", "!=", "<=", ">=", "&&", "||"];
        let length = match self.peek() {
            Some(b'[') if has_term => {
                self.at += 1;
                self.deeper(|parser| parser.skip(b']'))?;
                return Ok(true);
            }
            Some(b'.') if has_term && self.byte(1) == Some(b'*') => 2,
            Some(b'.') if has_term => 1,
            // A heredoc starts like a comparison.
            Some(b'<') if !has_term => 0,
            Some(_) if TWO.iter().any(|operator| self.starts(operator)) => 2,
            Some(b'+' | b'*' | b'/' | b'%' | b'<' | b'>' | b'?' | b':') if has_term => 1,
            Some(b'-' | b'!') => 1,
            _ => 0,
        };
        self.at += length;
        Ok(length > 0)
    }

    /// One value that is no operation.
    fn term(&mut self) -> Parsed<Kind> {
        match self.peek() {
            Some(b'"') => Ok(self.string()?.map_or(Kind::Other, Kind::Literal)),
            Some(b'<') if self.starts("<<") => self.heredoc(),
            Some(b'[') => {
                self.at += 1;
                self.deeper(Self::list)
            }
            Some(b'{') => {
                self.at += 1;
                self.deeper(Self::map)
            }
            Some(b'(') => {
                self.at += 1;
                let inner = self.deeper(|parser| parser.expression(Place::Inside))?;
                self.close(b')', "a parenthesis has no end")?;
                Ok(Kind::Parenthesis(Box::new(inner)))
            }
            Some(b'0'..=b'9') => Ok(Kind::Literal(self.number().to_owned())),
            _ => self.named(),
        }
    }

    fn number(&mut self) -> &str {
        let start = self.at;
        while let Some(byte) = self.peek() {
            let is_signed = matches!(byte, b'+' | b'-') && matches!(self.text.as_bytes()[self.at - 1], b'e' | b'E');
            let is_point = byte == b'.' && self.byte(1).is_some_and(|next| next.is_ascii_digit());
            if !(byte.is_ascii_alphanumeric() || is_point || is_signed && self.at > start) {
                break;
            }
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    /// A boolean, the name of something, or a call.
    fn named(&mut self) -> Parsed<Kind> {
        let start = self.at;
        if self.name().is_none() {
            return self.wrong("a value was expected");
        }
        // Functions of a provider's: `provider::aws::arn_parse`.
        while self.starts("::") {
            self.at += 2;
            if self.name().is_none() {
                return self.wrong("the name of a function was expected");
            }
        }
        let name = &self.text[start..self.at];
        if self.peek() != Some(b'(') {
            return Ok(if matches!(name, "true" | "false") { Kind::Literal(name.to_owned()) } else { Kind::Other });
        }
        let name = name.to_owned();
        self.at += 1;
        let arguments = self.deeper(|parser| {
            let mut arguments = Vec::new();
            loop {
                parser.blanks(true)?;
                if parser.peek() == Some(b')') {
                    break;
                }
                arguments.push(parser.expression(Place::Inside)?);
                if parser.starts("...") {
                    parser.at += 3;
                }
                parser.comma(b')', "a call has no end")?;
            }
            parser.at += 1;
            Ok(arguments)
        })?;
        Ok(Kind::Call(name, arguments))
    }

    /// Passes a comma, or stays before what ends a list.
    fn comma(&mut self, end: u8, what: &'static str) -> Parsed<()> {
        self.blanks(true)?;
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(())
            }
            Some(byte) if byte == end => Ok(()),
            _ => self.wrong(what),
        }
    }

    fn close(&mut self, end: u8, what: &'static str) -> Parsed<()> {
        self.blanks(true)?;
        if self.peek() != Some(end) {
            return self.wrong(what);
        }
        self.at += 1;
        Ok(())
    }

    /// Whether a `for` starts here.
    fn is_for(&self) -> bool {
        self.starts("for") && self.byte(3).is_some_and(|byte| byte.is_ascii_whitespace())
    }

    fn list(&mut self) -> Parsed<Kind> {
        self.blanks(true)?;
        if self.is_for() {
            self.skip(b']')?;
            return Ok(Kind::Other);
        }
        let mut members = Vec::new();
        loop {
            self.blanks(true)?;
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(Kind::List(members));
            }
            members.push(self.expression(Place::Inside)?);
            self.comma(b']', "a list has no end")?;
        }
    }

    fn map(&mut self) -> Parsed<Kind> {
        self.blanks(true)?;
        if self.is_for() {
            self.skip(b'}')?;
            return Ok(Kind::Other);
        }
        let mut entries = Vec::new();
        loop {
            self.blanks(true)?;
            if self.peek() == Some(b'}') {
                self.at += 1;
                return Ok(Kind::Map(entries));
            }
            let key = self.expression(Place::Key)?;
            if !matches!(self.peek(), Some(b'=' | b':')) {
                return self.wrong("`=` or `:` was expected");
            }
            self.at += 1;
            entries.push((key, self.expression(Place::Value)?));
            match self.peek() {
                Some(b',' | b'\n') => self.at += 1,
                Some(b'}') => {}
                _ => return self.wrong("a map has no end"),
            }
        }
    }

    /// Passes everything up to the bracket `end` and that itself: what is in it does not matter, but for what has to match.
    fn skip(&mut self, end: u8) -> Parsed<()> {
        loop {
            self.blanks(true)?;
            match self.peek() {
                None => return self.wrong("a bracket has no end"),
                Some(byte) if byte == end => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'<') if self.starts("<<") => {
                    self.heredoc()?;
                }
                Some(open @ (b'[' | b'{' | b'(')) => {
                    let close = match open {
                        b'[' => b']',
                        b'{' => b'}',
                        _ => b')',
                    };
                    self.at += 1;
                    self.deeper(|parser| parser.skip(close))?;
                }
                Some(b']' | b'}' | b')') => return self.wrong("a bracket ends that is not open"),
                Some(_) => self.at += 1,
            }
        }
    }

    /// A string in quotes; `None` if there is a template in it.
    fn string(&mut self) -> Parsed<Option<String>> {
        let start = self.at;
        let mut text = String::new();
        let mut is_template = false;
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let is_sign = |byte| matches!(byte, b'"' | b'\\' | b'\n' | b'$' | b'%');
            let plain = rest.bytes().position(is_sign).unwrap_or(rest.len());
            text.push_str(&rest[..plain]);
            self.at += plain;
            match (self.peek(), self.byte(1)) {
                (Some(b'"'), _) => {
                    self.at += 1;
                    return Ok((!is_template).then_some(text));
                }
                (Some(b'\\'), Some(next)) if next != b'\n' => self.escape(&mut text)?,
                (Some(sign @ (b'$' | b'%')), Some(next)) if next == sign && self.byte(2) == Some(b'{') => {
                    text.push(char::from(sign));
                    text.push('{');
                    self.at += 3;
                }
                (Some(b'$' | b'%'), Some(b'{')) => {
                    is_template = true;
                    self.at += 2;
                    self.deeper(|parser| parser.skip(b'}'))?;
                }
                (Some(sign @ (b'$' | b'%')), _) => {
                    text.push(char::from(sign));
                    self.at += 1;
                }
                _ => return Err(Wrong(start, "a string has no end on its line")),
            }
        }
    }

    /// What a backslash and the next character stand for.
    fn escape(&mut self, text: &mut String) -> Parsed<()> {
        let after = &self.text[self.at + 1..];
        let Some(next) = after.chars().next() else { return self.wrong("a string has no end on its line") };
        let digits = match next {
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let code = after.get(1..1 + digits).and_then(|code| u32::from_str_radix(code, 16).ok());
            let Some(c) = code.and_then(char::from_u32) else { return self.wrong("an escape is no character") };
            text.push(c);
        } else {
            match next {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                '"' | '\\' => text.push(next),
                // HCL has no others.
                _ => text.extend(['\\', next]),
            }
        }
        self.at += 1 + next.len_utf8() + digits;
        Ok(())
    }

    /// `<<WORD` or `<<-WORD`, lines, and the word on a line of its own.
    fn heredoc(&mut self) -> Parsed<Kind> {
        let start = self.at;
        self.at += if self.starts("<<-") { 3 } else { 2 };
        let Some(word) = self.name().map(str::to_owned) else { return self.wrong("a heredoc has no word") };
        let first = self.at;
        self.pass_line();
        if !self.text[first..self.at].trim().is_empty() || self.peek().is_none() {
            return Err(Wrong(first, "a heredoc starts on the next line"));
        }
        let lines = self.at + 1;
        while self.peek().is_some() {
            self.at += 1;
            let line = self.at;
            self.pass_line();
            if self.text[line..self.at].trim() == word {
                return Ok(Kind::Heredoc(self.text[lines..line].to_owned()));
            }
        }
        Err(Wrong(start, "a heredoc has no end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Expression {
        match parse(text).unwrap().remove(0) {
            Item::Attribute(attribute) => attribute.value,
            Item::Block(block) => panic!("{block:?}"),
        }
    }

    #[test]
    fn values_are_what_they_say_or_known_at_run_time() {
        let literal = |text: &str| Kind::Literal(text.to_owned());
        for (text, expected) in [
            (r#"a = "x""#, literal("x")),
            ("a=7.5e+3 # seven", literal("7.5e+3")),
            ("a = true // yes", literal("true")),
            ("a = /* no */ false", literal("false")),
            (r#"a = "q\"\n\t\\\u00e9$${b}%%{c}$ %""#, literal("q\"\n\t\\é${b}%{c}$ %")),
            (r#"a = "${b}""#, Kind::Other),
            (r#"a = "%{ if b }x%{ endif }""#, Kind::Other),
            (r#"a = "${"${"}"}" }""#, Kind::Other),
            ("a = null", Kind::Other),
            ("a = -1", Kind::Other),
            ("a = b.c[0].*.d[*].0", Kind::Other),
            ("a = b ? \"c\" : d", Kind::Other),
            ("a = \"b\" == c && !d || e <= 1 % 2", Kind::Other),
            ("a = [for b in c : b.d if b.e == \"]\"]", Kind::Other),
            ("a = {for b, c in d : b => c...}", Kind::Other),
            ("a = <<B\n x\n${y}\n  B\n", Kind::Heredoc(" x\n${y}\n".to_owned())),
            ("a = <<-B\r\nx\r\nB\r\n", Kind::Heredoc("x\r\n".to_owned())),
        ] {
            assert_eq!(first(text).kind, expected, "{text}");
        }
        let text = "a = b.c[ 0 ] + 1 # d";
        assert_eq!(&text[first(text).span], "b.c[ 0 ] + 1");
    }

    #[test]
    fn what_holds_others_holds_them_in_their_order() {
        let text = "a = provider::x::f([1, # one\n 2,\n], { b = 1, \"c\": (2)\n(d) = e ? 1 : 2 }, g...)\n";
        let Kind::Call(name, arguments) = first(text).kind else { panic!("no call") };
        assert_eq!((name.as_str(), arguments.len()), ("provider::x::f", 3));
        assert!(matches!(&arguments[0].kind, Kind::List(members) if members.len() == 2 && members[1].line == 2));
        let Kind::Map(entries) = &arguments[1].kind else { panic!("no map") };
        let names: Vec<&str> = entries.iter().map(|(name, _)| &text[name.span.clone()]).collect();
        assert_eq!(names, ["b", "\"c\"", "(d)"]);
        assert!(matches!(&entries[1].1.kind, Kind::Parenthesis(_)));
        let items = parse("\u{feff}r \"a\" b\n{\n  s { n = 1 }\n\n  t = 2 }\n").unwrap();
        let [Item::Block(block)] = &items[..] else { panic!("{items:?}") };
        assert_eq!(
            (block.kind.as_str(), &block.labels[..], block.line),
            ("r", &["a".to_owned(), "b".to_owned()][..], 1)
        );
        assert!(
            matches!(&block.body[..], [Item::Block(inner), Item::Attribute(last)] if inner.line == 3 && last.line == 5)
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, line, column) in [
            ("a {", 1, 4),
            ("a {\n  b = \n}", 2, 7),
            ("a = \"é\" b", 1, 9),
            ("a = \"x\n\"", 1, 5),
            ("a = \"x\\\n\"", 1, 5),
            ("\na = [1 2]", 2, 8),
            ("a = {b = 1 c = 2}", 1, 12),
            ("a = f(1", 1, 8),
            ("a = (1", 1, 7),
            ("a = <<B\nx\n", 1, 5),
            ("a = b = c", 1, 7),
            ("a b", 1, 4),
            ("a\nb = 1", 1, 2),
            ("a = 1 }", 1, 7),
            ("a \"${b}\" {}", 1, 3),
            ("/* x", 1, 1),
            ("a = {{}}", 1, 8),
            ("= 1", 1, 1),
            ("a = \"\\ud800\"", 1, 6),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        }
    }

    #[test]
    fn depth_is_bounded_and_no_text_is_read_twice() {
        for open in ["a {\n", "a = [", "a = (", "a = {b=", "a = f(", "a = \"${", "a = b[", "a = [for [", "a = !("] {
            let text = format!("{open}{}", open.trim_start_matches("a = ").repeat(100_000));
            assert!(parse(&text).unwrap_err().what.contains("deeper"), "{open}");
        }
        for many in ["\"$$$\"", "-", "!", "b.", "b[0].", "/**/", "\"\\n", "{", "<<b\n", "\"${b}", "1 + ", "[],", "b?"] {
            let _ = parse(&format!("a = {}", many.repeat(300_000)));
            let _ = parse(&format!("a = [{}", many.repeat(300_000)));
        }
    }

    #[test]
    fn no_text_makes_it_fail() {
        use proptest::prelude::*;

        let words = [
            "a", "b", " ", "\n", "=", "{", "}", "[", "]", "(", ")", "\"", "${", "%{", "<<E\n", "\nE\n", ",", ".",
            "...", ":", "?", "for ", "é", "\\", "\\u", "1e", "-", "/*", "*/", "#", "::", "\u{feff}", "\r",
        ];
        proptest!(|(text in prop::collection::vec(prop::sample::select(words.to_vec()), 0..40))| {
            let text = text.concat();
            if let Ok(items) = parse(&text) {
                let spans = items.iter().filter_map(|item| match item {
                    Item::Attribute(it) => Some(it.value.span.clone()),
                    Item::Block(_) => None,
                });
                for span in spans {
                    prop_assert!(!text[span.clone()].is_empty(), "{text:?}");
                }
            }
        });
    }
}
