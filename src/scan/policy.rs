//! What the owner of a repository has decided: what is left out, what is accepted, how sure a finding has to be. The last
//! step from what a source found to the outcome of a run, the same for all of them.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::baseline::{self, Baseline};
use crate::config::{Config, Lfs, today};
use crate::finding::{Confidence, Finding, Reason};
use crate::gap::{AcceptedGap, Gap, GapCode};
use crate::inside;
use crate::outcome::{Outcome, Summary, Suppressed, Suppressor};
use crate::redaction::{self, Redaction};

/// Most files that are named in a note.
const MOST_NAMED: usize = 5;

/// What was decided.
#[derive(Debug)]
pub struct Policy<'a> {
    /// What the configuration leaves out and accepts.
    pub config: &'a Config,
    /// What the baseline accepts; fingerprints are then under its key.
    pub baseline: Option<&'a Baseline>,
    /// Lowest confidence that is shown.
    pub min_confidence: Confidence,
    /// The day on which entries of the configuration expire or not.
    pub today: Date,
}

impl<'a> Policy<'a> {
    /// What counts today.
    pub fn new(config: &'a Config, baseline: Option<&'a Baseline>, min_confidence: Confidence) -> Self {
        Self { config, baseline, min_confidence, today: today() }
    }

    /// Whether `finding` is of no account where it stands, as the configuration says.
    pub fn accepts(&self, finding: &Finding) -> bool {
        self.config.excludes(&finding.identity) || self.config.allows(finding, &finding.identity, self.today).is_some()
    }

    /// The outcome of a run that found all this.
    pub fn apply(&self, mut found: Outcome) -> Outcome {
        self.note(&mut found.summary);
        self.of_gaps(&mut found.summary);
        let findings = self.not_excluded(std::mem::take(&mut found.findings), &mut found.summary);
        self.of_findings(findings, &mut found);
        found.require_confidence(self.min_confidence);
        found.sort();
        found
    }

    /// Says what there is to say of the configuration.
    fn note(&self, summary: &mut Summary) {
        let expired = |what: &str, line: usize, expires: Option<Date>, reason: &str| {
            let expires = expires.map(|date| date.to_string()).unwrap_or_default();
            format!("the {what} entry in line {line} of the configuration expired on {expires}: {reason}")
        };
        let allow = self.config.allow.iter().filter(|entry| entry.is_expired(self.today));
        summary.notes.extend(allow.map(|entry| expired("allow", entry.line, entry.expires, &entry.reason)));
        let accept = self.config.accept_incomplete.iter().filter(|entry| entry.is_expired(self.today));
        summary
            .notes
            .extend(accept.map(|entry| expired("accept_incomplete", entry.line, entry.expires, &entry.reason)));
        summary.notes.extend(self.config.notes.iter().cloned());
    }

    /// Counts the files of findings that are excluded. A tree's source does not read them at all; of a history it is known
    /// only now where things stand.
    fn not_excluded(&self, findings: Vec<Finding>, summary: &mut Summary) -> Vec<Finding> {
        let (excluded, findings): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| self.config.excludes(&finding.identity));
        let files: BTreeSet<&str> = excluded.iter().map(|finding| inside::outer(&finding.identity)).collect();
        summary.excluded += files.len() as u64;
        findings
    }

    fn of_findings(&self, findings: Vec<Finding>, outcome: &mut Outcome) {
        // A name that holds a secret is masked in fingerprints, which are in reports and baselines.
        outcome.secrets.extend(redaction::secrets_of(&findings));
        let redaction = Redaction::new(&outcome.secrets, None);
        for mut finding in findings {
            finding.fingerprint = finding.fingerprint.with_path(|path| redaction.text(path));
            if !self.config.is_for(&finding.rule, &finding.identity) {
                continue;
            }
            match self.acceptance(&mut finding) {
                None => outcome.findings.push(finding),
                Some((by, reason)) => {
                    *outcome.summary.allowed.entry(by).or_default() += 1;
                    outcome.suppressed.push(Suppressed {
                        rule: finding.rule.to_string(),
                        path: finding.path.clone(),
                        place: finding.place,
                        by,
                        reason,
                    });
                }
            }
        }
    }

    /// What accepts `finding`, which gets the baseline's fingerprint.
    fn acceptance(&self, finding: &mut Finding) -> Option<(Suppressor, Reason)> {
        let allows = |finding: &Finding| self.config.allows(finding, &finding.identity, self.today);
        let mut allow = allows(finding);
        // The key of a baseline, by which fingerprints are made, is for everybody who reads the repository.
        let mut known = finding.identity == baseline::FILE_NAME && finding.rule == "generic-secret";
        if let Some(baseline) = self.baseline {
            finding.fingerprint = baseline.fingerprint(finding, finding.fingerprint.path());
            known |= baseline.contains(&finding.fingerprint);
            allow = allow.or_else(|| allows(finding));
        }
        match allow {
            Some(allow) => Some((Suppressor::Config, Reason::new("allow.config", allow.reason.clone()))),
            None if known => Some((Suppressor::Baseline, Reason::new("allow.baseline", "accepted in the baseline"))),
            None => None,
        }
    }

    /// Sets aside what was not read where the configuration excludes it or accepts that.
    fn of_gaps(&self, summary: &mut Summary) {
        let gaps = std::mem::take(&mut summary.gaps);
        let (excluded, gaps): (Vec<_>, Vec<_>) = gaps.into_iter().partition(|gap| self.config.excludes_gap(gap));
        if !excluded.is_empty() {
            let files: BTreeSet<&str> = excluded.iter().map(|gap| inside::outer(&gap.path)).collect();
            summary.excluded += files.len() as u64;
            summary.notes.push(format!(
                "what the configuration excludes was not read to its end: {}",
                files.into_iter().take(MOST_NAMED).collect::<Vec<_>>().join(", ")
            ));
        }
        let is_ignored = |gap: &Gap| self.config.lfs == Lfs::Ignore && gap.code == GapCode::LfsPointer;
        let (pointers, gaps): (Vec<_>, Vec<_>) = gaps.into_iter().partition(is_ignored);
        if let Some(first) = pointers.first() {
            let number = pointers.len();
            summary.notes.push(match number {
                1 => format!("{} is a pointer of Git LFS; the file that it stands for was not read", first.path),
                _ => format!(
                    "{number} files are pointers of Git LFS, such as {}; what they stand for was not read",
                    first.path
                ),
            });
        }
        for gap in gaps {
            match self.config.accepts_incomplete(&gap, self.today) {
                Some(entry) => summary.accepted_gaps.push(AcceptedGap { gap, accepted: entry.reason.clone() }),
                None => summary.gaps.push(gap),
            }
        }
    }
}
