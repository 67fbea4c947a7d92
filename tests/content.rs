//! Whatever a tree holds: what is read, what is no content, and that nothing is left out in silence.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keysieve")).args(arguments).current_dir(folder).output().unwrap()
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
        .status;
    assert!(status.success(), "git {arguments:?}");
}

/// The paths of findings, sorted, and the summary.
fn scan(folder: &Path, arguments: &[&str]) -> (Vec<String>, Value, i32) {
    let output = run(folder, &[&["scan", "--format", "jsonl"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    let paths = lines.iter().map(|line| line["location"]["path"].as_str().unwrap().to_owned()).collect();
    (paths, summary, output.status.code().unwrap())
}

#[test]
fn a_work_tree_is_its_tracked_files_and_the_ones_not_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q"]);
    for name in ["plain.py", ".hidden.py", "ignored.py", "tracked.py", "dot-ignored.py"] {
        fs::write(root.join(name), LEAK).unwrap();
    }
    fs::write(root.join(".gitignore"), "ignored.py\ntracked.py\n").unwrap();
    // Only git decides: another tool's ignore file hides nothing.
    fs::write(root.join(".ignore"), "dot-ignored.py\n").unwrap();
    git(root, &["add", "-f", "tracked.py"]);
    fs::write(root.join(".git/leak.py"), LEAK).unwrap();
    let (paths, summary, code) = scan(root, &[]);
    assert_eq!(paths, [".hidden.py", "dot-ignored.py", "plain.py", "tracked.py"]);
    assert_eq!((code, &summary["complete"]), (1, &Value::Bool(true)));
    let (paths, ..) = scan(root, &["--no-ignore"]);
    assert!(paths.contains(&"ignored.py".to_owned()) && paths.contains(&".git/leak.py".to_owned()), "{paths:?}");
    assert_eq!(scan(root, &["ignored.py"]).0, ["ignored.py"], "what is named is read");
}

#[test]
fn links_fifos_and_sockets_are_listed_and_never_opened() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("a.py"), LEAK).unwrap();
    symlink("a.py", root.join("link.py")).unwrap();
    symlink("nowhere", root.join("broken")).unwrap();
    symlink(".", root.join("loop")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("fifo")).status().unwrap().success());
    let (paths, summary, code) = scan(root, &[]);
    assert_eq!((paths.as_slice(), code), (&["a.py".to_owned()][..], 1));
    let listed: Vec<_> = summary["not_content"].as_array().unwrap().iter().map(|it| it["path"].as_str()).collect();
    assert_eq!(listed.len(), 5, "{summary}");
    let (paths, summary, code) = scan(root, &["--follow"]);
    assert_eq!((paths.as_slice(), code), (&["a.py".to_owned(), "link.py".to_owned()][..], 1), "{summary}");
    for name in ["fifo", "socket", "link.py"] {
        let output = run(root, &["scan", name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("holds no content"), "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("a.py"), LEAK).unwrap();
    // Opens, and fails at the first byte, for every user.
    let unreadable = "/proc/self/mem";
    let (paths, summary, code) = scan(root, &["a.py", unreadable]);
    assert_eq!((paths.as_slice(), code), (&["a.py".to_owned()][..], 3));
    assert_eq!(summary["complete"], Value::Bool(false));
    assert_eq!(summary["incomplete"][0]["path"], unreadable);
    let (_, summary, code) = scan(root, &["a.py", unreadable, "--allow-incomplete"]);
    assert_eq!((code, &summary["complete"]), (1, &Value::Bool(false)), "the flag changes the exit code only");
    let output = run(root, &["baseline", "create", "a.py", unreadable]);
    assert_eq!(output.status.code(), Some(3), "a baseline of what could be read says that it is not all");
}

#[test]
fn nothing_to_read_is_not_clean() {
    let folder = tempfile::tempdir().unwrap();
    let (_, summary, code) = scan(folder.path(), &[]);
    assert_eq!((code, &summary["complete"]), (3, &Value::Bool(false)));
}

#[test]
fn names_that_are_no_utf8_are_scanned_and_shown_escaped() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"a\xff.py")), LEAK).unwrap();
    assert_eq!(scan(folder.path(), &[]).0, ["a\\xff.py"]);
}

#[test]
fn one_thread_finds_what_many_find() {
    let folder = tempfile::tempdir().unwrap();
    for index in 0..200 {
        fs::create_dir_all(folder.path().join(format!("d{}", index % 7))).unwrap();
        let text = format!("x = 1\n{}password = \"Tr4vel-Lantern-{index}\"\n", "y\n".repeat(index % 5));
        fs::write(folder.path().join(format!("d{}/f{index}.py", index % 7)), text).unwrap();
    }
    let one = run(folder.path(), &["scan", "--format", "jsonl", "-j", "1"]).stdout;
    let many = run(folder.path(), &["scan", "--format", "jsonl", "-j", "8"]).stdout;
    assert_eq!(one, many);
    assert_eq!(one.iter().filter(|byte| **byte == b'\n').count(), 201);
}

#[test]
fn moving_lines_keeps_a_finding_in_the_baseline_and_another_secret_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.py");
    fs::write(&file, LEAK).unwrap();
    assert_eq!(run(folder.path(), &["baseline", "create"]).status.code(), Some(0));
    let baseline = fs::read_to_string(folder.path().join(".keysieve-baseline.json")).unwrap();
    assert!(!baseline.contains("Lantern"));
    fs::write(&file, format!("# moved\n\n{LEAK}")).unwrap();
    assert_eq!(scan(folder.path(), &[]).2, 0);
    fs::write(&file, LEAK.replace("91", "92")).unwrap();
    assert_eq!(scan(folder.path(), &[]).2, 1);
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.py"), LEAK.repeat(4000)).unwrap();
    let command = format!("{} scan --format jsonl | head -n 1", env!("CARGO_BIN_EXE_keysieve"));
    let output = Command::new("sh").args(["-c", &command]).current_dir(folder.path()).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_report_is_written_into_a_pipe_and_through_no_link() {
    use std::os::unix::fs::FileTypeExt;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("a.py"), LEAK).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = root.join("pipe");
        move || fs::read_to_string(pipe).unwrap()
    });
    assert_eq!(run(root, &["scan", "a.py", "-o", "pipe", "--format", "jsonl"]).status.code(), Some(1));
    assert_eq!(reader.join().unwrap().lines().count(), 2);
    assert!(fs::symlink_metadata(root.join("pipe")).unwrap().file_type().is_fifo());
    fs::write(root.join("report"), "old").unwrap();
    symlink("report", root.join("link")).unwrap();
    assert_eq!(run(root, &["scan", "a.py", "-o", "link", "--format", "jsonl"]).status.code(), Some(2));
    assert!(fs::symlink_metadata(root.join("link")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(root.join("report")).unwrap(), "old");
}

#[test]
fn a_token_is_found_in_its_encodings() {
    use base64::Engine;
    let token = keysieve_engine::rules::sample::fill("<crc32-base62 ghp_ 30>", 7).unwrap();
    let base64 = |text: &str| base64::prelude::BASE64_STANDARD.encode(text);
    let percent: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let twice = base64(&format!("registry-token: {}", base64(&format!("token={token}"))));
    for text in [base64(&format!("url=https://x\ntoken={token}\n")), percent, twice] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.env"), format!("DEPLOY_SECRET={text}\n")).unwrap();
        let output = run(folder.path(), &["scan", "--format", "jsonl", "--show-secrets"]);
        let first: Value = serde_json::from_slice(output.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
        assert_eq!((&first["secret"], &first["location"]["column"]), (&token.as_str().into(), &15.into()), "{text}");
        assert!(
            !String::from_utf8_lossy(&run(folder.path(), &["scan"]).stdout).contains(&text[..12]),
            "the line is masked"
        );
    }
}

#[test]
fn packages_databases_and_key_stores_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/containers")).unwrap() {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|extension| extension != "py") {
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    let (mut paths, summary, code) = scan(folder.path(), &[]);
    paths.dedup();
    assert_eq!(
        paths,
        [
            "a.7z!/conf/settings.py",
            "a.db!/files/content-1!/content-1",
            "a.db!/settings",
            "a.db!/unused pages",
            "a.db!/users",
            "a.deb!/data.tar.gz!/etc/a/settings.py",
            "a.rpm!/etc/a/settings.py",
            "known.jks!/key store",
            "known.p12!/key store",
            "open.p12!/key store",
        ]
    );
    assert_eq!((code, &summary["complete"]), (1, &Value::Bool(true)));
}

#[test]
fn a_damaged_container_is_said_wherever_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.7z", "a.db", "a.deb", "a.rpm", "known.p12", "known.jks"] {
        let whole = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/containers").join(name)).unwrap();
        for step in 1..40 {
            let length = whole.len() * step / 40;
            fs::write(folder.path().join(format!("cut-{step}-{name}")), &whole[..length]).unwrap();
            let mut flipped = whole.clone();
            flipped[length] ^= 0x5a;
            fs::write(folder.path().join(format!("flipped-{step}-{name}")), flipped).unwrap();
        }
    }
    let (_, summary, code) = scan(folder.path(), &["--all", "--min-confidence", "low"]);
    assert_eq!((code, &summary["complete"]), (3, &Value::Bool(false)));
    let gaps = summary["incomplete"].as_array().unwrap();
    for name in ["a.7z", "a.db", "a.deb", "a.rpm"] {
        // Cut in the middle, each says so.
        assert!(gaps.iter().any(|gap| gap["path"].as_str().unwrap().starts_with(&format!("cut-20-{name}"))), "{name}");
    }
}
