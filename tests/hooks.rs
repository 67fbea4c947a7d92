//! The hooks, as git runs them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";

/// A command as on a machine where keysieve is installed.
fn command(program: &str, folder: &Path, arguments: &[&str]) -> Command {
    let bin = Path::new(env!("CARGO_BIN_EXE_keysieve")).parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("PATH", path).envs([
        ("GIT_AUTHOR_NAME", "Ann"),
        ("GIT_AUTHOR_EMAIL", "a@b"),
        ("GIT_COMMITTER_NAME", "Ann"),
        ("GIT_COMMITTER_EMAIL", "a@b"),
        ("GIT_EDITOR", "true"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ]);
    command
}

fn run(program: &str, folder: &Path, arguments: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = command(program, folder, arguments).output().unwrap();
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// Runs a script of the shell, in which `leak FILE` writes `leak` into a file.
fn shell(folder: &Path, script: &str, leak: &str) -> (bool, String) {
    let script = format!("set -e\nexec 2>&1\nleak() {{ printf '%s' \"$LEAK\" > \"$1\"; }}\n{script}");
    let output = command("sh", folder, &["-c", &script]).env("LEAK", leak).env("ROOT", folder).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let (ok, text) = run("git", folder, arguments);
    assert!(ok, "git {arguments:?}: {text}");
    text
}

fn keysieve(folder: &Path, arguments: &[&str]) -> (bool, String) {
    run("keysieve", folder, arguments)
}

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "-b", "main"]);
    fs::write(folder.path().join("a.txt"), "x\n").unwrap();
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-q", "-m", "first"]);
    folder
}

fn stage(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
    git(folder, &["add", "-A"]);
}

fn program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_commit_and_a_push_with_a_secret_are_refused() {
    let repository = repository();
    let root = repository.path();
    let remote = tempfile::tempdir().unwrap();
    git(remote.path(), &["init", "-q", "--bare"]);
    git(root, &["remote", "add", "origin", remote.path().to_str().unwrap()]);
    let (ok, said) = keysieve(root, &["hook", "install"]);
    assert!(ok && said.contains("installed pre-commit") && said.contains("installed pre-push"), "{said}");
    assert!(keysieve(root, &["hook", "install"]).1.contains("in place already"));
    stage(root, "b.py", LEAK);
    let (ok, said) = run("git", root, &["commit", "-q", "-m", "leak"]);
    assert!(!ok, "{said}");
    for told in ["b.py:1:13", "generic-password", "What to do", "keysieve:allow"] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(!said.contains("Lantern"));
    stage(root, "b.py", "x = 1\n");
    assert_eq!(
        run("git", root, &["commit", "-q", "-m", "clean"]),
        (true, String::new()),
        "a clean commit says nothing"
    );
    assert_eq!(run("git", root, &["push", "-q", "origin", "main"]), (true, String::new()), "nor does a clean push");
    stage(root, "c.py", LEAK);
    git(root, &["commit", "-q", "--no-verify", "-m", "past the hook"]);
    stage(root, "c.py", "x = 1\n");
    git(root, &["commit", "-q", "-m", "and out again"]);
    let (ok, said) = run("git", root, &["push", "-q", "origin", "main"]);
    assert!(!ok && said.contains("c.py") && said.contains("refused this push"), "{said}");
    let (ok, said) = keysieve(root, &["hook", "verify"]);
    assert!(ok && said.contains("pre-commit: refuses a planted key") && said.contains("pre-push: refuses"), "{said}");
    // Hooks that let a form through, as they did when they read `.git/index`.
    let through = "#!/bin/sh\n# keysieve hook\nunset GIT_INDEX_FILE\nkeysieve hook run pre-commit\n";
    program(&root.join(".git/hooks/pre-commit"), through);
    let (ok, said) = keysieve(root, &["hook", "verify"]);
    for form in ["git commit -a;", "git commit FILE;", "git commit -p;", "git commit --amend -a;"] {
        assert!(!ok && said.contains(form), "{form} {said}");
    }
    let through = "#!/bin/sh\n# keysieve hook\ngrep -v '{' | keysieve hook run pre-push\n";
    program(&root.join(".git/hooks/pre-push"), through);
    let (ok, said) = keysieve(root, &["hook", "verify", "--hook", "pre-push"]);
    assert!(!ok && said.contains("2 of") && said.contains("by its message; a branch by its date"), "{said}");
    // A hook that git does not run, or an old one, is written anew.
    assert!(keysieve(root, &["hook", "install"]).1.contains("renewed pre-commit"));
    fs::set_permissions(root.join(".git/hooks/pre-push"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(keysieve(root, &["hook", "install"]).1.contains("renewed pre-push"));
    assert!(keysieve(root, &["hook", "verify"]).0);
    assert!(keysieve(root, &["hook", "uninstall"]).0);
    assert!(!root.join(".git/hooks/pre-commit").exists());
    let (ok, said) = keysieve(root, &["hook", "verify"]);
    assert!(!ok && said.contains("hook install"), "{said}");
}

#[test]
fn a_hook_that_was_there_still_runs_and_comes_back() {
    let repository = repository();
    let root = repository.path();
    let hook = root.join(".git/hooks/pre-commit");
    program(&hook, "#!/bin/sh\necho earlier-hook-ran >&2\n[ ! -f stop ]\n");
    keysieve(root, &["hook", "install", "--hook", "pre-commit"]);
    stage(root, "b.txt", "y\n");
    let (ok, said) = run("git", root, &["commit", "-q", "-m", "x"]);
    assert!(ok && said.contains("earlier-hook-ran"), "{said}");
    stage(root, "stop", "z\n");
    assert!(!run("git", root, &["commit", "-q", "-m", "x"]).0, "what it refuses is refused");
    keysieve(root, &["hook", "uninstall"]);
    assert!(fs::read_to_string(&hook).unwrap().contains("earlier-hook-ran"));
}

#[test]
fn other_places_for_hooks_are_respected() {
    let repository = repository();
    let root = repository.path();
    git(root, &["config", "core.hooksPath", "tools/hooks"]);
    let (_, said) = keysieve(root, &["hook", "install", "--hook", "pre-commit"]);
    assert!(root.join("tools/hooks/pre-commit").exists() && !root.join(".git/hooks/pre-commit").exists(), "{said}");
    assert!(keysieve(root, &["hook", "verify"]).0);
    keysieve(root, &["hook", "uninstall"]);

    git(root, &["config", "core.hooksPath", ".husky/_"]);
    program(
        &root.join(".husky/_/pre-commit"),
        "#!/bin/sh\nsh -e \"$(dirname \"$(dirname \"$0\")\")/pre-commit\" \"$@\"\n",
    );
    fs::write(root.join(".husky/pre-commit"), "true").unwrap();
    keysieve(root, &["hook", "install", "--hook", "pre-commit"]);
    assert!(fs::read_to_string(root.join(".husky/pre-commit")).unwrap().starts_with("true\nkeysieve hook run"));
    stage(root, "b.py", LEAK);
    assert!(!run("git", root, &["commit", "-q", "-m", "leak"]).0);
    keysieve(root, &["hook", "uninstall", "--hook", "pre-commit"]);
    assert_eq!(fs::read_to_string(root.join(".husky/pre-commit")).unwrap(), "true\n");

    fs::write(root.join("lefthook.yml"), "pre-commit: {}\n").unwrap();
    let (ok, said) = keysieve(root, &["hook", "install"]);
    assert!(!ok && said.contains("add this to lefthook.yml"), "{said}");
    assert!(
        said.contains("run: keysieve hook run pre-commit") && said.contains("run: keysieve hook run pre-push"),
        "{said}"
    );
}

#[test]
fn a_missing_keysieve_lets_nothing_through() {
    let repository = repository();
    let root = repository.path();
    keysieve(root, &["hook", "install", "--hook", "pre-commit"]);
    let hook = root.join(".git/hooks/pre-commit");
    let text = fs::read_to_string(&hook).unwrap().replace(env!("CARGO_BIN_EXE_keysieve"), "/nowhere/keysieve");
    program(&hook, &text.replace("$(command -v keysieve)", "$(command -v no-such-program)"));
    stage(root, "b.txt", "y\n");
    let (ok, said) = run("git", root, &["commit", "-q", "-m", "x"]);
    assert!(!ok && said.contains("not installed"), "{said}");
}

#[test]
fn named_files_are_read_and_staged_ones_from_the_index() {
    let repository = repository();
    let root = repository.path();
    fs::write(root.join("old.py"), LEAK).unwrap();
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "-m", "old"]);
    stage(root, "new.py", "x = 1\n");
    fs::write(root.join("new.py"), LEAK).unwrap();
    let run = |files: &[&str]| keysieve(root, &[&["hook", "run", "pre-commit"], files].concat());
    assert!(run(&[]).0, "the index holds nothing");
    assert!(run(&["new.py"]).0, "what is staged is read from the index");
    let (ok, said) = run(&["new.py", "old.py", "a.txt"]);
    assert!(!ok && said.contains("old.py") && said.contains("new.py"), "all files: {said}");
    assert!(!run(&["old.py"]).0, "a file that is named and not staged is read");
    assert!(run(&["a.txt"]).0);
    let (ok, said) = run(&["gone.py"]);
    assert!(!ok && said.contains("could not look at it") && said.contains("no such file"), "{said}");
    // A file that is named and not staged leads to the files as they are, and never away from what is staged.
    stage(root, "new.py", LEAK);
    fs::write(root.join("new.py"), "x = 1\n").unwrap();
    let (ok, said) = run(&["new.py", "a.txt"]);
    assert!(!ok && said.contains("new.py:1:13"), "{said}");
    assert!(!run(&["a.txt"]).0);
}

/// A repository with hooks, a branch that conflicts with `main`, and a remote that has all of it.
fn guarded() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = "git init -q -b main repository; cd repository
        mkdir sub; echo 'x = 1' > tracked.py; echo 'x = 1' > sub/inner.py; git add -A; git commit -q -m first
        git checkout -q -b other; echo 'x = 3' > tracked.py; git commit -q -a -m other
        git checkout -q main; echo 'x = 4' > tracked.py; git commit -q -a -m main
        git init -q --bare -b main ../remote.git; git remote add origin ../remote.git; git push -q origin --all
        git config protocol.file.allow always; git config interactive.singleKey false
        keysieve hook install > /dev/null";
    let (ok, said) = shell(folder.path(), script, "");
    assert!(ok, "{said}");
    folder
}

/// Runs each script with a secret, which is to be refused, and without one, which is to pass.
fn refused(forms: &[(&str, &str)], words: &str) {
    let template = guarded();
    let mut wrong = String::new();
    for (name, script) in forms {
        for (leak, passes) in [(LEAK, false), ("x = 2\n", true)] {
            let folder = tempfile::tempdir().unwrap();
            let copied =
                Command::new("cp").arg("-a").arg(template.path().join(".")).arg(folder.path()).status().unwrap();
            assert!(copied.success());
            let (ok, said) = shell(&folder.path().join("repository"), script, leak);
            let is_told = said.contains("generic-password") && said.contains(words);
            if ok != passes || ok == is_told {
                wrong += &format!("{name} {}: {said}\n", if passes { "without a secret" } else { "with a secret" });
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_form_of_commit_is_refused_with_a_secret() {
    refused(
        &[
            ("commit", "leak tracked.py; git add tracked.py; git commit -q -m x"),
            ("-a", "leak tracked.py; git commit -q -a -m x"),
            ("-am of a new file", "leak new.py; git add -N new.py; git commit -q -am x"),
            ("FILE", "leak tracked.py; git commit -q -m x tracked.py"),
            ("-o FILE", "leak tracked.py; git commit -q -m x -o tracked.py"),
            ("-o FILE beside what is staged", "echo > a; git add a; leak tracked.py; git commit -q -m x -o tracked.py"),
            ("-i FILE", "echo > a; git add a; leak tracked.py; git commit -q -m x -i tracked.py"),
            ("-p", "leak tracked.py; yes | git commit -q -m x -p"),
            ("--amend", "leak tracked.py; git add -A; git commit -q --amend --no-edit"),
            ("--amend -a", "leak tracked.py; git commit -q -a --amend --no-edit"),
            ("--allow-empty", "leak tracked.py; git add -A; git commit -q --allow-empty -m x"),
            ("-a in a folder", "leak sub/inner.py; cd sub; git commit -q -am x"),
            ("FILE in a folder", "leak tracked.py; cd sub; git commit -q -m x ../tracked.py"),
            ("-C", "leak tracked.py; cd /; git -C \"$ROOT\" commit -q -am x"),
            (
                "--git-dir and --work-tree",
                "leak tracked.py; cd /; git --git-dir=\"$ROOT/.git\" --work-tree=\"$ROOT\" commit -q -am x",
            ),
            ("relative GIT_DIR", "leak tracked.py; GIT_DIR=.git git commit -q -am x"),
            (
                "relative GIT_DIR, in a folder",
                "leak tracked.py; cd sub; GIT_DIR=../.git GIT_WORK_TREE=.. git commit -q -am x",
            ),
            (
                "a repository elsewhere",
                "git clone -q --bare . ../dot.git; export GIT_DIR=\"$ROOT/../dot.git\" GIT_WORK_TREE=\"$ROOT\"
                 git reset -q; keysieve hook install > /dev/null; rm -rf .git; leak tracked.py; git commit -q -am x",
            ),
            ("linked work tree", "git worktree add -q ../linked; cd ../linked; leak tracked.py; git commit -q -am x"),
            (
                "linked work tree, in a folder",
                "git worktree add -q ../l; cd ../l/sub; leak inner.py; git commit -q -am x",
            ),
            (
                "linked work tree of a bare repository",
                "git clone -q --bare . ../b.git; cd ../b.git; keysieve hook install > /dev/null
                 git worktree add -q ../l main; cd ../l; leak tracked.py; git commit -q -m x tracked.py",
            ),
            (
                "submodule",
                "git -c protocol.file.allow=always submodule --quiet add ../remote.git part; cd part; git checkout -q -b new
                 keysieve hook install > /dev/null; leak tracked.py; git commit -q -am x",
            ),
            ("sparse index", "git sparse-checkout set --sparse-index other; leak tracked.py; git commit -q -am x"),
            ("split index", "git update-index --split-index; leak tracked.py; git commit -q -am x"),
            ("split index, FILE", "git config core.splitIndex true; leak tracked.py; git commit -q -m x tracked.py"),
            (
                "split index of one's own",
                "git update-index --split-index; cp .git/index own; leak tracked.py; GIT_INDEX_FILE=own git commit -q -am x",
            ),
            ("index of version 4", "git update-index --index-version 4; leak tracked.py; git commit -q -am x"),
            ("index of one's own", "cp .git/index own; leak tracked.py; GIT_INDEX_FILE=own git commit -q -am x"),
            (
                "index of one's own, in a folder",
                "cp .git/index own; leak sub/inner.py; cd sub; GIT_INDEX_FILE=own git commit -q -am x",
            ),
            (
                "index of one's own, absolute",
                "cp .git/index ../own; leak tracked.py; GIT_INDEX_FILE=\"$ROOT/../own\" git commit -q -am x",
            ),
            (
                "objects elsewhere",
                "mkdir ../o; leak tracked.py; export GIT_OBJECT_DIRECTORY=\"$ROOT/../o\"
                 GIT_ALTERNATE_OBJECT_DIRECTORIES=.git/objects git commit -q -am x",
            ),
            ("merge", "git merge -q other > /dev/null || true; leak tracked.py; git commit -q -am x"),
            ("merge without commit", "git merge -q --no-commit -s ours other; leak sub/inner.py; git commit -q -am x"),
            (
                "squash",
                "git checkout -q -B one; leak sub/inner.py; git commit -q --no-verify -am x; git checkout -q main
                 git merge -q --squash one > /dev/null; git commit -q -m x",
            ),
            ("first commit", "git checkout -q --orphan new; leak tracked.py; git commit -q -am x"),
            (
                "SHA-256",
                "git init -q --object-format=sha256 ../s; cd ../s; keysieve hook install > /dev/null
                 echo > a; git add a; git commit -q -m x; leak a; git commit -q -am x",
            ),
            (
                "within a rebase",
                "git rebase -q -x 'printf \"%s\" \"$LEAK\" > tracked.py; git commit -q -am x' HEAD~1",
            ),
            (
                "hooks by a variable",
                "export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=\"$ROOT/my hooks\"
                 keysieve hook install > /dev/null; rm .git/hooks/pre-commit; leak tracked.py; git commit -q -am x",
            ),
            (
                "`staged` in a hook of one's own",
                "printf '#!/bin/sh\\nexec keysieve staged' > .git/hooks/pre-commit; leak tracked.py; git commit -q -am x",
            ),
            (
                "`staged` with a path",
                "printf '#!/bin/sh\\nexec keysieve staged \"$ROOT\"' > .git/hooks/pre-commit
                 leak tracked.py; git commit -q -am x",
            ),
            (
                "the pre-commit program's entry",
                "printf '#!/bin/sh\\ngit diff --cached --name-only -z | xargs -0 keysieve hook run pre-commit' \\
                   > .git/hooks/pre-commit
                 leak tracked.py; git commit -q -am x",
            ),
        ],
        "",
    );
}

#[test]
fn each_form_of_push_is_refused_with_a_secret() {
    const PAST: &str = "leak tracked.py; git commit -q --no-verify -am 'add key'";
    let forms = [
        ("an existing branch", "git push -q origin main"),
        ("a new branch", "git push -q origin HEAD:refs/heads/new"),
        ("a remote by its address", "git push -q ../remote.git HEAD:refs/heads/new"),
        ("by message", "git push -q origin 'HEAD^{/add key}:refs/heads/new'"),
        ("by message, two forms", "git push -q origin ':/add k:refs/heads/new' 'HEAD^{/d[ ]k}:refs/heads/two'"),
        ("by date", "git push -q origin 'main@{0 days ago}:refs/heads/new'"),
        ("by id", "git push -q origin \"$(git rev-parse HEAD):refs/heads/new\""),
        ("several refs", "git push -q origin other:refs/heads/a HEAD:refs/heads/b :other"),
        ("forced", "git reset -q --soft HEAD~2; git commit -q --no-verify -m beside; git push -q -f origin main"),
        ("--all", "git push -q --all origin"),
        ("--mirror", "git push -q --mirror origin"),
        ("lightweight tag", "git tag v1; git push -q origin v1"),
        ("annotated tag", "git tag -a -m x v1; git push -q origin v1"),
        ("tag of a tag", "git tag -a -m x v1; git tag -a -m x v2 v1; git push -q origin v2"),
        ("--tags", "git tag v1; git push -q --tags origin"),
        ("--follow-tags", "git tag -a -m x v1; git push -q --follow-tags origin main"),
        (
            "cherry-pick",
            "git checkout -q other; git cherry-pick -n main > /dev/null || git checkout -q main -- .
            git commit -q --no-verify -m x; git push -q origin other",
        ),
        (
            "what another remote has",
            "git push -q --no-verify origin main; git init -q --bare ../other.git; git remote add o ../other.git; \
             git push -q o main",
        ),
        ("a linked work tree", "git worktree add -q ../linked; cd ../linked; git push -q origin HEAD:refs/heads/new"),
        ("elsewhere", "cd /; git --git-dir=\"$ROOT/.git\" push -q \"$ROOT/../remote.git\" main"),
    ];
    let forms: Vec<(&str, String)> = forms.iter().map(|(name, push)| (*name, format!("{PAST}; {push}"))).collect();
    let forms: Vec<(&str, &str)> = forms.iter().map(|(name, script)| (*name, script.as_str())).collect();
    refused(&forms, "refused this push");
    let beside = [
        ("a tag's message", "git tag -a -m \"$LEAK\" v1; git push -q origin v1"),
        ("a tag of a tag's message", "git tag -a -m \"$LEAK\" v1; git tag -a -m x v2 v1; git push -q origin v2 v1"),
        ("a tag of a blob", "leak a; git tag v1 $(git hash-object -w a); git push -q origin v1"),
        ("an annotated tag of a blob", "leak a; git tag -a -m x v1 $(git hash-object -w a); git push -q origin v1"),
        ("a tree", "leak a; git add a; git push -q origin $(git write-tree):refs/tags/v1"),
        ("a note", "git notes add -m \"$LEAK\"; git push -q origin refs/notes/commits"),
        ("a stash", "leak tracked.py; git stash push -q; git push -q origin stash@{0}:refs/heads/x"),
    ];
    refused(&beside, "refused this push");
    let folder = guarded();
    let clean = "git push origin main; git push -q origin main:refs/heads/gone; git push -q origin :gone";
    let (ok, said) = shell(&folder.path().join("repository"), clean, "");
    assert!(ok, "nothing to push and a deleted branch are clean: {said}");
}

#[test]
fn a_line_of_a_push_that_is_none_is_a_gap() {
    let folder = guarded();
    let root = folder.path().join("repository");
    let (head, none) = (git(&root, &["rev-parse", "HEAD"]).trim().to_owned(), "0".repeat(40));
    let absent = "1".repeat(40);
    let many = format!("a {head} refs/heads/a {none}\n").repeat(400_000);
    let rows: &[(&str, Vec<u8>, i32)] = &[
        ("nothing", vec![], 0),
        ("an empty line", b"\n".to_vec(), 0),
        ("a branch", format!("refs/heads/main {head} refs/heads/main {none}\n").into(), 0),
        ("no line break", format!("refs/heads/main {head} refs/heads/main {none}").into(), 0),
        ("a deleted branch", format!("(delete) {none} refs/heads/main {head}\n").into(), 0),
        ("a name that is no UTF-8", [b"refs/heads/\xff ", format!("{head} r {none}").as_bytes()].concat(), 0),
        ("blanks", format!("HEAD^{{/a  b c}} {head} refs/heads/x {none}\n").into(), 0),
        ("words", b"refs/heads/main\n".to_vec(), 3),
        ("three words", format!("{head} refs/heads/main {none}\n").into(), 3),
        ("a name for an id", format!("refs/heads/main main refs/heads/main {none}\n").into(), 3),
        ("half an id", format!("refs/heads/main {} refs/heads/main {none}\n", &head[..20]).into(), 3),
        ("a name that is broken in two", format!("HEAD^{{/a\nb}} {head} refs/heads/x {none}\n").into(), 3),
        ("a commit that is not here", format!("refs/heads/main {absent} refs/heads/main {none}\n").into(), 3),
        ("one of two", format!("a {head} refs/heads/a {none}\nb {absent} refs/heads/b {none}\n").into(), 3),
        ("more than is read", many.into_bytes(), 3),
    ];
    for (name, input, code) in rows {
        let mut child = command("keysieve", &root, &["range", "--pre-push"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(*code), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_hook_that_cannot_read_something_has_words_of_its_own() {
    let repository = repository();
    let root = repository.path();
    keysieve(root, &["hook", "install"]);
    // An archive that is cut short.
    fs::write(root.join("a [1].gz"), b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x4c").unwrap();
    git(root, &["add", "-A"]);
    let (ok, said) = run("git", root, &["commit", "-q", "-m", "x"]);
    assert!(!ok && said.contains("One thing could not be read"), "{said}");
    assert!(said.contains("[[accept_incomplete]]\npath = \"a [[]1[]].gz\"\nreason = "), "{said}");
    assert!(!said.contains("Take the secret out"), "{said}");
    // What it prints is what lets it through.
    let entry = said.split_once("[[accept_incomplete]]").unwrap().1;
    fs::write(root.join(".keysieve.toml"), format!("[[accept_incomplete]]{entry}")).unwrap();
    assert!(run("git", root, &["commit", "-q", "--allow-empty", "-m", "x"]).0);
    fs::write(root.join("c.gz"), fs::read(root.join("a [1].gz")).unwrap()).unwrap();
    fs::remove_file(root.join(".keysieve.toml")).unwrap();
    git(root, &["add", "-A"]);
    // With a secret beside it both are told.
    stage(root, "b.py", LEAK);
    let (ok, said) = run("git", root, &["commit", "-q", "-m", "x"]);
    assert!(!ok && said.contains("One thing could not be read") && said.contains("Take the secret out"), "{said}");
    // What keeps a hook from looking refuses as well, and says so.
    fs::write(root.join(".keysieve.toml"), "[rules\n").unwrap();
    let (ok, said) = run("git", root, &["commit", "-q", "-m", "x"]);
    assert!(!ok && said.contains("refused this commit, as it could not look at it"), "{said}");
    fs::remove_file(root.join(".keysieve.toml")).unwrap();
    // Of an index that is not there nothing is known.
    let output =
        command("keysieve", root, &["hook", "run", "pre-commit"]).env("GIT_INDEX_FILE", "nowhere").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("`GIT_INDEX_FILE` names it")
            && said.contains("[[accept_incomplete]]\ncode = \"nothing-to-read\""),
        "{said}"
    );
}

#[test]
fn a_hook_of_a_server_sees_what_is_in_quarantine() {
    let script = "hook=../remote.git/hooks/pre-receive
        printf '#!/bin/sh\\nwhile read old new ref; do keysieve range \"$old..$new\" || exit 1; done' > $hook
        chmod +x $hook; leak tracked.py; git commit -q --no-verify -am x; git push -q --no-verify origin main";
    refused(&[("pre-receive", script)], "");
}

/// The pre-commit program reads what git tells a hook, and tells it on by variables.
#[test]
fn the_pre_commit_program_tells_of_a_push_by_variables() {
    let folder = guarded();
    let root = folder.path().join("repository");
    let (ok, said) = shell(&root, "leak tracked.py; git commit -q --no-verify -am x", LEAK);
    assert!(ok, "{said}");
    let (head, before) = (git(&root, &["rev-parse", "HEAD"]), git(&root, &["rev-parse", "HEAD~1"]));
    let rows: [(&[(&str, &str)], i32); 6] = [
        (&[("PRE_COMMIT_FROM_REF", before.trim()), ("PRE_COMMIT_TO_REF", head.trim())], 1),
        (&[("PRE_COMMIT_TO_REF", head.trim())], 1),
        (&[("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main"), ("PRE_COMMIT_REMOTE_NAME", "origin")], 1),
        (&[("PRE_COMMIT_TO_REF", before.trim()), ("PRE_COMMIT_REMOTE_NAME", "origin")], 0),
        (&[("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/nowhere")], 3),
        (&[], 3),
    ];
    for (variables, code) in rows {
        let mut hook = command("keysieve", &root, &["hook", "run", "pre-push"]);
        let output = hook.env("PRE_COMMIT", "1").envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{variables:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // What it takes from the repository has an entry for each hook.
    let listed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml")).unwrap();
    for language in ["rust", "system", "docker"] {
        for stage in ["pre-commit", "pre-push"] {
            let is_it = |hook: &str| {
                hook.contains(&format!("language: {language}\n"))
                    && hook.contains(&format!("stages: [{stage}]"))
                    && hook.contains(&format!("hook run {stage}\n"))
            };
            assert!(listed.split("\n- id: ").any(is_it), "{language} {stage}");
        }
    }
}
