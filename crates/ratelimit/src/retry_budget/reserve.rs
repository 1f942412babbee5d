use crate::sync::{AtomicU64, Ordering};

/// Retries at a steady rate, saved up for one time to live: GCRA on one word, the theoretical
/// arrival time of the next retry in nanoseconds. Zero is a full reserve.
#[derive(Debug)]
pub(super) struct Reserve {
    arrival: AtomicU64,
    /// Nanoseconds from one retry to the next, rounded up: never more than was asked for.
    interval: u64,
    /// `interval` times the number of retries a full reserve holds.
    tolerance: u64,
}

const NANOS_PER_SEC: u64 = 1_000_000_000;

impl Reserve {
    /// `min_per_sec` in `1..=10^9`.
    pub(super) fn new(ttl: u64, min_per_sec: u32) -> Self {
        let rate = u64::from(min_per_sec);
        let interval = NANOS_PER_SEC.div_ceil(rate);
        // At least one: a rate of one a second is meant, whatever the time to live.
        let held = u128::from(ttl) * u128::from(rate) / u128::from(NANOS_PER_SEC);
        let tolerance = held.max(1) * u128::from(interval);
        Self {
            arrival: AtomicU64::new(0),
            interval,
            tolerance: u64::try_from(tolerance).unwrap_or(u64::MAX),
        }
    }

    pub(super) fn try_withdraw(&self, now: u64) -> bool {
        let limit = now.saturating_add(self.tolerance);
        // ORDERING: the time guards no other memory; its own order is all that counts.
        let mut arrival = self.arrival.load(Ordering::Relaxed);
        loop {
            // Past the end of time nothing is given: a saturated sum would not advance.
            let next = match arrival.max(now).checked_add(self.interval) {
                Some(next) if next <= limit => next,
                _ => return false,
            };
            let relaxed = Ordering::Relaxed;
            match self
                .arrival
                .compare_exchange_weak(arrival, next, relaxed, relaxed)
            {
                Ok(_) => return true,
                Err(now_there) => arrival = now_there,
            }
        }
    }

    pub(super) fn available(&self, now: u64) -> u64 {
        let limit = now.saturating_add(self.tolerance);
        let next = self.arrival.load(Ordering::Relaxed).max(now);
        limit.saturating_sub(next) / self.interval
    }
}
