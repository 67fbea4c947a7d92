//! What the path adds to a candidate: the last step from bytes to a finding.
//!
//! A blob of a history has its candidates before it has a path, and may have many paths, so this step is a pure function
//! of the two. The working tree calls it right after the scan.

use globset::{GlobBuilder, GlobMatcher};

use super::Detector;
use super::candidate::{Candidate, Dropped, Judge};
use super::model;
use super::path_facts::PathFacts;
use crate::finding::{Finding, Key, Partner, Severity};
use crate::reason::Code;
use crate::rules::Class;

/// A finding, or why there is none.
#[derive(Debug)]
pub enum Verdict {
    /// A credential.
    Finding(Box<Finding>),
    /// Thrown out; kept for counting and explaining.
    Dropped(Box<Candidate>, Dropped),
    /// The rule is for other paths, so here it was never a candidate.
    OtherPath,
}

/// Makes a finding of `candidate` at `path` (its identity; whoever shows it may name it otherwise), or says why not.
pub fn verdict(detector: &Detector, mut candidate: Candidate, path: &str, facts: &PathFacts) -> Verdict {
    let rule = detector.rule_of(&candidate);
    if !detector.is_for(&candidate, path) {
        return match candidate.otherwise.take() {
            Some(otherwise) => verdict(detector, *otherwise, path, facts),
            None => Verdict::OtherPath,
        };
    }
    if let Some(dropped) = candidate.dropped.take() {
        return Verdict::Dropped(Box::new(candidate), dropped);
    }
    let no = |candidate: Candidate, reason: Code| {
        Verdict::Dropped(Box::new(candidate), Dropped { judge: Judge::Path, reason: reason.into() })
    };
    if candidate.quoted == Some(false) && facts.source {
        return no(candidate, Code::BareWord);
    }
    if facts.lock && rule.class == Class::Generic {
        return no(candidate, Code::LockFile);
    }
    if let Some(score) = candidate.score {
        let of_path = match path {
            "" => model::usual_path_score(),
            _ => model::path_score(facts, rule.kind() as u8, candidate.quoted == Some(true)),
        };
        match model::confidence(score + of_path) {
            Some(confidence) => candidate.confidence = confidence,
            None => {
                let reason = Code::ModelNo;
                let dropped = Dropped { judge: Judge::Plausibility, reason: reason.into() };
                return Verdict::Dropped(Box::new(candidate), dropped);
            }
        }
    }
    lower_severity(&mut candidate, rule.severity_in_tests, facts);
    let partner = candidate.partner.take().map(|partner| Partner {
        rule: detector.rule_of(&partner).id.clone(),
        place: partner.place,
        secret: partner.secret.clone(),
    });
    Verdict::Finding(Box::new(Finding {
        rule: rule.id.clone(),
        title: rule.name.clone(),
        severity: candidate.severity,
        confidence: candidate.confidence,
        repo_path: path.to_owned(),
        place: candidate.place,
        fingerprint: Key::fixed().fingerprint(&rule.id, &candidate.secret, path),
        secret: candidate.secret,
        evidence: candidate.evidence,
        excerpt: candidate.excerpt,
        partner,
        advice: rule.advice.clone(),
    }))
}

/// A password of a test or an example is harmless; a provider's key is not, wherever it stands.
fn lower_severity(candidate: &mut Candidate, ceiling: Severity, facts: &PathFacts) {
    let place = match facts {
        PathFacts { test: true, .. } => Code::InTest,
        PathFacts { example: true, .. } => Code::InExample,
        _ => return,
    };
    if candidate.severity > ceiling {
        candidate.severity = ceiling;
        candidate.evidence.push(place.into());
    }
}

/// Compiles a glob of paths, as in `.gitignore`: without a slash it matches names in any folder. The error says what is
/// wrong with it.
pub fn path_matcher(glob: &str) -> Result<GlobMatcher, globset::Error> {
    let anchored = glob.trim_start_matches('/');
    let text = if anchored.trim_end_matches('/').contains('/') || glob.starts_with('/') {
        anchored.to_owned()
    } else {
        format!("**/{anchored}")
    };
    let text = if text.ends_with('/') { format!("{text}**") } else { text };
    GlobBuilder::new(&text).literal_separator(true).build().map(|glob| glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches_path(glob: &str, path: &str) -> bool {
        path_matcher(glob).unwrap().is_match(path)
    }

    #[test]
    fn globs_without_a_slash_match_in_any_folder() {
        assert!(matches_path(".npmrc", "a/b/.npmrc") && matches_path(".npmrc", ".npmrc"));
        assert!(matches_path("vendor/**", "vendor/a/b") && !matches_path("vendor/**", "x/vendor/a"));
        assert!(
            matches_path("*.tfstate", "a/b.tfstate")
                && matches_path("docs/", "docs/a/b")
                && matches_path("docs/", "x/docs/a")
        );
    }
}
