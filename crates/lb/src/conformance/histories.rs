//! Properties of any history.

use super::draw::Draw;
use super::step::{Member, Step};
use super::subject::{Case, Subject};
use super::world::World;
use alloc::vec::Vec;
use purlin_core::node::NodeId;

/// Through any history of updates, flips, requests and clocks that go back, the cluster and the
/// policy are what a naive model says: nothing is reset, closed and excluded endpoints get nothing,
/// and a request goes somewhere whenever it can.
///
/// # Panics
///
/// Where they are not.
#[track_caller]
pub fn any_history(subject: &Subject<'_>, seed: u64) {
    let mut draw = Draw::new(seed);
    let threshold = [0, 1, 50, 100][draw.below(4) as usize];
    let mut world = subject.world_that_may_warm_up("any_history", threshold, seed);
    for (number, step) in (0_u64..).zip(draw.steps(300, true)) {
        world.step(&step);
        // To all but one of those that are open, and to none of them.
        let mut open = world.open().into_iter();
        let spared = open.next();
        let mut excluded: Vec<u64> = open.collect();
        world.pick(Some(number), &excluded);
        excluded.extend(spared);
        world.pick(Some(number), &excluded);
    }
}

/// With one endpoint open of many, every request goes there; with none, nowhere.
///
/// # Panics
///
/// Where it does not.
#[track_caller]
pub fn finds_the_last(subject: &Subject<'_>, seed: u64) {
    let (case, mut draw) = (case("finds_the_last", seed), Draw::new(seed));
    let mut world = subject.world_that_may_warm_up(case.property, 0, seed);
    let count = u64::from(draw.below(300)) + 1;
    let members = (0..count).map(|id| Member {
        id,
        weight: draw.below(5) + 1,
        zone: u8::from(id % 3 == 0),
        priority: u8::from(id % 2 == 0),
    });
    world.step(&Step::Replace(members.collect()));
    for id in 0..count {
        world.step(&Step::Health(id, 2));
    }
    let any = u64::from(draw.below(u32::MAX)) % count;
    for last in [0, any, count - 1] {
        world.step(&Step::Health(last, 0));
        for key in 0..30 {
            let found = world.pick(Some(key), &[]);
            if !subject.capabilities().own_panic {
                case.equal(&found, &Some(last), "the last that is open");
            }
        }
        world.step(&Step::Health(last, 2));
    }
    for id in 0..count {
        world.step(&Step::Drain(id, true));
    }
    case.equal(&world.pick(Some(1), &[]), &None, "when all are drained");
}

/// Keys go where they go, however the membership came about.
///
/// # Panics
///
/// Where they do not.
#[track_caller]
pub fn equals_a_fresh_build(subject: &Subject<'_>, seed: u64) {
    let (case, mut draw) = (case("equals_a_fresh_build", seed), Draw::new(seed));
    let mut world = subject.world_of(case.property, 0, seed);
    for step in draw.steps(200, false) {
        world.step(&step);
    }
    world.end_all();
    let mut fresh = subject.world_of(case.property, 0, seed);
    let members: Vec<(Member, bool)> = {
        let snapshot = world.cluster().load();
        let pool = snapshot.pool();
        let member = |position| Member {
            id: pool.id(position).0,
            weight: pool.weight(position).get(),
            zone: 0,
            priority: 0,
        };
        (0..pool.len())
            .map(|position| (member(position), pool.is_open(position)))
            .collect()
    };
    // In another order, too.
    for (member, open) in members.iter().rev() {
        fresh.step(&Step::Insert(*member));
        if !open && member.weight > 0 {
            fresh.step(&Step::Health(member.id, 2));
        }
    }
    for key in 0..500 {
        let found = world.pick(Some(key), &[]);
        world.end_all();
        let expected = fresh.pick(Some(key), &[]);
        fresh.end_all();
        case.equal(&found, &expected, format_args!("the endpoint of key {key}"));
    }
}

/// The same seed picks the same, and to look where a request would go changes nothing that is known
/// of the endpoints.
///
/// # Panics
///
/// Where it does.
#[track_caller]
pub fn picks_count_nothing(subject: &Subject<'_>, seed: u64) {
    let (case, mut draw) = (case("picks_count_nothing", seed), Draw::new(seed));
    let steps = draw.steps(100, true);
    let [mut one, mut other] = [(); 2].map(|()| subject.world_of(case.property, 1, seed));
    for step in &steps {
        one.step(step);
        other.step(step);
    }
    let before = gauges(&one);
    for key in 0..50 {
        let request = crate::Request::new().key(u64::to_le_bytes(key));
        let pick = |world: &World| {
            let snapshot = world.cluster().load();
            let picked = snapshot.pick(&request, world.now());
            picked.map(|endpoint| endpoint.id())
        };
        case.equal(&pick(&one), &pick(&other), "two of the same seed");
    }
    case.equal(&gauges(&one), &before, "what is known of the endpoints");
}

/// Identity, in flight, completed, latency.
type Gauges = (NodeId, u32, (u32, u32), Option<u64>);

fn gauges(world: &World) -> Vec<Gauges> {
    let snapshot = world.cluster().load();
    let endpoints = snapshot.iter().map(|endpoint| {
        (
            endpoint.id(),
            endpoint.in_flight(),
            endpoint.completed(),
            endpoint.latency_nanos().map(f64::to_bits),
        )
    });
    endpoints.collect()
}

fn case(property: &'static str, seed: u64) -> Case {
    Case { property, seed }
}
