/// How much the entries may weigh together.
///
/// Weight is taken before an entry comes in and given back after it has left, so that never more than the
/// capacity is in use.
pub(crate) trait Budget {
    /// Takes so much, if there is so much left.
    fn take(&mut self, weight: u64) -> bool;

    /// Gives back what was taken.
    fn give(&mut self, weight: u64);
}

/// The budget of a cache that has one shard.
#[derive(Debug)]
pub(crate) struct OwnBudget {
    pub(crate) capacity: u64,
    pub(crate) used: u64,
}

impl Budget for OwnBudget {
    fn take(&mut self, weight: u64) -> bool {
        let fits = self
            .used
            .checked_add(weight)
            .is_some_and(|sum| sum <= self.capacity);
        if fits {
            self.used += weight;
        }
        fits
    }

    fn give(&mut self, weight: u64) {
        self.used -= weight;
    }
}
