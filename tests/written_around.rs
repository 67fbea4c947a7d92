//! What is written around contents is published with them: names of people, files and branches, headers of commits, tags,
//! what links point to. A proven token in any of these is found by every command that reads it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use keysieve_engine::rules::sample;
use serde_json::Value;

/// A GitHub token whose checksum holds.
fn token(seed: u64) -> String {
    sample::fill("<crc32-base62 ghp_ 30>", seed).unwrap()
}

fn git_with(folder: &Path, input: &[u8], arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut child = Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@corp.io", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    git_with(folder, b"", arguments, &[])
}

/// Places of findings whose secret is `secret`, the exit code, and all that was printed.
fn keysieve(folder: &Path, input: &str, arguments: &[&str], secret: &str) -> (Vec<String>, i32, String) {
    let run = |format: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
            .args(arguments)
            .args(format)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = run(&["--format", "json", "--show-secrets"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().unwrap().iter().filter(|it| it["secret"] == secret);
    let places = findings.map(|it| it["location"]["path"].as_str().unwrap().to_owned()).collect();
    (places, output.status.code().unwrap(), report["summary"].to_string())
}

/// A repository with one clean commit, called `base`.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    fs::write(folder.path().join("a.py"), "x = 1\n").unwrap();
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-q", "-m", "start"]);
    git(folder.path(), &["branch", "base"]);
    folder
}

/// Makes `main` a commit with this header, in which `{t}`, `{p}` and `{s}` stand for tree, parent and secret.
fn commit_with(folder: &Path, header: &str, secret: &str) {
    let (tree, parent) = (git(folder, &["rev-parse", "base^{tree}"]), git(folder, &["rev-parse", "base"]));
    let text = header.replace("{t}", &tree).replace("{p}", &parent).replace("{s}", secret);
    let commit =
        git_with(folder, text.as_bytes(), &["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], &[]);
    git(folder, &["update-ref", "refs/heads/main", &commit]);
    git(folder, &["reset", "-q", "--hard"]);
}

#[test]
fn headers_of_commits_are_read() {
    const A: &str = "author A <a@b.c> 1700000000 +0000";
    const C: &str = "committer C <c@d.e> 1700000000 +0000";
    let headers = [
        "tree {t}\nparent {p}\nauthor {s} <a@b.c> 1700000000 +0000\n{C}\n\nhi\n",
        "tree {t}\nparent {p}\nauthor A <{s}@b.c> 1700000000 +0000\n{C}\n\nhi\n",
        "tree {t}\nparent {p}\n{A}\ncommitter {s} <c@d.e> 1700000000 +0000\n\nhi\n",
        "tree {t}\nparent {p}\n{A}\n{C}\nx-token {s}\n\nhi\n",
        "tree {t}\nparent {p}\n{A}\n{C}\nencoding {s}\n\nhi\n",
        "tree {t}\nparent {p}\n{A}\n{C}\nparent {s}\n\nhi\n",
        "tree {t}\nparent {p}\n{A}\n{C}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n {s}\n -----END PGP SIGNATURE-----\n\nhi\n",
        "tree {t}\nparent {p}\n{A}\n{C}\nmergetag object {p}\n type commit\n tag v1\n tagger {s} <a@b.c> 1 +0000\n \n m\n\nhi\n",
        "tree {t}\nparent {p}\n{A}\n{C}\nx-last {s}\n",
        "tree {t}\nparent {p}\n{A}\n{C}\n\nhi {s}\n",
    ];
    for (at, header) in headers.into_iter().enumerate() {
        let (folder, secret) = (repository(), token(at as u64));
        commit_with(folder.path(), &header.replace("{A}", A).replace("{C}", C), &secret);
        for command in [&["history"][..], &["range", "base..main"]] {
            let (places, code, all) = keysieve(folder.path(), "", command, &secret);
            let place = if header.contains("hi {s}") { "(commit message)" } else { "(commit header)" };
            assert_eq!((&places[..], code), (&[place.to_owned()][..], 1), "{command:?} {header}: {all}");
        }
    }
    let folder = repository();
    commit_with(folder.path(), &headers[8].replace("{A}", A).replace("{C}", C), "none");
    assert_eq!(keysieve(folder.path(), "", &["range", "base..main"], "").1, 0);
    assert_eq!(keysieve(folder.path(), "", &["history"], "").1, 0);
}

#[test]
fn names_of_files_are_read() {
    let table = [("{s}.py", "(file name)"), ("d/{s}/e.py", "d/(file name)"), ("d/e/x-{s}", "d/e/(file name)")];
    for (at, (path, place)) in table.into_iter().enumerate() {
        let (folder, secret) = (repository(), token(100 + at as u64));
        let file = folder.path().join(path.replace("{s}", &secret));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "x = 1\n").unwrap();
        git(folder.path(), &["add", "."]);
        let expected = (vec![place.to_owned()], 1);
        let check = |command: &[&str]| {
            let (places, code, all) = keysieve(folder.path(), "", command, &secret);
            assert_eq!((places, code), expected, "{command:?} {path}: {all}");
        };
        check(&["staged"]);
        check(&["scan"]);
        git(folder.path(), &["commit", "-q", "-m", "add"]);
        let added = git(folder.path(), &["rev-parse", "HEAD"]);
        check(&["range", "base..main"]);
        check(&["history"]);
        // What is only moved out of sight by a change of its content is no new name.
        git(folder.path(), &["branch", "-f", "base"]);
        fs::write(&file, "x = 2\n").unwrap();
        git(folder.path(), &["commit", "-q", "-a", "-m", "change"]);
        assert_eq!(keysieve(folder.path(), "", &["range", "base..main"], &secret).1, 0);
        check(&["history"]);
        git(folder.path(), &["repack", "-q", "-a", "-d", "-f"]);
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
            .args(["history", "--format", "json"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let finding = &report["findings"][0];
        assert_eq!(finding["provenance"]["introduced"]["id"], added.as_str(), "{path}: {finding}");
        assert_eq!(
            finding["provenance"]["refs"],
            serde_json::json!(["HEAD", "refs/heads/base", "refs/heads/main"]),
            "{path}"
        );
    }
}

#[cfg(unix)]
#[test]
fn what_links_point_to_is_read() {
    let (folder, secret) = (repository(), token(200));
    std::os::unix::fs::symlink(format!("/tmp/{secret}"), folder.path().join("link")).unwrap();
    git(folder.path(), &["add", "."]);
    let check = |command: &[&str], place: &str| {
        let (places, code, all) = keysieve(folder.path(), "", command, &secret);
        assert_eq!((places, code), (vec![place.to_owned()], 1), "{command:?}: {all}");
    };
    check(&["staged"], "link");
    check(&["scan"], "link");
    git(folder.path(), &["commit", "-q", "-m", "add"]);
    check(&["range", "base..main"], "link");
    check(&["history"], "link");
}

#[test]
fn names_of_refs_and_texts_of_tags_are_read() {
    let (folder, secret) = (repository(), token(300));
    git(folder.path(), &["branch", &format!("x-{secret}")]);
    let (places, code, all) = keysieve(folder.path(), "", &["history"], &secret);
    assert_eq!((places, code), (vec!["(ref name)".to_owned()], 1), "{all}");

    let (folder, none) = (repository(), "0".repeat(40));
    let root = folder.path();
    let (blob, tree) = (git(root, &["rev-parse", "base:a.py"]), git(root, &["rev-parse", "base^{tree}"]));
    for (at, target) in ["base", "main", &blob, &tree].into_iter().enumerate() {
        let (secret, name) = (token(301 + at as u64), format!("t{at}"));
        git(root, &["tag", "-a", "-m", &format!("release {secret}"), &name, target]);
        git(root, &["tag", "-a", "-m", "of a tag", &format!("over-{name}"), &name]);
        for pushed in [name.clone(), format!("over-{name}")] {
            let line = format!("refs/tags/x {} refs/tags/x {none}\n", git(root, &["rev-parse", &pushed]));
            let (places, code, all) = keysieve(root, &line, &["range", "--pre-push"], &secret);
            assert_eq!((places, code), (vec!["(commit message)".to_owned()], 1), "{pushed} of {target}: {all}");
        }
        let (_, code, all) = keysieve(root, "", &["history"], &secret);
        assert_eq!(code, 1, "{all}");
    }
}

#[test]
fn names_are_read_that_have_no_content() {
    let (empty, none) = ("4b825dc642cb6eb9a060e54bf8d69288fbee4904", "0".repeat(40));
    for (at, entry) in ["160000 commit 1111111111111111111111111111111111111111", "040000 tree {e}"].iter().enumerate()
    {
        let (folder, secret) = (repository(), token(500 + at as u64));
        let root = folder.path();
        git_with(root, b"", &["hash-object", "-t", "tree", "-w", "--stdin"], &[]);
        let line = format!("{}\t{secret}\n", entry.replace("{e}", empty));
        let tree = git_with(root, line.as_bytes(), &["mktree", "--missing"], &[]);
        let commit = git(root, &["commit-tree", "-m", "hi", "-p", "base", &tree]);
        git(root, &["update-ref", "refs/heads/main", &commit]);
        for command in [&["range", "base..main"][..], &["history"]] {
            let (places, _, all) = keysieve(root, "", command, &secret);
            assert_eq!(places, ["(file name)"], "{command:?} {entry}: {all}");
        }
    }
    // A branch or a tag that is new at the remote publishes its name, whatever it leads to.
    let (folder, secret) = (repository(), token(510));
    let head = git(folder.path(), &["rev-parse", "HEAD"]);
    git(folder.path(), &["update-ref", "refs/remotes/origin/main", &head]);
    let push = |remote: &str| {
        let line =
            format!("refs/heads/a {head} refs/heads/x-{secret} {remote}\nrefs/heads/a {head} refs/heads/b {none}\n");
        keysieve(folder.path(), &line, &["range", "--pre-push"], &secret)
    };
    assert_eq!((push(&none).0, push(&none).1), (vec!["(ref name)".to_owned()], 1));
    assert_eq!(push(&head).1, 0, "it is there already");
}

#[test]
fn trees_and_blobs_are_read_that_are_pushed_by_themselves() {
    let (folder, secret, none) = (repository(), token(400), "0".repeat(40));
    let root = folder.path();
    let blob = git_with(root, format!("t = {secret}\n").as_bytes(), &["hash-object", "-w", "--stdin"], &[]);
    let tree = git_with(root, format!("100644 blob {blob}\tb.py\n").as_bytes(), &["mktree"], &[]);
    for (oid, place) in [(&blob, "(no path)"), (&tree, "b.py")] {
        let line = format!("refs/tags/x {oid} refs/tags/x {none}\n");
        let (places, code, all) = keysieve(root, &line, &["range", "--pre-push"], &secret);
        assert_eq!((places, code), (vec![place.to_owned()], 1), "{all}");
    }
    // Notes are commits whose trees are named after what they are about.
    git(root, &["notes", "add", "-m", &format!("seen {secret}"), "base"]);
    let line = format!("refs/notes/x {} refs/notes/x {none}\n", git(root, &["rev-parse", "refs/notes/commits"]));
    assert_eq!(keysieve(root, &line, &["range", "--pre-push"], &secret).1, 1);
}
