//! Compound files ([MS-CFB]): documents of older Office programs, mails, installers, what Visual Studio keeps.
//!
//! A file system in a file: a table chains sectors, a directory names the chains. The reader is our own, as the crate for it
//! (`cfb`) refuses a file whose directory or table is not quite as it should be, where each stream that can be read counts
//! here, and leaves out what the directory does not name, where deleted texts are.
//!
//! Streams are contents like any other. What programs pack in them once more is opened in [`office`]. What belongs to no
//! stream is read as text: names, tables, the ends of last sectors, and chains and sectors that nobody names.

mod directory;
mod macros;
mod office;
mod rtf;
mod sectors;

use std::borrow::Cow;
use std::io::Read;

use super::container::{Unpacker, damaged};
use super::rest::Rest;
use crate::gap::GapCode;
use directory::{Directory, Entry};
use office::Stream;
use sectors::{Chain, Header, Sectors};

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    let Some(header) = Header::parse(bytes) else {
        walk.gap(path, GapCode::Damaged, damaged(&"its header is damaged"));
        rest.add(bytes);
        return walk.rest(&rest, path);
    };
    // The tables, what is known of each sector, and the streams below that are held in one piece.
    if let Err((code, reason)) = walk.may_hold(bytes.len() as u64) {
        return walk.gap(path, code, reason);
    }
    let (mut sectors, own) = Sectors::of_file(bytes, &header);
    let entries = sectors.chain(header.directory);
    let mini_table = sectors.chain(header.mini_table);
    rest.add(&bytes[..sectors.first.min(bytes.len())]);
    for chain in [&own, &entries, &mini_table] {
        chain.pieces.iter().for_each(|piece| rest.add(&bytes[piece.clone()]));
    }
    let directory = Directory::parse(&whole(&entries, bytes), header.has_long_sizes);
    rest.add(directory.names().as_bytes());
    let mini_chain = directory.root().map_or_else(Chain::default, |root| sectors.chain(root.start));
    let is_short = directory.root().is_none_or(|root| root.size > mini_chain.length as u64);
    if is_short || own.is_broken || entries.is_broken || !directory.is_sound() {
        let reason = damaged(&"its directory or its tables are damaged; what they do not show was read as it is");
        walk.gap(path, GapCode::Damaged, reason);
    }
    let (mini_bytes, mini_table) = (whole(&mini_chain, bytes), whole(&mini_table, bytes));
    let mini = Sectors::of_stream(&mini_bytes, &header, &mini_table);
    let places = Places { directory, cutoff: header.cutoff, sectors, mini };
    walk.holding(mini_bytes.len() as u64, |walk| streams(walk, places, path, depth, &mut rest));
    walk.rest(&rest, path);
}

/// Where streams are.
struct Places<'a> {
    directory: Directory,
    /// Streams shorter than this are in small sectors.
    cutoff: u64,
    sectors: Sectors<'a>,
    mini: Sectors<'a>,
}

fn streams(walk: &mut Unpacker<'_>, places: Places<'_>, path: &str, depth: usize, rest: &mut Rest) {
    let Places { directory, cutoff, mut sectors, mut mini } = places;
    for entry in directory.streams().filter(|entry| entry.size > 0) {
        if !walk.may_go_on(path) {
            return;
        }
        let place = if entry.size < cutoff { &mut mini } else { &mut sectors };
        stream(walk, &directory, entry, place, path, depth, rest);
    }
    for place in [&mut sectors, &mut mini] {
        for chain in place.unused() {
            walk.stray(&whole(&chain, place.bytes), path, depth, rest);
        }
    }
}

fn stream(
    walk: &mut Unpacker<'_>,
    directory: &Directory,
    entry: &Entry,
    place: &mut Sectors<'_>,
    path: &str,
    depth: usize,
    rest: &mut Rest,
) {
    let path = format!("{path}!/{}", directory.path(entry));
    let chain = place.chain(entry.start);
    if (chain.length as u64) < entry.size {
        let reason = "its sectors are missing, or are those of another stream as well; it was read as far as it goes";
        walk.gap(&path, GapCode::Damaged, reason.to_owned());
    }
    let size = usize::try_from(entry.size).unwrap_or(usize::MAX).min(chain.length);
    chain.behind(size, place.bytes).for_each(|slack| rest.add(slack));
    let (name, storage) = (entry.name.as_str(), directory.storage(entry));
    let look = |walk: &mut Unpacker<'_>, bytes: &[u8], cut: Option<String>| {
        walk.entry(bytes, cut, &path, depth);
        office::look_into(walk, &Stream { bytes, name, storage, path: &path, depth }, rest);
    };
    match &chain.pieces[..] {
        [] => {}
        [piece] => walk.stored(&place.bytes[piece.start..piece.start + size], look),
        _ => walk.read(chain.reader(place.bytes).take(size as u64), &path, look),
    }
}

/// A chain in one piece; it is not longer than the file.
fn whole<'a>(chain: &Chain, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    match &chain.pieces[..] {
        [piece] => Cow::Borrowed(&bytes[piece.clone()]),
        pieces => Cow::Owned(pieces.iter().flat_map(|piece| &bytes[piece.clone()]).copied().collect()),
    }
}
