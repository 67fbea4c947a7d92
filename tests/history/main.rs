//! What `keysieve history` says of repositories that real git wrote.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::process::Command;

use serde_json::Value;

mod deltas;
mod graphs;
mod oracle;
mod packs;
mod support;

use support::{commit, find, git, history, leak, new_repository};

#[test]
fn the_life_of_a_secret_is_told() {
    let folder = new_repository();
    let root = folder.path();
    commit(root, &[("a.py", "x = 1\n")], "start");
    let added = commit(root, &[("a.py", &format!("x = 1\n{}", leak(1))), ("b.py", &leak(2))], "add two");
    commit(root, &[("a.py", &format!("y = 2\nx = 1\n{}", leak(1)))], "move a line");
    git(root, &["mv", "b.py", "c.py"]);
    commit(root, &[], "rename");
    let removed = commit(root, &[("a.py", "y = 2\n")], "take one out");
    git(root, &["tag", "-a", "v1", "-m", "release"]);
    let (findings, summary, code) = history(root, &[]);
    assert_eq!((findings.len(), code), (2, 1), "{findings:#?}");
    let gone = find(&findings, 1);
    assert_eq!(gone["provenance"]["introduced"]["id"], added.as_str());
    assert_eq!(gone["provenance"]["introduced"]["author"], "Ann <ann@acme.io>");
    assert_eq!(gone["provenance"]["introduced"]["subject"], "add two");
    assert_eq!(gone["provenance"]["removed"]["id"], removed.as_str());
    assert_eq!((&gone["provenance"]["versions"], &gone["provenance"]["refs"]), (&2.into(), &Value::Array(vec![])));
    assert_eq!((&gone["location"]["path"], &gone["location"]["line"]), (&"a.py".into(), &2.into()));
    let live = find(&findings, 2);
    assert_eq!(live["provenance"]["paths"], serde_json::json!(["b.py", "c.py"]));
    assert_eq!(live["provenance"]["refs"], serde_json::json!(["HEAD", "refs/heads/main", "refs/tags/v1"]));
    assert_eq!((&live["provenance"]["versions"], &live["provenance"]["removed"]), (&1.into(), &Value::Null));
    assert_eq!((&summary["commits"], &summary["complete"]), (&5.into(), &true.into()));
}

#[test]
fn merges_bring_nothing_in_and_take_nothing_out() {
    let folder = new_repository();
    let root = folder.path();
    commit(root, &[("a.py", "x = 1\n")], "start");
    git(root, &["checkout", "-q", "-b", "side"]);
    let added = commit(root, &[("s.py", &leak(1))], "on the side");
    git(root, &["checkout", "-q", "main"]);
    commit(root, &[("m.py", "z = 1\n")], "on main");
    git(root, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let removed = {
        fs::remove_file(root.join("s.py")).unwrap();
        commit(root, &[], "remove on main")
    };
    let (findings, ..) = history(root, &[]);
    assert_eq!(find(&findings, 1)["provenance"]["introduced"]["id"], added.as_str());
    assert_eq!(find(&findings, 1)["provenance"]["refs"], serde_json::json!(["refs/heads/side"]));
    git(root, &["merge", "-q", "-s", "ours", "-m", "merge again", "side"]);
    git(root, &["branch", "-q", "-D", "side"]);
    let (findings, ..) = history(root, &[]);
    assert_eq!(find(&findings, 1)["provenance"]["removed"]["id"], removed.as_str());
}

#[test]
fn unreachable_objects_and_messages_are_found_and_said_to_be() {
    let folder = new_repository();
    let root = folder.path();
    commit(root, &[("a.py", "x = 1\n")], "start");
    commit(root, &[("a.py", &leak(1))], "to be dropped");
    git(root, &["reset", "-q", "--hard", "HEAD~"]);
    commit(root, &[], &format!("deploy\n\n{}", leak(2)));
    let blob = root.join("blob");
    fs::write(&blob, leak(3)).unwrap();
    git(root, &["hash-object", "-w", "blob"]);
    fs::remove_file(blob).unwrap();
    let (findings, ..) = history(root, &[]);
    assert_eq!(findings.len(), 3, "{findings:#?}");
    assert_eq!(find(&findings, 1)["provenance"]["reachable"], false);
    assert_eq!(
        (&find(&findings, 2)["location"]["path"], &find(&findings, 2)["provenance"]["reachable"]),
        (&"(commit message)".into(), &true.into())
    );
    assert_eq!(find(&findings, 3)["location"]["path"], "(no path)");
    let (findings, ..) = history(root, &["--exclude-unreachable"]);
    assert_eq!(findings.len(), 1, "{findings:#?}");
}

#[test]
fn parts_of_a_history_can_be_asked_for() {
    let folder = new_repository();
    let root = folder.path();
    let first = commit(root, &[("a/a.py", &leak(1))], "one");
    commit(root, &[("b/b.py", &leak(2))], "two");
    git(root, &["checkout", "-q", "-b", "side"]);
    commit(root, &[("b/b.py", &leak(3))], "three");
    let numbers = |arguments: &[&str]| {
        let (findings, ..) = history(root, arguments);
        let mut found: Vec<_> =
            findings.iter().map(|it| it["secret"].as_str().unwrap().rsplit('-').next().unwrap().to_owned()).collect();
        found.sort();
        found.join("")
    };
    assert_eq!(numbers(&[]), "123");
    assert_eq!(numbers(&["--branch", "main"]), "12");
    assert_eq!(numbers(&["--since", &first]), "23");
    assert_eq!(numbers(&["--since", "2000-01-01"]), "123");
    assert_eq!(numbers(&["--since", "2100-01-01"]), "");
    assert_eq!(numbers(&["--max-commits", "1"]), "3");
    assert_eq!(numbers(&["--path", "a/**"]), "1");
    let wrong =
        Command::new(env!("CARGO_BIN_EXE_keysieve")).args(["history", "--branch", "mian"]).current_dir(root).output();
    assert_eq!(wrong.unwrap().status.code(), Some(2));
}

#[test]
fn shallow_clones_are_not_complete() {
    let folder = new_repository();
    let root = folder.path();
    commit(root, &[("a.py", &leak(1))], "one");
    commit(root, &[("a.py", "x = 1\n")], "two");
    let clone = tempfile::tempdir().unwrap();
    git(clone.path(), &["clone", "-q", "--depth", "1", &format!("file://{}", root.display()), "."]);
    let (findings, summary, code) = history(clone.path(), &[]);
    assert_eq!((findings.len(), code, &summary["complete"]), (0, 3, &false.into()));
    assert!(summary["incomplete"][0]["reason"].as_str().unwrap().contains("git fetch --unshallow"), "{summary}");
    assert_eq!(history(clone.path(), &["--allow-incomplete"]).2, 0);
}

#[test]
fn every_way_of_storing_objects_gives_the_same() {
    let folder = new_repository();
    let root = folder.path();
    let mut text: Vec<String> = (0..400).map(|line| format!("line {line} of some length to be copied\n")).collect();
    for round in 0..24 {
        let at = (round * 67) % text.len();
        text[at] = if round % 3 == 0 { leak(round as u32) } else { format!("changed {round}\n") };
        commit(root, &[("a.py", &text.concat()), (&format!("d/f{round}.py"), "x\n")], "round");
    }
    let plain = |arguments: &[&str]| {
        let (findings, summary, _) = history(root, arguments);
        assert_eq!(summary["complete"], true, "{summary}");
        findings
    };
    let loose = plain(&[]);
    assert_eq!(loose.len(), 8);
    for repack in [
        &["repack", "-adfq", "--depth=1"][..],
        &["repack", "-adfq", "--depth=50", "--window=20"],
        &["repack", "-adfq", "--depth=250", "--threads=1"],
        &["-c", "pack.indexVersion=1", "repack", "-adfq"],
        &["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"],
        &["multi-pack-index", "write"],
    ] {
        git(root, repack);
        assert_eq!(plain(&[]), loose, "{repack:?}");
        assert_eq!(plain(&["--no-delta"]), loose, "{repack:?}");
        assert_eq!(plain(&["-j", "1"]), loose, "{repack:?}");
    }
    let bare = tempfile::tempdir().unwrap();
    git(bare.path(), &["clone", "-q", "--bare", "--shared", root.to_str().unwrap(), "."]);
    let (alternates, ..) = history(bare.path(), &["--trust-links"]);
    assert_eq!(alternates.len(), loose.len(), "a clone that borrows its objects");
    let (none, summary, code) = history(bare.path(), &[]);
    assert_eq!((none.len(), code), (0, 3), "nothing outside is read unasked");
    assert!(summary["incomplete"].to_string().contains("--trust-links"), "{summary}");
}

#[test]
fn containers_are_unpacked_in_every_version() {
    let folder = new_repository();
    let root = folder.path();
    let pack = |number: u32, padding: usize| {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, text) in [("pad.txt", "x\n".repeat(padding)), ("conf/a.py", leak(number))] {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            builder.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    };
    fs::write(root.join("b.tar"), pack(1, 900)).unwrap();
    let added = commit(root, &[], "one");
    fs::write(root.join("b.tar"), pack(2, 900)).unwrap();
    let second = commit(root, &[], "two");
    for repack in [false, true] {
        if repack {
            git(root, &["repack", "-adfq", "--depth=50"]);
        }
        let (findings, summary, _) = history(root, &[]);
        assert_eq!(summary["complete"], true, "{summary}");
        let (first, other) = (find(&findings, 1), find(&findings, 2));
        assert_eq!(first["location"]["path"], "b.tar!/conf/a.py");
        assert_eq!(
            (&first["provenance"]["introduced"]["id"], &first["provenance"]["removed"]["id"]),
            (&added.as_str().into(), &second.as_str().into())
        );
        assert_eq!(other["provenance"]["refs"], serde_json::json!(["HEAD", "refs/heads/main"]));
        assert_eq!(findings.len(), 2);
        assert_eq!(history(root, &["--no-delta"]).0, findings);
    }
}

#[test]
fn sha256_repositories_are_read() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--object-format=sha256"]);
    commit(folder.path(), &[("d/a.py", &leak(1))], "one");
    git(folder.path(), &["repack", "-adq"]);
    let (findings, ..) = history(folder.path(), &[]);
    assert_eq!(find(&findings, 1)["provenance"]["introduced"]["id"].as_str().unwrap().len(), 64);
}

#[test]
fn a_damaged_pack_is_said_and_never_a_crash() {
    let folder = new_repository();
    let root = folder.path();
    for round in 0..3 {
        commit(root, &[("a.py", &format!("{}{}", "some text\n".repeat(20), leak(round)))], "round");
    }
    git(root, &["repack", "-adq"]);
    let pack = fs::read_dir(root.join(".git/objects/pack")).unwrap().flatten().map(|entry| entry.path());
    let pack = pack.into_iter().find(|path| path.extension().is_some_and(|it| it == "pack")).unwrap();
    let whole = fs::read(&pack).unwrap();
    let write = |bytes: &[u8]| {
        fs::remove_file(&pack).unwrap();
        fs::write(&pack, bytes).unwrap();
    };
    for length in 0..whole.len() {
        write(&whole[..length]);
        let (_, summary, code) = history(root, &[]);
        assert_eq!((code, &summary["complete"]), (3, &false.into()), "cut at {length}");
    }
    for at in (12..whole.len() - 20).step_by(5) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        write(&bytes);
        let (_, summary, _) = history(root, &[]);
        assert_eq!(summary["complete"], false, "byte {at} turned over");
    }
}

#[test]
fn what_is_no_repository_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_keysieve")).arg("history").current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is no git repository"));
}
