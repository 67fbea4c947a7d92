//! What a repository's reader says, in the words of a scan: which gap a problem leaves, and which option changes that.

use std::fmt;

use keysieve_git::error::{Cause, Missing, ObjectError, Problem};
use keysieve_git::index::IndexError;
use keysieve_git::limits::{Memory, TooMuch};
use keysieve_git::oid::Oid;
use keysieve_git::pack::PackError;
use keysieve_git::revision::Revisions;
use keysieve_git::{OpenError, limits};

use crate::decode::container::in_words;
use crate::file::shown;
use crate::gap::{Gap, GapCode};
use crate::scan::limits::{Limits, Reached, Task};
use crate::scan::{Panicked, explain};

/// The limits of a scan, as far as they are those of a repository.
pub fn limits(limits: &Limits) -> limits::Limits {
    limits::Limits { object: limits.largest_object(), objects: limits.objects, delta_depth: limits.delta_depth }
}

impl Memory for Task<'_> {
    fn hold(&self, bytes: u64) -> Result<(), TooMuch> {
        Task::hold(self, bytes).map_err(|_| TooMuch { most: self.limits().task_memory() })
    }
}

/// Why something was not read.
pub trait Unread {
    /// What kind of gap it leaves.
    fn code(&self) -> GapCode;
    /// Why, and what to do about it.
    fn reason(&self) -> String;
}

impl Unread for ObjectError {
    fn code(&self) -> GapCode {
        match self {
            Self::Pack(PackError::TooLarge(_)) | Self::TooDeep | Self::Memory(_) | Self::Nested(_) | Self::Paths(_) => {
                GapCode::Limit
            }
            Self::Pack(PackError::Io { .. }) | Self::Io(_) => GapCode::Unreadable,
            Self::Pack(_)
            | Self::Delta(_)
            | Self::Loose
            | Self::OtherId
            | Self::OtherKind { .. }
            | Self::Unopened(_) => GapCode::Damaged,
            Self::Commit | Self::Tree | Self::Tag => GapCode::Damaged,
            Self::Link => GapCode::OutsideRepository,
            Self::NoBase | Self::Absent => GapCode::MissingObject,
            Self::Panicked => GapCode::Failed,
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Pack(PackError::TooLarge(most)) => {
                format!("it is larger than {} (--max-object-size, --max-memory)", in_words(*most))
            }
            Self::TooDeep => {
                "its chain of deltas is longer than git allows (--max-delta-depth), or goes round in a circle"
                    .to_owned()
            }
            Self::Memory(TooMuch { most }) => Reached::Memory(*most).to_string(),
            Self::Paths(most) => format!("more than {most} paths differ; the others were not looked at (--max-paths)"),
            Self::Panicked => Panicked.to_string(),
            _ => self.to_string(),
        }
    }
}

impl Unread for Reached {
    fn code(&self) -> GapCode {
        Self::code(self)
    }

    fn reason(&self) -> String {
        self.to_string()
    }
}

impl Unread for Panicked {
    fn code(&self) -> GapCode {
        GapCode::Failed
    }

    fn reason(&self) -> String {
        self.to_string()
    }
}

impl Unread for Cause {
    fn code(&self) -> GapCode {
        match self {
            Self::Io(_) => GapCode::Unreadable,
            Self::Link | Self::LinkedSubmodule | Self::SubmoduleElsewhere | Self::Outside => GapCode::OutsideRepository,
            Self::TooManyAlternates(_) | Self::TooManyObjects(_) => GapCode::Limit,
            Self::NoIndex | Self::Pack(_) | Self::MalformedRef => GapCode::Damaged,
            Self::Reftable => GapCode::UnsupportedFormat,
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Io(error) => explain(error),
            Self::LinkedSubmodule => {
                "it is a symbolic link, which is not followed; `keysieve history` reads what it leads \
                                      to where it is named"
                    .to_owned()
            }
            Self::SubmoduleElsewhere => {
                "it leads to another repository, whose history was not read (--trust-links reads it)".to_owned()
            }
            Self::Outside => "it lies outside of the repository and was not read (--trust-links reads it)".to_owned(),
            Self::TooManyObjects(most) => {
                format!("with it there are more than {most} objects; it was not read (--max-objects)")
            }
            Self::Pack(error @ PackError::Io { source, .. }) => format!("{error}: {source}"),
            _ => self.to_string(),
        }
    }
}

impl Unread for IndexError {
    fn code(&self) -> GapCode {
        match self {
            Self::Io(_) => GapCode::Unreadable,
            Self::Nowhere => GapCode::NothingToRead,
            Self::Malformed(_) => GapCode::Damaged,
        }
    }

    fn reason(&self) -> String {
        self.to_string()
    }
}

impl From<&Problem> for Gap {
    fn from(problem: &Problem) -> Self {
        Self::about(problem.cause.code(), shown(&problem.path), problem.cause.reason())
    }
}

impl From<Problem> for Gap {
    fn from(problem: Problem) -> Self {
        Self::from(&problem)
    }
}

/// An object that was not read, or not to its end.
pub fn object_gap(oid: Oid, why: &impl Unread) -> Gap {
    Gap::about(why.code(), format!("object {oid}"), why.reason())
}

/// What a missing object leaves unread, where `path` needed it.
pub fn missing_gap(missing: &Missing, path: &str) -> Gap {
    Gap::new(missing.error.code(), path, format!("object {}: {}", missing.oid, missing.error.reason()))
}

/// What to say where several refs answer to `name`: whoever can add a tag could else choose what it stands for.
pub fn ambiguity_gap(revisions: &Revisions<'_>, name: &str) -> Option<Gap> {
    let reason = format!(
        "the name is ambiguous: {} lead to different objects, and the first was taken, as git does; write the full name",
        revisions.ambiguity(name)?.join(" and ")
    );
    Some(Gap::about(GapCode::UnknownRevision, name, reason))
}

/// A repository that could not be opened, with what to do about it.
#[derive(Debug)]
pub struct NotOpened(pub OpenError);

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match &self.0 {
            OpenError::Owner { .. } => {
                "; read it all the same with --trust-owner, or list it in git's `safe.directory`"
            }
            OpenError::Elsewhere { .. } => "; name the repository that is there, or follow the link with --trust-links",
            OpenError::NotFound { .. } | OpenError::Special { .. } => "",
        };
        write!(f, "{}{hint}", self.0)
    }
}

impl std::error::Error for NotOpened {}
