#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(any(feature = "conformance", feature = "registry"))]
mod capabilities;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod policy;
#[cfg(feature = "registry")]
pub mod registry;

#[cfg(any(feature = "conformance", feature = "registry"))]
pub use capabilities::Capabilities;
