//! Contents with a token somewhere in them, tried by every way in at once.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::forge::containers::*;
use super::forge::encodings::*;
use super::forge::microsoft::*;
use super::forge::{self, cat, line};
use super::{Expect, Failed, command, said};
use Expect::*;

/// A content: the number in the issue that asked for it, what it is, its file's name, what keysieve has to answer wherever
/// it comes from, and its bytes, made around a token.
struct Row(u8, &'static str, &'static str, Expect, fn(&str) -> Vec<u8>);

fn two(token: &str) -> String {
    format!("x = 1\n{}", line(token))
}

fn rows() -> Vec<Row> {
    vec![
        // Ordinary things.
        Row(0, "a plain text", "a.py", Found, |it| line(it).into()),
        Row(0, "a text without a secret", "a.py", Clean, |_| b"x = 1\n".to_vec()),
        Row(0, "an empty file", "__init__.py", Clean, |_| vec![]),
        Row(0, "random bytes", "a.bin", Clean, |_| forge::Random(7).bytes(4000)),
        Row(0, "a zip without a secret", "a.zip", Clean, |_| zip(&[Entry::new("a.txt", b"x = 1\n")], b"")),
        Row(0, "a gzip without a secret", "a.gz", Clean, |_| gzip(b"x = 1\n")),
        Row(0, "a tar without a secret", "a.tar", Clean, |_| tar(&[member("a.txt", b'0', b"x = 1\n")])),
        Row(0, "a tar with a folder and a link", "a.tar", Clean, |_| {
            tar(&[member("d/", b'5', b""), member("l", b'2', b""), member("d/a", b'0', b"x\n")])
        }),
        Row(0, "a database without a secret", "a.db", Clean, |_| sqlite("table", "t", "CREATE TABLE t (a)")),
        Row(0, "UTF-16 without a secret", "a.txt", Clean, |_| Encoding::Utf16Le.marked("x = 1\r\n")),
        Row(0, "a text that starts like zlib", "a.txt", Clean, |_| b"x\x9c is what zlib writes first\n".to_vec()),
        Row(0, "a text that starts with PK", "a.txt", Clean, |_| b"PK is a country code\n".to_vec()),
        Row(0, "a text that starts with BZh", "a.txt", Clean, |_| b"BZh9 is what bzip2 writes first\n".to_vec()),
        Row(0, "a text that starts with MZ", "a.txt", Clean, |_| b"MZ\n".to_vec()),
        // 9: magic bytes before text.
        Row(9, "the end record of a zip before text", "a.txt", Found, |it| cat(&[ZIP_END, two(it).as_bytes()])),
        Row(9, "a local header of a zip before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"PK\x03\x04", two(it).as_bytes()])
        }),
        Row(9, "a head of 7z before text", "a.txt", FoundOrIncomplete, |it| cat(&[SEVEN_ZIP, two(it).as_bytes()])),
        Row(9, "a head of a key store before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\0", two(it).as_bytes()])
        }),
        Row(9, "a head of JCEKS before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\xce\xce\xce\xce\0\0\0\x02\0\0\0\0", two(it).as_bytes()])
        }),
        Row(9, "a head of PKCS #12 before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\x30\x82\x04\0\x02\x01\x03\x30\x82", two(it).as_bytes()])
        }),
        Row(9, "a whole short PKCS #12 before text", "a.txt", Found, |it| {
            cat(&[b"\x30\x0d\x02\x01\x03\x30\x08\x06\x03\x2a\x03\x04\xa0\x01\0", two(it).as_bytes()])
        }),
        Row(9, "the trailer of a cpio before text", "a.txt", Found, |it| cat(&[&cpio(&[]), two(it).as_bytes()])),
        Row(9, "the magic of a cpio before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"070701", two(it).as_bytes()])
        }),
        Row(9, "a tar of nothing before text", "a.txt", Found, |it| cat(&[&tar(&[]), two(it).as_bytes()])),
        Row(9, "a tar before text", "a.txt", Found, |it| {
            cat(&[&tar(&[member("a", b'0', b"x\n")]), two(it).as_bytes()])
        }),
        Row(9, "a word at ustar's place in text", "a.txt", Found, |it| {
            cat(&[&[b'#'; 257], b"ustar\n", two(it).as_bytes()])
        }),
        Row(9, "ustar's name in text without a header", "a.txt", FoundOrIncomplete, |it| {
            cat(&[&[b'#'; 257], b"ustar\x0000", &[b'\n'; 300], two(it).as_bytes()])
        }),
        Row(9, "an archive of ar before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"!<arch>\n", two(it).as_bytes()])
        }),
        Row(9, "the head of a gzip before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\x1f\x8b\x08\0\0\0\0\0\0\x03", two(it).as_bytes()])
        }),
        Row(9, "the head of a Zstandard frame before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\x28\xb5\x2f\xfd", two(it).as_bytes()])
        }),
        Row(9, "the head of an xz before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\xfd7zXZ\0\0\x04", two(it).as_bytes()])
        }),
        Row(9, "the head of a bzip2 before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"BZh91AY&SY", two(it).as_bytes()])
        }),
        Row(9, "the head of a database before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"SQLite format 3\0", two(it).as_bytes()])
        }),
        Row(9, "the head of an rpm before text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[b"\xed\xab\xee\xdb\x03\0\0\0", two(it).as_bytes()])
        }),
        Row(9, "a gzip, then text", "a.txt", Found, |it| cat(&[&gzip(b"x\n"), two(it).as_bytes()])),
        Row(9, "a bzip2, then text", "a.txt", FoundOrIncomplete, |it| cat(&[&bzip2(b"x\n"), two(it).as_bytes()])),
        Row(9, "an xz, then text", "a.txt", FoundOrIncomplete, |it| cat(&[&xz(b"x\n"), two(it).as_bytes()])),
        Row(9, "a Zstandard frame, then text", "a.txt", FoundOrIncomplete, |it| {
            cat(&[&zstd(b"x\n"), two(it).as_bytes()])
        }),
        Row(9, "a zip, then text", "a.zip", Found, |it| {
            cat(&[&zip(&[Entry::new("a.txt", b"x\n")], b""), two(it).as_bytes()])
        }),
        Row(9, "text, then a zip with the token packed", "a.sh", FoundOrIncomplete, |it| {
            cat(&[b"#!/bin/sh\nexit\n", &zip(&[Entry::new("a.py", two(it).as_bytes())], b"")])
        }),
        Row(9, "a text without a first line of a script, then a gzip with the token packed", "a.run", Found, |it| {
            cat(&[b"# unpacks itself\nexit\n", &gzip(&two(it).repeat(9).into_bytes())])
        }),
        Row(9, "a text, then Zstandard's with the token packed", "a.dat", Found, |it| {
            cat(&[b"From: a@b\n\n", &zstd(&two(it).repeat(9).into_bytes())])
        }),
        Row(9, "a text, then an xz with a tar with the token packed", "a.run", Found, |it| {
            cat(&[b"@echo off\r\n", &xz(&tar(&[member("a", b'0', two(it).as_bytes())]))])
        }),
        Row(9, "a program, then a zip with the token packed", "a.exe", FoundOrIncomplete, |it| {
            cat(&[b"MZ\x90\0\x03\0\0\0", &[0; 900], &zip(&[Entry::new("a.py", two(it).as_bytes())], b"")])
        }),
        Row(9, "a text between two zips", "a.zip", Found, |it| {
            let part = zip(&[Entry::new("a.txt", b"x\n")], b"");
            cat(&[&part, two(it).as_bytes(), &part])
        }),
        // 10: parts of containers.
        Row(10, "an entry of a zip", "a.zip", Found, |it| zip(&[Entry::new("a.py", two(it).as_bytes())], b"")),
        Row(10, "an entry that the central directory does not name", "a.zip", FoundOrIncomplete, |it| {
            let hidden = Entry { unlisted: true, ..Entry::new("b.py", two(it).as_bytes()) };
            zip(&[Entry::new("a.txt", b"x\n"), hidden], b"")
        }),
        Row(10, "the first of two entries of one name", "a.zip", FoundOrIncomplete, |it| {
            zip(&[Entry::new("a.py", two(it).as_bytes()), Entry::new("a.py", b"x\n")], b"")
        }),
        Row(10, "the second of two entries of one name", "a.zip", FoundOrIncomplete, |it| {
            zip(&[Entry::new("a.py", b"x\n"), Entry::new("a.py", two(it).as_bytes())], b"")
        }),
        Row(10, "a folder of a zip with content", "a.zip", FoundOrIncomplete, |it| {
            zip(&[Entry::new("d/", two(it).as_bytes())], b"")
        }),
        Row(10, "a zip's comment", "a.zip", FoundOrIncomplete, |it| {
            zip(&[Entry::new("a.txt", b"x\n")], line(it).as_bytes())
        }),
        Row(10, "an entry's comment", "a.zip", FoundOrIncomplete, |it| {
            zip(&[Entry { comment: line(it).into(), ..Entry::new("a.txt", b"x\n") }], b"")
        }),
        Row(10, "an entry's extra field", "a.zip", FoundOrIncomplete, |it| {
            let text = line(it);
            let extra = [b"\xfe\xca", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat();
            zip(&[Entry { extra, ..Entry::new("a.txt", b"x\n") }], b"")
        }),
        Row(10, "an entry's name", "a.zip", FoundOrIncomplete, |it| zip(&[Entry::new(it, b"x\n")], b"")),
        Row(10, "a second zip after the first", "a.zip", FoundOrIncomplete, |it| {
            cat(&[&zip(&[Entry::new("a.py", two(it).as_bytes())], b""), &zip(&[Entry::new("a.txt", b"x\n")], b"")])
        }),
        Row(10, "a zip with the token in front of another", "a.zip", FoundOrIncomplete, |it| {
            cat(&[&zip(&[Entry::new("a.txt", b"x\n")], b""), &zip(&[Entry::new("a.py", two(it).as_bytes())], b"")])
        }),
        Row(10, "a gzip's name", "a.gz", FoundOrIncomplete, |it| gzip_with(b"x\n", it, "", b"")),
        Row(10, "a gzip's comment", "a.gz", FoundOrIncomplete, |it| gzip_with(b"x\n", "a", &line(it), b"")),
        Row(10, "a gzip's extra field", "a.gz", FoundOrIncomplete, |it| {
            gzip_with(b"x\n", "a", "", line(it).as_bytes())
        }),
        Row(10, "a gzip's second member", "a.gz", Found, |it| cat(&[&gzip(b"x\n"), &gzip(two(it).as_bytes())])),
        Row(10, "a bzip2's second stream", "a.bz2", Found, |it| cat(&[&bzip2(b"x\n"), &bzip2(two(it).as_bytes())])),
        Row(10, "an xz's second stream", "a.xz", FoundOrIncomplete, |it| cat(&[&xz(b"x\n"), &xz(two(it).as_bytes())])),
        Row(10, "a Zstandard's second frame", "a.zst", Found, |it| cat(&[&zstd(b"x\n"), &zstd(two(it).as_bytes())])),
        Row(10, "a skippable frame of Zstandard", "a.zst", Found, |it| {
            cat(&[&zstd(b"x\n"), &zstd_skippable(line(it).as_bytes())])
        }),
        Row(10, "a skippable frame first, the token packed", "a.zst", FoundOrIncomplete, |it| {
            cat(&[&zstd_skippable(b"x"), &zstd(two(it).as_bytes())])
        }),
        Row(10, "an entry of a tar", "a.tar", Found, |it| tar(&[member("a.py", b'0', two(it).as_bytes())])),
        Row(10, "both entries of one name", "a.tar", Found, |it| {
            tar(&[member("a.py", b'0', two(it).as_bytes()), member("a.py", b'0', b"x\n")])
        }),
        Row(10, "a folder of a tar with data", "a.tar", FoundOrIncomplete, |it| {
            tar(&[member("d/", b'5', two(it).as_bytes())])
        }),
        Row(10, "an unknown type of tar entry with data", "a.tar", FoundOrIncomplete, |it| {
            tar(&[member("a.py", b'Z', two(it).as_bytes())])
        }),
        Row(10, "a link of a tar with data", "a.tar", FoundOrIncomplete, |it| {
            tar(&[member("a.py", b'2', two(it).as_bytes())])
        }),
        Row(10, "a GNU sparse file", "a.tar", FoundOrIncomplete, |it| tar(&[member("a.py", b'S', two(it).as_bytes())])),
        Row(10, "a GNU multi-volume entry", "a.tar", FoundOrIncomplete, |it| {
            tar(&[member("a.py", b'M', two(it).as_bytes())])
        }),
        Row(10, "a pax header", "a.tar", FoundOrIncomplete, |it| {
            tar(&[member("p", b'x', &pax_record("comment", &line(it))), member("a", b'0', b"x\n")])
        }),
        Row(10, "a global pax header", "a.tar", FoundOrIncomplete, |it| {
            tar(&[member("p", b'g', &pax_record("comment", &line(it))), member("a", b'0', b"x\n")])
        }),
        Row(10, "a packed tar's name", "a.tgz", FoundOrIncomplete, |it| gzip(&tar(&[member(it, b'0', b"x\n")]))),
        Row(10, "a packed tar's link target", "a.tgz", FoundOrIncomplete, |it| {
            let mut link = member("l", b'2', b"");
            link[157..157 + it.len()].copy_from_slice(it.as_bytes());
            seal(&mut link);
            gzip(&tar(&[link]))
        }),
        Row(10, "a packed tar's pax header", "a.tgz", FoundOrIncomplete, |it| {
            gzip(&tar(&[member("p", b'x', &pax_record("comment", &line(it))), member("a", b'0', b"x\n")]))
        }),
        Row(10, "a packed tar's unknown type", "a.tgz", FoundOrIncomplete, |it| {
            gzip(&tar(&[member("a.py", b'Z', two(it).as_bytes())]))
        }),
        Row(10, "a packed tar's folder with data", "a.tgz", FoundOrIncomplete, |it| {
            gzip(&tar(&[member("d/", b'5', two(it).as_bytes())]))
        }),
        Row(10, "a second tar after the end of a packed one", "a.tgz", FoundOrIncomplete, |it| {
            gzip(&cat(&[&tar(&[member("a", b'0', b"x\n")]), &tar(&[member("b.py", b'0', two(it).as_bytes())])]))
        }),
        Row(10, "text after the end of a packed tar", "a.tgz", FoundOrIncomplete, |it| {
            gzip(&cat(&[&tar(&[member("a", b'0', b"x\n")]), two(it).as_bytes()]))
        }),
        Row(10, "a member of an ar", "a.a", Found, |it| ar(&[("a.o", b"x\n"), ("b.py", two(it).as_bytes())])),
        Row(10, "text after a packed ar", "a.gz", FoundOrIncomplete, |it| {
            gzip(&cat(&[&ar(&[("a.o", b"x\n")]), two(it).as_bytes()]))
        }),
        Row(10, "text after a packed cpio", "a.gz", FoundOrIncomplete, |it| {
            gzip(&cat(&[&cpio(&[("a", b"x\n")]), two(it).as_bytes()]))
        }),
        Row(10, "a packed cpio's name", "a.gz", FoundOrIncomplete, |it| gzip(&cpio(&[(it, b"x\n")]))),
        Row(10, "a table's default", "a.db", FoundOrIncomplete, |it| {
            sqlite("table", "t", &format!("CREATE TABLE t (a TEXT DEFAULT '{it}')"))
        }),
        Row(10, "a packed view", "a.gz", FoundOrIncomplete, |it| {
            gzip(&sqlite("view", "v", &format!("CREATE VIEW v AS SELECT '{it}'")))
        }),
        Row(10, "a packed trigger", "a.gz", FoundOrIncomplete, |it| {
            gzip(&sqlite("trigger", "t", &format!("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT '{it}'; END")))
        }),
        Row(10, "a packed table's default", "a.gz", FoundOrIncomplete, |it| {
            gzip(&sqlite("table", "t", &format!("CREATE TABLE t (a TEXT DEFAULT '{it}')")))
        }),
        // 11: encodings.
        Row(11, "FF FE before ASCII", "a.txt", Found, |it| cat(&[b"\xff\xfe", two(it).as_bytes()])),
        Row(11, "FE FF before ASCII", "a.txt", Found, |it| cat(&[b"\xfe\xff", two(it).as_bytes()])),
        Row(11, "FF FE 0 0 before ASCII", "a.txt", Found, |it| cat(&[b"\xff\xfe\0\0", two(it).as_bytes()])),
        Row(11, "EF BB BF before UTF-16", "a.txt", Found, |it| cat(&[b"\xef\xbb\xbf", &utf16le(&two(it))])),
        Row(11, "UTF-16, little-endian", "a.txt", Found, |it| Encoding::Utf16Le.marked(&two(it))),
        Row(11, "UTF-16, big-endian", "a.txt", Found, |it| Encoding::Utf16Be.marked(&two(it))),
        Row(11, "UTF-16 without a mark", "a.txt", Found, |it| utf16le(&two(it))),
        Row(11, "UTF-16 of the other order without a mark", "a.txt", Found, |it| utf16be(&two(it))),
        Row(11, "a mark of the wrong order", "a.txt", Found, |it| cat(&[b"\xff\xfe", &utf16be(&two(it))])),
        Row(11, "UTF-16, then an ASCII line", "a.txt", Found, |it| {
            cat(&[&Encoding::Utf16Le.marked(&"x = 1\r\n".repeat(40)), line(it).as_bytes()])
        }),
        Row(11, "ASCII, then a line of UTF-16", "a.txt", Found, |it| {
            cat(&["x = 1\n".repeat(40).as_bytes(), &utf16le(&line(it))])
        }),
        Row(11, "ASCII, then a line of UTF-16 at an odd offset", "a.txt", Found, |it| {
            cat(&["x = 1\n".repeat(40).as_bytes(), b"y", &utf16le(&line(it))])
        }),
        Row(11, "ASCII, then a line of big-endian UTF-16", "a.txt", Found, |it| {
            cat(&["x = 1\n".repeat(40).as_bytes(), &utf16be(&line(it))])
        }),
        Row(11, "ASCII between two stretches of UTF-16", "a.txt", Found, |it| {
            let wide = utf16le(&"x = 1\r\n".repeat(40));
            cat(&[&wide, line(it).as_bytes(), &wide])
        }),
        Row(11, "UTF-32, little-endian", "a.txt", Found, |it| Encoding::Utf32Le.marked(&two(it))),
        Row(11, "UTF-32, big-endian", "a.txt", Found, |it| Encoding::Utf32Be.marked(&two(it))),
        Row(11, "UTF-32 without a mark", "a.txt", Found, |it| Encoding::Utf32Le.write(&two(it))),
        Row(11, "big-endian UTF-32 without a mark", "a.txt", Found, |it| Encoding::Utf32Be.write(&two(it))),
        Row(11, "a wide string in a program", "a.exe", Found, |it| {
            let mut random = forge::Random(3);
            cat(&[b"MZ\x90\0", &random.bytes(3000), b"\0\0", &utf16le(it), b"\0\0", &random.bytes(3000)])
        }),
        Row(11, "a wide string at an odd offset in a program", "a.exe", Found, |it| {
            let mut random = forge::Random(4);
            cat(&[b"MZ\x90\0", &random.bytes(3001), b"\0\0", &utf16le(it), b"\0\0", &random.bytes(3000)])
        }),
        Row(11, "a token far behind 64 KiB of ASCII, in UTF-16", "a.txt", Found, |it| {
            cat(&["x = 1\n".repeat(20_000).as_bytes(), &utf16le(&line(it))])
        }),
        Row(11, "a token far behind 64 KiB of UTF-16, in ASCII", "a.txt", Found, |it| {
            cat(&[&Encoding::Utf16Le.marked(&"x = 1\r\n".repeat(10_000)), line(it).as_bytes()])
        }),
        Row(11, "bytes that are no UTF-8 around", "a.txt", Found, |it| {
            cat(&[b"\xff\x80\xe2\x28", line(it).as_bytes(), b"\xc3\x28"])
        }),
        Row(11, "NUL bytes around", "a.bin", Found, |it| cat(&[&[0; 4000], it.as_bytes(), &[0; 4000]])),
        // 12: word characters before.
        Row(12, "a line's end as JSON escapes it", "a.json", Found, |it| format!("{{\"a\": \"x\\n{it}\"}}").into()),
        Row(12, "a tab as JSON escapes it", "a.json", Found, |it| format!("{{\"a\": \"x\\t{it}\"}}").into()),
        Row(12, "a colour of a terminal", "a.log", Found, |it| format!("\u{1b}[31m{it}\u{1b}[0m\n").into()),
        Row(12, "a colour of a terminal, escaped", "a.log", Found, |it| format!("\\x1b[31m{it}\\x1b[0m\n").into()),
        Row(12, "a colour of a terminal, in octal", "a.log", Found, |it| format!("\\033[1;31m{it}\n").into()),
        Row(12, "an equals sign of a URL", "a.txt", Found, |it| format!("https://x/?t%3D{it}\n").into()),
        Row(12, "a unicode escape", "a.json", Found, |it| format!("{{\"a\": \"t\\u003d{it}\"}}").into()),
        Row(12, "a hexadecimal escape", "a.js", Found, |it| format!("a = 't\\x3d{it}'\n").into()),
        Row(12, "an escape of quoted-printable", "a.eml", Found, |it| format!("t=3D{it}\n").into()),
        Row(12, "a letter before", "a.txt", Found, |it| format!("x{it}\n").into()),
        Row(12, "an underscore before", "a.txt", Found, |it| format!("token_{it}\n").into()),
        Row(12, "a digit before", "a.txt", Found, |it| format!("1{it}\n").into()),
        Row(12, "a letter of another script before", "a.txt", Found, |it| format!("ключ{it}\n").into()),
        Row(12, "a source map", "a.js.map", Found, |it| {
            format!("{{\"sourcesContent\":[\"const a = 1;\\nconst t =\\n\\t{it}\\n\"]}}").into()
        }),
        Row(12, "a notebook", "a.ipynb", Found, |it| {
            format!("{{\"cells\":[{{\"cell_type\":\"code\",\"source\":[\"!echo \\n{it}\"],\"outputs\":[]}}]}}").into()
        }),
        // Older containers of Microsoft's.
        Row(13, "a compound file", "a.doc", Found, |it| Compound::new().stream("Text", two(it).as_bytes()).build()),
        Row(13, "a compound file without a secret", "a.doc", Clean, |_| Compound::new().stream("A/B", b"x").build()),
        Row(13, "an installer with a cabinet", "a.msi", Found, |it| {
            let inner = cabinet(Method::MsZip, two(it).as_bytes(), &[("a.txt", 0, two(it).len())]);
            Compound::new().stream("a.cab", &inner).build()
        }),
        Row(13, "a cabinet of LZX", "a.cab", Found, |it| {
            cabinet(Method::Lzx, two(it).as_bytes(), &[("a.txt", 0, two(it).len())])
        }),
        Row(13, "a cabinet without a secret", "a.cab", Clean, |_| cabinet(Method::Lzx, b"x = 1", &[("a", 0, 5)])),
        Row(13, "compiled help", "a.chm", Found, |it| compiled_help(&[], &[("/a.htm", two(it).as_bytes())])),
        Row(13, "compiled help without a secret", "a.chm", Clean, |_| compiled_help(&[], &[("/a.htm", b"x = 1")])),
        // 13: recognised and not opened.
        Row(13, "a pointer of LFS", "a.bin", Incomplete, |_| {
            let oid = "0123456789abcdef".repeat(4);
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n").into()
        }),
        Row(13, "a stream of PDF", "a.pdf", FoundOrIncomplete, |it| {
            pdf(format!("BT /F1 12 Tf 72 720 Td ({it}) Tj ET").as_bytes())
        }),
        Row(13, "a RAR", "a.rar", Incomplete, |_| cat(&[b"Rar!\x1a\x07\x01\0", &forge::Random(1).bytes(200)])),
        Row(13, "an old RAR", "a.rar", Incomplete, |_| cat(&[b"Rar!\x1a\x07\0", &forge::Random(1).bytes(200)])),
        Row(13, "a cabinet", "a.cab", Incomplete, |_| cat(&[b"MSCF\0\0\0\0", &forge::Random(2).bytes(200)])),
        Row(13, "a file of lzip", "a.lz", Incomplete, |_| cat(&[b"LZIP\x01\x0c", &forge::Random(3).bytes(200)])),
        Row(13, "a file of LZMA", "a.lzma", Incomplete, |_| {
            cat(&[b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", &forge::Random(4).bytes(200)])
        }),
        Row(13, "a file system of squashfs", "a.img", Incomplete, |_| {
            cat(&[
                b"hsqs\x07\0\0\0\0\0\0\0\0\0\x02\0\0\0\0\0\x01\0\x11\0\0\0\x01\0\x04\0\0\0",
                &forge::Random(5).bytes(400),
            ])
        }),
        Row(13, "an archive of xar", "a.pkg", Incomplete, |_| {
            cat(&[b"xar!\0\x1c\0\x01", &forge::Random(6).bytes(200)])
        }),
        Row(13, "an archive of arj", "a.arj", Incomplete, |_| {
            let header = b"\x1e\x0b\x01\0\0\x10\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a.arj\0\0";
            let size = (header.len() as u16).to_le_bytes();
            cat(&[b"\x60\xea", &size, header, &crc32fast::hash(header).to_le_bytes(), &forge::Random(8).bytes(200)])
        }),
        Row(13, "a bundle of git", "a.bundle", Incomplete, |_| {
            cat(&[b"# v2 git bundle\n", "0".repeat(40).as_bytes(), b" refs/heads/main\n\nPACK\0\0\0\x02\0\0\0\0"])
        }),
    ]
}

/// A row's own folder, which starts all of its paths.
fn folder(index: usize) -> String {
    format!("row-{index:03}")
}

/// The report of a run over all rows: secrets found, and the paths of gaps.
struct Report {
    secrets: String,
    gaps: Vec<String>,
    code: i32,
}

fn keysieve(root: &Path, arguments: &[&str], input: &[u8]) -> Report {
    let mut child = command(env!("CARGO_BIN_EXE_keysieve"), root)
        .args(arguments)
        .args(["--format", "jsonl", "--show-secrets", "--no-progress"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have seen enough before the end.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let (findings, summary): (Vec<&str>, Vec<&str>) = text.lines().partition(|it| it.contains("\"type\":\"finding\""));
    let summary: Value = serde_json::from_str(summary.last().unwrap_or_else(|| panic!("{}", said(&output)))).unwrap();
    let gaps = summary["incomplete"].as_array().unwrap();
    let gaps = gaps.iter().map(|gap| format!("{}: {}", gap["path"].as_str().unwrap(), gap["reason"])).collect();
    Report { secrets: findings.join("\n"), gaps, code: output.status.code().unwrap() }
}

#[test]
fn no_content_is_clean_by_mistake() {
    let rows = rows();
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let git = |arguments: &[&str]| {
        let output = command("git", root).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    git(&["branch", "base"]);
    let tokens: Vec<String> = (0..rows.len()).map(|index| forge::token(index as u64)).collect();
    for (index, Row(.., file, _, bytes)) in rows.iter().enumerate() {
        fs::create_dir(root.join(folder(index))).unwrap();
        fs::write(root.join(folder(index)).join(file), bytes(&tokens[index])).unwrap();
    }
    git(&["-c", "core.autocrlf=false", "add", "-A"]);
    let listed = git(&["ls-files", "-s"]);
    let objects: Vec<&str> = listed.lines().map(|entry| entry.split(' ').nth(1).unwrap()).collect();
    assert_eq!(objects.len(), rows.len(), "a row is a file");
    let mut reports =
        BTreeMap::from([("scan", keysieve(root, &["scan"], b"")), ("staged", keysieve(root, &["staged"], b""))]);
    git(&["commit", "-q", "-m", "all rows"]);
    let pushed =
        format!("refs/heads/main {} refs/heads/main {}\n", git(&["rev-parse", "main"]), git(&["rev-parse", "base"]));
    reports.insert("range", keysieve(root, &["range", "base..main"], b""));
    reports.insert("push", keysieve(root, &["range", "--pre-push"], pushed.as_bytes()));
    reports.insert("history", keysieve(root, &["history"], b""));
    git(&["repack", "-q", "-a", "-d"]);
    reports.insert("history of a pack", keysieve(root, &["history"], b""));
    let mut failed = Failed::default();
    for (index, Row(item, name, _, expect, bytes)) in rows.iter().enumerate() {
        let own = format!("{}/", folder(index));
        // A history names an object that it cannot read by its id.
        let its = |gap: &&str| gap.contains(&own) || gap.contains(objects[index]);
        let mut wrong = Vec::new();
        let mut judge = |way: &str, found: bool, gaps: &[&str]| {
            let code = if gaps.is_empty() { i32::from(found) } else { 3 };
            if !expect.holds(code, found) {
                wrong.push(format!("{way} ({}, gaps: {gaps:?})", if found { "found" } else { "not found" }));
            }
        };
        for (way, report) in &reports {
            assert_eq!(report.code, if report.gaps.is_empty() { 1 } else { 3 }, "{way}");
            let gaps: Vec<&str> = report.gaps.iter().map(String::as_str).filter(its).collect();
            judge(way, report.secrets.contains(&tokens[index]), &gaps);
        }
        let report = keysieve(root, &["scan", "-"], &bytes(&tokens[index]));
        let gaps: Vec<&str> = report.gaps.iter().map(String::as_str).collect();
        judge("standard input", report.secrets.contains(&tokens[index]), &gaps);
        let exit = if gaps.is_empty() { i32::from(report.secrets.contains("\"type\":\"finding\"")) } else { 3 };
        assert_eq!(report.code, exit, "{name}: the exit code is what the report says");
        if !wrong.is_empty() {
            failed.add(format!("{item} {name}"), *expect, wrong.join(", "));
        }
    }
    failed.none();
}
