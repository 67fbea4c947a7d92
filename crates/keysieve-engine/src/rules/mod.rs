//! Rules are data: what one kind of credential looks like, how it is proven, what to do about it.
//!
//! [`rule`] is the form the engine reads, [`schema`] the TOML form with its validation, [`sample`] makes the made-up
//! credentials that examples are filled with, [`shape`] are the names of what many of them look like. The rules of the folder `rules/` are constants of the binary:
//! [`builtin`]. `build.rs` has checked them, so nothing is parsed at start-up.

use std::borrow::Cow;

#[cfg(feature = "serde")]
pub mod derive;
pub mod rule;
pub mod sample;
#[cfg(feature = "serde")]
pub mod schema;
pub mod shape;

pub use rule::{Anchor, Check, Class, Matcher, OnCheckFailure, Pair, Reach, Rule, ValueKind};

use crate::rating::{Advice, Confidence, Severity};

static BUILTIN: &[Rule] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// The rules that come with keysieve, in the order of their files.
pub fn builtin() -> &'static [Rule] {
    BUILTIN
}
