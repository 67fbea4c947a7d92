//! Where a secret should live, and the commands that put it there. No command has the secret in it: it is read from a file.

use serde::Serialize;

/// A place for secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Store {
    /// AWS Secrets Manager: rotates, shares across accounts, costs by the secret.
    AwsSecretsManager,
    /// AWS Systems Manager Parameter Store, as SecureString: free, no rotation of its own.
    AwsSsm,
    /// HashiCorp Vault, key-value engine version 2.
    Vault,
    /// Google Secret Manager.
    GoogleSecretManager,
    /// Azure Key Vault.
    AzureKeyVault,
    /// Kubernetes, with external-secrets or sealed-secrets.
    Kubernetes,
    /// GitHub Actions.
    GithubActions,
    /// A file outside of the repository.
    EnvFile,
}

/// What a secret is called, and whose it is.
#[derive(Debug, Clone)]
pub struct Name<'a> {
    /// `prod`, `staging`, …
    pub environment: &'a str,
    /// The application.
    pub app: &'a str,
    /// What it is: `db-password`.
    pub thing: &'a str,
}

impl Name<'_> {
    /// `prod/shop/db-password`.
    pub fn path(&self) -> String {
        format!("{}/{}/{}", self.environment, self.app, self.thing)
    }

    /// `SHOP_DB_PASSWORD`: the name of a variable.
    pub fn variable(&self) -> String {
        self.thing.to_ascii_uppercase().replace('-', "_")
    }

    fn dashed(&self) -> String {
        self.path().replace('/', "-")
    }
}

/// Commands and texts that set a store up for one secret.
#[derive(Debug, Clone, Serialize)]
pub struct Setup {
    /// The store.
    pub store: Store,
    /// Why this one.
    pub reason: &'static str,
    /// Its name there.
    pub name: String,
    /// What to run, in order.
    pub commands: Vec<String>,
    /// A policy that lets one role read just this secret, where the store has such policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What else to know.
    pub notes: Vec<String>,
}

/// The store on AWS for credentials of a rule, and why.
pub fn on_aws(rule: &str) -> (Store, &'static str) {
    let is_database =
        ["postgresql", "mysql", "libpq", "mongodb", "mssql", "oracle", "redshift", "sql-", "odbc", "go-mysql"];
    if is_database.iter().any(|word| rule.contains(word)) {
        return (Store::AwsSecretsManager, "a database's password: Secrets Manager rotates it by itself");
    }
    if rule.contains("private-key") || rule.contains("key-store") {
        return (
            Store::AwsSecretsManager,
            "a private key: it can be larger than Parameter Store's 4 KB and is shared by resource policy",
        );
    }
    if rule.starts_with("generic-password") || rule.contains("oauth") || rule.contains("service-account") {
        return (
            Store::AwsSecretsManager,
            "it should rotate: Secrets Manager does that on a schedule, and shares across accounts",
        );
    }
    (Store::AwsSsm, "a provider's key that only its owner can change: Parameter Store keeps it for free")
}

/// How to put a secret called `name` into `store`.
pub fn setup(store: Store, reason: &'static str, name: &Name<'_>, rule: &str) -> Setup {
    let path = name.path();
    let app = name.app;
    let tags = format!(
        "Key=environment,Value={} Key=owner,Value=TEAM Key=application,Value={app} Key=classification,Value=confidential",
        name.environment
    );
    let key = [
        format!("aws kms create-key --description \"secrets of {app}\" --tags TagKey=application,TagValue={app}"),
        format!("aws kms create-alias --alias-name alias/{app}-secrets --target-key-id KEY_ID"),
        "aws kms enable-key-rotation --key-id KEY_ID".to_owned(),
    ];
    let mut setup = Setup { store, reason, name: path.clone(), commands: Vec::new(), policy: None, notes: Vec::new() };
    match store {
        Store::AwsSecretsManager => {
            setup.commands.extend(key);
            setup.commands.push(format!(
                "aws secretsmanager create-secret --name {path} --kms-key-id alias/{app}-secrets --secret-string \
                 file://secret.txt --tags {tags}"
            ));
            let (store, _) = on_aws(rule);
            if reason.contains("database") && store == Store::AwsSecretsManager {
                setup.commands.push(format!(
                    "aws rds modify-db-instance --db-instance-identifier DB --manage-master-user-password \
                     --master-user-secret-kms-key-id alias/{app}-secrets   # RDS then makes and rotates the master password itself"
                ));
            }
            setup.commands.push(format!(
                "aws secretsmanager rotate-secret --secret-id {path} --rotation-lambda-arn LAMBDA_ARN --rotation-rules \
                 AutomaticallyAfterDays=30"
            ));
            setup.commands.push(format!(
                "aws events put-rule --name {}-rotation-failed --event-pattern '{{\"source\":[\"aws.secretsmanager\"],\
                 \"detail-type\":[\"AWS Service Event via CloudTrail\"],\"detail\":{{\"eventName\":[\"RotationFailed\"]}}}}'",
                name.app
            ));
            setup.commands.push(format!(
                "aws events put-targets --rule {}-rotation-failed --targets Id=alarm,Arn=SNS_TOPIC_ARN",
                name.app
            ));
            setup.policy = Some(policy(
                "secretsmanager:GetSecretValue",
                &format!("arn:aws:secretsmanager:REGION:ACCOUNT:secret:{path}-??????"),
                "secretsmanager",
            ));
            setup.notes.push(format!(
                "Another account reads it by a resource policy: `aws secretsmanager put-resource-policy --secret-id {path} \
                 --block-public-policy --resource-policy file://policy.json`, and by a grant on the KMS key."
            ));
        }
        Store::AwsSsm => {
            setup.name = format!("/{path}");
            setup.commands.extend(key);
            setup.commands.push(format!(
                "aws ssm put-parameter --name /{path} --type SecureString --key-id alias/{app}-secrets --value \
                 file://secret.txt --tags {tags}"
            ));
            setup.policy =
                Some(policy("ssm:GetParameter", &format!("arn:aws:ssm:REGION:ACCOUNT:parameter/{path}"), "ssm"));
        }
        Store::Vault => {
            setup
                .commands
                .push(format!("vault kv put -mount=secret {}/{app} {}=@secret.txt", name.environment, name.thing));
            setup.policy =
                Some(format!("path \"secret/data/{}/{app}\" {{\n  capabilities = [\"read\"]\n}}", name.environment));
        }
        Store::GoogleSecretManager => {
            setup.name = name.dashed();
            setup.commands.push(format!(
                "gcloud secrets create {0} --replication-policy=automatic --data-file=secret.txt --labels=application={app},\
                 environment={1}",
                setup.name, name.environment
            ));
            setup.commands.push(format!(
                "gcloud secrets add-iam-policy-binding {} --member=serviceAccount:ACCOUNT --role=roles/secretmanager.secretAccessor",
                setup.name
            ));
        }
        Store::AzureKeyVault => {
            setup.name = name.dashed();
            setup.commands.push(format!(
                "az keyvault secret set --vault-name VAULT --name {} --file secret.txt --tags application={app} environment={}",
                setup.name, name.environment
            ));
            setup.commands.push(format!(
                "az role assignment create --role \"Key Vault Secrets User\" --assignee APP_ID --scope VAULT_ID/secrets/{}",
                setup.name
            ));
        }
        Store::Kubernetes => {
            setup.name = name.thing.to_owned();
            setup.commands.push(format!(
                "kubectl create secret generic {} --from-file=value=secret.txt --dry-run=client -o yaml | kubeseal --format yaml \
                 > sealed-{0}.yaml   # only the cluster can open it, so it may be committed",
                name.thing
            ));
            setup.notes.push(
                "With a store outside of the cluster, external-secrets brings the value in: an ExternalSecret \
                              names the store's key, and nothing is committed at all."
                    .to_owned(),
            );
        }
        Store::GithubActions => {
            setup.name = name.variable();
            setup.commands.push(format!("gh secret set {} < secret.txt", setup.name));
            setup.notes.push(
                "For clouds, OIDC needs no stored key: `permissions: id-token: write`, and a role that trusts \
                              token.actions.githubusercontent.com for just this repository and branch."
                    .to_owned(),
            );
        }
        Store::EnvFile => {
            setup.name = name.variable();
            setup
                .commands
                .push("install -m 600 /dev/null ~/.config/APP/env   # outside of the repository".replace("APP", app));
            setup.commands.push("echo '.env*' >> .gitignore".to_owned());
        }
    }
    if setup.commands.iter().any(|command| command.contains("secret.txt")) {
        setup
            .commands
            .push("shred -u secret.txt   # written with `umask 077` and your editor, never with echo".to_owned());
    }
    setup
}

/// Lets a role read one secret and decrypt it through its service, and nothing else.
fn policy(action: &str, resource: &str, service: &str) -> String {
    let policy = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": action, "Resource": resource },
            {
                "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:REGION:ACCOUNT:key/KEY_ID",
                "Condition": { "StringEquals": { "kms:ViaService": format!("{service}.REGION.amazonaws.com") } },
            },
        ],
    });
    serde_json::to_string_pretty(&policy).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_rotate_and_providers_keys_are_kept_for_free() {
        assert_eq!(on_aws("postgresql-connection-string").0, Store::AwsSecretsManager);
        assert_eq!(on_aws("stripe-secret-key").0, Store::AwsSsm);
    }

    #[test]
    fn every_store_is_set_up_without_a_secret_on_a_command_line() {
        let name = Name { environment: "prod", app: "shop", thing: "db-password" };
        for store in [
            Store::AwsSecretsManager,
            Store::AwsSsm,
            Store::Vault,
            Store::GoogleSecretManager,
            Store::AzureKeyVault,
            Store::Kubernetes,
            Store::GithubActions,
            Store::EnvFile,
        ] {
            let setup = setup(store, "", &name, "generic-password");
            assert!(!setup.commands.is_empty() && !setup.name.is_empty(), "{store:?}");
        }
        let policy = setup(Store::AwsSsm, "", &name, "x").policy.unwrap();
        assert!(policy.contains("parameter/prod/shop/db-password") && !policy.contains("\"*\""));
    }
}
