//! Paths of contents that are inside of others: `app.jar!/config.yml` is what the container `app.jar` calls `config.yml`.

/// Stands between the path of a container and that of what is in it.
pub const SIGN: &str = "!/";

/// The file in a folder or repository that a content is in: itself, unless it is inside of a container.
pub fn outer(path: &str) -> &str {
    path.split_once(SIGN).map_or(path, |(outer, _)| outer)
}

/// A path cut before what is inside of its file, which may be empty.
pub fn split(path: &str) -> (&str, &str) {
    path.split_at(outer(path).len())
}

/// Whether a content is somewhere inside of the content at `outer`.
pub fn is_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with(SIGN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_at_the_outermost_container() {
        assert_eq!(split("a/b.zip!/c.tar!/d"), ("a/b.zip", "!/c.tar!/d"));
        assert_eq!((outer("a/b!"), outer("a/b")), ("a/b!", "a/b"));
        assert!(is_inside("a.zip!/b", "a.zip") && !is_inside("a.zip2!/b", "a.zip") && !is_inside("a.zip", "a.zip"));
    }
}
