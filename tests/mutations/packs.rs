//! Packs, loose objects and alternates: where an object stands, twice or wrongly or not at all.

use super::Lab;
use super::forge::Random;
use super::forge::containers::zlib;
use super::forge::repository::{Kind, Object, Oid, PackForm, Packed, Repository, commit, tree_entry};

/// The objects of a base and of a commit with the token: all of them, the base's id, the head's, the blob's.
fn objects(random: &mut Random, lab: &Lab) -> (Vec<Object>, Oid, Oid, Oid) {
    let empty = Object::new(Kind::Tree, "");
    let base = commit(empty.oid(), &[], "base");
    let common = random.text(60);
    let old = Object::new(Kind::Blob, common.as_bytes());
    let blob = Object::new(Kind::Blob, format!("{common}{}", lab.line()));
    let old_tree = Object::new(Kind::Tree, tree_entry("100644", b"a.py", old.oid()));
    let tree = Object::new(Kind::Tree, tree_entry("100644", b"a.py", blob.oid()));
    let middle = commit(old_tree.oid(), &[base.oid()], "old");
    let leak = commit(tree.oid(), &[middle.oid()], "leak");
    let head = commit(old_tree.oid(), &[leak.oid()], "head");
    let ids = (base.oid(), head.oid(), blob.oid());
    (vec![empty, base, old, blob, old_tree, tree, middle, leak, head], ids.0, ids.1, ids.2)
}

pub fn packs(random: &mut Random, lab: &mut Lab) {
    let (objects, base, head, blob) = objects(random, lab);
    let mut loose: Vec<Object> = Vec::new();
    let mut packs: Vec<Vec<Packed>> = vec![Vec::new(); 1 + random.below(3)];
    for (at, object) in objects.iter().enumerate() {
        let chosen = random.below(packs.len());
        let pack = &mut packs[chosen];
        let of_kind = |it: &Object| it.kind == object.kind && it.oid() != object.oid();
        let before = (0..pack.len()).rev().find(|at| matches!(&pack[*at], Packed::Whole(it) | Packed::OffsetDelta(it, _) | Packed::RefDelta(it, _) if of_kind(it)));
        match random.below(6) {
            0 | 1 if before.is_some() => {
                let before = pack.len() - before.unwrap();
                pack.push(Packed::OffsetDelta(object.clone(), before));
            }
            2 if objects[..at].iter().any(of_kind) => {
                // Never in a circle: git itself takes all memory over one (`tests/packs.rs` has those). The base stands in this pack, in another, or alone.
                let other = objects[..at].iter().find(|it| of_kind(it)).unwrap();
                pack.push(Packed::RefDelta(object.clone(), other.clone()));
                if other.oid() > object.oid() || random.one_in(2) {
                    loose.push(other.clone());
                    lab.note("a base that stands alone", false);
                } else {
                    let at = random.below(packs.len());
                    packs[at].push(Packed::Whole(other.clone()));
                }
            }
            3 => loose.push(object.clone()),
            _ => pack.push(Packed::Whole(object.clone())),
        }
        if random.one_in(8) {
            let at = random.below(packs.len());
            packs[at].push(Packed::Whole(object.clone()));
            lab.note("an object twice", false);
        }
    }
    for (at, pack) in packs.iter().enumerate().filter(|(_, pack)| !pack.is_empty()) {
        let mut form = PackForm { index_version_1: random.one_in(3), ..PackForm::default() };
        match random.below(14) {
            0 => {
                form.lying_index = true;
            }
            1 => form.cut = 1 + random.below(60),
            2 => form.no_index = true,
            3 => form.no_pack = true,
            4 => form.short_count = true,
            _ => {}
        }
        let is_ordinary = form.cut == 0 && !(form.lying_index || form.no_index || form.no_pack || form.short_count);
        lab.note(format!("{form:?}"), is_ordinary);
        lab.repository.pack(pack, form, &format!("{at}"));
    }
    for object in &loose {
        lab.repository.loose(object);
    }
    if random.one_in(4) {
        let names: Vec<String> = std::fs::read_dir(lab.repository.git.join("objects/pack"))
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        let stem = random.pick(&names).rsplit_once('.').unwrap().0.to_owned();
        let other = *random.pick(&["keep", "promisor", "rev", "bitmap", "mtimes"]);
        lab.repository.file(&format!("objects/pack/{stem}.{other}"), random.bytes(60));
        lab.note(format!("a file `.{other}`"), false);
    }
    if random.one_in(8) {
        lab.repository.file("objects/pack/multi-pack-index", random.bytes(200));
        lab.note("a broken index of all packs", false);
    }
    ask(lab, base, head, blob);
}

pub fn loose(random: &mut Random, lab: &mut Lab) {
    let (objects, base, head, blob) = objects(random, lab);
    let elsewhere = lab.repository.git.join("elsewhere");
    let victim = random.below(objects.len());
    // With another content under its id the token is nowhere.
    let what = match random.below(9) {
        1 if objects[victim].oid() == blob => 0,
        what => what,
    };
    for (at, object) in objects.iter().enumerate() {
        let oid = object.oid();
        let hex = oid.to_string();
        let path = format!("objects/{}/{}", &hex[..2], &hex[2..]);
        if at != victim {
            lab.repository.loose(object);
            continue;
        }
        lab.note(format!("object {at}, a {}", object.kind.name()), true);
        match what {
            0 => lab.note("missing", false),
            1 => {
                lab.repository.loose_as(oid, &Object::new(object.kind, "x = 1\n"));
                lab.note("another content under its id", false);
            }
            2 => {
                let text =
                    [format!("{} {}\0", object.kind.name(), object.body.len()).as_bytes(), &object.body].concat();
                let packed = zlib(&text);
                lab.repository.file(&path, &packed[..packed.len() / 2]);
                lab.note("cut", false);
            }
            3 => {
                let size = random.below(2 * object.body.len() + 2);
                let text = [format!("{} {size}\0", object.kind.name()).as_bytes(), &object.body].concat();
                lab.repository.file(&path, zlib(&text));
                lab.note(format!("of size {size} instead of {}", object.body.len()), size == object.body.len());
            }
            4 => {
                lab.repository.loose_as(oid, &Object::new(Kind::Tag, &object.body[..]));
                lab.note("called a tag", false);
            }
            5 => {
                lab.repository.file(&path, random.bytes(50));
                lab.note("random bytes", false);
            }
            6 => {
                lab.repository.file(&path, "");
                lab.note("empty", false);
            }
            7 => {
                lab.repository.loose(object);
                lab.repository.pack(&[Packed::Whole(Object::new(Kind::Blob, "y"))], PackForm::default(), "");
                lab.note("beside a pack", true);
            }
            _ => {
                let other = Repository::new(&elsewhere);
                other.loose(object);
                lab.repository.file(
                    "objects/info/alternates",
                    format!(
                        "{}\n",
                        [
                            "../elsewhere/.git/objects",
                            "# x\n../elsewhere/.git/objects",
                            "\"../elsewhere/.git/objects\""
                        ][random.below(3)]
                    ),
                );
                lab.note("in an alternate", false);
            }
        }
    }
    ask(lab, base, head, blob);
}

fn ask(lab: &mut Lab, base: Oid, head: Oid, blob: Oid) {
    lab.repository.reference("refs/heads/main", head);
    lab.ask(&["history"]);
    lab.ask_range(&format!("{base}..main"), blob);
}
