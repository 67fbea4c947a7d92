//! `keysieve scan`: from arguments to findings to an exit code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use keysieve::baseline;
use keysieve::config::{Config, Lfs, today};
use keysieve::file::write::Access;
use keysieve::finding::{Finding, Reason, Secret, Severity};
use keysieve::gap::{AcceptedGap, Gap, GapCode};
use keysieve::outcome::{Outcome, Summary, Suppressed, Suppressor};
use keysieve::redaction::{self, Redaction};
use keysieve::report;
use keysieve::scan::{Content, Coverage, Progress};
use keysieve::source::{stdin, tree};
use keysieve_engine::Detector;
use keysieve_engine::candidate::{Candidate, Dropped, Judge};
use keysieve_engine::path_facts::PathFacts;
use keysieve_engine::rules::Rule;
use keysieve_engine::verdict::{Verdict, verdict};

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
    let mut outcome = scan(&arguments.source, &settings, &detector, &progress)?;
    if arguments.posture {
        let looked = posture::look(&arguments.source.paths, &settings, &progress)?;
        posture::add(looked, &settings, &mut outcome);
        outcome.sort();
    }
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

/// Scans what `arguments` name and sets aside what `settings` accept.
pub fn scan(
    arguments: &SourceArgs,
    settings: &Settings,
    detector: &Detector,
    progress: &Arc<Progress>,
) -> anyhow::Result<Outcome> {
    let display = Display::start(progress, !arguments.no_progress, "files");
    let most = progress.limits.findings;
    let judged = Mutex::new(Judged::default());
    let each = |content: Content| {
        let mut of_content = Judged::default();
        of_content.add(detector, content);
        judged.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).merge(of_content, most);
    };
    let coverage = if arguments.paths.iter().any(|path| is_stdin(path)) {
        stdin::scan(detector, progress, &each)
    } else {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads.unwrap_or(0)).build()?;
        let options = tree::Options {
            paths: arguments.paths.iter().map(PathBuf::clone).collect(),
            no_ignore: arguments.no_ignore,
            follow: arguments.follow,
            trust_links: arguments.trust_links,
            exclude: settings.config.exclude.iter().map(|(_, glob)| glob.clone()).collect(),
        };
        pool.install(|| tree::scan(&options, detector, progress, each))
    };
    drop(display);
    let judged = judged.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let is_empty_input = arguments.paths.iter().any(|path| is_stdin(path)) && coverage.bytes == 0;
    let mut outcome = Outcome {
        summary: summary(coverage),
        suppressed: judged.suppressed,
        secrets: judged.secrets,
        ..Outcome::default()
    };
    outcome.summary.allowed.insert(Suppressor::Marker, judged.allowed_by_marker);
    if is_empty_input && outcome.summary.is_complete() {
        outcome.summary.notes.push(EMPTY_INPUT.to_owned());
    }
    accept(judged.findings, settings, &mut outcome);
    outcome.require_confidence(settings.min_confidence);
    outcome.sort();
    if judged.left_out > 0 {
        let reason =
            format!("{} more findings were left out; the first are reported (--max-findings)", judged.left_out);
        outcome.summary.gaps.push(Gap::about(GapCode::Limit, "findings", reason));
    }
    outcome.limit(most);
    Ok(outcome)
}

/// What the verdicts made of candidates.
#[derive(Default)]
struct Judged {
    findings: Vec<Finding>,
    suppressed: Vec<Suppressed>,
    allowed_by_marker: usize,
    /// What markers allow.
    secrets: Vec<Secret>,
    /// Findings that there was no room for.
    left_out: usize,
}

impl Judged {
    fn add(&mut self, detector: &Detector, content: Content) {
        let facts = PathFacts::of(&content.identity);
        for candidate in content.candidates {
            match verdict(detector, candidate, &content.identity, &facts) {
                Verdict::Finding(finding) => {
                    self.findings.push(Finding { path: content.path.clone(), ..Finding::from(*finding) });
                }
                Verdict::Dropped(candidate, dropped) => self.suppressed(detector, &candidate, dropped, &content.path),
                Verdict::OtherPath => {}
            }
        }
    }

    fn suppressed(&mut self, detector: &Detector, candidate: &Candidate, dropped: Dropped, path: &str) {
        self.allowed_by_marker += usize::from(dropped.judge == Judge::Allow);
        self.secrets.extend((dropped.judge == Judge::Allow).then(|| candidate.secret.clone()));
        self.suppressed.push(Suppressed {
            rule: detector.rule_of(candidate).id.to_string(),
            path: path.to_owned(),
            place: candidate.place,
            by: dropped.judge.into(),
            reason: dropped.reason.into(),
        });
    }

    /// Adds what another content brought. Of more than twice `most` only the first by path and place stay, so that it
    /// does not matter which content came first.
    fn merge(&mut self, other: Self, most: usize) {
        self.findings.extend(other.findings);
        self.suppressed.extend(other.suppressed);
        self.allowed_by_marker += other.allowed_by_marker;
        self.secrets.extend(other.secrets);
        if self.findings.len() > 2 * most {
            self.findings.sort_by(|a, b| (&a.path, a.place, &a.rule).cmp(&(&b.path, b.place, &b.rule)));
            self.left_out += self.findings.len() - most;
            self.findings.truncate(most);
        }
        if self.suppressed.len() > 2 * most {
            self.suppressed.sort_by(|a, b| (&a.path, a.place, &a.rule, a.by).cmp(&(&b.path, b.place, &b.rule, b.by)));
            self.suppressed.truncate(most);
        }
    }
}

/// Sets aside what the configuration and the baseline accept; with a baseline, fingerprints are under its key.
pub fn accept(findings: Vec<Finding>, settings: &Settings, outcome: &mut Outcome) {
    let today = today();
    for allow in settings.config.allow.iter().filter(|allow| allow.is_expired(today)) {
        let expired = allow.expires.map(|date| date.to_string()).unwrap_or_default();
        outcome.summary.notes.push(format!(
            "the allow entry in line {} of the configuration expired on {expired}: {}",
            allow.line, allow.reason
        ));
    }
    for entry in settings.config.accept_incomplete.iter().filter(|entry| entry.is_expired(today)) {
        let expired = entry.expires.map(|date| date.to_string()).unwrap_or_default();
        outcome.summary.notes.push(format!(
            "the accept_incomplete entry in line {} of the configuration expired on {expired}: {}",
            entry.line, entry.reason
        ));
    }
    outcome.summary.notes.extend(settings.config.notes.iter().cloned());
    accept_gaps(&settings.config, &mut outcome.summary);
    // A name that holds a secret is masked in fingerprints, which are in reports and baselines.
    outcome.secrets.extend(redaction::secrets_of(&findings));
    let redaction = Redaction::new(&outcome.secrets, None);
    for mut finding in findings {
        finding.fingerprint = finding.fingerprint.with_path(|path| redaction.text(path));
        if !settings.config.is_for(&finding.rule, &finding.identity) {
            continue;
        }
        let mut allow = settings.config.allows(&finding, &finding.identity, today);
        // The key of a baseline, by which fingerprints are made, is for everybody who reads the repository.
        let mut known = finding.identity == baseline::FILE_NAME && finding.rule == "generic-secret";
        if let Some(baseline) = &settings.baseline {
            finding.fingerprint = baseline.fingerprint(&finding, finding.fingerprint.path());
            known |= baseline.contains(&finding.fingerprint);
            allow = allow.or_else(|| settings.config.allows(&finding, &finding.identity, today));
        }
        let (by, reason) = match (allow, known) {
            (Some(allow), _) => (Suppressor::Config, Reason::new("allow.config", allow.reason.clone())),
            (None, true) => (Suppressor::Baseline, Reason::new("allow.baseline", "accepted in the baseline")),
            (None, false) => {
                outcome.findings.push(finding);
                continue;
            }
        };
        *outcome.summary.allowed.entry(by).or_default() += 1;
        outcome.suppressed.push(Suppressed {
            rule: finding.rule.to_string(),
            path: finding.path.clone(),
            place: finding.place,
            by,
            reason,
        });
    }
}

/// Sets aside what was not read where the configuration excludes it or accepts that.
fn accept_gaps(config: &Config, summary: &mut Summary) {
    let gaps = std::mem::take(&mut summary.gaps);
    let (excluded, gaps): (Vec<_>, Vec<_>) = gaps.into_iter().partition(|gap| config.excludes_gap(gap));
    if !excluded.is_empty() {
        let files: BTreeSet<&str> =
            excluded.iter().map(|gap| gap.path.split("!/").next().unwrap_or_default()).collect();
        summary.excluded += files.len() as u64;
        summary.notes.push(format!(
            "what the configuration excludes was not read to its end: {}",
            files.into_iter().take(5).collect::<Vec<_>>().join(", ")
        ));
    }
    let is_ignored = |gap: &Gap| config.lfs == Lfs::Ignore && gap.code == GapCode::LfsPointer;
    let (pointers, gaps): (Vec<_>, Vec<_>) = gaps.into_iter().partition(is_ignored);
    if let Some(first) = pointers.first() {
        let number = pointers.len();
        summary.notes.push(match number {
            1 => format!("{} is a pointer of Git LFS; the file that it stands for was not read", first.path),
            _ => format!(
                "{number} files are pointers of Git LFS, such as {}; what they stand for was not read",
                first.path
            ),
        });
    }
    for gap in gaps {
        match config.accepts_incomplete(&gap, today()) {
            Some(entry) => summary.accepted_gaps.push(AcceptedGap { gap, accepted: entry.reason.clone() }),
            None => summary.gaps.push(gap),
        }
    }
}

/// What to say where nothing came: a shell tells nobody that the command before the pipe has failed.
const EMPTY_INPUT: &str = "standard input was empty (0 bytes read); did the command that was to write to it fail?";

fn summary(coverage: Coverage) -> Summary {
    Summary {
        files: Some(coverage.files),
        bytes: coverage.bytes,
        excluded: coverage.excluded,
        not_content: coverage.not_content.into_iter().map(|it| (it.kind.into(), it.path)).collect(),
        gaps: coverage.gaps,
        ..Summary::default()
    }
}
