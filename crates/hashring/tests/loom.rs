//! Every interleaving of a few threads that share a placement, or the counts of bounded loads.
#![cfg(purlin_loom)]

use purlin_hashring::bounded::{Assigner, Assignment};
use purlin_hashring::{
    KeyHash, Member, Membership, NodeId, NodeIdx, Placement, Rendezvous, Shared,
};

/// Of writers at once every update counts, and nothing of one that fails is ever seen.
#[test]
fn no_update_is_lost() {
    loom::model(|| {
        let shared = Shared::new(0_u32);
        let writers = [Ok(()), Err(())].map(|outcome| {
            let shared = shared.clone();
            loom::thread::spawn(move || {
                let answer = shared.update(|count| {
                    *count += 1;
                    outcome
                });
                assert_eq!(answer, outcome);
            })
        });
        let answer = shared.update(|count| {
            *count += 10;
            Ok::<_, ()>(*count)
        });
        assert!(matches!(answer, Ok(10 | 11)));
        for writer in writers {
            writer.join().expect("no writer panics");
        }
        assert_eq!(*shared.load(), 11);
    });
}

/// A reader sees whole snapshots only, never an older one after a newer one, and the newest when
/// nobody writes.
#[test]
fn a_reader_sees_what_was_published_in_its_order() {
    loom::model(|| {
        let shared = Shared::new((0_u32, 0_u32));
        let mut reader = shared.reader();
        let writer = {
            let shared = shared.clone();
            loom::thread::spawn(move || {
                drop(shared.replace((1, 1)));
                let answer = shared.update(|next| {
                    *next = (next.0 + 1, next.1 + 1);
                    Ok::<_, ()>(())
                });
                assert_eq!(answer, Ok(()));
            })
        };
        let mut last = 0;
        for _ in 0..3 {
            let &(a, b) = reader.load();
            assert_eq!(a, b);
            assert!(a >= last);
            last = a;
        }
        assert!(shared.load().0 >= last);
        writer.join().expect("the writer does not panic");
        assert_eq!(*reader.load(), (2, 2));
    });
}

/// Two readers that get in each other's way go on with what they have, and lose nothing by it.
#[test]
fn readers_in_each_others_way_do_not_wait() {
    loom::model(|| {
        let shared = Shared::new(0_u32);
        let (mut mine, mut others) = (shared.reader(), shared.reader());
        drop(shared.replace(1));
        let other = loom::thread::spawn(move || {
            let first = *others.load();
            (first, *others.load())
        });
        let (first, second) = (*mine.load(), *mine.load());
        assert!(first <= second && second <= 1);
        let (first, second) = other.join().expect("readers do not panic");
        assert!(first <= second && second <= 1);
        assert_eq!(*mine.load(), 1, "nobody holds the lock");
    });
}

/// Two nodes under the strictest bound.
fn two_nodes() -> Assigner<Rendezvous<u64>> {
    let nodes = Rendezvous::new([1_u64, 2]).expect("distinct");
    Assigner::new(nodes, 100).expect("a factor of 1")
}

/// On a key that belongs to the first node, or to the second.
fn acquire(assigner: &Assigner<Rendezvous<u64>>, owner: u32) -> Assignment {
    let belongs = |&key: &KeyHash| assigner.placement().owner(key) == Some(NodeIdx(owner));
    let key = (0..100).map(KeyHash).find(belongs);
    let assignment = assigner.try_acquire(key.expect("either owns half of all keys"));
    assignment.expect("there is always room")
}

fn acquire_any(assigner: &Assigner<Rendezvous<u64>>) -> Assignment {
    let assignment = assigner.try_acquire(KeyHash(7));
    assignment.expect("there is always room")
}

/// The loads of the members, and what is in flight.
fn counts(assigner: &Assigner<Rendezvous<u64>>) -> (Vec<usize>, usize) {
    let members = assigner.placement().roster().iter();
    let loads = members.filter_map(|member| assigner.load(member.index));
    (loads.collect(), assigner.in_flight())
}

/// Two at once on one key share the nodes: neither fails, and no node gets both.
#[test]
fn the_bound_holds_for_two_at_once() {
    loom::model(|| {
        let assigner = two_nodes();
        let other = assigner.clone();
        let other = loom::thread::spawn(move || acquire(&other, 0));
        let mine = acquire(&assigner, 0);
        let other = other.join().expect("nobody panics");
        assert_eq!(counts(&assigner), (vec![1, 1], 2));
        assert_ne!(mine.id(), other.id());
        drop((mine, other));
        assert_eq!(counts(&assigner), (vec![0, 0], 0));
    });
}

/// One looks at both nodes while another takes the room at the one and a third makes room at the
/// other: it may find both full, each at its moment, and must look again.
#[test]
fn nobody_fails_because_of_others() {
    loom::model(|| {
        let assigner = two_nodes();
        let third = acquire(&assigner, 0);
        let third = loom::thread::spawn(move || drop(third));
        let other = assigner.clone();
        let other = loom::thread::spawn(move || acquire(&other, 1));
        let mine = acquire(&assigner, 0);
        third.join().expect("nobody panics");
        let other = other.join().expect("nobody panics");

        // Both at one node they may be: while three were in flight it had room for two.
        let mut expected = vec![0, 0];
        expected[mine.index().get()] += 1;
        expected[other.index().get()] += 1;
        assert_eq!(counts(&assigner), (expected, 2));
        drop((mine, other));
        assert_eq!(counts(&assigner), (vec![0, 0], 0));
    });
}

/// One that began when there was little in flight, so that all nodes are full by its count, need
/// not wait until something is released: it counts again.
#[test]
fn nobody_waits_for_a_release() {
    loom::model(|| {
        let assigner = two_nodes();
        let held = acquire(&assigner, 0);
        let other = assigner.clone();
        let other = loom::thread::spawn(move || acquire(&other, 1));
        let mine = acquire(&assigner, 0);
        let other = other.join().expect("nobody panics");
        let (loads, in_flight) = counts(&assigner);
        assert_eq!((loads.iter().sum::<usize>(), in_flight), (3, 3));
        assert!(loads.iter().all(|&load| load <= 2), "{loads:?}");
        drop((held, mine, other));
        assert_eq!(counts(&assigner), (vec![0, 0], 0));
    });
}

/// Assignments made from an old snapshot count in the new one, also at a node that left and came
/// back.
#[test]
fn no_count_is_lost_over_an_update() {
    loom::model(|| {
        let shared = Shared::new(two_nodes());
        let worker = {
            let shared = shared.clone();
            loom::thread::spawn(move || {
                let first = acquire_any(&shared.load());
                let second = acquire_any(&shared.load());
                drop(first);
                second
            })
        };
        for id in [1, 2] {
            let removed = shared.update(|next| next.update(|nodes| nodes.remove(NodeId(id))));
            assert_eq!(removed, Ok(Member::new(id)));
            let added = shared.update(|next| next.update(|nodes| nodes.add(Member::new(id))));
            assert!(added.is_ok());
        }
        let held = worker.join().expect("nobody panics");
        let assigner = shared.load();
        let index = assigner.placement().roster().find(held.id());
        let index = index.expect("both are members again");
        assert_eq!(assigner.load(index), Some(1));
        assert_eq!(assigner.in_flight(), 1);
        drop(held);
        assert_eq!(counts(&assigner), (vec![0, 0], 0));
    });
}
