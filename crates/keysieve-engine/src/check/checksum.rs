//! Tokens that carry a CRC32 of themselves.

use super::Outcome;
use crate::reason::Code;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The CRC32 of `payload` as six base62 digits, as GitHub and npm end their tokens
/// ("Behind GitHub's new authentication token formats", 2021).
pub fn base62_crc32(payload: &[u8]) -> [u8; 6] {
    let mut rest = crc32fast::hash(payload);
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// `prefix_payload` with six digits of checksum over the payload.
pub(super) fn crc32_base62(secret: &[u8]) -> Outcome {
    let payload = secret.iter().position(|byte| *byte == b'_').map(|at| &secret[at + 1..]);
    let Some((payload, digits)) = payload.and_then(|payload| Some(payload.split_at(payload.len().checked_sub(6)?)))
    else {
        return Outcome::Failed(Code::ChecksumTooShort);
    };
    if digits == base62_crc32(payload) {
        Outcome::Proven(Code::ChecksumHolds.into())
    } else {
        Outcome::Failed(Code::ChecksumWrong)
    }
}

/// `prefix-payload.01.` with the payload's length in two base36 digits and the CRC32 of all before in seven (GitLab's
/// "Routable tokens"). Older tokens end otherwise, and are possible.
pub(super) fn gitlab_routable(secret: &[u8]) -> Outcome {
    let Some((body, crc)) = secret.split_at_checked(secret.len().saturating_sub(7)) else {
        return Outcome::Plausible(None);
    };
    let Ok(crc) = std::str::from_utf8(crc) else { return Outcome::Plausible(None) };
    let is_routable = body.len() > 2 && body[..body.len() - 2].ends_with(b".");
    match u32::from_str_radix(crc, 36) {
        Ok(crc) if is_routable && crc == crc32fast::hash(body) => Outcome::Proven(Code::ChecksumHolds.into()),
        _ => Outcome::Plausible(None),
    }
}

/// `prefix_payload_` with eight hexadecimal digits of checksum over all before the last `_`.
pub(super) fn crc32_hex(secret: &[u8]) -> Outcome {
    let Some(at) = memchr::memrchr(b'_', secret) else { return Outcome::Failed(Code::NoChecksum) };
    let expected = format!("{:08x}", crc32fast::hash(&secret[..at]));
    if secret[at + 1..].eq_ignore_ascii_case(expected.as_bytes()) {
        Outcome::Proven(Code::ChecksumHolds.into())
    } else {
        Outcome::Failed(Code::ChecksumWrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_checksum_holds() {
        // The payload and checksum that articles on the format quote; split so that no token stands here.
        assert_eq!(&base62_crc32(concat!("zQWBuTSOoRi4A9sp", "HcVY5ncnsDkxkJ").as_bytes()), b"0mLq17");
    }

    #[test]
    fn a_routable_token_proves_itself() {
        let body = format!("glpat-{}.01.0r", "a".repeat(27));
        let mut crc = crc32fast::hash(body.as_bytes());
        let mut digits = [b'0'; 7];
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(crc % 36) as usize];
            crc /= 36;
        }
        let token = [body.as_bytes(), &digits].concat();
        assert!(matches!(gitlab_routable(&token), Outcome::Proven(_)));
        assert_eq!(gitlab_routable(&token[..token.len() - 1]), Outcome::Plausible(None));
        assert_eq!(gitlab_routable(b"glpat"), Outcome::Plausible(None));
    }

    #[test]
    fn one_wrong_digit_fails() {
        let payload = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let mut token = [b"abc_".as_slice(), payload, &base62_crc32(payload)].concat();
        assert!(matches!(crc32_base62(&token), Outcome::Proven(_)));
        *token.last_mut().unwrap() ^= 1;
        assert!(matches!(crc32_base62(&token), Outcome::Failed(_)));
        assert!(matches!(crc32_base62(b"abc_1"), Outcome::Failed(_)));
    }
}
