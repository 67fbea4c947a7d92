//! What git, and programs that pack files, write and what they only read: objects, packs, indexes and containers byte by
//! byte, so that each byte can be a wrong one. Shared by several tests.

#![allow(dead_code, reason = "each test takes what it needs")]

pub mod containers;
pub mod data;
pub mod encodings;
pub mod lz;
pub mod microsoft;
pub mod repository;

use keysieve_engine::rules::sample;

/// A GitHub token whose checksum holds: nothing is as sure to be found wherever it is read.
pub fn token(seed: u64) -> String {
    sample::fill("<crc32-base62 ghp_ 30>", seed).unwrap()
}

/// A line of configuration with a token in it.
pub fn line(token: &str) -> String {
    format!("token = \"{token}\"\n")
}

/// Joins pieces of a file.
pub fn cat(pieces: &[&[u8]]) -> Vec<u8> {
    pieces.concat()
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Whether one of `of` came up.
    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    /// Some lines of a program, up to `most` of them.
    pub fn text(&mut self, most: usize) -> String {
        let lines = [
            "import os\n",
            "x = 1\n",
            "# nothing to see here\n",
            "def main(argument):\n",
            "    return argument + 1\n",
            "\n",
            "name: build\n",
            "{\"a\": [1, 2, 3]}\n",
            "größe = \"ü\"\n",
        ];
        (0..self.below(most + 1)).map(|_| *self.pick(&lines)).collect()
    }
}
