//! `Replica`: what becomes of commands, changes, reads and stores, in groups within one process.

extern crate alloc;

#[path = "replica/group.rs"]
mod group;
#[path = "replica/leading.rs"]
mod leading;
#[path = "replica/machine.rs"]
mod machine;
#[path = "replica/outcomes.rs"]
mod outcomes;
#[path = "replica/snapshots.rs"]
mod snapshots;
#[path = "replica/starting.rs"]
mod starting;
#[path = "replica/stopping.rs"]
mod stopping;
#[path = "replica/store.rs"]
mod store;
#[path = "replica/storm.rs"]
mod storm;
