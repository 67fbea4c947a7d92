//! What holds for every report: no secret in it unless asked for, and what others read, they can read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::process::{Command, Stdio};

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
