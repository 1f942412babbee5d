#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod quorum;
pub mod raft;

#[doc(inline)]
#[cfg(feature = "std")]
pub use purlin_core::time::SystemClock;
#[doc(inline)]
pub use purlin_core::{
    machine::Machine,
    node::NodeId,
    time::{Clock, Instant},
};
