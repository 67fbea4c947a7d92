//! A commit as people name it. Secrets in it are masked with everything else that is printed ([`crate::redaction`]).

use keysieve_git::commit;
use keysieve_git::oid::Oid;

use crate::finding::CommitNote;

/// The commit `oid` with these bytes as a person would name it.
pub fn note(oid: &Oid, bytes: &[u8]) -> Option<CommitNote> {
    let head = &bytes[..bytes.len() - commit::message(bytes).len()];
    let line = head.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"author "))?;
    let author = &line[7..memchr::memrchr(b'>', line).map_or(line.len(), |at| at + 1)];
    let date = commit::seconds(line).and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let message = commit::message(bytes);
    let subject = message.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(CommitNote {
        id: oid.to_string(),
        author: text(author),
        date: date.map(|date| date.to_string()).unwrap_or_default(),
        subject: text(subject),
    })
}
