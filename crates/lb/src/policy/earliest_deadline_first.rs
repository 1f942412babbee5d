//! Envoy's weighted round robin: the earliest deadline first.

use super::weighted_random::{TRIES, part};
use crate::balancer::Balancer;
use crate::pool::Places;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::draws::entropy;
use crate::sync::{Mutex, lock};
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::mem;
use purlin_core::random::{Random as _, SplitMix64};
use purlin_core::time::Instant;

/// Each endpoint in turn as often as its weight asks: it is due once in every period of 1 / weight,
/// and the one that is due first gets the request. Of those that are due together, the one that has
/// waited longest.
///
/// After any number of requests each endpoint is one or two requests off what it is due, where
/// weights are of one order. A heavy endpoint among n light ones is off by some sqrt(n), and by up
/// to n if they are [`ordered`](Self::ordered), and so all due together. A pick is O(log endpoints)
/// under a lock; rebuilding is O(endpoints). Source: Envoy, `EdfScheduler`, after the fair queueing
/// of Demers, Keshav and Shenker, SIGCOMM 1989.
///
/// Each endpoint begins at a random point of its period, such that the first request, and each later
/// one, goes to an endpoint with the probability of its share. Without that, fresh balancers all
/// begin with their heaviest endpoint, and a light one starves when processes are young
/// ([`ordered`](Self::ordered) does so, as Envoy's scheduler by itself). An endpoint stays at its
/// point of its period through updates, those of its weight, too.
///
/// A closed or excluded endpoint forfeits its turns; the others keep their shares. When 32 in a row
/// do, the first one that is not is looked for in O(endpoints).
///
/// ```
/// use purlin_lb::policy::EarliestDeadlineFirst;
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let upstreams = [Upstream::new("a"), Upstream::new("b").weight(2)];
/// let cluster = Cluster::new(EarliestDeadlineFirst::ordered(), upstreams)?;
/// let picks = [(); 6].map(|()| cluster.pick_at(Instant::ORIGIN, &Request::new()));
/// let nodes = picks.map(|lease| *lease.expect("they are open").node());
/// assert_eq!(nodes, ["b", "a", "b", "b", "a", "b"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EarliestDeadlineFirst {
    schedule: Mutex<Schedule>,
}

#[derive(Clone, Debug)]
struct Schedule {
    /// Those of a weight above 0.
    queue: BinaryHeap<Entry>,
    clock: Clock,
    places: Places,
    /// For the points at which endpoints begin.
    random: Option<SplitMix64>,
}

/// Virtual time, that goes on by requests.
#[derive(Clone, Debug, Default)]
struct Clock {
    /// The latest deadline that was met. 128 bits: it grows by less than a period a request, for
    /// ever.
    now: u128,
    turns: u64,
}

/// Ordered by who comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    deadline: Reverse<u128>,
    /// The turn in which it got its deadline.
    turn: Reverse<u64>,
    position: u32,
    weight: u32,
}

/// The period of weight 1: the least common multiple of 1 to 46, so that up to there all periods are
/// exact, and those that should be due together are. Beyond, they are short by 2^-31 at most.
const PERIOD: u64 = 9_419_588_158_802_421_600;

impl EarliestDeadlineFirst {
    /// Begins anywhere.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(entropy())
    }

    /// Begins at points that follow from this seed: the same picks each time.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::starting(Some(SplitMix64::new(seed)))
    }

    /// Every endpoint is due a whole period after it came: Envoy's sequence.
    #[must_use]
    pub fn ordered() -> Self {
        Self::starting(None)
    }

    fn starting(random: Option<SplitMix64>) -> Self {
        let schedule = Schedule {
            queue: BinaryHeap::new(),
            clock: Clock::default(),
            places: Places::default(),
            random,
        };
        Self {
            schedule: Mutex::new(schedule),
        }
    }
}

impl Balancer for EarliestDeadlineFirst {
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        let schedule = &mut *lock(&self.schedule);
        for _ in 0..TRIES {
            let mut first = schedule.queue.peek_mut()?;
            schedule.clock.turn(&mut first);
            let position = first.position as usize;
            // Puts it where it belongs now.
            drop(first);
            if pool.accepts(position, request, now) {
                return Some(position);
            }
        }
        schedule.first_admitted(pool, request)
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        lock(&self.schedule).renew(pool);
    }
}

impl Entry {
    fn period(&self) -> u64 {
        PERIOD / u64::from(self.weight.max(1))
    }
}

impl Clock {
    /// The turn of an endpoint, taken or forfeited, and when the next one is. One that was passed
    /// over for long does not catch up on what it missed.
    fn turn(&mut self, entry: &mut Entry) {
        self.now = self.now.max(entry.deadline.0);
        let period = entry.period();
        self.set(entry, period);
    }

    fn set(&mut self, entry: &mut Entry, from_now: u64) {
        entry.deadline = Reverse(self.now.saturating_add(from_now.into()));
        entry.turn = Reverse(self.turns);
        self.turns = self.turns.wrapping_add(1);
    }
}

impl Schedule {
    #[cold]
    fn first_admitted(&mut self, pool: Pool<'_>, request: &Request<'_>) -> Option<usize> {
        let mut entries = mem::take(&mut self.queue).into_vec();
        let admitted = entries
            .iter_mut()
            .filter(|entry| pool.admits(entry.position as usize, request));
        let position = admitted.max().map(|first| {
            self.clock.turn(first);
            first.position as usize
        });
        self.queue = entries.into();
        position
    }

    fn renew(&mut self, pool: Pool<'_>) {
        let places = self.places.renew(pool);
        let fresh = self.queue.is_empty();
        let mut former: Vec<Option<Entry>> = Vec::new();
        for entry in self.queue.drain() {
            let place = entry.position as usize;
            former.resize(former.len().max(place + 1), None);
            former[place] = Some(entry);
        }
        let mut entries = Vec::with_capacity(pool.len());
        for (position, place) in (0_u32..).zip(places) {
            let weight = pool.weight(position as usize).get();
            if weight == 0 {
                continue;
            }
            let kept = place.and_then(|place| former.get(place).copied().flatten());
            entries.push(match kept {
                Some(entry) => self.reweighted(entry, position, weight),
                None => self.added(position, weight),
            });
        }
        if fresh {
            self.draw_first(&mut entries);
        }
        self.queue = entries.into();
    }

    /// As far on in its period as it was.
    fn reweighted(&self, entry: Entry, position: u32, weight: u32) -> Entry {
        let mut deadline = entry.deadline.0;
        if weight != entry.weight {
            let left = deadline.saturating_sub(self.clock.now);
            let left = left.saturating_mul(entry.weight.into()) / u128::from(weight);
            deadline = self.clock.now.saturating_add(left);
        }
        Entry {
            deadline: Reverse(deadline),
            position,
            weight,
            ..entry
        }
    }

    /// Due after a whole period, or anywhere in it.
    fn added(&mut self, position: u32, weight: u32) -> Entry {
        let mut entry = Entry {
            deadline: Reverse(0),
            turn: Reverse(0),
            position,
            weight,
        };
        let period = entry.period();
        let from_now = match &mut self.random {
            Some(random) => part(random.next_u64(), period).saturating_add(1),
            None => period,
        };
        self.clock.set(&mut entry, from_now);
        entry
    }

    /// In a row of requests that began long ago, one looked at by chance goes to an endpoint with
    /// the probability of its share, and finds all others anywhere in their periods: so the one that
    /// is due now is drawn by weight, too.
    fn draw_first(&mut self, entries: &mut [Entry]) {
        let Some(random) = &mut self.random else {
            return;
        };
        let total = entries.iter().map(|entry| u64::from(entry.weight)).sum();
        let mut left = part(random.next_u64(), total);
        for entry in entries {
            match left.checked_sub(entry.weight.into()) {
                Some(rest) => left = rest,
                None => {
                    entry.deadline = Reverse(self.clock.now);
                    return;
                }
            }
        }
    }
}

/// It goes on from where this one is.
impl Clone for EarliestDeadlineFirst {
    fn clone(&self) -> Self {
        Self {
            schedule: Mutex::new(lock(&self.schedule).clone()),
        }
    }
}

impl Default for EarliestDeadlineFirst {
    fn default() -> Self {
        Self::new()
    }
}
