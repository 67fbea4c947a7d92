//! `keysieve report`: an earlier report in another format.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use keysieve::config::Config;
use keysieve::finding::Confidence;
use keysieve::report::read;
use keysieve::rules;

use super::scan;
use super::settings::{ReportArgs, Settings};

/// The arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportCommandArgs {
    /// A report that `--format json` or `--format jsonl` wrote; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    report: ReportArgs,
}

/// Reads, prints and judges, as the scan itself would have.
pub fn run(arguments: &ReportCommandArgs) -> anyhow::Result<ExitCode> {
    let name = arguments.file.display();
    let text = match arguments.file.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(&arguments.file),
    };
    let text = text.with_context(|| format!("cannot read the report `{name}`"))?;
    let outcome = read::read(&text).map_err(|what| anyhow::anyhow!("`{name}`: {what}"))?;
    let settings = Settings {
        config: Config::default(),
        baseline: None,
        baseline_path: PathBuf::new(),
        min_confidence: Confidence::Low,
    };
    scan::print(&outcome, rules::builtin(), &settings, &arguments.report)
}
