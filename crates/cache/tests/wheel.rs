//! The timer wheel against a map of deadlines.

use core::time::Duration;
use proptest::prelude::*;
use purlin_cache::policy::Slot;
use purlin_cache::wheel::Wheel;
use purlin_core::time::Instant;
use std::collections::BTreeMap;

const SLOTS: u32 = 40;
/// An entry is moved once a level at most, and taken out.
const STEPS_OF_A_LIFE: usize = 8 + 1;

#[derive(Clone, Debug)]
enum Op {
    /// At so many nanoseconds from now, and whether that is ahead.
    Schedule(u32, u64, bool),
    Deschedule(u32),
    Relocate(u32, u32),
    Postpone(u32, u64, u64),
    Advance(u64, usize),
    /// The clock goes so far back, for one advance.
    Backwards(u64, usize),
    Clear,
}

/// Of any order of magnitude, from nothing to centuries.
fn span() -> impl Strategy<Value = u64> {
    prop_oneof![
        20 => (0_u32..50, any::<u64>()).prop_map(|(bits, random)| random >> (63 - bits)),
        2 => (0_u64..100).prop_map(|ticks| ticks << 20),
        1 => Just(u64::MAX),
        1 => any::<u64>(),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let slot = || 0..SLOTS;
    let budget = || prop_oneof![0_usize..6, Just(1_000)];
    prop_oneof![
        12 => (slot(), span(), prop::bool::weighted(0.9)).prop_map(|(s, d, ahead)| Op::Schedule(s, d, ahead)),
        2 => slot().prop_map(Op::Deschedule),
        3 => (slot(), slot()).prop_map(|(from, to)| Op::Relocate(from, to)),
        3 => (slot(), span(), span()).prop_map(|(s, d, slack)| Op::Postpone(s, d, slack)),
        8 => (span().prop_map(|d| d.min(1 << 46)), budget()).prop_map(|(d, b)| Op::Advance(d, b)),
        1 => (span(), budget()).prop_map(|(d, b)| Op::Backwards(d, b)),
        1 => Just(Op::Clear),
    ]
}

/// What a wheel is for, with nothing but a map.
struct Twin {
    wheel: Wheel,
    model: BTreeMap<u32, u64>,
    now: u64,
    /// Scheduled or postponed so often.
    lives: usize,
    steps: usize,
}

impl Twin {
    fn new(tick: Duration) -> Self {
        Self {
            wheel: Wheel::with_tick(tick),
            model: BTreeMap::new(),
            now: 0,
            lives: 0,
            steps: 0,
        }
    }

    /// When an entry with this deadline is to leave: at the tick after it, if that ever comes.
    fn leaves_at(&self, deadline: u64) -> Option<u64> {
        let tick = self.wheel.tick().as_nanos();
        let at = u128::from(deadline).div_ceil(tick) * tick;
        u64::try_from(at).ok()
    }

    fn schedule(&mut self, slot: u32, deadline: u64) {
        self.lives += 1;
        self.wheel
            .schedule(Slot(slot), Instant::from_nanos(deadline));
        self.model.remove(&slot);
        if deadline < u64::MAX {
            self.model.insert(slot, deadline);
        }
    }

    fn postpone(&mut self, slot: u32, to: u64, slack: u64) {
        // To nowhere is what `schedule` is for; here it would leave the model without the entry.
        let to = to.min(u64::MAX - 1);
        let done = self.wheel.postpone(
            Slot(slot),
            Instant::from_nanos(to),
            Duration::from_nanos(slack),
        );
        let Some(deadline) = self.model.get_mut(&slot) else {
            assert!(!done, "there is nothing to put off");
            return;
        };
        // The origin has passed for every clock: there is nothing left to put off.
        assert_eq!(done, *deadline == 0 || to >= *deadline);
        if *deadline > 0 && to > deadline.saturating_add(slack) {
            *deadline = to;
            self.lives += 1;
        }
    }

    fn relocate(&mut self, from: u32, to: u32) {
        self.wheel.relocate(Slot(from), Slot(to));
        if from != to {
            match self.model.remove(&from) {
                Some(deadline) => self.model.insert(to, deadline),
                None => self.model.remove(&to),
            };
        }
    }

    /// Nobody leaves early, no more than the budget, and if there is budget left, nobody is late.
    fn advance(&mut self, now: u64, budget: usize) {
        let (model, mut count) = (&mut self.model, 0);
        let done = self
            .wheel
            .advance(Instant::from_nanos(now), budget, |slot| {
                let deadline = model.remove(&slot.0).expect("it has a deadline");
                assert!(deadline <= now, "{slot:?} left early");
                count += 1;
            });
        assert!(count <= budget);
        if done && now >= self.now {
            for (slot, deadline) in &self.model {
                let at = self.leaves_at(*deadline);
                assert!(at.is_none_or(|at| at > now), "slot {slot} should have left");
            }
        }
        self.now = self.now.max(now);
    }

    fn check(&self) {
        self.wheel.check_invariants();
        assert_eq!(self.wheel.len(), self.model.len());
        for slot in 0..=SLOTS {
            let deadline = self.wheel.deadline(Slot(slot));
            assert_eq!(
                deadline.map(Instant::as_nanos),
                self.model.get(&slot).copied()
            );
        }
        let poll = self.wheel.poll_timeout();
        assert_eq!(poll.is_none(), self.model.is_empty());
        // An entry that comes in late is due when the clock is where it was already.
        let due = |deadline: &u64| self.leaves_at(*deadline).unwrap_or(u64::MAX).max(self.now);
        let earliest = self.model.values().map(due).min();
        assert!(
            poll.map(Instant::as_nanos) <= earliest,
            "{poll:?} is after {earliest:?}"
        );
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Schedule(slot, by, true) => self.schedule(slot, self.now.saturating_add(by)),
            Op::Schedule(slot, by, false) => self.schedule(slot, self.now.saturating_sub(by)),
            Op::Deschedule(slot) => {
                self.wheel.deschedule(Slot(slot));
                self.model.remove(&slot);
            }
            Op::Relocate(from, to) => self.relocate(from, to),
            Op::Postpone(slot, by, slack) => {
                self.postpone(slot, self.now.saturating_add(by), slack)
            }
            Op::Advance(by, budget) => self.advance(self.now.saturating_add(by), budget),
            Op::Backwards(by, budget) => self.advance(self.now.saturating_sub(by), budget),
            Op::Clear => {
                self.wheel.clear();
                self.model.clear();
            }
        }
        self.check();
    }

    /// Goes from one timeout to the next, one step each, until all have left that ever will.
    fn drain(&mut self) {
        while let Some(at) = self.wheel.poll_timeout().filter(|at| *at < Instant::MAX) {
            let now = at.as_nanos().max(self.now);
            let mut budget = 1;
            if let Some(slot) = self
                .wheel
                .pop_expired(Instant::from_nanos(now), &mut budget)
            {
                let deadline = self.model.remove(&slot.0).expect("it has a deadline");
                assert!(deadline <= now, "{slot:?} left early");
            }
            assert_eq!(budget, 0, "there is something to do when it is time");
            self.steps += 1;
            self.now = now;
            self.check();
        }
        let never = |deadline: &u64| self.leaves_at(*deadline).is_none();
        assert!(self.model.values().all(never), "all have left");
        assert!(self.steps <= self.lives * STEPS_OF_A_LIFE);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn does_what_a_map_does(ops in prop::collection::vec(op(), 0..120), shift in 10_u32..40) {
        let mut twin = Twin::new(Duration::from_nanos(1 << shift));
        for op in &ops {
            twin.apply(op);
        }
        twin.drain();
    }

    /// However late the calls and however small their budgets, all leave, after as many steps as levels.
    #[test]
    fn work_is_bounded(
        deadlines in prop::collection::vec(span().prop_map(|d| d.min(1 << 62)), 1..300),
        jumps in prop::collection::vec(span().prop_map(|d| d.min(1 << 60)), 0..40),
        budget in 1_usize..20,
    ) {
        let mut wheel = Wheel::new();
        for (slot, deadline) in (0..).zip(&deadlines) {
            wheel.schedule(Slot(slot), Instant::from_nanos(*deadline));
        }
        let (mut now, mut expired, mut steps) = (0_u64, 0, 0);
        for jump in jumps.into_iter().chain([1 << 63]) {
            now = now.saturating_add(jump);
            loop {
                let mut left = budget;
                while wheel.pop_expired(Instant::from_nanos(now), &mut left).is_some() {
                    expired += 1;
                }
                steps += budget - left;
                if left > 0 {
                    break;
                }
            }
        }
        prop_assert_eq!(expired, deadlines.len());
        prop_assert!(wheel.is_empty());
        prop_assert!(steps <= deadlines.len() * STEPS_OF_A_LIFE);
    }
}

/// All of an hour's million entries are in one bucket; no call looks at more of them than it may.
#[test]
fn a_million_entries_of_one_bucket_leave_bit_by_bit() {
    let (mut wheel, due) = (Wheel::new(), Instant::from_secs(3_600));
    for slot in 0..1_000_000 {
        wheel.schedule(Slot(slot), due);
    }
    let (mut calls, mut expired) = (0, 0);
    while !wheel.is_empty() {
        let before = expired;
        wheel.advance(due + wheel.tick(), 1_000, |_| expired += 1);
        assert!(expired - before <= 1_000);
        calls += 1;
    }
    assert_eq!(expired, 1_000_000);
    assert!(calls <= 1_000 * STEPS_OF_A_LIFE);
}

/// What comes in while the wheel stands in the middle of a bucket is not forgotten, and not early.
#[test]
fn entries_may_join_while_a_bucket_is_drained() {
    let mut wheel = Wheel::new();
    for slot in 0..10 {
        wheel.schedule(Slot(slot), Instant::from_secs(3_600));
    }
    let bucket = wheel.poll_timeout().unwrap();
    assert!(!wheel.advance(bucket, 3, |slot| panic!("{slot:?} left early")));
    assert_eq!(wheel.poll_timeout(), Some(bucket));

    wheel.schedule(Slot(20), bucket + wheel.tick());
    wheel.schedule(Slot(21), Instant::from_secs(3_601));
    wheel.schedule(Slot(22), Instant::ORIGIN);
    let mut left = Vec::new();
    assert!(wheel.advance(bucket + wheel.tick(), 100, |slot| left.push(slot.0)));
    left.sort_unstable();
    assert_eq!(left, [20, 22]);
    wheel.check_invariants();

    wheel.advance(Instant::from_secs(3_602), 100, |slot| left.push(slot.0));
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22]);
}

#[test]
fn a_clock_that_goes_backwards_does_nothing() {
    let mut wheel = Wheel::new();
    wheel.schedule(Slot(0), Instant::from_secs(10));
    assert!(wheel.is_expired(Slot(0), Instant::from_secs(10)));
    assert!(
        wheel.is_expired(Slot(0), Instant::from_secs(9)),
        "it stays so"
    );
    assert!(wheel.postpone(Slot(0), Instant::from_secs(20), Duration::ZERO));
    assert!(
        wheel.is_expired(Slot(0), Instant::from_secs(9)),
        "nor is it put off"
    );

    wheel.advance(Instant::from_secs(100), 10, |_| {});
    assert!(wheel.is_empty());
    wheel.schedule(Slot(1), Instant::from_secs(60));
    assert!(wheel.advance(Instant::from_secs(50), 10, |slot| panic!(
        "{slot:?} left early"
    )));
    assert!(!wheel.is_expired(Slot(1), Instant::from_secs(50)));
    let mut left = Vec::new();
    assert!(wheel.advance(Instant::from_secs(100), 10, |slot| left.push(slot)));
    assert_eq!(left, [Slot(1)]);
}

/// A wheel that nobody looked at for centuries has no more to do than one that was watched.
#[test]
fn empty_buckets_are_not_walked() {
    let mut wheel = Wheel::new();
    wheel.schedule(Slot(0), Instant::from_secs(1 << 34));
    let (mut budget, mut expired) = (STEPS_OF_A_LIFE, 0);
    while wheel
        .pop_expired(Instant::from_nanos(u64::MAX - 1), &mut budget)
        .is_some()
    {
        expired += 1;
    }
    assert_eq!(expired, 1);
}

#[test]
fn never_takes_no_place() {
    let mut wheel = Wheel::new();
    wheel.schedule(Slot(3), Instant::from_secs(1));
    wheel.schedule(Slot(3), Instant::MAX);
    assert!(wheel.is_empty());
    assert_eq!(wheel.deadline(Slot(3)), None);
    assert!(!wheel.is_expired(Slot(3), Instant::MAX));
    assert!(
        !wheel.is_expired(Slot(1_000), Instant::MAX),
        "a slot it never saw"
    );
    assert!(wheel.advance(Instant::MAX, 10, |slot| panic!("{slot:?} left")));

    // Put off for ever by a reader: found, and left alone.
    wheel.schedule(Slot(3), Instant::from_secs(1));
    assert!(wheel.postpone(Slot(3), Instant::MAX, Duration::ZERO));
    assert!(wheel.advance(Instant::MAX, 10, |slot| panic!("{slot:?} left")));
    assert!(wheel.is_empty());
}

#[test]
fn ticks_are_powers_of_two_within_bounds() {
    let tick = |asked| Wheel::with_tick(asked).tick().as_nanos();
    assert_eq!(tick(Duration::ZERO), 1 << 17);
    assert_eq!(tick(Duration::from_millis(1)), 1 << 20);
    assert_eq!(tick(Duration::from_nanos(1 << 25)), 1 << 25);
    assert_eq!(tick(Duration::MAX), 1 << 36);
}

/// The promise of 18 bytes a slot, by what the allocator was asked for.
#[test]
fn memory_per_entry() {
    let slots = 1 << 16;
    let mut wheel = Wheel::new();
    let used = allocation_counter::measure(|| {
        for slot in 0..slots {
            wheel.schedule(Slot(slot), Instant::from_secs(u64::from(slot)));
        }
    });
    let per_slot = used.bytes_current as f64 / f64::from(slots);
    assert!(per_slot < 18.2, "{per_slot} bytes a slot");

    let again = allocation_counter::measure(|| {
        for slot in 0..slots {
            wheel.schedule(Slot(slot), Instant::from_secs(u64::from(slot) + 5_000));
        }
        wheel.advance(Instant::from_secs(6_000), usize::MAX, |_| {});
    });
    assert_eq!(
        again.count_total, 0,
        "a wheel that has grown allocates nothing"
    );
}
