//! Instants and civil time against wide integers; the system's clock; Tokio's.

use core::time::Duration;
use proptest::prelude::*;
use purlin_core::time::{Instant, UnixTime};

/// Any `u64`, often one next to an edge.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..4_u64, (u64::MAX - 3)..=u64::MAX]
}

/// Any `Duration`, often one around the longest that a `u64` of nanoseconds can hold.
fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        any::<Duration>(),
        word().prop_map(Duration::from_nanos),
        (0..4_u32)
            .prop_map(|extra| Duration::from_nanos(u64::MAX) + Duration::from_nanos(extra.into())),
        Just(Duration::MAX),
    ]
}

/// A number of nanoseconds as far as a point in time can express it.
fn clamped(nanos: u128) -> u64 {
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

macro_rules! saturates {
    ($name:ident, $point:ident, $zero:expr) => {
        mod $name {
            use super::*;

            proptest! {
                #[test]
                fn addition_is_that_of_wide_integers(at in word(), by in duration()) {
                    let point = $point::from_nanos(at);
                    let sum = u128::from(at) + by.as_nanos();
                    let expected = $point::from_nanos(clamped(sum));
                    prop_assert_eq!(point + by, expected);
                    prop_assert_eq!(point.saturating_add(by), expected);
                    prop_assert_eq!(point.checked_add(by), (sum <= u128::from(u64::MAX)).then_some(expected));
                    let mut moved = point;
                    moved += by;
                    prop_assert_eq!(moved, expected);
                }

                #[test]
                fn subtraction_is_that_of_wide_integers(at in word(), by in duration()) {
                    let point = $point::from_nanos(at);
                    let expected = $point::from_nanos(clamped(u128::from(at).saturating_sub(by.as_nanos())));
                    prop_assert_eq!(point - by, expected);
                    prop_assert_eq!(point.saturating_sub(by), expected);
                    let mut moved = point;
                    moved -= by;
                    prop_assert_eq!(moved, expected);
                }

                #[test]
                fn intervals_are_never_negative(a in word(), b in word()) {
                    let (from, to) = ($point::from_nanos(a), $point::from_nanos(b));
                    let signed = i128::from(b) - i128::from(a);
                    prop_assert_eq!(i128::try_from((to - from).as_nanos()), Ok(signed.max(0)));
                    prop_assert_eq!(to.saturating_duration_since(from), to - from);
                    prop_assert_eq!(to.checked_duration_since(from), (signed >= 0).then_some(to - from));
                    prop_assert_eq!(from.cmp(&to), a.cmp(&b));
                }

                #[test]
                fn units_are_what_they_say(count in word()) {
                    let wide = u128::from(count);
                    prop_assert_eq!($point::from_nanos(count).as_nanos(), count);
                    prop_assert_eq!($point::from_micros(count).as_nanos(), clamped(wide * 1_000));
                    prop_assert_eq!($point::from_millis(count).as_nanos(), clamped(wide * 1_000_000));
                    prop_assert_eq!($point::from_secs(count).as_nanos(), clamped(wide * 1_000_000_000));
                    prop_assert_eq!($point::from_nanos(count).as_millis(), count / 1_000_000);
                }

                #[test]
                fn it_prints_seconds(at in word()) {
                    let printed = $point::from_nanos(at).to_string();
                    let digits: String = printed.chars().filter(char::is_ascii_digit).collect();
                    prop_assert_eq!(digits.parse::<u64>(), Ok(at));
                    prop_assert_eq!(printed.find('.').map(|dot| printed.len() - dot), Some(".000000000s".len()));
                    let debug = format!(concat!(stringify!($point), "({})"), printed);
                    prop_assert_eq!(format!("{:?}", $point::from_nanos(at)), debug);
                }
            }

            #[test]
            fn the_ends_are_where_u64_ends() {
                assert_eq!($zero.as_nanos(), 0);
                assert_eq!($zero, $point::default());
                assert_eq!($point::MAX.as_nanos(), u64::MAX);
                assert_eq!($point::MAX + Duration::from_nanos(1), $point::MAX);
                assert_eq!($zero - Duration::from_nanos(1), $zero);
            }
        }
    };
}

saturates!(instant, Instant, Instant::ORIGIN);
saturates!(unix_time, UnixTime, UnixTime::EPOCH);

#[cfg(feature = "std")]
mod system {
    use super::*;
    use core::iter;
    use purlin_core::time::{Clock, SystemClock, WallClock};
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn it_never_goes_back_in_one_thread() {
        let clock = SystemClock::new();
        let readings: Vec<Instant> = iter::repeat_with(|| clock.now()).take(10_000).collect();
        assert!(readings.is_sorted());
    }

    #[test]
    fn threads_share_the_origin() {
        let before = SystemClock::new().now();
        let elsewhere = std::thread::scope(|scope| scope.spawn(|| SystemClock::new().now()).join());
        let after = SystemClock::new().now();
        assert!((before..=after).contains(&elsewhere.expect("reading a clock does not panic")));
    }

    #[test]
    fn it_moves_with_the_system() {
        let clock = SystemClock::new();
        let before = clock.now();
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now() - before >= Duration::from_millis(5));
    }

    proptest! {
        #[test]
        fn std_instants_come_back_unchanged(nanos in word()) {
            SystemClock::new().now(); // sets the origin
            let instant = Instant::from_nanos(nanos);
            match SystemClock::new().to_std(instant) {
                Some(std) => prop_assert_eq!(SystemClock::new().from_std(std), instant),
                // Only what is centuries ahead may be beyond the platform.
                None => prop_assert!(instant > Instant::from_secs(60 * 60 * 24 * 365)),
            }
        }

        #[test]
        fn civil_time_is_clamped_to_its_range(since in duration()) {
            if let Some(after) = UNIX_EPOCH.checked_add(since) {
                prop_assert_eq!(UnixTime::from(after).as_nanos(), clamped(since.as_nanos()));
            }
            if let Some(before) = UNIX_EPOCH.checked_sub(since) {
                prop_assert_eq!(UnixTime::from(before), UnixTime::EPOCH);
            }
        }
    }

    #[test]
    fn what_is_before_the_origin_becomes_the_origin() {
        let origin = SystemClock::new()
            .to_std(Instant::ORIGIN)
            .expect("it has been read");
        if let Some(earlier) = origin.checked_sub(Duration::from_secs(1)) {
            assert_eq!(SystemClock::new().from_std(earlier), Instant::ORIGIN);
        }
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "it is compared with the standard library's"
    )]
    fn civil_time_is_that_of_the_standard_library() {
        let before = UnixTime::from(SystemTime::now());
        let ours = SystemClock::new().unix_now();
        let after = UnixTime::from(SystemTime::now());
        // An operator may step the clock in between; nobody steps it by years.
        assert!(before <= after + Duration::from_secs(1));
        assert!(ours > UnixTime::from_secs(1_700_000_000));
        assert!(ours >= before - Duration::from_secs(1) && ours <= after + Duration::from_secs(1));
    }
}

#[cfg(feature = "tokio")]
mod tokio_timer {
    use super::*;
    use purlin_core::time::{Clock, Timer, TokioTimer};

    #[tokio::test(start_paused = true)]
    async fn it_follows_a_paused_runtime() {
        let timer = TokioTimer::new();
        assert_eq!(timer.now(), Instant::ORIGIN);
        tokio::time::advance(Duration::from_millis(7)).await;
        assert_eq!(timer.now(), Instant::from_millis(7));
        let copy = timer;
        timer.sleep_until(Instant::from_millis(20)).await;
        assert_eq!(copy.now(), Instant::from_millis(20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_ends_at_its_deadline_rounded_up_to_a_millisecond() {
        let timer = TokioTimer::new();
        for nanos in [1, 999_999, 1_000_000, 1_000_001, 5_500_000] {
            let start = timer.now();
            timer.sleep_until(start + Duration::from_nanos(nanos)).await;
            let slept = timer.now() - start;
            assert!(
                slept >= Duration::from_nanos(nanos),
                "{slept:?} for {nanos} ns"
            );
            assert!(
                slept <= Duration::from_nanos(nanos) + Duration::from_millis(1),
                "{slept:?} for {nanos} ns"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_reached_takes_no_time() {
        let timer = TokioTimer::new();
        tokio::time::advance(Duration::from_secs(2)).await;
        timer.sleep_until(Instant::from_secs(1)).await;
        timer.sleep_until(Instant::from_secs(2)).await;
        assert_eq!(timer.now(), Instant::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn never_is_far_away() {
        let timer = TokioTimer::default();
        let year = Duration::from_secs(60 * 60 * 24 * 365);
        let never = timer.sleep_until(Instant::MAX);
        assert!(tokio::time::timeout(year, never).await.is_err());
    }
}
