//! Git's delta format (gitformat-pack, "Deltified representation"): how an object is made of another one's bytes.
//!
//! Besides the result, [`apply`] gives the runs that were copied, which is what a history scan lives on.

use std::ops::Range;

/// Bytes of the result that are bytes of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Where they stand in the result.
    pub start: usize,
    /// Where they stand in the base.
    pub base: usize,
    /// How many.
    pub length: usize,
}

impl Run {
    /// Its range in the result.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.length
    }

    /// Where its end stands in the base.
    pub fn base_end(&self) -> usize {
        self.base + self.length
    }
}

/// A delta that does not fit its base or itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// It ends in the middle of an instruction.
    #[error("the delta is cut short")]
    Truncated,
    /// It is for a base of another size.
    #[error("the delta is for a base of {expected} bytes, and its base has {found}")]
    WrongBase {
        /// The size that the delta names.
        expected: usize,
        /// The size of the base.
        found: usize,
    },
    /// It copies bytes that the base does not have.
    #[error("the delta copies bytes beyond the end of its base")]
    CopyOutOfRange,
    /// The result is not as long as the delta says.
    #[error("the delta's result is not of the size that it names")]
    WrongResult,
    /// The instruction that is reserved.
    #[error("the delta holds the reserved instruction")]
    Reserved,
}

/// The sizes of base and result that a delta names, and its instructions.
pub fn sizes(delta: &[u8]) -> Result<(usize, usize, &[u8]), DeltaError> {
    let (base, rest) = size(delta)?;
    let (result, rest) = size(rest)?;
    Ok((base, result, rest))
}

/// The size of the result of a delta, as far as its instructions could make one.
pub fn result_size(delta: &[u8]) -> Result<usize, DeltaError> {
    // A byte of instruction copies at most this much.
    const MOST: usize = 0xff_ffff;
    let (_, result, instructions) = sizes(delta)?;
    if result / MOST > instructions.len() { Err(DeltaError::WrongResult) } else { Ok(result) }
}

fn size(bytes: &[u8]) -> Result<(usize, &[u8]), DeltaError> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((usize::try_from(value).map_err(|_| DeltaError::WrongResult)?, &bytes[index + 1..]));
        }
    }
    Err(DeltaError::Truncated)
}

/// Writes the result of `delta` on `base` into `result` and the copied runs into `runs`, in the order of the result;
/// neighbouring runs that are one in both are joined.
pub fn apply(base: &[u8], delta: &[u8], result: &mut Vec<u8>, runs: &mut Vec<Run>) -> Result<(), DeltaError> {
    result.clear();
    runs.clear();
    let (base_size, result_size, mut rest) = sizes(delta)?;
    if base_size != base.len() {
        return Err(DeltaError::WrongBase { expected: base_size, found: base.len() });
    }
    // A delta of a few bytes can name any size; room is made as bytes come.
    result.reserve(result_size.min(base.len() + 64 * delta.len()));
    while let Some((&instruction, after)) = rest.split_first() {
        rest = after;
        if instruction & 0x80 != 0 {
            let mut field = |bits: Range<u32>, first: u8| -> Result<usize, DeltaError> {
                let mut value = 0;
                for bit in bits.clone() {
                    if instruction & 1 << (u32::from(first) + bit - bits.start) != 0 {
                        let (&byte, after) = rest.split_first().ok_or(DeltaError::Truncated)?;
                        rest = after;
                        value |= usize::from(byte) << (8 * (bit - bits.start));
                    }
                }
                Ok(value)
            };
            let from = field(0..4, 0)?;
            let length = match field(0..3, 4)? {
                0 => 0x10000,
                length => length,
            };
            let copied = base.get(from..from.saturating_add(length)).ok_or(DeltaError::CopyOutOfRange)?;
            if result.len() + length > result_size {
                return Err(DeltaError::WrongResult);
            }
            let start = result.len();
            result.extend_from_slice(copied);
            match runs.last_mut() {
                Some(last) if last.range().end == start && last.base_end() == from => last.length += length,
                _ => runs.push(Run { start, base: from, length }),
            }
        } else if instruction != 0 {
            let (inserted, after) = rest.split_at_checked(usize::from(instruction)).ok_or(DeltaError::Truncated)?;
            rest = after;
            if result.len() + inserted.len() > result_size {
                return Err(DeltaError::WrongResult);
            }
            result.extend_from_slice(inserted);
        } else {
            return Err(DeltaError::Reserved);
        }
    }
    if result.len() == result_size { Ok(()) } else { Err(DeltaError::WrongResult) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(base: &[u8], delta: &[u8]) -> Result<(Vec<u8>, Vec<Run>), DeltaError> {
        let (mut result, mut runs) = (Vec::new(), Vec::new());
        apply(base, delta, &mut result, &mut runs).map(|()| (result, runs))
    }

    #[test]
    fn copies_and_inserts() {
        // 10 bytes to 11: copy 0..4, insert "xyz", copy 6..10.
        let delta = [10, 11, 0x90, 4, 3, b'x', b'y', b'z', 0x91, 6, 4];
        let (result, runs) = run(b"0123456789", &delta).unwrap();
        assert_eq!(result, b"0123xyz6789");
        assert_eq!(runs, [Run { start: 0, base: 0, length: 4 }, Run { start: 7, base: 6, length: 4 }]);
    }

    #[test]
    fn runs_that_are_one_are_joined() {
        let (_, runs) = run(b"0123456789", &[10, 8, 0x90, 4, 0x91, 4, 4]).unwrap();
        assert_eq!(runs, [Run { start: 0, base: 0, length: 8 }]);
    }

    #[test]
    fn malformed_deltas_are_errors() {
        assert_eq!(run(b"0123456789", &[9, 4, 0x90, 4]), Err(DeltaError::WrongBase { expected: 9, found: 10 }));
        assert_eq!(run(b"0123456789", &[10, 9, 0x91, 6, 9]), Err(DeltaError::CopyOutOfRange));
        assert_eq!(run(b"0123456789", &[10, 5, 0x90, 4]), Err(DeltaError::WrongResult));
        assert_eq!(run(b"0123456789", &[10, 1, 0]), Err(DeltaError::Reserved));
        assert_eq!(run(b"0123456789", &[10, 0xff, 0xff, 0xff]), Err(DeltaError::Truncated));
        let whole = [10, 11, 0x90, 4, 3, b'x', b'y', b'z', 0x91, 6, 4];
        for length in 0..whole.len() {
            assert!(run(b"0123456789", &whole[..length]).is_err(), "cut at {length}");
        }
    }
}
