//! The ready-made loop within the bounds of its log and its store.

extern crate alloc;

use alloc::collections::VecDeque;
use bytes::Bytes;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::replica::{Event, Replica, ReplicaError, RestoreError, StateMachine};
use purlin_quorum::raft::storage::conformance::SimDisk;
use purlin_quorum::raft::storage::{FileOptions, FileStorage, Identity, MemoryStorage, Storage};
use purlin_quorum::raft::{
    Body, ClusterId, Config, Configuration, Index, Message, Position, Refusal, RoleKind,
    SnapshotChunk, SnapshotMeta, Term,
};

/// Keeps every command, one to a line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lines(Vec<u8>);

impl StateMachine for Lines {
    type Reply = usize;

    fn apply(&mut self, _: Index, command: &Bytes) -> usize {
        self.0.extend_from_slice(command);
        self.0.push(b'\n');
        self.0.len()
    }

    fn snapshot(&self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }

    fn restore(&mut self, snapshot: &Bytes) -> Result<(), RestoreError> {
        self.0 = snapshot.to_vec();
        Ok(())
    }
}

fn founded(id: u64, founders: &[u64]) -> MemoryStorage {
    let mut store = MemoryStorage::new();
    let founders = Configuration::new(founders.iter().copied().map(NodeId));
    store
        .bootstrap(Identity::new(ClusterId(0), NodeId(id), id), founders)
        .expect("an empty store");
    store
}

fn open<S: Storage>(config: Config, store: S) -> Result<Replica<S, Lines>, ReplicaError<S::Error>> {
    let seed = config.id.0;
    Replica::open(config, store, Lines::default(), seed, Instant::default())
}

fn replica(id: u64) -> Replica<MemoryStorage, Lines> {
    open(Config::new(NodeId(id)), founded(id, &[1, 2, 3])).expect("a good store")
}

/// Everything that there is to say now.
fn events<S: Storage>(
    replica: &mut Replica<S, Lines>,
    now: Instant,
) -> Result<Vec<Event<usize>>, ReplicaError<S::Error>> {
    core::iter::from_fn(|| replica.poll_event(now).transpose()).collect()
}

/// From node 2, the leader, to node 1.
fn from_leader(term: u64, body: Body) -> Message {
    Message {
        cluster: ClusterId(0),
        from: NodeId(2),
        to: NodeId(1),
        term: Term(term),
        incarnation: None,
        body,
    }
}

fn at(term: u64, index: u64) -> Position {
    Position::new(Term(term), Index(index))
}

/// The whole of a small snapshot: the lines 1 to `index`.
fn snapshot(term: u64, index: u64) -> Message {
    let lines: String = (1..=index).map(|line| format!("{line}\n")).collect();
    let meta = SnapshotMeta {
        position: at(term, index),
        configuration: Configuration::new([1, 2, 3].map(NodeId)).into(),
        id: 2,
    };
    let chunk = SnapshotChunk {
        meta,
        offset: 0,
        data: lines.into(),
        done: true,
    };
    from_leader(term, Body::Snapshot(chunk))
}

fn lines(upto: u64) -> Lines {
    Lines(
        (1..=upto)
            .flat_map(|line| format!("{line}\n").into_bytes())
            .collect(),
    )
}

#[test]
fn a_snapshot_is_not_durable_before_its_term() {
    let now = Instant::default();
    let mut follower = replica(1);
    // The first that this node hears of the term, as heartbeats may be lost.
    follower.receive(now, snapshot(3, 9)).unwrap();
    // The power fails after each number of steps.
    while follower.poll_event(now).unwrap().is_some() {
        let mut left = follower.storage().clone();
        left.crash();
        let recovered = left.recover().unwrap();
        assert!(recovered.hard_state.term >= recovered.snapshot.position.term);
    }
    let mut left = follower.into_storage();
    left.crash();
    let again = open(Config::new(NodeId(1)), left).unwrap();
    assert_eq!(again.raft().term(), Term(3));
    assert_eq!(*again.machine(), lines(9));
}

/// Three replicas and their mail.
struct Group {
    now: Instant,
    replicas: Vec<Replica<MemoryStorage, Lines>>,
    mail: VecDeque<Message>,
    said: Vec<(u64, Event<usize>)>,
}

impl Group {
    fn new(founders: &[u64], configure: impl Fn(&mut Config)) -> Self {
        let open = |&id: &u64| {
            let mut config = Config::new(NodeId(id));
            configure(&mut config);
            open(config, founded(id, founders)).expect("a good store")
        };
        let mut group = Self {
            now: Instant::default(),
            replicas: founders.iter().map(open).collect(),
            mail: VecDeque::new(),
            said: Vec::new(),
        };
        group.run(Duration::from_secs(3));
        group
    }

    fn poll(&mut self) {
        loop {
            for replica in &mut self.replicas {
                let id = replica.raft().config().id.0;
                for event in events(replica, self.now).expect("a good store") {
                    match event {
                        Event::Send(message) => self.mail.push_back(message),
                        event => self.said.push((id, event)),
                    }
                }
            }
            let Some(message) = self.mail.pop_front() else {
                return;
            };
            let to = self
                .replicas
                .iter_mut()
                .find(|replica| replica.raft().config().id == message.to);
            if let Some(to) = to {
                to.receive(self.now, message).expect("an honest message");
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(20);
            for replica in &mut self.replicas {
                replica.handle_timeout(self.now);
            }
            self.poll();
        }
    }

    fn leader(&mut self) -> &mut Replica<MemoryStorage, Lines> {
        let leads = |replica: &&mut Replica<_, _>| replica.raft().role() == RoleKind::Leader;
        self.replicas.iter_mut().find(leads).expect("a leader")
    }

    fn propose(&mut self, command: Bytes) -> Option<Position> {
        let now = self.now;
        let position = self.leader().propose(now, command).ok();
        self.poll();
        position
    }
}

/// Proposes `count` times and waits until it is applied everywhere.
fn applies_everywhere(mut group: Group, command: &Bytes, count: usize) {
    for _ in 0..count {
        if group.propose(command.clone()).is_none() {
            break;
        }
    }
    group.run(Duration::from_secs(20));
    let bytes = (command.len() + 1) * count;
    for replica in &group.replicas {
        assert_eq!(
            replica.machine().0.len(),
            bytes,
            "{:?}",
            replica.raft().status()
        );
    }
}

#[test]
fn the_default_threshold_suits_a_small_log() {
    let group = Group::new(&[1, 2, 3], |config| {
        config.max_log_bytes = 1 << 16;
        config.max_entry_bytes = 40_000;
    });
    applies_everywhere(group, &Bytes::from(vec![b'x'; 20_000]), 20);
}

#[test]
fn an_entry_too_large_for_the_store_is_refused_and_not_fatal() {
    let now = Instant::default();
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk, FileOptions::default()).unwrap();
    let identity = Identity::new(ClusterId(0), NodeId(1), 1);
    store
        .bootstrap(identity, Configuration::new([NodeId(1)]))
        .unwrap();
    let mut config = Config::new(NodeId(1));
    config.max_entry_bytes = 1 << 30;
    let mut replica = open(config, store).unwrap();
    let later = now + Duration::from_secs(3);
    replica.handle_timeout(later);
    events(&mut replica, later).unwrap();
    assert_eq!(replica.raft().role(), RoleKind::Leader);
    let command = Bytes::from(vec![0; 40 << 20]);
    let refused = replica
        .propose(later, command)
        .map_err(|error| error.reason);
    assert!(
        matches!(refused, Err(Refusal::TooLarge { .. })),
        "{refused:?}"
    );
    events(&mut replica, later).unwrap();

    let bound = replica.raft().config().max_entry_bytes;
    let command = Bytes::from(vec![0; usize::try_from(bound).unwrap()]);
    replica.propose(later, command).unwrap();
    events(&mut replica, later).unwrap();
    assert_eq!(replica.machine().0.len() as u64, bound + 1);
}

#[test]
fn several_proposals_are_answered_each() {
    let mut group = Group::new(&[1, 2, 3], |_| {});
    let now = group.now;
    let commands = ["a", "b"].map(Bytes::from);
    let leader = group.leader();
    let first = leader.propose_all(now, commands.to_vec()).unwrap();
    let id = leader.raft().config().id.0;
    group.poll();
    let second = Position::new(first.term, first.index.next());
    assert!(group.said.contains(&(id, Event::Applied(first, 2))));
    assert!(group.said.contains(&(id, Event::Applied(second, 4))));
}
