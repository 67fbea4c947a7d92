//! What the engine makes of a match before anything is known of paths.

use std::ops::Range;

use zeroize::Zeroize;

use super::anchors::AnchorId;
use crate::finding::{Confidence, Excerpt, Place, Secret, Severity};
use crate::reason::Reason;

/// Index of a rule in the detector.
pub type RuleIndex = u32;

/// A judge that can speak against a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Judge {
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
    /// A marker, the configuration or the baseline.
    Allow,
    /// Another rule tells more about the same bytes.
    Overlap,
    /// The path says that the rule does not apply.
    Path,
}

impl Judge {
    /// The name in `--explain`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Structure => "structure",
            Self::Entropy => "entropy",
            Self::Plausibility => "plausibility",
            Self::Ignore => "ignore",
            Self::Allow => "marker",
            Self::Overlap => "overlap",
            Self::Path => "path",
        }
    }
}

/// Why a candidate is no finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Who says so.
    pub judge: Judge,
    /// Why.
    pub reason: Reason,
}

/// A match with the evidence that its bytes bear.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Index of its rule in the detector.
    pub rule: RuleIndex,
    /// Where the keyword stands that led to it.
    pub hit: u64,
    /// That keyword.
    pub anchor: AnchorId,
    /// The secret's bytes in the content.
    pub span: Range<u64>,
    /// The secret.
    pub secret: Secret,
    /// Lines and columns.
    pub place: Place,
    /// How sure, from the bytes alone.
    pub confidence: Confidence,
    /// What it opens, from the bytes alone.
    pub severity: Severity,
    /// Whether a judge found it harmless, so that the path need not.
    pub harmless: bool,
    /// Whether a check proved it.
    pub proven: bool,
    /// The model's score of a generic secret, from the bytes alone.
    pub score: Option<i32>,
    /// The model's features, where somebody asked for them.
    pub features: Vec<u32>,
    /// Reasons.
    pub evidence: Vec<Reason>,
    /// Whether the value was a string literal; `None` when the rule does not read assignments.
    pub quoted: Option<bool>,
    /// The line around it, raw, until the content ends.
    pub surroundings: Surroundings,
    /// The line around it, without any secret of the content.
    pub excerpt: Excerpt,
    /// Its other half.
    pub partner: Option<Box<Candidate>>,
    /// What the same bytes are where this one's rule is not for the path.
    pub otherwise: Option<Box<Candidate>>,
    /// Why it is no finding, if it is none.
    pub dropped: Option<Dropped>,
}

impl Candidate {
    /// What candidates are put in order by: their places, and of those at one place the keywords that led to them. The gate
    /// gives keywords in an order that depends on where a window starts, so nothing may go by that.
    pub fn order(&self) -> (u64, u64, RuleIndex, u64, AnchorId) {
        (self.span.start, self.span.end, self.rule, self.hit, self.anchor)
    }
}

/// The bytes of the line directly before and after a secret, clipped. May hold other secrets.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// Up to the secret's start.
    pub before: Vec<u8>,
    /// From the secret's end on; empty when the secret spans lines.
    pub after: Vec<u8>,
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        self.before.zeroize();
        self.after.zeroize();
    }
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Surroundings([redacted])")
    }
}
