//! What git takes for a repository. A folder that is only called `.git` is none: its `.gitignore` hides nothing, and what
//! is in it is read like anything else.

use std::fs;
use std::path::Path;

use crate::file;

/// Whether `folder` is a `.git` folder or a bare repository.
pub fn is_git_folder(folder: &Path) -> bool {
    holds_objects(folder) && leads_to_a_commit(&folder.join("HEAD"))
}

/// Whether git takes what is at `head` for a `HEAD`: it is the name of a ref, or a commit's id.
fn leads_to_a_commit(head: &Path) -> bool {
    if let Ok(target) = fs::read_link(head) {
        return target.as_os_str().as_encoded_bytes().starts_with(b"refs/");
    }
    let content = file::read(head).unwrap_or_default();
    match content.strip_prefix(b"ref:") {
        Some(name) => name.trim_ascii_start().starts_with(b"refs/"),
        None => content.get(..40).is_some_and(|id| id.iter().all(u8::is_ascii_hexdigit)),
    }
}

/// Whether `folder` has the parts of a git folder, be its `HEAD` what it may.
pub fn holds_objects(folder: &Path) -> bool {
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
