//! Scans what is inside of a container, as if each inner content were a file of its own.

use super::limits::Task;
use super::{Content, Progress, Worker, window};
use crate::decode::container::{self, Kind, Sink};
use crate::gap::{Gap, GapCode};
use keysieve_engine::Detector;

/// Largest container that is unpacked, in bytes: it is held in memory, with what is unpacked of it.
pub fn largest_container(progress: &Progress) -> u64 {
    progress.limits.task_memory() / 4
}

/// What stands inside of a container.
#[derive(Debug, Default)]
pub struct Inside {
    /// The inner contents in which the engine found something.
    pub contents: Vec<Content>,
    /// What could not be unpacked.
    pub gaps: Vec<Gap>,
}

impl Inside {
    /// Unpacks and scans `bytes`, a container of this `kind` at `path`, which goes by `identity`.
    pub fn of(
        bytes: &[u8],
        kind: Kind,
        path: &str,
        identity: &str,
        detector: &Detector,
        worker: &mut Worker,
        task: &Task<'_>,
    ) -> Self {
        let outer = bytes.len() as u64;
        let mut scanner = Scanner { detector, worker, path, identity, task, outer, inside: Self::default() };
        container::unpack(bytes, kind, path, &task.limits().containers, &mut scanner);
        scanner.inside
    }
}

struct Scanner<'a, 't> {
    detector: &'a Detector,
    worker: &'a mut Worker,
    path: &'a str,
    identity: &'a str,
    task: &'a Task<'t>,
    /// Size of the container itself, which is in memory as well.
    outer: u64,
    inside: Inside,
}

impl Sink for Scanner<'_, '_> {
    fn content(&mut self, path: &str, bytes: &[u8]) {
        let reading = window::scan_bytes(bytes, self.detector, self.worker, self.task);
        if let Some(error) = reading.error {
            self.gap(path, error.code(), error.explain());
        }
        if !reading.candidates.is_empty() {
            let identity = format!("{}{}", self.identity, path.strip_prefix(self.path).unwrap_or(path));
            let content = Content { path: path.to_owned(), identity, candidates: reading.candidates };
            self.inside.contents.push(content);
        }
    }

    fn gap(&mut self, path: &str, code: GapCode, reason: String) {
        self.inside.gaps.push(Gap::new(code, path, reason));
    }

    fn may_hold(&mut self, bytes: u64) -> Result<(), (GapCode, String)> {
        let task = self.task;
        let hold = || task.hold(self.outer + bytes).and_then(|()| task.in_time()).and_then(|()| task.found(0));
        hold().map_err(|reached| (reached.code(), reached.to_string()))
    }
}
