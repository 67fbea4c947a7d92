//! The table of silent all-clears: for each way that was found to get exit code 0 with a secret in what was committed,
//! pushed or scanned, a row that says how to build it and what keysieve has to say. And its twins: ordinary things that
//! must stay clean, so that nobody turns it off.
//!
//! To add a file's content, add a row to `contents.rs`: it is tried by every way in (a folder, standard input, the index, a
//! range, a push, a whole history). To add a repository, add a `[[probe]]` to a file in `repositories/`: some lines of
//! shell that build it with git, and the commands to ask, by what they have to answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contents;
#[path = "../forge/mod.rs"]
mod forge;
mod repositories;

use std::fmt;
use std::path::Path;
use std::process::{Command, Output};

/// What keysieve has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Expect {
    /// Exit code 1, and the planted token among the findings.
    Found,
    /// That, or exit code 3.
    FoundOrIncomplete,
    /// Exit code 3, whatever else was found.
    Incomplete,
    /// The token among the findings, and exit code 3 besides.
    FoundAndIncomplete,
    /// Exit code 0.
    Clean,
    /// Exit code 2: it does not begin.
    Refused,
}

impl Expect {
    /// Whether an exit code, together with whether the token was found, is what was to be.
    fn holds(self, code: i32, found: bool) -> bool {
        match self {
            Self::Found => code == 1 && found,
            Self::FoundOrIncomplete => code == 1 && found || code == 3,
            Self::Incomplete => code == 3,
            Self::FoundAndIncomplete => code == 3 && found,
            Self::Clean => code == 0 && !found,
            Self::Refused => code == 2,
        }
    }
}

/// Rows that do not hold, in words.
#[derive(Debug, Default)]
struct Failed(Vec<String>);

impl Failed {
    fn add(&mut self, row: impl fmt::Display, expect: Expect, got: impl fmt::Display) {
        self.0.push(format!("{row}: {expect:?} expected, got {got}"));
    }

    fn none(self) {
        assert!(self.0.is_empty(), "{} rows do not hold:\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// git and keysieve as on a machine where both are installed and nobody has configured anything.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let bin = Path::new(env!("CARGO_BIN_EXE_keysieve")).parent().unwrap();
    command
        .current_dir(folder)
        .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
        .env("KEYSIEVE", env!("CARGO_BIN_EXE_keysieve"))
        .env("HOME", folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_COUNT", "3")
        .envs([("GIT_CONFIG_KEY_0", "protocol.file.allow"), ("GIT_CONFIG_VALUE_0", "always")])
        .envs([("GIT_CONFIG_KEY_1", "gc.auto"), ("GIT_CONFIG_VALUE_1", "0")])
        .envs([("GIT_CONFIG_KEY_2", "advice.detachedHead"), ("GIT_CONFIG_VALUE_2", "false")])
        .envs([("GIT_AUTHOR_NAME", "Ann"), ("GIT_AUTHOR_EMAIL", "ann@corp.io")])
        .envs([("GIT_COMMITTER_NAME", "Ann"), ("GIT_COMMITTER_EMAIL", "ann@corp.io")])
        .envs([("GIT_AUTHOR_DATE", "1700000000 +0000"), ("GIT_COMMITTER_DATE", "1700000000 +0000")]);
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GITHUB_ACTIONS", "CI"] {
        command.env_remove(name);
    }
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
