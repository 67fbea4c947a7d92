//! Text in UTF-16 and UTF-32 wherever it stands: a whole file, lines appended to another file, strings in a program.
//!
//! What a file's first bytes are says little of the rest: PowerShell's `>>` appends UTF-16 to ASCII, and `FF FE` can stand
//! before anything. So a *stretch* is told by its own bytes: eight characters of ASCII in a row, each in two or four bytes,
//! at any offset. It goes back to the start of its line, and on for as long as its bytes are text in the same form. Its text
//! is appended to that of the stretches before. What is decoded depends on the content alone, not on the pieces in which it
//! comes; and nothing is decoded instead of the bytes as they are, but beside them.

use std::ops::Range;

use zeroize::Zeroizing;

mod binary;
mod find;
mod form;

pub use binary::is_binary;
pub use find::stands_in;
pub use form::SHORTEST_BYTES;

use find::{WORD, find};
use form::{Form, SHORTEST, is_ascii, is_plausible, is_text};

/// Most bytes before its first eight characters that a stretch can begin.
const BACK: usize = 400;
/// So many bytes of ASCII in a row are not read as Chinese.
const ASCII: usize = 24;
/// Bytes beside a stretch that tell whether it stands in a program or in a text.
const BESIDE: usize = 32;

/// Where a stretch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Where its text starts in the text of all stretches.
    pub text: u64,
    /// Its first line in that text, counted from 1. Its text starts a line of its own.
    pub line: u64,
    /// Where it starts in the content.
    pub raw: u64,
    /// Line and column there.
    pub place: (u64, u64),
    /// Bytes of a unit.
    width: usize,
}

impl Start {
    /// Bytes that `text`, a part of the stretch, takes in the content.
    pub fn length(&self, text: &[u8]) -> u64 {
        let characters = text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        // Beyond the first 65,536 characters UTF-16 takes two units.
        let pairs = if self.width == 2 { text.iter().filter(|byte| **byte >= 0xf0).count() } else { 0 };
        ((characters + pairs) * self.width) as u64
    }
}

/// Finds stretches in a content that comes in pieces, and decodes them.
#[derive(Debug)]
pub struct Finder {
    /// The form of the stretch that goes on.
    open: Option<Form>,
    /// Whether a byte order mark announced that form, so that its order is in no doubt.
    is_announced: bool,
    /// Where it goes on in the content, or the last one ended.
    at: u64,
    /// The text of all stretches, without its first `forgotten` bytes.
    text: Zeroizing<Vec<u8>>,
    forgotten: u64,
    /// The line at the end of the text.
    line: u64,
    starts: Vec<Start>,
}

impl Default for Finder {
    fn default() -> Self {
        Self {
            open: None,
            is_announced: false,
            at: 0,
            text: Zeroizing::default(),
            forgotten: 0,
            line: 1,
            starts: Vec::new(),
        }
    }
}

impl Finder {
    /// Whether what is in the next piece goes on with a stretch, or may begin one.
    pub fn wants(&self, bytes: &[u8], offset: u64, piece: &Range<usize>) -> bool {
        self.open.is_some()
            || offset == 0 && piece.start == 0 && Form::announced(bytes).is_some()
            || memchr::memchr(0, &bytes[piece.start..bytes.len().min(piece.end + WORD)]).is_some()
    }

    /// Appends to the text what is written wide in `piece` of `bytes`. The content's pieces follow one another; `bytes` starts
    /// at `offset` of the content. Around the piece stand at least 512 bytes more, as far as the content has them, and a piece
    /// that ends with `bytes` is the last one. `place` tells line and column of a place in `bytes`; it is asked in ascending order.
    pub fn decode(
        &mut self,
        bytes: &[u8],
        offset: u64,
        piece: Range<usize>,
        place: &mut dyn FnMut(usize) -> (u64, u64),
    ) {
        let mut floor = self.at.saturating_sub(offset) as usize;
        let mut at = piece.start.max(floor);
        if let Some((form, length)) = Form::announced(bytes).filter(|_| offset == 0 && at == 0) {
            at = length;
            self.start(form, bytes, offset, at, place);
            self.is_announced = true;
        }
        loop {
            let Some(form) = self.open else {
                let Some((form, start)) = find(bytes, offset, floor, at..piece.end) else { break };
                at = go_back(form, bytes, start, floor);
                self.start(form, bytes, offset, at, place);
                continue;
            };
            let ended = self.follow(form, bytes, &mut at, piece.end);
            self.at = offset + at as u64;
            if !ended {
                break;
            }
            floor = at;
            self.open = None;
            self.is_announced = false;
            let after = &bytes[at..bytes.len().min(at + BESIDE)];
            if self.starts.last().is_some_and(|start| start.raw == self.at) {
                // A mark without text.
                self.starts.pop();
            } else if after.len() >= form.width && is_binary(after, false, true) {
                self.text.extend_from_slice(b"\n\0");
                self.line += 1;
            }
        }
    }

    /// The text of all stretches so far, and where they start in it, but for what was forgotten.
    pub fn text(&self) -> (&[u8], &[Start]) {
        (&self.text, &self.starts)
    }

    /// Forgets the first `count` bytes of the text. A stretch of which more is left starts after them.
    pub fn forget(&mut self, count: usize) {
        let to = self.forgotten + count as u64;
        let gone = self.starts.partition_point(|start| start.text <= to).saturating_sub(1);
        self.starts.drain(..gone);
        if let Some(first) = self.starts.first_mut().filter(|first| first.text < to) {
            let passed = &self.text[(first.text - self.forgotten) as usize..count];
            first.raw += first.length(passed);
            first.text = to;
        }
        self.text.drain(..count);
        self.forgotten = to;
    }

    /// Begins a stretch at `at`, on a line of its own.
    fn start(&mut self, form: Form, bytes: &[u8], offset: u64, at: usize, place: &mut dyn FnMut(usize) -> (u64, u64)) {
        let is_marked = self.text.is_empty() && offset == 0 && Form::announced(bytes) == Some((form, at));
        if !is_marked && is_binary(&bytes[at.saturating_sub(BESIDE)..at], true, false) {
            self.text.push(0);
        }
        if self.text.last().is_some_and(|byte| *byte != b'\n') {
            self.text.push(b'\n');
            self.line += 1;
        }
        let before = at.checked_sub(form.width).and_then(|at| form.unit(bytes, at));
        let starts_line = at == 0 || before.is_some_and(|unit| matches!(unit, 0x0a | 0xfeff));
        let (line, column) = place(at);
        self.starts.push(Start {
            text: self.forgotten + self.text.len() as u64,
            line: self.line,
            raw: offset + at as u64,
            width: form.width,
            place: (line, if starts_line { 1 } else { column }),
        });
        self.open = Some(form);
    }

    /// Decodes from `at` on, until `to` or the end of the stretch, and says whether that was reached.
    fn follow(&mut self, form: Form, bytes: &[u8], at: &mut usize, to: usize) -> bool {
        while *at < to {
            let Some(unit) = form.unit(bytes, *at) else { return true };
            if is_ascii(unit) {
                self.text.push(unit as u8);
                self.line += u64::from(unit == u32::from(b'\n'));
                *at += form.width;
                continue;
            }
            let Some((character, length)) = other(form, self.is_announced, bytes, *at) else { return true };
            self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            *at += length;
        }
        // At its end the content has no more.
        to == bytes.len()
    }
}

/// The character at `at` that is not ASCII, and its length in bytes; `None` where the stretch ends.
fn other(form: Form, is_announced: bool, bytes: &[u8], at: usize) -> Option<(char, usize)> {
    // ASCII in one byte order is ASCII in the other one as well, one byte off. Only after an odd byte of ASCII is it to be
    // doubted that the own form goes on, and not where a mark announced it: there the byte is half of a Chinese character.
    let goes_on = form.runs_at(bytes, at + form.width, SHORTEST - 1);
    let is_doubtful = !is_announced && form == Form::new(2, false) && bytes.get(at).is_some_and(|byte| is_text(*byte));
    let another = |shift: usize| Form::ALL.iter().any(|it| it.starts_at(bytes, at + shift));
    if (!goes_on || is_doubtful) && (0..form.width).any(another) {
        return None;
    }
    if form.width == 2 {
        let ahead = &bytes[at..bytes.len().min(at + ASCII)];
        let narrow = ahead.iter().take_while(|byte| is_text(**byte)).count();
        let line = memchr::memchr(b'\n', &ahead[..narrow]).map(|it| it + 1);
        if narrow == ASCII || line.is_some_and(|line| line >= 4 && another(line)) {
            return None;
        }
    }
    let unit = form.unit(bytes, at)?;
    let (character, length) = match (unit, form.width) {
        (0xd800..0xdc00, 2) => {
            let low = form.unit(bytes, at + 2).filter(|low| (0xdc00..0xe000).contains(low));
            (low.and_then(|low| char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))), 4)
        }
        _ => (char::from_u32(unit), form.width),
    };
    if let Some(character) = character.filter(|it| is_plausible(*it)) {
        return Some((character, length));
    }
    // Damage costs one character, and so does the NUL between two strings.
    (unit != 0xfeff && goes_on).then_some((if unit == 0 { '\0' } else { char::REPLACEMENT_CHARACTER }, form.width))
}

/// The start of the line of the stretch at `start`, but not before `floor` and not over what may be ASCII.
fn go_back(form: Form, bytes: &[u8], start: usize, floor: usize) -> usize {
    let floor = floor.max(start.saturating_sub(BACK));
    let mut at = start;
    while at >= floor + form.width {
        let before = at - form.width;
        let Some(unit) = form.unit(bytes, before) else { break };
        let is_narrow = || form.width == 2 && bytes[before..at].iter().all(|byte| is_text(*byte));
        // The halves of a pair are not worth the care here.
        let goes_on =
            || other(form, false, bytes, before).is_some_and(|(it, length)| is_plausible(it) && length == form.width);
        // Whatever it means, a line does not go on before it.
        let breaks = bytes[before..at].contains(&b'\n');
        if breaks || !is_ascii(unit) && (is_narrow() || !goes_on()) {
            break;
        }
        at = before;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(text: &str, form: Form) -> Vec<u8> {
        let order = |bytes: &[u8]| -> Vec<u8> {
            if form.is_little { bytes.iter().rev().copied().collect() } else { bytes.to_vec() }
        };
        match form.width {
            2 => text.encode_utf16().flat_map(|unit| order(&unit.to_be_bytes())).collect(),
            _ => text.chars().flat_map(|it| order(&u32::from(it).to_be_bytes())).collect(),
        }
    }

    /// The text of all stretches, with the content in windows of `step` bytes.
    fn decoded(bytes: &[u8], step: usize) -> (String, Vec<Start>) {
        let mut finder = Finder::default();
        let (mut from, mut text, mut starts) = (0, Vec::new(), Vec::new());
        loop {
            let to = if from + step + 1000 >= bytes.len() { bytes.len() } else { from + step };
            let seen = from.saturating_sub(512)..bytes.len().min(to + 1000);
            finder.decode(&bytes[seen.clone()], seen.start as u64, from - seen.start..to - seen.start, &mut |_| (1, 1));
            let before = finder.forgotten;
            let count = if to == bytes.len() { finder.text.len() } else { finder.text.len().saturating_sub(9) };
            text.extend_from_slice(&finder.text[..count]);
            starts.extend(
                finder.starts.iter().filter(|start| start.text >= before && start.text < before + count as u64),
            );
            finder.forget(count);
            from = to;
            if to == bytes.len() {
                starts.dedup();
                return (String::from_utf8(text).unwrap(), starts);
            }
        }
    }

    fn text_of(bytes: &[u8]) -> String {
        decoded(bytes, usize::MAX >> 1).0
    }

    const TEXT: &str = "Zürich\r\npassword = \"Grüße-Привет-🔑2025!\"\r\n中文中文 token\r\n";

    #[test]
    fn a_whole_content_in_any_form_is_its_text() {
        for form in Form::ALL {
            let marked = encode(&format!("\u{feff}{TEXT}"), form);
            assert_eq!(text_of(&marked), TEXT, "{form:?}");
            assert_eq!(decoded(&marked, usize::MAX >> 1).1.len(), 1);
            let latin = "password = \"Zürich-2025\"\nx\n".repeat(3);
            assert_eq!(text_of(&encode(&latin, form)), latin, "{form:?}");
        }
    }

    #[test]
    fn a_stretch_is_found_between_any_bytes() {
        let secret = "token=abcdefgh12345678";
        for form in Form::ALL {
            for shift in 0..9 {
                for (before, after) in [("x", "y"), ("\n", "\nz"), ("\u{1}\u{2}", "\0\0"), ("", ""), ("\0\0\0", "\0\0")]
                {
                    let head = [&b"abcdefghi"[..shift], before.as_bytes()].concat();
                    let wide = encode(&format!("{secret}\r\n"), form);
                    let bytes = [&head, wide.as_slice(), after.as_bytes()].concat();
                    assert!(
                        text_of(&bytes).contains(secret),
                        "{form:?} {shift} {before:?} {after:?}: {:?}",
                        text_of(&bytes)
                    );
                }
            }
        }
    }

    #[test]
    fn forms_can_follow_one_another() {
        for first in Form::ALL {
            for second in Form::ALL {
                for between in
                    ["", "a", "ab = c\n", "it goes on in ASCII for a while\n", "odd: goes on in ASCII for a while\n"]
                {
                    let line = |name: &str| format!("{name}_token=abcdefgh12345678\n");
                    let bytes =
                        [encode(&line("first"), first), between.into(), encode(&line("second"), second)].concat();
                    let text = text_of(&bytes);
                    assert!(
                        text.contains("first_token=abcdefgh12345678"),
                        "{first:?} {between:?} {second:?}: {text:?}"
                    );
                    // Of a name that directly follows text in another form some characters are told by no one.
                    assert!(text.contains("token=abcdefgh12345678\n"), "{first:?} {between:?} {second:?}: {text:?}");
                    assert!(
                        text.matches("_token=abcdefgh12345678").count() == 2,
                        "{first:?} {between:?} {second:?}: {text:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_mark_before_ascii_hides_nothing_and_adds_nothing() {
        for mark in ["\u{feff}", ""] {
            for form in Form::ALL {
                let bytes =
                    [encode(mark, form).as_slice(), b"password = x, and more that is longer than a guess"].concat();
                assert_eq!(text_of(&bytes), "");
            }
        }
    }

    #[test]
    fn ordinary_text_and_binary_hold_no_stretch() {
        for bytes in
            [&b"password = x, and more"[..], &[0; 64], b"", b"a\0b\0c\0d\0e\0f\0g\0", b"\x05\0\0\0\x41\0\0\0\x42\0\0\0"]
        {
            assert_eq!(text_of(bytes), "");
        }
    }

    #[test]
    fn damage_costs_one_character() {
        let mut bytes = encode("\u{feff}password", Form::new(2, true));
        bytes.extend([0, 0xd8]);
        bytes.extend(encode(" = abcdefgh", Form::new(2, true)));
        bytes.push(b'x');
        assert_eq!(text_of(&bytes), "password\u{fffd} = abcdefgh");
    }

    #[test]
    fn strings_of_a_program_are_apart_from_one_another() {
        let little = Form::new(2, true);
        let bytes = [&[1, 0, 0, 0][..], &encode("first string\0second string", little), &[0, 0, 7, 0, 0]].concat();
        assert_eq!(text_of(&bytes), "\0\nfirst string\0second string\n\0");
    }

    #[test]
    fn what_is_binary_shows_beside_wide_text() {
        let wide = encode("password = x", Form::new(2, true));
        for (bytes, cut_before, cut_after, is) in [
            (&b"plain"[..], false, false, false),
            (&wide, false, false, false),
            (&[b"ascii\n", wide.as_slice(), b"ascii"].concat(), false, false, false),
            (b"one\0two\0", false, false, true),
            (b"\0", true, true, true),
            (&wide[19..], true, false, false),
            (&wide[19..], false, false, true),
            (&wide[..5], false, true, false),
            (
                &[b"ascii\n", encode("password = x", Form::new(4, true)).as_slice(), b"ascii"].concat(),
                false,
                false,
                false,
            ),
            (
                &[b"ascii\n", encode("password = x", Form::new(4, false)).as_slice(), b"ascii"].concat(),
                false,
                false,
                false,
            ),
            (b"\xff\xfe\0\0ascii", false, false, false),
            (b"\0\0\xfe\xffascii", false, false, false),
            (b"ascii\0\0\0ascii\0\0", false, false, true),
        ] {
            assert_eq!(is_binary(bytes, cut_before, cut_after), is, "{bytes:?} {cut_before} {cut_after}");
        }
    }

    fn part() -> impl Strategy<Value = Vec<u8>> {
        let text = "[a-zA-Z =\"\n]{0,40}|[ü€中文🔑a-z\n]{0,30}|[а-я \n]{0,40}(token=)?";
        prop_oneof![
            3 => (text, 0usize..4).prop_map(|(text, form)| encode(&text, Form::ALL[form])),
            2 => "[a-z =\n]{0,50}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 0..12),
            1 => prop::collection::vec(0u8..3, 0..12),
            1 => Just(vec![0xff, 0xfe]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn windows_give_what_the_whole_gives(parts in prop::collection::vec(part(), 0..60), step in 1usize..700) {
            let bytes = parts.concat();
            let whole = decoded(&bytes, usize::MAX >> 1);
            let windows = decoded(&bytes, step);
            prop_assert_eq!(&windows.0, &whole.0);
        }

        /// Each stretch's text is that of its bytes.
        #[test]
        fn places_in_the_content_follow_from_the_text(parts in prop::collection::vec(part(), 0..40)) {
            let bytes = parts.concat();
            let (text, starts) = decoded(&bytes, usize::MAX >> 1);
            for (index, start) in starts.iter().enumerate() {
                let end = starts.get(index + 1).map_or(text.len(), |next| next.text as usize);
                let own = &text[start.text as usize..end];
                let own = own.strip_suffix("\n\0\0\n").or(own.strip_suffix("\n\0")).unwrap_or(own);
                let line = text[..start.text as usize].matches('\n').count() as u64 + 1;
                prop_assert_eq!(start.line, line);
                for (at, character) in own.char_indices().filter(|(_, it)| it.is_ascii_alphanumeric()) {
                    let raw = (start.raw + start.length(&own.as_bytes()[..at])) as usize;
                    prop_assert!(bytes[raw..raw + start.width].contains(&(character as u8)), "{character} at {raw}");
                }
            }
        }

        #[test]
        fn a_stretch_is_seen_where_it_stands(parts in prop::collection::vec(part(), 0..20)) {
            let bytes = parts.concat();
            let has_text = !decoded(&bytes, usize::MAX >> 1).0.is_empty();
            prop_assert!(!has_text || stands_in(&bytes, 0..bytes.len()));
        }
    }
}
