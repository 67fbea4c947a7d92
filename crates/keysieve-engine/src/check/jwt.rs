//! JSON Web Tokens (RFC 7519).

use crate::reason::Code;
use serde_json::{Map, Value};

use super::{Outcome, encoded};

/// Header and payload are JSON objects, and the header names an algorithm.
pub(super) fn check(secret: &[u8]) -> Outcome {
    let mut parts = secret.split(|byte| *byte == b'.');
    let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return Outcome::Failed(Code::JwtParts);
    };
    let object =
        |part: &[u8]| encoded::decode(part).and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(&bytes).ok());
    let Some(header) = object(header) else { return Outcome::Failed(Code::JwtHeader) };
    let Some(algorithm) = header.get("alg").and_then(Value::as_str) else {
        return Outcome::Failed(Code::JwtNoAlgorithm);
    };
    if header.contains_key("enc") {
        return Outcome::Plausible(Some(Code::Jwe.into()));
    }
    let Some(claims) = object(payload) else { return Outcome::Failed(Code::JwtPayload) };
    if algorithm.eq_ignore_ascii_case("none") || signature.is_empty() {
        return Outcome::Harmless(Code::JwtUnsigned.into());
    }
    // The token that jwt.io shows to every visitor, and its many copies.
    let name = claims.get("name").and_then(Value::as_str);
    if name == Some("John Doe") && claims.get("sub").and_then(Value::as_str) == Some("1234567890") {
        return Outcome::Failed(Code::JwtExample);
    }
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str).unwrap_or_default();
    if text("role") == "anon" && text("iss").contains("supabase") {
        return Outcome::Harmless(Code::SupabaseAnonymous.into());
    }
    if text("iss") == "supabase-demo" {
        return Outcome::Harmless(Code::SupabaseLocal.into());
    }
    let algorithm: String = algorithm.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    Outcome::Proven(Code::Jwt.with(algorithm))
}
