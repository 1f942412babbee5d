//! Purges while the origin is being asked.

extern crate alloc;

use alloc::sync::Arc;
use core::cell::Cell;
use core::convert::Infallible;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};
use core::time::Duration;
use purlin_cache::Builder;
use purlin_cache::edge::{Edge, Freshness, Held, Origin, Response, State};
use purlin_core::time::ManualClock;
use std::panic::catch_unwind;
use std::sync::{Barrier, Mutex};
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

/// Says that a copy is still good if it is shown one; otherwise it has a new value each time.
#[derive(Clone, Default)]
struct Renews(Arc<AtomicU32>);

impl Origin<u32, u32> for Renews {
    type Error = Infallible;

    fn fetch(&self, _: &u32, held: Option<&Held<u32>>) -> Result<Response<u32>, Infallible> {
        let freshness = Freshness::new(SECOND)
            .stale_while_revalidate(SECOND)
            .tags(["news"]);
        Ok(match held {
            Some(held) => held.renewed(freshness),
            None => Response::Found(self.0.fetch_add(1, SeqCst) + 1, freshness),
        })
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// A copy that was purged is not there to be renewed, though there is a `Revalidation` of it.
#[test]
fn what_was_purged_is_not_renewed() {
    type Purge = fn(&Edge<u32, u32, Renews>);
    let purges: [Purge; 4] = [
        |edge| edge.purge(&7),
        |edge| edge.purge_tag("news"),
        |edge| edge.purge_all(),
        |edge| edge.purge_older(7, 2),
    ];
    for (number, purge) in purges.into_iter().enumerate() {
        let clock = ManualClock::new();
        let edge = Edge::new(Builder::new(10).clock(clock.clone()), Renews::default());
        assert_eq!(edge.get(&7).unwrap().value, Some(1));
        clock.advance(SECOND);
        edge.get(&7).unwrap().revalidation.unwrap().run().unwrap();
        assert_eq!(edge.get(&7).unwrap().value, Some(1), "it was renewed");
        clock.advance(SECOND);
        let revalidation = edge.get(&7).unwrap().revalidation.unwrap();
        purge(&edge);
        revalidation.run().unwrap();
        assert_eq!(edge.get(&7).unwrap().value, Some(2), "purge {number}");
    }
}

type Hook = Box<dyn FnOnce() + Send>;

/// Does something while it is asked for the first time.
#[derive(Clone, Default)]
struct Hooked(Arc<Mutex<Option<Hook>>>, Arc<AtomicU32>);

impl Origin<u32, u32> for Hooked {
    type Error = Infallible;

    fn fetch(&self, _: &u32, _: Option<&Held<u32>>) -> Result<Response<u32>, Infallible> {
        let value = self.1.fetch_add(1, SeqCst) + 1;
        let hook = self.0.lock().expect("no panic").take();
        if let Some(run) = hook {
            run();
        }
        Ok(Response::Found(value, Freshness::new(SECOND)))
    }
}

/// What has no version, may be older than any.
#[test]
fn a_fetch_without_a_version_does_not_outlive_a_purge() {
    type Purge = fn(&Edge<u32, u32, Hooked>);
    let purges: [Purge; 3] = [
        |edge| edge.purge(&7),
        |edge| edge.purge_all(),
        |edge| edge.purge_older(7, 6),
    ];
    for purge in purges {
        let origin = Hooked::default();
        let edge = Edge::with_capacity(10, origin.clone());
        let same = edge.clone();
        *origin.0.lock().unwrap() = Some(Box::new(move || purge(&same)));
        assert_eq!(edge.get(&7).unwrap().value, Some(1));
        assert_eq!(edge.get(&7).unwrap().value, Some(2));
    }
}

/// Purged by its tag while the origin is asked in vain.
#[test]
fn what_was_purged_does_not_stand_in() {
    let (purges, asked) = (Arc::new(Mutex::new(None::<Hook>)), AtomicU32::new(0));
    let its_purges = Arc::clone(&purges);
    let clock = ManualClock::new();
    let edge = Edge::new(Builder::new(10).clock(clock.clone()), move |_: &u32| {
        if let Some(purge) = its_purges.lock().expect("no panic").take() {
            purge();
        }
        let freshness = Freshness::new(SECOND).stale_if_error(SECOND * 9);
        match asked.fetch_add(1, SeqCst) {
            0 => Ok(Response::Found(1, freshness.tags(["news"]))),
            _ => Err("down"),
        }
    });
    assert_eq!(edge.get(&7).unwrap().value, Some(1));
    clock.advance(SECOND);
    assert_eq!(edge.get(&7).unwrap().state, State::StaleIfError);
    let same = edge.clone();
    *purges.lock().unwrap() = Some(Box::new(move || same.purge_tag("news")));
    assert!(edge.get(&7).is_err());
}

/// A response that is not to be kept does not take away what keeps older ones out.
#[test]
fn a_response_of_no_use_leaves_what_a_purge_by_version_has_left() {
    let responses = [(6_u32, 0), (5, 9), (5, 9)].map(|(version, ttl)| {
        let freshness = Freshness::new(SECOND * ttl).version(u64::from(version));
        Response::Found(version, freshness)
    });
    let rest = Mutex::new(responses.into_iter());
    let edge = Edge::with_capacity(10, move |_: &u32| {
        Ok::<_, Infallible>(rest.lock().expect("no panic").next().expect("one more"))
    });
    edge.purge_older(7, 6);
    for expected in [6, 5, 5] {
        let answer = edge.get(&7).unwrap();
        assert_eq!((answer.value, answer.state), (Some(expected), State::Miss));
    }
}

#[test]
fn a_miss_is_counted_once() {
    let edge = Edge::new(Builder::new(10).record_stats(), Hooked::default());
    assert_eq!(edge.get(&7).unwrap().state, State::Miss);
    assert_eq!(edge.get(&7).unwrap().state, State::Hit);
    let stats = edge.copies().stats();
    assert_eq!((stats.hits, stats.misses), (1, 1));
}

thread_local! {
    static CLONES_LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Fragile(u32);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        let left = CLONES_LEFT.get();
        assert!(left > 0, "a bug");
        CLONES_LEFT.set(left - 1);
        Self(self.0)
    }
}

#[test]
fn a_panic_of_a_key_takes_the_duty_from_nobody() {
    for clones in 0..4 {
        let clock = ManualClock::new();
        let edge = Edge::new(Builder::new(10).clock(clock.clone()), |_: &Fragile| {
            let freshness = Freshness::new(SECOND).stale_while_revalidate(SECOND);
            Ok::<_, Infallible>(Response::Found(1, freshness))
        });
        assert_eq!(edge.get(&Fragile(7)).unwrap().value, Some(1));
        clock.advance(SECOND);
        CLONES_LEFT.set(clones);
        let panics = catch_unwind(AssertUnwindSafe(|| drop(edge.get(&Fragile(7)))));
        CLONES_LEFT.set(usize::MAX);
        assert!(clones > 0 || panics.is_err());
        assert!(edge.get(&Fragile(7)).unwrap().revalidation.is_some());
    }
}

/// It goes on in who asked; a stale copy stands in for the others, and nobody is held up after it.
#[test]
fn an_origin_that_panics() {
    let clock = ManualClock::new();
    let asked = AtomicU32::new(0);
    let edge = Edge::new(Builder::new(10).clock(clock.clone()), move |_: &u32| {
        let number = asked.fetch_add(1, SeqCst);
        assert!(number.is_multiple_of(2), "a bug");
        let freshness = Freshness::new(SECOND).stale_while_revalidate(SECOND);
        Ok::<_, Infallible>(Response::Found(number, freshness))
    });
    assert_eq!(edge.get(&7).unwrap().value, Some(0));
    clock.advance(SECOND);
    let revalidation = edge.get(&7).unwrap().revalidation.unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| revalidation.run())).is_err());
    let again = edge.get(&7).unwrap();
    assert_eq!((again.value, again.state), (Some(0), State::Stale));
    again.revalidation.unwrap().run().unwrap();
    assert_eq!(edge.get(&7).unwrap().value, Some(2));
}
