//! Many groups on three machines, each of which holds a replica of every group.

use alloc::sync::Arc;

use bytes::Bytes;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::groups::{GroupId, Groups, GroupsMessage, GroupsOutput};
use purlin_quorum::raft::{Config, Configuration, Output, Recovered};

use super::cluster::TICK;

const IDS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

pub(super) struct Machines {
    pub(super) each: [Groups; 3],
    mail: Vec<GroupsMessage>,
    now: Instant,
}

impl Machines {
    /// So many groups, all led by the first machine, with one command each. Heartbeats every other
    /// tick, which is what a beat is.
    pub(super) fn new(groups: usize, seed: u64) -> Self {
        let now = Instant::default() + TICK;
        let each = IDS.map(|id| {
            let mut config = Config::new(id);
            config.election_timeout = TICK * 10;
            config.election_jitter = TICK * 10;
            config.heartbeat_interval = TICK * 2;
            Groups::new(config, seed ^ id.0, now).expect("a valid configuration")
        });
        let members = Arc::new(Configuration::new(IDS));
        let mail = Vec::new();
        let mut machines = Self { each, mail, now };
        for group in (0..groups as u64).map(GroupId) {
            for machine in &mut machines.each {
                let recovered = Recovered::bootstrap(Arc::clone(&members));
                machine.create(now, group, recovered).expect("a new group");
            }
            machines.each[0].with(now, group, |raft| raft.campaign(now));
            machines.settle();
            let command = Bytes::from_owner([1; 64]);
            machines.each[0].with(now, group, |raft| raft.propose(now, command));
            machines.settle();
        }
        machines
    }

    /// The time passes by a tick for all groups.
    pub(super) fn tick(&mut self) {
        self.now += TICK;
        for machine in &mut self.each {
            machine.handle_timeout(self.now);
        }
        self.settle();
    }

    /// Does what machines ask for until they ask for nothing.
    fn settle(&mut self) {
        let now = self.now;
        loop {
            for machine in &mut self.each {
                while let Some(output) = machine.poll_output() {
                    match output {
                        GroupsOutput::Send(message) => self.mail.push(message),
                        GroupsOutput::Group(group, Output::Write(write)) => {
                            machine.with(now, group, |raft| raft.persisted(now, write.ticket));
                        }
                        GroupsOutput::Group(group, Output::Commit(entries)) => {
                            let last = entries.last().expect("some").index;
                            machine.with(now, group, |raft| raft.applied(now, last));
                        }
                        GroupsOutput::Group(..) => {}
                    }
                }
            }
            if self.mail.is_empty() {
                return;
            }
            for message in self.mail.drain(..) {
                let at = IDS
                    .iter()
                    .position(|&id| id == message.to())
                    .expect("a machine");
                self.each[at]
                    .receive(now, message)
                    .expect("an honest message");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_groups_keep_their_leader() {
        let mut machines = Machines::new(50, 1);
        (0..50).for_each(|_| machines.tick());
        assert_eq!(machines.each[0].status().led, 50);
        let applied =
            |machine: &Groups| machine.iter().all(|(_, raft)| raft.applied_index().0 == 2);
        assert!(machines.each.iter().all(applied));
    }
}
