//! `html`: one page with everything in it. It asks for nothing over the network, and its policy forbids that it could.
//!
//! What was read goes into the page as JSON and from there only into text nodes, so no name, line or message can be markup.

use std::io::{self, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::terminal::{inert_json, visible};
use super::{Options, print_secret};
use crate::advise::playbook;
use crate::finding::{CommitNote, Finding};
use crate::outcome::Outcome;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Writes the page.
pub fn write(outcome: &Outcome, options: Options, to: &mut impl Write) -> io::Result<()> {
    let data = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "findings": outcome.findings.iter().map(|finding| object(finding, options)).collect::<Vec<_>>(),
        "summary": {
            "scope": outcome.summary.scope,
            "files": outcome.summary.files,
            "commits": outcome.summary.commits,
            "objects": outcome.summary.objects,
            "bytes": outcome.summary.bytes,
            "allowed": outcome.summary.allowed,
            "notes": outcome.summary.all_notes(),
            "gaps": outcome.summary.gaps,
            "complete": outcome.summary.is_complete(),
        },
    });
    // `</script>` and `<!--` must not appear in it, and JSON lets every `<` be written otherwise.
    let data = inert_json(&data.to_string()).replace('<', "\\u003c");
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    writeln!(
        to,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>keysieve: {}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<noscript>This page shows its findings with a script of its own; nothing is loaded.</noscript>\n\
         <main id=\"page\"></main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>",
        match outcome.findings.len() {
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        }
    )
}

/// A source of the page's policy: what has this digest may run.
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())))
}

fn object(finding: &Finding, options: Options) -> Value {
    let shown = if options.show_secrets {
        print_secret(&finding.secret, options).lines().next().unwrap_or_default().to_owned()
    } else {
        finding.masked_line_secret()
    };
    let provenance = finding.provenance.as_deref();
    let playbook = playbook::of(&finding.rule);
    let note = |commit: &CommitNote| json!({ "id": commit.id, "author": visible(&commit.author), "date": commit.date, "subject": visible(&commit.subject) });
    json!({
        "rule": finding.rule,
        "title": finding.title,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "evidence": finding.evidence.iter().map(|reason| &reason.text).collect::<Vec<_>>(),
        "path": visible(&finding.path),
        "line": finding.place.line,
        "column": finding.place.column,
        "code": [visible(&finding.excerpt.before), visible(&shown), visible(&finding.excerpt.after)],
        "secret": visible(&print_secret(&finding.secret, options)),
        // Equal secrets have equal hashes; the path after it is in `path`.
        "group": finding.fingerprint.as_str().split(':').nth(1),
        "fingerprint": visible(finding.fingerprint.as_str()),
        "rotate": finding.advice.rotate,
        "opens": playbook.opens,
        "revoke": playbook.revoke,
        "introduced": provenance.and_then(|provenance| provenance.introduced.as_ref()).map(note),
        "removed": provenance.and_then(|provenance| provenance.removed.as_ref()).map(note),
        "live": provenance.map(|provenance| provenance.refs.iter().map(|name| visible(name)).collect::<Vec<_>>()),
        "paths": provenance.map(|provenance| provenance.paths.iter().map(|path| visible(path)).collect::<Vec<_>>()),
    })
}
