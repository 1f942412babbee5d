//! Two caches that may differ in nothing that is seen.

use super::Subject;
use super::draw::Draw;
use super::history::History;
use super::presence::STEPS;
use super::step::Step;
use super::subject::Case;

/// Two that are built alike and driven alike choose alike, although only one of them is looked at
/// ([`for_each_coldest`](crate::policy::Policy::for_each_coldest), `len`).
///
/// # Panics
///
/// Where it does not hold.
pub fn determinism(subject: &Subject<'_>, seed: u64) {
    let property = "determinism";
    alike(subject, Case { property, seed }, true, |twin| twin);
}

/// One whose newcomers take other slots makes the same choices, key by key.
///
/// # Panics
///
/// Where it does not hold.
pub fn relocation(subject: &Subject<'_>, seed: u64) {
    let property = "relocation";
    alike(subject, Case { property, seed }, false, History::shuffled);
}

/// One whose keys all have the same hash makes the same choices.
///
/// # Panics
///
/// Where it does not hold.
pub fn hashes_do_not_matter(subject: &Subject<'_>, seed: u64) {
    let property = "hashes_do_not_matter";
    alike(subject, Case { property, seed }, false, |twin| {
        twin.hashed_by(|_| 7)
    });
}

/// One that is told of hits by [`hit_shared`](crate::policy::Policy::hit_shared) makes the same choices.
///
/// # Panics
///
/// Where it does not hold.
pub fn shared_hits(subject: &Subject<'_>, seed: u64) {
    let property = "shared_hits";
    alike(
        subject,
        Case { property, seed },
        false,
        History::with_shared_hits,
    );
}

fn alike<'a>(
    subject: &Subject<'a>,
    case: Case,
    look: bool,
    other: impl FnOnce(History<'a>) -> History<'a>,
) {
    let mut draw = Draw::new(case.seed);
    let capacity = draw.capacity();
    let mut one = History::of(subject, capacity, case);
    let mut twin = other(History::of(subject, capacity, case));
    for _ in 0..STEPS {
        if look {
            one.check();
        }
        let step = if draw.one_in(100) {
            let entries = draw.capacity();
            Step::SetCapacity { entries }
        } else {
            draw.step(capacity)
        };
        step_both(&mut one, &mut twin, step);
    }
    // In all that are left, which says what they know of each.
    step_both(&mut one, &mut twin, Step::SetRoom { entries: 0 });
}

fn step_both(one: &mut History<'_>, twin: &mut History<'_>, step: Step) {
    let (outcome, other) = (one.step(step), twin.step(step));
    one.expect(
        outcome == other,
        format_args!("at {step:?} the outcome is {outcome:?}, and its twin's {other:?}"),
    );
    one.expect(
        one.evicted() == twin.evicted(),
        format_args!(
            "at {step:?} the keys {:?} leave, and of its twin {:?}",
            one.evicted(),
            twin.evicted()
        ),
    );
}
