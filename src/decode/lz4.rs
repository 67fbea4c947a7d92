//! LZ4: frames (lz4_Frame_format.md), those of its first version, and Mozilla's files (`.jsonlz4`), which are one block.

use std::io;

use super::blocks::{Blocks, repeat, take, take_byte, take_u32, wrong};

const FRAME: u32 = 0x184d_2204;
const LEGACY: u32 = 0x184c_2102;
/// Frames that tell nothing; sixteen of them.
const SKIPPABLE: u32 = 0x184d_2a50;
const MOZILLA: &[u8; 8] = b"mozLz40\0";
/// Bytes that a block of a legacy frame may hold.
const LEGACY_BLOCK: usize = 8 << 20;

/// Whether a frame starts here.
pub(super) fn starts(bytes: &[u8]) -> bool {
    let magic = u32_at(bytes);
    magic == Some(FRAME) || magic == Some(LEGACY) || bytes.starts_with(MOZILLA)
}

fn u32_at(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|it| u32::from_le_bytes(*it))
}

/// Reads one frame.
pub(super) struct Frame<'a> {
    /// What was not read yet.
    pub bytes: &'a [u8],
    form: Form,
}

enum Form {
    Start,
    Blocks { largest: usize, are_alone: bool, have_sums: bool, sum: Option<Xxh32>, left: Option<u64> },
    Legacy,
    End,
}

impl<'a> Frame<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, form: Form::Start }
    }

    /// Magic number and descriptor.
    fn start(&mut self, out: &mut Vec<u8>) -> io::Result<Form> {
        if let Some(mut block) = self.bytes.strip_prefix(MOZILLA) {
            let size = take_u32(&mut block)? as usize;
            let start = out.len();
            self.bytes = &[];
            unpack(block, out, out.len().saturating_add(size))?;
            return if out.len() == start + size { Ok(Form::End) } else { Err(wrong("its size is wrong")) };
        }
        if take_u32(&mut self.bytes)? == LEGACY {
            return Ok(Form::Legacy);
        }
        let descriptor = self.bytes;
        let flags = take_byte(&mut self.bytes)?;
        let is = |bit: u8| flags & bit != 0;
        let largest = match take_byte(&mut self.bytes)? >> 4 & 7 {
            size @ 4..=7 => 1 << (8 + 2 * size),
            _ => return Err(wrong("its blocks have a size that is not known")),
        };
        if flags >> 6 != 1 {
            return Err(wrong("it has a version that is not known"));
        }
        let left = if is(8) { Some(u64::from_le_bytes(field(&mut self.bytes)?)) } else { None };
        if is(1) {
            take_u32(&mut self.bytes)?;
        }
        let descriptor = &descriptor[..descriptor.len() - self.bytes.len()];
        if take_byte(&mut self.bytes)? != (Xxh32::of(descriptor) >> 8) as u8 {
            return Err(wrong("the checksum of its header is wrong"));
        }
        let sum = is(4).then(Xxh32::new);
        Ok(Form::Blocks { largest, are_alone: is(0x20), have_sums: is(0x10), sum, left })
    }
}

fn field<const LENGTH: usize>(bytes: &mut &[u8]) -> io::Result<[u8; LENGTH]> {
    take(bytes, LENGTH).map(|it| it.try_into().unwrap_or([0; LENGTH]))
}

impl Blocks for Frame<'_> {
    fn next(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let start = out.len();
        match &mut self.form {
            Form::Start => {
                self.form = self.start(out)?;
                Ok(true)
            }
            Form::Legacy => {
                let Some(size) =
                    u32_at(self.bytes).filter(|size| *size as usize <= LEGACY_BLOCK + LEGACY_BLOCK / 255 + 16)
                else {
                    // Only the file's end ends such a frame, or what can be no size.
                    self.form = Form::End;
                    return Ok(false);
                };
                self.bytes = &self.bytes[4..];
                let block = take_some(&mut self.bytes, size as usize);
                unpack(block, out, start + LEGACY_BLOCK)?;
                if block.len() < size as usize { Err(wrong("it ends too early")) } else { Ok(true) }
            }
            Form::Blocks { largest, are_alone, have_sums, sum, left } => {
                const AS_IT_IS: u32 = 1 << 31;
                let size = take_u32(&mut self.bytes)?;
                if size == 0 {
                    let is_right = match sum {
                        Some(sum) => sum.value() == take_u32(&mut self.bytes)?,
                        None => true,
                    };
                    let is_whole = left.is_none_or(|left| left == 0);
                    self.form = Form::End;
                    return if is_right && is_whole {
                        Ok(false)
                    } else {
                        Err(wrong("its checksum or its size is wrong"))
                    };
                }
                let length = (size & !AS_IT_IS) as usize;
                let block = take_some(&mut self.bytes, length);
                if size & AS_IT_IS != 0 {
                    out.extend_from_slice(&block[..block.len().min(*largest)]);
                } else if *are_alone {
                    let mut alone = Vec::new();
                    let unpacked = unpack(block, &mut alone, *largest);
                    out.append(&mut alone);
                    unpacked?;
                } else {
                    unpack(block, out, start + *largest)?;
                }
                if block.len() < length {
                    return Err(wrong("it ends too early"));
                }
                if *have_sums && take_u32(&mut self.bytes)? != Xxh32::of(block) {
                    return Err(wrong("the checksum of a block is wrong"));
                }
                if let Some(sum) = sum {
                    sum.add(&out[start..]);
                }
                if let Some(left) = left {
                    *left = left.wrapping_sub((out.len() - start) as u64);
                }
                Ok(true)
            }
            Form::End => Ok(false),
        }
    }
}

/// Takes as many bytes as there are, but not more than `most`.
fn take_some<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, after) = bytes.split_at(most.min(bytes.len()));
    *bytes = after;
    taken
}

/// What a skippable frame that `bytes` start with holds, and what follows it.
pub(super) fn skippable(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut after = bytes;
    let magic = take_u32(&mut after).ok()?;
    let size = take_u32(&mut after).ok()?;
    (magic & !0xf == SKIPPABLE).then(|| after.split_at_checked(size as usize)).flatten()
}

/// Unpacks a block (lz4_Block_format.md) behind what is in `out`, up to `end` bytes of it all.
pub(super) fn unpack(mut block: &[u8], out: &mut Vec<u8>, end: usize) -> io::Result<()> {
    /// The shortest match.
    const SHORTEST: usize = 4;
    while let Some((&token, after)) = block.split_first() {
        block = after;
        let literals = length(token >> 4, &mut block)?;
        let plain = take_some(&mut block, literals);
        out.extend_from_slice(&plain[..plain.len().min(end.saturating_sub(out.len()))]);
        if plain.len() < literals {
            return Err(wrong("it ends too early"));
        }
        if block.is_empty() {
            // The last sequence is no match.
            return if out.len() <= end { Ok(()) } else { Err(too_large()) };
        }
        let distance = take(&mut block, 2)?;
        let distance = usize::from(u16::from_le_bytes([distance[0], distance[1]]));
        let count = length(token & 15, &mut block)?.saturating_add(SHORTEST);
        if count > end.saturating_sub(out.len()) {
            return Err(too_large());
        }
        repeat(out, distance, count)?;
    }
    Ok(())
}

fn too_large() -> io::Error {
    wrong("it is larger than it may be")
}

/// A length of four bits, or of more bytes.
fn length(low: u8, block: &mut &[u8]) -> io::Result<usize> {
    let mut length = usize::from(low);
    if low == 15 {
        loop {
            let more = take_byte(block)?;
            length = length.saturating_add(usize::from(more));
            if more != 255 {
                break;
            }
        }
    }
    Ok(length)
}

/// The checksum of LZ4 (xxHash's specification, XXH32 with seed 0).
struct Xxh32 {
    lanes: [u32; 4],
    pending: Vec<u8>,
    length: u32,
    is_long: bool,
}

const PRIMES: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];

impl Xxh32 {
    fn new() -> Self {
        let [first, second, ..] = PRIMES;
        let lanes = [first.wrapping_add(second), second, 0, 0u32.wrapping_sub(first)];
        Self { lanes, pending: Vec::new(), length: 0, is_long: false }
    }

    fn of(bytes: &[u8]) -> u32 {
        let mut sum = Self::new();
        sum.add(bytes);
        sum.value()
    }

    fn add(&mut self, bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u32);
        let missing = if self.pending.is_empty() { 0 } else { (16 - self.pending.len()).min(bytes.len()) };
        let (first, bytes) = bytes.split_at(missing);
        self.pending.extend_from_slice(first);
        if self.pending.len() == 16 {
            let pending = std::mem::take(&mut self.pending);
            self.stripe(&pending);
        }
        let stripes = bytes.chunks_exact(16);
        self.pending.extend_from_slice(stripes.remainder());
        stripes.for_each(|stripe| self.stripe(stripe));
    }

    fn stripe(&mut self, bytes: &[u8]) {
        self.is_long = true;
        for (lane, word) in self.lanes.iter_mut().zip(bytes.chunks_exact(4)) {
            let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            *lane = lane.wrapping_add(word.wrapping_mul(PRIMES[1])).rotate_left(13).wrapping_mul(PRIMES[0]);
        }
    }

    fn value(&self) -> u32 {
        let [a, b, c, d] = self.lanes;
        let mut sum = match self.is_long {
            true => [(a, 1), (b, 7), (c, 12), (d, 18)]
                .iter()
                .fold(0u32, |sum, (lane, by)| sum.wrapping_add(lane.rotate_left(*by))),
            false => PRIMES[4],
        };
        sum = sum.wrapping_add(self.length);
        let words = self.pending.chunks_exact(4);
        let bytes = words.remainder();
        for word in words {
            let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            sum = sum.wrapping_add(word.wrapping_mul(PRIMES[2])).rotate_left(17).wrapping_mul(PRIMES[3]);
        }
        for byte in bytes {
            sum = sum.wrapping_add(u32::from(*byte).wrapping_mul(PRIMES[4])).rotate_left(11).wrapping_mul(PRIMES[0]);
        }
        sum = (sum ^ sum >> 15).wrapping_mul(PRIMES[1]);
        sum = (sum ^ sum >> 13).wrapping_mul(PRIMES[2]);
        sum ^ sum >> 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_xxhash() {
        // From xxHash's own table, and of the text at https://create.stephan-brumme.com/xxhash/.
        assert_eq!(Xxh32::of(b""), 0x02cc_5d05);
        assert_eq!(Xxh32::of(b"I want an unsigned 32-bit seed!"), {
            let mut sum = Xxh32::new();
            b"I want an unsigned 32-bit seed!".chunks(5).for_each(|part| sum.add(part));
            sum.value()
        });
        assert_eq!(Xxh32::of(b"abc"), 0x32d1_53ff);
    }

    #[test]
    fn blocks_refer_to_what_came_before() {
        let mut out = b"abc".to_vec();
        // Two literals, then six bytes from three before, then one literal.
        unpack(b"\x22de\x03\0\x10f", &mut out, 99).unwrap();
        assert_eq!(out, b"abcdecdecdef");
        assert!(unpack(b"\x12d\x09\0", &mut b"abc".to_vec(), 99).is_err());
        assert!(unpack(b"\x1fd\x01\0\xff\xff\x01", &mut Vec::new(), 99).is_err());
    }
}
