//! What of a history is no finding, each secret once at each path, however many versions hold it.

use std::collections::HashSet;

use super::secrets::SecretId;
use crate::finding::Secret;
use crate::outcome::{Summary, Suppressed, Suppressor};

/// What was suppressed so far.
#[derive(Debug, Default)]
pub(super) struct SuppressedOnce {
    known: HashSet<(SecretId, String, Suppressor)>,
    list: Vec<Suppressed>,
    allowed: Vec<Secret>,
}

impl SuppressedOnce {
    /// Adds what the verdicts suppressed of a secret; `allowed` are those that markers allow.
    pub(super) fn add(&mut self, secret: SecretId, prefix: &str, suppressed: Vec<Suppressed>, allowed: Vec<Secret>) {
        for mut it in suppressed {
            it.path.insert_str(0, prefix);
            if self.known.insert((secret, it.path.clone(), it.by)) {
                self.list.push(it);
            }
        }
        self.allowed.extend(allowed);
    }

    /// Adds what was suppressed elsewhere.
    pub(super) fn join(&mut self, other: Self) {
        self.known.extend(other.known);
        self.list.extend(other.list);
        self.allowed.extend(other.allowed);
    }

    /// All of it, and what markers allow; both are counted in `summary`.
    pub(super) fn into_parts(self, summary: &mut Summary) -> (Vec<Suppressed>, Vec<Secret>) {
        let count = |by| self.list.iter().filter(|it| it.by == by).count();
        summary.allowed.insert(Suppressor::Marker, count(Suppressor::Marker));
        summary.below_confidence = count(Suppressor::Confidence);
        (self.list, self.allowed)
    }
}
