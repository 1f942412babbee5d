//! Every interleaving of a few threads at one bucket, which has four slots here.
#![cfg(purlin_loom)]
#![expect(clippy::unwrap_used, reason = "how a test fails")]

use loom::sync::Arc;
use loom::thread;
use purlin_core::hash::KeyHash;
use purlin_ratelimit::{Gcra, Instant, Keyed, Limiter, Quota, WhenFull};

type Table = Arc<Keyed<Gcra>>;

/// One a second, two at once; or three under the second plan. So many slots are taken by others, with
/// all that they may have.
fn table(busy: u64, when_full: WhenFull, now: Instant) -> Table {
    let gcra = |burst| Gcra::new(Quota::per_second(1).unwrap().with_burst(burst).unwrap());
    let builder = Keyed::builder(gcra(2).unwrap(), 3).plan(gcra(3).unwrap());
    let table = builder.when_full(when_full).build().unwrap();
    for index in 0..busy {
        let key = KeyHash((100 + index) << 20);
        table.try_acquire_at(&key, now, 2).unwrap();
    }
    Arc::new(table)
}

/// Two keys under different locks.
const A: KeyHash = KeyHash(1 << 20);
const B: KeyHash = KeyHash(1 << 32 | 2 << 20);

const NOW: Instant = Instant::from_secs(10);

fn acquire(table: &Table, key: KeyHash) -> u64 {
    u64::from(table.try_acquire_at(&key, NOW, 1).is_ok())
}

fn left(table: &Table, key: KeyHash) -> u64 {
    table.of(&key).peek_at(NOW, 1).remaining
}

fn spawn(table: &Table, run: impl FnOnce(&Table) -> u64 + 'static) -> thread::JoinHandle<u64> {
    let table = table.clone();
    thread::spawn(move || run(&table))
}

/// Two who insert one key make one entry, and are admitted what one would be.
#[test]
fn a_key_never_has_two_entries() {
    loom::model(|| {
        let table = table(0, WhenFull::Deny, NOW);
        let other = spawn(&table, |table| acquire(table, A));
        let mine = acquire(&table, A) + acquire(&table, A);
        assert_eq!(mine + other.join().unwrap(), 2);
        assert_eq!(table.stats(NOW).busy, 1);
        table.check_invariants();
    });
}

/// Two keys want the only slot that is free: one gets it.
#[test]
fn a_slot_never_has_two_owners() {
    loom::model(|| {
        let table = table(3, WhenFull::Deny, NOW);
        let other = spawn(&table, |table| acquire(table, B));
        let mine = acquire(&table, A);
        assert_eq!(mine + other.join().unwrap(), 1);
        assert_eq!(table.stats(NOW).busy, 4);
        table.check_invariants();
    });
}

/// One takes over the slot of a key that is idle while that key comes back: one of both is admitted,
/// and stands as if alone.
#[test]
fn who_decides_while_the_slot_changes_hands_is_charged() {
    loom::model(|| {
        let table = table(3, WhenFull::Deny, NOW);
        table.try_acquire_at(&A, Instant::from_secs(1), 1).unwrap();
        let inserter = spawn(&table, |table| acquire(table, B));
        let mine = acquire(&table, A);
        let theirs = inserter.join().unwrap();
        assert_eq!(mine + theirs, 1);
        assert_eq!(left(&table, if mine == 1 { A } else { B }), 1);
        table.check_invariants();
    });
}

/// One is evicted while it is charged: one token was left, which nobody gets twice.
#[test]
fn an_entry_is_evicted_with_all_that_it_was_charged() {
    loom::model(|| {
        let table = table(3, WhenFull::EvictNearestIdle, NOW);
        table.try_acquire_at(&A, NOW, 1).unwrap();
        let inserter = spawn(&table, |table| acquire(table, B));
        let mine = acquire(&table, A);
        assert_eq!(mine + inserter.join().unwrap(), 1);
        table.check_invariants();
    });
}

/// The slot goes to another key, and its word becomes what it was: no request is admitted without
/// being charged, and nobody is charged for another.
#[test]
fn a_state_that_recurs_under_another_owner_is_noticed() {
    loom::model(|| {
        let table = table(3, WhenFull::Deny, NOW);
        assert_eq!(acquire(&table, A), 1);
        let thief = spawn(&table, |table| {
            assert!(table.remove(&A));
            acquire(table, B)
        });
        let mine = acquire(&table, A);
        let theirs = thief.join().unwrap();
        assert!(mine + theirs > 0);
        assert_eq!(left(&table, if theirs == 1 { B } else { A }), 1);
        table.check_invariants();
    });
}

/// A refund meets a removal: what is given back is what that entry had taken.
#[test]
fn a_refund_goes_to_the_own_entry_or_nowhere() {
    loom::model(|| {
        let table = table(3, WhenFull::Deny, NOW);
        assert_eq!(acquire(&table, A), 1);
        let thief = spawn(&table, |table| {
            table.remove(&A);
            acquire(table, B)
        });
        table.of(&A).refund_at(NOW, 1);
        assert_eq!(thief.join().unwrap(), 1);
        assert_eq!(left(&table, B), 1);
        table.check_invariants();
    });
}

/// A key changes its plan while it is used under the other one: one token was left.
#[test]
fn a_change_of_plans_keeps_what_was_charged() {
    loom::model(|| {
        let table = table(0, WhenFull::Deny, NOW);
        assert_eq!(acquire(&table, A), 1);
        let gold = spawn(&table, |table| {
            let limiter = table.of_plan(&A, 1).unwrap();
            u64::from(limiter.try_acquire_at(NOW, 1).is_ok())
        });
        let mine = acquire(&table, A);
        assert_eq!(mine + gold.join().unwrap(), 1);
        assert_eq!(table.stats(NOW).busy, 1);
        table.check_invariants();
    });
}

/// One key's entry is removed and another's is made in its place, with the very same state, while a third
/// wants to evict it, claims the slot and gives it back. Meanwhile the second key is asked for again.
#[test]
fn a_claim_that_is_given_back_hides_no_entry() {
    const EVICTED: KeyHash = KeyHash((1 << 32) | (3 << 20));
    const EVICTS: KeyHash = KeyHash(1 << 20);
    const MINE: KeyHash = KeyHash((1 << 32) | (2 << 20));
    let mut model = loom::model::Builder::new();
    // With three preemptions it would not show.
    model.preemption_bound = Some(4);
    model.check(|| {
        let quota = Quota::per_second(1).and_then(|quota| quota.with_burst(2));
        let gcra = Gcra::new(quota.expect("valid")).expect("valid");
        let table = Keyed::builder(gcra, 3).when_full(WhenFull::EvictNearestIdle);
        let table = Arc::new(table.build().expect("valid"));
        let now = Instant::from_secs(10);
        for key in [
            EVICTED,
            KeyHash(100 << 20),
            KeyHash(101 << 20),
            KeyHash(102 << 20),
        ] {
            table.try_acquire_at(&key, now, 1).expect("new");
        }
        let other = {
            let table = Arc::clone(&table);
            thread::spawn(move || table.try_acquire_at(&EVICTS, now, 1).is_ok())
        };
        table.remove(&EVICTED);
        let admitted = (0..3).filter(|_| table.try_acquire_at(&MINE, now, 1).is_ok());
        assert!(admitted.count() <= 2);
        other.join().expect("no panic");
        table.check_invariants();
    });
}
