//! What a scan was asked for, from flags and configuration together.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use keysieve::baseline::{self, Baseline};
use keysieve::config::{self, Config};
use keysieve::finding::{Confidence, Severity};
use keysieve::report;
use keysieve::scan::policy::Policy;
use keysieve::source::git::NotOpened;
use keysieve::source::{stdin, tree};
use keysieve_git::{Environment, Repository, Trust};

use super::limits::LimitArgs;

/// What to scan, and how; shared by `scan` and `baseline`.
#[derive(Debug, Clone, Args)]
pub struct SourceArgs {
    /// Files and folders to scan; `-` reads standard input
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Reads files that git ignores too, and the `.git` folder
    #[arg(long)]
    pub no_ignore: bool,
    /// Follows symbolic links
    #[arg(long)]
    pub follow: bool,
    /// Reads the index of a `.git` that leads out of the work tree
    #[arg(long)]
    pub trust_links: bool,
    #[command(flatten)]
    pub accepted: AcceptedArgs,
    /// Threads to use [default: one a processor]
    #[arg(short = 'j', long, value_name = "N")]
    pub threads: Option<usize>,
    /// Shows no progress bar
    #[arg(long)]
    pub no_progress: bool,
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// What of a repository is trusted.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct TrustArgs {
    /// Reads a repository that belongs to another user
    #[arg(long)]
    trust_owner: bool,
    /// Follows a `.git`, links in it and alternates out of the repository
    #[arg(long)]
    trust_links: bool,
}

impl TrustArgs {
    /// Opens what git would take `path` to be, here and with its variables as they are.
    pub fn open(self, path: &Path) -> Result<Repository, NotOpened> {
        Repository::open(path, self.into(), &Environment::read(|name| std::env::var_os(name))).map_err(NotOpened)
    }

    /// In a hook, which runs only where its owner put it.
    pub fn of_hook() -> Self {
        Self { trust_owner: false, trust_links: true }
    }
}

impl From<TrustArgs> for Trust {
    fn from(arguments: TrustArgs) -> Self {
        Self { owner: arguments.trust_owner, links: arguments.trust_links }
    }
}

/// What counts, and what is accepted.
#[derive(Debug, Clone, Default, Args)]
pub struct AcceptedArgs {
    /// Configuration to use instead of the repository's .keysieve.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Baseline to use instead of the repository's .keysieve-baseline.json
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Lowest confidence that is shown [default: medium]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub min_confidence: Option<ConfidenceArg>,
}

/// The arguments of `scan`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Checks how infrastructure and workflows handle secrets as well
    #[arg(long)]
    pub posture: bool,
    #[command(flatten)]
    pub report: ReportArgs,
}

/// How to report, and what fails the run; shared by all commands that find something.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = FormatArg::Human, value_name = "FORMAT")]
    pub format: FormatArg,
    /// Writes the report to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Writes one more report, in this format to this file; may be given several times
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report_arg)]
    pub reports: Vec<(FormatArg, PathBuf)>,
    /// Severity from which on a finding fails the run [default: medium]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub fail_on: Option<SeverityArg>,
    /// Shows findings of low severity one by one
    #[arg(long)]
    pub all: bool,
    /// Lists what was set aside, by which judge and why
    #[arg(long)]
    pub explain: bool,
    /// Prints secrets in the clear
    #[arg(long)]
    pub show_secrets: bool,
    /// Exits with 0 or 1 even when something could not be read
    #[arg(long)]
    pub allow_incomplete: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
    /// SARIF 2.1.0, for code scanning services
    Sarif,
    /// Annotations in GitHub Actions
    Github,
    /// GitLab's secret detection report
    Gitlab,
    /// JUnit XML, for CI servers
    Junit,
    /// A row a finding, for spreadsheets
    Csv,
    /// For a job's summary, a comment, an issue
    Markdown,
    /// One page with everything in it, to look at in a browser
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConfidenceArg {
    Low,
    Medium,
    High,
    Certain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SeverityArg {
    Low,
    Medium,
    High,
    Critical,
}

/// Reads `sarif=a.sarif`.
fn report_arg(text: &str) -> Result<(FormatArg, PathBuf), String> {
    let (format, path) = text
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or("write FORMAT=FILE, such as `html=keysieve.html`")?;
    let known = FormatArg::from_str(format, false).map_err(|_| {
        let names =
            FormatArg::value_variants().iter().filter_map(|it| Some(it.to_possible_value()?.get_name().to_owned()));
        format!("there is no format `{format}`; there are {}", names.collect::<Vec<_>>().join(", "))
    })?;
    Ok((known, PathBuf::from(path)))
}

impl From<FormatArg> for report::Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Human => Self::Human,
            FormatArg::Json => Self::Json,
            FormatArg::Jsonl => Self::Jsonl,
            FormatArg::Sarif => Self::Sarif,
            FormatArg::Github => Self::Github,
            FormatArg::Gitlab => Self::Gitlab,
            FormatArg::Junit => Self::Junit,
            FormatArg::Csv => Self::Csv,
            FormatArg::Markdown => Self::Markdown,
            FormatArg::Html => Self::Html,
        }
    }
}

impl Default for ReportArgs {
    fn default() -> Self {
        Self {
            format: FormatArg::Human,
            output: None,
            reports: Vec::new(),
            fail_on: None,
            all: false,
            explain: false,
            show_secrets: false,
            allow_incomplete: false,
        }
    }
}

impl SourceArgs {
    /// What to read of a tree.
    pub fn tree(&self, settings: &Settings) -> tree::Options {
        tree::Options {
            paths: self.paths.clone(),
            no_ignore: self.no_ignore,
            follow: self.follow,
            trust_links: self.trust_links,
            exclude: settings.config.excluded_files(),
        }
    }

    /// These files, and all else by default.
    pub fn of(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            no_ignore: false,
            follow: false,
            trust_links: false,
            accepted: AcceptedArgs::default(),
            threads: None,
            no_progress: true,
            limits: LimitArgs::default(),
        }
    }
}

impl From<ConfidenceArg> for Confidence {
    fn from(level: ConfidenceArg) -> Self {
        match level {
            ConfidenceArg::Low => Self::Low,
            ConfidenceArg::Medium => Self::Medium,
            ConfidenceArg::High => Self::High,
            ConfidenceArg::Certain => Self::Certain,
        }
    }
}

impl From<SeverityArg> for Severity {
    fn from(level: SeverityArg) -> Self {
        match level {
            SeverityArg::Low => Self::Low,
            SeverityArg::Medium => Self::Medium,
            SeverityArg::High => Self::High,
            SeverityArg::Critical => Self::Critical,
        }
    }
}

/// What of a repository bears on the scan of it.
#[derive(Debug)]
pub struct Settings {
    pub config: Config,
    pub baseline: Option<Baseline>,
    /// Where the baseline is, or would be.
    pub baseline_path: PathBuf,
    pub min_confidence: Confidence,
}

impl Settings {
    /// What was decided about findings and gaps.
    pub fn policy(&self) -> Policy<'_> {
        Policy::new(&self.config, self.baseline.as_ref(), self.min_confidence)
    }

    /// Reads configuration and baseline; every path is checked before anything is scanned.
    pub fn read(arguments: &SourceArgs) -> anyhow::Result<Self> {
        let named: Vec<PathBuf> = arguments.paths.iter().filter(|path| !is_stdin(path)).cloned().collect();
        if named.len() < arguments.paths.len() && arguments.paths.len() > 1 {
            anyhow::bail!("standard input (`{}`) can't be scanned together with files; scan them apart", stdin::NAME);
        }
        tree::check_named(&named, arguments.follow)?;
        let root = repository_root(named.first().map_or(Path::new("."), PathBuf::as_path));
        Self::of(&root, &arguments.accepted)
    }

    /// Reads configuration and baseline of the repository or folder at `root`.
    pub fn of(root: &Path, arguments: &AcceptedArgs) -> anyhow::Result<Self> {
        let config = match &arguments.config {
            Some(path) => Config::load(path)?,
            None => own_config(root)?,
        };
        let baseline_path = arguments.baseline.clone().unwrap_or_else(|| root.join(baseline::FILE_NAME));
        let load = if arguments.baseline.is_some() { Baseline::load } else { Baseline::load_confined };
        let baseline = is_there(&baseline_path).then(|| load(&baseline_path)).transpose()?;
        let min_confidence =
            arguments.min_confidence.map(Confidence::from).or(config.min_confidence).unwrap_or(Confidence::Medium);
        Ok(Self { config, baseline, baseline_path, min_confidence })
    }
}

/// Whether `path` means standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == stdin::NAME
}

/// The folder whose configuration and baseline are for `path`.
pub fn repository_root(path: &Path) -> PathBuf {
    tree::base_of(&std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

/// The configuration of the repository or folder at `root`, or else the defaults.
pub fn own_config(root: &Path) -> anyhow::Result<Config> {
    let path = root.join(config::FILE_NAME);
    Ok(is_there(&path).then(|| Config::load_confined(&path)).transpose()?.unwrap_or_default())
}

/// Whether something has that name, a link that leads nowhere among others: reading it says what is wrong.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().map_or_else(|error| error.kind() != std::io::ErrorKind::NotFound, |_| true)
}
