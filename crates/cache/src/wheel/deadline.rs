use core::time::Duration;
use purlin_core::time::Instant;

#[cfg(not(target_has_atomic = "64"))]
use core::cell::Cell;
#[cfg(all(target_has_atomic = "64", not(purlin_loom)))]
use core::sync::atomic::{AtomicU64, Ordering};
#[cfg(all(target_has_atomic = "64", purlin_loom))]
use loom::sync::atomic::{AtomicU64, Ordering};

/// An instant in one word that many threads may read and put off at once.
///
/// Where there are no 64-bit atomics it is a cell, and what holds it is not `Sync`.
//
// ORDERING: relaxed throughout. The word stands for nothing but itself: what it is the deadline of is guarded
// by the lock of whoever owns the wheel.
#[derive(Debug)]
pub(crate) struct Deadline(Word);

#[cfg(target_has_atomic = "64")]
type Word = AtomicU64;
#[cfg(not(target_has_atomic = "64"))]
type Word = Cell<u64>;

/// What a deadline becomes once somebody was told that it has passed: no clock is before it.
const PASSED: u64 = Instant::ORIGIN.as_nanos();
const NEVER: u64 = Instant::MAX.as_nanos();

impl Deadline {
    pub(crate) fn never() -> Self {
        Self(Word::new(NEVER))
    }

    #[inline]
    pub(crate) fn get(&self) -> Instant {
        Instant::from_nanos(self.load())
    }

    pub(crate) fn set(&mut self, deadline: Instant) {
        self.store(deadline.as_nanos());
    }

    /// Whether it has been reached. Once that was so it stays so, whatever the clock says then.
    #[inline]
    pub(crate) fn has_passed(&self, now: Instant) -> bool {
        let mut seen = self.load();
        loop {
            if now.as_nanos() < seen || seen == NEVER {
                return false;
            }
            if seen == PASSED {
                return true;
            }
            // Somebody may put it off at this moment. Either they are first, and it has not passed after
            // all, or we are, and they come too late.
            match self.exchange(seen, PASSED) {
                Ok(()) => return true,
                Err(actual) => seen = actual,
            }
        }
    }

    /// Moves it to a later instant. Nothing changes where that gains no more than `slack`, nor once it has
    /// passed. False if `to` is earlier.
    #[inline]
    pub(crate) fn postpone(&self, to: Instant, slack: Duration) -> bool {
        let mut seen = self.load();
        loop {
            if seen == PASSED {
                return true;
            }
            let present = Instant::from_nanos(seen);
            if to <= present + slack {
                return to >= present;
            }
            match self.exchange(seen, to.as_nanos()) {
                Ok(()) => return true,
                Err(actual) => seen = actual,
            }
        }
    }
}

#[cfg(target_has_atomic = "64")]
impl Deadline {
    #[inline]
    fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn store(&self, nanos: u64) {
        self.0.store(nanos, Ordering::Relaxed);
    }

    fn exchange(&self, from: u64, to: u64) -> Result<(), u64> {
        self.0
            .compare_exchange_weak(from, to, Ordering::Relaxed, Ordering::Relaxed)
            .map(|_| ())
    }
}

#[cfg(not(target_has_atomic = "64"))]
impl Deadline {
    #[inline]
    fn load(&self) -> u64 {
        self.0.get()
    }

    fn store(&self, nanos: u64) {
        self.0.set(nanos);
    }

    fn exchange(&self, from: u64, to: u64) -> Result<(), u64> {
        debug_assert_eq!(self.0.get(), from, "nobody else is here");
        self.0.set(to);
        Ok(())
    }
}
