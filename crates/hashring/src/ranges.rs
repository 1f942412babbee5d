//! Placements that give each node whole ranges of hashes.

use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;
use purlin_core::placement::Placement;

/// The hashes from `start` to `end`, both included. It never wraps: an arc across the end of the
/// circle is two ranges.
///
/// ```
/// use purlin_hashring::{HashRange, KeyHash};
///
/// let range = HashRange { start: 10, end: 19 };
/// assert!(range.contains(KeyHash(19)) && !range.contains(KeyHash(20)));
/// assert_eq!(range.len(), 10);
/// assert_eq!(HashRange::ALL.len(), 1 << 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HashRange {
    /// The first hash.
    pub start: u64,
    /// The last hash.
    pub end: u64,
}

impl HashRange {
    /// All hashes.
    pub const ALL: Self = Self {
        start: 0,
        end: u64::MAX,
    };

    /// Whether the hash is one of them.
    #[must_use]
    #[inline]
    pub const fn contains(&self, key: KeyHash) -> bool {
        self.start <= key.0 && key.0 <= self.end
    }

    /// How many hashes there are: up to 2^64. None if `end` is before `start`.
    #[must_use]
    pub const fn len(&self) -> u128 {
        (self.end as u128 + 1).saturating_sub(self.start as u128)
    }

    /// Whether `end` is before `start`. Ranges of placements never are empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.end < self.start
    }
}

/// A placement in which neighbouring hashes mostly have the same owner, so that what a node owns
/// can be listed as ranges.
///
/// [`ranges`](RangedExt::ranges) lists them, [`diff`](crate::diff) compares two placements.
///
/// # Implementing
///
/// Answer ranges as long as the algorithm has them, for they are counted and walked. Object-safe.
pub trait Ranged: Placement {
    /// The last hash that certainly has the same owner and replicas as `from`, and so have all
    /// between; and that owner. Never before `from`.
    fn next_boundary(&self, from: KeyHash) -> (KeyHash, Option<NodeIdx>);
}

macro_rules! ranged_through {
    ($($(#[$when:meta])* $pointer:ty),*) => {$(
        $(#[$when])*
        impl<P: Ranged + ?Sized> Ranged for $pointer {
            fn next_boundary(&self, from: KeyHash) -> (KeyHash, Option<NodeIdx>) {
                (**self).next_boundary(from)
            }
        }
    )*};
}

ranged_through!(&P, alloc::boxed::Box<P>, #[cfg(target_has_atomic = "ptr")] alloc::sync::Arc<P>);

/// The ranges of a [`Ranged`] placement. Every one has it, behind `dyn` too.
pub trait RangedExt: Ranged {
    /// All hashes, in order, as the longest ranges of one owner; the owner is `None` only when no
    /// node takes keys. O(ranges), without allocation.
    ///
    /// ```
    /// use purlin_hashring::{BuildError, Placement, RangedExt, Ring};
    ///
    /// let ring = Ring::new(["a", "b", "c"])?;
    /// let a = ring.ranges().filter(|&(_, owner)| owner.and_then(|owner| ring.node(owner)) == Some(&"a"));
    /// let share = a.map(|(range, _)| range.len() as f64).sum::<f64>() / 2_f64.powi(64);
    /// assert!((0.25..0.42).contains(&share));
    /// # Ok::<(), BuildError>(())
    /// ```
    fn ranges(&self) -> impl Iterator<Item = (HashRange, Option<NodeIdx>)> {
        let first = Some(Run::from(self, 0));
        let runs = core::iter::successors(first, |run| run.next(self));
        merged(runs.map(|run| (run.range, run.owner)))
    }
}

impl<P: Ranged + ?Sized> RangedExt for P {}

/// A range as [`Ranged`] gives it, not yet merged with its neighbours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) range: HashRange,
    pub(crate) owner: Option<NodeIdx>,
}

impl Run {
    pub(crate) fn from(placement: &(impl Ranged + ?Sized), start: u64) -> Self {
        let (last, owner) = placement.next_boundary(KeyHash(start));
        let end = last.0;
        Self {
            range: HashRange { start, end },
            owner,
        }
    }

    pub(crate) fn next(&self, placement: &(impl Ranged + ?Sized)) -> Option<Self> {
        let start = self.range.end.checked_add(1)?;
        Some(Self::from(placement, start))
    }
}

/// Joins neighbours of equal value. The ranges follow each other without gaps.
pub(crate) fn merged<V: PartialEq>(
    mut ranges: impl Iterator<Item = (HashRange, V)>,
) -> impl Iterator<Item = (HashRange, V)> {
    let mut next = ranges.next();
    core::iter::from_fn(move || {
        let (mut range, value) = next.take()?;
        loop {
            next = ranges.next();
            match &next {
                Some((more, same)) if *same == value => range.end = more.end,
                _ => return Some((range, value)),
            }
        }
    })
}
