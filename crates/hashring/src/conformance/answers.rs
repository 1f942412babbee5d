//! Properties of answers under one membership.

use super::draw::{self, Draw};
use super::subject::{Case, Subject};
use crate::{Membership, NodeId, NodeIdx, Weight};
use alloc::vec;
use alloc::vec::Vec;

/// Two placements of the same members answer the same.
#[track_caller]
pub fn determinism(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "determinism",
        seed,
    };
    let mut draw = Draw::new(subject, seed).located();
    let members = draw.members();
    let one = subject.build(case, members.clone());
    let other = subject.build(case, members);
    for key in draw.keys(500) {
        let what = format_args!("owner of {key:?} in a twin");
        case.equal(&other.owner(key), &one.owner(key), what);
        let [mut a, mut b] = [[NodeIdx(u32::MAX); 4]; 2];
        let counts = (other.replicas(key, &mut a), one.replicas(key, &mut b));
        case.equal(&counts.0, &counts.1, format_args!("replicas of {key:?}"));
        case.equal(&a, &b, format_args!("replicas of {key:?} in a twin"));
    }
}

/// Replicas are distinct nodes that take keys, as many as are asked for or as there are; the first
/// is the owner; and fewer replicas are the first of more.
#[track_caller]
pub fn replicas_begin_with_the_owner(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "replicas_begin_with_the_owner",
        seed,
    };
    for mut draw in [Draw::new(subject, seed), Draw::new(subject, seed).located()] {
        let placement = some_drained(&mut draw, subject, case);
        let active = draw::active(&*placement);
        for key in draw.keys(100) {
            let most = draw::replicas(&*placement, key, active + 2);
            let what = format_args!("number of replicas of {key:?} among {active} nodes");
            case.equal(&most.len(), &active, what);
            let what = format_args!("first replica of {key:?}");
            let owner = draw::owner(&*placement, key);
            case.equal(&most.first().copied(), &owner, what);
            for (at, id) in most.iter().enumerate() {
                case.check(
                    !most[..at].contains(id) && takes_keys(&*placement, *id),
                    format_args!(
                        "{id} is among the replicas of {key:?} twice or drained: {most:?}"
                    ),
                );
            }
            for count in [0, 1, 2, 3, active / 2] {
                let count = count.min(active);
                let what = format_args!("{count} replicas of {key:?}");
                let fewer = draw::replicas(&*placement, key, count);
                case.equal(&&fewer[..], &&most[..count], what);
            }
        }
    }
}

/// `owner_where` follows one order over the nodes that take keys, the same for every question, and
/// the owner is the first in it. It asks about these nodes only.
#[track_caller]
pub fn preference_agrees(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "preference_agrees",
        seed,
    };
    let mut draw = Draw::new(subject, seed).located();
    let placement = some_drained(&mut draw, subject, case);
    let active = draw::active(&*placement);
    for key in draw.keys(40) {
        let anyone = placement.owner_where(key, &mut |_| true);
        let what = format_args!("owner_where that accepts all, for {key:?}");
        case.equal(&anyone, &placement.owner(key), what);
        let order = draw::preference(&*placement, key);
        let what = format_args!("number of nodes in the preference of {key:?}");
        case.equal(&order.len(), &active, what);
        for _ in 0..10 {
            let accepted: Vec<NodeIdx> = (order.iter().copied())
                .filter(|_| draw.below(order.len()) < 2)
                .collect();
            let mut asked = vec![];
            let found = placement.owner_where(key, &mut |node| {
                asked.push(node);
                accepted.contains(&node)
            });
            let what = format_args!("the first of {accepted:?} for {key:?}, in order {order:?}");
            case.equal(&found, &accepted.first().copied(), what);
            for node in asked {
                case.check(
                    order.contains(&node),
                    format_args!("for {key:?} it asked about {node}, which takes no keys"),
                );
            }
        }
    }
}

/// A node of weight 0 is a member and owns nothing; with its weight back, it owns what it did
/// before. With all nodes drained, nobody owns anything.
#[track_caller]
pub fn drain(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "drain",
        seed,
    };
    let mut draw = Draw::new(subject, seed).located();
    let mut placement = subject.build(case, draw.members());
    let keys = draw.keys(300);
    let before = draw::owners(&*placement, &keys);
    let members: Vec<(NodeId, Weight)> = (placement.roster().iter())
        .map(|member| (member.id, member.weight))
        .collect();
    for &(id, _) in &members {
        set_weight(case, &mut *placement, id, Weight::DRAIN);
        for &key in &keys {
            let replicas = draw::replicas(&*placement, key, members.len());
            case.check(
                draw::owner(&*placement, key) != Some(id) && !replicas.contains(&id),
                format_args!("{key:?} belongs to {id}, which is drained"),
            );
        }
    }
    for &key in &keys {
        let nobody = placement.owner_where(key, &mut |_| true);
        case.equal(
            &nobody,
            &None,
            format_args!("owner of {key:?}, all drained"),
        );
        let none = draw::replicas(&*placement, key, 2);
        case.equal(&none, &vec![], format_args!("replicas of {key:?}"));
    }
    for &(id, weight) in members.iter().rev() {
        set_weight(case, &mut *placement, id, weight);
    }
    if subject.capabilities().history_independent {
        let after = draw::owners(&*placement, &keys);
        case.check(
            before == after,
            format_args!("keys did not return to nodes that were drained for a while"),
        );
    }
}

/// A placement of some members, one of which is drained where that is possible.
#[track_caller]
fn some_drained(
    draw: &mut Draw<'_>,
    subject: &Subject<'_>,
    case: Case,
) -> alloc::boxed::Box<dyn Membership<Node = u64>> {
    let mut members = draw.members();
    if subject.capabilities().drain {
        let at = draw.below(members.len());
        members[at].weight = Weight::DRAIN;
    }
    subject.build(case, members)
}

#[track_caller]
pub(super) fn set_weight(
    case: Case,
    placement: &mut dyn Membership<Node = u64>,
    id: NodeId,
    weight: Weight,
) {
    if let Err(reason) = placement.set_weight(id, weight) {
        case.fail(format_args!("{id} cannot have weight {weight}: {reason}"));
    }
    placement.check_invariants();
}

fn takes_keys(placement: &dyn Membership<Node = u64>, id: NodeId) -> bool {
    let index = placement.roster().find(id);
    index
        .and_then(|index| placement.roster().get(index))
        .is_some_and(|member| !member.weight.is_drain())
}
