//! The property tests of a placement, as functions over its constructor: for the algorithms of this
//! crate and for your own.
//!
//! A property takes a [`Subject`], which builds the placement and says what it promises, and a
//! seed, which decides members, keys and changes. It panics where the property does not hold, with
//! a message that names the property, the seed, and the key or change. The same seed does the same
//! again. [`all`] runs every property that the subject's [`Capabilities`] promise.
//!
//! | property | what holds | promised by |
//! |---|---|---|
//! | [`determinism`] | the same members give the same answers | all |
//! | [`replicas_begin_with_the_owner`] | replicas are distinct, active, as many as there can be; fewer are the first of more | all |
//! | [`preference_agrees`] | `owner_where` is one order over all active nodes, which begins with the owner | all |
//! | [`churn`] | after any change the members are a naive model's, and a refused one leaves no trace | all |
//! | [`bad_input`] | duplicates, unknown nodes and impossible weights are refused by name | all |
//! | [`drain`] | a drained node owns nothing, and takes its keys back afterwards | `drain` |
//! | [`minimal_add`] | a new node takes keys, and no other key moves | `minimal_add` |
//! | [`minimal_remove`] | a removed node's keys move, and no other | `minimal_remove` |
//! | [`minimal_reweight`] | as a new node, or a removed one, for a part of its keys | `weighted` and both |
//! | [`spread`] | replicas are balanced over zones, racks and hosts | `spread` |
//! | [`minimal_replicas`] | for a replica that goes one comes in; other nodes go without a trace | `minimal_replicas` |
//! | [`replicas_follow_preference`] | replicas are chosen by preference and, with `spread`, by zones: read naively | `minimal_replicas` |
//! | [`preference_foretells`] | the next in preference is the next owner | `minimal_replicas` |
//! | [`history_independence`] | any history that leads to the same members gives the same answers | `history_independent` |
//! | [`ranges`] | ranges cover all hashes, each once, and what is in one range has one owner | `ranged`: call it with a placement |
//! | [`balance`] | no node owns more than its share, within a tolerance | call it with yours |
//!
//! A [`History`] is a placement with the naive model beside it, to drive step by step from a
//! fuzzer.
//!
//! # Which error is expected
//!
//! A change that cannot be made is refused with the [`MembershipError`](crate::MembershipError)
//! that says why. Where two of them are true, one precedes: whether the node is a member
//! (`Duplicate`, `Unknown`) goes before what the algorithm cannot do (`Unweighted`, `NotLast`), so
//! that a known node of an impossible weight is a `Duplicate`; and to set the weight that a node
//! has is never refused. Only a limit (`TooManyNodes`, `TooManyPoints`) may be named instead of
//! `Unweighted`. The name of the algorithm is not compared. Of several faults in a list, the
//! constructor may name any.
//!
//! # Example
//!
//! Mod-N hashing, the placement that everybody writes first, knows no weights and no zones, and
//! moves nearly all keys with every change. It promises only that any node can be removed; [`all`]
//! tests that and what every placement owes.
//!
//! ```
//! use purlin_hashring::conformance::{self, Subject};
//! use purlin_hashring::{
//!     BuildError, Capabilities, Epoch, KeyHash, Member, Membership, MembershipError, NodeId,
//!     NodeIdx, Placement, Preference, Refused, Roster, Weight,
//! };
//!
//! struct Modulo {
//!     roster: Roster<u64>,
//!     epoch: Epoch,
//! }
//!
//! impl Modulo {
//!     fn new(members: Vec<Member<u64>>) -> Result<Self, BuildError> {
//!         for (position, member) in members.iter().enumerate() {
//!             check_weight(NodeId(member.node), member.weight)
//!                 .map_err(|reason| BuildError::Member { position, reason })?;
//!         }
//!         Ok(Self { roster: Roster::of(members)?, epoch: Epoch::default() })
//!     }
//!
//!     /// All nodes, beginning with the owner.
//!     fn walk(&self, key: KeyHash) -> impl Iterator<Item = NodeIdx> {
//!         let len = self.roster.len();
//!         let first = (key.0 % len.max(1) as u64) as usize;
//!         let twice = self.roster.iter().chain(self.roster.iter());
//!         twice.map(|member| member.index).skip(first).take(len)
//!     }
//! }
//!
//! /// All nodes are alike.
//! fn check_weight(id: NodeId, weight: Weight) -> Result<(), MembershipError> {
//!     if weight == Weight::ONE {
//!         return Ok(());
//!     }
//!     Err(MembershipError::Unweighted { id, weight, algorithm: "modulo" })
//! }
//!
//! impl Placement for Modulo {
//!     type Node = u64;
//!
//!     fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
//!         self.walk(key).next()
//!     }
//!
//!     fn replicas(&self, key: KeyHash, out: &mut [NodeIdx]) -> usize {
//!         out.iter_mut().zip(self.walk(key)).map(|(slot, node)| *slot = node).count()
//!     }
//!
//!     fn node(&self, index: NodeIdx) -> Option<&u64> {
//!         Some(self.roster.get(index)?.node)
//!     }
//!
//!     fn len(&self) -> usize {
//!         self.roster.len()
//!     }
//!
//!     fn epoch(&self) -> Epoch {
//!         self.epoch
//!     }
//! }
//!
//! impl Preference for Modulo {
//!     fn owner_where(
//!         &self,
//!         key: KeyHash,
//!         accept: &mut dyn FnMut(NodeIdx) -> bool,
//!     ) -> Option<NodeIdx> {
//!         self.walk(key).find(|&node| accept(node))
//!     }
//! }
//!
//! impl Membership for Modulo {
//!     fn add(&mut self, member: Member<u64>) -> Result<NodeIdx, Refused<u64>> {
//!         let id = NodeId(member.node);
//!         // A node that is a member already is refused as such, whatever its weight: by `join`.
//!         if self.roster.find(id).is_none()
//!             && let Err(reason) = check_weight(id, member.weight)
//!         {
//!             return Err(Refused { member, reason });
//!         }
//!         let index = self.roster.join(member)?;
//!         self.epoch = self.epoch.next();
//!         Ok(index)
//!     }
//!
//!     fn remove(&mut self, id: NodeId) -> Result<Member<u64>, MembershipError> {
//!         let member = self.roster.leave(id)?;
//!         self.epoch = self.epoch.next();
//!         Ok(member)
//!     }
//!
//!     fn set_weight(&mut self, id: NodeId, weight: Weight) -> Result<Weight, MembershipError> {
//!         if self.roster.find(id).is_none() {
//!             return Err(MembershipError::Unknown { id });
//!         }
//!         check_weight(id, weight)?;
//!         Ok(Weight::ONE) // which it had, so that nothing changed
//!     }
//!
//!     fn roster(&self) -> &Roster<u64> {
//!         &self.roster
//!     }
//!
//!     fn check_invariants(&self) {}
//! }
//!
//! let mut promises = Capabilities::NONE;
//! promises.arbitrary_removal = true;
//! let modulo = Subject::new(promises, |members| {
//!     Ok(Box::new(Modulo::new(members)?))
//! });
//! conformance::balance(&modulo, 1, 0.0);
//! conformance::all(&modulo, 1);
//! ```

mod answers;
mod bad_input;
mod balance;
mod churn;
mod draw;
mod history;
mod model;
mod movement;
mod ranges;
mod refusal;
mod spread;
mod step;
mod subject;

pub use answers::{determinism, drain, preference_agrees, replicas_begin_with_the_owner};
pub use bad_input::bad_input;
pub use balance::balance;
pub use churn::{churn, history_independence};
pub use history::History;
pub use movement::{
    minimal_add, minimal_remove, minimal_replicas, minimal_reweight, preference_foretells,
};
pub use ranges::ranges;
pub use spread::{replicas_follow_preference, spread};
pub use step::Step;
pub use subject::{Build, Subject};

use crate::Capabilities;

/// Runs every property that the subject promises, except [`balance`], which needs a tolerance, and
/// [`ranges`], which needs the placement itself.
pub fn all(subject: &Subject<'_>, seed: u64) {
    determinism(subject, seed);
    replicas_begin_with_the_owner(subject, seed);
    preference_agrees(subject, seed);
    churn(subject, seed);
    bad_input(subject, seed);
    let can: Capabilities = subject.capabilities();
    if can.spread {
        spread(subject, seed);
    }
    if can.drain {
        drain(subject, seed);
    }
    if can.minimal_add {
        minimal_add(subject, seed);
    }
    if can.minimal_remove {
        minimal_remove(subject, seed);
    }
    if can.weighted && can.minimal_add && can.minimal_remove {
        minimal_reweight(subject, seed);
    }
    if can.minimal_replicas {
        minimal_replicas(subject, seed);
        replicas_follow_preference(subject, seed);
        preference_foretells(subject, seed);
    }
    if can.history_independent {
        history_independence(subject, seed);
    }
}
