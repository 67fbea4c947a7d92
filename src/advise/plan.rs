//! The plan for all findings of a scan: what to do, in the order in which it matters.

use std::collections::BTreeMap;

use serde::Serialize;

use super::playbook::{self, Playbook};
use super::replace::{self, Replacement};
use super::store::{self, Name, Setup, Store};
use crate::finding::{Confidence, Finding, FindingKind, Severity};
use crate::report::markdown;

/// What the plan goes by.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The store that successors go to; `None` for AWS's, by kind.
    pub store: Option<Store>,
    /// The application's name.
    pub app: &'a str,
    /// `prod`, `staging`, …
    pub environment: &'a str,
}

/// What to do about all findings.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// One item a secret, the most urgent first.
    pub items: Vec<Item>,
    /// What to do about the history.
    pub history: History,
}

/// One secret, wherever it stands.
#[derive(Debug, Serialize)]
pub struct Item {
    /// Id of its rule.
    pub rule: String,
    /// What it is.
    pub title: String,
    /// The most that it opens at any of its places.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The secret, redacted.
    pub secret: String,
    /// `path:line` of each place.
    pub places: Vec<String>,
    /// Refs at whose tip it is; empty if it was found in files, or is gone.
    pub refs: Vec<String>,
    /// The day since which it has been there, if it was found in a history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What it opens, how to revoke it, who may have used it.
    pub playbook: Playbook,
    /// The provider's page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rotate: String,
    /// Where its successor goes; `None` where nothing is to be stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Setup>,
    /// How its first place reads it from there.
    pub replacement: Replacement,
    fingerprints: Vec<String>,
    #[serde(skip)]
    first: (bool, String),
}

/// Whether, and how, to take secrets out of the history.
#[derive(Debug, Serialize)]
pub struct History {
    /// How many secrets are in commits and no longer in files.
    pub only_in_history: usize,
    /// What to do, in order.
    pub steps: Vec<String>,
}

/// Makes the plan. Findings of low severity (tests, examples, defaults) are left out.
pub fn plan(findings: &[Finding], options: &Options<'_>) -> Plan {
    let mut groups: BTreeMap<(String, String), Vec<&Finding>> = BTreeMap::new();
    let is_secret = |finding: &&Finding| finding.severity > Severity::Low && finding.kind == FindingKind::Credential;
    for finding in findings.iter().filter(is_secret) {
        let hash = finding.fingerprint.as_str().split(':').nth(1).unwrap_or_default();
        groups.entry((finding.rule.to_string(), hash.to_owned())).or_default().push(finding);
    }
    let mut items: Vec<Item> = groups.into_values().map(|group| item(&group, options)).collect();
    items.sort_by(|a, b| {
        (b.severity, b.first.0, b.confidence)
            .cmp(&(a.severity, a.first.0, a.confidence))
            .then_with(|| a.first.1.cmp(&b.first.1))
    });
    let gone = items.iter().filter(|item| item.since.is_some() && item.refs.is_empty()).count();
    Plan { history: history(items.iter().any(|item| item.since.is_some()), gone), items }
}

fn item(group: &[&Finding], options: &Options<'_>) -> Item {
    let first = group[0];
    let provenance = first.provenance.as_deref();
    let mut refs: Vec<String> = group
        .iter()
        .filter_map(|it| it.provenance.as_deref())
        .flat_map(|provenance| provenance.refs.iter().cloned())
        .collect();
    refs.sort();
    refs.dedup();
    let since = provenance
        .and_then(|provenance| provenance.introduced.as_ref())
        .map(|it| it.date.split('T').next().unwrap_or_default().to_owned());
    let thing = thing(first);
    let name = Name { environment: options.environment, app: options.app, thing: &thing };
    let (chosen, reason) = match options.store {
        Some(store) => (store, "you chose it"),
        None => store::on_aws(&first.rule),
    };
    let is_live = provenance.is_none() || !refs.is_empty();
    Item {
        rule: first.rule.to_string(),
        title: first.title.to_string(),
        severity: group.iter().map(|it| it.severity).max().unwrap_or(first.severity),
        confidence: first.confidence,
        secret: first.secret.to_string(),
        places: group.iter().map(|it| format!("{}:{}", it.path, it.place.line)).collect(),
        playbook: playbook::of(&first.rule).clone(),
        rotate: first.advice.rotate.to_string(),
        store: (first.advice.store != "none").then(|| store::setup(chosen, reason, &name, &first.rule)),
        replacement: replace::of(first, chosen, &name),
        fingerprints: group.iter().map(|it| it.fingerprint.to_string()).collect(),
        first: (is_live, first.path.clone()),
        refs,
        since,
    }
}

/// What a secret is called in a store: the name that it was assigned to, else its rule's id.
pub fn thing(finding: &Finding) -> String {
    let before = finding.excerpt.before.trim_end_matches(|c: char| !c.is_alphanumeric());
    let start = before
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let name = before[start..].rsplit('.').next().unwrap_or_default();
    let mut kebab = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            kebab.push('-');
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        kebab.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    }
    let kebab = kebab.trim_matches('-').to_owned();
    let is_name = (3..=48).contains(&kebab.len()) && kebab.starts_with(|c: char| c.is_ascii_lowercase());
    if is_name && finding.excerpt.before.len() < 160 && !before.contains("://") {
        kebab
    } else {
        finding.rule.to_string()
    }
}

fn history(is_history: bool, only_in_history: usize) -> History {
    let steps = match is_history {
        false => vec!["keysieve history --format json -o findings.json   # were they ever committed?".to_owned()],
        true => vec![
            "Revoke first. A secret that is revoked does no harm in old commits, and a rewritten history costs everybody a new \
             clone: rewrite it for what cannot be revoked."
                .to_owned(),
            "umask 077; keysieve history --show-secrets --format json -o ../findings.json   # outside of the repository".to_owned(),
            "keysieve advise ../findings.json --replace-text ../replacements.txt".to_owned(),
            "git clone --mirror URL ../cleaned.git && cd ../cleaned.git".to_owned(),
            "git filter-repo --replace-text ../replacements.txt --replace-message ../replacements.txt".to_owned(),
            "keysieve history   # has to find nothing".to_owned(),
            "git push --force --mirror URL   # every ref; protected branches have to be opened for it".to_owned(),
            "Tell everybody to clone anew, and ask the host to drop forks, pull requests and caches: GitHub's support does that \
             on request."
                .to_owned(),
            "shred -u ../findings.json ../replacements.txt".to_owned(),
        ],
    };
    History { only_in_history, steps }
}

impl Plan {
    /// The plan as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::from("# What to do about the secrets that were found\n\n");
        if self.items.is_empty() {
            return text + "Nothing: no finding is of medium severity or above.\n";
        }
        text.push_str(
            "In this order. Revoking comes first: a secret that was published stays published, whatever happens to the code.\n",
        );
        for (index, item) in self.items.iter().enumerate() {
            text.push_str(&item.markdown(index + 1));
        }
        text.push_str(&format!(
            "\n## Clean the history\n\n{} of them are in commits only.\n\n",
            self.history.only_in_history
        ));
        for (index, step) in self.history.steps.iter().enumerate() {
            text.push_str(&format!("{}. {}\n", index + 1, as_step(step)));
        }
        text
    }
}

/// A command is set as code, a sentence is not.
fn as_step(step: &str) -> String {
    let is_command = [
        "aws ",
        "git ",
        "gh ",
        "keysieve ",
        "umask ",
        "shred ",
        "curl ",
        "gcloud ",
        "az ",
        "vault ",
        "kubectl ",
        "npm ",
        "psql ",
        "ssh-keygen ",
        "openssl ",
        "docker ",
        "mysql ",
        "mongosh ",
        "twilio ",
        "VAULT_TOKEN",
        "install ",
        "echo ",
        "db.",
        "ALTER ",
    ];
    if is_command.iter().any(|start| step.starts_with(start)) {
        format!("`{}`", step.replace('`', "'"))
    } else {
        step.to_owned()
    }
}

impl Item {
    fn markdown(&self, number: usize) -> String {
        let inert = markdown::code;
        let list = |title: &str, steps: &[String]| -> String {
            let steps: String = steps.iter().map(|step| format!("- {}\n", as_step(step))).collect();
            format!("\n**{title}**\n\n{steps}")
        };
        let mut text = format!("\n## {number}. {} ({})\n\n", markdown::text(&self.title), self.severity);
        let places: Vec<String> = self.places.iter().take(10).map(|place| inert(place)).collect();
        text.push_str(&format!("At {}", places.join(", ")));
        if self.places.len() > 10 {
            text.push_str(&format!(" and {} more places", self.places.len() - 10));
        }
        text.push_str(&format!(". Confidence: {}. It opens {}.\n", self.confidence, self.playbook.opens));
        if let Some(since) = &self.since {
            let live = if self.refs.is_empty() {
                "no longer in any ref".to_owned()
            } else {
                format!("in {}", inert(&self.refs.join(", ")))
            };
            text.push_str(&format!("\nIn the history since {}, {live}.\n", markdown::text(since)));
        }
        text.push_str(&list("Is it live?", &self.playbook.live));
        text.push_str(&list("Revoke and rotate", &self.playbook.revoke));
        if !self.rotate.is_empty() {
            text.push_str(&format!("- {}\n", markdown::link(&self.rotate)));
        }
        text.push_str(&list("Who may have used it?", &self.playbook.audit));
        if !self.playbook.note.is_empty() {
            text.push_str(&format!("\n{}\n", self.playbook.note));
        }
        if let Some(store) = &self.store {
            text.push_str(&format!("\n**Store the new one** as {}: {}.\n\n```sh\n", inert(&store.name), store.reason));
            store.commands.iter().for_each(|command| text.push_str(&format!("{command}\n")));
            text.push_str("```\n");
            if let Some(policy) = &store.policy {
                text.push_str(&format!("\nWho reads it may do this and nothing else:\n\n```\n{policy}\n```\n"));
            }
            store.notes.iter().for_each(|note| text.push_str(&format!("\n{note}\n")));
            text.push_str(&format!("\n**Read it from there** ({}", self.replacement.language));
            if !self.replacement.needs.is_empty() {
                text.push_str(&format!("; {}", self.replacement.needs));
            }
            text.push_str(&format!(")\n\n```\n{}\n```\n", self.replacement.code));
        }
        text
    }
}
