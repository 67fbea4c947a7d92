//! Contents with a token somewhere in them, tried by every way in at once.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::forge::containers::*;
use super::forge::encodings::*;
use super::forge::{self, cat, line};
use super::{Expect, Failed, command, said};
use Expect::*;

/// A content: the number in the issue that asked for it, what it is, its file's name, what keysieve has to answer wherever
/// it comes from, and its bytes, made around a token.
struct Row(u8, &'static str, &'static str, Expect, fn(&str) -> Vec<u8>);

fn two(token: &str) -> String {
    format!("x = 1\n{}", line(token))
}

fn rows() -> Vec<Row> {
    vec![
        // Ordinary things.
        Row(0, "a plain text", "a.py", Found, |it| line(it).into()),
        Row(0, "a text without a secret", "a.py", Clean, |_| b"x = 1\n".to_vec()),
        Row(0, "an empty file", "__init__.py", Clean, |_| vec![]),
        Row(0, "random bytes", "a.bin", Clean, |_| forge::Random(7).bytes(4000)),
        Row(0, "a zip without a secret", "a.zip", Clean, |_| zip(&[Entry::new("a.txt", b"x = 1\n")], b"")),
        Row(0, "a gzip without a secret", "a.gz", Clean, |_| gzip(b"x = 1\n")),
        Row(0, "a tar without a secret", "a.tar", Clean, |_| tar(&[member("a.txt", b'0', b"x = 1\n")])),
        Row(0, "a tar with a folder and a link", "a.tar", Clean, |_| {
            tar(&[member("d/", b'5', b""), member("l", b'2', b""), member("d/a", b'0', b"x\n")])
        }),
        Row(0, "a database without a secret", "a.db", Clean, |_| sqlite("table", "t", "CREATE TABLE t (a)")),
        Row(0, "UTF-16 without a secret", "a.txt", Clean, |_| Encoding::Utf16Le.marked("x = 1\r\n")),
        Row(0, "a text that starts like zlib", "a.txt", Clean, |_| b"x\x9c is what zlib writes first\n".to_vec()),
        Row(0, "a text that starts with PK", "a.txt", Clean, |_| b"PK is a country code\n".to_vec()),
        Row(0, "a text that starts with BZh", "a.txt", Clean, |_| b"BZh9 is what bzip2 writes first\n".to_vec()),
        Row(0, "a text that starts with MZ", "a.txt", Clean, |_| b"MZ\n".to_vec()),
        // 9: magic bytes before text.
        Row(9, "a local header of a zip before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"PK\x03\x04", two(it).as_bytes()])
        }),
        Row(9, "a head of 7z before text", "a.txt", FoundOrIncomplete, |it| cat(&[SEVEN_ZIP, two(it).as_bytes()])),
        Row(9, "a whole short PKCS #12 before text", "a.txt", Found, |it| {
            cat(&[b"\x30\x0d\x02\x01\x03\x30\x08\x06\x03\x2a\x03\x04\xa0\x01\0", two(it).as_bytes()])
        }),
        Row(9, "the magic of a cpio before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"070701", two(it).as_bytes()])
        }),
        Row(9, "a tar of nothing before text", "a.txt", Found, |it| cat(&[&tar(&[]), two(it).as_bytes()])),
        Row(9, "ustar's name in text without a header", "a.txt", FoundOrIncomplete, |it| {
            cat(&[&[b'#'; 257], b"ustar\x0000", &[b'\n'; 300], two(it).as_bytes()])
        }),
        Row(9, "an archive of ar before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"!<arch>\n", two(it).as_bytes()])
        }),
        Row(9, "the head of a gzip before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\x1f\x8b\x08\0\0\0\0\0\0\x03", two(it).as_bytes()])
        }),
        Row(9, "the head of a Zstandard frame before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\x28\xb5\x2f\xfd", two(it).as_bytes()])
        }),
        Row(9, "the head of an xz before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\xfd7zXZ\0\0\x04", two(it).as_bytes()])
        }),
        Row(9, "the head of a bzip2 before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"BZh91AY&SY", two(it).as_bytes()])
        }),
        Row(9, "the head of a database before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"SQLite format 3\0", two(it).as_bytes()])
        }),
        Row(9, "the head of an rpm before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\xed\xab\xee\xdb\x03\0\0\0", two(it).as_bytes()])
        }),
        Row(9, "a bzip2, then text", "a.txt", FoundOrIncomplete, |it| cat(&[&bzip2(b"x\n"), two(it).as_bytes()])),
        Row(9, "an xz, then text", "a.txt", FoundOrIncomplete, |it| cat(&[&xz(b"x\n"), two(it).as_bytes()])),
        Row(9, "a Zstandard frame, then text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[&zstd(b"x\n"), two(it).as_bytes()])
        }),
        Row(9, "text, then a zip with the token packed", "a.sh", FoundOrIncomplete, |it| {
            cat(&[b"#!/bin/sh\nexit\n", &zip(&[Entry::new("a.py", two(it).as_bytes())], b"")])
        }),
        Row(9, "a program, then a zip with the token packed", "a.exe", FoundOrIncomplete, |it| {
            cat(&[b"MZ\x90\0\x03\0\0\0", &[0; 900], &zip(&[Entry::new("a.py", two(it).as_bytes())], b"")])
        }),
        // 10: parts of containers.
        Row(10, "an entry of a zip", "a.zip", Found, |it| zip(&[Entry::new("a.py", two(it).as_bytes())], b"")),
        Row(10, "the second of two entries of one name", "a.zip", FoundOrIncomplete, |it| {
            zip(&[Entry::new("a.py", b"x\n"), Entry::new("a.py", two(it).as_bytes())], b"")
        }),
        Row(10, "a second zip after the first", "a.zip", FoundOrIncomplete, |it| {
            cat(&[&zip(&[Entry::new("a.py", two(it).as_bytes())], b""), &zip(&[Entry::new("a.txt", b"x\n")], b"")])
        }),
        Row(10, "a zip with the token in front of another", "a.zip", FoundOrIncomplete, |it| {
            cat(&[&zip(&[Entry::new("a.txt", b"x\n")], b""), &zip(&[Entry::new("a.py", two(it).as_bytes())], b"")])
        }),
        Row(10, "a skippable frame first, the token packed", "a.zst", FoundOrIncomplete, |it| {
            cat(&[&zstd_skippable(b"x"), &zstd(two(it).as_bytes())])
        }),
        Row(10, "an entry of a tar", "a.tar", Found, |it| tar(&[member("a.py", b'0', two(it).as_bytes())])),
        Row(10, "both entries of one name", "a.tar", Found, |it| {
            tar(&[member("a.py", b'0', two(it).as_bytes()), member("a.py", b'0', b"x\n")])
        }),
        Row(10, "a GNU sparse file", "a.tar", FoundOrIncomplete, |it| tar(&[member("a.py", b'S', two(it).as_bytes())])),
        Row(10, "a member of an ar", "a.a", Found, |it| ar(&[("a.o", b"x\n"), ("b.py", two(it).as_bytes())])),
        Row(10, "text after a packed ar", "a.gz", FoundOrIncomplete, |it| {
            gzip(&cat(&[&ar(&[("a.o", b"x\n")]), two(it).as_bytes()]))
        }),
        // 11: encodings.
        Row(11, "FF FE 0 0 before ASCII", "a.txt", Found, |it| cat(&[b"\xff\xfe\0\0", two(it).as_bytes()])),
        Row(11, "EF BB BF before UTF-16", "a.txt", Found, |it| cat(&[b"\xef\xbb\xbf", &utf16le(&two(it))])),
        Row(11, "UTF-16, little-endian", "a.txt", Found, |it| Encoding::Utf16Le.marked(&two(it))),
        Row(11, "UTF-16, big-endian", "a.txt", Found, |it| Encoding::Utf16Be.marked(&two(it))),
        Row(11, "UTF-16 without a mark", "a.txt", Found, |it| utf16le(&two(it))),
        Row(11, "UTF-16 of the other order without a mark", "a.txt", Found, |it| utf16be(&two(it))),
        Row(11, "ASCII between two stretches of UTF-16", "a.txt", Found, |it| {
            let wide = utf16le(&"x = 1\r\n".repeat(40));
            cat(&[&wide, line(it).as_bytes(), &wide])
        }),
        Row(11, "bytes that are no UTF-8 around", "a.txt", Found, |it| {
            cat(&[b"\xff\x80\xe2\x28", line(it).as_bytes(), b"\xc3\x28"])
        }),
        Row(11, "NUL bytes around", "a.bin", Found, |it| cat(&[&[0; 4000], it.as_bytes(), &[0; 4000]])),
        // 12: word characters before.
        Row(12, "a line's end as JSON escapes it", "a.json", Found, |it| format!("{{\"a\": \"x\\n{it}\"}}").into()),
        Row(12, "a tab as JSON escapes it", "a.json", Found, |it| format!("{{\"a\": \"x\\t{it}\"}}").into()),
        Row(12, "a colour of a terminal", "a.log", Found, |it| format!("\u{1b}[31m{it}\u{1b}[0m\n").into()),
        Row(12, "a colour of a terminal, escaped", "a.log", Found, |it| format!("\\x1b[31m{it}\\x1b[0m\n").into()),
        Row(12, "a colour of a terminal, in octal", "a.log", Found, |it| format!("\\033[1;31m{it}\n").into()),
        Row(12, "an equals sign of a URL", "a.txt", Found, |it| format!("https://x/?t%3D{it}\n").into()),
        Row(12, "a unicode escape", "a.json", Found, |it| format!("{{\"a\": \"t\\u003d{it}\"}}").into()),
        Row(12, "a hexadecimal escape", "a.js", Found, |it| format!("a = 't\\x3d{it}'\n").into()),
        Row(12, "an escape of quoted-printable", "a.eml", Found, |it| format!("t=3D{it}\n").into()),
        Row(12, "a letter before", "a.txt", Found, |it| format!("x{it}\n").into()),
        Row(12, "an underscore before", "a.txt", Found, |it| format!("token_{it}\n").into()),
        Row(12, "a digit before", "a.txt", Found, |it| format!("1{it}\n").into()),
        Row(12, "a letter of another script before", "a.txt", Found, |it| format!("ключ{it}\n").into()),
        Row(12, "a source map", "a.js.map", Found, |it| {
            format!("{{\"sourcesContent\":[\"const a = 1;\\nconst t =\\n\\t{it}\\n\"]}}").into()
        }),
        Row(12, "a notebook", "a.ipynb", Found, |it| {
            format!("{{\"cells\":[{{\"cell_type\":\"code\",\"source\":[\"!echo \\n{it}\"],\"outputs\":[]}}]}}").into()
        }),
        // 13: recognised and not opened.
        Row(13, "a stream of PDF", "a.pdf", FoundOrIncomplete, |it| {
            pdf(format!("BT /F1 12 Tf 72 720 Td ({it}) Tj ET").as_bytes())
        }),
    ]
}

/// A row's own folder, which starts all of its paths.
fn folder(index: usize) -> String {
    format!("row-{index:03}")
}

/// The report of a run over all rows: secrets found, and the paths of gaps.
struct Report {
    secrets: String,
    gaps: Vec<String>,
    code: i32,
}

fn keysieve(root: &Path, arguments: &[&str], input: &[u8]) -> Report {
    let mut child = command(env!("CARGO_BIN_EXE_keysieve"), root)
        .args(arguments)
        .args(["--format", "jsonl", "--show-secrets", "--no-progress"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have seen enough before the end.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let (findings, summary): (Vec<&str>, Vec<&str>) = text.lines().partition(|it| it.contains("\"type\":\"finding\""));
    let summary: Value = serde_json::from_str(summary.last().unwrap_or_else(|| panic!("{}", said(&output)))).unwrap();
    let gaps = summary["incomplete"].as_array().unwrap();
    let gaps = gaps.iter().map(|gap| format!("{}: {}", gap["path"].as_str().unwrap(), gap["reason"])).collect();
    Report { secrets: findings.join("\n"), gaps, code: output.status.code().unwrap() }
}

#[test]
fn no_content_is_clean_by_mistake() {
    let rows = rows();
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let git = |arguments: &[&str]| {
        let output = command("git", root).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    git(&["branch", "base"]);
    let tokens: Vec<String> = (0..rows.len()).map(|index| forge::token(index as u64)).collect();
    for (index, Row(.., file, _, bytes)) in rows.iter().enumerate() {
        fs::create_dir(root.join(folder(index))).unwrap();
        fs::write(root.join(folder(index)).join(file), bytes(&tokens[index])).unwrap();
    }
    git(&["-c", "core.autocrlf=false", "add", "-A"]);
    let listed = git(&["ls-files", "-s"]);
    let objects: Vec<&str> = listed.lines().map(|entry| entry.split(' ').nth(1).unwrap()).collect();
    assert_eq!(objects.len(), rows.len(), "a row is a file");
    let mut reports =
        BTreeMap::from([("scan", keysieve(root, &["scan"], b"")), ("staged", keysieve(root, &["staged"], b""))]);
    git(&["commit", "-q", "-m", "all rows"]);
    let pushed =
        format!("refs/heads/main {} refs/heads/main {}\n", git(&["rev-parse", "main"]), git(&["rev-parse", "base"]));
    reports.insert("range", keysieve(root, &["range", "base..main"], b""));
    reports.insert("push", keysieve(root, &["range", "--pre-push"], pushed.as_bytes()));
    reports.insert("history", keysieve(root, &["history"], b""));
    git(&["repack", "-q", "-a", "-d"]);
    reports.insert("history of a pack", keysieve(root, &["history"], b""));
    let mut failed = Failed::default();
    for (index, Row(item, name, _, expect, bytes)) in rows.iter().enumerate() {
        let own = format!("{}/", folder(index));
        // A history names an object that it cannot read by its id.
        let its = |gap: &&str| gap.contains(&own) || gap.contains(objects[index]);
        let mut wrong = Vec::new();
        let mut judge = |way: &str, found: bool, gaps: &[&str]| {
            let code = if gaps.is_empty() { i32::from(found) } else { 3 };
            if !expect.holds(code, found) {
                wrong.push(format!("{way} ({}, gaps: {gaps:?})", if found { "found" } else { "not found" }));
            }
        };
        for (way, report) in &reports {
            assert_eq!(report.code, if report.gaps.is_empty() { 1 } else { 3 }, "{way}");
            let gaps: Vec<&str> = report.gaps.iter().map(String::as_str).filter(its).collect();
            judge(way, report.secrets.contains(&tokens[index]), &gaps);
        }
        let report = keysieve(root, &["scan", "-"], &bytes(&tokens[index]));
        let gaps: Vec<&str> = report.gaps.iter().map(String::as_str).collect();
        judge("standard input", report.secrets.contains(&tokens[index]), &gaps);
        let exit = if gaps.is_empty() { i32::from(report.secrets.contains("\"type\":\"finding\"")) } else { 3 };
        assert_eq!(report.code, exit, "{name}: the exit code is what the report says");
        if !wrong.is_empty() {
            failed.add(format!("{item} {name}"), *expect, wrong.join(", "));
        }
    }
    failed.none();
}
