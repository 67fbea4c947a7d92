//! Every rule finds its examples and leaves its counterexamples, for many fillings of their generators.

use keysieve::detect::{Detector, selftest};

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
