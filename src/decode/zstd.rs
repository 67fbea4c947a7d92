//! All frames of a Zstandard content (RFC 8878), one after the other: what was appended is content as well.

use std::io::{self, Read};

use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// Reads what the frames hold.
pub struct Frames<'a> {
    rest: &'a [u8],
    frame: Option<StreamingDecoder<&'a [u8], ruzstd::decoding::FrameDecoder>>,
    /// Bytes that the frame gave so far.
    given: u64,
}

impl<'a> Frames<'a> {
    /// Of a whole content.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, frame: None, given: 0 }
    }

    /// Opens the next frame, if there is one.
    fn open(&mut self) -> io::Result<()> {
        while !self.rest.is_empty() {
            match StreamingDecoder::new(self.rest) {
                Ok(frame) => {
                    (self.frame, self.given) = (Some(frame), 0);
                    return Ok(());
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    // Its magic number and length take eight bytes.
                    self.rest = self.rest.get(8 + length as usize..).ok_or(io::ErrorKind::UnexpectedEof)?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(())
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.frame.is_none() {
                self.open()?;
            }
            let Some(frame) = &mut self.frame else { return Ok(0) };
            let count = frame.read(room)?;
            self.given += count as u64;
            if count > 0 || room.is_empty() {
                return Ok(count);
            }
            let Some((rest, frame)) = self.frame.take().map(StreamingDecoder::into_parts) else { return Ok(0) };
            // A frame need not name its size, which reads as 0.
            if ![0, self.given].contains(&frame.content_size()) {
                return Err(io::Error::other("a frame is not of the size that it names"));
            }
            self.rest = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        Frames::of(bytes).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn every_frame_is_read() {
        let frame = |text: &[u8]| compress_to_vec(text, CompressionLevel::Fastest);
        let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec();
        let all = [frame(b"one "), skipped, frame(b""), frame(b"two")].concat();
        assert_eq!(read(&all).unwrap(), "one two");
        assert!(read(&[all.as_slice(), b"text"].concat()).is_err());
        assert!(read(&all[..all.len() - 2]).is_err());
    }

    #[test]
    fn a_frame_that_is_not_what_it_says_is_damaged() {
        let error = read(b"\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x7f\x01\0\0").unwrap_err();
        assert!(error.to_string().contains("not of the size"), "{error}");
    }
}
