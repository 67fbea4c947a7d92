//! What a configuration may say: it never makes a scan clean that has looked for nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use keysieve_engine::rules::sample;

/// Exit code, standard output, standard error.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn leaky() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = sample::fill("password = \"<[A-Z][a-z]{6}[0-9]{4}!>\"\nkey = corp_<[a-z0-9]{12}>\n", 3).unwrap();
    fs::write(folder.path().join("a.py"), text).unwrap();
    folder
}

const GITLEAKS_RULE: &str = "[[rules]]\nid = 'corp'\nregex = '''corp_[a-z0-9]{12}'''\nkeywords = ['corp_']\n";

#[test]
fn that_leaves_nothing_to_look_for_is_an_error() {
    let only_posture = "[rules]\nonly = ['posture-plaintext-dockerfile']\n";
    for (config, command, code, said) in [
        ("[rules]\nonly = []\n", "scan", 2, ".keysieve.toml:2: no rule is left"),
        (
            "[rules]\nonly = ['generic-login']\ndisable = ['generic-login']\n",
            "scan",
            2,
            ".keysieve.toml:2: no rule is left",
        ),
        ("[rules]\nonly = ['generic-login']\ndisable = ['generic-login']\n", "posture", 2, "no rule is left"),
        ("[allowlist]\npaths = ['''docs/''']\n", "scan", 2, "add `useDefault = true`"),
        ("[[allowlists]]\npaths = ['''docs/''']\n", "scan", 2, "add `useDefault = true`"),
        ("[extend]\ndisabledRules = ['generic-login']\n", "scan", 2, "add `useDefault = true`"),
        ("[extend]\nuseDefault = true\n[allowlist]\npaths = ['''docs/''']\n", "scan", 1, ""),
        // A rule that cannot run leaves none.
        ("[[rules]]\nid = 'corp'\nregex = '''[a-z]{9}'''\nkeywords = ['ab']\n", "scan", 2, "its keyword `ab`"),
        (only_posture, "scan", 2, "no rule is left to look for credentials with"),
        (only_posture, "posture", 0, ""),
        ("[rules]\nonly = ['generic-login']\n", "posture", 2, "no practice is left to check"),
        ("[rules]\nonly = ['generic-login']\n", "scan", 0, ""),
    ] {
        let folder = leaky();
        fs::write(folder.path().join(".keysieve.toml"), config).unwrap();
        let (ended, out, error) = run(folder.path(), &[command]);
        assert!(ended == code && error.contains(said), "{config}: {ended} {out}{error}");
        let (checked, _, error) = run(folder.path(), &["config", "check"]);
        assert_eq!(
            checked,
            if said.contains("look for credentials") || said.contains("practice") { 0 } else { code.min(2) & 2 },
            "{error}"
        );
    }
}

#[test]
fn of_gitleaks_says_what_does_not_run_and_looks_for_the_rest() {
    for (rule, found, said) in [
        // The expression starts with more than the keyword says.
        ("id = 'short'\nregex = '''= corp_[a-z0-9]{12}'''\nkeywords = ['co']", "short", None),
        (
            "id = 'short'\nregex = '''[a-z]orp_[a-z0-9]{12}'''\nkeywords = ['co']",
            "corp",
            Some("its keyword `co` has fewer"),
        ),
        // Two rules of one name, or of names that come to the same, both run.
        ("id = 'corp'\nregex = '''password = \"[A-Z][^\"]+'''\nkeywords = ['password']", "corp-too", None),
    ] {
        let folder = leaky();
        fs::write(folder.path().join(".keysieve.toml"), format!("{GITLEAKS_RULE}[[rules]]\n{rule}\n")).unwrap();
        let (code, out, _) = run(folder.path(), &["scan", "--format", "json"]);
        assert_eq!(code, 1, "{out}");
        assert!(out.contains(&format!("\"rule\": \"{found}\"")), "{found}: {out}");
        let notes = serde_json::from_str::<serde_json::Value>(&out).unwrap()["summary"]["notes"].to_string();
        assert!(said.map_or(notes == "null" || notes == "[]", |said| notes.contains(said)), "{notes}");
    }
}

#[test]
fn with_more_anchors_than_sixteen_bits_can_number_finds_by_each() {
    let folder = tempfile::tempdir().unwrap();
    let anchors: Vec<String> = (0..70_000).map(|number| format!("\"corp{number:x}_\"")).collect();
    let rule = format!(
        "[[rule]]\nid = \"corp\"\nname = \"x\"\nseverity = \"high\"\nanchors = [{}]\npattern = 'corp[0-9a-f]+_[a-z]{{9}}'\n",
        anchors.join(",")
    );
    fs::write(folder.path().join(".keysieve.toml"), rule).unwrap();
    let text: String =
        [0, 1, 32_767, 32_768, 65_535, 65_536, 69_999].iter().map(|it| format!("corp{it:x}_kqzvwxjyt\n")).collect();
    fs::write(folder.path().join("a.txt"), text).unwrap();
    let (code, out, error) = run(folder.path(), &["scan", "--format", "jsonl"]);
    assert_eq!((code, out.matches("\"rule\":\"corp\"").count()), (1, 7), "{out}{error}");
}

#[test]
fn without_the_generic_rules_still_finds_what_only_a_name_tells() {
    let rules = keysieve_engine::rules::builtin();
    let named = rules.iter().find(|rule| !rule.names.is_empty()).unwrap();
    let generic = rules.iter().filter(|rule| rule.class == keysieve_engine::rules::Class::Generic);
    let generic: Vec<String> = generic.map(|rule| format!("{:?}", rule.id)).collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("settings.ini"), sample::fill(&named.examples[0], 5).unwrap()).unwrap();
    for config in [format!("disable = [{}]", generic.join(",")), format!("only = [{:?}]", named.id)] {
        fs::write(folder.path().join(".keysieve.toml"), format!("[rules]\n{config}\n")).unwrap();
        let (code, out, error) = run(folder.path(), &["scan", "--format", "jsonl"]);
        assert!(code == 1 && out.contains(&format!("\"rule\":\"{}\"", named.id)), "{config}: {out}{error}");
    }
}
