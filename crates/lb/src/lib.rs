#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod autoscale;
mod balancer;
mod chunks;
mod cluster;
mod endpoint;
mod error;
mod estimator;
pub mod hedge;
mod load_balancer;
pub mod policy;
mod pool;
mod request;
#[cfg(feature = "route")]
#[cfg_attr(docsrs, doc(cfg(feature = "route")))]
pub mod route;
mod slow_start;
mod state;
mod status;
mod sync;
mod upstream;

pub use balancer::Balancer;
pub use cluster::{Batch, Cluster, ClusterBuilder, Delta, Present, Snapshot};
pub use endpoint::{Endpoint, Lease};
pub use error::{ConfigError, Refused, Unavailable, UpdateError};
pub use estimator::Estimator;
pub use load_balancer::{LoadBalancer, TimedLease};
pub use pool::Pool;
pub use request::Request;
pub use slow_start::SlowStart;
pub use state::State;
pub use status::{Health, Status};
pub use upstream::{Upstream, Zone};

#[doc(inline)]
pub use purlin_core::{
    hash::KeyHash,
    node::{Epoch, NodeId, Weight},
    time::{Clock, Instant, ManualClock, SystemClock},
};
#[doc(inline)]
pub use purlin_hashring::Identity;
