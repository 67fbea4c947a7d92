//! Trees, once it is known which blobs hold something: which of them lead there, which names hold something themselves, and
//! whether all that they name is there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keysieve_git::delta::Run;
use keysieve_git::error::ObjectError;
use keysieve_git::forest::{Buffers, DeltaTree, Derived, Forest, visit};
use keysieve_git::oid::{Oid, OidMap};
use keysieve_git::pack::Kind;
use keysieve_git::store::{Store, read_loose};
use keysieve_git::tree_entries::{self, Mode};
use rayon::prelude::*;

use super::recent::{Recent, Slot};
use super::secrets::VariantId;
use super::walk::lock;
use crate::gap::{Gap, GapCode};
use crate::scan::limits::Task;
use crate::scan::names::{FILE_NAME, Names};
use crate::scan::{Progress, Worker, guarded};
use crate::source::git::object_gap;
use keysieve_engine::Detector;
use keysieve_engine::candidate::Candidate;

/// Which trees lead to blobs that hold something. Objects go by their numbers ([`Store::number`]).
#[derive(Debug, Default)]
pub struct Trees {
    /// Entries that are such blobs: tree, name, blob. One list for each thread that read some.
    pub leaves: Vec<Vec<(u32, u32, u32)>>,
    /// Entries that are trees: tree, name, tree.
    pub branches: Vec<Vec<(u32, u32, u32)>>,
    /// The names of entries.
    pub names: Vec<Box<[u8]>>,
    /// Objects that trees name and the repository does not have: the tree, and the object.
    pub missing: Vec<(u32, Oid)>,
    /// What stands in the names of entries: a tree that has it, the name, and the candidate.
    pub in_names: Vec<InName>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// What one thread read of trees; its names have numbers of its own.
#[derive(Default)]
struct LocalTrees {
    buffers: Buffers,
    leaves: Vec<(u32, u32, u32)>,
    branches: Vec<(u32, u32, u32)>,
    names: Vec<Box<[u8]>>,
    numbers: HashMap<Box<[u8]>, u32>,
    missing: Vec<(u32, Oid)>,
    /// Names that have not been looked at, and their trees.
    listed: Names,
    listed_in: Vec<u32>,
    /// Names that were listed, which need not be when they come again, and their numbers if they have some.
    recent: Recent<Option<u32>>,
    in_names: Vec<InName>,
    worker: Worker,
    gaps: Vec<Gap>,
}

/// Bytes of names that are looked at together.
const NAMES: usize = 256 << 10;

/// A candidate in the name of a tree's entry.
#[derive(Debug)]
pub struct InName {
    pub(super) tree: u32,
    pub(super) name: Box<[u8]>,
    pub(super) candidate: Candidate,
}

/// Names that hold something, with numbers that no objects have.
pub type WantedNames = HashMap<Box<[u8]>, u32>;

/// A tree's entries, for the trees that are made of it.
#[derive(Default)]
struct TreeEntries {
    /// Where each entry starts, and where the last one ends.
    bounds: Vec<u32>,
    /// The entries that are trees or wanted blobs: which one, its name, its object, whether it is a tree.
    kept: Vec<(u32, u32, u32, bool)>,
    /// The entries whose object is missing.
    missing: Vec<(u32, Oid)>,
}

/// What trees are read with.
struct TreeReader<'a> {
    store: &'a Store,
    wanted: &'a OidMap<Arc<[VariantId]>>,
    names: &'a WantedNames,
    detector: &'a Detector,
    progress: &'a Progress,
}

/// Reads all trees and keeps the entries that are blobs of `wanted`, and those that are trees; looks at all names, and at
/// whether all that is named is there. Entries whose names are in `names` are kept as leaves [`FILE_NAME`] as well.
pub fn trees(
    store: &Store,
    forests: &[Forest],
    wanted: &OidMap<Arc<[VariantId]>>,
    names: &WantedNames,
    detector: &Detector,
    progress: &Progress,
) -> Trees {
    let workers: Mutex<Vec<LocalTrees>> = Mutex::default();
    let reader = TreeReader { store, wanted, names, detector, progress };
    let mut before = 0;
    for (pack, forest) in store.packs.iter().zip(forests) {
        let walk = |root: u32, base: Option<&[u8]>| {
            if progress.is_stopped() {
                return;
            }
            let mut local = lock(&workers).pop().unwrap_or_default();
            let mut buffers = std::mem::take(&mut local.buffers);
            let mut gaps = Vec::new();
            visit::<TreeEntries>(
                &DeltaTree { pack, forest, root, base, limits: store.limits },
                &Task::new(progress),
                &mut buffers,
                |entry, bytes, derived| Some(local.add(&reader, pack.oid(entry), before + entry, bytes, derived)),
                |entry, error| gaps.push(object_gap(pack.oid(entry), &error)),
            );
            local.buffers = buffers;
            local.gaps.extend(gaps);
            lock(&workers).push(local);
        };
        let roots: Vec<_> = forest.roots.iter().filter(|(_, kind)| *kind == Kind::Tree).collect();
        roots.par_iter().with_max_len(1).for_each(|(root, _)| walk(*root, None));
        for (entry, base) in &forest.external {
            if let Ok(Some((Kind::Tree, bytes))) = store.read(base) {
                walk(*entry, Some(&bytes));
            }
        }
        before += pack.len() as u32;
    }
    let mut local = LocalTrees::default();
    for (index, (oid, path)) in store.loose.iter().enumerate() {
        if let Ok((Kind::Tree, bytes)) = read_loose(path, store.limits.object) {
            local.add(&reader, *oid, before + index as u32, &bytes, None);
        }
    }
    lock(&workers).push(local);
    let mut trees = Trees::default();
    let mut numbers: HashMap<Box<[u8]>, u32> = HashMap::new();
    for mut local in lock(&workers).drain(..) {
        local.look_at_names(&reader);
        let shared: Vec<u32> = local
            .names
            .into_iter()
            .map(|name| {
                *numbers.entry(name).or_insert_with_key(|name| {
                    trees.names.push(name.clone());
                    trees.names.len() as u32 - 1
                })
            })
            .collect();
        for entry in local.leaves.iter_mut().chain(&mut local.branches) {
            entry.1 = shared[entry.1 as usize];
        }
        trees.leaves.push(local.leaves);
        trees.branches.push(local.branches);
        trees.missing.extend(local.missing);
        trees.in_names.extend(local.in_names);
        trees.gaps.extend(local.gaps);
    }
    trees
}

impl LocalTrees {
    /// Reads a tree. Of one that is made of another, entries inside of copied runs are the other's.
    fn add(
        &mut self,
        reader: &TreeReader<'_>,
        oid: Oid,
        tree: u32,
        bytes: &[u8],
        derived: Option<Derived<'_, TreeEntries>>,
    ) -> TreeEntries {
        let store = reader.store;
        let mut read = TreeEntries::default();
        let mut runs: &[Run] = derived.as_ref().map_or(&[], |derived| derived.runs);
        let mut at = 0;
        loop {
            while runs.first().is_some_and(|run| run.range().end <= at) {
                runs = &runs[1..];
            }
            if let (Some(run), Some(derived)) = (runs.first().filter(|run| run.start <= at), &derived)
                && let Some(end) = read.take_over(derived.state, run, at)
            {
                at = end;
                continue;
            }
            let Some(entry) = tree_entries::first(&bytes[at..], store.hash) else { break };
            let (name, child) = (entry.name, entry.oid);
            let number = read.bounds.len() as u32;
            read.bounds.push(at as u32);
            at += entry.length;
            let slot = self.list(tree, name);
            if let Some(pseudo) = reader.names.get(name).filter(|_| !reader.names.is_empty()) {
                let name = self.name(FILE_NAME.as_bytes());
                read.kept.push((number, name, *pseudo, false));
            }
            // A submodule's commit is in another repository.
            if entry.mode == Mode::Submodule {
                continue;
            }
            let is_tree = entry.mode == Mode::Tree;
            if is_tree || reader.wanted.contains_key(&child) {
                let name = self.name_in(slot, name);
                match store.number(&child) {
                    Some(child) => read.kept.push((number, name, child, is_tree)),
                    None => read.missing.push((number, child)),
                }
            } else if !store.contains(&child) {
                read.missing.push((number, child));
            }
        }
        read.bounds.push(at as u32);
        if at < bytes.len() {
            self.gaps.push(object_gap(oid, &ObjectError::Tree));
        }
        self.missing.extend(read.missing.iter().map(|(_, child)| (tree, *child)));
        if self.listed.size() >= NAMES {
            self.look_at_names(reader);
        }
        for &(_, name, child, is_tree) in &read.kept {
            let to = if is_tree { &mut self.branches } else { &mut self.leaves };
            to.push((tree, name, child));
        }
        read
    }

    /// Lets a name wait for its scan, unless it came up lately, and says where it is remembered.
    fn list(&mut self, tree: u32, name: &[u8]) -> Slot {
        let (slot, is_known) = self.recent.find(name);
        if !is_known {
            self.recent.put(slot, name);
            self.listed.push(name);
            self.listed_in.push(tree);
        }
        slot
    }

    /// The number of a name that is remembered in `slot`.
    fn name_in(&mut self, slot: Slot, name: &[u8]) -> u32 {
        if let Some(number) = *self.recent.known(slot) {
            return number;
        }
        let number = self.name(name);
        *self.recent.known(slot) = Some(number);
        number
    }

    /// Scans the names that are waiting for it.
    fn look_at_names(&mut self, reader: &TreeReader<'_>) {
        let task = Task::new(reader.progress);
        let scanned = guarded(|| self.listed.scan("file names", reader.detector, &mut self.worker, &task));
        let (named, gap) = scanned.unwrap_or_else(|panicked| {
            self.worker = Worker::default();
            (Vec::new(), Some(Gap::about(GapCode::Failed, "file names", panicked)))
        });
        self.gaps.extend(gap);
        self.in_names.extend(named.into_iter().map(|it| {
            let (tree, name) = (self.listed_in[it.index], self.listed.get(it.index).into());
            InName { tree, name, candidate: it.candidate }
        }));
        self.listed.clear();
        self.listed_in.clear();
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }
}

impl TreeEntries {
    /// Takes over the entries of `base` from the one that stands at `at` in this tree to the last that lies whole inside
    /// of `run`, and says where that ends; `None` if no entry starts at `at` in the base.
    fn take_over(&mut self, base: &Self, run: &Run, at: usize) -> Option<usize> {
        let in_base = (at - run.start + run.base) as u32;
        let first = base.bounds.binary_search(&in_base).ok()?;
        let last = base.bounds.partition_point(|bound| (*bound as usize) <= run.base_end()) - 1;
        if last <= first {
            return None;
        }
        let here = |bound: u32| bound - run.base as u32 + run.start as u32;
        // Both offsets are below 2^32, and the difference is taken of what lies inside of the run.
        let shift = self.bounds.len() as u32;
        self.bounds.extend(base.bounds[first..last].iter().map(|bound| here(*bound)));
        let kept = &base.kept[base.kept.partition_point(|kept| (kept.0 as usize) < first)..];
        let kept = kept.iter().take_while(|kept| (kept.0 as usize) < last);
        self.kept.extend(kept.map(|kept| (kept.0 - first as u32 + shift, kept.1, kept.2, kept.3)));
        let missing = base.missing.iter().filter(|(number, _)| (first..last).contains(&(*number as usize)));
        self.missing.extend(missing.map(|(number, child)| (number - first as u32 + shift, *child)));
        Some(here(base.bounds[last]) as usize)
    }
}

#[cfg(test)]
mod tests {
    use keysieve_git::limits::Limits;
    use proptest::prelude::*;

    use super::*;

    /// A tree of entries with these names and objects; the object 0 is wanted.
    fn tree(entries: &[(u8, u8)]) -> Vec<u8> {
        let entry = |(name, object): &(u8, u8)| {
            let name = "n".repeat(usize::from(name % 40) + 1);
            let mode = if object % 3 == 1 { "40000" } else { "100644" };
            [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &[*object; 20]].concat()
        };
        entries.iter().map(entry).collect::<Vec<_>>().concat()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Wherever runs begin and end, in the middle of entries as well.
        #[test]
        fn a_tree_by_its_delta_is_the_tree(
            base in prop::collection::vec((any::<u8>(), 0u8..4), 1..12),
            pieces in prop::collection::vec((any::<prop::sample::Index>(), 0usize..200, prop::option::of((any::<u8>(), 0u8..4))), 1..6),
        ) {
            let base = tree(&base);
            let (mut result, mut runs) = (Vec::new(), Vec::new());
            for (at, length, new) in pieces {
                let from = at.index(base.len());
                let copied = &base[from..base.len().min(from + length)];
                runs.push(Run { base: from, start: result.len(), length: copied.len() });
                result.extend_from_slice(copied);
                result.extend(new.map(|entry| tree(&[entry])).unwrap_or_default());
            }
            let store =
                Store { packs: Vec::new(), loose: Vec::new(), is_partial: false, hash: 20, limits: Limits::default() };
            let (detector, progress) = (Detector::builtin(), Progress::default());
            let (wanted, names) = (OidMap::default(), WantedNames::new());
            let reader = TreeReader { store: &store, wanted: &wanted, names: &names, detector: &detector, progress: &progress };
            let oid = Oid::none(20);
            let read = |derived: bool| {
                let mut local = LocalTrees::default();
                let state = local.add(&reader, oid, 0, &base, None);
                let before = local.missing.len();
                let derived = derived.then_some(Derived { state: &state, base_size: base.len(), runs: &runs });
                let read = local.add(&reader, oid, 1, &result, derived);
                (read.bounds, read.missing, local.missing.split_off(before), local.gaps.len())
            };
            prop_assert_eq!(read(true), read(false));
            prop_assert_eq!(read(true).0.len(), tree_entries::read(&result, 20).0.len() + 1);
        }
    }
}
