//! The directory of a compound file ([MS-CFB] 2.6): storages, which are folders, and streams, which are files.
//!
//! Entries are read one after another, not along the tree that they make: the tree only tells in which storage each is,
//! so that one that it does not reach is read as well.

use super::sectors::word;

/// Bytes of an entry.
const ENTRY: usize = 128;
/// Storages whose names a path has at most.
const DEEPEST: usize = 16;

/// All entries.
pub(super) struct Directory {
    entries: Vec<Entry>,
}

/// A storage or a stream.
pub(super) struct Entry {
    pub name: String,
    kind: u8,
    parent: Option<usize>,
    /// Its first sector.
    pub start: u32,
    pub size: u64,
}

impl Directory {
    pub fn parse(bytes: &[u8], has_long_sizes: bool) -> Self {
        let entries = bytes.chunks_exact(ENTRY).map(|bytes| Entry::parse(bytes, has_long_sizes));
        let mut entries: Vec<Entry> = entries.collect();
        // The root has a storage's entries below it, as every storage has.
        let links = |at: usize| [68, 72, 76].map(|link| word(bytes, at * ENTRY + link).unwrap_or(u32::MAX));
        let mut seen = vec![false; entries.len()];
        let mut to_do = vec![(0, None)];
        while let Some((at, parent)) = to_do.pop() {
            if seen.get(at) != Some(&false) {
                continue;
            }
            seen[at] = true;
            entries[at].parent = parent;
            let [left, right, child] = links(at);
            to_do.extend([(left as usize, parent), (right as usize, parent), (child as usize, Some(at))]);
        }
        Self { entries }
    }

    /// The stream that holds all short ones.
    pub fn root(&self) -> Option<&Entry> {
        self.entries.first().filter(|entry| entry.kind == 5)
    }

    /// Whether each entry is one of those that there are: of no kind, a storage, a stream, a root.
    pub fn is_sound(&self) -> bool {
        self.entries.iter().all(|entry| matches!(entry.kind, 0 | 1 | 2 | 5))
    }

    /// All streams, in the order of their entries.
    pub fn streams(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind == 2)
    }

    /// Names of everything, one a line.
    pub fn names(&self) -> String {
        self.entries.iter().map(|entry| format!("{}\n", entry.name)).collect()
    }

    /// The name of the storage that an entry is in.
    pub fn storage(&self, entry: &Entry) -> &str {
        entry.parent.map_or("", |parent| &self.entries[parent].name)
    }

    /// Names of the storages that an entry is in, and its own.
    pub fn path(&self, entry: &Entry) -> String {
        let mut names = vec![entry.name.as_str()];
        let mut at = entry.parent;
        while let Some(parent) = at.filter(|_| names.len() < DEEPEST) {
            at = self.entries[parent].parent;
            // The root's name is the same everywhere.
            if at.is_some() {
                names.push(&self.entries[parent].name);
            }
        }
        names.reverse();
        names.join("/")
    }
}

impl Entry {
    fn parse(bytes: &[u8], has_long_sizes: bool) -> Self {
        let length = usize::from(u16::from_le_bytes([bytes[64], bytes[65]])).clamp(2, 64) - 2;
        let units = bytes[..length].chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let number = |at: usize| word(bytes, at).unwrap_or(0);
        let high = if has_long_sizes { number(124) } else { 0 };
        Self {
            name: name(units),
            kind: bytes[66],
            parent: None,
            start: number(116),
            size: u64::from(high) << 32 | u64::from(number(120)),
        }
    }
}

/// A name without control characters, which say what a stream is for. Those of Windows Installer's streams have two
/// characters of 64 in one, so that they fit: libmsi's and Wine's sources tell how.
fn name(units: impl Iterator<Item = u16>) -> String {
    const PACKED: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    let character = |of: u16| char::from(PACKED[usize::from(of & 63)]);
    let mut unpacked = String::new();
    let mut plain = Vec::new();
    let flush = |plain: &mut Vec<u16>, unpacked: &mut String| {
        let text = char::decode_utf16(plain.drain(..)).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER));
        unpacked.extend(text.filter(|it| !it.is_control()));
    };
    for unit in units {
        if !(0x3800..=0x4840).contains(&unit) {
            plain.push(unit);
            continue;
        }
        flush(&mut plain, &mut unpacked);
        match unit - 0x3800 {
            // Before the name of a table.
            0x1040 => {}
            one @ 0x1000.. => unpacked.push(character(one)),
            two => unpacked.extend([character(two), character(two >> 6)]),
        }
    }
    flush(&mut plain, &mut unpacked);
    unpacked
}
