//! The policy holds just what is here, whatever happens.

use super::Subject;
use super::draw::Draw;
use super::history::{History, mixed};
use super::step::Step;
use super::subject::Case;

/// How many steps a property takes, most of them at small capacities.
pub(super) const STEPS: usize = 500;

/// Whatever is looked up, inserted and removed, what leaves was there and is gone; as many leave as have to;
/// the policy counts and shows just the entries that are left, and its own invariants hold.
///
/// # Panics
///
/// Where it does not hold.
pub fn churn(subject: &Subject<'_>, seed: u64) {
    let property = "churn";
    survive(subject, Case { property, seed }, mixed);
}

/// The same where hashes are as bad as can be: all alike, 0, the greatest, a few, in sequence, in the
/// upper bits only.
///
/// # Panics
///
/// Where it does not hold.
pub fn collisions(subject: &Subject<'_>, seed: u64) {
    let property = "collisions";
    let hashes: [fn(u64) -> u64; 7] = [
        |_| 0,
        |_| u64::MAX,
        |_| 42,
        |key| key % 3,
        |key| key,
        |key| key << 56,
        // Half of the keys have a hash that somebody may take for no hash at all.
        |key| if key % 2 == 0 { 0 } else { mixed(key) },
    ];
    for hash in hashes {
        survive(subject, Case { property, seed }, hash);
    }
}

fn survive(subject: &Subject<'_>, case: Case, hash: fn(u64) -> u64) {
    let mut draw = Draw::new(case.seed);
    let capacity = draw.capacity();
    let mut history = History::of(subject, capacity, case).hashed_by(hash);
    history.check();
    for _ in 0..STEPS {
        history.step(draw.step(capacity));
        history.check();
    }
    history.drain();
    // It is as good as new.
    for _ in 0..STEPS / 4 {
        history.step(draw.step(capacity));
        history.check();
    }
}

/// The same while the capacity becomes another now and then: more, less, one, none.
///
/// # Panics
///
/// Where it does not hold.
pub fn capacity_changes(subject: &Subject<'_>, seed: u64) {
    let property = "capacity_changes";
    let mut draw = Draw::new(seed);
    let mut capacity = if draw.one_in(4) { 0 } else { draw.capacity() };
    let mut history = History::of(subject, capacity, Case { property, seed });
    history.check();
    for _ in 0..STEPS {
        if draw.one_in(25) {
            let entries = match draw.below(6) {
                0 => draw.below(2),
                1 => capacity / 2,
                2 => capacity + 1,
                3 => capacity,
                _ => draw.capacity(),
            };
            history.step(Step::SetCapacity { entries });
            capacity = entries;
        } else {
            history.step(draw.step(capacity));
        }
        history.check();
    }
    history.step(Step::SetCapacity { entries: 0 });
    history.drain();
}

/// The same while there are many more entries than the policy has been told of, and then fewer again,
/// as in a cache whose entries have weights.
///
/// # Panics
///
/// Where it does not hold.
pub fn overfull(subject: &Subject<'_>, seed: u64) {
    let property = "overfull";
    let mut draw = Draw::new(seed);
    let capacity = if draw.one_in(4) { 0 } else { draw.capacity() };
    let mut history = History::of(subject, capacity, Case { property, seed });
    for entries in [4 * capacity + 20, capacity + 1, 2 * capacity + 3, capacity] {
        history.step(Step::SetRoom { entries });
        for _ in 0..2 * entries {
            history.step(draw.step(entries));
            history.check();
        }
        // Nothing that is new is refused while there is room.
        while history.len() < entries {
            let key = draw.fresh_key();
            history.step(Step::Get { key });
        }
        history.check();
        // The policy is told, although it has more than that.
        if draw.one_in(2) {
            history.step(Step::SetCapacity { entries });
        }
    }
    history.drain();
}

/// The same with a capacity that nothing ever fills. What a policy keeps grows with the entries that come,
/// not with the capacity: an empty cache of great capacity is small.
///
/// # Panics
///
/// Where it does not hold, and where the policy asks for more memory than there is.
pub fn great_capacity(subject: &Subject<'_>, seed: u64) {
    let property = "great_capacity";
    let mut draw = Draw::new(seed);
    for capacity in [usize::MAX, usize::MAX / 2 + 1, 1 << 31] {
        let mut history = History::of(subject, capacity, Case { property, seed });
        for _ in 0..STEPS / 4 {
            history.step(draw.step(50));
            history.check();
        }
        let entries = 10;
        history.step(Step::SetCapacity { entries });
        history.step(Step::SetCapacity { entries: capacity });
        for _ in 0..STEPS / 4 {
            history.step(draw.step(50));
            history.check();
        }
    }
}
