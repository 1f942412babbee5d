//! A naive membership: a table of members and the indices that they must have.

use super::refusal::{NAMELESS, unweighted};
use super::step::{Moment, Step};
use super::subject::Subject;
use crate::{Epoch, Member, Membership, MembershipError, NodeId, NodeIdx};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

/// The members that a placement should have.
#[derive(Clone)]
pub(super) struct Model {
    members: BTreeMap<NodeId, (NodeIdx, Member<u64>)>,
    /// One more than the highest index.
    bound: u32,
    /// The indices below it that are free, the latest last.
    gaps: Vec<NodeIdx>,
    epoch: Epoch,
}

/// What must come of a step.
pub(super) enum Expected {
    /// It is made, unless a limit of the placement stands against it.
    Made,
    /// There is nothing to do.
    Nothing,
    /// It is refused, for this reason.
    Refused(MembershipError),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made => f.write_str("no error"),
            Self::Nothing => f.write_str("no error, the node has that weight"),
            Self::Refused(reason @ MembershipError::Duplicate { .. }) => {
                write!(f, "{reason}, which precedes all else")
            }
            Self::Refused(reason) => reason.fmt(f),
        }
    }
}

impl Model {
    /// Of members without duplicates.
    pub(super) fn new(members: &[Member<u64>], epoch: Epoch) -> Self {
        let mut model = Self {
            members: BTreeMap::new(),
            bound: 0,
            gaps: Vec::new(),
            epoch,
        };
        for member in members {
            model.add(member);
        }
        model.epoch = epoch;
        model
    }

    /// What must come of a step.
    pub(super) fn expect(&self, subject: &Subject<'_>, step: &Step) -> Expected {
        let id = step.id();
        let weight = match step {
            Step::Add(member) => Some(member.weight),
            Step::SetWeight(_, weight) => Some(*weight),
            Step::Remove(_) => None,
        };
        match (step, self.members.get(&id)) {
            (Step::Add(_), Some(_)) => Expected::Refused(MembershipError::Duplicate { id }),
            (Step::Remove(_) | Step::SetWeight(..), None) => {
                Expected::Refused(MembershipError::Unknown { id })
            }
            (Step::SetWeight(_, weight), Some((_, member))) if member.weight == *weight => {
                Expected::Nothing
            }
            (Step::Remove(_), Some((index, _))) => match self.last() {
                Some((highest, last))
                    if highest != *index && !subject.capabilities().arbitrary_removal =>
                {
                    let algorithm = NAMELESS;
                    Expected::Refused(MembershipError::NotLast {
                        id,
                        last,
                        algorithm,
                    })
                }
                _ => Expected::Made,
            },
            _ => match weight.and_then(|weight| unweighted(subject, id, weight)) {
                Some(reason) => Expected::Refused(reason),
                None => Expected::Made,
            },
        }
    }

    /// The member of the highest index.
    fn last(&self) -> Option<(NodeIdx, NodeId)> {
        let indices = self.members.iter().map(|(&id, &(index, _))| (index, id));
        indices.max()
    }

    /// Makes a step that is expected to be made.
    pub(super) fn apply(&mut self, step: &Step) {
        match step {
            Step::Add(member) => self.add(member),
            Step::Remove(id) => self.remove(*id),
            Step::SetWeight(id, weight) => {
                if let Some((_, member)) = self.members.get_mut(id) {
                    member.weight = *weight;
                }
            }
        }
        self.epoch = self.epoch.next();
    }

    fn add(&mut self, member: &Member<u64>) {
        let index = self.gaps.pop().unwrap_or_else(|| {
            self.bound += 1;
            NodeIdx(self.bound - 1)
        });
        let id = NodeId(member.node);
        self.members.insert(id, (index, member.clone()));
    }

    fn remove(&mut self, id: NodeId) {
        if let Some((index, _)) = self.members.remove(&id) {
            if self.gaps.is_empty() && index.0 + 1 == self.bound {
                self.bound -= 1;
            } else {
                self.gaps.push(index);
            }
        }
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&Member<u64>> {
        Some(&self.members.get(&id)?.1)
    }

    /// The members in the order of their identities.
    pub(super) fn members(&self) -> Vec<Member<u64>> {
        (self.members.values())
            .map(|(_, member)| member.clone())
            .collect()
    }

    /// Compares all that a placement says of its members.
    #[track_caller]
    pub(super) fn check(&self, moment: Moment<'_>, placement: &dyn Membership<Node = u64>) {
        let roster = placement.roster();
        let (len, is_empty) = (self.members.len(), self.members.is_empty());
        let what = format_args!("epoch ({})", moment.after.epoch_rule());
        moment.equal(&placement.epoch(), &self.epoch, what);
        moment.equal(&placement.len(), &len, format_args!("len"));
        moment.equal(&placement.is_empty(), &is_empty, format_args!("is_empty"));
        moment.equal(&roster.len(), &len, format_args!("roster's len"));
        let total = self
            .members
            .values()
            .map(|(_, m)| u64::from(m.weight.get()));
        moment.equal(
            &roster.total_weight(),
            &total.sum(),
            format_args!("total weight"),
        );
        let listed: Vec<_> = (roster.iter())
            .map(|m| (m.index, (m.id, *m.node, m.weight, m.locality)))
            .collect();
        let expected: BTreeMap<_, _> = (self.members.iter())
            .map(|(&id, (index, m))| (*index, (id, m.node, m.weight, m.locality)))
            .collect();
        moment.equal(
            &listed,
            &expected.into_iter().collect(),
            format_args!(
                "members by index (which a node keeps, and of which the one freed last is the next)"
            ),
        );
        for (&id, (index, member)) in &self.members {
            moment.equal(&roster.find(id), &Some(*index), format_args!("find({id})"));
            let node = placement.node(*index);
            moment.equal(&node, &Some(&member.node), format_args!("node({index})"));
        }
        let gaps = self.gaps.iter().copied();
        for index in gaps.chain([NodeIdx(self.bound), NodeIdx(u32::MAX)]) {
            moment.check(
                placement.node(index).is_none() && roster.get(index).is_none(),
                format_args!("{index} is no member's, and yet one is found there"),
            );
        }
    }
}
