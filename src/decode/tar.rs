//! POSIX ustar and its successors.

use super::container::{Unpacker, damaged};
use super::shown;
use crate::source::GapCode;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut archive = tar::Archive::new(bytes);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return walk.gap(path, GapCode::Damaged, damaged(&error)),
    };
    for entry in entries {
        if !walk.may_go_on(path) {
            return;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return walk.gap(path, GapCode::Damaged, damaged(&error)),
        };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = shown(&entry.path_bytes());
        let inner = format!("{path}!/{}", name.trim_start_matches("./"));
        walk.read_entry(entry, &inner, depth);
    }
}
