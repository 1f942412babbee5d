//! States that are saved and restored.
#![cfg(feature = "serde")]

use core::time::Duration;
use proptest::prelude::*;
use purlin_core::time::UnixTime;
use purlin_ratelimit::{
    Algorithm, Bandwidths, Gcra, Instant, MultiBandwidth, Quota, RestoreError, Saved,
};
use serde_json::Value;

const UNIX: UnixTime = UnixTime::from_secs(1_800_000_000);

fn gcra(count: u64, burst: u64) -> Gcra {
    Gcra::new(
        Quota::per_second(count)
            .expect("it is valid")
            .with_burst(burst)
            .expect("it is valid"),
    )
    .expect("it is valid")
}

fn fixtures() -> Vec<Value> {
    serde_json::from_str(include_str!("fixtures/saved-format-1.json")).expect("it is valid")
}

#[test]
fn format_1_is_read_and_written() {
    let [word, list] = <[Value; 2]>::try_from(fixtures()).unwrap();
    // At second 5 three and a half of four tokens are taken; two seconds later one and a half.
    let saved: Saved<u64> = serde_json::from_value(word.clone()).unwrap();
    assert_eq!(serde_json::to_value(&saved).unwrap(), word);
    let now = Instant::from_secs(70);
    let rule = gcra(1, 4);
    let state = saved
        .restore(&rule, now, UNIX + Duration::from_secs(2))
        .unwrap();
    assert_eq!(
        rule.inspect(&state, now, 0).reset_after,
        Duration::from_millis(1500)
    );

    let saved: Saved<Bandwidths<u64>> = serde_json::from_value(list.clone()).unwrap();
    assert_eq!(serde_json::to_value(&saved).unwrap(), list);
    let both = MultiBandwidth::new([rule, gcra(1, 8)]).unwrap();
    let state = saved.restore(&both, now, UNIX).unwrap();
    let left: Vec<_> = both
        .each(&state, now, 0)
        .map(|one| one.reset_after)
        .collect();
    assert_eq!(left, [3500, 1000].map(Duration::from_millis));
}

#[test]
fn another_version_is_refused_by_name() {
    let mut newer = fixtures().remove(0);
    newer["version"] = 2.into();
    newer["else"] = "what only version 2 knows".into();
    let saved: Saved<u64> = serde_json::from_value(newer).unwrap();
    let error = saved
        .restore(&gcra(1, 4), Instant::ORIGIN, UNIX)
        .unwrap_err();
    assert_eq!(error, RestoreError::Version { found: 2 });
    assert_eq!(
        error.to_string(),
        "the state is of format 2, and only 1 is known"
    );
}

#[test]
fn the_state_of_another_rule_is_refused() {
    let now = Instant::from_secs(5);
    let saved = Saved::new(&gcra(1, 4), 8_500_000_000, now, UNIX);
    assert_eq!(saved.restore(&gcra(1, 4), now, UNIX), Ok(8_500_000_000));
    let elsewhere = Gcra::<u64>::starting_at(*gcra(1, 4).quota(), now).unwrap();
    for other in [gcra(2, 4), gcra(1, 5), elsewhere] {
        let error = saved.restore(&other, now, UNIX).unwrap_err();
        assert_eq!(error, RestoreError::AnotherRule);
    }
}

#[test]
fn a_wide_state_goes_through_json() {
    let rule = Gcra::wide(Quota::per_second(1).unwrap()).unwrap();
    let wide = Saved::new(&rule, u128::MAX - 1, Instant::from_secs(1), UNIX);
    let text = serde_json::to_string(&wide).unwrap();
    assert_eq!(serde_json::from_str::<Saved<u128>>(&text).unwrap(), wide);
}

proptest! {
    #[test]
    fn what_is_restored_goes_on_as_if_nothing_had_happened(
        (count, burst, taken) in (1..40_u64, 1..20_u64, 0..20_u64),
        at in 0..1_000_000_000_000_u64,
        passed in -5_000_000_000..5_000_000_000_i64,
        to in 0..1_000_000_000_000_u64,
    ) {
        let rule = gcra(count, burst);
        let (at, to) = (Instant::from_nanos(at), Instant::from_nanos(to));
        let mut state = 0;
        rule.decide(&mut state, at, taken.min(burst)).unwrap();
        let saved = Saved::new(&rule, state, at, UNIX);
        let unix = UnixTime::from_nanos(UNIX.as_nanos().saturating_add_signed(passed));
        let restored = saved.restore(&rule, to, unix).unwrap();
        // Backwards is as if no time had passed.
        let then = at + Duration::from_nanos(u64::try_from(passed).unwrap_or(0));
        let (here, there) = (rule.inspect(&state, then, 1), rule.inspect(&restored, to, 1));
        prop_assert_eq!(here.retry_after(), there.retry_after());
        prop_assert_eq!(here.remaining, there.remaining);
        prop_assert_eq!(here.reset_after, there.reset_after);
    }
}
