//! Against the timelines of all keys, written down naively.

use super::{Web, node, secs, seen};
use proptest::prelude::*;
use purlin_cache::edge::{Freshness, State};
use purlin_core::time::ManualClock;
use std::collections::HashMap;

#[derive(Clone, Debug)]
enum Op {
    Get(u32),
    /// The same, and whoever has to revalidate does.
    GetAndRevalidate(u32),
    Publish(u32, Option<u32>, [u64; 4], Vec<u8>),
    Down(bool),
    Pass(u64),
    Purge(u32),
    PurgeTag(u8),
    PurgeAll,
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0_u32..4;
    let times = [0_u64..12, 0_u64..8, 0_u64..8, 0_u64..3];
    let tags = prop::collection::vec(0_u8..3, 0..3);
    prop_oneof![
        8 => key().prop_map(Op::Get),
        5 => key().prop_map(Op::GetAndRevalidate),
        4 => (key(), any::<Option<u32>>(), times, tags).prop_map(|(k, v, w, t)| Op::Publish(k, v, w, t)),
        2 => any::<bool>().prop_map(Op::Down),
        8 => (0_u64..6).prop_map(Op::Pass),
        1 => key().prop_map(Op::Purge),
        1 => (0_u8..3).prop_map(Op::PurgeTag),
        1 => Just(Op::PurgeAll),
    ]
}

#[derive(Clone)]
struct Page {
    value: Option<u32>,
    ttl: u64,
    revalidate: u64,
    error: u64,
    initial_age: u64,
    tags: Vec<u8>,
}

proptest! {
    #[test]
    fn as_the_timelines_say(ops in prop::collection::vec(op(), 1..150)) {
        let (clock, web) = (ManualClock::new(), Web::default());
        let edge = node(&clock, &web);
        let mut now = 0;
        let mut is_down = false;
        let mut published: HashMap<u32, Page> = HashMap::new();
        let mut copies: HashMap<u32, (u64, Page)> = HashMap::new();
        let nothing = Page { value: None, ttl: 0, revalidate: 0, error: 0, initial_age: 0, tags: vec![] };
        for op in ops {
            match op {
                Op::Get(key) | Op::GetAndRevalidate(key) => {
                    let current = published.get(&key).unwrap_or(&nothing).clone();
                    let copy = copies.get(&key).cloned();
                    let age = copy.as_ref().map(|(since, page)| now - since + page.initial_age);
                    let within = |window: fn(&Page) -> u64| {
                        copy.as_ref().zip(age).filter(|((_, page), age)| *age < page.ttl + window(page))
                    };
                    let expected = if let Some(((_, page), age)) = within(|_| 0) {
                        Ok((page.value, State::Hit, age))
                    } else if let Some(((_, page), age)) = within(|page| page.revalidate) {
                        Ok((page.value, State::Stale, age))
                    } else if !is_down {
                        copies.insert(key, (now, current.clone()));
                        Ok((current.value, State::Miss, current.initial_age))
                    } else if let Some(((_, page), age)) = within(|page| page.error) {
                        Ok((page.value, State::StaleIfError, age))
                    } else {
                        Err(())
                    };
                    let mut served = edge.get(&key);
                    let revalidation = served.as_mut().ok().and_then(|answer| answer.revalidation.take());
                    prop_assert_eq!(seen(served), expected);
                    let is_stale = expected.is_ok_and(|(_, state, _)| state == State::Stale);
                    prop_assert_eq!(revalidation.is_some(), is_stale);
                    if let Some(revalidation) = revalidation
                        && matches!(op, Op::GetAndRevalidate(_))
                    {
                        prop_assert_eq!(revalidation.run().is_err(), is_down);
                        if !is_down {
                            copies.insert(key, (now, current));
                        }
                    }
                }
                Op::Publish(key, value, [ttl, revalidate, error, initial_age], tags) => {
                    let freshness = Freshness::new(secs(ttl))
                        .stale_while_revalidate(secs(revalidate))
                        .stale_if_error(secs(error))
                        .age(secs(initial_age))
                        .tags(tags.iter().map(u8::to_string));
                    web.set(key, value, freshness);
                    published.insert(key, Page { value, ttl, revalidate, error, initial_age, tags });
                }
                Op::Down(is) => {
                    is_down = is;
                    web.set_down(is);
                }
                Op::Pass(seconds) => {
                    now += seconds;
                    clock.advance(secs(seconds));
                }
                Op::Purge(key) => {
                    edge.purge(&key);
                    copies.remove(&key);
                }
                Op::PurgeTag(tag) => {
                    edge.purge_tag(&tag.to_string());
                    copies.retain(|_, (_, page)| !page.tags.contains(&tag));
                }
                Op::PurgeAll => {
                    edge.purge_all();
                    copies.clear();
                }
            }
        }
    }
}
