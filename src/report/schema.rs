//! The JSON schemas that are published in `docs/schema/`, made of the types that read and write.
//!
//! `KEYSIEVE_WRITE_SCHEMAS=1 cargo test schema` writes them anew.

use std::path::Path;

use schemars::JsonSchema;

use super::model::{Document, Line};

/// What a credential opens at its place.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub enum Severity {
    /// Harmless here: a test's password, a public identifier, a well-known default.
    Low,
    /// Opens something of limited reach.
    Medium,
    /// Opens a service or its data.
    High,
    /// Opens an account, an infrastructure or its money.
    Critical,
}

/// How sure keysieve is that something is a credential.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub enum Confidence {
    /// A guess; not shown by default.
    Low,
    /// More likely than not.
    Medium,
    /// The shape or the context leaves little doubt.
    High,
    /// Proven offline, by a checksum or a structure that parses.
    Certain,
}

/// Where to read what to do about a finding.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Advice {
    /// The provider's page on revoking or rotating the credential.
    #[schemars(default)]
    rotate: String,
    /// The kind of store that the successor belongs in.
    #[schemars(default)]
    store: String,
}

/// Holds the published schema of `T` against the type.
pub(crate) fn check<T: JsonSchema>(name: &str) {
    let mut schema = serde_json::to_string_pretty(&schemars::schema_for!(T)).unwrap();
    schema.push('\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name);
    if std::env::var_os("KEYSIEVE_WRITE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &schema).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == schema, "{name} is not up to date: KEYSIEVE_WRITE_SCHEMAS=1 cargo test schema");
}

#[test]
fn the_schemas_of_reports_are_published() {
    check::<Document>("report.v1.json");
    check::<Line>("report-line.v1.json");
}
