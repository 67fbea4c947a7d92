//! Files and folders of a working tree.
//!
//! Inside a git work tree these are the tracked files and the untracked ones that are not ignored; elsewhere all files.
//! First everything is listed (`walk`, and `tracked` for what is tracked and ignored), then read, both in parallel; what
//! is named is always read. Links, sockets, FIFOs and devices are listed and never opened.

use std::collections::HashSet;
use std::fs::{self, File, FileType};
use std::io;
use std::path::{Path, PathBuf};

use globset::GlobMatcher;
use rayon::prelude::*;

mod tracked;
mod walk;

use walk::{Met, Walk};

use crate::config;
use crate::file::{self, shown};
use crate::gap::{Gap, GapCode};
use crate::inside;
use crate::outcome::Outcome;
use crate::scan::content::Scan;
use crate::scan::limits::Task;
use crate::scan::names::Names;
use crate::scan::{Collected, Content, Coverage, NotContent, Panicked, Progress, Worker, Workers, explain, window};
use keysieve_engine::Detector;
use keysieve_git::git_folder::is_work_tree;
use keysieve_git::ignored::OfUser;

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

/// Lists and reads everything.
pub fn scan(options: &Options, detector: &Detector, progress: &Progress) -> Outcome {
    let found = Collected::new(detector, progress.limits.findings);
    let coverage = read(options, detector, progress, &|content| found.add(content));
    found.outcome(coverage)
}

/// Lists and reads everything; `each` is called for every content in which the engine found something, from several
/// threads and in no particular order.
fn read(options: &Options, detector: &Detector, progress: &Progress, each: &(impl Fn(Content) + Sync)) -> Coverage {
    let roots: Vec<Root> = options.paths.iter().map(|path| Root::new(path)).collect();
    let (files, mut coverage) = list(options, &roots, progress);
    progress.expect_files(files.len());
    let workers = Workers::default();
    let read = files
        .par_iter()
        .fold(Coverage::default, |mut coverage, file| {
            read_file(file, &roots[file.root], options, detector, progress, &workers, &mut coverage, each);
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
    named.into_iter().for_each(each);
    coverage.gaps.iter_mut().for_each(|gap| identify(gap, &roots));
    coverage.gaps.sort();
    coverage.gaps.dedup();
    coverage.not_content.sort();
    coverage
}

/// Notes the path that the configuration knows the gap's file by.
fn identify(gap: &mut Gap, roots: &[Root]) {
    let (outer, inner) = inside::split(&gap.path);
    // What is shown has no `./` before it, which the root may have.
    let paths = [PathBuf::from(outer), Path::new(".").join(outer)];
    let below = |root: &Root| paths.iter().find(|path| path.starts_with(&root.path)).map(|path| root.identity(path));
    let mut around: Vec<&Root> = roots.iter().collect();
    around.sort_by_key(|root| std::cmp::Reverse(root.path.as_os_str().len()));
    if let Some(identity) = around.into_iter().find_map(below) {
        gap.identity = Some(format!("{identity}{inner}"));
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
    files.iter().for_each(|file| names.push(below(&file.path, &roots[file.root].path)));
    let folder_of = |index: usize| {
        let file = &files[index];
        let name = below(&file.path, &roots[file.root].path);
        let up = name.iter().filter(|byte| **byte == b'/').count() + 1;
        let path = file.path.ancestors().nth(up).unwrap_or(Path::new(""));
        let identity = roots[file.root].identity(&file.path);
        let identity = Path::new(&identity).ancestors().nth(up).unwrap_or(Path::new(""));
        (as_prefix(shown(path)), as_prefix(identity.display().to_string()))
    };
    names.scan_paths(&folder_of, detector, worker, &Task::new(progress))
}

/// The path of a file from a root on; of a file that was named itself, its name.
fn below<'a>(path: &'a Path, root: &Path) -> &'a [u8] {
    let bytes = |path: &'a Path| path.as_os_str().as_encoded_bytes();
    // Walked paths begin with the root as it is written; the comparison by components is slow.
    let written = bytes(path).strip_prefix(root.as_os_str().as_encoded_bytes());
    match written.and_then(|rest| rest.strip_prefix(b"/")) {
        Some(rest) if !rest.is_empty() && !rest.starts_with(b"/") && !rest.starts_with(b"./") => rest,
        _ => match path.strip_prefix(root) {
            Ok(rest) if !rest.as_os_str().is_empty() => bytes(rest),
            _ => path.file_name().unwrap_or_default().as_encoded_bytes(),
        },
    }
}

/// A folder as it stands before what is in it.
fn as_prefix(folder: String) -> String {
    if folder.is_empty() || folder == "." { String::new() } else { folder + "/" }
}

/// Everything to read, each file once, and what was met besides.
fn list(options: &Options, roots: &[Root], progress: &Progress) -> (Vec<Listed>, Coverage) {
    let mut files = Vec::new();
    let mut coverage = Coverage::default();
    let user = OfUser::default();
    for (index, root) in roots.iter().enumerate() {
        if root.absolute.is_file() {
            files.push(Listed { path: root.path.clone(), root: index, is_link: false });
            continue;
        }
        let before = files.len();
        let Options { no_ignore, follow, trust_links, .. } = *options;
        let how = Walk { no_ignore, follow, progress, root, index, user: &user };
        let mut met = walk::walk(how, &root.path);
        if !no_ignore {
            tracked::add(how, trust_links, &mut met);
        }
        let Met { files: mut found, coverage: of_root, .. } = met;
        coverage.merge(of_root);
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
