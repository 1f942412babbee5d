//! The simulated world from outside: what its documentation promises, promise by promise, and what
//! its public interface must survive.
//!
//! All tests drive one small [`recorder`]: a machine that does as it is told and records what
//! happens to it.

extern crate alloc;

mod absent;
mod client_network;
mod clients;
mod clocks;
mod crash_in_step;
mod crashes;
mod determinism;
mod limits;
mod network;
mod partitions;
mod pauses;
mod recorder;
mod report;
mod revivals;
mod runner;
mod schedules;
mod storage;
mod strangers;
mod syncs;
mod trace;
mod turns;
mod wall_clocks;
