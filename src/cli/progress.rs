//! A progress bar on the terminal, for scans that take over half a second; and Ctrl-C.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use keysieve::file::write::abandon;
use keysieve::scan::limits::Limits;
use keysieve::scan::{Progress, Stop};

use super::{say, signals};

const QUIET_FOR: Duration = Duration::from_millis(500);
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// Draws until it is dropped.
pub struct Display {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Display {
    /// Starts drawing if standard error is a terminal and nobody objects.
    pub fn start(progress: &Arc<Progress>, wanted: bool, noun: &'static str) -> Self {
        if !wanted || !io::stderr().is_terminal() {
            return Self { running: None };
        }
        let (end, ended) = mpsc::channel();
        let progress = Arc::clone(progress);
        let thread = thread::spawn(move || {
            if ended.recv_timeout(QUIET_FOR) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::new(0);
            let style = format!("{{bar:30}} {{pos}}/{{len}} {noun}, {{msg}}");
            bar.set_style(
                ProgressStyle::with_template(&style).expect("the template is but a noun different from a constant"),
            );
            loop {
                let (files, bytes, total) = progress.read();
                bar.set_length(total);
                bar.set_position(files);
                bar.set_message(format!("{} read", DecimalBytes(bytes)));
                if ended.recv_timeout(REDRAW_EVERY) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            bar.finish_and_clear();
        });
        Self { running: Some((end, thread)) }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.running.take() {
            drop(end);
            // A bar that could not be drawn is no reason to lose the report.
            let _ = thread.join();
        }
    }
}

/// Whether a scan is under way, which a signal asks to end.
static SCANNING: AtomicBool = AtomicBool::new(false);
/// How long a scan may take to end once it was asked to. Nothing of keysieve's takes longer; what it waits for can.
const GRACE: Duration = Duration::from_secs(10);

/// Begins a scan that may take what `limits` say: the first signal to end (SIGINT, SIGTERM, SIGHUP) or the end of its time
/// ends it and it still reports, the second signal ends the program, as the first does when the scan is over or does not end.
pub fn begin(limits: Limits) -> Arc<Progress> {
    let progress = Arc::new(Progress::with(limits));
    let watched = Arc::clone(&progress);
    SCANNING.store(true, Ordering::SeqCst);
    let installed = signals::on_end(move || {
        if !SCANNING.load(Ordering::SeqCst) || watched.stopped_by() == Some(Stop::Interrupted) {
            end();
        }
        watched.stop(Stop::Interrupted);
        thread::spawn(|| {
            thread::sleep(GRACE);
            if SCANNING.load(Ordering::SeqCst) {
                end();
            }
        });
    });
    if let Err(error) = installed {
        say::warning(&format!("Ctrl-C will end the scan without a report: {error}"));
    }
    if progress.limits.time.is_zero() {
        // A thread may be late to say so.
        progress.stop(Stop::OutOfTime);
    }
    let (time, watched) = (progress.limits.time, Arc::downgrade(&progress));
    thread::spawn(move || {
        thread::sleep(time);
        if let Some(progress) = watched.upgrade() {
            progress.stop(Stop::OutOfTime);
        }
    });
    progress
}

/// Says that the scan is over: what follows is written, and a signal ends that at once.
pub fn over() {
    SCANNING.store(false, Ordering::SeqCst);
}

fn end() -> ! {
    abandon();
    std::process::exit(INTERRUPTED)
}

/// What shells say of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
