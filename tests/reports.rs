//! What holds for every report: no secret in it unless asked for, and what others read, they can read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::process::{Command, Stdio};

use keysieve::finding::{
    Advice, CommitNote, Confidence, Excerpt, Finding, FindingKind, Key, Partner, Place, Provenance, Reason, Secret,
    Severity,
};
use keysieve::gap::{AcceptedGap, Gap, GapCode};
use keysieve::outcome::{LookedFor, Outcome, Summary, Suppressed, Suppressor};
use keysieve::report::{self, Format};
use keysieve_engine::reason::Code;
use keysieve_engine::rules::{self, sample};
use proptest::prelude::*;

const FORMATS: [&str; 10] = ["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "csv", "markdown", "html"];

/// What the program prints, on both streams, when it scans `text`.
fn scan(text: &[u8], arguments: &[&str]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(["scan", "-", "--min-confidence", "low", "--all"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// The secrets that the engine finds in `text`, in the clear.
fn secrets(text: &[u8]) -> Vec<String> {
    let shown = scan(text, &["--show-secrets", "--format", "jsonl"]);
    let lines = shown.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter_map(|line| Some(line["secret"].as_str()?.to_owned())).collect()
}

/// A content of several rules' examples, filled with made-up credentials.
fn leaky_text() -> impl Strategy<Value = String> {
    let rules = rules::builtin();
    let example = (0..rules.len(), any::<prop::sample::Index>(), any::<u64>()).prop_map(move |(rule, which, seed)| {
        let examples = &rules[rule].examples;
        sample::fill(&examples[which.index(examples.len())], seed).unwrap()
    });
    prop::collection::vec(example, 1..6).prop_map(|examples| examples.join(" \n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_report_holds_a_secret(text in leaky_text()) {
        let secrets = secrets(text.as_bytes());
        for format in FORMATS {
            let printed = scan(text.as_bytes(), &["--format", format, "--explain"]);
            for secret in &secrets {
                // Short ones may stand in any text; lines of a key on several lines count each.
                for line in secret.lines().filter(|line| line.len() >= 8 && !line.starts_with("-----")) {
                    prop_assert!(!printed.contains(line), "{format} shows `{line}`:\n{printed}");
                }
            }
        }
    }

    /// Nothing that a terminal would obey stands in any report, whatever the content holds.
    #[test]
    fn no_report_holds_a_control_character(noise in "[\\x00-\\x1f\\x7f\u{80}-\u{9f}\u{202e}\u{2066}a-z]{0,20}") {
        let text = format!("password = \"Tr4vel-Lantern-91\" {noise}\n");
        for format in FORMATS {
            let printed = scan(text.as_bytes(), &["--format", format]);
            let bad = printed.chars().find(|c| c.is_control() && *c != '\n' || matches!(*c, '\u{202e}' | '\u{2066}'));
            prop_assert_eq!(bad, None, "{} prints it raw: {}", format, printed.escape_debug());
        }
    }
}

#[test]
fn sarif_is_valid_against_its_schema() {
    let mut schema: serde_json::Value = serde_json::from_str(include_str!("schema/sarif-2.1.0.json")).unwrap();
    // The standard's own pattern has a bracket too many, which strict engines refuse; keysieve writes no `language`.
    for holder in ["run", "toolComponent"] {
        schema["definitions"][holder]["properties"]["language"].as_object_mut().unwrap().remove("pattern").unwrap();
    }
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let text = "password = \"Tr4vel-Lantern-91\"\nurl = postgres://a:m8Kq2vZt@db.acme.io/x\nx = 1\n";
    for input in [text, ""] {
        let report = serde_json::from_str(&scan(input.as_bytes(), &["--format", "sarif"])).unwrap();
        let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn json_is_valid_against_the_published_schemas() {
    let schema = |text: &str| jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap();
    let report = schema(include_str!("../docs/schema/report.v1.json"));
    let line = schema(include_str!("../docs/schema/report-line.v1.json"));
    let hold = |schema: &jsonschema::Validator, text: &str| {
        let value = serde_json::from_str(text).unwrap();
        let errors: Vec<_> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{text}");
    };
    let text = "password = \"Tr4vel-Lantern-91\"\npassword = \"changeme\"\nurl = postgres://a:m8Kq2vZt@db.acme.io/x\n";
    for input in [text, ""] {
        for options in [&["--explain"][..], &["--show-secrets"]] {
            hold(&report, &scan(input.as_bytes(), &[options, &["--format", "json"]].concat()));
            for one in scan(input.as_bytes(), &[options, &["--format", "jsonl"]].concat()).lines() {
                hold(&line, one);
            }
        }
    }
}

#[test]
fn sarif_is_read_by_a_library_of_others() {
    let report = scan(b"password = \"Tr4vel-Lantern-91\"\n", &["--format", "sarif"]);
    let read: serde_sarif::sarif::Sarif = serde_json::from_str(&report).unwrap();
    let results = read.runs[0].results.as_ref().unwrap();
    assert_eq!(results.len(), 1);
    assert!(results[0].partial_fingerprints.is_some());
}

#[test]
fn json_and_jsonl_say_the_same() {
    let text = b"password = \"Tr4vel-Lantern-91\"\nsecret_token: q7Rk2Zp0Xv9Lw4Nt8Bs1\n";
    let whole: serde_json::Value = serde_json::from_str(&scan(text, &["--format", "json"])).unwrap();
    let lines: Vec<serde_json::Value> =
        scan(text, &["--format", "jsonl"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, findings) = lines.split_last().unwrap();
    assert_eq!(whole["findings"].as_array().unwrap(), findings);
    assert_eq!(&whole["summary"], summary);
    assert_eq!(findings.len(), 2);
}

/// Any outcome: every kind of finding, of gap, of what is suppressed.
fn any_outcome() -> impl Strategy<Value = Outcome> {
    let text = || "[ -~\u{e4}\u{4e2d}<>&\"\u{1b}\n]{0,12}";
    let place = || {
        (1..900u64, 1..90u64, 0..3u64, 1..90u64).prop_map(|(line, column, more, end_column)| Place {
            line,
            column,
            end_line: line + more,
            end_column,
        })
    };
    let note = || {
        (text(), text()).prop_map(|(author, subject)| CommitNote {
            id: "5f".repeat(20),
            author,
            date: "2026-11-25T12:00:00Z".to_owned(),
            subject,
        })
    };
    let provenance =
        (prop::option::of(note()), prop::option::of(note()), prop::collection::vec(text(), 0..3), any::<bool>())
            .prop_map(|(introduced, removed, refs, reachable)| {
                Box::new(Provenance {
                    object: Some("ab".repeat(20)),
                    refs_total: refs.len() + 30,
                    versions: 3,
                    paths: refs.clone(),
                    introduced,
                    removed,
                    refs,
                    reachable,
                })
            });
    let secret =
        || ("[A-Za-z0-9\u{e4}]{9,30}", 0..5usize).prop_map(|(secret, public)| Secret::new(secret.as_bytes(), public));
    let reason = || (0..Code::ALL.len(), text()).prop_map(|(code, text)| Reason::new(Code::ALL[code].as_str(), text));
    let judged = (0..4usize, 0..4usize, prop::collection::vec(reason(), 0..3), any::<bool>());
    let about = (secret(), prop::option::of((secret(), place())), prop::option::of(provenance));
    let finding = (judged, about, place(), "[a-z/ ]{1,9}", any::<bool>(), (text(), text())).prop_map(
        |(
            (severity, confidence, evidence, is_practice),
            (secret, pair, provenance),
            place,
            path,
            is_shown_otherwise,
            line,
        )| {
            let secret = if is_practice { Secret::redacted("a subject") } else { secret };
            let masked = if is_practice { 0 } else { secret.expose_text().chars().count() };
            let identity = if is_shown_otherwise { format!("root/{path}") } else { path.clone() };
            let rule = if is_practice { "posture-env-secret" } else { "generic-password" };
            Finding {
                kind: if is_practice { FindingKind::Practice } else { FindingKind::Credential },
                rule: rule.into(),
                title: "something".into(),
                severity: Severity::ALL[severity],
                confidence: Confidence::ALL[confidence],
                evidence,
                fingerprint: Key::fixed().fingerprint(rule, &secret, &identity),
                path,
                identity,
                place,
                excerpt: Excerpt { before: line.0, masked, after: line.1 },
                partner: pair.map(|(secret, place)| Partner { rule: "aws-secret-access-key".into(), place, secret }),
                secret,
                advice: Advice { rotate: "https://example.com/rotate".into(), store: "none".into() },
                provenance,
            }
        },
    );
    let gap = || {
        (0..GapCode::ALL.len(), text(), text()).prop_map(|(code, path, why)| Gap::new(GapCode::ALL[code], path, why))
    };
    let suppressed = (place(), reason(), text(), 0..Suppressor::ALL.len()).prop_map(|(place, reason, path, by)| {
        Suppressed { rule: "generic-secret".to_owned(), path, place, by: Suppressor::ALL[by], reason }
    });
    let counts = (prop::option::of(0..9u64), prop::option::of(0..9u64), 0..9u64, any::<bool>());
    (
        prop::collection::vec(finding, 0..4),
        prop::collection::vec(suppressed, 0..3),
        prop::collection::vec(gap(), 0..3),
        prop::collection::vec((gap(), text()), 0..3),
        counts,
        prop::collection::vec(text(), 0..3),
    )
        .prop_map(|(findings, suppressed, gaps, accepted, (files, commits, number, is_posture), texts)| Outcome {
            findings,
            suppressed,
            secrets: Vec::new(),
            summary: Summary {
                scope: texts.first().cloned(),
                looked_for: if is_posture { LookedFor::Practices } else { LookedFor::Credentials },
                files,
                commits,
                objects: commits,
                bytes: 1000 * number,
                excluded: number,
                allowed: [(Suppressor::Marker, 2), (Suppressor::Config, number as usize)].into(),
                below_confidence: number as usize,
                not_content: texts.iter().map(|path| ("symbolic link".into(), path.clone())).collect(),
                gaps,
                accepted_gaps: accepted.into_iter().map(|(gap, accepted)| AcceptedGap { gap, accepted }).collect(),
                notes: texts,
            },
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// What `report` reads is what was written: every format comes out the same from it.
    #[test]
    fn a_report_of_a_report_is_the_same(outcome in any_outcome(), show_secrets in any::<bool>()) {
        let options = report::Options { show_secrets, all: true, explain: true, ..Default::default() };
        let printed = |outcome: &Outcome, format, options| {
            let mut bytes = Vec::new();
            report::write(format, outcome, rules::builtin(), options, &mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        for stored in [Format::Json, Format::Jsonl] {
            let again = report::read::read(&printed(&outcome, stored, options)).unwrap();
            for format in [
                Format::Human, Format::Json, Format::Jsonl, Format::Sarif, Format::Github,
                Format::Gitlab, Format::Junit, Format::Csv, Format::Markdown, Format::Html,
            ] {
                prop_assert_eq!(printed(&again, format, options), printed(&outcome, format, options), "{:?}", format);
            }
        }
    }
}
