//! The same keys again and again.

use super::{Keys, WorkloadError, require};

/// `0, 1, ..., items - 1, 0, 1, ...`: the pattern on which LRU, with one entry less than `items`,
/// never hits. O(1) a key.
///
/// # Examples
///
/// ```
/// use purlin_benches::workload::{Keys, Looping};
///
/// assert_eq!(Looping::new(2)?.take_keys(5), [0, 1, 0, 1, 0]);
/// # Ok::<(), purlin_benches::workload::WorkloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Looping {
    items: u64,
    next: u64,
}

impl Looping {
    /// A loop over `0..items`.
    ///
    /// # Errors
    ///
    /// When there are no items.
    pub fn new(items: u64) -> Result<Self, WorkloadError> {
        require(items > 0, "looping", "items", "at least 1", items)?;
        Ok(Self { items, next: 0 })
    }
}

impl Keys for Looping {
    fn next_key(&mut self) -> u64 {
        let key = self.next;
        self.next = (key + 1) % self.items;
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_range_work() {
        assert_eq!(Looping::new(1).expect("one item").take_keys(3), [0; 3]);
        assert!(Looping::new(0).is_err());
        let mut widest = Looping {
            items: u64::MAX,
            next: u64::MAX - 1,
        };
        assert_eq!(widest.take_keys(2), [u64::MAX - 1, 0]);
    }
}
