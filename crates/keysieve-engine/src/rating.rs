//! How much a finding matters, how sure it is, and where to read what to do: what rules and findings both speak of.
//!
//! `build.rs` includes this file as well, so it depends on nothing of the crate.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// What a credential opens at its place, from harmless to fatal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// All of them, from harmless to fatal.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

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
    /// All of them, from a guess to a proof.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Certain];

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

/// A name that is none of those that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    name: String,
    known: String,
}

impl UnknownName {
    fn new<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self { name: name.to_owned(), known: known.collect::<Vec<_>>().join(", ") }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown name `{}`, expected one of {}", self.name, self.known)
    }
}

impl std::error::Error for UnknownName {}

impl FromStr for Severity {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| UnknownName::new(name, Self::ALL.iter().map(|it| it.as_str())))
    }
}

impl FromStr for Confidence {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| UnknownName::new(name, Self::ALL.iter().map(|it| it.as_str())))
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Advice {
    /// The provider's page on revoking or rotating the credential.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "str::is_empty"))]
    pub rotate: Cow<'static, str>,
    /// The kind of store that the successor belongs in.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "str::is_empty"))]
    pub store: Cow<'static, str>,
}
