//! Repositories to look at, and what `keysieve history` says of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    static CLOCK: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1_700_000_000);
    let now = format!("{} +0000", CLOCK.fetch_add(60, std::sync::atomic::Ordering::Relaxed));
    let output = Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@acme.io", "-c", "init.defaultBranch=main"])
        .args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0"])
        .args(arguments)
        .env("GIT_AUTHOR_DATE", &now)
        .env("GIT_COMMITTER_DATE", &now)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub fn commit(folder: &Path, files: &[(&str, &str)], message: &str) -> String {
    for (name, text) in files {
        if let Some(parent) = folder.join(name).parent() {
            fs::create_dir_all(parent).unwrap();
        }
        fs::write(folder.join(name), text).unwrap();
    }
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", message]);
    git(folder, &["rev-parse", "HEAD"])
}

pub fn new_repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    folder
}

/// The findings, the summary and the exit code.
pub fn history(folder: &Path, arguments: &[&str]) -> (Vec<Value>, Value, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(["history", "--format", "jsonl", "--show-secrets"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (lines, summary, output.status.code().unwrap())
}

pub fn leak(number: u32) -> String {
    format!("password = \"Tr4vel-Lantern-{number}\"\n")
}

pub fn find(findings: &[Value], number: u32) -> &Value {
    let secret = format!("Tr4vel-Lantern-{number}");
    findings.iter().find(|finding| finding["secret"] == secret.as_str()).unwrap_or_else(|| panic!("{secret}"))
}
