//! What `lab versus hashring` measures.
//!
//! Lookups hash a key of 16 random bytes, given as bytes, on both sides: ours by XXH3 through
//! `owner_of`, the rivals' by what [`rivals`](super::rivals) says.

use core::time::Duration;

use purlin_hashring::{Anchor, Buckets, Memento, Rendezvous, Ring, SlotTable};

use super::{lookup, promises, removed, replicas, update};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Direction, Measure, Row, Samples};

type Setup = fn(&Settings) -> Result<Contest, LabError>;
type Count = fn(&Settings) -> Result<Samples, LabError>;

/// All of them; promised, but for the one that another row promises for keys that are hashed already.
pub(super) static ROWS: [Row; 58] = [
    looked_up(
        "slot-table-10",
        "look up in a table of 10 nodes, key hashed",
        lookup::slot_table::<10>,
    ),
    looked_up(
        "slot-table-100",
        "look up in a table of 100 nodes, key hashed",
        lookup::slot_table::<100>,
    ),
    looked_up(
        "slot-table-1000",
        "look up in a table of 1,000 nodes, key hashed",
        lookup::slot_table::<1_000>,
    ),
    looked_up(
        "slot-table-10000",
        "look up in a table of 10,000 nodes, key hashed",
        lookup::slot_table::<10_000>,
    ),
    looked_up(
        "slot-table-maglev-10",
        "look up in a table of 10 nodes, keys hashed already",
        lookup::slot_table_beside_maglev::<10>,
    ),
    looked_up(
        "slot-table-maglev-100",
        "the same of 100 nodes",
        lookup::slot_table_beside_maglev::<100>,
    ),
    looked_up(
        "slot-table-maglev-1000",
        "the same of 1,000 nodes",
        lookup::slot_table_beside_maglev::<1_000>,
    ),
    Row::timed(
        "slot-table-maglev-bytes",
        "look up in a table of 100 nodes, key hashed by foldhash, the fastest there is",
        lookup::slot_table_beside_maglev_bytes::<100>,
    )
    .in_batches_of(Duration::from_millis(4)),
    looked_up(
        "ring-10",
        "look up in a ring of 10 nodes of 160 points, key hashed",
        lookup::ring::<10>,
    ),
    looked_up("ring-100", "the same of 100 nodes", lookup::ring::<100>),
    looked_up(
        "ring-1000",
        "the same of 1,000 nodes",
        lookup::ring::<1_000>,
    ),
    looked_up(
        "ring-10000",
        "the same of 10,000 nodes",
        lookup::ring::<10_000>,
    ),
    timed(
        "bucket-10",
        "one of 10 buckets, key hashed by XXH3 for everybody",
        lookup::bucket::<10>,
    ),
    timed("bucket-100", "one of 100 buckets", lookup::bucket::<100>),
    timed(
        "bucket-1000",
        "one of 1,000 buckets",
        lookup::bucket::<1_000>,
    ),
    timed(
        "bucket-10000",
        "one of 10,000 buckets",
        lookup::bucket::<10_000>,
    ),
    timed(
        "bucket-worst",
        "one of the worst number of buckets up to 20,000, which is looked for first",
        lookup::bucket_worst,
    ),
    timed(
        "rendezvous-100",
        "look up among 100 nodes without a table, key hashed",
        lookup::rendezvous::<100>,
    ),
    timed(
        "rendezvous-1000",
        "the same among 1,000, per node",
        lookup::rendezvous::<1_000>,
    )
    .shown_in("ns/node", Direction::Max, |nanoseconds| nanoseconds / 1e3),
    looked_up(
        "memento-half-10",
        "look up among 10 nodes after as many have left, key hashed",
        removed::half::<10>,
    ),
    looked_up("memento-half-100", "the same of 100", removed::half::<100>),
    looked_up(
        "memento-half-1000",
        "the same of 1,000",
        removed::half::<1_000>,
    ),
    looked_up(
        "memento-half-10000",
        "the same of 10,000",
        removed::half::<10_000>,
    ),
    looked_up(
        "memento-half-choose-k-10",
        "the same beside a node map: 10 nodes",
        removed::half::<10>,
    ),
    looked_up(
        "memento-half-choose-k-100",
        "the same of 100",
        removed::half::<100>,
    ),
    looked_up(
        "memento-half-choose-k-1000",
        "the same of 1,000",
        removed::half::<1_000>,
    ),
    looked_up(
        "memento-half-choose-k-10000",
        "the same of 10,000",
        removed::half::<10_000>,
    ),
    timed(
        "replicas-3-slot-table",
        "three replicas of a key among 100 nodes, key hashed",
        replicas::slot_table,
    ),
    timed(
        "replicas-3-ring",
        "the same by a ring",
        replicas::three::<Ring<u64>>,
    ),
    timed(
        "replicas-3-rendezvous",
        "the same by rendezvous",
        replicas::three::<Rendezvous<u64>>,
    ),
    timed(
        "replicas-3-memento",
        "the same by Memento",
        replicas::three::<Memento<u64>>,
    ),
    timed(
        "replicas-3-buckets",
        "the same by a bucket hash",
        replicas::three::<Buckets<u64>>,
    ),
    counted(
        "allocations",
        "allocations of 1,000 lookups of owner, replicas and fallback, all placements",
        "allocations",
        replicas::allocations,
    ),
    counted(
        "excess-slot-table",
        EXCESS,
        IDEAL,
        promises::excess_of_slot_table,
    ),
    counted(
        "excess-slot-table-capped",
        "the same with the fullest node capped, 512 slots a node",
        IDEAL,
        promises::excess_of_capped,
    ),
    counted("excess-ring", EXCESS, IDEAL, promises::excess_of_ring),
    counted(
        "excess-rendezvous",
        EXCESS,
        IDEAL,
        promises::excess::<Rendezvous<u64>>,
    ),
    counted(
        "excess-memento",
        EXCESS,
        IDEAL,
        promises::excess::<Memento<u64>>,
    ),
    counted(
        "excess-anchor",
        EXCESS,
        IDEAL,
        promises::excess::<Anchor<u64>>,
    ),
    counted(
        "excess-weight-slot-table",
        EXCESS_WEIGHT,
        IDEAL,
        promises::excess_of_weight::<SlotTable<u64>>,
    ),
    counted(
        "excess-weight-ring",
        EXCESS_WEIGHT,
        IDEAL,
        promises::excess_of_weight::<Ring<u64>>,
    ),
    counted(
        "excess-weight-rendezvous",
        EXCESS_WEIGHT,
        IDEAL,
        promises::excess_of_weight::<Rendezvous<u64>>,
    ),
    counted(
        "balance-slot-table-capped",
        "slots of the fullest node, capped at 1.05 shares",
        "x mean",
        promises::balance_of_capped,
    ),
    counted(
        "balance-ring",
        "standard deviation of a node's share of the hash range: 1,000 nodes, 160 points",
        "% of mean",
        promises::balance_of_ring,
    ),
    counted(
        "balance-buckets",
        "distance of chi-squared from chance: 100 nodes, 1,000,000 keys",
        "sd",
        promises::surprise_when_whole::<Buckets<u64>>,
    ),
    counted(
        "balance-memento",
        "the same after another 100 nodes have left",
        "sd",
        promises::surprise_when_half_left::<Memento<u64>>,
    ),
    counted(
        "balance-anchor",
        "the same after another 100 nodes have left",
        "sd",
        promises::surprise_when_half_left::<Anchor<u64>>,
    ),
    counted(
        "memory-ring",
        "a point of a ring of 1,000 nodes, its share of the index included, without the members",
        "B",
        promises::memory_of_ring,
    ),
    counted(
        "memory-ring-build",
        "the most while a ring of 1,000 nodes is built",
        "x kept",
        promises::memory_of_building::<Ring<u64>>,
    ),
    counted(
        "memory-slot-table",
        "a slot of a table of 1,000 nodes, for lookups and for changes, without the members",
        "B",
        promises::memory_of_slot_table,
    ),
    counted(
        "memory-slot-table-build",
        "the most while a table of 1,000 nodes is built",
        "x kept",
        promises::memory_of_building::<SlotTable<u64>>,
    ),
    counted(
        "update-slot-table-add",
        "a node comes to 1,000 in a table of 65,536 slots",
        "ms",
        update::add_to_slot_table,
    ),
    counted(
        "update-slot-table-remove",
        "a node of 1,001 leaves it",
        "ms",
        update::remove_from_slot_table,
    ),
    counted(
        "update-slot-table-maglev",
        "a node comes to 1,000, beside the rebuilding of a Maglev table",
        "ms",
        update::slot_table_beside_maglev,
    ),
    counted(
        "update-ring-add",
        "a node of 160 points comes to 1,000 in a ring",
        "ms",
        update::add_to_ring,
    ),
    counted(
        "update-ring-remove",
        "a node of 1,001 leaves it",
        "ms",
        update::remove_from_ring,
    ),
    timed(
        "update-buckets",
        "a node comes to 1,000, or leaves",
        update::buckets::<Buckets<u64>>,
    )
    .shown_in("us", Direction::Max, per_change),
    timed(
        "update-memento",
        "the same",
        update::buckets::<Memento<u64>>,
    )
    .shown_in("us", Direction::Max, per_change),
];

const EXCESS: &str = "keys that move between two nodes that stay, when 3 nodes come to 100 and 3 leave; 100,000 keys";
const EXCESS_WEIGHT: &str =
    "keys that move between two nodes that stay, when a node of 100 gets twice its weight";

/// Of what is the least that has to move.
const IDEAL: &str = "of ideal";

const fn timed(id: &'static str, what: &'static str, setup: Setup) -> Row {
    Row::timed(id, what, setup).promised()
}

const fn counted(id: &'static str, what: &'static str, unit: &'static str, count: Count) -> Row {
    Row {
        unit,
        measure: Measure::Counted(count),
        ..timed(id, what, |_| unreachable!("it is counted"))
    }
}

/// A lookup in something that may fill a megabyte.
const fn looked_up(id: &'static str, what: &'static str, setup: Setup) -> Row {
    timed(id, what, setup).in_batches_of(Duration::from_millis(4))
}

/// Microseconds, of which two changes took as many nanoseconds.
fn per_change(nanoseconds: f64) -> f64 {
    nanoseconds / 2e3
}
