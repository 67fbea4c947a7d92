//! Reports of findings whose every text comes from somebody else.

use keysieve::finding::{
    Advice, CommitNote, Confidence, Excerpt, Finding, FindingKind, Fingerprint, Place, Provenance, Reason, Secret,
    Severity,
};
use keysieve::gap::{Gap, GapCode};
use keysieve::outcome::{Outcome, Summary};
use keysieve::report::{self, Format, Options};
use keysieve_engine::rules;

/// A finding made of the texts in `data`, in all formats.
pub fn reports(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut texts = text.split('\0').map(str::to_owned);
    let mut next = || texts.next().unwrap_or_default();
    let path = next();
    let note = CommitNote { id: "0".repeat(40), author: next(), date: next(), subject: next() };
    let (before, after, reference) = (next(), next(), next());
    let finding = Finding {
        kind: FindingKind::Credential,
        rule: "generic-password".into(),
        title: "password".into(),
        severity: Severity::High,
        confidence: Confidence::High,
        evidence: vec![Reason::new("content.fuzzed", next())],
        path: path.clone(),
        identity: path.clone(),
        place: Place { line: 1, column: 1, end_line: 1, end_column: 9 },
        secret: Secret::new(CANARY.as_bytes(), 0),
        excerpt: Excerpt { before, masked: 8, after },
        partner: None,
        fingerprint: Fingerprint::parse(&format!("generic-password:{}:a", "0".repeat(20))).expect("it is one"),
        advice: Advice::default(),
        provenance: Some(Box::new(Provenance {
            introduced: Some(note.clone()),
            removed: Some(note),
            refs: vec![reference],
            refs_total: 1,
            paths: vec![path.clone()],
            ..Provenance::default()
        })),
    };
    let summary = Summary {
        scope: Some(next()),
        files: Some(1),
        gaps: vec![Gap::new(GapCode::Damaged, path.as_str(), next())],
        not_content: vec![("socket".into(), path)],
        notes: vec![next()],
        ..Summary::default()
    };
    print_all(&Outcome { findings: vec![finding], summary, ..Outcome::default() });
}

const CANARY: &str = "Canary-Of-The-Fuzzer-71";

/// Prints in every format and holds each against what reads it.
pub fn print_all(outcome: &Outcome) {
    let printed = |format| {
        let mut bytes = Vec::new();
        let options = Options { all: true, explain: true, ..Options::default() };
        report::write(format, outcome, rules::builtin(), options, &mut bytes).expect("memory takes all");
        let text = String::from_utf8(bytes).expect("every format is UTF-8");
        assert!(!text.contains(CANARY), "{format:?} shows the secret");
        text
    };
    let human = printed(Format::Human);
    let is_style = |text: &str| text.starts_with("\u{1b}[") || text.starts_with("\u{1b}]8;");
    for (at, _) in human.match_indices('\u{1b}') {
        assert!(is_style(&human[at..]), "an escape that is no style: {human:?}");
    }
    for control in human.chars().filter(|it| it.is_control()) {
        assert!(matches!(control, '\n' | '\u{1b}'), "{control:?} in {human:?}");
    }
    for format in [Format::Json, Format::Sarif, Format::Gitlab] {
        serde_json::from_str::<serde_json::Value>(&printed(format)).expect("it is JSON");
    }
    for line in printed(Format::Jsonl).lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON");
    }
    let github = printed(Format::Github);
    for line in github.lines().filter(|line| line.contains("::") || line.contains("##[")) {
        let known = ["::error ", "::warning ", "::notice ", "::error::", "::warning::", "::notice::"];
        assert!(known.iter().any(|it| line.starts_with(it)), "a command that is none of ours: {line:?}");
    }
    let junit = printed(Format::Junit);
    roxmltree::Document::parse(&junit).unwrap_or_else(|error| panic!("{error}: {junit:?}"));
    let table = printed(Format::Csv);
    let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
    for row in rows.records() {
        let row = row.unwrap_or_else(|error| panic!("{error}: {table:?}"));
        for field in &row {
            assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r']), "a formula: {field:?}");
        }
    }
    printed(Format::Markdown);
    let page = printed(Format::Html);
    let ends = page.matches("</script").count();
    let none = report_of_nothing();
    assert_eq!(ends, none, "a script that is none of ours");
}

fn report_of_nothing() -> usize {
    let mut bytes = Vec::new();
    report::write(Format::Html, &Outcome::default(), rules::builtin(), Options::default(), &mut bytes)
        .expect("memory takes all");
    String::from_utf8_lossy(&bytes).matches("</script").count()
}
