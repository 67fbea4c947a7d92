//! What could not be read, and why. Nothing here says what that means for a scan, or which option changes it.

use std::io;
use std::path::{Path, PathBuf};

use super::delta::DeltaError;
use super::limits::TooMuch;
use super::oid::Oid;
use super::pack::{Kind, PackError};

/// An object that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Its pack is wrong.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Its delta is wrong.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// What it is a delta on is not there.
    #[error("the object that it is a delta on is missing")]
    NoBase,
    /// Its deltas go round in a circle, or might as well.
    #[error("its chain of deltas is longer than git allows, or goes round in a circle")]
    TooDeep,
    /// It, and what it is made of, do not fit into memory.
    #[error(transparent)]
    Memory(#[from] TooMuch),
    /// Reading it failed by a mistake of this crate's or of a library's.
    #[error("reading it failed by a mistake of the program's own")]
    Panicked,
    /// It is a commit that git refuses.
    #[error("it is not a commit that git can parse: its tree or one of its parents is malformed")]
    Commit,
    /// It is a tree that git refuses.
    #[error(
        "it is not a tree that git can parse: an entry is cut short or malformed, and what follows it was not read"
    )]
    Tree,
    /// It is a tag that points to nothing.
    #[error("it is not a tag that git can parse: it names no object")]
    Tag,
    /// The loose file can't be read.
    #[error("cannot read its file: {0}")]
    Io(#[from] io::Error),
    /// The loose file is wrong.
    #[error("its file is damaged")]
    Loose,
    /// The loose file is a link.
    #[error("its file is a symbolic link, which is not followed")]
    Link,
    /// It is another object.
    #[error("what is stored under its id is another object, which git refuses")]
    OtherId,
    /// It is of another kind than what names it says.
    #[error("it is a {found} where a {wanted} has to be")]
    OtherKind {
        /// What it is.
        found: Kind,
        /// What it should be.
        wanted: Kind,
    },
    /// It is not there.
    #[error("the repository does not have it")]
    Absent,
    /// It is not there, or in a pack that could not be opened.
    #[error("the repository does not have it, or in a pack that cannot be read: {0}")]
    Unopened(String),
    /// A tree in so many others that nobody looks into it.
    #[error("it is nested deeper than {0} folders")]
    Nested(usize),
    /// It comes after so many paths that differ.
    #[error("more than {0} paths differ; the others were not looked at")]
    Paths(usize),
}

/// An object that has to be there and is not, or can't be read.
#[derive(Debug, thiserror::Error)]
#[error("object {oid}: {error}")]
pub struct Missing {
    /// Which.
    pub oid: Oid,
    /// Why.
    pub error: ObjectError,
}

/// Something on disk that was not read, or not all of it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct Problem {
    /// What.
    pub path: PathBuf,
    /// Why.
    pub cause: Cause,
}

impl Problem {
    pub(crate) fn new(path: &Path, cause: Cause) -> Self {
        Self { path: path.to_owned(), cause }
    }
}

/// Why something on disk was not read.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The operating system says no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is a link, which is not followed.
    #[error("it is a symbolic link, which is not followed")]
    Link,
    /// It is a link in place of a submodule's repository.
    #[error("it is a symbolic link in place of a submodule's repository, which is not followed")]
    LinkedSubmodule,
    /// A submodule's repository shares the objects of one that lies elsewhere.
    #[error("it leads to another repository")]
    SubmoduleElsewhere,
    /// It is an alternate that lies outside of the repository.
    #[error("it lies outside of the repository")]
    Outside,
    /// So many folders of objects lead to one another.
    #[error("more than {0} folders of objects lead to one another")]
    TooManyAlternates(usize),
    /// With it there are more objects than are read.
    #[error("with it there are more than {0} objects")]
    TooManyObjects(usize),
    /// It is a pack without an index.
    #[error("it has no index; `git index-pack` makes one")]
    NoIndex,
    /// The pack or its index is wrong.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Refs are in a format that is not read.
    #[error("its refs are in the reftable format; `git refs migrate --ref-format=files` turns it into files")]
    Reftable,
    /// It is in place of a ref, and none.
    #[error("it is a ref that git cannot parse, so what it led to is not known; `git update-ref -d` takes it away")]
    MalformedRef,
}
