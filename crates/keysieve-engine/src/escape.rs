//! Escapes end with a letter or a digit, and what follows them is a word of its own: `\n`, `%3D`, the colour of a log.
//!
//! A rule asks for a border before its token so that it does not find one inside of a longer word. In a JSON string, a
//! URL or a log the byte before is often the end of an escape instead. In comes a place, out goes whether such an escape
//! ends there. How often its backslashes are doubled does not matter.

/// Most bytes before a place that are looked at.
pub(crate) const LONGEST: usize = 32;

/// Ways to write ESC, with which the sequences of terminals begin.
const ESC: [&[u8]; 14] = [
    b"\x1b",
    "\u{241b}".as_bytes(),
    b"^[",
    b"\\e",
    b"\\E",
    b"`e",
    b"\\33",
    b"\\033",
    b"\\x1b",
    b"\\x1B",
    b"\\u001b",
    b"\\u001B",
    b"\\u{1b}",
    b"%1B",
];

/// Whether `byte` is part of a word, as `\b` in a rule sees it.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether an escape ends right before `at` that stands for no letter, digit or `_`.
pub(crate) fn ends_at(text: &[u8], at: usize) -> bool {
    let head = &text[at.saturating_sub(LONGEST)..at];
    let letter = match head {
        [.., b'\\', letter] => b"abefnrtv".contains(letter),
        // PowerShell's.
        [.., b'`', letter] => b"0abefnrtv".contains(letter),
        _ => false,
    };
    // Asked of each byte of a line: most words end here.
    let is_coded = || match head {
        [.., b'\\', digit] => digit.is_ascii_digit(),
        [.., high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    };
    letter || is_coded() && (is_number(head) || is_percent(head)) || is_sequence(head)
}

/// Where the name at `start`, before `end`, begins: an escape before it may end with its first bytes.
pub(crate) fn skip(text: &[u8], start: usize, end: usize) -> usize {
    let is_mark = |byte: u8| matches!(byte, b'\\' | b'`' | b'%' | b'=' | b'[' | b';');
    if start == 0 || !is_mark(text[start - 1]) {
        return start;
    }
    (start + 1..=end.min(start + LONGEST)).rev().find(|at| ends_at(text, *at)).unwrap_or(start)
}

/// The number that `head` ends with, written in so many digits after `mark`.
fn number(head: &[u8], mark: &[u8], count: usize, radix: u32) -> Option<u32> {
    let (head, digits) = head.split_at_checked(head.len().checked_sub(count)?)?;
    let digits = || digits.iter().try_fold(0, |value, digit| Some(value * radix + (*digit as char).to_digit(radix)?));
    head.ends_with(mark).then(digits)?
}

fn is_border(character: u32) -> bool {
    u8::try_from(character).map_or(true, |byte| !is_word(byte))
}

/// `\x3d`, `\u003d`, `\U0000003d`, `%u003d`, `\075`.
fn is_number(head: &[u8]) -> bool {
    const HEXADECIMAL: [(&[u8], usize); 4] = [(b"\\x", 2), (b"\\u", 4), (b"\\U", 8), (b"%u", 4)];
    HEXADECIMAL.iter().any(|(mark, count)| number(head, mark, *count, 16).is_some_and(is_border))
        || (1..=3).any(|count| number(head, b"\\", count, 8).is_some_and(is_border))
}

/// `%3D`, `%253D`, and `=3D` of quoted-printable. The name of a variable between percent signs can begin like a byte
/// beyond ASCII, of which there are two at least.
fn is_percent(head: &[u8]) -> bool {
    let [before @ .., high, low] = head else { return false };
    let Some(byte) = number(head, b"", 2, 16) else { return false };
    let is_printable = before.ends_with(b"=") && !high.is_ascii_lowercase() && !low.is_ascii_lowercase();
    let mut rest = before;
    while let Some(outer) = rest.strip_suffix(b"25") {
        rest = outer;
    }
    let is_coded = is_printable || rest.ends_with(b"%");
    let is_second = || matches!(before, [.., b'%' | b'=', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', _, _]);
    is_coded && if byte < 0x80 { is_border(byte) } else { is_second() }
}

/// What moves or colours (ECMA-48): ESC, `[`, parameters and a letter, or ESC, a parenthesis and a letter. Many logs keep
/// the colours and lose ESC.
fn is_sequence(head: &[u8]) -> bool {
    let [head @ .., last] = head else { return false };
    if !last.is_ascii_alphabetic() || head.last().is_none_or(u8::is_ascii_alphabetic) {
        return false;
    }
    let starts = |head: &[u8]| ESC.iter().any(|esc| head.ends_with(esc));
    if let [head @ .., b'(' | b')'] = head {
        return starts(head);
    }
    let parameters = head.iter().rev().take_while(|byte| matches!(byte, b'0'..=b'?')).count();
    let (head, parameters) = head.split_at(head.len() - parameters);
    let Some(head) = head.strip_suffix(b"[") else { return false };
    *last == b'm' && !parameters.is_empty() || starts(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_an_escape_is_a_word_of_its_own() {
        for escape in [
            r"\n",
            r"\\n",
            r"\\\\t",
            r"\r",
            r"\b",
            r"\f",
            r"\v",
            r"\0",
            r"\x3d",
            r"\x0A",
            r"\u003d",
            r"\\u003D",
            r"\u2028",
            r"\U0000003d",
            r"\075",
            r"\33",
            "%3D",
            "%0a",
            "%253D",
            "%25253d",
            "%u003d",
            "%C3%BC",
            "=3D",
            "=0A",
            "`n",
            "`0",
            "\x1b[31m",
            "\x1b[0;1;38:5:9m",
            "\x1b[m",
            "\x1b[K",
            "\x1b(B",
            r"\x1b[31m",
            r"\u001b[0m",
            r"\033[1m",
            r"\e[31m",
            "^[[31m",
            "`e[31m",
            "\u{241b}[31m",
            "[31m",
            "%1B[m",
        ] {
            let text = format!("x {escape}DB");
            assert!(ends_at(text.as_bytes(), text.len() - 2), "{escape}");
            assert!(ends_at(escape.as_bytes(), escape.len()), "{escape} at the start");
        }
    }

    #[test]
    fn a_word_goes_on_after_what_is_no_escape() {
        for word in [
            "n", "\\z", "x3d", r"\x4", r"\x41", r"\u0041", r"\101", "%41", "%DB", "3D", "=3d", "=41", "a[m", "[31x",
            "[K", "\u{fc}m", "",
        ] {
            assert!(!ends_at(word.as_bytes(), word.len()), "{word}");
        }
    }

    #[test]
    fn a_name_begins_after_the_escape() {
        for (text, name) in [
            (r"\nDB_KEY", "DB_KEY"),
            (r"\u003dKEY", "KEY"),
            ("%3DKEY", "KEY"),
            ("%DB_KEY%", "DB_KEY%"),
            ("\x1b[31mKEY", "KEY"),
            ("a[0;31mKEY", "KEY"),
            ("DB_KEY", "DB_KEY"),
            (r"\KEY", "KEY"),
        ] {
            let start = text.find(|c: char| c.is_ascii_alphanumeric() && c != 'a').unwrap();
            let start = if text.contains("0;") { text.find(';').unwrap() + 1 } else { start };
            let end = text.find("KEY").unwrap();
            assert_eq!(&text[skip(text.as_bytes(), start, end)..], name);
        }
    }
}
