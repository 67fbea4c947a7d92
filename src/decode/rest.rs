//! What of a container no entry holds, as text: names, comments, headers, what stands before, between and behind entries.
//!
//! A reader of a format hands on the entries and adds every other byte here, so that nothing falls between the two. The
//! text is what `strings` would show, without its shortest lines: a control character ends a line, UTF-16 is read where it
//! is plain ASCII, and a line that was there before (a zip has each name twice) is left out.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

/// What stands in the place of an entry's name.
pub const NAME: &str = "(outside of entries)";

/// Shortest line that is kept, in bytes: nothing that matters is shorter.
const SHORTEST: usize = 8;

/// Most lines that are remembered.
const MOST_SEEN: usize = 1 << 16;

/// The text of what no entry holds.
#[derive(Default)]
pub(super) struct Rest {
    text: Vec<u8>,
    seen: HashSet<u64>,
    state: RandomState,
}

impl Rest {
    /// Adds bytes to which what stands before and after them does not belong.
    pub fn add(&mut self, bytes: &[u8]) {
        for line in bytes.split(|byte| matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 127)) {
            self.line(line);
        }
        self.wide(bytes);
    }

    /// What was added.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    fn line(&mut self, line: &[u8]) {
        if line.len() < SHORTEST {
            return;
        }
        if self.seen.len() >= MOST_SEEN || self.seen.insert(self.state.hash_one(line)) {
            self.text.extend_from_slice(line);
            self.text.push(b'\n');
        }
    }

    /// ASCII characters that NUL bytes stand between, in either order.
    fn wide(&mut self, bytes: &[u8]) {
        let is_plain = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 32..=126));
        let mut line = Vec::new();
        let mut at = 0;
        while let Some(found) = memchr::memchr(0, &bytes[at..]) {
            let nul = at + found;
            at = nul + 1;
            if nul == 0 || !is_plain(nul - 1) {
                continue;
            }
            let start = nul - 1;
            let mut end = start;
            line.clear();
            while is_plain(end) && bytes.get(end + 1) == Some(&0) {
                line.push(bytes[end]);
                end += 2;
            }
            // Where NUL bytes stand first, the last character has none behind it.
            if start > 0 && bytes[start - 1] == 0 && is_plain(end) && !is_plain(end + 1) {
                line.push(bytes[end]);
            }
            self.line(&line);
            at = at.max(end);
        }
    }
}

/// The ranges of `0..length` that none of `ranges` covers.
pub(super) fn between(mut ranges: Vec<Range<usize>>, length: usize) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut outside = Vec::new();
    let mut at = 0;
    for range in ranges {
        let start = range.start.min(length);
        if start > at {
            outside.push(at..start);
        }
        at = at.max(range.end);
    }
    if at < length {
        outside.push(at..length);
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_among_anything_once() {
        let mut rest = Rest::default();
        let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        rest.add(b"\0\x01name of one\0\xffshort\0two lines\nare one part\x7f");
        rest.add(b"name of one");
        rest.add(&[b"\x01\0".to_vec(), wide("little end", u16::to_le_bytes), b"ascii".to_vec()].concat());
        rest.add(&[b"\x01\x01".to_vec(), wide("the big end", u16::to_be_bytes), b"\x01".to_vec()].concat());
        let expected = "name of one\ntwo lines\nare one part\nlittle end\nthe big end\n";
        assert_eq!(String::from_utf8_lossy(rest.text()), expected);
    }

    #[test]
    fn what_lies_between_ranges() {
        assert_eq!(between(vec![5..7, 0..2, 6..9], 12), [2..5, 9..12]);
        assert!(between(vec![0..4, 1..3], 4).is_empty());
        assert_eq!(between(vec![9..12, 1..2], 4), [0..1, 2..4]);
    }
}
