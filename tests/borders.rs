//! Where a token begins: after an escape, a colour, in the middle of a word where its checksum proves it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use keysieve_engine::base62_crc32;
use keysieve_engine::rules::sample::fill;
use serde_json::Value;

/// What stands before a token in the text of a JSON string, a log, a URL, a mail.
const ESCAPES: [&str; 22] = [
    r"\n",
    r"\\n",
    r"\\\\n",
    r"\t",
    r"\r",
    r"\b",
    r"\0",
    r"\x3d",
    r"\u003d",
    r"\\u003D",
    r"\u201c",
    r"\U0000003d",
    r"\075",
    "%3D",
    "%253D",
    "=3D",
    "`n",
    "\x1b[31m",
    "\x1b(B\x1b[m",
    r"\x1b[31m",
    r"\u001b[1;31m",
    r"\033[0m",
];

/// Rules whose secret begins at the keyword, with and without a checksum, and far before it.
const KINDS: [(&str, &str); 8] = [
    ("github-personal-access-token", "<crc32-base62 ghp_ 30>"),
    ("aws-access-key-id", "<aws-key-id AKIA>"),
    ("stripe-secret-key", "sk_live_<[A-Za-z0-9]{24}>"),
    ("google-api-key", "AIza<[A-Za-z0-9_-]{34}><[a-z]>"),
    ("json-web-token", "<jwt>"),
    ("telegram-bot-token", "<[1-9][0-9]{9}>:AA<[E-H]><[A-Za-z0-9_-]{31}><[a-z]>"),
    ("azure-devops-token", "<[A-Za-z0-9]{76}>AZDO<[A-Za-z0-9]{4}>"),
    ("pypi-api-token", "<pypi-macaroon>"),
];

/// The rules and secrets in each of the files, by their names.
fn found(folder: &Path, arguments: &[&str]) -> Vec<(String, String, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(["scan", "--format", "jsonl", "--show-secrets"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = lines.filter(|line| line["location"].is_object());
    findings.map(|it| (text(&it["location"]["path"]), text(&it["rule"]), text(&it["secret"]))).collect()
}

/// Writes each text into a file of its own, and gives back which of the expected findings were not made, and what else was.
fn wrong(cases: &[(String, &str, String)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (index, (text, ..)) in cases.iter().enumerate() {
        fs::write(folder.path().join(format!("{index}.log")), text).unwrap();
    }
    let found = found(folder.path(), &[]);
    let mut wrong = Vec::new();
    for (index, (text, rule, secret)) in cases.iter().enumerate() {
        let here: Vec<_> = found.iter().filter(|(path, ..)| *path == format!("{index}.log")).collect();
        let expected: Vec<_> = if rule.is_empty() { Vec::new() } else { vec![(*rule, secret.as_str())] };
        if here.iter().map(|(_, rule, secret)| (rule.as_str(), secret.as_str())).collect::<Vec<_>>() != expected {
            wrong.push(format!("{text:?}: {here:?} instead of {expected:?}"));
        }
    }
    wrong
}

#[test]
fn the_end_of_an_escape_is_a_border() {
    let mut cases = Vec::new();
    for escape in ESCAPES {
        for (seed, (rule, example)) in KINDS.into_iter().enumerate() {
            let token = fill(example, seed as u64).unwrap();
            cases.push((format!("x \"a{escape}{token}\\n\"\n"), rule, token));
        }
    }
    assert_eq!(wrong(&cases), Vec::<String>::new());
}

#[test]
fn a_checksum_needs_no_border() {
    let token = |example: &str| fill(example, 3).unwrap();
    let mut cases = Vec::new();
    for (rule, example) in [
        ("github-personal-access-token", "<crc32-base62 ghp_ 30>"),
        ("github-app-installation-token", "<crc32-base62 ghs_ 30>"),
        ("npm-access-token", "<crc32-base62 npm_ 30>"),
        ("grafana-service-account-token", "<crc32-hex glsa_ 32>"),
    ] {
        for (before, after) in
            [("token", ""), ("GH_", " "), ("n", "x"), ("", "_suffix"), ("u003d", "u0026"), ("7", "9")]
        {
            let token = token(example);
            cases.push((format!("{before}{token}{after}\n"), rule, token));
        }
    }
    // Nothing proves these.
    for text in
        ["x<aws-key-id AKIA>", "asksk_live_<[A-Za-z0-9]{24}>", "xghp_<[A-Za-z0-9]{36}>", "ghp_<[A-Za-z0-9]{36}>x"]
    {
        cases.push((format!("{}\n", token(text)), "", String::new()));
    }
    assert_eq!(wrong(&cases), Vec::<String>::new());
}

/// A checksum does not hold by chance: words and runs in the characters before it make no example of the token.
#[test]
fn a_checksum_outweighs_the_words_in_a_token() {
    let mut cases = Vec::new();
    for (seed, word) in (0u64..).zip([
        "EXAMPLE",
        "yourtoken",
        "changeme",
        "xxxx",
        "XXXX",
        "00000000",
        "aaaaaaaa",
        "12345678",
        "abcdefgh",
    ]) {
        let around = 30 - word.len();
        let body = fill(&format!("<[A-Za-z0-9]{{{}}}>{word}<[A-Za-z0-9]{{7}}>", around - 7), seed).unwrap();
        let digits = base62_crc32(body.as_bytes());
        let digits = str::from_utf8(&digits).unwrap();
        for (rule, prefix) in [("github-personal-access-token", "ghp_"), ("npm-access-token", "npm_")] {
            let token = format!("{prefix}{body}{digits}");
            cases.push((format!("t = {token}\n"), rule, token));
            // Nothing proves this one.
            let last = if digits.ends_with('0') { '1' } else { '0' };
            cases.push((format!("t = {prefix}{body}{}{last}\n", &digits[..5]), "", String::new()));
        }
    }
    assert_eq!(wrong(&cases), Vec::<String>::new());
}

#[test]
fn a_token_with_a_short_prefix_is_found_after_the_usual_escapes() {
    let mut cases = Vec::new();
    for escape in [r"\n", r"\\t", "\t", ",", "%3D", r"\u003d", r"\x3D", "\x1b[31m"] {
        for (rule, example) in [
            ("hugging-face-token", "hf_<[A-Za-z]{34}>"),
            ("nuget-api-key", "oy2<[a-z0-9]{43}>"),
            ("replicate-api-token", "r8_<[A-Za-z0-9]{37}>"),
            ("dropbox-access-token", "sl.<[A-Za-z0-9_-]{136}>"),
            ("salesforce-session-id", "00D<[A-Za-z0-9]{15}>!AQ<[A-Za-z0-9._]{93}[a-z]>"),
            ("sendgrid-api-key", "SG.<[A-Za-z0-9]{22}>.<[A-Za-z0-9]{43}>"),
        ] {
            // `msg.` is too common a word to look at each.
            if rule == "sendgrid-api-key" && escape.ends_with('m') {
                continue;
            }
            let token = fill(example, 5).unwrap();
            cases.push((format!("x \"a{escape}{token}\\n\"\n"), rule, token));
        }
    }
    assert_eq!(wrong(&cases), Vec::<String>::new());
}

#[test]
fn a_name_begins_after_an_escape() {
    let secret = fill("Gr4nite-<[A-Z][a-z]{6}>-58", 1).unwrap();
    let mut cases = Vec::new();
    for escape in [r"\n", r"\\n", r"\t", r"\u000a", r"\x0a", "%0A", "\x1b[1m", r"\033[1m"] {
        let text = format!("{{\"env\": \"A=1{escape}DB_PASSWORD={secret}\\nB=2\"}}\n");
        cases.push((text, "generic-password", secret.clone()));
    }
    assert_eq!(wrong(&cases), Vec::<String>::new());
    let by_rule = fill("{\"env\": \"A=1\\nGITHUB_TOKEN=<[0-9a-f]{40}>\\nB=2\"}\n", 1).unwrap();
    let token = by_rule[by_rule.find("TOKEN=").unwrap() + 6..][..40].to_owned();
    assert_eq!(wrong(&[(by_rule, "github-legacy-token", token)]), Vec::<String>::new());
}
