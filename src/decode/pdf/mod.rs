//! PDF (ISO 32000-1): streams are decoded, and the text that pages show is put together.
//!
//! Nothing goes by the table of where objects are, so what no table names any more, or a damaged one hides, is read as well.
//! A stream's content is `a.pdf!/stream 12`, by its object's number; the text that it shows `a.pdf!/stream 12!/text`. Strings
//! of objects that are written in another way than they read are `a.pdf!/(strings)`. What a stream calls itself counts for
//! nothing: fonts and pictures are contents like any other, only that no one undoes what packs pictures.

mod filter;
mod lexer;
mod text;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::container::{Unpacker, damaged, in_words};
use crate::gap::GapCode;
use filter::{Filter, Step};
use lexer::{Dictionary, Lexer, Token, elements, from_hex, is_name, plain_name, reference, unescape};
use text::{Characters, Fonts};

/// Names and references of fonts that are looked at.
const MOST_NAMES: usize = 100_000;
/// Tables of characters that are read.
const MOST_FONTS: usize = 1_000;
/// Longest name of a font that is looked at, in bytes.
const LONGEST_NAME: usize = 64;
/// Longest object that streams refer to for their filters, in bytes.
const LONGEST_VALUE: usize = 1024;

/// A stream.
struct Stream<'a> {
    object: u32,
    dictionary: Dictionary<'a>,
    steps: Vec<Step<'a>>,
    /// Why its data cannot be decoded.
    trouble: Option<(GapCode, String)>,
    data: &'a [u8],
    /// Whether it ends before the file does.
    is_whole: bool,
}

/// What is known of a document.
#[derive(Default)]
struct Document {
    is_encrypted: bool,
    /// Fonts, and the streams that tell their characters.
    fonts: HashMap<u32, u32>,
    /// What names what: the names of fonts are among these.
    names: BTreeSet<(Box<[u8]>, u32)>,
    strings: Vec<u8>,
    /// Bytes that strings may have.
    room: usize,
    /// Bytes that may still be read as values, which can be made to stand in one another.
    work: usize,
    /// Streams whose object was not found.
    lost: usize,
}

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let room = walk.room().0.min(usize::MAX as u64 / 2) as usize;
    let mut document = Document { room, work: work_of(bytes), ..Document::default() };
    let streams = document.read(bytes, walk.limits.entries);
    if document.is_encrypted {
        let reason = "it is encrypted; save it without a password (`qpdf --decrypt`) and scan that";
        return walk.gap(path, GapCode::Encrypted, reason.to_owned());
    }
    if document.lost > 0 {
        let reason = "it cannot be unpacked: there are streams whose object is damaged";
        walk.gap(path, GapCode::Damaged, reason.to_owned());
    }
    if streams.len() as u64 > walk.limits.entries {
        let most = walk.limits.entries;
        let reason = format!("it holds more than {most} contents; the others were not read (--max-archive-entries)");
        walk.gap(path, GapCode::Limit, reason);
    }
    let (packs, streams): (Vec<_>, Vec<_>) = streams.into_iter().partition(|it| it.is("Type", b"ObjStm"));
    // A page may call itself that as well.
    let mut pages = Vec::new();
    for stream in &packs {
        if !walk.may_go_on(path) {
            return;
        }
        stream.decode(walk, path, |walk, objects, cut, inner| {
            pages.extend(Some(stream).filter(|_| text::may_show(objects)));
            document.packed(objects, stream.dictionary);
            walk.entry(objects, cut, inner, depth);
        });
    }
    if document.work == 0 {
        let reason = "its objects stand in one another, which takes too long to read";
        walk.gap(path, GapCode::Limit, reason.to_owned());
    }
    let characters = document.characters(walk, &streams, path);
    let mut fonts = Fonts::new();
    for (name, object) in &document.names {
        if let Some(characters) = document.fonts.get(object).and_then(|stream| characters.get(stream)) {
            fonts.entry(&**name).or_default().push(characters);
        }
    }
    for stream in &streams {
        if !walk.may_go_on(path) {
            return;
        }
        stream.decode(walk, path, |walk, content, cut, inner| {
            if text::may_show(content) && stream.may_be_page(content) {
                stream.show(walk, content, &fonts, inner);
            }
            // What is not encoded has been seen from outside.
            if !stream.steps.is_empty() {
                walk.entry(&without_glyphs(content), cut, inner, depth);
            }
        });
    }
    for stream in pages {
        if !walk.may_go_on(path) {
            return;
        }
        stream.decode(walk, path, |walk, content, _, inner| stream.show(walk, content, &fonts, inner));
    }
    if !document.strings.is_empty() && walk.may_go_on(path) {
        hand_on(walk, &document.strings, &format!("{path}!/(strings)"));
    }
}

impl<'a> Stream<'a> {
    /// Learns how it is encoded; its dictionary may refer to `values`.
    fn learn_steps(&mut self, values: &HashMap<u32, Option<&'a [u8]>>) {
        let of = |value: &'a [u8]| match reference(value) {
            Some(object) => values.get(&object).copied().flatten().unwrap_or(value),
            None => value,
        };
        // Readers differ in which of several values of one key they take.
        let all = |keys: [&'static str; 2]| {
            let values = keys.into_iter().flat_map(|key| self.dictionary.all(key)).take(8);
            let mut all: Vec<Vec<&[u8]>> = values.map(|it| elements(of(it)).into_iter().map(of).collect()).collect();
            all.dedup();
            all
        };
        let unsupported = |reason: String| Some((GapCode::UnsupportedFormat, reason));
        let (named, parameters) = (all(["Filter", "Filter"]), all(["DecodeParms", "DP"]));
        let filters: Vec<Vec<Filter>> = named.iter().map(|values| filter::all(values)).collect();
        let [filters, others @ ..] = &filters[..] else { return };
        if others.iter().any(|it| it != filters) {
            self.trouble = unsupported("it names its filters twice, and differently".to_owned());
            return;
        }
        let parameters = match &parameters[..] {
            [] => &[][..],
            [parameters] => &parameters[..],
            _ => {
                self.trouble = unsupported("it says twice, and differently, how its filters are used".to_owned());
                return;
            }
        };
        let is_null = |value: &[u8]| Lexer::new(value, 0).next() == Some(Token::Word(b"null"));
        for (at, filter) in filters.iter().enumerate() {
            // One dictionary is for all filters, although there should be as many.
            let parameters = if parameters.len() == 1 { parameters.first() } else { parameters.get(at) };
            let parameters = parameters.copied().filter(|value| !is_null(value));
            if parameters.is_some_and(|value| !value.starts_with(b"<<")) {
                self.trouble = unsupported("how its filters are used stands where it was not found".to_owned());
                return;
            }
            match filter {
                Filter::Unknown(name) => {
                    self.trouble = unsupported(format!("it has a filter that is not known: {name}"));
                    return;
                }
                // Where no name is given, nothing is encrypted.
                Filter::Crypt if parameters.is_some_and(|it| !is_identity(Dictionary(it))) => {
                    self.trouble = Some((GapCode::Encrypted, "it is encrypted".to_owned()));
                    return;
                }
                // What follows is what a picture shows.
                Filter::Image => return,
                filter => self.steps.push(Step { filter: filter.clone(), parameters }),
            }
        }
    }

    fn is(&self, key: &str, name: &[u8]) -> bool {
        self.dictionary.is(key, name)
    }

    /// Whether it reads as what a page shows, which most of what calls itself a picture or a font does not.
    fn may_be_page(&self, content: &[u8]) -> bool {
        const HEAD: usize = 512;
        let is_other =
            self.is("Subtype", b"Image") || self.dictionary.get("Length1").is_some() || self.is("Type", b"XRef");
        let head = &content[..content.len().min(HEAD)];
        let text = head.iter().filter(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')).count();
        !is_other || text * 8 >= head.len() * 7
    }

    /// Hands its content to `then`, with its name; says what cannot be decoded.
    fn decode(
        &self,
        walk: &mut Unpacker<'_>,
        path: &str,
        then: impl FnOnce(&mut Unpacker<'_>, &[u8], Option<String>, &str),
    ) {
        let inner = format!("{path}!/stream {}", self.object);
        if let Some((code, reason)) = &self.trouble {
            return walk.gap(&inner, *code, reason.clone());
        }
        if !self.is_whole && self.steps.is_empty() {
            return walk.gap(&inner, GapCode::Damaged, "it cannot be unpacked: it is cut short".to_owned());
        }
        let memory = filter::memory(&self.steps);
        if let Err((code, reason)) = walk.may_hold(memory) {
            return walk.gap(&inner, code, reason);
        }
        walk.holding(memory, |walk| match filter::decode(self.data, &self.steps) {
            Ok(reader) => walk.read(reader, &inner, |walk, content, cut| then(walk, content, cut, &inner)),
            Err(error) => walk.gap(&inner, GapCode::Damaged, damaged(&error)),
        });
    }

    /// Hands on the text that it shows.
    fn show(&self, walk: &mut Unpacker<'_>, operators: &[u8], fonts: &Fonts<'_>, path: &str) {
        let inner = format!("{path}!/text");
        // A code stands for a few characters of a few bytes each.
        if let Err((code, reason)) = walk.may_hold(operators.len() as u64 * 4) {
            return walk.gap(&inner, code, reason);
        }
        let mut all = String::new();
        let mut seen = HashSet::new();
        for reading in 0..text::readings(fonts) {
            let text = text::shown(operators, fonts, reading);
            if !text.is_empty() && seen.insert(text.clone()) {
                all.push_str(&text);
                all.push('\n');
            }
            if all.len() as u64 > walk.room().0 {
                break;
            }
        }
        hand_on(walk, all.as_bytes(), &inner);
    }
}

/// Hands on what was put together, as far as the limits allow.
fn hand_on(walk: &mut Unpacker<'_>, text: &[u8], path: &str) {
    let (room, option) = walk.room();
    let kept = &text[..text.len().min(room as usize)];
    if kept.len() < text.len() {
        walk.say(path, Some(format!("only {} of it were put together ({option})", in_words(room))));
    }
    walk.left -= kept.len() as u64;
    if !kept.is_empty() {
        walk.sink.content(path, kept);
    }
}

impl Document {
    /// Finds all objects of a file, wherever they stand, in comments and in one another as well: what readers make of
    /// damaged files differs. Gives back the first streams, one more than `most` if there are more.
    fn read<'a>(&mut self, bytes: &'a [u8], most: u64) -> Vec<Stream<'a>> {
        let mut streams = Vec::new();
        let mut end_mark = 0;
        // Where the data of streams starts behind its keyword.
        let mut starts = HashSet::new();
        // What stands in objects of its own, if all objects of a number agree.
        let mut values: HashMap<u32, Option<&[u8]>> = HashMap::new();
        for keyword in memchr::memmem::find_iter(bytes, b"obj") {
            let Some(object) = number_before(bytes, keyword) else { continue };
            if self.work == 0 {
                break;
            }
            let start = keyword + 3;
            let mut lexer = Lexer::new(bytes, start);
            let value = lexer.value();
            let behind = value.is_some_and(|value| value.starts_with(b"<<")).then(|| lexer.next()).flatten();
            self.spend(lexer.at - start);
            let Some(value) = value else { continue };
            let short = Some(value).filter(|value| value.len() <= LONGEST_VALUE);
            values.entry(object).and_modify(|it| *it = it.filter(|it| short == Some(it))).or_insert(short);
            if !value.starts_with(b"<<") {
                self.strings(value);
                continue;
            }
            let dictionary = Dictionary(value);
            self.object(object, dictionary);
            if behind != Some(Token::Word(b"stream")) {
                continue;
            }
            starts.insert(lexer.at);
            let mut data = lexer.at;
            data += usize::from(bytes.get(data) == Some(&b'\r'));
            data += usize::from(bytes.get(data) == Some(&b'\n'));
            let (end, is_whole) = end_of_stream(bytes, data, dictionary.number("Length"), &mut end_mark);
            if (streams.len() as u64) <= most {
                let data = &bytes[data.min(end)..end];
                streams.push(Stream { object, dictionary, steps: Vec::new(), trouble: None, data, is_whole });
            }
            self.is_encrypted |= dictionary.is("Type", b"XRef") && dictionary.get("Encrypt").is_some();
        }
        streams.iter_mut().for_each(|stream| stream.learn_steps(&values));
        self.is_encrypted |= self.has_encrypted_trailer(bytes);
        self.lost = lost_streams(bytes, &starts);
        streams
    }

    /// Whether a trailer names how the file is encrypted.
    fn has_encrypted_trailer(&mut self, bytes: &[u8]) -> bool {
        memchr::memmem::find_iter(bytes, b"trailer").any(|at| {
            if self.work == 0 {
                return false;
            }
            let mut lexer = Lexer::new(bytes, at + 7);
            let value = lexer.value();
            self.spend(lexer.at - at);
            value.is_some_and(|value| value.starts_with(b"<<") && Dictionary(value).get("Encrypt").is_some())
        })
    }

    fn spend(&mut self, bytes: usize) {
        self.work = self.work.saturating_sub(bytes);
    }

    /// What a dictionary tells of fonts, and its strings.
    fn object(&mut self, object: u32, dictionary: Dictionary<'_>) {
        self.strings(dictionary.0);
        if let Some(stream) = dictionary.get("ToUnicode").and_then(reference) {
            self.fonts.insert(object, stream);
        }
        self.references(dictionary, 0);
    }

    fn references(&mut self, dictionary: Dictionary<'_>, depth: usize) {
        const DEEPEST: usize = 4;
        for (name, value) in dictionary.pairs() {
            if let Some(object) =
                reference(value).filter(|_| name.len() <= LONGEST_NAME && self.names.len() < MOST_NAMES)
            {
                self.names.insert((plain_name(name).into(), object));
            } else if value.starts_with(b"<<") && depth < DEEPEST {
                self.references(Dictionary(value), depth + 1);
            }
        }
    }

    /// Keeps the strings that read in another way than they are written.
    fn strings(&mut self, object: &[u8]) {
        for token in Lexer::new(object, 0) {
            // That there is more is said where they are handed on.
            if self.strings.len() > self.room {
                return;
            }
            let plain = match token {
                Token::Text(raw)
                    if raw.contains(&b'\\') || raw.starts_with(&[0xfe, 0xff]) || raw.starts_with(&[0xff, 0xfe]) =>
                {
                    unescape(raw)
                }
                Token::Hex(digits) if digits.len() > 16 => from_hex(digits),
                _ => continue,
            };
            let wide = |order: fn([u8; 2]) -> u16| {
                let units = plain[2..].chunks_exact(2).map(|unit| order([unit[0], unit[1]]));
                char::decode_utf16(units).flatten().collect::<String>().into_bytes()
            };
            match &plain[..] {
                [0xfe, 0xff, ..] => self.strings.extend(wide(u16::from_be_bytes)),
                [0xff, 0xfe, ..] => self.strings.extend(wide(u16::from_le_bytes)),
                _ => self.strings.extend(&plain),
            }
            self.strings.push(b'\n');
        }
    }

    /// Reads the objects that a stream holds.
    fn packed(&mut self, objects: &[u8], dictionary: Dictionary<'_>) {
        let first = dictionary.number("First").unwrap_or(0);
        let mut head = Lexer::new(&objects[..first.min(objects.len())], 0);
        let mut seen = HashSet::new();
        self.work = self.work.max(work_of(objects));
        while let (Some(Token::Number(object)), Some(Token::Number(offset))) = (head.next(), head.next()) {
            let start = first.saturating_add(offset as usize);
            if self.work == 0 {
                return;
            }
            if start >= objects.len() || !seen.insert(start) {
                continue;
            }
            let mut lexer = Lexer::new(objects, start);
            let value = lexer.value();
            self.spend(lexer.at - start);
            match value {
                Some(value) if value.starts_with(b"<<") => self.object(object as u32, Dictionary(value)),
                Some(value) => self.strings(value),
                None => {}
            }
        }
    }

    /// Reads the tables of characters that fonts name.
    fn characters(&self, walk: &mut Unpacker<'_>, streams: &[Stream<'_>], path: &str) -> HashMap<u32, Characters> {
        let wanted: HashSet<u32> = self.fonts.values().copied().collect();
        let mut read = HashMap::new();
        for stream in streams.iter().filter(|it| wanted.contains(&it.object)).take(MOST_FONTS) {
            if !walk.may_go_on(path) {
                break;
            }
            stream.decode(walk, path, |walk, cmap, _, inner| {
                let characters = Characters::read(cmap);
                if characters.is_cut() {
                    let reason = "it names more characters than a font has; the others were not looked up";
                    walk.gap(inner, GapCode::Limit, reason.to_owned());
                }
                if !characters.is_empty() {
                    read.insert(stream.object, characters);
                }
            });
        }
        read
    }
}

/// A font of Type 1 without the lines of nothing but digits that its glyphs are encrypted in: some look like tokens.
fn without_glyphs(content: &[u8]) -> Cow<'_, [u8]> {
    const SHORTEST: usize = 40;
    let start = memchr::memmem::find(content, b"eexec").filter(|_| content.starts_with(b"%!"));
    let Some(start) = start else { return Cow::Borrowed(content) };
    let (head, glyphs) = content.split_at(start);
    let is_glyph = |line: &&[u8]| {
        let line = line.trim_ascii();
        line.len() >= SHORTEST && line.iter().all(u8::is_ascii_hexdigit)
    };
    let lines = glyphs.split_inclusive(|byte| matches!(byte, b'\n' | b'\r'));
    Cow::Owned([&[head], &lines.filter(|line| !is_glyph(line)).collect::<Vec<_>>()[..]].concat().concat())
}

/// Whether what is encrypted in this way is not.
fn is_identity(parameters: Dictionary<'_>) -> bool {
    parameters.all("Name").all(|name| is_name(name, b"Identity"))
}

/// Bytes that may be read as values of a content: many times as many as no objects in one another take.
fn work_of(bytes: &[u8]) -> usize {
    bytes.len().saturating_mul(16).saturating_add(1 << 20)
}

/// The number of the object whose keyword stands at `at`.
fn number_before(bytes: &[u8], at: usize) -> Option<u32> {
    let number = |before| last_number(before).and_then(|(_, before)| last_number(before)).map(|(object, _)| object);
    number(&bytes[..at]).or_else(|| number(before_comments(&bytes[..at])?))
}

/// What stands before the lines of comments that `bytes` ends with.
fn before_comments(bytes: &[u8]) -> Option<&[u8]> {
    const MOST: usize = 16;
    let mut rest = bytes;
    for _ in 0..MOST {
        let end = rest.iter().rposition(|byte| !lexer::is_blank(*byte))? + 1;
        if !rest[end..].iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            break;
        }
        let line = memchr::memrchr2(b'\n', b'\r', &rest[..end]).map_or(0, |at| at + 1);
        let Some(comment) = memchr::memchr(b'%', &rest[line..end]) else { break };
        rest = &rest[..line + comment];
    }
    Some(rest).filter(|rest| rest.len() < bytes.len())
}

/// How many streams there are besides those that start at these places.
fn lost_streams(bytes: &[u8], starts: &HashSet<usize>) -> usize {
    const KEYWORD: &[u8] = b"stream";
    let lost = memchr::memmem::find_iter(bytes, KEYWORD).filter(|at| {
        let end = at + KEYWORD.len();
        matches!(bytes.get(end), Some(b'\r' | b'\n')) && !starts.contains(&end) && {
            let before = &bytes[..*at];
            let last = before.iter().rposition(|byte| !lexer::is_blank(*byte)).map_or(0, |at| at + 1);
            before[..last].ends_with(b">>")
        }
    });
    lost.count()
}

fn last_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let end = bytes.iter().rposition(|byte| !lexer::is_blank(*byte))? + 1;
    let start = bytes[..end].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    Some((std::str::from_utf8(&bytes[start..end]).ok()?.parse().ok()?, &bytes[..start]))
}

/// Where the data of a stream ends that starts at `start`, and whether it does before the file ends. `length` is what its
/// dictionary says, `mark` where the last end was that was searched for: streams come in order.
fn end_of_stream(bytes: &[u8], start: usize, length: Option<usize>, mark: &mut usize) -> (usize, bool) {
    const END: &[u8] = b"endstream";
    if let Some(end) = length.and_then(|length| start.checked_add(length)).filter(|end| *end <= bytes.len()) {
        let after = &bytes[end..];
        let blanks = after.iter().take(4).take_while(|byte| lexer::is_blank(**byte)).count();
        if after[blanks..].starts_with(END) {
            return (end, true);
        }
    }
    let start = start.min(bytes.len());
    if *mark < start {
        *mark = memchr::memmem::find(&bytes[start..], END).map_or(bytes.len(), |length| start + length);
    }
    (*mark, *mark < bytes.len())
}
