//! What a path says about its content: source code, a test, an example, a lock file, a translation.

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
}
