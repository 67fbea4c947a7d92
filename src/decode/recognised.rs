//! What is recognised and cannot be opened: archives, compressed files and packed data that hold text which a scan of their
//! bytes does not see. Each is a gap with a hint how to read it all the same.
//!
//! Recognised means at least four bytes that no text has, or that stand in two places: ordinary files must not be taken
//! for one. Images, fonts, programs and other media are none of these; `docs/formats.md` has the whole table.

use super::container::Kind;
use super::{obsolete, parquet, tar};
use crate::gap::GapCode;

/// Last bytes of a content that tell something: the directory of a zip may have a comment behind it.
pub const TAIL: usize = (64 << 10) + END_OF_ZIP;

/// Length of the record that ends a zip without a comment.
const END_OF_ZIP: usize = 22;

/// A format that keysieve knows and does not read.
#[derive(Debug)]
pub struct Format {
    /// How it starts.
    magic: &'static [u8],
    /// What else has to hold, of the first and the last bytes.
    also: fn(&[u8], &[u8]) -> bool,
    /// Which kind of gap it is.
    pub code: GapCode,
    /// What it is, with its article.
    pub name: &'static str,
    /// How to read what is in it.
    pub hint: &'static str,
}

impl Format {
    /// Why it is not read, and what to do.
    pub fn reason(&self) -> String {
        format!("it is {}, which is not opened; {}", self.name, self.hint)
    }
}

/// A format that packs text.
const fn packed(magic: &'static [u8], name: &'static str, hint: &'static str) -> Format {
    packed_if(magic, |_, _| true, name, hint)
}

const fn packed_if(
    magic: &'static [u8],
    also: fn(&[u8], &[u8]) -> bool,
    name: &'static str,
    hint: &'static str,
) -> Format {
    Format { magic, also, code: GapCode::UnsupportedFormat, name, hint }
}

const UNPACK: &str = "unpack it and scan the folder";
const DISK: &str = "mount it read-only and scan the folder";
const GZIP: &str = "`gzip -dc < FILE | keysieve scan -` reads it";
const EXPORT: &str = "export it as text and scan that";

/// By how they start.
static FORMATS: [Format; 37] = [
    packed(b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    packed(b"RE~^", "a RAR archive", UNPACK),
    packed(b"\x89LZO\0\x0d\x0a\x1a\x0a", "compressed by lzop", "`lzop -dc FILE | keysieve scan -` reads it"),
    packed_if(
        b"\x1f\x9e\x08",
        |head, _| head.get(3).is_some_and(|flags| *flags < 64),
        "compressed by an old gzip",
        GZIP,
    ),
    packed_if(b"\x1f\x1e", |head, _| obsolete::is_packed(head), "compressed by `pack`", GZIP),
    packed_if(b"\x1f\xa0", |head, _| obsolete::is_lzh(head), "compressed by SCO's `compress -H`", GZIP),
    packed_if(b"bvx", |_, tail| tail.ends_with(b"bvx$"), "compressed by LZFSE", UNPACK),
    packed_if(
        b"hsqs",
        |head, _| head.get(28..30) == Some(&[4, 0]),
        "a SquashFS image",
        "`unsquashfs` it and scan the folder",
    ),
    packed_if(
        b"sqsh",
        |head, _| head.get(28..30) == Some(&[0, 4]),
        "a SquashFS image",
        "`unsquashfs` it and scan the folder",
    ),
    packed(b"xar!\0\x1c", "a xar archive", "`xar -xf` it and scan the folder"),
    packed_if(b"\x60\xea", |head, _| is_arj(head), "an ARJ archive", UNPACK),
    packed_if(
        b"ISc(",
        |head, _| head.get(7).is_some_and(|it| matches!(it, 1..=4)),
        "a cabinet of InstallShield's",
        UNPACK,
    ),
    packed(b"SZDD\x88\xf0\x27\x33", "compressed by Microsoft's `compress`", "`expand` it and scan that"),
    packed(b"KWAJ\x88\xf0\x27\xd1", "compressed by Microsoft's `compress`", "`expand` it and scan that"),
    packed(b"MSWIM\0\0\0", "a WIM image", UNPACK),
    packed_if(b"SIT!", |head, _| head.get(10..14) == Some(b"rLau"), "a StuffIt archive", UNPACK),
    packed(b"StuffIt (c)1997-", "a StuffIt archive", UNPACK),
    packed(b"ZOO 2.", "a ZOO archive", UNPACK),
    packed(b"ITOLITLS", "a compiled help file (Help 2)", UNPACK),
    packed(b"\x3f\x5f\x03\0", "a help file of Windows'", UNPACK),
    packed(b"AT&TFORM", "a DjVu document", "`djvutxt FILE - | keysieve scan -` reads its text"),
    packed_if(b"PARE", |_, tail| tail.len() > 8 && tail.ends_with(b"PARE"), "an encrypted Parquet file", EXPORT),
    packed_if(b"Obj\x01", |head, _| is_compressed_avro(head), "a compressed Avro file", EXPORT),
    packed_if(b"ORC", |_, tail| tail.len() > 4 && tail[tail.len() - 4..].starts_with(b"ORC"), "an ORC file", EXPORT),
    packed(b"ARROW1\0\0", "an Arrow file", EXPORT),
    packed_if(b"FEA1", |_, tail| tail.len() > 8 && tail.ends_with(b"FEA1"), "a Feather file", EXPORT),
    packed(b"PGDMP\x01", "an archive of pg_dump", "`pg_restore -f - FILE | keysieve scan -` reads it"),
    packed(b"!BDN", "a folder of Outlook's", EXPORT),
    packed(b"ANDROID BACKUP\n", "a backup of Android's", UNPACK),
    packed(b"QFI\xfb", "a disk image (qcow2)", DISK),
    packed(b"vhdxfile", "a disk image (VHDX)", DISK),
    packed_if(b"KDMV", |head, _| head.get(5..8) == Some(&[0, 0, 0]), "a disk image (VMDK)", DISK),
    packed(b"\x3a\xff\x26\xed\x01\0", "a sparse image of Android's", "`simg2img` it and scan that"),
    packed(b"HG10GZ", "a bundle of Mercurial's", UNPACK),
    packed(b"HG10BZ", "a bundle of Mercurial's", UNPACK),
    packed(b"HG20\0\0", "a bundle of Mercurial's", UNPACK),
    Format {
        magic: b"version http",
        also: |head, _| is_lfs_pointer(head),
        code: GapCode::LfsPointer,
        name: "a pointer of Git LFS, and not the file that it stands for",
        hint: "`git lfs pull` brings the file; `lfs = \"ignore\"` under [scan] says that pointers are enough",
    },
];

/// A pack where a repository has its packs: what it holds is told by the commits that hold it.
static PACK: Format = Format {
    magic: b"PACK",
    also: |_, _| true,
    code: GapCode::Repository,
    name: "a pack of a repository's",
    hint: "`keysieve history` reads the repository",
};

/// By bytes elsewhere.
static ISO_9660: Format = packed(b"CD001", "a CD or DVD image (ISO 9660)", DISK);
static DISK_IMAGE: Format = packed(b"koly", "a disk image of Apple's", DISK);
static LHA: Format = packed(b"-lh", "an LHA archive", UNPACK);
static ACE: Format = packed(b"**ACE**", "an ACE archive", UNPACK);

/// Whether any format starts with a byte: most contents are done with after one look.
static FIRST: [bool; 256] = {
    let mut first = [false; 256];
    let mut at = 0;
    while at < FORMATS.len() {
        first[FORMATS[at].magic[0] as usize] = true;
        at += 1;
    }
    first
};

/// What cannot be opened and starts with `head` and ends with `tail`: at least the first 33 KiB and the last 512 bytes, if
/// there are as many.
fn of(head: &[u8], tail: &[u8]) -> Option<&'static Format> {
    const FIRST_SECTOR: usize = 16 * 2048 + 1;
    let first = *head.first()?;
    let is_start = |it: &&Format| it.magic[0] == first && head.starts_with(it.magic) && (it.also)(head, tail);
    if FIRST[usize::from(first)]
        && let Some(format) = FORMATS.iter().find(is_start)
    {
        return Some(format);
    }
    let is_at = |bytes: &[u8], at: usize, magic: &[u8]| bytes.get(at..).is_some_and(|it| it.starts_with(magic));
    if is_at(head, FIRST_SECTOR, ISO_9660.magic) {
        return Some(&ISO_9660);
    }
    if tail.len() >= 512 && is_at(tail, tail.len() - 512, b"koly\0\0\0\x04") {
        return Some(&DISK_IMAGE);
    }
    if is_at(head, 2, LHA.magic) && head.get(6) == Some(&b'-') && head.get(20).is_some_and(|level| *level < 4) {
        return Some(&LHA);
    }
    is_at(head, 7, ACE.magic).then_some(&ACE)
}

/// What the content at `path` is: the pack of a repository is not opened because of where it is.
pub fn kinds_at(path: &str, head: &[u8], tail: &[u8]) -> Kinds {
    let kinds = kinds(head, tail);
    let mut folders = path.rsplit(['/', '\\']).skip(1);
    let is_pack =
        kinds.first == Some(Kind::GitPack) && (folders.next(), folders.next()) == (Some("pack"), Some("objects"));
    if is_pack { Kinds { closed: Some(&PACK), ..Kinds::default() } } else { kinds }
}

/// What a content is: what starts with `head`, a zip that has something before it and ends with `tail`, and what a script
/// carries behind its last line. What cannot be opened is told beside them: one content can be both.
pub fn kinds(head: &[u8], tail: &[u8]) -> Kinds {
    let first = Kind::of(head)
        .or_else(|| parquet::is_one(head, tail).then_some(Kind::Parquet))
        .or_else(|| is_late_pdf(head, tail).then_some(Kind::Pdf));
    let is_zip = first != Some(Kind::Zip) && ends_as_zip(head, tail, first.is_some());
    // The name of a tar's first entry can be the start of anything.
    let is_tar = first.is_some_and(|first| first != Kind::Tar) && tar::starts(head);
    Kinds { first, is_tar, is_zip, carried: carried(head, tail, first.is_some()), closed: of(head, tail) }
}

/// The containers that one content is.
#[derive(Debug, Default)]
pub struct Kinds {
    first: Option<Kind>,
    is_tar: bool,
    is_zip: bool,
    carried: Vec<(Kind, usize)>,
    /// What it is besides that cannot be opened.
    pub closed: Option<&'static Format>,
}

impl Kinds {
    /// Whether there is nothing to open.
    pub fn is_empty(&self) -> bool {
        self.first.is_none() && !self.is_zip && self.carried.is_empty()
    }

    /// Whether there is more to it than its bytes.
    pub fn is_any(&self) -> bool {
        !self.is_empty() || self.closed.is_some()
    }

    /// Whether the bytes are text of their own, and what opens them does not hand them on.
    pub fn show_text(&self) -> bool {
        matches!(self.first, None | Some(Kind::Pdf | Kind::Lzma | Kind::Parquet | Kind::Redis))
            && !self.is_tar
            && !self.is_zip
    }

    /// All of them, each with its bytes of `content`. What is carried ends where the next one starts, so that many of them
    /// take no longer than one.
    pub fn parts<'a>(&self, content: &'a [u8]) -> impl Iterator<Item = (Kind, &'a [u8])> {
        let whole = self.first.into_iter().chain(self.is_tar.then_some(Kind::Tar));
        let whole = whole.chain(self.is_zip.then_some(Kind::Zip));
        let ends = self.carried.iter().skip(1).map(|(_, start)| *start).chain([content.len()]);
        let carried = self.carried.iter().zip(ends);
        let carried = carried.map(move |((kind, start), end)| (*kind, content.get(*start..end).unwrap_or_default()));
        whole.map(move |kind| (kind, content)).chain(carried)
    }
}

/// How starts what a script can carry, and where in that one of the [`RARE`] bytes stands.
const CARRIED: [(&[u8], usize); 8] = [
    (b"\x1f\x8b\x08", 0),
    (b"\xfd7zXZ\0", 0),
    (b"BZh", 1),
    (b"\x28\xb5\x2f\xfd", 3),
    (b"\x04\x22\x4d\x18", 0),
    (b"\x5d\0\0", 1),
    (b"LZIP\x01", 1),
    (b"\x1f\x9d", 0),
];

/// Bytes that few scripts have: a search for them takes much less than a look at each line.
const RARE: [u8; 5] = [0x1f, 0xfd, b'Z', 0x04, 0];

/// What a script carries that unpacks itself, or any text: whatever is compressed and starts a line. Of several any may be
/// what is unpacked, and any only text that looks like a start.
fn carried(head: &[u8], tail: &[u8], is_container: bool) -> Vec<(Kind, usize)> {
    const FAR: usize = 64 << 10;
    const TEXT: usize = 64;
    // Text that ends as no text does; most contents are done with after one look at their end.
    let is_text = |bytes: &[u8]| !bytes.iter().any(|byte| matches!(byte, 0..=7 | 14..=26 | 28..=31));
    // Blanks and NUL bytes behind it change nothing; the length in a gzip's end can look like them.
    let ends_as_text = || {
        let end =
            tail.iter().rposition(|byte| !matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' ')).map_or(0, |at| at + 1);
        is_text(&tail[end.saturating_sub(TEXT)..tail.len().min(end + 4)])
    };
    // Some control character may stand in a text; NUL bytes are what other formats have early.
    let is_near_text = |bytes: &[u8]| !bytes.contains(&0);
    let first = &head[..head.len().min(8)];
    let first = &first[..memchr::memchr(b'\n', first).unwrap_or(first.len())];
    let is_script = head.starts_with(b"#!");
    let may_carry = || !ends_as_text() && is_near_text(first);
    if !is_script && (is_container || !may_carry()) {
        return Vec::new();
    }
    let head = &head[..head.len().min(FAR)];
    let start_around = |rare: usize| {
        let starts = CARRIED.iter().filter_map(|(start, at)| rare.checked_sub(*at).map(|at| (start, at)));
        let begins_line = |at: usize| at > 0 && head[at - 1] == b'\n';
        starts.filter(|(start, at)| begins_line(*at) && head[*at..].starts_with(start)).map(|(_, at)| at).next()
    };
    let [a, b, c, d, e] = RARE;
    let rare = memchr::memchr3_iter(a, b, c, head).chain(memchr::memchr2_iter(d, e, head));
    let mut found: Vec<usize> = rare.filter_map(start_around).collect();
    found.sort_unstable();
    found.retain(|at| is_script || is_near_text(&head[..TEXT.min(*at)]));
    found.into_iter().filter_map(|at| Kind::of(&head[at..]).map(|kind| (kind, at))).collect()
}

/// Whether a content is a document with something before its head, which readers pass over: so far, and with its end.
fn is_late_pdf(head: &[u8], tail: &[u8]) -> bool {
    const FAR: usize = 1024;
    let has = |bytes: &[u8], word: &[u8]| memchr::memchr_iter(b'%', bytes).any(|at| bytes[at..].starts_with(word));
    has(&tail[tail.len().saturating_sub(FAR)..], b"%%EOF") && has(&head[..head.len().min(FAR)], b"%PDF-")
}

/// Whether a content ends with a zip's directory. Behind text, a program or anything else that is no container, it can have
/// a comment as well, or more behind it; containers have archives among their own entries.
fn ends_as_zip(head: &[u8], tail: &[u8], is_container: bool) -> bool {
    let is_program = || {
        let starts: [&[u8]; 9] = [
            b"MZ",
            b"#!",
            b"\x7fELF",
            b"Cr24",
            b"\xca\xfe\xba\xbe",
            b"\xfe\xed\xfa\xce",
            b"\xfe\xed\xfa\xcf",
            b"\xce\xfa\xed\xfe",
            b"\xcf\xfa\xed\xfe",
        ];
        starts.iter().any(|start| head.starts_with(start))
    };
    let tail = &tail[tail.len().saturating_sub(TAIL)..];
    let Some(last) = tail.len().checked_sub(END_OF_ZIP) else { return false };
    if is_end_of_zip(tail, last) || has_directory(head, tail, last) {
        return true;
    }
    let is_program = is_program();
    if is_container && !is_program {
        return false;
    }
    // The record's last byte is the one that texts lack.
    memchr::memchr_iter(6, tail)
        .filter_map(|sixth| sixth.checked_sub(3))
        .any(|at| has_directory(head, tail, at) || is_program && is_end_of_zip(tail, at))
}

/// Whether the record that ends a zip stands at `at`: on one disk, and with a directory that names something.
fn is_end_of_zip(tail: &[u8], at: usize) -> bool {
    let Some(record) = tail.get(at..at + END_OF_ZIP) else { return false };
    record.starts_with(b"PK\x05\x06\0\0\0\0") && record[8..10] == record[10..12] && record[8..10] != [0, 0]
}

/// Whether the record that ends a zip stands at `at`, and a directory where it says. Its counts may be wrong: readers go by
/// the place.
fn has_directory(head: &[u8], tail: &[u8], at: usize) -> bool {
    const ENTRY: &[u8] = b"PK\x01\x02";
    const ZIP64: usize = 20;
    let Some(record) = tail.get(at..at + END_OF_ZIP).filter(|it| it.starts_with(b"PK\x05\x06")) else { return false };
    let number = |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]) as usize;
    let (size, offset) = (number(12), number(16));
    let is_entry = |bytes: &[u8], at: usize| bytes.get(at..).is_some_and(|it| it.starts_with(ENTRY));
    if is_entry(head, offset) || at.checked_sub(ZIP64).is_some_and(|at| tail[at..].starts_with(b"PK\x06\x07")) {
        return true;
    }
    match at.checked_sub(size) {
        Some(start) => is_entry(tail, start),
        // It starts before the tail does.
        None => memchr::memmem::find(&tail[..at], ENTRY).is_some(),
    }
}

/// The main header is followed by its checksum.
fn is_arj(head: &[u8]) -> bool {
    let Some(size) = head.get(2..4).map(|size| usize::from(u16::from_le_bytes([size[0], size[1]]))) else {
        return false;
    };
    let (Some(header), Some(crc)) = (head.get(4..4 + size), head.get(4 + size..8 + size)) else { return false };
    size > 0 && crc32fast::hash(header).to_le_bytes() == crc
}

/// Whether the blocks are compressed: those that are not show their text.
fn is_compressed_avro(head: &[u8]) -> bool {
    const CODEC: &[u8] = b"avro.codec";
    let Some(at) = memchr::memmem::find(head, CODEC) else { return false };
    // The length stands before the name, twice as large as it is.
    !head[at + CODEC.len()..].starts_with(b"\x08null")
}

/// <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>: a few short lines, of which the first is the version.
pub fn is_lfs_pointer(content: &[u8]) -> bool {
    const VERSIONS: [&str; 3] = [
        "version https://git-lfs.github.com/spec/v1",
        "version https://hawser.github.com/spec/v1",
        "version http://git-media.io/v/2",
    ];
    if content.len() >= 1024 {
        return false;
    }
    let Ok(text) = std::str::from_utf8(content) else { return false };
    let mut lines = text.lines();
    if !lines.next().is_some_and(|line| VERSIONS.contains(&line)) {
        return false;
    }
    let (mut has_oid, mut has_size) = (false, false);
    for line in lines {
        match line.split_once(' ') {
            Some(("oid", oid)) => {
                has_oid = oid
                    .strip_prefix("sha256:")
                    .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
            }
            Some(("size", size)) => has_size = size.parse::<u64>().is_ok(),
            Some((key, _)) if key.starts_with("ext-") => {}
            _ => return false,
        }
    }
    has_oid && has_size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_looks_like_a_start_is_none() {
        for text in [
            &b"ORC is a format"[..],
            b"PAR1 and more",
            b"PAR1PAR1",
            b"FEA1",
            b"SIT! said the trainer",
            b"PACK\nyour bags",
            b"hsqs",
            b"REDIS0 = 1",
            b"version https://git-lfs.github.com/spec/v1\nis how a pointer starts\n",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n",
            b"Obj\x01",
            b"`\xea",
            b"]\0\0",
            b"",
        ] {
            assert!(of(text, text).is_none(), "{}", String::from_utf8_lossy(text));
            assert!(kinds(text, text).is_empty());
        }
    }

    #[test]
    fn what_a_script_can_carry_has_a_rare_byte() {
        for (start, at) in CARRIED {
            assert!(RARE.contains(&start[at]), "{start:?}");
        }
    }
}
