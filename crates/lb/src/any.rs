//! A policy that is chosen at run time.

use crate::balancer::Balancer;
use crate::estimator::Estimator;
use crate::pool::Pool;
use crate::request::Request;
use alloc::boxed::Box;
use core::fmt;
use purlin_core::time::Instant;

/// Any policy: chosen at run time, and cloned like the policy in it. Costs a virtual call.
///
/// ```
/// use purlin_lb::policy::{Random, RoundRobin};
/// use purlin_lb::{AnyBalancer, Cluster, Upstream};
///
/// let fair = true;
/// let policy = if fair { AnyBalancer::new(RoundRobin::new()) } else { AnyBalancer::new(Random::new()) };
/// let cluster = Cluster::new(policy, ["a", "b"].map(Upstream::new))?;
/// # Ok::<(), purlin_lb::UpdateError>(())
/// ```
pub struct AnyBalancer(Box<dyn CloneBalancer>);

/// What makes a boxed policy cloneable.
trait CloneBalancer: Balancer {
    fn boxed(&self) -> Box<dyn CloneBalancer>;
}

impl<B: Balancer + Clone + 'static> CloneBalancer for B {
    fn boxed(&self) -> Box<dyn CloneBalancer> {
        Box::new(self.clone())
    }
}

impl AnyBalancer {
    /// This policy.
    pub fn new(policy: impl Balancer + Clone + 'static) -> Self {
        Self(Box::new(policy))
    }
}

impl Balancer for AnyBalancer {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        self.0.pick(pool, request, now)
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        self.0.rebuild(pool);
    }

    fn flipped(&self, pool: Pool<'_>, position: usize) {
        self.0.flipped(pool, position);
    }

    fn estimator(&self) -> Option<Estimator> {
        self.0.estimator()
    }

    fn check_invariants(&self, pool: Pool<'_>) {
        self.0.check_invariants(pool);
    }
}

impl Clone for AnyBalancer {
    fn clone(&self) -> Self {
        Self((*self.0).boxed())
    }
}

impl fmt::Debug for AnyBalancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
