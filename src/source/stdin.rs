//! Standard input, of any size.

use std::io::{self, Read};

use crate::gap::{Gap, GapCode};
use crate::outcome::Outcome;
use crate::scan::content::Scan;
use crate::scan::limits::Task;
use crate::scan::{Collected, Coverage, Progress, Worker, guarded};
use keysieve_engine::Detector;

/// The name of standard input in reports.
pub const NAME: &str = "-";

/// What to say where nothing came: a shell tells nobody that the command before the pipe has failed.
const EMPTY: &str = "standard input was empty (0 bytes read); did the command that was to write to it fail?";

/// Scans standard input to its end.
pub fn scan(detector: &Detector, progress: &Progress) -> Outcome {
    let found = Collected::new(detector, progress.limits.findings);
    let mut coverage = Coverage::default();
    let task = Task::new(progress);
    let mut worker = Worker::default();
    let identity = || NAME.to_owned();
    let scan = Scan { path: NAME, identity: &identity, detector, worker: &mut worker, task: &task };
    match guarded(|| scan.stream(Watched(progress))) {
        Err(panicked) => coverage.gaps.push(Gap::new(GapCode::Failed, NAME, panicked)),
        Ok(scanned) => {
            coverage.files = u64::from(scanned.is_whole);
            coverage.bytes = scanned.bytes;
            coverage.gaps = scanned.gaps;
            scanned.contents.into_iter().for_each(|content| found.add(content));
        }
    }
    coverage.gaps = coverage.gaps.into_iter().map(Gap::of_no_file).collect();
    let is_empty = coverage.bytes == 0 && coverage.is_complete();
    let mut outcome = found.outcome(coverage);
    outcome.summary.notes.extend(is_empty.then(|| EMPTY.to_owned()));
    outcome
}

/// Standard input, of which reading ends when the scan does: whoever writes to it may never write again.
struct Watched<'a>(&'a Progress);

/// Milliseconds between two looks whether the scan has ended.
#[cfg(unix)]
const PATIENCE: i64 = 100;

impl Read for Watched<'_> {
    #[cfg(unix)]
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        if let Some(why) = self.0.stopped() {
            return Err(io::Error::other(why));
        }
        let input = rustix::stdio::stdin();
        let patience = Timespec { tv_sec: 0, tv_nsec: PATIENCE * 1_000_000 };
        while poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&patience))? == 0 {
            if let Some(why) = self.0.stopped() {
                return Err(io::Error::other(why));
            }
        }
        Ok(rustix::io::read(input, room)?)
    }

    #[cfg(not(unix))]
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        io::stdin().lock().read(room)
    }
}
