use super::{Clock, Instant, Timer, UnixTime, WallClock};
use crate::sync::{Arc, AtomicU64, Mutex, MutexGuard, Ordering};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::PoisonError;

/// A clock that stands still until told otherwise. For tests and simulations.
///
/// Clones share the time. Reading is one atomic load; [`advance`](Self::advance) and
/// [`set`](Self::set) wake the [`sleep_until`](Timer::sleep_until) futures whose deadline is
/// reached. Any thread may call anything at any time.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::time::{Clock, Instant, ManualClock, UnixTime, WallClock};
///
/// let clock = ManualClock::new();
/// let shared = clock.clone();
/// clock.advance(Duration::from_millis(30));
/// assert_eq!(shared.now(), Instant::from_millis(30));
///
/// // Civil time follows, and can be stepped on its own.
/// clock.set_unix_now(UnixTime::from_secs(1_000));
/// clock.advance(Duration::from_secs(1));
/// assert_eq!(clock.unix_now(), UnixTime::from_secs(1_001));
/// assert_eq!(clock.now(), Instant::from_millis(1_030));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    now: AtomicU64,
    rest: Mutex<Rest>,
}

#[derive(Debug, Default)]
struct Rest {
    /// Civil time minus `now` in nanoseconds: wide, so that the sum saturates at either end
    /// instead of wrapping.
    unix_offset: i128,
    /// Sleepers by deadline, then by the order of first poll.
    waiting: BTreeMap<(Instant, u64), Waker>,
    next_id: u64,
}

impl ManualClock {
    /// A clock at [`Instant::ORIGIN`] and [`UnixTime::EPOCH`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves time forward and wakes whoever has waited for it. Of several threads that do so at
    /// once, every step counts.
    pub fn advance(&self, by: Duration) {
        let later = |now| Instant::from_nanos(now) + by;
        let step = |now| Some(later(now).as_nanos());
        // ORDERING: as in `set`.
        let before = self
            .0
            .now
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, step);
        self.wake_due(later(before.unwrap_or_else(|before| before)));
    }

    /// Sets the time, backwards too: consumers must bear that, and this is how their tests make
    /// sure.
    pub fn set(&self, now: Instant) {
        // ORDERING: a sleeper checks `now` under the lock that is taken below, so it sees this
        // store or is found there.
        self.0.now.store(now.as_nanos(), Ordering::Release);
        self.wake_due(now);
    }

    fn wake_due(&self, now: Instant) {
        let due: Vec<Waker> = {
            let mut rest = self.0.rest();
            let later = rest.waiting.split_off(&(now, u64::MAX));
            core::mem::replace(&mut rest.waiting, later)
                .into_values()
                .collect()
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// Steps civil time, as an operator or NTP would; [`now`](Clock::now) does not move.
    pub fn set_unix_now(&self, time: UnixTime) {
        let offset = i128::from(time.as_nanos()) - i128::from(self.now().as_nanos());
        self.0.rest().unix_offset = offset;
    }

    /// The earliest deadline somebody waits for, so that a test can advance exactly to it.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let rest = self.0.rest();
        rest.waiting.keys().next().map(|(deadline, _)| *deadline)
    }
}

impl Shared {
    fn rest(&self) -> MutexGuard<'_, Rest> {
        // Nothing that can panic runs under the lock, so a poisoned map is whole.
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    #[inline]
    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.now.load(Ordering::Acquire))
    }
}

impl WallClock for ManualClock {
    fn unix_now(&self) -> UnixTime {
        let offset = self.0.rest().unix_offset;
        let nanos = (i128::from(self.now().as_nanos()) + offset).clamp(0, i128::from(u64::MAX));
        UnixTime::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Timer for ManualClock {
    type Sleep = ManualSleep;

    fn sleep_until(&self, deadline: Instant) -> ManualSleep {
        ManualSleep {
            clock: self.clone(),
            deadline,
            id: None,
        }
    }
}

/// Completes when its [`ManualClock`] reaches the deadline. Made by [`Timer::sleep_until`].
#[derive(Debug)]
#[must_use = "a sleep does nothing until polled"]
pub struct ManualSleep {
    clock: ManualClock,
    deadline: Instant,
    id: Option<u64>,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        // Wakers are cloned and dropped outside the lock: either may run foreign code that comes
        // back to this clock.
        let waker = cx.waker().clone();
        let mut rest = this.clock.0.rest();
        if this.clock.now() >= this.deadline {
            drop(rest);
            this.forget();
            return Poll::Ready(());
        }
        let id = *this.id.get_or_insert_with(|| {
            rest.next_id += 1;
            rest.next_id
        });
        let replaced = rest.waiting.insert((this.deadline, id), waker);
        drop(rest);
        drop(replaced);
        Poll::Pending
    }
}

impl ManualSleep {
    /// Takes the waker out of the clock's list.
    fn forget(&mut self) {
        if let Some(id) = self.id.take() {
            let mut rest = self.clock.0.rest();
            let waker = rest.waiting.remove(&(self.deadline, id));
            drop(rest);
            drop(waker);
        }
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        self.forget();
    }
}
