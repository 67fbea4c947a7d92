//! Contents that hold another content: each decoder turns bytes into the bytes inside them, for the same engine.

pub mod utf16;
