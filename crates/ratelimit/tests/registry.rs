//! Every limiter of the registry: what it promises holds, and names and options are told apart.

use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::conformance::{self, Subject};
use purlin_ratelimit::registry::{Algorithm, Options, VARIANTS};
use purlin_ratelimit::{Bound, ConfigError, Gcra, Quota};

/// Each variant by its quota alone, and with the option that makes another of it.
fn subjects() -> Vec<(String, Subject<'static>)> {
    let quota = Quota::per_second(1).expect("not zero");
    let plain = VARIANTS
        .iter()
        .map(|variant| (variant.algorithm, Options::new(quota)));
    let mut at_intervals = Options::new(quota);
    at_intervals.at_intervals = Some(true);
    plain
        .chain([(Algorithm::TokenBucket, at_intervals)])
        .map(|(algorithm, options)| {
            let name = format!("{algorithm} with {options:?}");
            let with = move |quota| {
                let mut options = options.clone();
                options.quota = quota;
                options
            };
            let (capabilities, promises) = (with(quota), with.clone());
            let subject = Subject::new(algorithm.capabilities(&capabilities), move |quota| {
                Ok(algorithm.build(&with(quota))?)
            });
            let subject =
                subject.exact_if(move |quota| algorithm.capabilities(&promises(*quota)).exact);
            (name, subject)
        })
        .collect()
}

#[test]
fn all_conform() {
    for (name, subject) in subjects() {
        println!("{name}");
        for seed in 0..1000 {
            conformance::all(&subject, seed);
        }
    }
}

#[test]
fn rows_are_in_the_order_of_the_enum_and_named_once() {
    for variant in VARIANTS {
        assert_eq!(variant.algorithm.variant(), variant);
        assert_eq!(variant.name.parse(), Ok(variant.algorithm));
        assert_eq!(
            variant.name.replace('_', "-").parse(),
            Ok(variant.algorithm)
        );
        let json = serde_json::to_string(&variant.algorithm).unwrap();
        assert_eq!(json, format!("{:?}", variant.name));
    }
    let unknown = "gcr".parse::<Algorithm>().unwrap_err().to_string();
    assert!(unknown.contains("gcra, wide_gcra"), "{unknown}");
}

#[test]
fn an_option_of_another_is_refused() {
    let mut options = Options::new(Quota::per_second(10).unwrap());
    options.slack = Some(3);
    assert!(Algorithm::Shaper.build(&options).is_ok());
    let refused = Algorithm::Gcra.build(&options).err();
    assert!(
        matches!(
            refused,
            Some(ConfigError::OutOfRange { field: "slack", .. })
        ),
        "{refused:?}"
    );
    let text = r#"{"quota": "10/s", "slack": 3}"#;
    assert_eq!(serde_json::from_str::<Options>(text).unwrap(), options);
    assert!(serde_json::from_str::<Options>(r#"{"quota": "10/s", "slak": 3}"#).is_err());
    options.slack = Some(10);
    assert!(Algorithm::Shaper.build(&options).is_err());
}

#[test]
fn intervals_are_another_bound() {
    let mut options = Options::new(Quota::per_second(10).unwrap());
    options.at_intervals = Some(true);
    let can = Algorithm::TokenBucket.capabilities(&options);
    assert_eq!((can.bound, can.exact), (Bound::Stepped, true));
}

proptest! {
    /// From one a day to four billion a second the rate is right to 1e-9, and never above.
    #[test]
    fn the_stored_rate_is_right(count in 1_u64..=4_000_000_000, kind in 0..4_usize, any in 1_u64..86_400_000_000_000) {
        let period = [1_000_000_000, 60_000_000_000, 86_400_000_000_000, any][kind];
        prop_assume!(u128::from(count) <= u128::from(period) * 4);
        let quota = Quota::new(count, Duration::from_nanos(period)).unwrap();
        let gcra = Gcra::new(quota.with_burst(100).unwrap()).unwrap();
        let (tokens, nanos) = gcra.stored_rate();
        // stored / wanted = tokens * period / (nanos * count), in numbers of 256 bits: each side is
        // split in two.
        let product = |a: u128, b: u128| {
            let mask = u128::from(u64::MAX);
            let low = (a & mask) * b;
            ((a >> 64) * b + (low >> 64), low & mask)
        };
        let stored = product(tokens, period.into());
        let wanted = product(nanos, count.into());
        prop_assert!(stored <= wanted, "too fast");
        prop_assert_eq!(stored == wanted, gcra.is_exact());
        // wanted - stored <= wanted / 10^9, which leaves the lower words out of account.
        let apart = (wanted.0 - stored.0) as f64 * 2_f64.powi(64) + (wanted.1 as f64 - stored.1 as f64);
        let whole = wanted.0 as f64 * 2_f64.powi(64) + wanted.1 as f64;
        prop_assert!(apart <= whole * 1e-9, "{} of {}", apart, whole);
    }
}
