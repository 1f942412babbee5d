//! What the vector files of priorities, zones and subsets mean.

use purlin_lb::NodeId;
use purlin_lb::group::{LevelCounts, PriorityRule, ZoneCounts, ZoneSplit, priority_load};
use purlin_lb::subset;
use purlin_vectors::{Case, Field, Suite};

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("lb/priority_load@1", priority);
    suite.schema("lb/zone_aware@1", zones);
    suite.schema("lb/subsetting@1", subsets);
}

fn priority(file: &Field<'_>) {
    file.ignore(&["rule"]);
    let factor: u32 = file.read("op_factor");
    let threshold: u8 = file.read("panic_threshold");
    let rule = |factor| {
        let rule = PriorityRule::new()
            .panic_threshold(threshold)
            .expect("at most 100");
        rule.overprovisioning_factor(factor).expect("above zero")
    };
    assert_eq!(rule(factor), PriorityRule::default());
    file.cases("docs_table_two_levels", |case| {
        let levels: Vec<_> = case.read::<Vec<u64>>("healthy_pct");
        let levels = levels.into_iter().map(|healthy| LevelCounts {
            hosts: 100,
            healthy,
            ..LevelCounts::default()
        });
        let loads = priority_load(rule(factor), &levels.collect::<Vec<_>>());
        let healthy: Vec<_> = loads.iter().map(|load| load.healthy).collect();
        case.check_eq("load", healthy, case.read("load"));
    });
    file.cases("cases", |case| {
        let levels = case.read::<Vec<[u64; 4]>>("levels").into_iter();
        let levels = levels.map(|[hosts, healthy, degraded, excluded]| LevelCounts {
            hosts,
            healthy,
            degraded,
            excluded,
        });
        let factor = case.read::<Option<u32>>("op").unwrap_or(factor);
        let loads = priority_load(rule(factor), &levels.collect::<Vec<_>>());
        let healthy: Vec<_> = loads.iter().map(|load| load.healthy).collect();
        case.check_eq("load", healthy, case.read("load"));
        if let Some(degraded) = case.read::<Option<Vec<u8>>>("degraded") {
            let found: Vec<_> = loads.iter().map(|load| load.degraded).collect();
            case.check_eq("degraded", found, degraded);
        }
        if let Some(panic) = case.read::<Option<Vec<bool>>>("panic") {
            let found: Vec<_> = loads.iter().map(|load| load.panic).collect();
            case.check_eq("panic", found, panic);
        }
    });
}

fn zones(file: &Field<'_>) {
    // Of the preconditions, tests/groups/zone_aware.rs has those that are ours.
    file.ignore(&["rule", "preconditions"]);
    file.cases("cases", |case| {
        let (origin, upstream): (Vec<u64>, Vec<u64>) = (case.read("origin"), case.read("upstream"));
        let zones = origin.into_iter().zip(upstream);
        let zones: Vec<_> = zones
            .map(|(origin, upstream)| ZoneCounts { origin, upstream })
            .collect();
        let me: usize = case.read("me");
        let split = ZoneSplit::new(zones.iter().copied(), zones[me]).expect("a fair division");
        case.check_close("local", split.local(), case.read("local"), 1e-12);
        let cross: Vec<f64> = case.read("cross");
        case.check_eq("zones", cross.len(), zones.len());
        for (at, (zone, expected)) in zones.iter().zip(cross).enumerate() {
            let found = if at == me { 0.0 } else { split.cross(*zone) };
            case.check_close(&format!("cross {at}"), found, expected, 1e-12);
        }
    });
}

fn subsets(file: &Field<'_>) {
    file.ignore(&["rule"]);
    file.cases("cases", |case| {
        let (clients, backends): (u64, u64) = (case.read("clients"), case.read("backends"));
        let size: usize = case.read("subset");
        let endpoints: Vec<_> = (0..backends).map(NodeId).collect();
        let mean = clients as f64 * size as f64 / backends as f64;
        if let Some(least) = case.read::<Option<f64>>("random_min_pct") {
            let of = |seed| subset::rendezvous(seed, &endpoints, size).expect("above zero");
            let (min, max) = extremes(case, clients, endpoints.len(), of);
            // One drawing of theirs, and one of ours: the shape is the same, not the number.
            let most: f64 = case.read("random_max_pct");
            case.check_close("least", min / mean * 100.0, least, 15.0);
            case.check_close("most", max / mean * 100.0, most, 15.0);
        }
        if let Some(claim) = case.read::<Option<String>>("deterministic") {
            case.check_eq(
                "claim",
                claim.as_str(),
                "every backend has exactly 10 connections",
            );
            let of = |client| subset::deterministic(client, &endpoints, size).expect("above zero");
            let (min, max) = extremes(case, clients, endpoints.len(), of);
            case.check_close("least", min, 10.0, 0.0);
            case.check_close("most", max, 10.0, 0.0);
        }
    });
}

/// How many clients the least used endpoint has, and the most used.
fn extremes(
    case: &Case<'_>,
    clients: u64,
    endpoints: usize,
    of: impl Fn(u64) -> Vec<usize>,
) -> (f64, f64) {
    let mut counts = vec![0_u32; endpoints];
    for client in 0..clients {
        for position in of(client) {
            counts[position] += 1;
        }
    }
    case.check_eq("endpoints", counts.len(), endpoints);
    let (min, max) = (counts.iter().min(), counts.iter().max());
    let known = |count: Option<&u32>| f64::from(*count.expect("there are endpoints"));
    (known(min), known(max))
}
