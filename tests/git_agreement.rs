//! What git accepts, keysieve reads: commits and trees that are mutated at random, held against `git rev-list` and
//! `git log --raw -m`, and names of revisions against `git rev-parse`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use keysieve::scan::Progress;
use keysieve::source::changes::Options;
use keysieve::source::changes::range::{self, Range};
use keysieve_engine::Detector;
use keysieve_engine::rules::sample;
use keysieve_git::limits::Limits;
use keysieve_git::objects::Objects;
use keysieve_git::refs::Refs;
use keysieve_git::revision::Revisions;
use keysieve_git::{Repository, Trust};
use sha1::Digest as _;

fn run_git(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args([
            "-c",
            "user.name=Ann",
            "-c",
            "user.email=ann@corp.io",
            "-c",
            "init.defaultBranch=main",
            "-c",
            "gc.auto=0",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .current_dir(folder)
        .output()
        .unwrap()
}

/// What git prints; `None` where it fails.
fn try_git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = run_git(folder, arguments);
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    try_git(folder, arguments).unwrap_or_else(|| panic!("git {arguments:?}"))
}

/// Writes a loose object, whatever its bytes are.
fn write(folder: &Path, kind: &str, bytes: &[u8]) -> String {
    let whole = [format!("{kind} {}\0", bytes.len()).as_bytes(), bytes].concat();
    let oid: String = sha1::Sha1::digest(&whole).iter().map(|byte| format!("{byte:02x}")).collect();
    let path = folder.join(".git/objects").join(&oid[..2]).join(&oid[2..]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&whole).unwrap();
    fs::write(path, encoder.finish().unwrap()).unwrap();
    oid
}

fn raw(oid: &str) -> Vec<u8> {
    (0..oid.len()).step_by(2).map(|at| u8::from_str_radix(&oid[at..at + 2], 16).unwrap()).collect()
}

/// A small generator of numbers that gives the same ones everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

fn token(seed: u64) -> String {
    sample::fill("<crc32-base62 ghp_ 30>", seed).unwrap()
}

/// A tree with a token in a blob of its own under one of its entries, and other entries of all sorts.
fn tree(folder: &Path, random: &mut Random, secret: &str, others: &[String]) -> String {
    let blob = write(folder, "blob", format!("t = {secret}\n").as_bytes());
    let plain = write(folder, "blob", format!("x = {}\n", random.below(4)).as_bytes());
    let inner = write(folder, "tree", &[b"100644 inner\0", &raw(&blob)[..]].concat());
    let names = ["a.py", "b.py", "a", "a.py", "d", "d/e", ".git", "..", "z z", "ü"];
    let modes = ["100644", "100644", "100755", "120000", "0100644", "100664", "160000", "0"];
    let mut entries: Vec<Vec<u8>> = (0..random.below(4))
        .map(|_| {
            let (mode, oid) = match random.below(5) {
                0 => ("40000", others.get(random.below(others.len().max(1))).unwrap_or(&inner)),
                _ => (random.pick(&modes), &plain),
            };
            [mode.as_bytes(), b" ", random.pick(&names).as_bytes(), b"\0", &raw(oid)].concat()
        })
        .collect();
    let (mode, oid) = match random.below(4) {
        0 => ("40000", &inner),
        1 => ("040000", &inner),
        _ => (random.pick(&["100644", "100755", "100664", "120000"]), &blob),
    };
    let entry = [mode.as_bytes(), b" ", random.pick(&names).as_bytes(), b"\0", &raw(oid)].concat();
    entries.insert(random.below(entries.len() + 1), entry);
    if random.below(2) == 0 {
        entries.sort();
    }
    let mut bytes = entries.concat();
    match random.below(12) {
        0 => bytes.truncate(bytes.len() - random.below(8)),
        1 => bytes.extend_from_slice(random.pick(&[&b"100644 "[..], b"8 x\0", b" \0", b"\0\0"])),
        _ => {}
    }
    write(folder, "tree", &bytes)
}

/// A commit with odd lines at odd places.
fn commit(folder: &Path, random: &mut Random, tree: &str, parents: &[&String], clock: usize) -> String {
    let mut lines = vec![format!("tree {tree}")];
    lines.extend(parents.iter().map(|parent| format!("parent {parent}")));
    lines.push(format!("author A <a@b.c> {clock} +0000"));
    lines.push(format!("committer C <c@d.e> {} +0000", [clock, 0, clock * 1000][random.below(3)]));
    for _ in 0..random.below(3) {
        let line = match random.below(9) {
            0 => format!("parent {}", "z".repeat(40)),
            1 => format!("parent {tree}"),
            2 => parents.first().map_or("x".to_owned(), |parent| format!("parent {parent}")),
            3 => format!("tree {tree}"),
            4 => "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----".to_owned(),
            5 => "encoding latin1".to_owned(),
            6 => "author".to_owned(),
            7 => "\0 x".to_owned(),
            _ => "x-header y".to_owned(),
        };
        // Mostly where git still accepts the commit: behind the committer.
        let at = if random.below(5) == 0 { random.below(lines.len() + 1) } else { lines.len() };
        lines.insert(at, line);
    }
    match random.below(10) {
        0 => drop(lines.remove(random.below(lines.len()))),
        1 => {
            let at = random.below(lines.len());
            lines[at] += random.pick(&[" ", "\r", "x"]);
        }
        2 => {
            let at = random.below(lines.len());
            lines[at] = lines[at].to_uppercase().replacen("TREE", "tree", 1).replacen("PARENT", "parent", 1);
        }
        _ => {}
    }
    let message = random.pick(&["\n\nhi\n", "\n", "\n\n", "\r\n\r\nhi\n", "\n\nhi\n\nparent x\n"]);
    write(folder, "commit", (lines.join("\n") + message).as_bytes())
}

#[test]
fn ranges_hold_what_git_lists_or_are_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    git(folder, &["init", "-q"]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", "start"]);
    let base = git(folder, &["rev-parse", "HEAD"]);
    let detector = Detector::builtin();
    let (mut accepted, mut found_all) = (0, 0);
    for seed in 0..150u64 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed + 1) << 20);
        let (mut commits, mut trees, mut secrets) = (vec![base.clone()], Vec::new(), Vec::new());
        for round in 0..1 + random.below(4) as u64 {
            let secret = token(1000 * seed + round);
            trees.push(tree(folder, &mut random, &secret, &trees));
            secrets.push(secret);
            let mut parents = vec![commits.last().unwrap()];
            if random.below(3) == 0 {
                parents.push(&commits[random.below(commits.len())]);
            }
            let commit = commit(folder, &mut random, trees.last().unwrap(), &parents, 1000 + 10 * seed as usize);
            commits.push(commit);
        }
        let head = commits.last().unwrap();
        let listed = try_git(folder, &["rev-list", &format!("{base}..{head}")]);
        let raw =
            try_git(folder, &["log", "--raw", "-m", "--root", "--no-abbrev", "--format=", &format!("{base}..{head}")]);
        let repository = Repository::discover(folder, Trust::default()).unwrap();
        let (complete, found, count) = match range::resolve(&repository, &Range::Between(base.clone(), head.clone())) {
            Err(_) => (false, BTreeSet::new(), 0),
            Ok(ends) => {
                let changes = range::scan(&repository, &ends, &detector, &Progress::default(), Options::default());
                let found = changes.findings.iter().map(|it| it.secret.expose().to_vec()).collect();
                (changes.summary.gaps.is_empty(), found, changes.summary.commits.unwrap_or(0))
            }
        };
        let Some(listed) = listed else {
            assert!(!complete, "seed {seed}: git refuses {head}, and it was called complete");
            continue;
        };
        accepted += 1;
        if !complete {
            continue;
        }
        assert_eq!(count as usize, listed.lines().count(), "seed {seed}: commits of {base}..{head}");
        // Where git cannot compare trees in odd orders, all that was planted counts.
        let planted = |at: &usize| listed.contains(&commits[at + 1]);
        if raw.is_none() {
            for at in (0..secrets.len()).filter(planted) {
                assert!(found.contains(secrets[at].as_bytes()), "seed {seed}: {} in {base}..{head}", secrets[at]);
            }
        }
        for line in raw.iter().flat_map(|raw| raw.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (mode, new) = (words[1], words[3]);
            if mode == "160000" || new.bytes().all(|byte| byte == b'0') {
                continue;
            }
            let text = git(folder, &["cat-file", "-p", new]);
            for secret in secrets.iter().filter(|secret| text.contains(secret.as_str())) {
                assert!(found.contains(secret.as_bytes()), "seed {seed}: {secret} of {line} in {base}..{head}");
            }
        }
        found_all += 1;
    }
    // Else nothing was tried.
    assert!(accepted > 75 && found_all > 50, "{accepted} accepted by git, {found_all} complete");
}

#[test]
fn revisions_are_what_git_takes_them_for() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q"]);
    let commit = |message: &str| git(root, &["commit", "-q", "--allow-empty", "-m", message]);
    for round in 0..40 {
        commit(&format!("main {round}"));
    }
    git(root, &["checkout", "-q", "-b", "side", "HEAD~7"]);
    commit("side");
    git(root, &["tag", "light"]);
    git(root, &["tag", "-a", "-m", "one", "v1.0", "main~5"]);
    git(root, &["tag", "-a", "-m", "over", "over", "v1.0"]);
    git(root, &["tag", "both", "main~3"]);
    git(root, &["branch", "both", "main~4"]);
    git(root, &["update-ref", "refs/remotes/origin/main", "main~2"]);
    git(root, &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    git(root, &["tag", "origin/main", "main~9"]);
    git(root, &["checkout", "-q", "main"]);
    git(root, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    git(root, &["reset", "-q", "--hard", "HEAD~1"]);
    git(root, &["merge", "-q", "--no-ff", "-m", "merge again", "side"]);
    // Refs whose names are ids, or begin ids, of something else.
    let other = git(root, &["rev-parse", "main~6"]);
    git(root, &["update-ref", &format!("refs/tags/{other}"), "main~8"]);
    git(root, &["update-ref", &format!("refs/heads/{}", &other[..7]), "main~8"]);
    let ids: Vec<String> = git(root, &["rev-list", "--all"]).lines().map(str::to_owned).collect();
    // Blobs, and a commit, whose ids begin as commits' do.
    let id_of = |kind: &str, bytes: &[u8]| -> String {
        let whole = [format!("{kind} {}\0", bytes.len()).as_bytes(), bytes].concat();
        sha1::Sha1::digest(&whole).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let tree = git(root, &["rev-parse", "HEAD^{tree}"]);
    let commit_text = |number: u32| {
        format!("tree {tree}\nauthor A <a@b> {number} +0000\ncommitter A <a@b> {number} +0000\n\nalone\n").into_bytes()
    };
    let begins_as_one = |id: &str| ids.iter().any(|it| it[..4] == id[..4]);
    let mut shared: Vec<String> = Vec::new();
    for (kind, most) in [("blob", 6), ("commit", 2)] {
        let bytes = |number: u32| if kind == "blob" { number.to_string().into_bytes() } else { commit_text(number) };
        let like_commits = (1u32..).filter(|number| begins_as_one(&id_of(kind, &bytes(*number))));
        shared.extend(like_commits.take(most).map(|number| write(root, kind, &bytes(number))));
    }
    let repository = Repository::discover(root, Trust::default()).unwrap();
    let names = [
        "HEAD",
        "@",
        "main",
        "side",
        "light",
        "v1.0",
        "over",
        "both",
        "heads/both",
        "tags/both",
        "refs/heads/both",
        "origin",
        "origin/main",
        "remotes/origin/main",
        "ORIG_HEAD",
        "FETCH_HEAD",
        "nobody",
        "refs/heads/nobody",
        "tags/v1.0",
        "@{1}",
        "main@{0}",
        "main@{1}",
        "main@{2}",
        "main@{3}",
        "main@{99}",
        "HEAD@{1}",
        "side@{0}",
        "@{-1}",
        "@{-2}",
        "v1.0-2-g{id}",
        "{id}",
        "{short}",
        "{five}",
        "{UPPER}",
        "",
        "refs/heads/main@{1}",
        "@{0}",
        "light@{0}",
        ":/main 7",
        ":/side",
        ":/main 3",
        ":/nobody",
        ":/!-main",
        ":/!!x",
        ":/!x",
    ];
    let steps = [
        "",
        "~",
        "^",
        "~1",
        "^1",
        "^2",
        "^3",
        "~3",
        "^0",
        "^{}",
        "^{commit}",
        "^{tree}",
        "^{tag}",
        "^{object}",
        "~2^2",
        "^^",
        "~~",
        "^2~1",
        "^{}~1",
        "^{commit}^",
        "~99",
        "^{/main 1}",
        "^{/}",
        "^{/nobody}",
        "^{/!-main}",
    ];
    let mut random = Random(77);
    let (mut same, mut known, mut several) = (0, 0, 0);
    // As files, and as packs.
    for form in 0..2 {
        if form == 1 {
            git(root, &["pack-refs", "--all"]);
            git(root, &["repack", "-q", "-d"]);
        }
        let objects = Objects::open(&repository, Limits::default(), &mut Vec::new());
        let refs = Refs::read(repository.git_folder(), repository.common_folder());
        let revisions = Revisions { repository: &repository, objects: &objects, refs: &refs };
        for round in 0..750 {
            let id = &ids[random.below(ids.len())];
            let id = if round % 9 == 0 { &other } else { id };
            let name = names[round % names.len()]
                .replace("{id}", id)
                .replace("{short}", &id[..7])
                .replace("{five}", &id[..4])
                .replace("{UPPER}", &id.to_uppercase());
            let name = format!("{name}{}", random.pick(&steps));
            // Where `^{tag}` leads nowhere, git reads the `0}^{tag` of `x@{0}^{tag}` as a date.
            let is_date = name.contains("@{") && name.ends_with('}') && name.contains("^{");
            // What comes behind `:/` is text, of which only words are read.
            let is_expression = name.starts_with(":/") && name.contains(['^', '~', '{']);
            if name.is_empty() || name.starts_with(['~', '^']) || is_date || is_expression {
                continue;
            }
            let expected = try_git(root, &["rev-parse", "--verify", "-q", &name]);
            let found = revisions.object(&name).ok().map(|oid| oid.to_string());
            // Of several ids that begin so git takes the only commit where it wants one, as all commands here do.
            let is_several = shared.iter().any(|it| name.starts_with(&it[..4]) && !name.starts_with(&it[..5]));
            if !is_several {
                assert_eq!(found, expected, "{name}");
            }
            same += 1;
            known += usize::from(expected.is_some());
        }
        for id in &shared {
            for step in ["", "~1", "^{commit}"] {
                let name = format!("{}{step}", &id[..4]);
                let expected = try_git(root, &["rev-parse", "--verify", "-q", &format!("{name}^{{commit}}")]);
                let found = revisions.commit(&name).ok().map(|oid| oid.to_string());
                assert_eq!(found, expected, "{name}");
                several += usize::from(expected.is_none());
            }
        }
    }
    assert!(same >= 1000 && known > 400 && several > 0, "{same} tried, {known} known to git, {several} ambiguous");
    let objects = Objects::open(&repository, Limits::default(), &mut Vec::new());
    let refs = Refs::read(repository.git_folder(), repository.common_folder());
    let revisions = Revisions { repository: &repository, objects: &objects, refs: &refs };
    assert_eq!(revisions.ambiguity("both").unwrap(), ["refs/tags/both", "refs/heads/both"]);
    assert_eq!(revisions.ambiguity("origin/main~1").unwrap()[0], "refs/tags/origin/main");
    for clear in ["main", "refs/heads/both", "origin", &other, "v1.0"] {
        assert!(revisions.ambiguity(clear).is_none(), "{clear}");
    }
}
