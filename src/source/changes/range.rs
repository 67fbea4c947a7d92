//! The commits between two: of a pull request, of a push. Each is looked at, so a secret that one brings in and the next
//! takes out is found; it is still in the history that is pushed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::objects::{Missing, Objects};
use super::revision::{RevisionError, Revisions};
use super::trees::{self, Change, Comparison};
use super::{Changes, Digest, Options, Scanner, digest, gaps_of, short};
use crate::detect::path_facts::PathFacts;
use crate::detect::verdict::{Verdict, verdict};
use crate::detect::{Detector, Scratch};
use crate::finding::{CommitNote, Finding, Life};
use crate::source::history::oid::Oid;
use crate::source::history::refs::Refs;
use crate::source::history::walk::{self, Commit};
use crate::source::history::{MESSAGE, Repository, note};
use crate::source::limits::{Limits, Task};
use crate::source::{Gap, GapCode, Progress, window};

/// Which commits to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// `BASE..HEAD`: what the second leads to and the first does not.
    Between(String, String),
    /// `BASE...HEAD`: what the second leads to since both were the same.
    Since(String, String),
    /// What the first leads to, and neither the second nor any ref of a remote.
    Pushed(String, String),
    /// What these commits lead to, and no ref of a remote.
    Unpushed(Vec<String>),
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
    /// What is looked at leads to these.
    pub include: Vec<Oid>,
    /// What these lead to is known.
    pub exclude: Vec<Oid>,
}

impl Ends {
    /// The commit whose configuration and baseline count: the range's base.
    pub fn base(&self) -> Option<&Oid> {
        self.exclude.first()
    }
}

/// Finds the ends of a range.
pub fn resolve(repository: &Repository, range: &Range) -> Result<Ends, RevisionError> {
    let objects = super::open(repository, &Limits::default(), &mut Vec::new());
    let refs = Refs::read(repository.git_folder(), repository.common_folder());
    let revisions = Revisions { repository, objects: &objects, refs: &refs };
    match range {
        Range::Between(base, head) => {
            Ok(Ends { include: vec![revisions.find(head)?], exclude: vec![revisions.find(base)?] })
        }
        Range::Since(base, head) => {
            let (base, head) = (revisions.find(base)?, revisions.find(head)?);
            let shared = Walk::new(&objects, &refs).shared(base, head);
            Ok(Ends { include: vec![head], exclude: vec![shared.unwrap_or(base)] })
        }
        Range::Pushed(head, remote) => {
            // What the remote has may never have been fetched; its refs that were are known all the same.
            let exclude = revisions.find(remote).ok().into_iter().chain(of_remotes(&revisions)).collect();
            Ok(Ends { include: vec![revisions.find(head)?], exclude })
        }
        Range::Unpushed(heads) => Ok(Ends {
            include: heads.iter().map(|head| revisions.find(head)).collect::<Result<_, _>>()?,
            exclude: of_remotes(&revisions),
        }),
    }
}

/// What the refs of all remotes lead to, as far as they were fetched.
fn of_remotes(revisions: &Revisions<'_>) -> Vec<Oid> {
    let remote = revisions.refs.tips.keys().filter(|name| name.starts_with("refs/remotes/"));
    let mut found: Vec<Oid> = remote.filter_map(|name| revisions.find(name).ok()).collect();
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
    options: Options,
) -> Changes {
    let mut changes = Changes::default();
    let objects = super::open(repository, &progress.limits, &mut changes.gaps);
    let refs = Refs::read(repository.git_folder(), repository.common_folder());
    changes.gaps.extend(refs.gaps.iter().cloned());
    let mut walk = Walk::new(&objects, &refs);
    let commits = walk.between(ends);
    changes.gaps.extend(gaps_of(std::mem::take(&mut walk.missing)));
    changes.commits = Some(commits.len() as u64);
    let names = |oids: &[Oid]| oids.iter().take(3).map(short).collect::<Vec<_>>().join(", ");
    changes.scope = match ends.exclude.len() {
        0 => format!("all that leads to {}", names(&ends.include)),
        1..=3 => format!("{}..{}", names(&ends.exclude), names(&ends.include)),
        more => format!("what leads to {} and to none of {more} refs of remotes", names(&ends.include)),
    };
    if commits.is_empty() && changes.gaps.is_empty() {
        changes.notes.push("the range holds no commit: there is nothing in it to find".to_owned());
    }
    progress.expect_files(commits.len());
    let scanner = Scanner::new(&objects, detector, progress, options);
    let mut looked_at = LookedAt::default();
    let mut scratch = Scratch::default();
    let mut markers = 0;
    for commit in &commits {
        if let Some(why) = progress.stopped() {
            changes.gaps.push(Gap::new(GapCode::Interrupted, "range", why));
            break;
        }
        if refs.shallow.contains(&commit.oid) {
            changes.gaps.push(Gap::new(
                GapCode::ShallowClone,
                format!("commit {}", short(&commit.oid)),
                "this shallow clone ends here, so what the commit changed cannot be told; fetch more of the \
                         history (`git fetch --unshallow`, or `fetch-depth: 0` of actions/checkout)",
            ));
            continue;
        }
        let mut comparison = Comparison::new(&objects, progress.limits.paths);
        compare(&objects, commit, &mut comparison);
        changes.gaps.extend(gaps_of(std::mem::take(&mut comparison.missing)));
        let new = scanner.new_in(&comparison.changes, &mut changes);
        markers += new.markers;
        looked_at.add(commit, comparison.changes, new.findings);
        looked_at.messages.extend(in_message(&scanner, commit, &mut changes.gaps));
        progress.file_done();
    }
    changes.findings = looked_at.settle(&scanner, ends, &mut |oid| {
        let (_, bytes) = objects.read(oid).ok()?;
        note(oid, &bytes, detector, &mut scratch)
    });
    if markers > 0 {
        changes.notes.push(format!(
            "{markers} findings stand beside markers such as `keysieve:allow` that came with these commits; a change \
             cannot allow its own findings"
        ));
    }
    changes.gaps.sort();
    changes.gaps.dedup();
    changes
}

/// What a commit changed; of a merge, what is in none of its parents.
fn compare(objects: &Objects, commit: &Commit, comparison: &mut Comparison<'_>) {
    let mut trees = Vec::new();
    for parent in &commit.parents {
        match objects.read(parent) {
            Ok((_, bytes)) => trees.extend(walk::parse_commit(*parent, &bytes).map(|parent| parent.tree)),
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
        comparison.changes.retain_mut(|change| match trees::find(objects, tree, &change.path) {
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

/// What stands in a commit's message.
fn in_message(scanner: &Scanner<'_>, commit: &Commit, gaps: &mut Vec<Gap>) -> Vec<(Finding, Oid)> {
    let path = || format!("commit {}", short(&commit.oid));
    let bytes = match scanner.objects.read(&commit.oid) {
        Ok((_, bytes)) => bytes,
        Err(missing) => {
            gaps.push(Gap::new(missing.code, path(), missing.reason));
            return Vec::new();
        }
    };
    let text = walk::message(&bytes);
    let task = Task::new(scanner.progress);
    let read =
        scanner.workers.with(|worker| window::scan(&mut &*text, text.len() as u64, scanner.detector, worker, &task));
    let reading = match read {
        Ok(reading) => reading,
        Err(panicked) => {
            gaps.push(Gap::new(GapCode::Failed, path(), panicked));
            return Vec::new();
        }
    };
    gaps.extend(reading.error.map(|error| Gap::new(error.code(), path(), error.explain())));
    let facts = PathFacts::of(MESSAGE);
    let found = reading.candidates.into_iter().filter_map(|candidate| {
        match verdict(scanner.detector, candidate, MESSAGE, &facts) {
            Verdict::Finding(finding) => Some((*finding, commit.oid)),
            _ => None,
        }
    });
    found.collect()
}

/// What the commits of a range brought, in their order.
#[derive(Default)]
struct LookedAt {
    /// Each finding with its object, its commit and the path's bytes.
    found: Vec<(Finding, Oid, Oid, Vec<u8>)>,
    messages: Vec<(Finding, Oid)>,
    /// For each path its versions: the commit, and what it is after it.
    versions: HashMap<Vec<u8>, Vec<(Oid, Option<Oid>)>>,
}

impl LookedAt {
    fn add(&mut self, commit: &Commit, changes: Vec<Change>, found: Vec<(Finding, Oid)>) {
        for change in &changes {
            self.versions.entry(change.path.clone()).or_default().push((commit.oid, change.new));
        }
        let paths: HashMap<String, &Change> =
            changes.iter().map(|change| (crate::decode::shown(&change.path), change)).collect();
        for (finding, object) in found {
            let outer = finding.path.split("!/").next().unwrap_or_default();
            let path = paths.get(outer).map(|change| change.path.clone()).unwrap_or_default();
            self.found.push((finding, object, commit.oid, path));
        }
    }

    /// One finding for each secret, rule and path, with the commit that brought it and, if it is gone at the end of the
    /// range, the one that took it. What only moved within the range is left out.
    fn settle(
        self,
        scanner: &Scanner<'_>,
        ends: &Ends,
        note: &mut dyn FnMut(&Oid) -> Option<CommitNote>,
    ) -> Vec<Finding> {
        let base = ends.base().filter(|_| ends.exclude.len() == 1);
        let base_tree = base.and_then(|base| {
            let (_, bytes) = scanner.objects.read(base).ok()?;
            Some(walk::parse_commit(*base, &bytes)?.tree)
        });
        let mut known: HashMap<Digest, (usize, usize)> = HashMap::new();
        let mut seen = HashSet::new();
        let mut findings = Vec::new();
        for (mut finding, object, commit, path) in self.found {
            let secret = digest(&finding);
            if !seen.insert((secret, finding.rule.clone(), finding.path.clone())) {
                continue;
            }
            // How often it stands in the touched files, before the range and after it.
            let (before, after) = *known.entry(secret).or_insert_with(|| {
                let before = self.versions.keys().filter_map(|path| {
                    let oid = trees::find(scanner.objects, base_tree.as_ref()?, path).ok()??;
                    Some(scanner.count(&oid, path, &secret))
                });
                let after = self
                    .versions
                    .iter()
                    .filter_map(|(path, versions)| Some(scanner.count(&versions.last()?.1?, path, &secret)));
                (before.sum(), after.sum())
            });
            if before > 0 && before >= after {
                continue;
            }
            let versions = self.versions.get(&path).map(Vec::as_slice).unwrap_or_default();
            let mut later = versions.iter().skip_while(|(at, _)| *at != commit).skip(1);
            let removed = later.find(|(_, now)| now.is_none_or(|now| scanner.count(&now, &path, &secret) == 0));
            finding.life = Some(Box::new(Life {
                object: Some(object.to_string()),
                introduced: note(&commit),
                removed: removed.filter(|_| after == 0).and_then(|(commit, _)| note(commit)),
                live_in: Vec::new(),
                live_in_refs: 0,
                versions: 1,
                paths: vec![finding.path.clone()],
                reachable: true,
            }));
            findings.push(finding);
        }
        for (mut finding, commit) in self.messages {
            if seen.insert((digest(&finding), finding.rule.clone(), finding.path.clone())) {
                finding.life = Some(Box::new(Life {
                    object: Some(commit.to_string()),
                    introduced: note(&commit),
                    versions: 1,
                    paths: vec![MESSAGE.to_owned()],
                    reachable: true,
                    ..Life::default()
                }));
                findings.push(finding);
            }
        }
        findings
    }
}

/// Walks from commits to their parents, the newest first.
struct Walk<'a> {
    objects: &'a Objects,
    refs: &'a Refs,
    commits: HashMap<Oid, Commit>,
    missing: Vec<Missing>,
}

/// Commits that are looked at after the last one of interest, as clocks are not always right; git does the same.
const SLOP: usize = 5;

impl<'a> Walk<'a> {
    fn new(objects: &'a Objects, refs: &'a Refs) -> Self {
        Self { objects, refs, commits: HashMap::new(), missing: Vec::new() }
    }

    fn commit(&mut self, oid: &Oid) -> Option<&Commit> {
        if !self.commits.contains_key(oid) {
            match self.objects.read(oid) {
                Ok((_, bytes)) => {
                    let mut commit = walk::parse_commit(*oid, &bytes)?;
                    if let Some(parents) = self.refs.grafts.get(oid) {
                        commit.parents.clone_from(parents);
                    }
                    self.commits.insert(*oid, commit);
                }
                Err(missing) => {
                    self.missing.push(missing);
                    return None;
                }
            }
        }
        self.commits.get(oid)
    }

    /// Parents, unless a shallow clone has none of them.
    fn parents(&mut self, oid: &Oid) -> Vec<Oid> {
        if self.refs.shallow.contains(oid) {
            return Vec::new();
        }
        self.commit(oid).map(|commit| commit.parents.clone()).unwrap_or_default()
    }

    /// The commits that `ends` include and do not exclude, parents before children.
    fn between(&mut self, ends: &Ends) -> Vec<Commit> {
        let mut known: HashSet<Oid> = HashSet::new();
        let mut met: HashSet<Oid> = HashSet::new();
        let mut queue: BinaryHeap<(i64, Oid)> = BinaryHeap::new();
        let mut wanted: Vec<Oid> = Vec::new();
        for (oids, is_known) in [(&ends.exclude, true), (&ends.include, false)] {
            for oid in oids {
                if is_known {
                    known.insert(*oid);
                }
                if let Some(time) = self.commit(oid).map(|commit| commit.time).filter(|_| met.insert(*oid)) {
                    queue.push((time, *oid));
                }
            }
        }
        let mut slop = SLOP;
        while let Some((time, oid)) = queue.pop() {
            let is_known = known.contains(&oid);
            if is_known && queue.iter().all(|(_, oid)| known.contains(oid)) {
                let oldest = wanted.iter().filter(|oid| !known.contains(oid)).map(|oid| self.commits[oid].time).min();
                if oldest.is_none_or(|oldest| time < oldest) {
                    slop -= 1;
                }
                if slop == 0 || oldest.is_none() {
                    break;
                }
            }
            if !is_known {
                wanted.push(oid);
            }
            for parent in self.parents(&oid) {
                if is_known && known.insert(parent) && met.contains(&parent) {
                    self.spread(parent, &mut known, &met);
                }
                if let Some(time) = self.commit(&parent).map(|commit| commit.time).filter(|_| met.insert(parent)) {
                    queue.push((time, parent));
                }
            }
        }
        wanted.retain(|oid| !known.contains(oid));
        self.in_order(wanted)
    }

    /// What a commit leads to that was met before it was known to be known.
    fn spread(&mut self, from: Oid, known: &mut HashSet<Oid>, met: &HashSet<Oid>) {
        let mut open = vec![from];
        while let Some(oid) = open.pop() {
            for parent in self.parents(&oid) {
                if known.insert(parent) && met.contains(&parent) {
                    open.push(parent);
                }
            }
        }
    }

    /// Parents before children; of those that are free the oldest first.
    fn in_order(&mut self, oids: Vec<Oid>) -> Vec<Commit> {
        let all: HashSet<Oid> = oids.iter().copied().collect();
        let mut children: HashMap<Oid, Vec<Oid>> = HashMap::new();
        let mut waits: HashMap<Oid, usize> = HashMap::new();
        for oid in &oids {
            let parents: HashSet<Oid> = self.parents(oid).into_iter().filter(|parent| all.contains(parent)).collect();
            waits.insert(*oid, parents.len());
            parents.into_iter().for_each(|parent| children.entry(parent).or_default().push(*oid));
        }
        let mut free: BinaryHeap<Reverse<(i64, Oid)>> = BinaryHeap::new();
        let free_ones = oids.iter().filter(|oid| waits[oid] == 0);
        free.extend(free_ones.map(|oid| Reverse((self.commits[oid].time, *oid))));
        let mut order = Vec::with_capacity(oids.len());
        while let Some(Reverse((_, oid))) = free.pop() {
            order.push(self.commits[&oid].clone());
            for child in children.remove(&oid).unwrap_or_default() {
                let left = waits.entry(child).or_default();
                *left -= 1;
                if *left == 0 {
                    free.push(Reverse((self.commits[&child].time, child)));
                }
            }
        }
        order
    }

    /// The newest commit that both lead to.
    fn shared(&mut self, one: Oid, other: Oid) -> Option<Oid> {
        let mut reached: HashMap<Oid, u8> = HashMap::new();
        let mut queue: BinaryHeap<(i64, Oid)> = BinaryHeap::new();
        for (oid, mark) in [(one, 1), (other, 2)] {
            *reached.entry(oid).or_default() |= mark;
            queue.push((self.commit(&oid)?.time, oid));
        }
        while let Some((_, oid)) = queue.pop() {
            let marks = reached[&oid];
            if marks == 3 {
                return Some(oid);
            }
            for parent in self.parents(&oid) {
                let known = reached.entry(parent).or_default();
                if *known & marks != marks {
                    *known |= marks;
                    let time = self.commit(&parent).map(|commit| commit.time);
                    queue.extend(time.map(|time| (time, parent)));
                }
            }
        }
        None
    }
}
