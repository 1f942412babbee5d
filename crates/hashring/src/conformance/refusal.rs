//! Which refusals are justified.

use super::subject::{Case, Subject};
use crate::{BuildError, Member, MembershipError, NodeId, Weight};
use alloc::string::ToString;

/// What an expected error calls the algorithm, whose name is not known here.
pub(super) const NAMELESS: &str = "this algorithm";

/// Why a node cannot have this weight, if it cannot.
pub(super) fn unweighted(
    subject: &Subject<'_>,
    id: NodeId,
    weight: Weight,
) -> Option<MembershipError> {
    let algorithm = NAMELESS;
    (!subject.can_weigh(weight)).then_some(MembershipError::Unweighted {
        id,
        weight,
        algorithm,
    })
}

/// Why the member at this position cannot be there, if it cannot: that it is not the first of its
/// name precedes that its weight is impossible.
pub(super) fn fault(
    subject: &Subject<'_>,
    members: &[Member<u64>],
    position: usize,
) -> Option<MembershipError> {
    let member = &members[position];
    let id = NodeId(member.node);
    if members[..position].iter().any(|m| m.node == member.node) {
        return Some(MembershipError::Duplicate { id });
    }
    unweighted(subject, id, member.weight)
}

#[track_caller]
pub(super) fn check_refused_list(
    subject: &Subject<'_>,
    case: Case,
    members: &[Member<u64>],
    error: &BuildError,
) {
    let BuildError::Member { position, reason } = error else {
        case.fail(format_args!("a list of members was refused: {error}"));
    };
    case.check(
        *position < members.len(),
        format_args!("no member has the position in: {error}"),
    );
    let id = NodeId(members[*position].node);
    let weight = members[*position].weight;
    let justified = match reason {
        MembershipError::Duplicate { id: found } => {
            let twin = members[..*position].iter().any(|m| NodeId(m.node) == id);
            *found == id && twin
        }
        MembershipError::Unweighted {
            id: found,
            weight: refused,
            ..
        } => *found == id && *refused == weight && !subject.can_weigh(weight),
        // There are too many if there is no room for the last.
        other => is_limit(other, members.len() - 1),
    };
    if !justified {
        let first = (0..members.len()).find_map(|position| {
            let reason = fault(subject, members, position)?;
            Some(BuildError::Member { position, reason })
        });
        let expected = first.map_or_else(|| "no error".into(), |first| first.to_string());
        case.fail(format_args!(
            "a list of members was refused without reason: {error}; expected: {expected}"
        ));
    }
}

/// Whether two reasons are the same, whatever the algorithm is called.
pub(super) fn is_same(found: &MembershipError, expected: &MembershipError) -> bool {
    use MembershipError::{NotLast, Unweighted};
    match (found, expected) {
        (
            Unweighted { id, weight, .. },
            Unweighted {
                id: other,
                weight: refused,
                ..
            },
        ) => (id, weight) == (other, refused),
        (
            NotLast { id, last, .. },
            NotLast {
                id: other,
                last: end,
                ..
            },
        ) => (id, last) == (other, end),
        _ => found == expected,
    }
}

/// Whether this is a limit that a placement of so many members has reached.
pub(super) fn is_limit(reason: &MembershipError, members: usize) -> bool {
    match *reason {
        MembershipError::TooManyNodes { limit } => members as u64 >= limit,
        MembershipError::TooManyPoints { points, limit } => points > limit,
        _ => false,
    }
}
