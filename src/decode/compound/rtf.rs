//! Bodies of mails in Rich Text, as Outlook compresses them ([MS-OXRTFCP] 2 and 3).

use super::sectors::word;

/// What the window starts with.
const BEFORE: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\
\\u\\tab\\tx";

const WINDOW: usize = 4096;

/// The text, and whether it is whole; `None` if it is not compressed.
pub(super) fn decompressed(stream: &[u8]) -> Option<(Vec<u8>, bool)> {
    if stream.get(8..12) != Some(b"LZFu") {
        return None;
    }
    let mut window = [b' '; WINDOW];
    window[..BEFORE.len()].copy_from_slice(BEFORE);
    let mut at = BEFORE.len();
    let mut text = Vec::new();
    let mut push = |byte: u8, at: &mut usize, window: &mut [u8; WINDOW]| {
        text.push(byte);
        window[*at] = byte;
        *at = (*at + 1) % WINDOW;
    };
    let mut packed = stream.get(16..)?.iter().copied();
    let mut is_whole = false;
    'all: while let Some(flags) = packed.next() {
        for bit in 0..8 {
            let Some(first) = packed.next() else { break 'all };
            if flags >> bit & 1 == 0 {
                push(first, &mut at, &mut window);
                continue;
            }
            let Some(second) = packed.next() else { break 'all };
            let reference = usize::from(u16::from_be_bytes([first, second]));
            let from = reference >> 4;
            if from == at {
                is_whole = true;
                break 'all;
            }
            for back in 0..(reference & 15) + 2 {
                let byte = window[(from + back) % WINDOW];
                push(byte, &mut at, &mut window);
            }
        }
    }
    let is_whole = is_whole && word(stream, 4).is_some_and(|size| size as usize == text.len());
    Some((text, is_whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of [MS-OXRTFCP] 4.1.1.
    #[test]
    fn a_text_is_decompressed() {
        assert_eq!(BEFORE.len(), 207);
        let packed =
            b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0\x72\x63\x70\x67\x31\x32\x35\x42\x32\x0a\xf3\x20\
            \x68\x65\x6c\x09\0\x20\x62\x77\x05\xb0\x6c\x64\x7d\x0a\x80\x0f\xa0";
        let text = &b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"[..];
        assert_eq!(decompressed(packed), Some((text.to_vec(), true)));
        assert_eq!(decompressed(&packed[..30]).map(|(_, is_whole)| is_whole), Some(false));
        assert_eq!(decompressed(b"\0\0\0\0\0\0\0\0MELA"), None);
    }
}
