//! The structure judge: what can be proven of a secret without asking anybody.
//!
//! In comes a secret's bytes, out goes an [`Outcome`]. A checksum that holds or a structure that parses is proof, one
//! that fails shows that the text only looks like the credential.

mod aws;
mod checksum;
mod encoded;
mod jwt;
mod private_key;
pub(crate) mod table;
mod url;

use crate::reason::{Code, Reason};
use crate::rules::Check;

/// What a check found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The structure holds: chance would not make it.
    Proven(Reason),
    /// The structure is possible; the evidence, if any, is worth telling.
    Plausible(Option<Reason>),
    /// Proven, or at least possible, but harmless here: a password on this machine only.
    Harmless(Reason),
    /// Of no use as it stands: an encrypted key, the password of an example.
    Unlikely(Reason),
    /// The structure is wrong.
    Failed(Code),
}

macro_rules! apply {
    ($($(#[doc = $proves:literal])+ $check:ident $name:literal [$($holds:ident),*] => $apply:expr;)+) => {
        /// Applies `check` to `secret`; `text` is what surrounds it, `start` where it begins there.
        pub(crate) fn apply(check: Check, secret: &[u8], text: &[u8], start: usize) -> Outcome {
            let apply: fn(&[u8], &[u8], usize) -> Outcome = match check {
                $(Check::$check => $apply,)+
            };
            apply(secret, text, start)
        }
    };
}

table::for_each_check!(apply);

pub use checksum::base62_crc32;
