//! What becomes of candidates once the path of their content is known: the one place where verdicts fall.

use keysieve_engine::Detector;
use keysieve_engine::candidate::{Candidate, Dropped, Judge};
use keysieve_engine::path_facts::PathFacts;
use keysieve_engine::reason::Code;
use keysieve_engine::verdict::{Verdict, verdict};

use super::Content;
use crate::finding::{Finding, Secret};
use crate::outcome::{Suppressed, Suppressor};

/// What comment markers such as `keysieve:allow` are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Markers {
    /// They allow what stands beside them.
    #[default]
    Heeded,
    /// They came with somebody else's change, and allow nothing.
    Refused,
}

/// What candidates came to.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// Credentials.
    pub findings: Vec<Finding>,
    /// What is none, and why.
    pub suppressed: Vec<Suppressed>,
    /// What markers allow: counted, and masked in everything that is printed.
    pub allowed: Vec<Secret>,
    /// How many findings stand at markers that were refused.
    pub refused: usize,
}

/// Judges the candidates of contents.
#[derive(Debug, Clone, Copy)]
pub struct Verdicts<'a> {
    /// The engine that found them.
    pub detector: &'a Detector,
    /// What markers are worth.
    pub markers: Markers,
}

impl Verdicts<'_> {
    /// Judges what was found in `content`.
    pub fn of_content(self, content: Content, into: &mut Judged) {
        let facts = PathFacts::of(&content.identity);
        for candidate in content.candidates {
            self.judge(candidate, &content.path, &content.identity, &facts, into);
        }
    }

    /// Judges one candidate of the content shown as `path`; `facts` are those of `repo_path`.
    pub fn judge(self, mut candidate: Candidate, path: &str, repo_path: &str, facts: &PathFacts, into: &mut Judged) {
        if self.markers == Markers::Refused {
            let mut refused = false;
            // What takes its place where its rule is not for the path is as little allowed.
            let mut next = Some(&mut candidate);
            while let Some(it) = next {
                if it.dropped.as_ref().is_some_and(|dropped| dropped.judge == Judge::Allow) {
                    it.dropped = None;
                    it.evidence.push(Code::MarkerOfChange.into());
                    refused = true;
                }
                next = it.otherwise.as_deref_mut();
            }
            into.refused += usize::from(refused);
        }
        match verdict(self.detector, candidate, repo_path, facts) {
            Verdict::Finding(finding) => {
                into.findings.push(Finding { path: path.to_owned(), ..Finding::from(*finding) });
            }
            Verdict::Dropped(candidate, dropped) => into.suppress(self.detector, &candidate, dropped, path),
            Verdict::OtherPath => {}
        }
    }
}

impl Judged {
    fn suppress(&mut self, detector: &Detector, candidate: &Candidate, dropped: Dropped, path: &str) {
        self.allowed.extend((dropped.judge == Judge::Allow).then(|| candidate.secret.clone()));
        self.suppressed.push(Suppressed {
            rule: detector.rule_of(candidate).id.to_string(),
            path: path.to_owned(),
            place: candidate.place,
            by: dropped.judge.into(),
            reason: dropped.reason.into(),
        });
    }

    /// How many findings markers allow.
    pub fn allowed_by_marker(&self) -> usize {
        self.suppressed.iter().filter(|it| it.by == Suppressor::Marker).count()
    }

    /// Adds what other contents came to.
    pub fn merge(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.suppressed.extend(other.suppressed);
        self.allowed.extend(other.allowed);
        self.refused += other.refused;
    }
}
