//! `keysieve history`: everything that a repository has ever held.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use keysieve::source::history::{self, History, Options, Since};
use keysieve_engine::Detector;
use keysieve_engine::verdict::path_matcher;

use super::limits::{HistoryLimitArgs, LimitArgs, RepositoryLimitArgs};
use super::progress::{self, Display};
use super::settings::{AcceptedArgs, ReportArgs, Settings, TrustArgs};
use super::{scan, signals};

/// The arguments of `history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// A work tree, a `.git` folder or a bare repository
    #[arg(default_value = ".", value_name = "REPO")]
    repository: PathBuf,
    /// Reports only secrets that came after this date (2025-01-31), or after what this ref or commit leads to
    #[arg(long, value_name = "DATE|REV")]
    since: Option<String>,
    /// Looks only at what this ref leads to; may be given several times
    #[arg(long, value_name = "REF")]
    branch: Vec<String>,
    /// Reports only secrets that the newest N commits brought in
    #[arg(long, value_name = "N")]
    max_commits: Option<usize>,
    /// Reports only secrets at paths that match; may be given several times
    #[arg(long, value_name = "GLOB")]
    path: Vec<String>,
    /// Leaves out what no ref leads to
    #[arg(long)]
    exclude_unreachable: bool,
    /// Scans every version whole instead of what is new in it; slow, and finds the same
    #[arg(long)]
    no_delta: bool,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    accepted: AcceptedArgs,
    /// Threads to use [default: one a processor]
    #[arg(short = 'j', long, value_name = "N")]
    threads: Option<usize>,
    /// Shows no progress bar
    #[arg(long)]
    no_progress: bool,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    repository_limits: RepositoryLimitArgs,
    #[command(flatten)]
    history_limits: HistoryLimitArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// Scans, prints and judges.
pub fn run(arguments: HistoryArgs) -> anyhow::Result<ExitCode> {
    let repository = arguments.trust.open(&arguments.repository)?;
    let settings = Settings::of(&repository.root(), &arguments.accepted)?;
    let mut paths = Vec::new();
    for glob in &arguments.path {
        paths.push(path_matcher(glob).map_err(|error| anyhow::anyhow!("--path `{glob}`: {error}"))?);
    }
    let options = Options {
        no_delta: arguments.no_delta,
        exclude_unreachable: arguments.exclude_unreachable,
        branches: arguments.branch.clone(),
        since: arguments.since.as_deref().map(since),
        max_commits: arguments.max_commits,
        paths,
        exclude: settings.config.excluded_files(),
        min_confidence: Some(settings.min_confidence),
    };
    let detector = Detector::new(settings.config.rules())?;
    let detector = if arguments.report.explain { detector.with_explanations() } else { detector };
    let mut limits = arguments.limits.limits();
    arguments.repository_limits.apply(&mut limits);
    arguments.history_limits.apply(&mut limits);
    let progress = progress::begin(limits);
    let display = Display::start(&progress, !arguments.no_progress, "objects");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads.unwrap_or(0)).build()?;
    let history = pool.install(|| history::scan(&repository, &options, &detector, &progress))?;
    drop(display);
    let History { mut found, refs, .. } = history;
    found.summary.scope = Some(scope(&arguments, refs));
    found.summary.gaps.extend(signals::gap());
    let outcome = scan::decide(found, &settings, progress.limits.findings);
    scan::report(&outcome, &detector, &settings, &arguments.report)
}

/// What was looked at, in words.
fn scope(arguments: &HistoryArgs, refs: u64) -> String {
    let mut scope = match (&arguments.branch[..], refs) {
        ([], 1) => "what 1 ref leads to".to_owned(),
        ([], refs) => format!("what {refs} refs lead to"),
        (branches, _) => format!("what {} leads to", branches.join(", ")),
    };
    let narrowed = arguments.since.is_some() || arguments.max_commits.is_some() || !arguments.branch.is_empty();
    if !narrowed && !arguments.exclude_unreachable {
        scope.push_str(", and what no ref leads to");
    }
    for (option, value) in
        [("since", arguments.since.clone()), ("max-commits", arguments.max_commits.map(|it| it.to_string()))]
    {
        scope.push_str(&value.map(|value| format!(", --{option} {value}")).unwrap_or_default());
    }
    arguments.path.iter().for_each(|path| scope.push_str(&format!(", --path {path}")));
    scope
}

/// A date, a moment, or else a revision.
fn since(text: &str) -> Since {
    let day = || text.parse::<jiff::civil::Date>().ok().and_then(|_| format!("{text}T00:00:00Z").parse().ok());
    let moment: Option<jiff::Timestamp> = text.parse().ok().or_else(day);
    moment.map_or_else(|| Since::Revision(text.to_owned()), |moment| Since::Time(moment.as_second()))
}
