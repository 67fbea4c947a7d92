//! `[[accept_incomplete]]`: what need not be read for a scan to be complete, and why.
//!
//! An entry names files, a kind of gap, or both. What says that nothing was looked at can't be accepted, and what is not
//! about a file only by its code, so that no pattern of paths, however wide, lets a run pass that has read nothing.

use globset::GlobMatcher;
use jiff::civil::Date;
use serde::Deserialize;

use crate::gap::{Gap, GapCode};
use crate::inside;
use keysieve_engine::verdict::path_matcher;

/// What need not be read: files by `path` or `paths`, a kind of gap by `code`, or both.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// A glob of paths.
    path: Option<String>,
    /// Globs of paths.
    #[serde(default)]
    paths: Vec<String>,
    /// The kind of gap, as a report writes it.
    code: Option<GapCode>,
    /// Why it need not be read.
    reason: String,
    /// The last day on which it need not.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    expires: Option<toml::value::Datetime>,
}

/// An accepted kind of gap.
#[derive(Debug)]
pub struct AcceptIncomplete {
    paths: Vec<GlobMatcher>,
    code: Option<GapCode>,
    /// What it is for, as it was written.
    pub what: String,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is.
    pub expires: Option<Date>,
    /// Where it stands in the file.
    pub line: usize,
}

/// Kinds of gaps that nobody can accept: the run has not looked at what it was for.
const NEVER: [GapCode; 3] = [GapCode::Interrupted, GapCode::UnknownRevision, GapCode::EmptyRange];

/// Whether an entry can accept gaps of this kind.
pub fn can_accept(code: GapCode) -> bool {
    !NEVER.contains(&code)
}

impl AcceptIncomplete {
    pub(super) fn new(entry: Entry, line: usize) -> Result<Self, String> {
        let globs: Vec<String> = entry.path.into_iter().chain(entry.paths).collect();
        if globs.is_empty() && entry.code.is_none() {
            return Err("an accept_incomplete entry names at least one of `path`, `paths` and `code`".to_owned());
        }
        if let Some(code) = entry.code.filter(|code| NEVER.contains(code)) {
            return Err(format!("`{code}` says that nothing was looked at, which can't be accepted"));
        }
        if entry.reason.trim().is_empty() {
            return Err("the reason of an accept_incomplete entry is empty; write why it need not be read".to_owned());
        }
        let paths = globs.iter().map(|glob| path_matcher(glob).map_err(|error| error.to_string()));
        Ok(Self {
            paths: paths.collect::<Result<_, _>>()?,
            code: entry.code,
            what: entry
                .code
                .iter()
                .map(|code| code.to_string())
                .chain(globs.iter().cloned())
                .collect::<Vec<_>>()
                .join(", "),
            reason: entry.reason,
            expires: super::expiry(entry.expires)?,
            line,
        })
    }

    /// Whether its last day has passed.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|expires| expires < today)
    }

    /// Whether `gap` is of this kind. A pattern for a container is for all that is in it.
    pub(super) fn covers(&self, gap: &Gap) -> bool {
        let of_path = || {
            gap.file().is_some_and(|path| {
                let outer = inside::outer(path);
                self.paths.iter().any(|glob| glob.is_match(path) || glob.is_match(outer))
            })
        };
        !NEVER.contains(&gap.code)
            && self.code.is_none_or(|code| code == gap.code)
            && (self.paths.is_empty() || of_path())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("c.toml"), &|_| Err("nothing is there".to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn entries_say_what_and_why() {
        for (entry, said) in [
            ("reason = 'x'", "at least one of"),
            ("code = 'lfs-pointer'", "missing field `reason`"),
            ("code = 'lfs-pointer'\nreason = ' '", "is empty"),
            ("code = 'lfs-pointr'\nreason = 'x'", "did you mean `lfs-pointer`?"),
            ("code = 'interrupted'\nreason = 'x'", "can't be accepted"),
            ("code = 'empty-range'\nreason = 'x'", "can't be accepted"),
            ("path = 'a/[b'\nreason = 'x'", "c.toml:1"),
            ("path = 'a'\nreason = 'x'\nexpires = 2026-01-01T00:00:00Z", "is a date"),
        ] {
            let error = parse(&format!("[[accept_incomplete]]\n{entry}\n")).unwrap_err();
            assert!(error.contains(said), "{entry}: {error}");
        }
    }

    #[test]
    fn a_gap_is_accepted_by_its_file_or_its_code_and_never_when_nothing_was_looked_at() {
        let today: Date = "2026-06-01".parse().unwrap();
        let gap = |code, path: &str| Gap::new(code, path, "x");
        let about = |code, what: &str| Gap::about(code, what, "x");
        for (entry, gap, accepted) in [
            ("path = 'art/**'", gap(GapCode::LfsPointer, "art/a.psd"), true),
            ("path = '*.zip'", gap(GapCode::Encrypted, "b/a.zip!/c/d.txt"), true),
            ("path = '*.txt'", gap(GapCode::Encrypted, "b/a.zip!/c/d.txt"), true),
            ("path = 'art/**'", gap(GapCode::LfsPointer, "src/a.psd"), false),
            ("path = 'art/**'\ncode = 'encrypted'", gap(GapCode::LfsPointer, "art/a.psd"), false),
            ("paths = ['x/', 'art/']", gap(GapCode::LfsPointer, "art/a.psd"), true),
            ("code = 'lfs-pointer'", gap(GapCode::LfsPointer, "art/a.psd"), true),
            ("code = 'shallow-clone'", gap(GapCode::ShallowClone, "history"), true),
            ("path = '**'", gap(GapCode::ShallowClone, "history"), false),
            ("path = '**'", gap(GapCode::Interrupted, "a/b.py"), false),
            ("path = '**'", gap(GapCode::UnknownRevision, "origin/main..HEAD"), false),
            ("path = '**'", about(GapCode::Limit, "object 0123456789"), false),
            ("path = '**'", about(GapCode::Limit, "standard input"), false),
            ("path = '**'", about(GapCode::Damaged, ".git/objects/pack/pack-1.idx"), false),
            ("code = 'damaged'", about(GapCode::Damaged, ".git/objects/pack/pack-1.idx"), true),
            ("path = 'history'", gap(GapCode::Damaged, "history"), true),
            ("path = 'commit *'", gap(GapCode::Damaged, "commit me.gz"), true),
            ("path = 'art/**'\nexpires = 2026-06-01", gap(GapCode::LfsPointer, "art/a.psd"), true),
            ("path = 'art/**'\nexpires = 2026-05-31", gap(GapCode::LfsPointer, "art/a.psd"), false),
        ] {
            let config = parse(&format!("[[accept_incomplete]]\n{entry}\nreason = 'x'\n")).unwrap();
            assert_eq!(config.accepts_incomplete(&gap, today).is_some(), accepted, "{entry}: {gap:?}");
        }
    }
}
