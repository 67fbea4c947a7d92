//! `junit`: JUnit XML, in which each finding is a failed test and what could not be read an error.

use std::io::{self, Write};

use super::Options;
use super::terminal::{line, visible};
use crate::finding::Reason;
use crate::gap::{AcceptedGap, Gap};
use crate::outcome::Outcome;

/// Writes one suite.
pub fn write(outcome: &Outcome, _options: Options, to: &mut impl Write) -> io::Result<()> {
    let (failures, errors) = (outcome.findings.len(), outcome.summary.gaps.len());
    let skipped = outcome.summary.accepted_gaps.len();
    let passed = usize::from(failures + errors == 0);
    let tests = failures + errors + skipped + passed;
    let mut counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    if skipped > 0 {
        counts.push_str(&format!(" skipped=\"{skipped}\""));
    }
    writeln!(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(to, "<testsuites name=\"keysieve\" {counts}>")?;
    writeln!(to, "  <testsuite name=\"keysieve\" {counts}>")?;
    if passed == 1 {
        writeln!(to, "    <testcase classname=\"keysieve\" name=\"no credentials\"/>")?;
    }
    for finding in &outcome.findings {
        let place = format!("{}:{}:{}", finding.path, finding.place.line, finding.place.column);
        let evidence = format!("{} confidence: {}", finding.confidence, Reason::texts(&finding.evidence, "; "));
        writeln!(
            to,
            "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\">",
            escaped(&finding.rule),
            escaped(&place),
            escaped(&finding.path),
            finding.place.line
        )?;
        writeln!(
            to,
            "      <failure type=\"{}\" message=\"{}\">{}\n{}\n{}</failure>",
            finding.severity,
            escaped(&finding.title),
            escaped(&evidence),
            escaped(&line(&finding.advice.rotate)),
            escaped(&line(finding.fingerprint.as_str()))
        )?;
        writeln!(to, "    </testcase>")?;
    }
    for Gap { path, reason, .. } in &outcome.summary.gaps {
        writeln!(to, "    <testcase classname=\"keysieve\" name=\"{}\">", escaped(path))?;
        writeln!(to, "      <error type=\"incomplete\" message=\"{}\"/>", escaped(reason))?;
        writeln!(to, "    </testcase>")?;
    }
    for AcceptedGap { gap: Gap { path, reason, .. }, accepted } in &outcome.summary.accepted_gaps {
        let message = format!("accepted ({accepted}): {reason}");
        writeln!(to, "    <testcase classname=\"keysieve\" name=\"{}\">", escaped(path))?;
        writeln!(to, "      <skipped message=\"{}\"/>", escaped(&message))?;
        writeln!(to, "    </testcase>")?;
    }
    writeln!(to, "  </testsuite>\n</testsuites>")
}

/// Text of XML 1.0, which has no place for control characters: they are written out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}
