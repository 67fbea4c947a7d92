//! keysieve's engine: bytes in, findings out. No files, no threads, no clock, no C.
//!
//! [`Detector::scan`] is all that an embedder needs. What lies below it is for a scanner that brings contents in windows,
//! or versions of which only some bytes are new: [`content`] feeds a content piece by piece and gives [`candidate`]s,
//! [`verdict`] makes findings of them once a path is known.

#![warn(unreachable_pub, clippy::cast_possible_truncation)]

mod allow;
pub mod anchors;
mod assignment;
pub mod candidate;
mod check;
pub mod content;
mod detector;
pub mod encoded;
mod entropy;
mod escape;
pub mod finding;
pub mod gate;
mod gram;
pub mod hcl;
pub mod matcher;
pub mod model;
mod names;
pub mod path_facts;
pub mod placeholder;
pub mod plausibility;
mod rating;
pub mod reason;
pub mod resolve;
pub mod rule_set;
pub mod rules;
pub mod selftest;
pub mod verdict;
mod words;

pub use check::base62_crc32;
pub use detector::{Detector, Scratch, Window};
