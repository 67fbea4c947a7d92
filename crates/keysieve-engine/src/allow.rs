//! Comment markers that say a finding is known and accepted.
//!
//! `keysieve:allow` on the line of the finding, or on the line above it, allows it; rule ids after it narrow it to
//! them, and what follows a dash is the reason: `keysieve:allow aws-access-key-id, jwt — documented example`. The
//! markers of other scanners count as well, so moving over costs nothing.

use memchr::memmem;

const OWN: &[u8] = b"keysieve:allow";
const OTHERS: [&str; 6] = [
    "gitleaks:allow",
    "betterleaks:allow",
    "trufflehog:ignore",
    "kingfisher:ignore",
    "pragma: allowlist secret",
    "pragma: whitelist secret",
];

/// Whether `line`, or the line above it, allows findings of `rule`; and what the marker says.
pub(crate) fn marker(line: &[u8], above: &[u8], rule: &str) -> Option<String> {
    let other = OTHERS.iter().find(|marker| memmem::find(line, marker.as_bytes()).is_some());
    if let Some(marker) = other {
        return Some(format!("`{marker}` on its line"));
    }
    if memmem::find(above, b"pragma: allowlist nextline secret").is_some() {
        return Some("`pragma: allowlist nextline secret` above it".to_owned());
    }
    [(line, "on its line"), (above, "above it")].into_iter().find_map(|(text, place)| own(text, rule, place))
}

fn own(line: &[u8], rule: &str, place: &str) -> Option<String> {
    let at = memmem::find(line, OWN)?;
    let rest = String::from_utf8_lossy(&line[at + OWN.len()..]);
    // Rule ids have no blanks around their dashes, reasons stand after one that has, or after a long one.
    let (ids, reason) = ["—", " -- ", " - "]
        .iter()
        .find_map(|dash| rest.split_once(dash))
        .map_or((rest.as_ref(), ""), |(ids, reason)| (ids, reason.trim()));
    let mut ids = ids
        .split([',', ' ', '\t'])
        .map(|id| id.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
        .filter(|id| !id.is_empty())
        .peekable();
    if ids.peek().is_some() && !ids.any(|id| id == rule) {
        return None;
    }
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(120).collect();
    Some(if reason.is_empty() {
        format!("`keysieve:allow` {place}")
    } else {
        format!("`keysieve:allow` {place}: {reason}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_of_all_kinds_allow() {
        for line in [
            "x # keysieve:allow",
            "x # keysieve:allow jwt",
            "x // keysieve:allow aws-mws-key, jwt — a test's",
            "<!-- keysieve:allow jwt -->",
            "x # gitleaks:allow",
            "x # pragma: allowlist secret",
        ] {
            assert!(marker(line.as_bytes(), b"", "jwt").is_some(), "{line}");
        }
        assert!(marker(b"x", b"# keysieve:allow jwt - known", "jwt").unwrap().ends_with("known"));
    }

    #[test]
    fn a_marker_for_another_rule_does_not() {
        assert_eq!(marker(b"x # keysieve:allow stripe-secret-key", b"", "jwt"), None);
        assert_eq!(marker(b"x", b"y # gitleaks:allow", "jwt"), None);
    }
}
