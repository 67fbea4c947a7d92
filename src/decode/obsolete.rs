//! Compression of old Unixes that gzip still opens: told by two bytes, so the code that follows has to be one that works.

/// Widest code of `pack`.
const WIDEST: usize = 25;

/// Whether a content starts as `pack` starts it: its size, then how many codes of each length there are, which have to be a
/// whole tree.
pub(super) fn is_packed(head: &[u8]) -> bool {
    let [_, _, size @ .., widest] = head.get(..7).unwrap_or_default() else { return false };
    let widest = usize::from(*widest);
    let Some(counts) = head.get(7..7 + widest).filter(|_| (1..=WIDEST).contains(&widest)) else { return false };
    // One of the longest codes ends the content; the last count is told without two of them.
    let nodes = counts.iter().rev().enumerate().fold(0, |nodes: u32, (index, count)| {
        let more = if index == 0 { 2 } else { 0 };
        nodes / 2 + u32::from(*count) + more
    });
    size != [0; 4] && nodes / 2 == 1
}

/// Bits, the highest of a byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn number(&mut self, bits: usize) -> Option<u32> {
        (0..bits).try_fold(0, |value, _| {
            let bit = self.bytes.get(self.at / 8)? >> (7 - self.at % 8) & 1;
            self.at += 1;
            Some(value << 1 | u32::from(bit))
        })
    }
}

/// Whether a content starts as `compress -H` starts it: the size of a block, then a code that is whole.
pub(super) fn is_lzh(head: &[u8]) -> bool {
    is_whole_code(&mut Bits { bytes: head.get(2..).unwrap_or_default(), at: 0 }).unwrap_or(false)
}

fn is_whole_code(bits: &mut Bits<'_>) -> Option<bool> {
    const WHOLE: u32 = 1 << 16;
    const MOST: u32 = 19;
    if bits.number(16)? == 0 {
        return Some(false);
    }
    let count = bits.number(5)?;
    if count == 0 {
        // One length for all codes of what follows, of which so many make a whole.
        let length = bits.number(5)?;
        let codes = bits.number(9)?;
        return Some((3..=18).contains(&length) && codes << (18 - length) == WHOLE);
    }
    let (mut index, mut sum) = (0, 0);
    while index < count {
        let mut length = bits.number(3)?;
        if length == 7 {
            while bits.number(1)? == 1 {
                length += 1;
            }
        }
        if length > 16 {
            return Some(false);
        }
        sum += if length > 0 { WHOLE >> length } else { 0 };
        index += 1;
        if index == 3 {
            index += bits.number(2)?;
        }
    }
    Some(count <= MOST && sum == WHOLE)
}
