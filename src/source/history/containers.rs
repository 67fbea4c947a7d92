//! Blobs that hold other contents.

use crate::decode::container::{self, Kind, Limits, Sink};
use crate::detect::Detector;
use crate::detect::candidate::Candidate;
use crate::source::{Gap, Progress, Worker, window};

/// What stands inside of a container.
pub struct Inside<'a> {
    detector: &'a Detector,
    worker: Worker,
    outer: &'a str,
    /// The contents in which something was found, each with its path behind the container's: `!/conf/a.yml`.
    pub contents: Vec<(String, Vec<Candidate>)>,
    /// What could not be read, with paths behind `outer`.
    pub gaps: Vec<Gap>,
}

impl<'a> Inside<'a> {
    /// Unpacks and scans a container, which is called `outer` where something in it can't be read.
    pub fn of(detector: &'a Detector, bytes: &[u8], kind: Kind, outer: &'a str) -> Self {
        let worker = Worker::default();
        let mut inside = Self { detector, worker, outer, contents: Vec::new(), gaps: Vec::new() };
        container::unpack(bytes, kind, outer, &Limits::default(), &mut inside);
        inside
    }
}

impl Sink for Inside<'_> {
    fn content(&mut self, path: &str, bytes: &[u8]) {
        let size = bytes.len() as u64;
        let reading = window::scan(&mut &bytes[..], size, self.detector, &mut self.worker, &Progress::default());
        if !reading.candidates.is_empty() {
            let inner = path.strip_prefix(self.outer).unwrap_or(path);
            self.contents.push((inner.to_owned(), reading.candidates));
        }
    }

    fn gap(&mut self, path: &str, reason: String) {
        self.gaps.push(Gap { path: path.to_owned(), reason });
    }
}
