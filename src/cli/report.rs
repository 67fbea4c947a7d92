//! `keysieve report`: an earlier report in another format.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use keysieve::config::Config;
use keysieve::finding::Confidence;
use keysieve::outcome::Outcome;
use keysieve::report::read;
use keysieve_engine::rules;

use super::scan;
use super::settings::{ReportArgs, Settings, is_stdin};

/// The arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportCommandArgs {
    /// A report that `--format json` or `--format jsonl` wrote; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    report: ReportArgs,
}

/// Reads an earlier report from a file, or from standard input.
pub fn load(file: &Path) -> anyhow::Result<Outcome> {
    let name = file.display();
    let text = match is_stdin(file) {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(file),
    };
    let text = text.with_context(|| format!("cannot read the report `{name}`"))?;
    read::read(&text).map_err(|what| anyhow::anyhow!("`{name}`: {what}"))
}

/// Reads, prints and judges, as the scan itself would have.
pub fn run(arguments: &ReportCommandArgs) -> anyhow::Result<ExitCode> {
    let outcome = load(&arguments.file)?;
    let settings = Settings {
        config: Config::default(),
        baseline: None,
        baseline_path: PathBuf::new(),
        min_confidence: Confidence::Low,
    };
    scan::print(&outcome, rules::builtin(), None, &settings, &arguments.report)
}
