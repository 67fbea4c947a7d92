//! What a run came to: the findings, what was set aside and why, what was read and what was not.
//!
//! Commands put it together, reports print it. It says `complete` only when everything that was asked for was read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use keysieve_engine::candidate::Judge;
use serde::{Deserialize, Serialize};

use crate::finding::{Confidence, Finding, Place, Reason, Secret, Severity};
use crate::gap::{AcceptedGap, Gap, GapCode};

/// The result of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Findings of enough confidence that nobody has accepted, in the order of their places.
    pub findings: Vec<Finding>,
    /// What was set aside; listed by `--explain`.
    pub suppressed: Vec<Suppressed>,
    /// What was found and set aside, which is masked in everything printed like the secrets of the findings.
    pub secrets: Vec<Secret>,
    /// Everything else worth saying.
    pub summary: Summary,
}

/// A candidate that is no finding.
#[derive(Debug, Clone)]
pub struct Suppressed {
    /// Id of its rule.
    pub rule: String,
    /// Its content.
    pub path: String,
    /// Where.
    pub place: Place,
    /// Who set it aside: a judge, `confidence`, `config` or `baseline`.
    pub by: Suppressor,
    /// Why.
    pub reason: Reason,
}

/// Who says that a candidate is no finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Suppressor {
    /// Contextual rules do not read binary content.
    Content,
    /// A checksum or a structure is wrong.
    Structure,
    /// Too few bits a character.
    Entropy,
    /// A placeholder, an identifier, a word.
    Plausibility,
    /// The rule's own list of values that are none.
    Ignore,
    /// A marker in a comment.
    Marker,
    /// Another rule tells more about the same bytes.
    Overlap,
    /// The path says that the rule does not apply.
    Path,
    /// It is less sure than what is shown.
    Confidence,
    /// The configuration allows it.
    Config,
    /// The baseline has it.
    Baseline,
}

impl Suppressor {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Content,
        Self::Structure,
        Self::Entropy,
        Self::Plausibility,
        Self::Ignore,
        Self::Marker,
        Self::Overlap,
        Self::Path,
        Self::Confidence,
        Self::Config,
        Self::Baseline,
    ];

    /// The name in every format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Structure => "structure",
            Self::Entropy => "entropy",
            Self::Plausibility => "plausibility",
            Self::Ignore => "ignore",
            Self::Marker => "marker",
            Self::Overlap => "overlap",
            Self::Path => "path",
            Self::Confidence => "confidence",
            Self::Config => "config",
            Self::Baseline => "baseline",
        }
    }
}

impl From<Judge> for Suppressor {
    fn from(judge: Judge) -> Self {
        match judge {
            Judge::Content => Self::Content,
            Judge::Structure => Self::Structure,
            Judge::Entropy => Self::Entropy,
            Judge::Plausibility => Self::Plausibility,
            Judge::Ignore => Self::Ignore,
            Judge::Allow => Self::Marker,
            Judge::Overlap => Self::Overlap,
            Judge::Path => Self::Path,
        }
    }
}

impl fmt::Display for Suppressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a run looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LookedFor {
    /// Credentials.
    #[default]
    Credentials,
    /// Practices that `posture` advises against.
    Practices,
}

impl LookedFor {
    /// In a sentence that says there are none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Practices => "practices to mend",
        }
    }
}

/// What was read, and what not.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// What was looked at, where it is not files that were named: a range of commits, the index.
    pub scope: Option<String>,
    /// What was looked for.
    pub looked_for: LookedFor,
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
    pub allowed: BTreeMap<Suppressor, usize>,
    /// Candidates below the confidence that is shown.
    pub below_confidence: usize,
    /// Links, sockets, devices: kind and path.
    pub not_content: Vec<(Cow<'static, str>, String)>,
    /// What should have been read and was not.
    pub gaps: Vec<Gap>,
    /// What was not read either, and need not be, as the configuration says.
    pub accepted_gaps: Vec<AcceptedGap>,
    /// What the user should know besides.
    pub notes: Vec<String>,
}

impl Summary {
    /// Adds what another part of the same run read; scope and what was looked for stay.
    pub fn join(&mut self, other: Self) {
        let sum = |ours: &mut Option<u64>, theirs: Option<u64>| {
            *ours = ours.zip(theirs).map(|(a, b)| a + b).or(*ours).or(theirs);
        };
        sum(&mut self.files, other.files);
        sum(&mut self.commits, other.commits);
        sum(&mut self.objects, other.objects);
        self.bytes += other.bytes;
        self.excluded += other.excluded;
        self.below_confidence += other.below_confidence;
        self.not_content.extend(other.not_content);
        self.gaps.extend(other.gaps);
        self.accepted_gaps.extend(other.accepted_gaps);
        self.notes.extend(other.notes);
        for (by, count) in other.allowed {
            *self.allowed.entry(by).or_default() += count;
        }
    }

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

impl Suppressed {
    /// A finding that is less sure than what is shown.
    pub fn unsure(finding: &Finding) -> Self {
        let evidence = Reason::texts(&finding.evidence, ", ");
        Self {
            rule: finding.rule.to_string(),
            reason: Reason::new("confidence.low", format!("{} confidence: {evidence}", finding.confidence)),
            path: finding.path.clone(),
            place: finding.place,
            by: Suppressor::Confidence,
        }
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
        self.suppressed.extend(below.iter().map(Suppressed::unsure));
    }

    /// Adds what another part of the same run came to.
    pub fn join(&mut self, other: Self) {
        let Self { findings, suppressed, secrets, summary } = other;
        self.findings.extend(findings);
        self.suppressed.extend(suppressed);
        self.secrets.extend(secrets);
        self.summary.join(summary);
    }

    /// Keeps the first `most` findings, and as many of what was set aside. To be called when all is in order.
    pub fn limit(&mut self, most: usize) {
        if self.findings.len() > most {
            let all = self.findings.len();
            let reason = format!("there are {all} findings; the first {most} of them are reported (--max-findings)");
            self.summary.gaps.push(Gap::about(GapCode::Limit, "findings", reason));
            self.findings.truncate(most);
        }
        self.suppressed.truncate(most);
    }

    /// Puts everything in the order of paths and places, whatever thread found it first.
    pub fn sort(&mut self) {
        // In a history two secrets can stand at one place, in two objects.
        let object = |finding: &Finding| finding.provenance.as_ref().and_then(|provenance| provenance.object.clone());
        self.findings.sort_by(|a, b| {
            (&a.path, a.place, &a.rule).cmp(&(&b.path, b.place, &b.rule)).then_with(|| object(a).cmp(&object(b)))
        });
        self.suppressed.sort_by(|a, b| (&a.path, a.place, &a.rule, a.by).cmp(&(&b.path, b.place, &b.rule, b.by)));
    }
}
