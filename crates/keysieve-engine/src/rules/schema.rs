//! A rule as a TOML file writes it, and what makes it valid.
//!
//! `build.rs` includes this file to check `rules/*.toml` and to bake them into the binary; the library uses it for the
//! rules of a configuration. Both therefore accept and refuse the same. `rules/README.md` describes the schema. What a
//! file may say shorter, a named shape ([`shape`]) or a provider's name and a word for a secret ([`mod@derive`]), is written
//! out here, so that the engine knows one form only.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use regex_syntax::hir::{Class as HirClass, Hir, HirKind};
use serde::{Deserialize, Deserializer, de};

use crate::rating::{Advice, Confidence, Severity};
use crate::rules::rule::{
    Anchor, Check, Class, LONGEST_ANCHOR, LOOK_BEHIND, List, Matcher, OnCheckFailure, Pair, Reach, Rule,
    SHORTEST_ANCHOR, Text, ValueKind,
};
use crate::rules::{derive, shape};

/// Least entropy of a secret that is told by its provider's name, in bits a character, unless its rule says otherwise.
pub const KEY_OF_ENTROPY: f32 = 2.8;

/// A file of `rules/`: one provider and its rules.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(title = "A file of keysieve's rules, version 1"))]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Defaults for the file's rules.
    #[serde(default)]
    pub provider: ProviderSpec,
    /// The rules.
    #[serde(default, rename = "rule")]
    pub rules: Vec<RuleSpec>,
}

/// What the rules of one file have in common.
#[derive(Debug, Default, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// Who issues the credentials.
    #[serde(default)]
    pub name: String,
    /// The provider's page on rotating them.
    #[serde(default)]
    pub rotate: String,
    /// Where their successors belong.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "StoreName"))]
    pub store: String,
}

/// One kind of credential: how it is found, what it is worth, what to do about it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("oneOf" = [{ "required": ["pattern"] }, { "required": ["value"] }])))]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The rule's name in reports and configurations, in kebab-case; one that exists already is replaced.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[a-z0-9-]+$")))]
    pub id: String,
    /// What it finds, in words.
    pub name: String,
    /// What the credential opens, wherever it stands.
    #[serde(deserialize_with = "by_name")]
    #[cfg_attr(feature = "schema", schemars(with = "Severity"))]
    pub severity: Severity,
    /// The most that it is worth in tests, examples and documentation; `low` unless the rule is distinctive.
    #[serde(default, deserialize_with = "by_name_if_given")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Severity>"))]
    pub severity_in_tests: Option<Severity>,
    /// How sure a match is before the judges speak; `high` for distinctive rules, else `medium`.
    #[serde(default, deserialize_with = "by_name_if_given")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Confidence>"))]
    pub confidence: Option<Confidence>,
    /// How much the rule leans on what stands around the secret; `distinctive` with `pattern`, `contextual` with `value`.
    pub class: Option<ClassSpec>,
    /// Keywords of 4 to 32 bytes, of which one stands in every match (`pattern`) or name (`value`); `i:` before one ignores
    /// ASCII case. Without any they are what the pattern starts with.
    #[serde(default)]
    pub anchors: Vec<String>,
    /// With `value`, instead of anchors: words of which one must stand in the name, beside a word by which the generic rules
    /// know a secret.
    #[serde(default)]
    pub names: Vec<String>,
    /// A regular expression, in which shapes stand in braces (`{hex:32}`); the secret is its group `secret`, or the whole
    /// match.
    pub pattern: Option<String>,
    /// With `pattern`: an expression that matches from the end of a secret on where another one follows, its group `secret`.
    #[serde(default)]
    pub next: String,
    /// With `pattern`: most bytes of a match before its anchor.
    #[serde(default)]
    pub lead: u16,
    /// With `value`: an expression that the name must contain, ASCII case ignored.
    pub key: Option<String>,
    /// With `value`, instead of `names` and `key`: a provider's names. The value is assigned to a name in which one of these
    /// stands and one of `key_words` after it.
    #[serde(default)]
    pub key_of: Vec<String>,
    /// With `key_of`: the words that may follow; without any they are `key`, `token`, `secret`, `password` and `auth`.
    #[serde(default)]
    pub key_words: Vec<String>,
    /// What all of an assigned value looks like: a shape (`hex:32`, `base62:20-40`, `uuid`) or an expression, in which shapes
    /// stand in braces.
    pub value: Option<String>,
    /// With `value`: what the value must look like besides; `shaped` if it says nothing.
    pub kind: Option<KindSpec>,
    /// How far after the anchor anything can change the verdict: `"line"`, `{ lines = N }` or `{ bytes = N }`.
    #[serde(default)]
    pub reach: ReachSpec,
    /// Words of which one must stand within 256 bytes.
    #[serde(default)]
    pub near: Vec<String>,
    /// Fewest Shannon bits a character; 2.8 with `key_of`, else 0.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 8)))]
    pub entropy: Option<f32>,
    /// What can be proven of the secret offline.
    #[cfg_attr(feature = "schema", schemars(with = "Option<CheckName>"))]
    pub check: Option<String>,
    /// What a check that fails does to a finding; `drop` if it says nothing.
    pub on_check_failure: Option<OnCheckFailureSpec>,
    /// The credential's other half; the two are one finding.
    pub pair: Option<PairSpec>,
    /// Globs of paths that the rule is for; without any it is for all.
    #[serde(default)]
    pub paths: Vec<String>,
    /// An expression for secrets that are none.
    #[serde(default)]
    pub ignore: String,
    /// What to do about a finding, where it differs from the provider's.
    #[serde(default)]
    pub advice: AdviceSpec,
    /// Texts that must be found; a shape or an expression in angle brackets is filled anew for each test.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Texts that must not be found.
    #[serde(default)]
    pub counterexamples: Vec<String>,
}

fn by_name<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
    Cow::<str>::deserialize(from)?.parse().map_err(de::Error::custom)
}

fn by_name_if_given<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<Option<T>, D::Error> {
    by_name(from).map(Some)
}

/// `class` in a rule file.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ClassSpec {
    /// Any secret with a name that says so; gives way to every other rule.
    Generic,
    /// The name beside the value tells the provider, the value alone would not.
    Contextual,
    /// The secret's own shape tells what it is, even in a binary file.
    Distinctive,
}

/// `kind` in a rule file.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KindSpec {
    /// A person may have chosen it.
    Password,
    /// A machine made it: long and random.
    Token,
    /// The value's expression already says enough.
    Shaped,
}

/// `on_check_failure` in a rule file.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OnCheckFailureSpec {
    /// It is no credential.
    Drop,
    /// It is kept with low confidence.
    Low,
}

/// `reach` in a rule file.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReachSpec {
    /// The anchor's own line.
    #[default]
    Line,
    /// So many lines after the anchor's.
    #[serde(untagged)]
    Lines {
        /// Lines after the anchor's.
        lines: u16,
    },
    /// So many bytes after the anchor.
    #[serde(untagged)]
    Bytes {
        /// Bytes after the anchor's start.
        bytes: u32,
    },
}

/// `pair` in a rule file.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PairSpec {
    /// Id of the rule that finds the other half.
    pub with: String,
    /// Most lines between the two.
    pub within_lines: u16,
}

/// `advice` in a rule file.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AdviceSpec {
    /// The provider's page on revoking or rotating the credential.
    #[serde(default)]
    pub rotate: String,
    /// Where its successor belongs.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "StoreName"))]
    pub store: String,
}

/// Stores that advice may name.
pub const STORES: [&str; 4] = ["aws-secrets-manager", "aws-ssm-parameter", "ssh-agent", "none"];

/// The names of the table of checks, for the schema.
#[cfg(feature = "schema")]
struct CheckName;

/// [`STORES`], for the schema.
#[cfg(feature = "schema")]
struct StoreName;

#[cfg(feature = "schema")]
mod names {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Check, CheckName, STORES, StoreName};

    impl JsonSchema for CheckName {
        fn schema_name() -> Cow<'static, str> {
            "Check".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "enum": Check::ALL.iter().map(|it| it.name()).collect::<Vec<_>>() })
        }
    }

    impl JsonSchema for StoreName {
        fn schema_name() -> Cow<'static, str> {
            "Store".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "enum": STORES })
        }
    }
}

impl RuleSpec {
    /// Checks the rule and turns it into what the engine reads. The error says what is wrong and what would be right.
    pub fn into_rule(self, provider: &ProviderSpec) -> Result<Rule, String> {
        if self.id.is_empty() || !self.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(format!("id `{}` is not kebab-case (lower-case letters, digits and `-`)", self.id));
        }
        self.check_shorthand()?;
        let matcher = self.matcher()?;
        let names = if self.key_of.is_empty() { &self.names } else { &self.key_of };
        let class = match (self.class, &matcher) {
            (Some(ClassSpec::Generic), _) => Class::Generic,
            (Some(ClassSpec::Contextual), _) => Class::Contextual,
            (Some(ClassSpec::Distinctive), _) => Class::Distinctive,
            (None, Matcher::Pattern { .. }) => Class::Distinctive,
            (None, Matcher::Assignment { .. }) => Class::Contextual,
        };
        let default_confidence = if class == Class::Distinctive { Confidence::High } else { Confidence::Medium };
        let anchors = match (&matcher, self.anchors.is_empty(), names.is_empty()) {
            (_, false, false) => return Err("a rule has `anchors` or `names`, not both".to_owned()),
            (Matcher::Pattern { .. }, true, false) => {
                return Err("`names` are for rules with a `value`; a pattern needs anchors".to_owned());
            }
            (Matcher::Pattern { regex, .. }, true, true) => derived_anchors(regex)?,
            (Matcher::Assignment { .. }, true, true) => {
                return Err("a rule with a `value` needs `anchors`, `names` or `key_of`".to_owned());
            }
            (_, false, true) => self.anchors.iter().map(|text| anchor(text)).collect::<Result<Vec<_>, _>>()?,
            (_, true, false) => Vec::new(),
        };
        if let Some(word) = names.iter().find(|word| word.len() < 3 || !word.is_ascii()) {
            return Err(format!("name `{word}` is no word of three or more ASCII characters"));
        }
        let entropy = self.entropy.unwrap_or(if self.key_of.is_empty() { 0.0 } else { KEY_OF_ENTROPY });
        if !(0.0..=8.0).contains(&entropy) {
            return Err(format!("entropy is bits per byte, between 0 and 8, not {entropy}"));
        }
        let check = self.check.as_deref().map(check).transpose()?;
        if !self.ignore.is_empty() {
            parse("ignore", &self.ignore)?;
        }
        if let Some(word) = self.near.iter().find(|word| word.len() < 3) {
            return Err(format!("near `{word}` has {} bytes; a word that says something has 3 or more", word.len()));
        }
        let rotate = if self.advice.rotate.is_empty() { provider.rotate.clone() } else { self.advice.rotate };
        let store = if self.advice.store.is_empty() { provider.store.clone() } else { self.advice.store };
        if !store.is_empty() && !STORES.contains(&store.as_str()) {
            return Err(format!("store `{store}` is none of {}", STORES.join(", ")));
        }
        Ok(Rule {
            id: self.id.into(),
            name: self.name.into(),
            provider: provider.name.clone().into(),
            severity: self.severity,
            severity_in_tests: self.severity_in_tests.unwrap_or(match class {
                Class::Distinctive => self.severity,
                Class::Generic | Class::Contextual => Severity::Low,
            }),
            confidence: self.confidence.unwrap_or(default_confidence),
            class,
            anchors: anchors.into(),
            matcher,
            reach: match self.reach {
                ReachSpec::Line => Reach::Line,
                ReachSpec::Lines { lines } => Reach::Lines(lines),
                ReachSpec::Bytes { bytes } => Reach::Bytes(bytes),
            },
            names: texts(names.iter().map(|word| word.to_ascii_lowercase()).collect()),
            near: texts(self.near),
            entropy,
            check,
            on_check_failure: match self.on_check_failure {
                None | Some(OnCheckFailureSpec::Drop) => OnCheckFailure::Drop,
                Some(OnCheckFailureSpec::Low) => OnCheckFailure::Low,
            },
            pair: self.pair.map(|pair| Pair { with: pair.with.into(), within_lines: pair.within_lines }),
            paths: texts(self.paths),
            ignore: self.ignore.into(),
            advice: Advice { rotate: rotate.into(), store: store.into() },
            examples: texts(self.examples),
            counterexamples: texts(self.counterexamples),
        })
    }

    /// `key_of` says what `names`, `key` and `anchors` would.
    fn check_shorthand(&self) -> Result<(), String> {
        if self.key_of.is_empty() {
            return match self.key_words.is_empty() {
                true => Ok(()),
                false => Err("`key_words` go with `key_of`, the names that they follow".to_owned()),
            };
        }
        let said = [
            ("pattern", self.pattern.is_some()),
            ("key", self.key.is_some()),
            ("names", !self.names.is_empty()),
            ("anchors", !self.anchors.is_empty()),
        ];
        match said.iter().find(|(_, is_said)| *is_said) {
            Some((field, _)) => Err(format!("`key_of` says it all; take out `{field}`, or write `names` and `key`")),
            None => Ok(()),
        }
    }

    fn matcher(&self) -> Result<Matcher, String> {
        match (&self.pattern, &self.value) {
            (Some(pattern), None) => {
                if self.key.is_some() || self.kind.is_some() {
                    return Err("`key` and `kind` go with `value`, not with `pattern`".to_owned());
                }
                if usize::from(self.lead) > LOOK_BEHIND - 12 {
                    return Err(format!("`lead` is {}; the most is {}", self.lead, LOOK_BEHIND - 12));
                }
                let pattern = expanded("pattern", pattern)?;
                let hir = parse("pattern", &pattern)?;
                if matches!(self.reach, ReachSpec::Line) && can_match_newline(&hir) {
                    return Err("the pattern can match a line break, but its reach is \"line\": write `[ \\t]` for \
                                `\\s`, exclude `\\n`, or declare `reach = { lines = N }`"
                        .to_owned());
                }
                let next = expanded("next", &self.next)?;
                parse("next", &next)?;
                Ok(Matcher::Pattern { regex: pattern.into(), lead: self.lead, next: next.into() })
            }
            (None, Some(value)) => {
                let value = match shape::alone(value) {
                    Some(shape) => shape.map_err(|what| format!("`value`: {what}; a colon that is meant is `[:]`"))?,
                    None => expanded("value", value)?,
                };
                parse("value", &value)?;
                if !self.next.is_empty() {
                    return Err("`next` goes with `pattern`, not with `value`".to_owned());
                }
                let key = match self.key_of.is_empty() {
                    true => self.key.clone().unwrap_or_default(),
                    false => derive::key(&self.key_of, &self.key_words),
                };
                parse("key", &key)?;
                let kind = match self.kind {
                    Some(KindSpec::Password) => ValueKind::Password,
                    Some(KindSpec::Token) => ValueKind::Token,
                    Some(KindSpec::Shaped) | None => ValueKind::Shaped,
                };
                Ok(Matcher::Assignment { key: key.into(), value: value.into(), kind })
            }
            _ => Err("a rule has either `pattern`, or `value` (with `key` where the name matters)".to_owned()),
        }
    }
}

fn texts(list: Vec<String>) -> List<Text> {
    list.into_iter().map(Cow::Owned).collect()
}

fn expanded(field: &str, expression: &str) -> Result<String, String> {
    shape::expand(expression).map(Cow::into_owned).map_err(|what| format!("`{field}`: {what}"))
}

fn derived_anchors(pattern: &str) -> Result<Vec<Anchor>, String> {
    derive::anchors(&parse("pattern", pattern)?).ok_or_else(|| {
        format!(
            "a rule needs `anchors`: no text of {SHORTEST_ANCHOR} bytes or more starts every match of its pattern, so none \
             can be taken from there"
        )
    })
}

fn anchor(text: &str) -> Result<Anchor, String> {
    let (text, any_case) = match text.strip_prefix("i:") {
        Some(rest) => (rest.to_ascii_lowercase(), true),
        None => (text.to_owned(), false),
    };
    if !(SHORTEST_ANCHOR..=LONGEST_ANCHOR).contains(&text.len()) {
        return Err(format!(
            "anchor `{text}` has {} bytes; it needs {SHORTEST_ANCHOR} to {LONGEST_ANCHOR}",
            text.len()
        ));
    }
    Ok(Anchor { text: text.into(), any_case })
}

fn check(name: &str) -> Result<Check, String> {
    Check::ALL.iter().find(|check| check.name() == name).copied().ok_or_else(|| {
        let known: Vec<_> = Check::ALL.iter().map(|check| check.name()).collect();
        format!("check `{name}` is none of {}", known.join(", "))
    })
}

fn parse(field: &str, pattern: &str) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern)
        .map_err(|error| format!("`{field}` is no valid regular expression: {error}"))
}

/// Whether a match of an expression can hold a line break.
pub fn can_match_newline(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(HirClass::Bytes(class)) => class.ranges().iter().any(|r| r.start() <= b'\n' && b'\n' <= r.end()),
        HirKind::Class(HirClass::Unicode(class)) => class.ranges().iter().any(|r| r.start() <= '\n' && '\n' <= r.end()),
        HirKind::Repetition(repetition) => can_match_newline(&repetition.sub),
        HirKind::Capture(capture) => can_match_newline(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(can_match_newline),
        HirKind::Empty | HirKind::Look(_) => false,
    }
}
