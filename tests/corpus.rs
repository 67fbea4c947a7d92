//! The seeds of the fuzz targets, and every input that ever broke one, once more.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
mod targets;

#[test]
fn every_seed_passes_its_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in targets::TARGETS {
        let files: Vec<_> = fs::read_dir(seeds.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty(), "{name} has no seeds");
        for file in files {
            println!("{}", file.display());
            target(&fs::read(&file).unwrap());
        }
    }
}

/// Bytes cut and flipped at every place: what a fuzzer tries first, without one.
#[test]
fn seeds_that_are_cut_or_changed_break_nothing() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in targets::TARGETS {
        for entry in fs::read_dir(seeds.join(name)).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
                target(&bytes[..at]);
                for bits in [0x01, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] ^= bits;
                    target(&changed);
                }
            }
        }
    }
}
