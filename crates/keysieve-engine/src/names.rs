//! Which rules a name asks for: those that have no anchor, and a word in the name instead.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::candidate::RuleIndex;
use crate::rules::Rule;

/// The rules that are asked by a word of the assigned name.
#[derive(Debug)]
pub(crate) struct Names {
    /// The words, each with its rule.
    words: Vec<(String, RuleIndex)>,
    searcher: OnceLock<Option<AhoCorasick>>,
}

impl Names {
    /// Of these rules.
    pub(crate) fn of(rules: &[Rule]) -> Self {
        let words =
            (0..).zip(rules).flat_map(|(index, rule)| rule.names.iter().map(move |word| (word.to_string(), index)));
        Self { words: words.collect(), searcher: OnceLock::new() }
    }

    /// The rules of which a word stands in `name`, in their order.
    pub(crate) fn rules_for(&self, name: &[u8]) -> Vec<RuleIndex> {
        // Fails only for more words than `Detector::new` accepts.
        let build = || {
            let words = self.words.iter().map(|(word, _)| word);
            AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
        };
        let Some(searcher) = self.searcher.get_or_init(build) else { return Vec::new() };
        let found = searcher.find_overlapping_iter(name);
        let mut rules: Vec<RuleIndex> = found.map(|found| self.words[found.pattern().as_usize()].1).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}
