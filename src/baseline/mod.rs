//! The findings that a repository has accepted, as fingerprints under a key of its own.
//!
//! The file holds no secret. Its key is random, so equal secrets in two repositories do not show as equal; whoever has
//! the file has the key too, and can test guesses of a weak password against it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file::{self, write};
use crate::finding::{Finding, FindingKind, Fingerprint, Key, Secret};
use crate::redaction::without_values;

pub mod import;

/// The file's usual name, beside the configuration.
pub const FILE_NAME: &str = ".keysieve-baseline.json";
const VERSION: u32 = 1;

/// A baseline file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// Reading or writing failed.
    #[error("cannot {action} the baseline `{}`", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no baseline.
    #[error("`{}` is no keysieve baseline: {reason}; make one with `keysieve baseline create`", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Accepted findings.
#[derive(Debug, Clone)]
pub struct Baseline {
    key: Key,
    fingerprints: BTreeSet<Fingerprint>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    key: String,
    fingerprints: BTreeSet<Fingerprint>,
}

impl Baseline {
    /// An empty baseline with a fresh key.
    pub fn new() -> io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { key: Key::from_bytes(key), fingerprints: BTreeSet::new() })
    }

    /// Reads a baseline.
    pub fn load(path: &Path) -> Result<Self, BaselineError> {
        let text = file::read_followed(path).map_err(|source| BaselineError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads a baseline that a repository brings: it has to be a file of its own.
    pub fn load_confined(path: &Path) -> Result<Self, BaselineError> {
        let failed = |source| BaselineError::Io { action: "read", path: path.to_owned(), source };
        Self::parse(&file::read_text(path).map_err(failed)?, path)
    }

    /// Reads the text of a baseline; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, BaselineError> {
        let malformed = |reason: String| BaselineError::Malformed { path: path.to_owned(), reason };
        let stored: Stored =
            serde_json::from_str(text).map_err(|error| malformed(without_values(&error.to_string())))?;
        if stored.version != VERSION {
            return Err(malformed(format!("it has version {}, this keysieve knows {VERSION}", stored.version)));
        }
        let key = blake3::Hash::from_hex(&stored.key)
            .map_err(|_| malformed("its key is not 64 hexadecimal digits".into()))?;
        for fingerprint in &stored.fingerprints {
            Fingerprint::parse(fingerprint.as_str()).map_err(malformed)?;
        }
        Ok(Self { key: Key::from_bytes(*key.as_bytes()), fingerprints: stored.fingerprints })
    }

    /// Writes the baseline to `path`.
    pub fn save(&self, path: &Path) -> Result<(), BaselineError> {
        let stored = Stored {
            version: VERSION,
            key: blake3::Hash::from_bytes(*self.key.as_bytes()).to_hex().to_string(),
            fingerprints: self.fingerprints.clone(),
        };
        let failed = |source| BaselineError::Io { action: "write", path: path.to_owned(), source };
        let mut text = serde_json::to_vec_pretty(&stored).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        write::all(path, &text, write::Access::Kept).map_err(failed)
    }

    /// How many findings are accepted.
    pub fn len(&self) -> usize {
        self.fingerprints.len()
    }

    /// Whether no finding is accepted.
    pub fn is_empty(&self) -> bool {
        self.fingerprints.is_empty()
    }

    /// The finding's fingerprint under this baseline's key.
    pub fn fingerprint(&self, finding: &Finding, identity: &str) -> Fingerprint {
        // What stands for a practice's secret is what it is about, which is never in the clear.
        let subject;
        let secret = match finding.kind {
            FindingKind::Credential => &finding.secret,
            FindingKind::Practice => {
                subject = Secret::new(finding.secret.expose_text().as_bytes(), 0);
                &subject
            }
        };
        self.key.fingerprint(&finding.rule, secret, identity)
    }

    /// Whether `fingerprint` was accepted.
    pub fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprints.contains(fingerprint)
    }

    /// Accepts more fingerprints and says how many were new.
    pub fn extend(&mut self, fingerprints: impl IntoIterator<Item = Fingerprint>) -> usize {
        let before = self.len();
        self.fingerprints.extend(fingerprints);
        self.len() - before
    }

    /// Forgets the fingerprints that are not `current` and says how many those were.
    pub fn prune(&mut self, current: &BTreeSet<Fingerprint>) -> usize {
        let before = self.len();
        self.fingerprints.retain(|fingerprint| current.contains(fingerprint));
        before - self.len()
    }
}
