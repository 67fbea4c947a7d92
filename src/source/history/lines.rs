//! Scans of an object only what its base does not have.
//!
//! A hit's candidates depend on the bytes between `LOOK_BEHIND` before it and `MARGIN` after the end of its rule's reach.
//! Where all of these lie inside one copied run, the candidates are the base's, at a new offset. All other hits are
//! scanned: those in new bytes, those close to a seam, and those whose rules reach further than the run.
//!
//! *Invariant*: taken over and scanned together are what scanning the object whole gives.

use std::ops::Range;
use std::sync::Arc;

use super::delta::Run;
use super::forest::Derived;
use crate::decode::utf16::{ByteOrder, Decoder};
use crate::detect::candidate::Candidate;
use crate::detect::{Detector, FarHit, Scratch};
use crate::rules::rule::{LINE_AHEAD, LOOK_BEHIND, MARGIN};

/// A candidate and where its keyword stands in this version.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Start of the keyword.
    pub hit: usize,
    /// The candidate, with the offsets of the version in which it was found first.
    pub candidate: Arc<Candidate>,
}

impl Placed {
    /// The secret's bytes in this version.
    pub fn span(&self) -> Range<u64> {
        let shift = |at: u64| at + self.hit as u64 - self.candidate.hit;
        shift(self.candidate.span.start)..shift(self.candidate.span.end)
    }
}

/// What is known of one version.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Its candidates, in the order of their hits.
    pub placed: Vec<Placed>,
    /// Keywords whose rules reach beyond their lines.
    far: Vec<FarHit>,
    /// Whether it is UTF-16, whose candidates have the offsets of its text in UTF-8.
    pub is_utf16: bool,
    /// Whether all its candidates are its base's, and the base has no others.
    pub same_as_base: bool,
}

/// Counts of bytes.
#[derive(Debug, Default, Clone, Copy)]
pub struct Work {
    /// Bytes of all objects.
    pub expanded: u64,
    /// Bytes that were scanned.
    pub scanned: u64,
}

/// Scans `bytes`; `derived` tells what they were made of, `None` scans them whole.
pub fn scan(
    detector: &Detector,
    bytes: &[u8],
    derived: Option<Derived<'_, Scanned>>,
    scratch: &mut Scratch,
    work: &mut Work,
) -> Scanned {
    work.expanded += bytes.len() as u64;
    let mut scanned = Scanned::default();
    let mut found = Vec::new();
    if let Some(order) = ByteOrder::detect(bytes) {
        let mut text = Vec::with_capacity(bytes.len());
        Decoder::new(order).decode(bytes, true, &mut text);
        work.scanned += text.len() as u64;
        detector.scan_range(&text, 0..text.len(), scratch, &mut found, &mut scanned.far);
        scanned.is_utf16 = true;
        scanned.place(found);
        return scanned;
    }
    let Some(derived) = derived.filter(|derived| !derived.state.is_utf16) else {
        work.scanned += bytes.len() as u64;
        detector.scan_range(bytes, 0..bytes.len(), scratch, &mut found, &mut scanned.far);
        scanned.place(found);
        return scanned;
    };
    let mut again = Vec::new();
    let mut scanned_to = 0;
    for run in derived.runs {
        let Some(inside) = interior(bytes, run, derived.base_size) else { continue };
        if scanned_to < inside.start {
            work.scanned += (inside.start - scanned_to) as u64;
            detector.scan_range(bytes, scanned_to..inside.start, scratch, &mut found, &mut scanned.far);
        }
        scanned_to = inside.end;
        scanned.take_over(&derived, run, &inside, bytes.len(), &mut again);
    }
    if scanned_to < bytes.len() {
        work.scanned += (bytes.len() - scanned_to) as u64;
        detector.scan_range(bytes, scanned_to..bytes.len(), scratch, &mut found, &mut scanned.far);
    }
    let taken = scanned.placed.len();
    if !again.is_empty() {
        scanned.placed.retain(|placed| !again.contains(&placed.hit));
        for hit in again {
            detector.scan_range(bytes, hit..hit + 1, scratch, &mut found, &mut scanned.far);
        }
    }
    scanned.same_as_base = found.is_empty() && taken == scanned.placed.len() && taken == derived.state.placed.len();
    scanned.place(found);
    scanned
}

/// The part of a run in which hits on lines depend on nothing outside of the run; `None` if there is none.
fn interior(bytes: &[u8], run: &Run, base_size: usize) -> Option<Range<usize>> {
    let start = if run.start == 0 && run.base == 0 { 0 } else { run.start + LOOK_BEHIND };
    let end = if run.range().end == bytes.len() && run.base_end() == base_size {
        bytes.len()
    } else {
        // A line rule sees its hit's line and the next one, its judges `MARGIN` bytes more.
        let limit = run.range().end.checked_sub(MARGIN).filter(|limit| *limit > run.start)?;
        let floor = limit.saturating_sub(LINE_AHEAD).max(run.start);
        let mut ends = memchr::memrchr_iter(b'\n', &bytes[floor..limit]).map(|at| floor + at + 1);
        let two_lines = ends.nth(1).unwrap_or(run.start);
        two_lines.max(limit.saturating_sub(LINE_AHEAD))
    };
    (start < end).then_some(start..end)
}

impl Scanned {
    fn place(&mut self, found: Vec<Candidate>) {
        self.placed
            .extend(found.into_iter().map(|found| Placed { hit: found.hit as usize, candidate: Arc::new(found) }));
        self.placed.sort_by_key(|placed| (placed.hit, placed.candidate.rule));
        self.far.sort_by_key(|far| far.start);
    }

    /// Takes over what the base has inside of `inside`; hits that reach further than the run go to `again`.
    fn take_over(
        &mut self,
        derived: &Derived<'_, Self>,
        run: &Run,
        inside: &Range<usize>,
        size: usize,
        again: &mut Vec<usize>,
    ) {
        let here = |base: usize| base - run.base + run.start;
        let in_base = inside.start - run.start + run.base..inside.end - run.start + run.base;
        let far = &derived.state.far;
        for far in &far[far.partition_point(|far| far.start < in_base.start)..] {
            if far.start >= in_base.end {
                break;
            }
            let start = here(far.start);
            let at_ends = run.range().end == size && run.base_end() == derived.base_size;
            if at_ends || start + far.reach + MARGIN <= run.range().end {
                self.far.push(FarHit { start, reach: far.reach });
            } else {
                again.push(start);
            }
        }
        let placed = &derived.state.placed;
        let first = placed.partition_point(|placed| placed.hit < in_base.start);
        let inherited = placed[first..].iter().take_while(|placed| placed.hit < in_base.end);
        self.placed
            .extend(inherited.map(|placed| Placed { hit: here(placed.hit), candidate: Arc::clone(&placed.candidate) }));
    }
}
