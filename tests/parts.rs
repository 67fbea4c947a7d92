//! Parts of containers that are no entries, or that not every reader sees: what they hold is found, or said not to be read.
//!
//! Each row is a container with a token in one such part. It is scanned as a file, on standard input, and inside of a
//! `.tar.gz`, where the bytes around it tell nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use Outcome::{Closed, Found, FoundAndGap};

/// What a scan says of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// The token is found, and all was read.
    Found,
    /// The token is found, and something was not read.
    FoundAndGap,
    /// Nobody could read it.
    Closed,
}

struct Row {
    name: &'static str,
    bytes: Vec<u8>,
    outcome: Outcome,
}

/// A token of GitHub's with a right checksum.
fn token() -> String {
    keysieve_engine::rules::sample::fill("<crc32-base62 ghp_ 30>", 7).unwrap()
}

/// A text that compression does not leave as it is.
fn text() -> Vec<u8> {
    format!("{0}token = {1}\n{0}", "nothing to see here\n".repeat(20), token()).into_bytes()
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |outcome, name, bytes| rows.push(Row { name, bytes, outcome });
    zips(&mut add);
    tars(&mut add);
    compressed(&mut add);
    others(&mut add);
    two_formats(&mut add);
    tars_by_another_name(&mut add);
    old_compression(&mut add);
    carried_by_text(&mut add);
    rows
}

type Add<'a> = &'a mut dyn FnMut(Outcome, &'static str, Vec<u8>);

// Zip, written by hand: no library writes what is wrong.

#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    data: Vec<u8>,
    content: Vec<u8>,
    extra: Vec<u8>,
    comment: Vec<u8>,
    /// What the header in front of the data says instead.
    local: Option<(u16, u32)>,
    /// Whether the directory names it.
    is_named: bool,
    descriptor: bool,
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn entry(name: &str, content: &[u8]) -> Entry {
    Entry {
        name: name.into(),
        flags: 0,
        method: 8,
        data: deflate(content),
        content: content.to_vec(),
        extra: Vec::new(),
        comment: Vec::new(),
        local: None,
        is_named: true,
        descriptor: false,
    }
}

fn plain() -> Entry {
    entry("notes.txt", &b"nothing to see here\n".repeat(20))
}

fn stored(name: &str, content: &[u8]) -> Entry {
    Entry { method: 0, data: content.to_vec(), ..entry(name, content) }
}

fn le(bytes: usize, value: u64) -> Vec<u8> {
    value.to_le_bytes()[..bytes].to_vec()
}

fn zip(entries: &[Entry], comment: &[u8]) -> Vec<u8> {
    let (mut file, mut directory, mut named) = (Vec::new(), Vec::new(), 0);
    for entry in entries {
        let start = file.len();
        let crc = crc32fast::hash(&entry.content);
        let flags = entry.flags | if entry.descriptor { 8 } else { 0 };
        let sizes = [le(4, crc.into()), le(4, entry.data.len() as u64), le(4, entry.content.len() as u64)].concat();
        let (method, packed) = entry.local.unwrap_or((entry.method, entry.data.len() as u32));
        let local = match entry.descriptor {
            true => vec![0; 12],
            false => [le(4, crc.into()), le(4, packed.into()), le(4, entry.content.len() as u64)].concat(),
        };
        let lengths = [le(2, entry.name.len() as u64), le(2, entry.extra.len() as u64)].concat();
        let head = |method: u16| [le(2, 20), le(2, flags.into()), le(2, method.into()), le(4, 0x5a21_0000)].concat();
        file.extend([b"PK\x03\x04".to_vec(), head(method), local, lengths.clone()].concat());
        file.extend([entry.name.as_slice(), &entry.extra, &entry.data].concat());
        if entry.descriptor {
            file.extend([b"PK\x07\x08".to_vec(), sizes.clone()].concat());
        }
        if entry.is_named {
            named += 1;
            let version = le(2, 0x031e);
            directory.extend([b"PK\x01\x02".to_vec(), version, head(entry.method), sizes, lengths].concat());
            directory.extend([le(2, entry.comment.len() as u64), le(8, 0), le(4, start as u64)].concat());
            directory.extend([entry.name.as_slice(), &entry.extra, &entry.comment].concat());
        }
    }
    let place = [le(4, directory.len() as u64), le(4, file.len() as u64)].concat();
    let end = [b"PK\x05\x06".to_vec(), le(4, 0), le(2, named), le(2, named), place].concat();
    [file, directory, end, le(2, comment.len() as u64), comment.to_vec()].concat()
}

fn zips(add: Add<'_>) {
    let token = token();
    let leak = || entry("conf.txt", &text());
    add(Found, "comment.zip", zip(&[plain()], token.as_bytes()));
    add(Found, "entry-comment.zip", zip(&[Entry { comment: token.clone().into(), ..plain() }, plain()], b""));
    add(Found, "entry-name.zip", zip(&[Entry { name: format!("a/{token}").into(), ..plain() }], b""));
    add(Found, "extra-field.zip", {
        let extra = [le(2, 0x4b53), le(2, token.len() as u64), token.clone().into()].concat();
        zip(&[Entry { extra, ..plain() }], b"")
    });
    add(Found, "not-in-the-directory.zip", zip(&[plain(), Entry { is_named: false, ..leak() }], b""));
    add(Found, "not-in-an-empty-directory.zip", zip(&[Entry { is_named: false, ..leak() }], b""));
    add(Found, "large-and-not-in-the-directory.zip", {
        let packed = leak().data.len() as u64;
        let extra = [le(2, 1), le(2, 8), le(8, packed)].concat();
        zip(&[plain(), Entry { is_named: false, extra, local: Some((8, u32::MAX)), ..leak() }], b"")
    });
    let described = Entry { is_named: false, descriptor: true, ..leak() };
    add(Found, "described-behind.zip", zip(&[plain(), described.clone(), plain()], b""));
    let stored_behind = Entry { is_named: false, descriptor: true, ..stored("a", &gzip(&text())) };
    add(Found, "stored-and-described-behind.zip", zip(&[stored_behind, plain()], b""));
    add(Found, "one-name-twice.zip", zip(&[leak(), entry("conf.txt", b"harmless")], b""));
    add(Found, "one-name-twice-the-other-way.zip", zip(&[entry("conf.txt", b"harmless"), leak()], b""));
    add(Found, "directory-with-content.zip", zip(&[Entry { name: b"conf/".to_vec(), ..leak() }], b""));
    add(Found, "stored-directory.zip", zip(&[stored("conf/", &gzip(&text()))], b""));
    let other = Entry { method: 0, local: Some((8, leak().data.len() as u32)), content: leak().data, ..leak() };
    add(FoundAndGap, "headers-disagree-on-the-method.zip", zip(&[other], b""));
    let longer = [deflate(b"harmless"), leak().data].concat();
    add(Closed, "more-than-its-compressed-data.zip", zip(&[Entry { data: longer, ..entry("a", b"harmless") }], b""));
    add(FoundAndGap, "wrong-checksum.zip", zip(&[Entry { content: b"other".to_vec(), ..leak() }], b""));
    add(Closed, "encrypted.zip", zip(&[Entry { flags: 1, ..leak() }], b""));
    add(Closed, "encrypted-and-not-in-the-directory.zip", {
        zip(&[plain(), Entry { flags: 1, is_named: false, ..leak() }], b"")
    });
    add(Closed, "unknown-method.zip", zip(&[Entry { method: 19, ..leak() }], b""));
    add(Found, "bzip2-method.zip", zip(&[Entry { method: 12, data: bzip2(&text()), ..leak() }], b""));
    add(Found, "zstd-method.zip", zip(&[Entry { method: 93, data: zstd(&text()), ..leak() }], b""));
    let whole = zip(&[plain(), leak()], b"");
    add(FoundAndGap, "no-directory.zip", whole[..whole.len() - 120].to_vec());
    add(Found, "two-archives.zip", [whole.clone(), zip(&[plain()], b"")].concat());
    add(Found, "spanned.zip", [b"PK\x07\x08".to_vec(), whole.clone()].concat());
    add(Found, "text-behind.zip", [zip(&[plain()], b""), text()].concat());
    add(Closed, "unknown-bytes-behind.zip", [zip(&[plain()], b""), leak().data].concat());
    add(Closed, "name-longer-than-the-archive.zip", {
        let mut file = zip(&[leak()], b"");
        file[26..28].fill(0xff);
        file
    });
    add(Closed, "described-behind-by-another-checksum.zip", {
        let mut file = zip(&[Entry { data: deflate(b"harmless"), ..described }, plain()], b"");
        let at = memchr::memmem::find(&file, b"PK\x07\x08").unwrap();
        file[at + 4] ^= 1;
        file
    });
    add(Found, "tar-gz-in-the-comment.zip", zip(&[plain()], &tar_gz("a", &text())));
    add(Found, "names-with-no-space-between.zip", {
        zip(&[entry("a", b""), Entry { name: token.clone().into(), ..stored("", b"") }, stored("b", b"")], b"")
    });
}

// Tar, written by hand as well.

fn header(name: &str, kind: u8, size: usize) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len().min(100)].copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..124].copy_from_slice(b"0001750\x000001750\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"14000000000\0");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    summed(block)
}

fn summed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn changed(block: [u8; 512], at: usize, bytes: &[u8]) -> [u8; 512] {
    let mut block = block;
    block[at..at + bytes.len()].copy_from_slice(bytes);
    summed(block)
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn member(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
    [header(name, kind, data.len()).to_vec(), padded(data)].concat()
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let length = (1..).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
        text.extend(format!("{length}{rest}").bytes());
    }
    member("PaxHeader", b'x', &text)
}

fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    [member("notes.txt", b'0', b"nothing\n"), members.concat(), vec![0; 1024]].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_gz(name: &str, bytes: &[u8]) -> Vec<u8> {
    gzip(&[member(name, b'0', bytes), vec![0; 1024]].concat())
}

fn tars(add: Add<'_>) {
    let token = token();
    let packed = gzip(&text());
    add(Found, "entry-name.tar", tar(&[member(&format!("a/{token}"), b'0', b"x")]));
    add(Found, "link-target.tar", tar(&[changed(header("a", b'2', 0), 157, token.as_bytes()).to_vec()]));
    add(
        Found,
        "owner.tar",
        tar(&[changed(header("a", b'5', 0), 265, &token.as_bytes()[..31]).to_vec(), text_member()]),
    );
    add(Found, "pax-comment.tar", tar(&[pax(&[("comment", &token)]), member("a", b'0', b"x")]));
    add(Found, "pax-global.tar", {
        let mut global = pax(&[("comment", &token)]);
        let block: [u8; 512] = global[..512].try_into().unwrap();
        global[..512].copy_from_slice(&changed(block, 156, b"g"));
        tar(&[global, member("a", b'0', b"x")])
    });
    add(Found, "long-name.tar", {
        tar(&[
            member("././@LongLink", b'L', format!("{}{token}\0", "d/".repeat(60)).as_bytes()),
            member("a", b'0', b"x"),
        ])
    });
    add(Found, "long-link.tar", {
        tar(&[
            member("././@LongLink", b'K', format!("{}{token}\0", "d/".repeat(60)).as_bytes()),
            member("a", b'2', b""),
        ])
    });
    add(Found, "unknown-type.tar", tar(&[member("a.gz", b'Z', &packed)]));
    add(Found, "multiple-volumes.tar", tar(&[member("a.gz", b'M', &packed)]));
    add(Found, "contents-of-a-folder.tar", tar(&[member("a", b'D', format!("Y{token}\0\0").as_bytes())]));
    add(Found, "volume-label.tar", tar(&[member(&format!("label {token}"), b'V', b"")]));
    add(Found, "folder-with-content.tar", tar(&[member("a", b'5', &packed)]));
    add(Found, "link-with-content.tar", tar(&[member("a", b'1', &packed)]));
    add(Found, "folder-with-entries.tar", tar(&[member("a", b'5', &member("b.gz", b'0', &packed))]));
    add(Found, "one-name-twice.tar", tar(&[member("a", b'0', &packed), member("a", b'0', b"harmless")]));
    add(Found, "second-archive.tar", [tar(&[]), tar(&[member("a", b'0', &packed)])].concat());
    add(Found, "gzip-behind.tar", [tar(&[]), packed.clone()].concat());
    add(Found, "text-behind.tar", [tar(&[]), text()].concat());
    let document = [b"%PDF-1.1\n".to_vec(), text()].concat();
    add(Found, "document-behind.tar", [tar(&[]), document.clone()].concat());
    add(Found, "document-behind.gz", [gzip(b"nothing\n"), document].concat());
    add(Found, "script-behind.tar", [tar(&[]), b"#!/bin/sh\nexit\n".to_vec(), packed.clone()].concat());
    add(Found, "text-before-the-end.tar", [member("a", b'0', b"x"), padded(&text()), vec![0; 1024]].concat());
    add(Found, "padding.tar", {
        let mut member = member("a", b'0', b"x\n");
        member[600..600 + token.len()].copy_from_slice(token.as_bytes());
        tar(&[member])
    });
    add(Closed, "unknown-bytes-in-the-padding.tar", {
        let mut member = member("a", b'0', b"x\n");
        member[600..600 + packed.len()].copy_from_slice(&deflate(&text()).repeat(2)[..packed.len()]);
        tar(&[member])
    });
    add(Found, "size-ends-in-the-token.tar", {
        let mut member = member("a", b'0', &text());
        let block: [u8; 512] = member[..512].try_into().unwrap();
        member[..512].copy_from_slice(&changed(block, 124, b"00000000644\0"));
        tar(&[member])
    });
    add(Closed, "damaged-header.tar", {
        let mut member = member("a", b'0', &packed);
        member[3] = b'x';
        tar(&[member])
    });
    add(Closed, "two-sizes.tar", {
        let all = [padded(b"nothing"), member("b.gz", b'0', &packed)].concat();
        let hidden = [header("a", b'0', 4).to_vec(), all].concat();
        tar(&[pax(&[("size", &(hidden.len() - 512).to_string())]), hidden])
    });
    add(Closed, "cut-short.tar", tar(&[member("a", b'0', &gzip(&text().repeat(90)))])[..1600].to_vec());
    add(Found, "seventh-edition.tar", {
        let mut member = member("a", b'0', &packed);
        let block: [u8; 512] = member[..512].try_into().unwrap();
        member[..512].copy_from_slice(&changed(block, 257, &[0; 8]));
        [member, vec![0; 1024]].concat()
    });
    sparse(add, &packed);
}

fn text_member() -> Vec<u8> {
    member("conf", b'0', &text())
}

/// A database with a hole would not open without it: here a gzip that is two parts, with a hole of zeros in its text.
fn sparse(add: Add<'_>, packed: &[u8]) {
    // A stored block of 2 KiB of zeros, in which the hole is, then the token.
    let holey = {
        let content = [vec![b'\n'; 512], vec![0; 2048], text()].concat();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        encoder.write_all(&content).unwrap();
        encoder.finish().unwrap()
    };
    let (start, end) = (540, 540 + 1536);
    assert!(holey[start..end].iter().all(|byte| *byte == 0) && packed.len() < 512);
    let data = [&holey[..start], &holey[end..]].concat();
    let whole = holey.len();
    let tail = whole - end;
    let map = format!("0,{start},{end},{tail}");
    add(Found, "sparse-pax-0-0.tar", {
        let start = start.to_string();
        let records = [
            ("GNU.sparse.size", whole.to_string()),
            ("GNU.sparse.numblocks", "2".to_owned()),
            ("GNU.sparse.offset", "0".to_owned()),
            ("GNU.sparse.numbytes", start),
            ("GNU.sparse.offset", end.to_string()),
            ("GNU.sparse.numbytes", tail.to_string()),
        ];
        let records: Vec<(&str, &str)> = records.iter().map(|(key, value)| (*key, value.as_str())).collect();
        tar(&[pax(&records), member("a.gz", b'0', &data)])
    });
    add(Found, "sparse-pax-0-1.tar", {
        let records = [("GNU.sparse.name", "a.gz"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.map", map.as_str())];
        tar(&[pax(&records), member("GNUSparseFile.0/a.gz", b'0', &data)])
    });
    add(Found, "sparse-pax-1-0.tar", {
        let records = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "a.gz")];
        let list = padded(format!("2\n0\n{start}\n{end}\n{tail}\n").as_bytes());
        tar(&[pax(&records), member("GNUSparseFile.0/a.gz", b'0', &[list, data.clone()].concat())])
    });
    add(FoundAndGap, "sparse-parts-in-one-place.tar", {
        let (first, last) = (packed.len(), b"nothing".len());
        let map = format!("0,{first},0,{last}");
        let records = [("GNU.sparse.name", "a.gz"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.map", map.as_str())];
        tar(&[pax(&records), member("a.gz", b'0', &[packed, b"nothing"].concat())])
    });
    add(Found, "sparse-gnu.tar", {
        let part = |offset: usize, length: usize| format!("{offset:011o}\0{length:011o}\0").into_bytes();
        let block = changed(header("a.gz", b'S', data.len()), 257, b"ustar  \0");
        let block = changed(block, 386, &part(0, 100));
        let block = changed(block, 482, &[1]);
        let mut more = [part(100, start - 100), part(end, tail)].concat();
        more.resize(512, 0);
        tar(&[block.to_vec(), more, padded(&data)])
    });
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn compressed(add: Add<'_>) {
    let token = token();
    let builder = || flate2::GzBuilder::new();
    let written = |builder: flate2::GzBuilder| {
        let mut encoder = builder.write(Vec::new(), flate2::Compression::best());
        encoder.write_all(b"nothing").unwrap();
        encoder.finish().unwrap()
    };
    add(Found, "name.gz", written(builder().filename(token.as_str())));
    add(Found, "comment.gz", written(builder().comment(token.as_str())));
    add(Found, "extra.gz", written(builder().extra([b"ks\x28\0".as_slice(), token.as_bytes()].concat())));
    let member = || gzip(b"nothing\n");
    add(Found, "second-member.gz", [member(), gzip(&text())].concat());
    add(Found, "second-member-behind-zeros.gz", [member(), vec![0; 100], gzip(&text())].concat());
    add(Found, "name-of-the-second-member.gz", [member(), written(builder().filename(token.as_str()))].concat());
    add(Found, "text-behind.gz", [member(), text()].concat());
    add(Closed, "unknown-bytes-behind.gz", [member(), deflate(&text())].concat());
    add(Found, "tar-gz-behind.bz2", [bzip2(b"nothing"), tar_gz("a", &text())].concat());
    add(Found, "behind-an-empty-stream.bz2", [bzip2(b""), bzip2(&text())].concat());
    add(Found, "second-stream.bz2", [bzip2(b"nothing\n"), bzip2(&text())].concat());
    add(Found, "text-behind.bz2", [bzip2(b"nothing"), text()].concat());
    // As `xz` writes it.
    let xz = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\x01\x00\x03\x74\x65\x78\x74\x00\x55\xcd\xe8\x33\xff\x4a\x0c\x17\x00\x01\x1c\x04\x6f\x2c\x9c\xc1\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a".to_vec();
    add(Found, "text-behind.xz", [xz.clone(), text()].concat());
    add(Found, "gzip-behind.xz", [xz, gzip(&text())].concat());
    let script = b"#!/bin/sh\nexit 0\n";
    add(Found, "two-in-a-script.sh", [&script[..], &zstd(&text()), b"\n", &member()].concat());
    add(FoundAndGap, "text-like-a-start-in-a-script.sh", {
        [&script[..], b"BZh91AY&SY is how one starts\n", &bzip2(&text())].concat()
    });
    let skippable = |bytes: &[u8]| [b"\x53\x2a\x4d\x18".to_vec(), le(4, bytes.len() as u64), bytes.to_vec()].concat();
    add(Found, "skippable-frame.zst", [zstd(b"nothing"), skippable(&text())].concat());
    add(Found, "skippable-frame-first.zst", [skippable(b"x"), zstd(&text())].concat());
    add(Found, "second-frame.zst", [zstd(b"nothing\n"), skippable(b""), zstd(&text())].concat());
    add(Found, "text-behind.zst", [zstd(b"nothing"), text()].concat());
}

fn cpio(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, mode, data) in entries.iter().chain([&("TRAILER!!!", 0, &b""[..])]) {
        let fields = [1, *mode, 0, 0, 1, 0, data.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0];
        file.extend(b"070701");
        fields.iter().for_each(|field| file.extend(format!("{field:08X}").bytes()));
        file.extend([name.as_bytes(), b"\0"].concat());
        file.resize(file.len().next_multiple_of(4), 0);
        file.extend(*data);
        file.resize(file.len().next_multiple_of(4), 0);
    }
    file
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = b"!<arch>\n".to_vec();
    for (name, data) in members {
        file.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", data.len()).bytes());
        file.extend(*data);
        file.resize(file.len().next_multiple_of(2), b'\n');
    }
    file
}

fn others(add: Add<'_>) {
    let token = token();
    let packed = gzip(&text());
    add(Found, "entry-name.cpio", cpio(&[(&format!("a/{token}"), 0o100_644, b"x")]));
    add(Found, "link-target.cpio", cpio(&[("a", 0o120_777, token.as_bytes())]));
    add(Found, "folder-with-content.cpio", cpio(&[("a", 0o040_755, &packed)]));
    add(Found, "second-archive.cpio", [cpio(&[]), cpio(&[("a.gz", 0o100_644, &packed)])].concat());
    add(Found, "gzip-behind.cpio", [cpio(&[]), vec![0; 300], gzip(&cpio(&[("a", 0o100_644, &text())]))].concat());
    add(Found, "text-behind.cpio", [cpio(&[]), text()].concat());
    let odc = |name: &str, data: &[u8]| {
        let zeros = "0".repeat(42);
        [format!("070707{zeros}{:011o}{:06o}{:011o}{name}\0", 0, name.len() + 1, data.len()).as_bytes(), data].concat()
    };
    let record = |name: &str, data: &[u8]| [format!("B{}\n{name}\n", data.len()).as_bytes(), data].concat();
    let bazaar = b"Bazaar pack format 1 (introduced in 0.18)\n";
    add(Found, "bazaar.pack", [bazaar.as_slice(), &record("", b"x"), &record("a\n", &packed), b"E"].concat());
    add(Found, "bazaar-token-as-name.pack", [bazaar.as_slice(), &record(&format!("{token}\n"), b"x"), b"E"].concat());
    add(Found, "bazaar-behind-the-end.pack", [bazaar.as_slice(), &record("", b"x"), b"E\n", &text()].concat());
    add(Closed, "bazaar-cut.pack", [bazaar.as_slice(), &record("", &packed)[..30]].concat());
    add(Found, "old-form.cpio", [odc("a.gz", &packed), odc("TRAILER!!!", b"")].concat());
    let old = |name: &str, data: &[u8], word: fn(u16) -> [u8; 2]| {
        let words = [0o070_707, 1, 2, 0o100_644, 0, 0, 1, 0, 0, 0, name.len() as u16 + 1, 0, data.len() as u16];
        let mut entry = [words.map(word).concat(), name.as_bytes().to_vec(), vec![0]].concat();
        entry.resize(entry.len().next_multiple_of(2), 0);
        entry.extend(data);
        entry.resize(entry.len().next_multiple_of(2), 0);
        entry
    };
    for (name, word) in
        [("binary.cpio", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("binary-turned.cpio", u16::to_be_bytes)]
    {
        add(Found, name, [old("a.gz", &packed, word), old("TRAILER!!!", b"", word)].concat());
    }
    // As tar without its last blocks: all that there is was read.
    add(Found, "no-trailer.cpio", odc("a.gz", &packed));
    add(Closed, "cut.cpio", odc("a.txt", b"nothing")[..85].to_vec());
    add(Found, "long-names.ar", ar(&[("//", format!("{token}/\n").as_bytes()), ("/0", b"x")]));
    add(Found, "symbols.ar", ar(&[("/", format!("\0\0\0\x01\0\0\0\x01{token}\0").as_bytes()), ("a.o/", b"x")]));
    let name = format!("{token}.o");
    add(Found, "bsd-name-that-ends-in-the-token.ar", ar(&[("#1/9", format!("{name}x").as_bytes())]));
    add(Found, "bsd-names.ar", ar(&[(&format!("#1/{}", name.len()), format!("{name}x").as_bytes())]));
    add(Found, "text-behind.ar", [ar(&[("a", b"x")]), vec![b'\n'; 20], text()].concat());
    add(Found, "gzip-behind.deb", [ar(&[("debian-binary", b"2.0\n")]), packed.clone()].concat());
    let headers = |data: &[u8]| {
        let be = |value: usize| (value as u32).to_be_bytes();
        [&b"\x8e\xad\xe8\x01\0\0\0\0"[..], &be(1), &be(data.len()), &[0; 16], data].concat()
    };
    let lead = [&b"\xed\xab\xee\xdb\x03\0"[..], &[0; 90], &headers(b"12345678")].concat();
    let script = format!("a\0echo {token}\0");
    add(Found, "script.rpm", [lead, headers(script.as_bytes()), gzip(&cpio(&[]))].concat());
    let fixture = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/containers").join(name);
        let mut bytes = fs::read(path).unwrap();
        let mark = format!("MARK_{}", "x".repeat(35));
        let places: Vec<usize> = memchr::memmem::find_iter(&bytes, &mark).collect();
        places.into_iter().for_each(|at| bytes[at..at + mark.len()].copy_from_slice(token.as_bytes()));
        bytes
    };
    for name in ["default.db", "view.db", "trigger.db", "index.db", "deleted.db", "log.db-wal"] {
        add(Found, name, fixture(&format!("parts/{name}")));
    }
    add(Found, "named.7z", fixture("parts/named.7z"));
    add(Found, "text-behind.7z", [fixture("a.7z"), text()].concat());
    add(Closed, "closed.7z", fixture("parts/closed.7z"));
    let alias = [&b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01\0\0\0\x02\0\x28"[..], token.as_bytes(), &[0; 60]].concat();
    add(Found, "alias.jks", alias);
    add(Found, "text-behind.p12", [fixture("unknown.p12"), text()].concat());
}

/// A tar whose first entry has a name that other formats start with: they hide none of what is in it.
fn tars_by_another_name(add: Add<'_>) {
    let all = |name: &[u8]| {
        let first = changed(header("", b'0', 0), 0, name).to_vec();
        [first, member("a.gz", b'0', &gzip(&text())), vec![0; 1024]].concat()
    };
    let left = all(b"").len() as u32;
    let skippable = [b"\x50\x2a\x4d\x18".to_vec(), (left - 8).to_le_bytes().to_vec()].concat();
    let snappy = [&b"\xff\x06\0\0sNaPpY\xfe"[..], &(left - 14).to_le_bytes()[..3]].concat();
    let no_block = b"\x04\x22\x4d\x18\x60\x40\x82\0\0\0\0\x50\x2a\x4d\x18";
    let lz4 = [&no_block[..], &(left - 19).to_le_bytes()].concat();
    add(Found, "document.tar", all(b"%PDF-1.4"));
    add(Found, "dump.tar", all(b"REDIS0011\xffAAAAAAAA"));
    add(Found, "skippable.tar", all(&skippable));
    add(Found, "snappy.tar", all(&snappy));
    add(Found, "lz4.tar", all(&lz4));
    add(Found, "journal.tar", all(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"));
}

/// The same value in so many bits, of each pair, the highest bit first.
fn bits(values: impl IntoIterator<Item = (u32, usize)>) -> Vec<u8> {
    let mut bits: Vec<u8> =
        values.into_iter().flat_map(|(value, bits)| (0..bits).rev().map(move |at| (value >> at & 1) as u8)).collect();
    bits.resize(bits.len().next_multiple_of(8), 0);
    bits.chunks(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// What gzip opens of old Unixes.
fn old_compression(add: Add<'_>) {
    let text = text();
    add(Closed, "old.gz", [b"\x1f\x9e", &gzip(&text)[2..]].concat());
    // All codes have eight bits, and stand for the byte that follows.
    let size = (text.len() as u32).to_be_bytes();
    let symbols: Vec<u8> = (1..=255).collect();
    let codes: Vec<u8> = text.iter().map(|byte| byte - 1).collect();
    add(Closed, "pack.z", [b"\x1f\x1e", &size[..], b"\x08\0\0\0\0\0\0\0\xfe", &symbols, &codes, b"\xff"].concat());
    // As are they here, but no byte stands where bytes do.
    let head = [(text.len() as u32, 16), (0, 5), (10, 5), (256, 9), (0, 4), (0, 4)];
    let codes = text.iter().map(|byte| (u32::from(*byte), 8));
    add(Closed, "sco.z", [b"\x1f\xa0".to_vec(), bits(head.into_iter().chain(codes).chain([(0, 16)]))].concat());
    // Codes of nine bits, the lowest one first.
    let line = format!("token = {}\n", token());
    let codes = bits(line.bytes().rev().map(|byte| (u32::from(byte), 9)));
    let used = line.len() * 9;
    let mut lowest_first: Vec<u8> = Vec::new();
    for at in 0..used.div_ceil(8) {
        let bit = |at: usize| used.checked_sub(at + 1).map_or(0, |at| codes[at / 8] >> (7 - at % 8) & 1);
        lowest_first.push((0..8).fold(0, |byte, place| byte | bit(at * 8 + place) << place));
    }
    add(Found, "reserved-flags.Z", [b"\x1f\x9d\xf0".to_vec(), lowest_first].concat());
}

/// What a text carries behind a line.
fn carried_by_text(add: Add<'_>) {
    let packed = gzip(&text());
    add(Found, "behind-a-short-line.txt", [b"hi\n", &packed[..]].concat());
    add(Found, "behind-an-empty-line.txt", [b"\n", &packed[..]].concat());
    add(Found, "newlines-behind.txt", [b"hello world\n", &packed[..], &[b'\n'; 80]].concat());
    add(Found, "zeros-behind.txt", [b"hello world\n", &packed[..], &[0; 80]].concat());
    add(Found, "control-character-before.txt", [b"hello world\x01xx\n", &packed[..]].concat());
    add(Found, "late-control-character-before.txt", [b"hello world 123\n\x02\n", &packed[..]].concat());
}

/// A zip behind a text, whose counts are wrong or whose end is not the file's.
#[test]
fn a_zip_behind_text_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let whole = zip(&[plain(), entry("conf.txt", &text())], b"");
    let end = whole.len() - 22;
    let with = |at: usize, bytes: &[u8]| {
        let mut zip = whole.clone();
        zip[end + at..end + at + bytes.len()].copy_from_slice(bytes);
        zip
    };
    let rows = [
        ("no entries", with(8, &[0; 4])),
        ("too many entries", with(8, &[0xff; 4])),
        ("counts that differ", with(8, &[1, 0])),
        ("another disk", with(4, &[1, 0, 1, 0])),
        ("a comment", zip(&[plain(), entry("conf.txt", &text())], b"a comment")),
        ("a newline behind", [&whole[..], b"\n"].concat()),
        ("zeros behind", [&whole[..], &[0; 600]].concat()),
    ];
    let mut wrong = Vec::new();
    for (name, zip) in rows {
        for (before, text) in [("text", b"hello world\n".repeat(5)), ("a picture", [&b"GIF89a"[..], &[0; 60]].concat())]
        {
            let content = [text, zip.clone()].concat();
            let (found, _, code) = scan(folder.path(), &["-"], &content);
            if !found.contains("-") {
                wrong.push(format!("{name}, behind {before}: not found, exit code {code}"));
            }
            fs::write(folder.path().join("a"), tar_gz("a", &content)).unwrap();
            if !scan(folder.path(), &["a"], b"").0.contains("a") {
                wrong.push(format!("{name}, behind {before}, in an archive: not found"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is a format that is not opened, and one that is: the one hides nothing of the other.
fn two_formats(add: Add<'_>) {
    let packed = deflate(&text());
    let readable = || zip(&[plain()], b"");
    let heads: [(&str, &[u8]); 6] = [
        ("rar-and-zip.rar", b"Rar!\x1a\x07\x01\0"),
        ("lzop-and-zip.lzo", b"\x89LZO\0\x0d\x0a\x1a\x0a"),
        ("wim-and-zip.wim", b"MSWIM\0\0\0"),
        ("xar-and-zip.xar", b"xar!\0\x1c"),
        ("qcow2-and-zip.qcow2", b"QFI\xfb"),
        ("squashfs-and-zip.sqfs", b"hsqs\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\0"),
    ];
    for (name, head) in heads {
        add(Closed, name, [head, &packed, &readable()].concat());
    }
    let disc = |head: &[u8]| {
        let mut disc = vec![0; 40_000];
        disc[..head.len()].copy_from_slice(head);
        disc[32_768..32_774].copy_from_slice(b"\x01CD001");
        [disc, packed.clone()].concat()
    };
    add(Closed, "disc-and-document.iso", disc(b"%PDF-1.4\n"));
    add(Closed, "disc-and-dump.iso", disc(b"REDIS0011\xff\0\0\0\0\0\0\0\0"));
    add(Closed, "disc-and-zip.iso", [disc(b""), readable()].concat());
    let trailer = [&b"koly\0\0\0\x04"[..], &[0; 504]].concat();
    add(Closed, "image-and-document.dmg", [b"%PDF-1.4\n", &packed[..], &trailer].concat());
    add(Closed, "rar-and-zip-in-a.zip", {
        zip(&[stored("a.rar", &[b"Rar!\x1a\x07\x01\0", &packed[..], &readable()].concat())], b"")
    });
    add(Closed, "rar-in-a-dump.rdb", {
        let value = [b"Rar!\x1a\x07\x01\0", &packed[..]].concat();
        let length = [vec![0x80], (value.len() as u32).to_be_bytes().to_vec()].concat();
        [b"REDIS0011\xfe\0\0\x01q", &length[..], &value, b"\xff\0\0\0\0\0\0\0\0"].concat()
    });
}

/// Which paths have the secret, and which have gaps.
fn seen(output: &[u8]) -> (HashSet<String>, HashSet<String>) {
    let (mut found, mut gaps) = (HashSet::new(), HashSet::new());
    let secrets = [token(), "Tr4vel-Lantern-95".to_owned()];
    for line in String::from_utf8_lossy(output).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let row = |path: &Value| path.as_str().unwrap().split("!/").next().unwrap().to_owned();
        if line["secret"].as_str().is_some_and(|secret| secrets.iter().any(|it| it == secret)) {
            found.insert(row(&line["location"]["path"]));
        }
        for gap in line["incomplete"].as_array().into_iter().flatten() {
            gaps.insert(row(&gap["path"]));
        }
    }
    (found, gaps)
}

fn scan(folder: &Path, arguments: &[&str], input: &[u8]) -> (HashSet<String>, HashSet<String>, i32) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(["scan", "--format", "jsonl", "--show-secrets"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let (found, gaps) = seen(&output.stdout);
    (found, gaps, output.status.code().unwrap())
}

#[test]
fn every_part_is_read_or_said() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows();
    let write = |name: String, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    for row in &rows {
        write(row.name.to_owned(), &row.bytes);
        write(format!("{}.tar.gz", row.name), &tar_gz(row.name, &row.bytes));
    }
    let (found, gaps, _) = scan(folder.path(), &["."], b"");
    let mut wrong = Vec::new();
    for row in &rows {
        let mut expect = |how: &str, is_found: bool, has_gap: bool| {
            let outcome = match (is_found, has_gap) {
                (true, false) => Some(Found),
                (true, true) => Some(FoundAndGap),
                (false, true) => Some(Closed),
                (false, false) => None,
            };
            if outcome != Some(row.outcome) {
                wrong.push(format!("{} {how}: {outcome:?} and not {:?}", row.name, row.outcome));
            }
        };
        for path in [row.name.to_owned(), format!("{}.tar.gz", row.name)] {
            expect(&path, found.contains(&path), gaps.contains(&path));
        }
        let (found, gaps, code) = scan(folder.path(), &["-"], &row.bytes);
        expect("on standard input", found.contains("-"), gaps.contains("-"));
        if code != if row.outcome == Found { 1 } else { 3 } {
            wrong.push(format!("{} ends with exit code {code}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
