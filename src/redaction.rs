//! The one redaction that everything printed goes through: names of files, refs and people, subjects, excerpts, notes, gaps,
//! reasons, errors. It masks the secrets that the run found wherever they stand, and what the detector takes for one in a
//! text that no scan has read.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::decode;
use crate::finding::{CommitNote, Confidence, Finding, FindingKind, Provenance, Secret};
use crate::outcome::Outcome;
use keysieve_engine::candidate::Judge;
use keysieve_engine::content::Stream;
use keysieve_engine::path_facts::PathFacts;
use keysieve_engine::rules::Class;
use keysieve_engine::verdict::{Verdict, verdict};
use keysieve_engine::{Detector, Scratch};

/// Masks secrets in texts.
pub struct Redaction<'a> {
    /// Finds what the run found.
    known: Option<AhoCorasick>,
    /// What stands for each of these.
    masks: Vec<String>,
    /// The run's own detector, beside the built-in rules.
    detector: Option<&'a Detector>,
    scratch: RefCell<(Scratch, Scratch)>,
    /// Texts that were masked before: one path has many findings.
    seen: RefCell<HashMap<String, String>>,
}

impl<'a> Redaction<'a> {
    /// A redaction that knows `secrets`, and what `detector` finds besides the built-in rules.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>, detector: Option<&'a Detector>) -> Self {
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for secret in secrets.into_iter().filter(|secret| !secret.is_redacted()) {
            for form in forms(secret.expose()) {
                known.entry(form).or_insert_with(|| secret.to_string());
            }
        }
        let searcher = AhoCorasick::builder().kind(Some(AhoCorasickKind::NoncontiguousNFA)).build(known.keys());
        Self {
            // It fails only for gigabytes of secrets, of which none can be told in so much text.
            known: searcher.ok().filter(|_| !known.is_empty()),
            masks: known.into_values().collect(),
            detector,
            scratch: RefCell::default(),
            seen: RefCell::default(),
        }
    }

    /// `text` without what the run found.
    pub fn known(&self, text: &str) -> String {
        let Some(known) = &self.known else { return text.to_owned() };
        let all = known.find_overlapping_iter(text);
        let mut found: Vec<_> = all.map(|it| (it.range(), self.masks[it.pattern().as_usize()].clone())).collect();
        in_order(&mut found);
        mask(text, &found)
    }

    /// `text` without what the run found, and without what looks like a credential.
    pub fn text(&self, text: &str) -> String {
        if let Some(masked) = self.seen.borrow().get(text) {
            return masked.clone();
        }
        let (own, builtin) = &mut *self.scratch.borrow_mut();
        let mut masked = self.known(text);
        if is_long_enough(&masked) {
            if let Some(detector) = self.detector {
                masked = mask(&masked, &spans(detector, own, masked.as_bytes(), Confidence::Medium));
            }
            masked = mask(&masked, &spans(rules(), builtin, masked.as_bytes(), Confidence::Medium));
        }
        self.seen.borrow_mut().insert(text.to_owned(), masked.clone());
        masked
    }

    fn finding(&self, finding: &mut Finding) {
        for text in [&mut finding.path, &mut finding.identity] {
            *text = self.text(text);
        }
        for text in [&mut finding.rule, &mut finding.title, &mut finding.advice.rotate] {
            self.words(text);
        }
        finding.evidence.iter_mut().for_each(|it| self.words(&mut it.text));
        finding.fingerprint = finding.fingerprint.with_path(|path| self.text(path));
        // The rest of the line was read by the detector already, of a practice as well.
        finding.excerpt.before = self.known(&finding.excerpt.before);
        finding.excerpt.after = self.known(&finding.excerpt.after);
        if finding.kind == FindingKind::Practice {
            finding.secret = Secret::redacted(&self.text(&finding.secret.to_string()));
        }
        if let Some(provenance) = &mut finding.provenance {
            self.provenance(provenance);
        }
    }

    fn provenance(&self, provenance: &mut Provenance) {
        for commit in [&mut provenance.introduced, &mut provenance.removed].into_iter().flatten() {
            let CommitNote { author, subject, .. } = commit;
            (*author, *subject) = (self.text(author), self.text(subject));
        }
        for text in provenance.refs.iter_mut().chain(&mut provenance.paths) {
            *text = self.text(text);
        }
    }

    /// Words of keysieve's own are left as they are.
    fn words(&self, words: &mut Cow<'static, str>) {
        if let Cow::Owned(text) = words {
            *text = self.text(text);
        }
    }
}

/// `outcome` as it may be printed.
pub fn outcome(outcome: &Outcome, detector: Option<&Detector>) -> Outcome {
    let halves = outcome.findings.iter().filter_map(|finding| finding.partner.as_ref()).map(|partner| &partner.secret);
    let found = outcome.findings.iter().map(|finding| &finding.secret);
    let redaction = Redaction::new(found.chain(halves).chain(&outcome.secrets), detector);
    let mut redacted = outcome.clone();
    redacted.findings.iter_mut().for_each(|finding| redaction.finding(finding));
    for it in &mut redacted.suppressed {
        it.path = redaction.text(&it.path);
        it.rule = redaction.text(&it.rule);
        redaction.words(&mut it.reason.text);
    }
    let summary = &mut redacted.summary;
    for it in &mut summary.accepted_gaps {
        it.accepted = redaction.text(&it.accepted);
    }
    for gap in summary.gaps.iter_mut().chain(summary.accepted_gaps.iter_mut().map(|it| &mut it.gap)) {
        (gap.path, gap.reason) = (redaction.text(&gap.path), redaction.text(&gap.reason));
    }
    let paths = summary.not_content.iter_mut().map(|(_, path)| path);
    for text in summary.notes.iter_mut().chain(&mut summary.scope).chain(paths) {
        *text = redaction.text(text);
    }
    redacted
}

/// A text that was not scanned, such as the name of a file or the message of an error, without what looks like a credential.
pub fn text(text: &str) -> Cow<'_, str> {
    if !is_long_enough(text) {
        return Cow::Borrowed(text);
    }
    match spans(rules(), &mut Scratch::default(), text.as_bytes(), Confidence::Medium) {
        found if found.is_empty() => Cow::Borrowed(text),
        found => Cow::Owned(mask(text, &found)),
    }
}

/// The lines of `text`, which is one content, without anything that may be a credential; a mask takes the place of each.
pub fn lines(text: &str) -> Vec<String> {
    let found = spans(rules(), &mut Scratch::default(), text.as_bytes(), Confidence::Low);
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let here = found.iter().filter(|(span, _)| span.start < end && span.end > start);
        let here: Vec<_> =
            here.map(|(span, mask)| (span.start.max(start) - start..span.end.min(end) - start, mask.clone())).collect();
        lines.push(mask(line, &here).trim_end_matches(['\n', '\r']).to_owned());
        start = end;
    }
    lines
}

/// What an error says without the values that it quotes: `invalid type: string "…", expected u32`.
pub fn without_values(message: &str) -> String {
    let mut said = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once("string \"") {
        let end = after.find("\", expected").or_else(|| after.rfind('"')).unwrap_or(after.len());
        said.push_str(before);
        said.push_str("string \"…");
        rest = &after[end..];
    }
    said + rest
}

fn rules() -> &'static Detector {
    static RULES: OnceLock<Detector> = OnceLock::new();
    RULES.get_or_init(Detector::builtin)
}

/// Whether there is a word in which a secret has room.
fn is_long_enough(text: &str) -> bool {
    const SHORTEST: usize = 8;
    text.split_ascii_whitespace().any(|word| word.len() >= SHORTEST)
}

/// How a secret looks in a text, if it can be told from the words of one: `admin` stands in many.
fn forms(secret: &[u8]) -> Vec<String> {
    let is_told = |part: &[u8]| {
        let has = |class: fn(&u8) -> bool| usize::from(part.iter().any(class));
        let classes = has(u8::is_ascii_lowercase) + has(u8::is_ascii_uppercase) + has(u8::is_ascii_digit);
        part.len() >= 16 || part.len() >= 8 && classes >= 2
    };
    let mut found = Vec::new();
    // Of one that spans lines each line is enough to go on with.
    for part in secret.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if is_told(part) && !part.starts_with(b"-----") {
            found.extend([decode::shown(part), String::from_utf8_lossy(part).into_owned()]);
        }
    }
    found
}

/// What in `text` looks like a credential: of a provider's whatever its confidence, of other kinds from `least` on.
fn spans(detector: &Detector, scratch: &mut Scratch, text: &[u8], least: Confidence) -> Vec<(Range<usize>, String)> {
    let mut stream = Stream::new();
    stream.feed(detector, scratch, text, 0..text.len());
    let facts = PathFacts::of("");
    let mut found = Vec::new();
    for candidate in stream.finish(detector) {
        let is_generic = detector.rule_of(&candidate).class == Class::Generic;
        let halves = [Some(&candidate), candidate.partner.as_deref()].into_iter().flatten();
        let place = |span: &Range<u64>| span.start as usize..span.end as usize;
        let spans: Vec<_> = halves.map(|half| (place(&half.span), half.secret.to_string())).collect();
        let is_secret = match verdict(detector, candidate, "", &facts) {
            Verdict::Finding(finding) => !is_generic || finding.confidence >= least,
            Verdict::Dropped(_, dropped) => dropped.judge == Judge::Allow,
            Verdict::OtherPath => true,
        };
        found.extend(spans.into_iter().filter(|_| is_secret));
    }
    in_order(&mut found);
    found
}

/// Sorts spans by where they start, the longest first.
fn in_order(spans: &mut [(Range<usize>, String)]) {
    spans.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
}

/// `text` with masks in place of these spans, which are in order. Of spans that overlap, no byte is left, nor of a character
/// that a span cuts.
fn mask(text: &str, spans: &[(Range<usize>, String)]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    for (span, mask) in spans {
        let end = (span.end.min(text.len())..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        if end <= at {
            continue;
        }
        let start = (at..=span.start.clamp(at, end)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(at);
        masked.push_str(&text[at..start]);
        masked.push_str(mask);
        at = end;
    }
    masked.push_str(&text[at..]);
    masked
}

/// The secrets of findings that a text can be searched for.
pub fn secrets_of(findings: &[Finding]) -> impl Iterator<Item = Secret> + '_ {
    let all = findings.iter().flat_map(|it| [Some(&it.secret), it.partner.as_ref().map(|half| &half.secret)]);
    all.flatten().filter(|secret| !secret.is_redacted() && !forms(secret.expose()).is_empty()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keysieve_engine::rules::sample;

    fn token(seed: u64) -> String {
        sample::fill("<crc32-base62 ghp_ 30>", seed).unwrap_or_default()
    }

    #[test]
    fn only_what_can_be_told_from_words_is_searched_for() {
        for (secret, told) in [
            ("admin", false),
            ("postgres", false),
            ("change-me", false),
            ("admin123", true),
            ("Tr4vel-Lantern-91", true),
        ] {
            assert_eq!(!forms(secret.as_bytes()).is_empty(), told, "{secret}");
        }
    }

    #[test]
    fn values_are_left_out_of_errors() {
        for (message, wanted) in [
            (
                "invalid type: string \"a\\\"b\", expected u32 at line 1",
                "invalid type: string \"…\", expected u32 at line 1",
            ),
            ("invalid value: string \"a\"", "invalid value: string \"…\""),
            ("EOF while parsing a string at line 1", "EOF while parsing a string at line 1"),
        ] {
            assert_eq!(without_values(message), wanted);
        }
    }

    #[test]
    fn a_secret_over_several_lines_is_masked_on_each() {
        let key = sample::fill("key: |\n<pem RSA PRIVATE KEY>\nend", 7).unwrap_or_default();
        let lines = lines(&key);
        assert_eq!(lines.len(), key.lines().count());
        assert!(lines.iter().all(|line| line.len() < 60), "{lines:?}");
        assert!(lines.first().is_some_and(|it| it == "key: |") && lines.last().is_some_and(|it| it == "end"));
    }

    #[test]
    fn no_byte_of_a_span_is_left() {
        for (text, spans, wanted) in [
            ("a bcdef g", vec![(2, 5), (4, 7)], "a ## g"),
            ("a bcdef g", vec![(2, 7), (3, 6)], "a # g"),
            ("a bcdef g", vec![(2, 7), (3, 9)], "a ##"),
            ("a bcdef", vec![(2, 99)], "a #"),
            ("a éb", vec![(3, 5)], "a #"),
            ("a bé c", vec![(2, 4)], "a # c"),
            ("éé", vec![(0, 1), (1, 3)], "##"),
        ] {
            let spans: Vec<_> = spans.into_iter().map(|(start, end)| (start..end, "#".to_owned())).collect();
            assert_eq!(mask(text, &spans), wanted, "{text} {spans:?}");
        }
    }

    #[test]
    fn known_secrets_that_overlap_are_masked_whole() {
        let secrets = ["Tr4vel-Lantern-91", "Lantern-91-Orbit7"].map(|it| Secret::new(it.as_bytes(), 0));
        let masked = Redaction::new(&secrets, None).known("a Tr4vel-Lantern-91-Orbit7 b");
        assert!(!masked.contains("Orbit7") && !masked.contains("Lantern-91"), "{masked}");
        assert!(masked.starts_with("a ") && masked.ends_with(" b"), "{masked}");
    }

    #[test]
    fn tokens_are_masked_wherever_they_stand() {
        let token = token(1);
        for text in [format!("a/{token}.txt"), format!("cannot read `{token}`"), format!("x={token}&y"), token.clone()]
        {
            let masked = super::text(&text);
            assert!(!masked.contains(&token) && masked.contains("redacted"), "{masked}");
        }
        assert_eq!(text("a plain message about src/main.rs"), "a plain message about src/main.rs");
    }
}
