//! Where a command is called from changes nothing of what it finds, and only what git takes for a repository is one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use keysieve_engine::rules::sample;
use serde_json::Value;

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn write(folder: &Path, path: &str, content: &str) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

fn password(seed: u64) -> String {
    sample::fill("password = \"<[A-Z][a-z]{6}[0-9]{4}!>\"\n", seed).unwrap()
}

/// Exit code, and the summary and the findings of a report.
fn report(from: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(arguments)
        .args(["--format", "json"])
        .current_dir(from)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), report)
}

/// Severity, confidence and fingerprint of each finding, in order.
fn verdicts(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let mut all: Vec<String> =
        findings.map(|it| format!("{} {} {}", it["severity"], it["confidence"], it["fingerprint"])).collect();
    all.sort();
    all
}

#[cfg(unix)]
#[test]
fn a_tree_is_judged_alike_from_wherever_it_is_scanned() {
    for (in_git, prefix) in [(true, "some/examples/"), (false, "")] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let examples = root.join("some/examples");
        write(&root, "some/examples/deep/app.py", &password(1));
        write(&root, "some/examples/settings.ini", &password(2));
        if in_git {
            git(&root, &["init", "-q"]);
        }
        std::os::unix::fs::symlink(&examples, folder.path().join("link")).unwrap();
        let absolute = examples.to_str().unwrap().to_owned();
        let places = [
            (root.clone(), "some/examples"),
            (root.clone(), "./some/examples/"),
            (root.join("some"), "examples"),
            (examples.clone(), "."),
            (examples.clone(), ""),
            (examples.clone(), "../examples"),
            (examples.join("deep"), ".."),
            (folder.path().join("link"), "."),
            (folder.path().to_owned(), "root/some/../some/examples"),
            (folder.path().to_owned(), &absolute),
        ];
        let scanned = |(from, path): &(std::path::PathBuf, &str)| {
            let path: &[&str] = if path.is_empty() { &[] } else { &[path] };
            verdicts(&report(from, &[&["scan", "--all"], path].concat()).1)
        };
        let expected = scanned(&places[0]);
        assert_eq!(expected.len(), 2, "{expected:?}");
        assert!(expected.iter().all(|it| it.contains(&format!(":{prefix}"))), "{expected:?}");
        assert!(expected.iter().all(|it| it.starts_with("\"low\"") == in_git), "{expected:?}");
        for place in &places {
            assert_eq!(scanned(place), expected, "{place:?}");
        }
    }
}

#[test]
fn the_configuration_above_is_found_from_wherever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "src/lib/a.py", &password(1));
    write(folder.path(), ".keysieve.toml", "[[allow]]\npaths = ['/src/lib/a.py']\nreason = 'x'\n");
    let root = folder.path();
    for (from, path) in [(root, "."), (root, "src"), (&root.join("src/lib"), "a.py"), (&root.join("src/lib"), ".")] {
        let (code, report) = report(from, &["scan", path]);
        assert_eq!((code, report["summary"]["allowed"]["config"].as_u64()), (0, Some(1)), "{path}: {report}");
    }
}

#[test]
fn only_a_repository_has_ignored_files() {
    type Make = fn(&Path);
    let makes: [(&str, bool, Make); 8] = [
        ("none", false, |_| {}),
        ("git", true, |root| git(root, &["init", "-q"])),
        ("empty .git", false, |root| fs::create_dir(root.join(".git")).unwrap()),
        (".git with a head", false, |root| write(root, ".git/HEAD", "ref: refs/heads/main\n")),
        (".git that is an empty file", false, |root| write(root, ".git", "")),
        (".git that leads nowhere", false, |root| write(root, ".git", "gitdir: ../nowhere\n")),
        (".jj", false, |root| fs::create_dir(root.join(".jj")).unwrap()),
        ("all kinds", false, |root| {
            [".jj", ".hg", ".svn", ".bzr", ".pijul"].iter().for_each(|name| fs::create_dir(root.join(name)).unwrap());
        }),
    ];
    for (what, ignores, make) in makes {
        // As it is named, and below what is named.
        for below in ["", "extracted/archive"] {
            let folder = tempfile::tempdir().unwrap();
            let named = folder.path().join("named");
            let root = named.join(below);
            write(&root, ".gitignore", "hidden.py\n");
            write(&root, "hidden.py", &password(1));
            write(&named, "other.txt", "nothing\n");
            make(&root);
            let (code, report) = report(&named, &["scan"]);
            assert_eq!(
                (code, verdicts(&report).len()),
                if ignores { (0, 0) } else { (1, 1) },
                "{what} {below}: {report}"
            );
        }
    }
    // What is called `.git` and is none hides nothing that is in it.
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), ".git/notes/a.py", &password(1));
    assert_eq!(report(folder.path(), &["scan"]).0, 1);
}

/// What a pattern ignores and git would keep all the same is read, or said.
#[cfg(unix)]
#[test]
fn nothing_that_git_would_keep_is_hidden() {
    let token = sample::fill("AKIA<[A-Z2-7]{16}>", 7).unwrap();
    let cases: &[(&str, i32, &str)] = &[
        ("an ignored link that is tracked", 1, "ln -s $T l; echo l >.gitignore; git add -f l"),
        (
            "a folder of a sparse index that is there again",
            3,
            "mkdir b c; echo x >b/f; echo x >c/f; git add b c; git commit -qm x; echo b/ >.gitignore; \
             git sparse-checkout set --cone --sparse-index c; mkdir -p b; echo t = $T >b/f",
        ),
        (
            "patterns of what is no repository",
            1,
            "mkdir -p sub/.git/info; echo '*' >sub/.git/info/exclude; echo t = $T >sub/a",
        ),
        ("a repository without a head", 1, "echo s.txt >.gitignore; echo t = $T >s.txt; echo garbage >.git/HEAD"),
        (
            "a detached head",
            0,
            "echo s.txt >.gitignore; echo t = $T >s.txt; git add .; git commit -qm x; git checkout -q --detach",
        ),
        ("a line that is no UTF-8", 1, "printf '*.txt\\n\\377\\376\\n!s.txt\\n' >.gitignore; echo t = $T >s.txt"),
        (
            "a pattern that does not compile",
            1,
            "printf '*.txt\\n!s{ecret.txt\\n' >.gitignore; echo t = $T >'s{ecret.txt'",
        ),
        ("a class of characters", 1, "printf '*.txt\\n!s[[:alpha:]].txt\\n' >.gitignore; echo t = $T >se.txt"),
        ("braces", 1, "printf 's.{txt,md}\\n' >.gitignore; echo t = $T >s.txt"),
        ("braces in a name", 0, "printf 's.{txt,md}\\n' >.gitignore; echo t = $T >'s.{txt,md}'"),
        ("a tab at the end", 1, "printf 's.txt\\t\\n' >.gitignore; echo t = $T >s.txt"),
        ("a vertical tab at the end", 1, "printf 's.txt\\v\\n' >.gitignore; echo t = $T >s.txt"),
        ("blanks at the end", 0, "printf 's.txt  \\r\\n' >.gitignore; echo t = $T >s.txt"),
        ("an exception in other case", 1, "printf '*.txt\\n!S.TXT\\n' >.gitignore; echo t = $T >s.txt"),
        ("patterns behind a link", 1, "echo s.txt >../p; ln -s ../p .gitignore; echo t = $T >s.txt"),
        (
            "a tracked submodule in an ignored folder",
            1,
            "git init -q v/m; echo t = $T >v/m/s.txt; git -C v/m add s.txt; \
             git -C v/m -c user.name=t -c user.email=t commit -qm x; git add v/m; echo v/ >.gitignore",
        ),
        (
            "a repository in an ignored folder",
            0,
            "git init -q v/m; echo t = $T >v/m/s.txt; git -C v/m add s.txt; echo v/ >.gitignore",
        ),
        ("an exception", 0, "printf '*.txt\\n!o*.txt\\n# \\377\\n' >.gitignore; echo t = $T >s.txt"),
    ];
    for (what, expected, script) in cases {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        write(&root, "other.txt", "nothing\n");
        git(&root, &["init", "-q"]);
        git(&root, &["config", "user.name", "t"]);
        git(&root, &["config", "user.email", "t@localhost"]);
        let mut shell = Command::new("sh");
        let made = shell.args(["-ec", script]).env("T", &token).current_dir(&root).output().unwrap();
        assert!(made.status.success(), "{what}: {}", String::from_utf8_lossy(&made.stderr));
        let (code, report) = report(&root, &["scan"]);
        assert_eq!(code, *expected, "{what}: {report}");
    }
}

#[test]
fn a_repository_that_is_scanned_as_files_is_never_clean() {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    write(&work, "a.py", &password(1));
    git(&work, &["init", "-q"]);
    git(&work, &["add", "."]);
    git(&work, &["commit", "-qm", "x"]);
    git(&work, &["rm", "-q", "a.py"]);
    write(&work, "b.txt", "nothing\n");
    let bare = folder.path().join("tree/backup/bare.git");
    git(folder.path(), &["clone", "-q", "--bare", "work", bare.to_str().unwrap()]);
    git(&bare, &["gc", "-q"]);
    write(folder.path(), "tree/a.txt", "nothing\n");
    let top = folder.path();
    for (from, arguments, code, path) in [
        (top, &["scan", "tree"][..], 3, "tree/backup/bare.git"),
        (top, &["scan", "tree/backup/bare.git"], 3, "tree/backup/bare.git"),
        (&bare, &["scan"], 3, "."),
        (top, &["scan", "--no-ignore", "tree"], 3, "tree/backup/bare.git"),
        (&work, &["scan", ".git"], 3, ".git"),
        (&work, &["scan"], 0, ""),
        (&work, &["scan", "--no-ignore"], 0, ""),
        (top, &["scan", "work"], 0, ""),
        (top, &["posture", "tree"], 0, ""),
    ] {
        let (ended, report) = report(from, arguments);
        let gaps = report["summary"]["incomplete"].as_array().unwrap();
        let said = gaps.iter().any(|gap| {
            gap["code"] == "repository"
                && gap["path"] == path
                && gap["reason"].as_str().unwrap().contains(&format!("keysieve history {path}"))
        });
        assert_eq!((ended, said), (code, code == 3), "{arguments:?}: {report}");
    }
}

/// `--posture` looks at the same files as the scan that it comes with.
#[test]
fn practices_are_looked_for_in_what_is_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(".git/HEAD", "ref: refs/heads/main\n");
    write(".git/config", "[core]\n\tbare = false\n");
    write(".git/objects/pack/.keep", "");
    write(".git/refs/heads/.keep", "");
    write(".gitignore", "build/\n");
    write("build/main.tf", "resource \"aws_secretsmanager_secret\" \"db\" {\n  name = \"db\"\n}\n");
    let practices = |flags: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
            .current_dir(folder.path())
            .args(["scan", "--posture", "--format", "json", "-j", "1"])
            .args(flags)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["findings"].as_array().unwrap().iter().filter(|it| it["kind"] == "practice").count()
    };
    assert_eq!(practices(&[]), 0);
    assert!(practices(&["--no-ignore"]) > 0);
}

/// What keysieve writes of findings is no finding: a fingerprint of any rule, in any file.
#[test]
fn fingerprints_of_our_own_are_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let rules = keysieve_engine::rules::builtin();
    let line = |(at, id): (usize, &str)| {
        let hash = sample::fill("<[0-9a-f]{20}>", at as u64).unwrap();
        format!("  \"{id}:{hash}:src/a.py\",\nfingerprint = \"{id}:{hash}:a b/c.yml\"\n{id}:{hash}:x\n")
    };
    let ids = rules.iter().map(|rule| rule.id.as_ref()).chain(["posture-literal-database-password"]);
    let text: String = ids.enumerate().map(line).collect();
    fs::write(folder.path().join("notes.txt"), text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .current_dir(folder.path())
        .args(["scan", "--format", "jsonl", "--min-confidence", "low"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(0), 1), "{said}");
    // The form alone is none: what somebody called a rule's name is a secret like any other.
    let text = "url-password: Tr4vel-Lantern-91\ngeneric-password: \"Tr4vel-Lantern-92\"\n";
    fs::write(folder.path().join("notes.txt"), text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .current_dir(folder.path())
        .args(["scan", "--format", "jsonl"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 3), "{said}");
}

/// A marker that names one rule allows the bytes, also where another rule knows them by less.
#[test]
fn a_marker_that_names_its_rule_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let token = sample::fill("<crc32-base62 ghp_ 30>", 3).unwrap();
    let text = format!("token = \"{token}\"  # keysieve:allow github-personal-access-token — made up\n");
    fs::write(folder.path().join("a.py"), text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .current_dir(folder.path())
        .args(["scan", "--format", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["summary"]["allowed"]["marker"]), (Some(0), &Value::from(1)), "{report}");
}

/// Practices of one kind in one file are told apart, with a baseline and without.
#[test]
fn a_baseline_tells_practices_apart() {
    let folder = tempfile::tempdir().unwrap();
    let text = "services:\n  a:\n    image: a\n    environment:\n      DB_PASSWORD: Tr4vel-Lantern-91\n      API_TOKEN: Tr4vel-Lantern-92\n";
    fs::write(folder.path().join("docker-compose.yml"), text).unwrap();
    let fingerprints = || {
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
            .current_dir(folder.path())
            .args(["posture", "--format", "json"])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let of_rule = report["findings"].as_array().unwrap().iter().filter(|it| it["rule"] == "posture-plaintext-env");
        of_rule.map(|it| it["fingerprint"].to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    let before = fingerprints();
    assert!(before.len() > 1, "{before:?}");
    let created = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .current_dir(folder.path())
        .args(["baseline", "create"])
        .status()
        .unwrap();
    assert!(created.success());
    let with_baseline = fingerprints();
    assert_eq!(with_baseline.len(), before.len(), "{with_baseline:?}");
    assert!(with_baseline.is_disjoint(&before), "they are under the baseline's key");
}
