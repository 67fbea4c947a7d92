//! The plausibility model: a linear score of what a name, its value and their surroundings look like.
//!
//! Features are hashes of short pieces: n-grams of the name and of the value, the value's shape, what stands around,
//! what the rules of thumb of [`plausibility`] say. Each has a weight of eight bits; their sum is
//! the score. `model/README.md` says how the weights come about, `examples/candidates.rs` prints the features for it.

#![expect(clippy::cast_possible_truncation, reason = "every number is bounded to a byte before it is cut to one")]

use super::assignment::{Assignment, Join, line_start};
use super::path_facts::PathFacts;
use super::plausibility::{self, Judgement};
use super::{entropy, gram};
use crate::finding::Confidence;
use crate::rules::ValueKind;

/// Bits of a feature's number.
const BITS: u32 = 17;
/// Bytes before the weights: bias, limit of what a path adds, the scores that low, medium and high ask for, and what a path
/// adds on average, each 16 bits.
const HEADER: usize = 12;

static WEIGHTS: &[u8; HEADER + (1 << BITS)] = include_bytes!("../../../model/weights.bin");

/// Scores are kept in steps of this many units: candidates that differ in less are alike.
const STEP: i32 = 8;
/// Bytes of a value that are looked at one by one.
const VALUE_LIMIT: usize = 40;
/// Bytes before the name and after the value that are looked at.
const AROUND: usize = 20;

fn header(index: usize) -> i32 {
    i32::from(i16::from_le_bytes([WEIGHTS[2 * index], WEIGHTS[2 * index + 1]]))
}

/// The weight of a feature.
pub fn weight(feature: u32) -> i32 {
    i32::from(WEIGHTS[HEADER + feature as usize] as i8)
}

/// What the path may add to a score, or take from it, at most.
pub fn path_limit() -> i32 {
    header(1)
}

/// The score of a candidate whose features weigh `sum`, in whole steps.
pub fn score(sum: i32) -> i32 {
    (sum + header(0)).div_euclid(STEP) * STEP
}

/// The least score of a password that the rules of thumb are sure of: medium, if the path does not speak against it. What
/// the model learned from has its passwords scrambled, so it takes words for a sign of none.
pub fn floor() -> i32 {
    score(header(3) - header(0) - header(5)) + STEP
}

/// How sure a score makes; `None` if it is no credential.
pub fn confidence(score: i32) -> Option<Confidence> {
    let (low, medium, high) = (header(2), header(3), header(4));
    match score {
        _ if score >= high => Some(Confidence::High),
        _ if score >= medium => Some(Confidence::Medium),
        _ if score >= low => Some(Confidence::Low),
        _ => None,
    }
}

/// Whether no path can make a credential of this score.
pub fn is_hopeless(score: i32) -> bool {
    score + path_limit() < header(2)
}

/// FNV-1a over a tag and some bytes, folded to a feature's number.
struct Hash(u32);

impl Hash {
    fn of(tag: u8) -> Self {
        Self(0x811c_9dc5).with(&[tag])
    }

    fn with(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)))
    }

    fn number(self) -> u32 {
        (self.0 ^ self.0 >> BITS ^ self.0 >> 7) & ((1 << BITS) - 1)
    }
}

/// Gives every n-gram of `text`, with a mark before its start and after its end.
fn grams(tag: u8, text: &[u8], size: usize, emit: &mut impl FnMut(u32)) {
    let at = |index: usize| match index.checked_sub(1) {
        Some(index) => text.get(index).copied().unwrap_or(1),
        None => 2,
    };
    let mut gram = [0; 8];
    for start in 0..(text.len() + 3).saturating_sub(size) {
        (0..size).for_each(|index| gram[index] = at(start + index));
        emit(Hash::of(tag).with(&gram[..size]).number());
    }
}

/// Gives the features of an assignment; `judgement` is what the rules of thumb make of it.
pub fn features(
    kind: ValueKind,
    text: &[u8],
    assignment: &Assignment,
    judgement: &Judgement,
    has_user: bool,
    emit: &mut impl FnMut(u32),
) {
    let kind = kind as u8;
    let join = match assignment.join {
        Join::Assigned => 0,
        Join::Compared => 1,
        Join::Called => 2,
        Join::Element => 3,
        Join::Juxtaposed => 4,
    };
    let quoted = u8::from(assignment.quoted);
    emit(Hash::of(b'f').with(&[kind, join, quoted, u8::from(assignment.name_quoted)]).number());
    of_name(&text[assignment.name.clone()], emit);
    let value = &text[assignment.value.clone()];
    let head = &value[..value.len().min(VALUE_LIMIT)];
    let lower = head.to_ascii_lowercase();
    of_text(head, &lower, value.len() <= VALUE_LIMIT, emit);
    let measures = Measures::of(value, head, &lower);
    measures.features(kind, join, quoted, has_user, emit);
    of_judgement(judgement, kind, quoted, measures.mean, emit);
    of_surroundings(text, assignment, emit);
}

fn of_name(name: &[u8], emit: &mut impl FnMut(u32)) {
    let mut lower = name.to_ascii_lowercase();
    lower.truncate(64);
    emit(Hash::of(b'N').with(&lower).number());
    grams(b'n', &lower, 3, emit);
    grams(b'n', &lower, 5, emit);
    for word in plausibility::words(name) {
        emit(Hash::of(b'w').with(&word.to_ascii_lowercase()).number());
    }
}

/// Of what a value's first bytes are, letter by letter.
fn of_text(head: &[u8], lower: &[u8], is_whole: bool, emit: &mut impl FnMut(u32)) {
    grams(b'2', lower, 2, emit);
    grams(b'3', lower, 3, emit);
    if is_whole {
        grams(b'4', lower, 4, emit);
        emit(Hash::of(b'V').with(lower).number());
    }
    for word in plausibility::words(head).filter(|word| word.len() >= 3) {
        emit(Hash::of(b'v').with(&word.to_ascii_lowercase()).number());
    }
    let shape = shape(head);
    emit(Hash::of(b'S').with(&shape).number());
    grams(b's', &shape, 3, emit);
}

/// What is counted of a value.
struct Measures {
    length: u8,
    exact_length: u8,
    /// How common its grams are.
    mean: u8,
    /// Entropy.
    bits: u8,
    classes: u8,
    rare: u8,
}

impl Measures {
    fn of(value: &[u8], head: &[u8], lower: &[u8]) -> Self {
        Self {
            length: bucket(value.len()),
            exact_length: exact_length(value),
            mean: gram::mean_frequency(head).map_or(31, |mean| (mean / 6) as u8),
            bits: (entropy::bits_per_byte(value) * 4.0) as u8,
            classes: classes(value),
            rare: rare_grams(lower),
        }
    }

    fn features(&self, kind: u8, join: u8, quoted: u8, has_user: bool, emit: &mut impl FnMut(u32)) {
        let Self { length, exact_length, mean, bits, classes, rare } = *self;
        emit(Hash::of(b'l').with(&[length, kind]).number());
        emit(Hash::of(b'm').with(&[mean, kind]).number());
        emit(Hash::of(b'M').with(&[mean, length]).number());
        emit(Hash::of(b'b').with(&[bits, length]).number());
        emit(Hash::of(b'c').with(&[classes, length]).number());
        emit(Hash::of(b'C').with(&[classes, mean / 2, kind]).number());
        emit(Hash::of(b'x').with(&[exact_length, classes]).number());
        emit(Hash::of(b'q').with(&[quoted, classes, join]).number());
        emit(Hash::of(b'u').with(&[u8::from(has_user), kind]).number());
        emit(Hash::of(b'r').with(&[rare, length]).number());
        emit(Hash::of(b'R').with(&[rare, classes, kind]).number());
    }
}

fn of_judgement(judgement: &Judgement, kind: u8, quoted: u8, mean: u8, emit: &mut impl FnMut(u32)) {
    let (reason, verdict) = match judgement {
        Judgement::No(reason) => (*reason, 0),
        Judgement::Yes { confidence, evidence, .. } => (*evidence, 1 + *confidence as u8),
    };
    emit(reason.feature().unwrap_or_else(|| Hash::of(b'j').with(reason.as_str().as_bytes()).number()));
    emit(Hash::of(b'J').with(&[verdict, kind, quoted]).number());
    emit(Hash::of(b'k').with(&[mean, verdict]).number());
}

/// Of what stands before the name, between it and the value, and after the value, on the same line.
fn of_surroundings(text: &[u8], assignment: &Assignment, emit: &mut impl FnMut(u32)) {
    let before = &text[line_start(text, assignment.name.start, AROUND)..assignment.name.start];
    grams(b'a', &before.to_ascii_lowercase(), 3, emit);
    for word in plausibility::words(before) {
        emit(Hash::of(b'A').with(&word.to_ascii_lowercase()).number());
    }
    let between = &text[assignment.name.end.min(assignment.value.start)..assignment.value.start];
    emit(Hash::of(b'i').with(&between[..between.len().min(8)]).number());
    for word in plausibility::words(&between[..between.len().min(64)]) {
        emit(Hash::of(b'I').with(&word.to_ascii_lowercase()).number());
    }
    let after = &text[assignment.value.end..text.len().min(assignment.value.end + AROUND)];
    let after = &after[..memchr::memchr(b'\n', after).unwrap_or(after.len())];
    emit(Hash::of(b'e').with(&after[..after.len().min(3)]).number());
    grams(b'z', &after.to_ascii_lowercase(), 3, emit);
}

/// Gives the features of a path.
pub fn path_features(facts: &PathFacts, rule: u8, quoted: bool, emit: &mut impl FnMut(u32)) {
    let extension = facts.extension.to_le_bytes();
    emit(Hash::of(b'p').with(&extension).number());
    emit(Hash::of(b'P').with(&extension).with(&[rule, u8::from(quoted)]).number());
    let places = [facts.source, facts.test, facts.example, facts.lock, facts.translation].map(u8::from);
    for (index, place) in places.iter().enumerate() {
        emit(Hash::of(b'o').with(&[index as u8, *place, rule]).number());
    }
}

/// What a path adds on average: for content without one.
pub fn usual_path_score() -> i32 {
    header(5)
}

/// What a path adds to a score.
pub fn path_score(facts: &PathFacts, rule: u8, quoted: bool) -> i32 {
    let mut sum = 0;
    path_features(facts, rule, quoted, &mut |feature| sum += weight(feature));
    sum.clamp(-path_limit(), path_limit())
}

/// The classes of a text's characters, with runs drawn together: `Abc-123` is `Aa-0`, and a run of four or more is
/// doubled.
fn shape(text: &[u8]) -> Vec<u8> {
    let mut shape = Vec::new();
    let mut run = 0;
    for byte in text {
        let class = match byte {
            b'a'..=b'z' => b'a',
            b'A'..=b'Z' => b'A',
            b'0'..=b'9' => b'0',
            0x80.. => b'~',
            byte => *byte,
        };
        run = if shape.last() == Some(&class) { run + 1 } else { 0 };
        if run == 0 || run == 3 {
            shape.push(class);
        }
    }
    shape.truncate(24);
    shape
}

fn classes(value: &[u8]) -> u8 {
    value.iter().fold(0, |classes, byte| {
        classes
            | match byte {
                b'a'..=b'f' => 1,
                b'g'..=b'z' => 2,
                b'A'..=b'F' => 4,
                b'G'..=b'Z' => 8,
                b'0'..=b'9' => 16,
                b' ' => 32,
                b'_' | b'-' | b'.' | b'/' => 64,
                _ => 128,
            }
    })
}

fn bucket(length: usize) -> u8 {
    match length {
        0..=12 => length as u8,
        13..=16 => 13,
        17..=20 => 14,
        21..=31 => 15,
        32 => 16,
        33..=39 => 17,
        40 => 18,
        41..=63 => 19,
        64 => 20,
        65..=128 => 21,
        _ => 22,
    }
}

fn exact_length(value: &[u8]) -> u8 {
    value.len().min(130) as u8
}

/// Of the letter triples how many in eight are rare in source code.
fn rare_grams(lower: &[u8]) -> u8 {
    let triples = lower.windows(3).filter(|gram| gram.iter().all(u8::is_ascii_alphabetic));
    let (rare, all) = triples.fold((0, 0), |(rare, all), gram| {
        (rare + usize::from(gram::frequency([gram[0], gram[1], gram[2]]) < 90), all + 1)
    });
    (8 * rare).checked_div(all).map_or(9, |eighths: usize| eighths as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The features are what the weights were trained on: whoever changes one trains anew (`model/README.md`) and takes
    /// the new numbers over from this test's message.
    #[test]
    fn features_are_those_of_the_weights() {
        let cases = [
            ("db_password = \"Tr4vel-Lantern-91\"", ValueKind::Password),
            ("api_token: changeme", ValueKind::Token),
            ("login('secret', 'q8Zr2Lx0Vt5Nw7Bk3Hs9Yd4Mf6')", ValueKind::Token),
            ("<add name=\"password\" value=\"4711\" />", ValueKind::Password),
        ];
        let told = cases.map(|(text, kind)| {
            let text = text.as_bytes();
            let word: &[u8] = if kind == ValueKind::Password { b"password" } else { b"token" };
            let at = memchr::memmem::find(text, word).map_or_else(
                || memchr::memmem::find(text, b"secret").map(|at| at..at + 6),
                |at| Some(at..at + word.len()),
            );
            let at = at.expect("each case has its word");
            let assignment = crate::assignment::parse(text, at.clone()).expect("each case is an assignment");
            let judgement = plausibility::judge_possible(kind, text, &assignment, at.start);
            let (mut count, mut hash) = (0, 0xcbf2_9ce4_8422_2325_u64);
            features(kind, text, &assignment, &judgement, false, &mut |feature| {
                count += 1;
                hash = (hash ^ u64::from(feature)).wrapping_mul(0x0100_0000_01b3);
            });
            format!("{count} {hash:016x}")
        });
        assert_eq!(
            told,
            ["106 ff638af6e3f5e4fc", "65 ec54c96c145711ea", "143 87d259d7852b4672", "67 35ffc652e5803516"]
        );
        let mut of_path = Vec::new();
        path_features(&PathFacts::of("src/test/a.py"), 0, true, &mut |feature| of_path.push(feature));
        assert_eq!(of_path, [72326, 86424, 27988, 28613, 127221, 57288, 19892]);
    }
}
