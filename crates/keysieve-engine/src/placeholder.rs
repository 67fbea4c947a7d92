//! Values that stand where a secret will be: templates, masks, documented examples.

use memchr::{memchr, memmem};

use crate::reason::Code;
use crate::words;

/// Why `value` is a template or a mask, whatever the rule; `None` if it is neither.
pub fn template(value: &[u8]) -> Option<Code> {
    let has = |needle: &[u8]| memmem::find(value, needle).is_some();
    let wrapped = |open: u8, close: u8| value.first() == Some(&open) && value.last() == Some(&close);
    if has(b"${") || has(b"{{") || has(b"#{") || has(b"<%") || has(b"$(") || has(b"%(") {
        return Some(Code::Template);
    }
    let named = |name: &[u8]| !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if let Some(name) = value.strip_prefix(b"$").filter(|name| named(name) && !name[0].is_ascii_digit()) {
        // `$ECRET1` is a password that a person might choose; variables are all of one case.
        let one_case = !name.iter().any(u8::is_ascii_lowercase) || !name.iter().any(u8::is_ascii_uppercase);
        if one_case {
            return Some(Code::Variable);
        }
    }
    if let Some((variable, member)) = value.strip_prefix(b"$").and_then(|name| {
        let dot = name.iter().position(|byte| matches!(byte, b'.' | b'-' | b'[' | b':' | b'/'))?;
        Some((&name[..dot], &name[dot + 1..]))
    }) && named(variable)
        && member.trim_ascii_start().first().is_some_and(|byte| !byte.is_ascii_digit())
    {
        return Some(Code::Expression);
    }
    if wrapped(b'%', b'%') && value.len() > 2 || wrapped(b'<', b'>') || wrapped(b'[', b']') || wrapped(b'{', b'}') {
        return Some(Code::Template);
    }
    if (value.starts_with(b"__") && value.ends_with(b"__") || wrapped(b'@', b'@')) && value.len() > 4 {
        return Some(Code::Template);
    }
    if memchr(b'<', value).is_some_and(|open| memchr(b'>', &value[open..]).is_some_and(|length| length > 2)) {
        return Some(Code::Template);
    }
    let is_constant = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    if value.strip_prefix(b"@").is_some_and(|name| name.len() > 3 && is_constant(name)) {
        return Some(Code::Template);
    }
    if value.ends_with(b"...") || value.ends_with("…".as_bytes()) {
        return Some(Code::CutShort);
    }
    if matches!(value, b"%s" | b"%v" | b"%d" | b"%@" | b"%q") {
        return Some(Code::FormatDirective);
    }
    let masks = value.iter().filter(|byte| matches!(byte, b'x' | b'X' | b'*' | b'.' | b'#' | b'_' | b'?')).count();
    if value.len() >= 3 && masks * 10 >= value.len() * 6 || memmem::find(value, "•".as_bytes()).is_some() {
        return Some(Code::Masked);
    }
    None
}

/// Why `value` is a placeholder by its words or runs; `None` if nothing says so.
pub fn placeholder(value: &[u8]) -> Option<Code> {
    if let Some(reason) = template(value) {
        return Some(reason);
    }
    let lower = value.to_ascii_lowercase();
    if words::PLACEHOLDER_VALUES.iter().any(|word| word.as_bytes() == lower) {
        return Some(Code::NoValueWord);
    }
    if let Some(reason) = says_so(value) {
        return Some(reason);
    }
    runs(&lower)
}

/// Why `value` calls itself an example, in so many words; `None` if it does not.
pub fn says_so(value: &[u8]) -> Option<Code> {
    let lower = value.to_ascii_lowercase();
    let starts: [&[u8]; 4] = [b"my_", b"my-", b"<your", b"enter "];
    let is_example = crossed_out(value)
        || words::PLACEHOLDER_PARTS.iter().any(|word| memmem::find(&lower, word.as_bytes()).is_some())
        || starts.iter().any(|start| lower.starts_with(start) && lower.len() < 16);
    is_example.then_some(Code::SaysExample)
}

/// Why a distinctive token is an example: its provider's word for it, or a run no random key has.
pub fn documented_example(value: &[u8]) -> Option<Code> {
    if let Some(reason) = masked_token(value) {
        return Some(reason);
    }
    let lower = value.to_ascii_lowercase();
    if crossed_out(value)
        || words::TOKEN_PLACEHOLDERS.iter().any(|word| memmem::find(&lower, word.as_bytes()).is_some())
    {
        return Some(Code::SaysExample);
    }
    // Long base64 has zero bytes in a row.
    if value.len() > 100 { None } else { runs(&lower) }
}

/// Four `x` of one case in a row; of mixed case they come up by chance in long keys.
fn crossed_out(value: &[u8]) -> bool {
    memmem::find(value, b"xxxx").is_some() || memmem::find(value, b"XXXX").is_some()
}

fn masked_token(value: &[u8]) -> Option<Code> {
    let has = |needle: &[u8]| memmem::find(value, needle).is_some();
    (has(b"${") || has(b"{{") || has(b"***") || has(b"...") || has(b"<")).then_some(Code::MaskedToken)
}

/// Eight equal characters, or eight that count up, in a row.
fn runs(lower: &[u8]) -> Option<Code> {
    const RUN: usize = 8;
    let run_of = |step: u8| {
        let mut length = 1;
        lower.windows(2).any(|pair| {
            let follows = pair[1] == pair[0].wrapping_add(step) && pair[0].is_ascii_alphanumeric();
            length = if follows { length + 1 } else { 1 };
            length >= RUN
        })
    };
    if run_of(0) {
        return Some(Code::Repeats);
    }
    // `1234567890` wraps round, so nine to zero counts as a step in the digits.
    if run_of(1) && !lower.iter().all(u8::is_ascii_digit) {
        return Some(Code::CountsUp);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_secrets() {
        for value in [
            "${DB_PASSWORD}",
            "<your-token>",
            "changeme",
            "xxxxxxxx",
            "{{ password }}",
            "$PASSWORD",
            "%PASSWORD%",
            "********",
            "#{secret}",
            "[password]",
            "%s",
            "null",
            "abcdefgh1",
            "your_password",
            "__TOKEN__",
            "............",
        ] {
            assert!(placeholder(value.as_bytes()).is_some(), "{value}");
        }
        for value in ["MyRealPassword123", "Admin2025!", "$ecReT77", "p@ssw0rd", "7iredweWNfag", "1234567890"] {
            assert_eq!(placeholder(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn documented_examples_are_told_from_tokens() {
        assert!(documented_example(concat!("AKIA", "IOSFODNN7EXAMPLE").as_bytes()).is_some());
        assert!(documented_example(b"sk_live_abcdefghijklmnop").is_some());
        assert_eq!(documented_example(concat!("AKIA", "Q7RTE5W2LJ4ZVN6M").as_bytes()), None);
    }
}
