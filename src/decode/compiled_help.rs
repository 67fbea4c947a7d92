//! Compiled help (`.chm`), as Matthew Russotto's "Microsoft's HTML Help (.chm) format" describes it.
//!
//! A directory names files in two sections: one that stands in the file as it is, and one that is compressed by LZX. The
//! latter is itself a file of the first section, as are the tables that tell how to unpack it.

use std::io::{self, Read};
use std::ops::Range;

use super::container::{Unpacker, damaged};
use super::lzx::{BLOCK, Lzx};
use super::rest::{self, Rest};
use super::shown;
use super::solid::{self, File};
use crate::gap::GapCode;

/// Where the names of the format's own files start.
const PACKED: &[u8] = b"::DataSpace/Storage/MSCompressed/";

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    let mut used = Vec::new();
    let read = match Help::parse(bytes) {
        Some(help) => entries(walk, &help, path, depth, &mut rest, &mut used),
        None => Err("its header is damaged"),
    };
    if let Err(reason) = read {
        walk.gap(path, GapCode::Damaged, damaged(&reason));
    }
    for range in rest::between(used, bytes.len()) {
        rest.add(&bytes[range]);
    }
    walk.rest(&rest, path);
}

fn entries(
    walk: &mut Unpacker<'_>,
    help: &Help<'_>,
    path: &str,
    depth: usize,
    rest: &mut Rest,
    used: &mut Vec<Range<usize>>,
) -> Result<(), &'static str> {
    let mut files = Vec::new();
    let mut is_other = false;
    for entry in &help.entries {
        let inner = format!("{path}!/{}", shown(entry.name).trim_start_matches('/'));
        match entry.section {
            0 if entry.name.strip_prefix(PACKED) == Some(b"Content") => {}
            0 => {
                let Some(range) = help.place(entry) else {
                    walk.gap(&inner, GapCode::Damaged, damaged(&"it is cut short"));
                    continue;
                };
                if !walk.may_go_on(path) {
                    return Ok(());
                }
                walk.slice(&help.bytes[range.clone()], &inner, depth);
                used.push(range);
            }
            1 => files.push(File { path: inner, start: entry.start, size: entry.size }),
            _ => is_other = true,
        }
    }
    if is_other {
        walk.gap(
            path,
            GapCode::UnsupportedFormat,
            "it has a section of no known kind; unpack it and scan the folder".to_owned(),
        );
    }
    let is_empty = files.iter().all(|file| file.size == 0);
    match help.blocks() {
        Some(mut blocks) => {
            solid::unpack(walk, &mut blocks, files, path, depth, rest);
            used.append(&mut blocks.used);
        }
        None if is_empty => {}
        None => return Err("what tells how it is compressed is missing or damaged"),
    }
    if help.is_whole { Ok(()) } else { Err("its directory is damaged") }
}

struct Help<'a> {
    bytes: &'a [u8],
    /// Where the first section starts.
    content: usize,
    entries: Vec<Entry<'a>>,
    is_whole: bool,
}

struct Entry<'a> {
    name: &'a [u8],
    section: u64,
    start: u64,
    size: u64,
}

impl<'a> Help<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (directory, length) = (long(bytes, 0x48)?, long(bytes, 0x50)?);
        let content = if word(bytes, 4)? >= 3 { long(bytes, 0x58)? } else { directory.checked_add(length)? };
        let directory = bytes.get(directory..directory.checked_add(length)?)?;
        if !directory.starts_with(b"ITSP") {
            return None;
        }
        let (head, chunk) = (word(directory, 8)?, word(directory, 16)?);
        let chunks = directory.get(head..)?;
        let mut help =
            Self { bytes, content, entries: Vec::new(), is_whole: chunk >= 0x14 && chunks.len() % chunk.max(1) == 0 };
        // Listings, in the order in which they stand; the index over them has no names of its own.
        for chunk in chunks.chunks(chunk.max(0x14)) {
            if chunk.starts_with(b"PMGL") {
                help.is_whole &= help.listing(chunk).is_some();
            } else {
                help.is_whole &= chunk.starts_with(b"PMGI");
            }
        }
        Some(help)
    }

    fn listing(&mut self, chunk: &'a [u8]) -> Option<()> {
        let mut left = chunk.get(0x14..chunk.len().checked_sub(word(chunk, 4)?)?)?;
        while !left.is_empty() {
            let length = usize::try_from(number(&mut left)?).ok()?;
            let (name, behind) = left.split_at_checked(length)?;
            left = behind;
            let (section, start, size) = (number(&mut left)?, number(&mut left)?, number(&mut left)?);
            self.entries.push(Entry { name, section, start, size });
        }
        Some(())
    }

    /// Where an entry of the first section is.
    fn place(&self, entry: &Entry<'_>) -> Option<Range<usize>> {
        let start = self.content.checked_add(usize::try_from(entry.start).ok()?)?;
        let end = start.checked_add(usize::try_from(entry.size).ok()?)?;
        (end <= self.bytes.len()).then_some(start..end)
    }

    /// The compressed section.
    fn blocks(&self) -> Option<Blocks<'a>> {
        let own = |name: &[u8]| {
            let mut entries = self.entries.iter();
            let entry = entries.find(|entry| entry.section == 0 && entry.name.strip_prefix(PACKED) == Some(name))?;
            self.place(entry)
        };
        let control = &self.bytes[own(b"ControlData")?];
        let table = &self.bytes[own(b"Transform/{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable")?];
        // In version 2 sizes are in blocks.
        let unit = if word(control, 8)? == 2 { BLOCK } else { 1 };
        let interval = word(control, 12)?.checked_mul(unit)? / BLOCK;
        let window = word(control, 16)?.checked_mul(unit)?;
        let is_known = control.get(4..8) == Some(b"LZXC") && window.is_power_of_two() && interval > 0;
        let (offsets, count) = (table.get(word(table, 12)?..)?, word(table, 4)?);
        if !is_known || word(table, 8)? != 8 || long(table, 32)? != BLOCK {
            return None;
        }
        Some(Blocks {
            bytes: self.bytes,
            place: own(b"Content")?,
            offsets: offsets.get(..count.checked_mul(8)?)?,
            size: long(table, 16)?,
            interval,
            lzx: Lzx::new(window.ilog2())?,
            index: 0,
            now: Vec::new(),
            given: 0,
            used: Vec::new(),
        })
    }
}

/// A number of 7 bits a byte; the last one has its highest bit clear.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    loop {
        let (&byte, left) = bytes.split_first()?;
        *bytes = left;
        number = number.checked_mul(128)? | u64::from(byte & 0x7F);
        if byte < 0x80 {
            return Some(number);
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?)).ok()
}

/// Reads the compressed section.
struct Blocks<'a> {
    bytes: &'a [u8],
    place: Range<usize>,
    /// Where each block starts in it.
    offsets: &'a [u8],
    /// Bytes of all blocks, unpacked.
    size: usize,
    /// Blocks after which compression starts anew.
    interval: usize,
    lzx: Lzx,
    index: usize,
    now: Vec<u8>,
    given: usize,
    /// Where blocks were read.
    used: Vec<Range<usize>>,
}

impl Blocks<'_> {
    fn block(&mut self) -> io::Result<()> {
        let damaged = io::Error::other;
        let packed = &self.bytes[self.place.clone()];
        let start = long(self.offsets, self.index * 8).unwrap_or(usize::MAX);
        let end = long(self.offsets, self.index * 8 + 8).unwrap_or(packed.len());
        // Each block starts behind the one before, so that none is read twice.
        let block = packed.get(start..end).ok_or_else(|| damaged("its table of blocks is damaged"))?;
        if self.index.is_multiple_of(self.interval) {
            self.lzx.reset();
        }
        // The last one is a whole one as well, of which the end is none of the section.
        let size = self.size.saturating_sub(self.index * BLOCK).min(BLOCK);
        self.now.extend_from_slice(&self.lzx.next(block, BLOCK)?[..size]);
        self.used.push(self.place.start + start..self.place.start + end);
        Ok(())
    }
}

impl Read for Blocks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.now.len() && self.index < self.offsets.len() / 8 {
            self.now.clear();
            self.given = 0;
            let read = self.block();
            self.index += 1;
            if let Err(error) = read {
                self.index = usize::MAX;
                return Err(error);
            }
        }
        let read = (&self.now[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}
