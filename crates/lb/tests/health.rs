//! Health checks and outlier detection: against naive models, and with a cluster.

extern crate alloc;

#[path = "health/checker.rs"]
mod checker;
#[path = "health/checker_model.rs"]
mod checker_model;
#[path = "health/cluster.rs"]
mod cluster;
#[path = "health/configs.rs"]
mod configs;
#[path = "health/outlier.rs"]
mod outlier;
#[path = "health/outlier_model.rs"]
mod outlier_model;
#[path = "health/traffic.rs"]
mod traffic;
