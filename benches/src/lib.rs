//! The lab: what purlin's blocks do, measured and shown, beside the best other crates.
//!
//! The program `lab` (see the README) is made of these parts:
//!
//! * [`area`]: one file per area of the toolkit: its tour, its in-depth run, its rows to measure.
//!   This is what grows.
//! * [`workload`] and [`trace`]: made and recorded input.
//! * [`versus`]: contests between contenders, timed in interleaved batches, judged by the bars of
//!   `bars.toml`.
//! * [`report`], [`table`], [`plot`], [`page`]: what came out, for a terminal, a browser or a
//!   program.
//! * [`cli`]: the command line.
#![forbid(unsafe_code)]

extern crate alloc;

pub mod area;
pub mod cli;
pub mod error;
mod markup;
pub mod page;
pub mod plot;
pub mod report;
pub mod settings;
pub mod table;
pub mod trace;
pub mod versus;
pub mod workload;
