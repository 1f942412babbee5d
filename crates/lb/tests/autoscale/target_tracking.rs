//! As many as each carries its target.

use super::*;

fn usage(values: &[f64], missing: usize, not_ready: usize) -> Usage {
    let measured = values.iter().map(|value| Instance::new(*value));
    let missing = (0..missing).map(|_| Instance::missing());
    let idle = (0..not_ready).map(|_| Instance::new(7.0).not_ready());
    let all = measured.chain(missing).chain(idle).collect();
    Usage::of(&Reading::Instances(all), Instant::ORIGIN, Duration::ZERO).expect("numbers")
}

fn desired(current: u32, target: f64, usage: &Usage) -> Option<u32> {
    TargetTracking::new(target)
        .expect("positive")
        .desired(current, usage)
}

/// Kubernetes, `replica_calculator_test.go`, `TestReplicaCalcMissingMetrics...`, in parts of the
/// request, with the whole request assumed for what is missing: `NoChangeEq`, `NoChangeGt`,
/// `NoChangeLt`, `UnreadyChange`, `UnreadyScaleUp`, `UnreadyScaleDown`.
#[test]
fn what_is_missing_makes_the_change_smaller() {
    let of_request = |target: f64, current: u32, usage: Usage| {
        let tracking = TargetTracking::new(target).expect("positive");
        let tracking = tracking.missing_uses(1.0).expect("at least the target");
        tracking.desired(current, &usage)
    };
    assert_eq!(of_request(1.0, 2, usage(&[1.0], 1, 0)), Some(2));
    assert_eq!(of_request(1.0, 2, usage(&[1.9], 1, 0)), Some(2));
    assert_eq!(of_request(1.0, 2, usage(&[0.6], 1, 0)), Some(2));
    assert_eq!(of_request(0.5, 3, usage(&[0.45], 1, 1)), Some(3));
    assert_eq!(of_request(0.5, 3, usage(&[2.0], 1, 1)), Some(4));
    assert_eq!(of_request(0.5, 4, usage(&[0.1, 0.1], 1, 1)), Some(3));
    // Of a metric that is no part of anything, the target is assumed.
    assert_eq!(desired(4, 0.5, &usage(&[0.1, 0.1], 1, 1)), Some(2));
}

#[test]
fn what_says_nothing_asks_for_nothing() {
    assert_eq!(desired(3, 0.5, &usage(&[], 2, 1)), None);
    assert_eq!(desired(0, 0.5, &Usage::Mean(0.9)), None);
    assert_eq!(desired(0, 100.0, &Usage::Total(101.0)), Some(2));
    assert_eq!(desired(0, 100.0, &Usage::Total(0.0)), Some(0));
}

#[test]
fn a_whole_number_stays_one() {
    // 0.3 + 0.3 + 0.3 is 0.8999..., and over 0.1 a little more than 9 in others.
    for tenths in 2..500_u32 {
        let total = f64::from(tenths) * 0.1;
        assert_eq!(desired(1, 0.1, &Usage::Total(total)), Some(tenths));
    }
}

#[test]
fn too_much_is_the_most() {
    assert_eq!(desired(1, 1e-300, &Usage::Total(1e300)), Some(u32::MAX));
    assert_eq!(
        desired(u32::MAX, 0.1, &Usage::Mean(f64::MAX)),
        Some(u32::MAX)
    );
}

#[test]
fn values_that_are_none() {
    for value in [-0.1, f64::NAN, f64::INFINITY] {
        for reading in [
            Reading::Mean(value),
            Reading::Total(value),
            Reading::Instances(vec![Instance::new(1.0), Instance::new(value)]),
        ] {
            let usage = Usage::of(&reading, Instant::ORIGIN, SECOND);
            assert!(matches!(usage, Err(BadValue { .. })), "{reading:?}");
        }
    }
    let sum = Reading::Instances(vec![Instance::new(f64::MAX); 2]);
    assert!(Usage::of(&sum, Instant::ORIGIN, SECOND).is_err());
    assert!(TargetTracking::new(f64::NAN).is_err());
    assert!(TargetTracking::new(0.0).is_err());
    let tracking = TargetTracking::new(0.5).expect("positive");
    assert!(tracking.tolerance(1.1).is_err() && tracking.missing_uses(0.4).is_err());
}

#[test]
fn what_warms_up_is_not_ready() {
    let young = Instance::new(9.0).started_at(seconds(95));
    let grown = Instance::new(1.0).started_at(seconds(90));
    let reading = Reading::Instances(vec![young, grown]);
    let usage = Usage::of(&reading, seconds(100), 10 * SECOND);
    let expected = Usage::Instances {
        total: 1.0,
        measured: 1,
        missing: 0,
        not_ready: 1,
    };
    assert_eq!(usage, Ok(expected));
}

proptest! {
    /// Every guess there could be about those that were not measured, from nothing to all that
    /// is assumed, wants at least as large a change in its direction.
    #[test]
    fn dampened_never_turns_round_and_never_exceeds(
        values in prop::collection::vec(0.0..3.0_f64, 1..8),
        missing in 0..5_usize,
        not_ready in 0..5_usize,
    ) {
        let all = values.len() + missing + not_ready;
        let current = u32::try_from(all).expect("few");
        let plain = values.iter().sum::<f64>() / values.len() as f64;
        let found = desired(current, 1.0, &usage(&values, missing, not_ready)).expect("measured");
        // If all were as those that are measured.
        let whole = (plain * all as f64).ceil() as u32;
        if plain > 1.0 {
            prop_assert!(found >= current && found <= whole.max(current));
        } else {
            prop_assert!(found <= current);
            let ready = values.iter().sum::<f64>().ceil() as u32;
            prop_assert!(found >= ready.min(current));
        }
    }
}
