//! Weights from reported load.

use core::time::Duration;
use proptest::prelude::*;
use purlin_lb::{
    ConfigError, Instant, LoadReport, ReportRules, ReportedCapacity, Weight, capacity_weights,
};

const SECOND: Duration = Duration::from_secs(1);

fn report(qps: f64, eps: f64, utilization: f64) -> LoadReport {
    LoadReport {
        qps,
        eps,
        utilization,
    }
}

#[test]
fn what_says_nothing_is_none() {
    let bad = [f64::NAN, f64::INFINITY, -1.0];
    for bad in bad {
        assert_eq!(report(bad, 0.0, 1.0).capacity(1.0), None);
        assert_eq!(report(1.0, bad, 1.0).capacity(1.0), None);
        assert_eq!(report(1.0, 0.0, bad).capacity(1.0), None);
        assert_eq!(report(1.0, 0.0, 1.0).capacity(bad), None);
    }
    assert_eq!(report(0.0, 0.0, 1.0).capacity(1.0), None);
    assert_eq!(report(1.0, 0.0, 0.0).capacity(1.0), None);
    assert_eq!(report(1e300, 0.0, 1e-300).capacity(1.0), None);
}

/// The time line of gRPC A58: a blackout of 10 s, an end after 180 s, and a blackout again.
#[test]
fn reports_are_believed_between_blackout_and_expiration() {
    let (rules, mut reported) = (ReportRules::default(), ReportedCapacity::default());
    let at = |seconds| Instant::ORIGIN + SECOND * seconds;
    assert_eq!(reported.get_at(at(5), &rules), None);
    reported.report_at(at(5), &report(100.0, 0.0, 0.5), &rules);
    reported.report_at(at(9), &report(100.0, 0.0, 0.25), &rules);
    assert_eq!(reported.get_at(at(14), &rules), None);
    assert_eq!(reported.get_at(at(15), &rules), Some(400.0));
    // A report without requests says nothing: the last stays.
    reported.report_at(at(20), &LoadReport::default(), &rules);
    assert_eq!(reported.get_at(at(188), &rules), Some(400.0));
    assert_eq!(reported.get_at(at(189), &rules), None);
    reported.report_at(at(200), &report(100.0, 0.0, 1.0), &rules);
    assert_eq!(reported.get_at(at(209), &rules), None);
    assert_eq!(reported.get_at(at(210), &rules), Some(100.0));
    // A clock that went back is before all of it.
    assert_eq!(reported.get_at(at(0), &rules), None);
}

#[test]
fn rules_have_bounds() {
    let rules = ReportRules::default;
    let zero = rules().expiration(Duration::ZERO).unwrap_err();
    assert_eq!(
        zero,
        ConfigError::Zero {
            field: "expiration"
        }
    );
    for wrong in [-0.5, f64::NAN, f64::INFINITY] {
        assert!(rules().error_penalty(wrong).is_err());
    }
    // No penalty: errors are as good as answers.
    let rules = rules().error_penalty(0.0).unwrap().blackout(Duration::ZERO);
    let mut reported = ReportedCapacity::default();
    reported.report_at(Instant::ORIGIN, &report(100.0, 100.0, 0.5), &rules);
    assert_eq!(reported.get_at(Instant::ORIGIN, &rules), Some(200.0));
}

proptest! {
    #[test]
    fn weights_are_in_proportion(
        capacities in proptest::collection::vec(
            proptest::option::of(prop_oneof![
                1.0..1_000.0, any::<f64>(), Just(0.0), Just(f64::MAX), Just(f64::INFINITY),
            ]),
            0..20,
        ),
    ) {
        let weights = capacity_weights(&capacities);
        prop_assert_eq!(weights.len(), capacities.len());
        let known = |capacity: &Option<f64>| capacity.filter(|one| one.is_finite() && *one > 0.0);
        let greatest = capacities.iter().filter_map(known).fold(0.0, f64::max);
        if capacities.iter().filter_map(known).count() < 2 {
            prop_assert!(weights.iter().all(|weight| *weight == Weight::ONE));
            return Ok(());
        }
        for (capacity, weight) in capacities.iter().zip(weights) {
            let weight = f64::from(weight.get());
            prop_assert!((1.0..=65_535.0).contains(&weight));
            if let Some(known) = known(capacity) {
                prop_assert!((weight - known / greatest * 65_535.0).abs() <= 1.0);
            }
        }
    }
}
