//! Refs and reflogs, read from their files: no configuration of the repository is looked at.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::oid::Oid;

/// Where history starts.
#[derive(Debug, Default)]
pub struct Refs {
    /// Name and object of every ref, `HEAD` and the heads of linked work trees among them.
    pub tips: BTreeMap<String, Oid>,
    /// What reflogs name besides.
    pub logged: Vec<Oid>,
    /// Commits whose parents were left out (a shallow clone).
    pub shallow: Vec<Oid>,
    /// Objects that stand for others (`git replace`).
    pub replaced: BTreeMap<Oid, Oid>,
    /// Parents that `info/grafts` gives to commits.
    pub grafts: BTreeMap<Oid, Vec<Oid>>,
}

impl Refs {
    /// Reads what the git folder `git` and the folder that it shares with other work trees, `common`, hold.
    pub fn read(git: &Path, common: &Path) -> Self {
        let mut refs = Self::default();
        if let Ok(text) = fs::read_to_string(common.join("packed-refs")) {
            for line in text.lines().filter(|line| !line.starts_with(['#', '^'])) {
                if let Some((hex, name)) = line.split_once(' ') {
                    refs.tips.extend(Oid::from_hex(hex.as_bytes()).map(|oid| (name.to_owned(), oid)));
                }
            }
        }
        let mut symbolic = Vec::new();
        read_folder(&common.join("refs"), "refs", &mut refs.tips, &mut symbolic);
        read_ref(&git.join("HEAD"), "HEAD", &mut refs.tips, &mut symbolic);
        for entry in fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten() {
            let name = format!("worktrees/{}/HEAD", entry.file_name().to_string_lossy());
            read_ref(&entry.path().join("HEAD"), &name, &mut refs.tips, &mut symbolic);
            read_logs(&entry.path().join("logs"), &mut refs.logged);
        }
        for (name, target) in symbolic {
            if let Some(oid) = refs.tips.get(&target).copied() {
                refs.tips.insert(name, oid);
            }
        }
        read_logs(&common.join("logs"), &mut refs.logged);
        refs.logged.sort_unstable();
        refs.logged.dedup();
        let lines = |path: &str| fs::read_to_string(common.join(path)).unwrap_or_default();
        refs.shallow = lines("shallow").lines().filter_map(|line| Oid::from_hex(line.as_bytes())).collect();
        for line in lines("info/grafts").lines() {
            let mut oids = line.split_whitespace().map_while(|hex| Oid::from_hex(hex.as_bytes()));
            if let Some(commit) = oids.next() {
                refs.grafts.insert(commit, oids.collect());
            }
        }
        let replaced = refs
            .tips
            .iter()
            .filter_map(|(name, by)| Some((Oid::from_hex(name.strip_prefix("refs/replace/")?.as_bytes())?, *by)));
        refs.replaced = replaced.collect();
        // What stands for a commit is shown in its place, never as itself.
        refs.tips.retain(|name, _| !name.starts_with("refs/replace/"));
        refs
    }
}

fn read_folder(folder: &Path, name: &str, tips: &mut BTreeMap<String, Oid>, symbolic: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => read_folder(&entry.path(), &name, tips, symbolic),
            Ok(kind) if kind.is_file() => read_ref(&entry.path(), &name, tips, symbolic),
            _ => {}
        }
    }
}

fn read_ref(file: &Path, name: &str, tips: &mut BTreeMap<String, Oid>, symbolic: &mut Vec<(String, String)>) {
    let Ok(text) = fs::read_to_string(file) else { return };
    match text.strip_prefix("ref:") {
        Some(target) => symbolic.push((name.to_owned(), target.trim().to_owned())),
        None => tips.extend(Oid::from_hex(text.trim().as_bytes()).map(|oid| (name.to_owned(), oid))),
    }
}

fn read_logs(folder: &Path, logged: &mut Vec<Oid>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => read_logs(&entry.path(), logged),
            Ok(kind) if kind.is_file() => {
                let text = fs::read(entry.path()).unwrap_or_default();
                for line in text.split(|byte| *byte == b'\n') {
                    logged.extend(line.split(|byte| *byte == b' ').take(2).filter_map(Oid::from_hex));
                }
            }
            _ => {}
        }
    }
}
