//! Who sees every server and all requests, those on the way included: what clients, which know of
//! their own requests only, are measured by.

use purlin_core::random::SplitMix64;
use purlin_lb::Instant;

use super::arena::{Arena, WORKERS, below};
use super::simulate::{Player, Servers};

/// Sends each request where it costs least, of all requests in flight and all conditions; ties go
/// to any.
pub(super) struct Oracle {
    random: SplitMix64,
    cost: fn(&Servers<'_>, usize, Instant) -> f64,
}

impl Oracle {
    /// Join the shortest queue: the fewest in flight.
    pub(super) fn shortest_queue(arena: &Arena) -> Self {
        Self {
            random: SplitMix64::new(arena.seed),
            cost: |servers, server, _| f64::from(servers.in_flight(server)),
        }
    }

    /// Shortest expected delay: what a request is expected to take where it goes, with the speed of
    /// the server as it is now, and its wait for a free worker.
    pub(super) fn shortest_expected_delay(arena: &Arena) -> Self {
        Self {
            random: SplitMix64::new(arena.seed),
            cost: |servers, server, now| {
                let rounds = f64::from(servers.in_flight(server) + 1) / WORKERS as f64;
                servers.slowness(server, now) * rounds.max(1.0)
            },
        }
    }
}

impl Player for Oracle {
    type Ticket = ();

    fn send(&mut self, servers: &Servers<'_>, _: usize, now: Instant) -> Option<(usize, ())> {
        let (mut least, mut best, mut ties) = (f64::INFINITY, None, 0);
        for server in 0..servers.len() {
            let cost = (self.cost)(servers, server, now);
            if cost < least {
                (least, best, ties) = (cost, Some(server), 1);
            } else if cost <= least {
                ties += 1;
                // Each of so many equal ones stays with the same chance.
                if below(&mut self.random, ties) == 0 {
                    best = Some(server);
                }
            }
        }
        Some((best?, ()))
    }

    fn answered(&mut self, (): (), _: Instant, _: bool) {}
}
