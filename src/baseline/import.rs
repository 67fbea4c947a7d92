//! What other scanners' users have accepted: gitleaks' reports and `.gitleaksignore`, detect-secrets' baselines,
//! trufflehog's output. Each names places or secrets; a finding of today that is one of them is accepted.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sha1::{Digest, Sha1};

use crate::finding::Finding;

/// Accepted places and secrets.
#[derive(Debug, Default)]
pub struct Accepted {
    /// Whose file it was.
    pub from: &'static str,
    /// Entries in it.
    pub entries: usize,
    /// For each path the lines.
    places: HashMap<String, HashSet<u64>>,
    /// SHA-1 of accepted secrets, for each path; those of the empty path count everywhere.
    secrets: HashMap<String, HashSet<[u8; 20]>>,
}

/// Reads a file of another scanner's; the error says which are understood.
pub fn read(text: &str) -> Result<Accepted, String> {
    let value = serde_json::from_str::<Value>(text);
    let accepted = match &value {
        Ok(Value::Array(entries)) => gitleaks(entries),
        Ok(Value::Object(object)) if object.contains_key("results") => detect_secrets(&value.unwrap_or_default()),
        Ok(Value::Object(object)) if object.contains_key("SourceMetadata") => trufflehog(text),
        Ok(_) => None,
        Err(_) => trufflehog(text).or_else(|| gitleaksignore(text)),
    };
    accepted.ok_or_else(|| {
        "it is none of: a gitleaks report (JSON), a .gitleaksignore, a detect-secrets baseline, trufflehog's output \
         (--json)"
            .to_owned()
    })
}

impl Accepted {
    fn new(from: &'static str) -> Self {
        Self { from, ..Self::default() }
    }

    fn place(&mut self, path: &str, line: u64) {
        self.places.entry(plain(path)).or_default().insert(line);
    }

    fn secret(&mut self, path: &str, secret: &str) {
        // `REDACTED` stands for secrets in redacted reports.
        if secret.len() >= 4 && !secret.contains("REDACTED") && !secret.contains("***") {
            self.secrets.entry(plain(path)).or_default().insert(Sha1::digest(secret.as_bytes()).into());
        }
    }

    /// Whether a finding is one of them.
    pub fn covers(&self, finding: &Finding) -> bool {
        let digest: [u8; 20] = Sha1::digest(finding.secret.expose()).into();
        let path = plain(&finding.identity);
        let at_place = self.places.get(&path).is_some_and(|lines| {
            let last = finding.place.end_line.max(finding.place.line);
            (finding.place.line..=last).any(|line| lines.contains(&line))
        });
        at_place || [&path, ""].iter().any(|path| self.secrets.get(*path).is_some_and(|known| known.contains(&digest)))
    }
}

/// A path without what stands for the folder itself.
fn plain(path: &str) -> String {
    path.trim_start_matches("./").replace('\\', "/")
}

/// An array of findings with `File`, `StartLine` and, unless it is redacted, `Secret`.
fn gitleaks(entries: &[Value]) -> Option<Accepted> {
    let mut accepted = Accepted::new("gitleaks");
    for entry in entries {
        let path = entry.get("File")?.as_str()?;
        accepted.entries += 1;
        match entry.get("Secret").and_then(Value::as_str) {
            Some(secret) if !secret.is_empty() && !secret.contains("REDACTED") => accepted.secret(path, secret),
            _ => accepted.place(path, entry.get("StartLine")?.as_u64()?),
        }
    }
    Some(accepted)
}

/// `path:rule:line`, or `commit:path:rule:line`.
fn gitleaksignore(text: &str) -> Option<Accepted> {
    let mut accepted = Accepted::new(".gitleaksignore");
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (rest, number) = line.rsplit_once(':')?;
        let (rest, _rule) = rest.rsplit_once(':')?;
        let is_commit = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = rest.split_once(':').filter(|(commit, _)| is_commit(commit)).map_or(rest, |(_, path)| path);
        accepted.entries += 1;
        accepted.place(path, number.parse().ok()?);
    }
    (accepted.entries > 0).then_some(accepted)
}

/// `results`: for each path its secrets as SHA-1, with lines.
fn detect_secrets(value: &Value) -> Option<Accepted> {
    let mut accepted = Accepted::new("detect-secrets");
    for (path, entries) in value.get("results")?.as_object()? {
        for entry in entries.as_array()? {
            let hex = entry.get("hashed_secret")?.as_str()?;
            let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
            let digest: Vec<u8> = (0..40).step_by(2).map(byte).collect::<Option<_>>()?;
            accepted.entries += 1;
            accepted.secrets.entry(plain(path)).or_default().insert(digest.try_into().ok()?);
        }
    }
    Some(accepted)
}

/// One object a line, with the source's file and line.
fn trufflehog(text: &str) -> Option<Accepted> {
    let mut accepted = Accepted::new("trufflehog");
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let entry: Value = serde_json::from_str(line).ok()?;
        let Some(sources) = entry.pointer("/SourceMetadata/Data").and_then(Value::as_object) else { continue };
        accepted.entries += 1;
        for source in sources.values() {
            let path = source.get("file").and_then(Value::as_str).unwrap_or_default();
            if let Some(line) = source.get("line").and_then(Value::as_u64) {
                accepted.place(path, line);
            }
            if let Some(raw) = entry.get("Raw").and_then(Value::as_str) {
                accepted.secret(path, raw);
            }
        }
    }
    (accepted.entries > 0).then_some(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keysieve_engine::{Detector, Scratch};

    fn finding() -> Finding {
        let mut found = Vec::new();
        let text = b"\ndb_password = \"Tr4vel-Lantern-91\"\n";
        Detector::builtin().scan(text, &mut Scratch::default(), |finding| found.push(finding));
        Finding { identity: "src/a.py".to_owned(), ..Finding::from(found.remove(0)) }
    }

    #[test]
    fn every_scanners_file_is_read() {
        let digest = "4b2a51f2b3fc2b4e1c1f3b4ea17d2c9f4d2d0c55";
        let own: String = Sha1::digest(b"Tr4vel-Lantern-91").iter().map(|byte| format!("{byte:02x}")).collect();
        for (text, from, covers) in [
            (r#"[{"RuleID":"x","File":"src/a.py","StartLine":9,"Secret":"Tr4vel-Lantern-91"}]"#.to_owned(), "gitleaks", true),
            (r#"[{"RuleID":"x","File":"./src/a.py","StartLine":2,"Secret":"REDACTED"}]"#.to_owned(), "gitleaks", true),
            (r#"[{"RuleID":"x","File":"src/a.py","StartLine":3,"Secret":"REDACTED"}]"#.to_owned(), "gitleaks", false),
            ("# known\nsrc/a.py:generic-api-key:2\n".to_owned(), ".gitleaksignore", true),
            (format!("{}:src/a.py:x:2\n", "a".repeat(40)), ".gitleaksignore", true),
            ("src/b.py:x:2\n".to_owned(), ".gitleaksignore", false),
            (format!(r#"{{"version":"1.5.0","results":{{"src/a.py":[{{"type":"Secret Keyword","hashed_secret":"{own}","line_number":7}}]}}}}"#), "detect-secrets", true),
            (format!(r#"{{"results":{{"src/a.py":[{{"hashed_secret":"{digest}"}}]}}}}"#), "detect-secrets", false),
            ("{\"SourceMetadata\":{\"Data\":{\"Filesystem\":{\"file\":\"src/a.py\",\"line\":2}}},\"Raw\":\"x\"}\n{\"level\":\"info\"}\n".to_owned(), "trufflehog", true),
        ] {
            let accepted = read(&text).unwrap();
            assert_eq!((accepted.from, accepted.entries, accepted.covers(&finding())), (from, 1, covers), "{text}");
        }
        for text in ["", "{}", "[1]", "hello", "{\"results\": 7}"] {
            assert!(read(text).unwrap_err().contains("detect-secrets"), "{text}");
        }
    }
}
