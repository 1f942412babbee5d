//! Many groups on a few machines: heartbeats coalesced, silence and how it ends.

extern crate alloc;

#[path = "groups/loss.rs"]
mod loss;
#[path = "groups/memory.rs"]
mod memory;
#[path = "groups/refusals.rs"]
mod refusals;
#[path = "groups/replica.rs"]
mod replica;
#[path = "groups/silence.rs"]
mod silence;
#[path = "groups/storm.rs"]
mod storm;
#[path = "groups/world.rs"]
mod world;
