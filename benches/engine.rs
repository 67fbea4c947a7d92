//! The hot paths, in bytes a second on one core: `cargo bench`.
//!
//! The text is this repository's own source code and rules, repeated to some megabytes, so that no other data is needed;
//! `KEYSIEVE_BENCH_TREE=DIR` reads the files of a folder instead.

use std::path::Path;
use std::sync::LazyLock;
use std::{env, fs};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use keysieve_engine::{Detector, Scratch};

static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    const LENGTH: usize = 16 << 20;
    let mut text = Vec::new();
    match env::var_os("KEYSIEVE_BENCH_TREE") {
        Some(folder) => collect(Path::new(&folder), &mut text, 256 << 20),
        None => {
            for folder in ["src", "rules", "benches"] {
                collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text, LENGTH);
            }
            text = text.repeat(LENGTH / text.len().max(1) + 1);
        }
    }
    text
});
static DETECTOR: LazyLock<Detector> = LazyLock::new(Detector::builtin);

fn collect(folder: &Path, text: &mut Vec<u8>, limit: usize) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), text, limit),
            Ok(kind) if kind.is_file() && text.len() < limit => text.extend(fs::read(entry.path()).unwrap_or_default()),
            _ => {}
        }
    }
}

/// Gate and anchors with all rules loaded, without any rule being run.
#[divan::bench(sample_count = 10)]
fn gate_and_anchors(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(TEXT.len())).bench(|| DETECTOR.count_hits(black_box(&TEXT)));
}

/// Everything from bytes to findings.
#[divan::bench(sample_count = 10)]
fn scan(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(TEXT.len())).bench(|| {
        let mut findings = 0;
        DETECTOR.scan(black_box(&TEXT), &mut Scratch::default(), |_| findings += 1);
        findings
    });
}

/// A content of nothing but a keyword: the worst that a file can do to the gate.
#[divan::bench(args = ["password ", "https://", "token=", "-----BEGIN "], sample_count = 10)]
fn nothing_but_keywords(bencher: Bencher<'_, '_>, keyword: &str) {
    let text = keyword.repeat((1 << 20) / keyword.len());
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let mut findings = 0;
        DETECTOR.scan(black_box(text.as_bytes()), &mut Scratch::default(), |_| findings += 1);
        findings
    });
}

/// The matcher's and the judges' work on a candidate that is a finding.
#[divan::bench(sample_count = 10)]
fn many_findings(bencher: Bencher<'_, '_>) {
    let line = |n: usize| format!("db_password_{n} = \"MyReal{n}Password!\"\n");
    let text: String = (0..2000).map(line).collect();
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let mut findings = 0;
        DETECTOR.scan(black_box(text.as_bytes()), &mut Scratch::default(), |_| findings += 1);
        findings
    });
}

fn main() {
    divan::main();
}
