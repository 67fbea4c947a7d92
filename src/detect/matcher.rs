//! From a keyword's hit to the secret's bytes: a rule's regular expression, or the assignment around the hit.
//!
//! A match sees only the bytes that the rule's reach grants, from `LOOK_BEHIND` before the hit on, so its result depends
//! on nothing else: this is what makes scanning in windows give what scanning the whole gives.

use std::ops::Range;
use std::sync::OnceLock;

use globset::GlobMatcher;
use memchr::{memchr, memrchr};
use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use super::assignment::{self, Assignment};
use super::verdict::path_matcher;
use crate::rules::rule::NEAR;
use crate::rules::schema::REGEX_SIZE_LIMIT;
use crate::rules::{Matcher, Reach, Rule};

/// The compiled form of a rule's matcher; made when its first keyword is met.
#[derive(Debug)]
enum Compiled {
    Pattern { regex: Regex, lead: usize, secret_group: usize, next: Option<Regex> },
    Assignment { key: Option<Regex>, value: Regex },
}

/// A rule's matcher, compiled on first use.
#[derive(Debug, Default)]
pub struct LazyMatcher {
    compiled: OnceLock<Result<Compiled, String>>,
    ignore: OnceLock<Option<Regex>>,
    near: OnceLock<Option<Regex>>,
    paths: OnceLock<Vec<GlobMatcher>>,
}

/// What one thread keeps for one rule.
#[derive(Debug, Default)]
pub struct MatchCache {
    cache: Option<Cache>,
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
            Compiled::Pattern { regex, lead, secret_group, .. } => {
                let anchored = if *lead == 0 { Anchored::Yes } else { Anchored::No };
                let mut range = hit.start.saturating_sub(*lead)..view.len();
                if rule.reach == Reach::Line {
                    // Its pattern cannot match a line break, so looking beyond the line would only cost time.
                    range.start =
                        memrchr(b'\n', &view[range.start..hit.start]).map_or(range.start, |at| range.start + at + 1);
                    range.end = memchr(b'\n', &view[hit.end..]).map_or(range.end, |at| hit.end + at);
                }
                let input = Input::new(view).range(range).anchored(anchored);
                let slots = &mut cache.slots;
                slots.resize(regex.captures_len() * 2, None);
                let engine = cache.cache.get_or_insert_with(|| regex.create_cache());
                regex.search_slots_with(engine, &input, slots)?;
                let group = |index: usize| Some(slots[2 * index]?.get()..slots[2 * index + 1]?.get());
                let whole = group(0)?;
                // A match elsewhere on the line belongs to another hit.
                if whole.start > hit.start || whole.end < hit.end {
                    return None;
                }
                let secret = group(*secret_group).unwrap_or(whole);
                Some(Match { secret, assignment: None, word: hit.start })
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
                Some(Match { secret: found.value.clone(), assignment: Some(found.clone()), word })
            }
        }
    }

    /// The secret that follows the one that ends at `end` of `view`, for rules that say how another one follows.
    pub fn find_next(&self, rule: &Rule, view: &[u8], end: usize) -> Option<Match> {
        let Ok(Compiled::Pattern { next: Some(next), .. }) = self.compiled(rule) else { return None };
        let mut groups = next.create_captures();
        next.search_captures(&Input::new(view).range(end..).anchored(Anchored::Yes), &mut groups);
        let secret = groups.get_group_by_name("secret")?.range();
        (secret.start >= end && !secret.is_empty()).then_some(Match { secret, assignment: None, word: end })
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
}

fn compile(rule: &Rule) -> Result<Compiled, String> {
    match &rule.matcher {
        Matcher::Pattern { regex, lead, next } => {
            let regex = build(regex, false)?;
            let names = regex.group_info().to_index(regex_automata::PatternID::ZERO, "secret");
            let next = (!next.is_empty()).then(|| build(next, false)).transpose()?;
            Ok(Compiled::Pattern { lead: usize::from(*lead), secret_group: names.unwrap_or(0), regex, next })
        }
        Matcher::Assignment { key, value, .. } => Ok(Compiled::Assignment {
            key: (!key.is_empty()).then(|| build(key, true)).transpose()?,
            value: build(&format!(r"\A(?:{value})\z"), false)?,
        }),
    }
}

fn build(pattern: &str, any_case: bool) -> Result<Regex, String> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(any_case))
        .configure(
            Config::new()
                .utf8_empty(false)
                .nfa_size_limit(Some(REGEX_SIZE_LIMIT))
                // A rule matches a few hundred short windows: building tables ahead never pays.
                .dfa(false)
                .onepass(false)
                .hybrid_cache_capacity(256 * 1024),
        )
        .build(pattern)
        .map_err(|error| error.to_string())
}
