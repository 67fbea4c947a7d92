//! One compressed content: gzip, bzip2, xz and Zstandard.
//!
//! Members and frames that follow one another are one content. What their headers say, what Zstandard's skippable frames
//! hold and what stands behind the last member is the rest.

use std::io::{self, BufRead, Read};

use super::container::{DICTIONARY_KIB, Kind, Unpacker, damaged};
use super::rest::Rest;
use super::zstd;
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
    /// How a member starts.
    const MAGIC: &'static [u8];

    fn open(bytes: &'a [u8]) -> Self;

    /// What follows the member, which started with `member` and was read to its end.
    fn close(self, member: &'a [u8], rest: &mut Rest) -> &'a [u8];
}

impl<'a> Member<'a> for flate2::bufread::GzDecoder<&'a [u8]> {
    const KIND: Kind = Kind::Gzip;
    const MAGIC: &'static [u8] = &[0x1f, 0x8b, 8];

    fn open(bytes: &'a [u8]) -> Self {
        Self::new(bytes)
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
    const MAGIC: &'static [u8] = b"BZh";

    fn open(bytes: &'a [u8]) -> Self {
        Self::new(bytes)
    }

    fn close(self, _: &'a [u8], _: &mut Rest) -> &'a [u8] {
        self.into_inner()
    }
}

impl<'a> Member<'a> for lzma_rust2::XzReader<&'a [u8]> {
    const KIND: Kind = Kind::Xz;
    const MAGIC: &'static [u8] = b"\xfd7zXZ\0";

    fn open(bytes: &'a [u8]) -> Self {
        Self::new_mem_limit(bytes, false, DICTIONARY_KIB)
    }

    fn close(self, _: &'a [u8], _: &mut Rest) -> &'a [u8] {
        self.into_inner()
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
                None if self.after.starts_with(M::MAGIC) => M::open(self.after),
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
        }
    }
}
