//! The other crates, each in its cheapest configuration that does the same work.

use core::convert::Infallible;
use core::future::{Future as _, Ready, ready};
use core::net::SocketAddr;
use core::pin::pin;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use loadwise_core::strategy::PowerOfTwoChoices;
pub(super) use loadwise_core::strategy::{Random, RoundRobin, WeightedRandom, WeightedRoundRobin};
use loadwise_core::{LoadMetric, Node, SelectionContext, Strategy, Weighted};
use purlin_core::random::{Random as _, SplitMix64};
use purlin_lb::Instant;
use rsbalancer::Balancer;
use tower::Service;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, Load, PeakEwma, PendingRequests};

use super::fleet::{address, addresses, weight};

/// An endpoint of `loadwise`.
pub(super) struct Peer {
    address: SocketAddr,
    weight: u32,
    in_flight: AtomicU32,
}

fn peers(count: u32) -> Box<[Peer]> {
    let peer = |number| Peer {
        address: address(number),
        weight: weight(number),
        in_flight: AtomicU32::new(0),
    };
    (0..count).map(peer).collect()
}

impl Node for Peer {
    type Id = SocketAddr;

    fn id(&self) -> &SocketAddr {
        &self.address
    }
}

impl Weighted for Peer {
    fn weight(&self) -> u32 {
        self.weight
    }
}

impl LoadMetric for Peer {
    fn load_score(&self) -> f64 {
        f64::from(self.in_flight.load(Ordering::Relaxed))
    }
}

/// A strategy of `loadwise` over a slice that never changes.
pub(super) fn in_loadwise<S: Strategy<Peer> + 'static>(
    strategy: S,
    count: u32,
) -> impl FnMut(&Instant) -> Option<usize> {
    let (peers, context) = (peers(count), SelectionContext::default());
    move |_| strategy.select(&peers, &context)
}

/// Two choices of `loadwise`; what is in flight one has to count oneself.
pub(super) fn loadwise_least_request(count: u32) -> impl FnMut() -> Option<SocketAddr> {
    let (peers, context) = (peers(count), SelectionContext::default());
    let strategy = PowerOfTwoChoices::new();
    move || {
        let peer = &peers[strategy.select(&peers, &context)?];
        peer.in_flight.fetch_add(1, Ordering::Relaxed);
        peer.in_flight.fetch_sub(1, Ordering::Relaxed);
        Some(peer.address)
    }
}

/// A balancer of `rsbalancer`, which wants `&mut self`: without a mutex, as there is one thread.
pub(super) fn in_rsbalancer<B: Balancer<u32> + 'static>(
    make: impl FnOnce(Vec<rsbalancer::Node<u32>>) -> B,
    count: u32,
) -> impl FnMut(&Instant) -> Option<u32> {
    let node = |number| rsbalancer::Node::new(number, weight(number) as usize);
    let mut balancer = make((0..count).map(node).collect());
    move |_| balancer.next_id().copied()
}

/// A service that answers with its address, at once.
#[derive(Debug)]
pub(super) struct Answer(SocketAddr);

impl Service<()> for Answer {
    type Response = SocketAddr;
    type Error = Infallible;
    type Future = Ready<Result<SocketAddr, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(self.0))
    }
}

/// A cheaper generator than tower's own, which hashes.
struct Cheap(SplitMix64);

impl tower::util::rng::Rng for Cheap {
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// Two choices by requests in flight.
pub(super) fn tower_pending(count: u32) -> impl Fn() -> Option<SocketAddr> + Send + Sync {
    let of = |address| PendingRequests::new(Answer(address), CompleteOnResponse::default());
    balanced(addresses(count).map(of).collect())
}

/// Two choices by peak EWMA, with linkerd's defaults.
pub(super) fn tower_peak_ewma(count: u32) -> impl Fn() -> Option<SocketAddr> + Send + Sync {
    const DECAY: f64 = 10e9;
    let rtt = Duration::from_millis(30);
    let of = |address| PeakEwma::new(Answer(address), rtt, DECAY, CompleteOnResponse::default());
    balanced(addresses(count).map(of).collect())
}

/// Requests to these services through tower's balancer.
fn balanced<S>(services: Vec<S>) -> impl Fn() -> Option<SocketAddr> + Send + Sync
where
    S: Service<(), Response = SocketAddr, Error = Infallible> + Load + Send + 'static,
    S::Metric: core::fmt::Debug,
    S::Future: Send,
{
    let services = ServiceList::new(services);
    let balance = Mutex::new(Balance::from_rng(services, Cheap(SplitMix64::new(42))));
    move || {
        let mut context = Context::from_waker(Waker::noop());
        let response = {
            let mut balance = balance.lock().unwrap_or_else(PoisonError::into_inner);
            let Poll::Ready(Ok(())) = balance.poll_ready(&mut context) else {
                return None;
            };
            balance.call(())
        };
        match pin!(response).poll(&mut context) {
            Poll::Ready(Ok(address)) => Some(address),
            _ => None,
        }
    }
}
