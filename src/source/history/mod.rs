//! The whole history of a repository: every object once, every line once.
//!
//! [`store`] opens packs and loose objects, [`forest`] orders a pack by its delta trees, [`walk`] expands every object
//! once and scans what is new in it ([`lines`]), [`attribute`] joins what was found with trees and commits. Content comes
//! first and paths later: a blob's candidates are known before its path is, and a verdict falls for each path it had.
//!
//! No git process is started and no filter or hook runs; packs, refs and reflogs are read as files. git2 finds the
//! repository and says whether its owner is trusted.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

pub mod attribute;
pub mod lines;
mod missing;
mod places;
mod recent;
mod suppressed;
pub mod walk;

use attribute::Attribution;
use keysieve_git::forest::Forest;
use keysieve_git::graph::{self, Graph};
use keysieve_git::objects::Objects;
use keysieve_git::oid::{Oid, OidMap};
use keysieve_git::refs::Refs;
use keysieve_git::revision::{RevisionError, Revisions};
use keysieve_git::store::{Reading, Store};
use keysieve_git::{Repository, commit, tree_entries};
use rayon::prelude::*;
use suppressed::SuppressedOnce;
use walk::{Found, SecretId, VariantId, WantedNames};

use crate::decode;
use crate::file::shown;
use crate::finding::{CommitNote, Confidence, Finding, Provenance};
use crate::gap::{Gap, GapCode};
use crate::inside;
use crate::outcome::{Outcome, Summary, Suppressed};
use crate::scan::content::Scan;
use crate::scan::limits::Task;
use crate::scan::names::{FILE_NAME, Names, REF_NAME};
use crate::scan::verdicts::{Judged, Markers, Verdicts};
use crate::scan::{Content, Progress, Worker, window};
use crate::source::git;
use keysieve_engine::candidate::Candidate;
use keysieve_engine::content::Stream;
use keysieve_engine::path_facts::PathFacts;
use keysieve_engine::{Detector, Scratch};

/// Path of what stands in a commit's or a tag's message.
pub const MESSAGE: &str = "(commit message)";
/// Path of what stands in the rest of a commit or tag: names, addresses, further headers.
pub const HEADER: &str = "(commit header)";
/// Path of what no tree leads to.
pub const NOWHERE: &str = "(no path)";

/// What of a history to report.
#[derive(Debug, Default)]
pub struct Options {
    /// Scans every version whole, as if nothing were shared.
    pub no_delta: bool,
    /// Leaves out what no ref leads to.
    pub exclude_unreachable: bool,
    /// Only what these refs lead to.
    pub branches: Vec<String>,
    /// Only secrets that came after this moment, in seconds since 1970, or after the commits that a revision leads to.
    pub since: Option<Since>,
    /// Only secrets that the newest so many commits brought in.
    pub max_commits: Option<usize>,
    /// Only these paths.
    pub paths: Vec<globset::GlobMatcher>,
    /// Files to leave out.
    pub exclude: Vec<globset::GlobMatcher>,
    /// Lowest confidence that counts.
    pub min_confidence: Option<Confidence>,
}

/// Where the part of a history that matters begins.
#[derive(Debug, Clone)]
pub enum Since {
    /// Seconds since 1970.
    Time(i64),
    /// A ref or an object id.
    Revision(String),
}

/// The result of a scan.
#[derive(Debug, Default)]
pub struct History {
    /// One finding for each secret and rule, and what was read.
    pub found: Outcome,
    /// Refs whose history was read: the heads of linked work trees and `HEAD` are some.
    pub refs: u64,
    /// Bytes of objects that were scanned; the others are copies.
    pub scanned: u64,
}

/// Scans the history of `repository` and of the submodules inside it.
pub fn scan(
    repository: &Repository,
    options: &Options,
    detector: &Detector,
    progress: &Progress,
) -> Result<History, RevisionError> {
    let mut history = scan_one(repository, "", options, detector, progress)?;
    let mut problems = Vec::new();
    let submodules = repository.submodules(&mut problems);
    history.found.summary.gaps.extend(problems.into_iter().map(Gap::from));
    for (name, submodule) in submodules {
        // Its refs are its own: a name that is no ref of the outer repository was refused above.
        let own = Options {
            branches: Vec::new(),
            since: options.since.clone().filter(|since| matches!(since, Since::Time(_))),
            paths: options.paths.clone(),
            exclude: options.exclude.clone(),
            ..*options
        };
        let part = scan_one(&submodule, &format!("{}/", shown(&name)), &own, detector, progress)?;
        history.found.join(part.found);
        history.refs += part.refs;
        history.scanned += part.scanned;
    }
    Ok(history)
}

fn scan_one(
    repository: &Repository,
    prefix: &str,
    options: &Options,
    detector: &Detector,
    progress: &Progress,
) -> Result<History, RevisionError> {
    let mut problems = Vec::new();
    let limits = git::limits(&progress.limits);
    let store = Store::open(&repository.objects(), &Reading::of(repository, limits), &mut problems);
    let mut refs = Refs::read(repository.git_folder(), repository.common_folder());
    problems.append(&mut refs.problems);
    let mut gaps: Vec<Gap> = problems.into_iter().map(Gap::from).collect();
    let mut since = None;
    let revision = match &options.since {
        Some(Since::Revision(name)) => Some(name),
        _ => None,
    };
    if !options.branches.is_empty() || revision.is_some() {
        let objects = Objects::open(repository, limits, &mut Vec::new());
        let revisions = Revisions { repository, objects: &objects, refs: &refs };
        since = revision.map(|name| revisions.commit(name)).transpose()?;
        let named = options.branches.iter().map(|name| Ok((name.clone(), revisions.object(name)?)));
        let tips = named.collect::<Result<_, RevisionError>>()?;
        gaps.extend(options.branches.iter().chain(revision).filter_map(|name| git::ambiguity_gap(&revisions, name)));
        if !options.branches.is_empty() {
            refs.tips = tips;
        }
    }
    progress.expect_files(store.len());
    let forests: Vec<Forest> = store.packs.par_iter().map(Forest::of).collect();
    let mut found = walk::scan(&store, &forests, detector, progress, !options.no_delta);
    gaps.append(&mut found.gaps);
    // What could not be read is looked for in trees as well, so that it can be told by its paths.
    let unread = places::objects(&gaps);
    let read_trees = |found: &Found, names: &WantedNames| {
        let wanted = match unread.is_empty() {
            true => Cow::Borrowed(&found.blobs),
            false => {
                let unread = unread.iter().map(|(oid, ids)| (*oid, ids.clone()));
                Cow::Owned(unread.chain(found.blobs.iter().map(|(oid, ids)| (*oid, ids.clone()))).collect())
            }
        };
        walk::trees(&store, &forests, &wanted, names, detector, progress)
    };
    let none = WantedNames::new();
    let (mut trees, graph) =
        rayon::join(|| read_trees(&found, &none), || Graph::of(&found.commits, &found.tags, &refs));
    gaps.append(&mut trees.gaps);
    let names = found.add_names(&mut trees, &store);
    if !names.is_empty() {
        // Now that it is known which names hold something, all trees that have them count.
        trees = read_trees(&found, &names);
    }
    if let Some(why) = progress.stopped() {
        gaps.push(Gap::about(GapCode::Interrupted, "history", why));
    }
    gaps.extend(missing::gaps(&store, &found, &trees, &graph, &refs));
    if !refs.shallow.is_empty() {
        let cut = refs.shallow.iter().map(|oid| oid.to_string()[..12].to_owned()).collect::<Vec<_>>();
        let listed = cut[..cut.len().min(5)].join(", ");
        let reason = format!(
            "history is cut at {} commits ({listed}{}; a shallow clone); `git fetch --unshallow` brings the rest",
            cut.len(),
            if cut.len() > 5 { ", …" } else { "" },
        );
        gaps.push(Gap::about(GapCode::ShallowClone, "history", reason));
    }
    gaps.sort();
    gaps.dedup();
    let mut reporter = Reporter::new(detector, &store, &found, progress);
    let verdicts = Verdicts { detector, markers: Markers::Heeded };
    let mut suppressed = SuppressedOnce::default();
    let mut excluded: BTreeSet<String> = BTreeSet::new();
    let is_of_an_excluded = |path: &str| options.exclude.iter().any(|glob| glob.is_match(inside::outer(path)));
    let mut facts: HashMap<String, PathFacts> = HashMap::new();
    let least = options.min_confidence.unwrap_or(Confidence::Low);
    let attribution = attribute::attribute(&store, &found, &trees, graph, &refs, progress, &mut |variant, path| {
        if !options.paths.is_empty() && !options.paths.iter().any(|glob| glob.is_match(path)) {
            return false;
        }
        if is_of_an_excluded(path) {
            excluded.insert(inside::outer(path).to_owned());
            return false;
        }
        let facts = facts.entry(path.to_owned()).or_insert_with(|| PathFacts::of(path));
        let variant = &found.secrets.list[variant as usize];
        let mut judged = Judged::default();
        verdicts.judge(Candidate::clone(&variant.candidate), path, path, facts, &mut judged);
        if let Some(finding) = judged.findings.first()
            && finding.confidence < least
        {
            judged.suppressed.push(Suppressed::unsure(finding));
        }
        suppressed.add(variant.secret, prefix, judged.suppressed, judged.allowed);
        judged.findings.iter().any(|finding| finding.confidence >= least)
    });
    gaps.extend(attribution.gaps.iter().cloned());
    let mut gaps = places::name(
        gaps,
        &places::Stored { store: &store, trees: &trees, commits: &attribution.commits, prefix },
        &options.paths,
    );
    gaps.retain(|gap| {
        let path = gap.file().and_then(|path| path.strip_prefix(prefix));
        let left_out = path.filter(|path| is_of_an_excluded(path));
        excluded.extend(left_out.map(|path| inside::outer(path).to_owned()));
        left_out.is_none()
    });
    let filter = Filter::new(options, since, &attribution);
    let mut findings = reporter.in_files(&attribution, &filter, prefix, &mut gaps);
    if options.paths.is_empty() {
        findings.extend(reporter.in_messages(&attribution, &filter, prefix, &mut gaps));
        findings.extend(reporter.in_ref_names(&refs, prefix, &mut gaps));
        if filter.unreachable {
            findings.extend(reporter.nowhere(&attribution, prefix, &mut gaps));
        }
    }
    findings.retain(|finding| finding.confidence >= least);
    let Reporter { suppressed: of_reporter, .. } = reporter;
    suppressed.join(of_reporter);
    let mut summary = Summary {
        commits: Some(attribution.commits.len() as u64),
        objects: Some(found.objects),
        bytes: found.work.expanded,
        excluded: excluded.len() as u64,
        gaps,
        ..Summary::default()
    };
    let (suppressed, secrets) = suppressed.into_parts(&mut summary);
    Ok(History {
        found: Outcome { findings, suppressed, secrets, summary },
        refs: refs.tips.len() as u64,
        scanned: found.work.scanned,
    })
}

/// Which commits' secrets are reported.
struct Filter {
    since: i64,
    /// Commits that a revision leads to, whose secrets are old.
    old: Vec<bool>,
    /// First of the newest commits.
    first: usize,
    unreachable: bool,
}

impl Filter {
    fn new(options: &Options, since: Option<Oid>, attribution: &Attribution) -> Self {
        let commits = &attribution.commits;
        let time = match options.since {
            Some(Since::Time(time)) => time,
            _ => i64::MIN,
        };
        let index: OidMap<u32> = commits.iter().enumerate().map(|(at, commit)| (commit.oid, at as u32)).collect();
        let tip = since.and_then(|oid| index.get(&oid).copied());
        let reached = attribution.reachable.iter().filter(|reached| **reached).count();
        let newest = options.max_commits.map_or(usize::MAX, |most| most);
        let mut skip = reached.saturating_sub(newest);
        let first = attribution.reachable.iter().position(|reached| {
            let is_first = skip == 0;
            skip -= usize::from(*reached && skip > 0);
            is_first
        });
        let whole = options.branches.is_empty() && options.max_commits.is_none() && options.since.is_none();
        Self {
            since: time,
            old: graph::reachable(commits, &index, tip.into_iter()),
            first: first.unwrap_or(0),
            unreachable: whole && !options.exclude_unreachable,
        }
    }

    fn lets(&self, attribution: &Attribution, at: u32) -> bool {
        let at = at as usize;
        attribution.commits[at].time >= self.since
            && !self.old[at]
            && at >= self.first
            && (self.unreachable || attribution.reachable[at])
    }
}

const NOT_READ_AGAIN: &str =
    "a credential was found in it and could not be read again; `git fsck` tells what is damaged";
/// Most versions that are read again to make a finding of a secret.
const MOST_VERSIONS: usize = 16;
/// Most folders that are looked into for one path.
const MOST_STEPS: usize = 4096;

/// Makes findings of secrets: reads the version that brought one in once more, as the working tree would be read.
struct Reporter<'a> {
    detector: &'a Detector,
    store: &'a Store,
    found: &'a Found,
    progress: &'a Progress,
    /// For each secret the first of its variants.
    first_variant: HashMap<SecretId, usize>,
    scratch: Scratch,
    /// What stands in messages, in names of refs or at no path, and is no finding.
    suppressed: SuppressedOnce,
}

impl<'a> Reporter<'a> {
    fn new(detector: &'a Detector, store: &'a Store, found: &'a Found, progress: &'a Progress) -> Self {
        let variants = found.secrets.list.iter().enumerate().rev();
        let first_variant = variants.map(|(at, variant)| (variant.secret, at)).collect();
        Self {
            detector,
            store,
            found,
            progress,
            first_variant,
            scratch: Scratch::default(),
            suppressed: SuppressedOnce::default(),
        }
    }

    fn in_files(
        &mut self,
        attribution: &Attribution,
        filter: &Filter,
        prefix: &str,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Finding> {
        let mut lives: Vec<_> = attribution.lives.iter().collect();
        lives.sort_by_key(|(secret, _)| **secret);
        let mut findings = Vec::new();
        // Secrets of one version are read off it together.
        let mut read: OidMap<Vec<(String, Vec<Candidate>)>> = OidMap::default();
        for (&secret, provenance) in lives {
            let Some((at, path)) = provenance.introduced.filter(|(at, _)| filter.lets(attribution, *at)) else {
                continue;
            };
            let path = &attribution.paths[path as usize];
            let outer = inside::outer(path);
            let tree = &attribution.commits[at as usize].tree;
            let mut objects: Vec<_> = self.objects_at(tree, outer).into_iter().map(|oid| (oid, false)).collect();
            // The folder whose names hold it.
            match outer.strip_suffix(FILE_NAME).map(|it| it.trim_end_matches('/')) {
                Some("") => objects.push((*tree, true)),
                Some(folder) => objects.extend(self.objects_at(tree, folder).into_iter().map(|oid| (oid, true))),
                None => {}
            }
            let mut picked = self.read_again(&objects, outer, secret, path, &mut read);
            if picked.is_none() {
                // Made-up names can hide which of the versions stands there; each of them has it.
                let versions = self.versions(secret);
                picked = self.read_again(&versions, outer, secret, path, &mut read);
            }
            let Some((object, mut finding)) = picked else {
                gaps.push(Gap::new(GapCode::Failed, format!("{prefix}{path}"), NOT_READ_AGAIN));
                continue;
            };
            finding.path = format!("{prefix}{path}");
            let mut paths: Vec<String> =
                provenance.paths.iter().map(|path| format!("{prefix}{}", attribution.paths[*path as usize])).collect();
            paths.sort();
            finding.provenance = Some(Box::new(Provenance {
                object: Some(object.to_string()),
                introduced: self.note(&attribution.commits[at as usize].oid),
                removed: match provenance.refs.is_empty() {
                    true => provenance.removed.and_then(|at| self.note(&attribution.commits[at as usize].oid)),
                    false => None,
                },
                refs: provenance.refs.clone(),
                refs_total: provenance.refs_total,
                versions: provenance.versions,
                paths,
                reachable: provenance.is_reachable,
            }));
            findings.push(finding);
        }
        findings
    }

    fn in_messages(
        &mut self,
        attribution: &Attribution,
        filter: &Filter,
        prefix: &str,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Finding> {
        let index: OidMap<u32> =
            attribution.commits.iter().enumerate().map(|(at, commit)| (commit.oid, at as u32)).collect();
        let mut first: HashMap<SecretId, (u32, Oid, u32)> = HashMap::new();
        for (oid, variants) in &self.found.messages {
            // A tag's message counts as that of the commit it points to.
            let commit = self.found.tags.get(oid).unwrap_or(oid);
            let at = index.get(commit).copied().unwrap_or(u32::MAX);
            for secret in self.secrets(variants) {
                let known = first.entry(secret).or_insert((at, *oid, 0));
                known.2 += 1;
                if (at, *oid) < (known.0, known.1) {
                    (known.0, known.1) = (at, *oid);
                }
            }
        }
        let mut first: Vec<_> = first.into_iter().collect();
        first.sort_unstable();
        let mut findings = Vec::new();
        for (secret, (at, oid, versions)) in first {
            let is_known = (at as usize) < attribution.commits.len();
            if is_known && !filter.lets(attribution, at) || !is_known && !filter.unreachable {
                continue;
            }
            let contents = self.scan_text(&oid);
            let picked = contents
                .iter()
                .find_map(|(place, found)| Some((place, self.pick_or_suppress(found, secret, place, prefix)?)));
            let Some((place, mut finding)) = picked else {
                gaps.extend(self.unread(&oid, contents.iter().flat_map(|it| &it.1), secret));
                continue;
            };
            finding.path = format!("{prefix}{place}");
            finding.provenance = Some(Box::new(Provenance {
                object: Some(oid.to_string()),
                introduced: self.note(self.found.tags.get(&oid).unwrap_or(&oid)),
                versions,
                paths: vec![finding.path.clone()],
                reachable: is_known && attribution.reachable[at as usize],
                ..Provenance::default()
            }));
            findings.push(finding);
        }
        findings
    }

    /// Secrets in the names of branches and tags.
    fn in_ref_names(&mut self, refs: &Refs, prefix: &str, gaps: &mut Vec<Gap>) -> Vec<Finding> {
        let mut names = Names::default();
        refs.tips.keys().for_each(|name| names.push(name.as_bytes()));
        let mut worker = Worker::with(std::mem::take(&mut self.scratch));
        let (named, gap) = names.scan("ref names", self.detector, &mut worker, &Task::new(self.progress));
        self.scratch = worker.scratch;
        gaps.extend(gap);
        let facts = PathFacts::of(REF_NAME);
        let verdicts = Verdicts { detector: self.detector, markers: Markers::Heeded };
        let mut findings: Vec<Finding> = Vec::new();
        for named in named {
            let mut judged = Judged::default();
            verdicts.judge(named.candidate, REF_NAME, REF_NAME, &facts, &mut judged);
            let Some(mut finding) = judged.findings.pop() else { continue };
            let name = String::from_utf8_lossy(names.get(named.index)).into_owned();
            let is_same = |it: &&mut Finding| it.rule == finding.rule && it.secret == finding.secret;
            if let Some(provenance) = findings.iter_mut().find(is_same).and_then(|it| it.provenance.as_mut()) {
                provenance.refs.push(name);
                provenance.refs_total += 1;
                continue;
            }
            finding.path = format!("{prefix}{REF_NAME}");
            finding.provenance = Some(Box::new(Provenance {
                object: refs.tips.get(&name).map(Oid::to_string),
                refs: vec![name],
                refs_total: 1,
                versions: 1,
                paths: vec![finding.path.clone()],
                reachable: true,
                ..Provenance::default()
            }));
            findings.push(finding);
        }
        findings
    }

    /// Secrets of blobs that no commit's tree leads to.
    fn nowhere(&mut self, attribution: &Attribution, prefix: &str, gaps: &mut Vec<Gap>) -> Vec<Finding> {
        let mut versions: HashMap<SecretId, (Oid, u32)> = HashMap::new();
        let names = self.found.names.iter().map(|(_, tree, variants)| (tree, variants));
        for (oid, variants) in self.found.blobs.iter().chain(names) {
            // What a commit leads to has a path, at which its secret was found to be none.
            let is_judged = attribution.blobs_with_paths.contains(oid);
            let left: Vec<VariantId> =
                variants.iter().filter(|it| !(is_judged && attribution.judged.contains(it))).copied().collect();
            for secret in self.secrets(&left).filter(|secret| !attribution.lives.contains_key(secret)) {
                let known = versions.entry(secret).or_insert((*oid, 0));
                known.0 = known.0.min(*oid);
                known.1 += 1;
            }
        }
        let mut versions: Vec<_> = versions.into_iter().collect();
        versions.sort_unstable();
        let mut findings = Vec::new();
        for (secret, (oid, count)) in versions {
            let is_tree = self.found.names.iter().any(|(_, tree, _)| *tree == oid);
            let contents = if is_tree { self.scan_names(&oid) } else { self.scan(&oid) };
            let picked = contents.iter().find_map(|(_, found)| self.pick_or_suppress(found, secret, NOWHERE, prefix));
            let Some(mut finding) = picked else {
                gaps.extend(self.unread(&oid, contents.iter().flat_map(|it| &it.1), secret));
                continue;
            };
            finding.path = format!("{prefix}{NOWHERE}");
            finding.provenance = Some(Box::new(Provenance {
                object: Some(oid.to_string()),
                versions: count,
                paths: vec![finding.path.clone()],
                ..Provenance::default()
            }));
            findings.push(finding);
        }
        findings
    }

    fn secrets<'b>(&'b self, variants: &'b [VariantId]) -> impl Iterator<Item = SecretId> + 'b {
        let mut secrets: Vec<SecretId> =
            variants.iter().map(|variant| self.found.secrets.list[*variant as usize].secret).collect();
        secrets.sort_unstable();
        secrets.dedup();
        secrets.into_iter()
    }

    /// The candidates in the message and the header of a commit or tag, with the places they go by.
    fn scan_text(&mut self, oid: &Oid) -> Vec<(&'static str, Vec<Candidate>)> {
        let Ok(Some((_, bytes))) = self.store.read(oid) else { return Vec::new() };
        let texts = [(MESSAGE, commit::message(&bytes)), (HEADER, commit::header_text(&bytes))];
        texts.into_iter().map(|(place, text)| (place, self.scan_window(text))).collect()
    }

    /// The candidates in the names of a tree's entries.
    fn scan_names(&mut self, oid: &Oid) -> Vec<(String, Vec<Candidate>)> {
        let Ok(Some((_, bytes))) = self.store.read(oid) else { return Vec::new() };
        let mut names = Names::default();
        tree_entries::read(&bytes, self.store.hash).0.iter().for_each(|entry| names.push(entry.name));
        let mut worker = Worker::with(std::mem::take(&mut self.scratch));
        let (named, _) = names.scan("file names", self.detector, &mut worker, &Task::new(self.progress));
        self.scratch = worker.scratch;
        vec![(String::new(), named.into_iter().map(|named| named.candidate).collect())]
    }

    fn scan_window(&mut self, text: &[u8]) -> Vec<Candidate> {
        let mut worker = Worker::with(std::mem::take(&mut self.scratch));
        let (size, task) = (text.len() as u64, Task::new(self.progress));
        let reading = window::scan(&mut &text[..], size, self.detector, &mut worker, &task);
        self.scratch = worker.scratch;
        reading.candidates
    }

    /// The candidates of one blob, read as a whole; those of a container with the paths inside of it.
    fn scan(&mut self, oid: &Oid) -> Vec<(String, Vec<Candidate>)> {
        let Ok(Some((_, bytes))) = self.store.read(oid) else { return Vec::new() };
        let task = Task::new(self.progress);
        let mut worker = Worker::with(std::mem::take(&mut self.scratch));
        let (detector, identity, name) = (self.detector, String::new, walk::name_of(oid));
        let scan = Scan { path: &name, identity: &identity, detector, worker: &mut worker, task: &task };
        let contents = scan.bytes(&bytes).contents;
        self.scratch = worker.scratch;
        contents.into_iter().map(|content| (walk::inner_of(&content.identity, oid), content.candidates)).collect()
    }

    /// What to say of an object in which `secret` was found, and which read again does not hold it: its id leads elsewhere.
    fn unread<'b>(
        &self,
        oid: &Oid,
        mut candidates: impl Iterator<Item = &'b Candidate>,
        secret: SecretId,
    ) -> Option<Gap> {
        let wanted = &self.found.secrets.list[*self.first_variant.get(&secret)?].candidate;
        let is_there = candidates.any(|it| it.rule == wanted.rule && it.secret.expose() == wanted.secret.expose());
        (!is_there).then(|| Gap::new(GapCode::Damaged, format!("object {oid}"), NOT_READ_AGAIN))
    }

    /// What the verdicts make of `secret` among `candidates`.
    fn judged(&self, candidates: &[Candidate], secret: SecretId, path: &str) -> Judged {
        let mut judged = Judged::default();
        let Some(first) = self.first_variant.get(&secret) else { return judged };
        let wanted = &self.found.secrets.list[*first].candidate;
        let is_it = |it: &&Candidate| it.rule == wanted.rule && it.secret.expose() == wanted.secret.expose();
        let content = Content {
            path: path.to_owned(),
            identity: path.to_owned(),
            candidates: candidates.iter().filter(is_it).cloned().collect(),
        };
        Verdicts { detector: self.detector, markers: Markers::Heeded }.of_content(content, &mut judged);
        judged
    }

    /// The finding of `secret` among `candidates`: where it stands several times, the surest.
    fn pick(&self, candidates: &[Candidate], secret: SecretId, path: &str) -> Option<Finding> {
        let findings = self.judged(candidates, secret, path).findings.into_iter();
        findings.reduce(|best, finding| if finding.confidence > best.confidence { finding } else { best })
    }

    /// The same of what has no path, such as a message; what is no finding is suppressed.
    fn pick_or_suppress(
        &mut self,
        candidates: &[Candidate],
        secret: SecretId,
        path: &str,
        prefix: &str,
    ) -> Option<Finding> {
        let picked = self.pick(candidates, secret, path);
        if picked.is_none() {
            let Judged { suppressed, allowed, .. } = self.judged(candidates, secret, path);
            self.suppressed.add(secret, prefix, suppressed, allowed);
        }
        picked
    }

    /// The finding of `secret` in the first of these objects that has it, preferably in the content at `path`, which is in
    /// `outer`. With each object stands whether it is a folder, whose names are looked at.
    fn read_again(
        &mut self,
        objects: &[(Oid, bool)],
        outer: &str,
        secret: SecretId,
        path: &str,
        read: &mut OidMap<Vec<(String, Vec<Candidate>)>>,
    ) -> Option<(Oid, Finding)> {
        objects.iter().find_map(|&(object, is_name)| {
            let scan = || if is_name { self.scan_names(&object) } else { self.scan(&object) };
            let contents = read.entry(object).or_insert_with(scan);
            let (named, others): (Vec<_>, Vec<_>) =
                contents.iter().partition(|(inner, _)| walk::path_inside(outer, inner) == path);
            let mut contents = named.into_iter().chain(others);
            contents.find_map(|(_, candidates)| self.pick(candidates, secret, path)).map(|finding| (object, finding))
        })
    }

    /// Some objects that hold `secret`, and whether they are folders.
    fn versions(&self, secret: SecretId) -> Vec<(Oid, bool)> {
        let holds =
            |variants: &[VariantId]| variants.iter().any(|it| self.found.secrets.list[*it as usize].secret == secret);
        let blobs = self.found.blobs.iter().filter(|(_, variants)| holds(variants)).map(|(oid, _)| (*oid, false));
        let names = self.found.names.iter().filter(|(_, _, variants)| holds(variants)).map(|(_, oid, _)| (*oid, true));
        let mut versions: Vec<_> = blobs.chain(names).collect();
        versions.sort_unstable();
        versions.truncate(MOST_VERSIONS);
        versions
    }

    /// What stands at `path` below `tree`: in a made-up tree several things can, and a name can hold a slash.
    fn objects_at(&self, tree: &Oid, path: &str) -> Vec<Oid> {
        let mut found = Vec::new();
        let mut todo = vec![(*tree, path)];
        let mut steps = 0;
        while let Some((tree, path)) = todo.pop() {
            steps += 1;
            let Ok(Some((_, bytes))) = self.store.read(&tree) else { continue };
            for entry in tree_entries::read(&bytes, tree.as_bytes().len()).0 {
                match path.strip_prefix(decode::shown(entry.name).as_str()) {
                    Some("") => found.push(entry.oid),
                    Some(rest) if steps < MOST_STEPS => {
                        todo.extend(rest.strip_prefix('/').map(|rest| (entry.oid, rest)));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    fn note(&mut self, oid: &Oid) -> Option<CommitNote> {
        let (_, bytes) = self.store.read(oid).ok()??;
        note(oid, &bytes, self.detector, &mut self.scratch)
    }
}

/// The commit `oid` with these bytes as a person would name it, without secrets.
pub fn note(oid: &Oid, bytes: &[u8], detector: &Detector, scratch: &mut Scratch) -> Option<CommitNote> {
    let head = &bytes[..bytes.len() - commit::message(bytes).len()];
    let line = head.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"author "))?;
    let author = &line[7..memchr::memrchr(b'>', line).map_or(line.len(), |at| at + 1)];
    let date = commit::seconds(line).and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let message = commit::message(bytes);
    let subject = message.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(CommitNote {
        id: oid.to_string(),
        author: text(mask(detector, scratch, author).as_slice()),
        date: date.map(|date| date.to_string()).unwrap_or_default(),
        subject: text(mask(detector, scratch, subject).as_slice()),
    })
}

/// A line of a commit without its secrets.
fn mask(detector: &Detector, scratch: &mut Scratch, line: &[u8]) -> Vec<u8> {
    let mut stream = Stream::new();
    stream.feed(detector, scratch, line, 0..line.len());
    let mut masked = line.to_vec();
    for candidate in stream.finish(detector) {
        let span = candidate.span.start as usize..candidate.span.end as usize;
        masked[span].fill(b'*');
    }
    masked
}
