//! Texts that came up lately: names that one tree after the other lists, people who make one commit after the other.
//!
//! Each has one slot, which the next text of the same hash takes. So what strangers write can at worst make everything look
//! new, and a lookup costs less than one in a map that has to withstand them.

/// How many texts are remembered.
const SLOTS: usize = 1 << BITS;
const BITS: u32 = 12;

/// Texts, and what is known of each.
#[derive(Debug, Default)]
pub(super) struct Recent<T> {
    slots: Vec<(Box<[u8]>, T)>,
}

/// Where a text is remembered, until another takes its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot(usize);

impl<T: Default> Recent<T> {
    /// The slot of a text, and whether it is in there.
    #[inline]
    pub(super) fn find(&self, text: &[u8]) -> (Slot, bool) {
        let slot = slot(text);
        (Slot(slot), self.slots.get(slot).is_some_and(|(known, _)| !text.is_empty() && **known == *text))
    }

    /// Remembers a text of which nothing is known yet in the slot that [`Recent::find`] gave.
    pub(super) fn put(&mut self, slot: Slot, text: &[u8]) {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Default::default);
        }
        self.slots[slot.0] = (text.into(), T::default());
    }

    /// What is known of the text in a slot that holds one.
    pub(super) fn known(&mut self, slot: Slot) -> &mut T {
        &mut self.slots[slot.0].1
    }
}

/// The hash of a text, from its length, its ends and its middle.
#[inline]
fn slot(text: &[u8]) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(29) ^ word).wrapping_mul(FACTOR);
    let middle = text.len().saturating_sub(8) / 2;
    let hash = match (text.first_chunk(), text[middle..].first_chunk(), text.last_chunk()) {
        (Some(first), Some(middle), Some(last)) => {
            [first, middle, last].iter().fold(text.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(**word)))
        }
        _ => mix(text.len() as u64, text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))),
    };
    (hash >> (64 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_until_another_takes_its_slot() {
        let mut recent = Recent::<u32>::default();
        let texts: Vec<String> = (0..SLOTS * 4).map(|number| format!("name-{number}.js")).collect();
        for text in texts.iter().map(String::as_bytes).chain([&b"a"[..], b""]) {
            assert!(!recent.find(text).1);
            let (slot, _) = recent.find(text);
            recent.put(slot, text);
            *recent.known(slot) = 7;
            assert_eq!((recent.find(text).1, *recent.known(slot)), (!text.is_empty(), 7));
        }
        let kept = texts.iter().filter(|text| recent.find(text.as_bytes()).1).count();
        assert!((SLOTS / 2..=SLOTS).contains(&kept), "{kept} of {SLOTS}");
    }
}
