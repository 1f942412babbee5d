//! Fixed windows, sliding-window logs and sliding-window counters against plain lists of what was
//! admitted.

#![expect(
    clippy::std_instead_of_core,
    reason = "a test is never built without std"
)]
#![expect(
    clippy::unwrap_used,
    reason = "in functions that only tests call, which clippy does not see"
)]

#[path = "windows/models.rs"]
mod models;

use models::{CounterModel, FixedModel, LogModel, Model};
use proptest::prelude::*;
use purlin_ratelimit::{
    Algorithm, Carry, ConfigError, FixedWindow, Instant, Limiter, Local, Log, Reason, Reconfigure,
    SlidingWindowCounter, SlidingWindowLog,
};
use std::time::Duration;

/// Small numbers, so that windows meet, and a model can look at every nanosecond.
#[derive(Clone, Copy, Debug)]
struct Config {
    limit: u64,
    window: u64,
    k: u32,
    strict: bool,
    origin: u64,
}

impl Config {
    fn window(&self) -> Duration {
        Duration::from_nanos(self.window)
    }

    fn fixed(&self) -> FixedWindow {
        let rule = FixedWindow::new(self.limit, self.window()).unwrap();
        rule.starting_at(at(self.origin))
    }

    fn log(&self) -> SlidingWindowLog {
        SlidingWindowLog::new(self.limit, self.window()).unwrap()
    }

    fn counter(&self) -> SlidingWindowCounter<u128> {
        let rule = SlidingWindowCounter::wide(self.limit, self.window()).unwrap();
        let rule = rule.with_sub_windows(self.k).unwrap();
        let rule = rule.starting_at(at(self.origin));
        if self.strict { rule.strict() } else { rule }
    }

    fn counter_model(&self) -> CounterModel {
        let k = self.k.into();
        CounterModel::new(self.limit, self.window, k, self.strict, self.origin)
    }

    fn models(&self) -> [(Box<dyn Limiter>, Box<dyn Model>); 3] {
        let fixed = FixedModel::new(self.limit, self.window, self.origin);
        let log = LogModel::new(self.limit, self.window);
        [
            (Box::new(Local::new(self.fixed())), Box::new(fixed)),
            (Box::new(Local::new(self.log())), Box::new(log)),
            (
                Box::new(Local::new(self.counter())),
                Box::new(self.counter_model()),
            ),
        ]
    }
}

fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

fn config() -> impl Strategy<Value = Config> {
    (1_u64..12, 1_u64..40, 1_u32..6, any::<bool>(), 0_u64..50).prop_map(
        |(limit, window, k, strict, origin)| Config {
            limit,
            window,
            k,
            strict,
            origin,
        },
    )
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Acquire(u64),
    Reserve(u64, u64),
    /// Reserves and gives back at once.
    Cancel(u64),
}

/// How far time goes, back sometimes, and what is then called.
fn calls(back: bool) -> impl Strategy<Value = Vec<(i64, Call)>> {
    let step = prop_oneof![
        4 => Just(0),
        8 => 0_i64..8,
        2 => 0_i64..100,
        1 => if back { -60_i64..0 } else { 0_i64..1 },
    ];
    let call = prop_oneof![
        6 => (0_u64..6).prop_map(Call::Acquire),
        1 => (0_u64..13).prop_map(Call::Acquire),
        2 => (0_u64..13, 0_u64..120).prop_map(|(cost, wait)| Call::Reserve(cost, wait)),
        1 => (0_u64..13).prop_map(Call::Cancel),
    ];
    prop::collection::vec((step, call), 1..80)
}

/// Plays the calls against limiter and model, comparing every answer. What was admitted, at the
/// latest instant up to then, or the one it was reserved for.
fn play(limiter: &dyn Limiter, model: &mut dyn Model, calls: &[(i64, Call)]) -> Vec<(u64, u64)> {
    let (mut now, mut latest, mut admitted) = (100_u64, 0, Vec::new());
    for &(step, call) in calls {
        now = now.saturating_add_signed(step);
        let (cost, wait) = match call {
            Call::Acquire(cost) => (cost, 0),
            Call::Reserve(cost, wait) => (cost, wait),
            Call::Cancel(cost) => (cost, u64::MAX),
        };
        let slot = model.slot(now, cost);
        let peeked = limiter.peek_at(at(now), cost);
        assert_eq!(peeked, limiter.peek_at(at(now), cost), "a peek takes");
        assert_eq!(peeked.is_allowed(), slot == Some(now), "{call:?} at {now}");
        let expected = slot.map(|slot| Duration::from_nanos(slot - now));
        assert_eq!(peeked.retry_after(), expected, "{call:?} at {now}");
        let costs = (1..=limiter.limit()).rev();
        let most = costs.into_iter().find(|c| model.slot(now, *c) == Some(now));
        assert_eq!(peeked.remaining, most.unwrap_or(0), "remaining at {now}");

        let outcome = match call {
            Call::Acquire(cost) => limiter.try_acquire_at(at(now), cost).map(|()| now),
            Call::Reserve(cost, wait) => limiter
                .reserve_at(at(now), cost, Duration::from_nanos(wait))
                .map(|reservation| reservation.ready_at().as_nanos()),
            Call::Cancel(cost) => {
                if let Ok(reservation) = limiter.reserve_at(at(now), cost, Duration::MAX) {
                    assert_eq!(Some(reservation.ready_at().as_nanos()), slot);
                    assert_eq!(limiter.cancel_at(at(now), reservation), cost);
                    latest = latest.max(model.undone(now, cost));
                }
                continue;
            }
        };
        match slot.filter(|slot| slot - now <= wait) {
            Some(slot) => {
                assert_eq!(outcome, Ok(slot), "{call:?} at {now}");
                if cost > 0 {
                    model.record(now, slot, cost);
                    latest = slot.max(latest);
                    admitted.push((latest, cost));
                }
            }
            None => assert_eq!(outcome.unwrap_err().retry_at().map(Instant::as_nanos), slot),
        }
    }
    admitted
}

/// The most that was admitted in a span of that length, over all spans.
fn most_in(admitted: &[(u64, u64)], span: u64) -> u64 {
    let from = |start: u64| {
        let inside = admitted
            .iter()
            .filter(move |(at, _)| *at >= start && *at - start < span);
        inside.map(|(_, cost)| cost).sum::<u64>()
    };
    admitted.iter().map(|(at, _)| from(*at)).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Every answer, exactly: P2, P3, P4, P6, P8.
    #[test]
    fn limiters_answer_as_their_models_do(config in config(), calls in calls(true)) {
        for (limiter, mut model) in config.models() {
            play(&*limiter, &mut *model, &calls);
        }
    }

    /// P1 and P7: what the docs say of spans, for every span.
    #[test]
    fn limits_hold_in_every_span(config in config(), calls in calls(true)) {
        let Config { limit, window, k, strict, origin } = config;
        let [fixed, log, counter] = config.models().map(|(limiter, mut model)| {
            play(&*limiter, &mut *model, &calls)
        });
        prop_assert!(most_in(&fixed, window) <= 2 * limit);
        prop_assert!(most_in(&log, window) <= limit);

        let most = most_in(&counter, window);
        if strict {
            prop_assert!(most <= limit);
        } else {
            let part = |at: u64| at.saturating_sub(origin) * u64::from(k) / window;
            let of = |one: u64| counter.iter().filter(move |it| part(it.0) == one);
            let sums = counter.iter().map(|it| of(part(it.0)).map(|it| it.1).sum::<u64>());
            prop_assert!(most <= limit + sums.max().unwrap_or(0));
            prop_assert!(most < 2 * limit);
            let shorter = window * u64::from(k - 1) / u64::from(k);
            prop_assert!(most_in(&counter, shorter) <= limit);
        }
    }

    /// P5: one request of n tokens is n requests of one.
    #[test]
    fn a_cost_is_so_many_times_one(config in config(), calls in calls(false)) {
        at_once_and_one_by_one(&config.fixed(), &calls);
        at_once_and_one_by_one(&config.log(), &calls);
        at_once_and_one_by_one(&config.counter(), &calls);
    }

    /// A refund lets in as much as was put back, and never more than the limit.
    #[test]
    fn a_refund_undoes_what_was_just_admitted(
        config in config(),
        calls in calls(true),
        cost in 1_u64..13,
    ) {
        for (limiter, mut model) in config.models() {
            play(&*limiter, &mut *model, &calls);
            let now = at(100_000);
            let whole = limiter.peek_at(now, 0);
            prop_assert_eq!((whole.remaining, whole.reset_after), (config.limit, Duration::ZERO));
            limiter.refund_at(now, cost);
            prop_assert_eq!(limiter.peek_at(now, 0), whole);
            let taken = cost.min(config.limit);
            prop_assert!(limiter.try_acquire_at(now, taken).is_ok());
            prop_assert_eq!(limiter.peek_at(now, 0).remaining, config.limit - taken);
            limiter.refund_at(now, cost + 1);
            prop_assert_eq!(limiter.peek_at(now, 0), whole);
        }
    }

    /// From `reset_after` on, and not before, a limiter is as one that nobody used yet.
    #[test]
    fn a_limiter_is_idle_when_it_says_so(config in config(), calls in calls(false)) {
        idle_when_reset(&config.fixed(), &calls);
        idle_when_reset(&config.log(), &calls);
        idle_when_reset(&config.counter(), &calls);
    }

    /// What a table that watches a word relies on.
    #[test]
    fn a_counter_word_never_shrinks(
        limit in 1_u64..1000,
        requests in prop::collection::vec((0_u64..2_000_000_000, 0_u64..50), 1..50),
    ) {
        let rule = SlidingWindowCounter::new(limit, Duration::from_secs(1)).unwrap();
        let (mut now, mut word) = (0, 0);
        for (step, cost) in requests {
            now += step;
            let before = word;
            let admitted = rule.decide(&mut word, at(now), cost).is_ok();
            let grown = word > before;
            prop_assert_eq!(grown, admitted && cost > 0);
            prop_assert!(grown || word == before);
            let mut reserved = word;
            if rule.reserve(&mut reserved, at(now), cost, Duration::MAX).is_ok() && cost > 0 {
                prop_assert!(reserved > word);
            }
        }
    }

    /// The 64-bit word and the 128-bit one decide alike, whatever the sizes.
    #[test]
    fn widths_agree(
        limit in 1_u64..128,
        bits in 10_u32..50,
        draw in any::<u64>(),
        k in 1_u32..4,
        steps in prop::collection::vec((0_u32..=1000, 0_u64..100), 1..60),
    ) {
        let window = Duration::from_nanos((draw >> (64 - bits)).max(1000));
        let narrow = SlidingWindowCounter::new(limit, window)
            .and_then(|rule| rule.with_sub_windows(k));
        let Ok(narrow) = narrow else { return Ok(()) };
        let wide = SlidingWindowCounter::wide(limit, window).unwrap().with_sub_windows(k).unwrap();
        let (narrow, wide) = (Local::new(narrow), Local::new(wide));
        let mut now = Instant::default();
        for (thousandths, cost) in steps {
            now = now.saturating_add(window / 1000 * thousandths);
            prop_assert_eq!(narrow.check_at(now, cost), wide.check_at(now, cost));
        }
    }

    /// P9: moved to another clock, everything happens as much later.
    #[test]
    fn a_moved_log_decides_the_same(config in config(), calls in calls(false), to in 0_u64..1000) {
        let limiter = Local::new(config.log());
        play(&limiter, &mut LogModel::new(config.limit, config.window), &calls);
        let from = 100 + calls.iter().map(|(step, _)| step.unsigned_abs()).sum::<u64>();
        let (rule, log) = (limiter.algorithm(), limiter.state());
        let moved = rule.rebase(&log, at(from), at(to));
        rule.check_invariants(&moved);
        for later in 0..2 * config.window {
            let before = rule.inspect(&log, at(from + later), 1);
            let after = rule.inspect(&moved, at(to + later), 1);
            prop_assert_eq!(before.retry_after(), after.retry_after());
            prop_assert_eq!(before.remaining, after.remaining);
        }
    }

    /// To the same place in a sub-window a counter is moved exactly.
    #[test]
    fn a_counter_moved_by_windows_decides_the_same(config in config(), calls in calls(false)) {
        let limiter = Local::new(config.counter());
        play(&limiter, &mut config.counter_model(), &calls);
        let from = 100 + calls.iter().map(|(step, _)| step.unsigned_abs()).sum::<u64>();
        let to = from + 3 * config.window;
        let (rule, word) = (limiter.algorithm(), limiter.state());
        let moved = rule.rebase(&word, at(from), at(to));
        for later in 0..2 * config.window {
            let before = rule.inspect(&word, at(from + later), 1);
            let after = rule.inspect(&moved, at(to + later), 1);
            prop_assert_eq!(before.remaining, after.remaining);
            prop_assert_eq!(before.retry_after(), after.retry_after());
        }
    }

    /// Elsewhere it forgets nothing early: the strict limit holds over the move.
    #[test]
    fn a_moved_counter_keeps_its_limit(config in config(), calls in calls(false), to in 0_u64..1000) {
        let config = Config { strict: true, ..config };
        let limiter = Local::new(config.counter());
        let admitted = play(&limiter, &mut config.counter_model(), &calls);
        let from = 100 + calls.iter().map(|(step, _)| step.unsigned_abs()).sum::<u64>();
        let (rule, mut word) = (limiter.algorithm(), limiter.state());
        word = rule.rebase(&word, at(from), at(to));
        // On a clock on which `to` is `from`.
        let mut admitted = admitted;
        for later in 0..3 * config.window {
            while rule.decide(&mut word, at(to + later), 1).is_ok() {
                admitted.push((from + later, 1));
            }
        }
        prop_assert!(most_in(&admitted, config.window) <= config.limit);
    }

    /// Nobody gains by a change of the configuration, and `remaining` is what `Carry` says.
    #[test]
    fn a_new_configuration_carries_tokens(
        old in config(),
        calls in calls(false),
        limit in 1_u64..24,
    ) {
        let new = Config { limit, ..old };
        carries(&old.fixed(), &new.fixed(), &calls);
        carries(&old.log(), &new.log(), &calls);
        carries(&old.counter(), &new.counter(), &calls);
        let longer = Config { window: old.window + 7, k: 1, ..new };
        carries(&old.counter(), &longer.counter(), &calls);
        carries(&old.log(), &longer.log(), &calls);
    }

    /// P12: any numbers are accepted or refused, and the largest limit that an error names fits.
    #[test]
    fn constructors_never_panic(
        limit in any::<u64>(),
        nanos in any::<u64>(),
        bits in 0_u32..64,
        k in any::<u8>(),
    ) {
        for (limit, nanos) in [(limit, nanos), (limit >> bits, nanos >> bits), (limit, nanos >> bits)] {
            let window = Duration::from_nanos(nanos);
            largest(limit, |limit| FixedWindow::new(limit, window));
            largest(limit, |limit| SlidingWindowLog::new(limit, window));
            let wide = |limit| SlidingWindowCounter::wide(limit, window);
            let narrow = |limit| SlidingWindowCounter::new(limit, window);
            largest(limit, wide);
            largest(limit, narrow);
            for k in [k.into(), u32::from(k % 8)] {
                if wide(limit).is_ok() {
                    largest(limit, |limit| wide(limit)?.with_sub_windows(k));
                }
                if narrow(limit).is_ok() {
                    largest(limit, |limit| narrow(limit)?.with_sub_windows(k));
                }
            }
        }
    }

    /// Instants and costs of any size, at the ends of time too, and words that are not of the rule.
    #[test]
    fn no_instant_panics(
        calls in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), 0_u32..64), 1..40),
        word in any::<u128>(),
        k in 1_u32..8,
    ) {
        let window = Duration::from_secs(1);
        let counter = SlidingWindowCounter::new(7, window).unwrap().with_sub_windows(k).unwrap();
        let wide = SlidingWindowCounter::wide(7, window).unwrap().with_sub_windows(k).unwrap();
        let low = u64::try_from(word >> 64).unwrap();
        let limiters: [Box<dyn Limiter>; 6] = [
            Box::new(Local::with_state(wide.clone(), word)),
            Box::new(Local::new(FixedWindow::new(7, window).unwrap())),
            Box::new(Local::new(SlidingWindowLog::new(7, window).unwrap())),
            Box::new(Local::new(counter.clone())),
            Box::new(Local::with_state(counter.clone(), low)),
            Box::new(Local::new(counter.strict())),
        ];
        for (now, cost, wait, bits) in calls {
            let now = at(now >> bits);
            let moved = wide.rebase(&word, now, at(wait));
            let other = SlidingWindowCounter::wide(9, window * 2).unwrap();
            for carry in [Carry::AsIs, Carry::Proportional, Carry::Additive] {
                let word = other.migrate(&wide, &moved, now, carry);
                prop_assert!(other.inspect(&word, now, 1).remaining <= 9);
            }
            for limiter in &limiters {
                let _ = limiter.check_at(now, cost >> bits.max(60));
                if let Ok(reservation) = limiter.reserve_at(now, 3, Duration::from_nanos(wait))
                    && wait % 2 == 0
                {
                    limiter.cancel_at(now, reservation);
                }
                limiter.refund_at(now, cost);
                prop_assert!(limiter.peek_at(now, 1).remaining <= 7);
            }
        }
    }
}

fn at_once_and_one_by_one<A: Algorithm>(rule: &A, calls: &[(i64, Call)])
where
    A::State: PartialEq + std::fmt::Debug,
{
    let (mut once, mut each, mut now) = (A::State::default(), A::State::default(), 100);
    for (step, call) in calls {
        now += step.unsigned_abs();
        let Call::Acquire(cost) = *call else { continue };
        if rule.decide(&mut once, at(now), cost).is_ok() {
            for _ in 0..cost {
                rule.decide(&mut each, at(now), 1).expect("as at once");
            }
        }
        assert_eq!(once, each);
    }
}

fn idle_when_reset<A: Algorithm>(rule: &A, calls: &[(i64, Call)]) {
    let (mut state, mut now) = (A::State::default(), 100);
    for (step, call) in calls {
        now += step.unsigned_abs();
        let _ = match *call {
            Call::Acquire(cost) => rule.decide(&mut state, at(now), cost),
            Call::Reserve(cost, wait) => {
                let wait = Duration::from_nanos(wait);
                let reserved = rule.reserve(&mut state, at(now), cost, wait);
                reserved.map(|_| ())
            }
            Call::Cancel(_) => continue,
        };
        let reset = rule.inspect(&state, at(now), 0).reset_after;
        assert!(rule.is_idle(&state, at(now) + reset));
        if let Some(before) = reset.checked_sub(Duration::from_nanos(1)) {
            assert!(!rule.is_idle(&state, at(now) + before));
        }
    }
}

fn carries<A: Reconfigure>(old: &A, new: &A, calls: &[(i64, Call)]) {
    let (mut state, mut now) = (A::State::default(), at(100));
    for (step, call) in calls {
        now += Duration::from_nanos(step.unsigned_abs());
        if let Call::Acquire(cost) = *call {
            let _ = old.decide(&mut state, now, cost);
        }
    }
    let (from, to) = (old.limit(), new.limit());
    let before = old.inspect(&state, now, 0).remaining;
    for (carry, most) in [
        (Carry::AsIs, before.min(to)),
        // What is left beyond whole tokens counts too.
        (Carry::Proportional, ((before + 1) * to - 1) / from),
        (Carry::Additive, (before + to).saturating_sub(from)),
        (Carry::Reset, to),
    ] {
        let mut state = new.migrate(old, &state, now, carry);
        let after = new.inspect(&state, now, 0).remaining;
        assert!(after <= most, "{carry:?}: {after} of {most}");
        if before == from || carry == Carry::Reset {
            assert_eq!(after, most.min(to), "{carry:?}, of one that nobody used");
        }
        // It is a state of the new rule: it gets whole, and can be used up.
        let whole = now + new.inspect(&state, now, 0).reset_after;
        assert_eq!(new.inspect(&state, whole, 0).remaining, to);
        assert!(new.decide(&mut state, whole, to).is_ok());
        assert!(new.decide(&mut state, whole, 1).is_err());
    }
}

fn largest<T>(limit: u64, new: impl Fn(u64) -> Result<T, ConfigError>) {
    if let Err(ConfigError::TooLarge {
        field: "limit",
        value,
        max,
    }) = new(limit)
    {
        assert_eq!(value, u128::from(limit));
        let max = u64::try_from(max).expect("below the limit");
        assert!(max < limit && max > 0);
        let fits = |limit| {
            !matches!(
                new(limit),
                Err(ConfigError::TooLarge { field: "limit", .. })
            )
        };
        assert!(fits(max) && !fits(max + 1));
    }
}

/// Why `with_sub_windows` does not promise `limit * (1 + 1/k)` in every window: all may come at the
/// end of one sub-window, and fade while it goes out of sight.
#[test]
fn a_burst_at_the_end_of_a_sub_window_counts_double() {
    let rule = SlidingWindowCounter::wide(100, Duration::from_nanos(1000)).unwrap();
    let limiter = Local::new(rule.with_sub_windows(10).unwrap());
    assert!(limiter.try_acquire_at(at(99), 100).is_ok());
    assert!(limiter.try_acquire_at(at(1098), 98).is_ok());
    assert!(limiter.try_acquire_at(at(1098), 1).is_err());
}

/// No more memory than twice the limit, however much is reserved.
#[test]
fn a_log_is_bounded() {
    let rule = SlidingWindowLog::new(5, Duration::from_nanos(100)).unwrap();
    let mut log = Log::default();
    let mut ready = Vec::new();
    for now in 0..50 {
        let reservation = rule.reserve(&mut log, at(now), 1, Duration::MAX).unwrap();
        ready.push(reservation.ready_at().as_nanos());
        rule.check_invariants(&log);
    }
    assert_eq!(log.len(), 2 * 5);
    let expected: Vec<u64> = (0..50).map(|nth| nth / 5 * 100 + nth % 5).collect();
    assert_eq!(ready, expected);
    // A large cost is one entry.
    let rule = SlidingWindowLog::new(1 << 25, Duration::from_secs(1)).unwrap();
    let mut log = Log::default();
    rule.decide(&mut log, Instant::default(), 1 << 25).unwrap();
    assert_eq!(log.len(), 1);
}

/// Out of the middle too: the others keep their instants, and its tokens are free.
#[test]
fn a_reservation_in_the_middle_can_be_cancelled() {
    let limiter = Local::new(SlidingWindowLog::new(10, Duration::from_nanos(100)).unwrap());
    limiter.try_acquire_at(at(0), 10).unwrap();
    let first = limiter.reserve_at(at(1), 6, Duration::MAX).unwrap();
    limiter.try_acquire_at(at(1), 1).unwrap_err();
    let second = limiter.reserve_at(at(1), 6, Duration::MAX).unwrap();
    assert_eq!((first.ready_at(), second.ready_at()), (at(100), at(200)));
    assert_eq!(limiter.cancel_at(at(2), first), 6);
    let denied = limiter.try_acquire_at(at(2), 4).unwrap_err();
    assert_eq!(denied.retry_at(), Some(at(200)));
    assert_eq!(limiter.peek_at(at(200), 1).remaining, 4);
    assert_eq!(limiter.cancel_at(at(201), second), 0, "its time is over");
}

/// The same of a counter, which books by sub-window.
#[test]
fn a_counter_gives_an_older_reservation_back() {
    let limiter = Local::new(SlidingWindowCounter::new(10, Duration::from_nanos(100)).unwrap());
    limiter.try_acquire_at(at(0), 10).unwrap();
    let first = limiter.reserve_at(at(1), 5, Duration::MAX).unwrap();
    let second = limiter.reserve_at(at(1), 2, Duration::MAX).unwrap();
    assert_eq!((first.ready_at(), second.ready_at()), (at(150), at(170)));
    assert_eq!(limiter.cancel_at(at(2), first), 5);
    // Ten fade, and two are booked.
    assert_eq!(limiter.peek_at(at(170), 0).remaining, 5);
    assert_eq!(limiter.cancel_at(at(3), second), 2);
    assert_eq!(limiter.peek_at(at(170), 0).remaining, 7);
}

#[test]
fn past_the_horizon_time_stands_still() {
    let rule = SlidingWindowCounter::new(3, Duration::from_secs(1)).unwrap();
    let horizon = rule.horizon();
    let limiter = Local::new(rule);
    assert!(limiter.try_acquire_at(at(u64::MAX), 3).is_ok());
    let denied = limiter.try_acquire_at(horizon, 1).unwrap_err();
    assert_eq!(
        (denied.reason(), denied.retry_at()),
        (Reason::Horizon, None)
    );
}

#[test]
fn errors_name_the_bound() {
    let message = |error: ConfigError| error.to_string();
    let second = Duration::from_secs(1);
    let error = SlidingWindowCounter::new(1 << 18, second).unwrap_err();
    assert_eq!(message(error), "limit is 262144, of at most 262143");
    let one = SlidingWindowCounter::new(1, second).unwrap();
    let error = one.clone().with_sub_windows(61).unwrap_err();
    assert_eq!(message(error), "sub_windows is 61, of at most 60");
    let error = one.clone().with_sub_windows(40).unwrap_err();
    let ConfigError::TooLarge {
        field: "sub_windows",
        max,
        ..
    } = error
    else {
        panic!("{error}");
    };
    let max = u32::try_from(max).unwrap();
    assert!(one.clone().with_sub_windows(max).is_ok());
    assert!(one.with_sub_windows(max + 1).is_err());
    let error = SlidingWindowLog::new(0, second).unwrap_err();
    assert_eq!(message(error), "limit must be above zero");
    let error = FixedWindow::new(1, Duration::ZERO).unwrap_err();
    assert_eq!(message(error), "window must be above zero");
}
