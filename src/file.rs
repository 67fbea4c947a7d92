//! Reads what is a regular file, and nothing else: somebody may have put a link there that leads elsewhere, or a FIFO that
//! is never written to. Writes files whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::NamedTempFile;

use crate::decode;

/// Opens a regular file for reading.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = open(path, false)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

/// Opens whatever is there without waiting for it; of a link the target only if `follow` says so.
pub fn open(path: &Path, follow: bool) -> io::Result<File> {
    let mut how = OpenOptions::new();
    how.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        how.custom_flags(libc::O_NONBLOCK | if follow { 0 } else { libc::O_NOFOLLOW });
    }
    #[cfg(not(unix))]
    let _ = follow;
    how.open(path).map_err(|error| match error.raw_os_error() {
        #[cfg(unix)]
        Some(libc::ELOOP) => io::Error::other("it is a symbolic link, which is not followed"),
        _ => error,
    })
}

/// Most bytes of a file that is read whole beside the contents: refs, indexes, configurations.
const MOST: u64 = 256 << 20;

/// The content of a regular file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other("it is larger than 256 MiB"));
    }
    Ok(bytes)
}

/// The content of a regular file of text.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8"))
}

/// A path as text: without a leading `./`, bytes that are no UTF-8 as `\xNN`.
pub fn shown(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let bytes = bytes.strip_prefix(b"./").filter(|rest| !rest.is_empty()).unwrap_or(bytes);
    decode::shown(bytes)
}

/// Temporary files that are being written.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file that is written beside the one that it takes the place of, so that no interruption leaves half of it. Until it
/// is finished only its owner can read it.
#[derive(Debug)]
pub struct Replacement {
    file: Option<NamedTempFile>,
    path: PathBuf,
}

impl Replacement {
    /// Begins a file for `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The temporary file's own name would only distract from what is wrong.
        let file = NamedTempFile::new_in(folder).map_err(|error| io::Error::from(error.kind()))?;
        unfinished().push(file.path().to_owned());
        Ok(Self { file: Some(file), path: path.to_owned() })
    }

    /// The file while it is written.
    fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().map(NamedTempFile::as_file_mut).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Sets who may read, write and run it.
    pub fn set_permissions(&mut self, permissions: fs::Permissions) -> io::Result<()> {
        self.file()?.set_permissions(permissions)
    }

    /// Puts it in its place.
    pub fn finish(mut self) -> io::Result<()> {
        self.file()?.sync_all()?;
        let path = self.path.clone();
        match self.take() {
            Some(file) => file.persist(path).map(drop).map_err(|error| error.error),
            None => Ok(()),
        }
    }

    fn take(&mut self) -> Option<NamedTempFile> {
        let file = self.file.take()?;
        unfinished().retain(|path| path != file.path());
        Some(file)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        drop(self.take());
    }
}

fn unfinished() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what was being written: to be called before the program ends at once.
pub fn abandon() {
    for path in unfinished().drain(..) {
        // Nobody is left to be told.
        let _ = fs::remove_file(path);
    }
}

/// Writes `bytes` to `path`.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Replacement::of(path)?;
    file.write_all(bytes)?;
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, b"old").unwrap();
        let mut half = Replacement::of(&path).unwrap();
        half.write_all(b"new").unwrap();
        drop(half);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let mut half = Replacement::of(&path).unwrap();
        half.write_all(b"new").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        abandon();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(half.finish().is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read_text(&file).unwrap(), "text");
        assert!(read(&link).unwrap_err().to_string().contains("symbolic link"));
        assert!(read(folder.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_utf8_are_shown_escaped() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"./a/\xff\xc3\xa9");
        assert_eq!(shown(Path::new(name)), "a/\\xffé");
        assert_eq!(shown(Path::new(".")), ".");
    }
}
