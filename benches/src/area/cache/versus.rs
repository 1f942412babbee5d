//! What `lab versus cache` measures.

mod contestant;
mod get_or_insert;
mod hits;
mod memory;
mod requests;
#[cfg(feature = "rivals")]
mod rivals;

use core::time::Duration;

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Measure, Row, Samples};

/// Requests of a stream, at least; they begin anew at its end.
const REQUESTS: usize = 1 << 20;

/// How long everybody's turn lasts: many times as long as its entries take to come back into the processor's
/// caches, out of which the others have pushed them; no longer, for a long one is interrupted.
const fn batch(capacity: u32) -> Duration {
    match capacity {
        ..=TEN => Duration::from_millis(1),
        ..=HUNDRED => Duration::from_millis(2),
        _ => Duration::from_millis(4),
    }
}

const TEN: u32 = 10_000;
const HUNDRED: u32 = 100_000;
const MILLION: u32 = 1_000_000;

const HIT: &str = "a hit, Zipf 0.99, cache half full, foldhash on all sides";
const HIT_TOGETHER: &str =
    "a hit, Zipf 0.99, two threads: time per lookup of both together, foldhash on all sides";
const WORK: &str = "a lookup and, where it misses, an insertion that evicts; Zipf 0.99 over 10 times as many keys as fit";
const WORK_TOGETHER: &str = "the same by two threads: time per request of both together";

/// All of them, in the order of the README's table.
pub(super) static ROWS: [Row; 14] = [
    timed("hit-10k-1", HIT, TEN, hits::alone::<TEN>),
    timed("hit-100k-1", HIT, HUNDRED, hits::alone::<HUNDRED>),
    timed("hit-1m-1", HIT, MILLION, hits::alone::<MILLION>),
    counted("hit-10k-2", HIT_TOGETHER, "ns/op", hits::together::<TEN>),
    counted(
        "hit-100k-2",
        HIT_TOGETHER,
        "ns/op",
        hits::together::<HUNDRED>,
    ),
    timed("goi-10k-1", WORK, TEN, get_or_insert::alone::<TEN>),
    timed("goi-100k-1", WORK, HUNDRED, get_or_insert::alone::<HUNDRED>),
    timed("goi-1m-1", WORK, MILLION, get_or_insert::alone::<MILLION>),
    counted(
        "goi-10k-2",
        WORK_TOGETHER,
        "ns/op",
        get_or_insert::together::<TEN>,
    ),
    counted(
        "goi-100k-2",
        WORK_TOGETHER,
        "ns/op",
        get_or_insert::together::<HUNDRED>,
    ),
    counted(
        "memory-fill",
        "bytes an entry, with a million entries of two words in a cache for a million",
        "B",
        memory::fill,
    ),
    counted(
        "memory-churn",
        "the same after two million others have come",
        "B",
        memory::churn,
    ),
    counted(
        "memory-allocations",
        "allocations of an insertion into a full cache",
        "allocations",
        memory::allocations,
    ),
    counted(
        "memory-excess",
        "by how many entries a cache for 10,000 is over its capacity at worst",
        "entries",
        memory::excess,
    ),
];

const fn timed(
    id: &'static str,
    what: &'static str,
    capacity: u32,
    contest: fn(&Settings) -> Result<Contest, LabError>,
) -> Row {
    Row::timed(id, what, contest).in_batches_of(batch(capacity))
}

const fn counted(
    id: &'static str,
    what: &'static str,
    unit: &'static str,
    measure: fn(&Settings) -> Result<Samples, LabError>,
) -> Row {
    Row {
        unit,
        measure: Measure::Counted(measure),
        ..Row::timed(id, what, |_| unreachable!("it is counted"))
    }
}
