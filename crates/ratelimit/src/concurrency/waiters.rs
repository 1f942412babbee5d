use super::{AtLimit, ConcurrencyLimit};
use crate::sync::{Mutex, MutexGuard};
use alloc::collections::BTreeMap;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::PoisonError;

/// Why a wait for a permit was in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// As many wait already as may. Known at once: nothing was waited for.
    #[error("at the limit, and {max_waiting} wait already")]
    QueueFull {
        /// How many may wait.
        max_waiting: u32,
    },
    /// No permit came in time.
    #[error("no permit within {max_wait:?}")]
    TimedOut {
        /// How long the caller was willing to wait.
        max_wait: Duration,
    },
}

/// A [`ConcurrencyLimit`] with a queue in front, first come first served.
///
/// The word's mark says whether anybody waits. It is set and cleared under the queue's lock only,
/// and while it is set nobody is admitted past the queue. So whoever makes room learns in the same
/// atomic step whether to come here and hand it on, and pays nothing when there is no queue.
#[derive(Debug)]
pub(super) struct Waiters {
    limit: ConcurrencyLimit,
    max_waiting: u32,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// By ticket, which is by arrival. A ticket that is not here was admitted.
    waiting: BTreeMap<u64, Waker>,
    next_ticket: u64,
}

impl Waiters {
    pub(super) fn new(limit: u32, max_waiting: u32) -> Self {
        Self {
            limit: ConcurrencyLimit::new(limit),
            max_waiting,
            queue: Mutex::new(Queue::default()),
        }
    }

    pub(super) fn set_max_waiting(&mut self, max_waiting: u32) {
        self.max_waiting = max_waiting;
    }

    pub(super) fn limit(&self) -> &ConcurrencyLimit {
        &self.limit
    }

    #[inline]
    pub(super) fn try_acquire(&self) -> Result<u32, AtLimit> {
        self.limit.try_acquire()
    }

    /// Gives a place back, to the first who waits if somebody does.
    #[inline]
    pub(super) fn release(&self) {
        if self.limit.release_seeing_waiters() {
            self.admit_waiters();
        }
    }

    /// Admits as many of those who wait as the new limit has room for.
    pub(super) fn set_limit(&self, limit: u32) {
        if self.limit.set_limit_seeing_waiters(limit) {
            self.admit_waiters();
        }
    }

    pub(super) fn acquire(&self) -> Acquire<'_> {
        Acquire {
            waiters: self,
            ticket: None,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue().waiting.len()
    }

    #[cold]
    fn admit_waiters(&self) {
        // One at a time, for a waker is foreign code and must run outside of the lock.
        while let Some(waker) = self.admit_first() {
            waker.wake();
        }
    }

    fn admit_first(&self) -> Option<Waker> {
        let mut queue = self.queue();
        let is_last = queue.waiting.len() == 1;
        let (_, waker) = queue
            .waiting
            .first_entry()
            .filter(|_| self.limit.acquire_for_waiter(is_last))?
            .remove_entry();
        Some(waker)
    }

    fn join(&self, waker: Waker) -> Result<Option<u64>, AcquireError> {
        let mut queue = self.queue();
        if queue.waiting.len() >= self.max_waiting as usize {
            // The bound may be zero: then nobody stands in front, and there may be room.
            let max_waiting = self.max_waiting;
            let admitted = self.limit.try_acquire().map(|_| None);
            return admitted.map_err(|_| AcquireError::QueueFull { max_waiting });
        }
        if self.limit.acquire_or_mark_waiting(queue.waiting.is_empty()) {
            return Ok(None);
        }
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        queue.waiting.insert(ticket, waker);
        Ok(Some(ticket))
    }

    /// Whether the ticket still waits; if so, its waker is this one from now on.
    fn keep_waiting(&self, ticket: u64, mut waker: Waker) -> bool {
        // The one that is not kept is dropped on return, outside of the lock: it is foreign code.
        match self.queue().waiting.get_mut(&ticket) {
            Some(kept) => {
                core::mem::swap(kept, &mut waker);
                true
            }
            None => false,
        }
    }

    /// Takes the ticket out of the queue; false when it was admitted before.
    fn leave(&self, ticket: u64) -> bool {
        let mut queue = self.queue();
        let left = queue.waiting.remove(&ticket);
        if left.is_some() && queue.waiting.is_empty() {
            self.limit.unmark_waiting();
        }
        drop(queue);
        left.is_some()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing that can panic runs under the lock, so a poisoned queue is whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn check_invariants(&self) {
        let queue = self.queue();
        assert_eq!(
            self.limit.is_marked_waiting(),
            !queue.waiting.is_empty(),
            "the mark says whether somebody waits"
        );
        assert!(queue.waiting.len() <= self.max_waiting as usize);
        assert!(
            queue
                .waiting
                .keys()
                .all(|&ticket| ticket < queue.next_ticket)
        );
    }
}

/// Completes with a place. Dropped before, it leaves the queue, or hands on the place that it was
/// given and did not collect.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub(super) struct Acquire<'a> {
    waiters: &'a Waiters,
    /// While it waits.
    ticket: Option<u64>,
}

impl Acquire<'_> {
    /// Stops waiting; whether a place had come.
    pub(super) fn give_up(&mut self) -> bool {
        let ticket = self.ticket.take();
        ticket.is_some_and(|ticket| !self.waiters.leave(ticket))
    }
}

impl Future for Acquire<'_> {
    type Output = Result<(), AcquireError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = cx.waker().clone();
        let Some(ticket) = self.ticket else {
            self.ticket = self.waiters.join(waker)?;
            return match self.ticket {
                Some(_) => Poll::Pending,
                None => Poll::Ready(Ok(())),
            };
        };
        if self.waiters.keep_waiting(ticket, waker) {
            return Poll::Pending;
        }
        self.ticket = None;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        if self.give_up() {
            self.waiters.release();
        }
    }
}
