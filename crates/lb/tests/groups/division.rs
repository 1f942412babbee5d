//! The divisions, against other formulations of the same rules.

use proptest::prelude::*;
use purlin_lb::ConfigError;
use purlin_lb::group::{
    LevelCounts, LevelLoad, PriorityRule, ZoneCounts, ZoneSplit, priority_load,
};

/// Hundred tokens, handed out one by one: each level takes those that its health entitles it to, and
/// who has any gets what nobody could take.
fn by_tokens(factor: u64, threshold: u64, levels: &[LevelCounts]) -> Vec<LevelLoad> {
    let hosts = |level: &LevelCounts| level.hosts - level.excluded;
    let health = |count: u64, level: &LevelCounts| {
        let mut percent = 0;
        while percent < 100 && (percent + 1) * hosts(level) <= factor * count {
            percent += 1;
        }
        if hosts(level) == 0 { 0 } else { percent }
    };
    let mut sides: Vec<(usize, bool, u64)> = Vec::new();
    for degraded in [false, true] {
        for (at, level) in levels.iter().enumerate() {
            let count = if degraded {
                level.degraded
            } else {
                level.healthy
            };
            sides.push((at, degraded, health(count, level)));
        }
    }
    let sum: u64 = sides.iter().map(|side| side.2).sum();
    let panics = |level: &LevelCounts| {
        let good = level.healthy + level.degraded;
        sum == 0
            || sum < 100
                && if hosts(level) == 0 {
                    threshold > 0
                } else {
                    good * 100 < threshold * hosts(level)
                }
    };
    let loads: Vec<_> = levels
        .iter()
        .map(|level| LevelLoad {
            panic: panics(level),
            ..LevelLoad::default()
        })
        .collect();
    if loads.iter().all(|load| load.panic) {
        let all: u64 = levels.iter().map(|level| level.hosts).sum();
        sides = levels
            .iter()
            .enumerate()
            .map(|(at, level)| (at, false, level.hosts))
            .collect();
        return hand_out(loads, &sides, all);
    }
    hand_out(loads, &sides, sum.min(100))
}

fn hand_out(mut loads: Vec<LevelLoad>, sides: &[(usize, bool, u64)], whole: u64) -> Vec<LevelLoad> {
    let mut tokens = 100;
    let give = |loads: &mut Vec<LevelLoad>, (at, degraded, _): (usize, bool, u64)| {
        let load = &mut loads[at];
        *(if degraded {
            &mut load.degraded
        } else {
            &mut load.healthy
        }) += 1;
    };
    for side in sides {
        let mut given = 0;
        while tokens > 0 && (given + 1) * whole <= side.2 * 100 && side.2 > 0 {
            give(&mut loads, *side);
            (given, tokens) = (given + 1, tokens - 1);
        }
    }
    let first = sides.iter().find(|(at, degraded, share)| {
        let load = loads[*at];
        let given = if *degraded {
            load.degraded
        } else {
            load.healthy
        };
        given > 0 || whole != 100 && *share > 0 && sides.len() == loads.len()
    });
    if let Some(first) = first.copied() {
        (0..tokens).for_each(|_| give(&mut loads, first));
    }
    loads
}

fn level() -> impl Strategy<Value = LevelCounts> {
    (0_u64..30, 0_u64..30, 0_u64..30, 0_u64..5).prop_map(|(healthy, degraded, bad, excluded)| {
        LevelCounts {
            hosts: healthy + degraded + bad + excluded,
            healthy,
            degraded,
            excluded,
        }
    })
}

proptest! {
    #[test]
    fn load_by_priority_is_that_of_the_tokens(
        levels in proptest::collection::vec(level(), 0..5),
        factor in 1_u32..300,
        threshold in 0_u8..=100,
    ) {
        let rule = PriorityRule::new().overprovisioning_factor(factor).unwrap();
        let rule = rule.panic_threshold(threshold).unwrap();
        let loads = priority_load(rule, &levels);
        prop_assert_eq!(&loads, &by_tokens(factor.into(), threshold.into(), &levels));
        let sum: u32 = loads.iter().map(|load| u32::from(load.healthy) + u32::from(load.degraded)).sum();
        let any = levels.iter().any(|level| level.hosts > 0);
        prop_assert_eq!(sum, if any { 100 } else { 0 });
    }

    /// Not that it follows a formula: that it does what it is for. If the clients of all zones divide
    /// by it, every endpoint gets the same, and no less could leave the zones.
    #[test]
    fn all_zones_together_are_fair(
        zones in proptest::collection::vec((0_u64..1000, 0_u64..1000), 1..8),
    ) {
        let zones: Vec<_> = zones
            .into_iter()
            .map(|(origin, upstream)| ZoneCounts { origin, upstream })
            .collect();
        let clients: u64 = zones.iter().map(|zone| zone.origin).sum();
        let endpoints: u64 = zones.iter().map(|zone| zone.upstream).sum();
        prop_assume!(clients > 0 && endpoints > 0);
        let mut arriving = vec![0.0; zones.len()];
        let mut leaving = 0.0;
        for (from, zone) in zones.iter().enumerate() {
            let split = ZoneSplit::new(zones.iter().copied(), *zone).expect("a fair division");
            let sent = zone.origin as f64 / clients as f64;
            let mut sum = split.local();
            arriving[from] += sent * split.local();
            for (to, other) in zones.iter().enumerate().filter(|(to, _)| *to != from) {
                sum += split.cross(*other);
                arriving[to] += sent * split.cross(*other);
                leaving += sent * split.cross(*other);
            }
            prop_assert!((sum - 1.0).abs() < 1e-9, "{sum} of all requests");
        }
        let mut least = 0.0;
        for (zone, arriving) in zones.iter().zip(arriving) {
            let fair = zone.upstream as f64 / endpoints as f64;
            prop_assert!((arriving - fair).abs() < 1e-9, "{arriving}, not {fair}");
            least += (zone.origin as f64 / clients as f64 - fair).max(0.0);
        }
        prop_assert!((leaving - least).abs() < 1e-9, "{leaving} leaves, {least} must");
    }
}

#[test]
fn no_division_without_clients_or_endpoints() {
    let zone = |origin, upstream| ZoneCounts { origin, upstream };
    for local in [zone(0, 0), zone(0, 3), zone(3, 0)] {
        assert_eq!(ZoneSplit::new([local], local), None, "{local:?}");
    }
    let huge = zone(u64::MAX, u64::MAX);
    let split = ZoneSplit::new([huge, huge], huge).unwrap();
    assert!((0.0..=1.0).contains(&split.local()) && split.cross(huge).is_finite());
}

#[test]
fn counts_that_contradict_one_another_are_survived() {
    let level = LevelCounts {
        hosts: 1,
        healthy: u64::MAX,
        degraded: u64::MAX,
        excluded: 7,
    };
    let loads = priority_load(PriorityRule::new(), &[level, level]);
    let sum: u32 = loads
        .iter()
        .map(|load| u32::from(load.healthy) + u32::from(load.degraded))
        .sum();
    assert_eq!(sum, 100);
}

#[test]
fn what_cannot_be_is_refused() {
    let zero = PriorityRule::new().overprovisioning_factor(0).unwrap_err();
    assert_eq!(
        zero,
        ConfigError::Zero {
            field: "overprovisioning_factor"
        }
    );
    let above = PriorityRule::new().panic_threshold(101).unwrap_err();
    assert!(matches!(
        above,
        ConfigError::OutOfRange {
            field: "panic_threshold",
            ..
        }
    ));
}
