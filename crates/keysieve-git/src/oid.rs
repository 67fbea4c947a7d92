//! Object ids of both hash functions.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::pack::Kind;

/// The id of an object: 20 bytes of SHA-1 or 32 of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Oid {
    bytes: [u8; 32],
    length: u8,
}

/// The value of each byte as a hexadecimal digit, or 255.
const DIGITS: [u8; 256] = {
    let mut digits = [255; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

impl Oid {
    /// From the raw bytes of an id; `None` if there are neither 20 nor 32.
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        let mut bytes = [0; 32];
        bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        matches!(raw.len(), 20 | 32).then_some(Self { bytes, length: raw.len() as u8 })
    }

    /// From 40 or 64 hexadecimal digits.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        if !matches!(text.len(), 40 | 64) {
            return None;
        }
        let mut raw = [0; 32];
        let mut wrong = 0;
        for (byte, pair) in raw.iter_mut().zip(text.chunks_exact(2)) {
            let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
            wrong |= high | low;
            *byte = high << 4 | low & 15;
        }
        // No digit has a value above 15.
        if wrong > 15 { None } else { Self::from_bytes(&raw[..text.len() / 2]) }
    }

    /// The id of an object, of so many bytes.
    pub fn of(kind: Kind, content: &[u8], length: usize) -> Self {
        let head = format!("{kind} {}\0", content.len());
        let mut bytes = [0; 32];
        match length {
            20 => bytes[..20].copy_from_slice(&Sha1::new().chain_update(head).chain_update(content).finalize()),
            _ => bytes.copy_from_slice(&Sha256::new().chain_update(head).chain_update(content).finalize()),
        }
        Self { bytes, length: length as u8 }
    }

    /// The id of nothing, of so many bytes.
    pub fn none(length: usize) -> Self {
        Self { bytes: [0; 32], length: length as u8 }
    }

    /// Whether it is that of nothing.
    pub fn is_none(&self) -> bool {
        self.bytes == [0; 32]
    }

    /// Its raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// A map by object id. An id is a hash already; eight bytes of it, mixed, are hash enough.
pub type OidMap<T> = HashMap<Oid, T, BuildHasherDefault<NumberHasher>>;

/// A map by a number that this program gave out.
pub type NumberMap<T> = HashMap<u32, T, BuildHasherDefault<NumberHasher>>;

impl Oid {
    /// The first eight bytes as a number, in whose order ids are.
    pub fn prefix(&self) -> u64 {
        u64::from_be_bytes([
            self.bytes[0],
            self.bytes[1],
            self.bytes[2],
            self.bytes[3],
            self.bytes[4],
            self.bytes[5],
            self.bytes[6],
            self.bytes[7],
        ])
    }
}

impl Ord for Oid {
    fn cmp(&self, other: &Self) -> Ordering {
        // Nearly always the first eight bytes decide.
        self.prefix().cmp(&other.prefix()).then_with(|| self.bytes.cmp(&other.bytes))
    }
}

impl PartialOrd for Oid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Oid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.prefix());
    }
}

/// Fibonacci hashing of one number.
#[derive(Debug, Default, Clone, Copy)]
pub struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ mixed >> 32;
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_to_hexadecimal_and_back() {
        for text in ["83c958d8d689e51a027f20c619077775ac42b88f", &"0f".repeat(32)] {
            assert_eq!(Oid::from_hex(text.as_bytes()).unwrap().to_string(), text);
        }
        assert_eq!(Oid::from_hex(b"83c9"), None);
        assert_eq!(Oid::from_bytes(&[0; 21]), None);
    }
}
