//! What a lease tells of its endpoint when nobody waits for the answer any more.

use core::time::Duration;
use purlin_lb::policy::Ewma;
use purlin_lb::{
    Cluster, Identity as _, Instant, LoadBalancer, ManualClock, Request, TimedLease, Upstream,
};

const MS: Duration = Duration::from_millis(1);
const NOW: Instant = Instant::from_secs(1_000);

type Balancer = LoadBalancer<u64, Ewma, ManualClock>;
type Held = TimedLease<u64, ManualClock>;

fn balancer(len: u64) -> Balancer {
    let cluster = Cluster::new(Ewma::seeded(1), (0..len).map(Upstream::new));
    let clock = ManualClock::new();
    clock.set(NOW);
    LoadBalancer::with_clock(cluster.expect("no duplicates"), clock)
}

/// How many of so many requests, one after the other, go to endpoint 0, which lets them wait until a
/// timeout of 200 ms. The others answer after 10 ms.
fn sent_to_the_hanging(balancer: &Balancer, requests: u32, time_out: fn(Held)) -> u32 {
    let mut hung = 0;
    for _ in 0..requests {
        let lease = balancer.pick(&Request::new()).expect("all are open");
        if *lease.node() == 0 {
            balancer.clock().advance(MS * 200);
            time_out(lease);
            hung += 1;
        } else {
            balancer.clock().advance(MS * 10);
            lease.success();
        }
    }
    hung
}

#[test]
fn an_endpoint_that_hangs_loses_its_requests() {
    // Probation sends it one each 5 s, of 500 there are; and some, until it is known.
    let from_the_start = sent_to_the_hanging(&balancer(2), 5_000, drop);
    assert!(from_the_start < 50, "{from_the_start}");

    let was_fast = balancer(2);
    for _ in 0..100 {
        let lease = was_fast.pick(&Request::new()).expect("all are open");
        was_fast
            .clock()
            .advance(MS * 5 * (1 + u32::from(*lease.node() == 1)));
        lease.success();
    }
    let later = sent_to_the_hanging(&was_fast, 5_000, TimedLease::gave_up);
    assert!(later < 50, "{later}");
}

/// The reason for all this, and why the docs of `Lease` warn.
#[test]
fn leases_without_a_clock_hide_it() {
    let say_nothing = |lease: Held| drop(lease.into_lease());
    let sent = sent_to_the_hanging(&balancer(2), 5_000, say_nothing);
    assert!(sent > 1_000, "{sent}");
}

#[test]
fn giving_up_is_a_sample_if_it_took_longer_than_the_estimate() {
    let balancer = balancer(1);
    let cluster = balancer.cluster();
    let endpoint = cluster.endpoint(0_u64.id()).expect("it is there");
    let pick = |now| cluster.pick_at(now, &Request::new()).expect("it is open");
    // Of an endpoint that has never answered, a tenth of the penalty is nothing to go by yet.
    pick(NOW).gave_up_at(NOW + MS * 100);
    assert_eq!(endpoint.latency_nanos(), None);
    pick(NOW).gave_up_at(NOW + MS * 101);
    assert_eq!(endpoint.latency_nanos(), Some(101e6));
    assert_eq!(endpoint.latency_at(), NOW + MS * 101);

    let later = NOW + Duration::from_secs(10);
    pick(later).gave_up_at(later + MS * 100);
    assert_eq!(endpoint.latency_nanos(), Some(101e6));
    assert_eq!(endpoint.latency_at(), NOW + MS * 101);
    pick(later).gave_up_at(later + MS * 400);
    let estimate = endpoint.latency_nanos().expect("it is known");
    assert!((101e6..400e6).contains(&estimate), "{estimate}");

    // Neither a success nor a failure, and over.
    pick(later).failure_at(later + MS);
    pick(later).gave_up_at(later + MS * 900);
    assert_eq!(endpoint.completed(), (0, 1));
    assert_eq!(endpoint.consecutive_failures(), 1);
    assert_eq!(endpoint.in_flight(), 0);
}

#[test]
fn a_lease_with_a_clock_tells_once() {
    let balancer = balancer(1);
    let endpoint = balancer.endpoint(0_u64.id()).expect("it is there");
    let pick = || balancer.pick(&Request::new()).expect("it is open");
    let lease = pick();
    assert_eq!(lease.started(), NOW);
    balancer.clock().advance(MS * 500);
    // Without its clock it is the same request, and dropped says nothing.
    let lease = lease.into_lease();
    assert_eq!((lease.started(), endpoint.in_flight()), (NOW, 1));
    drop(lease);
    assert_eq!((endpoint.latency_nanos(), endpoint.in_flight()), (None, 0));

    // Had the drop after a success said something, a peak would be seen.
    let lease = pick();
    balancer.clock().advance(MS * 500);
    lease.success();
    assert_eq!(endpoint.latency_nanos(), Some(500e6));
    assert_eq!((endpoint.completed(), endpoint.in_flight()), ((1, 0), 0));
    pick().failure();
    assert_eq!((endpoint.completed(), endpoint.in_flight()), ((1, 1), 0));
}
