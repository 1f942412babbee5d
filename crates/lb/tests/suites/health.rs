//! What the vector files of slow start and outliers mean.

use core::time::Duration;
use purlin_lb::health::{Detector, OutlierConfig, OutlierDetector, Verdict};
use purlin_lb::{Balancer, Cluster, Instant, NodeId, Pool, Request, SlowStart, Upstream};
use purlin_vectors::{Case, Field, Suite};

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("lb/slow_start@1", slow_start);
    suite.schema("lb/outlier_success_rate@1", outliers);
}

fn slow_start(file: &Field<'_>) {
    file.cases("cases", |case| {
        let seconds = |name| Duration::from_secs_f64(case.read(name));
        let ramp = SlowStart::new(seconds("window"))
            .expect("valid")
            .aggression(case.read("aggression"))
            .expect("valid");
        let weight = case.read::<f64>("w") * ramp.factor(seconds("t"));
        case.check_close("weight", weight, case.read("weight"), 1e-9);
    });
}

fn outliers(file: &Field<'_>) {
    file.case("defaults", defaults);
    file.cases("cases", success_rate);
    file.cases("state_machine", state_machine);
}

/// Goes to the endpoint that the request names as its session.
#[derive(Clone, Debug)]
struct AsTold;

impl Balancer for AsTold {
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, _: Instant) -> Option<usize> {
        let id = request.session()?;
        (0..pool.len()).find(|position| pool.id(*position) == id)
    }
}

/// A cluster that is watched, from its first sweep at time 0 on.
struct Watched {
    cluster: Cluster<NodeId, AsTold>,
    detector: OutlierDetector,
}

impl Watched {
    fn new(endpoints: usize, config: OutlierConfig) -> Self {
        let upstreams = (0..endpoints as u64).map(|id| Upstream::new(NodeId(id)));
        let mut watched = Self {
            cluster: Cluster::new(AsTold, upstreams).expect("distinct"),
            detector: OutlierDetector::seeded(config, 0),
        };
        assert_eq!(watched.sweep(0), []);
        watched
    }

    fn serve(&self, id: u64, successes: u32, failures: u32) {
        for request in 0..successes + failures {
            let to = Request::new().sticky(NodeId(id));
            let lease = self
                .cluster
                .pick_at(Instant::ORIGIN, &to)
                .expect("it is there");
            if request < failures {
                lease.failure_at(Instant::ORIGIN);
            } else {
                lease.success_at(Instant::ORIGIN);
            }
        }
    }

    fn sweep(&mut self, secs: u64) -> Vec<Verdict> {
        let now = Instant::from_secs(secs);
        let verdicts = self.detector.sweep_at(now, &self.cluster.load());
        for verdict in &verdicts {
            let flipped = match *verdict {
                Verdict::Eject { id, .. } => self.cluster.eject(id),
                Verdict::Readmit { id } => self.cluster.readmit_at(now, id),
            };
            assert_eq!(flipped, Ok(true));
        }
        verdicts
    }

    /// Until when it ejects the endpoint, which fails five times in a row.
    fn eject(&mut self, secs: u64, id: u64) -> Option<u64> {
        self.serve(id, 0, 5);
        self.sweep(secs)
            .into_iter()
            .find_map(|verdict| match verdict {
                Verdict::Eject { until, .. } => Some(until.as_millis() / 1_000),
                Verdict::Readmit { .. } => None,
            })
    }
}

/// As data, in which each default has its name.
fn defaults(case: &Case<'_>) {
    let config = serde_json::to_value(OutlierConfig::new()).expect("valid");
    for (theirs, ours) in [
        ("max_ejection_pct", "max_ejection_percent"),
        ("enforce_sr", "enforcing_success_rate"),
        ("min_hosts_sr", "success_rate_minimum_hosts"),
        ("volume_sr", "success_rate_request_volume"),
        ("fp_threshold", "failure_percentage_threshold"),
        ("fp_enforce", "enforcing_failure_percentage"),
        ("fp_min_hosts", "failure_percentage_minimum_hosts"),
        ("fp_volume", "failure_percentage_request_volume"),
        ("consecutive_5xx", "consecutive_failures"),
        // A failure is a failure: there are no statuses here that tell a gateway's.
        ("consecutive_gateway", "consecutive_failures"),
    ] {
        let value = config[ours].as_u64();
        case.check_eq(ours, value, Some(case.read(theirs)));
    }
    for (theirs, ours) in [
        ("interval_s", "interval"),
        ("base_ejection_s", "base_ejection_time"),
        ("max_ejection_s", "max_ejection_time"),
    ] {
        let value: Duration = serde_json::from_value(config[ours].clone()).expect("a duration");
        case.check_eq(ours, value, Duration::from_secs(case.read(theirs)));
    }
    let factor = config["success_rate_stdev_factor"].as_f64().expect("valid") * 1_000.0;
    case.check_close("factor", factor, case.read("stdev_factor"), 1e-9);
}

/// Rates are percent there and parts of 1 here.
fn success_rate(case: &Case<'_>) {
    let rates: Vec<u32> = case.read("rates");
    let config = OutlierConfig::new()
        .success_rate_stdev_factor(case.read("factor"))
        .expect("valid");
    let config = config.consecutive_failures(u32::MAX).expect("valid");
    let mut watched = Watched::new(rates.len(), config);
    for (id, rate) in (0..).zip(&rates) {
        watched.serve(id, *rate, 100 - rate);
    }
    let verdicts = watched.sweep(10);
    let stats = watched.detector.stats();
    let percent = |rate: Option<f64>| rate.unwrap_or(f64::NAN) * 100.0;
    let mean = percent(stats.mean_success_rate);
    case.check_close("mean", mean, case.read("mean"), 1e-9);
    let threshold = percent(stats.success_rate_threshold);
    case.check_close("threshold", threshold, case.read("threshold"), 1e-9);
    let ejected = verdicts.iter().map(|verdict| match verdict {
        Verdict::Eject {
            id,
            detector: Detector::SuccessRate,
            ..
        } => id.0,
        other => case.fail(&format!("led to {other:?}")),
    });
    case.check_eq(
        "ejected",
        ejected.collect(),
        case.read::<Vec<u64>>("ejected"),
    );
}

/// Rules in words, each told by how it begins.
fn state_machine(case: &Case<'_>) {
    let rule: String = case.decode();
    let config = OutlierConfig::new();
    match rule.split([' ', '=']).next().unwrap_or_default() {
        "ejection" => times(case, config),
        "un-eject" => readmission(case, config),
        "skip" => limit(case, config),
        "counters" => intervals(case, config),
        "failure" => percentage(case, config),
        other => case.fail(&format!("begins with {other}, which is not known")),
    }
}

fn times(case: &Case<'_>, config: OutlierConfig) {
    let mut watched = Watched::new(5, config);
    case.check_eq("base * 1", watched.eject(10, 1), Some(40));
    case.check_eq("back", watched.sweep(50).len(), 1);
    // The sweep that readmits finds it out, and forgives nothing.
    case.check_eq("base * 2", watched.eject(60, 1), Some(120));
    case.check_eq("back", watched.sweep(130).len(), 1);
    case.check_eq("no verdict", watched.sweep(140).len(), 0);
    case.check_eq("one forgiven", watched.eject(150, 1), Some(210));
    let mut now = 150;
    for _ in 0..20 {
        now += 1_000;
        case.check_eq("back", watched.sweep(now).len(), 1);
        now += 10;
        watched.eject(now, 1);
    }
    now += 1_000;
    case.check_eq("back", watched.sweep(now).len(), 1);
    case.check_eq("at most", watched.eject(now + 10, 1), Some(now + 310));
}

fn readmission(case: &Case<'_>, config: OutlierConfig) {
    let mut watched = Watched::new(5, config);
    case.check_eq("until", watched.eject(10, 1), Some(40));
    case.check_eq("not at that time", watched.sweep(40).len(), 0);
    case.check_eq("after it", watched.sweep(50).len(), 1);
}

fn limit(case: &Case<'_>, config: OutlierConfig) {
    let mut watched = Watched::new(20, config.max_ejection_percent(10).expect("valid"));
    for id in 0..20 {
        watched.serve(id, 0, 5);
    }
    case.check_eq("10 % of 20", watched.sweep(10).len(), 2);
}

fn intervals(case: &Case<'_>, config: OutlierConfig) {
    let config = config.consecutive_failures(u32::MAX).expect("valid");
    let mut watched = Watched::new(5, config);
    let serve = |watched: &Watched| {
        for id in 0..5 {
            watched.serve(
                id,
                if id == 0 { 20 } else { 60 },
                if id == 0 { 40 } else { 0 },
            );
        }
    };
    serve(&watched);
    case.check_eq("60 of 100 requests", watched.sweep(10).len(), 0);
    serve(&watched);
    case.check_eq("and 60 others", watched.sweep(20).len(), 0);
    serve(&watched);
    serve(&watched);
    case.check_eq("120 in one interval", watched.sweep(30).len(), 1);
}

fn percentage(case: &Case<'_>, config: OutlierConfig) {
    let config = config.enforcing_failure_percentage(100).expect("valid");
    let config = config.enforcing_success_rate(0).expect("valid");
    let mut watched = Watched::new(5, config.consecutive_failures(u32::MAX).expect("valid"));
    for id in 0..5 {
        watched.serve(id, 100, 0);
    }
    watched.serve(3, 0, 566);
    case.check_eq("84.98 %", watched.sweep(10).len(), 0);
    for id in 0..5 {
        watched.serve(id, 15, 0);
    }
    watched.serve(3, 0, 85);
    watched.serve(4, 35, 0);
    case.check_eq("too few with 50 requests", watched.sweep(20).len(), 0);
    for id in 0..5 {
        watched.serve(id, 60, 0);
    }
    watched.serve(3, 0, 340);
    case.check_eq("85 % are not more than 85", watched.sweep(30).len(), 0);
    for id in 0..5 {
        watched.serve(id, 60, 0);
    }
    watched.serve(3, 0, 341);
    case.check_eq("more than 85 %", watched.sweep(40).len(), 1);
}
