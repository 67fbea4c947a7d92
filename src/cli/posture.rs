//! `keysieve posture`: how the repository handles secrets.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use keysieve::outcome::{Outcome, Summary};
use keysieve::posture::{self, source};
use keysieve::scan::Progress;
use keysieve::scan::limits::Limits;
use keysieve::source::tree;

use super::limits::TimeArgs;
use super::settings::{AcceptedArgs, ReportArgs, Settings, SourceArgs, repository_root};
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
    let progress = progress::begin(limits);
    let options = SourceArgs::of(arguments.paths.clone()).tree(&settings);
    let mut found = look(&options, &settings, &progress)?;
    let Summary { files, gaps, notes, .. } = &found.summary;
    if *files == Some(0) && gaps.is_empty() && notes.is_empty() {
        found.summary.notes.push("there is no infrastructure here that posture knows".to_owned());
    }
    let outcome = scan::decide(found, &settings, progress.limits.findings);
    scan::print(&outcome, &settings.config.rules(), None, &settings, &arguments.report)
}

/// Checks the files of a tree.
pub fn look(options: &tree::Options, settings: &Settings, progress: &Progress) -> anyhow::Result<Outcome> {
    if !settings.config.checks_posture() {
        anyhow::bail!("no practice is left to check: `[rules]` of the configuration switches all of them off");
    }
    let (files, gaps) = source::read(options, progress);
    let mut posture = posture::check(&files);
    posture.gaps.extend(gaps);
    posture.findings.retain(|finding| !settings.config.is_disabled(&finding.rule));
    Ok(posture.into())
}

/// Adds what was found of practices to what was `found` of credentials in the same files.
pub fn add(practices: Outcome, found: &mut Outcome) {
    // The files have been counted.
    found.join(Outcome { summary: Summary { files: None, bytes: 0, ..practices.summary }, ..practices });
    found.summary.gaps.sort();
    found.summary.gaps.dedup();
}
