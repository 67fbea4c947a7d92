//! Files by their paths: what is read ([`keysieve_git::file`] opens it), what is written ([`mod@write`]), and how a path is shown.

use std::path::Path;

pub use keysieve_git::file::{open, open_regular, read, read_followed, read_text};

use crate::decode;

pub mod write;

/// A path as text: without a leading `./`, bytes that are no UTF-8 as `\xNN`.
pub fn shown(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let bytes = bytes.strip_prefix(b"./").filter(|rest| !rest.is_empty()).unwrap_or(bytes);
    decode::shown(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_utf8_are_shown_escaped() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"./a/\xff\xc3\xa9");
        assert_eq!(shown(Path::new(name)), "a/\\xffé");
        assert_eq!(shown(Path::new(".")), ".");
    }
}
