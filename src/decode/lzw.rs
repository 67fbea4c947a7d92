//! What Unix's `compress` writes (`.Z`): LZW with codes of 9 to 16 bits, the lowest bit first.

use std::io;

use super::blocks::{Blocks, wrong};

/// The table of sequences is emptied by this code, where the header says so.
const CLEAR: usize = 256;

/// Bytes of the header.
const HEADER: usize = 3;

/// Whether `bytes` start as `compress` starts a file: magic number, then the widest code and whether there is [`CLEAR`].
pub(super) fn starts(bytes: &[u8]) -> bool {
    // Readers pass over the flags between, which mean nothing.
    matches!(bytes, [0x1f, 0x9d, flags, ..] if matches!(flags & 0x1f, 9..=16))
}

/// Reads a file.
pub(super) struct Codes<'a> {
    bytes: &'a [u8],
    /// Bits that were read.
    at: usize,
    /// Where the first code of the present width stands: codes are written by eights.
    start: usize,
    width: u32,
    widest: u32,
    has_clear: bool,
    /// Code before, and the first byte of what it stands for.
    before: Option<(usize, u8)>,
    /// What each code from 256 on stands for: another code and a byte.
    table: Vec<(u16, u8)>,
}

impl<'a> Codes<'a> {
    /// Of a file that [`starts`] is true of.
    pub fn new(bytes: &'a [u8]) -> Self {
        let flags = bytes.get(2).copied().unwrap_or(0x90);
        let mut codes = Self {
            bytes: bytes.get(HEADER..).unwrap_or_default(),
            at: 0,
            start: 0,
            width: 9,
            widest: u32::from(flags & 0x1f).clamp(9, 16),
            has_clear: flags & 0x80 != 0,
            before: None,
            table: Vec::new(),
        };
        codes.clear();
        codes
    }

    fn clear(&mut self) {
        self.table.clear();
        if self.has_clear {
            self.table.push((0, 0));
        }
    }

    /// Goes on with codes of another width, behind the eight that the last one is of.
    fn set_width(&mut self, width: u32) {
        let eight = self.width as usize * 8;
        self.at = self.start + (self.at - self.start).next_multiple_of(eight);
        self.start = self.at;
        self.width = width;
    }

    fn code(&mut self) -> Option<usize> {
        let mut word = 0_u32;
        for (index, byte) in self.bytes.get(self.at / 8..)?.iter().take(3).enumerate() {
            word |= u32::from(*byte) << (8 * index);
        }
        if self.at + self.width as usize > self.bytes.len() * 8 {
            return None;
        }
        let code = word >> (self.at % 8) & ((1 << self.width) - 1);
        self.at += self.width as usize;
        Some(code as usize)
    }
}

impl Blocks for Codes<'_> {
    fn next(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        const BLOCK: usize = 64 << 10;
        let end = out.len() + BLOCK;
        while out.len() < end {
            if 256 + self.table.len() > (1 << self.width) - 1 && self.width < self.widest {
                self.set_width(self.width + 1);
            }
            let Some(code) = self.code() else { return Ok(out.len() > end - BLOCK) };
            if code == CLEAR && self.has_clear {
                self.clear();
                self.set_width(9);
                self.before = None;
                continue;
            }
            let next = 256 + self.table.len();
            if code > next || code == next && self.before.is_none() {
                return Err(wrong("it has a code that stands for nothing"));
            }
            let start = out.len();
            let mut walk = code;
            if let Some((before, first)) = self.before.filter(|_| code == next) {
                out.push(first);
                walk = before;
            }
            while walk >= 256 {
                let (before, byte) = self.table[walk - 256];
                out.push(byte);
                walk = usize::from(before);
            }
            out.push(walk as u8);
            out[start..].reverse();
            let first = out[start];
            if let Some((before, _)) = self.before
                && next < 1 << self.widest
            {
                self.table.push((before as u16, first));
            }
            self.before = Some((code, first));
        }
        Ok(true)
    }
}
