//! What streams of Office's programs hide: encrypted texts, compressed parts, and texts that go on in another record.

use flate2::read::ZlibDecoder;

use super::super::container::Unpacker;
use super::super::rest::Rest;
use super::macros::Sources;
use super::rtf;
use super::sectors::word;
use crate::gap::GapCode;

/// A stream, and where it is.
pub(super) struct Stream<'a> {
    pub bytes: &'a [u8],
    pub name: &'a str,
    /// The storage that it is in.
    pub storage: &'a str,
    pub path: &'a str,
    pub depth: usize,
}

/// Hands on what is packed in a stream, and says what cannot be read.
pub(super) fn look_into(walk: &mut Unpacker<'_>, stream: &Stream<'_>, rest: &mut Rest) {
    if let Some(reason) = encrypted(stream) {
        return walk.gap(stream.path, GapCode::Encrypted, reason.to_owned());
    }
    if stream.storage.eq_ignore_ascii_case("VBA") {
        return module(walk, stream);
    }
    match stream.name {
        // The property that holds the body of a mail, or what it is packed in ([MS-OXMSG] 2.1.3).
        "__substg1.0_10090102" => body(walk, stream),
        "PowerPoint Document" => objects(walk, stream),
        "Workbook" | "Book" => seams(stream.bytes, rest),
        "VisioDocument" => unsupported(walk, stream, "a drawing of Visio's"),
        // Hangul's documents: a flag says whether their other streams are compressed.
        "FileHeader" if stream.bytes.starts_with(b"HWP Document File") && flag(stream.bytes, 36, 1) => {
            unsupported(walk, stream, "the head of a document of Hangul's, whose texts are compressed");
        }
        _ => {}
    }
}

fn unsupported(walk: &mut Unpacker<'_>, stream: &Stream<'_>, what: &str) {
    let reason = format!("it is {what}, which is not opened; save it in a newer format, or as text");
    walk.gap(stream.path, GapCode::UnsupportedFormat, reason);
}

fn flag(bytes: &[u8], at: usize, bit: u32) -> bool {
    word(bytes, at).is_some_and(|flags| flags & bit != 0)
}

fn encrypted(stream: &Stream<'_>) -> Option<&'static str> {
    let bytes = stream.bytes;
    let is_encrypted = match stream.name {
        // [MS-OFFCRYPTO] 2.3.4: a whole document of the newer formats.
        "EncryptedPackage" => true,
        // [MS-DOC] 2.5.2: `fEncrypted` of what starts with the number of Word's documents.
        "WordDocument" => bytes.starts_with(&[0xEC, 0xA5]) && flag(bytes, 8, 0x0100_0000),
        // [MS-XLS] 2.4.117: FilePass, among the first records.
        "Workbook" | "Book" => {
            Records { bytes, at: 0 }.take_while(|(kind, _)| *kind != 0x0A).any(|(kind, _)| kind == 0x2F)
        }
        // [MS-PPT] 2.3.2: the token of what is encrypted.
        "Current User" => word(bytes, 12) == Some(0xF3D1_C4DF),
        "FileHeader" => bytes.starts_with(b"HWP Document File") && flag(bytes, 36, 2),
        _ => false,
    };
    is_encrypted.then_some("it is encrypted; save it without a password and scan that")
}

/// A module of macros, or what belongs to their project.
fn module(walk: &mut Unpacker<'_>, stream: &Stream<'_>) {
    let path = format!("{}!/source", stream.path);
    let mut is_any = false;
    if let Err((code, reason)) = walk.may_hold(stream.bytes.len() as u64) {
        return walk.gap(stream.path, code, reason);
    }
    let mut sources = Sources::of(stream.bytes);
    for source in &mut sources {
        is_any = true;
        if !walk.may_go_on(stream.path) {
            return;
        }
        walk.read_entry(source, &path, stream.depth);
    }
    // What was compiled has no source.
    let is_cache = stream.name == "_VBA_PROJECT" || stream.name.starts_with("__SRP_");
    if sources.is_too_much() || !is_any && !is_cache {
        walk.gap(stream.path, GapCode::Damaged, "its source cannot be decompressed".to_owned());
    }
}

fn body(walk: &mut Unpacker<'_>, stream: &Stream<'_>) {
    let Some((text, is_whole)) = rtf::decompressed(stream.bytes) else { return };
    if !is_whole {
        walk.gap(stream.path, GapCode::Damaged, "it cannot be decompressed to its end".to_owned());
    }
    let path = format!("{}!/body.rtf", stream.path);
    if walk.may_go_on(stream.path) {
        walk.holding(text.len() as u64, |walk| walk.slice(&text, &path, stream.depth));
    }
}

/// Documents and macros inside of a presentation ([MS-PPT] 2.10.34): compound files that are compressed by zlib.
fn objects(walk: &mut Unpacker<'_>, stream: &Stream<'_>) {
    const OBJECT: u16 = 0x1011;
    let (mut at, mut count) = (0, 0);
    while let (Some(head), Some(length)) = (word(stream.bytes, at), word(stream.bytes, at + 4)) {
        let start = at + 8;
        let end = start.saturating_add(length as usize);
        // A container's records follow its head as if they were its neighbours.
        at = if head & 15 == 15 { start } else { end };
        if (head >> 16) as u16 != OBJECT || head >> 4 & 0xFFF != 1 {
            continue;
        }
        let Some(packed) = stream.bytes.get(start + 4..end.min(stream.bytes.len())) else { continue };
        if !walk.may_go_on(stream.path) {
            return;
        }
        count += 1;
        walk.read_entry(ZlibDecoder::new(packed), &format!("{}!/object-{count}", stream.path), stream.depth);
    }
}

/// Records of a workbook ([MS-XLS] 2.1.4), each with where it starts.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Iterator for Records<'_> {
    type Item = (u16, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let head = word(self.bytes, self.at)?;
        let start = self.at;
        self.at += 4 + (head >> 16) as usize;
        Some((head as u16, start))
    }
}

/// A text that is longer than its record goes on in the next one, whose head stands between, and mostly a byte that says
/// how its characters are written ([MS-XLS] 2.5.293).
fn seams(bytes: &[u8], rest: &mut Rest) {
    const CONTINUE: u16 = 0x3C;
    const AROUND: usize = 512;
    for (kind, at) in (Records { bytes, at: 0 }) {
        if kind != CONTINUE {
            continue;
        }
        for head in [4, 5] {
            let after = bytes.get(at + head..).unwrap_or_default();
            let after = &after[..after.len().min(AROUND)];
            rest.add(&[&bytes[at.saturating_sub(AROUND)..at], after].concat());
        }
    }
}
