//! The text of stretches, and where in the content each of them starts.

#![expect(clippy::cast_possible_truncation, reason = "positions are those of bytes that lie in memory")]

use zeroize::Zeroizing;

/// Where a stretch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Where its text starts in the text of all stretches.
    pub text: u64,
    /// Its first line in that text, counted from 1. Its text starts a line of its own.
    pub line: u64,
    /// Where it starts in the content.
    pub raw: u64,
    /// Line and column there.
    pub place: (u64, u64),
    /// Bytes of a unit.
    pub(super) width: usize,
}

impl Start {
    /// Bytes that `text`, a part of the stretch, takes in the content.
    pub fn length(&self, text: &[u8]) -> u64 {
        let characters = text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        // Beyond the first 65,536 characters UTF-16 takes two units.
        let pairs = if self.width == 2 { text.iter().filter(|byte| **byte >= 0xf0).count() } else { 0 };
        ((characters + pairs) * self.width) as u64
    }
}

/// The text of all stretches, but for what was forgotten.
#[derive(Debug)]
pub struct Text {
    /// Without its first `forgotten` bytes.
    bytes: Zeroizing<Vec<u8>>,
    forgotten: u64,
    /// The line at its end.
    line: u64,
    starts: Vec<Start>,
}

impl Default for Text {
    fn default() -> Self {
        Self { bytes: Zeroizing::default(), forgotten: 0, line: 1, starts: Vec::new() }
    }
}

impl Text {
    /// What is not forgotten, and where stretches start in it.
    pub fn parts(&self) -> (&[u8], &[Start]) {
        (&self.bytes, &self.starts)
    }

    /// Forgets the first `count` bytes. A stretch of which more is left starts after them.
    pub fn forget(&mut self, count: usize) {
        let to = self.forgotten + count as u64;
        let gone = self.starts.partition_point(|start| start.text <= to).saturating_sub(1);
        self.starts.drain(..gone);
        if let Some(first) = self.starts.first_mut().filter(|first| first.text < to) {
            let passed = &self.bytes[(first.text - self.forgotten) as usize..count];
            first.raw += first.length(passed);
            first.text = to;
        }
        self.bytes.drain(..count);
        self.forgotten = to;
    }

    /// Whether nothing is in it, or all was forgotten.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes that it has had.
    pub(super) fn end(&self) -> u64 {
        self.forgotten + self.bytes.len() as u64
    }

    /// Its bytes from `from` on.
    pub(super) fn tail(&self, from: u64) -> &[u8] {
        let from = from.saturating_sub(self.forgotten) as usize;
        &self.bytes[from.min(self.bytes.len())..]
    }

    /// Begins a stretch, on a line of its own.
    pub(super) fn start(&mut self, is_behind_binary: bool, raw: u64, width: usize, place: (u64, u64)) {
        if is_behind_binary {
            self.bytes.push(0);
        }
        if self.bytes.last().is_some_and(|byte| *byte != b'\n') {
            self.push(b'\n');
        }
        self.starts.push(Start { text: self.end(), line: self.line, raw, width, place });
    }

    /// Shows that what stands behind it is no text.
    pub(super) fn end_in_binary(&mut self) {
        self.push(b'\n');
        self.bytes.push(0);
    }

    /// Takes back a stretch that starts at `raw`, where it ended as well.
    pub(super) fn drop_empty(&mut self, raw: u64) -> bool {
        self.starts.pop_if(|start| start.raw == raw).is_some()
    }

    /// Adds a character of ASCII.
    pub(super) fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
        self.line += u64::from(byte == b'\n');
    }

    /// Adds one that is none, and no line break.
    pub(super) fn push_other(&mut self, character: char) {
        self.bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Adds characters of ASCII.
    pub(super) fn extend(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.line += memchr::memchr_iter(b'\n', text).count() as u64;
    }

    /// Takes back the last character, which is one of ASCII.
    pub(super) fn pop(&mut self) {
        self.line -= u64::from(self.bytes.pop() == Some(b'\n'));
    }

    /// Line and column in the content of what stands `back` bytes before the end, in the last stretch.
    pub(super) fn place(&self, back: usize) -> (u64, u64) {
        let Some(start) = self.starts.last() else { return (1, 1) };
        let at = self.bytes.len() - back.min(self.bytes.len());
        let line = self.line - memchr::memchr_iter(b'\n', &self.bytes[at..]).count() as u64;
        let from = start.text.saturating_sub(self.forgotten) as usize;
        let own = &self.bytes[from.min(at)..at];
        let own = memchr::memrchr(b'\n', own).map_or(own, |end| &own[end + 1..]);
        let characters = own.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64;
        let before = if line == start.line { start.place.1 } else { 1 };
        (start.place.0 + line.saturating_sub(start.line), before + characters)
    }
}
