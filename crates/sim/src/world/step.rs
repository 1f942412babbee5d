//! From an event in the queue to a call of a machine, and from its outputs back to the queue.

use super::{World, slot};
use crate::host::{Effect, Effects, Event, Host};
use crate::storage::SyncResult;
use crate::{Call, Fault, RequestId};
use core::time::Duration;
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
    /// The node has finished what it was at work on.
    Resume(NodeId),
    /// A client of a script asks.
    Call(Call<H::Request>),
    /// Its patience is over.
    GiveUp(RequestId),
    /// A client's pause or patience is over, unless it has taken another turn since.
    Client { client: usize, turn: u64 },
    /// A fault is over.
    Ends(Box<Fault>),
}

/// What arrives at a node. Completions carry the life of the node that asked for them.
pub(super) enum Arrival<H: Host> {
    Message { from: NodeId, message: H::Message },
    Request { id: RequestId, request: H::Request },
    Timer,
    Written { token: u64, life: u32 },
    SyncEnds { token: u64, life: u32, covered: u64 },
    Read { token: u64, life: u32 },
}

impl<H: Host> Arrival<H> {
    /// Which life of the node it is for; `None` when for any.
    const fn life(&self) -> Option<u32> {
        match self {
            Self::Message { .. } | Self::Request { .. } | Self::Timer => None,
            Self::Written { life, .. } | Self::SyncEnds { life, .. } | Self::Read { life, .. } => {
                Some(*life)
            }
        }
    }
}

impl<H: Host> World<H> {
    pub(super) fn dispatch(&mut self, pending: Pending<H>) {
        match pending {
            Pending::Node(node, arrival) => self.arrive(node, arrival),
            Pending::Resume(node) => self.work_off_backlog(node),
            Pending::Call(call) => self.make_scripted(call),
            Pending::GiveUp(id) => self.give_up(id),
            Pending::Client { client, turn } => self.client_turn(client, turn),
            Pending::Ends(fault) => self.end(*fault),
        }
    }

    fn arrive(&mut self, id: NodeId, arrival: Arrival<H>) {
        let now = self.now;
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
        } else if node.is_free(now) {
            self.handle(id, arrival);
        } else if is_message && node.backlog.len() >= BACKLOG_LIMIT {
            self.lose(id, arrival, "too much waits");
        } else {
            node.timer_waits |= matches!(arrival, Arrival::Timer);
            node.backlog.push_back(arrival);
        }
    }

    /// A node gets nothing of what arrives. For all but messages that goes without saying.
    fn lose(&mut self, id: NodeId, arrival: Arrival<H>, why: &str) {
        if let Arrival::Message { from, message } = arrival {
            self.stats.lost += 1;
            self.note(id, || format!("<- {from} {message:?} (lost: {why})"));
        }
    }

    /// Handles what has waited, as far as the node can.
    pub(super) fn work_off_backlog(&mut self, id: NodeId) {
        loop {
            let now = self.now;
            let Some(node) = self.node_mut(id) else {
                return;
            };
            if node.machine.is_none() || node.troubles.paused > 0 || node.busy_until > now {
                return;
            }
            let Some(arrival) = node.backlog.pop_front() else {
                return;
            };
            node.timer_waits &= !matches!(arrival, Arrival::Timer);
            self.handle(id, arrival);
        }
    }

    /// One call of a machine that is up, and all that follows from it.
    fn handle(&mut self, id: NodeId, arrival: Arrival<H>) {
        let is_timer = matches!(arrival, Arrival::Timer);
        if is_timer && !self.node(id).is_some_and(|node| node.is_due(self.now)) {
            return self.arm(id, false); // the deadline has moved on since
        }
        self.stats.steps += 1;
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
        self.stay_busy(id);
    }

    /// What a machine wants right after its start.
    pub(super) fn settle(&mut self, id: NodeId) {
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
            Arrival::Request { id, request } => Event::Request { id, request },
            Arrival::Written { token, .. } => Event::Written { token },
            Arrival::Read { token, .. } => {
                let store = &node.disk.seen;
                Event::Read { token, store }
            }
            Arrival::SyncEnds { token, covered, .. } => {
                let result = node.sync_result(&storage);
                node.disk.sync(covered, result, &storage, &mut node.random);
                if result == SyncResult::Failed {
                    self.stats.sync_failures += 1;
                    Event::SyncFailed { token }
                } else {
                    Event::Synced { token }
                }
            }
            Arrival::Timer => return, // handled elsewhere
        };
        let Some(input) = self.host.input(id, event) else {
            return;
        };
        if let Some(machine) = &mut node.machine
            && let Err(error) = machine.handle(node.clock.local(now), input)
        {
            self.host.refused(id, error, effects);
        }
    }

    /// Drains the machine and makes its effects happen, in order; a crash may fall between any two.
    ///
    /// # Panics
    ///
    /// When the machine never runs out of outputs.
    fn carry_out(&mut self, id: NodeId, effects: &mut Effects<H>) {
        for outputs in 0.. {
            assert!(
                outputs < OUTPUT_LIMIT,
                "the machine of {id} has no end of outputs: {OUTPUT_LIMIT} so far in one step"
            );
            for effect in effects.0.drain(..) {
                if self.crash_is_due(id) {
                    break;
                }
                self.happen(id, effect);
            }
            effects.0.clear();
            let Some(machine) = self.node_mut(id).and_then(|node| node.machine.as_mut()) else {
                return;
            };
            let Some(output) = machine.poll_output() else {
                break;
            };
            self.host.output(id, output, effects);
        }
        // A crash that was to come after more effects than the step had comes at its end.
        if self.node(id).is_some_and(|node| node.crash_after.is_some()) {
            self.crash(id);
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
        self.crash(id);
        true
    }

    fn happen(&mut self, id: NodeId, effect: Effect<H>) {
        match effect {
            Effect::Send(to, message) => self.send(id, to, message),
            Effect::Reply(request, reply) => self.reply(id, request, reply),
            Effect::Write(..) | Effect::Sync(_) | Effect::Read(_) => self.use_disk(id, effect),
        }
    }

    fn send(&mut self, from: NodeId, to: NodeId, message: H::Message) {
        self.stats.sent += 1;
        let bytes = self.host.message_size(&message);
        let now = self.now;
        let exists = self.node(to).is_some();
        let Some(node) = self.nodes.get_mut(slot(from)) else {
            return;
        };
        let [first, second] = match exists {
            true => self.network.send(now, (from, to), bytes, &mut node.random),
            false => [None, None],
        };
        self.trace.record(now, Some(from), || match first {
            Some(at) => format!("-> {to} {message:?} (arrives {at})"),
            None => format!("-> {to} {message:?} (lost)"),
        });
        if let Some(at) = second {
            self.stats.duplicated += 1;
            let message = message.clone();
            self.schedule(at, to, Arrival::Message { from, message });
        }
        match first {
            Some(at) => self.schedule(at, to, Arrival::Message { from, message }),
            None => self.stats.lost += 1,
        }
    }

    fn use_disk(&mut self, id: NodeId, effect: Effect<H>) {
        let (now, storage) = (self.now, self.storage);
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let started = now + node.troubles.slow_disk;
        let life = node.life;
        let (at, arrival) = match effect {
            Effect::Write(token, write) => {
                node.disk.write(write);
                let done = started + storage.write_latency.sample(&mut node.random);
                node.disk_done = node.disk_done.max(done);
                (done, Arrival::Written { token, life })
            }
            Effect::Sync(token) => {
                let covered = node.disk.written();
                let done = started + storage.sync_latency.sample(&mut node.random);
                // In order of asking: were a later sync to fail first, this one could not keep its promise.
                let done = done.max(node.disk_done);
                node.disk_done = done;
                (
                    done,
                    Arrival::SyncEnds {
                        token,
                        life,
                        covered,
                    },
                )
            }
            Effect::Read(token) => {
                let done = started + storage.write_latency.sample(&mut node.random);
                (done, Arrival::Read { token, life })
            }
            Effect::Send(..) | Effect::Reply(..) => return,
        };
        self.schedule(at, id, arrival);
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

    fn stay_busy(&mut self, id: NodeId) {
        let now = self.now;
        let Some(node) = self.node_mut(id) else {
            return;
        };
        if node.troubles.slow > Duration::ZERO && node.machine.is_some() {
            node.busy_until = now + node.troubles.slow;
            let until = node.busy_until;
            self.queue.push(until, Pending::Resume(id));
        }
    }

    fn trace_arrival(&mut self, id: NodeId, arrival: &Arrival<H>) {
        self.trace.record(self.now, Some(id), || match arrival {
            Arrival::Message { from, message } => format!("<- {from} {message:?}"),
            Arrival::Request { id, request } => format!("request {} {request:?}", id.0),
            Arrival::Timer => "timer".to_owned(),
            Arrival::Written { token, .. } => format!("write {token} accepted"),
            Arrival::SyncEnds { token, .. } => format!("sync {token} ends"),
            Arrival::Read { token, .. } => format!("read {token} done"),
        });
    }
}
