//! What the path adds to a candidate: the last step from bytes to a finding.
//!
//! A blob of a history has its candidates before it has a path, and may have many paths, so this step is a pure function
//! of the two. The working tree calls it right after the scan.

use globset::{GlobBuilder, GlobMatcher};

use super::Detector;
use super::candidate::{Candidate, Dropped, Judge};
use super::model;
use crate::finding::{Finding, Key, Partner, Severity};
use crate::rules::Class;

/// A finding, or why there is none.
#[derive(Debug)]
pub enum Verdict {
    /// A credential.
    Finding(Box<Finding>),
    /// Thrown out; kept for counting and explaining.
    Dropped(Box<Candidate>, Dropped),
    /// The rule is for other paths, so here it was never a candidate.
    OtherPath,
}

/// What a path says about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathFacts {
    /// Source code of a language with string literals: a bare word there is an identifier.
    pub source: bool,
    /// Tests and their data.
    pub test: bool,
    /// Documentation, examples, templates.
    pub example: bool,
    /// A dependency lock file, full of digests.
    pub lock: bool,
    /// Texts of a user interface in one language or another.
    pub translation: bool,
    /// A hash of the file name's extension.
    pub extension: u32,
}

const SOURCE: [&str; 60] = [
    "as", "asm", "bas", "c", "cc", "cjs", "clj", "cljs", "coffee", "cpp", "cs", "cshtml", "css", "cxx", "d", "dart",
    "erb", "erl", "ex", "exs", "fs", "go", "gradle", "groovy", "h", "haml", "hpp", "hs", "html", "hxx", "java", "jl",
    "js", "jsp", "jsx", "kt", "kts", "less", "lua", "m", "mjs", "ml", "mm", "php", "pl", "pm", "proto", "py", "r",
    "rb", "rs", "s", "scala", "scss", "sol", "sql", "svelte", "swift", "ts", "tsx",
];
const MORE_SOURCE: [&str; 6] = ["vb", "vue", "xsl", "zig", "pyi", "phtml"];
const TEST_PARTS: [&str; 23] = [
    "t",
    "test",
    "tests",
    "testing",
    "__tests__",
    "__mocks__",
    "spec",
    "specs",
    "testdata",
    "test-data",
    "test_data",
    "testcases",
    "fixtures",
    "fixture",
    "mock",
    "mocks",
    "e2e",
    "integration-tests",
    "unittest",
    "unittests",
    "test-support",
    "testsuite",
    "smoke-test",
];
const EXAMPLE_PARTS: [&str; 13] = [
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "doc",
    "docs",
    "documentation",
    "tutorial",
    "tutorials",
    "quickstart",
    "playground",
];
const EXAMPLE_ENDS: [&str; 15] = [
    ".md",
    ".mdx",
    ".rst",
    ".adoc",
    ".asciidoc",
    ".markdown",
    ".example",
    ".sample",
    ".template",
    ".dist",
    ".tmpl",
    ".tpl",
    ".rdoc",
    ".textile",
    ".1",
];
const LOCKS: [&str; 17] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "cargo.lock",
    "go.sum",
    "composer.lock",
    "gemfile.lock",
    "poetry.lock",
    "pipfile.lock",
    "uv.lock",
    "pdm.lock",
    "flake.lock",
    "gradle.lockfile",
    "mix.lock",
    "packages.lock.json",
];
const TRANSLATION_PARTS: [&str; 10] =
    ["locale", "locales", "i18n", "l10n", "lang", "langs", "translations", "translation", "intl", "languages"];
const TRANSLATION_ENDS: [&str; 7] = [".po", ".pot", ".resx", ".strings", ".arb", ".xlf", ".xliff"];

impl PathFacts {
    /// Reads the facts off a path; containers' inner paths (`a.jar!/b.yml`) count from the last `!/` on as well.
    pub fn of(path: &str) -> Self {
        let lower = path.to_ascii_lowercase().replace('\\', "/").replace("!/", "/");
        let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let stem = name.split('.').next().unwrap_or_default();
        let original_stem = path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default();
        let any_folder = |parts: &[&str]| folders.split('/').any(|folder| parts.contains(&folder));
        let compound = |folder: &str| {
            folder.split(['-', '_', '.']).any(|word| matches!(word, "test" | "tests" | "testing" | "e2e"))
        };
        // `dockerTest`, `androidTest`: told by their capital.
        let humped = |folder: &str| folder.ends_with("Test") || folder.ends_with("Tests");
        Self {
            source: SOURCE.contains(&extension) || MORE_SOURCE.contains(&extension),
            test: any_folder(&TEST_PARTS)
                || folders.split('/').any(compound)
                || path.rsplit('/').skip(1).any(humped)
                || stem.starts_with("test_")
                || stem.starts_with("test-")
                || stem.ends_with("_test")
                || stem.ends_with("-test")
                || stem.ends_with("_spec")
                || stem.ends_with("_tests")
                || original_stem.ends_with("Test")
                || original_stem.ends_with("Tests")
                || original_stem.ends_with("TestCase")
                || original_stem.ends_with("Spec")
                || original_stem.ends_with("IT")
                || name.contains(".test.")
                || name.contains(".spec.")
                || matches!(stem, "conftest" | "test" | "tests"),
            example: any_folder(&EXAMPLE_PARTS)
                || EXAMPLE_ENDS.iter().any(|end| name.ends_with(end))
                || name.contains(".example.")
                || name.contains(".sample.")
                || stem.starts_with("readme")
                || stem.starts_with("changelog")
                || stem.contains("example"),
            lock: LOCKS.contains(&name),
            extension: extension.bytes().fold(0, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add(byte.into())),
            translation: any_folder(&TRANSLATION_PARTS)
                || TRANSLATION_ENDS.iter().any(|end| name.ends_with(end))
                || stem.starts_with("messages_"),
        }
    }
}

/// Makes a finding of `candidate` at `path` (its identity; whoever shows it may name it otherwise), or says why not.
pub fn verdict(detector: &Detector, mut candidate: Candidate, path: &str, facts: &PathFacts) -> Verdict {
    let rule = detector.rule_of(&candidate);
    if !detector.is_for(&candidate, path) {
        return match candidate.otherwise.take() {
            Some(otherwise) => verdict(detector, *otherwise, path, facts),
            None => Verdict::OtherPath,
        };
    }
    if let Some(dropped) = candidate.dropped.take() {
        return Verdict::Dropped(Box::new(candidate), dropped);
    }
    let no = |candidate: Candidate, reason: &'static str| {
        Verdict::Dropped(Box::new(candidate), Dropped { judge: Judge::Path, reason: reason.into() })
    };
    if candidate.quoted == Some(false) && facts.source {
        return no(candidate, "a bare word in source code is no literal");
    }
    if facts.lock && rule.class == Class::Generic {
        return no(candidate, "lock files hold digests");
    }
    if let Some(score) = candidate.score {
        let of_path = match path {
            "" => model::usual_path_score(),
            _ => model::path_score(facts, rule.kind() as u8, candidate.quoted == Some(true)),
        };
        match model::confidence(score + of_path) {
            Some(confidence) => candidate.confidence = confidence,
            None => {
                let reason = "its name, its value and its place do not read like a credential";
                let dropped = Dropped { judge: Judge::Plausibility, reason: reason.into() };
                return Verdict::Dropped(Box::new(candidate), dropped);
            }
        }
    }
    lower_severity(&mut candidate, rule.severity_in_tests, facts);
    let partner = candidate.partner.take().map(|partner| Partner {
        rule: detector.rule_of(&partner).id.clone(),
        place: partner.place,
        secret: partner.secret.clone(),
    });
    Verdict::Finding(Box::new(Finding {
        rule: rule.id.clone(),
        title: rule.name.clone(),
        severity: candidate.severity,
        confidence: candidate.confidence,
        path: path.to_owned(),
        identity: path.to_owned(),
        place: candidate.place,
        fingerprint: Key::fixed().fingerprint(&rule.id, &candidate.secret, path),
        secret: candidate.secret,
        evidence: candidate.evidence,
        excerpt: candidate.excerpt,
        partner,
        advice: rule.advice.clone(),
        life: None,
    }))
}

/// A password of a test or an example is harmless; a provider's key is not, wherever it stands.
fn lower_severity(candidate: &mut Candidate, ceiling: Severity, facts: &PathFacts) {
    let place = match facts {
        PathFacts { test: true, .. } => "in a test",
        PathFacts { example: true, .. } => "in an example or documentation",
        _ => return,
    };
    if candidate.severity > ceiling {
        candidate.severity = ceiling;
        candidate.evidence.push(place.into());
    }
}

/// Compiles a glob of paths, as in `.gitignore`: without a slash it matches names in any folder. The error says what is
/// wrong with it.
pub fn path_matcher(glob: &str) -> Result<GlobMatcher, globset::Error> {
    let anchored = glob.trim_start_matches('/');
    let text = if anchored.trim_end_matches('/').contains('/') || glob.starts_with('/') {
        anchored.to_owned()
    } else {
        format!("**/{anchored}")
    };
    let text = if text.ends_with('/') { format!("{text}**") } else { text };
    GlobBuilder::new(&text).literal_separator(true).build().map(|glob| glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_what_they_are() {
        assert!(PathFacts::of("src/main.rs").source && !PathFacts::of("conf/app.yml").source);
        for path in [
            "tests/a.rs",
            "src/test/java/A.java",
            "a/b_test.go",
            "a/UserTest.java",
            "x.spec.ts",
            "core/spring-boot-test/a.yml",
            "a/src/dockerTest/b.yml",
            "t/t0001.sh",
        ] {
            assert!(PathFacts::of(path).test, "{path}");
        }
        for path in ["src/contest.rs", "attestation/a.rs", "latest/a.yml", "src/unit.rs"] {
            assert!(!PathFacts::of(path).test, "{path}");
        }
        assert!(PathFacts::of("docs/a.yml").example && PathFacts::of(".env.example").example);
        assert!(PathFacts::of("web/package-lock.json").lock);
        assert!(PathFacts::of("config/locales/de.yml").translation);
    }

    fn matches_path(glob: &str, path: &str) -> bool {
        path_matcher(glob).unwrap().is_match(path)
    }

    #[test]
    fn globs_without_a_slash_match_in_any_folder() {
        assert!(matches_path(".npmrc", "a/b/.npmrc") && matches_path(".npmrc", ".npmrc"));
        assert!(matches_path("vendor/**", "vendor/a/b") && !matches_path("vendor/**", "x/vendor/a"));
        assert!(
            matches_path("*.tfstate", "a/b.tfstate")
                && matches_path("docs/", "docs/a/b")
                && matches_path("docs/", "x/docs/a")
        );
    }
}
