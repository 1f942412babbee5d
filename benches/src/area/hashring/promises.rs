//! Rows whose measure is not time: moved keys, balance, memory.

use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_hashring::{Identity as _, Membership, Ring, SlotTable};

use super::balance::Shares;
use super::keys;
use super::memory::Bytes;
#[cfg(feature = "rivals")]
use super::movement::Moved;
use super::movement::{self, comings_and_goings};
#[cfg(feature = "rivals")]
use super::rivals;
use super::variants::{Changing, Kind, Variant};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::Counted;
use crate::versus::Samples;

/// How many nodes there are where keys move.
const NODES: u64 = 100;

/// How many keys are watched while they move.
const WATCHED: usize = 100_000;

/// What moves without need when nodes come and go, of the ideal.
pub(super) fn excess<K: Kind>(settings: &Settings) -> Result<Samples, LabError> {
    Ok(excess_of(Variant::of::<K>(), settings)?.samples())
}

fn excess_of(variant: Variant, settings: &Settings) -> Result<Counted, LabError> {
    Counted::over_seeds(settings).ours(variant.name, |seed| {
        let keys = keys::hashes(WATCHED, seed);
        let (added, removed) = comings_and_goings((variant.build)(NODES, seed)?, &keys, seed)?;
        Ok(added.and(removed).excess())
    })
}

/// The same of the ring, beside one that is built anew.
pub(super) fn excess_of_ring(settings: &Settings) -> Result<Samples, LabError> {
    let counted = excess_of(Variant::of::<Ring<u64>>(), settings)?;
    #[cfg(feature = "rivals")]
    let counted = {
        let [before, after] = [NODES, NODES + 1].map(rivals::ketama);
        counted.rival("pingora-ketama, rebuilt", |seed| {
            let keys = keys::random(WATCHED, seed);
            let owners = |ring: &pingora_ketama::Continuum| -> Vec<_> {
                keys.iter().map(|key| ring.node(key.as_ref())).collect()
            };
            let new = Some(rivals::address(NODES));
            Ok(needless(&owners(&before), &owners(&after), &new))
        })?
    };
    Ok(counted.samples())
}

/// The same of the slot table, beside one that is built anew.
pub(super) fn excess_of_slot_table(settings: &Settings) -> Result<Samples, LabError> {
    let counted = excess_of(Variant::of::<SlotTable<u64>>(), settings)?;
    #[cfg(feature = "rivals")]
    let counted = {
        use maglev::ConsistentHasher as _;
        let [before, after] = [NODES, NODES + 1].map(rivals::maglev);
        counted.rival("maglev, rebuilt", |seed| {
            let keys = keys::random(WATCHED, seed);
            let owners = |table: &rivals::Maglev| -> Vec<_> {
                keys.iter().map(|key| table.get(key).copied()).collect()
            };
            Ok(needless(&owners(&before), &owners(&after), &Some(NODES)))
        })?
    };
    Ok(counted.samples())
}

/// What moved without need when a new node came, of the ideal.
#[cfg(feature = "rivals")]
fn needless<N: PartialEq>(before: &[N], after: &[N], new: &N) -> f64 {
    let share = 1.0 / (NODES + 1) as f64;
    Moved::between(before, after, share, |_, to| to == new).excess()
}

/// What moves without need when nodes get twice their weight, of the ideal.
pub(super) fn excess_of_weight<K: Kind>(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours(K::NAME, |seed| {
        let keys = keys::hashes(WATCHED, seed);
        let mut excess = 0.0;
        for node in 0..5 {
            let mut placement: Changing = Box::new(K::of(NODES, seed)?);
            excess += movement::double(&mut placement, node, &keys)?.excess();
        }
        Ok(excess)
    });
    Ok(counted?.samples())
}

/// The standard deviation of the shares of a ring of 1,000 nodes, in percent of the mean: of the
/// ranges themselves, not of a sample of keys.
pub(super) fn balance_of_ring(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours("ring", |seed| {
        let ring = Ring::<u64>::of(1_000, seed)?;
        Ok(Shares::of(&ring, keys::evenly_spaced(22)).deviation())
    });
    Ok(counted?.samples())
}

/// How surprising the shares of 100 nodes out of 200 are, of which the others have left: the
/// distance of chi-squared from what chance gives, in its standard deviations.
pub(super) fn surprise_when_half_left<K: Kind>(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours(K::NAME, |seed| {
        let mut placement = K::of(2 * NODES, seed)?;
        let mut nodes: Vec<u64> = (0..2 * NODES).collect();
        SplitMix64::new(seed).shuffle(&mut nodes);
        for (gone, _) in nodes.iter().zip(0..NODES) {
            placement.remove(gone.id())?;
        }
        surprise(&placement, seed)
    });
    Ok(counted?.samples())
}

/// The same with all nodes there.
pub(super) fn surprise_when_whole<K: Kind>(settings: &Settings) -> Result<Samples, LabError> {
    let counted =
        Counted::over_seeds(settings).ours(K::NAME, |seed| surprise(&K::of(NODES, seed)?, seed));
    Ok(counted?.samples())
}

fn surprise(placement: &dyn Membership<Node = u64>, seed: u64) -> Result<f64, LabError> {
    Ok(Shares::of(placement, keys::hashes(1_000_000, seed))
        .surprise()
        .abs())
}

/// A ring of 1,000 nodes.
const POINTS: f64 = 160_000.0;

/// Bytes a point of a ring takes, its share of the index included.
pub(super) fn memory_of_ring(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours("ring", |seed| {
        Ok(Bytes::of::<Ring<u64>>(1_000, seed)?.own() / POINTS)
    });
    Ok(counted?.samples())
}

/// Bytes a slot of a table takes, for lookups and for changes.
pub(super) fn memory_of_slot_table(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours("slot-table", |seed| {
        let slots = SlotTable::<u64>::of(1_000, seed)?.slots();
        Ok(Bytes::of::<SlotTable<u64>>(1_000, seed)?.own() / slots as f64)
    });
    Ok(counted?.samples())
}

/// The most memory while it is built, relative to what is kept of it, at 1,000 nodes.
pub(super) fn memory_of_building<K: Kind>(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours(K::NAME, |seed| {
        let bytes = Bytes::of::<K>(1_000, seed)?;
        Ok(bytes.peak / bytes.kept)
    });
    Ok(counted?.samples())
}

/// A capped table of 512 slots a node.
fn capped(nodes: usize, percent: u32, seed: u64) -> Result<SlotTable<u64>, LabError> {
    let builder = SlotTable::builder().seed(seed).slots(512 * nodes);
    Ok(builder
        .max_overload_percent(percent)
        .build(0..nodes as u64)?)
}

/// What moves without need in a capped table.
pub(super) fn excess_of_capped<const NODES: usize, const PERCENT: u32>(
    settings: &Settings,
) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours("slot-table, capped", |seed| {
        let keys = keys::hashes(WATCHED, seed);
        let (added, removed) =
            comings_and_goings(Box::new(capped(NODES, PERCENT, seed)?), &keys, seed)?;
        Ok(added.and(removed).excess())
    });
    Ok(counted?.samples())
}

/// The slots of the fullest node of a capped table, in equal shares.
pub(super) fn balance_of_capped(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours("slot-table, capped", |seed| {
        Ok(Shares::of(&capped(128, 5, seed)?, keys::evenly_spaced(16)).fullest())
    });
    Ok(counted?.samples())
}
