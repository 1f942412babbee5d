//! The interleaved-batch harness.
//!
//! Two programs timed one after the other on a shared machine are compared with each other's
//! weather. Here all contenders of a row run in one process, in short batches, turn by turn:
//!
//! 1. **Calibrate**: for each contender, how many operations last one batch (200 us by default).
//! 2. **Rounds**: in every round each contender runs one batch. The order is shuffled anew each
//!    round from the seed, so that nobody always follows the same neighbour and inherits its caches
//!    and its branch history.
//! 3. **Discard**: a batch during which the thread was switched out against its will measures the
//!    scheduler. The involuntary context switches of this thread are read around every batch
//!    (`getrusage(RUSAGE_THREAD)`, Linux), and a batch that saw one is discarded. What the counter
//!    cannot see (a hypervisor that took the processor away, and any other system than Linux) is
//!    caught after the run: a batch over five times its contender's median is discarded too. Both
//!    are counted and shown. Where one operation takes longer than a time slice of the scheduler (a
//!    whole simulation), no batch is ever left alone: then the switches are not looked at, for no
//!    contender of the row.
//! 4. **Compare**: within a round, not across rounds; see [`Samples`].

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

use purlin_core::random::{RandomExt, SplitMix64};

use super::contest::{Contender, Contest};
use super::samples::{Samples, Series, median};

/// A batch this many times longer than its contender's median did not measure the contender.
const OUTLIER: f64 = 5.0;

/// A batch longer than this, a few time slices of a scheduler, is switched out every time on a
/// machine that has other work too.
const UNDISTURBED_MAX: Duration = Duration::from_millis(10);

/// A kernel that is still not measurable at so many iterations ignores their number.
const ITERATIONS_MAX: u64 = 1 << 40;

/// How long to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// How many rounds to run; every contender runs one batch in each.
    pub rounds: usize,
    /// How long one batch should last. Long enough that reading the clock is nothing, short enough
    /// that few are interrupted.
    pub batch: Duration,
    /// Rounds are cut (never below [`Effort::ROUNDS_MIN`]) so that all of them together last about
    /// this long: an operation of many milliseconds fills a batch on its own.
    pub limit: Duration,
}

impl Effort {
    /// The least number of rounds: below it the interval around a median is too wide to judge
    /// anything.
    pub const ROUNDS_MIN: usize = 15;
    /// For `lab versus`: some hundreds of rounds.
    pub const VERSUS: Self = Self {
        rounds: 301,
        batch: Duration::from_micros(200),
        limit: Duration::from_secs(20),
    };
    /// For a tour: enough for two digits.
    pub const TOUR: Self = Self {
        rounds: 151,
        batch: Duration::from_micros(150),
        limit: Duration::from_secs(2),
    };

    fn rounds_for(&self, round: Duration) -> usize {
        let affordable = self.limit.as_nanos() / round.as_nanos().max(1);
        let affordable = usize::try_from(affordable).unwrap_or(usize::MAX);
        self.rounds.min(affordable.max(Self::ROUNDS_MIN))
    }
}

/// Times all contenders of `contest`, interleaved. Values are nanoseconds per operation.
///
/// Takes about `rounds` x `batch` x the number of contenders. The results depend on the machine;
/// the order of the batches depends on `seed` alone.
///
/// # Examples
///
/// ```
/// use purlin_benches::versus::{Contest, harness::{self, Effort}};
///
/// let mut contest = Contest::over((0_u64..1024).collect()).ours("double", |x| x * 2).build();
/// let samples = harness::run(&mut contest, Effort::TOUR, 1);
/// assert!(samples.ours().median().expect("some batch was left alone") > 0.0);
/// ```
#[must_use]
pub fn run(contest: &mut Contest, effort: Effort, seed: u64) -> Samples {
    Samples::new(interleave(contest.contenders_mut(), effort, seed))
}

/// Times any contenders, interleaved: what a table compares should be measured side by side, also
/// where nobody is a rival.
///
/// The same as [`run`], over contenders that need not have the same input.
#[must_use]
pub fn interleave(contenders: &mut [Contender], effort: Effort, seed: u64) -> Vec<Series> {
    let plans: Vec<Plan> = contenders
        .iter_mut()
        .map(|contender| Plan::calibrate(contender, effort.batch))
        .collect();
    let rounds = effort.rounds_for(plans.iter().map(|plan| plan.expected).sum());

    // One rule for all: to filter one contender's batches and not another's would be a bias.
    let short = plans.iter().all(|plan| plan.expected <= UNDISTURBED_MAX);

    let mut values = vec![Vec::with_capacity(rounds); contenders.len()];
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    let mut random = SplitMix64::new(seed);
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for &index in &order {
            let (value, disturbed) = batch(&mut contenders[index], plans[index].iterations);
            values[index].push((!(short && disturbed)).then_some(value));
        }
    }
    let contenders = contenders.iter().zip(values);
    let series = contenders.map(|(contender, values)| {
        Series::new(
            contender.name.clone(),
            contender.role,
            without_outliers(values),
        )
    });
    series.collect()
}

/// How many operations make a batch of one contender, and how long that should take.
#[derive(Debug, Clone, Copy)]
struct Plan {
    iterations: u64,
    expected: Duration,
}

impl Plan {
    /// Doubles the batch until it lasts a quarter of `target`, then scales up. Doubles as the
    /// warm-up.
    fn calibrate(contender: &mut Contender, target: Duration) -> Self {
        let mut iterations = 1_u64;
        loop {
            // The best of three: one interrupted run would otherwise cut every later batch short.
            let fastest = (0..3)
                .map(|_| time(contender, iterations))
                .min()
                .unwrap_or_default();
            if fastest * 4 >= target {
                let scale = target.as_secs_f64() / fastest.as_secs_f64();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "0 < scale <= 4, times a count of operations"
                )]
                let iterations = ((iterations as f64 * scale) as u64).max(1);
                return Self {
                    iterations,
                    expected: fastest.mul_f64(scale.max(1.0)),
                };
            }
            if iterations >= ITERATIONS_MAX {
                return Self {
                    iterations,
                    expected: fastest,
                };
            }
            iterations *= 2;
        }
    }
}

/// One batch: nanoseconds per operation, and whether the thread was switched out against its will
/// meanwhile.
fn batch(contender: &mut Contender, iterations: u64) -> (f64, bool) {
    let switches = involuntary_switches();
    let elapsed = time(contender, iterations);
    let disturbed = involuntary_switches() != switches;
    (elapsed.as_nanos() as f64 / iterations as f64, disturbed)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the harness measures real time, and must not measure it with what it measures"
)]
fn time(contender: &mut Contender, iterations: u64) -> Duration {
    let start = Instant::now();
    black_box((contender.kernel)(black_box(iterations)));
    start.elapsed()
}

pub(super) fn without_outliers(mut values: Vec<Option<f64>>) -> Vec<Option<f64>> {
    let Some(median) = median(values.iter().copied().flatten()) else {
        return values;
    };
    for value in &mut values {
        *value = value.filter(|value| *value <= OUTLIER * median);
    }
    values
}

/// How often this thread was switched out against its will so far.
#[cfg(target_os = "linux")]
pub(crate) fn involuntary_switches() -> i64 {
    use nix::sys::resource::{UsageWho, getrusage};
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.involuntary_context_switches())
}

/// No such counter here: the outlier rule has to do alone.
#[cfg(not(target_os = "linux"))]
pub(crate) fn involuntary_switches() -> i64 {
    0
}

#[cfg(test)]
mod tests;
