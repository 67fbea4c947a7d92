//! `markdown`: for a job's summary, a comment, an issue. Nothing that was read can add a link, a mention or markup.

use std::io::{self, Write};

use super::terminal::{keep_start, visible};
use super::{Options, print_secret};
use crate::finding::{Finding, Severity};
use crate::gap::Gap;
use crate::outcome::Outcome;

/// Rows before the rest is only counted: GitHub cuts a summary at 1 MiB.
const ROWS: usize = 500;

/// Writes a heading, a table of the findings, and what was read.
pub fn write(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    let shown: Vec<&Finding> =
        outcome.findings.iter().filter(|finding| options.all || finding.severity > Severity::Low).collect();
    let low = outcome.findings.len() - shown.len();
    match (shown.len(), outcome.summary.is_complete()) {
        (0, true) => writeln!(to, "## keysieve: no credentials found\n")?,
        (0, false) => writeln!(to, "## keysieve: not everything could be read\n")?,
        (1, _) => writeln!(to, "## keysieve: 1 credential found\n")?,
        (count, _) => writeln!(to, "## keysieve: {count} credentials found\n")?,
    }
    if !shown.is_empty() {
        writeln!(to, "Revoke each at its provider first: taking it out of the code does not make it safe again.\n")?;
        writeln!(to, "| Severity | What | Where | Since | Secret | Next |\n| --- | --- | --- | --- | --- | --- |")?;
        for finding in shown.iter().take(ROWS) {
            row(finding, options, to)?;
        }
        if let Some(more) = shown.len().checked_sub(ROWS).filter(|more| *more > 0) {
            writeln!(to, "\n… and {more} more; the other formats list all.")?;
        }
        writeln!(to)?;
    }
    if low > 0 {
        writeln!(to, "{low} of low severity (tests, examples, defaults) are not listed.\n")?;
    }
    summary(outcome, to)
}

fn row(finding: &Finding, options: Options, to: &mut impl Write) -> io::Result<()> {
    let since = finding.provenance.as_ref().and_then(|provenance| provenance.introduced.as_ref()).map_or(
        String::new(),
        |commit| {
            let date = commit.date.split('T').next().unwrap_or_default();
            format!("{} {}", text(date), code(commit.id.get(..9).unwrap_or(&commit.id)))
        },
    );
    let next = match finding.advice.rotate.as_ref() {
        "" => String::new(),
        url if is_address(url) => format!("[revoke and rotate]({url})"),
        url => code(url),
    };
    writeln!(
        to,
        "| {} | {} {} | {} | {since} | {} | {next} |",
        finding.severity,
        text(&finding.title),
        code(&finding.rule),
        code(&format!("{}:{}", finding.path, finding.place.line)),
        code(&print_secret(&finding.secret, options)),
    )
}

/// Whether a text is an address and nothing more. The rules' own are, but a configuration can bring rules as well.
fn is_address(text: &str) -> bool {
    text.starts_with("https://") && !text.contains(['(', ')', '|', '<', '>', ' ', '"', '`']) && visible(text) == text
}

/// An address as it is, anything else as code.
pub fn link(text: &str) -> String {
    if is_address(text) { text.to_owned() } else { code(text) }
}

fn summary(outcome: &Outcome, to: &mut impl Write) -> io::Result<()> {
    let summary = &outcome.summary;
    let counts = [(summary.commits, "commits"), (summary.objects, "objects"), (summary.files, "files")];
    let read: Vec<String> = counts.iter().filter_map(|(number, noun)| Some(format!("{} {noun}", (*number)?))).collect();
    writeln!(to, "Read {}.", read.join(" and "))?;
    if let Some(scope) = &summary.scope {
        writeln!(to, "Looked at {}.", code(scope))?;
    }
    for note in summary.all_notes() {
        writeln!(to, "\n> {}", text(&note))?;
    }
    if !summary.is_complete() {
        writeln!(to, "\n**Not complete**: {} could not be read to the end.\n", summary.gaps.len())?;
        for Gap { path, reason, .. } in summary.gaps.iter().take(50) {
            writeln!(to, "- {}: {}", code(path), text(reason))?;
        }
    }
    Ok(())
}

/// Text in which nothing means anything: every punctuation mark is a character reference.
pub fn text(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for character in keep_start(&visible(text), 400).chars() {
        match character {
            c if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '/' | '-' | ';') => {
                inert.push_str(&format!("&#{};", c as u32));
            }
            c => inert.push(c),
        }
    }
    // What looks like an address becomes a link even so.
    inert.replace("www.", "www&#46;").replace("://", "&#58;//")
}

/// A text set as code, in which nothing is markup and GitHub looks for no mentions.
pub fn code(content: &str) -> String {
    format!("<code>{}</code>", text(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let inert = code("a|b`c` [x](y) <img> @ann #1 *z* _u_ \n## h");
        assert!(!inert[6..inert.len() - 7].contains(['|', '`', '[', '<', '@', '*', '_', '\n']), "{inert}");
    }
}
