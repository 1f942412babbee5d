//! Other bounds at known times.

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

/// Every 20 ms, so that rounds of these alone would push the start out of a history of 4,096.
#[test]
fn the_time_told_often_makes_no_rounds() {
    let config = AutoscalerConfig::new(bounds(1, 100)).policy(cpu(0.5));
    let mut autoscaler = Autoscaler::new(config, 100, Instant::ORIGIN).expect("valid");
    decide(&mut autoscaler, 0.5);
    let mut rounds = 0;
    for number in 0..6_000_u64 {
        let now = Instant::from_millis(16_000 + number * 20);
        let time = UnixTime::from_secs(1_000 + number / 50);
        let low = sample("cpu", Reading::Mean(0.1));
        autoscaler.handle(now, low).expect("a metric it knows");
        let told = autoscaler.handle(now, Input::CivilTime(time));
        told.expect("a time");
        autoscaler.handle_timeout(now);
        rounds += u32::from(autoscaler.poll_output().is_some());
    }
    assert_eq!((rounds, autoscaler.capacity()), (8, 100));
}

/// Bounds that do not hold by the time that is told are not left until the next round.
#[test]
fn a_time_within_a_period_is_heeded_at_once() {
    let nine = UnixTime::from_secs(9 * 3_600);
    let sale = Period::new(nine, HOUR, bounds(20, 30)).expect("not empty");
    let mut config = config(cpu(0.5));
    config.schedule = Schedule::new([sale]);
    let mut autoscaler = Autoscaler::new(config, 5, Instant::ORIGIN).expect("valid");
    autoscaler
        .handle(seconds(1), Input::CivilTime(nine))
        .expect("a time");
    autoscaler.handle_timeout(seconds(1));
    assert_eq!(autoscaler.capacity(), 20);
}
