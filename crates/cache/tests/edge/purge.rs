//! Purges while the origin is being asked.

extern crate alloc;

use alloc::sync::Arc;
use core::convert::Infallible;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};
use core::time::Duration;
use purlin_cache::edge::{Edge, Freshness, Held, Origin, Response, State};
use std::sync::Barrier;
use std::thread;

/// Reads its value, then waits to be told to return it, the first time.
struct Slow {
    value: AtomicU32,
    asked: AtomicU32,
    has_read: Barrier,
    goes_on: Barrier,
}

#[derive(Clone)]
struct SlowOrigin(Arc<Slow>);

impl Origin<u32, u32> for SlowOrigin {
    type Error = Infallible;

    fn fetch(&self, _: &u32, _: Option<&Held<u32>>) -> Result<Response<u32>, Infallible> {
        let value = self.0.value.load(SeqCst);
        if self.0.asked.fetch_add(1, SeqCst) == 0 {
            self.0.has_read.wait();
            self.0.goes_on.wait();
        }
        let freshness = Freshness::new(Duration::from_secs(60));
        Ok(Response::Found(
            value,
            freshness.tags(["news"]).version(u64::from(value)),
        ))
    }
}

type Purge = fn(&Edge<u32, u32, SlowOrigin>);

#[test]
fn what_was_asked_for_before_is_neither_kept_nor_given_to_who_asks_after() {
    let purges: [Purge; 4] = [
        |edge| edge.purge(&7),
        |edge| edge.purge_tag("news"),
        |edge| edge.purge_all(),
        |edge| edge.purge_older(7, 2),
    ];
    for (number, purge) in purges.into_iter().enumerate() {
        let origin = SlowOrigin(Arc::new(Slow {
            value: AtomicU32::new(1),
            asked: AtomicU32::new(0),
            has_read: Barrier::new(2),
            goes_on: Barrier::new(2),
        }));
        let slow = Arc::clone(&origin.0);
        let edge = Edge::with_capacity(100, origin);
        thread::scope(|scope| {
            let before = scope.spawn(|| edge.get(&7).unwrap().value);
            slow.has_read.wait();
            slow.value.store(2, SeqCst);
            purge(&edge);
            // A purge by tag learns only in the end whether the fetch has the tag: this one waits for it, and asks again.
            let after = scope.spawn(|| edge.get(&7).unwrap().value);
            thread::sleep(Duration::from_millis(20));
            slow.goes_on.wait();
            assert_eq!(before.join().unwrap(), Some(1), "purge {number}");
            assert_eq!(after.join().unwrap(), Some(2), "purge {number}");
        });
        let last = edge.get(&7).unwrap();
        assert_eq!(
            (last.value, last.state),
            (Some(2), State::Hit),
            "purge {number}"
        );
        assert_eq!(slow.asked.load(SeqCst), 2, "purge {number}");
    }
}
