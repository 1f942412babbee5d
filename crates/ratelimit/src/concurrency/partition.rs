use super::limiter::Admission;
use super::{AtLimit, ConcurrencyLimiter, Fixed, LimitAlgorithm, Outcome};
use crate::sync::{Mutex, MutexGuard};
use crate::{Clock, ConfigError, Instant, SystemClock};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use std::sync::PoisonError;

/// One limit among several kinds of callers, each with a share that nobody takes from it.
///
/// As Netflix `AbstractPartitionedLimiter`: while fewer are in flight than the limit, a partition
/// may go beyond its share; at the limit it is admitted up to its share all the same. So a
/// guarantee needs no idle reserve, and its price is that what is in flight can exceed the limit,
/// by no more than all shares together: once a partition has taken what is idle, the others still
/// come. A partition's share is its per cent of the present limit, rounded up.
///
/// A name that is not a partition's has no share: it may use what is idle and is refused at the
/// limit.
///
/// # Concurrency
///
/// Admission and release take a lock for a few instructions, for the account of a partition and
/// that of the whole must agree: a guarantee holds under every interleaving. There is no queue: at
/// its share a partition is refused at once. Finding a partition is linear in their number.
///
/// ```
/// use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed, PartitionedLimiter};
///
/// let limiter = ConcurrencyLimiter::new(Fixed::new(10)?);
/// let limiter = PartitionedLimiter::new(limiter, [("batch", 30), ("live", 70)])?;
///
/// let idle: Vec<_> = (0..10).map(|_| limiter.try_acquire("batch")).collect();
/// assert!(idle.iter().all(Result::is_ok)); // nobody else wants it
/// assert!(limiter.try_acquire("batch").is_err());
/// assert!(limiter.try_acquire("live").is_ok()); // its share
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct PartitionedLimiter<A = Fixed, C = SystemClock> {
    limiter: ConcurrencyLimiter<A, C>,
    partitions: Box<[Partition]>,
    /// What is in flight, by partition, and last that of unknown names. Whoever admits or releases
    /// holds the lock.
    in_flight: Mutex<Box<[u32]>>,
}

#[derive(Debug)]
struct Partition {
    name: String,
    percent: u32,
}

impl<A: LimitAlgorithm, C: Clock> PartitionedLimiter<A, C> {
    /// Divides the limit by names and per cents of it.
    ///
    /// # Errors
    ///
    /// When there is no partition, a name comes twice, a share is zero, or all together are more
    /// than 100.
    pub fn new(
        limiter: ConcurrencyLimiter<A, C>,
        shares: impl IntoIterator<Item = (impl Into<String>, u32)>,
    ) -> Result<Self, ConfigError> {
        let mut partitions = vec![];
        let mut total: u64 = 0;
        for (name, percent) in shares {
            if percent == 0 {
                return Err(ConfigError::Zero { field: "percent" });
            }
            total += u64::from(percent);
            if total > 100 {
                return Err(ConfigError::TooLarge {
                    field: "sum of percents",
                    value: total.into(),
                    max: 100,
                });
            }
            let name = name.into();
            if partitions
                .iter()
                .any(|known: &Partition| known.name == name)
            {
                return Err(ConfigError::OutOfRange {
                    field: "partition name",
                    expected: "unique",
                });
            }
            partitions.push(Partition { name, percent });
        }
        if partitions.is_empty() {
            return Err(ConfigError::Zero {
                field: "number of partitions",
            });
        }
        let in_flight = vec![0; partitions.len() + 1].into_boxed_slice();
        Ok(Self {
            limiter,
            partitions: partitions.into_boxed_slice(),
            in_flight: Mutex::new(in_flight),
        })
    }

    /// A permit for a call of this partition, if there is one at once.
    ///
    /// # Errors
    ///
    /// At the limit, when the partition has its share.
    pub fn try_acquire(&self, name: &str) -> Result<PartitionPermit<'_, A, C>, AtLimit> {
        let partition = self.find(name);
        let in_flight = self.admit(partition)?;
        let started = Instant::ORIGIN;
        let mut permit = PartitionPermit {
            limiter: self,
            partition,
            admission: Admission { started, in_flight },
        };
        // The permit comes first: should the clock panic, it is given back.
        permit.admission.started = self.limiter.start();
        Ok(permit)
    }

    /// How many calls a partition is sure of at the present limit; `None` for an unknown name.
    #[must_use]
    pub fn share(&self, name: &str) -> Option<u32> {
        let partition = self.partitions.get(self.find(name))?;
        Some(partition.share(self.limiter.limit()))
    }

    /// How many calls of a partition are in flight; those of all unknown names go by any of them.
    #[must_use]
    pub fn in_flight(&self, name: &str) -> u32 {
        self.accounts()[self.find(name)]
    }

    /// The limiter that is divided, for its limit, its statistics and its algorithm. Permits taken
    /// from it directly count against the limit and against no partition.
    #[must_use]
    pub fn whole(&self) -> &ConcurrencyLimiter<A, C> {
        &self.limiter
    }

    fn admit(&self, partition: usize) -> Result<u32, AtLimit> {
        let mut accounts = self.accounts();
        let waiters = self.limiter.waiters();
        let admitted = waiters.try_acquire().or_else(|at_limit| {
            let known = self.partitions.get(partition);
            let share = known.map_or(0, |known| known.share(at_limit.limit));
            if accounts[partition] < share {
                Ok(waiters.limit().acquire_beyond_limit())
            } else {
                Err(at_limit)
            }
        });
        accounts[partition] += u32::from(admitted.is_ok());
        admitted
    }

    fn release(&self, partition: usize) {
        let mut accounts = self.accounts();
        accounts[partition] -= 1;
        drop(accounts);
        self.limiter.waiters().release();
    }

    /// Its place, or that of the unknown ones.
    fn find(&self, name: &str) -> usize {
        let known = self.partitions.iter().position(|known| known.name == name);
        known.unwrap_or(self.partitions.len())
    }

    fn accounts(&self) -> MutexGuard<'_, Box<[u32]>> {
        // Nothing that can panic runs under the lock, so poisoned accounts are whole.
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Partition {
    fn share(&self, limit: u32) -> u32 {
        let share = (u64::from(limit) * u64::from(self.percent)).div_ceil(100);
        u32::try_from(share).unwrap_or(limit)
    }
}

/// The right to be in flight, of a [`PartitionedLimiter`]. Given back when dropped, and as
/// [`Permit`](super::Permit) it then teaches nothing.
#[derive(Debug)]
#[must_use = "a permit that is dropped is given back at once"]
pub struct PartitionPermit<'a, A: LimitAlgorithm, C: Clock = SystemClock> {
    limiter: &'a PartitionedLimiter<A, C>,
    partition: usize,
    admission: Admission,
}

impl<A: LimitAlgorithm, C: Clock> PartitionPermit<'_, A, C> {
    /// The call ran its course; its time is a measure of the load.
    pub fn success(self) {
        let whole = &self.limiter.limiter;
        whole.finish(self.admission, Outcome::Success);
    }

    /// The call ended by overload: it timed out, or was refused by the other side.
    pub fn dropped(self) {
        let whole = &self.limiter.limiter;
        whole.finish(self.admission, Outcome::Dropped);
    }

    /// The call says nothing about the load. The same as dropping the permit, in writing.
    pub fn ignore(self) {}
}

impl<A: LimitAlgorithm, C: Clock> Drop for PartitionPermit<'_, A, C> {
    fn drop(&mut self) {
        self.limiter.release(self.partition);
    }
}
