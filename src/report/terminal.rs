//! Text that can go to a terminal: nothing in it moves the cursor, changes colours or turns the reading direction.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// `text` with control and invisible characters written out; tabs become blanks.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => shown.push(' '),
            _ if is_hostile(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// `json` with the same characters as `\\u` escapes. They can only stand inside its strings, so its meaning is the same.
pub fn inert_json(json: &str) -> Cow<'_, str> {
    let is_hostile = |character: char| character != '\n' && is_hostile(character);
    if !json.contains(is_hostile) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        if is_hostile(character) {
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
    fn cutting_keeps_the_columns() {
        assert_eq!(keep_end("abcdef", 4), "…def");
        assert_eq!(keep_start("abcdef", 4), "abc…");
        assert_eq!(keep_end("日本語", 4), "…語");
        assert_eq!(keep_start("abc", 3), "abc");
    }
}
