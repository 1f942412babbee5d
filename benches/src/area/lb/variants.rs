//! Who is compared.

use purlin_core::random::{Random as _, SplitMix64};
use purlin_lb::policy::{Random, RoundRobin};

use super::arena::Arena;
use super::baselines::TwoChoices;
use super::clusters::{Clusters, Weights};
use super::oracles::Oracle;
use super::outcome::Outcome;
use super::simulate::run;
use crate::error::LabError;

/// Somebody who balances.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    /// Plays an arena, from a seed of its own.
    pub(super) play: fn(&Arena, u64) -> Result<Outcome, LabError>,
}

/// A policy of the crate with the defaults a user gets; `$policy` makes one by a seed.
macro_rules! policy {
    ($name:literal, $weights:ident, $policy:expr) => {
        Variant {
            name: $name,
            play: |arena, seed| {
                let mut seeds = SplitMix64::new(seed);
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
            play: |arena, seed| Ok(run(arena, $player(arena, seed))),
        }
    };
}

/// All of them: ours first, then what others do, then bounds.
pub(super) const VARIANTS: [Variant; 6] = [
    policy!("random", Equal, Random::seeded),
    policy!("round-robin", Equal, |seed| RoundRobin::from(seed >> 8)),
    other!("tower-p2c-peak-ewma", TwoChoices::tower_peak_ewma),
    other!("p2c-by-capacity", TwoChoices::by_capacity),
    other!("oracle-shortest-queue", Oracle::shortest_queue),
    other!(
        "oracle-shortest-expected-delay",
        Oracle::shortest_expected_delay
    ),
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

impl Variant {
    /// The one of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        VARIANTS.into_iter().find(|variant| variant.name == name)
    }
}
