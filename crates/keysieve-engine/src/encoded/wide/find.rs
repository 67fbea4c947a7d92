//! Where the next stretch is: by words of eight bytes, only where a NUL was met.

#![expect(clippy::cast_possible_truncation, reason = "positions are those of bytes that lie in memory")]

use std::ops::Range;

use super::BACK;
use super::form::{Form, SHORTEST_BYTES, is_text};

/// Bytes that are looked at together.
pub(super) const WORD: usize = 8;

/// Whether a stretch begins in a content, or goes on in `part` of it with [`SHORTEST_BYTES`].
pub fn stands_in(bytes: &[u8], part: Range<usize>) -> bool {
    part.start == 0 && Form::announced(bytes).is_some() || find(bytes, 0, part.start, part).is_some()
}

/// The first stretch whose first whole word, at a multiple of eight in the content, starts in `words`: its form, and the
/// first of the eight characters by which it is known, none of which is before `floor`.
pub(super) fn find(bytes: &[u8], offset: u64, floor: usize, words: Range<usize>) -> Option<(Form, usize)> {
    /// Bytes that are looked at one word after the other where a NUL was met.
    const BLOCK: usize = 256;
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let aligned = |at: usize| at + (offset + at as u64).wrapping_neg() as usize % WORD;
    let mut at = aligned(words.start);
    while at < words.end {
        // Where no byte is NUL, nothing is written wide.
        let nul = memchr::memchr(0, &bytes[at..bytes.len().min(words.end + WORD)])?;
        at += nul / WORD * WORD;
        let end = words.end.min(at + BLOCK);
        while at < end {
            let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
            if (word & EVEN == 0 || word & !EVEN == 0)
                && word != 0
                && let Some(found) = run_around(bytes, at, floor)
            {
                return Some(found);
            }
            at += WORD;
        }
    }
    None
}

/// The stretch that the eight bytes at `word` are a part of.
fn run_around(bytes: &[u8], word: usize, floor: usize) -> Option<(Form, usize)> {
    // Beyond the word a stretch begins less than a word before it, or an earlier one were its first. In a unit of another
    // width the stretch that ended at `floor` may have taken the first character.
    let limit = floor.saturating_sub(2).max(word.saturating_sub(2 * SHORTEST_BYTES));
    let alternate = |at: usize| bytes[at] == 0 && is_text(bytes[at + 1]) || bytes[at + 1] == 0 && is_text(bytes[at]);
    if (word..word + 7).all(alternate) {
        let first = (limit..word).rev().take_while(|at| alternate(*at)).last().unwrap_or(word);
        let form = order(bytes, first, floor);
        let start = first + usize::from((bytes[first] == 0) == form.is_little);
        return form.starts_at(bytes, start).then_some((form, start));
    }
    let wide = |is_little: bool| {
        let form = Form::new(4, is_little);
        let start = (word..word + 4).find(|at| form.is_ascii_at(bytes, *at))?;
        let back = (1..=start.saturating_sub(limit) / 4).map(|units| start - 4 * units);
        let start = back.take_while(|at| form.is_ascii_at(bytes, *at)).last().unwrap_or(start);
        form.starts_at(bytes, start).then_some((form, start))
    };
    match (wide(true), wide(false)) {
        // Both where NUL bytes stand around; a byte order shows where they do not.
        (Some(little), Some(big)) => Some(if big.1 < little.1 && !is_zero_before(bytes, big.1) { big } else { little }),
        (little, big) => little.or(big),
    }
}

fn is_zero_before(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| bytes[before] == 0)
}

/// The byte order of text whose bytes alternate with NUL from `first` on. In the middle both orders give the same text.
/// What stands before `floor` belongs to other text.
fn order(bytes: &[u8], first: usize, floor: usize) -> Form {
    let is_big = if bytes[first] == 0 {
        // It ends what stands before: a string of a program, or a letter such as ü.
        let is_letter = || first > floor && bytes[first - 1] >= 0xa0 && (first == 1 || bytes[first - 2] == 0);
        !(first > floor && is_zero_before(bytes, first) || is_letter())
    } else {
        // A byte of ASCII before NUL and the first byte of the text: a line break, or what ends with a byte left over.
        let after_ascii = first > 0 && is_text(bytes[first - 1]);
        let ends_odd = || {
            let rest = &bytes[first..bytes.len().min(first + 2 * BACK)];
            let units = rest.chunks(2).take_while(|unit| unit.len() == 2 && is_text(unit[0]) && unit[1] == 0).count();
            let left = &rest[2 * units..];
            let is_last = left.len() == 1 && first + rest.len() == bytes.len();
            is_last && is_text(left[0]) && !rest[..2 * units].ends_with(b"\n\0")
        };
        after_ascii && (bytes[first] == b'\n' || ends_odd())
    };
    Form::new(2, !is_big)
}
