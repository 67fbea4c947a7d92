//! Contents that are not what they seem: other encodings of text, and contents inside of contents.

pub mod container;
pub mod text;
pub mod utf16;
