#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod algorithm;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub mod bounded;
pub mod bucket;
#[cfg(feature = "alloc")]
mod buckets;
#[cfg(feature = "alloc")]
mod candidates;
#[cfg(any(feature = "conformance", feature = "registry"))]
mod capabilities;
#[cfg(feature = "alloc")]
mod changes;
#[cfg(feature = "compat")]
pub mod compat;
#[cfg(feature = "conformance")]
pub mod conformance;
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
#[cfg(feature = "registry")]
pub mod registry;
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
pub use {
    algorithm::anchor::{Anchor, AnchorBuilder},
    algorithm::maglev::{Maglev, MaglevBuilder},
    algorithm::memento::{Memento, MementoBuilder},
    algorithm::rendezvous::{Rendezvous, RendezvousBuilder},
    algorithm::ring::{Ring, RingBuilder},
    algorithm::slot_table::{SlotTable, SlotTableBuilder},
    buckets::{Buckets, BucketsBuilder},
    diff::{Handover, Moved, diff, diff_replicas},
    error::{BuildError, MembershipError, Refused},
    member::{Identity, IntoMember, Locality, Member},
    membership::{Membership, Preference},
    ranges::{HashRange, Ranged, RangedExt},
    roster::{MemberRef, Roster},
};

#[cfg(any(feature = "conformance", feature = "registry"))]
pub use capabilities::Capabilities;

#[cfg(feature = "std")]
pub use shared::{Reader, Shared};

#[doc(inline)]
pub use purlin_core::{
    hash::{KeyHash, KeyHasher, SipHash13, Xxh3},
    node::{Epoch, NodeId, NodeIdx, Weight},
    placement::{Placement, PlacementExt},
};
