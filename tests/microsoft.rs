//! Compound files, cabinets and compiled help: what is in them is found where it is, and what cannot be read is said.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "forge/mod.rs"]
mod forge;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use forge::containers::{Entry, zip, zlib};
use forge::encodings::utf16le;
use forge::microsoft::*;
use forge::{line, token};
use serde_json::Value;

/// What a row expects: where its token is found, behind the path of the file, and the codes of its gaps.
struct Row {
    name: String,
    bytes: Vec<u8>,
    token: String,
    at: Option<&'static str>,
    gaps: BTreeSet<&'static str>,
}

#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    fn add(&mut self, name: &str, at: Option<&'static str>, gaps: &[&'static str], make: impl FnOnce(&str) -> Vec<u8>) {
        let token = token(9000 + self.0.len() as u64);
        let bytes = make(&token);
        self.0.push(Row { name: name.to_owned(), bytes, token, at, gaps: gaps.iter().copied().collect() });
    }

    fn check(&self) {
        let folder = tempfile::tempdir().unwrap();
        for row in &self.0 {
            fs::write(folder.path().join(&row.name), &row.bytes).unwrap();
        }
        let lines = scan(folder.path(), &[]);
        for row in &self.0 {
            let found: Vec<&str> = lines
                .iter()
                .filter(|line| line["secret"] == row.token.as_str())
                .map(|line| line["location"]["path"].as_str().unwrap())
                .collect();
            let at = Vec::from_iter(row.at.map(|at| format!("{}{at}", row.name)));
            assert_eq!(found, at, "{}: {:?}", row.name, gaps(&lines, &row.name));
            let codes: BTreeSet<&str> = gaps(&lines, &row.name).into_iter().map(|(code, _)| code).collect();
            assert_eq!(codes, row.gaps, "{}: {:?}", row.name, gaps(&lines, &row.name));
        }
    }
}

fn scan(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(["scan", ".", "--format", "jsonl", "--show-secrets", "--all"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{said}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Codes and reasons of the gaps of a file, and of what is in it.
fn gaps<'a>(lines: &'a [Value], name: &str) -> Vec<(&'a str, &'a str)> {
    let gaps = lines.last().unwrap()["incomplete"].as_array().unwrap().iter();
    let text = |gap: &'a Value, key: &str| gap[key].as_str().unwrap();
    let is_here = |path: &str| path == name || path.starts_with(&format!("{name}!/"));
    gaps.filter(|gap| is_here(text(gap, "path"))).map(|gap| (text(gap, "code"), text(gap, "reason"))).collect()
}

/// A text of some length around a token, which no two sectors or blocks of the sizes there are can hold in one.
fn around(token: &str, before: usize, after: usize) -> Vec<u8> {
    let filler = |length: usize| "x = 1 # a line\n".bytes().cycle().take(length).collect::<Vec<u8>>();
    [filler(before), b"\n".to_vec(), line(token).into_bytes(), filler(after)].concat()
}

const OUTSIDE: Option<&str> = Some("!/(outside of entries)");

#[test]
fn streams_of_compound_files_are_read() {
    let mut table = Table::default();
    // The token stands over the border of two sectors, which are not neighbours.
    table.add("long.doc", Some("!/A/B/Long"), &[], |it| {
        Compound::new().stream("A/B/Long", &around(it, 5 * 512 - 30, 3000)).stream("Other", &[b'x'; 5000]).build()
    });
    table.add("short.doc", Some("!/Short"), &[], |it| {
        Compound::new().stream("First", b"x").stream("Short", &around(it, 2 * 64 - 30, 300)).build()
    });
    table.add("wide.doc", Some("!/Wide"), &[], |it| {
        let text = String::from_utf8(around(it, 1000, 3000)).unwrap();
        Compound::new().stream("Wide", &[&b"\x01"[..], &utf16le(&text)].concat()).build()
    });
    table.add("nested.doc", Some("!/Package!/a.txt"), &[], |it| {
        Compound::new().stream("Package", &zip(&[Entry::new("a.txt", &around(it, 9000, 90))], b"")).build()
    });
    table.add("many.doc", Some("!/S299"), &[], |it| {
        let file = (0..299).fold(Compound::new(), |file, at| file.stream(&format!("S{at}"), &[at as u8; 4096]));
        file.stream("S299", &around(it, 5 * 512 - 30, 3000)).build()
    });
    // What no entry names, of what nothing is known, and behind the end of a stream.
    table.add("orphan.doc", OUTSIDE, &[], |it| Compound::new().orphan(&around(it, 5 * 512 - 30, 3000)).build());
    table.add("orphan-zip.doc", Some("!/(outside of entries)!/a.txt"), &[], |it| {
        let packed = zip(&[Entry::stored("n", &[7; 4096]), Entry::new("a.txt", &around(it, 9000, 90))], b"");
        Compound::new().orphan(&packed).build()
    });
    table.add("free.msg", Some(""), &[], |it| Compound::new().free(line(it).as_bytes()).build());
    table.add("slack.msg", Some(""), &[], |it| {
        Compound::new().orphan(&around(it, 4200, 0)).stream_at("Short", 8, 4100).build()
    });
    // Two characters of a name are one.
    table.add("names.msi", OUTSIDE, &[], |it| {
        Compound::new().stream(&installer_name(it), b"x").stream(&installer_name("_StringData"), b"x").build()
    });
    table.add("plain.msi", Some("!/Binary.a"), &[], |it| {
        Compound::new().stream(&installer_name("Binary.a"), &around(it, 2 * 64 - 30, 9)).build()
    });
    table.check();
}

#[test]
fn what_office_packs_is_read() {
    let mut table = Table::default();
    let text = |it: &str| [b"Attribute VB_Name = \"Module1\"\r\n".repeat(200), line(it).into_bytes()].concat();
    table.add("macro.doc", Some("!/Macros/VBA/Module1!/source"), &[], |it| {
        let stream = [&b"\x01\x16\x03\0cache\x01\xb0"[..], &[1; 300], &macro_source(&text(it))].concat();
        let file = Compound::new().stream("Macros/VBA/dir", &macro_source(b"\x01\0\x04\0\0\0\x01\0\0\0"));
        file.stream("Macros/VBA/_VBA_PROJECT", b"\xcc\x61").stream("Macros/VBA/Module1", &stream).build()
    });
    table.add("macro.docm", Some("!/word/vbaProject.bin!/VBA/Module1!/source"), &[], |it| {
        let project = Compound::new().stream("VBA/Module1", &macro_source(&text(it))).build();
        zip(&[Entry::new("word/vbaProject.bin", &project)], b"")
    });
    table.add("broken-macro.xls", None, &["damaged"], |it| {
        let stream = macro_source(&text(it));
        Compound::new().stream("_VBA_PROJECT_CUR/VBA/Sheet1", &stream[..stream.len() - 1]).build()
    });
    table.add("body.msg", Some("!/__substg1.0_10090102!/body.rtf"), &[], |it| {
        let text = [&b"{\\rtf1 "[..], &around(it, 5000, 90), b"}"].concat();
        Compound::new().stream("__substg1.0_10090102", &compressed_rtf(&text)).build()
    });
    table.add("broken-body.msg", None, &["damaged"], |it| {
        let text = compressed_rtf(&around(it, 5000, 90));
        Compound::new().stream("__substg1.0_10090102", &text[..600]).build()
    });
    table.add("object.ppt", Some("!/PowerPoint Document!/object-1!/Text"), &[], |it| {
        let packed = zlib(&Compound::new().stream("Text", &around(it, 5 * 512 - 30, 3000)).build());
        let object = [&b"\x10\0\x11\x10"[..], &(packed.len() as u32 + 4).to_le_bytes(), &[0; 4], &packed].concat();
        let document = [&b"\x0f\0\xe8\x03\x09\0\0\0\0\0\xe9\x03\x01\0\0\0x"[..], &object].concat();
        Compound::new().stream("PowerPoint Document", &document).build()
    });
    // A text goes on in another record, whose head stands between; one with a byte for its characters, one without.
    for (name, head) in [("strings.xls", &b"\0"[..]), ("text.xls", b"")] {
        table.add(name, OUTSIDE, &[], |it| {
            let (first, second) = it.split_at(17);
            let start = record(0xFC, &[b"a text: ", first.as_bytes()].concat());
            let rest = record(0x3C, &[head, second.as_bytes(), b" and more"].concat());
            Compound::new().stream("Workbook", &[record(0x809, &[0; 16]), start, rest].concat()).build()
        });
    }
    table.check();
}

#[test]
fn what_cannot_be_read_of_compound_files_is_said() {
    let mut table = Table::default();
    let word = |flags: u8| [&[0xEC, 0xA5, 0xC1, 0, 0, 0, 0, 0, 0, 0, 0, flags][..], &[0; 500]].concat();
    let book = |kind: u16| [record(0x809, &[0; 16]), record(kind, &[1; 6]), record(0x0A, b""), vec![0; 9]].concat();
    let hangul = |flags: u8| [&b"HWP Document File\0"[..], &[0; 18], &[flags, 0, 0, 0]].concat();
    let user = |mark: &[u8]| [&[0, 0, 0xF6, 0x0F, 0x14, 0, 0, 0, 0x14, 0, 0, 0][..], mark].concat();
    for (name, stream, bytes, gap) in [
        ("a.docx", "EncryptedPackage", vec![7; 90], &["encrypted"][..]),
        ("b.doc", "WordDocument", word(1), &["encrypted"]),
        ("c.doc", "WordDocument", word(0), &[]),
        ("d.xls", "Workbook", book(0x2F), &["encrypted"]),
        ("e.xls", "Book", book(0x2E), &[]),
        ("f.ppt", "Current User", user(b"\xdf\xc4\xd1\xf3"), &["encrypted"]),
        ("g.ppt", "Current User", user(b"\x5f\xc0\x91\xe3"), &[]),
        ("h.hwp", "FileHeader", hangul(3), &["encrypted"]),
        ("i.hwp", "FileHeader", hangul(1), &["unsupported-format"]),
        ("j.hwp", "FileHeader", hangul(0), &[]),
        ("k.vsd", "VisioDocument", vec![7; 90], &["unsupported-format"]),
    ] {
        table.add(name, None, gap, |_| Compound::new().stream(stream, &bytes).build());
    }
    let file = |it: &str| Compound::new().stream("Long", &around(it, 5 * 512 - 30, 9000)).stream("Short", b"x");
    let whole = file("none").build();
    table.add("head.doc", Some(""), &["damaged"], |it| [&whole[..8], b"\n", line(it).as_bytes()].concat());
    table.add("cut.doc", None, &["damaged"], |_| whole[..whole.len() / 2].to_vec());
    table.add("shared.doc", Some("!/Long"), &["damaged"], |it| file(it).stream_at("Again", 9, 5000).build());
    table.add("nowhere.doc", Some("!/Long"), &["damaged"], |it| file(it).stream_at("Again", 999, 5000).build());
    table
        .add("far.doc", Some("!/Long"), &["damaged"], |it| file(it).stream_at("Far", 0x7FFF_FFFF, 0x7FFF_FFFF).build());
    // The table of sectors is the last one: a chain that comes back to where it was.
    table.add("loop.doc", Some(""), &["damaged"], |it| {
        let mut bytes = file(it).build();
        let table = bytes.len() - 512;
        for sector in 0..20 {
            bytes[table + 4 * sector..][..4].copy_from_slice(&3_u32.to_le_bytes());
        }
        bytes.extend(line(it).bytes());
        bytes
    });
    table.check();
}

#[test]
fn files_of_cabinets_are_read() {
    use Method::{Lzx, MsZip, Other, Stored};
    let mut table = Table::default();
    const BLOCK: usize = 32 << 10;
    for (name, method) in [("stored.cab", Stored), ("zipped.cab", MsZip), ("lzx.cab", Lzx)] {
        // The token stands over the border of two blocks.
        let at = 2 * BLOCK - 30;
        table.add(name, Some("!/d/b.txt"), &[], |it| {
            let folder = around(it, at, 3000);
            cabinet(method, &folder, &[("d\\b.txt", at - 100, folder.len() - at + 100), ("a.txt", 0, at - 100)])
        });
        table.add(&format!("outside-{name}"), OUTSIDE, &[], |it| {
            cabinet(method, &around(it, at, 3000), &[("a.txt", 0, 100), ("b.txt", 3 * BLOCK / 2, 90)])
        });
        table.add(&format!("behind-{name}"), Some(""), &[], |it| {
            [cabinet(method, b"x = 1\n", &[("a.txt", 0, 6)]), line(it).into_bytes()].concat()
        });
        table.add(&format!("cut-{name}"), None, &["damaged"], |it| {
            let whole = cabinet(method, &around(it, at, 3000), &[("a.txt", 0, 2 * BLOCK)]);
            whole[..whole.len() / 2].to_vec()
        });
        table.add(&format!("long-{name}"), Some("!/a.txt"), &["damaged"], |it| {
            cabinet(method, &around(it, at, 3000), &[("a.txt", 0, 90_000)])
        });
    }
    table.add("nested.cab", Some("!/a.msi!/Text"), &[], |it| {
        let inner = Compound::new().stream("Text", &around(it, 5 * 512 - 30, 3000)).build();
        cabinet(Lzx, &inner, &[("a.msi", 0, inner.len())])
    });
    table.add("overlap.cab", Some("!/b.zip!/c.txt"), &[], |it| {
        let inner = zip(&[Entry::new("c.txt", &around(it, 9000, 90))], b"");
        let folder = [&b"x = 1\n"[..], &inner].concat();
        let size = folder.len();
        cabinet(MsZip, &folder, &[("a.txt", 0, size - 1), ("b.zip", 6, size - 6), ("b-again.zip", 6, size - 6)])
    });
    table.add("name.cab", Some(""), &[], |it| cabinet(Stored, b"x = 1\n", &[(it, 0, 6)]));
    for (name, method) in [("quantum.cab", 2), ("window.cab", 0x1903), ("other.cab", 7)] {
        table.add(name, None, &["unsupported-format"], |_| cabinet(Other(method), b"x = 1\n", &[("a.txt", 0, 6)]));
    }
    table.add("head.cab", Some(""), &["damaged"], |it| [b"MSCF\0\0\0\0\n", line(it).as_bytes()].concat());
    let changed = |at: usize, to: &[u8]| {
        let mut whole = cabinet(Stored, b"x = 1\n", &[("a.txt", 0, 6)]);
        whole[at..at + to.len()].copy_from_slice(to);
        whole
    };
    // A byte of its text, the number of its folder, of its files, and one that goes on in another cabinet.
    let last = changed(0, b"").len() - 2;
    table.add("checksum.cab", None, &["damaged"], |_| changed(last, b"2"));
    table.add("folder.cab", None, &["damaged"], |_| changed(52, b"\x01"));
    table.add("files.cab", None, &["damaged"], |_| changed(28, b"\x09"));
    table.add("set.cab", None, &["unsupported-format"], |_| {
        let mut whole = changed(52, b"\xfe\xff");
        whole[30] = 2;
        // The names of the next one and of its disk.
        whole.splice(36..36, *b"b.cab\0\0");
        let list = (44 + 7_u32).to_le_bytes();
        whole[16..20].copy_from_slice(&list);
        let start = u32::from_le_bytes(whole[43..47].try_into().unwrap()) + 7;
        whole[43..47].copy_from_slice(&start.to_le_bytes());
        whole
    });
    table.check();
}

/// Many folders over the same blocks would be far more than the cabinet has.
#[test]
fn folders_that_share_blocks_are_damage() {
    let folder = tempfile::tempdir().unwrap();
    let whole = cabinet(Method::Stored, &[b'x'; 1000], &[("a.txt", 0, 1000)]);
    let count = 1000_usize;
    let mut bytes = whole[..36].to_vec();
    bytes[26..28].copy_from_slice(&(count as u16).to_le_bytes());
    let moved = 8 * (count as u32 - 1);
    bytes[16..20].copy_from_slice(&(44 + moved).to_le_bytes());
    let start = u32::from_le_bytes(whole[36..40].try_into().unwrap()) + moved;
    for _ in 0..count {
        bytes.extend(start.to_le_bytes());
        bytes.extend([1, 0, 0, 0]);
    }
    bytes.extend(&whole[44..]);
    fs::write(folder.path().join("a.cab"), &bytes).unwrap();
    let lines = scan(folder.path(), &[]);
    assert!(gaps(&lines, "a.cab").iter().any(|(_, reason)| reason.contains("share blocks")), "{lines:?}");
}

#[test]
fn what_a_limit_cuts_off_is_said_and_what_follows_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let token = token(1);
    let bytes = [vec![b'x'; 3 << 20], line(&token).into_bytes()].concat();
    let files = [("a.txt", 0, 3 << 20), ("b.txt", 3 << 20, bytes.len() - (3 << 20))];
    fs::write(folder.path().join("a.cab"), cabinet(Method::MsZip, &bytes, &files)).unwrap();
    let help = compiled_help(&[], &[("/a.txt", &bytes[..3 << 20]), ("/b.txt", &bytes[3 << 20..])]);
    fs::write(folder.path().join("a.chm"), help).unwrap();
    let lines = scan(folder.path(), &["--max-archive-entry", "1MiB"]);
    for name in ["a.cab", "a.chm"] {
        let gaps = gaps(&lines, name);
        assert!(matches!(gaps[..], [("limit", reason)] if reason.contains("only 1 MiB")), "{gaps:?}");
        assert!(lines.iter().any(|line| line["location"]["path"] == format!("{name}!/b.txt")), "{lines:?}");
    }
    for arguments in [["--max-archive-entries", "1"], ["--max-archive-size", "1MiB"], ["--max-archive-depth", "0"]] {
        let lines = scan(folder.path(), &arguments);
        for name in ["a.cab", "a.chm"] {
            assert!(gaps(&lines, name).iter().any(|(code, _)| *code == "limit"), "{arguments:?}: {lines:?}");
        }
    }
}

#[test]
fn files_of_compiled_help_are_read() {
    let mut table = Table::default();
    let filler = b"<p>text</p>\n".repeat(9000);
    let page = |it: &str| around(it, (2 << 15) - 30, 300);
    table.add("packed.chm", Some("!/b.htm"), &[], |it| {
        compiled_help(&[("/#SYSTEM", b"x")], &[("/b.htm", &page(it)), ("/c.htm", &filler)])
    });
    table.add("anew.chm", Some("!/d/b.htm"), &[], |it| {
        compiled_help(&[], &[("/a.htm", &filler), ("/d/b.htm", &page(it))])
    });
    table.add("plain.chm", Some("!/#STRINGS"), &[], |it| {
        compiled_help(&[("/#STRINGS", line(it).as_bytes())], &[("/a.htm", b"x")])
    });
    table.add("nested.chm", Some("!/a.zip!/c.txt"), &[], |it| {
        compiled_help(&[], &[("/a.zip", &zip(&[Entry::new("c.txt", &around(it, 9000, 90))], b""))])
    });
    table.add("name.chm", Some(""), &[], |it| compiled_help(&[], &[(&format!("/{it}.htm"), b"x")]));
    table.add("behind.chm", Some(""), &[], |it| {
        [compiled_help(&[], &[("/a.htm", b"x")]), line(it).into_bytes()].concat()
    });
    table.add("head.chm", Some(""), &["damaged"], |it| [b"ITSF\x03\0\0\0\n", line(it).as_bytes()].concat());
    table.add("cut.chm", None, &["damaged"], |it| {
        let whole = compiled_help(&[], &[("/a.htm", &page(it))]);
        whole[..whole.len() - 40_000].to_vec()
    });
    let changed = |mark: &[u8], ahead: usize, to: u8| {
        let mut whole = compiled_help(&[], &[("/a.htm", b"x = 1\n")]);
        let at = memchr::memmem::find(&whole, mark).unwrap() + ahead;
        whole[at] = to;
        whole
    };
    table.add("window.chm", None, &["damaged"], |_| changed(b"LZXC", 12, 3));
    table.add("listing.chm", None, &["damaged"], |_| changed(b"PMGL", 0, 0));
    table.add("section.chm", None, &["unsupported-format"], |_| changed(b"/a.htm", 6, 2));
    table.check();
}
