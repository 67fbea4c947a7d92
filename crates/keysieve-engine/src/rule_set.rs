//! What a set of rules has to be like for the engine to find anything with it.
//!
//! Rules come from [`crate::rules::schema`], which has checked each of them, or from an embedder, who may have made any.
//! What would find nothing is an error here, and never a clean scan.

use std::fmt;

use super::anchors::AnchorId;
use super::candidate::RuleIndex;
use crate::rules::Rule;
pub use crate::rules::rule::SHORTEST_ANCHOR;

/// Most rules that candidates can number.
const MOST_RULES: usize = RuleIndex::MAX as usize;
/// Most anchors of all rules. Each is found by two of its grams, which are numbered too, and so are those of the built-in
/// generic rules, by which rules with names are asked.
const MOST_ANCHORS: usize = AnchorId::MAX as usize / 4;
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
        /// The first rule that there is no room for.
        rule: String,
        /// Of what.
        what: &'static str,
        /// How many there are with it.
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
            Self::TooMany { rule, what, count, most } => {
                write!(f, "rule `{rule}` is one too many: with it there are {count} {what}, and the most is {most}")
            }
        }
    }
}

impl std::error::Error for RuleSetError {}

/// Says what is wrong with these rules.
pub fn check(rules: &[Rule]) -> Result<(), RuleSetError> {
    if rules.is_empty() {
        return Err(RuleSetError::Empty);
    }
    let (mut anchors, mut names) = (0, 0);
    for rule in rules {
        if rule.anchors.is_empty() && rule.names.is_empty() {
            return Err(RuleSetError::NeverAsked { rule: rule.id.to_string() });
        }
        if let Some(anchor) = rule.anchors.iter().find(|anchor| anchor.text.len() < SHORTEST_ANCHOR) {
            return Err(RuleSetError::ShortAnchor { rule: rule.id.to_string(), anchor: anchor.text.to_string() });
        }
        anchors += rule.anchors.len();
        names += rule.names.iter().map(|name| name.len()).sum::<usize>();
    }
    let is_too_much = rules.len() > MOST_RULES || anchors > MOST_ANCHORS || names > MOST_NAMES;
    is_too_much.then(|| too_many(rules)).flatten().map_or(Ok(()), Err)
}

/// The first rule that there is no room for.
fn too_many(rules: &[Rule]) -> Option<RuleSetError> {
    let (mut anchors, mut names) = (0, 0);
    rules.iter().enumerate().find_map(|(index, rule)| {
        anchors += rule.anchors.len();
        names += rule.names.iter().map(|name| name.len()).sum::<usize>();
        let counts = [
            ("rules", index + 1, MOST_RULES),
            ("anchors", anchors, MOST_ANCHORS),
            ("bytes of names", names, MOST_NAMES),
        ];
        let (what, count, most) = counts.into_iter().find(|(_, count, most)| count > most)?;
        Some(RuleSetError::TooMany { rule: rule.id.to_string(), what, count, most })
    })
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
    fn what_is_too_much_is_named_with_the_rule_that_there_is_no_room_for() {
        let named = |number: usize| {
            let mut rule = with_anchors([]);
            (rule.id, rule.names) = (format!("corp-{number}").into(), vec!["n".repeat(1 << 20).into()].into());
            rule
        };
        let fits: Vec<Rule> = (0..16).map(named).collect();
        assert_eq!(check(&fits), Ok(()));
        let error = check(&(0..18).map(named).collect::<Vec<_>>()).unwrap_err().to_string();
        let said =
            "rule `corp-16` is one too many: with it there are 17825792 bytes of names, and the most is 16777216";
        assert_eq!(error, said);
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
