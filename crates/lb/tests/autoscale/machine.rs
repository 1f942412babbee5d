//! The machine as a whole.

use super::*;

#[test]
fn the_metric_that_asks_for_most_decides() {
    let queue = Policy::track("queue", TargetTracking::new(10.0).expect("positive"));
    let config = config(cpu(0.5)).policy(queue);
    let mut autoscaler = Autoscaler::new(config, 4, Instant::ORIGIN).expect("valid");
    let queue = sample("queue", Reading::Total(62.0));
    autoscaler
        .handle(Instant::ORIGIN, queue)
        .expect("a metric it knows");
    let decision = decide(&mut autoscaler, 0.6);
    assert_eq!(
        (decision.desired, decision.reason),
        (7, Reason::Metric("queue".into()))
    );
}

#[test]
fn what_is_not_known_forbids_less_but_not_more() {
    let queue = Policy::track("queue", TargetTracking::new(10.0).expect("positive"));
    let config = config(cpu(0.5)).policy(queue);
    let mut autoscaler = Autoscaler::new(config, 4, Instant::ORIGIN).expect("valid");
    let held = decide(&mut autoscaler, 0.1);
    assert_eq!(
        (held.desired, held.reason),
        (4, Reason::MissingMetric("queue".into()))
    );
    assert_eq!(decide(&mut autoscaler, 1.0).desired, 8);
    // What was known a minute ago is not known.
    autoscaler.handle_timeout(seconds(600));
    let blind = autoscaler.poll_output().expect("one a round");
    assert_eq!((blind.desired, blind.reason), (8, Reason::NoMetrics));
}

#[test]
fn steps_are_silent_without_an_alarm() {
    let steps = [Step::above(0.0, Adjustment::Change(3))];
    let out = StepScaling::new(0.8, Breach::Above, steps).expect("valid");
    let config = config(cpu(0.5)).policy(Policy::step("cpu", out));
    let mut autoscaler = Autoscaler::new(config, 4, Instant::ORIGIN).expect("valid");
    assert_eq!(decide(&mut autoscaler, 0.1).desired, 1);
    assert_eq!(decide(&mut autoscaler, 0.9).desired, 4); // 2 by the target, 4 by the step
}

/// What is decided in the ten rounds after one sample.
fn ten_rounds(autoscaler: &mut Autoscaler, mean: f64) -> Vec<u32> {
    let due = autoscaler.poll_timeout().expect("it never rests");
    let told = sample("cpu", Reading::Mean(mean));
    autoscaler.handle(due, told).expect("a metric it knows");
    let round = |_| {
        let due = autoscaler.poll_timeout().expect("it never rests");
        autoscaler.handle_timeout(due);
        autoscaler.poll_output().expect("one a round").desired
    };
    (0..10).map(round).collect()
}

fn by_three() -> Policy {
    let steps = [Step::above(0.0, Adjustment::Change(3))];
    let out = StepScaling::new(0.8, Breach::Above, steps).expect("valid");
    Policy::step("cpu", out)
}

#[test]
fn a_sample_is_acted_on_once() {
    for (policy, mean, sizes) in [
        (cpu(0.5), 0.85, [14, 24]), // ceil(8 * 1.7), then ceil(14 * 1.7)
        (cpu(0.5), 0.25, [4, 2]),
        (by_three(), 0.9, [11, 14]),
    ] {
        let mut config = config(policy);
        config.stale_after = HOUR;
        let mut autoscaler = Autoscaler::new(config, 8, Instant::ORIGIN).expect("valid");
        for size in sizes {
            assert_eq!(ten_rounds(&mut autoscaler, mean), [size; 10]);
        }
    }
}

/// A step that is held back is made when it may be, as far as it goes, and no further.
#[test]
fn a_step_that_is_held_back_is_not_lost() {
    let mut config = config(by_three());
    config.behaviour.up.limits = vec![RateLimit::Instances(2, 15 * SECOND)];
    config.stale_after = HOUR;
    let mut autoscaler = Autoscaler::new(config, 8, Instant::ORIGIN).expect("valid");
    let sizes = ten_rounds(&mut autoscaler, 0.9);
    assert_eq!(sizes, [10, 11, 11, 11, 11, 11, 11, 11, 11, 11]);
    // Nor does it take back what somebody else has decided since.
    let now = autoscaler.poll_timeout().expect("it never rests");
    autoscaler
        .handle(now, Input::Capacity(20))
        .expect("any number");
    autoscaler.handle_timeout(now);
    assert_eq!(autoscaler.capacity(), 20);
}

/// Amazon: instances that warm up count towards the step. The four that were there stay hot for as
/// long as the others take.
#[test]
fn steps_do_not_compound_while_instances_warm_up() {
    let steps = [
        Step::new(0.0, 0.15, Adjustment::Percent(50)),
        Step::above(0.15, Adjustment::Percent(100)),
    ];
    let out = StepScaling::new(0.8, Breach::Above, steps).expect("valid");
    let mut config = config(Policy::step("cpu", out));
    config.warm_up = 300 * SECOND;
    let mut autoscaler = Autoscaler::new(config, 4, Instant::ORIGIN).expect("valid");
    let mut round = |used: f64, ready: usize| {
        let now = autoscaler.poll_timeout().expect("it never rests");
        let warm = vec![Instance::new(used); ready];
        let cold = autoscaler.capacity() as usize - ready;
        let cold = (0..cold).map(|_| Instance::new(0.0).started_at(seconds(15)));
        let reading = Reading::Instances(warm.into_iter().chain(cold).collect());
        let told = autoscaler.handle(now, sample("cpu", reading));
        told.expect("a metric it knows");
        autoscaler.handle_timeout(now);
        autoscaler.poll_output().expect("one a round").desired
    };
    for _ in 0..6 {
        assert_eq!(round(0.9, 4), 6);
    }
    // The larger step of the same four adds what is missing to it, and the smaller takes none back.
    assert_eq!([round(0.99, 4), round(0.99, 4), round(0.9, 4)], [8; 3]);
    // Once they are warm, and it is still hot, the next step is one from all.
    assert_eq!(round(0.9, 8), 12);
}

#[test]
fn bounds_hold_at_once() {
    let mut autoscaler = Autoscaler::new(config(cpu(0.5)), 300, Instant::ORIGIN).expect("valid");
    autoscaler.handle_timeout(seconds(15));
    let decision = autoscaler.poll_output().expect("one a round");
    assert_eq!((decision.desired, decision.reason), (100, Reason::Maximum));
    autoscaler
        .handle(seconds(16), Input::Capacity(0))
        .expect("any number");
    autoscaler.handle_timeout(seconds(30));
    let decision = autoscaler.poll_output().expect("one a round");
    assert_eq!((decision.desired, decision.reason), (1, Reason::Minimum));
}

#[test]
fn refused_inputs_change_nothing() {
    let mut autoscaler = Autoscaler::new(config(cpu(0.5)), 4, Instant::ORIGIN).expect("valid");
    let before = format!("{autoscaler:?}");
    let unknown = autoscaler.handle(seconds(1), sample("disk", Reading::Mean(1.0)));
    let metric = "disk".to_owned();
    assert_eq!(unknown, Err(InputError::UnknownMetric { metric }));
    let bad = autoscaler.handle(seconds(1), sample("cpu", Reading::Mean(f64::NAN)));
    assert!(matches!(bad, Err(InputError::BadValue(_))));
    assert_eq!(format!("{autoscaler:?}"), before);
}

#[test]
fn configurations_that_are_none() {
    let error = |change: fn(&mut AutoscalerConfig)| {
        let mut config = config(cpu(0.5));
        change(&mut config);
        Autoscaler::new(config, 1, Instant::ORIGIN).err()
    };
    let zero = |field| Some(ConfigError::Zero { field });
    assert_eq!(error(|c| c.interval = Duration::ZERO), zero("interval"));
    assert_eq!(
        error(|c| c.stale_after = Duration::ZERO),
        zero("stale_after")
    );
    let limit = |c: &mut AutoscalerConfig| {
        c.behaviour.up.limits = vec![RateLimit::Instances(1, Duration::ZERO)];
    };
    assert_eq!(error(limit), zero("period"));
    let long = error(|c| c.behaviour.down.window = Duration::MAX);
    assert!(matches!(
        long,
        Some(ConfigError::OutOfRange {
            field: "interval",
            ..
        })
    ));
    assert!(Bounds::new(2, 1).is_err());
}

proptest! {
    /// Any inputs at any times, backwards too: bounds hold, it never spins, never rests.
    #[test]
    fn any_history(
        steps in prop::collection::vec((any::<u64>(), 0..64_u32, 0..4_u8, any::<u32>()), 1..60),
    ) {
        let period = Period::new(UnixTime::from_secs(50), 9 * SECOND, bounds(7, 70));
        let period = period.and_then(|p| p.every(30 * SECOND)).and_then(|p| p.pre_warm(SECOND));
        let mut config = AutoscalerConfig::new(bounds(5, 50)).policy(cpu(0.5));
        config.schedule = Schedule::new([period.expect("valid")]);
        let mut autoscaler = Autoscaler::new(config, 9, Instant::ORIGIN).expect("valid");
        for (time, shift, kind, number) in steps {
            let now = Instant::from_nanos(time >> shift);
            let input = match kind {
                0 => sample("cpu", Reading::Mean(f64::from(number))),
                1 => Input::Capacity(number),
                2 => Input::CivilTime(UnixTime::from_nanos(time)),
                _ => sample("cpu", Reading::Mean(f64::from(number % 100) / 100.0)),
            };
            autoscaler.handle(now, input).expect("valid");
            autoscaler.handle_timeout(now);
            if let Some(decision) = autoscaler.poll_output() {
                prop_assert!((5..=70).contains(&decision.desired));
                prop_assert_eq!(decision.desired, autoscaler.capacity());
            }
            let next = autoscaler.poll_timeout();
            prop_assert!(next.is_none_or(|next| next > now));
        }
    }
}
