//! Repositories made of bytes: an index, a pack, a delta, and objects that make up a history.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use keysieve::scan::Progress;
use keysieve::scan::limits::{Limits, Task};
use keysieve::source::git;
use keysieve::source::history::attribute;
use keysieve::source::history::lines::{self, Work};
use keysieve::source::history::trees;
use keysieve::source::history::walk::{self, Found};
use keysieve_engine::Scratch;
use keysieve_engine::candidate::RuleIndex;
use keysieve_git::delta;
use keysieve_git::forest::{Derived, Forest};
use keysieve_git::graph::Graph;
use keysieve_git::oid::Oid;
use keysieve_git::refs::Refs;
use keysieve_git::store::{Reading, Store};

use super::{detector, scratch_folder};

/// Bytes of an object id.
const HASH: usize = 20;

/// An index, beside a pack of nothing but zeros.
pub fn pack_index(data: &[u8]) {
    let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
    pack.resize(4096, 0);
    walk_over(data, &pack);
}

/// A pack whose index names offsets that come from the same bytes.
pub fn pack(data: &[u8]) {
    let Some((count, rest)) = data.split_first() else { return };
    let count = usize::from(*count % 8);
    let Some((gaps, rest)) = rest.split_at_checked(count) else { return };
    let mut offsets = Vec::new();
    let mut at = 12;
    for gap in gaps {
        offsets.push(at);
        at += 1 + usize::from(*gap);
    }
    let pack = [b"PACK\0\0\0\x02\0\0\0\0", rest, &[0; HASH]].concat();
    walk_over(&index_of(&offsets), &pack);
}

/// A base and instructions: what comes out, and that its lines are scanned as if it were whole.
pub fn delta(data: &[u8]) {
    let [length, data @ ..] = data else { return };
    let Some((base, instructions)) = data.split_at_checked(usize::from(*length) * 8) else { return };
    let (mut result, mut runs) = (Vec::new(), Vec::new());
    let _ = delta::apply(base, instructions, &mut result, &mut runs);
    let delta = with_sizes(base.len(), instructions);
    if delta::apply(base, &delta, &mut result, &mut runs).is_err() {
        return;
    }
    for run in &runs {
        assert_eq!(result[run.range()], base[run.base..run.base_end()], "a run that was not copied");
    }
    let (detector, mut scratch, mut work) = (detector(), Scratch::default(), Work::default());
    let progress = Progress::default();
    let task = Task::new(&progress);
    let state = lines::scan(detector, base, None, &task, &mut scratch, &mut work);
    let derived = Derived { state: &state, base_size: base.len(), runs: &runs };
    let by_delta = lines::scan(detector, &result, Some(derived), &task, &mut scratch, &mut work);
    let whole = lines::scan(detector, &result, None, &task, &mut scratch, &mut work);
    let told = |scanned: &lines::Scanned| -> Vec<_> {
        let placed = scanned.placed.iter().chain(&scanned.wide);
        placed.map(|it| (it.hit, it.candidate.rule, it.span(), it.candidate.secret.expose().to_vec())).collect()
    };
    assert_eq!(told(&by_delta), told(&whole), "a delta against the whole, runs {runs:?}");
}

/// Commits, trees, blobs, tags and deltas; every object's id is its number, twenty times.
pub fn history(data: &[u8]) {
    let mut objects = Objects::default();
    let mut rest = data;
    while let [kind, length, after @ ..] = rest {
        let (content, after) = after.split_at(usize::from(*length).min(after.len()));
        objects.add(*kind, content);
        rest = after;
        if objects.offsets.len() == 200 {
            break;
        }
    }
    objects.pack.extend_from_slice(&[0; HASH]);
    walk_over(&index_of(&objects.offsets), &objects.pack);
}

#[derive(Default)]
struct Objects {
    pack: Vec<u8>,
    offsets: Vec<usize>,
    contents: Vec<Vec<u8>>,
}

impl Objects {
    fn add(&mut self, kind: u8, content: &[u8]) {
        if self.pack.is_empty() {
            self.pack.extend_from_slice(b"PACK\0\0\0\x02\0\0\0\0");
        }
        let number = self.offsets.len();
        let other = |at: u8| id(if number == 0 { 0 } else { usize::from(at) % (number + 1) });
        let (kind, bytes, base) = match kind % 8 {
            0 => (1, commit(content, other), None),
            1 => (2, tree(content, other), None),
            2 => (
                4,
                [
                    b"object ".as_slice(),
                    hex(&other(content.first().copied().unwrap_or(0))).as_bytes(),
                    b"\ntype commit\ntag a\n\n",
                    content,
                ]
                .concat(),
                None,
            ),
            3 => (1, content.to_vec(), None),
            4 => (2, content.to_vec(), None),
            5 | 6 if number > 0 => {
                let (base, instructions) = content.split_first().unwrap_or((&0, &[]));
                let base = usize::from(*base) % number;
                (if kind % 8 == 5 { 6 } else { 7 }, with_sizes(self.contents[base].len(), instructions), Some(base))
            }
            _ => (3, content.to_vec(), None),
        };
        let start = self.pack.len();
        let mut size = bytes.len();
        let mut byte = (kind << 4) as u8 | (size & 15) as u8;
        size >>= 4;
        while size > 0 {
            self.pack.push(byte | 0x80);
            byte = (size & 0x7f) as u8;
            size >>= 7;
        }
        self.pack.push(byte);
        match (kind, base) {
            (6, Some(base)) => {
                let mut back = start - self.offsets[base];
                let mut digits = vec![(back & 0x7f) as u8];
                while back >> 7 > 0 {
                    back = (back >> 7) - 1;
                    digits.push(0x80 | (back & 0x7f) as u8);
                }
                self.pack.extend(digits.iter().rev());
            }
            (7, Some(base)) => self.pack.extend_from_slice(&id(base)),
            _ => {}
        }
        let mut encoder = ZlibEncoder::new(&mut self.pack, Compression::fast());
        encoder.write_all(&bytes).and_then(|()| encoder.finish().map(drop)).expect("memory takes all");
        let content = match base {
            None => bytes,
            Some(base) => {
                let mut result = Vec::new();
                let made = delta::apply(&self.contents[base], &bytes, &mut result, &mut Vec::new());
                if made.is_ok() { result } else { Vec::new() }
            }
        };
        self.offsets.push(start);
        self.contents.push(content);
    }
}

fn id(number: usize) -> [u8; HASH] {
    [number as u8; HASH]
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A commit: its tree, how many parents it has and which, its time, its message.
fn commit(content: &[u8], other: impl Fn(u8) -> [u8; HASH]) -> Vec<u8> {
    let [tree, parents, time, rest @ ..] = content else { return content.to_vec() };
    let (parents, message) = rest.split_at(usize::from(parents % 4).min(rest.len()));
    let mut text = format!("tree {}\n", hex(&other(*tree)));
    parents.iter().for_each(|parent| text.push_str(&format!("parent {}\n", hex(&other(*parent)))));
    text.push_str(&format!("author A <a@b> {time} +0000\ncommitter A <a@b> {time} +0000\n\n"));
    [text.as_bytes(), message].concat()
}

/// A tree: three bytes an entry, of what kind it is, its name, its object.
fn tree(content: &[u8], other: impl Fn(u8) -> [u8; HASH]) -> Vec<u8> {
    let mut tree = Vec::new();
    for entry in content.chunks_exact(3) {
        let mode: &[u8] = [b"100644".as_slice(), b"40000", b"160000", b"120000"][usize::from(entry[0]) % 4];
        tree.extend_from_slice(mode);
        tree.push(b' ');
        tree.extend_from_slice(&[b'a' + entry[1] % 26, 0]);
        tree.extend_from_slice(&other(entry[2]));
    }
    tree
}

/// Instructions with the sizes before them that fit.
fn with_sizes(base: usize, instructions: &[u8]) -> Vec<u8> {
    let mut result = 0;
    let mut rest = instructions;
    while let Some((&instruction, after)) = rest.split_first() {
        rest = after;
        if instruction & 0x80 == 0 {
            result += usize::from(instruction);
            rest = rest.get(usize::from(instruction)..).unwrap_or_default();
            continue;
        }
        rest = rest.get((instruction & 0x0f).count_ones() as usize..).unwrap_or_default();
        let mut length = 0;
        for bit in 0..3 {
            if instruction & 0x10 << bit != 0 {
                let Some((&byte, after)) = rest.split_first() else { break };
                length |= usize::from(byte) << (8 * bit);
                rest = after;
            }
        }
        result += if length == 0 { 0x10000 } else { length };
    }
    let mut delta = Vec::new();
    for mut size in [base, result] {
        while size >= 0x80 {
            delta.push(0x80 | (size & 0x7f) as u8);
            size >>= 7;
        }
        delta.push(size as u8);
    }
    delta.extend_from_slice(instructions);
    delta
}

/// An index of version 2 over entries at these offsets.
fn index_of(offsets: &[usize]) -> Vec<u8> {
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..256usize {
        let below = offsets.len().min(first + 1) as u32;
        index.extend_from_slice(&below.to_be_bytes());
    }
    (0..offsets.len()).for_each(|number| index.extend_from_slice(&id(number)));
    offsets.iter().for_each(|_| index.extend_from_slice(&[0; 4]));
    offsets.iter().for_each(|offset| index.extend_from_slice(&(*offset as u32).to_be_bytes()));
    index.extend_from_slice(&[0; 2 * HASH]);
    index
}

/// Reads a repository of one pack to its end, by deltas and without.
fn walk_over(index: &[u8], pack: &[u8]) {
    let folder = scratch_folder();
    let objects = folder.path();
    write(&objects.join("pack/pack-a.idx"), index);
    write(&objects.join("pack/pack-a.pack"), pack);
    let progress = Progress::with(Limits { paths: 1000, ..Limits::default() });
    let store = Store::open(
        objects,
        &Reading { hash: HASH, limits: git::limits(&progress.limits), links: false, alternates: &[] },
        &mut Vec::new(),
    );
    let forests: Vec<Forest> = store.packs.iter().map(Forest::of).collect();
    let scan = |delta| walk::scan(&store, &forests, detector(), &progress, delta);
    let found = scan(true);
    assert_eq!(secrets(&found), secrets(&scan(false)), "by deltas and whole");
    let read = trees::trees(&store, &forests, &found.blobs, &trees::WantedNames::new(), detector(), &progress);
    let mut refs = Refs::default();
    refs.tips.extend(found.commits.last().map(|commit| ("refs/heads/a".to_owned(), commit.oid)));
    let graph = Graph::of(&found.commits, &found.tags, &refs);
    let lives = attribute::attribute(&store, &found, &read, graph, &refs, &progress, &mut |_, _| true);
    for life in lives.lives.values() {
        if let Some((commit, path)) = life.introduced {
            assert!((commit as usize) < lives.commits.len() && (path as usize) < lives.paths.len());
        }
    }
    for pack in &store.packs {
        for entry in 0..pack.len() as u32 {
            assert!(pack.find(&pack.oid(entry)).is_some(), "an object that is not found by its id");
            let _ = store.read(&pack.oid(entry));
        }
    }
    store.with_prefix("0");
}

fn write(path: &Path, bytes: &[u8]) {
    let folder = path.parent().expect("it is in a folder");
    fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes)).expect("a temporary file can be written");
}

/// Which object holds which secrets.
fn secrets(found: &Found) -> BTreeMap<Oid, Vec<(RuleIndex, Vec<u8>)>> {
    let of = |ids: &[u32]| {
        let candidates = ids.iter().map(|id| &found.secrets.list[*id as usize].candidate);
        let mut secrets: Vec<_> = candidates.map(|it| (it.rule, it.secret.expose().to_vec())).collect();
        secrets.sort();
        secrets.dedup();
        secrets
    };
    found.blobs.iter().chain(&found.messages).map(|(oid, ids)| (*oid, of(ids))).collect()
}
