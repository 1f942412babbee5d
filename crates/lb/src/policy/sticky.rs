//! Sticky sessions: a session's requests go to one endpoint.

mod token;

pub use token::{SessionToken, TokenError};

use crate::balancer::Balancer;
use crate::estimator::Estimator;
use crate::pool::Pool;
use crate::request::Request;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// Sends the requests of a session to the endpoint that the session is at, and those without one,
/// or whose endpoint is no more, to where another policy sends them.
///
/// A session stays at its endpoint while that is open, and also while it does nothing but drain (by
/// [`drain`](crate::Cluster::drain), or by a weight of 0): new sessions go elsewhere, and the
/// endpoint can go when its last session did. A session leaves an endpoint that was removed, is
/// unhealthy or ejected (without a panic), or is excluded by the request; it may return when the
/// endpoint does. Sessions know endpoints by identity, so what becomes of others does not move them.
/// Slow start does not apply to sessions that are there already.
///
/// This is the one policy that sends requests where [`Pool::admits`] says no: to those that drain.
///
/// O(log endpoints), and nothing for a request without a session. Put it outermost: within a group,
/// an endpoint is found in O(group).
///
/// A [`SessionToken`] is the session as text, for a cookie:
///
/// ```
/// use purlin_lb::policy::{RoundRobin, SessionToken, Sticky};
/// use purlin_lb::{Cluster, Instant, Request, Upstream};
///
/// let cluster = Cluster::new(Sticky::new(RoundRobin::new()), ["a", "b", "c"].map(Upstream::new))?;
/// let now = Instant::ORIGIN;
///
/// // The first request of a session goes anywhere; the answer sets a cookie.
/// let first = cluster.pick_at(now, &Request::new())?;
/// let cookie = SessionToken::of(first.endpoint().id()).to_string();
///
/// // Those that bring the cookie go there, if it drains, too. A cookie that is none is ignored.
/// cluster.drain(first.endpoint().id())?;
/// let mut request = Request::new();
/// if let Ok(token) = cookie.parse::<SessionToken>() {
///     request = request.sticky(token.endpoint());
/// }
/// assert_eq!(cluster.pick_at(now, &request)?.node(), first.node());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sticky<P> {
    policy: P,
}

impl<P: Balancer> Sticky<P> {
    /// Over this policy, which chooses for a session that has no endpoint.
    pub const fn new(policy: P) -> Self {
        Self { policy }
    }

    /// The policy that chooses for a session that has no endpoint.
    #[must_use]
    pub const fn policy(&self) -> &P {
        &self.policy
    }
}

/// Where a session's endpoint is, if it may stay there.
fn position_of(session: NodeId, pool: Pool<'_>, request: &Request<'_>) -> Option<usize> {
    if request.excludes(session) {
        return None;
    }
    let position = pool.find(session)?;
    let stays = pool.is_open(position) || pool.state(position).status().keeps_sessions();
    stays.then_some(position)
}

impl<P: Balancer> Balancer for Sticky<P> {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        if let Some(session) = request.session()
            && let Some(position) = position_of(session, pool, request)
        {
            return Some(position);
        }
        self.policy.pick(pool, request, now)
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        self.policy.rebuild(pool);
    }

    fn flipped(&self, pool: Pool<'_>, position: usize) {
        self.policy.flipped(pool, position);
    }

    fn estimator(&self) -> Option<Estimator> {
        self.policy.estimator()
    }

    fn check_invariants(&self, pool: Pool<'_>) {
        self.policy.check_invariants(pool);
    }
}
