//! What the vector files of latencies and load reports mean.

use core::time::Duration;
use purlin_lb::policy::Ewma;
use purlin_lb::{Cluster, Estimator, Identity, Instant, LoadReport, Request, Upstream};
use purlin_vectors::{Case, Field, Suite};

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("lb/peak_ewma@1", peak_ewma);
    suite.schema("lb/grpc_wrr_weight@1", load_report);
}

fn peak_ewma(file: &Field<'_>) {
    file.ignore(&["rule"]);
    file.cases("cost_cases", cost);
    file.cases("update_cases", update);
}

/// Costs are compared, never shown: against an endpoint that costs a hundredth more, and one that
/// costs a hundredth less.
fn cost(case: &Case<'_>) {
    let (rtt, active): (u64, u32) = (case.read("rtt"), case.read("active"));
    let (default, cost): (u32, f64) = (case.read("default"), case.read("cost"));
    if case.read::<Option<f64>>("penalty").is_some() {
        case.differs(
            "there, an endpoint that has not answered yet and has requests pending is behind all \
             others, and the first that answers gets everything; here it costs the square of its \
             requests, and is only compared with those that have answered",
        );
    }
    for percent in [99.0, 101.0] {
        // Its latency is the default, by its weight it costs what it should.
        let weight = 1e6 * f64::from(default) / (cost * percent / 100.0);
        let cluster = Cluster::new(
            Ewma::seeded(1),
            [
                Upstream::new("subject").weight(1_000_000),
                Upstream::new("other").weight(rounded(weight)),
            ],
        );
        let cluster = cluster.expect("no duplicates");
        answer(&cluster, "other", default.into());
        if rtt > 0 {
            answer(&cluster, "subject", rtt);
        }
        let exclude = ["other".id()];
        let to_subject = Request::new().exclude(&exclude);
        let pending: Vec<_> = (0..active)
            .map(|_| cluster.pick_at(NOW, &to_subject).expect("it is open"))
            .collect();
        let chosen = *cluster
            .pick_at(NOW, &Request::new())
            .expect("it is open")
            .node();
        let cheaper = if percent < 100.0 { "other" } else { "subject" };
        case.check_eq(&format!("at {percent} %"), chosen, cheaper);
        drop(pending);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "below 2^32"
)]
fn rounded(weight: f64) -> u32 {
    weight.round() as u32
}

const NOW: Instant = Instant::from_secs(100);

/// A sample of so many milliseconds, of this endpoint.
fn answer(cluster: &Cluster<&'static str, Ewma>, node: &str, millis: u64) {
    let exclude = ["subject", "other"].map(|name| name.id());
    let exclude: Vec<_> = exclude.into_iter().filter(|id| *id != node.id()).collect();
    let request = Request::new().exclude(&exclude);
    let lease = cluster.pick_at(NOW, &request).expect("it is open");
    lease.success_at(NOW + Duration::from_millis(millis));
}

fn update(case: &Case<'_>) {
    let seconds = |field| Duration::from_secs_f64(case.read(field));
    let millis = |field| Duration::from_secs_f64(case.read::<f64>(field) / 1e3);
    let estimator = Estimator::peak(seconds("tau")).expect("above zero");
    let policy = Ewma::seeded(1).estimated_by(estimator);
    let cluster = Cluster::new(policy, [Upstream::new("a")]).expect("no duplicates");
    let second = NOW + seconds("dt");
    for (end, latency) in [(NOW, millis("est")), (second, millis("rtt"))] {
        let began = Instant::from_nanos((end - latency).as_nanos());
        let lease = cluster.pick_at(began, &Request::new()).expect("it is open");
        lease.success_at(end);
    }
    let after = cluster
        .endpoint("a".id())
        .and_then(|found| found.latency_nanos());
    let expected: f64 = case.read("est_after");
    case.check_close(
        "estimate",
        after.map_or(0.0, |nanos| nanos / 1e6),
        expected,
        1e-9,
    );
}

fn load_report(file: &Field<'_>) {
    file.ignore(&["formula"]);
    file.cases("cases", |case| {
        let report = LoadReport {
            qps: case.read("qps"),
            eps: case.read("eps"),
            utilization: case.read("util"),
        };
        let capacity = report.capacity(case.read("penalty")).unwrap_or(0.0);
        case.check_close("weight", capacity, case.read("weight"), 1e-9);
    });
}
