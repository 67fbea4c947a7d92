//! Configurations of gitleaks (`[[rules]]`, `[[allowlists]]`, `[extend]`), so that a team's own rules move over.
//!
//! What has no counterpart here is not passed over in silence: each such part becomes a note, which every report shows.

use std::collections::HashSet;
use std::path::Path;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::literal::Extractor;
use serde::Deserialize;
use toml::Spanned;

use super::Extended;
use crate::finding::{Confidence, Finding, Severity};
use crate::redaction::without_values;
use keysieve_engine::rule_set::SHORTEST_ANCHOR;
use keysieve_engine::rules::Rule;
use keysieve_engine::rules::rule::{LOOK_BEHIND, REGEX_SIZE_LIMIT};
use keysieve_engine::rules::schema::{self, ClassSpec, ProviderSpec, ReachSpec, RuleSpec};

/// Bytes that a rule may span whose expression can match a line break.
const SPAN: u32 = 4096;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    extend: Extend,
    #[serde(default)]
    rules: Vec<Spanned<RuleEntry>>,
    allowlist: Option<Entry>,
    #[serde(default)]
    allowlists: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extend {
    #[serde(default)]
    use_default: bool,
    path: Option<String>,
    url: Option<String>,
    #[serde(default)]
    disabled_rules: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleEntry {
    id: String,
    #[serde(default)]
    description: String,
    regex: Option<String>,
    path: Option<String>,
    #[serde(default)]
    secret_group: usize,
    #[serde(default)]
    entropy: f32,
    #[serde(default)]
    keywords: Vec<String>,
    allowlist: Option<Entry>,
    #[serde(default)]
    allowlists: Vec<Entry>,
    #[serde(flatten)]
    other: toml::Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    description: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
    #[serde(default)]
    commits: Vec<String>,
    #[serde(default)]
    target_rules: Vec<String>,
    condition: Option<String>,
    regex_target: Option<String>,
}

/// What a configuration says, in terms of this program.
#[derive(Debug, Default)]
pub struct Imported {
    /// Its rules.
    pub rules: Vec<Rule>,
    /// Whether the built-in rules run besides.
    pub with_builtin: bool,
    /// Built-in rules that it switches off.
    pub disabled: Vec<String>,
    /// What it accepts.
    pub allow: Vec<Allowlist>,
    /// Rules for some paths only, with the expression for these.
    pub paths: Vec<(String, Regex)>,
    /// What it says and has no counterpart.
    pub notes: Vec<String>,
}

/// An entry that accepts findings.
#[derive(Debug)]
pub struct Allowlist {
    /// Why, in the words of the configuration.
    pub reason: String,
    rules: Vec<String>,
    paths: Vec<Regex>,
    secrets: Vec<Regex>,
    stopwords: Vec<String>,
    commits: Vec<String>,
    whole_line: bool,
    all: bool,
}

/// Whether a configuration is written for gitleaks: it has a table that only gitleaks knows.
pub fn is_for(text: &str) -> bool {
    let Ok(table) = text.parse::<toml::Table>() else { return false };
    table.get("rules").is_some_and(toml::Value::is_array)
        || ["allowlist", "allowlists", "extend"].iter().any(|key| table.contains_key(*key))
}

/// Reads a configuration; the error names the place in the text and what is wrong there.
pub fn read(text: &str, path: &Path, extended: Extended<'_>) -> Result<Imported, (usize, String)> {
    read_nested(text, path, extended, 0)
}

/// Most configurations that extend one another; gitleaks itself follows two.
const MAX_EXTENDED: usize = 4;

fn read_nested(text: &str, path: &Path, extended: Extended<'_>, depth: usize) -> Result<Imported, (usize, String)> {
    let file: File = toml::from_str(text)
        .map_err(|error| (error.span().map_or(0, |span| span.start), without_values(error.message().trim_end())))?;
    let mut imported = Imported { with_builtin: file.extend.use_default, ..Imported::default() };
    if let Some(base) = &file.extend.path {
        let base = path.parent().unwrap_or(Path::new("")).join(base);
        let nested = extended(&base)
            .and_then(|text| match is_for(&text) && depth < MAX_EXTENDED {
                true => Ok(text),
                false => Err("it extends itself, or is no gitleaks configuration".to_owned()),
            })
            .and_then(|text| read_nested(&text, &base, extended, depth + 1).map_err(|(_, what)| what))
            .map_err(|what| (0, format!("cannot extend `{}`: {what}", base.display())))?;
        imported = Imported { with_builtin: imported.with_builtin || nested.with_builtin, ..nested };
    }
    if let Some(url) = &file.extend.url {
        imported.notes.push(format!("`extend.url` is not read (keysieve opens no connection): {url}"));
    }
    let builtin = keysieve_engine::rules::builtin();
    for id in file.extend.disabled_rules {
        match builtin.iter().any(|rule| rule.id == id) {
            true => imported.disabled.push(id),
            false => imported.notes.push(format!("`disabledRules` names `{id}`, which no built-in rule is called")),
        }
    }
    let inherited: HashSet<String> = imported.rules.iter().map(|rule| rule.id.to_string()).collect();
    let mut own = HashSet::new();
    for entry in file.rules {
        let start = entry.span().start;
        let entry = entry.into_inner();
        let mut id = kebab(&entry.id);
        // A rule replaces one of what is extended, and none beside it.
        while !own.insert(id.clone()) {
            id.push_str("-too");
        }
        if inherited.contains(&id) {
            imported.paths.retain(|(other, _)| *other != id);
        }
        let lists = entry.allowlists.iter().chain(&entry.allowlist);
        for list in lists {
            imported
                .allow
                .push(Allowlist::new(list, vec![id.clone()], &mut imported.notes).map_err(|what| (start, what))?);
        }
        for key in entry.other.keys().filter(|key| *key != "tags") {
            imported.notes.push(format!("rule `{id}`: `{key}` has no counterpart"));
        }
        if let Some(path) = &entry.path {
            imported.paths.push((id.clone(), expression(path).map_err(|what| (start, what))?));
        }
        match rule(&entry, &id) {
            Ok(rule) => imported.rules.push(rule),
            Err(what) => imported.notes.push(format!("rule `{id}` does not run: {what}")),
        }
    }
    for list in file.allowlists.iter().chain(&file.allowlist) {
        let rules = list.target_rules.iter().map(|id| kebab(id)).collect();
        imported.allow.push(Allowlist::new(list, rules, &mut imported.notes).map_err(|what| (0, what))?);
    }
    Ok(imported)
}

fn kebab(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

fn expression(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&from_go(pattern)).size_limit(REGEX_SIZE_LIMIT).build().map_err(|error| error.to_string())
}

fn rule(entry: &RuleEntry, id: &str) -> Result<Rule, String> {
    let Some(regex) = &entry.regex else { return Err("it has no `regex`, only a path".to_owned()) };
    let pattern = with_secret_group(&from_go(regex), entry.secret_group);
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(&pattern)
        .map_err(|error| format!("its expression is not one of keysieve's: {error}"))?;
    let spec = RuleSpec {
        id: id.to_owned(),
        name: if entry.description.is_empty() { id.to_owned() } else { entry.description.clone() },
        severity: Severity::High,
        severity_in_tests: None,
        confidence: Some(Confidence::High),
        class: Some(ClassSpec::Contextual),
        anchors: anchors(entry, &hir)?,
        names: Vec::new(),
        next: String::new(),
        lead: (LOOK_BEHIND - 12) as u16,
        reach: if schema::can_match_newline(&hir) { ReachSpec::Bytes { bytes: SPAN } } else { ReachSpec::Line },
        pattern: Some(pattern),
        key: None,
        key_of: Vec::new(),
        key_words: Vec::new(),
        value: None,
        kind: None,
        near: Vec::new(),
        entropy: Some(entry.entropy),
        check: None,
        on_check_failure: None,
        pair: None,
        paths: Vec::new(),
        ignore: String::new(),
        advice: schema::AdviceSpec::default(),
        examples: Vec::new(),
        counterexamples: Vec::new(),
    };
    spec.into_rule(&ProviderSpec::default())
}

/// The keywords, or where there are none the texts of which one starts every match.
fn anchors(entry: &RuleEntry, hir: &regex_syntax::hir::Hir) -> Result<Vec<String>, String> {
    let mut anchors = Vec::new();
    // A text is looked for of which four bytes are known; the expression may know more of them than the keyword.
    let short = entry.keywords.iter().find(|keyword| keyword.len() < SHORTEST_ANCHOR);
    for keyword in entry.keywords.iter().filter(|_| short.is_none()) {
        let end = keyword.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 32).last();
        let keyword = &keyword[..end.unwrap_or(0)];
        anchors.push(if keyword.is_ascii() { format!("i:{}", keyword.to_lowercase()) } else { keyword.to_owned() });
    }
    if anchors.is_empty() {
        let prefixes = Extractor::new().extract(hir);
        for literal in prefixes.literals().unwrap_or_default() {
            let text = std::str::from_utf8(literal.as_bytes()).unwrap_or_default();
            anchors.push(text.chars().take(32).collect());
        }
    }
    if !anchors.is_empty() && anchors.iter().all(|anchor: &String| anchor.len() >= SHORTEST_ANCHOR) {
        return Ok(anchors);
    }
    let keywords = match short {
        Some(keyword) => &format!("its keyword `{keyword}` has fewer than four characters"),
        None => "it has no `keywords`",
    };
    let add = if short.is_some() { "longer keywords" } else { "keywords" };
    Err(format!("{keywords}, and no text of four characters starts every match; add {add}"))
}

/// An expression of Go's in the syntax of this program's: there a brace that counts nothing stands for itself, and so do a
/// bracket, `&&`, `--` and `~~` inside a class.
fn from_go(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len() + 8);
    let mut in_class = false;
    let mut rest = regex;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let mut taken = c.len_utf8();
        match c {
            '\\' => taken += after.chars().next().map_or(0, char::len_utf8),
            '[' if !in_class => {
                in_class = true;
                // A bracket that comes first in a class stands for itself.
                taken += after.len() - after.trim_start_matches('^').len();
                if rest[taken..].starts_with(']') {
                    out.push_str(&rest[..taken]);
                    out.push('\\');
                    rest = &rest[taken..];
                    taken = 1;
                }
            }
            '[' if !after.starts_with(':') => out.push('\\'),
            '[' => taken += after.find(":]").map_or(0, |end| end + 2),
            ']' => in_class = false,
            '&' | '~' if in_class && after.starts_with(c) => out.push('\\'),
            '-' if in_class && after.starts_with('-') => out.push('\\'),
            '{' if !in_class && !counts(after) => out.push('\\'),
            _ => {}
        }
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// Whether what follows a brace makes it a count: `3}`, `3,}`, `3,5}`.
fn counts(after: &str) -> bool {
    let Some((inside, _)) = after.split_once('}') else { return false };
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && is_number(low) && is_number(high)
}

/// Gives the group whose number is `group` the name by which the engine knows the secret. Without a number it is the
/// first group, if there is one.
fn with_secret_group(regex: &str, group: usize) -> String {
    let wanted = group.max(1);
    let bytes = regex.as_bytes();
    let (mut at, mut in_class, mut number) = (0, false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if !in_class => {
                let named = ["(?P<", "(?<"].iter().find(|open| regex[at..].starts_with(**open));
                if named.is_some() || bytes.get(at + 1) != Some(&b'?') {
                    number += 1;
                    if number == wanted {
                        let rest = match named {
                            Some(_) => regex[at..].find('>').map_or(regex.len(), |close| at + close + 1),
                            None => at + 1,
                        };
                        return format!("{}(?P<secret>{}", &regex[..at], &regex[rest..]);
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    regex.to_owned()
}

impl Allowlist {
    fn new(entry: &Entry, rules: Vec<String>, notes: &mut Vec<String>) -> Result<Self, String> {
        let compile = |list: &[String]| list.iter().map(|it| expression(it)).collect::<Result<Vec<_>, _>>();
        if entry.regex_target.as_deref() == Some("match") {
            notes.push("an allowlist with `regexTarget = \"match\"` is held against the whole line".to_owned());
        }
        Ok(Self {
            reason: match entry.description.is_empty() {
                true => "the configuration's allowlist".to_owned(),
                false => entry.description.clone(),
            },
            rules,
            paths: compile(&entry.paths)?,
            secrets: compile(&entry.regexes)?,
            stopwords: entry.stopwords.iter().map(|word| word.to_lowercase()).collect(),
            commits: entry.commits.clone(),
            whole_line: entry.regex_target.is_some(),
            all: entry.condition.as_deref().is_some_and(|condition| condition.eq_ignore_ascii_case("and")),
        })
    }

    /// Whether it accepts `finding`, which stands at `path`.
    pub fn covers(&self, finding: &Finding, path: &str) -> bool {
        if !self.rules.is_empty() && !self.rules.iter().any(|rule| *rule == finding.rule) {
            return false;
        }
        let secret = finding.secret.expose();
        let line = [finding.excerpt.before.as_bytes(), secret, finding.excerpt.after.as_bytes()].concat();
        let target = if self.whole_line { line.as_slice() } else { secret };
        let lower = String::from_utf8_lossy(secret).to_lowercase();
        let commit = finding.provenance.as_ref().and_then(|provenance| provenance.introduced.as_ref());
        let of_commit = |wanted: &String| commit.is_some_and(|commit| commit.id.starts_with(wanted.as_str()));
        let tests = [
            (!self.paths.is_empty()).then(|| self.paths.iter().any(|it| it.is_match(path.as_bytes()))),
            (!self.secrets.is_empty()).then(|| self.secrets.iter().any(|it| it.is_match(target))),
            (!self.stopwords.is_empty()).then(|| self.stopwords.iter().any(|word| lower.contains(word.as_str()))),
            (!self.commits.is_empty()).then(|| self.commits.iter().any(of_commit)),
        ];
        let mut asked = tests.into_iter().flatten().peekable();
        asked.peek().is_some() && if self.all { asked.all(|it| it) } else { asked.any(|it| it) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_group_gets_its_name() {
        for (regex, group, expected) in [
            (r"corp_([a-z]+)_([0-9]+)", 2, r"corp_([a-z]+)_(?P<secret>[0-9]+)"),
            (r"(?i)\((?:a|b)[(](x)", 0, r"(?i)\((?:a|b)[(](?P<secret>x)"),
            (r"a(?P<key>b)", 1, r"a(?P<secret>b)"),
            (r"no-group", 0, r"no-group"),
        ] {
            assert_eq!(with_secret_group(regex, group), expected);
        }
    }

    #[test]
    fn expressions_of_go_are_read_as_go_reads_them() {
        for (go, own) in [
            (r"{{[^}]+}}", r"\{\{[^}]+}}"),
            (r"a{3}b{2,}c{1,4}{x}", r"a{3}b{2,}c{1,4}\{x}"),
            (r"[[a]x[^]b][[:alpha:]&&]", r"[\[a]x[^\]b][[:alpha:]\&&]"),
            (r"\{\[[\]]", r"\{\[[\]]"),
        ] {
            assert_eq!(from_go(go), own);
            regex::Regex::new(own).unwrap();
        }
    }

    #[test]
    fn rules_come_over_and_what_cannot_is_named() {
        let text = r#"
title = "ours"
[extend]
useDefault = true
disabledRules = ["generic-secret", "no-such-rule"]
url = "https://x"
[[rules]]
id = "corp_token"
description = "Corp token"
regex = '''corp_([a-z]{8})'''
keywords = ["corp_"]
tags = ["x"]
[[rules]]
id = "no-keywords"
regex = '''[a-z]{8}'''
[[rules]]
id = "required"
regex = '''abcd[0-9]'''
[[rules.required]]
id = "corp_token"
[[allowlists]]
paths = ['''vendor/''']
"#;
        assert!(is_for(text) && !is_for("[rules]\ndisable = []\n"));
        let imported = read(text, Path::new("g.toml"), &|_| Err("nothing is there".to_owned())).unwrap();
        let ids: Vec<&str> = imported.rules.iter().map(|rule| rule.id.as_ref()).collect();
        assert_eq!(ids, ["corp-token", "required"]);
        assert_eq!((imported.with_builtin, imported.disabled.as_slice()), (true, &["generic-secret".to_owned()][..]));
        let notes = imported.notes.join("\n");
        for part in ["extend.url", "`no-such-rule`", "`no-keywords` does not run", "`required` has no counterpart"] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
    }
}
