//! Zstandard (RFC 8878) by the reference implementation: the one in Rust makes room for whatever a block of a few bytes
//! claims to hold. All frames are read, one after the other: what was appended is content as well.

use std::io::{self, Read};

/// Largest window that is kept, as a power of two: 128 MiB, which `zstd` itself takes without being asked for more.
const WINDOW_LOG: u32 = 27;

/// Reads what the frames of `bytes` hold.
pub fn frames(bytes: &[u8]) -> io::Result<impl Read + '_> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(WINDOW_LOG)?;
    Ok(decoder)
}

/// Where the last of the frames that `bytes` start with ends; what skippable ones hold goes to `skippable`. A frame that is
/// cut short or not as it has to be reaches to the end.
pub fn end_of_frames(bytes: &[u8], mut skippable: impl FnMut(&[u8])) -> usize {
    let mut at = 0;
    while let Some(magic) = bytes.get(at..at + 4) {
        let is_skippable = matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18]);
        if !is_skippable && magic != [0x28, 0xb5, 0x2f, 0xfd] {
            return at;
        }
        let Ok(length) = zstd::zstd_safe::find_frame_compressed_size(&bytes[at..]) else {
            return bytes.len();
        };
        if is_skippable {
            skippable(&bytes[at + 8..at + length]);
        }
        at += length;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        frames(bytes)?.read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn every_frame_is_read() {
        let frame = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
        let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec();
        let all = [frame(b"one "), skipped, frame(b""), frame(b"two")].concat();
        assert_eq!(read(&all).unwrap(), "one two");
        assert!(read(&[all.as_slice(), b"text"].concat()).is_err());
        assert!(read(&all[..all.len() - 2]).is_err());
    }

    #[test]
    fn a_frame_that_is_not_what_it_says_is_damaged() {
        assert!(read(b"\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x7f\x01\0\0").is_err());
    }
}
