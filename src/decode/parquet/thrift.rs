//! Thrift's compact protocol ("thrift-compact-protocol.md"), as far as Parquet needs it.

use std::io;

use crate::decode::blocks::{take, take_byte, wrong};

/// Types, by their numbers.
pub const TRUE: u8 = 1;
pub const FALSE: u8 = 2;
pub const I32: u8 = 5;
pub const I64: u8 = 6;
pub const BINARY: u8 = 8;
pub const LIST: u8 = 9;
pub const STRUCT: u8 = 12;

/// Structures inside of one another.
const DEEPEST: usize = 32;

/// Reads from the front of bytes.
pub struct Thrift<'a> {
    pub bytes: &'a [u8],
}

impl<'a> Thrift<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The number and the type of a structure's next field; `last` is the number of the one before. None at its end.
    pub fn field(&mut self, last: &mut i64) -> io::Result<Option<(i64, u8)>> {
        let head = take_byte(&mut self.bytes)?;
        if head == 0 {
            return Ok(None);
        }
        *last = if head >> 4 == 0 { self.number()? } else { last.saturating_add(i64::from(head >> 4)) };
        Ok(Some((*last, head & 15)))
    }

    /// How many elements of this type a list has. Each takes a byte at least.
    pub fn list(&mut self, kind: u8) -> io::Result<usize> {
        match self.any_list()? {
            (0, _) => Ok(0),
            (size, found) if found == kind => Ok(size),
            _ => Err(wrong("a list holds something else")),
        }
    }

    fn any_list(&mut self) -> io::Result<(usize, u8)> {
        let head = take_byte(&mut self.bytes)?;
        let size = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        Ok((usize::try_from(size).unwrap_or(usize::MAX), head & 15))
    }

    /// A whole number with its sign in the lowest bit.
    pub fn number(&mut self) -> io::Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Seven bits a byte, the lowest first.
    pub fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = take_byte(&mut self.bytes)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(wrong("a number is too long"))
    }

    pub fn binary(&mut self) -> io::Result<&'a [u8]> {
        let length = self.varint()?;
        take(&mut self.bytes, usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Goes past a field of this type.
    pub fn skip(&mut self, kind: u8) -> io::Result<()> {
        self.skip_value(kind, false, DEEPEST)
    }

    fn skip_value(&mut self, kind: u8, is_element: bool, depth: usize) -> io::Result<()> {
        let Some(deeper) = depth.checked_sub(1) else { return Err(wrong("it is nested too deeply")) };
        match kind {
            // A field's type says which one it is.
            TRUE | FALSE => take(&mut self.bytes, usize::from(is_element)).map(|_| ()),
            3 => take(&mut self.bytes, 1).map(|_| ()),
            4..=6 => self.varint().map(|_| ()),
            7 => take(&mut self.bytes, 8).map(|_| ()),
            BINARY => self.binary().map(|_| ()),
            LIST | 10 => {
                let (size, kind) = self.any_list()?;
                (0..size).try_for_each(|_| self.skip_value(kind, true, deeper))
            }
            11 => {
                let size = self.varint()?;
                let kinds = if size == 0 { 0 } else { take_byte(&mut self.bytes)? };
                (0..size).try_for_each(|_| {
                    self.skip_value(kinds >> 4, true, deeper)?;
                    self.skip_value(kinds & 15, true, deeper)
                })
            }
            STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip_value(kind, false, deeper)?;
                }
                Ok(())
            }
            13 => take(&mut self.bytes, 16).map(|_| ()),
            _ => Err(wrong("a field has a type that is not known")),
        }
    }
}
