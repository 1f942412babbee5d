/// A whole, in the parts in which shares and ratios are counted here. (No floats: the same choices on every machine.)
pub(super) const WHOLE: i64 = 1_000_000;

/// The first step, and that after a restart: 6.25 %.
const STEP: i64 = WHOLE / 16;
/// Each step is 98 % of the one before.
const DECAY_PERCENT: i64 = 98;
/// A change of the hit ratio of 5 % starts the search anew.
const RESTART: i64 = WHOLE / 20;

/// Finds the share with the best hit ratio by hill climbing: on while it gets better, back when it gets worse, in ever smaller steps.
#[derive(Clone, Debug)]
pub(super) struct Climber {
    hits: u64,
    requests: u64,
    ratio: i64,
    step: i64,
}

impl Climber {
    pub(super) const fn new() -> Self {
        Self {
            hits: 0,
            requests: 0,
            ratio: 0,
            step: -STEP,
        }
    }

    /// Counts a request. When there were as many as the period: by how much the share should change.
    pub(super) fn record(&mut self, hit: bool, period: u64) -> Option<i64> {
        self.requests += 1;
        self.hits += u64::from(hit);
        if self.requests < period {
            return None;
        }
        let whole = u128::from(WHOLE.unsigned_abs());
        let ratio = u128::from(self.hits) * whole / u128::from(self.requests);
        let ratio = i64::try_from(ratio).unwrap_or(WHOLE);
        (self.hits, self.requests) = (0, 0);
        Some(self.climb(ratio))
    }

    fn climb(&mut self, ratio: i64) -> i64 {
        let change = ratio - self.ratio;
        self.ratio = ratio;
        let step = if change >= 0 { self.step } else { -self.step };
        self.step = if change.abs() < RESTART {
            step * DECAY_PERCENT / 100
        } else if step < 0 {
            -STEP
        } else {
            STEP
        };
        step
    }
}

#[cfg(test)]
mod tests {
    use super::{Climber, WHOLE};
    use alloc::vec::Vec;

    /// A hit ratio that falls by `slope` a part away from the best share, sampled without noise.
    fn climb(best: i64, slope: i64, periods: usize) -> i64 {
        let (mut climber, mut share) = (Climber::new(), WHOLE / 100);
        for _ in 0..periods {
            let ratio = WHOLE * 9 / 10 - (share - best).abs() / slope;
            for request in 0..1_000 {
                let hit = request * WHOLE < ratio * 1_000;
                if let Some(step) = climber.record(hit, 1_000) {
                    share = (share + step).clamp(0, WHOLE * 8 / 10);
                }
            }
        }
        share
    }

    #[test]
    fn it_finds_the_top() {
        for best in [0, WHOLE / 10, WHOLE / 3, WHOLE * 7 / 10] {
            let found = climb(best, 2, 300);
            assert!((found - best).abs() < WHOLE / 50, "{found}, not {best}");
        }
    }

    #[test]
    fn steps_get_smaller_until_the_hit_ratio_jumps() {
        let mut climber = Climber::new();
        let first: Vec<i64> = (0..4).map(|_| climber.climb(0)).collect();
        assert_eq!(first, [-62_500, -61_250, -60_025, -58_824]);
        assert_eq!(climber.climb(60_000), -57_647);
        assert_eq!(climber.climb(50_000), 62_500); // worse: the other way, in full steps again
    }

    #[test]
    fn no_number_of_requests_is_too_great() {
        let mut climber = Climber::new();
        climber.hits = u64::MAX - 1;
        climber.requests = u64::MAX - 1;
        assert_eq!(climber.record(true, u64::MAX), Some(-62_500));
    }
}
