//! Layers for [tower](https://docs.rs/tower) services.
//!
//! | layer | does |
//! |---|---|
//! | [`RateLimitLayer`] | refuses requests beyond a rate |
//! | [`RateLimitWaitLayer`] | holds requests back until the rate allows them, within a bound |
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

mod rate_limit;
mod rate_limit_wait;
mod rejected;

pub use rate_limit::{Admit, OneLimit, RateLimit, RateLimitLayer};
pub use rate_limit_wait::{RateLimitWait, RateLimitWaitFuture, RateLimitWaitLayer};
pub use rejected::{GuardedFuture, Rejected, ServiceError};
