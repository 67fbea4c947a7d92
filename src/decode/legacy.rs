//! The methods of PKZIP's first version (APPNOTE 5.1 and 5.3): shrinking, which is LZW, and imploding, which is LZ77 with
//! Shannon-Fano codes.

use std::io;

use super::blocks::{Blocks, wrong};

/// Bytes of a content that are made at a time.
const BLOCK: usize = 64 << 10;

/// Bits, the lowest of a byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> io::Result<usize> {
        let byte = self.bytes.get(self.at / 8).ok_or_else(|| wrong("it ends too early"))?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Ok(bit.into())
    }

    fn number(&mut self, bits: usize) -> io::Result<usize> {
        (0..bits).try_fold(0, |value, place| Ok(value | self.bit()? << place))
    }
}

/// Reads what is shrunk.
pub(super) struct Shrunk<'a> {
    bits: Bits<'a>,
    width: usize,
    /// What each code from 256 on stands for, and the code of all of it but the last byte.
    table: Vec<Option<(usize, Vec<u8>)>>,
    /// The last code that was given away.
    last: usize,
    before: Option<(usize, Vec<u8>)>,
    /// Bytes that are still to come.
    left: u64,
}

/// The code that another one follows: 1 for wider codes, 2 for a table without what nothing was added to.
const CONTROL: usize = 256;
const WIDEST: usize = 13;

impl<'a> Shrunk<'a> {
    pub fn new(bytes: &'a [u8], size: u64) -> Self {
        let table = vec![None; 1 << WIDEST];
        Self { bits: Bits { bytes, at: 0 }, width: 9, table, last: CONTROL, before: None, left: size }
    }

    fn clear(&mut self) {
        let mut is_parent = vec![false; self.table.len()];
        for (parent, _) in self.table.iter().flatten() {
            is_parent[*parent] = true;
        }
        for (entry, is_parent) in self.table.iter_mut().zip(is_parent) {
            if !is_parent {
                *entry = None;
            }
        }
        self.last = CONTROL;
    }

    fn text(&self, code: usize) -> io::Result<Vec<u8>> {
        if let Ok(byte) = u8::try_from(code) {
            return Ok(vec![byte]);
        }
        match (&self.table[code], &self.before) {
            (Some((_, text)), _) => Ok(text.clone()),
            // What is about to be added.
            (None, Some((_, before))) => Ok([before.as_slice(), &before[..1]].concat()),
            (None, None) => Err(wrong("it has a code that stands for nothing")),
        }
    }
}

impl Blocks for Shrunk<'_> {
    fn next(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let end = out.len() + BLOCK;
        while self.left > 0 && out.len() < end {
            let code = self.bits.number(self.width)?;
            if code == CONTROL {
                match self.bits.number(self.width)? {
                    1 if self.width < WIDEST => self.width += 1,
                    2 => self.clear(),
                    _ => return Err(wrong("it has a control code that is not known")),
                }
                continue;
            }
            let text = self.text(code)?;
            out.extend_from_slice(&text);
            self.left = self.left.saturating_sub(text.len() as u64);
            if let Some((parent, mut before)) = self.before.take() {
                let free = (self.last + 1..self.table.len()).find(|code| self.table[*code].is_none());
                self.last = free.unwrap_or(self.table.len());
                if let Some(entry) = self.table.get_mut(self.last) {
                    before.push(text[0]);
                    *entry = Some((parent, before));
                }
            }
            self.before = Some((code, text));
        }
        Ok(out.len() > end - BLOCK)
    }
}

/// Reads what is imploded.
pub(super) struct Imploded<'a> {
    bits: Bits<'a>,
    /// Codes of bytes, unless these stand as they are; of lengths; of the high bits of distances.
    trees: Option<(Option<Tree>, Tree, Tree)>,
    has_literals: bool,
    /// Low bits of distances.
    low: usize,
    left: u64,
}

impl<'a> Imploded<'a> {
    /// With the flags of the entry, of which two are this method's.
    pub fn new(bytes: &'a [u8], flags: u16, size: u64) -> Self {
        let low = if flags & 2 == 0 { 6 } else { 7 };
        Self { bits: Bits { bytes, at: 0 }, trees: None, has_literals: flags & 4 != 0, low, left: size }
    }
}

impl Blocks for Imploded<'_> {
    fn next(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let bits = &mut self.bits;
        if self.trees.is_none() {
            let literals = if self.has_literals { Some(Tree::read(bits, 256)?) } else { None };
            self.trees = Some((literals, Tree::read(bits, 64)?, Tree::read(bits, 64)?));
        }
        let Some((literals, lengths, distances)) = &self.trees else { return Ok(false) };
        let shortest = if self.has_literals { 3 } else { 2 };
        let start = out.len();
        while self.left > 0 && out.len() < start + BLOCK {
            if bits.bit()? == 1 {
                let byte = match literals {
                    Some(tree) => tree.symbol(bits)?,
                    None => bits.number(8)?,
                };
                out.push(byte as u8);
                self.left -= 1;
                continue;
            }
            let low = bits.number(self.low)?;
            let distance = (distances.symbol(bits)? << self.low | low) + 1;
            let mut length = lengths.symbol(bits)?;
            if length == 63 {
                length += bits.number(8)?;
            }
            for _ in 0..length + shortest {
                // Before the first byte there are zeros.
                let byte = out.len().checked_sub(distance).map_or(0, |at| out[at]);
                out.push(byte);
            }
            self.left = self.left.saturating_sub((length + shortest) as u64);
        }
        Ok(out.len() > start)
    }
}

/// A code, as branches for each bit: another branch, or a symbol.
struct Tree(Vec<[Branch; 2]>);

#[derive(Clone, Copy)]
enum Branch {
    None,
    To(usize),
    Symbol(usize),
}

impl Tree {
    /// Reads the lengths of the codes of so many symbols: how many bytes, then runs of one length each.
    fn read(bits: &mut Bits<'_>, symbols: usize) -> io::Result<Self> {
        let damaged = || wrong("its codes are damaged");
        let mut lengths = Vec::new();
        for _ in 0..=bits.number(8)? {
            let run = bits.number(8)?;
            lengths.resize(lengths.len() + (run >> 4) + 1, (run & 15) + 1);
        }
        if lengths.len() != symbols {
            return Err(damaged());
        }
        let mut order: Vec<usize> = (0..symbols).collect();
        order.sort_by_key(|symbol| lengths[*symbol]);
        let mut tree = Self(vec![[Branch::None; 2]]);
        let mut code = 0_u32;
        // From the longest code on, which starts with zeros.
        for symbol in order.into_iter().rev() {
            let length = lengths[symbol];
            if code > 0xffff {
                return Err(damaged());
            }
            tree.add(code, length, symbol).ok_or_else(damaged)?;
            code += 1 << (16 - length);
        }
        Ok(tree)
    }

    fn add(&mut self, code: u32, length: usize, symbol: usize) -> Option<()> {
        let mut at = 0;
        for place in 0..length {
            let bit = (code >> (15 - place) & 1) as usize;
            let is_last = place + 1 == length;
            at = match self.0[at][bit] {
                Branch::None if is_last => {
                    self.0[at][bit] = Branch::Symbol(symbol);
                    return Some(());
                }
                Branch::None => {
                    let next = self.0.len();
                    self.0[at][bit] = Branch::To(next);
                    self.0.push([Branch::None; 2]);
                    next
                }
                Branch::To(next) if !is_last => next,
                _ => return None,
            };
        }
        None
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> io::Result<usize> {
        let mut at = 0;
        loop {
            at = match self.0[at][bits.bit()?] {
                Branch::To(next) => next,
                Branch::Symbol(symbol) => return Ok(symbol),
                Branch::None => return Err(wrong("it has a code that stands for nothing")),
            };
        }
    }
}
