//! Pack files and their indexes, mapped into memory (gitformat-pack): index versions 1 and 2, 64-bit offsets, both hash
//! functions. Nothing is trusted: every offset and size is checked, and what is wrong is an error with the file's name.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use libdeflater::{DecompressionError, Decompressor};
use memmap2::Mmap;
use rayon::prelude::*;

use super::oid::Oid;
use crate::file;

/// Places of the table of ids that are looked at for one.
const MAX_PROBES: usize = 64;

/// A pack or an object that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The operating system says no.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An object is larger than what is expanded: a header of a few bytes can claim any size.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// There is no room for it.
    #[error("there is not enough memory for it")]
    NoMemory,
    /// The file is not what it should be.
    #[error("`{}` is damaged: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
}

/// What kind of object an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A blob.
    Blob,
    /// An annotated tag.
    Tag,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        })
    }
}

/// How an entry is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Whole.
    Whole(Kind),
    /// As a delta on the entry at this offset of the pack.
    OnOffset(u64),
    /// As a delta on this object.
    OnObject(Oid),
}

/// An entry's header.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// How it is stored.
    pub stored: Stored,
    /// Size of what is compressed, expanded: the object or its delta.
    pub size: u64,
    /// Where the compressed bytes start in the pack.
    pub data: usize,
}

/// The file of a pack, in which entries are read by their offsets.
#[derive(Debug)]
pub struct PackFile {
    path: PathBuf,
    map: Mmap,
    /// The largest object that is expanded, in bytes.
    largest: u64,
    /// Bytes of an object id.
    hash: usize,
}

impl PackFile {
    /// Opens the pack beside the index at `index`, whose bytes are `tables`.
    fn open(index: &Path, tables: &[u8], hash: usize, how: &Opening) -> Result<Self, PackError> {
        let path = index.with_extension("pack");
        let map = map(&path, how.follow)?;
        let malformed = |reason| PackError::Malformed { path: path.clone(), reason };
        if map.len() < 12 + hash {
            return Err(malformed("it is too short"));
        }
        if &map[..4] != b"PACK" || !matches!(map[7], 2 | 3) {
            return Err(malformed("it does not start as a pack of version 2 or 3 does"));
        }
        // An index ends with the checksum of its pack and its own.
        let named = tables.len().checked_sub(2 * hash).map(|at| &tables[at..at + hash]);
        if named != Some(&map[map.len() - hash..]) {
            return Err(PackError::Malformed { path: index.to_owned(), reason: "it is the index of another pack" });
        }
        let listed = count(tables).map(|(_, count)| count);
        if listed != Some(u32::from_be_bytes([map[8], map[9], map[10], map[11]]) as usize) {
            let reason = "it lists another number of objects than the pack says that it has";
            return Err(PackError::Malformed { path: index.to_owned(), reason });
        }
        Ok(Self { path, map, largest: how.largest, hash })
    }

    /// Where its last entry ends.
    fn end(&self) -> u64 {
        (self.map.len() - self.hash) as u64
    }

    /// Reads the header of the entry at `offset`, which ends before `end`.
    fn header(&self, offset: u64, end: u64) -> Result<Header, PackError> {
        self.read_header(offset, end).ok_or_else(|| self.malformed("an entry's header is wrong"))
    }

    fn read_header(&self, offset: u64, end: u64) -> Option<Header> {
        let end = end as usize;
        let mut at = offset as usize;
        let mut next = || {
            let byte = (at < end).then(|| self.map[at])?;
            at += 1;
            Some(byte)
        };
        let first = next()?;
        let mut size = u64::from(first & 0x0f);
        let mut shift = 4;
        let mut byte = first;
        while byte & 0x80 != 0 {
            byte = next()?;
            size |= u64::from(byte & 0x7f).checked_shl(shift).filter(|_| shift < 57)?;
            shift += 7;
        }
        let stored = match first >> 4 & 7 {
            1 => Stored::Whole(Kind::Commit),
            2 => Stored::Whole(Kind::Tree),
            3 => Stored::Whole(Kind::Blob),
            4 => Stored::Whole(Kind::Tag),
            6 => {
                let mut byte = next()?;
                let mut back = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = next()?;
                    back = (back + 1).checked_mul(128)? + u64::from(byte & 0x7f);
                }
                Stored::OnOffset(offset.checked_sub(back).filter(|base| *base < offset)?)
            }
            7 => {
                let length = self.hash;
                let base = Oid::from_bytes(self.map.get(at..at + length).filter(|_| at + length <= end)?)?;
                at += length;
                Stored::OnObject(base)
            }
            _ => return None,
        };
        Some(Header { stored, size, data: at })
    }

    /// Refuses sizes that cannot be, or that are too large.
    fn check_size(&self, header: &Header, end: u64) -> Result<(), PackError> {
        let packed = end - header.data as u64;
        // Deflate makes at most 1,032 bytes of one.
        if header.size > 1032 * packed + 64 {
            return Err(self.malformed("an entry claims a size that its bytes cannot expand to"));
        }
        if header.size > self.largest { Err(PackError::TooLarge(self.largest)) } else { Ok(()) }
    }

    /// Expands the compressed bytes of an entry, which end before `end`, into `into`.
    fn inflate(
        &self,
        header: &Header,
        end: u64,
        decompressor: &mut Decompressor,
        into: &mut Vec<u8>,
    ) -> Result<(), PackError> {
        self.check_size(header, end)?;
        let packed = &self.map[header.data..end as usize];
        into.clear();
        into.try_reserve(header.size as usize).map_err(|_| PackError::NoMemory)?;
        into.resize(header.size as usize, 0);
        match decompressor.zlib_decompress(packed, into) {
            Ok(written) if written as u64 == header.size => Ok(()),
            Ok(_) => Err(self.malformed("an entry is shorter than its header says")),
            Err(DecompressionError::InsufficientSpace) => {
                Err(self.malformed("an entry is longer than its header says"))
            }
            Err(DecompressionError::BadData) => Err(self.malformed("an entry's compressed bytes are wrong")),
        }
    }

    fn malformed(&self, reason: &'static str) -> PackError {
        PackError::Malformed { path: self.path.clone(), reason }
    }
}

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

/// How packs are opened.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// The largest object that is expanded, in bytes.
    pub largest: u64,
    /// Whether links are followed.
    pub follow: bool,
}

/// A pack in which a few objects are looked for: what its index lists stays where it is.
#[derive(Debug)]
pub struct Searched {
    file: PackFile,
    tables: Mmap,
}

impl Searched {
    /// Opens the pack beside the index at `index`; ids have `hash` bytes.
    pub fn open(index: &Path, hash: usize, how: &Opening) -> Result<Self, PackError> {
        let tables = map(index, how.follow)?;
        let file = PackFile::open(index, &tables, hash, how)?;
        let fits =
            |(first, count): (usize, usize)| count == 0 || read_entry(&tables, hash, first, count, count - 1).is_some();
        if !count(&tables).is_some_and(fits) {
            return Err(PackError::Malformed { path: index.to_owned(), reason: "its tables do not fit its size" });
        }
        Ok(Self { file, tables })
    }

    /// The pack's file.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Where the entry of an object starts.
    pub fn find(&self, oid: &Oid) -> Option<u64> {
        let at = self.first_from(oid)?;
        self.entry(at).filter(|(found, _)| found == oid).map(|(_, offset)| offset)
    }

    /// The objects whose ids begin with these hexadecimal digits, from the first id on that can.
    pub fn with_prefix(&self, digits: &str, first: &Oid) -> Vec<Oid> {
        let from = self.first_from(first).unwrap_or(usize::MAX);
        let listed = (from..).map_while(|at| self.entry(at)).map(|(oid, _)| oid);
        listed.take_while(|oid| oid.to_string().starts_with(digits)).collect()
    }

    /// The place of the first id that is not below `oid`.
    fn first_from(&self, oid: &Oid) -> Option<usize> {
        let (_, count) = count(&self.tables)?;
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entry(middle)?.0 < *oid {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Some(low)
    }

    fn entry(&self, at: usize) -> Option<(Oid, u64)> {
        let (first, count) = count(&self.tables)?;
        read_entry(&self.tables, self.file.hash, first, count, at)
    }

    /// Reads the header of the entry at `offset`.
    pub fn header(&self, offset: u64) -> Result<Header, PackError> {
        if offset < 12 || offset >= self.file.end() {
            return Err(self.file.malformed("its index names an offset outside of it"));
        }
        self.file.header(offset, self.file.end())
    }

    /// Expands the compressed bytes of an entry.
    pub fn inflate(&self, header: &Header, decompressor: &mut Decompressor) -> Result<Vec<u8>, PackError> {
        let mut expanded = Vec::new();
        self.file.inflate(header, self.file.end(), decompressor, &mut expanded)?;
        Ok(expanded)
    }
}

/// Maps a file. Git never changes a pack in place, it writes new ones and renames; for whoever does all the same the
/// program `keysieve` is prepared, and finds zeros where the file is gone.
#[allow(unsafe_code)]
fn map(path: &Path, follow: bool) -> Result<Mmap, PackError> {
    let io = |source| PackError::Io { path: path.to_owned(), source };
    let file = file::open(path, follow).map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(io(io::Error::other("it is no regular file")));
    }
    // SAFETY: the map is read only; git replaces packs by renaming and never truncates them.
    unsafe { Mmap::map(&file) }.map_err(io)
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

fn word(index: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(index.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Where the tables of an index begin behind its counts, and how many objects it lists; `None` for a version that nobody
/// knows.
fn count(index: &[u8]) -> Option<(usize, usize)> {
    let second = index.starts_with(SECOND);
    if second && word(index, 4)? != 2 {
        return None;
    }
    let tables = if second { 8 + 1024 } else { 1024 };
    Some((tables, word(index, tables - 4)? as usize))
}

/// How an index of version 2 starts.
const SECOND: &[u8] = b"\xfftOc";

/// The id in place `at` and the offset of its entry, of an index with `count` of them in tables from `tables` on.
fn read_entry(index: &[u8], hash: usize, tables: usize, count: usize, at: usize) -> Option<(Oid, u64)> {
    if at >= count {
        return None;
    }
    if tables == 1024 {
        let at = tables + at.checked_mul(hash + 4)?;
        return Some((Oid::from_bytes(index.get(at + 4..at + 4 + hash)?)?, u64::from(word(index, at)?)));
    }
    let oid = Oid::from_bytes(index.get(tables + at * hash..tables + (at + 1) * hash)?)?;
    let small = word(index, tables + count * (hash + 4) + at * 4)?;
    if small & 0x8000_0000 == 0 {
        return Some((oid, u64::from(small)));
    }
    let at = tables + count * (hash + 8) + (small & 0x7fff_ffff) as usize * 8;
    Some((oid, u64::from_be_bytes(index.get(at..at.checked_add(8)?)?.try_into().ok()?)))
}

/// Ids in ascending order and the offset of each; `None` if the tables do not fit.
fn read_index(index: &[u8], hash: usize) -> Option<(Vec<Oid>, Vec<u64>)> {
    let (tables, count) = count(index)?;
    // Before any memory is asked for.
    if count > 0 {
        read_entry(index, hash, tables, count, count - 1)?;
    }
    let read = |at: usize| read_entry(index, hash, tables, count, at);
    let (oids, offsets): (Vec<_>, Vec<_>) = (0..count).into_par_iter().map(read).collect::<Option<_>>()?;
    oids.is_sorted().then_some((oids, offsets))
}
