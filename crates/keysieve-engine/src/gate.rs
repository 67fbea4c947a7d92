//! A filter before the exact comparison: can a keyword stand here at all?
//!
//! A bitmap of hashed 3-byte grams (128 Kibit, it stays in L1) is probed at every second byte. For each keyword it
//! holds one gram at an even and one at an odd offset, so one of them always falls on a probe; of each parity the one
//! that is rarest in source code. Bytes are folded with `| 0x20` on both sides, a superset of ignoring ASCII case; the
//! comparison behind the gate is exact. Every hit is reported once, since only one of a keyword's two grams can fall on
//! a probe.
//!
//! Some keywords have only common grams (`pass`, `mail`), so 3 % of the probes find their bit set. A second look, at
//! four bytes, turns most of these away before a keyword is compared: a gram and the byte after it, or, where the
//! keyword ends with its gram, the byte before it.

#![expect(clippy::cast_possible_truncation, reason = "grams are parts of a word that are cut on purpose")]

use std::ops::Range;

use super::anchors::{AnchorId, Anchors, BACKWARD, WIDE_BITS, Wide};
use super::gram;

const BITS: u32 = 17;
/// Bytes that are probed at once: as many probes as a word has bits.
const BLOCK: usize = 128;
/// Bytes that hold eight probes, which are read in three words.
const ROUND: usize = 16;
const FOLD: u64 = 0x2020_2020_2020_2020;

type WideBitmap = [u64; 1 << (WIDE_BITS - 6)];

/// The gate and the keywords behind it.
#[derive(Debug)]
pub struct Gate {
    bitmap: Box<[u64; 1 << (BITS - 6)]>,
    /// Hashed 4-byte grams: a gram and the byte after it.
    forward: Box<WideBitmap>,
    /// The byte before a gram and the gram, of keywords that end with it.
    backward: Box<WideBitmap>,
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
    /// Chooses the grams of all keywords, which are at least four bytes long, as the rule schema demands.
    pub fn new(keywords: Vec<crate::rules::Anchor>) -> Self {
        let mut bitmap = Box::new([0u64; 1 << (BITS - 6)]);
        let mut forward: Box<WideBitmap> = Box::new([0; 1 << (WIDE_BITS - 6)]);
        let mut backward = forward.clone();
        let mut wides = Vec::with_capacity(2 * keywords.len());
        for (anchor, keyword) in (0..).zip(&keywords) {
            // Grams stand in the first bytes, which one byte can number.
            let text = &keyword.text.as_bytes()[..keyword.text.len().min(usize::from(u8::MAX))];
            let rarest = |parity: usize| {
                (parity..text.len() - 2)
                    .step_by(2)
                    .min_by_key(|&at| gram::frequency([text[at], text[at + 1], text[at + 2]]))
                    .expect("a keyword has at least four bytes, so a gram of each parity")
            };
            for at in [rarest(0), rarest(1)] {
                let gram = u32::from_le_bytes([text[at], text[at + 1], text[at + 2], 0]) | FOLD as u32;
                set(&mut bitmap[..], slot(gram));
                let is_forward = at + 4 <= text.len();
                let from = if is_forward { at } else { at - 1 };
                let wide = wide_slot(four(text, from));
                set(if is_forward { &mut forward[..] } else { &mut backward[..] }, wide);
                let list = wide | if is_forward { 0 } else { BACKWARD };
                wides.push(Wide {
                    list: list.try_into().expect("a hash of fifteen bits and one more are sixteen"),
                    offset: from.try_into().expect("the text was cut to what a byte can number"),
                    anchor,
                });
            }
        }
        let longest = keywords.iter().map(|keyword| keyword.text.len()).max().unwrap_or(0);
        Self { bitmap, forward, backward, anchors: Anchors::new(keywords, wides), longest }
    }

    /// The keywords behind the gate.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Bytes of the longest keyword.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Calls `found` for every keyword of `bytes` that starts inside `starts`, each once, in no particular order.
    pub fn hits(&self, bytes: &[u8], starts: Range<usize>, mut found: impl FnMut(Hit)) {
        // A gram lies inside its keyword, so probes go on until the last keyword that may start in range has ended.
        let end = bytes.len().min(starts.end + self.longest);
        let mut at = starts.start;
        while at + BLOCK + 2 <= end {
            let block = bytes[at..].first_chunk().expect("the loop's condition leaves a block and two bytes");
            let open = self.probe(block);
            if open != 0 {
                self.look_at(open, bytes, at, &starts, &mut found);
            }
            at += BLOCK;
        }
        while at + ROUND + 2 <= end {
            let round = bytes[at..].first_chunk().expect("the loop's condition leaves a round and two bytes");
            let open = self.probe_round(round);
            if open != 0 {
                self.look_at(open, bytes, at, &starts, &mut found);
            }
            at += ROUND;
        }
        while at + 3 <= end {
            let gram = match bytes[at..].first_chunk() {
                Some(four) => u32::from_le_bytes(*four),
                None => u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0]),
            };
            if is_set(&self.bitmap[..], slot(gram | FOLD as u32)) {
                self.look_at(1, bytes, at, &starts, &mut found);
            }
            at += 2;
        }
    }

    /// Which of a block's 64 probes find their bit set. Without a branch: a wrong guess costs as much as ten probes.
    #[inline(always)]
    fn probe(&self, block: &[u8; BLOCK + 2]) -> u64 {
        let mut open = 0;
        for at in (0..BLOCK).step_by(ROUND).rev() {
            let round = block[at..].first_chunk().expect("the last round starts a round and two bytes before the end");
            open = open << 8 | self.probe_round(round);
        }
        open
    }

    /// Which of eight probes find their bit set. Each round in a register of its own: bits that go into one after the other
    /// wait for each other, and bits that are shifted down to the end instead of tested take longer, in fewer instructions.
    #[inline(always)]
    fn probe_round(&self, round: &[u8; ROUND + 2]) -> u64 {
        // Sixteen bytes hold eight probes, but for the last one's third byte.
        let low = word(round, 0) | FOLD;
        let middle = word(round, 6) | FOLD;
        let high = word(round, 10) | FOLD;
        let probes = [low, low >> 16, low >> 32, middle, middle >> 16, high, high >> 16, high >> 32];
        let mut open = 0;
        for (index, probe) in probes.iter().enumerate() {
            open |= u64::from(is_set(&self.bitmap[..], slot(*probe as u32))) << index;
        }
        open
    }

    /// Looks again where bits of `open` are set, each of which stands for two bytes from `at` on.
    fn look_at(&self, mut open: u64, bytes: &[u8], at: usize, starts: &Range<usize>, found: &mut impl FnMut(Hit)) {
        while open != 0 {
            let index = open.trailing_zeros() as usize;
            open &= open - 1;
            self.look_twice(bytes, at + 2 * index, starts, found);
        }
    }

    #[inline(always)]
    fn look_twice(&self, bytes: &[u8], at: usize, starts: &Range<usize>, found: &mut impl FnMut(Hit)) {
        if let Some(from) = (at + 4 <= bytes.len()).then_some(at) {
            self.compare(&self.forward, 0, bytes, from, starts, found);
        }
        if let Some(from) = at.checked_sub(1) {
            self.compare(&self.backward, BACKWARD, bytes, from, starts, found);
        }
    }

    #[inline(always)]
    fn compare(
        &self,
        bitmap: &WideBitmap,
        direction: usize,
        bytes: &[u8],
        from: usize,
        starts: &Range<usize>,
        found: &mut impl FnMut(Hit),
    ) {
        let slot = wide_slot(four(bytes, from));
        if !is_set(bitmap, slot) {
            return;
        }
        for wide in self.anchors.wides(slot | direction) {
            let start = from.checked_sub(usize::from(wide.offset)).filter(|start| starts.contains(start));
            if let Some(start) = start.filter(|start| self.anchors.is_at(wide.anchor, bytes, *start)) {
                found(Hit { start, anchor: wide.anchor });
            }
        }
    }
}

#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a slice of eight bytes is an array of eight"))
}

/// The bit of the gram in the low three bytes: Fibonacci hashing of 24 bits. The factor's shift drops the fourth byte.
#[inline(always)]
fn slot(gram: u32) -> usize {
    (gram.wrapping_mul(0x9E_3779 << 8 | 0x100) >> (32 - BITS)) as usize
}

/// Four bytes, folded.
#[inline(always)]
fn four(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("a slice of four bytes is an array of four")) | FOLD as u32
}

/// The bit of four folded bytes in the wider bitmaps.
#[inline(always)]
fn wide_slot(gram: u32) -> usize {
    (gram.wrapping_mul(0x85EB_CA6B) >> (32 - WIDE_BITS)) as usize
}

fn set(bitmap: &mut [u64], slot: usize) {
    bitmap[slot >> 6] |= 1 << (slot & 63);
}

#[inline(always)]
fn is_set(bitmap: &[u64], slot: usize) -> bool {
    bitmap[slot >> 6] & 1 << (slot & 63) != 0
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
        Gate::new(keywords)
    }

    fn sorted_hits(gate: &Gate, bytes: &[u8], range: Range<usize>) -> Vec<(usize, AnchorId)> {
        let mut hits = Vec::new();
        gate.hits(bytes, range, |hit| hits.push((hit.start, hit.anchor)));
        hits.sort_unstable();
        hits
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Gate and comparison give what an automaton alone gives, each hit once, and only those that start in range.
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
