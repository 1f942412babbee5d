//! Layers for [tower](https://docs.rs/tower) services.
//!
//! | layer | does |
//! |---|---|
//! | [`RateLimitLayer`] | refuses requests beyond a rate |
//! | [`RateLimitWaitLayer`] | holds requests back until the rate allows them, within a bound |
//! | [`ConcurrencyLimitLayer`] | refuses requests while too many are in flight, by a fixed or an adaptive limit |
//! | [`CircuitBreakerLayer`] | refuses requests while the service below is in trouble |
//! | [`RetryLayer`] | makes failed requests again, within a budget |
//!
//! All decide when a request comes, in `call`, and take nothing in `poll_ready`: a connection that is
//! ready and idle holds no token, permit or probe. Clones of a service, and services made by clones
//! of a layer, share what the layer limits.
//!
//! A refusal is an error, [`ServiceError::Rejected`], with what a response needs: a
//! [`status`](Rejected::status) and the seconds for a
//! [`Retry-After`](Rejected::retry_after_secs). The errors of the service itself come through in
//! [`ServiceError::Inner`].
//!
//! The future of a guarded call is on the heap, at the cost of one allocation a request: to hold it
//! in place takes `unsafe` code, of which this crate has none.

mod circuit_breaker;
mod concurrency_limit;
mod rate_limit;
mod rate_limit_wait;
mod rejected;
mod retry;
mod watched;

pub use circuit_breaker::{CircuitBreakerLayer, CircuitBreakerService, WatchedCall};
pub use concurrency_limit::{ConcurrencyLimit, ConcurrencyLimitLayer};
pub use rate_limit::{Admit, OneLimit, RateLimit, RateLimitLayer};
pub use rate_limit_wait::{RateLimitWait, RateLimitWaitFuture, RateLimitWaitLayer};
pub use rejected::{GuardedFuture, Rejected, ServiceError};
pub use retry::{Retry, RetryFuture, RetryLayer, RetryPolicy, Verdict};
pub use watched::{ErrorsFail, Judge, Watch, WatchedFuture};
