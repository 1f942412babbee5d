//! Rows that count instead of timing: a value per contender and round.

use super::contest::Role;
use super::samples::{Samples, Series};
use crate::error::LabError;
use crate::settings::Settings;

/// Five values enclose a median in no 95 % interval, so that the harness takes their extremes: a
/// bar is judged at the worst seed.
const SEEDS: u64 = 5;

/// The contenders of a row, measured as they enter. A round's value is a function of its seed.
pub(crate) struct Counted {
    seed: u64,
    rounds: u64,
    series: Vec<Series>,
}

impl Counted {
    pub(crate) fn over_seeds(settings: &Settings) -> Self {
        Self::rounds(settings, SEEDS)
    }

    /// As many values as that, for figures that are measured, not computed.
    pub(crate) fn rounds(settings: &Settings, rounds: u64) -> Self {
        Self {
            seed: settings.seed,
            rounds: if settings.fast { 1 } else { rounds },
            series: Vec::new(),
        }
    }

    pub(crate) fn ours(
        self,
        name: &str,
        value: impl FnMut(u64) -> Result<f64, LabError>,
    ) -> Result<Self, LabError> {
        self.enter(Role::Ours, name, value)
    }

    pub(crate) fn rival(
        self,
        name: &str,
        value: impl FnMut(u64) -> Result<f64, LabError>,
    ) -> Result<Self, LabError> {
        self.enter(Role::Rival, name, value)
    }

    /// A yardstick, and nobody's product.
    pub(crate) fn floor(
        self,
        name: &str,
        value: impl FnMut(u64) -> Result<f64, LabError>,
    ) -> Result<Self, LabError> {
        self.enter(Role::Floor, name, value)
    }

    /// On whosever behalf.
    pub(crate) fn enter(
        mut self,
        role: Role,
        name: &str,
        mut value: impl FnMut(u64) -> Result<f64, LabError>,
    ) -> Result<Self, LabError> {
        let seeds = (0..self.rounds).map(|round| self.seed.wrapping_add(round));
        let values = seeds.map(|seed| value(seed).map(Some));
        let values = values.collect::<Result<_, _>>()?;
        self.series.push(Series::new(name.to_owned(), role, values));
        Ok(self)
    }

    pub(crate) fn samples(self) -> Samples {
        Samples::new(self.series)
    }
}
