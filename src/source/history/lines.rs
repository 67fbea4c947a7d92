//! Scans of an object only what its base does not have.
//!
//! Where keywords stand is taken over for every copied run; only new bytes, and the few around a seam in which a keyword
//! could stand across it, go through the gate. A keyword's candidates depend on the bytes between `LOOK_BEHIND` before it
//! and `MARGIN` after the end of its rule's reach. Where all of these lie inside its run, the candidates are taken over
//! as well, at a new offset; other keywords are judged anew.
//!
//! Text in UTF-16 or UTF-32 is decoded and scanned whole, beside the bytes as they are. Whether there is any shows in the new
//! bytes where the base has none.
//!
//! *Invariant*: taken over and scanned together are what scanning the object whole gives.

use std::ops::Range;
use std::sync::Arc;

use keysieve_git::delta::Run;
use keysieve_git::forest::Derived;

use crate::scan::limits::{Reached, Task};
use keysieve_engine::anchors::AnchorId;
use keysieve_engine::candidate::Candidate;
use keysieve_engine::content::in_wide_text;
use keysieve_engine::encoded::wide;
use keysieve_engine::gate::Hit;
use keysieve_engine::rules::rule::{LINE_AHEAD, LOOK_BEHIND, MARGIN};
use keysieve_engine::{Detector, Scratch};

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
    fn new(candidate: Candidate) -> Self {
        Self { hit: candidate.hit as usize, anchor: candidate.anchor, candidate: Arc::new(candidate) }
    }

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
    /// What stands in its parts that are UTF-16 or UTF-32, in no order.
    pub wide: Vec<Placed>,
    /// Whether it has such parts.
    has_wide: bool,
    /// Whether a NUL may stand in it, without which nothing is wide.
    has_nul: bool,
    /// Whether its bytes were not scanned as they are, or not to their end: a container, or a limit was reached.
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

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.placed.is_empty() && self.wide.is_empty()
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
    let derived = derived.filter(|derived| !derived.state.is_decoded);
    scanned.has_nul = derived.as_ref().is_some_and(|derived| derived.state.has_nul);
    let mut new = Vec::new();
    let mut to = 0;
    let mut between = |scanned: &mut Scanned, range: Range<usize>, new: &mut Vec<Hit>| {
        scanned.has_nul = scanned.has_nul || memchr::memchr(0, &bytes[range.clone()]).is_some();
        scan_between(detector, bytes, range.start, range.end, work, new);
    };
    for run in derived.as_ref().map_or(&[][..], |derived| derived.runs) {
        if run.length < SHORT {
            continue;
        }
        between(&mut scanned, to..run.start, &mut new);
        to = run.range().end;
        if let Some(derived) = &derived {
            scanned.take_over(detector, bytes, derived, run, &mut new);
        }
    }
    between(&mut scanned, to..bytes.len(), &mut new);
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
        && derived.as_ref().is_some_and(|derived| {
            let mut pairs = derived.state.placed.iter().zip(&scanned.placed);
            derived.state.placed.len() == scanned.placed.len()
                && pairs.all(|(base, own)| Arc::ptr_eq(&base.candidate, &own.candidate))
        });
    scanned.has_wide = scanned.has_nul && has_wide(bytes, derived.as_ref());
    if scanned.has_wide && scanned.unread.is_none() {
        work.scanned += bytes.len() as u64;
        let found = in_wide_text(detector, scratch, bytes);
        scanned.unread = task.found(found.len()).and_then(|()| task.in_time()).err();
        scanned.wide = found.into_iter().map(Placed::new).collect();
    }
    scanned.same_as_base &= scanned.wide.is_empty() && derived.is_none_or(|derived| derived.state.wide.is_empty());
    // What was not scanned to its end is no base to take anything over from.
    scanned.is_decoded |= scanned.unread.is_some();
    scanned.hits.sort_unstable();
    scanned.placed.extend(found.into_iter().map(Placed::new));
    scanned.placed.sort_by_key(|placed| (placed.hit, placed.candidate.rule));
    scanned
}

/// Whether parts of `bytes` are wide: of what its base does not have as well only the new bytes and the seams need a look.
fn has_wide(bytes: &[u8], derived: Option<&Derived<'_, Scanned>>) -> bool {
    let Some(derived) = derived.filter(|derived| !derived.state.has_wide) else {
        return wide::stands_in(bytes, 0..bytes.len());
    };
    let runs = derived.runs.iter().filter(|run| run.length >= SHORT).map(Run::range);
    let ends = runs.clone().map(|run| run.start).chain([bytes.len()]);
    let starts = [0].into_iter().chain(runs.map(|run| run.end));
    let widen = |(start, end): (usize, usize)| {
        start.saturating_sub(wide::SHORTEST_BYTES)..bytes.len().min(end + wide::SHORTEST_BYTES)
    };
    starts.zip(ends).map(widen).any(|new| wide::stands_in(bytes, new)) && wide::stands_in(bytes, 0..bytes.len())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scan::Progress;
    use keysieve_engine::rules::sample;

    fn part() -> impl Strategy<Value = Vec<u8>> {
        let line = (0usize..4, 0u64..50).prop_map(|(kind, seed)| match kind {
            0 => sample::fill("key <crc32-base62 ghp_ 30>\n", seed).unwrap(),
            1 => sample::fill("db_password = \"MyReal<[A-Z][a-z]{6}[0-9]{3}>\"\n", seed).unwrap(),
            2 => format!("ü = {seed}\n"),
            _ => "nothing in it, but some bytes to copy from\n".repeat(4),
        });
        (line, 0usize..6).prop_map(|(line, form)| match form {
            0 => line.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            1 => line.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            2 => line.chars().flat_map(|it| u32::from(it).to_le_bytes()).collect(),
            3 => [&line.as_bytes()[..line.len() / 2], b"\0"].concat(),
            _ => line.into_bytes(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Also where a seam falls into the middle of a character, and where text that is wide comes of bytes that were not.
        #[test]
        fn a_delta_gives_what_the_whole_gives(
            parts in prop::collection::vec(part(), 1..12),
            pieces in prop::collection::vec((any::<prop::sample::Index>(), 0usize..1500, prop::option::of(part())), 1..8),
        ) {
            let base = parts.concat();
            let (mut result, mut runs) = (Vec::new(), Vec::new());
            for (at, length, new) in pieces {
                let from = at.index(base.len());
                let copied = &base[from..base.len().min(from + length)];
                runs.push(Run { base: from, start: result.len(), length: copied.len() });
                result.extend_from_slice(copied);
                result.extend(new.unwrap_or_default());
            }
            let (detector, progress) = (Detector::builtin(), Progress::default());
            let task = Task::new(&progress);
            let (mut scratch, mut work) = (Scratch::default(), Work::default());
            let state = scan(&detector, &base, None, &task, &mut scratch, &mut work);
            let derived = Derived { state: &state, base_size: base.len(), runs: &runs };
            let by_delta = scan(&detector, &result, Some(derived), &task, &mut scratch, &mut work);
            let whole = scan(&detector, &result, None, &task, &mut scratch, &mut work);
            let told = |scanned: &Scanned| -> Vec<_> {
                let placed = scanned.placed.iter().chain(&scanned.wide);
                placed.map(|it| (it.hit, it.candidate.rule, it.span(), it.candidate.secret.expose().to_vec())).collect()
            };
            prop_assert_eq!(told(&by_delta), told(&whole));
        }
    }
}
