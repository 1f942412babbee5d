//! What the vector files of autoscaling mean.

use core::time::Duration;
use purlin_lb::Instant;
use purlin_lb::autoscale::{
    Adjustment, Breach, Instance, Reading, Step, StepScaling, TargetTracking, Usage,
};
use purlin_vectors::{Case, Field, Suite};

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("lb/hpa@1", hpa);
    suite.schema("lb/step_scaling@1", step_scaling);
}

/// Kubernetes, `replica_calculator_test.go`.
fn hpa(file: &Field<'_>) {
    file.cases("cases", |case| {
        let current: u32 = case.read("current");
        let (usage, target) = match case.get("total") {
            Some(total) => (Usage::Total(total.decode()), case.read("target")),
            None => instances(case),
        };
        if let Some(average) = case.read::<Option<f64>>("avg") {
            let mean = usage.mean(current).expect("it was measured");
            case.check_eq("average", mean.floor(), average);
        }
        if let Some(percent) = case.read::<Option<f64>>("util") {
            let mean = usage.mean(current).expect("it was measured");
            case.check_eq("utilisation", (mean * 100.0).floor(), percent);
        }
        let tracking = TargetTracking::new(target).expect("a target");
        let desired = tracking.desired(current, &usage);
        case.check_eq("desired", desired, Some(case.read("desired")));
    });
}

/// What each pod uses, of the request where there is one, and the target of that.
fn instances(case: &Case<'_>) -> (Usage, f64) {
    let (values, target): (Vec<f64>, f64) = match case.get("request") {
        Some(request) => {
            let request: f64 = request.decode();
            let used: Vec<f64> = case.read("cpu");
            let percent: f64 = case.read("target_pct");
            let parts = used.iter().map(|used| used / request).collect();
            (parts, percent / 100.0)
        }
        None => (case.read("per_pod"), case.read("target")),
    };
    let ready: Vec<bool> = case.read::<Option<_>>("ready").unwrap_or_default();
    let instance = |(index, value): (usize, &f64)| match ready.get(index) {
        Some(false) => Instance::new(*value).not_ready(),
        _ => Instance::new(*value),
    };
    let instances = values.iter().enumerate().map(instance).collect();
    let reading = Reading::Instances(instances);
    let usage = Usage::of(&reading, Instant::ORIGIN, Duration::ZERO).expect("numbers");
    (usage, target)
}

/// Amazon EC2 Auto Scaling, `StepAdjustment`. Its `rules` and its `percent_rounding` are prose; they
/// are the tests `steps_that_make_no_policy` and `a_change_by_percent_is_rounded_as_amazon_does` in
/// `tests/autoscale.rs`.
fn step_scaling(file: &Field<'_>) {
    file.ignore(&["rules", "percent_rounding"]);
    file.cases("membership", |case| {
        let (lower, upper): (f64, f64) = (case.read("lower"), case.read("upper"));
        let threshold: f64 = case.read("threshold");
        let breach = if lower >= 0.0 {
            Breach::Above
        } else {
            Breach::Below
        };
        let step = Step::new(lower, upper, Adjustment::Change(1));
        let rest = match breach {
            Breach::Above => Step::above(upper, Adjustment::Change(2)),
            Breach::Below => Step::below(lower, Adjustment::Change(2)),
        };
        let policy = StepScaling::new(threshold, breach, [step, rest]).expect("valid");
        for (key, expected) in [("in", true), ("out", false)] {
            for metric in case.read::<Vec<f64>>(key) {
                case.check_eq(key, step.contains(metric, threshold, breach), expected);
                let chosen = policy.desired(10, &Usage::Mean(metric)) == Some(11);
                case.check_eq(key, chosen, expected);
            }
        }
    });
    file.cases("percent_cases", |case| {
        let (current, delta): (u32, u32) = (case.read("cur"), case.read("delta"));
        let after = Adjustment::Percent(case.read("pct")).apply(current, 0);
        case.check_eq("capacity", after, current + delta);
    });
}
