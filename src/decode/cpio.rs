//! The "newc" form of cpio.

use super::container::{Unpacker, damaged};
use crate::source::GapCode;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    const TYPE: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    let mut rest = bytes;
    loop {
        let mut reader = match cpio::newc::Reader::new(rest) {
            Ok(reader) if reader.entry().is_trailer() => return,
            Ok(reader) => reader,
            Err(error) => return walk.gap(path, GapCode::Damaged, damaged(&error)),
        };
        if !walk.may_go_on(path) {
            return;
        }
        if reader.entry().mode() & TYPE == REGULAR {
            let inner = format!("{path}!/{}", reader.entry().name().trim_start_matches("./"));
            walk.read_entry(&mut reader, &inner, depth);
        }
        rest = match reader.finish() {
            Ok(rest) => rest,
            Err(error) => return walk.gap(path, GapCode::Damaged, damaged(&error)),
        };
    }
}
