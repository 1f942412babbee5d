//! Our placements, in the one shape in which the lab builds, times and changes them.

use alloc::rc::Rc;

use purlin_hashring::bucket::{BucketHash, Flip, Jump};
use purlin_hashring::{
    Anchor, Buckets, BuildError, Maglev, Membership, Memento, PlacementExt as _, Rendezvous, Ring,
    SlotTable,
};

use super::keys::Key;
use super::memory::Bytes;
use crate::error::LabError;
use crate::versus::{Contender, Contest};

/// A placement with the defaults a user gets. Its nodes are numbers and have weight 1.
pub(super) trait Kind: Membership<Node = u64> + Clone + Sized + 'static {
    /// As in the crate's registry, with `-` for `_`.
    const NAME: &'static str;

    /// Over these nodes.
    fn over(nodes: Vec<u64>, seed: u64) -> Result<Self, BuildError>;

    /// Over the nodes 0, 1, 2, ..
    fn of(nodes: u64, seed: u64) -> Result<Self, BuildError> {
        Self::over((0..nodes).collect(), seed)
    }
}

macro_rules! kind {
    ($type:ident, $name:literal) => {
        impl Kind for $type<u64> {
            const NAME: &'static str = $name;

            fn over(nodes: Vec<u64>, seed: u64) -> Result<Self, BuildError> {
                $type::builder().seed(seed).build(nodes)
            }
        }
    };
}

kind!(SlotTable, "slot-table");
kind!(Ring, "ring");
kind!(Rendezvous, "rendezvous");
kind!(Maglev, "maglev");
kind!(Memento, "memento");

impl<H: BucketHash + 'static> Kind for Buckets<u64, H> {
    const NAME: &'static str = H::NAME;

    fn over(nodes: Vec<u64>, seed: u64) -> Result<Self, BuildError> {
        Buckets::builder().seed(seed).hash::<H>().build(nodes)
    }
}

impl Kind for Anchor<u64> {
    const NAME: &'static str = "anchor";

    /// Its capacity has to be chosen: twice the nodes, as its docs advise, and enough for a few
    /// more where there are very few.
    fn over(nodes: Vec<u64>, seed: u64) -> Result<Self, BuildError> {
        let capacity = u32::try_from(2 * nodes.len()).unwrap_or(u32::MAX).max(16);
        Anchor::builder().seed(seed).capacity(capacity).build(nodes)
    }
}

/// A placement that can change.
pub(super) type Changing = Box<dyn Membership<Node = u64>>;

/// Makes a contender of so many nodes and a seed.
type Lookup = fn(u64, u64, Rc<[Key]>) -> Result<Contender, LabError>;

/// A [`Kind`] without its type.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) build: fn(u64, u64) -> Result<Changing, BuildError>,
    /// Alone over these keys, to be timed: the one place where it must keep its type.
    pub(super) lookup: Lookup,
    pub(super) bytes: fn(u64, u64) -> Result<Bytes, LabError>,
}

impl Variant {
    pub(super) const fn of<K: Kind>() -> Self {
        Self {
            name: K::NAME,
            build: |nodes, seed| Ok(Box::new(K::of(nodes, seed)?)),
            lookup: |nodes, seed, keys| {
                let placement = K::of(nodes, seed)?;
                let contest = Contest::over_shared(keys);
                let contest = contest.ours(K::NAME, move |key| placement.owner_of(key));
                Ok(contest.build().into_ours())
            },
            bytes: Bytes::of::<K>,
        }
    }
}

/// All of them.
pub(super) const VARIANTS: [Variant; 8] = [
    Variant::of::<SlotTable<u64>>(),
    Variant::of::<Ring<u64>>(),
    Variant::of::<Rendezvous<u64>>(),
    Variant::of::<Maglev<u64>>(),
    Variant::of::<Buckets<u64, Flip>>(),
    Variant::of::<Buckets<u64, Jump>>(),
    Variant::of::<Memento<u64>>(),
    Variant::of::<Anchor<u64>>(),
];

/// Their names.
pub(super) const NAMES: [&str; VARIANTS.len()] = {
    let mut names = [""; VARIANTS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = VARIANTS[at].name;
        at += 1;
    }
    names
};
