//! Any history of endpoints, weights, status, requests and clocks under every policy of the registry,
//! against a list of endpoints: who is open, what is in flight, where a request may go.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use purlin_hashring::{Maglev, Ring, SlotTable};
use purlin_lb::conformance::{Member, Step, Subject};
use purlin_lb::policy::{BoundedLoad, Hashed};
use purlin_lb::registry::{Options, Policy, VARIANTS};
use purlin_lb::{AnyBalancer, NodeId};

#[derive(Arbitrary, Debug)]
struct Case {
    variant: u8,
    panic_threshold: u8,
    seed: u64,
    steps: Vec<Event>,
}

#[derive(Arbitrary, Debug)]
enum Event {
    Insert(Endpoint),
    Remove(u8),
    SetWeight(u8, u32),
    Replace(Vec<Endpoint>),
    Health(u8, u8),
    Eject(u8, bool),
    Drain(u8, bool),
    Pick(Option<u64>, [u8; 2]),
    End(u8, u8),
    Clock(u64),
    Batch(Vec<Change>),
}

/// One of those that a batch makes at once.
#[derive(Arbitrary, Debug)]
enum Change {
    Insert(Endpoint),
    Remove(u8),
    SetWeight(u8, u32),
    Replace(Vec<Endpoint>),
}

#[derive(Arbitrary, Debug)]
struct Endpoint {
    id: u8,
    weight: u32,
    labels: u8,
}

/// More steps, and longer lists, than these teach nothing.
const MOST_STEPS: usize = 200;
const MOST_ENDPOINTS: usize = 100;
const MOST_CHANGES: usize = 20;

impl Endpoint {
    fn member(&self) -> Member {
        Member {
            id: self.id.into(),
            // Small ones as often as any.
            weight: if self.weight & 1 == 0 {
                self.weight >> 28
            } else {
                self.weight
            },
            zone: self.labels % 4,
            priority: self.labels / 4 % 4,
        }
    }
}

impl Event {
    fn step(&self) -> Step {
        match self {
            Self::Insert(endpoint) => Step::Insert(endpoint.member()),
            Self::Remove(id) => Step::Remove((*id).into()),
            Self::SetWeight(id, weight) => Step::SetWeight((*id).into(), *weight),
            Self::Replace(endpoints) => replace(endpoints),
            Self::Health(id, health) => Step::Health((*id).into(), *health),
            Self::Eject(id, out) => Step::Eject((*id).into(), *out),
            Self::Drain(id, on) => Step::Drain((*id).into(), *on),
            Self::Pick(key, excluded) => Step::Pick(*key, excluded.map(u64::from).to_vec()),
            Self::End(which, how) => Step::End((*which).into(), *how),
            Self::Clock(millis) => Step::Clock(*millis),
            Self::Batch(changes) => {
                let some = changes.iter().take(MOST_CHANGES);
                Step::Batch(some.map(Change::step).collect())
            }
        }
    }
}

impl Change {
    fn step(&self) -> Step {
        match self {
            Self::Insert(endpoint) => Step::Insert(endpoint.member()),
            Self::Remove(id) => Step::Remove((*id).into()),
            Self::SetWeight(id, weight) => Step::SetWeight((*id).into(), *weight),
            Self::Replace(endpoints) => replace(endpoints),
        }
    }
}

fn replace(endpoints: &[Endpoint]) -> Step {
    let some = endpoints.iter().take(MOST_ENDPOINTS);
    Step::Replace(some.map(Endpoint::member).collect())
}

/// The policy, its tables and rings small: the default ones take milliseconds to fill.
fn small(policy: Policy, seed: u64) -> AnyBalancer {
    let table = || {
        SlotTable::builder()
            .slots(256)
            .replicas(2)
            .build::<NodeId>([])
    };
    let table = || Hashed::over(table().expect("options in bounds")).seeded(seed);
    match policy {
        Policy::SlotTable => AnyBalancer::new(table()),
        Policy::BoundedLoad => AnyBalancer::new(BoundedLoad::new(table())),
        Policy::Ring => {
            let ring = Ring::builder()
                .points_per_weight(4)
                .max_points(1 << 10)
                .build::<NodeId>([]);
            AnyBalancer::new(Hashed::over(ring.expect("options in bounds")).seeded(seed))
        }
        Policy::Maglev => {
            let maglev = Maglev::builder().table_size(251).build::<NodeId>([]);
            AnyBalancer::new(Hashed::over(maglev.expect("options in bounds")).seeded(seed))
        }
        other => other.build(&Options::seeded(seed)),
    }
}

fuzz_target!(|case: Case| {
    let variant = &VARIANTS[usize::from(case.variant) % VARIANTS.len()];
    let subject = Subject::new(variant.capabilities, |seed| small(variant.policy, seed));
    let mut world = subject.world(case.panic_threshold, case.seed);
    for event in case.steps.iter().take(MOST_STEPS) {
        world.step(&event.step());
    }
});
