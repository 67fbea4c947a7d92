//! Wide text at any offset, documents and containers within one another that are damaged or have something around them,
//! scripts that carry something, configurations that are about other files, and what only a reflog leads to.

use super::Lab;
use super::contents::{place, wrapped};
use super::forge::Random;
use super::forge::containers::*;
use super::forge::encodings::Encoding;
use super::forge::repository::{IndexEntry, commit, index};

/// A token in UTF-16 or UTF-32 at any offset, between any neighbours.
pub fn wide(random: &mut Random, lab: &mut Lab) {
    let encoding = Encoding::ALL[1 + random.below(4)];
    let beside = |random: &mut Random| match random.below(7) {
        0 => "\n".to_owned(),
        1 => "\0".to_owned(),
        2 => char::from_u32(0x2e80 + random.below(0x7000) as u32).unwrap().to_string(),
        3 => (*random.pick(&["ü", "€", "я", "🔑", "中文", "，"])).to_owned(),
        _ => String::new(),
    };
    let (left, right) = (beside(random), beside(random));
    let mut bytes = if random.one_in(3) { random.pick(&Encoding::ALL).mark() } else { Vec::new() };
    match random.below(6) {
        0 => bytes.extend(vec![b'y'; 1 + random.below(8)]),
        1 => bytes.extend(vec![0; 1 + random.below(40)]),
        2 => {
            let count = 1 + random.below(40);
            bytes.extend(random.bytes(count));
        }
        3 => bytes.extend(random.pick(&Encoding::ALL).write(&random.text(4))),
        4 => bytes.extend(encoding.write(&random.text(4).repeat(1 + random.below(300)))),
        _ => {}
    }
    let at = bytes.len();
    bytes.extend(encoding.write(&format!(" {left}{}{right}", lab.token)));
    match random.below(5) {
        0 => bytes.push(b'y'),
        1 => bytes.extend(vec![0; 1 + random.below(9)]),
        2 => bytes.extend(random.pick(&Encoding::ALL).write(&random.text(3))),
        _ => {}
    }
    lab.note(format!("{encoding:?} at {at}, {left:?} before, {right:?} after"), false);
    place(random, lab, "a.txt", &bytes);
}

/// A document, in containers that may be damaged, with something around them.
pub fn documents(random: &mut Random, lab: &mut Lab) {
    let line = lab.line();
    let content = match random.below(4) {
        0 => format!("BT /F1 12 Tf ({}) Tj ET", lab.token),
        1 => format!("BT [{}] TJ ET", lab.token.chars().map(|it| format!("({it}) 2 ")).collect::<String>()),
        _ => format!("{}{line}", random.text(30)),
    };
    let mut bytes = if random.one_in(3) {
        line.clone().into_bytes()
    } else {
        let (dictionary, data) = stream(random, content.as_bytes());
        lab.note(format!("a document with {dictionary}"), false);
        document(random, &dictionary, &data, &lab.token)
    };
    let mut is_packed = !bytes.starts_with(line.as_bytes());
    for _ in 0..random.below(3) {
        bytes = wrapped(random, lab, &bytes);
        is_packed = true;
    }
    if is_packed && random.one_in(3) {
        let junk = match random.below(3) {
            0 => b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
            1 => random.text(3).into_bytes(),
            _ => vec![b'#'; random.below(900)],
        };
        // Before these something may stand.
        if bytes.starts_with(b"%PDF-") || bytes.starts_with(b"PK") {
            lab.note(format!("{} bytes before", junk.len()), false);
            bytes = [junk, bytes].concat();
        }
        if random.one_in(2) {
            let count = random.below(60);
            bytes.extend(if random.one_in(2) { random.bytes(count) } else { vec![0; count] });
            lab.note("something after", false);
        }
    }
    damage(random, lab, &mut bytes);
    place(random, lab, "a.bin", &bytes);
}

/// A stream that is encoded somehow: what its dictionary says, and its data.
fn stream(random: &mut Random, content: &[u8]) -> (String, Vec<u8>) {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>().into_bytes();
    let kind =
        *random.pick(&["", "/Type/XRef", "/Subtype/Image", "/Length1 9", "/Type/ObjStm/N 0/First 0", "/Subtype/Form"]);
    let (filters, data) = match random.below(5) {
        0 => ("/Filter/FlateDecode", zlib(content)),
        1 => ("/Filter[/AHx/Fl]", hex(&zlib(content))),
        2 => ("/Filter[/Fl/Fl]/DecodeParms[null null]", zlib(&zlib(content))),
        3 => ("/Filter[/Fl/AHx]", zlib(&hex(content))),
        _ => {
            // Rows of eight bytes, each after a byte that says that nothing is predicted.
            let rows = content.chunks(8).flat_map(|row| {
                let mut row = [&[0], row].concat();
                row.resize(9, b'\n');
                row
            });
            ("/Filter/FlateDecode/DecodeParms 9 0 R", zlib(&rows.collect::<Vec<u8>>()))
        }
    };
    (format!("{kind}{filters}"), data)
}

fn document(random: &mut Random, dictionary: &str, data: &[u8], token: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    // An older version of the object, or a string.
    if random.one_in(3) {
        bytes.extend(b"2 0 obj <</Title (harmless)>> endobj\n");
    }
    let length = if random.one_in(4) { "3 0 R".to_owned() } else { data.len().to_string() };
    bytes.extend(format!("2 0 obj\n<<{dictionary}/Length {length}>>\nstream\r\n").bytes());
    bytes.extend(data);
    bytes.extend(b"\nendstream\nendobj\n9 0 obj <</Predictor 15/Columns 8>> endobj\n");
    if random.one_in(4) {
        let octal: String = token.bytes().map(|byte| format!("\\{byte:03o}")).collect();
        bytes.extend(format!("4 0 obj ({octal}) endobj\n").bytes());
    }
    bytes.extend(b"trailer\n<</Root 1 0 R>>\n%%EOF\n");
    bytes
}

/// Changes bytes, or cuts the end off, of what tells that it is whole by a checksum or an end. What says what it is stays.
fn damage(random: &mut Random, lab: &mut Lab, bytes: &mut Vec<u8>) {
    const HEAD: usize = 12;
    let is_checked = [&b"\x1f\x8b"[..], b"BZh", b"\xfd7zXZ"].iter().any(|head| bytes.starts_with(head));
    if !is_checked || bytes.len() < 2 * HEAD || !random.one_in(2) {
        return;
    }
    let at = HEAD + random.below(bytes.len() - HEAD);
    if random.one_in(3) {
        bytes.truncate(at);
        lab.note(format!("cut at {at}"), false);
    } else {
        bytes[at] ^= 1 << random.below(8);
        lab.note(format!("a bit changed at {at}"), false);
    }
}

/// A script with something packed behind its last line, with `#!` and without.
pub fn scripts(random: &mut Random, lab: &mut Lab) {
    let text = format!("{}{}", random.text(20), lab.line());
    let packed = [gzip, bzip2, xz, zstd][random.below(4)];
    let payload =
        if random.one_in(2) { packed(&tar(&[member("a.py", b'0', text.as_bytes())])) } else { packed(text.as_bytes()) };
    let head = *random.pick(&[
        "#!/bin/sh\ntail -n +3 \"$0\" | tar xz\nexit\n",
        "# a script without a first line\nexit\n",
        "@echo off\r\nexit /b\r\n",
        "<?php __HALT_COMPILER(); ?>\r\n",
        "From: a@b\n\n",
    ]);
    lab.note(format!("{head:?} before what is packed"), false);
    let bytes = [random.text(9).as_bytes(), head.as_bytes(), &payload].concat();
    place(random, lab, "a.run", &bytes);
}

/// A configuration that accepts other places, or other kinds, than the token's.
pub fn configured(random: &mut Random, lab: &mut Lab) {
    let entries = [
        "[scan]\nexclude = [\"other/**\"]\n",
        "[scan]\nexclude = [\"*.lock\", \"b.txt\"]\n",
        "[[allow]]\nrule = \"aws-access-key-id\"\npaths = [\"**\"]\nreason = \"examples\"\n",
        "[[allow]]\nrule = \"github-personal-access-token\"\npaths = [\"other/**\"]\nreason = \"examples\"\n",
        "[[accept_incomplete]]\npath = \"other/**\"\nreason = \"drawings\"\n",
        "[[accept_incomplete]]\ncode = \"encrypted\"\nreason = \"known\"\n",
        "[rules]\ndisable = [\"generic-password\"]\n",
    ];
    let configuration = *random.pick(&entries);
    lab.note(format!("{configuration:?}"), true);
    let line = lab.line();
    let file = *random.pick(&["a.txt", "others/a.txt", "x/other/a.txt", "b.txt.py", "a.lock.py"]);
    let root = lab.repository.root.clone();
    let base_blob = lab.repository.blob(configuration.as_bytes());
    let base_tree = lab.repository.tree(&[("100644", b".keysieve.toml", base_blob)]);
    let base = lab.repository.loose(&commit(base_tree, &[], "base"));
    std::fs::write(root.join(".keysieve.toml"), configuration).unwrap();
    let blob = lab.repository.blob(line.as_bytes());
    lab.repository.reference("refs/heads/main", base);
    lab.note(file, true);
    if random.one_in(2) {
        std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
        std::fs::write(root.join(file), &line).unwrap();
        lab.ask(&["scan", "."]);
    } else {
        let entries = [IndexEntry::new(".keysieve.toml", base_blob), IndexEntry::new(file, blob)];
        lab.repository.file("index", index(&entries, 2, &[], true));
        lab.ask(&["staged"]);
    }
}

/// A commit that only a reflog leads to, or a file of a branch that was deleted.
pub fn reflogs(random: &mut Random, lab: &mut Lab) {
    let empty = lab.repository.tree(&[]);
    let base = lab.repository.loose(&commit(empty, &[], "base"));
    let line = lab.line();
    let blob = lab.repository.blob(line.as_bytes());
    let tree = lab.repository.tree(&[("100644", b"a.py", blob)]);
    let leak = lab.repository.loose(&commit(tree, &[base], "leak"));
    lab.repository.reference("refs/heads/main", base);
    let zeros = "0".repeat(40);
    let log = *random.pick(&["HEAD", "refs/heads/main", "refs/heads/gone", "refs/stash", "refs/remotes/o/main"]);
    let entry = match random.below(3) {
        0 => format!("{zeros} {leak} A <a@b> 1 +0000\tcommit: leak\n{leak} {base} A <a@b> 2 +0000\treset\n"),
        1 => format!("{base} {leak} A <a@b> 1 +0000\n"),
        _ => format!("{leak} {base} A <a@b> 1 +0000\t{}\n", if random.one_in(2) { "x" } else { "" }),
    };
    lab.repository.file(&format!("logs/{log}"), entry);
    lab.note(format!("the reflog of {log}"), true);
    lab.ask(&["history"]);
}
