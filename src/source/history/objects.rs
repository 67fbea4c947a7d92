//! Single objects of a repository. A history needs every object and sorts them; a change needs a few dozen, and what one
//! of them leaves unread is told by what needed it.

use super::commit::{self, Commit};
use super::lookup::Lookup;
use super::oid::Oid;
use super::pack::Kind;
use super::repository::Repository;
use super::store::Reading;
use crate::gap::{Gap, GapCode};
use crate::scan::guarded;
use crate::scan::limits::{Limits, Task};

/// The objects of a repository.
pub struct Objects {
    lookup: Lookup,
    /// Bytes of an object id.
    pub hash: usize,
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
        let lookup = Lookup::open(&repository.objects(), &Reading::of(repository, limits), gaps);
        Self { lookup, hash: repository.hash_length() }
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
        let failed = |code, reason: String| Missing { oid: *oid, code, reason };
        let read =
            guarded(|| self.lookup.read(oid, task)).map_err(|error| failed(GapCode::Failed, error.to_string()))?;
        let absent = || match self.lookup.unopened().first() {
            Some(error) => failed(GapCode::Damaged, format!("{ABSENT}, or in a pack that cannot be read: {error}")),
            None => failed(GapCode::MissingObject, ABSENT.to_owned()),
        };
        read.map_err(|error| failed(error.code(), error.to_string()))?.ok_or_else(absent)
    }

    /// The objects whose ids begin with these hexadecimal digits.
    pub fn with_prefix(&self, digits: &str) -> Vec<Oid> {
        self.lookup.with_prefix(digits)
    }
}
