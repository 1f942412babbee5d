#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod adjustable;
mod algorithm;
mod arrival;
pub mod backoff;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub mod breaker;
#[cfg(any(feature = "conformance", feature = "registry"))]
mod capabilities;
pub mod concurrency;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decision;
mod error;
mod fingerprint;
mod headers;
mod hierarchy;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod keyed;
mod limiter;
mod local;
#[cfg(feature = "std")]
mod locked;
mod quota;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod rate_limiter;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(target_has_atomic = "64")]
pub mod retry_budget;
mod saved;
#[cfg(target_has_atomic = "64")]
mod shared;
#[cfg(feature = "alloc")]
pub mod store;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod striped;
mod sync;
mod timeline;
#[cfg(all(feature = "tower", target_has_atomic = "64"))]
pub mod tower;

#[cfg(feature = "std")]
pub use adjustable::{Adjustable, Holder};
pub use algorithm::fixed_window::FixedWindow;
pub use algorithm::gcra::{Gcra, Width};
pub use algorithm::leaky_bucket::LeakyBucket;
#[cfg(feature = "alloc")]
pub use algorithm::multi_bandwidth::{Bandwidths, MultiBandwidth};
pub use algorithm::shaper::Shaper;
pub use algorithm::sliding_window_counter::SlidingWindowCounter;
#[cfg(feature = "alloc")]
pub use algorithm::sliding_window_log::{Log, SlidingWindowLog};
pub use algorithm::token_bucket::TokenBucket;
pub use algorithm::{Algorithm, Carry, Reconfigure};
#[cfg(any(feature = "conformance", feature = "registry"))]
pub use capabilities::{Bound, Capabilities, Rule};
pub use decision::{Decision, Denied, Reason, Reservation};
pub use error::ConfigError;
pub use headers::{HeaderValue, Headers};
pub use hierarchy::{Hierarchy, Level};
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use keyed::{Key, KeyLimiter, Keyed, KeyedBuilder, KeyedEntry, KeyedStats, WhenFull};
pub use limiter::Limiter;
pub use local::Local;
#[cfg(feature = "std")]
pub use locked::Locked;
pub use quota::{ParseQuotaError, Quota};
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use rate_limiter::{Acquire, AcquireOwned, KeyedRateLimiter, RateLimiter};
pub use saved::{RestoreError, Saved};
#[cfg(target_has_atomic = "64")]
pub use shared::Shared;
#[doc(inline)]
#[cfg(feature = "alloc")]
pub use store::Stored;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use striped::Striped;

#[doc(inline)]
#[cfg(feature = "tokio")]
pub use purlin_core::time::TokioTimer;
#[doc(inline)]
#[cfg(feature = "std")]
pub use purlin_core::time::{ManualClock, SystemClock};
#[doc(inline)]
pub use purlin_core::{
    hash::{KeyHash, KeyHasher, SipHash13},
    random::{Random, SplitMix64},
    time::{Clock, Instant, Timer, UnixTime, WallClock},
};
