//! A token bucket in exact fractions, as one would write it down.

use purlin_ratelimit::{Instant, Quota};

/// Counts in parts of a token, of which a token has as many as the period has nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    rate: u128,
    token: u128,
    burst: u128,
    pub(crate) level: u128,
    at: u64,
}

impl Bucket {
    pub(crate) fn new(quota: &Quota) -> Self {
        let token = quota.period().as_nanos();
        let burst = u128::from(quota.burst()) * token;
        Self {
            rate: u128::from(quota.count()),
            token,
            burst,
            level: burst,
            at: 0,
        }
    }

    fn fill(&mut self, now: Instant) {
        let elapsed = now.as_nanos().saturating_sub(self.at);
        self.level = self.burst.min(self.level + u128::from(elapsed) * self.rate);
        self.at = self.at.max(now.as_nanos());
    }

    /// Nanoseconds until the cost can be paid; `None` if never.
    pub(crate) fn wait(&mut self, now: Instant, cost: u64) -> Option<u128> {
        self.fill(now);
        let need = u128::from(cost) * self.token;
        (need <= self.burst).then(|| need.saturating_sub(self.level).div_ceil(self.rate))
    }

    pub(crate) fn take(&mut self, cost: u64) {
        self.level -= u128::from(cost) * self.token;
    }

    pub(crate) fn remaining(&self) -> u128 {
        self.level / self.token
    }
}

/// The wait until all of them can pay: what several bandwidths at once mean.
pub(crate) fn wait(buckets: &mut [Bucket], now: Instant, cost: u64) -> Option<u128> {
    let mut longest = Some(0);
    for bucket in buckets {
        let wait = bucket.wait(now, cost);
        longest = longest.zip(wait).map(|(a, b)| a.max(b));
    }
    longest
}
