//! What git does not ignore is read: `git check-ignore` says of generated patterns and names what it ignores.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use keysieve::scan::Progress;
use keysieve::source::tree;

/// Pseudo-random numbers (SplitMix64), the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) % most as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const FOLDERS: [&str; 8] = ["", "a/", "a/b/", "a/b/c/", "ab/", "A/", "a b/", "{a,b}/"];
const NAMES: [&str; 12] = ["a", "b", "ab", "abc", "a.txt", "A.txt", "a\t", "a ", "{a,b}", "[a]", "a\\b", "!a"];
/// What patterns are made of.
const PARTS: [&str; 44] = [
    "a",
    "b",
    "c",
    "ab",
    "abc",
    ".txt",
    "a.txt",
    "A",
    "*",
    "?",
    "**",
    "***",
    "/",
    "/",
    "/",
    "**/",
    "/**",
    "/**/",
    "[a]",
    "[ab]",
    "[a-c]",
    "[!a]",
    "[^b]",
    "[]a]",
    "[[:alpha:]]",
    "[[:space:]]",
    "[![:alnum:]]",
    "[[:nix:]]",
    "[[:]",
    "[a",
    "[z-a]",
    "[a-]",
    "[\\]a]",
    "{a,b}",
    "{a",
    "\\",
    "\\*",
    "\\ ",
    " ",
    "\t",
    "\x0b",
    "#",
    "!",
    "[A-Z]",
];
/// Lines by themselves.
const LINES: [&str; 16] =
    ["*", "!*/", "!a", "/a/", "a/", "*.txt\r", "# a", "\\#a", "\\!a", "a\0b", "a\\", "", "/", "a//", "a**/b", "!/a/**"];

fn patterns(chance: &mut Chance) -> Vec<u8> {
    let mut text = if chance.below(8) == 0 { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
    for _ in 0..chance.below(5) {
        match chance.below(4) {
            0 => text.extend_from_slice(chance.one(&LINES).as_bytes()),
            kind => {
                text.extend_from_slice(if kind == 1 { b"!" } else { b"" });
                (0..=chance.below(4)).for_each(|_| text.extend_from_slice(chance.one(&PARTS).as_bytes()));
            }
        }
        if chance.below(24) == 0 {
            text.push(0xff);
        }
        text.push(b'\n');
    }
    text
}

/// The files that git ignores of these, by its patterns alone.
fn ignored_by_git(root: &Path, files: &[String], ignore_case: bool) -> HashSet<String> {
    let mut git = Command::new("git")
        .args(["-c", &format!("core.ignoreCase={ignore_case}"), "check-ignore", "--no-index", "--stdin", "-z"])
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let names = files.join("\0") + "\0";
    git.stdin.take().unwrap().write_all(names.as_bytes()).unwrap();
    let output = git.wait_with_output().unwrap();
    assert!(output.status.code().unwrap() < 2);
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn all_that_git_keeps_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    assert!(Command::new("git").args(["init", "-q"]).current_dir(&root).status().unwrap().success());
    let mut files = Vec::new();
    for folder in FOLDERS {
        fs::create_dir_all(root.join(folder)).unwrap();
        // A file cannot be called like a folder that is there.
        files.extend(NAMES.map(|name| format!("{folder}{name}")).into_iter().filter(|it| !root.join(it).is_dir()));
        files.retain(|it| !FOLDERS.iter().any(|folder| folder.strip_suffix('/') == Some(it)));
    }
    files.iter().for_each(|name| fs::write(root.join(name), "x").unwrap());
    let options = tree::Options { paths: vec![root.clone()], ..tree::Options::default() };
    let progress = Progress::default();
    let (mut skipped, mut in_vain) = (0, 0);
    for seed in 0..600 {
        let mut chance = Chance(seed);
        let places = [".gitignore", "a/.gitignore", "a/b/.gitignore", ".git/info/exclude"];
        let contents: Vec<Vec<u8>> = (0..places.len())
            .map(|at| if at == 0 || chance.below(3) == 0 { patterns(&mut chance) } else { Vec::new() })
            .collect();
        places.iter().zip(&contents).for_each(|(place, content)| fs::write(root.join(place), content).unwrap());
        let ignore_case = chance.below(4) == 0;
        let ignored = ignored_by_git(&root, &files, ignore_case);
        let read: HashSet<String> = tree::files(&options, &progress).0.into_iter().map(|file| file.identity).collect();
        let shown = |name: &String| keysieve::decode::shown(name.as_bytes());
        for name in &files {
            let is_kept = !ignored.contains(name);
            let is_read = read.contains(&shown(name));
            let texts: Vec<_> = contents.iter().map(|it| String::from_utf8_lossy(it)).collect();
            assert!(is_read || !is_kept, "git keeps {name:?}: case {seed}, {texts:?}, core.ignoreCase={ignore_case}");
            skipped += u32::from(!is_read);
            in_vain += u32::from(is_read && !is_kept);
        }
    }
    // What git ignores is skipped but for what differs by case.
    assert!(skipped > 10_000 && in_vain * 20 < skipped, "{skipped} were skipped, {in_vain} read in vain");
}

/// The user's own patterns count where git would read them, and nowhere else.
#[test]
fn the_users_patterns_count_as_git_has_it() {
    let token = keysieve_engine::rules::sample::fill("AKIA<[A-Z2-7]{16}>", 7).unwrap();
    let usual = "mkdir -p home/.config/git; echo s.txt >home/.config/git/ignore";
    let named = "mkdir home; echo s.txt >home/p; git config -f home/.gitconfig core.excludesFile '~/p'";
    let elsewhere = format!("{usual}; git config -f other core.excludesFile /dev/null");
    let system = format!("{usual}; git config -f system core.excludesFile /dev/null");
    let of_repository = format!("{usual}; git -C root config core.excludesFile /dev/null");
    let of_work_tree = format!(
        "{usual}; git -C root config extensions.worktreeConfig true; \
                                git -C root config --worktree core.excludesFile /dev/null"
    );
    let included = format!(
        "{usual}; git config -f root/.git/c core.excludesFile /dev/null; \
                            git -C root config include.path c"
    );
    let on_condition = format!(
        "{usual}; git config -f home/c core.excludesFile /dev/null; \
                                git config -f home/.gitconfig 'includeIf.gitdir:**.path' c"
    );
    let of_user = format!(
        "{named}; git config -f home/c core.excludesFile /dev/null; \
                           git config -f home/.gitconfig include.path c"
    );
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], i32);
    let cases: [Case<'_>; 11] = [
        ("in the usual place", usual, &[], 0),
        ("named", named, &[], 0),
        ("another configuration", &elsewhere, &[("GIT_CONFIG_GLOBAL", "other")], 1),
        ("no configuration", named, &[("GIT_CONFIG_GLOBAL", "/dev/null")], 1),
        ("of the system", &system, &[("GIT_CONFIG_SYSTEM", "system")], 1),
        ("of the repository", &of_repository, &[], 1),
        ("of the work tree", &of_work_tree, &[], 1),
        ("included by the repository", &included, &[], 1),
        ("included on a condition", &on_condition, &[], 1),
        ("included", &of_user, &[], 1),
        (
            "of the command",
            usual,
            &[
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", "core.excludesFile"),
                ("GIT_CONFIG_VALUE_0", "/dev/null"),
            ],
            1,
        ),
    ];
    for (what, script, variables, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        let script = format!("git init -q root; echo t = $T >root/s.txt; echo nothing >root/other.txt; {script}");
        let made = Command::new("sh").args(["-ec", &script]).env("T", &token).current_dir(top).output().unwrap();
        assert!(made.status.success(), "{what}: {}", String::from_utf8_lossy(&made.stderr));
        // A relative path is one from where git is called.
        let variables = variables.iter().map(|(name, value)| match top.join(value).exists() {
            true => (*name, top.join(value).display().to_string()),
            false => (*name, (*value).to_owned()),
        });
        let variables: Vec<(&str, String)> = variables.collect();
        let run = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(top.join("root")).env("HOME", top.join("home"));
            command.env_remove("XDG_CONFIG_HOME").env("GIT_CONFIG_NOSYSTEM", "1").envs(variables.iter().cloned());
            if variables.iter().any(|(name, _)| *name == "GIT_CONFIG_SYSTEM") {
                command.env_remove("GIT_CONFIG_NOSYSTEM");
            }
            command.output().unwrap().status.code().unwrap()
        };
        // 0 says that git ignores it, and 1 that it does not, as for us.
        assert_eq!(run("git", &["check-ignore", "-q", "s.txt"]), expected, "git: {what}");
        assert_eq!(run(env!("CARGO_BIN_EXE_keysieve"), &["scan"]), expected, "{what}");
    }
}
