//! One compressed content: gzip, bzip2, xz, LZMA, lzip, LZ4, Snappy, `compress` and Zstandard.
//!
//! Members and frames that follow one another are one content. What their headers say, what skippable frames hold and what
//! stands behind the last member is the rest.

use std::io::{self, BufRead, Read};

use super::blocks::Blockwise;
use super::container::{DICTIONARY_KIB, Kind, Unpacker, damaged};
use super::rest::Rest;
use super::{lz4, lzma, lzw, snappy, zstd};
use crate::gap::GapCode;

pub(super) fn gzip(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    members(walk, Members::<flate2::bufread::GzDecoder<&[u8]>>::new(bytes), path, depth);
}

pub(super) fn bzip2(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    members(walk, Members::<bzip2::bufread::BzDecoder<&[u8]>>::new(bytes), path, depth);
}

pub(super) fn xz(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    members(walk, Members::<lzma_rust2::XzReader<&[u8]>>::new(bytes), path, depth);
}

pub(super) fn lzma(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    members(walk, Members::<Alone<'_>>::new(bytes), path, depth);
}

pub(super) fn lzip(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    members(walk, Members::<Lzip<'_>>::new(bytes), path, depth);
}

pub(super) fn lz4(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    members(walk, Members::<Blockwise<lz4::Frame<'_>>>::new(bytes), path, depth);
}

pub(super) fn snappy(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    members(walk, Members::<Blockwise<snappy::Chunks<'_>>>::new(bytes), path, depth);
}

/// Nothing can follow what `compress` writes: a file is codes up to its end.
pub(super) fn lzw(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    stream(walk, Blockwise::new(lzw::Codes::new(bytes)), path, depth);
}

pub(super) fn zstd(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    let end = zstd::end_of_frames(bytes, |skippable| rest.add(skippable));
    match zstd::frames(&bytes[..end]) {
        Ok(reader) => stream(walk, reader, path, depth),
        Err(error) => walk.gap(path, GapCode::Damaged, damaged(&error)),
    }
    walk.lost(&bytes[end..], 0, Kind::Zstd, path, depth, &mut rest);
    walk.rest(&rest, path);
}

fn members<'a, M: Member<'a>>(walk: &mut Unpacker<'_>, mut members: Members<'a, M>, path: &str, depth: usize) {
    stream(walk, &mut members, path, depth);
    let Members { after, mut rest, is_over, .. } = members;
    // A member that was not read to its end, which is said, would be opened again.
    if is_over {
        walk.lost(after, 0, M::KIND, path, depth, &mut rest);
    }
    walk.rest(&rest, path);
}

/// One compressed content; a tar or cpio in it goes by the name of the whole.
fn stream(walk: &mut Unpacker<'_>, reader: impl Read, path: &str, depth: usize) {
    walk.read(reader, path, |walk, bytes, cut| {
        if let Some(kind @ (Kind::Tar | Kind::Cpio)) = Kind::of(bytes) {
            walk.say(path, cut);
            return walk.open(bytes, kind, path, depth + 1);
        }
        walk.entry(bytes, cut, &format!("{path}!/{}", stem(path)), depth);
    });
}

/// The name of what is compressed at `path`.
pub fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// What decompresses one member.
trait Member<'a>: Read + Sized {
    const KIND: Kind;

    /// Whether a member starts here.
    fn starts(bytes: &[u8]) -> bool;

    fn open(bytes: &'a [u8]) -> io::Result<Self>;

    /// What follows the member, which started with `member` and was read to its end.
    fn close(self, member: &'a [u8], rest: &mut Rest) -> &'a [u8];
}

impl<'a> Member<'a> for flate2::bufread::GzDecoder<&'a [u8]> {
    const KIND: Kind = Kind::Gzip;

    fn starts(bytes: &[u8]) -> bool {
        bytes.starts_with(&[0x1f, 0x8b, 8])
    }

    fn open(bytes: &'a [u8]) -> io::Result<Self> {
        Ok(Self::new(bytes))
    }

    fn close(self, member: &'a [u8], rest: &mut Rest) -> &'a [u8] {
        if let Some(header) = self.header() {
            let fields = [header.extra(), header.filename(), header.comment()].map(Option::unwrap_or_default);
            fields.iter().for_each(|field| rest.add(field));
            // Ten bytes, two for a length and one behind each text.
            let length = 14 + fields.iter().map(|field| field.len()).sum::<usize>();
            rest.add(&member[..length.min(member.len())]);
        }
        self.into_inner()
    }
}

impl<'a> Member<'a> for bzip2::bufread::BzDecoder<&'a [u8]> {
    const KIND: Kind = Kind::Bzip2;

    fn starts(bytes: &[u8]) -> bool {
        bytes.starts_with(b"BZh")
    }

    fn open(bytes: &'a [u8]) -> io::Result<Self> {
        Ok(Self::new(bytes))
    }

    fn close(self, _: &'a [u8], _: &mut Rest) -> &'a [u8] {
        self.into_inner()
    }
}

impl<'a> Member<'a> for lzma_rust2::XzReader<&'a [u8]> {
    const KIND: Kind = Kind::Xz;

    fn starts(bytes: &[u8]) -> bool {
        bytes.starts_with(b"\xfd7zXZ\0")
    }

    fn open(bytes: &'a [u8]) -> io::Result<Self> {
        Ok(Self::new_mem_limit(bytes, false, DICTIONARY_KIB))
    }

    fn close(self, _: &'a [u8], _: &mut Rest) -> &'a [u8] {
        self.into_inner()
    }
}

/// A `.lzma` file.
struct Alone<'a>(lzma::Stream<'a>);

impl Read for Alone<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl<'a> Member<'a> for Alone<'a> {
    const KIND: Kind = Kind::Lzma;

    fn starts(bytes: &[u8]) -> bool {
        lzma::starts(bytes)
    }

    fn open(bytes: &'a [u8]) -> io::Result<Self> {
        lzma::Stream::alone(bytes).map(Self)
    }

    fn close(self, _: &'a [u8], _: &mut Rest) -> &'a [u8] {
        self.0.after
    }
}

struct Lzip<'a>(lzma::Stream<'a>);

impl Read for Lzip<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl<'a> Member<'a> for Lzip<'a> {
    const KIND: Kind = Kind::Lzip;

    fn starts(bytes: &[u8]) -> bool {
        bytes.starts_with(lzma::LZIP)
    }

    fn open(bytes: &'a [u8]) -> io::Result<Self> {
        lzma::Stream::lzip(bytes).map(Self)
    }

    fn close(self, _: &'a [u8], _: &mut Rest) -> &'a [u8] {
        self.0.after
    }
}

impl<'a> Member<'a> for Blockwise<lz4::Frame<'a>> {
    const KIND: Kind = Kind::Lz4;

    fn starts(bytes: &[u8]) -> bool {
        lz4::starts(bytes)
    }

    fn open(bytes: &'a [u8]) -> io::Result<Self> {
        Ok(Self::new(lz4::Frame::new(bytes)))
    }

    fn close(self, _: &'a [u8], _: &mut Rest) -> &'a [u8] {
        self.blocks.bytes
    }
}

impl<'a> Member<'a> for Blockwise<snappy::Chunks<'a>> {
    const KIND: Kind = Kind::Snappy;

    fn starts(bytes: &[u8]) -> bool {
        bytes.starts_with(snappy::MAGIC)
    }

    fn open(bytes: &'a [u8]) -> io::Result<Self> {
        Ok(Self::new(snappy::Chunks { bytes, passed: Vec::new() }))
    }

    fn close(self, _: &'a [u8], rest: &mut Rest) -> &'a [u8] {
        self.blocks.passed.iter().for_each(|passed| rest.add(passed));
        self.blocks.bytes
    }
}

/// Reads members one after the other.
struct Members<'a, M> {
    open: Option<M>,
    /// What follows the members that were read to their end.
    after: &'a [u8],
    rest: Rest,
    is_over: bool,
}

impl<'a, M: Member<'a>> Members<'a, M> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { open: None, after: bytes, rest: Rest::default(), is_over: false }
    }
}

impl<'a, M: Member<'a>> Read for Members<'a, M> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut member = match self.open.take() {
                Some(member) => member,
                None if M::starts(self.after) => M::open(self.after)?,
                None => {
                    self.is_over = true;
                    return Ok(0);
                }
            };
            let count = member.read(room)?;
            if count > 0 {
                self.open = Some(member);
                return Ok(count);
            }
            self.after = member.close(self.after, &mut self.rest);
            // Blocks of tapes are filled up with zeros.
            let zeros = self.after.iter().take_while(|byte| **byte == 0).count();
            self.after.consume(zeros);
            while let Some((skipped, after)) = lz4::skippable(self.after).filter(|_| M::KIND == Kind::Lz4) {
                self.rest.add(skipped);
                self.after = after;
            }
        }
    }
}
