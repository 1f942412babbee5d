//! Clients: closed loops of request, wait, pause; or a script of requests.

use super::step::{Arrival, Pending};
use super::{World, slot};
use crate::history::OpId;
use crate::host::Host;
use crate::network::Arrivals;
use crate::{Latency, Link, Order, Probability, RequestId};
use core::fmt;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::random::{Random, Xoshiro256PlusPlus};
use purlin_core::time::Instant;

/// How the clients of a world behave. Each has at most one request open.
///
/// Unless told otherwise clients sit beside the nodes: requests and replies take no time and are
/// never lost, and only a crash, a pause or a slow node stands between a client and its answer.
/// That makes for the strictest history. With a [`link`](Self::link) they sit behind a network,
/// where requests and replies take time, get lost and come twice.
///
/// ```
/// use core::time::Duration;
/// use purlin_sim::{ClientModel, Link};
///
/// let impatient = ClientModel { timeout: Duration::from_millis(50), link: Some(Link::wan()), ..ClientModel::new(4) };
/// assert_eq!(impatient.clients, 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientModel {
    /// How many there are.
    pub clients: usize,
    /// The pause before each request.
    pub think: Latency,
    /// How long a client waits for a reply before it gives up; the outcome of the request is then
    /// unknown for ever.
    pub timeout: Duration,
    /// How long, from the start of the world, clients begin requests.
    pub active: Duration,
    /// What is between each client and each node, both ways; `None` for nothing.
    /// [`Fault::Loss`](crate::Fault::Loss) and [`Fault::Delay`](crate::Fault::Delay) befall it as
    /// they do links between nodes; cuts do not. Its bandwidth and order are not kept, and
    /// replies are not duplicated.
    pub link: Option<Link>,
}

impl ClientModel {
    /// So many clients, which pause for 100 ms on average, wait for a second, never stop, and sit
    /// beside the nodes.
    #[must_use]
    pub const fn new(clients: usize) -> Self {
        Self {
            clients,
            think: Latency::Exponential {
                min: Duration::ZERO,
                mean: Duration::from_millis(100),
            },
            timeout: Duration::from_secs(1),
            active: Duration::MAX,
            link: None,
        }
    }
}

/// A client's turn to ask, as its workload sees it.
pub struct Turn<'a, R> {
    /// The client, from 0.
    pub client: usize,
    /// True time.
    pub now: Instant,
    /// What became of the client's last request; `None` at its first.
    pub last: Option<Outcome<R>>,
    /// The client's own stream of the seed.
    pub random: &'a mut dyn Random,
}

impl<R: fmt::Debug> fmt::Debug for Turn<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("client", &self.client)
            .field("now", &self.now)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

/// What became of a client's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<R> {
    /// It was answered.
    Replied(R),
    /// It was refused and has not happened: the node was down, or
    /// [refused](crate::Effects::refuse).
    Refused,
    /// The client gave up. Nobody knows whether it happens.
    TimedOut,
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

/// What a client asks next: the node and the request, or nothing any more.
pub(super) type Workload<H> =
    Box<dyn FnMut(Turn<'_, <H as Host>::Reply>) -> Option<(NodeId, <H as Host>::Request)>>;

pub(super) struct Clients<H: Host> {
    pub(super) model: ClientModel,
    pub(super) workload: Workload<H>,
    pub(super) clients: Vec<Client<H::Reply>>,
    /// All requests so far, by number.
    pub(super) requests: Vec<Request>,
    /// What the clients have asked so far.
    pub(super) calls: Vec<Call<H::Request>>,
    /// Which script is played: the one set last.
    pub(super) script: u64,
}

pub(super) struct Client<R> {
    random: Xoshiro256PlusPlus,
    turn: u64,
    waits_for: Option<RequestId>,
    last: Option<Outcome<R>>,
}

pub(super) struct Request {
    op: OpId,
    /// The client that waits for it.
    client: Option<usize>,
    /// Whether an answer would still count.
    is_open: bool,
    /// Whether a node has taken it, so that it may happen.
    is_taken: bool,
    /// How many copies of it are under way.
    copies: usize,
}

impl<R> Client<R> {
    pub(super) const fn new(random: Xoshiro256PlusPlus) -> Self {
        Self {
            random,
            turn: 0,
            waits_for: None,
            last: None,
        }
    }
}

impl<H: Host> Clients<H> {
    /// A node that is up takes the request: from now on it may happen.
    pub(super) fn take(&mut self, id: RequestId) {
        let request = &mut self.requests[index(id)];
        request.copies -= 1;
        request.is_taken = true;
    }
}

impl<H: Host> World<H> {
    /// What the clients have asked so far, in order of time.
    #[must_use]
    pub fn calls(&self) -> &[Call<H::Request>] {
        &self.clients.calls
    }

    /// Replaces the clients, or an earlier script, by a script: these calls are made at their
    /// times, whether or not earlier ones were answered. Those that lie in the past are made at
    /// once. Patience ends after the [timeout](ClientModel::timeout) of the world's clients, if
    /// it was built with some.
    ///
    /// A failure's [`calls`](crate::Failure::calls) go in here.
    ///
    /// # Panics
    ///
    /// When a call names a node that does not exist.
    pub fn set_calls(&mut self, calls: impl IntoIterator<Item = Call<H::Request>>) {
        let Clients {
            clients, requests, ..
        } = &mut self.clients;
        for client in clients {
            client.turn += 1;
            if let Some(abandoned) = client.waits_for.take() {
                requests[index(abandoned)].is_open = false;
            }
        }
        self.clients.script += 1;
        let script = self.clients.script;
        for call in calls {
            self.assert_exists(call.node, &call);
            self.queue
                .push(call.at.max(self.now), Pending::Call { call, script });
        }
    }

    fn make(&mut self, call: Call<H::Request>) -> RequestId {
        let call = Call {
            at: self.now,
            ..call
        };
        self.clients.calls.push(call.clone());
        self.send_request(call.client as u64, call.node, call.request)
    }

    /// Makes a call of a script.
    pub(super) fn make_scripted(&mut self, call: Call<H::Request>, script: u64) {
        if script != self.clients.script {
            return;
        }
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
        if at <= Instant::ORIGIN + model.active {
            self.queue.push(at, Pending::Client { client, turn });
        }
    }

    pub(super) fn client_turn(&mut self, client: usize, turn: u64) {
        let now = self.now;
        let Clients {
            clients, workload, ..
        } = &mut self.clients;
        let state = &mut clients[client];
        if state.turn != turn {
            return;
        }
        // A turn while it waits means that its patience is over.
        if let Some(given_up) = state.waits_for.take() {
            state.last = Some(Outcome::TimedOut);
            self.give_up(given_up);
            return self.pause_client(client);
        }
        let (last, random) = (state.last.take(), &mut state.random);
        let Some((node, request)) = workload(Turn {
            client,
            now,
            last,
            random,
        }) else {
            return;
        };
        let id = self.make(Call {
            at: now,
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
        requests[index(id)].client = Some(client);
        clients[client].waits_for = Some(id);
        self.queue
            .push(now + model.timeout, Pending::Client { client, turn });
    }

    /// Sends a request to a node, in the name of a process of the history. For scripts; answered by
    /// its number.
    ///
    /// It travels over the [link](ClientModel::link) of the world's clients; at once where there is
    /// none. A node that is down refuses it.
    ///
    /// # Panics
    ///
    /// When there is no such node.
    pub fn request(&mut self, process: u64, node: NodeId, request: H::Request) -> RequestId {
        self.queue.new_chain();
        self.send_request(process, node, request)
    }

    fn send_request(&mut self, process: u64, node: NodeId, request: H::Request) -> RequestId {
        let id = RequestId(self.clients.requests.len() as u64);
        self.assert_exists(node, &format_args!("request {} {request:?}", id.0));
        let op = self.history.invoke(process, request.clone());
        let copies = self.under_way(node, true);
        self.clients.requests.push(Request {
            op,
            client: None,
            is_open: true,
            is_taken: false,
            copies: copies.iter().flatten().count(),
        });
        for at in copies.into_iter().flatten() {
            let request = request.clone();
            self.schedule(at, node, Arrival::Request { id, request });
        }
        id
    }

    /// When what a client sends to a node, or gets from it, arrives.
    fn under_way(&mut self, node: NodeId, is_request: bool) -> Arrivals {
        let (now, model) = (self.now, self.clients.model);
        let Some(node) = self.nodes.get_mut(slot(node)) else {
            return [None, None];
        };
        let Some(link) = model.link else {
            return [Some(now), None];
        };
        let duplicate = if is_request {
            link.duplicate
        } else {
            Probability::NEVER
        };
        let link = Link {
            duplicate,
            order: Order::Any,
            ..link
        };
        self.network.send_outside(now, &link, &mut node.random)
    }

    /// The request arrives at a node that is down.
    pub(super) fn refuse_request(&mut self, node: NodeId, id: RequestId) {
        let request = &mut self.clients.requests[index(id)];
        request.copies -= 1;
        if request.copies == 0 && !request.is_taken {
            self.reply(node, id, None);
        }
    }

    /// A node answers a request, or refuses it.
    pub(super) fn reply(&mut self, node: NodeId, id: RequestId, reply: Option<H::Reply>) {
        self.trace
            .record_of_client(self.now, node, || match &reply {
                Some(reply) => format!("reply {} {reply:?}", id.0),
                None => format!("refuses request {}", id.0),
            });
        match self.under_way(node, false) {
            [Some(at), _] if at == self.now => self.answer(id, reply),
            [Some(at), _] => self.queue.push(at, Pending::Answer(id, reply)),
            [None, _] => self.note(node, || format!("reply {} is lost", id.0)),
        }
    }

    /// An answer reaches whoever asked; `None` for a refusal.
    pub(super) fn answer(&mut self, id: RequestId, reply: Option<H::Reply>) {
        let Some(request) = self.clients.requests.get_mut(index(id)) else {
            return;
        };
        if !core::mem::take(&mut request.is_open) {
            return;
        }
        let client = request.client;
        let ended = match reply.clone() {
            Some(reply) => self.history.complete(request.op, reply),
            None => self.history.cancel(request.op),
        };
        ended.expect("an open request is an open operation");
        if let Some(client) = client {
            let state = &mut self.clients.clients[client];
            if state
                .waits_for
                .take_if(|waits_for| *waits_for == id)
                .is_some()
            {
                state.last = Some(reply.map_or(Outcome::Refused, Outcome::Replied));
                self.pause_client(client);
            }
        }
    }
}

fn index(id: RequestId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}
