#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

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
mod limiter;
mod local;
#[cfg(feature = "std")]
mod locked;
mod quota;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(target_has_atomic = "64")]
pub mod retry_budget;
#[cfg(target_has_atomic = "64")]
mod shared;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod striped;
mod sync;
mod timeline;

pub use algorithm::gcra::{Gcra, Width};
pub use algorithm::leaky_bucket::LeakyBucket;
pub use algorithm::shaper::Shaper;
pub use algorithm::token_bucket::TokenBucket;
pub use algorithm::{Algorithm, Carry, Reconfigure};
#[cfg(any(feature = "conformance", feature = "registry"))]
pub use capabilities::{Bound, Capabilities, Rule};
pub use decision::{Decision, Denied, Reason, Reservation};
pub use error::ConfigError;
pub use limiter::Limiter;
pub use local::Local;
#[cfg(feature = "std")]
pub use locked::Locked;
pub use quota::{ParseQuotaError, Quota};
#[cfg(target_has_atomic = "64")]
pub use shared::Shared;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use striped::Striped;

#[doc(inline)]
pub use purlin_core::time::{Clock, Instant, Timer};
#[doc(inline)]
#[cfg(feature = "std")]
pub use purlin_core::time::{ManualClock, SystemClock};
