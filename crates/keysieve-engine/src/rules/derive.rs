//! What a rule file need not say twice: the anchors that a pattern starts with, and the expression for a provider's name
//! with a word for a secret after it.

use regex_syntax::hir::Hir;
use regex_syntax::hir::literal::{ExtractKind, Extractor};

use super::rule::{Anchor, LONGEST_ANCHOR, SHORTEST_ANCHOR};

/// The words that say a secret where `key_words` does not name others.
pub const KEY_WORDS: [&str; 5] = ["key", "token", "secret", "password", "auth"];

/// Most anchors that are taken from one pattern.
const MOST_ANCHORS: usize = 24;
/// Largest class of characters of which each gives an anchor: `xox[bp]-` starts with `xoxb-` or `xoxp-`.
const LARGEST_CLASS: usize = 8;

/// The texts of which one starts every match, in the order of the pattern. `None` if some match starts with none that is
/// long enough to be found.
pub fn anchors(pattern: &Hir) -> Option<Vec<Anchor>> {
    let mut extractor = Extractor::new();
    extractor
        .kind(ExtractKind::Prefix)
        .limit_class(LARGEST_CLASS)
        .limit_literal_len(LONGEST_ANCHOR)
        .limit_total(MOST_ANCHORS);
    let prefixes = extractor.extract(pattern);
    let text = |literal| std::str::from_utf8(literal).ok().filter(|text| text.len() >= SHORTEST_ANCHOR);
    let texts = prefixes.literals()?.iter().map(|it| text(it.as_bytes())).collect::<Option<Vec<&str>>>()?;
    let is_again = |at: usize| {
        let starts_so =
            |(other, text): (usize, &&str)| texts[at].starts_with(text) && (texts[at] != *text || other < at);
        texts.iter().enumerate().any(starts_so)
    };
    let mut anchors: Vec<Anchor> = Vec::new();
    // Where one of them starts with another one, the other one finds both.
    for (_, text) in texts.iter().enumerate().filter(|(at, _)| !is_again(*at)) {
        // Of an expression that ignores case comes one text for each way to write it.
        match anchors.iter_mut().find(|anchor| anchor.text.eq_ignore_ascii_case(text)) {
            Some(anchor) => *anchor = Anchor { text: text.to_ascii_lowercase().into(), any_case: true },
            None => anchors.push(Anchor { text: (*text).to_owned().into(), any_case: false }),
        }
    }
    (!anchors.is_empty()).then_some(anchors)
}

/// The expression for a name in which one of `names` stands and one of `words` anywhere after it.
pub fn key(names: &[String], words: &[String]) -> String {
    let escape = |list: &[String]| list.iter().map(|word| regex_syntax::escape(word)).collect::<Vec<_>>().join("|");
    let words = if words.is_empty() { KEY_WORDS.join("|") } else { escape(words) };
    format!("(?:{})[a-z0-9_.-]*(?:{words})", escape(names))
}
