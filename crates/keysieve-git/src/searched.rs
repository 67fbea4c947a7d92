//! A pack in which a few objects are looked for.

use std::path::Path;

use libdeflater::Decompressor;
use memmap2::Mmap;

use super::oid::Oid;
use super::pack_file::{Header, Opening, PackError, PackFile, map};
use super::pack_index::{count, read_entry};

/// A pack in which a few objects are looked for: what its index lists stays where it is.
#[derive(Debug)]
pub(super) struct Searched {
    file: PackFile,
    tables: Mmap,
}

impl Searched {
    /// Opens the pack beside the index at `index`; ids have `hash` bytes.
    pub(super) fn open(index: &Path, hash: usize, how: &Opening) -> Result<Self, PackError> {
        let tables = map(index, how.follow)?;
        let file = PackFile::open(index, &tables, hash, how)?;
        let fits =
            |(first, count): (usize, usize)| count == 0 || read_entry(&tables, hash, first, count, count - 1).is_some();
        if !count(&tables).is_some_and(fits) {
            return Err(PackError::Malformed { path: index.to_owned(), reason: "its tables do not fit its size" });
        }
        Ok(Self { file, tables })
    }

    /// Where the entry of an object starts.
    pub(super) fn find(&self, oid: &Oid) -> Option<u64> {
        let at = self.first_from(oid)?;
        self.entry(at).filter(|(found, _)| found == oid).map(|(_, offset)| offset)
    }

    /// The objects whose ids begin with these hexadecimal digits, from the first id on that can.
    pub(super) fn with_prefix(&self, digits: &str, first: &Oid) -> Vec<Oid> {
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
    pub(super) fn header(&self, offset: u64) -> Result<Header, PackError> {
        if offset < 12 || offset >= self.file.end() {
            return Err(self.file.malformed("its index names an offset outside of it"));
        }
        self.file.header(offset, self.file.end())
    }

    /// Expands the compressed bytes of an entry.
    pub(super) fn inflate(&self, header: &Header, decompressor: &mut Decompressor) -> Result<Vec<u8>, PackError> {
        let mut expanded = Vec::new();
        self.file.inflate(header, self.file.end(), decompressor, &mut expanded)?;
        Ok(expanded)
    }
}
