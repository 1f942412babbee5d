//! The trait of all policies.

use crate::estimator::Estimator;
use crate::pool::Pool;
use crate::request::Request;
use alloc::boxed::Box;
use core::fmt;
use purlin_core::time::Instant;

/// A balancing policy: which endpoint of a pool gets a request.
///
/// A [`Cluster`](crate::Cluster) holds one, tells it of each new membership, and counts what it
/// picks. Policies compose: [`policy`](crate::policy) has groups that hold policies of their own.
/// Object-safe.
///
/// # Implementing
///
/// * `pick` answers a position that [`accepts`](Pool::accepts) the request; if chance and slow start
///   are in the way, one that [`admits`](Pool::admits) it; and `None` only if there is none of
///   those. It does not block, nor allocate, nor count anything in the endpoints: whoever asked may
///   not send the request.
/// * Whatever outlives a change of membership, the phase of a sequence, say, stays through
///   `rebuild`: a policy that began anew would favour its first endpoints whenever others change.
///   A clone goes on from where its original is.
/// * Tables are made in `rebuild`; health flips come without it, through openness alone. A policy
///   that keeps sums over open endpoints, as groups do, follows them in `flipped`.
///
/// ```
/// use purlin_lb::{Balancer, Cluster, Instant, Pool, Request, Upstream};
///
/// /// The first endpoint that is open; the others stand by.
/// #[derive(Clone, Debug)]
/// struct First;
///
/// impl Balancer for First {
///     fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
///         pool.open_from(0).find(|position| pool.admits(*position, request))
///     }
/// }
///
/// let cluster = Cluster::new(First, ["main", "spare"].map(Upstream::new))?;
/// assert_eq!(*cluster.pick_at(Instant::ORIGIN, &Request::new())?.node(), "main");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub trait Balancer: fmt::Debug + Send + Sync {
    /// The position of the endpoint that gets the request, or `None` if none may.
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize>;

    /// Takes note of another membership, or of other weights. Everything before is void but what the
    /// policy keeps on purpose. Nothing to do for a policy without tables.
    fn rebuild(&mut self, pool: Pool<'_>) {
        let _ = pool;
    }

    /// The endpoint at this position changed its status. With it a [panic](Pool::is_panicking) may have
    /// begun or ended, which opens or closes any number of others; for a panic alone, the position is
    /// any. Called by one thread at a time.
    fn flipped(&self, pool: Pool<'_>, position: usize) {
        let _ = (pool, position);
    }

    /// How latencies are to be averaged for this policy; `None` if it does not look at them.
    fn estimator(&self) -> Option<Estimator> {
        None
    }

    /// Panics when the policy's own invariants do not hold. For tests and fuzzing; there are none to
    /// check unless it is implemented.
    fn check_invariants(&self, pool: Pool<'_>) {
        let _ = pool;
    }
}

impl<B: Balancer + ?Sized> Balancer for Box<B> {
    #[inline]
    fn pick(&self, pool: Pool<'_>, request: &Request<'_>, now: Instant) -> Option<usize> {
        (**self).pick(pool, request, now)
    }

    fn rebuild(&mut self, pool: Pool<'_>) {
        (**self).rebuild(pool);
    }

    fn flipped(&self, pool: Pool<'_>, position: usize) {
        (**self).flipped(pool, position);
    }

    fn estimator(&self) -> Option<Estimator> {
        (**self).estimator()
    }

    fn check_invariants(&self, pool: Pool<'_>) {
        (**self).check_invariants(pool);
    }
}
