//! A register replicated over N nodes, after Attiya, Bar-Noy and Dolev ("Sharing memory robustly in
//! message-passing systems", JACM 1995), in its multi-writer form.
//!
//! Whoever a client asks coordinates: it asks `read_quorum` replicas for their newest value, then
//! has `write_quorum` replicas store the value to be written, or, for a read, the newest value
//! found. It is linearizable if and only if every read quorum meets every write quorum.

use alloc::collections::{BTreeMap, VecDeque};
use core::convert::Infallible;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_sim::model::{RegisterOp, RegisterRet};
use purlin_sim::{Boot, Effects, Event, Host, Moment, RequestId, Store};

const RESEND: Duration = Duration::from_millis(20);

/// A value and its version. A version carries the request that made it, so no two values ever share
/// one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Versioned {
    counter: u64,
    request: u64,
    value: Option<u64>,
}

impl Store for Versioned {
    type Write = Self;

    fn apply(&mut self, write: &Self) {
        *self = *write;
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Message {
    Query { request: u64 },
    Newest { request: u64, newest: Versioned },
    Keep { request: u64, newest: Versioned },
    Kept { request: u64 },
}

#[derive(Debug)]
pub(crate) enum Input {
    Client { request: u64, op: RegisterOp<u64> },
    Peer { from: NodeId, message: Message },
    Synced { token: u64, ok: bool },
}

#[derive(Debug)]
pub(crate) enum Output {
    Send(NodeId, Message),
    Persist { token: u64, newest: Versioned },
    Reply(u64, RegisterRet<u64>),
}

/// Sizes of quorums, and the one bug on request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) read_quorum: usize,
    pub(crate) write_quorum: usize,
    /// Replicas acknowledge before the value is durable.
    pub(crate) acknowledge_early: bool,
}

/// A client's request under way.
#[derive(Debug)]
struct Operation {
    op: RegisterOp<u64>,
    phase: Phase,
    answered: Vec<NodeId>,
    newest: Versioned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Query,
    Keep,
}

pub(crate) struct Replica {
    config: Config,
    nodes: u64,
    newest: Versioned,
    operations: BTreeMap<u64, Operation>,
    /// Acknowledgements that wait for a sync: whom to tell of which request, and what must be
    /// durable.
    unsynced: BTreeMap<u64, (NodeId, u64, Versioned)>,
    next_token: u64,
    resend_at: Option<Instant>,
    outputs: VecDeque<Output>,
}

impl Machine for Replica {
    type Input = Input;
    type Output = Output;
    type Error = Infallible;

    fn handle(&mut self, now: Instant, input: Input) -> Result<(), Infallible> {
        match input {
            Input::Client { request, op } => {
                let operation = Operation {
                    op,
                    phase: Phase::Query,
                    answered: Vec::new(),
                    newest: Versioned::default(),
                };
                self.operations.insert(request, operation);
                self.ask_all(request);
                self.resend_at.get_or_insert(now + RESEND);
            }
            Input::Peer { from, message } => self.on_message(from, message),
            Input::Synced { token, ok } => self.on_synced(token, ok),
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.resend_at.is_some_and(|at| at <= now) {
            let requests: Vec<u64> = self.operations.keys().copied().collect();
            self.resend_at = (!requests.is_empty()).then(|| now + RESEND);
            requests
                .into_iter()
                .for_each(|request| self.ask_all(request));
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.resend_at
    }
}

impl Replica {
    /// Asks all replicas for what the request's phase needs; each answers at most once that counts.
    fn ask_all(&mut self, request: u64) {
        let Some(operation) = self.operations.get(&request) else {
            return;
        };
        let newest = operation.newest;
        let message = match operation.phase {
            Phase::Query => Message::Query { request },
            Phase::Keep => Message::Keep { request, newest },
        };
        let peers = (0..self.nodes).map(NodeId);
        self.outputs
            .extend(peers.map(|peer| Output::Send(peer, message.clone())));
    }

    fn on_message(&mut self, from: NodeId, message: Message) {
        match message {
            Message::Query { request } => {
                let newest = self.newest;
                self.outputs
                    .push_back(Output::Send(from, Message::Newest { request, newest }));
            }
            Message::Keep { request, newest } => self.keep(from, request, newest),
            Message::Newest { request, newest } => {
                self.on_answer(from, request, Phase::Query, newest);
            }
            Message::Kept { request } => {
                self.on_answer(from, request, Phase::Keep, Versioned::default());
            }
        }
    }

    /// Stores what is newer, and acknowledges once it is durable.
    fn keep(&mut self, from: NodeId, request: u64, newest: Versioned) {
        self.newest = self.newest.max(newest);
        let acknowledgement = Output::Send(from, Message::Kept { request });
        if self.config.acknowledge_early {
            self.outputs.push_back(acknowledgement);
        }
        self.persist(from, request);
    }

    fn persist(&mut self, from: NodeId, request: u64) {
        self.next_token += 1;
        let (token, newest) = (self.next_token, self.newest);
        self.unsynced.insert(token, (from, request, newest));
        self.outputs.push_back(Output::Persist { token, newest });
    }

    fn on_synced(&mut self, token: u64, ok: bool) {
        let Some((from, request, _)) = self.unsynced.remove(&token) else {
            return;
        };
        if !ok {
            // What a failed sync covered is lost to later ones: write it again.
            self.persist(from, request);
        } else if !self.config.acknowledge_early {
            self.outputs
                .push_back(Output::Send(from, Message::Kept { request }));
        }
    }

    fn on_answer(&mut self, from: NodeId, request: u64, phase: Phase, newest: Versioned) {
        let Some(operation) = self.operations.get_mut(&request) else {
            return;
        };
        if operation.phase != phase || operation.answered.contains(&from) {
            return;
        }
        operation.answered.push(from);
        operation.newest = operation.newest.max(newest);
        match phase {
            Phase::Query if operation.answered.len() >= self.config.read_quorum => {
                if let RegisterOp::Write(value) = operation.op {
                    let counter = operation.newest.counter + 1;
                    operation.newest = Versioned {
                        counter,
                        request,
                        value: Some(value),
                    };
                }
                operation.phase = Phase::Keep;
                operation.answered.clear();
                self.ask_all(request);
            }
            Phase::Keep if operation.answered.len() >= self.config.write_quorum => {
                let reply = match operation.op {
                    RegisterOp::Write(_) => RegisterRet::Written,
                    _ => RegisterRet::Value(operation.newest.value),
                };
                self.operations.remove(&request);
                self.outputs.push_back(Output::Reply(request, reply));
            }
            _ => {}
        }
    }
}

/// Runs replicas in the simulator.
pub(crate) struct RegisterHost(pub(crate) Config);

impl Host for RegisterHost {
    type Machine = Replica;
    type Message = Message;
    type Store = Versioned;
    type Request = RegisterOp<u64>;
    type Reply = RegisterRet<u64>;

    fn start(&self, boot: Boot<'_, Versioned>) -> Replica {
        Replica {
            config: self.0,
            nodes: boot.nodes as u64,
            newest: *boot.store,
            operations: BTreeMap::new(),
            unsynced: BTreeMap::new(),
            next_token: 0,
            resend_at: None,
            outputs: VecDeque::new(),
        }
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<Input> {
        Some(match event {
            Event::Message { from, message } => Input::Peer { from, message },
            Event::Request { id, request } => Input::Client {
                request: id.0,
                op: request,
            },
            Event::Synced { token } => Input::Synced { token, ok: true },
            Event::SyncFailed { token } => Input::Synced { token, ok: false },
            _ => return None,
        })
    }

    fn output(&self, _at: Moment, output: Output, effects: &mut Effects<Self>) {
        match output {
            Output::Send(to, message) => effects.send(to, message),
            Output::Persist { token, newest } => {
                effects.write(token, newest);
                effects.sync(token);
            }
            Output::Reply(request, reply) => effects.reply(RequestId(request), reply),
        }
    }
}
