//! One change that is asked for, and what came of it.

use super::subject::Case;
use crate::{Member, MembershipError, NodeId, Weight};
use core::fmt;

/// One change that is asked for.
///
/// ```
/// use purlin_hashring::conformance::Step;
/// use purlin_hashring::{Member, NodeId, Weight};
///
/// assert_eq!(Step::Add(Member::new(3)).to_string(), "add n3 of weight 1");
/// assert_eq!(Step::Remove(NodeId(3)).to_string(), "remove n3");
/// assert_eq!(Step::SetWeight(NodeId(3), Weight::DRAIN).to_string(), "set_weight n3 to 0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// [`Membership::add`](crate::Membership::add).
    Add(Member<u64>),
    /// [`Membership::remove`](crate::Membership::remove).
    Remove(NodeId),
    /// [`Membership::set_weight`](crate::Membership::set_weight).
    SetWeight(NodeId, Weight),
}

impl Step {
    /// The node that it is about.
    pub(super) fn id(&self) -> NodeId {
        match self {
            Self::Add(member) => NodeId(member.node),
            Self::Remove(id) | Self::SetWeight(id, _) => *id,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id();
        match self {
            Self::Add(member) => write!(f, "add {id} of weight {}", member.weight),
            Self::Remove(_) => write!(f, "remove {id}"),
            Self::SetWeight(_, weight) => write!(f, "set_weight {id} to {weight}"),
        }
    }
}

/// What a placement has just done.
#[derive(Clone, Copy, Debug)]
pub(super) enum After<'a> {
    /// It was built.
    Build,
    /// It made a step.
    Made(&'a Step),
    /// It had nothing to do: the weight was that already.
    Nothing(&'a Step),
    /// It refused a step.
    Refused(&'a Step, &'a MembershipError),
}

impl After<'_> {
    pub(super) fn is_made(self) -> bool {
        matches!(self, Self::Made(_))
    }

    /// What the epoch must have done.
    pub(super) fn epoch_rule(self) -> &'static str {
        match self {
            Self::Build | Self::Made(_) => "a change that is made moves it by one",
            Self::Nothing(_) => "what changes nothing leaves it as it was",
            Self::Refused(..) => "what is refused leaves it as it was",
        }
    }
}

impl fmt::Display for After<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build => f.write_str("once built"),
            Self::Made(step) => write!(f, "after {step}"),
            Self::Nothing(step) => write!(f, "after {step}, which it has"),
            Self::Refused(step, reason) => write!(f, "after {step}, refused since {reason}"),
        }
    }
}

/// A point in a history: what a failure there is told with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) case: Case,
    pub(super) after: After<'a>,
}

impl Moment<'_> {
    #[track_caller]
    pub(super) fn check(self, holds: bool, what: fmt::Arguments<'_>) {
        let Self { case, after } = self;
        case.check(holds, format_args!("{after}: {what}"));
    }

    #[track_caller]
    pub(super) fn equal<V: PartialEq + fmt::Debug>(
        self,
        found: &V,
        expected: &V,
        what: fmt::Arguments<'_>,
    ) {
        let Self { case, after } = self;
        case.equal(found, expected, format_args!("{after}: {what}"));
    }
}
