//! The property tests of a policy: run on those of the registry, and tried on flawed ones.

#[path = "conformance/flawed.rs"]
mod flawed;

use purlin_lb::conformance::{self, Subject};
use purlin_lb::registry::{Options, VARIANTS};

#[test]
fn every_policy_of_the_registry() {
    for variant in VARIANTS {
        println!("{}", variant.name);
        let subject = Subject::new(variant.capabilities, |seed| {
            variant.policy.build(&Options::seeded(seed))
        });
        for seed in 0..4 {
            conformance::all(&subject, seed);
        }
    }
}
