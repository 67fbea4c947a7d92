//! What changed: the index against the last commit, or the commits between two. The contents that are new are scanned,
//! and of what is found in them only what the contents before did not hold.
//!
//! A secret is new where more of it stands after a change than before, over all files that the change touches. So a line
//! that is moved, a file that is renamed and a key that is indented anew bring nothing, and a key whose last line was
//! missing does. `index` and `trees` say which files differ, [`staged`] and [`range`] which versions to compare.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

pub mod index;
mod objects;
pub mod range;
pub mod revision;
pub mod staged;
mod trees;

use objects::{Missing, Objects};
use trees::Change;

use super::container::Inside;
use super::history::Repository;
use super::history::oid::Oid;
use super::limits::{Limits, Task};
use super::{Content, Gap, GapCode, Progress, Workers, window};
use crate::decode::container::Kind;
use crate::decode::shown;
use crate::detect::Detector;
use crate::detect::candidate::{Candidate, Dropped, Judge};
use crate::detect::path_facts::PathFacts;
use crate::detect::verdict::{Verdict, verdict};
use crate::finding::Finding;

/// What a change brought.
#[derive(Debug, Default)]
pub struct Changes {
    /// Secrets that it brought in.
    pub findings: Vec<Finding>,
    /// Candidates that were thrown out, with their paths.
    pub dropped: Vec<(Candidate, Dropped, String)>,
    /// Commits looked at; `None` for the index.
    pub commits: Option<u64>,
    /// Files whose content is new.
    pub files: u64,
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
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Takes comment markers for what they say. Where somebody else's change is looked at they say nothing.
    pub heed_markers: bool,
}

/// What was found in one content.
#[derive(Debug, Default)]
struct Scanned {
    findings: Vec<Finding>,
    dropped: Vec<(Candidate, Dropped, String)>,
    bytes: u64,
    gaps: Vec<Gap>,
    /// Findings that a marker would have allowed.
    markers: usize,
}

/// A digest of a secret, to tell whether two are the same.
type Digest = [u8; 32];

/// What was found in the contents of paths.
type Versions = HashMap<(Oid, Vec<u8>), Arc<Scanned>>;

/// Scans versions of files, each once.
struct Scanner<'a> {
    objects: &'a Objects,
    detector: &'a Detector,
    progress: &'a Progress,
    options: Options,
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
    fn new(objects: &'a Objects, detector: &'a Detector, progress: &'a Progress, options: Options) -> Self {
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
        let scanned = Arc::new(match self.objects.read_for(oid, &task) {
            Ok((_, bytes)) => self.content(&bytes, &path, &task),
            Err(missing) => {
                let reason = format!("object {}: {}", short(&missing.oid), missing.reason);
                Scanned { gaps: vec![Gap::new(missing.code, path, reason)], ..Scanned::default() }
            }
        });
        seen().insert(key, scanned.clone());
        scanned
    }

    fn content(&self, bytes: &[u8], path: &str, task: &Task<'_>) -> Scanned {
        let mut scanned = Scanned { bytes: bytes.len() as u64, ..Scanned::default() };
        let read = self.workers.with(|worker| {
            if let Some(kind) = Kind::of(bytes) {
                let inside = Inside::of(bytes, kind, path, path, self.detector, worker, task);
                return (inside.contents, inside.gaps);
            }
            let reading = window::scan(&mut &*bytes, scanned.bytes, self.detector, worker, task);
            let gaps = reading.error.map(|error| Gap::new(error.code(), path, error.explain())).into_iter().collect();
            let content = Content { path: path.to_owned(), identity: path.to_owned(), candidates: reading.candidates };
            (vec![content], gaps)
        });
        match read {
            Ok((contents, gaps)) => {
                scanned.gaps = gaps;
                contents.into_iter().for_each(|it| self.judge(it.candidates, &it.path, &mut scanned));
            }
            Err(panicked) => scanned.gaps.push(Gap::new(GapCode::Failed, path, panicked)),
        }
        scanned
    }

    fn judge(&self, candidates: Vec<Candidate>, path: &str, scanned: &mut Scanned) {
        let facts = PathFacts::of(path);
        for mut candidate in candidates {
            let by_marker = candidate.dropped.as_ref().is_some_and(|dropped| dropped.judge == Judge::Allow);
            if by_marker && !self.options.heed_markers {
                candidate.dropped = None;
                candidate.evidence.push("the marker that allows it came with the change".into());
                scanned.markers += 1;
            }
            match verdict(self.detector, candidate, path, &facts) {
                Verdict::Finding(finding) => scanned.findings.push(*finding),
                Verdict::Dropped(candidate, dropped) => scanned.dropped.push((*candidate, dropped, path.to_owned())),
                Verdict::OtherPath => {}
            }
        }
    }

    /// The secrets that `changes`, made together, brought in; what was read is counted in `into`.
    fn new_in(&self, changes: &[Change], into: &mut Changes) -> New {
        let now: Vec<(&Change, Oid, Arc<Scanned>)> = changes
            .par_iter()
            .filter_map(|change| Some((change, change.new?, self.scan(&change.new?, &change.path))))
            .collect();
        for (_, _, scanned) in &now {
            into.files += 1;
            into.bytes += scanned.bytes;
            into.gaps.extend(scanned.gaps.iter().cloned());
            into.dropped.extend(scanned.dropped.iter().cloned());
        }
        let mut new = New { findings: Vec::new(), markers: 0 };
        if now.iter().all(|(_, _, scanned)| scanned.findings.is_empty()) {
            return new;
        }
        // What stood there before, file by file; of a merge's versions the one with the most counts.
        let before: Vec<HashMap<Digest, usize>> = changes
            .par_iter()
            .map(|change| {
                let versions = change.old.iter().map(|old| counts(&self.scan(old, &change.path).findings));
                versions.reduce(|all, version| merged(all, version, usize::max)).unwrap_or_default()
            })
            .collect();
        let all_before = before.iter().cloned().reduce(|all, file| merged(all, file, |a, b| a + b)).unwrap_or_default();
        let all_now = now.iter().map(|(_, _, scanned)| counts(&scanned.findings));
        let all_now = all_now.reduce(|all, file| merged(all, file, |a, b| a + b)).unwrap_or_default();
        let of_path: HashMap<&[u8], &HashMap<Digest, usize>> =
            changes.iter().zip(&before).map(|(change, before)| (change.path.as_slice(), before)).collect();
        let mut overall: HashMap<Digest, usize> = all_now
            .iter()
            .map(|(digest, number)| (*digest, number.saturating_sub(all_before.get(digest).copied().unwrap_or(0))))
            .collect();
        for (change, oid, scanned) in &now {
            let here = counts(&scanned.findings);
            let before = of_path[change.path.as_slice()];
            let mut left: HashMap<Digest, usize> = HashMap::new();
            for (digest, number) in &here {
                let gain = number.saturating_sub(before.get(digest).copied().unwrap_or(0));
                let overall = overall.entry(*digest).or_default();
                // What moved to one file is not new in another: of so many that came, so many are told.
                let told = gain.min(*overall);
                *overall -= told;
                left.insert(*digest, told);
            }
            let old_lines: Vec<String> = match left.values().all(|gain| *gain == 0) {
                true => continue,
                false => change.old.iter().flat_map(|old| lines(&self.scan(old, &change.path).findings)).collect(),
            };
            // First those on lines that are new as well.
            let (kept, added): (Vec<&Finding>, Vec<&Finding>) =
                scanned.findings.iter().partition(|finding| old_lines.contains(&line(finding)));
            for finding in added.into_iter().chain(kept) {
                let gain = left.entry(digest(finding)).or_default();
                if *gain > 0 {
                    *gain -= 1;
                    new.findings.push((finding.clone(), *oid));
                }
            }
            new.markers += scanned.markers;
        }
        new
    }

    /// How often a secret stands in a version of a file.
    fn count(&self, oid: &Oid, path: &[u8], wanted: &Digest) -> usize {
        self.scan(oid, path).findings.iter().filter(|finding| digest(finding) == *wanted).count()
    }
}

fn digest(finding: &Finding) -> Digest {
    *blake3::hash(finding.secret.expose()).as_bytes()
}

fn counts(findings: &[Finding]) -> HashMap<Digest, usize> {
    let mut counts = HashMap::new();
    findings.iter().for_each(|finding| *counts.entry(digest(finding)).or_default() += 1);
    counts
}

fn merged(
    mut all: HashMap<Digest, usize>,
    other: HashMap<Digest, usize>,
    with: fn(usize, usize) -> usize,
) -> HashMap<Digest, usize> {
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
    missing.into_iter().map(|it| Gap::new(it.code, format!("object {}", short(&it.oid)), it.reason))
}

/// Opens the objects of `repository`.
fn open(repository: &Repository, limits: &Limits, gaps: &mut Vec<Gap>) -> Objects {
    Objects::open(repository, limits, gaps)
}

/// The content of the file `path` in the tree of the commit `revision`; `None` if there is no such file.
pub fn file_at(repository: &Repository, revision: &Oid, path: &Path) -> Option<Vec<u8>> {
    let objects = open(repository, &Limits::default(), &mut Vec::new());
    let (_, commit) = objects.read(revision).ok()?;
    let tree = super::history::walk::parse_commit(*revision, &commit)?.tree;
    let blob = trees::find(&objects, &tree, path.as_os_str().as_encoded_bytes()).ok()??;
    objects.read(&blob).ok().map(|(_, bytes)| bytes)
}
