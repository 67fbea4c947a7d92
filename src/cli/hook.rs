//! `keysieve hook`: git's hooks, put in place, taken away, proven, and run.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use keysieve::detect::Detector;
use keysieve::file;
use keysieve::file::write::{self, Access};
use keysieve::outcome::Outcome;
use keysieve::rules::sample;
use keysieve::source::changes::staged;
use keysieve::source::history::Repository;
use keysieve::source::history::repository::check_special;

use super::changes::{self, RangeArgs};
use super::limits::LimitArgs;
use super::progress;
use super::settings::{ReportArgs, Settings, SourceArgs, TrustArgs};
use super::{NOTHING_FOUND, scan};

/// The actions of `hook`.
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Puts hooks in place that refuse commits and pushes with credentials; hooks that are there already still run
    Install(PlaceArgs),
    /// Takes them away again
    Uninstall(PlaceArgs),
    /// Proves in a scratch clone that they refuse a planted key and let a clean commit pass
    Verify(PlaceArgs),
    /// What the hooks call
    Run(RunArgs),
}

/// Which hooks, of which repository.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// Hooks [default: both]
    #[arg(long = "hook", value_enum, value_name = "HOOK")]
    hooks: Vec<Hook>,
    /// A work tree
    #[arg(default_value = ".", value_name = "REPO")]
    repository: PathBuf,
}

/// The arguments of `hook run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which hook
    #[arg(value_enum)]
    hook: Hook,
    /// What git, or a program that manages hooks, passes to it: files to look at, or the remote's name and address
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<PathBuf>,
}

/// A hook of git's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Hook {
    /// Before a commit: looks at what is staged
    PreCommit,
    /// Before a push: looks at the commits that the remote does not have
    PrePush,
}

impl Hook {
    fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
        }
    }
}

/// Stands in every file that is ours.
const MARK: &str = "# keysieve hook";
/// What a hook that was there before is renamed to.
const BEFORE: &str = "before-keysieve";

/// Carries out an action.
pub fn run(command: HookCommand) -> anyhow::Result<ExitCode> {
    match command {
        HookCommand::Install(arguments) => each(&arguments, install),
        HookCommand::Uninstall(arguments) => each(&arguments, uninstall),
        HookCommand::Verify(arguments) => verify(&arguments),
        HookCommand::Run(arguments) => run_hook(&arguments),
    }
}

/// Where a repository's hooks are, and who manages them.
struct Place {
    root: PathBuf,
    folder: PathBuf,
    /// The folder where husky's users write their hooks.
    husky: Option<PathBuf>,
}

impl Place {
    fn of(repository: &Path) -> anyhow::Result<Self> {
        check_special(repository, true)?;
        let opened = git2::Repository::discover(repository).map_err(|error| {
            let path = repository.display();
            match error.code() {
                git2::ErrorCode::NotFound => {
                    anyhow::anyhow!("`{path}` is no git repository, nor in one; `git init` makes one")
                }
                _ => anyhow::anyhow!("cannot open the repository at `{path}`: {}", error.message()),
            }
        })?;
        let root = opened.workdir().map_or_else(|| opened.path().to_owned(), Path::to_owned);
        let set = opened.config().and_then(|mut config| config.snapshot()).and_then(|it| it.get_path("core.hooksPath"));
        let folder = match set {
            Ok(path) => root.join(path),
            Err(_) => opened.commondir().join("hooks"),
        };
        let is_husky = |path: &Path| path.file_name().is_some_and(|name| name == ".husky");
        let husky = folder.ancestors().take(2).find(|path| is_husky(path)).map(Path::to_owned);
        Ok(Self { root, folder, husky })
    }

    /// The file that git, or husky, runs.
    fn file(&self, hook: Hook) -> PathBuf {
        self.husky.as_ref().unwrap_or(&self.folder).join(hook.name())
    }

    fn lefthook(&self) -> Option<&'static str> {
        let names =
            ["lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook.yaml", "lefthook.toml", "lefthook.json"];
        names.into_iter().find(|name| self.root.join(name).exists())
    }
}

fn each(arguments: &PlaceArgs, action: fn(&Place, Hook) -> anyhow::Result<String>) -> anyhow::Result<ExitCode> {
    let place = Place::of(&arguments.repository)?;
    for hook in wanted(&arguments.hooks) {
        anstream::println!("{}", action(&place, hook)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted(hooks: &[Hook]) -> Vec<Hook> {
    if hooks.is_empty() { vec![Hook::PreCommit, Hook::PrePush] } else { hooks.to_vec() }
}

fn install(place: &Place, hook: Hook) -> anyhow::Result<String> {
    if let Some(name) = place.lefthook() {
        bail!(
            "lefthook manages the hooks of this repository and would write over ours; add this to {name}, then run \
             `lefthook install`:\n\n{0}:\n  commands:\n    keysieve:\n      run: keysieve hook run {0} {{0}}\n      \
             use_stdin: true",
            hook.name()
        );
    }
    let file = place.file(hook);
    let text = read(&file)?;
    if text.as_deref().is_some_and(|text| text.contains(MARK)) {
        return Ok(format!("{} is in place already: {}", hook.name(), file.display()));
    }
    let failed = || format!("cannot write the hook `{}`", file.display());
    if place.husky.is_some() {
        let line = format!("keysieve hook run {} \"$@\" {MARK}\n", hook.name());
        let mut text = text.unwrap_or_default();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        write_program(&file, &(text + &line)).with_context(failed)?;
        return Ok(format!("added to husky's {}: {}", hook.name(), file.display()));
    }
    let kept = match text {
        Some(_) => {
            let before = with_suffix(&file);
            if before.symlink_metadata().is_ok() {
                bail!("`{}` is in the way; move it, then install again", before.display());
            }
            fs::rename(&file, &before).with_context(failed)?;
            format!("; the hook that was there is now {} and runs first", before.display())
        }
        None => String::new(),
    };
    write_program(&file, &script(hook)).with_context(failed)?;
    Ok(format!("installed {}: {}{kept}", hook.name(), file.display()))
}

fn uninstall(place: &Place, hook: Hook) -> anyhow::Result<String> {
    let file = place.file(hook);
    let Some(text) = read(&file)?.filter(|text| text.contains(MARK)) else {
        return Ok(format!("no {} of keysieve's: {}", hook.name(), file.display()));
    };
    let failed = || format!("cannot remove the hook `{}`", file.display());
    if place.husky.is_some() {
        let rest: String = text.lines().filter(|line| !line.contains(MARK)).map(|line| format!("{line}\n")).collect();
        match rest.trim().is_empty() {
            true => fs::remove_file(&file).with_context(failed)?,
            false => write_program(&file, &rest).with_context(failed)?,
        }
        return Ok(format!("took keysieve out of {}", file.display()));
    }
    let before = with_suffix(&file);
    if before.exists() {
        fs::rename(&before, &file).with_context(failed)?;
        return Ok(format!("removed {}; the hook that was there before is back: {}", hook.name(), file.display()));
    }
    fs::remove_file(&file).with_context(failed)?;
    Ok(format!("removed {}: {}", hook.name(), file.display()))
}

fn read(file: &Path) -> anyhow::Result<Option<String>> {
    // Hooks are often links to scripts of the repository.
    let read = file::open(file, true).and_then(|mut open| {
        let mut bytes = Vec::new();
        match open.metadata()?.is_file() {
            true => open.read_to_end(&mut bytes).map(|_| bytes),
            false => Err(io::Error::other("it is no regular file")),
        }
    });
    match read {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read the hook `{}`", file.display())),
    }
}

fn with_suffix(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{BEFORE}"));
    PathBuf::from(name)
}

/// Writes beside `file`, then renames, so that no half hook is ever run.
fn write_program(file: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    write::all(file, text.as_bytes(), Access::Program)
}

/// The hook. It fails where keysieve is missing: what was not looked at is not let through in silence.
fn script(hook: Hook) -> String {
    let here = std::env::current_exe().unwrap_or_default().display().to_string().replace('\'', "'\\''");
    let name = hook.name();
    format!(
        "#!/bin/sh\n{MARK}: refuses credentials. `keysieve hook uninstall` removes it.\n\
         input=\n[ {name} = pre-commit ] || input=$(cat)\n\
         before=\"$0.{BEFORE}\"\n\
         if [ -x \"$before\" ]; then\n  printf '%s\\n' \"$input\" | \"$before\" \"$@\" || exit $?\nfi\n\
         keysieve=$(command -v keysieve) || keysieve='{here}'\n\
         if [ ! -x \"$keysieve\" ]; then\n  \
         echo \"keysieve is not installed, so nothing was looked at and nothing goes through.\" >&2\n  \
         echo \"Install it, or remove this hook: rm '$0'\" >&2\n  exit 1\nfi\n\
         printf '%s\\n' \"$input\" | \"$keysieve\" hook run {name} \"$@\"\n"
    )
}

fn run_hook(arguments: &RunArgs) -> anyhow::Result<ExitCode> {
    let (code, what) = match arguments.hook {
        Hook::PreCommit => (pre_commit(&arguments.arguments)?, "commit"),
        Hook::PrePush => (changes::run_range(RangeArgs::pre_push())?, "push"),
    };
    if code != ExitCode::from(NOTHING_FOUND) {
        let again = match arguments.hook {
            Hook::PreCommit => "`git add` the file again",
            Hook::PrePush => "take it out of the commits too (`git rebase -i`, `git commit --amend`)",
        };
        anstream::eprintln!(
            "\nkeysieve refused this {what}. What to do:\n  \
             1. Take the secret out of the file and read it from the environment or a secret store; {again}.\n  \
             2. If anybody else can have seen it, revoke it: `rotate` above says where.\n  \
             3. If it is no secret, write `keysieve:allow <rule> — why` in a comment on its line, or accept it in \
             .keysieve.toml."
        );
    }
    Ok(code)
}

/// Looks at the index; at files instead, where a program that manages hooks names some that are not staged.
fn pre_commit(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let repository = Repository::discover(Path::new("."), TrustArgs::of_hook().into())?;
    let report = ReportArgs::default();
    if !files.is_empty() {
        let staged = staged::paths(&repository);
        let root = repository.root();
        let is_staged = |file: &PathBuf| {
            let absolute = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
            let root = fs::canonicalize(&root).unwrap_or_else(|_| root.clone());
            absolute.strip_prefix(root).is_ok_and(|path| staged.contains(path.as_os_str().as_encoded_bytes()))
        };
        if !files.iter().all(is_staged) {
            // `pre-commit run --all-files` and `--files`: the files as they are.
            let files = files.iter().filter(|file| file.symlink_metadata().is_ok_and(|it| it.is_file()));
            let source = SourceArgs::of(files.cloned().collect());
            if source.paths.is_empty() {
                return Ok(ExitCode::from(NOTHING_FOUND));
            }
            let settings = Settings::read(&source)?;
            let detector = Detector::new(settings.config.rules())?;
            let outcome = scan::scan(&source, &settings, &detector, &progress::begin(source.limits.limits()))?;
            return shown(&outcome, &detector, &settings, &report);
        }
    }
    let settings = Settings::of(&repository.root(), &report_settings())?;
    let detector = Detector::new(settings.config.rules())?;
    let changes = staged::scan(&repository, &detector, &progress::begin(LimitArgs::default().limits()));
    let outcome = changes::outcome(changes, &detector, &settings);
    shown(&outcome, &detector, &settings, &report)
}

fn report_settings() -> super::settings::AcceptedArgs {
    super::settings::AcceptedArgs::default()
}

/// Prints only where there is something to say: a hook that always talks is one that nobody reads.
fn shown(outcome: &Outcome, detector: &Detector, settings: &Settings, report: &ReportArgs) -> anyhow::Result<ExitCode> {
    match scan::is_clean(outcome, settings) {
        true => Ok(ExitCode::from(NOTHING_FOUND)),
        false => scan::report(outcome, detector, settings, report),
    }
}

/// Plants a key in a scratch clone, where the repository's own hooks run.
fn verify(arguments: &PlaceArgs) -> anyhow::Result<ExitCode> {
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
            Hook::PreCommit => {
                scratch.write(&planted())?;
                scratch.must(false, &["commit", "-q", "-m", "planted"], "a commit with a planted key")?;
                scratch.write("nothing to hide\n")?;
                scratch.must(true, &["commit", "-q", "-m", "clean"], "a clean commit")?;
            }
            Hook::PrePush => {
                let remote = scratch.folder.path().join("remote.git");
                scratch.git(Path::new("."), &["init", "-q", "--bare", &remote.display().to_string()])?;
                scratch.write("nothing to hide any more\n")?;
                scratch.must(true, &["commit", "-q", "--no-verify", "-m", "clean"], "a commit without its hook")?;
                let push = ["push", "-q", &remote.display().to_string(), "HEAD:refs/heads/keysieve-verify"];
                scratch.must(true, &push, "a clean push")?;
                scratch.write(&planted())?;
                scratch.must(true, &["commit", "-q", "--no-verify", "-m", "planted"], "a commit without its hook")?;
                scratch.must(false, &push, "a push of a planted key")?;
            }
        }
        anstream::println!(
            "{}: refuses a planted key{}",
            hook.name(),
            match hook {
                Hook::PreCommit => ", lets a clean commit pass",
                Hook::PrePush => ", lets a clean push pass",
            }
        );
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

impl Scratch {
    fn of(place: &Place) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a scratch folder")?;
        let clone = folder.path().join("clone");
        let hooks = fs::canonicalize(&place.folder).unwrap_or_else(|_| place.folder.clone());
        let scratch = Self { folder, clone, hooks };
        let to = scratch.clone.display().to_string();
        let from = fs::canonicalize(&place.root).unwrap_or_else(|_| place.root.clone()).display().to_string();
        if !scratch.git(Path::new("."), &["clone", "-q", "--shared", "--no-tags", &from, &to])?.0 {
            bail!("cannot clone `{from}` to try the hooks in");
        }
        Ok(scratch)
    }

    fn git(&self, folder: &Path, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
        let mut command = Command::new("git");
        // A hook that calls this has git's variables around it, which name the outer repository.
        for name in
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"]
        {
            command.env_remove(name);
        }
        let output = command
            .args(["-c", "user.name=keysieve", "-c", "user.email=keysieve@localhost", "-c", "commit.gpgsign=false"])
            .arg("-c")
            .arg(format!("core.hooksPath={}", self.hooks.display()))
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .context("cannot start git, which is what runs hooks; is it installed?")?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        Ok((output.status.success(), said))
    }

    /// Makes `text` the content of a new file and stages it.
    fn write(&self, text: &str) -> anyhow::Result<()> {
        fs::write(self.clone.join("keysieve-verify.txt"), text).context("cannot write into the scratch clone")?;
        self.git(&self.clone, &["add", "-f", "keysieve-verify.txt"])?;
        Ok(())
    }

    /// Runs a command that has to pass, or has to be refused by keysieve.
    fn must(&self, pass: bool, arguments: &[&str], what: &str) -> anyhow::Result<()> {
        let (passed, said) = self.git(&self.clone, arguments)?;
        match (pass, passed) {
            (true, true) => Ok(()),
            (false, false) if said.contains("aws-access-key-id") => Ok(()),
            (false, false) => bail!("{what} was refused, but not by keysieve:\n{said}"),
            (true, false) => bail!("{what} was refused:\n{said}"),
            (false, true) => bail!(
                "{what} went through: the hooks in `{}` do not protect this repository.\n{said}",
                self.hooks.display()
            ),
        }
    }
}
