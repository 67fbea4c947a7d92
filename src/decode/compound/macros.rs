//! Macros of Office's ([MS-OVBA] 2.4.1): their source is compressed, at the end of a module's stream.
//!
//! Where in the stream it starts stands in another stream. It is not asked: the source is a chain of chunks that ends where
//! the stream ends, and such a chain is found from behind. So nothing depends on whether the other stream is as it should be.

use std::io::{self, Read};

/// Most bytes that a chunk stands for.
const CHUNK: usize = 4096;

/// What starts at a byte of a stream.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Nothing,
    /// The first of a chain of chunks up to the stream's end.
    Chunk,
    /// The same, and part of a source.
    Taken,
}

/// All sources in a module's stream, or in the one that lists the modules: mostly one.
pub(super) struct Sources<'a> {
    stream: &'a [u8],
    places: Vec<Place>,
    at: usize,
    /// Bytes that may still be looked at: chains that cross one another could make it many times those of the stream.
    left: usize,
}

impl<'a> Sources<'a> {
    pub fn of(stream: &'a [u8]) -> Self {
        let mut places = vec![Place::Nothing; stream.len() + 1];
        places[stream.len()] = Place::Taken;
        for at in (0..stream.len()).rev() {
            if Chunk::at(stream, at).is_some_and(|chunk| places[chunk.end] != Place::Nothing) {
                places[at] = Place::Chunk;
            }
        }
        Self { stream, places, at: 0, left: 16 * (stream.len() + CHUNK) }
    }

    /// Whether there is more than what may be looked at.
    pub fn is_too_much(&self) -> bool {
        self.left == 0
    }

    /// The chunks from one on that are in no source yet, if each is as it should be.
    fn source(&mut self, start: usize) -> Option<Source<'a>> {
        let mut at = start;
        let mut starts = Vec::new();
        let mut is_sound = true;
        while is_sound && self.places[at] == Place::Chunk {
            starts.push(at);
            let chunk = Chunk::at(self.stream, at)?;
            self.left = self.left.saturating_sub(chunk.end - at);
            is_sound = self.left > 0 && chunk.is_sound(self.stream);
            at = chunk.end;
        }
        let place = if is_sound { Place::Taken } else { Place::Nothing };
        starts.iter().for_each(|start| self.places[*start] = place);
        is_sound.then(|| Source { stream: &self.stream[..at], at: start, now: Vec::new(), given: 0 })
    }
}

impl<'a> Iterator for Sources<'a> {
    type Item = Source<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        // A byte of 1 stands before the first chunk.
        while let Some(found) = memchr::memchr(1, &self.stream[self.at..]) {
            self.at += found + 1;
            if self.places[self.at] == Place::Chunk
                && let Some(source) = self.source(self.at)
            {
                return Some(source);
            }
        }
        None
    }
}

struct Chunk {
    start: usize,
    end: usize,
    is_compressed: bool,
}

impl Chunk {
    fn at(stream: &[u8], at: usize) -> Option<Self> {
        let header = u16::from_le_bytes([*stream.get(at)?, *stream.get(at + 1)?]);
        let end = at + usize::from(header & 0xFFF) + 3;
        let is_one = header >> 12 & 7 == 3 && end <= stream.len();
        is_one.then_some(Self { start: at + 2, end, is_compressed: header >> 15 == 1 })
    }

    /// Whether it can be unpacked.
    fn is_sound(&self, stream: &[u8]) -> bool {
        let mut length = 0;
        !self.is_compressed
            || tokens(&stream[self.start..self.end], |token| {
                let (offset, more) = match token {
                    Token::Byte(_) => (0, 1),
                    Token::Copy { offset, length } => (offset, length),
                };
                let is_sound = offset <= length;
                length += more;
                (is_sound && length <= CHUNK).then_some(length)
            })
    }

    fn unpack(&self, stream: &[u8], out: &mut Vec<u8>) {
        let packed = &stream[self.start..self.end];
        if !self.is_compressed {
            return out.extend_from_slice(packed);
        }
        tokens(packed, |token| {
            match token {
                Token::Byte(byte) => out.push(byte),
                Token::Copy { offset, length } => {
                    for _ in 0..length {
                        out.push(*out.get(out.len().checked_sub(offset)?)?);
                    }
                }
            }
            Some(out.len())
        });
    }
}

enum Token {
    Byte(u8),
    Copy { offset: usize, length: usize },
}

/// Gives each token of a chunk to `take`, which says how long the chunk is with it; false if that, or the chunk, fails.
fn tokens(packed: &[u8], mut take: impl FnMut(Token) -> Option<usize>) -> bool {
    let mut packed = packed.iter().copied();
    let mut so_far = 0_usize;
    let mut next = |flags: u8, bit: u32, first: u8, packed: &mut dyn Iterator<Item = u8>| {
        let token = if flags >> bit & 1 == 0 {
            Token::Byte(first)
        } else {
            let token = u16::from_le_bytes([first, packed.next()?]);
            // As many bits for the offset as what is there so far can need.
            let bits = (usize::BITS - so_far.checked_sub(1)?.leading_zeros()).max(4);
            let offset = usize::from(token >> (16 - bits)) + 1;
            Token::Copy { offset, length: usize::from(token & (0xFFFF >> bits)) + 3 }
        };
        so_far = take(token)?;
        Some(())
    };
    while let Some(flags) = packed.next() {
        for bit in 0..8 {
            let Some(first) = packed.next() else { return true };
            if next(flags, bit, first, &mut packed).is_none() {
                return false;
            }
        }
    }
    true
}

/// Reads a source.
pub(super) struct Source<'a> {
    stream: &'a [u8],
    at: usize,
    now: Vec<u8>,
    given: usize,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.now.len()
            && let Some(chunk) = Chunk::at(self.stream, self.at)
        {
            self.now.clear();
            self.given = 0;
            chunk.unpack(self.stream, &mut self.now);
            self.at = chunk.end;
        }
        let read = (&self.now[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}
