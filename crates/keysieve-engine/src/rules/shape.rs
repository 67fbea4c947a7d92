//! Named shapes of values: `hex:32` says `[0-9a-f]{32}`, and is read at a glance.
//!
//! A shape stands alone as a rule's `value` and as a generator in an example (`<hex:32>`), and in braces inside of an
//! expression: `\bghp_{base62:36}\b`. A brace before a letter is no repetition, so no expression means anything else.

use std::borrow::Cow;

/// The alphabets that a shape may name, each with its class of characters.
pub const ALPHABETS: [(&str, &str); 8] = [
    ("hex", "[0-9a-f]"),
    ("hex-upper", "[0-9A-F]"),
    ("base32", "[A-Z2-7]"),
    ("base36", "[a-z0-9]"),
    ("base36-upper", "[A-Z0-9]"),
    ("base62", "[A-Za-z0-9]"),
    ("base64", "[A-Za-z0-9+/]"),
    ("base64url", "[A-Za-z0-9_-]"),
];

/// A UUID in lower case.
pub const UUID: (&str, &str) = ("uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

/// The expression of a shape that is all of `text`: `uuid`, an alphabet and a length (`hex:32`), or an alphabet and the
/// least and the most (`hex:32-40`). `None` if it is written otherwise; an error if it is written so and is no shape.
pub fn alone(text: &str) -> Option<Result<String, String>> {
    if text == UUID.0 {
        return Some(Ok(UUID.1.to_owned()));
    }
    let (alphabet, length) = text.split_once(':')?;
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (least, most) = length.split_once('-').unwrap_or((length, length));
    if !is_name(alphabet) || !is_number(least) || !is_number(most) {
        return None;
    }
    let Some((_, class)) = ALPHABETS.iter().find(|(name, _)| *name == alphabet) else {
        return Some(Err(unknown(text)));
    };
    let count = if length == least { least.to_owned() } else { format!("{least},{most}") };
    Some(Ok(format!("{class}{{{count}}}")))
}

/// `expression` with what stands for each shape in braces in its place.
pub fn expand(expression: &str) -> Result<Cow<'_, str>, String> {
    let mut expanded = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut in_class = false;
    let bytes = expression.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => {
                // `\x{41}`, `\p{Greek}`, `\b{start}`: these braces are the escape's own. A shape may stand after `\b`.
                let inside = expression[at..].strip_prefix('\\').and_then(|rest| {
                    let braces = rest.strip_prefix(['x', 'u', 'U', 'p', 'P', 'b', 'B'])?.strip_prefix('{')?;
                    braces.split_once('}').map(|(inside, _)| inside)
                });
                at += match inside.filter(|inside| alone(inside).is_none()) {
                    Some(own) => own.len() + 3,
                    None => 1,
                };
            }
            // A bracket that comes first in a class stands for itself.
            b'[' if !in_class => {
                in_class = true;
                at += usize::from(bytes.get(at + 1) == Some(&b'^'));
                at += usize::from(bytes.get(at + 1) == Some(&b']'));
            }
            b']' => in_class = false,
            b'{' if !in_class && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => {
                let Some((shape, rest)) = expression[at + 1..].split_once('}') else { break };
                expanded.push_str(&expression[copied..at]);
                expanded.push_str(&alone(shape).unwrap_or_else(|| Err(unknown(shape)))?);
                copied = expression.len() - rest.len();
                at = copied - 1;
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(expression));
    }
    expanded.push_str(&expression[copied..]);
    Ok(Cow::Owned(expanded))
}

fn unknown(shape: &str) -> String {
    let names: Vec<_> = ALPHABETS.iter().map(|(name, _)| *name).collect();
    format!(
        "`{shape}` is not a shape: write `{}`, or a length after one of {} (`hex:32`, `hex:32-40`)",
        UUID.0,
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_stand_in_braces_and_all_other_braces_stay() {
        for (written, expected) in [
            (r"\bghp_{base62:36}\b", r"\bghp_[A-Za-z0-9]{36}\b"),
            (r"\b{hex:8}-{hex:4-6}{2}", r"\b[0-9a-f]{8}-[0-9a-f]{4,6}{2}"),
            (r"{hex:8}", r"[0-9a-f]{8}"),
            (r"a{3}b{2,}c{1,4}", r"a{3}b{2,}c{1,4}"),
            (r"\x{41}\p{Greek}\b{start}\u{61}", r"\x{41}\p{Greek}\b{start}\u{61}"),
            (r"\{hex:8}[{uuid}][]{hex:8}][^]{hex:8}]", r"\{hex:8}[{uuid}][]{hex:8}][^]{hex:8}]"),
            (r"\\{hex:8}[a\]]{hex:8}", r"\\[0-9a-f]{8}[a\]][0-9a-f]{8}"),
            ("ä{hex:8}ö", "ä[0-9a-f]{8}ö"),
        ] {
            assert_eq!(expand(written).unwrap(), expected);
        }
        for wrong in ["{hexx:8}", "a{hex}", "{hex:}", "{hex:8-}", "{hex:8}{b}"] {
            assert!(expand(wrong).unwrap_err().contains("is not a shape"), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_like_a_shape_and_is_none_is_an_error() {
        assert_eq!(alone("hex:32"), Some(Ok("[0-9a-f]{32}".to_owned())));
        assert_eq!(alone("base64url:20-40"), Some(Ok("[A-Za-z0-9_-]{20,40}".to_owned())));
        assert!(alone("hexx:32").unwrap().unwrap_err().contains("`hexx:32` is not a shape"));
        for expression in ["[0-9a-f]{32}", "base64:[A-Za-z0-9+/]{43}=", "hex:", "hex:3x", ":32", "2:[a-z]{3}", "Hex:32"]
        {
            assert_eq!(alone(expression), None, "{expression}");
        }
    }
}
