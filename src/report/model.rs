//! The report as JSON has it: what `json` and `jsonl` write and `report` reads. `docs/schema/report.v1.json` is made of it.
//!
//! One definition serves both ways, so that a report of a report says the same. Whatever is renamed or taken out raises
//! [`FORMAT_VERSION`]; readers pass over fields that they do not know.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Options, print_secret};
use crate::finding::{
    Advice, CommitNote, Confidence, Excerpt, Finding, FindingKind, Fingerprint, Partner, Place, Provenance, Reason,
    Secret, Severity,
};
use crate::gap::{AcceptedGap, Gap};
use crate::outcome::{LookedFor, Outcome, Summary, Suppressed, Suppressor};

/// Version of this format.
pub const FORMAT_VERSION: u32 = 1;

/// What `json` writes.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "keysieve's report, version 1"))]
pub struct Document {
    /// Who wrote it.
    pub tool: Tool,
    /// Version of this format: 1.
    pub format_version: u32,
    /// What was found, in the order of paths and places.
    pub findings: Vec<FindingObject>,
    /// What was found and is no finding, with `--explain`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressed: Vec<SuppressedObject>,
    /// What was read, and what not.
    pub summary: SummaryObject,
}

/// A line of `jsonl`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Line {
    /// Something found.
    Finding(Box<FindingObject>),
    /// Something found that is no finding.
    Suppressed(SuppressedObject),
    /// The last line.
    Summary(Box<SummaryObject>),
}

/// Who wrote a report.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tool {
    /// `keysieve`.
    pub name: Cow<'static, str>,
    /// Its version.
    pub version: Cow<'static, str>,
}

/// Tells a line of `jsonl` from those of another type.
macro_rules! tag {
    ($name:ident, $text:literal) => {
        #[doc = concat!("Always `", $text, "`.")]
        #[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum $name {
            #[doc = concat!("`", $text, "`.")]
            #[default]
            #[serde(rename = $text)]
            Is,
        }
    };
}
tag!(FindingTag, "finding");
tag!(SuppressedTag, "suppressed");
tag!(SummaryTag, "summary");

/// A finding.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FindingObject {
    /// Tells it from the other lines of `jsonl`.
    pub r#type: FindingTag,
    /// A credential, or a practice that `posture` advises against.
    pub kind: FindingKind,
    /// Id of the rule.
    pub rule: String,
    /// What the rule finds, in words.
    pub title: String,
    /// What it opens here.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// The reasons for both.
    pub evidence: Vec<Reason>,
    /// Where it stands.
    pub location: Location,
    /// The secret, redacted unless `--show-secrets` was given.
    pub secret: String,
    /// Of a secret in the clear, how many of its bytes are the same on every key of its kind.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub public_prefix: usize,
    /// Its line with every secret masked, as far as it is shown.
    pub line: String,
    /// Which characters of the line the secret takes.
    pub mark: Mark,
    /// What identifies it across runs: rule, keyed hash of the secret, path.
    #[cfg_attr(test, schemars(with = "String"))]
    pub fingerprint: Fingerprint,
    /// Its other half, of a credential that has two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<PairObject>,
    /// When it came and went, where it was found in a history or in commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<ProvenanceObject>,
    /// Where to read what to do.
    #[serde(default)]
    pub advice: Advice,
}

/// Where something stands: lines and columns count from 1, columns in code points, the end is exclusive.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Location {
    /// The content, as the user would type it.
    pub path: String,
    /// Its path from the root of the repository or the scanned folder on, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo_path: Option<String>,
    /// Line of its first character.
    pub line: u64,
    /// Column of its first character.
    pub column: u64,
    /// Line of its last character.
    pub end_line: u64,
    /// Column after its last character.
    pub end_column: u64,
}

/// Characters of a line, from 0; the end is exclusive.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mark {
    /// The first.
    pub start: usize,
    /// The one after the last.
    pub end: usize,
}

/// The other half of a credential, in the same content.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PairObject {
    /// Id of the rule that found it.
    pub rule: String,
    /// Where it stands.
    pub location: Location,
    /// The other half, redacted like the first.
    pub secret: String,
    /// As of the first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub public_prefix: usize,
}

/// When a secret came into a repository, and when it went.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProvenanceObject {
    /// The object in which it was first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The commit that brought it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced: Option<CommitNote>,
    /// The last commit that took it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<CommitNote>,
    /// Refs at whose tip it still is: the first twenty by name.
    pub refs: Vec<String>,
    /// How many such refs there are.
    pub refs_total: usize,
    /// How many versions of files hold it.
    pub versions: u32,
    /// All paths at which it ever was.
    pub paths: Vec<String>,
    /// Whether any ref leads to it.
    pub reachable: bool,
}

/// Something found that is no finding.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SuppressedObject {
    /// Tells it from the other lines of `jsonl`.
    pub r#type: SuppressedTag,
    /// Id of its rule.
    pub rule: String,
    /// Where it stands.
    pub location: Location,
    /// Who says so.
    pub by: Suppressor,
    /// Why.
    pub reason: Reason,
}

/// What was read, and what not.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SummaryObject {
    /// Tells it from the other lines of `jsonl`.
    pub r#type: SummaryTag,
    /// What was looked for.
    #[serde(default)]
    pub looked_for: LookedFor,
    /// What was looked at, where it is not files that were named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Contents read to their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Commits read, of a history or a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commits: Option<u64>,
    /// Objects read, of a history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u64>,
    /// Bytes read; of a history, all versions expanded.
    pub bytes: u64,
    /// Findings by severity.
    pub findings: BTreeMap<String, usize>,
    /// Candidates below the confidence that is shown.
    #[serde(default)]
    pub below_confidence: usize,
    /// Findings accepted, by what accepts them.
    #[serde(default)]
    pub allowed: BTreeMap<Suppressor, usize>,
    /// Files that the configuration excludes.
    #[serde(default)]
    pub excluded: u64,
    /// Links, sockets, devices.
    #[serde(default)]
    pub not_content: Vec<NotContentObject>,
    /// What should have been read and was not.
    #[serde(default)]
    pub incomplete: Vec<Gap>,
    /// What was not read either, and need not be, as the configuration says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_incomplete: Vec<AcceptedGap>,
    /// What the user should know besides.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Whether everything that was asked for was read.
    pub complete: bool,
}

/// Something that holds no content.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NotContentObject {
    /// `symbolic link`, `socket`, …
    pub kind: Cow<'static, str>,
    /// Where.
    pub path: String,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Document {
    /// The report of a run.
    pub fn of(outcome: &Outcome, options: Options<'_>) -> Self {
        Self {
            tool: Tool { name: "keysieve".into(), version: env!("CARGO_PKG_VERSION").into() },
            format_version: FORMAT_VERSION,
            findings: outcome.findings.iter().map(|finding| FindingObject::of(finding, options)).collect(),
            suppressed: SuppressedObject::all(outcome, options).collect(),
            summary: SummaryObject::of(outcome),
        }
    }
}

impl From<Document> for Outcome {
    fn from(document: Document) -> Self {
        Self {
            findings: document.findings.into_iter().map(Finding::from).collect(),
            suppressed: document.suppressed.into_iter().map(Suppressed::from).collect(),
            secrets: Vec::new(),
            summary: document.summary.into(),
        }
    }
}

impl FindingObject {
    /// A finding as the options have it printed.
    pub fn of(finding: &Finding, options: Options<'_>) -> Self {
        let secret = print_secret(&finding.secret, options);
        // A practice is about its whole line.
        let shown = if options.show_secrets && finding.kind == FindingKind::Credential {
            secret.lines().next().unwrap_or_default().to_owned()
        } else {
            finding.masked_line_secret()
        };
        let start = finding.excerpt.before.chars().count();
        let location = |place| Location::of(&finding.path, &finding.identity, place);
        Self {
            r#type: FindingTag::Is,
            kind: finding.kind,
            rule: finding.rule.to_string(),
            title: finding.title.to_string(),
            severity: finding.severity,
            confidence: finding.confidence,
            evidence: finding.evidence.clone(),
            location: location(finding.place),
            line: format!("{}{shown}{}", finding.excerpt.before, finding.excerpt.after),
            mark: Mark { start, end: start + shown.chars().count() },
            secret,
            public_prefix: public_prefix(&finding.secret, options),
            fingerprint: finding.fingerprint.clone(),
            pair: finding.partner.as_ref().map(|partner| PairObject {
                rule: partner.rule.to_string(),
                location: location(partner.place),
                secret: print_secret(&partner.secret, options),
                public_prefix: public_prefix(&partner.secret, options),
            }),
            provenance: finding.provenance.as_deref().map(ProvenanceObject::from),
            advice: finding.advice.clone(),
        }
    }
}

/// What cannot be told of a secret in the clear by looking at it.
fn public_prefix(secret: &Secret, options: Options<'_>) -> usize {
    if options.show_secrets { secret.public_part().len() } else { 0 }
}

/// A secret as it was printed.
fn secret(text: &str, public_prefix: usize) -> Secret {
    let is_redacted = text
        .rfind("[redacted ")
        .and_then(|at| text[at + 10..].strip_suffix(']'))
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()));
    if is_redacted { Secret::redacted(text) } else { Secret::new(text.as_bytes(), public_prefix) }
}

impl From<FindingObject> for Finding {
    fn from(it: FindingObject) -> Self {
        let characters: Vec<char> = it.line.chars().collect();
        let start = it.mark.start.min(characters.len());
        let end = it.mark.end.clamp(start, characters.len());
        let (path, identity, place) = it.location.split();
        // What stands for a practice's secret is what it is about, as it was printed.
        let secret = match it.kind {
            FindingKind::Credential => secret(&it.secret, it.public_prefix),
            FindingKind::Practice => Secret::redacted(&it.secret),
        };
        Self {
            kind: it.kind,
            rule: it.rule.into(),
            title: it.title.into(),
            severity: it.severity,
            confidence: it.confidence,
            evidence: it.evidence,
            excerpt: Excerpt {
                before: characters[..start].iter().collect(),
                masked: end - start,
                after: characters[end..].iter().collect(),
            },
            secret,
            partner: it.pair.map(|pair| Partner {
                rule: pair.rule.into(),
                place: pair.location.split().2,
                secret: self::secret(&pair.secret, pair.public_prefix),
            }),
            fingerprint: it.fingerprint,
            advice: it.advice,
            provenance: it.provenance.map(|it| Box::new(it.into())),
            path,
            identity,
            place,
        }
    }
}

impl Location {
    fn of(path: &str, repo_path: &str, place: Place) -> Self {
        Self {
            path: path.to_owned(),
            repo_path: (repo_path != path).then(|| repo_path.to_owned()),
            line: place.line,
            column: place.column,
            end_line: place.end_line,
            end_column: place.end_column,
        }
    }

    /// Path as shown, path by which rules go, place.
    fn split(self) -> (String, String, Place) {
        let place =
            Place { line: self.line, column: self.column, end_line: self.end_line, end_column: self.end_column };
        let repo_path = self.repo_path.unwrap_or_else(|| self.path.clone());
        (self.path, repo_path, place)
    }
}

impl From<&Provenance> for ProvenanceObject {
    fn from(it: &Provenance) -> Self {
        Self {
            object: it.object.clone(),
            introduced: it.introduced.clone(),
            removed: it.removed.clone(),
            refs: it.refs.clone(),
            refs_total: it.refs_total,
            versions: it.versions,
            paths: it.paths.clone(),
            reachable: it.reachable,
        }
    }
}

impl From<ProvenanceObject> for Provenance {
    fn from(it: ProvenanceObject) -> Self {
        Self {
            object: it.object,
            introduced: it.introduced,
            removed: it.removed,
            refs: it.refs,
            refs_total: it.refs_total,
            versions: it.versions,
            paths: it.paths,
            reachable: it.reachable,
        }
    }
}

impl SuppressedObject {
    /// What a run suppressed, if it is to be listed.
    pub fn all<'a>(outcome: &'a Outcome, options: Options<'_>) -> impl Iterator<Item = Self> + use<'a> {
        let listed: &[Suppressed] = if options.explain { &outcome.suppressed } else { &[] };
        listed.iter().map(|it| Self {
            r#type: SuppressedTag::Is,
            rule: it.rule.clone(),
            location: Location::of(&it.path, &it.path, it.place),
            by: it.by,
            reason: it.reason.clone(),
        })
    }
}

impl From<SuppressedObject> for Suppressed {
    fn from(it: SuppressedObject) -> Self {
        let (path, _, place) = it.location.split();
        Self { rule: it.rule, path, place, by: it.by, reason: it.reason }
    }
}

impl SummaryObject {
    /// The summary of a run.
    pub fn of(outcome: &Outcome) -> Self {
        let summary = &outcome.summary;
        let not_content =
            |(kind, path): &(Cow<'static, str>, String)| NotContentObject { kind: kind.clone(), path: path.clone() };
        Self {
            r#type: SummaryTag::Is,
            looked_for: summary.looked_for,
            scope: summary.scope.clone(),
            files: summary.files,
            commits: summary.commits,
            objects: summary.objects,
            bytes: summary.bytes,
            findings: Severity::ALL.iter().map(|it| (it.to_string(), outcome.count(*it))).collect(),
            below_confidence: summary.below_confidence,
            allowed: summary.allowed.clone(),
            excluded: summary.excluded,
            not_content: summary.not_content.iter().map(not_content).collect(),
            incomplete: summary.gaps.clone(),
            accepted_incomplete: summary.accepted_gaps.clone(),
            notes: summary.notes.clone(),
            complete: summary.is_complete(),
        }
    }
}

impl From<SummaryObject> for Summary {
    fn from(it: SummaryObject) -> Self {
        Self {
            scope: it.scope,
            looked_for: it.looked_for,
            files: it.files,
            commits: it.commits,
            objects: it.objects,
            bytes: it.bytes,
            excluded: it.excluded,
            allowed: it.allowed,
            below_confidence: it.below_confidence,
            not_content: it.not_content.into_iter().map(|it| (it.kind, it.path)).collect(),
            gaps: it.incomplete,
            accepted_gaps: it.accepted_incomplete,
            notes: it.notes,
        }
    }
}
