//! Every report as its reader reads it, over names, lines, authors and messages that were made to break it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

/// How each secret starts.
const SECRET: &str = "Tr4vel-Lantern-";
/// File names, of which each is an attack on one format or another.
const NAMES: [&str; 9] = [
    "::error::x.py",
    "::set-output name=a::b.py",
    "=HYPERLINK(\"x\").py",
    "a|b`c`.py",
    "[x](javascript:y) @ann <img src=x>.py",
    "]]><x.py",
    "\u{1b}[31mred\u{7}.py",
    "line\nbreak.py",
    "##[error]x.py",
];

fn git(folder: &Path, arguments: &[&str]) {
    let author = "<script>alert(1)</script>|@ann";
    let output = Command::new("git")
        .args(["-c", &format!("user.name={author}"), "-c", "user.email=a@corp.io", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn hostile() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    for (index, name) in NAMES.iter().enumerate() {
        fs::write(
            folder.path().join(name),
            format!("::warning::x | <b> =1+1 password = \"{SECRET}{index}7\" ]]> `y`\n"),
        )
        .unwrap();
    }
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-q", "-m", "::error::subject </script><b>|x` @ann"]);
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).args(arguments).current_dir(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(SECRET), "{arguments:?} shows the secret");
    text
}

fn report(format: &str) -> String {
    run(hostile().path(), &["history", "--format", format, "--no-progress"])
}

#[test]
fn a_workflow_command_is_a_finding_and_nothing_else_is_a_command() {
    let text = report("github");
    assert_eq!(text.lines().count(), NAMES.len());
    for line in text.lines() {
        let (properties, message) = line.strip_prefix("::error ").unwrap().split_once("::").unwrap();
        let names: Vec<&str> = properties.split(',').map(|it| it.split_once('=').unwrap().0).collect();
        assert_eq!(names, ["file", "line", "endLine", "title"]);
        assert!(message.contains("high severity"));
    }
    // The runner takes a line for a command wherever its first non-blank characters are a command's.
    for line in report("human").lines() {
        let start = line.trim_start();
        assert!(!start.starts_with("::") && !start.starts_with("##["), "{line}");
        assert!(!line.contains(['\u{1b}', '\u{7}']), "{line:?}");
    }
}

#[test]
fn a_spreadsheet_reads_rows_and_no_formulas() {
    let text = report("csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), NAMES.len());
    for field in rows.iter().flatten() {
        assert!(!field.starts_with(['=', '+', '-', '@']), "{field}");
    }
    assert!(rows.iter().any(|row| &row[4] == "'=HYPERLINK(\"x\").py"));
}

#[test]
fn junit_is_xml_with_a_failure_a_finding() {
    let text = report("junit");
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites = document.root_element();
    assert_eq!((suites.tag_name().name(), suites.attribute("failures")), ("testsuites", Some("9")));
    let failures = document.descendants().filter(|node| node.has_tag_name("failure")).count();
    assert_eq!(failures, NAMES.len());
    assert!(document.descendants().any(|node| node.attribute("file") == Some("]]><x.py")));
    let clean = tempfile::tempdir().unwrap();
    fs::write(clean.path().join("a.py"), "x = 1\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(["scan", "--format", "junit"])
        .current_dir(clean.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(document.root_element().attribute("tests"), Some("1"), "a run that found nothing is a test that passed");
}

#[test]
fn markdown_has_one_table_and_no_link_mention_or_markup_of_what_was_read() {
    let text = report("markdown");
    let mut rows = 0;
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::TableRow) => rows += 1,
            Event::Start(Tag::Link { dest_url, .. }) => {
                assert!(dest_url.starts_with("https://cheatsheet"), "{dest_url}")
            }
            Event::Start(Tag::Image { .. } | Tag::Emphasis) | Event::Code(_) => panic!("markup in {text}"),
            Event::InlineHtml(html) | Event::Html(html) => assert!(matches!(&*html, "<code>" | "</code>"), "{html}"),
            _ => {}
        }
    }
    assert_eq!(rows, NAMES.len());
    assert!(!text.contains("@ann"), "mentions reach people");
}

#[test]
fn gitlabs_report_has_what_its_schema_requires() {
    let report: Value = serde_json::from_str(&report("gitlab")).unwrap();
    let scan = &report["scan"];
    for required in ["analyzer", "scanner", "type", "start_time", "end_time", "status"] {
        assert!(!scan[required].is_null(), "{required}");
    }
    assert_eq!((&scan["type"], &scan["status"]), (&"secret_detection".into(), &"success".into()));
    for tool in [&scan["analyzer"], &scan["scanner"]] {
        assert!(
            ["id", "name", "version"].iter().all(|key| tool[key].is_string()) && tool["vendor"]["name"].is_string()
        );
    }
    let time = scan["start_time"].as_str().unwrap();
    assert_eq!((time.len(), &time[10..11]), (19, "T"), "yyyy-mm-ddThh:mm:ss");
    let vulnerabilities = report["vulnerabilities"].as_array().unwrap();
    assert_eq!(vulnerabilities.len(), NAMES.len());
    for it in vulnerabilities {
        assert_eq!(it["id"].as_str().unwrap().len(), 36);
        assert!(["Critical", "High", "Medium", "Low"].contains(&it["severity"].as_str().unwrap()));
        let identifier = &it["identifiers"][0];
        assert!(["type", "name", "value"].iter().all(|key| identifier[key].is_string()));
        let location = &it["location"];
        assert!(
            location["commit"]["sha"].is_string() && location["file"].is_string() && location["start_line"].is_u64()
        );
    }
}

#[test]
fn the_page_holds_its_data_as_text() {
    let text = report("html");
    let (_, data) = text.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (data, rest) = data.split_once("</script>").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["findings"].as_array().unwrap().len(), NAMES.len());
    assert_eq!(rest.matches("<script>").count(), 1, "its own and no other");
    assert!(text.contains("default-src 'none'") && !text.contains("http-equiv=\"refresh\""));
    assert!(!rest.contains("innerHTML") && !rest.contains("eval("));
}

#[test]
fn an_earlier_report_gives_every_other_as_the_scan_would_have() {
    let folder = hostile();
    let formats = ["human", "json", "jsonl", "sarif", "github", "junit", "csv", "markdown", "html"];
    for earlier in ["json", "jsonl"] {
        let path = folder.path().join(format!(".git/earlier.{earlier}"));
        let path = path.to_str().unwrap();
        let mut arguments = vec!["history", "--no-progress", "--format", earlier, "-o", path];
        let reports: Vec<String> = formats.iter().map(|it| format!("{it}={path}.{it}")).collect();
        reports.iter().for_each(|it| arguments.extend(["--report", it]));
        run(folder.path(), &arguments);
        for format in formats {
            let direct = fs::read_to_string(format!("{path}.{format}")).unwrap();
            assert_eq!(run(folder.path(), &["report", path, "--format", format]), direct, "{earlier} to {format}");
        }
    }
}

#[test]
fn a_report_in_the_clear_is_redacted_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.py"), format!("password = \"{SECRET}91\"\n")).unwrap();
    let clear = folder.path().join("clear.json");
    let clear = clear.to_str().unwrap();
    let arguments = ["scan", "a.py", "--format", "json", "--show-secrets", "-o", clear];
    Command::new(env!("CARGO_BIN_EXE_keysieve")).args(arguments).current_dir(folder.path()).status().unwrap();
    assert!(fs::read_to_string(clear).unwrap().contains(SECRET));
    for format in ["human", "json", "sarif", "github", "gitlab", "junit", "csv", "markdown", "html"] {
        run(folder.path(), &["report", clear, "--format", format]);
    }
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
        .args(["report", clear, "--format", "csv", "--show-secrets"])
        .output();
    assert!(String::from_utf8(output.unwrap().stdout).unwrap().contains(SECRET));
}

#[test]
fn what_is_no_report_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "{}", "[1]", "{\"type\":\"finding\"}", "{\"findings\":[{}],\"summary\":{}}"] {
        let path = folder.path().join("x.json");
        fs::write(&path, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).arg("report").arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("x.json"), "{text}");
    }
}
