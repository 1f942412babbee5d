//! Layers for [tower](https://docs.rs/tower) services.
//!
//! | layer | does |
//! |---|---|
//! | [`RateLimitLayer`] | refuses requests beyond a rate |
//! | [`RateLimitWaitLayer`] | holds requests back until the rate allows them, within a bound |
//! | [`ConcurrencyLimitLayer`] | refuses requests while too many are in flight, by a fixed or an adaptive limit |
//! | [`ConcurrencyLimitWaitLayer`] | holds requests back while too many are in flight, within a bound |
//! | [`CircuitBreakerLayer`] | refuses requests while the service below is in trouble |
//! | [`RetryLayer`] | makes failed requests again, within a budget |
//!
//! All decide when a request comes, in `call`, and take nothing in `poll_ready`: a connection that is
//! ready and idle holds no token, permit or probe. Clones of a service, and services made by clones
//! of a layer, share what the layer limits.
//!
//! A refusal is an error, [`ServiceError::Rejected`], with what a response needs: a
//! [`status`](Rejected::status) and [`headers`](Rejected::headers). The errors of the service itself
//! come through in [`ServiceError::Inner`]. Of several guards around each other,
//! [`flatten`](ServiceError::flatten) makes one error.
//!
//! A refusal is no failure of a service: neither the breaker nor an adaptive limit counts those of
//! guards below, and retries give them to the caller at once. [`MaybeRejected`] finds them.
//!
//! # The order of the layers
//!
//! From the outside in, each where it is for a reason; leave out what you do not need:
//!
//! | layer | because |
//! |---|---|
//! | rate limit | what it refuses costs nothing below, and a retry is not counted against the client |
//! | retry | above all that fails or refuses per call: while a request waits to be made again it holds no permit, and each call is one more sample for the breaker |
//! | concurrency limit | around the breaker: it bounds calls, not the pauses between them |
//! | circuit breaker | next to what it watches; a server that times out is a server in trouble |
//! | timeout | within the breaker and an adaptive limit, so that both see it as an error |
//!
//! A timeout around a guard drops the guard's future instead. A dropped call counts for nothing: a
//! server that hangs would never open the circuit, nor lower a limit. For the whole of a request,
//! retries and pauses included, a second timeout belongs outside of all layers; let it be the longer
//! one.
//!
//! A guarded call is a future in place: nothing is allocated for a request that need not wait.

mod circuit_breaker;
mod concurrency_limit;
mod concurrency_limit_wait;
mod guarded;
mod maybe_rejected;
mod rate_limit;
mod rate_limit_wait;
mod rejected;
mod retry;
mod watched;

pub use circuit_breaker::{CircuitBreakerLayer, CircuitBreakerService, WatchedCall};
pub use concurrency_limit::{ConcurrencyLimit, ConcurrencyLimitLayer};
pub use concurrency_limit_wait::{
    ConcurrencyLimitWait, ConcurrencyLimitWaitFuture, ConcurrencyLimitWaitLayer,
};
pub use guarded::GuardedFuture;
pub use maybe_rejected::MaybeRejected;
pub use rate_limit::{Admit, OneLimit, RateLimit, RateLimitLayer};
pub use rate_limit_wait::{RateLimitWait, RateLimitWaitFuture, RateLimitWaitLayer};
pub use rejected::{Rejected, ServiceError};
pub use retry::{Retry, RetryFuture, RetryLayer, RetryPolicy, ReturnRejections, Verdict};
pub use watched::{ErrorsFail, Judge, Watch, WatchedFuture};
