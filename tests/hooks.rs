//! The hooks, as git runs them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";

fn run(program: &str, folder: &Path, arguments: &[&str]) -> (bool, String) {
    // As on a machine where keysieve is installed.
    let bin = Path::new(env!("CARGO_BIN_EXE_keysieve")).parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let Output { status, stdout, stderr } = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("PATH", path)
        .envs([
            ("GIT_AUTHOR_NAME", "Ann"),
            ("GIT_AUTHOR_EMAIL", "a@b"),
            ("GIT_COMMITTER_NAME", "Ann"),
            ("GIT_COMMITTER_EMAIL", "a@b"),
        ])
        .output()
        .unwrap();
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let (ok, text) = run("git", folder, arguments);
    assert!(ok, "git {arguments:?}: {text}");
    text
}

fn keysieve(folder: &Path, arguments: &[&str]) -> (bool, String) {
    run("keysieve", folder, arguments)
}

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "-b", "main"]);
    fs::write(folder.path().join("a.txt"), "x\n").unwrap();
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-q", "-m", "first"]);
    folder
}

fn stage(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
    git(folder, &["add", "-A"]);
}

fn program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_commit_and_a_push_with_a_secret_are_refused() {
    let repository = repository();
    let root = repository.path();
    let remote = tempfile::tempdir().unwrap();
    git(remote.path(), &["init", "-q", "--bare"]);
    git(root, &["remote", "add", "origin", remote.path().to_str().unwrap()]);
    let (ok, said) = keysieve(root, &["hook", "install"]);
    assert!(ok && said.contains("installed pre-commit") && said.contains("installed pre-push"), "{said}");
    assert!(keysieve(root, &["hook", "install"]).1.contains("in place already"));
    stage(root, "b.py", LEAK);
    let (ok, said) = run("git", root, &["commit", "-q", "-m", "leak"]);
    assert!(!ok, "{said}");
    for told in ["b.py:1:13", "generic-password", "What to do", "keysieve:allow"] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(!said.contains("Lantern"));
    stage(root, "b.py", "x = 1\n");
    assert_eq!(
        run("git", root, &["commit", "-q", "-m", "clean"]),
        (true, String::new()),
        "a clean commit says nothing"
    );
    assert_eq!(run("git", root, &["push", "-q", "origin", "main"]), (true, String::new()), "nor does a clean push");
    stage(root, "c.py", LEAK);
    git(root, &["commit", "-q", "--no-verify", "-m", "past the hook"]);
    stage(root, "c.py", "x = 1\n");
    git(root, &["commit", "-q", "-m", "and out again"]);
    let (ok, said) = run("git", root, &["push", "-q", "origin", "main"]);
    assert!(!ok && said.contains("c.py") && said.contains("refused this push"), "{said}");
    let (ok, said) = keysieve(root, &["hook", "verify"]);
    assert!(ok && said.contains("pre-commit: refuses a planted key") && said.contains("pre-push: refuses"), "{said}");
    assert!(keysieve(root, &["hook", "uninstall"]).0);
    assert!(!root.join(".git/hooks/pre-commit").exists());
    let (ok, said) = keysieve(root, &["hook", "verify"]);
    assert!(!ok && said.contains("hook install"), "{said}");
}

#[test]
fn a_hook_that_was_there_still_runs_and_comes_back() {
    let repository = repository();
    let root = repository.path();
    let hook = root.join(".git/hooks/pre-commit");
    program(&hook, "#!/bin/sh\necho earlier-hook-ran >&2\n[ ! -f stop ]\n");
    keysieve(root, &["hook", "install", "--hook", "pre-commit"]);
    stage(root, "b.txt", "y\n");
    let (ok, said) = run("git", root, &["commit", "-q", "-m", "x"]);
    assert!(ok && said.contains("earlier-hook-ran"), "{said}");
    stage(root, "stop", "z\n");
    assert!(!run("git", root, &["commit", "-q", "-m", "x"]).0, "what it refuses is refused");
    keysieve(root, &["hook", "uninstall"]);
    assert!(fs::read_to_string(&hook).unwrap().contains("earlier-hook-ran"));
}

#[test]
fn other_places_for_hooks_are_respected() {
    let repository = repository();
    let root = repository.path();
    git(root, &["config", "core.hooksPath", "tools/hooks"]);
    let (_, said) = keysieve(root, &["hook", "install", "--hook", "pre-commit"]);
    assert!(root.join("tools/hooks/pre-commit").exists() && !root.join(".git/hooks/pre-commit").exists(), "{said}");
    assert!(keysieve(root, &["hook", "verify"]).0);
    keysieve(root, &["hook", "uninstall"]);

    git(root, &["config", "core.hooksPath", ".husky/_"]);
    program(
        &root.join(".husky/_/pre-commit"),
        "#!/bin/sh\nsh -e \"$(dirname \"$(dirname \"$0\")\")/pre-commit\" \"$@\"\n",
    );
    fs::write(root.join(".husky/pre-commit"), "true").unwrap();
    keysieve(root, &["hook", "install", "--hook", "pre-commit"]);
    assert!(fs::read_to_string(root.join(".husky/pre-commit")).unwrap().starts_with("true\nkeysieve hook run"));
    stage(root, "b.py", LEAK);
    assert!(!run("git", root, &["commit", "-q", "-m", "leak"]).0);
    keysieve(root, &["hook", "uninstall", "--hook", "pre-commit"]);
    assert_eq!(fs::read_to_string(root.join(".husky/pre-commit")).unwrap(), "true\n");

    fs::write(root.join("lefthook.yml"), "pre-commit: {}\n").unwrap();
    let (ok, said) = keysieve(root, &["hook", "install"]);
    assert!(!ok && said.contains("add this to lefthook.yml"), "{said}");
}

#[test]
fn a_missing_keysieve_lets_nothing_through() {
    let repository = repository();
    let root = repository.path();
    keysieve(root, &["hook", "install", "--hook", "pre-commit"]);
    let hook = root.join(".git/hooks/pre-commit");
    let text = fs::read_to_string(&hook).unwrap().replace(env!("CARGO_BIN_EXE_keysieve"), "/nowhere/keysieve");
    program(&hook, &text.replace("$(command -v keysieve)", "$(command -v no-such-program)"));
    stage(root, "b.txt", "y\n");
    let (ok, said) = run("git", root, &["commit", "-q", "-m", "x"]);
    assert!(!ok && said.contains("not installed"), "{said}");
}

#[test]
fn named_files_are_read_and_staged_ones_from_the_index() {
    let repository = repository();
    let root = repository.path();
    fs::write(root.join("old.py"), LEAK).unwrap();
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "-m", "old"]);
    stage(root, "new.py", "x = 1\n");
    fs::write(root.join("new.py"), LEAK).unwrap();
    let run = |files: &[&str]| keysieve(root, &[&["hook", "run", "pre-commit"], files].concat());
    assert!(run(&[]).0, "the index holds nothing");
    assert!(run(&["new.py"]).0, "what is staged is read from the index");
    let (ok, said) = run(&["new.py", "old.py", "a.txt"]);
    assert!(!ok && said.contains("old.py") && said.contains("new.py"), "all files: {said}");
    assert!(!run(&["old.py"]).0, "a file that is named and not staged is read");
    assert!(run(&["a.txt"]).0);
}
