//! What tells a binary file from text with wide characters in it.

use super::form::is_text;

/// Fewest NUL bytes in a row, every second byte, that are taken for wide text and for no sign of a binary file.
const FEW: usize = 4;

/// Whether a NUL stands in `bytes` that is no part of wide text. Text that is cut at an end counts however little is left of
/// it, if `cut_before` or `cut_after` says that it may be.
pub fn is_binary(bytes: &[u8], cut_before: bool, cut_after: bool) -> bool {
    let mut from = 0;
    while let Some(nul) = memchr::memchr(0, &bytes[from..]) {
        let nul = from + nul;
        if bytes[..nul + 1].ends_with(&[0xff, 0xfe, 0]) || bytes[nul..].starts_with(&[0, 0, 0xfe, 0xff]) {
            from = bytes.len().min(nul + 2);
            continue;
        }
        let zeros = bytes[nul..].iter().take(4).take_while(|byte| **byte == 0).count();
        let width = if zeros == 3 { 4 } else { 2 };
        let start = nul - usize::from(nul > from && is_text(bytes[nul - 1]));
        // Where the first character stands, the next ones follow.
        let first = if start < nul { 0 } else { zeros % width };
        let fits = |(at, byte): (usize, &u8)| if at % width == first { is_text(*byte) } else { *byte == 0 };
        let length = bytes[start..].iter().enumerate().take_while(|it| fits(*it)).count();
        let end = start + length;
        let is_cut = length > 1 && (start == 0 && cut_before || end == bytes.len() && cut_after);
        if length < width * FEW && !is_cut {
            return true;
        }
        from = end;
    }
    false
}
