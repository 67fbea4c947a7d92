//! Where bytes come from. A source brings contents into the pipeline ([`crate::scan`]) and gives an account of what it read
//! and what it could not.
//!
//! A source knows the pipeline and nothing of reports, nor of other sources. It never leaves anything out in silence: what
//! could not be read is a [`crate::gap::Gap`], what holds no content (links, sockets, devices) is a
//! [`crate::scan::NotContent`].

pub mod changes;
pub mod git;
pub mod history;
pub mod stdin;
pub mod tree;
