//! Mutated repositories around a planted token: whatever is wrong with one, the token is found, or the run says that it
//! is incomplete (exit code 3). And ordinary repositories without a token are clean.
//!
//! Each case has a number, and the same number makes the same case. A run of the tests tries 1,600 of them;
//! `scripts/mutate` tries them for as long as it is told to, with any build, and keeps the folder of each case that does
//! not hold. A mutator builds its case in a [`Lab`] and says what to ask; the oracle is below.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod commits;
mod contents;
#[path = "../forge/mod.rs"]
mod forge;
mod index;
mod joined;
mod packs;
mod refs;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use forge::Random;
use forge::repository::{Oid, Repository};

/// Builds a case.
type Mutator = fn(&mut Random, &mut Lab);

/// Every mutator, by the name that reports give it.
const MUTATORS: [(&str, Mutator); 20] = [
    ("encodings", contents::encodings),
    ("borders", contents::borders),
    ("heads", contents::heads),
    ("containers", contents::containers),
    ("stacked", contents::stacked),
    ("commits", commits::commits),
    ("trees", commits::trees),
    ("tags", commits::tags),
    ("names", refs::names),
    ("refs", refs::refs),
    ("replaced", refs::replaced),
    ("packs", packs::packs),
    ("loose", packs::loose),
    ("index", index::index),
    ("environment", index::environment),
    ("wide", joined::wide),
    ("documents", joined::documents),
    ("scripts", joined::scripts),
    ("configured", joined::configured),
    ("reflogs", joined::reflogs),
];

/// Where a case is built, and what is asked of it.
struct Lab {
    repository: Repository,
    /// What was planted; in a case without it, some other word.
    token: String,
    /// Whether it is the token.
    is_planted: bool,
    /// Whether all that was done is something that ordinary repositories hold as well.
    is_ordinary: bool,
    questions: Vec<Question>,
    /// What was done, in words.
    done: Vec<String>,
}

/// What git can list.
enum Listing {
    /// The objects of a range.
    Range(String),
    /// What it would commit.
    Index,
}

/// A run of keysieve.
struct Question {
    arguments: Vec<String>,
    input: Vec<u8>,
    environment: Vec<(&'static str, String)>,
    /// What git is asked when keysieve does not come by the token, and the object that git has to come by then.
    listed: Option<(Listing, Oid)>,
}

impl Lab {
    fn new(root: &Path, seed: u64, is_planted: bool) -> Self {
        let token = forge::token(seed);
        let token = if is_planted { token } else { token.replace("ghp_", "word") };
        let repository = Repository::new(root);
        Self { repository, token, is_planted, is_ordinary: true, questions: Vec::new(), done: Vec::new() }
    }

    /// A line with the token.
    fn line(&self) -> String {
        // Without a name that would make any value a secret.
        format!("see {}\n", self.token)
    }

    /// Notes a mutation; `is_ordinary` if ordinary repositories have it as well.
    fn note(&mut self, what: impl Into<String>, is_ordinary: bool) {
        self.done.push(what.into());
        self.is_ordinary &= is_ordinary;
    }

    fn ask(&mut self, arguments: &[&str]) -> &mut Question {
        let arguments = arguments.iter().map(|it| (*it).to_owned()).collect();
        self.questions.push(Question { arguments, input: Vec::new(), environment: Vec::new(), listed: None });
        self.questions.last_mut().unwrap()
    }

    /// Asks `range`, where git, asked for the same, lists `object`.
    fn ask_range(&mut self, range: &str, object: Oid) {
        self.ask(&["range", range]).listed = Some((Listing::Range(range.to_owned()), object));
    }
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Found,
    Incomplete,
    Clean,
    /// Git itself does not come by what was planted.
    NotListed,
}

const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a program; no exit code when it was ended by a signal or took too long.
fn run(mut command: Command, input: &[u8]) -> (Option<i32>, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // A program that has seen enough closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    let (mut out, mut error) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = out.read_to_end(&mut text);
        let _ = error.read_to_end(&mut text);
        let _ = sender.send(text);
    });
    let text = receiver.recv_timeout(TIMEOUT);
    if text.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().unwrap();
    let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
    (status.code().filter(|_| text.is_ok()), text.unwrap_or_else(|_| "it took too long".to_owned()))
}

fn bare(program: &Path, folder: &Path) -> Command {
    // A mutation that makes a program ask for all memory must not get it.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 8000000; exec \"$0\" \"$@\""]).arg(program);
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// Asks one question. `Err` is a hole, in words.
fn ask(program: &Path, lab: &Lab, question: &Question) -> Result<Outcome, String> {
    let mut command = bare(program, &lab.repository.root);
    command.args(&question.arguments).args(["-j", "1", "--format", "jsonl", "--show-secrets", "--no-progress"]);
    command.envs(question.environment.iter().map(|(name, value)| (*name, value)));
    let (code, text) = run(command, &question.input);
    let end = text.char_indices().nth(1500).map_or(text.len(), |(at, _)| at);
    let hole = |what: &str| Err(format!("{:?} {what}: {code:?} {}", question.arguments, &text[..end]));
    let finding = text.lines().any(|line| line.starts_with("{\"type\":\"finding\"") && line.contains(&lab.token));
    match code {
        None | Some(4..) => hole("breaks"),
        Some(1) if finding && lab.is_planted => Ok(Outcome::Found),
        Some(3) if lab.is_planted || !lab.is_ordinary => Ok(Outcome::Incomplete),
        Some(0) if !lab.is_planted => Ok(Outcome::Clean),
        Some(_) if !lab.is_planted && !lab.is_ordinary => Ok(Outcome::Incomplete),
        Some(3) if !lab.is_planted => hole("is incomplete over an ordinary repository"),
        Some(_) if !lab.is_planted => hole("finds what is not there"),
        Some(_) => match &question.listed {
            Some((listing, object)) => match listed(lab, listing, *object) {
                Some(true) => hole("misses what git lists"),
                Some(false) => Ok(Outcome::NotListed),
                None if code == Some(2) => Ok(Outcome::NotListed),
                None => hole("is clean where git fails"),
            },
            None => hole("misses the token"),
        },
    }
}

/// Whether git comes by an object; `None` where git fails.
fn listed(lab: &Lab, listing: &Listing, object: Oid) -> Option<bool> {
    let git = |arguments: &[&str]| {
        let mut command = bare(Path::new("git"), &lab.repository.root);
        command.args(arguments);
        let (code, text) = run(command, b"");
        (code == Some(0)).then_some(text)
    };
    let text = match listing {
        Listing::Range(range) => git(&["rev-list", "--objects", range, "--"])?,
        Listing::Index => git(&["ls-tree", "-r", "-t", "--full-tree", git(&["write-tree"])?.trim()])?,
    };
    Some(text.contains(&object.to_string()))
}

/// What all cases came to.
#[derive(Default)]
struct Tally {
    cases: BTreeMap<&'static str, usize>,
    outcomes: BTreeMap<(&'static str, Outcome), usize>,
    holes: Vec<(&'static str, u64, String)>,
}

impl Tally {
    /// Builds and asks the case of this number.
    fn case(&mut self, program: &Path, scratch: &Path, keep: Option<&Path>, seed: u64) {
        let (name, mutator) = MUTATORS[(seed % MUTATORS.len() as u64) as usize];
        let folder = scratch.join(seed.to_string());
        let mut random = Random(seed);
        let is_planted = !random.one_in(4);
        let mut lab = Lab::new(&folder, seed, is_planted);
        mutator(&mut random, &mut lab);
        *self.cases.entry(name).or_default() += 1;
        let mut holds = true;
        for question in &lab.questions {
            match ask(program, &lab, question) {
                Ok(outcome) => *self.outcomes.entry((name, outcome)).or_default() += 1,
                Err(hole) => {
                    holds = false;
                    self.holes.push((name, seed, format!("{}\n    {hole}", lab.done.join("; "))));
                }
            }
        }
        if let (false, Some(keep)) = (holds, keep) {
            let _ = Command::new("cp").arg("-a").args([&folder, &keep.join(seed.to_string())]).status();
        }
        let _ = std::fs::remove_dir_all(&folder);
    }

    fn add(&mut self, other: Self) {
        other.cases.into_iter().for_each(|(name, count)| *self.cases.entry(name).or_default() += count);
        other.outcomes.into_iter().for_each(|(name, count)| *self.outcomes.entry(name).or_default() += count);
        self.holes.extend(other.holes);
    }

    fn print(&self, begun: Instant) {
        let all: usize = self.cases.values().sum();
        println!("{all} cases in {:.0} s", begun.elapsed().as_secs_f32());
        for (name, cases) in &self.cases {
            let outcomes: Vec<String> = self
                .outcomes
                .iter()
                .filter(|((of, _), _)| of == name)
                .map(|((_, outcome), count)| format!("{outcome:?} {count}"))
                .collect();
            let holes = self.holes.iter().filter(|hole| hole.0 == *name).count();
            println!("{name:12} {cases:>7} cases  {}  holes {holes}", outcomes.join("  "));
        }
        for (name, seed, hole) in &self.holes {
            println!("case {seed} ({name}): {hole}");
        }
    }
}

#[test]
fn a_planted_token_is_found_or_said() {
    let text = |name: &str| std::env::var(name).ok();
    let number = |name: &str| text(name).map(|it| it.parse::<f64>().unwrap_or_else(|_| panic!("{name} is a number")));
    let program = text("MUTATE_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_keysieve").to_owned());
    let program = PathBuf::from(program);
    let minutes = number("MUTATE_MINUTES");
    let keep = text("MUTATE_KEEP").map(PathBuf::from);
    let memory = Path::new("/dev/shm");
    let scratch = tempfile::tempdir_in(if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }).unwrap();
    let begun = Instant::now();
    let one = number("MUTATE_CASE");
    let first = one.or_else(|| number("MUTATE_SEED")).unwrap_or(0.0) as u64;
    // Alone and short with the tests, on one core for as long as it is told to else.
    let (threads, cases) = match (one, minutes) {
        (Some(_), _) => (1, 1),
        (None, Some(_)) => (1, u64::MAX),
        (None, None) => (2, 1600),
    };
    let only = text("MUTATE_ONLY");
    let is_wanted = |seed: u64| {
        let name = MUTATORS[(seed % MUTATORS.len() as u64) as usize].0;
        only.as_ref().is_none_or(|only| only.split(',').any(|it| it == name))
    };
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= cases || minutes.is_some_and(|it| begun.elapsed().as_secs_f64() > it * 60.0) {
                        break;
                    }
                    if one.is_some() || is_wanted(first + at) {
                        let mut own = Tally::default();
                        own.case(&program, scratch.path(), keep.as_deref(), first + at);
                        tally.lock().unwrap().add(own);
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    tally.print(begun);
    assert!(tally.holes.is_empty(), "{} holes; see above", tally.holes.len());
}
