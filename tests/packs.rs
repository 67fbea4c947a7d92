//! What packs and loose objects claim and do not hold: never clean, and never without an end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod forge;

use std::process::Command;

use forge::repository::{IndexEntry, Kind, Object, PackForm, Packed, Repository, commit, index, tree_entry};
use forge::{line, token};

/// A base, and a commit on it in which a file with a token is new: base, head, the tree and the file, and the rest.
struct Leak {
    base: Object,
    head: Object,
    tree: Object,
    file: Object,
    rest: Vec<Object>,
}

impl Leak {
    fn new() -> Self {
        let empty = Object::new(Kind::Tree, "");
        let base = commit(empty.oid(), &[], "base");
        let file = Object::new(Kind::Blob, line(&token(3)));
        let tree = Object::new(Kind::Tree, tree_entry("100644", b"a.py", file.oid()));
        let head = commit(tree.oid(), &[base.oid()], "head");
        Self { base, head, tree, file, rest: vec![empty] }
    }
}

type Store = fn(&Repository, &Leak);

fn all_but(repository: &Repository, leak: &Leak, left_out: &Object) {
    let all = [&leak.base, &leak.head, &leak.tree, &leak.file].into_iter().chain(&leak.rest);
    for object in all.filter(|object| object.oid() != left_out.oid()) {
        repository.loose(object);
    }
}

/// Two objects in a pack, each a delta on the other.
fn circle(repository: &Repository, object: &Object, name: &str) {
    let other = Object::new(object.kind, [&object.body[..], b"x"].concat());
    let entries = [Packed::RefDelta(object.clone(), other.clone()), Packed::RefDelta(other, object.clone())];
    repository.pack(&entries, PackForm::default(), name);
}

fn lie(repository: &Repository, leak: &Leak) {
    all_but(repository, leak, &leak.file);
    let other = Object::new(Kind::Blob, "x = 1\n");
    let form = PackForm { lying_index: true, ..PackForm::default() };
    repository.pack(&[Packed::Whole(leak.file.clone()), Packed::Whole(other)], form, "1");
}

#[test]
fn what_is_stored_wrongly_is_said() {
    // What stands where, and the exit codes of `range`, `staged` and `history`.
    let rows: [(&str, [i32; 3], Store); 9] = [
        ("loose objects", [1, 1, 1], |repository, leak| {
            all_but(repository, leak, &leak.base);
            repository.loose(&leak.base);
        }),
        ("a chain of deltas", [1, 1, 1], |repository, leak| {
            all_but(repository, leak, &leak.file);
            let (a, b) = (Object::new(Kind::Blob, "x"), Object::new(Kind::Blob, "xy"));
            let chain =
                [Packed::Whole(a.clone()), Packed::RefDelta(b.clone(), a), Packed::RefDelta(leak.file.clone(), b)];
            repository.pack(&chain, PackForm { index_version_1: true, ..PackForm::default() }, "1");
        }),
        ("a file that is a delta on itself", [3, 3, 3], |repository, leak| {
            all_but(repository, leak, &leak.file);
            let entries = [Packed::RefDelta(leak.file.clone(), leak.file.clone())];
            repository.pack(&entries, PackForm::default(), "1");
        }),
        ("a file whose deltas go in a circle", [3, 3, 3], |repository, leak| {
            all_but(repository, leak, &leak.file);
            circle(repository, &leak.file, "1");
        }),
        ("a commit whose deltas go in a circle", [3, 3, 3], |repository, leak| {
            all_but(repository, leak, &leak.head);
            circle(repository, &leak.head, "1");
        }),
        ("a circle beside a loose file", [1, 1, 3], |repository, leak| {
            all_but(repository, leak, &leak.base);
            repository.loose(&leak.base);
            circle(repository, &leak.file, "1");
        }),
        ("an index that exchanges two objects", [3, 3, 1], lie),
        ("a count that is not the index's", [3, 3, 3], |repository, leak| {
            all_but(repository, leak, &leak.file);
            let form = PackForm { short_count: true, ..PackForm::default() };
            repository.pack(&[Packed::Whole(leak.file.clone())], form, "1");
        }),
        ("another file under its id", [3, 3, 3], |repository, leak| {
            all_but(repository, leak, &leak.file);
            repository.loose_as(leak.file.oid(), &Object::new(Kind::Blob, "x = 1\n"));
        }),
    ];
    for (what, codes, store) in rows {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::new(folder.path());
        let leak = Leak::new();
        store(&repository, &leak);
        repository.reference("refs/heads/main", leak.head.oid());
        let range = format!("{}..main", leak.base.oid());
        for (arguments, code) in [&["range", &range][..], &["staged"], &["history"]].into_iter().zip(codes) {
            if arguments == ["staged"] {
                repository.reference("refs/heads/main", leak.base.oid());
                repository.file("index", index(&[IndexEntry::new("a.py", leak.file.oid())], 2, &[], true));
                if what.starts_with("a commit") {
                    repository.reference("refs/heads/main", leak.head.oid());
                }
            }
            repository.reference("refs/heads/other", leak.head.oid());
            let output = Command::new(env!("CARGO_BIN_EXE_keysieve"))
                .args(arguments)
                .current_dir(folder.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{what}, {arguments:?}: {said}");
        }
    }
}
