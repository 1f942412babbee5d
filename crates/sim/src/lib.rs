#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod convergence;
pub mod history;
pub mod linearizability;
pub mod model;

mod fault;
mod host;
mod latency;
mod network;
mod node_clock;
mod node_set;
mod probability;
mod queue;
mod runner;
mod schedule;
mod storage;
mod trace;
mod violation;
mod world;

pub use fault::{Fault, Incident};
pub use host::{
    Boot, Effects, ErrorOf, Event, Host, InputOf, Moment, OutputOf, RequestId, WriteOf,
};
pub use latency::Latency;
pub use network::{Link, Order};
pub use node_clock::{ClockModel, ClockStep};
pub use node_set::NodeSet;
pub use probability::Probability;
pub use runner::{Failure, Runner, run};
pub use schedule::{FaultKind, FaultPlan, ParseScheduleError, Schedule};
pub use storage::{FileWrite, Files, StorageModel, Store};
pub use trace::Trace;
pub use violation::Violation;
pub use world::{Call, ClientModel, Outcome, Stats, Turn, World, WorldBuilder};
