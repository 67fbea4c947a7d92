//! Objects as people name them (git's "gitrevisions"): refs, ids and their beginnings, `HEAD~2`, `main^2`, `v1^{}`, `main@{1}`,
//! `:/text`, what `git describe` prints.
//!
//! The one place where a name becomes an id. It tries what git tries, in git's order: a full id is that id whatever refs
//! are called, then come refs by git's six rules, then beginnings of ids. Where several refs answer to one name, git takes
//! the first and warns; so does this, and [`Revisions::ambiguity`] tells the caller, for whom a wrong base can be a
//! range in which nothing is looked at.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::commit;
use super::objects::Objects;
use super::oid::Oid;
use super::pack::Kind;
use super::refs::Refs;
use super::repository::Repository;
use crate::file;

/// A name that leads to no object of the wanted kind.
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
    /// It has fewer parents, or a shorter reflog.
    #[error("`{0}` leads past the first commit")]
    PastTheFirst(String),
    /// It leads to what cannot be read.
    #[error("`{name}` cannot be read: {reason}")]
    Unreadable {
        /// As the user wrote it.
        name: String,
        /// Why.
        reason: String,
    },
    /// It asks for what git can do and keysieve cannot.
    #[error("`{name}`: `{part}` is not read in revisions; `git rev-parse` tells the id to write instead")]
    Unsupported {
        /// As the user wrote it.
        name: String,
        /// What is not read.
        part: String,
    },
}

/// Most tags that may point to one another.
const MAX_TAGS: usize = 32;
/// Fewest hexadecimal digits that are taken for the beginning of an id, as in git.
const SHORTEST_ID: usize = 4;

/// Finds objects by name.
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
    pub fn commit(&self, name: &str) -> Result<Oid, RevisionError> {
        self.peel_to(self.object(name)?, Kind::Commit, name)
    }

    /// The object that `name` stands for: an annotated tag is the tag.
    pub fn object(&self, name: &str) -> Result<Oid, RevisionError> {
        if let Some(text) = name.strip_prefix(":/") {
            return self.youngest(self.tips(), text, name);
        }
        if name.contains(':') && !name.contains("^{/") {
            return Err(RevisionError::Unsupported { name: name.to_owned(), part: ":".to_owned() });
        }
        let end = name.find(['~', '^']).unwrap_or(name.len());
        let mut at = self.base(&name[..end], name)?;
        let mut rest = &name[end..];
        while let Some(step) = rest.chars().next() {
            rest = &rest[1..];
            if step == '^' && rest.starts_with('{') {
                let (kind, after) = rest[1..].split_once('}').ok_or_else(|| self.unknown(name))?;
                at = self.peel(at, kind, name)?;
                rest = after;
                continue;
            }
            let digits = rest.len() - rest.trim_start_matches(|it: char| it.is_ascii_digit()).len();
            let (digits, after) = rest.split_at(digits);
            let number: usize = if digits.is_empty() { 1 } else { digits.parse().map_err(|_| self.unknown(name))? };
            at = self.peel_to(at, Kind::Commit, name)?;
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
            rest = after;
        }
        Ok(at)
    }

    /// The full names of the refs, and the objects whose ids begin so, that answer to `name`, if there are several and they
    /// lead to different objects; the first is the one that is taken.
    pub fn ambiguity(&self, name: &str) -> Option<Vec<String>> {
        let base = &name[..name.find(['~', '^']).unwrap_or(name.len())];
        let base = base.split_once("@{").map_or(base, |(base, _)| base);
        if Oid::from_hex(base.as_bytes()).is_some() {
            return None;
        }
        let mut found = self.refs_called(base);
        // A ref that is called as an id begins stands for another object than the one who wrote the id meant.
        if !found.is_empty() && base.len() >= SHORTEST_ID && base.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let ids = self.objects.with_prefix(&base.to_ascii_lowercase());
            found.extend(ids.into_iter().map(|oid| (format!("object {oid}"), oid)));
        }
        let is_one = found.iter().all(|it| it.1 == found[0].1);
        (!is_one).then(|| found.into_iter().map(|(name, _)| name).collect())
    }

    /// The refs that answer to `name`, in the order in which git tries its rules.
    fn refs_called(&self, name: &str) -> Vec<(String, Oid)> {
        let rules = [
            ("", ""),
            ("refs/", ""),
            ("refs/tags/", ""),
            ("refs/heads/", ""),
            ("refs/remotes/", ""),
            ("refs/remotes/", "/HEAD"),
        ];
        let full = rules.iter().map(|(before, after)| format!("{before}{name}{after}"));
        let in_refs = full.filter_map(|full| Some((full.clone(), *self.refs.tips.get(&full)?)));
        let mut found: Vec<_> = in_refs.collect();
        // The first rule is a file of the folder itself, wherever in it: `.git/heads/base` answers before `refs/heads/base`.
        if !found.iter().any(|(full, _)| full == name) && !name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            let text = file::read_text(&self.repository.git_folder().join(name)).unwrap_or_default();
            let oid = match text.strip_prefix("ref:") {
                Some(target) => self.refs.tips.get(target.trim()).copied(),
                None => Oid::from_hex(text.trim_end().as_bytes()),
            };
            found.splice(0..0, oid.map(|oid| (name.to_owned(), oid)));
        }
        found
    }

    /// What stands before all `~` and `^`; `whole` is what the user wrote.
    fn base(&self, base: &str, whole: &str) -> Result<Oid, RevisionError> {
        if let Some((reference, rest)) = base.split_once("@{") {
            let what = rest.strip_suffix('}').ok_or_else(|| self.unknown(whole))?;
            return self.logged(reference, what, whole);
        }
        let base = if matches!(base, "" | "@") { "HEAD" } else { base };
        let digits = 2 * self.repository.hash_length();
        if let Some(oid) = Oid::from_hex(base.as_bytes()).filter(|_| base.len() == digits) {
            return self.objects.read(&oid).map(|_| oid).map_err(|_| self.unknown(whole));
        }
        if let Some((_, oid)) = self.refs_called(base).first() {
            return Ok(*oid);
        }
        // `FETCH_HEAD`, `ORIG_HEAD`, `MERGE_HEAD`.
        if base.ends_with("_HEAD") && base.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            let text = file::read_text(&self.repository.git_folder().join(base)).unwrap_or_default();
            let hex = text.split_whitespace().next().unwrap_or_default();
            return Oid::from_hex(hex.as_bytes()).ok_or_else(|| self.unknown(whole));
        }
        // `git describe` puts an id behind its tag: `v1.0-3-g1a2b3c4`.
        let described = base.rsplit_once("-g").map(|(_, id)| id).filter(|id| is_beginning(id, digits));
        let beginning = if is_beginning(base, digits) { Some(base) } else { described };
        let beginning = beginning.ok_or_else(|| self.unknown(whole))?.to_ascii_lowercase();
        match self.objects.with_prefix(&beginning)[..] {
            [] => Err(self.unknown(whole)),
            [only] => Ok(only),
            ref several => {
                // Of several, git takes the one that is a commit or leads to one.
                let leads_to_commit = |oid: &&Oid| self.peel_to(**oid, Kind::Commit, whole).is_ok();
                match several.iter().filter(leads_to_commit).collect::<Vec<_>>()[..] {
                    [only] => Ok(*only),
                    _ => Err(RevisionError::Ambiguous(beginning)),
                }
            }
        }
    }

    /// `main@{2}`: what a ref was so many changes ago; `@{-1}`: the branch that was checked out before.
    fn logged(&self, reference: &str, what: &str, whole: &str) -> Result<Oid, RevisionError> {
        let past = || RevisionError::PastTheFirst(whole.to_owned());
        if let Some(back) = what.strip_prefix('-').filter(|_| reference.is_empty()) {
            let back: usize = back.parse().map_err(|_| self.unknown(whole))?;
            let log = self.log("HEAD").unwrap_or_default();
            let mut left = log.iter().rev().filter_map(|entry| {
                let (from, _) = entry.message.strip_prefix("checkout: moving from ")?.split_once(" to ")?;
                Some(from)
            });
            let name = left.nth(back.checked_sub(1).ok_or_else(|| self.unknown(whole))?);
            return self.base(name.ok_or_else(past)?, whole);
        }
        let Ok(back) = what.parse::<usize>() else {
            return Err(RevisionError::Unsupported { name: whole.to_owned(), part: format!("@{{{what}}}") });
        };
        let name = match reference {
            "" => self.refs.head.clone().unwrap_or_else(|| "HEAD".to_owned()),
            "@" => "HEAD".to_owned(),
            name => self.refs_called(name).into_iter().next().ok_or_else(|| self.unknown(whole))?.0,
        };
        let log = self.log(&name).unwrap_or_default();
        match log.len().checked_sub(back + 1) {
            Some(at) => Ok(log[at].new),
            None if back == log.len() => log.first().map(|it| it.old).filter(|old| !old.is_none()).ok_or_else(past),
            None => Err(past()),
        }
    }

    fn log(&self, name: &str) -> Option<Vec<Logged>> {
        let folder = if name == "HEAD" { self.repository.git_folder() } else { self.repository.common_folder() };
        let text = file::read(&folder.join("logs").join(name)).ok()?;
        Some(String::from_utf8_lossy(&text).lines().filter_map(Logged::parse).collect())
    }

    /// `^{}`, `^{commit}`, `^{tree}`, `^{tag}`, `^{object}`.
    fn peel(&self, at: Oid, kind: &str, name: &str) -> Result<Oid, RevisionError> {
        if let Some(text) = kind.strip_prefix('/') {
            let from = self.peel_to(at, Kind::Commit, name)?;
            return if text.is_empty() { Ok(from) } else { self.youngest(vec![from], text, name) };
        }
        let wanted = match kind {
            "" => return self.peel_while(at, name, |kind| kind == Kind::Tag),
            "object" => return Ok(at),
            "commit" => Kind::Commit,
            "tag" => Kind::Tag,
            "blob" => Kind::Blob,
            "tree" => Kind::Tree,
            part => {
                return Err(RevisionError::Unsupported { name: name.to_owned(), part: format!("^{{{part}}}") });
            }
        };
        self.peel_to(at, wanted, name)
    }

    /// What `at` leads to of this kind: through tags, and from a commit to its tree.
    fn peel_to(&self, at: Oid, wanted: Kind, name: &str) -> Result<Oid, RevisionError> {
        let at = self.peel_while(at, name, |kind| kind == Kind::Tag && wanted != Kind::Tag)?;
        match self.objects.read(&at) {
            Ok((kind, _)) if kind == wanted => Ok(at),
            Ok((Kind::Commit, bytes)) if wanted == Kind::Tree => {
                commit::parse(at, &bytes).map(|commit| commit.tree).ok_or_else(|| self.unknown(name))
            }
            _ => Err(self.unknown(name)),
        }
    }

    /// The commits that refs lead to, in the order in which git looks at those of one time.
    fn tips(&self) -> Vec<Oid> {
        let refs = self.refs.tips.iter().rev().filter(|(name, _)| name.starts_with("refs/"));
        let head = self.refs.tips.get("HEAD").into_iter();
        let tips = head.chain(refs.map(|(_, oid)| oid));
        tips.filter_map(|oid| self.peel_to(*oid, Kind::Commit, "").ok()).collect()
    }

    /// The youngest commit that `from` leads to with this text in its message. Git takes the text for an expression; one that is
    /// more than letters is not read.
    fn youngest(&self, from: Vec<Oid>, text: &str, name: &str) -> Result<Oid, RevisionError> {
        let (text, wants) = match text.strip_prefix('!') {
            None => (text, true),
            Some(rest) => match rest.strip_prefix('-') {
                Some(rest) => (rest, false),
                None if rest.starts_with('!') => (rest, true),
                None => return Err(self.unknown(name)),
            },
        };
        if text.is_empty() || text.contains(|it| r"\.[](){}*+?|^$".contains(it)) {
            return Err(RevisionError::Unsupported { name: name.to_owned(), part: format!("/{text}") });
        }
        let mut queue = BinaryHeap::new();
        let mut seen = HashSet::new();
        let mut add = |oid: Oid, queue: &mut BinaryHeap<_>| {
            if seen.insert(oid)
                && let Ok(commit) = self.objects.commit(&oid)
            {
                // Of one time whoever was met first comes first.
                queue.push((commit.time, Reverse(seen.len()), oid, commit.parents));
            }
        };
        from.into_iter().for_each(|oid| add(oid, &mut queue));
        while let Some((_, _, oid, parents)) = queue.pop() {
            let bytes = self.objects.read_kind(&oid, Kind::Commit).map_err(|_| self.unknown(name))?;
            if memchr::memmem::find(commit::message(&bytes), text.as_bytes()).is_some() == wants {
                return Ok(oid);
            }
            if !self.refs.shallow.contains(&oid) {
                parents.into_iter().for_each(|parent| add(parent, &mut queue));
            }
        }
        Err(self.unknown(name))
    }

    fn peel_while(&self, mut at: Oid, name: &str, goes_on: impl Fn(Kind) -> bool) -> Result<Oid, RevisionError> {
        for _ in 0..MAX_TAGS {
            match self.objects.read(&at) {
                Ok((kind, _)) if !goes_on(kind) => return Ok(at),
                Ok((_, bytes)) => at = commit::tag_target(&bytes).ok_or_else(|| self.unknown(name))?,
                Err(_) => break,
            }
        }
        Err(self.unknown(name))
    }

    fn parent(&self, commit: &Oid, number: usize, name: &str) -> Result<Oid, RevisionError> {
        let commit = self.objects.commit(commit).map_err(|_| self.unknown(name))?;
        commit.parents.get(number - 1).copied().ok_or_else(|| RevisionError::PastTheFirst(name.to_owned()))
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

fn is_beginning(text: &str, digits: usize) -> bool {
    (SHORTEST_ID..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A line of a reflog.
struct Logged {
    old: Oid,
    new: Oid,
    message: String,
}

impl Logged {
    fn parse(line: &str) -> Option<Self> {
        let (head, message) = line.split_once('\t').unwrap_or((line, ""));
        let mut words = head.split(' ');
        let mut oid = || Oid::from_hex(words.next()?.as_bytes());
        Some(Self { old: oid()?, new: oid()?, message: message.to_owned() })
    }
}
