//! The text that a page shows (ISO 32000-1, 9.4), and what characters the codes of its fonts are (9.10.3).

use std::collections::HashMap;

use super::lexer::{Lexer, Nest, Token, from_hex, plain_name, unescape};

/// Characters that one code may stand for: a ligature has three.
const MOST_CHARACTERS: usize = 4;
/// Codes that one font may have.
const MOST_CODES: usize = 70_000;
/// How often codes may be named in all: tables name some twice.
const MOST_NAMED: usize = 2 * MOST_CODES;
/// Digits of a code or of its characters that are looked at.
const MOST_DIGITS: usize = 16;
/// A gap between letters, in thousandths of their size, that is a blank.
const BLANK: f64 = -180.0;

/// Which characters the codes of a font are.
#[derive(Debug, Default)]
pub struct Characters {
    /// Bytes of a code.
    width: usize,
    of: HashMap<u32, String>,
    /// How many codes were named, some more than once.
    named: usize,
}

impl Characters {
    /// Reads a CMap as `ToUnicode` names it.
    pub fn read(cmap: &[u8]) -> Self {
        let mut read = Self::default();
        let mut lexer = Lexer::new(cmap, 0);
        while let Some(token) = lexer.next() {
            match token {
                Token::Word(b"beginbfchar") => {
                    while let (Some(Token::Hex(code)), Some(Token::Hex(text))) = (lexer.next(), lexer.next()) {
                        read.add(code, 0, utf16(text));
                    }
                }
                Token::Word(b"beginbfrange") => read.ranges(&mut lexer),
                _ => {}
            }
        }
        read
    }

    fn ranges(&mut self, lexer: &mut Lexer<'_>) {
        while let (Some(Token::Hex(first)), Some(Token::Hex(last))) = (lexer.next(), lexer.next()) {
            let count = number(last).saturating_sub(number(first)).min(MOST_CODES as u32);
            match lexer.next() {
                Some(Token::Hex(text)) => {
                    let mut units = utf16(text);
                    for offset in 0..=count {
                        if self.is_cut() {
                            return;
                        }
                        self.add(first, offset, units.clone());
                        if let Some(last) = units.last_mut() {
                            *last = last.wrapping_add(1);
                        }
                    }
                }
                Some(Token::Open(Nest::Array)) => {
                    let mut offset = 0;
                    while let Some(Token::Hex(text)) = lexer.next() {
                        self.add(first, offset, utf16(text));
                        offset += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn add(&mut self, code: &[u8], offset: u32, units: Vec<u16>) {
        self.named += 1;
        if !self.is_cut() {
            self.width = short(code).len().clamp(1, 4);
            let text = char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER));
            self.of.insert(number(code).wrapping_add(offset), text.take(MOST_CHARACTERS).collect());
        }
    }

    /// Whether it names more codes than are kept.
    pub fn is_cut(&self) -> bool {
        self.named > MOST_NAMED
    }

    /// Whether it tells nothing.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    fn decode(&self, codes: &[u8], into: &mut String) {
        for code in codes.chunks(self.width.max(1)) {
            let code = code.iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
            match self.of.get(&code) {
                Some(text) => into.push_str(text),
                None => into.push(char::REPLACEMENT_CHARACTER),
            }
        }
    }
}

fn short(digits: &[u8]) -> Vec<u8> {
    // Blanks between digits are rare, and count.
    from_hex(&digits[..digits.len().min(4 * MOST_DIGITS)])
}

fn number(digits: &[u8]) -> u32 {
    short(digits).iter().fold(0, |all, byte| all << 8 | u32::from(*byte))
}

fn utf16(digits: &[u8]) -> Vec<u16> {
    short(digits).chunks(2).map(|unit| unit.iter().fold(0, |all, byte| all << 8 | u16::from(*byte))).collect()
}

/// Fonts by the names that pages give them: different pages can call different fonts by one name.
pub type Fonts<'a> = HashMap<&'a [u8], Vec<&'a Characters>>;

/// How often a page is read, with the next font of each name.
pub fn readings(fonts: &Fonts<'_>) -> usize {
    const MOST: usize = 4;
    fonts.values().map(Vec::len).max().unwrap_or(1).clamp(1, MOST)
}

/// Whether a decoded stream may show text.
pub fn may_show(stream: &[u8]) -> bool {
    let has = |operator: &[u8]| memchr::memmem::find(stream, operator).is_some();
    has(b"BT") && has(b"ET")
}

/// The text that a page's operators show, a line of it a line; `reading` says which of several fonts of one name is meant.
/// Letters that stand next to one another are one text, whatever number of operators shows them.
pub fn shown(operators: &[u8], fonts: &Fonts<'_>, reading: usize) -> String {
    let mut text = String::new();
    let mut page = Page { text: &mut text, font: None, height: 0.0, outer: Vec::new(), last: None };
    let mut numbers: Vec<f64> = Vec::new();
    let mut strings: Vec<(Vec<u8>, bool)> = Vec::new();
    let mut name: &[u8] = b"";
    for token in Lexer::new(operators, 0) {
        match token {
            Token::Number(number) => {
                if number < BLANK
                    && let Some((_, is_apart)) = strings.last_mut()
                {
                    *is_apart = true;
                }
                numbers.push(number);
            }
            Token::Text(raw) => strings.push((unescape(raw), false)),
            Token::Hex(digits) => strings.push((from_hex(digits), false)),
            Token::Name(it) => name = it,
            Token::Open(_) | Token::Close(_) => {}
            Token::Word(operator) => {
                let operand = |from_end: usize| numbers.len().checked_sub(from_end).map_or(0.0, |at| numbers[at]);
                match operator {
                    b"Tf" => {
                        page.font = fonts
                            .get(&*plain_name(name))
                            .and_then(|fonts| fonts.get(reading.min(fonts.len() - 1)))
                            .copied()
                    }
                    b"Td" | b"TD" => page.height += operand(1),
                    b"Tm" => page.height = operand(1),
                    b"T*" => page.height -= 1.0,
                    b"BT" => page.height = 0.0,
                    b"cm" => page.outer.iter_mut().last().into_iter().for_each(|height| *height += operand(1)),
                    b"q" => page.outer.push(page.outer.last().copied().unwrap_or(0.0)),
                    b"Q" => drop(page.outer.pop()),
                    b"Tj" | b"TJ" => page.show(&strings),
                    b"'" | b"\"" => {
                        page.height -= 1.0;
                        page.show(&strings);
                    }
                    _ => {}
                }
                numbers.clear();
                strings.clear();
            }
        }
        // No operator takes as many; an array of that many letters is shown in parts.
        if numbers.len() + strings.len() > 4096 {
            page.show(&strings);
            numbers.clear();
            strings.clear();
        }
        page.outer.truncate(256);
    }
    text
}

struct Page<'a> {
    text: &'a mut String,
    font: Option<&'a Characters>,
    /// Where the line stands, as far as that tells one line from another.
    height: f64,
    /// What transformations add to that.
    outer: Vec<f64>,
    last: Option<f64>,
}

impl Page<'_> {
    fn show(&mut self, strings: &[(Vec<u8>, bool)]) {
        let height = self.height + self.outer.last().copied().unwrap_or(0.0);
        if self.last.is_some_and(|last| (last - height).abs() > 0.01) {
            self.text.push('\n');
        }
        self.last = Some(height);
        for (codes, is_apart) in strings {
            match self.font {
                Some(characters) => characters.decode(codes, self.text),
                None => self.text.extend(codes.iter().map(|byte| char::from(*byte))),
            }
            if *is_apart {
                self.text.push(' ');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_operators_tear_apart_are_one_text() {
        let fonts = Fonts::new();
        let page = b"BT /F1 12 Tf 72 720 Td [(ke) 20 (y) -300 (val\\165) -10 <65>] TJ 0 -14 Td (next) Tj ( line) Tj ET
            BT 1 0 0 1 9 9 Tm (a) Tj 1 0 0 1 20 9 Tm (b) Tj (c) ' ET";
        assert_eq!(shown(page, &fonts, 0), "key value\nnext line\nab\nc");
    }

    #[test]
    fn codes_of_fonts_are_looked_up() {
        let cmap = b"1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0003> <0041> endbfchar
            2 beginbfrange <0010> <0012> <0062> <0020> <0021> [<0058> <00590059>] endbfrange";
        let characters = Characters::read(cmap);
        let fonts = Fonts::from([(&b"F1"[..], vec![&characters])]);
        assert_eq!(shown(b"BT /F1 9 Tf <0003 0010 0012 0020 0021 0099> Tj ET", &fonts, 0), "AbdXYY\u{fffd}");
    }
}
