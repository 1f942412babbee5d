//! A placement as data: what has to be known to make it again.

use super::{Algorithm, AnyPlacement, Options, Registered};
use crate::error::BuildError;
use crate::member::{Identity, Locality, Member};
use crate::roster::{MemberRef, Roster};
use alloc::vec;
use alloc::vec::Vec;
use purlin_core::node::{Epoch, NodeId, NodeIdx, Weight};

/// A placement as data, with feature `serde` to be stored or sent: algorithm, options, epoch and
/// members, with their indices.
///
/// What is restored from it answers every lookup as the original did, indices included, on any
/// machine and in every version of this crate that knows the format; and it goes on as the original
/// would have. O(nodes): tables and points are computed again, so that what it costs to restore
/// one, in time and memory, is up to whoever wrote it: take snapshots from those you trust. It
/// carries no checksum and no signature.
///
/// ```
/// use purlin_hashring::registry::Snapshot;
/// use purlin_hashring::{Identity, Member, Membership, Placement, PlacementExt, SlotTable};
///
/// let mut table = SlotTable::builder().seed(7).build(["a", "b", "c"].map(String::from))?;
/// table.add(Member::new("d".to_string()).weight(2))?;
/// table.remove("b".id())?;
///
/// // Of the type it was, or of any; straight away, or with serde by way of any format.
/// let restored = SlotTable::try_from(Snapshot::of(&table))?;
/// let any = Snapshot::of(&table).restore()?;
/// assert_eq!(restored.owner_of("user:42"), table.owner_of("user:42"));
/// assert_eq!(any.owner_of("user:42"), table.owner_of("user:42"));
/// assert_eq!(any.epoch(), table.epoch());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Snapshot<T> {
    /// The version of this format.
    format: u32,
    algorithm: Algorithm,
    options: Options,
    epoch: Epoch,
    /// In the order of their indices, which are those that are not gaps.
    members: Vec<Seated<T>>,
    /// The indices without a member, in the order in which they came to be.
    gaps: Vec<NodeIdx>,
}

/// A member with its identity, which what was read back must still have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Seated<T> {
    id: NodeId,
    node: T,
    weight: Weight,
    locality: Locality,
}

/// The format that is written, and the only one there has been.
const FORMAT: u32 = 1;

/// Why a [`Snapshot`] cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It was written in a format of a later version.
    #[error("the snapshot has format {found}; this version reads {FORMAT}")]
    Format {
        /// The format it has.
        found: u32,
    },
    /// It is of another algorithm than the type that it is to become.
    #[error("the snapshot is of algorithm {found}, not of {expected}")]
    Algorithm {
        /// Its algorithm.
        found: Algorithm,
        /// That of the type.
        expected: Algorithm,
    },
    /// The node says that it has another identity than when the snapshot was taken: it would own
    /// other keys.
    #[error("the node at {index} was {was} when the snapshot was taken and now is {is}")]
    Identity {
        /// Its index.
        index: NodeIdx,
        /// The identity in the snapshot.
        was: NodeId,
        /// The identity of the node.
        is: NodeId,
    },
    /// Its list of gaps names an index twice or one too high, or its algorithm leaves no gaps.
    #[error("the snapshot's list of gaps is impossible")]
    Gaps,
    /// Its members or options cannot be.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl<T: Clone> Snapshot<T> {
    /// The snapshot of a placement. O(nodes).
    #[must_use]
    pub fn of<P: Registered<Node = T> + ?Sized>(placement: &P) -> Self {
        let roster = placement.roster();
        let seated = |member: MemberRef<'_, T>| Seated {
            id: member.id,
            node: member.node.clone(),
            weight: member.weight,
            locality: member.locality,
        };
        Self {
            format: FORMAT,
            algorithm: placement.algorithm(),
            options: placement.options(),
            epoch: placement.epoch(),
            members: roster.iter().map(seated).collect(),
            gaps: roster.seats.gaps().to_vec(),
        }
    }
}

impl<T: Identity> Snapshot<T> {
    /// The algorithm of the placement.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The options of the placement, on which it depends what restoring it costs.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The epoch of the placement: to see which of two snapshots is the newer, before restoring it.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Makes the placement again. As a type of this crate: `SlotTable::try_from(snapshot)` and so
    /// on.
    ///
    /// # Errors
    ///
    /// [`RestoreError`], where the format is of a later version, or what is in it cannot be.
    pub fn restore(self) -> Result<AnyPlacement<T>, RestoreError>
    where
        T: Send + Sync + 'static,
    {
        let algorithm = self.algorithm;
        let (options, roster, epoch) = self.parts(None)?;
        Ok(algorithm.over(&options, roster, epoch)?)
    }

    /// What a builder needs, checked.
    pub(super) fn parts(
        self,
        expected: Option<Algorithm>,
    ) -> Result<(Options, Roster<T>, Epoch), RestoreError> {
        if self.format != FORMAT {
            return Err(RestoreError::Format { found: self.format });
        }
        if let Some(expected) = expected.filter(|&expected| expected != self.algorithm) {
            let found = self.algorithm;
            return Err(RestoreError::Algorithm { found, expected });
        }
        self.algorithm.check_options(&self.options)?;
        let bound = self.members.len() + self.gaps.len();
        let mut is_gap = vec![false; bound];
        for gap in &self.gaps {
            match is_gap.get_mut(gap.get()) {
                Some(is_gap) if !*is_gap => *is_gap = true,
                _ => return Err(RestoreError::Gaps),
            }
        }
        if !self.gaps.is_empty() && !self.algorithm.variant().capabilities.arbitrary_removal {
            return Err(RestoreError::Gaps);
        }
        let mut seated = self.members.into_iter();
        let mut members = Vec::with_capacity(bound);
        for (index, is_gap) in (0_u32..).zip(is_gap) {
            // As many are no gaps as there are members.
            let Some(seated) = (!is_gap).then(|| seated.next()).flatten() else {
                members.push(None);
                continue;
            };
            let (was, is) = (seated.id, seated.node.id());
            if was != is {
                let index = NodeIdx(index);
                return Err(RestoreError::Identity { index, was, is });
            }
            let member = Member::new(seated.node).weight(seated.weight);
            members.push(Some((seated.id, member.locality(seated.locality))));
        }
        let roster = Roster::with_gaps(members, self.gaps)
            .map_err(|(position, reason)| BuildError::Member { position, reason })?;
        Ok((self.options, roster, self.epoch))
    }
}
