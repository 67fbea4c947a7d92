//! `keysieve scan`: from arguments to findings to an exit code.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use keysieve::file::write::Access;
use keysieve::finding::Severity;
use keysieve::outcome::Outcome;
use keysieve::redaction;
use keysieve::report;
use keysieve::scan::Progress;
use keysieve::source::{stdin, tree};
use keysieve_engine::Detector;
use keysieve_engine::rules::Rule;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::posture;
use super::progress::{self, Display};
use super::settings::{ReportArgs, ScanArgs, Settings, SourceArgs, is_stdin};
use super::{FOUND, INCOMPLETE, NOTHING_FOUND, output};

/// Scans, prints and judges.
pub fn run(arguments: ScanArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.source)?;
    let mut detector = Detector::new(settings.config.rules())?;
    if arguments.report.explain {
        detector = detector.with_explanations();
    }
    let progress = progress::begin(arguments.source.limits.limits());
    let source = &arguments.source;
    let mut found = find(source, &settings, &detector, &progress)?;
    if arguments.posture {
        match is_of_stdin(source) {
            true => found.summary.notes.push(NO_POSTURE.to_owned()),
            false => {
                let options = source.tree(&settings);
                let practices = pool(source)?.install(|| posture::look(&options, &settings, &progress))?;
                posture::add(practices, &mut found);
            }
        }
    }
    let outcome = decide(found, &settings, progress.limits.findings);
    report(&outcome, &detector, &settings, &arguments.report)
}

/// Prints `outcome` and says how the run ends.
pub fn report(
    outcome: &Outcome,
    detector: &Detector,
    settings: &Settings,
    arguments: &ReportArgs,
) -> anyhow::Result<ExitCode> {
    print(outcome, detector.rules(), Some(detector), settings, arguments)
}

/// The same, where `rules` found it.
pub fn print(
    outcome: &Outcome,
    rules: &[Rule],
    detector: Option<&Detector>,
    settings: &Settings,
    arguments: &ReportArgs,
) -> anyhow::Result<ExitCode> {
    progress::over();
    let redacted = (!arguments.show_secrets).then(|| redaction::outcome(outcome, detector));
    let outcome = redacted.as_ref().unwrap_or(outcome);
    let options = report::Options {
        show_secrets: arguments.show_secrets,
        all: arguments.all,
        explain: arguments.explain,
        width: if arguments.output.is_none() { output::terminal_width() } else { None },
        links: (arguments.output.is_none() && output::shows_links()).then_some(Path::new("")),
    };
    let access = if arguments.show_secrets { Access::Owner } else { Access::Kept };
    for (format, path) in &arguments.reports {
        let options = report::Options { width: None, links: None, ..options };
        output::with(Some(path), access, |mut to| report::write((*format).into(), outcome, rules, options, &mut to))?;
    }
    let printed = output::with(arguments.output.as_deref(), access, |mut to| {
        report::write(arguments.format.into(), outcome, rules, options, &mut to)
    });
    match printed {
        Err(error) if !super::is_broken_pipe(&error) => return Err(error),
        _ => {}
    }
    let fail_on = arguments.fail_on.map(Severity::from).or(settings.config.fail_on).unwrap_or(Severity::Medium);
    Ok(ExitCode::from(exit_code(outcome, fail_on, arguments.allow_incomplete)))
}

/// Whether all was read and nothing found that would fail the run.
pub fn is_clean(outcome: &Outcome, settings: &Settings) -> bool {
    exit_code(outcome, settings.config.fail_on.unwrap_or(Severity::Medium), false) == NOTHING_FOUND
}

/// Whether something was found that would fail the run.
pub fn fails(outcome: &Outcome, settings: &Settings) -> bool {
    exit_code(outcome, settings.config.fail_on.unwrap_or(Severity::Medium), true) == FOUND
}

fn exit_code(outcome: &Outcome, fail_on: Severity, allow_incomplete: bool) -> u8 {
    if !outcome.summary.is_complete() && !allow_incomplete {
        INCOMPLETE
    } else if outcome.findings.iter().any(|finding| finding.severity >= fail_on) {
        FOUND
    } else {
        NOTHING_FOUND
    }
}

/// Scans what `arguments` name and applies what `settings` decide.
pub fn scan(
    arguments: &SourceArgs,
    settings: &Settings,
    detector: &Detector,
    progress: &Arc<Progress>,
) -> anyhow::Result<Outcome> {
    Ok(decide(find(arguments, settings, detector, progress)?, settings, progress.limits.findings))
}

/// Scans what `arguments` name.
fn find(
    arguments: &SourceArgs,
    settings: &Settings,
    detector: &Detector,
    progress: &Arc<Progress>,
) -> anyhow::Result<Outcome> {
    let _display = Display::start(progress, !arguments.no_progress, "files");
    if is_of_stdin(arguments) {
        return Ok(stdin::scan(detector, progress));
    }
    let options = arguments.tree(settings);
    Ok(pool(arguments)?.install(|| tree::scan(&options, detector, progress)))
}

/// What there is to say of `scan - --posture`.
const NO_POSTURE: &str =
    "standard input has no name that tells what it is, so there was nothing for --posture to check";

fn is_of_stdin(arguments: &SourceArgs) -> bool {
    arguments.paths.iter().any(|path| is_stdin(path))
}

fn pool(arguments: &SourceArgs) -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new().num_threads(arguments.threads.unwrap_or(0)).build()
}

/// The outcome of a run that found all this; of more than `most` findings the first are reported.
pub fn decide(found: Outcome, settings: &Settings, most: usize) -> Outcome {
    let mut outcome = settings.policy().apply(found);
    outcome.limit(most);
    outcome
}
