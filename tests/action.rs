//! The GitHub Action's entry script as a runner runs it, with the events of pull requests, pushes and schedules.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";

struct Runner {
    folder: TempDir,
}

struct Ran {
    code: i32,
    log: String,
    summary: String,
    outputs: String,
    sarif: Option<Value>,
}

impl Runner {
    fn new() -> Self {
        let runner = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(runner.repository()).unwrap();
        runner.git(&["init", "-q", "-b", "main"]);
        runner
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.repository(), arguments)
    }

    fn commit(&self, path: &str, text: &str) -> String {
        fs::write(self.repository().join(path), text).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", &format!("::error::change {path}")]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn run(&self, event: &str, payload: &Value, inputs: &[(&str, &str)]) -> Ran {
        self.run_in(&self.repository(), event, payload, inputs)
    }

    fn run_in(&self, repository: &Path, event: &str, payload: &Value, inputs: &[(&str, &str)]) -> Ran {
        self.run_raw(repository, event, &payload.to_string(), inputs)
    }

    fn run_raw(&self, repository: &Path, event: &str, payload: &str, inputs: &[(&str, &str)]) -> Ran {
        let file = |name: &str| self.folder.path().join(name);
        fs::write(file("event.json"), payload).unwrap();
        for name in ["output", "summary"] {
            fs::write(file(name), "").unwrap();
        }
        let _ = fs::remove_file(repository.join("keysieve.sarif"));
        let output = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/action/run.mjs"))
            .current_dir(repository)
            .env("KEYSIEVE", env!("CARGO_BIN_EXE_keysieve"))
            .env("GITHUB_EVENT_NAME", event)
            .env("GITHUB_EVENT_PATH", file("event.json"))
            .env("GITHUB_OUTPUT", file("output"))
            .env("GITHUB_STEP_SUMMARY", file("summary"))
            .env("RUNNER_TEMP", self.folder.path())
            .env_remove("GITHUB_SHA")
            .envs(inputs.iter().copied())
            .output()
            .expect("node runs the script");
        let read = |name: &str| fs::read_to_string(file(name)).unwrap();
        let sarif = fs::read_to_string(repository.join("keysieve.sarif")).ok();
        Ran {
            code: output.status.code().unwrap(),
            log: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
            summary: read("summary"),
            outputs: read("output"),
            sarif: sarif.map(|text| serde_json::from_str(&text).unwrap()),
        }
    }
}

impl Ran {
    fn output(&self, name: &str) -> &str {
        let mut lines = self.outputs.lines().skip_while(|line| !line.starts_with(&format!("{name}<<")));
        lines.nth(1).unwrap_or_default()
    }

    /// The commands that a runner takes from the log: lines that start with `::`, unless commands are stopped.
    fn commands(&self) -> Vec<&str> {
        let mut stopped: Option<String> = None;
        let mut commands = Vec::new();
        for line in self.log.lines().map(str::trim_start) {
            match &stopped {
                Some(token) if line == format!("::{token}::") => stopped = None,
                Some(_) => {}
                None => match line.strip_prefix("::stop-commands::") {
                    Some(token) => stopped = Some(token.to_owned()),
                    None if line.starts_with("::") => commands.push(line),
                    None => {}
                },
            }
        }
        commands
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=::error::Ann", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn pull_request(base: &str, head: &str, commits: u64, fork: bool) -> Value {
    json!({ "pull_request": {
        "base": { "sha": base, "repo": { "full_name": "a/b" } }, "commits": commits,
        "head": { "sha": head, "ref": "::set-output name=x::y", "repo": { "full_name": if fork { "x/b" } else { "a/b" }, "fork": fork } },
        "title": "</code><script>", } })
}

#[test]
fn a_pull_request_of_a_fork_and_of_ones_own() {
    let runner = Runner::new();
    let base = runner.commit("a.py", "x = 1\n");
    runner.git(&["checkout", "-q", "-b", "branch"]);
    runner.commit("::warning::b.py", LEAK);
    let head = runner.commit("c.py", "x = 2\n");
    for fork in [true, false] {
        let ran = runner.run("pull_request", &pull_request(&base, &head, 2, fork), &[]);
        assert_eq!(ran.code, 1, "{}", ran.log);
        assert_eq!(
            (ran.output("findings"), ran.output("complete"), ran.output("sarif")),
            ("1", "true", "keysieve.sarif")
        );
        let commands = ran.commands();
        assert_eq!(commands.len(), 1, "{commands:?}");
        assert!(commands[0].starts_with("::error file=%3A%3Awarning%3A%3Ab.py,line=1,"), "{commands:?}");
        assert!(ran.summary.contains("1 credential found") && !ran.summary.contains("Lantern"), "{}", ran.summary);
        assert_eq!(ran.sarif.unwrap()["runs"][0]["results"].as_array().unwrap().len(), 1);
        assert!(ran.log.contains("introduced:"), "the log has the finding");
    }
    // As actions/checkout leaves it: the merge of both, with the base having moved on.
    runner.git(&["checkout", "-q", "main"]);
    runner.commit("moved-on.py", "password = \"V3lvet-Orchard-17\"\n");
    runner.git(&["merge", "-q", "--no-ff", "-m", "merge", "branch"]);
    let merge = runner.git(&["rev-parse", "HEAD"]);
    let ran = runner.run("pull_request", &pull_request(&base, &head, 2, true), &[("GITHUB_SHA", &merge)]);
    assert_eq!(
        (ran.code, ran.output("findings")),
        (1, "1"),
        "what the base brought meanwhile is not the pull request's"
    );
}

#[test]
fn a_checkout_that_does_not_reach_the_base_fails_and_says_how_deep() {
    let runner = Runner::new();
    let base = runner.commit("a.py", "x = 1\n");
    runner.git(&["checkout", "-q", "-b", "branch"]);
    runner.commit("b.py", LEAK);
    let head = runner.commit("b.py", "x = 2\n");
    let clone = |depth: &str| {
        let to = runner.folder.path().join(format!("depth-{depth}"));
        let from = format!("file://{}", runner.repository().display());
        git(
            runner.folder.path(),
            &["clone", "-q", "--depth", depth, "--branch", "branch", &from, to.to_str().unwrap()],
        );
        to
    };
    let payload = pull_request(&base, &head, 2, false);
    let ran = runner.run_in(&clone("1"), "pull_request", &payload, &[]);
    assert_eq!((ran.code, ran.output("complete")), (3, "false"), "{}", ran.log);
    assert!(ran.commands().iter().any(|it| it.contains("fetch-depth: 4")), "{:?}", ran.commands());
    let ran = runner.run_in(&clone("4"), "pull_request", &payload, &[]);
    assert_eq!((ran.code, ran.output("findings")), (1, "1"), "at that depth it is found: {}", ran.log);
    // What cannot be opened is no matter of depth.
    let runner = Runner::new();
    let base = runner.commit("a.py", "x = 1\n");
    let head = runner.commit("b.rar", "Rar!\x1a\x07\x01\0");
    let ran = runner.run("pull_request", &pull_request(&base, &head, 1, false), &[]);
    assert_eq!((ran.code, ran.output("complete")), (3, "false"), "{}", ran.log);
    assert!(!ran.log.contains("fetch-depth"), "{}", ran.log);
}

#[test]
fn a_push_of_every_kind() {
    let runner = Runner::new();
    let before = runner.commit("a.py", "x = 1\n");
    let after = runner.commit("b.py", LEAK);
    let push = |changes: Value| {
        let mut payload = json!({
            "before": before, "after": after, "created": false, "deleted": false, "forced": false,
            "repository": { "default_branch": "main" }, "commits": [{}],
        });
        payload.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        payload
    };
    let none = "0".repeat(40);
    let ran = runner.run("push", &push(json!({})), &[]);
    assert_eq!((ran.code, ran.output("findings")), (1, "1"), "{}", ran.log);
    let ran = runner.run("push", &push(json!({ "before": after, "commits": [] })), &[]);
    assert_eq!((ran.code, ran.output("findings"), ran.output("complete")), (0, "0", "true"), "{}", ran.log);
    let ran = runner.run("push", &push(json!({ "deleted": true, "after": none })), &[]);
    assert_eq!((ran.code, ran.output("findings")), (0, "0"));
    assert!(ran.commands()[0].contains("brings no commit"));
    // A new branch without anything to compare with: the whole history, and not nothing.
    let ran = runner.run("push", &push(json!({ "before": none, "created": true })), &[]);
    assert_eq!((ran.code, ran.output("findings")), (1, "1"), "{}", ran.log);
    // Somebody forced it, and what was there is gone.
    let ran = runner.run("push", &push(json!({ "before": "1".repeat(40), "forced": true })), &[]);
    assert_eq!((ran.code, ran.output("findings")), (1, "1"), "{}", ran.log);
    // The former commit ought to be there and is not.
    let ran = runner.run("push", &push(json!({ "before": "1".repeat(40) })), &[]);
    assert_eq!((ran.code, ran.output("complete")), (3, "false"), "{}", ran.log);
    let remote = runner.folder.path().join("remote");
    git(
        runner.folder.path(),
        &["clone", "-q", "--bare", runner.repository().to_str().unwrap(), remote.to_str().unwrap()],
    );
    runner.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    runner.git(&["fetch", "-q"]);
    let new = runner.commit("c.py", "x = 3\n");
    let ran = runner.run("push", &push(json!({ "before": none, "after": new, "created": true })), &[]);
    assert_eq!((ran.code, ran.output("findings")), (0, "0"), "against the default branch: {}", ran.log);
}

/// What a checkout has that is not the one that the event is about: nothing is looked at in its place.
#[test]
fn events_and_checkouts_of_every_kind() {
    let runner = Runner::new();
    let base = runner.commit("a.py", "x = 1\n");
    runner.git(&["checkout", "-q", "-b", "branch"]);
    let head = runner.commit("b.py", LEAK);
    runner.git(&["tag", "-a", "-m", "v1", "v1"]);
    runner.git(&["tag", "-a", "-m", LEAK, "leaky", &base]);
    runner.git(&["tag", "light", &base]);
    runner.git(&["checkout", "-q", "main"]);
    let moved = runner.commit("c.py", "x = 3\n");
    let tag = |name: &str| runner.git(&["rev-parse", name]);
    let clone = |name: &str, arguments: &[&str]| {
        let to = runner.folder.path().join(name);
        let from = format!("file://{}", runner.repository().display());
        git(runner.folder.path(), &[&["clone", "-q"], arguments, &[&from, to.to_str().unwrap()]].concat());
        to
    };
    let all = clone("all", &[]);
    let on_branch = clone("branch", &["--branch", "branch"]);
    let only_main = clone("main", &["--single-branch", "--no-tags", "--branch", "main"]);
    let shallow = clone("shallow", &["--depth", "1", "--branch", "main"]);
    // Somebody's own merge of the pull request into what is no base of it.
    let merged = clone("merged", &[]);
    git(&merged, &["checkout", "-q", "-b", "aside", "origin/branch"]);
    git(&merged, &["commit", "-q", "--allow-empty", "-m", "aside"]);
    git(&merged, &["merge", "-q", "--no-ff", "-s", "ours", "-m", "merge", "origin/main"]);
    let outside = runner.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();

    let (none, gone) = ("0".repeat(40), "1".repeat(40));
    let request = pull_request(&base, &head, 1, true);
    let push = |reference: &str, before: &str, after: &str, commits: usize, forced: bool| {
        json!({ "ref": reference, "before": before, "after": after, "forced": forced, "deleted": after == none,
            "repository": { "default_branch": "main" }, "commits": vec![json!({}); commits] })
    };
    let branch = "refs/heads/branch";
    let group = |base: &str, head: &str| json!({ "merge_group": { "base_sha": base, "head_sha": head } });
    let run_of = |head: &str| json!({ "workflow_run": { "head_sha": head } });
    // Event, payload, checkout, exit code, whether all was read, and what is said of it.
    let rows: &[(&str, Value, &Path, i32, &str, &str)] = &[
        ("pull_request_target", request.clone(), &only_main, 3, "false", "github.event.pull_request.head.sha"),
        ("pull_request_target", request.clone(), &shallow, 3, "false", "is not in this checkout"),
        ("pull_request_target", request.clone(), &on_branch, 1, "true", ""),
        ("pull_request", request.clone(), &only_main, 3, "false", "fetch-depth: 3"),
        ("pull_request", request.clone(), &all, 1, "true", ""),
        ("pull_request_review", request.clone(), &only_main, 3, "false", ""),
        ("pull_request_review", request.clone(), &on_branch, 1, "true", ""),
        ("pull_request", pull_request(&base, &moved, 1, false), &merged, 0, "true", ""),
        ("pull_request", pull_request(&moved, &moved, 1, false), &all, 3, "false", "tells of 1 commits"),
        ("pull_request", pull_request("main", &head, 1, false), &all, 2, "", "names no base"),
        ("merge_group", group(&base, &head), &only_main, 3, "false", "merge group"),
        ("merge_group", group(&base, &head), &on_branch, 1, "true", ""),
        ("merge_group", group(&head, &head), &on_branch, 3, "false", ""),
        ("merge_group", json!({}), &on_branch, 2, "", "names no base"),
        ("push", push(branch, &base, &head, 1, false), &only_main, 3, "false", "is not in this checkout"),
        ("push", push(branch, &base, &head, 1, false), &on_branch, 1, "true", ""),
        ("push", push(branch, &none, &head, 1, false), &on_branch, 1, "true", ""),
        ("push", push(branch, &gone, &head, 1, true), &on_branch, 1, "true", ""),
        ("push", push(branch, &gone, &head, 1, false), &on_branch, 3, "false", "fetch-depth: 2"),
        ("push", push(branch, &head, &base, 1, true), &all, 3, "false", "tells of 1 commits"),
        ("push", push(branch, &head, &base, 0, true), &all, 0, "true", ""),
        ("push", push(branch, &head, &none, 0, false), &only_main, 0, "true", "brings no commit"),
        ("push", push("refs/heads/new", &none, &base, 0, false), &all, 0, "true", ""),
        ("push", push("refs/heads/new", &none, &base, 1, false), &all, 1, "true", "the whole history"),
        ("push", push("refs/heads/main", &none, &moved, 2, false), &all, 1, "true", "the whole history"),
        ("push", push("refs/tags/v1", &none, &tag("v1"), 0, false), &all, 1, "true", ""),
        ("push", push("refs/tags/v1", &none, &tag("v1"), 0, false), &only_main, 3, "false", "the tag"),
        ("push", push("refs/tags/leaky", &none, &tag("leaky"), 0, false), &all, 1, "true", ""),
        ("push", push("refs/tags/light", &none, &base, 0, false), &all, 0, "true", ""),
        ("push", json!({}), &all, 2, "", "names no commit"),
        ("workflow_run", run_of(&head), &only_main, 3, "false", "github.event.workflow_run.head_sha"),
        ("workflow_run", run_of(&head), &all, 1, "true", ""),
        ("release", json!({}), &all, 1, "true", ""),
        ("schedule", json!({}), &shallow, 3, "false", ""),
        ("gollum", json!({}), &all, 1, "true", "knows no commits"),
        ("push", push(branch, &base, &head, 1, false), &outside, 2, "", "no repository"),
    ];
    for (event, payload, checkout, code, complete, said) in rows {
        let ran = runner.run_in(checkout, event, payload, &[("GITHUB_SHA", &moved)]);
        let what = format!("{event} {payload} in {}: {}", checkout.display(), ran.log);
        assert_eq!((ran.code, ran.output("complete")), (*code, *complete), "{what}");
        assert!(said.is_empty() || ran.commands().iter().any(|it| it.contains(said)), "{said}: {what}");
    }
    // A job that is to pass all the same says so, and its output does not call it complete.
    for payload in [push(branch, &base, &head, 1, false), push(branch, &moved, &base, 1, true)] {
        let ran = runner.run_in(&only_main, "push", &payload, &[("KEYSIEVE_ALLOW_INCOMPLETE", "true")]);
        assert_eq!((ran.code, ran.output("complete")), (0, "false"), "{}", ran.log);
        assert!(ran.commands().iter().any(|it| it.starts_with("::warning")), "{}", ran.log);
    }
    let broken = runner.run_raw(&all, "push", "{", &[]);
    assert_eq!(broken.code, 2, "{}", broken.log);
}

#[test]
fn schedules_and_runs_by_hand_read_the_history() {
    let runner = Runner::new();
    runner.commit("a.py", LEAK);
    runner.commit("a.py", "x = 1\n");
    for event in ["schedule", "workflow_dispatch"] {
        let ran = runner.run(event, &json!({ "schedule": "0 3 * * 1" }), &[]);
        assert_eq!((ran.code, ran.output("findings")), (1, "1"), "{event}: {}", ran.log);
    }
    let ran = runner.run("schedule", &json!({}), &[("KEYSIEVE_MODE", "scan"), ("KEYSIEVE_PATHS", "a.py")]);
    assert_eq!((ran.code, ran.output("findings")), (0, "0"), "{}", ran.log);
}

#[test]
fn inputs_are_heeded_and_wrong_ones_told() {
    let runner = Runner::new();
    let base = runner.commit("a.py", "x = 1\n");
    let head = runner.commit("b.py", LEAK);
    let payload = pull_request(&base, &head, 1, false);
    let run = |inputs: &[(&str, &str)]| runner.run("pull_request", &payload, inputs);
    assert_eq!(run(&[("KEYSIEVE_FAIL_ON", "critical")]).code, 0);
    assert_eq!(run(&[("KEYSIEVE_RANGE", "HEAD..HEAD")]).code, 0);
    fs::write(runner.repository().join("own.toml"), "[rules]\ndisable = [\"generic-password\"]\n").unwrap();
    assert_eq!(run(&[("KEYSIEVE_CONFIG", "own.toml")]).code, 0);
    let ran = run(&[("KEYSIEVE_MODE", "everything")]);
    assert_eq!(ran.code, 2);
    assert!(ran.commands()[0].contains("auto, range, history, scan"));
    let ran = run(&[("KEYSIEVE_CONFIG", "nowhere.toml")]);
    assert_eq!(ran.code, 2, "{}", ran.log);
    assert!(ran.log.contains("nowhere.toml"));
    let ran = runner.run("pull_request", &json!({}), &[]);
    assert_eq!(ran.code, 2, "an event without its pull request is not clean");
}

#[test]
fn the_gitlab_job_looks_at_the_merge_request_the_push_or_the_history() {
    let runner = Runner::new();
    let base = runner.commit("a.py", "x = 1\n");
    let head = runner.commit("b.py", LEAK);
    let template = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/ci/gitlab.yml")).unwrap();
    let (_, script) = template.split_once("  script:\n    - |\n").unwrap();
    let (script, _) = script.split_once("  artifacts:").unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_keysieve")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new("sh");
        command.args(["-ec", script]).current_dir(runner.repository()).env("PATH", &path).env("CI_COMMIT_SHA", &head);
        command.envs(variables.iter().copied()).output().unwrap().status.code()
    };
    let code = |variables: &[(&str, &str)]| {
        let mut command = Command::new("sh");
        command.args(["-ec", script]).current_dir(runner.repository()).env("PATH", &path).env("CI_COMMIT_SHA", &head);
        command.env("CI_DEFAULT_BRANCH", "main").envs(variables.iter().copied()).output().unwrap().status.code()
    };
    runner.git(&["update-ref", "refs/remotes/origin/main", &base]);
    runner.git(&["tag", "light", &base]);
    runner.git(&["tag", "-a", "-m", LEAK, "leaky", &base]);
    let (gone, none) = ("1".repeat(40), "0".repeat(64));
    for (name, before, branch, tag, expected) in [
        ("a new branch, in a repository of SHA-256", none.as_str(), "new", "", 1),
        ("a forced branch whose former commits are gone", &gone, "new", "", 1),
        ("a forced default branch whose former commits are gone", &gone, "main", "", 3),
        ("a tag of what is there", &none, "", "light", 0),
        ("a tag with a secret in its message", &none, "", "leaky", 1),
        ("a tag that is not here", &none, "", "absent", 3),
    ] {
        let pushed = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", before)];
        let named = [("CI_COMMIT_BRANCH", branch), ("CI_COMMIT_TAG", tag)];
        assert_eq!(code(&[pushed, named].concat()), Some(expected), "{name}");
    }
    runner.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    let none = "0".repeat(40);
    let main = ("CI_DEFAULT_BRANCH", "main");
    assert_eq!(
        run(&[main, ("CI_PIPELINE_SOURCE", "merge_request_event"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base)]),
        Some(1)
    );
    assert_eq!(
        run(&[main, ("CI_PIPELINE_SOURCE", "merge_request_event"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &head)]),
        Some(0)
    );
    assert_eq!(run(&[main, ("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", &base)]), Some(1));
    assert_eq!(
        run(&[main, ("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", &none), ("CI_COMMIT_BRANCH", "main")]),
        Some(1)
    );
    assert_eq!(
        run(&[main, ("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", &none), ("CI_COMMIT_BRANCH", "new")]),
        Some(3)
    );
    assert_eq!(run(&[main, ("CI_PIPELINE_SOURCE", "schedule")]), Some(1));
    let report = fs::read_to_string(runner.repository().join("gl-secret-detection-report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let files = report["vulnerabilities"].as_array().unwrap().iter().map(|it| it["location"]["file"].clone());
    assert!(files.into_iter().any(|file| file == "b.py"));
}

#[test]
fn what_is_downloaded_has_to_have_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let install = |version: &str, checksum: &str| {
        let output = Command::new("bash")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/action/install"))
            .envs([("VERSION", version), ("CHECKSUM", checksum), ("ACTION_REPOSITORY", "a/b")])
            .envs([("RUNNER_OS", "Linux"), ("RUNNER_ARCH", "X64"), ("GITHUB_ACTION_PATH", "/nowhere")])
            .env("RUNNER_TEMP", folder.path())
            .env("GITHUB_OUTPUT", folder.path().join("output"))
            .env("PATH", format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap()))
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // A curl that brings an archive of somebody else's.
    let curl = folder.path().join("curl");
    fs::write(&curl, "#!/bin/sh\nfor last; do :; done\nwhile [ $# -gt 1 ]; do [ \"$1\" = --output ] && echo evil > \"$2\"; shift; done\n").unwrap();
    fs::set_permissions(&curl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (version, checksum, said) in [
        ("1.2.3", "", "needs the SHA-256"),
        ("1.2.3", &"0".repeat(64), "not the one given"),
        ("$(reboot)", "", "neither"),
    ] {
        let (ok, text) = install(version, checksum);
        assert!(!ok && text.contains(said), "{version}: {text}");
    }
}
