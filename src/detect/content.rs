//! A content that arrives in windows: lines and columns are counted, candidates collected, and judged together at the end.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

use super::candidate::{Candidate, Surroundings};
use super::{Detector, Scratch, Window, resolve};
use crate::finding::Place;

/// Bytes of the line shown before and after a secret.
const SHOWN_BEFORE: usize = 120;
const SHOWN_AFTER: usize = 80;

/// One content being scanned.
#[derive(Debug)]
pub struct Stream {
    /// Where the next window starts in the content, and its line and column.
    offset: u64,
    line: u64,
    column: u64,
    candidates: Vec<Candidate>,
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

impl Stream {
    /// A content of which nothing has been read yet.
    pub fn new() -> Self {
        Self { offset: 0, line: 1, column: 1, candidates: Vec::new() }
    }

    /// Scans `bytes`, which start where [`Stream::advance`] left the content, for keywords that start in `owned`.
    pub fn feed(&mut self, detector: &Detector, scratch: &mut Scratch, bytes: &[u8], owned: Range<usize>) {
        let mut found = std::mem::take(&mut scratch.found);
        detector.scan_window(&Window { bytes, owned, offset: self.offset }, scratch, &mut found);
        found.sort_by_key(Candidate::order);
        let mut cursor = Cursor { bytes, at: 0, line: self.line, column: self.column };
        for mut candidate in found.drain(..) {
            let start = (candidate.span.start - self.offset) as usize;
            let end = (candidate.span.end - self.offset) as usize;
            cursor.move_to(start);
            let mut after = Cursor { ..cursor };
            after.move_to(end);
            candidate.place =
                Place { line: cursor.line, column: cursor.column, end_line: after.line, end_column: after.column };
            self.candidates.push(candidate);
        }
        scratch.found = found;
    }

    /// Lets go of the first `length` bytes of the last window: the next one starts after them.
    pub fn advance(&mut self, bytes: &[u8], length: usize) {
        let mut cursor = Cursor { bytes, at: 0, line: self.line, column: self.column };
        cursor.move_to(length);
        (self.line, self.column) = (cursor.line, cursor.column);
        self.offset += length as u64;
    }

    /// How many candidates were found so far, thrown-out ones included when explanations are asked for.
    pub fn len(&self) -> usize {
        self.candidates.len()
    }

    /// Forgets all candidates but the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.candidates.truncate(count);
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    /// The candidates of the whole content in the order of their places: overlaps settled, pairs joined, excerpts masked.
    pub fn finish(self, detector: &Detector) -> Vec<Candidate> {
        resolve::resolve(detector.rules(), self.candidates)
    }
}

#[derive(Clone, Copy)]
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    column: u64,
}

impl Cursor<'_> {
    fn move_to(&mut self, to: usize) {
        let passed = &self.bytes[self.at..to];
        let rest = match memrchr(b'\n', passed) {
            Some(last) => {
                self.line += memchr_iter(b'\n', passed).count() as u64;
                self.column = 1;
                &passed[last + 1..]
            }
            None => passed,
        };
        // Continuation bytes of UTF-8 belong to the code point before them.
        self.column += rest.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64;
        self.at = to;
    }
}

/// The line around `secret`, clipped.
pub(super) fn surroundings(view: &[u8], secret: &Range<usize>) -> Surroundings {
    let floor = secret.start.saturating_sub(SHOWN_BEFORE);
    let start = memrchr(b'\n', &view[floor..secret.start]).map_or(floor, |found| floor + found + 1);
    let ceiling = view.len().min(secret.end + SHOWN_AFTER);
    let after = if memchr(b'\n', &view[secret.clone()]).is_some() {
        &[][..]
    } else {
        &view[secret.end..memchr(b'\n', &view[secret.end..ceiling]).map_or(ceiling, |found| secret.end + found)]
    };
    Surroundings { before: view[start..secret.start].to_vec(), after: after.trim_ascii_end().to_vec() }
}
