//! Single objects, without reading all that a repository lists first: an id is looked up in the indexes of packs, and of a
//! pack only the entries are expanded that the object is made of.
//!
//! Made-up packs can claim anything: a chain of deltas has a limit, so that one that goes round in a circle ends, and what
//! is read has to have the id that it was asked for by.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use libdeflater::Decompressor;

use super::delta;
use super::error::{ObjectError, Problem};
use super::limits::{Limits, Memory};
use super::oid::Oid;
use super::pack::{Header, Kind, Opening, PackError, Stored};
use super::searched::Searched;
use super::store::{Reading, folders, indexes, read_loose};

/// Bytes of expanded entries that are kept, and of the largest that is: what one object is made of, others are as well.
const MOST_KEPT: usize = 16 << 20;
const LARGEST_KEPT: usize = 1 << 20;

/// Where an entry is: its pack, and its offset in that.
type Place = (usize, u64);

/// An object, expanded.
type Expanded = (Kind, Arc<Vec<u8>>);

/// The objects of a repository, looked up one by one.
pub struct Lookup {
    folders: Vec<PathBuf>,
    packs: Vec<Searched>,
    /// Packs that could not be opened: what is missing may be in one.
    unopened: Vec<PackError>,
    follow: bool,
    hash: usize,
    limits: Limits,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    expanded: HashMap<Place, Expanded>,
    bytes: usize,
    /// Entries whose bytes have their id.
    checked: HashSet<Place>,
}

impl Lookup {
    /// Opens the packs in `objects` and its alternates; what lies outside of the repository goes to `problems`.
    pub fn open(objects: &Path, reading: &Reading<'_>, problems: &mut Vec<Problem>) -> Self {
        let how = Opening { largest: reading.limits.object, follow: reading.links };
        let mut lookup = Self {
            folders: folders(objects, reading, problems),
            packs: Vec::new(),
            unopened: Vec::new(),
            follow: reading.links,
            hash: reading.hash,
            limits: reading.limits,
            kept: Mutex::default(),
        };
        for folder in &lookup.folders {
            for index in indexes(&folder.join("pack"), &mut |_, _| {}) {
                match Searched::open(&index, reading.hash, &how) {
                    Ok(pack) => lookup.packs.push(pack),
                    Err(error) => lookup.unopened.push(error),
                }
            }
        }
        lookup
    }

    /// Packs that could not be opened.
    pub fn unopened(&self) -> &[PackError] {
        &self.unopened
    }

    /// Reads an object, if there is `memory` for it; `None` if it is not there. Where it is several times, the
    /// first that can be read is taken, as by git.
    pub fn read(&self, oid: &Oid, memory: Option<&dyn Memory>) -> Result<Option<(Kind, Vec<u8>)>, ObjectError> {
        let mut failed = None;
        for place in self.places(oid) {
            match self.packed(place, memory).and_then(|it| self.checked(it, oid, Some(place))) {
                Ok((kind, bytes)) => return Ok(Some((kind, Arc::unwrap_or_clone(bytes)))),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let loose = self
            .loose(oid)
            .and_then(|it| it.map(|(kind, bytes)| self.checked((kind, bytes.into()), oid, None)).transpose());
        match loose {
            Ok(Some((kind, bytes))) => {
                memory.map_or(Ok(()), |memory| memory.hold(bytes.len() as u64))?;
                Ok(Some((kind, Arc::unwrap_or_clone(bytes))))
            }
            Ok(None) => failed.map_or(Ok(None), Err),
            Err(error) => Err(failed.unwrap_or(error)),
        }
    }

    /// The objects whose ids begin with these hexadecimal digits, of which there are two or more.
    pub fn with_prefix(&self, digits: &str) -> Vec<Oid> {
        let padded = format!("{digits:0<width$}", width = 2 * self.hash);
        let Some(first) = Oid::from_hex(padded.as_bytes()) else { return Vec::new() };
        let mut found: Vec<Oid> = self.packs.iter().flat_map(|pack| pack.with_prefix(digits, &first)).collect();
        for folder in &self.folders {
            let files = fs::read_dir(folder.join(&digits[..2])).into_iter().flatten().flatten();
            let oids = files
                .filter_map(|it| Oid::from_hex(&[&digits.as_bytes()[..2], it.file_name().as_encoded_bytes()].concat()));
            found.extend(oids.filter(|oid| oid.to_string().starts_with(digits)));
        }
        found.sort();
        found.dedup();
        found
    }

    fn places<'a>(&'a self, oid: &'a Oid) -> impl Iterator<Item = Place> + 'a {
        self.packs.iter().enumerate().filter_map(|(at, pack)| Some((at, pack.find(oid)?)))
    }

    /// The object if its bytes have the id.
    fn checked(&self, object: Expanded, oid: &Oid, place: Option<Place>) -> Result<Expanded, ObjectError> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_some_and(|place| kept().checked.contains(&place)) {
            return Ok(object);
        }
        if Oid::of(object.0, &object.1, self.hash) != *oid {
            return Err(ObjectError::OtherId);
        }
        kept().checked.extend(place);
        Ok(object)
    }

    fn packed(&self, place: Place, memory: Option<&dyn Memory>) -> Result<Expanded, ObjectError> {
        let mut decompressor = Decompressor::new();
        // From the object down to what is stored whole: by the headers alone, as a circle has no end.
        let mut deltas: Vec<(Place, Header)> = Vec::new();
        let mut at = place;
        let (kind, mut bytes) = loop {
            if let Some(kept) = self.kept(&at) {
                break kept;
            }
            let pack = &self.packs[at.0];
            let header = pack.header(at.1)?;
            let base = match header.stored {
                Stored::Whole(kind) => {
                    if deltas.is_empty() {
                        self.hold(header.size, memory)?;
                    }
                    break self.keep(at, (kind, pack.inflate(&header, &mut decompressor)?.into()));
                }
                Stored::OnOffset(offset) => Some((at.0, offset)),
                Stored::OnObject(oid) => {
                    let here = pack.find(&oid).map(|offset| (at.0, offset));
                    let elsewhere = || self.places(&oid).next();
                    match here.or_else(elsewhere) {
                        Some(base) => Some(base),
                        None => {
                            deltas.push((at, header));
                            let (kind, bytes) = self.loose(&oid)?.ok_or(ObjectError::NoBase)?;
                            break (kind, bytes.into());
                        }
                    }
                }
            };
            deltas.push((at, header));
            if deltas.len() > self.limits.delta_depth {
                return Err(ObjectError::TooDeep);
            }
            at = base.unwrap_or(at);
        };
        for (at, header) in deltas.into_iter().rev() {
            let packed = self.packs[at.0].inflate(&header, &mut decompressor)?;
            let size = delta::result_size(&packed)? as u64;
            if at == place {
                self.hold(size, memory)?;
            } else if size > self.limits.object {
                return Err(PackError::TooLarge(self.limits.object).into());
            }
            let mut result = Vec::new();
            delta::apply(&bytes, &packed, &mut result, &mut Vec::new())?;
            bytes = self.keep(at, (kind, result.into())).1;
        }
        Ok((kind, bytes))
    }

    /// Waits for room for an object of so many bytes, which is refused if it is too large.
    fn hold(&self, size: u64, memory: Option<&dyn Memory>) -> Result<(), ObjectError> {
        if size > self.limits.object {
            return Err(PackError::TooLarge(self.limits.object).into());
        }
        // It is in memory twice while it is made.
        Ok(memory.map_or(Ok(()), |memory| memory.hold(2 * size))?)
    }

    fn kept(&self, at: &Place) -> Option<Expanded> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).expanded.get(at).cloned()
    }

    fn keep(&self, at: Place, object: Expanded) -> Expanded {
        let length = object.1.len();
        if length <= LARGEST_KEPT {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.bytes + length > MOST_KEPT {
                kept.expanded.clear();
                kept.bytes = 0;
            }
            if kept.expanded.insert(at, object.clone()).is_none() {
                kept.bytes += length;
            }
        }
        object
    }

    /// The object as a file by itself.
    fn loose(&self, oid: &Oid) -> Result<Option<(Kind, Vec<u8>)>, ObjectError> {
        let name = oid.to_string();
        let mut failed = None;
        for folder in self.folders.iter().map(|folder| folder.join(&name[..2])) {
            let mut file = folder.join(&name[2..]);
            let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|it| it.is_symlink());
            if file.symlink_metadata().is_err() {
                continue;
            }
            if self.follow {
                file = fs::canonicalize(&file).unwrap_or(file);
            } else if is_link(&folder) || is_link(&file) {
                failed = failed.or(Some(ObjectError::Link));
                continue;
            }
            match read_loose(&file, self.limits.object) {
                Ok(object) => return Ok(Some(object)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(None), Err)
    }
}
