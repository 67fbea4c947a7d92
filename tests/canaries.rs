//! Secrets are planted wherever keysieve reads; none of them may stand in anything that it prints or writes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

const FORMATS: [&str; 10] = ["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "csv", "markdown", "html"];

/// Passwords as people choose them, with what formats have to escape.
fn canary() -> impl Strategy<Value = String> {
    "[A-Z][a-z]{4,7}[-_.!*&<%;,]{1,2}[A-Z][a-z0-9]{5,9}[0-9]{2}"
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether `bytes` hold `secret`, as it is or in a form that anybody can turn back.
fn holds(bytes: &[u8], secret: &str) -> bool {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    // Seven characters of it would be enough to go on with.
    let part = &secret[secret.len() - 9..];
    let forms = [secret.to_owned(), STANDARD.encode(secret), hex, percent, part.to_owned()];
    forms.iter().any(|form| memchr::memmem::find(bytes, form.as_bytes()).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn no_output_and_no_file_holds_a_secret(secrets in prop::collection::hash_set(canary(), 6)) {
        let secrets: Vec<String> = secrets.into_iter().collect();
        let folder = tempfile::tempdir().unwrap();
        let (root, temporary) = (folder.path().join("repository"), folder.path().join("temporary"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&temporary).unwrap();
        let leak = |at: usize| format!("user = 'ann'; db_password = \"{}\"  # connect(host, 'ann', '{}')\n", secrets[at], secrets[at]);
        git(&root, &["init", "-q"]);
        fs::write(root.join("old.py"), leak(0)).unwrap();
        git(&root, &["add", "-A"]);
        git(&root, &["commit", "-q", "-m", &format!("set db_password = \"{}\"", secrets[1])]);
        git(&root, &["rm", "-q", "old.py"]);
        fs::write(root.join("a.py"), format!("{}{}", leak(2), leak(3))).unwrap();
        fs::write(root.join("b.b64.yml"), format!("kind: Secret\ndata:\n  password: {}\n", STANDARD.encode(&secrets[4]))).unwrap();
        fs::write(root.join("compose.yml"), format!("services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: {:?}\n", secrets[2])).unwrap();
        git(&root, &["add", "-A"]);
        git(&root, &["commit", "-q", "-m", "more"]);
        let mut archive = tar::Builder::new(Vec::new());
        let text = leak(5);
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, "c.py", text.as_bytes()).unwrap();
        fs::write(root.join("c.tar"), archive.into_inner().unwrap()).unwrap();
        git(&root, &["add", "-A"]);
        let planted: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
        let keysieve = |arguments: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
                .args(arguments)
                .current_dir(&root)
                .env("TMPDIR", &temporary)
                .env("RUST_BACKTRACE", "full")
                .env("RUST_LOG", "trace")
                .output()
                .unwrap();
            let code = output.status.code();
            assert!(code.is_some_and(|code| code < 3), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            for bytes in [&output.stdout, &output.stderr] {
                for secret in &secrets {
                    assert!(!holds(bytes, secret), "{arguments:?} shows {secret}: {}", String::from_utf8_lossy(bytes));
                }
            }
            output.stdout
        };
        let mut found = 0;
        for command in [&["scan", "--posture"][..], &["history"], &["staged"], &["range", "HEAD~1..HEAD"], &["posture"]] {
            for format in FORMATS {
                let arguments = [command, &["--format", format, "--all", "--explain", "--min-confidence", "low"]].concat();
                let said = keysieve(&arguments);
                found += String::from_utf8_lossy(&said).matches("generic-password").count();
            }
        }
        assert!(found > 0, "nothing was found that could have been shown");
        keysieve(&["scan", "--format", "json", "-o", "report.json", "--report", "html=report.html", "--report", "csv=report.csv"]);
        for arguments in [
            &["report", "report.json", "--format", "markdown"][..],
            &["advise", "report.json"],
            &["advise", "report.json", "--format", "json"],
            &["advise"],
            &["baseline", "create"],
            &["baseline", "update"],
            &["scan", "--all", "--explain"],
            &["hook", "run", "pre-commit"],
            &["scan", "no-such-file"],
            &["scan", "--config", "a.py"],
            &["scan", "--baseline", "a.py"],
            &["report", "a.py"],
            &["baseline", "import", "a.py"],
            &["rules", "test", "--config", "a.py"],
        ] {
            keysieve(arguments);
        }
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "a temporary file is left");
        for entry in fs::read_dir(&root).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && !planted.contains(&path) {
                let bytes = fs::read(&path).unwrap();
                for secret in &secrets {
                    assert!(!holds(&bytes, secret), "{} holds {secret}", path.display());
                }
            }
        }
    }
}
