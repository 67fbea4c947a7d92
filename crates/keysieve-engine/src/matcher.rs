//! From a keyword's hit to the secret's bytes: a rule's regular expression, or the assignment around the hit.
//!
//! A match sees only the bytes that the rule's reach grants, from `LOOK_BEHIND` before the hit on, so its result depends
//! on nothing else: this is what makes scanning in windows give what scanning the whole gives.
//!
//! Most patterns ask for a border before the token. Where none stands, the end of an escape counts as one, and a token that
//! a checksum proves needs none.

use std::ops::Range;
use std::sync::OnceLock;

use globset::GlobMatcher;
use memchr::{memchr, memchr2, memchr3, memrchr};
use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Capture, Hir, HirKind};

use super::assignment::{self, Assignment};
use super::escape;
use super::verdict::path_matcher;
use crate::rules::rule::NEAR;
use crate::rules::rule::REGEX_SIZE_LIMIT;
use crate::rules::{Check, Matcher, Reach, Rule};

/// The compiled form of a rule's matcher; made when its first keyword is met.
#[derive(Debug)]
enum Compiled {
    Pattern { regex: Regex, lead: usize, secret_group: usize, next: Option<Regex>, asks_for_border: bool },
    Assignment { key: Option<Regex>, value: Regex },
}

/// A rule's matcher, compiled on first use.
#[derive(Debug, Default)]
pub struct LazyMatcher {
    compiled: OnceLock<Result<Compiled, String>>,
    /// The pattern without the borders that it asks for.
    borderless: OnceLock<Option<Regex>>,
    ignore: OnceLock<Option<Regex>>,
    near: OnceLock<Option<Regex>>,
    paths: OnceLock<Vec<GlobMatcher>>,
}

/// What one thread keeps for one rule.
#[derive(Debug, Default)]
pub struct MatchCache {
    cache: Option<Cache>,
    borderless: Option<Cache>,
    slots: Vec<Option<NonMaxUsize>>,
}

/// A secret found around a hit, in positions of the view.
#[derive(Debug, Clone)]
pub struct Match {
    /// The secret.
    pub secret: Range<usize>,
    /// The assignment it was the value of, if the rule reads assignments.
    pub assignment: Option<Assignment>,
    /// Where the word that makes the name a secret's starts: what the rule's `key` matches, else the anchor.
    pub word: usize,
    /// Whether it stands inside of a longer word, so that only a proof makes it a secret.
    pub inside_word: bool,
}

impl LazyMatcher {
    /// Whether the rule's expressions and globs compile within their size limits; the error says why not.
    pub fn check(&self, rule: &Rule) -> Result<(), String> {
        for glob in rule.paths.iter() {
            path_matcher(glob).map_err(|error| format!("`paths`: {error}"))?;
        }
        self.compiled(rule).as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// The secret around the keyword at `hit` of `view`.
    ///
    /// `shared` carries an assignment from one rule to the next that asks at the same hit.
    pub fn find(
        &self,
        rule: &Rule,
        view: &[u8],
        hit: Range<usize>,
        cache: &mut MatchCache,
        shared: &mut Option<Option<Assignment>>,
    ) -> Option<Match> {
        match self.compiled(rule).as_ref().ok()? {
            Compiled::Pattern { regex, lead, secret_group, asks_for_border, .. } => {
                let mut range = hit.start.saturating_sub(*lead)..view.len();
                if rule.reach == Reach::Line {
                    // Its pattern cannot match a line break, so looking beyond the line would only cost time.
                    range.start =
                        memrchr(b'\n', &view[range.start..hit.start]).map_or(range.start, |at| range.start + at + 1);
                    range.end = memchr(b'\n', &view[hit.end..]).map_or(range.end, |at| hit.end + at);
                }
                let slots = &mut cache.slots;
                let search = Search { view, hit, secret_group: *secret_group };
                let engine = cache.cache.get_or_insert_with(|| regex.create_cache());
                let found = search.find(regex, 0, range.clone(), *lead == 0, engine, slots);
                if found.is_some() || !asks_for_border {
                    return found;
                }
                // What is cut off before an escape's end cannot keep a border from standing there.
                let found = search
                    .after_escapes(range.start)
                    .find_map(|start| search.find(regex, start, start..range.end, true, engine, slots));
                found.or_else(|| {
                    let regex = self.borderless(rule)?;
                    let engine = cache.borderless.get_or_insert_with(|| regex.create_cache());
                    let found = search.find(regex, 0, range.clone(), *lead == 0, engine, slots)?;
                    Some(Match { inside_word: true, ..found })
                })
            }
            Compiled::Assignment { key, value } => {
                let found = shared.get_or_insert_with(|| assignment::parse(view, hit.clone())).as_ref()?;
                if !value.is_match(&view[found.value.clone()]) {
                    return None;
                }
                let word = match key {
                    Some(key) => found.name.start + key.find(&view[found.name.clone()])?.start(),
                    None => hit.start,
                };
                Some(Match { secret: found.value.clone(), assignment: Some(found.clone()), word, inside_word: false })
            }
        }
    }

    /// The secret that follows the one that ends at `end` of `view`, for rules that say how another one follows.
    pub fn find_next(&self, rule: &Rule, view: &[u8], end: usize) -> Option<Match> {
        let Ok(Compiled::Pattern { next: Some(next), .. }) = self.compiled(rule) else { return None };
        let mut groups = next.create_captures();
        next.search_captures(&Input::new(view).range(end..).anchored(Anchored::Yes), &mut groups);
        let secret = groups.get_group_by_name("secret")?.range();
        let found = Match { secret, assignment: None, word: end, inside_word: false };
        (found.secret.start >= end && !found.secret.is_empty()).then_some(found)
    }

    /// Whether the rule's `ignore` expression says that `secret` is none.
    pub fn ignores(&self, rule: &Rule, secret: &[u8]) -> bool {
        let compile = || (!rule.ignore.is_empty()).then(|| build(&rule.ignore, true).ok()).flatten();
        self.ignore.get_or_init(compile).as_ref().is_some_and(|ignore| ignore.is_match(secret))
    }

    /// Whether one of the rule's `near` words stands around the keyword at `hit` of `view`.
    pub fn is_near(&self, rule: &Rule, view: &[u8], hit: usize) -> bool {
        let compile = || {
            let words: Vec<String> = rule.near.iter().map(|word| regex::escape(word)).collect();
            (!words.is_empty()).then(|| build(&words.join("|"), true).ok()).flatten()
        };
        let around = &view[hit.saturating_sub(NEAR)..view.len().min(hit + NEAR)];
        self.near.get_or_init(compile).as_ref().is_none_or(|near| near.is_match(around))
    }

    /// Whether the rule is for `path`.
    pub fn is_for(&self, rule: &Rule, path: &str) -> bool {
        let compile = || rule.paths.iter().filter_map(|glob| path_matcher(glob).ok()).collect();
        rule.paths.is_empty() || self.paths.get_or_init(compile).iter().any(|glob| glob.is_match(path))
    }

    fn compiled(&self, rule: &Rule) -> &Result<Compiled, String> {
        self.compiled.get_or_init(|| compile(rule))
    }

    /// The rule's pattern without its borders, if the rule's check is proof enough without them.
    fn borderless(&self, rule: &Rule) -> Option<&Regex> {
        let compile = || match &rule.matcher {
            Matcher::Pattern { regex, .. } if rule.check.is_some_and(Check::needs_no_border) => {
                build_from_hir(&without_borders(&parse(regex, false).ok()?, true, true)).ok()
            }
            _ => None,
        };
        self.borderless.get_or_init(compile).as_ref()
    }
}

/// What a search for a pattern needs to know.
struct Search<'a> {
    view: &'a [u8],
    /// The keyword.
    hit: Range<usize>,
    secret_group: usize,
}

impl Search<'_> {
    /// The match within `range` that holds the keyword; to the expression, the view starts at `from`.
    fn find(
        &self,
        regex: &Regex,
        from: usize,
        range: Range<usize>,
        anchored: bool,
        cache: &mut Cache,
        slots: &mut Vec<Option<NonMaxUsize>>,
    ) -> Option<Match> {
        let anchored = if anchored { Anchored::Yes } else { Anchored::No };
        let input = Input::new(&self.view[from..]).range(range.start - from..range.end - from).anchored(anchored);
        slots.resize(regex.captures_len() * 2, None);
        regex.search_slots_with(cache, &input, slots)?;
        let group = |index: usize| Some(from + slots[2 * index]?.get()..from + slots[2 * index + 1]?.get());
        let whole = group(0)?;
        // A match elsewhere on the line belongs to another hit.
        if whole.start > self.hit.start || whole.end < self.hit.end {
            return None;
        }
        let secret = group(self.secret_group).unwrap_or(whole);
        Some(Match { secret, assignment: None, word: self.hit.start, inside_word: false })
    }

    /// The places from `from` to the keyword where an escape ends in the middle of what else were a word.
    fn after_escapes(&self, from: usize) -> impl Iterator<Item = usize> {
        let (view, hit) = (self.view, self.hit.start);
        // A pattern with much before its keyword is rarely met after an escape: one look tells that there is none.
        let looked = &view[from.saturating_sub(escape::LONGEST)..hit];
        let none = from < hit && memchr3(b'\\', b'%', b'[', looked).or_else(|| memchr2(b'=', b'`', looked)).is_none();
        let is_inside = |at: usize| at > 0 && escape::is_word(view[at - 1]);
        (from..=if none { from } else { hit }).filter(move |at| is_inside(*at) && escape::ends_at(view, *at))
    }
}

fn compile(rule: &Rule) -> Result<Compiled, String> {
    match &rule.matcher {
        Matcher::Pattern { regex, lead, next } => {
            let hir = parse(regex, false)?;
            let asks_for_border = !hir.properties().look_set_prefix_any().is_empty();
            let regex = build_from_hir(&hir)?;
            let names = regex.group_info().to_index(regex_automata::PatternID::ZERO, "secret");
            let next = (!next.is_empty()).then(|| build(next, false)).transpose()?;
            Ok(Compiled::Pattern {
                lead: usize::from(*lead),
                secret_group: names.unwrap_or(0),
                regex,
                next,
                asks_for_border,
            })
        }
        Matcher::Assignment { key, value, .. } => Ok(Compiled::Assignment {
            key: (!key.is_empty()).then(|| build(key, true)).transpose()?,
            value: build(&format!(r"\A(?:{value})\z"), false)?,
        }),
    }
}

fn build(pattern: &str, any_case: bool) -> Result<Regex, String> {
    build_from_hir(&parse(pattern, any_case)?)
}

fn parse(pattern: &str, any_case: bool) -> Result<Hir, String> {
    let syntax = syntax::Config::new().unicode(false).utf8(false).case_insensitive(any_case);
    syntax::parse_with(pattern, &syntax).map_err(|error| error.to_string())
}

fn build_from_hir(hir: &Hir) -> Result<Regex, String> {
    Regex::builder()
        .configure(
            Config::new()
                .utf8_empty(false)
                .nfa_size_limit(Some(REGEX_SIZE_LIMIT))
                // A rule matches a few hundred short windows: building tables ahead never pays, nor does a search for
                // literals, which the gate has done.
                .dfa(false)
                .onepass(false)
                .auto_prefilter(false)
                .hybrid_cache_capacity(256 * 1024),
        )
        .build_from_hir(hir)
        .map_err(|error| error.to_string())
}

/// The expression without the assertions that it begins with, if `front`, and those that it ends with, if `back`.
fn without_borders(hir: &Hir, front: bool, back: bool) -> Hir {
    match hir.kind() {
        HirKind::Look(_) => Hir::empty(),
        HirKind::Capture(capture) => {
            let sub = Box::new(without_borders(&capture.sub, front, back));
            Hir::capture(Capture { sub, ..capture.clone() })
        }
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| without_borders(part, front, back)).collect())
        }
        HirKind::Concat(parts) => {
            let last = parts.len() - 1;
            let part = |(at, part): (usize, &Hir)| match (front && at == 0, back && at == last) {
                (false, false) => part.clone(),
                (front, back) => without_borders(part, front, back),
            };
            Hir::concat(parts.iter().enumerate().map(part).collect())
        }
        _ => hir.clone(),
    }
}
