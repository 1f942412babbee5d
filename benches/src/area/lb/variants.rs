//! Who is compared.

use purlin_core::random::{Random as _, SplitMix64};
use purlin_lb::policy::{
    EarliestDeadlineFirst, Ewma, LeastRequest, Prequal, Random, RoundRobin,
    SmoothWeightedRoundRobin, StaticStride, WeightedRandom, WeightedRoundRobin,
};

use super::arena::Arena;
use super::baselines::TwoChoices;
use super::clusters::{Clusters, Weights};
use super::oracles::Oracle;
use super::outcome::Outcome;
use super::probing::Probing;
use super::simulate::run;
use crate::error::LabError;

/// Somebody who balances.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    /// Balances the requests of an arena.
    pub(super) play: fn(&Arena) -> Result<Outcome, LabError>,
}

/// A policy of the crate with the defaults a user gets; `$policy` makes one by a seed.
macro_rules! policy {
    ($name:literal, $weights:ident, $policy:expr) => {
        Variant {
            name: $name,
            play: |arena| {
                let mut seeds = SplitMix64::new(arena.seed);
                let policy = || $policy(seeds.next_u64());
                Ok(run(arena, Clusters::new(arena, Weights::$weights, policy)?))
            },
        }
    };
}

macro_rules! other {
    ($name:literal, $player:expr) => {
        Variant {
            name: $name,
            play: |arena| Ok(run(arena, $player(arena))),
        }
    };
}

/// The policy for who has no reason to take another.
pub(super) const DEFAULT: Variant = policy!("ewma", Equal, Ewma::seeded);

/// The policy for many clients of few servers.
pub(super) const PREQUAL: Variant = Variant {
    name: "prequal",
    play: |arena| {
        let mut seeds = SplitMix64::new(arena.seed);
        let policy = || Prequal::seeded(seeds.next_u64());
        Ok(run(arena, Probing::new(arena, policy)?))
    },
};

/// What tower does, with the time constant of its own example.
pub(super) const TOWER: Variant = other!("tower-p2c-peak-ewma-10s", TwoChoices::tower_peak_ewma);

/// What two choices come to with the truth about each server.
pub(super) const BY_CAPACITY: Variant = other!("p2c-by-capacity", TwoChoices::by_capacity);

/// What the default is measured by.
pub(super) const ORACLE: Variant = other!(
    "oracle-shortest-expected-delay",
    Oracle::shortest_expected_delay
);

/// All of them: ours first, then what others do, then oracles.
pub(super) const VARIANTS: [Variant; 16] = [
    DEFAULT,
    policy!("ewma-peak", Equal, |seed| Ewma::seeded(seed).peak()),
    PREQUAL,
    policy!("least-request", Equal, LeastRequest::seeded),
    policy!("least-request-weighted", Capacity, LeastRequest::seeded),
    policy!("round-robin", Equal, |seed| RoundRobin::from(seed >> 8)),
    policy!("weighted-round-robin", Capacity, WeightedRoundRobin::seeded),
    policy!("smooth-weighted-round-robin", Capacity, |_| {
        SmoothWeightedRoundRobin::new()
    }),
    policy!(
        "earliest-deadline-first",
        Capacity,
        EarliestDeadlineFirst::seeded
    ),
    policy!("static-stride", Capacity, StaticStride::seeded),
    policy!("random", Equal, Random::seeded),
    policy!("weighted-random", Capacity, WeightedRandom::seeded),
    TOWER,
    BY_CAPACITY,
    other!("oracle-shortest-queue", Oracle::shortest_queue),
    ORACLE,
];

/// Their names.
pub(super) const NAMES: [&str; VARIANTS.len()] = {
    let mut names = [""; VARIANTS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = VARIANTS[at].name;
        at += 1;
    }
    names
};
