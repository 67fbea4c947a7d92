//! What to do about a finding: revoke and rotate, store the successor, read it from there, clean the history.
//!
//! In comes what a scan found, out goes a [`plan::Plan`], which `cli` prints as Markdown or JSON. Nothing here asks anybody
//! anything over a network, and no command that is shown has a secret in it: they read it from a file or standard input.

pub mod plan;
pub mod playbook;
pub mod replace;
pub mod rewrite;
pub mod store;
