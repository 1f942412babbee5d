//! Ketama: the ring of memcached clients.

use super::points::{Points, Ties};
use super::{Backend, Budget, DEFAULT_MAX_POINTS, backends, refused, static_placement};
use crate::error::{BuildError, MembershipError};
use crate::member::Identity;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeIdx, Weight};

/// Points that an MD5 digest makes.
const POINTS_PER_DIGEST: u32 = 4;
/// Digests of a node, on average or each.
const DIGESTS: u32 = 40;

/// The ring of memcached clients, with points from MD5.
///
/// Each of the 16-byte digests of `label-0`, `label-1` ... makes four points of 32 bits
/// (little-endian). A key belongs to the first point at or after the first four bytes of its own
/// digest. The algorithm is Richard Jones's libketama (2007); the [`KetamaDialect`] says where
/// clients differ.
///
/// With weights, a change of one node changes the number of points of the others: more keys move
/// than need to.
///
/// Lookup O(log points) and an MD5; building O(points log points); 8 bytes a point.
///
/// ```
/// use purlin_hashring::compat::{Ketama, KetamaDialect};
///
/// let ring = Ketama::builder()
///     .dialect(KetamaDialect::Spymemcached)
///     .build((0..4).map(|i| (format!("127.0.0.1:{}", 10_000 + i), 1, i)))?;
/// assert_eq!(ring.points().count(), 640);
/// assert_eq!(ring.lookup("noelani"), Some(&2)); // as spymemcached's own test has it
/// # Ok::<(), purlin_hashring::BuildError>(())
/// ```
///
/// Ask by `lookup` or `hash_key`: `owner_of` and `node_of` hash by XXH3 and do not agree with the
/// other system.
#[derive(Clone, Debug)]
pub struct Ketama<T> {
    nodes: Vec<T>,
    route: Points<u32>,
}

/// Which client to agree with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KetamaDialect {
    /// libmemcached with `KETAMA_WEIGHTED` (pylibmc, PHP's memcached ...) and twemproxy.
    ///
    /// Labels are `host:port`, of which the default port, `:11211`, is dropped; twemproxy's own
    /// names for servers are labels too. The weights share 160 points a node, in multiples of 4
    /// rounded down: `floor(weight / total * 40 * nodes)` in single precision, which has 25 nodes
    /// of weight 1 end up with 156 points each. (Without `KETAMA_WEIGHTED`, libmemcached has
    /// another ring, of 100 points a node, that is not offered here.)
    #[default]
    Libmemcached,
    /// spymemcached without weights, and libketama with equal ones in most cases: 160 points each.
    ///
    /// Labels are Java's `host/address:port`, or `address:port` where no name is known; a `/` at
    /// the beginning is dropped. spymemcached's option for libmemcached's labels: drop `:11211`
    /// yourself.
    Spymemcached,
    /// spymemcached with weights: its labels, libmemcached's shares.
    SpymemcachedWeighted,
}

impl KetamaDialect {
    fn canonical(self, label: &str) -> &str {
        match self {
            Self::Libmemcached => label.strip_suffix(":11211").unwrap_or(label),
            Self::Spymemcached | Self::SpymemcachedWeighted => {
                label.strip_prefix('/').unwrap_or(label)
            }
        }
    }

    fn ties(self) -> Ties {
        match self {
            Self::Libmemcached => Ties::First,
            Self::Spymemcached | Self::SpymemcachedWeighted => Ties::Last,
        }
    }

    /// How many digests of a node are points.
    fn digests(self, backend: &Backend, nodes: usize, total: u64) -> Result<u32, BuildError> {
        match self {
            Self::Libmemcached | Self::SpymemcachedWeighted => {
                Ok(share(backend.weight, nodes, total))
            }
            Self::Spymemcached if backend.weight == 1 => Ok(DIGESTS),
            Self::Spymemcached => Err(refused(
                backend.index as usize,
                MembershipError::Unweighted {
                    id: backend.label.id(),
                    weight: Weight::new(backend.weight),
                    algorithm: "ketama in the dialect of spymemcached without weights",
                },
            )),
        }
    }
}

/// The digests of a node by its share of the weight.
///
/// Floats, which place nothing elsewhere in this crate, since they decide in the systems to agree
/// with. Every step is one IEEE operation, rounded to single precision where C does, and so the
/// same on every machine.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what C does; the result is not negative"
)]
fn share(weight: u32, nodes: usize, total: u64) -> u32 {
    let share = weight as f32 / total as f32;
    let digests =
        share * (POINTS_PER_DIGEST * DIGESTS) as f32 / POINTS_PER_DIGEST as f32 * nodes as f32;
    (f64::from(digests) + 0.000_000_000_1) as f32 as u32
}

impl Ketama<()> {
    /// The options of a ring.
    #[must_use]
    pub fn builder() -> KetamaBuilder {
        KetamaBuilder::default()
    }

    /// The hash of a key: the first four bytes of its MD5, in the upper half.
    ///
    /// ```
    /// use purlin_hashring::compat::Ketama;
    ///
    /// assert_eq!(Ketama::hash_key("apple").0 >> 32, 3_195_025_439);
    /// ```
    #[must_use]
    pub fn hash_key(key: impl AsRef<[u8]>) -> KeyHash {
        let [first, ..] = digest(key.as_ref());
        KeyHash(u64::from(first) << 32)
    }
}

impl<T> Ketama<T> {
    /// A ring in the dialect of libmemcached, from `(label, weight, node)`.
    ///
    /// # Errors
    ///
    /// As [`KetamaBuilder::build`].
    pub fn new<L: AsRef<str>, W: Into<Weight>>(
        nodes: impl IntoIterator<Item = (L, W, T)>,
    ) -> Result<Self, BuildError> {
        KetamaBuilder::default().build(nodes)
    }

    /// The points in ascending order, each with the node it belongs to.
    pub fn points(&self) -> impl Iterator<Item = (u32, NodeIdx)> {
        self.route.iter()
    }
}

static_placement!(Ketama);

/// Options of a [`Ketama`] ring.
#[derive(Clone, Debug)]
pub struct KetamaBuilder {
    dialect: KetamaDialect,
    max_points: u64,
}

impl Default for KetamaBuilder {
    fn default() -> Self {
        Self {
            dialect: KetamaDialect::default(),
            max_points: DEFAULT_MAX_POINTS,
        }
    }
}

impl KetamaBuilder {
    /// Which client to agree with; [`KetamaDialect::Libmemcached`] unless set.
    #[must_use]
    pub fn dialect(self, dialect: KetamaDialect) -> Self {
        Self { dialect, ..self }
    }

    /// How many points the ring may have; 2^24 unless set, 2^28 at most.
    #[must_use]
    pub fn max_points(self, max_points: u64) -> Self {
        Self { max_points, ..self }
    }

    /// Builds the ring from `(label, weight, node)`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for two labels that are the same in this dialect, for more points
    /// than allowed, and for weights other than 0 and 1 where the dialect has none.
    pub fn build<L: AsRef<str>, W: Into<Weight>, T>(
        self,
        nodes: impl IntoIterator<Item = (L, W, T)>,
    ) -> Result<Ketama<T>, BuildError> {
        let (nodes, backends) = backends(nodes, |label| self.dialect.canonical(label))?;
        let total = backends
            .iter()
            .map(|backend| u64::from(backend.weight))
            .sum();
        let mut budget = Budget::new(self.max_points)?;
        let mut digests = Vec::with_capacity(backends.len());
        for backend in &backends {
            let count = self.dialect.digests(backend, backends.len(), total)?;
            budget.spend(backend, u64::from(count) * u64::from(POINTS_PER_DIGEST))?;
            digests.push(count);
        }
        let mut points = budget.list();
        let mut text = String::new();
        for (backend, count) in backends.iter().zip(digests) {
            for i in 0..count {
                text.clear();
                // Writing to a string cannot fail.
                let _ = write!(text, "{}-{i}", backend.label);
                points.extend(digest(text.as_bytes()).map(|point| (point, backend.index)));
            }
        }
        let route = Points::new(points, self.dialect.ties());
        Ok(Ketama { nodes, route })
    }
}

/// MD5 as four little-endian numbers.
fn digest(bytes: &[u8]) -> [u32; 4] {
    let md5::Digest(digest) = md5::compute(bytes);
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(digest.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}
