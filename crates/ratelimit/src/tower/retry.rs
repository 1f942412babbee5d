use super::MaybeRejected;
use crate::backoff::{Backoff, Retries};
use crate::retry_budget::RetryBudget;
use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::hash::BuildHasher;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use pin_project_lite::pin_project;
use purlin_core::random::SharedRandom;
use purlin_core::time::Timer;
use std::hash::RandomState;
use tower_layer::Layer;
use tower_service::Service;

/// Which requests may be made again, and after which answers.
pub trait RetryPolicy<Request, Response, Error> {
    /// The request, to be made once more; `None` when it must not be. Asked before each call, so let
    /// it be cheap.
    fn again(&self, request: &Request) -> Option<Request>;

    /// What to do after an answer.
    fn judge(&self, answer: &Result<Response, Error>) -> Verdict;
}

/// What to do after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Give it to the caller.
    Return,
    /// Try again after the backoff.
    Retry,
    /// Try again after the backoff, though not before the server allows it.
    RetryAfter(Duration),
}

/// A policy that is not asked about refusals of guards below: they go to the caller at once. A guard
/// that refused would refuse again, and retries of what no server saw must not eat the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReturnRejections<P>(P);

impl<P, Request, Response, Error> RetryPolicy<Request, Response, Error> for ReturnRejections<P>
where
    P: RetryPolicy<Request, Response, Error>,
    Error: MaybeRejected,
{
    fn again(&self, request: &Request) -> Option<Request> {
        self.0.again(request)
    }

    fn judge(&self, answer: &Result<Response, Error>) -> Verdict {
        match answer {
            Err(error) if error.rejected().is_some() => Verdict::Return,
            _ => self.0.judge(answer),
        }
    }
}

/// Makes requests again that fail, as far as backoff and budget go; then the last answer is the
/// caller's. So is a refusal of a guard below, at once, unless the policy is
/// [to judge it](Self::judging_rejections).
///
/// All clones share the budget, which bounds what retries add to the load of a server in trouble.
/// While a request waits, the failed call is dropped.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # fn main() -> Result<(), purlin_ratelimit::ConfigError> {
/// use core::time::Duration;
/// use purlin_ratelimit::TokioTimer;
/// use purlin_ratelimit::backoff::Backoff;
/// use purlin_ratelimit::retry_budget::RetryBudget;
/// use purlin_ratelimit::tower::{RetryLayer, RetryPolicy, Verdict};
///
/// struct Reads;
///
/// impl RetryPolicy<String, u16, std::io::Error> for Reads {
///     fn again(&self, request: &String) -> Option<String> {
///         request.starts_with("GET").then(|| request.clone())
///     }
///
///     fn judge(&self, answer: &Result<u16, std::io::Error>) -> Verdict {
///         match answer {
///             Ok(502..=504) | Err(_) => Verdict::Retry,
///             Ok(_) => Verdict::Return,
///         }
///     }
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # let _runtime = runtime.enter();
/// let backoff = Backoff::exponential(Duration::from_millis(50), Duration::from_secs(5))?
///     .with_max_retries(3);
/// // Two retries for ten requests, and ten a second besides.
/// let budget = RetryBudget::new(Duration::from_secs(10), 20, 10)?;
/// let layer = RetryLayer::new(Reads, backoff, budget, TokioTimer::new());
/// # let _ = layer;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct RetryLayer<P, C> {
    rules: Arc<Rules<P, C>>,
    random: Arc<SharedRandom>,
}

#[derive(Debug)]
struct Rules<P, C> {
    policy: P,
    backoff: Backoff,
    budget: Arc<RetryBudget>,
    timer: C,
}

/// A service behind a [`RetryLayer`].
#[derive(Debug)]
pub struct Retry<S, P, C> {
    inner: S,
    layer: RetryLayer<P, C>,
}

pin_project! {
    /// A request on its way, as often as it takes.
    #[must_use = "futures do nothing unless polled"]
    pub struct RetryFuture<S, R, P, C>
    where
        S: Service<R>,
        C: Timer,
    {
        layer: RetryLayer<P, C>,
        retries: Retries,
        service: S,
        // For the next call, if there may be one.
        request: Option<R>,
        #[pin]
        stage: Stage<S::Future, C::Sleep>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F, S> {
        Calling { #[pin] call: F },
        Sleeping { #[pin] sleep: S },
        Readying,
    }
}

impl<P, C: Timer> RetryLayer<ReturnRejections<P>, C> {
    /// By these rules; the policy is not asked about refusals of guards below. The budget may be an [`Arc`], to be shared with other layers.
    ///
    /// Delays are spread by a seed of this layer's own; [`with_seed`](Self::with_seed) repeats a
    /// run.
    #[must_use]
    pub fn new(policy: P, backoff: Backoff, budget: impl Into<Arc<RetryBudget>>, timer: C) -> Self {
        Self::judging_rejections(ReturnRejections(policy), backoff, budget, timer)
    }
}

impl<P, C: Timer> RetryLayer<P, C> {
    /// The same as [`new`](RetryLayer::new), but the policy judges refusals of guards below, too.
    /// What it makes again is paid for by the budget.
    #[must_use]
    pub fn judging_rejections(
        policy: P,
        backoff: Backoff,
        budget: impl Into<Arc<RetryBudget>>,
        timer: C,
    ) -> Self {
        let budget = budget.into();
        let rules = Arc::new(Rules {
            policy,
            backoff,
            budget,
            timer,
        });
        // Another one in each process: clients that fail together must not come back together.
        let seed = RandomState::new().hash_one(0_u8);
        let random = Arc::new(SharedRandom::new(seed));
        Self { rules, random }
    }

    /// The same with the delays of this seed, for tests.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        let random = Arc::new(SharedRandom::new(seed));
        Self { random, ..self }
    }

    /// How long to wait before the next call, which is then paid for; `None` to give up.
    fn delay(&self, retries: &mut Retries, verdict: Verdict) -> Option<Duration> {
        let asked = match verdict {
            Verdict::Return => return None,
            Verdict::Retry => None,
            Verdict::RetryAfter(asked) => Some(asked),
        };
        let Rules { budget, timer, .. } = &*self.rules;
        let now = timer.now();
        let delay = retries.next_delay(now, &mut &*self.random, asked)?;
        budget.try_withdraw_at(now).ok()?;
        Some(delay)
    }
}

impl<S, P, C> Layer<S> for RetryLayer<P, C> {
    type Service = Retry<S, P, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let layer = self.clone();
        Retry { inner, layer }
    }
}

impl<S, P, C, Request> Service<Request> for Retry<S, P, C>
where
    S: Service<Request> + Clone,
    P: RetryPolicy<Request, S::Response, S::Error>,
    C: Timer,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RetryFuture<S, Request, P, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The call takes the service that is ready and leaves one that is not.
        let clone = self.inner.clone();
        let mut service = mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        let rules = &*layer.rules;
        let now = rules.timer.now();
        rules.budget.deposit_at(now);
        let kept = rules.policy.again(&request);
        let call = service.call(request);
        RetryFuture {
            retries: rules.backoff.start_at(now),
            layer,
            service,
            request: kept,
            stage: Stage::Calling { call },
        }
    }
}

impl<S, R, P, C> Future for RetryFuture<S, R, P, C>
where
    S: Service<R>,
    P: RetryPolicy<R, S::Response, S::Error>,
    C: Timer,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let rules = &*this.layer.rules;
        loop {
            let next = match this.stage.as_mut().project() {
                StageProjection::Calling { call } => {
                    let answer = ready!(call.poll(cx));
                    if this.request.is_none() {
                        return Poll::Ready(answer);
                    }
                    let verdict = rules.policy.judge(&answer);
                    let Some(delay) = this.layer.delay(this.retries, verdict) else {
                        return Poll::Ready(answer);
                    };
                    let until = rules.timer.now() + delay;
                    let sleep = rules.timer.sleep_until(until);
                    Stage::Sleeping { sleep }
                }
                StageProjection::Sleeping { sleep } => {
                    ready!(sleep.poll(cx));
                    Stage::Readying
                }
                StageProjection::Readying => {
                    ready!(this.service.poll_ready(cx))?;
                    let Some(request) = this.request.take() else {
                        return Poll::Pending;
                    };
                    *this.request = rules.policy.again(&request);
                    let call = this.service.call(request);
                    Stage::Calling { call }
                }
            };
            this.stage.set(next);
        }
    }
}

impl<P, C> Clone for RetryLayer<P, C> {
    fn clone(&self) -> Self {
        Self {
            rules: self.rules.clone(),
            random: self.random.clone(),
        }
    }
}

impl<S: Clone, P, C> Clone for Retry<S, P, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<S: Service<R>, R, P, C: Timer> fmt::Debug for RetryFuture<S, R, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture")
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}
