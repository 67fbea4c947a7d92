//! Scans what is inside of a container, as if each inner content were a file of its own.

use super::{Content, Gap, Progress, Worker, window};
use crate::decode::container::{self, Kind, Limits, Sink};
use crate::detect::Detector;

/// Largest container that is unpacked, in bytes: it is held in memory.
pub const MAX_CONTAINER: u64 = 512 << 20;

/// What stands inside of a container.
pub struct Inside<'a> {
    detector: &'a Detector,
    worker: &'a mut Worker,
    path: &'a str,
    identity: &'a str,
    /// The inner contents in which the engine found something.
    pub contents: Vec<Content>,
    /// What could not be unpacked.
    pub gaps: Vec<Gap>,
}

impl<'a> Inside<'a> {
    /// Unpacks and scans `bytes`, a container of this `kind` at `path`, which goes by `identity`.
    pub fn of(
        bytes: &[u8],
        kind: Kind,
        path: &'a str,
        identity: &'a str,
        detector: &'a Detector,
        worker: &'a mut Worker,
    ) -> Self {
        let mut inside = Self { detector, worker, path, identity, contents: Vec::new(), gaps: Vec::new() };
        container::unpack(bytes, kind, path, &Limits::default(), &mut inside);
        inside
    }
}

impl Sink for Inside<'_> {
    fn content(&mut self, path: &str, bytes: &[u8]) {
        let size = bytes.len() as u64;
        let reading = window::scan(&mut &bytes[..], size, self.detector, self.worker, &Progress::default());
        if !reading.candidates.is_empty() {
            let identity = format!("{}{}", self.identity, path.strip_prefix(self.path).unwrap_or(path));
            self.contents.push(Content { path: path.to_owned(), identity, candidates: reading.candidates });
        }
    }

    fn gap(&mut self, path: &str, reason: String) {
        self.gaps.push(Gap { path: path.to_owned(), reason });
    }
}
