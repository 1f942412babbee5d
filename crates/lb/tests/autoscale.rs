//! Autoscaling against published rules and slow models.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers, rounded up"
)]

use core::time::Duration;
use proptest::prelude::*;
use purlin_core::machine::Machine;
use purlin_lb::autoscale::{
    Adjustment, Autoscaler, AutoscalerConfig, BadValue, Behaviour, Bounds, Breach, Decision,
    History, Input, InputError, Instance, Period, Policy, RateLimit, Reading, Reason, ScalingRules,
    Schedule, Select, Step, StepError, StepScaling, TargetTracking, UnixTime, Usage,
};
use purlin_lb::{ConfigError, Instant};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

fn seconds(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

fn bounds(min: u32, max: u32) -> Bounds {
    Bounds::new(min, max).expect("in order")
}

fn cpu(target: f64) -> Policy {
    Policy::track("cpu", TargetTracking::new(target).expect("positive"))
}

/// No windows and no limits.
fn at_once() -> Behaviour {
    Behaviour {
        up: ScalingRules::default(),
        down: ScalingRules::default(),
    }
}

fn config(policy: Policy) -> AutoscalerConfig {
    AutoscalerConfig {
        behaviour: at_once(),
        ..AutoscalerConfig::new(bounds(1, 100)).policy(policy)
    }
}

fn sample(metric: &str, reading: Reading) -> Input {
    let metric = metric.to_owned();
    Input::Sample { metric, reading }
}

/// Tells it a mean and lets it decide when it is due.
fn decide(autoscaler: &mut Autoscaler, mean: f64) -> Decision {
    let due = autoscaler.poll_timeout().expect("it never rests");
    autoscaler
        .handle(due, sample("cpu", Reading::Mean(mean)))
        .expect("a metric it knows");
    autoscaler.handle_timeout(due);
    assert!(autoscaler.poll_timeout() > Some(due));
    autoscaler.poll_output().expect("one a round")
}

#[path = "autoscale/target_tracking.rs"]
mod target_tracking;

#[path = "autoscale/step_scaling.rs"]
mod step_scaling;

#[path = "autoscale/behaviour.rs"]
mod behaviour;

#[path = "autoscale/schedule.rs"]
mod schedule;

#[path = "autoscale/machine.rs"]
mod machine;

#[test]
fn configurations_travel() {
    let steps = [Step::above(0.0, Adjustment::Percent(30))];
    let out = StepScaling::new(0.8, Breach::Above, steps).expect("valid");
    let period = Period::new(UnixTime::from_secs(9), HOUR, bounds(2, 3)).expect("not empty");
    let mut config = AutoscalerConfig::new(bounds(1, 10))
        .policy(cpu(0.5))
        .policy(Policy::step("cpu", out.min_magnitude(2)));
    config.schedule = Schedule::new([period]);
    let text = serde_json::to_string(&config).expect("plain data");
    assert_eq!(
        serde_json::from_str::<AutoscalerConfig>(&text).expect("as written"),
        config
    );

    let short = r#"{"bounds":{"min":1,"max":10},"policies":[{"metric":"cpu","rule":{"track":{"target":0.5}}}]}"#;
    let expected = AutoscalerConfig::new(bounds(1, 10)).policy(cpu(0.5));
    assert_eq!(
        serde_json::from_str::<AutoscalerConfig>(short).expect("defaults"),
        expected
    );

    for (wrong, message) in [
        (short.replace("0.5", "-1"), "target must be above zero"),
        (short.replace(":10", ":0"), "max must be at least min"),
        (short.replace("target", "taget"), "unknown field"),
    ] {
        let error = serde_json::from_str::<AutoscalerConfig>(&wrong).expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
    }
}
