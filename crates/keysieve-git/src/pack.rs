//! Packs with their indexes, mapped into memory (gitformat-pack), all of whose objects are read.

use std::path::Path;

use libdeflater::Decompressor;
use rayon::prelude::*;

use super::oid::Oid;
pub use super::pack_file::{Header, Kind, Opening, PackError, Stored, read_header};
use super::pack_file::{PackFile, map};
use super::pack_index::read_index;

/// Places of the table of ids that are looked at for one.
const MAX_PROBES: usize = 64;

/// A pack with its index.
#[derive(Debug)]
pub struct Pack {
    file: PackFile,
    /// Ids in ascending order.
    oids: Vec<Oid>,
    /// Offsets of the entries in ascending order, and the end of the last one.
    offsets: Vec<u64>,
    /// For each entry, in the order of offsets, the position of its id.
    oid_of: Vec<u32>,
    /// For each id the entry, in the order of offsets.
    entry_of: Vec<u32>,
    /// Positions of ids by their first bits, and what to shift these by.
    slots: Vec<u32>,
    slot_shift: u32,
}

impl Pack {
    /// Opens the pack beside the index at `index`; ids have `hash` bytes.
    pub fn open(index: &Path, hash: usize, how: &Opening) -> Result<Self, PackError> {
        let tables = map(index, how.follow)?;
        let malformed = |reason| PackError::Malformed { path: index.to_owned(), reason };
        let (oids, entries) = read_index(&tables, hash).ok_or_else(|| malformed("its tables do not fit its size"))?;
        let file = PackFile::open(index, &tables, hash, how)?;
        let end = file.end();
        let by_offset = || {
            let mut order: Vec<u32> = (0..entries.len() as u32).collect();
            order.par_sort_unstable_by_key(|&id| entries[id as usize]);
            order
        };
        let (order, (slots, slot_shift)) = rayon::join(by_offset, || slots(&oids));
        let mut offsets: Vec<u64> = order.iter().map(|&id| entries[id as usize]).collect();
        if offsets.first().is_some_and(|first| *first < 12) || offsets.last().is_some_and(|last| *last >= end) {
            return Err(malformed("it names an offset outside of the pack"));
        }
        if offsets.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(malformed("it names one offset twice"));
        }
        let mut entry_of = vec![0; order.len()];
        for (entry, &id) in order.iter().enumerate() {
            entry_of[id as usize] = entry as u32;
        }
        offsets.push(end);
        Ok(Self { file, oids, offsets, oid_of: order, entry_of, slots, slot_shift })
    }

    /// The largest object that is expanded, in bytes.
    pub fn largest(&self) -> u64 {
        self.file.largest
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.oids.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.oids.is_empty()
    }

    /// The pack's file.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The id of an entry.
    pub fn oid(&self, entry: u32) -> Oid {
        self.oids[self.oid_of[entry as usize] as usize]
    }

    /// The entry of an id.
    pub fn find(&self, oid: &Oid) -> Option<u32> {
        // Ids are spread evenly, so their first bits are the place in a table that is half empty. Somebody may have made
        // ids that are not; after a few places the sorted list is asked.
        let mask = self.slots.len() - 1;
        let first = (oid.prefix() >> self.slot_shift) as usize;
        for slot in first..first + MAX_PROBES {
            let id = self.slots[slot & mask];
            if id == u32::MAX {
                return None;
            }
            if self.oids[id as usize] == *oid {
                return Some(self.entry_of[id as usize]);
            }
        }
        self.oids.binary_search(oid).ok().map(|id| self.entry_of[id])
    }

    /// The objects whose ids begin with these hexadecimal digits.
    pub fn with_prefix(&self, digits: &str) -> Vec<Oid> {
        let first = self.oids.partition_point(|oid| oid.to_string().as_str() < digits);
        self.oids[first..].iter().copied().take_while(|oid| oid.to_string().starts_with(digits)).collect()
    }

    /// The entry that starts at `offset`.
    pub fn entry_at(&self, offset: u64) -> Option<u32> {
        let entries = &self.offsets[..self.oids.len()];
        entries.binary_search(&offset).ok().map(|entry| entry as u32)
    }

    /// Compressed size of an entry, its header included.
    pub fn packed_size(&self, entry: u32) -> u64 {
        self.offsets[entry as usize + 1] - self.offsets[entry as usize]
    }

    /// Reads an entry's header.
    pub fn header(&self, entry: u32) -> Result<Header, PackError> {
        self.file.header(self.offsets[entry as usize], self.offsets[entry as usize + 1])
    }

    /// Refuses sizes that cannot be, or that are too large.
    pub fn check_size(&self, entry: u32, header: &Header) -> Result<(), PackError> {
        self.file.check_size(header, self.offsets[entry as usize + 1])
    }

    /// Expands an entry's compressed bytes into `into`.
    pub fn inflate(
        &self,
        entry: u32,
        header: &Header,
        decompressor: &mut Decompressor,
        into: &mut Vec<u8>,
    ) -> Result<(), PackError> {
        self.file.inflate(header, self.offsets[entry as usize + 1], decompressor, into)
    }
}

/// Positions of ids in a table by their first bits, and what to shift these by. An id that finds no place is found in
/// the sorted list.
fn slots(oids: &[Oid]) -> (Vec<u32>, u32) {
    let bits = (2 * oids.len()).next_power_of_two().trailing_zeros().max(4);
    let shift = 64 - bits;
    let mut slots = vec![u32::MAX; 1 << bits];
    let mask = slots.len() - 1;
    for (id, oid) in oids.iter().enumerate() {
        let first = (oid.prefix() >> shift) as usize;
        if let Some(slot) = (first..first + MAX_PROBES).find(|slot| slots[slot & mask] == u32::MAX) {
            slots[slot & mask] = id as u32;
        }
    }
    (slots, shift)
}
