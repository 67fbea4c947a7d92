//! The index, and the environment that git gives to a hook.

use super::forge::Random;
use super::forge::repository::{self, IndexEntry, Oid, Repository, commit};
use super::{Lab, Listing};

/// A cache of trees that holds its root only.
fn cache_tree(entries: usize, oid: Oid) -> Vec<u8> {
    [format!("\0{entries} 0\n").as_bytes(), &oid.0].concat()
}

pub fn index(random: &mut Random, lab: &mut Lab) {
    let old = lab.repository.blob(b"x = 1\n");
    let head_tree = lab.repository.tree(&[("100644", b"a.py", old), ("100644", b"b.py", old)]);
    let head = lab.repository.loose(&commit(head_tree, &[], "head"));
    if !random.one_in(6) {
        lab.repository.reference("refs/heads/main", head);
    }
    let line = lab.line();
    let mut in_name = false;
    let blob = lab.repository.blob(line.as_bytes());
    let paths: &[&str] = &["a.py", "b.py", "c.py", "d/e.py", ".git", "../x", "/x", "a.py/b", ""];
    let mut planted = IndexEntry::new(paths[random.below(paths.len())], blob);
    if random.one_in(6) {
        in_name = true;
        planted = IndexEntry::new(&format!("c-{}", lab.token), old);
    }
    lab.note(
        format!("{} staged{}", planted.path.escape_ascii(), if in_name { ", the token its name" } else { "" }),
        matches!(&planted.path[..], b"a.py" | b"b.py" | b"c.py" | b"d/e.py"),
    );
    let version = 2 + random.below(3) as u32;
    planted.assume_valid = random.one_in(5);
    planted.skip_worktree = version > 2 && random.one_in(5);
    planted.stage = *random.pick(&[0, 0, 0, 0, 0, 1, 2, 3]);
    planted.mode =
        *random.pick(&[0o100_644, 0o100_644, 0o100_644, 0o100_755, 0o120_000, 0o100_600, 0, 0o160_000, 0o40_000]);
    lab.note(
        format!(
            "version {version}, valid {}, skipped {}, stage {}, mode {:o}",
            planted.assume_valid, planted.skip_worktree, planted.stage, planted.mode
        ),
        planted.stage == 0 && matches!(planted.mode, 0o100_644 | 0o100_755),
    );
    let mut entries: Vec<IndexEntry> =
        ["a.py", "b.py"].iter().filter(|it| it.as_bytes() != planted.path).map(|it| IndexEntry::new(it, old)).collect();
    // What stands in a submodule is committed there.
    let mut is_committed = planted.mode != 0o160_000;
    // Side 1 of a conflict is what both sides had: it is committed already.
    let is_ancestor = planted.stage == 1;
    entries.push(planted.clone());
    if random.one_in(10) {
        let mut twice = planted;
        twice.oid = old;
        let at = random.below(entries.len() + 1);
        entries.insert(at, twice);
        lab.note("two entries of one name", false);
    } else {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        if random.one_in(8) {
            entries.reverse();
            lab.note("out of order", false);
        }
    }
    let mut extensions: Vec<(&[u8; 4], Vec<u8>)> = Vec::new();
    match random.below(8) {
        0 => {
            extensions.push((b"TREE", cache_tree(entries.len(), head_tree)));
            lab.note("a cache that calls it HEAD's tree", false);
            // Which is then what git commits.
            is_committed = false;
        }
        1 => {
            extensions.push((b"TREE", cache_tree(2, head_tree)));
            lab.note("a cache of two entries", false);
            is_committed &= entries.len() != 2;
        }
        2 => {
            extensions.push((b"TREE", random.bytes(30)));
            lab.note("a broken cache", false);
        }
        3 => {
            let name = *random.pick(&[b"XXXX", b"xxxx", b"link", b"sdir", b"UNTR", b"FSMN", b"EOIE", b"IEOT", b"REUC"]);
            extensions.push((name, random.bytes(24)));
            lab.note(format!("an extension {}", name.escape_ascii()), false);
        }
        _ => {}
    }
    let has_checksum = !random.one_in(5);
    lab.note(format!("checksum {has_checksum}"), true);
    let mut bytes = repository::index(&entries, version, &extensions, has_checksum);
    match random.below(14) {
        0 => {
            bytes.truncate(random.below(bytes.len()));
            lab.note("cut", false);
        }
        1 => {
            // One entry fewer than there are.
            bytes[11] -= 1;
            lab.note("a count that is too small", false);
        }
        2 => {
            bytes[7] = *random.pick(&[0, 1, 5, 9]);
            lab.note("a version that is none", false);
        }
        _ => {}
    }
    lab.repository.file("index", bytes);
    if is_committed && !is_ancestor {
        let question = lab.ask(&["staged"]);
        // A name has no object of its own.
        question.listed = (!in_name).then_some((Listing::Index, blob));
    }
}

/// What git sets for a hook: another index, another place for objects, another work tree.
pub fn environment(random: &mut Random, lab: &mut Lab) {
    let old = lab.repository.blob(b"x = 1\n");
    let tree = lab.repository.tree(&[("100644", b"a.py", old)]);
    let head = lab.repository.loose(&commit(tree, &[], "head"));
    lab.repository.reference("refs/heads/main", head);
    lab.repository.file("index", repository::index(&[IndexEntry::new("a.py", old)], 2, &[], true));
    let line = lab.line();
    let root = lab.repository.root.clone();
    let absolute = |path: &str| root.join(path).display().to_string();
    match random.below(5) {
        0 => {
            let blob = lab.repository.blob(line.as_bytes());
            let bytes = repository::index(&[IndexEntry::new("a.py", blob)], 2, &[], true);
            let name = *random.pick(&["next-index-1.lock", "index.lock", "x/other"]);
            lab.repository.file(name, bytes);
            let path = if random.one_in(2) { format!(".git/{name}") } else { absolute(&format!(".git/{name}")) };
            lab.note(format!("the index {path}"), true);
            lab.ask(&["staged"]).environment = vec![("GIT_INDEX_FILE", path)];
        }
        1 => {
            let other = Repository::new(&root.join("other"));
            let blob = other.blob(line.as_bytes());
            other.file("index", repository::index(&[IndexEntry::new("a.py", blob)], 2, &[], true));
            let git = if random.one_in(2) { "other/.git".to_owned() } else { absolute("other/.git") };
            lab.note(format!("the repository {git}"), false);
            lab.ask(&["staged"]).environment = vec![("GIT_DIR", git), ("GIT_WORK_TREE", absolute("other"))];
        }
        2 | 3 => {
            // As the objects of a push that is not accepted yet.
            let other = Repository::new(&root.join("other"));
            let blob = other.blob(line.as_bytes());
            let tree = other.tree(&[("100644", b"a.py", blob)]);
            let new = other.loose(&commit(tree, &[head], "new"));
            let environment = vec![
                ("GIT_OBJECT_DIRECTORY", absolute("other/.git/objects")),
                ("GIT_ALTERNATE_OBJECT_DIRECTORIES", absolute(".git/objects")),
                ("GIT_QUARANTINE_PATH", absolute("other/.git/objects")),
            ];
            lab.note("objects in quarantine", false);
            lab.ask(&["range", &format!("{head}..{new}")]).environment = environment;
            if random.one_in(2) {
                lab.ask(&["range", &format!("{head}..{new}")]);
            }
        }
        _ => {
            let blob = lab.repository.blob(line.as_bytes());
            lab.repository.file("index", repository::index(&[IndexEntry::new("a.py", blob)], 2, &[], true));
            lab.note("GIT_DIR as git gives it", true);
            lab.ask(&["staged"]).environment = vec![("GIT_DIR", ".git".to_owned()), ("GIT_PREFIX", String::new())];
        }
    }
}
