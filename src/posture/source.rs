//! Which files say something about infrastructure, and what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use ignore::{WalkBuilder, WalkState};
use rayon::prelude::*;

use super::node::{self, Block, Node};
use crate::source::tree::{base_of, shown};

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
}

impl File {
    /// Reads the text of a file at `identity`; `None` if it is of no kind that is checked.
    pub fn of(path: &str, identity: &str, text: String) -> Option<Self> {
        let kind = kind(identity, &text)?;
        let mut file = Self {
            path: path.to_owned(),
            identity: identity.to_owned(),
            kind,
            text,
            blocks: Vec::new(),
            documents: Vec::new(),
            error: None,
        };
        let read = match kind {
            Kind::Terraform => node::hcl(&file.text).map(|blocks| file.blocks = blocks),
            Kind::Dockerfile | Kind::Code | Kind::SecretFile => Ok(()),
            // Templates of other tools (Helm, Jinja) are no YAML yet.
            _ if file.text.contains("{{-") || file.text.contains("{%") => return None,
            _ => node::yaml(&file.text).map(|documents| file.documents = documents),
        };
        file.error = read.err().map(|reason| format!("it does not parse as {}: {reason}", name(kind)));
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
pub fn read(paths: &[PathBuf], excluded: &(dyn Fn(&str) -> bool + Sync)) -> (Vec<File>, Vec<crate::source::Gap>) {
    let mut files = Vec::new();
    let mut gaps = Vec::new();
    for root in paths {
        let absolute = fs::canonicalize(root).unwrap_or_else(|_| root.clone());
        let base = base_of(&absolute);
        let mut builder = WalkBuilder::new(root);
        builder
            .standard_filters(false)
            .git_ignore(true)
            .git_exclude(true)
            .git_global(true)
            .require_git(true)
            .parents(true);
        let skipped = [".git", "node_modules", "vendor", ".terraform"];
        builder.filter_entry(move |entry| !skipped.iter().any(|name| entry.file_name() == *name));
        let (found, met) = std::sync::mpsc::channel::<PathBuf>();
        builder.build_parallel().run(|| {
            let found = found.clone();
            Box::new(move |entry| {
                let file = entry.ok().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
                if let Some(entry) = file.filter(|entry| may_be_checked(entry.path())) {
                    // The receiver lives until the walk has ended.
                    let _ = found.send(entry.into_path());
                }
                WalkState::Continue
            })
        });
        drop(found);
        let read_one = |path: &PathBuf| -> Option<Result<File, crate::source::Gap>> {
            let within = path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty());
            let full = within.map_or_else(|| absolute.clone(), |rest| absolute.join(rest));
            let identity = shown(full.strip_prefix(&base).unwrap_or(&full));
            if excluded(&identity) {
                return None;
            }
            let is_environment = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".env"));
            if !is_environment && kind(&identity, "") == Some(Kind::SecretFile) {
                return File::of(&shown(path), &identity, String::new()).map(Ok);
            }
            if fs::metadata(path).is_ok_and(|metadata| metadata.len() > MAX_SIZE) {
                return None;
            }
            match fs::read(path) {
                Ok(bytes) => File::of(&shown(path), &identity, String::from_utf8_lossy(&bytes).into_owned()).map(Ok),
                Err(error) => Some(Err(crate::source::Gap { path: shown(path), reason: error.to_string() })),
            }
        };
        let mut paths: Vec<PathBuf> = met.into_iter().collect();
        paths.sort();
        for read in paths.par_iter().filter_map(read_one).collect::<Vec<_>>() {
            match read {
                Ok(file) => files.push(file),
                Err(gap) => gaps.push(gap),
            }
        }
    }
    (files, gaps)
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
        _ => file.contains("dockerfile") || file.starts_with(".env"),
    }
}
