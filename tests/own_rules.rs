//! The rules of a configuration: what they may leave out, that the long form still holds, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use keysieve_engine::rules::sample;
use keysieve_engine::rules::schema::RuleFile;
use keysieve_engine::{Detector, Scratch};
use serde_json::{Value, json};

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A folder whose configuration has one rule with these fields, and a file with `text`.
fn with_rule(fields: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rule = format!("[[rule]]\nid = \"acme\"\nname = \"Acme\"\nseverity = \"high\"\n{fields}\n");
    fs::write(folder.path().join(".keysieve.toml"), rule).unwrap();
    fs::write(folder.path().join("settings.ini"), sample::fill(text, 3).unwrap()).unwrap();
    folder
}

const KEY: &str = "(?:acme|ac_me)[a-z0-9_.-]*(?:key|token|secret|password|auth)";

/// What a rule says, what it finds, what it does not find, and what of it is worked out.
#[test]
fn find_in_the_short_form_what_they_find_in_the_long_one() {
    for (fields, found, missed, worked_out) in [
        (
            "key_of = ['acme', 'ac_me']\nvalue = 'hex:40'",
            "AC_ME_API_KEY=<hex:40>",
            "AC_ME_NAME=<hex:40>\nACME_KEY=<hex:39>",
            json!({ "names": ["acme", "ac_me"], "key": KEY, "value": "[0-9a-f]{40}", "entropy": 2.8f32, "kind": "shaped" }),
        ),
        (
            "names = ['acme', 'ac_me']\nkey = '''(?:acme|ac_me)[a-z0-9_.-]*(?:key|token|secret|password|auth)'''\nvalue = '[0-9a-f]{40}'\nentropy = 2.8",
            "AC_ME_API_KEY=<hex:40>",
            "AC_ME_NAME=<hex:40>\nACME_KEY=<hex:39>",
            json!({ "names": ["acme", "ac_me"], "key": KEY, "value": "[0-9a-f]{40}", "entropy": 2.8f32 }),
        ),
        (
            "key_of = ['acme']\nkey_words = ['license_key']\nvalue = 'uuid'\nentropy = 2",
            "acme_license_key: <uuid>",
            "acme_api_key: <uuid>",
            json!({ "key": "(?:acme)[a-z0-9_.-]*(?:license_key)", "entropy": 2.0 }),
        ),
        (
            "anchors = ['i:acme']\nkey = 'key'\nvalue = 'v1-{base62:20-24}'",
            "acme_key = v1-<base62:22>",
            "acme_key = v1-<base62:25>",
            json!({ "anchors": ["i:acme"], "names": [], "value": "v1-[A-Za-z0-9]{20,24}", "entropy": 0.0 }),
        ),
        (
            r"pattern = '''\bacme_(?:live|test)_{base64url:32}'''",
            "x = acme_test_<base64url:32>",
            "x = acme_demo_<base64url:32>",
            json!({ "anchors": ["acme_live_", "acme_test_"], "pattern": r"\bacme_(?:live|test)_[A-Za-z0-9_-]{32}" }),
        ),
        (
            r"pattern = '''(?P<secret>ac[mn]e_(?:org_)?{base36-upper:24})\b'''",
            "x = acne_org_<base36-upper:24>",
            "x = acpe_<base36-upper:24>",
            json!({ "anchors": ["acme_", "acne_"] }),
        ),
        (
            r"pattern = '''(?i:acme)-{hex-upper:32}'''",
            "x = AcMe-<hex-upper:32>",
            "x = AcMe-<hex-upper:20>",
            json!({ "anchors": ["i:acme-"] }),
        ),
        (
            "anchors = ['acme_']\npattern = '''\\bacme_[a-z0-9]{24}'''",
            "x = acme_<base36:24>",
            "x = acme_<base36:20>",
            json!({ "anchors": ["acme_"], "pattern": r"\bacme_[a-z0-9]{24}", "confidence": "high", "reach": "line" }),
        ),
        (
            "anchors = ['-acme']\nlead = 32\npattern = '''\\b{base32:16}-acme'''",
            "x = <base32:16>-acme",
            "x = <base32:12>-acme",
            json!({ "lead": 32 }),
        ),
    ] {
        let count = |text: &str| {
            let folder = with_rule(fields, text);
            let (_, out, error) = run(folder.path(), &["scan", "--format", "jsonl", "--all"]);
            assert!(error.is_empty(), "{fields}: {error}");
            out.matches("\"rule\":\"acme\"").count()
        };
        assert_eq!((count(found), count(missed)), (1, 0), "{fields}");
        let folder = with_rule(fields, "");
        let (code, out, error) = run(folder.path(), &["rules", "show", "acme", "--format", "json"]);
        assert_eq!((code, error.as_str()), (0, ""), "{fields}");
        let shown: Value = serde_json::from_str(&out).unwrap();
        for (field, value) in worked_out.as_object().unwrap() {
            assert_eq!(&shown[field], value, "{fields}: {field}");
        }
    }
}

#[test]
fn are_refused_with_what_would_be_right() {
    for (fields, said) in [
        ("value = 'hex:40'", "a rule with a `value` needs `anchors`, `names` or `key_of`"),
        (
            "key_of = ['acme']\nvalue = 'hexx:40'",
            "`value`: `hexx:40` is not a shape: write `uuid`, or a length after one of hex, ",
        ),
        ("pattern = 'acme_{hexx:40}'", "`pattern`: `hexx:40` is not a shape"),
        ("pattern = 'acme_{hex}'", "`pattern`: `hex` is not a shape"),
        ("pattern = 'acme_{hex:40-20}'", "`pattern` is no valid regular expression"),
        ("pattern = '''\\bac_{hex:40}'''", "a rule needs `anchors`: no text of 4 bytes or more starts every match"),
        ("pattern = 'acme_{hex:40}|{hex:64}'", "a rule needs `anchors`: no text of 4 bytes or more starts every match"),
        ("key_of = ['acme']\npattern = 'acme_{hex:40}'", "`key_of` says it all; take out `pattern`"),
        ("key_of = ['acme']\nkey = 'key'\nvalue = 'uuid'", "`key_of` says it all; take out `key`"),
        ("key_of = ['acme']\nnames = ['acme']\nvalue = 'uuid'", "`key_of` says it all; take out `names`"),
        ("key_of = ['acme']\nanchors = ['acme']\nvalue = 'uuid'", "`key_of` says it all; take out `anchors`"),
        ("key_of = ['ac']\nvalue = 'uuid'", "name `ac` is no word of three or more ASCII characters"),
        ("key_words = ['key']\nnames = ['acme']\nvalue = 'uuid'", "`key_words` go with `key_of`"),
    ] {
        let folder = with_rule(fields, "");
        let (code, out, error) = run(folder.path(), &["scan"]);
        assert_eq!(code, 2, "{fields}: {out}");
        assert!(error.contains(&format!(".keysieve.toml:1: rule `acme`: {said}")), "{fields}: {error}");
    }
}

#[test]
fn may_be_two_hundred_thousand() {
    let mut text = String::new();
    for number in 0..100_000 {
        text.push_str(&format!(
            "[[rule]]\nid = \"p{number}\"\nname = \"x\"\nseverity = \"high\"\npattern = 'corp{number:x}_{{hex:20}}'\n\
             [[rule]]\nid = \"k{number}\"\nname = \"x\"\nseverity = \"high\"\nkey_of = [\"name{number:x}_\"]\nvalue = 'base62:24'\n"
        ));
    }
    // A configuration's rules are these, and it compiles each expression besides, which takes most of its time.
    let file: RuleFile = toml::from_str(&text).unwrap();
    let rules = file.rules.into_iter().map(|rule| rule.into_rule(&file.provider).unwrap()).collect();
    let detector = Detector::new(rules).unwrap();
    let asked = [0, 1, 4_095, 65_535, 65_536, 99_999];
    let text: String =
        asked.iter().map(|it| format!("a = corp{it:x}_<hex:20>\nname{it:x}_key = \"<base62:24>\"\n")).collect();
    let mut found = Vec::new();
    let text = sample::fill(&text, 3).unwrap();
    detector.scan(text.as_bytes(), &mut Scratch::default(), |finding| found.push(finding.rule.to_string()));
    let expected: Vec<String> = asked.iter().flat_map(|it| [format!("p{it}"), format!("k{it}")]).collect();
    assert_eq!(found, expected);
}
