//! Shannon entropy of a secret's bytes.

/// Bits per byte, 0 for an empty text and 8 at most. A random hexadecimal string of 32 characters has about 3.6, a
/// random base62 string of 40 about 4.7, an English word about 2.5.
pub(crate) fn bits_per_byte(text: &[u8]) -> f32 {
    if text.is_empty() {
        return 0.0;
    }
    let mut counts = [0u32; 256];
    for &byte in text {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len() as f32;
    counts.iter().filter(|&&count| count > 0).fold(0.0, |sum, &count| {
        let share = count as f32 / total;
        sum - share * share.log2()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_counts_distinct_bytes() {
        assert_eq!(bits_per_byte(b""), 0.0);
        assert_eq!(bits_per_byte(b"aaaa"), 0.0);
        assert!((bits_per_byte(b"abcdefgh") - 3.0).abs() < 1e-6);
    }
}
