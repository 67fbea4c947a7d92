//! Which commits count: all, those that refs lead to, the newest, those that came after something.

use keysieve_git::graph;
use keysieve_git::oid::{Oid, OidMap};

use super::attribute::Attribution;
use super::{Options, Since};

/// Which commits' secrets are reported.
pub(super) struct Filter {
    since: i64,
    /// Commits that a revision leads to, whose secrets are old.
    old: Vec<bool>,
    /// First of the newest commits.
    first: usize,
    /// Whether what no ref leads to counts.
    pub(super) unreachable: bool,
}

impl Filter {
    pub(super) fn new(options: &Options, since: Option<Oid>, attribution: &Attribution) -> Self {
        let commits = &attribution.commits;
        let time = match options.since {
            Some(Since::Time(time)) => time,
            _ => i64::MIN,
        };
        let index: OidMap<u32> = commits.iter().enumerate().map(|(at, commit)| (commit.oid, at as u32)).collect();
        let tip = since.and_then(|oid| index.get(&oid).copied());
        let reached = attribution.reachable.iter().filter(|reached| **reached).count();
        let newest = options.max_commits.map_or(usize::MAX, |most| most);
        let mut skip = reached.saturating_sub(newest);
        let first = attribution.reachable.iter().position(|reached| {
            let is_first = skip == 0;
            skip -= usize::from(*reached && skip > 0);
            is_first
        });
        let whole = options.branches.is_empty() && options.max_commits.is_none() && options.since.is_none();
        Self {
            since: time,
            old: graph::reachable(commits, &index, tip.into_iter()),
            first: first.unwrap_or(0),
            unreachable: whole && !options.exclude_unreachable,
        }
    }

    pub(super) fn lets(&self, attribution: &Attribution, at: u32) -> bool {
        let at = at as usize;
        attribution.commits[at].time >= self.since
            && !self.old[at]
            && at >= self.first
            && (self.unreachable || attribution.reachable[at])
    }
}
