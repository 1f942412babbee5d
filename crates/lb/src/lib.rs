#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

extern crate alloc;

mod any;
pub mod autoscale;
mod balancer;
#[cfg(any(feature = "conformance", feature = "registry"))]
mod capabilities;
mod chunks;
mod cluster;
#[cfg(feature = "conformance")]
pub mod conformance;
mod endpoint;
mod error;
mod estimator;
mod gauge;
pub mod group;
pub mod health;
pub mod hedge;
mod load_balancer;
mod load_report;
pub mod policy;
mod pool;
#[cfg(feature = "registry")]
pub mod registry;
mod request;
#[cfg(feature = "route")]
#[cfg_attr(docsrs, doc(cfg(feature = "route")))]
pub mod route;
mod sampling;
mod slow_start;
mod state;
mod status;
pub mod subset;
mod sync;
#[cfg(feature = "tower")]
pub mod tower;
mod upstream;

pub use any::AnyBalancer;
pub use balancer::Balancer;
#[cfg(any(feature = "conformance", feature = "registry"))]
pub use capabilities::{Capabilities, Shares};
pub use cluster::{Batch, Cluster, ClusterBuilder, Delta, Picker, Present, Snapshot};
pub use endpoint::{Endpoint, Lease};
pub use error::{ConfigError, Refused, Unavailable, UpdateError};
pub use estimator::Estimator;
pub use load_balancer::{LoadBalancer, TimedLease};
pub use load_report::{LoadReport, ReportRules, ReportedCapacity, capacity_weights};
pub use pool::Pool;
pub use request::Request;
pub use slow_start::SlowStart;
pub use state::State;
pub use status::{Health, Status};
pub use upstream::{Upstream, Zone};

#[cfg(feature = "tokio")]
#[doc(inline)]
pub use purlin_core::time::TokioTimer;
#[doc(inline)]
pub use purlin_core::{
    hash::KeyHash,
    machine::Machine,
    node::{Epoch, NodeId, Weight},
    time::{Clock, Instant, ManualClock, SystemClock, Timer, UnixTime, WallClock},
};
#[doc(inline)]
pub use purlin_hashring::Identity;
