//! Scans what is inside of a container, as if each inner content were a file of its own.

use super::{Content, Coverage, Gap, Progress, Worker, window};
use crate::decode::container::{self, Kind, Limits, Sink};
use crate::detect::Detector;

/// Largest container that is unpacked, in bytes: it is held in memory.
pub const MAX_CONTAINER: u64 = 512 << 20;

/// Unpacks `bytes` and gives `each` the inner contents in which the engine found something; what could not be unpacked
/// goes to `coverage`.
#[expect(clippy::too_many_arguments, reason = "the parts of one scan, each used once")]
pub fn scan(
    bytes: &[u8],
    kind: Kind,
    path: &str,
    identity: &str,
    detector: &Detector,
    worker: &mut Worker,
    coverage: &mut Coverage,
    each: &dyn Fn(Content),
) {
    let mut scanner = Scanner { path, identity, detector, worker, coverage, each };
    container::unpack(bytes, kind, path, &Limits::default(), &mut scanner);
}

struct Scanner<'a> {
    path: &'a str,
    identity: &'a str,
    detector: &'a Detector,
    worker: &'a mut Worker,
    coverage: &'a mut Coverage,
    each: &'a dyn Fn(Content),
}

impl Sink for Scanner<'_> {
    fn content(&mut self, path: &str, bytes: &[u8]) {
        let size = bytes.len() as u64;
        let reading = window::scan(&mut &bytes[..], size, self.detector, self.worker, &Progress::default());
        if !reading.candidates.is_empty() {
            let identity = format!("{}{}", self.identity, path.strip_prefix(self.path).unwrap_or(path));
            (self.each)(Content { path: path.to_owned(), identity, candidates: reading.candidates });
        }
    }

    fn gap(&mut self, path: &str, reason: String) {
        self.coverage.gaps.push(Gap { path: path.to_owned(), reason });
    }
}
