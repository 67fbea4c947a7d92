//! Contents inside of contents: archives and compressed files, nested to a depth.
//!
//! A kind is told by its first bytes, never by its name: a `.jar`, `.whl`, `.nupkg` or `.docx` is a zip, a `.gem` or what
//! `docker save` writes is a tar. Inner contents have paths such as `app.jar!/conf/a.yml`. Whatever a limit cuts off, and
//! whatever can't be unpacked, is told to the caller; nothing is left out in silence.

use crate::gap::GapCode;
use std::io::{self, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{key_store, rpm, shown, sqlite, zstd};

/// What packs contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PKWARE's APPNOTE; also jar, war, whl, nupkg, docx, xlsx, apk.
    Zip,
    /// POSIX ustar and its successors; also gem and OCI images.
    Tar,
    /// RFC 1952.
    Gzip,
    /// As bzip2 writes it.
    Bzip2,
    /// The .xz file format.
    Xz,
    /// RFC 8878.
    Zstd,
    /// The 7z format.
    SevenZip,
    /// As Unix's `ar` writes it; also deb.
    Ar,
    /// The "newc" form, which rpm has inside.
    Cpio,
    /// RPM version 3 and 4.
    Rpm,
    /// SQLite's file format 3.
    Sqlite,
    /// PKCS #12, JKS and JCEKS.
    KeyStore(key_store::Format),
}

impl Kind {
    /// What a content is that starts with `head`, of which the first 264 bytes tell.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some(Self::SevenZip),
            [0xed, 0xab, 0xee, 0xdb, 3 | 4, ..] => Some(Self::Rpm),
            _ if head.starts_with(b"!<arch>\n") => Some(Self::Ar),
            _ if head.starts_with(b"070701") || head.starts_with(b"070702") => Some(Self::Cpio),
            _ if head.starts_with(b"SQLite format 3\0") => Some(Self::Sqlite),
            _ if head.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            _ => key_store::Format::of(head).map(Self::KeyStore),
        }
    }
}

/// How much is unpacked of one outermost container.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Containers inside of one another.
    pub depth: usize,
    /// Bytes of one inner content.
    pub entry: u64,
    /// Bytes of all inner contents.
    pub total: u64,
    /// Times the packed size that all inner contents may have, beyond the first 64 MiB.
    pub ratio: u64,
    /// Inner contents.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 6, entry: 128 << 20, total: 2 << 30, ratio: 200, entries: 200_000 }
    }
}

/// Memory for a dictionary or a header that an archive asks for, in KiB; `xz -9` needs 65 MiB.
const DICTIONARY_KIB: u32 = 96 << 10;

/// Takes what is found inside of a container.
pub trait Sink {
    /// An inner content that is no container itself.
    fn content(&mut self, path: &str, bytes: &[u8]);
    /// An inner content, or the rest of a container, that was not read, and why.
    fn gap(&mut self, path: &str, code: GapCode, reason: String);
    /// Whether unpacking may go on with so many unpacked bytes in memory; if not, why.
    fn may_hold(&mut self, bytes: u64) -> Result<(), (GapCode, String)>;
}

/// Unpacks the container `bytes` of this `kind` at `path` into `sink`.
pub fn unpack(bytes: &[u8], kind: Kind, path: &str, limits: &Limits, sink: &mut dyn Sink) {
    let total = limits.total.min((64 << 20) + limits.ratio.saturating_mul(bytes.len() as u64));
    let mut unpacker = Unpacker { limits, left: total, total, entries: limits.entries, held: 0, sink };
    unpacker.open(bytes, kind, path, 1);
}

struct Unpacker<'a> {
    limits: &'a Limits,
    /// Bytes that may still be unpacked, of how many.
    left: u64,
    total: u64,
    /// Contents that may still be unpacked.
    entries: u64,
    /// Unpacked bytes in memory: a content, and those that it is in.
    held: u64,
    sink: &'a mut dyn Sink,
}

impl Unpacker<'_> {
    fn open(&mut self, bytes: &[u8], kind: Kind, path: &str, depth: usize) {
        if depth > self.limits.depth {
            let reason = format!("containers are unpacked to a depth of {} (--max-archive-depth)", self.limits.depth);
            return self.sink.gap(path, GapCode::Limit, reason);
        }
        // A library that trips over what somebody made for that costs this container.
        let held = self.held;
        if catch_unwind(AssertUnwindSafe(|| self.unpack(bytes, kind, path, depth))).is_err() {
            self.held = held;
            self.sink.gap(path, GapCode::Failed, "it cannot be unpacked: what reads it failed on it".to_owned());
        }
    }

    fn unpack(&mut self, bytes: &[u8], kind: Kind, path: &str, depth: usize) {
        match kind {
            Kind::Zip => self.zip(bytes, path, depth),
            Kind::Tar => self.tar(bytes, path, depth),
            Kind::Gzip => self.stream(flate2::read::MultiGzDecoder::new(bytes), path, depth),
            Kind::Bzip2 => self.stream(bzip2::read::MultiBzDecoder::new(bytes), path, depth),
            Kind::Zstd => match zstd::frames(bytes) {
                Ok(reader) => self.stream(reader, path, depth),
                Err(error) => self.sink.gap(path, GapCode::Damaged, damaged(&error)),
            },
            Kind::SevenZip => self.seven_zip(bytes, path, depth),
            Kind::Ar => self.ar(bytes, path, depth),
            Kind::Cpio => self.cpio(bytes, path, depth),
            Kind::Rpm => match rpm::payload(bytes).map(|payload| (payload, Kind::of(payload))) {
                Some((payload, Some(kind))) => self.open(payload, kind, path, depth + 1),
                _ => {
                    let reason = "it cannot be unpacked: its headers are cut short or its payload is unknown";
                    self.sink.gap(path, GapCode::Damaged, reason.to_owned());
                }
            },
            Kind::Sqlite => self.sqlite(bytes, path, depth),
            Kind::KeyStore(format) => {
                if let Some(text) = key_store::opened(bytes, format) {
                    self.sink.content(&format!("{path}!/key store"), text.as_bytes());
                }
            }
            Kind::Xz => self.stream(lzma_rust2::XzReader::new_mem_limit(bytes, true, DICTIONARY_KIB), path, depth),
        }
    }

    /// One compressed content; a tar or cpio in it goes by the name of the whole.
    fn stream(&mut self, reader: impl Read, path: &str, depth: usize) {
        self.read(reader, path, |unpacker, bytes, cut| {
            if let Some(kind @ (Kind::Tar | Kind::Cpio)) = Kind::of(bytes) {
                unpacker.say(path, cut);
                return unpacker.open(bytes, kind, path, depth + 1);
            }
            let name = path.rsplit('/').next().unwrap_or(path);
            let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            unpacker.entry(bytes, cut, &format!("{path}!/{name}"), depth);
        });
    }

    fn zip(&mut self, bytes: &[u8], path: &str, depth: usize) {
        let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => archive,
            Err(error) => return self.sink.gap(path, GapCode::Damaged, damaged(&error)),
        };
        for index in 0..archive.len() {
            if !self.may_go_on(path) {
                return;
            }
            let name = archive.name_for_index(index).unwrap_or_default().to_owned();
            let inner = format!("{path}!/{name}");
            match archive.by_index(index) {
                Ok(entry) if entry.is_dir() => {}
                Ok(entry) => self.read_entry(entry, &inner, depth),
                Err(zip::result::ZipError::UnsupportedArchive(what)) => {
                    self.sink.gap(&inner, GapCode::UnsupportedFormat, what.to_lowercase())
                }
                Err(error) => self.sink.gap(&inner, GapCode::Damaged, damaged(&error)),
            }
        }
    }

    fn tar(&mut self, bytes: &[u8], path: &str, depth: usize) {
        let mut archive = tar::Archive::new(bytes);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return self.sink.gap(path, GapCode::Damaged, damaged(&error)),
        };
        for entry in entries {
            if !self.may_go_on(path) {
                return;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.sink.gap(path, GapCode::Damaged, damaged(&error)),
            };
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = shown(&entry.path_bytes());
            let inner = format!("{path}!/{}", name.trim_start_matches("./"));
            self.read_entry(entry, &inner, depth);
        }
    }

    fn seven_zip(&mut self, bytes: &[u8], path: &str, depth: usize) {
        let password = sevenz_rust2::Password::empty();
        let opened =
            sevenz_rust2::ArchiveReader::new_with_memory_limit(Cursor::new(bytes), password, DICTIONARY_KIB as usize);
        let mut archive = match opened {
            Ok(archive) => archive,
            Err(error) => return self.sink.gap(path, GapCode::Damaged, damaged(&error)),
        };
        let mut is_over = false;
        let read = archive.for_each_entries(|entry, reader| {
            is_over = is_over || !self.may_go_on(path);
            if is_over {
                return Ok(false);
            }
            let inner = format!("{path}!/{}", entry.name());
            if entry.is_directory() {
                return Ok(true);
            }
            self.read_entry(&mut *reader, &inner, depth);
            // The next entry starts where this one ends.
            io::copy(reader, &mut io::sink())?;
            Ok(true)
        });
        if let Err(error) = read {
            self.sink.gap(path, GapCode::Damaged, damaged(&error));
        }
    }

    fn ar(&mut self, bytes: &[u8], path: &str, depth: usize) {
        let whole = ar_entries(bytes);
        if whole < bytes.len() {
            self.sink.gap(
                path,
                GapCode::Damaged,
                "it cannot be unpacked: an entry is longer than the archive".to_owned(),
            );
        }
        let mut archive = ar::Archive::new(&bytes[..whole]);
        while let Some(entry) = archive.next_entry() {
            if !self.may_go_on(path) {
                return;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.sink.gap(path, GapCode::Damaged, damaged(&error)),
            };
            let name = shown(entry.header().identifier());
            let inner = format!("{path}!/{}", name.trim_end_matches('/'));
            self.read_entry(entry, &inner, depth);
        }
    }

    fn cpio(&mut self, bytes: &[u8], path: &str, depth: usize) {
        const TYPE: u32 = 0o170_000;
        const REGULAR: u32 = 0o100_000;
        let mut rest = bytes;
        loop {
            let mut reader = match cpio::newc::Reader::new(rest) {
                Ok(reader) if reader.entry().is_trailer() => return,
                Ok(reader) => reader,
                Err(error) => return self.sink.gap(path, GapCode::Damaged, damaged(&error)),
            };
            if !self.may_go_on(path) {
                return;
            }
            if reader.entry().mode() & TYPE == REGULAR {
                let inner = format!("{path}!/{}", reader.entry().name().trim_start_matches("./"));
                self.read_entry(&mut reader, &inner, depth);
            }
            rest = match reader.finish() {
                Ok(rest) => rest,
                Err(error) => return self.sink.gap(path, GapCode::Damaged, damaged(&error)),
            };
        }
    }

    /// Each table is a content with a row a line; what no table holds any more is one as well.
    fn sqlite(&mut self, bytes: &[u8], path: &str, depth: usize) {
        let database = match sqlite::Database::open(bytes) {
            Ok(database) => database,
            Err(reason) => {
                self.sink.gap(path, GapCode::Damaged, format!("it cannot be unpacked: {reason}"));
                return self.sink.content(path, bytes);
            }
        };
        let limit = self.limits.entry.min(self.left) as usize;
        let read = database.read(limit, |name, content| {
            self.left = self.left.saturating_sub(content.len() as u64);
            self.entry(content, None, &format!("{path}!/{name}"), depth);
            self.may_go_on(path)
        });
        if let Err(reason) = read {
            self.sink.gap(path, GapCode::Damaged, format!("it cannot be unpacked: {reason}"));
        }
    }

    /// Hands on an inner content, or opens it if it is a container; `cut` says why it is not whole.
    fn entry(&mut self, bytes: &[u8], cut: Option<String>, path: &str, depth: usize) {
        self.say(path, cut);
        match Kind::of(bytes) {
            Some(kind) => self.open(bytes, kind, path, depth + 1),
            None => self.sink.content(path, bytes),
        }
    }

    fn say(&mut self, path: &str, cut: Option<String>) {
        if let Some(reason) = cut {
            self.sink.gap(path, GapCode::Limit, reason);
        }
    }

    /// The option that would let more be unpacked in all.
    fn option_for_total(&self) -> &'static str {
        if self.total < self.limits.total { "--max-archive-ratio" } else { "--max-archive-size" }
    }

    fn may_go_on(&mut self, path: &str) -> bool {
        if self.entries == 0 {
            let most = self.limits.entries;
            let reason =
                format!("it holds more than {most} contents; the others were not read (--max-archive-entries)");
            self.sink.gap(path, GapCode::Limit, reason);
            return false;
        }
        if self.left == 0 {
            let option = self.option_for_total();
            self.sink.gap(path, GapCode::Limit, format!("unpacking stopped at {} ({option})", in_words(self.total)));
            return false;
        }
        if let Err((code, reason)) = self.sink.may_hold(self.held) {
            self.sink.gap(path, code, reason);
            return false;
        }
        self.entries -= 1;
        true
    }

    /// Hands to `then` what a reader gives, as far as the limits allow, and what to say if they cut it.
    fn read(&mut self, reader: impl Read, path: &str, then: impl FnOnce(&mut Self, &[u8], Option<String>)) {
        let limit = self.limits.entry.min(self.left);
        let option = if self.limits.entry <= self.left { "--max-archive-entry" } else { self.option_for_total() };
        let mut bounded =
            Bounded { bytes: Vec::new(), room: limit as usize, held: self.held, sink: &mut *self.sink, refused: None };
        let copied = io::copy(&mut reader.take(limit + 1), &mut bounded);
        let Bounded { bytes, room, refused, .. } = bounded;
        self.left -= bytes.len() as u64;
        let is_cut = copied.is_err() && room == 0;
        let reason = || format!("only {} of it were unpacked ({option})", in_words(limit));
        let cut = is_cut.then(reason);
        if let (Err(error), false) = (copied, is_cut) {
            let (code, reason) = refused.unwrap_or_else(|| (GapCode::Damaged, damaged(&error)));
            self.sink.gap(path, code, reason);
            // What came before the damage is worth a look.
            if bytes.is_empty() {
                return;
            }
        }
        self.held += bytes.len() as u64;
        then(self, &bytes, cut);
        self.held -= bytes.len() as u64;
    }

    /// The same, of what is an inner content.
    fn read_entry(&mut self, reader: impl Read, path: &str, depth: usize) {
        self.read(reader, path, |unpacker, bytes, cut| unpacker.entry(bytes, cut, path, depth));
    }
}

/// Bytes of an `ar` archive up to the first entry that claims more than there is: the library would make room for it.
fn ar_entries(bytes: &[u8]) -> usize {
    const HEADER: usize = 60;
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.trim_end().parse::<usize>().ok();
    let mut at = 8;
    while let Some(header) = bytes.get(at..at + HEADER) {
        let Some(size) = number(&header[48..58]).filter(|size| *size <= bytes.len() - at - HEADER) else { return at };
        // In BSD's form the name stands before the content.
        let name = header[..16].strip_prefix(b"#1/").map(|digits| number(digits).unwrap_or(usize::MAX));
        if name.is_some_and(|name| name > size) {
            return at;
        }
        at += HEADER + size + size % 2;
    }
    bytes.len()
}

fn damaged(error: &dyn std::fmt::Display) -> String {
    format!("it cannot be unpacked: {error}")
}

/// `512 MiB`, or bytes where there are fewer.
pub fn in_words(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

/// Takes bytes until there is no more room, or no more memory, which is an error like any other.
struct Bounded<'a> {
    bytes: Vec<u8>,
    room: usize,
    /// Bytes in memory besides.
    held: u64,
    sink: &'a mut dyn Sink,
    refused: Option<(GapCode, String)>,
}

impl io::Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room);
        if self.bytes.capacity() - self.bytes.len() < taken {
            // By halves: doubling would take three times the size while it copies.
            let more = (self.bytes.len() / 2).clamp(64 * 1024, 16 << 20).min(self.room).max(taken);
            if let Err(reason) = self.sink.may_hold(self.held + (self.bytes.len() + more) as u64) {
                self.refused = Some(reason);
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            self.bytes.try_reserve_exact(more).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        }
        self.bytes.extend_from_slice(&bytes[..taken]);
        self.room -= taken;
        if taken < bytes.len() { Err(io::Error::other("it is larger than what may be unpacked")) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    struct Seen {
        contents: Vec<(String, usize)>,
        gaps: Vec<(String, String)>,
        memory: u64,
    }

    impl Default for Seen {
        fn default() -> Self {
            Self { contents: Vec::new(), gaps: Vec::new(), memory: u64::MAX }
        }
    }

    impl Sink for Seen {
        fn content(&mut self, path: &str, bytes: &[u8]) {
            self.contents.push((path.to_owned(), bytes.len()));
        }

        fn gap(&mut self, path: &str, _: GapCode, reason: String) {
            self.gaps.push((path.to_owned(), reason));
        }

        fn may_hold(&mut self, bytes: u64) -> Result<(), (GapCode, String)> {
            if bytes > self.memory { Err((GapCode::Limit, "too much".to_owned())) } else { Ok(()) }
        }
    }

    fn seen(bytes: &[u8], path: &str, limits: &Limits) -> Seen {
        let mut seen = Seen::default();
        unpack(bytes, Kind::of(bytes).unwrap(), path, limits, &mut seen);
        seen
    }

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn contents_are_found_at_every_depth() {
        let layer = gzip(&tar(&[("app/config.yml", b"a: 1")]));
        let image = tar(&[("manifest.json", b"{}"), ("blobs/layer", &layer), ("lib/x.jar", &zip(&[("b.txt", b"b")]))]);
        let found = seen(&image, "image.tar", &Limits::default());
        let paths: Vec<&str> = found.contents.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            ["image.tar!/manifest.json", "image.tar!/blobs/layer!/app/config.yml", "image.tar!/lib/x.jar!/b.txt"]
        );
        assert!(found.gaps.is_empty());
        assert_eq!(
            seen(&gzip(b"log"), "d/access.log.gz", &Limits::default()).contents[0].0,
            "d/access.log.gz!/access.log"
        );
    }

    #[test]
    fn other_compressions_are_read() {
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(b"text").unwrap();
        // As `xz` writes it.
        let xz = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\x01\x00\x03\x74\x65\x78\x74\x00\x55\xcd\xe8\x33\xff\x4a\x0c\x17\x00\x01\x1c\x04\x6f\x2c\x9c\xc1\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a".to_vec();
        let zstd = ::zstd::encode_all(&b"text"[..], 1).unwrap();
        for bytes in [bzip2.finish().unwrap(), xz, zstd] {
            assert_eq!(seen(&bytes, "a.x", &Limits::default()).contents, [("a.x!/a".to_owned(), 4)]);
        }
    }

    #[test]
    fn what_a_limit_cuts_off_is_said() {
        let gap = |bytes: &[u8], limits: Limits| seen(bytes, "a", &limits).gaps.remove(0).1;
        let zeros = vec![0; 3 << 20];
        let limits = Limits::default();
        assert!(gap(&zip(&[("z", &zeros)]), Limits { entry: 1 << 20, ..limits }).contains("only 1 MiB"));
        assert!(gap(&zip(&[("y", &zeros), ("z", b"z")]), Limits { total: 2 << 20, ..limits }).contains("2 MiB"));
        assert!(
            gap(&zip(&[("y", b"y"), ("z", b"z")]), Limits { entries: 1, ..limits }).contains("more than 1 contents")
        );
        let nested = zip(&[("b", &zip(&[("c", &zip(&[("d", b"d")]))]))]);
        assert!(gap(&nested, Limits { depth: 2, ..limits }).contains("depth of 2"));
    }

    #[test]
    fn what_is_in_memory_at_once_is_bounded() {
        let zeros = vec![0; 1 << 20];
        let nested = zip(&[("a", b"a"), ("b.zip", &zip(&[("c", &zeros)])), ("d", &zeros)]);
        let unpacked = |memory| {
            let mut seen = Seen { memory, ..Seen::default() };
            unpack(&nested, Kind::Zip, "x", &Limits::default(), &mut seen);
            (seen.contents.into_iter().map(|it| it.0).collect::<Vec<_>>(), seen.gaps)
        };
        let all = ["x!/a", "x!/b.zip!/c", "x!/d"].map(str::to_owned);
        assert_eq!(unpacked(2 << 20), (all.to_vec(), Vec::new()), "what is done with is let go of");
        let (contents, gaps) = unpacked(70 << 10);
        assert_eq!((&contents[0], gaps.len()), (&all[0], 2), "{contents:?} {gaps:?}");
    }

    #[test]
    fn damage_is_said_and_never_a_crash() {
        for whole in [zip(&[("a", b"text of some length")]), gzip(b"text of some length"), tar(&[("a", b"text")])] {
            for length in 264.min(whole.len() / 2)..whole.len() {
                let Some(kind) = Kind::of(&whole[..length]) else { continue };
                unpack(&whole[..length], kind, "a", &Limits::default(), &mut Seen::default());
            }
            let cut = &whole[..whole.len() / 2];
            if let Some(kind) = Kind::of(cut).filter(|kind| *kind != Kind::Tar) {
                let mut seen = Seen::default();
                unpack(cut, kind, "a", &Limits::default(), &mut seen);
                assert!(!seen.gaps.is_empty(), "{kind:?}");
            }
        }
    }
}
