//! Arguments and commands: one file a command. No module below knows a flag's name.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

mod advise;
mod baseline;
mod changes;
mod config;
mod history;
mod hook;
mod limits;
mod output;
mod posture;
mod progress;
mod report;
mod rules;
pub mod say;
mod scan;
mod settings;
mod shell;
mod signals;

/// Nothing at or above `--fail-on` was found.
const NOTHING_FOUND: u8 = 0;
/// Something was.
const FOUND: u8 = 1;
/// The arguments or the configuration are wrong.
pub const USAGE_ERROR: u8 = 2;
/// Something could not be read, so nothing can be said to be clean.
pub const INCOMPLETE: u8 = 3;

/// Finds leaked credentials in working trees and git history, and says what to do about them.
#[derive(Debug, Parser)]
#[command(name = "keysieve", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
}

const EXIT_CODES: &str = "Exit codes:
  0  nothing found
  1  findings at or above --fail-on
  2  wrong arguments or configuration; nothing was scanned
  3  incomplete: something could not be read (--allow-incomplete turns this into 0 or 1)";

#[derive(Debug, Subcommand)]
enum Command {
    /// Finds credentials in files, folders or standard input
    Scan(settings::ScanArgs),
    /// Finds credentials in everything that a git repository has ever held
    History(history::HistoryArgs),
    /// Finds credentials in what is about to be committed
    Staged(changes::StagedArgs),
    /// Finds credentials that the commits of a pull request or a push bring in
    Range(changes::RangeArgs),
    /// Puts git hooks in place that refuse credentials, and proves that they do
    #[command(subcommand)]
    Hook(hook::HookCommand),
    /// Accepts the findings of today, so that only new ones are reported
    #[command(subcommand)]
    Baseline(baseline::BaselineCommand),
    /// Says what a credential opens, how to revoke it, and who may have used it
    Explain(advise::ExplainArgs),
    /// Makes a plan for everything that was found: revoke, store, replace in code, clean the history
    Advise(advise::AdviseArgs),
    /// Checks how infrastructure and workflows handle secrets
    Posture(posture::PostureArgs),
    /// Prints an earlier report in another format
    Report(report::ReportCommandArgs),
    /// Lists, shows and tests the rules
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Checks and shows the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Prints a completion script for a shell
    Completions(shell::CompletionsArgs),
    /// Prints the manual page, in roff
    Man,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Runs the command.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    signals::prepare();
    signals::quiet_panics();
    match cli.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    match cli.command {
        Command::Scan(arguments) => scan::run(arguments),
        Command::History(arguments) => history::run(arguments),
        Command::Staged(arguments) => changes::run_staged(arguments),
        Command::Range(arguments) => changes::run_range(arguments),
        Command::Hook(command) => hook::run(command),
        Command::Baseline(command) => baseline::run(command),
        Command::Explain(arguments) => advise::explain(&arguments),
        Command::Advise(arguments) => advise::advise(&arguments),
        Command::Posture(arguments) => posture::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Rules(command) => rules::run(command),
        Command::Config(command) => config::run(command),
        Command::Completions(arguments) => shell::completions(arguments),
        Command::Man => shell::man(),
    }
}

/// Whether the reader of our output went away, which is a quiet end.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe))
}
