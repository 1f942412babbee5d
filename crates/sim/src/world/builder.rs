use super::clients::{Client, ClientModel, Clients, Turn, Workload};
use super::node::Node;
use super::{Stats, World};
use crate::history::History;
use crate::host::Host;
use crate::network::Network;
use crate::node_clock::NodeClock;
use crate::queue::EventQueue;
use crate::{ClockModel, Latency, Link, NodeSet, Schedule, StorageModel, Trace};
use core::fmt;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::random::{Random, RandomExt, SplitMix64, Xoshiro256PlusPlus};
use purlin_core::time::Instant;

/// Builds a [`World`]. Unless told otherwise: [LAN](Link::lan) links, [honest
/// disks](StorageModel::disk), exact clocks, no clients, no faults, no trace.
pub struct WorldBuilder<H: Host> {
    host: H,
    nodes: usize,
    seed: u64,
    topology: Box<dyn Fn(NodeId, NodeId) -> Link>,
    storage: StorageModel,
    clocks: ClockModel,
    faults: Schedule,
    clients: (ClientModel, Workload<H>),
    trace: usize,
    absent: NodeSet,
}

/// Which stream of the seed is for what: nodes and clients count up from here.
const NODE_STREAM: u64 = 1 << 32;
const CLIENT_STREAM: u64 = 2 << 32;
const BOOT_STREAM: u64 = 3 << 32;

impl<H: Host> WorldBuilder<H> {
    pub(super) fn new(host: H, nodes: usize, seed: u64) -> Self {
        assert!(
            u32::try_from(nodes).is_ok(),
            "a world has fewer than 2^32 nodes"
        );
        let no_clients = ClientModel {
            timeout: Duration::MAX,
            ..ClientModel::new(0)
        };
        Self {
            host,
            nodes,
            seed,
            topology: Box::new(|_, _| Link::lan()),
            storage: StorageModel::disk(),
            clocks: ClockModel::default(),
            faults: Schedule::new(),
            clients: (no_clients, Box::new(|_| None)),
            trace: 0,
            absent: NodeSet::default(),
        }
    }

    /// All links are like this one.
    #[must_use]
    pub fn links(self, link: Link) -> Self {
        self.topology(move |_, _| link)
    }

    /// Each direction of each link is as the function says: zones, racks, a slow cable. It must
    /// always give the same answer.
    #[must_use]
    pub fn topology(mut self, link: impl Fn(NodeId, NodeId) -> Link + 'static) -> Self {
        self.topology = Box::new(link);
        self
    }

    /// How disks behave.
    #[must_use]
    pub const fn storage(mut self, model: StorageModel) -> Self {
        self.storage = model;
        self
    }

    /// How far clocks are off.
    #[must_use]
    pub const fn clocks(mut self, model: ClockModel) -> Self {
        self.clocks = model;
        self
    }

    /// What goes wrong, and when.
    #[must_use]
    pub fn faults(mut self, faults: Schedule) -> Self {
        self.faults = faults;
        self
    }

    /// Clients, and what each asks of which node at its next turn; `None` ends the client. Their
    /// requests and replies make up the [history](World::history).
    ///
    /// ```
    /// # use core::convert::Infallible;
    /// # use purlin_core::{machine::Machine, node::NodeId, time::Instant};
    /// # use purlin_sim::{Boot, Effects, Event, Host, Moment, RequestId};
    /// use purlin_core::random::RandomExt;
    /// use purlin_sim::{ClientModel, Outcome, Turn, World};
    ///
    /// # struct Echo(Option<(RequestId, u64)>);
    /// # impl Machine for Echo {
    /// #     type Input = (RequestId, u64);
    /// #     type Output = (RequestId, u64);
    /// #     type Error = Infallible;
    /// #     fn handle(&mut self, _: Instant, input: (RequestId, u64)) -> Result<(), Infallible> { self.0 = Some(input); Ok(()) }
    /// #     fn handle_timeout(&mut self, _: Instant) {}
    /// #     fn poll_output(&mut self) -> Option<(RequestId, u64)> { self.0.take() }
    /// #     fn poll_timeout(&self) -> Option<Instant> { None }
    /// # }
    /// # struct EchoHost;
    /// # impl Host for EchoHost {
    /// #     type Machine = Echo;
    /// #     type Message = ();
    /// #     type Store = ();
    /// #     type Request = u64;
    /// #     type Reply = u64;
    /// #     fn start(&self, _: Boot<'_, ()>) -> Echo { Echo(None) }
    /// #     fn input(&self, _: Moment, event: Event<'_, Self>) -> Option<(RequestId, u64)> {
    /// #         match event { Event::Request { id, request } => Some((id, request)), _ => None }
    /// #     }
    /// #     fn output(&self, _: Moment, (id, reply): (RequestId, u64), effects: &mut Effects<Self>) { effects.reply(id, reply); }
    /// # }
    /// // Asks a random node for the number after the one it was told last.
    /// let workload = |turn: Turn<'_, u64>| {
    ///     let node = NodeId(turn.random.below(3));
    ///     match turn.last {
    ///         Some(Outcome::Replied(number)) => Some((node, number + 1)),
    ///         Some(Outcome::TimedOut | Outcome::Refused) | None => Some((node, 1)),
    ///     }
    /// };
    /// let mut world = World::builder(EchoHost, 3, 7).clients(ClientModel::new(2), workload).build();
    /// world.run_for(core::time::Duration::from_secs(1));
    /// assert!(world.history().len() > 10);
    /// ```
    #[must_use]
    pub fn clients(
        mut self,
        model: ClientModel,
        workload: impl FnMut(Turn<'_, H::Reply>) -> Option<(NodeId, H::Request)> + 'static,
    ) -> Self {
        self.clients = (model, Box::new(workload));
        self
    }

    /// Remembers the last `capacity` events as a readable [`Trace`].
    #[must_use]
    pub const fn trace(mut self, capacity: usize) -> Self {
        self.trace = capacity;
        self
    }

    /// These nodes are not there from the start: they begin when [`World::start`] says so.
    #[must_use]
    pub fn absent(mut self, nodes: NodeSet) -> Self {
        self.absent = nodes;
        self
    }

    /// Starts all nodes, at time zero, but for [absent](Self::absent) ones.
    ///
    /// # Panics
    ///
    /// When an incident or an absent node does not exist.
    #[must_use]
    pub fn build(self) -> World<H> {
        let nodes: Vec<Node<H>> = (0..self.nodes as u64)
            .map(|index| {
                let mut random = stream(self.seed, NODE_STREAM + index);
                Node::new(self.clocks.draw(&mut random), random)
            })
            .collect();
        let (model, workload) = self.clients;
        let clients = Clients {
            model,
            workload,
            clients: (0..model.clients as u64)
                .map(|index| Client::new(stream(self.seed, CLIENT_STREAM + index)))
                .collect(),
            requests: Vec::new(),
            calls: Vec::new(),
            script: 0,
        };
        let mut world = World {
            host: self.host,
            seed: self.seed,
            now: Instant::ORIGIN,
            queue: EventQueue::new(),
            nodes,
            network: Network::new(self.topology),
            storage: self.storage,
            faults: self.faults,
            begun: 0,
            clients,
            history: History::new(),
            stats: Stats::default(),
            trace: Trace::new(self.trace),
            effects: Vec::new(),
        };
        let faults = world.faults.clone();
        world.set_faults(faults);
        self.absent
            .iter()
            .for_each(|node| world.assert_exists(node, &"absent"));
        for node in (0..world.nodes.len() as u64).map(NodeId) {
            if self.absent.contains(node) {
                world.hold_back(node);
            } else {
                world.boot(node);
            }
        }
        (0..model.clients).for_each(|client| world.pause_client(client));
        world
    }
}

impl<H: Host> World<H> {
    /// The seed that a node starts with, which no luck changes.
    pub(super) fn boot_seed(&self, node: NodeId, restarts: u32) -> u64 {
        // Mixed first: the lives of one world's node must not be those of its neighbour's.
        let seed = SplitMix64::mix(self.seed).wrapping_add(u64::from(restarts));
        stream(seed, BOOT_STREAM + node.0).next_u64()
    }

    /// Draws the luck of the network and the disks anew: another latency here, another loss there.
    /// Machines, clients and faults keep their seeds.
    ///
    /// Variation 0 is the world as it was built. Shrinking tries a few, for what remains of a
    /// failing run rarely meets the same luck.
    pub fn set_variation(&mut self, variation: u64) {
        if variation > 0 {
            for (index, node) in (0..).zip(&mut self.nodes) {
                node.random = stream(SplitMix64::mix(self.seed ^ variation), NODE_STREAM + index);
            }
        }
    }
}

/// One of the seed's independent streams.
fn stream(seed: u64, number: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::from_seed(SplitMix64::mix(seed) ^ SplitMix64::mix(number))
}

impl ClockModel {
    fn draw(&self, random: &mut impl Random) -> NodeClock {
        let ahead = Latency::Uniform {
            min: Duration::ZERO,
            max: self.skew,
        }
        .sample(random);
        let span = u64::from(self.drift_ppm) * 2 + 1;
        let drift = i64::try_from(random.below(span)).unwrap_or(0) - i64::from(self.drift_ppm);
        NodeClock::new(ahead, drift)
    }
}

impl<H: Host> fmt::Debug for WorldBuilder<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorldBuilder")
            .field("nodes", &self.nodes)
            .field("seed", &self.seed)
            .field("storage", &self.storage)
            .field("clocks", &self.clocks)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
