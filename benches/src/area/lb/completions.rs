//! A pick and the completion of the request: what a policy that looks at load costs.
//!
//! tower's balancer wants `&mut self`, so it is behind a mutex: nobody can share it otherwise. It
//! answers at once.

use core::net::SocketAddr;
use core::time::Duration;

use purlin_core::time::SystemClock;
use purlin_lb::policy::{Ewma, LeastRequest};
use purlin_lb::{Cluster, Instant, LoadBalancer, Request};

use super::fleet::{START, STEP, complete, equal, latencies};
use super::floors;
#[cfg(feature = "rivals")]
use super::rivals;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Samples, Together};

pub(super) fn least_request<const N: u32>(s: &Settings) -> Result<Contest, LabError> {
    let ours = complete(equal(LeastRequest::seeded(s.seed), N)?);
    let contest = Contest::over(latencies(s))
        .ours("LeastRequest", ours)
        .floor(floors::OF_TWO, floors::least_of_two(N));
    #[cfg(feature = "rivals")]
    let contest = {
        let tower = rivals::tower_pending(N);
        let mut loadwise = rivals::loadwise_least_request(N);
        contest
            .rival("tower PendingRequests", move |_| tower())
            .rival("loadwise", move |_| loadwise())
    };
    Ok(contest.build())
}

/// By two threads.
pub(super) fn least_request_2<const N: u32>(settings: &Settings) -> Result<Samples, LabError> {
    let cluster = equal(LeastRequest::seeded(settings.seed), N)?;
    let contest = together(settings).ours("LeastRequest", move |(now, latency)| {
        request(&cluster, *now, *latency)
    });
    #[cfg(feature = "rivals")]
    let contest = {
        let tower = rivals::tower_pending(N);
        contest.rival("tower PendingRequests", move |_| tower())
    };
    Ok(contest.measure(settings))
}

/// When a request comes, and what it takes.
type Timed = (Instant, Duration);

fn together(settings: &Settings) -> Together<Timed> {
    let mut now = START;
    let requests = latencies(settings).into_iter().map(|latency| {
        now += STEP;
        (now, latency)
    });
    let requests: Vec<Timed> = requests.collect();
    Together::over([requests.clone(), requests])
}

#[inline]
fn request(
    cluster: &Cluster<SocketAddr, LeastRequest>,
    now: Instant,
    latency: Duration,
) -> Option<SocketAddr> {
    let lease = cluster.pick_at(now, &Request::new()).ok()?;
    let node = *lease.node();
    lease.success_at(now + latency);
    Some(node)
}

/// By peak latency as tower's; the time is given to ours, tower's reads it.
pub(super) fn ewma<const N: u32>(s: &Settings) -> Result<Contest, LabError> {
    let ours = complete(equal(Ewma::seeded(s.seed).peak(), N)?);
    let contest = Contest::over(latencies(s)).ours("Ewma", ours);
    #[cfg(feature = "rivals")]
    let contest = {
        let tower = rivals::tower_peak_ewma(N);
        contest.rival("tower PeakEwma", move |_| tower())
    };
    Ok(contest.build())
}

/// Everybody reads std's clock.
pub(super) fn ewma_on_std<const N: u32>(s: &Settings) -> Result<Contest, LabError> {
    let cluster = equal(Ewma::seeded(s.seed).peak(), N)?;
    let ours = LoadBalancer::with_clock(cluster, SystemClock::new());
    let contest = Contest::over(vec![(); 1024]).ours("Ewma", move |()| {
        let lease = ours.pick(&Request::new()).ok()?;
        let node = *lease.node();
        lease.success();
        Some(node)
    });
    #[cfg(feature = "rivals")]
    let contest = {
        let tower = rivals::tower_peak_ewma(N);
        contest.rival("tower PeakEwma", move |()| tower())
    };
    Ok(contest.build())
}
