//! Findings of the secrets of a history: each is read once more where it came in, as a working tree would be read.

use std::collections::HashMap;

use keysieve_git::commit;
use keysieve_git::oid::{Oid, OidMap};
use keysieve_git::refs::Refs;
use keysieve_git::store::Store;
use keysieve_git::tree_entries;

use super::attribute::Attribution;
use super::filter::Filter;
use super::note::note;
use super::secrets::{self, SecretId, VariantId};
use super::suppressed::SuppressedOnce;
use super::walk::Found;
use super::{HEADER, MESSAGE, NOWHERE};
use crate::decode;
use crate::finding::{CommitNote, Finding, Provenance};
use crate::gap::{Gap, GapCode};
use crate::inside;
use crate::scan::content::Scan;
use crate::scan::limits::Task;
use crate::scan::names::{FILE_NAME, Names, REF_NAME};
use crate::scan::verdicts::{Judged, Markers, Verdicts};
use crate::scan::{Content, Progress, Workers, window};
use keysieve_engine::Detector;
use keysieve_engine::candidate::Candidate;
use keysieve_engine::path_facts::PathFacts;

const NOT_READ_AGAIN: &str =
    "a credential was found in it and could not be read again; `git fsck` tells what is damaged";
/// Most versions that are read again to make a finding of a secret.
const MOST_VERSIONS: usize = 16;
/// Most folders that are looked into for one path.
const MOST_STEPS: usize = 4096;

/// Makes findings of secrets: reads the version that brought one in once more, as the working tree would be read.
pub(super) struct Reporter<'a> {
    detector: &'a Detector,
    store: &'a Store,
    found: &'a Found,
    progress: &'a Progress,
    /// For each secret the first of its variants.
    first_variant: HashMap<SecretId, usize>,
    workers: Workers,
    /// What stands in messages, in names of refs or at no path, and is no finding.
    pub(super) suppressed: SuppressedOnce,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(detector: &'a Detector, store: &'a Store, found: &'a Found, progress: &'a Progress) -> Self {
        let variants = found.secrets.list.iter().enumerate().rev();
        let first_variant = variants.map(|(at, variant)| (variant.secret, at)).collect();
        Self {
            detector,
            store,
            found,
            progress,
            first_variant,
            workers: Workers::default(),
            suppressed: SuppressedOnce::default(),
        }
    }

    pub(super) fn in_files(
        &mut self,
        attribution: &Attribution,
        filter: &Filter,
        prefix: &str,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Finding> {
        let mut lives: Vec<_> = attribution.lives.iter().collect();
        lives.sort_by_key(|(secret, _)| **secret);
        let mut findings = Vec::new();
        // Secrets of one version are read off it together.
        let mut read: OidMap<Vec<(String, Vec<Candidate>)>> = OidMap::default();
        for (&secret, provenance) in lives {
            let Some((at, path)) = provenance.introduced.filter(|(at, _)| filter.lets(attribution, *at)) else {
                continue;
            };
            let path = &attribution.paths[path as usize];
            let outer = inside::outer(path);
            let tree = &attribution.commits[at as usize].tree;
            let mut objects: Vec<_> = self.objects_at(tree, outer).into_iter().map(|oid| (oid, false)).collect();
            // The folder whose names hold it.
            match outer.strip_suffix(FILE_NAME).map(|it| it.trim_end_matches('/')) {
                Some("") => objects.push((*tree, true)),
                Some(folder) => objects.extend(self.objects_at(tree, folder).into_iter().map(|oid| (oid, true))),
                None => {}
            }
            let mut picked = self.read_again(&objects, outer, secret, path, &mut read);
            if picked.is_none() {
                // Made-up names can hide which of the versions stands there; each of them has it.
                let versions = self.versions(secret);
                picked = self.read_again(&versions, outer, secret, path, &mut read);
            }
            let Some((object, mut finding)) = picked else {
                gaps.push(Gap::new(GapCode::Failed, format!("{prefix}{path}"), NOT_READ_AGAIN));
                continue;
            };
            finding.path = format!("{prefix}{path}");
            let mut paths: Vec<String> =
                provenance.paths.iter().map(|path| format!("{prefix}{}", attribution.paths[*path as usize])).collect();
            paths.sort();
            finding.provenance = Some(Box::new(Provenance {
                object: Some(object.to_string()),
                introduced: self.note(&attribution.commits[at as usize].oid),
                removed: match provenance.refs.is_empty() {
                    true => provenance.removed.and_then(|at| self.note(&attribution.commits[at as usize].oid)),
                    false => None,
                },
                refs: provenance.refs.clone(),
                refs_total: provenance.refs_total,
                versions: provenance.versions,
                paths,
                reachable: provenance.is_reachable,
            }));
            findings.push(finding);
        }
        findings
    }

    pub(super) fn in_messages(
        &mut self,
        attribution: &Attribution,
        filter: &Filter,
        prefix: &str,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Finding> {
        let index: OidMap<u32> =
            attribution.commits.iter().enumerate().map(|(at, commit)| (commit.oid, at as u32)).collect();
        let mut first: HashMap<SecretId, (u32, Oid, u32)> = HashMap::new();
        for (oid, variants) in &self.found.messages {
            // A tag's message counts as that of the commit it points to.
            let commit = self.found.tags.get(oid).unwrap_or(oid);
            let at = index.get(commit).copied().unwrap_or(u32::MAX);
            for secret in self.secrets(variants) {
                let known = first.entry(secret).or_insert((at, *oid, 0));
                known.2 += 1;
                if (at, *oid) < (known.0, known.1) {
                    (known.0, known.1) = (at, *oid);
                }
            }
        }
        let mut first: Vec<_> = first.into_iter().collect();
        first.sort_unstable();
        let mut findings = Vec::new();
        for (secret, (at, oid, versions)) in first {
            let is_known = (at as usize) < attribution.commits.len();
            if is_known && !filter.lets(attribution, at) || !is_known && !filter.unreachable {
                continue;
            }
            let contents = self.scan_text(&oid);
            let picked = contents
                .iter()
                .find_map(|(place, found)| Some((place, self.pick_or_suppress(found, secret, place, prefix)?)));
            let Some((place, mut finding)) = picked else {
                gaps.extend(self.unread(&oid, contents.iter().flat_map(|it| &it.1), secret));
                continue;
            };
            finding.path = format!("{prefix}{place}");
            finding.provenance = Some(Box::new(Provenance {
                object: Some(oid.to_string()),
                introduced: self.note(self.found.tags.get(&oid).unwrap_or(&oid)),
                versions,
                paths: vec![finding.path.clone()],
                reachable: is_known && attribution.reachable[at as usize],
                ..Provenance::default()
            }));
            findings.push(finding);
        }
        findings
    }

    /// Secrets in the names of branches and tags.
    pub(super) fn in_ref_names(&mut self, refs: &Refs, prefix: &str, gaps: &mut Vec<Gap>) -> Vec<Finding> {
        let names: Names = refs.tips.keys().map(String::as_bytes).collect();
        let (named, gap) = names.scan_by(&self.workers, "ref names", self.detector, &Task::new(self.progress));
        gaps.extend(gap);
        let facts = PathFacts::of(REF_NAME);
        let verdicts = Verdicts { detector: self.detector, markers: Markers::Heeded };
        let mut findings: Vec<Finding> = Vec::new();
        for named in named {
            let mut judged = Judged::default();
            verdicts.judge(named.candidate, REF_NAME, REF_NAME, &facts, &mut judged);
            let Some(mut finding) = judged.findings.pop() else { continue };
            let name = String::from_utf8_lossy(names.get(named.index)).into_owned();
            let is_same = |it: &&mut Finding| it.rule == finding.rule && it.secret == finding.secret;
            if let Some(provenance) = findings.iter_mut().find(is_same).and_then(|it| it.provenance.as_mut()) {
                provenance.refs.push(name);
                provenance.refs_total += 1;
                continue;
            }
            finding.path = format!("{prefix}{REF_NAME}");
            finding.provenance = Some(Box::new(Provenance {
                object: refs.tips.get(&name).map(Oid::to_string),
                refs: vec![name],
                refs_total: 1,
                versions: 1,
                paths: vec![finding.path.clone()],
                reachable: true,
                ..Provenance::default()
            }));
            findings.push(finding);
        }
        findings
    }

    /// Secrets of blobs that no commit's tree leads to.
    pub(super) fn nowhere(&mut self, attribution: &Attribution, prefix: &str, gaps: &mut Vec<Gap>) -> Vec<Finding> {
        let mut versions: HashMap<SecretId, (Oid, u32)> = HashMap::new();
        let names = self.found.names.iter().map(|(_, tree, variants)| (tree, variants));
        for (oid, variants) in self.found.blobs.iter().chain(names) {
            // What a commit leads to has a path, at which its secret was found to be none.
            let is_judged = attribution.blobs_with_paths.contains(oid);
            let left: Vec<VariantId> =
                variants.iter().filter(|it| !(is_judged && attribution.judged.contains(it))).copied().collect();
            for secret in self.secrets(&left).filter(|secret| !attribution.lives.contains_key(secret)) {
                let known = versions.entry(secret).or_insert((*oid, 0));
                known.0 = known.0.min(*oid);
                known.1 += 1;
            }
        }
        let mut versions: Vec<_> = versions.into_iter().collect();
        versions.sort_unstable();
        let mut findings = Vec::new();
        for (secret, (oid, count)) in versions {
            let is_tree = self.found.names.iter().any(|(_, tree, _)| *tree == oid);
            let contents = if is_tree { self.scan_names(&oid) } else { self.scan(&oid) };
            let picked = contents.iter().find_map(|(_, found)| self.pick_or_suppress(found, secret, NOWHERE, prefix));
            let Some(mut finding) = picked else {
                gaps.extend(self.unread(&oid, contents.iter().flat_map(|it| &it.1), secret));
                continue;
            };
            finding.path = format!("{prefix}{NOWHERE}");
            finding.provenance = Some(Box::new(Provenance {
                object: Some(oid.to_string()),
                versions: count,
                paths: vec![finding.path.clone()],
                ..Provenance::default()
            }));
            findings.push(finding);
        }
        findings
    }

    fn secrets<'b>(&'b self, variants: &'b [VariantId]) -> impl Iterator<Item = SecretId> + 'b {
        let mut secrets: Vec<SecretId> =
            variants.iter().map(|variant| self.found.secrets.list[*variant as usize].secret).collect();
        secrets.sort_unstable();
        secrets.dedup();
        secrets.into_iter()
    }

    /// The candidates in the message and the header of a commit or tag, with the places they go by.
    fn scan_text(&mut self, oid: &Oid) -> Vec<(&'static str, Vec<Candidate>)> {
        let Ok(Some((_, bytes))) = self.store.read(oid) else { return Vec::new() };
        let texts = [(MESSAGE, commit::message(&bytes)), (HEADER, commit::header_text(&bytes))];
        texts.into_iter().map(|(place, text)| (place, self.scan_window(text))).collect()
    }

    /// The candidates in the names of a tree's entries.
    fn scan_names(&mut self, oid: &Oid) -> Vec<(String, Vec<Candidate>)> {
        let Ok(Some((_, bytes))) = self.store.read(oid) else { return Vec::new() };
        let names: Names = tree_entries::read(&bytes, self.store.hash).0.iter().map(|entry| entry.name).collect();
        let (named, _) = names.scan_by(&self.workers, "file names", self.detector, &Task::new(self.progress));
        vec![(String::new(), named.into_iter().map(|named| named.candidate).collect())]
    }

    fn scan_window(&mut self, text: &[u8]) -> Vec<Candidate> {
        let (size, task) = (text.len() as u64, Task::new(self.progress));
        let read = self.workers.with(|worker| window::scan(&mut &*text, size, self.detector, worker, &task));
        // A text that it fails on was said when it was read first.
        read.map(|reading| reading.candidates).unwrap_or_default()
    }

    /// The candidates of one blob, read as a whole; those of a container with the paths inside of it.
    fn scan(&mut self, oid: &Oid) -> Vec<(String, Vec<Candidate>)> {
        let Ok(Some((_, bytes))) = self.store.read(oid) else { return Vec::new() };
        let task = Task::new(self.progress);
        let (detector, identity, name) = (self.detector, String::new, secrets::name_of(oid));
        let scanned = self
            .workers
            .with(|worker| Scan { path: &name, identity: &identity, detector, worker, task: &task }.bytes(&bytes));
        let contents = scanned.map(|scanned| scanned.contents).unwrap_or_default();
        contents.into_iter().map(|content| (secrets::inner_of(&content.identity, oid), content.candidates)).collect()
    }

    /// What to say of an object in which `secret` was found, and which read again does not hold it: its id leads elsewhere.
    fn unread<'b>(
        &self,
        oid: &Oid,
        mut candidates: impl Iterator<Item = &'b Candidate>,
        secret: SecretId,
    ) -> Option<Gap> {
        let wanted = &self.found.secrets.list[*self.first_variant.get(&secret)?].candidate;
        let is_there = candidates.any(|it| it.rule == wanted.rule && it.secret.expose() == wanted.secret.expose());
        (!is_there).then(|| Gap::new(GapCode::Damaged, format!("object {oid}"), NOT_READ_AGAIN))
    }

    /// What the verdicts make of `secret` among `candidates`.
    fn judged(&self, candidates: &[Candidate], secret: SecretId, path: &str) -> Judged {
        let mut judged = Judged::default();
        let Some(first) = self.first_variant.get(&secret) else { return judged };
        let wanted = &self.found.secrets.list[*first].candidate;
        let is_it = |it: &&Candidate| it.rule == wanted.rule && it.secret.expose() == wanted.secret.expose();
        let content = Content {
            path: path.to_owned(),
            identity: path.to_owned(),
            candidates: candidates.iter().filter(is_it).cloned().collect(),
        };
        Verdicts { detector: self.detector, markers: Markers::Heeded }.of_content(content, &mut judged);
        judged
    }

    /// The finding of `secret` among `candidates`: where it stands several times, the surest.
    fn pick(&self, candidates: &[Candidate], secret: SecretId, path: &str) -> Option<Finding> {
        let findings = self.judged(candidates, secret, path).findings.into_iter();
        findings.reduce(|best, finding| if finding.confidence > best.confidence { finding } else { best })
    }

    /// The same of what has no path, such as a message; what is no finding is suppressed.
    fn pick_or_suppress(
        &mut self,
        candidates: &[Candidate],
        secret: SecretId,
        path: &str,
        prefix: &str,
    ) -> Option<Finding> {
        let picked = self.pick(candidates, secret, path);
        if picked.is_none() {
            let Judged { suppressed, allowed, .. } = self.judged(candidates, secret, path);
            self.suppressed.add(secret, prefix, suppressed, allowed);
        }
        picked
    }

    /// The finding of `secret` in the first of these objects that has it, preferably in the content at `path`, which is in
    /// `outer`. With each object stands whether it is a folder, whose names are looked at.
    fn read_again(
        &mut self,
        objects: &[(Oid, bool)],
        outer: &str,
        secret: SecretId,
        path: &str,
        read: &mut OidMap<Vec<(String, Vec<Candidate>)>>,
    ) -> Option<(Oid, Finding)> {
        objects.iter().find_map(|&(object, is_name)| {
            let scan = || if is_name { self.scan_names(&object) } else { self.scan(&object) };
            let contents = read.entry(object).or_insert_with(scan);
            let (named, others): (Vec<_>, Vec<_>) =
                contents.iter().partition(|(inner, _)| secrets::path_inside(outer, inner) == path);
            let mut contents = named.into_iter().chain(others);
            contents.find_map(|(_, candidates)| self.pick(candidates, secret, path)).map(|finding| (object, finding))
        })
    }

    /// Some objects that hold `secret`, and whether they are folders.
    fn versions(&self, secret: SecretId) -> Vec<(Oid, bool)> {
        let holds =
            |variants: &[VariantId]| variants.iter().any(|it| self.found.secrets.list[*it as usize].secret == secret);
        let blobs = self.found.blobs.iter().filter(|(_, variants)| holds(variants)).map(|(oid, _)| (*oid, false));
        let names = self.found.names.iter().filter(|(_, _, variants)| holds(variants)).map(|(_, oid, _)| (*oid, true));
        let mut versions: Vec<_> = blobs.chain(names).collect();
        versions.sort_unstable();
        versions.truncate(MOST_VERSIONS);
        versions
    }

    /// What stands at `path` below `tree`: in a made-up tree several things can, and a name can hold a slash.
    fn objects_at(&self, tree: &Oid, path: &str) -> Vec<Oid> {
        let mut found = Vec::new();
        let mut todo = vec![(*tree, path)];
        let mut steps = 0;
        while let Some((tree, path)) = todo.pop() {
            steps += 1;
            let Ok(Some((_, bytes))) = self.store.read(&tree) else { continue };
            for entry in tree_entries::read(&bytes, tree.as_bytes().len()).0 {
                match path.strip_prefix(decode::shown(entry.name).as_str()) {
                    Some("") => found.push(entry.oid),
                    Some(rest) if steps < MOST_STEPS => {
                        todo.extend(rest.strip_prefix('/').map(|rest| (entry.oid, rest)));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    fn note(&self, oid: &Oid) -> Option<CommitNote> {
        let (_, bytes) = self.store.read(oid).ok()??;
        note(oid, &bytes)
    }
}
