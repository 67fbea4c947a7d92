//! Text in other encodings wherever it stands in a file, by each way in.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod forge;

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use forge::Random;
use forge::encodings::Encoding;
use keysieve_engine::rules::sample::fill;
use serde_json::Value;

fn encode(text: &str, width: usize, is_little: bool) -> Vec<u8> {
    let order = |mut bytes: Vec<u8>| {
        if is_little {
            bytes.reverse();
        }
        bytes
    };
    match width {
        2 => text.encode_utf16().flat_map(|unit| order(unit.to_be_bytes().to_vec())).collect(),
        _ => text.chars().flat_map(|character| order(u32::from(character).to_be_bytes().to_vec())).collect(),
    }
}

fn little(text: &str) -> Vec<u8> {
    encode(text, 2, true)
}

/// A rule and the line where it finds something.
type Found = (&'static str, u64);

/// Contents in mixed encodings, and what stands in them.
fn cases() -> Vec<(&'static str, Vec<u8>, Vec<Found>)> {
    let token = format!("login with {}\r\n", fill("<crc32-base62 ghp_ 30>", 3).unwrap());
    let password = "db_password = \"Tr4vel-Lantern-91\"\r\n";
    let both = |line: u64| vec![("github-personal-access-token", line), ("generic-password", line + 1)];
    let ascii = [token.as_bytes(), password.as_bytes()].concat();
    let text = format!("{token}{password}");
    let mut cases = vec![
        ("UTF-16's mark before ASCII", [&[0xff, 0xfe], ascii.as_slice()].concat(), both(1)),
        ("the other mark before ASCII", [&[0xfe, 0xff], ascii.as_slice()].concat(), both(1)),
        ("UTF-32's mark before ASCII", [&[0xff, 0xfe, 0, 0], ascii.as_slice()].concat(), both(1)),
        ("UTF-16, then ASCII", [little("\u{feff}# settings\r\nx = 1\r\n"), ascii.clone()].concat(), both(3)),
        ("ASCII, then UTF-16", [b"# settings\nx = 1\n".to_vec(), little(&text)].concat(), both(3)),
        ("an odd number of bytes, then UTF-16", [b"# setting\nx = 1\n".to_vec(), little(&text)].concat(), both(3)),
        ("UTF-8, then UTF-16", ["# Größe 中文\n".as_bytes().to_vec(), little(&text)].concat(), both(2)),
        ("UTF-16 in both orders", [little(&token), encode(password, 2, false)].concat(), both(1)),
        (
            "two files in one",
            [little(&format!("\u{feff}{token}")), little(&format!("\u{feff}{password}"))].concat(),
            both(1),
        ),
        ("UTF-16, ASCII, UTF-16", [little(&token), b"x = 1\n".to_vec(), little(password)].concat(), {
            vec![("github-personal-access-token", 1), ("generic-password", 3)]
        }),
        ("without a line break between", [b"x = 1; ".to_vec(), little(&text)].concat(), both(1)),
        (
            "other scripts",
            little(&format!("\u{feff}中文上海上海\r\nпривет {token}# 密码\r\n{password}")),
            { vec![("github-personal-access-token", 2), ("generic-password", 4)] },
        ),
        (
            "other scripts right beside it, with a mark",
            encode(&format!("\u{feff}中{}中\r\n{password}", &token[11..token.len() - 2]), 2, false),
            both(1),
        ),
        ("other scripts without a mark", little(&format!("пароль ü {text}")), both(1)),
        (
            "strings of a program",
            {
                [
                    &[1, 0, 0, 0x4d, 0xff][..],
                    &little(&token[..token.len() - 2]),
                    &[0, 0, 0x9a, 3],
                    password.as_bytes(),
                    &[0, 0],
                ]
                .concat()
            },
            vec![("github-personal-access-token", 1)],
        ),
    ];
    for (width, is_little, mark, name) in [
        (2, true, "\u{feff}", "UTF-16 LE with a mark"),
        (2, true, "", "UTF-16 LE"),
        (2, false, "\u{feff}", "UTF-16 BE with a mark"),
        (2, false, "", "UTF-16 BE"),
        (4, true, "\u{feff}", "UTF-32 LE with a mark"),
        (4, true, "", "UTF-32 LE"),
        (4, false, "\u{feff}", "UTF-32 BE with a mark"),
        (4, false, "", "UTF-32 BE"),
    ] {
        cases.push((name, encode(&format!("{mark}# ü\r\n{text}"), width, is_little), both(2)));
    }
    cases
}

fn keysieve(folder: &Path, arguments: &[&str], input: Option<&[u8]>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keysieve"));
    command.args(arguments).args(["--format", "json"]).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.unwrap_or_default()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Rules and lines of the findings in `path`.
fn findings(report: &Value, path: &str) -> Vec<(String, u64)> {
    let of_path = |it: &&Value| it["location"]["path"] == path;
    let told = |it: &Value| (it["rule"].as_str().unwrap().to_owned(), it["location"]["line"].as_u64().unwrap());
    let mut found: Vec<_> = report["findings"].as_array().unwrap().iter().filter(of_path).map(told).collect();
    found.sort_by_key(|(rule, line)| (*line, std::cmp::Reverse(rule.clone())));
    found
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "-c",
            "init.defaultBranch=main",
            "-c",
            "core.autocrlf=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn text_in_any_encoding_is_found_by_each_way_in() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q"]);
    git(root, &["commit", "-q", "--allow-empty", "-m", "start"]);
    let cases = cases();
    for (name, bytes, _) in &cases {
        fs::write(root.join(format!("{name}.dat")), bytes).unwrap();
    }
    let mut reports = vec![("scan", keysieve(root, &["scan", "."], None))];
    git(root, &["add", "-A"]);
    reports.push(("staged", keysieve(root, &["staged"], None)));
    git(root, &["commit", "-q", "-m", "all"]);
    reports.push(("range", keysieve(root, &["range", "HEAD~1..HEAD"], None)));
    reports.push(("history", keysieve(root, &["history"], None)));
    let mut wrong = Vec::new();
    for (name, bytes, expected) in &cases {
        let expected: Vec<(String, u64)> = expected.iter().map(|(rule, line)| ((*rule).to_owned(), *line)).collect();
        let mut check = |way: &str, found: Vec<(String, u64)>| {
            // Of a secret that stands in several files a history tells one, and names the others.
            if found != expected && way != "history" {
                wrong.push(format!("{way}: {name}: {found:?} instead of {expected:?}"));
            }
        };
        for (way, report) in &reports {
            check(way, findings(report, &format!("{name}.dat")));
        }
        check("stdin", findings(&keysieve(root, &["scan", "-"], Some(bytes)), "-"));
    }
    assert_eq!(wrong, Vec::<String>::new());
    let history = &reports[3].1;
    for (name, _, expected) in &cases {
        for (rule, _) in expected {
            let of_rule = history["findings"].as_array().unwrap().iter().filter(|it| it["rule"] == *rule);
            let paths: Vec<&Value> = of_rule.flat_map(|it| it["provenance"]["paths"].as_array().unwrap()).collect();
            assert!(paths.iter().any(|path| **path == format!("{name}.dat")), "{rule} in {name}: {paths:?}");
        }
    }
}

/// What stands beside a token: characters in its own encoding, and bytes beyond them.
fn beside(random: &mut Random) -> (String, Vec<u8>) {
    let text = match random.below(6) {
        0 => "\n".to_owned(),
        1 => " ".to_owned(),
        2 => "\0".to_owned(),
        3 => {
            let any = |random: &mut Random| char::from_u32(0x2e80 + random.below(0x7000) as u32).unwrap();
            (0..=random.below(3)).map(|_| any(random)).collect()
        }
        4 => (*random.pick(&["ü", "€", "я", "🔑", "中文", "上海", "，", "：", "Ā"])).to_owned(),
        _ => String::new(),
    };
    let bytes = match random.below(7) {
        0 => vec![0; 1 + random.below(9)],
        1 => b"y\n"[..1 + random.below(2)].to_vec(),
        2 => random.text(3).into_bytes(),
        3 => {
            let count = 1 + random.below(8);
            random.bytes(count)
        }
        4 => random.pick(&Encoding::ALL).write(&random.text(3)),
        _ => Vec::new(),
    };
    (text, bytes)
}

/// In UTF-16 and UTF-32, in both byte orders, with a mark and without one, at any offset, whatever stands beside it: a token is
/// found. `ENCODINGS_CASES` tries more of them than the tests do.
#[test]
fn a_token_is_found_whatever_stands_beside_it() {
    let count = std::env::var("ENCODINGS_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(3000);
    let folder = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for case in 0..count {
        let mut random = Random(case);
        let encoding = Encoding::ALL[1 + random.below(4)];
        let token = fill("<crc32-base62 ghp_ 30>", 100_000 + case).unwrap();
        let (left, before) = beside(&mut random);
        let (right, after) = beside(&mut random);
        let mut bytes = Vec::new();
        match random.below(3) {
            0 => bytes = encoding.mark(),
            1 if random.one_in(2) => bytes = random.pick(&Encoding::ALL).mark(),
            _ => {}
        }
        if random.one_in(2) {
            bytes.extend(encoding.write(&random.text(3)));
        }
        bytes.extend(&before);
        // Before a token no letter of ASCII may stand.
        let left = if left.is_empty() && before.last().is_some_and(|it| *it != 0) { "\n" } else { &left };
        bytes.extend(encoding.write(&format!("{left}{token}{right}")));
        bytes.extend(&after);
        let name = format!("{case}.dat");
        fs::write(folder.path().join(&name), &bytes).unwrap();
        cases.push((name, token, bytes, format!("{encoding:?}: {left:?} {before:?} {right:?} {after:?}")));
    }
    let report = keysieve(folder.path(), &["scan", ".", "--show-secrets", "--all"], None);
    let found: HashSet<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["location"]["path"].as_str().unwrap(), it["secret"].as_str().unwrap()))
        .collect();
    let missed: Vec<String> = cases
        .iter()
        .filter(|(name, token, ..)| !found.contains(&(name.as_str(), token.as_str())))
        .map(|(name, _, bytes, what)| format!("{name}: {what}\n    {bytes:?}"))
        .collect();
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed[..missed.len().min(5)].join("\n"));
}

/// Versions that grow by one line in one encoding or another: each is scanned by what it adds, and as a whole.
#[test]
fn versions_in_mixed_encodings_give_by_deltas_what_they_give_whole() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q"]);
    let mut bytes = Vec::new();
    for step in 0..60u64 {
        let secret = match step % 5 {
            0 => fill("key <crc32-base62 ghp_ 30>\n", step).unwrap(),
            2 => fill("db_password = \"MyReal<[A-Z][a-z]{6}[0-9]{3}>\"\n", step).unwrap(),
            _ => format!("line {step} with nothing in it, only some more bytes to copy from\n").repeat(3),
        };
        let line = match (step / 3) % 4 {
            1 => little(&secret),
            2 => encode(&secret, 2, false),
            _ => secret.into_bytes(),
        };
        // Also in the middle, and at any offset.
        let at = if step % 4 == 3 { bytes.len() / 2 } else { bytes.len() };
        bytes.splice(at..at, line);
        if step % 11 == 10 {
            bytes.drain(..step as usize * 7);
        }
        fs::write(root.join("log.txt"), &bytes).unwrap();
        git(root, &["add", "-A"]);
        git(root, &["commit", "-q", "-m", "step"]);
    }
    git(root, &["repack", "-adfq", "--depth=50", "--window=50"]);
    let told = |arguments: &[&str]| -> Vec<String> {
        let report = keysieve(
            root,
            &[&["history", "--min-confidence", "low", "--max-findings", "100000"], arguments].concat(),
            None,
        );
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .map(|it| {
                format!(
                    "{} {} {} {}",
                    it["rule"], it["location"], it["provenance"]["versions"], it["provenance"]["introduced"]
                )
            })
            .collect()
    };
    let whole = told(&["--no-delta"]);
    assert!(whole.len() >= 20, "{}", whole.len());
    assert_eq!(told(&[]), whole);
}
