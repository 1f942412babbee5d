//! A cluster whose requests go where the test says, open or not.

use purlin_lb::health::{OutlierDetector, Verdict};
use purlin_lb::{Balancer, Cluster, Instant, Lease, NodeId, Pool, Request, Upstream};

/// Goes to the endpoint that the request names as its session.
#[derive(Clone, Debug)]
pub(crate) struct AsTold;

impl Balancer for AsTold {
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, _: Instant) -> Option<usize> {
        let id = request.session()?;
        (0..pool.len()).find(|position| pool.id(*position) == id)
    }
}

pub(crate) type Told = Cluster<NodeId, AsTold>;

pub(crate) fn cluster(endpoints: u64) -> Told {
    Cluster::new(AsTold, (0..endpoints).map(|id| Upstream::new(NodeId(id)))).expect("distinct")
}

pub(crate) fn lease(cluster: &Told, id: u64) -> Lease<NodeId> {
    let request = Request::new().sticky(NodeId(id));
    let lease = cluster.pick_at(Instant::ORIGIN, &request);
    lease.expect("that endpoint is there")
}

pub(crate) fn serve(cluster: &Told, id: u64, successes: usize, failures: usize) {
    for _ in 0..successes {
        lease(cluster, id).success_at(Instant::ORIGIN);
    }
    for _ in 0..failures {
        lease(cluster, id).failure_at(Instant::ORIGIN);
    }
}

/// Carries verdicts out and answers them.
pub(crate) fn apply(cluster: &Told, now: Instant, verdicts: Vec<Verdict>) -> Vec<Verdict> {
    for verdict in &verdicts {
        let flipped = match *verdict {
            Verdict::Eject { id, .. } => cluster.eject(id),
            Verdict::Readmit { id } => cluster.readmit_at(now, id),
        };
        assert_eq!(flipped, Ok(true), "{verdict:?} is news");
    }
    cluster.check_invariants();
    verdicts
}

pub(crate) fn sweep(detector: &mut OutlierDetector, cluster: &Told, now: Instant) -> Vec<Verdict> {
    let verdicts = detector.sweep_at(now, &cluster.load());
    apply(cluster, now, verdicts)
}

/// Which endpoints are ejected.
pub(crate) fn ejected(cluster: &Told) -> Vec<u64> {
    let snapshot = cluster.load();
    let out = snapshot.iter().filter(|it| it.status().is_ejected());
    let mut ids: Vec<u64> = out.map(|endpoint| endpoint.id().0).collect();
    ids.sort_unstable();
    ids
}
