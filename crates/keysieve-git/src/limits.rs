//! What of a repository may be expanded: a pack of a few bytes can claim any size.

/// Limits of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest object that is expanded, in bytes. To make one of a delta takes its base and the delta as well.
    pub object: u64,
    /// Objects of a repository.
    pub objects: usize,
    /// Most deltas between an object and what it is made of.
    pub delta_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Git itself makes chains of at most 4,095.
        Self { object: 2 << 30, objects: 50_000_000, delta_depth: 4_095 }
    }
}

/// Whoever shares memory with others: it is asked before an object is expanded, and may wait until there is room.
pub trait Memory {
    /// Says whether so many bytes may be in memory.
    fn hold(&self, bytes: u64) -> Result<(), TooMuch>;
}

/// More memory than one object may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it needs more memory than the {most} bytes that one object may take")]
pub struct TooMuch {
    /// How much it may take.
    pub most: u64,
}
