//! Scans of an object only what its base does not have.
//!
//! Where keywords stand is taken over for every copied run; only new bytes, and the few around a seam in which a keyword
//! could stand across it, go through the gate. A keyword's candidates depend on the bytes between `LOOK_BEHIND` before it
//! and `MARGIN` after the end of its rule's reach. Where all of these lie inside its run, the candidates are taken over
//! as well, at a new offset; other keywords are judged anew.
//!
//! *Invariant*: taken over and scanned together are what scanning the object whole gives.

use std::ops::Range;
use std::sync::Arc;

use super::delta::Run;
use super::forest::Derived;
use crate::decode::utf16::{ByteOrder, Decoder};
use crate::detect::anchors::AnchorId;
use crate::detect::candidate::Candidate;
use crate::detect::gate::Hit;
use crate::detect::{Detector, Scratch};
use crate::rules::rule::{LINE_AHEAD, LOOK_BEHIND, MARGIN};
use crate::source::limits::{Reached, Task};

/// A candidate and where its keyword stands in this version.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Start of the keyword.
    pub hit: usize,
    /// The keyword.
    pub anchor: AnchorId,
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
    /// Its keywords, in the order of their places.
    hits: Vec<Hit>,
    /// Its candidates, in the order of their keywords.
    pub placed: Vec<Placed>,
    /// Whether it was decoded first (UTF-16, a container), so that offsets in it are not those of its bytes.
    pub is_decoded: bool,
    /// Whether all its candidates are its base's, and the base has no others.
    pub same_as_base: bool,
    /// Why it was not scanned to its end.
    pub unread: Option<Reached>,
}

impl Scanned {
    /// Of a version that others cannot be scanned by.
    pub fn decoded() -> Self {
        Self { is_decoded: true, ..Self::default() }
    }
}

/// Runs below this many bytes are scanned like new ones: that costs less than two more seams.
const SHORT: usize = 128;

/// Counts of bytes.
#[derive(Debug, Default, Clone, Copy)]
pub struct Work {
    /// Bytes of all objects.
    pub expanded: u64,
    /// Bytes that were scanned.
    pub scanned: u64,
}

/// Keywords between two looks at the clock.
const LOOK_AT_CLOCK: usize = 4096;

/// Judges keywords until a limit is reached.
fn judge(
    detector: &Detector,
    bytes: &[u8],
    hits: &[Hit],
    task: &Task<'_>,
    scratch: &mut Scratch,
    found: &mut Vec<Candidate>,
) -> Result<(), Reached> {
    for hits in hits.chunks(LOOK_AT_CLOCK) {
        for hit in hits {
            let before = found.len();
            detector.scan_hit(bytes, *hit, scratch, found);
            if found.len() > before {
                task.found(found.len() - before)?;
            }
        }
        if hits.len() == LOOK_AT_CLOCK {
            task.in_time()?;
        }
    }
    Ok(())
}

/// Scans `bytes`; `derived` tells what they were made of, `None` scans them whole.
pub fn scan(
    detector: &Detector,
    bytes: &[u8],
    derived: Option<Derived<'_, Scanned>>,
    task: &Task<'_>,
    scratch: &mut Scratch,
    work: &mut Work,
) -> Scanned {
    work.expanded += bytes.len() as u64;
    let mut scanned = Scanned::default();
    let mut found = Vec::new();
    if let Some(order) = ByteOrder::detect(bytes) {
        let mut text = Vec::with_capacity(bytes.len());
        Decoder::new(order).decode(bytes, true, &mut text);
        scanned.is_decoded = true;
        work.scanned += text.len() as u64;
        detector.hits(&text, 0..text.len(), |hit| scanned.hits.push(hit));
        scanned.unread = judge(detector, &text, &scanned.hits, task, scratch, &mut found).err();
    } else {
        let derived = derived.filter(|derived| !derived.state.is_decoded);
        let mut new = Vec::new();
        let mut to = 0;
        for run in derived.as_ref().map_or(&[][..], |derived| derived.runs) {
            if run.length < SHORT {
                continue;
            }
            scan_between(detector, bytes, to, run.start, work, &mut new);
            to = run.range().end;
            if let Some(derived) = &derived {
                scanned.take_over(detector, bytes, derived, run, &mut new);
            }
        }
        scan_between(detector, bytes, to, bytes.len(), work, &mut new);
        // Across a run shorter than a keyword one can be met from both sides.
        new.sort_unstable();
        new.dedup();
        scanned.unread = task.found(scanned.placed.len()).err();
        if scanned.unread.is_none() {
            scanned.unread = judge(detector, bytes, &new, task, scratch, &mut found).err();
        }
        scanned.hits.extend(new);
        // By identity: a delta can copy one candidate twice and leave out another.
        scanned.same_as_base = found.is_empty()
            && derived.is_some_and(|derived| {
                let mut pairs = derived.state.placed.iter().zip(&scanned.placed);
                derived.state.placed.len() == scanned.placed.len()
                    && pairs.all(|(base, own)| Arc::ptr_eq(&base.candidate, &own.candidate))
            });
    }
    // What was not scanned to its end is no base to take anything over from.
    scanned.is_decoded |= scanned.unread.is_some();
    scanned.hits.sort_unstable();
    let found = found.into_iter().map(|it| Placed { hit: it.hit as usize, anchor: it.anchor, candidate: Arc::new(it) });
    scanned.placed.extend(found);
    scanned.placed.sort_by_key(|placed| (placed.hit, placed.candidate.rule));
    scanned
}

/// Finds the keywords of the new bytes from `from` to `to`, and those that stand across the seams at either end.
fn scan_between(detector: &Detector, bytes: &[u8], from: usize, to: usize, work: &mut Work, hits: &mut Vec<Hit>) {
    let start = if from == 0 { 0 } else { from.saturating_sub(detector.longest_keyword() - 1) };
    work.scanned += (to - start) as u64;
    detector.hits(bytes, start..to, |hit| {
        // One that ends before the seam is its run's.
        if hit.start >= from || hit.start + detector.keyword_length(hit) > from {
            hits.push(hit);
        }
    });
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
    /// Takes over the keywords inside of `run`, and their candidates where these depend on nothing else; the other
    /// keywords go to `new`.
    fn take_over(
        &mut self,
        detector: &Detector,
        bytes: &[u8],
        derived: &Derived<'_, Self>,
        run: &Run,
        new: &mut Vec<Hit>,
    ) {
        let base = derived.state;
        let inside = interior(bytes, run, derived.base_size).unwrap_or(0..0);
        let at_end = run.range().end == bytes.len() && run.base_end() == derived.base_size;
        let mut placed = base.placed.partition_point(|placed| placed.hit < run.base);
        for hit in &base.hits[base.hits.partition_point(|hit| hit.start < run.base)..] {
            if hit.start >= run.base_end() {
                break;
            }
            let here = Hit { start: hit.start - run.base + run.start, anchor: hit.anchor };
            if here.start + detector.keyword_length(here) > run.range().end {
                continue;
            }
            let far = detector.far_reach(here);
            let reaches_out = far > 0 && !at_end && here.start + far + MARGIN > run.range().end;
            if !inside.contains(&here.start) || reaches_out {
                new.push(here);
                continue;
            }
            self.hits.push(here);
            while base.placed.get(placed).is_some_and(|placed| placed.hit < hit.start) {
                placed += 1;
            }
            // Several keywords can start at one place; each has its own candidates.
            let own = base.placed[placed..].iter().take_while(|placed| placed.hit == hit.start);
            let own = own.filter(|placed| placed.anchor == hit.anchor);
            self.placed.extend(own.map(|own| Placed { hit: here.start, ..own.clone() }));
        }
    }
}
