//! Contents inside of contents: archives and compressed files, nested to a depth.
//!
//! A kind is told by its first bytes, never by its name: a `.jar`, `.whl`, `.nupkg` or `.docx` is a zip, a `.gem` or what
//! `docker save` writes is a tar. Inner contents have paths such as `app.jar!/conf/a.yml`. Whatever a limit cuts off, and
//! whatever can't be unpacked, is told to the caller; nothing is left out in silence.

use crate::gap::GapCode;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::recognised::Kinds;
use super::rest::{self, Rest};
use super::{
    ar, bazaar, cabinet, compiled_help, compound, compressed, cpio, git_pack, key_store, lz4, lzma, lzw, parquet, pdf,
    recognised, redis, rpm, seven_zip, snappy, sqlite, tar, zip,
};

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
    /// LZMA alone.
    Lzma,
    /// As lzip writes it.
    Lzip,
    /// Frames of LZ4.
    Lz4,
    /// Frames of Snappy.
    Snappy,
    /// As Unix's `compress` writes it.
    Lzw,
    /// The 7z format.
    SevenZip,
    /// As Unix's `ar` writes it; also deb.
    Ar,
    /// The "newc" form, which rpm has inside, POSIX's, and the old binary one.
    Cpio,
    /// RPM version 3 and 4.
    Rpm,
    /// SQLite's file format 3.
    Sqlite,
    /// What SQLite has written ahead, or could roll back to: pages of a database.
    SqliteLog,
    /// Adobe's Portable Document Format.
    Pdf,
    /// Apache Parquet.
    Parquet,
    /// Dumps of Redis and Valkey.
    Redis,
    /// Microsoft's compound files: doc, xls, ppt, msg, msi.
    Compound,
    /// Microsoft's cabinets.
    Cabinet,
    /// Microsoft's compiled help: chm.
    CompiledHelp,
    /// A pack of Bazaar's.
    Bazaar,
    /// A pack of git's.
    GitPack,
    /// A bundle of git's.
    GitBundle,
    /// PKCS #12, JKS and JCEKS.
    KeyStore(key_store::Format),
}

impl Kind {
    /// What a content is that starts with `head`, of which the first 512 bytes tell.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            // The first part of several, or the only one.
            [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..] | [b'P', b'K', b'0', b'0', b'P', b'K', 3, 4, ..] => {
                Some(Self::Zip)
            }
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            // A block, or the end of a stream that holds none: others may follow.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [b'L', b'Z', b'I', b'P', 1, ..] => Some(Self::Lzip),
            _ if head.starts_with(bazaar::HEAD) => Some(Self::Bazaar),
            _ if lz4::starts(head) => Some(Self::Lz4),
            _ if head.starts_with(snappy::MAGIC) => Some(Self::Snappy),
            _ if lzw::starts(head) => Some(Self::Lzw),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some(Self::SevenZip),
            [0xed, 0xab, 0xee, 0xdb, 3 | 4, ..] => Some(Self::Rpm),
            _ if git_pack::is_pack(head) => Some(Self::GitPack),
            _ if git_pack::is_bundle(head) => Some(Self::GitBundle),
            _ if redis::starts(head) => Some(Self::Redis),
            [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => Some(Self::Compound),
            [b'M', b'S', b'C', b'F', 0, 0, 0, 0, ..] => Some(Self::Cabinet),
            [b'I', b'T', b'S', b'F', 2 | 3, 0, 0, 0, ..] => Some(Self::CompiledHelp),
            _ if head.starts_with(b"%PDF-") => Some(Self::Pdf),
            _ if head.starts_with(b"!<arch>\n") => Some(Self::Ar),
            _ if cpio::starts(head) => Some(Self::Cpio),
            _ if sqlite::starts(head) => Some(Self::Sqlite),
            [0x37, 0x7f, 6, 0x82 | 0x83, ..] | [0xd9, 0xd5, 5, 0xf9, 0x20, 0xa1, 0x63, 0xd7, ..] => {
                Some(Self::SqliteLog)
            }
            _ if head.get(257..262) == Some(b"ustar") || tar::starts(head) => Some(Self::Tar),
            _ if lzma::starts(head) => Some(Self::Lzma),
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
pub(super) const DICTIONARY_KIB: u32 = 96 << 10;

/// Bytes of an entry that are read once more with what stands behind it and belongs to none: a secret could stand in both.
pub(super) const OVERLAP: usize = 512;

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

/// A walk through a container and those in it: what the formats share.
pub(super) struct Unpacker<'a> {
    pub(super) limits: &'a Limits,
    /// Bytes that may still be unpacked, of how many.
    pub(super) left: u64,
    total: u64,
    /// Contents that may still be unpacked.
    entries: u64,
    /// Unpacked bytes in memory: a content, and those that it is in.
    held: u64,
    pub(super) sink: &'a mut dyn Sink,
}

impl Unpacker<'_> {
    /// Unpacks a container that is `depth` deep.
    pub(super) fn open(&mut self, bytes: &[u8], kind: Kind, path: &str, depth: usize) {
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
            Kind::Zip => zip::unpack(self, bytes, path, depth),
            Kind::Tar => tar::unpack(self, bytes, path, depth),
            Kind::Gzip => compressed::gzip(self, bytes, path, depth),
            Kind::Bzip2 => compressed::bzip2(self, bytes, path, depth),
            Kind::Xz => compressed::xz(self, bytes, path, depth),
            Kind::Zstd => compressed::zstd(self, bytes, path, depth),
            Kind::Lzma => compressed::lzma(self, bytes, path, depth),
            Kind::Lzip => compressed::lzip(self, bytes, path, depth),
            Kind::Lz4 => compressed::lz4(self, bytes, path, depth),
            Kind::Bazaar => bazaar::unpack(self, bytes, path, depth),
            Kind::Snappy => compressed::snappy(self, bytes, path, depth),
            Kind::Lzw => compressed::lzw(self, bytes, path, depth),
            Kind::SevenZip => seven_zip::unpack(self, bytes, path, depth),
            Kind::Ar => ar::unpack(self, bytes, path, depth),
            Kind::Cpio => cpio::unpack(self, bytes, path, depth),
            Kind::Rpm => rpm::unpack(self, bytes, path, depth),
            Kind::Sqlite => sqlite::unpack(self, bytes, path, depth),
            Kind::SqliteLog => sqlite::log(self, bytes, path),
            Kind::Pdf => pdf::unpack(self, bytes, path, depth),
            Kind::GitPack => git_pack::unpack(self, bytes, path, depth),
            Kind::GitBundle => git_pack::bundle(self, bytes, path, depth),
            Kind::Parquet => parquet::unpack(self, bytes, path, depth),
            Kind::Redis => redis::unpack(self, bytes, path, depth),
            Kind::Compound => compound::unpack(self, bytes, path, depth),
            Kind::Cabinet => cabinet::unpack(self, bytes, path, depth),
            Kind::CompiledHelp => compiled_help::unpack(self, bytes, path, depth),
            Kind::KeyStore(format) => key_store::unpack(self, bytes, format, path),
        }
    }

    /// Hands on an inner content, or opens it if it is a container; `cut` says why it is not whole.
    pub(super) fn entry(&mut self, bytes: &[u8], cut: Option<String>, path: &str, depth: usize) {
        self.say(path, cut);
        let kinds = recognised::kinds(bytes, bytes);
        if kinds.show_text() && !bytes.is_empty() {
            self.sink.content(path, bytes);
        }
        self.open_all(&kinds, bytes, path, depth);
    }

    /// Opens all that an inner content is, and says what of it cannot be.
    fn open_all(&mut self, kinds: &Kinds, bytes: &[u8], path: &str, depth: usize) {
        if let Some(format) = kinds.closed {
            self.gap(path, format.code, format.reason());
        }
        for (kind, bytes) in kinds.parts(bytes) {
            self.open(bytes, kind, path, depth + 1);
        }
    }

    pub(super) fn gap(&mut self, path: &str, code: GapCode, reason: String) {
        self.sink.gap(path, code, reason);
    }

    /// Hands on what of the container at `path` no entry holds.
    pub(super) fn rest(&mut self, rest: &Rest, path: &str) {
        let text = rest.text();
        let inner = format!("{path}!/{}", rest::NAME);
        match self.may_hold(text.len() as u64) {
            Err((code, reason)) => self.gap(&inner, code, reason),
            Ok(()) if text.is_empty() => {}
            Ok(()) => self.sink.content(&inner, text),
        }
    }

    /// Bytes that no entry holds and that are not the format's own: what of them is a container is opened, as an entry is.
    pub(super) fn stray(&mut self, bytes: &[u8], path: &str, depth: usize, rest: &mut Rest) {
        let kinds = recognised::kinds(bytes, bytes);
        if kinds.show_text() {
            rest.add(bytes);
        }
        self.open_all(&kinds, bytes, &format!("{path}!/{}", rest::NAME), depth);
    }

    /// The same of bytes that show their text in the container: whether to go on.
    pub(super) fn shown(&mut self, bytes: &[u8], path: &str, depth: usize) -> bool {
        let kinds = recognised::kinds(bytes, bytes);
        if !kinds.is_any() {
            return true;
        }
        let may_go_on = self.may_go_on(path);
        if may_go_on {
            self.open_all(&kinds, bytes, path, depth);
        }
        may_go_on
    }

    /// Bytes that one content may have, and the option that would allow it more.
    pub(super) fn room(&self) -> (u64, &'static str) {
        if self.limits.entry <= self.left {
            (self.limits.entry, "--max-archive-entry")
        } else {
            (self.left, self.option_for_total())
        }
    }

    /// What stands at `at` where an entry of a container of this `kind` was expected, up to the end of `bytes`. Text is read
    /// to its end, and containers are opened; anything else may be an entry with a damaged header.
    pub(super) fn lost(&mut self, bytes: &[u8], at: usize, kind: Kind, path: &str, depth: usize, rest: &mut Rest) {
        let lost = &bytes[at..];
        let kinds = recognised::kinds(lost, lost);
        if kinds.is_any() && kinds.parts(lost).all(|(other, _)| other != kind) {
            return self.stray(lost, path, depth, rest);
        }
        let is_text = |byte: &u8| *byte >= b'\t';
        let (first, last) = (lost.iter().position(|byte| *byte != 0), lost.iter().rposition(|byte| *byte != 0));
        if first.zip(last).is_some_and(|(first, last)| !lost[first..last].iter().all(is_text)) {
            let reason = "it cannot be unpacked: there are bytes that belong to no entry; they were read as they are";
            self.gap(path, GapCode::Damaged, reason.to_owned());
        }
        // The size of the entry before may be what is wrong.
        rest.add(&bytes[if lost.is_empty() { at } else { at.saturating_sub(OVERLAP) }..]);
    }

    /// Says why a content is not whole.
    pub(super) fn say(&mut self, path: &str, cut: Option<String>) {
        if let Some(reason) = cut {
            self.sink.gap(path, GapCode::Limit, reason);
        }
    }

    /// The option that would let more be unpacked in all.
    fn option_for_total(&self) -> &'static str {
        if self.total < self.limits.total { "--max-archive-ratio" } else { "--max-archive-size" }
    }

    /// Whether another content may be unpacked; said if not.
    pub(super) fn may_go_on(&mut self, path: &str) -> bool {
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
    pub(super) fn read(&mut self, reader: impl Read, path: &str, then: impl FnOnce(&mut Self, &[u8], Option<String>)) {
        let (limit, option) = self.room();
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
        self.holding(bytes.len() as u64, |walk| then(walk, &bytes, cut));
    }

    /// Does something while so many more bytes are in memory.
    pub(super) fn holding(&mut self, bytes: u64, act: impl FnOnce(&mut Self)) {
        self.held += bytes;
        act(self);
        self.held -= bytes;
    }

    /// Says that so many more bytes are in memory, up to [`Self::let_go`].
    pub(super) fn hold(&mut self, bytes: u64) {
        self.held += bytes;
    }

    /// Says that so many bytes are not in memory any more.
    pub(super) fn let_go(&mut self, bytes: u64) {
        self.held = self.held.saturating_sub(bytes);
    }

    /// Whether so many more bytes may be held.
    pub(super) fn may_hold(&mut self, bytes: u64) -> Result<(), (GapCode, String)> {
        self.sink.may_hold(self.held + bytes)
    }

    /// Hands on an inner content that stands in its container as it is.
    pub(super) fn slice(&mut self, bytes: &[u8], path: &str, depth: usize) {
        self.stored(bytes, |unpacker, bytes, cut| unpacker.entry(bytes, cut, path, depth));
    }

    /// Hands to `then` what stands in its container as it is, as far as the limits allow, and what to say if they cut it.
    pub(super) fn stored(&mut self, bytes: &[u8], then: impl FnOnce(&mut Self, &[u8], Option<String>)) {
        let (room, option) = self.room();
        let cut =
            (bytes.len() as u64 > room).then(|| format!("only {} of it were unpacked ({option})", in_words(room)));
        let bytes = &bytes[..bytes.len().min(room as usize)];
        self.left -= bytes.len() as u64;
        then(self, bytes, cut);
    }

    /// The same as [`Self::read`], of what is an inner content.
    pub(super) fn read_entry(&mut self, reader: impl Read, path: &str, depth: usize) {
        self.read(reader, path, |unpacker, bytes, cut| unpacker.entry(bytes, cut, path, depth));
    }
}

/// The reason of what a library could not read.
pub(super) fn damaged(error: &dyn std::fmt::Display) -> String {
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
    use std::io::{Cursor, Write};

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
            if !path.ends_with(rest::NAME) {
                self.contents.push((path.to_owned(), bytes.len()));
            }
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
        let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (name, bytes) in entries {
            let mut header = ::tar::Header::new_ustar();
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
