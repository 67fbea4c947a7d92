//! `github`: workflow commands, which GitHub Actions shows as annotations on the lines of a change.
//!
//! GitHub shows ten errors, ten warnings and ten notices a step; the report itself has all.

use std::io::{self, Write};

use super::terminal::visible;
use crate::finding::{Finding, Reason, Severity};
use crate::gap::Gap;
use crate::outcome::Outcome;

use super::Options;

/// Writes a command a finding, the most severe first, then one for the whole.
pub fn write(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    let mut findings: Vec<&Finding> =
        outcome.findings.iter().filter(|finding| options.all || finding.severity > Severity::Low).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in findings {
        let command = match finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "notice",
        };
        let place = finding.place;
        let mut message = format!(
            "{} severity, {} confidence: {}.",
            finding.severity,
            finding.confidence,
            visible(&Reason::texts(&finding.evidence, "; "))
        );
        if !finding.advice.rotate.is_empty() {
            message.push_str(&format!("\nRevoke it and issue a new one: {}", visible(&finding.advice.rotate)));
        }
        message.push_str(&format!("\n{}", visible(finding.fingerprint.as_str())));
        writeln!(
            to,
            "::{command} file={},line={},endLine={},title={}::{}",
            property(&visible(&finding.path)),
            place.line,
            place.end_line,
            property(&visible(&finding.title)),
            data(&message)
        )?;
    }
    for Gap { path, reason, .. } in &outcome.summary.gaps {
        let text = data(&format!("{}: {}", visible(path), visible(reason)));
        writeln!(to, "::error title=keysieve could not read everything::{text}")?;
    }
    for note in outcome.summary.all_notes() {
        writeln!(to, "::notice title=keysieve::{}", data(&visible(&note)))?;
    }
    Ok(())
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command, which ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_a_command_or_starts_one() {
        assert_eq!(property("a,b::c\n%"), "a%2Cb%3A%3Ac%0A%25");
        assert_eq!(data("x\r\n::error::y"), "x%0D%0A::error::y");
    }
}
