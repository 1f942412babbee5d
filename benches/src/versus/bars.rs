//! The promised figures: `bars.toml`, one row each.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::samples::Estimate;
use crate::table::significant;

/// On which side of the bar the figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// At most the bar: for costs.
    Max,
    /// At least the bar: for yields such as a hit ratio.
    Min,
}

impl Direction {
    /// How the promise is written: `<=` or `>=`.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Max => "<=",
            Self::Min => ">=",
        }
    }
}

/// One promised figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// The area, as in `lab versus <area>`.
    pub area: String,
    /// The row of that area, as in `--only ID`.
    pub id: String,
    /// What is promised, in words.
    pub what: String,
    /// The unit of the measured value, as the row has it.
    pub unit: String,
    /// The bar for the ratio of ours to `against`, or for ours itself, in `unit`.
    pub bar: f64,
    /// The contender it is promised against, by its name; [`Bar::BEST_RIVAL`] for whichever rival
    /// turns out best; [`Bar::ABSOLUTE`] for none.
    pub against: String,
    /// Which side is good.
    pub direction: Direction,
}

impl Bar {
    /// In `against`: the best rival of the run.
    pub const BEST_RIVAL: &'static str = "best rival";

    /// In `against`: nobody, our own value is promised.
    pub const ABSOLUTE: &'static str = "absolute";

    /// Whether our value is promised, and not its ratio to another's.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        self.against == Self::ABSOLUTE
    }

    /// Whether the figure (the ratio, or our value where the bar [is absolute](Self::is_absolute))
    /// keeps the promise, judged at the worse end of its interval: a bar that is met only by luck
    /// is missed.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_benches::versus::{Bar, Estimate};
    ///
    /// let bar = Bar::all().expect("bars.toml is valid").swap_remove(0);
    /// let just = Estimate { median: bar.bar - 0.02, low: bar.bar - 0.04, high: bar.bar };
    /// assert!(bar.is_met(just));
    /// assert!(!bar.is_met(Estimate { high: bar.bar + 0.01, ..just }));
    /// ```
    #[must_use]
    pub fn is_met(&self, figure: Estimate) -> bool {
        match self.direction {
            Direction::Max => figure.high <= self.bar,
            Direction::Min => figure.low >= self.bar,
        }
    }

    /// Every bar of `bars.toml`, in its order.
    ///
    /// # Errors
    ///
    /// When the file is not valid; the message names the line. It is compiled in, so that a test
    /// catches this.
    pub fn all() -> Result<Vec<Self>, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            bar: Vec<Bar>,
        }
        toml::from_str::<File>(include_str!("../../bars.toml")).map(|file| file.bar)
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = self.direction.sign();
        if self.is_absolute() {
            write!(f, "{sign} {} {}", significant(self.bar), self.unit)
        } else {
            write!(f, "{sign} {:.2} x {}", self.bar, self.against)
        }
    }
}
