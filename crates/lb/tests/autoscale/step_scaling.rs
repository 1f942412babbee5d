//! Larger changes for larger breaches.

use super::*;

const UP: Adjustment = Adjustment::Change(1);

fn error(steps: &[Step]) -> Option<StepError> {
    StepScaling::new(50.0, Breach::Above, steps.iter().copied()).err()
}

/// The `rules` of `step_scaling.json`.
#[test]
fn steps_that_make_no_policy() {
    let (low, high) = (Step::new(0.0, 10.0, UP), Step::above(10.0, UP));
    assert_eq!(error(&[high, low]), None);
    assert_eq!(error(&[]), Some(StepError::Empty));
    assert_eq!(error(&[low]), Some(StepError::OpenAbove));
    assert_eq!(
        error(&[Step::new(-5.0, 0.0, UP)]),
        Some(StepError::OpenBelow)
    );
    assert_eq!(
        error(&[low, Step::above(9.0, UP)]),
        Some(StepError::Overlap { at: 9.0 })
    );
    assert_eq!(
        error(&[low, Step::above(11.0, UP)]),
        Some(StepError::Gap { at: 10.0 })
    );
    assert_eq!(
        error(&[low, high, high]),
        Some(StepError::Overlap { at: 10.0 })
    );
    let open = [Step::below(-1.0, UP), Step::below(0.0, UP)];
    let at = f64::NEG_INFINITY;
    assert_eq!(error(&open), Some(StepError::Overlap { at }));
    assert_eq!(
        error(&[Step::new(5.0, 5.0, UP), high]),
        Some(StepError::Range)
    );
    assert_eq!(error(&[Step::above(f64::NAN, UP)]), Some(StepError::Bound));
    let threshold = StepScaling::new(f64::NAN, Breach::Above, [high]);
    assert_eq!(threshold, Err(StepError::Threshold));
}

/// The `percent_rounding` of `step_scaling.json`, and the examples of "Scaling adjustment types".
#[test]
fn a_change_by_percent_is_rounded_as_amazon_does() {
    let change = |current: u32, percent: i32| {
        let after = Adjustment::Percent(percent).apply(current, 0);
        i64::from(after) - i64::from(current)
    };
    assert_eq!(change(127, 10), 12); // 12.7
    assert_eq!(change(67, 1), 1); // 0.67
    assert_eq!(change(58, -1), -1); // -0.58
    assert_eq!(change(667, -1), -6); // -6.67
    assert_eq!(change(10, 10), 1);
    assert_eq!(change(10, 0), 0);
    assert_eq!(change(0, 50), 0);
    assert_eq!(Adjustment::Percent(25).apply(4, 2), 6);
    assert_eq!(Adjustment::Percent(-200).apply(4, 0), 0);
    assert_eq!(Adjustment::Percent(i32::MAX).apply(u32::MAX, 0), u32::MAX);
    assert_eq!(Adjustment::Change(i32::MIN).apply(3, 0), 0);
    assert_eq!(Adjustment::Exact(7).apply(3, 100), 7);
}

/// The example of Amazon's user guide, as Pulumi's documentation retells it: 10 instances; 60 adds a tenth, 70 three tenths, 40 takes a tenth
/// away, 30 three.
#[test]
fn the_example_of_the_user_guide() {
    let out = StepScaling::new(
        50.0,
        Breach::Above,
        [
            Step::new(0.0, 10.0, Adjustment::Percent(0)),
            Step::new(10.0, 20.0, Adjustment::Percent(10)),
            Step::above(20.0, Adjustment::Percent(30)),
        ],
    );
    let into = StepScaling::new(
        50.0,
        Breach::Below,
        [
            Step::new(-10.0, 0.0, Adjustment::Percent(0)),
            Step::new(-20.0, -10.0, Adjustment::Percent(-10)),
            Step::below(-20.0, Adjustment::Percent(-30)),
        ],
    );
    let (out, into) = (out.expect("valid"), into.expect("valid"));
    assert_eq!(out.desired(10, &Usage::Mean(60.0)), Some(11));
    assert_eq!(out.desired(11, &Usage::Mean(70.0)), Some(14));
    assert_eq!(into.desired(14, &Usage::Mean(40.0)), Some(13));
    assert_eq!(into.desired(13, &Usage::Mean(30.0)), Some(10));
    assert_eq!(out.desired(13, &Usage::Mean(49.9)), None);
    assert_eq!(into.desired(13, &Usage::Mean(50.1)), None);
}

proptest! {
    /// Whatever the cuts, each metric in breach has one step, the one a search over the ranges
    /// as AWS words them finds.
    #[test]
    fn every_breach_has_its_step(
        cuts in prop::collection::btree_set(1..50_i32, 0..6),
        metric in 40..120_i32,
    ) {
        let cuts: Vec<f64> = cuts.iter().map(|cut| f64::from(*cut)).collect();
        let mut steps = Vec::new();
        let mut lower = 0.0;
        for (number, cut) in cuts.iter().enumerate() {
            let number = u32::try_from(number).expect("few");
            steps.push(Step::new(lower, *cut, Adjustment::Exact(number)));
            lower = *cut;
        }
        let last = u32::try_from(cuts.len()).expect("few");
        steps.push(Step::above(lower, Adjustment::Exact(last)));
        steps.reverse();
        let policy = StepScaling::new(60.0, Breach::Above, steps).expect("they meet");
        let past = f64::from(metric) - 60.0;
        let passed = cuts.iter().filter(|cut| past >= **cut).count();
        let expected = (past >= 0.0).then(|| u32::try_from(passed).expect("few"));
        prop_assert_eq!(policy.desired(5, &Usage::Mean(f64::from(metric))), expected);
    }
}
