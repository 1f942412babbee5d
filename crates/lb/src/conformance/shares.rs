//! Who gets how much.

use super::draw::Draw;
use super::step::{Member, Step};
use super::subject::{Case, Subject};
use super::world::World;
use crate::capabilities::Shares;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Requests to count by.
const REQUESTS: u32 = 20_000;

/// Requests that come one after the other spread as promised, whoever came, went, was closed or got
/// another weight before.
///
/// # Panics
///
/// Where they do not.
#[track_caller]
pub fn shares(subject: &Subject<'_>, seed: u64) {
    let (case, mut draw) = (case("shares", seed), Draw::new(seed));
    let mut world = subject.world_of(case.property, 0, seed);
    for step in draw.steps(60, false) {
        world.step(&step);
    }
    let id = 1_000;
    let weight = draw.below(10) + 1;
    world.step(&Step::Insert(Member {
        id,
        weight,
        zone: 0,
        priority: 0,
    }));
    settle(&mut world);
    compare(case, subject, &mut world, |_, _| {});
    half_in_a_row_closed(case, subject, &mut draw);
}

/// A zone of a sorted list goes: who stands behind it gets no more than others.
#[track_caller]
fn half_in_a_row_closed(case: Case, subject: &Subject<'_>, draw: &mut Draw) {
    let mut world = subject.world_of(case.property, 0, case.seed);
    let members = (0..200).map(|id| Member {
        id,
        weight: draw.below(4) + 1,
        zone: 0,
        priority: 0,
    });
    world.step(&Step::Replace(members.collect()));
    let first = u64::from(draw.below(200));
    for more in 0..100 {
        world.step(&Step::Health((first + more) % 200, 2));
    }
    compare(case, subject, &mut world, |_, _| {});
}

/// The same while another endpoint comes and goes all the time, the list is told in another order, and
/// endpoints move to the positions of others that go: nobody is favoured by a policy that begins anew.
///
/// # Panics
///
/// Where one is.
#[track_caller]
pub fn shares_through_updates(subject: &Subject<'_>, seed: u64) {
    let (case, mut draw) = (case("shares_through_updates", seed), Draw::new(seed));
    let mut world = subject.world_of(case.property, 0, seed);
    // Of weight 0, so that they take nothing from the others, who stand behind them at first.
    let idle = |id| Member {
        id,
        weight: 0,
        zone: 0,
        priority: 0,
    };
    let mut members: Vec<Member> = (2_000..2_020).map(idle).collect();
    for id in 0..u64::from(draw.below(4)) + 2 {
        let weight = if id == 0 { 1 } else { draw.below(30) + 1 };
        members.push(Member { weight, ..idle(id) });
    }
    world.step(&Step::Replace(members.clone()));
    let every = draw.below(12) + 4;
    let other = idle(1_000);
    compare(case, subject, &mut world, |world, number| {
        if number % 700 == 0 && members[0].weight == 0 {
            // The last one takes its place.
            world.step(&Step::Remove(members.remove(0).id));
        } else if number % (4 * every) == every {
            let turn = number as usize % members.len();
            let (before, after) = members.split_at(turn);
            world.step(&Step::Replace([after, before].concat()));
        } else if number % (2 * every) == 0 {
            world.step(&Step::Insert(other));
        } else if number % every == 0 {
            world.step(&Step::Remove(other.id));
        }
    });
}

/// No failure is remembered, no request in flight.
fn settle(world: &mut World) {
    world.end_all();
    let later = world.now().as_millis().max(1_000_000) + 1_000_000;
    world.step(&Step::Clock(later));
}

#[track_caller]
fn compare(
    case: Case,
    subject: &Subject<'_>,
    world: &mut World,
    mut meanwhile: impl FnMut(&mut World, u32),
) {
    let allowed = match subject.capabilities().shares {
        Shares::Unsaid => return,
        Shares::Equal => 0.0,
        Shares::Weighted(error) => error,
    };
    let equal = subject.capabilities().shares == Shares::Equal;
    let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
    for number in 1..=REQUESTS {
        if let Some(id) = world.pick(Some(number.into()), &[]) {
            *counts.entry(id).or_default() += 1;
        }
        world.end_all();
        meanwhile(world, number);
    }
    let weights = weights(world, equal);
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    for (id, weight) in weights {
        let share = weight / sum;
        let expected = share * f64::from(REQUESTS);
        // Six standard deviations of a fair draw, and what a short sequence leaves over.
        let luck = 6.0 * (expected * (1.0 - share)).sqrt() + 8.0;
        let found = f64::from(counts.get(&id).copied().unwrap_or(0));
        case.check(
            (found - expected).abs() <= luck + allowed * expected,
            format_args!("endpoint {id} of {weight} got {found} requests of {expected:.1}"),
        );
    }
}

/// The weights of those that are open.
fn weights(world: &World, equal: bool) -> Vec<(u64, f64)> {
    let snapshot = world.cluster().load();
    let pool = snapshot.pool();
    (0..pool.len())
        .filter(|position| pool.is_open(*position))
        .map(|position| {
            let weight = f64::from(pool.weight(position).get());
            (pool.id(position).0, if equal { 1.0 } else { weight })
        })
        .collect()
}

fn case(property: &'static str, seed: u64) -> Case {
    Case { property, seed }
}
