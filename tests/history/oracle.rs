//! The lives of secrets in made-up graphs of commits, against an oracle that lists every commit's files.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Oid, Repository, Signature, Time};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{history, leak};

/// A commit to make: its parents, counted back from it, its clock, and what it does to its first parent's files.
#[derive(Debug, Clone)]
struct Node {
    parents: Vec<usize>,
    clock: i64,
    edits: Vec<(usize, Option<Vec<u32>>)>,
}

/// A commit as the oracle sees it: for each path the secrets that stand there, and the blob.
struct Made {
    oid: Oid,
    parents: Vec<usize>,
    clock: i64,
    files: BTreeMap<String, (Oid, BTreeSet<u32>)>,
}

const PATHS: [&str; 5] = ["a.py", "b.py", "d/a.py", "d/e/c.py", "f/a.py"];

fn node() -> impl Strategy<Value = Node> {
    // No parent makes a root, two or three a merge; several merges of the same two make a criss-cross.
    let parents = prop_oneof![
        1 => Just(vec![]),
        6 => (1usize..4).prop_map(|back| vec![back]),
        3 => (1usize..6, 1usize..6).prop_map(|(a, b)| vec![a, b]),
        1 => (1usize..6, 1usize..6, 1usize..6).prop_map(|(a, b, c)| vec![a, b, c]),
    ];
    let secrets = prop::option::weighted(0.8, prop::collection::vec(0u32..5, 0..3));
    let edits = prop::collection::vec((0..PATHS.len(), secrets), 0..3);
    // Clocks of different machines: seldom in order, sometimes the same.
    (parents, 0i64..40, edits).prop_map(|(parents, clock, edits)| Node { parents, clock, edits })
}

fn build(repository: &Repository, nodes: &[Node]) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let mut parents: Vec<usize> = node.parents.iter().filter_map(|back| at.checked_sub(*back)).collect();
        parents.sort_unstable();
        parents.dedup();
        let mut files = parents.first().map(|first| made[*first].files.clone()).unwrap_or_default();
        // The last edit of a path counts; what no tree holds is not written.
        let edits: BTreeMap<usize, &Option<Vec<u32>>> = node.edits.iter().map(|(path, it)| (*path, it)).collect();
        for (path, secrets) in edits {
            let Some(secrets) = secrets else {
                files.remove(PATHS[path]);
                continue;
            };
            let secrets: BTreeSet<u32> = secrets.iter().copied().collect();
            let text: String = secrets.iter().map(|number| leak(*number)).chain([format!("x = {at}\n")]).collect();
            files.insert(PATHS[path].to_owned(), (repository.blob(text.as_bytes()).unwrap(), secrets));
        }
        let mut index = git2::Index::new().unwrap();
        for (path, (oid, _)) in &files {
            index.add(&entry(path, *oid)).unwrap();
        }
        let tree = repository.find_tree(index.write_tree_to(repository).unwrap()).unwrap();
        let clock = 1_700_000_000 + node.clock;
        let signature = Signature::new("Ann", "ann@acme.io", &Time::new(clock, 0)).unwrap();
        let of: Vec<_> = parents.iter().map(|it| repository.find_commit(made[*it].oid).unwrap()).collect();
        let subject = format!("commit {at}");
        let oid = repository.commit(None, &signature, &signature, &subject, &tree, &of.iter().collect::<Vec<_>>());
        made.push(Made { oid: oid.unwrap(), parents, clock, files });
    }
    let is_parent = |at: usize| made.iter().any(|it| it.parents.contains(&at));
    for at in (0..made.len()).filter(|at| !is_parent(*at)) {
        repository.reference(&format!("refs/heads/tip-{at:02}"), made[at].oid, true, "test").unwrap();
    }
    made
}

fn entry(path: &str, id: Oid) -> git2::IndexEntry {
    let never = git2::IndexTime::new(0, 0);
    git2::IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}

/// What the oracle says of one secret, in the words of the report.
#[derive(Debug, PartialEq)]
struct Told {
    introduced: String,
    removed: Option<String>,
    refs: Vec<String>,
    paths: Vec<String>,
    versions: u64,
}

fn oracle(made: &[Made], secret: u32) -> Option<Told> {
    let has = |at: usize| made[at].files.values().any(|(_, secrets)| secrets.contains(&secret));
    // Parents first, and of those that could come next the one with the oldest clock, then with the lowest id.
    let mut order: Vec<usize> = Vec::new();
    while order.len() < made.len() {
        let free = (0..made.len()).filter(|at| !order.contains(at));
        let free = free.filter(|at| made[*at].parents.iter().all(|parent| order.contains(parent)));
        order.push(free.min_by_key(|at| (made[*at].clock, made[*at].oid)).unwrap());
    }
    let brings = |at: &usize| has(*at) && !made[*at].parents.iter().any(|parent| has(*parent));
    let takes =
        |at: &usize| !has(*at) && !made[*at].parents.is_empty() && made[*at].parents.iter().all(|parent| has(*parent));
    let introduced = order.iter().copied().find(brings)?;
    let is_parent = |at: usize| made.iter().any(|it| it.parents.contains(&at));
    let tips = (0..made.len()).filter(|at| !is_parent(*at) && has(*at));
    let refs: Vec<String> = tips.map(|at| format!("refs/heads/tip-{at:02}")).collect();
    let removed = order.iter().rev().copied().find(takes).filter(|_| refs.is_empty());
    let holding = made.iter().flat_map(|it| &it.files).filter(|(_, (_, secrets))| secrets.contains(&secret));
    let (paths, blobs): (BTreeSet<_>, BTreeSet<_>) = holding.map(|(path, (oid, _))| (path.clone(), *oid)).unzip();
    Some(Told {
        introduced: made[introduced].oid.to_string(),
        removed: removed.map(|at| made[at].oid.to_string()),
        refs,
        paths: paths.into_iter().collect(),
        versions: blobs.len() as u64,
    })
}

fn told(finding: &Value) -> Told {
    let texts = |list: &Value| list.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect();
    Told {
        introduced: finding["provenance"]["introduced"]["id"].as_str().unwrap().to_owned(),
        removed: finding["provenance"]["removed"]["id"].as_str().map(str::to_owned),
        refs: texts(&finding["provenance"]["refs"]),
        paths: texts(&finding["provenance"]["paths"]),
        versions: finding["provenance"]["versions"].as_u64().unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn lives_are_what_a_walk_over_every_commit_tells(nodes in prop::collection::vec(node(), 1..24)) {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let made = build(&repository, &nodes);
        let (findings, summary, _) = history(folder.path(), &[]);
        prop_assert_eq!(&summary["complete"], true);
        let expected: BTreeMap<u32, Told> =
            (0..5).filter_map(|secret| Some((secret, oracle(&made, secret)?))).collect();
        let found: BTreeMap<u32, Told> = findings
            .iter()
            .filter(|finding| finding["provenance"]["reachable"] == true)
            .map(|finding| {
                let secret = finding["secret"].as_str().unwrap();
                (secret.rsplit('-').next().unwrap().parse().unwrap(), told(finding))
            })
            .collect();
        prop_assert_eq!(found, expected);
    }
}
