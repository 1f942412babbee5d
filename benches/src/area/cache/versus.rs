//! What `lab versus cache` measures.

mod contestant;
mod expiry;
mod get_or_insert;
mod hits;
mod memory;
#[cfg(feature = "rivals")]
mod parts;
#[cfg(feature = "rivals")]
mod ratios;
mod requests;
#[cfg(feature = "rivals")]
mod rivals;

use core::time::Duration;

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Direction, Measure, Row, Samples};

/// Requests of a stream, at least; they begin anew at its end.
const REQUESTS: usize = 1 << 20;

/// How long everybody's turn lasts: many times as long as its entries take to come back into the processor's
/// caches, out of which the others have pushed them; no longer, for a long one is interrupted.
const fn batch(capacity: u32) -> Duration {
    Duration::from_millis(match capacity {
        TEN => 1,
        HUNDRED => 2,
        _ => 4,
    })
}

/// So many entries; a tenth where it is only to be seen that all runs.
const fn scaled(settings: &Settings, capacity: u32) -> u32 {
    if settings.fast {
        capacity / 10
    } else {
        capacity
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
pub(super) static ROWS: [Row; 29] = [
    timed("hit-10k-1", HIT, TEN, hits::alone::<TEN>),
    timed("hit-100k-1", HIT, HUNDRED, hits::alone::<HUNDRED>),
    timed("hit-1m-1", HIT, MILLION, hits::alone::<MILLION>),
    threads("hit-10k-2", HIT_TOGETHER, hits::together::<TEN>),
    threads("hit-100k-2", HIT_TOGETHER, hits::together::<HUNDRED>),
    timed("hit-10k-1-floor", HIT, TEN, hits::alone::<TEN>),
    timed("hit-100k-1-floor", HIT, HUNDRED, hits::alone::<HUNDRED>),
    timed("hit-1m-1-floor", HIT, MILLION, hits::alone::<MILLION>),
    threads("hit-10k-2-floor", HIT_TOGETHER, hits::together::<TEN>),
    threads("hit-100k-2-floor", HIT_TOGETHER, hits::together::<HUNDRED>),
    timed("goi-10k-1", WORK, TEN, get_or_insert::alone::<TEN>),
    timed("goi-100k-1", WORK, HUNDRED, get_or_insert::alone::<HUNDRED>),
    timed("goi-1m-1", WORK, MILLION, get_or_insert::alone::<MILLION>),
    threads("goi-10k-2", WORK_TOGETHER, get_or_insert::together::<TEN>),
    threads(
        "goi-100k-2",
        WORK_TOGETHER,
        get_or_insert::together::<HUNDRED>,
    ),
    timed("goi-10k-1-floor", WORK, TEN, get_or_insert::alone::<TEN>),
    timed(
        "goi-1m-1-floor",
        WORK,
        MILLION,
        get_or_insert::alone::<MILLION>,
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
    timed(
        "expiry-lookup",
        "a hit in a cache half full whose entries have a time to live, beside one without and a clock read",
        HUNDRED,
        expiry::lookup,
    ),
    counted(
        "expiry-burst",
        "99.99th percentile of insertions into a cache of a million entries that have all just expired",
        "ns",
        expiry::burst,
    ),
    ratio(
        "hit-ratio",
        "lead over the mean hit ratio of the best rival: first million requests of 17 traces, sizes of 1, 5, 20 % of the keys (10, 30 % of few)",
        "hit ratio",
        RATIOS[0],
    ),
    ratio(
        "hit-ratio-tails",
        "the same on what comes after the first million requests of four of them",
        "hit ratio",
        RATIOS[1],
    ),
    ratio(
        "hit-ratio-worst",
        "lead in the cell where it is least, over the rival who is best in that cell; heads and tails",
        "hit ratio",
        RATIOS[2],
    ),
    ratio(
        "hit-ratio-gap",
        "share of what is possible beyond LRU, mean of the heads where that is a point or more",
        "share",
        RATIOS[3],
    ),
    unpromised(ratio(
        "hit-ratio-mean",
        "mean hit ratio, heads",
        "hit ratio",
        RATIOS[4],
    )),
    unpromised(ratio(
        "hit-ratio-mean-tails",
        "mean hit ratio, tails",
        "hit ratio",
        RATIOS[5],
    )),
];

type Count = fn(&Settings) -> Result<Samples, LabError>;

/// Nothing to compare without rivals.
#[cfg(feature = "rivals")]
const RATIOS: [Count; 6] = [
    ratios::leads::<false>,
    ratios::leads::<true>,
    ratios::worst,
    ratios::gap_closed,
    ratios::means::<false>,
    ratios::means::<true>,
];
#[cfg(not(feature = "rivals"))]
const RATIOS: [Count; 6] = [|_| Err(LabError::NoRivals { area: "cache" }); 6];

/// The more the better.
const fn ratio(id: &'static str, what: &'static str, unit: &'static str, measure: Count) -> Row {
    Row {
        better: Direction::Min,
        ..counted(id, what, unit, measure)
    }
}

/// For information.
const fn unpromised(row: Row) -> Row {
    Row {
        promised: false,
        ..row
    }
}

/// By two threads.
const fn threads(id: &'static str, what: &'static str, measure: Count) -> Row {
    counted(id, what, "ns/op", measure)
}

const fn timed(
    id: &'static str,
    what: &'static str,
    capacity: u32,
    contest: fn(&Settings) -> Result<Contest, LabError>,
) -> Row {
    Row::timed(id, what, contest)
        .in_batches_of(batch(capacity))
        .promised()
}

const fn counted(id: &'static str, what: &'static str, unit: &'static str, measure: Count) -> Row {
    Row {
        unit,
        measure: Measure::Counted(measure),
        promised: true,
        ..Row::timed(id, what, |_| unreachable!("it is counted"))
    }
}
