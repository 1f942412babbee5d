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

/// What moves without need when nodes come and go.
macro_rules! excess {
    ($placement:literal) => {
        concat!(
            $placement,
            ": keys that move between two nodes that stay, \
             when 3 nodes come to 100 and 3 leave; 100,000 keys"
        )
    };
}

/// What moves without need when nodes get a larger share.
macro_rules! excess_of_weight {
    ($placement:literal) => {
        concat!(
            $placement,
            ": keys that move between two nodes that stay, \
             when a node of 100 gets twice its weight; 100,000 keys, added up over 5 nodes"
        )
    };
}

/// All of them; promised, but for the one that another row promises for keys that are hashed
/// already.
pub(super) static ROWS: [Row; 60] = [
    looked_up(
        "slot-table-10",
        "look up in a slot table of 10 nodes, key hashed",
        lookup::slot_table::<10>,
    ),
    looked_up(
        "slot-table-100",
        "look up in a slot table of 100 nodes, key hashed",
        lookup::slot_table::<100>,
    ),
    looked_up(
        "slot-table-1000",
        "look up in a slot table of 1,000 nodes, key hashed",
        lookup::slot_table::<1_000>,
    ),
    looked_up(
        "slot-table-10000",
        "look up in a slot table of 10,000 nodes, key hashed",
        lookup::slot_table::<10_000>,
    ),
    looked_up(
        "slot-table-maglev-10",
        "look up in a slot table of 10 nodes, beside Maglev, keys hashed already",
        lookup::slot_table_beside_maglev::<10>,
    ),
    looked_up(
        "slot-table-maglev-100",
        "look up in a slot table of 100 nodes, beside Maglev, keys hashed already",
        lookup::slot_table_beside_maglev::<100>,
    ),
    looked_up(
        "slot-table-maglev-1000",
        "look up in a slot table of 1,000 nodes, beside Maglev, keys hashed already",
        lookup::slot_table_beside_maglev::<1_000>,
    ),
    Row::timed(
        "slot-table-maglev-bytes",
        "look up in a slot table of 100 nodes, beside Maglev, key hashed by foldhash",
        lookup::slot_table_beside_maglev_bytes::<100>,
    )
    .in_batches_of(Duration::from_millis(4)),
    looked_up(
        "ring-10",
        "look up in a ring of 10 nodes of 160 points, key hashed",
        lookup::ring::<10>,
    ),
    looked_up(
        "ring-100",
        "look up in a ring of 100 nodes of 160 points, key hashed",
        lookup::ring::<100>,
    ),
    looked_up(
        "ring-1000",
        "look up in a ring of 1,000 nodes of 160 points, key hashed",
        lookup::ring::<1_000>,
    ),
    looked_up(
        "ring-10000",
        "look up in a ring of 10,000 nodes of 160 points, key hashed",
        lookup::ring::<10_000>,
    ),
    timed(
        "bucket-10",
        "flip: one of 10 buckets, key hashed by XXH3 for everybody",
        lookup::bucket::<10>,
    ),
    timed(
        "bucket-100",
        "flip: one of 100 buckets, key hashed by XXH3 for everybody",
        lookup::bucket::<100>,
    ),
    timed(
        "bucket-1000",
        "flip: one of 1,000 buckets, key hashed by XXH3 for everybody",
        lookup::bucket::<1_000>,
    ),
    timed(
        "bucket-10000",
        "flip: one of 10,000 buckets, key hashed by XXH3 for everybody",
        lookup::bucket::<10_000>,
    ),
    timed(
        "bucket-worst",
        "flip: one of the worst number of buckets up to 20,000, which is looked for first, \
         key hashed by XXH3 for everybody",
        lookup::bucket_worst,
    ),
    timed(
        "rendezvous-100",
        "look up by rendezvous among 100 nodes, without a table, key hashed",
        lookup::rendezvous::<100>,
    ),
    timed(
        "rendezvous-1000",
        "look up by rendezvous among 1,000 nodes, without a table, key hashed: per node",
        lookup::rendezvous::<1_000>,
    )
    .shown_in("ns/node", Direction::Max, |nanoseconds| nanoseconds / 1e3),
    looked_up(
        "memento-half-10",
        "Memento beside Anchor: look up after 10 of 20 nodes have left, key hashed",
        removed::half::<10>,
    ),
    looked_up(
        "memento-half-100",
        "Memento beside Anchor: look up after 100 of 200 nodes have left, key hashed",
        removed::half::<100>,
    ),
    looked_up(
        "memento-half-1000",
        "Memento beside Anchor: look up after 1,000 of 2,000 nodes have left, key hashed",
        removed::half::<1_000>,
    ),
    looked_up(
        "memento-half-10000",
        "Memento beside Anchor: look up after 10,000 of 20,000 nodes have left, key hashed",
        removed::half::<10_000>,
    ),
    looked_up(
        "memento-half-choose-k-10",
        "Memento beside a node map: look up after 10 of 20 nodes have left, key hashed",
        removed::half::<10>,
    ),
    looked_up(
        "memento-half-choose-k-100",
        "Memento beside a node map: look up after 100 of 200 nodes have left, key hashed",
        removed::half::<100>,
    ),
    looked_up(
        "memento-half-choose-k-1000",
        "Memento beside a node map: look up after 1,000 of 2,000 nodes have left, key hashed",
        removed::half::<1_000>,
    ),
    looked_up(
        "memento-half-choose-k-10000",
        "Memento beside a node map: look up after 10,000 of 20,000 nodes have left, key hashed",
        removed::half::<10_000>,
    ),
    timed(
        "replicas-3-slot-table",
        "three replicas of a key among 100 nodes by a slot table with rows of them, key hashed",
        replicas::slot_table,
    ),
    timed(
        "replicas-3-ring",
        "three replicas of a key among 100 nodes by a ring, key hashed",
        replicas::three::<Ring<u64>>,
    ),
    timed(
        "replicas-3-rendezvous",
        "three replicas of a key among 100 nodes by rendezvous, key hashed",
        replicas::three::<Rendezvous<u64>>,
    ),
    timed(
        "replicas-3-memento",
        "three replicas of a key among 100 nodes by Memento, key hashed",
        replicas::three::<Memento<u64>>,
    ),
    timed(
        "replicas-3-buckets",
        "three replicas of a key among 100 nodes by flip, key hashed",
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
        excess!("slot table"),
        IDEAL,
        promises::excess_of_slot_table,
    ),
    counted(
        "excess-slot-table-capped",
        "slot table capped at 1.05 shares: keys that move between two nodes that stay, \
         when 3 nodes come to 128 of 512 slots each and 3 leave; 100,000 keys",
        IDEAL,
        promises::excess_of_capped::<128, 5>,
    ),
    counted(
        "excess-slot-table-capped-1024",
        "slot table capped at 1.10 shares: keys that move between two nodes that stay, \
         when 3 nodes come to 1,024 of 512 slots each and 3 leave; 100,000 keys",
        IDEAL,
        promises::excess_of_capped::<1_024, 10>,
    ),
    Row {
        promised: false,
        ..counted(
            "excess-slot-table-capped-1024-tight",
            "slot table capped at 1.05 shares: keys that move between two nodes that stay, \
             when 3 nodes come to 1,024 of 512 slots each and 3 leave; 100,000 keys",
            IDEAL,
            promises::excess_of_capped::<1_024, 5>,
        )
    },
    counted(
        "excess-ring",
        excess!("ring"),
        IDEAL,
        promises::excess_of_ring,
    ),
    counted(
        "excess-rendezvous",
        excess!("rendezvous"),
        IDEAL,
        promises::excess::<Rendezvous<u64>>,
    ),
    counted(
        "excess-memento",
        excess!("Memento"),
        IDEAL,
        promises::excess::<Memento<u64>>,
    ),
    counted(
        "excess-anchor",
        excess!("Anchor"),
        IDEAL,
        promises::excess::<Anchor<u64>>,
    ),
    counted(
        "excess-weight-slot-table",
        excess_of_weight!("slot table"),
        IDEAL,
        promises::excess_of_weight::<SlotTable<u64>>,
    ),
    counted(
        "excess-weight-ring",
        excess_of_weight!("ring"),
        IDEAL,
        promises::excess_of_weight::<Ring<u64>>,
    ),
    counted(
        "excess-weight-rendezvous",
        excess_of_weight!("rendezvous"),
        IDEAL,
        promises::excess_of_weight::<Rendezvous<u64>>,
    ),
    counted(
        "balance-slot-table-capped",
        "slot table capped at 1.05 shares, 512 slots a node: slots of the fullest of 128 nodes",
        "x mean",
        promises::balance_of_capped,
    ),
    counted(
        "balance-ring",
        "ring: standard deviation of a node's share of the hash range; 1,000 nodes of 160 points",
        "% of mean",
        promises::balance_of_ring,
    ),
    counted(
        "balance-buckets",
        "flip: distance of chi-squared from chance; 100 nodes, 1,000,000 keys",
        "sd",
        promises::surprise_when_whole::<Buckets<u64>>,
    ),
    counted(
        "balance-memento",
        "Memento: distance of chi-squared from chance; 100 nodes after another 100 have left, \
         1,000,000 keys",
        "sd",
        promises::surprise_when_half_left::<Memento<u64>>,
    ),
    counted(
        "balance-anchor",
        "Anchor: distance of chi-squared from chance; 100 nodes after another 100 have left, \
         1,000,000 keys",
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
        "the most memory while a ring of 1,000 nodes is built",
        "x kept",
        promises::memory_of_building::<Ring<u64>>,
    ),
    counted(
        "memory-slot-table",
        "a slot of a slot table of 1,000 nodes, for lookups and for changes, without the members",
        "B",
        promises::memory_of_slot_table,
    ),
    counted(
        "memory-slot-table-build",
        "the most memory while a slot table of 1,000 nodes is built",
        "x kept",
        promises::memory_of_building::<SlotTable<u64>>,
    ),
    counted(
        "update-slot-table-add",
        "a node comes to 1,000 in a slot table of 65,536 slots",
        "ms",
        update::add_to_slot_table,
    ),
    counted(
        "update-slot-table-remove",
        "a node of 1,001 leaves a slot table of 65,536 slots",
        "ms",
        update::remove_from_slot_table,
    ),
    counted(
        "update-slot-table-maglev",
        "a node comes to 1,000 in a slot table of 65,536 slots, beside rebuilding a Maglev table",
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
        "a node of 160 points leaves a ring of 1,001",
        "ms",
        update::remove_from_ring,
    ),
    timed(
        "update-buckets",
        "a node comes to 1,000 of flip's buckets, or leaves: per change",
        update::buckets::<Buckets<u64>>,
    )
    .shown_in("us", Direction::Max, per_change),
    timed(
        "update-memento",
        "a node comes to 1,000 of Memento, or leaves: per change",
        update::buckets::<Memento<u64>>,
    )
    .shown_in("us", Direction::Max, per_change),
];

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
