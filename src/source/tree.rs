//! Files and folders of a working tree.
//!
//! Inside a git work tree these are the tracked files and the untracked ones that are not ignored; elsewhere all files.
//! First everything is listed, in parallel, then read, in parallel; what is named is always read. Links, sockets, FIFOs
//! and devices are listed and never opened.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use globset::GlobMatcher;
use ignore::gitignore::GitignoreBuilder;
use ignore::{DirEntry, WalkBuilder, WalkState};
use rayon::prelude::*;

use super::changes::index::Index;
use super::content::Scan;
use super::git_folder::{has_patterns_of_no_repository, holds_objects, is_work_tree, only_looks_like_one};
use super::history::{Repository, Trust};
use super::limits::Task;
use super::names::Names;
use super::{Content, Coverage, Gap, GapCode, NotContent, Panicked, Progress, Worker, Workers, explain, window};
use crate::config;
use crate::file::{self, shown};
use keysieve_engine::Detector;

/// What to read of a tree.
#[derive(Debug, Default)]
pub struct Options {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Reads ignored files too, and `.git`.
    pub no_ignore: bool,
    /// Follows symbolic links.
    pub follow: bool,
    /// Reads the index of a `.git` that leads out of its work tree.
    pub trust_links: bool,
    /// Files to leave out.
    pub exclude: Vec<GlobMatcher>,
    /// How many threads list files.
    pub threads: usize,
}

/// A path that can't be scanned as it was named.
#[derive(Debug, thiserror::Error)]
pub enum NamedPathError {
    /// It does not exist, or its folder may not be searched.
    #[error("cannot scan `{path}`: {reason}")]
    Unreachable {
        /// As the user typed it.
        path: String,
        /// What the operating system says.
        reason: String,
    },
    /// It exists and holds no content.
    #[error("cannot scan `{path}`: it is a {kind}, which holds no content; {hint}")]
    NotContent {
        /// As the user typed it.
        path: String,
        /// `socket`, `symbolic link`, …
        kind: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
}

/// A file to read.
#[derive(Debug)]
struct Listed {
    path: PathBuf,
    root: usize,
    /// Whether it is a symbolic link that is not followed: what it points to is read, not what is there.
    is_link: bool,
}

/// A path that was named, and what its files' identities are relative to.
#[derive(Debug)]
struct Root {
    path: PathBuf,
    absolute: PathBuf,
    base: PathBuf,
}

/// Refuses paths that do not exist or hold no content, before anything is read.
pub fn check_named(paths: &[PathBuf], follow: bool) -> Result<(), NamedPathError> {
    for path in paths {
        let unreachable = |error: &io::Error| NamedPathError::Unreachable {
            path: shown(path),
            reason: match error.kind() {
                io::ErrorKind::NotFound => "there is no such file or folder; check the spelling".to_owned(),
                _ => explain(error),
            },
        };
        let link = fs::symlink_metadata(path).map_err(|error| unreachable(&error))?.file_type();
        if link.is_symlink() && !follow {
            let hint = "name what it points to, or add --follow";
            return Err(NamedPathError::NotContent { path: shown(path), kind: "symbolic link", hint });
        }
        let kind = fs::metadata(path).map_err(|error| unreachable(&error))?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            let hint = "pipe its data into `keysieve scan -`";
            return Err(NamedPathError::NotContent { path: shown(path), kind: kind_of(kind), hint });
        }
    }
    Ok(())
}

/// The root of the git work tree around `path`, if there is one.
pub fn work_tree_root(path: &Path) -> Option<PathBuf> {
    let start = if path.is_dir() { path } else { path.parent()? };
    start.ancestors().find(|folder| is_work_tree(folder)).map(Path::to_owned)
}

/// What the identity of a file below `absolute` is relative to, wherever the command is called: the root of the work tree
/// around it, else the folder above it that has a configuration, else the folder itself.
pub fn base_of(absolute: &Path) -> PathBuf {
    let folder = if absolute.is_dir() { absolute } else { absolute.parent().unwrap_or(absolute) };
    let has_one = |folder: &&Path| folder.join(config::FILE_NAME).symlink_metadata().is_ok();
    let configured = || folder.ancestors().find(has_one).map(Path::to_owned);
    work_tree_root(absolute).or_else(configured).unwrap_or_else(|| folder.to_owned())
}

/// A file that is there to be read.
#[derive(Debug)]
pub struct Named {
    /// Where it is.
    pub path: PathBuf,
    /// Its path from the repository's or the scanned folder's root on.
    pub identity: String,
}

/// Lists everything and reads nothing.
pub fn files(options: &Options, progress: &Progress) -> (Vec<Named>, Coverage) {
    let roots: Vec<Root> = options.paths.iter().map(|path| Root::new(path)).collect();
    let (files, mut coverage) = list(options, &roots, progress);
    coverage.gaps.iter_mut().for_each(|gap| identify(gap, &roots));
    let named = |file: Listed| Named { identity: roots[file.root].identity(&file.path), path: file.path };
    (files.into_iter().filter(|file| !file.is_link).map(named).collect(), coverage)
}

/// Lists and reads everything; `each` is called for every content in which the engine found something, from several
/// threads and in no particular order.
pub fn scan(options: &Options, detector: &Detector, progress: &Progress, each: impl Fn(Content) + Sync) -> Coverage {
    let roots: Vec<Root> = options.paths.iter().map(|path| Root::new(path)).collect();
    let (files, mut coverage) = list(options, &roots, progress);
    progress.expect_files(files.len());
    let workers = Workers::default();
    let read = files
        .par_iter()
        .fold(Coverage::default, |mut coverage, file| {
            read_file(file, &roots[file.root], options, detector, progress, &workers, &mut coverage, &each);
            coverage
        })
        .reduce(Coverage::default, |mut all, part| {
            all.merge(part);
            all
        });
    coverage.merge(read);
    let named = workers.with(|worker| in_names(&files, &roots, detector, worker, progress));
    let (named, gap) =
        named.unwrap_or_else(|panicked| (Vec::new(), Some(Gap::about(GapCode::Failed, "file names", panicked))));
    coverage.gaps.extend(gap);
    named.into_iter().for_each(&each);
    coverage.gaps.iter_mut().for_each(|gap| identify(gap, &roots));
    coverage.gaps.sort();
    coverage.gaps.dedup();
    coverage.not_content.sort();
    coverage
}

/// Notes the path that the configuration knows the gap's file by.
fn identify(gap: &mut Gap, roots: &[Root]) {
    let outer = gap.path.split("!/").next().unwrap_or_default();
    // What is shown has no `./` before it, which the root may have.
    let paths = [PathBuf::from(outer), Path::new(".").join(outer)];
    let below = |root: &Root| paths.iter().find(|path| path.starts_with(&root.path)).map(|path| root.identity(path));
    let mut around: Vec<&Root> = roots.iter().collect();
    around.sort_by_key(|root| std::cmp::Reverse(root.path.as_os_str().len()));
    if let Some(identity) = around.into_iter().find_map(below) {
        gap.identity = Some(format!("{identity}{}", &gap.path[outer.len()..]));
    }
}

impl Root {
    fn new(path: &Path) -> Self {
        let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let base = base_of(&absolute);
        Self { path: path.to_owned(), absolute, base }
    }

    /// The path from the repository's or the scanned folder's root on.
    fn identity(&self, path: &Path) -> String {
        let absolute = match path.strip_prefix(&self.path) {
            Ok(rest) if rest.as_os_str().is_empty() => self.absolute.clone(),
            Ok(rest) => self.absolute.join(rest),
            Err(_) => path.to_owned(),
        };
        shown(absolute.strip_prefix(&self.base).unwrap_or(&absolute))
    }
}

/// What stands in the names of files.
fn in_names(
    files: &[Listed],
    roots: &[Root],
    detector: &Detector,
    worker: &mut Worker,
    progress: &Progress,
) -> (Vec<Content>, Option<Gap>) {
    let mut names = Names::default();
    // The name of what was asked for is no content of it.
    let below = |file: &Listed| match file.path.strip_prefix(&roots[file.root].path) {
        Ok(rest) if !rest.as_os_str().is_empty() => rest.as_os_str().as_encoded_bytes().to_vec(),
        _ => file.path.file_name().unwrap_or_default().as_encoded_bytes().to_vec(),
    };
    files.iter().for_each(|file| names.push(&below(file)));
    let folder_of = |index: usize| {
        let file = &files[index];
        let name = below(file);
        let up = name.iter().filter(|byte| **byte == b'/').count() + 1;
        let path = file.path.ancestors().nth(up).unwrap_or(Path::new(""));
        let identity = roots[file.root].identity(&file.path);
        let identity = Path::new(&identity).ancestors().nth(up).unwrap_or(Path::new(""));
        (as_prefix(shown(path)), as_prefix(identity.display().to_string()))
    };
    names.scan_paths(&folder_of, detector, worker, &Task::new(progress))
}

/// A folder as it stands before what is in it.
fn as_prefix(folder: String) -> String {
    if folder.is_empty() || folder == "." { String::new() } else { folder + "/" }
}

/// Everything to read, each file once, and what was met besides.
fn list(options: &Options, roots: &[Root], progress: &Progress) -> (Vec<Listed>, Coverage) {
    let mut files = Vec::new();
    let mut coverage = Coverage::default();
    for (index, root) in roots.iter().enumerate() {
        if root.absolute.is_file() {
            files.push(Listed { path: root.path.clone(), root: index, is_link: false });
            continue;
        }
        let before = files.len();
        let (mut found, repositories) = walk(options, root, index, progress, &mut coverage);
        if !options.no_ignore {
            add_tracked(root, index, &repositories, options.trust_links, &mut found, &mut coverage);
        }
        found.retain(|file| {
            let excluded = !options.exclude.is_empty() && {
                let identity = root.identity(&file.path);
                options.exclude.iter().any(|glob| glob.is_match(&identity))
            };
            coverage.excluded += u64::from(excluded);
            !excluded
        });
        files.append(&mut found);
        if let Some(why) = progress.stopped() {
            coverage.gaps.push(Gap::new(GapCode::Interrupted, shown(&root.path), why));
        } else if files.len() == before && !coverage.gaps.iter().any(|gap| Path::new(&gap.path).starts_with(&root.path))
        {
            let reason = if options.no_ignore {
                "there is nothing to read in it"
            } else {
                "there is nothing to read in it that is not ignored or excluded; --no-ignore reads ignored files"
            };
            coverage.gaps.push(Gap::new(GapCode::NothingToRead, shown(&root.path), reason));
        }
    }
    if roots.len() > 1 {
        let mut seen = HashSet::new();
        files.retain(|file| seen.insert(file.path.as_os_str().as_encoded_bytes().to_vec()));
    }
    (files, coverage)
}

/// Walks a folder: its files, and the folders that hold a `.git`.
fn walk(
    options: &Options,
    root: &Root,
    index: usize,
    progress: &Progress,
    coverage: &mut Coverage,
) -> (Vec<Listed>, Vec<PathBuf>) {
    let found = Arc::new(Found::default());
    // In a work tree git's own patterns count, wherever they stand; elsewhere only in the repositories that are in there.
    let in_work_tree = work_tree_root(&root.absolute).is_some();
    let ignores = !options.no_ignore
        && !root.absolute.ancestors().any(has_odd_patterns)
        && !root.absolute.ancestors().any(if in_work_tree {
            has_patterns_of_no_repository
        } else {
            only_looks_like_one
        });
    let how = Walking { options, index, root: &root.path, ignores, in_work_tree };
    walk_from(&root.path, how, progress, &found);
    // What a folder ignores cannot be told here, so all of it is read.
    for folder in lock(&found.odd).drain(..) {
        walk_from(&folder, Walking { ignores: false, ..how }, progress, &found);
    }
    let (files, met) = std::mem::take(&mut *lock(&found.met));
    coverage.merge(met);
    if options.no_ignore {
        return (files, Vec::new());
    }
    let repositories = std::mem::take(&mut *lock(&found.repositories));
    (files, repositories)
}

/// What walking threads come upon.
#[derive(Default)]
struct Found {
    met: Mutex<(Vec<Listed>, Coverage)>,
    repositories: Mutex<Vec<PathBuf>>,
    /// Folders with patterns that nobody should read.
    odd: Mutex<Vec<PathBuf>>,
}

/// How a folder is walked.
#[derive(Clone, Copy)]
struct Walking<'a> {
    options: &'a Options,
    /// The number of the root.
    index: usize,
    root: &'a Path,
    ignores: bool,
    in_work_tree: bool,
}

fn walk_from(from: &Path, how: Walking<'_>, progress: &Progress, found: &Arc<Found>) {
    let Walking { options, index, root, ignores, in_work_tree } = how;
    let mut builder = WalkBuilder::new(from);
    builder.standard_filters(false).follow_links(options.follow).threads(options.threads);
    if ignores {
        // Git's own notion of what is ignored, and nothing else: a `.ignore` file hides nothing here.
        builder.git_ignore(true).git_global(true).git_exclude(true).parents(true).require_git(true);
    }
    let (met, root, skips_git) = (Arc::clone(found), root.to_owned(), !options.no_ignore);
    builder.filter_entry(move |entry| {
        if entry.depth() == 0 {
            return true;
        }
        if skips_git && entry.file_name() == ".git" && entry.path().parent().is_some_and(is_work_tree) {
            lock(&met.repositories).extend(entry.path().parent().map(Path::to_owned));
            return false;
        }
        if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
            return true;
        }
        if entry.file_name() == "objects" && entry.path().parent().is_some_and(holds_objects) {
            lock(&met.met).1.merge(objects(&root, entry.path().parent().unwrap_or(entry.path())));
            return false;
        }
        let is_false = if in_work_tree { has_patterns_of_no_repository } else { only_looks_like_one };
        let is_odd = || has_odd_patterns(entry.path()) || is_false(entry.path());
        if ignores && is_odd() {
            lock(&met.odd).push(entry.path().to_owned());
            return false;
        }
        true
    });
    builder.build_parallel().run(|| {
        let mut local = Batch { met: &found.met, files: Vec::new(), coverage: Coverage::default() };
        Box::new(move |entry| {
            if progress.is_stopped() {
                return WalkState::Quit;
            }
            local.add(entry, index, options.follow);
            WalkState::Continue
        })
    });
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

/// Most bytes of a file of patterns.
const MOST_PATTERNS: u64 = 16 << 20;

/// Whether what a folder ignores stands in something that is no regular file: a FIFO would be waited for, a link leads
/// elsewhere (git follows none), and a device never ends.
fn has_odd_patterns(folder: &Path) -> bool {
    [".gitignore", ".git/info/exclude"].iter().any(|name| {
        let metadata = fs::symlink_metadata(folder.join(name));
        metadata.is_ok_and(|it| !it.is_file() || it.len() > MOST_PATTERNS || loses_exceptions(&folder.join(name)))
    })
}

/// Whether a `!` pattern of a file is not understood as git does: it stands behind a line that is no UTF-8, where reading
/// ends, does not compile, or has a class such as `[:alpha:]`. Without it files are hidden that git keeps.
fn loses_exceptions(patterns: &Path) -> bool {
    let content = file::read(patterns).unwrap_or_default();
    let mut is_read = true;
    content.split(|byte| *byte == b'\n').any(|line| {
        let text = std::str::from_utf8(line).ok();
        is_read &= text.is_some();
        let is_understood = |text: &str| !text.contains("[:") && GitignoreBuilder::new("").add_line(None, text).is_ok();
        line.starts_with(b"!") && !(is_read && text.is_some_and(is_understood))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What one walking thread met; handed over when the thread is done.
struct Batch<'a> {
    met: &'a Mutex<(Vec<Listed>, Coverage)>,
    files: Vec<Listed>,
    coverage: Coverage,
}

impl Batch<'_> {
    fn add(&mut self, entry: Result<DirEntry, ignore::Error>, root: usize, follow: bool) {
        match entry {
            Ok(entry) => match entry.file_type() {
                Some(kind) if kind.is_file() || kind.is_symlink() => {
                    let is_link = kind.is_symlink();
                    self.files.push(Listed { path: entry.into_path(), root, is_link });
                }
                Some(kind) if kind.is_dir() => {}
                Some(kind) => {
                    self.coverage.not_content.push(NotContent { kind: kind_of(kind), path: shown(entry.path()) });
                }
                None => {}
            },
            Err(error) => self.add_error(&error, follow),
        }
    }

    fn add_error(&mut self, error: &ignore::Error, follow: bool) {
        let path = path_of(error).map(Path::to_owned);
        let path_text = path.as_deref().map_or_else(|| "(unknown path)".to_owned(), shown);
        if let Some(child) = loop_of(error) {
            self.coverage
                .not_content
                .push(NotContent { kind: "symbolic link to a folder above it", path: shown(child) });
            return;
        }
        let dangling =
            follow && path.as_deref().is_some_and(|path| fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink()));
        if dangling {
            self.coverage.not_content.push(NotContent { kind: "broken symbolic link", path: path_text });
            return;
        }
        let reason = match error.io_error() {
            Some(error) => explain(error),
            None => error.to_string(),
        };
        self.coverage.gaps.push(Gap::new(GapCode::Unreadable, path_text, reason));
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let mut met = lock(self.met);
        met.0.append(&mut self.files);
        met.1.merge(std::mem::take(&mut self.coverage));
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

fn loop_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => loop_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

/// Tracked files are read even when a pattern ignores them: git keeps them, so a secret in them is published.
fn add_tracked(
    root: &Root,
    index: usize,
    nested: &[PathBuf],
    trust_links: bool,
    files: &mut Vec<Listed>,
    coverage: &mut Coverage,
) {
    let own = work_tree_root(&root.absolute).map(|folder| (folder, None));
    let nested = nested.iter().filter_map(|folder| {
        let absolute = root.absolute.join(folder.strip_prefix(&root.path).ok()?);
        (own.as_ref().is_none_or(|(own, _)| *own != absolute)).then(|| (absolute, Some(folder.clone())))
    });
    let mut repositories: Vec<_> = nested.collect();
    repositories.extend(own.clone());
    let below = |folder: &Path, path: PathBuf| {
        let absolute = folder.join(path);
        let rest = absolute.strip_prefix(&root.absolute).ok()?;
        Some(if root.path == Path::new(".") { Path::new("./").join(rest) } else { root.path.join(rest) })
    };
    let mut tracked = Vec::new();
    for (folder, shown_as) in repositories {
        match tracked_files(&folder, trust_links) {
            Ok((paths, unlisted)) => {
                let unlisted = unlisted.into_iter().filter_map(|path| below(&folder, path));
                coverage.gaps.extend(unlisted.filter(|path| path.is_dir()).map(|path| {
                    let reason = "the index is sparse and does not list what is tracked in it, so tracked files that \
                                  are ignored may be missing; --no-ignore reads them";
                    Gap::new(GapCode::Unreadable, shown(&path), reason)
                }));
                tracked.extend(paths.into_iter().filter_map(|path| below(&folder, path)));
            }
            Err(error) => coverage.gaps.push(Gap::about(
                GapCode::Unreadable,
                shown(&shown_as.unwrap_or(folder).join(".git")),
                format!("its index could not be read, so tracked files that are ignored may be missing: {error}"),
            )),
        }
    }
    if tracked.is_empty() {
        return;
    }
    let walked: HashSet<&[u8]> = files.iter().map(|file| file.path.as_os_str().as_encoded_bytes()).collect();
    tracked.retain(|path| !walked.contains(path.as_os_str().as_encoded_bytes()));
    // In a merge with conflicts a path has up to three entries.
    tracked.sort();
    tracked.dedup();
    let mut folders = HashMap::new();
    for path in tracked {
        let kind = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.file_type(),
            // Whether it is there cannot be told; that it is elsewhere or was removed can.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                coverage.gaps.push(Gap::new(GapCode::Unreadable, shown(&path), explain(&error)));
                continue;
            }
            Err(_) => continue,
        };
        if (kind.is_file() || kind.is_symlink()) && is_below(root, &path, &mut folders) {
            files.push(Listed { is_link: kind.is_symlink(), path, root: index });
        }
    }
}

/// Whether a path of an index is none that git would write.
fn leads_out(path: &Path) -> bool {
    let mut names = path.as_os_str().as_encoded_bytes().split(|byte| *byte == b'/');
    path.is_absolute() || names.any(|name| matches!(name, b"" | b"." | b".."))
}

/// Whether no folder between `root` and `path` is a link: an index can name what lies behind one.
fn is_below(root: &Root, path: &Path, known: &mut HashMap<PathBuf, bool>) -> bool {
    let Ok(rest) = path.strip_prefix(&root.path) else { return false };
    let mut folder = root.path.clone();
    rest.parent().into_iter().flat_map(Path::components).all(|name| {
        folder.push(name);
        let is_folder = || fs::symlink_metadata(&folder).is_ok_and(|it| it.is_dir());
        *known.entry(folder.clone()).or_insert_with(is_folder)
    })
}

/// The files and links in the index of the work tree at `folder`, and the folders of which a sparse index lists none.
/// Nothing of the repository's configuration is followed.
fn tracked_files(folder: &Path, trust_links: bool) -> Result<(Vec<PathBuf>, Vec<PathBuf>), String> {
    const REGULAR: u32 = 0o100_000;
    const LINK: u32 = 0o120_000;
    const FOLDER: u32 = 0o040_000;
    // Whose it is does not matter: its index is but a list of names.
    let trust = Trust { owner: true, links: trust_links };
    let repository = Repository::discover(folder, trust).map_err(|error| error.to_string())?;
    let index = Index::read(repository.git_folder(), repository.hash_length()).map_err(|error| error.to_string())?;
    let of_kinds = |kinds: &[u32]| {
        let entries = index.entries.iter().filter(|entry| kinds.contains(&(entry.mode & 0o170_000)));
        let names = entries.map(|entry| index.path(entry)).map(|name| name.strip_suffix(b"/").unwrap_or(name));
        names.filter_map(|name| bytes_to_path(name.to_vec())).filter(|path| !leads_out(path)).collect()
    };
    Ok((of_kinds(&[REGULAR, LINK]), of_kinds(&[FOLDER])))
}

#[cfg(unix)]
fn bytes_to_path(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn bytes_to_path(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one scan, each used once")]
fn read_file(
    file: &Listed,
    root: &Root,
    options: &Options,
    detector: &Detector,
    progress: &Progress,
    workers: &Workers,
    coverage: &mut Coverage,
    each: &impl Fn(Content),
) {
    let gap = |code, reason: String| Gap::new(code, shown(&file.path), reason);
    if let Some(why) = progress.stopped() {
        // Said once for the whole scan, not once for each of the files that were still to come.
        let interrupted = Gap::new(GapCode::Interrupted, shown(&root.path), why);
        if !coverage.gaps.contains(&interrupted) {
            coverage.gaps.push(interrupted);
        }
        return;
    }
    let (mut open, size) = match open(&file.path, options.follow) {
        Ok(Opened::File(open, size)) => (open, size),
        Ok(Opened::Other(kind)) => {
            coverage.not_content.push(NotContent { kind, path: shown(&file.path) });
            // What a link points to is published with it, as git keeps it in place of a content.
            let target = match fs::read_link(&file.path) {
                Ok(target) => target,
                Err(error) if kind == LINK => return coverage.gaps.push(gap(GapCode::Unreadable, explain(&error))),
                Err(_) => return,
            };
            let bytes = target.as_os_str().as_encoded_bytes();
            let task = Task::new(progress);
            match workers.with(|worker| window::scan(&mut &*bytes, 0, detector, worker, &task)) {
                Ok(reading) => {
                    coverage.gaps.extend(reading.error.map(|error| gap(error.code(), error.explain())));
                    if !reading.candidates.is_empty() {
                        let identity = root.identity(&file.path);
                        each(Content { path: shown(&file.path), identity, candidates: reading.candidates });
                    }
                }
                Err(panicked) => coverage.gaps.push(gap(GapCode::Failed, panicked.to_string())),
            }
            return;
        }
        Err(error) => return coverage.gaps.push(gap(GapCode::Unreadable, explain(&error))),
    };
    let task = Task::new(progress);
    let path = shown(&file.path);
    let identity = || root.identity(&file.path);
    let scanned = workers
        .with(|worker| Scan { path: &path, identity: &identity, detector, worker, task: &task }.file(&mut open, size));
    let scanned = match scanned {
        Ok(scanned) => scanned,
        Err(Panicked) => return coverage.gaps.push(gap(GapCode::Failed, Panicked.to_string())),
    };
    coverage.bytes += scanned.bytes;
    progress.file_done();
    coverage.gaps.extend(scanned.gaps);
    if scanned.is_whole && scanned.bytes < size {
        let reason = format!("it shrank while it was read: {} of {size} bytes were left", scanned.bytes);
        coverage.gaps.push(gap(GapCode::Changed, reason));
    } else if scanned.is_whole {
        coverage.files += 1;
    }
    scanned.contents.into_iter().for_each(each);
}

enum Opened {
    File(File, u64),
    Other(&'static str),
}

/// Opens a regular file, and nothing that took its place since it was listed: no link is followed, no FIFO waited for.
fn open(path: &Path, follow: bool) -> io::Result<Opened> {
    let file = match file::open(path, follow) {
        Ok(file) => file,
        Err(error) => {
            let replaced = fs::symlink_metadata(path).ok().map(|it| it.file_type()).filter(|it| !it.is_file());
            return replaced.map_or(Err(error), |kind| Ok(Opened::Other(kind_of(kind))));
        }
    };
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok(Opened::File(file, metadata.len()))
    } else {
        Ok(Opened::Other(kind_of(metadata.file_type())))
    }
}

const LINK: &str = "symbolic link";

fn kind_of(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "FIFO";
        }
        if kind.is_socket() {
            return "socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "device";
        }
    }
    if kind.is_symlink() { LINK } else { "special file" }
}
