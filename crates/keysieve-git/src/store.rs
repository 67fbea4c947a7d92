//! Every object of a repository, wherever it lies: packs, loose files, and the same of its alternates.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use libdeflater::{DecompressionError, Decompressor};

use super::delta;
use super::error::{Cause, ObjectError, Problem};
use super::limits::Limits;
use super::oid::Oid;
use super::pack::{Kind, Opening, Pack, PackError, Stored};
use super::repository::Repository;
use crate::file;

/// Most folders that alternates may lead to, one after the other.
const MAX_ALTERNATES: usize = 32;

/// How the objects of a repository are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Bytes of an object id.
    pub hash: usize,
    /// What may be read.
    pub limits: Limits,
    /// Whether alternates that lie outside of the repository are read.
    pub links: bool,
    /// Folders of objects that the caller named besides.
    pub alternates: &'a [PathBuf],
}

impl<'a> Reading<'a> {
    /// Of `repository`.
    pub fn of(repository: &'a Repository, limits: Limits) -> Self {
        Self {
            hash: repository.hash_length(),
            limits,
            links: repository.follows_links(),
            alternates: repository.named_alternates(),
        }
    }
}

/// The object folders of a repository.
#[derive(Debug)]
pub struct Store {
    /// The packs, the repository's own first.
    pub packs: Vec<Pack>,
    /// Files of loose objects.
    pub loose: Vec<(Oid, PathBuf)>,
    /// Whether a pack says that objects may be missing (a partial clone).
    pub is_partial: bool,
    /// Bytes of an object id.
    pub hash: usize,
    /// What may be expanded.
    pub limits: Limits,
}

impl Store {
    /// Opens what is in `objects` and its alternates; what can't be opened goes to `problems`.
    pub fn open(objects: &Path, reading: &Reading<'_>, problems: &mut Vec<Problem>) -> Self {
        let mut store = Self {
            packs: Vec::new(),
            loose: Vec::new(),
            is_partial: false,
            hash: reading.hash,
            limits: reading.limits,
        };
        for folder in folders(objects, reading, problems) {
            store.open_folder(&folder, reading, problems);
        }
        store
    }

    fn open_folder(&mut self, folder: &Path, reading: &Reading<'_>, problems: &mut Vec<Problem>) {
        let (hash, limits) = (self.hash, reading.limits);
        let how = Opening { largest: self.limits.object, follow: reading.links };
        let mut problem = |path: &Path, cause: Cause| problems.push(Problem::new(path, cause));
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return problem(folder, error.into()),
        };
        for entry in entries {
            let (name, path, kind) = match entry.and_then(|it| Ok((it.file_name(), it.path(), it.file_type()?))) {
                Ok(entry) => entry,
                Err(error) => {
                    problem(folder, error.into());
                    continue;
                }
            };
            let Some(first) = name.to_str().filter(|name| name.len() == 2) else { continue };
            if kind.is_symlink() {
                problem(&path, Cause::Link);
                continue;
            }
            let files = match fs::read_dir(&path) {
                Ok(files) => files,
                Err(error) => {
                    problem(&path, error.into());
                    continue;
                }
            };
            for file in files.flatten() {
                let rest = file.file_name();
                let hex = [first.as_bytes(), rest.as_encoded_bytes()].concat();
                if let Some(oid) = Oid::from_hex(&hex).filter(|oid| oid.as_bytes().len() == hash) {
                    self.loose.push((oid, file.path()));
                }
            }
        }
        let is_partial = &mut self.is_partial;
        let indexes = indexes(&folder.join("pack"), &mut |odd, path| match odd {
            Odd::Unlisted(error) => problem(path, error.into()),
            Odd::NoIndex => problem(path, Cause::NoIndex),
            Odd::Promisor => *is_partial = true,
        });
        let mut left = limits.objects.saturating_sub(self.len());
        if self.loose.len() > limits.objects {
            self.loose.truncate(limits.objects);
            problem(folder, Cause::TooManyObjects(limits.objects));
        }
        for index in indexes {
            match Pack::open(&index, hash, &how) {
                Ok(pack) if pack.len() > left => problem(&index, Cause::TooManyObjects(limits.objects)),
                Ok(pack) => {
                    left -= pack.len();
                    self.packs.push(pack);
                }
                Err(error) => problem(&index, error.into()),
            }
        }
        self.loose.sort();
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.packs.iter().map(Pack::len).sum::<usize>() + self.loose.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the object is there.
    pub fn contains(&self, oid: &Oid) -> bool {
        self.packs.iter().any(|pack| pack.find(oid).is_some())
            || self.loose.binary_search_by(|(known, _)| known.cmp(oid)).is_ok()
    }

    /// The objects whose ids begin with these hexadecimal digits.
    pub fn with_prefix(&self, digits: &str) -> Vec<Oid> {
        let mut found: Vec<Oid> = self.packs.iter().flat_map(|pack| pack.with_prefix(digits)).collect();
        found.extend(self.loose.iter().map(|(oid, _)| *oid).filter(|oid| oid.to_string().starts_with(digits)));
        found.sort();
        found.dedup();
        found
    }

    /// A number of the object that no other object has; `None` if it is not there.
    pub fn number(&self, oid: &Oid) -> Option<u32> {
        let mut before = 0;
        for pack in &self.packs {
            if let Some(entry) = pack.find(oid) {
                return Some(before + entry);
            }
            before += pack.len() as u32;
        }
        self.loose.binary_search_by(|(known, _)| known.cmp(oid)).ok().map(|index| before + index as u32)
    }

    /// The object with this number.
    pub fn oid(&self, number: u32) -> Option<Oid> {
        let mut left = number;
        for pack in &self.packs {
            if (left as usize) < pack.len() {
                return Some(pack.oid(left));
            }
            left -= pack.len() as u32;
        }
        self.loose.get(left as usize).map(|(oid, _)| *oid)
    }

    /// Reads one object by its id; `None` if it is not there.
    pub fn read(&self, oid: &Oid) -> Result<Option<(Kind, Vec<u8>)>, ObjectError> {
        self.read_within(oid, self.limits.delta_depth)
    }

    fn read_within(&self, oid: &Oid, chain: usize) -> Result<Option<(Kind, Vec<u8>)>, ObjectError> {
        for pack in &self.packs {
            if let Some(entry) = pack.find(oid) {
                return self.read_packed(pack, entry, chain).map(Some);
            }
        }
        match self.loose.binary_search_by(|(known, _)| known.cmp(oid)) {
            Ok(index) => read_loose(&self.loose[index].1, self.limits.object).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn read_packed(&self, pack: &Pack, entry: u32, chain: usize) -> Result<(Kind, Vec<u8>), ObjectError> {
        let mut decompressor = Decompressor::new();
        let mut deltas = Vec::new();
        let mut at = entry;
        let (kind, mut bytes) = loop {
            let header = pack.header(at)?;
            let mut packed = Vec::new();
            pack.inflate(at, &header, &mut decompressor, &mut packed)?;
            let base = match header.stored {
                Stored::Whole(kind) => break (kind, packed),
                Stored::OnOffset(offset) => pack.entry_at(offset).ok_or(ObjectError::NoBase)?,
                Stored::OnObject(oid) => match pack.find(&oid) {
                    Some(base) => base,
                    None => {
                        let rest = chain.checked_sub(deltas.len() + 1).ok_or(ObjectError::TooDeep)?;
                        deltas.push(packed);
                        break self.read_within(&oid, rest)?.ok_or(ObjectError::NoBase)?;
                    }
                },
            };
            deltas.push(packed);
            if deltas.len() > chain {
                return Err(ObjectError::TooDeep);
            }
            at = base;
        };
        for packed in deltas.iter().rev() {
            let mut result = Vec::new();
            self.check_result(packed)?;
            delta::apply(&bytes, packed, &mut result, &mut Vec::new())?;
            bytes = result;
        }
        Ok((kind, bytes))
    }

    /// Refuses a delta whose result is too large.
    fn check_result(&self, packed: &[u8]) -> Result<(), ObjectError> {
        let result = delta::result_size(packed)?;
        if result as u64 > self.limits.object { Err(PackError::TooLarge(self.limits.object).into()) } else { Ok(()) }
    }
}

/// The folders of objects in `objects` and its alternates that may be read; what may not goes to `problems`.
pub fn folders(objects: &Path, reading: &Reading<'_>, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // What lies below the repository's own folder is its own.
    let own = objects.parent().and_then(|common| fs::canonicalize(common).ok());
    let named: Vec<PathBuf> = reading.alternates.iter().filter_map(|it| fs::canonicalize(it).ok()).collect();
    let mut open = reading.alternates.to_vec();
    open.push(objects.to_owned());
    let mut seen = HashSet::new();
    while let Some(folder) = open.pop() {
        let canonical = fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone());
        let is_outside = own.iter().chain(&named).all(|own| !canonical.starts_with(own));
        if is_outside && !reading.links {
            problems.push(Problem::new(&folder, Cause::Outside));
            continue;
        }
        if !seen.insert(canonical) {
            continue;
        }
        if seen.len() > MAX_ALTERNATES {
            problems.push(Problem::new(&folder, Cause::TooManyAlternates(MAX_ALTERNATES)));
            break;
        }
        let alternates = folder.join("info/alternates");
        match file::read_text(&alternates) {
            Ok(text) => {
                let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
                open.extend(lines.map(|line| folder.join(line)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => problems.push(Problem::new(&alternates, error.into())),
        }
        found.push(folder);
    }
    found
}

/// The indexes of packs in a folder. Packs of which there is no index, and what cannot be listed, is told to `odd`.
pub fn indexes(packs: &Path, odd: &mut dyn FnMut(Odd, &Path)) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let files = match fs::read_dir(packs) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            odd(Odd::Unlisted(error), packs);
            None
        }
        files => files.ok(),
    };
    for file in files.into_iter().flatten().flatten() {
        let path = file.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("idx") => found.push(path),
            Some("promisor") => odd(Odd::Promisor, &path),
            Some("pack") if !path.with_extension("idx").exists() => odd(Odd::NoIndex, &path),
            _ => {}
        }
    }
    found.sort();
    found
}

/// What stands in a folder of packs besides packs with their indexes.
pub enum Odd {
    /// The folder cannot be read.
    Unlisted(io::Error),
    /// A pack without an index.
    NoIndex,
    /// The mark of a pack whose objects name others that a server has.
    Promisor,
}

/// Reads the file of a loose object: zlib around `kind size NUL bytes`.
pub fn read_loose(path: &Path, largest: u64) -> Result<(Kind, Vec<u8>), ObjectError> {
    let mut decompressor = Decompressor::new();
    let mut packed = Vec::new();
    // Compressed it is hardly larger.
    let most = largest + largest / 1000 + 1024;
    let read = file::open_regular(path)?.take(most + 1).read_to_end(&mut packed)?;
    if read as u64 > most {
        return Err(PackError::TooLarge(largest).into());
    }
    let most = (1032 * packed.len() as u64 + 64).min(largest + 64) as usize;
    let mut bytes = vec![0; (4 * packed.len() + 256).min(most)];
    let written = loop {
        match decompressor.zlib_decompress(&packed, &mut bytes) {
            Ok(written) => break written,
            Err(DecompressionError::InsufficientSpace) if bytes.len() < most => {
                let length = (2 * bytes.len()).min(most);
                bytes.resize(length, 0);
            }
            Err(DecompressionError::InsufficientSpace) if most as u64 == largest + 64 => {
                return Err(PackError::TooLarge(largest).into());
            }
            Err(_) => return Err(ObjectError::Loose),
        }
    };
    bytes.truncate(written);
    let nul = memchr::memchr(0, &bytes[..bytes.len().min(64)]).ok_or(ObjectError::Loose)?;
    let header = std::str::from_utf8(&bytes[..nul]).map_err(|_| ObjectError::Loose)?;
    let (kind, size) = header.split_once(' ').ok_or(ObjectError::Loose)?;
    let kind = match kind {
        "commit" => Kind::Commit,
        "tree" => Kind::Tree,
        "blob" => Kind::Blob,
        "tag" => Kind::Tag,
        _ => return Err(ObjectError::Loose),
    };
    let size: usize = size.parse().map_err(|_| ObjectError::Loose)?;
    bytes.drain(..=nul);
    if size == bytes.len() { Ok((kind, bytes)) } else { Err(ObjectError::Loose) }
}
