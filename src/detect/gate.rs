//! A filter before the automaton, several times as fast: can a keyword stand here at all?
//!
//! A bitmap of hashed 3-byte grams (128 Kibit, it stays in L1) is probed at every second byte. For each keyword it
//! holds one gram at an even and one at an odd offset, so one of them always falls on a probe; of each parity the one
//! that is rarest in source code. Bytes are folded with `| 0x20` on both sides, a superset of ignoring ASCII case; the
//! automaton behind the gate is exact. Every hit is reported once: a keyword answers only to the probe that holds its
//! own gram of that parity.

use std::collections::HashMap;
use std::ops::Range;

use super::anchors::{AnchorId, Anchors};
use super::gram;

const BITS: u32 = 17;
const FOLD: u64 = 0x2020_2020_2020_2020;
const GRAM: u64 = 0x00ff_ffff;

/// The gate and the automaton behind it.
#[derive(Debug)]
pub struct Gate {
    bitmap: Box<[u64; 1 << (BITS - 6)]>,
    /// Folded gram → offsets in keywords at which it was registered.
    offsets: HashMap<u32, Vec<u8>, std::hash::BuildHasherDefault<GramHasher>>,
    /// For each keyword the offset of its even and its odd gram.
    own: Vec<[u8; 2]>,
    anchors: Anchors,
    longest: usize,
}

/// A keyword at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Where it starts.
    pub start: usize,
    /// Which keyword.
    pub anchor: AnchorId,
}

impl Gate {
    /// Chooses the grams of all keywords.
    pub fn new(anchors: Anchors) -> Self {
        let mut bitmap = Box::new([0u64; 1 << (BITS - 6)]);
        let mut offsets: HashMap<u32, Vec<u8>, _> = HashMap::default();
        let mut own = Vec::with_capacity(anchors.keywords().len());
        for keyword in anchors.keywords() {
            let text = keyword.text.as_bytes();
            let rarest = |parity: usize| {
                (parity..text.len() - 2)
                    .step_by(2)
                    .min_by_key(|&at| gram::frequency([text[at], text[at + 1], text[at + 2]]))
                    .expect("a keyword has at least four bytes, so a gram of each parity")
            };
            let pair = [rarest(0), rarest(1)];
            for at in pair {
                let folded = (u32::from_le_bytes([text[at], text[at + 1], text[at + 2], 0])) | (FOLD & GRAM) as u32;
                let slot = slot(u64::from(folded));
                bitmap[slot >> 6] |= 1 << (slot & 63);
                let known = offsets.entry(folded).or_default();
                if !known.contains(&(at as u8)) {
                    known.push(at as u8);
                }
            }
            own.push(pair.map(|at| at as u8));
        }
        let longest = anchors.keywords().iter().map(|keyword| keyword.text.len()).max().unwrap_or(0);
        Self { bitmap, offsets, own, anchors, longest }
    }

    /// The automaton behind the gate.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Calls `found` for every keyword of `bytes` that starts inside `starts`, each once, in no particular order.
    pub fn hits(&self, bytes: &[u8], starts: Range<usize>, mut found: impl FnMut(Hit)) {
        // A gram lies inside its keyword, so probes go on until the last keyword that may start in range has ended.
        let end = bytes.len().min(starts.end + self.longest);
        let mut at = starts.start;
        // Sixteen bytes hold the eight probes of one round but for the last one's third byte: read in two steps.
        while at + 18 <= end {
            let low = word(bytes, at) | FOLD;
            let middle = word(bytes, at + 6) | FOLD;
            let high = word(bytes, at + 12 - 2) | FOLD;
            let probes = [
                low & GRAM,
                low >> 16 & GRAM,
                low >> 32 & GRAM,
                middle & GRAM,
                middle >> 16 & GRAM,
                high & GRAM,
                high >> 16 & GRAM,
                high >> 32 & GRAM,
            ];
            let mut open = 0u64;
            for (index, probe) in probes.iter().enumerate() {
                let slot = slot(*probe);
                open |= (self.bitmap[slot >> 6] >> (slot & 63) & 1) << index;
            }
            while open != 0 {
                let index = open.trailing_zeros() as usize;
                open &= open - 1;
                self.confirm(bytes, at + 2 * index, &starts, &mut found);
            }
            at += 16;
        }
        while at + 3 <= end {
            let gram = u64::from(u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0])) | (FOLD & GRAM);
            let slot = slot(gram);
            if self.bitmap[slot >> 6] >> (slot & 63) & 1 == 1 {
                self.confirm(bytes, at, &starts, &mut found);
            }
            at += 2;
        }
    }

    #[cold]
    #[inline(never)]
    fn confirm(&self, bytes: &[u8], at: usize, starts: &Range<usize>, found: &mut impl FnMut(Hit)) {
        let folded = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0]) | (FOLD & GRAM) as u32;
        let Some(offsets) = self.offsets.get(&folded) else { return };
        for &offset in offsets {
            let Some(start) = at.checked_sub(usize::from(offset)).filter(|start| starts.contains(start)) else {
                continue;
            };
            self.anchors.at(bytes, start, |anchor| {
                if self.own[usize::from(anchor)][usize::from(offset & 1)] == offset {
                    found(Hit { start, anchor });
                }
            });
        }
    }
}

#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a slice of eight bytes is an array of eight"))
}

/// The gram's bit in the bitmap: Fibonacci hashing of its 24 bits.
#[inline(always)]
fn slot(gram: u64) -> usize {
    ((gram as u32).wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

/// Grams are 24-bit numbers; multiplying spreads them well enough, and only few are ever looked up.
#[derive(Debug, Default)]
pub struct GramHasher(u64);

impl std::hash::Hasher for GramHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn write_u32(&mut self, gram: u32) {
        self.0 = u64::from(gram).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::Anchor;

    fn gate(words: &[(String, bool)]) -> Gate {
        let mut keywords: Vec<Anchor> = words
            .iter()
            .map(|(text, any_case)| Anchor {
                text: if *any_case { text.to_ascii_lowercase() } else { text.clone() }.into(),
                any_case: *any_case,
            })
            .collect();
        keywords.sort_by(|a, b| (&a.text, a.any_case).cmp(&(&b.text, b.any_case)));
        keywords.dedup();
        Gate::new(Anchors::new(keywords))
    }

    fn sorted_hits(gate: &Gate, bytes: &[u8], range: Range<usize>) -> Vec<(usize, AnchorId)> {
        let mut hits = Vec::new();
        gate.hits(bytes, range, |hit| hits.push((hit.start, hit.anchor)));
        hits.sort_unstable();
        hits
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Gate and anchors give what the automaton alone gives, each hit once, and only those that start in range.
        #[test]
        fn gate_equals_automaton(
            words in prop::collection::vec(("[a-cA-C_.-]{4,9}|(ab){2,5}|passw(or)?d", any::<bool>()), 1..12),
            text in "([a-cA-C_.-]{0,9}|(ab){1,6}|passw(or)?d|PassWord|[\\x00-\\xff]){0,40}",
            from in 0usize..40,
            width in 0usize..400,
        ) {
            let gate = gate(&words);
            let bytes = text.as_bytes();
            let all = gate.anchors().all(bytes);
            prop_assert_eq!(&sorted_hits(&gate, bytes, 0..bytes.len()), &all);
            let range = from.min(bytes.len())..(from + width).min(bytes.len());
            let inside: Vec<_> = all.into_iter().filter(|(start, _)| range.contains(start)).collect();
            prop_assert_eq!(sorted_hits(&gate, bytes, range), inside);
        }
    }

    #[test]
    fn case_matters_only_where_the_rule_says_so() {
        let gate = gate(&[("AKIA".into(), false), ("token".into(), true)]);
        assert_eq!(sorted_hits(&gate, b"akia AKIA ToKeN", 0..15).len(), 2);
    }
}
