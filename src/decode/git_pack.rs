//! Git's packs (gitformat-pack) and bundles (gitformat-bundle) that lie somewhere as files: each object is a content.
//!
//! A pack is read without its index: one entry after the other, then what is a delta on each. Deltas on objects that the pack
//! does not have, as in most bundles of a part of a history, stay a gap: only a repository with those objects can tell.

use std::collections::HashMap;
use std::io::{self, Read};

use keysieve_git::delta;
use keysieve_git::oid::Oid;
use keysieve_git::pack::{self, Header, Kind as Object, Stored};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::blocks::{take, wrong};
use super::container::{Kind, Unpacker, damaged, in_words};
use super::rest::Rest;
use crate::gap::GapCode;

const PACK: &[u8; 4] = b"PACK";

/// Whether a pack of a known version starts here.
pub(super) fn is_pack(bytes: &[u8]) -> bool {
    bytes.starts_with(PACK) && matches!(bytes.get(4..8), Some([0, 0, 0, 2 | 3]))
}

/// Whether a bundle starts here.
pub(super) fn is_bundle(bytes: &[u8]) -> bool {
    bytes.starts_with(b"# v2 git bundle\n") || bytes.starts_with(b"# v3 git bundle\n")
}

/// A text up to an empty line, then a pack.
pub(super) fn bundle(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    let end = memchr::memmem::find(bytes, b"\n\n").map_or(bytes.len(), |at| at + 2);
    let (header, packed) = bytes.split_at(end);
    rest.add(header);
    walk.rest(&rest, path);
    if is_pack(packed) {
        unpack(walk, packed, path, depth);
    } else {
        walk.gap(path, GapCode::Damaged, damaged(&"there is no pack in the bundle"));
    }
}

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut pack = Pack::of(bytes);
    let end = match pack.read_entries(walk.limits.entries, walk.left) {
        Ok(Some(end)) => Some(end),
        Ok(None) => {
            let reason = "it has more or larger objects than are unpacked (--max-archive-entries, --max-archive-size)";
            walk.gap(path, GapCode::Limit, reason.to_owned());
            None
        }
        Err(error) => {
            walk.gap(path, GapCode::Damaged, damaged(&error));
            None
        }
    };
    let missing = pack.objects(walk, path, depth);
    if missing > 0 {
        let reason = format!(
            "{missing} of its objects are made of others that are not in it; fetch it into a repository that has them, and \
             run `keysieve history` there"
        );
        walk.gap(path, GapCode::Repository, reason);
    }
    if let Some(end) = end {
        let mut rest = Rest::default();
        walk.lost(bytes, end, Kind::GitPack, path, depth, &mut rest);
        walk.rest(&rest, path);
    }
}

struct Entry {
    start: usize,
    header: Header,
}

struct Pack<'a> {
    bytes: &'a [u8],
    /// Bytes of an id.
    hash: usize,
    entries: Vec<Entry>,
}

/// An object, and the deltas on it that are to be applied yet.
struct Base {
    content: Vec<u8>,
    kind: Object,
    deltas: Vec<usize>,
}

impl<'a> Pack<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        // No byte says which hash function; the checksum at the end does.
        let is_long = || {
            let end = bytes.len().checked_sub(32)?;
            Some(Sha256::digest(&bytes[..end])[..] == bytes[end..])
        };
        let is_short = || {
            let end = bytes.len().checked_sub(20)?;
            Some(Sha1::digest(&bytes[..end])[..] == bytes[end..])
        };
        let hash = if is_short() != Some(true) && is_long() == Some(true) { 32 } else { 20 };
        Self { bytes, hash, entries: Vec::new() }
    }

    /// Finds the entries, at most so many and of so many bytes in all, and gives back where the pack ends if it has no more.
    fn read_entries(&mut self, most: u64, mut room: u64) -> io::Result<Option<usize>> {
        let mut left = self.bytes;
        let header = take(&mut left, 12)?;
        let count = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        for _ in 0..u64::from(count).min(most) {
            let start = self.bytes.len() - left.len();
            let header =
                pack::read_header(self.bytes, start, self.hash).ok_or_else(|| wrong("an entry's header is wrong"))?;
            if let Stored::OnOffset(base) = header.stored {
                self.entry_at(base).ok_or_else(|| wrong("an object is made of none"))?;
            }
            let size = header.size;
            left = self.bytes.get(header.data..).unwrap_or_default();
            // Deflate makes at most 1,032 bytes of one.
            if size > 1032 * left.len() as u64 + 64 {
                return Err(wrong("an entry claims a size that its bytes cannot expand to"));
            }
            let Some(less) = room.checked_sub(size) else { return Ok(None) };
            room = less;
            let mut reader = flate2::bufread::ZlibDecoder::new(left);
            let found = io::copy(&mut (&mut reader).take(size.saturating_add(1)), &mut io::sink())?;
            if found != size {
                return Err(wrong("an entry has another size than it says"));
            }
            left = &left[reader.total_in() as usize..];
            self.entries.push(Entry { start, header });
        }
        // What is behind the entries that were not read is not the pack's end.
        if u64::from(count) > most {
            return Ok(None);
        }
        take(&mut left, self.hash)?;
        Ok(Some(self.bytes.len() - left.len()))
    }

    fn entry_at(&self, start: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&start, |entry| entry.start as u64).ok()
    }

    /// Hands on every object, and gives back how many cannot be made.
    fn objects(&self, walk: &mut Unpacker<'_>, path: &str, depth: usize) -> usize {
        let mut on_entry: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut on_object: HashMap<Oid, Vec<usize>> = HashMap::new();
        for (index, entry) in self.entries.iter().enumerate() {
            match entry.header.stored {
                Stored::Whole(_) => {}
                Stored::OnOffset(base) => {
                    self.entry_at(base).into_iter().for_each(|base| on_entry.entry(base).or_default().push(index));
                }
                Stored::OnObject(id) => on_object.entry(id).or_default().push(index),
            }
        }
        let mut made = 0;
        for (index, entry) in self.entries.iter().enumerate() {
            let Stored::Whole(kind) = entry.header.stored else { continue };
            // A base, a delta on it, one on that: each is in memory while what is made of it is read.
            let mut bases: Vec<Base> = Vec::new();
            let mut next = Some((index, kind));
            while let Some((index, kind)) = next {
                let base = bases.last().map(|base| base.content.as_slice());
                match self.object(walk, index, kind, base, path, depth) {
                    Ok((content, id)) => {
                        made += 1;
                        let mut deltas = on_entry.remove(&index).unwrap_or_default();
                        deltas.extend(on_object.remove(&id).into_iter().flatten());
                        walk.hold(content.len() as u64);
                        bases.push(Base { content, kind, deltas });
                    }
                    Err(Stop::All) => {
                        bases.iter().for_each(|base| walk.let_go(base.content.len() as u64));
                        return 0;
                    }
                    // It was said, also of what is made of it.
                    Err(Stop::This) => made += 1 + lost(index, &mut on_entry),
                }
                next = loop {
                    let Some(base) = bases.last_mut() else { break None };
                    if let Some(index) = base.deltas.pop() {
                        break Some((index, base.kind));
                    }
                    walk.let_go(base.content.len() as u64);
                    bases.pop();
                };
            }
        }
        self.entries.len() - made
    }

    /// Makes an object, and hands it on.
    fn object(
        &self,
        walk: &mut Unpacker<'_>,
        index: usize,
        kind: Object,
        base: Option<&[u8]>,
        path: &str,
        depth: usize,
    ) -> Result<(Vec<u8>, Oid), Stop> {
        if !walk.may_go_on(path) {
            return Err(Stop::All);
        }
        let header = &self.entries[index].header;
        let damage = |walk: &mut Unpacker<'_>, error: &dyn std::fmt::Display| {
            walk.gap(path, GapCode::Damaged, damaged(error));
            Stop::This
        };
        self.check(walk, header.size, path)?;
        let mut content = Vec::new();
        let mut reader = flate2::bufread::ZlibDecoder::new(&self.bytes[header.data..]).take(header.size);
        reader.read_to_end(&mut content).map_err(|error| damage(walk, &error))?;
        if let Some(base) = base {
            let packed = content;
            let size = delta::result_size(&packed).map_err(|error| damage(walk, &error))?;
            self.check(walk, size as u64, path)?;
            content = Vec::new();
            delta::apply(base, &packed, &mut content, &mut Vec::new()).map_err(|error| damage(walk, &error))?;
        }
        walk.left = walk.left.saturating_sub(content.len() as u64);
        let id = Oid::of(kind, &content, self.hash);
        let inner = format!("{path}!/{kind} {}", &id.to_string()[..12]);
        match kind {
            Object::Tree => walk.sink.content(&inner, &names(&content, self.hash)),
            Object::Blob => walk.holding(content.len() as u64, |walk| walk.entry(&content, None, &inner, depth)),
            Object::Commit | Object::Tag => walk.sink.content(&inner, &content),
        }
        Ok((content, id))
    }

    /// Whether a content of this size may be unpacked; said if not.
    fn check(&self, walk: &mut Unpacker<'_>, size: u64, path: &str) -> Result<(), Stop> {
        let (room, option) = walk.room();
        let refused = match walk.may_hold(size) {
            _ if size > room => {
                let reason = format!("an object is larger than {} ({option}); it was not read", in_words(room));
                Some((GapCode::Limit, reason))
            }
            Ok(()) => None,
            Err(refused) => Some(refused),
        };
        let Some((code, reason)) = refused else { return Ok(()) };
        walk.gap(path, code, reason);
        Err(Stop::This)
    }
}

/// What is not read because of a gap that was said.
enum Stop {
    This,
    All,
}

/// How many entries are made of one that cannot be made.
fn lost(index: usize, on_entry: &mut HashMap<usize, Vec<usize>>) -> usize {
    let (mut count, mut open) = (0, vec![index]);
    while let Some(index) = open.pop() {
        let deltas = on_entry.remove(&index).unwrap_or_default();
        count += deltas.len();
        open.extend(deltas);
    }
    count
}

/// The names of a tree, one a line; the bytes of what is none.
fn names(tree: &[u8], hash: usize) -> Vec<u8> {
    let (mut names, mut left) = (Vec::new(), tree);
    while let Some(end) = memchr::memchr(0, left) {
        names.extend_from_slice(&left[..end]);
        names.push(b'\n');
        left = left.get(end + 1 + hash..).unwrap_or_default();
    }
    names.extend_from_slice(left);
    names
}
