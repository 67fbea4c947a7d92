//! At which paths objects stood that could not be read: what is known of a blob when packs are read is its id, and neither
//! people nor configurations go by that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use globset::GlobMatcher;

use keysieve_git::commit::Commit;
use keysieve_git::oid::{Oid, OidMap};
use keysieve_git::store::Store;

use super::secrets::VariantId;
use super::trees::Trees;
use crate::decode::shown;
use crate::gap::Gap;

/// What a gap of an object is called, before its id.
const OBJECT: &str = "object ";
/// Most paths of one object that are told.
const MOST_PATHS: usize = 64;
/// Most steps from trees to those that hold them.
const MOST_STEPS: usize = 1 << 22;
/// Deepest that trees are followed.
const MAX_DEPTH: usize = 512;

/// A repository whose objects were read.
pub struct Stored<'a> {
    /// Its objects.
    pub store: &'a Store,
    /// What leads to the blobs of [`objects`], among others.
    pub trees: &'a Trees,
    /// Its commits.
    pub commits: &'a [Commit],
    /// What stands before its paths: those of a submodule have its own.
    pub prefix: &'a str,
}

/// The objects that `gaps` name, in which nothing was found.
pub fn objects(gaps: &[Gap]) -> OidMap<Arc<[VariantId]>> {
    gaps.iter().filter_map(|gap| Some((split(&gap.path)?.0, Arc::default()))).collect()
}

/// The object of a gap, and what is named in it.
fn split(path: &str) -> Option<(Oid, &str)> {
    let rest = path.strip_prefix(OBJECT)?;
    let end = rest.find(|byte: char| !byte.is_ascii_hexdigit()).unwrap_or(rest.len());
    Some((Oid::from_hex(&rest.as_bytes()[..end])?, &rest[end..]))
}

/// Names the gaps of blobs by the paths at which they stood, and leaves out those that stood nowhere that is `wanted`.
/// A blob to which no commit leads keeps its id for a name, and so does one with more paths than are told.
pub fn name(gaps: Vec<Gap>, stored: &Stored<'_>, wanted: &[GlobMatcher]) -> Vec<Gap> {
    let Stored { store, trees, commits, prefix } = *stored;
    let mut numbers: HashMap<u32, Oid> = HashMap::new();
    for oid in objects(&gaps).into_keys() {
        numbers.extend(store.number(&oid).map(|number| (number, oid)));
    }
    let mut holders: HashMap<u32, Vec<(u32, u32)>> = HashMap::new();
    for (tree, name, blob) in trees.leaves.iter().flatten().filter(|(_, _, blob)| numbers.contains_key(blob)) {
        holders.entry(*blob).or_default().push((*tree, *name));
    }
    if holders.is_empty() {
        return gaps;
    }
    let mut branches: Vec<_> = trees.branches.iter().flatten().collect();
    branches.sort_unstable_by_key(|(_, _, child)| *child);
    let mut todo: Vec<u32> = holders.values().flatten().map(|(tree, _)| *tree).collect();
    let mut leads: HashSet<u32> = todo.iter().copied().collect();
    while let Some(below) = todo.pop() {
        let first = branches.partition_point(|(_, _, child)| *child < below);
        for (tree, name, child) in branches[first..].iter().take_while(|(_, _, child)| *child == below) {
            holders.entry(*child).or_default().push((*tree, *name));
            todo.extend(leads.insert(*tree).then_some(*tree));
        }
    }
    let roots: HashSet<u32> = commits.iter().filter_map(|commit| store.number(&commit.tree)).collect();
    let mut steps = 0;
    let mut paths: OidMap<Option<BTreeSet<Vec<u8>>>> = OidMap::default();
    for (number, oid) in &numbers {
        paths.insert(*oid, paths_of(*number, &holders, &roots, trees, &mut steps));
    }
    let mut named = Vec::new();
    for gap in gaps {
        let of_object = split(&gap.path).and_then(|(oid, inner)| Some((oid, inner, paths.get(&oid)?)));
        let Some((oid, inner, paths)) = of_object else {
            named.push(gap);
            continue;
        };
        let all = paths.as_ref().filter(|paths| !paths.is_empty());
        let Some(all) = all else {
            named.push(gap);
            continue;
        };
        let reason = format!("{} (object {})", gap.reason, &oid.to_string()[..12]);
        let all = all.iter().map(|path| shown(path));
        let all = all.filter(|path| wanted.is_empty() || wanted.iter().any(|glob| glob.is_match(path)));
        named.extend(all.map(|path| Gap::new(gap.code, format!("{prefix}{path}{inner}"), &reason)));
    }
    named.sort();
    named.dedup();
    named
}

/// Every path of a blob; `None` if there are too many.
fn paths_of(
    blob: u32,
    holders: &HashMap<u32, Vec<(u32, u32)>>,
    roots: &HashSet<u32>,
    trees: &Trees,
    steps: &mut usize,
) -> Option<BTreeSet<Vec<u8>>> {
    let mut found = BTreeSet::new();
    // What is below, with the trees and the blob that it is below.
    let mut level: BTreeMap<Vec<u8>, HashSet<u32>> = BTreeMap::from([(Vec::new(), HashSet::from([blob]))]);
    for _ in 0..MAX_DEPTH {
        let mut above: BTreeMap<Vec<u8>, HashSet<u32>> = BTreeMap::new();
        for (below, objects) in level {
            for (tree, name) in objects.iter().filter_map(|object| holders.get(object)).flatten() {
                *steps += 1;
                let name = &trees.names[*name as usize][..];
                let path = if below.is_empty() { name.to_vec() } else { [name, b"/", &below].concat() };
                if roots.contains(tree) {
                    found.insert(path.clone());
                }
                above.entry(path).or_default().insert(*tree);
                if *steps > MOST_STEPS || found.len() > MOST_PATHS {
                    return None;
                }
            }
        }
        if above.is_empty() {
            return Some(found);
        }
        level = above;
    }
    None
}
