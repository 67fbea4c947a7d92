//! What the commits of a range come to together: what they brought, and what of it is gone again at their end.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::range::Ends;
use super::{Counts, Scanner, digest, merged};
use crate::finding::{CommitNote, Finding, Provenance};
use crate::inside;
use keysieve_git::commit::Commit;
use keysieve_git::comparison::{self, Change};
use keysieve_git::oid::Oid;

/// What the commits of a range brought, in their order.
#[derive(Default)]
pub(super) struct LookedAt {
    /// Each finding with its object, its commit and the path's bytes.
    found: Vec<(Finding, Oid, Oid, Vec<u8>)>,
    /// What stands in messages and headers, with the commit or tag.
    pub(super) texts: Vec<(Finding, Oid)>,
    /// What stands in contents that no commit leads to, with the blob.
    pub(super) whole: Vec<(Finding, Oid)>,
    /// For each path its versions: the commit, and what it is after it.
    versions: HashMap<Vec<u8>, Vec<(Oid, Option<Oid>)>>,
}

impl LookedAt {
    /// Adds what a commit changed, and what is new in that.
    pub(super) fn add(&mut self, commit: &Commit, changes: Vec<Change>, found: Vec<(Finding, Oid)>) {
        for change in &changes {
            self.versions.entry(change.path.clone()).or_default().push((commit.oid, change.new));
        }
        if found.is_empty() {
            return;
        }
        let paths: HashMap<String, &Change> =
            changes.iter().map(|change| (crate::decode::shown(&change.path), change)).collect();
        for (finding, object) in found {
            let path = paths.get(inside::outer(&finding.path)).map(|change| change.path.clone()).unwrap_or_default();
            self.found.push((finding, object, commit.oid, path));
        }
    }

    /// One finding for each secret, rule and path, with the commit that brought it and, if it is gone at the end of the
    /// range, the one that took it. What only moved within the range is left out.
    pub(super) fn settle(
        self,
        scanner: &Scanner<'_>,
        ends: &Ends,
        note: &mut dyn FnMut(&Oid) -> Option<CommitNote>,
    ) -> Vec<Finding> {
        let (before, after) = if self.found.is_empty() { Default::default() } else { self.counts(scanner, ends) };
        let mut seen = HashSet::new();
        let mut findings = Vec::new();
        for (mut finding, object, commit, path) in self.found {
            let secret = digest(&finding);
            if !seen.insert((secret, finding.rule.clone(), finding.path.clone())) {
                continue;
            }
            let of = |counts: &Counts| counts.get(&secret).copied().unwrap_or(0);
            let (before, after) = (of(&before), of(&after));
            if before > 0 && before >= after {
                continue;
            }
            let versions = self.versions.get(&path).map(Vec::as_slice).unwrap_or_default();
            let mut later = versions.iter().skip_while(|(at, _)| *at != commit).skip(1);
            let removed = match after {
                0 => later.find(|(_, now)| now.is_none_or(|now| scanner.count(&now, &path, &secret) == 0)),
                _ => None,
            };
            finding.provenance = Some(Box::new(Provenance {
                object: Some(object.to_string()),
                introduced: note(&commit),
                removed: removed.and_then(|(commit, _)| note(commit)),
                versions: 1,
                paths: vec![finding.path.clone()],
                reachable: true,
                ..Provenance::default()
            }));
            findings.push(finding);
        }
        for (mut finding, object) in self.texts.into_iter().chain(self.whole) {
            if seen.insert((digest(&finding), finding.rule.clone(), finding.path.clone())) {
                finding.provenance = Some(Box::new(Provenance {
                    object: Some(object.to_string()),
                    introduced: note(&object),
                    versions: 1,
                    paths: vec![finding.path.clone()],
                    reachable: true,
                    ..Provenance::default()
                }));
                findings.push(finding);
            }
        }
        findings
    }

    /// How often each secret stands in the touched files before the range and after it, each counted once for all secrets.
    fn counts(&self, scanner: &Scanner<'_>, ends: &Ends) -> (Counts, Counts) {
        let sum = |all, counts| merged(all, counts, |a, b| a + b);
        let base = ends.base().filter(|_| ends.exclude.len() == 1);
        let base_tree = base.and_then(|base| scanner.objects.commit(base).ok()).map(|commit| commit.tree);
        let before = self.versions.par_iter().filter_map(|(path, _)| {
            let oid = comparison::find(scanner.objects, base_tree.as_ref()?, path).ok()??;
            Some(scanner.scan(&oid, path).standing().clone())
        });
        let after = self
            .versions
            .par_iter()
            .filter_map(|(path, versions)| Some(scanner.scan(&versions.last()?.1?, path).counts.clone()));
        (before.reduce(Counts::new, sum), after.reduce(Counts::new, sum))
    }
}
