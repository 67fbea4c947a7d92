//! What libgit2 would open of a repository, looked at before it does: it opens whatever has the right name, and waits for a
//! pipe in which nobody writes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::file;

/// Whether something is there that is neither a file nor a folder, behind a link or not.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| !it.is_file() && !it.is_dir())
}

/// What libgit2 reads to find out whether a folder is a repository.
const TO_FIND: [&str; 2] = ["commondir", "gitdir"];
/// What it reads besides when it opens one.
const TO_OPEN: [&str; 7] = ["HEAD", "config", "config.worktree", "shallow", "info/grafts", "packed-refs", "index"];

/// The first special file that libgit2 would open while it looks for a repository at `path` or around it, and if it is
/// `to_open` while it opens it.
pub fn in_the_way(path: &Path, to_open: bool) -> Option<PathBuf> {
    let start = fs::canonicalize(path).ok()?;
    for folder in start.ancestors() {
        for git in [folder.join(".git"), folder.to_owned()] {
            let git = behind_file(&git).unwrap_or(git);
            let common = file::read_text(&git.join("commondir")).ok().map(|text| git.join(text.trim_end()));
            for git in [Some(git), common].into_iter().flatten() {
                // In any other folder a pipe of that name is somebody's own matter.
                let is_opened = to_open && git.join("HEAD").symlink_metadata().is_ok();
                let more = TO_OPEN.iter().filter(|_| is_opened);
                let special = TO_FIND.iter().chain(more).map(|name| git.join(name)).find(|path| is_special(path));
                if special.is_some() {
                    return special;
                }
            }
        }
        if folder.join(".git/HEAD").is_file() {
            break;
        }
    }
    None
}

/// Where a `.git` that is a file leads.
pub fn behind_file(path: &Path) -> Option<PathBuf> {
    let text = file::read_text(path).ok()?;
    let target = text.strip_prefix("gitdir:")?.trim();
    Some(path.parent()?.join(target))
}
