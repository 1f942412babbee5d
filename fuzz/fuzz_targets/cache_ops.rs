//! Any calls of both caches under every policy, against a map that hears the listener: what came in is here, or left for
//! a reason that holds.
#![no_main]

#[path = "cache_ops/caches.rs"]
mod caches;
#[path = "cache_ops/model.rs"]
mod model;

use arbitrary::{Arbitrary, Result, Unstructured};
use caches::Caches;
use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use model::Model;
use purlin_cache::expiry::Expiry;
use purlin_cache::policy::Policy;
use purlin_cache::registry::{AnyPolicy, VARIANTS};
use purlin_cache::{Builder, RemovalCause};
use purlin_core::time::{Instant, ManualClock};
use std::sync::{Arc, Mutex};

#[derive(Arbitrary, Debug)]
struct Case {
    concurrent: bool,
    shards: u8,
    policy: u8,
    capacity: u8,
    weighted: bool,
    /// Of a time to live, a time to idle, and an `Expiry`, those whose bit is set.
    lives: u8,
    calls: Vec<Call>,
}

/// One of few, so that calls meet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(pub(crate) u8);

impl<'a> Arbitrary<'a> for Key {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(u8::arbitrary(bytes)? % 40))
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Call {
    Get(Key),
    GetMany([Key; 3]),
    Peek(Key),
    Insert(Key, u8),
    InsertLiving(Key, u8, u16),
    Load(Key, u8),
    Remove(Key),
    Invalidate(Key),
    InvalidateIf(u8),
    InvalidateAll,
    Resize(u8),
    Pin(Key),
    Unpin(Key),
    Pass(u16),
    PassLong(u32),
    RunPending,
}

/// Lives of all entries, in milliseconds; those of an `Expiry` depend on the value.
pub(crate) const TIME_TO_LIVE: Duration = Duration::from_millis(300);
pub(crate) const TIME_TO_IDLE: Duration = Duration::from_millis(128);

/// What a value weighs.
pub(crate) fn weight(value: u64) -> u64 {
    (value % 16).max(1)
}

/// How long it lives, by an `Expiry`: nothing after some, and for ever after others.
pub(crate) fn life(value: u64, occasion: u64) -> Option<Duration> {
    match (value + 5 * occasion) % 7 {
        0 => None,
        part => Some(Duration::from_millis((part - 1) * 100)),
    }
}

struct ByValue;

impl Expiry<u8, u64> for ByValue {
    fn expire_after_create(&self, _: &u8, value: &u64, _: Instant) -> Option<Duration> {
        life(*value, 0)
    }

    fn expire_after_update(
        &self,
        _: &u8,
        value: &u64,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        life(*value, 1)
    }

    fn expire_after_read(
        &self,
        _: &u8,
        value: &u64,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        life(*value, 2)
    }
}

fn policy_of(number: u8, entries: usize) -> AnyPolicy {
    let variant = &VARIANTS[usize::from(number) % VARIANTS.len()];
    variant.algorithm.build(entries, 42)
}

type Told = Arc<Mutex<Vec<(u8, u64, RemovalCause)>>>;

fn builder(case: &Case, clock: ManualClock) -> (Told, Builder<u8, u64, AnyPolicy>) {
    let told = Told::default();
    let teller = Arc::clone(&told);
    let number = case.policy;
    let mut builder = Builder::new(case.capacity.into())
        .policy(move |entries| policy_of(number, entries))
        .clock(clock)
        .shards(usize::from(case.shards % 5))
        .eviction_listener(move |key, value, cause| {
            teller.lock().expect("no panic").push((*key, value, cause));
        });
    if case.weighted {
        builder = builder.weigher(|_, value| weight(*value));
    }
    if case.lives & 1 != 0 {
        builder = builder.time_to_live(TIME_TO_LIVE);
    }
    if case.lives & 2 != 0 {
        builder = builder.time_to_idle(TIME_TO_IDLE);
    }
    if case.lives & 4 != 0 {
        builder = builder.expire_after(ByValue);
    }
    (told, builder)
}

fuzz_target!(|case: Case| {
    let clock = ManualClock::new();
    let (told, builder) = builder(&case, clock.clone());
    let mut model = Model::new(&case, policy_of(case.policy, 8).rejects());
    let mut cache: Box<dyn Caches> = if case.concurrent {
        Box::new(builder.build())
    } else {
        Box::new(builder.build_unsync())
    };
    for call in case.calls.iter().take(256) {
        model.step(&mut *cache, &clock, *call, &told);
    }
    cache.invalidate_all();
    cache.run_pending();
    model.end(&*cache, &told);
});
