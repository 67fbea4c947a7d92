//! Packs that no git would write: what is wrong in them is said, and the rest is read.

use std::fs;
use std::path::Path;

use libdeflater::{CompressionLvl, Compressor};
use serde_json::Value;

use crate::support::{find, history, leak, new_repository};

/// An entry of a pack: its id, which nobody checks, its type, what is told of its size, its base, and its content.
struct Entry {
    id: u8,
    kind: u8,
    size: u64,
    base: Base,
    content: Vec<u8>,
}

enum Base {
    None,
    Id(u8),
    Back(u64),
}

fn whole(id: u8, content: &[u8]) -> Entry {
    Entry { id, kind: 3, size: content.len() as u64, base: Base::None, content: content.to_vec() }
}

fn delta(id: u8, base: Base, instructions: &[u8]) -> Entry {
    let kind = if matches!(base, Base::Back(_)) { 6 } else { 7 };
    Entry { id, kind, size: instructions.len() as u64, base, content: instructions.to_vec() }
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut packed = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let length = compressor.zlib_compress(bytes, &mut packed).unwrap();
    packed.truncate(length);
    packed
}

/// Writes a pack of `entries`, which stand in the order of their ids, with its index, into the repository at `root`.
fn write(root: &Path, name: &str, entries: &[Entry]) {
    let mut pack = [&b"PACK"[..], &2u32.to_be_bytes(), &(entries.len() as u32).to_be_bytes()].concat();
    let mut offsets = Vec::new();
    for entry in entries {
        offsets.push(pack.len() as u32);
        let (mut byte, mut rest) = (entry.kind << 4 | (entry.size & 15) as u8, entry.size >> 4);
        while rest > 0 {
            pack.push(byte | 0x80);
            (byte, rest) = ((rest & 0x7f) as u8, rest >> 7);
        }
        pack.push(byte);
        match entry.base {
            Base::None => {}
            Base::Id(id) => pack.extend([id; 20]),
            Base::Back(back) => {
                assert!(back < 128, "one byte of distance is enough here");
                pack.push(back as u8);
            }
        }
        pack.extend(compress(&entry.content));
    }
    pack.extend([0; 20]);
    let fan_out =
        (0..=255u8).flat_map(|first| (entries.iter().filter(|entry| entry.id <= first).count() as u32).to_be_bytes());
    let mut index = [&b"\xfftOc"[..], &2u32.to_be_bytes()].concat();
    index.extend(fan_out);
    index.extend(entries.iter().flat_map(|entry| [entry.id; 20]));
    index.extend(entries.iter().flat_map(|_| [0; 4]));
    index.extend(offsets.iter().flat_map(|offset| offset.to_be_bytes()));
    index.extend([0; 40]);
    let folder = root.join(".git/objects/pack");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("pack-{name}.pack")), pack).unwrap();
    fs::write(folder.join(format!("pack-{name}.idx")), index).unwrap();
}

/// What is said of a pack of a good blob and `entries`: the reasons, each with the object that it names.
fn said(entries: Vec<Entry>) -> Vec<(String, String)> {
    let folder = new_repository();
    let mut all = vec![whole(1, leak(1).as_bytes())];
    all.extend(entries);
    write(folder.path(), "made", &all);
    let (findings, summary, code) = history(folder.path(), &[]);
    assert_eq!((code, &summary["complete"]), (3, &false.into()), "{summary}");
    // What is right beside it is read.
    assert_eq!(find(&findings, 1)["provenance"]["reachable"], false);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    summary["incomplete"].as_array().unwrap().iter().map(|it| (text(&it["path"]), text(&it["reason"]))).collect()
}

fn object(id: u8) -> String {
    format!("object {}", format!("{id:02x}").repeat(20))
}

#[test]
fn deltas_that_go_round_in_a_circle() {
    let said = said(vec![delta(2, Base::Id(3), &[5, 5, 0x90, 5]), delta(3, Base::Id(2), &[5, 5, 0x90, 5])]);
    assert_eq!(said.len(), 2, "{said:?}");
    for (id, (path, reason)) in (2..).zip(&said) {
        assert_eq!(path, &object(id));
        assert!(reason.ends_with("or goes round in a circle"), "{reason}");
    }
}

#[test]
fn a_size_that_the_bytes_cannot_have() {
    for size in [1 << 20, 1 << 40, 1 << 56] {
        let said = said(vec![Entry { size, ..whole(2, b"few bytes") }]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].0, object(2));
        assert!(said[0].1.contains("claims a size"), "{said:?}");
    }
}

#[test]
fn an_entry_longer_or_shorter_than_it_says() {
    for (size, reason) in [(8, "is longer than its header says"), (10, "is shorter than its header says")] {
        let said = said(vec![Entry { size, ..whole(2, b"nine byte") }]);
        assert!(said.len() == 1 && said[0].1.contains(reason), "{said:?}");
    }
}

#[test]
fn deltas_that_do_not_fit() {
    let length = leak(1).len() as u8;
    for (instructions, reason) in [
        (&[length, 40, 0xb1, 20, 40, 0][..], "beyond the end of its base"),
        (&[length + 1, 4, 0x90, 4][..], "is for a base of"),
        (&[length, 9, 0x90, 4][..], "not of the size that it names"),
        (&[length, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x90, 4][..], "not of the size that it names"),
        (&[length, 4, 0][..], "the reserved instruction"),
        (&[length, 4, 0x91][..], "is cut short"),
    ] {
        // With what hangs on it: the error is the delta's, and its children have no base.
        let said = said(vec![delta(2, Base::Id(1), instructions), delta(3, Base::Id(2), &[4, 4, 0x90, 4])]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].0 == object(2) && said[0].1.contains(reason), "{said:?}");
        assert_eq!(said[1], (object(3), "the object that it is a delta on is missing".to_owned()));
    }
}

#[test]
fn bases_that_are_not_there() {
    let said = said(vec![delta(2, Base::Back(5), &[4, 4, 0x90, 4]), delta(3, Base::Id(9), &[4, 4, 0x90, 4])]);
    let missing = "the object that it is a delta on is missing";
    assert_eq!(said, [(object(2), missing.to_owned()), (object(3), missing.to_owned())]);
}

#[test]
fn deltas_reach_into_other_packs() {
    let folder = new_repository();
    let length = leak(1).len() as u8;
    write(folder.path(), "base", &[whole(1, leak(1).as_bytes())]);
    // All of the base without its number and what follows, then another number; and a delta on that one.
    let insert = b"2\"\n";
    let other = [&[length, length, 0x90, length - 3, 3][..], insert].concat();
    write(folder.path(), "thin", &[delta(2, Base::Id(1), &other), delta(3, Base::Id(2), &[length, 4, 0x90, 4])]);
    let (findings, summary, _) = history(folder.path(), &[]);
    assert_eq!(summary["complete"], true, "{summary}");
    assert_eq!(
        (find(&findings, 1)["provenance"]["versions"].clone(), find(&findings, 2)["provenance"]["versions"].clone()),
        (1.into(), 1.into())
    );
    assert_eq!(history(folder.path(), &["--no-delta"]).0, findings);
}
