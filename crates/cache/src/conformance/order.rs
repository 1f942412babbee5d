//! Which entry leaves.

use super::Subject;
use super::draw::Draw;
use super::history::History;
use super::presence::STEPS;
use super::step::{Outcome, Step};
use super::subject::Case;

/// The entry that is shown first is the one that leaves next, if no hit and no miss comes first.
///
/// # Panics
///
/// Where it does not hold.
pub fn order(subject: &Subject<'_>, seed: u64) {
    let property = "order";
    let mut draw = Draw::new(seed);
    let capacity = draw.capacity();
    let mut history = History::of(subject, capacity, Case { property, seed });
    for _ in 0..STEPS / 5 {
        for _ in 0..draw.below(10) {
            history.step(draw.step(capacity));
        }
        first_leaves(&mut history);
        let entries = capacity;
        history.step(Step::SetRoom { entries });
    }
    while !history.is_empty() {
        first_leaves(&mut history);
    }
}

fn first_leaves(history: &mut History<'_>) {
    let Some(&coldest) = history.coldest().first() else {
        return;
    };
    let entries = history.len() - 1;
    history.step(Step::SetRoom { entries });
    history.expect(
        history.evicted() == [coldest],
        format_args!(
            "key {coldest} is shown first, and {:?} leaves",
            history.evicted()
        ),
    );
}

/// While keys stream by that are asked for once, a key that is hit between any two of them stays.
///
/// # Panics
///
/// Where it does not hold.
pub fn hot_key_stays(subject: &Subject<'_>, seed: u64) {
    let property = "hot_key_stays";
    let mut draw = Draw::new(seed);
    let capacity = 32 + draw.below(100);
    let mut history = History::of(subject, capacity, Case { property, seed });
    // There may be entries before the hot one, which were hit or not.
    for _ in 0..draw.below(2 * capacity) {
        let key = draw.fresh_key();
        history.step(Step::Get { key });
        if draw.one_in(2) {
            history.step(Step::Get { key });
        }
    }
    let key = 0;
    let mut stays = history.step(Step::Get { key }) == Outcome::Inserted;
    for _ in 0..20 * capacity {
        let outcome = history.step(Step::Get { key });
        if outcome == Outcome::Inserted {
            // One that rejects may not let it in at first.
            history.expect(!stays, format_args!("the hot key left"));
            history.step(Step::Get { key });
        }
        stays |= outcome != Outcome::Rejected;
        let key = draw.fresh_key();
        history.step(Step::Get { key });
    }
    history.expect(stays, format_args!("the hot key was never let in"));
}
