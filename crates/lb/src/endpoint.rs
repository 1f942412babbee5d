//! A live endpoint, and a request's hold on it.

use crate::estimator::Estimator;
use crate::request::Request;
use crate::state::{Ending, State};
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;
use purlin_core::time::Instant;

/// An endpoint of a cluster: its node, and the [`State`] that it dereferences to.
pub struct Endpoint<T> {
    state: Arc<State>,
    estimator: Arc<Estimator>,
    node: T,
}

impl<T> Endpoint<T> {
    pub(crate) const fn new(state: Arc<State>, estimator: Arc<Estimator>, node: T) -> Self {
        Self {
            state,
            estimator,
            node,
        }
    }

    /// The node: an address, a client.
    #[must_use]
    #[inline]
    pub const fn node(&self) -> &T {
        &self.node
    }

    pub(crate) const fn shared_state(&self) -> &Arc<State> {
        &self.state
    }
}

impl<T> Deref for Endpoint<T> {
    type Target = State;

    #[inline]
    fn deref(&self) -> &State {
        &self.state
    }
}

impl<T: fmt::Debug> fmt::Debug for Endpoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("node", &self.node)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A request that is at an endpoint: counted there as in flight until it is said how it ended, or
/// dropped.
///
/// Dropped, it says nothing of the endpoint, neither of its latency nor of its failures: as it has no
/// clock, it cannot. Do so when the request was never sent. Of one that was, and for which you waited
/// no longer, say that it was [given up](Self::gave_up_at), or [`Ewma`](crate::policy::Ewma) never
/// learns that an endpoint hangs: all it hears of are the answers. [`TimedLease`](crate::TimedLease)
/// does that by itself.
///
/// A lease outlives any update; that of an endpoint that was removed counts for nobody.
#[must_use = "a lease that is dropped at once counts a request that was cancelled"]
pub struct Lease<T> {
    endpoint: Arc<Endpoint<T>>,
    started: Instant,
    ending: Ending,
}

impl<T> Lease<T> {
    /// Counts the request; unless the endpoint was drained since it was picked, and the request is not
    /// of a session that stays.
    #[inline]
    pub(crate) fn begin(
        endpoint: &Arc<Endpoint<T>>,
        request: &Request<'_>,
        now: Instant,
    ) -> Option<Self> {
        endpoint.state.begin();
        // From here on its end is counted, however it goes.
        let lease = Self {
            endpoint: Arc::clone(endpoint),
            started: now,
            ending: Ending::Other,
        };
        let state = &lease.endpoint.state;
        let stays = !state.is_sealed() || request.session() == Some(state.id());
        stays.then_some(lease)
    }

    /// The node to send the request to.
    #[must_use]
    #[inline]
    pub fn node(&self) -> &T {
        &self.endpoint.node
    }

    /// The endpoint.
    #[must_use]
    pub const fn endpoint(&self) -> &Arc<Endpoint<T>> {
        &self.endpoint
    }

    /// When it was picked.
    #[must_use]
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// The request was answered: its latency, from when it was picked, is a sample of the
    /// endpoint's.
    #[inline]
    pub fn success_at(mut self, now: Instant) {
        self.succeed(now);
    }

    /// The endpoint failed the request: a refused connection, a timeout, an answer that is its fault.
    /// Counts as a failure, and as a latency of the [penalty](Estimator::failure_penalty) at least.
    #[inline]
    pub fn failure_at(self, now: Instant) {
        self.fail(now);
    }

    /// The caller waits no longer: the client hung up, another copy was faster, the time for all tries
    /// is over. Neither a success nor a failure; a timeout that is the endpoint's own fault is a
    /// [failure](Self::failure_at).
    ///
    /// The answer would have taken longer than it was waited for, so that time is a sample of the
    /// endpoint's latency if it is above the estimate, and else says nothing. Of an endpoint that has
    /// no estimate yet it is one if it is above a tenth of the
    /// [failure penalty](Estimator::failure_penalty), 100 ms unless said otherwise.
    pub fn gave_up_at(self, now: Instant) {
        self.give_up(now);
    }

    #[inline]
    pub(crate) fn succeed(&mut self, now: Instant) {
        self.ending = Ending::Success;
        let endpoint = &*self.endpoint;
        endpoint
            .state
            .succeeded(now, self.started, &endpoint.estimator);
    }

    #[inline]
    pub(crate) fn fail(&self, now: Instant) {
        let endpoint = &*self.endpoint;
        endpoint
            .state
            .failed(now, self.started, &endpoint.estimator);
    }

    pub(crate) fn give_up(&self, now: Instant) {
        let Endpoint {
            state, estimator, ..
        } = &*self.endpoint;
        estimator.observe_at_least(state, now, self.started);
    }

    /// Another lease of the same request, which takes over from this one. For a moment it counts twice,
    /// and never as idle.
    pub(crate) fn handed_over(&self) -> Self {
        self.endpoint.state.begin();
        Self {
            endpoint: Arc::clone(&self.endpoint),
            started: self.started,
            ending: Ending::Other,
        }
    }
}

impl<T> Drop for Lease<T> {
    #[inline]
    fn drop(&mut self) {
        self.endpoint.state.end(self.ending);
    }
}

impl<T: fmt::Debug> fmt::Debug for Lease<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("node", &self.endpoint.node)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
