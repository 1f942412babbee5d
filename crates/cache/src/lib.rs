#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod builder;
pub mod expiry;
mod index;
pub mod listener;
#[cfg(feature = "std")]
pub mod load;
pub mod policy;
#[cfg(feature = "std")]
mod primitives;
mod shard;
pub mod stats;
#[cfg(feature = "std")]
pub mod sync;
pub mod unsync;
pub mod wheel;

pub use builder::Builder;
pub use listener::RemovalCause;
#[cfg(feature = "std")]
pub use load::LoadError;
pub use stats::Stats;
