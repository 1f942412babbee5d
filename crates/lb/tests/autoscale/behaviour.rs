//! Windows, rates and cooldowns.

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

/// Nobody knows what was asked for before it started, or while nothing was known of the metric.
#[test]
fn what_is_asked_for_first_waits_for_its_window() {
    let config = AutoscalerConfig::new(bounds(1, 100)).policy(cpu(0.5));
    let mut autoscaler = Autoscaler::new(config, 80, Instant::ORIGIN).expect("valid");
    for (start, before, after) in [(0, 80, 16), (3_000, 16, 4)] {
        // Ten minutes without a metric do not count.
        autoscaler.handle_timeout(seconds(start + 600));
        let blind = autoscaler.poll_output().expect("one a round");
        assert_eq!((blind.desired, blind.reason), (before, Reason::NoMetrics));
        for _ in 0..20 {
            let held = decide(&mut autoscaler, 0.1);
            assert_eq!((held.desired, held.reason), (before, Reason::Stabilised));
        }
        assert_eq!(decide(&mut autoscaler, 0.1).desired, after);
    }
}

/// Windows hold back the way up too; without one it is free from the first sample.
#[test]
fn what_there_is_at_first_holds_only_where_there_is_a_window() {
    let mut with_window = config(cpu(0.5));
    with_window.behaviour.up.window = 16 * SECOND;
    let mut autoscaler = Autoscaler::new(with_window, 4, Instant::ORIGIN).expect("valid");
    let sizes = [1.0; 3].map(|mean| decide(&mut autoscaler, mean).desired);
    assert_eq!(sizes, [4, 4, 8]);
    let mut autoscaler = Autoscaler::new(config(cpu(0.5)), 4, Instant::ORIGIN).expect("valid");
    assert_eq!(decide(&mut autoscaler, 0.25).desired, 2);
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
