//! The property tests of a limiter, as functions over its constructor: for the limiters of this
//! crate and for your own.
//!
//! A property takes a [`Subject`], which builds the limiter and says what it promises, and a seed,
//! which decides quotas, costs and instants. It panics where the property does not hold, with a
//! message that names the property, the seed, the quota and the call. The same seed does the same
//! again. Where the limiter itself panics, [`all`] tells the property and the seed with its message
//! (feature `std`, and where panics unwind); a property that is called by itself lets the panic through. [`all`] runs every property that the subject's [`Capabilities`](crate::Capabilities)
//! promise.
//!
//! | property | what holds | promised by |
//! |---|---|---|
//! | [`bound`] | in no span of time is more admitted than the bound | all |
//! | [`clock_steps_back`] | neither when the clock goes back | all |
//! | [`any_quota`] | constructors refuse or work, and never panic | all |
//! | [`peek_tells_the_truth`] | to peek changes nothing, and is right | `rule` |
//! | [`answers`] | every answer is that of a naive model | `rule` |
//! | [`retry_is_minimal`] | refused until the instant it was told, admitted then | `rule` |
//! | [`no_lost_tokens`] | whoever takes all gets all that comes | `rule` |
//! | [`costs_add_up`] | n is n times one | `rule` |
//! | [`cancelled_is_forgotten`] | what is reserved and cancelled leaves no trace | `rule` and `reserves` |
//! | [`first_come_first_served`] | reservations are in the order in which they came | `reserves` |
//! | [`agreement`] | two subjects answer alike | call it with two |
//!
//! A [`History`] is a limiter with the naive model beside it, to drive step by step from a fuzzer.
//!
//! # Example
//!
//! A counter that starts anew with every period, which everybody writes first: it promises to grant
//! no more than the count from one multiple of the period to the next, and no more.
//!
//! ```
//! use core::cell::Cell;
//! use core::time::Duration;
//! use purlin_ratelimit::conformance::{self, Subject};
//! use purlin_ratelimit::{
//!     Bound, Capabilities, Decision, Denied, Instant, Limiter, Quota, Reason, Reservation,
//! };
//!
//! struct Counter {
//!     quota: Quota,
//!     /// The number of the latest period and what was admitted in it.
//!     counted: Cell<(u64, u64)>,
//! }
//!
//! impl Limiter for Counter {
//!     fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
//!         let period = self.quota.period().as_nanos() as u64;
//!         let (latest, count) = self.counted.get();
//!         // A clock that went back does not start a period anew.
//!         let index = (now.as_nanos() / period).max(latest);
//!         let count = if index > latest { 0 } else { count };
//!         if cost > self.limit() {
//!             return Err(Denied::because(now, Reason::TooLarge));
//!         }
//!         if cost == 0 {
//!             return Ok(());
//!         }
//!         if cost > self.limit() - count {
//!             let next = Instant::from_nanos(index.saturating_add(1).saturating_mul(period));
//!             return Err(Denied::until(now, next));
//!         }
//!         self.counted.set((index, count + cost));
//!         Ok(())
//!     }
//!
//!     fn check_at(&self, now: Instant, cost: u64) -> Decision {
//!         let outcome = self.try_acquire_at(now, cost);
//!         let left = self.limit() - self.counted.get().1;
//!         let period = self.quota.period();
//!         Decision::new(outcome, self.limit(), left, period, period)
//!     }
//!
//!     fn peek_at(&self, now: Instant, cost: u64) -> Decision {
//!         let before = self.counted.get();
//!         let decision = self.check_at(now, cost);
//!         self.counted.set(before);
//!         decision
//!     }
//!
//!     fn reserve_at(
//!         &self,
//!         now: Instant,
//!         cost: u64,
//!         _max_wait: Duration,
//!     ) -> Result<Reservation, Denied> {
//!         self.try_acquire_at(now, cost)?;
//!         Ok(Reservation::new(now, cost, 0))
//!     }
//!
//!     fn cancel_at(&self, _now: Instant, _reservation: Reservation) -> u64 {
//!         0
//!     }
//!
//!     fn refund_at(&self, _now: Instant, _cost: u64) {}
//!
//!     fn limit(&self) -> u64 {
//!         self.quota.count()
//!     }
//! }
//!
//! let mut promises = Capabilities::BUCKET;
//! promises.bound = Bound::Stepped;
//! promises.rule = None;
//! promises.bursts = false;
//! promises.reserves = false;
//! let counter = Subject::new(promises, |quota| {
//!     let counted = Cell::default();
//!     Ok(Box::new(Counter { quota, counted }))
//! });
//! for seed in 0..50 {
//!     conformance::all(&counter, seed);
//! }
//! ```

mod draw;
mod history;
mod ledger;
mod model;
mod quotas;
mod random_history;
mod step;
mod subject;
mod supply;
mod twins;

pub use history::History;
pub use quotas::any_quota;
pub use random_history::{answers, bound, clock_steps_back};
pub use step::Step;
use subject::Case;
pub use subject::{Build, Subject};
pub use supply::no_lost_tokens;
pub use twins::{
    agreement, cancelled_is_forgotten, costs_add_up, first_come_first_served, peek_tells_the_truth,
    retry_is_minimal,
};

/// Runs every property that the subject promises, except [`agreement`], which needs two.
#[track_caller]
pub fn all(subject: &Subject<'_>, seed: u64) {
    let can = subject.capabilities();
    let rule = can.rule.is_some();
    let properties: [(&str, bool, Property); 10] = [
        ("bound", true, bound),
        ("clock_steps_back", true, clock_steps_back),
        ("any_quota", true, any_quota),
        ("answers", rule, answers),
        ("peek_tells_the_truth", rule, peek_tells_the_truth),
        ("retry_is_minimal", rule, retry_is_minimal),
        ("no_lost_tokens", rule, no_lost_tokens),
        ("costs_add_up", rule, costs_add_up),
        (
            "first_come_first_served",
            can.reserves,
            first_come_first_served,
        ),
        (
            "cancelled_is_forgotten",
            can.reserves && rule,
            cancelled_is_forgotten,
        ),
    ];
    for (property, promised, run) in properties {
        if promised {
            Case { property, seed }.guard(|| run(subject, seed));
        }
    }
}

type Property = fn(&Subject<'_>, u64);
