//! The file of a pack: headers of entries and their compressed bytes, by their offsets. Nothing is trusted: every offset and
//! size is checked, and what is wrong is an error with the file's name.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use libdeflater::{DecompressionError, Decompressor};
use memmap2::Mmap;

use super::file;
use super::oid::Oid;
use super::pack_index::count;

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
pub(super) struct PackFile {
    pub(super) path: PathBuf,
    map: Mmap,
    /// The largest object that is expanded, in bytes.
    pub(super) largest: u64,
    /// Bytes of an object id.
    pub(super) hash: usize,
}

impl PackFile {
    /// Opens the pack beside the index at `index`, whose bytes are `tables`.
    pub(super) fn open(index: &Path, tables: &[u8], hash: usize, how: &Opening) -> Result<Self, PackError> {
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
    pub(super) fn end(&self) -> u64 {
        (self.map.len() - self.hash) as u64
    }

    /// Reads the header of the entry at `offset`, which ends before `end`.
    pub(super) fn header(&self, offset: u64, end: u64) -> Result<Header, PackError> {
        let header = read_header(&self.map[..end as usize], offset as usize, self.hash);
        header.ok_or_else(|| self.malformed("an entry's header is wrong"))
    }

    /// Refuses sizes that cannot be, or that are too large.
    pub(super) fn check_size(&self, header: &Header, end: u64) -> Result<(), PackError> {
        let packed = end - header.data as u64;
        // Deflate makes at most 1,032 bytes of one.
        if header.size > 1032 * packed + 64 {
            return Err(self.malformed("an entry claims a size that its bytes cannot expand to"));
        }
        if header.size > self.largest { Err(PackError::TooLarge(self.largest)) } else { Ok(()) }
    }

    /// Expands the compressed bytes of an entry, which end before `end`, into `into`.
    pub(super) fn inflate(
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

    pub(super) fn malformed(&self, reason: &'static str) -> PackError {
        PackError::Malformed { path: self.path.clone(), reason }
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

/// Reads the header of the entry at `start` of a pack whose ids have `hash` bytes; `None` where there is none.
pub fn read_header(pack: &[u8], start: usize, hash: usize) -> Option<Header> {
    let mut at = start;
    let mut next = || {
        let byte = *pack.get(at)?;
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
            let start = start as u64;
            Stored::OnOffset(start.checked_sub(back).filter(|base| *base < start)?)
        }
        7 => {
            let base = Oid::from_bytes(pack.get(at..at.checked_add(hash)?)?)?;
            at += hash;
            Stored::OnObject(base)
        }
        _ => return None,
    };
    Some(Header { stored, size, data: at })
}

/// Maps a file. Git never changes a pack in place, it writes new ones and renames; for whoever does all the same the
/// program `keysieve` is prepared, and finds zeros where the file is gone.
#[allow(unsafe_code)]
pub(super) fn map(path: &Path, follow: bool) -> Result<Mmap, PackError> {
    let io = |source| PackError::Io { path: path.to_owned(), source };
    let file = file::open(path, follow).map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(io(io::Error::other("it is no regular file")));
    }
    // SAFETY: the map is read only; git replaces packs by renaming and never truncates them.
    unsafe { Mmap::map(&file) }.map_err(io)
}
