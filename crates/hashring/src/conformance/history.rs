//! A placement through a history of changes, with a naive model beside it.

use super::draw::{self, Draw};
use super::model::{Expected, Model};
use super::refusal::{check_refused_list, fault, is_limit, is_same};
use super::step::{After, Moment, Step};
use super::subject::{Case, Subject};
use crate::{BuildError, KeyHash, Member, Membership, MembershipError, NodeId, NodeIdx};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// A placement and the members that it should have by now.
///
/// Every [`step`](Self::step) is made on both. It panics when the placement answers a step otherwise
/// than it promises, keeps other members, indices or epoch than the model, moves a key that it
/// promises not to move, gives a key to a node that takes none, or leaves a trace of a step that it
/// refused.
///
/// ```
/// use purlin_hashring::conformance::{History, Step, Subject};
/// use purlin_hashring::{Member, NodeId, Weight};
///
/// fn drive(subject: &Subject<'_>) {
///     let members = vec![Member::new(1), Member::new(2)];
///     let mut history = History::new(subject, members, 0).expect("two members");
///     history.step(&Step::Add(Member::new(3)));
///     history.step(&Step::Add(Member::new(3))); // refused, without a trace
///     history.step(&Step::Remove(NodeId(3)));
///     assert_eq!(history.placement().len(), 2);
/// }
/// ```
pub struct History<'a> {
    subject: &'a Subject<'a>,
    placement: Box<dyn Membership<Node = u64>>,
    model: Model,
    keys: Vec<KeyHash>,
    owners: Vec<Option<NodeId>>,
    case: Case,
}

/// How many keys are followed through a history.
const KEYS: usize = 64;
/// How many of them are looked up in all ways after every step.
const SEARCHED: usize = 4;

impl<'a> History<'a> {
    /// Builds the placement of these members. Keys come from the seed.
    ///
    /// # Errors
    ///
    /// What the constructor said, where it rightly refused them.
    ///
    /// # Panics
    ///
    /// When members are accepted that should be refused, or refused without reason.
    #[track_caller]
    pub fn new(
        subject: &'a Subject<'a>,
        members: Vec<Member<u64>>,
        seed: u64,
    ) -> Result<Self, BuildError> {
        let case = Case {
            property: "history",
            seed,
        };
        Self::start(subject, members, case)
    }

    #[track_caller]
    pub(super) fn start(
        subject: &'a Subject<'a>,
        members: Vec<Member<u64>>,
        case: Case,
    ) -> Result<Self, BuildError> {
        let placement = subject.try_build(members.clone());
        let placement = match placement {
            Ok(placement) => placement,
            Err(error) => {
                check_refused_list(subject, case, &members, &error);
                return Err(error);
            }
        };
        for (position, member) in members.iter().enumerate() {
            if let Some(reason) = fault(subject, &members, position) {
                case.fail(format_args!(
                    "{member:?} was accepted by the constructor, though {reason}"
                ));
            }
        }
        let keys = Draw::new(subject, case.seed).keys(KEYS);
        let mut history = Self {
            subject,
            model: Model::new(&members, placement.epoch()),
            owners: Vec::new(),
            placement,
            keys,
            case,
        };
        history.check_state(After::Build);
        history.owners = draw::owners(&*history.placement, &history.keys);
        Ok(history)
    }

    /// The placement as it is by now.
    #[must_use]
    pub fn placement(&self) -> &dyn Membership<Node = u64> {
        &*self.placement
    }

    /// The members as they should be by now, in the order of their identities.
    #[must_use]
    pub fn members(&self) -> Vec<Member<u64>> {
        self.model.members()
    }

    /// Asks for a change, and checks all that should and should not come of it.
    ///
    /// Of several reasons to refuse it, the first of these is expected: that the node is a member
    /// already, or is none; then what the algorithm cannot do. Setting the weight that a node has
    /// is never refused.
    ///
    /// # Panics
    ///
    /// When something else comes of it.
    #[track_caller]
    pub fn step(&mut self, step: &Step) {
        let expected = self.model.expect(self.subject, step);
        let before = self.model.clone();
        let answer = self.ask(step);
        let after = match (&answer, &expected) {
            (Ok(()), Expected::Made) => {
                self.model.apply(step);
                After::Made(step)
            }
            (Ok(()), Expected::Nothing) => After::Nothing(step),
            (Ok(()), Expected::Refused(reason)) => self
                .case
                .fail(format_args!("{step} was made, though {reason}")),
            (Err(found), expected) => {
                self.case.check(
                    self.is_justified(step, found, expected),
                    format_args!(
                        "{step} was refused without reason: {found}; expected: {expected}"
                    ),
                );
                After::Refused(step, found)
            }
        };
        self.check_state(after);
        let owners = draw::owners(&*self.placement, &self.keys);
        if after.is_made() {
            self.check_movement(step, &before, &owners);
        } else {
            let moment = self.moment(after);
            for (at, &key) in self.keys.iter().enumerate() {
                let what = format_args!("owner of {key:?}, which nothing moves");
                moment.equal(&owners[at], &self.owners[at], what);
            }
        }
        self.owners = owners;
    }

    fn moment<'m>(&self, after: After<'m>) -> Moment<'m> {
        let case = self.case;
        Moment { case, after }
    }

    /// Whether a step can be refused for this reason.
    fn is_justified(&self, step: &Step, found: &MembershipError, expected: &Expected) -> bool {
        match expected {
            Expected::Refused(reason) if is_same(found, reason) => true,
            // Both are true of a member that cannot have its weight where no other has room.
            Expected::Made | Expected::Refused(MembershipError::Unweighted { .. }) => {
                is_limit(found, self.placement.len()) && self.grows(step)
            }
            _ => false,
        }
    }

    /// Asks the placement, and checks what comes back beside yes or no.
    #[track_caller]
    fn ask(&mut self, step: &Step) -> Result<(), MembershipError> {
        match step {
            Step::Add(member) => match self.placement.add(member.clone()) {
                Ok(index) => {
                    let id = NodeId(member.node);
                    let found = self.placement.roster().find(id);
                    let what = format_args!("the answer to {step}, and where it is found");
                    self.case.equal(&Some(index), &found, what);
                    Ok(())
                }
                Err(refused) => {
                    let what = format_args!("the refused member of {step}");
                    self.case.equal(&refused.member, member, what);
                    Err(refused.reason)
                }
            },
            Step::Remove(id) => {
                let removed = self.placement.remove(*id)?;
                let what = format_args!("the answer to {step}");
                self.case.equal(&Some(&removed), &self.model.get(*id), what);
                Ok(())
            }
            Step::SetWeight(id, weight) => {
                let former = self.placement.set_weight(*id, *weight)?;
                let what = format_args!("the answer to {step}, which is the former weight");
                let known = self.model.get(*id).map(|member| member.weight);
                self.case.equal(&Some(former), &known, what);
                Ok(())
            }
        }
    }

    #[track_caller]
    fn check_state(&self, after: After<'_>) {
        let moment = self.moment(after);
        self.model.check(moment, &*self.placement);
        self.placement.check_invariants();
        let active = draw::active(&*self.placement);
        for &key in &self.keys {
            let owner = draw::owner(&*self.placement, key);
            let takes_keys =
                |id| (self.model.get(id)).is_some_and(|member| !member.weight.is_drain());
            moment.check(
                owner.map_or(active == 0, takes_keys),
                format_args!("{active} nodes take keys, and {key:?} belongs to {owner:?}"),
            );
        }
        for &key in &self.keys[..SEARCHED] {
            self.check_lookups(moment, key, active);
        }
    }

    /// That all ways to look a key up agree.
    #[track_caller]
    fn check_lookups(&self, moment: Moment<'_>, key: KeyHash, active: usize) {
        let owner = self.placement.owner(key);
        let anyone = self.placement.owner_where(key, &mut |_| true);
        let what = format_args!("owner_where that accepts all, for {key:?}");
        moment.equal(&anyone, &owner, what);
        let other = self
            .placement
            .owner_where(key, &mut |node| Some(node) != owner);
        moment.check(
            other.is_some() == (active > 1) && (other.is_none() || other != owner),
            format_args!("of {active} nodes, {key:?} prefers {other:?} after {owner:?}"),
        );
        let mut replicas = [NodeIdx(u32::MAX); 3];
        let found = self.placement.replicas(key, &mut replicas);
        let what = format_args!("number of replicas of {key:?} among {active} nodes");
        moment.equal(&found, &active.min(3), what);
        for (at, node) in replicas[..found].iter().enumerate() {
            let takes_keys = self.placement.owner_where(key, &mut |other| other == *node);
            moment.check(
                !replicas[..at].contains(node)
                    && takes_keys == Some(*node)
                    && (at > 0 || Some(*node) == owner),
                format_args!("replicas of {key:?}: {replicas:?}, its owner: {owner:?}"),
            );
        }
    }

    /// Whether a step adds a node or weight.
    fn grows(&self, step: &Step) -> bool {
        match step {
            Step::Add(_) => true,
            Step::Remove(_) => false,
            Step::SetWeight(id, weight) => {
                (self.model.get(*id)).is_some_and(|member| member.weight < *weight)
            }
        }
    }

    /// That no key moved but those that must.
    #[track_caller]
    fn check_movement(&self, step: &Step, before: &Model, owners: &[Option<NodeId>]) {
        let id = step.id();
        let weight = |model: &Model| model.get(id).map_or(0, |member| member.weight.get());
        let grows = weight(&self.model) >= weight(before);
        let can = self.subject.capabilities();
        let minimal = if grows {
            can.minimal_add
        } else {
            can.minimal_remove
        };
        for (at, &key) in self.keys.iter().enumerate() {
            let (old, new) = (self.owners[at], owners[at]);
            let due = if grows { new } else { old };
            self.case.check(
                !minimal || old == new || due == Some(id),
                format_args!("{step} moved {key:?} from {old:?} to {new:?}"),
            );
        }
    }
}

impl fmt::Debug for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("members", &self.members())
            .finish_non_exhaustive()
    }
}
