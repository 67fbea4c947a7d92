//! Scanning what a delta adds finds in every version what scanning the version whole finds.

use proptest::prelude::*;

use crate::support::{commit, git, history, leak, new_repository};

/// One step of a made-up history.
#[derive(Debug, Clone)]
enum Step {
    Insert(usize, usize),
    Delete(usize, usize),
    Move(usize, usize),
    LineEnds,
    Cut(usize),
    Glue(usize),
}

/// Lines that matter: secrets, halves of pairs, a key in PEM form, names far from their values, escapes, and others.
fn line(kind: usize) -> String {
    let made = |example: &str| keysieve_engine::rules::sample::fill(example, kind as u64).unwrap();
    match kind % 14 {
        0 => leak(kind as u32 % 7),
        1 => made("<pem RSA PRIVATE KEY>\n"),
        2 => made("aws_access_key_id = <aws-key-id AKIA>\n"),
        3 => made("aws_secret_access_key = <[A-Za-z0-9+]{38}[0-9][a-z]>\n"),
        4 => "- name: DB_PASSWORD\n".to_owned(),
        5 => "  value: Gr4nite-Harbour-58\n".to_owned(),
        6 => "# keysieve:allow generic-password\n".to_owned(),
        7 => "user: admin\npassword: admin\n".to_owned(),
        8 => format!("{}\n", "z".repeat(kind % 900)),
        9 => made("machine git.acme.io\n  login ci\n  password <[A-Z][a-z]{5}[0-9]{4}>\n"),
        10 => made("braintree\nprivate_key = \"<[0-9a-f]{32}>\"\n"),
        11 => made("log: \"a\\n<crc32-base62 ghp_ 30>\\nAWS_SECRET=1\\nDB_PASSWORD=MyReal<[A-Z][a-z]{6}>91\"\n"),
        12 => made("\x1b[31m<aws-key-id AKIA>\x1b[0mtoken<crc32-base62 ghs_ 30>end\n"),
        _ => format!("ordinary line {kind} with nothing in it\n").repeat(kind % 5 + 1),
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<usize>(), 0usize..4000).prop_map(|(at, kind)| Step::Insert(at, kind)),
        2 => (any::<usize>(), 1usize..4).prop_map(|(at, count)| Step::Delete(at, count)),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Step::Move(from, to)),
        1 => Just(Step::LineEnds),
        1 => any::<usize>().prop_map(Step::Cut),
        1 => any::<usize>().prop_map(Step::Glue),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn deltas_give_what_whole_versions_give(
        start in prop::collection::vec(0usize..4000, 20..120),
        steps in prop::collection::vec(step(), 12..30),
    ) {
        let folder = new_repository();
        let mut lines: Vec<String> = start.into_iter().map(line).collect();
        for step in steps {
            let count = lines.len().max(1);
            match step {
                Step::Insert(at, kind) => lines.insert(at % (lines.len() + 1), line(kind)),
                Step::Delete(at, many) => {
                    let at = at % count;
                    lines.drain(at.min(lines.len())..(at + many).min(lines.len()));
                }
                Step::Move(from, to) if !lines.is_empty() => {
                    let moved = lines.remove(from % lines.len());
                    lines.insert(to % (lines.len() + 1), moved);
                }
                Step::Move(..) => {}
                Step::LineEnds => lines.iter_mut().for_each(|line| *line = line.replace('\n', "\r\n")),
                Step::Cut(at) if !lines.is_empty() => {
                    // In the middle of a line, a key or a secret.
                    let line = &mut lines[at % count];
                    line.truncate((at / 7) % (line.len() + 1));
                }
                Step::Cut(_) => {}
                Step::Glue(at) if !lines.is_empty() => {
                    let line = &mut lines[at % count];
                    *line = line.trim_end().to_owned();
                }
                Step::Glue(_) => {}
            }
            commit(folder.path(), &[("conf/app.txt", &lines.concat())], "step");
        }
        git(folder.path(), &["repack", "-adfq", "--depth=50", "--window=50"]);
        let delta = history(folder.path(), &["--min-confidence", "low"]);
        let whole = history(folder.path(), &["--min-confidence", "low", "--no-delta"]);
        prop_assert_eq!(delta, whole);
    }
}
