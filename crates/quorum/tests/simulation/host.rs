//! How the simulator runs a replica.

use super::ghost::Ghost;
use super::replica::{Input, Output, Replica};
use super::request::{Reply, Request};
use super::scenario::Plan;
use super::store::Disk;
use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::RefCell;
use core::num::NonZeroU64;
use purlin_core::node::NodeId;
use purlin_quorum::raft::{Configuration, Message, Raft, Recovered};
use purlin_sim::{Boot, Effects, Event, Host, Moment};

/// Runs replicas in the simulator.
pub(crate) struct RaftHost {
    pub(crate) plan: Rc<Plan>,
    pub(crate) ghost: Rc<RefCell<Ghost>>,
    founders: Arc<Configuration>,
    /// Of a node that knows nothing and waits to be told.
    nobody: Arc<Configuration>,
    /// Done to every node before it starts.
    prepare: Box<dyn Fn(&mut Raft)>,
}

impl RaftHost {
    pub(crate) fn new(plan: Plan, prepare: impl Fn(&mut Raft) + 'static) -> Self {
        let founders = (0..plan.voters as u64).map(NodeId).map(raft_id);
        let founders = Arc::new(Configuration::new(founders));
        let ghost = Ghost::new(plan.nodes, founders.clone());
        Self {
            plan: Rc::new(plan),
            ghost: Rc::new(RefCell::new(ghost)),
            founders,
            nobody: Arc::default(),
            prepare: Box::new(prepare),
        }
    }
}

/// In Raft no node is 0; in the simulator the first one is.
pub(crate) fn raft_id(node: NodeId) -> NodeId {
    NodeId(node.0 + 1)
}

/// The same node in the simulator.
pub(crate) fn world_id(node: NodeId) -> NodeId {
    NodeId(node.0.wrapping_sub(1))
}

impl Host for RaftHost {
    type Machine = Replica;
    type Message = Message;
    type Store = Disk;
    type Request = Request;
    type Reply = Reply;

    fn start(&self, boot: Boot<'_, Disk>) -> Replica {
        let id = raft_id(boot.node);
        let mut found = boot.store.recover();
        let mut ghost = self.ghost.borrow_mut();
        let wipes = ghost.wipes(id, &found);
        let is_founder = boot.node.0 < self.plan.voters as u64 && wipes == 0;
        if found.is_empty && is_founder {
            found.recovered = Recovered::bootstrap((*self.founders).clone());
        }
        let before = if is_founder {
            &self.founders
        } else {
            &self.nobody
        };
        ghost.boots(id, &found, before);
        drop(ghost);
        let mut config = self.plan.config.clone();
        config.id = id;
        config.priority = self.plan.priority(id);
        // A random number in earnest; all that matters is that it differs.
        config.incarnation =
            NonZeroU64::new((u64::from(wipes) << 32) | id.0).filter(|_| self.plan.wipes);
        let recovered = found.recovered.clone();
        let raft = Raft::new(config, recovered, boot.seed, boot.now);
        let mut raft =
            raft.unwrap_or_else(|error| panic!("{id} cannot start on {found:?}: {error}"));
        (self.prepare)(&mut raft);
        Replica::new(id, raft, found, boot.restarts, &self.plan, &self.ghost)
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<Input> {
        match event {
            Event::Message { message, .. } => Some(Input::Message(message)),
            Event::Request { id, request } => Some(Input::Request(id, request)),
            Event::Synced { token } => Some(Input::Synced(token)),
            Event::SyncFailed { .. } => Some(Input::SyncFailed),
            _ => None,
        }
    }

    fn output(&self, _at: Moment, output: Output, effects: &mut Effects<Self>) {
        match output {
            Output::Send(message) => effects.send(world_id(message.to), message),
            Output::Write(number, write) => effects.write(number, write),
            Output::Sync(number) => effects.sync(number),
            Output::Reply(request, reply) => effects.reply(request, reply),
            Output::Refuse(request) => effects.refuse(request),
        }
    }
}
