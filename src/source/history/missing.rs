//! What refs lead to and the repository does not have.
//!
//! A clone can lack objects because its owner asked for that (a partial clone), or because they were lost. Either way what
//! stands in them was not read. What no ref leads to may lack whatever it likes: git itself prunes it bit by bit.

use std::collections::HashSet;

use keysieve_git::graph::Graph;
use keysieve_git::oid::Oid;
use keysieve_git::refs::Refs;
use keysieve_git::store::Store;

use super::trees::Trees;
use super::walk::Found;
use crate::gap::{Gap, GapCode};

/// Gaps for what is missing.
pub fn gaps(store: &Store, found: &Found, trees: &Trees, graph: &Graph, refs: &Refs) -> Vec<Gap> {
    let mut missing: HashSet<Oid> = HashSet::new();
    let mut need = |oid: &Oid| {
        if !store.contains(oid) {
            missing.insert(*oid);
        }
    };
    for oid in refs.tips.values() {
        need(oid);
        // Of tags that point to tags each is needed; made-up ones can go round.
        let mut seen = HashSet::new();
        let mut at = *oid;
        while let Some(target) = found.tags.get(&at).filter(|_| seen.insert(at)) {
            need(target);
            at = *target;
        }
    }
    let shallow: HashSet<&Oid> = refs.shallow.iter().collect();
    let reachable = graph.commits().iter().enumerate().filter(|(at, _)| graph.is_reachable(*at));
    let mut roots = Vec::new();
    for (_, commit) in reachable {
        need(&commit.tree);
        roots.extend(store.number(&commit.tree).filter(|_| !trees.missing.is_empty()));
        if !shallow.contains(&commit.oid) {
            commit.parents.iter().filter(|parent| !graph.has(parent)).for_each(&mut need);
        }
    }
    if !trees.missing.is_empty() {
        let reached = below(roots, trees);
        missing.extend(trees.missing.iter().filter(|(tree, _)| reached.contains(tree)).map(|(_, oid)| *oid));
    }
    let Some(first) = missing.iter().min() else { return Vec::new() };
    let count = match missing.len() {
        1 => format!("object {first} is missing"),
        more => format!("{more} objects are missing, {first} among them"),
    };
    let reason = match store.is_partial {
        true => format!("{count} (a partial clone); `git fetch --refetch` brings them"),
        false => {
            format!("{count}, although refs lead there; `git fsck` lists them, `git fetch --refetch` may bring them")
        }
    };
    vec![Gap::about(GapCode::MissingObject, "history", reason)]
}

/// The trees that these lead to, and they themselves.
fn below(roots: Vec<u32>, trees: &Trees) -> HashSet<u32> {
    let mut edges: Vec<(u32, u32)> = trees.branches.iter().flatten().map(|(tree, _, child)| (*tree, *child)).collect();
    edges.sort_unstable();
    let mut reached: HashSet<u32> = HashSet::new();
    let mut todo = roots;
    while let Some(tree) = todo.pop() {
        if reached.insert(tree) {
            let first = edges.partition_point(|edge| edge.0 < tree);
            todo.extend(edges[first..].iter().take_while(|edge| edge.0 == tree).map(|edge| edge.1));
        }
    }
    reached
}
