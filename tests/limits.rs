//! Every limit is reached once: what it cuts off is said, with the flag that raises it, and the scan is not complete.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";

/// Runs a command that reaches the limit of `flag`, and once more with the limit out of reach.
fn reaches(folder: &Path, command: &str, flag: &str, low: &str, high: &str) {
    let run = |value: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
            .args([command, "--format", "json", &format!("--{flag}={value}")])
            .args(if command == "range" { &["HEAD~1..HEAD"][..] } else { &[] })
            .current_dir(folder)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let report: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        (report["summary"].clone(), output.status.code().unwrap())
    };
    let (summary, code) = run(low);
    assert_eq!((code, &summary["complete"]), (3, &Value::Bool(false)), "--{flag}={low}: {summary}");
    let reasons = summary["incomplete"].to_string();
    assert!(reasons.contains(&format!("--{flag}")), "--{flag}={low}: {reasons}");
    let (summary, code) = run(high);
    assert!(code < 2, "--{flag}={high}: {summary}");
    assert_eq!(summary["complete"], true, "--{flag}={high}: {summary}");
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn with_file(name: &str, content: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    folder
}

#[test]
fn of_practices() {
    for name in ["a.tf", "a.tf.json"] {
        let folder = with_file(name, b"{}");
        for (flag, other) in [("--file-timeout", "--timeout"), ("--timeout", "--file-timeout")] {
            for command in [&["posture"][..], &["scan", "--posture"]] {
                let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
                    .args(command)
                    .args([flag, "0s", other, "1h"])
                    .current_dir(&folder)
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&output.stdout);
                assert_eq!(output.status.code(), Some(3), "{name} {command:?} {flag}: {said}");
                assert!(said.contains(&format!("({flag})")), "{name} {command:?} {flag}: {said}");
            }
        }
    }
}

/// A bracket behind the second operator of its level, in which is another, and so on: its practices are seen all the same.
#[test]
fn of_no_depth_that_people_write() {
    let practice = "variable \"db_password\" {\n  default = \"Tr4vel-Lantern\"\n}\n";
    for (depth, end, code, told) in
        [(40, "}", 1, "db_password"), (40, "", 3, "line 5, column 1"), (4000, "}", 3, "deeper than 100 levels")]
    {
        let text = format!("{practice}a = b{}{}\n", "*c+{d = b".repeat(depth), end.repeat(depth));
        let folder = with_file("a.tf", text.as_bytes());
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).arg("posture").current_dir(&folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{depth} {end}: {said}");
        assert!(said.contains(told), "{depth} {end}: {said}");
    }
}

#[test]
fn of_archives() {
    let zeros = vec![0; 3 << 20];
    let nested = zip(&[("b.zip", &zip(&[("c.zip", &zip(&[("d.py", LEAK.as_bytes())]))]))]);
    reaches(with_file("a.zip", &nested).path(), "scan", "max-archive-depth", "2", "3");
    let large = with_file("a.zip", &zip(&[("y", &zeros), ("z", &zeros)]));
    reaches(large.path(), "scan", "max-archive-entry", "1MiB", "3MiB");
    reaches(large.path(), "scan", "max-archive-size", "2MiB", "7MiB");
    reaches(large.path(), "scan", "max-archive-entries", "1", "2");
    reaches(large.path(), "scan", "max-memory", "2MiB", "64MiB");
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..70).for_each(|_| bomb.write_all(&zeros[..1 << 20]).unwrap());
    reaches(with_file("a.gz", &bomb.finish().unwrap()).path(), "scan", "max-archive-ratio", "1", "300");
}

#[test]
fn of_files() {
    let many = with_file("a.py", LEAK.repeat(40).as_bytes());
    reaches(many.path(), "scan", "max-findings-per-file", "10", "1000");
    reaches(many.path(), "scan", "max-findings", "10", "1000");
    reaches(many.path(), "scan", "max-line-length", "20", "1000");
    reaches(many.path(), "scan", "file-timeout", "0s", "1h");
    reaches(many.path(), "scan", "timeout", "0s", "1h");
}

#[test]
fn of_standard_input() {
    for (flag, low) in [("max-findings-per-file", "3"), ("max-line-length", "9"), ("file-timeout", "0")] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
            .args(["scan", "-", &format!("--{flag}={low}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(LEAK.repeat(40).as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("Not complete") && said.contains(flag), "{said}");
    }
}

fn git(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b", "-c", "gc.auto=0"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Two commits over a file that changes; the second one brings folders that share folders, 1,024 paths to one file.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q", "-b", "main"], "");
    let mut text = String::new();
    for number in 0..12 {
        text.push_str(&format!("line {number} of a file that grows\n").repeat(20));
        fs::write(root.join("a.py"), &text).unwrap();
        git(root, &["add", "-A"], "");
        git(root, &["commit", "-q", "-m", "grow"], "");
    }
    let blob = git(root, &["hash-object", "-w", "--stdin"], LEAK);
    let mut tree = git(root, &["mktree"], &format!("100644 blob {blob}\ta.py\n"));
    for _ in 0..10 {
        tree = git(root, &["mktree"], &format!("040000 tree {tree}\ta\n040000 tree {tree}\tb\n"));
    }
    let commit = git(root, &["commit-tree", "-p", "HEAD", "-m", "many", &tree], "");
    git(root, &["reset", "-q", "--soft", &commit], "");
    git(root, &["repack", "-adfq", "--depth=50"], "");
    folder
}

#[test]
fn of_repositories() {
    let folder = repository();
    let root = folder.path();
    reaches(root, "history", "max-paths", "100", "2000");
    reaches(root, "range", "max-paths", "100", "5000");
    reaches(root, "history", "max-objects", "10", "1000");
    reaches(root, "history", "max-delta-depth", "0", "50");
    reaches(root, "history", "max-object-size", "1000", "1MB");
    reaches(root, "range", "max-object-size", "20", "1MB");
    reaches(root, "history", "max-memory", "10000", "64MiB");
    reaches(root, "history", "max-findings-per-file", "0", "10");
    reaches(root, "history", "timeout", "0s", "1h");
    fs::write(root.join("b.py"), LEAK.replace("91", "17").repeat(10)).unwrap();
    git(root, &["add", "b.py"], "");
    reaches(root, "staged", "max-findings-per-file", "3", "100");
    reaches(root, "staged", "max-object-size", "20", "1MB");
    reaches(root, "staged", "max-findings", "3", "100");
}

/// The one limit without a flag: real paths end far sooner, and the system's own limit lies close by.
#[test]
fn of_nested_folders() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q", "-b", "main"], "");
    git(root, &["commit", "-q", "--allow-empty", "-m", "one"], "");
    let blob = git(root, &["hash-object", "-w", "--stdin"], LEAK);
    let mut tree = git(root, &["mktree"], &format!("100644 blob {blob}\ta.py\n"));
    for _ in 0..600 {
        tree = git(root, &["mktree"], &format!("040000 tree {tree}\td\n"));
    }
    let commit = git(root, &["commit-tree", "-p", "HEAD", "-m", "deep", &tree], "");
    git(root, &["update-ref", "refs/heads/main", &commit], "");
    for arguments in [&["history"][..], &["range", "HEAD~1..HEAD"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).args(arguments).current_dir(root).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(said.contains("nested deeper than 512"), "{arguments:?}: {said}");
    }
}

/// No time at all is over before anything is read, and an input that is empty is said to be.
#[test]
fn nothing_that_was_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "x = 1\n").unwrap();
    let rows: [(&[&str], &str, i32, &str); 5] = [
        (&["scan", "."], "", 3, "--timeout"),
        (&["scan", "-"], "x = 1\n", 3, "--timeout"),
        (&["scan", "-"], "", 3, "--timeout"),
        (&["scan", "-"], "", 0, "standard input was empty (0 bytes read)"),
        (&["scan", "-"], "x = 1\n", 0, ""),
    ];
    for (arguments, input, code, words) in rows {
        for limit in ["--timeout", "--file-timeout"] {
            let limits: &[&str] = if code == 3 { &[limit, "0s"] } else { &[] };
            let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
                .args(arguments)
                .args(limits)
                .current_dir(folder.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            let words = if words == "--timeout" { "timeout" } else { words };
            let is_it = output.status.code() == Some(code) && said.contains(words);
            // An empty input is read before its time can be over.
            assert!(is_it || input.is_empty() && limit == "--file-timeout", "{arguments:?} {limit}: {said}");
        }
    }
}
