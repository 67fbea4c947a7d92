//! Advice as a user takes it: a plan, a patch that git applies, a replacement file; and what it must never do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const SETTINGS: &str =
    "\"\"\"Settings.\"\"\"\nDB_PASSWORD = \"Tr4vel-Lantern-91\"\nconnect(host, password=\"Qu1et-Harbor-33\")\n";

fn run(program: &str, folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .envs([
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@b"),
            ("GIT_COMMITTER_NAME", "A"),
            ("GIT_COMMITTER_EMAIL", "a@b"),
        ])
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn keysieve(folder: &Path, arguments: &[&str]) -> (i32, String) {
    run(env!("CARGO_BIN_EXE_keysieve"), folder, arguments)
}

/// A repository `shop` in a folder of its own, so that there is a place outside.
fn shop() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    fs::create_dir(&shop).unwrap();
    run("git", &shop, &["init", "-q", "-b", "main"]);
    fs::write(shop.join("settings.py"), SETTINGS).unwrap();
    fs::write(shop.join("db.tf"), "resource \"aws_db_instance\" \"a\" {\n  password = \"V3lvet-Orchard-17\"\n}\n")
        .unwrap();
    run("git", &shop, &["add", "-A"]);
    run("git", &shop, &["commit", "-q", "-m", "one"]);
    (folder, shop)
}

#[test]
fn a_plan_has_every_step_in_order_and_no_secret() {
    let (_folder, shop) = shop();
    let (code, plan) = keysieve(&shop, &["advise"]);
    assert_eq!(code, 0);
    let mut at = 0;
    for step in [
        "Is it live?",
        "Revoke and rotate",
        "Who may have used it?",
        "Store the new one",
        "Read it from there",
        "Clean the history",
    ] {
        at += plan[at..].find(step).unwrap_or_else(|| panic!("{step} is missing or out of order:\n{plan}"));
    }
    for told in [
        "aws secretsmanager create-secret --name prod/shop/db-password",
        "file://secret.txt",
        "enable-key-rotation",
        "RotationFailed",
        "-??????",
    ] {
        assert!(plan.contains(told), "{told}");
    }
    assert!(!plan.contains("Lantern") && !plan.contains("Harbor"));
    let (_, json) = keysieve(&shop, &["advise", "--format", "json", "--environment", "staging", "--app", "till"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["items"].as_array().unwrap().len(), 3);
    assert!(json["items"][0]["store"]["name"].as_str().unwrap().starts_with("staging/till/"));
    for (store, command) in [
        ("aws-ssm", "aws ssm put-parameter"),
        ("vault", "vault kv put"),
        ("google-secret-manager", "gcloud secrets create"),
        ("azure-key-vault", "az keyvault secret set"),
        ("kubernetes", "kubeseal"),
        ("github-actions", "gh secret set"),
        ("env-file", ".gitignore"),
    ] {
        let (code, plan) = keysieve(&shop, &["advise", "--store", store]);
        assert!(code == 0 && plan.contains(command), "{store}: {plan}");
    }
}

#[test]
fn an_earlier_report_gives_the_same_plan() {
    let (folder, shop) = shop();
    let report = folder.path().join("findings.json");
    keysieve(&shop, &["scan", "--format", "json", "-o", report.to_str().unwrap()]);
    let direct = keysieve(&shop, &["advise"]).1.replace("./", "");
    let later = keysieve(&shop, &["advise", report.to_str().unwrap()]).1.replace("./", "");
    assert_eq!(direct, later);
}

#[test]
fn a_patch_applies_and_nothing_changes_without_being_asked() {
    let (folder, shop) = shop();
    let patch = folder.path().join("fix.patch");
    let patch = patch.to_str().unwrap();
    let (code, said) = keysieve(&shop, &["advise", "--patch", patch]);
    assert!(code == 0 && said.contains("2 places") && said.contains("left alone: settings.py:3"), "{said}");
    assert_eq!(fs::metadata(patch).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(shop.join("settings.py")).unwrap(), SETTINGS);
    let (code, said) = run("git", &shop, &["apply", "--check", patch]);
    assert_eq!(code, 0, "{said}");
    run("git", &shop, &["apply", patch]);
    let applied = fs::read_to_string(shop.join("settings.py")).unwrap();
    run("git", &shop, &["checkout", "-q", "."]);
    assert_eq!(keysieve(&shop, &["advise", "--apply"]).0, 0);
    let changed = fs::read_to_string(shop.join("settings.py")).unwrap();
    assert_eq!(changed, applied, "both ways do the same");
    assert!(changed.contains("DB_PASSWORD = _secrets.get_secret_string(\"prod/shop/db-password\")"), "{changed}");
    let python = Command::new("python3")
        .args(["-c", "import ast, sys; ast.parse(sys.stdin.read())"])
        .stdin(fs::File::open(shop.join("settings.py")).unwrap())
        .status();
    assert!(python.unwrap().success(), "it is still a program");
    assert!(
        fs::read_to_string(shop.join("db.tf"))
            .unwrap()
            .contains("data \"aws_secretsmanager_secret_version\" \"password\"")
    );
}

#[test]
fn a_report_cannot_make_it_write_outside_of_the_work_tree() {
    let (folder, shop) = shop();
    let victim = folder.path().join("victim.py");
    fs::write(&victim, SETTINGS).unwrap();
    let report = folder.path().join("findings.json");
    keysieve(&shop, &["scan", "settings.py", "--format", "json", "-o", report.to_str().unwrap()]);
    let text = fs::read_to_string(&report).unwrap().replace("settings.py", "../victim.py");
    fs::write(&report, text).unwrap();
    let (_, said) = keysieve(&shop, &["advise", report.to_str().unwrap(), "--apply"]);
    assert!(said.contains("no file of this work tree"), "{said}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), SETTINGS);
}

#[test]
fn a_replacement_file_takes_secrets_in_the_clear_and_lies_outside() {
    let (folder, shop) = shop();
    let file = |name: &str| folder.path().join(name).display().to_string();
    keysieve(&shop, &["history", "--format", "json", "-o", &file("redacted.json")]);
    let (code, said) = keysieve(&shop, &["advise", &file("redacted.json"), "--replace-text", &file("r.txt")]);
    assert!(code == 2 && said.contains("--show-secrets"), "{said}");
    keysieve(&shop, &["history", "--show-secrets", "--format", "json", "-o", &file("clear.json")]);
    let (code, said) = keysieve(&shop, &["advise", &file("clear.json"), "--replace-text", "r.txt"]);
    assert!(code == 2 && said.contains("work tree"), "{said}");
    let (code, said) = keysieve(&shop, &["advise", &file("clear.json"), "--replace-text", &file("r.txt")]);
    assert!(code == 0 && !said.contains("Lantern"), "{said}");
    let text = fs::read_to_string(file("r.txt")).unwrap();
    assert!(text.lines().all(|line| line.starts_with("regex:") && line.ends_with("==>REDACTED-BY-KEYSIEVE")), "{text}");
    assert!(text.contains("regex:Tr4vel\\x2dLantern\\x2d91==>"));
    assert_eq!(fs::metadata(file("r.txt")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_rule_and_a_finding_are_explained() {
    let (_folder, shop) = shop();
    let (code, said) = keysieve(&shop, &["explain", "aws-access-key-id"]);
    assert_eq!(code, 0);
    let mut at = 0;
    for section in
        ["What it opens", "How sure keysieve is", "Is it still live?", "Revoke and rotate", "Who may have used it?"]
    {
        at += said[at..].find(section).unwrap_or_else(|| panic!("{section}: {said}"));
    }
    assert!(said.contains("cloudtrail lookup-events") && said.contains("guardduty"));
    let (_, scan) = keysieve(&shop, &["scan", "settings.py", "--format", "jsonl"]);
    let finding: Value = serde_json::from_str(scan.lines().next().unwrap()).unwrap();
    let (code, said) = keysieve(&shop, &["explain", finding["fingerprint"].as_str().unwrap()]);
    assert!(code == 0 && said.contains("settings.py:2:16") && said.contains("as in a chosen password"), "{said}");
    let (code, said) = keysieve(&shop, &["explain", "aws-acess-key-id"]);
    assert!(code == 2 && said.contains("did you mean `aws-access-key-id`"), "{said}");
    let gone = "generic-password:00000000000000000000:settings.py";
    let (code, said) = keysieve(&shop, &["explain", gone]);
    assert!(code == 2 && said.contains("no such finding"), "{said}");
}
