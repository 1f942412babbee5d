//! The pool of probes, and the rule that chooses from it.

use super::outstanding::Target;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;
use purlin_core::time::Instant;

/// What an endpoint said of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probed {
    pub(super) target: Target,
    /// Requests in flight, and those that were sent there on the strength of this answer.
    pub(super) rif: u32,
    pub(super) latency: Duration,
    pub(super) received: Instant,
    /// Requests for which it may still be used.
    pub(super) uses: u32,
}

/// How an answer stands among others: cold ones first, by latency; then hot ones, by requests in
/// flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Cold(Duration, u32),
    Hot(u32, Duration),
}

impl Probed {
    fn rank(&self, hot_from: Option<u32>) -> Rank {
        if hot_from.is_some_and(|least| self.rif >= least) {
            Rank::Hot(self.rif, self.latency)
        } else {
            Rank::Cold(self.latency, self.rif)
        }
    }
}

/// Up to 64 answers, one of an endpoint, the oldest first.
#[derive(Debug)]
pub(super) struct ProbePool {
    probed: Vec<Probed>,
    /// Whether the next to be taken out is the worst, or else the oldest.
    worst_is_next: bool,
}

impl ProbePool {
    /// One bit for each answer says which were tried.
    pub(super) const MAX: usize = 64;

    pub(super) fn new() -> Self {
        Self {
            probed: Vec::with_capacity(Self::MAX),
            worst_is_next: true,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.probed.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Probed> {
        self.probed.iter()
    }

    /// In the place of what the same endpoint said before; in that of the oldest if there are `size`.
    pub(super) fn insert(&mut self, probed: Probed, size: usize) {
        let endpoint = probed.target.endpoint;
        self.probed
            .retain(|other| other.target.endpoint != endpoint);
        let above = (self.probed.len() + 1).saturating_sub(size);
        self.probed.drain(..above);
        self.probed.push(probed);
    }

    pub(super) fn expire(&mut self, now: Instant, max_age: Duration) {
        let is_old = |probed: &Probed| now.saturating_duration_since(probed.received) > max_age;
        let old = self.probed.iter().take_while(|probed| is_old(probed));
        let old = old.count();
        self.probed.drain(..old);
    }

    /// The best of which the bit is not set, and where it is. Of equals the latest.
    pub(super) fn best(&self, hot_from: Option<u32>, tried: u64) -> Option<(usize, &Probed)> {
        self.probed
            .iter()
            .enumerate()
            .rev()
            .filter(|(at, _)| tried >> at & 1 == 0)
            .min_by_key(|(_, probed)| probed.rank(hot_from))
    }

    /// A request goes there: it is one more in flight.
    pub(super) fn use_up(&mut self, at: usize) {
        let probed = &mut self.probed[at];
        probed.rif = probed.rif.saturating_add(1);
        probed.uses = probed.uses.saturating_sub(1);
        if probed.uses == 0 {
            self.probed.remove(at);
        }
    }

    /// Takes out the worst and the oldest in turn. Without that the pool fills up with what nobody
    /// chooses.
    pub(super) fn remove_one(&mut self, hot_from: Option<u32>) {
        let ranks = self.probed.iter().enumerate();
        // Of equals the oldest.
        let worst = ranks.max_by_key(|(at, probed)| (probed.rank(hot_from), Reverse(*at)));
        let Some((worst, _)) = worst else { return };
        self.probed
            .remove(if self.worst_is_next { worst } else { 0 });
        self.worst_is_next = !self.worst_is_next;
    }
}
