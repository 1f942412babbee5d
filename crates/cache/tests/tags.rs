//! Tags: against a naive model, and fills that come too late.

#![cfg(not(purlin_loom))]

extern crate alloc;

use alloc::sync::Arc;
use core::cell::RefCell;
use core::hash::{Hash, Hasher};
use proptest::prelude::*;
use purlin_cache::LoadError;
use purlin_cache::sync::Cache;
use purlin_cache::tags::{Mark, TaggedCache, Tags, Ticket};
use std::collections::{HashMap, HashSet};
use std::sync::Barrier;
use std::thread;

#[derive(Clone, Debug)]
enum Op {
    /// A fill that took its ticket so many steps ago.
    Fill(u8, Vec<u8>, usize),
    /// The same with tags that are known only at the end.
    FillSince(u8, Vec<u8>, usize),
    InvalidateTags(Vec<u8>),
    InvalidateAll,
    Remove(u8),
    Get(u8),
    Sweep(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0_u8..8;
    let tags = || prop::collection::vec(0_u8..6, 0..4);
    prop_oneof![
        4 => (key(), tags(), 0_usize..6).prop_map(|(k, t, ago)| Op::Fill(k, t, ago)),
        4 => (key(), tags(), 0_usize..6).prop_map(|(k, t, ago)| Op::FillSince(k, t, ago)),
        3 => tags().prop_map(Op::InvalidateTags),
        1 => Just(Op::InvalidateAll),
        1 => key().prop_map(Op::Remove),
        6 => key().prop_map(Op::Get),
        1 => (0_usize..12).prop_map(Op::Sweep),
    ]
}

/// What is known of an entry: its value, its tags, and when it was read.
struct Known {
    value: usize,
    tags: Vec<u8>,
    read: usize,
}

proptest! {
    /// An entry is found if and only if none of its tags was invalidated at or after the step in which it was read.
    #[test]
    fn as_a_list_of_invalidations(ops in prop::collection::vec(op(), 1..120)) {
        let cache: TaggedCache<u8, usize, u8> = TaggedCache::new(Cache::new(100));
        let mut model: HashMap<u8, Known> = HashMap::new();
        // What was invalidated in which step; none for all.
        let mut history: Vec<(usize, Option<u8>)> = Vec::new();
        let mut marks: Vec<Mark> = Vec::new();
        let mut early: Vec<(usize, Op, Ticket)> = Vec::new();
        let lives = |known: &Known, history: &[(usize, Option<u8>)]| {
            !history.iter().any(|(step, tag)| {
                *step >= known.read && tag.map_or(!known.tags.is_empty(), |tag| known.tags.contains(&tag))
            })
        };
        // Tickets are taken when their reads begin.
        let mut begins: HashMap<usize, Vec<usize>> = HashMap::new();
        for (step, op) in ops.iter().enumerate() {
            if let Op::Fill(_, _, ago) = op {
                begins.entry(step.saturating_sub(*ago)).or_default().push(step);
            }
        }
        for (step, op) in ops.iter().enumerate() {
            marks.push(cache.tags().mark());
            for &end in begins.get(&step).into_iter().flatten() {
                if let Op::Fill(_, tags, _) = &ops[end] {
                    early.push((end, ops[end].clone(), cache.tags().ticket(tags)));
                }
            }
            match op {
                Op::Fill(key, tags, ago) => {
                    let at = early.iter().position(|(end, ..)| *end == step).expect("it was begun");
                    cache.insert(*key, step, early.swap_remove(at).2);
                    let read = step.saturating_sub(*ago);
                    model.insert(*key, Known { value: step, tags: tags.clone(), read });
                }
                Op::FillSince(key, tags, ago) => {
                    let read = step.saturating_sub(*ago);
                    let ticket = cache.tags().ticket_since(marks[read], tags);
                    cache.insert(*key, step, ticket);
                    model.insert(*key, Known { value: step, tags: tags.clone(), read });
                }
                Op::InvalidateTags(tags) => {
                    cache.invalidate_tags(tags);
                    history.extend(tags.iter().map(|tag| (step, Some(*tag))));
                }
                Op::InvalidateAll => {
                    cache.tags().invalidate_all();
                    history.push((step, None));
                }
                Op::Remove(key) => {
                    cache.cache().invalidate(key);
                    model.remove(key);
                }
                Op::Get(key) => {
                    let found = model.get(key).filter(|known| lives(known, &history));
                    let expected = found.map(|known| known.value);
                    // `ticket_since` a mark before everything was forgotten may be dead without need: here, never,
                    // as all that was forgotten was invalidated.
                    prop_assert_eq!(cache.get(key), expected);
                    if expected.is_none() {
                        prop_assert!(!cache.cache().contains_key(key), "dead ones leave when touched");
                        model.remove(key);
                    }
                }
                Op::Sweep(looks) => {
                    let before = cache.cache().len();
                    let removed = cache.sweep(*looks);
                    prop_assert!(removed <= *looks);
                    prop_assert_eq!(cache.cache().len(), before - removed);
                }
            }
        }
        cache.sweep(1_000);
        let alive = model.values().filter(|known| lives(known, &history)).count();
        prop_assert_eq!(cache.cache().len(), alive);
    }
}

#[test]
fn what_was_read_before_an_invalidation_is_not_found_after_it() {
    let pages: TaggedCache<u32, u32, &str> = TaggedCache::new(Cache::new(100));
    let (loading, invalidated) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        let old = scope.spawn(|| {
            pages.get_with(7, [&"user"], || {
                loading.wait();
                invalidated.wait();
                1 // read before the change
            })
        });
        loading.wait();
        pages.invalidate_tag(&"user");
        let new = scope.spawn(|| pages.get_with(7, [&"user"], || 2));
        invalidated.wait();
        // Who asked before it may have it; who asked after it may not, though there was a load to wait for.
        assert_eq!(old.join().expect("loads"), 1);
        assert_eq!(new.join().expect("loads"), 2);
    });
    assert_eq!(pages.get(&7), Some(2));
}

#[test]
fn an_error_is_not_kept_and_takes_no_tag() {
    let pages: TaggedCache<u32, u32, String> = TaggedCache::new(Cache::new(100));
    let failed = pages.try_get_with(7, ["user"], || Err("no route"));
    assert!(matches!(failed, Err(LoadError::Failed(error)) if *error == "no route"));
    assert_eq!(
        pages.try_get_with::<_, &str>(7, ["user"], || Ok(1)).ok(),
        Some(1)
    );
    assert_eq!(
        pages.try_get_with::<_, &str>(7, ["user"], || Ok(2)).ok(),
        Some(1)
    );
    pages.invalidate_tag("user");
    assert_eq!(
        pages.try_get_with::<_, &str>(7, ["user"], || Ok(3)).ok(),
        Some(3)
    );
}

#[test]
fn tags_without_tickets_are_forgotten() {
    let tags: Tags<u64> = Tags::new();
    let kept: Vec<Ticket> = (0..100).map(|tag| tags.ticket([&tag])).collect();
    let begin = tags.mark();
    let late = 1_000_000;
    tags.invalidate(&late);
    for tag in 1_000..100_000 {
        drop(tags.ticket([&tag]));
        tags.invalidate(&tag);
        assert!(tags.len() <= 1_024);
    }
    assert!(kept.iter().all(Ticket::is_alive));
    // Forgotten, and still not taken for untouched.
    assert!(!tags.is_untouched(begin, &late));
    assert!(!tags.ticket_since(begin, [&late]).is_alive());
    assert!(tags.ticket_since(tags.mark(), [&late]).is_alive());
    tags.invalidate(&5);
    let dead: HashSet<usize> = (0..100).filter(|&at| !kept[at].is_alive()).collect();
    assert_eq!(dead, HashSet::from([5]));
}

#[test]
fn an_insertion_that_is_dead_is_not_the_answer_of_a_load() {
    let pages: TaggedCache<u32, &str, &str> = TaggedCache::new(Cache::new(100));
    let dead = || {
        let ticket = pages.tags().ticket([&"user"]);
        pages.invalidate_tag(&"user");
        ticket
    };
    let (first, second) = (dead(), dead());
    // Who asks now, asks after the invalidation.
    let loaded = pages.get_with(7, [&"user"], || {
        pages.insert(7, "old", first);
        "new"
    });
    assert_eq!(loaded, "new");
    let loaded = pages.try_get_with(7, [&"user"], || {
        pages.insert(7, "old", second);
        Ok::<_, ()>("new")
    });
    assert_eq!(loaded.ok(), Some("new"));
}

#[test]
fn a_sweep_leaves_loads_alone() {
    let pages: TaggedCache<u32, u32, &str> = TaggedCache::new(Cache::new(100));
    pages.insert(8, 8, pages.tags().ticket([&"user"]));
    pages.invalidate_tag(&"user");
    pages.get_with(7, [&"page"], || {
        assert_eq!(pages.sweep(1_000), 1);
        7
    });
    assert_eq!(pages.get(&7), Some(7));
}

type Hook = (u32, Box<dyn FnOnce()>);

thread_local! {
    /// Runs when this thread hashes a `Hooked` for the second time from now.
    static AT_SECOND_HASH: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Hooked(u32);

impl Hash for Hooked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        let due = AT_SECOND_HASH.with_borrow_mut(|hook| {
            let (hashes, _) = hook.as_mut()?;
            *hashes += 1;
            if *hashes == 2 { hook.take() } else { None }
        });
        if let Some((_, run)) = due {
            run();
        }
    }
}

/// Two find a dead entry; one removes it and loads, while the other is about to remove it.
#[test]
fn who_comes_too_late_to_remove_a_dead_entry_does_not_spoil_the_load() {
    let pages: TaggedCache<Hooked, u32, &str> = TaggedCache::new(Cache::new(100));
    pages.insert(Hooked(7), 1, pages.tags().ticket([&"user"]));
    pages.invalidate_tag(&"user");
    let (loading, late) = (Arc::new(Barrier::new(2)), Barrier::new(2));
    let (start, starts) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        let (pages, late) = (&pages, &late);
        let its_loading = Arc::clone(&loading);
        let loader = scope.spawn(move || {
            starts.recv().expect("a dead entry is removed");
            pages.get_with(Hooked(7), [&"user"], || {
                its_loading.wait();
                late.wait();
                2
            })
        });
        AT_SECOND_HASH.set(Some((
            0,
            Box::new(move || {
                start.send(()).expect("it waits");
                loading.wait();
            }),
        )));
        assert_eq!(pages.get(&Hooked(7)), None);
        assert!(AT_SECOND_HASH.take().is_none(), "nothing was removed");
        late.wait();
        assert_eq!(loader.join().expect("loads"), 2);
    });
    assert_eq!(pages.get(&Hooked(7)), Some(2));
}

#[test]
fn a_miss_is_counted_once() {
    let pages: TaggedCache<u32, u32, &str> =
        TaggedCache::new(Cache::builder(100).record_stats().build());
    pages.get_with(1, [&"page"], || 1);
    assert_eq!(
        pages.try_get_with(2, [&"page"], || Ok::<_, ()>(2)).ok(),
        Some(2)
    );
    let stats = pages.cache().stats();
    assert_eq!((stats.hits, stats.misses), (0, 2));
}
