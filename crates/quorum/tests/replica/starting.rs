//! Opening: stores that do not fit, and what a replica is again after a crash.

use crate::group::{Group, config, founder, founders};
use crate::machine::Journal;
use crate::store::{Broken, Store};
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::replica::{Event, Replica, ReplicaError};
use purlin_quorum::raft::storage::{Identity, Storage as _, StorageError};
use purlin_quorum::raft::{ClusterId, Config, Index, StartError};

fn open(config: Config, store: Store) -> ReplicaError<Broken> {
    Replica::open(config, store, Journal::default(), 1, Instant::default())
        .expect_err("it must not open")
}

#[test]
fn stores_that_do_not_fit_are_refused() {
    let empty = open(config(1), Store::default());
    assert!(matches!(empty, ReplicaError::Storage(StorageError::Empty)));
    assert_eq!(
        empty.to_string(),
        "the store is empty: bootstrap it, or join"
    );

    let other = open(config(2), founder(1));
    assert_eq!(
        other.to_string(),
        "the store belongs to n1 of cluster 0; the configuration is of n2 of cluster 0"
    );
    let mut elsewhere = config(1);
    elsewhere.cluster = ClusterId(7);
    assert_eq!(
        open(elsewhere, founder(1)).to_string(),
        "the store belongs to n1 of cluster 0; the configuration is of n1 of cluster 7"
    );

    let mut stranger = Store::default();
    let identity = Identity::new(ClusterId(0), NodeId(4), 4);
    stranger.create(identity, founders()).unwrap();
    assert!(matches!(
        open(config(4), stranger),
        ReplicaError::Storage(StorageError::Refused(_))
    ));

    let mut silent = config(1);
    silent.quiesce = true;
    assert!(matches!(
        open(silent, founder(1)),
        ReplicaError::Start(StartError::Config(error)) if error.field() == "quiesce"
    ));

    let mut invalid = config(1);
    invalid.heartbeat_interval = invalid.election_timeout;
    assert!(matches!(
        open(invalid, founder(1)),
        ReplicaError::Start(StartError::Config(_))
    ));

    let failing = founder(1);
    failing.fails.set(Some("recover"));
    let failed = open(config(1), failing);
    assert!(matches!(
        failed,
        ReplicaError::Storage(StorageError::Medium(Broken("recover")))
    ));
}

#[test]
fn a_snapshot_that_the_machine_does_not_take_keeps_it_from_starting() {
    let mut group = Group::new();
    let leader = group.elect();
    group.propose(leader, "x");
    group.agree(1);
    let mut store = group.take(leader).into_storage();
    let entries = store.recover().unwrap().entries.len() as u64;
    let meta = group.nodes[&(leader % 3 + 1)]
        .raft()
        .snapshot_meta(Index(entries), 7)
        .unwrap();
    store
        .compact(&meta, &mut core::iter::once("no number".into()))
        .unwrap();
    let error = open(config(leader), store);
    assert!(
        matches!(&error, ReplicaError::Restore(at, _) if *at == meta.position),
        "{error}"
    );
}

#[test]
fn the_incarnation_is_the_stores() {
    let group = Group::new();
    for (id, node) in &group.nodes {
        let incarnation = node.raft().config().incarnation.unwrap();
        assert_eq!(incarnation.get(), 1000 + id);
    }
}

#[test]
fn a_crash_takes_nothing_that_was_acknowledged() {
    let mut group = Group::new();
    group.snapshot_after = 300;
    (1..=3).for_each(|id| group.restart(id, None));
    let mut count = 0;
    for round in 0..6 {
        let leader = group.elect();
        for number in 0..5 {
            let position = group.propose(leader, &format!("{round}.{number}"));
            count += 1;
            group.until("it is applied", |group| {
                !group.outcomes(leader, position).is_empty()
            });
            assert_eq!(
                group.outcomes(leader, position),
                [&Event::Applied(position, count)]
            );
        }
        // One of them, then all at once.
        group.restart(leader, None);
        if round % 2 == 0 {
            (1..=3).for_each(|id| group.restart(id, None));
            group.mail.clear();
        }
    }
    group.elect();
    group.agree(count);
}
