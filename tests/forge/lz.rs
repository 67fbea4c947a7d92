//! Compressed contents of the LZ family, written so that no text shows in their bytes.

use std::io::Write as _;

/// What a content is made of.
pub enum Op {
    Literal(Vec<u8>),
    /// Distance and length.
    Copy(usize, usize),
}

/// A content that ends with `text`, of which no eight bytes in a row stand in its literals; and what it unpacks to.
pub fn ops(text: &[u8]) -> (Vec<Op>, Vec<u8>) {
    const PIECE: usize = 6;
    let mut ops = Vec::new();
    let mut content = Vec::new();
    let pieces: Vec<&[u8]> = text.chunks(PIECE).collect();
    let mut places = vec![0; pieces.len()];
    for (index, piece) in pieces.iter().enumerate().rev() {
        places[index] = content.len();
        content.extend([piece, &b"\n"[..]].concat());
    }
    ops.push(Op::Literal(content.clone()));
    for (piece, place) in pieces.iter().zip(places) {
        if piece.len() == PIECE {
            ops.push(Op::Copy(content.len() - place, PIECE));
        } else {
            ops.push(Op::Literal(piece.to_vec()));
        }
        content.extend(*piece);
    }
    let end = b"\nand some more lines\n".to_vec();
    content.extend(&end);
    ops.push(Op::Literal(end));
    (ops, content)
}

fn lz4_block(ops: &[Op]) -> Vec<u8> {
    let mut block = Vec::new();
    let mut literals: Vec<u8> = Vec::new();
    let long = |block: &mut Vec<u8>, length: usize| {
        if length >= 15 {
            block.extend(vec![255; (length - 15) / 255]);
            block.push(((length - 15) % 255) as u8);
        }
    };
    for op in ops {
        match op {
            Op::Literal(bytes) => literals.extend(bytes),
            Op::Copy(distance, length) => {
                block.push((literals.len().min(15) << 4 | (length - 4).min(15)) as u8);
                long(&mut block, literals.len());
                block.append(&mut literals);
                block.extend((*distance as u16).to_le_bytes());
                long(&mut block, length - 4);
            }
        }
    }
    block.push((literals.len().min(15) << 4) as u8);
    long(&mut block, literals.len());
    block.extend(literals);
    block
}

/// A block, and what it unpacks to.
pub fn lz4_raw(text: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (ops, content) = ops(text);
    (lz4_block(&ops), content)
}

/// A block of exactly these bytes: all but the first few are copies, if they were said before.
pub fn lz4_exact(bytes: &[u8]) -> Vec<u8> {
    lz4_block(&exact(bytes))
}

fn exact(bytes: &[u8]) -> Vec<Op> {
    let mut ops = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let before = |length: usize| {
            (at >= 6 && at + length < bytes.len())
                .then(|| bytes[..at].windows(length).position(|it| it == &bytes[at..at + length]))?
        };
        if let Some(start) = before(6) {
            ops.push(Op::Copy(at - start, 6));
            at += 6;
        } else {
            ops.push(Op::Literal(vec![bytes[at]]));
            at += 1;
        }
    }
    ops
}

/// XXH32 of less than 16 bytes.
fn xxh32(bytes: &[u8]) -> u32 {
    const P: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];
    let mut sum = P[4].wrapping_add(bytes.len() as u32);
    let words = bytes.chunks_exact(4);
    let rest = words.remainder();
    for word in words {
        let word = u32::from_le_bytes(word.try_into().unwrap());
        sum = sum.wrapping_add(word.wrapping_mul(P[2])).rotate_left(17).wrapping_mul(P[3]);
    }
    for byte in rest {
        sum = sum.wrapping_add(u32::from(*byte).wrapping_mul(P[4])).rotate_left(11).wrapping_mul(P[0]);
    }
    sum = (sum ^ sum >> 15).wrapping_mul(P[1]);
    sum = (sum ^ sum >> 13).wrapping_mul(P[2]);
    sum ^ sum >> 16
}

/// A frame of one block, without checksums but the header's.
pub fn lz4(text: &[u8]) -> Vec<u8> {
    let (block, content) = lz4_raw(text);
    let descriptor = [&[0x68, 0x40][..], &(content.len() as u64).to_le_bytes()].concat();
    let check = (xxh32(&descriptor) >> 8) as u8;
    [&b"\x04\x22\x4d\x18"[..], &descriptor, &[check], &(block.len() as u32).to_le_bytes(), &block, &[0; 4]].concat()
}

/// The form of LZ4's first version.
pub fn lz4_legacy(text: &[u8]) -> Vec<u8> {
    let (block, _) = lz4_raw(text);
    [&b"\x02\x21\x4c\x18"[..], &(block.len() as u32).to_le_bytes(), &block].concat()
}

/// A file of Mozilla's.
pub fn lz4_mozilla(text: &[u8]) -> Vec<u8> {
    let (block, content) = lz4_raw(text);
    [&b"mozLz40\0"[..], &(content.len() as u32).to_le_bytes(), &block].concat()
}

/// A block, and what it unpacks to.
pub fn snappy_raw(text: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (ops, content) = ops(text);
    (snappy_block(&ops, content.len()), content)
}

/// A block of exactly these bytes.
pub fn snappy_exact(bytes: &[u8]) -> Vec<u8> {
    snappy_block(&exact(bytes), bytes.len())
}

fn snappy_block(ops: &[Op], mut size: usize) -> Vec<u8> {
    let mut block = Vec::new();
    while size >= 0x80 {
        block.push(size as u8 | 0x80);
        size >>= 7;
    }
    block.push(size as u8);
    for op in ops {
        match op {
            Op::Literal(bytes) => {
                block.extend([61 << 2]);
                block.extend((bytes.len() as u16 - 1).to_le_bytes());
                block.extend(bytes);
            }
            Op::Copy(distance, length) => {
                block.push(((length - 1) << 2 | 2) as u8);
                block.extend((*distance as u16).to_le_bytes());
            }
        }
    }
    block
}

pub fn snappy(text: &[u8]) -> Vec<u8> {
    let (block, content) = snappy_raw(text);
    let mut sum = !0u32;
    for byte in &content {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = sum >> 1 ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    let sum = (!sum).rotate_right(15).wrapping_add(0xa282_ead8);
    let head = (block.len() as u32 + 4) << 8;
    [&b"\xff\x06\0\0sNaPpY"[..], &head.to_le_bytes(), &sum.to_le_bytes(), &block].concat()
}

/// LZF, as Redis has it.
pub fn lzf(ops: &[Op]) -> Vec<u8> {
    let mut out = Vec::new();
    for op in ops {
        match op {
            Op::Literal(bytes) => bytes.chunks(32).for_each(|run| {
                out.push(run.len() as u8 - 1);
                out.extend(run);
            }),
            Op::Copy(distance, length) => {
                out.push(((length - 2) << 5 | (distance - 1) >> 8) as u8);
                out.push((distance - 1) as u8);
            }
        }
    }
    out
}

/// What `compress -b BITS` makes.
pub fn compress(text: &[u8], bits: u32) -> Vec<u8> {
    let mut out = vec![0x1f, 0x9d, 0x80 | bits as u8];
    let mut table = std::collections::HashMap::new();
    let (mut width, mut next) = (9, 257_u32);
    let mut codes: Vec<u32> = Vec::new();
    // Codes are written by eights, filled up where the width changes.
    let flush = |out: &mut Vec<u8>, codes: &mut Vec<u32>, width: u32| {
        for eight in codes.chunks(8) {
            let mut bytes = vec![0_u8; width as usize];
            for bit in 0..eight.len() * width as usize {
                let is_set = eight[bit / width as usize] >> (bit % width as usize) & 1;
                bytes[bit / 8] |= (is_set as u8) << (bit % 8);
            }
            out.extend(bytes);
        }
        codes.clear();
    };
    let mut before = u32::from(text[0]);
    for byte in &text[1..] {
        if let Some(code) = table.get(&(before, *byte)) {
            before = *code;
            continue;
        }
        codes.push(before);
        if next < 1 << bits {
            table.insert((before, *byte), next);
            next += 1;
        }
        // The reader is one entry behind.
        if next - 1 > (1 << width) - 1 && width < bits {
            flush(&mut out, &mut codes, width);
            width += 1;
        }
        before = u32::from(*byte);
    }
    codes.push(before);
    flush(&mut out, &mut codes, width);
    out
}

/// A `.lzma` file with these properties, and with its size if it `is_told`.
pub fn lzma(text: &[u8], [lc, lp, pb]: [u32; 3], dictionary: u32, is_told: bool) -> Vec<u8> {
    let options =
        lzma_rust2::LzmaOptions { lc, lp, pb, dict_size: dictionary, ..lzma_rust2::LzmaOptions::with_preset(3) };
    let mut writer =
        lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, is_told.then_some(text.len() as u64)).unwrap();
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

/// A member of lzip's.
pub fn lzip(text: &[u8]) -> Vec<u8> {
    let whole = lzma(text, [3, 0, 2], 1 << 16, false);
    let mut out = [b"LZIP\x01\x10", &whole[13..]].concat();
    out.extend(crc32fast::hash(text).to_le_bytes());
    out.extend((text.len() as u64).to_le_bytes());
    out.extend((out.len() as u64 + 8).to_le_bytes());
    out
}

/// Bits, the lowest of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn number(&mut self, value: usize, bits: usize) {
        for place in 0..bits {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> place & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
    }

    /// A code, its highest bit first.
    fn code(&mut self, value: usize, bits: usize) {
        (0..bits).rev().for_each(|place| self.number(value >> place & 1, 1));
    }
}

/// What PKZIP's shrinking makes, with a table that is cleared in part whenever it has so many entries.
pub fn shrink(text: &[u8], most: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut table: std::collections::BTreeMap<usize, (usize, u8)> = std::collections::BTreeMap::new();
    let (mut width, mut last) = (9, 256);
    // The reader adds an entry when it knows what follows, one code later: so does this.
    let mut pending: Option<usize> = None;
    let mut at = 0;
    while at < text.len() {
        let mut code = usize::from(text[at]);
        let first = text[at];
        at += 1;
        while let Some((next, _)) = table.iter().find(|(_, it)| at < text.len() && **it == (code, text[at])) {
            code = *next;
            at += 1;
        }
        if code >= 1 << width {
            bits.number(256, width);
            bits.number(1, width);
            width += 1;
        }
        bits.number(code, width);
        if let Some(before) = pending
            && let Some(free) = (last + 1..1 << 13).find(|it| !table.contains_key(it))
        {
            table.insert(free, (before, first));
            last = free;
        }
        pending = Some(code);
        if table.len() >= most {
            bits.number(256, width);
            bits.number(2, width);
            let parents: Vec<usize> = table.values().map(|it| it.0).collect();
            table.retain(|code, _| parents.contains(code));
            last = 256;
        }
    }
    bits.bytes
}

/// What PKZIP's imploding makes, with codes of one length; and the flags of the entry.
pub fn implode(ops: &[Op], has_literals: bool, is_large: bool) -> (u16, Vec<u8>) {
    let mut bits = Bits::default();
    // 256 codes of eight bits, or 64 of six, as runs of sixteen.
    let trees: &[usize] = if has_literals { &[256, 64, 64] } else { &[64, 64] };
    for symbols in trees {
        bits.number(symbols / 16 - 1, 8);
        (0..symbols / 16).for_each(|_| bits.number(0xf0 | if *symbols == 256 { 7 } else { 5 }, 8));
    }
    let (shortest, low) = (if has_literals { 3 } else { 2 }, if is_large { 7 } else { 6 });
    for op in ops {
        match op {
            Op::Literal(bytes) => bytes.iter().for_each(|byte| {
                bits.number(1, 1);
                match has_literals {
                    true => bits.code(255 - usize::from(*byte), 8),
                    false => bits.number((*byte).into(), 8),
                }
            }),
            Op::Copy(distance, length) => {
                bits.number(0, 1);
                bits.number((distance - 1) & ((1 << low) - 1), low);
                bits.code(63 - ((distance - 1) >> low), 6);
                let length = length - shortest;
                bits.code(63 - length.min(63), 6);
                if length >= 63 {
                    bits.number(length - 63, 8);
                }
            }
        }
    }
    (if is_large { 2 } else { 0 } | if has_literals { 4 } else { 0 }, bits.bytes)
}

/// LZMA as it stands in a zip, with an end marker.
pub fn lzma_in_zip(text: &[u8]) -> Vec<u8> {
    let whole = lzma(text, [3, 0, 2], 1 << 16, false);
    [&[9, 20, 5, 0][..], &whole[..5], &whole[13..]].concat()
}

/// PPMd as it stands in a zip: order 8, one mebibyte.
pub fn ppmd_in_zip(text: &[u8]) -> Vec<u8> {
    let mut encoder = ppmd_rust::Ppmd8Encoder::new(Vec::new(), 8, 1 << 20, ppmd_rust::RestoreMethod::Restart).unwrap();
    encoder.write_all(text).unwrap();
    [vec![7, 0], encoder.finish(false).unwrap()].concat()
}
