//! `keysieve hook verify`: plants a key in a scratch clone, where the repository's own hooks run, and tries each way to
//! commit it and to push it. Git hands its hooks another index, another work tree or other names with each of them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail, ensure};
use keysieve_engine::rules::sample;

use super::super::say;
use super::{Hook, MARK, NO_GIT, Place, PlaceArgs, read, wanted};

/// The file that the key is planted in, and its folder.
const FOLDER: &str = "keysieve-verify";
const FILE: &str = "keysieve-verify/planted.txt";
/// The rule that finds the key.
const RULE: &str = "aws-access-key-id";

/// A way to commit what `FILE` holds. Words that begin with `@` stand for paths of the scratch clone.
struct CommitForm {
    /// As a user would write it.
    name: &'static str,
    /// What is done before, once the key is planted.
    before: &'static [&'static [&'static str]],
    /// Where git is started.
    from: &'static str,
    /// Its arguments.
    arguments: &'static [&'static str],
}

const fn form(name: &'static str, arguments: &'static [&'static str]) -> CommitForm {
    CommitForm { name, before: &[], from: "@clone", arguments }
}

const fn staged(name: &'static str, arguments: &'static [&'static str]) -> CommitForm {
    CommitForm { before: &[&["add", FILE]], ..form(name, arguments) }
}

const COMMITS: &[CommitForm] = &[
    staged("git commit", &["commit", "-m", "x"]),
    form("git commit -a", &["commit", "-a", "-m", "x"]),
    form("git commit FILE", &["commit", "-m", "x", FILE]),
    form("git commit -i FILE", &["commit", "-m", "x", "-i", FILE]),
    form("git commit -p", &["commit", "-m", "x", "-p"]),
    staged("git commit --amend", &["commit", "--amend", "-m", "x"]),
    form("git commit --amend -a", &["commit", "--amend", "-a", "-m", "x"]),
    CommitForm { from: "@folder", ..form("git commit -a, in a folder", &["commit", "-a", "-m", "x"]) },
    CommitForm {
        from: "@scratch",
        ..form("git --git-dir … commit", &["--git-dir=@git", "--work-tree=@clone", "commit", "-a", "-m", "x"])
    },
    CommitForm {
        before: &[&["merge", "-q", "--no-ff", "--no-commit", "keysieve-other"]],
        ..form("git commit -a, of a merge", &["commit", "-a", "-m", "x"])
    },
    CommitForm { from: "@linked", ..form("git commit -a, in a linked work tree", &["commit", "-a", "-m", "x"]) },
];

/// A way to push the planted key to `@remote`, to which `keysieve-clean` was pushed before.
const PUSHES: &[(&str, &[&str])] = &[
    ("a new branch", &["HEAD:refs/heads/new"]),
    ("an existing branch", &["HEAD:refs/heads/clean"]),
    ("an existing branch, forced", &["+keysieve-beside:refs/heads/clean"]),
    ("several branches", &["keysieve-clean:refs/heads/other", "HEAD:refs/heads/new"]),
    ("a commit by its id", &["@leak:refs/heads/new"]),
    ("a commit by its message", &["HEAD^{/keysieve verify planted}:refs/heads/new"]),
    ("a branch by its date", &["keysieve-leak@{0 days ago}:refs/heads/new"]),
    ("a lightweight tag", &["refs/tags/keysieve-light"]),
    ("an annotated tag", &["refs/tags/keysieve-annotated"]),
    ("all branches", &["--all"]),
    ("all tags", &["--tags"]),
];

/// Runs the hooks that are installed against each form.
pub fn run(arguments: &PlaceArgs) -> anyhow::Result<ExitCode> {
    let place = Place::of(&arguments.repository)?;
    let installed: Vec<Hook> = wanted(&arguments.hooks)
        .into_iter()
        .filter(|hook| read(&place.file(*hook)).is_ok_and(|text| text.is_some_and(|text| text.contains(MARK))))
        .collect();
    if installed.is_empty() {
        bail!("there is no hook of keysieve's in `{}`; `keysieve hook install` puts one there", place.folder.display());
    }
    let scratch = Scratch::of(&place)?;
    for hook in installed {
        match hook {
            Hook::PreCommit => scratch.try_commits()?,
            Hook::PrePush => scratch.try_pushes()?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A made-up key that looks like a real one, new each time.
fn planted() -> String {
    let mut seed = [0; 8];
    let _ = getrandom::fill(&mut seed);
    sample::fill("aws_access_key_id = <aws-key-id AKIA>\n", u64::from_le_bytes(seed)).unwrap_or_default()
}

/// A clone that can be thrown away, with the repository's own hooks.
struct Scratch {
    folder: tempfile::TempDir,
    clone: PathBuf,
    hooks: PathBuf,
}

/// How a command of git's ended.
struct Ended {
    passed: bool,
    said: String,
}

impl Scratch {
    fn of(place: &Place) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a scratch folder")?;
        let clone = folder.path().join("clone");
        let hooks = fs::canonicalize(&place.folder).unwrap_or_else(|_| place.folder.clone());
        let scratch = Self { folder, clone, hooks };
        let to = scratch.clone.display().to_string();
        let from = fs::canonicalize(&place.root).unwrap_or_else(|_| place.root.clone()).display().to_string();
        let cloned = scratch.git(Path::new("."), &["clone", "-q", "--shared", "--no-tags", &from, &to])?;
        ensure!(cloned.passed, "cannot clone `{from}` to try the hooks in:\n{}", cloned.said);
        Ok(scratch)
    }

    /// Tries each form of commit from one clean commit on.
    fn try_commits(&self) -> anyhow::Result<()> {
        self.write(&self.clone, "nothing to hide\n")?;
        self.quietly(&["add", "-f", FILE])?;
        self.must_pass(&["commit", "-q", "-m", "clean"], "a clean commit")?;
        let clean = self.id("HEAD")?;
        let other = self.quietly(&["commit-tree", "-p", &clean, "-m", "other", "HEAD^{tree}"])?;
        self.quietly(&["branch", "keysieve-other", other.trim()])?;
        let linked = self.place("@linked");
        self.quietly(&["worktree", "add", "-q", "--detach", &linked.display().to_string()])?;
        let mut through = Vec::new();
        for form in COMMITS {
            self.quietly(&["reset", "-q", "--hard", &clean])?;
            for arguments in form.before.iter().filter(|arguments| arguments[0] == "merge") {
                self.quietly(arguments)?;
            }
            let tree = if form.from == "@linked" { &linked } else { &self.clone };
            self.write(tree, &planted())?;
            for arguments in form.before.iter().filter(|arguments| arguments[0] != "merge") {
                self.quietly(arguments)?;
            }
            let arguments: Vec<String> = form.arguments.iter().map(|word| self.filled(word)).collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            self.must_be_refused(&self.place(form.from), &arguments, form.name, &mut through)?;
        }
        self.said("pre-commit", "commit", COMMITS.len(), &through)?;
        self.quietly(&["reset", "-q", "--hard", &clean])?;
        Ok(())
    }

    /// Tries each form of push, of a commit that went past its hook.
    fn try_pushes(&self) -> anyhow::Result<()> {
        let remote = self.place("@remote").display().to_string();
        let format = self.quietly(&["rev-parse", "--show-object-format"])?;
        self.quietly(&["init", "-q", "--bare", &format!("--object-format={}", format.trim()), &remote])?;
        let commit = |text: &str, message: &str| {
            self.write(&self.clone, text)?;
            self.quietly(&["add", "-f", FILE])?;
            self.quietly(&["commit", "-q", "--no-verify", "-m", message])
        };
        commit("nothing to hide any more\n", "clean")?;
        let first = self.id("HEAD")?;
        commit("nothing to hide at all\n", "clean")?;
        self.quietly(&["branch", "keysieve-clean"])?;
        self.must_pass(&["push", "-q", &remote, "keysieve-clean:refs/heads/clean"], "a clean push")?;
        self.must_pass(&["push", "-q", &remote, "keysieve-clean:refs/heads/gone"], "a clean push")?;
        self.must_pass(&["push", "-q", &remote, ":refs/heads/gone"], "a push that deletes a branch")?;
        self.quietly(&["checkout", "-q", "-b", "keysieve-leak"])?;
        commit(&planted(), "keysieve verify planted")?;
        let beside = self.quietly(&["commit-tree", "-p", &first, "-m", "beside", "HEAD^{tree}"])?;
        for [name, at] in [["keysieve-beside", beside.trim()], ["keysieve-second", "HEAD"]] {
            self.quietly(&["branch", name, at])?;
        }
        self.quietly(&["tag", "--no-sign", "keysieve-light"])?;
        self.quietly(&["tag", "--no-sign", "-a", "-m", "x", "keysieve-annotated"])?;
        let leak = self.id("HEAD")?;
        let mut through = Vec::new();
        for (name, refspecs) in PUSHES {
            let refspecs: Vec<String> = refspecs.iter().map(|word| word.replace("@leak", &leak)).collect();
            let mut arguments = vec!["push", "-q", remote.as_str()];
            arguments.extend(refspecs.iter().map(String::as_str));
            self.must_be_refused(&self.clone, &arguments, name, &mut through)?;
        }
        self.said("pre-push", "push", PUSHES.len(), &through)
    }

    /// Says what was refused, or fails with what was not.
    fn said(&self, hook: &str, what: &str, tried: usize, through: &[String]) -> anyhow::Result<()> {
        ensure!(
            through.is_empty(),
            "{} of {tried} forms of {what} with a planted key went through: {}. The hooks in `{}` do not protect this \
             repository.",
            through.len(),
            through.join("; "),
            self.hooks.display()
        );
        say::result(&format!("{hook}: refuses a planted key in {tried} forms of {what}, lets a clean {what} pass"));
        Ok(())
    }

    /// What a word that begins with `@` stands for.
    fn place(&self, word: &str) -> PathBuf {
        match word {
            "@scratch" => self.folder.path().to_owned(),
            "@clone" => self.clone.clone(),
            "@git" => self.clone.join(".git"),
            "@folder" => self.clone.join(FOLDER),
            other => self.folder.path().join(other.trim_start_matches('@')),
        }
    }

    fn filled(&self, word: &str) -> String {
        match word.split_once('@') {
            Some((option, place)) => format!("{option}{}", self.place(&format!("@{place}")).display()),
            None => word.to_owned(),
        }
    }

    fn git(&self, folder: &Path, arguments: &[&str]) -> anyhow::Result<Ended> {
        let mut command = Command::new("git");
        // Around a hook that calls this stand git's variables, which name the outer repository.
        for (name, _) in std::env::vars_os().filter(|(name, _)| names_a_repository(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let hooks = format!("core.hooksPath={}", self.hooks.display());
        let settings = [
            "user.name=keysieve",
            "user.email=keysieve@localhost",
            "commit.gpgsign=false",
            "interactive.singleKey=false",
        ];
        command.args(settings.iter().chain([&hooks.as_str()]).flat_map(|setting| ["-c", setting]));
        let mut child = command
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context(NO_GIT)?;
        // `git commit -p` asks. A command that asks nothing may have ended before it is told.
        let _ = child.stdin.take().map(|mut input| input.write_all(b"y\ny\n"));
        let output = child.wait_with_output().context(NO_GIT)?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        Ok(Ended { passed: output.status.success(), said })
    }

    /// Runs a command that prepares the ground.
    fn quietly(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let ended = self.git(&self.clone, arguments)?;
        ensure!(ended.passed, "`git {}` failed in the scratch clone:\n{}", arguments.join(" "), ended.said);
        Ok(ended.said)
    }

    fn id(&self, name: &str) -> anyhow::Result<String> {
        Ok(self.quietly(&["rev-parse", "--verify", name])?.trim().to_owned())
    }

    /// Makes `text` the content of the file in a work tree.
    fn write(&self, tree: &Path, text: &str) -> anyhow::Result<()> {
        let file = tree.join(FILE);
        fs::create_dir_all(tree.join(FOLDER))
            .and_then(|()| fs::write(file, text))
            .context("cannot write into the scratch clone")
    }

    fn must_pass(&self, arguments: &[&str], what: &str) -> anyhow::Result<()> {
        let ended = self.git(&self.clone, arguments)?;
        ensure!(ended.passed, "{what} was refused:\n{}", ended.said);
        Ok(())
    }

    /// Runs a command that keysieve has to refuse; if it passes, its name goes to `through`.
    fn must_be_refused(
        &self,
        folder: &Path,
        arguments: &[&str],
        name: &str,
        through: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let ended = self.git(folder, arguments)?;
        match ended.passed {
            true => through.push(name.to_owned()),
            false => ensure!(ended.said.contains(RULE), "{name} was refused, but not by keysieve:\n{}", ended.said),
        }
        Ok(())
    }
}

/// Whether a variable of git's is about one repository (`git rev-parse --local-env-vars`).
fn names_a_repository(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_COMMON_DIR",
        "GIT_INDEX_FILE",
        "GIT_PREFIX",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_QUARANTINE_PATH",
        "GIT_NAMESPACE",
        "GIT_GRAFT_FILE",
        "GIT_SHALLOW_FILE",
        "GIT_REPLACE_REF_BASE",
    ];
    NAMES.contains(&name)
}
