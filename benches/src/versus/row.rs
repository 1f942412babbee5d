//! One row of `lab versus`: how it is measured, and what came out.

use core::time::Duration;

use serde::Serialize;

use super::bars::{Bar, Direction};
use super::contest::{Contest, Role};
use super::harness::{self, Effort};
use super::samples::{Estimate, Samples, Series};
use crate::error::LabError;
use crate::settings::Settings;

/// How a row gets its values.
#[derive(Debug, Clone, Copy)]
pub enum Measure {
    /// Time per operation: the function sets the contest up, the harness runs it. Criterion runs
    /// the same kernels. The row's values are nanoseconds per operation, or what
    /// [`Row::shown_in`] makes of them.
    Timed(fn(&Settings) -> Result<Contest, LabError>),
    /// The area's own measure (a hit ratio, moved keys, bytes): the function measures everybody
    /// itself, one value a seed or a trace.
    Counted(fn(&Settings) -> Result<Samples, LabError>),
}

/// A row of an area's table. Areas keep theirs in a `static`, so that listing the rows costs
/// nothing and `--only` runs one.
///
/// # Examples
///
/// ```
/// use purlin_benches::settings::Settings;
/// use purlin_benches::versus::{Contest, Effort, Row};
///
/// static ROW: Row = Row::timed("double", "compute with a number", |_| {
///     let numbers = Contest::over((0_u64..512).collect());
///     Ok(numbers.ours("shift", |x| x << 1).rival("count", |x| (0..200).fold(*x, |sum, _| sum + 1)).build())
/// });
/// let judged = ROW.run(&Settings::default(), Effort::TOUR, None)?;
/// assert!(judged.ratio < Some(0.5), "counting takes longer");
/// assert_eq!(judged.met, None, "nothing was promised");
/// # Ok::<(), purlin_benches::error::LabError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Names the row within its area: lower case, words joined by `-`.
    pub id: &'static str,
    /// What is measured, and what is included: hash, guard, clock read, completion.
    pub what: &'static str,
    /// The unit of the values.
    pub unit: &'static str,
    /// Which values are better.
    pub better: Direction,
    /// Whether `bars.toml` promises something about it. A test compares the two, so that a bar can
    /// neither vanish nor be left unmeasured.
    pub promised: bool,
    /// How it is measured.
    pub measure: Measure,
    /// Makes a value of what was measured; nothing to do where the measure has the row's unit
    /// already.
    pub convert: fn(f64) -> f64,
    /// The least time a batch lasts, for a timed row; see [`Row::in_batches_of`].
    pub batch: Duration,
    /// Whether it is about a rival that not every machine can build; see
    /// [`NATIVE_RIVALS`](super::NATIVE_RIVALS).
    pub native: bool,
}

impl Row {
    /// A row in nanoseconds per operation.
    #[must_use]
    pub const fn timed(
        id: &'static str,
        what: &'static str,
        contest: fn(&Settings) -> Result<Contest, LabError>,
    ) -> Self {
        let measure = Measure::Timed(contest);
        Self {
            id,
            what,
            unit: "ns/op",
            better: Direction::Max,
            promised: false,
            measure,
            convert: |nanoseconds| nanoseconds,
            batch: Duration::ZERO,
            native: false,
        }
    }

    /// The same timed row in batches that last this long or longer.
    ///
    /// Contenders take turns, and find the caches full of the others' data. Where an operation
    /// reads from a megabyte, a short batch is over before its own data are back, and measures
    /// nothing but their coming. So long that many times as much is read is long enough; so
    /// long that a batch is always interrupted (10 ms) is too long.
    #[must_use]
    pub const fn in_batches_of(self, batch: Duration) -> Self {
        Self { batch, ..self }
    }

    /// The same timed row in another unit: `convert` makes a value of it from nanoseconds per
    /// operation.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_benches::settings::Settings;
    /// use purlin_benches::versus::{Contest, Direction, Effort, Row};
    ///
    /// static ROW: Row = Row::timed("add", "add a number", |_| Ok(Contest::over(vec![1_u64; 512]).ours("add", |x| x + 1).build()))
    ///     .shown_in("M op/s", Direction::Min, |nanoseconds| 1e3 / nanoseconds);
    /// assert!(ROW.run(&Settings::default(), Effort::TOUR, None)?.value > 1.0, "over a million a second");
    /// # Ok::<(), purlin_benches::error::LabError>(())
    /// ```
    #[must_use]
    pub const fn shown_in(
        self,
        unit: &'static str,
        better: Direction,
        convert: fn(f64) -> f64,
    ) -> Self {
        Self {
            unit,
            better,
            convert,
            ..self
        }
    }

    /// The same row, which `lab versus` leaves out where its rival is not
    /// [compiled in](super::NATIVE_RIVALS).
    #[must_use]
    pub const fn native(self) -> Self {
        Self {
            native: true,
            ..self
        }
    }

    /// The same row, with a bar in `bars.toml`.
    #[must_use]
    pub const fn promised(self) -> Self {
        Self {
            promised: true,
            ..self
        }
    }

    /// Measures and judges the row.
    ///
    /// # Errors
    ///
    /// What the row's own set-up says; [`LabError::Disturbed`] when no batch of ours survived;
    /// [`LabError::NoContender`] when `bar` names one that did not take part.
    pub fn run(
        &self,
        settings: &Settings,
        effort: Effort,
        bar: Option<&Bar>,
    ) -> Result<Judged, LabError> {
        let effort = Effort {
            batch: effort.batch.max(self.batch),
            ..effort
        };
        let samples = match self.measure {
            Measure::Timed(contest) => harness::run(&mut contest(settings)?, effort, settings.seed),
            Measure::Counted(samples) => samples(settings)?,
        };
        self.judge(&samples.convert(self.convert), bar)
    }

    /// Judges what was measured.
    ///
    /// # Errors
    ///
    /// As [`Row::run`].
    pub fn judge(&self, samples: &Samples, bar: Option<&Bar>) -> Result<Judged, LabError> {
        let row = || self.id.to_owned();
        let value = samples
            .ours()
            .estimate()
            .ok_or_else(|| LabError::Disturbed { row: row() })?;
        let rival = match bar {
            Some(bar) if !bar.is_absolute() && bar.against != Bar::BEST_RIVAL => {
                let missing = || LabError::NoContender {
                    row: row(),
                    contender: bar.against.clone(),
                };
                Some(samples.named(&bar.against).ok_or_else(missing)?)
            }
            _ => self.best_rival(samples),
        };
        let floor = samples
            .series()
            .iter()
            .find(|series| series.role() == Role::Floor);
        let absolute = bar.is_some_and(Bar::is_absolute);
        let ratio = rival
            .filter(|_| !absolute)
            .and_then(|rival| samples.ratio_to(rival.name()));
        let figure = if absolute { Some(value) } else { ratio };
        Ok(Judged {
            id: self.id.to_owned(),
            what: self.what.to_owned(),
            unit: self.unit.to_owned(),
            value: value.median,
            rival: rival.map(|series| series.name().to_owned()),
            rival_value: rival.and_then(Series::median),
            floor: floor.map(|series| series.name().to_owned()),
            floor_value: floor.and_then(Series::median),
            ratio: ratio.map(|ratio| ratio.median),
            bar: bar.map(|bar| bar.bar),
            direction: bar.map(|bar| bar.direction),
            against: bar.map(|bar| bar.against.clone()),
            met: bar.map(|bar| figure.is_some_and(|figure| bar.is_met(figure))),
            spread: figure.map(|Estimate { low, high, .. }| [low, high]),
            rounds: samples.rounds(),
            discarded: samples.discarded(),
            contenders: samples
                .series()
                .iter()
                .map(|series| Standing::of(series, samples))
                .collect(),
        })
    }

    fn best_rival<'a>(&self, samples: &'a Samples) -> Option<&'a Series> {
        let rivals = samples
            .series()
            .iter()
            .filter(|series| series.role() == Role::Rival);
        let by_median = rivals.filter_map(|series| Some((series, series.median()?)));
        let compare = |a: &(&Series, f64), b: &(&Series, f64)| a.1.total_cmp(&b.1);
        match self.better {
            Direction::Max => by_median.min_by(compare),
            Direction::Min => by_median.max_by(compare),
        }
        .map(|(series, _)| series)
    }
}

/// A measured row, as `--json` prints it. A field that does not apply is `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// [`Row::id`].
    pub id: String,
    /// [`Row::what`].
    pub what: String,
    /// [`Row::unit`].
    pub unit: String,
    /// Our median.
    pub value: f64,
    /// The rival that `ratio` is taken to: the one the bar names, otherwise the best.
    pub rival: Option<String>,
    /// Its median.
    pub rival_value: Option<f64>,
    /// The physical floor.
    pub floor: Option<String>,
    /// Its median.
    pub floor_value: Option<f64>,
    /// Median over all rounds of ours / `rival`; `null` where the bar is absolute.
    pub ratio: Option<f64>,
    /// The promised bound of `ratio`, or of `value` where the bar is absolute.
    pub bar: Option<f64>,
    /// On which side of the bar the figure has to be.
    pub direction: Option<Direction>,
    /// [`Bar::against`].
    pub against: Option<String>,
    /// Whether the worse end of `spread` keeps the promise; `null` where nothing is promised.
    pub met: Option<bool>,
    /// The 95 % confidence interval of `ratio`, or of `value` where the bar is absolute.
    pub spread: Option<[f64; 2]>,
    /// How many rounds were run.
    pub rounds: usize,
    /// How many batches were discarded, of `rounds` times the number of contenders.
    pub discarded: usize,
    /// Everybody who took part.
    pub contenders: Vec<Standing>,
}

/// One contender in a measured row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The contender.
    pub name: String,
    /// On whose behalf it ran.
    pub role: Role,
    /// Its median; `null` when every batch was discarded.
    pub median: Option<f64>,
    /// Its 20th percentile.
    pub percentile_20: Option<f64>,
    /// Ours / this one, median over all rounds.
    pub ratio: Option<f64>,
    /// The 95 % confidence interval of `ratio`.
    pub spread: Option<[f64; 2]>,
    /// How many of its batches were discarded.
    pub discarded: usize,
}

impl Standing {
    fn of(series: &Series, samples: &Samples) -> Self {
        let ratio = (series.role() != Role::Ours)
            .then(|| samples.ratio_to(series.name()))
            .flatten();
        Self {
            name: series.name().to_owned(),
            role: series.role(),
            median: series.median(),
            percentile_20: series.percentile_20(),
            ratio: ratio.map(|ratio| ratio.median),
            spread: ratio.map(|ratio| [ratio.low, ratio.high]),
            discarded: series.discarded(),
        }
    }
}
