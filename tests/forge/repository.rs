//! A repository without git: loose objects, packs with their indexes, refs and the index of the work tree.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use super::containers::zlib;

/// The id of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(pub [u8; 20]);

impl fmt::Display for Oid {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(to, "{byte:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, to)
    }
}

/// What kinds of objects there are, by their numbers in packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Commit = 1,
    Tree = 2,
    Blob = 3,
    Tag = 4,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }
}

/// An object, written or not.
#[derive(Debug, Clone)]
pub struct Object {
    pub kind: Kind,
    pub body: Vec<u8>,
}

impl Object {
    pub fn new(kind: Kind, body: impl Into<Vec<u8>>) -> Self {
        Self { kind, body: body.into() }
    }

    fn loose(&self) -> Vec<u8> {
        [format!("{} {}\0", self.kind.name(), self.body.len()).as_bytes(), &self.body].concat()
    }

    pub fn oid(&self) -> Oid {
        Oid(sha(&self.loose()))
    }
}

pub fn sha(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

/// An entry of a tree.
pub fn tree_entry(mode: &str, name: &[u8], oid: Oid) -> Vec<u8> {
    [mode.as_bytes(), b" ", name, b"\0", &oid.0].concat()
}

/// A person and a time, as commits have them.
pub const PERSON: &str = "Ann <ann@corp.io> 1700000000 +0000";

/// A commit as git writes it.
pub fn commit(tree: Oid, parents: &[Oid], message: &str) -> Object {
    let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
    Object::new(Kind::Commit, format!("tree {tree}\n{parents}author {PERSON}\ncommitter {PERSON}\n\n{message}\n"))
}

/// How an object stands in a pack.
#[derive(Debug, Clone)]
pub enum Packed {
    Whole(Object),
    /// The object, and as how manieth before it its base stands.
    OffsetDelta(Object, usize),
    /// The object, and its base, which may stand anywhere.
    RefDelta(Object, Object),
}

/// What is wrong with, or unusual about, a pack.
#[derive(Debug, Clone, Copy, Default)]
pub struct PackForm {
    pub index_version_1: bool,
    /// Exchanges where the index says that its first two objects are.
    pub lying_index: bool,
    /// Bytes that are missing at the pack's end.
    pub cut: usize,
    pub no_index: bool,
    pub no_pack: bool,
    /// The count in the pack's head is one less.
    pub short_count: bool,
}

/// A folder with a repository in it.
#[derive(Debug)]
pub struct Repository {
    pub root: PathBuf,
    pub git: PathBuf,
}

impl Repository {
    /// An empty one, on the branch `main`.
    pub fn new(root: &Path) -> Self {
        let git = root.join(".git");
        for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"] {
            fs::create_dir_all(git.join(folder)).unwrap();
        }
        let repository = Self { root: root.to_owned(), git };
        repository.file("HEAD", "ref: refs/heads/main\n");
        repository.file("config", "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n");
        repository
    }

    /// Writes a file of the `.git` folder.
    pub fn file(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.git.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn reference(&self, name: &str, oid: Oid) {
        self.file(name, format!("{oid}\n"));
    }

    pub fn loose(&self, object: &Object) -> Oid {
        let oid = object.oid();
        self.loose_as(oid, object);
        oid
    }

    /// Writes an object under an id that need not be its own.
    pub fn loose_as(&self, oid: Oid, object: &Object) {
        let hex = oid.to_string();
        self.file(&format!("objects/{}/{}", &hex[..2], &hex[2..]), zlib(&object.loose()));
    }

    pub fn blob(&self, bytes: &[u8]) -> Oid {
        self.loose(&Object::new(Kind::Blob, bytes))
    }

    pub fn tree(&self, entries: &[(&str, &[u8], Oid)]) -> Oid {
        let entries: Vec<Vec<u8>> = entries.iter().map(|(mode, name, oid)| tree_entry(mode, name, *oid)).collect();
        self.loose(&Object::new(Kind::Tree, entries.concat()))
    }

    /// Writes a pack and its index, under a name that starts with `name`.
    pub fn pack(&self, entries: &[Packed], form: PackForm, name: &str) {
        let count = entries.len() as u32 - u32::from(form.short_count);
        let mut pack = [&b"PACK\0\0\0\x02"[..], &count.to_be_bytes()].concat();
        let mut offsets: Vec<(Oid, u32, u32)> = Vec::new();
        for entry in entries {
            let at = pack.len();
            match entry {
                Packed::Whole(object) => {
                    pack.extend(entry_head(object.kind as u8, object.body.len()));
                    pack.extend(zlib(&object.body));
                    offsets.push((object.oid(), at as u32, 0));
                }
                Packed::OffsetDelta(object, before) => {
                    let delta = insert_all(&object_at(entries, offsets.len() - before).body, &object.body);
                    pack.extend(entry_head(6, delta.len()));
                    pack.extend(negative_offset(at - offsets[offsets.len() - before].1 as usize));
                    pack.extend(zlib(&delta));
                    offsets.push((object.oid(), at as u32, 0));
                }
                Packed::RefDelta(object, base) => {
                    let delta = insert_all(&base.body, &object.body);
                    pack.extend(entry_head(7, delta.len()));
                    pack.extend(base.oid().0);
                    pack.extend(zlib(&delta));
                    offsets.push((object.oid(), at as u32, 0));
                }
            }
            let crc = crc32fast::hash(&pack[at..]);
            offsets.last_mut().unwrap().2 = crc;
        }
        let trailer = sha(&pack);
        pack.extend(trailer);
        if form.lying_index && offsets.len() > 1 {
            (offsets[0].1, offsets[1].1) = (offsets[1].1, offsets[0].1);
        }
        offsets.sort();
        let mut fan_out = [0u32; 256];
        for (oid, ..) in &offsets {
            fan_out[oid.0[0] as usize..].iter_mut().for_each(|count| *count += 1);
        }
        let fan_out: Vec<u8> = fan_out.iter().flat_map(|count| count.to_be_bytes()).collect();
        let mut index = if form.index_version_1 {
            let entries = offsets.iter().flat_map(|(oid, at, _)| [&at.to_be_bytes()[..], &oid.0].concat());
            fan_out.into_iter().chain(entries).collect()
        } else {
            let oids: Vec<u8> = offsets.iter().flat_map(|it| it.0.0).collect();
            let checksums: Vec<u8> = offsets.iter().flat_map(|it| it.2.to_be_bytes()).collect();
            let places: Vec<u8> = offsets.iter().flat_map(|it| it.1.to_be_bytes()).collect();
            [&b"\xfftOc\0\0\0\x02"[..], &fan_out, &oids, &checksums, &places].concat()
        };
        index.extend(trailer);
        index.extend(sha(&index));
        let hex = Oid(trailer).to_string();
        let stem = format!("objects/pack/pack-{name}{}", &hex[name.len()..]);
        pack.truncate(pack.len() - form.cut.min(pack.len()));
        if !form.no_pack {
            self.file(&format!("{stem}.pack"), pack);
        }
        if !form.no_index {
            self.file(&format!("{stem}.idx"), index);
        }
    }
}

fn object_at(entries: &[Packed], at: usize) -> &Object {
    match &entries[at] {
        Packed::Whole(object) | Packed::OffsetDelta(object, _) | Packed::RefDelta(object, _) => object,
    }
}

fn entry_head(kind: u8, mut size: usize) -> Vec<u8> {
    let mut byte = kind << 4 | (size & 15) as u8;
    size >>= 4;
    let mut head = Vec::new();
    while size > 0 {
        head.push(byte | 0x80);
        byte = (size & 0x7f) as u8;
        size >>= 7;
    }
    head.push(byte);
    head
}

fn negative_offset(mut offset: usize) -> Vec<u8> {
    let mut bytes = vec![(offset & 0x7f) as u8];
    offset >>= 7;
    while offset > 0 {
        offset -= 1;
        bytes.insert(0, 0x80 | (offset & 0x7f) as u8);
        offset >>= 7;
    }
    bytes
}

/// A delta that copies what both start with and inserts the rest.
fn insert_all(base: &[u8], new: &[u8]) -> Vec<u8> {
    let size = |mut size: usize| {
        let mut bytes = Vec::new();
        while size >= 0x80 {
            bytes.push(0x80 | (size & 0x7f) as u8);
            size >>= 7;
        }
        bytes.push(size as u8);
        bytes
    };
    let mut delta = [size(base.len()), size(new.len())].concat();
    let same = base.iter().zip(new).take_while(|(a, b)| a == b).count().min(0xffff);
    if same > 0 {
        delta.extend([0x80 | 0x10 | 0x20, same as u8, (same >> 8) as u8]);
    }
    for part in new[same..].chunks(127) {
        delta.push(part.len() as u8);
        delta.extend(part);
    }
    delta
}

/// An entry of the index (gitformat-index).
#[derive(Debug, Clone)]
pub struct IndexEntry {
    pub mode: u32,
    pub oid: Oid,
    pub path: Vec<u8>,
    pub stage: u16,
    pub assume_valid: bool,
    pub skip_worktree: bool,
    pub intent_to_add: bool,
}

impl IndexEntry {
    pub fn new(path: &str, oid: Oid) -> Self {
        Self {
            mode: 0o100_644,
            oid,
            path: path.into(),
            stage: 0,
            assume_valid: false,
            skip_worktree: false,
            intent_to_add: false,
        }
    }
}

/// An index of version 2, 3 or 4 with these extensions, its checksum at the end or zeros there.
pub fn index(entries: &[IndexEntry], version: u32, extensions: &[(&[u8; 4], Vec<u8>)], has_checksum: bool) -> Vec<u8> {
    let mut out = [&b"DIRC"[..], &version.to_be_bytes(), &(entries.len() as u32).to_be_bytes()].concat();
    let mut last: &[u8] = b"";
    for entry in entries {
        let start = out.len();
        out.extend([0; 24]);
        out.extend(entry.mode.to_be_bytes());
        out.extend([0; 12]);
        out.extend(entry.oid.0);
        let extended = version > 2 && (entry.skip_worktree || entry.intent_to_add);
        let length = entry.path.len().min(0xfff) as u16;
        let flags = u16::from(entry.assume_valid) << 15 | u16::from(extended) << 14 | entry.stage << 12 | length;
        out.extend(flags.to_be_bytes());
        if extended {
            let more = u16::from(entry.skip_worktree) << 14 | u16::from(entry.intent_to_add) << 13;
            out.extend(more.to_be_bytes());
        }
        if version == 4 {
            let same = last.iter().zip(&entry.path).take_while(|(a, b)| a == b).count();
            out.extend(negative_offset(last.len() - same));
            out.extend(&entry.path[same..]);
            out.push(0);
        } else {
            out.extend(&entry.path);
            let padding = 8 - (out.len() - start) % 8;
            out.extend(vec![0; padding]);
        }
        last = &entry.path;
    }
    for (name, bytes) in extensions {
        out.extend(*name);
        out.extend((bytes.len() as u32).to_be_bytes());
        out.extend(bytes);
    }
    let checksum = if has_checksum { sha(&out) } else { [0; 20] };
    out.extend(checksum);
    out
}
