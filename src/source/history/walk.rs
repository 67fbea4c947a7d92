//! All objects once: blobs and messages are scanned, commits and tags read, and, once it is known which blobs hold
//! something, trees are followed down to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use keysieve_git::commit::{self, Commit};
use keysieve_git::delta::Run;
use keysieve_git::error::ObjectError;
use keysieve_git::forest::{Buffers, DeltaTree, Derived, Forest, visit};
use keysieve_git::limits::Limits;
use keysieve_git::oid::{Oid, OidMap};
use keysieve_git::pack::{Kind, Pack};
use keysieve_git::store::{Store, read_loose};
use keysieve_git::tree_entries::{self, Mode};

use super::HEADER;
use super::lines::{self, Scanned, Work};
use super::recent::{Recent, Slot};
use crate::decode::compressed::stem;
use crate::finding::{Confidence, Secret, Severity};
use crate::gap::{Gap, GapCode};
use crate::scan::content::{self, Scan};
use crate::scan::limits::Task;
use crate::scan::names::{FILE_NAME, Names};
use crate::scan::{Progress, Stop, Worker, guarded};
use crate::source::git::object_gap;
use keysieve_engine::candidate::{Candidate, Judge, RuleIndex};
use keysieve_engine::rules::rule::{Class, Rule};
use keysieve_engine::{Detector, Scratch, resolve};

/// Number of a secret: one rule and one text, wherever it stands.
pub type SecretId = u32;

/// Number of a [`Variant`].
pub type VariantId = u32;

/// A secret with what its bytes bear that a verdict goes by. The same secret can stand in quotes here and bare there, so
/// no single place speaks for all.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Which secret.
    pub secret: SecretId,
    /// One of the candidates that are like this; they differ only in what no verdict goes by.
    pub candidate: Arc<Candidate>,
    /// Where it stands inside of a container, to be put behind the blob's path: `!/conf/a.yml`.
    pub inner: Option<Arc<str>>,
}

/// Stands in [`Variant::inner`] for the blob's name without its ending, by which goes what is compressed in it.
const STEM: &str = "\0";

/// The name that an object goes by before its path is known.
pub fn name_of(oid: &Oid) -> String {
    format!("object {oid}")
}

/// Where a content stands inside of an object, from what is put behind its name.
pub fn inner_of(identity: &str, oid: &Oid) -> String {
    match identity.strip_prefix(&format!("!/{}", name_of(oid))) {
        Some(rest) => format!("!/{STEM}{rest}"),
        None => identity.to_owned(),
    }
}

/// The path of what stands at `inner` in the blob at `path`.
pub fn path_inside(path: &str, inner: &str) -> String {
    match inner.strip_prefix(&format!("!/{STEM}")) {
        Some(rest) => format!("{path}!/{}{rest}", stem(path)),
        None => format!("{path}{inner}"),
    }
}

/// Everything that a walk over all objects found.
#[derive(Debug, Default)]
pub struct Found {
    /// The secrets, and their variants.
    pub secrets: Secrets,
    /// Blobs with what they hold.
    pub blobs: OidMap<Arc<[VariantId]>>,
    /// Trees with what the names in them hold, and a number for each that no object has.
    pub names: Vec<(u32, Oid, Arc<[VariantId]>)>,
    /// Commits and tags with what their messages hold.
    pub messages: OidMap<Arc<[VariantId]>>,
    /// All commits.
    pub commits: Vec<Commit>,
    /// What annotated tags point to.
    pub tags: OidMap<Oid>,
    /// Objects walked, and their bytes.
    pub objects: u64,
    /// Bytes expanded and scanned.
    pub work: Work,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// What the threads add to.
struct Shared<'a> {
    detector: &'a Detector,
    limits: Limits,
    progress: &'a Progress,
    delta: bool,
    secrets: Mutex<Secrets>,
    found: Mutex<Found>,
}

/// The secrets that were found, each with its variants.
#[derive(Debug, Default)]
pub struct Secrets {
    known: HashMap<(RuleIndex, Secret), SecretId>,
    variants: HashMap<(SecretId, Option<Arc<str>>, Facts), VariantId>,
    /// The variants by number.
    pub list: Vec<Variant>,
    /// How many of them no judge dropped.
    found: usize,
}

/// What a verdict goes by, of a candidate and of those that take its place where its rule is not for the path.
type Facts = Vec<(RuleIndex, Confidence, Severity, Option<i32>, bool, bool, Option<bool>, Option<Judge>)>;

fn facts(candidate: &Candidate) -> Facts {
    std::iter::successors(Some(candidate), |it| it.otherwise.as_deref())
        .map(|it| {
            let dropped = it.dropped.as_ref().map(|dropped| dropped.judge);
            (it.rule, it.confidence, it.severity, it.score, it.harmless, it.proven, it.quoted, dropped)
        })
        .collect()
}

/// What one thread found.
#[derive(Default)]
struct Local {
    buffers: Buffers,
    scratch: Scratch,
    found: Found,
    /// Authors and committers whose names and addresses hold nothing.
    people: Recent<()>,
}

/// Scans every blob, commit and tag of `store`. `delta` says whether what versions share is scanned once only.
pub fn scan(store: &Store, forests: &[Forest], detector: &Detector, progress: &Progress, delta: bool) -> Found {
    let shared = Shared {
        detector,
        limits: store.limits,
        progress,
        delta,
        secrets: Mutex::default(),
        found: Mutex::new(Found::default()),
    };
    for (pack, forest) in store.packs.iter().zip(forests) {
        let workers: Mutex<Vec<Local>> = Mutex::default();
        let with_worker = |work: &mut dyn FnMut(&mut Local)| {
            let mut local = lock(&workers).pop().unwrap_or_default();
            work(&mut local);
            lock(&workers).push(local);
        };
        let roots: Vec<_> = forest.roots.iter().filter(|(_, kind)| *kind != Kind::Tree).collect();
        roots.par_iter().with_max_len(1).for_each(|(root, kind)| {
            with_worker(&mut |local| scan_tree(&shared, pack, forest, *root, *kind, None, local));
        });
        for (entry, base) in &forest.external {
            match store.read(base) {
                Ok(Some((Kind::Tree, _))) => {}
                Ok(Some((kind, bytes))) => with_worker(&mut |local| {
                    scan_tree(&shared, pack, forest, *entry, kind, Some(&bytes), local);
                }),
                Ok(None) => lock(&shared.found).gaps.push(object_gap(pack.oid(*entry), &ObjectError::NoBase)),
                Err(error) => lock(&shared.found).gaps.push(object_gap(*base, &error)),
            }
        }
        let mut found = lock(&shared.found);
        for (entry, error) in &forest.broken {
            found.gaps.push(object_gap(pack.oid(*entry), error));
        }
        for entry in forest.unreached(pack.len()) {
            found.gaps.push(object_gap(pack.oid(entry), &ObjectError::TooDeep));
        }
        for local in lock(&workers).drain(..) {
            found.merge(local.found);
        }
    }
    let loose: Vec<Found> = store
        .loose
        .par_chunks(256)
        .map(|objects| {
            let mut local = Local::default();
            for (oid, path) in objects {
                if progress.is_stopped() {
                    break;
                }
                let task = Task::new(progress);
                match read_loose(path, store.limits.object) {
                    Ok((kind, bytes)) => {
                        if let Err(reached) = task.hold(bytes.len() as u64) {
                            local.found.gaps.push(object_gap(*oid, &reached));
                            continue;
                        }
                        if Oid::of(kind, &bytes, store.hash) != *oid {
                            local.found.gaps.push(object_gap(*oid, &ObjectError::OtherId));
                        }
                        look_at(
                            &shared,
                            &Object { oid: *oid, kind, bytes: &bytes, task: &task },
                            None,
                            None,
                            &mut local,
                        );
                    }
                    Err(error) => local.found.gaps.push(object_gap(*oid, &error)),
                }
            }
            local.found
        })
        .collect();
    let mut found = shared.found.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    loose.into_iter().for_each(|part| found.merge(part));
    found.secrets = shared.secrets.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    found.gaps.sort();
    found.gaps.dedup();
    found
}

impl Found {
    fn merge(&mut self, other: Self) {
        self.blobs.extend(other.blobs);
        self.messages.extend(other.messages);
        self.commits.extend(other.commits);
        self.tags.extend(other.tags);
        self.objects += other.objects;
        self.work.expanded += other.work.expanded;
        self.work.scanned += other.work.scanned;
        self.gaps.extend(other.gaps);
    }
}

impl Found {
    /// Files what stands in the names of trees, and says which names these are. They are attributed like contents once
    /// [`trees`] has read which trees have them.
    pub fn add_names(&mut self, trees: &mut Trees, store: &Store) -> WantedNames {
        let mut in_names = std::mem::take(&mut trees.in_names);
        in_names.sort_by(|a, b| (&a.name, a.tree, a.candidate.order()).cmp(&(&b.name, b.tree, b.candidate.order())));
        let mut wanted = WantedNames::new();
        for of_name in in_names.chunk_by(|a, b| a.name == b.name) {
            let first = &of_name[0];
            let candidates = of_name.iter().filter(|it| it.tree == first.tree).map(|it| it.candidate.clone());
            let ids = self.secrets.ids(candidates.collect(), None);
            if let (Some(ids), Some(oid)) = (distinct(ids), store.oid(first.tree)) {
                let number = (store.len() + self.names.len()) as u32;
                wanted.insert(first.name.clone(), number);
                self.names.push((number, oid, ids));
            }
        }
        wanted
    }
}

/// What a version's children need of it.
struct Version {
    scanned: Scanned,
    secrets: Option<Arc<[VariantId]>>,
}

fn scan_tree(
    shared: &Shared<'_>,
    pack: &Pack,
    forest: &Forest,
    root: u32,
    kind: Kind,
    base: Option<&[u8]>,
    local: &mut Local,
) {
    if shared.progress.is_stopped() {
        return;
    }
    let mut buffers = std::mem::take(&mut local.buffers);
    let mut gaps = Vec::new();
    let task = Task::new(shared.progress);
    visit::<Version>(
        &DeltaTree { pack, forest, root, base, limits: shared.limits },
        &task,
        &mut buffers,
        |entry, bytes, derived| {
            let object = Object { oid: pack.oid(entry), kind, bytes, task: &task };
            let base_secrets = derived.as_ref().and_then(|derived| derived.state.secrets.clone());
            let derived = derived.map(|derived| Derived {
                state: &derived.state.scanned,
                base_size: derived.base_size,
                runs: derived.runs,
            });
            let version = look_at(shared, &object, derived, base_secrets, local);
            shared.progress.file_done();
            shared.progress.bytes_done(pack.packed_size(entry) as usize);
            (!shared.progress.is_stopped()).then_some(version)
        },
        |entry, error| gaps.push(object_gap(pack.oid(entry), &error)),
    );
    local.buffers = buffers;
    local.found.gaps.extend(gaps);
}

/// An object that has been expanded.
struct Object<'a, 't> {
    oid: Oid,
    kind: Kind,
    bytes: &'a [u8],
    task: &'a Task<'t>,
}

/// Objects above this many bytes are scanned in windows, like files: keywords of all of it at once would take more memory
/// than it does.
const LARGE: usize = 64 << 20;
/// Variants of secrets that are kept, as a multiple of the findings that are reported.
const VARIANTS: usize = 4;
/// Objects below this many bytes are done before a clock has moved.
const QUICK: usize = 64 << 10;

impl Object<'_, '_> {
    /// Whether it is scanned as files are, and not by what is new in it: what is large, what may have a line that is longer
    /// than `line`, and what is more than bytes.
    fn is_read_as_file(&self, line: u64) -> bool {
        let length = self.bytes.len();
        self.kind == Kind::Blob && (length > LARGE || length as u64 > line || content::is_more_than_bytes(self.bytes))
    }
}

/// Scans an object and files what was found; whatever goes wrong costs this object only.
fn look_at(
    shared: &Shared<'_>,
    object: &Object<'_, '_>,
    derived: Option<Derived<'_, Scanned>>,
    of_base: Option<Arc<[VariantId]>>,
    local: &mut Local,
) -> Version {
    local.found.objects += 1;
    if object.bytes.len() > QUICK || shared.progress.limits.findings_per_file < QUICK / 4 {
        object.task.next_object();
    }
    let looked = guarded(|| {
        let is_file = object.is_read_as_file(shared.progress.limits.line);
        let scanned = scan_object(shared, object, is_file, derived, local);
        if let Some(reached) = &scanned.unread {
            local.found.gaps.push(object_gap(object.oid, reached));
        }
        let secrets = match is_file {
            true => {
                settle_as_file(shared, object, &mut local.found);
                None
            }
            false => settle(shared, object, &scanned, of_base, &mut local.found),
        };
        if secrets.is_some() && lock(&shared.secrets).found > shared.progress.limits.findings.saturating_mul(VARIANTS) {
            shared.progress.stop(Stop::TooManyFindings);
        }
        Version { scanned, secrets }
    });
    looked.unwrap_or_else(|panicked| {
        local.scratch = Scratch::default();
        local.found.gaps.push(object_gap(object.oid, &panicked));
        Version { scanned: Scanned::decoded(), secrets: None }
    })
}

fn scan_object(
    shared: &Shared<'_>,
    object: &Object<'_, '_>,
    is_file: bool,
    derived: Option<Derived<'_, Scanned>>,
    local: &mut Local,
) -> Scanned {
    let Object { oid, kind, bytes, task } = *object;
    match kind {
        Kind::Commit => {
            let header = match commit::parse_with_text(oid, bytes) {
                Some((commit, text)) => {
                    local.found.commits.push(commit);
                    text
                }
                None => {
                    local.found.gaps.push(object_gap(oid, &ObjectError::Commit));
                    commit::header_text(bytes)
                }
            };
            look_at_text(shared, object, header, local);
            return Scanned::default();
        }
        Kind::Tag => {
            match commit::tag_target(bytes) {
                Some(target) => drop(local.found.tags.insert(oid, target)),
                None => local.found.gaps.push(object_gap(oid, &ObjectError::Tag)),
            }
            look_at_text(shared, object, commit::header_text(bytes), local);
            return Scanned::default();
        }
        Kind::Tree => return Scanned::default(),
        Kind::Blob => {}
    }
    if is_file {
        local.found.work.expanded += bytes.len() as u64;
        return Scanned::decoded();
    }
    let derived = derived.filter(|_| shared.delta);
    lines::scan(shared.detector, bytes, derived, task, &mut local.scratch, &mut local.found.work)
}

/// Decides which candidates of a version stay and files them; a version with its base's candidates has its base's secrets.
fn settle(
    shared: &Shared<'_>,
    object: &Object<'_, '_>,
    scanned: &Scanned,
    of_base: Option<Arc<[VariantId]>>,
    found: &mut Found,
) -> Option<Arc<[VariantId]>> {
    let Object { oid, bytes, .. } = *object;
    if scanned.is_empty() {
        return None;
    }
    let rules = shared.detector.rules();
    // A pair depends on the lines between its halves, which may have become more.
    let paired = |placed: &lines::Placed| rules[placed.candidate.rule as usize].pair.is_some();
    let has_pairs = scanned.placed.iter().chain(&scanned.wide).any(paired);
    let secrets = match of_base.filter(|_| scanned.same_as_base && !has_pairs) {
        Some(secrets) => Some(secrets),
        None => {
            let candidates = candidates(scanned, bytes, has_pairs);
            let settled = resolve::settle(rules, candidates);
            distinct(lock(&shared.secrets).ids(settled, None))
        }
    };
    if let Some(secrets) = &secrets {
        found.blobs.insert(oid, Arc::clone(secrets));
    }
    secrets
}

/// Leaves out what generic rules make of the signatures in a header.
pub fn leave_out_signatures(rules: &[Rule], header: &[u8], candidates: &mut Vec<Candidate>) {
    let signatures = commit::signatures(header);
    if !signatures.is_empty() {
        let is_in_one = |it: &Candidate| signatures.iter().any(|range| range.contains(&(it.span.start as usize)));
        candidates.retain(|it| rules[it.rule as usize].class != Class::Generic || !is_in_one(it));
    }
}

/// Scans and files what stands in the message and the header of a commit or tag.
fn look_at_text(shared: &Shared<'_>, object: &Object<'_, '_>, header: &[u8], local: &mut Local) {
    let rules = shared.detector.rules();
    let mut ids = Vec::new();
    local.found.work.expanded += object.bytes.len() as u64;
    // Most commits are by people who made others, and say nothing else.
    let people = commit::only_people(header);
    let is_known = people.is_some_and(|people| people.iter().all(|person| local.people.find(person).1));
    let header = (!is_known).then_some((header, Some(HEADER)));
    for (text, inner) in std::iter::once((commit::message(object.bytes), None)).chain(header) {
        let mut work = Work::default();
        let scanned = lines::scan(shared.detector, text, None, object.task, &mut local.scratch, &mut work);
        local.found.work.scanned += work.scanned;
        if let Some(reached) = &scanned.unread {
            local.found.gaps.push(object_gap(object.oid, reached));
        }
        if scanned.is_empty() {
            for person in people.filter(|_| inner.is_some() && scanned.unread.is_none()).into_iter().flatten() {
                let (slot, _) = local.people.find(person);
                local.people.put(slot, person);
            }
            continue;
        }
        let mut settled = resolve::settle(rules, candidates(&scanned, text, true));
        if inner.is_some() {
            leave_out_signatures(rules, text, &mut settled);
        }
        ids.extend(lock(&shared.secrets).ids(settled, inner.map(Arc::from).as_ref()));
    }
    if let Some(ids) = distinct(ids) {
        local.found.messages.insert(object.oid, ids);
    }
}

/// Scans and files a blob as if it were a file: what is more than its bytes, and what is too large for lines.
fn settle_as_file(shared: &Shared<'_>, object: &Object<'_, '_>, found: &mut Found) {
    let (path, mut worker) = (name_of(&object.oid), Worker::default());
    let (detector, task) = (shared.detector, object.task);
    // What stands inside goes by what is put behind the blob's paths.
    let identity = String::new;
    let scanned = Scan { path: &path, identity: &identity, detector, worker: &mut worker, task }.bytes(object.bytes);
    found.work.scanned += scanned.bytes;
    // The blob has no path yet.
    found.gaps.extend(scanned.gaps.into_iter().map(Gap::of_no_file));
    let mut secrets = lock(&shared.secrets);
    let contents = scanned.contents.into_iter();
    let ids = contents.flat_map(|content| {
        let inner = (!content.identity.is_empty()).then(|| inner_of(&content.identity, &object.oid).into());
        secrets.ids(content.candidates, inner.as_ref())
    });
    if let Some(ids) = distinct(ids.collect()) {
        found.blobs.insert(object.oid, ids);
    }
}

/// Each once, in ascending order; `None` if there are none.
fn distinct(mut ids: Vec<VariantId>) -> Option<Arc<[VariantId]>> {
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty()).then(|| ids.into())
}

/// The candidates of a version, with its own offsets; their lines only where somebody asks.
fn candidates(scanned: &Scanned, bytes: &[u8], with_lines: bool) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = scanned
        .placed
        .iter()
        .chain(&scanned.wide)
        .map(|placed| {
            let mut candidate = Candidate::clone(&placed.candidate);
            candidate.span = placed.span();
            candidate
        })
        .collect();
    if with_lines && !scanned.is_decoded {
        candidates.sort_by_key(|candidate| candidate.span.start);
        let (mut at, mut line) = (0, 1);
        for candidate in &mut candidates {
            let start = (candidate.span.start as usize).min(bytes.len());
            line += memchr::memchr_iter(b'\n', &bytes[at..start.max(at)]).count() as u64;
            at = start.max(at);
            candidate.place.line = line;
        }
    }
    candidates
}

impl Secrets {
    /// The variants of these candidates; those that a judge dropped are kept to be counted and explained.
    fn ids(&mut self, candidates: Vec<Candidate>, inner: Option<&Arc<str>>) -> Vec<VariantId> {
        candidates.into_iter().map(|it| self.id(it, inner)).collect()
    }

    fn id(&mut self, candidate: Candidate, inner: Option<&Arc<str>>) -> VariantId {
        let next = self.known.len() as SecretId;
        let secret = *self.known.entry((candidate.rule, candidate.secret.clone())).or_insert(next);
        let next = self.list.len() as VariantId;
        let id = *self.variants.entry((secret, inner.cloned(), facts(&candidate))).or_insert(next);
        if id == next {
            self.found += usize::from(candidate.dropped.is_none());
            self.list.push(Variant { secret, candidate: Arc::new(candidate), inner: inner.cloned() });
        }
        id
    }
}

/// Which trees lead to blobs that hold something. Objects go by their numbers ([`Store::number`]).
#[derive(Debug, Default)]
pub struct Trees {
    /// Entries that are such blobs: tree, name, blob. One list for each thread that read some.
    pub leaves: Vec<Vec<(u32, u32, u32)>>,
    /// Entries that are trees: tree, name, tree.
    pub branches: Vec<Vec<(u32, u32, u32)>>,
    /// The names of entries.
    pub names: Vec<Box<[u8]>>,
    /// Objects that trees name and the repository does not have: the tree, and the object.
    pub missing: Vec<(u32, Oid)>,
    /// What stands in the names of entries: a tree that has it, the name, and the candidate.
    pub in_names: Vec<InName>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// What one thread read of trees; its names have numbers of its own.
#[derive(Default)]
struct LocalTrees {
    buffers: Buffers,
    leaves: Vec<(u32, u32, u32)>,
    branches: Vec<(u32, u32, u32)>,
    names: Vec<Box<[u8]>>,
    numbers: HashMap<Box<[u8]>, u32>,
    missing: Vec<(u32, Oid)>,
    /// Names that have not been looked at, and their trees.
    listed: Names,
    listed_in: Vec<u32>,
    /// Names that were listed, which need not be when they come again, and their numbers if they have some.
    recent: Recent<Option<u32>>,
    in_names: Vec<InName>,
    worker: Worker,
    gaps: Vec<Gap>,
}

/// Bytes of names that are looked at together.
const NAMES: usize = 256 << 10;

/// A candidate in the name of a tree's entry.
#[derive(Debug)]
pub struct InName {
    tree: u32,
    name: Box<[u8]>,
    candidate: Candidate,
}

/// Names that hold something, with numbers that no objects have.
pub type WantedNames = HashMap<Box<[u8]>, u32>;

/// A tree's entries, for the trees that are made of it.
#[derive(Default)]
struct TreeEntries {
    /// Where each entry starts, and where the last one ends.
    bounds: Vec<u32>,
    /// The entries that are trees or wanted blobs: which one, its name, its object, whether it is a tree.
    kept: Vec<(u32, u32, u32, bool)>,
    /// The entries whose object is missing.
    missing: Vec<(u32, Oid)>,
}

/// What trees are read with.
struct TreeReader<'a> {
    store: &'a Store,
    wanted: &'a OidMap<Arc<[VariantId]>>,
    names: &'a WantedNames,
    detector: &'a Detector,
    progress: &'a Progress,
}

/// Reads all trees and keeps the entries that are blobs of `wanted`, and those that are trees; looks at all names, and at
/// whether all that is named is there. Entries whose names are in `names` are kept as leaves [`FILE_NAME`] as well.
pub fn trees(
    store: &Store,
    forests: &[Forest],
    wanted: &OidMap<Arc<[VariantId]>>,
    names: &WantedNames,
    detector: &Detector,
    progress: &Progress,
) -> Trees {
    let workers: Mutex<Vec<LocalTrees>> = Mutex::default();
    let reader = TreeReader { store, wanted, names, detector, progress };
    let mut before = 0;
    for (pack, forest) in store.packs.iter().zip(forests) {
        let walk = |root: u32, base: Option<&[u8]>| {
            if progress.is_stopped() {
                return;
            }
            let mut local = lock(&workers).pop().unwrap_or_default();
            let mut buffers = std::mem::take(&mut local.buffers);
            let mut gaps = Vec::new();
            visit::<TreeEntries>(
                &DeltaTree { pack, forest, root, base, limits: store.limits },
                &Task::new(progress),
                &mut buffers,
                |entry, bytes, derived| Some(local.add(&reader, pack.oid(entry), before + entry, bytes, derived)),
                |entry, error| gaps.push(object_gap(pack.oid(entry), &error)),
            );
            local.buffers = buffers;
            local.gaps.extend(gaps);
            lock(&workers).push(local);
        };
        let roots: Vec<_> = forest.roots.iter().filter(|(_, kind)| *kind == Kind::Tree).collect();
        roots.par_iter().with_max_len(1).for_each(|(root, _)| walk(*root, None));
        for (entry, base) in &forest.external {
            if let Ok(Some((Kind::Tree, bytes))) = store.read(base) {
                walk(*entry, Some(&bytes));
            }
        }
        before += pack.len() as u32;
    }
    let mut local = LocalTrees::default();
    for (index, (oid, path)) in store.loose.iter().enumerate() {
        if let Ok((Kind::Tree, bytes)) = read_loose(path, store.limits.object) {
            local.add(&reader, *oid, before + index as u32, &bytes, None);
        }
    }
    lock(&workers).push(local);
    let mut trees = Trees::default();
    let mut numbers: HashMap<Box<[u8]>, u32> = HashMap::new();
    for mut local in lock(&workers).drain(..) {
        local.look_at_names(&reader);
        let shared: Vec<u32> = local
            .names
            .into_iter()
            .map(|name| {
                *numbers.entry(name).or_insert_with_key(|name| {
                    trees.names.push(name.clone());
                    trees.names.len() as u32 - 1
                })
            })
            .collect();
        for entry in local.leaves.iter_mut().chain(&mut local.branches) {
            entry.1 = shared[entry.1 as usize];
        }
        trees.leaves.push(local.leaves);
        trees.branches.push(local.branches);
        trees.missing.extend(local.missing);
        trees.in_names.extend(local.in_names);
        trees.gaps.extend(local.gaps);
    }
    trees
}

impl LocalTrees {
    /// Reads a tree. Of one that is made of another, entries inside of copied runs are the other's.
    fn add(
        &mut self,
        reader: &TreeReader<'_>,
        oid: Oid,
        tree: u32,
        bytes: &[u8],
        derived: Option<Derived<'_, TreeEntries>>,
    ) -> TreeEntries {
        let store = reader.store;
        let mut read = TreeEntries::default();
        let mut runs: &[Run] = derived.as_ref().map_or(&[], |derived| derived.runs);
        let mut at = 0;
        loop {
            while runs.first().is_some_and(|run| run.range().end <= at) {
                runs = &runs[1..];
            }
            if let (Some(run), Some(derived)) = (runs.first().filter(|run| run.start <= at), &derived)
                && let Some(end) = read.take_over(derived.state, run, at)
            {
                at = end;
                continue;
            }
            let Some(entry) = tree_entries::first(&bytes[at..], store.hash) else { break };
            let (name, child) = (entry.name, entry.oid);
            let number = read.bounds.len() as u32;
            read.bounds.push(at as u32);
            at += entry.length;
            let slot = self.list(tree, name);
            if let Some(pseudo) = reader.names.get(name).filter(|_| !reader.names.is_empty()) {
                let name = self.name(FILE_NAME.as_bytes());
                read.kept.push((number, name, *pseudo, false));
            }
            // A submodule's commit is in another repository.
            if entry.mode == Mode::Submodule {
                continue;
            }
            let is_tree = entry.mode == Mode::Tree;
            if is_tree || reader.wanted.contains_key(&child) {
                let name = self.name_in(slot, name);
                match store.number(&child) {
                    Some(child) => read.kept.push((number, name, child, is_tree)),
                    None => read.missing.push((number, child)),
                }
            } else if !store.contains(&child) {
                read.missing.push((number, child));
            }
        }
        read.bounds.push(at as u32);
        if at < bytes.len() {
            self.gaps.push(object_gap(oid, &ObjectError::Tree));
        }
        self.missing.extend(read.missing.iter().map(|(_, child)| (tree, *child)));
        if self.listed.size() >= NAMES {
            self.look_at_names(reader);
        }
        for &(_, name, child, is_tree) in &read.kept {
            let to = if is_tree { &mut self.branches } else { &mut self.leaves };
            to.push((tree, name, child));
        }
        read
    }

    /// Lets a name wait for its scan, unless it came up lately, and says where it is remembered.
    fn list(&mut self, tree: u32, name: &[u8]) -> Slot {
        let (slot, is_known) = self.recent.find(name);
        if !is_known {
            self.recent.put(slot, name);
            self.listed.push(name);
            self.listed_in.push(tree);
        }
        slot
    }

    /// The number of a name that is remembered in `slot`.
    fn name_in(&mut self, slot: Slot, name: &[u8]) -> u32 {
        if let Some(number) = *self.recent.known(slot) {
            return number;
        }
        let number = self.name(name);
        *self.recent.known(slot) = Some(number);
        number
    }

    /// Scans the names that are waiting for it.
    fn look_at_names(&mut self, reader: &TreeReader<'_>) {
        let task = Task::new(reader.progress);
        let scanned = guarded(|| self.listed.scan("file names", reader.detector, &mut self.worker, &task));
        let (named, gap) = scanned.unwrap_or_else(|panicked| {
            self.worker = Worker::default();
            (Vec::new(), Some(Gap::about(GapCode::Failed, "file names", panicked)))
        });
        self.gaps.extend(gap);
        self.in_names.extend(named.into_iter().map(|it| {
            let (tree, name) = (self.listed_in[it.index], self.listed.get(it.index).into());
            InName { tree, name, candidate: it.candidate }
        }));
        self.listed.clear();
        self.listed_in.clear();
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }
}

impl TreeEntries {
    /// Takes over the entries of `base` from the one that stands at `at` in this tree to the last that lies whole inside
    /// of `run`, and says where that ends; `None` if no entry starts at `at` in the base.
    fn take_over(&mut self, base: &Self, run: &Run, at: usize) -> Option<usize> {
        let in_base = (at - run.start + run.base) as u32;
        let first = base.bounds.binary_search(&in_base).ok()?;
        let last = base.bounds.partition_point(|bound| (*bound as usize) <= run.base_end()) - 1;
        if last <= first {
            return None;
        }
        let here = |bound: u32| bound - run.base as u32 + run.start as u32;
        // Both offsets are below 2^32, and the difference is taken of what lies inside of the run.
        let shift = self.bounds.len() as u32;
        self.bounds.extend(base.bounds[first..last].iter().map(|bound| here(*bound)));
        let kept = &base.kept[base.kept.partition_point(|kept| (kept.0 as usize) < first)..];
        let kept = kept.iter().take_while(|kept| (kept.0 as usize) < last);
        self.kept.extend(kept.map(|kept| (kept.0 - first as u32 + shift, kept.1, kept.2, kept.3)));
        let missing = base.missing.iter().filter(|(number, _)| (first..last).contains(&(*number as usize)));
        self.missing.extend(missing.map(|(number, child)| (number - first as u32 + shift, *child)));
        Some(here(base.bounds[last]) as usize)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
