//! keysieve finds leaked credentials in working trees and in git history.
//!
//! An embedder needs [`keysieve_engine::Detector`]: bytes in, [`finding::Finding`]s out. Around it stand [`source`], which brings
//! bytes, and [`report`], which takes findings away; [`config`] and [`baseline`] say what a repository has accepted, and
//! [`advise`] what to do about the rest.

pub mod advise;
pub mod baseline;
pub mod config;
pub mod decode;
pub mod file;
pub mod finding;
pub mod gap;
pub mod inside;
pub mod outcome;
pub mod posture;
pub mod redaction;
pub mod report;
pub mod scan;
pub mod source;
