//! A limiter per key: like a map of limiters, in memory that does not grow.
#![cfg(not(purlin_loom))]
#![expect(clippy::unwrap_used, reason = "how a test fails")]

use allocation_counter::measure;
use core::time::Duration;
use proptest::prelude::*;
use purlin_core::hash::{KeyHash, KeyHasher, SipHash13};
use purlin_ratelimit::{
    Algorithm, Carry, ConfigError, Gcra, Instant, Keyed, Limiter, Quota, Reason, Reconfigure,
    Reservation, WhenFull,
};
use std::collections::HashMap;
use std::thread;

fn gcra(count: u64, burst: u64) -> Gcra {
    let quota = Quota::per_second(count).unwrap();
    Gcra::new(quota.with_burst(burst).unwrap()).unwrap()
}

/// With hashes that are the same in every run.
fn table(plans: &[Gcra], capacity: usize, when_full: WhenFull) -> Keyed<Gcra> {
    let mut builder = Keyed::builder(plans[0].clone(), capacity).when_full(when_full);
    for plan in &plans[1..] {
        builder = builder.plan(plan.clone());
    }
    builder.hasher(SipHash13::new([7; 16])).build().unwrap()
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// What a table stands for: a plan and a state of each key that is busy.
struct Model {
    plans: Vec<Gcra>,
    states: HashMap<u64, (usize, u64)>,
}

impl Model {
    /// The state from which the key goes on, under that plan.
    fn start(&self, key: u64, plan: usize, now: Instant) -> u64 {
        match self.states.get(&key) {
            Some((old, state)) if !self.plans[*old].is_idle(state, now) => {
                if *old == plan {
                    *state
                } else {
                    self.plans[plan].migrate(&self.plans[*old], state, now, Carry::AsIs)
                }
            }
            _ => 0,
        }
    }

    fn update<R>(
        &mut self,
        (key, plan, now): (u64, usize, Instant),
        update: impl FnOnce(&Gcra, &mut u64) -> R,
    ) -> R {
        let start = self.start(key, plan, now);
        let mut state = start;
        let result = update(&self.plans[plan], &mut state);
        if state != start {
            self.states.insert(key, (plan, state));
        }
        result
    }

    fn reconfigure(&mut self, now: Instant, plan: usize, next: Gcra, carry: Carry) {
        let old = &self.plans[plan];
        self.states
            .retain(|_, (at, state)| *at != plan || !old.is_idle(state, now));
        for (_, state) in self.states.values_mut().filter(|(at, _)| *at == plan) {
            *state = next.migrate(old, state, now, carry);
        }
        self.plans[plan] = next;
    }

    fn busy(&self, now: Instant) -> usize {
        let states = self.states.values();
        states
            .filter(|(plan, state)| !self.plans[*plan].is_idle(state, now))
            .count()
    }
}

#[derive(Clone, Debug)]
enum Call {
    Acquire(u64),
    Check(u64),
    Peek(u64),
    Reserve(u64, bool),
    Refund(u64),
    Remove,
    Reconfigure(u64, Carry),
}

fn calls() -> impl Strategy<Value = Vec<(u64, u64, usize, Call)>> {
    let cost = || 0..6_u64;
    let carry = prop_oneof![
        Just(Carry::AsIs),
        Just(Carry::Proportional),
        Just(Carry::Additive),
        Just(Carry::Reset)
    ];
    let call = prop_oneof![
        16 => cost().prop_map(Call::Acquire),
        4 => cost().prop_map(Call::Check),
        4 => cost().prop_map(Call::Peek),
        4 => (cost(), any::<bool>()).prop_map(|(cost, cancel)| Call::Reserve(cost, cancel)),
        2 => cost().prop_map(Call::Refund),
        2 => Just(Call::Remove),
        1 => (1..9_u64, carry).prop_map(|(burst, carry)| Call::Reconfigure(burst, carry)),
    ];
    let plan = prop_oneof![9 => Just(0_usize), 1 => 1..3_usize];
    prop::collection::vec((0..100_u64, 0..40_u64, plan, call), 1..400)
}

/// One call of both; they agree.
fn agree(
    table: &Keyed<Gcra>,
    model: &mut Model,
    (key, plan, now): (u64, usize, Instant),
    call: &Call,
) -> Result<(), TestCaseError> {
    let limiter = table.of_plan(&key, plan).unwrap();
    let of = (key, plan, now);
    match *call {
        Call::Acquire(cost) => {
            let expected = model.update(of, |rule, state| rule.decide(state, now, cost));
            prop_assert_eq!(limiter.try_acquire_at(now, cost), expected);
        }
        Call::Check(cost) => {
            let expected = model.update(of, |rule, state| {
                let outcome = rule.decide(state, now, cost);
                let after = rule.inspect(state, now, 0);
                (outcome, after.remaining, after.reset_after)
            });
            let decision = limiter.check_at(now, cost);
            let answer = (decision.outcome, decision.remaining, decision.reset_after);
            prop_assert_eq!(answer, expected);
        }
        Call::Peek(cost) => {
            let before: Vec<_> = table.entries(now).collect();
            let expected = model.plans[plan].inspect(&model.start(key, plan, now), now, cost);
            prop_assert_eq!(limiter.peek_at(now, cost), expected);
            prop_assert_eq!(table.entries(now).collect::<Vec<_>>(), before);
        }
        Call::Reserve(cost, cancel) => {
            let wait = Duration::from_millis(150);
            let expected = model.update(of, |rule, state| rule.reserve(state, now, cost, wait));
            let reserved = limiter.reserve_at(now, cost, wait);
            // Of no cost, the marks may be those of different idle states.
            let facts = |it: &Reservation| (it.ready_at(), it.cost());
            prop_assert_eq!(reserved.as_ref().map(facts), expected.as_ref().map(facts));
            if let (true, Ok(mine), Ok(theirs)) = (cancel, reserved, expected) {
                let expected = model.update(of, |rule, state| rule.cancel(state, now, &theirs));
                prop_assert_eq!(limiter.cancel_at(now, mine), expected);
            }
        }
        Call::Refund(cost) => {
            model.update(of, |rule, state| rule.refund(state, now, cost));
            limiter.refund_at(now, cost);
        }
        Call::Remove => {
            let busy = model.start(key, plan, now) != 0;
            model.states.remove(&key);
            prop_assert!(table.remove(&key) || !busy);
        }
        Call::Reconfigure(..) => unreachable!("is for the whole table"),
    }
    Ok(())
}

proptest! {
    /// P11: a table that has room decides like a limiter a key, though it forgets what is idle.
    #[test]
    fn decides_like_a_map_of_limiters(calls in calls()) {
        let plans = vec![gcra(10, 4), gcra(7, 3), gcra(300, 5)];
        let mut table = table(&plans, 60, WhenFull::Deny);
        let mut model = Model { plans, states: HashMap::new() };
        let mut now = at(1000);
        for (step, key, plan, call) in calls {
            now = now.saturating_add(Duration::from_millis(step));
            if let Call::Reconfigure(burst, carry) = call {
                let next = gcra(11, burst);
                table.reconfigure(now, plan, next.clone(), carry).unwrap();
                model.reconfigure(now, plan, next, carry);
            } else {
                agree(&table, &mut model, (key, plan, now), &call)?;
            }
            table.check_invariants();
            prop_assert_eq!(table.stats(now).busy, model.busy(now));
        }
        let stats = table.stats(now);
        prop_assert_eq!((stats.evictions, stats.overflows), (0, 0));
    }

    /// However many keys come, they together get no more than one key's share a slot.
    #[test]
    fn a_full_table_admits_no_more_than_its_slots(
        requests in prop::collection::vec((0..200_u64, 0..20_u64, 1..4_u64), 1..2000),
        when_full in prop_oneof![
            Just(WhenFull::Deny),
            Just(WhenFull::EvictNearestIdle),
            Just(WhenFull::SharedBucket)
        ],
    ) {
        let table = table(&[gcra(10, 5)], 10, when_full);
        let slots = u64::try_from(table.stats(at(0)).slots).unwrap();
        let shares = slots + u64::from(when_full == WhenFull::SharedBucket);
        let (mut millis, mut admitted) = (1000, 0);
        for (key, step, cost) in requests {
            millis += step / 10;
            if table.try_acquire_at(&key, at(millis), cost).is_ok() {
                admitted += cost;
            }
            let bound = shares * (5 + (millis - 1000) / 100);
            prop_assert!(admitted <= bound, "{} of {}", admitted, bound);
        }
        table.check_invariants();
    }
}

#[test]
fn room_is_found_for_all_but_one_in_ten_thousand() {
    let keys = 400_000_u64;
    let table = table(&[gcra(1, 2)], 400_000, WhenFull::Deny);
    let admitted = (0..keys).filter(|key| table.try_acquire_at(key, at(1), 1).is_ok());
    let refused = keys - u64::try_from(admitted.count()).unwrap();
    assert!(refused <= keys / 10_000, "{refused} of {keys}");
    let stats = table.stats(at(1));
    assert_eq!(stats.overflows, refused);
    assert_eq!(u64::try_from(stats.busy).unwrap(), keys - refused);
    table.check_invariants();
}

#[test]
fn memory_is_what_it_says_and_stays_so() {
    let (capacity, mut table) = (100_000_u64, None);
    let allocated = measure(|| {
        table = Keyed::new(gcra(1, 1), 100_000).ok();
    });
    let table = table.unwrap();
    let memory = u64::try_from(table.memory() - size_of_val(&table)).unwrap();
    let current = u64::try_from(allocated.bytes_current).unwrap();
    assert!(current.abs_diff(memory) < 4096, "{current} of {memory}");
    assert!(memory <= 20 * capacity, "{memory}");
    for now in [at(5), at(2000)] {
        // Busy ones without end, in a moment; and then others, when those are idle.
        let flood = measure(|| {
            for key in 0..10 * capacity {
                let _ = table.try_acquire_at(&(key + now.as_nanos()), now, 1);
            }
        });
        assert_eq!(flood.count_total, 0);
    }
    assert!(table.stats(at(2000)).busy >= 100_000);
}

/// Each key is used once, and idle when others come: there is always room.
#[test]
fn idle_keys_leave_room_by_themselves() {
    let table = table(&[gcra(10, 1)], 100, WhenFull::Deny);
    for key in 0..100_000_u64 {
        let answer = table.try_acquire_at(&key, at(1000 + 2 * key), 1);
        assert!(answer.is_ok(), "{key}: {answer:?}");
    }
    assert_eq!(table.stats(at(0)).overflows, 0);
}

/// A table of one bucket in which 16 keys have taken 1 to 16 tokens.
fn full(when_full: WhenFull) -> Keyed<Gcra> {
    let table = table(&[gcra(1, 20), gcra(2, 20)], 13, when_full);
    for key in 0..16_u64 {
        table.try_acquire_at(&key, at(1000), key + 1).unwrap();
    }
    assert_eq!(table.stats(at(1000)).busy, 16);
    table
}

#[test]
fn a_new_key_takes_over_from_the_one_that_is_nearest_to_idle() {
    let table = full(WhenFull::EvictNearestIdle);
    let remaining = |key: &str| table.of(key).peek_at(at(1000), 1).remaining;
    // Key 0 took one token, which counts for the new one, too.
    assert_eq!(remaining("new"), 19);
    assert!(table.try_acquire_at("new", at(1000), 20).is_err());
    assert_eq!(table.stats(at(1000)).evictions, 0);
    assert!(table.try_acquire_at("new", at(1000), 19).is_ok());
    assert_eq!(table.stats(at(1000)).evictions, 1);
    assert_eq!(remaining("new"), 0);
    // Key 0 would come back as a new one, and take over from key 1.
    assert_eq!(table.of(&0_u64).peek_at(at(1000), 1).remaining, 18);
    table.check_invariants();
}

#[test]
fn a_new_key_is_denied() {
    let table = full(WhenFull::Deny);
    let denied = table.try_acquire_at("new", at(1000), 1).unwrap_err();
    assert_eq!((denied.reason(), denied.now()), (Reason::Full, at(1000)));
    assert_eq!(denied.retry_at(), Some(at(2000)));
    assert_eq!(denied.to_string(), "no room for another key, retry in 1s");
    let never = table.try_acquire_at("new", at(1000), 21).unwrap_err();
    assert_eq!((never.reason(), never.retry_at()), (Reason::Full, None));
    assert_eq!(table.of("new").peek_at(at(1000), 21).outcome, Err(never));
    assert_eq!(table.of("new").peek_at(at(1000), 1).outcome, Err(denied));
    let decision = table.check_at("new", at(1000), 1);
    assert_eq!((decision.outcome, decision.remaining), (Err(denied), 0));
    assert_eq!(table.stats(at(1000)).overflows, 3);
    let before = Instant::from_nanos(at(2000).as_nanos() - 1);
    assert!(table.try_acquire_at("new", before, 1).is_err());
    // In a second key 0 is idle.
    assert!(table.try_acquire_at("new", at(2000), 1).is_ok());
}

#[test]
fn new_keys_share() {
    let table = full(WhenFull::SharedBucket);
    assert!(table.try_acquire_at("new", at(1000), 15).is_ok());
    let other = table.of_plan("other", 1).unwrap();
    assert_eq!(other.peek_at(at(1000), 1).remaining, 5);
    assert!(table.try_acquire_at("other", at(1000), 6).is_err());
    assert!(table.try_acquire_at("other", at(1000), 5).is_ok());
    assert!(table.try_acquire_at("other", at(1000), 1).is_err());
    assert!(
        table.try_acquire_at(&15_u64, at(1000), 4).is_ok(),
        "has its own"
    );
}

#[test]
fn a_refusal_makes_no_entry() {
    let table = table(&[gcra(10, 4)], 100, WhenFull::Deny);
    let denied = table.try_acquire_at("a", at(1), 5).unwrap_err();
    assert_eq!(denied.reason(), Reason::TooLarge);
    assert!(table.try_acquire_at("a", at(1), 0).is_ok());
    table.of("a").refund_at(at(1), 3);
    assert!(table.of("a").peek_at(at(1), 4).is_allowed());
    assert!(!table.remove("a"));
}

#[test]
fn a_key_changes_its_plan_with_what_it_has_left() {
    // Their states count in units of different size, so that those of a year are far apart.
    let table = table(&[gcra(1, 10), gcra(7, 100)], 100, WhenFull::Deny);
    let year = Instant::from_secs(365 * 86_400);
    let gold = table.of_plan("a", 1).unwrap();
    table.try_acquire_at("a", year, 4).unwrap();
    assert_eq!(gold.peek_at(year, 1).remaining, 6);
    assert_eq!(table.of("a").peek_at(year, 1).remaining, 6);
    gold.try_acquire_at(year, 1).unwrap();
    assert_eq!(table.of("a").peek_at(year, 1).remaining, 5);
    assert_eq!(
        table
            .entries(year)
            .map(|entry| entry.plan)
            .collect::<Vec<_>>(),
        [1]
    );

    let error = table.of_plan("a", 2).unwrap_err().to_string();
    assert_eq!(error, "plan must be the index of a plan of the table");
    assert!(table.of_plan("a", usize::MAX).is_err());
}

#[test]
fn keys_are_told_apart_by_their_bytes() {
    let table = table(&[gcra(1, 1)], 1000, WhenFull::Deny);
    table.try_acquire_at("alice", at(1), 1).unwrap();
    let hash = table.hasher().hash_bytes(b"alice");
    assert!(table.try_acquire_at(&hash, at(1), 1).is_err());
    assert!(table.try_acquire_at(b"alice", at(1), 1).is_err());
    assert!(
        table
            .try_acquire_at(&String::from("alice"), at(1), 1)
            .is_err()
    );
    let entries: Vec<_> = table.entries(at(1)).collect();
    assert!(entries.len() == 1 && entries[0].is_of(hash));
    table.try_acquire_at(&7_u64, at(1), 1).unwrap();
    assert!(table.try_acquire_at(&7_u32, at(1), 1).is_err());
    let ip = core::net::IpAddr::from([10, 0, 0, 1]);
    table.try_acquire_at(&ip, at(1), 1).unwrap();
    assert!(table.try_acquire_at(&[10_u8, 0, 0, 1], at(1), 1).is_err());
}

/// The extremes of a hash, in a table of many buckets and in one of one.
#[test]
fn every_hash_has_a_place() {
    for capacity in [1, 1000] {
        let table = table(&[gcra(1, 1)], capacity, WhenFull::Deny);
        for hash in [1, 3 << 40, u64::MAX, u64::MAX << 32, u64::MAX >> 32] {
            assert!(
                table.try_acquire_at(&KeyHash(hash), at(1), 1).is_ok(),
                "{hash:#x}"
            );
            assert!(
                table.try_acquire_at(&KeyHash(hash), at(1), 1).is_err(),
                "{hash:#x}"
            );
        }
        table.check_invariants();
    }
    // A hash of zero is no empty slot.
    let table = table(&[gcra(1, 1)], 1, WhenFull::Deny);
    assert!(!table.remove(&KeyHash(0)));
    assert!(table.try_acquire_at(&KeyHash(0), at(1), 1).is_ok());
    assert!(table.remove(&KeyHash(0)));
}

#[test]
fn two_tables_hash_by_different_secrets() {
    let tables = [(); 2].map(|()| Keyed::new(gcra(1, 1), 1).unwrap());
    let [a, b] = tables.map(|table| table.of("alice").hash());
    assert_ne!(a, b);
}

#[test]
fn what_cannot_be_is_an_error() {
    let build = |capacity| Keyed::new(gcra(1, 1), capacity).unwrap_err();
    assert_eq!(build(0), ConfigError::Zero { field: "capacity" });
    let error = build(usize::MAX);
    assert!(matches!(
        error,
        ConfigError::TooLarge {
            field: "capacity",
            ..
        }
    ));
    let mut builder = Keyed::builder(gcra(1, 1), 1);
    for _ in 1..256 {
        builder = builder.plan(gcra(2, 2));
    }
    let table = builder.clone().build().unwrap();
    let last = table.of_plan("a", 255).unwrap();
    assert!(last.try_acquire_at(at(1), 2).is_ok());
    let error = builder.plan(gcra(1, 1)).build().unwrap_err();
    assert_eq!(error.to_string(), "plans is 257, of at most 256");
}

#[test]
fn nothing_is_left_of_what_is_cleared() {
    let mut table = full(WhenFull::SharedBucket);
    table.try_acquire_at("new", at(1000), 20).unwrap();
    table.clear();
    assert_eq!(table.stats(at(1000)).busy, 0);
    for key in 0..16_u64 {
        assert!(table.try_acquire_at(&key, at(1000), 20).is_ok());
    }
    assert!(table.try_acquire_at("new", at(1000), 20).is_ok());
}

/// Threads that fight for keys, and for the slots of idle ones. The time stands still, so that each
/// key gets its burst exactly.
#[test]
fn threads_together_admit_what_one_would() {
    const KEYS: u64 = 500;
    for round in 0..10 {
        let table = table(&[gcra(1, 30)], 500, WhenFull::Deny);
        for key in 0..4 * KEYS {
            let _ = table.try_acquire_at(&(key + 1_000_000), at(1), 1);
        }
        let run = |thread: u64| {
            let mut admitted = [0_u64; 500];
            for step in 0..KEYS * 40 {
                let key = (step * 7 + thread * 131) % KEYS;
                let answer = table.try_acquire_at(&key, at(5000 + round), 1);
                admitted[usize::try_from(key).unwrap()] += u64::from(answer.is_ok());
            }
            admitted
        };
        let admitted = thread::scope(|scope| {
            let threads = [0, 1, 2, 3].map(|thread| scope.spawn(move || run(thread)));
            threads.map(|thread| thread.join().unwrap())
        });
        for key in 0..500 {
            let sum: u64 = admitted.iter().map(|counts| counts[key]).sum();
            assert_eq!(sum, 30, "key {key}");
        }
        table.check_invariants();
    }
}

/// Threads that evict each other, change plans, refund and remove: the table stays sound, and nobody
/// is left with a debt of another plan's units.
#[test]
fn threads_that_evict_and_remove_leave_the_table_sound() {
    let table = table(&[gcra(1, 8), gcra(7, 5)], 20, WhenFull::EvictNearestIdle);
    let day = 86_400_000;
    let run = |thread: u64| {
        for step in 0..100_000_u64 {
            let now = at(day + step / 10);
            let key = (step * 31 + thread) % 97;
            let plan = usize::from(key % 7 == step % 7);
            let limiter = table.of_plan(&key, plan).unwrap();
            let admitted = limiter.try_acquire_at(now, 1 + step % 3);
            match step % 11 {
                0 if admitted.is_ok() => limiter.refund_at(now, 1),
                1 => _ = table.remove(&key),
                2 => _ = limiter.peek_at(now, 1),
                _ => {}
            }
        }
    };
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || run(thread));
        }
    });
    table.check_invariants();
    assert!(table.stats(at(day)).evictions > 0);
    // A burst's time after the last request.
    assert_eq!(table.stats(at(day + 10_000 + 8001)).busy, 0);
}
