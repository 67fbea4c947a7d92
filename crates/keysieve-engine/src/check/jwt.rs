//! JSON Web Tokens (RFC 7519).

use serde_json::{Map, Value};

use super::{Outcome, encoded};

/// Header and payload are JSON objects, and the header names an algorithm.
pub fn check(secret: &[u8]) -> Outcome {
    let mut parts = secret.split(|byte| *byte == b'.');
    let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return Outcome::Failed("it has less than three parts");
    };
    let object =
        |part: &[u8]| encoded::decode(part).and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(&bytes).ok());
    let Some(header) = object(header) else { return Outcome::Failed("its header is no JSON object") };
    let Some(algorithm) = header.get("alg").and_then(Value::as_str) else {
        return Outcome::Failed("its header names no algorithm");
    };
    if header.contains_key("enc") {
        return Outcome::Plausible(Some("an encrypted token (JWE)".into()));
    }
    let Some(claims) = object(payload) else { return Outcome::Failed("its payload is no JSON object") };
    if algorithm.eq_ignore_ascii_case("none") || signature.is_empty() {
        return Outcome::Harmless("it carries no signature".into());
    }
    // The token that jwt.io shows to every visitor, and its many copies.
    let name = claims.get("name").and_then(Value::as_str);
    if name == Some("John Doe") && claims.get("sub").and_then(Value::as_str) == Some("1234567890") {
        return Outcome::Failed("it is the example of jwt.io");
    }
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str).unwrap_or_default();
    if text("role") == "anon" && text("iss").contains("supabase") {
        return Outcome::Harmless("Supabase's anonymous key, which is made to be public".into());
    }
    if text("iss") == "supabase-demo" {
        return Outcome::Harmless("the key of every local Supabase".into());
    }
    let algorithm: String = algorithm.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    Outcome::Proven(format!("header and payload parse; signed with {algorithm}").into())
}
