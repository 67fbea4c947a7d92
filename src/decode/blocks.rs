//! What the simple formats of the LZ family share: a stream of blocks that refer to what came before them.

use std::io::{self, Read};

/// Bytes that a block may refer to in those before it.
const WINDOW: usize = 64 << 10;

/// Gives blocks one after the other.
pub(super) trait Blocks {
    /// Appends a block to what came before it, of which the last 64 KiB are there at least; `false` at the end. What was
    /// appended before an error counts.
    fn next(&mut self, out: &mut Vec<u8>) -> io::Result<bool>;
}

/// Reads blocks as one content.
pub(super) struct Blockwise<B> {
    pub blocks: B,
    out: Vec<u8>,
    /// Where what was not handed out starts.
    at: usize,
    failed: Option<io::Error>,
}

impl<B> Blockwise<B> {
    pub fn new(blocks: B) -> Self {
        Self { blocks, out: Vec::new(), at: 0, failed: None }
    }
}

impl<B: Blocks> Read for Blockwise<B> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.at == self.out.len() {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            self.out.drain(..self.out.len().saturating_sub(WINDOW));
            self.at = self.out.len();
            match self.blocks.next(&mut self.out) {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => self.failed = Some(error),
            }
        }
        let count = room.len().min(self.out.len() - self.at);
        room[..count].copy_from_slice(&self.out[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Appends `length` bytes that stand `distance` before the end, as far as they are there; they may overlap what they make.
pub(super) fn repeat(out: &mut Vec<u8>, distance: usize, length: usize) -> io::Result<()> {
    let Some(start) = out.len().checked_sub(distance).filter(|_| distance > 0) else {
        return Err(wrong("it refers to bytes before its start"));
    };
    let mut left = length;
    while left > 0 {
        let count = left.min(out.len() - start);
        out.extend_from_within(start..start + count);
        left -= count;
    }
    Ok(())
}

/// Takes bytes from the front.
pub(super) fn take<'a>(bytes: &mut &'a [u8], count: usize) -> io::Result<&'a [u8]> {
    let (taken, after) = bytes.split_at_checked(count).ok_or_else(|| wrong("it ends too early"))?;
    *bytes = after;
    Ok(taken)
}

pub(super) fn take_byte(bytes: &mut &[u8]) -> io::Result<u8> {
    take(bytes, 1).map(|it| it[0])
}

/// Takes a number of four bytes, the lowest first.
pub(super) fn take_u32(bytes: &mut &[u8]) -> io::Result<u32> {
    take(bytes, 4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
}

pub(super) fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
