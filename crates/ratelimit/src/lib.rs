#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod backoff;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub mod breaker;
mod error;
#[cfg(target_has_atomic = "64")]
pub mod retry_budget;
mod sync;

pub use error::ConfigError;

#[doc(inline)]
pub use purlin_core::time::{Clock, Instant, Timer};
#[doc(inline)]
#[cfg(feature = "std")]
pub use purlin_core::time::{ManualClock, SystemClock};
