//! Numbers of threads: small, and no two of running threads alike.

use alloc::collections::BinaryHeap;
use core::cell::OnceCell;
use core::cmp::Reverse;
use std::sync::{Mutex, PoisonError};

/// The number of this thread, which is the least that no running thread had when it first asked.
/// `usize::MAX` while the thread is being torn down.
#[inline]
pub(super) fn thread_number() -> usize {
    std::thread_local! {
        static OWN: OnceCell<Number> = const { OnceCell::new() };
    }
    OWN.try_with(|own| own.get_or_init(Number::take).0)
        .unwrap_or(usize::MAX)
}

/// Numbers that ended threads had, and the first that none ever had.
static FREE: Mutex<(BinaryHeap<Reverse<usize>>, usize)> = Mutex::new((BinaryHeap::new(), 0));

/// Given back when the thread ends.
struct Number(usize);

impl Number {
    #[cold]
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

impl Drop for Number {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
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
