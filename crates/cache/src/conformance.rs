//! The property tests of an eviction policy, as functions over its constructor: for the policies of this
//! crate and for your own.
//!
//! A property takes a [`Subject`], which builds the policy for a capacity and says what it promises, and a
//! seed, which decides capacities and requests. It panics where the property does not hold, with
//! a message that names the property, the seed, the step and what is wrong. The same seed does the same
//! again. Where the policy itself panics, [`all`] tells the property and the seed with its message (feature `std`, and
//! where panics unwind); a property that is called by itself lets the panic through. [`all`] runs every property that the
//! subject's [`Capabilities`](crate::Capabilities) promise, in a few milliseconds: run it with some hundred seeds.
//!
//! | property | what holds | promised by |
//! |---|---|---|
//! | [`churn`] | what leaves was there and is gone, and the policy holds just the entries that are left | all |
//! | [`collisions`] | the same where keys have equal hashes, or odd ones | all |
//! | [`capacity_changes`] | the same while the capacity becomes more, less, one, none | all |
//! | [`overfull`] | the same with many more entries than the policy was told of | all |
//! | [`great_capacity`] | the same with a capacity that nothing fills: memory is for the entries that are here | all |
//! | [`determinism`] | built alike and driven alike, it chooses alike; to look at it changes nothing | all |
//! | [`shared_hits`] | `hit_shared` does what `hit` does | `shares_hits` |
//! | [`relocation`] | which slots entries are in changes no decision | `ignores_slots` |
//! | [`hashes_do_not_matter`] | hashes change no decision | all but `remembers` |
//! | [`order`] | the entry that is shown first leaves next | `exact_order` |
//! | [`hot_key_stays`] | a key that is hit between any two misses of a scan stays | `hot_key_stays` |
//! | [`constant_work`] | requests of a large cache take no longer than those of a small one | call it with a clock |
//! | [`steady_state`] | a full cache under requests, to count its allocations | call it with your counter |
//!
//! A [`History`] is a policy in a naive cache, to drive step by step from a fuzzer.
//!
//! # Example
//!
//! First in, first out, as one may write it first. It never looks at a hit, so that no hot key stays; what
//! else a policy can promise, it does.
//!
//! ```
//! use purlin_cache::Capabilities;
//! use purlin_cache::conformance::{self, Subject};
//! use purlin_cache::policy::{Policy, Slot};
//! use std::collections::VecDeque;
//!
//! #[derive(Default)]
//! struct Queue(VecDeque<Slot>);
//!
//! impl Policy for Queue {
//!     fn insert(&mut self, slot: Slot, _hash: u64) {
//!         self.0.push_back(slot);
//!     }
//!
//!     fn hit(&mut self, _slot: Slot, _hash: u64) {}
//!
//!     fn evict(&mut self) -> Option<Slot> {
//!         self.0.pop_front()
//!     }
//!
//!     fn remove(&mut self, slot: Slot, _hash: u64) {
//!         self.0.retain(|other| *other != slot);
//!     }
//!
//!     fn relocate(&mut self, from: Slot, to: Slot) {
//!         if let Some(slot) = self.0.iter_mut().find(|slot| **slot == from) {
//!             *slot = to;
//!         }
//!     }
//!
//!     fn set_capacity(&mut self, _entries: usize) {}
//!
//!     fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
//!         self.0.iter().copied().for_each(visit);
//!     }
//!
//!     fn len(&self) -> usize {
//!         self.0.len()
//!     }
//! }
//!
//! let mut promises = Capabilities::NONE;
//! promises.exact_order = true;
//! promises.ignores_slots = true;
//! let queue = Subject::new(promises, |_capacity| Queue::default());
//! for seed in 0..10 {
//!     conformance::all(&queue, seed);
//! }
//! ```

mod draw;
mod history;
mod order;
mod presence;
mod step;
mod subject;
mod twins;
mod work;

pub use history::History;
pub use order::{hot_key_stays, order};
pub use presence::{capacity_changes, churn, collisions, great_capacity, overfull};
pub use step::{Outcome, Step};
pub use subject::Subject;
pub use twins::{determinism, hashes_do_not_matter, relocation, shared_hits};
pub use work::{constant_work, steady_state};

use subject::Case;

/// Runs every property that the subject promises, except [`constant_work`], which needs a clock.
///
/// # Panics
///
/// Where one does not hold.
#[track_caller]
pub fn all(subject: &Subject<'_>, seed: u64) {
    let can = subject.capabilities();
    let properties: [(&str, bool, Property); 11] = [
        ("churn", true, churn),
        ("collisions", true, collisions),
        ("capacity_changes", true, capacity_changes),
        ("overfull", true, overfull),
        ("great_capacity", true, great_capacity),
        ("determinism", true, determinism),
        ("shared_hits", can.shares_hits, shared_hits),
        ("relocation", can.ignores_slots, relocation),
        ("hashes_do_not_matter", !can.remembers, hashes_do_not_matter),
        ("order", can.exact_order, order),
        ("hot_key_stays", can.hot_key_stays, hot_key_stays),
    ];
    for (property, promised, run) in properties {
        if promised {
            Case { property, seed }.guard(|| run(subject, seed));
        }
    }
}

type Property = fn(&Subject<'_>, u64);
