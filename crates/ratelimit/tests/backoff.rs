//! Backoff: the schedule in exact numbers, the jitter in ranges and means, the ends of an operation.

use core::time::Duration;
use proptest::prelude::*;
use purlin_core::random::{Random, SplitMix64};
use purlin_ratelimit::backoff::{Backoff, Jitter, Retries};
use purlin_ratelimit::{ConfigError, Instant};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn exponential(base: Duration, cap: Duration) -> Backoff {
    Backoff::exponential(base, cap).expect("valid")
}

fn with(backoff: Backoff, jitter: Jitter) -> Backoff {
    backoff.with_jitter(jitter).expect("valid")
}

fn next(retries: &mut Retries, random: &mut impl Random) -> u64 {
    let delay = retries.next_delay(Instant::ORIGIN, random, None);
    u64::try_from(delay.expect("endless").as_nanos()).expect("below 584 years")
}

fn jitters() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
        (0..=100_u8).prop_map(|percent| Jitter::Spread { percent }),
    ]
}

/// A generator that knows one word only: 1 draws the lowest value of any range, `u64::MAX` the
/// highest, save that of all 64-bit numbers, where 1 draws itself. (0 would be drawn again for ever,
/// where a range does not divide 2^64.)
struct Extreme(u64);

impl Random for Extreme {
    fn next_u64(&mut self) -> u64 {
        self.0
    }
}

proptest! {
    /// With a factor of 2 the schedule is exact as long as the base needs no more than 53 bits.
    #[test]
    fn doubling_is_exact(base in 1..1_u64 << 53, cap: u64, retry in 0..200_u32) {
        let cap = cap.max(base);
        let backoff = exponential(Duration::from_nanos(base), Duration::from_nanos(cap));
        let exact = u128::from(base).checked_shl(retry).filter(|_| retry < 64);
        let expected = exact.unwrap_or(u128::MAX).min(cap.into());
        prop_assert_eq!(backoff.delay(retry).as_nanos(), expected);
    }

    #[test]
    fn the_schedule_grows_up_to_the_cap(
        base in 1..u64::MAX, cap: u64, factor in 1.0..1e300_f64, retry: u32,
    ) {
        let cap = Duration::from_nanos(cap.max(base));
        let backoff = exponential(Duration::from_nanos(base), cap).with_factor(factor).expect("valid");
        prop_assert_eq!(backoff.delay(0), Duration::from_nanos(base));
        let (this, after) = (backoff.delay(retry), backoff.delay(retry.saturating_add(1)));
        prop_assert!(this <= after && after <= cap, "{this:?} {after:?}");
    }

    /// Whatever is drawn lies in the range that the jitter promises, and never above the cap.
    #[test]
    fn every_draw_is_in_its_range(
        base in 1..u64::MAX, cap: u64, jitter in jitters(), seed: u64, word in prop_oneof![Just(1), Just(u64::MAX)],
    ) {
        let cap = cap.max(base);
        let backoff = exponential(Duration::from_nanos(base), Duration::from_nanos(cap));
        let backoff = with(backoff, jitter);
        for extreme in [false, true] {
            let mut retries = backoff.start_at(Instant::ORIGIN);
            let (mut random, mut edge) = (SplitMix64::new(seed), Extreme(word));
            let mut previous = base;
            for retry in 0..70 {
                let drawn = if extreme { next(&mut retries, &mut edge) } else { next(&mut retries, &mut random) };
                let delay = backoff.delay(retry).as_nanos();
                let (low, high) = match jitter {
                    Jitter::None => (delay, delay),
                    Jitter::Full => (0, delay),
                    Jitter::Equal => (delay.div_ceil(2), delay),
                    Jitter::Decorrelated => (base.into(), 3 * u128::from(previous)),
                    Jitter::Spread { percent } => {
                        let width = delay * u128::from(percent) / 100;
                        (delay - width, delay + width)
                    }
                };
                // The cap comes after the draw, so it says nothing of the range that was drawn from.
                let all_numbers = high - low >= u64::MAX.into();
                let (low, high) = (low.min(cap.into()), high.min(cap.into()));
                prop_assert!((low..=high).contains(&drawn.into()), "{low} {drawn} {high}");
                if extreme && jitter != Jitter::None && high < u64::MAX.into() && !all_numbers {
                    prop_assert_eq!(u128::from(drawn), if word == 1 { low } else { high });
                }
                previous = drawn;
            }
        }
    }

    /// The deadline, the number of retries and the server's wish against the same in whole numbers.
    #[test]
    fn an_operation_ends_in_time(
        retries in 0..6_u32,
        deadline in 0..5_000_u64,
        steps in prop::collection::vec((0..2_000_u64, prop::option::of(0..3_000_u64)), 1..20),
    ) {
        let backoff = with(exponential(100 * MILLI, 400 * MILLI), Jitter::None)
            .with_max_retries(retries)
            .with_deadline(Duration::from_millis(deadline));
        let started = Instant::from_secs(7);
        let mut ours = backoff.start_at(started);
        let (mut elapsed, mut given) = (0, 0);
        for (pause, asked) in steps {
            elapsed += pause;
            let own = [100, 200, 400, 400, 400, 400, 400][given as usize];
            let delay = own.max(asked.unwrap_or(0));
            let expected = (given < retries && elapsed + delay <= deadline).then_some(delay);
            let now = started + Duration::from_millis(elapsed);
            let asked = asked.map(Duration::from_millis);
            let answer = ours.next_delay(now, &mut SplitMix64::new(0), asked);
            prop_assert_eq!(answer, expected.map(Duration::from_millis));
            given += u32::from(expected.is_some());
            prop_assert_eq!(ours.given(), given);
        }
    }
}

/// Mean and both ends of 100,000 draws, each within five standard deviations of a uniform draw.
#[test]
fn draws_are_uniform() {
    const DRAWS: u32 = 100_000;
    let backoff = exponential(1_000 * MILLI, 10 * SECOND);
    let cases = [
        (Jitter::Full, 0.0, 1e9),
        (Jitter::Equal, 0.5e9, 1e9),
        (Jitter::Decorrelated, 1e9, 3e9),
        (Jitter::Spread { percent: 50 }, 0.5e9, 1.5e9),
    ];
    for (jitter, low, high) in cases {
        let backoff = with(backoff, jitter);
        let mut random = SplitMix64::new(20);
        let (mut sum, mut quarter) = (0.0, 0_u32);
        for _ in 0..DRAWS {
            let mut retries = backoff.start_at(Instant::ORIGIN);
            let share = (next(&mut retries, &mut random) as f64 - low) / (high - low);
            sum += share;
            quarter += u32::from(share < 0.25);
        }
        let draws = f64::from(DRAWS);
        let deviation = (1.0 / 12.0 / draws).sqrt();
        assert!(
            (sum / draws - 0.5).abs() < 5.0 * deviation,
            "{jitter:?}: mean {}",
            sum / draws
        );
        let deviation = (0.25 * 0.75 / draws).sqrt();
        let share = f64::from(quarter) / draws;
        assert!(
            (share - 0.25).abs() < 5.0 * deviation,
            "{jitter:?}: lowest quarter {share}"
        );
    }
}

/// The whole range of 64 bits: its width does not fit into them.
#[test]
fn the_widest_range_is_drawn_from() {
    let cap = Duration::from_nanos(1 << 63);
    let spread = with(exponential(cap, cap), Jitter::Spread { percent: 100 });
    let draw = |word| next(&mut spread.start_at(Instant::ORIGIN), &mut Extreme(word));
    assert_eq!([draw(0), draw(7), draw(u64::MAX)], [0, 7, 1 << 63]);
}

/// Around the cap too, where a draw may lie above the schedule's delay.
#[test]
fn jitter_never_exceeds_the_cap() {
    let backoff = exponential(SECOND, SECOND);
    for jitter in [Jitter::Spread { percent: 100 }, Jitter::Decorrelated] {
        let mut retries = with(backoff, jitter).start_at(Instant::ORIGIN);
        assert_eq!(next(&mut retries, &mut Extreme(u64::MAX)), 1_000_000_000);
    }
}

#[test]
fn what_the_server_asks_for_wins_over_the_cap_but_does_not_grow_the_walk() {
    let backoff = with(exponential(SECOND, 2 * SECOND), Jitter::Decorrelated);
    let mut retries = backoff.start_at(Instant::ORIGIN);
    let mut highest = Extreme(u64::MAX);
    let asked = Some(60 * SECOND);
    assert_eq!(
        retries.next_delay(Instant::ORIGIN, &mut highest, asked),
        asked
    );
    assert_eq!(next(&mut retries, &mut highest), 2_000_000_000);
    let asked = Some(Duration::MAX);
    let delay = retries.next_delay(Instant::MAX, &mut highest, asked);
    assert_eq!(delay, Some(Duration::from_nanos(u64::MAX)));
}

#[test]
fn no_retries_are_none() {
    let mut retries = exponential(SECOND, SECOND)
        .with_max_retries(0)
        .start_at(Instant::ORIGIN);
    assert_eq!(
        retries.next_delay(Instant::ORIGIN, &mut Extreme(1), None),
        None
    );
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let zero = |field| Err(ConfigError::Zero { field });
    assert_eq!(Backoff::exponential(Duration::ZERO, SECOND), zero("base"));
    assert_eq!(Backoff::fixed(Duration::ZERO), zero("delay"));
    assert_eq!(
        Backoff::exponential(2 * SECOND, SECOND),
        Err(ConfigError::TooLarge {
            field: "base",
            value: 2_000_000_000,
            max: 1_000_000_000
        })
    );
    let backoff = exponential(SECOND, SECOND);
    for factor in [f64::NAN, f64::INFINITY, 0.999, -2.0] {
        let refused = backoff.with_factor(factor).unwrap_err();
        assert!(matches!(
            refused,
            ConfigError::OutOfRange {
                field: "factor",
                ..
            }
        ));
    }
    assert_eq!(
        backoff.with_jitter(Jitter::Spread { percent: 101 }),
        Err(ConfigError::TooLarge {
            field: "percent",
            value: 101,
            max: 100
        })
    );
}
