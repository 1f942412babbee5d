//! What `lab versus quorum` measures.

use core::time::Duration;

use super::{commit, failover, idle, log_memory, read};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Direction, Measure, Row, Samples};

type Setup = fn(&Settings) -> Result<Contest, LabError>;
type Count = fn(&Settings) -> Result<Samples, LabError>;

/// The configurations that every row shares, as its reader has to know them.
macro_rules! nodes {
    ($what:literal) => {
        concat!(
            $what,
            "; three nodes in memory, one thread, logs compacted every 8,192. Ours: defaults; raft-rs: protobuf, batch_append, messages of up to 1 MiB, pre-vote and check-quorum as ours, \
             MemStorage; omnipaxos: batch_size as proposed, shared commands, MemoryStorage"
        )
    };
}

const COMMIT_1: &str = nodes!("a command of 64 B, proposed alone, appended and applied by all");
const COMMIT_64: &str = nodes!("a command of 64 B, 64 at once, appended and applied by all");
const COMMIT_1024: &str = nodes!("a command of 64 B, 1,024 at once, appended and applied by all");

/// A round of many groups reads megabytes. And a log is compacted every few hundred microseconds,
/// which takes as long as some thousand entries: a batch is to have its share of that.
const LONG: Duration = Duration::from_millis(4);

/// All of them, in the order of the README's table.
pub(super) static ROWS: [Row; 23] = [
    batched("commit-1", COMMIT_1, commit::batches::<1>, |ns| ns),
    batched("commit-1-raft-rs", COMMIT_1, commit::batches::<1>, |ns| ns),
    allocations("commit-1-allocations", COMMIT_1, commit::allocations::<1>),
    batched("commit-64", COMMIT_64, commit::batches::<64>, |ns| ns / 64.0),
    batched("commit-64-raft-rs", COMMIT_64, commit::batches::<64>, |ns| ns / 64.0),
    batched("commit-64-floor", COMMIT_64, commit::batches::<64>, |ns| ns / 64.0),
    allocations("commit-64-allocations", COMMIT_64, commit::allocations::<64>),
    batched("commit-1024", COMMIT_1024, commit::batches::<1024>, |ns| ns / 1024.0),
    batched("commit-1024-raft-rs", COMMIT_1024, commit::batches::<1024>, |ns| ns / 1024.0),
    batched(
        "read-index-1",
        "a read confirmed by a round of heartbeats, alone; raft-rs: ReadOnlyOption::Safe",
        read::batches::<1>,
        |ns| ns,
    ),
    batched(
        "read-index-64",
        "a read confirmed by a round of heartbeats, 64 at once; raft-rs: ReadOnlyOption::Safe",
        read::batches::<64>,
        |ns| ns / 64.0,
    ),
    allocations(
        "read-index-1-allocations",
        "a read confirmed by a round of heartbeats, alone",
        read::allocations::<1>,
    ),
    allocations(
        "read-index-64-allocations",
        "a read confirmed by a round of heartbeats, 64 at once",
        read::allocations::<64>,
    ),
    Row::timed(
        "lease-read",
        "the index of a read under a lease that holds, time given",
        read::lease,
    )
    .promised(),
    counted(
        "failover-p99",
        "from the crash of a leader to the next one, the 99th percentile of 2,000: election timeout 10 ticks and up to 10 more, heartbeats at each tick, pre-vote, check-quorum, all nodes \
         ticked, then messages delivered; the crash at a random phase between two ticks",
        "ticks",
        failover::percentile_99,
    ),
    counted("failover-mean", "the same: the mean", "ticks", failover::mean),
    counted(
        "idle-bytes",
        "heap requested a replica, itself included, after an election, one command of 64 B and a second of idleness, 10,000 groups of three; ours on three machines of `Groups`",
        "B",
        idle::bytes,
    ),
    Row::timed(
        "idle-tick",
        "a tick of one of 10,000 idle groups: all three replicas, with heartbeats and their answers every other tick",
        idle::tick,
    )
    .in_batches_of(LONG)
    .promised(),
    Row::timed(
        "idle-tick-coalesced",
        "a tick of 10,000 idle groups: all three replicas of each, heartbeats every other tick; ours on three machines of `Groups`, which coalesce them",
        idle::coalesced,
    )
    .in_batches_of(Duration::from_millis(40))
    .promised(),
    counted(
        "idle-quiescent",
        "timers that fire in 1,000 ticks on 1,000 groups of three that have fallen silent",
        "timers",
        idle::quiescent,
    ),
    counted(
        "log-memory",
        "heap requested an entry and log beyond its 64 B, 100,000 entries while one of three nodes is down; nodes share no memory",
        "B",
        log_memory::per_entry,
    ),
    counted(
        "log-bound",
        "commands taken by a leader that has lost its quorum, of 128 MiB offered in commands of 1 KiB; raft-rs has a bound too, which is off by default",
        "MiB",
        log_memory::without_quorum,
    ),
    unpromised("commit-1024-allocations", COMMIT_1024, commit::allocations::<1024>),
];

/// Of a whole batch, whose time `convert` makes one of an operation.
const fn batched(
    id: &'static str,
    what: &'static str,
    contest: Setup,
    convert: fn(f64) -> f64,
) -> Row {
    Row::timed(id, what, contest)
        .shown_in("ns/op", Direction::Max, convert)
        .in_batches_of(LONG)
        .promised()
}

const fn allocations(id: &'static str, what: &'static str, measure: Count) -> Row {
    counted(id, what, "allocations", measure)
}

const fn unpromised(id: &'static str, what: &'static str, measure: Count) -> Row {
    Row {
        promised: false,
        ..allocations(id, what, measure)
    }
}

const fn counted(id: &'static str, what: &'static str, unit: &'static str, measure: Count) -> Row {
    Row {
        unit,
        measure: Measure::Counted(measure),
        promised: true,
        ..Row::timed(id, what, |_| unreachable!("it is counted"))
    }
}
