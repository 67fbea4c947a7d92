//! A content that arrives in windows: lines and columns are counted, candidates collected, and judged together at the end.
//!
//! The bytes are looked at as they are, always; and once more, decoded, where they are text in UTF-16 or UTF-32. What is
//! found there has its place in the content: of a file that is all UTF-16 the line and column that an editor shows, of a
//! stretch within other bytes the line as their line feeds count it.

#![expect(clippy::cast_possible_truncation, reason = "positions are those of bytes that lie in memory")]

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

use super::candidate::{Candidate, Surroundings};
use super::{Detector, Scratch, Window, resolve};
use crate::encoded::wide::{Finder, Start, Text};
use crate::finding::Place;
use crate::rules::rule::{LOOK_AHEAD, LOOK_BEHIND};

/// Bytes of the line shown before and after a secret.
const SHOWN_BEFORE: usize = 120;
const SHOWN_AFTER: usize = 80;

/// One content being scanned.
#[derive(Debug, Default)]
pub struct Stream {
    bytes: Position,
    wide: Option<Box<Wide>>,
    candidates: Vec<Candidate>,
    /// Those in what another byte order gives.
    otherwise: Vec<Candidate>,
}

/// Where the next window starts, and its line and column.
#[derive(Debug, Clone, Copy)]
struct Position {
    offset: u64,
    line: u64,
    column: u64,
}

impl Default for Position {
    fn default() -> Self {
        Self { offset: 0, line: 1, column: 1 }
    }
}

impl Position {
    fn cursor<'a>(&self, bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0, line: self.line, column: self.column }
    }

    fn advance(&mut self, bytes: &[u8], length: usize) {
        let mut cursor = self.cursor(bytes);
        cursor.move_to(length);
        (self.line, self.column) = (cursor.line, cursor.column);
        self.offset += length as u64;
    }

    /// Gives `each` the candidates of the keywords that start in `owned`, with their places.
    fn scan(
        &self,
        detector: &Detector,
        scratch: &mut Scratch,
        bytes: &[u8],
        owned: Range<usize>,
        mut each: impl FnMut(Candidate),
    ) {
        let mut found = std::mem::take(&mut scratch.found);
        detector.scan_window(&Window { bytes, owned, offset: self.offset }, scratch, &mut found);
        found.sort_by_key(Candidate::order);
        let mut cursor = self.cursor(bytes);
        for mut candidate in found.drain(..) {
            let start = (candidate.span.start - self.offset) as usize;
            let end = (candidate.span.end - self.offset) as usize;
            cursor.move_to(start);
            let mut after = Cursor { ..cursor };
            after.move_to(end);
            candidate.place =
                Place { line: cursor.line, column: cursor.column, end_line: after.line, end_column: after.column };
            each(candidate);
        }
        scratch.found = found;
    }
}

impl Stream {
    /// A content of which nothing has been read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Scans `bytes`, which start where [`Stream::advance`] left the content, for keywords that start in `owned`. Only the
    /// content's last window may own what `bytes` end with.
    pub fn feed(&mut self, detector: &Detector, scratch: &mut Scratch, bytes: &[u8], owned: Range<usize>) {
        let candidates = &mut self.candidates;
        self.bytes.scan(detector, scratch, bytes, owned.clone(), |candidate| candidates.push(candidate));
        self.feed_wide(detector, scratch, bytes, owned);
    }

    /// Scans what of `bytes` is text in UTF-16 or UTF-32.
    fn feed_wide(&mut self, detector: &Detector, scratch: &mut Scratch, bytes: &[u8], owned: Range<usize>) {
        let is_last = owned.end == bytes.len();
        let offset = self.bytes.offset;
        let wants = match &self.wide {
            Some(wide) => wide.finder.wants(bytes, offset, &owned),
            None => Finder::default().wants(bytes, offset, &owned),
        };
        if wants {
            let mut cursor = self.bytes.cursor(bytes);
            let mut place = |at: usize| {
                cursor.move_to(at);
                (cursor.line, cursor.column)
            };
            self.wide.get_or_insert_default().finder.decode(bytes, offset, owned, &mut place);
        }
        if let Some(wide) = &mut self.wide {
            let seen = offset + bytes.len() as u64;
            wide.scan(detector, scratch, seen, is_last, [&mut self.candidates, &mut self.otherwise]);
        }
    }

    /// Lets go of the first `length` bytes of the last window: the next one starts after them.
    pub fn advance(&mut self, bytes: &[u8], length: usize) {
        self.bytes.advance(bytes, length);
    }

    /// How many candidates were found so far, thrown-out ones included when explanations are asked for.
    pub fn len(&self) -> usize {
        self.candidates.len() + self.otherwise.len()
    }

    /// Forgets all candidates but the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.candidates.truncate(count);
        self.otherwise.truncate(count - self.candidates.len());
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The candidates of the whole content in the order of their places: overlaps settled, pairs joined, excerpts masked.
    pub fn finish(self, detector: &Detector) -> Vec<Candidate> {
        resolve::resolve(detector.rules(), self.all())
    }

    /// All candidates. Where both byte orders gave something, only a proof speaks for the other one.
    fn all(self) -> Vec<Candidate> {
        let mut all = self.candidates;
        if self.otherwise.is_empty() {
            return all;
        }
        let (any, proven) = (Spans::of(&all, |_| true), Spans::of(&all, |it| it.proven));
        let better = |it: &Candidate| if it.proven { proven.touch(&it.span) } else { any.touch(&it.span) };
        all.extend(self.otherwise.into_iter().filter(|it| !better(it)));
        all
    }
}

/// Where candidates stand, in order, each with the farthest end so far.
struct Spans(Vec<(u64, u64)>);

impl Spans {
    fn of(candidates: &[Candidate], is_meant: impl Fn(&Candidate) -> bool) -> Self {
        let meant = candidates.iter().filter(|it| it.dropped.is_none() && is_meant(it));
        let mut spans: Vec<(u64, u64)> = meant.map(|it| (it.span.start, it.span.end)).collect();
        spans.sort_unstable();
        let mut farthest = 0;
        for (_, end) in &mut spans {
            farthest = farthest.max(*end);
            *end = farthest;
        }
        Self(spans)
    }

    /// Whether one of them shares bytes with `span`.
    fn touch(&self, span: &Range<u64>) -> bool {
        let before = self.0.partition_point(|(start, _)| *start < span.end);
        before.checked_sub(1).is_some_and(|last| self.0[last].1 > span.start)
    }
}

/// The candidates in those parts of a content that are text in UTF-16 or UTF-32.
pub fn in_wide_text(detector: &Detector, scratch: &mut Scratch, bytes: &[u8]) -> Vec<Candidate> {
    let mut stream = Stream::new();
    stream.feed_wide(detector, scratch, bytes, 0..bytes.len());
    stream.all()
}

/// What of a content is text in UTF-16 or UTF-32, as a content of its own, and what another byte order gives.
#[derive(Debug, Default)]
struct Wide {
    finder: Finder,
    scanned: [Scanned; 2],
}

/// How far a text was scanned.
#[derive(Debug, Default)]
struct Scanned {
    /// Where the text that the finder holds starts.
    text: Position,
    /// So much of it was scanned.
    done: usize,
}

impl Wide {
    /// Scans what is decoded, but for what is needed to look ahead. Of the content `seen` bytes were seen.
    fn scan(
        &mut self,
        detector: &Detector,
        scratch: &mut Scratch,
        seen: u64,
        is_last: bool,
        into: [&mut Vec<Candidate>; 2],
    ) {
        for ((text, scanned), into) in self.finder.texts().into_iter().zip(&mut self.scanned).zip(into) {
            scanned.scan(text, detector, scratch, seen, is_last, into);
        }
    }
}

impl Scanned {
    fn scan(
        &mut self,
        decoded: &mut Text,
        detector: &Detector,
        scratch: &mut Scratch,
        seen: u64,
        is_last: bool,
        into: &mut Vec<Candidate>,
    ) {
        let (text, starts) = decoded.parts();
        let end = if is_last { text.len() } else { text.len().saturating_sub(LOOK_AHEAD) };
        if end <= self.done {
            return;
        }
        let offset = self.text.offset;
        let mut stretch = 0;
        // Where the last candidate started, in the text and in the content.
        let mut last: Option<(usize, u64)> = None;
        self.text.scan(detector, scratch, text, self.done..end, |mut candidate| {
            let at = |offset_in_text: u64| (offset_in_text - offset) as usize;
            let span = at(candidate.span.start)..at(candidate.span.end);
            while starts.get(stretch + 1).is_some_and(|next| next.text <= candidate.span.start) {
                stretch += 1;
                last = None;
            }
            let Some(start) = starts.get(stretch) else { return };
            let (from, raw) = last.unwrap_or((at(start.text), start.raw));
            let raw = raw + start.length(&text[from.min(span.start)..span.start]);
            last = Some((span.start, raw));
            let hit = at(candidate.hit);
            candidate.hit = if hit < span.start {
                raw.saturating_sub(start.length(&text[hit..span.start]))
            } else {
                raw + start.length(&text[span.start..hit])
            };
            // One that goes on in the next stretch ends somewhere near.
            candidate.span = raw..(raw + start.length(&text[span])).min(seen);
            candidate.place = outer(&candidate.place, start);
            into.push(candidate);
        });
        let done = end - LOOK_BEHIND.min(end);
        self.text.advance(text, done);
        decoded.forget(done);
        self.done = end - done;
    }
}

/// A place in the text of a stretch as a place in the content.
fn outer(place: &Place, start: &Start) -> Place {
    let (line, column) = start.place;
    let of = |at_line: u64, at_column: u64| {
        let is_first = at_line == start.line;
        (line + at_line.saturating_sub(start.line), if is_first { at_column + column - 1 } else { at_column })
    };
    let ((line, column), (end_line, end_column)) = (of(place.line, place.column), of(place.end_line, place.end_column));
    Place { line, column, end_line, end_column }
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
