//! How much a finding matters, how sure it is, and where to read what to do: what rules and findings both speak of.
//!
//! `build.rs` includes this file as well, so it depends on nothing of the crate.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a credential opens at its place, from harmless to fatal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Harmless here: a test's password, a public identifier, a well-known default.
    Low,
    /// Opens something of limited reach.
    Medium,
    /// Opens a service or its data.
    High,
    /// Opens an account, an infrastructure or its money.
    Critical,
}

/// How sure keysieve is that something is a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess; not shown by default.
    Low,
    /// More likely than not.
    Medium,
    /// The shape or the context leaves little doubt.
    High,
    /// Proven offline, by a checksum or a structure that parses.
    Certain,
}

impl Severity {
    /// The name used in every format: `critical`, `high`, `medium` or `low`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl Confidence {
    /// The name used in every format: `certain`, `high`, `medium` or `low`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Certain => "certain",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where to read what to do about a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Advice {
    /// The provider's page on revoking or rotating the credential.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub rotate: Cow<'static, str>,
    /// The kind of store that the successor belongs in.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub store: Cow<'static, str>,
}
