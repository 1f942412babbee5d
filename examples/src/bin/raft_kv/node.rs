//! One node: a state machine, and a loop around a `Replica` of it.

use crate::net::{Input, Network, Reply};
use alloc::collections::BTreeMap;
use bytes::Bytes;
use core::error::Error;
use core::hash::BuildHasher as _;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::time::{Clock as _, SystemClock};
use purlin_quorum::raft::replica::{Event, Replica, RestoreError, StateMachine};
use purlin_quorum::raft::storage::{FileOptions, FileStorage, Identity, Storage as _};
use purlin_quorum::raft::{
    Change, ClusterId, Config, Configuration, Index, Position, ReadMode, ReadToken, Refusal,
};
use std::hash::RandomState;
use std::path::Path;

const CLUSTER: ClusterId = ClusterId(0x6b76);
const FOUNDERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
const USAGE: &str = "error: set KEY VALUE | get KEY | leader | add NODE | remove NODE";

/// Keys and values: a command is `key value`, and so is a line of a snapshot.
#[derive(Debug, Default)]
struct Store(BTreeMap<String, String>);

impl StateMachine for Store {
    type Reply = ();

    fn apply(&mut self, _: Index, command: &Bytes) {
        // What is no pair changes nothing, on every node.
        let pair = core::str::from_utf8(command).ok();
        if let Some((key, value)) = pair.and_then(|pair| pair.split_once(' ')) {
            self.0.insert(key.to_owned(), value.to_owned());
        }
    }

    fn snapshot(&self) -> Bytes {
        let lines = self.0.iter().map(|(key, value)| format!("{key} {value}\n"));
        lines.collect::<String>().into()
    }

    fn restore(&mut self, snapshot: &Bytes) -> Result<(), RestoreError> {
        self.0.clear();
        for line in core::str::from_utf8(snapshot)?.lines() {
            let (key, value) = line.split_once(' ').ok_or("a line without a value")?;
            self.0.insert(key.to_owned(), value.to_owned());
        }
        Ok(())
    }
}

/// Runs until the disk fails, or somebody ends the process.
pub(crate) fn run(id: NodeId, directory: &Path) -> Result<(), Box<dyn Error>> {
    let clock = SystemClock::new();
    let mut replica = open(id, &directory.join(id.0.to_string()), clock)?;
    let mut network = Network::open(id, directory)?;
    let mut waiting = Waiting::default();
    loop {
        let deadline = replica.poll_timeout();
        let wait = deadline.map_or(Duration::MAX, |deadline| deadline - clock.now());
        // Everything that has arrived, then one sync for all of it.
        for input in network.wait(wait) {
            match input {
                // What is refused is not of this group: it counts as lost.
                Input::Message(message) => drop(replica.receive(clock.now(), message)),
                Input::Unreachable(peer) => replica.unreachable(clock.now(), peer),
                Input::Request(line, reply) => waiting.request(&mut replica, clock, &line, reply),
            }
        }
        replica.handle_timeout(clock.now());
        while let Some(event) = replica.poll_event(clock.now())? {
            match event {
                Event::Send(message) => network.send(message),
                Event::Stopped(reason) => return Err(format!("stopped: {reason:?}").into()),
                event => waiting.answer(replica.machine(), event),
            }
        }
    }
}

/// Opens the node's store, which is made at its first start.
fn open(
    id: NodeId,
    directory: &Path,
    clock: SystemClock,
) -> Result<Replica<FileStorage, Store>, Box<dyn Error>> {
    let random = || RandomState::new().hash_one(id);
    let mut storage = FileStorage::open(directory, FileOptions::default())?;
    let identity = Identity::new(CLUSTER, id, random());
    if FOUNDERS.contains(&id) {
        storage.bootstrap_if_empty(identity, Configuration::new(FOUNDERS))?;
    } else if storage.identity().is_none() {
        storage.join(identity)?;
    }
    let mut config = Config::new(id);
    config.cluster = CLUSTER;
    config.election_timeout = Duration::from_millis(500);
    config.election_jitter = Duration::from_millis(500);
    config.heartbeat_interval = Duration::from_millis(50);
    let mut replica = Replica::open(config, storage, Store::default(), random(), clock.now())?;
    replica.snapshot_after(16 << 10); // little, to show it
    Ok(replica)
}

/// Clients that wait: for what they proposed, or to read a key.
#[derive(Default)]
struct Waiting {
    writes: BTreeMap<Position, Reply>,
    reads: BTreeMap<ReadToken, (String, Reply)>,
    last_read: u64,
}

impl Waiting {
    fn request(
        &mut self,
        replica: &mut Replica<FileStorage, Store>,
        clock: SystemClock,
        line: &str,
        reply: Reply,
    ) {
        let now = clock.now();
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let node = argument.parse().map(NodeId);
        let mut change = |change: Change| replica.change_membership(now, change);
        let proposed = match (verb, node) {
            ("add", Ok(node)) => change(Change::AddVoter(node)),
            ("remove", Ok(node)) => change(Change::Remove(node)),
            ("set", _) if argument.contains(' ') => {
                let proposed = replica.propose(now, argument.to_owned().into());
                proposed.map_err(|refused| refused.reason)
            }
            // Any node answers: a follower asks the leader how far it has to be.
            ("get", _) => {
                self.last_read += 1;
                let token = ReadToken(self.last_read);
                match replica.read(now, token, ReadMode::Index) {
                    Ok(()) => drop(self.reads.insert(token, (argument.to_owned(), reply))),
                    Err(refusal) => refuse(&refusal, reply),
                }
                return;
            }
            ("leader", _) => match replica.leader() {
                Some(leader) => return reply.send(&format!("leader {}", leader.0)),
                None => return reply.send("again"),
            },
            _ => return reply.send(USAGE),
        };
        match proposed {
            Ok(position) => drop(self.writes.insert(position, reply)),
            Err(refusal) => refuse(&refusal, reply),
        }
    }

    fn answer(&mut self, store: &Store, event: Event<()>) {
        let (position, answer) = match event {
            Event::Applied(position, ()) | Event::MembersChanged(position) => (position, "ok"),
            Event::Lost(position) => (position, "again"),
            Event::Unknown(position) => (position, "unknown"),
            Event::ReadReady(token) => {
                if let Some((key, reply)) = self.reads.remove(&token) {
                    let value = store.0.get(&key);
                    reply.send(
                        &value.map_or_else(|| "none".into(), |value| format!("value {value}")),
                    );
                }
                return;
            }
            Event::ReadAborted(token, _) => {
                if let Some((_, reply)) = self.reads.remove(&token) {
                    reply.send("again");
                }
                return;
            }
            _ => return,
        };
        if let Some(reply) = self.writes.remove(&position) {
            reply.send(answer);
        }
    }
}

/// Nothing was done: says where to go, or what is wrong.
fn refuse(refusal: &Refusal, reply: Reply) {
    match refusal {
        Refusal::NotLeader {
            leader: Some(leader),
        } => reply.send(&format!("moved {}", leader.0)),
        Refusal::Change(_) | Refusal::TooLarge { .. } => reply.send(&format!("error: {refusal}")),
        _ => reply.send("again"),
    }
}
