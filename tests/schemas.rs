//! The published schemas of rule files and configurations accept what keysieve accepts, and refuse what it refuses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use keysieve::config::Config;
use serde_json::Value;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn schema(name: &str) -> Validator {
    let text = fs::read_to_string(root("docs/schema").join(name)).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

/// As editors do: a date is a text.
fn to_json(value: toml::Value) -> Value {
    match value {
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(to_json).collect()),
        toml::Value::Table(table) => Value::Object(table.into_iter().map(|(key, item)| (key, to_json(item))).collect()),
        plain => serde_json::to_value(plain).unwrap(),
    }
}

fn errors(schema: &Validator, text: &str) -> Vec<String> {
    let value = to_json(toml::Value::Table(toml::from_str(text).unwrap()));
    schema.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn every_rule_file_names_its_schema_and_keeps_to_it() {
    let schema = schema("rules.v1.json");
    let mut files = 0;
    for entry in fs::read_dir(root("rules")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("#:schema ../docs/schema/rules.v1.json\n"), "{}", path.display());
            assert_eq!(errors(&schema, &text), Vec::<String>::new(), "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 300, "{files}");
}

#[test]
fn every_example_of_the_documentation_keeps_to_its_schema() {
    let (rules, configuration) = (schema("rules.v1.json"), schema("configuration.v1.json"));
    let mut configurations = 0;
    for page in ["README.md", "docs/guide.md", "docs/writing-rules.md", "rules/README.md"] {
        let text = fs::read_to_string(root(page)).unwrap();
        for block in text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            let is_configuration = page != "rules/README.md";
            if block.contains("[[rule") || is_configuration {
                let schema = if is_configuration { &configuration } else { &rules };
                assert_eq!(errors(schema, block), Vec::<String>::new(), "{page}:\n{block}");
                if is_configuration {
                    Config::parse(block, Path::new(page), &|_| Err("nothing is extended".to_owned())).unwrap();
                    configurations += 1;
                }
            }
        }
    }
    assert!(configurations >= 3, "{configurations}");
}

#[test]
fn what_keysieve_refuses_the_schema_refuses() {
    let schema = schema("configuration.v1.json");
    let rule = |fields: &str| format!("[[rule]]\nid = 'acme'\nname = 'Acme'\nseverity = 'high'\n{fields}\n");
    for (text, is_right) in [
        (rule("pattern = 'acme_{hex:40}'"), true),
        (rule("key_of = ['acme']\nvalue = 'uuid'\ncheck = 'jwt'\nreach = { lines = 3 }\nconfidence = 'low'"), true),
        ("[scan]\nfail_on = 'high'\nlfs = 'ignore'\n[rules.severity]\ngeneric-login = 'low'\n".to_owned(), true),
        ("[[allow]]\nrule = 'generic-login'\nreason = 'ours'\nexpires = 2099-01-01\n".to_owned(), true),
        ("[[accept_incomplete]]\ncode = 'encrypted'\nreason = 'ours'\n".to_owned(), true),
        (rule("pattern = 'acme_{hex:40}'\nvalue = 'uuid'"), false),
        (rule("anchors = ['acme']"), false),
        (rule("pattern = 'acme_{hex:40}'\ncheck = 'crc'"), false),
        (rule("pattern = 'acme_{hex:40}'\nreach = 'word'"), false),
        (rule("pattern = 'acme_{hex:40}'\nreach = { words = 3 }"), false),
        (rule("pattern = 'acme_{hex:40}'\nentropy = 9"), false),
        (rule("pattern = 'acme_{hex:40}'\nlead = -1"), false),
        (rule("pattern = 'acme_{hex:40}'\nclass = 'odd'"), false),
        (rule("pattern = 'acme_{hex:40}'\nadvice.store = 'drawer'"), false),
        (rule("pattern = 'acme_{hex:40}'\nanchor = ['acme']"), false),
        ("[[rule]]\nid = 'acme'\nname = 'Acme'\npattern = 'acme_{hex:40}'\n".to_owned(), false),
        ("[[rule]]\nid = 'A b'\nname = 'Acme'\nseverity = 'high'\npattern = 'acme_{hex:40}'\n".to_owned(), false),
        ("[scan]\nexlude = []\n".to_owned(), false),
        ("[scan]\nfail_on = 'severe'\n".to_owned(), false),
        ("[rules]\ndisable = 'generic-login'\n".to_owned(), false),
        ("[[allow]]\nrule = 'generic-login'\n".to_owned(), false),
        ("[[accept_incomplete]]\ncode = 'odd'\nreason = 'ours'\n".to_owned(), false),
    ] {
        let read = Config::parse(&text, Path::new(".keysieve.toml"), &|_| Err("nothing is extended".to_owned()));
        assert_eq!(read.is_ok(), is_right, "{text}: {read:?}");
        assert_eq!(errors(&schema, &text).is_empty(), is_right, "{text}");
    }
}
