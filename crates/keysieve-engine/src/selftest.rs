//! Holds a rule against its own examples: what `keysieve rules test` and the test suite run.

use super::content::Stream;
use super::{Detector, Scratch};
use crate::finding::Confidence;
use crate::reason::Reason;
use crate::rules::{Rule, sample};

/// An example that was not found, or a counterexample that was.
#[derive(Debug)]
pub struct Failure {
    /// The example as the rule writes it.
    pub example: String,
    /// With which seed its generators were filled.
    pub seed: u64,
    /// What happened instead.
    pub what: String,
}

/// Fills every example and counterexample of the rule at `index` with each of `seeds` and scans it with all rules.
///
/// An example passes when the rule finds it, or half of it as another rule's partner, and no other rule takes it away.
/// A counterexample passes when the rule finds nothing in it that would be shown by default.
pub fn test(detector: &Detector, index: usize, seeds: std::ops::Range<u64>) -> Vec<Failure> {
    let rule = &detector.rules()[index];
    let mut failures = Vec::new();
    let mut scratch = Scratch::default();
    let texts =
        rule.examples.iter().map(|text| (text, true)).chain(rule.counterexamples.iter().map(|text| (text, false)));
    for (example, expected) in texts {
        for seed in seeds.clone() {
            let what = match sample::fill(example, seed) {
                Err(error) => Some(error),
                Ok(text) => mistake(detector, &mut scratch, rule, index, &text, expected),
            };
            if let Some(what) = what {
                failures.push(Failure { example: example.to_string(), seed, what });
                break;
            }
        }
    }
    failures
}

fn mistake(
    detector: &Detector,
    scratch: &mut Scratch,
    rule: &Rule,
    index: usize,
    text: &str,
    expected: bool,
) -> Option<String> {
    let mut stream = Stream::new();
    stream.feed(detector, scratch, text.as_bytes(), 0..text.len());
    let candidates = stream.finish(detector);
    let is_own = |candidate: &super::candidate::Candidate| candidate.rule as usize == index;
    let found = candidates.iter().filter(|candidate| candidate.dropped.is_none()).find_map(|candidate| {
        let half_or_elsewhere = [&candidate.partner, &candidate.otherwise].into_iter().flatten();
        half_or_elsewhere.map(Box::as_ref).find(|it| is_own(it)).or(is_own(candidate).then_some(candidate))
    });
    let shown = Confidence::Medium.min(rule.confidence);
    match (expected, found) {
        (true, Some(found)) if found.confidence < shown && !found.harmless => {
            Some(format!("found with {} confidence only: {}", found.confidence, reasons(&found.evidence)))
        }
        (true, None) => {
            let dropped: Vec<_> = candidates
                .iter()
                .map(|candidate| match &candidate.dropped {
                    Some(dropped) => {
                        format!("{}: {} ({})", detector.rule_of(candidate).id, dropped.reason, dropped.judge.as_str())
                    }
                    None => format!("{} found it instead", detector.rule_of(candidate).id),
                })
                .collect();
            Some(if dropped.is_empty() { "not matched".to_owned() } else { dropped.join("; ") })
        }
        (false, Some(found)) if found.confidence >= Confidence::Medium && is_own(found) => {
            Some(format!("found with {} confidence: {}", found.confidence, reasons(&found.evidence)))
        }
        _ => None,
    }
}

fn reasons(evidence: &[Reason]) -> String {
    evidence.iter().map(Reason::to_string).collect::<Vec<_>>().join(", ")
}
