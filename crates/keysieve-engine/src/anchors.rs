//! Where do keywords stand? The exact comparison behind the gate.
//!
//! The gate says by which four bytes a keyword might stand here; the few keywords that hold these bytes are compared.
//! Together they give the hits that an Aho-Corasick automaton would give over all bytes, which a property test holds. An
//! automaton here, asked at single positions, took three times as long, and its construction half of the start-up.

use crate::rules::Anchor;

/// Index of a keyword in the list that [`Anchors::new`] was given.
pub type AnchorId = u32;

/// Bits of the hash of four bytes.
pub const WIDE_BITS: u32 = 15;
/// Set in [`Wide::list`] when the keyword ends with its gram.
pub const BACKWARD: usize = 1 << WIDE_BITS;

/// Four bytes of a keyword by which it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wide {
    /// Their hash, of [`WIDE_BITS`] bits, and [`BACKWARD`].
    pub list: u16,
    /// Where they start in the keyword.
    pub offset: u8,
    /// The keyword.
    pub anchor: AnchorId,
}

/// All keywords of all rules.
#[derive(Debug)]
pub struct Anchors {
    keywords: Vec<Anchor>,
    /// In the order of their lists.
    wides: Vec<Wide>,
    /// Where each list starts in `wides`; one more than there are lists.
    starts: Vec<u32>,
}

impl Anchors {
    /// Sorts the keywords by the four bytes they are found by.
    pub fn new(keywords: Vec<Anchor>, mut wides: Vec<Wide>) -> Self {
        wides.sort_unstable();
        let mut starts = vec![0u32; 2 * BACKWARD + 1];
        for wide in &wides {
            starts[usize::from(wide.list) + 1] += 1;
        }
        let mut before = 0;
        for start in &mut starts {
            before += *start;
            *start = before;
        }
        Self { keywords, wides, starts }
    }

    /// The keywords, by their ids.
    pub fn keywords(&self) -> &[Anchor] {
        &self.keywords
    }

    /// The keywords' parts of this list.
    #[inline(always)]
    pub fn wides(&self, list: usize) -> &[Wide] {
        &self.wides[self.starts[list] as usize..self.starts[list + 1] as usize]
    }

    /// Whether the keyword starts at `start`.
    #[inline(always)]
    pub fn is_at(&self, anchor: AnchorId, bytes: &[u8], start: usize) -> bool {
        let keyword = &self.keywords[anchor as usize];
        let text = keyword.text.as_bytes();
        let Some(here) = bytes.get(start..start + text.len()) else { return false };
        if keyword.any_case { here.eq_ignore_ascii_case(text) } else { here == text }
    }

    /// Every hit in `bytes` as an automaton finds it, as (start, keyword): the oracle of the gate.
    #[cfg(test)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are as many patterns as keywords, which have such numbers"
    )]
    pub fn all(&self, bytes: &[u8]) -> Vec<(usize, AnchorId)> {
        let searcher = aho_corasick::AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(self.keywords.iter().map(|keyword| keyword.text.as_bytes()))
            .unwrap();
        let mut hits: Vec<_> = searcher
            .find_overlapping_iter(bytes)
            .filter(|hit| self.is_at(hit.pattern().as_usize() as AnchorId, bytes, hit.start()))
            .map(|hit| (hit.start(), hit.pattern().as_usize() as AnchorId))
            .collect();
        hits.sort_unstable();
        hits
    }
}
