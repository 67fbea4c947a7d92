//! PKWARE's zip (APPNOTE).

use std::io::Cursor;

use super::container::{Unpacker, damaged};
use crate::source::GapCode;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => return walk.gap(path, GapCode::Damaged, damaged(&error)),
    };
    for index in 0..archive.len() {
        if !walk.may_go_on(path) {
            return;
        }
        let name = archive.name_for_index(index).unwrap_or_default().to_owned();
        let inner = format!("{path}!/{name}");
        match archive.by_index(index) {
            Ok(entry) if entry.is_dir() => {}
            Ok(entry) => walk.read_entry(entry, &inner, depth),
            Err(zip::result::ZipError::UnsupportedArchive(what)) => {
                walk.gap(&inner, GapCode::UnsupportedFormat, what.to_lowercase())
            }
            Err(error) => walk.gap(&inner, GapCode::Damaged, damaged(&error)),
        }
    }
}
