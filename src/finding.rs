//! What a report tells of: what the engine found, where its reader finds it, and when it came and went.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use keysieve_engine::finding::{Advice, Confidence, Excerpt, Fingerprint, Key, Partner, Place, Secret, Severity};

/// Why something is a finding, or is none: a code that stays, and its English.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// One credential at one place.
#[derive(Debug, Clone)]
pub struct Finding {
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
    pub life: Option<Box<Life>>,
}

impl From<keysieve_engine::finding::Finding> for Finding {
    /// What the engine found, shown under the path that it was judged by.
    fn from(found: keysieve_engine::finding::Finding) -> Self {
        Self {
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
            life: None,
        }
    }
}

/// The life of a secret in a repository.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Life {
    /// The object in which it was first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The commit that brought it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introduced: Option<CommitNote>,
    /// The last commit that took it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<CommitNote>,
    /// Refs at whose tip it still is: the first [`Life::LISTED_REFS`] by name.
    pub live_in: Vec<String>,
    /// How many such refs there are.
    pub live_in_refs: usize,
    /// How many versions of files hold it.
    pub versions: u32,
    /// All paths at which it ever was.
    pub paths: Vec<String>,
    /// Whether any ref leads to it; what reflogs alone keep, or nothing, is unreachable.
    pub reachable: bool,
}

impl Life {
    /// Most refs that are named: mirrors have thousands.
    pub const LISTED_REFS: usize = 20;
}

/// A commit, as a person would want it named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// From the first to the last line of the credential, both halves of a pair included.
    pub fn whole_place(&self) -> Place {
        let Some(partner) = &self.partner else { return self.place };
        let (first, last) = match partner.place.line < self.place.line {
            true => (partner.place, self.place),
            false => (self.place, partner.place),
        };
        if first.line == last.line { self.place } else { Place { line: first.line, column: first.column, ..last } }
    }

    /// What stands for the secret in its line: the part that may be shown, then dots.
    pub fn masked_line_secret(&self) -> String {
        let public = String::from_utf8_lossy(self.secret.public_part()).into_owned();
        let hidden = self.excerpt.masked.saturating_sub(public.chars().count());
        public + &"•".repeat(hidden.min(MOST_DOTS))
    }
}

/// Dots shown for one secret: longer ones tell nothing more.
const MOST_DOTS: usize = 48;
