//! The 7z format.

use std::io::{self, Cursor};

use super::container::{DICTIONARY_KIB, Unpacker, damaged};
use crate::source::GapCode;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let password = sevenz_rust2::Password::empty();
    let opened =
        sevenz_rust2::ArchiveReader::new_with_memory_limit(Cursor::new(bytes), password, DICTIONARY_KIB as usize);
    let mut archive = match opened {
        Ok(archive) => archive,
        Err(error) => return walk.gap(path, GapCode::Damaged, damaged(&error)),
    };
    let mut is_over = false;
    let read = archive.for_each_entries(|entry, reader| {
        is_over = is_over || !walk.may_go_on(path);
        if is_over {
            return Ok(false);
        }
        let inner = format!("{path}!/{}", entry.name());
        if entry.is_directory() {
            return Ok(true);
        }
        walk.read_entry(&mut *reader, &inner, depth);
        // The next entry starts where this one ends.
        io::copy(reader, &mut io::sink())?;
        Ok(true)
    });
    if let Err(error) = read {
        walk.gap(path, GapCode::Damaged, damaged(&error));
    }
}
