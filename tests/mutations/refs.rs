//! Names of revisions that several things have, refs in every form, and what replaces or cuts off commits.

use super::Lab;
use super::forge::Random;
use super::forge::repository::{Oid, commit};

/// A base, a commit with the token, a commit without it: ids of each, and of the blob.
fn history(lab: &mut Lab) -> (Oid, Oid, Oid, Oid) {
    let empty = lab.repository.tree(&[]);
    let base = lab.repository.loose(&commit(empty, &[], "base"));
    let line = lab.line();
    let blob = lab.repository.blob(line.as_bytes());
    let tree = lab.repository.tree(&[("100644", b"a.py", blob)]);
    let leak = lab.repository.loose(&commit(tree, &[base], "leak"));
    let head = lab.repository.loose(&commit(empty, &[leak], "head"));
    (base, leak, head, blob)
}

/// The same name as a branch, a tag, a remote's branch, an id: whatever git takes it for, what it lists is read.
pub fn names(random: &mut Random, lab: &mut Lab) {
    let (base, leak, head, blob) = history(lab);
    let all = [base, leak, head];
    lab.repository.reference("refs/heads/main", head);
    lab.repository.reference("refs/remotes/origin/main", base);
    lab.repository.reference("refs/heads/base", base);
    let short = base.to_string()[..7 + random.below(20)].to_owned();
    let base_names = [
        "base".to_owned(),
        "origin/main".to_owned(),
        base.to_string(),
        short,
        "heads/base".to_owned(),
        "refs/heads/base".to_owned(),
        "main~2".to_owned(),
        "HEAD^^".to_owned(),
    ];
    let head_names = [
        "main".to_owned(),
        head.to_string(),
        "HEAD".to_owned(),
        head.to_string()[..9].to_owned(),
        "@".to_owned(),
        "heads/main".to_owned(),
        "HEAD^0".to_owned(),
    ];
    let (from, to) = (random.pick(&base_names).clone(), random.pick(&head_names).clone());
    let mut packed = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    for _ in 0..random.below(4) {
        let name = random.pick(&[&from, &to]).split(['~', '^']).next().unwrap().to_owned();
        let other = *random.pick(&all);
        let full = match random.below(7) {
            0 => format!("refs/{name}"),
            1 => format!("refs/tags/{name}"),
            2 => format!("refs/heads/{name}"),
            3 => format!("refs/remotes/{name}"),
            4 => format!("refs/remotes/{name}/HEAD"),
            5 => format!("refs/tags/{}", name.to_uppercase()),
            _ => name.clone(),
        };
        // Only such names as nothing else needs as a folder.
        if lab.repository.git.join(&full).is_dir()
            || full.starts_with('@')
            || name == "HEAD"
            || name.starts_with("refs/") && full == name
        {
            continue;
        }
        lab.note(format!("{full} is {other}"), false);
        if random.one_in(2) {
            packed = format!("{packed}{other} {full}\n");
        } else if std::fs::create_dir_all(lab.repository.git.join(&full).parent().unwrap()).is_ok()
            && !lab.repository.git.join(&full).is_dir()
        {
            lab.repository.reference(&full, other);
        }
    }
    lab.repository.file("packed-refs", packed);
    lab.note(format!("{from}..{to}"), true);
    let range = format!("{from}..{to}");
    lab.ask_range(&range, blob);
    if random.one_in(4) {
        lab.ask_range(&format!("{from}...{to}"), blob);
    }
}

/// The only ref that leads to the token, in every form that refs have.
pub fn refs(random: &mut Random, lab: &mut Lab) {
    let (base, leak, head, blob) = history(lab);
    lab.repository.reference("refs/heads/main", base);
    let target = *random.pick(&[leak, head]);
    let names = [
        "refs/heads/x",
        "refs/heads/a/b/c",
        "refs/stash",
        "refs/notes/commits",
        "refs/remotes/o/x",
        "refs/tags/v1",
        "refs/x",
        "refs/pull/1/head",
        "refs/worktree/x",
        "refs/bisect/bad",
        "refs/original/refs/heads/x",
        "refs/heads/x.lock",
        "refs/heads/ü",
    ];
    let name = *random.pick(&names);
    match random.below(9) {
        0 => lab.repository.reference(name, target),
        1 => lab.repository.file("packed-refs", format!("{target} {name}\n")),
        2 => {
            // A loose one that hides a packed one.
            lab.repository.file("packed-refs", format!("{base} {name}\n"));
            lab.repository.reference(name, target);
        }
        3 => {
            lab.repository.reference("refs/heads/aim", target);
            lab.repository.file(name, "ref: refs/heads/aim\n");
        }
        4 => lab.repository.file("HEAD", format!("{target}\n")),
        5 => {
            let zeros = "0".repeat(40);
            lab.repository.file("logs/refs/heads/main", format!("{zeros} {target} A <a@b> 1 +0000\tcommit\n"));
        }
        6 => {
            lab.repository.file("worktrees/w/HEAD", format!("{target}\n"));
            lab.repository.file("worktrees/w/commondir", "../..\n");
            lab.repository.file("worktrees/w/gitdir", "/nowhere/.git\n");
        }
        7 => {
            lab.repository.file(name, "ref: refs/heads/nowhere\n");
            lab.note("a ref to nowhere", false);
        }
        _ => {
            lab.repository.file(name, random.bytes(41));
            lab.note("a broken ref", false);
        }
    }
    lab.note(format!("{name} or what stands for it"), false);
    lab.ask(&["history"]);
    lab.ask_range(&format!("{base}..{target}"), blob);
}

/// Replacements, grafts, and clones that end somewhere.
pub fn replaced(random: &mut Random, lab: &mut Lab) {
    let (base, leak, head, blob) = history(lab);
    lab.repository.reference("refs/heads/main", head);
    let empty = lab.repository.tree(&[]);
    let harmless = lab.repository.loose(&commit(empty, &[base], "harmless"));
    let original = *random.pick(&[leak, head, base, blob]);
    match random.below(5) {
        0 => {
            let by = if original == blob { lab.repository.blob(b"x\n") } else { harmless };
            lab.repository.reference(&format!("refs/replace/{original}"), by);
            lab.note(format!("{original} replaced by {by}"), false);
        }
        1 => {
            lab.repository.file("info/grafts", format!("{head} {base}\n"));
            lab.note("a graft past the token", false);
        }
        2 => {
            let cut = *random.pick(&[leak, head]);
            lab.repository.file("shallow", format!("{cut}\n"));
            lab.note(format!("shallow at {cut}"), false);
        }
        3 => {
            lab.repository.file("info/grafts", format!("{head}\n{leak} {base} {harmless}\n"));
            lab.note("grafts that cut off", false);
        }
        _ => {
            lab.repository.file("shallow", random.bytes(20));
            lab.note("a broken `shallow`", false);
        }
    }
    lab.ask(&["history"]);
    // Git may be made to look past it; the objects that are pushed are the ones that are there.
    lab.ask(&["range", &format!("{base}..main")]);
}
