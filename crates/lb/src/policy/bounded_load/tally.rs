//! How much is in flight, without looking at every endpoint for every request.

use crate::pool::Pool;
use crate::sampling::draws::Counter;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use alloc::boxed::Box;

/// What was seen of each endpoint when it was looked at last, and the sums of it.
#[derive(Debug)]
pub(super) struct Tally {
    seen: Box<[Seen]>,
    sums: Sums,
    /// Whose turn it is to be looked at.
    turn: Counter,
    panicking: AtomicU32,
}

/// Of an endpoint that is open; zeros of one that is not.
#[derive(Debug, Default)]
struct Seen {
    in_flight: AtomicU32,
    weight: AtomicU32,
}

/// On cache lines of their own: they change while others look at the endpoints.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Sums {
    in_flight: AtomicU64,
    weight: AtomicU64,
}

/// The sums over all open endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loads {
    pub(super) in_flight: u64,
    pub(super) weight: u64,
}

/// How many endpoints a request looks at that wants to know: with so many or fewer, the sum is
/// exact.
const LOOKS: usize = 16;

// ORDERING: all relaxed. These are sums of gauges, each of which is of another moment. What is
// swapped into `seen` goes into a sum as its exact difference to what was there, so that once nobody
// is about it the sums are those of what was seen.

impl Tally {
    pub(super) fn of(pool: Pool<'_>) -> Self {
        let tally = Self {
            seen: (0..pool.len()).map(|_| Seen::default()).collect(),
            sums: Sums::default(),
            turn: Counter::new(0),
            panicking: AtomicU32::new(pool.is_panicking().into()),
        };
        tally.weigh_all(pool);
        tally.look_at_all(pool);
        tally
    }

    /// Looks at the next few endpoints.
    pub(super) fn look(&self, pool: Pool<'_>) -> Loads {
        let len = self.seen.len();
        if len <= LOOKS {
            return self.look_at_all(pool);
        }
        // The remainder is below `len`.
        let turn = self.turn.next(LOOKS as u64) % len as u64;
        let start = usize::try_from(turn).unwrap_or(0);
        for step in 0..LOOKS {
            let position = start + step;
            self.look_at(pool, position.checked_sub(len).unwrap_or(position));
        }
        self.loads()
    }

    /// Looks at all endpoints.
    pub(super) fn look_at_all(&self, pool: Pool<'_>) -> Loads {
        for position in 0..self.seen.len() {
            self.look_at(pool, position);
        }
        self.loads()
    }

    fn look_at(&self, pool: Pool<'_>, position: usize) {
        if let Some(seen) = self.seen.get(position) {
            let open = pool.is_open(position);
            let in_flight = if open {
                pool.state(position).in_flight()
            } else {
                0
            };
            follow(&seen.in_flight, in_flight, &self.sums.in_flight);
        }
    }

    /// Weights say who has room, so they are known at once. Only those who change a status write
    /// them, one at a time: who picks may have seen an endpoint before it closed.
    pub(super) fn flipped(&self, pool: Pool<'_>, position: usize) {
        let panicking = u32::from(pool.is_panicking());
        if self.panicking.swap(panicking, Ordering::Relaxed) == panicking {
            self.weigh(pool, position);
        } else {
            self.weigh_all(pool);
        }
    }

    fn weigh_all(&self, pool: Pool<'_>) {
        for position in 0..self.seen.len() {
            self.weigh(pool, position);
        }
    }

    fn weigh(&self, pool: Pool<'_>, position: usize) {
        if let Some(seen) = self.seen.get(position) {
            let open = pool.is_open(position);
            let weight = if open { pool.weight(position).get() } else { 0 };
            follow(&seen.weight, weight, &self.sums.weight);
        }
    }

    fn loads(&self) -> Loads {
        // For a moment between a swap and its sum, a sum may be below zero.
        let sum = |of: &AtomicU64| {
            let sum = of.load(Ordering::Relaxed).cast_signed();
            sum.max(0).cast_unsigned()
        };
        Loads {
            in_flight: sum(&self.sums.in_flight),
            weight: sum(&self.sums.weight),
        }
    }

    /// Panics where an open endpoint is not counted with its weight, or the sums are not the sums.
    pub(super) fn check_invariants(&self, pool: Pool<'_>) {
        assert_eq!(self.seen.len(), pool.len(), "all are seen");
        let (mut in_flight, mut weight) = (0, 0);
        for (position, seen) in self.seen.iter().enumerate() {
            let expected = if pool.is_open(position) {
                pool.weight(position).get()
            } else {
                0
            };
            let counted = seen.weight.load(Ordering::Relaxed);
            assert_eq!(counted, expected, "the weight at {position}");
            weight += u64::from(counted);
            in_flight += u64::from(seen.in_flight.load(Ordering::Relaxed));
        }
        assert_eq!(self.loads(), Loads { in_flight, weight }, "the sums");
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            seen: Box::default(),
            sums: Sums::default(),
            turn: Counter::new(0),
            panicking: AtomicU32::new(0),
        }
    }
}

/// Writes what is `now`, and adds to the sum what that changes.
fn follow(seen: &AtomicU32, now: u32, sum: &AtomicU64) {
    // Nearly always the same: reading shares the cache line.
    if seen.load(Ordering::Relaxed) != now {
        let before = seen.swap(now, Ordering::Relaxed);
        let change = u64::from(now).wrapping_sub(before.into());
        sum.fetch_add(change, Ordering::Relaxed);
    }
}
