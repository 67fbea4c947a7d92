//! Standard input, of any size.

use std::io::{self, Cursor, Read};

use super::container::{Inside, largest_container};
use super::limits::Task;
use super::{Content, Coverage, Gap, GapCode, Progress, Worker, explain, guarded, window};
use crate::decode::container::{Kind, in_words};
use crate::detect::Detector;

/// The name of standard input in reports.
pub const NAME: &str = "-";

/// First bytes by which a container is told.
const HEAD: u64 = 512;

/// Scans standard input to its end and gives `each` what it holds.
pub fn scan(detector: &Detector, progress: &Progress, each: &dyn Fn(Content)) -> Coverage {
    let mut coverage = Coverage::default();
    let mut gap = |code, reason: String| coverage.gaps.push(Gap::new(code, NAME, reason));
    let mut input = Watched(progress);
    let mut head = Vec::new();
    if let Err(error) = (&mut input).take(HEAD).read_to_end(&mut head) {
        gap(GapCode::Unreadable, explain(&error));
        return coverage;
    }
    let kind = Kind::of(&head);
    let mut input = Cursor::new(head).chain(input);
    let task = Task::new(progress);
    let mut worker = Worker::default();
    let Some(kind) = kind else {
        match guarded(|| window::scan(&mut input, 0, detector, &mut worker, &task)) {
            Err(panicked) => gap(GapCode::Failed, panicked.to_string()),
            Ok(read) => {
                match read.error {
                    Some(error) => gap(error.code(), error.explain()),
                    None => coverage.files = 1,
                }
                coverage.bytes = read.bytes;
                each(Content { path: NAME.to_owned(), identity: NAME.to_owned(), candidates: read.candidates });
            }
        }
        return coverage;
    };
    let most = largest_container(progress);
    let mut bytes = Vec::new();
    match input.take(most + 1).read_to_end(&mut bytes) {
        Err(error) => gap(GapCode::Unreadable, explain(&error)),
        Ok(_) if bytes.len() as u64 > most => {
            gap(GapCode::Limit, format!("only its first {} were read", in_words(most)))
        }
        Ok(_) => coverage.files = 1,
    }
    bytes.truncate(most as usize);
    coverage.bytes = bytes.len() as u64;
    match guarded(|| Inside::of(&bytes, kind, NAME, NAME, detector, &mut worker, &task)) {
        Err(panicked) => coverage.gaps.push(Gap::new(GapCode::Failed, NAME, panicked)),
        Ok(inside) => {
            coverage.gaps.extend(inside.gaps);
            inside.contents.into_iter().for_each(each);
        }
    }
    coverage
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
