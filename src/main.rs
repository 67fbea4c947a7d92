//! The `keysieve` program: parse, call, exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

mod cli;

fn main() -> ExitCode {
    let arguments = cli::Cli::try_parse().unwrap_or_else(|error| cli::say::usage(&error));
    // A panic that no content is to blame for. What it was about has been said, without what was looked at.
    let ended = catch_unwind(AssertUnwindSafe(|| cli::run(arguments)));
    match ended.unwrap_or(Ok(ExitCode::from(cli::INCOMPLETE))) {
        Ok(code) => code,
        Err(error) if cli::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            cli::say::error(&error);
            ExitCode::from(cli::USAGE_ERROR)
        }
    }
}
