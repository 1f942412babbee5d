//! What others do, as a model: two choices by chance, and the cheaper of them.

use core::time::Duration;

use purlin_core::random::SplitMix64;
use purlin_lb::Instant;

use super::arena::{Arena, below};
use super::simulate::{Player, Servers};

/// What a client knows of a server.
#[derive(Debug, Clone, Copy)]
struct Known {
    in_flight: u32,
    /// Nanoseconds.
    latency: f64,
    at: Instant,
    /// What it can do.
    weight: f64,
}

/// Two choices, by a cost of what a client knows.
pub(super) struct TwoChoices {
    random: SplitMix64,
    clients: Vec<Vec<Known>>,
    cost: fn(&Known, Instant) -> f64,
}

/// A ticket: client, server, and when it was sent.
type Sent = (usize, usize, Instant);

/// The time constant of the estimate, which tower lets its users choose.
const TAU: Duration = Duration::from_secs(1);

impl TwoChoices {
    fn new(arena: &Arena, cost: fn(&Known, Instant) -> f64) -> Self {
        let servers = arena.servers();
        let known = |server| Known {
            in_flight: 0,
            latency: 1e6,
            at: Instant::ORIGIN,
            weight: 1.0 / arena.scenario.slowness(server, servers),
        };
        let client: Vec<_> = (0..servers).map(known).collect();
        Self {
            random: SplitMix64::new(arena.seed),
            clients: vec![client; arena.scenario.clients],
            cost,
        }
    }

    /// Peak EWMA as tower and Finagle have it: an estimate that decays to zero while nothing comes,
    /// and that knows of no failure.
    pub(super) fn tower_peak_ewma(arena: &Arena) -> Self {
        Self::new(arena, |known, now| {
            known.latency * decay(known.at, now) * f64::from(known.in_flight + 1)
        })
    }

    /// Fewest in flight, by what each server can do: as good as two choices get with the truth.
    pub(super) fn by_capacity(arena: &Arena) -> Self {
        Self::new(arena, |known, _| {
            f64::from(known.in_flight + 1) / known.weight
        })
    }
}

/// What is left of an estimate.
fn decay(from: Instant, to: Instant) -> f64 {
    let elapsed = to.saturating_duration_since(from);
    libm::exp(-elapsed.as_secs_f64() / TAU.as_secs_f64())
}

impl Player for TwoChoices {
    type Ticket = Sent;

    fn send(
        &mut self,
        servers: &Servers<'_>,
        client: usize,
        now: Instant,
    ) -> Option<(usize, Sent)> {
        let known = &mut self.clients[client];
        let first = below(&mut self.random, servers.len());
        let other = (first + 1 + below(&mut self.random, servers.len() - 1)) % servers.len();
        let cost = |server: usize| (self.cost)(&known[server], now);
        let server = if cost(other) < cost(first) {
            other
        } else {
            first
        };
        known[server].in_flight += 1;
        Some((server, (client, server, now)))
    }

    fn answered(&mut self, (client, server, sent): Sent, now: Instant, _: bool) {
        let known = &mut self.clients[client][server];
        known.in_flight -= 1;
        let nanos = now.saturating_duration_since(sent).as_secs_f64() * 1e9;
        known.latency = if nanos > known.latency {
            nanos
        } else {
            let keep = decay(known.at, now);
            known.latency * keep + nanos * (1.0 - keep)
        };
        known.at = now;
    }
}
