//! Is a value that somebody assigned to a telling name a secret, or a word, an identifier, a path?
//!
//! In come the name and the value, out goes a [`Judgement`]. Nothing here knows files: what a path adds, the verdict adds.

use super::assignment::{Assignment, Join, logs_in};
use super::{entropy, gram, placeholder, words};
use crate::finding::Confidence;
use crate::reason::Code;
use crate::rules::ValueKind;

/// What the value looks like.
#[derive(Debug, PartialEq)]
pub enum Judgement {
    /// No secret, and why.
    No(Code),
    /// A secret with this confidence.
    Yes {
        /// How sure.
        confidence: Confidence,
        /// Why.
        evidence: Code,
        /// Whether it is one of the passwords that everybody tries first.
        well_known: bool,
    },
}

/// Judges the value of `assignment` in `text`; `keyword` is where in the text the word that tells a secret
/// stands, within the name.
pub fn judge(kind: ValueKind, text: &[u8], assignment: &Assignment, keyword: usize) -> Judgement {
    let (name, value) = (&text[assignment.name.clone()], &text[assignment.value.clone()]);
    let not_assigned = || (kind != ValueKind::Shaped).then(|| not_assigned(text, name, value, assignment)).flatten();
    match describing(name, keyword - assignment.name.start).or_else(not_assigned) {
        Some(reason) => Judgement::No(reason),
        None => judge_looks(kind, name, value, assignment),
    }
}

/// Like [`judge`], of an assignment that is not [`impossible`].
pub fn judge_possible(kind: ValueKind, text: &[u8], assignment: &Assignment, keyword: usize) -> Judgement {
    let (name, value) = (&text[assignment.name.clone()], &text[assignment.value.clone()]);
    match describing(name, keyword - assignment.name.start) {
        Some(reason) => Judgement::No(reason),
        None => judge_looks(kind, name, value, assignment),
    }
}

fn judge_looks(kind: ValueKind, name: &[u8], value: &[u8], assignment: &Assignment) -> Judgement {
    match kind {
        ValueKind::Password => password(name, value, assignment),
        ValueKind::Token => token(name, value),
        ValueKind::Shaped => shaped(value),
    }
}

/// Why an assignment can be none, whatever its value looks like.
pub fn impossible(text: &[u8], assignment: &Assignment, keyword: usize) -> Option<Code> {
    let (name, value) = (&text[assignment.name.clone()], &text[assignment.value.clone()]);
    placeholder::template(value)
        .or_else(|| placeholder::says_so(value))
        .or_else(|| not_assigned(text, name, value, assignment))
        .or_else(|| describing(name, keyword - assignment.name.start).filter(|_| !has_word(name, words::NONCES)))
        .or_else(|| is_host(text, assignment).then_some(Code::Host))
        .or_else(|| (value.iter().all(u8::is_ascii_hexdigit) && has_word(name, words::DIGESTS)).then_some(Code::Digest))
}

/// Why the two only look as if one were the other's value: items of a list, a name repeated, the start of a sentence.
fn not_assigned(text: &[u8], name: &[u8], value: &[u8], assignment: &Assignment) -> Option<Code> {
    let letters = |text: &[u8]| -> Vec<u8> {
        text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
    };
    if letters(name) == letters(value) && value.len() >= 6 && !well_known_password(value) {
        return Some(Code::RepeatsName);
    }
    let after = &text[(assignment.value.end + usize::from(assignment.quoted)).min(text.len())..];
    let between = &text[assignment.name.end.min(assignment.value.start)..assignment.value.start];
    // `"name": "x", "value": "y"` is no list.
    if assignment.join == Join::Called && assignment.name_quoted && !between.contains(&b':') {
        let next = after.trim_ascii_start();
        let goes_on = next.strip_prefix(b",").map(<[u8]>::trim_ascii_start).and_then(<[u8]>::first);
        if goes_on.is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`')) {
            return Some(Code::ListItem);
        }
    }
    if assignment.join == Join::Called && has_word(name, words::ASKING) {
        return Some(Code::Prompt);
    }
    if assignment.wrapped && (has_word(between, words::ASKING) || has_word(between, words::LOOKING_UP)) {
        return Some(Code::LookupName);
    }
    let is_word = |text: &[u8]| text.iter().all(u8::is_ascii_alphabetic);
    let is_tight = between.trim_ascii() == between && between == b"=";
    let goes_on = matches!(after, [b' ', next, ..] if next.is_ascii_alphabetic());
    if !assignment.quoted && is_word(value) && goes_on && !is_tight {
        return Some(Code::Sentence);
    }
    // Bare text inside of a string literal counts as quoted, and is bare all the same.
    let is_bare = !matches!(text[..assignment.value.start].last(), Some(b'"' | b'\'' | b'`' | b'>'));
    if is_bare && matches!(text[assignment.value.end..], [b'<', next, ..] if next != b'/') {
        return Some(Code::TemplateStart);
    }
    if is_expression(value) {
        return Some(Code::RegularExpression);
    }
    if counts_up(value) {
        return Some(Code::NumberSequence);
    }
    value.starts_with(b"--").then_some(Code::OptionName)
}

/// Whether the value is the first argument of a call that takes a user and a password after it, if at all.
fn is_host(text: &[u8], assignment: &Assignment) -> bool {
    let between = &text[assignment.name.end.min(assignment.value.start)..assignment.value.start];
    let name = &text[assignment.name.clone()];
    let is_first = assignment.join == Join::Called && between.len() <= 2 && between.starts_with(b"(");
    is_first && logs_in(name) && !has_word(name, &["auth", "authenticate", "credential", "credentials"])
}

/// Whether a value holds a class of characters, as regular expressions do: `[A-Z]{20}`, `[a-z`.
fn is_expression(value: &[u8]) -> bool {
    let ranges: [&[u8]; 4] = [b"[A-Z", b"[a-z", b"[0-9", b"[^"];
    if value.contains(&b'[') && ranges.iter().any(|range| memchr::memmem::find(value, range).is_some()) {
        return true;
    }
    memchr::memmem::find_iter(value, b"]{").any(|at| value.get(at + 2).is_some_and(u8::is_ascii_digit))
}

/// Whether a value is a list of numbers most of which are as far from the one before as that is from its own.
fn counts_up(value: &[u8]) -> bool {
    let number = |text: &[u8]| -> Option<i64> {
        let text = std::str::from_utf8(text.trim_ascii()).ok()?;
        text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| i64::from_str_radix(digits, 16)).ok()
    };
    if !value.contains(&b',') {
        return false;
    }
    let Some(numbers) = value.split(|byte| *byte == b',').map(number).collect::<Option<Vec<_>>>() else { return false };
    let steps = || numbers.windows(3).map(|three| three[2].wrapping_sub(three[1]) == three[1].wrapping_sub(three[0]));
    numbers.len() > 4 && steps().filter(|same| *same).count() * 2 > steps().count()
}

/// Whether a password is one that everybody tries first.
pub fn well_known_password(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    words::WELL_KNOWN_PASSWORDS.iter().any(|known| known.as_bytes() == lower)
}

/// Why the name says that its value is no secret: `password_length`, `is_token`.
fn describing(name: &[u8], keyword: usize) -> Option<Code> {
    // The keyword's own word ends at the next capital after a small letter, or at a separator.
    let after = Words(&name[keyword..]).skip(1);
    let mut last = None;
    for word in after {
        let lower = word.to_ascii_lowercase();
        if words::DESCRIBING.binary_search_by(|known| known.as_bytes().cmp(&lower)).is_ok() {
            return Some(Code::DescribingName);
        }
        last = Some(lower);
    }
    if last.is_some_and(|last| words::DESCRIBING_LAST.iter().any(|known| known.as_bytes() == last)) {
        return Some(Code::DescribingName);
    }
    has_word(&name[..keyword], words::TURNING).then_some(Code::AboutSecrets)
}

/// Whether one of these words, ASCII case ignored, is a word of the name.
fn has_word(name: &[u8], words: &[&str]) -> bool {
    Words(name).any(|word| words.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word)))
}

/// The words of a name in snake, kebab, dotted or camel case.
pub fn words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    Words(name)
}

struct Words<'a>(&'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(u8::is_ascii_alphabetic)?;
        let rest = &self.0[start..];
        let end = (1..rest.len())
            .find(|&at| {
                !rest[at].is_ascii_alphabetic() || rest[at].is_ascii_uppercase() && rest[at - 1].is_ascii_lowercase()
            })
            .unwrap_or(rest.len());
        self.0 = &rest[end..];
        Some(&rest[..end])
    }
}

/// Counts of what a value is made of.
struct Makeup {
    lower: usize,
    upper: usize,
    digits: usize,
    symbols: usize,
    other: usize,
}

impl Makeup {
    fn of(value: &[u8]) -> Self {
        let mut makeup = Self { lower: 0, upper: 0, digits: 0, symbols: 0, other: 0 };
        for byte in value {
            *match byte {
                b'a'..=b'z' => &mut makeup.lower,
                b'A'..=b'Z' => &mut makeup.upper,
                b'0'..=b'9' => &mut makeup.digits,
                0x21..=0x7e => &mut makeup.symbols,
                _ => &mut makeup.other,
            } += 1;
        }
        makeup
    }

    fn letters(&self) -> usize {
        self.lower + self.upper
    }

    fn classes(&self) -> usize {
        [self.lower, self.upper, self.digits, self.symbols].iter().filter(|&&count| count > 0).count()
    }
}

/// Why a value is code, a path or a sentence.
fn structural(value: &[u8], makeup: &Makeup) -> Option<Code> {
    if value.iter().any(u8::is_ascii_whitespace) {
        return Some(Code::Blanks);
    }
    if value.starts_with(b"/") && (value[1..].contains(&b'/') || makeup.digits == 0)
        || value.starts_with(b"./")
        || value.starts_with(b"~/")
        || value.starts_with(b"../")
    {
        return Some(Code::Path);
    }
    if memchr::memmem::find(value, b"://").is_some() {
        return Some(Code::Url);
    }
    if value.ends_with(b"()")
        || value.contains(&b'(') && value.ends_with(b")")
        || memchr::memmem::find(value, b"->").is_some()
        || memchr::memmem::find(value, b"::").is_some()
    {
        return Some(Code::CodeText);
    }
    let is_part = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_' || *byte == b'-')
    };
    if value.contains(&b'.') && value.split(|byte| *byte == b'.').all(is_part) {
        return Some(Code::DottedName);
    }
    if value.contains(&b'/')
        && value
            .split(|byte| *byte == b'/')
            .all(|part| part.is_empty() || is_part(part) && gram::mean_frequency(part).is_none_or(|mean| mean > 105))
    {
        return Some(Code::Path);
    }
    if is_uuid(value) {
        return Some(Code::Uuid);
    }
    if makeup.letters() + makeup.digits == 0 {
        return Some(Code::NoLettersOrDigits);
    }
    if words::FILE_ENDINGS.iter().any(|ending| value.ends_with(ending.as_bytes())) {
        return Some(Code::FileName);
    }
    None
}

/// Eight, four, four, four and twelve hexadecimal digits.
pub fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Words joined by separators or capitals, with at most a number at the end.
fn is_identifier(value: &[u8], makeup: &Makeup) -> bool {
    let joints = value.iter().filter(|byte| matches!(byte, b'_' | b'-' | b'.' | b'/' | b':')).count();
    let humps = value.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count();
    let trailing_digits = value.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let only_words =
        makeup.symbols == joints && makeup.other == 0 && makeup.digits == trailing_digits && trailing_digits <= 1;
    only_words && (joints > 0 || humps > 0) && gram::mean_frequency(value).is_none_or(|mean| mean > 95)
}

fn password(name: &[u8], value: &[u8], assignment: &Assignment) -> Judgement {
    let makeup = Makeup::of(value);
    if well_known_password(value) && !value.eq_ignore_ascii_case(name) {
        return if assignment.quoted || makeup.letters() > 0 {
            yes(Confidence::Medium, Code::WellKnownPassword, true)
        } else {
            yes(Confidence::Low, Code::NumberAsPassword, true)
        };
    }
    if let Some(reason) = placeholder::placeholder(value).or_else(|| structural(value, &makeup)) {
        return Judgement::No(reason);
    }
    if value.len() < 4 {
        return Judgement::No(Code::TooShort);
    }
    if value.len() > 128 {
        return Judgement::No(Code::TooLong);
    }
    if makeup.other > 0 && makeup.other * 3 > value.len() {
        return Judgement::No(Code::OtherScript);
    }
    if !assignment.quoted
        && value.iter().any(|byte| matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' | b'"' | b'\''))
    {
        return Judgement::No(Code::Expression);
    }
    if is_identifier(value, &makeup) {
        return yes(Confidence::Low, Code::Identifier, false);
    }
    let mean = gram::mean_frequency(value).unwrap_or(0);
    if makeup.digits + makeup.symbols + makeup.other == 0 {
        let caps_only = makeup.upper > 1 && makeup.lower == 0;
        return match mean {
            _ if caps_only && mean > 80 => yes(Confidence::Low, Code::ConstantName, false),
            0..=88 if value.len() >= 6 => yes(Confidence::Medium, Code::NoWordPassword, false),
            _ => yes(Confidence::Low, Code::OrdinaryWord, false),
        };
    }
    if makeup.letters() == 0 {
        return yes(Confidence::Low, Code::Number, true);
    }
    if value.ends_with(b":") || value.ends_with(b"=") && value.len() < 12 {
        return Judgement::No(Code::Label);
    }
    let symbols_at_ends =
        value.first().is_some_and(u8::is_ascii_punctuation) && makeup.symbols > 2 && makeup.digits == 0;
    if assignment.join == Join::Compared && makeup.classes() < 3 || symbols_at_ends {
        return yes(Confidence::Low, Code::MaybeText, false);
    }
    if value.len() >= 8 && makeup.classes() >= 3 && (makeup.digits > 0 || mean < 95) {
        return yes(Confidence::High, Code::ChosenMixed, false);
    }
    if value.len() >= 6 && makeup.digits > 0 {
        return yes(Confidence::Medium, Code::ChosenDigits, false);
    }
    if value.len() >= 8 && makeup.symbols > 0 && mean < 110 {
        return yes(Confidence::Medium, Code::ChosenSymbols, false);
    }
    yes(Confidence::Low, Code::ShortPlain, false)
}

fn token(name: &[u8], value: &[u8]) -> Judgement {
    let makeup = Makeup::of(value);
    if let Some(reason) = placeholder::placeholder(value).or_else(|| structural(value, &makeup)) {
        return Judgement::No(reason);
    }
    if makeup.other > 0 {
        return Judgement::No(Code::TextNotKey);
    }
    if makeup.digits == 0 && makeup.letters() < 20 {
        return Judgement::No(Code::NoDigits);
    }
    let hexadecimal = value.iter().all(u8::is_ascii_hexdigit);
    if hexadecimal && has_word(name, words::DIGESTS) {
        return Judgement::No(Code::Digest);
    }
    if is_identifier(value, &makeup)
        || makeup.digits * 8 < value.len() && gram::mean_frequency(value).is_some_and(|mean| mean > 108)
    {
        return yes(Confidence::Low, Code::Identifier, false);
    }
    if makeup.letters() == 0 {
        return Judgement::No(Code::Number);
    }
    let mean = gram::mean_frequency(value).unwrap_or(255);
    let bits = entropy::bits_per_byte(value);
    if value.len() >= 20 && (hexadecimal && bits > 3.2 || bits > 3.8 && mean < 108) {
        return yes(Confidence::High, Code::LongRandom, false);
    }
    if bits > 3.0 && (mean < 112 || hexadecimal) {
        return yes(Confidence::Medium, Code::Random, false);
    }
    yes(Confidence::Low, Code::NotRandom, false)
}

fn shaped(value: &[u8]) -> Judgement {
    match placeholder::placeholder(value) {
        Some(reason) => Judgement::No(reason),
        None if is_uuid(value) || value.len() < 16 => yes(Confidence::Medium, Code::NameAndShape, false),
        None => yes(Confidence::High, Code::NameAndShape, false),
    }
}

fn yes(confidence: Confidence, evidence: Code, well_known: bool) -> Judgement {
    Judgement::Yes { confidence, evidence, well_known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confidence(kind: ValueKind, text: &str) -> Option<Confidence> {
        let lower = text.to_ascii_lowercase();
        let keyword =
            ["passw", "secret", "token", "key"].iter().find_map(|word| Some((lower.find(word)?, word.len())))?;
        let found = super::super::assignment::parse(text.as_bytes(), keyword.0..keyword.0 + keyword.1)?;
        match judge(kind, text.as_bytes(), &found, keyword.0) {
            Judgement::Yes { confidence, .. } => Some(confidence),
            Judgement::No(_) => None,
        }
    }

    #[test]
    fn describing_words_are_sorted_for_the_search() {
        assert!(words::DESCRIBING.is_sorted());
    }

    #[test]
    fn chosen_passwords_are_plausible() {
        for text in [
            r#"db_password = "MyRealPassword123""#,
            "Password: Admin2025!",
            "password=7iredweWNfag",
            "'password' => 'Tr0ub4dor&3'",
            "password: admin",
        ] {
            assert!(confidence(ValueKind::Password, text) >= Some(Confidence::Medium), "{text}");
        }
    }

    #[test]
    fn words_and_code_are_not() {
        for text in [
            "password_length = \"20 or more\"",
            "passwordField: 'passwordInput'",
            "password = \"Enter your password\"",
            "password = \"/etc/secret/db\"",
            "password = config.database.password",
            "password: string",
            "is_password = 'abc12345'",
            "password = \"user.password.label\"",
            "getPassword(\"Abcd1234!\")",
            "read_password('Abcd1234!')",
        ] {
            assert!(confidence(ValueKind::Password, text) < Some(Confidence::Medium), "{text}");
        }
    }

    #[test]
    fn random_keys_are_tokens_and_names_are_not() {
        let found = |text: &str| confidence(ValueKind::Token, text) >= Some(Confidence::Medium);
        assert!(found("secret = 'q7Rk2Zp0Xv9Lw4Nt8Bs1'"));
        assert!(found("token: 9f86d081884c7d659a2feaa0c55ad015"));
        assert!(!found("token: some-kubernetes-service-account"));
        assert!(!found("token_sha: 9f86d081884c7d659a2feaa0c55ad015"));
        assert!(!found("secret: 123e4567-e89b-12d3-a456-426614174000"));
    }
}
