//! Cabinets ([MS-CAB]; Microsoft's "Cabinet File Format").
//!
//! A cabinet has folders, each a stream of blocks that are compressed one with the other, in which files follow one
//! another. The reader is our own: the crate for it (`cab`) unpacks a folder anew for every file in it, and gives up a
//! cabinet whose directory is not quite as it should be.

use std::io::{self, Read};
use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

use super::container::{Unpacker, damaged};
use super::lzx::Lzx;
use super::rest::{self, Rest};
use super::shown;
use super::solid::{self, File};
use crate::gap::GapCode;

/// Bytes that blocks of MSZIP may refer to.
const WINDOW: usize = 32 << 10;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    let Some(cabinet) = Cabinet::parse(bytes) else {
        walk.gap(path, GapCode::Damaged, damaged(&"its header is damaged"));
        rest.add(bytes);
        return walk.rest(&rest, path);
    };
    let mut files: Vec<Vec<File>> = cabinet.folders.iter().map(|_| Vec::new()).collect();
    if !cabinet.files(|folder, file| files.get_mut(folder).map(|files| files.push(file)).is_some(), path) {
        walk.gap(path, GapCode::Damaged, damaged(&"its list of files is damaged"));
    }
    if cabinet.is_continued {
        let reason = "files go on in other cabinets of its set; unpack the set (`cabextract`) and scan the folder";
        walk.gap(path, GapCode::UnsupportedFormat, reason.to_owned());
    }
    // Folders that share blocks would be worth more than the cabinet has.
    let mut left = bytes.len();
    let mut used = Vec::new();
    for (folder, files) in cabinet.folders.iter().zip(files) {
        if folder.blocks == 0 {
            continue;
        }
        let codec = match Codec::of(folder.method) {
            Ok(codec) => codec,
            Err(reason) => {
                walk.gap(path, GapCode::UnsupportedFormat, reason);
                continue;
            }
        };
        let mut blocks = Blocks {
            bytes,
            at: folder.start,
            count: folder.blocks,
            reserved: cabinet.reserved,
            codec,
            left,
            now: Vec::new(),
            given: 0,
            used,
        };
        solid::unpack(walk, &mut blocks, files, path, depth, &mut rest);
        (left, used) = (blocks.left, blocks.used);
    }
    for range in rest::between(used, bytes.len()) {
        if range.start >= cabinet.length {
            walk.stray(&bytes[range], path, depth, &mut rest);
        } else {
            rest.add(&bytes[range]);
        }
    }
    walk.rest(&rest, path);
}

struct Cabinet<'a> {
    bytes: &'a [u8],
    length: usize,
    folders: Vec<Folder>,
    /// Where its list of files starts, and how many there are.
    list: usize,
    count: u16,
    /// Bytes that belong to the program that wrote the cabinet, in each block.
    reserved: usize,
    /// Whether a file goes on in another cabinet, or started there.
    is_continued: bool,
}

struct Folder {
    start: usize,
    blocks: u16,
    method: u16,
}

impl<'a> Cabinet<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (length, list) = (word(bytes, 8)?, word(bytes, 16)?);
        let (folders, count, flags) = (half(bytes, 26)?, half(bytes, 28)?, half(bytes, 30)?);
        let mut at = 36;
        let (mut of_folder, mut reserved) = (0, 0);
        if flags & 4 != 0 {
            let of_header = half(bytes, at)?;
            (of_folder, reserved) = (usize::from(*bytes.get(at + 2)?), usize::from(*bytes.get(at + 3)?));
            at += 4 + usize::from(of_header);
        }
        // Names of the cabinet before, and of the one behind, and of their disks.
        for _ in 0..2 * (flags & 3).count_ones() {
            at += memchr::memchr(0, bytes.get(at..)?)? + 1;
        }
        let folders = (0..usize::from(folders)).map(|index| {
            let at = at + index * (8 + of_folder);
            Some(Folder { start: word(bytes, at)?, blocks: half(bytes, at + 4)?, method: half(bytes, at + 6)? })
        });
        let folders = folders.collect::<Option<Vec<_>>>()?;
        let mut cabinet = Self { bytes, length, folders, list, count, reserved, is_continued: false };
        cabinet.is_continued =
            cabinet.entries().any(|entry| entry.is_none_or(|entry| entry.folder >= 0xFFFD)) && flags & 3 != 0;
        Some(cabinet)
    }

    /// Gives each file to `take`, with the number of its folder; false if one is not as it should be.
    fn files(&self, mut take: impl FnMut(usize, File) -> bool, path: &str) -> bool {
        self.entries().all(|entry| {
            let Some(Entry { size, start, folder, name }) = entry else { return false };
            let file = File { path: format!("{path}!/{}", shown(name).replace('\\', "/")), start, size };
            take(usize::from(folder), file) || folder >= 0xFFFD && self.is_continued
        })
    }

    /// The list of files, up to one that is damaged.
    fn entries(&self) -> impl Iterator<Item = Option<Entry<'a>>> {
        let mut at = self.list;
        let bytes = self.bytes;
        let mut is_over = false;
        let entries = (0..self.count).map(move |_| {
            let name = bytes.get(at + 16..)?;
            let name = &name[..memchr::memchr(0, name)?];
            let entry = Entry {
                size: word(bytes, at)? as u64,
                start: word(bytes, at + 4)? as u64,
                folder: half(bytes, at + 8)?,
                name,
            };
            at += 16 + name.len() + 1;
            Some(entry)
        });
        entries.take_while(move |entry| !std::mem::replace(&mut is_over, entry.is_none()))
    }
}

struct Entry<'a> {
    size: u64,
    start: u64,
    folder: u16,
    name: &'a [u8],
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?);
    usize::try_from(word).ok()
}

/// How blocks are compressed.
enum Codec {
    Stored,
    /// Deflate; what was unpacked last is there to be referred to.
    MsZip(Box<Decompress>, Vec<u8>),
    Lzx(Box<Lzx>),
}

impl Codec {
    fn of(method: u16) -> Result<Self, String> {
        match method & 0xF {
            0 => Ok(Self::Stored),
            1 => Ok(Self::MsZip(Box::new(Decompress::new(false)), Vec::new())),
            3 => {
                let lzx = Lzx::new(u32::from(method >> 8 & 0x1F));
                lzx.map(|lzx| Self::Lzx(Box::new(lzx)))
                    .ok_or_else(|| "its LZX has a window of no known size".to_owned())
            }
            2 => Err("it is compressed by Quantum; `cabextract` it and scan the folder".to_owned()),
            method => Err(format!("compression method {method} is not supported; `cabextract` it and scan the folder")),
        }
    }

    fn unpack(&mut self, packed: &[u8], size: usize, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Stored => out.extend_from_slice(packed),
            Self::MsZip(inflate, before) => {
                let packed = packed.strip_prefix(b"CK").ok_or_else(|| io::Error::other("a block has no signature"))?;
                inflate.reset(false);
                if !before.is_empty() {
                    // The library takes no dictionary, but a block that is not compressed.
                    let length = before.len() as u16;
                    let head = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
                    let mut nowhere = Vec::with_capacity(before.len());
                    for part in [&head[..], before] {
                        inflate.decompress_vec(part, &mut nowhere, FlushDecompress::Sync)?;
                    }
                }
                out.reserve(size);
                while out.len() < size {
                    let at = (inflate.total_in() as usize).saturating_sub(if before.is_empty() {
                        0
                    } else {
                        before.len() + 5
                    });
                    let so_far = out.len();
                    let status =
                        inflate.decompress_vec(packed.get(at..).unwrap_or_default(), out, FlushDecompress::Finish)?;
                    if status == Status::StreamEnd || out.len() == so_far {
                        break;
                    }
                }
                before.extend_from_slice(out);
                before.drain(..before.len().saturating_sub(WINDOW));
            }
            Self::Lzx(lzx) => out.extend_from_slice(lzx.next(packed, size)?),
        }
        if out.len() == size { Ok(()) } else { Err(io::Error::other("a block is not as long as it says")) }
    }
}

/// Reads a folder.
struct Blocks<'a> {
    bytes: &'a [u8],
    at: usize,
    count: u16,
    reserved: usize,
    codec: Codec,
    /// Bytes that blocks may still have.
    left: usize,
    /// The block that is being read, and how much of it was.
    now: Vec<u8>,
    given: usize,
    /// Where blocks were read.
    used: Vec<Range<usize>>,
}

impl Blocks<'_> {
    fn block(&mut self) -> io::Result<()> {
        let damaged = io::Error::other;
        let bytes = self.bytes;
        let at = self.at;
        let block = || Some((word(bytes, at)? as u32, half(bytes, at + 4)?, half(bytes, at + 6)?));
        let (checksum, length, size) = block().ok_or_else(|| damaged("it ends before its last block"))?;
        let start = at + 8 + self.reserved;
        let end = start + usize::from(length);
        let packed = bytes.get(start..end).ok_or_else(|| damaged("a block is cut short"))?;
        self.left = self.left.checked_sub(end - at).ok_or_else(|| damaged("folders share blocks"))?;
        if checksum != 0 && checksum != sum(&bytes[at + 4..at + 8], sum(&bytes[at + 8..end], 0)) {
            return Err(damaged("a block's checksum is wrong"));
        }
        self.codec.unpack(packed, usize::from(size), &mut self.now)?;
        self.used.push(at..end);
        self.at = end;
        Ok(())
    }
}

impl Read for Blocks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.now.len() && self.count > 0 {
            self.count -= 1;
            self.now.clear();
            self.given = 0;
            if let Err(error) = self.block() {
                self.count = 0;
                self.now.clear();
                return Err(error);
            }
        }
        let read = (&self.now[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

/// The checksum of a block's bytes: those of a last word that is not full are in reverse order.
fn sum(bytes: &[u8], seed: u32) -> u32 {
    let words = bytes.chunks_exact(4);
    let last = words.remainder().iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    words.fold(seed, |sum, word| sum ^ u32::from_le_bytes([word[0], word[1], word[2], word[3]])) ^ last
}
