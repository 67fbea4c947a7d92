//! `keysieve rules`: what is looked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstyle::Style;
use clap::{Args, Subcommand, ValueEnum};
use keysieve::config::{Config, unknown_rule};
use keysieve::redaction;
use keysieve::report::terminal::{inert_json, line, message, visible};
use keysieve_engine::rules::{Class, Matcher, OnCheckFailure, Reach, Rule, ValueKind};
use keysieve_engine::{Detector, selftest};
use serde::Serialize;
use serde_json::{Value, json};

use super::settings::{own_config, repository_root};
use super::{FOUND, NOTHING_FOUND, output};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The actions of `rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Lists all rules that would run here
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t = ListFormat::Human, value_name = "FORMAT")]
        format: ListFormat,
        /// Configuration to use instead of the repository's .keysieve.toml
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Shows one rule
    Show {
        /// Id of the rule
        rule: String,
        #[command(flatten)]
        common: CommonArgs,
    },
    /// Holds rules against their own examples and counterexamples
    Test {
        /// Ids of the rules; all if none is named
        rules: Vec<String>,
        /// How many fillings of each example to try
        #[arg(long, default_value_t = 20, value_name = "N")]
        seeds: u64,
        #[command(flatten)]
        common: CommonArgs,
    },
}

/// What all actions take.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// Configuration to use instead of the repository's .keysieve.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Human,
    /// JSON
    Json,
    /// A document with a table for each provider
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// JSON
    Json,
}

/// Runs the action.
pub fn run(command: RulesCommand) -> anyhow::Result<ExitCode> {
    match command {
        RulesCommand::List { format, config } => list(&read_rules(config.as_deref())?, format),
        RulesCommand::Show { rule, common } => show(&read_rules(common.config.as_deref())?, &rule, common.format),
        RulesCommand::Test { rules, seeds, common } => {
            test(read_rules(common.config.as_deref())?, &rules, seeds, common.format)
        }
    }
}

fn read_rules(config: Option<&Path>) -> anyhow::Result<Vec<Rule>> {
    let config = match config {
        Some(path) => Config::load(path)?,
        None => own_config(&repository_root(".".as_ref()))?,
    };
    let mut rules = config.rules();
    for rule in &mut rules {
        // Of the built-in ones nothing was read.
        for text in [&mut rule.name, &mut rule.provider, &mut rule.advice.rotate] {
            if let Cow::Owned(own) = text {
                *own = redaction::text(own).into_owned();
            }
        }
    }
    Ok(rules)
}

fn list(rules: &[Rule], format: ListFormat) -> anyhow::Result<ExitCode> {
    output::to_stdout(|to| {
        if format == ListFormat::Markdown {
            return write!(to, "{}", message(&markdown(rules)));
        }
        if format == ListFormat::Json {
            let all: Vec<Value> = rules.iter().map(describe).collect();
            return json_to(to, &all);
        }
        let widest = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
        for rule in rules {
            writeln!(to, "{:widest$}  {:8}  {}", line(&rule.id), rule.severity, visible(&rule.name))?;
        }
        writeln!(to, "{} rules", rules.len())
    })?;
    Ok(ExitCode::from(NOTHING_FOUND))
}

/// Every rule in a table of its provider: what it finds, what that is worth, how sure it is, what to do.
fn markdown(rules: &[Rule]) -> String {
    let mut providers: BTreeMap<String, (&str, Vec<&Rule>)> = BTreeMap::new();
    for rule in rules {
        let name = if rule.provider.is_empty() { "Any provider" } else { rule.provider.as_ref() };
        providers.entry(name.to_lowercase()).or_insert((name, Vec::new())).1.push(rule);
    }
    let mut text = format!(
        "# Rules\n\n{} rules; written by `keysieve rules list --format markdown`. *Worth* is the severity of a finding, and \
         in tests and examples where that is another one. *Told by* is what gives the credential away: its own shape, the \
         name beside it, or both judged by the model.\n",
        rules.len()
    );
    for (name, rules) in providers.values() {
        text.push_str(&format!(
            "\n## {name}\n\n| rule | finds | worth | told by | rotate |\n| --- | --- | --- | --- | --- |\n"
        ));
        for rule in rules {
            let worth = match rule.severity_in_tests == rule.severity {
                true => rule.severity.to_string(),
                false => format!("{}, {} in tests", rule.severity, rule.severity_in_tests),
            };
            let told = match (rule.check.is_some(), rule.class) {
                (true, _) => "its structure, checked",
                (false, Class::Distinctive) => "its shape",
                (false, Class::Contextual) => "its name and shape",
                (false, Class::Generic) => "its name, by the model",
            };
            let rotate = match rule.advice.rotate.is_empty() {
                true => String::new(),
                false => format!("[how]({})", rule.advice.rotate),
            };
            text.push_str(&format!("| `{}` | {} | {worth} | {told} | {rotate} |\n", rule.id, rule.name));
        }
    }
    text
}

fn find(rules: &[Rule], id: &str) -> anyhow::Result<usize> {
    rules.iter().position(|rule| rule.id == id).ok_or_else(|| {
        let ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_ref()).collect();
        anyhow::anyhow!(unknown_rule(id, &ids))
    })
}

fn show(rules: &[Rule], id: &str, format: Format) -> anyhow::Result<ExitCode> {
    let rule = &rules[find(rules, id)?];
    output::to_stdout(|to| {
        if format == Format::Json {
            return json_to(to, &describe(rule));
        }
        writeln!(to, "{BOLD}{}{BOLD:#}  {}", line(&rule.name), visible(&rule.id))?;
        let mut field = |label: &str, text: &str| {
            if text.is_empty() { Ok(()) } else { writeln!(to, "  {DIM}{label:12}{DIM:#} {}", visible(text)) }
        };
        field("provider", &rule.provider)?;
        field("severity", rule.severity.as_str())?;
        if rule.severity_in_tests != rule.severity {
            field("in tests", rule.severity_in_tests.as_str())?;
        }
        field("confidence", rule.confidence.as_str())?;
        field("class", class(rule.class))?;
        field("anchors", &anchors(rule).join("  "))?;
        field("names", &rule.names.join("  "))?;
        match &rule.matcher {
            Matcher::Pattern { regex, next, lead } => {
                field("pattern", regex)?;
                field("next", next)?;
                if *lead > 0 {
                    field("lead", &format!("{lead} bytes before the anchor at most"))?;
                }
            }
            Matcher::Assignment { key, value, kind } => {
                field("key", key)?;
                field("value", value)?;
                field("kind", kind_name(*kind))?;
            }
        }
        match rule.reach {
            Reach::Line => {}
            Reach::Lines(lines) => field("reach", &format!("{lines} lines"))?,
            Reach::Bytes(bytes) => field("reach", &format!("{bytes} bytes"))?,
        }
        field("near", &rule.near.join("  "))?;
        if rule.entropy > 0.0 {
            field("entropy", &format!("{} bits a character at least", rule.entropy))?;
        }
        if let Some(check) = rule.check {
            let otherwise = if rule.on_check_failure == OnCheckFailure::Low { ", else low confidence" } else { "" };
            field("check", &format!("{}{otherwise}", check.name()))?;
        }
        field("ignore", &rule.ignore)?;
        if let Some(pair) = &rule.pair {
            field("pair", &format!("{} within {} lines", pair.with, pair.within_lines))?;
        }
        field("paths", &rule.paths.join("  "))?;
        field("rotate", &rule.advice.rotate)?;
        field("store", &rule.advice.store)?;
        for example in rule.examples.iter() {
            field("finds", &example.trim().replace('\n', "\\n"))?;
        }
        for example in rule.counterexamples.iter() {
            field("leaves", &example.trim().replace('\n', "\\n"))?;
        }
        Ok(())
    })?;
    Ok(ExitCode::from(NOTHING_FOUND))
}

fn test(rules: Vec<Rule>, ids: &[String], seeds: u64, format: Format) -> anyhow::Result<ExitCode> {
    let chosen: Vec<usize> = match ids {
        [] => (0..rules.len()).collect(),
        ids => ids.iter().map(|id| find(&rules, id)).collect::<Result<_, _>>()?,
    };
    let detector = Detector::new(rules)?.with_explanations();
    let failures: Vec<_> = chosen
        .iter()
        .flat_map(|index| selftest::test(&detector, *index, 0..seeds).into_iter().map(move |failure| (*index, failure)))
        .collect();
    output::to_stdout(|to| {
        if format == Format::Json {
            let list: Vec<Value> = failures
                .iter()
                .map(|(index, it)| json!({ "rule": detector.rules()[*index].id, "example": it.example, "seed": it.seed, "what": it.what }))
                .collect();
            return json_to(to, &json!({ "rules": chosen.len(), "failures": list }));
        }
        for (index, failure) in &failures {
            writeln!(
                to,
                "{}: `{}` (seed {}): {}",
                line(&detector.rules()[*index].id),
                visible(&failure.example),
                failure.seed,
                visible(&failure.what)
            )?;
        }
        let plural = |count: usize, one: &'static str, many| if count == 1 { one } else { many };
        let (rules, failing) = (chosen.len(), failures.len());
        let (noun, verb) = (plural(rules, "rule", "rules"), plural(failing, "example fails", "examples fail"));
        writeln!(to, "{rules} {noun} tested, {failing} {verb}")
    })?;
    Ok(ExitCode::from(if failures.is_empty() { NOTHING_FOUND } else { FOUND }))
}

fn json_to(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    writeln!(to, "{}", inert_json(&serde_json::to_string_pretty(value)?))
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Distinctive => "distinctive",
        Class::Contextual => "contextual",
        Class::Generic => "generic",
    }
}

fn kind_name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Password => "password",
        ValueKind::Token => "token",
        ValueKind::Shaped => "shaped",
    }
}

fn anchors(rule: &Rule) -> Vec<String> {
    rule.anchors.iter().map(|it| format!("{}{}", if it.any_case { "i:" } else { "" }, it.text)).collect()
}

/// The rule with everything that its file may leave out: anchors, names, expressions, defaults.
fn describe(rule: &Rule) -> Value {
    let matcher = match &rule.matcher {
        Matcher::Pattern { regex, lead, next } => json!({ "pattern": regex, "lead": lead, "next": next }),
        Matcher::Assignment { key, value, kind } => json!({ "key": key, "value": value, "kind": kind_name(*kind) }),
    };
    let reach = match rule.reach {
        Reach::Line => json!("line"),
        Reach::Lines(lines) => json!({ "lines": lines }),
        Reach::Bytes(bytes) => json!({ "bytes": bytes }),
    };
    let mut described = json!({
        "id": rule.id, "name": rule.name, "provider": rule.provider, "severity": rule.severity,
        "severity_in_tests": rule.severity_in_tests, "confidence": rule.confidence, "class": class(rule.class),
        "anchors": anchors(rule), "names": rule.names, "reach": reach, "near": rule.near, "entropy": rule.entropy,
        "check": rule.check.map(|check| check.name()),
        "on_check_failure": if rule.on_check_failure == OnCheckFailure::Low { "low" } else { "drop" },
        "pair": rule.pair.as_ref().map(|pair| json!({ "with": pair.with, "within_lines": pair.within_lines })),
        "paths": rule.paths, "ignore": rule.ignore, "advice": rule.advice, "examples": rule.examples,
        "counterexamples": rule.counterexamples,
    });
    if let (Value::Object(fields), Value::Object(matcher)) = (&mut described, matcher) {
        fields.extend(matcher);
    }
    described
}
