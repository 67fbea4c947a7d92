//! What a set of rules has to be like for the engine to find anything with it.
//!
//! Rules come from [`crate::rules::schema`], which has checked each of them, or from an embedder, who may have made any.
//! What would find nothing is an error here, and never a clean scan.

use std::fmt;

use super::anchors::AnchorId;
use crate::rules::Rule;
pub use crate::rules::rule::SHORTEST_ANCHOR;

/// Most bytes of all rules' names, which one automaton looks for.
const MOST_NAMES: usize = 1 << 24;

/// Why nothing could be found with a set of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleSetError {
    /// There is none.
    Empty,
    /// A rule could never be asked.
    NeverAsked {
        /// Its id.
        rule: String,
    },
    /// An anchor is too short to be found.
    ShortAnchor {
        /// The rule's id.
        rule: String,
        /// The anchor.
        anchor: String,
    },
    /// There are more than the engine can number.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
}

impl fmt::Display for RuleSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no rule is left to look for credentials with"),
            Self::NeverAsked { rule } => {
                write!(f, "rule `{rule}` has neither anchors nor names, so it would never be asked")
            }
            Self::ShortAnchor { rule, anchor } => {
                let length = anchor.len();
                write!(f, "rule `{rule}`: anchor `{anchor}` has {length} bytes; it needs {SHORTEST_ANCHOR} or more")
            }
            Self::TooMany { what, count, most } => write!(f, "the rules have {count} {what}; the most is {most}"),
        }
    }
}

impl std::error::Error for RuleSetError {}

/// Says what is wrong with these rules.
pub fn check(rules: &[Rule]) -> Result<(), RuleSetError> {
    if rules.is_empty() {
        return Err(RuleSetError::Empty);
    }
    check_count("rules", rules.len())?;
    for rule in rules {
        if rule.anchors.is_empty() && rule.names.is_empty() {
            return Err(RuleSetError::NeverAsked { rule: rule.id.to_string() });
        }
        if let Some(anchor) = rule.anchors.iter().find(|anchor| anchor.text.len() < SHORTEST_ANCHOR) {
            return Err(RuleSetError::ShortAnchor { rule: rule.id.to_string(), anchor: anchor.text.to_string() });
        }
    }
    let names = rules.iter().flat_map(|rule| rule.names.iter()).map(|name| name.len()).sum();
    if names > MOST_NAMES {
        return Err(RuleSetError::TooMany { what: "bytes of names", count: names, most: MOST_NAMES });
    }
    Ok(())
}

/// Whether so many can be numbered. Each anchor is found by two of its grams, which are numbered too.
pub fn check_count(what: &'static str, count: usize) -> Result<(), RuleSetError> {
    let most = AnchorId::MAX as usize / 2;
    if count > most { Err(RuleSetError::TooMany { what, count, most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Anchor;
    use crate::{Detector, Scratch};

    fn with_anchors(texts: impl IntoIterator<Item = String>) -> Rule {
        let mut rule =
            crate::rules::builtin().iter().find(|rule| rule.class == crate::rules::Class::Distinctive).unwrap().clone();
        rule.anchors = texts.into_iter().map(|text| Anchor { text: text.into(), any_case: false }).collect();
        rule
    }

    #[test]
    fn what_would_find_nothing_is_an_error() {
        let mut unasked = with_anchors([]);
        unasked.names = Vec::new().into();
        for (rules, said) in [
            (vec![], "no rule is left"),
            (vec![unasked], "has neither anchors nor names"),
            (vec![with_anchors([String::new()])], "anchor `` has 0 bytes"),
            (vec![with_anchors(["ab".to_owned()])], "anchor `ab` has 2 bytes"),
            (vec![with_anchors(["abc".to_owned()])], "anchor `abc` has 3 bytes; it needs 4 or more"),
        ] {
            let error = Detector::new(rules).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn more_rules_and_anchors_than_sixteen_bits_can_number_are_all_asked() {
        let pattern = |anchor: &str| crate::rules::Matcher::Pattern {
            regex: format!("{anchor}[0-9a-f]{{12}}").into(),
            lead: 0,
            next: "".into(),
        };
        let many = (0..70_000).map(|number| {
            let anchor = format!("corp{number:x}_");
            let mut rule = with_anchors([anchor.clone()]);
            (rule.id, rule.matcher, rule.check) = (format!("corp-{number}").into(), pattern(&anchor), None);
            rule
        });
        let one = with_anchors((0..70_000).map(|number| format!("corp{number:x}_")));
        let one = Rule { id: "corp".into(), matcher: pattern("corp[0-9a-f]+_"), check: None, ..one };
        let text = format!("a = corp{:x}_0f1e2d3c4b5a, corp{:x}_a5b4c3d2e1f0", 69_999, 4_000);
        for (rules, expected) in [(many.collect(), ["corp-69999", "corp-4000"]), (vec![one], ["corp", "corp"])] {
            let mut found = Vec::new();
            let detector = Detector::new(rules).unwrap();
            detector.scan(text.as_bytes(), &mut Scratch::default(), |it| found.push(it.rule.to_string()));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn rules_with_names_are_asked_without_the_generic_ones_too() {
        use crate::rules::{Class, sample};
        let all = crate::rules::builtin();
        let rules = all.iter().filter(|rule| rule.class != Class::Generic).cloned().collect();
        let only = all.iter().find(|rule| !rule.names.is_empty()).unwrap();
        let text = sample::fill(&only.examples[0], 7).unwrap();
        for rules in [rules, vec![only.clone()]] {
            let mut found = Vec::new();
            let detector = Detector::new(rules).unwrap();
            detector.scan(text.as_bytes(), &mut Scratch::default(), |it| found.push(it.rule.to_string()));
            assert_eq!(found, [only.id.to_string()]);
        }
    }
}
