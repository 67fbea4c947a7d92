//! A content of any size through a buffer of bounded size.
//!
//! Each window answers for the keywords that start in its middle part; around it stand the `LOOK_BEHIND` bytes before and
//! the `LOOK_AHEAD` bytes after that the engine may look at. So a scan in windows finds what a scan of the whole would,
//! wherever a border falls, and a property test places secrets at every offset around one.

use std::io::{self, Read};

use super::Worker;
use super::limits::{Reached, Task};
use crate::gap::GapCode;
use keysieve_engine::Detector;
use keysieve_engine::candidate::Candidate;
use keysieve_engine::content::Stream;
use keysieve_engine::rules::rule::{LOOK_AHEAD, LOOK_BEHIND};

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
    /// What ended it early.
    pub error: Option<Unread>,
}

/// Why a content was not read to its end.
#[derive(Debug)]
pub enum Unread {
    /// Reading it failed.
    Io(io::Error),
    /// A limit was reached, or the scan ended.
    Limit(Reached),
}

impl Unread {
    /// What kind of gap it leaves.
    pub fn code(&self) -> GapCode {
        match self {
            Self::Io(_) => GapCode::Unreadable,
            Self::Limit(reached) => reached.code(),
        }
    }

    /// In a few words.
    pub fn explain(&self) -> String {
        match self {
            Self::Io(error) => super::explain(error),
            Self::Limit(reached) => reached.to_string(),
        }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Reached> for Unread {
    fn from(reached: Reached) -> Self {
        Self::Limit(reached)
    }
}

/// Scans all that `reader` gives; `size` is what is expected of it, 0 if unknown.
pub fn scan(reader: &mut impl Read, size: u64, detector: &Detector, worker: &mut Worker, task: &Task<'_>) -> Reading {
    let begun = begin(reader, size, worker, task);
    scan_begun(reader, begun, detector, worker, task)
}

/// What of a content is in its worker's buffer before any of it is scanned: all of it, or as much as a window takes.
#[derive(Debug)]
pub struct Begun {
    filled: usize,
    at_end: bool,
    error: Option<Unread>,
    limit: usize,
}

impl Begun {
    /// The bytes.
    pub fn bytes<'a>(&self, worker: &'a Worker) -> &'a [u8] {
        &worker.buffer[..self.filled]
    }

    /// Whether there are no more.
    pub fn is_all(&self) -> bool {
        self.at_end && self.error.is_none()
    }
}

/// Reads the beginning of a content; `size` is what is expected of it, 0 if unknown.
pub fn begin(reader: &mut impl Read, size: u64, worker: &mut Worker, task: &Task<'_>) -> Begun {
    begin_window(reader, size, WINDOW, worker, task)
}

/// Scans what is in the buffer, and all that `reader` gives after it.
pub fn scan_begun(
    reader: &mut impl Read,
    begun: Begun,
    detector: &Detector,
    worker: &mut Worker,
    task: &Task<'_>,
) -> Reading {
    let Begun { mut filled, mut at_end, mut error, limit } = begun;
    let mut input = Input { reader, bytes: filled as u64, task };
    let mut stream = Stream::new();
    let mut lines = LineLength { most: task.line_limit(), open: 0 };
    let buffer = &mut worker.buffer;
    let (mut before, mut owned) = (0, 0);
    loop {
        if let Err(reached) = lines.add(&buffer[before..filled]) {
            error = error.or(Some(reached.into()));
        }
        let ended = if at_end { filled } else { filled - LOOK_AHEAD };
        let found = stream.len();
        stream.feed(detector, &mut worker.scratch, &buffer[..filled], owned..ended);
        if let Err(reached) = task.found(stream.len() - found) {
            error = error.or(Some(reached.into()));
            stream.truncate(task.limits().findings_per_file);
        }
        if at_end || error.is_some() {
            return Reading { candidates: stream.finish(detector), bytes: input.bytes, error };
        }
        let done = ended - LOOK_BEHIND.min(ended);
        stream.advance(&buffer[..filled], done);
        buffer.copy_within(done..filled, 0);
        filled -= done;
        owned = ended - done;
        before = filled;
        (at_end, error) = input.fill(buffer, &mut filled, limit);
    }
}

/// Scans what is in memory; what fits into one window is not copied.
pub fn scan_bytes(bytes: &[u8], detector: &Detector, worker: &mut Worker, task: &Task<'_>) -> Reading {
    if bytes.len() > WINDOW {
        return scan(&mut &*bytes, bytes.len() as u64, detector, worker, task);
    }
    if let Err(reached) = task.in_time() {
        return Reading { candidates: Vec::new(), bytes: 0, error: Some(reached.into()) };
    }
    task.progress().bytes_done(bytes.len());
    let mut lines = LineLength { most: task.line_limit(), open: 0 };
    let mut error = lines.add(bytes).err();
    let mut stream = Stream::new();
    stream.feed(detector, &mut worker.scratch, bytes, 0..bytes.len());
    if let Err(reached) = task.found(stream.len()) {
        error = error.or(Some(reached));
        stream.truncate(task.limits().findings_per_file);
    }
    Reading { candidates: stream.finish(detector), bytes: bytes.len() as u64, error: error.map(Unread::from) }
}

fn begin_window(reader: &mut impl Read, size: u64, window: usize, worker: &mut Worker, task: &Task<'_>) -> Begun {
    let limit = LOOK_BEHIND + window + LOOK_AHEAD;
    // One byte more than expected tells the end of a file without a second read of nothing.
    let first = usize::try_from(size).unwrap_or(limit).saturating_add(1).clamp(FIRST_READ.min(limit), limit);
    let buffer = &mut worker.buffer;
    if buffer.len() < first {
        buffer.resize(first, 0);
    }
    let mut filled = 0;
    let (at_end, error) = Input { reader, bytes: 0, task }.fill(buffer, &mut filled, limit);
    Begun { filled, at_end, error, limit }
}

/// Looks for lines that are too long.
struct LineLength {
    most: u64,
    /// Bytes of the line that has not ended yet.
    open: u64,
}

impl LineLength {
    fn add(&mut self, bytes: &[u8]) -> Result<(), Reached> {
        let reached = Err(Reached::Line(self.most));
        // Fewer bytes than that, and only the lines that they end and begin can be too long.
        if (bytes.len() as u64) < self.most {
            let first = memchr::memchr(b'\n', bytes);
            if self.open + first.unwrap_or(bytes.len()) as u64 > self.most {
                return reached;
            }
            self.open = match memchr::memrchr(b'\n', bytes) {
                Some(last) => (bytes.len() - last - 1) as u64,
                None => self.open + bytes.len() as u64,
            };
            return Ok(());
        }
        let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            self.open += line.len() as u64;
            if self.open > self.most {
                return reached;
            }
            if lines.peek().is_some() {
                self.open = 0;
            }
        }
        Ok(())
    }
}

struct Input<'a, 't, R> {
    reader: &'a mut R,
    bytes: u64,
    task: &'a Task<'t>,
}

impl<R: Read> Input<'_, '_, R> {
    /// Reads until `filled` reaches `limit` or the content ends, and says which, and what ended it early.
    fn fill(&mut self, buffer: &mut Vec<u8>, filled: &mut usize, limit: usize) -> (bool, Option<Unread>) {
        match self.try_to_fill(buffer, filled, limit) {
            Ok(at_end) => (at_end, None),
            Err(error) => (true, Some(error)),
        }
    }

    fn try_to_fill(&mut self, buffer: &mut Vec<u8>, filled: &mut usize, limit: usize) -> Result<bool, Unread> {
        while *filled < limit {
            if *filled == buffer.len() {
                let room = (buffer.len() * 4).max(FIRST_READ).min(limit.max(buffer.len() + 1));
                buffer.resize(room, 0);
            }
            self.task.in_time()?;
            let count = read(self.reader, &mut buffer[*filled..])?;
            *filled += count;
            self.bytes += count as u64;
            self.task.progress().bytes_done(count);
            if count == 0 {
                return Ok(true);
            }
        }
        Ok(false)
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
    use crate::scan::Progress;
    use crate::scan::limits::Limits;
    use keysieve_engine::rules::sample;

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
        let task = Task::new(&progress);
        let mut reader = Slow(bytes, step);
        let begun = begin_window(&mut reader, 0, window, &mut worker, &task);
        let reading = scan_begun(&mut reader, begun, &detector, &mut worker, &task);
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
        let wide = |leak: &String| leak.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let leaks = leaks.iter().map(|leak| leak.clone().into_bytes()).chain(leaks.iter().map(wide));
        const SMALL: usize = 64;
        // Around the first border between windows, and around the start of what the second one looks back at.
        let border = LOOK_BEHIND + SMALL;
        for leak in leaks {
            for start in
                (border.saturating_sub(leak.len() + 8)..border + 8).step_by(if leak.len() > 300 { 37 } else { 1 })
            {
                let mut bytes = b"lorem ipsum; ".repeat(start / 13 + 1);
                bytes.truncate(start.saturating_sub(1));
                bytes.push(b'\n');
                bytes.extend_from_slice(&leak);
                bytes.resize(bytes.len() + LOOK_AHEAD + 3 * SMALL, b'.');
                let whole = places(&bytes, WINDOW, usize::MAX);
                assert!(!whole.is_empty());
                assert_eq!(places(&bytes, SMALL, 5000), whole, "secret at {start}");
            }
        }
    }

    /// Without the place in bytes, of which UTF-16 has more.
    fn without_bytes(places: &[String]) -> Vec<&str> {
        places.iter().map(|place| place.split("} ").next().unwrap()).collect()
    }

    #[test]
    fn utf16_is_read_like_utf8_in_any_steps() {
        let text = sample::fill("Zürich\r\npassword = \"MyReal<[A-Z][a-z]{6}[0-9]{3}>\"\r\n", 4).unwrap().repeat(40);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let whole: Vec<_> = places(text.as_bytes(), WINDOW, usize::MAX);
        assert_eq!(whole.len(), 40);
        for step in [1, 3, 1000, 100_000] {
            let found = places(&little, WINDOW, step);
            assert_eq!(without_bytes(&found), without_bytes(&whole), "{step} bytes a read");
        }
        let short = &little[..120];
        assert_eq!(places(short, WINDOW, 7).len(), 1);
    }

    fn unread(bytes: &[u8], step: usize, limits: Limits) -> (usize, Option<String>) {
        let progress = Progress::with(limits);
        let task = Task::new(&progress);
        let detector = Detector::builtin();
        let reading = scan(&mut Slow(bytes, step), 0, &detector, &mut Worker::default(), &task);
        (reading.candidates.len(), reading.error.map(|error| error.explain()))
    }

    #[test]
    fn a_line_that_is_too_long_ends_the_reading() {
        let limits = |line| Limits { line, ..Limits::default() };
        let text = [b"x".repeat(90), b"\n".to_vec(), b"y".repeat(50)].concat();
        for step in [1, 7, 1000] {
            assert_eq!(unread(&text, step, limits(90)).1, None);
            assert!(unread(&text, step, limits(89)).1.is_some_and(|it| it.contains("longer than 89 bytes")));
        }
        // Longer than a window.
        let text = b"x".repeat(3 << 20);
        assert_eq!(unread(&text, usize::MAX, limits(3 << 20)).1, None);
        assert!(unread(&text, usize::MAX, limits((3 << 20) - 1)).1.is_some_and(|it| it.contains("2 MiB")));
    }

    #[test]
    fn findings_beyond_the_limit_end_the_reading() {
        let text = b"password = \"Tr4vel-Lantern-91\"\n".repeat(50);
        let limits = |findings_per_file| Limits { findings_per_file, ..Limits::default() };
        assert_eq!(unread(&text, usize::MAX, limits(1000)).1, None);
        let (found, error) = unread(&text, usize::MAX, limits(20));
        assert!((5..=20).contains(&found), "overlapping places are one: {found}");
        assert!(error.is_some_and(|it| it.contains("more than 20 places")));
    }
}
