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
pub mod policy;
mod shard;
pub mod stats;
#[cfg(feature = "std")]
pub mod sync;
pub mod unsync;
pub mod wheel;

pub use builder::Builder;
pub use listener::RemovalCause;
pub use stats::Stats;
