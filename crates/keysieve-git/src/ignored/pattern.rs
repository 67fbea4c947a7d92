//! One pattern of a `.gitignore`, as git reads it ("gitignore", and `wildmatch` for what its wildcards match).
//!
//! Git knows `*`, `?`, `[…]`, `\` and, between slashes, `**`; a brace is a brace. Where two gits can differ, in the case of
//! letters, a pattern that ignores is taken at its strictest and an exception (`!`) at its loosest, so that nothing is
//! taken for ignored that one of them would keep.

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// What it matches is not ignored.
    pub is_exception: bool,
    /// It matches folders only.
    folders_only: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// The name, in whatever folder.
    Name(Box<[u8]>),
    /// The end of the name, in whatever folder: `*.log`.
    Ending(Box<[u8]>),
    /// What the name looks like, in whatever folder.
    NameLike(Box<[Token]>),
    /// The path from the folder of the patterns on: how it begins, and what follows looks like.
    Path(Box<[u8]>, Box<[Token]>),
    /// Whatever there is.
    All,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// Any byte but a slash.
    Any,
    /// One byte of these, and no slash.
    OneOf(Box<Bytes>),
    /// Bytes without a slash.
    Star,
    /// Any bytes.
    Deep,
    /// Nothing, or any folders with the slash behind them.
    Folders,
}

/// Longest pattern that is read: no path is longer.
const LONGEST: usize = 4096;
/// Most steps of one comparison: a pattern can be made to take any number.
const MOST_STEPS: u32 = 20_000;

/// The patterns of a file, in its order.
pub fn read(content: &[u8]) -> Vec<Pattern> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    content.split(|byte| *byte == b'\n').filter_map(Pattern::of_line).collect()
}

impl Pattern {
    /// From a line; `None` where it holds none, or one that matches nothing.
    fn of_line(line: &[u8]) -> Option<Self> {
        if line.is_empty() || line[0] == b'#' {
            return None;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // To git a line is a text of C's.
        let line = &line[..memchr::memchr(0, line).unwrap_or(line.len())];
        let line = without_blanks(line);
        let (is_exception, pattern) = match line.strip_prefix(b"!") {
            Some(pattern) => (true, pattern),
            None => (false, line),
        };
        let (folders_only, pattern) = match pattern.strip_suffix(b"/") {
            Some(pattern) => (true, pattern),
            None => (false, pattern),
        };
        let what = if pattern.len() > LONGEST && is_exception {
            What::All
        } else if pattern.is_empty() || pattern.len() > LONGEST {
            return None;
        } else {
            What::of(pattern)?
        };
        Some(Self { is_exception, folders_only, what })
    }

    /// Whether it is about what stands at `path`, from the folder of the pattern on, and is called `name`.
    pub fn matches(&self, path: &[u8], name: &[u8], is_folder: bool) -> bool {
        if self.folders_only && !is_folder {
            return false;
        }
        let fold = self.is_exception;
        let is_like = |tokens: &[Token], text: &[u8]| {
            let mut steps = MOST_STEPS;
            // What cannot be told is not ignored.
            is_match(tokens, text, fold, &mut steps).unwrap_or(self.is_exception)
        };
        match &self.what {
            What::Name(wanted) => is_same(wanted, name, fold),
            What::Ending(wanted) => {
                name.len().checked_sub(wanted.len()).is_some_and(|start| is_same(wanted, &name[start..], fold))
            }
            What::NameLike(tokens) => is_like(tokens, name),
            What::Path(start, tokens) => match path.split_at_checked(start.len()) {
                Some((before, rest)) => is_same(start, before, fold) && is_like(tokens, rest),
                None => false,
            },
            What::All => true,
        }
    }
}

impl What {
    fn of(pattern: &[u8]) -> Option<Self> {
        let is_wild = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'\\');
        if !pattern.contains(&b'/') {
            return Some(match pattern {
                _ if !pattern.iter().any(is_wild) => Self::Name(pattern.into()),
                [b'*', ending @ ..] if !ending.iter().any(is_wild) => Self::Ending(ending.into()),
                _ => Self::NameLike(tokens(pattern)?),
            });
        }
        let pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
        let (start, rest) = pattern.split_at(pattern.iter().position(is_wild).unwrap_or(pattern.len()));
        // Git compares the rest by itself, so that `a**/b` is read as `a` and then `**/b`.
        Some(Self::Path(start.into(), tokens(rest)?))
    }
}

/// A line without the blanks at its end, unless a backslash stands before them.
fn without_blanks(line: &[u8]) -> &[u8] {
    let (mut end, mut at) = (0, 0);
    while at < line.len() {
        let is_escape = line[at] == b'\\';
        let after = (at + 1 + usize::from(is_escape)).min(line.len());
        if is_escape || line[at] != b' ' {
            end = after;
        }
        at = after;
    }
    &line[..end]
}

fn is_same(wanted: &[u8], text: &[u8], fold: bool) -> bool {
    if fold { wanted.eq_ignore_ascii_case(text) } else { wanted == text }
}

/// The parts of a pattern; `None` where a class or an escape does not end, and nothing can match.
fn tokens(pattern: &[u8]) -> Option<Box<[Token]>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        found.push(match byte {
            b'\\' => {
                at += 1;
                Token::Byte(*pattern.get(at - 1)?)
            }
            b'?' => Token::Any,
            b'[' => {
                let (bytes, end) = Bytes::of(pattern, at)?;
                at = end;
                Token::OneOf(Box::new(bytes))
            }
            b'*' => {
                let first = at - 1;
                while pattern.get(at) == Some(&b'*') {
                    at += 1;
                }
                let after = &pattern[at..];
                let starts = first == 0 || pattern[first - 1] == b'/';
                if at - first < 2 || !starts {
                    Token::Star
                } else if after.starts_with(b"/") {
                    at += 1;
                    Token::Folders
                } else if after.is_empty() || after.starts_with(b"\\/") {
                    Token::Deep
                } else {
                    Token::Star
                }
            }
            other => Token::Byte(other),
        });
    }
    Some(found.into())
}

/// Whether all of `text` looks like `tokens`; `None` where that takes too many steps. `fold` says that case does not
/// matter.
fn is_match(mut tokens: &[Token], mut text: &[u8], fold: bool, steps: &mut u32) -> Option<bool> {
    while let Some((token, rest)) = tokens.split_first() {
        *steps = steps.checked_sub(1)?;
        // Wherever what may be anything can end, the rest is tried.
        let mut tries = |may_end: &dyn Fn(usize) -> bool, may_hold_slash: bool| {
            for end in 0..=text.len() {
                *steps = steps.checked_sub(1)?;
                if may_end(end) && is_match(rest, &text[end..], fold, steps)? {
                    return Some(true);
                }
                if !may_hold_slash && text.get(end) == Some(&b'/') {
                    break;
                }
            }
            Some(false)
        };
        match token {
            Token::Star => return tries(&|_| true, false),
            Token::Deep => return tries(&|_| true, true),
            Token::Folders => return tries(&|end| end == 0 || text[end - 1] == b'/', true),
            Token::Byte(_) | Token::Any | Token::OneOf(_) => {}
        }
        let Some((byte, after)) = text.split_first() else { return Some(false) };
        let is_like = match token {
            Token::Byte(wanted) => is_same(&[*wanted], &[*byte], fold),
            Token::OneOf(bytes) => *byte != b'/' && bytes.holds(*byte, fold),
            _ => *byte != b'/',
        };
        if !is_like {
            return Some(false);
        }
        (tokens, text) = (rest, after);
    }
    Some(text.is_empty())
}

/// A set of bytes, `[…]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bytes {
    /// As they are written.
    listed: [bool; 256],
    /// Those that git compares with small letters where `core.ignoreCase` is on: of ranges and classes both cases, of
    /// single letters not.
    folded: [bool; 256],
    is_negated: bool,
}

impl Bytes {
    /// From what stands behind the bracket at `at - 1`, and where it ends.
    fn of(pattern: &[u8], mut at: usize) -> Option<(Self, usize)> {
        let is_negated = matches!(pattern.get(at), Some(b'!' | b'^'));
        at += usize::from(is_negated);
        let mut bytes = Self { listed: [false; 256], folded: [false; 256], is_negated };
        // What a range would begin with.
        let mut before = None;
        let first = at;
        loop {
            let byte = *pattern.get(at)?;
            match byte {
                b']' if at > first => return Some((bytes, at + 1)),
                b'\\' => {
                    at += 1;
                    let byte = *pattern.get(at)?;
                    bytes.add(byte);
                    before = Some(byte);
                }
                b'-' if before.is_some() && pattern.get(at + 1).is_some_and(|next| *next != b']') => {
                    at += 1;
                    at += usize::from(pattern[at] == b'\\');
                    let range = before.take()?..=*pattern.get(at)?;
                    range.for_each(|byte| bytes.add_either_case(byte));
                }
                b'[' if pattern.get(at + 1) == Some(&b':') => {
                    let end = at + 2 + memchr::memchr(b']', &pattern[at + 2..])?;
                    match pattern[at + 2..end].split_last() {
                        Some((b':', name)) => {
                            let is_in = class(name)?;
                            (0..=u8::MAX).filter(is_in).for_each(|byte| bytes.add_either_case(byte));
                            at = end;
                            before = None;
                        }
                        // No class, but a bracket.
                        _ => {
                            bytes.add(b'[');
                            before = Some(b'[');
                        }
                    }
                }
                _ => {
                    bytes.add(byte);
                    before = Some(byte);
                }
            }
            at += 1;
        }
    }

    fn add(&mut self, byte: u8) {
        self.listed[usize::from(byte)] = true;
        self.folded[usize::from(byte)] = true;
    }

    fn add_either_case(&mut self, byte: u8) {
        self.add(byte);
        self.folded[usize::from(byte.to_ascii_lowercase())] = true;
    }

    /// Whether it holds a byte: by one way of reading case, or by both.
    fn holds(&self, byte: u8, by_one: bool) -> bool {
        let as_written = self.listed[usize::from(byte)] != self.is_negated;
        let folded = self.folded[usize::from(byte.to_ascii_lowercase())] != self.is_negated;
        if by_one { as_written || folded } else { as_written && folded }
    }
}

/// The bytes of a class such as `[:alpha:]`.
fn class(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        // Git's own list, which is shorter than C's.
        b"space" => |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_at_the_end_count_where_they_are_escaped() {
        for (line, left) in
            [("a  ", "a"), ("a\\ ", "a\\ "), ("a\\  ", "a\\ "), ("a\t", "a\t"), ("a b ", "a b"), ("  ", "")]
        {
            assert_eq!(without_blanks(line.as_bytes()), left.as_bytes(), "{line:?}");
        }
        assert_eq!(without_blanks(b"a \\"), b"a \\");
        assert_eq!(without_blanks(b"a\\\\ "), b"a\\\\");
    }

    #[test]
    fn what_takes_too_long_is_not_ignored() {
        let text = "a".repeat(200);
        let line = format!("{}b", "*a".repeat(40));
        let pattern = |line: &str| Pattern::of_line(line.as_bytes()).unwrap();
        assert!(!pattern(&line).matches(text.as_bytes(), text.as_bytes(), false));
        assert!(pattern(&format!("!{line}")).matches(text.as_bytes(), text.as_bytes(), false));
    }
}
