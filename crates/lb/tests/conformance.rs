//! The property tests of a policy: run on policies of this crate, and tried on flawed ones.

#[path = "conformance/flawed.rs"]
mod flawed;

use purlin_lb::conformance::{self, Subject};
use purlin_lb::policy::{Random, RoundRobin};
use purlin_lb::{AnyBalancer, Capabilities};

#[test]
fn round_robin_and_random() {
    let round_robin = Subject::new(Capabilities::EQUAL, |seed| {
        AnyBalancer::new(RoundRobin::from(seed))
    });
    let random = Subject::new(Capabilities::EQUAL, |seed| {
        AnyBalancer::new(Random::seeded(seed))
    });
    for seed in 0..20 {
        conformance::all(&round_robin, seed);
        conformance::all(&random, seed);
    }
}
