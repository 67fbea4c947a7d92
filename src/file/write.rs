//! The one way in which a command writes a file.
//!
//! A regular file is written beside the one that it takes the place of and renamed when it is whole, so that no interruption
//! leaves half of it; its permissions and its owner stay. Where the folder takes no second file, or the file is mounted, its
//! content is replaced at once when all of it is there. What is no regular file (a device, a pipe) is written into, never
//! replaced. A link is not followed, unless it leads to something open: `/dev/stdout`, a shell's `>(…)`.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tempfile::NamedTempFile;

/// Who may read the file, and run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever could before; of a new file, as the user's mask has it.
    Kept,
    /// Only its owner: it holds secrets.
    Owner,
    /// Everybody, and it can be run.
    Program,
}

/// A file that is being written. Unless it is finished, a regular file stays as it was.
#[derive(Debug)]
pub struct Writer {
    to: To,
    access: Access,
    path: PathBuf,
}

#[derive(Debug)]
enum To {
    /// Beside the file that it takes the place of, which is held open where there is one.
    Beside(NamedTempFile, Option<File>),
    /// In memory, for a file that none can be put beside.
    Memory(Vec<u8>, File),
    /// A device or a pipe.
    Stream(File),
    /// It was finished, or given up.
    Nothing,
}

/// Temporary files that are being written.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

impl Writer {
    /// Begins to write what is to be found at `path`.
    pub fn open(path: &Path, access: Access) -> io::Result<Self> {
        let writer = |to| Ok(Self { to, access, path: path.to_owned() });
        let there = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return writer(beside(path, None, access)?),
            there => there?,
        };
        if there.is_symlink() {
            return writer(To::Stream(open_linked(path)?));
        }
        if there.is_dir() {
            return Err(io::Error::other("it is a folder"));
        }
        if !there.is_file() {
            return writer(To::Stream(open_stream(path)?));
        }
        // That it may be written to is asked of the file itself: a folder would let one be replaced that is not to be.
        let old = existing(path)?;
        match beside(path, Some(old.try_clone()?), access) {
            Ok(to) => writer(to),
            Err(_) => writer(To::Memory(Vec::new(), old)),
        }
    }

    /// Puts it in its place.
    pub fn finish(mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.to, To::Nothing) {
            To::Beside(file, old) => {
                let done = self.rename(file, old);
                forget(|path| path.exists());
                done
            }
            To::Memory(bytes, old) => self.overwrite(&bytes, old),
            To::Stream(mut file) => file.flush(),
            To::Nothing => Ok(()),
        }
    }

    fn rename(&self, mut file: NamedTempFile, old: Option<File>) -> io::Result<()> {
        if let Some(old) = &old {
            keep(file.as_file(), &old.metadata()?, self.access);
        }
        self.give_access(file.as_file())?;
        file.as_file().sync_all()?;
        let mut bytes = Vec::new();
        match (file.persist(&self.path), old) {
            (Ok(_), _) => Ok(()),
            // What is mounted there by itself can't be renamed over.
            (Err(refused), Some(old)) if refused.error.kind() == io::ErrorKind::ResourceBusy => {
                file = refused.file;
                file.rewind()?;
                file.read_to_end(&mut bytes)?;
                self.overwrite(&bytes, old)
            }
            (Err(refused), _) => Err(refused.error),
        }
    }

    fn overwrite(&self, bytes: &[u8], mut old: File) -> io::Result<()> {
        // Before there is a secret in it.
        self.give_access(&old)?;
        old.set_len(0)?;
        old.write_all(bytes)?;
        match old.sync_all() {
            // A file system that keeps nothing has nothing to do.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            done => done,
        }
    }

    #[cfg(unix)]
    fn give_access(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let mode = match self.access {
            Access::Kept => return Ok(()),
            Access::Owner => 0o600,
            Access::Program => 0o755,
        };
        file.set_permissions(fs::Permissions::from_mode(mode))
    }

    #[cfg(not(unix))]
    fn give_access(&self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Beside(file, _) => file.write(bytes),
            To::Memory(kept, _) => kept.write(bytes),
            To::Stream(file) => file.write(bytes),
            To::Nothing => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Beside(file, _) => file.flush(),
            To::Stream(file) => file.flush(),
            To::Memory(..) | To::Nothing => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let To::Beside(file, _) = std::mem::replace(&mut self.to, To::Nothing) {
            let path = file.path().to_owned();
            drop(file);
            forget(|other| *other != path);
        }
    }
}

/// Writes `bytes` to `path`.
pub fn all(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let mut file = Writer::open(path, access)?;
    file.write_all(bytes)?;
    file.finish()
}

/// A temporary file in the folder of `path`.
fn beside(path: &Path, old: Option<File>, access: Access) -> io::Result<To> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut how = tempfile::Builder::new();
    #[cfg(unix)]
    if access == Access::Kept && old.is_none() {
        // The user's mask takes from it what they do not want.
        how.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = access;
    // The temporary file's own name would only distract from what is wrong.
    let file = how.tempfile_in(folder).map_err(|error| match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    })?;
    unfinished().push(file.path().to_owned());
    Ok(To::Beside(file, old))
}

/// Opens a regular file that is there, for writing, without changing it yet.
fn existing(path: &Path) -> io::Result<File> {
    let mut how = OpenOptions::new();
    how.write(true);
    without_waiting(&mut how, true);
    let file = how.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no longer what it was")),
    }
}

/// Opens a device or a pipe. A pipe that nobody reads yet is waited for: a signal ends that.
fn open_stream(path: &Path) -> io::Result<File> {
    const AGAIN: Duration = Duration::from_millis(20);
    let mut how = OpenOptions::new();
    how.write(true);
    without_waiting(&mut how, false);
    loop {
        match how.open(path) {
            #[cfg(unix)]
            Err(error)
                if rustix::io::Errno::from_io_error(&error) == Some(rustix::io::Errno::NXIO) && is_pipe(path) =>
            {
                thread::sleep(AGAIN)
            }
            #[cfg(unix)]
            Ok(file) => return waiting(file),
            opened => return opened,
        }
    }
}

/// Opens what a link of `/dev` or `/proc` stands for: a device, or something that is open already.
fn open_linked(path: &Path) -> io::Result<File> {
    let refused = || {
        let target = fs::read_link(path).map(|target| target.display().to_string()).unwrap_or_default();
        io::Error::other(format!("it is a symbolic link, which is not written through; it leads to `{target}`"))
    };
    let there = fs::metadata(path).map_err(|_| refused())?;
    if is_open(path) {
        // After what was written to it: a shell's `>` may have been there first.
        return OpenOptions::new().append(true).open(path);
    }
    match there.is_file() || there.is_dir() {
        true => Err(refused()),
        false => open_stream(path),
    }
}

/// Whether a chain of links ends in one that stands for an open file of this program.
fn is_open(path: &Path) -> bool {
    const MOST_LINKS: usize = 8;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Some(folder) = path.parent().and_then(|folder| fs::canonicalize(folder).ok()) else { return false };
        let open = fs::canonicalize("/proc/self/fd").is_ok_and(|open| open == folder) || folder == Path::new("/dev/fd");
        if open {
            return true;
        }
        match fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => return false,
        }
    }
    false
}

#[cfg(unix)]
fn without_waiting(how: &mut OpenOptions, is_regular: bool) {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    // A terminal that is written to does not become the one that this program belongs to.
    let links = if is_regular { OFlags::NOFOLLOW } else { OFlags::empty() };
    how.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY | links).bits().cast_signed());
}

#[cfg(not(unix))]
fn without_waiting(_: &mut OpenOptions, _: bool) {}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|it| it.file_type().is_fifo())
}

/// The same file, on which writing waits until there is room.
#[cfg(unix)]
fn waiting(file: File) -> io::Result<File> {
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - rustix::fs::OFlags::NONBLOCK)?;
    Ok(file)
}

/// Gives `file` the owner and the permissions of the one whose place it takes.
#[cfg(unix)]
fn keep(file: &File, old: &Metadata, access: Access) {
    use std::os::unix::fs::MetadataExt;
    let new = file.metadata();
    if new.is_ok_and(|new| (new.uid(), new.gid()) != (old.uid(), old.gid())) {
        // Only root may give files away; of the others it is theirs from now on.
        let _ = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
    }
    if access == Access::Kept {
        let _ = file.set_permissions(old.permissions());
    }
}

#[cfg(not(unix))]
fn keep(file: &File, old: &Metadata, access: Access) {
    if access == Access::Kept {
        let _ = file.set_permissions(old.permissions());
    }
}

fn unfinished() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget(stays: impl Fn(&PathBuf) -> bool) {
    unfinished().retain(stays);
}

/// Removes what was being written: to be called before the program ends at once.
pub fn abandon() {
    for path in unfinished().drain(..) {
        // Nobody is left to be told.
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn where_nothing_can_lie_beside_it_a_file_is_written_itself() {
        // A file that its program may write, in a folder that takes no other.
        let name = Path::new("/proc/thread-self/comm");
        all(name, b"written", Access::Kept).unwrap();
        assert_eq!(fs::read(name).unwrap(), b"written\n");
    }

    #[test]
    fn what_is_not_finished_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        all(&path, b"old", Access::Kept).unwrap();
        let mut half = Writer::open(&path, Access::Kept).unwrap();
        half.write_all(b"new").unwrap();
        drop(half);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let mut half = Writer::open(&path, Access::Kept).unwrap();
        half.write_all(b"new").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        abandon();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(half.finish().is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
}
