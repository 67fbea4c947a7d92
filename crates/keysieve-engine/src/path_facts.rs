//! What a path says about its content: source code, a test, an example, a lock file, a translation.

use crate::words;

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
            source: words::SOURCE_EXTENSIONS.contains(&extension),
            test: any_folder(words::TEST_FOLDERS)
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
            example: any_folder(words::EXAMPLE_FOLDERS)
                || words::EXAMPLE_ENDINGS.iter().any(|end| name.ends_with(end))
                || name.contains(".example.")
                || name.contains(".sample.")
                || stem.starts_with("readme")
                || stem.starts_with("changelog")
                || stem.contains("example"),
            lock: words::LOCK_FILES.contains(&name),
            extension: extension.bytes().fold(0, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add(byte.into())),
            translation: any_folder(words::TRANSLATION_FOLDERS)
                || words::TRANSLATION_ENDINGS.iter().any(|end| name.ends_with(end))
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
