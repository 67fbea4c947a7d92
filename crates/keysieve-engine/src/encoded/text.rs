//! Text written in other characters: base64, hexadecimal digits, percent signs, escapes of programming languages and HTML.
//!
//! Asked of single values, never of whole contents: what is decoded is what somebody assigned to a telling name.

#![expect(clippy::cast_possible_truncation, reason = "a hexadecimal digit is below 16")]

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Shortest value that is decoded, in bytes: a shorter one holds no credential of a provider's.
const SHORTEST: usize = 24;

/// How a text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 4648, either alphabet, with or without padding.
    Base64,
    /// Pairs of hexadecimal digits.
    Hex,
    /// `%41`.
    Percent,
    /// `\u0041`, `\x41`.
    Escapes,
    /// `&#65;`, `&#x41;`, `&amp;`.
    Html,
}

impl Encoding {
    /// Its name in evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hexadecimal digits",
            Self::Percent => "percent-encoding",
            Self::Escapes => "escapes",
            Self::Html => "HTML entities",
        }
    }
}

/// The text that `value` stands for, if it is text at all and another one than `value`.
pub fn decode(value: &[u8]) -> Option<(Encoding, Vec<u8>)> {
    if value.len() < SHORTEST {
        return None;
    }
    let is_other = |text: &Vec<u8>| text.len() >= 8 && text != value && is_text(text);
    let found = |encoding: Encoding, text: Option<Vec<u8>>| text.filter(is_other).map(|text| (encoding, text));
    found(Encoding::Hex, hex(value))
        .or_else(|| found(Encoding::Base64, base64(value)))
        .or_else(|| found(Encoding::Percent, percent(value)))
        .or_else(|| found(Encoding::Escapes, escapes(value)))
        .or_else(|| found(Encoding::Html, html(value)))
}

fn is_text(bytes: &[u8]) -> bool {
    let is_shown = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
    bytes.iter().all(is_shown)
        || std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
}

fn hex(value: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    if !value.len().is_multiple_of(2) {
        return None;
    }
    value.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

fn base64(value: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    // Wrapped lines, also with `\n` written out.
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, after.first()) {
            (b'\\', Some(b'n' | b'r')) => &after[1..],
            _ => after,
        };
        if byte != b'\\' && !byte.is_ascii_whitespace() {
            plain.push(byte);
        }
    }
    let alphabet = if plain.iter().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, config).decode(plain).ok()
}

fn percent(value: &[u8]) -> Option<Vec<u8>> {
    replace(value, b'%', |after, plain| {
        let coded = after.get(..2).and_then(hex)?;
        plain.extend(coded);
        Some(2)
    })
}

fn escapes(value: &[u8]) -> Option<Vec<u8>> {
    replace(value, b'\\', |after, plain| {
        let digits = match after.first()? {
            b'u' => 4,
            b'x' => 2,
            _ => return None,
        };
        let coded = std::str::from_utf8(after.get(1..1 + digits)?).ok()?;
        push(char::from_u32(u32::from_str_radix(coded, 16).ok()?)?, plain);
        Some(1 + digits)
    })
}

fn html(value: &[u8]) -> Option<Vec<u8>> {
    replace(value, b'&', |after, plain| {
        let end = memchr::memchr(b';', &after[..after.len().min(9)])?;
        push(entity(std::str::from_utf8(&after[..end]).ok()?)?, plain);
        Some(end + 1)
    })
}

/// Replaces what `coded` knows behind each `mark`: it is given what follows, and says how much of it it has written.
/// `None` if there is no mark.
fn replace(value: &[u8], mark: u8, coded: impl Fn(&[u8], &mut Vec<u8>) -> Option<usize>) -> Option<Vec<u8>> {
    memchr::memchr(mark, value)?;
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        let taken = (byte == mark).then(|| coded(after, &mut plain)).flatten();
        if taken.is_none() {
            plain.push(byte);
        }
        rest = &after[taken.unwrap_or(0)..];
    }
    Some(plain)
}

fn push(c: char, plain: &mut Vec<u8>) {
    plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn entity(name: &str) -> Option<char> {
    let number = |digits: &str, radix: u32| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix('#')?.strip_prefix(['x', 'X']) {
            Some(digits) => number(digits, 16),
            None => number(&name[1..], 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_is_read() {
        let text = b"key: value-1234567890+x";
        for (encoding, value) in [
            (Encoding::Base64, "a2V5OiB2YWx1ZS0xMjM0NTY3ODkwK3g="),
            (Encoding::Base64, "a2V5OiB2YWx1ZS0xMjM0NTY3ODkwK3g"),
            (Encoding::Base64, "a2V5OiB2YWx1\\nZS0xMjM0NTY3\\nODkwK3g="),
            (Encoding::Hex, "6b65793a2076616c75652d313233343536373839302b78"),
            (Encoding::Percent, "key%3A%20value-1234567890%2Bx"),
            (Encoding::Escapes, "key\\u003a\\x20value-1234567890+x"),
            (Encoding::Html, "key&#58;&#x20;value-1234567890+x"),
        ] {
            assert_eq!(decode(value.as_bytes()), Some((encoding, text.to_vec())), "{value}");
        }
    }

    #[test]
    fn what_is_no_text_is_not_decoded() {
        for value in ["9f86d081884c7d659a2feaa0c55ad015", "plain-value-of-some-length", "c2hvcnQ="] {
            assert_eq!(decode(value.as_bytes()), None, "{value}");
        }
    }
}
