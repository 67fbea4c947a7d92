//! Which files differ between two trees, or between a tree and an index.

use std::collections::BTreeMap;

use super::index::{CachedTree, Entry, Index};
use crate::error::{Missing, ObjectError};
use crate::objects::Objects;
use crate::oid::Oid;
use crate::pack::Kind;
use crate::tree_entries::{self, Mode};

/// A file that differs.
#[derive(Debug, Clone)]
pub struct Change {
    /// From the root of the repository on.
    pub path: Vec<u8>,
    /// What it was: nothing for a new file, several contents for a merge.
    pub old: Vec<Oid>,
    /// What it is now; `None` if it was deleted, or never had a content: then it has no old one either.
    pub new: Option<Oid>,
}

/// A tree's entry: its mode and what it names.
type Node = (Mode, Oid);

/// Deepest folder that is looked into; the recursion fits the stack of a small thread, and real paths end far sooner.
const MAX_DEPTH: usize = 512;

/// Compares trees of one repository.
pub struct Comparison<'a> {
    objects: &'a Objects,
    /// What differs, in no particular order.
    pub changes: Vec<Change>,
    /// Trees that could not be read.
    pub missing: Vec<Missing>,
    /// Paths that may still be looked at, of how many. Folders that stand at many places cost as many.
    left: usize,
    most: usize,
}

/// What stands at `path` below the tree `root`.
pub fn find(objects: &Objects, root: &Oid, path: &[u8]) -> Result<Option<Oid>, Missing> {
    let mut at = *root;
    let mut names = path.split(|byte| *byte == b'/').peekable();
    while let Some(name) = names.next() {
        let tree = objects.read_kind(&at, Kind::Tree)?;
        let (entries, is_whole) = tree_entries::read(&tree, objects.hash);
        let is_last = names.peek().is_none();
        let is_wanted = |mode: Mode| if is_last { mode.is_content() } else { mode == Mode::Tree };
        match entries.iter().find(|entry| entry.name == name && is_wanted(entry.mode)) {
            None if !is_whole => return Err(malformed(at)),
            None => return Ok(None),
            Some(entry) if is_last => return Ok(Some(entry.oid)),
            Some(entry) => at = entry.oid,
        }
    }
    Ok(None)
}

/// Whether nothing changes from one to the other. A change of mode alone is none, unless it makes a content or a folder of
/// what was a submodule: an id says nothing of whether anybody has looked at the object.
fn is_same(old: Option<Node>, new: Option<Node>) -> bool {
    let class = |node: Node| (if node.0 == Mode::Link { Mode::File } else { node.0 }, node.1);
    old.map(class) == new.map(class)
}

fn malformed(oid: Oid) -> Missing {
    Missing { oid, error: ObjectError::Tree }
}

impl<'a> Comparison<'a> {
    /// With nothing compared yet; so many paths may be looked at that differ.
    pub fn new(objects: &'a Objects, most: usize) -> Self {
        Self { objects, changes: Vec::new(), missing: Vec::new(), left: most, most }
    }

    /// Compares two trees, of which either may be none.
    pub fn of_trees(&mut self, old: Option<Oid>, new: Option<Oid>) {
        let folder = |oid: Option<Oid>| oid.map(|oid| (Mode::Tree, oid));
        self.nodes(&mut Vec::new(), folder(old), folder(new), 0);
    }

    fn nodes(&mut self, path: &mut Vec<u8>, old: Option<Node>, new: Option<Node>, depth: usize) {
        if is_same(old, new) || self.is_too_much(depth, old.or(new)) {
            return;
        }
        let folder = |node: Option<Node>| node.filter(|node| node.0 == Mode::Tree).map(|node| node.1);
        let file = |node: Option<Node>| node.filter(|node| node.0.is_content());
        let (old_file, new_file) = (file(old).map(|node| node.1), file(new).map(|node| node.1));
        if old_file != new_file {
            self.changes.push(Change { path: path.clone(), old: old_file.into_iter().collect(), new: new_file });
        }
        let is_new = old.is_none() && new.is_some_and(|node| !node.0.is_content());
        let (old, new) = (folder(old), folder(new));
        if old == new && !is_new {
            return;
        }
        let old = self.entries(old);
        let mut new = self.entries(new);
        if is_new && new.is_empty() {
            // A submodule or an empty folder: its name is all that is published of it.
            self.changes.push(Change { path: path.clone(), old: Vec::new(), new: None });
        }
        let length = path.len();
        for (name, nodes) in old {
            let others = new.remove(&name).unwrap_or_default();
            extend(path, &name);
            self.versions(path, nodes, others, depth + 1);
            path.truncate(length);
        }
        for (name, nodes) in new {
            extend(path, &name);
            self.versions(path, Vec::new(), nodes, depth + 1);
            path.truncate(length);
        }
    }

    /// Compares what stands under one name before and after: mostly one entry, but a tree can be made to have several.
    fn versions(&mut self, path: &mut Vec<u8>, mut old: Vec<Node>, mut new: Vec<Node>, depth: usize) {
        if let ([old], [new]) = (&old[..], &new[..]) {
            return self.nodes(path, Some(*old), Some(*new), depth);
        }
        new.retain(|node| match old.iter().position(|old| is_same(Some(*old), Some(*node))) {
            Some(same) => {
                old.remove(same);
                false
            }
            None => true,
        });
        for at in 0..old.len().max(new.len()) {
            self.nodes(path, old.get(at).copied(), new.get(at).copied(), depth);
        }
    }

    /// Whether a path is not looked at, which is then said.
    fn is_too_much(&mut self, depth: usize, node: Option<Node>) -> bool {
        let Some((_, oid)) = node else { return false };
        if depth > MAX_DEPTH {
            self.missing.push(Missing { oid, error: ObjectError::Nested(MAX_DEPTH) });
            return true;
        }
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        if self.missing.last().is_none_or(|last| !matches!(last.error, ObjectError::Paths(_))) {
            self.missing.push(Missing { oid, error: ObjectError::Paths(self.most) });
        }
        true
    }

    /// What a tree holds, by name. Several entries of one name are all kept.
    fn entries(&mut self, tree: Option<Oid>) -> BTreeMap<Vec<u8>, Vec<Node>> {
        let mut found: BTreeMap<Vec<u8>, Vec<Node>> = BTreeMap::new();
        let Some(oid) = tree else { return found };
        let tree = match self.objects.read_kind(&oid, Kind::Tree) {
            Ok(tree) => tree,
            Err(missing) => {
                self.missing.push(missing);
                return found;
            }
        };
        let (entries, is_whole) = tree_entries::read(&tree, self.objects.hash);
        if !is_whole {
            self.missing.push(malformed(oid));
        }
        for entry in entries {
            found.entry(entry.name.to_vec()).or_default().push((entry.mode, entry.oid));
        }
        found
    }

    /// Compares a tree with an index.
    pub fn of_index(&mut self, tree: Option<Oid>, index: &Index) {
        self.folder(&mut Vec::new(), tree, index, &index.entries, index.cache.root());
    }

    /// Compares a folder's tree with its part of the index.
    fn folder(
        &mut self,
        path: &mut Vec<u8>,
        tree: Option<Oid>,
        index: &Index,
        entries: &[Entry],
        cache: Option<CachedTree<'_>>,
    ) {
        if tree.is_some() && cache.and_then(|cache| cache.tree(entries.len())) == tree {
            return;
        }
        let mut old = self.entries(tree);
        let length = path.len();
        let prefix = if length == 0 { 0 } else { length + 1 };
        let mut rest = entries;
        while let Some(first) = rest.first() {
            let name_of = |entry: &Entry| -> Vec<u8> {
                let below = &index.path(entry)[prefix..];
                // A made-up path can have a slash where a name has to be: no folder has that, so it ends there.
                let end = memchr::memchr(b'/', below).filter(|end| *end > 0);
                below[..end.unwrap_or(below.len())].to_vec()
            };
            let name = name_of(first);
            let full = index.path(first);
            let is_file = full.len() == prefix + name.len();
            extend(path, &name);
            if is_file {
                let same = rest.iter().take_while(|entry| index.path(entry) == full).count();
                let (versions, after) = rest.split_at(same);
                let nodes = old.remove(&name).unwrap_or_default();
                self.file(path, nodes, versions);
                rest = after;
            } else {
                let below = [path.as_slice(), b"/"].concat();
                let depth = below.iter().filter(|byte| **byte == b'/').count();
                let inside = rest.partition_point(|entry| index.path(entry).starts_with(&below));
                let (inside, after) = rest.split_at(inside.max(1));
                let mut nodes = old.remove(&name).unwrap_or_default();
                let is_sparse = |entry: &&Entry| Mode::of(entry.mode) == Mode::Tree && index.path(entry) == below;
                let sparse = inside.first().filter(is_sparse);
                let folder = nodes.iter().position(|node| node.0 == Mode::Tree);
                let old_folder = folder.map(|at| nodes.remove(at).1);
                self.versions(path, nodes, Vec::new(), 0);
                match sparse {
                    Some(sparse) => {
                        self.nodes(path, old_folder.map(|oid| (Mode::Tree, oid)), Some((Mode::Tree, sparse.oid)), 0);
                    }
                    None if self.is_too_much(depth, Some((Mode::of(first.mode), first.oid))) => {}
                    None => self.folder(path, old_folder, index, inside, cache.and_then(|cache| cache.child(&name))),
                }
                rest = after;
            }
            path.truncate(length);
        }
        for (name, nodes) in old {
            extend(path, &name);
            self.versions(path, nodes, Vec::new(), 0);
            path.truncate(length);
        }
    }

    /// Compares a file with its versions in the index: one, or in a conflict several.
    fn file(&mut self, path: &mut Vec<u8>, old: Vec<Node>, versions: &[Entry]) {
        let kept = versions.iter().filter(|entry| entry.stage != 1 && !entry.intent_to_add);
        let new: Vec<Node> = kept.map(|entry| (Mode::of(entry.mode), entry.oid)).collect();
        match (&old[..], &new[..]) {
            // Each side of a conflict is compared with what was there before.
            ([old], [_, _, ..]) => new.iter().for_each(|node| self.nodes(path, Some(*old), Some(*node), 0)),
            // What was only announced (`git add -N`) is not committed, so nothing is deleted either.
            (_, []) if !versions.is_empty() => {}
            _ => self.versions(path, old, new, 0),
        }
    }
}

fn extend(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}
