//! Whatever was read is printed as text: no control of a terminal, no command of a CI server, wherever it comes from.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const FORMATS: [&str; 10] = ["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "csv", "markdown", "html"];
const LEAK: &str = "db_password = \"Tr4vel-Lantern-91\"\n";

/// Controls, marks that turn the direction, a link of a terminal's, and commands of servers at the start of a line and in it.
const HOSTILE: &str = "x\u{1b}]8;;http://evil\u{1b}\\y\u{1b}[2J\u{202e}\u{9b}\r::error::a\n::set-env name=a::b\n  ##[error]c \
                       ##vso[task.complete]d ##teamcity[e]\n::warning::f";

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What is wrong with what was printed. Of GitHub's format the commands are keysieve's own.
fn wrong(printed: &[u8], is_github: bool) -> Option<String> {
    let text = String::from_utf8_lossy(printed);
    let is_hostile = |it: char| it != '\n' && (it.is_control() || ('\u{202a}'..='\u{202e}').contains(&it));
    if let Some(line) = text.lines().find(|line| line.contains(is_hostile)) {
        return Some(format!("a control in {line:?}"));
    }
    let own =
        ["::error file=", "::error title=keysieve", "::warning file=", "::notice file=", "::notice title=keysieve"];
    let is_command = |line: &&str| {
        let starts = line.trim_start().starts_with("::") && !(is_github && own.iter().any(|own| line.starts_with(own)));
        starts || ["##[", "##vso[", "##teamcity["].iter().any(|command| line.contains(command))
    };
    text.lines().find(is_command).map(|line| format!("a command in {line:?}"))
}

#[test]
fn nothing_that_was_read_is_a_control_or_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let (root, outside) = (folder.path().join("repository"), folder.path().join("outside"));
    fs::create_dir_all(root.join(".github/workflows")).unwrap();
    fs::create_dir(&outside).unwrap();
    git(&root, &["init", "-q"]);
    fs::write(root.join("a.py"), LEAK).unwrap();
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "one"]);
    let named = HOSTILE.replace('/', "_");
    fs::write(root.join(&named), LEAK.replace("91", "92")).unwrap();
    // Blanks do not hide a command.
    fs::write(root.join(" ::error::g"), LEAK.replace("91", "93")).unwrap();
    fs::write(root.join(format!("{named}.zip")), "PK\x03\x04 no archive").unwrap();
    std::os::unix::fs::symlink("/nowhere", root.join(format!("{named}.link"))).unwrap();
    fs::write(
        root.join(".github/workflows/a.yml"),
        format!(
            "on: push\njobs:\n  a:\n    steps:\n      - run: echo ${{{{ secrets.X }}}} {}\n",
            HOSTILE.lines().next().unwrap().replace('\u{1b}', " ")
        ),
    )
    .unwrap();
    git(&root, &["add", "-A"]);
    git(&root, &["-c", &format!("user.name={}", HOSTILE.replace('\n', " ")), "commit", "-q", "-m", HOSTILE]);
    // Git lets a branch have this name.
    git(&root, &["branch", "##error]"]);
    fs::write(root.join("staged.py"), LEAK.replace("91", "94")).unwrap();
    git(&root, &["add", "-A"]);
    let quoted = serde_json::to_string(HOSTILE).unwrap().replace('\u{202e}', "\\u202e").replace('\u{9b}', "\\u009b");
    let write = |name: &str, text: String| {
        fs::write(outside.join(name), text).unwrap();
        outside.join(name).display().to_string()
    };
    let rule = write(
        "rule.toml",
        format!(
            "[[rule]]\nid = \"acme\"\nname = {quoted}\nprovider = {quoted}\nseverity = \"high\"\nanchors = [\"db_password\"]\npattern = '''db_password = \"(?P<secret>[^\"]+)\"'''\nexamples = [{quoted}]\nadvice.rotate = {quoted}\n[[allow]]\npaths = [\"zzz\"]\nreason = {quoted}\nexpires = 2020-01-01\n[scan]\nexclude = [{quoted}]\n"
        ),
    );
    let id = write(
        "id.toml",
        format!("[[rule]]\nid = {quoted}\nname = \"a\"\nseverity = \"high\"\nanchors = [\"abcd\"]\npattern = 'abcd'\n"),
    );
    let disable = write("disable.toml", format!("[rules]\ndisable = [{quoted}]\n"));
    let key = write("key.toml", format!("{quoted} = 1\n"));
    let pattern = write(
        "pattern.toml",
        format!(
            "[[rule]]\nid = \"a\"\nname = \"a\"\nseverity = \"high\"\nanchors = [\"abcd\"]\npattern = {}\n",
            quoted.replacen('x', "x(", 1)
        ),
    );
    let peers = write(
        "gitleaks.toml",
        format!(
            "[extend]\nurl = {quoted}\nuseDefault = true\n[[rules]]\nid = {quoted}\nregex = '''abcd(.*)'''\nkeywords = [\"abcd\"]\n"
        ),
    );
    let baseline =
        write("baseline.json", format!("{{\"version\": 1, \"key\": \"{:064}\", \"fingerprints\": [{quoted}]}}", 0));
    let member = write("member.json", format!("{{{quoted}: 1}}"));
    let keysieve = |arguments: &[OsString]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keysieve"))
            .args(arguments)
            .current_dir(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let line = format!("{HOSTILE} {0} refs/heads/x {0}\n", "1".repeat(40));
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), line.as_bytes());
        let output = child.wait_with_output().unwrap();
        let is_github = arguments.iter().any(|it| it == "github");
        for printed in [&output.stdout, &output.stderr] {
            if let Some(wrong) = wrong(printed, is_github) {
                panic!("{arguments:?} prints {wrong}");
            }
        }
        String::from_utf8(output.stdout).unwrap()
    };
    let os = |arguments: &[&str]| arguments.iter().map(OsString::from).collect::<Vec<_>>();
    let mut printed = 0;
    for command in [
        &["scan", "--posture"][..],
        &["scan", "--config", &rule],
        &["history"],
        &["history", "--config", &rule],
        &["staged"],
        &["range", "HEAD~1..HEAD"],
        &["range", "HEAD~1..::error::x"],
        &["posture"],
    ] {
        for format in FORMATS {
            printed += keysieve(&os(&[command, &["--format", format, "--all", "--explain"]].concat())).len();
        }
    }
    assert!(printed > 10_000);
    // An earlier report in which every text is hostile.
    let report: Value = serde_json::from_str(&keysieve(&os(&["history", "--format", "json", "--explain"]))).unwrap();
    let hostile = write("report.json", hostile(report).to_string());
    for format in FORMATS {
        assert!(!keysieve(&os(&["report", &hostile, "--format", format, "--all", "--explain"])).is_empty(), "{format}");
    }
    for arguments in [
        &["advise"][..],
        &["advise", &hostile],
        &["advise", &hostile, "--format", "json"],
        &["advise", &hostile, "--patch", "/dev/null"],
        &["explain", HOSTILE],
        &["rules", "list", "--config", &rule],
        &["rules", "list", "--format", "json", "--config", &rule],
        &["rules", "list", "--format", "markdown", "--config", &rule],
        &["rules", "show", "acme", "--config", &rule],
        &["rules", "show", "acme", "--format", "json", "--config", &rule],
        &["rules", "show", HOSTILE],
        &["rules", "test", "acme", "--config", &rule],
        &["config", "show", &rule],
        &["config", "check", &rule],
        &["config", "check", &peers],
        &["config", "show", &peers],
        &["config", "check", &id],
        &["config", "check", &disable],
        &["config", "check", &key],
        &["config", "check", &pattern],
        &["scan", "--config", &id],
        &["scan", "--config", &peers],
        &["scan", "--baseline", &baseline],
        &["scan", "--baseline", &member],
        &["baseline", "import", &member],
        &["baseline", "create"],
        &["baseline", "update"],
        &["report", &member],
        &["scan", HOSTILE],
        &["scan", "no-such\n::error::x"],
        &["scan", "--fail-on", HOSTILE],
        &["scan", "-o", &format!("no-folder/{HOSTILE}")],
        &["history", "--since", HOSTILE],
        &["history", "--branch", HOSTILE],
        &["range", HOSTILE],
        &["hook", "install", HOSTILE],
        &["hook", "run", "pre-push"],
        &["hook", "run", "pre-commit"],
        &["hook", "run", "pre-commit", HOSTILE],
        &[HOSTILE],
    ] {
        keysieve(&os(arguments));
    }
}

/// The same report with every text of it a hostile one, where the reader asks for no certain form.
fn hostile(value: Value) -> Value {
    const KEPT: [&str; 10] =
        ["severity", "confidence", "fingerprint", "type", "tool", "code", "by", "kind", "looked_for", "store"];
    match value {
        Value::String(_) => Value::String(HOSTILE.to_owned()),
        Value::Array(items) => Value::Array(items.into_iter().map(hostile).collect()),
        Value::Object(members) => {
            let members = members.into_iter();
            Value::Object(
                members
                    .map(|(name, it)| match KEPT.contains(&name.as_str()) {
                        true => (name, it),
                        false => (name, hostile(it)),
                    })
                    .collect(),
            )
        }
        other => other,
    }
}
