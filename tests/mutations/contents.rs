//! Contents: encodings, what stands before the token, heads of formats before text, containers with odd parts.

use super::Lab;
use super::forge::Random;
use super::forge::containers::*;
use super::forge::encodings::Encoding;
use super::forge::microsoft::{Compound, Method, cabinet, compiled_help};
use super::forge::repository::{Kind, Object, PackForm, Packed, commit};

pub fn encodings(random: &mut Random, lab: &mut Lab) {
    let bytes = encoded(random, lab);
    place(random, lab, "a.txt", &bytes);
}

pub fn borders(random: &mut Random, lab: &mut Lab) {
    let bytes = bordered(random, lab);
    place(random, lab, "a.json", &bytes);
}

pub fn heads(random: &mut Random, lab: &mut Lab) {
    let text = format!("{}{}{}", random.text(6), lab.line(), random.text(6));
    let bytes = headed(random, lab, text.as_bytes());
    place(random, lab, "a.txt", &bytes);
}

pub fn containers(random: &mut Random, lab: &mut Lab) {
    let text = format!("{}{}", random.text(4), lab.line());
    let bytes = contained(random, lab, text.as_bytes());
    place(random, lab, "a.bin", &bytes);
}

/// An encoded or bordered text within containers within containers.
pub fn stacked(random: &mut Random, lab: &mut Lab) {
    let mut bytes = match random.below(3) {
        0 => encoded(random, lab),
        1 => bordered(random, lab),
        _ => lab.line().into(),
    };
    for _ in 0..1 + random.below(3) {
        bytes = wrapped(random, lab, &bytes);
    }
    if random.one_in(3) {
        bytes = around(random, lab, &bytes);
    }
    place(random, lab, "a.bin", &bytes);
}

/// Stretches of text in one encoding or another, with marks where they belong, where they do not, and of the wrong kind.
fn encoded(random: &mut Random, lab: &mut Lab) -> Vec<u8> {
    let mut bytes = Vec::new();
    if random.one_in(2) {
        let mark = random.pick(&Encoding::ALL).mark();
        lab.note(format!("a mark {mark:02x?}"), false);
        bytes.extend(mark);
    }
    let stretches = 1 + random.below(4);
    let with_token = random.below(stretches);
    for at in 0..stretches {
        let encoding = *random.pick(&Encoding::ALL);
        lab.note(format!("{encoding:?}"), encoding == Encoding::Utf8);
        // Long enough to tell an encoding, or one line only.
        let mut text = if random.one_in(2) { random.text(8) } else { random.text(3).repeat(1 + random.below(400)) };
        if at == with_token {
            text = format!(
                "{text}{}{}",
                if random.one_in(2) { lab.line() } else { format!("\n{}\n", lab.token) },
                random.text(3)
            );
            lab.note("here the token", true);
        }
        if random.one_in(8) {
            bytes.push(b'y');
            lab.note("an odd byte", false);
        }
        bytes.extend(encoding.write(&text));
        if random.one_in(6) {
            let count = 1 + random.below(40);
            bytes.extend(vec![0; count]);
            lab.note(format!("{count} NUL"), false);
        }
    }
    bytes
}

fn bordered(random: &mut Random, lab: &mut Lab) -> Vec<u8> {
    let before = [
        "\\n",
        "\\t",
        "\\r\\n",
        "\\\\n",
        "\u{1b}[31m",
        "\\x1b[0m",
        "\\033[1;31m",
        "\\u001b[32m",
        "%3D",
        "%3d",
        "%20",
        "%0A",
        "\\u003d",
        "\\u003D",
        "\\x3d",
        "=3D",
        "&#61;",
        "&#x3d;",
        "&quot;",
        "x",
        "_",
        "7",
        "Z",
        "я",
        "é",
        "token_",
        "TOKEN",
        "=",
        ":",
        "\"",
        "'",
        "`",
        "(",
        "<",
        ">",
        "|",
        "\\",
        "/",
        "@",
        "-",
        ".",
        ",",
        ";",
        "\t",
        " ",
        "\0",
        "\u{feff}",
        "\u{200b}",
        "$",
        "{",
        "\\\"",
        "\\\\\\\"",
        "%25%33%44",
        "ghp_",
        "gh",
    ];
    let after = [
        "\n",
        "\\n",
        "\"",
        "'",
        "\\\"",
        " ",
        "\u{1b}[0m",
        "\\u001b[0m",
        "&",
        "<",
        "%20",
        "@github.com/a/b",
        "\0",
        "",
        ",",
        ")",
    ];
    let (before, after) = (*random.pick(&before), *random.pick(&after));
    lab.note(format!("{before:?} before, {after:?} after"), true);
    let shell = *random.pick(&[
        "{\"a\": \"b@c\"}\n",
        "a: @\n",
        "\"@\"\n",
        "@",
        "curl -H 'x@' https://x/\n",
        "<a href=\"@\">\n",
    ]);
    let text = shell.replace('@', &format!("{before}{}{after}", lab.token));
    format!("{}{text}{}", random.text(5), random.text(5)).into()
}

/// Text after the first bytes of a format, whole or cut.
fn headed(random: &mut Random, lab: &mut Lab, text: &[u8]) -> Vec<u8> {
    let small = |bytes: Vec<u8>, random: &mut Random| {
        let length = 1 + random.below(bytes.len());
        bytes[..length].to_vec()
    };
    let plain = b"x = 1\n";
    let wholes: [(&str, Vec<u8>); 15] = [
        ("zip", zip(&[Entry::new("a", plain)], b"")),
        ("empty zip", ZIP_END.to_vec()),
        ("tar", tar(&[member("a", b'0', plain)])),
        ("gzip", gzip(plain)),
        ("bzip2", bzip2(plain)),
        ("xz", xz(plain)),
        ("zstd", zstd(plain)),
        ("7z", SEVEN_ZIP.to_vec()),
        ("ar", ar(&[("a", plain)])),
        ("cpio", cpio(&[("a", plain)])),
        ("sqlite", sqlite("table", "t", "CREATE TABLE t (a)")),
        ("pdf", pdf(plain)),
        ("compound file", Compound::new().stream("a", plain).build()),
        ("cabinet", cabinet(Method::MsZip, plain, &[("a", 0, plain.len())])),
        ("compiled help", compiled_help(&[], &[("/a", plain)])),
    ];
    let magics: [&[u8]; 32] = [
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PK\x07\x08",
        b"\x1f\x8b\x08",
        b"BZh9",
        b"BZh91AY&SY",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"\x50\x2a\x4d\x18",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07\0",
        b"Rar!\x1a\x07\x01\0",
        b"MSCF\0\0\0\0",
        b"ITSF\x03\0\0\0",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"!<arch>\n",
        b"!<thin>\n",
        b"070701",
        b"070707",
        b"\xc7\x71",
        b"SQLite format 3\0",
        b"\xfe\xed\xfe\xed\0\0\0\x02",
        b"\xce\xce\xce\xce\0\0\0\x02",
        b"\x30\x82\x04\0\x02\x01\x03\x30\x82\x03\xf0",
        b"\x30\x0d\x02\x01\x03\x30\x08\x06\x03\x2a\x03\x04\xa0\x01\0",
        b"\xed\xab\xee\xdb\x03\0",
        b"LZIP\x01",
        b"hsqs\0\0",
        b"xar!\0\x1c",
        b"\x60\xea",
        b"%PDF-1.7\n",
        b"# v2 git bundle\n",
    ];
    let mut bytes = Vec::new();
    match random.below(3) {
        0 => {
            let (name, whole) = random.pick(&wholes);
            lab.note(format!("a whole {name} before"), false);
            bytes.extend(whole);
        }
        1 => {
            let (name, whole) = random.pick(&wholes);
            bytes.extend(small(whole.clone(), random));
            lab.note(format!("{} bytes of a {name} before", bytes.len()), false);
        }
        _ => {
            let magic = *random.pick(&magics);
            bytes.extend(magic);
            let count = random.below(60);
            bytes.extend(if random.one_in(2) { vec![0; count] } else { random.bytes(count) });
            lab.note(format!("{magic:02x?} and {count} bytes before"), false);
        }
    }
    if random.one_in(3) {
        bytes.push(b'\n');
    }
    bytes.extend(text);
    if random.one_in(4) {
        let (name, whole) = random.pick(&wholes);
        lab.note(format!("a whole {name} after"), false);
        bytes.extend(whole);
    }
    bytes
}

/// The content in an ordinary place of a container.
pub fn wrapped(random: &mut Random, lab: &mut Lab, content: &[u8]) -> Vec<u8> {
    let plain = b"x = 1\n";
    let (name, bytes) = match random.below(12) {
        0 => ("gzip", gzip(content)),
        1 => ("bzip2", bzip2(content)),
        2 => ("xz", xz(content)),
        3 => ("zstd", zstd(content)),
        4 => ("zip", zip(&[Entry::new("a.txt", plain), Entry::new("b.py", content)], b"")),
        5 => ("stored zip", zip(&[Entry::stored("b.py", content), Entry::new("a.txt", plain)], b"")),
        6 => ("tar", tar(&[member("a.txt", b'0', plain), member("b.py", b'0', content)])),
        7 => ("ar", ar(&[("a.txt", plain), ("b.py", content)])),
        8 => ("a compound file", Compound::new().stream("a.txt", plain).stream("A/b.py", content).build()),
        9 => {
            let method = *random.pick(&[Method::Stored, Method::MsZip, Method::Lzx]);
            let files = [("a.txt", 0, plain.len()), ("b.py", plain.len(), content.len())];
            ("a cabinet", cabinet(method, &[plain, content].concat(), &files))
        }
        10 => ("compiled help", compiled_help(&[("/a.txt", plain)], &[("/b.py", content)])),
        _ => ("cpio", cpio(&[("a.txt", plain), ("b.py", content)])),
    };
    lab.note(format!("in {name}"), true);
    bytes
}

/// Something before or after, as in archives that unpack themselves and in files that were joined.
fn around(random: &mut Random, lab: &mut Lab, content: &[u8]) -> Vec<u8> {
    let other = match random.below(4) {
        0 => gzip(b"x\n"),
        1 => zip(&[Entry::new("a.txt", b"x\n")], b""),
        2 => random.text(5).into(),
        _ => vec![0; 1 + random.below(2000)],
    };
    lab.note("with something after", false);
    [content, &other].concat()
}

/// The content in some part of a container that few programs look at.
fn contained(random: &mut Random, lab: &mut Lab, content: &[u8]) -> Vec<u8> {
    let plain = &b"x = 1\n"[..];
    let text = String::from_utf8_lossy(content).into_owned();
    let token = lab.token.clone();
    let short = |bytes: &[u8]| bytes[bytes.len().saturating_sub(200)..].to_vec();
    let link = {
        let mut header = member("l", b'2', b"");
        header[157..157 + token.len()].copy_from_slice(token.as_bytes());
        seal(&mut header);
        header
    };
    let kind = *random.pick(b"0123456789ADKLMNSVXZgx\0 ");
    let odd_size = {
        let mut header = member("a.py", b'0', content);
        let size = [&b"\x80\0\0\0\0\0\0\0"[..], &(content.len() as u32).to_be_bytes()].concat();
        header[124..136].copy_from_slice(&size);
        seal(&mut header);
        header
    };
    let (what, bytes) = match random.below(36) {
        0 => ("a zip's entry", zip(&[Entry::new("a.py", content)], b"")),
        1 => (
            "an unlisted entry",
            zip(&[Entry::new("a", plain), Entry { unlisted: true, ..Entry::new("b", content) }], b""),
        ),
        2 => (
            "an unlisted first entry",
            zip(&[Entry { unlisted: true, ..Entry::new("b", content) }, Entry::new("a", plain)], b""),
        ),
        3 => ("only an unlisted entry", zip(&[Entry { unlisted: true, ..Entry::new("b", content) }], b"")),
        4 => ("the first of two", zip(&[Entry::new("a", content), Entry::new("a", plain)], b"")),
        5 => ("the second of two", zip(&[Entry::new("a", plain), Entry::new("a", content)], b"")),
        6 => ("a folder", zip(&[Entry::new("d/", content)], b"")),
        7 => ("a zip's comment", zip(&[Entry::new("a", plain)], content)),
        8 => ("an entry's comment", zip(&[Entry { comment: content.into(), ..Entry::new("a", plain) }], b"")),
        9 => ("an entry's name", zip(&[Entry::new(&token, plain)], b"")),
        10 => {
            let extra = [b"\xfe\xca", &(content.len() as u16).to_le_bytes()[..], content].concat();
            ("an entry's extra field", zip(&[Entry { extra, ..Entry::new("a", plain) }], b""))
        }
        11 => ("the second zip", [zip(&[Entry::new("a", plain)], b""), zip(&[Entry::new("b", content)], b"")].concat()),
        12 => ("the first zip", [zip(&[Entry::new("b", content)], b""), zip(&[Entry::new("a", plain)], b"")].concat()),
        13 => ("a gzip's name", gzip_with(plain, &token, "", b"")),
        14 => ("a gzip's comment", gzip_with(plain, "", &text, b"")),
        15 => ("a gzip's extra field", gzip_with(plain, "", "", content)),
        16 => ("a gzip's second member", [gzip(plain), gzip(content)].concat()),
        17 => ("a gzip's member after NUL bytes", [gzip(plain), vec![0; 64], gzip(content)].concat()),
        18 => ("a zstd's second frame", [zstd(plain), zstd(content)].concat()),
        19 => ("a skippable frame", [zstd_skippable(content), zstd(plain)].concat()),
        20 => ("a frame after a skippable one", [zstd_skippable(plain), zstd(content)].concat()),
        21 => ("an xz's second stream", [xz(plain), vec![0; 4 * random.below(4)], xz(content)].concat()),
        22 => ("a bzip2's second stream", [bzip2(plain), bzip2(content)].concat()),
        23 => {
            lab.note(format!("of type {:?}", char::from(kind)), false);
            ("a tar's entry", tar(&[member("a", b'0', plain), member("b", kind, content)]))
        }
        24 => {
            ("a tar's pax header", tar(&[member("p", b'x', &pax_record("comment", &text)), member("a", b'0', plain)]))
        }
        25 => (
            "a tar's global header",
            tar(&[member("p", b'g', &pax_record("comment", &text)), member("a", b'0', plain)]),
        ),
        26 => ("a tar's name", tar(&[member(&token, b'0', plain)])),
        27 => ("a tar's link", tar(&[link])),
        28 => ("a second tar", [tar(&[member("a", b'0', plain)]), tar(&[member("b", b'0', content)])].concat()),
        29 => ("a tar without an end", member("a", b'0', content)),
        30 => ("a size in base 256", tar(&[odd_size])),
        31 => ("an ar's member", ar(&[("a", plain), ("b", content)])),
        32 => ("a cpio's name", cpio(&[(&token, plain)])),
        33 => ("a second cpio", [cpio(&[("a", plain)]), cpio(&[("b", content)])].concat()),
        34 => {
            let word = String::from_utf8_lossy(&short(content)).replace('\'', "\"");
            let (kind, sql) = match random.below(4) {
                0 => ("table", format!("CREATE TABLE t (a TEXT DEFAULT '{word}')")),
                1 => ("view", format!("CREATE VIEW t AS SELECT '{word}'")),
                2 => ("trigger", format!("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT '{word}'; END")),
                _ => ("index", format!("CREATE INDEX t ON a (b) WHERE c = '{word}'")),
            };
            ("a schema", sqlite(kind, "t", &sql))
        }
        _ => ("a page description's stream", pdf(format!("BT ({token}) Tj ET").as_bytes())),
    };
    lab.note(what, false);
    // Packed once more, no raw look at the bytes finds it.
    match random.below(4) {
        0 => wrapped(random, lab, &bytes),
        1 => gzip(&bytes),
        2 => around(random, lab, &bytes),
        _ => bytes,
    }
}

/// Brings a content in by one or two of the ways that there are.
pub fn place(random: &mut Random, lab: &mut Lab, name: &str, bytes: &[u8]) {
    let blob = Object::new(Kind::Blob, bytes);
    let ways = ["scan", "stdin", "staged", "range", "history", "pack"];
    let first = *random.pick(&ways);
    let second = *random.pick(&ways);
    // What the history has already is not staged any more.
    let is_staged_too =
        (first == "staged") != (second == "staged") && !["scan", "stdin"].iter().any(|it| [first, second].contains(it));
    let chosen = if first == second || is_staged_too { vec![first] } else { vec![first, second] };
    for way in chosen {
        lab.note(way, true);
        match way {
            "scan" => {
                std::fs::create_dir_all(lab.repository.root.join("files")).unwrap();
                std::fs::write(lab.repository.root.join("files").join(name), bytes).unwrap();
                lab.ask(&["scan", "files"]);
            }
            "stdin" => lab.ask(&["scan", "-"]).input = bytes.to_vec(),
            "staged" => {
                let oid = lab.repository.loose(&blob);
                let entry = super::forge::repository::IndexEntry::new(name, oid);
                lab.repository.file("index", super::forge::repository::index(&[entry], 2, &[], true));
                lab.ask(&["staged"]);
            }
            way => {
                let base = lab.repository.tree(&[]);
                let base = lab.repository.loose(&commit(base, &[], "base"));
                if way == "pack" {
                    // Half of a container is nothing that a repository should hold.
                    lab.note("after another version", name != "a.bin");
                    // As a delta against another version.
                    let text = random.text(9);
                    let other = Object::new(Kind::Blob, [&bytes[..bytes.len() / 2], text.as_bytes()].concat());
                    lab.repository.tree(&[("100644", name.as_bytes(), other.oid())]);
                    let entries = [Packed::Whole(other), Packed::OffsetDelta(blob.clone(), 1)];
                    lab.repository.pack(&entries, PackForm::default(), "");
                } else {
                    lab.repository.loose(&blob);
                }
                let tree = lab.repository.tree(&[("100644", name.as_bytes(), blob.oid())]);
                let head = lab.repository.loose(&commit(tree, &[base], "head"));
                lab.repository.reference("refs/heads/main", head);
                if way == "range" {
                    lab.ask_range(&format!("{base}..main"), blob.oid());
                } else {
                    lab.ask(&["history"]);
                }
            }
        }
    }
}
