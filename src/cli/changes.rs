//! `keysieve staged` and `keysieve range`: what a commit, a push or a pull request brings.

use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use keysieve::baseline::{self, Baseline};
use keysieve::config::{self, Config};
use keysieve::detect::Detector;
use keysieve::finding::Confidence;
use keysieve::outcome::{Outcome, SetAside, Summary};
use keysieve::source::changes::range::{self, Ends, Range};
use keysieve::source::changes::{self, Changes, Options, staged};
use keysieve::source::history::Repository;
use keysieve::source::{Gap, GapCode, Progress};

use super::limits::{LimitArgs, RepositoryLimitArgs};
use super::progress::{self, Display};
use super::settings::{AcceptedArgs, ReportArgs, Settings, TrustArgs};
use super::{NOTHING_FOUND, scan, signals};

/// The arguments of `staged`.
#[derive(Debug, Args)]
pub struct StagedArgs {
    /// A work tree
    #[arg(default_value = ".", value_name = "REPO")]
    pub repository: PathBuf,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The arguments of `range`.
#[derive(Debug, Args)]
pub struct RangeArgs {
    /// BASE..HEAD, such as origin/main..HEAD; BASE...HEAD starts where both were last the same
    #[arg(value_name = "BASE..HEAD", required_unless_present = "pre_push")]
    range: Option<String>,
    /// A work tree, a `.git` folder or a bare repository
    #[arg(default_value = ".", value_name = "REPO")]
    repository: PathBuf,
    /// Reads from standard input what git tells a pre-push hook, and looks at the commits that are pushed
    #[arg(long, conflicts_with = "range")]
    pre_push: bool,
    /// Takes configuration, baseline and allow markers as HEAD has them, not BASE: for the owner's own changes
    #[arg(long)]
    trust_head: bool,
    #[command(flatten)]
    common: CommonArgs,
}

impl RangeArgs {
    /// As a pre-push hook calls it.
    pub fn pre_push() -> Self {
        let common = CommonArgs {
            trust: TrustArgs::of_hook(),
            accepted: AcceptedArgs::default(),
            threads: None,
            no_progress: false,
            limits: LimitArgs::default(),
            repository_limits: RepositoryLimitArgs::default(),
            report: ReportArgs::default(),
            quiet: true,
        };
        Self { range: None, repository: PathBuf::from("."), pre_push: true, trust_head: false, common }
    }
}

/// What both have.
#[derive(Debug, Args)]
pub struct CommonArgs {
    #[command(flatten)]
    pub trust: TrustArgs,
    #[command(flatten)]
    pub accepted: AcceptedArgs,
    /// Threads to use [default: one a processor]
    #[arg(short = 'j', long, value_name = "N")]
    pub threads: Option<usize>,
    /// Shows no progress bar
    #[arg(long)]
    pub no_progress: bool,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub repository_limits: RepositoryLimitArgs,
    #[command(flatten)]
    pub report: ReportArgs,
    /// Prints only where there is something to say: a hook that always talks is one that nobody reads.
    #[arg(skip)]
    pub quiet: bool,
}

/// Scans the index.
pub fn run_staged(arguments: StagedArgs) -> anyhow::Result<ExitCode> {
    let common = &arguments.common;
    let repository = Repository::discover(&arguments.repository, common.trust.into())?;
    let settings = Settings::of(&repository.root(), &common.accepted)?;
    let detector = detector(&settings, common)?;
    let changes = watched(common, |progress| staged::scan(&repository, &detector, progress))?;
    finish(changes, &detector, &settings, common)
}

/// Scans the commits of a range.
pub fn run_range(arguments: RangeArgs) -> anyhow::Result<ExitCode> {
    let common = &arguments.common;
    let repository = Repository::discover(&arguments.repository, common.trust.into())?;
    let ranges = match &arguments.range {
        Some(range) => vec![Range::parse(range).map_err(anyhow::Error::msg)?],
        None => pushed(&std::io::read_to_string(std::io::stdin().lock().take(MAX_PUSH))?),
    };
    let mut ends: Vec<Ends> = Vec::new();
    let mut unknown = Vec::new();
    for range in &ranges {
        match range::resolve(&repository, range) {
            Ok(found) => ends.push(found),
            Err(error) => unknown.push(Gap::new(GapCode::UnknownRevision, describe(range), error)),
        }
    }
    let base = ends.first().and_then(Ends::base).filter(|_| !arguments.trust_head && !arguments.pre_push);
    let (settings, notes, gaps) = match base {
        Some(base) => settings_at(&repository, base, &ends[0].include, &common.accepted)?,
        None => (Settings::of(&repository.root(), &common.accepted)?, Vec::new(), Vec::new()),
    };
    let detector = detector(&settings, common)?;
    let options = Options { heed_markers: arguments.trust_head || arguments.pre_push };
    let mut changes = watched(common, |progress| {
        let scanned = ends.iter().map(|ends| range::scan(&repository, ends, &detector, progress, options));
        scanned.reduce(joined).unwrap_or_default()
    })?;
    changes.notes.extend(notes);
    changes.gaps.extend(gaps);
    if ranges.is_empty() {
        changes.notes.push("nothing is pushed: no ref that is pushed has a new commit".to_owned());
    }
    if !unknown.is_empty() {
        changes.scope = unknown.iter().map(|gap| gap.path.clone()).collect::<Vec<_>>().join(", ");
        changes.commits.get_or_insert(0);
    }
    changes.gaps.extend(unknown);
    finish(changes, &detector, &settings, common)
}

/// Most bytes of a pre-push hook's input: a hundred thousand refs.
const MAX_PUSH: u64 = 32 << 20;

/// The ranges that a push consists of. Git gives a line for each ref: its local name and id, its remote name and id.
fn pushed(input: &str) -> Vec<Range> {
    let is_none = |id: &str| id.bytes().all(|byte| byte == b'0');
    let lines = input.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let heads = lines.filter_map(|words| match words[..] {
        // A deleted ref pushes nothing. What the remote has of the others is what its refs here lead to, or the commit
        // that the ref has there.
        [_, local, _, remote] if !is_none(local) => Some((local.to_owned(), (!is_none(remote)).then_some(remote))),
        _ => None,
    });
    heads
        .map(|(local, remote)| match remote {
            Some(remote) => Range::Pushed(local, remote.to_owned()),
            None => Range::Unpushed(vec![local]),
        })
        .collect()
}

fn describe(range: &Range) -> String {
    match range {
        Range::Between(base, head) => format!("{base}..{head}"),
        Range::Since(base, head) => format!("{base}...{head}"),
        Range::Pushed(head, _) => head.clone(),
        Range::Unpushed(heads) => heads.join(", "),
    }
}

fn joined(mut all: Changes, other: Changes) -> Changes {
    all.findings.extend(other.findings);
    all.dropped.extend(other.dropped);
    all.commits = Some(all.commits.unwrap_or(0) + other.commits.unwrap_or(0));
    all.files += other.files;
    all.bytes += other.bytes;
    all.gaps.extend(other.gaps);
    all.notes.extend(other.notes);
    all.scope = format!("{}; {}", all.scope, other.scope);
    all
}

fn detector(settings: &Settings, common: &CommonArgs) -> anyhow::Result<Detector> {
    let detector = Detector::new(settings.config.rules())?;
    Ok(if common.report.explain { detector.with_explanations() } else { detector })
}

fn watched(common: &CommonArgs, work: impl FnOnce(&Progress) -> Changes + Send) -> anyhow::Result<Changes> {
    let mut limits = common.limits.limits();
    common.repository_limits.apply(&mut limits);
    let progress = progress::begin(limits);
    let display = Display::start(&progress, !common.no_progress, "changes");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(common.threads.unwrap_or(0)).build()?;
    let changes = pool.install(|| work(&progress));
    drop(display);
    Ok(changes)
}

/// Configuration and baseline as `base` has them, so that a change cannot switch off its own check; and what to say of
/// a change to them. What is named on the command line is the caller's own.
fn settings_at(
    repository: &Repository,
    base: &keysieve::source::history::oid::Oid,
    heads: &[keysieve::source::history::oid::Oid],
    accepted: &AcceptedArgs,
) -> anyhow::Result<(Settings, Vec<String>, Vec<Gap>)> {
    let notes = RefCell::new(Vec::new());
    let gaps = RefCell::new(Vec::new());
    let at_base = |name: &str| {
        let path = Path::new(name);
        let file = match changes::file_at(repository, base, path) {
            Ok(file) => file,
            Err(missing) => {
                gaps.borrow_mut().push(missing.gap(name));
                return None;
            }
        };
        // A head that cannot be read is a gap already.
        if heads.iter().any(|head| changes::file_at(repository, head, path).is_ok_and(|it| it != file)) {
            notes.borrow_mut().push(format!(
                "these commits change `{name}`; it counts as the base has it ({})",
                &base.to_string()[..12]
            ));
        }
        file.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let root = repository.root();
    let config = match &accepted.config {
        Some(path) => Config::load(path)?,
        None => match at_base(config::FILE_NAME) {
            // What it extends counts as the base has it, too.
            Some(text) => Config::parse(&text, &root.join(config::FILE_NAME), &|path| {
                let name = path.strip_prefix(&root).unwrap_or(path);
                let text = name.to_str().and_then(at_base);
                text.ok_or_else(|| "the base commit has no such file".to_owned())
            })?,
            None => Config::default(),
        },
    };
    let baseline_path = accepted.baseline.clone().unwrap_or_else(|| root.join(baseline::FILE_NAME));
    let baseline = match &accepted.baseline {
        Some(path) => Some(Baseline::load(path)?),
        None => at_base(baseline::FILE_NAME).map(|text| Baseline::parse(&text, &baseline_path)).transpose()?,
    };
    let min_confidence =
        accepted.min_confidence.map(Confidence::from).or(config.min_confidence).unwrap_or(Confidence::Medium);
    let settings = Settings { config, baseline, baseline_path, min_confidence };
    Ok((settings, notes.into_inner(), gaps.into_inner()))
}

/// Sets aside what is accepted, prints and judges.
fn finish(changes: Changes, detector: &Detector, settings: &Settings, common: &CommonArgs) -> anyhow::Result<ExitCode> {
    let mut outcome = outcome(changes, detector, settings);
    outcome.limit(common.limits.findings());
    if common.quiet && scan::is_clean(&outcome, settings) {
        return Ok(ExitCode::from(NOTHING_FOUND));
    }
    scan::report(&outcome, detector, settings, &common.report)
}

/// What `changes` come to.
pub fn outcome(changes: Changes, detector: &Detector, settings: &Settings) -> Outcome {
    let mut outcome = Outcome {
        summary: Summary {
            scope: Some(changes.scope),
            commits: changes.commits,
            files: Some(changes.files),
            bytes: changes.bytes,
            gaps: changes.gaps.into_iter().chain(signals::gap()).collect(),
            notes: changes.notes,
            ..Summary::default()
        },
        ..Outcome::default()
    };
    let by_marker = |(_, dropped, _): &&(_, keysieve::detect::candidate::Dropped, String)| {
        dropped.judge == keysieve::detect::candidate::Judge::Allow
    };
    outcome.summary.allowed.insert("marker", changes.dropped.iter().filter(by_marker).count());
    outcome.set_aside = changes
        .dropped
        .into_iter()
        .map(|(candidate, dropped, path)| SetAside {
            rule: detector.rule_of(&candidate).id.to_string(),
            path,
            place: candidate.place,
            by: dropped.judge.as_str(),
            reason: dropped.reason,
        })
        .collect();
    let exclude = &settings.config.exclude;
    let is_excluded =
        |path: &str| exclude.iter().any(|(_, glob)| glob.is_match(path.split("!/").next().unwrap_or(path)));
    let (findings, excluded): (Vec<_>, Vec<_>) =
        changes.findings.into_iter().partition(|finding| !is_excluded(&finding.identity));
    if !excluded.is_empty() {
        outcome.summary.excluded = excluded.len() as u64;
        outcome.summary.notes.push(format!(
            "{} findings stand in files that the configuration excludes: {}",
            excluded.len(),
            excluded.iter().map(|finding| finding.path.as_str()).take(5).collect::<Vec<_>>().join(", ")
        ));
    }
    scan::accept(findings, settings, &mut outcome);
    outcome.require_confidence(settings.min_confidence);
    outcome.sort();
    outcome
}
