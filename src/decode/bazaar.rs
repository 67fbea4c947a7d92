//! Packs of Bazaar: records one after another, each a length, names, and bytes that are mostly packed by gzip.

use super::container::{Kind, Unpacker};
use super::rest::Rest;
use super::shown;

/// What stands first.
pub(super) const HEAD: &[u8] = b"Bazaar pack format 1 (introduced in 0.18)\n";

/// Longest line of a record's head.
const LINE: usize = 4096;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    let mut at = HEAD.len();
    let mut count = 0;
    while let Some(record) = record(&bytes[at..]) {
        if !walk.may_go_on(path) {
            return;
        }
        count += 1;
        rest.add(record.names);
        let name = match record.names.split(|byte| *byte == b'\n').find(|name| !name.is_empty()) {
            Some(name) => shown(name),
            None => format!("record {count}"),
        };
        if !record.body.is_empty() {
            walk.slice(record.body, &format!("{path}!/{name}"), depth);
        }
        at += record.length;
    }
    // An `E` ends it.
    if bytes[at..] != *b"E" {
        let at = at + usize::from(bytes[at..].starts_with(b"E"));
        walk.lost(bytes, at, Kind::Bazaar, path, depth, &mut rest);
    }
    walk.rest(&rest, path);
}

struct Record<'a> {
    names: &'a [u8],
    body: &'a [u8],
    length: usize,
}

/// `B`, the body's length in decimal digits, names on lines of their own, an empty line, the body.
fn record(bytes: &[u8]) -> Option<Record<'_>> {
    let after = bytes.strip_prefix(b"B")?;
    let end = memchr::memchr(b'\n', &after[..after.len().min(LINE)])?;
    let size: usize = std::str::from_utf8(&after[..end]).ok()?.parse().ok()?;
    let head = &after[end..];
    // The empty line can follow at once.
    let names = memchr::memmem::find(&head[..head.len().min(LINE)], b"\n\n")?;
    let body = head.get(names + 2..)?.get(..size)?;
    Some(Record { names: &head[..names], body, length: 1 + end + names + 2 + size })
}
