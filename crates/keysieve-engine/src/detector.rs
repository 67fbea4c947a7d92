//! The engine: bytes in, candidates out. No files, no paths, no threads.
//!
//! A hit of the [`gate`] names rules; a rule's [`matcher`] makes out the secret; the judges ([`check`], [`entropy`],
//! [`plausibility`], [`placeholder`], [`allow`]) add evidence or throw it out; [`resolve`] settles overlaps and joins
//! pairs; [`verdict`] adds what the path tells, once it is known. Whatever decides on a hit lies between `LOOK_BEHIND` bytes
//! before it and `MARGIN` bytes after the end of its rule's reach. So [`content`] can feed a stream in windows and lose
//! nothing at their borders, and a history can take over what was found in bytes that another version has as well.

use std::ops::Range;
use std::sync::Arc;

use crate::anchors::AnchorId;
use crate::assignment::{Assignment, line_start};
use crate::candidate::{Candidate, Dropped, Judge, RuleIndex};
use crate::check::Outcome;
use crate::gate::{Gate, Hit};
use crate::matcher::{LazyMatcher, Match, MatchCache};
use crate::names::Names;
use crate::plausibility::Judgement;
use crate::reason::{Code, Reason};
use crate::rule_set::RuleSetError;
use crate::verdict::Verdict;
use crate::{
    allow, assignment, check, content, entropy, model, path_facts, placeholder, plausibility, rule_set, verdict,
};
use zeroize::Zeroizing;

use crate::encoded::text::{self, Encoding};
use crate::encoded::wide;
use crate::finding::{Confidence, Excerpt, Finding, HASH_DIGITS, Place, Secret, Severity};
use crate::rules::rule::{LOOK_BEHIND, MARGIN, Text};
use crate::rules::{Anchor, Check, Class, OnCheckFailure, Reach, Rule, ValueKind};

/// All rules, ready to scan. Shared by all threads.
#[derive(Debug)]
pub struct Detector {
    rules: Arc<[Rule]>,
    matchers: Vec<LazyMatcher>,
    gate: Gate,
    /// For each anchor the rules that it belongs to.
    rules_of: Vec<Vec<RuleIndex>>,
    /// For each anchor whether a generic rule has it, so that the assignment around it is looked up in `names`.
    is_generic: Vec<bool>,
    names: Names,
    /// For each anchor the longest reach of its rules that is not a line, in bytes; 0 if there is none.
    far_reach: Vec<usize>,
    explain: bool,
    keep_features: bool,
}

/// What the ids of practices begin with, which have fingerprints as well.
const PRACTICE: &[u8] = b"posture-";

/// What one thread needs while it scans: caches that are made on first use and kept.
#[derive(Debug, Default)]
pub struct Scratch {
    caches: Vec<MatchCache>,
    hits: Vec<Hit>,
    pub(crate) found: Vec<Candidate>,
}

impl Scratch {
    /// Has a cache for each of so many rules.
    #[inline]
    fn make_room(&mut self, rules: usize) {
        if self.caches.len() < rules {
            self.caches.resize_with(rules, MatchCache::default);
        }
    }
}

/// Some bytes of a content, and which of them to answer for.
#[derive(Debug)]
pub struct Window<'a> {
    /// The bytes, with what stands around `owned` as far as the content has it.
    pub bytes: &'a [u8],
    /// Keywords that start here are this window's; the others belong to its neighbours.
    pub owned: Range<usize>,
    /// Where `bytes` starts in the content.
    pub offset: u64,
}

impl Detector {
    /// The detector with all built-in rules.
    pub fn builtin() -> Self {
        Self::new(crate::rules::builtin().to_vec()).expect("`build.rs` has checked the built-in rules")
    }

    /// A detector with these rules, or why nothing could be found with them.
    pub fn new(rules: Vec<Rule>) -> Result<Self, RuleSetError> {
        rule_set::check(&rules)?;
        // Rules with names are asked where a generic rule's anchor stands, whether or not that rule runs itself.
        let has_names = rules.iter().any(|rule| !rule.names.is_empty());
        let builtin: &[Rule] = if has_names { crate::rules::builtin() } else { &[] };
        let asking = builtin.iter().chain(&rules).filter(|rule| rule.class == Class::Generic);
        let mut asking: Vec<Anchor> = asking.flat_map(|rule| rule.anchors.iter().map(keyword)).collect();
        let mut keywords: Vec<Anchor> = rules.iter().flat_map(|rule| rule.anchors.iter().map(keyword)).collect();
        keywords.extend(asking.iter().cloned());
        for list in [&mut keywords, &mut asking] {
            list.sort_unstable_by(in_order);
            list.dedup();
        }
        let mut rules_of = vec![Vec::new(); keywords.len()];
        for (index, rule) in (0..).zip(&rules) {
            for anchor in rule.anchors.iter() {
                let wanted = keyword(anchor);
                let found = keywords.binary_search_by(|it| in_order(it, &wanted));
                let of_keyword: &mut Vec<RuleIndex> =
                    &mut rules_of[found.expect("every rule's anchors were collected above")];
                if of_keyword.last() != Some(&index) {
                    of_keyword.push(index);
                }
            }
        }
        let far = |index: &RuleIndex| match rules[*index as usize].reach {
            Reach::Line => 0,
            reach => reach.ahead(),
        };
        let far_reach =
            rules_of.iter().map(|rules: &Vec<RuleIndex>| rules.iter().map(far).max().unwrap_or(0)).collect();
        let is_asking = |keyword: &Anchor| asking.binary_search_by(|it| in_order(it, keyword)).is_ok();
        let is_generic = keywords.iter().map(is_asking).collect();
        let matchers = rules.iter().map(|_| LazyMatcher::default()).collect();
        Ok(Self {
            names: Names::of(&rules),
            is_generic,
            rules: rules.into(),
            matchers,
            gate: Gate::new(keywords),
            rules_of,
            far_reach,
            explain: false,
            keep_features: false,
        })
    }

    /// Keeps candidates that were thrown out, with the judge and the reason, for `--explain`.
    pub fn with_explanations(mut self) -> Self {
        self.explain = true;
        self
    }

    /// Keeps the model's features with every candidate that it scores, hopeless ones as well: for training.
    pub fn with_features(mut self) -> Self {
        self.keep_features = true;
        self
    }

    /// The rules, by the index that candidates hold.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of a candidate.
    pub fn rule_of(&self, candidate: &Candidate) -> &Rule {
        &self.rules[candidate.rule as usize]
    }

    /// Whether the rule of a candidate is for `path`.
    pub(crate) fn is_for(&self, candidate: &Candidate, path: &str) -> bool {
        let index = candidate.rule as usize;
        self.matchers[index].is_for(&self.rules[index], path)
    }

    /// Compiles every rule's expressions; the error names the rule and says what is wrong with it.
    pub fn check_rules(&self) -> Result<(), (String, String)> {
        for (rule, matcher) in self.rules.iter().zip(&self.matchers) {
            matcher.check(rule).map_err(|error| (rule.id.to_string(), error))?;
        }
        Ok(())
    }

    /// Scans a content that lies in memory and calls `found` with each finding, in the order of their places. This is
    /// all that an embedder needs; the content has no path, so nothing is judged by one.
    ///
    /// ```
    /// use keysieve_engine::{Detector, Scratch};
    ///
    /// let detector = Detector::builtin();
    /// let mut rules = Vec::new();
    /// detector.scan(br#"db_password = "MyRealPassword123""#, &mut Scratch::default(), |finding| {
    ///     assert_eq!(finding.secret.to_string(), "[redacted 17]");
    ///     rules.push(finding.rule);
    /// });
    /// assert_eq!(rules, ["generic-password"]);
    /// ```
    pub fn scan(&self, bytes: &[u8], scratch: &mut Scratch, mut found: impl FnMut(Finding)) {
        let mut stream = content::Stream::new();
        stream.feed(self, scratch, bytes, 0..bytes.len());
        let path = path_facts::PathFacts::of("");
        for candidate in stream.finish(self) {
            if let Verdict::Finding(finding) = verdict::verdict(self, candidate, "", &path) {
                found(*finding);
            }
        }
    }

    /// Counts the keywords in `bytes`: what gate and anchors alone cost, for benchmarks.
    pub fn count_hits(&self, bytes: &[u8]) -> usize {
        let mut count = 0;
        self.gate.hits(bytes, 0..bytes.len(), |_| count += 1);
        count
    }

    /// Calls `found` with every keyword of `bytes` that starts in `owned`, in no particular order.
    pub fn hits(&self, bytes: &[u8], owned: Range<usize>, found: impl FnMut(Hit)) {
        self.gate.hits(bytes, owned, found);
    }

    /// Appends the candidates that the keyword `hit` of `bytes` gives to `into`.
    pub fn scan_hit(&self, bytes: &[u8], hit: Hit, scratch: &mut Scratch, into: &mut Vec<Candidate>) {
        scratch.make_room(self.rules.len());
        self.at_hit(&Window { bytes, owned: 0..bytes.len(), offset: 0 }, hit, 0, scratch, into);
    }

    /// Bytes of a hit's keyword.
    pub fn keyword_length(&self, hit: Hit) -> usize {
        self.gate.anchors().keywords()[hit.anchor as usize].text.len()
    }

    /// Bytes of the longest keyword.
    pub fn longest_keyword(&self) -> usize {
        self.gate.longest()
    }

    /// How far after its start a rule of this keyword looks that does not end with its lines; 0 if there is none.
    pub fn far_reach(&self, hit: Hit) -> usize {
        self.far_reach[hit.anchor as usize]
    }

    /// Appends the candidates of one window to `into`, in no particular order and without their places.
    pub(crate) fn scan_window(&self, window: &Window<'_>, scratch: &mut Scratch, into: &mut Vec<Candidate>) {
        let mut hits = std::mem::take(&mut scratch.hits);
        hits.clear();
        self.gate.hits(window.bytes, window.owned.clone(), |hit| hits.push(hit));
        scratch.make_room(self.rules.len());
        for hit in &hits {
            self.at_hit(window, *hit, 0, scratch, into);
        }
        scratch.hits = hits;
    }

    fn at_hit(&self, window: &Window<'_>, hit: Hit, depth: usize, scratch: &mut Scratch, into: &mut Vec<Candidate>) {
        let keyword = &self.gate.anchors().keywords()[hit.anchor as usize];
        let from = hit.start.saturating_sub(LOOK_BEHIND);
        let mut shared = None;
        let mut line_end = None;
        let mut encoded: Option<(usize, Match, Encoding, Zeroizing<Vec<u8>>)> = None;
        let mut ask = |index: RuleIndex, shared: &mut Option<Option<Assignment>>| {
            let rule = &self.rules[index as usize];
            let to = match rule.reach {
                Reach::Line => *line_end.get_or_insert_with(|| rule.reach.end(window.bytes, hit.start)),
                reach => reach.end(window.bytes, hit.start),
            };
            let view = &window.bytes[from..to];
            let at = hit.start - from..(hit.start - from + keyword.text.len()).min(view.len());
            let matcher = &self.matchers[index as usize];
            let cache = &mut scratch.caches[index as usize];
            let surroundings = &window.bytes[from..window.bytes.len().min(to + MARGIN)];
            let mut next = matcher.find(rule, view, at.clone(), cache, shared);
            while let Some(found) = next {
                next = matcher.find_next(rule, view, found.secret.end);
                if found.secret.is_empty() || !matcher.is_near(rule, surroundings, at.start) {
                    continue;
                }
                if rule.class == Class::Generic && encoded.is_none() && depth < MAX_ENCODINGS {
                    let decoded = text::decode(&view[found.secret.clone()]);
                    encoded = decoded.map(|(encoding, text)| (to, found.clone(), encoding, Zeroizing::new(text)));
                }
                let judged = self.judge(index, surroundings, &found);
                // What was allowed is counted and masked like a finding; all else is kept only to be explained.
                if judged.dropped.as_ref().is_some_and(|dropped| dropped.judge != Judge::Allow) && !self.explain {
                    continue;
                }
                let offset = window.offset + from as u64;
                into.push(self.candidate(index, offset, view, hit.anchor, at.start, found, judged));
            }
        };
        for &index in &self.rules_of[hit.anchor as usize] {
            ask(index, &mut shared);
        }
        if self.is_generic[hit.anchor as usize] {
            // The generic rules have read it by now, unless they are switched off.
            let read = || {
                let line = &window.bytes[from..Reach::Line.end(window.bytes, hit.start)];
                let at = hit.start - from;
                assignment::parse(line, at..(at + keyword.text.len()).min(line.len()))
            };
            if let Some(assignment) = shared.get_or_insert_with(read).clone() {
                let name = &window.bytes[from + assignment.name.start..from + assignment.name.end];
                for index in self.names.rules_for(name) {
                    ask(index, &mut shared);
                }
            }
        }
        if let Some((to, found, encoding, text)) = encoded {
            let outer = |inner: Candidate| Candidate {
                hit: window.offset + hit.start as u64,
                anchor: hit.anchor,
                span: window.offset + (from + found.secret.start) as u64
                    ..window.offset + (from + found.secret.end) as u64,
                quoted: Some(true),
                // A rule that knows the encoded form says more.
                proven: false,
                surroundings: content::surroundings(&window.bytes[from..to], &found.secret),
                evidence: inner.evidence.into_iter().chain([Code::WrittenIn.with(encoding.as_str())]).collect(),
                ..inner
            };
            into.extend(self.surest_inside(&text, depth + 1, scratch).map(outer));
        }
    }

    /// The surest credential of a provider in a text that was decoded from a value.
    fn surest_inside(&self, text: &[u8], depth: usize, scratch: &mut Scratch) -> Option<Candidate> {
        let mut hits = Vec::new();
        self.gate.hits(text, 0..text.len(), |hit| hits.push(hit));
        let mut found = Vec::new();
        for hit in hits {
            self.at_hit(&Window { bytes: text, owned: 0..text.len(), offset: 0 }, hit, depth, scratch, &mut found);
        }
        let is_provider = |it: &Candidate| self.rule_of(it).class != Class::Generic && it.dropped.is_none();
        let rank = |it: &Candidate| (it.proven, self.rule_of(it).class, it.confidence, std::cmp::Reverse(it.rule));
        found.into_iter().filter(is_provider).max_by_key(rank)
    }

    fn judge(&self, index: RuleIndex, view: &[u8], found: &Match) -> Judged {
        let rule = &self.rules[index as usize];
        let secret = &view[found.secret.clone()];
        let mut judged = Judged {
            confidence: rule.confidence,
            severity: rule.severity,
            harmless: false,
            proven: false,
            score: None,
            features: Vec::new(),
            evidence: Vec::new(),
            dropped: None,
        };
        if rule.class != Class::Distinctive && is_binary_around(view, &found.secret) {
            return judged.drop(Judge::Content, Code::Binary);
        }
        if self.matchers[index as usize].ignores(rule, secret) {
            return judged.drop(Judge::Ignore, Code::Ignored);
        }
        if rule.class != Class::Distinctive && self.is_own_fingerprint(view, found) {
            return judged.drop(Judge::Plausibility, Code::OwnFingerprint);
        }
        // What its structure proves is no placeholder, whatever words or runs its characters happen to have.
        let outcome = rule.check.map(|check| check::apply(check, secret, view, found.secret.start));
        let is_proven = matches!(outcome, Some(Outcome::Proven(_)));
        judged = self.judge_looks(rule, view, found, is_proven, judged);
        if judged.dropped.is_none()
            && let Some(outcome) = outcome
        {
            judged = judged.heed(outcome, rule.on_check_failure);
        }
        if judged.dropped.is_some() {
            return judged;
        }
        if found.inside_word && !judged.proven {
            return judged.drop(Judge::Structure, Code::InsideWord);
        }
        if rule.entropy > 0.0 {
            let bits = entropy::bits_per_byte(secret);
            if bits < rule.entropy && !is_proven {
                return judged
                    .drop(Judge::Entropy, Code::LowEntropy.with(format_args!("{bits:.1}, of {:.1},", rule.entropy)));
            }
            if judged.evidence.is_empty() {
                judged.evidence.push(Code::Entropy.with(format_args!("{bits:.1}")));
            }
        }
        if judged.evidence.is_empty() {
            judged.evidence.push(Code::Shape.into());
        }
        let (line, above) = lines_at(view, found.secret.start);
        if rule.class == Class::Generic && is_doc_comment(line) {
            judged.harmless = true;
            judged.evidence.push(Code::DocComment.into());
        }
        if let Some(reason) = allow::marker(line, above, &rule.id) {
            return judged.drop(Judge::Allow, Code::Marker.with(reason));
        }
        if judged.harmless {
            judged.severity = Severity::Low;
        }
        judged
    }

    /// Judges what the secret looks like, and the name that it is assigned to.
    fn judge_looks(&self, rule: &Rule, view: &[u8], found: &Match, is_proven: bool, mut judged: Judged) -> Judged {
        let kind = rule.kind();
        let Some(assignment) = &found.assignment else {
            let may_be_example = !is_proven && !rule.check.is_some_and(Check::holds_text);
            if may_be_example && let Some(reason) = placeholder::documented_example(&view[found.secret.clone()]) {
                return judged.drop(Judge::Plausibility, reason);
            }
            return judged;
        };
        if rule.class == Class::Generic {
            return self.judge_generic(kind, view, found, assignment, judged);
        }
        match plausibility::judge(kind, view, assignment, found.word) {
            Judgement::No(_) if is_proven => {}
            Judgement::No(reason) => return judged.drop(Judge::Plausibility, reason),
            Judgement::Yes { confidence, evidence, well_known } => {
                // The provider's name does not make a password of an identifier.
                let is_weak = kind == ValueKind::Password && confidence == Confidence::Low;
                judged.confidence = if is_weak { confidence } else { confidence.max(rule.confidence) };
                judged.evidence.push(evidence.into());
                judged.harmless |= well_known;
            }
        }
        judged
    }

    /// Whether a match is a fingerprint of our own, as baselines, configurations and reports have them:
    /// `url-password:` and twenty hexadecimal digits, then a colon and a path.
    fn is_own_fingerprint(&self, view: &[u8], found: &Match) -> bool {
        let Some(assignment) = &found.assignment else { return false };
        let value = &view[assignment.value.start..];
        let (hash, after) = value.split_at(value.len().min(HASH_DIGITS));
        let name = &view[assignment.name.clone()];
        hash.len() == HASH_DIGITS
            && hash.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && after.first() == Some(&b':')
            && (name.starts_with(PRACTICE) || self.rules.iter().any(|rule| rule.id.as_bytes() == name))
    }

    /// Lets the model judge an assignment whose name alone tells a secret.
    fn judge_generic(
        &self,
        kind: ValueKind,
        view: &[u8],
        found: &Match,
        assignment: &Assignment,
        mut judged: Judged,
    ) -> Judged {
        if let Some(reason) = plausibility::impossible(view, assignment, found.word) {
            return judged.drop(Judge::Plausibility, reason);
        }
        let judgement = plausibility::judge_possible(kind, view, assignment, found.word);
        let has_user = has_user_beside(view, assignment);
        let mut sum = 0;
        let features = &mut judged.features;
        model::features(kind, view, assignment, &judgement, has_user, &mut |feature| {
            sum += model::weight(feature);
            if self.keep_features {
                features.push(feature);
            }
        });
        let mut score = model::score(sum);
        if kind == ValueKind::Password && matches!(judgement, Judgement::Yes { confidence: Confidence::High, .. }) {
            score = score.max(model::floor());
        }
        judged.score = Some(score);
        judged.confidence = model::confidence(score + model::usual_path_score()).unwrap_or(Confidence::Low);
        let (evidence, well_known) = match judgement {
            Judgement::Yes { evidence, well_known, .. } => (evidence, well_known),
            Judgement::No(_) => (Code::ModelCredential, false),
        };
        judged.evidence.push(evidence.into());
        judged.harmless |= well_known;
        if has_user {
            judged.evidence.push(Code::UserBeside.into());
        }
        if model::is_hopeless(score) && !self.keep_features {
            return judged.drop(Judge::Plausibility, Code::ModelHopeless);
        }
        judged
    }

    #[expect(clippy::too_many_arguments, reason = "each is one fact of the match; a struct would only rename them")]
    fn candidate(
        &self,
        rule: RuleIndex,
        offset: u64,
        view: &[u8],
        anchor: AnchorId,
        hit: usize,
        found: Match,
        judged: Judged,
    ) -> Candidate {
        let keyword = &self.gate.anchors().keywords()[anchor as usize];
        let secret = &view[found.secret.clone()];
        let distinctive = self.rules[rule as usize].class == Class::Distinctive;
        // A case-sensitive keyword that a secret starts with is what the provider prints on each of them.
        let public = if distinctive && !keyword.any_case && hit == found.secret.start { keyword.text.len() } else { 0 };
        let public = if secret.starts_with(b"-----BEGIN ") { armour_length(secret) } else { public };
        Candidate {
            rule,
            hit: offset + hit as u64,
            anchor,
            span: offset + found.secret.start as u64..offset + found.secret.end as u64,
            secret: Secret::new(secret, public),
            place: Place::default(),
            confidence: judged.confidence,
            severity: judged.severity,
            harmless: judged.harmless,
            proven: judged.proven,
            score: judged.score,
            features: judged.features,
            evidence: judged.evidence,
            quoted: found.assignment.as_ref().map(|assignment| assignment.quoted),
            surroundings: content::surroundings(view, &found.secret),
            excerpt: Excerpt::default(),
            partner: None,
            otherwise: None,
            dropped: judged.dropped,
        }
    }
}

/// What the judges made of a match.
struct Judged {
    confidence: Confidence,
    severity: Severity,
    harmless: bool,
    proven: bool,
    score: Option<i32>,
    features: Vec<u32>,
    evidence: Vec<Reason>,
    dropped: Option<Dropped>,
}

impl Judged {
    fn drop(mut self, judge: Judge, reason: impl Into<Reason>) -> Self {
        self.dropped = Some(Dropped { judge, reason: reason.into() });
        self
    }

    /// Takes over what a check found out.
    fn heed(mut self, outcome: Outcome, on_failure: OnCheckFailure) -> Self {
        match outcome {
            Outcome::Proven(evidence) => {
                self.confidence = Confidence::Certain;
                self.proven = true;
                self.evidence.push(evidence);
            }
            Outcome::Plausible(evidence) => self.evidence.extend(evidence),
            Outcome::Harmless(evidence) => {
                self.harmless = true;
                self.evidence.push(evidence);
            }
            Outcome::Unlikely(evidence) => {
                self.harmless = true;
                self.confidence = Confidence::Low;
                self.evidence.push(evidence);
            }
            Outcome::Failed(reason) => match on_failure {
                OnCheckFailure::Drop => return self.drop(Judge::Structure, reason),
                OnCheckFailure::Low => {
                    self.confidence = Confidence::Low;
                    self.evidence.push(reason.into());
                }
            },
        }
        self
    }
}

/// Whether the line is part of a documentation comment: Javadoc and its kind (`*`), Rust's and C#'s (`///`, `//!`), or
/// code set off inside a comment, as RDoc and others have it (`#   `).
fn is_doc_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let starts = |prefix: &[u8]| line.starts_with(prefix);
    starts(b"* ") || starts(b"*   ") || starts(b"///") || starts(b"//!") || starts(b"#   ") || starts(b"//   ")
}

/// Encodings around one another that are seen through.
const MAX_ENCODINGS: usize = 3;

/// Bytes of an anchor that are looked for. Longer ones find hardly less, and in a history each byte more is looked at
/// again at each of millions of seams between copied runs.
const KEYWORD: usize = 12;

/// What is looked for of an anchor: its first bytes.
fn keyword(anchor: &Anchor) -> Anchor {
    let end = (0..=anchor.text.len().min(KEYWORD)).rev().find(|end| anchor.text.is_char_boundary(*end)).unwrap_or(0);
    let text = match &anchor.text {
        Text::Borrowed(text) => Text::Borrowed(&text[..end]),
        Text::Owned(text) => Text::Owned(text[..end].to_owned()),
    };
    Anchor { text, any_case: anchor.any_case }
}

/// The order of keywords. Compared where they are: each start sorts and searches thousands.
fn in_order(a: &Anchor, b: &Anchor) -> std::cmp::Ordering {
    (&a.text, a.any_case).cmp(&(&b.text, b.any_case))
}

/// `-----BEGIN … KEY-----` is no secret.
fn armour_length(secret: &[u8]) -> usize {
    memchr::memmem::find(&secret[5..], b"-----").map_or(0, |at| at + 10)
}

/// Whether a NUL byte stands within 256 bytes of the secret that is no half of a character in UTF-16.
fn is_binary_around(view: &[u8], secret: &Range<usize>) -> bool {
    let around = &view[secret.start.saturating_sub(256)..view.len().min(secret.end + 256)];
    wide::is_binary(around, true, true)
}

/// The line of `at` and the line above it, as far as the view holds them and at most 512 bytes before and after.
fn lines_at(view: &[u8], at: usize) -> (&[u8], &[u8]) {
    let start = line_start(view, at, 512);
    let end = memchr::memchr(b'\n', &view[at..view.len().min(at + 1024)])
        .map_or(view.len().min(at + 1024), |found| at + found);
    let above_end = start.saturating_sub(1);
    let above_start = line_start(view, above_end, 256);
    (&view[start..end], &view[above_start..above_end])
}

/// Whether a user's name is assigned within 160 bytes before or after the assignment.
fn has_user_beside(view: &[u8], assignment: &Assignment) -> bool {
    let before = &view[assignment.name.start.saturating_sub(160)..assignment.name.start];
    let after = &view[assignment.value.end..view.len().min(assignment.value.end + 160)];
    [before, after].iter().any(|text| {
        let lower = text.to_ascii_lowercase();
        [&b"user"[..], b"login", b"email"].iter().any(|word| {
            memchr::memmem::find_iter(&lower, word).any(|at| {
                let rest = &lower[at + word.len()..];
                let name = rest
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'"' | b'\''))
                    .count();
                name <= 8 && matches!(rest[name..].trim_ascii_start().first(), Some(b':' | b'='))
            })
        })
    })
}
