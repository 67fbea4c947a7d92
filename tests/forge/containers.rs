//! Containers with what their libraries would not write: entries that no directory names, comments, odd types.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A gzip member with a name, a comment and an extra field (RFC 1952).
pub fn gzip_with(bytes: &[u8], name: &str, comment: &str, extra: &[u8]) -> Vec<u8> {
    let plain = gzip(bytes);
    let mut out = plain[..10].to_vec();
    out[3] = 4 | 8 | 16;
    out.extend((extra.len() as u16).to_le_bytes());
    out.extend(extra);
    for text in [name, comment] {
        out.extend(text.as_bytes());
        out.push(0);
    }
    out.extend(&plain[10..]);
    out
}

pub fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// A frame that decoders of Zstandard pass over (RFC 8878, 3.1.2).
pub fn zstd_skippable(bytes: &[u8]) -> Vec<u8> {
    [&0x184D_2A50_u32.to_le_bytes()[..], &(bytes.len() as u32).to_le_bytes(), bytes].concat()
}

/// An entry of a zip (APPNOTE.TXT 4.3).
#[derive(Debug, Clone, Default)]
pub struct Entry {
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    pub comment: Vec<u8>,
    pub extra: Vec<u8>,
    pub stored: bool,
    /// Method, flags and data, of what is packed in another way.
    pub packed: Option<(u16, u16, Vec<u8>)>,
    /// Stands in the file and not in the central directory.
    pub unlisted: bool,
}

impl Entry {
    pub fn new(name: &str, data: &[u8]) -> Self {
        Self { name: name.into(), data: data.into(), ..Self::default() }
    }

    pub fn stored(name: &str, data: &[u8]) -> Self {
        Self { stored: true, ..Self::new(name, data) }
    }
}

pub fn zip(entries: &[Entry], comment: &[u8]) -> Vec<u8> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0u16);
    for entry in entries {
        let offset = out.len() as u32;
        let usual = || if entry.stored { (0, 0, entry.data.clone()) } else { (8, 0, deflate(&entry.data)) };
        let (method, flags, packed) = entry.packed.clone().unwrap_or_else(usual);
        let mut shared = Vec::new();
        for field in [20u16, flags, method, 0, 0x21] {
            shared.extend(field.to_le_bytes());
        }
        for field in [crc32fast::hash(&entry.data), packed.len() as u32, entry.data.len() as u32] {
            shared.extend(field.to_le_bytes());
        }
        shared.extend((entry.name.len() as u16).to_le_bytes());
        shared.extend((entry.extra.len() as u16).to_le_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&shared);
        out.extend(&entry.name);
        out.extend(&entry.extra);
        out.extend(&packed);
        if entry.unlisted {
            continue;
        }
        count += 1;
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&shared);
        directory.extend((entry.comment.len() as u16).to_le_bytes());
        directory.extend([0; 8]);
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
        directory.extend(&entry.extra);
        directory.extend(&entry.comment);
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend((comment.len() as u16).to_le_bytes());
    out.extend(comment);
    out
}

/// An entry of a tar: header, data, padding (POSIX ustar).
pub fn member(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..name.len().min(100)].copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
    header[100..108].copy_from_slice(b"0000644\0");
    header[108..116].copy_from_slice(b"0000000\0");
    header[116..124].copy_from_slice(b"0000000\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut header);
    let mut out = header.to_vec();
    out.extend(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// Sets the checksum of a tar header that was changed.
pub fn seal(header: &mut [u8]) {
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header[..512].iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Members and the two blocks that end a tar.
pub fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut out = members.concat();
    out.extend([0; 1024]);
    out
}

/// A record of a pax header: length, name, value.
pub fn pax_record(name: &str, value: &str) -> Vec<u8> {
    let mut length = name.len() + value.len() + 4;
    while format!("{length} {name}={value}\n").len() != length {
        length += 1;
    }
    format!("{length} {name}={value}\n").into_bytes()
}

pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, data) in members {
        out.extend(
            format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", format!("{name}/"), 0, 0, 0, 100_644, data.len())
                .as_bytes(),
        );
        out.extend(*data);
        if data.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

/// The "newc" form of cpio.
pub fn cpio(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, data) in members.iter().copied().chain([("TRAILER!!!", &b""[..])]) {
        out.extend(b"070701");
        let size = data.len();
        for field in [1, 0o100_644, 0, 0, 1, 0, size, 0, 0, 0, 0, name.len() + 1, 0] {
            out.extend(format!("{field:08X}").as_bytes());
        }
        out.extend(name.as_bytes());
        out.push(0);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(data);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

/// A database of SQLite with this one object in its schema and nothing in its tables.
pub fn sqlite(kind: &str, name: &str, sql: &str) -> Vec<u8> {
    let varint = |value: usize| match value {
        0..=127 => vec![value as u8],
        _ => vec![0x80 | (value >> 7) as u8, (value & 0x7f) as u8],
    };
    let rooted = matches!(kind, "table" | "index");
    let mut header = Vec::new();
    for text in [kind, name, name] {
        header.extend(varint(13 + 2 * text.len()));
    }
    header.push(1);
    header.extend(varint(13 + 2 * sql.len()));
    let mut record = vec![header.len() as u8 + 1];
    record.extend(header);
    record.extend([kind, name, name].concat().bytes());
    record.push(if rooted { 2 } else { 0 });
    record.extend(sql.bytes());
    let cell = [varint(record.len()), varint(1), record].concat();
    let mut file = vec![0u8; 2048];
    file[..16].copy_from_slice(b"SQLite format 3\0");
    // Page size 1024, versions, reserved, fractions; then two pages, schema format 4, UTF-8.
    file[16..24].copy_from_slice(&[4, 0, 1, 1, 0, 64, 32, 32]);
    file[27] = 1;
    file[31] = 2;
    file[43] = 1;
    file[47] = 4;
    file[59] = 1;
    file[95] = 1;
    file[96..100].copy_from_slice(&3_045_000_u32.to_be_bytes());
    let at = 1024 - cell.len();
    file[at..1024].copy_from_slice(&cell);
    file[100..108].copy_from_slice(&[0x0d, 0, 0, 0, 1, (at >> 8) as u8, at as u8, 0]);
    file[108..110].copy_from_slice(&(at as u16).to_be_bytes());
    file[1024..1032].copy_from_slice(&[0x0d, 0, 0, 0, 0, 4, 0, 0]);
    file
}

/// A page description with one stream, as most programs write it.
pub fn pdf(content: &[u8]) -> Vec<u8> {
    let packed = zlib(content);
    let head = format!(
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n2 0 obj\n<< /Length {} /Filter /FlateDecode >>\nstream\n",
        packed.len()
    );
    [head.as_bytes(), &packed, b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"].concat()
}

/// The record that ends a zip, of one that holds nothing.
pub const ZIP_END: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The head of a 7z that holds nothing.
pub const SEVEN_ZIP: &[u8] = b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
