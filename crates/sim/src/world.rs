//! The simulated world.

mod builder;
mod clients;
mod effect;
mod incident;
mod node;
mod step;

pub use builder::WorldBuilder;
pub use clients::{Call, ClientModel, Outcome, Turn};

use crate::convergence::{self, ConvergenceError};
use crate::history::History;
use crate::host::Host;
use crate::network::Network;
use crate::queue::EventQueue;
use crate::{Fault, Schedule, StorageModel, Trace, Violation};
use clients::Clients;
use core::fmt;
use core::hash::Hash;
use core::time::Duration;
use node::Node;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use step::{Arrival, Pending};

/// N nodes, their clocks and disks, the network between them and the clients in front of them,
/// moving from event to event.
///
/// Everything that is left to chance follows from one seed: the same world runs the same way every
/// time, on every platform. Each node draws from a stream of its own, so that a change in one place
/// (a fault less, say) disturbs the rest as little as possible.
///
/// [`Instant::MAX`] is never: what would happen then does not happen, though the world may be run
/// up to it.
///
/// Running costs O(log n) for each event with n pending ones, and allocates nothing but what the
/// machines and messages themselves do. Time with nothing to do costs nothing.
///
/// The [crate's example](crate) shows a whole simulation.
pub struct World<H: Host> {
    host: H,
    seed: u64,
    now: Instant,
    queue: EventQueue<Pending<H>>,
    nodes: Vec<Node<H>>,
    network: Network,
    storage: StorageModel,
    faults: Schedule,
    /// How many of `faults` have begun.
    begun: usize,
    clients: Clients<H>,
    history: History<H::Request, H::Reply>,
    stats: Stats,
    trace: Trace,
    /// Empty between events; kept for its memory.
    effects: Vec<crate::host::Effect<H>>,
}

/// How many events may cause each other, one the next, within one instant.
const CHAIN_LIMIT: u32 = 100_000;

/// Counts of what happened in a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls of the machines: messages, requests, completions and timers handled.
    pub steps: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages handled by their receivers; a duplicated one counts twice.
    pub delivered: u64,
    /// Messages lost on the way: by a link, a cut, or because the receiver was down or had too
    /// much to do.
    pub lost: u64,
    /// Messages that arrived a second time.
    pub duplicated: u64,
    /// Crashes of nodes.
    pub crashes: u64,
    /// Syncs that failed.
    pub sync_failures: u64,
}

impl<H: Host> World<H> {
    /// Begins to build a world of this many nodes, numbered from 0.
    ///
    /// # Panics
    ///
    /// With 2^32 nodes or more.
    #[must_use]
    pub fn builder(host: H, nodes: usize, seed: u64) -> WorldBuilder<H> {
        WorldBuilder::new(host, nodes, seed)
    }

    /// The host, as it was given. It may share with the machines what no node can see: what a check
    /// of the whole cluster has to remember.
    #[must_use]
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// True time: that of no node in particular.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// What time the node thinks it is.
    #[must_use]
    pub fn local_time(&self, node: NodeId) -> Option<Instant> {
        Some(self.node(node)?.clock.local(self.now))
    }

    /// The node's machine; `None` while it is down, and for a node that does not exist.
    #[must_use]
    pub fn machine(&self, node: NodeId) -> Option<&H::Machine> {
        self.node(node)?.machine.as_ref()
    }

    /// The machines of all nodes that are up.
    pub fn machines(&self) -> impl Iterator<Item = (NodeId, &H::Machine)> {
        let named = (0..).map(NodeId).zip(&self.nodes);
        named.filter_map(|(id, node)| Some((id, node.machine.as_ref()?)))
    }

    /// The node's disk as the node sees it (or will, at its restart).
    #[must_use]
    pub fn store(&self, node: NodeId) -> Option<&H::Store> {
        Some(&self.node(node)?.disk.seen)
    }

    /// How many nodes there are, up or down.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All requests and what became of them.
    #[must_use]
    pub const fn history(&self) -> &History<H::Request, H::Reply> {
        &self.history
    }

    /// Counts of what happened so far.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// The last events; empty unless the world was built with a [trace](WorldBuilder::trace), or
    /// [`set_trace`](Self::set_trace) was called.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Starts a new trace of the last `capacity` events; 0 turns it off.
    pub fn set_trace(&mut self, capacity: usize) {
        self.trace = Trace::new(capacity);
    }

    /// The schedule of faults.
    #[must_use]
    pub const fn faults(&self) -> &Schedule {
        &self.faults
    }

    /// Replaces the schedule. Incidents of the new one that lie in the past begin at once; those of
    /// the old one that have begun go on.
    ///
    /// # Panics
    ///
    /// When an incident names a node that does not exist.
    pub fn set_faults(&mut self, faults: Schedule) {
        faults
            .incidents()
            .iter()
            .for_each(|incident| self.assert_victims_exist(&incident.fault));
        self.faults = faults;
        self.begun = 0;
    }

    /// Lets something go wrong now, for so long. For scripts; see [`set_faults`](Self::set_faults)
    /// for schedules.
    ///
    /// # Panics
    ///
    /// When it names a node that does not exist.
    pub fn inject(&mut self, fault: Fault, lasts: Duration) {
        self.assert_victims_exist(&fault);
        self.begin(fault, self.now + lasts);
    }

    /// Whether a cut is in the way from one node to another.
    #[must_use]
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.network.is_cut(from, to)
    }

    /// Handles the next event, at its time. False when nothing will ever happen again.
    ///
    /// # Panics
    ///
    /// Like everything that runs a world: when it would never come to an end, because a machine
    /// keeps its deadline in the past or has no end of outputs, or because 100,000 events in a
    /// row cause each other without any time passing.
    pub fn step(&mut self) -> bool {
        match (self.next_incident_at(), self.queue.next_at()) {
            (Some(at), next) if next.is_none_or(|next| at <= next) => {
                let incident = self.faults.incidents()[self.begun].clone();
                self.begun += 1;
                self.now = at;
                self.begin(incident.fault, at + incident.lasts);
            }
            (_, Some(_)) => {
                if let Some((at, pending)) = self.queue.pop() {
                    self.now = at;
                    assert!(
                        self.queue.generation() < CHAIN_LIMIT,
                        "time stands still at {at}: {CHAIN_LIMIT} events in a row cause each other at that instant; \
                         some link, client or machine has to take its time"
                    );
                    self.dispatch(pending);
                }
            }
            (_, None) => return false,
        }
        true
    }

    /// Whether something happens up to this time.
    fn has_event_until(&self, until: Instant) -> bool {
        let next = [self.next_incident_at(), self.queue.next_at()];
        next.into_iter().flatten().any(|at| at <= until)
    }

    /// Runs up to and including a time, at which the world then stands.
    pub fn run_until(&mut self, until: Instant) {
        while self.has_event_until(until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    /// Runs for a time.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Runs for a time and checks an invariant after every event.
    ///
    /// # Errors
    ///
    /// The first violation; the world stands at the event that caused it.
    pub fn run_checked<E>(
        &mut self,
        duration: Duration,
        mut invariant: impl FnMut(&Self) -> Result<(), E>,
    ) -> Result<(), Violation>
    where
        Violation: From<E>,
    {
        let until = self.now + duration;
        while self.has_event_until(until) {
            self.step();
            invariant(self)?;
        }
        self.now = self.now.max(until);
        Ok(())
    }

    /// Runs until a condition holds, checked after every event, and answers when; `None` when it
    /// did not within the time.
    pub fn run_until_true(
        &mut self,
        within: Duration,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> Option<Instant> {
        let until = self.now + within;
        while !condition(self) {
            if !self.has_event_until(until) {
                self.now = self.now.max(until);
                return None;
            }
            self.step();
        }
        Some(self.now)
    }

    /// Runs until all nodes that are up show the same state, looked at in steps of `every`, and
    /// answers when that was seen.
    ///
    /// # Errors
    ///
    /// The groups of nodes that still differ when the time is over.
    pub fn run_until_converged<T: Eq + Hash + fmt::Debug>(
        &mut self,
        within: Duration,
        every: Duration,
        state: impl Fn(&H::Machine) -> T,
    ) -> Result<Instant, ConvergenceError<NodeId, T>> {
        let until = self.now + within;
        loop {
            let states = self.machines().map(|(id, machine)| (id, state(machine)));
            match convergence::check(states) {
                Ok(_) => return Ok(self.now),
                Err(error) if self.now >= until => return Err(error),
                Err(_) => self.run_until(until.min(self.next_look(every))),
            }
        }
    }

    /// The first multiple of `every` from now on after which something has happened.
    fn next_look(&self, every: Duration) -> Instant {
        let next = [self.next_incident_at(), self.queue.next_at()];
        let Some(next) = next.into_iter().flatten().min() else {
            return Instant::MAX;
        };
        let every = every.max(Duration::from_nanos(1)).as_nanos();
        let steps = (next - self.now).as_nanos().div_ceil(every).max(1);
        let nanos = every.saturating_mul(steps);
        self.now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// When the next incident begins.
    fn next_incident_at(&self) -> Option<Instant> {
        let incident = self.faults.incidents().get(self.begun)?;
        (incident.at < Instant::MAX).then(|| incident.at.max(self.now))
    }

    fn assert_victims_exist(&self, fault: &Fault) {
        let last = fault.victims().max();
        last.into_iter()
            .for_each(|node| self.assert_exists(node, fault));
    }

    fn assert_exists(&self, node: NodeId, by: &dyn fmt::Display) {
        let nodes = self.nodes.len();
        assert!(
            slot(node) < nodes,
            "`{by}` names {node}, but there are {nodes} nodes, from n0"
        );
    }

    fn node(&self, node: NodeId) -> Option<&Node<H>> {
        self.nodes.get(slot(node))
    }

    fn node_mut(&mut self, node: NodeId) -> Option<&mut Node<H>> {
        self.nodes.get_mut(slot(node))
    }

    fn note(&mut self, node: NodeId, text: impl FnOnce() -> String) {
        self.trace.record(self.now, Some(node), text);
    }

    fn schedule(&mut self, at: Instant, node: NodeId, arrival: Arrival<H>) {
        self.queue.push(at, Pending::Node(node, arrival));
    }
}

impl<H: Host> fmt::Debug for World<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now)
            .field("nodes", &self.nodes.len())
            .field("network", &self.network)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// A node's place in the list; beyond its end for nodes that do not exist.
fn slot(node: NodeId) -> usize {
    usize::try_from(node.0).unwrap_or(usize::MAX)
}
