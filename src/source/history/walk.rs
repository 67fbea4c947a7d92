//! All objects but trees, each once: blobs and messages are scanned, commits and tags read.

use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use keysieve_git::commit::{self, Commit};
use keysieve_git::error::ObjectError;
use keysieve_git::forest::{Buffers, DeltaTree, Derived, Forest, visit};
use keysieve_git::limits::Limits;
use keysieve_git::oid::{Oid, OidMap};
use keysieve_git::pack::{Kind, Pack};
use keysieve_git::store::{Store, read_loose};

use super::HEADER;
use super::lines::{self, Scanned, Work};
use super::recent::Recent;
use super::secrets::{Secrets, VariantId, distinct, inner_of, name_of};
use super::trees::{Trees, WantedNames};
use crate::gap::Gap;
use crate::scan::content::{self, Scan};
use crate::scan::limits::Task;
use crate::scan::{Progress, Stop, Worker, guarded};
use crate::source::git::object_gap;
use keysieve_engine::candidate::Candidate;
use keysieve_engine::rules::rule::{Class, Rule};
use keysieve_engine::{Detector, Scratch, resolve};

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
    /// the walk over trees has read which trees have them.
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

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use keysieve_engine::rules::sample;
    use keysieve_git::limits::Limits;

    use super::*;

    fn write(folder: &std::path::Path, kind: Kind, bytes: &[u8]) -> (Oid, std::path::PathBuf) {
        let oid = Oid::of(kind, bytes, 20);
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(format!("{kind} {}\0", bytes.len()).as_bytes()).unwrap();
        packed.write_all(bytes).unwrap();
        let path = folder.join(oid.to_string());
        fs::write(&path, packed.finish().unwrap()).unwrap();
        (oid, path)
    }

    #[test]
    fn contents_messages_and_headers_are_filed_and_what_is_broken_is_said() {
        let token = |seed| sample::fill("key <crc32-base62 ghp_ 30>", seed).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (tree, other) = ("1".repeat(40), "2".repeat(40));
        let people = "author A <a@b> 1 +0000\ncommitter A <a@b> 2 +0000";
        let commit = format!("tree {tree}\nparent {other}\n{people}\n\n{}\n", token(1));
        let tag = format!("object {other}\ntype commit\ntag {}\n\nhi\n", token(2));
        let objects = [
            (Kind::Blob, token(3)),
            (Kind::Blob, "nothing".to_owned()),
            (Kind::Commit, commit),
            (Kind::Tag, tag),
            (Kind::Commit, format!("tree zzzz\n{people}\n\nhi\n")),
        ];
        let mut loose: Vec<_> =
            objects.iter().map(|(kind, text)| write(folder.path(), *kind, text.as_bytes())).collect();
        let [blob, _, commit, tag, broken] = [0, 1, 2, 3, 4].map(|at| loose[at].0);
        // What lies under the id of another is said, and read all the same.
        let (_, path) = loose[1].clone();
        loose[1] = (Oid::none(20), path);
        loose.sort();
        let store = Store { packs: Vec::new(), loose, is_partial: false, hash: 20, limits: Limits::default() };
        let found = scan(&store, &[], &Detector::builtin(), &Progress::default(), true);
        assert_eq!(found.blobs.keys().collect::<Vec<_>>(), [&blob]);
        let mut messages: Vec<_> = found.messages.keys().copied().collect();
        messages.sort();
        let mut expected = vec![commit, tag];
        expected.sort();
        assert_eq!(messages, expected);
        assert_eq!((found.objects, found.commits.len(), found.tags.len()), (5, 1, 1));
        assert_eq!(found.commits[0].parents.len(), 1);
        let mut gaps: Vec<_> = found.gaps.iter().map(|gap| gap.path.clone()).collect();
        gaps.sort();
        let mut expected = vec![format!("object {broken}"), format!("object {}", Oid::none(20))];
        expected.sort();
        assert_eq!(gaps, expected);
    }
}
