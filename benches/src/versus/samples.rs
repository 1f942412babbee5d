//! What the rounds of a row yielded, and the statistics of it.
//!
//! A contender's own figure is the median of its batches (and the 20th percentile, which a noisy
//! neighbour moves less). A **ratio is taken within a round**: both batches ran within a
//! millisecond of each other and share the machine's weather. The ratio of a row is the median of
//! these, and its spread is a distribution-free 95 % confidence interval of that median: for
//! ordered values the number below the true median is binomial(n, 1/2), so that two order
//! statistics enclose it whatever the distribution looks like (David & Nagaraja, *Order
//! Statistics*, 3rd ed., section 7.1). The interval takes rounds as independent; they nearly are.

use super::contest::Role;

/// One contender's value in each round; `None` where the batch was discarded.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    name: String,
    role: Role,
    values: Vec<Option<f64>>,
}

impl Series {
    /// A contender's values, by round.
    #[must_use]
    pub fn new(name: String, role: Role, values: Vec<Option<f64>>) -> Self {
        Self { name, role, values }
    }

    /// The contender's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// On whose behalf it ran.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The median of the kept values; `None` when all were discarded.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        median(self.kept())
    }

    /// The median with its interval, for figures that stand by themselves; `None` when all values
    /// were discarded.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_benches::versus::{Role, Series};
    ///
    /// let values = (1_u8..=9).map(|value| Some(f64::from(value)));
    /// let estimate = Series::new("ours".to_owned(), Role::Ours, values.collect()).estimate().expect("nine values");
    /// assert_eq!((estimate.low, estimate.median, estimate.high), (2.0, 5.0, 8.0));
    /// ```
    #[must_use]
    pub fn estimate(&self) -> Option<Estimate> {
        Estimate::of(self.kept())
    }

    /// The value that a fifth of the kept ones stay below; `None` when all were discarded.
    #[must_use]
    pub fn percentile_20(&self) -> Option<f64> {
        let sorted = sorted(self.kept());
        sorted.get(sorted.len() / 5).copied()
    }

    /// How many batches were discarded.
    #[must_use]
    pub fn discarded(&self) -> usize {
        self.values.iter().filter(|value| value.is_none()).count()
    }

    fn kept(&self) -> impl Iterator<Item = f64> {
        self.values.iter().copied().flatten()
    }
}

/// A median over the rounds (of a value, or of the ratio of two), with the interval that holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The median of what the rounds yielded.
    pub median: f64,
    /// The lower end of its 95 % confidence interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Estimate {
    /// Of these values; `None` of nothing. O(n log n).
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values = sorted(values);
        let (low, high) = median_interval(values.len())?;
        Some(Self {
            median: median_of_sorted(&values)?,
            low: values[low],
            high: values[high],
        })
    }
}

/// All contenders' values of a row.
///
/// The [harness](super::harness) makes them from time; an area whose measure is not time (a hit
/// ratio, moved keys) makes them itself, one value a seed or a trace.
///
/// # Examples
///
/// ```
/// use purlin_benches::versus::{Role, Samples, Series};
///
/// let hit_ratio = |name: &str, role, values: [f64; 3]| Series::new(name.to_owned(), role, values.map(Some).to_vec());
/// let samples = Samples::new(vec![
///     hit_ratio("ours", Role::Ours, [0.50, 0.40, 0.61]),
///     hit_ratio("rival", Role::Rival, [0.40, 0.40, 0.50]),
/// ]);
/// let ratio = samples.ratio_to("rival").expect("three rounds to compare");
/// assert_eq!(ratio.median, 0.61 / 0.50);
/// // Three values enclose a median in no 95 % interval: the extremes are given.
/// assert_eq!((ratio.low, ratio.high), (1.0, 1.25));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    series: Vec<Series>,
}

impl Samples {
    /// The series of all contenders, over the same rounds.
    ///
    /// # Panics
    ///
    /// When not exactly one of them is ours, or when they differ in length.
    #[must_use]
    pub fn new(series: Vec<Series>) -> Self {
        let ours = series
            .iter()
            .filter(|series| series.role == Role::Ours)
            .count();
        assert_eq!(ours, 1, "exactly one series is ours");
        let rounds = series[0].values.len();
        assert!(
            series.iter().all(|series| series.values.len() == rounds),
            "all series have the same rounds"
        );
        Self { series }
    }

    /// All series, in the order the contenders entered.
    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// Our own.
    #[must_use]
    pub fn ours(&self) -> &Series {
        let ours = self.series.iter().find(|series| series.role == Role::Ours);
        ours.unwrap_or_else(|| unreachable!("checked by Samples::new"))
    }

    /// The series of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.name == name)
    }

    /// How many rounds there were.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.series[0].values.len()
    }

    /// How many batches were discarded, over all contenders.
    #[must_use]
    pub fn discarded(&self) -> usize {
        self.series.iter().map(Series::discarded).sum()
    }

    /// Ours over the contender `name`, pairwise per round. `None` when there is no such contender
    /// or no round in which both were kept.
    #[must_use]
    pub fn ratio_to(&self, name: &str) -> Option<Estimate> {
        let other = self.named(name)?;
        let pairs = self.ours().values.iter().zip(&other.values);
        Estimate::of(pairs.filter_map(|(ours, other)| Some((*ours)? / (*other)?)))
    }

    /// The same, every value in another unit.
    #[must_use]
    pub(crate) fn convert(self, to: fn(f64) -> f64) -> Self {
        let series = self.series.into_iter().map(|series| Series {
            values: series
                .values
                .into_iter()
                .map(|value| value.map(to))
                .collect(),
            ..series
        });
        Self {
            series: series.collect(),
        }
    }
}

/// The median; `None` of nothing. O(n log n).
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    median_of_sorted(&sorted(values))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn median_of_sorted(values: &[f64]) -> Option<f64> {
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// The ranks (from 0) of the order statistics that enclose the median of `n` values with at least
/// 95 % confidence: the largest `r` with P(binomial(n, 1/2) <= r - 1) <= 2.5 %, and its mirror
/// image. Below 6 values no pair does; the extremes are returned.
fn median_interval(n: usize) -> Option<(usize, usize)> {
    let last = n.checked_sub(1)?;
    // log2 of the binomial probabilities, so that 2^-n cannot underflow before the sum has grown.
    let mut log_probability = -(n as f64);
    let mut below = 0.0;
    let mut rank = 0;
    while rank < n / 2 {
        below += log_probability.exp2();
        if below > 0.025 {
            break;
        }
        rank += 1;
        log_probability += ((n - rank + 1) as f64 / rank as f64).log2();
    }
    // The lower end is the `rank`-th smallest, at the index one below; where no rank is safe, the
    // smallest has to do.
    let low = rank.saturating_sub(1);
    Some((low, last - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, role: Role, values: &[Option<f64>]) -> Series {
        Series::new(name.to_owned(), role, values.to_vec())
    }

    #[test]
    fn interval_ranks_are_those_of_exact_binomial_sums() {
        // Ranks from 1 of the lower end, computed with whole numbers: the sum of n over k below it,
        // times 1000, is at most 25 x 2^n.
        for (n, lower) in [
            (6, 1),
            (8, 1),
            (9, 2),
            (10, 2),
            (15, 4),
            (20, 6),
            (25, 8),
            (30, 10),
            (50, 18),
            (100, 40),
        ] {
            assert_eq!(median_interval(n), Some((lower - 1, n - lower)), "n = {n}");
        }
        assert_eq!(median_interval(0), None);
        assert_eq!(median_interval(1), Some((0, 0)));
        assert_eq!(median_interval(5), Some((0, 4)));
    }

    #[test]
    fn interval_of_many_values_follows_the_normal_law() {
        for n in [1_000_usize, 10_000, 100_000] {
            let (low, high) = median_interval(n).expect("n > 0");
            let expected = n as f64 / 2.0 - 1.96 * (n as f64).sqrt() / 2.0;
            assert!(
                (low as f64 - expected).abs() <= 2.0,
                "n = {n}: {low}, expected about {expected}"
            );
            assert_eq!(low + high, n - 1);
        }
    }

    #[test]
    fn a_discarded_batch_takes_its_round_out_of_the_ratio_only() {
        let ours = series("ours", Role::Ours, &[Some(2.0), None, Some(6.0), Some(8.0)]);
        let rival = series(
            "rival",
            Role::Rival,
            &[Some(1.0), Some(100.0), Some(2.0), None],
        );
        let samples = Samples::new(vec![ours, rival]);
        assert_eq!(
            samples.ratio_to("rival").map(|ratio| ratio.median),
            Some(2.5)
        );
        assert_eq!(samples.ours().median(), Some(6.0));
        assert_eq!(samples.discarded(), 2);
        assert_eq!(samples.ratio_to("nobody"), None);
    }

    #[test]
    fn nothing_is_claimed_when_every_batch_was_discarded() {
        let samples = Samples::new(vec![
            series("ours", Role::Ours, &[None]),
            series("r", Role::Rival, &[Some(1.0)]),
        ]);
        assert_eq!(samples.ours().median(), None);
        assert_eq!(samples.ratio_to("r"), None);
    }

    #[test]
    fn percentile_20_leaves_a_fifth_below() {
        let values: Vec<_> = (0..10).rev().map(|value| Some(f64::from(value))).collect();
        assert_eq!(series("s", Role::Ours, &values).percentile_20(), Some(2.0));
    }
}
