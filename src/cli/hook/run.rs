//! What the hooks call: it looks at what is committed or pushed, and says what to do where it refuses.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use keysieve::config::can_accept;
use keysieve::finding::Finding;
use keysieve::gap::Gap;
use keysieve::inside;
use keysieve::outcome::Outcome;
use keysieve::scan::verdicts::Markers;
use keysieve::source::changes::{Options, staged};
use keysieve::source::tree;
use keysieve_engine::Detector;

use super::super::changes::{self, Looked, RangeArgs};
use super::super::limits::LimitArgs;
use super::super::settings::{AcceptedArgs, ReportArgs, Settings, SourceArgs, TrustArgs};
use super::super::{NOTHING_FOUND, progress, say, scan, signals};
use super::{Hook, RunArgs};

/// Runs a hook: 0 lets a commit or push through, whatever else refuses it.
pub fn run(arguments: &RunArgs) -> anyhow::Result<ExitCode> {
    let (looked, what) = match arguments.hook {
        Hook::PreCommit => (pre_commit(&arguments.arguments), "commit"),
        Hook::PrePush => (changes::look_at_range(&RangeArgs::pre_push(remote(&arguments.arguments))), "push"),
    };
    let looked = looked.with_context(|| format!("keysieve refused this {what}, as it could not look at it"))?;
    // It prints only where there is something to say: a hook that always talks is one that nobody reads.
    if scan::is_clean(&looked.outcome, &looked.settings) {
        return Ok(ExitCode::from(NOTHING_FOUND));
    }
    let code = scan::report(&looked.outcome, &looked.detector, &looked.settings, &ReportArgs::default())?;
    say::aside(&format!("\nkeysieve refused this {what}. What to do:"));
    if scan::fails(&looked.outcome, &looked.settings) {
        say_what_was_found(arguments.hook);
    }
    if !looked.outcome.summary.is_complete() {
        say_what_was_not_read(&looked.outcome.summary.gaps);
    }
    Ok(code)
}

/// The remote that is pushed to, of the name and the address that git gives. Without a name it gives the address twice.
fn remote(arguments: &[PathBuf]) -> Option<PathBuf> {
    let name = arguments.first()?;
    (Some(name) != arguments.get(1)).then(|| name.clone())
}

fn say_what_was_found(hook: Hook) {
    let again = match hook {
        Hook::PreCommit => "`git add` the file again",
        Hook::PrePush => "take it out of the commits too (`git rebase -i`, `git commit --amend`)",
    };
    say::aside(&format!(
        "  1. Take the secret out of the file and read it from the environment or a secret store; {again}.\n  \
         2. If anybody else can have seen it, revoke it: `rotate` above says where.\n  \
         3. If it is no secret, write `keysieve:allow <rule> — why` in a comment on its line, or accept it in \
         .keysieve.toml."
    ));
}

/// How many entries are printed as examples of what to add.
const MOST_ENTRIES: usize = 3;

/// What was not read may hold a secret. It is named above; here stands what to do about it, and how to accept it.
fn say_what_was_not_read(gaps: &[Gap]) {
    let things = if gaps.len() == 1 { "One thing".to_owned() } else { format!("{} things", gaps.len()) };
    say::aside(&format!(
        "  - {things} could not be read, or not to the end, and may hold a secret: the reason above says what helps."
    ));
    let entries = entries(gaps);
    if entries.is_empty() {
        return;
    }
    say::aside("  - If you know what it is and it may stay unread, add to .keysieve.toml:\n");
    for entry in entries.iter().take(MOST_ENTRIES) {
        say::aside(&format!(
            "[[accept_incomplete]]\n{entry}\nreason = \"why it may stay unread\"\n# expires = 2027-01-01\n"
        ));
    }
    if entries.len() > MOST_ENTRIES {
        say::aside(&format!("and likewise for {} more.", entries.len() - MOST_ENTRIES));
    }
}

/// What to write in the entries that would accept these gaps: a path where a file is meant, else a code. Where nothing was
/// looked at there is none: mending that is all that helps.
fn entries(gaps: &[Gap]) -> Vec<String> {
    let entry = |gap: &Gap| {
        let (key, value) = match gap.file().filter(|path| !Path::new(path).is_absolute()) {
            Some(path) => ("path", globset::escape(inside::outer(path))),
            None => ("code", gap.code.to_string()),
        };
        format!("{key} = {}", toml::Value::String(value))
    };
    let entries: BTreeSet<String> = gaps.iter().filter(|gap| can_accept(gap.code)).map(entry).collect();
    entries.into_iter().rev().collect()
}

/// Looks at the index; at files besides, where a program that manages hooks names some that are not staged.
fn pre_commit(files: &[PathBuf]) -> anyhow::Result<Looked> {
    let repository = TrustArgs::of_hook().open(Path::new("."))?;
    let settings = Settings::of(&repository.root(), &AcceptedArgs::default())?;
    let detector = Detector::new(settings.config.rules())?;
    let limits = LimitArgs::default();
    let progress = progress::begin(limits.limits());
    let mut outcome = {
        let (policy, exclude) = (settings.policy(), settings.config.excluded_files());
        let is_accepted = |finding: &Finding| policy.accepts(finding);
        let options = Options { markers: Markers::Heeded, exclude: &exclude, is_accepted: Some(&is_accepted) };
        let mut found = staged::scan(&repository, &detector, &progress, options);
        found.summary.gaps.extend(signals::gap());
        scan::decide(found, &settings, usize::MAX)
    };
    let staged = if files.is_empty() { HashSet::new() } else { staged::paths(&repository) };
    if !files.iter().all(|file| is_staged(file, &repository.root(), &staged)) {
        // `pre-commit run --all-files` and `--files`: the files as they are.
        // Links hold nothing but a path.
        let is_link = |file: &&PathBuf| file.symlink_metadata().is_ok_and(|it| it.is_symlink());
        let source = SourceArgs::of(files.iter().filter(|file| !is_link(file)).cloned().collect());
        tree::check_named(&source.paths, source.follow)?;
        if !source.paths.is_empty() {
            add(&mut outcome, scan::scan(&source, &settings, &detector, &progress)?);
        }
    }
    outcome.limit(progress.limits.findings);
    Ok(Looked { outcome, detector, settings })
}

fn is_staged(file: &Path, root: &Path, staged: &HashSet<Vec<u8>>) -> bool {
    // Of a link it is the link that is staged.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let absolute = fs::canonicalize(folder).ok().zip(file.file_name()).map(|(folder, name)| folder.join(name));
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let below = absolute.as_deref().and_then(|file| file.strip_prefix(root).ok());
    below.is_some_and(|path| staged.contains(path.as_os_str().as_encoded_bytes()))
}

/// Adds what the files as they are hold; what the index holds as well is told once.
fn add(outcome: &mut Outcome, mut files: Outcome) {
    let known = |finding: &Finding, findings: &[Finding]| {
        findings.iter().any(|other| {
            (&other.rule, &other.identity, other.place) == (&finding.rule, &finding.identity, finding.place)
                && other.secret.expose() == finding.secret.expose()
        })
    };
    files.findings.retain(|finding| !known(finding, &outcome.findings));
    let summary = &mut outcome.summary;
    summary.scope = summary.scope.take().map(|scope| format!("{scope}; the files that were named"));
    // That nothing is staged says nothing of the files.
    summary.notes.clear();
    outcome.join(files);
    outcome.sort();
}
