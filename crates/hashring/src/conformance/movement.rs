//! Which keys move when the members change.

use super::answers::set_weight;
use super::draw::{self, Draw};
use super::subject::{Case, Subject};
use crate::{KeyHash, Membership, NodeId, Weight};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How many keys are followed. A node of the least share owns some of them beyond any doubt.
const KEYS: usize = 4_000;

/// A placement, keys, and the owners of these.
struct Trial<'a> {
    case: Case,
    draw: Draw<'a>,
    placement: Box<dyn Membership<Node = u64>>,
    keys: Vec<KeyHash>,
    owners: Vec<Option<NodeId>>,
}

impl<'a> Trial<'a> {
    #[track_caller]
    fn new(subject: &'a Subject<'a>, case: Case) -> Self {
        let mut draw = Draw::new(subject, case.seed);
        let placement = subject.build(case, draw.members());
        let keys = draw.keys(KEYS);
        Self {
            owners: draw::owners(&*placement, &keys),
            case,
            draw,
            placement,
            keys,
        }
    }

    /// Any member that can be removed.
    fn leaver(&mut self, subject: &Subject<'_>) -> NodeId {
        let members: Vec<_> = self.placement.roster().iter().map(|m| m.id).collect();
        if subject.capabilities().arbitrary_removal {
            members[self.draw.below(members.len())]
        } else {
            members[members.len() - 1]
        }
    }

    #[track_caller]
    fn add(&mut self) -> NodeId {
        let member = self.draw.member();
        let id = NodeId(member.node);
        if let Err(refused) = self.placement.add(member) {
            self.case
                .fail(format_args!("a good member was refused: {refused}"));
        }
        id
    }

    #[track_caller]
    fn remove(&mut self, id: NodeId) {
        if let Err(reason) = self.placement.remove(id) {
            self.case.fail(format_args!("{id} cannot go: {reason}"));
        }
    }

    /// That keys moved to this node only, and some did unless `perhaps`.
    #[track_caller]
    fn only_to(&mut self, id: NodeId, perhaps: bool) {
        self.moved(id, "to", perhaps, |_, after| after);
    }

    /// That keys moved from this node only, and some did unless `perhaps`.
    #[track_caller]
    fn only_from(&mut self, id: NodeId, perhaps: bool) {
        self.moved(id, "from", perhaps, |before, _| before);
    }

    #[track_caller]
    fn moved(
        &mut self,
        id: NodeId,
        way: &str,
        perhaps: bool,
        end: impl Fn(Option<NodeId>, Option<NodeId>) -> Option<NodeId>,
    ) {
        let after = draw::owners(&*self.placement, &self.keys);
        let mut count = 0;
        for (at, &key) in self.keys.iter().enumerate() {
            let (old, new) = (self.owners[at], after[at]);
            if old != new {
                count += 1;
                self.case.check(
                    end(old, new) == Some(id),
                    format_args!("{key:?} moved from {old:?} to {new:?}, though not {way} {id}"),
                );
            }
        }
        self.case.check(
            perhaps || count > 0,
            format_args!("of {} keys none moved {way} {id}", self.keys.len()),
        );
        self.owners = after;
    }
}

/// A node that comes takes keys from the others, and no other key moves.
#[track_caller]
pub fn minimal_add(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "minimal_add",
        seed,
    };
    let mut trial = Trial::new(subject, case);
    for _ in 0..subject.most_nodes() - trial.placement.len() {
        let id = trial.add();
        trial.only_to(id, false);
    }
}

/// A node that goes gives its keys to the others, and no other key moves; down to the last node.
#[track_caller]
pub fn minimal_remove(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "minimal_remove",
        seed,
    };
    let mut trial = Trial::new(subject, case);
    while !trial.placement.is_empty() {
        let id = trial.leaver(subject);
        trial.remove(id);
        trial.only_from(id, false);
    }
}

/// A node whose weight grows takes keys from the others, one whose weight shrinks gives some to
/// them, and no other key moves.
#[track_caller]
pub fn minimal_reweight(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "minimal_reweight",
        seed,
    };
    let mut trial = Trial::new(subject, case);
    for _ in 0..10 {
        let members: Vec<_> = trial
            .placement
            .roster()
            .iter()
            .map(|m| (m.id, m.weight))
            .collect();
        let (id, former) = members[trial.draw.below(members.len())];
        let weight = Weight::new(former.get() * 3);
        set_weight(case, &mut *trial.placement, id, weight);
        trial.only_to(id, false);
        set_weight(case, &mut *trial.placement, id, former);
        trial.only_from(id, false);
        let other = trial.draw.weight();
        set_weight(case, &mut *trial.placement, id, other);
        if other > former {
            trial.only_to(id, true);
        } else {
            trial.only_from(id, true);
        }
    }
}

/// A node that goes or comes changes the replicas of a key only where it is one of them, and then
/// by one node: it is replaced, or replaces another. With zones or without.
#[track_caller]
pub fn minimal_replicas(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "minimal_replicas",
        seed,
    };
    for mut draw in [Draw::new(subject, seed), Draw::new(subject, seed).located()] {
        let mut placement = subject.build(case, draw.members());
        let keys = draw.keys(100);
        for _ in 0..6 {
            let members: Vec<_> = placement.roster().iter().map(|m| m.id).collect();
            let count = 1 + draw.below(members.len());
            let sets = |placement: &dyn Membership<Node = u64>| -> Vec<Vec<NodeId>> {
                (keys.iter())
                    .map(|&key| draw::replicas(placement, key, count))
                    .collect()
            };
            let with = sets(&*placement);
            let leaver = members[draw.below(members.len())];
            let Ok(member) = placement.remove(leaver) else {
                case.fail(format_args!("{leaver} cannot go"));
            };
            let without = sets(&*placement);
            for (at, key) in keys.iter().enumerate() {
                let (with, without) = (&with[at], &without[at]);
                let lost: Vec<_> = with.iter().filter(|id| !without.contains(id)).collect();
                let holds = if with.contains(&leaver) {
                    lost == [&leaver]
                } else {
                    with == without
                };
                case.check(
                    holds,
                    format_args!(
                        "replicas of {key:?} are {with:?} with {leaver}, {without:?} without"
                    ),
                );
            }
            if placement.add(member).is_err() {
                case.fail(format_args!("{leaver} cannot come back"));
            }
            case.check(
                sets(&*placement) == with,
                format_args!("replicas differ after {leaver} went and came back"),
            );
        }
    }
}

/// The node that is next in a key's preference is the key's next owner, should the owner go.
#[track_caller]
pub fn preference_foretells(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "preference_foretells",
        seed,
    };
    let mut draw = Draw::new(subject, seed);
    let members = draw.members();
    for key in draw.keys(8) {
        let mut placement = subject.build(case, members.clone());
        let order: Vec<NodeId> = (draw::preference(&*placement, key).iter())
            .map(|&index| draw::id_at(&*placement, index))
            .collect();
        for (at, &id) in order.iter().enumerate() {
            let owner = draw::owner(&*placement, key);
            let what = format_args!("owner of {key:?} when {at} of {order:?} are gone");
            case.equal(&owner, &Some(id), what);
            if let Err(reason) = placement.remove(id) {
                case.fail(format_args!("{id} cannot go: {reason}"));
            }
        }
    }
}
