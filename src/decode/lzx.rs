//! LZX, as cabinets and compiled help use it: blocks that stand for up to 32 KiB each.

use std::io;

use lzxd::{Lzxd, WindowSize};

/// Bytes that a block stands for, unless it is the last one.
pub(super) const BLOCK: usize = 32 << 10;

/// Unpacks one block after another.
pub(super) struct Lzx(Lzxd);

impl Lzx {
    /// With a window of two to the power of `bits`.
    pub fn new(bits: u32) -> Option<Self> {
        let window = match bits {
            15 => WindowSize::KB32,
            16 => WindowSize::KB64,
            17 => WindowSize::KB128,
            18 => WindowSize::KB256,
            19 => WindowSize::KB512,
            20 => WindowSize::MB1,
            21 => WindowSize::MB2,
            _ => return None,
        };
        Some(Self(Lzxd::new(window)))
    }

    /// Forgets all that came before.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// The next `size` bytes.
    pub fn next(&mut self, packed: &[u8], size: usize) -> io::Result<&[u8]> {
        if size > BLOCK {
            return Err(io::Error::other("a block is too long"));
        }
        self.0.decompress_next(packed, size).map_err(io::Error::other)
    }
}
