//! What decodes the streams of PDF (ISO 32000-1, 7.4).

use std::io::{self, BufRead, BufReader, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::lexer::{Dictionary, Lexer, Token, plain_name};

/// How a stream is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// zlib.
    Flate,
    /// As in TIFF and GIF.
    Lzw,
    /// Bytes that are repeated.
    RunLength,
    /// Hexadecimal digits.
    Hex,
    /// Base 85.
    Ascii85,
    /// A picture, which is one of a file of its own.
    Image,
    /// It may be encrypted: its parameters tell.
    Crypt,
    /// None of these, by its name.
    Unknown(String),
}

/// A filter and how it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    /// The filter.
    pub filter: Filter,
    /// The dictionary that says how.
    pub parameters: Option<&'a [u8]>,
}

impl Filter {
    fn named(name: &[u8]) -> Self {
        match name {
            b"FlateDecode" | b"Fl" => Self::Flate,
            b"LZWDecode" | b"LZW" => Self::Lzw,
            b"RunLengthDecode" | b"RL" => Self::RunLength,
            b"ASCIIHexDecode" | b"AHx" => Self::Hex,
            b"ASCII85Decode" | b"A85" => Self::Ascii85,
            b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => Self::Image,
            b"Crypt" => Self::Crypt,
            _ => Self::Unknown(format!("`{}`", String::from_utf8_lossy(&name[..name.len().min(32)]))),
        }
    }
}

/// The filters that values name, the outermost first.
pub fn all(values: &[&[u8]]) -> Vec<Filter> {
    const MOST: usize = 8;
    let names = values.iter().filter_map(|value| match Lexer::new(value, 0).next() {
        Some(Token::Name(name)) => Some(Filter::named(&plain_name(name))),
        Some(Token::Word(b"null")) | None => None,
        // One that stands elsewhere, or none.
        _ => Some(Filter::Unknown("no name".to_owned())),
    });
    let mut filters: Vec<Filter> = names.take(MOST + 1).collect();
    if filters.len() > MOST {
        filters.push(Filter::Unknown(format!("more than {MOST}")));
    }
    filters
}

/// Decodes `data`. No more is made of it than is read.
pub fn decode<'a>(data: &'a [u8], steps: &[Step<'_>]) -> io::Result<Box<dyn Read + 'a>> {
    let mut reader: Box<dyn Read + 'a> = Box::new(data);
    for step in steps {
        let parameters = step.parameters.map(Dictionary);
        reader = match &step.filter {
            // The checksum at the end is left out: writers forget it, and readers do not look at it.
            Filter::Flate => {
                let mut packed = BufReader::new(reader);
                let has_head = matches!(packed.fill_buf()?, [first, second, ..]
                    if first & 15 == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31));
                packed.consume(if has_head { 2 } else { 0 });
                Box::new(Inflate { input: packed, state: Decompress::new(false), is_over: false })
            }
            Filter::Lzw => Box::new(Lzw::new(reader, parameters.and_then(|it| it.number("EarlyChange")) != Some(0))),
            Filter::RunLength => {
                Box::new(RunLength { input: BufReader::new(reader), left: 0, repeated: None, is_over: false })
            }
            Filter::Hex => Box::new(Digits::new(reader, Hex::default())),
            Filter::Ascii85 => Box::new(Digits::new(reader, Base85::default())),
            Filter::Crypt => reader,
            // What is a picture is handed on as it is.
            Filter::Image | Filter::Unknown(_) => break,
        };
        if let (Filter::Flate | Filter::Lzw, Some(predictor)) = (&step.filter, Predictor::of(parameters)) {
            reader = Box::new(Predicted::new(reader, predictor)?);
        }
    }
    Ok(reader)
}

/// Bytes that decoding takes beside a few buffers.
pub fn memory(steps: &[Step<'_>]) -> u64 {
    let rows = steps.iter().filter_map(|step| Predictor::of(step.parameters.map(Dictionary)));
    rows.map(|it| 2 * it.row as u64).sum()
}

/// How bytes are predicted.
#[derive(Debug, Clone, Copy)]
struct Predictor {
    kind: usize,
    /// Bytes of a row.
    row: usize,
    /// Bytes of a pixel.
    pixel: usize,
}

impl Predictor {
    fn of(parameters: Option<Dictionary<'_>>) -> Option<Self> {
        let parameters = parameters?;
        let kind = parameters.number("Predictor").filter(|it| *it > 1)?;
        let get = |key: &str, default| parameters.number(key).unwrap_or(default).clamp(1, 1 << 20);
        let bits = get("Colors", 1).min(32) * get("BitsPerComponent", 8).min(16);
        Some(Self { kind, row: (bits * get("Columns", 1)).div_ceil(8), pixel: bits.div_ceil(8) })
    }
}

/// Makes bytes of digits.
trait Alphabet {
    /// Takes a byte; `None` at the end.
    fn take(&mut self, byte: u8, into: &mut Vec<u8>) -> Option<()>;
    /// What is left at the end.
    fn finish(&mut self, into: &mut Vec<u8>);
}

/// Undoes an alphabet.
struct Digits<R, A> {
    input: BufReader<R>,
    alphabet: A,
    ready: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl<R: Read, A: Alphabet> Digits<R, A> {
    fn new(input: R, alphabet: A) -> Self {
        Self { input: BufReader::new(input), alphabet, ready: Vec::new(), given: 0, is_over: false }
    }
}

impl<R: Read, A: Alphabet> Read for Digits<R, A> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.is_over {
            self.ready.clear();
            self.given = 0;
            let digits = self.input.fill_buf()?;
            self.is_over = digits.is_empty();
            let length = digits.len();
            for digit in digits {
                if self.alphabet.take(*digit, &mut self.ready).is_none() {
                    self.is_over = true;
                    break;
                }
            }
            self.input.consume(length);
            if self.is_over {
                self.alphabet.finish(&mut self.ready);
            }
        }
        let count = room.len().min(self.ready.len() - self.given);
        room[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

/// Hexadecimal digits up to `>`; an odd one has a zero behind it.
#[derive(Default)]
struct Hex {
    high: Option<u8>,
}

impl Alphabet for Hex {
    fn take(&mut self, byte: u8, into: &mut Vec<u8>) -> Option<()> {
        if byte == b'>' {
            return None;
        }
        if let Some(value) = char::from(byte).to_digit(16) {
            match self.high.take() {
                Some(high) => into.push(high << 4 | value as u8),
                None => self.high = Some(value as u8),
            }
        }
        Some(())
    }

    fn finish(&mut self, into: &mut Vec<u8>) {
        into.extend(self.high.take().map(|high| high << 4));
    }
}

/// Digits of base 85, between `<~`, which may be left out, and `~>`.
#[derive(Default)]
struct Base85 {
    group: Vec<u8>,
    /// Whether a digit came, or the head that is none.
    is_begun: bool,
}

impl Base85 {
    fn value(&self) -> u32 {
        self.group.iter().fold(0, |all, digit| all.wrapping_mul(85).wrapping_add(u32::from(*digit)))
    }
}

impl Alphabet for Base85 {
    fn take(&mut self, byte: u8, into: &mut Vec<u8>) -> Option<()> {
        match byte {
            _ if byte.is_ascii_whitespace() || byte == 0 => return Some(()),
            // The `<` before it was taken for a digit.
            b'~' if !self.is_begun && self.group == [b'<' - b'!'] => {
                self.group.clear();
                self.is_begun = true;
            }
            b'z' if self.group.is_empty() => into.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => self.group.push(byte - b'!'),
            _ => return None,
        }
        self.is_begun |= self.group.len() > 1 || byte == b'z';
        if self.group.len() == 5 {
            into.extend_from_slice(&self.value().to_be_bytes());
            self.group.clear();
        }
        Some(())
    }

    fn finish(&mut self, into: &mut Vec<u8>) {
        if self.group.len() > 1 {
            let count = self.group.len() - 1;
            self.group.resize(5, 84);
            into.extend_from_slice(&self.value().to_be_bytes()[..count]);
        }
        self.group.clear();
    }
}

/// Undoes deflate, and says where its end is missing.
struct Inflate<R> {
    input: BufReader<R>,
    state: Decompress,
    is_over: bool,
}

impl<R: Read> Read for Inflate<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while !self.is_over && !room.is_empty() {
            let packed = self.input.fill_buf()?;
            let is_end = packed.is_empty();
            if is_end && self.state.total_in() == 0 {
                break;
            }
            let (taken, given) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(packed, room, FlushDecompress::None).map_err(io::Error::other)?;
            let (taken, given) = (self.state.total_in() - taken, self.state.total_out() - given);
            self.input.consume(taken as usize);
            self.is_over = status == Status::StreamEnd;
            if given > 0 {
                return Ok(given as usize);
            }
            if is_end && !self.is_over {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

/// Undoes LZW with codes of 9 to 12 bits, the highest bit first.
struct Lzw<R> {
    input: BufReader<R>,
    bits: u32,
    count: u32,
    width: u32,
    late: u32,
    /// Of each code the one it goes on from, its last byte and its length.
    table: Vec<(u16, u8, u16)>,
    last: Option<u16>,
    ready: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl<R: Read> Lzw<R> {
    const CLEAR: u16 = 256;
    const END: u16 = 257;

    fn new(input: R, early: bool) -> Self {
        let table = (0..258).map(|code: u16| (code, code as u8, 1)).collect();
        Self {
            input: BufReader::new(input),
            bits: 0,
            count: 0,
            width: 9,
            late: u32::from(!early),
            table,
            last: None,
            ready: Vec::new(),
            given: 0,
            is_over: false,
        }
    }

    fn code(&mut self) -> io::Result<Option<u16>> {
        while self.count < self.width {
            let mut byte = [0];
            if self.input.read(&mut byte)? == 0 {
                return Ok(None);
            }
            self.bits = self.bits << 8 | u32::from(byte[0]);
            self.count += 8;
        }
        self.count -= self.width;
        let code = self.bits >> self.count & ((1 << self.width) - 1);
        Ok(Some(code as u16))
    }

    /// Decodes what the next code stands for.
    fn next(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        let code = match self.code()? {
            None | Some(Self::END) => {
                self.is_over = true;
                return Ok(());
            }
            Some(Self::CLEAR) => {
                self.table.truncate(258);
                self.width = 9;
                self.last = None;
                return Ok(());
            }
            Some(code) => code,
        };
        let known = usize::from(code) < self.table.len();
        let Some(first) = (if known { Some(code) } else { self.last }) else {
            return Err(io::Error::other("it names a code that is not known yet"));
        };
        let mut at = first;
        loop {
            let (before, byte, length) = self.table[usize::from(at)];
            self.ready.push(byte);
            if length == 1 {
                break;
            }
            at = before;
        }
        self.ready.reverse();
        if !known {
            self.ready.push(self.ready[0]);
        }
        if let Some(last) = self.last
            && self.table.len() < 4096
        {
            let length = self.table[usize::from(last)].2.saturating_add(1);
            self.table.push((last, self.ready[0], length));
        }
        let size = self.table.len() as u32 + 1 - self.late;
        self.width = if size >= 2048 {
            12
        } else if size >= 1024 {
            11
        } else if size >= 512 {
            10
        } else {
            9
        };
        self.last = Some(code.min(self.table.len() as u16 - 1));
        Ok(())
    }
}

impl<R: Read> Read for Lzw<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            if self.is_over {
                return Ok(0);
            }
            self.next()?;
        }
        let count = room.len().min(self.ready.len() - self.given);
        room[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

struct RunLength<R> {
    input: BufReader<R>,
    /// Bytes that are still to be given, which one if it is repeated.
    left: usize,
    repeated: Option<u8>,
    is_over: bool,
}

impl<R: Read> Read for RunLength<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut byte = [0];
        if self.left == 0 && !self.is_over {
            let count = self.input.read(&mut byte)?;
            self.is_over = count == 0 || byte[0] == 128;
            if !self.is_over && byte[0] < 128 {
                (self.left, self.repeated) = (usize::from(byte[0]) + 1, None);
            } else if !self.is_over {
                self.left = 257 - usize::from(byte[0]);
                self.is_over = self.input.read(&mut byte)? == 0;
                self.repeated = Some(byte[0]);
            }
        }
        if self.is_over {
            return Ok(0);
        }
        let most = self.left.min(room.len());
        let count = match self.repeated {
            Some(byte) => {
                room[..most].fill(byte);
                most
            }
            None => self.input.read(&mut room[..most])?,
        };
        self.is_over = count == 0;
        self.left -= count;
        Ok(count)
    }
}

/// Undoes what predicts a row of bytes by the one above it.
struct Predicted<R> {
    input: BufReader<R>,
    predictor: usize,
    pixel: usize,
    row: Vec<u8>,
    above: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl<R: Read> Predicted<R> {
    fn new(input: R, predictor: Predictor) -> io::Result<Self> {
        let row = || {
            let mut row = Vec::new();
            row.try_reserve_exact(predictor.row)?;
            row.resize(predictor.row, 0);
            Ok::<_, io::Error>(row)
        };
        Ok(Self {
            input: BufReader::new(input),
            predictor: predictor.kind,
            pixel: predictor.pixel,
            given: predictor.row,
            above: row()?,
            row: row()?,
            is_over: false,
        })
    }

    fn next(&mut self) -> io::Result<()> {
        let mut kind = [2];
        // TIFF's predictor is the one of PNG that takes what stands before.
        let is_png = self.predictor >= 10;
        if is_png && self.input.read(&mut kind)? == 0 {
            self.is_over = true;
            return Ok(());
        }
        let kind = if is_png { kind[0] } else { 1 };
        std::mem::swap(&mut self.row, &mut self.above);
        let mut filled = 0;
        while filled < self.row.len() {
            match self.input.read(&mut self.row[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        self.is_over = filled < self.row.len();
        self.row[filled..].fill(0);
        for at in 0..filled {
            let left = at.checked_sub(self.pixel).map_or(0, |at| self.row[at]);
            let corner = at.checked_sub(self.pixel).map_or(0, |at| self.above[at]);
            let above = self.above[at];
            let predicted = match kind {
                1 => left,
                2 => above,
                3 => ((u16::from(left) + u16::from(above)) / 2) as u8,
                4 => paeth(left, above, corner),
                _ => 0,
            };
            self.row[at] = self.row[at].wrapping_add(predicted);
        }
        self.given = 0;
        if self.is_over {
            self.row.truncate(filled);
        }
        Ok(())
    }
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i32::from(left), i32::from(above), i32::from(corner));
    let by = |it: i32| (a + b - c - it).abs();
    if by(a) <= by(b) && by(a) <= by(c) {
        left
    } else if by(b) <= by(c) {
        above
    } else {
        corner
    }
}

impl<R: Read> Read for Predicted<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.row.len() {
            if self.is_over {
                return Ok(0);
            }
            self.next()?;
        }
        let count = room.len().min(self.row.len() - self.given);
        room[..count].copy_from_slice(&self.row[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(data: &[u8], filters: &[&[u8]], parameters: Option<&[u8]>) -> String {
        let steps: Vec<_> = all(filters).into_iter().map(|filter| Step { filter, parameters }).collect();
        let mut text = Vec::new();
        decode(data, &steps).unwrap().read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn filters_are_undone() {
        assert_eq!(decoded(b"68 656C6c6F>zz", &[b"/ASCIIHexDecode"], None), "hello");
        assert_eq!(decoded(b"68 656C6c6F7", &[b"/ASCIIHexDecode"], None), "hellop");
        for digits in [&b"BOu!r\nDZ~>"[..], b"<~BOu!rDZ~>", b"BOu!rDZ", b"\n<~ BOu!rDZ~>zz"] {
            assert_eq!(decoded(digits, &[b"/ASCII85Decode"], None), "hello");
        }
        assert_eq!(decoded(b"\x01he\xffl\x00o\x80", &[b"/RunLengthDecode"], None), "hello");
        assert_eq!(decoded(b"\x0f016865FF6C006F80\x80", &[b"/RL", b"/AHx", b"/RL"], None), "hello");
        // The example of the standard: 45 45 45 45 45 65 45 45 45 66.
        let lzw = b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01";
        assert_eq!(decoded(lzw, &[b"/LZWDecode"], None), "-----A---B");
        let stored = b"\x78\x01\x01\x06\0\xf9\xff\x02he\x02\x04\0";
        assert_eq!(decoded(stored, &[b"/Fl"], Some(b"<</Predictor 12/Columns 2>>")), "hele");
    }
}
