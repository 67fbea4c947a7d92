//! What is beside the plain graph of commits: grafts, replacements, work trees, notes, stashes, submodules, and
//! repositories that are partial or another user's.

use std::fs;
use std::path::Path;
use std::process::Command;

use keysieve::scan::Progress;
use keysieve::source::history::{Options, scan};
use keysieve_engine::Detector;
use keysieve_git::{Repository, Trust};

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
        [1, 2].map(|number| find(&findings, number)["provenance"]["introduced"]["id"].as_str().unwrap().to_owned())
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
        assert_eq!(find(&findings, 1)["provenance"]["refs"], serde_json::json!(["refs/stash"]));
        assert_eq!(find(&findings, 2)["provenance"]["refs"], serde_json::json!(["refs/notes/commits"]));
        assert_eq!(find(&findings, 3)["provenance"]["reachable"], true, "{place:?}");
        assert!(find(&findings, 3)["provenance"]["refs"].to_string().contains("HEAD"), "{place:?}");
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
    assert!(reason.starts_with("3 objects are missing, ") && reason.contains("(a partial clone)"), "{reason}");
}

/// Nothing may be called complete that refs lead to and the repository does not have, whatever kind of object it is.
#[test]
fn what_refs_lead_to_and_is_missing_is_said() {
    let clone_without_trees = |origin: &Path, clone: &Path| {
        git(origin, &["config", "uploadpack.allowFilter", "true"]);
        git(clone, &["clone", "-q", "--bare", "--filter=tree:0", &format!("file://{}", origin.display()), "."]);
    };
    fn remove(object: &'static str) -> impl Fn(&Path, &Path) {
        move |origin: &Path, clone: &Path| {
            git(clone, &["clone", "-q", "--mirror", &format!("file://{}", origin.display()), "."]);
            let unpack = "mv objects/pack packs; for pack in packs/*.pack; do git unpack-objects -q < $pack; done";
            assert!(Command::new("sh").args(["-c", unpack]).current_dir(clone).status().unwrap().success());
            let oid = git(clone, &["rev-parse", object]);
            fs::remove_file(clone.join("objects").join(&oid[..2]).join(&oid[2..])).unwrap();
        }
    }
    type Break = Box<dyn Fn(&Path, &Path)>;
    let table: [(&str, i32, Break); 8] = [
        ("--filter=tree:0", 3, Box::new(clone_without_trees)),
        ("a blob of an old version", 3, Box::new(remove("main~1:d/b.py"))),
        ("a folder of an old version", 3, Box::new(remove("main~1:d"))),
        ("a root tree", 3, Box::new(remove("main~2^{tree}"))),
        ("a commit", 3, Box::new(remove("main~2"))),
        ("an annotated tag", 3, Box::new(remove("v1"))),
        ("what a tag of a blob points to", 3, Box::new(remove("file^{}"))),
        (
            "what no ref leads to",
            0,
            Box::new(|origin, clone| {
                remove("main~3^{tree}")(origin, clone);
                let tree = git(clone, &["rev-parse", "main^{tree}"]);
                let root = git(clone, &["commit-tree", "-m", "new", &tree]);
                for name in git(clone, &["for-each-ref", "--format=%(refname)"]).lines() {
                    git(clone, &["update-ref", "-d", name]);
                }
                git(clone, &["update-ref", "refs/heads/main", &root]);
            }),
        ),
    ];
    for (name, code, break_it) in table {
        let (origin, clone) = (new_repository(), tempfile::tempdir().unwrap());
        for round in 0..4 {
            commit(origin.path(), &[("a.py", "x = 1\n"), ("d/b.py", &format!("y = {round}\n"))], "round");
        }
        git(origin.path(), &["tag", "-a", "-m", "one", "v1"]);
        fs::write(origin.path().join("alone"), "alone").unwrap();
        let blob = git(origin.path(), &["hash-object", "-w", "alone"]);
        git(origin.path(), &["tag", "-a", "-m", "a file", "file", &blob]);
        assert_eq!(history(origin.path(), &[]).2, 0, "{name}");
        break_it(origin.path(), clone.path());
        let (_, summary, found) = history(clone.path(), &[]);
        assert_eq!(found, code, "{name}: {}", summary["incomplete"]);
    }
}

#[test]
fn an_annotated_tag_says_since_when() {
    let folder = new_repository();
    let root = folder.path();
    commit(root, &[("a.py", &leak(1))], "one");
    git(root, &["tag", "-a", "-m", "one", "v1"]);
    git(root, &["branch", "both"]);
    commit(root, &[("a.py", &leak(2))], "two");
    git(root, &["tag", "both"]);
    for since in ["v1", "v1^{}", "v1~0", "main~1", "HEAD@{1}", &git(root, &["rev-parse", "--short", "v1^0"])] {
        let (findings, summary, code) = history(root, &["--since", since]);
        assert_eq!((findings.len(), code), (1, 1), "{since}: {summary}");
        find(&findings, 2);
    }
    // Of a tag and a branch of one name git takes the tag, and warns.
    let (findings, summary, code) = history(root, &["--since", "both"]);
    assert_eq!((findings.len(), code), (0, 3), "{summary}");
    assert!(summary["incomplete"][0]["reason"].as_str().unwrap().contains("refs/heads/both"), "{summary}");
}

#[test]
fn an_interrupted_scan_says_so() {
    let folder = new_repository();
    commit(folder.path(), &[("a.py", &leak(1))], "one");
    let repository = Repository::discover(folder.path(), Trust::default()).unwrap();
    let progress = Progress::default();
    progress.stop(keysieve::scan::Stop::Interrupted);
    let found = scan(&repository, &Options::default(), &Detector::builtin(), &progress).unwrap();
    assert!(
        found.found.summary.gaps.iter().any(|gap| gap.reason == "the scan was interrupted"),
        "{:?}",
        found.found.summary.gaps
    );
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
