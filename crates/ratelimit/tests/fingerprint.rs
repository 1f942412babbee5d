//! Fingerprints: the same for the same configuration, in every version; others for others.

use core::time::Duration;
use purlin_ratelimit::{
    Algorithm, ConfigError, FixedWindow, Gcra, Instant, LeakyBucket, MultiBandwidth, Quota, Shaper,
    SlidingWindowCounter, SlidingWindowLog, TokenBucket,
};
use std::collections::HashMap;

/// All rules of some configurations, each with its name; rules that are one another by other names
/// share theirs.
fn rules(quota: Quota, origin: Instant) -> Result<Vec<(&'static str, u64)>, ConfigError> {
    let (limit, window) = (quota.burst(), quota.period());
    let gcra = Gcra::<u64>::starting_at(quota, origin)?;
    let shaper = Shaper::starting_at(quota, origin)?;
    let counter = SlidingWindowCounter::new(limit, window)?;
    let counter = counter.starting_at(origin);
    let wide = SlidingWindowCounter::wide(limit, window)?;
    let intervals = TokenBucket::filled_at_intervals_from(quota, origin)?;
    let several = MultiBandwidth::new([gcra.clone()])?;
    let day = Gcra::new(Quota::per_day(1)?)?;
    let daily = MultiBandwidth::new([gcra.clone(), day])?;
    Ok(vec![
        ("gcra", gcra.fingerprint()),
        (
            "wide gcra",
            Gcra::<u128>::starting_at(quota, origin)?.fingerprint(),
        ),
        ("intervals", intervals.fingerprint()),
        ("shaper", shaper.fingerprint()),
        ("shaper with slack", shaper.with_slack(1)?.fingerprint()),
        ("counter", counter.fingerprint()),
        ("strict counter", counter.strict().fingerprint()),
        ("wide counter", wide.starting_at(origin).fingerprint()),
        ("several", several.fingerprint()),
        ("several and a day", daily.fingerprint()),
    ])
}

#[test]
fn every_configuration_has_its_own_and_always_the_same() {
    let mut seen = HashMap::new();
    for count in [2, 3, 60] {
        for burst in [2, 3, 60] {
            for period in [1, 30, 60].map(Duration::from_secs) {
                for origin in [0, 1].map(Instant::from_secs) {
                    let quota = Quota::new(count, period).unwrap();
                    let quota = quota.with_burst(burst).unwrap();
                    let rules = rules(quota, origin).unwrap();
                    assert_eq!(rules, self::rules(quota, origin).unwrap());
                    for (name, fingerprint) in rules {
                        // What these are of the quota: windows know no count, and of a rate only the
                        // ratio counts, but for steps.
                        let nanos = period.as_nanos() / u128::from(count);
                        let rate = match name {
                            "counter" | "strict counter" | "wide counter" => (period.as_nanos(), 0),
                            "intervals" => (period.as_nanos(), count),
                            _ => (nanos, 0),
                        };
                        let this = (name, rate, burst, origin);
                        let that = *seen.entry(fingerprint).or_insert(this);
                        assert_eq!(that, this);
                    }
                }
            }
        }
    }
}

#[test]
fn rules_that_decide_alike_by_every_state_have_the_same() {
    let quota = Quota::per_minute(30).unwrap().with_burst(7).unwrap();
    let gcra = Gcra::new(quota).unwrap().fingerprint();
    assert_eq!(TokenBucket::new(quota).unwrap().fingerprint(), gcra);
    assert_eq!(LeakyBucket::new(quota).unwrap().fingerprint(), gcra);
    let half = Quota::new(1, Duration::from_secs(2)).unwrap();
    let half = Gcra::new(half.with_burst(7).unwrap()).unwrap();
    assert_eq!(half.fingerprint(), gcra);
}

/// They lie in stores: a change of one refuses every key that is in use.
#[test]
fn they_are_pinned() {
    let quota = Quota::per_minute(30).unwrap().with_burst(7).unwrap();
    let mut found: Vec<_> = rules(quota, Instant::ORIGIN).unwrap();
    let window = Duration::from_secs(60);
    let fixed = FixedWindow::new(7, window).unwrap();
    let log = SlidingWindowLog::new(7, window).unwrap();
    let rounded = Gcra::new(Quota::per_second(997).unwrap()).unwrap();
    found.extend([
        ("fixed window", fixed.fingerprint()),
        ("log", log.fingerprint()),
        ("rounded gcra", rounded.fingerprint()),
    ]);
    let expected = [
        ("gcra", 0xc653_439d_e1af_78d5),
        ("wide gcra", 0xb235_b9ae_727f_a0d3),
        ("intervals", 0x9e5f_cea4_765a_6bbb),
        ("shaper", 0x3f57_cf80_24ba_417e),
        ("shaper with slack", 0x22eb_c55d_b1cd_0fe1),
        ("counter", 0xe27e_203e_9552_cad9),
        ("strict counter", 0x3887_8693_6aaf_6a74),
        ("wide counter", 0x00f1_5481_edf1_025d),
        ("several", 0x8389_88eb_79e6_dca1),
        ("several and a day", 0x31f0_e4f6_354d_c5df),
        ("fixed window", 0xdaed_3cf8_96d1_32b6),
        ("log", 0x3462_a959_cfa2_5d74),
        ("rounded gcra", 0xcca1_b276_fffe_ecb6),
    ];
    assert_eq!(found, expected);
}
