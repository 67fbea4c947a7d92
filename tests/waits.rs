//! Nothing that lies in a repository is waited for, and a signal ends what is waited for outside of it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";
/// Far beyond what anything here takes: only what hangs gets there.
const HANGS: Duration = Duration::from_secs(90);

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "-c", "gc.auto=0"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A repository with a secret in each commit, in the index and in the work tree, and its objects loose and in a pack.
fn repository() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repository");
    fs::create_dir(&root).unwrap();
    git(&root, &["init", "-q", "-b", "main"]);
    for number in 0..4 {
        fs::write(root.join(format!("{number}.py")), LEAK.replace("91", &format!("9{number}"))).unwrap();
        git(&root, &["add", "-A"]);
        // The last one stays in the index.
        if number < 3 {
            git(&root, &["commit", "-q", "-m", "more"]);
        }
        if number == 1 {
            git(&root, &["repack", "-q", "-d"]);
        }
    }
    fs::write(root.join("unstaged.py"), LEAK).unwrap();
    (folder, root)
}

/// Makes a pipe in place of what is at `path`.
fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Waits for the end of a program; `None` and an end by force if it hangs.
fn ended(mut child: Child) -> Option<Output> {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > HANGS {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
    Some(child.wait_with_output().unwrap())
}

fn keysieve(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keysieve"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Commands that look for secrets, which are there: they find some, or say that they are not complete.
const LOOKS: [&[&str]; 11] = [
    &["scan"],
    &["scan", "--no-ignore"],
    &["staged"],
    &["staged", "--trust-links"],
    &["range", "HEAD~2..HEAD"],
    &["range", "--trust-links", "HEAD~2..HEAD"],
    &["history"],
    &["history", "--trust-links"],
    &["hook", "run", "pre-commit"],
    &["hook", "run", "pre-push"],
    &["baseline", "create", "--baseline", "../baseline"],
];
/// Others, which have to come to an end.
const ENDS: [&[&str]; 6] = [
    &["posture"],
    &["advise"],
    &["config", "check"],
    &["rules", "list"],
    &["explain", "generic-password:00000000000000000000:0.py"],
    &["hook", "install"],
];

#[test]
fn a_pipe_anywhere_in_a_repository_is_not_waited_for() {
    let (folder, root) = repository();
    let loose = |revision: &str| {
        let id = git(&root, &["rev-parse", revision]);
        format!(".git/objects/{}/{}", &id[..2], id[2..].trim())
    };
    let pack = |extension: &str| {
        let found = fs::read_dir(root.join(".git/objects/pack")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut found = found.filter(|name| Path::new(name).extension().is_some_and(|it| it == extension));
        format!(".git/objects/pack/{}", found.next().unwrap().to_string_lossy())
    };
    let mut places: Vec<String> = [
        ".git",
        ".git/HEAD",
        ".git/config",
        ".git/config.worktree",
        ".git/commondir",
        ".git/gitdir",
        ".git/index",
        ".git/packed-refs",
        ".git/refs/heads/main",
        ".git/refs/heads/other",
        ".git/logs/HEAD",
        ".git/shallow",
        ".git/info/grafts",
        ".git/info/exclude",
        ".git/info/sparse-checkout",
        ".git/objects",
        ".git/objects/info/alternates",
        ".git/objects/info/commit-graph",
        ".git/objects/info/commit-graphs/commit-graph-chain",
        ".git/objects/pack",
        ".git/objects/pack/multi-pack-index",
        ".git/objects/pack/pack-1234567890123456789012345678901234567890.idx",
        ".git/objects/pack/pack-1234567890123456789012345678901234567890.pack",
        ".git/worktrees/other/HEAD",
        ".git/worktrees/other/gitdir",
        ".git/modules/other/HEAD",
        ".gitignore",
        ".gitattributes",
        ".gitmodules",
        ".keysieve.toml",
        ".keysieve-baseline.json",
        ".gitleaks.toml",
        ".gitleaksignore",
        "main.tf",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    places.extend(["HEAD", "HEAD^{tree}", "HEAD:2.py", ":3.py"].map(loose));
    places.extend(["idx", "pack"].map(pack));
    let push = format!(
        "refs/heads/main {} refs/heads/main {}\n",
        git(&root, &["rev-parse", "HEAD"]).trim(),
        git(&root, &["rev-parse", "HEAD~2"]).trim()
    );
    let (whole, mut wrong) = (folder.path().join("whole"), Vec::new());
    let copy = |from: &Path, to: &Path| {
        let _ = fs::remove_dir_all(to);
        assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    copy(&root, &whole);
    // Alternates are somebody's repository as well.
    let beyond = folder.path().join("beyond/objects/info/alternates");
    for place in places.iter().map(String::as_str).chain(["beyond"]) {
        copy(&whole, &root);
        match place {
            "beyond" => {
                pipe(&beyond);
                fs::write(root.join(".git/objects/info/alternates"), "../../../beyond/objects\n").unwrap();
            }
            _ => pipe(&root.join(place)),
        }
        for arguments in LOOKS.iter().chain(&ENDS) {
            let mut child = keysieve(&root, arguments).stdin(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(push.as_bytes()).unwrap_or_default();
            match ended(child) {
                None => wrong.push(format!("{place}: {arguments:?} hangs")),
                Some(output) => {
                    let code = output.status.code();
                    if code.is_none() || code == Some(0) && LOOKS.contains(arguments) && arguments[0] != "baseline" {
                        wrong.push(format!(
                            "{place}: {arguments:?} ended with {code:?}: {}",
                            String::from_utf8_lossy(&output.stdout)
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

/// Whether a program waits, by what the kernel says it sleeps in.
#[cfg(target_os = "linux")]
fn sleeps(child: &Child) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    stat.rsplit(") ").next().unwrap().starts_with('S')
}

#[cfg(target_os = "linux")]
#[test]
fn one_signal_ends_every_wait() {
    let (folder, root) = repository();
    let fifo = folder.path().join("fifo");
    pipe(&fifo);
    let report = format!("json={}", fifo.display());
    for arguments in [
        // Nobody pushes, nobody sends a report, nobody reads the report, nobody writes the configuration.
        &["hook", "run", "pre-push"][..],
        &["range", "--pre-push"],
        &["report", "-"],
        &["report", fifo.to_str().unwrap()],
        &["scan", "-o", fifo.to_str().unwrap()],
        &["scan", "--report", &report],
        &["advise", "--patch", fifo.to_str().unwrap()],
        &["scan", "--config", fifo.to_str().unwrap()],
        &["scan", "-"],
    ] {
        for name in ["TERM", "INT", "HUP"] {
            let mut child = keysieve(&root, arguments).stdin(Stdio::piped()).spawn().unwrap();
            let input = child.stdin.take();
            // Until it waits for good; where it had something to do before, that is over by then.
            let mut slept = 0;
            while slept < 40 {
                thread::sleep(Duration::from_millis(5));
                slept = if sleeps(&child) { slept + 1 } else { 0 };
                assert!(child.try_wait().unwrap().is_none(), "{arguments:?} did not wait");
            }
            signal(&child, name);
            let output = ended(child).unwrap_or_else(|| panic!("{arguments:?} does not heed SIG{name}"));
            assert_ne!(output.status.code(), Some(0), "{arguments:?}");
            drop(input);
        }
    }
}
