//! The commits between two: of a pull request, of a push. Each is looked at, so a secret that one brings in and the next
//! takes out is found; it is still in the history that is pushed.
//!
//! What is written around contents is looked at as well: messages and headers of commits and annotated tags, names of files.

use super::settle::LookedAt;
use super::{Changes, Options, Scanner, gaps_of, short};
use crate::finding::Finding;
use crate::gap::{Gap, GapCode};
use crate::outcome::Outcome;
use crate::scan::limits::{Limits, Task};
use crate::scan::names::{Names, REF_NAME};
use crate::scan::{Progress, window};
use crate::source::git::{self, Unread as _};
use crate::source::history::note::note;
use crate::source::history::walk::leave_out_signatures;
use crate::source::history::{HEADER, MESSAGE, NOWHERE};
use keysieve_engine::Detector;
use keysieve_git::Repository;
use keysieve_git::ancestry::Ancestry;
use keysieve_git::commit::{self, Commit};
use keysieve_git::comparison::{self, Change, Comparison};
use keysieve_git::error::Missing;
use keysieve_git::error::ObjectError;
use keysieve_git::objects::Objects;
use keysieve_git::oid::Oid;
use keysieve_git::pack::Kind;
use keysieve_git::refs::Refs;
use keysieve_git::revision::{RevisionError, Revisions};

/// Which commits to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// `BASE..HEAD`: what the second leads to and the first does not.
    Between(String, String),
    /// `BASE...HEAD`: what the second leads to since both were the same.
    Since(String, String),
}

impl Range {
    /// Reads `BASE..HEAD`, `BASE...HEAD`, `BASE..`; the error says what the form is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let head = |head: &str| if head.is_empty() { "HEAD".to_owned() } else { head.to_owned() };
        if let Some((base, tip)) = text.split_once("...").filter(|(base, _)| !base.is_empty()) {
            return Ok(Self::Since(base.to_owned(), head(tip)));
        }
        match text.split_once("..").filter(|(base, _)| !base.is_empty()) {
            Some((base, tip)) => Ok(Self::Between(base.to_owned(), head(tip))),
            None => Err(format!("`{text}` is no range; write BASE..HEAD, such as `origin/main..HEAD`")),
        }
    }
}

/// A range whose ends are known.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// Commits; what is looked at leads to these.
    pub include: Vec<Oid>,
    /// What these lead to is known.
    pub exclude: Vec<Oid>,
    /// Annotated tags on the way to what is included: their messages are published with them.
    pub tags: Vec<Oid>,
    /// Trees and blobs that are pushed without a commit, by a tag or by their ids.
    pub contents: Vec<Oid>,
    /// Names of the refs that are new with it: they are published as well.
    pub ref_names: Vec<String>,
    /// Names that can be taken for another commit than the one that was meant.
    pub gaps: Vec<Gap>,
}

impl Ends {
    /// The commit whose configuration and baseline count: the range's base.
    pub fn base(&self) -> Option<&Oid> {
        self.exclude.first()
    }

    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.tags.is_empty() && self.contents.is_empty() && self.ref_names.is_empty()
    }

    /// Adds the ends of another ref of the same push: what the remote has of one ref it has of all.
    fn join(&mut self, other: Self) {
        let Self { include, exclude, tags, contents, ref_names, gaps } = other;
        self.include.extend(include);
        self.exclude.extend(exclude);
        self.tags.extend(tags);
        self.contents.extend(contents);
        self.ref_names.extend(ref_names);
        self.gaps.extend(gaps);
    }

    /// Adds what `name` leads to.
    fn include_named(&mut self, revisions: &Revisions<'_>, name: &str) -> Result<(), RevisionError> {
        let object = revisions.object(name)?;
        let unreadable =
            |missing: Missing| RevisionError::Unreadable { name: name.to_owned(), reason: missing.error.reason() };
        self.include(revisions.objects, object).map_err(unreadable)
    }

    /// Adds what an object, which may be a tag, leads to.
    fn include(&mut self, objects: &Objects, oid: Oid) -> Result<(), Missing> {
        let mut at = oid;
        loop {
            match objects.read(&at)? {
                (Kind::Commit, _) => self.include.push(at),
                (Kind::Tree | Kind::Blob, _) => self.contents.push(at),
                (Kind::Tag, bytes) => {
                    let unparsed = || Missing { oid: at, error: ObjectError::Tag };
                    let target = commit::tag_target(&bytes).ok_or_else(unparsed)?;
                    // A tag's id is a hash of what it points to, so tags cannot go round; a made-up object store can.
                    if self.tags.len() < MAX_TAGS && !self.tags.contains(&at) {
                        self.tags.push(at);
                        at = target;
                        continue;
                    }
                    return Err(Missing { oid, error: ObjectError::Tag });
                }
            }
            return Ok(());
        }
    }
}

/// Most tags that may point to one another.
const MAX_TAGS: usize = 64;

/// Finds the ends of a range.
pub fn resolve(repository: &Repository, range: &Range) -> Result<Ends, RevisionError> {
    let objects = super::open(repository, &Limits::default(), &mut Vec::new());
    let refs = Refs::read(repository.git_folder(), repository.common_folder());
    let revisions = Revisions { repository, objects: &objects, refs: &refs };
    let (Range::Between(base, head) | Range::Since(base, head)) = range;
    let mut ends = Ends { exclude: vec![revisions.commit(base)?], ..Ends::default() };
    ends.gaps.extend([base, head].into_iter().filter_map(|name| git::ambiguity_gap(&revisions, name)));
    ends.include_named(&revisions, head)?;
    // A range is one of commits: a tag of a file has none.
    let head = revisions.commit(head)?;
    if let Range::Since(..) = range {
        let base = ends.exclude[0];
        ends.exclude = vec![Ancestry::new(&objects, &refs).shared(base, head).unwrap_or(base)];
    }
    Ok(ends)
}

/// A ref that is pushed: what it is here, and what it is at the remote until then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pushed {
    /// Its whole id.
    pub local: String,
    /// Its whole id, unless it is new there.
    pub remote: Option<String>,
}

/// Finds the ends of a push: what the refs lead to, and neither what they are at the remote nor any of its refs that was
/// fetched. What another remote has may be nothing for this one; where nobody says which one it is, those of all remotes
/// are taken for known. Refs that lead nowhere come with their place in `pushed`.
pub fn resolve_push(
    repository: &Repository,
    pushed: &[Pushed],
    remote: Option<&str>,
) -> (Ends, Vec<(usize, RevisionError)>) {
    let objects = super::open(repository, &Limits::default(), &mut Vec::new());
    let refs = Refs::read(repository.git_folder(), repository.common_folder());
    let revisions = Revisions { repository, objects: &objects, refs: &refs };
    let mut ends = Ends { exclude: of_remotes(&revisions, remote), ..Ends::default() };
    let mut unknown = Vec::new();
    for (at, Pushed { local, remote }) in pushed.iter().enumerate() {
        let mut own = Ends::default();
        match own.include_named(&revisions, local) {
            Ok(()) => ends.join(own),
            Err(error) => unknown.push((at, error)),
        }
        // What the remote has may never have been fetched; its refs that were are known all the same.
        ends.exclude.extend(remote.as_ref().and_then(|remote| revisions.commit(remote).ok()));
    }
    for oids in [&mut ends.include, &mut ends.exclude, &mut ends.tags, &mut ends.contents] {
        oids.sort_unstable();
        oids.dedup();
    }
    (ends, unknown)
}

/// What the refs of a remote, or of all, lead to, as far as they were fetched.
fn of_remotes(revisions: &Revisions<'_>, remote: Option<&str>) -> Vec<Oid> {
    let prefix = format!("refs/remotes/{}", remote.map(|name| format!("{name}/")).unwrap_or_default());
    let remote = revisions.refs.tips.iter().filter(|(name, _)| name.starts_with(&prefix));
    let mut found: Vec<Oid> = remote.filter_map(|(_, oid)| revisions.commit(&oid.to_string()).ok()).collect();
    found.sort();
    found.dedup();
    found
}

/// Scans the commits of a range.
pub fn scan(
    repository: &Repository,
    ends: &Ends,
    detector: &Detector,
    progress: &Progress,
    options: Options<'_>,
) -> Outcome {
    let mut changes = Changes { gaps: ends.gaps.clone(), ..Changes::default() };
    let objects = super::open(repository, &progress.limits, &mut changes.gaps);
    let refs = Refs::read(repository.git_folder(), repository.common_folder());
    changes.gaps.extend(refs.problems.iter().map(Gap::from));
    let mut ancestry = Ancestry::new(&objects, &refs);
    let between = ancestry.between(&ends.include, &ends.exclude);
    changes.gaps.extend(gaps_of(ancestry.missing));
    for lost in &between.lost {
        let reason = "it is not in the range and nothing that is known leads to it, so it was not looked at";
        changes.gaps.push(Gap::about(GapCode::EmptyRange, format!("commit {}", short(lost)), reason));
    }
    let commits = between.commits;
    changes.commits = Some(commits.len() as u64);
    changes.scope = scope(ends);
    if commits.is_empty() && ends.tags.is_empty() && ends.contents.is_empty() && changes.gaps.is_empty() {
        changes.notes.push("the range holds no commit: there is nothing in it to find".to_owned());
    }
    progress.expect_files(commits.len());
    let scanner = Scanner::new(&objects, detector, progress, options);
    let mut looked_at = LookedAt::default();
    let mut markers = 0;
    for commit in &commits {
        if progress.is_stopped() {
            break;
        }
        looked_at.texts.extend(in_text(&scanner, &commit.oid, Kind::Commit, &mut changes));
        if refs.shallow.contains(&commit.oid) {
            changes.gaps.push(Gap::about(
                GapCode::ShallowClone,
                format!("commit {}", short(&commit.oid)),
                "this shallow clone ends here, so what the commit changed cannot be told; fetch more of the history \
                 (`git fetch --unshallow`, or `fetch-depth: 0` of actions/checkout)",
            ));
            continue;
        }
        let mut comparison = Comparison::new(&objects, progress.limits.paths);
        compare(&objects, commit, &mut comparison);
        changes.gaps.extend(gaps_of(std::mem::take(&mut comparison.missing)));
        let new = scanner.new_in(&comparison.changes, &mut changes);
        markers += new.markers;
        looked_at.add(commit, comparison.changes, new.findings);
        progress.file_done();
    }
    for tag in &ends.tags {
        looked_at.texts.extend(in_text(&scanner, tag, Kind::Tag, &mut changes));
    }
    looked_at.texts.extend(in_ref_names(&scanner, &ends.ref_names, &mut changes));
    for oid in &ends.contents {
        let mut comparison = Comparison::new(&objects, progress.limits.paths);
        match objects.read(oid) {
            Ok((Kind::Tree, _)) => comparison.of_trees(None, Some(*oid)),
            // A blob without a tree has no name.
            _ => comparison.changes.push(Change { path: NOWHERE.into(), old: Vec::new(), new: Some(*oid) }),
        }
        changes.gaps.extend(gaps_of(std::mem::take(&mut comparison.missing)));
        let new = scanner.new_in(&comparison.changes, &mut changes);
        markers += new.markers;
        looked_at.whole.extend(new.findings);
    }
    changes.judged.findings = looked_at.settle(&scanner, ends, &mut |oid| {
        let (_, bytes) = objects.read(oid).ok()?;
        note(oid, &bytes)
    });
    if let Some(why) = progress.stopped() {
        changes.gaps.push(Gap::about(GapCode::Interrupted, "range", why));
    }
    if markers > 0 {
        changes.notes.push(format!(
            "{markers} findings stand beside markers such as `keysieve:allow` that came with these commits; a change \
             cannot allow its own findings"
        ));
    }
    changes.gaps.sort();
    changes.gaps.dedup();
    changes.into()
}

/// What stands in the names of refs.
fn in_ref_names(scanner: &Scanner<'_>, ref_names: &[String], changes: &mut Changes) -> Vec<(Finding, Oid)> {
    let names: Names = ref_names.iter().map(String::as_bytes).collect();
    let (named, gap) = names.scan_by(&scanner.workers, "ref names", scanner.detector, &Task::new(scanner.progress));
    changes.gaps.extend(gap);
    let candidates = named.into_iter().map(|named| named.candidate).collect();
    let judged = scanner.judged(candidates, REF_NAME, changes);
    judged.into_iter().map(|finding| (finding, Oid::none(scanner.objects.hash))).collect()
}

/// What is looked at, in words.
fn scope(ends: &Ends) -> String {
    let heads: Vec<Oid> = ends.include.iter().chain(&ends.contents).copied().collect();
    let names = |oids: &[Oid]| oids.iter().take(3).map(short).collect::<Vec<_>>().join(", ");
    match ends.exclude.len() {
        0 => format!("all that leads to {}", names(&heads)),
        1..=3 => format!("{}..{}", names(&ends.exclude), names(&heads)),
        more => format!("what leads to {} and to none of {more} refs of remotes", names(&heads)),
    }
}

/// What a commit changed; of a merge, what is in none of its parents.
fn compare(objects: &Objects, commit: &Commit, comparison: &mut Comparison<'_>) {
    let mut trees = Vec::new();
    for parent in &commit.parents {
        match objects.commit(parent) {
            Ok(parent) => trees.push(parent.tree),
            Err(missing) => comparison.missing.push(missing),
        }
    }
    if trees.len() < commit.parents.len() {
        // Compared with nothing, all of it would look new.
        return;
    }
    comparison.of_trees(trees.first().copied(), Some(commit.tree));
    for tree in trees.iter().skip(1) {
        let mut missing = Vec::new();
        comparison.changes.retain_mut(|change| match comparison::find(objects, tree, &change.path) {
            Ok(theirs) if theirs == change.new => false,
            Ok(theirs) => {
                change.old.extend(theirs);
                true
            }
            Err(error) => {
                missing.push(error);
                true
            }
        });
        comparison.missing.extend(missing);
    }
}

/// What stands in the message and the header of a commit or tag.
fn in_text(scanner: &Scanner<'_>, oid: &Oid, kind: Kind, changes: &mut Changes) -> Vec<(Finding, Oid)> {
    let path = || format!("{kind} {}", short(oid));
    let bytes = match scanner.objects.read_kind(oid, kind) {
        Ok(bytes) => bytes,
        Err(missing) => {
            changes.gaps.push(Gap::about(missing.error.code(), path(), missing.error.reason()));
            return Vec::new();
        }
    };
    let task = Task::new(scanner.progress);
    let mut found = Vec::new();
    for (place, text) in [(MESSAGE, commit::message(&bytes)), (HEADER, commit::header_text(&bytes))] {
        let size = text.len() as u64;
        let read = scanner.workers.with(|worker| window::scan(&mut &*text, size, scanner.detector, worker, &task));
        let reading = match read {
            Ok(reading) => reading,
            Err(panicked) => {
                changes.gaps.push(Gap::about(GapCode::Failed, path(), panicked));
                continue;
            }
        };
        changes.gaps.extend(reading.error.map(|error| Gap::about(error.code(), path(), error.explain())));
        let mut candidates = reading.candidates;
        if place == HEADER {
            leave_out_signatures(scanner.detector.rules(), text, &mut candidates);
        }
        let judged = scanner.judged(candidates, place, changes);
        found.extend(judged.into_iter().map(|finding| (finding, *oid)));
    }
    found
}
