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
//! A guarded call is a future in place: nothing is allocated for a request that need not wait.

mod circuit_breaker;
mod concurrency_limit;
mod concurrency_limit_wait;
mod guarded;
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
pub use rate_limit::{Admit, OneLimit, RateLimit, RateLimitLayer};
pub use rate_limit_wait::{RateLimitWait, RateLimitWaitFuture, RateLimitWaitLayer};
pub use rejected::{Rejected, ServiceError};
pub use retry::{Retry, RetryFuture, RetryLayer, RetryPolicy, Verdict};
pub use watched::{ErrorsFail, Judge, Watch, WatchedFuture};
