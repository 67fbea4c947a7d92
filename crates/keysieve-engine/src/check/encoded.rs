//! Secrets that are an encoding of something known.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Outcome;
use crate::assignment::line_start;
use crate::reason::Code;
use crate::{placeholder, plausibility, words};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Base64 in either alphabet, padded or not.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// Base64 of `user:password` (RFC 7617).
pub(super) fn basic_auth(secret: &[u8]) -> Outcome {
    let Some(bytes) = decode(secret) else { return Outcome::Failed(Code::NotBase64) };
    let Some(colon) = memchr::memchr(b':', &bytes) else { return Outcome::Failed(Code::NoUserPassword) };
    let printable = std::str::from_utf8(&bytes).is_ok_and(|text| !text.chars().any(char::is_control));
    let password = &bytes[colon + 1..];
    if !printable || bytes.len() < 4 || password.is_empty() {
        return Outcome::Failed(Code::NoUserPassword);
    }
    if placeholder::placeholder(password).is_some() {
        return Outcome::Failed(Code::PlaceholderInside);
    }
    Outcome::Proven(Code::UserAndPassword.into())
}

/// Base64 of text, as Kubernetes writes a Secret's `data`; the key stands before it on the line.
pub(super) fn kubernetes_data(secret: &[u8], text: &[u8], start: usize) -> Outcome {
    let line = &text[line_start(text, start, 512)..start];
    let key = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let last = plausibility::words(key).last().unwrap_or_default();
    if words::PUBLIC_KEYS.iter().any(|word| last.eq_ignore_ascii_case(word.as_bytes())) {
        return Outcome::Failed(Code::PublicKeyName);
    }
    let Some(plain) = decode(secret) else { return Outcome::Failed(Code::NotBase64) };
    let plain = plain.trim_ascii();
    if plain.len() < 4 || plain.starts_with(b"-----BEGIN CERTIFICATE") {
        return Outcome::Failed(Code::HoldsNoSecret);
    }
    if let Some(reason) = placeholder::placeholder(plain) {
        return Outcome::Failed(reason);
    }
    match std::str::from_utf8(plain) {
        Ok(_) if plausibility::well_known_password(plain) => Outcome::Harmless(Code::WellKnownBase64.into()),
        Ok(plain) => Outcome::Plausible(Some(Code::SecretText.with(plain.len()))),
        Err(_) => Outcome::Plausible(Some(Code::SecretBytes.into())),
    }
}

/// Something, then base64 of a JSON object up to the next `_` or the end (Grafana, Sentry, Docker).
pub(super) fn json_after_prefix(secret: &[u8]) -> Outcome {
    let Some(start) = memchr::memmem::find(secret, b"eyJ") else { return Outcome::Failed(Code::NoJson) };
    let text = secret[start..].split(|byte| *byte == b'_').next().unwrap_or_default();
    match decode(text).filter(|bytes| serde_json::from_slice::<serde_json::Map<_, _>>(bytes).is_ok()) {
        Some(_) => Outcome::Proven(Code::JsonObject.into()),
        None => Outcome::Failed(Code::NotJsonObject),
    }
}

/// `pypi-` and base64 of a macaroon: version 2, field 1 its location (libmacaroons v2 binary format).
pub(super) fn pypi_macaroon(secret: &[u8]) -> Outcome {
    let bytes = secret.strip_prefix(b"pypi-").and_then(decode).unwrap_or_default();
    match bytes.as_slice() {
        [2, 1, length, rest @ ..] => {
            match rest.get(..usize::from(*length)).and_then(|text| std::str::from_utf8(text).ok()) {
                Some(location) if location.contains("pypi.org") => Outcome::Proven(Code::Macaroon.with(location)),
                _ => Outcome::Failed(Code::OtherMacaroon),
            }
        }
        _ => Outcome::Failed(Code::NotMacaroon),
    }
}

/// Base64 of 64 bytes.
pub(super) fn key_of_64_bytes(secret: &[u8]) -> Outcome {
    match decode(secret) {
        Some(bytes) if bytes.len() == 64 => {
            let mut distinct = bytes.clone();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() < 24 {
                return Outcome::Failed(Code::RepeatedBytes);
            }
            Outcome::Plausible(Some(Code::AccountKey.into()))
        }
        _ => Outcome::Failed(Code::NotAccountKey),
    }
}

/// The part before the first dot is base64 of the decimal user id, a snowflake of 17 to 20 digits.
pub(super) fn discord_token(secret: &[u8]) -> Outcome {
    let first = secret.split(|byte| *byte == b'.').next().unwrap_or_default();
    match decode(first) {
        Some(id) if (17..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit) => {
            Outcome::Proven(Code::DiscordUser.into())
        }
        _ => Outcome::Failed(Code::NotDiscordUser),
    }
}
