//! `keysieve completions` and `keysieve man`: made from the arguments themselves.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, NOTHING_FOUND, output};

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

/// Prints a completion script.
pub fn completions(arguments: CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "keysieve", &mut script);
    output::to_stdout(|to| to.write_all(&script))?;
    Ok(ExitCode::from(NOTHING_FOUND))
}

/// Prints the manual page of the program, then those of its commands.
pub fn man() -> anyhow::Result<ExitCode> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut pages)?;
    for child in command.get_subcommands() {
        // A page is the long help: what the short one hides has its text here.
        let page = child.clone().mut_args(|argument| argument.hide_short_help(false));
        clap_mangen::Man::new(page).render(&mut pages)?;
    }
    output::to_stdout(|to| to.write_all(&pages))?;
    Ok(ExitCode::from(NOTHING_FOUND))
}
