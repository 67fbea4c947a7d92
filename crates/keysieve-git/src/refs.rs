//! Refs and reflogs, read from their files: no configuration of the repository is looked at.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{Cause, Problem};
use super::oid::Oid;
use crate::file;

/// Where history starts.
#[derive(Debug, Default)]
pub struct Refs {
    /// Name and object of every ref, `HEAD` and the heads of linked work trees among them.
    pub tips: BTreeMap<String, Oid>,
    /// The branch that `HEAD` is on, if it is on one.
    pub head: Option<String>,
    /// What reflogs name besides.
    pub logged: Vec<Oid>,
    /// Commits whose parents were left out (a shallow clone).
    pub shallow: Vec<Oid>,
    /// Objects that stand for others (`git replace`).
    pub replaced: BTreeMap<Oid, Oid>,
    /// Parents that `info/grafts` gives to commits.
    pub grafts: BTreeMap<Oid, Vec<Oid>>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Reads files and folders of a repository; what is there and can't be read is a problem.
#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn text(&mut self, path: &Path) -> Option<String> {
        let read = file::read(path);
        self.checked(path, read).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The entries of a folder, with whether they are folders themselves. Links lead elsewhere.
    fn folder(&mut self, path: &Path) -> Vec<(PathBuf, String, bool)> {
        let read = fs::read_dir(path);
        let mut found = Vec::new();
        for entry in self.checked(path, read).into_iter().flatten() {
            let kind = entry.and_then(|entry| Ok((entry.path(), entry.file_name(), entry.file_type()?)));
            let Some((path, name, kind)) = self.checked(path, kind) else { continue };
            if kind.is_symlink() {
                self.problems.push(Problem::new(&path, Cause::Link));
            } else if kind.is_dir() || kind.is_file() {
                found.push((path, name.to_string_lossy().into_owned(), kind.is_dir()));
            }
        }
        found
    }

    fn checked<T>(&mut self, path: &Path, read: io::Result<T>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
            Err(error) => {
                self.problems.push(Problem::new(path, error.into()));
                None
            }
        }
    }
}

impl Refs {
    /// Reads what the git folder `git` and the folder that it shares with other work trees, `common`, hold.
    pub fn read(git: &Path, common: &Path) -> Self {
        let mut refs = Self::default();
        let mut reader = Reader::default();
        if let Some(text) = reader.text(&common.join("packed-refs")) {
            for line in text.lines().filter(|line| !line.starts_with(['#', '^'])) {
                if let Some((hex, name)) = line.split_once(' ') {
                    refs.tips.extend(Oid::from_hex(hex.as_bytes()).map(|oid| (name.to_owned(), oid)));
                }
            }
        }
        let mut symbolic = Vec::new();
        let mut loose = vec![("refs".to_owned(), common.join("refs"))];
        while let Some((name, folder)) = loose.pop() {
            for (path, file, is_folder) in reader.folder(&folder) {
                let name = format!("{name}/{file}");
                match is_folder {
                    true => loose.push((name, path)),
                    false => read_ref(&mut reader, &path, &name, &mut refs.tips, &mut symbolic),
                }
            }
        }
        read_ref(&mut reader, &git.join("HEAD"), "HEAD", &mut refs.tips, &mut symbolic);
        let mut logs = vec![common.join("logs")];
        for (folder, file, _) in reader.folder(&common.join("worktrees")) {
            let name = format!("worktrees/{file}/HEAD");
            read_ref(&mut reader, &folder.join("HEAD"), &name, &mut refs.tips, &mut symbolic);
            logs.push(folder.join("logs"));
        }
        refs.head = symbolic.iter().find(|(name, _)| name == "HEAD").map(|(_, target)| target.clone());
        for (name, target) in symbolic {
            if let Some(oid) = refs.tips.get(&target).copied() {
                refs.tips.insert(name, oid);
            }
        }
        while let Some(folder) = logs.pop() {
            for (path, _, is_folder) in reader.folder(&folder) {
                match is_folder {
                    true => logs.push(path),
                    false => refs.logged.extend(logged(&reader.text(&path).unwrap_or_default())),
                }
            }
        }
        refs.logged.sort_unstable();
        refs.logged.dedup();
        let mut lines = |path: &str| reader.text(&common.join(path)).unwrap_or_default();
        refs.shallow = lines("shallow").lines().filter_map(|line| Oid::from_hex(line.as_bytes())).collect();
        for line in lines("info/grafts").lines() {
            let mut oids = line.split_whitespace().map_while(|hex| Oid::from_hex(hex.as_bytes()));
            if let Some(commit) = oids.next() {
                refs.grafts.insert(commit, oids.collect());
            }
        }
        if common.join("reftable").is_dir() {
            reader.problems.push(Problem::new(&common.join("reftable"), Cause::Reftable));
        }
        refs.problems = reader.problems;
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

fn read_ref(
    reader: &mut Reader,
    file: &Path,
    name: &str,
    tips: &mut BTreeMap<String, Oid>,
    symbolic: &mut Vec<(String, String)>,
) {
    let Some(text) = reader.text(file) else { return };
    match text.strip_prefix("ref:") {
        Some(target) => symbolic.push((name.to_owned(), target.trim().to_owned())),
        None => match Oid::from_hex(text.trim().as_bytes()) {
            Some(oid) => drop(tips.insert(name.to_owned(), oid)),
            // Other files that lie there are no refs to git either.
            None if name.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")) => {}
            None => reader.problems.push(Problem::new(file, Cause::MalformedRef)),
        },
    }
}

/// The objects that a reflog names.
fn logged(text: &str) -> impl Iterator<Item = Oid> + '_ {
    let names = text.lines().flat_map(|line| line.split(' ').take(2));
    names.filter_map(|hex| Oid::from_hex(hex.as_bytes()))
}
