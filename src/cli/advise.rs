//! `keysieve advise` and `keysieve explain`: what to do about what was found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use keysieve::advise::plan::{self, Options};
use keysieve::advise::store::{Name, Store};
use keysieve::advise::{playbook, replace, rewrite};
use keysieve::config::unknown_rule;
use keysieve::file;
use keysieve::file::write::{self, Access};
use keysieve::finding::{Finding, Fingerprint};
use keysieve::outcome::Outcome;
use keysieve::posture;
use keysieve::redaction;
use keysieve::report::terminal::{inert_json, message, visible};
use keysieve_engine::Detector;
use keysieve_engine::rules::{self, Rule};

use super::settings::{Settings, SourceArgs, repository_root};
use super::{output, progress, report, say, scan};

/// The arguments of `advise`.
#[derive(Debug, Args)]
pub struct AdviseArgs {
    /// A report that `--format json` or `--format jsonl` wrote; without one the current folder is scanned
    #[arg(value_name = "FINDINGS")]
    findings: Option<PathBuf>,
    /// Where new secrets should live [default: AWS, Secrets Manager or Parameter Store by kind]
    #[arg(long, value_enum, value_name = "STORE")]
    store: Option<StoreArg>,
    /// The application, for names in the store [default: the repository's folder]
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// The environment, for names in the store
    #[arg(long, default_value = "prod", value_name = "NAME")]
    environment: String,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t = PlanFormat::Markdown, value_name = "FORMAT")]
    format: PlanFormat,
    /// Writes the plan to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Writes the changes to the code as a patch for `git apply`; it holds the lines that it removes, so only you can read it
    #[arg(long, value_name = "FILE")]
    patch: Option<PathBuf>,
    /// Makes the changes to the code
    #[arg(long)]
    apply: bool,
    /// Writes what `git filter-repo --replace-text` reads, from a report that was taken with --show-secrets
    #[arg(long, value_name = "FILE")]
    replace_text: Option<PathBuf>,
}

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A rule's id, or the fingerprint of a finding in this folder
    #[arg(value_name = "RULE|FINGERPRINT")]
    what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    Markdown,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StoreArg {
    AwsSecretsManager,
    AwsSsm,
    Vault,
    GoogleSecretManager,
    AzureKeyVault,
    Kubernetes,
    GithubActions,
    EnvFile,
}

impl From<StoreArg> for Store {
    fn from(store: StoreArg) -> Self {
        match store {
            StoreArg::AwsSecretsManager => Self::AwsSecretsManager,
            StoreArg::AwsSsm => Self::AwsSsm,
            StoreArg::Vault => Self::Vault,
            StoreArg::GoogleSecretManager => Self::GoogleSecretManager,
            StoreArg::AzureKeyVault => Self::AzureKeyVault,
            StoreArg::Kubernetes => Self::Kubernetes,
            StoreArg::GithubActions => Self::GithubActions,
            StoreArg::EnvFile => Self::EnvFile,
        }
    }
}

/// Makes the plan, and what was asked for besides.
pub fn advise(arguments: &AdviseArgs) -> anyhow::Result<ExitCode> {
    let root = repository_root(Path::new("."));
    let findings = match &arguments.findings {
        Some(file) => report::load(file)?.findings,
        None => scanned(vec![PathBuf::from(".")])?,
    };
    progress::over();
    let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let app = arguments.app.clone().unwrap_or_else(|| kebab(&folder));
    let options = Options { store: arguments.store.map(Store::from), app: &app, environment: &arguments.environment };
    if let Some(file) = &arguments.replace_text {
        return replace_text(&findings, file, &root);
    }
    if arguments.patch.is_some() || arguments.apply {
        return change(&findings, &options, &root, arguments);
    }
    let plan = plan::plan(&redacted(findings), &options);
    output::with(arguments.output.as_deref(), Access::Kept, |to| match arguments.format {
        PlanFormat::Markdown => to.write_all(message(&plan.markdown()).as_bytes()),
        PlanFormat::Json => writeln!(to, "{}", inert_json(&serde_json::to_string_pretty(&plan)?)),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The findings as they may be printed.
fn redacted(findings: Vec<Finding>) -> Vec<Finding> {
    redaction::outcome(&Outcome { findings, ..Outcome::default() }, None).findings
}

fn kebab(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let name = name.trim_matches('-').to_owned();
    if name.is_empty() { "app".to_owned() } else { name }
}

fn scanned(paths: Vec<PathBuf>) -> anyhow::Result<Vec<Finding>> {
    let source = SourceArgs::of(paths);
    let settings = Settings::read(&source)?;
    let detector = Detector::new(settings.config.rules())?;
    Ok(scan::scan(&source, &settings, &detector, &progress::begin(source.limits.limits()))?.findings)
}

/// Writes secrets where only the user can read them, and where nobody commits them.
fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write `{}`", file.display());
    write::all(file, text.as_bytes(), Access::Owner).with_context(failed)
}

fn is_within(file: &Path, root: &Path) -> bool {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let canonical = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    canonical(folder).starts_with(canonical(root))
}

fn replace_text(findings: &[Finding], file: &Path, root: &Path) -> anyhow::Result<ExitCode> {
    if is_within(file, root) && root.join(".git").exists() {
        bail!(
            "`{}` would lie in the work tree, where secrets are committed by mistake; name a file outside",
            file.display()
        );
    }
    let text = rewrite::replacements(findings).map_err(|redacted| {
        anyhow::anyhow!(
            "the secrets of {redacted} findings are redacted in this report, so they cannot be looked for; take it anew with \
             `umask 077; keysieve history --show-secrets --format json -o ../findings.json`"
        )
    })?;
    write_private(file, &text)?;
    say::result(&format!(
        "Wrote {} secrets to `{}`, readable by you alone. In a fresh mirror clone:\n  git filter-repo --replace-text {1} \
         --replace-message {1}\n  keysieve history   # has to find nothing\nThen force-push every ref, and remove the file: \
         shred -u {1}",
        text.lines().count(),
        file.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Changes the files in which a secret is plainly assigned, or writes how.
fn change(
    findings: &[Finding],
    options: &Options<'_>,
    root: &Path,
    arguments: &AdviseArgs,
) -> anyhow::Result<ExitCode> {
    let mut paths: Vec<&str> = findings.iter().map(|finding| finding.identity.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let (mut patch, mut changed, mut left) = (String::new(), 0, Vec::new());
    for path in paths {
        let file = root.join(path);
        let is_inside =
            fs::canonicalize(&file).is_ok_and(|it| it.starts_with(fs::canonicalize(root).unwrap_or_default()));
        let Some(old) = is_inside.then(|| file::read_text(&file).ok()).flatten() else {
            left.push(format!("{path}: it is no file of this work tree"));
            continue;
        };
        let mut new = old.clone();
        // From the last line up, so that a change leaves the places above it as they are.
        let mut here: Vec<&Finding> = findings.iter().filter(|finding| finding.identity == path).collect();
        here.sort_by_key(|finding| std::cmp::Reverse(finding.place));
        let mut shift = 0;
        for finding in here {
            let (store, _) =
                options.store.map_or_else(|| keysieve::advise::store::on_aws(&finding.rule), |it| (it, ""));
            let thing = plan::thing(finding);
            let name = Name { environment: options.environment, app: options.app, thing: &thing };
            let replacement = replace::of(finding, store, &name);
            let mut place = finding.place;
            place.line += shift;
            place.end_line += shift;
            match replace::edited(&new, place, &replacement) {
                Some(text) => {
                    let added = text.lines().count() as u64 - new.lines().count() as u64;
                    shift += if replacement.language == "Terraform" { 0 } else { added };
                    new = text;
                    changed += 1;
                }
                None => left
                    .push(format!("{path}:{}: no plain assignment; the plan says what to write", finding.place.line)),
            }
        }
        if new != old {
            patch.push_str(&replace::patch(Path::new(path), &old, &new));
            if arguments.apply {
                let failed = || format!("cannot write `{}`", file.display());
                write::all(&file, new.as_bytes(), Access::Kept).with_context(failed)?;
            }
        }
    }
    if let Some(file) = &arguments.patch {
        write_private(file, &patch)?;
    }
    let what = match (arguments.apply, &arguments.patch) {
        (true, _) => "changed in place".to_owned(),
        (false, Some(file)) => format!("in the patch; `git apply {}` makes them", file.display()),
        (false, None) => String::new(),
    };
    say::result(&format!("{changed} places {what}."));
    left.iter().for_each(|line| say::result(&format!("  left alone: {}", visible(line))));
    Ok(ExitCode::SUCCESS)
}

/// Explains a rule or a finding.
pub fn explain(arguments: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let what = arguments.what.as_str();
    let config = Settings::of(&repository_root(Path::new(".")), &super::settings::AcceptedArgs::default())?.config;
    let rules = config.rules();
    let find = |id: &str| -> anyhow::Result<Rule> {
        let known = rules.iter().chain(rules::builtin()).find(|rule| rule.id == id).cloned();
        let ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_ref()).collect();
        known.ok_or_else(|| anyhow::anyhow!(unknown_rule(id, &ids)))
    };
    if let Some(check) =
        what.strip_prefix(posture::PREFIX).and_then(|id| posture::checks::ALL.iter().find(|it| it.id == id))
    {
        say::result(&format!(
            "{} ({what})\n\nThe practice\n  {}\n\nThe fix\n  {}\n\nFrom\n  {}",
            check.title, check.practice, check.fix, check.source
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let (rule, finding) = match Fingerprint::parse(what) {
        Err(_) => (find(what)?, None),
        Ok(fingerprint) => {
            let id = what.split(':').next().unwrap_or_default();
            let path = what.splitn(3, ':').nth(2).unwrap_or_default();
            let file = repository_root(Path::new(".")).join(path.split("!/").next().unwrap_or(path));
            if !file.exists() {
                bail!("the finding is in `{}`, which is not here; `keysieve history` looks at what was", visible(path));
            }
            let found = scanned(vec![file])?;
            let found = found.into_iter().find(|finding| finding.fingerprint == fingerprint);
            let Some(found) = found else {
                bail!(
                    "`{}` has no such finding any more, or it is accepted; `keysieve scan --explain` shows what was set aside",
                    visible(path)
                );
            };
            (find(id)?, redacted(vec![found]).pop())
        }
    };
    let text = message(&explanation(&rule, finding.as_ref()));
    output::to_stdout(|to| to.write_all(text.as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}

fn explanation(rule: &Rule, finding: Option<&Finding>) -> String {
    let playbook = playbook::of(&rule.id);
    let mut text = format!("{} ({})\n", rule.name, rule.id);
    if let Some(finding) = finding {
        text.push_str(&format!("  {}:{}:{}\n", visible(&finding.path), finding.place.line, finding.place.column));
    }
    let mut section = |title: &str, lines: &[String]| {
        text.push_str(&format!("\n{title}\n"));
        lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    };
    section("What it opens", std::slice::from_ref(&playbook.opens));
    let sure = match finding {
        Some(finding) => {
            let mut lines = vec![format!("{} confidence, {} severity here", finding.confidence, finding.severity)];
            lines.extend(finding.evidence.iter().map(|it| visible(&it.text)));
            lines
        }
        None => {
            let mut lines = vec![format!("{} confidence before anything else is known", rule.confidence)];
            lines.extend(rule.check.map(|check| format!("checked offline: {}", check.name())));
            lines
                .extend((rule.entropy > 0.0).then(|| format!("at least {} bits of entropy a character", rule.entropy)));
            lines
        }
    };
    section("How sure keysieve is, and why", &sure);
    section("Is it still live?", &playbook.live);
    let mut revoke = playbook.revoke.clone();
    revoke.extend((!rule.advice.rotate.is_empty()).then(|| rule.advice.rotate.to_string()));
    section("Revoke and rotate", &revoke);
    section("Who may have used it?", &playbook.audit);
    if !playbook.note.is_empty() {
        section("Good to know", std::slice::from_ref(&playbook.note));
    }
    section("Next", &["keysieve advise   # a plan for everything that was found: store, code, history".to_owned()]);
    text
}
