//! What should have been read and was not. A gap makes a scan incomplete (exit code 3), so that nothing is called clean
//! that nobody looked at.
//!
//! A gap has a path, a reason for people, and a [`GapCode`] that stays the same whatever the reason's words are: reports
//! carry it, and `[[accept_incomplete]]` in a configuration names it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that should have been read and was not, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Gap {
    /// What.
    pub path: String,
    /// Of which kind.
    #[serde(default)]
    pub code: GapCode,
    /// Why, and what to do about it.
    pub reason: String,
    /// The path from the repository's or the scanned folder's root on, where `path` is as the user typed it.
    #[serde(skip)]
    pub identity: Option<String>,
    /// Whether `path` names no file of the scanned tree, but what keysieve reads to come to them.
    #[serde(skip)]
    is_no_file: bool,
}

/// A gap that the configuration accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AcceptedGap {
    /// What was not read.
    #[serde(flatten)]
    pub gap: Gap,
    /// Why it need not be.
    pub accepted: String,
}

impl Gap {
    /// Says that `path` was not read, or not to its end.
    pub fn new(code: GapCode, path: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { path: path.into(), code, reason: reason.to_string(), identity: None, is_no_file: false }
    }

    /// The same of what is no file of the scanned tree: the scan itself, an object, a pack, a ref, standard input. No pattern
    /// of paths matches it.
    pub fn about(code: GapCode, what: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::new(code, what, reason).of_no_file()
    }

    /// The same, where `path` turned out to be that of no file.
    pub fn of_no_file(mut self) -> Self {
        self.is_no_file = true;
        self
    }

    /// The same, with the path that the configuration knows its file by.
    pub fn known_as(mut self, identity: &str) -> Self {
        self.identity = Some(identity.to_owned());
        self
    }

    /// The file that was not read, by its path from the repository's or the scanned folder's root on; `None` where the
    /// gap is about something else, such as the whole scan.
    pub fn file(&self) -> Option<&str> {
        let path = self.identity.as_ref().unwrap_or(&self.path);
        let of_run = matches!(
            self.code,
            GapCode::Interrupted
                | GapCode::ShallowClone
                | GapCode::UnknownRevision
                | GapCode::EmptyRange
                | GapCode::NothingToRead
        );
        (!of_run && !self.is_no_file && !path.is_empty()).then_some(path)
    }
}

/// The kind of a [`Gap`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum GapCode {
    /// The operating system would not let it be read, or reading it failed.
    #[default]
    Unreadable,
    /// It is cut short, or not as its format has to be.
    Damaged,
    /// A limit was reached; the reason names the flag that raises it.
    Limit,
    /// The scan was ended before it came to it.
    Interrupted,
    /// It is encrypted.
    Encrypted,
    /// It is of a format that is recognised and cannot be opened.
    UnsupportedFormat,
    /// It is a pointer of Git LFS, and what it stands for is elsewhere.
    LfsPointer,
    /// The repository does not have an object that another one names.
    MissingObject,
    /// A shallow clone ends here.
    ShallowClone,
    /// It leads out of the repository, and is not followed.
    OutsideRepository,
    /// It is a repository, a bundle or a pack, which `keysieve history` reads.
    Repository,
    /// It is no regular file where one has to be.
    NotAFile,
    /// A revision or an event names what is not in the clone.
    UnknownRevision,
    /// A range holds no commit although its ends differ.
    EmptyRange,
    /// It changed while it was read.
    Changed,
    /// There was nothing to read where something was asked for.
    NothingToRead,
    /// A library, or keysieve itself, failed on it.
    Failed,
}

impl GapCode {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 17] = [
        Self::Unreadable,
        Self::Damaged,
        Self::Limit,
        Self::Interrupted,
        Self::Encrypted,
        Self::UnsupportedFormat,
        Self::LfsPointer,
        Self::MissingObject,
        Self::ShallowClone,
        Self::OutsideRepository,
        Self::Repository,
        Self::NotAFile,
        Self::UnknownRevision,
        Self::EmptyRange,
        Self::Changed,
        Self::NothingToRead,
        Self::Failed,
    ];

    /// As reports and configurations write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Damaged => "damaged",
            Self::Limit => "limit",
            Self::Interrupted => "interrupted",
            Self::Encrypted => "encrypted",
            Self::UnsupportedFormat => "unsupported-format",
            Self::LfsPointer => "lfs-pointer",
            Self::MissingObject => "missing-object",
            Self::ShallowClone => "shallow-clone",
            Self::OutsideRepository => "outside-repository",
            Self::Repository => "repository",
            Self::NotAFile => "not-a-file",
            Self::UnknownRevision => "unknown-revision",
            Self::EmptyRange => "empty-range",
            Self::Changed => "changed",
            Self::NothingToRead => "nothing-to-read",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for GapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_write_codes_as_they_are_named() {
        for code in GapCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
