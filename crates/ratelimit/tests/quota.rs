//! Quotas as text.

use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::{ConfigError, ParseQuotaError, Quota};

#[test]
fn what_people_write() {
    let of = |count, nanos, burst| {
        Quota::new(count, Duration::from_nanos(nanos)).and_then(|quota| quota.with_burst(burst))
    };
    for (text, quota) in [
        ("100/s", of(100, 1_000_000_000, 100)),
        ("5/min burst 10", of(5, 60_000_000_000, 10)),
        ("7 per 1.5s, burst 3", of(7, 1_500_000_000, 3)),
        ("1_000 / 2 h", of(1_000, 7_200_000_000_000, 1_000)),
        ("1/day", of(1, 86_400_000_000_000, 1)),
        ("3/0.25us", of(3, 250, 3)),
        ("9/µs", of(9, 1_000, 9)),
    ] {
        assert_eq!(text.parse::<Quota>(), Ok(quota.unwrap()), "{text}");
    }
}

#[test]
fn what_is_refused() {
    use ParseQuotaError::{Burst, Config, Count, Form, Period};
    for (text, error) in [
        ("", Form),
        ("100", Form),
        ("100 s", Form),
        ("/s", Count),
        ("-1/s", Count),
        ("_/s", Count),
        ("18446744073709551616/s", Count),
        ("100/", Period),
        ("100/fortnight", Period),
        ("100/1", Period),
        ("100/1.s", Period),
        ("100/1.5.5s", Period),
        ("100/0.5ns", Period),
        ("100/300000d", Period),
        ("100/s burst", Burst),
        ("100/s burst x", Burst),
        ("100/s burst 5 5", Burst),
        ("0/s", Config(ConfigError::Zero { field: "count" })),
        ("1/0s", Config(ConfigError::Zero { field: "period" })),
        ("1/s burst 0", Config(ConfigError::Zero { field: "burst" })),
    ] {
        assert_eq!(text.parse::<Quota>(), Err(error), "{text:?}");
    }
}

proptest! {
    /// What is printed can be read, also as JSON.
    #[test]
    fn printed_and_read(count in 1_u64.., period in 1_u64.., burst in 1_u64..) {
        let quota = Quota::new(count, Duration::from_nanos(period))
            .and_then(|quota| quota.with_burst(burst))
            .unwrap();
        prop_assert_eq!(quota.to_string().parse(), Ok(quota));
        let json = serde_json::to_string(&quota).unwrap();
        prop_assert_eq!(serde_json::from_str::<Quota>(&json).unwrap(), quota);
    }

    /// Any text is a quota or an error, and never a panic.
    #[test]
    fn any_text(text in "[0-9_./ a-zµ,]{0,24}") {
        if let Ok(quota) = text.parse::<Quota>() {
            prop_assert_eq!(quota.to_string().parse(), Ok(quota));
        }
    }
}
