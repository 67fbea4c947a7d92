//! Code that reads a secret from its store instead of holding it.
//!
//! Where the line is a plain assignment of a string, the change to the file is known and can be written; elsewhere a text
//! says what to write.

use std::path::Path;

use serde::Serialize;

use super::store::{Name, Store};
use crate::finding::{Finding, Place};

/// How a place reads its secret from then on.
#[derive(Debug, Clone, Serialize)]
pub struct Replacement {
    /// The language, or the kind of file.
    pub language: &'static str,
    /// What to write, with what it needs at the top of the file.
    pub code: String,
    /// What to install, if anything.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub needs: &'static str,
    /// What stands instead of the literal, and what comes before everything else in the file.
    #[serde(skip)]
    edit: Option<Edit>,
}

#[derive(Debug, Clone)]
struct Edit {
    /// Instead of the quoted string.
    expression: String,
    /// At the top of the file, unless it is there already; at its end for Terraform.
    lines: String,
    at_end: bool,
}

/// How to read the secret `name` of `store` at the place of `finding`.
pub fn of(finding: &Finding, store: Store, name: &Name<'_>) -> Replacement {
    let path = finding.identity.as_str();
    let file = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    let key = if store == Store::AwsSsm { format!("/{}", name.path()) } else { name.path() };
    let variable = name.variable();
    let is_aws = matches!(store, Store::AwsSecretsManager | Store::AwsSsm);
    let is_ssm = store == Store::AwsSsm;
    let edit = |language, needs, top: String, expression: String| Replacement {
        language,
        needs,
        code: format!("{top}{}… = {expression}", if top.is_empty() { "" } else { "\n" }),
        edit: Some(Edit { expression, lines: top, at_end: false }),
    };
    let text = |language, needs, code: String| Replacement { language, needs, code, edit: None };
    if path.contains(".github/workflows/") {
        return edit("GitHub Actions", "", String::new(), format!("${{{{ secrets.{variable} }}}}"));
    }
    if file == ".gitlab-ci.yml" {
        return edit("GitLab CI", "", String::new(), format!("${variable}"));
    }
    if file.contains("compose") && matches!(extension, "yml" | "yaml") {
        return edit("docker-compose", "", String::new(), format!("${{{variable}:?}}"));
    }
    match extension {
        "py" if is_aws && !is_ssm => edit(
            "Python",
            "pip install aws-secretsmanager-caching",
            "import botocore.session\nfrom aws_secretsmanager_caching import SecretCache\n\n_secrets = SecretCache(client=botocore.session.get_session().create_client(\"secretsmanager\"))\n".to_owned(),
            format!("_secrets.get_secret_string(\"{key}\")"),
        ),
        "py" if is_ssm => edit(
            "Python",
            "pip install boto3",
            "import functools\n\nimport boto3\n\n\n@functools.cache\ndef _parameter(name):\n    return boto3.client(\"ssm\").get_parameter(Name=name, WithDecryption=True)[\"Parameter\"][\"Value\"]\n".to_owned(),
            format!("_parameter(\"{key}\")"),
        ),
        "py" => edit("Python", "", "import os\n".to_owned(), format!("os.environ[\"{variable}\"]")),
        "rb" if is_ssm => edit("Ruby", "gem install aws-sdk-ssm", "require \"aws-sdk-ssm\"\n".to_owned(), format!("Aws::SSM::Client.new.get_parameter(name: \"{key}\", with_decryption: true).parameter.value")),
        "rb" if is_aws => edit("Ruby", "gem install aws-sdk-secretsmanager", "require \"aws-sdk-secretsmanager\"\n".to_owned(), format!("Aws::SecretsManager::Client.new.get_secret_value(secret_id: \"{key}\").secret_string")),
        "rb" => edit("Ruby", "", String::new(), format!("ENV.fetch(\"{variable}\")")),
        "php" => edit("PHP", "", String::new(), format!("getenv('{variable}')")),
        "sh" | "bash" if is_ssm => edit("shell", "the AWS CLI", String::new(), format!("\"$(aws ssm get-parameter --name {key} --with-decryption --query Parameter.Value --output text)\"")),
        "sh" | "bash" if is_aws => edit("shell", "the AWS CLI", String::new(), format!("\"$(aws secretsmanager get-secret-value --secret-id {key} --query SecretString --output text)\"")),
        "sh" | "bash" => edit("shell", "", String::new(), format!("\"${{{variable}:?}}\"")),
        "js" | "mjs" | "cjs" | "ts" | "jsx" | "tsx" if is_aws && !is_ssm => text("JavaScript", "npm install @aws-sdk/client-secrets-manager", format!("import {{ GetSecretValueCommand, SecretsManagerClient }} from \"@aws-sdk/client-secrets-manager\";\n\nconst client = new SecretsManagerClient({{}});\nlet cached;\nexport const secret = () => (cached ??= client.send(new GetSecretValueCommand({{ SecretId: \"{key}\" }})).then((it) => it.SecretString));\n\n… = await secret()")),
        "js" | "mjs" | "cjs" | "ts" | "jsx" | "tsx" if is_ssm => text("JavaScript", "npm install @aws-sdk/client-ssm", format!("import {{ GetParameterCommand, SSMClient }} from \"@aws-sdk/client-ssm\";\n\nconst client = new SSMClient({{}});\nlet cached;\nexport const secret = () => (cached ??= client.send(new GetParameterCommand({{ Name: \"{key}\", WithDecryption: true }})).then((it) => it.Parameter.Value));\n\n… = await secret()")),
        "js" | "mjs" | "cjs" | "ts" | "jsx" | "tsx" => edit("JavaScript", "", String::new(), format!("process.env.{variable}")),
        "go" if is_aws => text("Go", "go get github.com/aws/aws-secretsmanager-caching-go/v2/secretcache", format!("cache, err := secretcache.New()\nif err != nil {{\n\treturn err\n}}\nvalue, err := cache.GetSecretString(\"{key}\")")),
        "go" => edit("Go", "", String::new(), format!("os.Getenv(\"{variable}\")")),
        "java" | "kt" | "kts" | "scala" | "groovy" if is_aws => text("Java", "com.amazonaws.secretsmanager:aws-secretsmanager-caching-java", format!("private static final SecretCache SECRETS = new SecretCache();\n\n… = SECRETS.getSecretString(\"{key}\");")),
        "java" | "kt" | "kts" | "scala" | "groovy" => edit("Java", "", String::new(), format!("System.getenv(\"{variable}\")")),
        "cs" if is_aws => text("C#", "dotnet add package AWSSDK.SecretsManager.Caching", format!("private static readonly SecretsManagerCache Secrets = new();\n\n… = await Secrets.GetSecretString(\"{key}\");")),
        "cs" => edit("C#", "", String::new(), format!("Environment.GetEnvironmentVariable(\"{variable}\")")),
        "rs" if is_aws => text("Rust", "cargo add aws_secretsmanager_caching", format!("let client = aws_secretsmanager_caching::SecretsManagerCachingClient::default(\n    NonZeroUsize::new(10).unwrap(), Duration::from_secs(300)).await?;\nlet value = client.get_secret_value(\"{key}\", None, None, false).await?.secret_string;")),
        "rs" => text("Rust", "", format!("let value = std::env::var(\"{variable}\")?;")),
        "tf" | "tfvars" => {
            let id = name.thing.replace('-', "_");
            let (data, value) = match is_ssm {
                true => (format!("\ndata \"aws_ssm_parameter\" \"{id}\" {{\n  name = \"{key}\"\n}}\n"), format!("data.aws_ssm_parameter.{id}.value")),
                false => (format!("\ndata \"aws_secretsmanager_secret_version\" \"{id}\" {{\n  secret_id = \"{key}\"\n}}\n"), format!("data.aws_secretsmanager_secret_version.{id}.secret_string")),
            };
            Replacement {
                language: "Terraform",
                needs: "",
                code: format!("… = {value}\n{data}"),
                edit: (extension == "tf").then_some(Edit { expression: value, lines: data, at_end: true }),
            }
        }
        "yml" | "yaml" | "json" | "template" if is_ssm => text("CloudFormation, ECS, Kubernetes", "", yaml(&format!("{{{{resolve:ssm-secure:{key}}}}}"), &key, name)),
        "yml" | "yaml" | "json" | "template" => text("CloudFormation, ECS, Kubernetes", "", yaml(&format!("{{{{resolve:secretsmanager:{key}:SecretString}}}}"), &key, name)),
        "env" | "properties" | "ini" | "conf" | "cfg" | "toml" => text("configuration", "", format!("{variable}=   # set by the machine or the deployment, from {key}; the file in git holds no value")),
        _ => text("text", "", format!("read {variable} from the environment; the deployment sets it from {key}")),
    }
}

fn yaml(reference: &str, key: &str, name: &Name<'_>) -> String {
    format!(
        "# CloudFormation, SAM: a dynamic reference\n\"{reference}\"\n# ECS task definition: `secrets` instead of `environment`\n\
         \"secrets\": [{{ \"name\": \"{0}\", \"valueFrom\": \"{key}\" }}]\n# Kubernetes\nenv:\n  - name: {0}\n    valueFrom:\n      \
         secretKeyRef: {{ name: {1}, key: value }}",
        name.variable(),
        name.thing
    )
}

/// The file's text after the change; `None` where the line is no plain assignment of a string.
pub fn edited(text: &str, place: Place, replacement: &Replacement) -> Option<String> {
    let edit = replacement.edit.as_ref()?;
    if place.line != place.end_line {
        return None;
    }
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let at = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let line: Vec<char> = lines.get(at)?.chars().collect();
    let (start, end) = (place.column as usize - 1, place.end_column as usize - 1);
    let is_yaml = matches!(replacement.language, "GitHub Actions" | "GitLab CI" | "docker-compose");
    let quote = *line.get(start.checked_sub(1)?)?;
    let is_quoted = matches!(quote, '"' | '\'') && line.get(end) == Some(&quote);
    let (from, to) = match (is_quoted, is_yaml) {
        (true, true) => (start, end),
        (true, false) => (start - 1, end + 1),
        (false, true) => (start, end),
        (false, false) => return None,
    };
    // Before it a name and a sign and nothing else, after it at most what ends a statement.
    let before: String = line[..from].iter().collect();
    let after: String = line.get(to..)?.iter().collect();
    let (target, rest) = before.trim().rsplit_once(['=', ':'])?;
    let is_name = |c: char| c.is_alphanumeric() || " _.-$'\"[]@".contains(c);
    if !rest.trim().trim_matches(['"', '\'']).is_empty() || !target.trim_end_matches([':', '=']).chars().all(is_name) {
        return None;
    }
    let closed = after.trim().trim_start_matches(['"', '\'']);
    if !(closed.is_empty() || matches!(closed, ";" | ",") || closed.starts_with('#') || closed.starts_with("//")) {
        return None;
    }
    lines[at] = format!("{before}{}{after}", edit.expression);
    if edit.lines.is_empty() || text.contains(edit.lines.trim()) {
        return Some(lines.concat());
    }
    if edit.at_end {
        return Some(lines.concat().trim_end_matches('\n').to_owned() + "\n" + &edit.lines);
    }
    let top = head(&lines);
    lines.insert(top, edit.lines.clone());
    Some(lines.concat())
}

/// How many lines have to stay first: an interpreter's name, comments, a docstring, imports from the future.
fn head(lines: &[String]) -> usize {
    let mut at = 0;
    while let Some(line) = lines.get(at).map(|line| line.trim()) {
        match line {
            line if line.starts_with('#') || line.is_empty() && at > 0 || line.starts_with("from __future__") => {
                at += 1
            }
            line if line.starts_with("\"\"\"") && at < 40 => {
                let is_one_line = line.len() > 5 && line.ends_with("\"\"\"");
                let rest = lines[at + 1..].iter().position(|line| line.trim_end().ends_with("\"\"\""));
                at += match (is_one_line, rest) {
                    (true, _) => 1,
                    (false, Some(more)) => more + 2,
                    (false, None) => return at,
                };
            }
            _ => break,
        }
    }
    at
}

/// The difference of two texts as a patch that `git apply` takes; `path` is relative to the repository's root.
pub fn patch(path: &Path, old: &str, new: &str) -> String {
    let path = path.display();
    let diff = similar::TextDiff::from_lines(old, new);
    diff.unified_diff().context_radius(3).header(&format!("a/{path}"), &format!("b/{path}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keysieve_engine::{Detector, Scratch};

    fn changed(path: &str, text: &str, store: Store) -> Option<String> {
        let mut found = Vec::new();
        Detector::builtin().scan(text.as_bytes(), &mut Scratch::default(), |finding| found.push(finding));
        let finding = Finding { identity: path.to_owned(), path: path.to_owned(), ..Finding::from(found.remove(0)) };
        let name = Name { environment: "prod", app: "shop", thing: "db-password" };
        edited(text, finding.place, &of(&finding, store, &name))
    }

    #[test]
    fn plain_assignments_are_rewritten() {
        let python = "#!/usr/bin/env python3\nx = 1\ndb_password = \"Tr4vel-Lantern-91\"  # ours\n";
        let new = changed("a.py", python, Store::AwsSecretsManager).unwrap();
        assert!(new.starts_with("#!/usr/bin/env python3\nimport botocore.session\n"), "{new}");
        assert!(new.contains("db_password = _secrets.get_secret_string(\"prod/shop/db-password\")  # ours\n"), "{new}");
        assert!(!new.contains("Lantern"));
        let terraform = "resource \"x\" \"y\" {\n  password = \"Tr4vel-Lantern-91\"\n}\n";
        let new = changed("a.tf", terraform, Store::AwsSsm).unwrap();
        assert!(
            new.contains("password = data.aws_ssm_parameter.db_password.value\n") && new.contains("data \"aws_ssm")
        );
        let compose = "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: Tr4vel-Lantern-91\n";
        let new = changed("docker-compose.yml", compose, Store::AwsSsm).unwrap();
        assert!(new.ends_with("POSTGRES_PASSWORD: ${DB_PASSWORD:?}\n"), "{new}");
    }

    #[test]
    fn everything_else_is_left_alone() {
        let call = "connect(host, password=\"Tr4vel-Lantern-91\", user=\"x\")\n";
        assert_eq!(changed("a.py", call, Store::AwsSsm), None);
        let text = "password: Tr4vel-Lantern-91\n";
        assert_eq!(changed("notes.txt", text, Store::AwsSsm), None);
    }
}
