//! Files of databases: dumps of Redis, and Parquet.

use super::lz::{lzf, ops};

/// A length of a dump of Redis.
pub fn redis_length(length: usize) -> Vec<u8> {
    match length {
        0..=63 => vec![length as u8],
        64..=16383 => vec![0x40 | (length >> 8) as u8, length as u8],
        _ => [&[0x80][..], &(length as u32).to_be_bytes()].concat(),
    }
}

pub fn redis_string(bytes: &[u8]) -> Vec<u8> {
    [redis_length(bytes.len()), bytes.to_vec()].concat()
}

/// A string that ends with `text`, compressed.
pub fn redis_packed(text: &[u8]) -> Vec<u8> {
    let (ops, content) = ops(text);
    let packed = lzf(&ops);
    [vec![0xc3], redis_length(packed.len()), redis_length(content.len()), packed].concat()
}

/// A dump of these records.
pub fn redis(records: &[&[u8]]) -> Vec<u8> {
    let aux = [b"\xfa".to_vec(), redis_string(b"redis-ver"), redis_string(b"7.2.4"), b"\xfa\x04used\xc2abcd".to_vec()]
        .concat();
    let database = b"\xfe\0\xfb\x05\x01";
    [&b"REDIS0011"[..], &aux, database, &records.concat(), b"\xff", &[0x33; 8]].concat()
}

/// Fields of Thrift's compact protocol, each with its number, its type and its bytes.
pub fn thrift(fields: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut last) = (Vec::new(), 0);
    for (id, kind, bytes) in fields {
        out.push((id - last) << 4 | kind);
        out.extend(bytes);
        last = *id;
    }
    out.push(0);
    out
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A number with its sign in the lowest bit.
pub fn signed(value: i64) -> Vec<u8> {
    varint((value << 1 ^ value >> 63) as u64)
}

pub fn binary(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn list(kind: u8, items: &[Vec<u8>]) -> Vec<u8> {
    [vec![0xf0 | kind], varint(items.len() as u64), items.concat()].concat()
}

const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A page: kind, encoding, count of values; as it is packed, and how large it is unpacked.
pub fn page(kind: i64, encoding: i64, count: i64, packed: &[u8], size: usize) -> Vec<u8> {
    let inner = thrift(&[(1, I32, signed(count)), (2, I32, signed(encoding))]);
    let sizes = [(1, I32, signed(kind)), (2, I32, signed(size as i64)), (3, I32, signed(packed.len() as i64))];
    let header = thrift(&[&sizes[..], &[(if kind == 2 { 7 } else { 5 }, STRUCT, inner)]].concat());
    [header, packed.to_vec()].concat()
}

/// A page of the second version, with levels in front that are never compressed.
pub fn page_2(encoding: i64, count: i64, levels: &[u8], packed: &[u8], size: usize) -> Vec<u8> {
    let inner = thrift(&[
        (1, I32, signed(count)),
        (2, I32, signed(0)),
        (3, I32, signed(count)),
        (4, I32, signed(encoding)),
        (5, I32, signed(levels.len() as i64)),
        (6, I32, signed(0)),
    ]);
    let header = thrift(&[
        (1, I32, signed(3)),
        (2, I32, signed((levels.len() + size) as i64)),
        (3, I32, signed((levels.len() + packed.len()) as i64)),
        (8, STRUCT, inner),
    ]);
    [&header[..], levels, packed].concat()
}

/// A file of one column: what a column holds, how it is compressed, and the pages of each group of rows.
pub fn parquet(kind: i64, length: i64, codec: i64, groups: &[Vec<u8>], is_encrypted: bool) -> Vec<u8> {
    let mut file = b"PAR1".to_vec();
    let mut rows = Vec::new();
    for pages in groups {
        let described = thrift(&[
            (1, I32, signed(kind)),
            (2, LIST, list(I32, &[signed(0)])),
            (3, LIST, list(BINARY, &[binary(b"a"), binary(b"b")])),
            (4, I32, signed(codec)),
            (5, I64, signed(1)),
            (6, I64, signed(1)),
            (7, I64, signed(pages.len() as i64)),
            (9, I64, signed(file.len() as i64)),
        ]);
        let mut chunk = vec![(2, I64, signed(0)), (3, STRUCT, described)];
        if is_encrypted {
            chunk.push((8, STRUCT, thrift(&[(1, STRUCT, thrift(&[]))])));
        }
        rows.push(thrift(&[(1, LIST, list(STRUCT, &[thrift(&chunk)])), (2, I64, signed(1)), (3, I64, signed(1))]));
        file.extend(pages);
    }
    let root = thrift(&[(4, BINARY, binary(b"root")), (5, I32, signed(1))]);
    let leaf =
        thrift(&[(1, I32, signed(kind)), (2, I32, signed(length)), (3, I32, signed(1)), (4, BINARY, binary(b"b"))]);
    let footer = thrift(&[
        (1, I32, signed(2)),
        (2, LIST, list(STRUCT, &[root, leaf])),
        (3, I64, signed(1)),
        (4, LIST, list(STRUCT, &rows)),
        (6, BINARY, binary(b"a test")),
    ]);
    file.extend(&footer);
    file.extend((footer.len() as u32).to_le_bytes());
    file.extend(b"PAR1");
    file
}

/// Values with their lengths in front.
pub fn plain(values: &[&[u8]]) -> Vec<u8> {
    values.iter().flat_map(|it| [&(it.len() as u32).to_le_bytes()[..], it].concat()).collect()
}

/// Numbers packed by their differences, of 32 bits each.
pub fn deltas(numbers: &[usize]) -> Vec<u8> {
    const LEAST: i64 = -5000;
    let mut out = [varint(128), varint(4), varint(numbers.len() as u64), signed(numbers[0] as i64)].concat();
    let steps: Vec<u32> = numbers.windows(2).map(|it| (it[1] as i64 - it[0] as i64 - LEAST) as u32).collect();
    for block in steps.chunks(128) {
        out.extend(signed(LEAST));
        out.extend([32; 4]);
        for part in block.chunks(32) {
            let mut part = part.to_vec();
            part.resize(32, 0);
            out.extend(part.iter().flat_map(|it| it.to_le_bytes()));
        }
    }
    out
}
