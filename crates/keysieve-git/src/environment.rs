//! What git tells the programs that it runs, hooks above all, about the repository that it works on.
//!
//! `git commit -a` or `git commit FILE` commits another index than `.git/index`, a server's hook sees what is pushed in a
//! quarantine, and a work tree may have its repository elsewhere: all of that stands in variables (git's "ENVIRONMENT
//! VARIABLES"). They are the caller's own word, as arguments are. This is read once, at the edge; nothing below asks for
//! variables. `GIT_PREFIX`, the folder that a command was started in, is not needed: git starts hooks at the work tree's
//! root, and what it names to them is relative to that.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Git's variables that say which repository is meant, and which parts of it. Relative paths are as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `GIT_DIR`.
    pub git_dir: Option<PathBuf>,
    /// `GIT_WORK_TREE`.
    pub work_tree: Option<PathBuf>,
    /// `GIT_COMMON_DIR`: what work trees share.
    pub common_dir: Option<PathBuf>,
    /// `GIT_INDEX_FILE`: what is about to be committed.
    pub index_file: Option<PathBuf>,
    /// `GIT_OBJECT_DIRECTORY`: where objects lie; in a server's hook the quarantine of what is pushed.
    pub object_directory: Option<PathBuf>,
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`: where they lie besides.
    pub alternates: Vec<PathBuf>,
}

impl Environment {
    /// Reads the variables through `variable`. An empty one is none.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            git_dir: path("GIT_DIR"),
            work_tree: path("GIT_WORK_TREE"),
            common_dir: path("GIT_COMMON_DIR"),
            index_file: path("GIT_INDEX_FILE"),
            object_directory: path("GIT_OBJECT_DIRECTORY"),
            alternates: variable("GIT_ALTERNATE_OBJECT_DIRECTORIES").map(|list| folders(&list)).unwrap_or_default(),
        }
    }
}

/// The folders of a list; one that begins with `"` is quoted as in C, so that it can hold the separator.
#[cfg(unix)]
fn folders(list: &OsStr) -> Vec<PathBuf> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    let mut found = Vec::new();
    let mut rest = list.as_bytes();
    while !rest.is_empty() {
        let mut folder = Vec::new();
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            rest = quoted;
            while let Some((byte, after)) = rest.split_first() {
                rest = after;
                match byte {
                    b'"' => break,
                    b'\\' => folder.push(unescaped(&mut rest)),
                    byte => folder.push(*byte),
                }
            }
        }
        let end = memchr::memchr(b':', rest).unwrap_or(rest.len());
        folder.extend_from_slice(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        if !folder.is_empty() {
            found.push(PathBuf::from(OsString::from_vec(folder)));
        }
    }
    found
}

/// The byte that stands after a `\`: a letter's, three octal digits', or itself.
#[cfg(unix)]
fn unescaped(rest: &mut &[u8]) -> u8 {
    let (byte, after) = rest.split_first().unwrap_or((&b'\\', &[]));
    *rest = after;
    match byte {
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b'0'..=b'3' => {
            let digits = after.iter().take(2).take_while(|digit| (b'0'..=b'7').contains(*digit)).count();
            *rest = &after[digits..];
            after[..digits].iter().fold(byte - b'0', |value, digit| value << 3 | (digit - b'0'))
        }
        byte => *byte,
    }
}

#[cfg(not(unix))]
fn folders(list: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(list).filter(|folder| !folder.as_os_str().is_empty()).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn lists_of_folders_are_read_as_git_writes_them() {
        for (list, expected) in [
            ("", vec![]),
            ("/a:b/c", vec!["/a", "b/c"]),
            (":/a::", vec!["/a"]),
            (r#""/a:b\"c\\\101\n":/d"#, vec!["/a:b\"c\\A\n", "/d"]),
            (r#""/open"#, vec!["/open"]),
        ] {
            assert_eq!(
                folders(OsStr::new(list)),
                expected.into_iter().map(PathBuf::from).collect::<Vec<_>>(),
                "{list}"
            );
        }
    }
}
