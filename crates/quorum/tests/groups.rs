//! Many groups on a few stores: heartbeats coalesced, silence and how it ends.

extern crate alloc;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use bytes::Bytes;
use core::time::Duration;
use proptest::prelude::*;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_core::time::Instant;
use purlin_quorum::raft::groups::{
    CreateError, GroupId, Groups, Heartbeats, StoreError, StoreInput, StoreMessage, StoreOutput,
};
use purlin_quorum::raft::{
    Change, Config, Configuration, Entry, Input, Output, Payload, ProposeError, Raft, ReadMode,
    ReadToken, Recovered, Refusal, RoleKind, Term,
};

const BEAT: Duration = Duration::from_millis(100);
/// An election timeout and its whole jitter, and some beats for what comes after.
const ELECTION: Duration = Duration::from_millis(2500);

/// What one replica has on its disk, and what its state machine has applied.
#[derive(Default)]
struct Replica {
    disk: Recovered,
    applied: Vec<Bytes>,
}

impl Replica {
    /// The same after a crash: the state machine is built anew from the log.
    fn recovered(&self) -> Recovered {
        self.disk.clone()
    }
}

struct World {
    now: Instant,
    stores: BTreeMap<u64, Groups>,
    replicas: BTreeMap<(u64, GroupId), Replica>,
    mail: VecDeque<StoreMessage>,
    /// Stores that nobody reaches, and that reach nobody.
    cut: BTreeSet<u64>,
    random: SplitMix64,
    /// In a hundred messages, so many are lost, and as many come twice.
    loss: u64,
    /// Messages carried: those of one group, and those of many.
    single: usize,
    coalesced: Vec<Heartbeats>,
    reads: Vec<ReadToken>,
    /// Who led which group in which term.
    leaders: BTreeMap<(GroupId, Term), u64>,
}

impl World {
    /// So many groups on stores 1, 2 and 3.
    fn new(groups: u64, quiesce: bool) -> Self {
        let mut world = Self {
            now: Instant::from_secs(1),
            stores: BTreeMap::new(),
            replicas: BTreeMap::new(),
            mail: VecDeque::new(),
            cut: BTreeSet::new(),
            random: SplitMix64::new(7),
            loss: 0,
            single: 0,
            coalesced: Vec::new(),
            reads: Vec::new(),
            leaders: BTreeMap::new(),
        };
        // As on a host that has many groups with the same members.
        let recovered = Recovered::bootstrap(Configuration::new([1, 2, 3].map(NodeId)));
        for store in 1..=3 {
            world.start(store, store, quiesce);
            for group in 0..groups {
                world.create(store, GroupId(group), recovered.clone());
            }
        }
        world
    }

    fn start(&mut self, store: u64, seed: u64, quiesce: bool) {
        let mut config = Config::new(NodeId(store));
        config.quiesce = quiesce;
        let groups = Groups::new(config, seed, self.now).expect("a valid configuration");
        self.stores.insert(store, groups);
    }

    fn create(&mut self, store: u64, group: GroupId, recovered: Recovered) {
        let replica = Replica {
            disk: recovered.clone(),
            ..Replica::default()
        };
        self.replicas.insert((store, group), replica);
        let now = self.now;
        let groups = self.stores.get_mut(&store).expect("a store");
        groups.create(now, group, recovered).expect("a new group");
    }

    /// The process ends, and starts again from its disk.
    fn restart(&mut self, store: u64, seed: u64) {
        self.start(store, seed, true);
        let now = self.now;
        let groups = self.stores.get_mut(&store).expect("a store");
        for (&(at, group), replica) in &mut self.replicas {
            if at == store {
                replica.applied.clear();
                let recovered = replica.recovered();
                groups.create(now, group, recovered).expect("a new group");
            }
        }
    }

    fn with<T>(&mut self, store: u64, group: u64, act: impl FnOnce(&mut Raft, Instant) -> T) -> T {
        let now = self.now;
        let groups = self.stores.get_mut(&store).expect("a store");
        let done = groups.with(now, GroupId(group), |raft| act(raft, now));
        self.drain(store);
        done.expect("a group")
    }

    /// The loop of every host.
    fn drain(&mut self, store: u64) {
        let now = self.now;
        let groups = self.stores.get_mut(&store).expect("a store");
        while let Some(output) = groups.poll_output() {
            let (group, output) = match output {
                StoreOutput::Send(message) => {
                    assert_eq!(message.from(), NodeId(store));
                    self.mail.push_back(message);
                    continue;
                }
                StoreOutput::Group(group, output) => (group, output),
            };
            let replica = self.replicas.get_mut(&(store, group)).expect("a replica");
            let input = match output {
                Output::Write(write) => {
                    let disk = &mut replica.disk;
                    disk.hard_state = write.hard_state.unwrap_or(disk.hard_state);
                    let keep = usize::try_from(write.entries.first_index().0 - 1).expect("short");
                    if !write.entries.is_empty() {
                        disk.entries.truncate(keep);
                        let entries = write.entries.iter().map(|(_, entry)| entry.clone());
                        disk.entries.extend(entries);
                    }
                    Input::Persisted(write.ticket)
                }
                Output::Commit(entries) => {
                    let commands = entries.iter().filter_map(|(_, entry)| command(entry));
                    replica.applied.extend(commands);
                    Input::Applied(entries.last().expect("some").index)
                }
                Output::ReadReady(token) => {
                    self.reads.push(token);
                    continue;
                }
                Output::Send(_) => panic!("messages come as StoreOutput::Send"),
                _ => continue,
            };
            // A group may be gone by now.
            drop(groups.handle(now, StoreInput::Group(group, input)));
        }
        groups.check_invariants();
        for (group, raft) in groups
            .iter()
            .filter(|(_, raft)| raft.role() == RoleKind::Leader)
        {
            let leader = *self.leaders.entry((group, raft.term())).or_insert(store);
            assert_eq!(leader, store, "two leaders of {group} in {}", raft.term());
        }
    }

    fn deliver(&mut self) {
        while let Some(message) = self.mail.pop_front() {
            let (from, to) = (message.from().0, message.to().0);
            match &message {
                StoreMessage::Group(..) => self.single += 1,
                StoreMessage::Heartbeats(heartbeats) => self.coalesced.push(heartbeats.clone()),
            }
            if self.cut.contains(&from) || self.cut.contains(&to) || !self.stores.contains_key(&to)
            {
                continue;
            }
            let luck = self.random.below(100);
            let copies = if luck < self.loss {
                0
            } else {
                1 + usize::from(luck >= 100 - self.loss)
            };
            for _ in 0..copies {
                self.hand_over(to, message.clone());
            }
        }
    }

    fn hand_over(&mut self, to: u64, message: StoreMessage) {
        let now = self.now;
        let groups = self.stores.get_mut(&to).expect("a store");
        match groups.receive(now, message) {
            Ok(()) | Err(StoreError::UnknownGroup(..)) => {}
            Err(StoreError::Refused(_, error)) => {
                assert_eq!(error.to_string(), Refusal::Stopped.to_string());
            }
            Err(error) => panic!("{error}"),
        }
        self.drain(to);
    }

    /// Lets time pass, from one deadline to the next.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.stores.values().filter_map(Groups::poll_timeout).min()
            && due <= end
        {
            self.now = self.now.max(due);
            self.tick();
        }
        self.now = end;
    }

    fn tick(&mut self) {
        for store in self.stores.keys().copied().collect::<Vec<_>>() {
            let now = self.now;
            let groups = self.stores.get_mut(&store).expect("a store");
            groups.handle_timeout(now);
            assert!(
                groups.poll_timeout().is_none_or(|due| due > now),
                "the host would spin"
            );
            self.drain(store);
        }
        self.deliver();
    }

    /// Who leads, by those that can be reached.
    fn leader(&self, group: u64) -> Option<u64> {
        let reached = self.stores.iter().filter(|(id, _)| !self.cut.contains(id));
        let leads = |groups: &Groups| {
            let raft = groups.get(GroupId(group));
            raft.is_some_and(|raft| raft.role() == RoleKind::Leader)
        };
        let mut leaders = reached
            .filter(|(_, groups)| leads(groups))
            .map(|(&id, _)| id);
        leaders.next()
    }

    fn led_by(&self, store: u64) -> Vec<u64> {
        let groups = self.stores[&store].iter();
        let led = groups.filter(|(_, raft)| raft.role() == RoleKind::Leader);
        led.map(|(group, _)| group.0).collect()
    }

    fn propose(&mut self, group: u64, text: &str) {
        let leader = self.leader(group).expect("a leader");
        let command = Bytes::copy_from_slice(text.as_bytes());
        self.with(leader, group, |raft, now| raft.propose(now, command))
            .expect("it leads");
        self.deliver();
    }

    fn applied(&self, store: u64, group: u64) -> &[Bytes] {
        &self.replicas[&(store, GroupId(group))].applied
    }

    fn all_silent(&self) -> bool {
        self.stores
            .values()
            .all(|groups| groups.status().silent == groups.status().groups)
    }

    fn terms(&self, store: u64) -> BTreeMap<GroupId, Term> {
        self.stores[&store]
            .iter()
            .map(|(group, raft)| (group, raft.term()))
            .collect()
    }

    /// Three stores and so many groups that have elected a leader, have a command, and are silent.
    fn silent(groups: u64) -> Self {
        let mut world = Self::new(groups, true);
        world.run(2 * ELECTION);
        for group in 0..groups {
            world.propose(group, "first");
        }
        world.run(3 * BEAT);
        assert!(world.all_silent());
        for store in 1..=3 {
            assert!(
                !world.led_by(store).is_empty(),
                "each leads some: {groups} are enough"
            );
        }
        world
    }
}

fn command(entry: &Entry) -> Option<Bytes> {
    match &entry.payload {
        Payload::Command(command) if !command.is_empty() => Some(command.clone()),
        _ => None,
    }
}

#[test]
fn heartbeats_of_all_groups_travel_together() {
    let mut world = World::new(100, false);
    world.run(2 * ELECTION);
    (world.single, world.coalesced) = (0, Vec::new());
    world.run(10 * BEAT);
    assert_eq!(world.single, 0);
    // Of three stores, each to two others, ten beats and their answers.
    assert_eq!(world.coalesced.len(), 3 * 2 * 10 * 2);
    let beats: usize = world
        .coalesced
        .iter()
        .map(|message| message.beats.len())
        .sum();
    let answers: usize = world
        .coalesced
        .iter()
        .map(|message| message.answers.len())
        .sum();
    assert_eq!((beats, answers), (100 * 2 * 10, 100 * 2 * 10));
}

#[test]
fn silent_groups_say_nothing_and_wait_for_nothing() {
    let mut world = World::silent(50);
    // Timers from before are left to run out once.
    world.run(ELECTION);
    (world.single, world.coalesced) = (0, Vec::new());
    let timeouts = world.stores.values().filter_map(Groups::poll_timeout);
    let timeouts: BTreeSet<_> = timeouts.collect();
    assert!(
        timeouts.iter().all(|&due| due <= world.now + BEAT),
        "the next beat"
    );
    world.run(20 * BEAT);
    assert_eq!(world.single, 0);
    assert_eq!(
        world.coalesced.len(),
        3 * 2 * 20,
        "a sign of life for each other store and beat"
    );
    for message in &world.coalesced {
        assert!(message.beats.is_empty() && message.answers.is_empty());
    }
    assert!(world.all_silent());
}

#[test]
fn what_is_asked_of_a_silent_group_wakes_it_alone() {
    let mut world = World::silent(20);
    world.propose(3, "second");
    for store in 1..=3 {
        assert_eq!(world.stores[&store].status().silent, 19);
        assert_eq!(world.applied(store, 3), ["first", "second"]);
    }
    world.run(5 * BEAT);
    assert!(world.all_silent(), "and falls silent again");

    // A read through a follower.
    let follower = (1..=3)
        .find(|&store| world.leader(4) != Some(store))
        .expect("two");
    world
        .with(follower, 4, |raft, now| {
            raft.read(now, ReadToken(9), ReadMode::Index)
        })
        .expect("the leader is known");
    world.deliver();
    assert_eq!(world.reads, [ReadToken(9)]);
}

#[test]
fn a_lost_machine_is_replaced_and_disturbs_nobody_when_it_is_back() {
    let mut world = World::silent(60);
    let lost = world.led_by(1);
    let before = [world.terms(2), world.terms(3)];
    world.cut.insert(1);
    // Too early: it may just be slow.
    world.run(5 * BEAT);
    assert!(lost.iter().all(|&group| world.leader(group).is_none()));
    assert!(world.stores[&2].status().silent == 60 && world.stores[&3].status().silent == 60);

    world.run(ELECTION);
    for &group in &lost {
        assert!(
            world.leader(group).is_some(),
            "group {group} has another leader"
        );
        world.propose(group, "without the first");
    }
    // The others have not even noticed.
    let others: Vec<_> = (0..60)
        .filter(|group| !lost.contains(group))
        .map(GroupId)
        .collect();
    for group in &others {
        for (store, before) in [2, 3].into_iter().zip(&before) {
            assert_eq!(world.terms(store)[group], before[group]);
        }
    }
    // The lost store has noticed that it hears of nobody, and tried in vain.
    assert!(
        world.stores[&1]
            .iter()
            .any(|(_, raft)| raft.role() == RoleKind::PreCandidate)
    );

    world.cut.clear();
    world.run(2 * ELECTION);
    assert!(world.all_silent());
    for &group in &lost {
        assert_eq!(world.applied(1, group), ["first", "without the first"]);
    }
    for group in &others {
        assert_eq!(
            world.terms(1)[group],
            before[0][group],
            "{group} keeps its leader"
        );
    }
}

#[test]
fn elections_after_a_loss_are_spread_over_the_jitter() {
    let mut world = World::silent(90);
    let lost = world.led_by(1);
    world.cut.insert(1);
    let mut most = 0;
    let mut led = 0;
    for _ in 0..30 {
        world.run(BEAT);
        let now = lost
            .iter()
            .filter(|&&group| world.leader(group).is_some())
            .count();
        most = most.max(now - led);
        led = now;
    }
    assert_eq!(led, lost.len());
    assert!(most <= lost.len() / 2, "{most} of {led} in one beat");
}

#[test]
fn a_store_that_starts_anew_leads_nothing_of_what_it_led() {
    for down in [Duration::ZERO, 3 * BEAT] {
        let mut world = World::silent(30);
        let led = world.led_by(2);
        world.cut.insert(2);
        world.run(down);
        world.cut.clear();
        world.restart(2, 1000);
        world.run(ELECTION);
        for &group in &led {
            assert!(world.leader(group).is_some());
            world.propose(group, "second");
            assert_eq!(world.applied(2, group), ["first", "second"]);
        }
        world.run(5 * BEAT);
        assert!(world.all_silent());
    }
}

#[test]
fn a_leader_that_stops_or_is_removed_while_its_store_lives_is_replaced() {
    for (remove, lose_the_word) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut world = World::silent(24);
        let led = world.led_by(3);
        let group = led[0];
        world.mail.clear();
        if remove {
            let now = world.now;
            let store = world.stores.get_mut(&3).expect("a store");
            assert!(store.remove(now, GroupId(group)).is_some());
            world.drain(3);
        } else {
            world.with(3, group, |raft, now| raft.write_failed(now));
        }
        assert_eq!(world.mail.len(), 2, "each other store hears of it at once");
        if lose_the_word {
            world.mail.clear();
        }
        world.run(ELECTION);
        let heir = world.leader(group).expect("another leader");
        assert_ne!(heir, 3);
        world.propose(group, "second");
        assert_eq!(world.applied(heir, group), ["first", "second"]);
        world.run(5 * BEAT);
        for &other in &led[1..] {
            assert_eq!(world.leader(other), Some(3), "the others stay");
        }
    }
}

#[test]
fn word_from_before_a_leader_stopped_puts_nobody_to_sleep() {
    let mut world = World::silent(24);
    let group = world.led_by(1)[0];
    // The group wakes, and the message that lets it fall silent again is late.
    world.propose(group, "second");
    let next = world.stores[&1].poll_timeout().expect("a beat");
    world.now = next;
    let store = world.stores.get_mut(&1).expect("a store");
    store.handle_timeout(next);
    world.drain(1);
    let late: Vec<_> = world.mail.drain(..).collect();
    let tells = late.iter().any(|message| match message {
        StoreMessage::Heartbeats(message) => message.beats.iter().any(|beat| beat.quiesce),
        StoreMessage::Group(..) => false,
    });
    assert!(tells, "the late messages are those");
    world.with(1, group, |raft, now| raft.write_failed(now));
    world.deliver();
    for message in late {
        world.hand_over(message.to().0, message);
    }
    world.deliver();
    world.run(ELECTION);
    assert!(world.leader(group).is_some_and(|leader| leader != 1));
}

#[test]
fn silence_comes_through_a_lossy_network() {
    let mut world = World::new(40, true);
    world.loss = 25;
    world.run(6 * ELECTION);
    world.loss = 0;
    let led = (0..40)
        .filter(|&group| world.leader(group).is_some())
        .count();
    assert_eq!(led, 40);
    world.run(10 * BEAT);
    assert!(world.all_silent());
    assert!(
        world
            .coalesced
            .iter()
            .any(|message| message.beats.iter().any(|beat| beat.quiesce))
    );
}

#[test]
fn members_change_in_a_silent_group() {
    let mut world = World::silent(24);
    world.start(4, 44, true);
    world.create(4, GroupId(5), Recovered::joining());
    let leader = world.leader(5).expect("a leader");
    let add = Change::AddVoter(NodeId(4));
    world
        .with(leader, 5, |raft, now| raft.change_membership(now, add))
        .expect("one change");
    world.deliver();
    world.run(10 * BEAT);
    assert!(world.all_silent(), "the newcomer too");
    assert_eq!(world.applied(4, 5), ["first"]);
    assert_eq!(world.stores[&leader].status().peers, 3);
    assert_eq!(world.stores[&4].status().peers, 3);

    // Its silence rests on the leader's store as that of the others does.
    world.cut.insert(leader);
    world.run(ELECTION);
    let heir = world.leader(5).expect("another leader");
    world.cut.clear();
    world.run(2 * ELECTION);
    let remove = Change::Remove(NodeId(4));
    let heir = if heir == 4 {
        world.leader(5).expect("a leader")
    } else {
        heir
    };
    world
        .with(heir, 5, |raft, now| raft.change_membership(now, remove))
        .expect("one change");
    world.deliver();
    let now = world.now;
    world
        .stores
        .get_mut(&4)
        .expect("a store")
        .remove(now, GroupId(5))
        .expect("it is there");
    world.run(ELECTION);
    assert!(world.all_silent());
    let peers = world.stores.values().map(|groups| groups.status().peers);
    assert_eq!(peers.collect::<Vec<_>>(), [2, 2, 2, 0]);
    assert_eq!(
        world.stores[&4].poll_timeout(),
        None,
        "nothing is left to do"
    );
}

#[test]
fn a_process_that_stood_still_takes_nobody_for_lost() {
    let mut world = World::silent(30);
    let terms = world.terms(2);
    // Nobody runs for a minute; then all deadlines are over at once, the mail not yet read.
    world.now += Duration::from_secs(60);
    world.tick();
    world.run(20 * BEAT);
    assert!(world.all_silent());
    assert_eq!(world.terms(2), terms);
}

#[test]
fn what_cannot_be_is_refused() {
    let mut world = World::silent(24);
    let now = world.now;
    let leader = world.leader(0).expect("a leader");
    let other = leader % 3 + 1;
    let store = world.stores.get_mut(&other).expect("a store");
    let again = store.create(now, GroupId(0), Recovered::joining());
    assert_eq!(again, Err(CreateError::Exists(GroupId(0))));
    let impossible = Recovered {
        applied: purlin_quorum::raft::Index(1),
        ..Recovered::joining()
    };
    let error = store.create(now, GroupId(77), impossible).unwrap_err();
    assert!(matches!(error, CreateError::Start(_)));
    assert!(store.get(GroupId(77)).is_none());

    let command = Bytes::from_static(b"kept");
    let input = Input::Propose(command.clone());
    match store.handle(now, StoreInput::Group(GroupId(77), input.clone())) {
        Err(StoreError::UnknownGroup(GroupId(77), back)) => assert_eq!(*back, input),
        other => panic!("{other:?}"),
    }
    match store.handle(now, StoreInput::Group(GroupId(0), input)) {
        Err(StoreError::Refused(GroupId(0), purlin_quorum::raft::Error::Propose(error))) => {
            let leader = Some(NodeId(leader));
            let reason = Refusal::NotLeader { leader };
            assert_eq!(
                error,
                ProposeError {
                    reason,
                    proposal: command
                }
            );
        }
        other => panic!("{other:?}"),
    }
    let heartbeats = world
        .coalesced
        .iter()
        .find(|message| message.to.0 == leader);
    let message = StoreMessage::Heartbeats(heartbeats.expect("some").clone());
    let misdirected = world
        .stores
        .get_mut(&other)
        .expect("a store")
        .receive(now, message);
    assert_eq!(misdirected, Err(StoreError::Misdirected));
}

/// One thing that happens to a world.
#[derive(Clone, Debug)]
enum Event {
    Pass(u64),
    Propose(u64),
    Transfer(u64, u64),
    Loss(u64),
    Cut(u64),
    Heal,
    Restart(u64, u64),
    Back(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1..2000_u64).prop_map(Event::Pass),
        6 => (0..8_u64).prop_map(Event::Propose),
        1 => (0..8_u64, 1..4_u64).prop_map(|(group, to)| Event::Transfer(group, to)),
        2 => (0..40_u64).prop_map(Event::Loss),
        1 => (1..4_u64).prop_map(Event::Cut),
        2 => Just(Event::Heal),
        1 => (1..4_u64, any::<u64>()).prop_map(|(store, seed)| Event::Restart(store, seed)),
        1 => (1..3000_u64).prop_map(Event::Back),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever happens: what was acknowledged stays, all apply the same, and when the trouble is
    /// over every group has a leader, takes commands, and falls silent.
    #[test]
    fn nothing_is_lost_and_all_groups_recover(events in prop::collection::vec(event(), 1..60)) {
        let mut world = World::new(8, true);
        // By group: what some leader has applied after it was proposed.
        let mut done: BTreeMap<u64, Vec<Bytes>> = BTreeMap::new();
        let mut latest = world.now;
        for (number, event) in events.into_iter().enumerate() {
            latest = latest.max(world.now);
            match event {
                Event::Pass(time) => world.run(Duration::from_millis(time)),
                Event::Propose(group) => if let Some(leader) = world.leader(group) {
                    let command = Bytes::from(format!("{number}"));
                    let proposed = command.clone();
                    drop(world.with(leader, group, |raft, now| raft.propose(now, proposed)));
                    world.deliver();
                    if world.applied(leader, group).contains(&command) {
                        done.entry(group).or_default().push(command);
                    }
                },
                Event::Transfer(group, to) => if let Some(leader) = world.leader(group) {
                    let transfer = |raft: &mut Raft, now| raft.transfer_leadership(now, NodeId(to));
                    drop(world.with(leader, group, transfer));
                    world.deliver();
                },
                Event::Loss(percent) => world.loss = percent,
                Event::Cut(store) => { world.cut.insert(store); }
                Event::Heal => world.cut.clear(),
                Event::Restart(store, seed) => world.restart(store, seed),
                Event::Back(time) => {
                    let back = world.now.as_nanos().saturating_sub(time * 1_000_000);
                    world.now = Instant::from_nanos(back);
                    world.tick();
                }
            }
        }
        (world.cut, world.loss) = (BTreeSet::new(), 0);
        // Until a clock that went back is where it was, nothing is due.
        world.now = latest.max(world.now);
        world.run(4 * ELECTION);
        for group in 0..8 {
            prop_assert!(world.leader(group).is_some(), "group {} has no leader", group);
            world.propose(group, "last");
            let applied = world.applied(1, group).to_vec();
            prop_assert_eq!(&applied, world.applied(2, group));
            prop_assert_eq!(&applied, world.applied(3, group));
            prop_assert_eq!(applied.last().map(|last| &last[..]), Some(&b"last"[..]));
            let mut kept = applied.iter();
            for command in done.get(&group).into_iter().flatten() {
                prop_assert!(kept.any(|kept| kept == command), "{:?} is lost or moved", command);
            }
        }
        world.run(10 * BEAT);
        prop_assert!(world.all_silent());
    }
}

/// Requested heap of an idle replica, the replica itself included.
#[test]
fn an_idle_replica_is_small() {
    const GROUPS: u64 = 1000;
    for quiesce in [false, true] {
        let mut kept = None;
        let heap = allocation_counter::measure(|| {
            let mut world = World::new(GROUPS, quiesce);
            world.run(2 * ELECTION);
            for group in 0..GROUPS {
                world.propose(group, &"x".repeat(64));
            }
            world.run(5 * BEAT);
            kept = Some(world.stores);
        });
        let stores = kept.expect("three stores");
        let led: usize = stores.values().map(|store| store.status().led).sum();
        assert_eq!(led as u64, GROUPS);
        let each = heap.bytes_current as f64 / (3 * GROUPS) as f64;
        println!("an idle replica, quiesce {quiesce}: {each:.0} bytes");
        assert!(each <= 1024.0, "{each} bytes a replica");
    }
}
