//! The password of a URL or connection string, with what stands around it.

use super::Outcome;
use crate::reason::Code;
use crate::{placeholder, plausibility};

/// Templates are no passwords; well-known ones and ones for this machine only are harmless.
pub fn password(secret: &[u8], text: &[u8], start: usize) -> Outcome {
    if let Some(reason) = placeholder::placeholder(secret) {
        let whole_word = secret.eq_ignore_ascii_case(b"password") || secret.eq_ignore_ascii_case(b"passwd");
        return if whole_word { Outcome::Failed(Code::StandsForPassword) } else { Outcome::Failed(reason) };
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
        return Outcome::Failed(Code::StandsForPassword);
    }
    // Code that builds a URL out of parts: `"https://" + user + ":" + password + "@"`.
    if secret.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'+' | b'{' | b'}' | b'(' | b')' | b' '))
        && secret.len() < 40
    {
        return Outcome::Failed(Code::CodeOrTemplate);
    }
    if secret.first() == Some(&b'$') || secret.first() == Some(&b':') && secret.len() < 24 {
        return Outcome::Failed(Code::Variable);
    }
    if secret.iter().any(|byte| matches!(byte, b'[' | b']')) {
        return Outcome::Failed(Code::OptionalPart);
    }
    let port = secret.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if port > 0 && matches!(secret.get(port), Some(b'#' | b'?' | b'/')) {
        return Outcome::Failed(Code::Port);
    }
    if names_itself(secret) {
        return Outcome::Failed(Code::StandsForPassword);
    }
    let user = text[..start].strip_suffix(b":").unwrap_or_default();
    let is_users = user.len() > secret.len()
        && user[user.len() - secret.len()..].eq_ignore_ascii_case(secret)
        && !user[user.len() - secret.len() - 1].is_ascii_alphanumeric();
    if is_users {
        return Outcome::Unlikely(Code::UserIsPassword.into());
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
        return match is_weak(secret) {
            true => Outcome::Unlikely(Code::ExamplePassword.into()),
            false => Outcome::Harmless(Code::ExampleHost.into()),
        };
    }
    if host == b"localhost" || host.starts_with(b"127.") || host == b"0.0.0.0" {
        return Outcome::Harmless(Code::LocalHost.into());
    }
    if plausibility::well_known_password(secret) {
        return Outcome::Harmless(Code::WellKnownPassword.into());
    }
    Outcome::Plausible(Some(Code::ConnectionPassword.into()))
}

/// Whether a password is named instead of given: `API_PASSWORD`, `random_password`.
fn names_itself(secret: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b':');
    let is_word =
        |word: &[u8]| ["password", "passwd", "pass", "token"].iter().any(|it| word.eq_ignore_ascii_case(it.as_bytes()));
    secret.iter().all(is_name) && (plausibility::words(secret).any(is_word) || is_constant(secret))
}

/// Words in capitals with an underscore between them, as constants and variables have them.
fn is_constant(secret: &[u8]) -> bool {
    secret.contains(&b'_') && secret.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
}

/// Whether a password is one of the first to try, with or without digits after it.
fn is_weak(secret: &[u8]) -> bool {
    let digits = secret.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let lower = secret.to_ascii_lowercase();
    plausibility::well_known_password(&secret[..secret.len() - digits])
        || plausibility::well_known_password(secret)
        || secret.len() <= 6
        || memchr::memmem::find(&lower, b"pass").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_and_templates_are_told_from_passwords() {
        let judged = |url: &str, secret: &str| password(secret.as_bytes(), url.as_bytes(), url.find(secret).unwrap());
        for (url, secret) in [
            ("postgres://API_USER:API_PASSWORD@db/x", "API_PASSWORD"),
            ("http://google.com:80#@www.x.tld/", "80#"),
            ("postgres://[user[:password]@][netloc]", "password]"),
            ("mongodb://heroku_1:random_password@ds029017/x", "random_password"),
        ] {
            assert!(matches!(judged(url, secret), Outcome::Failed(_)), "{url}");
        }
        for (url, secret) in [("http://:secret123@example.com", "secret123"), ("x://gorm-1:gorm-1@mysql/x", "gorm-1@")]
        {
            let secret = secret.trim_end_matches('@');
            let start = url.rfind(secret).unwrap();
            assert!(matches!(password(secret.as_bytes(), url.as_bytes(), start), Outcome::Unlikely(_)), "{url}");
        }
        assert!(matches!(judged("http://ann:Tr4vel-91@db.corp.io", "Tr4vel-91"), Outcome::Plausible(_)));
    }
}
