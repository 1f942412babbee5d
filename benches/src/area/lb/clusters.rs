//! The policies of `purlin-lb` as players: every client has a cluster of its own, and knows of no
//! request but its own.

use purlin_lb::{Balancer, Cluster, Instant, Lease, Request, Upstream, Weight};

use super::arena::Arena;
use super::simulate::{Player, Servers};
use crate::error::LabError;

/// A cluster for each client.
pub(super) struct Clusters<P> {
    clients: Vec<Cluster<u32, P>>,
}

/// What clients are told of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weights {
    /// Nothing: all have the same.
    Equal,
    /// What each can do.
    Capacity,
}

impl<P: Balancer> Clusters<P> {
    /// `policy` makes that of a client, by a seed.
    ///
    /// # Errors
    ///
    /// None: no two servers are the same.
    pub(super) fn new(
        arena: &Arena,
        weights: Weights,
        mut policy: impl FnMut() -> P,
    ) -> Result<Self, LabError> {
        let servers = arena.servers();
        let upstream = |(node, server)| {
            Upstream::new(node).weight(match weights {
                Weights::Equal => Weight::ONE,
                Weights::Capacity => capacity(arena.scenario.slowness(server, servers)),
            })
        };
        let upstreams: Vec<Upstream<u32>> = (0..).zip(0..servers).map(upstream).collect();
        let clients = (0..arena.scenario.clients)
            .map(|_| Cluster::new(policy(), upstreams.iter().copied()))
            .collect::<Result<_, _>>()?;
        Ok(Self { clients })
    }
}

/// Relative to others: 100 for a sound server.
fn capacity(slowness: f64) -> Weight {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to 100"
    )]
    Weight::new((100.0 / slowness) as u32)
}

impl<P: Balancer> Player for Clusters<P> {
    type Ticket = Lease<u32>;

    fn send(
        &mut self,
        _: &Servers<'_>,
        client: usize,
        now: Instant,
    ) -> Option<(usize, Lease<u32>)> {
        let lease = self.clients[client].pick_at(now, &Request::new()).ok()?;
        Some((usize::try_from(*lease.node()).ok()?, lease))
    }

    fn answered(&mut self, lease: Lease<u32>, now: Instant, success: bool) {
        if success {
            lease.success_at(now);
        } else {
            lease.failure_at(now);
        }
    }
}
