//! What is packed in formats that are no archives: a table of contents with a token in each, which is found, or said not to
//! be read. Each is scanned as a file, on standard input, and inside of a `.gz`, where the bytes around it tell nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod forge;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use forge::{containers, data, line, lz, token};
use serde_json::Value;

/// What is said of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The token is found, and all was read.
    Found,
    /// The token is found, and something was not read.
    FoundAndGap,
    /// The token is not found, and something was not read.
    Gap,
    /// There is nothing to say.
    Clean,
}

use Outcome::{Clean, Found, FoundAndGap, Gap};

type Row = (&'static str, Outcome, Vec<u8>);

/// A text that is longer than a line, with the token in it.
fn text() -> Vec<u8> {
    format!("{0}{1}{0}", "nothing to see here\n".repeat(20), line(&token(5))).into_bytes()
}

fn scan(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<Value> {
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
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the report says of the file called `name`.
fn outcome(report: &[Value], name: &str) -> (Outcome, String) {
    let is_in = |path: &Value| path.as_str().unwrap().split("!/").next() == Some(name);
    let is_token = |line: &&Value| line["secret"] == token(5).as_str() && is_in(&line["location"]["path"]);
    let found = report.iter().filter(is_token).count();
    let gaps: Vec<&Value> =
        report.last().unwrap()["incomplete"].as_array().unwrap().iter().filter(|gap| is_in(&gap["path"])).collect();
    let outcome = match (found, gaps.is_empty()) {
        (0, true) => Clean,
        (0, false) => Gap,
        (_, true) => Found,
        (_, false) => FoundAndGap,
    };
    (outcome, format!("{gaps:?}"))
}

fn check(rows: &[Row]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, _, bytes) in rows {
        fs::write(folder.path().join(name), bytes).unwrap();
        fs::write(folder.path().join(format!("{name}.gz")), containers::gzip(bytes)).unwrap();
    }
    let report = scan(folder.path(), &["."], b"");
    let mut wrong = Vec::new();
    for (name, expected, bytes) in rows {
        let mut expect = |how: &str, (outcome, gaps): (Outcome, String)| {
            if outcome != *expected {
                wrong.push(format!("{name} {how}: {outcome:?} and not {expected:?} {gaps}"));
            }
        };
        expect("as a file", outcome(&report, name));
        expect("in a .gz", outcome(&report, &format!("{name}.gz")));
        expect("on standard input", outcome(&scan(folder.path(), &["-"], bytes), "-"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `bytes` without their last few.
fn cut(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 9].to_vec()
}

/// `bytes` with the first byte of `what` changed, counted from the end if it is negative.
fn flipped(bytes: &[u8], at: isize) -> Vec<u8> {
    let at = if at < 0 { bytes.len() - at.unsigned_abs() } else { at as usize };
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0xff;
    bytes
}

#[test]
fn one_compressed_content() {
    let text = text();
    let none = b"nothing to see here\n".repeat(9);
    let skippable = |bytes: &[u8]| containers::zstd_skippable(bytes);
    let usual = |text: &[u8]| lz::lzma(text, [3, 0, 2], 1 << 16, false);
    let tar = containers::tar(&[containers::member("a.txt", b'0', &text)]);
    let script = b"#!/bin/sh\nexit 0\n";
    check(&[
        ("usual.lzma", Found, usual(&text)),
        ("sized.lzma", Found, lz::lzma(&text, [3, 0, 2], 1 << 16, true)),
        ("properties.lzma", Found, lz::lzma(&text, [0, 2, 0], 1 << 16, true)),
        ("literal.lzma", Found, lz::lzma(&text, [4, 0, 1], 3 << 15, false)),
        ("dictionary.lzma", Found, lz::lzma(&text, [3, 0, 2], 70_001, false)),
        ("a.tar.lzma", Found, usual(&tar)),
        ("text-behind.lzma", Found, [usual(&none), text.clone()].concat()),
        ("gzip-behind.lzma", Found, [usual(&none), containers::gzip(&text)].concat()),
        ("cut.lzma", FoundAndGap, cut(&usual(&text))),
        ("huge-dictionary.lzma", Found, {
            let mut bytes = usual(&text);
            bytes[1..5].copy_from_slice(&[0xff; 4]);
            bytes
        }),
        ("no.lzma", Clean, [&[1, 0, 0, 16, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0][..], &[0; 600], &[7; 600]].concat()),
        // Tables of numbers and a bitmap, which start as LZMA can.
        ("table.bin", Clean, [5_u32, 2, 0, 0x1f, 0x7f, 0x9f].map(u32::to_be_bytes).concat()),
        ("sparse-table.bin", Clean, {
            let bytes = [0x41f_u32, 0xff_0000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0100_0000, 0, 0, 0, 0];
            [bytes.map(u32::to_be_bytes).concat(), vec![0; 995]].concat()
        }),
        ("bitmap.bin", Clean, {
            let pixels = [[0, 1, 0, 0, 4, 0x19].to_vec(), vec![0; 22], vec![2], vec![0; 3043]].concat();
            pixels.repeat(3)
        }),
        ("cut-properties.lzma", FoundAndGap, cut(&lz::lzma(&text, [0, 2, 0], 1 << 16, false))),
        ("wrong-properties.lzma", FoundAndGap, flipped(&lz::lzma(&text, [0, 2, 0], 1 << 16, false), -7)),
        ("cut-dictionary.lzma", FoundAndGap, cut(&lz::lzma(&text, [3, 0, 2], 70_001, false))),
        ("mebibytes.lzma", FoundAndGap, cut(&lz::lzma(&text, [3, 0, 2], 5 << 20, false))),
        ("cut-binary.lzma", Gap, {
            let noise = |at: u32| at.wrapping_mul(at ^ 0x9e37_79b1).to_be_bytes();
            cut(&lz::lzma(&(0..999).flat_map(noise).collect::<Vec<u8>>(), [4, 0, 1], 70_001, false))
        }),
        ("a.lz", Found, lz::lzip(&text)),
        ("second.lz", Found, [lz::lzip(&none), lz::lzip(&text)].concat()),
        ("text-behind.lz", Found, [lz::lzip(&none), text.clone()].concat()),
        ("wrong.lz", FoundAndGap, flipped(&lz::lzip(&text), -18)),
        ("cut.lz", FoundAndGap, cut(&lz::lzip(&text))),
        ("a.lz4", Found, lz::lz4(&text)),
        ("second.lz4", Found, [lz::lz4(&none), skippable(b""), lz::lz4(&text)].concat()),
        ("skippable.lz4", Found, [skippable(b""), lz::lz4(&text)].concat()),
        ("skipped.lz4", Found, [lz::lz4(&none), skippable(&text)].concat()),
        ("legacy.lz4", Found, lz::lz4_legacy(&text)),
        ("legacy-and-frame.lz4", Found, [lz::lz4_legacy(&none), lz::lz4(&text)].concat()),
        ("legacy-and-text.lz4", Found, [lz::lz4_legacy(&none), text.clone()].concat()),
        ("text-behind.lz4", Found, [lz::lz4(&none), text.clone()].concat()),
        ("zip-behind.lz4", Found, {
            [lz::lz4(&none), containers::zip(&[containers::Entry::new("a.txt", &text)], b"")].concat()
        }),
        ("header.lz4", Gap, flipped(&lz::lz4(&text), 14)),
        ("cut.lz4", FoundAndGap, cut(&lz::lz4(&text))),
        ("size.lz4", FoundAndGap, {
            // The size and what follows from it: only the end tells that it is wrong.
            let mut bytes = lz::lz4(&text);
            bytes.truncate(bytes.len() - 4);
            bytes
        }),
        ("a.jsonlz4", Found, lz::lz4_mozilla(&text)),
        ("cut.jsonlz4", FoundAndGap, cut(&lz::lz4_mozilla(&text))),
        ("a.sz", Found, lz::snappy(&text)),
        ("second.sz", Found, [lz::snappy(&none), lz::snappy(&text)].concat()),
        ("passed.sz", Found, {
            let head = ((text.len() as u32) << 8 | 0x80).to_le_bytes();
            [lz::snappy(&none), head.to_vec(), text.clone()].concat()
        }),
        ("text-behind.sz", Found, [lz::snappy(&none), text.clone()].concat()),
        ("wrong.sz", FoundAndGap, flipped(&lz::snappy(&text), 14)),
        ("cut.sz", FoundAndGap, cut(&lz::snappy(&text))),
        ("a.Z", Found, lz::compress(&text, 16)),
        ("wide.Z", Found, {
            let many: Vec<u8> =
                (0..20_000_u32).flat_map(|at| format!("{:x}\n", at.wrapping_mul(0x9e37_79b1)).into_bytes()).collect();
            lz::compress(&[many, text.clone()].concat(), 16)
        }),
        ("narrow.Z", Found, lz::compress(&[none.repeat(99), text.clone()].concat(), 10)),
        ("a.tar.Z", Found, lz::compress(&tar, 16)),
        ("wrong.Z", FoundAndGap, [lz::compress(&text, 16), vec![0xff; 9]].concat()),
        ("lz4.sh", Found, [&script[..], &lz::lz4(&text)].concat()),
        ("lzma.sh", Found, [&script[..], &usual(&text)].concat()),
    ]);
}

#[test]
fn dumps_of_redis() {
    let text = text();
    let string = data::redis_string;
    let packed = data::redis_packed(&text);
    let key = string(b"conf");
    let record = |kind: u8, value: &[&[u8]]| [&[kind], &key[..], &value.concat()].concat();
    let dump = |records: &[&[u8]]| {
        data::redis(&[&[b"\xfc".to_vec(), vec![7; 8], record(0, &[b"\x01a"])].concat(), &records.concat()])
    };
    let length = data::redis_length;
    let id = [1; 16];
    // One entry, sizes, one group with one entry that waits, and one consumer.
    let stream = |kind: u8, sizes: usize, group: usize, times: usize| {
        let group = [&length(1)[..], &string(b"group"), &vec![3; group], &length(1), &id, &[2; 8], &length(1)].concat();
        let consumer = [&length(1)[..], &string(b"consumer"), &vec![9; times], &length(1), &id].concat();
        record(kind, &[&length(1), &string(&id), &packed, &vec![3; sizes], &group, &consumer, &record(0, &[&packed])])
    };
    let none = record(0, &[&string(b"nothing")]);
    let module = [
        &length(9)[..],
        &length(2),
        &length(4),
        &length(3),
        &[1; 4],
        &length(4),
        &[1; 8],
        &length(5),
        &packed,
        &length(0),
    ]
    .concat();
    check(&[
        ("string.rdb", Found, dump(&[&record(0, &[&packed])])),
        ("plain.rdb", Found, dump(&[&record(0, &[&string(&text)])])),
        ("gzip.rdb", Found, dump(&[&record(0, &[&string(&containers::gzip(&text))])])),
        ("key.rdb", Found, dump(&[&[&[0], &packed[..], &string(b"value")].concat()])),
        ("list.rdb", Found, dump(&[&record(1, &[&length(2), &string(b"a"), &packed])])),
        ("set.rdb", Found, dump(&[&record(2, &[&length(2), b"\xc0\x07", &packed])])),
        ("scores.rdb", Found, dump(&[&record(3, &[&length(3), b"\x01a\xfd", &packed, b"\x031.5", &packed, b"\xfe"])])),
        ("doubles.rdb", Found, dump(&[&record(5, &[&length(2), b"\x01a", &[1; 8], &packed, &[1; 8]])])),
        ("hash.rdb", Found, dump(&[&record(4, &[&length(1), b"\xc1\x07\x07", &packed])])),
        ("quicklist.rdb", Found, dump(&[&record(14, &[&length(1), &packed]), &none])),
        ("quicklist-2.rdb", Found, dump(&[&record(18, &[&length(1), &length(2), &packed]), &none])),
        ("listpack.rdb", Found, dump(&[&record(16, &[&packed])])),
        ("fields-that-end.rdb", Found, dump(&[&record(24, &[&[7; 8], &length(1), &length(0), b"\x01a", &packed])])),
        ("pack-that-ends.rdb", Found, dump(&[&record(25, &[&[7; 8], &packed])])),
        ("stream.rdb", Found, dump(&[&stream(15, 3, 2, 8)])),
        ("stream-2.rdb", Found, dump(&[&stream(19, 8, 3, 8)])),
        ("stream-3.rdb", Found, dump(&[&stream(21, 8, 3, 16)])),
        ("module.rdb", Found, dump(&[&record(7, &[&module])])),
        ("beside.rdb", Found, dump(&[&[&b"\xf7"[..], &module].concat()])),
        ("function.rdb", Found, dump(&[&[&b"\xf5"[..], &packed].concat()])),
        ("valkey.rdb", Found, [&b"VALKEY080"[..], &dump(&[&record(0, &[&packed])])[9..]].concat()),
        ("old.rdb", Found, {
            let dump = dump(&[&record(0, &[&packed])]);
            [&b"REDIS0004"[..], &dump[9..dump.len() - 8]].concat()
        }),
        ("preamble.aof", Found, [dump(&[&none]), b"*3\r\n$3\r\nSET\r\n$4\r\n".to_vec(), text.clone()].concat()),
        ("none.rdb", Clean, dump(&[&none])),
        ("unknown.rdb", FoundAndGap, dump(&[&record(0, &[&packed]), b"\xf0", &none])),
        ("unknown-value.rdb", FoundAndGap, dump(&[&record(0, &[&packed]), &record(6, &[b"\x01a"])])),
        ("unknown-first.rdb", Gap, dump(&[&record(30, &[]), &record(0, &[&packed])])),
        ("cut.rdb", Gap, cut(&cut(&dump(&[&record(0, &[&packed])])))),
        ("too-long.rdb", Gap, dump(&[&record(1, &[&[0x81], &[0xff; 8]])])),
        ("wrong-size.rdb", FoundAndGap, {
            let at = packed.len() - lz::lzf(&lz::ops(&text).0).len() - 1;
            dump(&[&record(0, &[&flipped(&packed, at as isize)])])
        }),
    ]);
}

#[test]
fn columns_of_parquet() {
    const BYTES: i64 = 6;
    let token = token(5);
    // Without its length a value would run into the next one's, here a digit.
    let values: Vec<&[u8]> =
        vec![b"nothing", token.as_bytes(), &[b'a'; 0x30], b"nothing to see here, and nothing else"];
    // Pieces first, so that the codecs' copies have something to copy.
    let text = text();
    let pieces: Vec<&[u8]> = token.as_bytes().chunks(6).rev().collect();
    let plain = data::plain(&[&pieces[..], &values].concat());
    let count = values.len() as i64 + pieces.len() as i64;
    let one = |codec: i64, packed: &[u8]| {
        data::parquet(BYTES, 0, codec, &[data::page(0, 0, count, packed, plain.len())], false)
    };
    let levels = [&2_u32.to_le_bytes()[..], &[8, 1]].concat();
    let lengths: Vec<usize> = values.iter().map(|it| it.len()).collect();
    let joined = [data::deltas(&lengths), values.concat()].concat();
    // The token's start stands in the value before it.
    let half = token.len() / 2;
    let shared = [data::deltas(&[0, half]), data::deltas(&[half + 1, token.len() - half])].concat();
    let shared = [&shared[..], &token.as_bytes()[..half], b"!", &token.as_bytes()[half..]].concat();
    let gzip = containers::gzip(&shared);
    let adjacent = [token.as_bytes(), &vec![b'x'; token.len()]].concat();
    let fixed = |encoding: i64, page: &[u8]| {
        data::parquet(7, token.len() as i64, 0, &[data::page(0, encoding, 2, page, page.len())], false)
    };
    let transposed: Vec<u8> = token.bytes().flat_map(|byte| [b'x', byte]).collect();
    let hadoop = {
        let block = lz::lz4_exact(&plain);
        [&(plain.len() as u32).to_be_bytes()[..], &(block.len() as u32).to_be_bytes(), &block].concat()
    };
    let zstd = containers::zstd(&plain);
    let dictionary = [data::page(2, 2, count, &zstd, plain.len()), data::page(0, 8, 9, b"\x28\xb5", 7)].concat();
    let second = data::page(0, 0, 1, &containers::gzip(&data::plain(&[&text])), text.len() + 4);
    let first = data::page(0, 0, 1, &containers::gzip(&data::plain(&[b"nothing"])), 11);
    let frame = lz::lz4(&text);
    check(&[
        ("plain.parquet", Found, one(0, &plain)),
        ("snappy.parquet", Found, one(1, &lz::snappy_exact(&plain))),
        ("gzip.parquet", Found, one(2, &containers::gzip(&plain))),
        ("lz4.parquet", Found, one(7, &lz::lz4_exact(&plain))),
        ("hadoop.parquet", Found, one(5, &hadoop)),
        ("zstd.parquet", Found, one(6, &zstd)),
        ("brotli.parquet", Gap, one(4, b"unknown bytes")),
        ("lzo.parquet", Gap, one(3, b"unknown bytes")),
        ("frame.parquet", Found, {
            let size = lz::ops(&text).1.len();
            data::parquet(1, 0, 5, &[data::page(0, 0, 1, &frame, size)], false)
        }),
        ("levels.parquet", Found, {
            let page = containers::gzip(&[&levels[..], &plain].concat());
            data::parquet(BYTES, 0, 2, &[data::page(0, 0, count, &page, levels.len() + plain.len())], false)
        }),
        ("second-version.parquet", Found, {
            data::parquet(BYTES, 0, 6, &[data::page_2(0, count, &[8, 1], &zstd, plain.len())], false)
        }),
        ("dictionary.parquet", Found, data::parquet(BYTES, 0, 6, &[dictionary], false)),
        ("two-pages.parquet", Found, data::parquet(BYTES, 0, 2, &[[&first[..], &second].concat()], false)),
        ("two-groups.parquet", Found, data::parquet(BYTES, 0, 2, &[first.clone(), second.clone()], false)),
        ("lengths.parquet", Found, {
            data::parquet(BYTES, 0, 0, &[data::page(0, 6, 9, &joined, joined.len())], false)
        }),
        ("lengths-and-levels.parquet", Found, {
            let page = [&levels[..], &levels, &joined].concat();
            data::parquet(BYTES, 0, 0, &[data::page(0, 6, 9, &page, page.len())], false)
        }),
        ("shared.parquet", Found, data::parquet(BYTES, 0, 0, &[data::page(0, 7, 2, &shared, shared.len())], false)),
        ("shared-gzip.parquet", Found, data::parquet(BYTES, 0, 2, &[data::page(0, 7, 2, &gzip, shared.len())], false)),
        ("shared-and-more.parquet", Gap, {
            let page = [&shared[..], b"more"].concat();
            data::parquet(BYTES, 0, 0, &[data::page(0, 7, 2, &page, page.len())], false)
        }),
        ("fixed.parquet", Found, fixed(0, &adjacent)),
        ("fixed-and-levels.parquet", Found, fixed(0, &[&levels[..], &adjacent].concat())),
        ("transposed.parquet", Found, fixed(9, &transposed)),
        ("numbers.parquet", Clean, data::parquet(2, 0, 0, &[data::page(0, 0, 9, &[7; 72], 72)], false)),
        ("encrypted.parquet", Gap, data::parquet(BYTES, 0, 2, std::slice::from_ref(&second), true)),
        ("wrong-size.parquet", FoundAndGap, {
            data::parquet(
                BYTES,
                0,
                2,
                &[[&second[..], &data::page(0, 0, 1, &containers::gzip(b"abc"), 99)].concat()],
                false,
            )
        }),
        ("unknown-encoding.parquet", Gap, data::parquet(BYTES, 0, 0, &[data::page(0, 77, 1, b"abc", 3)], false)),
        ("cut.parquet", Gap, {
            let mut file = data::parquet(BYTES, 0, 2, std::slice::from_ref(&second), false);
            file.drain(9..20);
            file
        }),
        ("no-footer.parquet", Gap, [&one(6, &zstd)[..40], b"PAR1"].concat()),
        ("text.txt", Found, format!("PAR1 is how it starts, {token} and it ends in PAR2").into_bytes()),
    ]);
}

#[test]
fn methods_of_zip() {
    let text = text();
    let zip = |data: &[u8], method: u16, flags: u16, packed: Vec<u8>| {
        let entry =
            containers::Entry { packed: Some((method, flags, packed)), ..containers::Entry::new("a.txt", data) };
        containers::zip(&[entry], b"")
    };
    let (ops, content) = lz::ops(&text);
    let implode = |has_literals: bool, is_large: bool| {
        let (flags, packed) = lz::implode(&ops, has_literals, is_large);
        zip(&content, 6, flags, packed)
    };
    let long = [&b"nothing to see here, and a bit more\n".repeat(40)[..], &text].concat();
    // What deflate and deflate64 say in one way: no copies of more than 257 bytes.
    let short = [b"name = value, other = thing\n".to_vec(), line(&token(5)).into_bytes()].concat();
    let ppmd = lz::ppmd_in_zip(&text);
    check(&[
        ("shrunk.zip", Found, zip(&text, 1, 0, lz::shrink(&text, 9999))),
        ("shrunk-and-cleared.zip", Found, zip(&long, 1, 0, lz::shrink(&long, 40))),
        ("shrunk-and-wide.zip", Found, {
            let many: Vec<u8> =
                (0..900_u32).flat_map(|at| format!("{:x}\n", at.wrapping_mul(0x9e37_79b1)).into_bytes()).collect();
            let many = [many, text.clone()].concat();
            zip(&many, 1, 0, lz::shrink(&many, 9999))
        }),
        ("shrunk-and-cut.zip", FoundAndGap, {
            let packed = lz::shrink(&text, 9999);
            zip(&text, 1, 0, packed[..packed.len() - 3].to_vec())
        }),
        ("imploded-4-2.zip", Found, implode(false, false)),
        ("imploded-8-2.zip", Found, implode(false, true)),
        ("imploded-4-3.zip", Found, implode(true, false)),
        ("imploded-8-3.zip", Found, implode(true, true)),
        ("imploded-and-cut.zip", FoundAndGap, {
            let (flags, packed) = lz::implode(&ops, true, true);
            zip(&content, 6, flags, packed[..packed.len() - 3].to_vec())
        }),
        ("damaged-codes.zip", Gap, {
            let (flags, mut packed) = lz::implode(&ops, true, true);
            packed[3] = 0;
            zip(&content, 6, flags, packed)
        }),
        ("deflate64.zip", Found, zip(&short, 9, 0, containers::deflate(&short))),
        ("lzma.zip", Found, zip(&text, 14, 2, lz::lzma_in_zip(&text))),
        ("lzma-and-cut.zip", FoundAndGap, {
            let packed = lz::lzma_in_zip(&text);
            zip(&text, 14, 2, packed[..packed.len() - 7].to_vec())
        }),
        ("ppmd.zip", Found, zip(&text, 98, 0, ppmd.clone())),
        ("ppmd-and-much-memory.zip", Gap, zip(&text, 98, 0, [&[0xf7, 0x0f], &ppmd[2..]].concat())),
        ("xz.zip", Found, zip(&text, 95, 0, containers::xz(&text))),
        ("unknown.zip", Gap, zip(&text, 97, 0, vec![7; 20])),
    ]);
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let settings =
        ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main", "-c", "core.autocrlf=false"];
    let output = Command::new("git").args(settings).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A repository of versions of one file, of which an old one has the token.
fn repository(format: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q", "--object-format", format]);
    let lines: Vec<String> = (0..300_u32).map(|at| format!("{:x} is a line\n", at.wrapping_mul(0x9e37_79b1))).collect();
    for version in 0..4 {
        let middle = if version == 1 { line(&token(5)) } else { format!("version {version}\n") };
        fs::write(
            root.join("a.txt"),
            [&lines[..150].concat(), &middle, &lines[150..].concat()].map(|it| it.as_str()).concat(),
        )
        .unwrap();
        git(root, &["add", "-A"]);
        git(root, &["commit", "-q", "-m", &format!("version {version}")]);
    }
    folder
}

fn pack(root: &Path, options: &[&str], objects: &str) -> Vec<u8> {
    let list = root.join("list");
    fs::write(&list, objects).unwrap();
    let output = Command::new("git")
        .args([&["pack-objects", "--stdout", "-q"][..], options].concat())
        .stdin(fs::File::open(&list).unwrap())
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{options:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Packs that lie somewhere are read without a repository.
#[test]
fn packs_and_bundles_of_git() {
    let short = repository("sha1");
    let long = repository("sha256");
    let (root, other) = (short.path(), long.path());
    let all = |root: &Path| {
        git(root, &["rev-list", "--objects", "--all"])
            .lines()
            .fold(String::new(), |all, line| all + line.split(' ').next().unwrap() + "\n")
    };
    let of_token = git(root, &["rev-parse", "HEAD~2:a.txt"]);
    let pack_of = |options: &[&str]| pack(root, options, &all(root));
    let usual = pack_of(&["--delta-base-offset"]);
    assert!(usual.len() < 9000, "there are deltas in it");
    let bundle = |root: &Path, range: &str| {
        git(root, &["bundle", "create", "-q", "a.bundle", range, "main"]);
        fs::read(root.join("a.bundle")).unwrap()
    };
    let thin = pack(root, &["--thin", "--revs", "--delta-base-offset"], "HEAD~2\n^HEAD~3\n");
    let mut archived = git(root, &["log", "--format=%B", "-1"]).into_bytes();
    archived.extend(b"of a repository\n");
    check(&[
        ("offsets.pack", Found, usual.clone()),
        ("ids.pack", Found, pack_of(&[])),
        ("whole.pack", Found, pack_of(&["--depth=0"])),
        ("one.pack", Found, pack(root, &[], &of_token)),
        ("long-ids.pack", Found, pack(other, &[], &all(other))),
        ("text-behind.pack", Found, [pack(root, &[], &git(root, &["rev-parse", "HEAD:a.txt"])), text()].concat()),
        ("thin.pack", Gap, thin),
        ("cut.pack", Gap, usual[..usual.len() / 3].to_vec()),
        ("a.bundle", Found, bundle(root, "--all")),
        ("long-ids.bundle", Found, bundle(other, "--all")),
        ("part.bundle", Gap, bundle(root, "^HEAD~3")),
        ("none.bundle", Gap, b"# v2 git bundle\n0000000000000000000000000000000000000000 refs/heads/main\n".to_vec()),
        ("pack.zip", Found, containers::zip(&[containers::Entry::new("objects/pack/a.pack", &usual)], b"")),
    ]);
}

/// What a repository holds is told by its commits.
#[test]
fn packs_of_repositories_are_left_to_history() {
    let folder = repository("sha1");
    let root = folder.path();
    git(root, &["gc", "-q"]);
    for path in [".git/objects/pack", ".git"] {
        let report = scan(root, &[path], b"");
        let gaps = &report.last().unwrap()["incomplete"];
        assert_eq!(gaps[0]["code"], "repository", "{path}: {gaps}");
        assert_eq!(report.len(), 1, "{path}: {report:?}");
    }
}

/// What ends too early and holds its contents as they are was read; so was what only looks like an archive.
#[test]
fn nothing_is_unread_of_what_ends_too_early() {
    let text = text();
    let none = b"nothing\n";
    let member = |bytes: &[u8]| containers::member("a.txt", b'0', bytes);
    let tar = |members: &[Vec<u8>], length: usize| containers::tar(members)[..length].to_vec();
    let gzip = containers::gzip(&text);
    let mut swallowed = containers::tar(&[member(none), containers::member("b.gz", b'0', &gzip)]);
    swallowed[124..136].copy_from_slice(b"00000777777\0");
    containers::seal(&mut swallowed);
    let ar = |name: &str, data: &[u8], size: usize| {
        format!("!<arch>\n{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100_644)
            .into_bytes()
            .into_iter()
            .chain(data.iter().copied())
            .collect::<Vec<u8>>()
    };
    let program = |behind: &[u8]| {
        let zip = containers::zip(&[containers::Entry::new("a.txt", none)], b"");
        [&b"MZ\x90\0\x03\0\0\0"[..], &[7; 300], &zip, behind].concat()
    };
    let mut database = containers::sqlite("table", "a", "create table a (b)");
    let usual = database.clone();
    // As an editor leaves it that makes tabs of blanks.
    database.splice(22..24, [b'\t']);
    check(&[
        ("cut.tar", Found, tar(&[member(&text.repeat(3))], 1800)),
        ("cut-gzip.tar", FoundAndGap, {
            let more = containers::gzip(&[text.clone(), pseudo_random(4000)].concat());
            tar(&[containers::member("a.gz", b'0', &more)], 512 + 3000)
        }),
        ("swallowed.tar", Gap, swallowed),
        ("cut.a", Found, ar("a.txt/", &text, 99_999)),
        ("symbols.a", Clean, ar("/", &[0, 0, 0, 7, 1, 2, 3], 99_999)),
        ("cut-gzip.a", FoundAndGap, {
            let more = containers::gzip(&[text.clone(), pseudo_random(4000)].concat());
            ar("a.gz/", &more[..3000], more.len())
        }),
        ("swallowed.a", FoundAndGap, ar("a.txt/", &ar("b.gz/", &gzip, gzip.len())[8..], 99_999)),
        ("program.dll", Clean, program(&pseudo_random(500))),
        ("program-and-gzip.dll", Found, program(&gzip)),
        ("usual.sqlite", Clean, usual),
        ("tabs.sqlite", Clean, database),
    ]);
}

fn pseudo_random(count: usize) -> Vec<u8> {
    forge::Random(7).bytes(count)
}
