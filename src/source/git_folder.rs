//! What git takes for a repository. A folder that is only called `.git` is none: its `.gitignore` hides nothing, and what
//! is in it is read like anything else.

use std::fs;
use std::path::Path;

use crate::file;

/// Whether `folder` is a `.git` folder or a bare repository.
pub fn is_git_folder(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join("HEAD")).is_ok_and(|head| !head.is_dir())
        && (folder.join("commondir").is_file() || folder.join("objects").is_dir() && folder.join("refs").is_dir())
}

/// Whether `folder` is the root of a work tree: its `.git` is a git folder, or a file that leads to one.
pub fn is_work_tree(folder: &Path) -> bool {
    let inside = folder.join(".git");
    match fs::metadata(&inside) {
        Ok(metadata) if metadata.is_dir() => is_git_folder(&inside),
        Ok(metadata) if metadata.is_file() && metadata.len() < 1 << 16 => {
            let text = file::read_text(&inside).unwrap_or_default();
            text.strip_prefix("gitdir:").is_some_and(|target| is_git_folder(&folder.join(target.trim())))
        }
        _ => false,
    }
}

/// Whether something stands in `folder` by which a walk takes it for a work tree, and it is none.
pub fn only_looks_like_one(folder: &Path) -> bool {
    let is_there = |name: &str| folder.join(name).symlink_metadata().is_ok();
    (is_there(".git") || is_there(".jj")) && !is_work_tree(folder)
}
