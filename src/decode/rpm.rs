//! Where the payload of an RPM package starts.
//!
//! A lead of 96 bytes, the signature's header padded to eight bytes, the package's header, then a compressed cpio archive
//! ("RPM package format", version 4, rpm.org).

use super::container::{Kind, Unpacker};
use super::rest::Rest;
use crate::gap::GapCode;

/// Bytes of the lead.
const LEAD: usize = 96;

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    match payload(bytes).map(|payload| (payload, Kind::of(payload))) {
        Some((payload, Some(kind))) => {
            // Names, descriptions and scripts.
            rest.add(&bytes[..bytes.len() - payload.len()]);
            walk.open(payload, kind, path, depth + 1);
        }
        // A package may consist of headers.
        Some(([], _)) => rest.add(bytes),
        _ => {
            let reason = "it cannot be unpacked: its headers are cut short or its payload is unknown";
            walk.gap(path, GapCode::Damaged, reason.to_owned());
            rest.add(bytes);
        }
    }
    walk.rest(&rest, path);
}

/// The payload, compressed as it is; `None` if the headers are cut short.
fn payload(package: &[u8]) -> Option<&[u8]> {
    let signature = header(package, LEAD)?;
    let padded = signature.next_multiple_of(8);
    package.get(header(package, padded)?..)
}

/// Where the header that starts at `at` ends: eight bytes, two counts, entries of 16 bytes and their data.
fn header(package: &[u8], at: usize) -> Option<usize> {
    let count = |at: usize| Some(u32::from_be_bytes(package.get(at..at + 4)?.try_into().ok()?) as usize);
    if package.get(at..at + 3)? != [0x8e, 0xad, 0xe8] {
        return None;
    }
    let (entries, size) = (count(at + 8)?, count(at + 12)?);
    (at + 16).checked_add(entries.checked_mul(16)?)?.checked_add(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_starts_behind_both_headers() {
        let header = |entries: u32, size: u32| {
            let mut header = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
            header.extend(entries.to_be_bytes());
            header.extend(size.to_be_bytes());
            header.extend(vec![7; entries as usize * 16 + size as usize]);
            header
        };
        let mut package = vec![0; LEAD];
        package.extend(header(1, 5));
        package.resize(package.len().next_multiple_of(8), 0);
        package.extend(header(2, 9));
        package.extend(b"payload");
        assert_eq!(payload(&package), Some(&b"payload"[..]));
        assert!((0..package.len() - 7).all(|length| payload(&package[..length]).is_none()));
        package[LEAD + 8] = 0xff;
        assert_eq!(payload(&package), None);
    }
}
