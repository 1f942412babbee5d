//! Any order of anything that can happen to a small group: messages late, twice, overtaken or lost, disks that are slow
//! and crash, campaigns, changes of members, snapshots. Two leaders never share a term, and what one node applies at an
//! index every node applies there.
#![no_main]

use arbitrary::Arbitrary;
use bytes::Bytes;
use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::{
    Change, Config, Configuration, Entries, Entry, Index, Message, Output, Raft, ReadMode,
    ReadToken, Recovered, RoleKind, SnapshotChunk, Term, Write,
};
use std::collections::{BTreeMap, VecDeque};

/// Founders, and one who may join.
const FOUNDERS: u8 = 3;
const NODES: u8 = 4;
/// Messages under way, at most: what comes on top is lost.
const MAX_MAIL: usize = 64;

#[derive(Arbitrary, Debug)]
enum Step {
    Time(u8),
    Timeout(u8),
    Deliver(u8),
    Lose(u8),
    Repeat(u8),
    Persist(u8),
    Crash(u8),
    Campaign(u8),
    Propose(u8),
    Change(u8, u8),
    Transfer(u8, u8),
    Read(u8, bool),
    Compact(u8),
}

struct Node {
    raft: Raft,
    /// Written and not durable.
    writes: VecDeque<Write>,
    disk: Recovered,
}

struct Group {
    now: Instant,
    starts: u64,
    nodes: Vec<Node>,
    mail: Vec<Message>,
    leaders: BTreeMap<Term, NodeId>,
    applied: BTreeMap<Index, Entry>,
}

fn config(id: u8) -> Config {
    let mut config = Config::new(NodeId(u64::from(id) + 1));
    config.trailing_entries = 2;
    config.max_unapplied_bytes = 8;
    config.lease_drift_ppm = Some(1_000);
    config
}

impl Node {
    fn start(id: u8, disk: Recovered, seed: u64, now: Instant) -> Self {
        let raft =
            Raft::new(config(id), disk.clone(), seed, now).expect("what the disk holds is sound");
        Self {
            raft,
            writes: VecDeque::new(),
            disk,
        }
    }

    /// The oldest write becomes durable.
    fn persist(&mut self, now: Instant) -> bool {
        let Some(write) = self.writes.pop_front() else {
            return false;
        };
        if let Some(hard_state) = write.hard_state {
            self.disk.hard_state = hard_state;
        }
        if !write.entries.is_empty() {
            let base = self.disk.snapshot.position.index;
            // A leader's log in memory may begin before its snapshot.
            let entries = write.entries.from(base.next());
            let keep = usize::try_from(entries.first_index() - base.next()).expect("small");
            assert!(keep <= self.disk.entries.len(), "a gap in the log");
            self.disk.entries.truncate(keep);
            self.disk
                .entries
                .extend(entries.iter().map(|(_, entry)| entry.clone()));
        }
        self.raft.persisted(now, write.ticket).expect("its ticket");
        true
    }
}

impl Group {
    fn new() -> Self {
        let founders = Configuration::new((1..=u64::from(FOUNDERS)).map(NodeId));
        let now = Instant::default();
        let nodes = (0..NODES).map(|id| {
            let founds = id < FOUNDERS;
            let disk = if founds {
                Recovered::bootstrap(founders.clone())
            } else {
                Recovered::joining()
            };
            Node::start(id, disk, u64::from(id), now)
        });
        Self {
            now,
            starts: u64::from(NODES),
            nodes: nodes.collect(),
            mail: Vec::new(),
            leaders: BTreeMap::new(),
            applied: BTreeMap::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        let now = self.now;
        let at = |node: u8| usize::from(node % NODES);
        let node = match *step {
            Step::Time(tenths) => {
                self.now += Duration::from_millis(100 * u64::from(tenths));
                return;
            }
            Step::Lose(message) | Step::Deliver(message) | Step::Repeat(message) => {
                if self.mail.is_empty() {
                    return;
                }
                let chosen = usize::from(message) % self.mail.len();
                let message = match step {
                    Step::Repeat(_) => self.mail[chosen].clone(),
                    _ => self.mail.remove(chosen),
                };
                let node = usize::try_from(message.to.0 - 1).expect("small");
                if !matches!(step, Step::Lose(_)) {
                    let _ = self.nodes[node].raft.receive(now, message);
                }
                node
            }
            Step::Timeout(node) => {
                self.nodes[at(node)].raft.handle_timeout(now);
                at(node)
            }
            Step::Persist(node) => {
                self.nodes[at(node)].persist(now);
                at(node)
            }
            Step::Crash(node) => {
                let disk = self.nodes[at(node)].disk.clone();
                self.starts += 1;
                self.nodes[at(node)] = Node::start(node % NODES, disk, self.starts, now);
                at(node)
            }
            // What a node cannot do now it refuses.
            Step::Campaign(node) => {
                let _ = self.nodes[at(node)].raft.campaign(now);
                at(node)
            }
            Step::Propose(node) => {
                let _ = self.nodes[at(node)]
                    .raft
                    .propose(now, Bytes::copy_from_slice(&[node; 5]));
                at(node)
            }
            Step::Change(node, what) => {
                let who = NodeId(u64::from(what >> 4) % u64::from(NODES) + 1);
                let changes = match what & 7 {
                    0..=2 => vec![Change::AddVoter(who)],
                    3 => vec![Change::AddLearner(who)],
                    4 => vec![Change::AddWitness(who)],
                    5 => vec![Change::Remove(who)],
                    _ => vec![
                        Change::Remove(who),
                        Change::AddVoter(NodeId(u64::from(NODES))),
                    ],
                };
                let _ = self.nodes[at(node)].raft.change_membership(now, changes);
                at(node)
            }
            Step::Transfer(node, to) => {
                let to = NodeId(u64::from(to % NODES) + 1);
                let _ = self.nodes[at(node)].raft.transfer_leadership(now, to);
                at(node)
            }
            Step::Read(node, lease) => {
                let mode = if lease {
                    ReadMode::Lease
                } else {
                    ReadMode::Index
                };
                let _ = self.nodes[at(node)].raft.read(now, ReadToken(1), mode);
                at(node)
            }
            Step::Compact(node) => {
                self.compact(at(node));
                at(node)
            }
        };
        self.drain(node);
        self.check(node);
    }

    /// A snapshot of what is applied and durable; nothing is in it, as no state is kept.
    fn compact(&mut self, node: usize) {
        let Node { raft, disk, .. } = &mut self.nodes[node];
        let base = disk.snapshot.position.index;
        let durable = base + disk.entries.len() as u64;
        let Some(meta) = raft.snapshot_meta(raft.applied_index().min(durable), 7) else {
            return;
        };
        if meta.position.index <= base {
            return;
        }
        raft.compact(self.now, meta.clone()).expect("applied here");
        let covered = usize::try_from(meta.position.index - base).expect("small");
        disk.entries.drain(..covered);
        disk.applied = meta.position.index;
        disk.snapshot = meta;
    }

    /// Does what a node asks for, but for its writes, which take their time.
    fn drain(&mut self, at: usize) {
        let now = self.now;
        while let Some(output) = self.nodes[at].raft.poll_output() {
            let node = &mut self.nodes[at];
            match output {
                Output::Write(write) => node.writes.push_back(write),
                Output::Send(message) if self.mail.len() < MAX_MAIL => self.mail.push(message),
                Output::Commit(entries) => {
                    let witness = node.raft.configuration().is_witness(node.raft.config().id);
                    apply(&mut self.applied, &entries, witness);
                    let last = entries.last().expect("never none").index;
                    node.raft.applied(now, last).expect("given out");
                }
                Output::FetchChunk(request) => {
                    let (to, data) = (request.to, Bytes::from_static(b"snapshot"));
                    let chunk = SnapshotChunk {
                        meta: request.meta,
                        offset: 0,
                        data,
                        done: true,
                    };
                    if request.offset == 0 && chunk.meta == node.disk.snapshot {
                        node.raft.chunk(now, to, chunk).expect("asked for");
                    }
                }
                Output::StoreChunk(chunk) => {
                    while node.persist(now) {}
                    node.disk.snapshot = chunk.meta.clone();
                    node.disk.applied = chunk.meta.position.index;
                    node.disk.entries.clear();
                    let stored = chunk.offset + chunk.data.len() as u64;
                    node.raft
                        .chunk_stored(now, &chunk.meta, stored)
                        .expect("given out");
                }
                Output::Stopped(reason) => {
                    panic!("no disk failed, and no cluster became another: {reason:?}")
                }
                _ => {}
            }
        }
    }

    fn check(&mut self, at: usize) {
        let raft = &self.nodes[at].raft;
        raft.check_invariants();
        if raft.role() == RoleKind::Leader {
            let id = raft.config().id;
            let first = *self.leaders.entry(raft.term()).or_insert(id);
            assert_eq!(first, id, "two leaders in {}", raft.term());
        }
    }
}

/// Whoever applies at an index first says what everybody applies there; a witness has no commands.
fn apply(applied: &mut BTreeMap<Index, Entry>, entries: &Entries, witness: bool) {
    for (index, entry) in entries.iter() {
        match applied.get(&index) {
            Some(first) if witness => assert_eq!(first.term, entry.term, "at {index}"),
            Some(first) if first.payload.is_empty() => {
                assert_eq!(first.term, entry.term, "at {index}")
            }
            Some(first) => assert!(
                first == entry || entry.payload.is_empty(),
                "at {index}: {first:?}, {entry:?}"
            ),
            None => drop(applied.insert(index, entry.clone())),
        }
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut group = Group::new();
    for step in &steps {
        group.take(step);
    }
});
