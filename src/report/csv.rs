//! `csv`: a row a finding (RFC 4180, with plain line breaks), for spreadsheets. A field that a spreadsheet would take for a formula starts with an
//! apostrophe.

use std::io::{self, Write};

use super::terminal::visible;
use super::{Options, print_secret};
use crate::finding::Finding;
use crate::gap::{AcceptedGap, Gap};
use crate::outcome::Outcome;

const COLUMNS: &str = "severity,confidence,rule,title,path,line,column,secret,introduced,author,commit,removed,refs,\
                       fingerprint,rotate";

/// Writes a header and the rows. What could not be read is a row whose rule is `incomplete`, or `accepted-incomplete`.
pub fn write(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    writeln!(to, "{COLUMNS}")?;
    for finding in &outcome.findings {
        row(&fields(finding, options), to)?;
    }
    for Gap { path, reason, .. } in &outcome.summary.gaps {
        let mut fields = vec![String::new(); COLUMNS.split(',').count()];
        (fields[2], fields[3], fields[4]) = ("incomplete".to_owned(), reason.clone(), path.clone());
        row(&fields, to)?;
    }
    for AcceptedGap { gap: Gap { path, reason, .. }, accepted } in &outcome.summary.accepted_gaps {
        let mut fields = vec![String::new(); COLUMNS.split(',').count()];
        let what = format!("accepted ({accepted}): {reason}");
        (fields[2], fields[3], fields[4]) = ("accepted-incomplete".to_owned(), what, path.clone());
        row(&fields, to)?;
    }
    Ok(())
}

fn fields(finding: &Finding, options: Options) -> Vec<String> {
    let provenance = finding.provenance.as_deref();
    let introduced = provenance.and_then(|provenance| provenance.introduced.as_ref());
    let removed = provenance.and_then(|provenance| provenance.removed.as_ref());
    vec![
        finding.severity.to_string(),
        finding.confidence.to_string(),
        finding.rule.to_string(),
        finding.title.to_string(),
        finding.path.clone(),
        finding.place.line.to_string(),
        finding.place.column.to_string(),
        print_secret(&finding.secret, options),
        introduced.map(|commit| commit.date.clone()).unwrap_or_default(),
        introduced.map(|commit| commit.author.clone()).unwrap_or_default(),
        introduced.map(|commit| commit.id.clone()).unwrap_or_default(),
        removed.map(|commit| commit.date.clone()).unwrap_or_default(),
        provenance.map(|provenance| provenance.refs.join(" ")).unwrap_or_default(),
        finding.fingerprint.to_string(),
        finding.advice.rotate.to_string(),
    ]
}

fn row(fields: &[String], to: &mut impl Write) -> io::Result<()> {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    writeln!(to, "{}", fields.join(","))
}

fn quoted(field: &str) -> String {
    let field = visible(field);
    let is_formula = field.starts_with(['=', '+', '-', '@']);
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula_or_ends_its_row() {
        assert_eq!(quoted("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(quoted("a\r\nb"), "\"a\\u{d}\\u{a}b\"");
        assert_eq!(quoted("plain, text"), "\"plain, text\"");
    }
}
