//! Apache Parquet ("parquet.thrift", "Encodings.md"): the values of each column, as lines.
//!
//! The footer tells where the chunks of columns are; a chunk is pages, mostly compressed. Values of texts are read by their
//! lengths, since without them one would run into the next. Pages that hold places in a dictionary hold no text.

mod pages;
mod thrift;

use std::io;

use super::blocks::{Blockwise, wrong};
use super::container::{Unpacker, damaged};
use crate::gap::GapCode;
use pages::{Codec, Pages, Type};
use thrift::{BINARY, I32, I64, LIST, STRUCT, Thrift};

const MAGIC: &[u8; 4] = b"PAR1";

/// Columns of the schema, and chunks of them, that a footer may name: far more than anybody writes.
const MOST: usize = 1 << 20;

/// Whether a file is one by its start and its end. What starts with a page needs no end to be told by.
pub(super) fn is_one(head: &[u8], tail: &[u8]) -> bool {
    const PAGE: u8 = 0x15;
    head.starts_with(MAGIC) && (head.get(4) == Some(&PAGE) || tail.len() > 8 && tail.ends_with(MAGIC))
}

pub(super) fn unpack(walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
    let columns = match columns(bytes) {
        Ok(columns) => columns,
        Err(error) => return walk.gap(path, GapCode::Damaged, damaged(&error)),
    };
    let is_one_group = columns.iter().all(|column| column.group == 0);
    for column in columns {
        let group = if is_one_group { String::new() } else { format!("{}/", column.group) };
        let inner = format!("{path}!/{group}{}", column.name);
        if !walk.may_go_on(path) {
            return;
        }
        column.unpack(walk, bytes, &inner, depth);
    }
}

/// A chunk of a column.
#[derive(Default)]
struct Column {
    group: usize,
    name: String,
    kind: Type,
    codec: i64,
    start: i64,
    dictionary: Option<i64>,
    length: i64,
    is_encrypted: bool,
    is_elsewhere: bool,
}

impl Column {
    fn unpack(&self, walk: &mut Unpacker<'_>, bytes: &[u8], path: &str, depth: usize) {
        if self.is_encrypted {
            return walk.gap(path, GapCode::Encrypted, "it is encrypted: export it as text and scan that".to_owned());
        }
        // Another file's is read there.
        if self.is_elsewhere {
            return;
        }
        let codec = match Codec::of(self.codec) {
            Ok(codec) => codec,
            Err(name) => {
                let reason =
                    format!("it is compressed by {name}, which is not opened; export it as text and scan that");
                return walk.gap(path, GapCode::UnsupportedFormat, reason);
            }
        };
        let start = self.dictionary.filter(|at| *at > 0).map_or(self.start, |at| at.min(self.start));
        let place = usize::try_from(start).ok().zip(usize::try_from(self.length).ok());
        let chunk = place.and_then(|(start, length)| bytes.get(start..start.checked_add(length)?));
        let Some(chunk) = chunk else {
            return walk.gap(path, GapCode::Damaged, damaged(&"a column is outside of the file"));
        };
        let (most, _) = walk.room();
        let pages = Pages::new(chunk, codec, self.kind, most as usize);
        // A page is unpacked as a whole, and then its values.
        let needed = 2 * pages.largest() as u64;
        if let Err((code, reason)) = walk.may_hold(needed) {
            return walk.gap(path, code, reason);
        }
        walk.holding(needed, |walk| walk.read_entry(Blockwise::new(pages), path, depth));
    }
}

/// What the footer says.
fn columns(bytes: &[u8]) -> io::Result<Vec<Column>> {
    let no_footer = || wrong("it has no footer");
    let end = bytes.len().checked_sub(8).filter(|end| bytes[end + 4..] == *MAGIC).ok_or_else(no_footer)?;
    let length = u32::from_le_bytes([bytes[end], bytes[end + 1], bytes[end + 2], bytes[end + 3]]) as usize;
    let start = end.checked_sub(length).ok_or_else(no_footer)?;
    let mut footer = Thrift::new(&bytes[start..end]);
    let (mut types, mut columns, mut last) = (Vec::new(), Vec::new(), 0);
    while let Some((id, kind)) = footer.field(&mut last)? {
        match (id, kind) {
            (2, LIST) => {
                for _ in 0..footer.list(STRUCT)? {
                    types.extend(leaf(&mut footer)?);
                    bounded(types.len())?;
                }
            }
            (4, LIST) => {
                for group in 0..footer.list(STRUCT)? {
                    row_group(&mut footer, group, &types, &mut columns)?;
                }
            }
            _ => footer.skip(kind)?,
        }
    }
    Ok(columns)
}

fn bounded(count: usize) -> io::Result<()> {
    if count > MOST { Err(wrong("it has too many columns")) } else { Ok(()) }
}

/// The type of a part of the schema, if it is a column.
fn leaf(footer: &mut Thrift<'_>) -> io::Result<Option<Type>> {
    let (mut kind, mut length, mut children, mut last) = (-1, 0, 0, 0);
    while let Some((id, form)) = footer.field(&mut last)? {
        match (id, form) {
            (1, I32) => kind = footer.number()?,
            (2, I32) => length = footer.number()?,
            (5, I32) => children = footer.number()?,
            _ => footer.skip(form)?,
        }
    }
    Ok((children == 0).then(|| Type::of(kind, length)))
}

fn row_group(footer: &mut Thrift<'_>, group: usize, types: &[Type], columns: &mut Vec<Column>) -> io::Result<()> {
    let mut last = 0;
    while let Some((id, kind)) = footer.field(&mut last)? {
        match (id, kind) {
            (1, LIST) => {
                for index in 0..footer.list(STRUCT)? {
                    let kind = types.get(index).copied().unwrap_or_default();
                    columns.push(column(footer, Column { group, kind, ..Column::default() })?);
                    bounded(columns.len())?;
                }
            }
            _ => footer.skip(kind)?,
        }
    }
    Ok(())
}

fn column(footer: &mut Thrift<'_>, mut column: Column) -> io::Result<Column> {
    let mut last = 0;
    while let Some((id, kind)) = footer.field(&mut last)? {
        match (id, kind) {
            (1, BINARY) => column.is_elsewhere = !footer.binary()?.is_empty(),
            (3, STRUCT) => described(footer, &mut column)?,
            (8, STRUCT) => {
                column.is_encrypted = true;
                footer.skip(kind)?;
            }
            _ => footer.skip(kind)?,
        }
    }
    Ok(column)
}

fn described(footer: &mut Thrift<'_>, column: &mut Column) -> io::Result<()> {
    let mut last = 0;
    while let Some((id, kind)) = footer.field(&mut last)? {
        match (id, kind) {
            (3, LIST) => {
                let mut names = Vec::new();
                for _ in 0..footer.list(BINARY)? {
                    names.push(super::shown(footer.binary()?));
                }
                column.name = names.join(".");
            }
            (4, I32) => column.codec = footer.number()?,
            (7, I64) => column.length = footer.number()?,
            (9, I64) => column.start = footer.number()?,
            (11, I64) => column.dictionary = Some(footer.number()?),
            _ => footer.skip(kind)?,
        }
    }
    Ok(())
}
