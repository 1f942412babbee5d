//! Schedules that a network, a host or an enemy may bring about, one by one: each of these once broke
//! something.

use bytes::Bytes;
use core::num::NonZeroU64;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::random::{Random, RandomExt as _, SplitMix64};
use purlin_core::time::Instant;
use purlin_quorum::raft::{
    Body, Change, ClusterId, Config, Configuration, Entries, Entry, Index, Message, Output,
    Position, Raft, ReadMode, ReadToken, Recovered, RoleKind, SnapshotChunk, SnapshotMeta, Term,
};

const MS: Duration = Duration::from_millis(1);

/// Some nodes, whose disks and state machines are quick, and the mail between them.
struct Group {
    now: Instant,
    nodes: Vec<Raft>,
    mail: Vec<Message>,
    fenced: Vec<(u64, NodeId)>,
}

impl Group {
    /// Founders 1 to `count`; nobody campaigns by itself.
    fn new(count: u64, adapt: impl Fn(&mut Config)) -> Self {
        let founders = Configuration::new((1..=count).map(NodeId));
        let now = Instant::default() + 3_600_000 * MS;
        let nodes = (1..=count).map(|id| {
            let mut config = Config::new(NodeId(id));
            adapt(&mut config);
            let recovered = Recovered::bootstrap(founders.clone());
            Raft::new(config, recovered, id, now).expect("valid")
        });
        Self {
            now,
            nodes: nodes.collect(),
            mail: Vec::new(),
            fenced: Vec::new(),
        }
    }

    fn node(&self, id: u64) -> &Raft {
        &self.nodes[usize::try_from(id).expect("small") - 1]
    }

    fn with<T>(&mut self, id: u64, act: impl FnOnce(&mut Raft, Instant) -> T) -> T {
        let raft = &mut self.nodes[usize::try_from(id).expect("small") - 1];
        let done = act(raft, self.now);
        while let Some(output) = raft.poll_output() {
            match output {
                Output::Write(write) => raft.persisted(self.now, write.ticket).expect("its ticket"),
                Output::Send(message) => self.mail.push(message),
                Output::Commit(entries) => raft
                    .applied(self.now, entries.last().expect("some").index)
                    .expect("given out"),
                Output::StoreChunk(chunk) => {
                    let end = chunk.offset + chunk.data.len() as u64;
                    raft.chunk_stored(self.now, &chunk.meta, end)
                        .expect("given out");
                }
                Output::Fenced(peer) => self.fenced.push((id, peer)),
                _ => {}
            }
        }
        done
    }

    fn receive(&mut self, message: Message) {
        self.with(message.to.0, |raft, now| raft.receive(now, message))
            .expect("an honest message");
    }

    /// Takes the mail that `which` picks off the network.
    fn take(&mut self, which: impl Fn(&Message) -> bool) -> Vec<Message> {
        self.mail.extract_if(.., |message| which(message)).collect()
    }

    /// Delivers everything between these, in order, until nothing is under way; the rest is lost.
    /// Gives up after many messages.
    fn settle(&mut self, among: &[u64]) -> usize {
        let mut count = 0;
        while !self.mail.is_empty() && count < 10_000 {
            let message = self.mail.remove(0);
            if among.contains(&message.from.0) && among.contains(&message.to.0) {
                self.receive(message);
                count += 1;
            }
        }
        count
    }

    fn pass(&mut self, time: Duration, among: &[u64]) {
        let end = self.now + time;
        while self.now < end {
            self.now += 10 * MS;
            for &id in among {
                self.with(id, |raft, now| raft.handle_timeout(now));
            }
            self.settle(among);
        }
    }

    fn elect(&mut self, id: u64, among: &[u64]) {
        self.now += 5_000 * MS; // No promise holds any more.
        self.with(id, |raft, now| raft.campaign(now))
            .expect("it may");
        self.settle(among);
        assert_eq!(self.node(id).role(), RoleKind::Leader);
    }

    fn propose(&mut self, id: u64, bytes: usize) -> Index {
        self.with(id, |raft, now| {
            raft.propose(now, Bytes::from(vec![7; bytes]))
        })
        .expect("it leads")
        .index
    }

    fn change(&mut self, id: u64, change: Change) {
        self.with(id, |raft, now| raft.change_membership(now, change))
            .expect("one change");
    }

    /// Starts a node from an empty disk.
    fn wipe(&mut self, id: u64, incarnation: u64, recovered: Recovered) {
        let mut config = self.node(id).config().clone();
        config.incarnation = config
            .incarnation
            .and_then(|_| NonZeroU64::new(incarnation));
        let at = usize::try_from(id).expect("small") - 1;
        self.nodes[at] = Raft::new(config, recovered, id, self.now).expect("valid");
    }
}

#[test]
fn a_lost_log_is_noticed_though_messages_come_in_order() {
    let all = [1, 2, 3];
    let mut group = Group::new(3, |_| {});
    group.elect(1, &all);
    group.propose(1, 1);
    group.settle(&all);
    group.pass(300 * MS, &all);
    let founders = Configuration::new(all.map(NodeId));
    group.wipe(3, 1, Recovered::bootstrap(founders));
    group.pass(1_000 * MS, &all);
    assert_eq!(group.fenced, [(1, NodeId(3))]);
}

#[test]
fn answers_that_overtake_each_other_fence_nobody() {
    let mut group = Group::new(3, |_| {});
    group.elect(2, &[1, 2]);
    group.propose(2, 1);
    group.settle(&[1, 2]);
    // Node 1 is elected; what it says to node 3 is slow.
    group.now += 5_000 * MS;
    group
        .with(1, |raft, now| raft.campaign(now))
        .expect("it may");
    let mut early = Vec::new();
    while !group.mail.is_empty() {
        let message = group.mail.remove(0);
        match message.to {
            NodeId(3) => early.push(message),
            _ => group.receive(message),
        }
    }
    // The next heartbeat arrives, and its answer is lost.
    group.now += 100 * MS;
    group.with(1, |raft, now| raft.handle_timeout(now));
    for heartbeat in group.take(|message| message.to == NodeId(3)) {
        group.receive(heartbeat);
    }
    group.mail.clear();
    // Then the probe, which node 3 rejects, having nothing. The network repeats the rejection.
    let is_probe = |message: &Message| matches!(message.body, Body::Append { .. });
    let probe = early.iter().find(|message| is_probe(message));
    group.receive(probe.expect("one").clone());
    let rejection = group.take(|_| true).remove(0);
    assert!(matches!(rejection.body, Body::Rejected { .. }));
    group.receive(rejection.clone());
    for entries in group.take(|message| message.to == NodeId(3)) {
        group.receive(entries);
    }
    // The first heartbeat arrives, and its answer before that to the entries.
    group.mail.clear();
    let is_heartbeat = |message: &Message| matches!(message.body, Body::Heartbeat { .. });
    let heartbeat = early.iter().find(|message| is_heartbeat(message));
    group.receive(heartbeat.expect("one").clone());
    for answer in group.take(|_| true) {
        group.receive(answer);
    }
    let status = group.node(1).status();
    assert_eq!(status.peers[1].matched, group.node(3).last_position().index);
    // And now the repeated rejection.
    group.receive(rejection);
    assert_eq!(group.fenced, []);
}

#[test]
fn who_is_fenced_is_not_counted() {
    let all = [1, 2, 3, 4, 5];
    let mut group = Group::new(5, |config| config.incarnation = NonZeroU64::new(1));
    group.elect(1, &all);
    let committed = group.node(1).commit_index();
    let index = group.propose(1, 1);
    group.settle(&[1, 2]); // Two of five have it.
    assert_eq!(group.node(1).commit_index(), committed);
    // Node 2 loses its disk, and the leader learns of it.
    let founders = Configuration::new(all.map(NodeId));
    group.wipe(2, 2, Recovered::bootstrap(founders));
    group.now += 100 * MS;
    group.with(1, |raft, now| raft.handle_timeout(now));
    group.settle(&[1, 2]);
    let hello = Message {
        cluster: ClusterId(0),
        from: NodeId(2),
        to: NodeId(1),
        term: group.node(1).term(),
        incarnation: NonZeroU64::new(2),
        body: Body::HeartbeatAck {
            matched: Index(0),
            received: Index(0),
            round: 1,
            quiesced: false,
        },
    };
    group.receive(hello);
    assert_eq!(group.fenced, [(1, NodeId(2))]);
    // Node 3 gets it: that makes two of five who have it.
    group.pass(300 * MS, &[1, 3]);
    assert!(group.node(3).last_position().index >= index);
    assert_eq!(group.node(1).commit_index(), committed);
}

#[test]
fn a_log_that_is_full_of_what_is_to_be_replaced_has_room() {
    let all = [1, 2, 3];
    let mut group = Group::new(3, |config| {
        config.max_log_bytes = 1_000;
        config.max_entry_bytes = 1_000;
    });
    group.elect(1, &all);
    // The leader is cut off and goes on for a while.
    for _ in 0..40 {
        group.propose(1, 100);
    }
    group.settle(&[1]);
    group.elect(2, &[2, 3]);
    let index = group.propose(2, 100);
    group.settle(&[2, 3]);
    group.pass(3_000 * MS, &all);
    assert!(
        group
            .nodes
            .iter()
            .all(|raft| raft.term() == group.node(2).term())
    );
    for raft in &group.nodes {
        assert!(raft.commit_index() >= index, "{:?}", raft.status());
        assert_eq!(raft.last_position(), group.node(2).last_position());
    }
}

#[test]
fn nobody_campaigns_away_the_lease_it_has_promised() {
    for pre_vote in [true, false] {
        let all = [1, 2, 3];
        let mut group = Group::new(3, |config| {
            config.lease_drift_ppm = Some(1_000);
            config.pre_vote = pre_vote;
        });
        group.elect(1, &all);
        group.pass(300 * MS, &all);
        // Node 3 loses sight of the leader for long; node 2 keeps the leader's lease alive.
        group.pass(1_500 * MS, &[1, 2]);
        assert!(group.node(1).lease_read(group.now).is_some());
        let _ = group.with(2, |raft, now| raft.campaign(now));
        group.settle(&[2, 3]);
        if group.node(2).role() == RoleKind::Leader {
            group.propose(2, 1);
            group.settle(&[2, 3]);
            let stale = group.node(1).lease_read(group.now);
            assert_eq!(stale, None, "the new leader has committed something else");
        }
    }
}

#[test]
fn who_comes_back_with_another_disk_is_heard_by_those_who_learn_of_it_late() {
    let mut group = Group::new(4, |config| config.incarnation = NonZeroU64::new(1));
    let all = [1, 2, 3, 4];
    group.elect(1, &all);
    group.elect(4, &all); // So that everybody knows the disk of 4.
    group.elect(1, &all);
    group.pass(300 * MS, &all);
    // Node 3 hears nothing while node 4 goes and comes back.
    group.change(1, Change::Remove(NodeId(4)));
    group.settle(&[1, 2, 4]);
    group.wipe(4, 2, Recovered::joining());
    group.change(1, Change::AddVoter(NodeId(4)));
    group.settle(&[1, 2, 4]);
    group.pass(300 * MS, &[1, 2, 4]);
    group.pass(3_000 * MS, &all);
    group.elect(4, &all);
    let index = group.propose(4, 1);
    group.pass(1_000 * MS, &all);
    assert_eq!(group.node(3).leader(), group.node(4).leader());
    assert!(group.node(3).commit_index() >= index);
}

#[test]
fn an_answer_from_before_the_last_entry_silences_no_leader() {
    let all = [1, 2, 3];
    let mut group = Group::new(3, |config| config.quiesce = true);
    group.elect(1, &all);
    let silent = |group: &Group| {
        group
            .nodes
            .iter()
            .map(Raft::is_quiesced)
            .collect::<Vec<_>>()
    };
    // The heartbeat after the first entry is committed asks for silence. The answers are slow.
    group.now += 100 * MS;
    group.with(1, |raft, now| raft.handle_timeout(now));
    let heartbeats = group.take(|message| message.from == NodeId(1));
    for heartbeat in heartbeats {
        group.receive(heartbeat);
    }
    let answers = group.take(|_| true);
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.body, Body::HeartbeatAck { quiesced: true, .. }))
    );
    // Meanwhile there is something to do. Everything arrives in order.
    group.propose(1, 1);
    group.mail.splice(0..0, answers);
    group.settle(&all);
    // The next heartbeat asks again, and does not reach node 3.
    group.now += 100 * MS;
    group.with(1, |raft, now| raft.handle_timeout(now));
    group.settle(&[1, 2]);
    assert!(
        !group.node(1).is_quiesced() || group.node(3).is_quiesced(),
        "{:?}",
        silent(&group)
    );
}

#[test]
fn in_the_last_term_nobody_votes_twice() {
    let mut group = Group::new(3, |config| config.pre_vote = false);
    let last = Term(u64::MAX);
    let ask = |from, to| Message {
        cluster: ClusterId(0),
        from: NodeId(from),
        to: NodeId(to),
        term: last,
        incarnation: None,
        body: Body::RequestVote {
            last: Position::default(),
            transfer: false,
        },
    };
    group.receive(ask(2, 1));
    assert_eq!(group.node(1).status().vote, Some(NodeId(2)));
    group.now += 5_000 * MS;
    let _ = group.with(1, |raft, now| raft.campaign(now));
    group.with(1, |raft, now| raft.handle_timeout(now));
    assert_eq!(group.node(1).status().vote, Some(NodeId(2)));
}

#[test]
fn what_a_node_acknowledged_in_an_earlier_life_is_not_its_own() {
    let all = [1, 2, 3, 4];
    let mut group = Group::new(4, |_| {});
    group.elect(1, &all);
    group.propose(1, 1);
    // The answer of node 4 is slow: it comes after node 4 was removed and added with an empty disk.
    let is_slow = |message: &Message| {
        message.from == NodeId(4) && matches!(message.body, Body::Appended { .. })
    };
    let mut slow = Vec::new();
    while !group.mail.is_empty() {
        let message = group.mail.remove(0);
        if is_slow(&message) {
            slow.push(message);
        } else {
            group.receive(message);
        }
    }
    assert!(!slow.is_empty());
    group.change(1, Change::Remove(NodeId(4)));
    group.settle(&all);
    group.pass(300 * MS, &[1, 2, 3]);
    group.wipe(4, 2, Recovered::joining());
    group.change(1, Change::AddVoter(NodeId(4)));
    group.settle(&[1, 2, 3]);
    for message in slow {
        group.receive(message);
    }
    let status = group.node(1).status();
    let peer = status
        .peers
        .iter()
        .find(|peer| peer.id == NodeId(4))
        .expect("a peer");
    assert_eq!(peer.matched, Index(0), "its disk is empty");
}

/// Numbers that break arithmetic, numbers that mean something, and the present one.
fn number(random: &mut impl Random, present: u64) -> u64 {
    let numbers = [
        0,
        1,
        2,
        3,
        u64::MAX - 1,
        u64::MAX,
        present,
        present,
        present,
        present.saturating_add(1),
    ];
    numbers[usize::try_from(random.below(numbers.len() as u64)).expect("small")]
}

/// A message of any kind with any numbers, for a node that stands there.
#[expect(clippy::too_many_lines, reason = "one arm for each kind of message")]
fn malice(random: &mut impl Random, raft: &Raft, extremes: bool) -> Message {
    let last = raft.last_position();
    let present = if extremes {
        last.index.0.min(u64::MAX - 1)
    } else {
        last.index.0
    };
    let term = raft.term().0;
    let mut index = || Index(number(random, present));
    let (one, two) = (index(), index());
    let position = Position::new(Term(number(random, last.term.0.min(u64::MAX - 1))), one);
    let round = number(random, 3);
    let flag = random.below(2) == 0;
    let meta = SnapshotMeta {
        position,
        configuration: raft.configuration().clone(),
        id: random.below(2),
    };
    let count = random.below(3);
    let entries = (0..count).map(|_| Entry::command(Term(term), Bytes::from_static(b"x")));
    let body = match random.below(16) {
        0 => Body::RequestPreVote {
            last: position,
            priority: u32::MAX,
        },
        1 => Body::PreVote { granted: flag },
        2 => Body::RequestVote {
            last: position,
            transfer: flag,
        },
        3 => Body::Vote { granted: true },
        4 | 5 => {
            // Mostly after what it has.
            let previous = if flag { last } else { position };
            let first = previous.index.next();
            let entries = Entries::try_new(first, entries.collect());
            let entries = entries.unwrap_or_else(|_| Entries::empty(first));
            Body::Append {
                previous,
                commit: two,
                entries,
                round,
            }
        }
        6 => Body::Appended {
            matched: one,
            round,
        },
        7 => Body::Rejected {
            previous: two,
            hint: position,
            last: one,
            round,
        },
        8 => Body::Full {
            matched: one,
            round,
        },
        9 => Body::Commit { commit: one },
        10 => Body::Heartbeat {
            commit: one,
            round,
            quiesce: flag.then_some(position),
        },
        11 => Body::HeartbeatAck {
            matched: one,
            received: two,
            round,
            quiesced: flag,
        },
        12 => Body::Snapshot(SnapshotChunk {
            meta,
            offset: [0, 1, u64::MAX][usize::try_from(random.below(3)).expect("small")],
            data: Bytes::from_static(b"y"),
            done: flag,
        }),
        13 => Body::SnapshotAck {
            meta,
            stored: two.0,
            round,
        },
        14 => Body::TimeoutNow,
        _ if flag => Body::RequestReadIndex {
            token: ReadToken(one.0),
        },
        _ => Body::ReadIndex {
            token: ReadToken(one.0),
            index: Some(two),
        },
    };
    let asks = matches!(body, Body::RequestPreVote { .. } | Body::PreVote { .. });
    let term = match random.below(if extremes { 40 } else { 20 }) {
        0 => term.saturating_add(1),
        1 => term.saturating_sub(1),
        20 => u64::MAX - 1,
        21 => u64::MAX,
        _ if asks => term.saturating_add(1),
        _ => term,
    };
    Message {
        cluster: ClusterId(0),
        from: NodeId(2 + random.below(3)),
        to: NodeId(1),
        term: Term(term),
        incarnation: None,
        body,
    }
}

#[test]
fn nothing_that_an_enemy_says_makes_a_node_panic() {
    let mut led = 0;
    for seed in 0..3_000 {
        let random = &mut SplitMix64::new(seed);
        let mut group = Group::new(3, |config| {
            config.lease_drift_ppm = (seed % 2 == 0).then_some(1_000);
            config.pre_vote = seed % 3 == 0;
            config.quiesce = seed % 5 == 0;
            config.max_log_bytes = if seed % 7 == 0 { 500 } else { 1 << 20 };
            config.max_entry_bytes = config.max_log_bytes;
            config.trailing_entries = 0;
        });
        for _ in 0..200 {
            group.now += Duration::from_millis(random.below(400));
            let from_enemy = malice(random, group.node(1), seed % 4 == 0);
            group.with(1, |raft, now| {
                let _ = raft.receive(now, from_enemy);
            });
            group.with(1, |raft, now| raft.handle_timeout(now));
            group.with(1, |raft, now| {
                led += u32::from(raft.role() == RoleKind::Leader);
                let _ = raft.propose(now, Bytes::from_static(b"z"));
                let _ = raft.read(now, ReadToken(1), ReadMode::Index);
                let _ = raft.propose_all(now, vec![Bytes::from_static(b"z"); 2]);
                if let Some(meta) = raft.snapshot_meta(raft.applied_index(), 1) {
                    let _ = raft.compact(now, meta);
                }
            });
            group.mail.clear();
            let raft = group.node(1);
            assert!(raft.applied_index() <= raft.commit_index());
            assert!(raft.commit_index() <= raft.last_position().index);
        }
    }
    assert!(led > 1_000, "leaders are attacked too: {led}");
}

#[test]
fn who_cannot_win_holds_back_nobody_who_can() {
    for preferred in [0, 1] {
        let mut group = Group::new(5, |config| {
            config.priority = u32::from(config.id == NodeId(1)) * preferred;
        });
        // Two of five are down, and 1 and 3 do not reach each other: only 2 reaches a quorum.
        for _ in 0..6_000 {
            group.now += 10 * MS;
            for id in [1, 2, 3] {
                group.with(id, |raft, now| raft.handle_timeout(now));
            }
            while !group.mail.is_empty() {
                let message = group.mail.remove(0);
                let ends = [message.from.0, message.to.0];
                if ends.contains(&2) && ends.iter().all(|&end| end <= 3) {
                    group.receive(message);
                }
            }
        }
        let role = group.node(2).role();
        assert_eq!(
            role,
            RoleKind::Leader,
            "after a minute, priority {preferred}"
        );
    }
}
