//! The index of a work tree, read from its file: versions 2 to 4, split and sparse ones too (git's "index-format").
//!
//! libgit2 refuses split and sparse indexes, and hands over no cache of trees, without which each staged file costs a
//! comparison with every tracked one.

use std::io;
use std::ops::Range;
use std::path::Path;

use sha2::Digest;

use crate::file;
use crate::oid::Oid;
use crate::repository::Repository;

/// What is about to be committed.
#[derive(Debug, Default)]
pub struct Index {
    /// Entries in the order of their paths.
    pub entries: Vec<Entry>,
    /// All paths, one after the other.
    paths: Vec<u8>,
    /// The trees that parts of the index are the same as.
    pub cache: Cache,
}

/// A tracked path.
#[derive(Debug, Clone)]
pub struct Entry {
    path: Range<u32>,
    /// As in a tree: `0o100644`, `0o120000` for links, `0o160000` for submodules, `0o040000` for a sparse folder.
    pub mode: u32,
    /// Its content.
    pub oid: Oid,
    /// 0, or in a merge with conflicts 1 for the common version, 2 for ours, 3 for theirs.
    pub stage: u8,
    /// Whether `git add -N` only announced it.
    pub intent_to_add: bool,
}

/// Folders whose part of the index is the same as a tree, each followed by the ones in it.
#[derive(Debug, Default)]
pub struct Cache {
    names: Vec<u8>,
    folders: Vec<CachedFolder>,
}

#[derive(Debug)]
struct CachedFolder {
    name: Range<u32>,
    /// How many entries the tree stands for, and its id, unless something in the folder has changed since it was written.
    tree: Option<(u64, Oid)>,
    /// Where the folders in it end.
    end: u32,
}

/// One folder of a [`Cache`].
#[derive(Debug, Clone, Copy)]
pub struct CachedTree<'a> {
    cache: &'a Cache,
    at: usize,
}

/// An index that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Reading its file failed.
    #[error("the index cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It was named, and is not there.
    #[error("there is no such index, though `GIT_INDEX_FILE` names it")]
    Nowhere,
    /// It is wrong, or of a kind that came after this program.
    #[error("the index cannot be read: {0}; `git read-tree HEAD` makes it anew, without what is staged")]
    Malformed(&'static str),
}

const CUT: IndexError = IndexError::Malformed("it is cut short, or an entry is longer than it may be");

/// Longest path in bytes, as for the operating systems that git runs on.
const LONGEST_PATH: usize = 4096;

impl Index {
    /// Reads what `repository` is about to commit; without that file nothing is staged, unless somebody named it.
    pub fn of(repository: &Repository) -> Result<Self, IndexError> {
        match Self::read_file(repository.index_file(), repository.git_folder(), repository.hash_length()) {
            Err(IndexError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                if repository.has_other_index() {
                    Err(IndexError::Nowhere)
                } else {
                    Ok(Self::default())
                }
            }
            read => read,
        }
    }

    /// Reads `index` in the git folder `git`; without that file nothing is staged.
    pub fn read(git: &Path, hash: usize) -> Result<Self, IndexError> {
        match Self::read_file(&git.join("index"), git, hash) {
            Err(IndexError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            read => read,
        }
    }

    /// Reads `file`. What a split index shares lies in the git folder, wherever the index itself is.
    fn read_file(file: &Path, git: &Path, hash: usize) -> Result<Self, IndexError> {
        let index = Self::parse(&file::read(file)?, hash, Some(git))?;
        let is_before = |a: &Entry, b: &Entry| match index.path(a).cmp(index.path(b)) {
            std::cmp::Ordering::Equal => a.stage < b.stage,
            order => order.is_lt(),
        };
        // Folders are told by their entries standing side by side.
        match index.entries.windows(2).all(|pair| is_before(&pair[0], &pair[1])) {
            true => Ok(index),
            false => Err(IndexError::Malformed("its entries are not in order")),
        }
    }

    /// The path of an entry.
    pub fn path(&self, entry: &Entry) -> &[u8] {
        &self.paths[entry.path.start as usize..entry.path.end as usize]
    }

    fn parse(bytes: &[u8], hash: usize, git: Option<&Path>) -> Result<Self, IndexError> {
        let version = match bytes.get(..8) {
            Some([b'D', b'I', b'R', b'C', 0, 0, 0, version @ 2..=4]) => *version,
            Some([b'D', b'I', b'R', b'C', ..]) => return Err(IndexError::Malformed("its version is not 2, 3 or 4")),
            _ => return Err(IndexError::Malformed("it is no index")),
        };
        let count = number(bytes, 8).ok_or(CUT)?;
        // An entry takes 62 bytes at the least, whatever the header says of their number.
        let most = (count as usize).min(bytes.len() / 62);
        let mut index =
            Self { entries: Vec::with_capacity(most), paths: Vec::with_capacity(48 * most), cache: Cache::default() };
        let mut at = 12;
        for _ in 0..count {
            at = index.add(bytes, at, version, hash).ok_or(CUT)?;
        }
        let end = bytes.len().checked_sub(hash).ok_or(CUT)?;
        // With `index.skipHash` it ends with NUL bytes.
        let (content, checksum) = bytes.split_at(end);
        if checksum.iter().any(|byte| *byte != 0) && checksum != digest(content, hash) {
            return Err(IndexError::Malformed("its checksum is wrong"));
        }
        let mut link = None;
        while at + 8 <= end {
            let name = &bytes[at..at + 4];
            let size = number(bytes, at + 4).ok_or(CUT)? as usize;
            let data = bytes.get(at + 8..at + 8 + size).ok_or(CUT)?;
            match name {
                b"TREE" => index.cache = Cache::parse(data, hash).unwrap_or_default(),
                b"link" => link = Some(data),
                b"sdir" => {}
                _ if name[0].is_ascii_lowercase() => {
                    return Err(IndexError::Malformed("it has an extension that this keysieve does not know"));
                }
                _ => {}
            }
            at += 8 + size;
        }
        match (link, git) {
            (Some(link), Some(git)) => index.on_top_of_shared(link, hash, git),
            (Some(_), None) => Err(IndexError::Malformed("a shared index names another one, or itself")),
            (None, _) => Ok(index),
        }
    }

    /// Adds the entry at `at` and says where it ends.
    fn add(&mut self, bytes: &[u8], at: usize, version: u8, hash: usize) -> Option<usize> {
        const EXTENDED: u16 = 0x4000;
        const INTENT_TO_ADD: u16 = 0x2000;
        let half = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let mode = number(bytes, at + 24)?;
        let oid = Oid::from_bytes(bytes.get(at + 40..at + 40 + hash)?)?;
        let flags = half(at + 40 + hash)?;
        let mut name = at + 42 + hash;
        let mut more = 0;
        if flags & EXTENDED != 0 && version > 2 {
            more = half(name)?;
            name += 2;
        }
        let start = self.paths.len();
        if version == 4 {
            let before = self.entries.last().map_or(0..0, |entry| entry.path.start as usize..entry.path.end as usize);
            let kept = before.len().checked_sub(offset(bytes, &mut name)?)?;
            self.paths.extend_from_within(before.start..before.start + kept);
        }
        let end = name + memchr::memchr(0, bytes.get(name..)?)?;
        self.paths.extend_from_slice(&bytes[name..end]);
        // In version 4 a path of one byte can stand for all those before it.
        if self.paths.len() - start > LONGEST_PATH {
            return None;
        }
        let path = u32::try_from(start).ok()?..u32::try_from(self.paths.len()).ok()?;
        let stage = (flags >> 12 & 3) as u8;
        self.entries.push(Entry { path, mode, oid, stage, intent_to_add: more & INTENT_TO_ADD != 0 });
        // Versions 2 and 3 pad entries with NUL bytes to a multiple of eight, at least one.
        Some(if version == 4 { end + 1 } else { at + (end - at + 8) / 8 * 8 })
    }

    /// A split index says which entries of a shared one it deletes and replaces, and holds what it adds.
    fn on_top_of_shared(self, link: &[u8], hash: usize, git: &Path) -> Result<Self, IndexError> {
        let base = link.get(..hash).and_then(Oid::from_bytes).ok_or(CUT)?;
        if base.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(self);
        }
        // Without it nothing can be told of what is staged, so that it is not found must not look like no index.
        let shared = file::read(&git.join(format!("sharedindex.{base}"))).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => IndexError::Malformed("the shared index that it builds on is not there"),
            _ => error.into(),
        })?;
        let shared = Self::parse(&shared, hash, None)?;
        let mut rest = &link[hash..];
        let (deleted, replaced) = match rest.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => {
                let most = shared.entries.len();
                (bits(&mut rest, most).ok_or(CUT)?, bits(&mut rest, most).ok_or(CUT)?)
            }
        };
        // Those that replace one come first and have no path.
        let mut own = self.entries.iter();
        let mut merged = Self::default();
        let mut all: Vec<(Vec<u8>, Entry)> = Vec::with_capacity(shared.entries.len() + self.entries.len());
        for (at, entry) in shared.entries.iter().enumerate() {
            let is_in = |bits: &[bool]| bits.get(at).copied().unwrap_or(false);
            let replacing = if is_in(&replaced) { own.next() } else { None };
            if !is_in(&deleted) {
                all.push((shared.path(entry).to_vec(), replacing.unwrap_or(entry).clone()));
            }
        }
        all.extend(own.map(|entry| (self.path(entry).to_vec(), entry.clone())));
        all.sort_by(|a, b| (&a.0, a.1.stage).cmp(&(&b.0, b.1.stage)));
        for (path, entry) in all {
            let start = merged.paths.len() as u32;
            merged.paths.extend_from_slice(&path);
            merged.entries.push(Entry { path: start..merged.paths.len() as u32, ..entry });
        }
        merged.cache = self.cache;
        Ok(merged)
    }
}

impl Cache {
    /// Reads the folders: name, NUL, entries, blank, folders, line break, and the tree's id if the count of entries holds.
    fn parse(data: &[u8], hash: usize) -> Option<Self> {
        let mut cache = Self { names: Vec::with_capacity(data.len() / 2), folders: Vec::new() };
        // Folders whose own folders are still to come: where they stand, and how many are missing.
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut rest = data;
        while !rest.is_empty() {
            let take = |rest: &mut &[u8], end: u8| {
                let (text, after) = rest.split_at_checked(memchr::memchr(end, rest)?)?;
                *rest = &after[1..];
                std::str::from_utf8(text).ok()?.parse::<i64>().ok()
            };
            let length = memchr::memchr(0, rest)?;
            let start = cache.names.len() as u32;
            cache.names.extend_from_slice(&rest[..length]);
            rest = &rest[length + 1..];
            let (entries, folders) = (take(&mut rest, b' ')?, take(&mut rest, b'\n')?);
            let mut tree = None;
            if entries >= 0 {
                tree = Some((entries as u64, Oid::from_bytes(rest.get(..hash)?)?));
                rest = &rest[hash..];
            }
            let at = cache.folders.len();
            cache.folders.push(CachedFolder { name: start..cache.names.len() as u32, tree, end: 0 });
            open.push((at, usize::try_from(folders).ok()?));
            while let Some((at, 0)) = open.last().copied() {
                open.pop();
                cache.folders[at].end = cache.folders.len() as u32;
                if let Some((_, left)) = open.last_mut() {
                    *left -= 1;
                }
            }
        }
        open.is_empty().then_some(cache)
    }

    /// The root, if the index has a cache.
    pub fn root(&self) -> Option<CachedTree<'_>> {
        (!self.folders.is_empty()).then_some(CachedTree { cache: self, at: 0 })
    }
}

impl<'a> CachedTree<'a> {
    /// The tree that the folder's part of the index, with so many entries, is the same as. Git takes its word for that,
    /// and commits that tree; one that counts other entries is nothing that git wrote.
    pub fn tree(&self, entries: usize) -> Option<Oid> {
        self.cache.folders[self.at].tree.filter(|(count, _)| *count == entries as u64).map(|(_, oid)| oid)
    }

    /// The folder `name` in this one.
    pub fn child(&self, name: &[u8]) -> Option<CachedTree<'a>> {
        let cache = self.cache;
        let mut at = self.at + 1;
        while at < cache.folders[self.at].end as usize {
            let folder = &cache.folders[at];
            if cache.names[folder.name.start as usize..folder.name.end as usize] == *name {
                return Some(CachedTree { cache, at });
            }
            at = folder.end as usize;
        }
        None
    }
}

fn digest(content: &[u8], hash: usize) -> Vec<u8> {
    match hash {
        20 => sha1::Sha1::digest(content).to_vec(),
        _ => sha2::Sha256::digest(content).to_vec(),
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Seven bits a byte, as pack files write offsets.
fn offset(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0usize;
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value = value.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
        if byte < 0x80 {
            return Some(value);
        }
        value = value.checked_add(1)?;
    }
}

/// A bitmap in EWAH form: runs of equal words, each followed by words as they are.
fn bits(rest: &mut &[u8], most: usize) -> Option<Vec<bool>> {
    // A few bytes can stand for any number of bits; there are no more than entries.
    let size = (number(rest, 0)? as usize).min(most);
    let words = number(rest, 4)? as usize;
    let bytes = rest.get(8..8 + words.checked_mul(8)?)?;
    *rest = rest.get(8 + words * 8 + 4..)?;
    let word = |at: usize| Some(u64::from_be_bytes(bytes.get(at * 8..at * 8 + 8)?.try_into().ok()?));
    let mut bits = Vec::new();
    let mut at = 0;
    while at < words && bits.len() < size {
        let marker = word(at)?;
        let run = (marker >> 1 & 0xffff_ffff) as usize;
        let literal = (marker >> 33) as usize;
        let length = run.saturating_mul(64).min(size - bits.len());
        bits.resize(bits.len() + length, marker & 1 == 1);
        for literal in at + 1..=at + literal {
            let word = word(literal)?;
            bits.extend((0..64).map(|bit| word >> bit & 1 == 1));
        }
        at += 1 + literal;
    }
    bits.resize(size, false);
    Some(bits)
}
