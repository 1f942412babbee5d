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
#[cfg(feature = "alloc")]
mod candidates;
#[cfg(feature = "compat")]
pub mod compat;
#[cfg(feature = "alloc")]
mod diff;
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
mod ranges;
#[cfg(feature = "alloc")]
mod roster;
#[cfg(feature = "alloc")]
mod score;
#[cfg(feature = "alloc")]
mod simd;
#[cfg(feature = "alloc")]
mod spread;

#[cfg(feature = "alloc")]
pub use {
    algorithm::maglev::{Maglev, MaglevBuilder},
    algorithm::rendezvous::{Rendezvous, RendezvousBuilder},
    algorithm::ring::{Ring, RingBuilder},
    algorithm::slot_table::{SlotTable, SlotTableBuilder},
    diff::{Handover, Moved, diff, diff_replicas},
    error::{BuildError, MembershipError, Refused},
    member::{Identity, IntoMember, Locality, Member},
    membership::{Membership, Preference},
    ranges::{HashRange, Ranged, RangedExt},
    roster::{MemberRef, Roster},
};

#[doc(no_inline)]
pub use purlin_core::{
    hash::KeyHash,
    node::{Epoch, NodeId, NodeIdx, Weight},
    placement::{Placement, PlacementExt},
};
