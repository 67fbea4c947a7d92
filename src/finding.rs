//! What a report tells of: what the engine found, where its reader finds it, and when it came and went.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use keysieve_engine::finding::{Advice, Confidence, Excerpt, Fingerprint, Key, Partner, Place, Secret, Severity};

/// Why something is a finding, or is none: a code that stays, and its English.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reason {
    /// What it is about, a dot, what it says, such as `structure.checksum-holds`.
    pub code: Cow<'static, str>,
    /// For people: a short sentence without a full stop.
    pub text: Cow<'static, str>,
}

impl Reason {
    /// The reason of this code.
    pub fn new(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), text: text.into() }
    }

    /// The texts of several, in their order.
    pub fn texts(reasons: &[Self], between: &str) -> String {
        reasons.iter().map(|reason| reason.text.as_ref()).collect::<Vec<_>>().join(between)
    }
}

impl From<keysieve_engine::reason::Reason> for Reason {
    fn from(reason: keysieve_engine::reason::Reason) -> Self {
        let text = match reason.detail {
            Some(_) => reason.to_string().into(),
            None => reason.code.text().into(),
        };
        Self { code: reason.code.as_str().into(), text }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum FindingKind {
    /// A credential.
    #[default]
    Credential,
    /// A way to handle secrets that `posture` advises against.
    Practice,
}

/// One credential, or one practice, at one place.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which of them.
    pub kind: FindingKind,
    /// Id of the rule.
    pub rule: Cow<'static, str>,
    /// What the rule finds, in words.
    pub title: Cow<'static, str>,
    /// What it opens here.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// The reasons for both.
    pub evidence: Vec<Reason>,
    /// The content it was found in, as the user would type it: a path, or `-` for standard input.
    pub path: String,
    /// The path from the root of the repository or the scanned folder on: what rules and fingerprints go by.
    pub identity: String,
    /// Where in the content.
    pub place: Place,
    /// The credential.
    pub secret: Secret,
    /// The line around it.
    pub excerpt: Excerpt,
    /// Its other half, if the credential has two and both were there.
    pub partner: Option<Partner>,
    /// What identifies the finding across runs.
    pub fingerprint: Fingerprint,
    /// What to do about it.
    pub advice: Advice,
    /// When it came and went, if it was found in a history.
    pub provenance: Option<Box<Provenance>>,
}

impl From<keysieve_engine::finding::Finding> for Finding {
    /// What the engine found, shown under the path that it was judged by.
    fn from(found: keysieve_engine::finding::Finding) -> Self {
        Self {
            kind: FindingKind::Credential,
            rule: found.rule,
            title: found.title,
            severity: found.severity,
            confidence: found.confidence,
            evidence: found.evidence.into_iter().map(Reason::from).collect(),
            path: found.repo_path.clone(),
            identity: found.repo_path,
            place: found.place,
            secret: found.secret,
            excerpt: found.excerpt,
            partner: found.partner,
            fingerprint: found.fingerprint,
            advice: found.advice,
            provenance: None,
        }
    }
}

/// When a secret came into a repository, and when it went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The object in which it was first.
    pub object: Option<String>,
    /// The commit that brought it in.
    pub introduced: Option<CommitNote>,
    /// The last commit that took it out.
    pub removed: Option<CommitNote>,
    /// Refs at whose tip it still is: the first [`Provenance::LISTED_REFS`] by name.
    pub refs: Vec<String>,
    /// How many such refs there are.
    pub refs_total: usize,
    /// How many versions of files hold it.
    pub versions: u32,
    /// All paths at which it ever was.
    pub paths: Vec<String>,
    /// Whether any ref leads to it; what reflogs alone keep, or nothing, is unreachable.
    pub reachable: bool,
}

impl Provenance {
    /// Most refs that are named: mirrors have thousands.
    pub const LISTED_REFS: usize = 20;
}

/// A commit, as a person would want it named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CommitNote {
    /// Its id.
    pub id: String,
    /// Name and address of its author.
    pub author: String,
    /// When it was written, RFC 3339, UTC.
    pub date: String,
    /// The first line of its message.
    pub subject: String,
}

impl Finding {
    /// What stands for the secret in its line: the part that may be shown, then dots.
    pub fn masked_line_secret(&self) -> String {
        let public = String::from_utf8_lossy(self.secret.public_part()).into_owned();
        let hidden = self.excerpt.masked.saturating_sub(public.chars().count());
        public + &"•".repeat(hidden.min(MOST_DOTS))
    }
}

/// Dots shown for one secret: longer ones tell nothing more.
const MOST_DOTS: usize = 48;
