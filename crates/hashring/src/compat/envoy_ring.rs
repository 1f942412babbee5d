//! The ring of Envoy.

use super::points::{Points, Ties};
use super::{Backend, backends, static_placement};
use crate::error::BuildError;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeIdx, Weight};
use xxhash_rust::xxh64::xxh64;

/// Envoy's own limit for both sizes.
const MAX_RING_SIZE: u64 = 8 * 1024 * 1024;
const SIZE_BOUND: &str = "1 to 8388608, and the minimum not above the maximum";

/// The ring of Envoy's policy `RING_HASH` with its default hash function, xxHash.
///
/// The points of a node are XXH64 of `label_0`, `label_1` ... There are as few as give every node
/// at least its share of the minimum ring size: shares are in proportion to weights, and the least
/// one is a whole number of points unless the ring would exceed its maximum. A key belongs to the
/// first point at or after its own XXH64. (Envoy, `ring_hash_lb.cc`.)
///
/// The label is the address of the endpoint, `10.0.0.1:80` (or its hostname, where Envoy is told to
/// hash that). The list has the order of Envoy's: where shares are no whole numbers, it decides
/// which node has a point more. Weights of localities are not in here: multiply them in.
///
/// Where Envoy has a single hash policy, on a header with one value, say, its hash of the request
/// is [`hash_key`](Self::hash_key) of that value.
///
/// Lookup O(log points); building O(points log points); 12 bytes a point.
///
/// ```
/// use purlin_hashring::compat::EnvoyRing;
///
/// let ring = EnvoyRing::builder()
///     .minimum_ring_size(12)
///     .build((90..96).map(|port| (format!("127.0.0.1:{port}"), 1, port)))?;
/// assert_eq!(ring.points().count(), 12);
/// assert_eq!(ring.points().next().map(|(_, node)| node.0), Some(4)); // port 94
/// # Ok::<(), purlin_hashring::BuildError>(())
/// ```
///
/// Ask by `lookup` or `hash_key`: `owner_of` and `node_of` hash by XXH3 and do not agree with the
/// other system.
#[derive(Clone, Debug)]
pub struct EnvoyRing<T> {
    nodes: Vec<T>,
    route: Points<u64>,
}

impl EnvoyRing<()> {
    /// The options of a ring.
    #[must_use]
    pub fn builder() -> EnvoyRingBuilder {
        EnvoyRingBuilder::default()
    }

    /// The hash of a key: its XXH64 with seed 0.
    #[must_use]
    pub fn hash_key(key: impl AsRef<[u8]>) -> KeyHash {
        KeyHash(xxh64(key.as_ref(), 0))
    }
}

impl<T> EnvoyRing<T> {
    /// A ring of Envoy's default sizes from `(label, weight, node)`.
    ///
    /// # Errors
    ///
    /// As [`EnvoyRingBuilder::build`].
    pub fn new<L: AsRef<str>, W: Into<Weight>>(
        nodes: impl IntoIterator<Item = (L, W, T)>,
    ) -> Result<Self, BuildError> {
        EnvoyRingBuilder::default().build(nodes)
    }

    /// The points in ascending order, each with the node it belongs to.
    pub fn points(&self) -> impl Iterator<Item = (u64, NodeIdx)> {
        self.route.iter()
    }
}

static_placement!(EnvoyRing);

/// Options of an [`EnvoyRing`], named as in Envoy's configuration.
#[derive(Clone, Debug)]
pub struct EnvoyRingBuilder {
    minimum_ring_size: u64,
    maximum_ring_size: u64,
}

impl Default for EnvoyRingBuilder {
    fn default() -> Self {
        Self {
            minimum_ring_size: 1024,
            maximum_ring_size: MAX_RING_SIZE,
        }
    }
}

impl EnvoyRingBuilder {
    /// At least so many points, if the maximum allows; 1,024 unless set.
    #[must_use]
    pub fn minimum_ring_size(self, minimum_ring_size: u64) -> Self {
        Self {
            minimum_ring_size,
            ..self
        }
    }

    /// At most so many points; 8,388,608 unless set, which is also the limit.
    #[must_use]
    pub fn maximum_ring_size(self, maximum_ring_size: u64) -> Self {
        Self {
            maximum_ring_size,
            ..self
        }
    }

    /// Builds the ring from `(label, weight, node)`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Option`] for sizes out of bounds; [`BuildError::Member`] for two equal labels.
    pub fn build<L: AsRef<str>, W: Into<Weight>, T>(
        self,
        nodes: impl IntoIterator<Item = (L, W, T)>,
    ) -> Result<EnvoyRing<T>, BuildError> {
        let bound = |option, value, bounds: core::ops::RangeInclusive<u64>| {
            if bounds.contains(&value) {
                return Ok(());
            }
            Err(BuildError::Option {
                option,
                value,
                bound: SIZE_BOUND,
            })
        };
        bound(
            "maximum_ring_size",
            self.maximum_ring_size,
            1..=MAX_RING_SIZE,
        )?;
        bound(
            "minimum_ring_size",
            self.minimum_ring_size,
            1..=self.maximum_ring_size,
        )?;
        let (nodes, backends) = backends(nodes, |label| label)?;
        let route = Points::new(self.points(&backends), Ties::First);
        Ok(EnvoyRing { nodes, route })
    }

    /// Sums of floats as Envoy's, step by step: they decide who has a point more.
    #[expect(
        clippy::cast_precision_loss,
        reason = "what C++ does; sizes are far below 2^53"
    )]
    fn points(&self, backends: &[Backend]) -> Vec<(u64, u32)> {
        let total: u64 = backends
            .iter()
            .map(|backend| u64::from(backend.weight))
            .sum();
        let share = |backend: &Backend| f64::from(backend.weight) / total as f64;
        let least = backends.iter().map(share).fold(1.0, f64::min);
        let scale = (ceil(least * self.minimum_ring_size as f64) / least)
            .min(self.maximum_ring_size as f64);
        let mut points = Vec::new();
        let mut text = String::new();
        let (mut current, mut target) = (0.0, 0.0);
        for backend in backends {
            target += scale * share(backend);
            let mut i = 0;
            while current < target {
                text.clear();
                // Writing to a string cannot fail.
                let _ = write!(text, "{}_{i}", backend.label);
                points.push((xxh64(text.as_bytes(), 0), backend.index));
                i += 1;
                current += 1.0;
            }
        }
        points
    }
}

/// `f64::ceil`, which needs `std`, of a number from 0 to 2^53.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "exact for these numbers"
)]
fn ceil(x: f64) -> f64 {
    let floor = x as u64 as f64;
    if floor < x { floor + 1.0 } else { floor }
}
