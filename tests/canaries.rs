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

/// Tokens of a provider, one for each place.
struct Tokens(std::cell::RefCell<Vec<String>>);

impl Tokens {
    fn next(&self) -> String {
        let mut all = self.0.borrow_mut();
        let token = keysieve_engine::rules::sample::fill("<crc32-base62 ghp_ 30>", 7000 + all.len() as u64).unwrap();
        all.push(token.clone());
        token
    }
}

/// Names, refs, people, practices, configurations, arguments: what no scan of contents reads is printed as well.
#[test]
fn no_name_and_no_error_holds_a_token() {
    let tokens = Tokens(Default::default());
    let folder = tempfile::tempdir().unwrap();
    let (root, outside) = (folder.path().join("repository"), folder.path().join("outside"));
    for folder in [&root.join(".github/workflows"), &root.join("deploy"), &outside] {
        fs::create_dir_all(folder).unwrap();
    }
    let write = |path: &str, text: String| fs::write(root.join(path), text).unwrap();
    let leak = |word: &str| format!("db_password = \"Tr4vel-{word}-91\"\n");
    git(&root, &["init", "-q"]);
    write("first.py", leak("Velvet"));
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "one"]);
    // A practice, in whose line a token stands that is no secret of the CI's; and one over several lines.
    let workflow = format!(
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo ${{{{ secrets.X }}}} {}\n      - run: |\n          echo \
         ${{{{ secrets.Y }}}} \"{}\"\n",
        tokens.next(),
        tokens.next()
    );
    write(".github/workflows/a.yml", workflow);
    write("deploy/db.tf", format!("resource \"aws_db_instance\" \"{}\" {{\n  password = \"x\"\n}}\n", tokens.next()));
    write("Dockerfile", format!("FROM x\nENV API_TOKEN={}\nRUN echo $API_TOKEN {}\n", tokens.next(), tokens.next()));
    write("broken.tf", format!("resource {} {{\n", tokens.next()));
    // Names of files: of one with a finding, of a link, of what cannot be read; a name that is the password in the file.
    write(&format!("{}.py", tokens.next()), leak("Lantern"));
    fs::create_dir(root.join(tokens.next())).unwrap();
    let hidden = tokens.0.borrow().last().unwrap().clone();
    write(&format!("{hidden}/a.py"), leak("Harbor"));
    std::os::unix::fs::symlink("/nowhere", root.join(format!("link-{}", tokens.next()))).unwrap();
    write(&format!("{}.zip", tokens.next()), "PK\x03\x04 no archive".to_owned());
    let password = "Tr4vel-Orchard-91";
    write(&format!("{password}.py"), leak("Orchard"));
    write(
        "marked.py",
        format!("token = \"{}\"  # keysieve:allow\ncheck(\"x\", password = \"Tr4vel-Meadow-91\")\n", tokens.next()),
    );
    git(&root, &["checkout", "-q", "-b", &format!("fix-{}", tokens.next())]);
    git(&root, &["add", "-A"]);
    let author = format!("user.name=Ann {}", tokens.next());
    git(&root, &["-c", &author, "commit", "-q", "-m", &format!("try {}", tokens.next())]);
    git(&root, &["tag", &format!("v-{}", tokens.next())]);
    write("staged.py", leak("Willow"));
    write("acme.txt", keysieve_engine::rules::sample::fill("<(?:acme_[a-z0-9]{20})>\n", 9).unwrap());
    git(&root, &["add", "-A"]);
    // Configurations that are wrong, and one that has something to say.
    let wrong = |name: &str, text: String| {
        fs::write(outside.join(name), text).unwrap();
        outside.join(name).display().to_string()
    };
    let value = wrong("value.toml", format!("[scan]\nfail_on = \"{}\"\n", tokens.next()));
    let syntax = wrong("syntax.toml", format!("[scan]\nx = {} \"\n", tokens.next()));
    let kind = wrong("kind.toml", format!("[scan]\nexclude = \"{}\"\n", tokens.next()));
    let unknown = wrong("unknown.toml", format!("[rules]\ndisable = [\"{}\"]\n", tokens.next()));
    let pattern = wrong(
        "pattern.toml",
        format!(
            "[[rule]]\nid = \"a\"\nname = \"a\"\nseverity = \"high\"\nanchors = [\"abcd\"]\npattern = '''({}'''\n",
            tokens.next()
        ),
    );
    let other = wrong(
        "gitleaks.toml",
        format!("[[rules]]\nid = \"{}\"\nregex = '''('''\nkeywords = [\"{}\"]\n", tokens.next(), tokens.next()),
    );
    let extends =
        wrong("extends.toml", format!("[extend]\npath = \"{}\"\nurl = \"{}\"\n", tokens.next(), tokens.next()));
    let expired = wrong(
        "expired.toml",
        format!("[[allow]]\npaths = [\"zzz\"]\nreason = \"{}\"\nexpires = 2020-01-01\n", tokens.next()),
    );
    let rule = format!(
        "[[rule]]\nid = \"acme\"\nname = \"Acme {}\"\nseverity = \"high\"\nanchors = [\"acme_\"]\npattern = '''acme_[a-z0-9]{{20}}'''\nadvice.rotate = \"{}\"\n",
        tokens.next(),
        tokens.next()
    );
    let rule = wrong("rule.toml", rule);
    let baseline = wrong("baseline.json", format!("{{\"version\": \"{}\"}}", tokens.next()));
    let entry = wrong(
        "entry.json",
        format!("{{\"version\": 1, \"key\": \"{:064}\", \"fingerprints\": [\"{}\"]}}", 0, tokens.next()),
    );
    let report = wrong(
        "report.json",
        format!(
            "{{\"findings\": [{{\"rule\": \"{}\", \"title\": 1}}], \"summary\": \"{}\"}}",
            tokens.next(),
            tokens.next()
        ),
    );
    let (revision, id, pushed, file, flag) =
        (tokens.next(), tokens.next(), tokens.next(), tokens.next(), tokens.next());
    let range = format!("{revision}..HEAD");
    let planted: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    let is_clean = |what: &dyn std::fmt::Debug, bytes: &[u8]| {
        for secret in tokens.0.borrow().iter().map(String::as_str).chain([password]) {
            assert!(!holds(bytes, secret), "{what:?} shows {secret}: {}", String::from_utf8_lossy(bytes));
        }
    };
    let keysieve = |arguments: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
            .args(arguments)
            .current_dir(&root)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let line = format!("{pushed} {0} refs/heads/x {0}\n{pushed}\n", "1".repeat(40));
        // Most look at no input.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), line.as_bytes());
        let output = child.wait_with_output().unwrap();
        is_clean(&arguments, &output.stdout);
        is_clean(&arguments, &output.stderr);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut all = String::new();
    for command in [
        &["scan", "--posture"][..],
        &["scan", "--posture", "--config", &rule],
        &["history"],
        &["staged"],
        &["range", "HEAD~1..HEAD"],
        &["range", &range],
        &["posture"],
        &["scan", "--config", &expired],
    ] {
        for format in FORMATS {
            all +=
                &keysieve(&[command, &["--format", format, "--all", "--explain", "--min-confidence", "low"]].concat());
        }
    }
    for told in
        ["posture-printed-secret", "generic-password", "ghp_…[redacted 36]", "link-ghp_", "expired on", "Acme ghp_…"]
    {
        assert!(all.contains(told), "{told} is not in what was printed");
    }
    keysieve(&[
        "scan",
        "--format",
        "json",
        "-o",
        "report.json",
        "--report",
        "html=report.html",
        "--report",
        "csv=report.csv",
    ]);
    for arguments in [
        &["advise"][..],
        &["advise", "--format", "json"],
        &["advise", "report.json"],
        &["report", "report.json", "--format", "markdown"],
        &["report", &report],
        &["scan", "--config", &value],
        &["scan", "--config", &syntax],
        &["scan", "--config", &kind],
        &["scan", "--config", &unknown],
        &["scan", "--config", &pattern],
        &["scan", "--config", &other],
        &["scan", "--config", &extends],
        &["config", "show", &expired],
        &["config", "check", &other],
        &["config", "check", &value],
        &["rules", "list", "--config", &rule],
        &["rules", "show", "acme", "--config", &rule],
        &["rules", "show", &id],
        &["rules", "test", &id],
        &["explain", &id],
        &["explain", &format!("github-token:00000000000000000000:{id}")],
        &["scan", "--baseline", &baseline],
        &["scan", "--baseline", &entry],
        &["baseline", "update", "--baseline", &entry],
        &["baseline", "import", &value],
        &["scan", &file],
        &["scan", &format!("--{flag}")],
        &["scan", "--fail-on", &flag],
        &[&flag],
        &["history", "--since", &id],
        &["history", "--branch", &id],
        &["hook", "run", "pre-push"],
        &["hook", "run", "pre-commit"],
        &["hook", "install", &file],
        &["baseline", "create"],
        &["baseline", "update"],
    ] {
        keysieve(arguments);
    }
    for entry in fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !planted.contains(&path) {
            is_clean(&path, &fs::read(&path).unwrap());
        }
    }
    // The baseline, which names masked paths, accepts what it was made from.
    let said = keysieve(&["scan"]);
    assert!(said.contains("No credentials found"), "{said}");
}
