//! States in a store: as in memory, whoever writes in between.

use core::cell::Cell;
use core::time::Duration;
use proptest::prelude::*;
use purlin_core::time::{ManualClock, UnixTime};
use purlin_ratelimit::store::{
    Attempt, AttemptError, CasStore, MemoryStore, Read, Step, StoreError, Stored, StoredState,
};
use purlin_ratelimit::{Algorithm, Gcra, Instant, Limiter, Locked, MultiBandwidth, Quota, Reason};

const EPOCH: UnixTime = UnixTime::from_secs(1_700_000_000);

fn gcra(count: u64, burst: u64) -> Gcra<u128> {
    let quota = Quota::per_second(count).expect("it is valid");
    Gcra::wide(quota.with_burst(burst).expect("it is valid")).expect("it is valid")
}

fn bandwidths() -> MultiBandwidth<Gcra<u128>> {
    MultiBandwidth::new([gcra(7, 3), gcra(2, 9)]).expect("it is valid")
}

/// The clock, at an instant since the epoch.
fn set(clock: &ManualClock, now: Instant) {
    clock.set_unix_now(EPOCH + (now - Instant::ORIGIN));
}

/// Runs the same calls on both, and compares all answers.
fn compare<A>(rule: A, steps: &[(u64, u64, u8)]) -> Result<(), TestCaseError>
where
    A: Algorithm<State: StoredState> + Clone,
{
    let clock = ManualClock::new();
    let stored = Stored::new(rule.clone(), MemoryStore::new(clock.clone(), 4), EPOCH);
    let (remote, local) = (stored.key(b"k"), Locked::new(rule));
    let mut now = Instant::from_secs(100);
    let mut held = Vec::new();
    for (elapsed, cost, call) in steps {
        now += Duration::from_nanos(*elapsed);
        set(&clock, now);
        match call {
            0 => prop_assert_eq!(remote.check_at(now, *cost), local.check_at(now, *cost)),
            1 => {
                let wait = Duration::from_secs(2);
                let here = local.reserve_at(now, *cost, wait);
                let there = remote.reserve_at(now, *cost, wait);
                prop_assert_eq!(there.is_ok(), here.is_ok());
                if let (Ok(there), Ok(here)) = (there, here) {
                    prop_assert_eq!(there.ready_at(), here.ready_at());
                    held.push((there, here));
                }
            }
            2 => {
                if let Some((there, here)) = held.pop() {
                    prop_assert_eq!(remote.cancel_at(now, there), local.cancel_at(now, here));
                }
            }
            _ => {
                remote.refund_at(now, *cost);
                local.refund_at(now, *cost);
            }
        }
        prop_assert_eq!(remote.peek_at(now, 1), local.peek_at(now, 1));
        prop_assert_eq!(remote.limit(), local.limit());
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_store_answers_as_memory_does(
        steps in prop::collection::vec((0..900_000_000_u64, 0..5_u64, 0..4_u8), 1..60),
    ) {
        compare(gcra(3, 4), &steps)?;
        compare(bandwidths(), &steps)?;
    }

    #[test]
    fn no_bytes_are_taken_for_a_state_that_was_not_written(
        state in prop::collection::vec(0..4_u8, 0..40),
    ) {
        let rule = bandwidths();
        let head = [&[1], &rule.fingerprint().to_le_bytes()[..]].concat();
        let bytes = [&head[..], &state].concat();
        let entry = Some((7_u32, bytes.clone()));
        let update = |_: &MultiBandwidth<_>, state: &mut _, _| Clone::clone(state);
        let mut attempt = Attempt::new(&rule, Instant::ORIGIN, 1, update);
        attempt.read(entry, None);
        // What can be read is written as it was, so that there is nothing to write.
        prop_assert_eq!(attempt.step(), Step::Done);
        if let Ok(state) = attempt.finish() {
            let mut again = head;
            state.encode(&mut again);
            prop_assert_eq!(again, bytes);
        }
    }
}

#[test]
fn threads_admit_together_what_one_would() {
    let clock = ManualClock::new();
    set(&clock, Instant::from_secs(50));
    let store = MemoryStore::new(clock, 4);
    let admitted: usize = std::thread::scope(|scope| {
        // A process each: nothing but the store is shared.
        let threads = [(); 4].map(|()| {
            let limiter = Stored::new(gcra(1, 300), &store, EPOCH).with_tries(u32::MAX);
            scope.spawn(move || {
                let one = || limiter.key(b"k").try_acquire_at(Instant::ORIGIN, 1).is_ok();
                (0..200).filter(|_| one()).count()
            })
        });
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(admitted, 300);
}

/// A store in which somebody else is always faster, or that is down.
struct Never<'a> {
    calls: &'a Cell<u32>,
    value: Option<(u32, Vec<u8>)>,
    down: bool,
}

impl CasStore for Never<'_> {
    type Version = u32;
    type Error = &'static str;

    fn get(&self, _: &[u8]) -> Result<Read<u32>, &'static str> {
        if self.down {
            return Err("down");
        }
        let entry = self.value.clone();
        Ok(Read { entry, now: None })
    }

    fn swap(&self, _: &[u8], _: Option<&u32>, _: &[u8], _: Duration) -> Result<bool, &'static str> {
        self.calls.set(self.calls.get() + 1);
        Ok(false)
    }
}

/// `cas_failure` of the vectors (throttled, redis-cell): a bounded number of attempts, then an error.
#[test]
fn a_store_that_always_refuses_the_swap_admits_nothing() {
    let calls = Cell::new(0);
    let store = |value, down| Never {
        calls: &calls,
        value,
        down,
    };
    let now = Instant::from_secs(1);
    for tries in [0, 1, 5, 10] {
        calls.set(0);
        let limiter = Stored::new(gcra(1, 5), store(None, false), EPOCH).with_tries(tries);
        let denied = limiter.key(b"k").try_acquire_at(now, 1).unwrap_err();
        assert_eq!(
            (denied.reason(), denied.retry_after()),
            (Reason::Store, None)
        );
        assert_eq!(calls.get(), tries.max(1));
    }
    let decide = |rule: &Gcra<u128>, state: &mut u128, now| rule.decide(state, now, 1);
    let down = Stored::new(gcra(1, 5), store(None, true), EPOCH);
    assert_eq!(
        down.update(b"k", now, decide),
        Err(StoreError::Store("down"))
    );
    let decision = down.key(b"k").check_at(now, 1);
    assert_eq!((decision.is_allowed(), decision.remaining), (false, 0));
    assert!(down.key(b"k").reserve_at(now, 1, Duration::MAX).is_err());
    // Of a later format, empty, cut short in the rule and in the state, and of another rule.
    let head = [&[1], &gcra(1, 5).fingerprint().to_le_bytes()[..]].concat();
    for (bytes, error) in [
        (vec![2; 25], AttemptError::Format),
        (vec![], AttemptError::Format),
        (head[..5].to_vec(), AttemptError::Format),
        (head, AttemptError::Format),
        (vec![1; 25], AttemptError::AnotherRule),
    ] {
        calls.set(0);
        let limiter = Stored::new(gcra(1, 5), store(Some((1, bytes)), false), EPOCH);
        let outcome = limiter.update(b"k", now, decide);
        assert_eq!(outcome, Err(StoreError::Attempt(error)));
        assert_eq!(calls.get(), 0);
    }
}

#[test]
fn what_is_written_is_pinned_and_lives_until_it_says_nothing() {
    let rule = gcra(2, 3);
    let mut attempt = Attempt::new(
        &rule,
        Instant::from_nanos(10),
        1,
        |rule: &Gcra<u128>, state, now| rule.decide(state, now, 3),
    );
    assert_eq!(attempt.step(), Step::Read);
    attempt.read(None::<(u8, _)>, None);
    // Format 1, the rule, 10 ns and one and a half second; 1.5 s live for 2.
    let mut value = vec![1];
    value.extend_from_slice(&0x4309_61b5_2d92_f3db_u64.to_le_bytes());
    value.extend_from_slice(&1_500_000_010_u128.to_le_bytes());
    let (expected, ttl) = (None, Duration::from_secs(2));
    assert_eq!(
        attempt.step(),
        Step::Swap {
            expected,
            value: &value,
            ttl
        }
    );
    attempt.swapped(true);
    assert_eq!(attempt.finish(), Ok(Ok(())));
}

/// A state of one quota, read under another: all calls refuse and write nothing, whichever of both
/// quotas is the larger, until its time is over.
#[test]
fn the_state_of_another_quota_admits_nothing_until_its_time_is_over() {
    let clock = ManualClock::new();
    let now = Instant::from_secs(100);
    let (slow, fast) = (gcra(1, 4), gcra(1_000_000, 4_000));
    for (old, new) in [(&slow, &fast), (&fast, &slow)] {
        set(&clock, now);
        let store = MemoryStore::new(clock.clone(), 4);
        let old = Stored::new(old.clone(), &store, EPOCH);
        let new = Stored::new(new.clone(), &store, EPOCH);
        assert!(old.key(b"k").try_acquire_at(now, 2).is_ok());
        let written = store.get(b"k").unwrap();
        let left = old.key(b"k").peek_at(now, 0);

        let key = new.key(b"k");
        let denied = key.try_acquire_at(now, 1).unwrap_err();
        assert_eq!(
            (denied.reason(), denied.retry_after()),
            (Reason::Store, None)
        );
        let decisions = [key.check_at(now, 1), key.peek_at(now, 1)];
        assert!(
            decisions
                .iter()
                .all(|one| !one.is_allowed() && one.remaining == 0)
        );
        let reservation = key.reserve_at(now, 1, Duration::MAX);
        assert_eq!(reservation.unwrap_err().reason(), Reason::Store);
        key.refund_at(now, 2);
        let read = new.update(b"k", now, |_, state, _| *state);
        assert_eq!(read, Err(StoreError::Attempt(AttemptError::AnotherRule)));
        assert_eq!(store.get(b"k").unwrap(), written);
        assert_eq!(old.key(b"k").peek_at(now, 0), left);
        // Another key is none of that state's business.
        assert!(new.key(b"k, 2").try_acquire_at(now, 4).is_ok());

        let later = now + Duration::from_secs(left.reset_after.as_secs() + 1);
        set(&clock, later);
        assert!(key.try_acquire_at(later, 4).is_ok());
    }
}

#[test]
fn keys_whose_time_is_over_make_room_and_others_do_not() {
    let clock = ManualClock::new();
    let at = |secs| {
        let now = Instant::from_secs(secs);
        set(&clock, now);
        now
    };
    let stored = Stored::new(gcra(1, 4), MemoryStore::new(clock.clone(), 2), EPOCH);
    let now = at(1);
    stored.key(b"a").try_acquire_at(now, 1).unwrap();
    stored.key(b"b").try_acquire_at(now, 4).unwrap();
    assert_eq!(
        stored
            .key(b"c")
            .try_acquire_at(now, 1)
            .unwrap_err()
            .reason(),
        Reason::Store
    );
    let now = at(2);
    stored.key(b"c").try_acquire_at(now, 1).unwrap();
    assert!(stored.key(b"b").try_acquire_at(now, 2).is_err());
    // The store's clock counts, not that of a caller who is ahead.
    assert!(
        stored
            .key(b"b")
            .try_acquire_at(Instant::from_secs(900), 2)
            .is_err()
    );
}
