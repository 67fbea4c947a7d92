//! `gitlab`: GitLab's secret detection report, version 15 (gitlab.com/gitlab-org/security-products/security-report-schemas).

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Options;
use super::terminal::inert_json;
use crate::finding::{Confidence, Finding, Reason, Severity};
use crate::gap::{AcceptedGap, Gap};
use crate::outcome::Outcome;

/// Version of the schema that the report keeps to.
const SCHEMA_VERSION: &str = "15.2.1";

/// Writes the report.
pub fn write(outcome: &Outcome, _options: Options, to: &mut impl Write) -> io::Result<()> {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let scanner = json!({
        "id": "keysieve", "name": "keysieve", "version": env!("CARGO_PKG_VERSION"), "vendor": { "name": "keysieve" },
    });
    let messages: Vec<Value> = outcome
        .summary
        .gaps
        .iter()
        .map(|Gap { path, reason, .. }| json!({ "level": "fatal", "value": format!("{path}: {reason}") }))
        .chain(outcome.summary.accepted_gaps.iter().map(|AcceptedGap { gap: Gap { path, reason, .. }, accepted }| {
            json!({ "level": "info", "value": format!("{path}: accepted ({accepted}): {reason}") })
        }))
        .collect();
    let mut report = json!({
        "version": SCHEMA_VERSION,
        "scan": {
            "type": "secret_detection",
            "status": if outcome.summary.is_complete() { "success" } else { "failure" },
            "start_time": now, "end_time": now, "scanner": scanner, "analyzer": scanner,
        },
        "vulnerabilities": outcome.findings.iter().map(vulnerability).collect::<Vec<_>>(),
    });
    if !messages.is_empty() {
        report["scan"]["messages"] = json!(messages);
    }
    to.write_all(inert_json(&serde_json::to_string_pretty(&report)?).as_bytes())?;
    to.write_all(b"\n")
}

fn vulnerability(finding: &Finding) -> Value {
    let none = "0000000".to_owned();
    let introduced = finding.provenance.as_ref().and_then(|provenance| provenance.introduced.as_ref());
    let mut commit = json!({ "sha": introduced.map_or(none, |commit| commit.id.clone()) });
    if let Some(introduced) = introduced {
        commit["author"] = json!(introduced.author);
        commit["date"] = json!(introduced.date);
        commit["message"] = json!(introduced.subject);
    }
    let mut vulnerability = json!({
        "id": id(finding.fingerprint.as_str()),
        "category": "secret_detection",
        "name": finding.title,
        "description": format!("{} ({} confidence: {})", finding.title, finding.confidence, Reason::texts(&finding.evidence, "; ")),
        "severity": match finding.severity {
            Severity::Critical => "Critical",
            Severity::High => "High",
            Severity::Medium => "Medium",
            Severity::Low => "Low",
        },
        "confidence": match finding.confidence {
            Confidence::Certain => "Confirmed",
            Confidence::High => "High",
            Confidence::Medium => "Medium",
            Confidence::Low => "Low",
        },
        "raw_source_code_extract": finding.secret.to_string(),
        "identifiers": [{ "type": "keysieve_rule_id", "name": format!("keysieve rule {}", finding.rule), "value": finding.rule }],
        "location": {
            "file": finding.path, "start_line": finding.place.line, "end_line": finding.place.end_line, "commit": commit,
        },
    });
    if !finding.advice.rotate.is_empty() {
        vulnerability["solution"] = json!(format!("Revoke it and issue a new one: {}", finding.advice.rotate));
        vulnerability["links"] = json!([{ "url": finding.advice.rotate }]);
    }
    vulnerability
}

/// The fingerprint as a UUID, which GitLab asks for: the same finding has the same id in every run.
fn id(fingerprint: &str) -> String {
    let hash = blake3::hash(fingerprint.as_bytes()).to_hex();
    let hex = hash.as_str();
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
