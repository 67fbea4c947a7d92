//! Compound files, cabinets and compiled help, with sectors in any order, folders in odd ones, and LZX without matches.

use flate2::{Compress, Compression, FlushCompress};

const END: u32 = 0xFFFF_FFFE;
const FREE: u32 = 0xFFFF_FFFF;
const SECTOR: usize = 512;
const SMALL: usize = 64;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn padded(bytes: &[u8], to: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(to), 0);
    bytes
}

/// A compound file ([MS-CFB]).
#[derive(Default)]
pub struct Compound {
    sectors: Vec<Vec<u8>>,
    table: Vec<u32>,
    small: Vec<u8>,
    small_table: Vec<u32>,
    /// Name, kind, parent, start, size.
    entries: Vec<(Vec<u16>, u8, usize, u32, u64)>,
}

impl Compound {
    pub fn new() -> Self {
        let mut file = Self::default();
        file.entry("Root Entry", 5, usize::MAX, END, 0);
        file
    }

    fn entry(&mut self, name: &str, kind: u8, parent: usize, start: u32, size: u64) -> usize {
        self.entries.push((name.encode_utf16().collect(), kind, parent, start, size));
        self.entries.len() - 1
    }

    /// Adds a stream at a path of storages; its sectors stand in reverse order.
    pub fn stream(mut self, path: &str, bytes: &[u8]) -> Self {
        let (start, size) = (self.chain(bytes), bytes.len() as u64);
        self.named(path, start, size);
        self
    }

    /// Adds a stream of these sectors, whatever they are.
    pub fn stream_at(mut self, path: &str, start: u32, size: u64) -> Self {
        self.named(path, start, size);
        self
    }

    /// Adds a chain that no entry names.
    pub fn orphan(mut self, bytes: &[u8]) -> Self {
        self.chain(bytes);
        self
    }

    /// Adds a sector that belongs to nothing.
    pub fn free(mut self, bytes: &[u8]) -> Self {
        self.sectors.push(padded(bytes, SECTOR));
        self.table.push(FREE);
        self
    }

    fn named(&mut self, path: &str, start: u32, size: u64) {
        let mut parent = 0;
        let mut names = path.split('/').collect::<Vec<_>>();
        let name = names.pop().unwrap();
        for storage in names {
            let units = storage.encode_utf16().collect::<Vec<_>>();
            let known = self.entries.iter().position(|it| it.0 == units && it.1 == 1 && it.2 == parent);
            parent = known.unwrap_or_else(|| self.entry(storage, 1, parent, 0, 0));
        }
        self.entry(name, 2, parent, start, size);
    }

    fn chain(&mut self, bytes: &[u8]) -> u32 {
        let is_small = bytes.len() < 4096;
        let length = if is_small { SMALL } else { SECTOR };
        let table = if is_small { &mut self.small_table } else { &mut self.table };
        let mut next = END;
        let pieces = bytes.chunks(length).collect::<Vec<_>>();
        for piece in pieces.iter().rev() {
            table.push(next);
            next = table.len() as u32 - 1;
            if is_small {
                self.small.extend(padded(piece, SMALL));
            } else {
                self.sectors.push(padded(piece, SECTOR));
            }
        }
        next
    }

    /// Adds what is the format's own.
    fn own(&mut self, bytes: &[u8], marked: Option<u32>) -> u32 {
        let start = self.table.len() as u32;
        let bytes = padded(bytes, SECTOR);
        for piece in bytes.chunks(SECTOR) {
            self.sectors.push(piece.to_vec());
            self.table.push(marked.unwrap_or(self.table.len() as u32 + 1));
        }
        if bytes.is_empty() {
            return END;
        }
        if marked.is_none() {
            *self.table.last_mut().unwrap() = END;
        }
        start
    }

    pub fn build(mut self) -> Vec<u8> {
        let small = std::mem::take(&mut self.small);
        let (start, size) = (self.own(&small, None), small.len() as u64);
        (self.entries[0].3, self.entries[0].4) = (start, size);
        let small_table = self.own(&words(&self.small_table.clone()), None);
        let mut directory = Vec::new();
        for (index, (name, kind, parent, start, size)) in self.entries.iter().enumerate() {
            let mut entry = name.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>();
            entry.resize(64, 0);
            entry.extend((name.len() as u16 * 2 + 2).to_le_bytes());
            entry.extend([*kind, 1]);
            // Each one's neighbour is the next one in the same storage.
            let find = |of: usize, from: usize| {
                let found = self.entries.iter().enumerate().skip(from).find(|(_, it)| it.2 == of);
                found.map_or(FREE, |(at, _)| at as u32)
            };
            let child = if *kind == 2 { FREE } else { find(index, index + 1) };
            let right = if index == 0 { FREE } else { find(*parent, index + 1) };
            entry.extend(words(&[FREE, right, child]));
            entry.resize(116, 0);
            entry.extend(start.to_le_bytes());
            entry.extend(size.to_le_bytes());
            directory.extend(entry);
        }
        let directory = self.own(&directory, None);
        let first = self.table.len() as u32;
        let count = (first / 127 + 1) as usize;
        assert!(count <= 109);
        self.table.extend(vec![0xFFFF_FFFD; count]);
        let mut table = self.table.clone();
        table.resize(count * 128, FREE);
        let mut out = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        out.resize(24, 0);
        out.extend(b"\x3e\0\x03\0\xfe\xff\x09\0\x06\0\0\0\0\0\0\0\0\0\0\0");
        let small_count = self.small_table.len().div_ceil(128) as u32;
        out.extend(words(&[count as u32, directory, 0, 4096, small_table, small_count, END, 0]));
        out.extend(words(&(0..count as u32).map(|at| first + at).collect::<Vec<_>>()));
        out.resize(SECTOR, 0xFF);
        out.extend(self.sectors.concat());
        out.extend(words(&table));
        out
    }
}

/// A name as Windows Installer writes it: two characters in one.
pub fn installer_name(name: &str) -> String {
    const PACKED: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    let place = |byte: &u8| PACKED.bytes().position(|it| it == *byte).unwrap() as u32;
    let pack = |pair: &[u8]| match pair {
        [first, second] => 0x3800 + place(first) + (place(second) << 6),
        [first] => 0x4800 + place(first),
        _ => unreachable!(),
    };
    name.as_bytes().chunks(2).map(|pair| char::from_u32(pack(pair)).unwrap()).collect()
}

/// A container of [MS-OVBA] 2.4.1, with as many references back as there can be.
pub fn macro_source(source: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    for chunk in source.chunks(4096) {
        let mut packed = Vec::new();
        let mut at = 0;
        while at < chunk.len() {
            let flags = packed.len();
            packed.push(0);
            for bit in 0..8 {
                if at == chunk.len() {
                    break;
                }
                let bits = (usize::BITS - at.saturating_sub(1).leading_zeros()).max(4);
                let longest = (0xFFFF_usize >> bits) + 3;
                let length = |from: usize| {
                    (0..longest.min(chunk.len() - at)).take_while(|it| chunk[from + it] == chunk[at + it]).count()
                };
                match (0..at).map(|from| (length(from), from)).max().filter(|(length, _)| *length >= 3) {
                    Some((length, from)) => {
                        let token = ((at - from - 1) << (16 - bits)) | (length - 3);
                        packed.extend((token as u16).to_le_bytes());
                        packed[flags] |= 1 << bit;
                        at += length;
                    }
                    None => {
                        packed.push(chunk[at]);
                        at += 1;
                    }
                }
            }
        }
        out.extend((0xB000 | (packed.len() as u16 - 1)).to_le_bytes());
        out.extend(packed);
    }
    out
}

/// A body of [MS-OXRTFCP], without a reference but the last one.
pub fn compressed_rtf(text: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for chunk in text.chunks(8) {
        packed.push(if chunk.len() < 8 { 1 << chunk.len() } else { 0 });
        packed.extend(chunk);
    }
    if text.len().is_multiple_of(8) {
        packed.push(1);
    }
    packed.extend((((207 + text.len() as u16) % 4096) << 4).to_be_bytes());
    let sizes = words(&[packed.len() as u32 + 12, text.len() as u32]);
    [&sizes[..], b"LZFu\0\0\0\0", &packed].concat()
}

/// A record of Excel's, or of what it has at its start.
pub fn record(kind: u16, bytes: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(bytes.len() as u16).to_le_bytes(), bytes].concat()
}

/// How a folder of a cabinet is compressed.
#[derive(Clone, Copy)]
pub enum Method {
    Stored,
    MsZip,
    Lzx,
    Other(u16),
}

/// A cabinet of one folder ([MS-CAB]); each file has a name, where it starts, and how long it is.
pub fn cabinet(method: Method, folder: &[u8], files: &[(&str, usize, usize)]) -> Vec<u8> {
    let blocks: Vec<Vec<u8>> = match method {
        Method::MsZip => ms_zip(folder),
        Method::Lzx => lzx(folder, usize::MAX, false),
        Method::Stored | Method::Other(_) => folder.chunks(32 << 10).map(<[u8]>::to_vec).collect(),
    };
    let method = match method {
        Method::Stored => 0,
        Method::MsZip => 1,
        Method::Lzx => 0x0F03,
        Method::Other(method) => method,
    };
    let mut list = Vec::new();
    for (name, start, size) in files {
        list.extend(words(&[*size as u32, *start as u32]));
        list.extend([0, 0, 0, 0, 0, 0, 0x20, 0]);
        list.extend(name.as_bytes());
        list.push(0);
    }
    let start = 36 + 8 + list.len();
    let mut data = Vec::new();
    for (block, plain) in blocks.iter().zip(folder.chunks(32 << 10)) {
        let head = [(block.len() as u16).to_le_bytes(), (plain.len() as u16).to_le_bytes()].concat();
        data.extend(checksum(&head, checksum(block, 0)).to_le_bytes());
        data.extend(head);
        data.extend(block);
    }
    let mut out = b"MSCF\0\0\0\0".to_vec();
    out.extend(words(&[(start + data.len()) as u32, 0, 44, 0]));
    out.extend(b"\x03\x01\x01\0");
    out.extend((files.len() as u16).to_le_bytes());
    out.extend([0; 6]);
    out.extend((start as u32).to_le_bytes());
    out.extend((blocks.len() as u16).to_le_bytes());
    out.extend(u16::to_le_bytes(method));
    [out, list, data].concat()
}

fn checksum(bytes: &[u8], seed: u32) -> u32 {
    let mut sum = seed;
    for word in bytes.chunks(4) {
        sum ^= match *word {
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            [a, b, c] => u32::from_be_bytes([0, a, b, c]),
            [a, b] => u32::from_be_bytes([0, 0, a, b]),
            [a] => u32::from(a),
            _ => 0,
        };
    }
    sum
}

/// One stream of deflate that is cut into blocks, each of which ends as if it were the last.
fn ms_zip(folder: &[u8]) -> Vec<Vec<u8>> {
    let mut deflate = Compress::new(Compression::best(), false);
    let blocks = folder.chunks(32 << 10).map(|plain| {
        let mut out = b"CK".to_vec();
        out.reserve(64 << 10);
        deflate.compress_vec(plain, &mut out, FlushCompress::Sync).unwrap();
        out.extend([3, 0]);
        out
    });
    blocks.collect()
}

/// LZX without matches: each byte as eight bits, of which a word's halves are exchanged. Compression starts anew after every
/// `interval` blocks, the last of which may have to be a whole one.
pub fn lzx(bytes: &[u8], interval: usize, is_whole: bool) -> Vec<Vec<u8>> {
    const BLOCK: usize = 32 << 10;
    let bytes = if is_whole { padded(bytes, BLOCK) } else { bytes.to_vec() };
    let mut blocks = Vec::new();
    for part in bytes.chunks(interval.saturating_mul(BLOCK)) {
        for (index, block) in part.chunks(BLOCK).enumerate() {
            let mut bits = Bits::default();
            if index == 0 {
                // No translation; a block with trees, and its size.
                bits.put(0, 1);
                bits.put(1, 3);
                bits.put(part.len() as u32, 24);
                // Of 256 bytes each has eight bits, no match has any, nor any length.
                for (length, count) in [(9, 256), (0, 240), (0, 249)] {
                    (0..20).for_each(|code| bits.put(u32::from(code == length || code == 10), 4));
                    (0..count).for_each(|_| bits.put(0, 1));
                }
            }
            block.iter().for_each(|byte| bits.put(u32::from(*byte), 8));
            blocks.push(bits.done());
        }
    }
    blocks
}

#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    word: u16,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            self.word = self.word << 1 | (value >> at & 1) as u16;
            self.count += 1;
            if self.count == 16 {
                self.out.extend(self.word.to_le_bytes());
                self.count = 0;
            }
        }
    }

    fn done(mut self) -> Vec<u8> {
        while self.count != 0 {
            self.put(0, 1);
        }
        self.out
    }
}

/// Compiled help: files as they are, and files of a section that LZX compresses, one behind the other.
pub fn compiled_help(plain: &[(&str, &[u8])], packed: &[(&str, &[u8])]) -> Vec<u8> {
    const INTERVAL: usize = 2;
    let section = packed.iter().flat_map(|(_, bytes)| *bytes).copied().collect::<Vec<u8>>();
    let blocks = lzx(&section, INTERVAL, true);
    let mut table = words(&[2, blocks.len() as u32, 8, 40, section.len() as u32, 0]);
    let length: usize = blocks.iter().map(Vec::len).sum();
    table.extend(words(&[length as u32, 0, 0x8000, 0]));
    let mut at = 0_u64;
    for block in &blocks {
        table.extend(at.to_le_bytes());
        at += block.len() as u64;
    }
    let control = [words(&[6]), b"LZXC".to_vec(), words(&[2, INTERVAL as u32, 1, 1, 0])].concat();
    let blocks = blocks.concat();
    let own = "::DataSpace/Storage/MSCompressed/";
    let table_name = "Transform/{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable";
    let names = [format!("{own}Content"), format!("{own}ControlData"), format!("{own}{table_name}")];
    let own = names.iter().map(String::as_str).zip([&blocks[..], &control, &table]);
    let (mut listing, mut content, mut start) = (Vec::new(), Vec::new(), 0);
    let mut list = |name: &str, section: usize, start: usize, size: usize| {
        listing.extend(number(name.len()));
        listing.extend(name.as_bytes());
        listing.extend([section, start, size].into_iter().flat_map(number));
    };
    for (name, bytes) in plain.iter().copied().chain(own) {
        list(name, 0, content.len(), bytes.len());
        content.extend(bytes);
    }
    for (name, bytes) in packed {
        list(name, 1, start, bytes.len());
        start += bytes.len();
    }
    let chunk = 4096;
    let free = chunk - 20 - listing.len();
    let mut directory = b"ITSP".to_vec();
    directory.extend(words(&[1, 0x54, 10, chunk as u32]));
    directory.resize(0x54, 0);
    directory.extend(b"PMGL");
    directory.extend(words(&[free as u32, 0, FREE, FREE]));
    directory.extend(listing);
    directory.resize(0x54 + chunk, 0);
    let mut out = b"ITSF\x03\0\0\0\x60\0\0\0".to_vec();
    out.resize(0x48, 0);
    let offset = 0x60;
    for value in [offset, directory.len(), offset + directory.len()] {
        out.extend((value as u64).to_le_bytes());
    }
    [out, directory, content].concat()
}

fn number(value: usize) -> Vec<u8> {
    let mut out = vec![(value & 0x7F) as u8];
    let mut value = value >> 7;
    while value > 0 {
        out.insert(0, (value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out
}
