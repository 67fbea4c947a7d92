//! The delta trees of a pack: every entry once, each made of the one above it.
//!
//! An entry that is stored whole is a root; its children are the deltas on it. [`visit`] walks such a tree from its root
//! and keeps only the chain of buffers that leads to where it is, so every object is expanded exactly once.

use libdeflater::Decompressor;
use rayon::prelude::*;

use super::delta::{self, Run};
use super::error::ObjectError;
use super::limits::{Limits, Memory};
use super::oid::Oid;
use super::pack::{Header, Kind, Pack, PackError, Stored};

/// The delta trees of one pack.
#[derive(Debug)]
pub struct Forest {
    /// Entries stored whole, with their kinds; the ones with most to expand first.
    pub roots: Vec<(u32, Kind)>,
    /// Deltas on objects that the pack does not hold.
    pub external: Vec<(u32, Oid)>,
    /// Entries whose header, or whose base, is wrong.
    pub broken: Vec<(u32, ObjectError)>,
    /// For each entry where its children start in `children`.
    starts: Vec<u32>,
    children: Vec<u32>,
}

/// What an entry is a delta on.
enum Base {
    /// Nothing: it is stored whole.
    None(Kind),
    /// An entry of the same pack.
    Entry(u32),
    /// An object that the pack does not hold.
    External(Oid),
}

impl Base {
    /// The base of an entry, and about how much work the entry is.
    fn of(pack: &Pack, entry: u32) -> Result<(Self, u64), ObjectError> {
        let header = pack.header(entry)?;
        let weight = pack.packed_size(entry) + 64;
        Ok(match header.stored {
            Stored::Whole(kind) => (Self::None(kind), weight + header.size),
            Stored::OnOffset(offset) => (Self::Entry(pack.entry_at(offset).ok_or(ObjectError::NoBase)?), weight),
            Stored::OnObject(oid) => (pack.find(&oid).map_or(Self::External(oid), Self::Entry), weight),
        })
    }
}

impl Forest {
    /// Reads all headers of `pack`.
    pub fn of(pack: &Pack) -> Self {
        const NONE: u32 = u32::MAX;
        let count = pack.len();
        let mut bases = vec![NONE; count];
        let mut weights = vec![0u64; count];
        let (mut roots, mut external, mut broken) = (Vec::new(), Vec::new(), Vec::new());
        let read: Vec<Result<(Base, u64), ObjectError>> =
            (0..count as u32).into_par_iter().map(|entry| Base::of(pack, entry)).collect();
        for (entry, read) in read.into_iter().enumerate() {
            match read {
                Ok((base, weight)) => {
                    weights[entry] = weight;
                    match base {
                        Base::None(kind) => roots.push((entry as u32, kind)),
                        Base::Entry(base) => bases[entry] = base,
                        Base::External(oid) => external.push((entry as u32, oid)),
                    }
                }
                Err(error) => broken.push((entry as u32, error)),
            }
        }
        let mut starts = vec![0u32; count + 1];
        for &base in bases.iter().filter(|base| **base != NONE) {
            starts[base as usize + 1] += 1;
        }
        for index in 0..count {
            starts[index + 1] += starts[index];
        }
        let mut next = starts.clone();
        let mut children = vec![0; starts[count] as usize];
        for (entry, &base) in bases.iter().enumerate().filter(|(_, base)| **base != NONE) {
            children[next[base as usize] as usize] = entry as u32;
            next[base as usize] += 1;
        }
        // Bases mostly lie before their deltas, so one pass from the end adds up a tree well enough to sort by.
        for entry in (0..count).rev() {
            if bases[entry] != NONE && (bases[entry] as usize) < entry {
                weights[bases[entry] as usize] += weights[entry];
            }
        }
        roots.sort_unstable_by_key(|(entry, _)| std::cmp::Reverse(weights[*entry as usize]));
        Self { roots, external, broken, starts, children }
    }

    fn children(&self, entry: u32) -> std::ops::Range<usize> {
        self.starts[entry as usize] as usize..self.starts[entry as usize + 1] as usize
    }

    /// Entries that no root leads to: deltas that go round in a circle.
    pub fn unreached(&self, count: usize) -> Vec<u32> {
        let mut reached = vec![false; count];
        let mut todo: Vec<u32> = self.roots.iter().map(|(entry, _)| *entry).collect();
        todo.extend(self.external.iter().map(|(entry, _)| *entry));
        todo.extend(self.broken.iter().map(|(entry, _)| *entry));
        while let Some(entry) = todo.pop() {
            if !std::mem::replace(&mut reached[entry as usize], true) {
                todo.extend(&self.children[self.children(entry)]);
            }
        }
        (0..count as u32).filter(|entry| !reached[*entry as usize]).collect()
    }
}

/// What an object was made of.
#[derive(Debug)]
pub struct Derived<'a, S> {
    /// What was made of the base.
    pub state: &'a S,
    /// Size of the base.
    pub base_size: usize,
    /// Which bytes are the base's.
    pub runs: &'a [Run],
}

/// What one thread keeps while it walks trees.
#[derive(Default)]
pub struct Buffers {
    decompressor: Option<Decompressor>,
    delta: Vec<u8>,
    runs: Vec<Run>,
    spare: Vec<Vec<u8>>,
    spare_bytes: usize,
}

/// Bytes of buffers that wait to be used again: what somebody needed once is not kept for ever.
const SPARE: usize = 64 << 20;

impl Buffers {
    fn take(&mut self) -> Vec<u8> {
        let buffer = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= buffer.capacity();
        buffer
    }

    fn keep(&mut self, buffer: Vec<u8>) {
        if self.spare_bytes + buffer.capacity() <= SPARE {
            self.spare_bytes += buffer.capacity();
            self.spare.push(buffer);
        }
    }
}

/// A tree of deltas to walk.
#[derive(Debug, Clone, Copy)]
pub struct DeltaTree<'a> {
    /// The pack that it is in.
    pub pack: &'a Pack,
    /// The pack's trees.
    pub forest: &'a Forest,
    /// Where it begins.
    pub root: u32,
    /// What the root is made of, if it is a delta.
    pub base: Option<&'a [u8]>,
    /// What may be expanded.
    pub limits: Limits,
}

/// Walks a tree from its root on. Calls `each` with every object and what it was
/// made of; what `each` returns is handed to the object's children. An object that can't be made is given to `failed`,
/// with all that hang on it.
pub fn visit<S>(
    tree: &DeltaTree<'_>,
    memory: &impl Memory,
    buffers: &mut Buffers,
    mut each: impl FnMut(u32, &[u8], Option<Derived<'_, S>>) -> Option<S>,
    mut failed: impl FnMut(u32, ObjectError),
) {
    struct Frame<S> {
        bytes: Vec<u8>,
        state: S,
        children: std::ops::Range<usize>,
    }
    let DeltaTree { pack, forest, root, base, limits } = *tree;
    let mut frames: Vec<Frame<S>> = Vec::new();
    let mut bytes = buffers.take();
    let made = match base {
        None => whole(pack, root, memory, buffers, &mut bytes),
        Some(base) => apply_within(pack, root, base, base.len() as u64, memory, buffers, &mut bytes),
    };
    if let Err(error) = made {
        return fail(forest, root, error, &mut failed);
    }
    let Some(state) = each(root, &bytes, None) else { return };
    // Bytes of all objects of the chain.
    let mut held = (base.map_or(0, <[u8]>::len) + bytes.len()) as u64;
    frames.push(Frame { bytes, state, children: forest.children(root) });
    loop {
        let depth = frames.len();
        let Some(frame) = frames.last_mut() else { break };
        let Some(next) = frame.children.next() else {
            if let Some(done) = frames.pop() {
                held -= done.bytes.len() as u64;
                buffers.keep(done.bytes);
            }
            continue;
        };
        let entry = forest.children[next];
        let mut bytes = buffers.take();
        let made = match depth > limits.delta_depth {
            true => Err(ObjectError::TooDeep),
            false => apply_within(pack, entry, &frame.bytes, held, memory, buffers, &mut bytes),
        };
        if let Err(error) = made {
            buffers.keep(bytes);
            fail(forest, entry, error, &mut failed);
            continue;
        }
        let derived = Derived { state: &frame.state, base_size: frame.bytes.len(), runs: &buffers.runs };
        held += bytes.len() as u64;
        match each(entry, &bytes, Some(derived)) {
            Some(state) => frames.push(Frame { bytes, state, children: forest.children(entry) }),
            None => return,
        }
    }
}

fn fail(forest: &Forest, entry: u32, error: ObjectError, failed: &mut impl FnMut(u32, ObjectError)) {
    failed(entry, error);
    let mut todo: Vec<u32> = forest.children[forest.children(entry)].to_vec();
    while let Some(child) = todo.pop() {
        failed(child, ObjectError::NoBase);
        todo.extend(&forest.children[forest.children(child)]);
    }
}

fn inflate(
    pack: &Pack,
    entry: u32,
    header: &Header,
    buffers: &mut Buffers,
    into: &mut Vec<u8>,
) -> Result<(), PackError> {
    pack.inflate(entry, header, buffers.decompressor.get_or_insert_with(Decompressor::new), into)
}

/// Expands an object that is stored whole.
fn whole(
    pack: &Pack,
    entry: u32,
    memory: &impl Memory,
    buffers: &mut Buffers,
    into: &mut Vec<u8>,
) -> Result<(), ObjectError> {
    let header = pack.header(entry)?;
    pack.check_size(entry, &header)?;
    memory.hold(header.size)?;
    Ok(inflate(pack, entry, &header, buffers, into)?)
}

/// Makes an object of `base`, while `held` bytes are in memory.
fn apply_within(
    pack: &Pack,
    entry: u32,
    base: &[u8],
    held: u64,
    memory: &impl Memory,
    buffers: &mut Buffers,
    into: &mut Vec<u8>,
) -> Result<(), ObjectError> {
    let header = pack.header(entry)?;
    let mut packed = std::mem::take(&mut buffers.delta);
    let inflated = inflate(pack, entry, &header, buffers, &mut packed);
    buffers.delta = packed;
    inflated?;
    let result = delta::result_size(&buffers.delta)?;
    if result as u64 > pack.largest() {
        return Err(PackError::TooLarge(pack.largest()).into());
    }
    memory.hold(held + (buffers.delta.len() + result) as u64)?;
    into.clear();
    into.try_reserve(result).map_err(|_| PackError::NoMemory)?;
    Ok(delta::apply(base, &buffers.delta, into, &mut buffers.runs)?)
}
