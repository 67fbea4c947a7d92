//! `[[accept_incomplete]]` and `exclude`: what need not be read makes no run incomplete, in no command; it is counted
//! in every report; and a change cannot accept what it brings itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A gzip file that ends in its middle.
const CUT: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9";
const REASON: &str = "drawings of the office";

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn write(folder: &Path, path: &str, content: &[u8]) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

/// A repository whose first commit has the configuration, whose second has `art/a.gz`, and whose index has `art/b.gz`.
fn repository(configuration: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git(path, &["init", "-q", "-b", "main"]);
    write(path, ".keysieve.toml", configuration.as_bytes());
    write(path, "a.txt", b"nothing\n");
    git(path, &["add", "."]);
    git(path, &["commit", "-qm", "base"]);
    write(path, "art/a.gz", CUT);
    write(path, "art/main.tf", b"resource {");
    git(path, &["add", "."]);
    git(path, &["commit", "-qm", "art"]);
    write(path, "art/b.gz", &[CUT, b"b"].concat());
    git(path, &["add", "."]);
    folder
}

fn keysieve(folder: &Path, arguments: &[&str], input: &[u8]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes it.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input);
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), said)
}

const COMMANDS: [&[&str]; 10] = [
    &["scan", "--format", "json"],
    &["scan", "art", "--format", "json"],
    &["scan", "art/a.gz", "--format", "json"],
    &["scan", "--posture", "--format", "json"],
    &["staged", "--format", "json"],
    &["range", "HEAD~1..HEAD", "--format", "json"],
    &["posture", "--format", "json"],
    &["hook", "run", "pre-commit"],
    &["baseline", "create"],
    // What no commit leads to has no path.
    &["history", "--format", "json"],
];

#[test]
fn what_is_accepted_or_excluded_makes_no_command_incomplete() {
    let entry = |what: &str| format!("[[accept_incomplete]]\n{what}\nreason = \"{REASON}\"\n");
    for (configuration, code) in [
        (String::new(), 3),
        (entry("path = 'art/**'"), 0),
        (entry("paths = ['*.gz', 'main.tf']"), 0),
        (entry("code = 'damaged'"), 0),
        (entry("code = 'damaged'\npath = 'art/'\nexpires = 2999-01-01"), 0),
        (entry("code = 'damaged'\npath = 'art/'\nexpires = 2020-01-01"), 3),
        (entry("code = 'encrypted'\npath = 'art/'"), 3),
        (entry("path = 'other/**'"), 3),
        ("[scan]\nexclude = ['art/**']\n".to_owned(), 0),
        ("[scan]\nexclude = ['other/**']\n".to_owned(), 3),
    ] {
        let folder = repository(&configuration);
        for command in COMMANDS {
            // What is named is always read, excluded or not.
            if configuration.contains("exclude") && command.iter().any(|word| word.starts_with("art")) {
                continue;
            }
            if command[0] == "history" {
                git(folder.path(), &["commit", "-qm", "more art"]);
            }
            let (ended, said) = keysieve(folder.path(), command, b"");
            assert_eq!(ended, code, "{command:?} with {configuration}: {said}");
            if configuration.contains("2020") && command[0] != "hook" {
                assert!(said.contains("expired on 2020-01-01"), "{command:?}: {said}");
            }
            if command.last() == Some(&"json") {
                let report: Value = serde_json::from_str(&said).unwrap();
                let summary = &report["summary"];
                let accepted = summary["accepted_incomplete"].as_array().cloned().unwrap_or_default();
                let is_accepted = code == 0 && configuration.contains("accept");
                assert_eq!(!accepted.is_empty(), is_accepted, "{command:?} with {configuration}: {said}");
                assert!(accepted.iter().all(|it| it["code"] == "damaged" && it["accepted"] == REASON), "{said}");
                let is_excluded = code == 0 && configuration.contains("exclude");
                let excluded = summary["excluded"].as_u64().unwrap();
                assert!(
                    command[0] == "posture" || (excluded > 0) == is_excluded,
                    "{command:?} with {configuration}: {said}"
                );
            }
        }
    }
}

#[test]
fn the_configuration_goes_by_paths_from_the_root_wherever_the_command_is_called() {
    let entry = "[[accept_incomplete]]\npath = '/art/*.gz'\nreason = 'x'\n";
    for (configuration, code) in [("", 3), (entry, 0)] {
        let folder = repository(configuration);
        let art = folder.path().join("art");
        for (from, path) in [
            (folder.path(), "art"),
            (folder.path(), "./art/"),
            (folder.path(), "art/a.gz"),
            (folder.path(), art.to_str().unwrap()),
            (&art, "."),
            (&art, "a.gz"),
            (&art, "../art"),
        ] {
            let (ended, said) = keysieve(from, &["scan", path], b"");
            assert_eq!(ended, code, "{path} from {}: {said}", from.display());
        }
    }
}

#[test]
fn a_history_names_the_file_of_what_it_could_not_read() {
    for packed in [false, true] {
        let folder = repository("");
        let path = folder.path();
        // The same content at another path, for a while.
        write(path, "old/deep/a.gz", CUT);
        git(path, &["add", "."]);
        git(path, &["commit", "-qm", "copy"]);
        git(path, &["rm", "-q", "--cached", "old/deep/a.gz", "art/b.gz"]);
        git(path, &["commit", "-qm", "gone"]);
        if packed {
            git(path, &["gc", "-q", "--prune=now"]);
        }
        let entry = |path: &str| format!("[[accept_incomplete]]\npath = '{path}'\nreason = 'x'\n");
        let gaps = |configuration: &str, arguments: &[&str]| {
            write(path, ".keysieve.toml", configuration.as_bytes());
            let (_, said) = keysieve(path, &[&["history", "--format", "json"], arguments].concat(), b"");
            let report: Value = serde_json::from_str(&said).unwrap();
            let gaps = report["summary"]["incomplete"].as_array().unwrap();
            gaps.iter().map(|gap| gap["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(gaps("", &[]), ["art/a.gz", "art/b.gz", "old/deep/a.gz"], "packed: {packed}");
        assert_eq!(gaps("", &["--path", "old/**"]), ["old/deep/a.gz"], "packed: {packed}");
        assert_eq!(gaps(&entry("old/**"), &[]), ["art/a.gz", "art/b.gz"], "packed: {packed}");
        assert_eq!(gaps(&(entry("old/**") + &entry("art/")), &[]), [""; 0], "packed: {packed}");
    }
}

#[test]
fn of_standard_input_only_a_code_can_be_accepted() {
    for (entry, code) in [("code = 'damaged'", 0), ("path = '**'", 3), ("path = '**'\ncode = 'damaged'", 3)] {
        let folder = repository(&format!("[[accept_incomplete]]\n{entry}\nreason = 'x'\n"));
        assert_eq!(keysieve(folder.path(), &["scan", "-"], CUT).0, code, "{entry}");
    }
}

#[test]
fn a_change_cannot_accept_what_it_brings() {
    let folder = repository("");
    let entry = "[[accept_incomplete]]\npath = 'art/**'\nreason = 'mine'\n";
    write(folder.path(), ".keysieve.toml", entry.as_bytes());
    git(folder.path(), &["commit", "-qam", "accept"]);
    let (code, said) = keysieve(folder.path(), &["range", "HEAD~2..HEAD"], b"");
    assert!(code == 3 && said.contains("art/a.gz") && said.contains("it counts as the base has it"), "{code}: {said}");
    assert_eq!(keysieve(folder.path(), &["range", "HEAD~2..HEAD", "--trust-head"], b"").0, 0);
}

#[test]
fn a_run_that_looked_at_nothing_is_never_complete() {
    for pattern in ["**", "*", "**/*"] {
        let folder = repository(&format!("[[accept_incomplete]]\npath = '{pattern}'\nreason = 'x'\n"));
        let (code, said) = keysieve(folder.path(), &["range", "no-such..HEAD"], b"");
        assert_eq!(code, 3, "{pattern}: {said}");
    }
}

/// What keysieve reads to come to files is no file: a pattern of paths would leave unread all that it leads to.
#[test]
fn no_pattern_of_paths_accepts_what_is_no_file() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm, &[&[&str]]); 3] = [
        (
            "outside-repository",
            |folder| {
                fs::create_dir_all(folder.join("elsewhere/objects")).unwrap();
                write(folder, "r/.git/objects/info/alternates", b"../../../elsewhere/objects\n");
            },
            &[&["staged"], &["range", "HEAD~1..HEAD"], &["history"]],
        ),
        (
            "damaged",
            |folder| {
                write(folder, "r/.git/objects/pack/pack-1.idx", b"none");
                write(folder, "r/.git/objects/pack/pack-1.pack", b"none");
            },
            &[&["history"]],
        ),
        ("unreadable", |folder| fs::create_dir(folder.join("r/.git/packed-refs")).unwrap(), &[&["history"]]),
    ];
    for (code, harm, commands) in harms {
        let entry = |what: &str| format!("[[accept_incomplete]]\n{what}\nreason = 'x'\n");
        for (configuration, wanted) in [
            (entry("path = '**'"), 3),
            (entry("paths = ['.git/', '*.idx', '*']"), 3),
            ("[scan]\nexclude = ['**']\n".to_owned(), 3),
            (entry(&format!("code = '{code}'")), 0),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("r");
            write(&root, ".keysieve.toml", configuration.as_bytes());
            git(&root, &["init", "-q", "-b", "main"]);
            for message in ["one", "two"] {
                write(&root, "a.txt", message.as_bytes());
                git(&root, &["add", "."]);
                git(&root, &["commit", "-qm", message]);
            }
            harm(folder.path());
            for command in commands {
                let (ended, said) = keysieve(&root, command, b"");
                assert_eq!(ended, wanted, "{code}, {command:?} with {configuration}: {said}");
            }
        }
    }
}

#[test]
fn a_file_may_be_named_as_a_part_of_a_scan_is() {
    let folder = repository("[[accept_incomplete]]\npaths = ['history', 'commit me', '*.gz', '*.tf']\nreason = 'x'\n");
    for name in ["history", "commit me"] {
        write(folder.path(), name, CUT);
    }
    let (code, said) = keysieve(folder.path(), &["scan"], b"");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn every_report_counts_what_was_accepted() {
    let folder = repository(&format!("[[accept_incomplete]]\npath = 'art/**'\nreason = \"{REASON}\"\n"));
    for format in ["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "csv", "markdown", "html"] {
        let (code, said) = keysieve(folder.path(), &["scan", "--format", format], b"");
        assert!(code == 0 && said.contains(REASON) && said.contains("art/a.gz"), "{format}: {said}");
    }
    let (_, first) = keysieve(folder.path(), &["scan", "--format", "json"], b"");
    write(folder.path(), "report.json", first.as_bytes());
    let (code, said) = keysieve(folder.path(), &["report", "report.json", "--format", "human"], b"");
    assert!(code == 0 && said.contains("2 gaps accepted"), "{said}");
    let (code, said) = keysieve(folder.path(), &["config", "show"], b"");
    assert!(code == 0 && said.contains(&format!("not read        line 1: art/** ({REASON})")), "{said}");
}

#[cfg(unix)]
#[test]
fn an_excluded_folder_need_not_be_readable() {
    use std::os::unix::fs::PermissionsExt;
    let folder = repository("[scan]\nexclude = ['data/**', 'art/']\n");
    write(folder.path(), "data/x", b"x");
    let data = folder.path().join("data");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may read everything cannot try this.
    let may_read = fs::read_dir(&data).is_ok();
    let (code, said) = keysieve(folder.path(), &["scan"], b"");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(code == 0 && (may_read || said.contains("what the configuration excludes")), "{code}: {said}");
}

#[cfg(unix)]
#[test]
fn a_tracked_file_that_may_not_be_looked_at_is_a_gap() {
    use std::os::unix::fs::PermissionsExt;
    let folder = repository("[scan]\nexclude = ['art/']\n");
    write(folder.path(), ".gitignore", b"locked/\n");
    write(folder.path(), "locked/a.txt", b"x\n");
    git(folder.path(), &["add", "-f", "."]);
    let locked = folder.path().join("locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may read everything cannot try this.
    let may_read = fs::read_dir(&locked).is_ok();
    let (code, said) = keysieve(folder.path(), &["scan"], b"");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(may_read && code == 0 || code == 3 && said.contains("locked/a.txt"), "{code}: {said}");
}
