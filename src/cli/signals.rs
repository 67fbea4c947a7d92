//! Signals that would end the program in the middle of its work.
//!
//! A mapped file that somebody cuts gives SIGBUS where its pages are gone. The handler puts zeros there, as systemd's
//! journal does: what reads them finds the file damaged, and the scan says that it is not complete. libgit2 maps files as
//! well, so this is the only place where it can be done for all.

use super::say;
use std::sync::atomic::{AtomicBool, Ordering};

use keysieve::gap::{Gap, GapCode};

/// Whether a mapped file was cut.
static CUT: AtomicBool = AtomicBool::new(false);

/// What the user is told if a mapped file was cut while it was read.
pub fn gap() -> Option<Gap> {
    let reason = "a file was cut short while it was mapped into memory; scan again when nobody changes the repository";
    CUT.load(Ordering::Relaxed).then(|| Gap::about(GapCode::Changed, "repository", reason))
}

/// Takes over SIGBUS, forbids core dumps, and lets a write beyond the limit of file sizes (SIGXFSZ) fail as one to a full disk does.
#[cfg(target_os = "linux")]
pub fn prepare() {
    linux::prepare();
}

#[cfg(not(target_os = "linux"))]
pub fn prepare() {}

/// Has a thread do `work` whenever a signal asks the program to end: SIGINT, SIGTERM, SIGHUP.
#[cfg(unix)]
pub fn on_end(work: impl FnMut() + Send + 'static) -> std::io::Result<()> {
    unix::on_end(work)
}

#[cfg(not(unix))]
pub fn on_end(work: impl FnMut() + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(work)
}

/// Shows where a panic was and nothing of what it was about: that can be text under scan.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| say::aside(&told(info))));
}

fn told(info: &std::panic::PanicHookInfo<'_>) -> String {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    format!("keysieve: a mistake at {place}; what was looked at there was not read to its end")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    #[test]
    fn a_panic_tells_its_place_and_nothing_else() {
        let (told, heard) = mpsc::channel();
        std::panic::set_hook(Box::new(move |info| drop(told.send(super::told(info)))));
        let text = String::from("Tr4vel-Lantern-ü");
        let caught = std::panic::catch_unwind(|| text[..text.len() - 1].len());
        let _ = std::panic::take_hook();
        assert!(caught.is_err());
        let said = heard.recv().unwrap();
        assert!(said.contains(file!()) && !said.contains("Tr4vel"), "{said}");
    }
}

#[cfg(unix)]
#[allow(unsafe_code)]
mod unix {
    use std::ffi::c_int;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::OnceLock;
    use std::{mem, ptr, thread};

    /// Where the handler tells the thread that a signal came.
    static TOLD: OnceLock<OwnedFd> = OnceLock::new();

    pub fn on_end(mut work: impl FnMut() + Send + 'static) -> io::Result<()> {
        let (told, tell) = rustix::pipe::pipe()?;
        for end in [&told, &tell] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
        }
        TOLD.set(tell).map_err(|_| io::Error::other("another scan has them already"))?;
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            loop {
                match rustix::io::read(&told, &mut [0; 1]) {
                    Ok(1) => work(),
                    Err(rustix::io::Errno::INTR) => {}
                    _ => return,
                }
            }
        })?;
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            // SAFETY: an all-zero `sigaction` is a valid one, and the handler below has the signature of one without
            // SA_SIGINFO. All that it does is a look at what is set already and a `write`, which handlers may call.
            let is_set = unsafe {
                let mut action: libc::sigaction = mem::zeroed();
                action.sa_sigaction = on_signal as *const () as usize;
                action.sa_flags = libc::SA_RESTART;
                libc::sigaction(signal, &action, ptr::null_mut())
            };
            if is_set != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }

    extern "C" fn on_signal(_: c_int) {
        if let Some(tell) = TOLD.get() {
            // A pipe that is full has told enough.
            let _ = rustix::io::write(tell, &[0]);
        }
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod linux {
    use std::ffi::{c_int, c_void};
    use std::mem;
    use std::ptr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Bytes of a page: known before the handler can run.
    static PAGE: AtomicUsize = AtomicUsize::new(4096);

    pub fn prepare() {
        PAGE.store(rustix::param::page_size(), Ordering::Relaxed);
        // A core dump would hold what was found. Where it may not be forbidden it is as before.
        let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
        // SAFETY: an all-zero `sigaction` is a valid one, the handler below has the signature that SA_SIGINFO asks for, and
        // it does nothing that is not allowed in a handler.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = on_bus_error as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGBUS, &action, ptr::null_mut());
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        }
    }

    extern "C" fn on_bus_error(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
        let page = PAGE.load(Ordering::Relaxed);
        // SAFETY: the kernel hands over a valid `siginfo_t`. With BUS_ADRERR the address lies in a mapping whose file ends
        // before it; nobody can have read that page, and a page of zeros in its place is what a longer file could have held.
        // `mmap` is a plain system call, and `signal` is allowed in a handler.
        unsafe {
            if (*info).si_code == libc::BUS_ADRERR {
                let start = ((*info).si_addr() as usize & !(page - 1)) as *mut c_void;
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
                if libc::mmap(start, page, libc::PROT_READ, flags, -1, 0) != libc::MAP_FAILED {
                    super::CUT.store(true, Ordering::Relaxed);
                    return;
                }
            }
            // The instruction runs once more and ends the program.
            libc::signal(libc::SIGBUS, libc::SIG_DFL);
        }
    }

    #[cfg(test)]
    mod tests {
        use std::fs::{self, OpenOptions};

        #[test]
        fn a_mapped_file_that_is_cut_reads_as_zeros() {
            super::prepare();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a");
            fs::write(&path, vec![7; 5 * 65536]).unwrap();
            let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
            // SAFETY: that it is cut is what is tried here.
            let map = unsafe { memmap2::Mmap::map(&file) }.unwrap();
            assert!(super::super::gap().is_none());
            file.set_len(10).unwrap();
            assert_eq!(map[5 * 65536 - 1], 0);
            assert_eq!(map.iter().filter(|byte| **byte == 7).count(), 10);
            assert!(super::super::gap().is_some());
        }
    }
}
