//! tar: the seventh edition's, POSIX's and GNU's.
//!
//! Every block is either a header with a right checksum, part of what a header announces, or a stray: readers disagree
//! about sizes, ends and types, so an entry that any of them sees is seen here as well. After the blocks that end an
//! archive another one may follow.

use tar::Header;

use super::container::{Kind, Unpacker, in_words};
use super::rest::Rest;
use super::shown;
use crate::gap::GapCode;

const BLOCK: usize = 512;
/// Largest size that a header's eleven octal digits can tell.
const LARGEST_TOLD: u64 = 0o777_7777_7777;

/// Whether a content starts with a header, of whichever edition.
pub(super) fn starts(head: &[u8]) -> bool {
    // Digits stand in the sum of every header, which makes a look at other contents short.
    let has_sum = head.get(148..154).is_some_and(|sum| sum.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0)));
    has_sum && head[0] != 0 && header(head).is_some()
}

/// The header that `bytes` start with, if its checksum is right.
fn header(bytes: &[u8]) -> Option<&Header> {
    let block = bytes.get(..BLOCK)?;
    let header = Header::from_byte_slice(block);
    let told = header.cksum().ok()?;
    // The sum of all bytes, with blanks for its own; some add them up as signed ones.
    let counted = || block[..148].iter().chain(b"        ").chain(&block[156..]);
    let is_right = counted().map(|byte| u32::from(*byte)).sum::<u32>() == told
        || i64::from(told) == counted().map(|byte| i64::from(byte.cast_signed())).sum::<i64>();
    is_right.then_some(header)
}

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    let mut next = Next::default();
    let mut at = 0;
    while at < bytes.len() {
        let Some(header) = header(&bytes[at..]) else {
            at = stray(walk, bytes, at, path, depth, &mut rest);
            continue;
        };
        let kind = header.as_bytes()[156];
        let is_extension = matches!(kind, b'x' | b'g' | b'X' | b'L' | b'K' | b'N');
        if !is_extension && !walk.may_go_on(path) {
            return;
        }
        // As it is, and by field: the name, the target of a link, owner and group, and the name's start need no NUL at
        // their ends.
        for field in [0..BLOCK, 0..100, 100..157, 157..257, 257..345, 345..BLOCK] {
            rest.add(&bytes[at..at + BLOCK][field]);
        }
        at += BLOCK;
        let told = header.entry_size().ok();
        let size = match (kind, next.size) {
            // Links, devices, folders and FIFOs have no data; where a reader sees some, its blocks are strays here.
            (b'1'..=b'6', _) => Some(0),
            (_, Some(size)) if !is_extension => Some(size),
            _ => told,
        };
        if kind == b'S' {
            next.sparse = Some(Sparse::old(header, bytes, &mut at));
        }
        let left = bytes.len() - at.min(bytes.len());
        let size = size.and_then(|size| usize::try_from(size).ok());
        let data = &bytes[bytes.len() - left..][..size.unwrap_or(left).min(left)];
        if !is_extension && next.is_doubtful(told, data) {
            let reason = "it cannot be unpacked: an entry has two sizes, and which one counts depends on the reader";
            walk.gap(path, GapCode::Damaged, reason.to_owned());
        }
        // Contents stand as they are, so what there is of one that ends too early is read like a whole one. Its size may be
        // what is wrong: then other entries are in it, and one of these could be a container.
        let has_entries = || data.chunks(BLOCK).any(|block| self::header(block).is_some());
        if size.is_none()
            || size.is_some_and(|size| size > left) && (next.sparse.is_some() || is_extension || has_entries())
        {
            walk.gap(path, GapCode::Damaged, "it cannot be unpacked: an entry is cut short or damaged".to_owned());
        }
        if is_extension {
            rest.add(data);
            next.read(kind, data);
        } else {
            let Next { name, sparse, .. } = std::mem::take(&mut next);
            let name = name.unwrap_or_else(|| shown(&header.path_bytes()));
            let inner = format!("{path}!/{}", name.trim_start_matches("./"));
            if let Some(sparse) = sparse {
                sparse.unpack(walk, data, &inner, depth);
            } else if !data.is_empty() {
                walk.slice(data, &inner, depth);
            }
        }
        let end = at + data.len();
        at = end.next_multiple_of(BLOCK).min(bytes.len());
        if bytes[end..at].iter().any(|byte| *byte != 0) {
            // Whether this belongs to the entry is a matter of opinion.
            walk.lost(&bytes[..at], end, Kind::Tar, path, depth, &mut rest);
        }
    }
    walk.rest(&rest, path);
}

/// What stands at `at` where a header was expected, up to the next header, whose place is given back.
fn stray(walk: &mut Unpacker<'_>, bytes: &[u8], at: usize, path: &str, depth: usize, rest: &mut Rest) -> usize {
    let blocks = (at..bytes.len()).step_by(BLOCK);
    let start = blocks.clone().find(|at| bytes[*at..].iter().take(BLOCK).any(|byte| *byte != 0));
    let Some(start) = start else { return bytes.len() };
    let end = blocks.skip((start - at) / BLOCK).find(|at| header(&bytes[*at..]).is_some()).unwrap_or(bytes.len());
    walk.lost(&bytes[..end], start, Kind::Tar, path, depth, rest);
    end
}

/// What extension headers say of the entry that follows.
#[derive(Default)]
struct Next {
    name: Option<String>,
    size: Option<u64>,
    sparse: Option<Sparse>,
}

impl Next {
    fn read(&mut self, kind: u8, data: &[u8]) {
        match kind {
            b'L' => self.name = Some(shown(data.split(|byte| *byte == 0).next().unwrap_or_default())),
            b'x' | b'X' => self.pax(data),
            _ => {}
        }
    }

    /// Whether those who go by the header's size, `told`, would see other entries.
    fn is_doubtful(&self, told: Option<u64>, data: &[u8]) -> bool {
        // A size that the header has no room for, or that its writer left out, is told once.
        let is_other = self.size.is_some_and(|size| size <= LARGEST_TOLD && told != Some(size));
        is_other && (told != Some(0) || data.chunks(BLOCK).skip(1).any(|block| header(block).is_some()))
    }

    /// Records of a length, a blank, a key, `=`, a value and a line's end.
    fn pax(&mut self, data: &[u8]) {
        let mut sparse = Sparse::default();
        let mut offset = None;
        for record in tar::PaxExtensions::new(data).flatten() {
            let (Ok(key), value) = (record.key(), record.value_bytes()) else { continue };
            let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
            match key {
                "path" if self.name.is_none() => self.name = Some(shown(value)),
                "size" => self.size = number(),
                // The entry itself then has a made-up name.
                "GNU.sparse.name" => self.name = Some(shown(value)),
                "GNU.sparse.size" | "GNU.sparse.realsize" => {}
                "GNU.sparse.major" => sparse.has_map = value == b"1",
                "GNU.sparse.offset" => offset = number(),
                "GNU.sparse.numbytes" => sparse.parts.extend(offset.take().zip(number())),
                "GNU.sparse.map" => {
                    let numbers =
                        value.split(|byte| *byte == b',').map(|it| std::str::from_utf8(it).ok()?.parse().ok());
                    let numbers: Vec<u64> = numbers.map_while(|it| it).collect();
                    sparse.parts = numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
                }
                _ => continue,
            }
            if key.starts_with("GNU.sparse.") {
                sparse.is_told = true;
            }
        }
        self.sparse = Some(sparse).filter(|it| it.is_told);
    }
}

/// A file with holes, of which the archive has the parts between them ("Storing Sparse Files", GNU tar).
#[derive(Default)]
struct Sparse {
    is_told: bool,
    /// Where each part is in the file, and how long.
    parts: Vec<(u64, u64)>,
    /// Whether the parts are listed at the start of the data.
    has_map: bool,
}

impl Sparse {
    /// GNU's own form: parts in the header, and in the blocks behind it.
    fn old(header: &Header, bytes: &[u8], at: &mut usize) -> Self {
        let number = |field: &[u8]| -> Option<u64> {
            let digits = std::str::from_utf8(field).ok()?.trim_matches(|c: char| c == '\0' || c == ' ');
            u64::from_str_radix(digits, 8).ok()
        };
        let mut sparse = Self { is_told: true, ..Self::default() };
        let block = header.as_bytes();
        let mut add = |list: &[u8]| {
            let part = |entry: &[u8]| number(&entry[..12]).zip(number(&entry[12..]));
            sparse.parts.extend(list.chunks_exact(24).map_while(part));
        };
        add(&block[386..482]);
        let mut is_extended = block[482] != 0;
        while let Some(block) = bytes.get(*at..*at + BLOCK).filter(|_| is_extended) {
            add(&block[..504]);
            is_extended = block[504] != 0;
            *at += BLOCK;
        }
        sparse
    }

    /// Hands on the file with its holes if it is small enough to be a container; its parts hold all that there is to read.
    fn unpack(mut self, walk: &mut Unpacker<'_>, mut data: &[u8], path: &str, depth: usize) {
        if self.has_map {
            data = self.take_map(data);
        }
        let (room, option) = walk.room();
        let end = self.parts.iter().map(|(offset, length)| offset.saturating_add(*length)).max().unwrap_or(0);
        if end > room || walk.may_hold(end).is_err() {
            if Kind::of(data).is_some() {
                let reason = format!("it has holes and is larger than {} ({option})", in_words(room));
                walk.gap(path, GapCode::Limit, reason);
            }
            return walk.slice(data, path, depth);
        }
        let is_wrong = self.has_overlap();
        let mut file = vec![0; end as usize];
        let mut left = data;
        for (offset, length) in self.parts {
            let part = left.split_off(..left.len().min(length as usize)).unwrap_or_default();
            file[offset as usize..][..part.len()].copy_from_slice(part);
        }
        walk.holding(end, |walk| walk.slice(&file, path, depth));
        // Parts that the map does not know, or of which one hides another.
        if is_wrong || !left.is_empty() {
            walk.gap(path, GapCode::Damaged, "it cannot be unpacked: its map of holes is wrong".to_owned());
            walk.slice(data, path, depth);
        }
    }

    /// Whether two parts are in one place.
    fn has_overlap(&self) -> bool {
        let mut parts: Vec<(u64, u64)> = self.parts.iter().copied().filter(|(_, length)| *length > 0).collect();
        parts.sort_unstable();
        parts.windows(2).any(|pair| pair[0].0.saturating_add(pair[0].1) > pair[1].0)
    }

    /// Version 1.0: lines with the number of parts, then where each is and how long, filled up to a block.
    fn take_map<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        let mut at = 0;
        let mut number = || {
            let length = data.get(at..)?.iter().position(|byte| *byte == b'\n')?;
            let digits = std::str::from_utf8(&data[at..at + length]).ok()?;
            at += length + 1;
            digits.parse::<u64>().ok()
        };
        let Some(count) = number() else { return data };
        let mut parts = Vec::new();
        for _ in 0..count {
            let (Some(offset), Some(length)) = (number(), number()) else { return data };
            parts.push((offset, length));
        }
        self.parts = parts;
        data.get(at.next_multiple_of(BLOCK)..).unwrap_or_default()
    }
}
