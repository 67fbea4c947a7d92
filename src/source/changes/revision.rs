//! Commits as people name them: refs, ids and their beginnings, `HEAD~2`, `main^2`, tags.

use super::objects::Objects;
use crate::file;
use crate::source::history::Repository;
use crate::source::history::oid::Oid;
use crate::source::history::pack::Kind;
use crate::source::history::refs::Refs;
use crate::source::history::walk;

/// A name that leads to no commit.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// Nothing has it.
    #[error("the repository has no ref and no commit `{name}`{hint}")]
    Unknown {
        /// As the user wrote it.
        name: String,
        /// Why that may be, and what to do.
        hint: String,
    },
    /// Several objects' ids begin with it.
    #[error("several objects' ids begin with `{0}`; write more of it")]
    Ambiguous(String),
    /// It has fewer parents.
    #[error("`{0}` leads past the first commit")]
    PastTheFirst(String),
}

/// Most tags that may point to one another.
const MAX_TAGS: usize = 32;

/// Finds commits by name.
pub struct Revisions<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// Its objects.
    pub objects: &'a Objects,
    /// Its refs.
    pub refs: &'a Refs,
}

impl Revisions<'_> {
    /// The commit that `name` leads to.
    pub fn find(&self, name: &str) -> Result<Oid, RevisionError> {
        let end = name.find(['~', '^']).unwrap_or(name.len());
        let mut at = self.peel(self.base(&name[..end])?, name)?;
        let mut steps = name[end..].chars().peekable();
        while let Some(step) = steps.next() {
            let mut digits = String::new();
            while let Some(digit) = steps.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let number: usize = if digits.is_empty() { 1 } else { digits.parse().map_err(|_| self.unknown(name))? };
            match step {
                '~' => {
                    for _ in 0..number {
                        at = self.parent(&at, 1, name)?;
                    }
                }
                '^' if number > 0 => at = self.parent(&at, number, name)?,
                '^' => {}
                _ => return Err(self.unknown(name)),
            }
        }
        Ok(at)
    }

    fn base(&self, name: &str) -> Result<Oid, RevisionError> {
        let name = if matches!(name, "" | "@") { "HEAD" } else { name };
        let tries = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
        if let Some(oid) = tries.iter().find_map(|prefix| self.refs.tips.get(&format!("{prefix}{name}"))) {
            return Ok(*oid);
        }
        if let Some(oid) = self.refs.tips.get(&format!("refs/remotes/{name}/HEAD")) {
            return Ok(*oid);
        }
        // `FETCH_HEAD`, `ORIG_HEAD`, `MERGE_HEAD`.
        if name.ends_with("_HEAD") && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            let text = file::read_text(&self.repository.git_folder().join(name)).unwrap_or_default();
            let hex = text.split_whitespace().next().unwrap_or_default();
            return Oid::from_hex(hex.as_bytes()).ok_or_else(|| self.unknown(name));
        }
        if let Some(oid) = Oid::from_hex(name.as_bytes()).filter(|oid| self.objects.read(oid).is_ok()) {
            return Ok(oid);
        }
        let is_hex = name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || name.len() >= 2 * self.repository.hash_length() {
            return Err(self.unknown(name));
        }
        match self.objects.with_prefix(&name.to_ascii_lowercase()) {
            Ok(Some(oid)) => Ok(oid),
            Ok(None) => Err(self.unknown(name)),
            Err(()) => Err(RevisionError::Ambiguous(name.to_owned())),
        }
    }

    /// What an annotated tag stands for.
    fn peel(&self, mut at: Oid, name: &str) -> Result<Oid, RevisionError> {
        for _ in 0..MAX_TAGS {
            match self.objects.read(&at) {
                Ok((Kind::Commit, _)) => return Ok(at),
                Ok((Kind::Tag, bytes)) => {
                    let hex = bytes.strip_prefix(b"object ").and_then(|rest| rest.get(..2 * self.objects.hash));
                    at = hex.and_then(Oid::from_hex).ok_or_else(|| self.unknown(name))?;
                }
                _ => break,
            }
        }
        Err(self.unknown(name))
    }

    fn parent(&self, commit: &Oid, number: usize, name: &str) -> Result<Oid, RevisionError> {
        let Ok((_, bytes)) = self.objects.read(commit) else { return Err(self.unknown(name)) };
        let parents = walk::parse_commit(*commit, &bytes).map(|commit| commit.parents).unwrap_or_default();
        parents.get(number - 1).copied().ok_or_else(|| RevisionError::PastTheFirst(name.to_owned()))
    }

    fn unknown(&self, name: &str) -> RevisionError {
        let hint = match self.refs.shallow.is_empty() {
            true => "; `git fetch` brings what a remote has, `git for-each-ref` lists what is here".to_owned(),
            false => "; this clone is shallow: fetch the whole history (`git fetch --unshallow`, or `fetch-depth: 0` \
                      of actions/checkout), or fetch that commit alone and the commits up to it"
                .to_owned(),
        };
        RevisionError::Unknown { name: name.to_owned(), hint }
    }
}
