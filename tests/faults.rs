//! What happens around a scan: signals, pipes that close, disks that are full, files that change, contents that make a
//! library fail.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";

fn keysieve(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keysieve"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn signal(child: &Child, name: &str) {
    // It may have ended by itself, which is no reason to fail.
    let _ = Command::new("kill").args(["-s", name, &child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
}

/// A tree that takes a scan some time.
fn large() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..60 {
        let text = format!("password = \"Tr4vel-Lantern-{number}\"\n{}", "key: value, token: none\n".repeat(4_000));
        fs::write(folder.path().join(format!("{number}.py")), text).unwrap();
    }
    folder
}

#[test]
fn a_signal_at_any_time_ends_the_scan_with_a_report() {
    let folder = large();
    let mut interrupted = 0;
    for (round, name) in ["INT", "TERM", "HUP"].iter().cycle().take(12).enumerate() {
        let child = keysieve(folder.path(), &["scan", "--format", "json", "-j", "1"]).spawn().unwrap();
        thread::sleep(Duration::from_millis(20 + 15 * round as u64));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{name}: {}", said(&output)));
        let complete = report["summary"]["complete"].as_bool().unwrap();
        assert_eq!(output.status.code(), Some(if complete { 1 } else { 3 }), "{name} after round {round}");
        if !complete {
            interrupted += 1;
            assert!(report["summary"]["incomplete"].to_string().contains("interrupted"), "{report}");
        }
    }
    assert!(interrupted > 0, "no signal came while the scan ran");
}

#[test]
fn a_signal_ends_the_wait_for_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["INT", "TERM"] {
        let mut child =
            keysieve(folder.path(), &["scan", "-", "--format", "json"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // More than a pipe holds: once it is written the scan has begun.
        input.write_all(LEAK.repeat(4000).as_bytes()).unwrap();
        signal(&child, name);
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(3), "{name}");
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["summary"]["complete"], false);
        drop(input);
    }
}

#[test]
fn a_kill_at_any_moment_leaves_reports_and_baselines_whole() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("a.py"), (0..3000).map(|it| LEAK.replace("91", &it.to_string())).collect::<String>()).unwrap();
    let baseline = [&["baseline", "create"][..], &["scan", "--format", "json", "-o", "report.json"]];
    for arguments in baseline {
        assert!(keysieve(root, arguments).output().unwrap().status.code().unwrap() < 2);
    }
    fs::write(root.join("b.py"), LEAK).unwrap();
    let mut killed = 0;
    for round in 0..40 {
        let arguments: &[&str] = match round % 2 {
            0 => &["baseline", "update"],
            _ => &["scan", "--all", "--format", "json", "-o", "report.json", "--baseline", "none.json"],
        };
        let mut child = keysieve(root, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(round * 3));
        let _ = child.kill();
        killed += usize::from(child.wait().unwrap().signal().is_some());
        for name in [".keysieve-baseline.json", "report.json"] {
            let text = fs::read(root.join(name)).unwrap();
            serde_json::from_slice::<Value>(&text).unwrap_or_else(|error| panic!("{name} in round {round}: {error}"));
        }
    }
    assert!(killed > 0, "nothing was killed");
}

#[test]
fn a_reader_that_goes_away_is_a_quiet_end() {
    let folder = large();
    for arguments in
        [&["scan"][..], &["scan", "--format", "json"], &["rules", "list"], &["man"], &["scan", "--format=html"]]
    {
        let mut child = keysieve(folder.path(), arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(said(&output), "", "{arguments:?}");
        assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {:?}", output.status);
    }
}

#[test]
fn a_full_disk_is_an_error_that_changes_nothing() {
    let folder = large();
    let root = folder.path();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = keysieve(root, &["scan"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("No space left"), "{}", said(&output));
    let output = keysieve(root, &["scan", "-o", "/dev/full"]).output().unwrap();
    assert!(output.status.code() == Some(2) && said(&output).contains("cannot write the report"), "{}", said(&output));
    // A limit of file sizes stands for a disk that fills up while the report is written.
    fs::write(root.join("report.html"), "the last one").unwrap();
    let before = fs::read_dir(root).unwrap().count();
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 1; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_keysieve"), "scan", "--format=html"])
        .args(["-o", "report.html", "--all"])
        .current_dir(root)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("cannot write the report"), "{}", said(&output));
    assert_eq!(fs::read_to_string(root.join("report.html")).unwrap(), "the last one");
    assert_eq!(fs::read_dir(root).unwrap().count(), before, "a temporary file is left");
}

#[test]
fn files_that_change_while_they_are_read_are_no_reason_to_fail() {
    let folder = large();
    let root = folder.path().to_owned();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in (0..60).cycle() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let path = root.join(format!("{number}.py"));
                match number % 4 {
                    0 => drop(fs::remove_file(&path)),
                    1 => drop(fs::File::options().write(true).open(&path).map(|file| file.set_len(100))),
                    2 => drop(fs::write(&path, LEAK.repeat(5_000))),
                    _ => drop(fs::remove_file(&path).and_then(|()| std::os::unix::fs::symlink("/dev/zero", &path))),
                }
            }
        });
        for _ in 0..8 {
            let output = keysieve(&root, &["scan", "--format", "json", "-o", "/dev/null"]).output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{:?}: {}", output.status, said(&output));
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_library_that_fails_costs_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/container");
    fs::copy(seeds.join("panics-7z.7z"), root.join("a.7z")).unwrap();
    for number in 0..8 {
        fs::write(root.join(format!("{number}.py")), LEAK.replace("91", &number.to_string())).unwrap();
    }
    let output = keysieve(root, &["scan", "-j", "2"]).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("8 findings") && text.contains("a.7z: it cannot be unpacked"), "{text}");
}
