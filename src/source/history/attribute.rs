//! Who brought a secret in, when and where, who took it out, and which refs still have it.
//!
//! In come the blobs that hold something, the trees that lead to them, and the commits. For every commit the set of
//! secrets with their paths is known without a diff: trees with the same content share one set, so that most commits
//! differ from their parents in nothing and are passed over by comparing two numbers.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use keysieve_git::commit::Commit;
use keysieve_git::graph::Graph;
use keysieve_git::oid::{NumberMap, Oid};
use keysieve_git::refs::Refs;
use keysieve_git::store::Store;

use super::secrets::{SecretId, VariantId, path_inside};
use super::sets::{MAX_DEPTH, Paths, SetId, Sets};
use super::trees::Trees;
use super::walk::Found;
use crate::finding;
use crate::gap::Gap;
use crate::gap::GapCode;
use crate::scan::Progress;

/// A secret at a path; both by number.
pub type AtPath = (SecretId, u32);

/// The life of one secret.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    /// The first commit that has it, as an index into [`Attribution::commits`], and where it stands there.
    pub introduced: Option<(u32, u32)>,
    /// The last commit that took it away from all its parents.
    pub removed: Option<u32>,
    /// The first refs, by name, at whose tip it is.
    pub refs: Vec<String>,
    /// How many refs these are in all.
    pub refs_total: usize,
    /// All paths at which it ever was.
    pub paths: BTreeSet<u32>,
    /// Blobs that hold it.
    pub versions: u32,
    /// Whether a commit that refs lead to has, or had, it.
    pub is_reachable: bool,
}

/// The lives of all secrets.
#[derive(Debug, Default)]
pub struct Attribution {
    /// By secret.
    pub lives: HashMap<SecretId, Provenance>,
    /// Paths by number.
    pub paths: Vec<String>,
    /// Commits, parents before their children and else by time.
    pub commits: Vec<Commit>,
    /// Which of them refs lead to.
    pub reachable: Vec<bool>,
    /// Blobs that a tree leads to, though perhaps no commit to that tree.
    pub blobs_with_paths: HashSet<Oid>,
    /// Secrets that were judged at a path which a commit has.
    pub judged: HashSet<VariantId>,
    /// What was not followed to its end.
    pub gaps: Vec<Gap>,
}

/// How many times [`Limits::paths`](crate::scan::limits::Limits::paths) the versions of a repository may hold together.
const VERSIONS: usize = 64;

/// Follows every secret of `found` through the commits. `is_finding` says whether a secret counts at a path.
pub fn attribute(
    store: &Store,
    found: &Found,
    trees: &Trees,
    graph: Graph,
    refs: &Refs,
    progress: &Progress,
    is_finding: &mut dyn FnMut(VariantId, &str) -> bool,
) -> Attribution {
    let mut gaps = Vec::new();
    let mut gap = |reason: String| gaps.push(Gap::about(GapCode::Limit, "history", reason));
    let mut secrets: NumberMap<&Arc<[VariantId]>> =
        found.blobs.iter().filter_map(|(oid, secrets)| Some((store.number(oid)?, secrets))).collect();
    secrets.extend(found.names.iter().map(|(number, _, secrets)| (*number, secrets)));
    let mut sets = Sets::new(trees, secrets);
    let (commits, reachable) = (graph.commits(), graph.reachable());
    let mut paths = Paths::default();
    let mut flat: NumberMap<Arc<[AtPath]>> = NumberMap::default();
    let mut counts: HashMap<(VariantId, u32), bool> = HashMap::new();
    let most = progress.limits.paths;
    let mut left = most.saturating_mul(VERSIONS);
    let mut too_many = false;
    let mut held = |set: SetId, sets: &Sets<'_>, paths: &mut Paths| -> Arc<[AtPath]> {
        let list = flat.entry(set).or_insert_with(|| {
            let mut list = Vec::new();
            let most = most.min(left);
            sets.flatten(set, &mut Vec::new(), paths, most, &mut list);
            left -= list.len().min(left);
            too_many |= list.len() >= most;
            for (variant, path) in &mut list {
                if let Some(inner) = &found.secrets.list[*variant as usize].inner {
                    *path = paths.number_inside(path_inside(&paths.list[*path as usize], inner));
                }
            }
            list.retain(|at| *counts.entry(*at).or_insert_with(|| is_finding(at.0, &paths.list[at.1 as usize])));
            let mut list: Vec<AtPath> =
                list.into_iter().map(|(variant, path)| (found.secrets.list[variant as usize].secret, path)).collect();
            list.sort_unstable();
            list.dedup();
            list.into()
        });
        Arc::clone(list)
    };
    let mut lives: HashMap<SecretId, Provenance> = HashMap::new();
    let mut sets_of: Vec<SetId> = Vec::with_capacity(commits.len());
    for (at, commit) in commits.iter().enumerate() {
        if progress.is_stopped() {
            break;
        }
        let set = store.number(&commit.tree).map_or(0, |tree| sets.tree(tree, 0));
        sets_of.push(set);
        let parents: Vec<SetId> =
            commit.parents.iter().filter_map(|parent| sets_of.get(graph.find(parent)? as usize).copied()).collect();
        if parents.iter().all(|parent| *parent == set) && !parents.is_empty() {
            continue;
        }
        let own = held(set, &sets, &mut paths);
        let parents: Vec<Arc<[AtPath]>> = parents.iter().map(|set| held(*set, &sets, &mut paths)).collect();
        let has = |list: &[AtPath], secret: SecretId| {
            list.get(list.partition_point(|it| it.0 < secret)).is_some_and(|it| it.0 == secret)
        };
        // Of several paths in one commit the first by name is told.
        let mut by_name: Vec<AtPath> = own.to_vec();
        by_name.sort_by(|a, b| (a.0, &paths.list[a.1 as usize]).cmp(&(b.0, &paths.list[b.1 as usize])));
        for (secret, path) in &by_name {
            let provenance = lives.entry(*secret).or_default();
            provenance.paths.insert(*path);
            // What only unreachable commits had gives way to a commit that refs lead to.
            let is_first = provenance.introduced.is_none() || reachable[at] && !provenance.is_reachable;
            if is_first && !parents.iter().any(|parent| has(parent, *secret)) {
                provenance.introduced = Some((at as u32, *path));
            }
            provenance.is_reachable |= reachable[at];
        }
        if let Some((first, others)) = parents.split_first().filter(|_| reachable[at]) {
            for (secret, _) in first.iter() {
                if !has(&own, *secret) && others.iter().all(|parent| has(parent, *secret)) {
                    lives.entry(*secret).or_default().removed = Some(at as u32);
                }
            }
        }
    }
    for (name, oid) in &refs.tips {
        let Some(at) = graph.peel(oid, &found.tags) else { continue };
        // A secret's paths stand side by side.
        let set = sets_of.get(at as usize).copied().unwrap_or(0);
        for at_paths in held(set, &sets, &mut paths).chunk_by(|a, b| a.0 == b.0) {
            let provenance = lives.entry(at_paths[0].0).or_default();
            provenance.refs_total += 1;
            if provenance.refs.len() < finding::Provenance::LISTED_REFS {
                provenance.refs.push(name.clone());
            }
        }
    }
    if too_many {
        gap(format!("a commit holds secrets at more than {most} paths; not all were followed (--max-paths)"));
    }
    if sets.is_cut {
        gap(format!("folders nested deeper than {MAX_DEPTH} were not followed"));
    }
    for variants in found.blobs.values().chain(found.names.iter().map(|(_, _, variants)| variants)) {
        let mut secrets: Vec<SecretId> =
            variants.iter().map(|variant| found.secrets.list[*variant as usize].secret).collect();
        secrets.sort_unstable();
        secrets.dedup();
        for secret in secrets {
            if let Some(provenance) = lives.get_mut(&secret) {
                provenance.versions += 1;
            }
        }
    }
    let in_trees: HashSet<u32> = trees.leaves.iter().flatten().map(|(_, _, blob)| *blob).collect();
    let blobs_with_paths =
        found.blobs.keys().copied().filter(|oid| store.number(oid).is_some_and(|it| in_trees.contains(&it))).collect();
    let judged = counts.into_keys().map(|(variant, _)| variant).collect();
    let (commits, reachable) = graph.into_parts();
    Attribution { lives, paths: paths.list, commits, reachable, blobs_with_paths, judged, gaps }
}
