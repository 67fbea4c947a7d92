//! Where do keywords stand? One Aho-Corasick automaton over all of them, asked at single positions.
//!
//! The gate says where a keyword might start; the automaton, anchored there, says exactly which ones do. Together they
//! give the hits that the automaton alone would give over all bytes, which a property test holds.

use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

use crate::rules::Anchor;

/// Index of a keyword in the list that [`Anchors::new`] was given.
pub type AnchorId = u16;

/// All keywords of all rules.
#[derive(Debug)]
pub struct Anchors {
    automaton: NFA,
    keywords: Vec<Anchor>,
}

impl Anchors {
    /// Builds the automaton. The keywords are distinct and at least four bytes long, as the rule schema demands.
    pub fn new(keywords: Vec<Anchor>) -> Self {
        let automaton = NFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(keywords.iter().map(|keyword| keyword.text.as_bytes()))
            .expect("a few thousand short keywords are far below the automaton's limit of 2^31 states");
        Self { automaton, keywords }
    }

    /// The keywords, by their ids.
    pub fn keywords(&self) -> &[Anchor] {
        &self.keywords
    }

    /// Calls `found` with every keyword that starts at `start`.
    pub fn at(&self, bytes: &[u8], start: usize, mut found: impl FnMut(AnchorId)) {
        let Ok(mut state) = self.automaton.start_state(Anchored::Yes) else { return };
        for (read, &byte) in bytes[start..].iter().enumerate() {
            state = self.automaton.next_state(Anchored::Yes, state, byte);
            if !self.automaton.is_special(state) {
                continue;
            }
            if self.automaton.is_dead(state) {
                return;
            }
            for index in 0..self.automaton.match_len(state) {
                let id = self.automaton.match_pattern(state, index).as_usize();
                let keyword = &self.keywords[id];
                // A state lists the keywords that end here, whole suffixes included; only the whole depth starts here.
                if keyword.text.len() == read + 1 && self.case_fits(keyword, &bytes[start..=start + read]) {
                    found(id as AnchorId);
                }
            }
        }
    }

    /// Every hit in `bytes` as the automaton alone finds it, as (start, keyword): the oracle of the gate.
    #[cfg(test)]
    pub fn all(&self, bytes: &[u8]) -> Vec<(usize, AnchorId)> {
        let searcher = aho_corasick::AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(self.keywords.iter().map(|keyword| keyword.text.as_bytes()))
            .unwrap();
        let mut hits: Vec<_> = searcher
            .find_overlapping_iter(bytes)
            .filter(|hit| self.case_fits(&self.keywords[hit.pattern().as_usize()], &bytes[hit.range()]))
            .map(|hit| (hit.start(), hit.pattern().as_usize() as AnchorId))
            .collect();
        hits.sort_unstable();
        hits
    }

    fn case_fits(&self, keyword: &Anchor, text: &[u8]) -> bool {
        keyword.any_case || keyword.text.as_bytes() == text
    }
}
