//! Single objects of a repository, without reading all indexes of its packs first.
//!
//! A history needs every object and sorts them; a change needs a few dozen. For these libgit2 is the better door: it maps
//! an index and looks in it. It knows no SHA-256, where the history's own reader serves.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sha1::{Digest, Sha1};

use super::commit::{self, Commit};
use super::oid::Oid;
use super::openable;
use super::pack::Kind;
use super::repository::Repository;
use super::store::{self, Reading, Store};
use crate::decode::container::in_words;
use crate::source::limits::{Limits, Task};
use crate::source::{Gap, GapCode, guarded};

/// The objects of a repository.
pub struct Objects {
    door: Door,
    /// Where loose objects lie that libgit2 would read.
    loose: Vec<PathBuf>,
    /// Whether they may be links.
    follow: bool,
    /// The largest object that is read, in bytes.
    largest: u64,
    /// Bytes of an object id.
    pub hash: usize,
}

enum Door {
    Git(Mutex<git2::Odb<'static>>),
    Own(Box<Store>),
}

const ABSENT: &str = "the repository does not have it";

/// An object that has to be there and is not, or can't be read.
#[derive(Debug)]
pub struct Missing {
    /// Which.
    pub oid: Oid,
    /// Of which kind the gap is.
    pub code: GapCode,
    /// Why.
    pub reason: String,
}

impl Missing {
    /// What it leaves unread, where `path` needed it.
    pub fn gap(self, path: &str) -> Gap {
        Gap::new(self.code, path, format!("object {}: {}", self.oid, self.reason))
    }
}

impl Objects {
    /// Opens the objects of `repository`; what can't be opened goes to `gaps`.
    pub fn open(repository: &Repository, limits: &Limits, gaps: &mut Vec<Gap>) -> Self {
        let objects = repository.objects();
        let folders = || repository.named_alternates().iter().chain([&objects]);
        let git = || -> Option<git2::Odb<'static>> {
            let odb = git2::Odb::new().ok()?;
            folders().try_for_each(|folder| odb.add_disk_alternate(folder.to_str()?).ok())?;
            Some(odb)
        };
        let hash = repository.hash_length();
        // libgit2 follows every link, and opens whatever has the right name.
        let follow = repository.follows_links();
        let openable: Option<Vec<Vec<PathBuf>>> = folders().map(|folder| openable::folders(folder, follow)).collect();
        let loose = openable.unwrap_or_default().concat();
        let door = match (hash == 20 && !loose.is_empty()).then(git).flatten() {
            Some(odb) => Door::Git(Mutex::new(odb)),
            None => Door::Own(Box::new(Store::open(&objects, &Reading::of(repository, limits), gaps))),
        };
        Self { door, loose, follow, largest: limits.largest_object(), hash }
    }

    /// Reads an object.
    pub fn read(&self, oid: &Oid) -> Result<(Kind, Vec<u8>), Missing> {
        self.read_as(oid, None)
    }

    /// Reads a commit.
    pub fn commit(&self, oid: &Oid) -> Result<Commit, Missing> {
        let bytes = self.read_kind(oid, Kind::Commit)?;
        let malformed = || Missing { oid: *oid, code: GapCode::Damaged, reason: commit::MALFORMED.to_owned() };
        commit::parse(*oid, &bytes).ok_or_else(malformed)
    }

    /// Reads an object that has to be of this kind.
    pub fn read_kind(&self, oid: &Oid, wanted: Kind) -> Result<Vec<u8>, Missing> {
        match self.read(oid)? {
            (kind, bytes) if kind == wanted => Ok(bytes),
            (kind, _) => {
                let reason = format!("it is a {kind} where a {wanted} has to be");
                Err(Missing { oid: *oid, code: GapCode::Damaged, reason })
            }
        }
    }

    /// Reads an object as part of `task`, which waits for its turn if the object is large.
    pub fn read_for(&self, oid: &Oid, task: &Task<'_>) -> Result<(Kind, Vec<u8>), Missing> {
        self.read_as(oid, Some(task))
    }

    fn read_as(&self, oid: &Oid, task: Option<&Task<'_>>) -> Result<(Kind, Vec<u8>), Missing> {
        let absent = || Missing { oid: *oid, code: GapCode::MissingObject, reason: ABSENT.to_owned() };
        let failed = |code, error: &dyn std::fmt::Display| Missing { oid: *oid, code, reason: error.to_string() };
        match &self.door {
            Door::Own(store) => store.read(oid).map_err(|error| failed(error.code(), &error))?.ok_or_else(absent),
            // On damage that libgit2 lets through, git2 panics.
            Door::Git(odb) => {
                guarded(|| self.read_by_git(odb, oid, task)).map_err(|error| failed(GapCode::Failed, &error))?
            }
        }
    }

    fn read_by_git(
        &self,
        odb: &Mutex<git2::Odb<'static>>,
        oid: &Oid,
        task: Option<&Task<'_>>,
    ) -> Result<(Kind, Vec<u8>), Missing> {
        let absent = || Missing { oid: *oid, code: GapCode::MissingObject, reason: ABSENT.to_owned() };
        let failed = |code, error: &dyn std::fmt::Display| Missing { oid: *oid, code, reason: error.to_string() };
        let name = oid.to_string();
        for file in self.loose.iter().map(|folder| folder.join(&name[..2]).join(&name[2..])) {
            if !self.follow && file.symlink_metadata().is_ok_and(|it| it.is_symlink()) {
                return Err(failed(GapCode::OutsideRepository, &"its file is a symbolic link, which is not followed"));
            }
            if openable::is_special(&file) {
                return Err(failed(GapCode::Unreadable, &"it is no regular file"));
            }
            // On one that is cut libgit2 waits for ever for what is missing.
            if file.is_file() {
                let mut decompressor = libdeflater::Decompressor::new();
                let (kind, bytes) = store::read_loose(&file, self.largest, &mut decompressor)
                    .map_err(|error| failed(error.code(), &error))?;
                task.map_or(Ok(()), |task| task.hold(bytes.len() as u64))
                    .map_err(|reached| failed(reached.code(), &reached))?;
                let head = format!("{kind} {}\0", bytes.len());
                let hash = Sha1::new().chain_update(head).chain_update(&bytes).finalize();
                if hash.as_slice() != oid.as_bytes() {
                    return Err(failed(GapCode::Damaged, &"its file holds another object"));
                }
                return Ok((kind, bytes));
            }
        }
        let lock = || odb.lock().unwrap_or_else(PoisonError::into_inner);
        let id = git2::Oid::from_bytes(oid.as_bytes()).map_err(|error| failed(GapCode::Damaged, &error.message()))?;
        let refused = |error: git2::Error| match error.code() {
            git2::ErrorCode::NotFound => absent(),
            _ => failed(GapCode::Damaged, &error.message()),
        };
        let (size, kind) = lock().read_header(id).map_err(refused)?;
        let size = size as u64;
        if size > self.largest {
            let reason = format!("it is larger than {} (--max-object-size, --max-memory)", in_words(self.largest));
            return Err(Missing { oid: *oid, code: GapCode::Limit, reason });
        }
        // It is in memory twice, once as git's.
        task.map_or(Ok(()), |task| task.hold(2 * size)).map_err(|reached| failed(reached.code(), &reached))?;
        let odb = lock();
        let object = odb.read(id).map_err(refused)?;
        let kind = match kind {
            git2::ObjectType::Commit => Kind::Commit,
            git2::ObjectType::Tree => Kind::Tree,
            git2::ObjectType::Blob => Kind::Blob,
            git2::ObjectType::Tag => Kind::Tag,
            _ => return Err(failed(GapCode::Damaged, &"it is of no kind that git has")),
        };
        Ok((kind, object.data().to_vec()))
    }

    /// The objects whose ids begin with these hexadecimal digits.
    pub fn with_prefix(&self, digits: &str) -> Vec<Oid> {
        match &self.door {
            Door::Own(store) => store.with_prefix(digits),
            Door::Git(odb) => {
                let odb = odb.lock().unwrap_or_else(PoisonError::into_inner);
                let Ok(short) = git2::Oid::from_str(digits) else { return Vec::new() };
                match odb.exists_prefix(short, digits.len()) {
                    Ok(oid) => Oid::from_bytes(oid.as_bytes()).into_iter().collect(),
                    Err(error) if error.code() == git2::ErrorCode::Ambiguous => {
                        let mut found = Vec::new();
                        // Listing all is slow, and rarely asked for.
                        let listed = odb.foreach(|oid| {
                            found.extend(
                                Oid::from_bytes(oid.as_bytes()).filter(|it| it.to_string().starts_with(digits)),
                            );
                            true
                        });
                        found.sort();
                        found.dedup();
                        listed.map(|()| found).unwrap_or_default()
                    }
                    Err(_) => Vec::new(),
                }
            }
        }
    }
}
