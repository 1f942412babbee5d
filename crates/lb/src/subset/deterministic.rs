//! Deterministic subsetting: rounds of clients, each of which deals out all endpoints once.

use crate::error::ConfigError;
use alloc::vec::Vec;
use purlin_core::node::NodeId;
use purlin_core::random::{RandomExt as _, Xoshiro256PlusPlus};

/// The positions, in `endpoints`, of the `size` of them that client number `client` uses; all where
/// there are no more.
///
/// Clients of consecutive numbers make a round of `endpoints / size`: in a round, the endpoints are
/// shuffled, alike for all, and each client takes the next `size`. So a round gives each endpoint
/// one client, but for those that are left over, others in each round, where `size` does not divide
/// their number. A change of the endpoints reshuffles every subset: it suits those that change
/// seldom. Stable: it goes by identities, whatever their order.
///
/// O(endpoints log endpoints). Source: Site Reliability Engineering, chapter 20.
///
/// # Errors
///
/// [`ConfigError::Zero`] for a `size` of 0.
///
/// ```
/// use purlin_lb::{NodeId, subset};
///
/// let endpoints: Vec<_> = (0..12).map(NodeId).collect();
/// let mut clients = [0; 12];
/// for client in 0..4 {
///     for position in subset::deterministic(client, &endpoints, 3)? {
///         clients[position] += 1;
///     }
/// }
/// assert_eq!(clients, [1; 12]);
/// # Ok::<(), purlin_lb::ConfigError>(())
/// ```
pub fn deterministic(
    client: u64,
    endpoints: &[NodeId],
    size: usize,
) -> Result<Vec<usize>, ConfigError> {
    if size == 0 {
        return Err(ConfigError::Zero { field: "size" });
    }
    let mut positions: Vec<_> = (0..endpoints.len()).collect();
    if size >= endpoints.len() {
        return Ok(positions);
    }
    positions.sort_by_key(|at| endpoints[*at]);
    let subsets = endpoints.len() / size;
    let (round, turn) = (client / subsets as u64, client % subsets as u64);
    Xoshiro256PlusPlus::from_seed(round).shuffle(&mut positions);
    let turn = usize::try_from(turn).unwrap_or(0);
    Ok(positions[turn * size..][..size].to_vec())
}
