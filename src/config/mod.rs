//! What a repository has decided: which rules run, which paths are left out, which findings are accepted and why.
//!
//! In comes the text of a `.keysieve.toml`, out goes a [`Config`] or an error that names the line and, for a misspelt
//! key, the nearest valid one. Nothing is scanned before the configuration is known to be right.

pub mod gitleaks;
pub mod incomplete;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use globset::GlobMatcher;
use jiff::civil::Date;
use regex::bytes::Regex;
use serde::Deserialize;
use toml::Spanned;

use crate::file;
use crate::finding::{Confidence, Finding, Fingerprint, Severity};
use crate::gap::Gap;
use crate::inside;
use crate::posture;
use crate::redaction::without_values;
use incomplete::AcceptIncomplete;
pub use incomplete::can_accept;
use keysieve_engine::matcher::LazyMatcher;
use keysieve_engine::rules::schema::{ProviderSpec, RuleSpec};
use keysieve_engine::rules::{self, Rule};
use keysieve_engine::verdict::path_matcher;

/// The file's usual name, at the root of the repository.
pub const FILE_NAME: &str = ".keysieve.toml";

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Reading failed.
    #[error("cannot read the configuration `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {what}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        what: String,
    },
}

/// `.keysieve.toml`: what is looked for here, what is left out, what is accepted.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "keysieve's configuration, version 1"))]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// How to scan.
    #[serde(default)]
    scan: ScanSection,
    /// Which rules run.
    #[serde(default)]
    rules: RulesSection,
    /// Accepted findings, each with a reason.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<AllowEntry>"))]
    allow: Vec<Spanned<AllowEntry>>,
    /// What need not be read for a scan to be complete, each with a reason.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<incomplete::Entry>"))]
    accept_incomplete: Vec<Spanned<incomplete::Entry>>,
    /// Rules of your own.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<RuleSpec>"))]
    rule: Vec<Spanned<RuleSpec>>,
}

/// How to scan.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ScanSection {
    /// Globs of paths that are left out, which the summary says.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    exclude: Vec<Spanned<String>>,
    /// Severity from which on a finding fails the run.
    fail_on: Option<Severity>,
    /// Confidence from which on a finding is shown.
    min_confidence: Option<Confidence>,
    /// What pointers of Git LFS are.
    #[serde(default)]
    lfs: Lfs,
}

/// What a pointer of Git LFS is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Lfs {
    /// A gap: the file that it stands for was not read.
    #[default]
    Gap,
    /// Counted in a note.
    Ignore,
}

/// Which rules run, and what their findings are worth.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct RulesSection {
    /// Ids of rules that do not run.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    disable: Vec<Spanned<String>>,
    /// Ids of the only rules that run.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    only: Option<Vec<Spanned<String>>>,
    /// Severities of rules, by their ids.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Severity>"))]
    severity: BTreeMap<Spanned<String>, Severity>,
}

/// Findings that are accepted: those that all of `rule`, `paths` and `fingerprint` fit that are given.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct AllowEntry {
    /// Id of their rule.
    rule: Option<String>,
    /// Globs of their paths.
    #[serde(default)]
    paths: Vec<String>,
    /// The fingerprint of one.
    fingerprint: Option<String>,
    /// Why they are accepted.
    reason: String,
    /// The last day on which they are.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    expires: Option<toml::value::Datetime>,
}

/// An accepted kind of finding.
#[derive(Debug)]
pub struct Allow {
    rule: Option<String>,
    paths: Vec<GlobMatcher>,
    fingerprint: Option<Fingerprint>,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is.
    pub expires: Option<Date>,
    /// Where it stands in the file.
    pub line: usize,
    /// An allowlist of gitleaks, which says all else.
    list: Option<gitleaks::Allowlist>,
}

/// A checked configuration.
#[derive(Debug, Default)]
pub struct Config {
    /// Where it was read from; `None` for the built-in defaults.
    pub path: Option<PathBuf>,
    /// Files to leave out, as they were written and compiled.
    pub exclude: Vec<(String, GlobMatcher)>,
    /// Severity from which on a finding fails the run.
    pub fail_on: Option<Severity>,
    /// Confidence from which on a finding is shown.
    pub min_confidence: Option<Confidence>,
    /// What pointers of Git LFS are.
    pub lfs: Lfs,
    /// Accepted findings.
    pub allow: Vec<Allow>,
    /// Accepted gaps.
    pub accept_incomplete: Vec<AcceptIncomplete>,
    disable: Vec<String>,
    only: Option<Vec<String>>,
    severity: BTreeMap<String, Severity>,
    own_rules: Vec<Rule>,
    /// Paths that some rules of a gitleaks configuration are for.
    rule_paths: Vec<(String, Regex)>,
    /// What the file says and has no counterpart here.
    pub notes: Vec<String>,
}

/// Reads a configuration that another one extends.
pub type Extended<'a> = &'a dyn Fn(&Path) -> Result<String, String>;

impl Config {
    /// Reads and checks the file at `path`, which the user named, and whatever it extends.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Io { path: path.to_owned(), source })?;
        Self::parse(&text, path, &|path| file::read_followed(path).map_err(|error| error.to_string()))
    }

    /// Reads and checks the file at `path`, which a repository brings: neither it nor what it extends may lie elsewhere.
    pub fn load_confined(path: &Path) -> Result<Self, ConfigError> {
        let text = file::read_text(path).map_err(|source| ConfigError::Io { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let own = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        Self::parse(&text, path, &|path| {
            let target = fs::canonicalize(path).map_err(|error| error.to_string())?;
            if !target.starts_with(&own) {
                return Err("it lies outside of the repository; name the configuration with --config".to_owned());
            }
            file::read_text(path).map_err(|error| error.to_string())
        })
    }

    /// Checks the text of a configuration; `path` is for messages, and `extended` reads what it extends.
    pub fn parse(text: &str, path: &Path, extended: Extended<'_>) -> Result<Self, ConfigError> {
        let at = |start: usize, what: String| ConfigError::Invalid {
            path: path.to_owned(),
            line: line_of(text, start),
            what,
        };
        if gitleaks::is_for(text) {
            let imported = gitleaks::read(text, path, extended).map_err(|(start, what)| at(start, what))?;
            return Self::import(imported, text, path);
        }
        let file: File = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            at(start, with_suggestion(&without_values(error.message())))
        })?;
        let provider = ProviderSpec::default();
        let mut own_rules = Vec::new();
        let mut own_ids = HashSet::new();
        for spec in file.rule {
            let start = spec.span().start;
            let id = spec.get_ref().id.clone();
            if !own_ids.insert(id.clone()) {
                return Err(at(start, format!("rule `{id}` is defined twice; give one of them another id")));
            }
            let rule =
                spec.into_inner().into_rule(&provider).map_err(|what| at(start, format!("rule `{id}`: {what}")))?;
            own_rules.push(rule);
        }
        let mut ids: Vec<&str> = rules::builtin().iter().map(|rule| rule.id.as_ref()).collect();
        ids.extend(own_ids.iter().map(String::as_str));
        let practices: Vec<String> =
            posture::checks::ALL.iter().map(|it| format!("{}{}", posture::PREFIX, it.id)).collect();
        ids.extend(practices.iter().map(String::as_str));
        let known = |id: &str, start: usize| {
            if ids.contains(&id) { Ok(()) } else { Err(at(start, unknown_rule(id, &ids))) }
        };
        for rule in &own_rules {
            if let Some(pair) = &rule.pair {
                known(&pair.with, text.find(pair.with.as_ref()).unwrap_or(0))?;
            }
        }
        let mut exclude = Vec::new();
        for glob in file.scan.exclude {
            let matcher = path_matcher(glob.get_ref()).map_err(|error| at(glob.span().start, error.to_string()))?;
            exclude.push((glob.into_inner(), matcher));
        }
        let mut allow = Vec::new();
        for entry in file.allow {
            let start = entry.span().start;
            let entry = entry.into_inner();
            if let Some(rule) = &entry.rule {
                known(rule, start)?;
            }
            allow.push(Allow::new(entry, line_of(text, start)).map_err(|what| at(start, what))?);
        }
        let mut accept_incomplete = Vec::new();
        for entry in file.accept_incomplete {
            let start = entry.span().start;
            let entry = AcceptIncomplete::new(entry.into_inner(), line_of(text, start));
            accept_incomplete.push(entry.map_err(|what| at(start, what))?);
        }
        let checked = |list: Vec<Spanned<String>>| {
            list.into_iter()
                .map(|id| known(id.get_ref(), id.span().start).map(|()| id.into_inner()))
                .collect::<Result<Vec<_>, _>>()
        };
        let severity = file
            .rules
            .severity
            .into_iter()
            .map(|(id, severity)| known(id.get_ref(), id.span().start).map(|()| (id.into_inner(), severity)));
        let config = Self {
            path: Some(path.to_owned()),
            fail_on: file.scan.fail_on,
            min_confidence: file.scan.min_confidence,
            lfs: file.scan.lfs,
            disable: checked(file.rules.disable)?,
            only: file.rules.only.map(checked).transpose()?,
            severity: severity.collect::<Result<_, _>>()?,
            exclude,
            allow,
            accept_incomplete,
            own_rules,
            ..Self::default()
        };
        config.check_rules(text, path)?;
        Ok(config)
    }

    /// What a gitleaks configuration comes to.
    fn import(imported: gitleaks::Imported, text: &str, path: &Path) -> Result<Self, ConfigError> {
        let ids = imported.rules.iter().map(|rule| rule.id.to_string()).collect();
        let accepted = imported.allow.into_iter().map(|list| Allow {
            rule: None,
            paths: Vec::new(),
            fingerprint: None,
            reason: list.reason.clone(),
            expires: None,
            line: 1,
            list: Some(list),
        });
        let config = Self {
            path: Some(path.to_owned()),
            allow: accepted.collect(),
            disable: imported.disabled,
            only: (!imported.with_builtin).then_some(ids),
            own_rules: imported.rules,
            rule_paths: imported.paths,
            notes: imported.notes,
            ..Self::default()
        };
        config.check_rules(text, path)?;
        Ok(config)
    }

    /// A pattern that is valid may still be too large, and nothing may be left to look for; that is said before the scan,
    /// not in its middle or never.
    fn check_rules(&self, text: &str, path: &Path) -> Result<(), ConfigError> {
        let at = |place: &str, what: String| ConfigError::Invalid {
            path: path.to_owned(),
            line: line_of(text, text.find(place).unwrap_or(0)),
            what,
        };
        for rule in &self.own_rules {
            let id = &rule.id;
            LazyMatcher::default()
                .check(rule)
                .map_err(|what| at(&format!("\"{id}\""), format!("rule `{id}`: {what}")))?;
        }
        if !self.rules().is_empty() || self.checks_posture() {
            return Ok(());
        }
        let why = match gitleaks::is_for(text) {
            true => {
                let reasons: String = self.notes.iter().map(|note| format!("; {note}")).collect();
                format!(
                    "it brings none that runs; add `useDefault = true` to `[extend]` for the built-in ones{reasons}"
                )
            }
            false => "`disable` and `only` switch all of them off".to_owned(),
        };
        let place = if text.contains("only") { "only" } else { "disable" };
        Err(at(place, format!("no rule is left, so nothing would be looked for: {why}")))
    }

    /// Whether a practice is left for `keysieve posture` to check.
    pub fn checks_posture(&self) -> bool {
        posture::checks::ALL.iter().any(|it| !self.is_disabled(&format!("{}{}", posture::PREFIX, it.id)))
    }

    /// Whether the configuration's rule `rule` is for `path`.
    pub fn is_for(&self, rule: &str, path: &str) -> bool {
        self.rule_paths.iter().all(|(id, expression)| id != rule || expression.is_match(path.as_bytes()))
    }

    /// Whether `[rules]` switches this rule off.
    pub fn is_disabled(&self, id: &str) -> bool {
        self.disable.iter().any(|it| it == id) || self.only.as_ref().is_some_and(|only| !only.iter().any(|it| it == id))
    }

    /// The rules to run: the built-in ones, changed and added to as the configuration says.
    pub fn rules(&self) -> Vec<Rule> {
        let mut rules: Vec<Rule> = rules::builtin().to_vec();
        if !self.own_rules.is_empty() {
            let mut places: HashMap<&str, usize> =
                rules::builtin().iter().enumerate().map(|(place, rule)| (rule.id.as_ref(), place)).collect();
            for own in &self.own_rules {
                match places.entry(&own.id) {
                    Entry::Occupied(place) => rules[*place.get()] = own.clone(),
                    Entry::Vacant(place) => {
                        place.insert(rules.len());
                        rules.push(own.clone());
                    }
                }
            }
        }
        let wanted = |id: &str| {
            !self.disable.iter().any(|it| it == id)
                && self.only.as_ref().is_none_or(|only| only.iter().any(|it| it == id))
        };
        rules.retain(|rule| wanted(&rule.id));
        for rule in &mut rules {
            if let Some(severity) = self.severity.get(rule.id.as_ref()) {
                rule.severity = *severity;
            }
        }
        rules
    }

    /// The entry that accepts `finding`, which stands at `identity`, on the day `today`.
    pub fn allows(&self, finding: &Finding, identity: &str, today: Date) -> Option<&Allow> {
        self.allow.iter().find(|allow| !allow.is_expired(today) && allow.covers(finding, identity))
    }

    /// The entry that accepts `gap` on the day `today`.
    pub fn accepts_incomplete(&self, gap: &Gap, today: Date) -> Option<&AcceptIncomplete> {
        self.accept_incomplete.iter().find(|entry| !entry.is_expired(today) && entry.covers(gap))
    }

    /// What `exclude` leaves out.
    pub fn excluded_files(&self) -> Vec<GlobMatcher> {
        self.exclude.iter().map(|(_, glob)| glob.clone()).collect()
    }

    /// Whether `exclude` leaves out the file at `identity`, or what is in it.
    pub fn excludes(&self, identity: &str) -> bool {
        let outer = inside::outer(identity);
        self.exclude.iter().any(|(_, glob)| glob.is_match(outer))
    }

    /// Whether `exclude` leaves out what was not read: a file, or all that is in a folder.
    pub fn excludes_gap(&self, gap: &Gap) -> bool {
        let Some(path) = gap.file() else { return false };
        let folders = self.exclude.iter().filter_map(|(glob, _)| glob.strip_suffix("/**").or(glob.strip_suffix('/')));
        let is_folder = |glob: &str| path_matcher(glob).is_ok_and(|glob| glob.is_match(path));
        self.excludes(path) || (inside::outer(path) == path && folders.filter(|glob| !glob.is_empty()).any(is_folder))
    }

    /// How many rules are switched off, changed and added.
    pub fn rule_changes(&self) -> (usize, usize, usize) {
        let overrides =
            self.own_rules.iter().filter(|own| rules::builtin().iter().any(|rule| rule.id == own.id)).count();
        (
            rules::builtin().len() + self.own_rules.len() - overrides - self.rules().len(),
            overrides + self.severity.len(),
            self.own_rules.len() - overrides,
        )
    }
}

impl Allow {
    fn new(entry: AllowEntry, line: usize) -> Result<Self, String> {
        if entry.rule.is_none() && entry.paths.is_empty() && entry.fingerprint.is_none() {
            return Err("an allow entry names at least one of `rule`, `paths` and `fingerprint`".to_owned());
        }
        if entry.reason.trim().is_empty() {
            return Err("the reason of an allow entry is empty; write why the finding is accepted".to_owned());
        }
        let paths = entry.paths.iter().map(|glob| path_matcher(glob).map_err(|error| error.to_string()));
        Ok(Self {
            paths: paths.collect::<Result<_, _>>()?,
            fingerprint: entry.fingerprint.as_deref().map(Fingerprint::parse).transpose()?,
            rule: entry.rule,
            reason: entry.reason,
            expires: expiry(entry.expires)?,
            line,
            list: None,
        })
    }

    /// Whether its last day has passed.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|expires| expires < today)
    }

    fn covers(&self, finding: &Finding, identity: &str) -> bool {
        if let Some(list) = &self.list {
            return list.covers(finding, identity);
        }
        self.rule.as_ref().is_none_or(|rule| *rule == finding.rule)
            && (self.paths.is_empty() || self.paths.iter().any(|glob| glob.is_match(identity)))
            && self.fingerprint.as_ref().is_none_or(|fingerprint| *fingerprint == finding.fingerprint)
    }
}

/// The last day on which an entry counts.
fn expiry(written: Option<toml::value::Datetime>) -> Result<Option<Date>, String> {
    let Some(date) = written else { return Ok(None) };
    let date = date.date.filter(|_| date.time.is_none()).ok_or("`expires` is a date such as 2027-01-01")?;
    Date::new(date.year as i16, date.month as i8, date.day as i8).map(Some).map_err(|error| error.to_string())
}

/// Today, in UTC.
pub fn today() -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}

/// What to say of a rule id that does not exist.
pub fn unknown_rule(id: &str, ids: &[&str]) -> String {
    match nearest(id, ids) {
        Some(near) => format!("there is no rule `{id}`; did you mean `{near}`?"),
        None => format!("there is no rule `{id}`; `keysieve rules list` shows all"),
    }
}

fn line_of(text: &str, start: usize) -> usize {
    text.as_bytes()[..start.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Adds the nearest valid name to what the parser says of an unknown one.
fn with_suggestion(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match names.split_first() {
        Some((unknown, valid)) if message.starts_with("unknown") => match nearest(unknown, valid) {
            Some(near) => format!("unknown name `{unknown}`; did you mean `{near}`?"),
            None => format!("unknown name `{unknown}`; valid here: {}", valid.join(", ")),
        },
        _ => message.trim_end().to_owned(),
    }
}

fn nearest<'a>(name: &str, valid: &[&'a str]) -> Option<&'a str> {
    let near = valid.iter().map(|known| (strsim::damerau_levenshtein(name, known), *known)).min()?;
    (near.0 <= 2.max(name.len() / 3)).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, Path::new("c.toml"), &|_| Err("nothing is there".to_owned())).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_the_nearest_name() {
        assert_eq!(error("[scan]\nexlude = []\n"), "c.toml:2: unknown name `exlude`; did you mean `exclude`?");
        assert_eq!(
            error("\n[rules]\ndisable = [\n  \"generic-pasword\",\n]"),
            "c.toml:4: there is no rule `generic-pasword`; did you mean `generic-password`?"
        );
        assert!(error("[scan]\nfail_on = \"hihg\"").starts_with("c.toml:2: unknown name `hihg`; did you mean `high`?"));
        assert!(
            error("[[allow]]\nrule = \"jwt-nope-nope-nope\"\nreason = \"x\"").contains("c.toml:1: there is no rule")
        );
        assert!(error("[[allow]]\nrule = \"aws-access-key-id\"").contains("reason"));
        assert!(error("[[allow]]\nreason = \"x\"").contains("at least one of"));
        assert!(
            error("[[rule]]\nid = \"x\"\nname = \"x\"\nseverity = \"low\"\nanchors = [\"abc\"]\npattern = 'abc'")
                .contains("it needs 4 to 32")
        );
        assert!(
            error("[[rule]]\nid = \"x\"\nname = \"x\"\nseverity = \"low\"\nanchors = [\"abcd\"]\npattern = 'abcd('")
                .contains("c.toml:1: rule `x`: `pattern` is no valid")
        );
        assert!(
            error("[[rule]]\nid = \"x\"\nname = \"x\"\nseverity = \"low\"\nanchors = [\"abcd\"]\npattern = 'abcd[^x]'")
                .contains("line break")
        );
        assert!(error("x = [").starts_with("c.toml:1: "));
    }

    #[test]
    fn rules_are_switched_changed_and_added() {
        let text = "[rules]\ndisable = [\"generic-secret\"]\nseverity = { \"generic-password\" = \"low\" }\n[[rule]]\nid = \"corp-token\"\nname = \"Corp\"\nseverity = \"high\"\nanchors = [\"corp_\"]\npattern = 'corp_[a-z]{8}'\n";
        let config = Config::parse(text, Path::new("c.toml"), &|_| Err("nothing is there".to_owned())).unwrap();
        let rules = config.rules();
        assert!(
            !rules.iter().any(|rule| rule.id == "generic-secret") && rules.iter().any(|rule| rule.id == "corp-token")
        );
        assert_eq!(rules.iter().find(|rule| rule.id == "generic-password").unwrap().severity, Severity::Low);
        assert_eq!(config.rule_changes(), (1, 1, 1));
    }

    #[test]
    fn an_expired_entry_allows_no_more() {
        let config = Config::parse(
            "[[allow]]\nrule = \"generic-secret\"\nreason = \"x\"\nexpires = 2026-01-31\n",
            Path::new("c"),
            &|_| Err("nothing is there".to_owned()),
        )
        .unwrap();
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert!(!config.allow[0].is_expired(day("2026-01-31")) && config.allow[0].is_expired(day("2026-02-01")));
    }
}
