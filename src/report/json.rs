//! `json` and `jsonl`: the format that other programs read; `json` wraps the objects of `jsonl`.

use std::io::{self, Write};

use serde::Serialize;

use super::Options;
use super::model::{Document, FindingObject, SummaryObject, SuppressedObject};
use super::terminal::inert_json;
use crate::outcome::Outcome;

/// Writes one document, indented.
pub fn write(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    to.write_all(inert_json(&serde_json::to_string_pretty(&Document::of(outcome, options))?).as_bytes())?;
    to.write_all(b"\n")
}

/// Writes one object a line, the summary last.
pub fn write_lines(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    for finding in &outcome.findings {
        line(&FindingObject::of(finding, options), to)?;
    }
    for object in SuppressedObject::all(outcome, options) {
        line(&object, to)?;
    }
    line(&SummaryObject::of(outcome), to)
}

fn line(object: &impl Serialize, to: &mut impl Write) -> io::Result<()> {
    to.write_all(inert_json(&serde_json::to_string(object)?).as_bytes())?;
    to.write_all(b"\n")
}
