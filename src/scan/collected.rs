//! Gathers what several threads find, so that neither their number nor their order tells in the outcome.

use std::sync::Mutex;

use keysieve_engine::Detector;

use super::verdicts::{Judged, Markers, Verdicts};
use super::{Content, Coverage};
use crate::gap::{Gap, GapCode};
use crate::outcome::{Outcome, Summary, Suppressor};

/// What was found so far.
#[derive(Debug)]
pub struct Collected<'a> {
    verdicts: Verdicts<'a>,
    /// Most findings that are reported.
    most: usize,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    judged: Judged,
    /// Findings that there was no room for.
    left_out: usize,
    /// How many findings markers allow.
    allowed: usize,
}

impl<'a> Collected<'a> {
    /// Nothing yet; of more than `most` findings the first by path and place are kept.
    pub fn new(detector: &'a Detector, most: usize) -> Self {
        Self { verdicts: Verdicts { detector, markers: Markers::Heeded }, most, found: Mutex::default() }
    }

    /// Judges and adds what was found in `content`.
    pub fn add(&self, content: Content) {
        let mut judged = Judged::default();
        self.verdicts.of_content(content, &mut judged);
        let mut found = self.found.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        found.allowed += judged.allowed_by_marker();
        found.judged.merge(judged);
        found.keep_first(self.most);
    }

    /// All that was found, in what was covered.
    pub fn outcome(self, coverage: Coverage) -> Outcome {
        let Found { judged, left_out, allowed } =
            self.found.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut summary = Summary::from(coverage);
        summary.allowed.insert(Suppressor::Marker, allowed);
        if left_out > 0 {
            let reason = format!("{left_out} more findings were left out; the first are reported (--max-findings)");
            summary.gaps.push(Gap::about(GapCode::Limit, "findings", reason));
        }
        Outcome { findings: judged.findings, suppressed: judged.suppressed, secrets: judged.allowed, summary }
    }
}

impl Found {
    /// Of more than twice `most` keeps the first by path and place, so that it does not matter which content came first.
    fn keep_first(&mut self, most: usize) {
        let Judged { findings, suppressed, .. } = &mut self.judged;
        if findings.len() > 2 * most {
            findings.sort_by(|a, b| (&a.path, a.place, &a.rule).cmp(&(&b.path, b.place, &b.rule)));
            self.left_out += findings.len() - most;
            findings.truncate(most);
        }
        if suppressed.len() > 2 * most {
            suppressed.sort_by(|a, b| (&a.path, a.place, &a.rule, a.by).cmp(&(&b.path, b.place, &b.rule, b.by)));
            suppressed.truncate(most);
        }
    }
}

impl From<Coverage> for Summary {
    fn from(coverage: Coverage) -> Self {
        Self {
            files: Some(coverage.files),
            bytes: coverage.bytes,
            excluded: coverage.excluded,
            not_content: coverage.not_content.into_iter().map(|it| (it.kind.into(), it.path)).collect(),
            gaps: coverage.gaps,
            ..Self::default()
        }
    }
}
