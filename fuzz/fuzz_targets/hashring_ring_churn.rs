//! Any history of members coming, going and changing their weights, on every placement of the registry,
//! against a naive membership: members, indices, epochs, errors, owners, replicas, preferences, and the
//! keys that must not move.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use purlin_hashring::conformance::{History, Step, Subject};
use purlin_hashring::registry::{Algorithm, Options, VARIANTS};
use purlin_hashring::{Locality, Member, Membership, NodeId, Weight};

#[derive(Arbitrary, Debug)]
struct Case {
    variant: u8,
    options: u8,
    seed: u8,
    keys: u64,
    members: Vec<Newcomer>,
    changes: Vec<Change>,
}

/// Names are few, so that twins and returning nodes are common.
#[derive(Arbitrary, Debug)]
struct Newcomer {
    name: u8,
    load: Load,
    place: Option<u8>,
}

#[derive(Arbitrary, Debug)]
enum Load {
    One,
    Drain,
    Small(u8),
    Any(u32),
}

#[derive(Arbitrary, Debug)]
enum Change {
    Add(Newcomer),
    Remove(u8),
    /// The node of the highest index, the only one that some placements can remove.
    RemoveLast,
    SetWeight(u8, Load),
}

/// More members and changes than these teach nothing.
const MOST_MEMBERS: usize = 24;
const MOST_CHANGES: usize = 48;
const NAMES: u64 = 32;

fn name(number: u8) -> u64 {
    u64::from(number) % NAMES
}

impl Load {
    fn weight(&self) -> Weight {
        match *self {
            Self::One => Weight::ONE,
            Self::Drain => Weight::DRAIN,
            Self::Small(weight) => Weight::new(1 + u32::from(weight % 8)),
            Self::Any(weight) => Weight::new(weight),
        }
    }
}

impl Newcomer {
    fn member(&self) -> Member<u64> {
        let member = Member::new(name(self.name)).weight(self.load.weight());
        let Some(place) = self.place else {
            return member;
        };
        // Two bits for each of zone, rack and host, of which 0 says nothing.
        let [zone, rack, host] = [0, 2, 4].map(|bits| place >> bits & 3);
        let mut locality = match zone {
            0 => Locality::default(),
            zone => Locality::zone([zone]),
        };
        if rack > 0 {
            locality = locality.rack([rack]);
        }
        if host > 0 {
            locality = locality.host([host]);
        }
        member.locality(locality)
    }
}

impl Change {
    fn step(&self, placement: &dyn Membership<Node = u64>) -> Step {
        match self {
            Self::Add(newcomer) => Step::Add(newcomer.member()),
            Self::Remove(number) => Step::Remove(NodeId(name(*number))),
            Self::RemoveLast => {
                let last = placement.roster().iter().last();
                Step::Remove(last.map_or(NodeId(NAMES), |member| member.id))
            }
            Self::SetWeight(number, load) => Step::SetWeight(NodeId(name(*number)), load.weight()),
        }
    }
}

/// Small tables and rings, which are built quickly and reach their limits.
fn options(algorithm: Algorithm, seed: u8, extra: u8) -> Options {
    let mut options = Options::default();
    options.seed = seed.into();
    match algorithm {
        Algorithm::SlotTable => {
            options.slots = Some(64);
            options.replicas = Some(1 + u32::from(extra % 4));
            // 0 to 252 percent, or no limit.
            options.max_overload_percent = (extra >= 64).then_some(u32::from(extra >> 2 & 15) * 18);
        }
        Algorithm::Ring => {
            options.points_per_weight = Some(1 + u32::from(extra % 16));
            options.max_points = Some(2_000);
        }
        Algorithm::Maglev => options.table_size = Some(251),
        Algorithm::Anchor => options.capacity = Some(1 + u32::from(extra % 28)),
        _ => {}
    }
    options
}

fuzz_target!(|case: Case| {
    let variant = &VARIANTS[usize::from(case.variant) % VARIANTS.len()];
    let algorithm = variant.algorithm;
    let options = options(algorithm, case.seed, case.options);
    let subject = Subject::new(algorithm.capabilities(&options), |members| {
        Ok(algorithm.build(&options, members)?)
    });
    let mut members: Vec<Member<u64>> = Vec::new();
    for newcomer in case.members.iter().take(MOST_MEMBERS) {
        let member = newcomer.member();
        // Half of the lists are good ones: most changes should find somebody there.
        if case.options % 2 == 0 {
            members.push(member);
        } else if members.iter().all(|other| other.node != member.node) {
            let weighted = subject.capabilities().weighted;
            members.push(if weighted { member } else { member.weight(1) });
        }
    }
    let history = History::new(&subject, members, case.keys);
    // A list that is rightly refused teaches no more; an empty one never is.
    let Ok(mut history) = history.or_else(|_| History::new(&subject, Vec::new(), case.keys)) else {
        panic!("{} of no members was refused", variant.name);
    };
    for change in case.changes.iter().take(MOST_CHANGES) {
        let step = change.step(history.placement());
        history.step(&step);
    }
});
