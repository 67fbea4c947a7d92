//! What is about to be committed: the index, whatever the files in the work tree are by now.

use std::collections::HashSet;

use super::{Changes, Options, Scanner, gaps_of, short};
use crate::file::{self, shown};
use crate::gap::{Gap, GapCode};
use crate::outcome::Outcome;
use crate::scan::Progress;
use crate::scan::limits::Limits;
use crate::source::git::Unread as _;
use keysieve_engine::Detector;
use keysieve_git::Repository;
use keysieve_git::comparison::{self, Comparison};
use keysieve_git::index::Index;
use keysieve_git::objects::Objects;
use keysieve_git::oid::Oid;
use keysieve_git::refs::Refs;

/// Compares the index of `repository` with its last commit, and in a merge with what is merged, and scans what is new.
pub fn scan(repository: &Repository, detector: &Detector, progress: &Progress, options: Options<'_>) -> Outcome {
    let mut changes = Changes::default();
    let objects = super::open(repository, &progress.limits, &mut changes.gaps);
    let index = Index::of(repository);
    let refs = Refs::read(repository.git_folder(), repository.common_folder());
    changes.gaps.extend(refs.problems.iter().map(Gap::from));
    let head = refs.tips.get("HEAD").copied();
    let mut comparison = Comparison::new(&objects, progress.limits.paths);
    let tree = head.and_then(|head| tree_of(&objects, &head, &mut comparison));
    match index {
        Ok(index) if head.is_none() || tree.is_some() => comparison.of_index(tree, &index),
        Ok(_) => {}
        Err(error) => {
            let path = shown(repository.index_file());
            changes.gaps.push(Gap::about(error.code(), path, error.reason()));
        }
    }
    // What the other side of a merge holds has been committed there.
    let merged = file::read_text(&repository.git_folder().join("MERGE_HEAD")).unwrap_or_default();
    for other in merged.lines().filter_map(|line| Oid::from_hex(line.as_bytes())) {
        let Some(tree) = tree_of(&objects, &other, &mut comparison) else { continue };
        let mut different = std::mem::take(&mut comparison.changes);
        different.retain_mut(|change| match comparison::find(&objects, &tree, &change.path) {
            Ok(theirs) if theirs == change.new => false,
            Ok(theirs) => {
                change.old.extend(theirs);
                true
            }
            Err(_) => true,
        });
        comparison.changes = different;
    }
    changes.scope = match head {
        Some(head) => format!("the index against {}", short(&head)),
        None => "the index; there is no commit yet".to_owned(),
    };
    changes.gaps.extend(gaps_of(comparison.missing));
    progress.expect_files(comparison.changes.len());
    let scanner = Scanner::new(&objects, detector, progress, options);
    let new = scanner.new_in(&comparison.changes, &mut changes);
    changes.judged.findings = new.findings.into_iter().map(|(finding, _)| finding).collect();
    if comparison.changes.is_empty() && changes.gaps.is_empty() {
        changes.notes.push("nothing is staged; `git add` stages what is to be committed".to_owned());
    }
    if let Some(why) = progress.stopped() {
        changes.gaps.push(Gap::about(GapCode::Interrupted, "index", why));
    }
    changes.into()
}

/// The paths whose content differs from the last commit's.
pub fn paths(repository: &Repository) -> HashSet<Vec<u8>> {
    let limits = Limits::default();
    let objects = super::open(repository, &limits, &mut Vec::new());
    let index = Index::of(repository).unwrap_or_default();
    let refs = Refs::read(repository.git_folder(), repository.common_folder());
    let mut comparison = Comparison::new(&objects, limits.paths);
    let tree = refs.tips.get("HEAD").and_then(|head| tree_of(&objects, head, &mut comparison));
    comparison.of_index(tree, &index);
    comparison.changes.into_iter().map(|change| change.path).collect()
}

fn tree_of(objects: &Objects, commit: &Oid, comparison: &mut Comparison<'_>) -> Option<Oid> {
    match objects.commit(commit) {
        Ok(commit) => Some(commit.tree),
        Err(missing) => {
            comparison.missing.push(missing);
            None
        }
    }
}
