//! Lists what is in a folder: each folder is a task, so that many are read at once. What git ignores is not looked into.

use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rayon::Scope;

use super::{Listed, Root, kind_of, work_tree_root};
use crate::file::shown;
use crate::gap::{Gap, GapCode};
use crate::scan::{Coverage, NotContent, Progress, explain};
use crate::source::git_folder::{holds_objects, is_work_tree};
use crate::source::ignored::{Ignored, OfUser, PATTERNS};

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

/// A folder to read.
struct Folder {
    path: PathBuf,
    /// What is ignored in it; `None` outside of work trees.
    ignored: Option<Arc<Ignored>>,
    /// Its path from the root of its work tree on.
    in_tree: Vec<u8>,
    /// The folders that it is in, where links are followed.
    above: Option<Arc<Above>>,
}

/// A folder, as it is called without links, and those that it is in.
struct Above {
    real: PathBuf,
    above: Option<Arc<Above>>,
}

/// Reads `folder` and all that is in it and not ignored.
pub(super) fn walk(how: Walk<'_>, folder: &Path) -> Met {
    let met = Mutex::default();
    let absolute = match folder.strip_prefix(&how.root.path) {
        Ok(rest) if !rest.as_os_str().is_empty() => how.root.absolute.join(rest),
        _ => how.root.absolute.clone(),
    };
    let tree = if how.no_ignore { None } else { work_tree_root(&absolute) };
    let mut first = Folder { path: folder.to_owned(), ignored: None, in_tree: Vec::new(), above: None };
    if let Some(tree) = tree.filter(|tree| *tree != absolute) {
        let mut ignored = Ignored::of_work_tree(&tree, how.user);
        let mut at = tree.clone();
        for name in absolute.strip_prefix(&tree).into_iter().flat_map(Path::iter) {
            ignored = ignored.with_patterns_of(&at, &first.in_tree);
            at.push(name);
            extend(&mut first.in_tree, name.as_encoded_bytes());
        }
        first.ignored = Some(ignored);
    }
    rayon::scope(|scope| how.read(first, &met, scope));
    met.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<'a> Walk<'a> {
    fn read<'s>(self, mut folder: Folder, met: &'s Mutex<Met>, scope: &Scope<'s>)
    where
        'a: 's,
    {
        if self.progress.is_stopped() {
            return;
        }
        let mut here = Met::default();
        if self.follow {
            let real = fs::canonicalize(&folder.path).unwrap_or_else(|_| folder.path.clone());
            folder.above = Some(Arc::new(Above { real, above: folder.above }));
        }
        let entries = match fs::read_dir(&folder.path) {
            Ok(entries) => entries.filter_map(|entry| here.known(entry, &folder.path)).collect::<Vec<_>>(),
            Err(error) => {
                here.unreadable(&folder.path, &error);
                Vec::new()
            }
        };
        let has = |name: &str| entries.iter().any(|(entry, _)| entry.file_name() == name);
        let is_tree = !self.no_ignore && has(".git") && is_work_tree(&folder.path);
        if is_tree {
            // What is around a repository says nothing of what is in it.
            here.repositories.push(folder.path.clone());
            folder.ignored = Some(Ignored::of_work_tree(&folder.path, self.user));
            folder.in_tree.clear();
        }
        folder.ignored = match folder.ignored {
            Some(ignored) if has(PATTERNS) => Some(ignored.with_patterns_of(&folder.path, &folder.in_tree)),
            ignored => ignored,
        };
        let mut in_tree = folder.in_tree.clone();
        for (entry, kind) in entries {
            let name = entry.file_name();
            if is_tree && name == ".git" {
                continue;
            }
            if kind.is_dir() && name == "objects" && holds_objects(&folder.path) {
                here.coverage.merge(objects(&self.root.path, &folder.path));
                continue;
            }
            if let Some(ignored) = &folder.ignored {
                in_tree.truncate(folder.in_tree.len());
                extend(&mut in_tree, name.as_encoded_bytes());
                if ignored.is_ignored(&in_tree, kind.is_dir()) {
                    continue;
                }
            }
            let path = entry.path();
            let kind = match kind.is_symlink() && self.follow {
                true => match here.target(&path, folder.above.as_deref()) {
                    Some(kind) => kind,
                    None => continue,
                },
                false => kind,
            };
            if kind.is_file() || kind.is_symlink() {
                here.files.push(Listed { path, root: self.index, is_link: kind.is_symlink() });
            } else if kind.is_dir() {
                let inner = Folder {
                    path,
                    ignored: folder.ignored.clone(),
                    in_tree: if folder.ignored.is_some() { in_tree.clone() } else { Vec::new() },
                    above: folder.above.clone(),
                };
                scope.spawn(move |scope| self.read(inner, met, scope));
            } else {
                here.coverage.not_content.push(NotContent { kind: kind_of(kind), path: shown(&path) });
            }
        }
        let mut met = met.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        met.files.append(&mut here.files);
        met.repositories.append(&mut here.repositories);
        met.coverage.merge(here.coverage);
    }
}

impl Met {
    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.coverage.gaps.push(Gap::new(GapCode::Unreadable, shown(path), explain(error)));
    }

    /// An entry of `folder` and what it is, if that can be told.
    fn known(&mut self, entry: io::Result<DirEntry>, folder: &Path) -> Option<(DirEntry, FileType)> {
        let entry = entry.map_err(|error| self.unreadable(folder, &error)).ok()?;
        let kind = entry.file_type().map_err(|error| self.unreadable(&entry.path(), &error)).ok()?;
        Some((entry, kind))
    }

    /// What a link leads to, unless that is nothing, or a folder that the link is in.
    fn target(&mut self, link: &Path, above: Option<&Above>) -> Option<FileType> {
        let kind = match fs::metadata(link) {
            Ok(metadata) => metadata.file_type(),
            Err(_) => {
                self.coverage.not_content.push(NotContent { kind: "broken symbolic link", path: shown(link) });
                return None;
            }
        };
        let is_above = |target: PathBuf| {
            std::iter::successors(above, |above| above.above.as_deref()).any(|above| above.real == target)
        };
        if kind.is_dir() && fs::canonicalize(link).is_ok_and(is_above) {
            let kind = "symbolic link to a folder above it";
            self.coverage.not_content.push(NotContent { kind, path: shown(link) });
            return None;
        }
        Some(kind)
    }
}

fn extend(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
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
