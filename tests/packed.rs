//! What is packed in formats that are no archives: a table of contents with a token in each, which is found, or said not to
//! be read. Each is scanned as a file, on standard input, and inside of a `.gz`, where the bytes around it tell nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod forge;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use forge::lz::{self};
use forge::{containers, line, token};
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
