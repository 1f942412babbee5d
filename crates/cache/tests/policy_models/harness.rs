//! What every model is driven with: a tiny reference cache, and the comparison.

use core::fmt::Debug;
use proptest::collection::vec;
use proptest::prelude::*;
use purlin_cache::policy::{Policy, Slot};
use std::collections::HashMap;

/// A policy as its paper tells it, by keys. It is called as a [`Policy`] is.
pub(crate) trait Model: Clone + Debug {
    fn miss(&mut self, key: u64) {
        let _ = key;
    }
    fn insert(&mut self, key: u64);
    fn hit(&mut self, key: u64);
    fn evict(&mut self) -> Option<u64>;
    fn remove(&mut self, key: u64);
    fn set_capacity(&mut self, entries: usize) {
        let _ = entries;
    }

    /// All keys in the order in which they leave when nothing but evictions happens.
    fn order(&self) -> Vec<u64> {
        let mut rest = self.clone();
        core::iter::from_fn(|| rest.evict()).collect()
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Lookup(u64),
    Remove(u64),
    /// The cache has another capacity, and tells its policy.
    Resize(usize),
    /// The cache takes more or less than the policy was told, as one of weighted entries does.
    Stretch(usize),
}

/// A lookup that missed evicted these, or a resize did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) hit: bool,
    pub(crate) evicted: Vec<u64>,
}

/// A cache of keys: its slots are dense, so that the last entry moves when another leaves.
pub(crate) struct Cache<P> {
    pub(crate) policy: P,
    capacity: usize,
    keys: Vec<u64>,
    slots: HashMap<u64, Slot>,
}

/// A bijection: models know keys, and policies hashes.
pub(crate) fn hash(key: u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

impl<P: Policy> Cache<P> {
    pub(crate) fn new(policy: P, capacity: usize) -> Self {
        Self {
            policy,
            capacity,
            keys: Vec::new(),
            slots: HashMap::new(),
        }
    }

    pub(crate) fn apply(&mut self, op: Op) -> Outcome {
        let mut hit = false;
        let evicted = match op {
            Op::Lookup(key) => match self.slots.get(&key) {
                Some(slot) => {
                    hit = true;
                    self.policy.hit(*slot, hash(key));
                    Vec::new()
                }
                None => self.insert(key),
            },
            Op::Remove(key) => {
                if let Some(slot) = self.slots.get(&key).copied() {
                    self.policy.remove(slot, hash(key));
                    self.vacate(slot);
                }
                Vec::new()
            }
            Op::Resize(entries) => {
                self.policy.set_capacity(entries);
                self.capacity = entries;
                self.shrink_to(entries)
            }
            Op::Stretch(entries) => {
                self.capacity = entries;
                self.shrink_to(entries)
            }
        };
        assert!(self.keys.len() <= self.capacity);
        assert_eq!(self.policy.len(), self.keys.len());
        self.policy.check_invariants();
        Outcome { hit, evicted }
    }

    fn insert(&mut self, key: u64) -> Vec<u64> {
        self.policy.miss(hash(key));
        let Some(room) = self.capacity.checked_sub(1) else {
            return Vec::new();
        };
        let evicted = self.shrink_to(room);
        if self.keys.len() <= room {
            let slot = Slot(u32::try_from(self.keys.len()).expect("a small cache"));
            self.keys.push(key);
            self.slots.insert(key, slot);
            self.policy.insert(slot, hash(key));
        }
        evicted
    }

    fn shrink_to(&mut self, entries: usize) -> Vec<u64> {
        let mut evicted = Vec::new();
        while self.keys.len() > entries {
            let Some(slot) = self.policy.evict() else {
                assert!(self.policy.rejects(), "there were entries to evict");
                break;
            };
            evicted.push(self.vacate(slot));
        }
        evicted
    }

    fn vacate(&mut self, slot: Slot) -> u64 {
        let key = self.keys.swap_remove(slot.index());
        assert_eq!(self.slots.remove(&key), Some(slot));
        if let Some(moved) = self.keys.get(slot.index()) {
            let from = Slot(u32::try_from(self.keys.len()).expect("a small cache"));
            self.policy.relocate(from, slot);
            self.slots.insert(*moved, slot);
        }
        key
    }

    pub(crate) fn contains(&self, key: u64) -> bool {
        self.slots.contains_key(&key)
    }

    pub(crate) fn order(&self) -> Vec<u64> {
        let mut keys = Vec::new();
        self.policy
            .for_each_coldest(&mut |slot| keys.push(self.keys[slot.index()]));
        keys
    }
}

/// The same cache in the terms of a model.
struct Reference<M> {
    model: M,
    capacity: usize,
    keys: Vec<u64>,
}

impl<M: Model> Reference<M> {
    fn apply(&mut self, op: Op) -> Outcome {
        let mut hit = false;
        let mut evicted = Vec::new();
        match op {
            Op::Lookup(key) if self.keys.contains(&key) => {
                hit = true;
                self.model.hit(key);
            }
            Op::Lookup(key) => {
                self.model.miss(key);
                if self.capacity > 0 {
                    evicted = self.shrink_to(self.capacity - 1);
                    if self.keys.len() < self.capacity {
                        self.keys.push(key);
                        self.model.insert(key);
                    }
                }
            }
            Op::Remove(key) => {
                if self.keys.contains(&key) {
                    self.keys.retain(|other| *other != key);
                    self.model.remove(key);
                }
            }
            Op::Resize(entries) => {
                self.model.set_capacity(entries);
                self.capacity = entries;
                evicted = self.shrink_to(entries);
            }
            Op::Stretch(entries) => {
                self.capacity = entries;
                evicted = self.shrink_to(entries);
            }
        }
        Outcome { hit, evicted }
    }

    fn shrink_to(&mut self, entries: usize) -> Vec<u64> {
        let mut evicted = Vec::new();
        while self.keys.len() > entries {
            let Some(key) = self.model.evict() else {
                break;
            };
            self.keys.retain(|other| *other != key);
            evicted.push(key);
        }
        evicted
    }
}

/// Keys of a small world, some of them popular; now and then a removal or another size.
pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = prop_oneof![0..6_u64, 0..40_u64];
    let op = prop_oneof![
        30 => key.clone().prop_map(Op::Lookup),
        3 => key.prop_map(Op::Remove),
        1 => (0..24_usize).prop_map(Op::Resize),
        1 => (0..24_usize).prop_map(Op::Stretch),
    ];
    vec(op, 1..400)
}

/// Compares a policy with its model on random sequences, starting with capacities from 0 to 23.
pub(crate) fn compare<P: Policy, M: Model>(
    policy: impl Fn(usize) -> P,
    model: impl Fn(usize) -> M,
) {
    compare_orders(policy, model, |ours, theirs| assert_eq!(ours, theirs));
}

/// As [`compare`], for policies whose order is a guess: hits and victims must be the same, and what
/// `for_each_coldest` shows (first) is judged against the model's order (second).
pub(crate) fn compare_orders<P: Policy, M: Model>(
    policy: impl Fn(usize) -> P,
    model: impl Fn(usize) -> M,
    judge: impl Fn(&[u64], &[u64]),
) {
    proptest!(ProptestConfig::with_cases(500), |(entries in 0..24_usize, ops in ops())| {
        let mut ours = Cache::new(policy(entries), entries);
        let mut theirs = Reference { model: model(entries), capacity: entries, keys: Vec::new() };
        for (at, op) in ops.into_iter().enumerate() {
            let expected = theirs.apply(op);
            let got = ours.apply(op);
            prop_assert_eq!(&got, &expected, "operation {} was {:?}, then {:?}", at, op, theirs.model);
            judge(&ours.order(), &theirs.model.order());
        }
    });
}
