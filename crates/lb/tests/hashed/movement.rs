//! Which keys move, and which do not.

use super::{NOW, cluster, goes, small_maglev, small_table, upstreams};
use proptest::prelude::*;
use purlin_lb::policy::{HashPlacement, Hashed};
use purlin_lb::{Cluster, NodeId, Request, Upstream};

const KEYS: u64 = 400;

fn all<M: HashPlacement>(cluster: &Cluster<u64, Hashed<M>>) -> Vec<Option<u64>> {
    (0..KEYS).map(|key| goes(cluster, key)).collect()
}

/// One of 12 is closed, excluded, or gone: its keys move, and those only; and they go where they would
/// if it had never been.
fn closed_as_if_gone<M: HashPlacement>(policy: &Hashed<M>) {
    let cluster = cluster(policy, 0..12);
    let before = all(&cluster);
    for id in 0..12 {
        let gone = super::cluster(policy, (0..12).filter(|other| *other != id));
        let without = all(&gone);
        for (was, is) in before.iter().zip(&without) {
            assert!(was == is || *was == Some(id), "{was:?} to {is:?}");
        }
        cluster.eject(NodeId(id)).expect("it is there");
        assert_eq!(all(&cluster), without, "{id} is out");
        cluster.readmit_at(NOW, NodeId(id)).expect("it is there");
        assert_eq!(all(&cluster), before, "{id} is in again");

        let excluded = [NodeId(id)];
        for (key, expected) in (0..KEYS).zip(&without) {
            let request = Request::new().key(key.to_le_bytes()).exclude(&excluded);
            let snapshot = cluster.load();
            let picked = snapshot.pick(&request, NOW).expect("others are open");
            assert_eq!(Some(*picked.node()), *expected);
        }
    }
}

#[test]
fn a_closed_endpoint_leaves_its_keys_where_they_would_be_without_it() {
    closed_as_if_gone(&small_table());
    closed_as_if_gone(&Hashed::ring());
    closed_as_if_gone(&Hashed::rendezvous());
}

/// Many closed at once, in any order: as if none of them were there.
#[test]
fn many_closed_are_as_many_gone() {
    fn check<M: HashPlacement>(policy: &Hashed<M>) {
        let cluster = cluster(policy, 0..60);
        for id in (0..60).filter(|id| id % 7 != 3) {
            cluster.drain(NodeId(id)).expect("it is there");
        }
        let open = super::cluster(policy, (0..60).filter(|id| id % 7 == 3));
        assert_eq!(all(&cluster), all(&open));
    }
    check(&small_table());
    check(&Hashed::ring());
    check(&Hashed::rendezvous());
}

/// A Maglev table moves more when the membership changes, but not when one is closed.
#[test]
fn maglev_moves_only_the_keys_of_the_closed() {
    let cluster = cluster(&small_maglev(), 0..12);
    let before = all(&cluster);
    for id in 0..12 {
        cluster.eject(NodeId(id)).expect("it is there");
        for (was, is) in before.iter().zip(all(&cluster)) {
            assert_ne!(is, Some(id));
            assert!(*was == is || *was == Some(id), "{was:?} to {is:?}");
        }
        cluster.readmit_at(NOW, NodeId(id)).expect("it is there");
        assert_eq!(all(&cluster), before);
    }
}

/// Keys move to who comes or gains weight, and from who loses it.
#[test]
fn a_change_moves_keys_only_to_or_from_who_changed() {
    fn check<M: HashPlacement>(policy: &Hashed<M>) {
        let cluster = cluster(policy, 0..10);
        let mut before = all(&cluster);
        let mut moved = |what: &str, to: bool, id: u64| {
            let after = all(&cluster);
            let mut count = 0;
            for (was, is) in before.iter().zip(&after).filter(|(was, is)| was != is) {
                let changed = if to { is } else { was };
                assert_eq!(*changed, Some(id), "{what}: {was:?} to {is:?}");
                count += 1;
            }
            before = after;
            count
        };
        cluster.insert_at(NOW, 10).expect("it is new");
        assert!(moved("it came", true, 10) > 0);
        cluster.set_weight(NodeId(10), 4).expect("it is there");
        assert!(moved("it is heavier", true, 10) > 0);
        cluster.set_weight(NodeId(10), 2).expect("it is there");
        assert!(moved("it is lighter", false, 10) > 0);
        cluster.set_weight(NodeId(5), 0).expect("it is there");
        assert!(moved("it is drained", false, 5) > 0);
        cluster.set_weight(NodeId(5), 1).expect("it is there");
        assert!(moved("it is back", true, 5) > 0);
        cluster.remove(NodeId(10)).expect("it is there");
        assert!(moved("it went", false, 10) > 0);
    }
    check(&small_table());
    check(&Hashed::ring());
    check(&Hashed::rendezvous());
}

#[derive(Clone, Debug)]
enum Change {
    Insert(u64, u32),
    Remove(u64),
    SetWeight(u64, u32),
    Replace(Vec<(u64, u32)>),
}

fn weight() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0), 6 => 1..6_u32, 1 => any::<u32>()]
}

fn change() -> impl Strategy<Value = Change> {
    let id = 0..20_u64;
    prop_oneof![
        4 => (id.clone(), weight()).prop_map(|(id, weight)| Change::Insert(id, weight)),
        3 => id.clone().prop_map(Change::Remove),
        2 => (id.clone(), weight()).prop_map(|(id, weight)| Change::SetWeight(id, weight)),
        1 => proptest::collection::vec((id, weight()), 0..20).prop_map(Change::Replace),
    ]
}

fn upstream((id, weight): (u64, u32)) -> Upstream<u64> {
    Upstream::new(id).weight(weight)
}

/// Whatever came before, the keys are where they are in a cluster that was built of the same.
fn history_is_forgotten<M: HashPlacement>(policy: &Hashed<M>, changes: &[Change]) {
    let cluster = cluster(policy, 0..4);
    for change in changes {
        // What is refused changes nothing.
        match change {
            Change::Insert(id, weight) => {
                let _ = cluster.insert_at(NOW, upstream((*id, *weight)));
            }
            Change::Remove(id) => {
                let _ = cluster.remove(NodeId(*id));
            }
            Change::SetWeight(id, weight) => {
                let _ = cluster.set_weight(NodeId(*id), *weight);
            }
            Change::Replace(members) => {
                let _ = cluster.replace_at(NOW, members.iter().copied().map(upstream));
            }
        }
        cluster.check_invariants();
    }
    let snapshot = cluster.load();
    let members: Vec<_> = snapshot
        .iter()
        .map(|endpoint| (*endpoint.node(), endpoint.weight().get()))
        .collect();
    let fresh = Cluster::new(policy.clone(), members.into_iter().rev().map(upstream));
    assert_eq!(all(&cluster), all(&fresh.expect("distinct")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn keys_do_not_remember(changes in proptest::collection::vec(change(), 0..24)) {
        history_is_forgotten(&small_table(), &changes);
        history_is_forgotten(&Hashed::rendezvous(), &changes);
        history_is_forgotten(&small_maglev(), &changes);
        // So small that weights are halved.
        let ring = purlin_hashring::Ring::builder().points_per_weight(8).max_points(800);
        let ring = ring.build::<NodeId>([]).expect("within bounds");
        history_is_forgotten(&Hashed::over(ring), &changes);
        // So small that some are left out.
        let table = purlin_hashring::Maglev::builder().table_size(7);
        let table = table.build::<NodeId>([]).expect("a prime");
        history_is_forgotten(&Hashed::over(table), &changes);
    }
}

/// One change to many endpoints changes the placement in place, many build it anew: with one outcome.
#[test]
fn one_by_one_and_all_at_once_are_the_same() {
    fn check<M: HashPlacement>(policy: &Hashed<M>) {
        let slowly = cluster(policy, 0..1);
        for id in 1..200 {
            slowly.insert_at(NOW, id).expect("it is new");
        }
        let at_once = cluster(policy, 0..1);
        let delta = at_once.replace_at(NOW, upstreams(0..200));
        assert_eq!(delta.expect("distinct").added, 199);
        assert_eq!(all(&slowly), all(&at_once));
    }
    check(&small_table());
    check(&Hashed::ring());
    check(&Hashed::rendezvous());
}
