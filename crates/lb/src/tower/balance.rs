use super::{BalanceError, BalanceFuture, ErrorsFail, Judge};
use crate::balancer::Balancer;
use crate::load_balancer::LoadBalancer;
use crate::request::Request;
use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll};
use purlin_core::time::{Clock, SystemClock};
use tower_service::Service;

/// A service that balances over the services of a [`LoadBalancer`]. See the
/// [module](crate::tower).
///
/// A clone balances over the same.
///
/// ```
/// use core::convert::Infallible;
/// use core::future::{Ready, ready};
/// use core::task::{Context, Poll};
/// use purlin_lb::policy::Ewma;
/// use purlin_lb::tower::{Balance, Named, Verdict};
/// use purlin_lb::{LoadBalancer, Request, Upstream};
/// use tower_service::Service;
///
/// #[derive(Clone)]
/// struct Server;
///
/// impl Service<String> for Server {
///     type Response = u16;
///     type Error = Infallible;
///     type Future = Ready<Result<u16, Infallible>>;
///
///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
///         Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, path: String) -> Self::Future {
///         ready(Ok(if path == "/" { 200 } else { 404 }))
///     }
/// }
///
/// let servers = ["10.0.0.1:80", "10.0.0.2:80"].map(|name| Upstream::new(Named::new(name, Server)));
/// let balancer = LoadBalancer::new(Ewma::new(), servers)?;
/// let mut service = Balance::new(balancer.clone())
///     .described_by(|path: &String| Request::new().key(path))
///     .judged_by(|answer: &Result<u16, Infallible>| match answer {
///         Ok(500..) => Verdict::Failure,
///         _ => Verdict::Success,
///     });
/// // The balancer is still there for updates.
/// balancer.insert_at(balancer.now(), Named::new("10.0.0.3:80", Server))?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// assert_eq!(service.call("/".to_owned()).await?, 200);
/// # Ok::<(), purlin_lb::tower::BalanceError<Infallible>>(())
/// # })?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Balance<T, P, C = SystemClock, D = Plain, J = ErrorsFail> {
    balancer: LoadBalancer<T, P, C>,
    describe: Arc<D>,
    judge: Arc<J>,
}

/// Says what policies may know of a request: every `Fn(&R) -> Request` does.
pub trait Describe<R> {
    /// Its key, its session, the endpoints that failed it already.
    fn describe<'a>(&self, request: &'a R) -> Request<'a>;
}

impl<R, F> Describe<R> for F
where
    F: for<'a> Fn(&'a R) -> Request<'a>,
{
    fn describe<'a>(&self, request: &'a R) -> Request<'a> {
        self(request)
    }
}

/// Says nothing of any request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain;

impl<R> Describe<R> for Plain {
    fn describe<'a>(&self, _: &'a R) -> Request<'a> {
        Request::new()
    }
}

impl<T, P, C> Balance<T, P, C> {
    /// Over the services of this balancer, of which you keep a clone for updates.
    #[must_use]
    pub fn new(balancer: LoadBalancer<T, P, C>) -> Self {
        Self {
            balancer,
            describe: Arc::new(Plain),
            judge: Arc::new(ErrorsFail),
        }
    }
}

impl<T, P, C, D, J> Balance<T, P, C, D, J> {
    /// The same, but tells the policy of each request.
    #[must_use]
    pub fn described_by<R, F>(self, describe: F) -> Balance<T, P, C, F, J>
    where
        F: for<'a> Fn(&'a R) -> Request<'a>,
    {
        Balance {
            balancer: self.balancer,
            describe: Arc::new(describe),
            judge: self.judge,
        }
    }

    /// The same with another judge of answers.
    #[must_use]
    pub fn judged_by<K>(self, judge: K) -> Balance<T, P, C, D, K> {
        Balance {
            balancer: self.balancer,
            describe: self.describe,
            judge: Arc::new(judge),
        }
    }

    /// The balancer, for updates and status.
    #[must_use]
    pub const fn balancer(&self) -> &LoadBalancer<T, P, C> {
        &self.balancer
    }
}

impl<R, T, P, C, D, J> Service<R> for Balance<T, P, C, D, J>
where
    T: Service<R> + Clone,
    P: Balancer,
    C: Clock + Clone,
    D: Describe<R>,
    J: Judge<T::Response, T::Error>,
{
    type Response = T::Response;
    type Error = BalanceError<T::Error>;
    type Future = BalanceFuture<T, R, C, J>;

    /// At once: which endpoint must be ready is known when the request is.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        match self.balancer.pick(&self.describe.describe(&request)) {
            Ok(lease) => BalanceFuture::picked(lease, request, Arc::clone(&self.judge)),
            Err(unavailable) => BalanceFuture::unavailable(unavailable, Arc::clone(&self.judge)),
        }
    }
}

impl<T, P, C: Clone, D, J> Clone for Balance<T, P, C, D, J> {
    fn clone(&self) -> Self {
        Self {
            balancer: self.balancer.clone(),
            describe: Arc::clone(&self.describe),
            judge: Arc::clone(&self.judge),
        }
    }
}

impl<T: fmt::Debug, P: fmt::Debug, C, D, J> fmt::Debug for Balance<T, P, C, D, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balance")
            .field("balancer", &self.balancer)
            .finish_non_exhaustive()
    }
}
