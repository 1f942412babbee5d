//! What probes said lately of requests in flight.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Answers that are remembered. As many as say which quarter is the highest to within a few parts in
/// a hundred, and few enough to be of the last second.
const CAPACITY: usize = 128;

/// The requests in flight of the last answers: their quantiles in O(1), another one in O(log) and a
/// move of some hundred bytes.
#[derive(Debug)]
pub(super) struct Recent {
    order: VecDeque<u32>,
    sorted: Vec<u32>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            order: VecDeque::with_capacity(CAPACITY),
            sorted: Vec::with_capacity(CAPACITY),
        }
    }

    pub(super) fn push(&mut self, rif: u32) {
        if self.order.len() == CAPACITY
            && let Some(oldest) = self.order.pop_front()
            && let Ok(at) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(at);
        }
        self.order.push_back(rif);
        let at = self.sorted.partition_point(|other| *other < rif);
        self.sorted.insert(at, rif);
    }

    /// The least that is above so large a part of them; `None` if there is no such, as for all of
    /// them.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the part is from 0 to 1"
    )]
    pub(super) fn quantile(&self, part: f64) -> Option<u32> {
        let at = (part * self.sorted.len() as f64) as usize;
        self.sorted.get(at).copied()
    }
}
