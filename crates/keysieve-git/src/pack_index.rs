//! The index of a pack, versions 1 and 2 with 64-bit offsets: which objects the pack holds, and where.

use rayon::prelude::*;

use super::oid::Oid;

fn word(index: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(index.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Where the tables of an index begin behind its counts, and how many objects it lists; `None` for a version that nobody
/// knows.
pub(super) fn count(index: &[u8]) -> Option<(usize, usize)> {
    let second = index.starts_with(SECOND);
    if second && word(index, 4)? != 2 {
        return None;
    }
    let tables = if second { 8 + 1024 } else { 1024 };
    Some((tables, word(index, tables - 4)? as usize))
}

/// How an index of version 2 starts.
const SECOND: &[u8] = b"\xfftOc";

/// The id in place `at` and the offset of its entry, of an index with `count` of them in tables from `tables` on.
pub(super) fn read_entry(index: &[u8], hash: usize, tables: usize, count: usize, at: usize) -> Option<(Oid, u64)> {
    if at >= count {
        return None;
    }
    if tables == 1024 {
        let at = tables + at.checked_mul(hash + 4)?;
        return Some((Oid::from_bytes(index.get(at + 4..at + 4 + hash)?)?, u64::from(word(index, at)?)));
    }
    let oid = Oid::from_bytes(index.get(tables + at * hash..tables + (at + 1) * hash)?)?;
    let small = word(index, tables + count * (hash + 4) + at * 4)?;
    if small & 0x8000_0000 == 0 {
        return Some((oid, u64::from(small)));
    }
    let at = tables + count * (hash + 8) + (small & 0x7fff_ffff) as usize * 8;
    Some((oid, u64::from_be_bytes(index.get(at..at.checked_add(8)?)?.try_into().ok()?)))
}

/// Ids in ascending order and the offset of each; `None` if the tables do not fit.
pub(super) fn read_index(index: &[u8], hash: usize) -> Option<(Vec<Oid>, Vec<u64>)> {
    let (tables, count) = count(index)?;
    // Before any memory is asked for.
    if count > 0 {
        read_entry(index, hash, tables, count, count - 1)?;
    }
    let read = |at: usize| read_entry(index, hash, tables, count, at);
    let (oids, offsets): (Vec<_>, Vec<_>) = (0..count).into_par_iter().map(read).collect::<Option<_>>()?;
    oids.is_sorted().then_some((oids, offsets))
}
