//! Takes findings away: one file a format. Secrets are redacted in every one of them unless the user asks otherwise.

use std::io::{self, Write};

pub mod csv;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod read;
pub mod sarif;
#[cfg(test)]
mod schema;
pub mod terminal;

use crate::finding::Secret;
use crate::outcome::Outcome;
use keysieve_engine::rules::Rule;

/// How to print an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's secret detection report.
    Gitlab,
    /// JUnit XML.
    Junit,
    /// A row a finding.
    Csv,
    /// For a job's summary or a comment.
    Markdown,
    /// A page to look at.
    Html,
}

/// What every format heeds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Prints secrets in the clear.
    pub show_secrets: bool,
    /// Shows findings of low severity one by one (`human` only; the others always list all).
    pub all: bool,
    /// Lists what was set aside, and why.
    pub explain: bool,
    /// Columns of the terminal, if it is one.
    pub width: Option<usize>,
    /// The folder that paths start from, where the terminal shows links (`human` only).
    pub links: Option<&'a std::path::Path>,
}

/// Prints `outcome` to `to`; `rules` are the ones that ran.
pub fn write(
    format: Format,
    outcome: &Outcome,
    rules: &[Rule],
    options: Options,
    to: &mut impl Write,
) -> io::Result<()> {
    match format {
        Format::Human => human::write(outcome, options, to),
        Format::Json => json::write(outcome, options, to),
        Format::Jsonl => json::write_lines(outcome, options, to),
        Format::Sarif => sarif::write(outcome, rules, options, to),
        Format::Github => github::write(outcome, options, to),
        Format::Gitlab => gitlab::write(outcome, options, to),
        Format::Junit => junit::write(outcome, options, to),
        Format::Csv => csv::write(outcome, options, to),
        Format::Markdown => markdown::write(outcome, options, to),
        Format::Html => html::write(outcome, options, to),
    }
}

/// The secret as the options have it printed.
fn print_secret(secret: &Secret, options: Options) -> String {
    if options.show_secrets { secret.expose_text().into_owned() } else { secret.to_string() }
}
