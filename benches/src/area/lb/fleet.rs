//! The endpoints of all rows about speed.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_lb::{Balancer, Cluster, Instant, Request, Upstream};

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Over};

/// All requests of a row come at about this time.
pub(super) const START: Instant = Instant::from_secs(1_000);

/// How far apart.
pub(super) const STEP: Duration = Duration::from_micros(1);

/// The address of an endpoint.
pub(super) fn address(number: u32) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 | number), 80))
}

pub(super) fn addresses(count: u32) -> impl ExactSizeIterator<Item = SocketAddr> {
    (0..count).map(address)
}

/// From 1 to 10.
pub(super) const fn weight(number: u32) -> u32 {
    number % 10 + 1
}

/// A cluster of endpoints that are alike.
pub(super) fn equal<P: Balancer>(
    policy: P,
    count: u32,
) -> Result<Cluster<SocketAddr, P>, LabError> {
    Ok(Cluster::new(policy, addresses(count).map(Upstream::new))?)
}

/// A cluster of endpoints that weigh from 1 to 10.
pub(super) fn weighted<P: Balancer>(
    policy: P,
    count: u32,
) -> Result<Cluster<SocketAddr, P>, LabError> {
    let upstreams = (0..count).map(|number| Upstream::new(address(number)).weight(weight(number)));
    Ok(Cluster::new(policy, upstreams)?)
}

/// Requests of which nothing is known, at one time: as many as come between two looks at a clock.
pub(super) fn requests() -> Over<Instant> {
    Contest::over(vec![START; 1024])
}

/// What requests take, all of it over before the next one comes.
pub(super) fn latencies(settings: &Settings) -> Vec<Duration> {
    let mut random = SplitMix64::new(settings.seed);
    let latency = |_| Duration::from_nanos(100 + random.below(800));
    (0..4096).map(latency).collect()
}

/// Picks; nothing is counted.
pub(super) fn pick<P: Balancer + 'static>(
    cluster: Cluster<SocketAddr, P>,
) -> impl FnMut(&Instant) -> Option<*const SocketAddr> {
    move |now| {
        let present = cluster.load();
        let endpoint = present.pick(&Request::new(), *now).ok()?;
        Some(core::ptr::from_ref(endpoint.node()))
    }
}

/// Picks, and completes the request.
pub(super) fn complete<P: Balancer + 'static>(
    cluster: Cluster<SocketAddr, P>,
) -> impl FnMut(&Duration) -> Option<SocketAddr> {
    let mut now = START;
    move |latency| {
        now += STEP;
        let lease = cluster.pick_at(now, &Request::new()).ok()?;
        let node = *lease.node();
        lease.success_at(now + *latency);
        Some(node)
    }
}
