//! Text in the encodings that editors and shells write.

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Utf32Le,
    Utf32Be,
}

impl Encoding {
    pub const ALL: [Self; 5] = [Self::Utf8, Self::Utf16Le, Self::Utf16Be, Self::Utf32Le, Self::Utf32Be];

    /// The text without a byte order mark.
    pub fn write(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf32Le => text.chars().flat_map(|it| u32::from(it).to_le_bytes()).collect(),
            Self::Utf32Be => text.chars().flat_map(|it| u32::from(it).to_be_bytes()).collect(),
        }
    }

    /// Its byte order mark.
    pub fn mark(self) -> Vec<u8> {
        self.write("\u{feff}")
    }

    /// Mark and text.
    pub fn marked(self, text: &str) -> Vec<u8> {
        [self.mark(), self.write(text)].concat()
    }
}

pub fn utf16le(text: &str) -> Vec<u8> {
    Encoding::Utf16Le.write(text)
}

pub fn utf16be(text: &str) -> Vec<u8> {
    Encoding::Utf16Be.write(text)
}
