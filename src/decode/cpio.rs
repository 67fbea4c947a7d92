//! cpio archives: in ASCII "newc", with and without checksums, which rpm has inside, and POSIX's "odc"; the old binary form.
//!
//! Each entry is a header, a name and its data; targets of links are data. Archives may follow one another, as in an
//! initramfs.

use super::container::{Kind, Unpacker};
use super::rest::Rest;
use super::shown;
use crate::gap::GapCode;

const ENDS: &str = "it cannot be unpacked: it ends before its last entry, or one is damaged";

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    let mut at = 0;
    while at < bytes.len() {
        if !walk.may_go_on(path) {
            return;
        }
        let Some(entry) = Entry::parse(&bytes[at..]) else {
            walk.lost(bytes, at, Kind::Cpio, path, depth, &mut rest);
            walk.gap(path, GapCode::Damaged, ENDS.to_owned());
            return walk.rest(&rest, path);
        };
        rest.add(entry.name);
        if !entry.data.is_empty() {
            let inner = format!("{path}!/{}", shown(entry.name).trim_start_matches("./"));
            walk.slice(entry.data, &inner, depth);
        }
        at += entry.length;
        if entry.name == b"TRAILER!!!" {
            at += bytes[at..].iter().take_while(|byte| **byte == 0).count();
            if Kind::of(&bytes[at..]) != Some(Kind::Cpio) {
                walk.lost(bytes, at, Kind::Cpio, path, depth, &mut rest);
                return walk.rest(&rest, path);
            }
        }
    }
    // Whoever wrote it may have left the last entry out: whatever there is was read.
    walk.rest(&rest, path);
}

/// Bytes of an old header: thirteen words.
const OLD: usize = 26;

/// Whether an entry in the old binary form starts here, and in another order of bytes than Intel's. Its magic number is two
/// bytes, so that its name has to be one as well.
fn old(bytes: &[u8]) -> Option<bool> {
    let header = bytes.get(..OLD)?;
    let is_swapped = match header[..2] {
        [0xc7, 0x71] => false,
        [0x71, 0xc7] => true,
        _ => return None,
    };
    let length = [header[20], header[21]];
    let length = usize::from(if is_swapped { u16::from_be_bytes(length) } else { u16::from_le_bytes(length) });
    let (last, name) = bytes.get(OLD..OLD + length)?.split_last()?;
    (*last == 0 && !name.is_empty() && name.iter().all(|byte| *byte >= b' ')).then_some(is_swapped)
}

/// Whether an archive starts here.
pub(super) fn starts(bytes: &[u8]) -> bool {
    bytes.starts_with(b"07070") && matches!(bytes.get(5), Some(b'1' | b'2' | b'7')) || old(bytes).is_some()
}

struct Entry<'a> {
    name: &'a [u8],
    data: &'a [u8],
    /// Bytes of it all.
    length: usize,
}

impl<'a> Entry<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let number = |from: usize, length: usize, radix: u32| {
            let digits = std::str::from_utf8(bytes.get(from..from + length)?).ok()?;
            usize::from_str_radix(digits, radix).ok()
        };
        if let Some(swapped) = old(bytes) {
            let word = |at: usize| {
                let word = [bytes[at], bytes[at + 1]];
                usize::from(if swapped { u16::from_be_bytes(word) } else { u16::from_le_bytes(word) })
            };
            // The high half of a size stands first, whatever the order of bytes.
            return Self::at(bytes, OLD, word(20), word(22) << 16 | word(24), 2);
        }
        let (header, name, size, align) = match bytes.get(..6)? {
            b"070701" | b"070702" => (110, number(94, 8, 16)?, number(54, 8, 16)?, 4),
            b"070707" => (76, number(59, 6, 8)?, number(65, 11, 8)?, 1),
            _ => return None,
        };
        Self::at(bytes, header, name, size, align)
    }

    /// With a header and a name of such lengths, and so much data.
    fn at(bytes: &'a [u8], header: usize, name: usize, size: usize, align: usize) -> Option<Self> {
        let end = header + name;
        let start = end.next_multiple_of(align);
        let data = bytes.get(start..start.checked_add(size)?)?;
        let length = (start + size).next_multiple_of(align).min(bytes.len());
        let name = bytes.get(header..end)?;
        Some(Self { name: name.strip_suffix(b"\0").unwrap_or(name), data, length })
    }
}
