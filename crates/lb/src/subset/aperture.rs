//! Aperture: endpoints on a ring, of which each client covers an arc.

use crate::error::ConfigError;
use alloc::vec::Vec;
use purlin_core::node::{NodeId, Weight};
use purlin_core::random::SplitMix64;

/// The positions, in `endpoints`, of those that client number `client` of `clients` uses, and with
/// what weight: at least as many as `least`, or all.
///
/// The endpoints divide a ring evenly, in an order by hash, so that neighbours are nothing to one
/// another; the clients divide the same ring. A client's arc begins at its own place and is as long as
/// the next few clients' places, as many as it takes to cover `least` endpoints. An endpoint's weight
/// is how much of it the arc covers, in units of which it has `clients`. As every point of the ring
/// is in equally many arcs, every endpoint gets exactly the same when all clients send the same.
/// Stable: it goes by identities, whatever their order.
///
/// An arc touches about `least + endpoints / clients` endpoints. When an endpoint comes or goes, the
/// arcs shift by a fraction of an endpoint each; when a client does, by up to one arc's offset.
/// O(endpoints log endpoints). Source: Finagle, deterministic aperture.
///
/// # Errors
///
/// [`ConfigError::Zero`] for `clients` or `least` of 0; [`ConfigError::OutOfRange`] for a `client`
/// that is none of the `clients`.
///
/// ```
/// use purlin_lb::{NodeId, subset};
///
/// let endpoints: Vec<_> = (0..4).map(NodeId).collect();
/// // Three clients, four endpoints: each arc is 4/3 or 8/3 endpoints long.
/// let mut load = [0; 4];
/// for client in 0..3 {
///     for (position, weight) in subset::aperture(client, 3, &endpoints, 2)? {
///         load[position] += weight.get();
///     }
/// }
/// assert_eq!(load, [6; 4]);
/// # Ok::<(), purlin_lb::ConfigError>(())
/// ```
pub fn aperture(
    client: u32,
    clients: u32,
    endpoints: &[NodeId],
    least: usize,
) -> Result<Vec<(usize, Weight)>, ConfigError> {
    if clients == 0 {
        return Err(ConfigError::Zero { field: "clients" });
    }
    if least == 0 {
        return Err(ConfigError::Zero { field: "least" });
    }
    if client >= clients {
        return Err(ConfigError::OutOfRange {
            field: "client",
            expected: "below the number of clients",
        });
    }
    let mut ring: Vec<_> = (0..endpoints.len()).collect();
    ring.sort_by_key(|at| (SplitMix64::mix(endpoints[*at].0), *at));
    let (len, unit) = (endpoints.len() as u128, u128::from(clients));
    if len == 0 {
        return Ok(Vec::new());
    }
    // In units of which each endpoint has `clients` and each client's place has `len`.
    let places = (least as u128 * unit).div_ceil(len).min(unit);
    let (begin, width) = (u128::from(client) * len, places * len);
    let end = begin + width;
    let touched = begin / unit..end.div_ceil(unit);
    let mut shares: Vec<(usize, u128)> = Vec::new();
    for endpoint in touched {
        let covered = end.min((endpoint + 1) * unit) - begin.max(endpoint * unit);
        let at = ring[usize::try_from(endpoint % len).unwrap_or(0)];
        match shares.first_mut() {
            // All the way round, to the rest of the endpoint where it began.
            Some(first) if first.0 == at => first.1 += covered,
            _ => shares.push((at, covered)),
        }
    }
    let weight = |units: u128| Weight::new(u32::try_from(units).unwrap_or(u32::MAX));
    let shares = shares.into_iter().map(|(at, units)| (at, weight(units)));
    Ok(shares.collect())
}
