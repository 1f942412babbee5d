//! What the vector files of weighted sequences mean.

use purlin_lb::policy::{EarliestDeadlineFirst, SmoothWeightedRoundRobin, StaticStride};
use purlin_lb::{Balancer, Cluster, Instant, Request, Upstream};
use purlin_vectors::{Case, Field, Suite};

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("lb/smooth_wrr@1", |file| file.cases("cases", smooth));
    suite.schema("lb/edf@1", earliest_deadline_first);
    suite.schema("lb/grpc_static_stride@1", |file| {
        file.cases("cases", static_stride);
    });
}

/// Endpoint i is called i and stands at position i.
fn cluster<P: Balancer>(policy: P, weights: Vec<u32>) -> Cluster<String, P> {
    let named = weights.into_iter().enumerate();
    let upstreams = named.map(|(name, weight)| Upstream::new(name.to_string()).weight(weight));
    Cluster::new(policy, upstreams).expect("different names")
}

fn pick<P: Balancer>(cluster: &Cluster<String, P>) -> usize {
    let lease = cluster.pick_at(Instant::ORIGIN, &Request::new());
    let lease = lease.expect("an endpoint is open");
    lease.node().parse().expect("a number")
}

fn picks<P: Balancer>(cluster: &Cluster<String, P>, count: usize) -> Vec<usize> {
    (0..count).map(|_| pick(cluster)).collect()
}

/// nginx.
fn smooth(case: &Case<'_>) {
    let cluster = cluster(SmoothWeightedRoundRobin::new(), case.read("weights"));
    let expected: Vec<usize> = case.read("picks");
    let states: Vec<Vec<i64>> = case.read("state_after_each");
    case.check_eq("a state for each pick", states.len(), expected.len());
    for (expected, state) in expected.into_iter().zip(states) {
        case.check_eq("the pick", pick(&cluster), expected);
        case.check_eq("the state", cluster.load().policy().credits(), state);
    }
}

/// Envoy. The parts that are prose say what `expect` is checked to say.
fn earliest_deadline_first(file: &Field<'_>) {
    file.cases("sequence", |case| {
        let cluster = cluster(EarliestDeadlineFirst::ordered(), case.read("weights"));
        let expected: Vec<usize> = case.read("picks");
        case.check_eq("picks", picks(&cluster, expected.len()), expected);
    });
    file.case("unweighted", |case| {
        let (n, weight): (usize, u32) = (case.read("n"), case.read("weights_all"));
        let expect: String = case.read("expect");
        case.check_eq(
            "prose",
            expect.as_str(),
            "rounds of 0..127 in order, 128 rounds",
        );
        let cluster = cluster(EarliestDeadlineFirst::ordered(), vec![weight; n]);
        for _ in 0..128 {
            case.check_eq("a round", picks(&cluster, n), (0..n).collect());
        }
    });
    file.case("weighted_counts", |case| {
        let prose: (String, String) = (case.read("weights"), case.read("expect"));
        case.check_eq("weights", prose.0.as_str(), "i+1 for i in 0..128");
        case.check_eq(
            "prose",
            prose.1.as_str(),
            "entry i picked exactly i+1 times",
        );
        let cluster = cluster(EarliestDeadlineFirst::ordered(), (1..=128).collect());
        let mut counts = vec![0; 128];
        for position in picks(&cluster, case.read("picks")) {
            counts[position] += 1;
        }
        case.check_eq("counts", counts, (1..=128).collect::<Vec<i32>>());
    });
    // Its rule is prose: 400,000 fresh schedulers, within a percentage point.
    file.case("first_pick_distribution", |case| {
        case.ignore(&["rule"]);
        for weights in case.read::<Vec<Vec<u32>>>("weights") {
            let mut counts = vec![0_u32; weights.len()];
            for seed in 0..400_000 {
                let policy = EarliestDeadlineFirst::seeded(seed);
                counts[pick(&cluster(policy, weights.clone()))] += 1;
            }
            let sum: u32 = weights.iter().sum();
            for (weight, count) in weights.iter().zip(counts) {
                let (share, due) = (f64::from(count) / 4e5, f64::from(*weight) / f64::from(sum));
                case.check_close("the share of first picks", share, due, 0.01);
            }
        }
    });
}

/// gRPC.
fn static_stride(case: &Case<'_>) {
    let cluster = cluster(StaticStride::from(0), case.read("weights"));
    let scaled: Vec<u16> = cluster.load().policy().scaled_weights().collect();
    case.check_eq("scaled weights", scaled, case.read("scaled"));
    let expected: Vec<usize> = case.read("picks_from_seq0");
    case.check_eq("picks", picks(&cluster, expected.len()), expected);
}
