//! Commits, trees and tags that git accepts although it would not write them, and some that it refuses.

use super::forge::Random;
use super::forge::repository::{Kind, Object, Oid, PERSON, commit, tree_entry};
use super::{Lab, Listing};

/// A commit with the token in a file or in its own text, and another on top of it; one of the two is mutated.
pub fn commits(random: &mut Random, lab: &mut Lab) {
    let empty = lab.repository.tree(&[]);
    let base = lab.repository.loose(&commit(empty, &[], "base"));
    let other = lab.repository.loose(&commit(empty, &[], "other"));
    let line = lab.line();
    let blob = lab.repository.blob(line.as_bytes());
    let tree = lab.repository.tree(&[("100644", b"a.py", blob)]);
    // In a file, or in one of the places of a commit.
    let place = *random.pick(&["file", "file", "file", "message", "author", "committer", "header", "signature"]);
    lab.note(format!("the token in the {place}"), true);
    let in_file = place == "file";
    let leak_first = random.one_in(2);
    let mut parent = base;
    let mut leak = base;
    for at in 0..2 {
        let is_leak = (at == 0) == leak_first;
        let tree = if is_leak && in_file { tree } else { empty };
        let mut lines = vec![
            format!("tree {tree}"),
            format!("parent {parent}"),
            format!("author {PERSON}"),
            format!("committer {PERSON}"),
        ];
        let mut message = String::from("message\n");
        if is_leak {
            let token = lab.token.clone();
            match place {
                "message" => message = format!("message\n\n{line}"),
                "author" => lines[2] = format!("author {token} <a@corp.io> 1700000000 +0000"),
                "committer" => lines[3] = format!("committer A <{token}@corp.io> 1700000000 +0000"),
                "header" => lines.push(format!("x-deploy {token}")),
                "signature" => {
                    lines.push(format!("gpgsig -----BEGIN PGP SIGNATURE-----\n {token}\n -----END PGP SIGNATURE-----"))
                }
                _ => {}
            }
        }
        if at == 1 || random.one_in(3) {
            mutate(random, lab, &mut lines, &mut message, &[base, other, parent, empty, blob]);
        }
        let mut text = lines.join("\n");
        if random.one_in(30) {
            text = text.replacen('\n', "\r\n", 2);
            lab.note("CRLF", false);
        }
        if random.one_in(30) {
            lab.note("no blank line and no message", false);
        } else {
            text = format!("{text}\n\n{message}");
        }
        if is_leak && !in_file && !text.contains(&lab.token) {
            // A mutation took it away.
            return;
        }
        parent = lab.repository.loose(&Object::new(Kind::Commit, text));
        if is_leak {
            leak = parent;
        }
    }
    lab.repository.reference("refs/heads/main", parent);
    lab.repository.reference("refs/heads/base", base);
    let wanted = if in_file { blob } else { leak };
    lab.ask_range("base..main", wanted);
    lab.ask_range(&format!("{base}..{parent}"), wanted);
    lab.ask(&["history"]);
    if random.one_in(4) {
        let zeros = "0".repeat(40);
        let from = if random.one_in(2) { base.to_string() } else { zeros };
        let listed = Some((Listing::Range(format!("{base}..{parent}")), wanted));
        let question = lab.ask(&["range", "--pre-push"]);
        question.input = format!("refs/heads/main {parent} refs/heads/main {from}\n").into();
        question.listed = listed;
    }
}

fn mutate(random: &mut Random, lab: &mut Lab, lines: &mut Vec<String>, message: &mut String, known: &[Oid]) {
    for _ in 0..random.below(3) {
        let some = *random.pick(known);
        let unknown = "12".repeat(20);
        let (line, is_ordinary) = match random.below(17) {
            0 => ("parent zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz".to_owned(), false),
            1 => (format!("parent {some}"), false),
            2 => (format!("tree {some}"), false),
            3 => (format!("parent {unknown}"), false),
            4 => (format!("author {PERSON}"), false),
            5 => (format!("committer {PERSON}"), false),
            6 => ("encoding ISO-8859-1".to_owned(), true),
            7 => ("gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQEz\n -----END PGP SIGNATURE-----".to_owned(), true),
            8 => (format!("mergetag object {some}\n type commit\n tag v1\n tagger {PERSON}\n \n message"), true),
            9 => ("HG:extra branch:default".to_owned(), true),
            10 => (String::new(), false),
            11 => ("x".repeat(random.below(70_000)), false),
            12 => (" continued".to_owned(), false),
            13 => ("parent ".to_owned(), false),
            14 => (format!("parent {}", some.to_string().to_uppercase()), false),
            15 => (format!("parent  {some}"), false),
            _ => (format!("parent {some} "), false),
        };
        // Ordinary ones stand after the committer; the others anywhere.
        let at = if is_ordinary { lines.len() } else { random.below(lines.len() + 1) };
        lab.note(format!("line {at}: {:?}", &line[..line.len().min(30)]), is_ordinary);
        lines.insert(at, line);
    }
    let has_token = message.contains(&lab.token);
    match random.below(14) {
        0 => {
            let at = random.below(lines.len());
            lab.note(format!("without line {at}"), false);
            lines.remove(at);
        }
        1 => {
            let (a, b) = (random.below(lines.len()), random.below(lines.len()));
            lab.note(format!("lines {a} and {b} exchanged"), false);
            lines.swap(a, b);
        }
        2 => {
            let at = random.below(lines.len());
            let half = lines[at].len() / 2;
            if lines[at].is_char_boundary(half) {
                lines[at].insert(half, '\0');
            }
            lab.note("a NUL", false);
        }
        3 if !has_token => {
            *message = "line\n".repeat(random.below(40_000));
            lab.note("a long message", true);
        }
        4 if !has_token => {
            message.clear();
            lab.note("an empty message", true);
        }
        5 => {
            let person = *random.pick(&[
                "",
                " ",
                "A",
                "A <a@b>",
                "A <a@b> x y",
                "<> 0 +0000",
                "A <a@b> 99999999999999999999 +0000",
                "A <a@b> -1 -9999",
                "A <a@b> 1 +0000 extra",
            ]);
            if let Some(line) = lines.iter_mut().find(|line| line.starts_with("author")) {
                *line = format!("author {person}");
            }
            lab.note(format!("the author {person:?}"), false);
        }
        6 => {
            let at = random.below(lines.len());
            lines[at].push('\r');
            lab.note("a carriage return", false);
        }
        _ => {}
    }
}

/// Trees with odd entries, and one with the token.
pub fn trees(random: &mut Random, lab: &mut Lab) {
    let empty = lab.repository.tree(&[]);
    let base_blob = lab.repository.blob(b"x = 1\n");
    let base_tree = lab.repository.tree(&[("100644", b"a.txt", base_blob)]);
    let base = lab.repository.loose(&commit(if random.one_in(3) { empty } else { base_tree }, &[], "base"));
    let line = lab.line();
    let mut in_name = false;
    let mut content = line.clone().into_bytes();
    let names: [&[u8]; 24] = [
        b"a.py",
        b"a.txt",
        b".git",
        b".",
        b"..",
        b"a/b",
        b"/",
        b"/a",
        b"a/",
        b"../x",
        b".git/config",
        b"a\\b",
        b"a\nb",
        b" ",
        b"\xff",
        b"~",
        b".gitmodules",
        b".gitattributes",
        b"node_modules",
        b"package-lock.json",
        b"CON",
        b".GIT",
        b"a.py!",
        b"b!",
    ];
    let modes = [
        "100644",
        "100755",
        "100664",
        "120000",
        "0100644",
        "100600",
        "0",
        "000000",
        "100000",
        "110000",
        "177777",
        "644",
        "20000",
        "140000",
        "40000000100644",
    ];
    let mut name = random.pick(&names).to_vec();
    let mode = *random.pick(&modes);
    if random.one_in(6) {
        in_name = true;
        content = b"x = 2\n".to_vec();
        name = [name, lab.token.clone().into_bytes()].concat();
        lab.note("the token in a name", true);
    }
    let is_ordinary = matches!(&name[..], b"a.py" | b"a.txt" | b"node_modules" | b"package-lock.json")
        && ["100644", "100755", "100664"].contains(&mode);
    lab.note(format!("{mode} {}", name.escape_ascii()), is_ordinary);
    let blob = lab.repository.blob(&content);
    let mut entries = vec![tree_entry(mode, &name, blob)];
    for _ in 0..random.below(4) {
        let other = random.pick(&names).to_vec();
        let (other, what) = match random.below(6) {
            0 => (tree_entry("100644", &name, base_blob), "another file of that name"),
            1 => (tree_entry("40000", &name, empty), "a folder of that name"),
            2 => (tree_entry("160000", &name, base), "a submodule of that name"),
            3 => (tree_entry("100644", &other, base_blob), "a file"),
            4 => (tree_entry("40000", &other, base_tree), "a folder"),
            _ => (tree_entry("40000", &other, base_blob), "a folder that is a file"),
        };
        let at = random.below(entries.len() + 1);
        lab.note(format!("{what} at {at}"), false);
        entries.insert(at, other);
    }
    let mut body = entries.concat();
    match random.below(16) {
        0 => {
            body.extend(b"100644 cut");
            lab.note("an entry that is cut", false);
        }
        1 => {
            body.splice(0..0, b"9 x\0".iter().copied());
            lab.note("an entry that is none before", false);
        }
        _ => {}
    }
    let mut tree = lab.repository.loose(&Object::new(Kind::Tree, body));
    let depth = *random.pick(&[0, 0, 0, 1, 3, 40, 520, 700]);
    for _ in 0..depth {
        tree = lab.repository.tree(&[("40000", b"d", tree)]);
    }
    lab.note(format!("{depth} folders deep"), depth < 100);
    if !in_name && random.one_in(12) {
        tree = lab.repository.tree(&[("100644", b"d", tree)]);
        lab.note("the folder called a file", false);
    }
    let leak = lab.repository.loose(&commit(tree, &[base], "leak"));
    let back = random.one_in(3);
    let head = if back { lab.repository.loose(&commit(empty, &[leak], "back")) } else { leak };
    lab.repository.reference("refs/heads/main", head);
    let wanted = if in_name { leak } else { blob };
    lab.ask_range(&format!("{base}..main"), wanted);
    lab.ask(&["history"]);
}

/// Tags of everything, with the token in what they name, in their message, or in who made them.
pub fn tags(random: &mut Random, lab: &mut Lab) {
    let empty = lab.repository.tree(&[]);
    let base = lab.repository.loose(&commit(empty, &[], "base"));
    lab.repository.reference("refs/heads/main", base);
    let line = lab.line();
    let place = *random.pick(&["blob", "tree", "commit", "message", "tagger", "header", "name"]);
    lab.note(format!("the token in the {place}"), true);
    let (mut target, mut kind) = match place {
        "blob" => (lab.repository.blob(line.as_bytes()), "blob"),
        "tree" => {
            let blob = lab.repository.blob(line.as_bytes());
            (lab.repository.tree(&[("100644", b"a.py", blob)]), "tree")
        }
        "commit" => {
            let blob = lab.repository.blob(line.as_bytes());
            let tree = lab.repository.tree(&[("100644", b"a.py", blob)]);
            (lab.repository.loose(&commit(tree, &[base], "tagged")), "commit")
        }
        _ => (base, "commit"),
    };
    let count = random.below(4) + usize::from(!matches!(place, "blob" | "tree" | "commit"));
    let with_token = random.below(count.max(1));
    for at in 0..count {
        let mut lines =
            vec![format!("object {target}"), format!("type {kind}"), "tag v1".to_owned(), format!("tagger {PERSON}")];
        let mut message = "a tag\n".to_owned();
        if at == with_token {
            let token = lab.token.clone();
            match place {
                "message" => message = line.clone(),
                "tagger" => lines[3] = format!("tagger {token} <a@b> 1 +0000"),
                "header" => lines.push(format!("x-deploy {token}")),
                "name" => lines[2] = format!("tag {token}"),
                _ => {}
            }
        }
        match random.below(10) {
            0 => {
                let at = 1 + random.below(lines.len() - 1);
                lab.note(format!("a tag without line {at}"), false);
                lines.remove(at);
            }
            1 => {
                lab.note("a tag with another line", false);
                // Not at its head: then it would be that which it names.
                let at = 1 + random.below(lines.len());
                lines.insert(at, format!("object {base}"));
            }
            2 => {
                lines[1] = "type blob".to_owned();
                lab.note("a tag that lies about its type", false);
            }
            _ => {}
        }
        if at == with_token
            && matches!(place, "message" | "tagger" | "header" | "name")
            && !(lines.concat() + &message).contains(&lab.token)
        {
            // A mutation took it away.
            return;
        }
        target = lab.repository.loose(&Object::new(Kind::Tag, format!("{}\n\n{message}", lines.join("\n"))));
        kind = "tag";
    }
    lab.note(format!("{count} tags"), true);
    let name = random
        .pick(&["refs/tags/v1", "refs/heads/odd", "refs/notes/x", "refs/x/y", "refs/tags/origin/main"])
        .to_owned();
    lab.repository.reference(name, target);
    lab.ask(&["history"]);
    lab.ask(&["range", "--pre-push"]).input = format!("{name} {target} {name} {}\n", "0".repeat(40)).into();
}
