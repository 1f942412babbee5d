//! sim

pub mod convergence;
pub mod history;
pub mod linearizability;
pub mod model;
