//! Clients: closed loops of request, wait, pause; or a script of requests.

use super::World;
use super::step::{Arrival, Pending};
use crate::history::OpId;
use crate::host::Host;
use crate::{Latency, RequestId};
use core::fmt;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::random::{Random, Xoshiro256PlusPlus};
use purlin_core::time::Instant;

/// How the clients of a world behave. Each has at most one request open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientModel {
    /// How many there are.
    pub clients: usize,
    /// The pause before each request.
    pub think: Latency,
    /// How long a client waits for a reply before it gives up; the outcome of the request is then unknown for ever.
    pub timeout: Duration,
    /// The last moment at which a client begins a request.
    pub until: Instant,
}

/// One request of a client. Printed, it is a line such as `at 1.5s c0 asks n2: Read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call<R> {
    /// When it is made, in true time.
    pub at: Instant,
    /// Who makes it: the process of the history.
    pub client: usize,
    /// Who is asked.
    pub node: NodeId,
    /// What.
    pub request: R,
}

impl<R: fmt::Debug> fmt::Display for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at - Instant::ORIGIN;
        let Self {
            client,
            node,
            request,
            ..
        } = self;
        write!(f, "at {at:?} c{client} asks {node}: {request:?}")
    }
}

/// What clients ask next: the node and the request, or nothing any more.
pub(super) type Workload<R> = Box<dyn FnMut(usize, &mut dyn Random) -> Option<(NodeId, R)>>;

pub(super) struct Clients<H: Host> {
    pub(super) model: ClientModel,
    pub(super) workload: Workload<H::Request>,
    pub(super) clients: Vec<Client>,
    /// All requests so far, by number.
    pub(super) requests: Vec<Request>,
    /// What the clients have asked so far.
    pub(super) calls: Vec<Call<H::Request>>,
}

pub(super) struct Client {
    random: Xoshiro256PlusPlus,
    turn: u64,
    waits_for: Option<RequestId>,
}

pub(super) struct Request {
    op: OpId,
    /// The client that waits for it.
    client: Option<usize>,
    /// Whether a reply would still count.
    is_open: bool,
}

impl Client {
    pub(super) const fn new(random: Xoshiro256PlusPlus) -> Self {
        Self {
            random,
            turn: 0,
            waits_for: None,
        }
    }
}

impl<H: Host> World<H> {
    /// What the clients have asked so far, in order of time.
    #[must_use]
    pub fn calls(&self) -> &[Call<H::Request>] {
        &self.clients.calls
    }

    /// Replaces the clients by a script: these calls are made at their times, whether or not earlier ones were answered. Those that lie in the past are made at once.
    /// Patience ends after the [timeout](ClientModel::timeout) of the world's clients, if it was built with some.
    ///
    /// A failure's [`calls`](crate::Failure::calls) go in here.
    pub fn set_calls(&mut self, calls: impl IntoIterator<Item = Call<H::Request>>) {
        for client in &mut self.clients.clients {
            client.turn += 1;
            client.waits_for = None;
        }
        for call in calls {
            self.queue.push(call.at.max(self.now), Pending::Call(call));
        }
    }

    pub(super) fn make(&mut self, call: Call<H::Request>) -> RequestId {
        let call = Call {
            at: self.now,
            ..call
        };
        self.clients.calls.push(call.clone());
        self.submit(call.client as u64, call.node, call.request)
    }

    /// Makes a call of a script.
    pub(super) fn make_scripted(&mut self, call: Call<H::Request>) {
        let id = self.make(call);
        let patience = self.now + self.clients.model.timeout;
        self.queue.push(patience, Pending::GiveUp(id));
    }

    /// Nobody waits for the request's answer any more.
    pub(super) fn give_up(&mut self, id: RequestId) {
        self.clients.requests[index(id)].is_open = false;
    }

    /// Lets the client pause, and take its turn then.
    pub(super) fn pause_client(&mut self, client: usize) {
        let model = self.clients.model;
        let state = &mut self.clients.clients[client];
        state.turn += 1;
        let at = self.now + model.think.sample(&mut state.random);
        let turn = state.turn;
        if at <= model.until {
            self.queue.push(at, Pending::Client { client, turn });
        }
    }

    pub(super) fn client_turn(&mut self, client: usize, turn: u64) {
        let Clients {
            clients, workload, ..
        } = &mut self.clients;
        let state = &mut clients[client];
        if state.turn != turn {
            return;
        }
        // A turn while it waits means that its patience is over.
        if let Some(given_up) = state.waits_for.take() {
            self.give_up(given_up);
            self.pause_client(client);
            return;
        }
        let Some((node, request)) = workload(client, &mut state.random) else {
            return;
        };
        let at = self.now;
        let id = self.make(Call {
            at,
            client,
            node,
            request,
        });
        let Clients {
            clients,
            requests,
            model,
            ..
        } = &mut self.clients;
        let submitted = &mut requests[index(id)];
        if submitted.is_open {
            submitted.client = Some(client);
            clients[client].waits_for = Some(id);
            self.queue
                .push(at + model.timeout, Pending::Client { client, turn });
        } else {
            self.pause_client(client);
        }
    }

    /// A request reaches its node at once; a node that is down refuses it.
    pub(super) fn submit(&mut self, process: u64, node: NodeId, request: H::Request) -> RequestId {
        let id = RequestId(self.clients.requests.len() as u64);
        let op = self.history.invoke(process, request.clone());
        let is_open = self.machine(node).is_some();
        let client = None;
        self.clients.requests.push(Request {
            op,
            client,
            is_open,
        });
        if is_open {
            self.schedule(self.now, node, Arrival::Request { id, request });
        } else {
            self.history
                .cancel(op)
                .expect("the operation was just invoked");
            self.note(node, || {
                format!("is down and refuses request {} {request:?}", id.0)
            });
        }
        id
    }

    pub(super) fn reply(&mut self, node: NodeId, id: RequestId, reply: H::Reply) {
        self.note(node, || format!("reply {} {reply:?}", id.0));
        let Some(request) = self.clients.requests.get_mut(index(id)) else {
            return;
        };
        if !core::mem::take(&mut request.is_open) {
            return;
        }
        let client = request.client;
        let completed = self.history.complete(request.op, reply);
        completed.expect("an open request is an open operation");
        if let Some(client) = client
            && self.clients.clients[client]
                .waits_for
                .take_if(|waits_for| *waits_for == id)
                .is_some()
        {
            self.pause_client(client);
        }
    }
}

fn index(id: RequestId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}
