//! The short ways against the long one: whatever they do, and answer, `receive` would.

use crate::raft::groups::{Answer, Beat, GroupId};
use crate::raft::{
    Body, Config, Configuration, Message, Output, Position, Raft, ReadMode, ReadToken, Recovered,
};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::num::NonZeroU64;
use core::time::Duration;
use proptest::prelude::*;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// One group, and how often each short way was taken.
struct Cluster {
    now: Instant,
    nodes: Vec<Raft>,
    mail: VecDeque<Message>,
    beats: usize,
    answers: usize,
}

impl Cluster {
    fn new(leases: bool, quiesce: bool, incarnations: bool) -> Self {
        let members = Configuration::new([1, 2, 3].map(NodeId));
        let nodes = (1..=3).map(|id| {
            let mut config = Config::new(NodeId(id));
            config.lease_drift_ppm = leases.then_some(100);
            config.quiesce = quiesce;
            config.incarnation = incarnations.then(|| NonZeroU64::MIN.saturating_add(id));
            let recovered = Recovered::bootstrap(members.clone());
            Raft::new(config, recovered, id, Instant::default()).expect("a valid start")
        });
        Self {
            now: Instant::default(),
            nodes: nodes.collect(),
            mail: VecDeque::new(),
            beats: 0,
            answers: 0,
        }
    }

    /// Makes the first node ask for votes, when a lease that it may have promised is over.
    fn elect(&mut self) {
        self.now += self.nodes[0].config().election_timeout;
        self.nodes[0].campaign(self.now).expect("a voter");
        self.drain(0);
    }

    fn drain(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        while let Some(output) = node.poll_output() {
            match output {
                Output::Send(message) => self.mail.push_back(message),
                Output::Write(write) => node.persisted(self.now, write.ticket).expect("its ticket"),
                Output::Commit(entries) => {
                    let last = entries.last().expect("some").index;
                    node.applied(self.now, last).expect("given out");
                }
                _ => {}
            }
        }
    }

    /// Takes the message at `which`, early, late or in turn.
    fn deliver(&mut self, which: usize) {
        let Some(message) = self.mail.remove(which % self.mail.len().max(1)) else {
            return;
        };
        let at = usize::try_from(message.to.0).expect("of three") - 1;
        self.compare(at, &message);
        drop(self.nodes[at].receive(self.now, message));
        self.drain(at);
    }

    /// Both ways, each on a copy.
    fn compare(&mut self, at: usize, message: &Message) {
        let mut short = self.nodes[at].clone();
        let Some(said) = self.take_short_way(&mut short, message) else {
            return;
        };
        let mut long = self.nodes[at].clone();
        long.receive(self.now, message.clone())
            .expect("an honest message");
        let mut heard = None;
        while let Some(output) = long.poll_output() {
            let Output::Send(reply) = output else {
                panic!("{output:?} is lost on the short way");
            };
            let answer = answer(&reply).expect("else it is lost on the short way");
            assert_eq!((reply.to, heard.replace(answer)), (message.from, None));
        }
        assert_eq!(said, heard);
        assert_eq!(state(short), state(long));
    }

    /// What the short way answers, if it is one.
    fn take_short_way(&mut self, node: &mut Raft, message: &Message) -> Option<Option<Answer>> {
        let (from, incarnation) = (message.from, message.incarnation);
        if let Some(answer) = answer(message) {
            let short = node.hear_answer(self.now, from, incarnation, &answer);
            self.answers += usize::from(short);
            return short.then_some(None);
        }
        let Body::Heartbeat {
            commit,
            round,
            quiesce,
        } = message.body
        else {
            return None;
        };
        let (group, term) = (GROUP, message.term);
        let end = Position::new(term, commit);
        let quiesce = quiesce.inspect(|&last| assert_eq!(last, end, "a beat says it all"));
        let beat = Beat {
            group,
            term,
            commit,
            round,
            quiesce: quiesce.is_some(),
        };
        let answer = node.hear_beat(self.now, from, incarnation, &beat)?;
        self.beats += 1;
        Some(Some(answer))
    }
}

const GROUP: GroupId = GroupId(1);

/// The answer that a message is.
fn answer(message: &Message) -> Option<Answer> {
    let (group, term) = (GROUP, message.term);
    match message.body {
        Body::HeartbeatAck {
            matched,
            received,
            round,
            quiesced,
        } => Some(Answer {
            group,
            term,
            matched,
            received,
            round,
            quiesced,
        }),
        _ => None,
    }
}

/// All of a node but the jitter of its timeout.
fn state(mut node: Raft) -> String {
    let least = node.now + node.config.election_timeout;
    if let (None, Some(deadline)) = (node.leading(), node.deadline) {
        assert!(deadline >= least, "too early");
        assert!(deadline <= least + node.config.election_jitter, "too late");
        node.deadline = None;
    }
    node.random = purlin_core::random::SplitMix64::new(0);
    format!("{node:?}")
}

/// So many milliseconds pass; a node is asked something; a message arrives.
#[derive(Clone, Debug)]
enum Event {
    Pass(u64),
    Propose(usize),
    Read(usize),
    Deliver(usize),
    Lose,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1..200_u64).prop_map(Event::Pass),
        1 => (0..3_usize).prop_map(Event::Propose),
        1 => (0..3_usize).prop_map(Event::Read),
        12 => prop_oneof![Just(0), 0..6_usize].prop_map(Event::Deliver),
        1 => Just(Event::Lose),
    ]
}

fn play(cluster: &mut Cluster, events: &[Event]) {
    for event in events {
        let now = cluster.now;
        match *event {
            Event::Pass(time) => {
                cluster.now += Duration::from_millis(time);
                for at in 0..3 {
                    cluster.nodes[at].handle_timeout(cluster.now);
                    cluster.drain(at);
                }
            }
            Event::Propose(at) => {
                drop(cluster.nodes[at].propose(now, Bytes::from_static(b"x")));
                cluster.drain(at);
            }
            Event::Read(at) => {
                drop(cluster.nodes[at].read(now, ReadToken(1), ReadMode::Index));
                cluster.drain(at);
            }
            Event::Deliver(which) => cluster.deliver(which),
            Event::Lose => drop(cluster.mail.pop_front()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_short_ways_lead_where_the_long_one_does(
        leases: bool,
        quiesce: bool,
        incarnations: bool,
        events in prop::collection::vec(event(), 0..400),
    ) {
        let mut cluster = Cluster::new(leases, quiesce, incarnations);
        cluster.elect();
        play(&mut cluster, &events);
    }
}

#[test]
fn the_short_ways_are_taken() {
    let mut cluster = Cluster::new(true, false, true);
    cluster.elect();
    let quiet: Vec<_> = [Event::Pass(100)]
        .into_iter()
        .chain((0..20).map(|_| Event::Deliver(0)))
        .collect();
    for _ in 0..12 {
        play(&mut cluster, &quiet);
    }
    // The first beats find out that there is nothing to do.
    assert!(
        cluster.beats >= 2 * 8 && cluster.answers >= 2 * 8,
        "{}",
        cluster.beats
    );
}
