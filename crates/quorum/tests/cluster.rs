//! A group in one process, messages handed over directly: the life of a log without faults.

extern crate alloc;

use alloc::collections::{BTreeMap, VecDeque};
use bytes::Bytes;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::{
    Change, Config, Configuration, Index, Message, Output, Payload, Raft, ReadMode, ReadToken,
    Recovered, RoleKind, SnapshotChunk, SnapshotMeta,
};

/// One node and what its host has done for it.
struct Node {
    raft: Raft,
    applied: Vec<Bytes>,
    snapshot: Option<(SnapshotMeta, Vec<u8>)>,
    storing: Vec<u8>,
    reads: Vec<ReadToken>,
}

struct Cluster {
    now: Instant,
    nodes: BTreeMap<u64, Node>,
    mail: VecDeque<Message>,
    cut: Vec<u64>,
}

impl Cluster {
    fn new(voters: &[u64]) -> Self {
        let mut cluster = Self {
            now: Instant::default(),
            nodes: BTreeMap::new(),
            mail: VecDeque::new(),
            cut: Vec::new(),
        };
        for &id in voters {
            let configuration = Configuration::new(voters.iter().copied().map(NodeId));
            cluster.add(id, Recovered::bootstrap(configuration));
        }
        cluster
    }

    fn add(&mut self, id: u64, recovered: Recovered) {
        let mut config = Config::new(NodeId(id));
        config.trailing_entries = 0;
        config.snapshot_chunk_bytes = 7;
        config.lease_drift_ppm = Some(1000);
        let raft = Raft::new(config, recovered, id, self.now).expect("a valid configuration");
        let node = Node {
            raft,
            applied: Vec::new(),
            snapshot: None,
            storing: Vec::new(),
            reads: Vec::new(),
        };
        self.nodes.insert(id, node);
    }

    fn with<T>(&mut self, id: u64, act: impl FnOnce(&mut Raft, Instant) -> T) -> T {
        let now = self.now;
        let done = act(&mut self.nodes.get_mut(&id).expect("a node").raft, now);
        self.drain(id);
        done
    }

    /// The loop of every host.
    fn drain(&mut self, id: u64) {
        let now = self.now;
        let node = self.nodes.get_mut(&id).expect("a node");
        while let Some(output) = node.raft.poll_output() {
            match output {
                Output::Write(write) => node.raft.persisted(now, write.ticket).expect("its ticket"),
                Output::Send(message) => self.mail.push_back(message),
                Output::Commit(entries) => {
                    for (_, entry) in entries.iter() {
                        if let Payload::Command(command) = &entry.payload {
                            node.applied
                                .extend((!command.is_empty()).then(|| command.clone()));
                        }
                    }
                    let last = entries.last().expect("some").index;
                    node.raft.applied(now, last).expect("given out");
                }
                Output::ReadReady(token) => node.reads.push(token),
                Output::FetchChunk(request) => {
                    let (meta, data) = node.snapshot.as_ref().expect("a snapshot");
                    assert_eq!(*meta, request.meta);
                    let from = usize::try_from(request.offset).expect("small");
                    let to = data.len().min(from + request.max_bytes as usize);
                    let chunk = SnapshotChunk {
                        meta: request.meta,
                        offset: request.offset,
                        data: Bytes::copy_from_slice(&data[from..to]),
                        done: to == data.len(),
                    };
                    node.raft
                        .chunk(now, request.to, chunk)
                        .expect("what it asked for");
                }
                Output::StoreChunk(chunk) => {
                    node.storing
                        .truncate(usize::try_from(chunk.offset).expect("small"));
                    node.storing.extend_from_slice(&chunk.data);
                    if chunk.done {
                        let all = core::mem::take(&mut node.storing);
                        node.applied = all
                            .split(|&byte| byte == b',')
                            .map(Bytes::copy_from_slice)
                            .collect();
                        node.snapshot = Some((chunk.meta.clone(), all));
                    }
                    let end = chunk.offset + chunk.data.len() as u64;
                    node.raft
                        .chunk_stored(now, &chunk.meta, end)
                        .expect("what was given out");
                }
                _ => {}
            }
        }
    }

    fn deliver(&mut self) {
        while let Some(message) = self.mail.pop_front() {
            let (from, to) = (message.from.0, message.to.0);
            if self.nodes.contains_key(&to) && !self.cut.contains(&to) && !self.cut.contains(&from)
            {
                self.with(to, |raft, now| raft.receive(now, message))
                    .expect("an honest message");
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(10);
            for id in self.nodes.keys().copied().collect::<Vec<_>>() {
                self.with(id, |raft, now| raft.handle_timeout(now));
            }
            self.deliver();
        }
    }

    fn leader(&self) -> u64 {
        let mut leaders: Vec<_> = self
            .nodes
            .iter()
            .filter(|(id, node)| node.raft.role() == RoleKind::Leader && !self.cut.contains(id))
            .collect();
        leaders.sort_by_key(|(_, node)| node.raft.term());
        *leaders.last().expect("a leader").0
    }

    fn propose(&mut self, command: &str) {
        let leader = self.leader();
        let command = Bytes::copy_from_slice(command.as_bytes());
        self.with(leader, |raft, now| raft.propose(now, command))
            .expect("a leader takes it");
        self.deliver();
    }

    fn compact(&mut self, id: u64) {
        let node = &self.nodes[&id];
        let meta = node
            .raft
            .snapshot_meta(node.raft.applied_index(), 1)
            .expect("applied");
        let data = node.applied.join(&b","[..]);
        self.nodes.get_mut(&id).expect("a node").snapshot = Some((meta.clone(), data));
        self.with(id, |raft, now| raft.compact(now, meta))
            .expect("applied");
    }
}

#[test]
fn elects_replicates_and_fails_over() {
    let mut cluster = Cluster::new(&[1, 2, 3]);
    cluster.run(Duration::from_secs(3));
    let first = cluster.leader();
    for command in ["a", "b", "c"] {
        cluster.propose(command);
    }
    for node in cluster.nodes.values() {
        assert_eq!(node.applied, ["a", "b", "c"]);
    }
    cluster.cut.push(first);
    cluster.run(Duration::from_secs(4));
    let second = cluster.leader();
    assert_ne!(first, second);
    cluster.propose("d");
    cluster.cut.clear();
    cluster.run(Duration::from_secs(1));
    assert_eq!(cluster.nodes[&first].applied, ["a", "b", "c", "d"]);
    assert_eq!(cluster.leader(), second, "who comes back disturbs nobody");
}

#[test]
fn reads_by_round_lease_and_follower() {
    let mut cluster = Cluster::new(&[1, 2, 3]);
    cluster.run(Duration::from_secs(3));
    cluster.propose("a");
    let leader = cluster.leader();
    let follower = cluster
        .nodes
        .keys()
        .copied()
        .find(|&id| id != leader)
        .expect("two others");
    cluster
        .with(leader, |raft, now| {
            raft.read(now, ReadToken(1), ReadMode::Index)
        })
        .expect("leads");
    assert!(
        cluster.nodes[&leader].reads.is_empty(),
        "not before a quorum has answered"
    );
    cluster.deliver();
    cluster
        .with(leader, |raft, now| {
            raft.read(now, ReadToken(2), ReadMode::Lease)
        })
        .expect("leads");
    assert_eq!(cluster.nodes[&leader].reads, [ReadToken(1), ReadToken(2)]);
    cluster
        .with(follower, |raft, now| {
            raft.read(now, ReadToken(3), ReadMode::Index)
        })
        .expect("led");
    cluster.deliver();
    assert_eq!(cluster.nodes[&follower].reads, [ReadToken(3)]);
}

#[test]
fn a_newcomer_gets_a_snapshot_in_parts() {
    let mut cluster = Cluster::new(&[1, 2, 3]);
    cluster.run(Duration::from_secs(3));
    for number in 0..20 {
        cluster.propose(&format!("command {number}"));
    }
    let leader = cluster.leader();
    cluster.compact(leader);
    cluster.add(4, Recovered::joining());
    let change = Change::AddLearner(NodeId(4));
    cluster
        .with(leader, |raft, now| raft.change_membership(now, change))
        .expect("one change");
    cluster.deliver();
    cluster.run(Duration::from_secs(2));
    assert_eq!(cluster.nodes[&4].applied.len(), 20);
    cluster.propose("last");
    assert_eq!(cluster.nodes[&4].applied.len(), 21);
    assert!(
        cluster.nodes[&4]
            .raft
            .configuration()
            .learners()
            .contains(&NodeId(4))
    );
}

#[test]
fn leadership_goes_where_it_is_sent() {
    let mut cluster = Cluster::new(&[1, 2, 3]);
    cluster.run(Duration::from_secs(3));
    let leader = cluster.leader();
    let heir = cluster
        .nodes
        .keys()
        .copied()
        .find(|&id| id != leader)
        .expect("two others");
    cluster
        .with(leader, |raft, now| {
            raft.transfer_leadership(now, NodeId(heir))
        })
        .expect("a voter");
    cluster.deliver();
    assert_eq!(cluster.leader(), heir);
    assert_eq!(cluster.nodes[&leader].raft.role(), RoleKind::Follower);
}

#[test]
fn a_single_node_leads_itself() {
    let mut cluster = Cluster::new(&[1]);
    cluster.run(Duration::from_secs(3));
    cluster.propose("alone");
    assert_eq!(cluster.nodes[&1].applied, ["alone"]);
    assert_eq!(cluster.nodes[&1].raft.commit_index(), Index(2));
}
