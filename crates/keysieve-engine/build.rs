//! Checks `rules/*.toml` and bakes them into the binary as constants, so that start-up parses nothing.

#![allow(dead_code)]

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

#[path = "src/rating.rs"]
mod rating;

#[path = "src/check"]
mod check {
    pub mod table;
}

#[path = "src/rules"]
mod rules {
    pub mod derive;
    pub mod rule;
    pub mod schema;
    pub mod shape;
}

use rules::rule::{Check, Matcher, Reach, Rule, Text};
use rules::schema::RuleFile;

fn main() {
    println!("cargo:rerun-if-changed=../../rules");
    println!("cargo:rerun-if-changed=src/rules");
    println!("cargo:rerun-if-changed=src/rating.rs");
    println!("cargo:rerun-if-changed=src/check/table.rs");
    println!("cargo:rerun-if-changed=src/words");
    let mut errors = Vec::new();
    let mut all: Vec<(PathBuf, Rule)> = Vec::new();
    for file in files("../../rules", "toml") {
        read(&file, &mut all, &mut errors);
    }
    cross_check(&all, &mut errors);
    let mut lists = String::new();
    for file in files("src/words", "txt") {
        emit_words(&file, &mut lists, &mut errors);
    }
    if !errors.is_empty() {
        for error in errors {
            eprintln!("error: {error}");
        }
        process::exit(1);
    }
    let mut code = String::from("&[\n");
    for (_, rule) in &all {
        emit(&mut code, rule);
    }
    code.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("rules.rs"), code).expect("OUT_DIR can be written");
    fs::write(out.join("words.rs"), lists).expect("OUT_DIR can be written");
}

/// The files of a folder whose names end so, in order.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).expect("the repository has the folder");
    let mut files: Vec<PathBuf> = listed
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .collect();
    files.sort();
    files
}

/// A constant of the words of a file, sorted, with its comments as documentation.
fn emit_words(file: &Path, code: &mut String, errors: &mut Vec<String>) {
    let text = fs::read_to_string(file).expect("a list of words can be read");
    let (comments, mut words): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#'));
    words.sort_unstable();
    for word in words.iter().filter(|word| word.is_empty() || word.trim() != **word) {
        errors.push(format!("{}: `{word}` has blanks around it, or is none", file.display()));
    }
    for pair in words.windows(2).filter(|pair| pair[0] == pair[1]) {
        errors.push(format!("{}: `{}` stands there twice", file.display(), pair[0]));
    }
    for comment in comments {
        writeln!(code, "/// {}", comment.trim_start_matches(['#', ' '])).expect("a string takes any text");
    }
    let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a list has a name in UTF-8");
    let name = name.to_uppercase().replace('-', "_");
    writeln!(code, "pub(crate) const {name}: &[&str] = &{words:?};\n").expect("a string takes any text");
}

fn read(file: &Path, all: &mut Vec<(PathBuf, Rule)>, errors: &mut Vec<String>) {
    let text = fs::read_to_string(file).expect("a rule file can be read");
    let parsed: RuleFile = match toml::from_str(&text) {
        Ok(parsed) => parsed,
        Err(error) => return errors.push(format!("{}: {error}", file.display())),
    };
    for spec in parsed.rules {
        let id = spec.id.clone();
        match spec.into_rule(&parsed.provider) {
            Ok(rule) => all.push((file.to_owned(), rule)),
            Err(error) => errors.push(format!("{}: rule {id}: {error}", file.display())),
        }
    }
}

fn cross_check(all: &[(PathBuf, Rule)], errors: &mut Vec<String>) {
    let ids: HashSet<&str> = all.iter().map(|(_, rule)| rule.id.as_ref()).collect();
    let mut seen: HashMap<&str, &Path> = HashMap::new();
    for (file, rule) in all {
        let mut wrong = |what: String| errors.push(format!("{}: rule {}: {what}", file.display(), rule.id));
        if let Some(first) = seen.insert(&rule.id, file) {
            wrong(format!("the id is already taken in {}", first.display()));
        }
        if rule.examples.len() < 2 || rule.counterexamples.len() < 2 {
            wrong("a rule has at least two examples and two counterexamples".to_owned());
        }
        if rule.advice.rotate.is_empty() || rule.advice.store.is_empty() {
            wrong("a rule has `advice` with `rotate` and `store`, its own or its provider's".to_owned());
        }
        if let Some(pair) = rule.pair.as_ref().filter(|pair| !ids.contains(pair.with.as_ref())) {
            wrong(format!("it pairs with `{}`, which is no rule", pair.with));
        }
    }
}

fn emit(code: &mut String, rule: &Rule) {
    let anchors: Vec<_> = rule
        .anchors
        .iter()
        .map(|anchor| format!("Anchor {{ text: {}, any_case: {} }}", text(&anchor.text), anchor.any_case))
        .collect();
    let matcher = match &rule.matcher {
        Matcher::Pattern { regex, lead, next } => {
            format!("Matcher::Pattern {{ regex: {}, lead: {lead}, next: {} }}", text(regex), text(next))
        }
        Matcher::Assignment { key, value, kind } => {
            format!("Matcher::Assignment {{ key: {}, value: {}, kind: ValueKind::{kind:?} }}", text(key), text(value))
        }
    };
    let reach = match rule.reach {
        Reach::Line => "Reach::Line".to_owned(),
        Reach::Lines(lines) => format!("Reach::Lines({lines})"),
        Reach::Bytes(bytes) => format!("Reach::Bytes({bytes})"),
    };
    let pair = rule.pair.as_ref().map_or("None".to_owned(), |pair| {
        format!("Some(Pair {{ with: {}, within_lines: {} }})", text(&pair.with), pair.within_lines)
    });
    let check = rule.check.map_or("None".to_owned(), |check: Check| format!("Some(Check::{check:?})"));
    writeln!(
        code,
        "Rule {{ id: {}, name: {}, provider: {}, severity: Severity::{:?}, severity_in_tests: Severity::{:?}, confidence: Confidence::{:?}, \
         class: Class::{:?}, anchors: Cow::Borrowed(&[{}]), names: {}, matcher: {matcher}, reach: {reach}, near: {}, entropy: {:?}, \
         check: {check}, on_check_failure: OnCheckFailure::{:?}, pair: {pair}, paths: {}, ignore: {}, \
         advice: Advice {{ rotate: {}, store: {} }}, examples: {}, counterexamples: {} }},",
        text(&rule.id),
        text(&rule.name),
        text(&rule.provider),
        rule.severity,
        rule.severity_in_tests,
        rule.confidence,
        rule.class,
        anchors.join(", "),
        list(&rule.names),
        list(&rule.near),
        rule.entropy,
        rule.on_check_failure,
        list(&rule.paths),
        text(&rule.ignore),
        text(&rule.advice.rotate),
        text(&rule.advice.store),
        list(&rule.examples),
        list(&rule.counterexamples),
    )
    .expect("a string takes any text");
}

fn text(text: &str) -> String {
    format!("Cow::Borrowed({text:?})")
}

fn list(list: &[Text]) -> String {
    format!("Cow::Borrowed(&[{}])", list.iter().map(|item| text(item)).collect::<Vec<_>>().join(", "))
}
