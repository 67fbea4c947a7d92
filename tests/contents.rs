//! What a content is does not matter to whether a secret in it is found: a table of contents, each given to every way in.
//! A token is found once, or the content is a gap.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use keysieve_engine::rules::sample;
use serde_json::Value;

/// What a row expects.
enum Expect {
    /// The token, once, at the path of the file with this behind it.
    Found(&'static str),
    /// A gap of this code.
    Gap(&'static str),
    /// The token, once, at the path of the file itself.
    Outside,
    /// The same, and a gap of this code.
    OutsideAndGap(&'static str),
    /// The token, once, whatever else.
    Anyway,
    /// Neither.
    Clean,
}

use Expect::{Anyway, Clean, Found, Gap, Outside, OutsideAndGap};

struct Row {
    name: String,
    bytes: Vec<u8>,
    token: String,
    expect: Expect,
}

/// Rows that each hold a token of their own.
#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    fn add(&mut self, name: &str, expect: Expect, bytes: impl FnOnce(&str) -> Vec<u8>) {
        let token = sample::fill("<crc32-base62 ghp_ 30>", 4000 + self.0.len() as u64).unwrap();
        self.0.push(Row { name: name.to_owned(), bytes: bytes(&token), token, expect });
    }

    /// Gives all rows to all ways in.
    fn check(&self) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git(root, &["init", "-q"]);
        git(root, &["commit", "-q", "--allow-empty", "-m", "first"]);
        for row in &self.0 {
            fs::write(root.join(&row.name), &row.bytes).unwrap();
        }
        git(root, &["add", "-A"]);
        let scan = keysieve(root, &["scan"], None);
        let staged = keysieve(root, &["staged"], None);
        git(root, &["commit", "-q", "-m", "second"]);
        let range = keysieve(root, &["range", "HEAD~1..HEAD"], None);
        let history = keysieve(root, &["history"], None);
        for row in &self.0 {
            for (way, lines) in [("scan", &scan), ("staged", &staged), ("range", &range), ("history", &history)] {
                row.check(way, &row.name, lines, root);
            }
            row.check("stdin", "-", &keysieve(root, &["scan", "-"], Some(&row.bytes)), root);
        }
    }
}

impl Row {
    fn check(&self, way: &str, path: &str, lines: &[Value], root: &Path) {
        let what = format!("{way} of {}", self.name);
        let found: Vec<&str> = lines
            .iter()
            .filter(|line| line["secret"] == self.token.as_str())
            .map(|line| line["location"]["path"].as_str().unwrap())
            .collect();
        let is_here = |gap: &&Value| {
            let at = gap["path"].as_str().unwrap();
            let object = || format!("object {}", git(root, &["hash-object", &self.name]).trim());
            at == path || at.starts_with(&format!("{path}!/")) || way == "history" && at.starts_with(&object())
        };
        let summary = lines.last().unwrap();
        let gaps = summary["incomplete"].as_array().unwrap().iter().filter(is_here);
        let gaps: BTreeSet<&str> = gaps.map(|gap| gap["code"].as_str().unwrap()).collect();
        let (secret, code) = match self.expect {
            // What is compressed goes by the name of the whole.
            Found("!/a.txt") if way == "stdin" => (Some("!/-"), None),
            Found(at) => (Some(at), None),
            Gap(code) => (None, Some(code)),
            Outside => (Some(""), None),
            OutsideAndGap(code) => (Some(""), Some(code)),
            Anyway => return assert_eq!(found.len(), 1, "{what}: {found:?}"),
            Clean => (None, None),
        };
        assert_eq!(found, Vec::from_iter(secret.map(|at| format!("{path}{at}"))), "{what}: {summary}");
        assert_eq!(gaps, BTreeSet::from_iter(code), "{what}: {summary}");
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "-c",
            "init.defaultBranch=main",
            "-c",
            "core.autocrlf=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of a report; the last one is the summary.
fn keysieve(folder: &Path, arguments: &[&str], input: Option<&[u8]>) -> Vec<Value> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(arguments)
        .args(["--format", "jsonl", "--show-secrets", "--all"])
        .current_dir(folder)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    if let (Some(bytes), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(bytes).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{arguments:?}: {said}");
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let gaps = lines.last().unwrap()["incomplete"].as_array().unwrap().len();
    assert_eq!(output.status.code() == Some(3), gaps > 0, "{arguments:?}: {said}");
    lines
}

/// A line that holds the token.
fn line(token: &str) -> Vec<u8> {
    format!("token = \"{token}\"\n").into_bytes()
}

fn zip(method: zip::CompressionMethod, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn stored(token: &str) -> Vec<u8> {
    zip(zip::CompressionMethod::Stored, &[("a/x.txt", &line(token)), ("b.txt", b"more\n")])
}

fn deflated(token: &str) -> Vec<u8> {
    zip(
        zip::CompressionMethod::Deflated,
        &[("a/x.txt", &[line(token), b"more\n".repeat(50)].concat()[..]), ("b.txt", b"more\n")],
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(token: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let content = line(token);
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "a/x.txt", &content[..]).unwrap();
    builder.into_inner().unwrap()
}

/// What stands first does not hide what follows.
#[test]
fn magic_bytes_hide_nothing() {
    let mut table = Table::default();
    let long = b"more\n".repeat(20_000);
    let mut ustar = b"a text that is no header".to_vec();
    ustar.resize(257, b' ');
    ustar.extend_from_slice(b"ustar");
    for (name, magic) in [
        ("empty.zip", &b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..]),
        ("cut.zip", b"PK\x03\x04"),
        ("store.jks", b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\0"),
        ("store.p12", b"\x30\x82\x0a\0\x02\x01\x03\x30"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04"),
        ("a.cpio", b"070701"),
        ("a.tar", &ustar),
        ("a.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
        ("a.bz2", b"BZh91AY&SY"),
        ("a.xz", b"\xfd7zXZ\0"),
        ("a.zst", b"\x28\xb5\x2f\xfd"),
        ("a.lz4", b"\x04\x22\x4d\x18"),
        ("old.lz4", b"\x02\x21\x4c\x18"),
        ("a.jsonlz4", b"mozLz40\0"),
        ("a.sz", b"\xff\x06\0\0sNaPpY"),
        ("a.Z", b"\x1f\x9d\x90"),
        ("a.lzma", b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0"),
        ("a.lz", b"LZIP\x01"),
        ("a.rdb", b"REDIS0009"),
        ("page.parquet", b"PAR1\x15"),
        ("a.db", b"SQLite format 3\0"),
        ("a.rpm", b"\xed\xab\xee\xdb\x03\0"),
        ("a.rar", b"Rar!\x1a\x07\x01\0"),
    ] {
        table.add(name, Anyway, |token| [magic, b"\n", &line(token)].concat());
        table.add(&format!("long-{name}"), Anyway, |token| [magic, b"\n", &long, &line(token), &long].concat());
    }
    table.check();
}

/// What is in an archive as it is shows from outside as well, and is found once; so is what stands around archives.
#[test]
fn what_is_inside_is_found_once_and_what_is_outside_too() {
    let mut table = Table::default();
    let program = [b"#!/bin/sh\nexit 0\n".to_vec(), b"\n# more\n".repeat(20_000)].concat();
    let inside = "!/a/x.txt";
    table.add("stored.zip", Found(inside), stored);
    table.add("deflated.zip", Found(inside), deflated);
    table.add("a.tar", Found(inside), tar);
    table.add("a.tgz", Found(inside), |token| gzip(&tar(token)));
    table.add("a.txt.gz", Found("!/a.txt"), |token| gzip(&line(token)));
    table.add("behind.gz", Outside, |token| [gzip(b"none\n"), b"\n".to_vec(), line(token)].concat());
    table.add("behind.zip", Outside, |token| [deflated("none"), line(token)].concat());
    table.add("before.zip", Outside, |token| [line(token), deflated("none")].concat());
    table.add("behind.tar", Outside, |token| [tar("none"), line(token)].concat());
    table.add("prefixed.zip", Found(inside), |token| [b"text before\n".to_vec(), deflated(token)].concat());
    table.add("prefixed-stored.zip", Found(inside), |token| [b"text before\n".to_vec(), stored(token)].concat());
    table.add("program", Found(inside), |token| [program.clone(), deflated(token)].concat());
    table.add("program-and-text", Found(inside), |token| {
        [program.clone(), deflated(token), b"a text behind it\n".to_vec()].concat()
    });
    table.add("script", Found(inside), |token| [b"#!/bin/sh\nexit 0\n".to_vec(), gzip(&tar(token))].concat());
    table.add("script-and-text", Outside, |token| [b"#!/bin/sh\n".to_vec(), line(token), gzip(&tar("none"))].concat());
    table.add("nested.zip", Found("!/b.bin!/a/x.txt"), |token| {
        zip(zip::CompressionMethod::Deflated, &[("b.bin", &[b"before\n".to_vec(), deflated(token)].concat())])
    });
    table.add("no.zip", Clean, |_| b"text that ends as one PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec());
    table.check();
}

/// Of a secret that stands in an entry and outside of it as well, both places count where a configuration accepts one.
#[test]
fn a_place_that_is_accepted_hides_no_other() {
    let token = sample::fill("<crc32-base62 ghp_ 30>", 4999).unwrap();
    let accepted = |token: &str| zip(zip::CompressionMethod::Deflated, &[("fixtures/x.txt", &line(token))]);
    let stored = |token: &str| zip(zip::CompressionMethod::Stored, &[("fixtures/x.txt", &line(token))]);
    let (own, other) = (token.as_str(), "none");
    let rows: [(&str, Vec<u8>, bool); 9] = [
        ("only.zip", accepted(own), false),
        ("only-stored.zip", stored(own), false),
        ("behind.zip", [accepted(own), line(own)].concat(), true),
        ("before.zip", [line(own), accepted(own)].concat(), true),
        ("stored-behind.zip", [stored(own), line(own)].concat(), true),
        ("twice.zip", [accepted(own), accepted(other), line(own)].concat(), true),
        ("nested.gz", gzip(&[stored(own), line(own)].concat()), true),
        ("nested-only.gz", gzip(&stored(own)), false),
        (
            "other.zip",
            zip(zip::CompressionMethod::Stored, &[("fixtures/x.txt", &line(own)), ("x.txt", &line(own))]),
            true,
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let configuration =
        "[[allow]]\nrule = \"github-personal-access-token\"\npaths = [\"**/fixtures/**\"]\nreason = \"ours\"\n";
    fs::write(folder.path().join(".keysieve.toml"), configuration).unwrap();
    for (name, bytes, _) in &rows {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let lines = keysieve(folder.path(), &["scan"], None);
    for (name, _, counts) in &rows {
        let of = |it: &&Value| {
            it["location"]["path"].as_str().is_some_and(|path| path.starts_with(name)) && it["allowed"].is_null()
        };
        let found: Vec<&Value> = lines.iter().filter(|it| it["type"] == "finding").filter(of).collect();
        assert_eq!(!found.is_empty(), *counts, "{name}: {found:?}");
    }
}

/// The limit for lines is one for texts.
#[test]
fn an_archive_has_no_lines() {
    let folder = tempfile::tempdir().unwrap();
    let noise: Vec<u8> = (0..40_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect();
    let bytes = zip(zip::CompressionMethod::Deflated, &[("a.bin", &noise)]);
    fs::write(folder.path().join("a.zip"), &bytes).unwrap();
    let code = |arguments: &[&str], lines: bool| {
        let said = keysieve(folder.path(), arguments, Some(&bytes));
        assert_eq!(said.last().unwrap()["complete"], lines, "{arguments:?}: {said:?}");
    };
    code(&["scan", "a.zip", "--max-line-length", "100KiB"], true);
    code(&["scan", "-", "--max-line-length", "100KiB"], true);
    // What is in it has.
    code(&["scan", "a.zip", "--max-line-length", "10KiB"], false);
}

/// What is recognised and cannot be opened is a gap, whatever it is called, and its bytes count all the same.
#[test]
fn what_is_recognised_and_not_opened_is_a_gap() {
    let mut table = Table::default();
    let heads: [(&str, &[u8]); 18] = [
        ("a.rar", b"Rar!\x1a\x07\0"),
        ("a.xar", b"xar!\0\x1c"),
        ("a.arj", b"\x60\xea\x04\0abcd\x11\xcd\x82\xed"),
        ("a.dump", b"PGDMP\x01\x0e"),
        ("a.avro", b"Obj\x01\x04\x14avro.codec\x0edeflate"),
        ("a.lzh", b"\x20\x01-lh5-\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"),
        ("a.ace", b"\0\0\0\0\0\0\0**ACE**"),
        ("a.sit", b"SIT!\0\0\0\0\0\0rLau"),
        ("a.hxs", b"ITOLITLS\x01\0\0\0"),
        ("a.hlp", b"\x3f\x5f\x03\0"),
        ("a.ex_", b"SZDD\x88\xf0\x27\x33A"),
        ("data1.cab", b"ISc(\x00\x60\x00\x01"),
        ("a.arrow", b"ARROW1\0\0"),
        ("a.wim", b"MSWIM\0\0\0"),
        ("a.qcow2", b"QFI\xfb"),
        ("a.lzo", b"\x89LZO\0\x0d\x0a\x1a\x0a"),
        ("a.pst", b"!BDN"),
        ("a.hg", b"HG10GZ"),
    ];
    for (name, head) in heads {
        table.add(name, OutsideAndGap("unsupported-format"), |token| {
            [head, b"\n", &line(token), &[b'\n'; 512]].concat()
        });
    }
    let at = |length: usize, mark: &[u8]| {
        let mut bytes = vec![b'\n'; length];
        bytes.extend_from_slice(mark);
        bytes
    };
    for (name, around) in [("a.parquet", &b"PAR1"[..]), ("a.feather", b"FEA1")] {
        let code = if around == b"PAR1" { "damaged" } else { "unsupported-format" };
        table.add(name, OutsideAndGap(code), |token| [around, b"\n", &line(token), around].concat());
    }
    table.add("a.orc", OutsideAndGap("unsupported-format"), |token| [b"ORC\n", &line(token)[..], b"ORC\x10"].concat());
    table.add("a.sqfs", OutsideAndGap("unsupported-format"), |token| {
        [&b"hsqs"[..], &at(24, b"\x04\0\0\0\n"), &line(token)].concat()
    });
    table.add("a.iso", OutsideAndGap("unsupported-format"), |token| [at(32_769, b"CD001\x01\n"), line(token)].concat());
    table.add("a.dmg", OutsideAndGap("unsupported-format"), |token| {
        [line(token), at(70_000, b"koly\0\0\0\x04"), vec![0; 504]].concat()
    });
    // These are not: no codec, and a text.
    table.add("plain.avro", Outside, |token| [b"Obj\x01\x04\x14avro.codec\x08null\n", &line(token)[..]].concat());
    table.add("isc.txt", Outside, |token| [b"ISc(a, b) is a call\n", &line(token)[..]].concat());
    table.add("rar.txt", Outside, |token| [b"Rar! is a format\n", &line(token)[..]].concat());
    table.check();
}

/// What both ends tell is told of a stream that is too long to be kept.
#[test]
fn a_long_stream_has_two_ends() {
    let folder = tempfile::tempdir().unwrap();
    for (start, end) in [(&b"PAR1"[..], &b"PAR1"[..]), (b"ORC\n", b"ORC\x10"), (b"bvx2", b"bvx$")] {
        let bytes = [start, &b"\n".repeat(6 << 20), end].concat();
        let said = keysieve(folder.path(), &["scan", "-", "--max-memory", "16MiB"], Some(&bytes));
        let gaps = &said.last().unwrap()["incomplete"];
        // One that is opened would have to be kept.
        let code = if start == b"PAR1" { "limit" } else { "unsupported-format" };
        assert_eq!(gaps[0]["code"], code, "{gaps}");
    }
}

/// A table that has more rows than may be read is not damaged.
#[test]
fn a_table_with_too_many_rows_reaches_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let database = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/containers/a.db");
    fs::copy(database, folder.path().join("a.db")).unwrap();
    let said = keysieve(folder.path(), &["scan", "a.db", "--max-archive-entry", "1KiB"], None);
    let gaps = said.last().unwrap()["incomplete"].as_array().unwrap();
    let codes: BTreeSet<&str> = gaps.iter().map(|gap| gap["code"].as_str().unwrap()).collect();
    assert_eq!(codes, BTreeSet::from(["limit"]), "{gaps:?}");
}

/// The object that a pointer of Git LFS stands for is elsewhere.
#[test]
fn a_pointer_of_lfs_is_a_gap() {
    let mut table = Table::default();
    let pointer = |token: &str| {
        let oid = token.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n", &oid[..64])
    };
    table.add("a.bin", Gap("lfs-pointer"), |token| pointer(token).into_bytes());
    table.add("extended.bin", Gap("lfs-pointer"), |token| {
        pointer(token).replace("oid", "ext-0-foo sha256:00\noid").into_bytes()
    });
    table.add("about.md", Clean, |token| format!("{}\nThat is what a pointer looks like.\n", pointer(token)).into());
    table.add("in.zip", Gap("lfs-pointer"), |token| {
        zip(zip::CompressionMethod::Deflated, &[("b.bin", pointer(token).as_bytes())])
    });
    table.check();
}

/// Who keeps large files elsewhere can say that their pointers are enough; many of them are one line of the report.
#[test]
fn pointers_are_ignored_where_the_configuration_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q"]);
    git(root, &["commit", "-q", "--allow-empty", "-m", "first"]);
    for file in 0..9 {
        let oid = format!("{file:064x}");
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
        fs::write(root.join(format!("{file}.bin")), pointer).unwrap();
    }
    let ways = [&["scan"][..], &["staged"], &["range", "HEAD~1..HEAD"], &["history"]];
    let said = |configured: bool| -> Vec<Value> {
        let _ = fs::remove_file(root.join(".keysieve.toml"));
        if configured {
            fs::write(root.join(".keysieve.toml"), "[scan]\nlfs = \"ignore\"\n").unwrap();
        }
        git(root, &["add", "-A"]);
        let staged = keysieve(root, ways[1], None);
        git(root, &["commit", "-q", "-m", "second"]);
        let mut said: Vec<Value> =
            [ways[0], ways[2], ways[3]].into_iter().filter_map(|way| keysieve(root, way, None).pop()).collect();
        said.extend(staged.into_iter().last());
        said
    };
    for summary in said(false) {
        assert_eq!(summary["incomplete"].as_array().unwrap().len(), 9, "{summary}");
    }
    let report = Command::new(env!("CARGO_BIN_EXE_keysieve")).arg("scan").current_dir(root).output().unwrap();
    let report = String::from_utf8(report.stdout).unwrap();
    assert!(report.contains("9 paths, such as 0.bin: ") && !report.contains("1.bin"), "{report}");
    git(root, &["reset", "-q", "--soft", "HEAD~1"]);
    // The configuration of a range is its base's.
    fs::write(root.join(".keysieve.toml"), "[scan]\nlfs = \"ignore\"\n").unwrap();
    git(root, &["reset", "-q"]);
    git(root, &["add", ".keysieve.toml"]);
    git(root, &["commit", "-q", "-m", "configuration"]);
    for summary in said(true) {
        assert_eq!(summary["complete"], true, "{summary}");
        assert!(summary["notes"].to_string().contains("9 files are pointers of Git LFS"), "{summary}");
    }
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A document of these dictionaries and streams, numbered from 1 on.
fn pdf(objects: &[(&str, &[u8])], trailer: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    for (index, (dictionary, stream)) in objects.iter().enumerate() {
        bytes.extend(format!("{} 0 obj\n<<{dictionary}/Length {}>>\n", index + 1, stream.len()).bytes());
        if !stream.is_empty() {
            bytes.extend([b"stream\r\n", *stream, b"\nendstream\n"].concat());
        }
        bytes.extend_from_slice(b"endobj\n");
    }
    bytes.extend(format!("trailer\n<<{trailer}/Size 9>>\nstartxref\n0\n%%EOF\n").bytes());
    bytes
}

/// One page that these operators make.
fn page(operators: &str) -> Vec<u8> {
    pdf(&[("/Filter/FlateDecode", &zlib(operators.as_bytes()))], "/Root 1 0 R")
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// What stands in documents, however it is encoded and torn apart.
#[test]
fn documents_are_read() {
    let mut table = Table::default();
    let text = "!/stream 1!/text";
    let shown = |token: &str| format!("BT /F1 12 Tf 72 720 Td (the token is {token}) Tj ET");
    let hex = |text: &str| hex_of(text.as_bytes());
    table.add("page.pdf", Found(text), |token| page(&shown(token)));
    table.add("plain.pdf", Found(text), |token| pdf(&[("", shown(token).as_bytes())], ""));
    table.add("kerned.pdf", Found(text), |token| {
        let letters: Vec<String> = token.split("").map(|letter| format!("({letter})")).collect();
        page(&format!("BT /F1 9 Tf 1 0 0 1 9 9 Tm [(key: )-400 {}] TJ ET", letters.join(" 12.5 ")))
    });
    table.add("torn.pdf", Found(text), |token| {
        let (first, last) = token.split_at(20);
        page(&format!("BT /F1 9 Tf 9 9 Td ({first}) Tj <{}> Tj 0 -12 Td (more) Tj ET", hex(last)))
    });
    table.add("escaped.pdf", Found(text), |token| page(&shown(token).replace('_', "\\137")));
    table.add("array.pdf", Found(text), |token| {
        let digits = zlib(shown(token).as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect::<String>() + ">";
        pdf(&[("/Filter [/ASCIIHexDecode /FlateDecode]", digits.as_bytes())], "")
    });
    table.add("old.pdf", Found(text), |token| {
        // Behind a newer version of the same object, and a table that names neither.
        [page(&shown(token)), page("BT (nothing) Tj ET")].concat()
    });
    table.add("codes.pdf", Found("!/stream 3!/text"), |token| {
        // Each letter's code is its own plus 7.
        let cmap =
            "1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0027> <0086> <0020> endbfrange";
        let codes: String = token.bytes().map(|byte| format!("{:04x}", u16::from(byte) + 7)).collect();
        let page = format!("BT /F7 12 Tf <{codes}> Tj ET");
        pdf(
            &[
                ("/Type/Font/Subtype/Type0/Encoding/Identity-H/ToUnicode 2 0 R", b""),
                ("/Filter/FlateDecode", &zlib(cmap.as_bytes())),
                ("/Filter/FlateDecode", &zlib(page.as_bytes())),
                ("/Type/Page/Resources<</Font<</F7 1 0 R>>>>/Contents 3 0 R", b""),
            ],
            "",
        )
    });
    table.add("packed.pdf", Found("!/stream 1"), |token| {
        let objects = format!("2 0 <</Author (me) /Password ({token})>>");
        pdf(&[("/Type/ObjStm/N 1/First 4/Filter/FlateDecode", &zlib(objects.as_bytes()))], "")
    });
    table.add("packed-array.pdf", Found("!/(strings)"), |token| {
        let objects = format!("2 0 [({})]", token.replace('_', "\\137"));
        pdf(&[("/Type/ObjStm/N 1/First 4/Filter/FlateDecode", &zlib(objects.as_bytes()))], "")
    });
    table.add("title.pdf", Found("!/(strings)"), |token| pdf(&[(&format!("/Title <{}>", hex(token)), b"")], ""));
    table.add("attached.pdf", Found("!/stream 1"), |token| {
        pdf(&[("/Type/EmbeddedFile/Filter/FlateDecode", &zlib(&line(token)))], "")
    });
    table.add("attached-zip.pdf", Found("!/stream 1!/a/x.txt"), |token| {
        pdf(&[("/Type/EmbeddedFile/Filter/FlateDecode", &zlib(&deflated(token)))], "")
    });
    table.add("pdf.zip", Found("!/b.pdf!/stream 1!/text"), |token| {
        zip(zip::CompressionMethod::Deflated, &[("b.pdf", &page(&shown(token)))])
    });
    table.add("plain-pdf.zip", Found("!/b.pdf"), |token| {
        zip(zip::CompressionMethod::Deflated, &[("b.pdf", &pdf(&[(&format!("/Title ({token})"), b"")], ""))])
    });
    // No table of objects is looked at, and no comment hides them.
    let behind = |head: &str, token: &str| {
        // Long enough not to stand there as it is.
        let mut bytes = page(&(shown(token) + &"BT (more) Tj ET ".repeat(50)));
        bytes.splice(9..9, head.bytes());
        bytes
    };
    table.add("open-string.pdf", Found(text), |token| behind("%1 0 obj((((((\n", token));
    table.add("open-dictionary.pdf", Found(text), |token| behind("%1 0 obj <<\n", token));
    table.add("outer-stream.pdf", Found(text), |token| {
        let mut bytes = behind("%1 0 obj <</Length 99999>>stream\n", token);
        bytes.extend_from_slice(b"endstream");
        bytes
    });
    let between = |blanks: &str, token: &str| {
        let bytes = page(&shown(token));
        let at = bytes.windows(4).position(|it| it == b" obj").unwrap();
        [&bytes[..at], blanks.as_bytes(), &bytes[at..]].concat()
    };
    table.add("blanks.pdf", Found(text), |token| between(&" ".repeat(99), token));
    table.add("remark.pdf", Found(text), |token| between("% a remark\n", token));
    table.add("digits.pdf", Found(text), |token| {
        pdf(&[("/Filt#65r /Fl#61teDecode", &zlib(shown(token).as_bytes()))], "")
    });
    table.add("map.pdf", Found("!/stream 2"), |token| {
        let cmap = format!("1 beginbfchar <01> <0041> endbfchar % {token}\n");
        pdf(&[("/Type/Font/ToUnicode 2 0 R", b""), ("/Filter/FlateDecode", &zlib(cmap.as_bytes()))], "")
    });
    // What a stream calls itself is no reason not to look at it.
    for (name, kind) in [
        ("image.pdf", "/Subtype/Image/Width 9/Height 9"),
        ("font.pdf", "/Length1 99"),
        ("font-file.pdf", "/Subtype/OpenType"),
        ("xref.pdf", "/Type/XRef"),
        ("image-name.pdf", "/Subtype/Im#61ge"),
    ] {
        table.add(name, Found("!/stream 1"), |token| {
            pdf(&[(&format!("{kind}/Filter/FlateDecode"), &zlib(&line(token)))], "")
        });
    }
    table.add("image-page.pdf", Found(text), |token| {
        pdf(&[("/Subtype/Image/Filter/FlateDecode", &zlib(shown(token).as_bytes()))], "")
    });
    table.add("picture.pdf", Found("!/stream 1"), |token| {
        pdf(&[("/Subtype/Image/Filter[/FlateDecode/DCTDecode]", &zlib(&[&b"\xff\xd8"[..], &line(token)].concat()))], "")
    });
    table.add("type-1.pdf", Found("!/stream 1"), |token| {
        // Encrypted glyphs, which look like a token of Square's.
        let digits = sample::fill("EAAA<[0-9A-F]{60}>", 7).unwrap();
        let font = format!("%!PS-AdobeFont-1.0\ncurrentfile eexec\n{digits}\n% {token}\n");
        pdf(&[("/Length1 9/Filter/FlateDecode", &zlib(font.as_bytes()))], "")
    });
    // Where the parameters of filters stand: rows of four bytes, each after a byte that says that the row above is added.
    let rows = |token: &str| {
        let text = format!("{:<300}", String::from_utf8(line(token)).unwrap());
        let mut above = [0; 4];
        let row = |row: &[u8]| {
            let coded: Vec<u8> = row.iter().zip(above).map(|(byte, above)| byte.wrapping_sub(above)).collect();
            above.copy_from_slice(row);
            [vec![2], coded].concat()
        };
        text.as_bytes().chunks_exact(4).flat_map(row).collect::<Vec<u8>>()
    };
    let up = "<</Predictor 12/Columns 4>>";
    let flate = "/Filter/FlateDecode/DecodeParms";
    table.add("rows.pdf", Found("!/stream 1"), |token| pdf(&[(&format!("{flate}{up}"), &zlib(&rows(token)))], ""));
    let behind = |bytes: Vec<u8>, object: &str| [bytes, format!("\n7 0 obj {object} endobj\n").into_bytes()].concat();
    table.add("rows-elsewhere.pdf", Found("!/stream 1"), |token| {
        behind(pdf(&[(&format!("{flate} 7 0 R"), &zlib(&rows(token)))], ""), up)
    });
    table.add("rows-second.pdf", Found("!/stream 1"), |token| {
        let digits = hex_of(&zlib(&rows(token)));
        pdf(&[(&format!("/Filter[/AHx/Fl]/DecodeParms[null {up}]"), digits.as_bytes())], "")
    });
    table.add("rows-second-elsewhere.pdf", Found("!/stream 1"), |token| {
        let digits = hex_of(&zlib(&rows(token)));
        behind(pdf(&[("/Filter[/AHx/Fl]/DecodeParms[null 7 0 R]", digits.as_bytes())], ""), up)
    });
    table.add("rows-first.pdf", Found("!/stream 1"), |token| {
        let twice = zlib(&zlib(&line(token)));
        pdf(&[("/Filter[/Fl/Fl]/DecodeParms[null null]", &twice)], "")
    });
    table.add("filter-elsewhere.pdf", Found("!/stream 1"), |token| {
        behind(pdf(&[("/Filter[7 0 R]", &zlib(&line(token)))], ""), "/FlateDecode")
    });
    // Digits within digits, in an order that nobody writes.
    table.add("digits-within.pdf", Found("!/stream 1"), |token| {
        pdf(&[("/Filter[/Fl/AHx/AHx]", &zlib(hex_of(hex_of(&line(token)).as_bytes()).as_bytes()))], "")
    });
    table.add("identity.pdf", Found("!/stream 1"), |token| {
        pdf(&[("/Filter[/Crypt/Fl]/DecodeParms[<</Name/Identity>> null]", &zlib(&line(token)))], "")
    });
    table
        .add("crypt-default.pdf", Found("!/stream 1"), |token| pdf(&[("/Filter[/Crypt/Fl]", &zlib(&line(token)))], ""));
    // Strings, however they are written.
    let wide = |token: &str, mark: &str, order: fn(u16) -> [u8; 2]| {
        format!("{mark}{}", hex_of(&token.encode_utf16().flat_map(order).collect::<Vec<u8>>()))
    };
    table.add("wide-digits.pdf", Found("!/(strings)"), |token| {
        pdf(&[(&format!("/Title <{}>", wide(token, "feff", u16::to_be_bytes)), b"")], "")
    });
    table.add("wide-little.pdf", Found("!/(strings)"), |token| {
        pdf(&[(&format!("/Title <{}>", wide(token, "fffe", u16::to_le_bytes)), b"")], "")
    });
    table.add("wide-octal.pdf", Found("!/(strings)"), |token| {
        let octal: String = token.bytes().map(|byte| format!("\\000\\{byte:03o}")).collect();
        pdf(&[(&format!("/Title (\\376\\377{octal})"), b"")], "")
    });
    table.add("octal.pdf", Found("!/(strings)"), |token| {
        let octal: String = token.bytes().map(|byte| format!("\\{byte:03o}")).collect();
        pdf(&[(&format!("/Title ({octal})"), b"")], "")
    });
    // An old version of an object, and one in a stream of objects that a later one takes the place of.
    table.add("overwritten.pdf", Found("!/(strings)"), |token| {
        let old = pdf(&[(&format!("/Title <{}>", hex(token)), b"")], "");
        [old, pdf(&[("/Title (harmless)", b"")], "/Prev 9")].concat()
    });
    table.add("old-packed.pdf", Found("!/stream 1"), |token| {
        let objects = format!("2 0 <</Password ({token})>>");
        let old = pdf(&[("/Type/ObjStm/N 1/First 4/Filter/FlateDecode", &zlib(objects.as_bytes()))], "");
        [old, b"\n1 0 obj <</Title (harmless)>> endobj\n%%EOF\n".to_vec()].concat()
    });
    table.add("junk.pdf", Found(text), |token| [&b"HTTP/1.1 200 OK\r\n\r\n\0\x01"[..], &page(&shown(token))].concat());
    table.add("comment.pdf", Outside, |token| [page("BT (nothing) Tj ET"), line(token)].concat());
    table.check();
}

/// What of a document cannot be read is a gap; pictures are none.
#[test]
fn what_of_a_document_is_not_read_is_a_gap() {
    let mut table = Table::default();
    let shown = |token: &str| zlib(format!("BT ({token}) Tj ET").repeat(9).as_bytes());
    table.add("encrypted.pdf", Gap("encrypted"), |token| {
        pdf(&[("/Filter/FlateDecode", &shown(token))], "/Encrypt 2 0 R")
    });
    table.add("encrypted-xref.pdf", Gap("encrypted"), |_| {
        pdf(&[("/Type/XRef/Encrypt 2 0 R/Filter/FlateDecode", &zlib(b"\0\0\0"))], "")
    });
    table.add("cut.pdf", Gap("damaged"), |_| {
        let whole = page(&"BT (something that is long enough) Tj ET ".repeat(3));
        whole[..whole.len() - 90].to_vec()
    });
    table.add("damaged.pdf", Gap("damaged"), |_| pdf(&[("/Filter/FlateDecode", b"\x78\x9c\xff\xff\xff\xff")], ""));
    table.add("crypt.pdf", Gap("encrypted"), |_| pdf(&[("/Filter/Crypt/DecodeParms<</Name/StdCF>>", b"abc")], ""));
    table.add("lost-rows.pdf", Gap("unsupported-format"), |token| {
        pdf(&[("/Filter/FlateDecode/DecodeParms 7 0 R", &shown(token))], "")
    });
    table.add("two-rows.pdf", Gap("unsupported-format"), |token| {
        let two = "/Filter/FlateDecode/DecodeParms<</Predictor 1>>/DecodeParms<</Predictor 12/Columns 9>>";
        pdf(&[(two, &shown(token))], "")
    });
    table.add("nested.pdf", Gap("limit"), |_| {
        let objects = "<<".repeat(60_000);
        let offsets: String = (0..60_000).map(|at| format!("{at} {} ", at * 2)).collect();
        let head = format!("/Type/ObjStm/N 60000/First {}/Filter/FlateDecode", offsets.len());
        pdf(&[(&head, &zlib(format!("{offsets}{objects}").as_bytes()))], "")
    });
    table.add("ranges.pdf", Gap("limit"), |_| {
        let range = format!("<0000> <ffff> <{}> ", "0041".repeat(2000));
        let cmap = format!("9 beginbfrange {} endbfrange", range.repeat(2000));
        pdf(&[("/Type/Font/ToUnicode 2 0 R", b""), ("/Filter/FlateDecode", &zlib(cmap.as_bytes()))], "")
    });
    table.add("unknown.pdf", Gap("unsupported-format"), |_| pdf(&[("/Filter/FooDecode", b"abc")], ""));
    table.add("twice.pdf", Gap("unsupported-format"), |token| {
        pdf(&[("/Filter [] /Filter /FlateDecode", &shown(token))], "")
    });
    table.add("decoy.pdf", Gap("unsupported-format"), |token| {
        let mut bytes = pdf(&[("/Filter 5 0 R", &shown(token))], "");
        bytes.extend_from_slice(b"5 0 obj /FlateDecode endobj\n5 0 obj [] endobj\n");
        bytes
    });
    table.add("nine.pdf", Gap("unsupported-format"), |token| {
        pdf(&[(&format!("/Filter [{}/Flate]", "/AHx".repeat(8)), &shown(token))], "")
    });
    table.add("lost.pdf", Gap("damaged"), |token| {
        let bytes = pdf(&[("/Filter/FlateDecode", &shown(token))], "");
        let at = bytes.windows(5).position(|it| it == b"0 obj").unwrap();
        [&bytes[..at], b"z", &bytes[at..]].concat()
    });
    for (name, open) in [("objects.pdf", "1 0 obj<<"), ("trailers.pdf", "trailer<<")] {
        table.add(name, Gap("limit"), |_| format!("%PDF-1.7\n{}", open.repeat(50_000)).into_bytes());
    }
    table.add("image.pdf", Clean, |_| pdf(&[("/Subtype/Image/Filter/DCTDecode", b"\xff\xd8")], ""));
    table.add("packed-image.pdf", Clean, |_| pdf(&[("/Subtype/Image/Filter/FlateDecode", &zlib(&[7; 999]))], ""));
    table.add("font.pdf", Clean, |_| pdf(&[("/Length1 9/Filter/FlateDecode", &zlib(b"OTTO\0\x01\0\x10"))], ""));
    table.add("about.py", Clean, |_| b"HEAD = b'%PDF-1.4'\nEND = 'stream\\n'\n".to_vec());
    table.check();
}
