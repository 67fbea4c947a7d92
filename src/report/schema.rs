//! The JSON schemas that are published in `docs/schema/`, made of the types that read and write.
//!
//! `KEYSIEVE_WRITE_SCHEMAS=1 cargo test schema` writes them anew.

use std::path::Path;

use schemars::JsonSchema;

use super::model::{Document, Line};

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
fn the_schemas_of_rules_and_configurations_are_published() {
    check::<keysieve_engine::rules::schema::RuleFile>("rules.v1.json");
    check::<crate::config::File>("configuration.v1.json");
}

#[test]
fn the_schemas_of_reports_are_published() {
    check::<Document>("report.v1.json");
    check::<Line>("report-line.v1.json");
}
