//! What can go wrong in the lab, as its user reads it.

use std::io;
use std::path::PathBuf;

use crate::trace::TraceError;
use crate::workload::WorkloadError;

/// Why a command of the lab stopped. The program prints it and exits with status 2.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// An argument of an area is not usable.
    #[error("{0}")]
    Usage(String),
    /// `lab versus` without the feature.
    #[error(
        "the rival crates are not compiled in: cargo run --release -p purlin-benches --features rivals --bin lab -- versus {area}"
    )]
    NoRivals {
        /// The area that was asked for.
        area: &'static str,
    },
    /// `--only` names a row whose rival not every machine can build.
    #[error(
        "its rival is not compiled in; with cmake and a C compiler: \
         RUSTFLAGS=\"--cfg purlin_native_rivals\" cargo run --release -p purlin-benches --features rivals --bin lab -- versus {area}"
    )]
    NoNativeRivals {
        /// The area that was asked for.
        area: &'static str,
    },
    /// `--only` names no row.
    #[error("{area} has no row `{id}`; its rows are {known}")]
    NoRow {
        /// The area.
        area: &'static str,
        /// What was asked for.
        id: String,
        /// The area's rows.
        known: String,
    },
    /// A bar is promised against a contender that the row does not have.
    #[error("row {row}: no contender is called `{contender}`, which bars.toml names")]
    NoContender {
        /// The row.
        row: String,
        /// The name in `bars.toml`.
        contender: String,
    },
    /// The machine is too busy to measure anything.
    #[error("row {row}: every batch was interrupted; run it again on a quieter machine")]
    Disturbed {
        /// The row.
        row: String,
    },
    /// `bars.toml` is not valid.
    #[error("bars.toml: {0}")]
    Bars(#[from] toml::de::Error),
    /// A trace could not be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A recorded trace that a row is measured on is not here.
    #[error("SKIP: {} is not here; PURLIN_TRACES names the folder of traces", path.display())]
    NoTrace {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A workload's parameters are out of range.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// A placement cannot be built over so many nodes.
    #[error("no placement: {0}")]
    Placement(#[from] purlin_hashring::BuildError),
    /// A placement refuses a change of its members.
    #[error("no change of members: {0}")]
    Membership(#[from] purlin_hashring::MembershipError),
    /// A limiter cannot be made by such a configuration.
    #[error("no limiter: {0}")]
    Limiter(#[from] purlin_ratelimit::ConfigError),
    /// Endpoints cannot be balanced over.
    #[error("no cluster: {0}")]
    Cluster(#[from] purlin_lb::UpdateError),
    /// A policy cannot be made by such a configuration.
    #[error("no policy: {0}")]
    Policy(#[from] purlin_lb::ConfigError),
    /// A contender of a row does something else than the row says.
    #[error("{contender}: {admitted} of {asked} requests admitted, {expected} expected")]
    Unlike {
        /// The contender.
        contender: &'static str,
        /// How many requests it was asked to admit.
        asked: u64,
        /// How many it admitted.
        admitted: u64,
        /// How many the row is about.
        expected: u64,
    },
    /// A simulation shows a defect.
    #[error("{0}")]
    Violation(String),
    /// No runtime for tasks that wait.
    #[error("no runtime for waiting tasks: {0}")]
    Runtime(io::Error),
    /// A chart could not be drawn.
    #[error("cannot draw {title:?}: {reason}")]
    Plot {
        /// The chart.
        title: String,
        /// What the drawing library says.
        reason: String,
    },
    /// A file could not be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// Standard output is gone.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[from] io::Error),
}
