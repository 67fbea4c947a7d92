//! Reads what `json` or `jsonl` wrote, so that an earlier report can be printed in any other format.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::finding::{
    Advice, Confidence, Excerpt, Finding, Fingerprint, Life, Partner, Place, Reason, Secret, Severity,
};
use crate::gap::{AcceptedGap, Gap};
use crate::outcome::{Outcome, SetAside, Summary};
use crate::redaction::without_values;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    findings: Vec<Value>,
    #[serde(default)]
    set_aside: Vec<Value>,
    summary: Value,
}

#[derive(Deserialize)]
struct FindingObject {
    rule: String,
    title: String,
    severity: Severity,
    confidence: Confidence,
    #[serde(default)]
    evidence: Vec<Reason>,
    location: Location,
    secret: String,
    #[serde(default)]
    line: String,
    #[serde(default)]
    mark: Mark,
    fingerprint: String,
    #[serde(default)]
    pair: Option<PairObject>,
    #[serde(default)]
    advice: Advice,
}

#[derive(Deserialize, Default)]
struct Mark {
    start: usize,
    end: usize,
}

#[derive(Deserialize)]
struct PairObject {
    rule: String,
    location: Location,
    secret: String,
}

#[derive(Deserialize)]
struct Location {
    path: String,
    line: u64,
    column: u64,
    end_line: u64,
    end_column: u64,
}

#[derive(Deserialize)]
struct SetAsideObject {
    rule: String,
    location: Location,
    by: String,
    reason: Reason,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct SummaryObject {
    scope: Option<String>,
    files: Option<u64>,
    commits: Option<u64>,
    objects: Option<u64>,
    bytes: u64,
    below_confidence: usize,
    allowed: BTreeMap<String, usize>,
    excluded: u64,
    not_content: Vec<NotContent>,
    incomplete: Vec<Gap>,
    accepted_incomplete: Vec<AcceptedGap>,
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct NotContent {
    kind: String,
    path: String,
}

/// Reads a report; the error says what is wrong with it.
pub fn read(text: &str) -> Result<Outcome, String> {
    let document = match serde_json::from_str::<Document>(text) {
        Ok(document) => document,
        Err(error) => lines(text).ok_or_else(|| {
            format!("it is no report of keysieve's in `json` or `jsonl` ({error}); `--format json -o FILE` writes one")
        })?,
    };
    let summary = SummaryObject::deserialize(&document.summary)
        .map_err(|error| format!("its summary: {}", without_values(&error.to_string())))?;
    let mut outcome = Outcome { summary: summary.into(), ..Outcome::default() };
    for (index, value) in document.findings.iter().enumerate() {
        outcome.findings.push(finding(value).map_err(|error| format!("its finding {}: {error}", index + 1))?);
    }
    for value in &document.set_aside {
        let it = SetAsideObject::deserialize(value)
            .map_err(|error| format!("what it set aside: {}", without_values(&error.to_string())))?;
        let (path, place) = it.location.split();
        let by = ["marker", "config", "baseline", "confidence", "allow", "path", "overlap", "entropy", "structure"];
        let by = by.into_iter().find(|known| *known == it.by).unwrap_or("plausibility");
        outcome.set_aside.push(SetAside { rule: it.rule, path, place, by, reason: it.reason });
    }
    Ok(outcome)
}

/// One object a line, the summary among them.
fn lines(text: &str) -> Option<Document> {
    let mut document = Document { findings: Vec::new(), set_aside: Vec::new(), summary: Value::Null };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let value: Value = serde_json::from_str(line).ok()?;
        match value.get("type").and_then(Value::as_str) {
            Some("finding") => document.findings.push(value),
            Some("set-aside") => document.set_aside.push(value),
            Some("summary") => document.summary = value,
            _ => return None,
        }
    }
    // Without its last line it was cut off, and says nothing of what was read.
    (!document.summary.is_null()).then_some(document)
}

fn finding(value: &Value) -> Result<Finding, String> {
    let it = FindingObject::deserialize(value).map_err(|error| without_values(&error.to_string()))?;
    let life = value.get("live_in_refs").map(|_| Life::deserialize(value)).transpose();
    let characters: Vec<char> = it.line.chars().collect();
    let (start, end) = (it.mark.start.min(characters.len()), it.mark.end.min(characters.len()));
    let (path, place) = it.location.split();
    let fingerprint = Fingerprint::parse(&it.fingerprint)?;
    let identity = it.fingerprint.splitn(3, ':').nth(2).unwrap_or(&path).to_owned();
    Ok(Finding {
        rule: Cow::Owned(it.rule),
        title: Cow::Owned(it.title),
        severity: it.severity,
        confidence: it.confidence,
        evidence: it.evidence,
        excerpt: Excerpt {
            before: characters[..start].iter().collect(),
            masked: end.saturating_sub(start),
            after: characters[end.max(start)..].iter().collect(),
        },
        secret: secret(&it.secret),
        partner: it.pair.map(|pair| Partner {
            rule: Cow::Owned(pair.rule),
            place: pair.location.split().1,
            secret: secret(&pair.secret),
        }),
        fingerprint,
        advice: it.advice,
        life: life.map_err(|error| without_values(&error.to_string()))?.map(Box::new),
        path,
        identity,
        place,
    })
}

/// A secret as it was printed; in the clear it is redacted again.
fn secret(text: &str) -> Secret {
    let is_redacted = text
        .rfind("[redacted ")
        .and_then(|at| text[at + 10..].strip_suffix(']'))
        .is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    if is_redacted { Secret::redacted(text) } else { Secret::new(text.as_bytes(), 0) }
}

impl Location {
    fn split(self) -> (String, Place) {
        let place =
            Place { line: self.line, column: self.column, end_line: self.end_line, end_column: self.end_column };
        (self.path, place)
    }
}

impl From<SummaryObject> for Summary {
    fn from(it: SummaryObject) -> Self {
        let kinds = ["symbolic link", "socket", "FIFO", "device", "broken symbolic link"];
        let kind = |kind: &str| kinds.into_iter().find(|known| *known == kind).unwrap_or("special file");
        let allowed = ["marker", "config", "baseline"];
        Self {
            scope: it.scope,
            looked_for: None,
            files: it.files,
            commits: it.commits,
            objects: it.objects,
            bytes: it.bytes,
            excluded: it.excluded,
            allowed: allowed.into_iter().filter_map(|by| Some((by, *it.allowed.get(by)?))).collect(),
            below_confidence: it.below_confidence,
            not_content: it.not_content.into_iter().map(|it| (kind(&it.kind), it.path)).collect(),
            gaps: it.incomplete,
            accepted_gaps: it.accepted_incomplete,
            notes: it.notes,
        }
    }
}
