//! Archives of Unix's `ar`, in the forms of System V, GNU and BSD; also deb.

use super::container::{Kind, OVERLAP, Unpacker};
use super::rest::Rest;
use super::shown;
use crate::gap::GapCode;

const TOO_LONG: &str = "it cannot be unpacked: an entry is longer than the archive";

/// Bytes of a header: name, time, owner, group, mode, size and two that end it.
const HEADER: usize = 60;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    // GNU's table of names that are too long for a header.
    let mut names: &[u8] = &[];
    let mut at = 8;
    while at < bytes.len() {
        if !walk.may_go_on(path) {
            return;
        }
        let Some((header, data)) = entry(&bytes[at..]) else {
            if let Some(data) = cut(&bytes[at..]) {
                // Contents stand as they are, so what there is of one is read like a whole one. Its size may be what is
                // wrong: then other entries are in it, and one of these could be a container.
                rest.add(&bytes[at..at + HEADER]);
                let has_entries = memchr::memmem::find_iter(data, b"`\n").any(|end| {
                    end.checked_sub(HEADER - 2).and_then(|start| number(&data[start + 48..start + 58])).is_some()
                });
                if has_entries {
                    walk.gap(path, GapCode::Damaged, TOO_LONG.to_owned());
                }
                let name = shown(bytes[at..at + 16].trim_ascii_end());
                walk.slice(data, &format!("{path}!/{}", name.trim_end_matches('/')), depth);
                return walk.rest(&rest, path);
            }
            let start = at + bytes[at..].iter().take_while(|byte| matches!(byte, 0 | b'\n')).count();
            walk.lost(bytes, start, Kind::Ar, path, depth, &mut rest);
            return walk.rest(&rest, path);
        };
        rest.add(&header[..48]);
        at += HEADER + data.len() + data.len() % 2;
        let field = header[..16].trim_ascii_end();
        let (name, content) = if field == b"//" {
            names = data;
            rest.add(data);
            continue;
        } else if field == b"/" || field == b"/SYM64/" {
            // An index of symbols: numbers, then names.
            rest.add(data);
            continue;
        } else if let Some(length) = field.strip_prefix(b"#1/").and_then(number) {
            if length > data.len() {
                walk.gap(path, GapCode::Damaged, TOO_LONG.to_owned());
            }
            let (name, content) = data.split_at(length.min(data.len()));
            // The length of the name may be what is wrong.
            rest.add(name);
            rest.add(&data[..data.len().min(length.saturating_add(OVERLAP))]);
            (name.split(|byte| *byte == 0).next().unwrap_or_default(), content)
        } else if let Some(offset) = field.strip_prefix(b"/").and_then(number) {
            let name = names.get(offset..).unwrap_or_default();
            (name.split(|byte| *byte == b'\n').next().unwrap_or_default(), data)
        } else {
            (field, data)
        };
        let inner = format!("{path}!/{}", shown(name).trim_end_matches('/'));
        walk.slice(content, &inner, depth);
    }
    walk.rest(&rest, path);
}

/// The header that `bytes` start with, and the entry's data.
fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, data) = bytes.split_at_checked(HEADER)?;
    let size = number(&header[48..58])?;
    Some((header, data.get(..size).filter(|_| header.ends_with(b"`\n"))?))
}

/// What there is of the entry whose header `bytes` start with, if it ends behind them.
fn cut(bytes: &[u8]) -> Option<&[u8]> {
    let (header, data) = bytes.split_at_checked(HEADER)?;
    let size = number(&header[48..58]).filter(|_| header.ends_with(b"`\n"))?;
    (size > data.len()).then_some(data)
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.trim_ascii_end().parse().ok()
}
