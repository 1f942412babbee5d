//! Concurrency limits: how many calls may be in flight at once, fixed or found by measuring.
//!
//! A rate limit says how often, a concurrency limit how many at a time. By Little's law a server of
//! throughput `X` that answers in time `R` holds `X * R` calls; whatever is let in beyond that only
//! queues. The adaptive algorithms look for this number by watching response times.
//!
//! | term | meaning |
//! |---|---|
//! | in flight | admitted and not yet finished |
//! | rtt | from admission to the end of the call; time spent waiting for admission is not part of it |
//! | no-load rtt | what a call takes when nothing queues |
//! | drop | a call that ended by overload: a timeout, a refusal |
//! | permit | the right to be in flight, given back exactly once |
//!
//! | algorithm | reacts to | use it |
//! |---|---|---|
//! | [`Fixed`] | nothing | where the capacity is known, such as a pool of connections |
//! | [`Aimd`] | drops | where overload shows as errors or timeouts |
//! | [`Vegas`] | queueing, against the least rtt | where calls take about the same time |
//! | [`Gradient2`] | rtt, against its own long average | where rtts vary much |
//! | [`Windowed`] | what it wraps, on averages or percentiles of many samples | around the two above, for busy services |
//!
//! [`ConcurrencyLimit`] is the counter alone: one atomic word, no clock, no allocation.
//! `ConcurrencyLimiter` (with `std`) adds permits, an algorithm, and a queue of waiters.
//! `PartitionedLimiter` divides one limit among kinds of callers.

mod aimd;
mod fixed;
mod gradient2;
#[cfg(target_has_atomic = "64")]
mod limit;
mod limit_algorithm;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod limiter;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod partition;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod permit;
mod vegas;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod waiters;
#[cfg(feature = "alloc")]
mod windowed;

pub use aimd::{Aimd, AimdBuilder};
pub use fixed::Fixed;
pub use gradient2::{Gradient2, Gradient2Builder};
#[cfg(target_has_atomic = "64")]
pub use limit::{AtLimit, ConcurrencyLimit};
pub use limit_algorithm::{LimitAlgorithm, MAX_LIMIT, Outcome, Sample};
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use limiter::{ConcurrencyLimiter, ConcurrencyStats};
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use partition::{PartitionPermit, PartitionedLimiter};
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use permit::{OwnedPermit, Permit};
pub use vegas::{Vegas, VegasBuilder};
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use waiters::AcquireError;
#[cfg(feature = "alloc")]
pub use windowed::{Statistic, Windowed, WindowedBuilder};
