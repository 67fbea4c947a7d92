//! `human`: for people at a terminal, or in a log. Colours are always written; the stream takes them out where they are
//! not wanted.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::terminal::{keep_end, keep_start, line, visible, width};
use super::{Options, print_secret};
use crate::finding::{CommitNote, Finding, FindingKind, Provenance, Reason, Severity};
use crate::gap::{Gap, GapCode};
use crate::outcome::{Outcome, Summary, Suppressor};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
/// Columns of a line of source when the output is no terminal.
const DEFAULT_WIDTH: usize = 120;
/// Paths listed one by one before the rest is only counted.
const LISTED: usize = 10;
/// Refs listed one by one.
const LISTED_REFS: usize = 5;

/// Writes the findings, then the summary.
pub fn write(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    let shown = |finding: &&Finding| options.all || finding.severity > Severity::Low;
    for finding in outcome.findings.iter().filter(shown) {
        write_finding(finding, options, to)?;
    }
    if options.explain {
        write_suppressed(outcome, to)?;
    }
    write_summary(outcome, options, to)
}

fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => AnsiColor::Cyan.on_default(),
    }
}

fn write_finding(finding: &Finding, options: Options, to: &mut impl Write) -> io::Result<()> {
    let severity = severity_style(finding.severity);
    let place = format!("{}:{}:{}", line(&finding.path), finding.place.line, finding.place.column);
    // Rules and their texts can come from a configuration or an earlier report.
    let (title, rule) = (visible(&finding.title), visible(&finding.rule));
    writeln!(to, "{severity}{}{severity:#}  {BOLD}{title}{BOLD:#}  {rule}", finding.severity)?;
    match link(&finding.path, options) {
        Some(url) => writeln!(to, "  \u{1b}]8;;{url}\u{1b}\\{place}\u{1b}]8;;\u{1b}\\")?,
        None => writeln!(to, "  {place}")?,
    }
    let number = finding.place.line.to_string();
    let room = options.width.unwrap_or(DEFAULT_WIDTH).clamp(40, 200).saturating_sub(number.len() + 6);
    let secret = if options.show_secrets {
        visible(print_secret(&finding.secret, options).lines().next().unwrap_or_default())
    } else {
        visible(&finding.masked_line_secret())
    };
    let secret = keep_start(&secret, room * 2 / 3);
    let left = room.saturating_sub(width(&secret));
    let before = keep_end(visible(&finding.excerpt.before).trim_start(), left * 2 / 3);
    let after = keep_start(&visible(&finding.excerpt.after), left.saturating_sub(width(&before)));
    writeln!(to, "  {DIM}{number} │{DIM:#} {before}{RED}{secret}{RED:#}{after}")?;
    let (gutter, indent, marks) =
        (" ".repeat(number.len()), " ".repeat(width(&before)), "^".repeat(width(&secret).max(1)));
    // A practice is about the whole line, and has nothing to mark.
    let is_practice = finding.kind == FindingKind::Practice;
    if !is_practice {
        writeln!(to, "  {DIM}{gutter} │{DIM:#} {indent}{RED}{marks}{RED:#}")?;
    }
    writeln!(to, "  {} confidence: {}", finding.confidence, visible(&Reason::texts(&finding.evidence, "; ")))?;
    if let Some(partner) = &finding.partner {
        writeln!(
            to,
            "  {DIM}pair:{DIM:#} {} {}",
            visible(&partner.rule),
            visible(&print_secret(&partner.secret, options))
        )?;
    }
    if let Some(provenance) = &finding.provenance {
        write_provenance(provenance, to)?;
    }
    if !finding.advice.rotate.is_empty() {
        let label = if is_practice { "read" } else { "rotate" };
        writeln!(to, "  {DIM}{label}:{DIM:#} {}", visible(&finding.advice.rotate))?;
    }
    writeln!(to, "  {DIM}{}{DIM:#}\n", visible(finding.fingerprint.as_str()))
}

fn write_provenance(provenance: &Provenance, to: &mut impl Write) -> io::Result<()> {
    let note = |commit: &CommitNote| {
        let date = commit.date.split('T').next().unwrap_or_default();
        let short = commit.id.get(..12).unwrap_or(&commit.id);
        visible(&format!("{date} by {} in {short} {}", commit.author, commit.subject))
    };
    match &provenance.introduced {
        Some(commit) => writeln!(to, "  {DIM}introduced:{DIM:#} {}", note(commit))?,
        None => writeln!(to, "  {DIM}object:{DIM:#} {}", visible(provenance.object.as_deref().unwrap_or_default()))?,
    }
    if let Some(commit) = &provenance.removed {
        writeln!(to, "  {DIM}removed:{DIM:#} {}", note(commit))?;
    }
    if !provenance.refs.is_empty() {
        let listed = provenance.refs[..provenance.refs.len().min(LISTED_REFS)].join(", ");
        let more = match provenance.refs_total.saturating_sub(LISTED_REFS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(to, "  {DIM}live in:{DIM:#} {}{more}", visible(&listed))?;
    }
    if !provenance.reachable {
        writeln!(to, "  {DIM}unreachable: no ref leads to it, but the objects are there{DIM:#}")?;
    }
    let others = provenance.paths.len().saturating_sub(1);
    let (versions, paths) = (plural(provenance.versions as usize, "version"), plural(others, "other path"));
    writeln!(to, "  {DIM}in {versions}{}{DIM:#}", if others > 0 { format!(", at {paths} too") } else { String::new() })
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn write_suppressed(outcome: &Outcome, to: &mut impl Write) -> io::Result<()> {
    for it in &outcome.suppressed {
        let place = format!("{}:{}:{}", visible(&it.path), it.place.line, it.place.column);
        writeln!(
            to,
            "{DIM}suppressed{DIM:#}  {place}  {}  {}: {}",
            visible(&it.rule),
            it.by,
            visible(&it.reason.text)
        )?;
    }
    if !outcome.suppressed.is_empty() {
        writeln!(to)?;
    }
    Ok(())
}

fn write_summary(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    let summary = &outcome.summary;
    let low = outcome.count(Severity::Low);
    let counts: Vec<String> = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low]
        .into_iter()
        .filter(|severity| options.all || *severity > Severity::Low)
        .map(|severity| (severity, outcome.count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| {
            format!("{}{count} {severity}{:#}", severity_style(severity), severity_style(severity))
        })
        .collect();
    if counts.is_empty() {
        let what = summary.looked_for.as_str();
        // With gaps nothing is clean, and with low findings nothing is said to be.
        match (low, summary.is_complete()) {
            (0, true) => writeln!(to, "No {what} found.")?,
            (0, false) => writeln!(to, "No {what} found in what could be read.")?,
            _ => {}
        }
    } else {
        let total = if options.all { outcome.findings.len() } else { outcome.findings.len() - low };
        writeln!(to, "{BOLD}{}{BOLD:#}: {}", count(total as u64, "finding"), counts.join(", "))?;
    }
    if low > 0 && !options.all {
        writeln!(to, "{low} of low severity (tests, examples, defaults); --all shows them.")?;
    }
    let counts = [(summary.commits, "commit"), (summary.objects, "object"), (summary.files, "file")];
    let what: Vec<String> = counts.iter().filter_map(|(number, noun)| Some(count((*number)?, noun))).collect();
    let what = what.join(" and ");
    writeln!(to, "Read {what}, {}.{}", bytes(summary.bytes), left_out(summary, options))?;
    if let Some(scope) = &summary.scope {
        writeln!(to, "Looked at {}.", visible(scope))?;
    }
    for note in summary.all_notes() {
        writeln!(to, "{BOLD}Note:{BOLD:#} {}", visible(&note))?;
    }
    if !summary.not_content.is_empty() {
        let mut kinds: Vec<(&str, u64)> = Vec::new();
        for (kind, _) in &summary.not_content {
            match kinds.iter_mut().find(|(known, _)| known == kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((kind, 1)),
            }
        }
        let kinds: Vec<String> = kinds.into_iter().map(|(kind, number)| count(number, kind)).collect();
        writeln!(to, "Never opened: {}.", kinds.join(", "))?;
        if options.explain || summary.not_content.len() <= LISTED {
            for (kind, path) in &summary.not_content {
                writeln!(to, "  {DIM}{kind}{DIM:#} {}", visible(path))?;
            }
        }
    }
    if !summary.is_complete() {
        writeln!(
            to,
            "{RED}Not complete:{RED:#} {} could not be read to the end.",
            count(summary.gaps.len() as u64, "path")
        )?;
        let listed = if options.explain { usize::MAX } else { LISTED };
        let folded = if options.explain { Vec::new() } else { alike(&summary.gaps) };
        let is_folded =
            |gap: &&Gap| folded.iter().any(|(first, _)| (first.code, &first.reason) == (gap.code, &gap.reason));
        for (Gap { path, reason, .. }, number) in &folded {
            let files = count(*number as u64, "path");
            writeln!(to, "  {files}, such as {}: {}", line(path), visible(reason))?;
        }
        let others = summary.gaps.iter().filter(|gap| !is_folded(gap));
        for Gap { path, reason, .. } in others.clone().take(listed) {
            writeln!(to, "  {}: {}", line(path), visible(reason))?;
        }
        let more = others.skip(listed).count();
        if more > 0 {
            writeln!(to, "  … and {more} more; --explain or --format json lists all")?;
        }
    }
    Ok(())
}

/// The first of many gaps that have one reason, such as pointers of Git LFS, and how many these are.
fn alike(gaps: &[Gap]) -> Vec<(&Gap, usize)> {
    const MANY: usize = 4;
    let mut alike: Vec<(&Gap, usize)> = Vec::new();
    for gap in gaps.iter().filter(|gap| matches!(gap.code, GapCode::LfsPointer | GapCode::UnsupportedFormat)) {
        match alike.iter_mut().find(|(first, _)| first.reason == gap.reason) {
            Some((_, number)) => *number += 1,
            None => alike.push((gap, 1)),
        }
    }
    alike.retain(|(_, number)| *number >= MANY);
    alike
}

fn left_out(summary: &Summary, options: Options) -> String {
    let mut parts: Vec<String> = summary
        .allowed
        .iter()
        .filter(|(_, number)| **number > 0)
        .map(|(by, number)| match *by {
            Suppressor::Marker => format!("{number} allowed by markers"),
            Suppressor::Config => format!("{number} allowed by the configuration"),
            by => format!("{number} allowed by the {by}"),
        })
        .collect();
    if summary.excluded > 0 {
        parts.push(format!("{} excluded", count(summary.excluded, "file")));
    }
    if summary.below_confidence > 0 && options.explain {
        parts.push(format!("{} below the confidence shown", summary.below_confidence));
    }
    if parts.is_empty() { String::new() } else { format!(" {}.", parts.join(", ")) }
}

/// The URL of a file that is there, in which nothing but what RFC 3986 leaves unreserved stands for itself.
fn link(path: &str, options: Options) -> Option<String> {
    let file = std::path::absolute(options.links?.join(path)).ok().filter(|file| file.is_file())?;
    let mut url = String::from("file://");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') => {
                url.push(char::from(*byte));
            }
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(url)
}

/// `1 file`, `2 files`, `31,157 files`.
fn count(number: u64, noun: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let noun = match (number, noun) {
        (1, noun) => noun.to_owned(),
        (_, "symbolic link to a folder above it") => "symbolic links to folders above them".to_owned(),
        (_, noun) => format!("{noun}s"),
    };
    format!("{grouped} {noun}")
}

/// Bytes in decimal units: `17 B`, `3.2 kB`, `320 MB`.
fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (number as f64, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit > 0 && value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(31_157, "file"), "31,157 files");
        assert_eq!(
            (bytes(17), bytes(3_210), bytes(999_600), bytes(320_000_000)),
            ("17 B".into(), "3.2 kB".into(), "1.0 MB".into(), "320 MB".into())
        );
    }
}
