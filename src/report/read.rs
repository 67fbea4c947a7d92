//! Reads what `json` or `jsonl` wrote, so that an earlier report can be printed in any other format.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::model::{Document, FORMAT_VERSION, FindingObject, SummaryObject, SuppressedObject};
use crate::outcome::Outcome;
use crate::redaction::without_values;

/// Reads a report; the error says what is wrong with it.
pub fn read(text: &str) -> Result<Outcome, String> {
    match serde_json::from_str::<Value>(text) {
        Ok(document) if document.get("findings").is_some_and(Value::is_array) => read_document(&document),
        // A report of one line is a summary.
        whole => match lines(text)? {
            Some(outcome) => Ok(outcome),
            None => {
                let why = whole.err().map_or_else(|| "it has no `findings`".to_owned(), |error| error.to_string());
                Err(format!(
                    "it is not a report of keysieve's in `json` or `jsonl` ({}); `--format json -o FILE` writes one",
                    without_values(&why)
                ))
            }
        },
    }
}

fn read_document(document: &Value) -> Result<Outcome, String> {
    match document.get("format_version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(FORMAT_VERSION) => {}
        Some(version) => {
            return Err(format!("its format has version {version}; this keysieve reads version {FORMAT_VERSION}"));
        }
        None => return Err("it has no `format_version`".to_owned()),
    }
    let list = |name: &str| document.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // One by one, so that an error says where.
    each::<FindingObject>(list("findings"), "finding")?;
    each::<SuppressedObject>(list("suppressed"), "suppressed candidate")?;
    let document = Document::deserialize(document).map_err(|error| without_values(&error.to_string()))?;
    Ok(document.into())
}

fn each<T: DeserializeOwned>(list: &[Value], what: &str) -> Result<Vec<T>, String> {
    let read = |(index, value): (usize, &Value)| {
        T::deserialize(value)
            .map_err(|error| format!("its {what} {}: {}", index + 1, without_values(&error.to_string())))
    };
    list.iter().enumerate().map(read).collect()
}

/// One object a line, the summary among them; `None` if these are no such lines.
fn lines(text: &str) -> Result<Option<Outcome>, String> {
    let (mut findings, mut suppressed, mut summary) = (Vec::new(), Vec::new(), None);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let Ok(value) = serde_json::from_str::<Value>(line) else { return Ok(None) };
        match value.get("type").and_then(Value::as_str) {
            Some("finding") => findings.push(value),
            Some("suppressed") => suppressed.push(value),
            Some("summary") => summary = Some(value),
            _ => return Ok(None),
        }
    }
    // Without its last line it was cut off, and says nothing of what was read.
    let Some(summary) = summary else { return Ok(None) };
    let summary = SummaryObject::deserialize(&summary)
        .map_err(|error| format!("its summary: {}", without_values(&error.to_string())))?;
    let findings = each::<FindingObject>(&findings, "finding")?;
    let suppressed = each::<SuppressedObject>(&suppressed, "suppressed candidate")?;
    Ok(Some(Outcome {
        findings: findings.into_iter().map(Into::into).collect(),
        suppressed: suppressed.into_iter().map(Into::into).collect(),
        secrets: Vec::new(),
        summary: summary.into(),
    }))
}
