//! `keysieve staged` and `keysieve range`: what a commit, a push or a pull request brings.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use keysieve::baseline::{self, Baseline};
use keysieve::config::{self, Config};
use keysieve::decode::shown;
use keysieve::finding::{Confidence, Finding};
use keysieve::gap::{Gap, GapCode};
use keysieve::outcome::Outcome;
use keysieve::scan::Progress;
use keysieve::scan::verdicts::Markers;
use keysieve::source::changes::range::{self, Ends, Pushed, Range};
use keysieve::source::changes::{self, Changes, Options, staged};
use keysieve::source::git::missing_gap;
use keysieve_engine::Detector;
use keysieve_git::{Oid, Repository};

use super::limits::{LimitArgs, RepositoryLimitArgs};
use super::progress::{self, Display};
use super::settings::{AcceptedArgs, ReportArgs, Settings, TrustArgs};
use super::{scan, signals};

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
    /// The remote that is pushed to, as git names it to a pre-push hook.
    #[arg(skip)]
    remote: Option<PathBuf>,
    /// Takes configuration, baseline and allow markers as HEAD has them, not BASE: for the owner's own changes
    #[arg(long)]
    trust_head: bool,
    #[command(flatten)]
    common: CommonArgs,
}

impl RangeArgs {
    /// As a pre-push hook calls it.
    pub fn pre_push(remote: Option<PathBuf>) -> Self {
        let common = CommonArgs {
            trust: TrustArgs::of_hook(),
            accepted: AcceptedArgs::default(),
            threads: None,
            no_progress: false,
            limits: LimitArgs::default(),
            repository_limits: RepositoryLimitArgs::default(),
            report: ReportArgs::default(),
        };
        Self { range: None, repository: PathBuf::from("."), pre_push: true, remote, trust_head: false, common }
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
}

/// Scans the index.
pub fn run_staged(arguments: StagedArgs) -> anyhow::Result<ExitCode> {
    let common = &arguments.common;
    let repository = common.trust.open(&arguments.repository)?;
    let settings = Settings::of(&repository.root(), &common.accepted)?;
    let detector = detector(&settings, common)?;
    let found = {
        let (policy, exclude) = (settings.policy(), settings.config.excluded_files());
        let is_accepted = |finding: &Finding| policy.accepts(finding);
        let options = Options { markers: Markers::Heeded, exclude: &exclude, is_accepted: Some(&is_accepted) };
        watched(common, |progress| staged::scan(&repository, &detector, progress, options))?
    };
    let outcome = scan::decide(found, &settings, common.limits.findings());
    scan::report(&outcome, &detector, &settings, &common.report)
}

/// What was found, and by which rules and settings.
pub struct Looked {
    pub outcome: Outcome,
    pub detector: Detector,
    pub settings: Settings,
}

/// Scans the commits of a range.
pub fn run_range(arguments: RangeArgs) -> anyhow::Result<ExitCode> {
    let Looked { outcome, detector, settings } = look_at_range(&arguments)?;
    scan::report(&outcome, &detector, &settings, &arguments.common.report)
}

/// Looks at the commits of a range, or of a push.
pub fn look_at_range(arguments: &RangeArgs) -> anyhow::Result<Looked> {
    let common = &arguments.common;
    let repository = common.trust.open(&arguments.repository)?;
    let (ends, unknown) = match &arguments.range {
        Some(text) => ends_of(&repository, text, &Range::parse(text).map_err(anyhow::Error::msg)?),
        None => {
            let framework = Framework::read();
            let remote = arguments.remote.clone().or_else(|| framework.remote.clone().map(PathBuf::from));
            ends_of_push(&repository, &mut std::io::stdin().lock(), remote.as_deref(), &framework)?
        }
    };
    let base = ends.base().filter(|_| !arguments.trust_head && !arguments.pre_push);
    let (settings, notes, gaps) = match base {
        Some(base) => settings_at(&repository, base, &ends.include, &common.accepted)?,
        None => (Settings::of(&repository.root(), &common.accepted)?, Vec::new(), Vec::new()),
    };
    let detector = detector(&settings, common)?;
    let (policy, exclude) = (settings.policy(), settings.config.excluded_files());
    let is_accepted = |finding: &Finding| policy.accepts(finding);
    let markers = if arguments.trust_head || arguments.pre_push { Markers::Heeded } else { Markers::Refused };
    let options = Options { markers, exclude: &exclude, is_accepted: Some(&is_accepted) };
    let is_empty = ends.is_empty();
    let mut found = match is_empty {
        false => watched(common, |progress| range::scan(&repository, &ends, &detector, progress, options))?,
        true => Changes::default().into(),
    };
    let summary = &mut found.summary;
    summary.notes.extend(notes);
    summary.gaps.extend(gaps);
    if is_empty && unknown.is_empty() {
        summary.notes.push("nothing is pushed: no ref that is pushed has a new commit".to_owned());
    }
    if !unknown.is_empty() {
        summary.scope = Some(unknown.iter().map(|gap| gap.path.clone()).collect::<Vec<_>>().join(", "));
        summary.commits.get_or_insert(0);
    }
    summary.gaps.extend(unknown);
    let outcome = scan::decide(found, &settings, common.limits.findings());
    Ok(Looked { outcome, detector, settings })
}

/// Most bytes of a pre-push hook's input: a hundred thousand refs.
const MAX_PUSH: u64 = 32 << 20;

/// The ends of a range, or what is unknown of it.
fn ends_of(repository: &Repository, name: &str, range: &Range) -> (Ends, Vec<Gap>) {
    match range::resolve(repository, range) {
        Ok(ends) => (ends, Vec::new()),
        Err(error) => (Ends::default(), vec![Gap::about(GapCode::UnknownRevision, name, error)]),
    }
}

/// The ends of what is pushed. Git gives a line for each ref: its local name and id, its remote name and id. The local name
/// is what was typed, `HEAD^{/a word}` with its blanks, so a line is read from its end. A line that is none is a gap.
///
/// The pre-commit program reads these lines itself, and tells of a push by variables.
fn ends_of_push(
    repository: &Repository,
    input: &mut impl Read,
    remote: Option<&Path>,
    framework: &Framework,
) -> anyhow::Result<(Ends, Vec<Gap>)> {
    let mut text = Vec::new();
    input.take(MAX_PUSH + 1).read_to_end(&mut text).context("cannot read what is pushed from standard input")?;
    let mut gaps = Vec::new();
    if text.len() as u64 > MAX_PUSH {
        let reason = "more is pushed than a hundred thousand refs; push them in parts";
        gaps.push(Gap::about(GapCode::Limit, "standard input", reason));
        // The last line may be cut.
        text.truncate(text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0));
    }
    let mut pushed = BTreeMap::new();
    let mut ref_names = Vec::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut words = line.rsplitn(4, |byte| *byte == b' ');
        let (remote, to, local, name) = (words.next(), words.next(), words.next(), words.next());
        let id = |word: Option<&[u8]>| id(word?, repository.hash_length());
        let (Some(local), Some(remote), Some(to), Some(name)) = (id(local), id(remote), to, name) else {
            let reason = "this line is none that git gives a pre-push hook (local ref, id, remote ref, id), so what it \
                          pushes was not looked at";
            gaps.push(Gap::about(GapCode::UnknownRevision, shown(line), reason));
            continue;
        };
        let is_none = |id: &str| id.bytes().all(|byte| byte == b'0');
        // A deleted ref pushes nothing.
        if !is_none(&local) {
            ref_names.extend(is_none(&remote).then(|| shown(to)));
            let remote = (!is_none(&remote)).then_some(remote);
            pushed.entry(Pushed { local, remote }).or_insert_with(|| shown(name));
        }
    }
    if text.is_empty() && framework.is_there {
        match &framework.local {
            Some(local) => {
                let told = Pushed { local: local.clone(), remote: framework.known.clone() };
                pushed.insert(told, local.clone());
                ref_names.extend(framework.branch.clone());
            }
            None => {
                let reason = "the program that called the hook told neither what is pushed nor a branch, so nothing was \
                              looked at";
                gaps.push(Gap::about(GapCode::UnknownRevision, "push", reason));
            }
        }
    }
    let (pushed, names): (Vec<Pushed>, Vec<String>) = pushed.into_iter().unzip();
    let remote = remote.and_then(Path::to_str);
    let (mut ends, unknown) = range::resolve_push(repository, &pushed, remote);
    ends.ref_names = ref_names;
    gaps.extend(unknown.into_iter().map(|(at, error)| Gap::about(GapCode::UnknownRevision, &names[at], error)));
    Ok((ends, gaps))
}

/// What the pre-commit program tells of a push: it gives the hooks that it runs no input.
#[derive(Default)]
struct Framework {
    /// Whether it called.
    is_there: bool,
    /// What is pushed: an id, or a branch.
    local: Option<String>,
    /// What the remote has.
    known: Option<String>,
    /// The name of the branch at the remote.
    branch: Option<String>,
    remote: Option<String>,
}

impl Framework {
    fn read() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            is_there: variable("PRE_COMMIT").is_some(),
            local: variable("PRE_COMMIT_TO_REF").or_else(|| variable("PRE_COMMIT_LOCAL_BRANCH")),
            known: variable("PRE_COMMIT_FROM_REF"),
            branch: variable("PRE_COMMIT_REMOTE_BRANCH"),
            remote: variable("PRE_COMMIT_REMOTE_NAME")
                .filter(|name| Some(name) != variable("PRE_COMMIT_REMOTE_URL").as_ref()),
        }
    }
}

/// An object's whole id.
fn id(word: &[u8], hash: usize) -> Option<String> {
    let word = std::str::from_utf8(word).ok()?;
    (word.len() == 2 * hash && word.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| word.to_owned())
}

fn detector(settings: &Settings, common: &CommonArgs) -> anyhow::Result<Detector> {
    let detector = Detector::new(settings.config.rules())?;
    Ok(if common.report.explain { detector.with_explanations() } else { detector })
}

fn watched(common: &CommonArgs, work: impl FnOnce(&Progress) -> Outcome + Send) -> anyhow::Result<Outcome> {
    let mut limits = common.limits.limits();
    common.repository_limits.apply(&mut limits);
    let progress = progress::begin(limits);
    let display = Display::start(&progress, !common.no_progress, "changes");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(common.threads.unwrap_or(0)).build()?;
    let mut found = pool.install(|| work(&progress));
    drop(display);
    found.summary.gaps.extend(signals::gap());
    Ok(found)
}

/// Configuration and baseline as `base` has them, so that a change cannot switch off its own check; and what to say of
/// a change to them. What is named on the command line is the caller's own.
fn settings_at(
    repository: &Repository,
    base: &Oid,
    heads: &[Oid],
    accepted: &AcceptedArgs,
) -> anyhow::Result<(Settings, Vec<String>, Vec<Gap>)> {
    let notes = RefCell::new(Vec::new());
    let gaps = RefCell::new(Vec::new());
    let at_base = |name: &str| {
        let path = Path::new(name);
        let file = match changes::file_at(repository, base, path) {
            Ok(file) => file,
            Err(missing) => {
                gaps.borrow_mut().push(missing_gap(&missing, name));
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
