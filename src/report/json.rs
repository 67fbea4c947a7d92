//! `json` and `jsonl`: the format that other programs read; `json` wraps the objects of `jsonl`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::terminal::inert_json;
use super::{Options, print_secret};
use crate::finding::{Advice, Confidence, Finding, Fingerprint, Life, Place, Reason, Severity};
use crate::gap::{AcceptedGap, Gap};
use crate::outcome::{Outcome, SetAside, Summary};
use crate::posture;

/// Version of this format; a change that breaks readers raises it.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    tool: Tool,
    format_version: u32,
    findings: Vec<FindingObject<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set_aside: Vec<SetAsideObject<'a>>,
    summary: SummaryObject<'a>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct FindingObject<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'static str>,
    rule: &'a str,
    title: &'a str,
    severity: Severity,
    confidence: Confidence,
    evidence: &'a [Reason],
    location: Location<'a>,
    secret: String,
    /// The line with every secret masked, as far as it is shown.
    line: String,
    /// Which characters of it the secret takes, from 0.
    mark: Mark,
    fingerprint: &'a Fingerprint,
    #[serde(skip_serializing_if = "Option::is_none")]
    pair: Option<PairObject<'a>>,
    #[serde(flatten)]
    life: Option<&'a Life>,
    advice: &'a Advice,
}

#[derive(Serialize)]
struct Mark {
    start: usize,
    end: usize,
}

#[derive(Serialize)]
struct PairObject<'a> {
    rule: &'a str,
    location: Location<'a>,
    secret: String,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    line: u64,
    column: u64,
    end_line: u64,
    end_column: u64,
}

#[derive(Serialize)]
struct SetAsideObject<'a> {
    r#type: &'static str,
    rule: &'a str,
    location: Location<'a>,
    by: &'static str,
    reason: &'a Reason,
}

#[derive(Serialize)]
struct SummaryObject<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commits: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<u64>,
    bytes: u64,
    findings: BTreeMap<&'static str, usize>,
    below_confidence: usize,
    allowed: &'a BTreeMap<&'static str, usize>,
    excluded: u64,
    not_content: Vec<Named<'a>>,
    incomplete: &'a [Gap],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    accepted_incomplete: &'a [AcceptedGap],
    notes: &'a [String],
    complete: bool,
}

#[derive(Serialize)]
struct Named<'a> {
    kind: &'static str,
    path: &'a str,
}

/// Writes one document, indented.
pub fn write(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    let document = Document {
        tool: Tool { name: "keysieve", version: env!("CARGO_PKG_VERSION") },
        format_version: FORMAT_VERSION,
        findings: outcome.findings.iter().map(|finding| finding_object(finding, options)).collect(),
        set_aside: set_aside(outcome, options).collect(),
        summary: summary_object(outcome, &outcome.summary),
    };
    to.write_all(inert_json(&serde_json::to_string_pretty(&document)?).as_bytes())?;
    to.write_all(b"\n")
}

/// Writes one object a line, the summary last.
pub fn write_lines(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    for finding in &outcome.findings {
        line(&finding_object(finding, options), to)?;
    }
    for object in set_aside(outcome, options) {
        line(&object, to)?;
    }
    line(&summary_object(outcome, &outcome.summary), to)
}

fn line(object: &impl Serialize, to: &mut impl Write) -> io::Result<()> {
    to.write_all(inert_json(&serde_json::to_string(object)?).as_bytes())?;
    to.write_all(b"\n")
}

fn location(path: &str, place: Place) -> Location<'_> {
    Location { path, line: place.line, column: place.column, end_line: place.end_line, end_column: place.end_column }
}

fn finding_object<'a>(finding: &'a Finding, options: Options<'_>) -> FindingObject<'a> {
    let secret = print_secret(&finding.secret, options);
    let shown = if options.show_secrets {
        secret.lines().next().unwrap_or_default().to_owned()
    } else {
        finding.masked_line_secret()
    };
    let start = finding.excerpt.before.chars().count();
    let mark = Mark { start, end: start + shown.chars().count() };
    FindingObject {
        r#type: "finding",
        category: finding.rule.starts_with(posture::PREFIX).then_some("posture"),
        rule: &finding.rule,
        title: &finding.title,
        severity: finding.severity,
        confidence: finding.confidence,
        evidence: &finding.evidence,
        location: location(&finding.path, finding.whole_place()),
        line: format!("{}{shown}{}", finding.excerpt.before, finding.excerpt.after),
        mark,
        secret,
        fingerprint: &finding.fingerprint,
        pair: finding.partner.as_ref().map(|partner| PairObject {
            rule: &partner.rule,
            location: location(&finding.path, partner.place),
            secret: print_secret(&partner.secret, options),
        }),
        life: finding.life.as_deref(),
        advice: &finding.advice,
    }
}

fn set_aside<'a>(outcome: &'a Outcome, options: Options<'_>) -> impl Iterator<Item = SetAsideObject<'a>> + use<'a> {
    let listed: &[SetAside] = if options.explain { &outcome.set_aside } else { &[] };
    listed.iter().map(|it| SetAsideObject {
        r#type: "set-aside",
        rule: &it.rule,
        location: location(&it.path, it.place),
        by: it.by,
        reason: &it.reason,
    })
}

fn summary_object<'a>(outcome: &Outcome, summary: &'a Summary) -> SummaryObject<'a> {
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    SummaryObject {
        r#type: "summary",
        scope: summary.scope.as_deref(),
        files: summary.files,
        commits: summary.commits,
        objects: summary.objects,
        bytes: summary.bytes,
        findings: severities.iter().map(|severity| (severity.as_str(), outcome.count(*severity))).collect(),
        below_confidence: summary.below_confidence,
        allowed: &summary.allowed,
        excluded: summary.excluded,
        not_content: summary.not_content.iter().map(|(kind, path)| Named { kind, path }).collect(),
        incomplete: &summary.gaps,
        accepted_incomplete: &summary.accepted_gaps,
        notes: &summary.notes,
        complete: summary.is_complete(),
    }
}
