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
mod decision;
mod error;
mod limiter;
mod local;
#[cfg(feature = "std")]
mod locked;
mod quota;
#[cfg(target_has_atomic = "64")]
mod shared;
mod sync;
mod timeline;

pub use algorithm::gcra::{Gcra, Width};
pub use algorithm::leaky_bucket::LeakyBucket;
pub use algorithm::shaper::Shaper;
pub use algorithm::token_bucket::TokenBucket;
pub use algorithm::{Algorithm, Carry, Reconfigure};
pub use decision::{Decision, Denied, Reason, Reservation};
pub use error::ConfigError;
pub use limiter::Limiter;
pub use local::Local;
#[cfg(feature = "std")]
pub use locked::Locked;
pub use quota::Quota;
#[cfg(target_has_atomic = "64")]
pub use shared::Shared;

#[doc(inline)]
pub use purlin_core::time::{Clock, Instant, Timer};
#[doc(inline)]
#[cfg(feature = "std")]
pub use purlin_core::time::{ManualClock, SystemClock};
