//! A content of any size through a buffer of bounded size.
//!
//! Each window answers for the keywords that start in its middle part; around it stand the `LOOK_BEHIND` bytes before and
//! the `LOOK_AHEAD` bytes after that the engine may look at. So a scan in windows finds what a scan of the whole would,
//! wherever a border falls, and a property test places secrets at every offset around one.

use std::io::{self, Read};

use super::{Progress, Worker};
use crate::decode::container::Kind;
use crate::decode::utf16::{ByteOrder, Decoder, PROBE};
use crate::detect::Detector;
use crate::detect::candidate::Candidate;
use crate::detect::content::Stream;
use crate::rules::rule::{LOOK_AHEAD, LOOK_BEHIND};

/// Bytes of a content held at once, beside what is looked at around them.
pub const WINDOW: usize = 1 << 20;
/// Smallest first read: most source files fit.
const FIRST_READ: usize = 64 * 1024;

/// How a content was read.
#[derive(Debug)]
pub struct Reading {
    /// What was found, even when reading failed half-way.
    pub candidates: Vec<Candidate>,
    /// Bytes read.
    pub bytes: u64,
    /// What it is, if it holds other contents.
    pub container: Option<Kind>,
    /// What ended it early.
    pub error: Option<io::Error>,
}

/// Scans all that `reader` gives; `size` is what is expected of it, 0 if unknown.
pub fn scan(
    reader: &mut impl Read,
    size: u64,
    detector: &Detector,
    worker: &mut Worker,
    progress: &Progress,
) -> Reading {
    scan_in_windows(reader, size, WINDOW, detector, worker, progress)
}

fn scan_in_windows(
    reader: &mut impl Read,
    size: u64,
    window: usize,
    detector: &Detector,
    worker: &mut Worker,
    progress: &Progress,
) -> Reading {
    let limit = LOOK_BEHIND + window + LOOK_AHEAD;
    // One byte more than expected tells the end of a file without a second read of nothing.
    let first = usize::try_from(size).unwrap_or(limit).saturating_add(1).clamp(FIRST_READ.min(limit), limit);
    let mut input = Input { reader, decoder: None, bytes: 0, probed: false, progress };
    let mut stream = Stream::new();
    let buffer = &mut worker.buffer;
    if buffer.len() < first {
        buffer.resize(first, 0);
    }
    let (mut filled, mut owned) = (0, 0);
    let mut container = None;
    loop {
        let (at_end, error) = match input.fill(buffer, &mut filled, limit) {
            Ok(at_end) => (at_end, None),
            Err(error) => (true, Some(error)),
        };
        let ended = if at_end { filled } else { filled - LOOK_AHEAD };
        if owned == 0 {
            container = Kind::of(&buffer[..filled]);
        }
        stream.feed(detector, &mut worker.scratch, &buffer[..filled], owned..ended);
        if at_end {
            return Reading { candidates: stream.finish(detector), bytes: input.bytes, container, error };
        }
        let done = ended - LOOK_BEHIND.min(ended);
        stream.advance(&buffer[..filled], done);
        buffer.copy_within(done..filled, 0);
        filled -= done;
        owned = ended - done;
    }
}

struct Input<'a, R> {
    reader: &'a mut R,
    decoder: Option<(Decoder, Vec<u8>)>,
    bytes: u64,
    probed: bool,
    progress: &'a Progress,
}

impl<R: Read> Input<'_, R> {
    /// Reads until `filled` reaches `limit` or the content ends, and says which.
    fn fill(&mut self, buffer: &mut Vec<u8>, filled: &mut usize, limit: usize) -> io::Result<bool> {
        while *filled < limit {
            if *filled == buffer.len() {
                let room = (buffer.len() * 4).max(FIRST_READ).min(limit.max(buffer.len() + 1));
                buffer.resize(room, 0);
            }
            if self.progress.is_stopped() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the scan was interrupted"));
            }
            let room = &mut buffer[*filled..];
            let count = if self.decoder.is_some() { self.read_decoded(room)? } else { self.read_plain(room)? };
            *filled += count.unwrap_or(0);
            // The first bytes tell UTF-16; they are then decoded where they lie, before anything looks at them.
            if !self.probed && (*filled >= PROBE || count.is_none()) {
                self.probe(buffer, filled);
                if self.decoder.is_some() {
                    continue;
                }
            }
            if count.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_plain(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        let count = read(self.reader, room)?;
        self.bytes += count as u64;
        self.progress.bytes_done(count);
        Ok((count > 0).then_some(count))
    }

    fn read_decoded(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        let Some((decoder, waiting)) = &mut self.decoder else { return Ok(None) };
        if waiting.is_empty() {
            let mut raw = [0; 8192];
            let count = read(self.reader, &mut raw)?;
            decoder.decode(&raw[..count], count == 0, waiting);
            self.bytes += count as u64;
            self.progress.bytes_done(count);
            if count == 0 && waiting.is_empty() {
                return Ok(None);
            }
        }
        let given = waiting.len().min(room.len());
        room[..given].copy_from_slice(&waiting[..given]);
        waiting.drain(..given);
        Ok(Some(given))
    }

    fn probe(&mut self, buffer: &mut [u8], filled: &mut usize) {
        self.probed = true;
        if let Some(order) = ByteOrder::detect(&buffer[..*filled]) {
            let mut decoder = Decoder::new(order);
            let mut plain = Vec::new();
            decoder.decode(&buffer[..*filled], false, &mut plain);
            // What does not fit in place waits for the next read.
            let kept = plain.len().min(buffer.len());
            buffer[..kept].copy_from_slice(&plain[..kept]);
            plain.drain(..kept);
            *filled = kept;
            self.decoder = Some((decoder, plain));
        }
    }
}

fn read(reader: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample;

    /// Gives at most `step` bytes a read.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(room.len()).min(self.0.len());
            room[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn places(bytes: &[u8], window: usize, step: usize) -> Vec<String> {
        let detector = Detector::builtin();
        let mut worker = Worker::default();
        let progress = Progress::default();
        let reading = scan_in_windows(&mut Slow(bytes, step), 0, window, &detector, &mut worker, &progress);
        assert!(reading.error.is_none());
        assert_eq!(reading.bytes, bytes.len() as u64);
        let told = |it: &Candidate| format!("{} {:?} {:?} {}", detector.rule_of(it).id, it.place, it.span, it.secret);
        reading.candidates.iter().filter(|it| it.dropped.is_none()).map(told).collect()
    }

    #[test]
    fn a_window_at_any_border_loses_nothing() {
        let leaks = [
            sample::fill("x = 1\ndb_password = \"MyReal<[A-Z][a-z]{6}[0-9]{3}>\" # ü\n", 1).unwrap(),
            sample::fill("aws_access_key_id = <aws-key-id AKIA>\naws_secret_access_key = <[A-Za-z0-9+]{39}[a-z]>\n", 2)
                .unwrap(),
            sample::fill("<pem RSA PRIVATE KEY>\n", 3).unwrap(),
        ];
        const SMALL: usize = 64;
        // Around the first border between windows, and around the start of what the second one looks back at.
        let border = LOOK_BEHIND + SMALL;
        for leak in &leaks {
            for start in
                (border.saturating_sub(leak.len() + 8)..border + 8).step_by(if leak.len() > 300 { 37 } else { 1 })
            {
                let mut bytes = b"lorem ipsum; ".repeat(start / 13 + 1);
                bytes.truncate(start.saturating_sub(1));
                bytes.push(b'\n');
                bytes.extend_from_slice(leak.as_bytes());
                bytes.resize(bytes.len() + LOOK_AHEAD + 3 * SMALL, b'.');
                let whole = places(&bytes, WINDOW, usize::MAX);
                assert!(!whole.is_empty());
                assert_eq!(places(&bytes, SMALL, 5000), whole, "secret at {start}");
            }
        }
    }

    #[test]
    fn utf16_is_read_like_utf8_in_any_steps() {
        let text = sample::fill("Zürich\r\npassword = \"MyReal<[A-Z][a-z]{6}[0-9]{3}>\"\r\n", 4).unwrap().repeat(40);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let whole: Vec<_> = places(text.as_bytes(), WINDOW, usize::MAX);
        assert_eq!(whole.len(), 40);
        for step in [1, 3, 1000, 100_000] {
            assert_eq!(places(&little, WINDOW, step), whole, "{step} bytes a read");
        }
        let short = &little[..120];
        assert_eq!(places(short, WINDOW, 7).len(), 1);
    }
}
