//! Prints what the plausibility model is trained on: every candidate that it would judge, with its features.
//!
//!     cargo run --release --example candidates -- FOLDER > candidates.tsv
//!     cargo run --release --example candidates -- --values dev-values.tsv > values.tsv
//!
//! One line each, separated by tabs: path, first line, last line, start and end of the value in the file, kind and
//! value (escaped), the numbers of the features of its bytes, those of its path. With `--values`, a file of labelled
//! values (label, repository, extension, categories, before, value, after), the path is the number of its line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use keysieve::scan::Progress;
use keysieve::source::tree;
use keysieve_engine::content::Stream;
use keysieve_engine::path_facts::PathFacts;
use keysieve_engine::{Detector, Scratch, model};

fn main() -> anyhow::Result<()> {
    let detector = Detector::builtin().with_features();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--values", file] => {
            for (number, line) in std::fs::read_to_string(file)?.lines().enumerate().skip(1) {
                let fields: Vec<&str> = line.split('\t').collect();
                let [_, _, extension, _, before, value, after] = fields[..] else {
                    anyhow::bail!("line {}: expected seven fields, found {}", number + 1, fields.len());
                };
                let text = format!("{before}{value}{after}\n");
                print(&detector, &number.to_string(), &PathFacts::of(&format!("x{extension}")), text.as_bytes());
            }
        }
        [folder] => {
            let options =
                tree::Options { paths: vec![PathBuf::from(folder)], no_ignore: true, ..tree::Options::default() };
            let (mut files, _) = tree::files(&options, &Progress::default());
            files.sort_by(|a, b| a.path.cmp(&b.path));
            for file in files {
                let path = file.path.strip_prefix(folder).unwrap_or(Path::new("")).display().to_string();
                print(&detector, &path, &PathFacts::of(&path), &std::fs::read(&file.path)?);
            }
        }
        _ => anyhow::bail!("usage: candidates FOLDER | --values FILE"),
    }
    Ok(())
}

fn print(detector: &Detector, path: &str, facts: &PathFacts, bytes: &[u8]) {
    let mut stream = Stream::new();
    stream.feed(detector, &mut Scratch::default(), bytes, 0..bytes.len());
    for candidate in stream.finish(detector) {
        if candidate.features.is_empty() || candidate.dropped.is_some() {
            continue;
        }
        // A bare word in source code is dropped whatever its score.
        let quoted = candidate.quoted == Some(true);
        if !quoted && facts.source {
            continue;
        }
        let kind = detector.rule_of(&candidate).kind() as u8;
        let mut of_path = Vec::new();
        model::path_features(facts, kind, quoted, &mut |feature| of_path.push(feature));
        let numbers = |list: &[u32]| {
            list.iter().fold(String::new(), |mut text, number| {
                let _ = write!(text, "{number} ");
                text
            })
        };
        println!(
            "{path}\t{}\t{}\t{}\t{}\t{kind}\t{}\t{}\t{}",
            candidate.place.line,
            candidate.place.end_line,
            candidate.span.start,
            candidate.span.end,
            candidate.secret.expose().escape_ascii(),
            numbers(&candidate.features),
            numbers(&of_path),
        );
    }
}
