//! The 7z format ("7zFormat.txt" in the LZMA SDK).
//!
//! The library reads entries. Comments, properties and names are in a header, mostly a compressed one, which is read here as
//! a content of its own.

use std::io::Cursor;

use sevenz_rust2::{ArchiveReader, EntryDecision, Error, Password};

use super::container::{DICTIONARY_KIB, Unpacker, damaged};
use super::rest::Rest;
use crate::gap::GapCode;

/// Bytes of the signature, and of what tells where the header is.
const START: usize = 32;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    // What is stored as it is, and what no stream reaches.
    rest.add(bytes);
    entries(walk, bytes, path, depth);
    if let Err(error) = header(walk, bytes, path, &mut rest) {
        walk.gap(path, code(&error), damaged(&error));
    }
    walk.rest(&rest, path);
}

fn header(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, rest: &mut Rest) -> Result<(), Error> {
    if let Err((code, reason)) = walk.may_hold(bytes.len() as u64) {
        walk.gap(path, code, reason);
        return Ok(());
    }
    let Some(header) = packed_header(bytes) else { return Ok(()) };
    opened(&header)?.for_each_entries(|_, reader| {
        walk.read(reader, path, |walk, header, cut| {
            walk.say(path, cut);
            rest.add(header);
        });
        Ok(true)
    })
}

fn entries(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut archive = match opened(bytes) {
        Ok(archive) => archive,
        Err(error) => return walk.gap(path, code(&error), damaged(&error)),
    };
    // What a stream holds beyond the sizes of its entries is content as well; that they differ is an error then.
    let read = archive.for_each_entries_with_decision_allowing_surplus(|entry, reader| {
        if !walk.may_go_on(path) {
            return Ok(EntryDecision::Stop);
        }
        if !entry.is_directory() {
            walk.read_entry(&mut *reader, &format!("{path}!/{}", entry.name()), depth);
        }
        Ok(EntryDecision::Continue)
    });
    if let Err(error) = read {
        walk.gap(path, code(&error), damaged(&error));
    }
}

fn opened(bytes: &[u8]) -> Result<ArchiveReader<Cursor<&[u8]>>, Error> {
    ArchiveReader::new_with_memory_limit(Cursor::new(bytes), Password::empty(), DICTIONARY_KIB as usize)
}

fn code(error: &Error) -> GapCode {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => GapCode::Encrypted,
        // Ciphers are left out of the library.
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => GapCode::Encrypted,
        Error::UnsupportedCompressionMethod(_) | Error::Unsupported(_) => GapCode::UnsupportedFormat,
        _ => GapCode::Damaged,
    }
}

/// An archive whose only entry is the compressed header of `bytes`, if it has one.
fn packed_header(bytes: &[u8]) -> Option<Vec<u8>> {
    /// The parts of a header.
    const HEADER: u8 = 1;
    const STREAMS: u8 = 4;
    const FILES: u8 = 5;
    const PACKED: u8 = 6;
    const SUB_STREAMS: u8 = 8;
    const ENCODED: u8 = 0x17;
    const END: u8 = 0;

    let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let place = START.checked_add(usize::try_from(number(12)?).ok()?)?;
    let header = bytes.get(place..place.checked_add(usize::try_from(number(20)?).ok()?)?)?;
    let [ENCODED, PACKED, streams @ .., END] = header else { return None };
    let (position, streams) = variable(streams)?;
    let packed = bytes.get(START.checked_add(usize::try_from(position).ok()?)?..place)?;
    let streams = [&[HEADER, STREAMS, PACKED, 0], streams, &[SUB_STREAMS, END, END, FILES, 1, END, END]].concat();
    let mut start = (packed.len() as u64).to_le_bytes().to_vec();
    start.extend((streams.len() as u64).to_le_bytes());
    start.extend(crc32fast::hash(&streams).to_le_bytes());
    Some([&bytes[..8], &crc32fast::hash(&start).to_le_bytes(), &start, packed, &streams].concat())
}

/// A number whose first byte tells by its leading ones how many more there are, and what follows it.
fn variable(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let more = first.leading_ones() as usize;
    let (low, rest) = rest.split_at_checked(more)?;
    let low = low.iter().rev().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    let high = u64::from(first & (0x7f_u8.checked_shr(more as u32).unwrap_or(0)));
    Some((low | high.checked_shl(8 * more as u32).unwrap_or(0), rest))
}
