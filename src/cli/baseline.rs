//! `keysieve baseline`: accept the findings of today, so that only new ones are reported.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use keysieve::baseline::{Baseline, import};
use keysieve::finding::{Finding, Fingerprint};
use keysieve::gap::Gap;
use keysieve_engine::Detector;

use super::settings::{Settings, SourceArgs};
use super::{INCOMPLETE, NOTHING_FOUND, progress, say, scan};

/// The actions of `baseline`.
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Accepts all findings, in a new baseline
    Create(SourceArgs),
    /// Accepts the findings that the baseline does not have yet
    Update(SourceArgs),
    /// Forgets what is no longer found
    Prune(SourceArgs),
    /// Accepts what another scanner's users have accepted, as far as it is found here too
    Import(ImportArgs),
}

/// The arguments of `baseline import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A gitleaks report or .gitleaksignore, a detect-secrets baseline, or trufflehog's output (--json)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    source: SourceArgs,
}

/// Scans without the baseline, then makes, extends or prunes it.
pub fn run(command: BaselineCommand) -> anyhow::Result<ExitCode> {
    let (arguments, imported) = match &command {
        BaselineCommand::Create(arguments) | BaselineCommand::Update(arguments) | BaselineCommand::Prune(arguments) => {
            (arguments, None)
        }
        BaselineCommand::Import(import) => {
            let file = import.file.display();
            let text = std::fs::read_to_string(&import.file).with_context(|| format!("cannot read `{file}`"))?;
            let accepted = import::read(&text).map_err(|what| anyhow::anyhow!("`{file}`: {what}"))?;
            (&import.source, Some(accepted))
        }
    };
    let mut settings = Settings::read(arguments)?;
    let path = settings.baseline_path.clone();
    let existing = settings.baseline.take();
    let mut baseline = match (&command, existing) {
        (BaselineCommand::Create(_), Some(_)) => {
            anyhow::bail!(
                "`{}` exists; `keysieve baseline update` adds to it, or remove it to start anew",
                path.display()
            )
        }
        (BaselineCommand::Create(_) | BaselineCommand::Import(_), None) => Baseline::new()?,
        (_, Some(existing)) => existing,
        (_, None) => anyhow::bail!("there is no baseline `{}`; `keysieve baseline create` makes one", path.display()),
    };
    let detector = Detector::new(settings.config.rules())?;
    let outcome = scan::scan(arguments, &settings, &detector, &progress::begin(arguments.limits.limits()))?;
    progress::over();
    let wanted = |finding: &&Finding| imported.as_ref().is_none_or(|accepted| accepted.covers(finding));
    let current: BTreeSet<Fingerprint> = outcome
        .findings
        .iter()
        .filter(wanted)
        .map(|finding| baseline.fingerprint(finding, finding.fingerprint.path()))
        .collect();
    for Gap { path, reason, .. } in &outcome.summary.gaps {
        say::warning(&format!("{path}: {reason}"));
    }
    for note in outcome.summary.all_notes() {
        say::aside(&format!("note: {note}"));
    }
    let complete = outcome.summary.is_complete();
    let what = match command {
        BaselineCommand::Prune(_) if !complete => {
            anyhow::bail!(
                "not everything could be read, so nothing can be said to be gone; the baseline is left as it was"
            )
        }
        BaselineCommand::Prune(_) => format!("{} removed", baseline.prune(&current)),
        BaselineCommand::Import(_) => {
            let (from, entries) = imported.as_ref().map_or(("", 0), |accepted| (accepted.from, accepted.entries));
            format!(
                "{from} accepts {entries}, of which keysieve finds {}; {} added",
                current.len(),
                baseline.extend(current)
            )
        }
        BaselineCommand::Create(_) | BaselineCommand::Update(_) => format!("{} added", baseline.extend(current)),
    };
    baseline.save(&path)?;
    say::result(&format!("{what}, {} accepted in `{}`.", baseline.len(), path.display()));
    Ok(ExitCode::from(if complete { NOTHING_FOUND } else { INCOMPLETE }))
}
