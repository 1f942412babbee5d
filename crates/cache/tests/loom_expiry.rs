//! Every interleaving of threads that use an entry, put it off and see it expire. Run with `--cfg purlin_loom`.
#![cfg(purlin_loom)]

use core::time::Duration;
use loom::sync::Arc;
use loom::thread;
use purlin_cache::expiry::Times;
use purlin_cache::policy::Slot;
use purlin_core::time::Instant;

const SLOT: Slot = Slot(0);

/// One entry that may be idle for ten seconds.
fn times() -> Arc<Times> {
    let mut times = Times::new(Some(Duration::from_secs(10)));
    times.set(SLOT, Instant::ORIGIN, Instant::MAX);
    Arc::new(times)
}

/// Whoever was told that it has expired is told so again, although another used it at the same moment.
#[test]
fn expired_is_for_ever() {
    loom::model(|| {
        let times = times();
        let user = {
            let times = Arc::clone(&times);
            thread::spawn(move || {
                if !times.is_expired(SLOT, Instant::from_secs(9)) {
                    times.touch(SLOT, Instant::from_secs(9));
                }
            })
        };
        let first = times.is_expired(SLOT, Instant::from_secs(10));
        let second = times.is_expired(SLOT, Instant::from_secs(10));
        assert!(!first || second);
        user.join().unwrap();
        assert_eq!(times.is_expired(SLOT, Instant::from_secs(10)), second);
    });
}

/// The latest of several uses counts, in whatever order they arrive.
#[test]
fn the_latest_use_counts() {
    loom::model(|| {
        let times = times();
        let users = [3, 5].map(|second| {
            let times = Arc::clone(&times);
            thread::spawn(move || times.touch(SLOT, Instant::from_secs(second)))
        });
        for user in users {
            user.join().unwrap();
        }
        assert!(!times.is_expired(SLOT, Instant::from_nanos(14_999_999_999)));
        assert!(times.is_expired(SLOT, Instant::from_secs(15)));
    });
}
