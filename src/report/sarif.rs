//! `sarif`: SARIF 2.1.0 (OASIS), as code-scanning services read it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::Options;
use super::terminal::inert_json;
use crate::finding::{Confidence, Finding, FindingKind, Reason, Severity};
use crate::gap::{AcceptedGap, Gap};
use crate::outcome::Outcome;
use crate::redaction;
use keysieve_engine::rules::Rule;

/// Writes one log with one run.
pub fn write(outcome: &Outcome, rules: &[Rule], options: Options, to: &mut impl Write) -> io::Result<()> {
    let mut used: BTreeMap<&str, usize> = outcome.findings.iter().map(|finding| (finding.rule.as_ref(), 0)).collect();
    for (index, place) in used.values_mut().enumerate() {
        *place = index;
    }
    let descriptors: Vec<Value> = used
        .keys()
        .map(|id| rules.iter().find(|rule| rule.id == *id).map_or_else(|| of_finding(outcome, id), descriptor))
        .collect();
    let results: Vec<Value> =
        outcome.findings.iter().map(|finding| result(finding, used[finding.rule.as_ref()], options)).collect();
    let notifications: Vec<Value> = outcome
        .summary
        .gaps
        .iter()
        .map(|gap| notification("error", gap, &gap.reason))
        .chain(outcome.summary.accepted_gaps.iter().map(|AcceptedGap { gap, accepted }| {
            notification("note", gap, &format!("accepted ({accepted}): {}", gap.reason))
        }))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "keysieve",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": descriptors,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": outcome.summary.is_complete(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    to.write_all(inert_json(&serde_json::to_string_pretty(&log)?).as_bytes())?;
    to.write_all(b"\n")
}

fn notification(level: &str, gap: &Gap, what: &str) -> Value {
    json!({
        "level": level,
        "descriptor": { "id": gap.code },
        "message": { "text": format!("{}: {what}", gap.path) },
        "locations": [{ "physicalLocation": { "artifactLocation": artifact(&gap.path) } }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    // A configuration brings rules as well, whose texts are masked like all that was read.
    let (name, rotate) = (redaction::text(&rule.name), redaction::text(&rule.advice.rotate));
    let help = format!("{name}. Revoke it and issue a new one: {rotate}");
    let markdown = format!("**{name}**. [Revoke it and issue a new one]({rotate}).");
    let mut descriptor = json!({
        "id": rule.id,
        "name": rule.id.split('-').map(capitalised).collect::<String>(),
        "shortDescription": { "text": name },
        "fullDescription": { "text": format!("A hardcoded credential: {name}.") },
        "help": { "text": help, "markdown": markdown },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": ["security", "secret"],
            "security-severity": score(rule.severity),
            "precision": precision(rule.confidence),
        },
    });
    if !rotate.is_empty() {
        descriptor["helpUri"] = json!(rotate);
    }
    descriptor
}

/// The descriptor of what is no rule here: a practice, or a rule of an earlier report.
fn of_finding(outcome: &Outcome, id: &str) -> Value {
    let finding = outcome.findings.iter().find(|finding| finding.rule == id);
    let (title, severity, page) =
        finding.map_or((id, Severity::Medium, ""), |it| (&it.title, it.severity, &it.advice.rotate));
    let tag = if finding.is_some_and(|it| it.kind == FindingKind::Practice) { "posture" } else { "secret" };
    let mut descriptor = json!({
        "id": id,
        "name": id.split('-').map(capitalised).collect::<String>(),
        "shortDescription": { "text": title },
        "fullDescription": { "text": title },
        "defaultConfiguration": { "level": level(severity) },
        "properties": { "tags": ["security", tag], "security-severity": score(severity), "precision": "high" },
    });
    if !page.is_empty() {
        descriptor["helpUri"] = json!(page);
    }
    descriptor
}

fn result(finding: &Finding, rule_index: usize, options: Options) -> Value {
    let place = finding.place;
    let message =
        format!("{} ({} confidence: {})", finding.title, finding.confidence, Reason::texts(&finding.evidence, "; "));
    let secret =
        if options.show_secrets { finding.secret.expose_text().into_owned() } else { finding.secret.to_string() };
    let line = format!("{}{}{}", finding.excerpt.before, finding.masked_line_secret(), finding.excerpt.after);
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact(&finding.path),
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
                "snippet": { "text": line },
            },
        }}],
        "partialFingerprints": { "keysieve/v1": finding.fingerprint },
        "rank": rank(finding.confidence),
        "properties": { "severity": finding.severity, "confidence": finding.confidence, "secret": secret },
    })
}

fn artifact(path: &str) -> Value {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        // RFC 3986: unreserved characters and the slash stand for themselves.
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    if uri.starts_with('/') { json!({ "uri": format!("file://{uri}") }) } else { json!({ "uri": uri }) }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// The scale of CVSS, which code-scanning services show as critical (9.0 and up), high, medium and low.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "very-high",
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

fn rank(confidence: Confidence) -> f64 {
    match confidence {
        Confidence::Certain => 99.0,
        Confidence::High => 95.0,
        Confidence::Medium => 80.0,
        Confidence::Low => 50.0,
    }
}
