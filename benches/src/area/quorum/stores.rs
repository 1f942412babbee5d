//! Many groups on three stores, each of which holds a replica of every group.

use alloc::sync::Arc;

use bytes::Bytes;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::groups::{GroupId, Groups, StoreMessage, StoreOutput};
use purlin_quorum::raft::{Config, Configuration, Output, Recovered};

use super::cluster::TICK;

const IDS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

pub(super) struct Stores {
    pub(super) stores: [Groups; 3],
    mail: Vec<StoreMessage>,
    now: Instant,
}

impl Stores {
    /// So many groups, all led by the first store, with one command each. Heartbeats every other
    /// tick, which is what a beat is.
    pub(super) fn new(groups: usize, seed: u64) -> Self {
        let now = Instant::default() + TICK;
        let stores = IDS.map(|id| {
            let mut config = Config::new(id);
            config.election_timeout = TICK * 10;
            config.election_jitter = TICK * 10;
            config.heartbeat_interval = TICK * 2;
            Groups::new(config, seed ^ id.0, now).expect("a valid configuration")
        });
        let members = Arc::new(Configuration::new(IDS));
        let mail = Vec::new();
        let mut stores = Self { stores, mail, now };
        for group in (0..groups as u64).map(GroupId) {
            for store in &mut stores.stores {
                let recovered = Recovered::bootstrap(Arc::clone(&members));
                store.create(now, group, recovered).expect("a new group");
            }
            stores.stores[0].with(now, group, |raft| raft.campaign(now));
            stores.settle();
            let command = Bytes::from_owner([1; 64]);
            stores.stores[0].with(now, group, |raft| raft.propose(now, command));
            stores.settle();
        }
        stores
    }

    /// The time passes by a tick for all groups.
    pub(super) fn tick(&mut self) {
        self.now += TICK;
        for store in &mut self.stores {
            store.handle_timeout(self.now);
        }
        self.settle();
    }

    /// Does what stores ask for until they ask for nothing.
    fn settle(&mut self) {
        let now = self.now;
        loop {
            for store in &mut self.stores {
                while let Some(output) = store.poll_output() {
                    match output {
                        StoreOutput::Send(message) => self.mail.push(message),
                        StoreOutput::Group(group, Output::Write(write)) => {
                            store.with(now, group, |raft| raft.persisted(now, write.ticket));
                        }
                        StoreOutput::Group(group, Output::Commit(entries)) => {
                            let last = entries.last().expect("some").index;
                            store.with(now, group, |raft| raft.applied(now, last));
                        }
                        StoreOutput::Group(..) => {}
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
                    .expect("a store");
                self.stores[at]
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
        let mut stores = Stores::new(50, 1);
        (0..50).for_each(|_| stores.tick());
        assert_eq!(stores.stores[0].status().led, 50);
        let applied = |store: &Groups| store.iter().all(|(_, raft)| raft.applied_index().0 == 2);
        assert!(stores.stores.iter().all(applied));
    }
}
