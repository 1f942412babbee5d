//! The property tests of a policy, as functions over its constructor: for the policies of this crate
//! and for your own.
//!
//! A property takes a [`Subject`], which builds the policy and says what it promises, and a seed,
//! which decides what happens. It panics where the property does not hold, with a message that names
//! the property, the seed and the step. The same seed does the same again. [`all`] runs every
//! property that the subject promises.
//!
//! | property | what holds | promised by |
//! |---|---|---|
//! | [`any_history`] | closed and excluded endpoints get nothing; nothing known is lost; a request goes somewhere if it can | all |
//! | [`finds_the_last`] | the last open endpoint gets every request | all |
//! | [`picks_count_nothing`] | picks change nothing; the same seed picks the same | all |
//! | [`shares`] | requests spread by weight, or evenly | `shares` |
//! | [`shares_through_updates`] | and no update favours anybody | `shares` |
//! | [`equals_a_fresh_build`] | keys do not remember how the membership came about | `keyed` |
//!
//! A [`World`] is a cluster with the naive model beside it, to drive step by step from a fuzzer.
//!
//! ```
//! use purlin_lb::conformance::{self, Subject};
//! use purlin_lb::{AnyBalancer, Balancer, Capabilities, Instant, Pool, Request};
//!
//! /// The first endpoint that is open; the others stand by.
//! #[derive(Clone, Debug)]
//! struct First;
//!
//! impl Balancer for First {
//!     fn pick(&self, pool: Pool<'_>, request: &Request<'_>, _now: Instant) -> Option<usize> {
//!         pool.open_from(0).find(|position| pool.admits(*position, request))
//!     }
//! }
//!
//! let first = Subject::new(Capabilities::ANY, |_seed| AnyBalancer::new(First));
//! for seed in 0..20 {
//!     conformance::all(&first, seed);
//! }
//! ```

mod draw;
mod histories;
mod shares;
mod step;
mod subject;
mod world;

pub use histories::{any_history, equals_a_fresh_build, finds_the_last, picks_count_nothing};
pub use shares::{shares, shares_through_updates};
pub use step::{Member, Step};
pub use subject::Subject;
pub use world::World;

use crate::capabilities::Shares;

/// Runs every property that the subject promises.
///
/// # Panics
///
/// Where one does not hold.
#[track_caller]
pub fn all(subject: &Subject<'_>, seed: u64) {
    let promised = subject.capabilities();
    any_history(subject, seed);
    finds_the_last(subject, seed);
    picks_count_nothing(subject, seed);
    if promised.shares != Shares::Unsaid {
        shares(subject, seed);
        shares_through_updates(subject, seed);
    }
    if promised.keyed {
        equals_a_fresh_build(subject, seed);
    }
}
