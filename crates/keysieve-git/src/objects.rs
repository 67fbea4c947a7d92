//! Single objects of a repository. A history needs every object and sorts them; a change needs a few dozen, and what one
//! of them leaves unread is told by what needed it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::commit::{self, Commit};
use super::error::{Missing, ObjectError, Problem};
use super::limits::{Limits, Memory};
use super::lookup::Lookup;
use super::oid::Oid;
use super::pack::Kind;
use super::repository::Repository;
use super::store::Reading;

/// The objects of a repository.
pub struct Objects {
    lookup: Lookup,
    /// Bytes of an object id.
    pub hash: usize,
}

impl Objects {
    /// Opens the objects of `repository`; what can't be opened goes to `problems`.
    pub fn open(repository: &Repository, limits: Limits, problems: &mut Vec<Problem>) -> Self {
        let lookup = Lookup::open(&repository.objects(), &Reading::of(repository, limits), problems);
        Self { lookup, hash: repository.hash_length() }
    }

    /// Reads an object.
    pub fn read(&self, oid: &Oid) -> Result<(Kind, Vec<u8>), Missing> {
        self.read_as(oid, None)
    }

    /// Reads a commit.
    pub fn commit(&self, oid: &Oid) -> Result<Commit, Missing> {
        let bytes = self.read_kind(oid, Kind::Commit)?;
        let malformed = || Missing { oid: *oid, error: ObjectError::Commit };
        commit::parse(*oid, &bytes).ok_or_else(malformed)
    }

    /// Reads an object that has to be of this kind.
    pub fn read_kind(&self, oid: &Oid, wanted: Kind) -> Result<Vec<u8>, Missing> {
        match self.read(oid)? {
            (kind, bytes) if kind == wanted => Ok(bytes),
            (found, _) => Err(Missing { oid: *oid, error: ObjectError::OtherKind { found, wanted } }),
        }
    }

    /// Reads an object once there is `memory` for it.
    pub fn read_for(&self, oid: &Oid, memory: &dyn Memory) -> Result<(Kind, Vec<u8>), Missing> {
        self.read_as(oid, Some(memory))
    }

    fn read_as(&self, oid: &Oid, memory: Option<&dyn Memory>) -> Result<(Kind, Vec<u8>), Missing> {
        let failed = |error: ObjectError| Missing { oid: *oid, error };
        // A mistake here, or of a library, costs this object only.
        let read = catch_unwind(AssertUnwindSafe(|| self.lookup.read(oid, memory)));
        let absent = || match self.lookup.unopened().first() {
            Some(error) => failed(ObjectError::Unopened(error.to_string())),
            None => failed(ObjectError::Absent),
        };
        read.map_err(|_| failed(ObjectError::Panicked))?.map_err(failed)?.ok_or_else(absent)
    }

    /// The objects whose ids begin with these hexadecimal digits.
    pub fn with_prefix(&self, digits: &str) -> Vec<Oid> {
        self.lookup.with_prefix(digits)
    }
}
