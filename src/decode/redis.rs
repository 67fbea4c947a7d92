//! Dumps of Redis and Valkey (RDB; "rdb.h" and "rdb.c" of Redis name the types): a walk from string to string.
//!
//! Strings stand as they are, which the scan of the bytes reads, or compressed by LZF, which is unpacked here; so is what is a
//! container. Lists, hashes and sets are strings or are packed into one, in which texts stand as they are. What a walk cannot
//! go past, such as a type that is newer than this text, ends it, and is said. Behind a dump commands may stand, as text.

use std::io;

use super::blocks::{Blocks, Blockwise, repeat, take, wrong};
use super::container::{Unpacker, damaged};
use super::shown;
use crate::gap::GapCode;

/// Bytes before the first record: a name and a version.
const HEADER: usize = 9;

/// Whether `bytes` start as a dump does.
pub(super) fn starts(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..HEADER) else { return false };
    let version = header.strip_prefix(b"REDIS0").or_else(|| header.strip_prefix(b"VALKEY"));
    version.is_some_and(|version| version.iter().all(u8::is_ascii_digit))
}

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let version = std::str::from_utf8(&bytes[HEADER - 3..HEADER]).ok().and_then(|version| version.parse().ok());
    let mut dump =
        Dump { walk, bytes: &bytes[HEADER..], version: version.unwrap_or(0), path, depth, name: String::new() };
    match dump.records() {
        Ok(()) => {
            let after = dump.bytes;
            walk.shown(after, &format!("{path}!/{}", super::rest::NAME), depth);
        }
        Err(Stop::Said) => {}
        Err(Stop::Unknown(what)) => {
            let reason = format!("it has {what}, behind which it is not read; export it as text and scan that");
            walk.gap(path, GapCode::UnsupportedFormat, reason);
        }
        Err(Stop::Damaged(error)) => walk.gap(path, GapCode::Damaged, damaged(&error)),
    }
}

/// Why a walk ends early.
enum Stop {
    /// A limit, which was said.
    Said,
    Unknown(String),
    Damaged(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Damaged(error)
    }
}

struct Dump<'a, 'w, 'u> {
    walk: &'w mut Unpacker<'u>,
    /// What was not walked through.
    bytes: &'a [u8],
    version: u16,
    path: &'w str,
    depth: usize,
    /// Of the key whose value is read.
    name: String,
}

/// A length, or how a string is written instead.
enum Length {
    Plain(u64),
    Special(u8),
}

impl<'a> Dump<'a, '_, '_> {
    /// Reads records up to the one that ends a dump.
    fn records(&mut self) -> Result<(), Stop> {
        loop {
            self.name.clear();
            match self.byte()? {
                0xff => {
                    // A checksum, from the fifth version on.
                    take(&mut self.bytes, if self.version < 5 { 0 } else { 8 })?;
                    return Ok(());
                }
                // The number of a database, seconds without use.
                0xfe | 0xf8 => self.lengths(1)?,
                0xfd => self.skip(4)?,
                0xfc => self.skip(8)?,
                0xfb => self.lengths(2)?,
                0xfa => self.strings(2)?,
                0xf9 => self.skip(1)?,
                // What a module keeps besides: its number, when it was written, then as a value.
                0xf7 => {
                    self.lengths(3)?;
                    self.module()?;
                }
                0xf5 => self.strings(1)?,
                // Sizes of a slot.
                0xf4 => self.lengths(3)?,
                kind @ 0..=25 => {
                    let key = self.take_string()?;
                    self.name = key.name();
                    self.string(&key)?;
                    self.value(kind)?;
                }
                other => return Err(Stop::Unknown(format!("a record of type {other}"))),
            }
        }
    }

    fn value(&mut self, kind: u8) -> Result<(), Stop> {
        match kind {
            // One string, in which the types from 9 on are packed.
            0 | 9..=13 | 16 | 17 | 20 | 23 => self.strings(1),
            // A list, a set, a list of packed lists.
            1 | 2 | 14 => {
                let count = self.length()?;
                self.strings(count)
            }
            // Scores as texts, and as numbers.
            3 | 5 => self.each(|dump| {
                dump.strings(1)?;
                let length = if kind == 5 { 8 } else { dump.byte()? };
                dump.skip(if length > 252 { 0 } else { length.into() })
            }),
            4 => self.each(|dump| dump.strings(2)),
            7 => {
                self.lengths(1)?;
                self.module()
            }
            18 => self.each(|dump| {
                dump.lengths(1)?;
                dump.strings(1)
            }),
            // Hashes whose fields end, with the first end before them.
            24 => {
                self.skip(8)?;
                self.fields()
            }
            22 => self.fields(),
            25 => {
                self.skip(8)?;
                self.strings(1)
            }
            15 | 19 | 21 => self.stream(kind),
            other => Err(Stop::Unknown(format!("a value of type {other}"))),
        }
    }

    /// An end, a name and a value each.
    fn fields(&mut self) -> Result<(), Stop> {
        self.each(|dump| {
            dump.lengths(1)?;
            dump.strings(2)
        })
    }

    /// A module's value: marked by what each part is.
    fn module(&mut self) -> Result<(), Stop> {
        loop {
            match self.length()? {
                0 => return Ok(()),
                1 | 2 => self.lengths(1)?,
                3 => self.skip(4)?,
                4 => self.skip(8)?,
                5 => self.strings(1)?,
                other => return Err(Stop::Unknown(format!("a part {other} of a module's value"))),
            }
        }
    }

    /// Entries, then groups of consumers, each with what it has not acknowledged.
    fn stream(&mut self, kind: u8) -> Result<(), Stop> {
        const ID: u64 = 16;
        self.each(|dump| dump.strings(2))?;
        self.lengths(if kind > 15 { 8 } else { 3 })?;
        self.each(|dump| {
            dump.strings(1)?;
            dump.lengths(if kind > 15 { 3 } else { 2 })?;
            dump.each(|dump| {
                dump.skip(ID + 8)?;
                dump.lengths(1)
            })?;
            dump.each(|dump| {
                dump.strings(1)?;
                dump.skip(if kind > 19 { 16 } else { 8 })?;
                dump.each(|dump| dump.skip(ID))
            })
        })
    }

    /// A count, and so many of something. All have bytes, so that a count that is too large ends with them.
    fn each(&mut self, mut read: impl FnMut(&mut Self) -> Result<(), Stop>) -> Result<(), Stop> {
        for _ in 0..self.length()? {
            read(self)?;
        }
        Ok(())
    }

    fn strings(&mut self, count: u64) -> Result<(), Stop> {
        for _ in 0..count {
            let string = self.take_string()?;
            self.string(&string)?;
        }
        Ok(())
    }

    /// Hands on what a scan of the bytes does not see of a string.
    fn string(&mut self, string: &Text<'a>) -> Result<(), Stop> {
        let name = if self.name.is_empty() { "(string)" } else { &self.name };
        let path = format!("{}!/{name}", self.path);
        match *string {
            Text::Plain(bytes) => {
                if !self.walk.shown(bytes, &path, self.depth) {
                    return Err(Stop::Said);
                }
            }
            Text::Number => {}
            Text::Packed(packed, size) => {
                if !self.walk.may_go_on(&path) {
                    return Err(Stop::Said);
                }
                // Three bytes are 264 at most.
                let needed = size.min(packed.len().saturating_mul(88)) as u64;
                if let Err((code, reason)) = self.walk.may_hold(needed) {
                    self.walk.gap(&path, code, reason);
                    return Ok(());
                }
                let (reader, depth) = (Blockwise::new(Lzf { packed: Some(packed), size }), self.depth);
                self.walk.holding(needed, |walk| walk.read_entry(reader, &path, depth));
            }
        }
        Ok(())
    }

    fn take_string(&mut self) -> Result<Text<'a>, Stop> {
        let bytes = match self.any_length()? {
            Length::Plain(length) => return Ok(Text::Plain(self.take(length)?)),
            // Numbers of one, two and four bytes.
            Length::Special(width @ 0..=2) => 1 << width,
            Length::Special(3) => {
                let (packed, size) = (self.length()?, self.length()?);
                return Ok(Text::Packed(self.take(packed)?, usize::try_from(size).unwrap_or(usize::MAX)));
            }
            Length::Special(other) => return Err(Stop::Unknown(format!("a string of type {other}"))),
        };
        self.skip(bytes)?;
        Ok(Text::Number)
    }

    fn lengths(&mut self, count: usize) -> Result<(), Stop> {
        (0..count).try_for_each(|_| self.length().map(|_| ()))
    }

    fn length(&mut self) -> Result<u64, Stop> {
        match self.any_length()? {
            Length::Plain(length) => Ok(length),
            Length::Special(_) => Err(wrong("a length is none").into()),
        }
    }

    fn any_length(&mut self) -> Result<Length, Stop> {
        let first = self.byte()?;
        let low = u64::from(first & 0x3f);
        Ok(Length::Plain(match (first >> 6, first) {
            (0, _) => low,
            (1, _) => low << 8 | u64::from(self.byte()?),
            (2, 0x80) => self.big_endian(4)?,
            (2, 0x81) => self.big_endian(8)?,
            (2, _) => return Err(wrong("a length is none").into()),
            _ => return Ok(Length::Special(first & 0x3f)),
        }))
    }

    fn big_endian(&mut self, bytes: usize) -> Result<u64, Stop> {
        Ok(take(&mut self.bytes, bytes)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        Ok(take(&mut self.bytes, 1)?[0])
    }

    fn skip(&mut self, count: u64) -> Result<(), Stop> {
        self.take(count).map(|_| ())
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Stop> {
        Ok(take(&mut self.bytes, usize::try_from(count).unwrap_or(usize::MAX))?)
    }
}

/// A string of a dump.
enum Text<'a> {
    Plain(&'a [u8]),
    Number,
    /// Compressed, to this size.
    Packed(&'a [u8], usize),
}

impl Text<'_> {
    /// What a key is called in paths.
    fn name(&self) -> String {
        const LONGEST: usize = 256;
        match self {
            Self::Plain(bytes) => shown(&bytes[..bytes.len().min(LONGEST)]),
            Self::Packed(packed, size) => {
                let mut out = Vec::new();
                // A key that cannot be read is damaged as a string.
                let _ = unpack_lzf(packed, &mut out, LONGEST.min(*size));
                shown(&out)
            }
            Self::Number => String::new(),
        }
    }
}

/// One string.
struct Lzf<'a> {
    packed: Option<&'a [u8]>,
    size: usize,
}

impl Blocks for Lzf<'_> {
    fn next(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let Some(packed) = self.packed.take() else { return Ok(false) };
        unpack_lzf(packed, out, self.size)?;
        if out.len() == self.size { Ok(true) } else { Err(wrong("a string has another size than it says")) }
    }
}

/// Unpacks LZF ("lzf_d.c" of LibLZF): runs of up to 32 bytes, and copies from up to 8 KiB before.
fn unpack_lzf(mut packed: &[u8], out: &mut Vec<u8>, most: usize) -> io::Result<()> {
    while let Some((&control, after)) = packed.split_first() {
        packed = after;
        let control = usize::from(control);
        let length = match control >> 5 {
            0 => control + 1,
            7 => 9 + usize::from(take(&mut packed, 1)?[0]),
            short => short + 2,
        };
        if length > most.saturating_sub(out.len()) {
            return Err(wrong("a string is larger than it says"));
        }
        if control < 32 {
            out.extend_from_slice(take(&mut packed, length)?);
        } else {
            let low = usize::from(take(&mut packed, 1)?[0]);
            repeat(out, ((control & 0x1f) << 8 | low) + 1, length)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_copies_are_unpacked() {
        let mut out = Vec::new();
        // "abc", four from three before, eleven from one before.
        unpack_lzf(b"\x02abc\x40\x02\xe0\x02\0", &mut out, 99).unwrap();
        assert_eq!(out, [&b"abcabca"[..], &[b'a'; 11]].concat());
        assert!(unpack_lzf(b"\x02abc\x40\x03", &mut Vec::new(), 99).is_err());
        assert!(unpack_lzf(b"\x02abc\x40\x02", &mut Vec::new(), 6).is_err());
        assert!(unpack_lzf(b"\x05abc", &mut Vec::new(), 99).is_err());
    }
}
