//! The entries of a tree, read as git reads them (`decode_tree_entry` in git's tree-walk.c).

use super::oid::Oid;

/// One entry: what it names, and under which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeEntry<'a> {
    /// What it is.
    pub mode: Mode,
    /// Its name; in a made-up tree it can hold any byte but NUL.
    pub name: &'a [u8],
    /// The object that it names.
    pub oid: Oid,
    /// How many bytes it takes in the tree.
    pub length: usize,
}

/// The mode of an entry, as far as git tells modes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A folder.
    Tree,
    /// A file, executable or not, and whatever has a mode that git does not know: it lists that as a file's content as
    /// well (`object_type` in git's cache.h).
    File,
    /// A symbolic link, whose target is the object's content.
    Link,
    /// A submodule, whose commit is in another repository.
    Submodule,
}

impl Mode {
    /// From the mode of a tree or an index.
    pub fn of(bits: u32) -> Self {
        match bits & 0o170_000 {
            0o040_000 => Self::Tree,
            0o120_000 => Self::Link,
            0o160_000 => Self::Submodule,
            _ => Self::File,
        }
    }

    /// Whether it names a content: that of a file or a link.
    pub fn is_content(self) -> bool {
        matches!(self, Self::File | Self::Link)
    }
}

/// What is wrong with a tree that does not parse: git refuses it as well.
pub const MALFORMED: &str = "it is not a tree that git can parse: an entry is cut short or malformed, and what follows \
                             it was not read";

/// The first entry of `tree`; `None` where there is none, or one that git refuses. `hash` is the length of an id in bytes.
#[inline(always)]
pub fn first(tree: &[u8], hash: usize) -> Option<TreeEntry<'_>> {
    let (mode, blank) = match tree {
        // Nearly all entries.
        [b'1', b'0', b'0', b'6', b'4', b'4', b' ', ..] => (Mode::File, 6),
        [b'4', b'0', b'0', b'0', b'0', b' ', ..] => (Mode::Tree, 5),
        _ => {
            let blank = memchr::memchr(b' ', tree)?;
            let digits = &tree[..blank];
            if digits.is_empty() || !digits.iter().all(|digit| (b'0'..=b'7').contains(digit)) {
                return None;
            }
            (Mode::of(digits.iter().fold(0u32, |bits, digit| bits << 3 | u32::from(digit & 7))), blank)
        }
    };
    let rest = &tree[blank + 1..];
    let nul = memchr::memchr(0, rest).filter(|nul| *nul > 0)?;
    let oid = Oid::from_bytes(rest.get(nul + 1..nul + 1 + hash)?)?;
    Some(TreeEntry { mode, name: &rest[..nul], oid, length: blank + nul + 2 + hash })
}

/// The entries of `tree` up to the first that is malformed, and whether there is none.
pub fn read(tree: &[u8], hash: usize) -> (Vec<TreeEntry<'_>>, bool) {
    let mut entries = Vec::with_capacity(tree.len() / 36);
    let mut rest = tree;
    while let Some(entry) = first(rest, hash) {
        rest = &rest[entry.length..];
        entries.push(entry);
    }
    (entries, rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_read_to_the_first_malformed_entry() {
        let entry = |head: &str| [head.as_bytes(), &[0], &[7; 20]].concat();
        let tree =
            [entry("100644 a"), entry("40000 b"), entry("0120000 a"), entry("0 c"), entry("160000 d/e")].concat();
        let (entries, is_whole) = read(&tree, 20);
        let modes: Vec<(Mode, &[u8])> = entries.iter().map(|it| (it.mode, it.name)).collect();
        let expected: [(Mode, &[u8]); 5] =
            [(Mode::File, b"a"), (Mode::Tree, b"b"), (Mode::Link, b"a"), (Mode::File, b"c"), (Mode::Submodule, b"d/e")];
        assert!(is_whole);
        assert_eq!(modes, expected);
        for bad in ["8 a", " a", "100644 ", "100644a"] {
            let tree = [entry("100644 a"), entry(bad)].concat();
            let (entries, is_whole) = read(&tree, 20);
            assert_eq!((entries.len(), is_whole), (1, false), "{bad}");
        }
        assert!(!read(&tree[..tree.len() - 1], 20).1);
    }
}
