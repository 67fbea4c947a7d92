//! The structure judge: what can be proven of a secret without asking anybody.
//!
//! In comes a secret's bytes, out goes an [`Outcome`]. A checksum that holds or a structure that parses is proof, one
//! that fails shows that the text only looks like the credential.

mod aws;
mod checksum;
mod encoded;
mod jwt;
mod private_key;
mod url;

use crate::reason::{Code, Reason};
use crate::rules::Check;

/// What a check found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The structure holds: chance would not make it.
    Proven(Reason),
    /// The structure is possible; the evidence, if any, is worth telling.
    Plausible(Option<Reason>),
    /// Proven, or at least possible, but harmless here: a password on this machine only.
    Harmless(Reason),
    /// Of no use as it stands: an encrypted key, the password of an example.
    Unlikely(Reason),
    /// The structure is wrong.
    Failed(Code),
}

/// Applies `check` to `secret`; `text` is what surrounds it, `start` where it begins there.
pub fn apply(check: Check, secret: &[u8], text: &[u8], start: usize) -> Outcome {
    match check {
        Check::AwsKeyId => aws::key_id(secret),
        Check::AwsSecretKey => aws::secret_key(secret),
        Check::AwsSmtpPassword => aws::smtp_password(secret),
        Check::AwsBedrockKey => aws::bedrock_key(secret),
        Check::BasicAuth => encoded::basic_auth(secret),
        Check::Crc32Base62 => checksum::crc32_base62(secret),
        Check::Crc32Hex => checksum::crc32_hex(secret),
        Check::DiscordToken => encoded::discord_token(secret),
        Check::JsonBase64 => encoded::json_after_prefix(secret),
        Check::Jwt => jwt::check(secret),
        Check::PrivateKey => private_key::check(secret),
        Check::PrivateKeyBase64 => private_key::check_base64(secret),
        Check::PypiMacaroon => encoded::pypi_macaroon(secret),
        Check::Key64Bytes => encoded::key_of_64_bytes(secret),
        Check::UrlPassword => url::password(secret, text, start),
        Check::KubernetesData => encoded::kubernetes_data(secret, text, start),
        Check::GitlabRoutable => checksum::gitlab_routable(secret),
    }
}

pub use checksum::base62_crc32;
