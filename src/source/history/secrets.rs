//! Secrets by number, each with its variants: what of a candidate a verdict goes by, as long as its path is not known.

use std::collections::HashMap;
use std::sync::Arc;

use keysieve_git::oid::Oid;

use crate::decode::compressed::stem;
use crate::finding::{Confidence, Secret, Severity};
use keysieve_engine::candidate::{Candidate, Judge, RuleIndex};

/// Number of a secret: one rule and one text, wherever it stands.
pub type SecretId = u32;

/// Number of a [`Variant`].
pub type VariantId = u32;

/// A secret with what its bytes bear that a verdict goes by. The same secret can stand in quotes here and bare there, so
/// no single place speaks for all.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Which secret.
    pub secret: SecretId,
    /// One of the candidates that are like this; they differ only in what no verdict goes by.
    pub candidate: Arc<Candidate>,
    /// Where it stands inside of a container, to be put behind the blob's path: `!/conf/a.yml`.
    pub inner: Option<Arc<str>>,
}

/// Stands in [`Variant::inner`] for the blob's name without its ending, by which goes what is compressed in it.
const STEM: &str = "\0";

/// The name that an object goes by before its path is known.
pub fn name_of(oid: &Oid) -> String {
    format!("object {oid}")
}

/// Where a content stands inside of an object, from what is put behind its name.
pub fn inner_of(identity: &str, oid: &Oid) -> String {
    match identity.strip_prefix(&format!("!/{}", name_of(oid))) {
        Some(rest) => format!("!/{STEM}{rest}"),
        None => identity.to_owned(),
    }
}

/// The path of what stands at `inner` in the blob at `path`.
pub fn path_inside(path: &str, inner: &str) -> String {
    match inner.strip_prefix(&format!("!/{STEM}")) {
        Some(rest) => format!("{path}!/{}{rest}", stem(path)),
        None => format!("{path}{inner}"),
    }
}

/// The secrets that were found, each with its variants.
#[derive(Debug, Default)]
pub struct Secrets {
    known: HashMap<(RuleIndex, Secret), SecretId>,
    variants: HashMap<(SecretId, Option<Arc<str>>, Facts), VariantId>,
    /// The variants by number.
    pub list: Vec<Variant>,
    /// How many of them no judge dropped.
    pub(super) found: usize,
}

/// What a verdict goes by, of a candidate and of those that take its place where its rule is not for the path.
type Facts = Vec<(RuleIndex, Confidence, Severity, Option<i32>, bool, bool, Option<bool>, Option<Judge>)>;

fn facts(candidate: &Candidate) -> Facts {
    std::iter::successors(Some(candidate), |it| it.otherwise.as_deref())
        .map(|it| {
            let dropped = it.dropped.as_ref().map(|dropped| dropped.judge);
            (it.rule, it.confidence, it.severity, it.score, it.harmless, it.proven, it.quoted, dropped)
        })
        .collect()
}

impl Secrets {
    /// The variants of these candidates; those that a judge dropped are kept to be counted and explained.
    pub(super) fn ids(&mut self, candidates: Vec<Candidate>, inner: Option<&Arc<str>>) -> Vec<VariantId> {
        candidates.into_iter().map(|it| self.id(it, inner)).collect()
    }

    fn id(&mut self, candidate: Candidate, inner: Option<&Arc<str>>) -> VariantId {
        let next = self.known.len() as SecretId;
        let secret = *self.known.entry((candidate.rule, candidate.secret.clone())).or_insert(next);
        let next = self.list.len() as VariantId;
        let id = *self.variants.entry((secret, inner.cloned(), facts(&candidate))).or_insert(next);
        if id == next {
            self.found += usize::from(candidate.dropped.is_none());
            self.list.push(Variant { secret, candidate: Arc::new(candidate), inner: inner.cloned() });
        }
        id
    }
}

/// Each once, in ascending order; `None` if there are none.
pub(super) fn distinct(mut ids: Vec<VariantId>) -> Option<Arc<[VariantId]>> {
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty()).then(|| ids.into())
}
