//! Which files say something about infrastructure, and what is in them.

use std::io::{self, Read};
use std::path::Path;

use rayon::prelude::*;

use super::node::{self, Node};
use super::terraform::{self, Block};
use crate::file::{self, shown};
use crate::gap::Gap;
use crate::gap::GapCode;
use crate::scan::limits::Task;
use crate::scan::{Progress, explain};
use crate::source::tree::{self, Named};

/// Largest file that is parsed, in bytes: what people write by hand is smaller.
const MAX_SIZE: u64 = 2 << 20;

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HCL of Terraform or OpenTofu.
    Terraform,
    /// CloudFormation and SAM, YAML or JSON.
    CloudFormation,
    /// Kubernetes manifests.
    Kubernetes,
    /// docker-compose.
    Compose,
    /// GitHub Actions.
    GithubWorkflow,
    /// GitLab CI.
    GitlabCi,
    /// Dockerfiles.
    Dockerfile,
    /// Code that runs as a Lambda function, as far as its name and imports tell.
    Code,
    /// What should not be in git: key stores, states, `.env`.
    SecretFile,
}

/// A file that was read.
#[derive(Debug)]
pub struct File {
    /// As the user would type it.
    pub path: String,
    /// From the repository's root on.
    pub identity: String,
    /// What it is.
    pub kind: Kind,
    /// Its text; empty for what is only named.
    pub text: String,
    /// Terraform's blocks.
    pub blocks: Vec<Block>,
    /// YAML's documents.
    pub documents: Vec<Node>,
    /// Why it could not be parsed.
    pub error: Option<String>,
    /// What has to fill it in before it can be.
    pub template: Option<Template>,
}

/// What makes infrastructure of a text that is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Template {
    /// Helm and others with Go's templates.
    Go,
    /// Ansible and others with Jinja's.
    Jinja,
    /// Ruby's.
    Erb,
    /// Any other, by its file's name.
    Other,
}

impl Template {
    /// In the plural, and what can be checked instead.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Go => "Helm's or Go's (`helm template CHART > FILE`, and check that)",
            Self::Jinja => "Jinja's",
            Self::Erb => "ERB's",
            Self::Other => "of another kind",
        }
    }

    /// What a text has signs of.
    fn of(text: &str) -> Option<Self> {
        if text.contains("{%") {
            Some(Self::Jinja)
        } else if text.contains("<%") {
            Some(Self::Erb)
        } else if text.contains("{{") {
            Some(Self::Go)
        } else {
            None
        }
    }

    /// A name without the ending that says what fills the file in.
    fn named(identity: &str) -> Option<(&str, Self)> {
        let (inner, ending) = identity.rsplit_once('.')?;
        let template = match ending.to_ascii_lowercase().as_str() {
            "j2" | "jinja" | "jinja2" => Self::Jinja,
            "erb" => Self::Erb,
            "gotmpl" => Self::Go,
            "tmpl" | "tpl" | "tftpl" | "mustache" | "hbs" | "ejs" | "in" => Self::Other,
            _ => return None,
        };
        Some((inner, template))
    }
}

impl File {
    /// Reads the text of a file at `identity`; `None` if it is of no kind that is checked.
    pub fn of(path: &str, identity: &str, text: String) -> Option<Self> {
        let named = Template::named(identity).filter(|(inner, _)| !inner.is_empty());
        let kind = kind(identity, &text).or_else(|| kind(named?.0, &text))?;
        let is_named = named.is_some() && self::kind(identity, &text).is_none();
        let mut file = Self {
            path: path.to_owned(),
            identity: identity.to_owned(),
            kind,
            text,
            blocks: Vec::new(),
            documents: Vec::new(),
            error: None,
            template: named.filter(|_| is_named).map(|(_, template)| template),
        };
        if file.template.is_some() {
            return Some(file);
        }
        let read = match kind {
            Kind::Terraform if file.identity.to_ascii_lowercase().ends_with(".json") => {
                terraform::json(&file.text).map(|blocks| file.blocks = blocks)
            }
            Kind::Terraform => terraform::hcl(&file.text).map(|blocks| file.blocks = blocks),
            Kind::Dockerfile | Kind::Code | Kind::SecretFile => Ok(()),
            _ => node::yaml(&file.text).map(|documents| file.documents = documents),
        };
        if let Err(reason) = read {
            // What other tools have to fill in first (Helm, Ansible) is an ordinary part of a repository, and said once.
            file.template = Template::of(&file.text).filter(|_| kind != Kind::Terraform);
            if file.template.is_none() {
                file.error = Some(format!("it does not parse as {}: {reason}", name(kind)));
            }
        }
        Some(file)
    }

    /// The folder that it is in.
    pub fn folder(&self) -> &str {
        self.identity.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Terraform => "Terraform",
        Kind::CloudFormation => "a CloudFormation template",
        Kind::Kubernetes => "a Kubernetes manifest",
        Kind::Compose => "a compose file",
        Kind::GithubWorkflow => "a workflow",
        Kind::GitlabCi => "GitLab CI's configuration",
        Kind::Dockerfile | Kind::Code | Kind::SecretFile => "text",
    }
}

fn kind(identity: &str, text: &str) -> Option<Kind> {
    let file = identity.rsplit('/').next().unwrap_or(identity);
    let lower = file.to_ascii_lowercase();
    let extension = lower.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_yaml = matches!(extension, "yml" | "yaml");
    let has_line = |starts: &[&str]| text.lines().any(|line| starts.iter().any(|start| line.starts_with(start)));
    match extension {
        "tf" | "tofu" => Some(Kind::Terraform),
        "json" if lower.ends_with(".tf.json") || lower.ends_with(".tofu.json") => Some(Kind::Terraform),
        "tfstate" | "jks" | "keystore" | "p12" | "pfx" => Some(Kind::SecretFile),
        _ if lower == ".env" || lower.starts_with(".env.") && !is_example(&lower) => Some(Kind::SecretFile),
        _ if lower == "dockerfile" || lower.starts_with("dockerfile.") || extension == "dockerfile" => {
            Some(Kind::Dockerfile)
        }
        _ if is_yaml && identity.contains(".github/workflows/") => Some(Kind::GithubWorkflow),
        _ if lower == ".gitlab-ci.yml" => Some(Kind::GitlabCi),
        _ if is_yaml && lower.contains("compose") && has_line(&["services:"]) => Some(Kind::Compose),
        _ if (is_yaml || extension == "template")
            && has_line(&["AWSTemplateFormatVersion", "Resources:", "Transform: AWS::Serverless"])
            && text.contains("AWS::") =>
        {
            Some(Kind::CloudFormation)
        }
        "json" | "template" if text.contains("\"Resources\"") && text.contains("\"AWS::") => Some(Kind::CloudFormation),
        _ if is_yaml && has_line(&["apiVersion:"]) && has_line(&["kind:"]) => Some(Kind::Kubernetes),
        "py" | "js" | "ts" | "mjs" | "rb" | "go" | "java"
            if text.contains("secretsmanager") || text.contains("SecretsManager") || text.contains("get_parameter") =>
        {
            Some(Kind::Code)
        }
        _ => None,
    }
}

fn is_example(name: &str) -> bool {
    ["example", "sample", "template", "dist", "defaults"].iter().any(|word| name.contains(word))
}

/// Files below `paths` that git does not ignore. Other people's code in vendored folders is not this repository's practice.
pub fn read(options: &tree::Options, progress: &Progress) -> (Vec<File>, Vec<Gap>) {
    const SKIPPED: [&str; 3] = ["node_modules", "vendor", ".terraform"];
    let (listed, coverage) = tree::files(options, progress);
    let read_one = |named: Named| -> Option<Result<File, Gap>> {
        let Named { path, identity } = named;
        let gap = |code, reason: String| Gap::new(code, shown(&path), reason).known_as(&identity);
        if identity.split('/').any(|name| SKIPPED.contains(&name)) || !may_be_checked(&path) {
            return None;
        }
        let is_environment = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".env"));
        if !is_environment && kind(&identity, "") == Some(Kind::SecretFile) {
            return File::of(&shown(&path), &identity, String::new()).map(Ok);
        }
        let bytes = match read_whole(&path) {
            Ok(bytes) => bytes?,
            Err(error) => return Some(Err(gap(GapCode::Unreadable, explain(&error)))),
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (name, known) = (shown(&path), identity.clone());
        let is_read_by_us = match kind(&known, &text) {
            Some(Kind::Terraform) => !known.to_ascii_lowercase().ends_with(".json"),
            Some(Kind::Dockerfile | Kind::Code | Kind::SecretFile) => true,
            _ => false,
        };
        let task = Task::new(progress);
        if is_read_by_us {
            return match task.in_time() {
                Ok(()) => File::of(&name, &known, text).map(Ok),
                Err(reached) => Some(Err(gap(reached.code(), reached.to_string()))),
            };
        }
        // Others' parsers go back and forth, and an input could be made for which they never come to an end.
        match task.watch(move || File::of(&name, &known, text)) {
            Ok(Ok(file)) => file.map(Ok),
            Ok(Err(panicked)) => Some(Err(gap(GapCode::Failed, panicked.to_string()))),
            Err(reached) => Some(Err(gap(reached.code(), reached.to_string()))),
        }
    };
    let mut files = Vec::new();
    // What a repository's objects hold says nothing of practice.
    let mut gaps = coverage.gaps;
    gaps.retain(|gap| gap.code != GapCode::Repository);
    let mut listed: Vec<Named> = listed;
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    for read in listed.into_par_iter().filter_map(read_one).collect::<Vec<_>>() {
        match read {
            Ok(file) => files.push(file),
            Err(gap) => gaps.push(gap),
        }
    }
    (files, gaps)
}

/// A file's content; `None` of data: a template of CloudFormation in JSON has at most a megabyte.
fn read_whole(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = file::open_regular(path)?;
    if file.metadata()?.len() > MAX_SIZE {
        let is_data = path.extension().is_some_and(|extension| extension == "json")
            && !matches!(kind(&path.to_string_lossy(), ""), Some(Kind::Terraform));
        return match is_data {
            true => Ok(None),
            false => Err(io::Error::other("it is larger than 2 MiB, so nobody wrote it by hand")),
        };
    }
    let mut bytes = Vec::new();
    file.take(MAX_SIZE).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Whether a file's name alone leaves it possible, so that it has to be opened.
fn may_be_checked(path: &Path) -> bool {
    let path = path.to_string_lossy().to_ascii_lowercase();
    let file = path.rsplit('/').next().unwrap_or(&path);
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_function = ["lambda", "function", "handler", "serverless"].iter().any(|word| path.contains(word));
    match extension {
        "tf" | "tofu" | "tfstate" | "jks" | "keystore" | "p12" | "pfx" | "yml" | "yaml" | "json" | "template" => true,
        // Of code only what looks like a function of Lambda's: there a print ends in a log.
        "py" | "js" | "ts" | "mjs" | "rb" | "go" | "java" => is_function,
        _ if Template::named(file).is_some_and(|(inner, _)| {
            [".yml", ".yaml", ".tf", ".tofu", ".template"].iter().any(|ending| inner.ends_with(ending))
        }) =>
        {
            true
        }
        _ => file.contains("dockerfile") || file.starts_with(".env"),
    }
}
