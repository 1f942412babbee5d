//! The network model: what happens to a message between two nodes.

use crate::{Latency, NodeSet, Probability};
use core::fmt;
use core::num::NonZeroU64;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_core::random::Random;
use purlin_core::time::Instant;
use std::collections::HashMap;

/// How one direction of one link behaves while no fault is at work.
///
/// ```
/// use purlin_sim::{Link, Probability};
///
/// let lossy = Link { loss: Probability::percent(2), ..Link::lan() };
/// assert_eq!(lossy.latency, Link::lan().latency);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The time a message is under way.
    pub latency: Latency,
    /// How likely a message is lost.
    pub loss: Probability,
    /// How likely a message arrives twice, the second time after a latency of its own.
    pub duplicate: Probability,
    /// How likely a message is held up for [`reorder_delay`](Self::reorder_delay), so that later
    /// ones overtake it.
    pub reorder: Probability,
    /// How long a held-up message waits, on top of its latency.
    pub reorder_delay: Latency,
    /// Whether messages otherwise keep their order.
    pub order: Order,
    /// Bytes a second; messages queue for it. `None` for no limit. Sizes come from
    /// [`Host::message_size`](crate::Host::message_size), which is zero unless overridden:
    /// without that a limit has no effect.
    pub bandwidth: Option<NonZeroU64>,
}

/// Whether a link keeps the order of its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Datagrams: each message arrives after its own latency.
    Any,
    /// A stream: a message does not arrive before the one sent before it (unless that one was held
    /// up by [`Link::reorder`]).
    Fifo,
}

impl Link {
    /// Instant and faultless: messages arrive at the moment they are sent, in order.
    #[must_use]
    pub const fn perfect() -> Self {
        Self {
            latency: Latency::ZERO,
            loss: Probability::NEVER,
            duplicate: Probability::NEVER,
            reorder: Probability::NEVER,
            reorder_delay: Latency::ZERO,
            order: Order::Fifo,
            bandwidth: None,
        }
    }

    /// Datagrams within a data centre: median 250 us, 99th percentile 2 ms, without loss.
    #[must_use]
    pub const fn lan() -> Self {
        Self {
            latency: Latency::LogNormal {
                median: Duration::from_micros(250),
                p99: Duration::from_millis(2),
            },
            order: Order::Any,
            ..Self::perfect()
        }
    }

    /// Datagrams over a bad network: median 40 ms, 99th percentile 300 ms, 2 % lost, 1 %
    /// duplicated, 2 % held up for up to a second.
    #[must_use]
    pub const fn wan() -> Self {
        Self {
            latency: Latency::LogNormal {
                median: Duration::from_millis(40),
                p99: Duration::from_millis(300),
            },
            loss: Probability::percent(2),
            duplicate: Probability::percent(1),
            reorder: Probability::percent(2),
            reorder_delay: Latency::Uniform {
                min: Duration::ZERO,
                max: Duration::from_secs(1),
            },
            order: Order::Any,
            bandwidth: None,
        }
    }
}

/// The function that says how the link from one node to another behaves.
type Topology = Box<dyn Fn(NodeId, NodeId) -> Link>;

/// What becomes of one message: none, one or two arrivals.
pub(crate) type Arrivals = [Option<Instant>; 2];

/// All links, and the faults that are at work on them.
pub(crate) struct Network {
    topology: Topology,
    cuts: Vec<(NodeSet, NodeSet)>,
    /// Loss and delay that incidents add everywhere.
    losses: Vec<Probability>,
    delays: Vec<Duration>,
    /// Only for links with an order or a bandwidth to keep.
    links: HashMap<(NodeId, NodeId), LinkState>,
    /// With so many links it is time to forget the idle ones.
    sweep_at: usize,
}

/// Below this it is not worth looking for idle links.
const SWEEP_MIN: usize = 1 << 12;

#[derive(Default)]
struct LinkState {
    /// When the last byte of what was sent so far has left.
    free_at: Instant,
    /// When the last message in order arrives.
    last_arrival: Instant,
}

impl Network {
    pub(crate) fn new(topology: Topology) -> Self {
        Self {
            topology,
            cuts: Vec::new(),
            losses: Vec::new(),
            delays: Vec::new(),
            links: HashMap::new(),
            sweep_at: SWEEP_MIN,
        }
    }

    pub(crate) fn cut(&mut self, from: NodeSet, to: NodeSet) {
        self.cuts.push((from, to));
    }

    pub(crate) fn heal(&mut self, from: &NodeSet, to: &NodeSet) {
        remove_one(&mut self.cuts, |cut| (&cut.0, &cut.1) == (from, to));
    }

    pub(crate) fn add_loss(&mut self, loss: Probability) {
        self.losses.push(loss);
    }

    pub(crate) fn remove_loss(&mut self, loss: Probability) {
        remove_one(&mut self.losses, |active| *active == loss);
    }

    pub(crate) fn add_delay(&mut self, delay: Duration) {
        self.delays.push(delay);
    }

    pub(crate) fn remove_delay(&mut self, delay: Duration) {
        remove_one(&mut self.delays, |active| *active == delay);
    }

    /// Whether a cut is in the way from one node to another.
    pub(crate) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cuts
            .iter()
            .any(|(sources, targets)| sources.contains(from) && targets.contains(to))
    }

    /// When a message sent now arrives. A node's messages to itself are neither delayed nor lost.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        (from, to): (NodeId, NodeId),
        bytes: usize,
        random: &mut impl Random,
    ) -> Arrivals {
        if from == to {
            return [Some(now), None];
        }
        let link = (self.topology)(from, to);
        let loss = self.loss(&link);
        if self.is_cut(from, to) || loss.happens(random) {
            return [None, None];
        }
        self.sweep(now);
        let sent = self.transmit(now, (from, to), &link, bytes);
        let first = self.arrival(sent, (from, to), &link, random);
        let second = link
            .duplicate
            .happens(random)
            .then(|| self.arrival(sent, (from, to), &link, random));
        [Some(first), second]
    }

    /// Forgets links that have nothing under way, so that memory follows the traffic and not the
    /// square of the nodes. Amortised O(1).
    fn sweep(&mut self, now: Instant) {
        if self.links.len() >= self.sweep_at {
            self.links
                .retain(|_, state| state.free_at > now || state.last_arrival > now);
            self.sweep_at = SWEEP_MIN.max(self.links.len() * 2);
        }
    }

    /// When a message between a node and somebody outside arrives: no cut is in its way, and its
    /// link keeps neither order nor bandwidth.
    pub(crate) fn send_outside(
        &mut self,
        now: Instant,
        link: &Link,
        random: &mut impl Random,
    ) -> Arrivals {
        if self.loss(link).happens(random) {
            return [None, None];
        }
        let outside = (NodeId(u64::MAX), NodeId(u64::MAX));
        let first = self.arrival(now, outside, link, random);
        let second = link
            .duplicate
            .happens(random)
            .then(|| self.arrival(now, outside, link, random));
        [Some(first), second]
    }

    /// A link's loss with that of the incidents.
    fn loss(&self, link: &Link) -> Probability {
        self.losses
            .iter()
            .fold(link.loss, |sum, loss| sum.or(*loss))
    }

    /// When the message has left the sender, with what was queued before it on this link.
    fn transmit(
        &mut self,
        now: Instant,
        ends: (NodeId, NodeId),
        link: &Link,
        bytes: usize,
    ) -> Instant {
        let Some(bandwidth) = link.bandwidth else {
            return now;
        };
        let nanos = (bytes as u128 * 1_000_000_000).div_ceil(u128::from(bandwidth.get()));
        let state = self.links.entry(ends).or_default();
        let took = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        state.free_at = state.free_at.max(now) + took;
        state.free_at
    }

    fn arrival(
        &mut self,
        sent: Instant,
        ends: (NodeId, NodeId),
        link: &Link,
        random: &mut impl Random,
    ) -> Instant {
        // Instants saturate, sums of durations panic.
        let delayed = self.delays.iter().fold(sent, |at, delay| at + *delay);
        let arrival = delayed + link.latency.sample(random);
        if link.reorder.happens(random) {
            return arrival + link.reorder_delay.sample(random);
        }
        if link.order == Order::Any {
            return arrival;
        }
        let state = self.links.entry(ends).or_default();
        state.last_arrival = state.last_arrival.max(arrival);
        state.last_arrival
    }
}

fn remove_one<T>(items: &mut Vec<T>, matches: impl Fn(&T) -> bool) {
    if let Some(index) = items.iter().position(matches) {
        items.swap_remove(index);
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("cuts", &self.cuts)
            .field("losses", &self.losses)
            .field("delays", &self.delays)
            .finish_non_exhaustive()
    }
}
