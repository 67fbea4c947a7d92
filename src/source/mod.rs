//! Where bytes come from. A source reads contents, hands them to the engine window by window, and gives back candidates
//! with an account of what it read and what it could not.
//!
//! A source knows [`crate::detect`] and nothing of reports. It never leaves anything out in silence: what could not be
//! read is a [`Gap`], what is no content (links, sockets, devices) is [`NotContent`].

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub mod changes;
mod container;
pub mod history;
pub mod stdin;
pub mod tree;
pub mod window;

use crate::detect::Scratch;
use crate::detect::candidate::Candidate;

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

/// Something that should have been read and was not, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// What.
    pub path: String,
    /// Why.
    pub reason: String,
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

/// Counters that a scan keeps up to date for whoever shows them, and a flag that ends it early.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    bytes: AtomicU64,
    total_files: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    /// Files done, bytes done, files in all (0 while they are still being listed).
    pub fn read(&self) -> (u64, u64, u64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (load(&self.files), load(&self.bytes), load(&self.total_files))
    }

    /// Asks the scan to end soon; what was found so far is still reported.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the scan was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn expect_files(&self, count: usize) {
        self.total_files.store(count as u64, Ordering::Relaxed);
    }

    fn file_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    fn bytes_done(&self, count: usize) {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// What one thread keeps between contents.
#[derive(Debug, Default)]
pub struct Worker {
    scratch: Scratch,
    buffer: Vec<u8>,
}

/// Workers that wait for a thread to take them up again.
#[derive(Debug, Default)]
pub struct Workers(Mutex<Vec<Worker>>);

impl Workers {
    fn with<T>(&self, work: impl FnOnce(&mut Worker) -> T) -> T {
        // A thread that panicked took its worker along; the others are sound.
        let take = || self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut worker = take().pop().unwrap_or_default();
        let result = work(&mut worker);
        take().push(worker);
        result
    }
}

/// Why the operating system would not let something be read, in a few words.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "it vanished while the scan ran".to_owned(),
        _ => error.to_string(),
    }
}
