//! What a balancer with a clock does at the time of its clock, and the values it takes.

use core::time::Duration;
use purlin_lb::policy::RoundRobin;
use purlin_lb::{
    Cluster, ClusterBuilder, Health, Identity as _, Instant, LoadBalancer, ManualClock, NodeId,
    Request, SlowStart, UpdateError, Upstream, Zone,
};

const SECOND: Duration = Duration::from_secs(1);

type Balancer = LoadBalancer<&'static str, RoundRobin, ManualClock>;

fn balancer() -> Balancer {
    let slow_start = SlowStart::new(SECOND * 60).expect("above zero");
    let cluster = ClusterBuilder::new(RoundRobin::from(0))
        .slow_start(slow_start)
        .build(["a", "b", "c"].map(Upstream::new));
    LoadBalancer::with_clock(cluster.expect("no duplicates"), ManualClock::new())
}

/// Since when this one warms up, which is the time it was told.
fn warm_since(balancer: &Balancer, id: NodeId) -> Instant {
    balancer.endpoint(id).expect("it is there").warm_since()
}

#[test]
fn changes_of_members_are_made_now() {
    let balancer = balancer();
    balancer.clock().set(Instant::from_secs(100));
    let d = balancer.insert("d").expect("it is new");
    assert_eq!(warm_since(&balancer, d), balancer.now());
    assert!(balancer.insert("d").is_err());

    balancer.clock().advance(SECOND);
    let delta = balancer.replace(["a", "b", "e"].map(Upstream::new));
    let delta = delta.expect("no duplicates");
    assert_eq!((delta.added, delta.removed, delta.kept), (1, 2, 2));
    assert_eq!(warm_since(&balancer, "e".id()), balancer.now());

    balancer.clock().advance(SECOND);
    let f = balancer.update(|batch| {
        batch.remove("e".id())?;
        batch.insert("f").map_err(|refused| refused.error)
    });
    let f = f.expect("one goes, one comes");
    assert_eq!(warm_since(&balancer, f), balancer.now());
    assert!(balancer.endpoint("e".id()).is_none());
}

#[test]
fn changes_of_status_are_made_now() {
    type Change = fn(&Balancer) -> Result<bool, UpdateError>;
    let pairs: [(Change, Change); 3] = [
        (
            |balancer| balancer.set_health("a".id(), Health::Unhealthy),
            |balancer| balancer.set_health("a".id(), Health::Healthy),
        ),
        (
            |balancer| balancer.eject("a".id()),
            |balancer| balancer.readmit("a".id()),
        ),
        (
            |balancer| balancer.drain("a".id()),
            |balancer| balancer.undrain("a".id()),
        ),
    ];
    let balancer = balancer();
    for (out, back) in pairs {
        balancer.clock().advance(SECOND);
        assert_eq!(out(&balancer), Ok(true));
        balancer.clock().advance(SECOND);
        assert_eq!(back(&balancer), Ok(true));
        assert_eq!(back(&balancer), Ok(false));
        assert_eq!(warm_since(&balancer, "a".id()), balancer.now());
    }
}

/// As the docs of `replace_at` have it.
#[test]
fn being_listed_again_changes_no_status() {
    let balancer = balancer();
    balancer.set_health("a".id(), Health::Unhealthy).expect("a");
    balancer.eject("b".id()).expect("b");
    balancer.drain("c".id()).expect("c");
    let status = || ["a", "b", "c"].map(|name| balancer.endpoint(name.id()).map(|e| e.status()));
    let before = status();
    let listed = ["a", "b", "c"].map(|name| Upstream::new(name).health(Health::Healthy));
    balancer.replace(listed).expect("no duplicates");
    assert_eq!(status(), before);
}

#[test]
fn a_cluster_gets_the_clock_of_the_system() {
    let cluster = Cluster::new(RoundRobin::new(), [Upstream::new("a")]).expect("one");
    let balancer = LoadBalancer::from(cluster.clone());
    let lease = balancer.pick(&Request::new()).expect("it is open");
    assert!(lease.started() <= balancer.now());
    // A handle to the same.
    assert_eq!(cluster.endpoint("a".id()).expect("a").in_flight(), 1);
}

#[test]
fn a_zone_is_its_name_whoever_owns_it() {
    let name = "eu-1a".to_owned();
    assert_eq!(Zone::from(name.clone()), Zone::new("eu-1a"));
    assert_eq!(Upstream::new(1_u64).zone(name).zone, Some("eu-1a".into()));
}

/// A slip in a configuration would be an endpoint with defaults.
#[test]
fn fields_that_are_none_are_refused() {
    let read = serde_json::from_str::<Upstream<u64>>;
    let upstream = read(r#"{"node": 7, "weight": 2, "zone": "a"}"#).expect("all are known");
    assert_eq!(upstream, Upstream::new(7).weight(2).zone("a"));
    let error = read(r#"{"node": 7, "wieght": 2}"#).expect_err("a slip");
    assert!(error.to_string().contains("wieght"), "{error}");
}

/// One clock for the balancer and for what is waited for.
#[tokio::test(start_paused = true)]
async fn the_timer_of_tokio_is_a_clock() {
    use purlin_lb::{Clock as _, Timer as _, TokioTimer};

    let timer = TokioTimer::new();
    let cluster = Cluster::new(RoundRobin::new(), [Upstream::new("a")]).expect("one");
    let balancer = LoadBalancer::with_clock(cluster, timer);
    let lease = balancer.pick(&Request::new()).expect("it is open");
    timer.sleep_until(timer.now() + SECOND).await;
    assert!(balancer.now() >= lease.started() + SECOND);
}
