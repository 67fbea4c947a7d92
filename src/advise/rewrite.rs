//! What `git filter-repo --replace-text` reads: each secret as an expression in which only letters and digits stand for
//! themselves, so that no secret can be read as anything but itself.

use std::collections::BTreeSet;

use crate::finding::Finding;

/// What stands for a removed secret.
pub const REMOVED: &str = "REDACTED-BY-KEYSIEVE";

/// The file's text, or how many findings are redacted, so that their secrets are not known.
pub fn replacements(findings: &[Finding]) -> Result<String, usize> {
    let redacted = findings.iter().filter(|finding| finding.secret.is_redacted()).count();
    if redacted > 0 {
        return Err(redacted);
    }
    let secrets = findings.iter().flat_map(|finding| {
        let partner = finding.partner.iter().map(|partner| partner.secret.expose());
        std::iter::once(finding.secret.expose()).chain(partner)
    });
    let mut lines: BTreeSet<String> = BTreeSet::new();
    for secret in secrets.filter(|secret| secret.len() >= 4) {
        let mut line = String::from("regex:");
        for byte in secret {
            match byte {
                byte if byte.is_ascii_alphanumeric() => line.push(char::from(*byte)),
                byte => line.push_str(&format!("\\x{byte:02x}")),
            }
        }
        lines.insert(format!("{line}==>{REMOVED}"));
    }
    // The longest first: one secret may be a part of another.
    let mut lines: Vec<String> = lines.into_iter().collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.len()));
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}
