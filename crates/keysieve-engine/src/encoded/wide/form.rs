//! How characters are written in units of two or four bytes, and which of them text has.

/// Fewest characters in a row that make a stretch.
pub(super) const SHORTEST: usize = 8;
/// Most bytes that the shortest stretch takes.
pub const SHORTEST_BYTES: usize = 4 * SHORTEST;

/// How characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// Bytes of a unit, 2 or 4.
    pub(super) width: usize,
    /// Whether the least significant byte comes first.
    pub(super) is_little: bool,
}

impl Form {
    /// Every form.
    pub(super) const ALL: [Self; 4] =
        [Self::new(2, true), Self::new(2, false), Self::new(4, true), Self::new(4, false)];

    /// Units of so many bytes in this order.
    pub(super) const fn new(width: usize, is_little: bool) -> Self {
        Self { width, is_little }
    }

    /// The form that a byte order mark at the start of a content announces, and the mark's length.
    pub(super) fn announced(bytes: &[u8]) -> Option<(Self, usize)> {
        match bytes {
            [0xff, 0xfe, 0, 0, ..] => Some((Self::new(4, true), 4)),
            [0, 0, 0xfe, 0xff, ..] => Some((Self::new(4, false), 4)),
            [0xff, 0xfe, ..] => Some((Self::new(2, true), 2)),
            [0xfe, 0xff, ..] => Some((Self::new(2, false), 2)),
            _ => None,
        }
    }

    /// The unit at `at`, if the bytes have all of it.
    pub(super) fn unit(self, bytes: &[u8], at: usize) -> Option<u32> {
        let unit = bytes.get(at..at + self.width)?;
        let add = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        Some(if self.is_little { unit.iter().rev().fold(0, add) } else { unit.iter().fold(0, add) })
    }

    /// Whether a character of ASCII stands at `at`.
    pub(super) fn is_ascii_at(self, bytes: &[u8], at: usize) -> bool {
        self.unit(bytes, at).is_some_and(is_ascii)
    }

    /// Whether `count` characters of ASCII stand at `at`.
    pub(super) fn runs_at(self, bytes: &[u8], at: usize, count: usize) -> bool {
        (0..count).all(|index| self.is_ascii_at(bytes, at + index * self.width))
    }

    /// Whether the shortest stretch of this form could start at `at`.
    pub(super) fn starts_at(self, bytes: &[u8], at: usize) -> bool {
        self.runs_at(bytes, at, SHORTEST)
    }
}

/// Printable ASCII, tabs and line breaks.
pub(super) fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')
}

/// Whether the unit is such a character.
pub(super) fn is_ascii(unit: u32) -> bool {
    u8::try_from(unit).is_ok_and(is_text)
}

/// A character that text has: no control but those of terminals and printers, none for private use.
pub(super) fn is_plausible(character: char) -> bool {
    match character {
        '\u{8}' | '\u{b}' | '\u{c}' | '\u{1b}' => true,
        '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' => false,
        _ => is_ascii(character.into()) || character >= '\u{a0}' && u32::from(character) & 0xfffe != 0xfffe,
    }
}
