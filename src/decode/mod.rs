//! Contents that are not what they seem: other encodings of text, and contents inside of contents.

mod ar;
mod bazaar;
mod blocks;
mod cabinet;
mod compiled_help;
mod compound;
pub mod compressed;
pub mod container;
mod cpio;
mod git_pack;
pub mod key_store;
mod legacy;
mod lz4;
mod lzma;
mod lzw;
mod lzx;
mod obsolete;
mod parquet;
mod pdf;
pub mod recognised;
mod redis;
pub mod rest;
mod rpm;
mod seven_zip;
mod snappy;
mod solid;
mod sqlite;
mod tar;
mod zip;
mod zstd;

use crate::inside;

/// A path or a name as text: bytes that are not UTF-8 are written `\xNN`, and so is the `!` of a `!/`, which in a path that is
/// shown stands between a container and what is in it.
pub fn shown(bytes: &[u8]) -> String {
    if memchr::memmem::find(bytes, inside::SIGN.as_bytes()).is_some() {
        return escaped(bytes).replace(inside::SIGN, "\\x21/");
    }
    escaped(bytes)
}

fn escaped(bytes: &[u8]) -> String {
    // Nearly all of them, and much faster than by chunks.
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}
