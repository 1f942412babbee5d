//! The ring of nginx.

use super::points::{Points, Ties};
use super::{Budget, DEFAULT_MAX_POINTS, backends, static_placement};
use crate::error::BuildError;
use alloc::vec::Vec;
use crc32fast::Hasher;
use purlin_core::hash::KeyHash;
use purlin_core::node::{NodeIdx, Weight};

const POINTS_PER_WEIGHT: u64 = 160;

/// The ring of nginx's `hash ... consistent`, with points from CRC-32.
///
/// A node has 160 points for each unit of weight: the CRC-32 (IEEE) of its host, a zero byte, its
/// port and the four bytes (little-endian) of the point before, the first time of 0. A key belongs
/// to the first point at or after its own CRC-32. (nginx, `ngx_http_upstream_hash_module.c`; the
/// formula is that of Perl's Cache::Memcached::Fast.)
///
/// The label is what stands behind `server` in the configuration, `backend:8080`, `[::1]:80` or
/// `unix:/socket`. A port is only what is written there; the default one is not added.
/// pingora-ketama agrees, but leaves the brackets of IPv6 addresses out: its label is `::1:80`.
///
/// Lookup O(log points); building O(points log points); 8 bytes a point. A weight of a million
/// makes 160 million points in nginx; here the number of points has a limit.
///
/// ```
/// use purlin_hashring::compat::NginxKetama;
///
/// let ring = NginxKetama::new([("127.0.0.1:7777", 1, "a"), ("127.0.0.1:7778", 1, "b")])?;
/// assert_eq!(ring.lookup("/some/path"), Some(&"b"));
/// assert!(NginxKetama::new([("127.0.0.1:7777", 1_000_000, "a")]).is_err());
/// # Ok::<(), purlin_hashring::BuildError>(())
/// ```
///
/// Ask by `lookup` or `hash_key`: `owner_of` and `node_of` hash by XXH3 and do not agree with the
/// other system.
#[derive(Clone, Debug)]
pub struct NginxKetama<T> {
    nodes: Vec<T>,
    route: Points<u32>,
}

impl NginxKetama<()> {
    /// The options of a ring.
    #[must_use]
    pub fn builder() -> NginxKetamaBuilder {
        NginxKetamaBuilder::default()
    }

    /// The hash of a key: its CRC-32, in the upper half.
    #[must_use]
    pub fn hash_key(key: impl AsRef<[u8]>) -> KeyHash {
        KeyHash(u64::from(crc32fast::hash(key.as_ref())) << 32)
    }
}

impl<T> NginxKetama<T> {
    /// A ring from `(label, weight, node)`.
    ///
    /// # Errors
    ///
    /// As [`NginxKetamaBuilder::build`].
    pub fn new<L: AsRef<str>, W: Into<Weight>>(
        nodes: impl IntoIterator<Item = (L, W, T)>,
    ) -> Result<Self, BuildError> {
        NginxKetamaBuilder::default().build(nodes)
    }

    /// The points in ascending order, each with the node it belongs to.
    pub fn points(&self) -> impl Iterator<Item = (u32, NodeIdx)> {
        self.route.iter()
    }
}

static_placement!(NginxKetama);

/// Options of an [`NginxKetama`] ring.
#[derive(Clone, Debug)]
pub struct NginxKetamaBuilder {
    max_points: u64,
}

impl Default for NginxKetamaBuilder {
    fn default() -> Self {
        Self {
            max_points: DEFAULT_MAX_POINTS,
        }
    }
}

impl NginxKetamaBuilder {
    /// How many points the ring may have; 2^24 unless set, 2^28 at most.
    #[must_use]
    pub fn max_points(self, max_points: u64) -> Self {
        Self { max_points }
    }

    /// Builds the ring from `(label, weight, node)`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Member`] for two equal labels, and for more points than allowed.
    pub fn build<L: AsRef<str>, W: Into<Weight>, T>(
        self,
        nodes: impl IntoIterator<Item = (L, W, T)>,
    ) -> Result<NginxKetama<T>, BuildError> {
        let (nodes, backends) = backends(nodes, |label| label)?;
        let mut budget = Budget::new(self.max_points)?;
        for backend in &backends {
            budget.spend(backend, u64::from(backend.weight) * POINTS_PER_WEIGHT)?;
        }
        let mut points = budget.list();
        for backend in &backends {
            let (host, port) = host_and_port(&backend.label);
            let mut base = Hasher::new();
            base.update(host);
            base.update(&[0]);
            base.update(port);
            let mut point = 0_u32;
            for _ in 0..u64::from(backend.weight) * POINTS_PER_WEIGHT {
                let mut hasher = base.clone();
                hasher.update(&point.to_le_bytes());
                point = hasher.finalize();
                points.push((point, backend.index));
            }
        }
        let route = Points::new(points, Ties::First);
        Ok(NginxKetama { nodes, route })
    }
}

/// A port is what follows the last colon, if that is digits only, or nothing; sockets of Unix have
/// none.
fn host_and_port(server: &str) -> (&[u8], &[u8]) {
    let server = server.as_bytes();
    if let Some((scheme, path)) = server.split_at_checked(5)
        && scheme.eq_ignore_ascii_case(b"unix:")
    {
        return (path, b"");
    }
    let digits = server.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let (rest, port) = server.split_at(server.len() - digits.count());
    match rest.split_last() {
        Some((b':', host)) => (host, port),
        _ => (server, b""),
    }
}
