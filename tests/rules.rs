//! Every rule finds its examples and leaves its counterexamples, for many fillings of their generators.

use keysieve_engine::{Detector, selftest};

#[test]
fn every_rule_keeps_its_examples() {
    let detector = Detector::builtin().with_explanations();
    let mut failures = Vec::new();
    for (index, rule) in detector.rules().iter().enumerate() {
        for failure in selftest::test(&detector, index, 0..12) {
            failures.push(format!("{}: {} (seed {}): {}", rule.id, failure.example, failure.seed, failure.what));
        }
    }
    assert!(failures.is_empty(), "{} examples fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_expression_compiles_within_its_limits() {
    assert_eq!(Detector::builtin().check_rules(), Ok(()));
}

/// `KEYSIEVE_UPDATE=1 cargo test --test rules` writes it anew.
#[test]
fn the_list_of_rules_is_up_to_date() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(["rules", "list", "--format", "markdown"])
        .current_dir("docs")
        .output();
    let text = String::from_utf8(output.expect("keysieve runs").stdout).expect("the list is UTF-8");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
    if std::env::var_os("KEYSIEVE_UPDATE").is_some() {
        std::fs::write(path, &text).expect("docs/rules.md can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == text, "docs/rules.md is out of date; run KEYSIEVE_UPDATE=1 cargo test --test rules");
}
