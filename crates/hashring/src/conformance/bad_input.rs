//! What must be refused.

use super::draw::{self, Draw};
use super::history::History;
use super::step::Step;
use super::subject::{Case, Subject};
use crate::{Member, NodeId, Weight};

/// Duplicates, unknown nodes and weights that the placement cannot have are refused, by the
/// constructor and by every change, and leave members, epoch and owners as they were.
///
/// That a node is a member already ([`Duplicate`](crate::MembershipError::Duplicate)) precedes what
/// the algorithm cannot do with it: a known node of an impossible weight is a duplicate. Of several
/// faults in a list, the constructor may name any.
///
/// Huge weights are made or refused, as the placement's limits have it.
#[track_caller]
pub fn bad_input(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "bad_input",
        seed,
    };
    let mut draw = Draw::new(subject, seed).located();
    let members = draw.members();
    let known = members[draw.below(members.len())].clone();
    let unknown = draw.member();

    let mut twins = members.clone();
    twins.insert(draw.below(members.len() + 1), known.clone());
    case.check(
        History::start(subject, twins, case).is_err(),
        format_args!("two members of one identity were accepted"),
    );
    for weight in [0, 2] {
        // The history says whether this may be accepted.
        let weighed = unknown.clone().weight(weight);
        let mut list = members.clone();
        list.push(weighed);
        _ = History::start(subject, list, case);
    }

    let Ok(mut history) = History::start(subject, members, case) else {
        case.fail(format_args!("good members were refused"));
    };
    let id = NodeId(known.node);
    let stranger = NodeId(unknown.node);
    history.step(&Step::Add(known));
    history.step(&Step::Add(Member::new(id.0).weight(Weight::MAX)));
    history.step(&Step::Remove(stranger));
    for weight in [Weight::DRAIN, Weight::ONE, Weight::new(2), Weight::MAX] {
        history.step(&Step::SetWeight(stranger, weight));
        history.step(&Step::SetWeight(id, weight));
        history.step(&Step::Add(unknown.clone().weight(weight)));
        history.step(&Step::Remove(stranger));
    }
    history.step(&Step::Remove(id));
    history.step(&Step::Remove(id));
    // And with nobody left.
    while let Some(last) = draw::placement_last(history.placement()) {
        history.step(&Step::Remove(last));
    }
    history.step(&Step::Remove(id));
    history.step(&Step::SetWeight(id, Weight::ONE));
}
