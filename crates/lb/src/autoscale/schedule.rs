//! What is known in advance: opening hours, a sale, a nightly batch.

use super::bounds::Bounds;
use crate::error::ConfigError;
use core::time::Duration;
use purlin_core::time::UnixTime;

/// Other bounds for a while, once or again and again.
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::autoscale::{Bounds, Period, Schedule, UnixTime};
///
/// const HOUR: u64 = 3_600;
/// let shop_hours = Period::new(UnixTime::from_secs(9 * HOUR), Duration::from_secs(11 * HOUR), Bounds::new(20, 80)?)?
///     .every(Duration::from_secs(24 * HOUR))?
///     .pre_warm(Duration::from_secs(900))?;
/// let schedule = Schedule::new([shop_hours]);
///
/// let nights = Bounds::new(2, 50)?;
/// let at = |seconds| schedule.bounds_at(UnixTime::from_secs(seconds), nights);
/// assert_eq!(at(24 * HOUR + 8 * HOUR), nights);
/// assert_eq!(at(24 * HOUR + 9 * HOUR - 600), Bounds::new(20, 50)?); // it warms up
/// assert_eq!(at(24 * HOUR + 9 * HOUR), Bounds::new(20, 80)?);
/// assert_eq!(at(24 * HOUR + 20 * HOUR), nights);
/// # Ok::<(), purlin_lb::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unchecked"))]
pub struct Period {
    start: UnixTime,
    length: Duration,
    bounds: Bounds,
    every: Option<Duration>,
    pre_warm: Duration,
}

impl Period {
    /// These bounds for so long from then.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a length of zero.
    pub const fn new(
        start: UnixTime,
        length: Duration,
        bounds: Bounds,
    ) -> Result<Self, ConfigError> {
        if length.is_zero() {
            return Err(ConfigError::Zero { field: "length" });
        }
        Ok(Self {
            start,
            length,
            bounds,
            every: None,
            pre_warm: Duration::ZERO,
        })
    }

    /// The same, and again each time that this has passed. There are no calendars here: a day is
    /// 24 hours.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is shorter than the period and its pre-warming.
    pub fn every(self, every: Duration) -> Result<Self, ConfigError> {
        Self {
            every: Some(every),
            ..self
        }
        .checked()
    }

    /// The same, with its minimum in force so long before it: what starts slowly is ready when it
    /// begins.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] if it does not fit between one period and the next.
    pub fn pre_warm(self, pre_warm: Duration) -> Result<Self, ConfigError> {
        Self { pre_warm, ..self }.checked()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let busy = self.length.saturating_add(self.pre_warm);
        if self.every.is_some_and(|every| every < busy) {
            return Err(ConfigError::OutOfRange {
                field: "every",
                expected: "at least as long as the period and its pre-warming",
            });
        }
        Ok(self)
    }

    /// When it last began to warm up, and how long ago that is.
    fn since(&self, now: UnixTime) -> Option<(UnixTime, u64)> {
        let first = self.start - self.pre_warm;
        let age = now.as_nanos().checked_sub(first.as_nanos())?;
        let age = match self.every.map(nanos) {
            Some(every) => age % every.max(1),
            None => age,
        };
        Some((UnixTime::from_nanos(now.as_nanos() - age), age))
    }

    /// How long it warms up: less than asked for where it begins near 1970.
    fn warming(&self) -> u64 {
        nanos(self.start - (self.start - self.pre_warm))
    }

    fn next_change(&self, now: UnixTime) -> Option<UnixTime> {
        let Some((begun, age)) = self.since(now) else {
            return Some(self.start - self.pre_warm);
        };
        let start = self.warming();
        let end = start.saturating_add(nanos(self.length));
        let next = [Some(start), Some(end), self.every.map(nanos)];
        let next = next
            .into_iter()
            .flatten()
            .filter(|edge| *edge > age)
            .min()?;
        Some(UnixTime::from_nanos(begun.as_nanos().saturating_add(next)))
    }
}

/// Periods of other bounds.
///
/// Where several are open, the highest minimum and the highest maximum of theirs hold. In civil
/// time, which is what opening hours mean; a function of the time alone, so that a clock that is set
/// back is no harm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Schedule {
    periods: Vec<Period>,
}

impl Schedule {
    /// These periods.
    #[must_use]
    pub fn new(periods: impl IntoIterator<Item = Period>) -> Self {
        Self {
            periods: periods.into_iter().collect(),
        }
    }

    /// The bounds at a time: those of the periods that are open, or these; and what warms up for one
    /// that is about to begin. O(periods).
    #[must_use]
    pub fn bounds_at(&self, now: UnixTime, otherwise: Bounds) -> Bounds {
        let mut open: Option<Bounds> = None;
        let mut ahead: Option<Bounds> = None;
        for period in &self.periods {
            let Some((_, age)) = period.since(now) else {
                continue;
            };
            if age < period.warming() {
                ahead = Some(ahead.map_or(period.bounds, |all| all.higher(period.bounds)));
            } else if age - period.warming() < nanos(period.length) {
                open = Some(open.map_or(period.bounds, |all| all.higher(period.bounds)));
            }
        }
        let bounds = open.unwrap_or(otherwise);
        ahead.map_or(bounds, |ahead| bounds.raised_to(ahead))
    }

    /// When the bounds may change next, after `now`; `None` for never. O(periods).
    #[must_use]
    pub fn next_change(&self, now: UnixTime) -> Option<UnixTime> {
        let changes = self.periods.iter().filter_map(|p| p.next_change(now));
        changes.min()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.periods.is_empty()
    }
}

/// What a point in time is made of.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    start: UnixTime,
    length: Duration,
    bounds: Bounds,
    every: Option<Duration>,
    #[serde(default)]
    pre_warm: Duration,
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for Period {
    type Error = ConfigError;

    fn try_from(raw: Unchecked) -> Result<Self, ConfigError> {
        let period = Self::new(raw.start, raw.length, raw.bounds)?.pre_warm(raw.pre_warm)?;
        match raw.every {
            Some(every) => period.every(every),
            None => Ok(period),
        }
    }
}
