//! Text in UTF-16 and UTF-32 wherever it stands: a whole file, lines appended to another file, strings in a program.
//!
//! What a file's first bytes are says little of the rest: PowerShell's `>>` appends UTF-16 to ASCII, and `FF FE` can stand
//! before anything. So a *stretch* is told by its own bytes: eight characters of ASCII in a row, each in two or four bytes,
//! at any offset. It goes back to the start of its line, and on for as long as its bytes are text in the same form. Its text
//! is appended to that of the stretches before. What is decoded depends on the content alone, not on the pieces in which it
//! comes; and nothing is decoded instead of the bytes as they are, but beside them. Which byte order is meant shows at its best
//! by what is not ASCII; where the other one would give a character more, that is a text of its own.

#![expect(
    clippy::cast_possible_truncation,
    reason = "positions are those of bytes in memory, units that are cut are ASCII"
)]

use std::ops::Range;

mod binary;
mod find;
mod form;
mod text;

pub use binary::is_binary;
pub use find::stands_in;
pub use form::SHORTEST_BYTES;
pub use text::{Start, Text};

use find::{WORD, find};
use form::{Form, SHORTEST, is_ascii, is_plausible, is_text};

/// Most bytes before its first eight characters that a stretch can begin.
const BACK: usize = 400;
/// So many bytes of ASCII in a row are not read as Chinese.
const ASCII: usize = 24;
/// Most of a run that is written down in the other byte order when it ends: less than what is kept to look ahead.
const TAIL: u64 = if cfg!(test) { 64 } else { 16 << 10 };
/// Bytes beside a stretch that tell whether it stands in a program or in a text.
const BESIDE: usize = 32;

/// Finds stretches in a content that comes in pieces, and decodes them.
#[derive(Debug, Default)]
pub struct Finder {
    /// The form of the stretch that goes on.
    open: Option<Form>,
    /// Whether a byte order mark announced that form, so that its order is in no doubt.
    is_announced: bool,
    /// Where it goes on in the content, or the last one ended.
    at: u64,
    /// The characters of ASCII that it ends with.
    run: Option<Run>,
    text: Text,
    /// Runs as the other byte order gives them, where that is one character more.
    otherwise: Text,
}

/// Characters of ASCII in a row.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Where the first one that both byte orders have starts in the text of all stretches.
    text: u64,
    /// Whether its characters are written down in the other order as they come.
    is_doubled: bool,
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
            self.start(form, bytes, offset, at, &mut *place);
            self.is_announced = true;
        }
        loop {
            let Some(form) = self.open else {
                let Some((form, start)) = find(bytes, offset, floor, at..piece.end) else { break };
                at = go_back(form, bytes, start, floor);
                // The first character may stand a little before what ended last.
                self.start(form, bytes, offset, at, &mut |at| place(at.max(floor)));
                continue;
            };
            let ended = self.follow(form, bytes, offset, &mut at, piece.end);
            self.at = offset + at as u64;
            if !ended {
                break;
            }
            floor = at;
            self.open = None;
            self.is_announced = false;
            if self.text.drop_empty(self.at) {
                // A mark without text.
            } else if stands_before_binary(bytes, at, form) {
                self.text.end_in_binary();
            }
        }
    }

    /// What is decoded so far, and besides what of it the other byte order gives otherwise.
    pub fn texts(&mut self) -> [&mut Text; 2] {
        [&mut self.text, &mut self.otherwise]
    }

    /// Begins a stretch at `at`, on a line of its own.
    fn start(&mut self, form: Form, bytes: &[u8], offset: u64, at: usize, place: &mut dyn FnMut(usize) -> (u64, u64)) {
        let is_marked = self.text.is_empty() && offset == 0 && Form::announced(bytes) == Some((form, at));
        let is_in_binary = !is_marked && stands_behind_binary(bytes, at);
        let before = at.checked_sub(form.width).and_then(|at| form.unit(bytes, at));
        let starts_line = at == 0 || before.is_some_and(|unit| matches!(unit, 0x0a | 0xfeff));
        let (line, column) = place(at);
        let place = (line, if starts_line { 1 } else { column });
        self.text.start(is_in_binary, offset + at as u64, form.width, place);
        self.open = Some(form);
    }

    /// Decodes from `at` on, until `to` or the end of the stretch, and says whether that was reached. `bytes` starts at `offset`
    /// of the content.
    fn follow(&mut self, form: Form, bytes: &[u8], offset: u64, at: &mut usize, to: usize) -> bool {
        while *at < to {
            let Some(unit) = form.unit(bytes, *at) else {
                self.end_run(form, bytes, offset, *at);
                return true;
            };
            if is_ascii(unit) {
                let run = match self.run {
                    Some(run) => run,
                    None => self.start_run(form, bytes, offset, *at),
                };
                self.text.push(unit as u8);
                if run.is_doubled {
                    self.otherwise.push(unit as u8);
                }
                *at += form.width;
                continue;
            }
            self.end_run(form, bytes, offset, *at);
            let Some((character, length)) = other(form, self.is_announced, bytes, *at) else { return true };
            self.text.push_other(character);
            *at += length;
        }
        // At its end the content has no more.
        if to == bytes.len() {
            self.end_run(form, bytes, offset, *at);
        }
        to == bytes.len()
    }

    // In the other byte order, one byte off or three, a run has the same characters, but for the first and the last. Nothing
    // proves which order is the right one, not even a mark if bytes are missing; so where the other one gives a character
    // more, both are written down.

    /// Begins a run at `at`.
    fn start_run(&mut self, form: Form, bytes: &[u8], offset: u64, at: usize) -> Run {
        let beside = form.width - 1;
        let before = at.checked_sub(1).map(|before| bytes[before]).filter(|byte| is_text(*byte));
        let is_doubled = !form.is_little && before.is_some() && form.runs_at(bytes, at, SHORTEST - 1);
        if let Some(before) = before.filter(|_| is_doubled) {
            let place = self.text.place(0);
            let raw = offset + at as u64 - 1;
            self.otherwise.start(stands_behind_binary(bytes, at - 1), raw, form.width, place);
            self.otherwise.push(before);
        }
        let is_in_both = at >= beside && bytes[at - beside..at].iter().all(|byte| *byte == 0);
        let run = Run { text: self.text.end() + u64::from(!is_in_both), is_doubled };
        self.run = Some(run);
        run
    }

    /// Ends the run, if there is one, at `at`.
    fn end_run(&mut self, form: Form, bytes: &[u8], offset: u64, at: usize) {
        let Some(run) = self.run.take() else { return };
        let beside = form.width - 1;
        if run.is_doubled {
            if !bytes.get(at..at + beside).is_some_and(|next| next.iter().all(|byte| *byte == 0)) {
                self.otherwise.pop();
            }
        } else if form.is_little {
            let Some(last) = bytes.get(at).copied().filter(|byte| is_text(*byte)) else { return };
            let from = run.text.max(self.text.end().saturating_sub(TAIL));
            let tail = self.text.tail(from);
            if tail.len() + 1 < SHORTEST {
                return;
            }
            let place = self.text.place(tail.len());
            let length = tail.len() * form.width;
            let raw = (offset + at as u64).saturating_sub((length + beside) as u64);
            let before = at.saturating_sub(length + beside);
            self.otherwise.start(stands_behind_binary(bytes, before), raw, form.width, place);
            self.otherwise.extend(self.text.tail(from));
            self.otherwise.push(last);
        } else {
            return;
        }
        if stands_before_binary(bytes, at + 1, form) {
            self.otherwise.end_in_binary();
        }
    }
}

/// Whether what stands before `at` is no text.
fn stands_behind_binary(bytes: &[u8], at: usize) -> bool {
    is_binary(&bytes[at.saturating_sub(BESIDE)..at], true, false)
}

/// Whether what stands behind a stretch of this form that ends at `at` is no text.
fn stands_before_binary(bytes: &[u8], at: usize, form: Form) -> bool {
    let after = &bytes[at.min(bytes.len())..bytes.len().min(at + BESIDE)];
    after.len() >= form.width && is_binary(after, false, true)
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
        let [text, _] = both_decoded(bytes, step);
        text
    }

    /// The same, and what the other byte orders give.
    fn both_decoded(bytes: &[u8], step: usize) -> [(String, Vec<Start>); 2] {
        let mut finder = Finder::default();
        let (mut from, mut all) = (0, [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())]);
        loop {
            let to = if from + step + 1000 >= bytes.len() { bytes.len() } else { from + step };
            let seen = from.saturating_sub(512)..bytes.len().min(to + 1000);
            finder.decode(&bytes[seen.clone()], seen.start as u64, from - seen.start..to - seen.start, &mut |_| (1, 1));
            for (decoded, (text, starts)) in finder.texts().into_iter().zip(&mut all) {
                let (own, own_starts) = decoded.parts();
                let before = decoded.end() - own.len() as u64;
                let count = if to == bytes.len() { own.len() } else { own.len().saturating_sub(70) };
                text.extend_from_slice(&own[..count]);
                starts.extend(own_starts.iter().filter(|it| it.text >= before && it.text < before + count as u64));
                decoded.forget(count);
            }
            from = to;
            if to == bytes.len() {
                return all.map(|(text, mut starts)| {
                    starts.dedup();
                    (String::from_utf8(text).unwrap(), starts)
                });
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

    /// What stands beside a word: characters in its own form, and bytes beyond them.
    fn beside() -> impl Strategy<Value = (String, Vec<u8>)> {
        let characters = "|\n|[中文上海ü€🔑я\u{4100}-\u{7a7a}\u{2000}-\u{2fff}]{1,3}|\0";
        let bytes = prop_oneof![
            2 => Just(Vec::new()),
            1 => (1usize..9).prop_map(|count| vec![0; count]),
            1 => "[a-z\n]{1,9}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 1..9),
            1 => Just(vec![0xff, 0xfe]),
        ];
        (characters, bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn windows_give_what_the_whole_gives(parts in prop::collection::vec(part(), 0..60), step in 1usize..700) {
            let bytes = parts.concat();
            let whole = both_decoded(&bytes, usize::MAX >> 1);
            let windows = both_decoded(&bytes, step);
            prop_assert_eq!(windows.map(|it| it.0), whole.map(|it| it.0));
        }

        /// Each stretch's text is that of its bytes.
        #[test]
        fn places_in_the_content_follow_from_the_text(parts in prop::collection::vec(part(), 0..40)) {
            let bytes = parts.concat();
            for (text, starts) in both_decoded(&bytes, usize::MAX >> 1) {
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
        }

        /// Whatever stands beside a word, and at whatever offset.
        #[test]
        fn a_word_is_whole_in_one_order_or_the_other(
            before in prop::collection::vec(part(), 0..4),
            shift in 0usize..8,
            left in beside(),
            form in 0usize..4,
            length in 12usize..40,
            right in beside(),
            after in prop::collection::vec(part(), 0..4),
        ) {
            let form = Form::ALL[form];
            let word = &"(the)2longWORD4that=must/never+lose_any:OF~it"[..length];
            let sides = |(wide, bytes): (String, Vec<u8>)| (encode(&wide, form), bytes);
            let ((left_wide, left), (right_wide, right)) = (sides(left), sides(right));
            let bytes =
                [before.concat(), vec![b'y'; shift], left, left_wide, encode(word, form), right_wide, right, after.concat()]
                    .concat();
            let [text, otherwise] = both_decoded(&bytes, usize::MAX >> 1).map(|it| it.0);
            prop_assert!(text.contains(word) || otherwise.contains(word), "{:?} {:?} {:?}", bytes, text, otherwise);
        }

        #[test]
        fn a_stretch_is_seen_where_it_stands(parts in prop::collection::vec(part(), 0..20)) {
            let bytes = parts.concat();
            let has_text = !decoded(&bytes, usize::MAX >> 1).0.is_empty();
            prop_assert!(!has_text || stands_in(&bytes, 0..bytes.len()));
        }
    }
}
