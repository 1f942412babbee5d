#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod convergence;
pub mod history;
pub mod linearizability;
pub mod model;

mod chance;
mod fault;
mod host;
mod network;
mod node_clock;
mod node_set;
mod queue;
mod runner;
mod schedule;
mod storage;
mod trace;
mod violation;
mod world;

pub use chance::{Latency, Probability};
pub use fault::{Fault, Incident};
pub use host::{Boot, Effects, ErrorOf, Event, Host, InputOf, OutputOf, RequestId, WriteOf};
pub use network::{Link, Order};
pub use node_clock::{ClockModel, Step};
pub use node_set::NodeSet;
pub use runner::{Failure, Runner, SeedsError, run};
pub use schedule::{FaultKind, FaultPlan, ParseScheduleError, Schedule};
pub use storage::{FileWrite, Files, StorageModel, Store};
pub use trace::Trace;
pub use violation::Violation;
pub use world::{Call, ClientModel, Stats, World, WorldBuilder};
