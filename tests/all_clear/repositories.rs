//! Repositories that git builds, from the tables in `repositories/`.
//!
//! `steps` run in `sh -e`, in a new repository with one commit on `main`, at which `base` stands as well. Beside git they
//! have `$TOKEN` (proven), `$LINE` (a line with it), `commit FILE [TEXT]`, `object TYPE` (writes standard input as an object
//! of that type, whatever it is), `action EVENT FILE` (runs the action's script) and `keysieve` (prints JSON lines where the command can). Each command of `found`,
//! `incomplete` and so on (see [`Expect`]) runs in a shell of its own after that, and its exit code counts.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use super::{Expect, Failed, command, forge, said};

const PRELUDE: &str = r#"
LINE="token = \"$TOKEN\""
keysieve() {
    case "$1" in
    scan | staged | range | history) "$KEYSIEVE" "$@" --format jsonl --show-secrets --no-progress ;;
    *) "$KEYSIEVE" "$@" ;;
    esac
}
commit() {
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "${2-$LINE}" >"$1"
    git add -A -f
    git commit -q -m "change a file"
}
action() {
    GITHUB_EVENT_NAME=$1 GITHUB_EVENT_PATH=$2 GITHUB_OUTPUT=$ROOT/output GITHUB_STEP_SUMMARY=$ROOT/summary RUNNER_TEMP=$ROOT node "$ACTION"
}
object() { git hash-object -t "$1" -w --literally --stdin; }
"#;

const START: &str = "git init -q -b main\ncommit a.txt 'x = 1'\ngit branch base\n";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Probe {
    /// Number in the issue that asked for it; of twins, too.
    item: u8,
    name: String,
    steps: String,
    /// What the findings have to name instead of the token, where it is none that is looked for.
    says: Option<String>,
    #[serde(default)]
    found: Vec<String>,
    #[serde(default)]
    found_or_incomplete: Vec<String>,
    #[serde(default)]
    found_and_incomplete: Vec<String>,
    #[serde(default)]
    incomplete: Vec<String>,
    #[serde(default)]
    clean: Vec<String>,
    #[serde(default)]
    refused: Vec<String>,
}

impl Probe {
    fn questions(&self) -> impl Iterator<Item = (&str, Expect)> {
        [
            (&self.found, Expect::Found),
            (&self.found_or_incomplete, Expect::FoundOrIncomplete),
            (&self.found_and_incomplete, Expect::FoundAndIncomplete),
            (&self.incomplete, Expect::Incomplete),
            (&self.clean, Expect::Clean),
            (&self.refused, Expect::Refused),
        ]
        .into_iter()
        .flat_map(|(commands, expect)| commands.iter().map(move |it| (it.as_str(), expect)))
    }

    fn run(&self, seed: u64, failed: &Mutex<Failed>) {
        let row = format!("{} {}", self.item, self.name);
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repository");
        std::fs::create_dir(&root).unwrap();
        let token = forge::token(seed);
        let shell = |script: &str| shell(&root, &token, script);
        let (code, text) = shell(&format!("{START}{}", self.steps));
        if code != 0 {
            failed.lock().unwrap().0.push(format!("{row}: its steps fail: {text}"));
            return;
        }
        assert!(self.questions().next().is_some(), "{row} asks nothing");
        for (question, expect) in self.questions() {
            let (code, text) = shell(question);
            let found = match &self.says {
                Some(says) => text.contains(says),
                None => {
                    text.contains("\"github-personal-access-token\"") && text.contains(&token)
                        || text.contains("github-personal-access-token") && !text.contains("\"type\":\"summary\"")
                }
            };
            if !expect.holds(code, found) {
                let end = text.char_indices().nth(1200).map_or(text.len(), |(at, _)| at);
                let got = format!("exit code {code}, {}: {}", if found { "found" } else { "not found" }, &text[..end]);
                failed.lock().unwrap().add(format!("{row}: {question}"), expect, got);
            }
        }
    }
}

fn shell(root: &Path, token: &str, script: &str) -> (i32, String) {
    let output = command("sh", root)
        .args(["-ec", &format!("{PRELUDE}{script}")])
        .env("TOKEN", token)
        .env("ROOT", root.parent().unwrap())
        .env("ACTION", concat!(env!("CARGO_MANIFEST_DIR"), "/action/run.mjs"))
        .output()
        .unwrap();
    (output.status.code().unwrap_or(-1), said(&output))
}

#[derive(Deserialize)]
struct Table {
    probe: Vec<Probe>,
}

#[test]
fn no_repository_is_clean_by_mistake() {
    let mut probes = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all_clear/repositories"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    // A new row can be tried alone: `ALL_CLEAR=range.toml:parent cargo test --test all_clear`.
    let only = std::env::var("ALL_CLEAR").unwrap_or_default();
    let (file_part, name_part) = only.split_once(':').unwrap_or((&only, ""));
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let table: Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if file.to_string_lossy().contains(file_part) {
            probes.extend(table.probe.into_iter().filter(|it| it.name.contains(name_part)));
        }
    }
    let (failed, next) = (Mutex::new(Failed::default()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(probe) = probes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    probe.run(1000 + u64::from(probe.item), &failed);
                }
            });
        }
    });
    failed.into_inner().unwrap().none();
}
