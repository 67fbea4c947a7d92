//! The rows of an SQLite database as text ("Database File Format", sqlite.org).
//!
//! Only what reading rows takes: b-trees of tables, overflow pages, records, column names. SQLite itself would be a
//! library in C that opens what strangers wrote; this reads pages of bytes, each at most once, so that no file can lead it
//! in circles. What deleted rows left behind in pages that no table uses any more comes last, as it is.

use super::container::{Unpacker, in_words};
use super::rest::{Rest, between};
use crate::gap::GapCode;

/// Whether a database starts here that SQLite would open: it refuses another size of pages and other fractions ("Database
/// File Format", 1.3), so nothing but a scan of the bytes could tell what is in such a file.
pub(super) fn starts(head: &[u8]) -> bool {
    let is_size = |high: u8, low: u8| {
        let size = u32::from(high) << 8 | u32::from(low) << 16;
        (512..=65536).contains(&size) && size.is_power_of_two()
    };
    head.starts_with(b"SQLite format 3\0")
        && head.len() >= 100
        && is_size(head[16], head[17])
        && head[21..24] == [64, 32, 32]
}

/// Each table is a content with a row a line; what no table holds any more is one as well.
pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let mut rest = Rest::default();
    let database = match Database::open(bytes) {
        Ok(database) => database,
        Err(reason) => {
            walk.gap(path, GapCode::Damaged, format!("it cannot be unpacked: {reason}"));
            rest.add(bytes);
            return walk.rest(&rest, path);
        }
    };
    let read = database.read(walk.room(), &mut rest, |name, content| {
        walk.left = walk.left.saturating_sub(content.len() as u64);
        walk.entry(content, None, &format!("{path}!/{name}"), depth);
        walk.may_go_on(path)
    });
    if let Err(problem) = read {
        let (code, reason) = match problem {
            Problem::Damaged(reason) => (GapCode::Damaged, format!("it cannot be unpacked: {reason}")),
            Problem::Limit(reason) => (GapCode::Limit, reason),
        };
        walk.gap(path, code, reason);
    }
    walk.rest(&rest, path);
}

/// What was written ahead of a database, or is kept to roll it back: the text of its pages.
pub(super) fn log(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str) {
    let mut rest = Rest::default();
    rest.add(bytes);
    walk.rest(&rest, path);
}

/// A database in memory.
pub struct Database<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// Bytes of a page that hold content.
    usable: usize,
    encoding: Encoding,
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// A value of a row.
enum Value<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

/// Why not all of a database was read.
pub enum Problem {
    Damaged(String),
    Limit(String),
}

/// A table, or an index that holds one (`WITHOUT ROWID`).
struct Table {
    name: String,
    root: usize,
    columns: Vec<String>,
}

const CUT: &str = "a page or record of it is cut short";

impl<'a> Database<'a> {
    /// Reads the header.
    pub fn open(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let header = bytes.get(..100).ok_or(CUT)?;
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page_size.saturating_sub(usize::from(header[20]));
        if !page_size.is_power_of_two() || usable < 480 {
            return Err("its page size is none");
        }
        let encoding = match header[59] {
            2 => Encoding::Utf16Le,
            3 => Encoding::Utf16Be,
            _ => Encoding::Utf8,
        };
        Ok(Self { bytes, page_size, usable, encoding })
    }

    /// Calls `found` with each table's name and rows, one row a line, as JSON; blobs that are no text and the pages that
    /// no table uses are contents of their own, and so are the statements that made tables, views and triggers. `found` says
    /// whether to go on. A table gives as many bytes as there is room, which an option sets. What no row holds goes to `rest`: indexes, which repeat what
    /// tables hold, and what deleted rows left behind.
    pub fn read(
        &self,
        (room, option): (u64, &str),
        rest: &mut Rest,
        mut found: impl FnMut(&str, &[u8]) -> bool,
    ) -> Result<(), Problem> {
        let pages = self.bytes.len().div_ceil(self.page_size);
        let mut seen = vec![false; pages + 1];
        let mut schema = Vec::new();
        let mut indexes = Vec::new();
        let mut statements = String::new();
        let read = self.rows(1, false, &mut seen, rest, &mut |row| {
            if let [Value::Text(kind), Value::Text(name), _, Value::Integer(root), sql @ ..] = row {
                let root = usize::try_from(*root).unwrap_or(0);
                let sql = match sql {
                    [Value::Text(sql), ..] => self.text(sql),
                    _ => String::new(),
                };
                statements.push_str(&sql);
                statements.push('\n');
                match self.text(kind).as_str() {
                    "table" if root > 0 => schema.push(Table { name: self.text(name), root, columns: columns(&sql) }),
                    "index" => indexes.push(root),
                    _ => {}
                }
            }
            true
        });
        let is_whole = self.bytes.len().is_multiple_of(self.page_size);
        let problem = read.err().or((!is_whole).then(|| "it does not consist of whole pages".to_owned()));
        let mut problem = problem.map(Problem::Damaged);
        if statements.len() > 1 && !found("(schema)", statements.as_bytes()) {
            return problem.map_or(Ok(()), Err);
        }
        for table in &schema {
            let mut text = String::new();
            let mut is_cut = false;
            let mut number = 0;
            let mut blobs = Vec::new();
            let read = self.rows(table.root, true, &mut seen, rest, &mut |row| {
                is_cut = text.len() as u64 > room;
                number += 1;
                self.line(row, &table.columns, number, &mut text, &mut blobs);
                !is_cut
            });
            let name = &table.name;
            problem = problem.or(read.err().map(|error| Problem::Damaged(format!("table {name}: {error}"))));
            if is_cut {
                let most = in_words(room);
                let reason = format!("only {most} of the text of table {name} were read ({option})");
                problem = problem.or(Some(Problem::Limit(reason)));
            }
            if !text.is_empty() && !found(&table.name, text.as_bytes()) {
                return problem.map_or(Ok(()), Err);
            }
            for (column, row, blob) in blobs {
                if !found(&format!("{}/{column}-{row}", table.name), &blob) {
                    return problem.map_or(Ok(()), Err);
                }
            }
        }
        for root in indexes {
            problem = problem.or(self.rows(root, false, &mut seen, rest, &mut |_| true).err().map(Problem::Damaged));
        }
        let unused: Vec<u8> = (1..=pages)
            .filter(|page| !seen[*page])
            .flat_map(|page| self.page(page).unwrap_or_default())
            // Text that stands among NUL bytes would be taken for binary content.
            .map(|byte| if *byte == 0 { b'\n' } else { *byte })
            .collect();
        if unused.iter().any(|byte| *byte != b'\n') {
            found("unused pages", &unused);
        }
        problem.map_or(Ok(()), Err)
    }

    fn page(&self, number: usize) -> Option<&'a [u8]> {
        let start = number.checked_sub(1)?.checked_mul(self.page_size)?;
        let page = self.bytes.get(start..)?;
        Some(&page[..page.len().min(self.page_size)])
    }

    /// Calls `found` with the values of each row of the b-tree at `root`, until it says no. What they do not hold goes to
    /// `rest`, and all of it if they are not `handed_on`.
    fn rows(
        &self,
        root: usize,
        handed_on: bool,
        seen: &mut [bool],
        rest: &mut Rest,
        found: &mut dyn FnMut(&[Value<'_>]) -> bool,
    ) -> Result<(), String> {
        let mut open = vec![root];
        while let Some(number) = open.pop() {
            match seen.get_mut(number) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(format!("page {number} is in two places or in none")),
            }
            let page = self.page(number).ok_or(CUT)?;
            // The first page starts with the file's header.
            let start = if number == 1 { 100 } else { 0 };
            let kind = *page.get(start).ok_or(CUT)?;
            let cells = usize::from(be16(page, start + 3).ok_or(CUT)?);
            let (is_inner, is_index) = match kind {
                2 => (true, true),
                5 => (true, false),
                10 => (false, true),
                13 => (false, false),
                _ => return Err(format!("page {number} is no page of a table")),
            };
            let pointers = start + if is_inner { 12 } else { 8 };
            let mut children = Vec::new();
            let mut held = Vec::new();
            for cell in 0..cells {
                let mut at = usize::from(be16(page, pointers + 2 * cell).ok_or(CUT)?);
                if is_inner {
                    children.push(be32(page, at).ok_or(CUT)?);
                    at += 4;
                }
                if is_inner && !is_index {
                    continue;
                }
                let size = varint(page, &mut at).ok_or(CUT)?;
                if !is_index {
                    varint(page, &mut at).ok_or(CUT)?;
                }
                let size = usize::try_from(size).map_err(|_| CUT)?;
                let (payload, local) = self.payload(page, at, size, is_index, seen, rest)?;
                if handed_on {
                    held.push(at..at + local);
                } else {
                    rest.add(&payload);
                }
                if !found(&record(&payload).ok_or(CUT)?) {
                    return Ok(());
                }
            }
            if is_inner {
                children.push(be32(page, start + 8).ok_or(CUT)?);
            }
            for range in between(held, page.len()) {
                rest.add(&page[range]);
            }
            open.extend(children.into_iter().rev());
        }
        Ok(())
    }

    /// The payload of a cell, of which a part may lie in a chain of overflow pages, and how much of it lies in the cell.
    fn payload(
        &self,
        page: &[u8],
        at: usize,
        size: usize,
        is_index: bool,
        seen: &mut [bool],
        rest: &mut Rest,
    ) -> Result<(Vec<u8>, usize), String> {
        if size > self.bytes.len() {
            return Err(CUT.into());
        }
        let most = if is_index { (self.usable - 12) * 64 / 255 - 23 } else { self.usable - 35 };
        let local = if size <= most {
            size
        } else {
            let least = (self.usable - 12) * 32 / 255 - 23;
            let even = least + (size - least) % (self.usable - 4);
            if even <= most { even } else { least }
        };
        let mut payload = page.get(at..at + local).ok_or(CUT)?.to_vec();
        let mut next = if local < size { be32(page, at + local).ok_or(CUT)? } else { 0 };
        while payload.len() < size {
            match seen.get_mut(next) {
                Some(seen) if next > 0 && !*seen => *seen = true,
                _ => return Err(format!("page {next} is in two places or in none")),
            }
            let page = self.page(next).ok_or(CUT)?;
            let part = (size - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(page.get(4..4 + part).ok_or(CUT)?);
            rest.add(&page[4 + part..]);
            next = be32(page, 0).ok_or(CUT)?;
        }
        Ok((payload, local))
    }

    fn text(&self, bytes: &[u8]) -> String {
        let units = |read: fn([u8; 2]) -> u16| -> Vec<u16> {
            bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect()
        };
        match self.encoding {
            Encoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Encoding::Utf16Le => String::from_utf16_lossy(&units(u16::from_le_bytes)),
            Encoding::Utf16Be => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        }
    }

    /// Appends a row as a JSON object on a line of its own, which has this number.
    fn line(
        &self,
        row: &[Value<'_>],
        columns: &[String],
        number: usize,
        text: &mut String,
        blobs: &mut Vec<(String, usize, Vec<u8>)>,
    ) {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut separator = "{";
        for (index, value) in row.iter().enumerate() {
            let column = columns.get(index).cloned().unwrap_or_else(|| format!("column {}", index + 1));
            let value = match value {
                Value::Null => continue,
                Value::Integer(number) => number.to_string(),
                Value::Real(number) => number.to_string(),
                Value::Text(text) => quoted(&self.text(text)),
                Value::Blob(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) if !text.contains('\0') => quoted(text),
                    _ => {
                        blobs.push((column, number, bytes.to_vec()));
                        continue;
                    }
                },
            };
            text.push_str(&format!("{separator}{}: {value}", quoted(&column)));
            separator = ", ";
        }
        text.push_str(if separator == "{" { "{}\n" } else { "}\n" });
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

/// Seven bits a byte, most significant first; the ninth byte has eight.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for index in 0..9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if index == 8 {
            return Some(value << 8 | u64::from(byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    Some(value)
}

/// The values of a record: a header of types, then their bytes.
fn record(payload: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut at = 0;
    let header = usize::try_from(varint(payload, &mut at)?).ok()?;
    let mut body = header;
    let mut values = Vec::new();
    while at < header {
        let kind = varint(payload, &mut at)?;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            kind => usize::try_from((kind - 12) / 2).ok()?,
        };
        let bytes = payload.get(body..body.checked_add(size)?)?;
        body += size;
        let integer = || {
            let sign = bytes.first().is_some_and(|byte| *byte >= 0x80);
            bytes.iter().fold(if sign { -1 } else { 0 }, |value: i64, byte| value << 8 | i64::from(*byte))
        };
        values.push(match kind {
            0 => Value::Null,
            1..=6 => Value::Integer(integer()),
            7 => Value::Real(f64::from_bits(integer() as u64)),
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            kind if kind % 2 == 0 => Value::Blob(bytes),
            _ => Value::Text(bytes),
        });
    }
    Some(values)
}

/// The names of the columns in a `CREATE TABLE` statement.
fn columns(sql: &str) -> Vec<String> {
    let Some((_, list)) = sql.split_once('(') else { return Vec::new() };
    let (mut depth, mut quote, mut definitions) = (0, None, vec![String::new()]);
    for c in list.chars() {
        let last = definitions.len() - 1;
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '[') => quote = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                definitions.push(String::new());
                continue;
            }
            _ => {}
        }
        if depth < 0 {
            break;
        }
        definitions[last].push(c);
    }
    let name = |definition: &str| -> Option<String> {
        let definition = definition.trim_start();
        let close = match definition.chars().next()? {
            '[' => ']',
            quote @ ('"' | '\'' | '`') => quote,
            _ => return definition.split(char::is_whitespace).next().map(str::to_owned),
        };
        definition[1..].split(close).next().map(str::to_owned)
    };
    const CONSTRAINTS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
    let is_column = |name: &String| !CONSTRAINTS.iter().any(|word| word.eq_ignore_ascii_case(name));
    definitions.iter().filter_map(|definition| name(definition)).filter(is_column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_from_the_statement() {
        let sql =
            "CREATE TABLE \"a\" (id INTEGER PRIMARY KEY, \"pass word\" TEXT DEFAULT ('a,b'), [x] , PRIMARY KEY (id))";
        assert_eq!(columns(sql), ["id", "pass word", "x"]);
    }

    #[test]
    fn a_varint_has_at_most_nine_bytes() {
        let mut at = 0;
        assert_eq!(varint(&[0x81, 0x00], &mut at), Some(128));
        assert_eq!(varint(&[0xff; 9], &mut 0), Some(u64::MAX));
        assert_eq!(varint(&[0xff; 8], &mut 0), None);
    }
}
