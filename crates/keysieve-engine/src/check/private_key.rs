//! Private keys: PEM (PKCS#1, PKCS#8, SEC 1, DSA), OpenSSH, PuTTY, PGP.
//!
//! The block may stand on one line with `\n` written out, as JSON and environment files have it. A key that parses is
//! proven; what it says of its kind, size and encryption becomes evidence.

use super::{Outcome, encoded};
use crate::reason::Code;

/// A block from its `BEGIN` line (or `PuTTY-User-Key-File`) to its end.
pub(super) fn check(secret: &[u8]) -> Outcome {
    if secret.starts_with(b"PuTTY-User-Key-File") {
        return putty(secret);
    }
    let Some((label, body)) = armour(secret) else { return Outcome::Failed(Code::BeginLine) };
    let (encrypted_header, data) = payload(body);
    if data.len() < 16 {
        return Outcome::Failed(Code::HoldsNoKey);
    }
    if data.len() > 24 && distinct(&data) < 10 {
        return Outcome::Failed(Code::Placeholder);
    }
    let Some(bytes) = encoded::decode(&data) else { return unparsed(&data, Code::BodyNotBase64) };
    if encrypted_header {
        return encrypted(Code::EncryptedPem);
    }
    match label.as_slice() {
        b"PGP PRIVATE KEY BLOCK" => pgp(&bytes),
        b"OPENSSH PRIVATE KEY" => openssh(&bytes),
        b"ENCRYPTED PRIVATE KEY" => match der_sequence(&bytes) {
            Some(_) => encrypted(Code::EncryptedPkcs8),
            None => Outcome::Failed(Code::NotDer),
        },
        _ => match der(&label, &bytes) {
            Outcome::Failed(reason) => unparsed(&data, reason),
            outcome => outcome,
        },
    }
}

/// A body that is long and random enough for a key, though it does not parse: cut, joined by code, of a kind unknown here.
fn unparsed(data: &[u8], reason: Code) -> Outcome {
    if data.len() >= 64 && distinct(data) >= 24 && data.starts_with(b"M") {
        Outcome::Plausible(Some(Code::UnparsedKey.into()))
    } else {
        Outcome::Failed(reason)
    }
}

/// Base64 of a whole PEM block.
pub(super) fn check_base64(secret: &[u8]) -> Outcome {
    match encoded::decode(secret) {
        Some(bytes) if bytes.starts_with(b"-----BEGIN ") => check(bytes.trim_ascii_end()),
        _ => Outcome::Failed(Code::NotPrivateKey),
    }
}

fn encrypted(what: Code) -> Outcome {
    Outcome::Unlikely(what.into())
}

/// The label between `BEGIN` and dashes, and what stands between the two dashed lines.
fn armour(secret: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let rest = secret.strip_prefix(b"-----BEGIN ")?;
    let label_end = memchr::memmem::find(rest, b"-----")?;
    let body = &rest[label_end + 5..];
    // A remark can stand behind the dashes; a line of the key is longer.
    let first = memchr::memchr2(b'\n', b'\\', body).unwrap_or(0);
    let body = if first < 16 { &body[first..] } else { body };
    let body_end = memchr::memmem::find(body, b"-----END").unwrap_or(body.len());
    Some((rest[..label_end].to_vec(), &body[..body_end]))
}

/// The base64 characters of a body without headers, line breaks and their escapes; whether a header says `ENCRYPTED`.
fn payload(body: &[u8]) -> (bool, Vec<u8>) {
    let mut data = Vec::with_capacity(body.len());
    let mut encrypted = false;
    let body = unescape(body);
    for line in body.split(|byte| *byte == b'\n') {
        let line: &[u8] = line.trim_ascii();
        if memchr::memchr(b':', line).is_some() {
            encrypted |= memchr::memmem::find(line, b"ENCRYPTED").is_some();
            continue;
        }
        // The checksum of an OpenPGP block is a line of its own.
        if line.len() == 5 && line[0] == b'=' {
            continue;
        }
        // Quotes, commas, plus signs and comment signs of the language that the block stands in. A line of base64 can
        // start with `//` as well; a comment has a blank after it.
        let line = line.strip_prefix(b"// ").unwrap_or(line).trim_ascii_start();
        let line = line.strip_prefix(b"+ \"").or_else(|| line.strip_prefix(b"+ '")).unwrap_or(line);
        data.extend(line.iter().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')));
        if line.ends_with(b"\" +") || line.ends_with(b"' +") {
            data.pop();
        }
    }
    (encrypted, data)
}

/// Turns `\n`, `\r` and `\\n` written out into line breaks.
fn unescape(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        if body[at] == b'\\' {
            while body.get(at) == Some(&b'\\') {
                at += 1;
            }
            if matches!(body.get(at), Some(b'n' | b'r')) {
                at += 1;
            }
            plain.push(b'\n');
        } else {
            plain.push(body[at]);
            at += 1;
        }
    }
    plain
}

fn distinct(data: &[u8]) -> u32 {
    let mut seen = [false; 256];
    data.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().map(|seen| u32::from(*seen)).sum()
}

/// A DER value: its tag, its content and what follows (X.690).
fn der_value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let digits = usize::from(first & 0x7f);
        if digits == 0 || digits > 3 {
            return None;
        }
        let (head, tail) = rest.split_at_checked(digits)?;
        length = head.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = tail;
    }
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

fn der_sequence(bytes: &[u8]) -> Option<&[u8]> {
    der_value(bytes).filter(|(tag, _, _)| *tag == 0x30).map(|(_, content, _)| content)
}

fn der(label: &[u8], bytes: &[u8]) -> Outcome {
    let Some(content) = der_sequence(bytes) else { return Outcome::Failed(Code::NotDer) };
    let Some((0x02, _version, rest)) = der_value(content) else {
        return Outcome::Failed(Code::BodyNotPrivateKey);
    };
    let bits = |number: &[u8]| number.iter().skip_while(|byte| **byte == 0).count() * 8;
    let told = match (label, der_value(rest)) {
        (b"RSA PRIVATE KEY", Some((0x02, modulus, _))) => format!("an RSA key of {} bits", bits(modulus)),
        (b"DSA PRIVATE KEY", Some((0x02, prime, _))) => format!("a DSA key of {} bits", bits(prime)),
        (b"EC PRIVATE KEY", Some((0x04, scalar, _))) => format!("an EC key of {} bits", scalar.len() * 8),
        (_, Some((0x30, algorithm, rest))) => match (der_value(algorithm), der_value(rest)) {
            (Some((0x06, oid, _)), Some((0x04, _, _))) => format!("{} (PKCS#8)", algorithm_name(oid)),
            _ => return Outcome::Failed(Code::BodyNotPrivateKey),
        },
        (_, Some((0x02 | 0x04, _, _))) => "a private key".to_owned(),
        _ => return Outcome::Failed(Code::BodyNotPrivateKey),
    };
    Outcome::Proven(Code::PrivateKey.with(told))
}

fn algorithm_name(oid: &[u8]) -> &'static str {
    match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, _] => "an RSA key",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => "an EC key",
        [0x2b, 0x65, 0x70] => "an Ed25519 key",
        [0x2b, 0x65, 0x6e] => "an X25519 key",
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01] => "a DSA key",
        _ => "a key",
    }
}

/// PROTOCOL.key of OpenSSH: a magic, then the cipher's name as a counted string.
fn openssh(bytes: &[u8]) -> Outcome {
    let Some(rest) = bytes.strip_prefix(b"openssh-key-v1\0") else {
        return Outcome::Failed(Code::NotOpenSsh);
    };
    match counted(rest) {
        Some(b"none") => Outcome::Proven(Code::OpenSshKey.into()),
        Some(_) => encrypted(Code::EncryptedOpenSsh),
        None => Outcome::Failed(Code::OpenSshCutShort),
    }
}

fn counted(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_at_checked(4)?;
    rest.get(..u32::from_be_bytes(length.try_into().ok()?) as usize)
}

/// RFC 9580: the first packet is a secret-key packet (tag 5).
fn pgp(bytes: &[u8]) -> Outcome {
    let tag = match bytes.first() {
        Some(first) if first & 0xc0 == 0xc0 => first & 0x3f,
        Some(first) if first & 0x80 != 0 => first >> 2 & 0x0f,
        _ => 0,
    };
    if tag == 5 { Outcome::Proven(Code::OpenPgpKey.into()) } else { Outcome::Failed(Code::NoSecretKey) }
}

fn putty(secret: &[u8]) -> Outcome {
    let line = |name: &[u8]| {
        let at = memchr::memmem::find(secret, name)?;
        let rest = &secret[at + name.len()..];
        Some(
            rest[..rest.iter().position(|byte| matches!(byte, b'\n' | b'\r' | b'\\')).unwrap_or(rest.len())]
                .trim_ascii(),
        )
    };
    match (line(b"Encryption:"), line(b"Private-Lines:")) {
        (_, None) => Outcome::Failed(Code::PuttyNoPrivateLines),
        (Some(b"none"), _) => Outcome::Proven(Code::PuttyKey.into()),
        (Some(_), _) => encrypted(Code::EncryptedPutty),
        (None, _) => Outcome::Failed(Code::PuttyNoEncryption),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_base64_may_start_like_a_comment() {
        let (_, data) = payload(b"\nAAAA\n//AA\n// BBBB\n");
        assert_eq!(data, b"AAAA//AABBBB");
    }

    #[test]
    fn cut_or_invented_keys_fail() {
        for text in [
            "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----",
        ] {
            assert!(matches!(check(text.as_bytes()), Outcome::Failed(_)), "{text}");
        }
    }
}
