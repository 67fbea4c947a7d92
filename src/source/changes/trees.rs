//! Which files differ between two trees, or between a tree and an index.

use std::collections::BTreeMap;

use super::index::{CachedTree, Entry, Index};
use super::objects::{Missing, Objects};
use crate::source::GapCode;
use crate::source::history::oid::Oid;
use crate::source::history::walk;

/// A file that differs.
#[derive(Debug, Clone)]
pub struct Change {
    /// From the root of the repository on.
    pub path: Vec<u8>,
    /// What it was: nothing for a new file, several contents for a merge.
    pub old: Vec<Oid>,
    /// What it is now; `None` if it was deleted.
    pub new: Option<Oid>,
}

/// A tree's entry: its mode and what it names.
type Node = (u32, Oid);

const KIND: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const SUBMODULE: u32 = 0o160_000;

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
        let (_, tree) = objects.read(&at)?;
        let found = walk::entries(&tree, objects.hash).find(|(_, it, _)| *it == name);
        let Some((mode, _, oid)) = found else { return Ok(None) };
        let is_folder = octal(mode) & KIND == FOLDER;
        match (names.peek().is_some(), is_folder) {
            (true, true) => at = oid,
            (false, false) => return Ok(Some(oid)),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

impl<'a> Comparison<'a> {
    /// With nothing compared yet; so many paths may be looked at that differ.
    pub fn new(objects: &'a Objects, most: usize) -> Self {
        Self { objects, changes: Vec::new(), missing: Vec::new(), left: most, most }
    }

    /// Compares two trees, of which either may be none.
    pub fn of_trees(&mut self, old: Option<Oid>, new: Option<Oid>) {
        let folder = |oid: Option<Oid>| oid.map(|oid| (FOLDER, oid));
        self.nodes(&mut Vec::new(), folder(old), folder(new), 0);
    }

    fn nodes(&mut self, path: &mut Vec<u8>, old: Option<Node>, new: Option<Node>, depth: usize) {
        // A change of mode alone changes no content.
        if old.map(|node| node.1) == new.map(|node| node.1) || self.is_too_much(depth, old.or(new)) {
            return;
        }
        let folder = |node: Option<Node>| node.filter(|node| node.0 & KIND == FOLDER).map(|node| node.1);
        let file = |node: Option<Node>| node.filter(|node| !matches!(node.0 & KIND, FOLDER | SUBMODULE));
        let (old_file, new_file) = (file(old).map(|node| node.1), file(new).map(|node| node.1));
        if old_file.is_some() || new_file.is_some() {
            self.changes.push(Change { path: path.clone(), old: old_file.into_iter().collect(), new: new_file });
        }
        let (old, new) = (folder(old), folder(new));
        if old.is_none() && new.is_none() {
            return;
        }
        let old = self.entries(old);
        let mut new = self.entries(new);
        let length = path.len();
        for (name, node) in old {
            let other = new.remove(&name);
            extend(path, &name);
            self.nodes(path, Some(node), other, depth + 1);
            path.truncate(length);
        }
        for (name, node) in new {
            extend(path, &name);
            self.nodes(path, None, Some(node), depth + 1);
            path.truncate(length);
        }
    }

    /// Whether a path is not looked at, which is then said.
    fn is_too_much(&mut self, depth: usize, node: Option<Node>) -> bool {
        let Some((_, oid)) = node else { return false };
        if depth > MAX_DEPTH {
            let reason = format!("it is nested deeper than {MAX_DEPTH} folders");
            self.missing.push(Missing { oid, code: GapCode::Limit, reason });
            return true;
        }
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        let reason = format!("more than {} paths differ; the others were not looked at (--max-paths)", self.most);
        if self.missing.last().is_none_or(|last| last.reason != reason) {
            self.missing.push(Missing { oid, code: GapCode::Limit, reason });
        }
        true
    }

    fn entries(&mut self, tree: Option<Oid>) -> BTreeMap<Vec<u8>, Node> {
        let Some(oid) = tree else { return BTreeMap::new() };
        match self.objects.read(&oid) {
            Ok((_, tree)) => walk::entries(&tree, self.objects.hash)
                .map(|(mode, name, oid)| (name.to_vec(), (octal(mode), oid)))
                .collect(),
            Err(missing) => {
                self.missing.push(missing);
                BTreeMap::new()
            }
        }
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
        if tree.is_some() && cache.and_then(|cache| cache.tree()) == tree {
            return;
        }
        let mut old = self.entries(tree);
        let length = path.len();
        let prefix = if length == 0 { 0 } else { length + 1 };
        let mut rest = entries;
        while let Some(first) = rest.first() {
            let name_of = |entry: &Entry| -> Vec<u8> {
                let below = &index.path(entry)[prefix..];
                below[..memchr::memchr(b'/', below).unwrap_or(below.len())].to_vec()
            };
            let name = name_of(first);
            let full = index.path(first);
            let is_file = full.len() == prefix + name.len();
            extend(path, &name);
            if is_file {
                let same = rest.iter().take_while(|entry| index.path(entry) == full).count();
                let (versions, after) = rest.split_at(same);
                let node = old.remove(&name);
                self.file(path, node, versions);
                rest = after;
            } else {
                let below = [path.as_slice(), b"/"].concat();
                let depth = below.iter().filter(|byte| **byte == b'/').count();
                let inside = rest.partition_point(|entry| index.path(entry).starts_with(&below));
                let (inside, after) = rest.split_at(inside.max(1));
                let node = old.remove(&name);
                let sparse = inside.first().filter(|entry| entry.mode & KIND == FOLDER && index.path(entry) == below);
                let old_folder = node.filter(|node| node.0 & KIND == FOLDER).map(|node| node.1);
                if node.is_some() && old_folder.is_none() {
                    self.nodes(path, node, None, 0);
                }
                match sparse {
                    Some(sparse) => {
                        self.nodes(path, old_folder.map(|oid| (FOLDER, oid)), Some((FOLDER, sparse.oid)), 0);
                    }
                    None if self.is_too_much(depth, Some((first.mode, first.oid))) => {}
                    None => self.folder(path, old_folder, index, inside, cache.and_then(|cache| cache.child(&name))),
                }
                rest = after;
            }
            path.truncate(length);
        }
        for (name, node) in old {
            extend(path, &name);
            self.nodes(path, Some(node), None, 0);
            path.truncate(length);
        }
    }

    /// Compares a file with its versions in the index: one, or in a conflict several.
    fn file(&mut self, path: &mut Vec<u8>, old: Option<Node>, versions: &[Entry]) {
        for entry in versions.iter().filter(|entry| entry.stage != 1 && !entry.intent_to_add) {
            self.nodes(path, old, Some((entry.mode, entry.oid)), 0);
        }
    }
}

fn extend(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}

fn octal(mode: &[u8]) -> u32 {
    mode.iter().fold(0, |mode, digit| mode << 3 | u32::from(digit & 7))
}
