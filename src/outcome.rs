//! What a run came to: the findings, what was set aside and why, what was read and what was not.
//!
//! Commands put it together, reports print it. It says `complete` only when everything that was asked for was read.

use std::collections::BTreeMap;

use crate::finding::{Confidence, Finding, Place, Reason, Secret, Severity};
use crate::gap::{AcceptedGap, Gap, GapCode};

/// The result of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Findings of enough confidence that nobody has accepted, in the order of their places.
    pub findings: Vec<Finding>,
    /// What was set aside; listed by `--explain`.
    pub set_aside: Vec<SetAside>,
    /// What was found and set aside, which is masked in everything printed like the secrets of the findings.
    pub secrets: Vec<Secret>,
    /// Everything else worth saying.
    pub summary: Summary,
}

/// A candidate that is no finding.
#[derive(Debug, Clone)]
pub struct SetAside {
    /// Id of its rule.
    pub rule: String,
    /// Its content.
    pub path: String,
    /// Where.
    pub place: Place,
    /// Who set it aside: a judge, `confidence`, `config` or `baseline`.
    pub by: &'static str,
    /// Why.
    pub reason: Reason,
}

/// What was read, and what not.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// What was looked at, where it is not files that were named: a range of commits, the index.
    pub scope: Option<String>,
    /// What was looked for, if it is not credentials.
    pub looked_for: Option<&'static str>,
    /// Contents read to their end; `None` for a history, which counts objects.
    pub files: Option<u64>,
    /// Commits read, of a history or a range.
    pub commits: Option<u64>,
    /// Objects read, of a history.
    pub objects: Option<u64>,
    /// Bytes read; of a history, all versions expanded.
    pub bytes: u64,
    /// Files that the configuration excludes.
    pub excluded: u64,
    /// Findings accepted, by what accepts them: `marker`, `config`, `baseline`.
    pub allowed: BTreeMap<&'static str, usize>,
    /// Candidates below the confidence that is shown.
    pub below_confidence: usize,
    /// Links, sockets, devices: kind and path.
    pub not_content: Vec<(&'static str, String)>,
    /// What should have been read and was not.
    pub gaps: Vec<Gap>,
    /// What was not read either, and need not be, as the configuration says.
    pub accepted_gaps: Vec<AcceptedGap>,
    /// What the user should know besides.
    pub notes: Vec<String>,
}

impl Summary {
    /// Whether everything that was asked for was read.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    /// What the user should know besides, and what the configuration accepts that was not read: a line for each reason.
    pub fn all_notes(&self) -> Vec<String> {
        let mut by_reason: BTreeMap<&str, Vec<&Gap>> = BTreeMap::new();
        for AcceptedGap { gap, accepted } in &self.accepted_gaps {
            by_reason.entry(accepted).or_default().push(gap);
        }
        let accepted = by_reason.into_iter().map(|(reason, gaps)| {
            let listed =
                gaps.iter().take(5).map(|gap| format!("{} ({})", gap.path, gap.code)).collect::<Vec<_>>().join(", ");
            let (noun, more) = (if gaps.len() == 1 { "gap" } else { "gaps" }, if gaps.len() > 5 { ", …" } else { "" });
            format!("{} {noun} accepted ({reason}): {listed}{more}", gaps.len())
        });
        self.notes.iter().cloned().chain(accepted).collect()
    }
}

impl Outcome {
    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Keeps findings of at least `min`; the others are set aside.
    pub fn require_confidence(&mut self, min: Confidence) {
        let (shown, below): (Vec<_>, Vec<_>) = self.findings.drain(..).partition(|finding| finding.confidence >= min);
        self.findings = shown;
        self.summary.below_confidence += below.len();
        self.set_aside.extend(below.into_iter().map(|finding| SetAside {
            rule: finding.rule.to_string(),
            reason: Reason::new(
                "confidence.low",
                format!("{} confidence: {}", finding.confidence, Reason::texts(&finding.evidence, ", ")),
            ),
            path: finding.path.clone(),
            place: finding.place,
            by: "confidence",
        }));
    }

    /// Keeps the first `most` findings, and as many of what was set aside. To be called when all is in order.
    pub fn limit(&mut self, most: usize) {
        if self.findings.len() > most {
            let all = self.findings.len();
            let reason = format!("there are {all} findings; the first {most} of them are reported (--max-findings)");
            self.summary.gaps.push(Gap::about(GapCode::Limit, "findings", reason));
            self.findings.truncate(most);
        }
        self.set_aside.truncate(most);
    }

    /// Puts everything in the order of paths and places, whatever thread found it first.
    pub fn sort(&mut self) {
        // In a history two secrets can stand at one place, in two objects.
        let object = |finding: &Finding| finding.life.as_ref().and_then(|life| life.object.clone());
        self.findings.sort_by(|a, b| {
            (&a.path, a.place, &a.rule).cmp(&(&b.path, b.place, &b.rule)).then_with(|| object(a).cmp(&object(b)))
        });
        self.set_aside.sort_by(|a, b| (&a.path, a.place, &a.rule, a.by).cmp(&(&b.path, b.place, &b.rule, b.by)));
    }
}
