//! Made-up credentials for examples, so that no token-like text stands in the repository.
//!
//! An example holds generators in angle brackets, and each seed fills them anew: `<[A-Z2-7]{16}>` and any other regular
//! expression that starts with `[` or `(?:`, a named shape ([`shape`]: `<hex:32>`), or one of these by name:
//!
//! | generator | gives |
//! | --- | --- |
//! | `<aws-key-id AKIA>` | a key id that names an account |
//! | `<crc32-base62 ghp_ 30>` | the prefix, 30 characters and their checksum in base62 |
//! | `<crc32-hex glsa_ 32>` | the prefix, 32 characters and the checksum of both in hexadecimal |
//! | `<base64 33 4>` | base64 of 33 random bytes, of which the first is 4 (the last word may be left out) |
//! | `<base64-of user:[a-z]{8}>` | base64 of what the expression gives; `<base64-raw-of …>` without padding |
//! | `<jwt>` | a signed JSON Web Token |
//! | `<pypi-macaroon>` | a token of the Python package index |
//! | `<pem RSA PRIVATE KEY>` | a block that parses; `<pem-line …>` with `\n` written out, `<pem-base64 …>` encoded once more |
//! | `<putty none>` | a PuTTY key with that encryption |
//!
//! Everything else in angle brackets is text.

#![expect(clippy::cast_possible_truncation, reason = "made-up values: bytes of random numbers and short lengths")]

use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::shape;
use crate::check::base62_crc32;

/// Fills the generators of `example`; the same seed gives the same text. The error names the generator that is wrong.
pub fn fill(example: &str, seed: u64) -> Result<String, String> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x6B65_7973_6965_7665);
    let mut filled = String::with_capacity(example.len() * 2);
    let mut rest = example;
    while let Some(open) = rest.find('<') {
        filled.push_str(&rest[..open]);
        let inner = &rest[open + 1..];
        let generated = inner
            .find('>')
            .map(|close| (close, &inner[..close]))
            .and_then(|(close, inside)| generate(inside, &mut random).map(|made| (close, made)));
        match generated {
            Some((close, made)) => {
                filled.push_str(&made?);
                rest = &inner[close + 1..];
            }
            None => {
                filled.push('<');
                rest = inner;
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// `None` when `inside` is no generator but text.
fn generate(inside: &str, random: &mut Random) -> Option<Result<String, String>> {
    if inside.starts_with('[') && inside.len() > 2 && inside.contains(']') || inside.starts_with("(?:") {
        return Some(expression(inside, random).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
    }
    if let Some(Ok(shape)) = shape::alone(inside) {
        return Some(expression(&shape, random).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
    }
    let (name, argument) = inside.split_once(' ').unwrap_or((inside, ""));
    let made = match name {
        "aws-key-id" => Ok(aws_key_id(argument, random)),
        "crc32-base62" => checksummed(argument, random, |prefix, payload| {
            format!("{prefix}{payload}{}", String::from_utf8_lossy(&base62_crc32(payload.as_bytes())))
        }),
        "crc32-hex" => checksummed(argument, random, |prefix, payload| {
            let token = format!("{prefix}{payload}");
            format!("{token}_{:08x}", crc32fast::hash(token.as_bytes()))
        }),
        "base64" => base64(argument, random),
        "base64-of" => expression(argument, random).map(|bytes| BASE64_STANDARD.encode(bytes)),
        "base64-raw-of" => expression(argument, random).map(|bytes| BASE64_STANDARD_NO_PAD.encode(bytes)),
        "jwt" => Ok(jwt(random)),
        "pypi-macaroon" => Ok(format!(
            "pypi-{}",
            BASE64_URL_SAFE_NO_PAD.encode([&b"\x02\x01\x08pypi.org\x02"[..], &random.bytes(60)].concat())
        )),
        "pem" => pem(argument, random),
        "pem-line" => pem(argument, random).map(|text| text.replace('\n', "\\n")),
        "pem-base64" => pem(argument, random).map(|text| BASE64_STANDARD.encode(text)),
        "putty" => Ok(putty(argument, random)),
        _ => return None,
    };
    Some(made)
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

fn expression(pattern: &str, random: &mut Random) -> Result<Vec<u8>, String> {
    let expanded = shape::expand(pattern).map_err(|what| format!("generator <{pattern}>: {what}"))?;
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&expanded);
    let hir = hir.map_err(|error| format!("generator <{pattern}>: {error}"))?;
    let mut bytes = Vec::new();
    walk(&hir, random, &mut bytes);
    Ok(bytes)
}

fn walk(hir: &Hir, random: &mut Random, into: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Literal(literal) => into.extend_from_slice(&literal.0),
        HirKind::Class(Class::Bytes(class)) => {
            let size = |range: &regex_syntax::hir::ClassBytesRange| u64::from(range.end() - range.start()) + 1;
            let mut index = random.below(class.ranges().iter().map(size).sum());
            for range in class.ranges() {
                if index < size(range) {
                    into.push(range.start() + index as u8);
                    break;
                }
                index -= size(range);
            }
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(repetition.min + 8);
            let count = u64::from(repetition.min) + random.below(u64::from(most - repetition.min) + 1);
            for _ in 0..count {
                walk(&repetition.sub, random, into);
            }
        }
        HirKind::Capture(capture) => walk(&capture.sub, random, into),
        HirKind::Concat(parts) => parts.iter().for_each(|part| walk(part, random, into)),
        HirKind::Alternation(parts) => walk(&parts[random.below(parts.len() as u64) as usize], random, into),
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Unicode(_)) => {}
    }
}

fn aws_key_id(prefix: &str, random: &mut Random) -> String {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let account = 100_000_000_000 + random.below(900_000_000_000);
    // One bit for the generation, 40 for the account, 39 at random: the 80 bits of sixteen characters.
    let bits = 1u128 << 79 | u128::from(account) << 39 | u128::from(random.below(1 << 39));
    let digits: String = (0..16).rev().map(|at| char::from(BASE32[(bits >> (5 * at) & 31) as usize])).collect();
    format!("{prefix}{digits}")
}

fn checksummed(argument: &str, random: &mut Random, join: impl Fn(&str, &str) -> String) -> Result<String, String> {
    let parts = argument.split_once(' ').and_then(|(prefix, count)| Some((prefix, count.parse::<usize>().ok()?)));
    let Some((prefix, count)) = parts else {
        return Err(format!("a checksum needs a prefix and a length, not `{argument}`"));
    };
    let payload = expression(&format!("[0-9A-Za-z]{{{count}}}"), random)?;
    Ok(join(prefix, &String::from_utf8_lossy(&payload)))
}

fn base64(argument: &str, random: &mut Random) -> Result<String, String> {
    let mut numbers = argument.split(' ').map(str::parse::<usize>);
    let Some(Ok(count)) = numbers.next() else {
        return Err(format!("base64 needs a number of bytes, not `{argument}`"));
    };
    let mut bytes = random.bytes(count);
    if let (Some(Ok(first)), Some(byte)) = (numbers.next(), bytes.first_mut()) {
        *byte = first as u8;
    }
    Ok(BASE64_STANDARD.encode(bytes))
}

fn jwt(random: &mut Random) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = format!(r#"{{"sub":"{}","iat":{}}}"#, random.below(1 << 40), 1_600_000_000 + random.below(1 << 28));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(random.bytes(32));
    format!("{header}.{}.{signature}", BASE64_URL_SAFE_NO_PAD.encode(claims))
}

fn pem(label: &str, random: &mut Random) -> Result<String, String> {
    let bytes = match label {
        "RSA PRIVATE KEY" => rsa(random),
        "DSA PRIVATE KEY" => der(
            0x30,
            &[der(2, &[0]), number(128, random), number(20, random), number(128, random), number(20, random)].concat(),
        ),
        "EC PRIVATE KEY" => der(0x30, &[der(2, &[1]), der(4, &random.bytes(32))].concat()),
        "PRIVATE KEY" => {
            let algorithm = [der(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), der(5, &[])].concat();
            let key = rsa(random);
            der(0x30, &[der(2, &[0]), der(0x30, &algorithm), der(4, &key)].concat())
        }
        "ENCRYPTED PRIVATE KEY" => der(0x30, &[der(0x30, &random.bytes(40)), der(4, &random.bytes(300))].concat()),
        "OPENSSH PRIVATE KEY" => {
            let counted = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
            [
                &b"openssh-key-v1\0"[..],
                &counted(b"none"),
                &counted(b"none"),
                &counted(b""),
                &[0, 0, 0, 1],
                &counted(&random.bytes(51)),
                &counted(&random.bytes(136)),
            ]
            .concat()
        }
        "PGP PRIVATE KEY BLOCK" => [&[0xc5, 0xff, 0, 0, 1, 0][..], &random.bytes(256)].concat(),
        _ => return Err(format!("no generator makes a PEM block `{label}`")),
    };
    let mut text = format!("-----BEGIN {label}-----\n");
    if label.starts_with("PGP") {
        text.push('\n');
    }
    let body = BASE64_STANDARD.encode(bytes);
    for line in body.as_bytes().chunks(64) {
        writeln!(text, "{}", String::from_utf8_lossy(line)).map_err(|error| error.to_string())?;
    }
    if label.starts_with("PGP") {
        writeln!(text, "={}", BASE64_STANDARD.encode(random.bytes(3))).map_err(|error| error.to_string())?;
    }
    Ok(format!("{text}-----END {label}-----"))
}

fn rsa(random: &mut Random) -> Vec<u8> {
    let sizes = [128, 3, 128, 64, 64, 64, 64, 64];
    let numbers: Vec<u8> = sizes.iter().flat_map(|size| number(*size, random)).collect();
    der(0x30, &[der(2, &[0]), numbers].concat())
}

fn number(size: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = random.bytes(size);
    bytes[0] = bytes[0] & 0x7f | 0x40;
    der(2, &bytes)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        short @ 0..=127 => vec![short as u8],
        middle @ 128..=255 => vec![0x81, middle as u8],
        long => vec![0x82, (long >> 8) as u8, long as u8],
    };
    [&[tag][..], &length, content].concat()
}

fn putty(encryption: &str, random: &mut Random) -> String {
    let lines = |count: usize, random: &mut Random| {
        let text = BASE64_STANDARD.encode(random.bytes(count * 48));
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\n")
    };
    format!(
        "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: {encryption}\nComment: made-up\nPublic-Lines: 2\n{}\nPrivate-Lines: 3\n{}\nPrivate-MAC: {}",
        lines(2, random),
        lines(3, random),
        String::from_utf8_lossy(&expression("[0-9a-f]{64}", random).unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_text() {
        let example = "a <[a-z]{8}> b <aws-key-id AKIA> <jwt>";
        assert_eq!(fill(example, 1), fill(example, 1));
        assert_ne!(fill(example, 1), fill(example, 2));
    }

    #[test]
    fn what_is_no_generator_is_text() {
        assert_eq!(fill("<your-token> <a> <", 1).unwrap(), "<your-token> <a> <");
    }

    #[test]
    fn a_wrong_generator_is_named() {
        assert!(fill("<[a-z]{>", 1).unwrap_err().contains("[a-z]{"));
        assert!(fill("<pem NO SUCH KEY>", 1).is_err());
    }
}
