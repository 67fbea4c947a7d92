//! Files in one stream that is compressed as a whole: cabinets and compiled help have them.
//!
//! The stream is unpacked once, from its start to its end, whatever its directory says about the files in it: they may be in
//! any order, leave bytes between them, or overlap.

use std::cmp::Reverse;
use std::io::{self, Read};

use super::container::Unpacker;
use super::rest::{self, Rest};
use crate::gap::GapCode;

/// A file, and its bytes of the stream.
pub(super) struct File {
    pub path: String,
    pub start: u64,
    pub size: u64,
}

impl File {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.size)
    }
}

/// Hands on `files` of a `stream` of the container at `path`, and what is none of them to `rest`.
pub(super) fn unpack(
    walk: &mut Unpacker<'_>,
    stream: impl Read,
    mut files: Vec<File>,
    path: &str,
    depth: usize,
    rest: &mut Rest,
) {
    files.retain(|file| file.size > 0);
    files.sort_by_key(|file| (file.start, Reverse(file.size)));
    let mut stream = Counted { stream, position: 0 };
    let mut files = &files[..];
    while let [first, ..] = files {
        if !walk.may_go_on(path) {
            return;
        }
        let between = first.start - stream.position.min(first.start);
        if between > 0 {
            outside(walk, (&mut stream).take(between), path, depth, rest);
        }
        let mut end = first.end();
        let behind = files.iter().position(|file| {
            let is_behind = file.start >= end;
            end = if is_behind { end } else { end.max(file.end()) };
            is_behind
        });
        let (together, others) = files.split_at(behind.unwrap_or(files.len()));
        let mut is_cut = false;
        if stream.position == first.start {
            walk.read((&mut stream).take(end - first.start), &first.path, |walk, bytes, cut| {
                is_cut = cut.is_some();
                hand_on(walk, bytes, cut, together, depth);
            });
        }
        if is_cut {
            // What is passed over has to be unpacked all the same.
            let most = walk.left.min(end - stream.position);
            let _ = io::copy(&mut (&mut stream).take(most), &mut io::sink());
            walk.left -= most;
        }
        if stream.position != end {
            let reason =
                format!("it cannot be unpacked: it is damaged or ends in {}; what follows was not read", first.path);
            return walk.gap(path, GapCode::Damaged, reason);
        }
        files = others;
    }
    outside(walk, stream, path, depth, rest);
}

/// Hands on files that overlap, of which the first starts where `bytes` does: one mostly.
fn hand_on(walk: &mut Unpacker<'_>, bytes: &[u8], cut: Option<String>, files: &[File], depth: usize) {
    let start = files.first().map_or(0, |file| file.start);
    let mut before = None;
    for file in files {
        let range = (file.start - start) as usize..(file.end() - start) as usize;
        let piece = &bytes[range.start.min(bytes.len())..range.end.min(bytes.len())];
        let cut = cut.clone().filter(|_| range.end > bytes.len());
        match before.replace(range.clone()) {
            None => walk.entry(piece, cut, &file.path, depth),
            // Another name of the same.
            Some(before) if before == range => {}
            Some(_) => {
                if !walk.may_go_on(&file.path) {
                    return;
                }
                walk.say(&file.path, cut);
                walk.slice(piece, &file.path, depth);
            }
        }
    }
}

/// Reads what is part of no file.
fn outside(walk: &mut Unpacker<'_>, stream: impl Read, path: &str, depth: usize, rest: &mut Rest) {
    walk.read(stream, &format!("{path}!/{}", rest::NAME), |walk, bytes, cut| {
        walk.say(path, cut);
        if !bytes.is_empty() {
            walk.stray(bytes, path, depth, rest);
        }
    });
}

/// Knows how far a stream was read.
struct Counted<R> {
    stream: R,
    position: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}
