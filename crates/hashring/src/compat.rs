//! Rings and tables that agree with other systems: point for point, slot for slot, key for key.
//!
//! For a client beside existing memcached clients, a service behind nginx or Envoy that must know
//! which of its nodes a request went to, or a migration away from one of them.
//!
//! | system | here | of a node is hashed |
//! |---|---|---|
//! | libmemcached (`KETAMA_WEIGHTED`), twemproxy (`ketama`), spymemcached | [`Ketama`] | MD5 of `label-0` to `label-39` |
//! | nginx (`upstream`, `hash ... consistent`), pingora-ketama | [`NginxKetama`] | CRC-32 of host, port and the point before |
//! | Envoy (`RING_HASH` with xxHash) | [`EnvoyRing`] | XXH64 of `label_0`, `label_1` ... |
//! | Envoy (`MAGLEV`) | [`EnvoyMaglev`] | XXH64 of the label, seeds 0 and 1 |
//!
//! All are built from `(label, weight, node)`, where the label is the text that the other system
//! hashes and the node is whatever is to be found. A node of weight 0 is, for the other nodes and
//! their keys, not in the list; the order of the list numbers the nodes. They are immutable: the
//! other systems build anew, too, when something changes.
//!
//! # Keys
//!
//! **The other system's hash function is part of its placement.** `lookup(key)` and `hash_key(key)`
//! of each type use it. [`PlacementExt::owner_of`](purlin_core::placement::PlacementExt::owner_of)
//! and its like hash with XXH3, here as everywhere: good placements, but not those of the other
//! system.
//!
//! ```
//! use purlin_hashring::compat::Ketama;
//! use purlin_hashring::Placement;
//!
//! let ring = Ketama::new([("localhost:11211", 8, "first"), ("localhost:11212", 8, "second")])?;
//! assert_eq!(ring.lookup("key1"), Some(&"second")); // as libmemcached has it
//! // The same in two steps, for what takes a `Placement`:
//! let owner = ring.owner(Ketama::hash_key("key1")).expect("there are nodes");
//! assert_eq!(ring.node(owner), Some(&"second"));
//! # Ok::<(), purlin_hashring::BuildError>(())
//! ```
//!
//! # Agreement at the edges
//!
//! Two points at the same place are, in 32 bits, to be expected from some 65,000 points on. Only
//! one of them can own keys, and sorting decides which: not at all defined in C, where `qsort` is
//! not stable. Here the node earlier in the list owns, as with a stable sort; with spymemcached,
//! which keeps a map, the later.

mod envoy_maglev;
mod envoy_ring;
mod ketama;
mod nginx;
mod points;

pub use envoy_maglev::{EnvoyMaglev, EnvoyMaglevBuilder};
pub use envoy_ring::{EnvoyRing, EnvoyRingBuilder};
pub use ketama::{Ketama, KetamaBuilder, KetamaDialect};
pub use nginx::{NginxKetama, NginxKetamaBuilder};

use crate::error::{BuildError, MembershipError};
use crate::member::Identity;
use alloc::string::String;
use alloc::vec::Vec;
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeIdx, Weight};

/// The limit of the number of points unless set otherwise: 128 MiB of them.
const DEFAULT_MAX_POINTS: u64 = 1 << 24;

/// The highest limit: 2 GiB of them.
const MOST_POINTS: u64 = 1 << 28;

/// Where keys go: what the types of this module differ in.
trait Route {
    fn owner(&self, key: KeyHash) -> Option<NodeIdx>;

    /// The owner and whatever follows it: every node that owns keys, at least once.
    fn walk(&self, key: KeyHash) -> impl Iterator<Item = NodeIdx>;

    /// How many nodes own keys.
    fn owners(&self) -> usize;
}

/// A node that takes keys, as the other system knows it.
struct Backend {
    /// What is hashed.
    label: String,
    weight: u32,
    /// Its place in the list.
    index: u32,
}

/// Takes a list apart into the nodes, by index, and what is hashed of those that take keys.
///
/// `canonical` is the part of a label that the other system hashes, which must differ.
fn backends<L: AsRef<str>, W: Into<Weight>, T>(
    list: impl IntoIterator<Item = (L, W, T)>,
    canonical: impl Fn(&str) -> &str,
) -> Result<(Vec<T>, Vec<Backend>), BuildError> {
    let (mut nodes, mut backends) = (Vec::new(), Vec::new());
    for (position, (label, weight, node)) in list.into_iter().enumerate() {
        let too_many = MembershipError::TooManyNodes {
            limit: u64::from(u32::MAX),
        };
        let index = u32::try_from(position).map_err(|_| refused(position, too_many))?;
        backends.push(Backend {
            label: canonical(label.as_ref()).into(),
            weight: weight.into().get(),
            index,
        });
        nodes.push(node);
    }
    let mut by_label: Vec<_> = backends
        .iter()
        .map(|b| (b.label.as_str(), b.index))
        .collect();
    by_label.sort_unstable();
    let twins = by_label.windows(2).filter(|pair| pair[0].0 == pair[1].0);
    if let Some(pair) = twins.min_by_key(|pair| pair[1].1) {
        let (label, index) = pair[1];
        let id = label.id();
        return Err(refused(index as usize, MembershipError::Duplicate { id }));
    }
    backends.retain(|backend| backend.weight > 0);
    Ok((nodes, backends))
}

fn refused(position: usize, reason: MembershipError) -> BuildError {
    BuildError::Member { position, reason }
}

/// Adds up the points of nodes, before any is computed, up to a limit.
struct Budget {
    points: u64,
    limit: u64,
}

impl Budget {
    fn new(limit: u64) -> Result<Self, BuildError> {
        if limit > MOST_POINTS {
            return Err(BuildError::Option {
                option: "max_points",
                value: limit,
                bound: "at most 268435456",
            });
        }
        Ok(Self { points: 0, limit })
    }

    fn spend(&mut self, backend: &Backend, points: u64) -> Result<(), BuildError> {
        self.points = self.points.saturating_add(points);
        let Self { points, limit } = *self;
        if points > limit {
            let reason = MembershipError::TooManyPoints { points, limit };
            return Err(refused(backend.index as usize, reason));
        }
        Ok(())
    }

    /// A list with room for what was spent.
    fn list<P>(&self) -> Vec<P> {
        Vec::with_capacity(usize::try_from(self.points).unwrap_or(usize::MAX))
    }
}

/// Implements lookups and traits for a struct `$name<T>` that has `nodes: Vec<T>` and `route: impl
/// Route`.
macro_rules! static_placement {
    ($name:ident) => {
        impl<T> $name<T> {
            /// The node to which the other system sends this key.
            pub fn lookup(&self, key: impl AsRef<[u8]>) -> Option<&T> {
                let owner = $crate::compat::Route::owner(&self.route, $name::hash_key(key))?;
                self.nodes.get(owner.get())
            }
        }

        impl<T> purlin_core::placement::Placement for $name<T> {
            type Node = T;

            #[inline]
            fn owner(&self, key: KeyHash) -> Option<purlin_core::node::NodeIdx> {
                $crate::compat::Route::owner(&self.route, key)
            }

            fn replicas(&self, key: KeyHash, out: &mut [purlin_core::node::NodeIdx]) -> usize {
                let wanted = out.len().min($crate::compat::Route::owners(&self.route));
                let walk = $crate::compat::Route::walk(&self.route, key);
                $crate::spread::first_distinct(walk, &mut out[..wanted])
            }

            #[inline]
            fn node(&self, index: purlin_core::node::NodeIdx) -> Option<&T> {
                self.nodes.get(index.get())
            }

            fn len(&self) -> usize {
                self.nodes.len()
            }

            /// Always the first one: these do not change.
            fn epoch(&self) -> purlin_core::node::Epoch {
                purlin_core::node::Epoch::default()
            }
        }

        impl<T> $crate::Preference for $name<T> {
            fn owner_where(
                &self,
                key: KeyHash,
                accept: &mut dyn FnMut(purlin_core::node::NodeIdx) -> bool,
            ) -> Option<purlin_core::node::NodeIdx> {
                $crate::compat::Route::walk(&self.route, key).find(|&node| accept(node))
            }
        }
    };
}

use static_placement;
