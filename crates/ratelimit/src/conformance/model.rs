//! What a limiter should answer, by definitions that are slow and obvious.

mod bucket;
mod entries;

pub(super) use bucket::Bucket;
pub(super) use entries::Entries;

use crate::{Quota, Rule};
use alloc::boxed::Box;

/// A rule with all that it needs to remember. Instants are nanoseconds.
pub(super) trait Model {
    /// The first instant, not before `now`, at which a request is admitted if nothing else happens.
    /// `None` if there is none.
    fn earliest(&self, now: u64, cost: u64) -> Option<u64>;

    /// Records a request of an instant that [`earliest`](Self::earliest) gave, and answers by which
    /// number to [`cancel`](Self::cancel) it.
    fn take(&mut self, now: u64, at: u64, cost: u64) -> usize;

    /// The largest cost that is admitted at once.
    fn remaining(&self, now: u64) -> u64;

    /// When nothing counts any more of what was taken.
    fn idle_at(&self, now: u64) -> u64;

    /// Gives back what was taken from the future, and answers how many tokens. `None` where this is
    /// not defined, by a limiter that answers so many nanoseconds late.
    fn cancel(&mut self, now: u64, number: usize, cost: u64, slack: u64) -> Option<u64>;

    /// Puts tokens back. False where this is not defined, by such a limiter.
    fn refund(&mut self, now: u64, cost: u64, slack: u64) -> bool;

    /// Whether instants may go back.
    fn goes_back(&self) -> bool;

    /// Whether the clock has gone back to before the last change at which nothing lacked: what lacks
    /// then is what came since, and a rate that is rounded down makes less of it.
    fn is_before_full(&self, now: u64) -> bool;
}

/// The model of a rule.
pub(super) fn of(rule: Rule, quota: &Quota) -> Box<dyn Model> {
    match rule {
        Rule::Even => Box::new(Bucket::even(quota)),
        Rule::Stepped => Box::new(Bucket::stepped(quota)),
        Rule::Log => Box::new(Entries::log(quota)),
        Rule::Counter {
            sub_windows,
            strict,
        } => Box::new(Entries::counter(quota, sub_windows, strict)),
    }
}

/// The period, of which a quota guarantees that it fits.
pub(super) fn nanos(quota: &Quota) -> u64 {
    u64::try_from(quota.period().as_nanos()).unwrap_or(u64::MAX)
}
