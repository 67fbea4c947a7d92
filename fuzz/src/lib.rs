//! What the fuzz targets do with bytes. They look for panics, for hangs and for answers that contradict one another.
//!
//! `scripts/fuzz` runs them under libFuzzer; `tests/corpus.rs` of keysieve runs them over the inputs in `seeds/`.

use std::fs;
use std::panic;
use std::path::Path;
use std::sync::{Once, OnceLock};

use keysieve::baseline::{Baseline, import};
use keysieve::config::Config;
use keysieve::decode::container::{self, Kind, Limits, Sink};
use keysieve::gap::GapCode;
use keysieve::posture::{self, source::File};
use keysieve::report::read;
use keysieve_engine::candidate::{Candidate, RuleIndex};
use keysieve_engine::content::Stream;
use keysieve_engine::encoded::text::{self, Encoding};
use keysieve_engine::encoded::wide::Finder;
use keysieve_engine::path_facts::PathFacts;
use keysieve_engine::rules;
use keysieve_engine::rules::rule::LOOK_BEHIND;
use keysieve_engine::verdict::verdict;
use keysieve_engine::{Detector, Scratch};
use keysieve_git::index::Index;

mod objects;
mod outcome;

pub use objects::{delta, history, pack, pack_index};
pub use outcome::reports;

/// What looks at some bytes, and panics where they break something.
pub type Target = fn(&[u8]);

/// All targets, for whoever replays their seeds.
pub const TARGETS: [(&str, Target); 13] = [
    ("engine", engine),
    ("text", text),
    ("config", config),
    ("gitleaks", gitleaks),
    ("reports", reports),
    ("container", container),
    ("pack_index", pack_index),
    ("pack", pack),
    ("delta", delta),
    ("history", history),
    ("git_index", git_index),
    ("accepted", accepted),
    ("posture", posture),
];

fn detector() -> &'static Detector {
    static BUILTIN: OnceLock<Detector> = OnceLock::new();
    BUILTIN.get_or_init(Detector::builtin)
}

/// What makes two candidates the same.
fn told(candidates: &[Candidate]) -> Vec<(RuleIndex, std::ops::Range<u64>, keysieve::finding::Place, Vec<u8>)> {
    let kept = candidates.iter().filter(|it| it.dropped.is_none());
    kept.map(|it| (it.rule, it.span.clone(), it.place, it.secret.expose().to_vec())).collect()
}

/// The engine over a content: as one window, and as two that meet somewhere.
pub fn engine(data: &[u8]) {
    let [split, padding, text @ ..] = data else { return };
    // Far enough in that the second window does not see the beginning.
    let mut bytes = b"lorem ipsum dolor sit amet\n".repeat(usize::from(*padding) / 4);
    bytes.extend_from_slice(text);
    let detector = detector();
    let mut scratch = Scratch::default();
    let mut whole = Stream::new();
    whole.feed(detector, &mut scratch, &bytes, 0..bytes.len());
    let whole = whole.finish(detector);
    let border = bytes.len() * usize::from(*split) / 256;
    let mut windows = Stream::new();
    windows.feed(detector, &mut scratch, &bytes, 0..border);
    let done = border.saturating_sub(LOOK_BEHIND);
    windows.advance(&bytes, done);
    windows.feed(detector, &mut scratch, &bytes[done..], border - done..bytes.len() - done);
    let windows = windows.finish(detector);
    assert_eq!(told(&windows), told(&whole), "two windows that meet at {border} against one");
    for path in ["src/a.py", "test/b.yml", "c.json"] {
        let facts = PathFacts::of(path);
        for candidate in &whole {
            assert!(candidate.span.end <= bytes.len() as u64);
            verdict(detector, candidate.clone(), path, &facts);
        }
    }
}

/// Other writings of text: a value is what it is written back to, in two pieces UTF-16 is what it is in one.
pub fn text(data: &[u8]) {
    let [split, value @ ..] = data else { return };
    if let Some((encoding, plain)) = text::decode(value) {
        let hex = || plain.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        match encoding {
            Encoding::Hex => assert_eq!(hex().as_bytes(), value.to_ascii_lowercase()),
            // Wrapped and padded or not, in either alphabet.
            Encoding::Base64 => assert!(plain.len() * 4 <= value.len() * 3),
            Encoding::Percent | Encoding::Escapes | Encoding::Html => assert!(plain.len() <= value.len()),
        }
    }
    let border = value.len() * usize::from(*split) / 256;
    let wide = |content: &[u8], border: usize| {
        let mut finder = Finder::default();
        for piece in [0..border, border..content.len()] {
            finder.decode(content, 0, piece, &mut |_| (1, 1));
        }
        finder.texts().map(|decoded| {
            let (text, starts) = decoded.parts();
            (String::from_utf8(text.to_vec()).expect("what is decoded is UTF-8"), starts.to_vec())
        })
    };
    assert_eq!(wide(value, border), wide(value, 0), "pieces that meet at {border}");
    // Of higher characters some could be pairs of others.
    let is_safe = |it: &char| matches!(it, '\n' | ' '..='~' | '\u{a1}'..='\u{7ff}');
    let text: String = String::from_utf8_lossy(value).chars().filter(is_safe).collect();
    for encode in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
        let content: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(encode).collect();
        assert_eq!(wide(&content, 0)[0].0, text);
    }
}

/// A configuration, and what its own rules find in it.
pub fn config(data: &[u8]) {
    configured(data, ".keysieve.toml");
}

/// A configuration of gitleaks.
pub fn gitleaks(data: &[u8]) {
    configured(data, ".gitleaks.toml");
}

fn configured(data: &[u8], name: &str) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(config) = Config::parse(text, Path::new(name), &|_| Ok(text.to_owned())) else { return };
    let mut own = config.rules();
    own.retain(|rule| rules::builtin().iter().all(|builtin| builtin.id != rule.id));
    if !own.is_empty() {
        let detector = Detector::new(own).expect("a configuration has checked its rules");
        // A pattern that is too large is refused by those who call; here it must only not hang.
        if detector.check_rules().is_ok() {
            detector.scan(data, &mut Scratch::default(), |finding| {
                config.allows(&finding.into(), "a/b.py", keysieve::config::today());
            });
        }
    }
}

/// A baseline, what other scanners write, and an earlier report.
pub fn accepted(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Baseline::parse(text, Path::new("baseline.json"));
    let _ = import::read(text);
    if let Ok(outcome) = read::read(text) {
        outcome::print_all(&outcome);
    }
}

struct Contents(u64);

impl Sink for Contents {
    fn content(&mut self, path: &str, bytes: &[u8]) {
        assert!(path.starts_with("a!/") || path == "a", "{path}");
        self.0 += bytes.len() as u64;
    }

    fn gap(&mut self, path: &str, _: GapCode, reason: String) {
        assert!(!path.is_empty() && !reason.is_empty());
    }

    fn may_hold(&mut self, bytes: u64) -> Result<(), (GapCode, String)> {
        // A content and those around it, each at most as long as the limit for one, while it grows by half.
        assert!(bytes <= 6 << 20, "{bytes} bytes in memory");
        Ok(())
    }
}

/// A library that panics on a container costs the container, so only what is ours ends the fuzzer.
fn forgive_libraries() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Of the standard library's own panics the first caller outside of it tells whose they are.
            let trace = std::backtrace::Backtrace::force_capture().to_string();
            let mut places = trace.lines().filter_map(|line| line.trim().strip_prefix("at "));
            let mut after = places.by_ref().skip_while(|place| !place.contains("/panicking.rs"));
            let is_std = |place: &&str| place.starts_with("/rustc/") || place.contains("/library/");
            let first = after.find(|place| !is_std(place));
            let at = info.location().map_or("", |place| place.file());
            let is_library = at.contains("/registry/src/") || first.is_some_and(|it| it.contains("/registry/src/"));
            if !is_library {
                others(info);
            }
        }));
    });
}

/// Whatever holds other contents; the first bytes tell what it is.
pub fn container(data: &[u8]) {
    forgive_libraries();
    let Some(kind) = Kind::of(data) else { return };
    let limits = Limits { entry: 1 << 20, total: 4 << 20, entries: 1000, ..Limits::default() };
    let mut contents = Contents(0);
    container::unpack(data, kind, "a", &limits, &mut contents);
    // What no entry holds is read by field and as a whole, with what stands before it.
    let most = 4 * (limits.total + data.len() as u64);
    assert!(contents.0 <= most, "{} bytes are more than the limit", contents.0);
}

/// The index of a work tree.
pub fn git_index(data: &[u8]) {
    let Some((version, rest)) = data.split_first() else { return };
    // As with `index.skipHash`: a checksum would hide everything behind it.
    let mut bytes = [b"DIRC\0\0\0".as_slice(), &[2 + version % 3], rest].concat();
    bytes.extend_from_slice(&[0; 20]);
    let folder = scratch_folder();
    fs::write(folder.path().join("index"), &bytes).expect("a temporary file can be written");
    if let Ok(index) = Index::read(folder.path(), 20) {
        for entry in &index.entries {
            index.path(entry);
        }
        let mut open: Vec<_> = index.cache.root().into_iter().collect();
        while let Some(tree) = open.pop() {
            tree.tree(index.entries.len());
            open.extend(tree.child(b"a"));
        }
    }
}

/// Files of infrastructure.
pub fn posture(data: &[u8]) {
    let [kind, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    const NAMES: [&str; 7] =
        ["a.tf", ".github/workflows/a.yml", ".gitlab-ci.yml", "compose.yml", "a.template", "Dockerfile", "a.yml"];
    let name = NAMES[usize::from(*kind) % NAMES.len()];
    let files: Vec<File> = File::of(name, name, text.to_owned()).into_iter().collect();
    let found = posture::check(&files);
    for finding in &found.findings {
        assert!(finding.place.line >= 1);
    }
}

/// A folder for what is read as a file, in memory where there is one.
fn scratch_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(parent).expect("a temporary folder can be made")
}
