//! The ready-made loop: what it does when things arrive together, fail half-way, or stop.

use bytes::Bytes;
use core::cell::Cell;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::replica::{Event, Replica, ReplicaError, StateMachine};
use purlin_quorum::raft::storage::conformance::SimDisk;
use purlin_quorum::raft::storage::{
    FileOptions, FileStorage, Identity, MemoryStorage, Storage, StorageError,
};
use purlin_quorum::raft::{
    Body, Change, ClusterId, Config, Configuration, Entries, Entry, Index, MembershipChange,
    Message, Position, Recovered, Refusal, RoleKind, SnapshotChunk, SnapshotMeta, StopReason, Term,
    Write,
};
use std::collections::VecDeque;
use std::rc::Rc;

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

    fn restore(&mut self, snapshot: &Bytes) {
        self.0 = snapshot.to_vec();
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

/// Entries of `term` after `previous`, each with its index as its command.
fn append(term: u64, previous: Position, count: u64, commit: u64) -> Message {
    let first = previous.index.next();
    let command = |index| Entry::command(Term(term), Bytes::from(format!("{index}")));
    let entries = (first.0..first.0 + count).map(command).collect();
    let body = Body::Append {
        previous,
        commit: Index(commit),
        entries: Entries::new(first, entries),
        round: 1,
    };
    from_leader(term, body)
}

fn heartbeat(term: u64, commit: u64) -> Message {
    let body = Body::Heartbeat {
        commit: Index(commit),
        round: 2,
        quiesce: None,
    };
    from_leader(term, body)
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
fn nothing_older_is_applied_over_a_snapshot() {
    let now = Instant::default();
    let mut follower = replica(1);
    follower.receive(now, append(1, at(0, 0), 4, 2)).unwrap();
    events(&mut follower, now).unwrap();
    assert_eq!(*follower.machine(), lines(2));

    // The leader has compacted; what it said of the commit before arrives right after the snapshot.
    follower.receive(now, snapshot(1, 9)).unwrap();
    follower.receive(now, heartbeat(1, 4)).unwrap();
    events(&mut follower, now).unwrap();
    assert_eq!(*follower.machine(), lines(9));
    assert_eq!(follower.raft().applied_index(), Index(9));
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

/// A store whose medium fails from some write on, and notes the terms it made durable.
#[derive(Clone)]
struct Failing {
    inner: MemoryStorage,
    left: Rc<Cell<u64>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the disk is gone")]
struct Gone;

fn medium(error: StorageError<core::convert::Infallible>) -> StorageError<Gone> {
    match error {
        StorageError::NotEmpty(identity) => StorageError::NotEmpty(identity),
        StorageError::Empty => StorageError::Empty,
        StorageError::Refused(why) => StorageError::Refused(why),
        _ => StorageError::Failed,
    }
}

impl Failing {
    fn step(&self) -> Result<(), StorageError<Gone>> {
        match self.left.get().checked_sub(1) {
            Some(left) => Ok(self.left.set(left)),
            None => Err(StorageError::Medium(Gone)),
        }
    }
}

impl Storage for Failing {
    type Error = Gone;

    fn identity(&self) -> Option<Identity> {
        self.inner.identity()
    }

    fn bootstrap(
        &mut self,
        identity: Identity,
        founders: Configuration,
    ) -> Result<(), StorageError<Gone>> {
        self.inner.bootstrap(identity, founders).map_err(medium)
    }

    fn recover(&mut self) -> Result<Recovered, StorageError<Gone>> {
        self.inner.recover().map_err(medium)
    }

    fn write(&mut self, write: &Write) -> Result<(), StorageError<Gone>> {
        self.step()?;
        self.inner.write(write).map_err(medium)
    }

    fn sync(&mut self) -> Result<(), StorageError<Gone>> {
        self.step()?;
        self.inner.sync().map_err(medium)
    }

    fn compact(
        &mut self,
        meta: &SnapshotMeta,
        data: &mut dyn Iterator<Item = Bytes>,
    ) -> Result<(), StorageError<Gone>> {
        self.step()?;
        self.inner.compact(meta, data).map_err(medium)
    }

    fn store_chunk(&mut self, chunk: &SnapshotChunk) -> Result<u64, StorageError<Gone>> {
        self.step()?;
        self.inner.store_chunk(chunk).map_err(medium)
    }

    fn read_chunk(
        &mut self,
        meta: &SnapshotMeta,
        offset: u64,
        max_bytes: u32,
    ) -> Result<Option<SnapshotChunk>, StorageError<Gone>> {
        self.inner
            .read_chunk(meta, offset, max_bytes)
            .map_err(medium)
    }
}

#[test]
fn a_failed_store_is_reported_once() {
    let now = Instant::default();
    for steps in 0..6 {
        let left = Rc::new(Cell::new(steps));
        let inner = founded(1, &[1, 2, 3]);
        let mut follower = open(Config::new(NodeId(1)), Failing { inner, left }).unwrap();
        // Several writes, a commit and a snapshot, all at once.
        follower.receive(now, append(1, at(0, 0), 2, 1)).unwrap();
        follower.receive(now, append(1, at(1, 2), 2, 2)).unwrap();
        follower.receive(now, heartbeat(2, 0)).unwrap();
        follower.receive(now, snapshot(2, 9)).unwrap();
        let mut errors = Vec::new();
        let mut stopped = 0;
        loop {
            match follower.poll_event(now) {
                Ok(Some(Event::Stopped(StopReason::WriteFailed))) => stopped += 1,
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => errors.push(error),
            }
        }
        let failed = matches!(
            errors[..],
            [ReplicaError::Storage(StorageError::Medium(Gone))]
        );
        assert!(failed || errors.is_empty(), "{steps} steps: {errors:?}");
        assert_eq!(stopped, errors.len(), "{steps} steps");
        assert!(steps > 3 || failed, "{steps} steps");
    }
}

#[test]
fn a_node_that_stops_does_not_accuse_itself() {
    let now = Instant::default();
    let mut follower = replica(1);
    // What is committed is contradicted before it is written.
    follower.receive(now, append(1, at(0, 0), 2, 2)).unwrap();
    follower.receive(now, append(2, at(0, 0), 2, 2)).unwrap();
    let said = events(&mut follower, now).unwrap();
    assert_eq!(
        said.last(),
        Some(&Event::Stopped(StopReason::Diverged(Index(1))))
    );
    assert_eq!(follower.raft().role(), RoleKind::Stopped);
}

#[test]
fn a_machine_with_a_past_starts_anew() {
    let store = founded(1, &[1, 2, 3]);
    let machine = Lines(b"from before the crash\n".to_vec());
    let config = Config::new(NodeId(1));
    let replica = Replica::open(config, store, machine, 1, Instant::default()).unwrap();
    assert_eq!(*replica.machine(), Lines::default());
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
fn many_small_commands_do_not_fill_the_log_for_good() {
    let mut group = Group::new(&[1, 2, 3], |config| {
        config.max_log_bytes = 1 << 12;
        config.max_entry_bytes = 100;
        config.trailing_entries = 0;
    });
    for replica in &mut group.replicas {
        replica.snapshot_after(1 << 10); // A quarter of what the log may have.
    }
    applies_everywhere(group, &Bytes::from_static(b"x"), 300);
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
fn a_change_of_members_is_answered() {
    let mut group = Group::new(&[1, 2, 3], |_| {});
    let now = group.now;
    let change = MembershipChange {
        changes: vec![Change::AddLearner(NodeId(4))],
        ..Default::default()
    };
    let position = group.leader().change_membership(now, &change).unwrap();
    let leader = group.leader().raft().config().id.0;
    group.poll();
    assert!(group.said.contains(&(leader, Event::Changed(position))));
}

#[test]
fn a_change_of_members_that_is_lost_is_answered() {
    let mut group = Group::new(&[1, 2, 3], |_| {});
    let now = group.now;
    let change = MembershipChange {
        changes: vec![Change::AddLearner(NodeId(4))],
        ..Default::default()
    };
    let position = group.leader().change_membership(now, &change).unwrap();
    // It leads no longer before anybody hears of it: another one's entry takes the place.
    let id = group.leader().raft().config().id;
    let term = Term(position.term.0 + 1);
    let previous = at(position.term.0, position.index.0 - 1);
    let entries = Entries::one(position.index, Entry::command(term, Bytes::new()));
    let message = Message {
        cluster: ClusterId(0),
        from: NodeId(if id == NodeId(1) { 2 } else { 1 }),
        to: id,
        term,
        incarnation: None,
        body: Body::Append {
            previous,
            commit: position.index,
            entries,
            round: 1,
        },
    };
    let leader = group.leader();
    leader.receive(now, message).unwrap();
    let said = events(leader, now).unwrap();
    assert!(said.contains(&Event::Lost(position)), "{said:?}");
}

#[test]
fn a_proposal_is_answered_when_the_node_stops() {
    let mut group = Group::new(&[1, 2, 3], |_| {});
    let now = group.now;
    let leader = group.leader();
    let position = leader.propose(now, Bytes::from_static(b"x")).unwrap();
    let id = leader.raft().config().id;
    let contradiction = Message {
        cluster: ClusterId(0),
        from: NodeId(if id == NodeId(1) { 2 } else { 1 }),
        to: id,
        term: Term(position.term.0 + 1),
        incarnation: None,
        body: Body::Append {
            previous: at(0, 0),
            commit: Index(1),
            entries: Entries::one(
                Index(1),
                Entry::command(Term(position.term.0 + 1), Bytes::new()),
            ),
            round: 1,
        },
    };
    leader.receive(now, contradiction).unwrap();
    let said = events(leader, now).unwrap();
    let unknown = said
        .iter()
        .position(|event| *event == Event::Unknown(position));
    let stopped = said
        .iter()
        .position(|event| matches!(event, Event::Stopped(_)));
    assert!(unknown.is_some() && unknown < stopped, "{said:?}");
}

#[test]
fn a_silent_replica_can_be_woken() {
    let mut group = Group::new(&[1, 2, 3], |config| config.quiesce = true);
    group.propose(Bytes::from_static(b"x"));
    group.run(Duration::from_secs(5));
    let id = group.leader().raft().config().id;
    assert!(
        group
            .replicas
            .iter()
            .all(|replica| replica.poll_timeout().is_none())
    );
    group
        .replicas
        .retain(|replica| replica.raft().config().id != id);
    let now = group.now;
    for replica in &mut group.replicas {
        replica.wake(now);
    }
    group.run(Duration::from_secs(5));
    assert_ne!(group.leader().raft().config().id, id);
}

#[test]
fn a_newcomer_catches_up_under_load() {
    let mut group = Group::new(&[1, 2, 3], |config| {
        config.snapshot_chunk_bytes = 100;
        config.trailing_entries = 0;
    });
    for replica in &mut group.replicas {
        replica.snapshot_after(1_000);
    }
    let command = Bytes::from_static(b"twenty bytes of data");
    for _ in 0..50 {
        group.propose(command.clone());
    }
    let mut store = MemoryStorage::new();
    store
        .join(Identity::new(ClusterId(0), NodeId(4), 4))
        .unwrap();
    let mut config = Config::new(NodeId(4));
    config.trailing_entries = 0;
    group.replicas.push(open(config, store).unwrap());
    let change = MembershipChange {
        changes: vec![Change::AddLearner(NodeId(4))],
        ..Default::default()
    };
    let now = group.now;
    group.leader().change_membership(now, &change).unwrap();

    // From here on each message takes a step, and each step brings a command or two.
    for _ in 0..200 {
        group.now += Duration::from_millis(20);
        let now = group.now;
        let leader = group.leader();
        leader.propose(now, command.clone()).expect("room");
        let mail = core::mem::take(&mut group.mail);
        for replica in &mut group.replicas {
            replica.handle_timeout(now);
            let id = replica.raft().config().id;
            for message in mail.iter().filter(|message| message.to == id) {
                replica
                    .receive(now, message.clone())
                    .expect("an honest message");
            }
            for event in events(replica, now).expect("a good store") {
                if let Event::Send(message) = event {
                    group.mail.push_back(message);
                }
            }
        }
    }
    let newcomer = group.replicas.last().expect("four");
    assert!(
        newcomer.raft().applied_index() > Index(200),
        "{:?}",
        newcomer.raft().status()
    );
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
