//! The password of a URL or connection string, with what stands around it.

use super::Outcome;
use crate::detect::{placeholder, plausibility};

/// Templates are no passwords; well-known ones and ones for this machine only are harmless.
pub fn password(secret: &[u8], text: &[u8], start: usize) -> Outcome {
    if let Some(reason) = placeholder::placeholder(secret) {
        let whole_word = secret.eq_ignore_ascii_case(b"password") || secret.eq_ignore_ascii_case(b"passwd");
        return if whole_word { Outcome::Failed("it stands for a password") } else { Outcome::Failed(reason) };
    }
    if matches!(
        secret,
        b"pass"
            | b"pwd"
            | b"pw"
            | b"PASS"
            | b"PASSWORD"
            | b"PWD"
            | b"user"
            | b"p"
            | b"x"
            | b"key"
            | b"token"
            | b"secret"
    ) {
        return Outcome::Failed("it stands for a password");
    }
    // Code that builds a URL out of parts: `"https://" + user + ":" + password + "@"`.
    if secret.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'+' | b'{' | b'}' | b'(' | b')' | b' '))
        && secret.len() < 40
    {
        return Outcome::Failed("it is code or a template");
    }
    if secret.first() == Some(&b'$') || secret.first() == Some(&b':') && secret.len() < 24 {
        return Outcome::Failed("it is the name of a variable");
    }
    let rest = &text[(start + secret.len()).min(text.len())..];
    let host = rest.strip_prefix(b"@").unwrap_or_default();
    let end = host
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-' | b'_'))
        .unwrap_or(host.len());
    let host = host[..end].to_ascii_lowercase();
    let example = [
        &b"example.com"[..],
        b"example.org",
        b"example.net",
        b"example",
        b"host",
        b"hostname",
        b"server",
        b"domain.com",
        b"myhost",
    ];
    if example
        .iter()
        .any(|name| host == *name || host.ends_with(name) && host[..host.len() - name.len()].ends_with(b"."))
    {
        return Outcome::Harmless("its host is an example".into());
    }
    if host == b"localhost" || host.starts_with(b"127.") || host == b"0.0.0.0" {
        return Outcome::Harmless("it opens a service on the same machine".into());
    }
    if plausibility::well_known_password(secret) {
        return Outcome::Harmless("a password that everybody tries first".into());
    }
    Outcome::Plausible(Some("it stands where a connection's password goes".into()))
}
