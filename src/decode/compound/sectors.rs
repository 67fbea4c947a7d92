//! Sectors and how they are chained ([MS-CFB] 2.1 to 2.5): those of a file, and the small ones of the stream in it that
//! holds all short streams.
//!
//! A sector belongs to one chain. It is marked when a chain takes it, so that no chain is a loop, and all chains together
//! are no longer than the file, whatever the tables say.

use std::io::{self, Read};
use std::ops::Range;
use std::vec;

/// Marks where a chain ends ([MS-CFB] 2.1).
const END: u32 = 0xFFFF_FFFE;
/// Marks a sector of no chain.
const FREE: u32 = 0xFFFF_FFFF;
/// The highest number that a sector can have.
const LAST: u32 = 0xFFFF_FFFA;

/// The header's length.
const HEADER: usize = 512;

/// What of the header is needed.
pub(super) struct Header {
    /// Length of a sector as a power of two.
    shift: u32,
    /// The same of the small sectors.
    pub mini_shift: u32,
    /// Whether sizes of streams have 64 bits; in version 3 the upper half may be anything.
    pub has_long_sizes: bool,
    /// Where the directory starts.
    pub directory: u32,
    /// Streams shorter than this are in small sectors.
    pub cutoff: u64,
    /// Where the small sectors' table starts.
    pub mini_table: u32,
    /// Where the list of the table's sectors goes on that starts in the header.
    more: u32,
}

impl Header {
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER)?;
        let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let (shift, mini_shift) = (u32::from(half(30)), u32::from(half(32)));
        let is_known = matches!(half(26), 3 | 4) && half(28) == 0xFFFE;
        let is_possible = (9..=16).contains(&shift) && (4..=shift).contains(&mini_shift);
        (is_known && is_possible).then(|| Self {
            shift,
            mini_shift,
            has_long_sizes: half(26) == 4,
            directory: word(header, 48).unwrap_or(END),
            cutoff: u64::from(word(header, 56).unwrap_or(0)),
            mini_table: word(header, 60).unwrap_or(END),
            more: word(header, 68).unwrap_or(END),
        })
    }
}

/// Sectors, and which of them follows which.
pub(super) struct Sectors<'a> {
    pub bytes: &'a [u8],
    /// Where the first one starts.
    pub first: usize,
    shift: u32,
    next: Vec<u32>,
    used: Vec<bool>,
}

/// Where the sectors of a chain are, those that stand one behind the other as one piece.
#[derive(Default)]
pub(super) struct Chain {
    pub pieces: Vec<Range<usize>>,
    pub length: usize,
    /// Whether it goes on in a sector that does not exist, or that belongs to another one.
    pub is_broken: bool,
}

impl<'a> Sectors<'a> {
    /// Those of a file, with the pieces that its table takes.
    pub fn of_file(bytes: &'a [u8], header: &Header) -> (Self, Chain) {
        let mut sectors = Self::new(bytes, 1 << header.shift, header.shift);
        let mut own = Chain::default();
        let mut tables = words(&bytes[76..HEADER]).collect::<Vec<_>>();
        let mut more = header.more;
        while let Some(piece) = sectors.take(more) {
            let mut list = words(&bytes[piece.clone()]).collect::<Vec<_>>();
            more = list.pop().unwrap_or(END);
            tables.append(&mut list);
            own.add(piece);
        }
        // Some writers end the list as if a free sector came next.
        own.is_broken = more <= LAST;
        // An entry of a table for each sector, and none for what is no sector.
        let most = sectors.used.len();
        for table in tables {
            if sectors.next.len() >= most {
                break;
            }
            if let Some(piece) = sectors.take(table) {
                sectors.next.extend(words(&bytes[piece.clone()]));
                own.add(piece);
            } else if table <= LAST {
                own.is_broken = true;
                // The entries behind it keep their places.
                sectors.next.resize(sectors.next.len() + (1 << header.shift) / 4, FREE);
            }
        }
        sectors.next.truncate(most);
        (sectors, own)
    }

    /// The small ones of `bytes`, with their table.
    pub fn of_stream(bytes: &'a [u8], header: &Header, table: &[u8]) -> Self {
        let mut sectors = Self::new(bytes, 0, header.mini_shift);
        sectors.next.extend(words(table).take(sectors.used.len()));
        sectors
    }

    fn new(bytes: &'a [u8], first: usize, shift: u32) -> Self {
        // The last one may be cut off where nothing is in it.
        let count = bytes.len().saturating_sub(first).div_ceil(1 << shift);
        Self { bytes, first, shift, next: Vec::new(), used: vec![false; count] }
    }

    /// Takes the sectors that start with `start`, up to the end, or to one that was taken before or is none.
    pub fn chain(&mut self, start: u32) -> Chain {
        let mut chain = Chain::default();
        let mut at = start;
        while let Some(piece) = self.take(at) {
            chain.add(piece);
            at = self.next.get(at as usize).copied().unwrap_or(FREE);
        }
        chain.is_broken = at != END;
        chain
    }

    /// What no chain has taken: chains that nobody names, then whatever is left.
    pub fn unused(&mut self) -> Vec<Chain> {
        let mut follows = vec![false; self.used.len()];
        for (at, next) in self.next.iter().enumerate() {
            if !self.used[at]
                && let Some(follows) = follows.get_mut(*next as usize)
            {
                *follows = true;
            }
        }
        let heads = self.next.iter().zip(&follows).enumerate();
        let heads = heads.filter(|(at, (next, follows))| !self.used[*at] && !**follows && **next != FREE);
        let heads = heads.map(|(at, _)| at as u32).collect::<Vec<_>>();
        let mut unused = heads.into_iter().map(|head| self.chain(head)).collect::<Vec<_>>();
        let mut left = Chain::default();
        for at in 0..self.used.len() {
            if let Some(piece) = self.take(at as u32) {
                left.add(piece);
            }
        }
        unused.extend(left.pieces.into_iter().map(|piece| Chain { pieces: vec![piece], ..Chain::default() }));
        unused
    }

    fn take(&mut self, sector: u32) -> Option<Range<usize>> {
        let used = self.used.get_mut(sector as usize).filter(|used| !**used)?;
        *used = true;
        let start = self.first + ((sector as usize) << self.shift);
        Some(start..(start + (1 << self.shift)).min(self.bytes.len()))
    }
}

impl Chain {
    fn add(&mut self, piece: Range<usize>) {
        self.length += piece.len();
        match self.pieces.last_mut() {
            Some(last) if last.end == piece.start => last.end = piece.end,
            _ => self.pieces.push(piece),
        }
    }

    /// What is in it, one piece after another.
    pub fn reader<'a>(&self, bytes: &'a [u8]) -> Pieces<'a> {
        Pieces { bytes, left: self.pieces.clone().into_iter(), now: &[] }
    }

    /// What is in it behind its first `size` bytes.
    pub fn behind<'a>(&self, size: usize, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut skip = size;
        self.pieces.iter().filter_map(move |piece| {
            let skipped = skip.min(piece.len());
            skip -= skipped;
            bytes.get(piece.start + skipped..piece.end).filter(|rest| !rest.is_empty())
        })
    }
}

/// Reads pieces of some bytes.
pub(super) struct Pieces<'a> {
    bytes: &'a [u8],
    left: vec::IntoIter<Range<usize>>,
    now: &'a [u8],
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.now.is_empty() {
            let Some(piece) = self.left.next() else { return Ok(0) };
            self.now = self.bytes.get(piece).unwrap_or_default();
        }
        self.now.read(buffer)
    }
}

/// The little-endian number at a place.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
}
