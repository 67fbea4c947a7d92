//! What a scan finds: the vocabulary that engine and reports share.
//!
//! Two questions stay apart here. [`Confidence`] says whether something is a credential at all, [`Severity`] what it
//! opens at the place where it stands. A [`Secret`] redacts itself wherever it is printed and is wiped when dropped.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroize;

use crate::reason::Reason;

pub use crate::rating::{Advice, Confidence, Severity};

/// The bytes of a credential. `Debug` and `Display` show only the part that the provider prints on every key of the kind.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret {
    bytes: Vec<u8>,
    /// How many leading bytes are the same on every key of this kind, and therefore no secret.
    public_prefix: usize,
    /// What an earlier report printed instead of a secret that is not known here.
    described: Option<Box<str>>,
}

impl Secret {
    /// Takes `bytes`, of which the first `public_prefix` may be shown.
    pub fn new(bytes: &[u8], public_prefix: usize) -> Self {
        // A prefix that is most of the value would give the rest away by its length alone.
        let public_prefix = if public_prefix + 8 <= bytes.len() { public_prefix } else { 0 };
        Self { bytes: bytes.to_vec(), public_prefix, described: None }
    }

    /// A secret of which only the redacted form is known.
    pub fn redacted(described: &str) -> Self {
        let public = described.split_once("…[redacted").map_or("", |(public, _)| public);
        Self { bytes: public.into(), public_prefix: public.len(), described: Some(described.into()) }
    }

    /// Whether only its redacted form is known.
    pub fn is_redacted(&self) -> bool {
        self.described.is_some()
    }

    /// The part that is the same on every key of this kind, such as `AKIA`.
    pub fn public_part(&self) -> &[u8] {
        &self.bytes[..self.public_prefix]
    }

    /// The secret in the clear. Only `--show-secrets`, fingerprints and masking call this.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// The secret in the clear as text, with bytes that are not UTF-8 replaced.
    pub fn expose_text(&self) -> Cow<'_, str> {
        match &self.described {
            Some(described) => Cow::Borrowed(described),
            None => String::from_utf8_lossy(&self.bytes),
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(described) = &self.described {
            return f.write_str(described);
        }
        let (shown, hidden) = self.bytes.split_at(self.public_prefix);
        let hidden = String::from_utf8_lossy(hidden).chars().count();
        if shown.is_empty() {
            write!(f, "[redacted {hidden}]")
        } else {
            write!(f, "{}…[redacted {hidden}]", String::from_utf8_lossy(shown))
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Where a secret stands in its content. Lines and columns count from 1, columns in Unicode code points (a byte that
/// is no UTF-8 counts as the code point it would stand for); the end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Line of the first character.
    pub line: u64,
    /// Column of the first character.
    pub column: u64,
    /// Line of the last character.
    pub end_line: u64,
    /// Column after the last character.
    pub end_column: u64,
}

/// What identifies a finding across runs: `rule:hash:path`. Line numbers and commits are not in it, so moving or
/// reformatting code keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Takes a fingerprint as a user or a file wrote it; the error names what its form is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(3, ':').collect();
        let well_formed = matches!(parts[..], [rule, hash, path]
            if !rule.is_empty() && !path.is_empty()
                && hash.len() == HASH_DIGITS && hash.bytes().all(|b| b.is_ascii_hexdigit()));
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is no fingerprint; one reads `rule:{}:path`", "0".repeat(HASH_DIGITS)))
        }
    }

    /// The content that it names.
    pub fn path(&self) -> &str {
        self.0.splitn(3, ':').nth(2).unwrap_or_default()
    }

    /// The same with another name for the content.
    pub fn with_path(&self, name: impl FnOnce(&str) -> String) -> Self {
        let path = self.path();
        Self(format!("{}{}", &self.0[..self.0.len() - path.len()], name(path)))
    }

    /// The text, `rule:hash:path`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Hexadecimal digits of the hash in a fingerprint: 80 bits, enough that no two secrets meet by chance.
pub(crate) const HASH_DIGITS: usize = 20;

/// The key of the hash in fingerprints.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of all runs without a baseline, so that they agree. It protects nothing: whoever holds a fingerprint
    /// made with it can test guesses of a weak password.
    pub fn fixed() -> Self {
        Self(*blake3::hash(b"keysieve fingerprint, version 1").as_bytes())
    }

    /// The key with these 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The fingerprint of `secret`, found by `rule` in the content named `path`.
    pub fn fingerprint(&self, rule: &str, secret: &Secret, path: &str) -> Fingerprint {
        let hash = blake3::keyed_hash(&self.0, secret.expose()).to_hex();
        Fingerprint(format!("{rule}:{}:{path}", &hash[..HASH_DIGITS]))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// The line around a secret, without the secret itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// What stands before the secret on its line; other secrets are masked.
    pub before: String,
    /// How many characters the secret takes on its first line.
    pub masked: usize,
    /// What stands after it on that line.
    pub after: String,
}

/// The other half of a credential that has two, such as the secret key of an access key id.
#[derive(Debug, Clone)]
pub struct Partner {
    /// Id of the rule that found it.
    pub rule: Cow<'static, str>,
    /// Where it stands, in the same content.
    pub place: Place,
    /// The other half.
    pub secret: Secret,
}

/// One credential at one place.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Id of the rule.
    pub rule: Cow<'static, str>,
    /// What the rule finds, in words.
    pub title: Cow<'static, str>,
    /// What it opens here.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// The reasons for both.
    pub evidence: Vec<Reason>,
    /// The path that it was judged by, from the root of the repository or the scanned folder on; empty if there is none.
    pub repo_path: String,
    /// Where in the content.
    pub place: Place,
    /// The credential.
    pub secret: Secret,
    /// The line around it.
    pub excerpt: Excerpt,
    /// Its other half, if the credential has two and both were there.
    pub partner: Option<Partner>,
    /// What identifies the finding across runs.
    pub fingerprint: Fingerprint,
    /// What to do about it.
    pub advice: Advice,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new(b"AKIAQQQQQQQQQQQQQQQQ", 4);
        assert_eq!(secret.to_string(), "AKIA…[redacted 16]");
        assert_eq!(format!("{secret:?}"), "Secret(AKIA…[redacted 16])");
        assert_eq!(Secret::new(b"hunter2", 0).to_string(), "[redacted 7]");
    }

    #[test]
    fn a_prefix_is_hidden_when_little_else_remains() {
        assert_eq!(Secret::new(b"key-abc", 4).to_string(), "[redacted 7]");
    }

    #[test]
    fn fingerprints_depend_on_rule_secret_path_and_key() {
        let (a, b) = (Secret::new(b"one-secret", 0), Secret::new(b"two-secret", 0));
        let key = Key::fixed();
        let fingerprint = key.fingerprint("r", &a, "p");
        assert_eq!(fingerprint, key.fingerprint("r", &a, "p"));
        assert_ne!(fingerprint, key.fingerprint("r", &b, "p"));
        assert_ne!(fingerprint, key.fingerprint("r", &a, "q"));
        assert_ne!(fingerprint, Key::from_bytes([7; 32]).fingerprint("r", &a, "p"));
        assert_eq!(Fingerprint::parse(fingerprint.as_str()), Ok(fingerprint));
        assert!(Fingerprint::parse("r:123:p").is_err());
    }

    #[test]
    fn severities_and_confidences_are_ordered() {
        assert!(Severity::Critical > Severity::Low && Confidence::Certain > Confidence::Medium);
    }
}
