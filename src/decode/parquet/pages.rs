//! The pages of a column's chunk: decompressed, and their values one a line.

use std::io::{self, Read};

use super::thrift::{FALSE, I32, STRUCT, Thrift};
use crate::decode::blocks::{Blocks, take, take_u32, wrong};
use crate::decode::{lz4, snappy, zstd};

/// What a column holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Type {
    /// Texts of any length.
    Bytes,
    /// Texts of this length.
    Fixed(usize),
    /// Numbers.
    #[default]
    Other,
}

impl Type {
    /// By its number in the schema.
    pub fn of(kind: i64, length: i64) -> Self {
        match kind {
            6 => Self::Bytes,
            7 => Self::Fixed(usize::try_from(length).unwrap_or(0).max(1)),
            _ => Self::Other,
        }
    }
}

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Plain,
    Snappy,
    Gzip,
    /// LZ4 in any of the frames that were written for it.
    Lz4,
    Zstd,
}

impl Codec {
    /// By its number, or the name of one that is not read.
    pub fn of(number: i64) -> Result<Self, &'static str> {
        Ok(match number {
            0 => Self::Plain,
            1 => Self::Snappy,
            2 => Self::Gzip,
            5 | 7 => Self::Lz4,
            6 => Self::Zstd,
            3 => return Err("LZO"),
            4 => return Err("brotli"),
            _ => return Err("something that is not known"),
        })
    }

    /// Decompresses a page to `size` bytes, or to `most` if it is larger.
    fn unpack(self, page: &[u8], size: usize, most: usize) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let end = size.min(most);
        match self {
            Self::Plain => out.extend_from_slice(&page[..page.len().min(most)]),
            Self::Snappy => snappy::unpack(page, &mut out, end)?,
            Self::Lz4 => any_lz4(page, &mut out, end)?,
            Self::Gzip => {
                flate2::bufread::MultiGzDecoder::new(page).take(end as u64).read_to_end(&mut out)?;
            }
            Self::Zstd => {
                zstd::frames(page)?.take(end as u64).read_to_end(&mut out)?;
            }
        }
        if out.len() == size || size > most { Ok(out) } else { Err(wrong("a page has another size than it says")) }
    }
}

/// A block, blocks with two sizes in front of each as Hadoop writes them, or a frame.
fn any_lz4(page: &[u8], out: &mut Vec<u8>, end: usize) -> io::Result<()> {
    if lz4::starts(page) {
        let mut frame = lz4::Frame::new(page);
        while out.len() <= end && frame.next(out)? {}
        return Ok(());
    }
    let hadoop = |out: &mut Vec<u8>| -> io::Result<()> {
        let mut page = page;
        while !page.is_empty() {
            let (size, packed) = (take_u32(&mut page)?.swap_bytes(), take_u32(&mut page)?.swap_bytes());
            let start = out.len();
            let block = take(&mut page, packed as usize)?;
            lz4::unpack(block, out, end)?;
            if out.len() - start != size as usize {
                return Err(wrong("a block has another size than it says"));
            }
        }
        Ok(())
    };
    hadoop(out).or_else(|_| {
        out.clear();
        lz4::unpack(page, out, end)
    })
}

/// Reads pages one after the other.
pub struct Pages<'a> {
    chunk: Thrift<'a>,
    codec: Codec,
    kind: Type,
    /// Bytes that may be unpacked; one more tells that there are.
    most: usize,
}

/// What a page says of itself.
#[derive(Default)]
struct Header {
    kind: i64,
    size: i64,
    packed: i64,
    encoding: i64,
    values: i64,
    /// Bytes in front that are never compressed.
    levels: i64,
    is_plain: bool,
}

impl<'a> Pages<'a> {
    pub fn new(chunk: &'a [u8], codec: Codec, kind: Type, most: usize) -> Self {
        Self { chunk: Thrift::new(chunk), codec, kind, most: most.saturating_add(1) }
    }

    /// Bytes that the largest page is unpacked to, as far as pages can be told.
    pub fn largest(&self) -> usize {
        let mut pages = Self { chunk: Thrift::new(self.chunk.bytes), ..*self };
        let mut largest = 0;
        while let Ok(header) = pages.header() {
            largest = largest.max(usize::try_from(header.size).unwrap_or(0).min(self.most));
            let packed = usize::try_from(header.packed).unwrap_or(usize::MAX);
            if take(&mut pages.chunk.bytes, packed).is_err() {
                break;
            }
        }
        largest
    }

    fn header(&mut self) -> io::Result<Header> {
        let chunk = &mut self.chunk;
        let (mut header, mut last) = (Header::default(), 0);
        while let Some((id, kind)) = chunk.field(&mut last)? {
            match (id, kind) {
                (1, I32) => header.kind = chunk.number()?,
                (2, I32) => header.size = chunk.number()?,
                (3, I32) => header.packed = chunk.number()?,
                // Of data, of a dictionary, and of data in the second version.
                (5 | 7 | 8, STRUCT) => {
                    let mut last = 0;
                    while let Some((inner, kind)) = chunk.field(&mut last)? {
                        match (id, inner, kind) {
                            (_, 1, I32) => header.values = chunk.number()?,
                            (5 | 7, 2, I32) | (8, 4, I32) => header.encoding = chunk.number()?,
                            (8, 5 | 6, I32) => header.levels = header.levels.saturating_add(chunk.number()?),
                            (8, 7, FALSE) => header.is_plain = true,
                            _ => chunk.skip(kind)?,
                        }
                    }
                }
                _ => chunk.skip(kind)?,
            }
        }
        Ok(header)
    }
}

impl Blocks for Pages<'_> {
    fn next(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        /// Encodings whose values stand in a dictionary.
        const IN_DICTIONARY: [i64; 2] = [2, 8];
        /// Kinds of pages.
        const INDEX: i64 = 1;
        const DICTIONARY: i64 = 2;
        if self.chunk.bytes.is_empty() {
            return Ok(false);
        }
        let header = self.header()?;
        let size = |size: i64| usize::try_from(size).map_err(|_| wrong("a page has no size"));
        let mut page = take(&mut self.chunk.bytes, size(header.packed)?)?;
        let is_dictionary = header.kind == DICTIONARY;
        if header.kind == INDEX || !is_dictionary && IN_DICTIONARY.contains(&header.encoding) {
            return Ok(true);
        }
        let levels = size(header.levels)?;
        take(&mut page, levels)?;
        let codec = if header.is_plain { Codec::Plain } else { self.codec };
        let whole = size(header.size)?.checked_sub(levels).ok_or_else(|| wrong("a page has no size"))?;
        let page = codec.unpack(page, whole, self.most)?;
        if page.len() >= self.most {
            // What it is cut to is said by whoever reads.
            out.extend_from_slice(&page);
            return Ok(true);
        }
        // The dictionary has a name for this of its own.
        let encoding = if is_dictionary { 0 } else { header.encoding };
        let count = size(header.values)?;
        match (self.kind, encoding) {
            (Type::Bytes, 0) => plain(&page, out)?,
            (Type::Bytes | Type::Fixed(_), 6 | 7) => deltas(&page, count, encoding == 7, self.most, out)?,
            (Type::Fixed(length), 0) => fixed(&page, length, count, out),
            (Type::Fixed(length), 9) => split(&page, length, out)?,
            (Type::Bytes | Type::Fixed(_), _) => {
                return Err(wrong("its values are encoded in a way that is not known"));
            }
            (Type::Other, _) => out.extend_from_slice(&page),
        }
        Ok(true)
    }
}

fn line(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// A length and a text each. Levels in front are written in the same way.
fn plain(mut page: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    while !page.is_empty() {
        let rest = page;
        let value = take_u32(&mut page).and_then(|length| take(&mut page, length as usize));
        match value {
            Ok(value) => line(value, out),
            Err(error) => {
                line(rest, out);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Texts of one length, behind levels: from the end on, since there are not more of them than `count`.
fn fixed(page: &[u8], length: usize, count: usize, out: &mut Vec<u8>) {
    let values = (page.len() / length).min(count);
    let (levels, values) = page.split_at(page.len() - values * length);
    line(levels, out);
    values.chunks(length).for_each(|value| line(value, out));
}

/// The first bytes of all values, then the second ones, behind levels of at most a few bytes.
fn split(page: &[u8], length: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let page = [0, 1, 2].into_iter().find_map(|levels| behind(page, levels).filter(|it| it.len() % length == 0));
    let page = page.ok_or_else(|| wrong("its values cannot be told apart"))?;
    let count = page.len() / length;
    for value in 0..count {
        out.extend((0..length).map(|at| page[at * count + value]));
        out.push(b'\n');
    }
    Ok(())
}

/// What stands behind so many lists of levels.
fn behind(mut page: &[u8], levels: usize) -> Option<&[u8]> {
    for _ in 0..levels {
        let length = take_u32(&mut page).ok()?;
        take(&mut page, length as usize).ok()?;
    }
    Some(page)
}

/// Lengths first, then texts; `is_shared` where texts go on from the start of the one before.
fn deltas(page: &[u8], count: usize, is_shared: bool, most: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    // Levels stand in front, or not: only one way ends where the page does.
    for levels in 0..3 {
        let Some(page) = behind(page, levels) else { break };
        if deltas_of(page, count, is_shared, most, out).is_ok() {
            return Ok(());
        }
        out.truncate(start);
    }
    line(page, out);
    Err(wrong("its values cannot be told apart"))
}

fn deltas_of(page: &[u8], count: usize, is_shared: bool, most: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let mut page = Thrift::new(page);
    let shared = if is_shared { packed_numbers(&mut page, count)? } else { Vec::new() };
    let lengths = packed_numbers(&mut page, count)?;
    if is_shared && shared.len() != lengths.len() {
        return Err(wrong("its values cannot be told apart"));
    }
    let (start, mut before) = (out.len(), out.len()..out.len());
    for (index, length) in lengths.into_iter().enumerate() {
        let shared = shared.get(index).copied().unwrap_or(0);
        if shared > before.len() {
            return Err(wrong("its values cannot be told apart"));
        }
        let value = out.len();
        out.extend_from_within(before.start..before.start + shared);
        out.extend_from_slice(take(&mut page.bytes, length)?);
        before = value..out.len();
        out.push(b'\n');
        if out.len() - start > most {
            return Ok(());
        }
    }
    if page.bytes.is_empty() { Ok(()) } else { Err(wrong("its values cannot be told apart")) }
}

/// Numbers packed by their differences ("Delta encoding"); not more than `most` of them.
fn packed_numbers(page: &mut Thrift<'_>, most: usize) -> io::Result<Vec<usize>> {
    let damaged = || wrong("its numbers are damaged");
    let (block, parts, count) = (page.varint()?, page.varint()?, page.varint()?);
    let mut value = page.number()?;
    let part = block.checked_div(parts).filter(|part| *part > 0 && *part % 8 == 0 && *part < 1 << 20);
    let part = part.ok_or_else(damaged)?;
    let count = usize::try_from(count).ok().filter(|count| *count <= most).ok_or_else(damaged)?;
    let mut numbers = Vec::new();
    let add = |value: i64, numbers: &mut Vec<usize>| -> io::Result<()> {
        numbers.push(usize::try_from(value).map_err(|_| damaged())?);
        Ok(())
    };
    if count > 0 {
        add(value, &mut numbers)?;
    }
    while numbers.len() < count {
        let least = page.number()?;
        let widths = take(&mut page.bytes, usize::try_from(parts).map_err(|_| damaged())?)?;
        for &width in widths {
            if numbers.len() >= count {
                break;
            }
            if width > 64 {
                return Err(damaged());
            }
            let bytes = take(&mut page.bytes, part as usize / 8 * usize::from(width))?;
            for index in 0..(part as usize).min(count - numbers.len()) {
                let mut delta = 0_u64;
                for bit in 0..usize::from(width) {
                    let at = index * usize::from(width) + bit;
                    delta |= u64::from(bytes[at / 8] >> (at % 8) & 1) << bit;
                }
                value = value.wrapping_add(least).wrapping_add(delta as i64);
                add(value, &mut numbers)?;
            }
        }
    }
    Ok(numbers)
}
