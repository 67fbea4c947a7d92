//! Which commits a range holds: what its ends lead to, parents before children.

use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::commit::Commit;
use crate::error::Missing;
use crate::graph::in_order;
use crate::objects::Objects;
use crate::oid::Oid;
use crate::refs::Refs;

/// Walks from commits to their parents, the newest first.
pub struct Ancestry<'a> {
    objects: &'a Objects,
    refs: &'a Refs,
    commits: HashMap<Oid, Commit>,
    /// Commits that could not be read, each once.
    pub missing: Vec<Missing>,
    unread: HashSet<Oid>,
}

/// The commits of a range.
pub struct Between {
    /// Parents before children.
    pub commits: Vec<Commit>,
    /// Ends that are neither among them nor led to by what is known: nothing of them was looked at.
    pub lost: Vec<Oid>,
}

/// Commits that are looked at after the last one of interest, as clocks are not always right; git does the same.
const SLOP: usize = 5;

impl<'a> Ancestry<'a> {
    /// Of what `objects` hold. Grafts and replacements are local and nobody else sees them, so parents are taken as they
    /// stand in the commits.
    pub fn new(objects: &'a Objects, refs: &'a Refs) -> Self {
        Self { objects, refs, commits: HashMap::new(), missing: Vec::new(), unread: HashSet::new() }
    }

    fn commit(&mut self, oid: &Oid) -> Option<&Commit> {
        if self.unread.contains(oid) {
            return None;
        }
        if !self.commits.contains_key(oid) {
            match self.objects.commit(oid) {
                Ok(commit) => drop(self.commits.insert(*oid, commit)),
                Err(missing) => {
                    self.unread.insert(*oid);
                    self.missing.push(missing);
                    return None;
                }
            }
        }
        self.commits.get(oid)
    }

    /// Parents, unless a shallow clone has none of them.
    fn parents(&mut self, oid: &Oid) -> Vec<Oid> {
        if self.refs.shallow.contains(oid) {
            return Vec::new();
        }
        self.commit(oid).map(|commit| commit.parents.clone()).unwrap_or_default()
    }

    /// The commits that `include` lead to and `exclude` do not.
    pub fn between(&mut self, include: &[Oid], exclude: &[Oid]) -> Between {
        let mut known: HashSet<Oid> = HashSet::new();
        let mut met: HashSet<Oid> = HashSet::new();
        let mut queue: BinaryHeap<(i64, Oid)> = BinaryHeap::new();
        // How many in the queue nobody has called known: counted, as a look at all of them for each costs their square.
        let mut open = 0;
        let mut wanted: Vec<Oid> = Vec::new();
        // The oldest that is wanted; told anew only where some turn out to be known.
        let mut oldest: Option<i64> = None;
        for (oids, is_known) in [(exclude, true), (include, false)] {
            for oid in oids {
                if is_known {
                    known.insert(*oid);
                }
                if let Some(time) = self.commit(oid).map(|commit| commit.time).filter(|_| met.insert(*oid)) {
                    queue.push((time, *oid));
                    open += usize::from(!known.contains(oid));
                }
            }
        }
        let mut queued: HashSet<Oid> = queue.iter().map(|(_, oid)| *oid).collect();
        let mut slop = SLOP;
        while let Some((time, oid)) = queue.pop() {
            queued.remove(&oid);
            let is_known = known.contains(&oid);
            open -= usize::from(!is_known);
            if is_known && open == 0 {
                if oldest.is_none_or(|oldest| time < oldest) {
                    slop -= 1;
                }
                if slop == 0 || oldest.is_none() {
                    break;
                }
            }
            if !is_known {
                wanted.push(oid);
                oldest = Some(oldest.map_or(time, |oldest| oldest.min(time)));
            }
            for parent in self.parents(&oid) {
                if is_known && known.insert(parent) && met.contains(&parent) {
                    open -= usize::from(queued.contains(&parent));
                    self.spread(parent, &mut known, &met, &queued, &mut open);
                    wanted.retain(|oid| !known.contains(oid));
                    oldest = wanted.iter().map(|oid| self.commits[oid].time).min();
                }
                if let Some(time) = self.commit(&parent).map(|commit| commit.time).filter(|_| met.insert(parent)) {
                    queue.push((time, parent));
                    queued.insert(parent);
                    open += usize::from(!known.contains(&parent));
                }
            }
        }
        wanted.retain(|oid| !known.contains(oid));
        let looked_at: HashSet<Oid> = wanted.iter().copied().collect();
        let is_lost = |oid: &&Oid| !looked_at.contains(oid) && !known.contains(oid);
        let lost = include.iter().filter(is_lost).copied().collect();
        // Of several of one time the first by its id comes first.
        wanted.sort_unstable();
        let commits = wanted.iter().filter_map(|oid| self.commits.get(oid).cloned()).collect();
        Between { commits: in_order(commits), lost }
    }

    /// What a commit leads to that was met before it was known to be known.
    fn spread(
        &mut self,
        from: Oid,
        known: &mut HashSet<Oid>,
        met: &HashSet<Oid>,
        queued: &HashSet<Oid>,
        open: &mut usize,
    ) {
        let mut todo = vec![from];
        while let Some(oid) = todo.pop() {
            for parent in self.parents(&oid) {
                if known.insert(parent) && met.contains(&parent) {
                    *open -= usize::from(queued.contains(&parent));
                    todo.push(parent);
                }
            }
        }
    }

    /// The newest commit that both lead to.
    pub fn shared(&mut self, one: Oid, other: Oid) -> Option<Oid> {
        let mut reached: HashMap<Oid, u8> = HashMap::new();
        let mut queue: BinaryHeap<(i64, Oid)> = BinaryHeap::new();
        for (oid, mark) in [(one, 1), (other, 2)] {
            *reached.entry(oid).or_default() |= mark;
            queue.push((self.commit(&oid)?.time, oid));
        }
        while let Some((_, oid)) = queue.pop() {
            let marks = reached[&oid];
            if marks == 3 {
                return Some(oid);
            }
            for parent in self.parents(&oid) {
                let known = reached.entry(parent).or_default();
                if *known & marks != marks {
                    *known |= marks;
                    let time = self.commit(&parent).map(|commit| commit.time);
                    queue.extend(time.map(|time| (time, parent)));
                }
            }
        }
        None
    }
}
