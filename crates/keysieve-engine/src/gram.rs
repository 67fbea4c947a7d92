//! How common a 3-byte gram is in source code.
//!
//! The gate picks each keyword's rarest grams with it; the plausibility judge tells random strings from words by it.
//! `scripts/gram-frequency.py` rebuilds the table.

#![expect(clippy::cast_possible_truncation, reason = "a value has fewer grams than 32 bits count")]

static FREQUENCY: &[u8; 32 * 32 * 32] = include_bytes!("gram_frequency.bin");

/// The byte's class, 0 to 31: letters without case, digits, `_`, `-`, `.`, blank, anything else.
fn class_of(byte: u8) -> usize {
    // Folding as the gate does it: `_` becomes 0x7f, tab and line feed become `)` and `*`.
    let folded = byte | 0x20;
    usize::from(match folded {
        b'a'..=b'z' => folded - b'a',
        b'0'..=b'9' => 26,
        0x7f => 27,
        b'-' => 28,
        b'.' => 29,
        0x20 | 0x29 | 0x2a => 30,
        _ => 31,
    })
}

/// `8 * log2(1 + occurrences in 2^28 bytes of source code)` of the gram, case ignored.
pub(crate) fn frequency(gram: [u8; 3]) -> u8 {
    FREQUENCY[class_of(gram[0]) << 10 | class_of(gram[1]) << 5 | class_of(gram[2])]
}

/// Mean [`frequency`] over the grams of `text`: about 120 and more for words and identifiers, below 90 for random
/// strings. `None` for texts of less than three bytes.
pub(crate) fn mean_frequency(text: &[u8]) -> Option<u32> {
    let grams = text.windows(3).map(|gram| u32::from(frequency([gram[0], gram[1], gram[2]])));
    let count = grams.len() as u32;
    (count > 0).then(|| grams.sum::<u32>() / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_common_and_noise_is_rare() {
        for word in ["password", "authentication", "configuration", "description"] {
            assert!(mean_frequency(word.as_bytes()).unwrap() > 120, "{word}");
        }
        for noise in ["xkqzvwjq", "Zq7vXk2wJp9"] {
            assert!(mean_frequency(noise.as_bytes()).unwrap() < 90, "{noise}");
        }
    }
}
