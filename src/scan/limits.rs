//! How much of a machine a scan may take: hostile input asks for all of it. What a limit cuts off is a gap, so a scan
//! that reached one is incomplete and says which.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Panicked, Progress};
use crate::decode::container::{self, in_words};
use crate::gap::GapCode;

/// The limits of a scan.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes that contents may take in memory, of all threads together: what is unpacked, expanded or read whole.
    /// Names, tables of packs and findings come on top; other limits bound these.
    pub memory: u64,
    /// What is unpacked of a container.
    pub containers: container::Limits,
    /// Bytes of one line.
    pub line: u64,
    /// Candidates in one file or object, and in all that it contains.
    pub findings_per_file: usize,
    /// Findings that are reported, the first by path and place.
    pub findings: usize,
    /// Deltas between an object and what it is made of.
    pub delta_depth: usize,
    /// Bytes of one object of a repository.
    pub object: u64,
    /// Objects of a repository.
    pub objects: usize,
    /// Paths at which one commit may hold something, and files that one comparison may find changed: trees can share
    /// folders, so that a few kilobytes name more paths than there is memory.
    pub paths: usize,
    /// Time for one file or object.
    pub file_time: Duration,
    /// Time for the scan.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 4 << 30,
            containers: container::Limits::default(),
            line: 1 << 30,
            findings_per_file: 10_000,
            findings: 100_000,
            // Git itself makes chains of at most 4,095.
            delta_depth: 4_095,
            object: 2 << 30,
            objects: 50_000_000,
            paths: 1_000_000,
            file_time: Duration::from_secs(120),
            time: Duration::from_secs(3600),
        }
    }
}

impl Limits {
    /// What one task may hold in memory: half of all, whatever the number of threads, so that the same input reaches
    /// this limit on every machine.
    pub fn task_memory(&self) -> u64 {
        self.memory / 2
    }

    /// The largest object that is expanded: to make one of a delta takes the base, the delta and the result.
    pub fn largest_object(&self) -> u64 {
        self.object.min(self.task_memory() / 3)
    }
}

/// A limit that was reached, with the option that raises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// Of memory.
    Memory(u64),
    /// Of a line's length.
    Line(u64),
    /// Of a file's findings.
    Findings(usize),
    /// Of a file's time.
    FileTime(Duration),
    /// Somebody ended the scan, or its time was over.
    Stopped(&'static str),
}

impl Reached {
    /// What kind of gap it leaves.
    pub fn code(&self) -> GapCode {
        match self {
            Self::Stopped(_) => GapCode::Interrupted,
            Self::Memory(_) | Self::Line(_) | Self::Findings(_) | Self::FileTime(_) => GapCode::Limit,
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(bytes) => {
                write!(f, "it needs more memory than the {} that one file may take (--max-memory)", in_words(*bytes))
            }
            Self::Line(bytes) => {
                write!(f, "a line is longer than {}; what follows was not read (--max-line-length)", in_words(*bytes))
            }
            Self::Findings(most) => write!(
                f,
                "it has more than {most} places that may be credentials; what follows was not read \
                 (--max-findings-per-file)"
            ),
            Self::FileTime(time) => {
                write!(f, "it took longer than {} s; what follows was not read (--file-timeout)", time.as_secs_f64())
            }
            Self::Stopped(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Reached {}

/// The memory that tasks share. Each may take a little whenever it wants; who needs more waits until it is the only one
/// that does, and may then take [`Limits::task_memory`]. So the sum stays below the limit, and whether a task has enough
/// does not depend on what others do.
#[derive(Debug, Default)]
pub struct Memory(Mutex<()>);

/// One file or object while it is scanned, and what it has taken so far.
#[derive(Debug)]
pub struct Task<'a> {
    progress: &'a Progress,
    started: Cell<Instant>,
    turn: RefCell<Option<MutexGuard<'a, ()>>>,
    found: Cell<usize>,
    has_lines: Cell<bool>,
}

impl<'a> Task<'a> {
    /// Begins now.
    pub fn new(progress: &'a Progress) -> Self {
        Self {
            progress,
            started: Cell::new(Instant::now()),
            turn: RefCell::default(),
            found: Cell::new(0),
            has_lines: Cell::new(true),
        }
    }

    /// Begins with the next object of a chain, which has its own time and its own findings.
    pub fn next_object(&self) {
        self.started.set(Instant::now());
        self.found.set(0);
    }

    /// The scan that it is part of.
    pub fn progress(&self) -> &'a Progress {
        self.progress
    }

    /// What it may take.
    pub fn limits(&self) -> &'a Limits {
        &self.progress.limits
    }

    /// Bytes that a line may have.
    pub fn line_limit(&self) -> u64 {
        if self.has_lines.get() { self.limits().line } else { u64::MAX }
    }

    /// Does work on what has no lines.
    pub fn without_line_limit<T>(&self, work: impl FnOnce() -> T) -> T {
        self.has_lines.set(false);
        let done = work();
        self.has_lines.set(true);
        done
    }

    /// Whether it may go on with so many bytes in memory; waits for its turn if these are many.
    pub fn hold(&self, bytes: u64) -> Result<(), Reached> {
        let most = self.limits().task_memory();
        if bytes > most {
            return Err(Reached::Memory(most));
        }
        if bytes > self.unasked() && self.turn.borrow().is_none() {
            let turn = self.progress.memory.0.lock().unwrap_or_else(PoisonError::into_inner);
            *self.turn.borrow_mut() = Some(turn);
        }
        Ok(())
    }

    /// What every thread may hold without waiting.
    pub fn unasked(&self) -> u64 {
        self.limits().task_memory() / rayon::current_num_threads() as u64
    }

    /// Whether there is time left, and nobody ended the scan.
    pub fn in_time(&self) -> Result<(), Reached> {
        if let Some(why) = self.progress.stopped() {
            return Err(Reached::Stopped(why));
        }
        let most = self.limits().file_time;
        // A clock need not have moved.
        if most.is_zero() || self.started.get().elapsed() > most { Err(Reached::FileTime(most)) } else { Ok(()) }
    }

    /// Does work that cannot look at the clock, such as a library's, on a thread of its own. What is not done in time is
    /// left behind with its thread, until the process ends.
    pub fn watch<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Result<T, Panicked>, Reached> {
        const LOOK_EVERY: Duration = Duration::from_millis(50);
        self.in_time()?;
        let (done, result) = mpsc::channel();
        thread::spawn(move || done.send(work()));
        loop {
            match result.recv_timeout(LOOK_EVERY) {
                Ok(result) => return Ok(Ok(result)),
                Err(RecvTimeoutError::Disconnected) => return Ok(Err(Panicked)),
                Err(RecvTimeoutError::Timeout) => self.in_time()?,
            }
        }
    }

    /// Counts candidates.
    pub fn found(&self, more: usize) -> Result<(), Reached> {
        self.found.set(self.found.get() + more);
        let most = self.limits().findings_per_file;
        if self.found.get() > most { Err(Reached::Findings(most)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_gets_half_of_the_memory_and_no_more() {
        let progress = Progress::with(Limits { memory: 1000, ..Limits::default() });
        let task = Task::new(&progress);
        assert_eq!(task.hold(500), Ok(()));
        assert_eq!(task.hold(501), Err(Reached::Memory(500)));
        assert!(progress.memory.0.try_lock().is_err(), "it holds much, so it has its turn");
        drop(task);
        let task = Task::new(&progress);
        assert_eq!(task.hold(task.unasked()), Ok(()));
        assert_eq!(progress.memory.0.try_lock().is_ok(), task.unasked() < 500 || rayon::current_num_threads() == 1);
    }

    #[test]
    fn time_and_findings_run_out() {
        let progress = Progress::with(Limits { file_time: Duration::ZERO, findings_per_file: 2, ..Limits::default() });
        let task = Task::new(&progress);
        thread::sleep(Duration::from_millis(2));
        assert_eq!(task.in_time(), Err(Reached::FileTime(Duration::ZERO)));
        assert_eq!((task.found(2), task.found(1)), (Ok(()), Err(Reached::Findings(2))));
    }

    #[test]
    fn work_that_never_ends_is_left_behind() {
        let progress = Progress::default();
        assert_eq!(Task::new(&progress).watch(|| 7), Ok(Ok(7)));
        assert_eq!(Task::new(&progress).watch(|| -> u8 { panic!("as a library would") }), Ok(Err(Panicked)));
        let most = Duration::from_millis(100);
        let progress = Progress::with(Limits { file_time: most, ..Limits::default() });
        let never = || thread::sleep(Duration::from_secs(3600));
        assert_eq!(Task::new(&progress).watch(never), Err(Reached::FileTime(most)));
    }
}
