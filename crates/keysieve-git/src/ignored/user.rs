//! The user's own patterns: the file that git's `core.excludesFile` names, or the one in git's usual place.

use std::env;
use std::path::{Path, PathBuf};

use git2::{Config, ConfigLevel};

use super::{Pattern, pattern};
use crate::file;

/// Whether a git folder's own configuration may name another file of patterns than the user's: git would read that one
/// in its place. What it is does not matter, as nobody here vouches for it.
pub(super) fn leaves_out_the_users(git: &Path) -> bool {
    ["config", "config.worktree"].iter().any(|name| {
        let text = file::read(&git.join(name)).unwrap_or_default().to_ascii_lowercase();
        [&b"excludesfile"[..], b"[include"].iter().any(|it| memchr::memmem::find(&text, it).is_some())
    })
}

/// The user's patterns, if it is plain which they are.
pub(super) fn patterns() -> Vec<Pattern> {
    // Git's command line, or whoever started this, may have set anything.
    if ["GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"].iter().any(|name| env::var_os(name).is_some()) {
        return Vec::new();
    }
    let file = named().and_then(|named| named.or_else(|| Some(folder_of_user()?.join("ignore"))));
    // It is the user's, who may have made it a link.
    let content = file.and_then(|file| file::read_followed(&file).ok()).unwrap_or_default();
    pattern::read(content.as_bytes())
}

/// The file that the configurations of system and user name, if they name one; `None` where they may name another one
/// than is seen here.
#[expect(clippy::option_option, reason = "not known is not the same as not there")]
fn named() -> Option<Option<PathBuf>> {
    let mut config = Config::new().ok()?;
    let mut files: Vec<(PathBuf, ConfigLevel)> = Vec::new();
    match env::var_os("GIT_CONFIG_SYSTEM") {
        _ if env::var_os("GIT_CONFIG_NOSYSTEM").is_some() => {}
        Some(file) => files.push((file.into(), ConfigLevel::System)),
        None => files.extend(Config::find_system().ok().map(|file| (file, ConfigLevel::System))),
    }
    match env::var_os("GIT_CONFIG_GLOBAL") {
        Some(file) => files.push((file.into(), ConfigLevel::Global)),
        None => {
            files.extend(folder_of_user().map(|folder| (folder.join("config"), ConfigLevel::XDG)));
            files.extend(home().map(|home| (home.join(".gitconfig"), ConfigLevel::Global)));
        }
    }
    for (file, level) in files.into_iter().filter(|(file, _)| file.is_file()) {
        config.add_file(&file, level, false).ok()?;
    }
    let mut is_plain = true;
    // What is included under a condition counts in some repositories only.
    config.entries(Some("^includeif\\.")).ok()?.for_each(|_| is_plain = false).ok()?;
    is_plain.then(|| config.get_path("core.excludesfile").ok())
}

/// Where git keeps what is the user's.
fn folder_of_user() -> Option<PathBuf> {
    let set = env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    Some(set.or_else(|| Some(home()?.join(".config")))?.join("git"))
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from)
}
