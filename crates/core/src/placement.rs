//! Placement: which node owns a key.

use crate::hash::{KeyHash, KeyHasher, Xxh3};
use crate::node::{Epoch, NodeIdx};

/// A rule that gives every key an owner and an ordered list of replicas.
///
/// Consistent-hash rings, rendezvous hashing, lookup tables and hand-made shard maps are all
/// placements; balancers, shard routers and quorum coordinators consume them without knowing which.
/// Answers depend on the membership, whose changes raise the [`epoch`](Self::epoch). Object-safe.
///
/// # Implementing
///
/// * `owner` is the first of `replicas`, and answers `None` exactly when no node can take keys.
/// * `replicas` writes distinct nodes, at most `out.len()`, best first, and answers how many; it
///   does not allocate.
/// * The same membership, weights and seed give the same answers on every machine and in every
///   version.
/// * `node` answers for every index that `owner` or `replicas` returned; `len` counts the nodes
///   that `node` knows.
///
/// ```
/// use purlin_core::hash::KeyHash;
/// use purlin_core::node::{Epoch, NodeIdx};
/// use purlin_core::placement::{Placement, PlacementExt};
///
/// /// Equal slices of the hash space: simple, but a change of membership moves most keys.
/// struct Slices(Vec<&'static str>);
///
/// impl Placement for Slices {
///     type Node = &'static str;
///
///     fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
///         let mut first = [NodeIdx::default()];
///         (self.replicas(key, &mut first) == 1).then_some(first[0])
///     }
///
///     fn replicas(&self, key: KeyHash, out: &mut [NodeIdx]) -> usize {
///         let len = self.0.len() as u128;
///         let first = (u128::from(key.0) * len) >> 64;
///         let count = out.len().min(self.0.len());
///         for (i, slot) in out[..count].iter_mut().enumerate() {
///             *slot = NodeIdx(((first + i as u128) % len) as u32);
///         }
///         count
///     }
///
///     fn node(&self, index: NodeIdx) -> Option<&Self::Node> {
///         self.0.get(index.get())
///     }
///
///     fn len(&self) -> usize {
///         self.0.len()
///     }
///
///     fn epoch(&self) -> Epoch {
///         Epoch(1)
///     }
/// }
///
/// let placement = Slices(vec!["a", "b", "c"]);
/// let owner = placement.owner_of("user:42").expect("there are nodes");
/// assert_eq!(Some(owner), placement.owner_of("user:42"));
/// assert_eq!(Slices(vec![]).owner_of("user:42"), None);
/// ```
pub trait Placement {
    /// What a node is to the user: a name, an address, a connection.
    type Node;

    /// The node that owns the key, or `None` when no node can take keys.
    fn owner(&self, key: KeyHash) -> Option<NodeIdx>;

    /// Writes the key's nodes to `out`, best first and all distinct, and answers how many were
    /// written: fewer than `out.len()` only where there are not that many.
    fn replicas(&self, key: KeyHash, out: &mut [NodeIdx]) -> usize;

    /// The node at this index of the present membership.
    fn node(&self, index: NodeIdx) -> Option<&Self::Node>;

    /// How many nodes there are, drained ones included.
    fn len(&self) -> usize;

    /// The version of the membership.
    fn epoch(&self) -> Epoch;

    /// Whether there is no node at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Placement by key rather than by hash. Every [`Placement`] has it, behind `dyn` too.
///
/// Keys are hashed by unseeded [`Xxh3`]; integers go in as `to_le_bytes()`. With another hasher,
/// call `placement.owner(hasher.hash_bytes(key))`.
pub trait PlacementExt: Placement {
    /// The index of the node that owns the key.
    #[inline]
    fn owner_of(&self, key: impl AsRef<[u8]>) -> Option<NodeIdx> {
        self.owner(Xxh3::new().hash_bytes(key.as_ref()))
    }

    /// The node that owns the key.
    #[inline]
    fn node_of(&self, key: impl AsRef<[u8]>) -> Option<&Self::Node> {
        self.node(self.owner_of(key)?)
    }

    /// [`Placement::replicas`] of the key.
    #[inline]
    fn replicas_of(&self, key: impl AsRef<[u8]>, out: &mut [NodeIdx]) -> usize {
        self.replicas(Xxh3::new().hash_bytes(key.as_ref()), out)
    }
}

impl<P: Placement + ?Sized> PlacementExt for P {}

macro_rules! through_pointer {
    ($($(#[$when:meta])* $pointer:ty),*) => {$(
        $(#[$when])*
        impl<T: Placement + ?Sized> Placement for $pointer {
            type Node = T::Node;

            #[inline]
            fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
                (**self).owner(key)
            }

            #[inline]
            fn replicas(&self, key: KeyHash, out: &mut [NodeIdx]) -> usize {
                (**self).replicas(key, out)
            }

            #[inline]
            fn node(&self, index: NodeIdx) -> Option<&Self::Node> {
                (**self).node(index)
            }

            #[inline]
            fn len(&self) -> usize {
                (**self).len()
            }

            #[inline]
            fn epoch(&self) -> Epoch {
                (**self).epoch()
            }

            #[inline]
            fn is_empty(&self) -> bool {
                (**self).is_empty()
            }
        }
    )*};
}

for_shared_pointers!(through_pointer);
