//! Numbers of threads: small, and no two of running threads alike.

use alloc::collections::BinaryHeap;
use core::cell::{Cell, OnceCell};
use core::cmp::Reverse;
use std::sync::{Mutex, PoisonError};

/// Not asked for yet.
const UNKNOWN: usize = usize::MAX;
/// The thread is being torn down.
const ENDED: usize = usize::MAX - 1;

std::thread_local! {
    /// A plain word beside the guard, so that to read it takes one instruction.
    static NUMBER: Cell<usize> = const { Cell::new(UNKNOWN) };
    static GUARD: OnceCell<Guard> = const { OnceCell::new() };
}

/// The number of this thread, which is the least that no running thread had when it first asked. No
/// stripe has the number of a thread that is being torn down.
#[inline]
pub(super) fn thread_number() -> usize {
    match NUMBER.get() {
        UNKNOWN => first(),
        number => number,
    }
}

#[cold]
fn first() -> usize {
    let guarded = GUARD.try_with(|guard| guard.get_or_init(Guard::take).0);
    let number = guarded.unwrap_or(ENDED);
    NUMBER.set(number);
    number
}

/// Numbers that ended threads had, and the first that none ever had.
static FREE: Mutex<(BinaryHeap<Reverse<usize>>, usize)> = Mutex::new((BinaryHeap::new(), 0));

/// Given back when the thread ends.
struct Guard(usize);

impl Guard {
    fn take() -> Self {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Reverse(number)) = free.0.pop() {
            return Self(number);
        }
        let number = free.1;
        free.1 += 1;
        Self(number)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        NUMBER.set(ENDED);
        free.0.push(Reverse(self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn running_threads_have_distinct_numbers_and_ended_ones_none() {
        let all = Barrier::new(16);
        let round = || -> BTreeSet<usize> {
            thread::scope(|scope| {
                let ask = || {
                    let number = thread_number();
                    all.wait();
                    assert_eq!(thread_number(), number);
                    number
                };
                let threads: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
                let number = |thread: thread::ScopedJoinHandle<'_, usize>| thread.join().unwrap();
                threads.into_iter().map(number).collect()
            })
        };
        for _ in 0..50 {
            assert_eq!(round().len(), 16);
        }
        // Other tests run beside this one; without giving back, this would be near 800.
        let highest = round().last().copied().unwrap();
        assert!(highest < 400, "numbers of ended threads are not used again");
    }
}
