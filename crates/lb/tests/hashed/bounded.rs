//! Nobody gets more than their share of what is in flight.

use super::{NOW, cluster, small_table};
use alloc::collections::BTreeMap;
use proptest::prelude::*;
use purlin_lb::policy::{BoundedLoad, Hashed};
use purlin_lb::{Cluster, ConfigError, Lease, NodeId, Request, Upstream};

type Bounded = Cluster<u64, BoundedLoad>;

fn bounded(percent: u32) -> BoundedLoad {
    let policy = BoundedLoad::new(small_table().seeded(3));
    policy.factor_percent(percent).expect("100 or more")
}

/// The rule as the paper has it, by counting up.
fn capacity(percent: u64, in_flight: u64, weight: u64, total: u64) -> u64 {
    let mut capacity = 0;
    while capacity * 100 * total < percent * (in_flight + 1) * weight {
        capacity += 1;
    }
    capacity
}

/// The order of preference of a key, told by a cluster without bounds that excludes one after the
/// other.
fn preference(plain: &Cluster<u64, Hashed>, request: Request<'_>) -> Vec<u64> {
    let mut found = Vec::new();
    loop {
        let excluded: Vec<NodeId> = found.iter().copied().map(NodeId).collect();
        let request = request.exclude(&excluded);
        match plain.pick_at(NOW, &request) {
            Ok(lease) => found.push(*lease.node()),
            Err(_) => return found,
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Pick(u64),
    End(usize),
    Close(u64, bool),
    SetWeight(u64, u32),
    Insert(u64, u32),
    Remove(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let id = 0..16_u64;
    prop_oneof![
        12 => (0..6_u64).prop_map(Event::Pick),
        6 => any::<usize>().prop_map(Event::End),
        1 => (id.clone(), any::<bool>()).prop_map(|(id, closed)| Event::Close(id, closed)),
        1 => (id.clone(), 0..5_u32).prop_map(|(id, weight)| Event::SetWeight(id, weight)),
        1 => (id.clone(), 0..5_u32).prop_map(|(id, weight)| Event::Insert(id, weight)),
        1 => id.prop_map(Event::Remove),
    ]
}

/// The cluster under test, one without bounds that is told the same, and what should be in flight.
struct Model {
    bounded: Bounded,
    plain: Cluster<u64, Hashed>,
    percent: u32,
    leases: Vec<Lease<u64>>,
    /// By the record that the lease is counted in: one that comes again is another.
    births: BTreeMap<u64, u64>,
    in_flight: BTreeMap<(u64, u64), u64>,
    held: Vec<(u64, u64)>,
    born: u64,
}

impl Model {
    fn new(percent: u32) -> Self {
        Self {
            bounded: cluster(&bounded(percent), []),
            plain: cluster(&small_table(), []),
            percent,
            leases: Vec::new(),
            births: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            held: Vec::new(),
            born: 0,
        }
    }

    fn load(&self, id: u64) -> u64 {
        let key = (id, self.births[&id]);
        self.in_flight.get(&key).copied().unwrap_or(0)
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Pick(key) => self.pick(*key),
            Event::End(which) => {
                if !self.leases.is_empty() {
                    let which = which % self.leases.len();
                    self.leases.swap_remove(which).success_at(NOW);
                    let held = self.held.swap_remove(which);
                    *self.in_flight.get_mut(&held).expect("it is counted") -= 1;
                }
            }
            Event::Close(id, closed) => {
                let change = |closed| match closed {
                    true => (
                        self.bounded.eject(NodeId(*id)),
                        self.plain.eject(NodeId(*id)),
                    ),
                    false => (
                        self.bounded.readmit_at(NOW, NodeId(*id)),
                        self.plain.readmit_at(NOW, NodeId(*id)),
                    ),
                };
                let (one, other) = change(*closed);
                assert_eq!(one, other);
            }
            Event::SetWeight(id, weight) => {
                let one = self.bounded.set_weight(NodeId(*id), *weight);
                assert_eq!(one, self.plain.set_weight(NodeId(*id), *weight));
            }
            Event::Insert(id, weight) => {
                let upstream = Upstream::new(*id).weight(*weight);
                let one = self.bounded.insert_at(NOW, upstream).is_ok();
                assert_eq!(one, self.plain.insert_at(NOW, upstream).is_ok());
                if one {
                    self.born += 1;
                    self.births.insert(*id, self.born);
                }
            }
            Event::Remove(id) => {
                let one = self.bounded.remove(NodeId(*id)).is_ok();
                assert_eq!(one, self.plain.remove(NodeId(*id)).is_ok());
                self.births.remove(id);
            }
        }
        self.bounded.check_invariants();
    }

    fn pick(&mut self, key: u64) {
        let request = Request::new().key(key.to_le_bytes());
        let order = preference(&self.plain, request);
        let weight = |id: u64| {
            let endpoint = self.plain.endpoint(NodeId(id)).expect("it is there");
            u64::from(endpoint.weight().get())
        };
        // Those that are open are all that the order has.
        let in_flight = order.iter().map(|id| self.load(*id)).sum();
        let total = order.iter().map(|id| weight(*id)).sum();
        let has_room = |id: &u64| {
            self.load(*id) < capacity(self.percent.into(), in_flight, weight(*id), total)
        };
        let expected = order.iter().copied().find(has_room);
        assert_eq!(expected.is_some(), !order.is_empty(), "somebody has room");
        let lease = self.bounded.pick_at(NOW, &request);
        assert_eq!(lease.as_ref().ok().map(|lease| *lease.node()), expected);
        if let (Ok(lease), Some(id)) = (lease, expected) {
            self.leases.push(lease);
            let held = (id, self.births[&id]);
            self.held.push(held);
            *self.in_flight.entry(held).or_default() += 1;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// With up to 16 endpoints every pick is the first in the order of preference that the rule gives
    /// room.
    #[test]
    fn goes_to_the_first_that_has_room(
        percent in prop_oneof![Just(100_u32), Just(125), 100..300_u32],
        first in proptest::collection::vec(0..5_u32, 0..16),
        events in proptest::collection::vec(event(), 0..120),
    ) {
        let mut model = Model::new(percent);
        for (id, weight) in (0..).zip(first) {
            model.event(&Event::Insert(id, weight));
        }
        for event in &events {
            model.event(event);
        }
    }

    /// With more of them what is in flight is known late, but requests that only come are never
    /// above the bound for it.
    #[test]
    fn requests_that_stay_are_bounded_among_many(
        hosts in 17..150_u64, percent in 100..200_u32, hot in 1..4_u64, requests in 1..600_u64,
    ) {
        let cluster = cluster(&bounded(percent), 0..hosts);
        let mut leases: Vec<Lease<u64>> = Vec::new();
        for number in 0..requests {
            // Three of four are for hot keys.
            let key = if number % 4 == 0 { 1_000 + number } else { number % hot };
            let request = Request::new().key(key.to_le_bytes());
            let lease = cluster.pick_at(NOW, &request).expect("all are open");
            let load = u64::from(lease.endpoint().in_flight());
            let bound = capacity(percent.into(), number, 1, hosts);
            prop_assert!(load <= bound, "{load} of {bound} with {number}");
            leases.push(lease);
        }
    }
}

/// What was in flight is forgotten as endpoints are looked at: after a burst of other keys, the hot
/// one soon finds the bounds of what there is now.
#[test]
fn among_many_the_past_is_forgotten() {
    let hosts = 320;
    let cluster = cluster(&bounded(125), 0..hosts);
    let burst: Vec<_> = (0..10 * hosts)
        .map(|key| cluster.pick_at(NOW, &Request::new().key(key.to_le_bytes())))
        .collect();
    drop(burst);
    let hot = Request::new().key("hot");
    // 320 endpoints are seen by 20 requests; 16 times as many busy the first endpoints with one each.
    let leases: Vec<_> = (0..hosts)
        .map(|_| cluster.pick_at(NOW, &hot).expect("all are open"))
        .collect();
    let first: Vec<u32> = leases
        .iter()
        .map(|lease| lease.endpoint().in_flight())
        .collect();
    let owner = first[0];
    assert!((2..=13).contains(&owner), "{owner} at the first");
    let last = first.last().copied().expect("some");
    assert!(last <= 2, "{last} at the last");
}

/// Where all that have room are excluded, a request goes to the first in its order of preference.
#[test]
fn exclusion_goes_before_the_bound() {
    let cluster = cluster(&bounded(100), 0..4);
    let hot = Request::new().key("hot");
    let leases: Vec<_> = (0..4)
        .map(|_| cluster.pick_at(NOW, &hot).expect("open"))
        .collect();
    let order: Vec<NodeId> = leases.iter().map(|lease| lease.endpoint().id()).collect();
    // A fifth has room everywhere: ceil(5 / 4) is 2. A ninth then is the first to be bounded.
    let more: Vec<_> = (0..3)
        .map(|_| cluster.pick_at(NOW, &hot).expect("open"))
        .collect();
    let excluded = [order[3]];
    let retry = cluster.pick_at(NOW, &hot.exclude(&excluded)).expect("open");
    assert_eq!(retry.endpoint().id(), order[0], "of three that are full");
    assert_eq!(retry.endpoint().in_flight(), 3);
    assert!(cluster.pick_at(NOW, &hot.exclude(&order)).is_err());
    drop((leases, more));
}

#[test]
fn threads_overfill_by_one_each_at_most() {
    const THREADS: u32 = 4;
    const EACH: u32 = 300;
    let cluster = cluster(&bounded(125), 0..8);
    let leases: Vec<Lease<u64>> = std::thread::scope(|scope| {
        let pick = || {
            let hot = Request::new().key("hot");
            (0..EACH)
                .map(|_| cluster.pick_at(NOW, &hot).expect("all are open"))
                .collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(pick)).collect();
        let all = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        all.flatten().collect()
    });
    let total = u64::from(THREADS * EACH);
    assert_eq!(leases.len() as u64, total);
    let bound = capacity(125, total - 1, 1, 8) + u64::from(THREADS - 1);
    let loads = cluster
        .load()
        .iter()
        .map(|endpoint| endpoint.in_flight())
        .collect::<Vec<_>>();
    assert_eq!(
        loads.iter().map(|load| u64::from(*load)).sum::<u64>(),
        total
    );
    assert!(
        loads.iter().all(|load| u64::from(*load) <= bound),
        "{loads:?} of {bound}"
    );
    cluster.check_invariants();
}

/// A panic opens and closes many at once: the bounds are for those that are open.
#[test]
fn bounds_follow_a_panic() {
    let cluster = purlin_lb::ClusterBuilder::new(bounded(100))
        .panic_threshold(50)
        .expect("a percentage")
        .build((0..4_u64).map(Upstream::new))
        .expect("distinct");
    let capacities = || {
        let snapshot = cluster.load();
        let (policy, pool) = (snapshot.policy(), snapshot.pool());
        let of = |position| policy.capacity(pool, position);
        (0..4).map(of).collect::<Vec<_>>()
    };
    let leases: Vec<_> = (0..11_u64)
        .map(|key| {
            cluster
                .pick_at(NOW, &Request::new().key(key.to_le_bytes()))
                .expect("open")
        })
        .collect();
    assert_eq!(capacities(), [3, 3, 3, 3]);
    for id in 0..2 {
        cluster.eject(NodeId(id)).expect("it is there");
        cluster.check_invariants();
    }
    let there = |from: u64| {
        let load = |id| {
            cluster
                .endpoint(NodeId(id))
                .map_or(0, |endpoint| endpoint.in_flight())
        };
        (from..4).map(load).map(u64::from).sum::<u64>()
    };
    let half = (there(2) + 1).div_ceil(2);
    assert_eq!(capacities(), [0, 0, half, half]);
    cluster.eject(NodeId(2)).expect("it is there");
    assert!(cluster.load().pool().is_panicking());
    cluster.check_invariants();
    assert_eq!(capacities(), [3, 3, 3, 3]);
    cluster.readmit_at(NOW, NodeId(2)).expect("it is there");
    cluster.check_invariants();
    drop(leases);
}

#[test]
fn a_factor_below_one_is_refused() {
    let refused = BoundedLoad::default().factor_percent(99);
    assert!(matches!(
        refused,
        Err(ConfigError::OutOfRange {
            field: "factor_percent",
            ..
        })
    ));
    // The largest is no bound at all.
    let cluster = cluster(&bounded(u32::MAX), 0..3);
    let hot = Request::new().key("hot");
    let leases: Vec<_> = (0..500)
        .map(|_| cluster.pick_at(NOW, &hot).expect("open"))
        .collect();
    assert_eq!(leases[0].endpoint().in_flight(), 500);
}
