//! Commits and annotated tags, read as git reads them (`parse_commit_buffer` in git's commit.c).
//!
//! Parents stand right after the tree and nowhere else: a line `parent …` further down is a header that git does not know,
//! and whoever takes it for a parent loses the commit's real history. Everything but the tree and the parents is text that
//! somebody wrote: names, addresses, further headers, the message.

use std::ops::Range;

use super::oid::Oid;

/// A commit, as far as attribution needs it.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its id.
    pub oid: Oid,
    /// Its root tree.
    pub tree: Oid,
    /// Its parents.
    pub parents: Vec<Oid>,
    /// When it was committed, in seconds since 1970; 0 where that cannot be told, as for git.
    pub time: i64,
}

/// What is wrong with a commit that does not parse: git refuses it as well.
pub const MALFORMED: &str = "it is not a commit that git can parse: its tree or one of its parents is malformed";

/// Reads tree, parents and time of a commit; `None` where git refuses it.
pub fn parse(oid: Oid, bytes: &[u8]) -> Option<Commit> {
    parse_with_text(oid, bytes).map(|(commit, _)| commit)
}

/// The same, with its [`header_text`].
pub fn parse_with_text(oid: Oid, bytes: &[u8]) -> Option<(Commit, &[u8])> {
    let (tree, mut rest) = id_line(bytes, b"tree ", oid)?;
    let mut parents = Vec::new();
    while rest.starts_with(b"parent ") && rest.len() > b"parent ".len() + digits(oid) {
        let (parent, after) = id_line(rest, b"parent ", oid)?;
        parents.push(parent);
        rest = after;
    }
    let commit = Commit { oid, tree, parents, time: time(rest).unwrap_or(0) };
    // The header ends with an empty line; before that there may be nothing else.
    let end = if rest.starts_with(b"\n") { Some(0) } else { memchr::memmem::find(rest, b"\n\n").map(|at| at + 1) };
    Some((commit, &rest[..end.unwrap_or(rest.len())]))
}

/// Hexadecimal digits of an id like this one.
fn digits(oid: Oid) -> usize {
    2 * oid.as_bytes().len()
}

/// The id in a line that starts with `key`, and what follows the line.
fn id_line<'a>(bytes: &'a [u8], key: &[u8], like: Oid) -> Option<(Oid, &'a [u8])> {
    let (hex, rest) = bytes.strip_prefix(key)?.split_at_checked(digits(like))?;
    Some((Oid::from_hex(hex)?, rest.strip_prefix(b"\n")?))
}

/// The committer's time, if the author's line and then the committer's stand where they have to.
fn time(after_parents: &[u8]) -> Option<i64> {
    let author = first_line(after_parents);
    let committer = first_line(after_parents.strip_prefix(author)?.strip_prefix(b"\n")?);
    if !author.starts_with(b"author") || !committer.starts_with(b"committer") {
        return None;
    }
    seconds(committer)
}

/// What follows the header of a commit or tag.
pub fn message(bytes: &[u8]) -> &[u8] {
    memchr::memmem::find(bytes, b"\n\n").map_or(&[], |at| &bytes[at + 2..])
}

/// The header of a commit or tag without what names other objects: the names and addresses of people, a tag's name,
/// signatures, headers that somebody added.
pub fn header_text(bytes: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(bytes, b"\n\n").map_or(bytes.len(), |at| at + 1);
    let mut rest = &bytes[..end];
    // Of a malformed object all lines are text.
    let names_object = |line: &[u8], keys: &[&[u8]]| {
        let hex = keys.iter().find_map(|key| line.strip_prefix(*key));
        hex.is_some_and(|hex| Oid::from_hex(hex).is_some())
    };
    let mut keys: &[&[u8]] = &[b"tree ", b"object "];
    while names_object(first_line(rest), keys) {
        rest = &rest[(first_line(rest).len() + 1).min(rest.len())..];
        keys = &[b"parent "];
    }
    rest
}

/// Where the signatures of a header stand, whose lines are no assignments whatever they look like.
pub fn signatures(header: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let (mut at, mut is_open) = (0, false);
    while at < header.len() {
        let line = first_line(&header[at..]);
        let end = (at + line.len() + 1).min(header.len());
        // Further lines of a header begin with a blank.
        is_open = match line.first() {
            Some(b' ') => is_open,
            _ => line.starts_with(b"gpgsig ") || line.starts_with(b"gpgsig-sha256 "),
        };
        match found.last_mut().filter(|last| is_open && last.end == at) {
            Some(last) => last.end = end,
            None if is_open => found.push(at..end),
            None => {}
        }
        at = end;
    }
    found
}

/// Author and committer, if that is all that a header's text says beside two times: names and addresses without what
/// follows them.
pub fn only_people(header: &[u8]) -> Option<[&[u8]; 2]> {
    let person = |line: &'_ [u8], key: &[u8]| {
        let end = memchr::memrchr(b'>', line)? + 1;
        let is_time = line[end..].iter().all(|byte| matches!(byte, b'0'..=b'9' | b' ' | b'+' | b'-'));
        (line.starts_with(key) && is_time).then_some(end)
    };
    let author = first_line(header);
    let rest = header.get(author.len() + 1..)?;
    let committer = first_line(rest);
    if committer.len() + 1 != rest.len() {
        return None;
    }
    Some([&author[..person(author, b"author ")?], &committer[..person(committer, b"committer ")?]])
}

/// The object that an annotated tag points to.
pub fn tag_target(bytes: &[u8]) -> Option<Oid> {
    Oid::from_hex(first_line(bytes.strip_prefix(b"object ")?))
}

/// The seconds at the end of an author's or committer's line.
pub fn seconds(line: &[u8]) -> Option<i64> {
    let after = &line[memchr::memrchr(b'>', line)? + 1..];
    let after = after.trim_ascii_start();
    let digits = after.strip_prefix(b"-").unwrap_or(after);
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = std::str::from_utf8(&after[..after.len() - digits.len() + length]).ok()?;
    // More seconds than fit are the far future.
    (length > 0).then(|| text.parse().unwrap_or(i64::MAX))
}

/// The line that `bytes` begin with.
pub fn first_line(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memchr(b'\n', bytes).unwrap_or(bytes.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: char) -> Oid {
        Oid::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    fn text(lines: &[&str]) -> Vec<u8> {
        lines.join("\n").replace("{t}", &"1".repeat(40)).replace("{p}", &"2".repeat(40)).into_bytes()
    }

    #[test]
    fn parents_stand_after_the_tree_only() {
        let people = ["author A <a@b> 1 +0000", "committer A <a@b> 2 +0000"];
        let good = text(&["tree {t}", "parent {p}", people[0], people[1], "parent zzzz", "parent {p}", "", "hi"]);
        let commit = parse(oid('3'), &good).unwrap();
        assert_eq!((commit.tree, commit.parents, commit.time), (oid('1'), vec![oid('2')], 2));
        assert_eq!(header_text(&good), text(&[people[0], people[1], "parent zzzz", "parent {p}", ""]));
        assert_eq!(message(&good), b"hi");
        for bad in [
            text(&["tree {t}", "parent {p} ", people[0], people[1], "", ""]),
            text(&["tree {t}", "parent zzzz{p}", people[0], people[1], "", ""]),
            text(&["tree {t} ", people[0], people[1], "", ""]),
            text(&[people[0], "tree {t}", people[1], "", ""]),
        ] {
            assert!(parse(oid('3'), &bad).is_none(), "{}", String::from_utf8_lossy(&bad));
        }
    }

    #[test]
    fn a_time_is_read_where_git_reads_it() {
        let time = |lines: &[&str]| parse(oid('3'), &text(lines)).unwrap().time;
        assert_eq!(time(&["tree {t}", "author A <a@b> 1 +0000", "committer A> <a@b>>  77x", ""]), 77);
        assert_eq!(time(&["tree {t}", "committer A <a@b> 5 +0000", "author A <a@b> 1 +0000", ""]), 0);
        assert_eq!(time(&["tree {t}", "author A <a@b> 1 +0000", "committer A <a@b> -5 +0000", ""]), -5);
        assert_eq!(time(&["tree {t}", "author A", "committer A <a@b> 99999999999999999999 +0000", ""]), i64::MAX);
        assert_eq!(time(&["tree {t}", ""]), 0);
    }

    #[test]
    fn signatures_end_where_their_header_does() {
        let header =
            b"author A <a@b> 1 +0000\ngpgsig -----BEGIN\n \n x\nencoding x\n y\ngpgsigX a\n b\ngpgsig-sha256 c\n d\n";
        let told: Vec<&[u8]> = signatures(header).into_iter().map(|range| &header[range]).collect();
        assert_eq!(told, [&b"gpgsig -----BEGIN\n \n x\n"[..], b"gpgsig-sha256 c\n d\n"]);
    }

    #[test]
    fn people_are_told_from_further_headers() {
        let people: [&[u8]; 2] = [b"author A <a@b>", b"committer C <c@d>"];
        assert_eq!(only_people(b"author A <a@b> 1 +0000\ncommitter C <c@d> 2 -0100\n"), Some(people));
        for other in [
            "author A <a@b> 1 x\ncommitter C <c@d> 2 -0100\n",
            "author A <a@b> 1 +0000\ncommitter C <c@d> 2 -0100\nx y\n",
            "author A <a@b> 1 +0000\ncommitter C <c@d> 2 -0100",
            "author A <a@b> 1 +0000\n",
            "",
        ] {
            assert_eq!(only_people(other.as_bytes()), None, "{other:?}");
        }
    }

    #[test]
    fn a_tag_leads_to_its_object() {
        let tag = text(&["object {t}", "type commit", "tag v1", "tagger A <a@b> 1 +0000", "", "hi"]);
        assert_eq!(tag_target(&tag), Some(oid('1')));
        assert_eq!(header_text(&tag), b"type commit\ntag v1\ntagger A <a@b> 1 +0000\n");
    }
}
