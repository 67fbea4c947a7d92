//! What each kind of credential opens, how to tell whether it is live, how to revoke it, who may have used it.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// What to do about one kind of credential.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Ids of rules, or their beginnings with a `*`.
    #[serde(skip_serializing)]
    rules: Vec<String>,
    /// What somebody can do who has it.
    pub opens: String,
    /// How to tell whether it still works.
    pub live: Vec<String>,
    /// How to take it out of use and make its successor, in order.
    pub revoke: Vec<String>,
    /// Where to see who used it.
    pub audit: Vec<String>,
    /// What else helps.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Deserialize)]
struct File {
    playbook: Vec<Playbook>,
}

/// The playbook for a rule; the last one is for all.
pub fn of(rule: &str) -> &'static Playbook {
    static ALL: OnceLock<Vec<Playbook>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let file: File = toml::from_str(include_str!("playbooks.toml")).expect("a test reads the file");
        file.playbook
    });
    let is_for = |playbook: &&Playbook| playbook.rules.iter().any(|pattern| matches(pattern, rule));
    all.iter().find(is_for).or(all.last()).expect("there is a playbook for all")
}

/// Whether `rule` is `pattern`, in which a `*` stands for anything.
fn matches(pattern: &str, rule: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| rule.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use keysieve_engine::rules;

    #[test]
    fn patterns_match_beginnings_and_middles() {
        assert!(matches("aws-*", "aws-x") && matches("stripe-*test*", "stripe-a-test-key") && matches("a", "a"));
        assert!(!matches("aws-*", "laws-x") && !matches("a", "ab") && !matches("a*b", "ac"));
    }

    #[test]
    fn every_severe_rule_has_a_playbook_and_a_page_to_go_on_from() {
        for rule in rules::builtin().iter().filter(|rule| rule.severity >= Severity::High) {
            let playbook = of(&rule.id);
            assert!(
                !playbook.opens.is_empty() && !playbook.revoke.is_empty() && !playbook.audit.is_empty(),
                "{}",
                rule.id
            );
            assert!(rule.advice.rotate.starts_with("https://"), "{}", rule.id);
        }
        assert!(of("aws-access-key-id").audit[0].contains("cloudtrail"));
        assert!(of("acme-token").opens.starts_with("whatever"));
    }
}
