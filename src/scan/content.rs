//! The one way in for contents: bytes come in, from wherever, and candidates and gaps go out.
//!
//! Only here is it asked what a content is. Whatever it is, its bytes are scanned as they are; what is recognised and can
//! be opened is opened as well (`Inside`), and what is recognised and cannot be opened is a gap. A secret that stands
//! inside and shows from outside too, such as in an entry of a tar, is given once, at its inner place.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use super::container::{Inside, largest_container};
use super::limits::Task;
use super::window::{self, Reading};
use super::{Content, Worker, explain};
use crate::decode::container::in_words;
use crate::decode::recognised::{self, Kinds, TAIL};
use crate::decode::rest;
use crate::finding::Secret;
use crate::gap::{Gap, GapCode};
use crate::inside;
use keysieve_engine::Detector;
use keysieve_engine::candidate::Candidate;

/// Bytes of a stream that are read before it is asked what it is. Contents that are no longer do not count as memory.
const HEAD: usize = 64 << 10;

/// Most bytes of a stream that are kept in case its end tells that it is a container.
const KEPT: u64 = 64 << 20;

/// What came of one content.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Those in which the engine found something: the content itself, and contents inside of it.
    pub contents: Vec<Content>,
    /// What was not read.
    pub gaps: Vec<Gap>,
    /// Bytes read.
    pub bytes: u64,
    /// Whether these are all. What is inside may have gaps all the same.
    pub is_whole: bool,
}

/// A content that is about to be scanned.
pub struct Scan<'a, 't> {
    /// Its name as it is shown.
    pub path: &'a str,
    /// Its name that rules and configuration go by; asked for where something was found.
    pub identity: &'a dyn Fn() -> String,
    /// The engine.
    pub detector: &'a Detector,
    /// Whose buffers to use.
    pub worker: &'a mut Worker,
    /// What limits it.
    pub task: &'a Task<'t>,
}

/// Whether there is more to `content` than what a scan of its bytes shows.
pub fn is_more_than_bytes(content: &[u8]) -> bool {
    recognised::kinds(content, content).is_any()
}

impl Scan<'_, '_> {
    /// Scans what is in memory.
    pub fn bytes(mut self, bytes: &[u8]) -> Scanned {
        let kinds = recognised::kinds_at(self.path, bytes, bytes);
        let reading = self.raw(&kinds, |detector, worker, task| window::scan_bytes(bytes, detector, worker, task));
        self.open(reading, &kinds, |_| Ok(bytes))
    }

    /// Scans a file of this size.
    pub fn file(mut self, file: &mut File, size: u64) -> Scanned {
        let begun = window::begin(file, size, self.worker, self.task);
        let head = begun.bytes(self.worker);
        let (length, is_all) = (head.len(), begun.is_all());
        let kinds = if is_all {
            recognised::kinds_at(self.path, head, &head[length.saturating_sub(TAIL)..])
        } else {
            match tail_of(file, size, length as u64) {
                Ok(tail) => recognised::kinds_at(self.path, head, &tail),
                Err(error) => return self.unreadable(&error),
            }
        };
        let reading =
            self.raw(&kinds, |detector, worker, task| window::scan_begun(file, begun, detector, worker, task));
        if !is_all {
            return self.open(reading, &kinds, |task| read_whole(file, size, task));
        }
        // What is inside needs the buffer as well.
        let buffer = std::mem::take(&mut self.worker.buffer);
        let scanned = self.open(reading, &kinds, |task| match length > HEAD {
            true => task.hold(length as u64).map(|()| &buffer[..length]).map_err(|it| (it.code(), it.to_string())),
            false => Ok(&buffer[..length]),
        });
        self.worker.buffer = buffer;
        scanned
    }

    /// Scans what can be read only once, of whatever size.
    pub fn stream(mut self, input: impl Read) -> Scanned {
        let mut input = input;
        let mut head = Vec::new();
        if let Err(error) = (&mut input).take(HEAD as u64 + 1).read_to_end(&mut head) {
            return self.unreadable(&error);
        }
        if head.len() <= HEAD {
            return self.bytes(&head);
        }
        // Its end is not known yet.
        let mut kinds = recognised::kinds(&head, &[]);
        let most = largest_container(self.task.progress());
        let most = if kinds.is_empty() { most.min(KEPT) } else { most };
        let input = Cursor::new(&head[..]).chain(input);
        let mut input = Keeping { input, kept: Vec::new(), most, is_all: true };
        let reading = self.raw(&kinds, |detector, worker, task| window::scan(&mut input, 0, detector, worker, task));
        let at_end = recognised::kinds(&head, &input.kept);
        if input.is_all || !kinds.is_any() {
            kinds = at_end;
        }
        let Keeping { kept, is_all, .. } = input;
        self.open(reading, &kinds, |task| match is_all {
            true => task.hold(kept.len() as u64).map(|()| kept).map_err(|it| (it.code(), it.to_string())),
            false => Err((GapCode::Limit, too_large(most))),
        })
    }

    /// Scans the bytes as they are.
    fn raw(&mut self, kinds: &Kinds, scan: impl FnOnce(&Detector, &mut Worker, &Task<'_>) -> Reading) -> Reading {
        // Lines are a text's; what stands compressed in a container has none.
        if kinds.is_empty() {
            scan(self.detector, self.worker, self.task)
        } else {
            self.task.without_line_limit(|| scan(self.detector, self.worker, self.task))
        }
    }

    /// Adds what is inside; `whole` gives the bytes once more.
    fn open<B: AsRef<[u8]>>(
        &mut self,
        reading: Reading,
        kinds: &Kinds,
        whole: impl FnOnce(&Task<'_>) -> Result<B, (GapCode, String)>,
    ) -> Scanned {
        let mut scanned = Scanned { bytes: reading.bytes, is_whole: reading.error.is_none(), ..Scanned::default() };
        let gap = |code, reason: String| Gap::new(code, self.path, reason);
        scanned.gaps.extend(reading.error.map(|error| gap(error.code(), error.explain())));
        scanned.gaps.extend(kinds.closed.map(|format| gap(format.code, format.reason())));
        let candidates = reading.candidates;
        if !candidates.is_empty() {
            let content = Content { path: self.path.to_owned(), identity: (self.identity)(), candidates };
            scanned.contents.push(content);
        }
        if !kinds.is_empty() {
            let identity = (self.identity)();
            match whole(self.task) {
                Ok(bytes) => {
                    for (kind, bytes) in kinds.parts(bytes.as_ref()) {
                        let inside =
                            Inside::of(bytes, kind, self.path, &identity, self.detector, self.worker, self.task);
                        scanned.contents.extend(inside.contents);
                        scanned.gaps.extend(inside.gaps);
                    }
                }
                Err((code, reason)) => scanned.gaps.push(gap(code, reason)),
            }
            tell_once(&mut scanned.contents);
        }
        scanned
    }

    fn unreadable(&self, error: &io::Error) -> Scanned {
        Scanned { gaps: vec![Gap::new(GapCode::Unreadable, self.path, explain(error))], ..Scanned::default() }
    }
}

/// Of a secret that a container shows from outside and that stands in its entries as well, leaves the inner places; of what
/// stands outside of its entries, the place in its bytes. Which places count is not known yet: paths can be allowed, or
/// lower what stands there. So a place goes only where another one is that of the same bytes.
fn tell_once(contents: &mut Vec<Content>) {
    let mut known: HashMap<Secret, Places> = HashMap::new();
    for (at, content) in contents.iter().enumerate() {
        for candidate in &content.candidates {
            let places = known.entry(candidate.secret.clone()).or_default();
            *places.of(candidate).entry(at).or_default() += 1;
        }
    }
    let is_told = |content: &Content, it: &Candidate| {
        let places = &known[&it.secret];
        // What some judge dropped hides nothing that none did.
        let more = [Some(&places.found), it.dropped.is_some().then_some(&places.dropped)];
        let others = more.into_iter().flatten().flatten().map(|(at, count)| (&*contents[*at].path, *count));
        match outer_of_rest(&content.path) {
            Some(outer) => others.into_iter().any(|(path, _)| path == outer),
            None => {
                let (mut own, mut inner, mut is_outside) = (0, 0, false);
                for (path, count) in others {
                    if path == content.path {
                        own += count;
                    } else if inside::is_inside(path, &content.path) {
                        inner += count;
                        is_outside |= outer_of_rest(path) == Some(&content.path);
                    }
                }
                inner > 0 && !is_outside && own <= inner
            }
        }
    };
    let kept: Vec<Vec<bool>> =
        contents.iter().map(|content| content.candidates.iter().map(|it| !is_told(content, it)).collect()).collect();
    for (content, kept) in contents.iter_mut().zip(kept) {
        let mut kept = kept.into_iter();
        content.candidates.retain(|_| kept.next().unwrap_or(true));
    }
    contents.retain(|content| !content.candidates.is_empty());
}

/// How often a secret stands in contents, by their index.
#[derive(Default)]
struct Places {
    found: BTreeMap<usize, usize>,
    dropped: BTreeMap<usize, usize>,
}

impl Places {
    fn of(&mut self, candidate: &Candidate) -> &mut BTreeMap<usize, usize> {
        if candidate.dropped.is_none() { &mut self.found } else { &mut self.dropped }
    }
}

/// The container whose bytes outside of entries this path stands for.
fn outer_of_rest(path: &str) -> Option<&str> {
    path.strip_suffix(rest::NAME).and_then(|outer| outer.strip_suffix(inside::SIGN))
}

/// The last bytes of a file that is read on at `at`.
fn tail_of(file: &mut File, size: u64, at: u64) -> io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL as u64)))?;
    file.take(TAIL as u64).read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(at))?;
    Ok(tail)
}

/// Reads a container once more, into memory.
fn read_whole(file: &mut File, size: u64, task: &Task<'_>) -> Result<Vec<u8>, (GapCode, String)> {
    let most = largest_container(task.progress());
    if size > most {
        return Err((GapCode::Limit, too_large(most)));
    }
    task.hold(size).map_err(|reached| (reached.code(), reached.to_string()))?;
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(size as usize)
        .map_err(|_| (GapCode::Limit, "there is not enough memory to unpack it".to_owned()))?;
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.take(size).read_to_end(&mut bytes))
        .map_err(|it| (GapCode::Unreadable, explain(&it)))?;
    Ok(bytes)
}

fn too_large(most: u64) -> String {
    format!("what is in it was not read: it is larger than {} (--max-memory)", in_words(most))
}

/// Keeps what was read of a stream, and of one that is too long for that its end.
struct Keeping<R> {
    input: R,
    kept: Vec<u8>,
    most: u64,
    is_all: bool,
}

impl<R: Read> Read for Keeping<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(room)?;
        self.kept.extend_from_slice(&room[..count]);
        self.is_all &= self.kept.len() as u64 <= self.most;
        if !self.is_all && self.kept.len() > 4 * TAIL {
            self.kept.drain(..self.kept.len() - TAIL);
            self.kept.shrink_to(8 * TAIL);
        }
        Ok(count)
    }
}
