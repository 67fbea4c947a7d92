//! Tokens of PDF (ISO 32000-1, 7.2 and 7.3) and the values of dictionaries, without making anything of them in memory.

use std::borrow::Cow;

/// A token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token<'a> {
    /// A name, without its slash.
    Name(&'a [u8]),
    /// A number.
    Number(f64),
    /// What stands between parentheses, with its escapes.
    Text(&'a [u8]),
    /// What stands between angle brackets.
    Hex(&'a [u8]),
    /// The start of an array or a dictionary.
    Open(Nest),
    /// Its end.
    Close(Nest),
    /// An operator or a keyword.
    Word(&'a [u8]),
}

/// What can be nested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nest {
    /// `[…]`
    Array,
    /// `<<…>>`
    Dictionary,
}

/// Bytes that the parts of a reference may take: more would be looked at behind each number.
const FARTHEST: usize = 256;

/// Reads tokens one after the other.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    bytes: &'a [u8],
    /// Where the next token starts, or blanks before it.
    pub at: usize,
}

/// Whether a byte separates tokens.
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_blank(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

impl<'a> Lexer<'a> {
    /// Starts at `at`.
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek(0) {
            if byte == b'%' {
                let rest = &self.bytes[self.at..];
                self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn run(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let length = rest.iter().take_while(|byte| is_regular(**byte)).count();
        self.at += length;
        &rest[..length]
    }

    fn text(&mut self) -> &'a [u8] {
        let start = self.at + 1;
        let (mut at, mut depth) = (start, 1);
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'\\' => at += 1,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            at += 1;
        }
        let end = at.min(self.bytes.len());
        self.at = end + 1;
        &self.bytes[start..end]
    }

    /// Passes over the value that starts here, and gives back its bytes. A reference is one value.
    pub fn value(&mut self) -> Option<&'a [u8]> {
        self.skip_blanks();
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.next()? {
                Token::Open(_) => depth += 1,
                Token::Close(_) => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let mut end = self.at;
        let mut ahead = Lexer::new(&self.bytes[..end.saturating_add(FARTHEST).min(self.bytes.len())], end);
        if self.bytes[start].is_ascii_digit()
            && matches!(ahead.next(), Some(Token::Number(_)))
            && ahead.next() == Some(Token::Word(b"R"))
        {
            end = ahead.at;
        }
        self.at = end;
        self.bytes.get(start..end.min(self.bytes.len()))
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let byte = self.peek(0)?;
        let pair = |next| self.peek(1) == Some(next);
        let (token, length) = match byte {
            b'(' => return Some(Token::Text(self.text())),
            b'<' if pair(b'<') => (Token::Open(Nest::Dictionary), 2),
            b'>' if pair(b'>') => (Token::Close(Nest::Dictionary), 2),
            b'[' => (Token::Open(Nest::Array), 1),
            b']' => (Token::Close(Nest::Array), 1),
            b'<' => {
                let rest = &self.bytes[self.at + 1..];
                let length = memchr::memchr(b'>', rest).unwrap_or(rest.len());
                (Token::Hex(&rest[..length]), length + 2)
            }
            b'/' => {
                self.at += 1;
                return Some(Token::Name(self.run()));
            }
            b')' | b'>' | b'{' | b'}' => (Token::Word(&self.bytes[self.at..self.at + 1]), 1),
            _ => {
                let run = self.run();
                let number =
                    std::str::from_utf8(run).ok().filter(|_| matches!(run[0], b'0'..=b'9' | b'+' | b'-' | b'.'));
                return Some(number.and_then(|it| it.parse().ok()).map_or(Token::Word(run), Token::Number));
            }
        };
        self.at += length;
        Some(token)
    }
}

/// A dictionary, as it is written, with its brackets.
#[derive(Debug, Clone, Copy)]
pub struct Dictionary<'a>(pub &'a [u8]);

impl<'a> Dictionary<'a> {
    /// Its keys and values.
    pub fn pairs(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut lexer = Lexer::new(self.0, 2);
        std::iter::from_fn(move || {
            loop {
                match lexer.next()? {
                    Token::Name(key) => return Some((key, lexer.value()?)),
                    Token::Close(Nest::Dictionary) => return None,
                    _ => {}
                }
            }
        })
    }

    /// The value of a key.
    pub fn get(self, key: &str) -> Option<&'a [u8]> {
        self.all(key).next()
    }

    /// The values of a key: readers differ in which of several they take.
    pub fn all(self, key: &str) -> impl Iterator<Item = &'a [u8]> {
        self.pairs().filter(move |(name, _)| *plain_name(name) == *key.as_bytes()).map(|(_, value)| value)
    }

    /// Whether a value of a key is this name.
    pub fn is(self, key: &str, name: &[u8]) -> bool {
        self.all(key).any(|value| is_name(value, name))
    }

    /// The value of a key, if it is a whole number.
    pub fn number(self, key: &str) -> Option<usize> {
        match Lexer::new(self.get(key)?, 0).next()? {
            Token::Number(number) if (0.0..1e15).contains(&number) => Some(number as usize),
            _ => None,
        }
    }
}

/// The first values of an array, or what is none itself.
pub fn elements(value: &[u8]) -> Vec<&[u8]> {
    const MOST: usize = 10;
    if !value.starts_with(b"[") {
        return vec![value];
    }
    let mut lexer = Lexer::new(value, 1);
    std::iter::from_fn(|| lexer.value()).take(MOST).collect()
}

/// Whether a value is this name.
pub fn is_name(value: &[u8], name: &[u8]) -> bool {
    matches!(Lexer::new(value, 0).next(), Some(Token::Name(written)) if *plain_name(written) == *name)
}

/// A name, with the bytes for which it has `#` and two digits.
pub fn plain_name(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'#') {
        return Cow::Borrowed(name);
    }
    let mut plain = Vec::with_capacity(name.len());
    let mut at = 0;
    while let Some(&byte) = name.get(at) {
        let digits = name.get(at + 1..at + 3).filter(|it| byte == b'#' && it.iter().all(u8::is_ascii_hexdigit));
        match digits {
            Some(digits) => plain.extend(from_hex(digits)),
            None => plain.push(byte),
        }
        at += if digits.is_some() { 3 } else { 1 };
    }
    Cow::Owned(plain)
}

/// The object that a value refers to.
pub fn reference(value: &[u8]) -> Option<u32> {
    let mut lexer = Lexer::new(value, 0);
    match (lexer.next()?, lexer.next()?, lexer.next()?) {
        (Token::Number(object), Token::Number(_), Token::Word(b"R")) => Some(object as u32),
        _ => None,
    }
}

/// The bytes that a text with escapes stands for.
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            plain.push(byte);
            continue;
        }
        let Some(&escaped) = text.get(at) else { break };
        at += 1;
        match escaped {
            b'n' => plain.push(b'\n'),
            b'r' => plain.push(b'\r'),
            b't' => plain.push(b'\t'),
            b'b' => plain.push(8),
            b'f' => plain.push(12),
            b'\r' => at += usize::from(text.get(at) == Some(&b'\n')),
            b'\n' => {}
            b'0'..=b'7' => {
                let digits = text[at - 1..].iter().take(3).take_while(|it| matches!(it, b'0'..=b'7'));
                let (value, count) =
                    digits.fold((0_u32, 0), |(value, count), it| (value * 8 + u32::from(it - b'0'), count + 1));
                at += count - 1;
                plain.push(value as u8);
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The bytes that hexadecimal digits stand for; an odd one has a zero behind it.
pub fn from_hex(digits: &[u8]) -> Vec<u8> {
    let mut values = digits.iter().filter_map(|digit| (*digit as char).to_digit(16)).map(|value| value as u8);
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    while let Some(high) = values.next() {
        bytes.push(high << 4 | values.next().unwrap_or(0));
    }
    bytes
}
