//! What a limiter made of some traffic.

use alloc::collections::VecDeque;
use core::time::Duration;

use purlin_ratelimit::{Instant, Limiter};

/// The instants at which a limiter admitted a request, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Admitted(pub(super) Vec<Instant>);

impl Admitted {
    /// Of the requests at these instants.
    pub(super) fn by(limiter: &dyn Limiter, arrivals: &[Instant]) -> Self {
        let admits = |now: &&Instant| limiter.try_acquire_at(**now, 1).is_ok();
        Self(arrivals.iter().filter(admits).copied().collect())
    }

    /// By the exact rule: no more than `limit` in any span of a window. Written down as it reads, so
    /// that nothing of the crate is its own yardstick.
    pub(super) fn by_exact_log(limit: u64, window: Duration, arrivals: &[Instant]) -> Self {
        let mut recent = VecDeque::new();
        let mut admitted = Vec::new();
        for &now in arrivals {
            while recent
                .front()
                .is_some_and(|&oldest| now.saturating_duration_since(oldest) >= window)
            {
                recent.pop_front();
            }
            if (recent.len() as u64) < limit {
                recent.push_back(now);
                admitted.push(now);
            }
        }
        Self(admitted)
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// The most that any span of a window got: [t, t + window) for every t.
    pub(super) fn fullest(&self, window: Duration) -> u64 {
        let mut first = 0;
        let counts = self.0.iter().enumerate().map(|(last, now)| {
            while now.saturating_duration_since(self.0[first]) >= window {
                first += 1;
            }
            last - first + 1
        });
        counts.max().unwrap_or(0) as u64
    }

    /// How many were admitted in the window that ends at `now`, which counts.
    pub(super) fn within(&self, window: Duration, now: Instant) -> u64 {
        let until = self.0.partition_point(|at| *at <= now);
        let from =
            self.0[..until].partition_point(|at| now.saturating_duration_since(*at) >= window);
        (until - from) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_millis(10);

    fn at(milliseconds: &[u64]) -> Vec<Instant> {
        let instants = milliseconds.iter().map(|ms| Instant::from_millis(*ms));
        instants.collect()
    }

    #[test]
    fn the_exact_log_forgets_after_a_whole_window() {
        let admitted = Admitted::by_exact_log(2, WINDOW, &at(&[0, 1, 2, 9, 10, 10, 11, 30]));
        assert_eq!(admitted.0, at(&[0, 1, 10, 11, 30]));
    }

    #[test]
    fn the_fullest_window_may_begin_anywhere() {
        let admitted = Admitted(at(&[0, 9, 9, 10, 18, 19, 40]));
        assert_eq!(admitted.fullest(WINDOW), 4);
        assert_eq!(admitted.within(WINDOW, Instant::from_millis(18)), 4);
        assert_eq!(admitted.within(WINDOW, Instant::from_millis(19)), 3);
        assert_eq!(Admitted(Vec::new()).fullest(WINDOW), 0);
    }
}
