//! Repositories that were made to run something, to reach something outside, or to be written into.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with two commits and something staged, whose configuration runs `touch CANARY` wherever git would.
fn trapped() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repository");
    fs::create_dir(&root).unwrap();
    git(&root, &["init", "-q", "-b", "main"]);
    fs::write(root.join("a.py"), "x = 1\n").unwrap();
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "one"]);
    fs::write(root.join("b.py"), LEAK).unwrap();
    fs::write(root.join(".gitattributes"), "* filter=trap diff=trap merge=trap text eol=crlf\n").unwrap();
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "two"]);
    fs::write(root.join("c.py"), LEAK.replace("91", "92")).unwrap();
    git(&root, &["add", "-A"]);
    let canary = folder.path().join("canary");
    let trap = format!("touch {}", canary.display());
    let hooks = root.join("hooks");
    fs::create_dir(&hooks).unwrap();
    for hook in ["pre-commit", "pre-push", "post-index-change", "fsmonitor-watchman", "reference-transaction"] {
        fs::write(hooks.join(hook), format!("#!/bin/sh\n{trap}\n")).unwrap();
        fs::set_permissions(hooks.join(hook), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let included = folder.path().join("included");
    fs::write(&included, format!("[core]\n\tpager = {trap}\n[alias]\n\tstatus = !{trap}\n")).unwrap();
    let config = format!(
        "[core]\n\tfsmonitor = {trap}\n\thooksPath = hooks\n\tsshCommand = {trap}\n\teditor = {trap}\n\tpager = {trap}\n\
         \taskPass = {trap}\n\tgitProxy = {trap}\n[filter \"trap\"]\n\tclean = {trap}\n\tsmudge = {trap}\n\tprocess = {trap}\n\
         \trequired = true\n[diff]\n\texternal = {trap}\n[diff \"trap\"]\n\ttextconv = {trap}\n\tcommand = {trap}\n\
         [merge \"trap\"]\n\tdriver = {trap}\n[credential]\n\thelper = !{trap}\n[gpg]\n\tprogram = {trap}\n\
         [remote \"origin\"]\n\turl = ext::sh -c \"{trap}\"\n\tpromisor = true\n\tuploadpack = {trap}\n\
         [extensions]\n\tpartialClone = origin\n[include]\n\tpath = {}\n[submodule \"s\"]\n\turl = ext::sh -c \"{trap}\"\n\
         \tupdate = !{trap}\n",
        included.display()
    );
    let path = root.join(".git/config");
    let own = fs::read_to_string(&path).unwrap();
    fs::write(path, own + &config).unwrap();
    (folder, root)
}

/// Every file below `folder`, with its content.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => drop(all.insert(path.clone(), fs::read(&path).unwrap_or_default())),
            }
        }
    }
    all
}

#[test]
fn nothing_of_a_repository_runs_and_nothing_in_it_changes() {
    let (folder, root) = trapped();
    let before = contents(folder.path());
    for (arguments, found) in [
        (&["scan"][..], 1),
        (&["scan", "--posture"], 1),
        (&["staged"], 1),
        (&["range", "HEAD~1..HEAD"], 1),
        (&["history"], 1),
        (&["hook", "run", "pre-commit"], 1),
        (&["advise"], 0),
        (&["posture"], 0),
        (&["config", "show"], 0),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).args(arguments).current_dir(&root).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(found), "{arguments:?}: {said}");
        assert!(!folder.path().join("canary").exists(), "{arguments:?} ran something");
    }
    assert_eq!(contents(folder.path()), before, "something was written");
}

#[test]
fn links_lead_nowhere_and_archives_do_not_reach_out() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside.py");
    fs::write(&outside, LEAK).unwrap();
    let root = folder.path().join("tree");
    fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("link.py")).unwrap();
    std::os::unix::fs::symlink(folder.path(), root.join("folder")).unwrap();
    fs::write(root.join("a.py"), "x = 1\n").unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link] {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        archive.append_link(&mut header, "inner.py", &outside).unwrap();
    }
    let mut header = tar::Header::new_ustar();
    header.set_size(4);
    header.as_ustar_mut().unwrap().name[..12].copy_from_slice(b"../escape.py");
    header.set_cksum();
    archive.append(&header, &b"x=1\n"[..]).unwrap();
    fs::write(root.join("a.tar"), archive.into_inner().unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).arg("scan").current_dir(&root).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("No credentials found"), "{said}");
    assert!(!folder.path().join("escape.py").exists());
}

#[test]
fn bombs_end_with_a_message_in_half_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..300 {
        std::io::Write::write_all(&mut bomb, &[0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    for number in 0..4 {
        fs::write(folder.path().join(format!("{number}.gz")), &bomb).unwrap();
    }
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 524288; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_keysieve"), "scan", "-j", "2"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Not complete: 4 paths"), "{said}");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (_folder, root) = trapped();
    for number in 0..200 {
        fs::write(root.join(format!("{number}.py")), LEAK.replace("91", &number.to_string())).unwrap();
    }
    for command in [&["scan"][..], &["staged"], &["range", "HEAD~1..HEAD"], &["history"], &["posture"]] {
        let mut seen: Option<Vec<u8>> = None;
        for threads in ["1", "2", "16", "2", "16"] {
            let mut arguments = [command, &["--format", "json", "--all"]].concat();
            if command[0] != "posture" {
                arguments.extend(["-j", threads]);
            }
            let output =
                Command::new(env!("CARGO_BIN_EXE_keysieve")).args(&arguments).current_dir(&root).output().unwrap();
            let first = seen.get_or_insert_with(|| output.stdout.clone());
            assert!(*first == output.stdout, "{arguments:?} printed something else");
        }
    }
}
