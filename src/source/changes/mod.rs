//! What changed: the index against the last commit, or the commits between two. The contents that are new are scanned,
//! and of what is found in them only what the contents before did not hold.
//!
//! A secret is new where more of it stands after a change than before, over all files that the change touches. So a line
//! that is moved, a file that is renamed and a key that is indented anew bring nothing, and a key whose last line was
//! missing does. `index` and `trees` say which files differ, [`staged`] and [`range`] which versions to compare.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use globset::GlobMatcher;
use rayon::prelude::*;

pub mod range;
mod settle;
pub mod staged;

use keysieve_git::comparison::{self, Change};

use crate::decode::shown;
use crate::finding::{Finding, Severity};
use crate::gap::{Gap, GapCode};
use crate::outcome::{Outcome, Summary, Suppressor};
use crate::scan::content::Scan;
use crate::scan::limits::{Limits, Task};
use crate::scan::names::{Named, Names, of_folder};
use crate::scan::verdicts::{Judged, Markers, Verdicts};
use crate::scan::{Content, Progress, Workers};
use crate::source::git::{self, Unread as _};
use keysieve_engine::Detector;
use keysieve_engine::candidate::Candidate;
use keysieve_engine::path_facts::PathFacts;
use keysieve_git::Repository;
use keysieve_git::error::Missing;
use keysieve_git::objects::Objects;
use keysieve_git::oid::Oid;
use keysieve_git::pack::Kind as object;

/// What a change brought.
#[derive(Debug, Default)]
pub struct Changes {
    /// Secrets that it brought in, and what of it is suppressed.
    pub judged: Judged,
    /// Commits looked at; `None` for the index.
    pub commits: Option<u64>,
    /// Files whose content is new.
    pub files: u64,
    /// Files that are left out.
    pub excluded: BTreeSet<Vec<u8>>,
    /// Bytes of these.
    pub bytes: u64,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// What was compared with what, in words.
    pub scope: String,
    /// What the user should know besides.
    pub notes: Vec<String>,
}

/// How to look at changes.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// What comment markers are worth.
    pub markers: Markers,
    /// Files to leave out.
    pub exclude: &'a [GlobMatcher],
    /// Whether a finding is accepted, or excluded, where it stands. What was accepted in one place is new where it moves to.
    pub is_accepted: Option<&'a (dyn Fn(&Finding) -> bool + Sync)>,
}

impl From<Changes> for Outcome {
    fn from(changes: Changes) -> Self {
        let mut summary = Summary {
            scope: Some(changes.scope),
            commits: changes.commits,
            files: Some(changes.files),
            bytes: changes.bytes,
            excluded: changes.excluded.len() as u64,
            gaps: changes.gaps,
            notes: changes.notes,
            ..Summary::default()
        };
        // Whoever looks at a change sees all of it, and should know what was not looked at.
        if !changes.excluded.is_empty() {
            let named: Vec<String> = changes.excluded.iter().take(MOST_NAMED).map(|path| shown(path)).collect();
            let more = if changes.excluded.len() > MOST_NAMED { ", …" } else { "" };
            let named = named.join(", ");
            summary.notes.push(format!("the configuration excludes what changed in {named}{more}"));
        }
        summary.allowed.insert(Suppressor::Marker, changes.judged.allowed_by_marker());
        let Judged { findings, suppressed, allowed, .. } = changes.judged;
        Self { findings, suppressed, secrets: allowed, summary }
    }
}

/// Most excluded files that are named.
const MOST_NAMED: usize = 5;

/// What was found in one content.
#[derive(Debug, Default)]
struct Scanned {
    judged: Judged,
    bytes: u64,
    gaps: Vec<Gap>,
    /// How often each secret stands there.
    counts: Counts,
    /// The same without what is accepted there, where something is.
    standing: Option<Counts>,
}

impl Scanned {
    /// How often each secret stands there that would be told.
    fn standing(&self) -> &Counts {
        self.standing.as_ref().unwrap_or(&self.counts)
    }
}

/// A digest of a secret, to tell whether two are the same and weigh the same.
type Digest = [u8; 32];

/// How often secrets stand somewhere.
type Counts = HashMap<Digest, usize>;

/// What was found in the contents of paths.
type Versions = HashMap<(Oid, Vec<u8>), Arc<Scanned>>;

/// Scans versions of files, each once.
struct Scanner<'a> {
    objects: &'a Objects,
    detector: &'a Detector,
    progress: &'a Progress,
    options: Options<'a>,
    workers: Workers,
    seen: Mutex<Versions>,
}

/// New secrets of a change, with the object that each stands in.
struct New {
    findings: Vec<(Finding, Oid)>,
    /// Whether markers that were not heeded stand at them.
    markers: usize,
}

impl<'a> Scanner<'a> {
    fn new(objects: &'a Objects, detector: &'a Detector, progress: &'a Progress, options: Options<'a>) -> Self {
        Self { objects, detector, progress, options, workers: Workers::default(), seen: Mutex::default() }
    }

    /// What stands in `oid` as the content of `path`.
    fn scan(&self, oid: &Oid, path: &[u8]) -> Arc<Scanned> {
        let key = (*oid, path.to_vec());
        let seen = || self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(scanned) = seen().get(&key) {
            return scanned.clone();
        }
        let path = shown(path);
        let task = Task::new(self.progress);
        let mut scanned = match self.objects.read_for(oid, &task) {
            Ok((_, bytes)) => self.content(&bytes, &path, &task),
            Err(missing) => {
                let reason = format!("object {}: {}", short(&missing.oid), missing.error.reason());
                Scanned { gaps: vec![Gap::new(missing.error.code(), path, reason)], ..Scanned::default() }
            }
        };
        scanned.counts = counts(&scanned.judged.findings);
        if let Some(is_accepted) = self.options.is_accepted.filter(|it| scanned.judged.findings.iter().any(it)) {
            let standing: Vec<Finding> =
                scanned.judged.findings.iter().filter(|it| !is_accepted(it)).cloned().collect();
            scanned.standing = Some(counts(&standing));
        }
        let scanned = Arc::new(scanned);
        seen().insert(key, scanned.clone());
        scanned
    }

    fn content(&self, bytes: &[u8], path: &str, task: &Task<'_>) -> Scanned {
        let mut scanned = Scanned { bytes: bytes.len() as u64, ..Scanned::default() };
        let read = self.workers.with(|worker| {
            let identity = || path.to_owned();
            Scan { path, identity: &identity, detector: self.detector, worker, task }.bytes(bytes)
        });
        match read {
            Ok(read) => {
                scanned.gaps = read.gaps;
                read.contents.into_iter().for_each(|it| self.verdicts().of_content(it, &mut scanned.judged));
            }
            Err(panicked) => scanned.gaps.push(Gap::new(GapCode::Failed, path, panicked)),
        }
        scanned
    }

    fn verdicts(&self) -> Verdicts<'_> {
        Verdicts { detector: self.detector, markers: self.options.markers }
    }

    /// The findings among `candidates` of what has the name `place` instead of a path.
    fn judged(&self, candidates: Vec<Candidate>, place: &str, into: &mut Changes) -> Vec<Finding> {
        let mut judged = Judged::default();
        let content = Content { path: place.to_owned(), identity: place.to_owned(), candidates };
        self.verdicts().of_content(content, &mut judged);
        into.judged.suppressed.append(&mut judged.suppressed);
        into.judged.allowed.append(&mut judged.allowed);
        judged.findings
    }

    /// The secrets that `changes`, made together, brought in; what was read is counted in `into`.
    fn new_in(&self, changes: &[Change], into: &mut Changes) -> New {
        let (excluded, changes): (Vec<&Change>, Vec<&Change>) =
            changes.iter().partition(|change| self.is_excluded(&change.path));
        into.excluded.extend(excluded.iter().filter(|it| it.new.is_some()).map(|it| it.path.clone()));
        let now: Vec<(usize, Oid, Arc<Scanned>)> = changes
            .par_iter()
            .enumerate()
            .filter_map(|(at, change)| Some((at, change.new?, self.scan(&change.new?, &change.path))))
            .collect();
        for (_, _, scanned) in &now {
            into.files += 1;
            into.bytes += scanned.bytes;
            into.gaps.extend(scanned.gaps.iter().cloned());
            into.judged.suppressed.extend(scanned.judged.suppressed.iter().cloned());
            into.judged.allowed.extend(scanned.judged.allowed.iter().cloned());
        }
        let mut new = New { findings: self.in_names(&changes, into), markers: 0 };
        if now.iter().all(|(_, _, scanned)| scanned.judged.findings.is_empty()) {
            return new;
        }
        // What stood there before, change by change; of a merge's versions the one with the most counts.
        let before: Vec<Counts> = changes
            .par_iter()
            .map(|change| {
                let versions = change.old.iter().map(|old| self.scan(old, &change.path).standing().clone());
                versions.reduce(|all, version| merged(all, version, usize::max)).unwrap_or_default()
            })
            .collect();
        let sum = |counts: &mut dyn Iterator<Item = Counts>| counts.reduce(|all, it| merged(all, it, |a, b| a + b));
        let all_before = sum(&mut before.iter().cloned()).unwrap_or_default();
        let mut overall = sum(&mut now.iter().map(|(_, _, scanned)| scanned.counts.clone())).unwrap_or_default();
        for (digest, number) in &mut overall {
            *number = number.saturating_sub(all_before.get(digest).copied().unwrap_or(0));
        }
        for (at, oid, scanned) in &now {
            let change = changes[*at];
            let mut left = Counts::new();
            for (digest, number) in &scanned.counts {
                let gain = number.saturating_sub(before[*at].get(digest).copied().unwrap_or(0));
                let overall = overall.entry(*digest).or_default();
                // What moved to one file is not new in another: of so many that came, so many are told.
                let told = gain.min(*overall);
                *overall -= told;
                left.insert(*digest, told);
            }
            if left.values().all(|gain| *gain == 0) {
                continue;
            }
            let old_lines: HashSet<String> =
                change.old.iter().flat_map(|old| lines(&self.scan(old, &change.path).judged.findings)).collect();
            // First those on lines that are new as well.
            let (kept, added): (Vec<&Finding>, Vec<&Finding>) =
                scanned.judged.findings.iter().partition(|finding| old_lines.contains(&line(finding)));
            for finding in added.into_iter().chain(kept) {
                let gain = left.entry(digest(finding)).or_default();
                if *gain > 0 {
                    *gain -= 1;
                    new.findings.push((finding.clone(), *oid));
                }
            }
            new.markers += scanned.judged.refused;
        }
        new
    }

    /// Whether the configuration leaves a file out.
    fn is_excluded(&self, path: &[u8]) -> bool {
        !self.options.exclude.is_empty() && {
            let path = shown(path);
            self.options.exclude.iter().any(|glob| glob.is_match(&path))
        }
    }

    /// Secrets in the names of files that are new, unless one stood in a name that is gone.
    fn in_names(&self, changes: &[&Change], into: &mut Changes) -> Vec<(Finding, Oid)> {
        let added: Vec<&Change> = changes.iter().copied().filter(|change| change.old.is_empty()).collect();
        if added.is_empty() {
            return Vec::new();
        }
        let names: Names = added.iter().map(|change| change.path.as_slice()).collect();
        let (named, gap) = names.scan_by(&self.workers, "file names", self.detector, &Task::new(self.progress));
        into.gaps.extend(gap);
        let mut found: Vec<(Finding, Oid)> = Vec::new();
        let mut seen = HashSet::new();
        for Named { index, at, candidate } in named {
            let change = added[index];
            let judged = |before: &[u8]| {
                let mut judged = Judged::default();
                let path = of_folder(before);
                self.verdicts().judge(candidate.clone(), &path, &path, &PathFacts::of(&path), &mut judged);
                judged
            };
            let stood_before = changes.iter().filter(|it| it.new.is_none() && !it.old.is_empty()).any(|gone| {
                let at = memchr::memmem::find(&gone.path, candidate.secret.expose());
                let is_accepted = |it: &Finding| self.options.is_accepted.is_some_and(|is_accepted| is_accepted(it));
                at.is_some_and(|at| judged(&gone.path[..at]).findings.iter().any(|it| !is_accepted(it)))
            });
            if stood_before {
                continue;
            }
            let scanned = judged(&change.path[..at]);
            into.judged.suppressed.extend(scanned.suppressed);
            into.judged.allowed.extend(scanned.allowed);
            let new = scanned.findings.into_iter().filter(|it| seen.insert((digest(it), it.path.clone())));
            found.extend(new.map(|finding| (finding, change.new.unwrap_or_else(|| Oid::none(self.objects.hash)))));
        }
        found
    }

    /// How often a secret stands in a version of a file.
    fn count(&self, oid: &Oid, path: &[u8], wanted: &Digest) -> usize {
        self.scan(oid, path).counts.get(wanted).copied().unwrap_or(0)
    }
}

/// What is of low severity in a test is another thing than the same where it counts.
fn digest(finding: &Finding) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(finding.secret.expose());
    hasher.update(&[u8::from(finding.severity == Severity::Low)]);
    *hasher.finalize().as_bytes()
}

fn counts(findings: &[Finding]) -> Counts {
    let mut counts = Counts::new();
    findings.iter().for_each(|finding| *counts.entry(digest(finding)).or_default() += 1);
    counts
}

fn merged(mut all: Counts, other: Counts, with: fn(usize, usize) -> usize) -> Counts {
    for (digest, number) in other {
        let known = all.entry(digest).or_default();
        *known = with(*known, number);
    }
    all
}

fn line(finding: &Finding) -> String {
    format!("{}\n{}", finding.excerpt.before, finding.excerpt.after)
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(line).collect()
}

fn short(oid: &Oid) -> String {
    oid.to_string()[..12].to_owned()
}

fn gaps_of(missing: Vec<Missing>) -> impl Iterator<Item = Gap> {
    missing.into_iter().map(|it| Gap::about(it.error.code(), format!("object {}", short(&it.oid)), it.error.reason()))
}

/// Opens the objects of `repository`.
fn open(repository: &Repository, limits: &Limits, gaps: &mut Vec<Gap>) -> Objects {
    let mut problems = Vec::new();
    let objects = Objects::open(repository, git::limits(limits), &mut problems);
    gaps.extend(problems.into_iter().map(Gap::from));
    objects
}

/// The content of the file `path` in the tree of the commit `revision`; `None` if there is no such file.
pub fn file_at(repository: &Repository, revision: &Oid, path: &Path) -> Result<Option<Vec<u8>>, Missing> {
    let objects = open(repository, &Limits::default(), &mut Vec::new());
    let tree = objects.commit(revision)?.tree;
    let blob = comparison::find(&objects, &tree, path.as_os_str().as_encoded_bytes())?;
    blob.map(|blob| objects.read_kind(&blob, object::Blob)).transpose()
}
