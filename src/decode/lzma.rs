//! LZMA without a container of its own: `.lzma` files ("lzma-file-format.txt" of XZ Utils) and lzip's members.

use std::io::{self, Read};

use lzma_rust2::LzmaReader;

use super::blocks::{take, take_byte, take_u32, wrong};
use super::container::DICTIONARY_KIB;

/// Properties, size of the dictionary, size of the content.
const HEADER: usize = 13;
/// What `xz` and the LZMA SDK write unless they are told otherwise: lc 3, lp 0, pb 2.
const USUAL: u8 = 0x5d;
/// The size of a content that an end marker ends.
const UNKNOWN: u64 = u64::MAX;

/// Whether `head` is that of a `.lzma` file. There is no magic number: the usual header is enough, and any other one if
/// what can be unpacked behind it is beyond doubt. Tables of numbers and bitmaps can start like one.
pub(super) fn starts(head: &[u8]) -> bool {
    // The range coder starts with a zero; texts are done with here.
    if head.get(HEADER) != Some(&0) || head[0] >= 9 * 5 * 5 {
        return false;
    }
    let dictionary = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    let size = &head[5..HEADER];
    // 256 GiB, as liblzma has it.
    if size != [0xff; 8] && (size[5..] != [0; 3] || size == [0; 8]) {
        return false;
    }
    head[0] == USUAL && is_usual(dictionary) || unpacks(head, is_usual(dictionary))
}

/// Whether encoders write a dictionary of such a size: 2^n or 2^n + 2^(n-1), and whole MiB in the LZMA SDK.
fn is_usual(dictionary: u32) -> bool {
    const MIB: u32 = 1 << 20;
    dictionary >= 1 << 12 && {
        let high = 31 - dictionary.leading_zeros();
        dictionary == 1 << high || dictionary == 3 << (high - 1) || dictionary.is_multiple_of(MIB)
    }
}

/// Whether what follows the header unpacks, as far as `head` goes, to something else than zeros: to its end, or so far that
/// nothing but LZMA does. Other bytes refer before long to what is not there; a stream that is cut or damaged does not.
fn unpacks(head: &[u8], is_usual: bool) -> bool {
    const ENOUGH: u64 = 64 << 10;
    /// Packed bytes that no others unpack by chance.
    const PROOF: usize = 256;
    let Ok(mut reader) = open(head, ENOUGH as u32) else { return false };
    reader.set_relaxed_end_condition(false);
    reader.set_defer_errors(true);
    let mut out = Vec::new();
    let read = (&mut reader).take(ENOUGH).read_to_end(&mut out);
    if out.len() < 8 || out.iter().all(|byte| *byte == 0) {
        return false;
    }
    let is_full = out.len() as u64 == ENOUGH;
    if read.is_ok() && (!is_full || is_usual) {
        return true;
    }
    let (left, ahead) = reader.into_parts();
    let packed = &head[HEADER..head.len() - left.len() - ahead.len()];
    // Zeros unpack for ever. What is packed has few.
    let zeros = packed.iter().filter(|byte| **byte == 0).count();
    packed.len() >= PROOF && zeros <= packed.len() / 8 || is_text(&out)
}

/// Whether a content starts with text in UTF-8, of more letters than a few bytes repeated would have.
fn is_text(content: &[u8]) -> bool {
    let start = &content[..content.len().min(64)];
    let is_cut = |error: std::str::Utf8Error| error.error_len().is_none();
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127);
    let is_first = |(at, byte): &(usize, &u8)| !start[..*at].contains(byte);
    start.iter().enumerate().filter(is_first).count() >= 8
        && !start.iter().any(is_control)
        && std::str::from_utf8(start).map_or_else(is_cut, |_| true)
}

/// Opens what [`starts`] is true of, with a dictionary of at most so many bytes: a content needs none that is larger.
fn open(bytes: &[u8], most: u32) -> io::Result<LzmaReader<&[u8]>> {
    let mut after = bytes;
    let (properties, dictionary) = (take_byte(&mut after)?, take_u32(&mut after)?);
    let size = u64::from(take_u32(&mut after)?) | u64::from(take_u32(&mut after)?) << 32;
    let largest = size.min(u64::from(most)) as u32;
    LzmaReader::new_with_props(after, size, properties, dictionary.min(largest), None)
}

/// Reads one `.lzma` file, or one member of lzip's.
pub(super) struct Stream<'a> {
    reader: Option<LzmaReader<&'a [u8]>>,
    /// What follows it once it was read.
    pub after: &'a [u8],
    /// Checksum and size of a member's content, and the member's length as far as it is known.
    sums: Option<(crc32fast::Hasher, u64)>,
    bytes: &'a [u8],
}

impl<'a> Stream<'a> {
    /// A `.lzma` file.
    pub fn alone(bytes: &'a [u8]) -> io::Result<Self> {
        let mut reader = open(bytes, DICTIONARY_KIB << 10)?;
        // An end marker may follow a size that is known.
        reader.set_relaxed_end_condition(false);
        // What was read before an error counts.
        reader.set_defer_errors(true);
        Ok(Self { reader: Some(reader), after: &[], sums: None, bytes })
    }

    /// A member of lzip's: magic number, version, size of the dictionary; data up to a marker; checksum and two sizes.
    pub fn lzip(bytes: &'a [u8]) -> io::Result<Self> {
        let mut after = bytes;
        take(&mut after, LZIP.len())?;
        let size = take_byte(&mut after)?;
        let base = 1_u32.checked_shl(u32::from(size & 0x1f)).filter(|base| (1 << 12..=1 << 29).contains(base));
        let base = base.ok_or_else(|| wrong("its dictionary has a size that cannot be"))?;
        let dictionary = base - base / 16 * u32::from(size >> 5);
        let dictionary = dictionary.min(DICTIONARY_KIB << 10);
        let mut reader = LzmaReader::new_with_props(after, UNKNOWN, USUAL, dictionary, None)?;
        reader.set_defer_errors(true);
        Ok(Self { reader: Some(reader), after: &[], sums: Some((crc32fast::Hasher::new(), 0)), bytes })
    }
}

/// LZMA in a zip (APPNOTE 5.8): version, length of the properties, properties, data; of this size, or up to a marker.
pub(super) fn in_zip(mut data: &[u8], size: Option<u64>) -> io::Result<LzmaReader<&[u8]>> {
    take(&mut data, 2)?;
    if take(&mut data, 2)? != [5, 0] {
        return Err(wrong("its properties are not known"));
    }
    let (properties, dictionary) = (take_byte(&mut data)?, take_u32(&mut data)?);
    let size = size.unwrap_or(UNKNOWN);
    let dictionary = u64::from(dictionary.min(DICTIONARY_KIB << 10)).min(size) as u32;
    let mut reader = LzmaReader::new_with_props(data, size, properties, dictionary, None)?;
    reader.set_defer_errors(true);
    Ok(reader)
}

/// How a member of lzip's starts: with the only version that there is.
pub(super) const LZIP: &[u8] = b"LZIP\x01";

impl Read for Stream<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let count = reader.read(room)?;
        if let Some((sum, size)) = &mut self.sums {
            sum.update(&room[..count]);
            *size += count as u64;
        }
        if count > 0 || room.is_empty() {
            return Ok(count);
        }
        let (left, ahead) = self.reader.take().map(LzmaReader::into_parts).unwrap_or_default();
        self.after = &self.bytes[self.bytes.len() - left.len() - ahead.len()..];
        if let Some((sum, size)) = self.sums.take() {
            let is_right = take_u32(&mut self.after)? == sum.finalize()
                && take(&mut self.after, 8)? == size.to_le_bytes()
                && take(&mut self.after, 8)? == ((self.bytes.len() - self.after.len()) as u64).to_le_bytes();
            if !is_right {
                return Err(wrong("its checksum or its size is wrong"));
            }
        }
        Ok(0)
    }
}
