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

use super::walk::{Found, SecretId, Trees, VariantId, path_inside};
use crate::decode::shown;
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

/// What a tree holds, by number; 0 is nothing.
type SetId = u32;

struct Sets<'a> {
    trees: &'a Trees,
    /// The secrets of blobs, by number.
    secrets: NumberMap<&'a Arc<[VariantId]>>,
    entries: Entries,
    /// The sets of trees that were asked for.
    of_tree: Vec<Option<SetId>>,
    known: HashMap<Vec<(u32, SetId)>, SetId>,
    /// For each set what it is made of: names with sets.
    made_of: Vec<Vec<(u32, SetId)>>,
    of_blob: HashMap<Arc<[VariantId]>, SetId>,
    /// The secrets of sets that are blobs.
    blobs: NumberMap<Arc<[VariantId]>>,
    /// Whether folders were too deep to be followed.
    is_cut: bool,
}

/// What the trees that lead somewhere hold, by the number of the tree: names, and trees or blobs.
#[derive(Default)]
struct Entries {
    starts: Vec<u32>,
    list: Vec<(u32, Child)>,
}

#[derive(Debug, Clone, Copy)]
enum Child {
    Tree(u32),
    Blob(u32),
}

impl Default for Child {
    fn default() -> Self {
        Self::Tree(0)
    }
}

impl Entries {
    fn of(&self, tree: u32) -> std::ops::Range<usize> {
        match self.starts.get(tree as usize..tree as usize + 2) {
            Some(ends) => ends[0] as usize..ends[1] as usize,
            None => 0..0,
        }
    }
}

/// Deepest that trees are followed.
const MAX_DEPTH: usize = 512;

impl Sets<'_> {
    fn blob(&mut self, number: u32) -> SetId {
        let Some(secrets) = self.secrets.get(&number) else { return 0 };
        if let Some(set) = self.of_blob.get(*secrets) {
            return *set;
        }
        let set = self.made_of.len() as SetId;
        self.made_of.push(Vec::new());
        self.of_blob.insert(Arc::clone(secrets), set);
        self.blobs.insert(set, Arc::clone(secrets));
        set
    }

    fn tree(&mut self, tree: u32, depth: usize) -> SetId {
        if let Some(Some(set)) = self.of_tree.get(tree as usize) {
            return *set;
        }
        let entries = self.entries.of(tree);
        if entries.is_empty() {
            return 0;
        }
        // Until it is known what it holds it holds nothing: made-up ids can let a tree hold itself.
        self.of_tree[tree as usize] = Some(0);
        if depth >= MAX_DEPTH {
            self.is_cut = true;
            return 0;
        }
        let mut content: Vec<(u32, SetId)> = Vec::with_capacity(entries.len());
        for at in entries {
            let (name, child) = self.entries.list[at];
            let set = match child {
                Child::Tree(child) => self.tree(child, depth + 1),
                Child::Blob(blob) => self.blob(blob),
            };
            if set != 0 {
                content.push((name, set));
            }
        }
        let set = if content.is_empty() {
            0
        } else if let Some(set) = self.known.get(&content) {
            *set
        } else {
            let set = self.made_of.len() as SetId;
            self.made_of.push(content.clone());
            self.known.insert(content, set);
            set
        };
        self.of_tree[tree as usize] = Some(set);
        set
    }

    /// Lists what `set` holds below `prefix`, up to `most`.
    fn flatten(
        &self,
        set: SetId,
        prefix: &mut Vec<u8>,
        paths: &mut Paths,
        most: usize,
        into: &mut Vec<(VariantId, u32)>,
    ) {
        if into.len() >= most {
            return;
        }
        if let Some(secrets) = self.blobs.get(&set) {
            let path = paths.number(prefix);
            into.extend(secrets.iter().map(|secret| (*secret, path)));
            return;
        }
        for (name, child) in &self.made_of[set as usize] {
            let length = prefix.len();
            if length > 0 {
                prefix.push(b'/');
            }
            prefix.extend_from_slice(&self.trees.names[*name as usize]);
            self.flatten(*child, prefix, paths, most, into);
            prefix.truncate(length);
        }
    }
}

#[derive(Default)]
struct Paths {
    known: HashMap<Vec<u8>, u32>,
    list: Vec<String>,
}

impl Paths {
    fn number(&mut self, path: &[u8]) -> u32 {
        match self.known.get(path) {
            Some(number) => *number,
            None => self.add(path.to_vec(), shown(path)),
        }
    }

    /// The number of a path inside of a container, which no file's is.
    fn number_inside(&mut self, path: String) -> u32 {
        let key = [b"\0", path.as_bytes()].concat();
        match self.known.get(&key) {
            Some(number) => *number,
            None => self.add(key, path),
        }
    }

    fn add(&mut self, key: Vec<u8>, path: String) -> u32 {
        let number = self.list.len() as u32;
        self.known.insert(key, number);
        self.list.push(path);
        number
    }
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
    let entries = needed_entries(&secrets, trees);
    let mut sets = Sets {
        trees,
        secrets,
        of_tree: vec![None; entries.starts.len()],
        entries,
        known: HashMap::new(),
        made_of: vec![Vec::new()],
        of_blob: HashMap::new(),
        blobs: NumberMap::default(),
        is_cut: false,
    };
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

/// The entries of trees that lead to blobs with secrets.
fn needed_entries(blobs: &NumberMap<&Arc<[VariantId]>>, trees: &Trees) -> Entries {
    let leaves = || trees.leaves.iter().flatten().filter(|(_, _, blob)| blobs.contains_key(blob));
    let highest = trees.branches.iter().flatten().map(|(tree, _, child)| *tree.max(child));
    let count = highest.chain(leaves().map(|leaf| leaf.0)).max().map_or(0, |highest| highest as usize + 1);
    let mut needed = vec![false; count];
    let mut todo: Vec<u32> = Vec::new();
    for (tree, _, _) in leaves() {
        if !std::mem::replace(&mut needed[*tree as usize], true) {
            todo.push(*tree);
        }
    }
    // Upwards, from the trees that hold something to those that they are in.
    let (starts, parents) = grouped(count, || trees.branches.iter().flatten().map(|(tree, _, child)| (*child, *tree)));
    while let Some(tree) = todo.pop() {
        for parent in &parents[starts[tree as usize] as usize..starts[tree as usize + 1] as usize] {
            if !std::mem::replace(&mut needed[*parent as usize], true) {
                todo.push(*parent);
            }
        }
    }
    let branches = || trees.branches.iter().flatten().filter(|(_, _, child)| needed[*child as usize]);
    let entries = || {
        let trees = branches().map(|(tree, name, child)| (*tree, (*name, Child::Tree(*child))));
        trees.chain(leaves().map(|(tree, name, blob)| (*tree, (*name, Child::Blob(*blob)))))
    };
    let (starts, list) = grouped(count, entries);
    Entries { starts, list }
}

/// Values by their key, of which there are `count`: where those of each key start, and all of them.
fn grouped<T: Copy + Default, I: Iterator<Item = (u32, T)>>(count: usize, pairs: impl Fn() -> I) -> (Vec<u32>, Vec<T>) {
    let mut starts = vec![0; count + 1];
    pairs().for_each(|(key, _)| starts[key as usize + 1] += 1);
    for key in 0..count {
        starts[key + 1] += starts[key];
    }
    let mut next = starts.clone();
    let mut list = vec![T::default(); starts[count] as usize];
    for (key, value) in pairs() {
        list[next[key as usize] as usize] = value;
        next[key as usize] += 1;
    }
    (starts, list)
}
