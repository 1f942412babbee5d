//! From an event in the queue to a call of a machine, and what it puts out.

use super::{World, slot};
use crate::host::{Effects, Event, Host};
use crate::storage::SyncResult;
use crate::{Call, Fault, RequestId};
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// How much may wait at a node that is paused or slow; messages beyond that are lost.
const BACKLOG_LIMIT: usize = 1 << 16;

/// How often in a row a machine may leave its deadline in the past.
const SPIN_LIMIT: u32 = 1_000;

/// How many outputs a machine may have at once.
const OUTPUT_LIMIT: u32 = 1 << 20;

/// An event in the queue.
pub(super) enum Pending<H: Host> {
    /// Something arrives at a node.
    Node(NodeId, Arrival<H>),
    /// A slow node is through with what it was at work on.
    Done { node: NodeId, job: u64 },
    /// A client of a script asks.
    Call { call: Call<H::Request>, script: u64 },
    /// Its patience is over.
    GiveUp(RequestId),
    /// An answer reaches a client, `None` for a refusal.
    Answer(RequestId, Option<H::Reply>),
    /// A client's pause or patience is over, unless it has taken another turn since.
    Client { client: usize, turn: u64 },
    /// A fault is over.
    Ends(Box<Fault>),
}

/// What arrives at a node. Completions carry the life of the node that asked for them.
pub(super) enum Arrival<H: Host> {
    Message {
        from: NodeId,
        message: H::Message,
    },
    Request {
        id: RequestId,
        request: H::Request,
    },
    Timer,
    /// The machine has just been started, and may want something at once.
    Started {
        life: u32,
    },
    Written {
        token: u64,
        life: u32,
    },
    SyncEnds {
        token: u64,
        life: u32,
        covered: u64,
    },
    Read {
        token: u64,
        life: u32,
    },
}

impl<H: Host> Arrival<H> {
    /// Which life of the node it is for; `None` when for any.
    const fn life(&self) -> Option<u32> {
        match self {
            Self::Message { .. } | Self::Request { .. } | Self::Timer => None,
            Self::Started { life }
            | Self::Written { life, .. }
            | Self::SyncEnds { life, .. }
            | Self::Read { life, .. } => Some(*life),
        }
    }
}

impl<H: Host> World<H> {
    pub(super) fn dispatch(&mut self, pending: Pending<H>) {
        match pending {
            Pending::Node(node, arrival) => self.arrive(node, arrival),
            Pending::Done { node, job } => self.finish(node, job),
            Pending::Call { call, script } => self.make_scripted(call, script),
            Pending::GiveUp(id) => self.give_up(id),
            Pending::Answer(id, reply) => self.answer(id, reply),
            Pending::Client { client, turn } => self.client_turn(client, turn),
            Pending::Ends(fault) => self.end(*fault),
        }
    }

    fn arrive(&mut self, id: NodeId, arrival: Arrival<H>) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        if matches!(arrival, Arrival::Timer) {
            node.wakes.pop();
        }
        let is_message = matches!(arrival, Arrival::Message { .. });
        if node.machine.is_none() {
            self.lose(id, arrival, "it is down");
        } else if arrival.life().is_some_and(|life| life != node.life) {
            // The completion of something that an earlier life asked for.
        } else if node.is_free() {
            self.handle(id, arrival);
        } else if is_message && node.backlog.len() >= BACKLOG_LIMIT {
            self.lose(id, arrival, "too much waits");
        } else {
            node.timer_waits |= matches!(arrival, Arrival::Timer);
            node.backlog.push_back(arrival);
            self.take_up(id);
        }
    }

    /// A node gets nothing of what arrives. For all but messages and requests that goes without
    /// saying.
    fn lose(&mut self, id: NodeId, arrival: Arrival<H>, why: &str) {
        match arrival {
            Arrival::Message { from, message } => {
                self.stats.lost += 1;
                self.note(id, || format!("<- {from} {message:?} (lost: {why})"));
            }
            Arrival::Request { id: request, .. } => self.refuse_request(id, request),
            _ => {}
        }
    }

    /// Turns to what waits: handles it all, or, where the node is slow, takes up the first, to be
    /// through with it later.
    pub(super) fn take_up(&mut self, id: NodeId) {
        loop {
            let now = self.now;
            let Some(node) = self.node_mut(id) else {
                return;
            };
            let is_able = node.machine.is_some() && node.troubles.paused == 0 && !node.is_busy;
            if !is_able || node.backlog.is_empty() {
                return;
            }
            if !node.troubles.slow.is_zero() {
                node.is_busy = true;
                node.jobs += 1;
                let (job, done) = (node.jobs, now + node.troubles.slow);
                return self.queue.push(done, Pending::Done { node: id, job });
            }
            self.handle_first(id);
        }
    }

    /// A slow node is through with what it took up.
    fn finish(&mut self, id: NodeId, job: u64) {
        if let Some(node) = self.node_mut(id)
            && node.is_busy
            && node.jobs == job
        {
            node.is_busy = false;
            if node.machine.is_some() && node.troubles.paused == 0 {
                self.handle_first(id);
            }
            self.take_up(id);
        }
    }

    fn handle_first(&mut self, id: NodeId) {
        let first = self.node_mut(id).and_then(|node| {
            let first = node.backlog.pop_front()?;
            node.timer_waits &= !matches!(first, Arrival::Timer);
            Some(first)
        });
        if let Some(first) = first {
            self.handle(id, first);
        }
    }

    /// One call of a machine that is up, and all that follows from it.
    fn handle(&mut self, id: NodeId, arrival: Arrival<H>) {
        let is_timer = matches!(arrival, Arrival::Timer);
        if is_timer && !self.node(id).is_some_and(|node| node.is_due(self.now)) {
            return self.arm(id, false); // the deadline has moved on since
        }
        self.stats.steps += u64::from(!matches!(arrival, Arrival::Started { .. }));
        self.trace_arrival(id, &arrival);
        let mut effects = Effects(core::mem::take(&mut self.effects));
        if is_timer {
            self.handle_timer(id);
        } else {
            self.handle_input(id, arrival, &mut effects);
        }
        self.carry_out(id, &mut effects);
        self.effects = effects.0;
        self.arm(id, is_timer);
    }

    /// What a machine wants right after its start; a paused node comes to it later.
    pub(super) fn settle(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id).filter(|node| !node.is_free()) {
            let life = node.life;
            node.backlog.push_back(Arrival::Started { life });
            return self.take_up(id);
        }
        let mut effects = Effects(core::mem::take(&mut self.effects));
        self.carry_out(id, &mut effects);
        self.effects = effects.0;
        self.arm(id, false);
    }

    fn handle_timer(&mut self, id: NodeId) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else {
            return;
        };
        if let Some(machine) = &mut node.machine {
            machine.handle_timeout(node.clock.local(now));
        }
    }

    fn handle_input(&mut self, id: NodeId, arrival: Arrival<H>, effects: &mut Effects<H>) {
        let now = self.now;
        let storage = self.storage;
        let Some(node) = self.nodes.get_mut(slot(id)) else {
            return;
        };
        let event = match arrival {
            Arrival::Message { from, message } => {
                self.stats.delivered += 1;
                Event::Message { from, message }
            }
            Arrival::Request {
                id: request_id,
                request,
            } => {
                self.clients.take(request_id);
                Event::Request {
                    id: request_id,
                    request,
                }
            }
            Arrival::Written { token, .. } => Event::Written { token },
            Arrival::Read { token, .. } => {
                let store = &node.disk.seen;
                Event::Read { token, store }
            }
            Arrival::SyncEnds { token, covered, .. } => {
                let result = node.sync_result(&storage);
                self.trace
                    .record(now, Some(id), || format!("sync {token}: {result:?}"));
                node.disk.sync(covered, result, &storage, &mut node.random);
                if result == SyncResult::Failed {
                    self.stats.sync_failures += 1;
                    Event::SyncFailed { token }
                } else {
                    Event::Synced { token }
                }
            }
            Arrival::Timer => return,          // handled elsewhere
            Arrival::Started { .. } => return, // only its outputs are wanted
        };
        let at = node.moment(id, now);
        let Some(input) = self.host.input(at, event) else {
            return;
        };
        if let Some(machine) = &mut node.machine
            && let Err(error) = machine.handle(at.now, input)
        {
            self.host.refused(at, error, effects);
        }
    }

    /// Drains the machine and makes its effects happen, in order; a crash may fall between any two.
    ///
    /// # Panics
    ///
    /// When the machine never runs out of outputs.
    fn carry_out(&mut self, id: NodeId, effects: &mut Effects<H>) {
        let mut has_effects = false;
        for outputs in 0.. {
            assert!(
                outputs < OUTPUT_LIMIT,
                "the machine of {id} has no end of outputs: {OUTPUT_LIMIT} so far in one step"
            );
            for effect in effects.0.drain(..) {
                has_effects = true;
                if self.crash_is_due(id) {
                    break;
                }
                self.happen(id, effect);
            }
            effects.0.clear();
            let now = self.now;
            let Some(node) = self.nodes.get_mut(slot(id)) else {
                return;
            };
            let Some(machine) = &mut node.machine else {
                return;
            };
            let Some(output) = machine.poll_output() else {
                break;
            };
            let at = node.moment(id, now);
            self.host.output(at, output, effects);
        }
        // A crash that was to come after more effects than the step had comes at its end.
        if has_effects && self.node(id).is_some_and(|node| node.crash_after.is_some()) {
            self.crash_in_step(id);
        }
    }

    /// Counts down to a crash in the middle of a step, and crashes the node at zero.
    fn crash_is_due(&mut self, id: NodeId) -> bool {
        let Some(left) = self.node_mut(id).and_then(|node| node.crash_after.as_mut()) else {
            return false;
        };
        if *left > 0 {
            *left -= 1;
            return false;
        }
        self.crash_in_step(id);
        true
    }

    /// Makes sure that the machine is called when its deadline is due.
    ///
    /// # Panics
    ///
    /// When the machine keeps its deadline in the past whatever is done: a driver would spin.
    pub(super) fn arm(&mut self, id: NodeId, after_timer: bool) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let Some(deadline) = node
            .machine
            .as_ref()
            .and_then(|machine| machine.poll_timeout())
        else {
            return;
        };
        let due = node.clock.when(now, deadline);
        if after_timer {
            node.spins = if due <= now { node.spins + 1 } else { 0 };
            assert!(
                node.spins < SPIN_LIMIT,
                "the machine of {id} spins: after {SPIN_LIMIT} calls of handle_timeout its deadline is still {deadline}, at {}",
                node.clock.local(now),
            );
        }
        let comes_first = node.wakes.last().is_none_or(|earliest| due < *earliest);
        if comes_first && due < Instant::MAX && !node.timer_waits {
            node.wakes.push(due);
            self.schedule(due, id, Arrival::Timer);
        }
    }

    fn trace_arrival(&mut self, id: NodeId, arrival: &Arrival<H>) {
        let now = self.now;
        match arrival {
            Arrival::Message { from, message } => {
                self.note(id, || format!("<- {from} {message:?}"));
            }
            Arrival::Request {
                id: request,
                request: what,
            } => {
                self.trace
                    .record_of_client(now, id, || format!("request {} {what:?}", request.0));
            }
            Arrival::Written { token, .. } => self.note(id, || format!("write {token} accepted")),
            Arrival::Read { token, .. } => self.note(id, || format!("read {token} done")),
            // A timer shows by what it makes the machine do, and a sync says how it went.
            Arrival::Timer | Arrival::Started { .. } | Arrival::SyncEnds { .. } => {}
        }
    }
}
