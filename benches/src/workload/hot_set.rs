//! A hot set that moves.

use purlin_core::random::{Random, RandomExt};

use super::{Keys, WorkloadError, require};

/// A share of the requests goes to a small hot set, the rest anywhere; every so often the hot set
/// is replaced by the next one.
///
/// What was popular turns useless at once: it shows how fast a cache forgets, and how a shard map
/// or a balancer follows load. Both parts are uniform within themselves; the hot set is a window
/// that moves on by its own size, round and round. O(1) a key.
///
/// # Examples
///
/// ```
/// use purlin_benches::workload::{HotSet, Keys};
/// use purlin_core::random::SplitMix64;
///
/// let mut keys = HotSet::new(1_000, 10, 0.9, 500, SplitMix64::new(1))?;
/// let hot = |keys: &[u64], from| keys.iter().filter(|key| (from..from + 10).contains(*key)).count();
/// let (before, after) = (keys.take_keys(500), keys.take_keys(500));
/// assert!(hot(&before, 0) > 400 && hot(&after, 0) < 50, "the first ten are hot at first");
/// assert!(hot(&before, 10) < 50 && hot(&after, 10) > 400, "then the next ten are");
/// # Ok::<(), purlin_benches::workload::WorkloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HotSet<R> {
    items: u64,
    hot_items: u64,
    hot_share: f64,
    shift_every: u64,
    requests_left: u64,
    hot_start: u64,
    random: R,
}

impl<R: Random> HotSet<R> {
    /// Keys of `0..items`; `hot_items` of them get `hot_share` of the requests (and their part of
    /// the rest), until after `shift_every` requests the next `hot_items` take over.
    ///
    /// # Errors
    ///
    /// When `hot_items` is not in `1..=items`, `hot_share` is not in `0..=1`, or `shift_every` is
    /// 0.
    pub fn new(
        items: u64,
        hot_items: u64,
        hot_share: f64,
        shift_every: u64,
        random: R,
    ) -> Result<Self, WorkloadError> {
        require(
            (1..=items).contains(&hot_items),
            "hot set",
            "hot items",
            "from 1 to the number of items",
            hot_items,
        )?;
        require(
            (0.0..=1.0).contains(&hot_share),
            "hot set",
            "hot share",
            "from 0 to 1",
            hot_share,
        )?;
        require(
            shift_every > 0,
            "hot set",
            "shift every",
            "at least 1 request",
            shift_every,
        )?;
        Ok(Self {
            items,
            hot_items,
            hot_share,
            shift_every,
            requests_left: shift_every,
            hot_start: 0,
            random,
        })
    }
}

impl<R: Random> Keys for HotSet<R> {
    fn next_key(&mut self) -> u64 {
        if self.requests_left == 0 {
            self.requests_left = self.shift_every;
            self.hot_start = add_modulo(self.hot_start, self.hot_items, self.items);
        }
        self.requests_left -= 1;
        if self.random.f64() < self.hot_share {
            let offset = self.random.below(self.hot_items);
            add_modulo(self.hot_start, offset, self.items)
        } else {
            self.random.below(self.items)
        }
    }
}

/// `(a + b) % modulus` for `a < modulus` and `b <= modulus`, where the sum itself may not fit.
fn add_modulo(a: u64, b: u64, modulus: u64) -> u64 {
    let room = modulus - a;
    if b < room { a + b } else { b - room }
}

#[cfg(test)]
mod tests {
    use purlin_core::random::Xoshiro256PlusPlus;

    use super::*;
    use crate::workload::statistics::assert_fits;

    fn hot_set(
        items: u64,
        hot: u64,
        share: f64,
        every: u64,
    ) -> Result<HotSet<Xoshiro256PlusPlus>, WorkloadError> {
        HotSet::new(items, hot, share, every, Xoshiro256PlusPlus::from_seed(5))
    }

    #[test]
    fn each_window_has_its_share() {
        let mut keys = hot_set(100, 30, 0.8, 50_000).expect("in range");
        // The fourth window wraps: 90..100 and 0..20.
        for start in [0, 30, 60, 90] {
            let hot = |key: u64| (key + 100 - start) % 100 < 30;
            let probability = |key| 0.2 / 100.0 + if hot(key) { 0.8 / 30.0 } else { 0.0 };
            assert_fits(&keys.take_keys(50_000), probability, 100);
        }
    }

    #[test]
    fn the_widest_range_does_not_overflow() {
        let mut keys = hot_set(u64::MAX, u64::MAX, 1.0, 1).expect("in range");
        assert!(keys.take_keys(100).into_iter().all(|key| key < u64::MAX));
        assert_eq!(add_modulo(u64::MAX - 2, 5, u64::MAX), 3);
        assert_eq!(add_modulo(3, 7, 7), 3);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        assert!(hot_set(10, 11, 0.5, 1).is_err() && hot_set(10, 0, 0.5, 1).is_err());
        assert!(hot_set(10, 1, 1.1, 1).is_err() && hot_set(10, 1, f64::NAN, 1).is_err());
        assert!(hot_set(10, 1, 0.5, 0).is_err());
    }
}
