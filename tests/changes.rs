//! The index and ranges of commits, in repositories that the real git makes: what is new is found, what only moved is not,
//! and nothing passes because nothing was looked at.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";
const OTHER: &str = "password = \"V3lvet-Orchard-17\"\n";

struct Repository {
    folder: TempDir,
}

struct Report {
    /// Path and line of each finding.
    places: Vec<(String, u64)>,
    findings: Vec<Value>,
    summary: Value,
    code: i32,
}

impl Report {
    fn paths(&self) -> Vec<&str> {
        self.places.iter().map(|(path, _)| path.as_str()).collect()
    }

    fn notes(&self) -> String {
        self.summary["notes"].to_string()
    }

    fn gaps(&self) -> String {
        self.summary["incomplete"].to_string()
    }
}

impl Repository {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Self { folder };
        repository.git(&[&["init", "-q", "-b", "main"], options].concat());
        repository
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let (text, ok) = self.try_git(arguments);
        assert!(ok, "git {arguments:?}: {text}");
        text
    }

    fn try_git(&self, arguments: &[&str]) -> (String, bool) {
        let output = Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@corp.io", "-c", "protocol.file.allow=always"])
            .args(["-c", "commit.gpgsign=false", "-c", "advice.updateSparsePath=false"])
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
        (text, output.status.success())
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes, stages and commits a file, and says which commit that is.
    fn commit(&self, path: &str, text: &str) -> String {
        self.write(path, text);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", &format!("change {path}")]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn staged(&self) -> Report {
        keysieve(self.path(), &["staged"], "")
    }

    fn range(&self, range: &str) -> Report {
        keysieve(self.path(), &["range", range], "")
    }
}

fn keysieve(folder: &Path, arguments: &[&str], input: &str) -> Report {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(arguments)
        .args(["--format", "jsonl", "--no-progress"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut findings: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = findings.pop().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let place =
        |it: &Value| (it["location"]["path"].as_str().unwrap().to_owned(), it["location"]["line"].as_u64().unwrap());
    Report { places: findings.iter().map(place).collect(), findings, summary, code: output.status.code().unwrap() }
}

fn key(lines: usize) -> String {
    let mut key = String::from("-----BEGIN EC PRIVATE KEY-----\n");
    let body = "MHcCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVJZ5kQ5oOyZ0q5DdoAoGCCqGSM49\nAwEHoUQDQgAE6d1Q6QjR5wq7Zr2bC0n3pWJg3yQZ9S1X4Qv8mQqH3mVn1rT0Lk2u\nC9d7w5x8y4z6Pq2sR1tU3vW5xY7zA9bC1d==\n";
    key.extend(body.lines().take(lines).map(|line| format!("{line}\n")));
    key
}

#[test]
fn the_first_commit_and_a_partly_staged_file() {
    let repository = Repository::new();
    let report = repository.staged();
    assert_eq!((report.code, report.paths()), (0, vec![]), "an empty index is clean and says so");
    assert!(report.notes().contains("nothing is staged"));
    repository.write("a.py", LEAK);
    assert_eq!(repository.staged().code, 0, "what is not staged is not about to be committed");
    repository.git(&["add", "a.py"]);
    repository.write("a.py", &format!("{OTHER}{LEAK}"));
    assert_eq!(repository.staged().places, [("a.py".to_owned(), 1)], "the index counts, not the file");
    repository.git(&["commit", "-q", "-m", "x"]);
    assert_eq!((repository.staged().code, repository.staged().paths()), (0, vec![]));
    repository.git(&["add", "a.py"]);
    let report = repository.staged();
    assert_eq!(report.places, [("a.py".to_owned(), 1)], "of two secrets the new one");
    assert_eq!((report.code, &report.summary["files"]), (1, &Value::from(1)));
}

#[test]
fn what_moves_is_not_new_and_what_is_copied_is() {
    let repository = Repository::new();
    repository.commit("old.py", &format!("x = 1\n{LEAK}y = 2\n"));
    repository.git(&["mv", "old.py", "new.py"]);
    assert_eq!(repository.staged().paths(), Vec::<&str>::new(), "a rename");
    repository.write("new.py", &format!("{LEAK}x = 1\ny = 2\n"));
    repository.git(&["add", "-A"]);
    assert_eq!(repository.staged().paths(), Vec::<&str>::new(), "a moved line of a renamed file");
    fs::set_permissions(repository.path().join("new.py"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    repository.git(&["add", "-A"]);
    assert_eq!(repository.staged().paths(), Vec::<&str>::new(), "a change of mode");
    repository.write("copy.py", LEAK);
    repository.git(&["add", "-A"]);
    assert_eq!(repository.staged().paths(), ["copy.py"]);
    repository.git(&["rm", "-q", "-f", "copy.py", "new.py"]);
    assert_eq!(repository.staged().code, 0, "deleting brings nothing");
}

#[test]
fn a_key_whose_last_line_is_new_is_new() {
    let repository = Repository::new();
    repository.commit("key.pem", &key(3));
    repository.write("key.pem", &format!("{}-----END EC PRIVATE KEY-----\n", key(3)));
    repository.git(&["add", "-A"]);
    let report = keysieve(repository.path(), &["staged", "--min-confidence", "low"], "");
    assert_eq!(report.paths(), ["key.pem"]);
}

#[test]
fn every_form_of_index_is_read() {
    for (name, commands) in [
        ("split", vec![vec!["update-index", "--split-index"]]),
        ("version 4", vec![vec!["update-index", "--index-version", "4"]]),
        ("untracked cache", vec![vec!["update-index", "--untracked-cache"]]),
        ("sparse", vec![vec!["sparse-checkout", "set", "--cone", "--sparse-index", "kept"]]),
    ] {
        let repository = Repository::new();
        for folder in ["kept", "left/deep", "other"] {
            for number in 0..4 {
                repository.write(&format!("{folder}/{number}.py"), &format!("x = {number}\n"));
            }
        }
        repository.commit("kept/old.py", OTHER);
        for command in &commands {
            let (text, ok) = repository.try_git(command);
            // Not every file system has what an untracked cache needs.
            assert!(ok || name == "untracked cache", "{name}: {text}");
        }
        assert_eq!(repository.staged().paths(), Vec::<&str>::new(), "{name}");
        repository.write("kept/new.py", LEAK);
        repository.write("kept/1.py", "x = 7\n");
        repository.git(&["add", "kept/new.py", "kept/1.py"]);
        repository.git(&["rm", "-q", "--cached", "kept/2.py"]);
        let report = repository.staged();
        assert_eq!((report.paths(), report.gaps()), (vec!["kept/new.py"], "[]".to_owned()), "{name}");
        assert_eq!(report.summary["files"], 2, "{name}");
        repository.git(&["commit", "-q", "-m", "x"]);
        assert_eq!(repository.staged().code, 0, "{name}");
    }
}

#[test]
fn announced_files_submodules_and_crlf() {
    let repository = Repository::new();
    repository.commit("a.txt", "x\n");
    repository.write("later.py", LEAK);
    repository.git(&["add", "-N", "later.py"]);
    assert_eq!(repository.staged().code, 0, "`git add -N` stages no content");
    repository.git(&["rm", "-q", "--cached", "later.py"]);
    fs::remove_file(repository.path().join("later.py")).unwrap();
    let inner = Repository::new();
    inner.commit("secret.py", LEAK);
    repository.git(&["submodule", "add", "-q", inner.path().to_str().unwrap(), "inner"]);
    assert_eq!(repository.staged().paths(), Vec::<&str>::new(), "a submodule's content is its own repository's");
    repository.git(&["config", "core.autocrlf", "true"]);
    repository.write("w.py", &LEAK.replace('\n', "\r\n"));
    repository.git(&["add", "w.py"]);
    assert_eq!(repository.staged().places, [("w.py".to_owned(), 1)]);
}

#[test]
fn a_merge_brings_what_neither_side_has() {
    let repository = Repository::new();
    repository.commit("f.txt", "one\n");
    repository.git(&["checkout", "-q", "-b", "side"]);
    repository.commit("side.py", OTHER);
    repository.commit("f.txt", "side\n");
    repository.git(&["checkout", "-q", "main"]);
    repository.commit("f.txt", "main\n");
    assert!(!repository.try_git(&["merge", "-q", "side"]).1, "they conflict");
    repository.write("f.txt", &format!("both\n{LEAK}"));
    repository.git(&["add", "-A"]);
    assert_eq!(repository.staged().places, [("f.txt".to_owned(), 2)], "the side's own secret is committed already");
    repository.git(&["commit", "-q", "-m", "merge"]);
    assert_eq!(repository.range("side..HEAD").paths(), ["f.txt"], "it exists only in the merge");
    assert_eq!(repository.range("HEAD^1..HEAD").paths(), ["f.txt", "side.py"]);
}

#[test]
fn a_secret_added_and_removed_within_the_range_is_found() {
    let repository = Repository::new();
    let base = repository.commit("a.py", "x = 1\n");
    let leak = repository.commit("a.py", LEAK);
    let mend = repository.commit("a.py", "x = 2\n");
    let report = repository.range(&format!("{base}..HEAD"));
    assert_eq!((report.code, report.paths()), (1, vec!["a.py"]));
    assert_eq!(
        (&report.findings[0]["provenance"]["introduced"]["id"], &report.findings[0]["provenance"]["removed"]["id"]),
        (&leak.into(), &mend.into())
    );
    assert_eq!((&report.summary["commits"], &report.summary["complete"]), (&Value::from(2), &Value::Bool(true)));
    let report = repository.range("HEAD~1..HEAD");
    assert_eq!((report.code, report.paths()), (0, vec![]));
    let report = repository.range("HEAD..HEAD");
    assert_eq!(report.code, 0);
    assert!(report.notes().contains("holds no commit"));
}

#[test]
fn a_secret_that_only_moves_within_the_range_is_not_new() {
    let repository = Repository::new();
    repository.commit("a.py", LEAK);
    repository.git(&["rm", "-q", "a.py"]);
    repository.git(&["commit", "-q", "-m", "take out"]);
    repository.commit("b.py", LEAK);
    assert_eq!(repository.range("HEAD~2..HEAD").paths(), Vec::<&str>::new());
    assert_eq!(repository.range("HEAD~1..HEAD").paths(), ["b.py"], "from there on it is");
    repository.commit("c.py", OTHER);
    repository.git(&["mv", "c.py", "d.py"]);
    repository.git(&["commit", "-q", "-m", "move"]);
    let report = repository.range("HEAD~2..HEAD");
    assert_eq!(report.paths(), ["c.py"], "once, where it came in");
    assert!(report.findings[0]["provenance"].get("removed").is_none(), "it is still there");
}

#[test]
fn a_commit_message_is_content() {
    let repository = Repository::new();
    repository.commit("a.py", "x = 1\n");
    repository.git(&["commit", "-q", "--allow-empty", "-m", "set db_password = \"Tr4vel-Lantern-91\""]);
    assert_eq!(repository.range("HEAD~1..HEAD").paths(), ["(commit message)"]);
}

#[test]
fn a_branch_cannot_silence_its_own_findings() {
    let repository = Repository::new();
    repository.commit(".keysieve.toml", "[scan]\nfail_on = \"medium\"\n");
    repository.git(&["checkout", "-q", "-b", "branch"]);
    repository.commit("a.py", &LEAK.replace('\n', "  # keysieve:allow — trust me\n"));
    repository.commit("b.py", OTHER);
    assert!(
        Command::new(env!("CARGO_BIN_EXE_keysieve"))
            .args(["baseline", "create"])
            .current_dir(repository.path())
            .output()
            .unwrap()
            .status
            .success()
    );
    repository.commit(
        ".keysieve.toml",
        "[scan]\nexclude = [\"**\"]\nfail_on = \"critical\"\n[rules]\ndisable = [\"generic-password\"]\n",
    );
    repository.git(&["commit", "-q", "--allow-empty", "-m", "accept"]);
    let report = repository.range("main..HEAD");
    assert_eq!((report.code, report.paths()), (1, vec!["a.py", "b.py"]));
    for said in ["change `.keysieve.toml`", "change `.keysieve-baseline.json`", "cannot allow its own"] {
        assert!(report.notes().contains(said), "{said}: {}", report.notes());
    }
    let trusted = keysieve(repository.path(), &["range", "main..HEAD", "--trust-head"], "");
    assert_eq!((trusted.code, trusted.paths()), (0, vec![]));
}

#[test]
fn attributes_and_patterns_of_a_branch_hide_nothing() {
    let repository = Repository::new();
    repository.commit("a.py", "x = 1\n");
    repository.git(&["checkout", "-q", "-b", "branch"]);
    let attributes = "*.py binary -diff -text export-ignore linguist-generated filter=x working-tree-encoding=UTF-16\n";
    repository.write(".gitattributes", attributes);
    repository.write(".gitignore", "*.py\n");
    repository.write(".ignore", "*\n");
    repository.git(&["add", "-f", ".gitattributes", ".gitignore", ".ignore"]);
    repository.git(&["commit", "-q", "-m", "hide"]);
    repository.write("b.py", LEAK);
    // Git would turn the file's encoding around; the object is what counts.
    let id = repository.git(&["hash-object", "-w", "--no-filters", "b.py"]);
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{},b.py", id.trim())]);
    let staged = repository.staged();
    assert_eq!((staged.code, staged.paths()), (1, vec!["b.py"]));
    repository.git(&["commit", "-q", "-m", "leak"]);
    let report = repository.range("main..HEAD");
    assert_eq!((report.code, report.paths()), (1, vec!["b.py"]));
}

#[test]
fn what_a_configuration_extends_counts_as_the_base_has_it() {
    let repository = Repository::new();
    repository.commit(".keysieve.toml", "[extend]\npath = \"ci/base.toml\"\nuseDefault = true\n");
    repository.commit("ci/base.toml", "[extend]\nuseDefault = true\n[allowlist]\npaths = ['''docs/''']\n");
    repository.git(&["checkout", "-q", "-b", "branch"]);
    repository.commit("ci/base.toml", "[extend]\nuseDefault = true\n[allowlist]\npaths = ['''.*''']\n");
    repository.commit("a.py", LEAK);
    repository.commit("docs/b.py", OTHER);
    let report = repository.range("main..HEAD");
    assert_eq!((report.code, report.paths()), (1, vec!["a.py"]));
    assert!(report.notes().contains("change `ci/base.toml`"), "{}", report.notes());
}

/// Into a file that the base excludes: for one commit it stood in a file that counts, and the history keeps that.
#[test]
fn a_secret_that_moves_into_an_excluded_file_is_found() {
    let repository = Repository::new();
    repository.commit(".keysieve.toml", "[scan]\nexclude = [\"vendor/**\"]\n");
    repository.git(&["checkout", "-q", "-b", "branch"]);
    repository.commit("a.py", LEAK);
    repository.git(&["rm", "-q", "a.py"]);
    repository.commit("vendor/a.py", LEAK);
    let report = repository.range("main..HEAD");
    assert_eq!((report.code, report.paths()), (1, vec!["a.py"]), "{}", report.notes());
    // What never stood elsewhere is named, for whoever wrote the exclusion.
    repository.commit("vendor/b.py", OTHER);
    assert!(repository.range("HEAD~1..HEAD").notes().contains("vendor/b.py"));
}

#[test]
fn the_bases_configuration_baseline_and_own_path_hold() {
    let repository = Repository::new();
    repository.commit(".keysieve.toml", "[[allow]]\nrule = \"generic-password\"\npaths = [\"docs/**\"]\nreason = \"examples\"\n[scan]\nexclude = [\"vendor/**\"]\n");
    repository.commit("docs/a.py", LEAK);
    repository.commit("vendor/b.py", OTHER);
    let report = repository.range("HEAD~2..HEAD");
    assert_eq!((report.code, report.paths()), (0, vec![]));
    assert_eq!((&report.summary["allowed"]["config"], &report.summary["excluded"]), (&Value::from(1), &Value::from(1)));
    assert!(report.notes().contains("vendor/b.py"), "what is excluded is said: {}", report.notes());
}

#[test]
fn what_git_tells_a_pre_push_hook_is_understood() {
    let remote = Repository::with(&["--bare"]);
    let repository = Repository::new();
    let first = repository.commit("a.py", OTHER);
    repository.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
    repository.git(&["push", "-q", "origin", "main"]);
    let second = repository.commit("b.py", LEAK);
    let none = "0".repeat(40);
    let push = |lines: String| keysieve(repository.path(), &["range", "--pre-push"], &lines);
    let report = push(format!("refs/heads/main {second} refs/heads/main {first}\n"));
    assert_eq!((report.code, report.paths()), (1, vec!["b.py"]));
    let report = push(format!("refs/heads/new {second} refs/heads/new {none}\n"));
    assert_eq!((report.code, report.paths()), (1, vec!["b.py"]), "a new branch: what the remote does not have");
    let gone = "1".repeat(40);
    let report = push(format!("refs/heads/main {second} refs/heads/main {gone}\n"));
    assert_eq!((report.code, report.paths()), (1, vec!["b.py"]), "the remote has what was never fetched");
    let report = push(format!("(delete) {none} refs/heads/old {first}\n"));
    assert_eq!(report.code, 0);
    assert!(report.notes().contains("nothing is pushed"));
}

#[test]
fn a_shallow_clone_without_the_base_is_not_clean() {
    let repository = Repository::new();
    repository.commit("a.py", "x = 1\n");
    repository.commit("b.py", LEAK);
    repository.commit("c.py", "x = 2\n");
    let folder = tempfile::tempdir().unwrap();
    let clone = |depth: &str| -> PathBuf {
        let to = folder.path().join(depth);
        let from = format!("file://{}", repository.path().display());
        repository.git(&["clone", "-q", "--depth", depth, &from, to.to_str().unwrap()]);
        to
    };
    let base = repository.git(&["rev-parse", "HEAD~2"]);
    let report = keysieve(&clone("1"), &["range", &format!("{base}..HEAD")], "");
    assert_eq!((report.code, report.paths()), (3, vec![]));
    assert!(report.gaps().contains("fetch-depth"), "{}", report.gaps());
    // The base was fetched alone: between it and the branch there is nothing.
    let two = clone("2");
    let fetched = Command::new("git").args(["fetch", "-q", "--depth", "1", "origin", &base]).current_dir(&two).status();
    if fetched.unwrap().success() {
        let report = keysieve(&two, &["range", &format!("{base}..HEAD")], "");
        assert_eq!(report.code, 3, "{}", report.gaps());
        assert!(report.gaps().contains("ends here"), "{}", report.gaps());
    }
    let report = keysieve(&clone("3"), &["range", &format!("{base}..HEAD")], "");
    assert_eq!((report.code, report.paths()), (1, vec!["b.py"]));
}

#[test]
fn linked_work_trees_bare_repositories_and_sha256() {
    let repository = Repository::new();
    repository.commit("a.py", "x = 1\n");
    let folder = tempfile::tempdir().unwrap();
    let linked = folder.path().join("linked");
    repository.git(&["worktree", "add", "-q", "-b", "linked", linked.to_str().unwrap()]);
    fs::write(linked.join("b.py"), LEAK).unwrap();
    let git = |arguments: &[&str]| {
        assert!(
            Command::new("git")
                .args(["-c", "user.name=A", "-c", "user.email=a@b"])
                .args(arguments)
                .current_dir(&linked)
                .status()
                .unwrap()
                .success()
        );
    };
    git(&["add", "b.py"]);
    assert_eq!(keysieve(&linked, &["staged"], "").paths(), ["b.py"], "its `.git` is a file");
    assert_eq!(repository.staged().code, 0);
    git(&["commit", "-q", "-m", "x"]);
    assert_eq!(repository.range("main..linked").paths(), ["b.py"]);
    let bare = folder.path().join("bare.git");
    repository.git(&["clone", "-q", "--bare", repository.path().to_str().unwrap(), bare.to_str().unwrap()]);
    assert_eq!(keysieve(&bare, &["range", "main..linked"], "").paths(), ["b.py"]);
    let modern = Repository::with(&["--object-format=sha256"]);
    modern.commit("a.py", "x = 1\n");
    modern.commit("b.py", LEAK);
    assert_eq!(modern.range("HEAD~1..HEAD").paths(), ["b.py"]);
    modern.write("c.py", OTHER);
    modern.git(&["add", "c.py"]);
    assert_eq!(modern.staged().paths(), ["c.py"]);
}

#[test]
fn commits_go_by_every_name_that_git_knows() {
    let repository = Repository::new();
    let first = repository.commit("a.py", "x = 1\n");
    repository.commit("b.py", LEAK);
    repository.git(&["tag", "-a", "v1", "-m", "one", &first]);
    for base in [&first[..9], "HEAD~1", "HEAD^", "v1", "refs/tags/v1", "main~1", "@^1", &first] {
        assert_eq!(repository.range(&format!("{base}..")).paths(), ["b.py"], "{base}");
    }
    for wrong in ["nothing..", "HEAD~9..", "HEAD^2.."] {
        assert_eq!(repository.range(wrong).code, 3, "{wrong}");
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_keysieve")).args(["range", "main"]).current_dir(repository.path()).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("BASE..HEAD"));
}

#[test]
fn a_damaged_index_is_said() {
    let repository = Repository::new();
    repository.write("a.py", LEAK);
    repository.git(&["add", "-A"]);
    let index = repository.path().join(".git/index");
    let whole = fs::read(&index).unwrap();
    for length in [0, 3, 11, 40, whole.len() / 2, whole.len() - 21] {
        fs::write(&index, &whole[..length]).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).arg("staged").current_dir(repository.path()).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{length}: {said}");
        assert!(said.contains("index cannot be read"), "{length}: {said}");
    }
}

/// An id says nothing of whether anybody has looked at the object: a submodule's entry can have the id of a blob.
#[test]
fn what_was_a_submodule_is_new_as_a_file() {
    for (mode, name) in [("100644", "f"), ("120000", "f"), ("100755", "d/f")] {
        let repository = Repository::new();
        repository.commit("ok", "hi\n");
        repository.write("blob", LEAK);
        let blob = repository.git(&["hash-object", "-w", "blob"]);
        fs::remove_file(repository.path().join("blob")).unwrap();
        let entry = |mode: &str| format!("{mode},{blob},{name}");
        repository.git(&["update-index", "--add", "--cacheinfo", &entry("160000")]);
        repository.git(&["commit", "-q", "-m", "a submodule"]);
        repository.git(&["update-index", "--cacheinfo", &entry(mode)]);
        assert_eq!(repository.staged().paths(), [name], "{mode}");
        repository.git(&["commit", "-q", "-m", "a file"]);
        assert_eq!(repository.range("HEAD~2..HEAD").paths(), [name], "{mode}");
    }
}

/// What the base accepts in one place, or takes for harmless there, is new where it moves to.
#[test]
fn what_was_accepted_where_it_stood_is_new_where_it_moves_to() {
    let exclude = "[scan]\nexclude = [\"vendor/**\"]\n";
    let allow = "[[allow]]\nrule = \"generic-password\"\npaths = [\"vendor/**\"]\nreason = \"theirs\"\n";
    for (configuration, from) in [(exclude, "vendor/a.py"), (allow, "vendor/a.py"), ("", "tests/a.py")] {
        let repository = Repository::new();
        repository.write(".keysieve.toml", configuration);
        repository.commit("ok", "hi\n");
        repository.commit(from, LEAK);
        fs::create_dir_all(repository.path().join("src")).unwrap();
        repository.git(&["mv", from, "src/a.py"]);
        assert_eq!(repository.staged().paths(), ["src/a.py"], "{configuration}");
        repository.git(&["commit", "-q", "-m", "move"]);
        let report = repository.range("HEAD~2..HEAD");
        assert!(report.paths().contains(&"src/a.py"), "{configuration}: {:?}", report.places);
        assert_eq!(report.code, 1, "{configuration}");
    }
}
