//! Lists what is in a folder, on many threads at once. What git ignores is not looked into.
//!
//! The `ignore` crate walks. What it would leave out by itself is switched off: [`Ignored`] reads patterns as git does.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::{Listed, Root, kind_of, work_tree_root};
use crate::file::shown;
use crate::gap::{Gap, GapCode};
use crate::scan::{Coverage, NotContent, Progress, explain};
use keysieve_git::git_folder::{holds_objects, is_work_tree};
use keysieve_git::ignored::{Ignored, OfUser};

/// How to walk.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    /// Reads ignored files too, and `.git`.
    pub no_ignore: bool,
    /// Follows symbolic links.
    pub follow: bool,
    /// Where it is told that the scan has ended.
    pub progress: &'a Progress,
    /// What was named, and its number.
    pub root: &'a Root,
    pub index: usize,
    /// The user's patterns.
    pub user: &'a OfUser,
}

/// What a walk came upon.
#[derive(Default)]
pub(super) struct Met {
    pub files: Vec<Listed>,
    /// Folders that hold a `.git`.
    pub repositories: Vec<PathBuf>,
    pub coverage: Coverage,
}

/// A folder that is walked.
struct Folder {
    path: Vec<u8>,
    /// What is ignored in it; `None` outside of work trees.
    ignored: Option<Arc<Ignored>>,
    /// Whether it is the root of a work tree.
    is_tree: bool,
    /// What stands before the walked paths in their work tree, and how much of them goes.
    before: Arc<[u8]>,
    cut: usize,
}

/// What the threads of a walk share.
struct Shared {
    root: PathBuf,
    no_ignore: bool,
    met: Mutex<Met>,
    /// The folders in work trees, by their paths.
    folders: Mutex<HashMap<Vec<u8>, Arc<Folder>>>,
}

thread_local! {
    /// The folder that this thread entered last, which is the one whose entries it looks at next.
    static ENTERED: RefCell<Option<Arc<Folder>>> = const { RefCell::new(None) };
}

/// Reads `folder` and all that is in it and not ignored.
pub(super) fn walk(how: Walk<'_>, folder: &Path) -> Met {
    let shared = Arc::new(Shared {
        root: how.root.path.clone(),
        no_ignore: how.no_ignore,
        met: Mutex::default(),
        folders: Mutex::default(),
    });
    let around = if how.no_ignore { None } else { around(how, folder) };
    // The crate takes this name for standard input.
    let named = if folder == Path::new("-") { Path::new("./-") } else { folder };
    let mut builder = WalkBuilder::new(named);
    builder.standard_filters(false).hidden(false).follow_links(how.follow).threads(rayon::current_num_threads());
    let filter = Arc::clone(&shared);
    builder.filter_entry(move |entry| filter.wants(entry));
    builder.build_parallel().run(|| {
        let mut thread = Thread { how, shared: &shared, around: around.as_ref(), met: Met::default() };
        Box::new(move |entry| {
            if how.progress.is_stopped() {
                return WalkState::Quit;
            }
            thread.meet(entry);
            WalkState::Continue
        })
    });
    std::mem::take(&mut *lock(&shared.met))
}

/// What is ignored in `folder`, if it is in a work tree and not its root.
fn around(how: Walk<'_>, folder: &Path) -> Option<Folder> {
    let absolute = match folder.strip_prefix(&how.root.path) {
        Ok(rest) if !rest.as_os_str().is_empty() => how.root.absolute.join(rest),
        _ => how.root.absolute.clone(),
    };
    let tree = work_tree_root(&absolute).filter(|tree| *tree != absolute)?;
    let mut ignored = Ignored::of_work_tree(&tree, how.user);
    let mut in_tree = Vec::new();
    let mut at = tree.clone();
    for name in absolute.strip_prefix(&tree).into_iter().flat_map(Path::iter) {
        ignored = ignored.with_patterns_of(&at, in_tree.strip_suffix(b"/").unwrap_or_default());
        at.push(name);
        in_tree.extend_from_slice(name.as_encoded_bytes());
        in_tree.push(b'/');
    }
    let path = bytes(folder).to_vec();
    Some(Folder { cut: start_below(&path), path, ignored: Some(ignored), is_tree: false, before: in_tree.into() })
}

impl Folder {
    /// The folder at `path`, which is in `outer`.
    fn new(path: &Path, outer: Option<&Self>, user: &OfUser) -> Self {
        let is_tree = is_work_tree(path);
        let mut folder = Self {
            path: bytes(path).to_vec(),
            ignored: outer.and_then(|outer| outer.ignored.clone()),
            is_tree,
            before: outer.map(|outer| outer.before.clone()).unwrap_or_default(),
            cut: outer.map_or(0, |outer| outer.cut),
        };
        if is_tree {
            // What is around a repository says nothing of what is in it.
            folder.ignored = Some(Ignored::of_work_tree(path, user));
            folder.before = Arc::default();
            folder.cut = start_below(&folder.path);
        }
        if let Some(ignored) = &folder.ignored {
            let in_tree = folder.in_tree(&folder.path);
            folder.ignored = Some(ignored.with_patterns_of(path, in_tree.strip_suffix(b"/").unwrap_or(&in_tree)));
        }
        folder
    }

    /// The path in the work tree of what is at `path`.
    fn in_tree(&self, path: &[u8]) -> Vec<u8> {
        [&self.before, path.get(self.cut..).unwrap_or_default()].concat()
    }

    fn ignores(&self, path: &[u8], is_folder: bool) -> bool {
        let Some(ignored) = &self.ignored else { return false };
        match self.before.is_empty() {
            true => ignored.is_ignored(path.get(self.cut..).unwrap_or_default(), is_folder),
            false => ignored.is_ignored(&self.in_tree(path), is_folder),
        }
    }
}

impl Shared {
    /// Whether an entry is looked into, or read.
    fn wants(&self, entry: &DirEntry) -> bool {
        let path = bytes(entry.path());
        let name = start_of_name(path);
        let is_folder = !entry.path_is_symlink() && entry.file_type().is_some_and(|kind| kind.is_dir());
        if is_folder && &path[name..] == b"objects" {
            let folder = entry.path().parent().filter(|folder| holds_objects(folder));
            if let Some(folder) = folder {
                lock(&self.met).coverage.merge(objects(&self.root, folder));
                return false;
            }
        }
        self.no_ignore || !self.is_ignored(path, is_folder)
    }

    fn is_ignored(&self, path: &[u8], is_folder: bool) -> bool {
        let name = start_of_name(path);
        let tells = |folder: &Folder| folder.is_tree && &path[name..] == b".git" || folder.ignores(path, is_folder);
        ENTERED.with_borrow(|entered| match entered {
            Some(folder) if path.starts_with(&folder.path) && start_below(&folder.path) == name => tells(folder),
            _ => self.folder_of(path).is_some_and(|folder| tells(&folder)),
        })
    }

    /// The folder that holds what is at `path`, if it is in a work tree.
    fn folder_of(&self, path: &[u8]) -> Option<Arc<Folder>> {
        let name = start_of_name(path);
        let folders = lock(&self.folders);
        // The walk's first folder is called as it was named, with a separator at its end or without.
        let folder = [&path[..name], &path[..name.saturating_sub(1)]].into_iter().find_map(|it| folders.get(it));
        folder.cloned()
    }
}

/// One thread of a walk. What it met is handed over at its end.
struct Thread<'a> {
    how: Walk<'a>,
    shared: &'a Shared,
    /// What counts in the first folder, of the folders around it.
    around: Option<&'a Folder>,
    met: Met,
}

impl Thread<'_> {
    fn meet(&mut self, entry: Result<DirEntry, ignore::Error>) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return self.fail(&error),
        };
        match entry.file_type() {
            Some(kind) if kind.is_dir() => self.enter(&entry),
            Some(kind) if kind.is_file() || kind.is_symlink() => {
                let (is_link, root) = (kind.is_symlink(), self.how.index);
                self.met.files.push(Listed { path: entry.into_path(), root, is_link });
            }
            kind => {
                let kind = kind.map_or("special file", kind_of);
                self.met.coverage.not_content.push(NotContent { kind, path: shown(entry.path()) });
            }
        }
    }

    fn enter(&mut self, entry: &DirEntry) {
        if self.how.no_ignore {
            return;
        }
        let path = entry.path();
        let outer = if entry.depth() == 0 { None } else { self.shared.folder_of(bytes(path)) };
        let outer = if entry.depth() == 0 { self.around } else { outer.as_deref() };
        let folder = Arc::new(Folder::new(path, outer, self.how.user));
        if folder.is_tree {
            self.met.repositories.push(path.to_owned());
        }
        if folder.ignored.is_some() {
            lock(&self.shared.folders).insert(folder.path.clone(), folder.clone());
        }
        ENTERED.set(Some(folder));
    }

    fn fail(&mut self, error: &ignore::Error) {
        let is_loop = loop_of(error);
        let path = is_loop.or_else(|| path_of(error));
        let Some(path) = path else {
            let gap = Gap::new(GapCode::Unreadable, shown(&self.shared.root), error.to_string());
            return self.met.coverage.gaps.push(gap);
        };
        // Of a link it is asked where it leads before it is asked whether it is ignored.
        let is_link = self.how.follow && fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
        if is_link && !self.how.no_ignore && self.shared.is_ignored(bytes(path), false) {
            return;
        }
        let kind = match is_loop {
            Some(_) => "symbolic link to a folder above it",
            None => "broken symbolic link",
        };
        if is_loop.is_some() || is_link && fs::metadata(path).is_err() {
            return self.met.coverage.not_content.push(NotContent { kind, path: shown(path) });
        }
        let reason = error.io_error().map_or_else(|| error.to_string(), explain);
        self.met.coverage.gaps.push(Gap::new(GapCode::Unreadable, shown(path), reason));
    }
}

impl Drop for Thread<'_> {
    fn drop(&mut self) {
        let mut met = lock(&self.shared.met);
        met.files.append(&mut self.met.files);
        met.repositories.append(&mut self.met.repositories);
        met.coverage.merge(std::mem::take(&mut self.met.coverage));
    }
}

/// The path that an error is about.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

/// The link that leads to a folder that it is in.
fn loop_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => loop_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

fn bytes(path: &(impl AsRef<OsStr> + ?Sized)) -> &[u8] {
    path.as_ref().as_encoded_bytes()
}

/// Where the name begins in a path that was walked to.
fn start_of_name(path: &[u8]) -> usize {
    memchr::memrchr(MAIN_SEPARATOR as u8, path).map_or(0, |separator| separator + 1)
}

/// Where the names of what is in a folder begin.
fn start_below(folder: &[u8]) -> usize {
    folder.len() + usize::from(!folder.ends_with(&[MAIN_SEPARATOR as u8]))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is said of the objects of `repository`, which nobody unpacks here. Those of a work tree that is scanned with its
/// `.git` belong to its history, and not to what was asked for.
fn objects(root: &Path, repository: &Path) -> Coverage {
    let mut coverage = Coverage::default();
    let of_work_tree = repository.strip_prefix(root).is_ok_and(|rest| rest.iter().any(|name| name == ".git"));
    let path = shown(repository);
    if of_work_tree {
        coverage.not_content.push(NotContent { kind: "object database (`keysieve history` reads it)", path });
    } else {
        let reason =
            format!("it is a repository, whose objects are not read here; `keysieve history {path}` reads them");
        coverage.gaps.push(Gap::new(GapCode::Repository, path, reason));
    }
    coverage
}
