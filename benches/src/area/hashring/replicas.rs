//! Choosing three replicas, beside finding the owner alone.

use allocation_counter::measure;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;
use purlin_hashring::{Membership, PlacementExt as _, SlotTable};

use super::keys;
use super::variants::{Kind, VARIANTS};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::Counted;
use crate::versus::{Contest, Samples};

/// How many replicas of a key.
const REPLICAS: usize = 3;

/// What the owner alone is called, for the bars.
const OWNER: &str = "its owner alone";

/// The replicas of a placement of 100 nodes, which are all in one place.
pub(super) fn three<K: Kind>(settings: &Settings) -> Result<Contest, LabError> {
    let placement = K::of(100, settings.seed)?;
    Ok(beside_owner(placement, settings))
}

fn beside_owner<K: Kind>(placement: K, settings: &Settings) -> Contest {
    let same = placement.clone();
    Contest::over(keys::random(keys::TIMED, settings.seed))
        .ours(K::NAME, move |key| {
            let mut replicas = [NodeIdx::default(); REPLICAS];
            (placement.replicas_of(key, &mut replicas), replicas)
        })
        .floor(OWNER, move |key| same.owner_of(key))
        .build()
}

/// Allocations by a thousand lookups of every kind, over all variants: the owner, three replicas,
/// and the first node that is not the owner.
pub(super) fn allocations(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours("all variants", |seed| {
        let keys = keys::hashes(1_000, seed);
        let mut allocations = 0;
        for variant in &VARIANTS {
            let placement = (variant.build)(100, seed)?;
            let info = measure(|| keys.iter().for_each(|key| look_up(&*placement, *key)));
            allocations += info.count_total;
        }
        Ok(allocations as f64)
    });
    Ok(counted?.samples())
}

fn look_up(placement: &dyn Membership<Node = u64>, key: KeyHash) {
    let mut replicas = [NodeIdx::default(); REPLICAS];
    let owner = placement.owner(key);
    let count = placement.replicas(key, &mut replicas);
    let next = placement.owner_where(key, &mut |node| Some(node) != owner);
    core::hint::black_box((owner, count, replicas, next));
}

/// The same of a table that has rows of replicas.
pub(super) fn slot_table(settings: &Settings) -> Result<Contest, LabError> {
    let builder = SlotTable::builder().seed(settings.seed).replicas(REPLICAS);
    let table = builder.build((0..100).collect::<Vec<_>>())?;
    Ok(beside_owner(table, settings))
}
