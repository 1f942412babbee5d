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

mod target_tracking {
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
}

mod step_scaling {
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
}

mod behaviour {
    use super::*;

    /// The rule of Kubernetes' `behavior`, by a model that keeps everything and looks through all of
    /// it.
    #[derive(Default)]
    struct Model {
        asked: Vec<(u64, u32)>,
        done: Vec<(u64, i64)>,
    }

    impl Model {
        fn decide(&mut self, now: u64, rules: &Behaviour, current: u32, asked: u32) -> u32 {
            self.asked.push((now, asked));
            let within = |window: Duration| {
                let young = move |(at, _): &&(u64, u32)| *at == now || now - at < window.as_secs();
                self.asked.iter().filter(young).map(|(_, asked)| *asked)
            };
            let up = within(rules.up.window).min().expect("one is of now");
            let down = within(rules.down.window).max().expect("one is of now");
            let mut desired = current;
            desired = desired.max(up);
            desired = desired.min(down);
            let step = i64::from(desired) - i64::from(current);
            let rules = if step > 0 { &rules.up } else { &rules.down };
            let mut room: Vec<i64> = Vec::new();
            for limit in &rules.limits {
                let (RateLimit::Instances(_, period) | RateLimit::Percent(_, period)) = limit;
                let recent = self
                    .done
                    .iter()
                    .filter(|(at, _)| now - at < period.as_secs());
                let start = i64::from(current) - recent.map(|(_, by)| by).sum::<i64>();
                let of_start = |percent: u32| start * i64::from(percent);
                let change = match *limit {
                    RateLimit::Instances(count, _) => i64::from(count),
                    RateLimit::Percent(percent, _) => (of_start(percent) + 99) / 100,
                };
                let end = start + step.signum() * change;
                room.push(((end - i64::from(current)) * step.signum()).max(0));
            }
            let room = match rules.select {
                Select::Disabled => Some(0),
                Select::Max => room.into_iter().max(),
                Select::Min => room.into_iter().min(),
            };
            let size = step.abs().min(room.unwrap_or(i64::MAX));
            let change = size * step.signum();
            if change != 0 {
                self.done.push((now, change));
            }
            u32::try_from(i64::from(current) + change).expect("never below zero")
        }
    }

    fn rules() -> impl Strategy<Value = ScalingRules> {
        let period = (1..60_u64).prop_map(Duration::from_secs);
        let limit = (any::<bool>(), 0..120_u32, period).prop_map(|(percent, by, period)| {
            if percent {
                RateLimit::Percent(by, period)
            } else {
                RateLimit::Instances(by, period)
            }
        });
        let select = prop_oneof![Just(Select::Max), Just(Select::Min), Just(Select::Disabled)];
        let limits = prop::collection::vec(limit, 0..3);
        (0..60_u64, limits, select).prop_map(|(window, limits, select)| ScalingRules {
            window: Duration::from_secs(window),
            cooldown: Duration::ZERO,
            limits,
            select,
        })
    }

    proptest! {
        #[test]
        fn windows_and_rates_go_as_in_the_model(
            up in rules(),
            down in rules(),
            asked in prop::collection::vec((0..20_u64, 0..60_u32), 1..60),
        ) {
            let rules = Behaviour { up, down };
            let (mut model, mut history) = (Model::default(), History::new());
            let (mut now, mut current) = (100, 20);
            for (pause, asked) in asked {
                now += pause;
                let expected = model.decide(now, &rules, current, asked);
                let (found, reason) = history.stabilise(seconds(now), &rules, current, asked);
                prop_assert_eq!(found, expected);
                prop_assert_eq!(reason.is_none(), found == asked);
                history.changed(seconds(now), current, found);
                current = found;
            }
        }
    }

    #[test]
    fn scaling_down_waits_for_its_window() {
        let config = AutoscalerConfig::new(bounds(1, 100)).policy(cpu(0.5));
        let mut autoscaler = Autoscaler::new(config, 10, Instant::ORIGIN).expect("valid");
        let first = decide(&mut autoscaler, 0.5);
        assert_eq!((first.desired, first.reason), (10, Reason::OnTarget));
        // 19 rounds of 15 s, and the window of 5 minutes still knows the first.
        for _ in 0..19 {
            let decision = decide(&mut autoscaler, 0.1);
            assert_eq!((decision.desired, decision.recommended), (10, 2));
            assert_eq!(decision.reason, Reason::Stabilised);
        }
        let decision = decide(&mut autoscaler, 0.1);
        assert_eq!(
            decision.to_string(),
            "desired 2 (was 10): follows the metric cpu"
        );
    }

    #[test]
    fn the_default_doubles_or_adds_four() {
        let config = AutoscalerConfig::new(bounds(1, 100)).policy(cpu(0.5));
        let mut autoscaler = Autoscaler::new(config, 1, Instant::ORIGIN).expect("valid");
        let sizes: Vec<u32> = (0..6)
            .map(|_| decide(&mut autoscaler, 50.0).desired)
            .collect();
        assert_eq!(sizes, [5, 10, 20, 40, 80, 100]);
    }

    #[test]
    fn cooldowns() {
        let mut config = config(cpu(0.5));
        config.behaviour.up.cooldown = 31 * SECOND;
        config.behaviour.down.cooldown = 46 * SECOND;
        let mut autoscaler = Autoscaler::new(config, 4, Instant::ORIGIN).expect("valid");
        assert_eq!(decide(&mut autoscaler, 1.0).desired, 8);
        for _ in 0..2 {
            let held = decide(&mut autoscaler, 1.0);
            assert_eq!((held.desired, held.reason), (8, Reason::Cooldown));
        }
        assert_eq!(decide(&mut autoscaler, 1.0).desired, 16);
        for _ in 0..3 {
            let held = decide(&mut autoscaler, 0.25);
            assert_eq!((held.desired, held.reason), (16, Reason::Cooldown));
        }
        assert_eq!(decide(&mut autoscaler, 0.25).desired, 8);
        // Down does not hold back up.
        assert_eq!(decide(&mut autoscaler, 1.0).desired, 16);
    }
}

mod schedule {
    use super::*;

    proptest! {
        /// Against a walk through the first repetitions of each period.
        #[test]
        fn bounds_are_those_of_the_open_periods(
            periods in prop::collection::vec(
                (10..60_u64, 1..20_u64, 0..5_u64, prop::option::of(0..30_u64), 0..9_u32, 0..9_u32), 0..4),
            now in 0..300_u64,
        ) {
            let usual = bounds(2, 4);
            let mut all = Vec::new();
            let (mut open, mut ahead): (Vec<Bounds>, Vec<Bounds>) = (Vec::new(), Vec::new());
            for (start, length, warm, idle, min, more) in periods {
                let these = bounds(min, min + more);
                let at = UnixTime::from_secs(start);
                let period = Period::new(at, Duration::from_secs(length), these).expect("not empty");
                let period = period.pre_warm(Duration::from_secs(warm)).expect("once");
                let every = idle.map(|idle| length + warm + idle);
                let period = match every {
                    Some(every) => period.every(Duration::from_secs(every)).expect("long enough"),
                    None => period,
                };
                all.push(period);
                for round in 0..every.map_or(1, |_| 300) {
                    let start = start + round * every.unwrap_or(0);
                    if (start..start + length).contains(&now) {
                        open.push(these);
                    } else if (start - warm..start).contains(&now) {
                        ahead.push(these);
                    }
                }
            }
            let schedule = Schedule::new(all);
            let min = open.iter().map(Bounds::min).max().unwrap_or_else(|| usual.min());
            let max = open.iter().map(Bounds::max).max().unwrap_or_else(|| usual.max());
            let warm = ahead.iter().map(Bounds::min).max().unwrap_or(0);
            let expected = bounds(min.max(warm), max.max(warm));
            let at = |seconds| schedule.bounds_at(UnixTime::from_secs(seconds), usual);
            prop_assert_eq!(at(now), expected);
            // Nothing changes before it is said to.
            let next = schedule.next_change(UnixTime::from_secs(now));
            let next = next.map_or(now + 100, |next| next.as_millis() / 1_000);
            prop_assert!(next > now);
            for second in now..next.min(now + 100) {
                prop_assert_eq!(at(second), expected);
            }
        }
    }

    #[test]
    fn a_period_is_in_force_at_once_and_for_its_time() {
        let nine = UnixTime::from_secs(9 * 3_600);
        let sale = Period::new(nine, HOUR, bounds(20, 30)).expect("not empty");
        let sale = sale.pre_warm(100 * SECOND).expect("once");
        let mut config = AutoscalerConfig::new(bounds(1, 10)).policy(cpu(0.5));
        config.behaviour.up.select = Select::Disabled;
        config.schedule = Schedule::new([sale]);
        let mut autoscaler = Autoscaler::new(config, 5, Instant::ORIGIN).expect("valid");

        // Civil time is nine minus 150 seconds at the tenth second.
        let time = nine - 150 * SECOND;
        autoscaler
            .handle(seconds(10), Input::CivilTime(time))
            .expect("a time");
        let mut changes = Vec::new();
        while let Some(due) = autoscaler.poll_timeout()
            && due < seconds(10) + 2 * HOUR
        {
            autoscaler.handle_timeout(due);
            let decision = autoscaler.poll_output().expect("one a round");
            if decision.is_change() {
                changes.push((due, decision.desired, decision.reason));
            }
        }
        let warm = seconds(10) + 50 * SECOND;
        let end = seconds(10) + 150 * SECOND + HOUR;
        let expected = [
            (warm, 20, Reason::ScheduledMinimum),
            (end, 10, Reason::Maximum),
        ];
        assert_eq!(changes, expected);
    }

    #[test]
    fn a_change_is_not_lost_to_a_sample_that_comes_after_it() {
        let at = UnixTime::from_secs(100);
        let period = Period::new(at, HOUR, Bounds::exactly(9)).expect("not empty");
        let mut config = config(cpu(0.5));
        config.interval = HOUR;
        config.stale_after = HOUR;
        config.schedule = Schedule::new([period]);
        let mut autoscaler = Autoscaler::new(config, 5, Instant::ORIGIN).expect("valid");
        let zero = Input::CivilTime(UnixTime::EPOCH);
        autoscaler.handle(Instant::ORIGIN, zero).expect("a time");
        autoscaler.handle_timeout(Instant::ORIGIN);
        assert_eq!(autoscaler.poll_timeout(), Some(seconds(100)));
        let late = sample("cpu", Reading::Mean(0.5));
        autoscaler
            .handle(seconds(101), late)
            .expect("a metric it knows");
        assert!(autoscaler.poll_timeout() <= Some(seconds(101)));
        autoscaler.handle_timeout(seconds(101));
        assert_eq!(autoscaler.capacity(), 9);
    }
}

mod machine {
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

    #[test]
    fn bounds_hold_at_once() {
        let mut autoscaler =
            Autoscaler::new(config(cpu(0.5)), 300, Instant::ORIGIN).expect("valid");
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
}

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
