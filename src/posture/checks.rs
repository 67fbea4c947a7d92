//! The checks: one function a practice, each with its id, severity, the practice behind it and the fix.
//!
//! Sources are AWS's "Security best practices in IAM" and "AWS Secrets Manager best practices", the CIS benchmarks, and
//! GitHub's "Security hardening for GitHub Actions". `examples.toml` has for each what it finds and what it does not.

use std::collections::BTreeMap;

use super::node::{Kind as Form, Node};
use super::source::{File, Kind};
use crate::finding::Severity;
use keysieve_engine::{placeholder, plausibility};

/// A practice.
#[derive(Debug)]
pub struct Check {
    /// Its id, without `posture-`.
    pub id: &'static str,
    /// What is wrong.
    pub title: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The practice that it goes against.
    pub practice: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// Where the practice is from.
    pub source: &'static str,
}

/// A place that goes against a practice.
#[derive(Debug)]
pub struct Hit {
    /// Which practice.
    pub check: &'static Check,
    /// Index of the file.
    pub file: usize,
    /// Line, from 1.
    pub line: u64,
    /// What it is about: a resource's or a variable's name.
    pub subject: String,
    /// Whether the line may hold a secret.
    pub hides_value: bool,
}

const BEST_PRACTICES: &str = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html";
const IAM: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html";
const ACTIONS: &str =
    "https://docs.github.com/actions/security-for-github-actions/security-guides/security-hardening-for-github-actions";

macro_rules! checks {
    ($($name:ident = $id:literal, $severity:ident, $title:literal, $practice:literal, $fix:literal, $source:expr;)*) => {
        $(static $name: Check = Check {
            id: $id, title: $title, severity: Severity::$severity, practice: $practice, fix: $fix, source: $source,
        };)*
        /// Every check.
        pub static ALL: &[&Check] = &[$(&$name),*];
    };
}

checks! {
    PLAINTEXT_ENV = "plaintext-env", High, "Secret in a plaintext environment", "whoever may describe the function, task or container reads its environment", "give the name of a secret instead, and read it at run time", BEST_PRACTICES;
    PLAINTEXT_USER_DATA = "plaintext-user-data", High, "Secret in an instance's user data", "user data is readable by every process on the instance and by whoever may describe it", "read the secret with the instance's role when it starts", "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html";
    DOCKERFILE = "plaintext-dockerfile", High, "Secret in an image's ENV or ARG", "values of ENV and ARG are in the image's history for all who can pull it", "mount it while building (RUN --mount=type=secret), or give it when the container starts", "https://docs.docker.com/build/building/secrets/";
    WORKFLOW_ENV = "plaintext-workflow-env", High, "Secret in a workflow's environment", "a workflow is as public as its repository", "put it into the CI's secrets and refer to it", ACTIONS;
    NO_CMK = "secret-without-own-key", Low, "Secret without a key of one's own", "the AWS managed key can neither be shared across accounts nor have its own policy", "set kms_key_id to a customer managed key", BEST_PRACTICES;
    KEY_ROTATION = "kms-key-without-rotation", Medium, "KMS key without rotation", "a symmetric key should change every year", "enable_key_rotation = true", "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html";
    NO_ROTATION = "secret-without-rotation", Low, "Secret without rotation", "what never changes stays valid for whoever got it once", "add a rotation schedule, or let the database manage its password", BEST_PRACTICES;
    LONG_ROTATION = "rotation-interval", Low, "Rotation less than every 90 days", "a secret should not live longer than a quarter", "rotate at least every 90 days", BEST_PRACTICES;
    WILDCARD = "iam-wildcard", High, "Policy that reads every secret", "a role should read the secrets it needs and no others", "name the secret's ARN, and the key's for kms:Decrypt", IAM;
    OPEN_POLICY = "open-resource-policy", Critical, "Secret that anybody may read", "a resource policy with any principal and no condition is open to all accounts", "name the principals, or add a condition on the organisation", BEST_PRACTICES;
    NO_DELETE_DENY = "deletion-not-denied", Low, "Secret whose deletion nobody is denied", "a resource policy can keep everybody but an administrator from deleting a secret", "deny secretsmanager:DeleteSecret to all but the role that may", BEST_PRACTICES;
    USER_KEY = "iam-user-access-key", Medium, "Access key of an IAM user", "keys of users live until somebody deletes them", "use a role: for machines their own, for people the identity center, for CI OIDC", IAM;
    CI_KEY = "long-lived-ci-key", Medium, "Long-lived cloud key in CI", "OIDC gives a workflow a key that is valid for an hour and needs no secret", "permissions: id-token: write, and role-to-assume instead of keys", ACTIONS;
    PLAIN_PARAMETER = "plain-parameter", High, "Parameter of type String for something secret", "a String is readable by whoever may list parameters, and is in the state", "type = \"SecureString\", with a key of one's own", "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-securestring.html";
    UNTAGGED = "untagged-secret", Low, "Secret without tags", "without owner, environment, application and classification nobody knows whom to ask", "tag it", BEST_PRACTICES;
    UNWATCHED = "unwatched-secrets", Low, "Stack that defines secrets and watches nothing", "CloudTrail, GuardDuty and an alarm for failed rotation tell when a secret is misused", "define them here, or allow this where another stack does", BEST_PRACTICES;
    DATABASE_PASSWORD = "literal-database-password", High, "Database with a literal password", "it is in the code, the state and the history", "manage_master_user_password = true, or a secret's value", "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html";
    DEFAULT_PASSWORD = "default-password", High, "Variable for a secret with a default", "a default is what everybody gets who sets nothing", "leave the default out and mark the variable sensitive", "https://developer.hashicorp.com/terraform/language/values/variables";
    NO_RECOVERY = "no-recovery-window", Medium, "Secret that is deleted at once", "without a recovery window a mistaken deletion is final", "a window of 7 to 30 days", BEST_PRACTICES;
    TRACKED = "tracked-secret-file", High, "File of secrets in the work tree", "environments, key stores and states hold secrets and belong in no repository", "git rm --cached, add it to .gitignore, rotate what it holds", BEST_PRACTICES;
    PRINTED = "printed-secret", Medium, "Secret that is printed", "logs are kept long and read by many", "do not print it; masking does not cover parts and encodings of it", ACTIONS;
}

/// What all checks find in `files`.
pub fn all(files: &[File]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let mut report = Reporter { hits: &mut hits, file: index };
        match file.kind {
            Kind::Terraform => terraform(file, &mut report),
            Kind::CloudFormation => cloud_formation(file, &mut report),
            Kind::Kubernetes => kubernetes(file, &mut report),
            Kind::Compose => compose(file, &mut report),
            Kind::GithubWorkflow => github(file, &mut report),
            Kind::GitlabCi => gitlab(file, &mut report),
            Kind::Dockerfile => dockerfile(file, &mut report),
            Kind::Code => printed_in_code(file, &mut report),
            Kind::SecretFile => {
                // An environment without a secret in it is configuration; key stores and states are named, not read.
                let is_environment = file.identity.rsplit('/').next().is_some_and(|name| name.starts_with(".env"));
                let line = file.text.lines().position(|line| assigned(line).is_some());
                if line.is_some() || !is_environment {
                    report.hit(&TRACKED, line.unwrap_or(0) as u64 + 1, &file.identity, true);
                }
            }
        }
    }
    stacks(files, &mut hits);
    hits
}

struct Reporter<'a> {
    hits: &'a mut Vec<Hit>,
    file: usize,
}

impl Reporter<'_> {
    fn hit(&mut self, check: &'static Check, line: u64, subject: &str, hides_value: bool) {
        self.hits.push(Hit { check, file: self.file, line: line.max(1), subject: subject.to_owned(), hides_value });
    }
}

/// Words that tell a secret, and words that tell that a name is only about one.
const SECRET: [&str; 9] =
    ["password", "passwd", "pwd", "secret", "token", "apikey", "credential", "credentials", "passphrase"];
const ABOUT: [&str; 20] = [
    "special",
    "characters",
    "arn",
    "name",
    "id",
    "path",
    "file",
    "url",
    "uri",
    "endpoint",
    "ttl",
    "expiration",
    "expiry",
    "length",
    "policy",
    "type",
    "version",
    "enabled",
    "region",
    "prefix",
];

/// Whether a name is that of a secret's value.
fn is_secret(name: &str) -> bool {
    let words: Vec<String> =
        plausibility::words(name.as_bytes()).map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()).collect();
    let is_about = words.last().is_some_and(|last| ABOUT.contains(&last.as_str()));
    let has_key = words.windows(2).any(|pair| {
        matches!(pair[0].as_str(), "api" | "private" | "access" | "signing" | "encryption") && pair[1] == "key"
    });
    let is_named = words.iter().any(|word| SECRET.contains(&word.as_str()));
    (is_named || has_key) && !is_about
}

/// Whether a value is written out, and no placeholder, name or reference to where the secret is.
fn is_value(node: &Node) -> bool {
    node.literal().is_some_and(is_value_text)
}

fn is_value_text(text: &str) -> bool {
    let starts = [
        "arn:",
        "{{resolve:",
        "/",
        "$",
        "ssm:",
        "vault:",
        "http",
        "projects/",
        "secretsmanager:",
        "file:",
        "op://",
        "sm://",
    ];
    let is_flag = ["true", "false", "yes", "no", "null", "none", "disabled", "enabled"]
        .iter()
        .any(|it| text.eq_ignore_ascii_case(it));
    // `ACTIVEMQ_SECRET_ARN` is filled in by somebody.
    let is_constant = text.contains('_') && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    !text.trim().is_empty()
        && !is_flag
        && !is_constant
        && !starts.iter().any(|start| text.starts_with(start))
        && placeholder::template(text.as_bytes()).is_none()
        && placeholder::says_so(text.as_bytes()).is_none()
}

/// Names and values in an environment, as a map or as a list of names with values.
fn environment<'a>(node: &'a Node, found: &mut dyn FnMut(&'a str, &'a Node)) {
    for (name, value) in node.entries() {
        found(name, value);
    }
    if let Form::List(members) = &node.kind {
        for member in members {
            if let (Some(name), Some(value)) = (member.at(&["name"]).text(), member.get(&["value"])) {
                found(name, value);
            }
        }
    }
}

fn plaintext(node: &Node, check: &'static Check, report: &mut Reporter<'_>) {
    environment(node, &mut |name, value| {
        if is_secret(name) && is_value(value) {
            report.hit(check, value.line, name, true);
        }
    });
}

/// A resource of either tool: its type, its name and its properties.
struct Resource<'a> {
    kind: &'a str,
    name: String,
    body: &'a Node,
    /// Where it starts: what is missing in it is told there.
    line: u64,
}

impl Resource<'_> {
    fn is(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind)
    }
}

fn terraform(file: &File, report: &mut Reporter<'_>) {
    for block in &file.blocks {
        let name = block.labels.join(".");
        match (block.kind.as_str(), &block.labels[..]) {
            ("resource", [kind, _]) => {
                resource(&Resource { kind, name, body: &block.body, line: block.body.line }, report)
            }
            ("data", [kind, _]) if kind == "aws_iam_policy_document" => {
                for statement in block.body.at(&["statement"]).members() {
                    wildcard(statement.at(&["actions"]), statement.at(&["resources"]), statement, &name, report);
                }
            }
            ("variable", [variable]) => {
                let default = block.body.at(&["default"]);
                if is_secret(variable) && is_value(default) {
                    report.hit(&DEFAULT_PASSWORD, default.line, variable, true);
                }
            }
            _ => {}
        }
    }
}

fn cloud_formation(file: &File, report: &mut Reporter<'_>) {
    for document in &file.documents {
        for (name, node) in document.at(&["Resources"]).entries() {
            let Some(kind) = node.at(&["Type"]).text() else { continue };
            static NONE: Node = Node { line: 0, kind: Form::Map(Vec::new()) };
            let body = node.get(&["Properties"]).unwrap_or(&NONE);
            resource(&Resource { kind, name: name.clone(), body, line: node.line }, report);
        }
        for (name, parameter) in document.at(&["Parameters"]).entries() {
            let default = parameter.at(&["Default"]);
            if is_secret(name) && is_value(default) {
                report.hit(&DEFAULT_PASSWORD, default.line, name, true);
            }
        }
    }
}

fn resource(it: &Resource<'_>, report: &mut Reporter<'_>) {
    let body = it.body;
    let line = it.line;
    if it.is(&["aws_lambda_function", "AWS::Lambda::Function", "AWS::Serverless::Function"]) {
        plaintext(body.at(&["environment"]).at(&["variables"]), &PLAINTEXT_ENV, report);
    }
    if it.is(&["aws_ecs_task_definition", "AWS::ECS::TaskDefinition"]) {
        let parsed = body.at(&["container_definitions", "ContainerDefinitions"]);
        let read = parsed.literal().and_then(|text| super::node::yaml(text).ok()).and_then(|mut all| all.pop());
        for container in read.as_ref().unwrap_or(parsed).members() {
            let environment_node = container.at(&["environment"]);
            environment(environment_node, &mut |name, value| {
                if is_secret(name) && is_value(value) {
                    report.hit(&PLAINTEXT_ENV, if read.is_some() { parsed.line } else { value.line }, name, true);
                }
            });
        }
    }
    if it.is(&[
        "aws_instance",
        "aws_launch_template",
        "aws_launch_configuration",
        "AWS::EC2::Instance",
        "AWS::EC2::LaunchTemplate",
        "AWS::AutoScaling::LaunchConfiguration",
    ]) {
        body.maps(&mut |map| {
            for data in [map.at(&["user_data"]), map.at(&["Fn::Base64"])] {
                let lines = data.text().unwrap_or_default().lines();
                if let Some((offset, name)) =
                    lines.enumerate().find_map(|(offset, line)| Some((offset, assigned(line)?)))
                {
                    report.hit(&PLAINTEXT_USER_DATA, data.line + offset as u64, name, true);
                }
            }
        });
    }
    if it.is(&["aws_secretsmanager_secret", "AWS::SecretsManager::Secret"]) {
        if body.get(&["kms_key_id"]).is_none() {
            report.hit(&NO_CMK, line, &it.name, false);
        }
        if body.at(&["recovery_window_in_days"]).is("0") {
            report.hit(&NO_RECOVERY, body.at(&["recovery_window_in_days"]).line, &it.name, false);
        }
        untagged(it, report);
    }
    if it.is(&["aws_ssm_parameter", "AWS::SSM::Parameter"]) {
        let kind = body.at(&["type"]);
        let parameter = body.at(&["name"]).text().unwrap_or(&it.name);
        let last = parameter.rsplit('/').next().unwrap_or(parameter);
        if kind.is("String") && (is_secret(last) || is_secret(it.name.rsplit('.').next().unwrap_or_default())) {
            report.hit(&PLAIN_PARAMETER, kind.line, parameter, true);
        }
        if kind.is("SecureString") && body.get(&["key_id"]).is_none() {
            report.hit(&NO_CMK, line, &it.name, false);
        }
    }
    if it.is(&["aws_kms_key", "AWS::KMS::Key"]) {
        let symmetric =
            body.get(&["customer_master_key_spec", "KeySpec"]).is_none_or(|spec| spec.is("SYMMETRIC_DEFAULT"))
                && body.get(&["key_usage"]).is_none_or(|usage| usage.is("ENCRYPT_DECRYPT"));
        let rotates = body.get(&["enable_key_rotation"]).is_some_and(|it| !it.is("false"));
        if symmetric && !rotates {
            report.hit(&KEY_ROTATION, line, &it.name, false);
        }
    }
    if it.is(&["aws_secretsmanager_secret_rotation", "AWS::SecretsManager::RotationSchedule"]) {
        let days = body.at(&["rotation_rules"]).members().iter().map(|rules| rules.at(&["automatically_after_days"]));
        for days in days.filter(|days| days.literal().and_then(|it| it.parse::<u64>().ok()).is_some_and(|it| it > 90)) {
            report.hit(&LONG_ROTATION, days.line, &it.name, false);
        }
    }
    if it.is(&["aws_secretsmanager_secret_policy", "AWS::SecretsManager::ResourcePolicy"]) {
        resource_policy(it, report);
    }
    if it.is(&["aws_iam_access_key", "AWS::IAM::AccessKey"]) {
        report.hit(&USER_KEY, line, &it.name, false);
    }
    let is_database = it.kind.starts_with("aws_db_instance")
        || it.is(&[
            "aws_rds_cluster",
            "aws_redshift_cluster",
            "aws_docdb_cluster",
            "aws_elasticache_replication_group",
            "AWS::RDS::DBInstance",
            "AWS::RDS::DBCluster",
            "AWS::Redshift::Cluster",
            "AWS::DocDB::DBCluster",
            "azurerm_mssql_server",
            "azurerm_postgresql_server",
            "google_sql_user",
        ]);
    if is_database {
        let names = ["password", "master_password", "MasterUserPassword", "auth_token", "administrator_login_password"];
        if let Some(password) = body.get(&names).filter(|it| is_value(it)) {
            report.hit(&DATABASE_PASSWORD, password.line, &it.name, true);
        }
    }
    if it.kind.contains("iam") || it.kind.contains("IAM") || it.kind == "AWS::Serverless::Function" {
        policies(it, report);
    }
}

/// A name of a secret that a line of a shell script assigns a value.
fn assigned(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches("export ").trim_start_matches("- ");
    let (name, value) = line.split_once('=')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let value = value.trim().trim_matches(['"', '\'']);
    (is_name && is_secret(name) && is_value_text(value)).then_some(name)
}

fn untagged(it: &Resource<'_>, report: &mut Reporter<'_>) {
    let tags = it.body.at(&["tags"]);
    if matches!(tags.kind, Form::Reference(_)) || tags.get(&["*"]).is_some() {
        return;
    }
    let mut names: Vec<String> = tags.entries().iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.extend(tags.members().iter().filter_map(|tag| Some(tag.at(&["Key"]).text()?.to_ascii_lowercase())));
    let missing: Vec<&str> = ["owner", "environment", "application", "classification"]
        .into_iter()
        .filter(|wanted| {
            !names.iter().any(|name| name.contains(wanted) || *wanted == "application" && name.contains("app"))
        })
        .collect();
    if !missing.is_empty() {
        report.hit(&UNTAGGED, it.line, &format!("{} has no tag {}", it.name, missing.join(", ")), false);
    }
}

/// Statements anywhere in a resource.
fn policies(it: &Resource<'_>, report: &mut Reporter<'_>) {
    let mut look = |node: &Node, line: Option<u64>| {
        node.maps(&mut |map| {
            let (action, resource) = (map.at(&["Action"]), map.at(&["Resource"]));
            let statement = Node { line: line.unwrap_or(map.line), kind: map.kind.clone() };
            wildcard(action, resource, &statement, &it.name, report);
        });
    };
    look(it.body, None);
    for (_, value) in it.body.entries() {
        // A policy as text, in a heredoc.
        if let Some(text) = value.literal().filter(|text| text.contains("Statement")) {
            super::node::yaml(text).unwrap_or_default().iter().for_each(|node| look(node, Some(value.line)));
        }
    }
}

fn texts(node: &Node) -> Vec<&str> {
    node.members().iter().filter_map(Node::text).collect()
}

fn wildcard(action: &Node, resource: &Node, statement: &Node, name: &str, report: &mut Reporter<'_>) {
    if statement.at(&["Effect"]).is("Deny") {
        return;
    }
    let (actions, resources) = (texts(action), texts(resource));
    let everything = resources.iter().any(|it| *it == "*" || it.ends_with(":secret:*") || it.ends_with(":key/*"));
    let is_conditional = statement.get(&["Condition"]).is_some();
    let found = actions.iter().find(|action| {
        let action = action.to_ascii_lowercase();
        action == "secretsmanager:*"
            || everything
                && !is_conditional
                && matches!(action.as_str(), "secretsmanager:getsecretvalue" | "kms:decrypt" | "kms:*")
    });
    if let Some(action_name) = found {
        let line = if action.line > 0 { action.line } else { statement.line };
        report.hit(&WILDCARD, line, &format!("{name}: {action_name}"), false);
    }
}

fn resource_policy(it: &Resource<'_>, report: &mut Reporter<'_>) {
    let policy = it.body.at(&["policy", "ResourcePolicy"]);
    let read = policy.literal().and_then(|text| super::node::yaml(text).ok()).and_then(|mut all| all.pop());
    let document = read.as_ref().unwrap_or(policy);
    if matches!(document.kind, Form::Reference(_)) {
        return;
    }
    let mut denies_deletion = false;
    for statement in document.at(&["Statement"]).members() {
        let principal = statement.at(&["Principal"]);
        let anybody = principal.is("*") || texts(principal.at(&["AWS"])).contains(&"*");
        let is_deny = statement.at(&["Effect"]).is("Deny");
        if anybody && !is_deny && statement.get(&["Condition"]).is_none() {
            report.hit(&OPEN_POLICY, if read.is_some() { policy.line } else { statement.line }, &it.name, false);
        }
        let actions = texts(statement.at(&["Action"]));
        denies_deletion |= is_deny
            && actions.iter().any(|it| {
                it.eq_ignore_ascii_case("secretsmanager:DeleteSecret")
                    || *it == "*"
                    || it.eq_ignore_ascii_case("secretsmanager:*")
            });
    }
    if !denies_deletion {
        report.hit(&NO_DELETE_DENY, it.line, &it.name, false);
    }
}

fn kubernetes(file: &File, report: &mut Reporter<'_>) {
    for document in &file.documents {
        document.maps(&mut |map| {
            if map.get(&["image"]).is_some() {
                plaintext(map.at(&["env"]), &PLAINTEXT_ENV, report);
            }
        });
        if document.at(&["kind"]).is("ConfigMap") {
            plaintext(document.at(&["data"]), &PLAINTEXT_ENV, report);
        }
    }
}

fn compose(file: &File, report: &mut Reporter<'_>) {
    for document in &file.documents {
        for (_, service) in document.at(&["services"]).entries() {
            let environment = service.at(&["environment"]);
            plaintext(environment, &PLAINTEXT_ENV, report);
            if let Form::List(members) = &environment.kind {
                for member in members {
                    if let Some(name) = member.literal().and_then(assigned) {
                        report.hit(&PLAINTEXT_ENV, member.line, name, true);
                    }
                }
            }
        }
    }
}

fn github(file: &File, report: &mut Reporter<'_>) {
    for document in &file.documents {
        document.maps(&mut |map| {
            plaintext(map.at(&["env"]), &WORKFLOW_ENV, report);
            environment(map.at(&["env"]), &mut |name, value| {
                if name == "AWS_SECRET_ACCESS_KEY" && value.text().is_some_and(|text| text.contains("secrets.")) {
                    report.hit(&CI_KEY, value.line, name, false);
                }
            });
            let uses = map.at(&["uses"]).text().unwrap_or_default();
            let with = map.at(&["with"]);
            let keys: [(&str, &[&str]); 3] = [
                ("aws-actions/configure-aws-credentials", &["aws-secret-access-key"]),
                ("google-github-actions/auth", &["credentials_json"]),
                ("azure/login", &["creds"]),
            ];
            for (action, names) in keys {
                if let Some(key) = with.get(names).filter(|_| uses.to_ascii_lowercase().starts_with(action)) {
                    report.hit(&CI_KEY, key.line, action, false);
                }
            }
            if let Some(run) = map.get(&["run"]) {
                let text = run.text().unwrap_or_default();
                let prints = |line: &str| {
                    let line = line.trim();
                    (line.starts_with("echo ") || line.starts_with("printf ") || line.starts_with("cat <<"))
                        && line.contains("secrets.")
                        && !line.contains(['>', '|'])
                };
                if let Some(offset) = text.lines().position(prints) {
                    let offset = if text.lines().count() > 1 { offset as u64 + 1 } else { 0 };
                    report.hit(&PRINTED, run.line + offset, "a step's script", false);
                }
            }
        });
    }
}

fn gitlab(file: &File, report: &mut Reporter<'_>) {
    for document in &file.documents {
        document.maps(&mut |map| plaintext(map.at(&["variables"]), &WORKFLOW_ENV, report));
    }
}

fn dockerfile(file: &File, report: &mut Reporter<'_>) {
    for (index, line) in file.text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let instruction = words.next().unwrap_or_default();
        if !instruction.eq_ignore_ascii_case("ENV") && !instruction.eq_ignore_ascii_case("ARG") {
            continue;
        }
        let rest = line.trim_start()[3..].trim();
        let found = match rest.split_once(char::is_whitespace) {
            // The older form, `ENV NAME value`.
            Some((name, value)) if !name.contains('=') => {
                (is_secret(name) && is_value_text(value.trim())).then_some(name)
            }
            _ => words.find_map(assigned),
        };
        if let Some(name) = found {
            report.hit(&DOCKERFILE, index as u64 + 1, name, true);
        }
    }
}

fn printed_in_code(file: &File, report: &mut Reporter<'_>) {
    let prints =
        ["print(", "console.log(", "logger.", "logging.", "log.Print", "fmt.Print", "System.out.print", "puts "];
    let secrets =
        ["SecretString", "get_secret_value", "getSecretValue", "secret_string", "secret_value", "secretValue"];
    for (index, line) in file.text.lines().enumerate() {
        let code = line.trim();
        let is_comment = code.starts_with('#') || code.starts_with("//") || code.starts_with('*');
        let print = prints.iter().find_map(|print| code.find(print));
        if let Some(at) = print.filter(|_| !is_comment) {
            // A word in a message is no value.
            let mut quoted = false;
            let bare: String = code[at..]
                .chars()
                .filter(|c| {
                    quoted ^= matches!(c, '"' | '\'');
                    !quoted || *c == '{'
                })
                .collect();
            if secrets.iter().any(|secret| bare.contains(secret)) {
                report.hit(&PRINTED, index as u64 + 1, "code that reads a secret", true);
            }
        }
    }
}

/// What can be said only of all files of a folder: whether a secret rotates, whether anything watches.
fn stacks(files: &[File], hits: &mut Vec<Hit>) {
    let mut folders: BTreeMap<(&str, bool), Vec<usize>> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        match file.kind {
            Kind::Terraform => folders.entry((file.folder(), true)).or_default().push(index),
            // A template is a stack of its own.
            Kind::CloudFormation => folders.entry((&file.identity, false)).or_default().push(index),
            _ => {}
        }
    }
    for members in folders.values() {
        let mut secrets: Vec<(usize, u64, String)> = Vec::new();
        let (mut rotated, mut watched) = (String::new(), false);
        for &index in members {
            let file = &files[index];
            let terraform = file.blocks.iter().filter(|block| block.kind == "resource").filter_map(|block| {
                Some((block.labels.first()?.as_str(), block.labels.get(1)?.clone(), block.body.line, &block.body))
            });
            let templates = file.documents.iter().flat_map(|document| document.at(&["Resources"]).entries());
            let templates = templates.filter_map(|(name, node)| {
                Some((node.at(&["Type"]).text()?, name.clone(), node.line, node.at(&["Properties"])))
            });
            for (kind, name, line, body) in terraform.chain(templates) {
                match kind {
                    "aws_secretsmanager_secret" | "AWS::SecretsManager::Secret" => secrets.push((index, line, name)),
                    "aws_secretsmanager_secret_rotation" | "AWS::SecretsManager::RotationSchedule" => {
                        rotated.push_str(body.at(&["secret_id"]).text().unwrap_or_default());
                        rotated.push('\n');
                    }
                    "aws_cloudtrail"
                    | "AWS::CloudTrail::Trail"
                    | "aws_guardduty_detector"
                    | "AWS::GuardDuty::Detector"
                    | "aws_cloudwatch_event_rule"
                    | "AWS::Events::Rule" => watched = true,
                    _ => {}
                }
            }
        }
        for (file, line, name) in &secrets {
            let is_rotated =
                rotated.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').any(|word| word == name);
            if !is_rotated {
                hits.push(Hit {
                    check: &NO_ROTATION,
                    file: *file,
                    line: *line,
                    subject: name.clone(),
                    hides_value: false,
                });
            }
        }
        if let Some((file, line, _)) = secrets.first().filter(|_| !watched) {
            let noun = if secrets.len() == 1 { "secret" } else { "secrets" };
            let subject = format!("{} {noun} and no CloudTrail, GuardDuty or event rule", secrets.len());
            hits.push(Hit { check: &UNWATCHED, file: *file, line: *line, subject, hides_value: false });
        }
    }
}
