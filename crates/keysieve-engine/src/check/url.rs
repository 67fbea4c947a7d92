//! The password of a URL or connection string, with what stands around it.

use super::Outcome;
use crate::reason::Code;
use crate::{placeholder, plausibility, words};

/// Templates are no passwords; well-known ones and ones for this machine only are harmless.
pub(super) fn password(secret: &[u8], text: &[u8], start: usize) -> Outcome {
    if let Some(reason) = stands_for_one(secret) {
        return Outcome::Failed(reason);
    }
    if is_users_name(secret, &text[..start]) {
        return Outcome::Unlikely(Code::UserIsPassword.into());
    }
    let host = host(&text[(start + secret.len()).min(text.len())..]);
    if is_example(&host) {
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

/// Why something only stands where a password will be.
fn stands_for_one(secret: &[u8]) -> Option<Code> {
    if let Some(reason) = placeholder::placeholder(secret) {
        let whole_word = secret.eq_ignore_ascii_case(b"password") || secret.eq_ignore_ascii_case(b"passwd");
        return Some(if whole_word { Code::StandsForPassword } else { reason });
    }
    if words::PASSWORD_NAMES.iter().any(|name| name.as_bytes() == secret) {
        return Some(Code::StandsForPassword);
    }
    // Code that builds a URL out of parts: `"https://" + user + ":" + password + "@"`.
    if secret.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'+' | b'{' | b'}' | b'(' | b')' | b' '))
        && secret.len() < 40
    {
        return Some(Code::CodeOrTemplate);
    }
    if secret.first() == Some(&b'$') || secret.first() == Some(&b':') && secret.len() < 24 {
        return Some(Code::Variable);
    }
    if secret.iter().any(|byte| matches!(byte, b'[' | b']')) {
        return Some(Code::OptionalPart);
    }
    let port = secret.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if port > 0 && matches!(secret.get(port), Some(b'#' | b'?' | b'/')) {
        return Some(Code::Port);
    }
    names_itself(secret).then_some(Code::StandsForPassword)
}

/// Whether the user's name, which ends with the colon that `before` ends with, is the password as well.
fn is_users_name(secret: &[u8], before: &[u8]) -> bool {
    let user = before.strip_suffix(b":").unwrap_or_default();
    user.len() > secret.len()
        && user[user.len() - secret.len()..].eq_ignore_ascii_case(secret)
        && !user[user.len() - secret.len() - 1].is_ascii_alphanumeric()
}

/// The host that follows a password, in lower case; empty if none does.
fn host(after: &[u8]) -> Vec<u8> {
    let host = after.strip_prefix(b"@").unwrap_or_default();
    let end = host.iter().position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-' | b'_'));
    host[..end.unwrap_or(host.len())].to_ascii_lowercase()
}

fn is_example(host: &[u8]) -> bool {
    words::EXAMPLE_HOSTS
        .iter()
        .any(|name| host.strip_suffix(name.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.ends_with(b".")))
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
