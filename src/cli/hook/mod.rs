//! `keysieve hook`: git's hooks, put in place, taken away, proven, and run.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use keysieve::file;
use keysieve::file::write::{self, Access};
use keysieve::source::git::NotOpened;
use keysieve_git::repository::check_special;
use keysieve_git::{OpenError, Repository};

use super::say;
use super::settings::TrustArgs;

mod run;
mod verify;

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
        HookCommand::Verify(arguments) => verify::run(&arguments),
        HookCommand::Run(arguments) => run::run(&arguments),
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
        let repository = TrustArgs::of_hook().open(repository).map_err(|error| match error {
            NotOpened(OpenError::NotFound { path }) => {
                anyhow::anyhow!("`{path}` is no git repository, nor in one; `git init` makes one")
            }
            error => error.into(),
        })?;
        let root = repository.root();
        let folder = folder_of_hooks(&repository, &root)?;
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

/// Where git looks for hooks: `core.hooksPath` can be set in files, in variables and on the command line of git, and only git
/// knows all of that.
fn folder_of_hooks(repository: &Repository, root: &Path) -> anyhow::Result<PathBuf> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--git-path", "hooks"]).current_dir(root).env("GIT_DIR", repository.git_folder());
    if root != repository.git_folder() {
        git.env("GIT_WORK_TREE", root);
    }
    let output = git.output().context(NO_GIT)?;
    if !output.status.success() {
        bail!("git does not say where its hooks are: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let path = String::from_utf8(output.stdout).context("the path of git's hooks is no UTF-8")?;
    Ok(root.join(path.strip_suffix('\n').unwrap_or(&path)))
}

const NO_GIT: &str = "cannot start git, which is what runs hooks; is it installed?";

fn each(arguments: &PlaceArgs, action: fn(&Place, Hook) -> anyhow::Result<String>) -> anyhow::Result<ExitCode> {
    let place = Place::of(&arguments.repository)?;
    for hook in wanted(&arguments.hooks) {
        say::result(&action(&place, hook)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted(hooks: &[Hook]) -> Vec<Hook> {
    if hooks.is_empty() { vec![Hook::PreCommit, Hook::PrePush] } else { hooks.to_vec() }
}

fn install(place: &Place, hook: Hook) -> anyhow::Result<String> {
    if let Some(name) = place.lefthook() {
        // Both are told at once: whoever adds the first only is never asked again.
        let blocks: String = Hook::value_variants().iter().map(|hook| lefthook_block(*hook)).collect();
        bail!(
            "lefthook manages the hooks of this repository and would write over ours; add this to {name}, then run \
             `lefthook install`:\n\n{}",
            blocks.trim_end()
        );
    }
    let file = place.file(hook);
    let text = read(&file)?;
    let failed = || format!("cannot write the hook `{}`", file.display());
    if let Some(text) = text.as_deref().filter(|text| text.contains(MARK)) {
        // One that git does not run, or that an earlier version wrote, does not protect.
        let wanted = if place.husky.is_some() { text.to_owned() } else { script(hook) };
        if text == wanted && is_program(&file) {
            return Ok(format!("{} is in place already: {}", hook.name(), file.display()));
        }
        write_program(&file, &wanted).with_context(failed)?;
        return Ok(format!("renewed {}: {}", hook.name(), file.display()));
    }
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

fn lefthook_block(hook: Hook) -> String {
    let input = if hook == Hook::PrePush { "      use_stdin: true\n" } else { "" };
    format!("{0}:\n  commands:\n    keysieve:\n      run: keysieve hook run {0} {{0}}\n{input}", hook.name())
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

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|it| it.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(_: &Path) -> bool {
    true
}

/// Writes beside `file`, then renames, so that no half hook is ever run.
fn write_program(file: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    write::all(file, text.as_bytes(), Access::Program)
}

/// The hook. It fails where keysieve is missing, or where what is pushed cannot be read: what was not looked at is not let
/// through in silence.
fn script(hook: Hook) -> String {
    let here = std::env::current_exe().unwrap_or_default().display().to_string().replace('\'', "'\\''");
    let name = hook.name();
    // A commit's hook has no input. What a push tells is for both, and an empty push stays empty.
    let (read, give) = match hook {
        Hook::PreCommit => ("", ""),
        Hook::PrePush => {
            ("input=$(cat) || exit 1\ngive() { [ -z \"$input\" ] || printf '%s\\n' \"$input\"; }\n", "give | ")
        }
    };
    format!(
        "#!/bin/sh\n{MARK}: refuses credentials. `keysieve hook uninstall` removes it.\n{read}\
         before=\"$0.{BEFORE}\"\n\
         if [ -x \"$before\" ]; then\n  {give}\"$before\" \"$@\" || exit $?\nfi\n\
         keysieve=$(command -v keysieve) && [ -x \"$keysieve\" ] || keysieve='{here}'\n\
         if [ ! -x \"$keysieve\" ]; then\n  \
         echo \"keysieve is not installed, so nothing was looked at and nothing goes through.\" >&2\n  \
         echo \"Install it, or remove this hook: rm '$0'\" >&2\n  exit 1\nfi\n\
         {give}\"$keysieve\" hook run {name} \"$@\"\n"
    )
}
