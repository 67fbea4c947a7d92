//! What AWS puts into its keys.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

use super::Outcome;
use crate::reason::Code;

/// Decodes the account id, for keys of the generation that holds one.
///
/// The sixteen characters after the prefix are base32 of ten bytes: one bit that tells the generation, then the account
/// id in 40 bits ("A short note on AWS key id", T. Be'ery, 2023).
pub(super) fn key_id(secret: &[u8]) -> Outcome {
    let Some(bits) = secret.get(4..14).and_then(base32_bits) else {
        return Outcome::Failed(Code::NotBase32);
    };
    // Ten characters are 50 bits; the account id is bits 1 to 40.
    let (generation, account) = (bits >> 49, bits >> 9 & ((1 << 40) - 1));
    match generation {
        0 => Outcome::Plausible(Some(Code::OldAwsKey.into())),
        _ if account < 1_000_000_000_000 => {
            Outcome::Plausible(Some(Code::AwsAccount.with(format_args!("{account:012}"))))
        }
        _ => Outcome::Failed(Code::AwsAccountTooLong),
    }
}

fn base32_bits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0u64, |bits, byte| {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        Some(bits << 5 | u64::from(digit))
    })
}

/// Forty base64 characters of random bytes: rarely hexadecimal, never a path or a name.
pub(super) fn secret_key(secret: &[u8]) -> Outcome {
    if secret.iter().all(u8::is_ascii_hexdigit) {
        return Outcome::Failed(Code::GitHash);
    }
    let has = |class: fn(&u8) -> bool| secret.iter().any(class);
    if !(has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)) {
        return Outcome::Failed(Code::LacksClasses);
    }
    if secret.iter().filter(|byte| **byte == b'/').count() > 5 {
        return Outcome::Failed(Code::Path);
    }
    Outcome::Plausible(None)
}

/// Base64 of a version byte, 4, and 32 bytes of signature ("Obtaining Amazon SES SMTP credentials").
pub(super) fn smtp_password(secret: &[u8]) -> Outcome {
    match BASE64_STANDARD.decode(secret) {
        Ok(bytes) if bytes.len() == 33 && bytes[0] == 4 => Outcome::Proven(Code::SesPassword.into()),
        _ => Outcome::Failed(Code::NotSesPassword),
    }
}

/// `ABSK` and base64 of `BedrockAPIKey-…:…`.
pub(super) fn bedrock_key(secret: &[u8]) -> Outcome {
    let text = secret.get(4..).unwrap_or_default();
    let unpadded = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    match BASE64_STANDARD_NO_PAD.decode(unpadded) {
        Ok(bytes) if bytes.starts_with(b"BedrockAPIKey-") => Outcome::Proven(Code::BedrockKey.into()),
        _ => Outcome::Failed(Code::NotBedrockKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_id_is_decoded() {
        // From the article that describes the format.
        let id = concat!("ASIA", "Y34FZKBOKMUTVV7A");
        assert_eq!(key_id(id.as_bytes()), Outcome::Plausible(Some(Code::AwsAccount.with("609629065308"))));
    }

    #[test]
    fn impossible_ids_fail() {
        assert!(matches!(key_id(concat!("AKIA", "7777777777777777").as_bytes()), Outcome::Failed(_)));
        assert!(matches!(key_id(concat!("AKIA", "1000000000000000").as_bytes()), Outcome::Failed(_)));
        assert!(matches!(key_id(concat!("AKIA", "IAAAAAAAAAAAAAAA").as_bytes()), Outcome::Plausible(_)));
    }
}
