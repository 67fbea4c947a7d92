//! Names as text: a token can stand in the name of a file, a folder or a branch, or in what a symbolic link points to, as
//! well as in a content, and is published with it.

use super::limits::Task;
use super::{Content, Worker, Workers, window};
use crate::decode::shown;
use crate::finding::Place;
use crate::gap::{Gap, GapCode};
use keysieve_engine::Detector;
use keysieve_engine::candidate::Candidate;

/// Stands behind the folder in whose listing a name is: what is found there is no content of a file.
pub const FILE_NAME: &str = "(file name)";
/// The path of what is found in the names of branches and tags.
pub const REF_NAME: &str = "(ref name)";

/// Names to look at together, one a line.
#[derive(Debug, Default)]
pub struct Names {
    text: Vec<u8>,
    /// Where each starts.
    starts: Vec<usize>,
}

impl<'a> FromIterator<&'a [u8]> for Names {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(names: I) -> Self {
        let mut all = Self::default();
        names.into_iter().for_each(|name| all.push(name));
        all
    }
}

/// A candidate in one of the [`Names`].
#[derive(Debug)]
pub struct Named {
    /// Which of them, in the order in which they were added.
    pub index: usize,
    /// Where in it the secret starts, in bytes.
    pub at: usize,
    /// What was found.
    pub candidate: Candidate,
}

impl Names {
    /// Adds one.
    pub fn push(&mut self, name: &[u8]) {
        self.starts.push(self.text.len());
        self.text.extend_from_slice(name);
        self.text.push(b'\n');
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Bytes of all of them.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    /// Forgets them, and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.starts.clear();
    }

    /// The name `index`.
    pub fn get(&self, index: usize) -> &[u8] {
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        &self.text[self.starts[index]..end - 1]
    }

    /// What stands in them, each with its place in its own name; `what` names them where they could not be read.
    pub fn scan(
        &self,
        what: &str,
        detector: &Detector,
        worker: &mut Worker,
        task: &Task<'_>,
    ) -> (Vec<Named>, Option<Gap>) {
        let reading = window::scan(&mut &self.text[..], self.text.len() as u64, detector, worker, task);
        let gap = reading.error.map(|error| Gap::about(error.code(), what, error.explain()));
        let named = reading.candidates.into_iter().map(|mut candidate| {
            let start = candidate.span.start as usize;
            let index = self.starts.partition_point(|it| *it <= start) - 1;
            // A name that holds line breaks has several lines, of which the first is 1 again.
            let first = memchr::memchr_iter(b'\n', &self.text[..self.starts[index]]).count() as u64;
            let Place { line, end_line, .. } = candidate.place;
            (candidate.place.line, candidate.place.end_line) = (line - first, end_line - first);
            Named { index, at: start - self.starts[index], candidate }
        });
        (named.collect(), gap)
    }

    /// The same by one of `workers`, which a panic costs.
    pub fn scan_by(
        &self,
        workers: &Workers,
        what: &str,
        detector: &Detector,
        task: &Task<'_>,
    ) -> (Vec<Named>, Option<Gap>) {
        let scanned = workers.with(|worker| self.scan(what, detector, worker, task));
        scanned.unwrap_or_else(|panicked| (Vec::new(), Some(Gap::about(GapCode::Failed, what, panicked))))
    }

    /// The same for paths: contents named after the folder in which the name with the secret stands. `root` is put before
    /// each path as it is shown; identities go without it.
    pub fn scan_paths(
        &self,
        root: &dyn Fn(usize) -> (String, String),
        detector: &Detector,
        worker: &mut Worker,
        task: &Task<'_>,
    ) -> (Vec<Content>, Option<Gap>) {
        let (named, gap) = self.scan("file names", detector, worker, task);
        let mut contents: Vec<Content> = Vec::new();
        for Named { index, at, candidate } in named {
            let (shown_root, identity_root) = root(index);
            let inner = of_folder(&self.get(index)[..at]);
            let (path, identity) = (format!("{shown_root}{inner}"), format!("{identity_root}{inner}"));
            // Of all files in a folder whose name holds a secret the first stands for all.
            let is_same = |it: &Candidate| it.rule == candidate.rule && it.secret == candidate.secret;
            match contents.iter_mut().find(|content| content.path == path) {
                Some(content) if content.candidates.iter().any(is_same) => {}
                Some(content) => content.candidates.push(candidate),
                None => contents.push(Content { path, identity, candidates: vec![candidate] }),
            }
        }
        (contents, gap)
    }
}

/// The place of a secret in a path's name, of which `before` is what stands before the secret: its folder, and
/// [`FILE_NAME`].
pub fn of_folder(before: &[u8]) -> String {
    let folder = memchr::memrchr(b'/', before).map_or(&[][..], |slash| &before[..=slash]);
    format!("{}{FILE_NAME}", shown(folder))
}
