//! `keysieve posture`: how the repository handles secrets.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use keysieve::outcome::{LookedFor, Outcome, Summary};
use keysieve::posture::{self, Posture, source};
use keysieve::scan::Progress;
use keysieve::scan::limits::Limits;
use keysieve::source::tree;

use super::limits::TimeArgs;
use super::settings::{AcceptedArgs, ReportArgs, Settings, repository_root};
use super::{progress, scan};

/// The arguments of `posture`.
#[derive(Debug, Args)]
pub struct PostureArgs {
    /// Files and folders to look at
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    accepted: AcceptedArgs,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    time: TimeArgs,
}

/// Reads, checks, prints and judges.
pub fn run(arguments: &PostureArgs) -> anyhow::Result<ExitCode> {
    tree::check_named(&arguments.paths, true)?;
    let settings = Settings::of(&repository_root(&arguments.paths[0]), &arguments.accepted)?;
    let mut limits = Limits::default();
    arguments.time.apply(&mut limits);
    let posture = look(&arguments.paths, &settings, &progress::begin(limits))?;
    let mut outcome = Outcome {
        summary: Summary {
            scope: Some("Terraform, CloudFormation, Kubernetes, compose, Dockerfiles, workflows".to_owned()),
            looked_for: LookedFor::Practices,
            files: Some(posture.files),
            bytes: posture.bytes,
            ..Summary::default()
        },
        ..Outcome::default()
    };
    if posture.files == 0 && posture.gaps.is_empty() && posture.notes.is_empty() {
        outcome.summary.notes.push("there is no infrastructure here that posture knows".to_owned());
    }
    add(posture, &settings, &mut outcome);
    outcome.sort();
    scan::print(&outcome, &settings.config.rules(), None, &settings, &arguments.report)
}

/// Checks the files below `paths`.
pub fn look(paths: &[PathBuf], settings: &Settings, progress: &Progress) -> anyhow::Result<Posture> {
    if !settings.config.checks_posture() {
        anyhow::bail!("no practice is left to check: `[rules]` of the configuration switches all of them off");
    }
    let exclude: Vec<_> = settings.config.exclude.iter().map(|(_, glob)| glob.clone()).collect();
    let (files, gaps) = source::read(paths, &exclude, progress);
    let mut posture = posture::check(&files);
    posture.gaps.extend(gaps);
    Ok(posture)
}

/// Adds what was found to `outcome`, as far as the configuration and the baseline do not accept it.
pub fn add(posture: Posture, settings: &Settings, outcome: &mut Outcome) {
    outcome.summary.gaps.extend(posture.gaps);
    outcome.summary.notes.extend(posture.notes);
    let wanted = posture.findings.into_iter().filter(|finding| !settings.config.is_disabled(&finding.rule));
    let notes = std::mem::take(&mut outcome.summary.notes);
    scan::accept(wanted.collect(), settings, outcome);
    // What there is to say of the configuration has been said, if secrets were looked for as well.
    let more: Vec<String> = outcome.summary.notes.drain(..).filter(|note| !notes.contains(note)).collect();
    outcome.summary.notes = notes;
    outcome.summary.notes.extend(more);
}
