//! Three machines with many groups, and the network between them.

use crate::replica::Replica;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use bytes::Bytes;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_core::time::Instant;
use purlin_quorum::raft::groups::{
    GroupId, Groups, GroupsError, GroupsInput, GroupsMessage, GroupsOutput, Heartbeats,
};
use purlin_quorum::raft::{
    Config, Configuration, Output, Raft, ReadToken, Recovered, Refusal, RoleKind, Term,
};

pub(crate) const BEAT: Duration = Duration::from_millis(100);
/// An election timeout and its whole jitter, and some beats for what comes after.
pub(crate) const ELECTION: Duration = Duration::from_millis(2500);

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) machines: BTreeMap<u64, Groups>,
    replicas: BTreeMap<(u64, GroupId), Replica>,
    pub(crate) mail: VecDeque<GroupsMessage>,
    /// Machines that nobody reaches, and that reach nobody.
    pub(crate) cut: BTreeSet<u64>,
    random: SplitMix64,
    /// In a hundred messages, so many are lost, and as many come twice.
    pub(crate) loss: u64,
    /// Messages carried: those of one group, and those of many.
    pub(crate) single: usize,
    pub(crate) coalesced: Vec<Heartbeats>,
    pub(crate) reads: Vec<ReadToken>,
    /// Who led which group in which term.
    leaders: BTreeMap<(GroupId, Term), u64>,
}

impl World {
    /// So many groups on machines 1, 2 and 3.
    pub(crate) fn new(groups: u64, quiesce: bool) -> Self {
        let mut world = Self {
            now: Instant::from_secs(1),
            machines: BTreeMap::new(),
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
        for machine in 1..=3 {
            world.start(machine, machine, quiesce);
            for group in 0..groups {
                world.create(machine, GroupId(group), recovered.clone());
            }
        }
        world
    }

    pub(crate) fn start(&mut self, machine: u64, seed: u64, quiesce: bool) {
        let mut config = Config::new(NodeId(machine));
        config.quiesce = quiesce;
        let groups = Groups::new(config, seed, self.now).expect("a valid configuration");
        self.machines.insert(machine, groups);
    }

    pub(crate) fn create(&mut self, machine: u64, group: GroupId, recovered: Recovered) {
        let replica = Replica {
            disk: recovered.clone(),
            ..Replica::default()
        };
        self.replicas.insert((machine, group), replica);
        let now = self.now;
        let groups = self.machines.get_mut(&machine).expect("a machine");
        groups.create(now, group, recovered).expect("a new group");
    }

    /// The process ends, and starts again from its disk.
    pub(crate) fn restart(&mut self, machine: u64, seed: u64) {
        self.start(machine, seed, true);
        let now = self.now;
        let groups = self.machines.get_mut(&machine).expect("a machine");
        for (&(at, group), replica) in &mut self.replicas {
            if at == machine {
                replica.applied.clear();
                let recovered = replica.recovered();
                groups.create(now, group, recovered).expect("a new group");
            }
        }
    }

    pub(crate) fn with<T>(
        &mut self,
        machine: u64,
        group: u64,
        act: impl FnOnce(&mut Raft, Instant) -> T,
    ) -> T {
        let now = self.now;
        let groups = self.machines.get_mut(&machine).expect("a machine");
        let done = groups.with(now, GroupId(group), |raft| act(raft, now));
        self.drain(machine);
        done.expect("a group")
    }

    /// The loop of every host.
    pub(crate) fn drain(&mut self, machine: u64) {
        let now = self.now;
        let groups = self.machines.get_mut(&machine).expect("a machine");
        while let Some(output) = groups.poll_output() {
            let (group, output) = match output {
                GroupsOutput::Send(message) => {
                    assert_eq!(message.from(), NodeId(machine));
                    self.mail.push_back(message);
                    continue;
                }
                GroupsOutput::Group(group, output) => (group, output),
            };
            let replica = self.replicas.get_mut(&(machine, group)).expect("a replica");
            if let Output::ReadReady(token) = output {
                self.reads.push(token);
            } else if let Some(input) = replica.carry_out(output) {
                // A group may be gone by now.
                drop(groups.handle(now, GroupsInput::Group(group, input)));
            }
        }
        groups.check_invariants();
        for (group, raft) in groups
            .iter()
            .filter(|(_, raft)| raft.role() == RoleKind::Leader)
        {
            let leader = *self.leaders.entry((group, raft.term())).or_insert(machine);
            assert_eq!(leader, machine, "two leaders of {group} in {}", raft.term());
        }
    }

    pub(crate) fn deliver(&mut self) {
        while let Some(message) = self.mail.pop_front() {
            let (from, to) = (message.from().0, message.to().0);
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            assert_eq!(GroupsMessage::decode(bytes).as_ref(), Ok(&message));
            match &message {
                GroupsMessage::Group(..) => self.single += 1,
                GroupsMessage::Heartbeats(heartbeats) => self.coalesced.push(heartbeats.clone()),
            }
            if self.cut.contains(&from)
                || self.cut.contains(&to)
                || !self.machines.contains_key(&to)
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

    pub(crate) fn hand_over(&mut self, to: u64, message: GroupsMessage) {
        let now = self.now;
        let groups = self.machines.get_mut(&to).expect("a machine");
        match groups.receive(now, message) {
            Ok(()) | Err(GroupsError::UnknownGroup(..)) => {}
            Err(GroupsError::Refused(_, error)) => {
                assert_eq!(error.to_string(), Refusal::Stopped.to_string());
            }
            Err(error) => panic!("{error}"),
        }
        self.drain(to);
    }

    /// Lets time pass, from one deadline to the next.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self
            .machines
            .values()
            .filter_map(Groups::poll_timeout)
            .min()
            && due <= end
        {
            self.now = self.now.max(due);
            self.tick();
        }
        self.now = end;
    }

    pub(crate) fn tick(&mut self) {
        for machine in self.machines.keys().copied().collect::<Vec<_>>() {
            let now = self.now;
            let groups = self.machines.get_mut(&machine).expect("a machine");
            groups.handle_timeout(now);
            assert!(
                groups.poll_timeout().is_none_or(|due| due > now),
                "the host would spin"
            );
            self.drain(machine);
        }
        self.deliver();
    }

    /// Who leads, by those that can be reached.
    pub(crate) fn leader(&self, group: u64) -> Option<u64> {
        let reached = self
            .machines
            .iter()
            .filter(|(id, _)| !self.cut.contains(id));
        let leads = |groups: &Groups| {
            let raft = groups.get(GroupId(group));
            raft.is_some_and(|raft| raft.role() == RoleKind::Leader)
        };
        let mut leaders = reached
            .filter(|(_, groups)| leads(groups))
            .map(|(&id, _)| id);
        leaders.next()
    }

    pub(crate) fn led_by(&self, machine: u64) -> Vec<u64> {
        let groups = self.machines[&machine].iter();
        let led = groups.filter(|(_, raft)| raft.role() == RoleKind::Leader);
        led.map(|(group, _)| group.0).collect()
    }

    pub(crate) fn propose(&mut self, group: u64, text: &str) {
        let leader = self.leader(group).expect("a leader");
        let command = Bytes::copy_from_slice(text.as_bytes());
        self.with(leader, group, |raft, now| raft.propose(now, command))
            .expect("it leads");
        self.deliver();
    }

    pub(crate) fn applied(&self, machine: u64, group: u64) -> &[Bytes] {
        &self.replicas[&(machine, GroupId(group))].applied
    }

    pub(crate) fn all_silent(&self) -> bool {
        self.machines
            .values()
            .all(|groups| groups.status().silent == groups.status().groups)
    }

    pub(crate) fn terms(&self, machine: u64) -> BTreeMap<GroupId, Term> {
        self.machines[&machine]
            .iter()
            .map(|(group, raft)| (group, raft.term()))
            .collect()
    }

    /// Three machines and so many groups that have elected a leader, have a command, and are silent.
    pub(crate) fn silent(groups: u64) -> Self {
        let mut world = Self::new(groups, true);
        world.run(2 * ELECTION);
        for group in 0..groups {
            world.propose(group, "first");
        }
        world.run(3 * BEAT);
        assert!(world.all_silent());
        for machine in 1..=3 {
            assert!(
                !world.led_by(machine).is_empty(),
                "each leads some: {groups} are enough"
            );
        }
        world
    }
}
