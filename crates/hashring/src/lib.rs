#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "alloc")]
mod algorithm;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub mod bounded;
#[cfg(feature = "alloc")]
mod candidates;
#[cfg(feature = "alloc")]
mod error;
#[cfg(feature = "alloc")]
mod member;
#[cfg(feature = "alloc")]
mod membership;
#[cfg(feature = "alloc")]
mod mix;
#[cfg(feature = "alloc")]
mod placed;
#[cfg(feature = "alloc")]
mod roster;
#[cfg(feature = "alloc")]
mod score;
#[cfg(feature = "std")]
mod shared;
#[cfg(feature = "alloc")]
mod simd;
#[cfg(feature = "alloc")]
mod spread;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod sync;

#[cfg(feature = "alloc")]
pub use algorithm::{Rendezvous, RendezvousBuilder, SlotTable, SlotTableBuilder};
#[cfg(feature = "alloc")]
pub use error::{BuildError, MembershipError, Refused};
#[cfg(feature = "alloc")]
pub use member::{Identity, IntoMember, Locality, Member};
#[cfg(feature = "alloc")]
pub use membership::{Membership, Preference};
#[cfg(feature = "alloc")]
pub use roster::{MemberRef, Roster};
#[cfg(feature = "std")]
pub use shared::{Reader, Shared};

#[doc(no_inline)]
pub use purlin_core::{
    hash::KeyHash,
    node::{Epoch, NodeId, NodeIdx, Weight},
    placement::{Placement, PlacementExt},
};
