//! PKWARE's zip (APPNOTE).
//!
//! The directory at the end says which entries there are, and each entry starts with a header that says it again. Readers
//! believe one or the other, so both are read: entries that only their own header names, and entries that the two describe
//! in different ways. The library reads the directory; it keeps one entry of a name.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::ops::Range;

use super::blocks::Blockwise;
use super::container::{DICTIONARY_KIB, Kind, Unpacker, damaged};
use super::rest::{Rest, between};
use super::{legacy, lzma, shown, zstd};
use crate::gap::GapCode;

/// How an entry's own header starts, and how long it is without the name and the extra fields.
const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;
/// The same of an entry in the directory.
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const CENTRAL_LENGTH: usize = 46;
/// The same of the directory's end.
const END: &[u8; 4] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
/// What may stand behind an entry's data.
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";
/// A size that stands in an extra field.
const ELSEWHERE: u32 = u32::MAX;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut parts = Parts::default();
    if !named(walk, bytes, path, depth, &mut parts) {
        return;
    }
    parts.known.sort_unstable();
    let outside = between(std::mem::take(&mut parts.read), bytes.len());
    parts.cuts.sort_unstable();
    let mut rest = Rest::default();
    for range in &outside {
        let first = parts.cuts.partition_point(|cut| *cut <= range.start);
        let last = parts.cuts.partition_point(|cut| *cut < range.end);
        let mut start = range.start;
        for &cut in parts.cuts[first..last].iter().chain([&range.end]) {
            rest.add(&bytes[start..cut]);
            start = cut;
        }
        // What says where fields end may be wrong, so they are read without their borders as well.
        rest.add(&bytes[range.clone()]);
        let mut at = range.start;
        while let Some(found) = bytes.get(at..range.end).and_then(|bytes| memchr::memmem::find(bytes, LOCAL)) {
            let start = at + found;
            at = start + LOCAL.len();
            if parts.known.binary_search(&start).is_ok() {
                continue;
            }
            if !walk.may_go_on(path) {
                return;
            }
            if let Some(end) = unnamed(walk, bytes, start, path, depth, &mut parts.marks) {
                at = at.max(end);
                let [name, end, ..] = header_at(bytes, start, LOCAL, LOCAL_LENGTH, [26, 28]).unwrap_or_default();
                parts.missing.remove(bytes.get(name..end).unwrap_or_default());
            }
        }
    }
    for (name, reason) in parts.missing {
        walk.gap(&format!("{path}!/{}", shown(&name)), GapCode::Damaged, reason);
    }
    // An archive can be another one's comment: its entries were found above.
    if parts.end > 0 && memchr::memmem::find(&bytes[parts.end..], LOCAL).is_none() {
        if bytes.starts_with(b"PK") {
            walk.lost(bytes, parts.end, Kind::Zip, path, depth, &mut rest);
        } else {
            // Of what has an archive inside of it, such as a program with resources, what follows is its own.
            walk.stray(&bytes[parts.end..], path, depth, &mut rest);
        }
    }
    walk.rest(&rest, path);
}

/// What is known of an archive's bytes.
#[derive(Default)]
struct Parts {
    /// Where the headers of entries start that the directory names.
    known: Vec<usize>,
    /// Data of entries that was read.
    read: Vec<Range<usize>>,
    /// Entries that are not where the directory says, as where archives were put together; and why.
    missing: BTreeMap<Vec<u8>, String>,
    /// Where the comment starts, and whatever stands behind the archive.
    end: usize,
    /// Where names, extra fields and comments start and end.
    cuts: Vec<usize>,
    /// Where stored entries can end.
    marks: Marks,
}

/// What follows the data of an entry: another header, or what describes it. Many entries can ask about the same bytes, so
/// what was searched last is not searched again.
#[derive(Default)]
struct Marks {
    /// Where no mark starts; one does at its end, or the file is over.
    none: Range<usize>,
}

impl Marks {
    /// Where the first mark from `at` on is, or the end of `bytes`.
    fn first(&mut self, bytes: &[u8], at: usize) -> usize {
        if at > self.none.end || self.none.is_empty() {
            self.none = at..find(bytes, at, bytes.len());
        } else if at < self.none.start {
            let end = find(bytes, at, self.none.start);
            self.none = at..if end < self.none.start { end } else { self.none.end };
        }
        self.none.end
    }
}

/// Where the first mark from `start` on is, or `end` if there is none before it.
fn find(bytes: &[u8], start: usize, end: usize) -> usize {
    let is_mark = |at: &usize| {
        let mark = &bytes[*at..];
        [LOCAL, CENTRAL, DESCRIPTOR].into_iter().any(|it| mark.starts_with(it))
    };
    let Some(searched) = bytes.get(start..end) else { return end };
    memchr::memchr_iter(b'P', searched).map(|found| start + found).find(is_mark).unwrap_or(end)
}

/// Reads the entries that the directory names, and says whether to go on.
fn named(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize, parts: &mut Parts) -> bool {
    let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => {
            walk.gap(path, GapCode::Damaged, damaged(&error));
            return true;
        }
    };
    let mut at = archive.central_directory_start() as usize;
    while let Some(lengths) = header_at(bytes, at, CENTRAL, CENTRAL_LENGTH, [28, 30, 32]) {
        parts.cuts.extend(lengths);
        at = lengths[3];
    }
    // The directory's end, which the comment follows; records for large archives may stand between.
    let comment = bytes.len().saturating_sub(archive.comment().len());
    let end = header_at(bytes, at, END, END_LENGTH, [20]).map_or(comment, |ends| ends[0]);
    parts.cuts.extend([at, end]);
    parts.end = end;
    for index in 0..archive.len() {
        if !walk.may_go_on(path) {
            return false;
        }
        let name = archive.name_for_index(index).unwrap_or_default().to_owned();
        let inner = format!("{path}!/{name}");
        let entry = match archive.by_index_raw(index) {
            Ok(entry) => entry,
            Err(error) => {
                parts.missing.insert(name.into(), damaged(&error));
                continue;
            }
        };
        let start = entry.header_start() as usize;
        let central = entry.central_header_start() as usize;
        let (Some(data), Some(flags), Some(method)) =
            (entry.data_start(), le16(bytes, central + 8), le16(bytes, central + 10))
        else {
            walk.gap(&inner, GapCode::Damaged, "it cannot be unpacked: its headers are cut short".to_owned());
            continue;
        };
        let member = Member {
            flags,
            method,
            data: data as usize,
            packed: entry.compressed_size(),
            size: entry.size(),
            crc: entry.crc32(),
        };
        parts.known.push(start);
        parts.cuts.extend(header_at(bytes, start, LOCAL, LOCAL_LENGTH, [26, 28]).into_iter().flatten());
        if let Some(end) = member.unpack(walk, bytes, &inner, depth) {
            parts.read.push(member.data..end);
        }
        // A writer that did not know the size wrote none.
        let is_other = |local: &Member| local.packed > 0 && (local.method, local.packed) != (method, member.packed);
        if Member::local(bytes, start).is_some_and(|(local, _)| is_other(&local)) {
            unnamed(walk, bytes, start, path, depth, &mut parts.marks);
        }
    }
    true
}

/// Reads an entry as its own header at `start` describes it, and gives back where it ends if all of it was read.
fn unnamed(
    walk: &mut Unpacker<'_>,
    bytes: &[u8],
    start: usize,
    path: &str,
    depth: usize,
    marks: &mut Marks,
) -> Option<usize> {
    let Some((mut member, name)) = Member::local(bytes, start) else {
        walk.gap(path, GapCode::Damaged, "it cannot be unpacked: an entry's header is cut short".to_owned());
        return None;
    };
    let after = bytes.get(member.data..).unwrap_or_default();
    if member.has_descriptor() && member.packed == 0 {
        // Only compressed data tells where it ends.
        let mut stored = || marks.first(bytes, member.data).saturating_sub(member.data);
        member.packed = if member.method == 0 { stored() } else { after.len() } as u64;
    }
    member.unpack(walk, bytes, &format!("{path}!/{}", shown(name)), depth)
}

/// Where the variable fields of the header at `at` start and end, whose lengths stand at `lengths`.
fn header_at<const FIELDS: usize>(
    bytes: &[u8],
    at: usize,
    mark: &[u8; 4],
    length: usize,
    lengths: [usize; FIELDS],
) -> Option<[usize; 4]> {
    let header = bytes.get(at..at.checked_add(length)?).filter(|header| header.starts_with(mark))?;
    let mut ends = [at + length; 4];
    for index in 0..3 {
        let field = lengths.get(index).and_then(|at| le16(header, *at)).unwrap_or(0);
        ends[index + 1] = ends[index] + usize::from(field);
    }
    Some(ends)
}

/// How an entry is described.
struct Member {
    flags: u16,
    method: u16,
    /// Where its data starts.
    data: usize,
    /// Bytes of the data.
    packed: u64,
    /// Bytes of the content.
    size: u64,
    crc: u32,
}

impl Member {
    /// What the header at `start` says, and the name.
    fn local(bytes: &[u8], start: usize) -> Option<(Self, &[u8])> {
        let [name, extra, data, _] = header_at(bytes, start, LOCAL, LOCAL_LENGTH, [26, 28])?;
        let (size, packed) = (le32(bytes, start + 22)?, le32(bytes, start + 18)?);
        let mut member = Self {
            flags: le16(bytes, start + 6)?,
            method: le16(bytes, start + 8)?,
            data,
            packed: u64::from(packed),
            size: u64::from(size),
            crc: le32(bytes, start + 14)?,
        };
        // Zip64: 64 bits for each size that does not fit.
        let mut fields = bytes.get(extra..data)?;
        while let (Some(id), Some(length)) = (le16(fields, 0), le16(fields, 2)) {
            let Some(field) = fields.get(4..4 + usize::from(length)).filter(|_| id == 1) else {
                fields = fields.get(4 + usize::from(length)..).unwrap_or_default();
                continue;
            };
            let mut large = field.chunks_exact(8).map(|it| u64::from_le_bytes(it.try_into().unwrap_or_default()));
            if size == ELSEWHERE {
                member.size = large.next()?;
            }
            if packed == ELSEWHERE {
                member.packed = large.next()?;
            }
            break;
        }
        Some((member, bytes.get(name..extra)?))
    }

    /// Whether sizes and checksum stand behind the data, because they were not known before.
    fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }

    /// Hands on the content, and gives back where the data ends that was read.
    fn unpack(&self, walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) -> Option<usize> {
        if self.flags & 1 != 0 {
            let reason = "it is encrypted: unpack it with its password and scan what is in it";
            walk.gap(path, GapCode::Encrypted, reason.to_owned());
            return None;
        }
        let rest = bytes.get(self.data..).unwrap_or_default();
        let length = usize::try_from(self.packed).unwrap_or(usize::MAX).min(rest.len());
        let data = &rest[..length];
        if (length as u64) < self.packed {
            walk.gap(path, GapCode::Damaged, "it cannot be unpacked: it is cut short".to_owned());
        }
        let mut used = length;
        let is_told = !self.has_descriptor() || self.crc != 0 || self.size != 0;
        let mut check = Check { crc: crc32fast::Hasher::new(), size: 0, is_over: false };
        match self.method {
            0 => {
                check.add(data);
                walk.slice(data, path, depth);
            }
            8 => {
                let mut reader = flate2::bufread::DeflateDecoder::new(data);
                walk.read_entry(Checked(&mut reader, &mut check), path, depth);
                used = reader.total_in() as usize;
            }
            1 => {
                let reader = Blockwise::new(legacy::Shrunk::new(data, self.size));
                walk.read_entry(Checked(reader.take(self.size), &mut check), path, depth);
            }
            6 => {
                let reader = Blockwise::new(legacy::Imploded::new(data, self.flags, self.size));
                walk.read_entry(Checked(reader.take(self.size), &mut check), path, depth);
            }
            9 => {
                let reader = deflate64::Deflate64Decoder::with_buffer(data);
                walk.read_entry(Checked(reader, &mut check), path, depth);
            }
            14 => match lzma::in_zip(data, if self.flags & 2 == 0 { Some(self.size) } else { None }) {
                Ok(reader) => walk.read_entry(Checked(reader, &mut check), path, depth),
                Err(error) => walk.gap(path, GapCode::Damaged, damaged(&error)),
            },
            98 => match ppmd(data) {
                // There may be an end marker, or not.
                Ok(reader) if is_told => walk.read_entry(Checked(reader.take(self.size), &mut check), path, depth),
                Ok(reader) => walk.read_entry(Checked(reader, &mut check), path, depth),
                Err(error) => walk.gap(path, GapCode::Damaged, damaged(&error)),
            },
            12 => walk.read_entry(Checked(bzip2::bufread::BzDecoder::new(data), &mut check), path, depth),
            93 => match zstd::frames(data) {
                Ok(reader) => walk.read_entry(Checked(reader, &mut check), path, depth),
                Err(error) => walk.gap(path, GapCode::Damaged, damaged(&error)),
            },
            95 => {
                let reader = lzma_rust2::XzReader::new_mem_limit(data, true, DICTIONARY_KIB);
                walk.read_entry(Checked(reader, &mut check), path, depth);
            }
            method => {
                let reason = format!("compression method {method} is not supported");
                walk.gap(path, GapCode::UnsupportedFormat, reason);
                return None;
            }
        }
        // What was not read to its end was said.
        if !check.is_over {
            return None;
        }
        let crc = check.crc.finalize();
        let is_right = if is_told {
            (crc, check.size) == (self.crc, self.size)
        } else {
            let behind = &rest[used..];
            le32(behind.strip_prefix(DESCRIPTOR).unwrap_or(behind), 0) == Some(crc)
        };
        if !is_right {
            walk.gap(path, GapCode::Damaged, "its checksum or its size is wrong".to_owned());
            return None;
        }
        if is_told && used < length {
            walk.gap(path, GapCode::Damaged, "there is more in it than its compressed data".to_owned());
        }
        Some(self.data + used)
    }
}

/// PPMd, variant I: order, memory and method stand in the first two bytes (APPNOTE 5.10).
fn ppmd(data: &[u8]) -> io::Result<ppmd_rust::Ppmd8Decoder<&[u8]>> {
    let header = le16(data, 0).ok_or(io::ErrorKind::UnexpectedEof)?;
    let order = u32::from(header & 0xf) + 1;
    let mebibytes = u32::from(header >> 4 & 0xff) + 1;
    if mebibytes > DICTIONARY_KIB >> 10 {
        return Err(io::Error::other(format!("it asks for {mebibytes} MiB of memory")));
    }
    ppmd_rust::Ppmd8Decoder::new(&data[2..], order, mebibytes << 20, (header >> 12).into()).map_err(io::Error::other)
}

/// What an entry turned out to be.
struct Check {
    crc: crc32fast::Hasher,
    size: u64,
    is_over: bool,
}

impl Check {
    fn add(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.size += bytes.len() as u64;
        self.is_over = true;
    }
}

/// Checks what is read.
struct Checked<'a, R>(R, &'a mut Check);

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(room)?;
        self.1.add(&room[..count]);
        self.1.is_over = count == 0;
        Ok(count)
    }
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_in_any_order() {
        let bytes = b"ab PK\x03\x04 PK PK\x07\x08PK\x01\x02 some more P";
        let expected = |at: usize| (at..bytes.len()).find(|at| [3, 11, 15].contains(at)).unwrap_or(bytes.len());
        let length = bytes.len();
        // Steps that have no divisor in common with the length come to each place, in another order each.
        for step in
            (1..length).filter(|step| (2..=*step).all(|by| !step.is_multiple_of(by) || !length.is_multiple_of(by)))
        {
            let mut marks = Marks::default();
            for at in (0..length).map(|index| index * step % length) {
                assert_eq!(marks.first(bytes, at), expected(at), "{at} by {step}");
            }
        }
    }
}
