//! Archives of Unix's `ar`.

use super::container::{Unpacker, damaged};
use super::shown;
use crate::source::GapCode;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let whole = ar_entries(bytes);
    if whole < bytes.len() {
        walk.sink.gap(path, GapCode::Damaged, "it cannot be unpacked: an entry is longer than the archive".to_owned());
    }
    let mut archive = ar::Archive::new(&bytes[..whole]);
    while let Some(entry) = archive.next_entry() {
        if !walk.may_go_on(path) {
            return;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return walk.gap(path, GapCode::Damaged, damaged(&error)),
        };
        let name = shown(entry.header().identifier());
        let inner = format!("{path}!/{}", name.trim_end_matches('/'));
        walk.read_entry(entry, &inner, depth);
    }
}

/// Bytes of an `ar` archive up to the first entry that claims more than there is: the library would make room for it.
fn ar_entries(bytes: &[u8]) -> usize {
    const HEADER: usize = 60;
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.trim_end().parse::<usize>().ok();
    let mut at = 8;
    while let Some(header) = bytes.get(at..at + HEADER) {
        let Some(size) = number(&header[48..58]).filter(|size| *size <= bytes.len() - at - HEADER) else { return at };
        // In BSD's form the name stands before the content.
        let name = header[..16].strip_prefix(b"#1/").map(|digits| number(digits).unwrap_or(usize::MAX));
        if name.is_some_and(|name| name > size) {
            return at;
        }
        at += HEADER + size + size % 2;
    }
    bytes.len()
}
