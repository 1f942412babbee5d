//! gRPC's static stride scheduler.

use super::weighted_random::{TRIES, any_by_weight};
use crate::balancer::Balancer;
use crate::pool::Places;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::draws::{Counter, entropy};
use alloc::sync::Arc;
use alloc::vec::Vec;
use purlin_core::random::{Random as _, SplitMix64};
use purlin_core::time::Instant;

/// Each endpoint in turn as often as its weight asks: rounds of all endpoints, in each of which a
/// lighter one is passed over as often as it is lighter than the heaviest.
///
/// After any number of requests each endpoint is one or two requests off what it is due, where
/// weights are of one order; a heavy endpoint among n light ones is off by up to n / 2. There is no
/// state but the number of the turn, so a pick is lock-free, and all threads share one sequence. It
/// costs as many turns as the heaviest weight is of the mean one: at worst, with one heavy endpoint
/// among n, it is O(n). 4 bytes an endpoint; rebuilding is O(endpoints).
///
/// Source: gRPC, the client-side weighted round robin of proposal A58 (`static_stride_scheduler`).
/// Weights count to 1 / 65,535 of the heaviest one and are at least that; 0 gets nothing here, where
/// gRPC takes it for the mean.
///
/// It begins at a random turn, such that the first request goes to an endpoint with the probability
/// of its share ([`from`](Self::from) does not). Through updates the rounds go on, and each endpoint
/// is as near to its next request as it was. Turns that fall on a closed or excluded endpoint go on
/// to the next; when a whole round and 32 more did, an endpoint is drawn by weight, in O(endpoints).
///
/// ```
/// use purlin_lb::policy::StaticStride;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let upstreams = [Upstream::new("a").weight(5), Upstream::new("b"), Upstream::new("c")];
/// let cluster = Cluster::new(StaticStride::from(0), upstreams)?;
/// let picks = [(); 7].map(|()| cluster.pick_at(Instant::ORIGIN, &Request::new()));
/// let nodes = picks.map(|lease| *lease.expect("they are open").node());
/// assert_eq!(nodes, ["a", "c", "a", "a", "b", "a", "a"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StaticStride {
    turn: Counter,
    strides: Arc<[Stride]>,
    places: Places,
    /// For the turn to begin with, until there is an endpoint to begin with.
    start: Option<SplitMix64>,
}

/// In each round an endpoint goes on by its weight, modulo [`FULL`]; when it comes round, it gets a
/// request.
#[derive(Clone, Copy, Debug)]
struct Stride {
    /// Of the heaviest one's, which is `FULL`.
    weight: u16,
    /// Where it was in round 0.
    offset: u16,
}

const FULL: u32 = u16::MAX as u32;

/// How far neighbours are apart, so that those of one weight do not come round together.
const APART: u64 = (FULL / 2) as u64;

impl StaticStride {
    /// Begins anywhere.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(entropy())
    }

    /// Begins at a turn that follows from this seed: the same picks each time.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            start: Some(SplitMix64::new(seed)),
            ..Self::from(0)
        }
    }

    /// Begins at that turn: gRPC's sequence for the same weights.
    #[must_use]
    pub fn from(turn: u32) -> Self {
        Self {
            turn: Counter::new(turn.into()),
            strides: Arc::default(),
            places: Places::default(),
            start: None,
        }
    }

    /// By position, the weights it goes by: in units of 1 / 65,535 of the heaviest one.
    pub fn scaled_weights(&self) -> impl Iterator<Item = u16> {
        self.strides.iter().map(|stride| stride.weight)
    }

    /// Whose turn it is, if it gets a request in it.
    #[inline]
    fn at(&self, turn: u64) -> Option<usize> {
        let len = self.strides.len() as u64;
        let position = usize::try_from(turn.checked_rem(len)?).ok()?;
        let stride = self.strides[position];
        (stride.place(turn / len) + u32::from(stride.weight) >= FULL).then_some(position)
    }
}

impl Balancer for StaticStride {
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let mut turn = 0;
        // The heaviest gets a request in each of its turns: while it is open, a round is enough.
        for _ in 0..self.strides.len() + TRIES {
            turn = self.turn.next(1);
            if let Some(position) = self.at(turn)
                && pool.accepts(position, request, now)
            {
                return Some(position);
            }
        }
        any_by_weight(pool, request, SplitMix64::mix(turn))
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        let weights = (0..pool.len()).map(|position| pool.weight(position).get());
        let weights: Vec<u32> = weights.collect();
        let places = self.places.renew(pool);
        // The round goes on; what it is called repeats after FULL of them.
        let turn = self.turn.get();
        let before = self.strides.len().max(1) as u64;
        let len = weights.len() as u64;
        let round = turn / before % u64::from(FULL);
        if !self.strides.is_empty() {
            self.turn = Counter::new(round * len + (turn % before).min(len));
        }
        let heaviest = weights.iter().copied().max().unwrap_or(0);
        let fresh = (0..).map(|position: u64| cut(position * APART % u64::from(FULL)));
        self.strides = weights
            .iter()
            .zip(places)
            .zip(fresh)
            .map(|((weight, place), offset)| {
                let stride = Stride {
                    weight: scaled_to(heaviest, *weight),
                    offset,
                };
                let former = place.and_then(|place| self.strides.get(place));
                former.map_or(stride, |former| {
                    stride.brought_to(former.place(round), round)
                })
            })
            .collect();
        if heaviest > 0
            && let Some(random) = self.start.take()
        {
            self.turn = Counter::new(self.drawn(random));
        }
    }
}

impl Stride {
    /// How far on it is in this round.
    #[inline]
    fn place(self, round: u64) -> u32 {
        let round = u32::from(cut(round % u64::from(FULL)));
        // Both factors are below 2^16, and the offset leaves room.
        (u32::from(self.weight) * round + u32::from(self.offset)) % FULL
    }

    /// The same, but that far on in this round.
    fn brought_to(self, place: u32, round: u64) -> Self {
        let now = self.place(round);
        let offset = (u32::from(self.offset) + FULL + place - now) % FULL;
        Self {
            offset: cut(offset.into()),
            ..self
        }
    }
}

impl StaticStride {
    /// A turn in which somebody gets a request, each as likely.
    fn drawn(&self, mut random: SplitMix64) -> u64 {
        // As many draws as the heaviest weight is of the mean one, on average: enough of them.
        let draws = (0..8 * self.strides.len()).map(|_| random.next_u64() >> 32);
        let mut turns = draws.filter(|turn| self.at(*turn).is_some());
        turns.next().unwrap_or_default()
    }
}

/// To the nearest, and not to 0.
fn scaled_to(heaviest: u32, weight: u32) -> u16 {
    if weight == 0 {
        return 0;
    }
    let (full, heaviest) = (u64::from(FULL), u64::from(heaviest));
    let nearest = (u64::from(weight) * full * 2 + heaviest) / (heaviest * 2);
    cut(nearest.max(1))
}

#[expect(clippy::cast_possible_truncation, reason = "at most FULL")]
const fn cut(number: u64) -> u16 {
    number as u16
}

impl Default for StaticStride {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Cluster;
    use crate::upstream::Upstream;
    use purlin_core::node::NodeId;

    /// How far on each endpoint is in the present round.
    fn places(cluster: &Cluster<u64, StaticStride>) -> Vec<(NodeId, u32)> {
        let snapshot = cluster.load();
        let (pool, policy) = (snapshot.pool(), snapshot.policy());
        let round = policy.turn.get() / pool.len() as u64;
        let strides = policy.strides.iter().enumerate();
        let mut places: Vec<_> = strides
            .map(|(position, stride)| (pool.id(position), stride.place(round)))
            .collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn everybody_is_as_far_on_after_an_update() {
        let weights = [3, 50, 7, 20, 11];
        let upstreams = (0..)
            .zip(weights)
            .map(|(name, weight)| Upstream::new(name).weight(weight));
        let cluster = Cluster::new(StaticStride::from(0), upstreams).expect("different names");
        for _ in 0..1_000 {
            drop(cluster.pick_at(Instant::ORIGIN, &Request::new()));
        }
        let before = places(&cluster);
        // The last moves to the front, and the next one takes all weights to another scale.
        cluster.remove(NodeId(0)).expect("it is there");
        assert_eq!(places(&cluster), before[1..]);
        cluster.set_weight(NodeId(2), 70_u32).expect("it is there");
        assert_eq!(places(&cluster), before[1..]);
        let new = Upstream::new(9).weight(500);
        cluster.insert_at(Instant::ORIGIN, new).expect("it is new");
        assert_eq!(places(&cluster)[..4], before[1..]);
    }
}
