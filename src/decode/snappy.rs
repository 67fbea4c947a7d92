//! Snappy: its blocks (format_description.txt) and the chunks that frame them (framing_format.txt).

use std::io;

use super::blocks::{Blocks, repeat, take, take_byte, take_u32, wrong};

/// How a stream starts.
pub(super) const MAGIC: &[u8] = b"\xff\x06\0\0sNaPpY";

/// Bytes that a chunk may hold.
const CHUNK: usize = 64 << 10;

/// Reads chunks up to what is none.
pub(super) struct Chunks<'a> {
    /// What was not read yet.
    pub bytes: &'a [u8],
    /// What of the file no content is.
    pub passed: Vec<&'a [u8]>,
}

impl Blocks for Chunks<'_> {
    fn next(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut after = self.bytes;
        let Ok(head) = take_u32(&mut after) else { return Ok(false) };
        let (kind, length) = (head as u8, (head >> 8) as usize);
        let whole = after.get(..length);
        match kind {
            0xff if self.bytes.starts_with(MAGIC) => {}
            0 | 1 => {
                let mut chunk = whole.unwrap_or(after);
                let sum = take_u32(&mut chunk)?;
                let start = out.len();
                if kind == 0 {
                    unpack(chunk, out, CHUNK)?;
                } else {
                    out.extend_from_slice(&chunk[..chunk.len().min(CHUNK)]);
                }
                if whole.is_none() {
                    return Err(wrong("it ends too early"));
                }
                if masked(&out[start..]) != sum {
                    return Err(wrong("the checksum of a chunk is wrong"));
                }
            }
            0x80..=0xfe => self.passed.push(whole.ok_or_else(|| wrong("it ends too early"))?),
            // Whoever reads it has to stop.
            _ => return Ok(false),
        }
        self.bytes = &after[length.min(after.len())..];
        Ok(true)
    }
}

/// Unpacks a block of at most `most` bytes behind what is in `out`.
pub(super) fn unpack(mut block: &[u8], out: &mut Vec<u8>, most: usize) -> io::Result<()> {
    let mut size = 0_usize;
    for shift in (0..).step_by(7) {
        let byte = take_byte(&mut block)?;
        size |= usize::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            break;
        }
        if shift > 28 {
            return Err(wrong("its size is wrong"));
        }
    }
    if size > most {
        return Err(wrong("it is larger than it may be"));
    }
    // What is before it is none of its own.
    let mut own = Vec::new();
    let unpacked = elements(block, &mut own, size);
    let is_whole = own.len() == size;
    out.append(&mut own);
    unpacked?;
    if is_whole { Ok(()) } else { Err(wrong("its size is wrong")) }
}

fn elements(mut block: &[u8], out: &mut Vec<u8>, size: usize) -> io::Result<()> {
    while let Some((&tag, after)) = block.split_first() {
        block = after;
        let high = usize::from(tag >> 2);
        let mut number = |bytes: usize| -> io::Result<usize> {
            Ok(take(&mut block, bytes)?.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte)))
        };
        let (distance, length) = match tag & 3 {
            0 => (0, 1 + if high < 60 { high } else { number(high - 59)? }),
            1 => ((high >> 3) << 8 | number(1)?, 4 + (high & 7)),
            2 => (number(2)?, 1 + high),
            _ => (number(4)?, 1 + high),
        };
        if length > size - out.len() {
            return Err(wrong("it is larger than it says"));
        }
        match tag & 3 {
            0 => out.extend_from_slice(take(&mut block, length)?),
            _ => repeat(out, distance, length)?,
        }
    }
    Ok(())
}

/// CRC-32C (Castagnoli's polynomial), turned and shifted as the framing format has it.
fn masked(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut at = 0;
        while at < 256 {
            let (mut value, mut bit) = (at as u32, 0);
            while bit < 8 {
                value = if value & 1 == 1 { value >> 1 ^ 0x82f6_3b78 } else { value >> 1 };
                bit += 1;
            }
            table[at] = value;
            at += 1;
        }
        table
    };
    let sum = !bytes.iter().fold(!0u32, |sum, byte| sum >> 8 ^ TABLE[usize::from(sum as u8 ^ byte)]);
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_literals_and_copies() {
        let mut out = b"x".to_vec();
        // "abc", then five bytes from three before, then three from one before.
        unpack(b"\x0b\x08abc\x05\x03\x0a\x01\0", &mut out, 99).unwrap();
        assert_eq!(out, b"xabcabcabbbb");
        for damaged in [&b"\x0b\x08abc"[..], b"\x04\x08abc\x05\x03", b"\x04\x05\x03", b"\xff\xff\xff\xff\xff\xff", b""]
        {
            assert!(unpack(damaged, &mut Vec::new(), 99).is_err(), "{damaged:?}");
        }
    }

    #[test]
    fn checksums_are_those_of_the_format() {
        // CRC-32C of "123456789" is e3069283.
        assert_eq!(masked(b"123456789"), 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }
}
