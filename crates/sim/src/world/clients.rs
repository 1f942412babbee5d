//! Clients: closed loops of request, wait, pause.

use super::World;
use super::step::{Arrival, Pending};
use crate::history::OpId;
use crate::host::Host;
use crate::{Latency, RequestId};
use alloc::collections::BTreeSet;
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

/// What clients ask next: the node and the request, or nothing any more.
pub(super) type Workload<R> = Box<dyn FnMut(usize, &mut dyn Random) -> Option<(NodeId, R)>>;

pub(super) struct Clients<H: Host> {
    pub(super) model: ClientModel,
    pub(super) workload: Workload<H::Request>,
    pub(super) clients: Vec<Client>,
    /// The requests so far, by number.
    pub(super) requests: Vec<Request>,
    /// When set, the only ones the clients make.
    pub(super) kept: Option<BTreeSet<ClientRequest>>,
}

/// A client's `nth` request, counted from 0. Printed as `c2.0`.
///
/// Unlike a [`RequestId`], which counts all requests in the order of time, it names the same request in runs that differ in others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientRequest {
    /// The client.
    pub client: usize,
    /// How many it made before.
    pub nth: u64,
}

impl fmt::Display for ClientRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}.{}", self.client, self.nth)
    }
}

pub(super) struct Client {
    random: Xoshiro256PlusPlus,
    turn: u64,
    /// How many requests its workload has given it.
    drawn: u64,
    waits_for: Option<RequestId>,
}

pub(super) struct Request {
    op: OpId,
    /// Whose it is; `None` for one of a script.
    made_by: Option<ClientRequest>,
    /// Whether a reply would still count.
    is_open: bool,
}

impl Client {
    pub(super) const fn new(random: Xoshiro256PlusPlus) -> Self {
        Self {
            random,
            turn: 0,
            drawn: 0,
            waits_for: None,
        }
    }
}

impl<H: Host> World<H> {
    /// Lets the clients make only these of their requests, and skip the others: for the shortest run to a failure, whose
    /// [`requests`](crate::Failure::requests) go in here.
    pub fn keep_requests(&mut self, requests: impl IntoIterator<Item = ClientRequest>) {
        self.clients.kept = Some(requests.into_iter().collect());
    }

    /// The requests that the clients have made, in order of time.
    pub fn client_requests(&self) -> impl Iterator<Item = ClientRequest> {
        self.clients
            .requests
            .iter()
            .filter_map(|request| request.made_by)
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
            clients,
            workload,
            requests,
            kept,
            model,
        } = &mut self.clients;
        let state = &mut clients[client];
        if state.turn != turn {
            return;
        }
        // A turn while it waits means that its patience is over.
        if let Some(given_up) = state.waits_for.take() {
            requests[index(given_up)].is_open = false;
            self.pause_client(client);
            return;
        }
        let made_by = ClientRequest {
            client,
            nth: state.drawn,
        };
        let is_kept = kept.as_ref().is_none_or(|kept| kept.contains(&made_by));
        let is_last = kept.as_ref().is_some_and(|kept| {
            kept.range(made_by..)
                .next()
                .is_none_or(|next| next.client != client)
        });
        if is_last {
            return;
        }
        let Some((node, request)) = workload(client, &mut state.random) else {
            return;
        };
        state.drawn += 1;
        let patience = model.timeout;
        if is_kept && let Some(id) = self.submit_for(made_by, node, request) {
            self.clients.clients[client].waits_for = Some(id);
            self.queue
                .push(self.now + patience, Pending::Client { client, turn });
        } else {
            self.pause_client(client);
        }
    }

    /// A client's request; `None` when the node refuses it.
    fn submit_for(
        &mut self,
        made_by: ClientRequest,
        node: NodeId,
        request: H::Request,
    ) -> Option<RequestId> {
        let id = self.submit(made_by.client as u64, node, request);
        let submitted = &mut self.clients.requests[index(id)];
        submitted.made_by = Some(made_by);
        submitted.is_open.then_some(id)
    }

    /// A request reaches its node at once; a node that is down refuses it.
    pub(super) fn submit(&mut self, process: u64, node: NodeId, request: H::Request) -> RequestId {
        let id = RequestId(self.clients.requests.len() as u64);
        let op = self.history.invoke(process, request.clone());
        let is_open = self.machine(node).is_some();
        self.clients.requests.push(Request {
            op,
            made_by: None,
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
        if core::mem::take(&mut request.is_open) {
            let made_by = request.made_by;
            let completed = self.history.complete(request.op, reply);
            completed.expect("an open request is an open operation");
            if let Some(ClientRequest { client, .. }) = made_by {
                self.clients.clients[client].waits_for = None;
                self.pause_client(client);
            }
        }
    }
}

fn index(id: RequestId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}
