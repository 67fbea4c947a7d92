//! One compressed content: gzip, bzip2, xz and Zstandard.

use std::io::Read;

use super::container::{DICTIONARY_KIB, Kind, Unpacker, damaged};
use super::zstd;
use crate::source::GapCode;

pub(super) fn gzip(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    stream(walk, flate2::read::MultiGzDecoder::new(bytes), path, depth);
}

pub(super) fn bzip2(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    stream(walk, bzip2::read::MultiBzDecoder::new(bytes), path, depth);
}

pub(super) fn xz(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    stream(walk, lzma_rust2::XzReader::new_mem_limit(bytes, true, DICTIONARY_KIB), path, depth);
}

pub(super) fn zstd(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    match zstd::frames(bytes) {
        Ok(reader) => stream(walk, reader, path, depth),
        Err(error) => walk.gap(path, GapCode::Damaged, damaged(&error)),
    }
}

/// One compressed content; a tar or cpio in it goes by the name of the whole.
fn stream(walk: &mut Unpacker<'_>, reader: impl Read, path: &str, depth: usize) {
    walk.read(reader, path, |unpacker, bytes, cut| {
        if let Some(kind @ (Kind::Tar | Kind::Cpio)) = Kind::of(bytes) {
            unpacker.say(path, cut);
            return unpacker.open(bytes, kind, path, depth + 1);
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        unpacker.entry(bytes, cut, &format!("{path}!/{name}"), depth);
    });
}
