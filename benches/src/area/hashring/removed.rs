//! Bucket hashes that can lose any node, with half of their nodes gone.

use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_hashring::{Anchor, Identity as _, Memento, PlacementExt as _};

use super::keys;
#[cfg(feature = "rivals")]
use super::rivals;
use super::variants::Kind;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::Contest;

/// Twice `N` nodes, of which `N` have left, in random order.
pub(super) fn half<const N: u64>(settings: &Settings) -> Result<Contest, LabError> {
    let mut nodes: Vec<u64> = (0..2 * N).collect();
    SplitMix64::new(settings.seed).shuffle(&mut nodes);
    let (gone, _) = nodes.split_at(nodes.len() / 2);
    let memento = Memento::builder().seed(settings.seed).build(0..2 * N)?;
    let memento = without(gone, memento)?;
    // No room for more than were there at most: its fastest.
    let capacity = u32::try_from(2 * N).unwrap_or(u32::MAX);
    let anchor = Anchor::builder().seed(settings.seed).capacity(capacity);
    let anchor = without(gone, anchor.build(0..2 * N)?)?;
    let contest = Contest::over(keys::random(keys::TIMED, settings.seed))
        .ours("Memento", move |key| memento.owner_of(key))
        // Ours too, but the yardstick here: it pays for its speed by a fixed capacity.
        .rival("our Anchor", move |key| anchor.owner_of(key));
    #[cfg(feature = "rivals")]
    let contest = contest
        .rival(
            "consistent-choose-k (foldhash)",
            rivals::in_choose_k(2 * N, gone),
        )
        .rival("anchorhash", rivals::in_anchorhash(2 * N, gone));
    Ok(contest.build())
}

fn without<K: Kind>(gone: &[u64], mut placement: K) -> Result<K, LabError> {
    for node in gone {
        placement.remove(node.id())?;
    }
    Ok(placement)
}
