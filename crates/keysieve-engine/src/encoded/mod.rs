//! Text that is written in other characters or wider units than its bytes show.

pub mod text;
pub mod wide;
