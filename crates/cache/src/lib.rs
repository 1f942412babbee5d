#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod builder;
#[cfg(any(feature = "conformance", feature = "registry"))]
mod capabilities;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "std")]
pub mod edge;
pub mod expiry;
mod index;
mod lifetime;
pub mod listener;
#[cfg(feature = "std")]
pub mod load;
pub mod policy;
#[cfg(feature = "std")]
mod primitives;
#[cfg(feature = "registry")]
pub mod registry;
mod shard;
pub mod snapshot;
pub mod stats;
#[cfg(feature = "std")]
pub mod store;
#[cfg(feature = "std")]
pub mod sync;
#[cfg(feature = "std")]
pub mod tags;
#[cfg(feature = "std")]
pub mod tiered;
pub mod unsync;
#[cfg(feature = "std")]
pub mod versioned;
pub mod wheel;

pub use builder::Builder;
#[cfg(any(feature = "conformance", feature = "registry"))]
pub use capabilities::Capabilities;
pub use listener::RemovalCause;
#[cfg(feature = "std")]
pub use load::LoadError;
#[doc(inline)]
pub use purlin_core::time::{Clock, Instant};
#[doc(inline)]
#[cfg(feature = "std")]
pub use purlin_core::time::{ManualClock, SystemClock};
pub use snapshot::Snapshot;
pub use stats::Stats;
