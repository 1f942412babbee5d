//! What the vector files of consistent hashing mean.

use purlin_hashring::{Maglev, Placement as _};
use purlin_lb::policy::{BoundedLoad, Hashed};
use purlin_lb::{Cluster, Instant, KeyHash, Lease, NodeId, Request, Upstream};
use purlin_vectors::{Case, Field, Suite};

const NOW: Instant = Instant::from_secs(1);

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("lb/maglev_envoy@1", maglev);
    suite.schema("lb/bounded_load@1", |file| {
        file.cases("cases", bounded_load);
    });
}

type MaglevCluster = Cluster<u64, Hashed<Maglev<NodeId>>>;

fn maglev_cluster(table: u64, weights: &[u32]) -> MaglevCluster {
    let empty = Maglev::builder().table_size(table).build::<NodeId>([]);
    let upstreams = (0_u64..)
        .zip(weights)
        .map(|(id, weight)| Upstream::new(id).weight(*weight));
    Cluster::new(Hashed::over(empty.expect("a prime")), upstreams).expect("distinct")
}

fn maglev(file: &Field<'_>) {
    file.cases("cases", |case| {
        let weights: Vec<u32> = match case.read::<Option<usize>>("hosts") {
            Some(hosts) => vec![1; hosts],
            None => case.read("weights"),
        };
        // Which slots they are is of Envoy's hash; how many there are is of the algorithm.
        case.ignore(&["sequence_envoy_xxh"]);
        let table: u64 = case.read("table");
        let cluster = maglev_cluster(table, &weights);
        if let Some(always) = case.read::<Option<u64>>("always") {
            for key in 0..100 {
                let request = Request::new().key_hash(KeyHash(key << 57));
                let lease = cluster.pick_at(NOW, &request).expect("it is open");
                case.check_eq("the host", *lease.node(), always);
            }
            return;
        }
        let snapshot = cluster.load();
        let placement = snapshot.policy().placement();
        // By identity, which is the number of the host.
        let mut entries = vec![0_usize; weights.len()];
        for owner in placement.slots() {
            let id = placement.node(owner).expect("the owner is a member");
            entries[usize::try_from(id.0).expect("a number of a host")] += 1;
        }
        let least: usize = case.read("min_entries");
        let most: usize = case.read("max_entries");
        case.check_eq("least", entries.iter().min(), Some(&least));
        case.check_eq("most", entries.iter().max(), Some(&most));
        // The heavier has more of them, never fewer.
        let mut by_weight: Vec<_> = weights.iter().zip(&entries).collect();
        by_weight.sort_unstable();
        let in_order = by_weight.is_sorted_by_key(|(_, entries)| **entries);
        case.check("by weight", in_order);
    });
    file.cases("errors", |case| {
        let table: u64 = case.read("table");
        let refused = Maglev::builder().table_size(table).build::<NodeId>([]);
        let said = refused
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        let expected: String = case.read("error");
        case.check("theirs asks for a prime", expected.contains("prime"));
        case.check(&format!("so does {said:?}"), said.contains("prime"));
    });
    file.case("empty", |case| {
        case.check_eq(
            "empty",
            case.decode::<String>().as_str(),
            "no hosts -> none",
        );
        let cluster = maglev_cluster(65_537, &[]);
        let picked = cluster.pick_at(NOW, &Request::new().key("any"));
        case.check("none", picked.is_err());
    });
}

fn bounded_load(case: &Case<'_>) {
    let (in_flight, hosts): (u32, u64) = (case.read("m"), case.read("n"));
    let factor: f64 = case.read("c");
    let percent = (100..1_000).find(|percent| f64::from(*percent) >= factor * 100.0);
    let percent = percent.expect("a factor from 1 to 10");
    let policy = BoundedLoad::new(Hashed::slot_table()).factor_percent(percent);
    let policy = policy.expect("100 or more");
    let cluster = Cluster::new(policy, (0..hosts).map(Upstream::new)).expect("distinct");

    let hot = Request::new().key("hot");
    let owner = cluster.load().pick(&hot, NOW).expect("it is open").id();
    // In flight elsewhere, so that the hot key finds its owner as empty as can be.
    let mut leases: Vec<Lease<u64>> = Vec::new();
    for _ in 0..in_flight {
        let request = Request::new();
        let lease = cluster
            .pick_at(NOW, &request.exclude(&[owner]))
            .expect("open");
        leases.push(lease);
    }
    let snapshot = cluster.load();
    let position = snapshot.pool().find(owner).expect("it is there");
    let capacity = snapshot.policy().capacity(snapshot.pool(), position);
    case.check_eq("capacity", capacity, case.read("capacity"));

    // The same from outside: with `m` in flight, the owner has room up to there and no further.
    for load in 0.. {
        let goes_there = cluster
            .load()
            .pick(&hot, NOW)
            .map(|endpoint| endpoint.id() == owner);
        case.check_eq("room", goes_there, Ok(load < capacity));
        if load >= capacity {
            break;
        }
        // One moves to the owner: `m` stays.
        drop(leases.pop());
        let others: Vec<NodeId> = (0..hosts).map(NodeId).filter(|id| *id != owner).collect();
        let lease = cluster
            .pick_at(NOW, &Request::new().exclude(&others))
            .expect("open");
        leases.insert(0, lease);
    }
}
