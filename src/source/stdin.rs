//! Standard input, of any size.

use std::io;

use super::{Content, Coverage, Gap, Progress, Worker, explain, window};
use crate::detect::Detector;

/// The name of standard input in reports.
pub const NAME: &str = "-";

/// Scans standard input to its end.
pub fn scan(detector: &Detector, progress: &Progress) -> (Content, Coverage) {
    let read = window::scan(&mut io::stdin().lock(), 0, detector, &mut Worker::default(), progress);
    let mut coverage = Coverage { bytes: read.bytes, ..Coverage::default() };
    match read.error {
        Some(error) => coverage.gaps.push(Gap { path: NAME.to_owned(), reason: explain(&error) }),
        None => coverage.files = 1,
    }
    let content = Content { path: NAME.to_owned(), identity: NAME.to_owned(), candidates: read.candidates };
    (content, coverage)
}
