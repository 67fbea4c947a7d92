//! Files that commands write: what is there stays what it is. A device or a pipe is written into, a link is not followed, a
//! file keeps its permissions. No device of the machine is touched: the tests make nodes of their own.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";

/// Every flag that takes a file to write, with what else the command is given; `FILE` stands for the file, `CLEAR` for a
/// report with secrets in the clear.
const WRITERS: [&[&str]; 16] = [
    &["scan", "--format", "json", "--output", "FILE"],
    &["scan", "--report", "json=FILE"],
    &["history", "--format", "json", "--output", "FILE"],
    &["history", "--report", "json=FILE"],
    &["staged", "--format", "json", "--output", "FILE"],
    &["staged", "--report", "json=FILE"],
    &["range", "HEAD~1..HEAD", "--format", "json", "--output", "FILE"],
    &["range", "HEAD~1..HEAD", "--report", "json=FILE"],
    &["posture", "--format", "json", "--output", "FILE"],
    &["posture", "--report", "json=FILE"],
    &["report", "CLEAR", "--format", "json", "--output", "FILE"],
    &["report", "CLEAR", "--report", "json=FILE"],
    &["advise", "--output", "FILE"],
    &["advise", "--patch", "FILE"],
    &["advise", "CLEAR", "--replace-text", "FILE"],
    &["scan", "--format", "json", "--show-secrets", "--output", "FILE"],
];

/// What reads the file first. A baseline has to be a file.
const BASELINES: [&[&str]; 4] = [
    &["baseline", "create", "--baseline", "FILE"],
    &["baseline", "update", "--baseline", "FILE"],
    &["baseline", "prune", "--baseline", "FILE"],
    &["baseline", "import", "a.py", "--baseline", "FILE"],
];

/// Flags that take a file and only read it.
const READ_ONLY: [&str; 1] = ["--config"];

struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(shop.root()).unwrap();
        let git = |arguments: &[&str]| {
            let git = Command::new("git")
                .args(["-c", "user.name=A", "-c", "user.email=a@b"])
                .args(arguments)
                .current_dir(shop.root())
                .output()
                .unwrap();
            assert!(git.status.success(), "{}", said(&git));
        };
        git(&["init", "-q", "-b", "main"]);
        for text in ["x = 1\n", LEAK] {
            fs::write(shop.root().join("a.py"), text).unwrap();
            git(&["add", "-A"]);
            git(&["commit", "-q", "-m", "one"]);
        }
        let clear = shop.beside("clear.json");
        let made = shop.run(&["scan", "--format", "json", "--show-secrets", "-o"], &clear);
        assert_eq!(made.status.code(), Some(1), "{}", said(&made));
        shop
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str], file: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keysieve"));
        let clear = self.beside("clear.json");
        let fill = |it: &&str| it.replace("FILE", file.to_str().unwrap()).replace("CLEAR", clear.to_str().unwrap());
        command.args(arguments.iter().map(fill)).current_dir(self.root()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str], file: &Path) -> Output {
        let mut command = self.command(arguments, file);
        if !arguments.iter().any(|it| it.contains("FILE")) {
            command.arg(file);
        }
        command.output().unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A node like `/dev/null`, in a folder of the test; `None` where nobody but the kernel may make one.
fn null(path: &Path) -> Option<()> {
    let made = Command::new("mknod").arg(path).args(["c", "1", "3"]).output().unwrap();
    (made.status.success() && fs::OpenOptions::new().write(true).open(path).is_ok()).then_some(())
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn every_flag_that_takes_a_file_is_tried_here() {
    let help = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).args(arguments).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let commands = |text: &str| -> Vec<String> {
        let listed = text.split("Commands:\n").nth(1).unwrap_or_default();
        let listed = listed.lines().take_while(|line| line.starts_with("  "));
        let names = listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(str::to_owned).collect()
    };
    let mut tried = 0;
    for command in commands(&help(&[])) {
        let mut all: Vec<Vec<String>> =
            commands(&help(&[&command])).into_iter().map(|it| vec![command.clone(), it]).collect();
        if all.is_empty() {
            all.push(vec![command]);
        }
        for command in all {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            for line in help(&words).lines().filter(|line| line.contains("FILE>")) {
                let Some(flag) = line.split([' ', ',']).find(|it| it.starts_with("--")) else { continue };
                let is_tried = WRITERS.iter().chain(&BASELINES).any(|it| it[0] == words[0] && it.contains(&flag));
                // A baseline is written by `baseline` only.
                let is_read = READ_ONLY.contains(&flag) || flag == "--baseline" && words[0] != "baseline";
                assert!(is_tried || is_read, "nothing tries `{} {flag}`", words.join(" "));
                tried += usize::from(is_tried);
            }
        }
    }
    assert_eq!(tried, 19, "the table has what no command has");
}

#[test]
fn devices_and_pipes_are_written_into_and_stay() {
    let shop = Shop::new();
    let (node, fifo) = (shop.beside("null"), shop.beside("fifo"));
    let has_node = null(&node).is_some();
    pipe(&fifo);
    symlink(&node, shop.beside("to-null")).unwrap();
    for arguments in WRITERS {
        if has_node {
            for path in [&node, &shop.beside("to-null")] {
                let output = shop.run(arguments, path);
                assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {}", said(&output));
                assert!(
                    node.symlink_metadata().unwrap().file_type().is_char_device(),
                    "{arguments:?} replaced a device"
                );
                assert!(shop.beside("to-null").symlink_metadata().unwrap().is_symlink(), "{arguments:?}");
            }
        }
        let reader = fifo.clone();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            fs::File::open(reader).unwrap().read_to_string(&mut text).unwrap();
            text
        });
        let output = shop.run(arguments, &fifo);
        assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {}", said(&output));
        assert!(!reader.join().unwrap().is_empty(), "{arguments:?} wrote nothing");
        assert!(fifo.symlink_metadata().unwrap().file_type().is_fifo(), "{arguments:?} replaced a pipe");
    }
    for arguments in BASELINES {
        for path in [Some(&fifo), has_node.then_some(&node)].into_iter().flatten() {
            let before = path.symlink_metadata().unwrap().file_type();
            let output = shop.run(arguments, path);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
            assert_eq!(
                path.symlink_metadata().unwrap().file_type(),
                before,
                "{arguments:?} replaced {}",
                path.display()
            );
        }
    }
}

#[test]
fn links_and_folders_are_refused() {
    let shop = Shop::new();
    let (target, link, nowhere) = (shop.beside("target"), shop.beside("link"), shop.beside("nowhere"));
    fs::write(&target, "mine").unwrap();
    symlink(&target, &link).unwrap();
    symlink("gone", &nowhere).unwrap();
    for arguments in WRITERS {
        for (path, told) in [(&link, "symbolic link"), (&nowhere, "symbolic link"), (&shop.root(), "folder")] {
            let output = shop.run(arguments, path);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
            assert!(said(&output).contains(told), "{arguments:?}: {}", said(&output));
            assert_eq!(fs::read_to_string(&target).unwrap(), "mine", "{arguments:?}");
            assert!(link.is_symlink() && nowhere.is_symlink() && !shop.beside("gone").exists(), "{arguments:?}");
        }
    }
    // A change to the code goes through no link either.
    fs::write(shop.beside("b.py"), LEAK).unwrap();
    fs::remove_file(shop.root().join("a.py")).unwrap();
    fs::write(shop.root().join("real.py"), LEAK).unwrap();
    symlink("real.py", shop.root().join("a.py")).unwrap();
    let output = shop.run(&["advise", "CLEAR", "--apply"], Path::new("--color=never"));
    assert!(said(&output).contains("left alone: a.py"), "{}", said(&output));
    assert!(shop.root().join("a.py").is_symlink());
    assert_eq!(fs::read_to_string(shop.root().join("real.py")).unwrap(), LEAK);
}

#[test]
fn files_keep_their_permissions_and_those_with_secrets_are_private() {
    let shop = Shop::new();
    let is_root = fs::metadata(shop.root()).unwrap().uid() == 0;
    for (number, arguments) in WRITERS.iter().chain(&BASELINES[..1]).enumerate() {
        let (new, old) = (shop.beside(&format!("new-{number}")), shop.beside(&format!("old-{number}")));
        let output = shop.run(arguments, &new);
        assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {}", said(&output));
        let is_private = arguments.iter().any(|it| ["--patch", "--replace-text", "--show-secrets"].contains(it));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        if is_private {
            assert_eq!(mode(&new), 0o600, "{arguments:?}");
        }
        if arguments[0] == "baseline" {
            continue;
        }
        fs::write(&old, "before").unwrap();
        fs::set_permissions(&old, Permissions::from_mode(0o664)).unwrap();
        if is_root {
            std::os::unix::fs::chown(&old, Some(1234), Some(4321)).unwrap();
        }
        shop.run(arguments, &old);
        assert_eq!(mode(&old), if is_private { 0o600 } else { 0o664 }, "{arguments:?}");
        assert_ne!(fs::read_to_string(&old).unwrap(), "before");
        if is_root {
            let owner = fs::metadata(&old).unwrap();
            assert_eq!((owner.uid(), owner.gid()), (1234, 4321), "{arguments:?}");
        }
    }
    let baseline = shop.root().join(".keysieve-baseline.json");
    assert_eq!(shop.run(&["baseline", "create"], Path::new("a.py")).status.code(), Some(0));
    fs::set_permissions(&baseline, Permissions::from_mode(0o640)).unwrap();
    shop.run(&["baseline", "update"], Path::new("a.py"));
    assert_eq!(fs::metadata(&baseline).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn what_a_shell_opened_is_written_to() {
    let shop = Shop::new();
    for (script, wanted) in [
        ("\"$0\" scan --format json -o /dev/stdout | grep -c '\"tool\"'", "1\n"),
        (
            "echo first > out; \"$0\" scan --format json -o /dev/stdout >> out; grep -c -e '\"tool\"' -e first out",
            "2\n",
        ),
        ("\"$0\" scan --format json -o /dev/stderr 2>&1 | grep -c '\"tool\"'", "1\n"),
        ("\"$0\" scan --format json -o >(grep -c '\"tool\"') | cat", "1\n"),
    ] {
        let output = Command::new("bash")
            .args(["-c", script, env!("CARGO_BIN_EXE_keysieve")])
            .current_dir(shop.root())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{script}: {}", said(&output));
    }
}

#[test]
fn hooks_are_written_over_nothing_else() {
    let shop = Shop::new();
    let hook = shop.root().join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    pipe(&hook);
    let output = shop.run(&["hook", "install", "--hook", "pre-commit"], Path::new("."));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("no regular file"), "{}", said(&output));
    assert!(hook.symlink_metadata().unwrap().file_type().is_fifo());
    fs::remove_file(&hook).unwrap();
    // A hook that is a link to a script of the repository is kept as one.
    fs::write(shop.root().join("check"), "#!/bin/sh\n").unwrap();
    symlink("../../check", &hook).unwrap();
    let output = shop.run(&["hook", "install", "--hook", "pre-commit"], Path::new("."));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(fs::read_to_string(shop.root().join("check")).unwrap(), "#!/bin/sh\n");
    assert!(hook.with_file_name("pre-commit.before-keysieve").is_symlink() && !hook.is_symlink());
    assert_eq!(fs::metadata(&hook).unwrap().permissions().mode() & 0o777, 0o755);
}
