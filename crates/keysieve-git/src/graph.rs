//! How commits hang together: their order, and which of them others lead to.

use std::collections::{BinaryHeap, HashSet};

use super::commit::Commit;
use super::oid::{Oid, OidMap};
use super::refs::Refs;

/// Most tags that may point to one another.
const MAX_TAGS: usize = 32;

/// The commits and how they hang together.
#[derive(Debug)]
pub struct Graph {
    /// Parents before their children and else by time.
    commits: Vec<Commit>,
    index: OidMap<u32>,
    /// Which of them refs lead to.
    reachable: Vec<bool>,
}

impl Graph {
    /// Of these commits, as the repository's refs, grafts and replacements have them.
    pub fn of(commits: &[Commit], tags: &OidMap<Oid>, refs: &Refs) -> Self {
        let commits = in_order(with_replacements(commits, refs));
        let index = commits.iter().enumerate().map(|(at, commit)| (commit.oid, at as u32)).collect();
        let mut graph = Self { reachable: Vec::new(), commits, index };
        let tips = refs.tips.values().filter_map(|oid| graph.peel(oid, tags));
        graph.reachable = reachable(&graph.commits, &graph.index, tips);
        graph
    }

    /// The commits, parents before children.
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// Whether refs lead to the commit at this place.
    pub fn is_reachable(&self, at: usize) -> bool {
        self.reachable[at]
    }

    /// Whether there is a commit of this id.
    pub fn has(&self, oid: &Oid) -> bool {
        self.index.contains_key(oid)
    }

    /// Which of the commits refs lead to.
    pub fn reachable(&self) -> &[bool] {
        &self.reachable
    }

    /// The place of the commit of this id.
    pub fn find(&self, oid: &Oid) -> Option<u32> {
        self.index.get(oid).copied()
    }

    /// The commits, and which of them refs lead to.
    pub fn into_parts(self) -> (Vec<Commit>, Vec<bool>) {
        (self.commits, self.reachable)
    }

    /// The commit that an object is, or that a tag leads to.
    pub fn peel(&self, oid: &Oid, tags: &OidMap<Oid>) -> Option<u32> {
        let mut oid = *oid;
        for _ in 0..MAX_TAGS {
            match tags.get(&oid) {
                Some(target) => oid = *target,
                None => break,
            }
        }
        self.index.get(&oid).copied()
    }
}

/// The commits, each once, as `git replace`, grafts and shallow clones would have them.
fn with_replacements(commits: &[Commit], refs: &Refs) -> Vec<Commit> {
    let mut unique: Vec<Commit> = commits.to_vec();
    unique.sort_unstable_by_key(|commit| commit.oid);
    unique.dedup_by_key(|commit| commit.oid);
    let place = |unique: &[Commit], oid: &Oid| unique.binary_search_by_key(oid, |commit| commit.oid).ok();
    for (original, by) in &refs.replaced {
        if let (Some(original), Some(by)) = (place(&unique, original), place(&unique, by)) {
            let mut commit = unique[by].clone();
            commit.oid = unique[original].oid;
            unique[original] = commit;
        }
    }
    for (oid, parents) in &refs.grafts {
        if let Some(at) = place(&unique, oid) {
            unique[at].parents.clone_from(parents);
        }
    }
    unique
}

/// Parents before children, and of what is free to come next the oldest: whoever comes first, by the graph and then by
/// the clock, comes first here.
pub(crate) fn in_order(commits: Vec<Commit>) -> Vec<Commit> {
    let index: OidMap<usize> = commits.iter().enumerate().map(|(at, commit)| (commit.oid, at)).collect();
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); commits.len()];
    let mut waiting = vec![0u32; commits.len()];
    for (at, commit) in commits.iter().enumerate() {
        for parent in commit.parents.iter().filter_map(|parent| index.get(parent)) {
            children[*parent].push(at as u32);
            waiting[at] += 1;
        }
    }
    let key = |at: usize| std::cmp::Reverse((commits[at].time, at));
    let mut free: BinaryHeap<_> = (0..commits.len()).filter(|at| waiting[*at] == 0).map(key).collect();
    let mut order = Vec::with_capacity(commits.len());
    while let Some(std::cmp::Reverse((_, at))) = free.pop() {
        order.push(at);
        for &child in &children[at] {
            waiting[child as usize] -= 1;
            if waiting[child as usize] == 0 {
                free.push(key(child as usize));
            }
        }
    }
    // Replaced commits can go round in a circle; these come last.
    let placed: HashSet<usize> = order.iter().copied().collect();
    order.extend((0..commits.len()).filter(|at| !placed.contains(at)));
    let mut slots: Vec<Option<Commit>> = commits.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots[at].take()).collect()
}

/// Which commits `tips` lead to.
pub fn reachable(commits: &[Commit], index: &OidMap<u32>, tips: impl Iterator<Item = u32>) -> Vec<bool> {
    let mut reached = vec![false; commits.len()];
    let mut todo: Vec<u32> = tips.collect();
    while let Some(at) = todo.pop() {
        if !std::mem::replace(&mut reached[at as usize], true) {
            todo.extend(commits[at as usize].parents.iter().filter_map(|parent| index.get(parent)));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(number: u8) -> Oid {
        Oid::from_bytes(&[number; 20]).unwrap()
    }

    fn commit(number: u8, parents: &[u8], time: i64) -> Commit {
        Commit { oid: oid(number), tree: oid(0), parents: parents.iter().map(|it| oid(*it)).collect(), time }
    }

    fn order(graph: &Graph) -> Vec<u8> {
        graph.commits().iter().map(|commit| commit.oid.as_bytes()[0]).collect()
    }

    #[test]
    fn parents_come_before_children_whatever_clocks_say() {
        let commits =
            [commit(4, &[2, 3], 5), commit(3, &[1], 9), commit(2, &[1], 1), commit(1, &[], 100), commit(5, &[], 7)];
        let graph = Graph::of(&commits, &OidMap::default(), &Refs::default());
        assert_eq!(order(&graph), [5, 1, 2, 3, 4]);
        // One that names a parent twice, and a parent that is not there.
        let commits = [commit(2, &[1, 1, 9], 1), commit(1, &[], 2)];
        assert_eq!(order(&Graph::of(&commits, &OidMap::default(), &Refs::default())), [1, 2]);
    }

    #[test]
    fn refs_lead_through_tags_grafts_and_replacements() {
        let commits = [commit(1, &[], 1), commit(2, &[1], 2), commit(3, &[], 3), commit(4, &[], 4), commit(5, &[1], 5)];
        let tags = OidMap::from_iter([(oid(8), oid(9)), (oid(9), oid(2))]);
        let reached = |refs: &Refs| {
            let graph = Graph::of(&commits, &tags, refs);
            let reached = order(&graph).into_iter().zip(graph.reachable());
            let mut reached: Vec<u8> =
                reached.filter_map(|(number, is_reached)| is_reached.then_some(number)).collect();
            reached.sort_unstable();
            reached
        };
        let mut refs = Refs::default();
        refs.tips.insert("refs/tags/a".to_owned(), oid(8));
        assert_eq!(reached(&refs), [1, 2]);
        refs.grafts.insert(oid(2), vec![oid(3)]);
        assert_eq!(reached(&refs), [2, 3]);
        refs.grafts.clear();
        refs.replaced.insert(oid(2), oid(4));
        assert_eq!(reached(&refs), [2]);
        // Two that stand for one another's child go round, and end.
        refs.grafts.insert(oid(1), vec![oid(2)]);
        refs.grafts.insert(oid(2), vec![oid(1)]);
        assert_eq!(reached(&refs), [1, 2]);
    }
}
