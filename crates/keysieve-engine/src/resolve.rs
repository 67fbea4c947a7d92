//! All candidates of one content together: one finding for the same bytes, one for the two halves of a credential, and
//! no secret in any excerpt.

#![expect(clippy::cast_possible_truncation, reason = "positions are cut to the text before they are narrowed")]

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use zeroize::Zeroizing;

use super::candidate::{Candidate, Dropped, Judge};
use crate::finding::{Confidence, Excerpt};
use crate::reason::Code;
use crate::rules::Rule;

/// How many candidates to either side can matter to one: bounds the work on lines that hold thousands.
const NEIGHBOURS: usize = 64;

/// Settles overlaps, joins pairs and masks excerpts; keeps the order of places.
pub fn resolve(rules: &[Rule], candidates: Vec<Candidate>) -> Vec<Candidate> {
    resolve_all(rules, candidates, true)
}

/// Like [`resolve`], but without excerpts, for versions that nobody will be shown.
pub fn settle(rules: &[Rule], candidates: Vec<Candidate>) -> Vec<Candidate> {
    resolve_all(rules, candidates, false)
}

fn resolve_all(rules: &[Rule], mut candidates: Vec<Candidate>, masked: bool) -> Vec<Candidate> {
    if candidates.is_empty() {
        return candidates;
    }
    candidates.sort_by_key(Candidate::order);
    candidates.dedup_by(|a, b| a.rule == b.rule && a.span == b.span);
    let limited = settle_overlaps(rules, &mut candidates);
    if masked {
        mask(&mut candidates);
    }
    let moved: Vec<usize> = limited.iter().map(|it| it.loser).collect();
    for Limited { winner, loser, dropped } in limited {
        let mut otherwise = candidates[loser].clone();
        otherwise.dropped = dropped;
        candidates[winner].otherwise = Some(Box::new(otherwise));
    }
    let mut index = 0..;
    candidates.retain(|_| index.next().is_none_or(|index| !moved.contains(&index)));
    join_pairs(rules, candidates)
}

/// A candidate whose rule is for some paths only, and the one that takes its place elsewhere, with what was said of that.
struct Limited {
    winner: usize,
    loser: usize,
    dropped: Option<Dropped>,
}

/// Of candidates that share bytes the most telling one stays, of equal ones the one whose rule comes first.
///
/// Gives back the winners whose rules are for some paths only.
fn settle_overlaps(rules: &[Rule], candidates: &mut [Candidate]) -> Vec<Limited> {
    let mut limited = Vec::new();
    let rank = |candidate: &Candidate| {
        let rule = &rules[candidate.rule as usize];
        (candidate.proven, rule.class, candidate.confidence, candidate.span.end - candidate.span.start)
    };
    // A marker that names one rule speaks of the bytes, which other rules know by less.
    let is_allowed = |candidate: &Candidate| candidate.dropped.as_ref().is_some_and(|it| it.judge == Judge::Allow);
    let mut best: Option<usize> = None;
    for index in 0..candidates.len() {
        if candidates[index].dropped.is_some() && !is_allowed(&candidates[index]) {
            continue;
        }
        match best {
            Some(held) if candidates[index].span.start < candidates[held].span.end => {
                let wins = rank(&candidates[index]) > rank(&candidates[held]);
                let (winner, loser) = if wins { (index, held) } else { (held, index) };
                let (of_winner, of_loser) = (&candidates[winner].span, &candidates[loser].span);
                let holds = of_winner.start <= of_loser.start && of_loser.end <= of_winner.end;
                if is_allowed(&candidates[winner]) && !holds {
                    best = Some(loser);
                    continue;
                }
                let reason = Code::Overlap.with(&rules[candidates[winner].rule as usize].id);
                let dropped = candidates[loser].dropped.replace(Dropped { judge: Judge::Overlap, reason });
                let is_limited = |index: usize| !rules[candidates[index].rule as usize].paths.is_empty();
                if is_limited(winner) && !is_limited(loser) {
                    limited.push(Limited { winner, loser, dropped });
                }
                best = Some(winner);
            }
            _ => best = Some(index),
        }
    }
    limited
}

/// Makes the excerpts: the surroundings with every secret of the content masked by asterisks.
fn mask(candidates: &mut [Candidate]) {
    let mut lines: Vec<Zeroizing<Vec<u8>>> = candidates
        .iter()
        .flat_map(|candidate| candidate.secret.expose().split(|byte| *byte == b'\n'))
        .map(|line| Zeroizing::new(line.trim_ascii().to_vec()))
        .filter(|line| line.len() >= 4 && !line.starts_with(b"-----"))
        .collect();
    lines.sort_unstable_by(|a, b| a.as_slice().cmp(b.as_slice()));
    lines.dedup();
    // Used on a line or two: a DFA would cost more to build than it saves.
    // Fails only for gigabytes of secrets; masking everything is then the safe answer.
    let searcher = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(lines.iter().map(|line| line.as_slice()))
        .ok();
    for index in 0..candidates.len() {
        let mut surroundings = std::mem::take(&mut candidates[index].surroundings);
        let span = candidates[index].span.clone();
        let before = &mut surroundings.before;
        let after = &mut surroundings.after;
        // In UTF-8 what stands before can be longer than it is in the content.
        let before_from = span.start.saturating_sub(before.len() as u64);
        // By position, for secrets that the clipping cut in two; in order of places only neighbours can touch.
        let neighbours = candidates[index.saturating_sub(NEIGHBOURS)..candidates.len().min(index + NEIGHBOURS)].iter();
        for other in neighbours {
            cover(before, before_from, &other.span);
            cover(after, span.end, &other.span);
        }
        let clean = |text: &[u8]| match &searcher {
            Some(searcher) => {
                let mut masked = Vec::with_capacity(text.len());
                searcher.replace_all_with_bytes(text, &mut masked, |found, _, masked| {
                    masked.resize(masked.len() + found.len(), b'*');
                    true
                });
                String::from_utf8_lossy(&masked).into_owned()
            }
            None => "*".repeat(text.len()),
        };
        let candidate = &mut candidates[index];
        let first_line = candidate.secret.expose().split(|byte| *byte == b'\n').next().unwrap_or_default();
        candidate.excerpt = Excerpt {
            masked: String::from_utf8_lossy(first_line.trim_ascii_end()).chars().count(),
            before: clean(before),
            after: clean(after),
        };
    }
}

/// Masks what of `text`, which starts at `from` in the content, lies inside `span`.
fn cover(text: &mut [u8], from: u64, span: &Range<u64>) {
    let start = span.start.saturating_sub(from).min(text.len() as u64) as usize;
    let end = span.end.saturating_sub(from).min(text.len() as u64) as usize;
    if start < end {
        text[start..end].fill(b'*');
    }
}

/// Gives each candidate whose rule names another half the nearest one in reach; the half is then no finding of its own.
fn join_pairs(rules: &[Rule], candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut slots: Vec<Option<Candidate>> = candidates.into_iter().map(Some).collect();
    for index in 0..slots.len() {
        let Some((rule, line)) =
            slots[index].as_ref().filter(|it| it.dropped.is_none()).map(|it| (it.rule, it.place.line))
        else {
            continue;
        };
        let Some(pair) = &rules[rule as usize].pair else { continue };
        let nearest = slots
            .iter()
            .enumerate()
            .take(index + NEIGHBOURS)
            .skip(index.saturating_sub(NEIGHBOURS))
            .filter_map(|(other, slot)| Some((other, slot.as_ref()?)))
            .filter(|(other, it)| *other != index && it.dropped.is_none() && it.partner.is_none())
            .filter(|(_, it)| rules[it.rule as usize].id == pair.with)
            .map(|(other, it)| (it.place.line.abs_diff(line), other))
            .filter(|(distance, _)| *distance <= u64::from(pair.within_lines))
            .min();
        let Some(partner) = nearest.and_then(|(_, other)| slots[other].take()) else { continue };
        let Some(candidate) = slots[index].as_mut() else { continue };
        candidate.confidence = candidate.confidence.max(partner.confidence).max(Confidence::High);
        candidate.severity = candidate.severity.max(partner.severity);
        candidate.harmless &= partner.harmless;
        let name = &rules[partner.rule as usize].name;
        candidate.evidence.push(Code::Paired.with(format_args!("{}: {name}", partner.place.line)));
        candidate.partner = Some(Box::new(partner));
    }
    slots.into_iter().flatten().collect()
}
