//! `purlin-cache`: what caches hold, how often they hit, and what a lookup costs.

pub mod opt;
mod versus;

use core::ops::RangeInclusive;

use crate::area::Area;
use crate::error::LabError;
use crate::report::Report;
use crate::settings::Settings;
use crate::versus::Row;

/// Caching.
#[derive(Debug, Clone, Copy)]
pub struct Cache;

const ABOUT: &str = "Which entries stay, and what a lookup costs.";

impl Area for Cache {
    fn name(&self) -> &'static str {
        "cache"
    }

    fn about(&self) -> &'static str {
        "Caches: hit ratio of every policy against size, on made and recorded requests"
    }

    fn variants(&self) -> &'static [&'static str] {
        &["default"]
    }

    fn size(&self) -> &'static str {
        "capacities, in entries"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        1..=10_000_000
    }

    fn tour(&self, _: &Settings) -> Result<Report, LabError> {
        Ok(Report::new("cache", ABOUT))
    }

    fn run(&self, settings: &Settings) -> Result<Report, LabError> {
        self.tour(settings)
    }

    fn rows(&self) -> &'static [Row] {
        &versus::ROWS
    }
}
