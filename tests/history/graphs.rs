//! What is beside the plain graph of commits: grafts, replacements, work trees, notes, stashes, submodules, and
//! repositories that are partial or another user's.

use std::fs;
use std::path::Path;
use std::process::Command;

use keysieve::detect::Detector;
use keysieve::source::Progress;
use keysieve::source::history::{Options, Repository, Trust, scan};

use crate::support::{commit, find, git, history, leak, new_repository};

#[test]
fn grafts_and_replacements_change_who_brought_a_secret_in() {
    let folder = new_repository();
    let root = folder.path();
    let old = commit(root, &[("a.py", &leak(1))], "the old history");
    git(root, &["checkout", "-q", "--orphan", "new"]);
    let import = commit(root, &[("a.py", &format!("{}{}", leak(1), leak(2)))], "import");
    git(root, &["branch", "-q", "-D", "main"]);
    let introduced = || {
        let (findings, ..) = history(root, &[]);
        [1, 2].map(|number| find(&findings, number)["introduced"]["id"].as_str().unwrap().to_owned())
    };
    assert_eq!(introduced(), [import.clone(), import.clone()], "the old history is unreachable");
    fs::create_dir_all(root.join(".git/info")).unwrap();
    fs::write(root.join(".git/info/grafts"), format!("{import} {old}\n")).unwrap();
    assert_eq!(introduced(), [old.clone(), import.clone()], "a graft");
    fs::remove_file(root.join(".git/info/grafts")).unwrap();
    git(root, &["replace", "--graft", &import, &old]);
    assert_eq!(introduced(), [old, import], "a replacement");
}

#[test]
fn stashes_notes_and_linked_work_trees_are_read() {
    let folder = new_repository();
    let root = folder.path();
    commit(root, &[("a.py", "x = 1\n")], "start");
    fs::write(root.join("a.py"), leak(1)).unwrap();
    git(root, &["stash", "-q"]);
    git(root, &["notes", "add", "-m", &leak(2)]);
    let other = tempfile::tempdir().unwrap();
    git(root, &["worktree", "add", "-q", "--detach", other.path().join("w").to_str().unwrap()]);
    commit(&other.path().join("w"), &[("w.py", &leak(3))], "in the work tree");
    for place in [root, &other.path().join("w")] {
        let (findings, summary, _) = history(place, &[]);
        assert_eq!(summary["complete"], true);
        assert_eq!(find(&findings, 1)["live_in"], serde_json::json!(["refs/stash"]));
        assert_eq!(find(&findings, 2)["live_in"], serde_json::json!(["refs/notes/commits"]));
        assert_eq!(find(&findings, 3)["reachable"], true, "{place:?}");
        assert!(find(&findings, 3)["live_in"].to_string().contains("HEAD"), "{place:?}");
    }
}

#[test]
fn submodules_are_read_with_their_names() {
    let library = new_repository();
    commit(library.path(), &[("lib.py", &leak(1))], "library");
    let folder = new_repository();
    git(folder.path(), &["submodule", "add", "-q", library.path().to_str().unwrap(), "vendor/lib"]);
    commit(folder.path(), &[("app.py", &leak(2))], "app");
    let (findings, ..) = history(folder.path(), &[]);
    assert_eq!(find(&findings, 1)["location"]["path"], "vendor/lib/lib.py");
    assert_eq!(find(&findings, 2)["location"]["path"], "app.py");
}

#[test]
fn partial_clones_are_not_complete() {
    let origin = new_repository();
    commit(origin.path(), &[("a.py", &leak(1)), ("d/b.py", "x = 1\n")], "one");
    commit(origin.path(), &[("a.py", "gone\n")], "two");
    git(origin.path(), &["config", "uploadpack.allowFilter", "true"]);
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", origin.path().display());
    git(clone.path(), &["clone", "-q", "--bare", "--filter=blob:none", &url, "."]);
    let (_, summary, code) = history(clone.path(), &[]);
    assert_eq!((code, &summary["complete"]), (3, &false.into()));
    let reason = summary["incomplete"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "3 objects are missing (a partial clone); `git fetch --refetch` brings them");
}

#[test]
fn an_interrupted_scan_says_so() {
    let folder = new_repository();
    commit(folder.path(), &[("a.py", &leak(1))], "one");
    let repository = Repository::discover(folder.path(), Trust::default()).unwrap();
    let progress = Progress::default();
    progress.stop(keysieve::source::Stop::Interrupted);
    let found = scan(&repository, &Options::default(), &Detector::builtin(), &progress).unwrap();
    assert!(found.gaps.iter().any(|gap| gap.reason == "the scan was interrupted"), "{:?}", found.gaps);
}

/// Only root can give a repository to somebody else; elsewhere there is nothing to look at.
#[cfg(unix)]
#[test]
fn another_users_repository_is_read_only_on_demand() {
    use std::os::unix::fs::{MetadataExt, chown};

    let folder = new_repository();
    commit(folder.path(), &[("a.py", &leak(1))], "one");
    fn give(path: &Path) -> std::io::Result<()> {
        chown(path, Some(12_345), None)
    }
    if fs::metadata(folder.path()).unwrap().uid() != 0 || give(&folder.path().join(".git")).is_err() {
        return;
    }
    give(folder.path()).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keysieve"));
        command.arg("history").args(arguments).current_dir(folder.path()).env("HOME", folder.path()).output().unwrap()
    };
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--trust-owner"));
    assert_eq!(run(&["--trust-owner"]).status.code(), Some(1));
}
