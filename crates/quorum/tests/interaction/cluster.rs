//! Nodes, and what is on its way between them.

use super::facts::Fact;
use super::node::Node;
use super::render;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_quorum::raft::{Index, Message};

pub(crate) const TICK: Duration = Duration::from_millis(100);
pub(crate) const HEARTBEAT_TICKS: u32 = 1;
pub(crate) const ELECTION_TICKS: u32 = 3;

/// Rounds after which a cluster that is left alone ought to be quiet.
const MAX_ROUNDS: usize = 1000;

/// The nodes of a script, by id from 1 on, and the messages that are not delivered yet.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) messages: Vec<Message>,
}

impl Cluster {
    pub(crate) fn node(&mut self, id: u64) -> Result<&mut Node, String> {
        let place = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        let node = place.and_then(|place| self.nodes.get_mut(place));
        node.ok_or_else(|| format!("there is no node {id}"))
    }

    pub(crate) fn process_ready(&mut self, id: u64) -> Result<(), String> {
        let node = self.node(id)?;
        let sent = node.process_ready()?;
        let postponed = node.postponed.take();
        self.messages.extend(sent);
        match postponed {
            Some(change) => self.change(id, change).map(drop),
            None => Ok(()),
        }
    }

    pub(crate) fn process_append_thread(&mut self, id: u64) -> Result<(), String> {
        let sent = self.node(id)?.process_append_thread()?;
        self.messages.extend(sent);
        Ok(())
    }

    /// Delivers what is on its way to a node, in order. Whether there was anything.
    pub(crate) fn deliver(&mut self, id: u64) -> Result<bool, String> {
        let all = core::mem::take(&mut self.messages);
        let (to, others): (Vec<_>, _) = all.into_iter().partition(|message| message.to.0 == id);
        self.messages = others;
        let any = !to.is_empty();
        for message in to {
            let received = self
                .node(id)?
                .input(|raft, now| raft.receive(now, message))?;
            received.map_err(|refusal| format!("node {id} refused a message: {refusal}"))?;
        }
        Ok(any)
    }

    pub(crate) fn stabilize(&mut self, ids: &[u64]) -> Result<(), String> {
        for _ in 0..MAX_ROUNDS {
            let mut quiet = true;
            for &id in ids {
                if self.node(id)?.has_ready() {
                    self.process_ready(id)?;
                    quiet = false;
                }
            }
            for &id in ids {
                quiet &= !self.deliver(id)?;
            }
            for &id in ids {
                while self.node(id)?.has_appends() {
                    self.process_append_thread(id)?;
                    quiet = false;
                }
            }
            for &id in ids {
                while self.node(id)?.has_applies() {
                    self.node(id)?.process_apply_thread()?;
                    quiet = false;
                }
            }
            if quiet {
                return Ok(());
            }
        }
        Err(format!("not quiet after {MAX_ROUNDS} rounds"))
    }

    pub(crate) fn tick(&mut self, id: u64, ticks: u32) -> Result<(), String> {
        (0..ticks).try_for_each(|_| self.node(id)?.tick(TICK))
    }

    /// One more heartbeat of whoever leads, and what comes of it.
    pub(crate) fn another_heartbeat(&mut self) -> Result<(), String> {
        let all: Vec<_> = (1..=self.nodes.len() as u64).collect();
        for &id in &all {
            if self.node(id)?.raft.leader() == Some(NodeId(id)) {
                self.tick(id, HEARTBEAT_TICKS)?;
            }
        }
        self.stabilize(&all)
    }

    /// What our node says where a script states `fact`; nothing where it cannot be known.
    pub(crate) fn fact(&mut self, id: u64, fact: &Fact) -> Result<Option<String>, String> {
        let node = self.node(id)?;
        let raft = &node.raft;
        Ok(Some(match fact {
            Fact::Term => raft.term().0.to_string(),
            Fact::Vote => render::node(raft.status().vote),
            Fact::Role => render::role(raft.role()).to_owned(),
            Fact::Leader => render::node(raft.leader()),
            Fact::Commit => raft.commit_index().to_string(),
            Fact::Configuration => render::configuration(raft.configuration()),
            Fact::Committed(index) => match node.applied.get(&Index(*index)) {
                Some(entry) => entry.clone(),
                None if Index(*index) <= raft.status().snapshot.index => return Ok(None),
                None => "not applied".to_owned(),
            },
        }))
    }
}
