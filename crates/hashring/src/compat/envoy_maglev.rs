//! The Maglev table of Envoy.

use super::{Backend, Route, backends, refused, static_placement};
use crate::algorithm::maglev::table::{self, Sequence, Turns};
use crate::error::{BuildError, MembershipError};
use alloc::vec;
use alloc::vec::Vec;
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeIdx, Weight};
use xxhash_rust::xxh64::xxh64;

/// The table of Envoy's policy `MAGLEV`.
///
/// As [`Maglev`](crate::Maglev), with a node's sequence of slots from XXH64 of its label with seeds
/// 0 and 1, turns in the order of labels, weights as shares in double precision, and the key's slot
/// its XXH64 modulo the table size. (Envoy, `maglev_lb.cc`; its compact table answers the same.)
///
/// The label is the address of the endpoint, `10.0.0.1:80` (or its hostname, where Envoy is told to
/// hash that). Weights of localities are not in here: multiply them in. Where Envoy has a single
/// hash policy, on a header with one value, say, its hash of the request is
/// [`hash_key`](Self::hash_key) of that value.
///
/// Lookup O(1); building O(slots log slots), with unequal weights O(slots (log slots + log nodes));
/// 2 bytes a slot.
///
/// ```
/// use purlin_hashring::compat::EnvoyMaglev;
///
/// let table = EnvoyMaglev::builder()
///     .table_size(7)
///     .build((90..96).map(|port| (format!("127.0.0.1:{port}"), 1, port)))?;
/// let owners: Vec<_> = table.slots().map(|node| node.0).collect();
/// assert_eq!(owners, [2, 4, 0, 1, 5, 0, 3]); // as Envoy's own test has it
/// # Ok::<(), purlin_hashring::BuildError>(())
/// ```
///
/// Ask by `lookup` or `hash_key`: `owner_of` and `node_of` hash by XXH3 and do not agree with the
/// other system.
#[derive(Clone, Debug)]
pub struct EnvoyMaglev<T> {
    nodes: Vec<T>,
    route: Table,
}

impl EnvoyMaglev<()> {
    /// The options of a table.
    #[must_use]
    pub fn builder() -> EnvoyMaglevBuilder {
        EnvoyMaglevBuilder::default()
    }

    /// The hash of a key: its XXH64 with seed 0.
    #[must_use]
    pub fn hash_key(key: impl AsRef<[u8]>) -> KeyHash {
        KeyHash(xxh64(key.as_ref(), 0))
    }
}

impl<T> EnvoyMaglev<T> {
    /// A table of 65,537 slots, Envoy's default, from `(label, weight, node)`.
    ///
    /// # Errors
    ///
    /// As [`EnvoyMaglevBuilder::build`].
    pub fn new<L: AsRef<str>, W: Into<Weight>>(
        nodes: impl IntoIterator<Item = (L, W, T)>,
    ) -> Result<Self, BuildError> {
        EnvoyMaglevBuilder::default().build(nodes)
    }

    /// The owners of the slots, in order; nothing while no node has a weight. Slot `s` of `m` holds
    /// the hashes that are `s` modulo `m`.
    #[must_use]
    pub fn slots(&self) -> impl ExactSizeIterator<Item = NodeIdx> {
        self.route.slots.iter().map(|&node| NodeIdx(node.into()))
    }
}

static_placement!(EnvoyMaglev);

/// Options of an [`EnvoyMaglev`] table.
#[derive(Clone, Debug)]
pub struct EnvoyMaglevBuilder {
    table_size: u64,
}

impl Default for EnvoyMaglevBuilder {
    fn default() -> Self {
        Self {
            table_size: table::DEFAULT_SIZE,
        }
    }
}

impl EnvoyMaglevBuilder {
    /// The number of slots: a prime, at most 5,000,011. 65,537 unless set. Where there are fewer
    /// slots than nodes, some nodes have none.
    #[must_use]
    pub fn table_size(self, table_size: u64) -> Self {
        Self { table_size }
    }

    /// Fills the table from `(label, weight, node)`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Option`] if the table size is not prime or too large; [`BuildError::Member`]
    /// for two equal labels, and for more than 65,535 nodes.
    pub fn build<L: AsRef<str>, W: Into<Weight>, T>(
        self,
        nodes: impl IntoIterator<Item = (L, W, T)>,
    ) -> Result<EnvoyMaglev<T>, BuildError> {
        if !table::is_table_size(self.table_size) {
            return Err(BuildError::Option {
                option: "table_size",
                value: self.table_size,
                bound: table::SIZE_BOUND,
            });
        }
        let (nodes, mut backends) = backends(nodes, |label| label)?;
        if nodes.len() > table::MAX_NODES {
            let limit = table::MAX_NODES as u64;
            return Err(refused(
                table::MAX_NODES,
                MembershipError::TooManyNodes { limit },
            ));
        }
        backends.sort_unstable_by(|a, b| a.label.cmp(&b.label));
        let route = Table::new(self.table_size, &backends);
        Ok(EnvoyMaglev { nodes, route })
    }
}

#[derive(Clone, Debug)]
struct Table {
    /// The owner of each slot. Empty while no node takes keys.
    slots: Vec<u16>,
    owners: usize,
}

impl Table {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "sizes fit `u32`, node indices `u16`: both have limits"
    )]
    fn new(size: u64, backends: &[Backend]) -> Self {
        // In the first round everyone claims a slot.
        let owners = backends.len().min(size as usize);
        if owners == 0 {
            let slots = Vec::new();
            return Self { slots, owners };
        }
        let mut sequences: Vec<_> = backends
            .iter()
            .map(|backend| Sequence {
                node: backend.index as u16,
                next: (xxh64(backend.label.as_bytes(), 0) % size) as u32,
                skip: (xxh64(backend.label.as_bytes(), 1) % (size - 1) + 1) as u32,
            })
            .collect();
        let mut slots = vec![table::FREE; size as usize];
        if backends
            .iter()
            .all(|backend| backend.weight == backends[0].weight)
        {
            table::fill(&mut slots, &mut sequences, (0..backends.len()).cycle());
        } else {
            let turns = Turns::new(backends.len(), next_round(backends));
            table::fill(&mut slots, &mut sequences, turns);
        }
        Self { slots, owners }
    }
}

/// In which round a node that had its turn has the next one, by Envoy's rule: a target that begins
/// with 0 and grows by the greatest share with each turn; the node's turn comes when the number of
/// the round times its share has reached the target. Shares and targets are rounded as Envoy's.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what C++ does; rounds are far below 2^53"
)]
fn next_round(backends: &[Backend]) -> impl FnMut(usize) -> u64 {
    let total: u64 = backends
        .iter()
        .map(|backend| u64::from(backend.weight))
        .sum();
    let share = |backend: &Backend| f64::from(backend.weight) / total as f64;
    let mut nodes: Vec<_> = backends
        .iter()
        .map(|backend| (share(backend), 0.0))
        .collect();
    let greatest = nodes.iter().map(|node| node.0).fold(0.0, f64::max);
    move |place| {
        let (share, target) = &mut nodes[place];
        *target += greatest;
        // The quotient is rounded: begin one below, which is never past the first such round.
        let mut round = ((*target / *share) as u64).saturating_sub(1);
        while round as f64 * *share < *target {
            round += 1;
        }
        round
    }
}

impl Route for Table {
    #[inline]
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        self.walk(key).next()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is below the length of a list"
    )]
    fn walk(&self, key: KeyHash) -> impl Iterator<Item = NodeIdx> {
        let slot = key.0.checked_rem(self.slots.len() as u64).unwrap_or(0);
        let (before, after) = self.slots.split_at(slot as usize);
        after.iter().chain(before).map(|&node| NodeIdx(node.into()))
    }

    fn owners(&self) -> usize {
        self.owners
    }
}
