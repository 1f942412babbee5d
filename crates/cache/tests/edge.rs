//! The edge node: a timeline by hand, a model, purges in the middle of a fetch, `Cache-Control`.

#![cfg(not(purlin_loom))]

#[path = "edge/model.rs"]
mod model;
#[path = "edge/purge.rs"]
mod purge;

extern crate alloc;

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use core::time::Duration;
use purlin_cache::edge::{Answer, Edge, Freshness, Held, Origin, Response, State};
use purlin_cache::expiry::Jitter;
use purlin_cache::{Builder, LoadError};
use purlin_core::time::{Instant, ManualClock};
use std::collections::HashMap;
use std::sync::{Barrier, Mutex};
use std::thread;

type Served = Result<Answer<u32, purlin_cache::edge::Revalidation<u32, u32, Web>>, LoadError<Down>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Down;

/// An origin that says what it is told to say; nothing under other keys. A clone is the same one.
#[derive(Clone, Default)]
struct Web(Arc<Inside>);

#[derive(Default)]
struct Inside {
    pages: Mutex<HashMap<u32, (Option<u32>, Freshness)>>,
    is_down: Mutex<bool>,
    asked: AtomicUsize,
}

impl Web {
    fn set(&self, key: u32, value: Option<u32>, freshness: Freshness) {
        self.0
            .pages
            .lock()
            .expect("no panic")
            .insert(key, (value, freshness));
    }

    fn set_down(&self, is_down: bool) {
        *self.0.is_down.lock().expect("no panic") = is_down;
    }

    fn asked(&self) -> usize {
        self.0.asked.load(SeqCst)
    }
}

impl Origin<u32, u32> for Web {
    type Error = Down;

    fn fetch(&self, key: &u32, _: Option<&Held<u32>>) -> Result<Response<u32>, Down> {
        self.0.asked.fetch_add(1, SeqCst);
        if *self.0.is_down.lock().expect("no panic") {
            return Err(Down);
        }
        let page = self.0.pages.lock().expect("no panic").get(key).cloned();
        Ok(match page {
            None => Response::NotFound(None),
            Some((None, freshness)) => Response::NotFound(Some(freshness)),
            Some((Some(value), freshness)) => Response::Found(value, freshness),
        })
    }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn node(clock: &ManualClock, web: &Web) -> Edge<u32, u32, Web> {
    Edge::new(Builder::new(100).clock(clock.clone()), web.clone())
}

/// Value, state and age.
fn seen(served: Served) -> Result<(Option<u32>, State, u64), ()> {
    served
        .map(|answer| (answer.value, answer.state, answer.age.as_secs()))
        .map_err(drop)
}

#[test]
fn a_copy_from_birth_to_death() {
    let (clock, web) = (ManualClock::new(), Web::default());
    let edge = node(&clock, &web);
    let freshness = Freshness::new(secs(10))
        .stale_while_revalidate(secs(5))
        .stale_if_error(secs(20));
    web.set(7, Some(1), freshness.clone());
    let get = || seen(edge.get(&7));
    assert_eq!(get(), Ok((Some(1), State::Miss, 0)));
    web.set(7, Some(2), freshness);
    clock.set(Instant::from_secs(9));
    assert_eq!(get(), Ok((Some(1), State::Hit, 9)));
    assert_eq!(web.asked(), 1);

    // Stale, and one revalidates; dropped, the next one has to; failed, too.
    clock.set(Instant::from_secs(10));
    let first = edge.get(&7).unwrap();
    assert_eq!(
        (first.value, first.state, first.age),
        (Some(1), State::Stale, secs(10))
    );
    assert!(edge.get(&7).unwrap().revalidation.is_none());
    drop(first);
    web.set_down(true);
    assert!(edge.get(&7).unwrap().revalidation.unwrap().run().is_err());
    assert_eq!(get(), Ok((Some(1), State::Stale, 10)));
    web.set_down(false);
    clock.set(Instant::from_secs(14));
    edge.get(&7).unwrap().revalidation.unwrap().run().unwrap();
    assert_eq!(get(), Ok((Some(2), State::Hit, 0)));
    assert_eq!(web.asked(), 3);

    // Too stale for that: the origin is asked; if it fails, the copy stands in, until it may not.
    clock.set(Instant::from_secs(14 + 15));
    web.set_down(true);
    assert_eq!(get(), Ok((Some(2), State::StaleIfError, 15)));
    clock.set(Instant::from_secs(14 + 29));
    assert_eq!(get(), Ok((Some(2), State::StaleIfError, 29)));
    clock.set(Instant::from_secs(14 + 30));
    assert_eq!(get(), Err(()));
    web.set_down(false);
    assert_eq!(get(), Ok((Some(2), State::Miss, 0)));
    // A clock that goes back makes nothing older.
    clock.set(Instant::from_secs(1));
    assert_eq!(get(), Ok((Some(2), State::Hit, 0)));
}

#[test]
fn the_age_at_the_origin_counts() {
    let (clock, web) = (ManualClock::new(), Web::default());
    let edge = node(&clock, &web);
    web.set(
        7,
        Some(1),
        Freshness::new(secs(10))
            .age(secs(6))
            .stale_while_revalidate(secs(2)),
    );
    let states = (0..8).map(|at| {
        clock.set(Instant::from_secs(at));
        edge.get(&7)
            .map(|answer| (answer.state, answer.age.as_secs()))
            .unwrap()
    });
    use State::{Hit, Miss, Stale};
    let expected = [
        (Miss, 6),
        (Hit, 7),
        (Hit, 8),
        (Hit, 9),
        (Stale, 10),
        (Stale, 11),
        (Miss, 6),
        (Hit, 7),
    ];
    assert!(states.eq(expected));
}

#[test]
fn nothing_is_kept_like_something() {
    let (clock, web) = (ManualClock::new(), Web::default());
    let edge = node(&clock, &web).not_found(Freshness::new(secs(5)));
    assert_eq!(seen(edge.get(&1)), Ok((None, State::Miss, 0)));
    web.set(1, Some(1), Freshness::new(secs(100)));
    web.set(2, None, Freshness::new(secs(50)));
    clock.advance(secs(4));
    assert_eq!(seen(edge.get(&1)), Ok((None, State::Hit, 4)));
    assert_eq!(seen(edge.get(&2)), Ok((None, State::Miss, 0)));
    clock.advance(secs(1));
    assert_eq!(seen(edge.get(&1)), Ok((Some(1), State::Miss, 0)));
    assert_eq!(seen(edge.get(&2)), Ok((None, State::Hit, 1)));
    // And takes the place of a copy.
    web.set(1, None, Freshness::default());
    clock.advance(secs(100));
    assert_eq!(seen(edge.get(&1)), Ok((None, State::Miss, 0)));
    assert!(!edge.copies().contains_key(&1));
}

#[test]
fn one_asks_for_all() {
    let (clock, web) = (ManualClock::new(), Web::default());
    let edge = node(&clock, &web);
    web.set(7, Some(1), Freshness::new(secs(10)));
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                assert_eq!(edge.get(&7).unwrap().value, Some(1));
            });
        }
    });
    assert_eq!(web.asked(), 1);
}

#[test]
fn older_versions_do_not_come_in() {
    let (clock, web) = (ManualClock::new(), Web::default());
    let edge = node(&clock, &web);
    let version = |version| Freshness::new(secs(10)).version(version);
    web.set(7, Some(5), version(5));
    assert_eq!(edge.get(&7).unwrap().value, Some(5));
    edge.purge_older(7, 5);
    assert_eq!(edge.get(&7).unwrap().state, State::Hit);
    edge.purge_older(7, 6);
    // A replica that is behind is answered, and not kept.
    assert_eq!(seen(edge.get(&7)), Ok((Some(5), State::Miss, 0)));
    assert_eq!(seen(edge.get(&7)), Ok((Some(5), State::Miss, 0)));
    web.set(7, Some(6), version(6));
    assert_eq!(seen(edge.get(&7)), Ok((Some(6), State::Miss, 0)));
    assert_eq!(seen(edge.get(&7)), Ok((Some(6), State::Hit, 0)));
}

#[test]
fn what_came_in_together_does_not_go_stale_together() {
    let (clock, web) = (ManualClock::new(), Web::default());
    let edge = node(&clock, &web).jitter(Jitter::new(0.5, 1).unwrap());
    for key in 0..100 {
        web.set(key, Some(key), Freshness::new(secs(100)));
        edge.get(&key).unwrap();
    }
    let hits_at = |at| {
        clock.set(Instant::from_secs(at));
        (0..100)
            .filter(|key| edge.copies().contains_key(key))
            .count()
    };
    assert_eq!(hits_at(50), 100);
    assert!((25..75).contains(&hits_at(75)));
    assert_eq!(hits_at(100), 0);
}

#[test]
fn cache_control() {
    // (field, ttl, while revalidated, if error), after RFC 9111, 5.2.2 and RFC 5861.
    let table = [
        ("max-age=600, stale-while-revalidate=30", 600, 30, 0), // RFC 5861, 3.1
        ("max-age=600, stale-if-error=1200", 600, 0, 1_200),    // RFC 5861, 4.1
        ("max-age=600, s-maxage=60", 60, 0, 0),
        ("s-maxage=0, max-age=600", 0, 0, 0),
        ("max-age=600, stale-if-error=5, must-revalidate", 600, 0, 0),
        (
            "Max-Age=600 , Proxy-Revalidate, stale-while-revalidate=5",
            600,
            0,
            0,
        ),
        ("no-store, max-age=600, stale-if-error=5", 0, 0, 0),
        ("private=\"set-cookie, max-age=3\", max-age=600", 0, 0, 0),
        ("no-cache, max-age=600", 0, 0, 0),
        ("ext=\"a, no-store, \\\", b\", max-age=600", 600, 0, 0),
        ("max-age=\"600\"", 600, 0, 0),
        ("max-age=600, max-age=60", 60, 0, 0),
        ("max-age=60s", 0, 0, 0),
        ("max-age=-1", 0, 0, 0),
        ("max-age", 0, 0, 0),
        ("max-age=99999999999999999999999", 1 << 31, 0, 0),
        ("public, immutable", 0, 0, 0),
        (",, ,max-age=1,", 1, 0, 0),
        ("", 0, 0, 0),
    ];
    for (field, ttl, while_revalidate, if_error) in table {
        let expected = Freshness::new(secs(ttl))
            .stale_while_revalidate(secs(while_revalidate))
            .stale_if_error(secs(if_error));
        assert_eq!(Freshness::from_cache_control(field), expected, "{field}");
    }
}
