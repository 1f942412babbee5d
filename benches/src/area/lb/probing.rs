//! Prequal as a player: servers that know their load, and probes that take no time.

use purlin_core::machine::Machine as _;
use purlin_lb::policy::{Answer, Prequal, Probes, ServerLoad, Serving};
use purlin_lb::{Instant, Lease};

use super::arena::Arena;
use super::clusters::{Clusters, Weights};
use super::simulate::{Player, Servers};
use crate::error::LabError;

/// A cluster and its probes for each client.
pub(super) struct Probing {
    clusters: Clusters<Prequal>,
    probes: Vec<Probes>,
    loads: Vec<ServerLoad>,
}

impl Probing {
    /// # Errors
    ///
    /// None: no two servers are the same.
    pub(super) fn new(
        arena: &Arena,
        mut policy: impl FnMut() -> Prequal,
    ) -> Result<Self, LabError> {
        let mut probes = Vec::with_capacity(arena.scenario.clients);
        let policy = || {
            let policy = policy();
            probes.push(policy.probes());
            policy
        };
        let clusters = Clusters::new(arena, Weights::Equal, policy)?;
        Ok(Self {
            clusters,
            probes,
            loads: (0..arena.servers()).map(|_| ServerLoad::new()).collect(),
        })
    }
}

impl Player for Probing {
    type Ticket = (Lease<u32>, Option<Serving>);

    /// The request goes by what was known before it; what it asks is answered at once.
    fn send(
        &mut self,
        servers: &Servers<'_>,
        client: usize,
        now: Instant,
    ) -> Option<(usize, Self::Ticket)> {
        let (server, lease) = self.clusters.send(servers, client, now)?;
        let probes = &mut self.probes[client];
        while let Some(probe) = probes.poll_output() {
            // Nodes are numbers, and so are their identities.
            let (rif, latency) = self.loads[usize::try_from(probe.endpoint.0).ok()?].get();
            let number = probe.number;
            let Ok(()) = probes.handle(
                now,
                Answer {
                    number,
                    rif,
                    latency,
                },
            );
        }
        Some((server, (lease, None)))
    }

    fn reached(&mut self, server: usize, (_, serving): &mut Self::Ticket, now: Instant) {
        *serving = Some(self.loads[server].begin_at(now));
    }

    fn done(&mut self, server: usize, (_, serving): &mut Self::Ticket, now: Instant) {
        if let Some(serving) = serving.take() {
            self.loads[server].end_at(serving, now);
        }
    }

    fn answered(&mut self, (lease, _): Self::Ticket, now: Instant, success: bool) {
        self.clusters.answered(lease, now, success);
    }
}
