//! The whole history of a repository: every object once, every line once.
//!
//! `keysieve_git` opens packs and loose objects, its forest orders a pack by its delta trees, [`walk`] expands every object
//! once and scans what is new in it ([`lines`]), [`attribute`] joins what was found with trees and commits. Content comes
//! first and paths later: a blob's candidates are known before its path is, and a verdict falls for each path it had.
//!
//! No git process is started and no filter or hook runs; packs, refs and reflogs are read as files. git2 finds the
//! repository and says whether its owner is trusted.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

pub mod attribute;
mod filter;
pub mod lines;
mod missing;
pub mod note;
mod places;
mod recent;
mod reporter;
pub mod secrets;
mod sets;
mod suppressed;
pub mod trees;
pub mod walk;

use filter::Filter;
use keysieve_git::Repository;
use keysieve_git::forest::Forest;
use keysieve_git::graph::Graph;
use keysieve_git::objects::Objects;
use keysieve_git::refs::Refs;
use keysieve_git::revision::{RevisionError, Revisions};
use keysieve_git::store::{Reading, Store};
use rayon::prelude::*;
use reporter::Reporter;
use suppressed::SuppressedOnce;
use trees::WantedNames;
use walk::Found;

use crate::file::shown;
use crate::finding::Confidence;
use crate::gap::{Gap, GapCode};
use crate::inside;
use crate::outcome::{Outcome, Summary, Suppressed};
use crate::scan::Progress;
use crate::scan::verdicts::{Judged, Markers, Verdicts};
use crate::source::git;
use keysieve_engine::Detector;
use keysieve_engine::candidate::Candidate;
use keysieve_engine::path_facts::PathFacts;

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
        trees::trees(&store, &forests, &wanted, names, detector, progress)
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
