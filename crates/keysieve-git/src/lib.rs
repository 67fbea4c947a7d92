//! Reads git repositories as files: objects, refs, trees, the index, revisions, the graph of commits.
//!
//! A repository is what somebody else wrote. No git process is started, no filter, hook or configuration of the repository
//! runs or counts, nothing is fetched; whatever is opened is opened by [`mod@file`], which follows no link and waits for no
//! pipe. What cannot be read is a typed error ([`error`]); the crate decides nothing about what that means.
//!
//! # Where libgit2 serves, and where not
//!
//! libgit2 (`git2`) looks for repositories ([`Repository::discover`], after [`openable`] has made sure that nothing that it
//! would open makes it wait) and reads the configurations of the user and the system (`safe.directory`,
//! `core.excludesFile`), which are the user's own. It is the oracle of the tests.
//!
//! It reads no object, ref, index or repository's configuration: its object database never ends on deltas that go round in a
//! circle and believes an index that is another pack's; it refuses split and sparse indexes; it maps what may be cut while
//! it is mapped; it opens alternates, links and includes that lead out of the repository. A history needs each object
//! once in the order of the deltas ([`forest`]), which no interface of libgit2's gives.

#![warn(unreachable_pub)]

pub mod ancestry;
pub mod commit;
pub mod comparison;
pub mod delta;
pub mod environment;
pub mod error;
pub mod file;
pub mod forest;
pub mod git_folder;
pub mod graph;
pub mod ignored;
pub mod index;
pub mod limits;
pub mod lookup;
pub mod objects;
pub mod oid;
pub mod openable;
pub mod pack;
mod pack_file;
mod pack_index;
pub mod refs;
pub mod repository;
pub mod revision;
mod searched;
pub mod store;
pub mod tree_entries;

pub use environment::Environment;
pub use oid::Oid;
pub use repository::{OpenError, Repository, Trust};
