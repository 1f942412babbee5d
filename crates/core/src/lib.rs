#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod hash;
pub mod machine;
pub mod node;
pub mod placement;
pub mod random;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod sync;
pub mod time;
