//! Key stores, PKCS #12 and Java's, and whether anybody can open them.
//!
//! A store is closed by a password, and that by a digest which tells a right password from a wrong one. Nothing is
//! decrypted: the passwords that everybody knows are tried against the digest.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::digest::block_api::BlockSizeUser;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::container::Unpacker;
use super::rest::Rest;

/// Passwords of tools, tutorials and defaults.
const PASSWORDS: [&str; 12] = [
    "",
    "changeit",
    "changeme",
    "password",
    "secret",
    "123456",
    "1234",
    "12345678",
    "test",
    "admin",
    "android",
    "notasecret",
];

/// Most rounds of a digest that are tried: the twelve passwords then take a second.
const MAX_ROUNDS: u64 = 100_000;

/// How a key store is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 7292, version 3.
    Pkcs12,
    /// Java's own, `JKS`, and Sun's `JCEKS`, which differ in how keys are encrypted and not in how the store is closed.
    Java,
}

impl Format {
    /// What a content is that starts with `head`.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 1 | 2, ..] | [0xce, 0xce, 0xce, 0xce, 0, 0, 0, 1 | 2, ..] => {
                Some(Self::Java)
            }
            // A sequence of a length in two or three bytes, then the integer 3 and another sequence.
            [0x30, 0x82, _, _, 2, 1, 3, 0x30, ..] | [0x30, 0x83, _, _, _, 2, 1, 3, 0x30, ..] => Some(Self::Pkcs12),
            _ => None,
        }
    }
}

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], format: Format, path: &str) {
    if let Some(text) = opened(bytes, format) {
        walk.sink.content(&format!("{path}!/key store"), text.as_bytes());
    }
    // Aliases, names in certificates, and what stands behind the store.
    let mut rest = Rest::default();
    rest.add(bytes);
    walk.rest(&rest, path);
}

/// What there is to say of a store that holds a private key and opens with a password that everybody knows.
fn opened(store: &[u8], format: Format) -> Option<String> {
    let (name, password) = match format {
        Format::Java => ("Java", java(store)?),
        Format::Pkcs12 => ("PKCS #12", pkcs12(store)?),
    };
    Some(format!("{name} key store with a private key, opened by the password \"{password}\"\n"))
}

/// SHA-1 of the password in UTF-16, a phrase and the store (`sun.security.provider.JavaKeyStore`).
fn java(store: &[u8]) -> Option<&'static str> {
    let (content, digest) = store.split_at_checked(store.len().checked_sub(20)?)?;
    // The first entry's tag: 1 is a private key, 2 a certificate, 3 a secret key.
    let entries = content.get(8..12)?;
    let has_key =
        matches!(content.get(12..16)?, [0, 0, 0, 1 | 3]) || memchr::memmem::find(content, &KEY_PROTECTOR).is_some();
    if entries == [0; 4] || !has_key {
        return None;
    }
    let opens = |password: &&&str| {
        let hash = Sha1::new().chain_update(utf16(password)).chain_update(b"Mighty Aphrodite").chain_update(content);
        hash.finalize().as_slice() == digest
    };
    PASSWORDS.iter().find(opens).copied()
}

/// The object identifier 1.3.6.1.4.1.42.2.17.1.1, with which Java encrypts private keys.
const KEY_PROTECTOR: [u8; 12] = [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01];
/// How the object identifiers of all bags start: 1.2.840.113549.1.12.10.1.
const BAG: [u8; 10] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// RFC 7292, section 4: `PFX ::= SEQUENCE { version, authSafe ContentInfo, macData }`.
fn pkcs12(store: &[u8]) -> Option<&'static str> {
    let mut pfx = Der(store).sequence()?;
    pfx.next(0x02)?;
    let mut safe = pfx.sequence()?;
    safe.next(0x06)?;
    let content = Der(safe.next(0xa0)?).next(0x04)?;
    // Of the kinds of bags, 1 and 2 hold a private key, plain and encrypted.
    let is_key = |at: usize| matches!(content.get(at + BAG.len()), Some(1 | 2));
    if !memchr::memmem::find_iter(content, &BAG).any(is_key) {
        return None;
    }
    let mut mac = pfx.sequence()?;
    let mut digest_info = mac.sequence()?;
    let algorithm = digest_info.sequence()?.next(0x06)?;
    let digest = digest_info.next(0x04)?;
    let salt = mac.next(0x04)?;
    let rounds = mac.next(0x02).map_or(Some(1), |bytes| {
        (bytes.len() <= 8).then(|| bytes.iter().fold(0, |rounds: u64, byte| rounds << 8 | u64::from(*byte)))
    })?;
    if rounds > MAX_ROUNDS {
        return None;
    }
    let opens = |password: &str, end: &[u8]| {
        let password = [utf16(password).as_slice(), end].concat();
        match algorithm {
            [0x2b, 0x0e, 0x03, 0x02, 0x1a] => {
                verifies::<Hmac<Sha1>>(&derive::<Sha1>(&password, salt, rounds), content, digest)
            }
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01] => {
                verifies::<Hmac<Sha256>>(&derive::<Sha256>(&password, salt, rounds), content, digest)
            }
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02] => {
                verifies::<Hmac<Sha384>>(&derive::<Sha384>(&password, salt, rounds), content, digest)
            }
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03] => {
                verifies::<Hmac<Sha512>>(&derive::<Sha512>(&password, salt, rounds), content, digest)
            }
            _ => false,
        }
    };
    // No password at all is written in two ways.
    PASSWORDS.iter().find(|password| opens(password, &[0, 0]) || password.is_empty() && opens("", &[])).copied()
}

fn verifies<M: Mac + KeyInit>(key: &[u8], content: &[u8], digest: &[u8]) -> bool {
    M::new_from_slice(key).is_ok_and(|mac| mac.chain_update(content).verify_slice(digest).is_ok())
}

/// RFC 7292, appendix B.2, for a key of one digest's length with the purpose 3, a digest's key.
fn derive<D: Digest + BlockSizeUser>(password: &[u8], salt: &[u8], rounds: u64) -> Vec<u8> {
    let block = D::block_size();
    let filled =
        |text: &[u8]| -> Vec<u8> { text.iter().copied().cycle().take(block * text.len().div_ceil(block)).collect() };
    let hash = D::new().chain_update(vec![3; block]).chain_update(filled(salt)).chain_update(filled(password));
    let mut key = hash.finalize();
    for _ in 1..rounds {
        key = D::digest(&key);
    }
    key.to_vec()
}

/// What is left of a run of DER elements.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, which has this tag.
    fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (found == tag).then_some(content)
    }

    fn sequence(&mut self) -> Option<Self> {
        self.next(0x30).map(Der)
    }
}
