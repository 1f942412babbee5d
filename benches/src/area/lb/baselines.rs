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
    cost: fn(&mut Known, Instant) -> f64,
}

/// A ticket: client, server, and when it was sent.
type Sent = (usize, usize, Instant);

/// The time constant of the estimate, which tower lets its users choose: that of its own example.
const TAU: Duration = Duration::from_secs(10);

impl TwoChoices {
    fn new(arena: &Arena, cost: fn(&mut Known, Instant) -> f64) -> Self {
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

    /// Peak EWMA as tower 0.5.3 has it: an estimate that decays to zero while nothing comes, and that
    /// knows of no failure. To ask for a load stores the estimate as decayed at that moment, so that
    /// an answer counts by how long it is since the last question, not since the last answer.
    pub(super) fn tower_peak_ewma(arena: &Arena) -> Self {
        Self::new(arena, |known, now| {
            known.update(0.0, now);
            known.latency * f64::from(known.in_flight + 1)
        })
    }

    /// Fewest in flight, by what each server can do: as good as two choices get with the truth.
    pub(super) fn by_capacity(arena: &Arena) -> Self {
        Self::new(arena, |known, _| {
            f64::from(known.in_flight + 1) / known.weight
        })
    }
}

impl Known {
    /// tower's `RttEstimate::update`: a peak counts at once, what is below it as time goes.
    fn update(&mut self, nanos: f64, now: Instant) {
        self.latency = if nanos > self.latency {
            nanos
        } else {
            let elapsed = now.saturating_duration_since(self.at);
            let keep = libm::exp(-elapsed.as_secs_f64() / TAU.as_secs_f64());
            self.latency * keep + nanos * (1.0 - keep)
        };
        self.at = now;
    }
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
        let [of_first, of_other] = [first, other].map(|at| (self.cost)(&mut known[at], now));
        let server = if of_other < of_first { other } else { first };
        known[server].in_flight += 1;
        Some((server, (client, server, now)))
    }

    fn answered(&mut self, (client, server, sent): Sent, now: Instant, _: bool) {
        let known = &mut self.clients[client][server];
        known.in_flight -= 1;
        let nanos = now.saturating_duration_since(sent).as_secs_f64() * 1e9;
        known.update(nanos, now);
    }
}
