//! What policies are made of, for your own one too: lists of slots, memories of keys that have left, and counts of how
//! often keys were asked for.

pub(super) mod counters;
pub mod ghost;
pub mod list;
pub(super) mod per_slot;
pub mod sketch;
