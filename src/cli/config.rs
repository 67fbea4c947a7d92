//! `keysieve config`: is the configuration right, and what does it come to?

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use keysieve::config::{Config, FILE_NAME, Lfs, today};
use keysieve::finding::{Confidence, Severity};

use super::settings::{own_config, repository_root};
use super::{NOTHING_FOUND, output, say};

/// The actions of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Says whether the configuration is valid
    Check(FileArgs),
    /// Shows what the configuration comes to
    Show(FileArgs),
}

/// Which configuration.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// The file [default: .keysieve.toml of the repository]
    file: Option<PathBuf>,
}

/// Runs the action.
pub fn run(command: ConfigCommand) -> anyhow::Result<ExitCode> {
    let (ConfigCommand::Check(arguments) | ConfigCommand::Show(arguments)) = &command;
    let config = match &arguments.file {
        Some(file) => Config::load(file)?,
        None => own_config(&repository_root(".".as_ref()))?,
    };
    let path = config.path.clone();
    let rules = config.rules().len();
    let mut said = Vec::new();
    let to = &mut said;
    match (&command, &path) {
        (ConfigCommand::Check(_), None) => {
            writeln!(to, "There is no {FILE_NAME} here; the built-in defaults apply ({rules} rules).")
        }
        (ConfigCommand::Check(_), Some(path)) => {
            writeln!(to, "{} is valid ({rules} rules).", path.display())?;
            config.notes.iter().try_for_each(|note| writeln!(to, "note: {note}"))
        }
        (ConfigCommand::Show(_), _) => show(&config, to),
    }?;
    output::to_stdout(|to| to.write_all(say::inert(&String::from_utf8_lossy(&said)).as_bytes()))?;
    Ok(ExitCode::from(NOTHING_FOUND))
}

fn show(config: &Config, to: &mut Vec<u8>) -> std::io::Result<()> {
    let (off, changed, added) = config.rule_changes();
    let source = config.path.as_ref().map_or("built-in defaults".to_owned(), |path| path.display().to_string());
    writeln!(to, "from            {source}")?;
    writeln!(to, "rules           {} run: {off} switched off, {changed} changed, {added} added", config.rules().len())?;
    writeln!(to, "fail on         {}", config.fail_on.unwrap_or(Severity::Medium))?;
    if config.lfs == Lfs::Ignore {
        writeln!(to, "Git LFS         pointers are ignored")?;
    }
    writeln!(to, "min confidence  {}", config.min_confidence.unwrap_or(Confidence::Medium))?;
    for (glob, _) in &config.exclude {
        writeln!(to, "exclude         {glob}")?;
    }
    for allow in &config.allow {
        writeln!(to, "allow           line {}: {}{}", allow.line, allow.reason, until(allow.expires))?;
    }
    for entry in &config.accept_incomplete {
        writeln!(to, "not read        line {}: {} ({}){}", entry.line, entry.what, entry.reason, until(entry.expires))?;
    }
    Ok(())
}

/// Until when an entry counts, in words.
fn until(expires: Option<Date>) -> String {
    match expires {
        Some(date) if date < today() => format!(" (expired on {date})"),
        Some(date) => format!(" (until {date})"),
        None => String::new(),
    }
}
