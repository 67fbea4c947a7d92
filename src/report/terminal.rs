//! Text that can go to a terminal: nothing in it moves the cursor, changes colours or turns the reading direction.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// `text` with control and invisible characters written out; tabs become blanks. Nothing in it is a command of a CI
/// server's, unless it starts a line: see [`line()`].
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        match character {
            '\t' => shown.push(' '),
            _ if is_hostile(character) || is_command(text, at) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// Text with which a line of output starts. Servers take `::error::` for a command there, after blanks as well.
pub fn line(text: &str) -> String {
    let text = visible(text);
    let rest = text.trim_start();
    match rest.strip_prefix("::") {
        Some(command) => format!("{}\\u{{3a}}:{command}", &text[..text.len() - rest.len()]),
        None => text,
    }
}

/// A message of lines of its own.
pub fn message(text: &str) -> String {
    text.split('\n').map(|text| line(text.strip_suffix('\r').unwrap_or(text))).collect::<Vec<_>>().join("\n")
}

/// Whether the character at `at` is the second of `##[error]`, `##vso[…]`, `##teamcity[…]`, which servers look for anywhere
/// in a line.
fn is_command(text: &str, at: usize) -> bool {
    let Some(name) = text[..at].ends_with('#').then(|| text[at..].strip_prefix('#')).flatten() else { return false };
    name.trim_start_matches(|it: char| it.is_ascii_alphanumeric()).starts_with('[')
}

/// `json` with the same characters as `\\u` escapes. They can only stand inside its strings, so its meaning is the same.
pub fn inert_json(json: &str) -> Cow<'_, str> {
    let is_hostile = |at: usize, it: char| it != '\n' && is_hostile(it) || it == '#' && is_command(json, at);
    if !json.char_indices().any(|(at, it)| is_hostile(at, it)) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for (at, character) in json.char_indices() {
        if is_hostile(at, character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Controls (C0, DEL, C1), marks that turn the direction, zero-width and line-separating characters.
fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Columns that `text` takes, once it is visible.
pub fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// The end of `text` that fits into `columns`, with `…` before it when something was cut.
pub fn keep_end(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= columns
    };
    let mut kept: Vec<char> = text.chars().rev().take_while(fits).collect();
    kept.push('…');
    kept.iter().rev().collect()
}

/// The start of `text` that fits into `columns`, with `…` after it when something was cut.
pub fn keep_start(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= columns
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        let hostile = "a\x1b[31mb\u{202e}c\u{9b}d\re\nf\x07";
        let shown = visible(hostile);
        assert!(!shown.chars().any(is_hostile), "{shown}");
        assert!(shown.starts_with("a\\u{1b}[31mb"));
    }

    #[test]
    fn no_text_is_a_command_of_a_server() {
        for text in ["::error::x", "  ::set-env name=a::b", "\u{3000}::x", "a\n ::error::x", "\r\n::x"] {
            assert!(message(text).lines().all(|line| !line.trim_start().starts_with("::")), "{text:?}");
        }
        for text in ["##[error]x", "a ##vso[task.setvariable]x", "##teamcity[x]", "###[x]"] {
            let is_inert = |text: &str| !(0..text.len()).any(|at| text.is_char_boundary(at) && is_command(text, at));
            assert!(is_inert(&visible(text)) && is_inert(&inert_json(&format!("{text:?}"))), "{text}");
            let back: String = serde_json::from_str(&inert_json(&format!("{text:?}"))).unwrap();
            assert_eq!(back, text);
        }
        assert_eq!(message("## A heading #1\nstd::fmt ::"), "## A heading #1\nstd::fmt ::");
    }

    #[test]
    fn cutting_keeps_the_columns() {
        assert_eq!(keep_end("abcdef", 4), "…def");
        assert_eq!(keep_start("abcdef", 4), "abc…");
        assert_eq!(keep_end("日本語", 4), "…語");
        assert_eq!(keep_start("abc", 3), "abc");
    }
}
