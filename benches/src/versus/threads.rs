//! Two threads at one thing: what an operation costs when somebody else asks as well.
//!
//! As in the [harness](super::harness), contenders take turns in short batches, and values are
//! compared within a round. A batch is a span of time here, not a number of operations: both threads
//! begin at the same moment and work until the same deadline, whoever is faster, so that neither
//! ever runs alone. The value is the time per operation of both together: of two threads that do not
//! hinder each other it is half of what one alone takes.
//!
//! A batch is discarded when either thread was switched out against its will, or when the two
//! overlapped for less than [`OVERLAP_MIN`] of it, or when it is an outlier. On a busy machine with
//! few cores that is most of them: rounds go on until enough are left, or time is up.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::thread;

use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_core::time::{Clock as _, Instant, SystemClock};

use super::contest::{Role, over_inputs};
use super::harness::{involuntary_switches, without_outliers};
use super::samples::{Samples, Series};
use crate::settings::Settings;

/// How much of a batch both threads must have been at work.
pub const OVERLAP_MIN: f64 = 0.85;

/// Enough rounds for an interval of a percent or two.
const ROUNDS: usize = 301;

/// So long a row may take until it has them.
const LIMIT: Duration = Duration::from_secs(10);

/// The same where it is only to be seen that it runs.
const FAST_ROUNDS: usize = 21;
const FAST_LIMIT: Duration = Duration::from_secs(1);

const BATCH: Duration = Duration::from_micros(400);

/// How many operations pass between two looks at the clock.
const CHUNK: u64 = 256;

/// Runs so many operations on behalf of one of the two threads.
type Kernel = Box<dyn Fn(usize, u64) + Send + Sync>;

struct Entrant {
    name: String,
    role: Role,
    kernel: Kernel,
}

/// Contenders for the same work, which two threads do at once.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::{AtomicU64, Ordering};
/// use purlin_benches::versus::Together;
///
/// let (ours, other) = (AtomicU64::new(0), AtomicU64::new(0));
/// let samples = Together::over([vec![1_u64; 512], vec![1; 512]])
///     .ours("add", move |n| ours.fetch_add(*n, Ordering::Relaxed))
///     .rival("add twice", move |n| {
///         other.fetch_add(*n, Ordering::Relaxed) + other.fetch_add(*n, Ordering::Relaxed)
///     })
///     .measure_rounds(42, 5);
/// assert!(samples.rounds() >= 5);
/// ```
pub struct Together<I> {
    inputs: [Arc<[I]>; 2],
    entrants: Vec<Entrant>,
    batch: Duration,
}

impl<I: Send + Sync + 'static> Together<I> {
    /// Starts a contest over these inputs, a list a thread.
    ///
    /// # Panics
    ///
    /// When a list is empty.
    #[must_use]
    pub fn over(inputs: [Vec<I>; 2]) -> Self {
        assert!(
            inputs.iter().all(|inputs| !inputs.is_empty()),
            "each thread needs an input"
        );
        Self {
            inputs: inputs.map(Into::into),
            entrants: Vec::new(),
            batch: BATCH,
        }
    }

    /// In batches that last so long, for work that reads from more than the caches hold; see
    /// [`Row::in_batches_of`](super::Row::in_batches_of).
    #[must_use]
    pub fn in_batches_of(self, batch: Duration) -> Self {
        Self { batch, ..self }
    }

    /// Enters our implementation.
    #[must_use]
    pub fn ours<O>(self, name: &str, operation: impl Fn(&I) -> O + Send + Sync + 'static) -> Self {
        self.enter(Role::Ours, name, operation)
    }

    /// Enters another crate's.
    #[must_use]
    pub fn rival<O>(self, name: &str, operation: impl Fn(&I) -> O + Send + Sync + 'static) -> Self {
        self.enter(Role::Rival, name, operation)
    }

    /// Enters the physical floor.
    #[must_use]
    pub fn floor<O>(self, name: &str, operation: impl Fn(&I) -> O + Send + Sync + 'static) -> Self {
        self.enter(Role::Floor, name, operation)
    }

    /// Enters an implementation on whosever behalf.
    #[must_use]
    pub fn enter<O>(
        mut self,
        role: Role,
        name: &str,
        operation: impl Fn(&I) -> O + Send + Sync + 'static,
    ) -> Self {
        let inputs = self.inputs.clone();
        // Each thread goes on where it stopped; a lock that nobody else takes, once a chunk.
        let positions = [Mutex::new(0), Mutex::new(0)];
        let kernel = move |thread: usize, iterations: u64| {
            let mut position = positions[thread]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let mut operation = |input: &I| operation(input);
            *position = over_inputs(&inputs[thread], *position, iterations, &mut operation);
        };
        self.entrants.push(Entrant {
            name: name.to_owned(),
            role,
            kernel: Box::new(kernel),
        });
        self
    }

    /// Runs them all. Values are nanoseconds per operation of both threads together.
    ///
    /// # Panics
    ///
    /// When not exactly one contender is ours.
    #[must_use]
    pub fn measure(self, settings: &Settings) -> Samples {
        let (rounds, limit) = if settings.fast {
            (FAST_ROUNDS, FAST_LIMIT)
        } else {
            (ROUNDS, LIMIT)
        };
        self.run(settings.seed, rounds, limit)
    }

    /// The same with so many rounds.
    ///
    /// # Panics
    ///
    /// As [`measure`](Self::measure).
    #[must_use]
    pub fn measure_rounds(self, seed: u64, rounds: usize) -> Samples {
        self.run(seed, rounds, LIMIT)
    }

    fn run(self, seed: u64, rounds: usize, limit: Duration) -> Samples {
        let entrants = &self.entrants[..];
        let gate = Gate {
            batch: self.batch,
            ..Gate::default()
        };
        let values = thread::scope(|scope| {
            scope.spawn(|| gate.serve(entrants));
            // Also when something panics: the other thread must not wait for ever.
            let _close = Close(&gate);
            lead(&gate, entrants, seed, rounds, limit)
        });
        let series = self.entrants.into_iter().zip(values);
        let series = series.map(|(entrant, values)| {
            Series::new(entrant.name, entrant.role, without_outliers(values))
        });
        Samples::new(series.collect())
    }
}

impl<I> core::fmt::Debug for Together<I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = self.entrants.iter().map(|entrant| &entrant.name);
        f.debug_list().entries(names).finish()
    }
}

/// The values of every entrant, by round.
fn lead(
    gate: &Gate,
    entrants: &[Entrant],
    seed: u64,
    rounds: usize,
    limit: Duration,
) -> Vec<Vec<Option<f64>>> {
    let clock = SystemClock::new();
    let mut random = SplitMix64::new(seed);
    let mut order: Vec<usize> = (0..entrants.len()).collect();
    let mut values = vec![Vec::with_capacity(rounds); entrants.len()];
    // Warms up, and is not kept.
    for index in 0..entrants.len() {
        gate.batch(entrants, index, &clock);
    }
    let (start, mut kept) = (clock.now(), 0);
    while kept < rounds && values[0].len() < 20 * rounds {
        random.shuffle(&mut order);
        for &index in &order {
            let value = gate.batch(entrants, index, &clock);
            values[index].push(value);
        }
        let whole = values
            .iter()
            .all(|values| matches!(values.last(), Some(Some(_))));
        kept += usize::from(whole);
        if clock.now().saturating_duration_since(start) > limit {
            break;
        }
    }
    values
}

/// What one thread did in a batch.
#[derive(Debug, Clone, Copy)]
struct Stint {
    start: Instant,
    end: Instant,
    operations: u64,
    disturbed: bool,
}

impl Stint {
    fn run(entrant: &Entrant, thread: usize, deadline: Instant, clock: &SystemClock) -> Self {
        let switches = involuntary_switches();
        let start = clock.now();
        let (mut end, mut operations) = (start, 0);
        // Once at least: who comes too late is discarded by its overlap, not by a rate of nothing.
        while operations == 0 || end < deadline {
            (entrant.kernel)(thread, CHUNK);
            operations += CHUNK;
            end = clock.now();
        }
        Self {
            start,
            end,
            operations,
            disturbed: involuntary_switches() != switches,
        }
    }

    /// Operations a nanosecond.
    fn rate(&self) -> f64 {
        self.operations as f64 / self.end.saturating_duration_since(self.start).as_nanos() as f64
    }
}

/// Nanoseconds per operation of both; `None` when they were not left alone, or not together.
fn value(stints: [Stint; 2]) -> Option<f64> {
    let [a, b] = stints;
    let both = a
        .end
        .min(b.end)
        .saturating_duration_since(a.start.max(b.start));
    let all = a
        .end
        .max(b.end)
        .saturating_duration_since(a.start.min(b.start));
    let together = both.as_secs_f64() >= OVERLAP_MIN * all.as_secs_f64();
    (together && !a.disturbed && !b.disturbed).then(|| 1.0 / (a.rate() + b.rate()))
}

/// Where the second thread waits for work. It spins: a thread that sleeps starts late.
#[derive(Debug, Default)]
struct Gate {
    batch: Duration,
    /// Counts the batches; written last.
    announced: AtomicU64,
    ready: AtomicU64,
    started: AtomicU64,
    finished: AtomicU64,
    closed: AtomicBool,
    index: AtomicUsize,
    deadline: AtomicU64,
    stint: Mutex<Option<Stint>>,
}

impl Gate {
    /// One batch of both threads, seen from the first.
    fn batch(&self, entrants: &[Entrant], index: usize, clock: &SystemClock) -> Option<f64> {
        let number = self.announced.load(Ordering::Relaxed) + 1;
        self.index.store(index, Ordering::Relaxed);
        self.announced.store(number, Ordering::Release);
        // The time begins when the other one is there, however late it got its core.
        spin_until(|| self.ready.load(Ordering::Acquire) == number);
        let deadline = clock.now() + self.batch;
        self.deadline.store(deadline.as_nanos(), Ordering::Relaxed);
        self.started.store(number, Ordering::Release);
        let mine = Stint::run(&entrants[index], 0, deadline, clock);
        spin_until(|| self.finished.load(Ordering::Acquire) == number);
        let other = self.stint().take()?;
        value([mine, other])
    }

    /// What the second thread does.
    fn serve(&self, entrants: &[Entrant]) {
        let clock = SystemClock::new();
        let mut number = 0;
        loop {
            spin_until(|| {
                self.announced.load(Ordering::Acquire) > number
                    || self.closed.load(Ordering::Acquire)
            });
            if self.closed.load(Ordering::Acquire) {
                return;
            }
            number += 1;
            let index = self.index.load(Ordering::Relaxed);
            self.ready.store(number, Ordering::Release);
            spin_until(|| self.started.load(Ordering::Acquire) == number);
            let deadline = Instant::from_nanos(self.deadline.load(Ordering::Relaxed));
            let stint = Stint::run(&entrants[index], 1, deadline, &clock);
            *self.stint() = Some(stint);
            self.finished.store(number, Ordering::Release);
        }
    }

    fn stint(&self) -> std::sync::MutexGuard<'_, Option<Stint>> {
        self.stint.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Close<'a>(&'a Gate);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
    }
}

fn spin_until(condition: impl Fn() -> bool) {
    let mut spins = 0_u32;
    while !condition() {
        spins = spins.wrapping_add(1);
        // Somebody else may need the core that the other thread waits for.
        if spins.is_multiple_of(4096) {
            thread::yield_now();
        }
        core::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stint(start: u64, end: u64, operations: u64, disturbed: bool) -> Stint {
        let [start, end] = [start, end].map(Instant::from_nanos);
        Stint {
            start,
            end,
            operations,
            disturbed,
        }
    }

    #[test]
    fn two_threads_that_do_not_hinder_each_other_take_half_the_time() {
        let alone = stint(0, 1000, 100, false);
        assert_eq!(value([alone, alone]), Some(5.0));
        assert_eq!(value([alone, stint(0, 1000, 300, false)]), Some(2.5));
    }

    #[test]
    fn batches_that_were_not_together_or_not_alone_are_discarded() {
        let alone = stint(0, 1000, 100, false);
        assert_eq!(value([alone, stint(200, 1000, 100, false)]), None);
        assert_eq!(value([stint(0, 1000, 100, true), alone]), None);
        assert!(value([alone, stint(100, 1050, 100, false)]).is_some());
    }

    #[test]
    fn both_threads_work_through_their_own_inputs() {
        let seen: Arc<[AtomicU64; 2]> = Arc::default();
        let count = Arc::clone(&seen);
        let inputs = [vec![0_usize; 3], vec![1; 5]];
        let samples = Together::over(inputs)
            .ours("count", move |thread| {
                count[*thread].fetch_add(1, Ordering::Relaxed)
            })
            .measure_rounds(1, 3);
        assert!(samples.rounds() >= 3);
        assert!(seen.iter().all(|seen| seen.load(Ordering::Relaxed) > 0));
    }
}
