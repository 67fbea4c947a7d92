//! How a repository handles secrets, by static reading of its infrastructure: Terraform, CloudFormation and SAM, Kubernetes,
//! compose, Dockerfiles, GitHub and GitLab workflows.
//!
//! [`source`] finds the files and reads them into [`node`]s, [`checks`] looks at them, one function a practice. What comes out
//! are findings like any other, so configuration, baseline and reports treat them the same; their rules' ids start with
//! `posture-`. A file that looks like infrastructure and does not parse is a gap; one that another tool has to fill in first
//! is not, but named in a note: charts and playbooks are full of them.

pub mod checks;
pub mod node;
pub mod source;
pub mod terraform;

use std::collections::{BTreeMap, HashSet};

use crate::finding::{Advice, Confidence, Excerpt, Finding, FindingKind, Key, Place, Reason, Secret, Severity};
use crate::gap::Gap;
use crate::gap::GapCode;
use crate::outcome::{LookedFor, Outcome, Summary};
use crate::redaction;
use checks::Hit;
use keysieve_engine::path_facts::PathFacts;
use keysieve_engine::reason::Code;
use source::{File, Template};

/// What all rules' ids of this module start with.
pub const PREFIX: &str = "posture-";

/// What was found.
#[derive(Debug, Default)]
pub struct Posture {
    /// One finding a place.
    pub findings: Vec<Finding>,
    /// Files read.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that do not parse.
    pub gaps: Vec<Gap>,
    /// What was not checked and is no gap.
    pub notes: Vec<String>,
}

/// Checks files that were read.
pub fn check(files: &[File]) -> Posture {
    let mut posture = Posture::default();
    let mut templates: BTreeMap<Template, Vec<&str>> = BTreeMap::new();
    for file in files {
        if let Some(template) = file.template {
            templates.entry(template).or_default().push(&file.identity);
            continue;
        }
        posture.files += 1;
        posture.bytes += file.text.len() as u64;
        let gap = |reason: &String| Gap::new(GapCode::Damaged, &file.path, reason).known_as(&file.identity);
        posture.gaps.extend(file.error.iter().map(gap));
    }
    posture.notes.extend(templates.into_iter().map(|(template, files)| unchecked(template, &files)));
    let mut hits = checks::all(files);
    hits.sort_by(|a, b| (&files[a.file].path, a.line, a.check.id).cmp(&(&files[b.file].path, b.line, b.check.id)));
    // The same practice, gone against twice for one thing in one file, is one finding: its first place.
    let mut seen = HashSet::new();
    hits.retain(|hit| seen.insert((hit.file, hit.check.id, hit.subject.clone())));
    for hits in hits.chunk_by(|a, b| a.file == b.file) {
        let file = &files[hits[0].file];
        let lines = redaction::lines(&file.text);
        let line = |hit: &Hit| lines.get(hit.line.saturating_sub(1) as usize).map(String::as_str).unwrap_or_default();
        posture.findings.extend(hits.iter().map(|hit| finding(hit, file, line(hit))));
    }
    posture
}

/// Says which templates were not checked.
fn unchecked(template: Template, files: &[&str]) -> String {
    let kind = template.explain();
    match files {
        [file] => {
            format!("1 template was not checked, for it is no infrastructure before it is filled in: {file}, {kind}")
        }
        [first, ..] => format!(
            "{} templates were not checked, for they are no infrastructure before they are filled in: {kind}, the first is {first}",
            files.len()
        ),
        [] => String::new(),
    }
}

impl From<Posture> for Outcome {
    fn from(posture: Posture) -> Self {
        let summary = Summary {
            scope: Some("Terraform, CloudFormation, Kubernetes, compose, Dockerfiles, workflows".to_owned()),
            looked_for: LookedFor::Practices,
            files: Some(posture.files),
            bytes: posture.bytes,
            gaps: posture.gaps,
            notes: posture.notes,
            ..Summary::default()
        };
        Self { findings: posture.findings, summary, ..Self::default() }
    }
}

/// The finding of a hit. What stands for its secret is the subject's name; a value that may be a secret is never shown.
fn finding(hit: &Hit, file: &File, line: &str) -> Finding {
    // Of a line that may hold a secret only what stands before the value is shown: up to the name, or the sign after it.
    let name_end = line.find(&hit.subject).map(|at| at + hit.subject.len());
    let before_value = name_end.or_else(|| line.find(['=', ':']).map(|at| at + 1)).unwrap_or(0);
    let shown: String = if hit.hides_value { &line[..before_value] } else { line }.chars().take(120).collect();
    let width = shown.chars().count() as u64 + 1;
    let subject = Secret::new(hit.subject.as_bytes(), 0);
    let id = format!("{PREFIX}{}", hit.check.id);
    let mut evidence = vec![
        Reason::new("practice.subject", hit.subject.clone()),
        Reason::new("practice.why", hit.check.practice),
        Reason::new("practice.fix", format!("fix: {}", hit.check.fix)),
    ];
    let facts = PathFacts::of(&file.identity);
    let harmless = match facts {
        PathFacts { test: true, .. } => Some(Code::InTest),
        PathFacts { example: true, .. } => Some(Code::InExample),
        _ => None,
    };
    evidence.extend(harmless.map(|code| Reason::from(keysieve_engine::reason::Reason::from(code))));
    Finding {
        kind: FindingKind::Practice,
        fingerprint: Key::fixed().fingerprint(&id, &subject, &file.identity),
        rule: id.into(),
        title: hit.check.title.into(),
        severity: if harmless.is_some() { Severity::Low } else { hit.check.severity },
        confidence: Confidence::High,
        evidence,
        path: file.path.clone(),
        identity: file.identity.clone(),
        place: Place { line: hit.line, column: 1, end_line: hit.line, end_column: width },
        secret: Secret::redacted(&hit.subject),
        excerpt: Excerpt { before: shown, masked: 0, after: String::new() },
        partner: None,
        advice: Advice { rotate: hit.check.source.into(), store: "none".into() },
        provenance: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Cases {
        yes: Vec<(String, String)>,
        no: Vec<(String, String)>,
    }

    #[test]
    fn every_check_finds_its_examples_and_not_its_counterexamples() {
        let all: BTreeMap<String, Cases> = toml::from_str(include_str!("examples.toml")).unwrap();
        let ids: Vec<&str> = checks::ALL.iter().map(|check| check.id).collect();
        assert!(all.keys().all(|id| ids.contains(&id.as_str())));
        for id in ids {
            let cases = all.get(id).unwrap_or_else(|| panic!("{id} has no examples"));
            assert!(!cases.yes.is_empty() && !cases.no.is_empty(), "{id}");
            for (path, text, wanted) in cases
                .yes
                .iter()
                .map(|(path, text)| (path, text, true))
                .chain(cases.no.iter().map(|(path, text)| (path, text, false)))
            {
                let files: Vec<File> = File::of(path, path, text.clone()).into_iter().collect();
                assert!(files.iter().all(|file| file.error.is_none()), "{id}: {:?}", files[0].error);
                let found = check(&files).findings;
                let hits: Vec<_> = found.iter().filter(|it| it.rule == format!("{PREFIX}{id}")).collect();
                assert_eq!(!hits.is_empty(), wanted, "{id} in {path}:\n{text}");
                // A value that may be a secret is in nothing that is printed.
                let printed = format!("{hits:?}");
                assert!(!printed.contains("Lantern"), "{id}: {printed}");
            }
        }
    }

    #[test]
    fn what_does_not_parse_is_a_gap() {
        for (path, text) in [("a.tf", "resource {"), (".github/workflows/a.yml", "a: [")] {
            let file = File::of(path, path, text.to_owned()).unwrap();
            let posture = check(&[file]);
            assert!(posture.gaps[0].reason.contains("does not parse"), "{:?}", posture.gaps);
        }
    }
}
