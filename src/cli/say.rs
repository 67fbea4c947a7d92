//! What commands say besides reports: results in a line, warnings, errors. All of it goes through here, so that nothing that
//! was read is a control of a terminal, a command of a CI server or a secret in the clear.

#![allow(clippy::disallowed_macros, reason = "everything else prints by these functions")]

use anstyle::{AnsiColor, Style};
use keysieve::redaction;
use keysieve::report::terminal::message;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Text that may be printed.
pub fn inert(text: &str) -> String {
    message(&redaction::text(text))
}

/// Says something on standard output.
pub fn result(text: &str) {
    anstream::println!("{}", inert(text));
}

/// Says something on standard error.
pub fn aside(text: &str) {
    anstream::eprintln!("{}", inert(text));
}

/// Says what does not keep a command from going on.
pub fn warning(text: &str) {
    anstream::eprintln!("{WARNING}warning{WARNING:#}: {}", inert(text));
}

/// Says why a command ends.
pub fn error(error: &anyhow::Error) {
    anstream::eprintln!("{ERROR}error{ERROR:#}: {}", inert(&format!("{error:#}")));
}

/// Says what is wrong with the arguments, and ends. They can be names of refs that somebody else chose.
pub fn usage(error: &clap::Error) -> ! {
    // Help and version are this program's own words, and soon said.
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render().to_string();
    match inert(&text) {
        said if said == text => error.exit(),
        said => {
            anstream::eprint!("{said}");
            std::process::exit(error.exit_code());
        }
    }
}
