//! UTF-16, with or without a byte order mark, as UTF-8.
//!
//! Which it is shows in the first bytes of a content; after that, chunks of any size are turned into UTF-8 one by one.
//! Unpaired surrogates become U+FFFD, so that one damaged character costs no finding elsewhere.

/// Byte order of a UTF-16 content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// Bytes that [`ByteOrder::detect`] looks at.
pub const PROBE: usize = 1024;

impl ByteOrder {
    /// Whether `head`, the first bytes of a content, begins UTF-16: by its mark, or because nearly every second byte is
    /// NUL and hardly any of the others, as in text of Latin script.
    pub fn detect(head: &[u8]) -> Option<Self> {
        match head {
            // FF FE 00 00 would be UTF-32, which nobody stores.
            [0xff, 0xfe, rest @ ..] if !rest.starts_with(&[0, 0]) => return Some(Self::Little),
            [0xfe, 0xff, ..] => return Some(Self::Big),
            _ => {}
        }
        let head = &head[..head.len().min(PROBE) & !1];
        if head.len() < 8 || memchr::memchr(0, head).is_none() {
            return None;
        }
        let nul = |first: usize| head.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
        let (even, odd, half) = (nul(0), nul(1), head.len() / 2);
        if odd * 10 >= half * 8 && even * 20 <= half {
            Some(Self::Little)
        } else if even * 10 >= half * 8 && odd * 20 <= half {
            Some(Self::Big)
        } else {
            None
        }
    }
}

/// Turns chunks of UTF-16 into UTF-8.
#[derive(Debug)]
pub struct Decoder {
    order: ByteOrder,
    /// An odd byte, or the first half of a surrogate pair, that waits for the next chunk.
    pending: Vec<u8>,
    at_start: bool,
}

impl Decoder {
    /// A decoder at the start of a content.
    pub fn new(order: ByteOrder) -> Self {
        Self { order, pending: Vec::new(), at_start: true }
    }

    /// Appends `chunk` as UTF-8 to `into`; `last` says that no chunk follows.
    pub fn decode(&mut self, chunk: &[u8], last: bool, into: &mut Vec<u8>) {
        self.pending.extend_from_slice(chunk);
        let mut units: Vec<u16> = self
            .pending
            .chunks_exact(2)
            .map(|pair| match self.order {
                ByteOrder::Little => u16::from_le_bytes([pair[0], pair[1]]),
                ByteOrder::Big => u16::from_be_bytes([pair[0], pair[1]]),
            })
            .collect();
        if !last && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            units.pop();
        }
        self.pending.drain(..units.len() * 2);
        if self.at_start && !units.is_empty() {
            self.at_start = false;
            if units[0] == 0xfeff {
                units.remove(0);
            }
        }
        let mut buffer = [0; 4];
        for character in char::decode_utf16(units) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            into.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
        if last && !self.pending.is_empty() {
            into.extend_from_slice("\u{fffd}".as_bytes());
            self.pending.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str, order: ByteOrder, mark: bool) -> Vec<u8> {
        let mark = if mark { "\u{feff}" } else { "" };
        let units = mark.encode_utf16().chain(text.encode_utf16());
        units
            .flat_map(|unit| if order == ByteOrder::Little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect()
    }

    #[test]
    fn every_order_and_every_split_decodes() {
        let text = "password = \"Zürich🔑2025!\"\r\n";
        for (order, mark) in
            [(ByteOrder::Little, true), (ByteOrder::Big, true), (ByteOrder::Little, false), (ByteOrder::Big, false)]
        {
            let bytes = encode(text, order, mark);
            assert_eq!(ByteOrder::detect(&bytes), Some(order));
            for split in 0..=bytes.len() {
                let mut decoder = Decoder::new(order);
                let mut plain = Vec::new();
                decoder.decode(&bytes[..split], false, &mut plain);
                decoder.decode(&bytes[split..], true, &mut plain);
                assert_eq!(String::from_utf8(plain).unwrap(), text);
            }
        }
    }

    #[test]
    fn damage_costs_one_character() {
        let mut decoder = Decoder::new(ByteOrder::Little);
        let mut plain = Vec::new();
        decoder.decode(&[0x00, 0xd8, b'a', 0, b'b'], true, &mut plain);
        assert_eq!(String::from_utf8(plain).unwrap(), "\u{fffd}a\u{fffd}");
    }

    #[test]
    fn ordinary_text_and_binary_are_not_utf16() {
        assert_eq!(ByteOrder::detect(b"password = x"), None);
        assert_eq!(ByteOrder::detect(&[0; 64]), None);
        assert_eq!(ByteOrder::detect(b""), None);
    }
}
