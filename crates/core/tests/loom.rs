//! Every interleaving of a sleeper and whoever moves the manual clock.
#![cfg(purlin_loom)]

use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use purlin_core::time::{Clock, Instant, ManualClock, Timer};
use std::sync::Arc;
use std::task::Wake;

/// Counts wakes. Not one of loom's atomics: it only observes.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A sleeper that found its time not yet come is woken, however the clock moves meanwhile.
#[test]
fn no_wake_is_lost() {
    loom::model(|| {
        let clock = ManualClock::new();
        let mover = clock.clone();
        let moves = loom::thread::spawn(move || mover.advance(Duration::from_secs(1)));

        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let mut sleep = pin!(clock.sleep_until(Instant::from_secs(1)));
        let first = sleep.as_mut().poll(&mut cx);

        moves.join().expect("the mover does not panic");
        let expected = usize::from(first == Poll::Pending);
        assert_eq!(wakes.0.load(Ordering::SeqCst), expected);
        if first == Poll::Pending {
            assert_eq!(sleep.poll(&mut cx), Poll::Ready(()));
        }
    });
}

/// Of two threads that advance at once, both steps count.
#[test]
fn no_step_is_lost() {
    loom::model(|| {
        let clock = ManualClock::new();
        let mover = clock.clone();
        let moves = loom::thread::spawn(move || mover.advance(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(2));
        moves.join().expect("the mover does not panic");
        assert_eq!(clock.now(), Instant::from_secs(3));
    });
}
