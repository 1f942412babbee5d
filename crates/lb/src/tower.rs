//! A [tower](https://docs.rs/tower) service that balances over services.
//!
//! [`Balance`] holds a [`LoadBalancer`](crate::LoadBalancer) whose nodes are services: connections,
//! clients, stacks of layers. Updates are calls on that balancer or a clone of it, at any time and
//! from anywhere: there is no stream of discovery that only moves while requests do.
//!
//! It is ready at once. A call picks an endpoint, clones its service, and drives the clone to be
//! ready and to answer; nothing waits for endpoints that were not picked. How the call ends is told
//! to the endpoint: see [`Judge`]. A future that is dropped is a request that was cancelled, and
//! says nothing of it.
//!
//! An endpoint whose service is not ready holds up those requests that were sent there, and they
//! count there as in flight. A timeout goes around `Balance`, with retries outside of it.
//!
//! There is no layer: a layer goes around one service.

mod balance;
mod future;
mod judge;
mod named;

pub use balance::{Balance, Describe, Plain};
pub use future::{BalanceError, BalanceFuture};
pub use judge::{ErrorsFail, Judge, Verdict};
pub use named::Named;
