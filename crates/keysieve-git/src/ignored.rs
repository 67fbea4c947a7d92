//! What git ignores: the patterns of `.gitignore` files, of a repository's `info/exclude`, and the user's own.
//!
//! Read as git reads them ([`pattern`]), and by nobody's word but git's: where git would read no patterns, none count, and
//! where it cannot be told whether it would, none count either. What is read in vain is noise; what is skipped and git
//! keeps is a secret that nobody looked for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::file;

pub mod pattern;
mod user;

use pattern::Pattern;

/// Most bytes of a file of patterns.
const MOST: u64 = 16 << 20;

/// The patterns that count in a folder of a work tree: its own, and those of the folders above it.
#[derive(Debug, Default)]
pub struct Ignored {
    outer: Option<Arc<Ignored>>,
    patterns: Vec<Pattern>,
    /// Bytes of the folder's path from the root of the work tree on, with the slash behind it.
    below: usize,
}

/// The user's patterns, which count in every work tree. They are read once, where the first is met.
#[derive(Debug, Default)]
pub struct OfUser(OnceLock<Arc<Ignored>>);

impl Ignored {
    /// What counts in the work tree at `root` before any `.gitignore` does.
    pub fn of_work_tree(root: &Path, user: &OfUser) -> Arc<Self> {
        let (git, common) = git_folders(root);
        let of_user = match user::leaves_out_the_users(&git) || user::leaves_out_the_users(&common) {
            true => Arc::default(),
            false => user.0.get_or_init(|| Self::on(None, user::patterns(), 0)).clone(),
        };
        Self::on(Some(of_user), read(&common.join("info/exclude")), 0)
    }

    /// What counts in `folder`, which has a `.gitignore` and is at `path` from the root of the work tree on.
    pub fn with_patterns_of(self: &Arc<Self>, folder: &Path, path: &[u8]) -> Arc<Self> {
        let below = if path.is_empty() { 0 } else { path.len() + 1 };
        Self::on(Some(self.clone()), read(&folder.join(PATTERNS)), below)
    }

    fn on(outer: Option<Arc<Self>>, patterns: Vec<Pattern>, below: usize) -> Arc<Self> {
        match outer {
            Some(outer) if patterns.is_empty() => outer,
            outer => Arc::new(Self { outer, patterns, below }),
        }
    }

    /// Whether what stands at `path`, from the root of the work tree on, is ignored. The folders that it is in are not.
    pub fn is_ignored(&self, path: &[u8], is_folder: bool) -> bool {
        let name = &path[memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1)..];
        let levels = std::iter::successors(Some(self), |level| level.outer.as_deref());
        let mut matching = levels.filter_map(|level| {
            let path = path.get(level.below..)?;
            level.patterns.iter().rev().find(|pattern| pattern.matches(path, name, is_folder))
        });
        matching.next().is_some_and(|pattern| !pattern.is_exception)
    }
}

/// The name of a folder's patterns.
pub const PATTERNS: &str = ".gitignore";

/// The patterns of a file. Git follows no link to one, and waits for what is no file.
fn read(path: &Path) -> Vec<Pattern> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() && metadata.len() <= MOST => {
            pattern::read(&file::read(path).unwrap_or_default())
        }
        _ => Vec::new(),
    }
}

/// The git folder of the work tree at `root`, and the one that it shares with others.
fn git_folders(root: &Path) -> (PathBuf, PathBuf) {
    let inside = root.join(".git");
    let target = file::read_text(&inside).ok();
    let target = target.and_then(|text| Some(root.join(text.strip_prefix("gitdir:")?.trim())));
    let git = target.unwrap_or(inside);
    let common = match file::read_text(&git.join("commondir")) {
        Ok(relative) => git.join(relative.trim_end_matches('\n')),
        Err(_) => git.clone(),
    };
    (git, common)
}
