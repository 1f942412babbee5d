//! The rules: pure functions of a state, an instant and a cost.

pub(crate) mod fixed_window;
pub(crate) mod gcra;
pub(crate) mod leaky_bucket;
#[cfg(feature = "alloc")]
pub(crate) mod multi_bandwidth;
pub(crate) mod shaper;
pub(crate) mod sliding_window_counter;
#[cfg(feature = "alloc")]
pub(crate) mod sliding_window_log;
pub(crate) mod token_bucket;

use crate::decision::{Decision, Denied, Reservation};
use core::time::Duration;
use purlin_core::time::Instant;

/// A rule for admission, without the state that it decides by.
///
/// The same rule decides in every holder: [`Shared`](crate::Shared) keeps a state in an atomic word,
/// [`Local`](crate::Local) in a cell, [`Locked`](crate::Locked) behind a lock,
/// [`Keyed`](crate::Keyed) one a key in a table, [`Stored`](crate::Stored) in a store that processes
/// share. A rule is immutable and cheap to clone.
///
/// # Implementing
///
/// * Do decide by the arguments alone. Holders call again with another state when somebody was
///   faster.
/// * Do leave the state as it was when you refuse.
/// * Do make [`Default`] the state of a limiter that nobody used yet, and equivalent to every state
///   that is [idle](Self::is_idle).
/// * Do not admit more when `now` goes backwards than if it had stood still.
/// * Do run `conformance::all` (feature `conformance`) on it.
///
/// To live in [`Shared`](crate::Shared) or [`Keyed`](crate::Keyed) a state must be a `u64` that is
/// zero at first. `Keyed` has a use of its own for `u64::MAX`, and remembers one less instead.
pub trait Algorithm {
    /// What has to be remembered of the past.
    type State: Clone + Default;

    /// Admits a request of `cost` tokens at `now` and records it, or refuses it.
    ///
    /// A cost of zero records nothing.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the state as it was.
    fn decide(&self, state: &mut Self::State, now: Instant, cost: u64) -> Result<(), Denied>;

    /// What [`decide`](Self::decide) would answer, with `remaining` and the rest as they are without
    /// the request.
    fn inspect(&self, state: &Self::State, now: Instant, cost: u64) -> Decision;

    /// Admits a request of `cost` tokens at `now` or, if it is not too far, at a later instant.
    ///
    /// # Errors
    ///
    /// [`Denied`] with the state as it was, when that instant is more than `max_wait` after `now`.
    fn reserve(
        &self,
        state: &mut Self::State,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied>;

    /// Gives the tokens of a reservation back, as far as nothing was built on them since, and answers
    /// how many. None once the reservation's time is over.
    fn cancel(&self, state: &mut Self::State, now: Instant, reservation: &Reservation) -> u64;

    /// Puts up to `cost` tokens back, as of requests that were admitted and not carried out. Never
    /// more than fit; nothing while reservations wait for their time.
    fn refund(&self, state: &mut Self::State, now: Instant, cost: u64);

    /// Whether the state is indistinguishable, from `now` on, from that of a limiter that nobody
    /// used yet.
    fn is_idle(&self, state: &Self::State, now: Instant) -> bool;

    /// The state, of an instant `from`, as it would be at `to`: everything that it remembers is
    /// moved by the difference. How a state gets from one clock to another.
    fn rebase(&self, state: &Self::State, from: Instant, to: Instant) -> Self::State;

    /// The most tokens there are at once.
    fn limit(&self) -> u64;

    /// A stable hash of what the rule is and how it is configured, which is kept with its states where
    /// those outlive the process ([`Stored`](crate::Stored), [`Saved`](crate::Saved)): a state means
    /// something else under another rule, and is not taken for one's own.
    ///
    /// Do give rules that decide alike by every state the same one, in every process, and all others
    /// different ones: hash a name of your own and every field that says what a state means or admits,
    /// the origin of instants among them, by [`Xxh3`](purlin_core::hash::Xxh3).
    fn fingerprint(&self) -> u64;
}

/// What becomes of the tokens there are when a limiter is reconfigured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Carry {
    /// The same number remains, or as many as fit: nobody gains by the change. Debts stay.
    #[default]
    AsIs,
    /// The same part of the limit remains.
    Proportional,
    /// What was taken stays taken: a larger limit gives the difference at once, a smaller one takes
    /// it.
    Additive,
    /// All of the new limit.
    Reset,
}

/// An [`Algorithm`] that can take over from an older configuration of itself.
pub trait Reconfigure: Algorithm {
    /// The state under this configuration that continues `state` under the configuration `old`.
    fn migrate(&self, old: &Self, state: &Self::State, now: Instant, carry: Carry) -> Self::State;
}
