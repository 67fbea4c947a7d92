//! The pipeline: every content goes through here, wherever it comes from.
//!
//! [`content`] is the one way in; it asks what a content is, opens what can be opened (`container`) and hands bytes to the
//! engine window by window ([`window`]). [`limits`] says what a scan may take.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

mod collected;
mod container;
pub mod content;
pub mod limits;
pub mod names;
pub mod policy;
pub mod verdicts;
pub mod window;

pub use collected::Collected;

use crate::gap::Gap;

use keysieve_engine::Scratch;
use keysieve_engine::candidate::Candidate;
use limits::{Limits, Memory};

/// One content after its scan.
#[derive(Debug)]
pub struct Content {
    /// Its name as the user would type it; bytes that are no UTF-8 are written `\xNN`.
    pub path: String,
    /// Its name from the root of its repository or of the scanned folder on: what rules, configuration and fingerprints
    /// go by, so that they do not depend on where keysieve was started.
    pub identity: String,
    /// What the engine found.
    pub candidates: Vec<Candidate>,
}

/// Something that holds no content of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotContent {
    /// `symbolic link`, `socket`, …
    pub kind: &'static str,
    /// Where.
    pub path: String,
}

/// What a source read, and what not.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Contents read to their end.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Files that the configuration excludes.
    pub excluded: u64,
    /// What makes the scan incomplete.
    pub gaps: Vec<Gap>,
    /// What was never to be opened.
    pub not_content: Vec<NotContent>,
}

impl Coverage {
    /// Whether all that was asked for was read.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Adds what another source, or another thread, covered.
    pub fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.excluded += other.excluded;
        self.gaps.extend(other.gaps);
        self.not_content.extend(other.not_content);
    }
}

/// Counters that a scan keeps up to date for whoever shows them, what it may take, and a flag that ends it early.
#[derive(Debug, Default)]
pub struct Progress {
    /// What the scan may take.
    pub limits: Limits,
    files: AtomicU64,
    bytes: AtomicU64,
    total_files: AtomicU64,
    stop: AtomicU8,
    memory: Memory,
}

/// Why a scan was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Somebody wants it to end.
    Interrupted = 1,
    /// [`Limits::time`] is over.
    OutOfTime,
    /// Several times [`Limits::findings`] were found.
    TooManyFindings,
}

impl Progress {
    /// At the beginning of a scan with these limits.
    pub fn with(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Files done, bytes done, files in all (0 while they are still being listed).
    pub fn read(&self) -> (u64, u64, u64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (load(&self.files), load(&self.bytes), load(&self.total_files))
    }

    /// Asks the scan to end soon; what was found so far is still reported. The first reason stays.
    pub fn stop(&self, why: Stop) {
        let _ = self.stop.compare_exchange(0, why as u8, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether the scan was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) != 0
    }

    /// Who asked the scan to end, if somebody did.
    pub fn stopped_by(&self) -> Option<Stop> {
        let all = [Stop::Interrupted, Stop::OutOfTime, Stop::TooManyFindings];
        let why = self.stop.load(Ordering::Relaxed);
        all.into_iter().find(|it| *it as u8 == why)
    }

    /// Why the scan was asked to end, in words.
    pub fn stopped(&self) -> Option<&'static str> {
        Some(match self.stopped_by()? {
            Stop::Interrupted => "the scan was interrupted",
            Stop::OutOfTime => "the time for the scan was over (--timeout)",
            Stop::TooManyFindings => "there is far more to find than is reported (--max-findings)",
        })
    }

    pub(crate) fn expect_files(&self, count: usize) {
        self.total_files.store(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn file_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn bytes_done(&self, count: usize) {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// What one thread keeps between contents.
#[derive(Debug, Default)]
pub struct Worker {
    pub(crate) scratch: Scratch,
    buffer: Vec<u8>,
}

/// Workers that wait for a thread to take them up again.
#[derive(Debug, Default)]
pub struct Workers(Mutex<Vec<Worker>>);

impl Workers {
    /// Does some work with a worker; work that panics costs its worker, and is an error like any other.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Worker) -> T) -> Result<T, Panicked> {
        let take = || self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut worker = take().pop().unwrap_or_default();
        let result = guarded(|| work(&mut worker))?;
        take().push(worker);
        Ok(result)
    }
}

/// Work on one content that ended in a panic: a mistake of keysieve's or of a library's, which costs that content and
/// not the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "keysieve failed here, which is a mistake of its own, and did not read it to its end; report keysieve's version and the \
     place in its code that standard error names, never the file"
)]
pub struct Panicked;

/// Does work that may panic. What it leaves half-done must not be looked at again.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// Why the operating system would not let something be read, in a few words.
pub(crate) fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "it vanished while the scan ran".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_panics_costs_its_worker_only() {
        let workers = Workers::default();
        assert_eq!(workers.with(|_| 1), Ok(1));
        assert_eq!(workers.with(|_| -> usize { panic!("as a library would") }), Err(Panicked));
        assert_eq!(workers.with(|worker| worker.buffer.len()), Ok(0));
    }
}
