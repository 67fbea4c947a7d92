//! What is tracked is read even where a pattern ignores it: git keeps it, so a secret in it is published.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::walk::{Met, Walk, walk};
use super::{Listed, Root, work_tree_root};
use crate::file::shown;
use crate::gap::{Gap, GapCode};
use crate::scan::explain;
use keysieve_git::git_folder::is_work_tree;
use keysieve_git::index::Index;
use keysieve_git::{Repository, Trust};

/// What an index says of a work tree, as paths in it.
#[derive(Default)]
struct Tracked {
    /// Files and links.
    files: Vec<PathBuf>,
    /// Work trees of other repositories.
    submodules: Vec<PathBuf>,
    /// Folders of which a sparse index lists nothing.
    unlisted: Vec<PathBuf>,
}

/// Adds to what a walk met the tracked files that it did not, and what is in submodules that it did not look into.
pub(super) fn add(how: Walk<'_>, trust_links: bool, met: &mut Met) {
    let root = how.root;
    let own = work_tree_root(&root.absolute);
    let absolute = |folder: &Path| Some(root.absolute.join(folder.strip_prefix(&root.path).ok()?));
    let nested = |folders: &[PathBuf]| -> Vec<(PathBuf, Option<PathBuf>)> {
        folders.iter().filter_map(|folder| Some((absolute(folder)?, Some(folder.clone())))).collect()
    };
    let mut todo = nested(&met.repositories);
    todo.extend(own.map(|folder| (folder, None)));
    let mut seen = HashSet::new();
    let mut folders = HashMap::new();
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some((folder, shown_as)) = todo.pop() {
        // The named folder itself comes as the root of its work tree and as a folder with a `.git`.
        if !seen.insert(folder.clone()) {
            continue;
        }
        let tracked = match tracked(&folder, trust_links) {
            Ok(tracked) => tracked,
            Err(error) => {
                met.coverage.gaps.push(Gap::about(
                    GapCode::Unreadable,
                    shown(&shown_as.unwrap_or(folder).join(".git")),
                    format!("its index could not be read, so tracked files that are ignored may be missing: {error}"),
                ));
                continue;
            }
        };
        let below = |path: PathBuf| {
            let absolute = folder.join(path);
            let rest = absolute.strip_prefix(&root.absolute).ok()?;
            Some(if root.path == Path::new(".") { Path::new("./").join(rest) } else { root.path.join(rest) })
        };
        met.coverage.gaps.extend(tracked.unlisted.into_iter().filter_map(below).filter(|path| path.is_dir()).map(
            |path| {
                let reason = "the index is sparse and does not list what is tracked in it, so tracked files that are \
                          ignored may be missing; --no-ignore reads them";
                Gap::new(GapCode::Unreadable, shown(&path), reason)
            },
        ));
        files.extend(tracked.files.into_iter().filter_map(below));
        for submodule in tracked.submodules.into_iter().filter_map(below) {
            let is_met = absolute(&submodule)
                .is_none_or(|absolute| seen.contains(&absolute) || todo.iter().any(|(folder, _)| *folder == absolute));
            let is_folder = submodule.symlink_metadata().is_ok_and(|it| it.is_dir());
            if !is_met && is_folder && is_work_tree(&submodule) && is_below(root, &submodule, &mut folders) {
                let inside = walk(how, &submodule);
                todo.extend(nested(&inside.repositories));
                met.files.extend(inside.files);
                met.coverage.merge(inside.coverage);
            }
        }
    }
    if files.is_empty() {
        return;
    }
    let walked: HashSet<&[u8]> = met.files.iter().map(|file| file.path.as_os_str().as_encoded_bytes()).collect();
    files.retain(|path| !walked.contains(path.as_os_str().as_encoded_bytes()));
    // In a merge with conflicts a path has up to three entries.
    files.sort();
    files.dedup();
    for path in files {
        let kind = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.file_type(),
            // Whether it is there cannot be told; that it is elsewhere or was removed can.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                met.coverage.gaps.push(Gap::new(GapCode::Unreadable, shown(&path), explain(&error)));
                continue;
            }
            Err(_) => continue,
        };
        if (kind.is_file() || kind.is_symlink()) && is_below(root, &path, &mut folders) {
            met.files.push(Listed { is_link: kind.is_symlink(), path, root: how.index });
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

/// What the index of the work tree at `folder` lists. Nothing of the repository's configuration is followed.
fn tracked(folder: &Path, trust_links: bool) -> Result<Tracked, String> {
    const REGULAR: u32 = 0o100_000;
    const LINK: u32 = 0o120_000;
    const FOLDER: u32 = 0o040_000;
    const SUBMODULE: u32 = 0o160_000;
    // Whose it is does not matter: its index is but a list of names.
    let trust = Trust { owner: true, links: trust_links };
    let repository = Repository::discover(folder, trust).map_err(|error| error.to_string())?;
    let index = Index::read(repository.git_folder(), repository.hash_length()).map_err(|error| error.to_string())?;
    let of_kinds = |kinds: &[u32]| {
        let entries = index.entries.iter().filter(|entry| kinds.contains(&(entry.mode & 0o170_000)));
        let names = entries.map(|entry| index.path(entry)).map(|name| name.strip_suffix(b"/").unwrap_or(name));
        names.filter_map(|name| bytes_to_path(name.to_vec())).filter(|path| !leads_out(path)).collect()
    };
    Ok(Tracked { files: of_kinds(&[REGULAR, LINK]), submodules: of_kinds(&[SUBMODULE]), unlisted: of_kinds(&[FOLDER]) })
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
