//! The word lists of the judges, each a file of `words/`: one word a line, `#` before a comment.
//!
//! `build.rs` makes constants of them, sorted, so that nothing is read at start-up. What a list is for stands at its head.

include!(concat!(env!("OUT_DIR"), "/words.rs"));
