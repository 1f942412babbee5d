//! Rendezvous subsetting: of each client its own best ones.

use crate::error::ConfigError;
use alloc::vec::Vec;
use purlin_core::node::NodeId;
use purlin_core::random::SplitMix64;

/// The positions, in `endpoints`, of the `size` of them whose hash with the client's `seed` is
/// highest, the highest first; all where there are no more.
///
/// Clients need to agree on nothing; each has a seed of its own, a random one or the hash of its
/// name. A subset loses an endpoint only when that goes, or when one comes whose hash is higher: the
/// least there can be. A smaller subset is the beginning of a larger one. Endpoints get as many
/// clients as chance has it: of 300 clients with 30 % of the endpoints each, the least used endpoint
/// has some three quarters of the mean; with small subsets it is far worse. Stable: it goes by
/// identities, whatever their order.
///
/// O(endpoints + size log size). Source: gRPC proposal A68, random subsetting; Thaler and
/// Ravishankar, "Using name-based mappings to increase hit rates", 1998.
///
/// # Errors
///
/// [`ConfigError::Zero`] for a `size` of 0.
///
/// ```
/// use purlin_lb::{NodeId, subset};
///
/// let endpoints: Vec<_> = (0..100).map(NodeId).collect();
/// let before = subset::rendezvous(7, &endpoints, 10)?;
/// // The last endpoint goes; it was not one of these.
/// assert!(!before.contains(&99));
/// assert_eq!(subset::rendezvous(7, &endpoints[..99], 10)?, before);
/// # Ok::<(), purlin_lb::ConfigError>(())
/// ```
pub fn rendezvous(seed: u64, endpoints: &[NodeId], size: usize) -> Result<Vec<usize>, ConfigError> {
    if size == 0 {
        return Err(ConfigError::Zero { field: "size" });
    }
    let client = SplitMix64::mix(seed);
    // One to one, for one client: equal hashes are equal identities.
    let hashes = endpoints.iter().map(|id| SplitMix64::mix(client ^ id.0));
    let mut ranked: Vec<_> = hashes.zip(0..).collect();
    let best_first = |a: &(u64, usize), b: &(u64, usize)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
    if size < ranked.len() {
        ranked.select_nth_unstable_by(size, best_first);
        ranked.truncate(size);
    }
    ranked.sort_unstable_by(best_first);
    Ok(ranked.into_iter().map(|(_, at)| at).collect())
}
