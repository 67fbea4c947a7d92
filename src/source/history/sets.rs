//! What trees hold, as sets: trees with the same content share one, so that most commits differ from their parents in
//! nothing and are passed over by comparing two numbers.

use std::collections::HashMap;
use std::sync::Arc;

use keysieve_git::oid::NumberMap;

use super::secrets::VariantId;
use super::trees::Trees;
use crate::decode::shown;

/// What a tree holds, by number; 0 is nothing.
pub(super) type SetId = u32;

pub(super) struct Sets<'a> {
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
    pub(super) is_cut: bool,
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
pub(super) const MAX_DEPTH: usize = 512;

impl<'a> Sets<'a> {
    /// What `trees` hold of blobs with these secrets.
    pub(super) fn new(trees: &'a Trees, secrets: NumberMap<&'a Arc<[VariantId]>>) -> Self {
        let entries = needed_entries(&secrets, trees);
        Self {
            trees,
            secrets,
            of_tree: vec![None; entries.starts.len()],
            entries,
            known: HashMap::new(),
            made_of: vec![Vec::new()],
            of_blob: HashMap::new(),
            blobs: NumberMap::default(),
            is_cut: false,
        }
    }

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

    pub(super) fn tree(&mut self, tree: u32, depth: usize) -> SetId {
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
    pub(super) fn flatten(
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
pub(super) struct Paths {
    known: HashMap<Vec<u8>, u32>,
    pub(super) list: Vec<String>,
}

impl Paths {
    pub(super) fn number(&mut self, path: &[u8]) -> u32 {
        match self.known.get(path) {
            Some(number) => *number,
            None => self.add(path.to_vec(), shown(path)),
        }
    }

    /// The number of a path inside of a container, which no file's is.
    pub(super) fn number_inside(&mut self, path: String) -> u32 {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Trees 0 to 3 and the blob 9, which holds something; `leaves` and `branches` are tree, name, object.
    fn trees(leaves: &[(u32, u32, u32)], branches: &[(u32, u32, u32)]) -> Trees {
        let names = ["a", "b", "c"].map(|name| name.as_bytes().into()).to_vec();
        Trees { leaves: vec![leaves.to_vec()], branches: vec![branches.to_vec()], names, ..Trees::default() }
    }

    fn paths_of(trees: &Trees, root: u32) -> (Vec<String>, bool) {
        let secrets: Arc<[VariantId]> = [7].into();
        let mut sets = Sets::new(trees, NumberMap::from_iter([(9, &secrets)]));
        let set = sets.tree(root, 0);
        let (mut paths, mut found) = (Paths::default(), Vec::new());
        sets.flatten(set, &mut Vec::new(), &mut paths, 100, &mut found);
        assert!(found.iter().all(|(variant, _)| *variant == 7));
        (found.iter().map(|(_, path)| paths.list[*path as usize].clone()).collect(), sets.is_cut)
    }

    #[test]
    fn trees_hold_what_they_lead_to() {
        let read = trees(&[(1, 0, 9), (2, 0, 9)], &[(0, 1, 1), (0, 2, 2), (3, 1, 2)]);
        assert_eq!(paths_of(&read, 0), (vec!["b/a".to_owned(), "c/a".to_owned()], false));
        assert_eq!(paths_of(&read, 3), (vec!["b/a".to_owned()], false));
        // Nothing leads from a tree that was never read, nor from one whose blobs hold nothing.
        assert_eq!(paths_of(&read, 4), (Vec::new(), false));
        assert_eq!(paths_of(&trees(&[(1, 0, 8)], &[(0, 1, 1)]), 0), (Vec::new(), false));
    }

    #[test]
    fn trees_of_one_content_are_one_set() {
        let read = trees(&[(1, 0, 9), (2, 0, 9), (3, 1, 9)], &[]);
        let secrets: Arc<[VariantId]> = [7].into();
        let mut sets = Sets::new(&read, NumberMap::from_iter([(9, &secrets)]));
        assert_eq!(sets.tree(1, 0), sets.tree(2, 0));
        assert_ne!(sets.tree(1, 0), sets.tree(3, 0));
    }

    #[test]
    fn a_tree_that_holds_itself_ends() {
        let read = trees(&[(1, 0, 9)], &[(0, 1, 1), (1, 2, 0)]);
        assert_eq!(paths_of(&read, 0), (vec!["b/a".to_owned()], false));
    }
}
