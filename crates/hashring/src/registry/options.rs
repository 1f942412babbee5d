//! The options of all algorithms, in one form for configurations and snapshots.

use crate::bucket::BucketHash;
use crate::{
    Anchor, AnchorBuilder, Buckets, BucketsBuilder, Maglev, MaglevBuilder, Memento, MementoBuilder,
    Rendezvous, RendezvousBuilder, Ring, RingBuilder, SlotTable, SlotTableBuilder,
};

/// The options of all algorithms. An algorithm takes its defaults for those that are not set, and
/// refuses those that it does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Options {
    /// Another seed, another placement. All machines must use the same.
    pub seed: u64,
    /// How many slots there are, a power of two: `slot_table`.
    pub slots: Option<u32>,
    /// How many replicas of a slot are at hand: `slot_table`.
    pub replicas: Option<u32>,
    /// How many percent over its share a node may own: `slot_table`. With a limit, changes move
    /// more than they must.
    pub max_overload_percent: Option<u32>,
    /// Virtual nodes of a node of weight 1: `ring`.
    pub points_per_weight: Option<u32>,
    /// How many virtual nodes there can be: `ring`.
    pub max_points: Option<u32>,
    /// How many slots there are, a prime: `maglev`.
    pub table_size: Option<u64>,
    /// How many nodes there can be: `anchor`.
    pub capacity: Option<u32>,
}

impl Options {
    /// Those that are set, beside the seed.
    pub(super) fn set(&self) -> impl Iterator<Item = &'static str> {
        [
            ("slots", self.slots.is_some()),
            ("replicas", self.replicas.is_some()),
            ("max_overload_percent", self.max_overload_percent.is_some()),
            ("points_per_weight", self.points_per_weight.is_some()),
            ("max_points", self.max_points.is_some()),
            ("table_size", self.table_size.is_some()),
            ("capacity", self.capacity.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_set)| is_set.then_some(name))
    }
}

impl From<&Options> for SlotTableBuilder {
    fn from(options: &Options) -> Self {
        let mut table = SlotTable::builder().seed(options.seed);
        if let Some(slots) = options.slots {
            table = table.slots(slots as usize);
        }
        if let Some(replicas) = options.replicas {
            table = table.replicas(replicas as usize);
        }
        if let Some(percent) = options.max_overload_percent {
            table = table.max_overload_percent(percent);
        }
        table
    }
}

impl From<&Options> for RingBuilder {
    fn from(options: &Options) -> Self {
        let mut ring = Ring::builder().seed(options.seed);
        if let Some(points) = options.points_per_weight {
            ring = ring.points_per_weight(points);
        }
        if let Some(points) = options.max_points {
            ring = ring.max_points(points);
        }
        ring
    }
}

impl From<&Options> for RendezvousBuilder {
    fn from(options: &Options) -> Self {
        Rendezvous::builder().seed(options.seed)
    }
}

impl From<&Options> for MaglevBuilder {
    fn from(options: &Options) -> Self {
        let maglev = Maglev::builder().seed(options.seed);
        match options.table_size {
            Some(size) => maglev.table_size(size),
            None => maglev,
        }
    }
}

impl<H: BucketHash> From<&Options> for BucketsBuilder<H> {
    fn from(options: &Options) -> Self {
        Buckets::builder().seed(options.seed).hash()
    }
}

impl From<&Options> for MementoBuilder {
    fn from(options: &Options) -> Self {
        Memento::builder().seed(options.seed)
    }
}

impl From<&Options> for AnchorBuilder {
    fn from(options: &Options) -> Self {
        let anchor = Anchor::builder().seed(options.seed);
        match options.capacity {
            Some(capacity) => anchor.capacity(capacity),
            None => anchor,
        }
    }
}
