//! A repository on disk: where its folders are, whose they are, and whether they belong together.
//!
//! Nothing of its configuration is followed. A `.git` that leads elsewhere has to be led back to from there, as git writes
//! it for work trees and submodules; what somebody put there to reach another repository is not.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::error::{Cause, Problem};
use super::openable;
use crate::file;

/// A repository whose history can't be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none.
    #[error("`{path}` is no git repository, nor in one; name a work tree, a `.git` folder or a bare repository")]
    NotFound {
        /// As the user typed it.
        path: String,
    },
    /// It belongs to somebody else.
    #[error("`{path}` belongs to another user, and git trusts only its own user's repositories")]
    Owner {
        /// What does.
        path: String,
    },
    /// Something of it is a pipe, a socket or a device, which is never opened.
    #[error("`{path}` is no regular file, so no repository is looked for there; remove it, or name another folder")]
    Special {
        /// What.
        path: String,
    },
    /// Its parts do not belong together.
    #[error("`{path}` leads to `{target}`, which does not lead back")]
    Elsewhere {
        /// The `.git`, or the file in it that names another folder.
        path: String,
        /// Where it leads.
        target: String,
    },
}

/// What of a repository is trusted beyond what git trusts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trust {
    /// Another user's repository is read.
    pub owner: bool,
    /// A `.git`, links in it and alternates are followed wherever they lead.
    pub links: bool,
}

/// A repository on disk.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Its git folder.
    git: PathBuf,
    /// What it shares with other work trees.
    common: PathBuf,
    /// The work tree that led to it.
    tree: Option<PathBuf>,
    /// Bytes of an object id.
    hash: usize,
    /// Whether links are followed.
    links: bool,
    /// What is about to be committed.
    index: PathBuf,
    /// Where its objects lie.
    objects: PathBuf,
    /// Where they lie besides, by the caller's own word.
    alternates: Vec<PathBuf>,
}

impl Repository {
    /// Finds the repository at `path` or around it.
    pub fn discover(path: &Path, trust: Trust) -> Result<Self, OpenError> {
        let not_found = |_| not_found(path);
        check_special(path, false)?;
        let git = git2::Repository::discover_path(path, [] as [&Path; 0]).map_err(not_found)?;
        let git = fs::canonicalize(&git).unwrap_or(git);
        let door = door(path);
        let tree = door.as_deref().and_then(Path::parent).map(Path::to_owned);
        let repository = Self { tree, ..Self::at(git, trust.links) };
        if !trust.links {
            repository.check_links(door.as_deref())?;
        }
        if !trust.owner {
            repository.check_owner()?;
        }
        Ok(repository)
    }

    /// Opens what git would take `path` to be: for `.` the repository that `environment` names, if it names one. The
    /// environment is about that repository alone; another one is read as it is.
    pub fn open(path: &Path, trust: Trust, environment: &Environment) -> Result<Self, OpenError> {
        if *environment == Environment::default() {
            return Self::discover(path, trust);
        }
        if path == Path::new(HERE) {
            return Self::here(trust, environment);
        }
        let named = Self::discover(path, trust)?;
        match Self::here(trust, environment) {
            Ok(here) if here.git == named.git => Ok(here),
            _ => Ok(named),
        }
    }

    /// The repository that git works on in the current folder.
    fn here(trust: Trust, environment: &Environment) -> Result<Self, OpenError> {
        let absolute = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut repository = match &environment.git_dir {
            None => Self::discover(Path::new(HERE), trust)?,
            Some(named) => {
                let git = absolute(&behind_file(named));
                if fs::symlink_metadata(git.join("HEAD")).is_err() {
                    return Err(not_found(named));
                }
                let mut repository = Self::at(git, trust.links);
                repository.tree = repository.tree_around();
                repository
            }
        };
        if let Some(common) = &environment.common_dir {
            repository.share(absolute(common));
        } else if !trust.links {
            repository.check_links(None)?;
        }
        if let Some(tree) = &environment.work_tree {
            repository.tree = Some(absolute(tree));
        }
        // Git goes to the root of the work tree before it opens these.
        let root = repository.tree.clone().unwrap_or_else(|| absolute(Path::new(HERE)));
        if let Some(index) = &environment.index_file {
            repository.index = root.join(index);
        }
        if let Some(objects) = &environment.object_directory {
            repository.objects = root.join(objects);
        }
        repository.alternates = environment.alternates.iter().map(|folder| root.join(folder)).collect();
        if !trust.owner {
            repository.check_owner()?;
        }
        Ok(repository)
    }

    /// The repository whose git folder is `git`, whoever it belongs to.
    pub fn at(git: PathBuf, links: bool) -> Self {
        let common = match file::read_text(&git.join("commondir")) {
            Ok(relative) => git.join(relative.trim_end_matches('\n')),
            Err(_) => git.clone(),
        };
        let common = fs::canonicalize(&common).unwrap_or(common);
        let index = git.join(INDEX);
        let nothing = PathBuf::new();
        let mut repository = Self {
            git,
            common: nothing.clone(),
            tree: None,
            hash: 20,
            links,
            index,
            objects: nothing,
            alternates: Vec::new(),
        };
        repository.share(common);
        repository
    }

    /// Shares the folder `common` with other work trees.
    fn share(&mut self, common: PathBuf) {
        let is_sha256 = setting(&common, "objectformat").is_some_and(|value| value == "sha256");
        self.hash = if is_sha256 { 32 } else { 20 };
        self.objects = common.join("objects");
        self.common = common;
    }

    /// The work tree of a git folder that was named without one: the one that it names itself or that leads to it from
    /// here, else the current folder, as git has it.
    fn tree_around(&self) -> Option<PathBuf> {
        if let Some(tree) = setting(&self.git, "worktree") {
            let tree = self.git.join(tree);
            return Some(fs::canonicalize(&tree).unwrap_or(tree));
        }
        let here = fs::canonicalize(HERE).ok()?;
        let leads_here =
            |folder: &&Path| fs::canonicalize(behind_file(&folder.join(".git"))).is_ok_and(|it| it == self.git);
        if let Some(tree) = here.ancestors().find(leads_here) {
            return Some(tree.to_owned());
        }
        let is_bare = self.git == self.common && setting(&self.git, "bare").is_some_and(|value| value == "true");
        (!is_bare && !here.starts_with(&self.git)).then_some(here)
    }

    fn check_owner(&self) -> Result<(), OpenError> {
        let mut folders = self.tree.as_deref().into_iter().chain([self.git.as_path(), self.common.as_path()]);
        match folders.find(|folder| !is_ours(folder)) {
            Some(folder) => Err(OpenError::Owner { path: folder.display().to_string() }),
            None => Ok(()),
        }
    }

    /// Refuses a `.git` or a `commondir` that leads where nothing leads back.
    fn check_links(&self, door: Option<&Path>) -> Result<(), OpenError> {
        let elsewhere = |path: &Path, target: &Path| OpenError::Elsewhere {
            path: path.display().to_string(),
            target: target.display().to_string(),
        };
        if !self.git.starts_with(&self.common) {
            return Err(elsewhere(&self.git.join("commondir"), &self.common));
        }
        let Some(door) = door else { return Ok(()) };
        let Ok(kind) = fs::symlink_metadata(door) else { return Ok(()) };
        if kind.is_dir() || kind.is_file() && self.leads_back_to(door) {
            return Ok(());
        }
        Err(elsewhere(door, &self.git))
    }

    /// Whether the git folder names the work tree whose `.git` is `door`, as `git worktree` and `git submodule` write it.
    fn leads_back_to(&self, door: &Path) -> bool {
        let is_door =
            |path: PathBuf| fs::canonicalize(path).ok().is_some_and(|it| Some(it) == fs::canonicalize(door).ok());
        let by_work_tree = file::read_text(&self.git.join("gitdir")).ok();
        let by_setting = setting(&self.git, "worktree");
        by_work_tree.is_some_and(|path| is_door(self.git.join(path.trim_end_matches('\n'))))
            || by_setting.is_some_and(|path| is_door(self.git.join(path).join(".git")))
    }

    /// The folder that its configuration and baseline are in: the work tree, or the bare repository itself.
    pub fn root(&self) -> PathBuf {
        if let Some(tree) = &self.tree {
            return tree.clone();
        }
        match self.git.parent() {
            Some(parent) if self.git.file_name().is_some_and(|name| name == ".git") => parent.to_owned(),
            _ => self.git.clone(),
        }
    }

    /// Its git folder: of a linked work tree its own.
    pub fn git_folder(&self) -> &Path {
        &self.git
    }

    /// The folder that it shares with its other work trees: objects, most refs.
    pub fn common_folder(&self) -> &Path {
        &self.common
    }

    /// The file of what is about to be committed.
    pub fn index_file(&self) -> &Path {
        &self.index
    }

    /// Whether somebody named another index than the repository's own.
    pub fn has_other_index(&self) -> bool {
        self.index != self.git.join(INDEX)
    }

    /// The folder of its objects.
    pub fn objects(&self) -> PathBuf {
        self.objects.clone()
    }

    /// Other folders of objects that the caller named.
    pub fn named_alternates(&self) -> &[PathBuf] {
        &self.alternates
    }

    /// Bytes of an object id: 20, or 32 with SHA-256.
    pub fn hash_length(&self) -> usize {
        self.hash
    }

    /// Whether links and alternates are followed wherever they lead.
    pub fn follows_links(&self) -> bool {
        self.links
    }

    /// The submodules whose repositories lie inside this one, with their names: its own, and those of its linked work
    /// trees. What is there and is not read goes to `problems`.
    pub fn submodules(&self, problems: &mut Vec<Problem>) -> Vec<(PathBuf, Self)> {
        let folders = |path: &Path, problems: &mut Vec<Problem>| -> Vec<PathBuf> {
            let entries = match fs::read_dir(path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()) {
                Ok(entries) => entries,
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    Vec::new()
                }
                Err(error) => {
                    problems.push(Problem::new(path, error.into()));
                    Vec::new()
                }
            };
            let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
            let (inside, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_folder);
            let links = others.iter().map(fs::DirEntry::path).filter(|path| path.is_dir());
            problems.extend(links.map(|path| Problem::new(&path, Cause::LinkedSubmodule)));
            inside.iter().map(fs::DirEntry::path).collect()
        };
        let mut found = Vec::new();
        let mut todo = vec![(self.common.join("modules"), PathBuf::new())];
        for tree in folders(&self.common.join("worktrees"), problems) {
            let name = Path::new("worktrees").join(tree.file_name().unwrap_or_default());
            todo.push((tree.join("modules"), name));
        }
        while let Some((folder, name)) = todo.pop() {
            if folder.join("HEAD").is_file() && folder.join("objects").is_dir() {
                todo.push((folder.join("modules"), name.join("modules")));
                let submodule = Self::at(folder.clone(), self.links);
                if self.links || submodule.common.starts_with(&self.common) {
                    found.push((name, submodule));
                } else {
                    problems.push(Problem::new(&folder, Cause::SubmoduleElsewhere));
                }
                continue;
            }
            todo.extend(folders(&folder, problems).into_iter().map(|folder| {
                let name = name.join(folder.file_name().unwrap_or_default());
                (folder, name)
            }));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }
}

/// Refuses what git or libgit2 would wait for while it looks for a repository at `path`, or while it opens it.
pub fn check_special(path: &Path, to_open: bool) -> Result<(), OpenError> {
    match openable::in_the_way(path, to_open) {
        Some(special) => Err(OpenError::Special { path: special.display().to_string() }),
        None => Ok(()),
    }
}

/// What git's environment is about.
const HERE: &str = ".";
const INDEX: &str = "index";

fn not_found(path: &Path) -> OpenError {
    OpenError::NotFound { path: path.display().to_string() }
}

/// The folder that a `.git` file leads to; a folder is itself.
fn behind_file(path: &Path) -> PathBuf {
    openable::behind_file(path).unwrap_or_else(|| path.to_owned())
}

/// The `.git` that is met first on the way up from `path`; a bare repository has none.
fn door(path: &Path) -> Option<PathBuf> {
    let start = fs::canonicalize(path).ok()?;
    let door = start.ancestors().map(|folder| folder.join(".git")).find(|door| fs::symlink_metadata(door).is_ok())?;
    // Somebody may have named what lies inside of it.
    (!start.starts_with(&door)).then_some(door)
}

/// The value of a key in the configuration of the git folder `git`, whatever section it is in.
fn setting(git: &Path, key: &str) -> Option<String> {
    let config = file::read_text(&git.join("config")).ok()?;
    config.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case(key).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Whether a folder belongs to whoever runs keysieve, or is one that they told git to trust.
#[cfg(unix)]
fn is_ours(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let Ok(metadata) = fs::metadata(folder) else { return true };
    let own = rustix::process::geteuid();
    // With sudo the repository is mostly that of whoever called it.
    let caller = std::env::var("SUDO_UID").ok().and_then(|it| it.parse().ok()).filter(|_| own.is_root());
    metadata.uid() == own.as_raw() || Some(metadata.uid()) == caller || is_safe(folder)
}

#[cfg(not(unix))]
fn is_ours(_: &Path) -> bool {
    true
}

/// Whether the user's own configuration of git lists the folder, or its work tree, under `safe.directory`.
#[cfg(unix)]
fn is_safe(folder: &Path) -> bool {
    let Ok(config) = git2::Config::open_default() else { return false };
    let mut is_listed = false;
    let tree = if folder.ends_with(".git") { folder.parent().unwrap_or(folder) } else { folder };
    let listed = config.multivar("safe.directory", None).and_then(|values| {
        values.for_each(|entry| {
            let value = entry.value().unwrap_or_default();
            match value {
                // An empty entry forgets those before it.
                "" => is_listed = false,
                "*" => is_listed = true,
                _ => {
                    let (value, below) = value.strip_suffix("/*").map_or((value, false), |value| (value, true));
                    let value = fs::canonicalize(value).unwrap_or_else(|_| PathBuf::from(value));
                    is_listed |= value == folder || value == tree || below && tree.starts_with(&value);
                }
            }
        })
    });
    listed.is_ok() && is_listed
}
