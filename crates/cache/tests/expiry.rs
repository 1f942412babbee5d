//! How long entries live: rules, jitter, and deadlines that readers put off together.

use core::time::Duration;
use proptest::prelude::*;
use purlin_cache::expiry::{Expiry, Jitter, TimeToIdle, TimeToLive, Times};
use purlin_cache::policy::Slot;
use purlin_cache::{Builder, Instant, ManualClock};

extern crate alloc;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

const SECOND: Duration = Duration::from_secs(1);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Uses within this of the last may go unrecorded.
fn slack(idle: Duration) -> Duration {
    Duration::from_millis(1).min(idle / 64)
}

/// What is known of an entry: its own deadline, and when it was used last.
#[derive(Clone, Copy, Debug)]
struct Known {
    deadline: u64,
    used: u64,
    /// Somebody was told that it has expired.
    told: bool,
}

#[derive(Clone, Debug)]
enum Op {
    Set(u32, Option<u64>),
    Use(u32),
    Postpone(u32, u64),
    Remove(u32),
    Relocate(u32, u32),
    /// By so many microseconds, then so many steps.
    Pass(u64, usize),
    /// A look by a clock that is so many microseconds behind.
    LookBack(u32, u64),
}

fn op() -> impl Strategy<Value = Op> {
    let slot = || 0_u32..12;
    let micros = || prop_oneof![0_u64..2_000, 0_u64..3_000_000, 0_u64..(1 << 45)];
    prop_oneof![
        4 => (slot(), prop::option::of(micros())).prop_map(|(s, ttl)| Op::Set(s, ttl)),
        6 => slot().prop_map(Op::Use),
        2 => (slot(), micros()).prop_map(|(s, ttl)| Op::Postpone(s, ttl)),
        1 => slot().prop_map(Op::Remove),
        2 => (slot(), slot()).prop_map(|(from, to)| Op::Relocate(from, to)),
        6 => (micros(), 0_usize..20).prop_map(|(by, steps)| Op::Pass(by, steps)),
        1 => (slot(), micros()).prop_map(|(s, by)| Op::LookBack(s, by)),
    ]
}

struct Twin {
    times: Times,
    idle: Option<Duration>,
    model: BTreeMap<u32, Known>,
    now: u64,
}

impl Twin {
    fn instant(&self) -> Instant {
        Instant::from_nanos(self.now)
    }

    /// The latest moment at which an entry expires; it may do so by a little less, for uses that were not recorded.
    fn expires(&self, known: Known) -> u64 {
        let idle = self
            .idle
            .map_or(u64::MAX, |idle| known.used.saturating_add(nanos(idle)));
        idle.min(known.deadline)
    }

    /// What a look must say: `None` where it may say either.
    fn expected(&self, known: Known, now: u64) -> Option<bool> {
        let (last, early) = (
            self.expires(known),
            slack(self.idle.unwrap_or(Duration::MAX)),
        );
        if known.told || last <= now {
            Some(true)
        } else if last - now > nanos(early) {
            Some(false)
        } else {
            None
        }
    }

    fn look(&mut self, slot: u32, now: u64) -> bool {
        let expired = self.times.is_expired(Slot(slot), Instant::from_nanos(now));
        if let Some(known) = self.model.get(&slot).copied() {
            if let Some(expected) = self.expected(known, now) {
                assert_eq!(expired, expected, "slot {slot} at {now}: {known:?}");
            }
            self.model.insert(
                slot,
                Known {
                    told: expired,
                    ..known
                },
            );
        } else {
            assert!(!expired, "slot {slot} has no entry");
        }
        expired
    }

    fn postpone(&mut self, slot: u32, micros: u64) {
        if self.look(slot, self.now) {
            return;
        }
        let deadline = self.instant() + Duration::from_micros(micros);
        let done = self.times.postpone(Slot(slot), self.instant(), deadline);
        if let Some(known) = self.model.get_mut(&slot) {
            // The deadline itself may lag behind by the slack.
            let earlier = deadline.as_nanos() < known.deadline;
            assert!(done || earlier, "a later deadline is taken");
            if self.idle.is_some() || !earlier {
                known.used = self.now;
            }
            // Told exactly, so that the model does not gather what was not recorded.
            let deadline = self.times.deadline(Slot(slot));
            let exact = deadline.map_or(u64::MAX, Instant::as_nanos);
            assert!(exact.abs_diff(known.deadline.max(self.now + micros * 1_000)) <= 1_000_000);
            known.deadline = exact;
        }
    }

    fn pass(&mut self, micros: u64, steps: usize) {
        self.now += micros * 1_000;
        let mut budget = steps;
        while let Some(slot) = self.times.pop_expired(self.instant(), &mut budget) {
            let known = self.model.remove(&slot.0).expect("it has an entry");
            assert_ne!(
                self.expected(known, self.now),
                Some(false),
                "{slot:?} left early"
            );
        }
        if budget > 0 {
            let tick = 1 << 20;
            for (slot, known) in &self.model {
                let late = self.expires(*known).saturating_add(tick) <= self.now;
                assert!(!late, "slot {slot} should have left");
            }
        }
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Set(slot, micros) => {
                let deadline = micros.map_or(Instant::MAX, |micros| {
                    self.instant() + Duration::from_micros(micros)
                });
                self.times.set(Slot(slot), self.instant(), deadline);
                let known = Known {
                    deadline: deadline.as_nanos(),
                    used: self.now,
                    told: false,
                };
                self.model.insert(slot, known);
            }
            Op::Use(slot) => {
                if !self.look(slot, self.now) {
                    self.times.touch(Slot(slot), self.instant());
                    if let Some(known) = self.model.get_mut(&slot) {
                        known.used = self.now;
                    }
                }
            }
            Op::Postpone(slot, micros) => self.postpone(slot, micros),
            Op::Remove(slot) => {
                self.times.remove(Slot(slot));
                self.model.remove(&slot);
            }
            Op::Relocate(from, to) => {
                self.times.relocate(Slot(from), Slot(to));
                if from != to {
                    match self.model.remove(&from) {
                        Some(known) => self.model.insert(to, known),
                        None => self.model.remove(&to),
                    };
                }
            }
            Op::Pass(micros, steps) => self.pass(micros, steps),
            Op::LookBack(slot, micros) => {
                self.look(slot, self.now.saturating_sub(micros * 1_000));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn entries_live_as_long_as_the_rules_say(
        ops in prop::collection::vec(op(), 0..100),
        idle in prop::option::of(prop_oneof![0_u64..5_000, 0_u64..5_000_000]),
    ) {
        let idle = idle.map(Duration::from_micros);
        let mut twin = Twin { times: Times::new(idle), idle, model: BTreeMap::new(), now: 1 << 40 };
        for op in &ops {
            twin.apply(op);
        }
    }

    #[test]
    fn jitter_takes_no_more_than_its_fraction(
        fraction in 0.0_f64..=1.0,
        seed: u64,
        hash: u64,
        nanos in prop_oneof![1_u64..100, 1..=u64::MAX],
    ) {
        let whole = Duration::from_nanos(nanos);
        let jitter = Jitter::new(fraction, seed).expect("a fraction");
        let spread = jitter.spread(whole, hash);
        prop_assert!(!spread.is_zero() && spread <= whole);
        let least = whole.as_secs_f64() * (1.0 - fraction);
        prop_assert!(spread.as_secs_f64() >= least * (1.0 - 1e-9));
        prop_assert_eq!(spread, jitter.spread(whole, hash));
    }
}

#[test]
fn jitter_spreads_evenly() {
    let jitter = Jitter::new(0.5, 7).unwrap();
    let mut tenths = [0_u32; 10];
    for hash in 0..100_000 {
        let off = SECOND - jitter.spread(SECOND, hash);
        tenths[usize::try_from(off.as_millis()).unwrap() / 50] += 1;
    }
    // Binomial: 10,000 expected, a deviation of 95; five of those.
    assert!(
        tenths.iter().all(|n| n.abs_diff(10_000) < 475),
        "{tenths:?}"
    );

    let other = Jitter::new(0.5, 8).unwrap();
    let same = (0..1_000).filter(|h| jitter.spread(SECOND, *h) == other.spread(SECOND, *h));
    assert_eq!(same.count(), 0, "another seed spreads otherwise");
}

#[test]
fn jitter_refuses_what_is_no_fraction() {
    for fraction in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let error = Jitter::new(fraction, 0).unwrap_err();
        assert!(error.to_string().contains("from 0 to 1"), "{error}");
    }
    assert_eq!(Jitter::new(0.0, 1).unwrap().spread(SECOND, 2), SECOND);
    assert_eq!(
        Jitter::new(1.0, 1).unwrap().spread(Duration::ZERO, 2),
        Duration::ZERO
    );
    assert_eq!(
        Jitter::new(1.0, 1).unwrap().spread(Duration::MAX, 2),
        Duration::MAX
    );
}

#[test]
fn a_lifetime_of_zero_is_never_seen() {
    for idle in [None, Some(Duration::ZERO), Some(SECOND)] {
        let mut times = Times::new(idle);
        let deadline = if idle == Some(Duration::ZERO) {
            Instant::MAX
        } else {
            at(50)
        };
        times.set(Slot(0), at(50), deadline);
        assert!(times.is_expired(Slot(0), at(50)));
        assert!(
            times.is_expired(Slot(0), at(49)),
            "not by a clock that goes backwards either"
        );
        assert_eq!(times.pop_expired(at(50), &mut 1), Some(Slot(0)));
    }
}

#[test]
fn a_lifetime_past_the_end_of_time_has_no_end() {
    let mut times = Times::new(Some(Duration::MAX));
    times.set(Slot(0), at(50), at(50) + Duration::MAX);
    times.touch(Slot(0), at(60));
    assert_eq!(times.deadline(Slot(0)), None);
    assert!(!times.is_expired(Slot(0), Instant::MAX));
    assert_eq!(times.pop_expired(Instant::MAX, &mut 100), None);
}

/// An hour in all, a minute unused.
#[test]
fn the_earlier_of_both_counts() {
    let (mut times, mut now) = (Times::new(Some(60 * SECOND)), Instant::ORIGIN);
    times.set(Slot(0), now, now + 3_600 * SECOND);
    times.set(Slot(1), now, now + 3_600 * SECOND);
    while now < Instant::from_secs(3_600) {
        assert!(!times.is_expired(Slot(0), now));
        assert_eq!(
            times.is_expired(Slot(1), now),
            now >= Instant::from_secs(60)
        );
        times.touch(Slot(0), now);
        now += 50 * SECOND;
    }
    assert!(times.is_expired(Slot(0), Instant::from_secs(3_600)));
}

/// What readers have put off is found where it was, and moves on instead of leaving.
#[test]
fn a_used_entry_is_scheduled_again_when_the_wheel_comes_to_it() {
    let mut times = Times::new(Some(10 * SECOND));
    times.set(Slot(0), at(0), Instant::MAX);
    times.touch(Slot(0), at(9_000));
    let (now, mut budget) = (at(10_100), 100);
    assert!(times.poll_timeout().unwrap() <= now);
    assert_eq!(times.pop_expired(now, &mut budget), None);
    assert!(budget < 100, "it was looked at");
    assert!(
        times.poll_timeout().unwrap() > now,
        "and put to a later bucket"
    );
    assert_eq!(times.pop_expired(at(19_002), &mut 100), Some(Slot(0)));
    assert_eq!(times.poll_timeout(), None);
}

#[test]
fn the_latest_use_counts_whatever_the_order() {
    let mut times = Times::new(Some(10 * SECOND));
    times.set(Slot(0), at(0), Instant::MAX);
    for used in [3_000, 7_000, 5_000, 0] {
        times.touch(Slot(0), at(used));
    }
    assert!(!times.is_expired(Slot(0), at(16_999)));
    assert!(times.is_expired(Slot(0), at(17_000)));
}

#[test]
fn the_rules_of_the_two_lifetimes() {
    let (key, value, now) = ("key", 1_u32, Instant::ORIGIN);
    let (ttl, left) = (TimeToLive(9 * SECOND), Some(SECOND));
    assert_eq!(ttl.expire_after_create(key, &value, now), Some(9 * SECOND));
    assert_eq!(
        ttl.expire_after_update(key, &value, now, left),
        Some(9 * SECOND)
    );
    assert_eq!(ttl.expire_after_read(key, &value, now, left), left);

    let shared: Arc<dyn Expiry<str, u32>> = Arc::new(TimeToIdle(9 * SECOND));
    assert_eq!(
        shared.expire_after_create(key, &value, now),
        Some(9 * SECOND)
    );
    assert_eq!(
        shared.expire_after_update(key, &value, now, left),
        Some(9 * SECOND)
    );
    assert_eq!(
        shared.expire_after_read(key, &value, now, left),
        Some(9 * SECOND)
    );
}

/// 18 bytes a slot for a deadline, 26 with a time to idle.
#[test]
fn memory_per_entry() {
    let slots = 1 << 16;
    for (idle, promised) in [(None, 18.2), (Some(SECOND), 26.2)] {
        let mut times = Times::new(idle);
        let used = allocation_counter::measure(|| {
            for slot in 0..slots {
                times.set(Slot(slot), at(0), Instant::from_secs(u64::from(slot) + 1));
            }
        });
        let per_slot = used.bytes_current as f64 / f64::from(slots);
        assert!(per_slot < promised, "{per_slot} bytes a slot");
    }
}

/// What `time_left` says is put to the test: an entry that nobody uses is here until then, and gone then.
#[test]
fn time_left_counts_idleness() {
    let builder = |clock: &ManualClock, live, idle: Option<u32>| {
        let builder = Builder::<u8, ()>::new(10).clock(clock.clone());
        let builder = match live {
            Some(seconds) => builder.time_to_live(SECOND * seconds),
            None => builder,
        };
        match idle {
            Some(seconds) => builder.time_to_idle(SECOND * seconds),
            None => builder,
        }
    };
    let cases = [
        (Some(100), None, 95),
        (None, Some(20), 20),
        (Some(100), Some(20), 20),
        (Some(15), Some(20), 10),
    ];
    for (live, idle, expected) in cases {
        let clock = ManualClock::new();
        let shared = builder(&clock, live, idle).build();
        let mut own = builder(&clock, live, idle).build_unsync();
        shared.insert(7, ());
        own.insert(7, ());
        clock.advance(SECOND * 5);
        assert_eq!((shared.get(&7), own.get(&7)), (Some(()), Some(&())));

        let left = SECOND * expected;
        assert_eq!(shared.time_left(&7), Some(left), "{live:?} {idle:?}");
        assert_eq!(own.time_left(&7), Some(left), "{live:?} {idle:?}");
        clock.advance(left - Duration::from_nanos(1));
        assert!(shared.contains_key(&7) && own.contains_key(&7));
        clock.advance(Duration::from_nanos(1));
        assert_eq!((shared.time_left(&7), own.time_left(&7)), (None, None));
    }
    let clock = ManualClock::new();
    let forever = builder(&clock, None, None).build();
    forever.insert(7, ());
    assert_eq!(forever.time_left(&7), Some(Duration::MAX));
}
