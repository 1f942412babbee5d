//! The conformance suite: a naive policy passes, and each property finds the flaws that it is there to
//! find.

#[path = "conformance/flawed.rs"]
mod flawed;

use allocation_counter::measure;
use core::panic::AssertUnwindSafe;
use flawed::{Flaw, Flawed, promises};
use purlin_cache::Capabilities;
use purlin_cache::conformance::{self, History, Outcome, Step, Subject};
use purlin_cache::policy::Lru;
use purlin_core::time::SystemClock;
use std::panic::catch_unwind;

fn flawed(flaw: Flaw) -> Subject<'static> {
    Subject::new(promises(flaw), move |capacity| Flawed::new(flaw, capacity))
}

fn lru() -> Subject<'static> {
    Subject::new(Capabilities::NONE, Lru::new)
}

#[test]
fn a_naive_policy_conforms() {
    for flaw in [Flaw::None, Flaw::NoneButRejects] {
        for seed in 0..100 {
            conformance::all(&flawed(flaw), seed);
        }
    }
}

/// What is said of a policy, on the first seed of some for which the property does not hold.
fn complaint(property: fn(&Subject<'_>, u64), subject: &Subject<'_>) -> Option<String> {
    (0..20).find_map(|seed| {
        let outcome = catch_unwind(AssertUnwindSafe(|| property(subject, seed)));
        let panic = outcome.err()?;
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Some(text.expect("a message"))
    })
}

/// That `all` finds the flaw by that property and says so, and that the property by itself finds nothing
/// where there is no flaw.
fn finds(property: &str, alone: fn(&Subject<'_>, u64), flaw: Flaw, what: &str) {
    assert_eq!(complaint(alone, &flawed(Flaw::None)), None);
    assert!(
        complaint(alone, &flawed(flaw)).is_some(),
        "{property} did not find {flaw:?}"
    );
    let message = complaint(conformance::all, &flawed(flaw)).expect("`all` runs it too");
    assert!(
        message.starts_with(&format!("{property} does not hold (seed ")) && message.contains(what),
        "{property} found {flaw:?}, and `all` said: {message}"
    );
}

macro_rules! flaws {
    ($($flaw:ident: $property:ident, saying $what:literal;)*) => {
        #[test]
        fn every_flaw_is_found() {
            let tried = [$(
                {
                    finds(stringify!($property), conformance::$property, Flaw::$flaw, $what);
                    Flaw::$flaw
                },
            )*];
            let missing = Flaw::ALL.iter().filter(|flaw| !tried.contains(flaw));
            assert_eq!(missing.collect::<Vec<_>>(), Vec::<&Flaw>::new());
        }
    };
}

flaws! {
    IgnoresRemove: churn, saying "its len is";
    IgnoresRelocate: churn, saying "is shown twice";
    RelocatesToFront: relocation, saying "leave, and of its twin";
    LosesOne: churn, saying "its len is";
    KeepsEvicted: churn, saying "its len is";
    GivesUp: churn, saying "none leaves";
    CountsRemovedTwice: churn, saying "its len is";
    NeverEmpty: churn, saying "is_empty says false";
    ShowsTwice: churn, saying "is shown twice";
    HidesOne: churn, saying "is not shown";
    ShowsHottestFirst: order, saying "is shown first";
    EvictsLowestSlot: relocation, saying "leave, and of its twin";
    DrawsFromProcess: determinism, saying "its twin";
    ChangesWhenLookedAt: determinism, saying "its twin";
    LosesSharedHits: shared_hits, saying "its twin";
    ClaimsSharedHits: churn, saying "shares_hits says another";
    RejectsWithoutSaying: churn, saying "none leaves";
    RejectsWhenShrinking: churn, saying "none leaves";
    FindsByHash: collisions, saying "is shown twice";
    TakesZeroForNothing: collisions, saying "its len is";
    EvictsLowestHash: hashes_do_not_matter, saying "its twin";
    FixedArray: overfull, saying "the policy panicked: index out of bounds";
    AllocatesAtOnce: great_capacity, saying "the policy panicked: capacity overflow";
    NeedsCapacity: capacity_changes, saying "the policy panicked: attempt to calculate the remainder";
    ForgetsOnResize: capacity_changes, saying "none leaves";
    IgnoresHits: hot_key_stays, saying "the hot key left";
    BreaksInvariant: churn, saying "the policy panicked: more than that";
}

#[test]
fn a_scan_of_all_entries_takes_its_time() {
    let clock = SystemClock::new();
    let constant = |subject: &Subject<'_>| {
        let run = || conformance::constant_work(subject, 1, &clock);
        catch_unwind(AssertUnwindSafe(run)).is_ok()
    };
    // The time is the machine's, on which others may be at work: one good run of three will do.
    assert!((0..3).any(|_| constant(&lru())));
    let scans = Subject::new(Capabilities::NONE, flawed::Scans::new);
    assert!(!constant(&scans));
}

#[test]
fn allocations_are_counted() {
    let count = |subject: &Subject<'_>| {
        let mut requests = conformance::steady_state(subject, 100, 1);
        measure(|| requests(10_000)).count_total
    };
    assert_eq!(count(&lru()), 0);
    assert_ne!(
        count(&Subject::new(Capabilities::NONE, flawed::Allocates::new)),
        0
    );
}

#[test]
fn a_heavy_entry_takes_the_room_of_several() {
    let mut history = History::new(&lru(), 4);
    for key in 0..4 {
        history.step(Step::Get { key });
    }
    let entries = 3;
    assert_eq!(
        history.step(Step::GetHeavy { key: 9, entries }),
        Outcome::Inserted
    );
    assert_eq!(history.evicted(), [0, 1, 2]);
    assert_eq!(history.len(), 2);
    // One that is heavier than the cache has it for itself, and nothing has room where there is none.
    let entries = usize::MAX;
    history.step(Step::GetHeavy { key: 10, entries });
    assert_eq!((history.evicted(), history.len()), (&[3, 9][..], 1));
    history.step(Step::SetCapacity { entries: 0 });
    assert_eq!(history.step(Step::Get { key: 1 }), Outcome::Rejected);
    history.check();
}
