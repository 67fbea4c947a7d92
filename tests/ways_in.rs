//! One content, one verdict, whichever way it comes in: contents × settings × ways in. Whatever is in a file, the working
//! tree, standard input, the index, a range of commits and the whole history find the same, suppress the same, leave the
//! same unread and end with the same code.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "forge/mod.rs"]
mod forge;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use forge::{line, token};
use serde_json::Value;

/// Files of a repository: name and content.
type Files = Vec<(&'static str, Vec<u8>)>;

/// Everything that can be in a file.
fn contents() -> Vec<(&'static str, Files)> {
    let secret = line(&token(1));
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(secret.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let zip = zip("inner/config.yml", secret.as_bytes());
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in [("layer/app.zip", &zip[..]), ("layer/plain.txt", line(&token(2)).as_bytes())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, name, content).unwrap();
    }
    let tar = tar.into_inner().unwrap();
    let mut pair = String::from("aws_access_key_id = ");
    pair += &keysieve_engine::rules::sample::fill("AKIA<[A-Z2-7]{16}>", 5).unwrap();
    pair += "\naws_secret_access_key = ";
    pair += &keysieve_engine::rules::sample::fill("<[A-Za-z0-9+/]{40}>", 6).unwrap();
    let long = format!("x = \"{}\"\n{secret}", "ab ".repeat(9000));
    let password = b"db_password = \"Tr4vel-Lantern-91\"\n".to_vec();
    vec![
        ("nothing", vec![("a.txt", b"x = 1\n".to_vec())]),
        ("a token", vec![("a.py", secret.clone().into_bytes())]),
        ("a token between CRs and NULs", vec![("a.bin", format!("\0\0\r{secret}\0\0").into_bytes())]),
        ("a password", vec![("src/settings.py", password.clone())]),
        ("a password of a test", vec![("tests/test_login.py", password.clone())]),
        ("a weak one", vec![("src/settings.py", b"db_password = \"changeme\"\nuser = \"x\"\n".to_vec())]),
        ("a pair", vec![("credentials", pair.into_bytes())]),
        ("twice", vec![("a.py", [secret.as_bytes(), b"\n\n", secret.as_bytes()].concat())]),
        ("two files", vec![("a.py", secret.clone().into_bytes()), ("b/c.py", line(&token(3)).into_bytes())]),
        ("UTF-16", vec![("a.reg", wide.clone())]),
        ("UTF-16 behind ASCII", vec![("a.log", [b"one\n".as_slice(), &wide[2..]].concat())]),
        ("a zip", vec![("app.jar", zip.clone())]),
        ("a zip in a tar", vec![("image.tar", tar)]),
        ("a zip that is cut", vec![("cut.zip", zip[..zip.len() - 30].to_vec())]),
        ("a marker", vec![("a.py", format!("{} # keysieve:allow\n", secret.trim_end()).into_bytes())]),
        ("another's marker", vec![("a.py", format!("{} # gitleaks:allow\n", secret.trim_end()).into_bytes())]),
        (
            "a marker in a zip",
            vec![("a.zip", self::zip("a.py", format!("{} # keysieve:allow\n", secret.trim_end()).as_bytes()))],
        ),
        (
            "an excluded file",
            vec![("vendor/a.py", secret.clone().into_bytes()), ("b.py", line(&token(4)).into_bytes())],
        ),
        ("an excluded archive", vec![("vendor/a.jar", zip.clone())]),
        ("an allowed path", vec![("docs/a.py", secret.clone().into_bytes())]),
        ("an allowed path in a zip", vec![("docs.zip", self::zip("docs/a.py", secret.as_bytes()))]),
        ("a closed format", vec![("a.rar", [b"Rar!\x1a\x07\x01\x00".as_slice(), &[7; 90]].concat())]),
        ("an accepted one", vec![("known.rar", [b"Rar!\x1a\x07\x01\x00".as_slice(), &[7; 90]].concat())]),
        (
            "a pointer",
            vec![(
                "big.bin",
                format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n", "5a".repeat(32))
                    .into_bytes(),
            )],
        ),
        ("a long line", vec![("min.js", long.into_bytes())]),
    ]
}

fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

/// What a repository's owner decided.
const SETTINGS: [(&str, &str); 3] = [
    ("nothing", ""),
    (
        "exclude, allow, accept",
        "[scan]\nexclude = [\"vendor/**\", \"**/*.min.js\"]\nlfs = \"ignore\"\n[[allow]]\nrule = \"github-personal-access-token\"\n\
         paths = [\"docs/**\", \"**/docs/**\"]\nreason = \"examples\"\n[[allow]]\npaths = [\"docs.zip!/docs/**\"]\nrule = \"github-personal-access-token\"\n\
         reason = \"examples\"\n[[accept_incomplete]]\npath = \"known.rar\"\nreason = \"music\"\n",
    ),
    (
        "other rules",
        "[rules]\ndisable = [\"generic-password\"]\n[scan]\nmin_confidence = \"low\"\nfail_on = \"critical\"\n",
    ),
];

/// Flags that every command has.
const FLAGS: [&[&str]; 3] = [&[], &["--max-line-length", "20000"], &["--max-archive-size", "20"]];

/// What one way in has to say of the contents.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: i32,
    /// Each credential with its files, and where it stands in the first of them. A range tells a secret once a file, a
    /// history once with all its files.
    findings: BTreeMap<String, (BTreeSet<String>, String)>,
    suppressed: BTreeSet<String>,
    incomplete: BTreeSet<String>,
    accepted: BTreeSet<String>,
    allowed: String,
    excluded: u64,
}

fn found(findings: &[Value], of_file: impl Fn(&Value) -> String) -> BTreeMap<String, (BTreeSet<String>, String)> {
    let mut found: BTreeMap<String, (BTreeSet<String>, String)> = BTreeMap::new();
    for finding in findings {
        let location = &finding["location"];
        let hash = finding["fingerprint"].as_str().unwrap().split(':').nth(1).unwrap();
        let facts = ["severity", "confidence", "secret", "line", "evidence"].map(|name| finding[name].to_string());
        let first =
            format!("{}\0:{}:{} {}", of_file(&location["path"]), location["line"], location["column"], facts.join(" "));
        let (paths, known) = found.entry(format!("{} {hash}", finding["rule"])).or_default();
        match finding["provenance"]["paths"].as_array() {
            Some(all) => paths.extend(all.iter().map(&of_file)),
            None => _ = paths.insert(of_file(&location["path"])),
        }
        if known.is_empty() || first < *known {
            *known = first;
        }
    }
    found
}

fn said(folder: &Path, input: Option<&[u8]>, arguments: &[&str]) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .current_dir(folder)
        .args(arguments)
        .args(["--explain", "--format", "json", "--no-progress"])
        .env("HOME", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all(input.unwrap_or_default());
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    let list = |list: &Value, text: &dyn Fn(&Value) -> String| -> BTreeSet<String> {
        list.as_array().into_iter().flatten().map(text).collect()
    };
    let of_file = |path: &Value| path.as_str().unwrap().trim_start_matches("./").to_owned();
    let summary = &report["summary"];
    Said {
        code: output.status.code().unwrap(),
        findings: found(report["findings"].as_array().unwrap(), of_file),
        suppressed: list(&report["suppressed"], &|it| {
            format!("{} {} {} {}", of_file(&it["location"]["path"]), it["rule"], it["by"], it["reason"]["code"])
        }),
        // The reason names the object in a history.
        incomplete: list(&summary["incomplete"], &|it| format!("{} {}", of_file(&it["path"]), it["code"])),
        accepted: list(&summary["accepted_incomplete"], &|it| {
            format!("{} {} {}", of_file(&it["path"]), it["code"], it["accepted"])
        }),
        allowed: summary["allowed"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, count)| **count != 0)
            .map(|(by, count)| format!("{by} {count} "))
            .collect(),
        excluded: summary["excluded"].as_u64().unwrap(),
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@corp.io", "-c", "core.autocrlf=false"])
        .args(arguments)
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_way_in_says_the_same() {
    let mut wrong = Vec::new();
    for (what, files) in contents() {
        for (decided, config) in SETTINGS {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            git(folder, &["init", "-q", "-b", "main"]);
            fs::write(folder.join(".keysieve.toml"), config).unwrap();
            git(folder, &["add", "."]);
            git(folder, &["commit", "-q", "-m", "begin"]);
            for (name, content) in &files {
                fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
                fs::write(folder.join(name), content).unwrap();
            }
            git(folder, &["add", "."]);
            let ask = |command: &[&str], flags: &[&str]| said(folder, None, &[command, flags].concat());
            let staged: Vec<Said> = FLAGS.iter().map(|flags| ask(&["staged"], flags)).collect();
            git(folder, &["commit", "-q", "-m", "add"]);
            for (flags, staged) in FLAGS.iter().zip(staged) {
                let tree = ask(&["scan", "."], flags);
                let ways = [
                    ("staged", staged),
                    ("range", ask(&["range", "HEAD~1..HEAD", "--trust-head"], flags)),
                    ("history", ask(&["history"], flags)),
                ];
                for (way, other) in ways {
                    if other != tree {
                        wrong.push(format!(
                            "{what}; {decided}; {flags:?}: {way} says\n{other:#?}\nand the tree\n{tree:#?}"
                        ));
                    }
                }
                // Standard input has neither a name nor what goes by names.
                if let ([(name, content)], "nothing") = (&files[..], decided)
                    && !name.starts_with("tests/")
                {
                    let input = said(folder, Some(content), &[&["scan", "-"], *flags].concat());
                    let nameless = |said: &BTreeSet<String>| -> BTreeSet<String> {
                        said.iter().map(|it| it.replace(name, "-")).collect()
                    };
                    let (of_input, of_tree) = (&input, &tree);
                    let same = of_input.code == of_tree.code
                        && of_input.findings.len() == of_tree.findings.len()
                        && of_input.suppressed.len() == of_tree.suppressed.len()
                        && of_input.incomplete == nameless(&of_tree.incomplete)
                        && of_input.allowed == of_tree.allowed;
                    if !same {
                        wrong.push(format!(
                            "{what}; {flags:?}: standard input says\n{input:#?}\nand the tree\n{tree:#?}"
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
}
